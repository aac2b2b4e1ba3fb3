/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAYD_KBS_ANNOTATE_H
#define ASSAYD_KBS_ANNOTATE_H

/* The annotated evidence of a token: facts by the names that policies of the peers know. */

#include <assay/claims.h>

#include "evidence.h"

/* What stands beside the facts of the evidence. */
struct kbs_beside {
	const char *nonce; /* of the challenge, plain text */
	const char *key;   /* the workload's, JSON */
	const char
	    *init_claims; /* JSON; NULL: no init-data, or none that the evidence vouches for */
};

/*
 * {"tdx":{..},"report_data":hex,"init_data":hex,"init_data_claims":..,"runtime_data_claims":{..}}. The
 * caller frees; NULL: no memory. Event logs are left out: they are large, and can hold what users typed.
 *
 * claims  Of evidence that was verified; of the same ev.
 */
char *kbs_annotate(const struct assay_evidence *ev, const struct assay_claims *claims,
    const struct kbs_beside *beside);
char *kbs_annotate_sample(const struct kbs_sample *sample, const struct kbs_beside *beside);

/* The field that init-data is bound to: MRCONFIGID, HOST_DATA, CONFIGID. Empty if there is none. */
struct assay_bytes kbs_init_field(const char *tee, const struct assay_claims *claims);
/* The place of a claim in the schema, by its name; looked up once for the few that are asked for often. */
struct assay_bytes kbs_claim_bytes(const struct assay_claims *claims, const char *name);

#endif
