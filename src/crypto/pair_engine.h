/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAY_PAIR_ENGINE_H
#define ASSAY_PAIR_ENGINE_H

/* A key in the engine's own form, for src/crypto alone. */

#include <openssl/evp.h>

#include "crypto/secret.h"

EVP_PKEY *assay_pair_engine(const struct assay_pair *pair); /* the caller frees; NULL: no memory */

#endif
