/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAY_POLICY_REFERENCES_H
#define ASSAY_POLICY_REFERENCES_H

/* Sets of reference values by name, for the compiler of policies. */

#include <assay/policy.h>

#include "policy/value.h"

enum {
	REFERENCES_DOCUMENT_MAX = 16 * 1024 * 1024,
	REFERENCES_SETS_MAX = 1024, /* of all documents */
	REFERENCES_NAME_MAX = 128,
};

struct reference_set {
	char *name;    /* "web/mrtd" */
	uint32_t tees; /* whose evidence it is about: a bit for each of assay_tees[] */
	size_t claim;  /* its place in the schema */
	struct literal *values;
	size_t count;
	uint8_t *store; /* the bytes of the values */
};

struct assay_references {
	struct reference_set *sets;
	size_t count;
};

/* NULL if there is none. */
const struct reference_set *
assay_references_find(const struct assay_references *refs, struct assay_bytes name);

#endif
