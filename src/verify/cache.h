/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAY_CACHE_H
#define ASSAY_CACHE_H

#include <assay/trust.h>

#include "crypto/crypto.h"

/* What was signed: a fact about a certificate says nothing about a CRL of the same bytes. */
enum fact_role {
	FACT_CERTIFICATE = 1,
	FACT_CRL,
	FACT_TCB_INFO,
	FACT_QE_IDENTITY,
	FACT_QE_REPORT,
	FACT_CERTIFICATION
};

/* "This key signed these bytes", all of it: two facts are the same when every byte is. */
struct fact {
	enum fact_role role;
	enum assay_scheme scheme;
	struct assay_public key;
	struct assay_bytes digest, signature;
};

bool assay_cache_knows(struct assay_cache *cache, const struct fact *fact);
/* Call only after the signature has verified. Forgets an older fact when there is no room; out of
 * memory it remembers nothing, which costs time and never safety. */
void assay_cache_learn(struct assay_cache *cache, const struct fact *fact);

#endif
