/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAY_UNWRAP_H
#define ASSAY_UNWRAP_H

/* Takes evidence, and what came along with it, out of whichever wrapper it stands in: a bundle or
 * another CMW, the JSON of configfs-tsm or of Confidential Containers. */

#include "parse/cmw.h"
#include "parse/coco.h"
#include "parse/tsm.h"

struct unwrapped {
	const char *form; /* "bundle", "configfs report", "attester's JSON"; static text */
	struct assay_bytes evidence;
	/* What the wrapper says that it is: a TEE's name; empty: by the provider. Of no fixed home:
	 * borrowed like the rest. */
	struct assay_bytes tee;
	char provider[BUNDLE_PROVIDER_MAX + 1]; /* "": it does not say */
	struct assay_bytes certificates, collateral, eventlog, manifest, proof;
	/* Own what the slices above point into, beside the input. */
	struct cmw cmw;
	struct tsm_report tsm;
	struct coco coco;
};

bool assay_unwrap_recognise(struct assay_bytes in);
/*
 * Errors  ASSAY_E_FORMAT, ASSAY_E_UNSUPPORTED, ASSAY_E_NOMEM.
 * Proves  Nothing. assay_unwrap_clear() frees what out owns; `in` must outlive it.
 */
ASSAY_MUST_USE enum assay_code
assay_unwrap(struct unwrapped *out, struct assay_bytes in, struct assay_error *err);
void assay_unwrap_clear(struct unwrapped *u);

#endif
