/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SIM_X509_PARTS_H
#define SIM_X509_PARTS_H

/* What certificates and CRLs are both made of. */

#include "pki/pki.h"

struct sim_bytes sim_alg_write(struct sim *sim, enum sim_alg alg);
struct sim_bytes sim_extension_write(struct sim *sim, const struct sim_extension *e);
/* SEQUENCE { tbs, algorithm, signature }; given: the raw signature to use instead of one made. */
struct sim_bytes sim_signed(struct sim *sim, struct sim_bytes tbs, const struct sim_key *signer,
    enum sim_alg alg, struct sim_bytes given);

#endif
