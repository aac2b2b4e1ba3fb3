/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAY_TLS_ENARX_H
#define ASSAY_TLS_ENARX_H

/* What Enarx puts into its certificate requests, 1.3.6.1.4.1.58270.1.2 (SGX) and .3 (SEV-SNP): evidence
 * and the collateral that goes with it, in DER. Source: enarx/steward, crates/attestation. */

#include "core/core.h"

enum { ENARX_ITEMS_MAX = 16 };

struct enarx_evidence {
	struct assay_bytes evidence;               /* a quote, or a report */
	struct assay_bytes items[ENARX_ITEMS_MAX]; /* certificates, CRLs, TCB info */
	size_t item_count;
};

/* Errors: ASSAY_E_FORMAT. Slices of in. Proves nothing. */
ASSAY_MUST_USE enum assay_code
assay_enarx_sgx(struct enarx_evidence *out, struct assay_bytes in, struct assay_error *err);
ASSAY_MUST_USE enum assay_code
assay_enarx_snp(struct enarx_evidence *out, struct assay_bytes in, struct assay_error *err);

#endif
