/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAY_COCO_H
#define ASSAY_COCO_H

/* Evidence in the JSON of Confidential Containers attesters: TDX {"cc_eventlog","quote"}, SGX
 * {"quote"}, SEV-SNP {"attestation_report","cert_chain"}, the report in members of its own. Source:
 * confidential-containers/guest-components and trustee; the `sev` crate's serialization. Of legacy SEV,
 * which they have not, {"sev_proof","sev_report"}: docs/kbs.md. The writers are assay_coco_write() and
 * assay_coco_write_sev(), <assay/bundle.h>. */

#include <assay/bundle.h>

#include "core/core.h"

enum { COCO_MAX = 6 << 20 /* 4 MiB of log and quote, in base64 */ };

struct coco {
	bool snp, sev;
	/* What the vendor's parser takes: a quote; a report with a certificate table behind it, or
	 * without. Of store. */
	struct assay_bytes evidence;
	struct assay_bytes eventlog, proof;
	uint8_t *store;
};

/* True for JSON with a member quote or sev_report that is a text, or attestation_report that is an
 * object. */
bool assay_coco_recognise(struct assay_bytes in);
/*
 * Errors  ASSAY_E_FORMAT: a member missing, unknown, of another type, out of range or of another
 *         length; ASSAY_E_NOMEM.
 * Proves  Nothing. assay_coco_clear() frees what out owns.
 */
ASSAY_MUST_USE enum assay_code assay_coco_parse(
    struct coco *out, struct assay_bytes in, const char *what, struct assay_error *err);
void assay_coco_clear(struct coco *coco);

#endif
