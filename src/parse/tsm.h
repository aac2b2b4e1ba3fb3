/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAY_TSM_H
#define ASSAY_TSM_H

/* What the kernel's configfs-tsm gave, in one map: as JSON (application/vnd.veraison.configfs-tsm+json,
 * ...tsm-report+json) and as CBOR (application/vnd.veraison.tsm-report+cbor). Source: the Veraison
 * project's samples; Linux, Documentation/ABI/testing/configfs-tsm-report. */

#include "parse/bundle.h"

struct tsm_report {
	struct assay_bytes outblob, auxblob, manifestblob; /* of the input, or of store */
	char provider[BUNDLE_PROVIDER_MAX + 1];            /* without the newline of configfs */
	bool svsm;                                         /* service_provider is svsm */
	uint8_t *store;                                    /* values that were base64 */
};

/* True for JSON with a member outblob. */
bool assay_tsm_recognise(struct assay_bytes in);
/*
 * Errors  ASSAY_E_FORMAT: no outblob or provider, a member that is none of configfs, a manifest
 *         without svsm or svsm without a manifest; ASSAY_E_NOMEM.
 * Proves  Nothing. assay_tsm_clear() frees what out owns; `in` must outlive it.
 */
ASSAY_MUST_USE enum assay_code assay_tsm_parse_json(
    struct tsm_report *out, struct assay_bytes in, const char *what, struct assay_error *err);
ASSAY_MUST_USE enum assay_code assay_tsm_parse_cbor(
    struct tsm_report *out, struct assay_bytes in, const char *what, struct assay_error *err);
void assay_tsm_clear(struct tsm_report *tsm);

#endif
