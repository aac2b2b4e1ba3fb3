/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAY_SEV_LAUNCH_H
#define ASSAY_SEV_LAUNCH_H

/* The proof of a guest of legacy SEV, held against its owner's record of the launch. */

#include "verify/run.h"

/* What it came to. */
struct sev_bound {
	const char *binding; /* the claim: "vm", "weak", "none" */
	bool answered; /* report and proof answer the report data that were asked for: these */
	uint8_t report_data[ASSAY_REPORT_DATA_SIZE];
};

/*
 * Writes the rows of the proof, and of the report data if there is one; and the claims of the launch
 * record. cek and pek: those under which the report was verified; NULL if there are none, which is a
 * row elsewhere.
 */
void assay_sev_check_proof(struct sev_bound *out, struct run *run, const struct assay_evidence *ev,
    const struct sev_cert *cek, const struct sev_cert *pek);

/* Whether MNONCE is the hash of these report data and of the proof's working key. */
bool assay_sev_answers(const struct assay_evidence *ev, const uint8_t *report_data);

#endif
