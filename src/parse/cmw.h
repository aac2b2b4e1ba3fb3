/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAY_CMW_H
#define ASSAY_CMW_H

/* The conceptual message wrapper, in the five forms that carry no signature. Source: RFC 9999. */

#include "core/core.h"

enum {
	CMW_MAX = 4 << 20,
	CMW_ITEMS_MAX = 16,
	CMW_DEPTH_MAX = 4, /* collections inside one another */
	CMW_LABEL_MAX = 64,
	CMW_TYPE_MAX = 128,
};

struct cmw_item {
	char label[CMW_LABEL_MAX + 1]; /* "" of a lone record */
	bool numbered;                 /* the label is a number, in decimal */
	bool nested;                   /* a collection: its items follow, and it has no value */
	unsigned map;                  /* items of one collection have the same number */
	char type[CMW_TYPE_MAX + 1];   /* "" where a content format stands for it */
	uint32_t format;               /* content format */
	unsigned indicator;            /* 0: none */
	struct assay_bytes value;      /* of the input, or of store */
};

struct cmw {
	bool collection;
	bool typed; /* a collection that names its type */
	char collection_type[CMW_TYPE_MAX + 1];
	struct cmw_item items[CMW_ITEMS_MAX];
	size_t count;
	uint8_t *store; /* values that were base64 */
};

/* By the first byte, of JSON the first that is no white space. */
bool assay_cmw_recognise(struct assay_bytes in);
/*
 * Errors  ASSAY_E_FORMAT; ASSAY_E_UNSUPPORTED for tags that are no content format; ASSAY_E_NOMEM.
 * Proves  Nothing. assay_cmw_clear() frees what out owns; `in` must outlive it.
 */
ASSAY_MUST_USE enum assay_code
assay_cmw_parse(struct cmw *out, struct assay_bytes in, const char *what, struct assay_error *err);
void assay_cmw_clear(struct cmw *cmw);

#endif
