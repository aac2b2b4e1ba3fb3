/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAY_PARSE_BUNDLE_H
#define ASSAY_PARSE_BUNDLE_H

/* What the items of a bundle are called, for its writer and its reader. Format: docs/bundle.md. */

#include <assay/bundle.h>

#include "core/core.h"

/* In the order in which they stand in a bundle: that of their encoded labels, RFC 8949, 4.2.1. */
enum bundle_part {
	BUNDLE_PROOF,
	BUNDLE_EVENTLOG,
	BUNDLE_EVIDENCE,
	BUNDLE_MANIFEST,
	BUNDLE_PROVIDER,
	BUNDLE_COLLATERAL,
	BUNDLE_CERTIFICATES,
	BUNDLE_PARTS
};

enum {
	BUNDLE_MAX = 4 << 20,      /* the whole of it */
	BUNDLE_PART_MAX = 2 << 20, /* a CCEL area has up to 1 MiB */
	BUNDLE_PROVIDER_MAX = 64,
	BUNDLE_PROOF_MAX = 4 << 10,
};

struct bundle_label {
	const char *label;
	const char *type; /* NULL for evidence: it depends on the TEE */
	unsigned indicator;
	size_t max; /* bytes */
};
extern const struct bundle_label assay_bundle_labels[BUNDLE_PARTS];

/* The part that bears this label; BUNDLE_PARTS if none does. */
enum bundle_part assay_bundle_part(struct assay_bytes label);
/* A name of letters, digits, '_', '-' and '.', at most BUNDLE_PROVIDER_MAX of them. */
bool assay_bundle_provider_ok(struct assay_bytes name);
/* What a type of evidence names: "tdx" of "application/vnd.assay.tdx"; empty if it is no such type.
 * Whether there is such a TEE is not looked at. */
struct assay_bytes assay_bundle_tee_of(struct assay_bytes type);

#endif
