/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAY_CBOR_WALK_H
#define ASSAY_CBOR_WALK_H

/* CBOR (RFC 8949), item by item, over libcbor's streaming decoder: it keeps nothing, and values are
 * slices of the input. */

#include "core/core.h"

enum cbor_kind {
	CBOR_UINT,
	CBOR_NEGATIVE, /* -1 - number */
	CBOR_BYTES,
	CBOR_TEXT, /* not yet known to be UTF-8 */
	CBOR_ARRAY,
	CBOR_MAP,
	CBOR_TAG,
	CBOR_BREAK,
	CBOR_INDEFINITE_STRING,
	CBOR_OTHER /* a simple value or a float */
};

struct cbor_token {
	enum cbor_kind kind;
	bool indefinite;          /* of an array or a map */
	uint64_t number;          /* or the count of elements, or of pairs, or the tag */
	struct assay_bytes bytes; /* of a string */
};

/* As with struct json_walk: the first thing that is not as it must be refuses, all that is taken
 * after it is empty, and rc is looked at before a taken value steers a loop. */
struct cbor_walk {
	const char *what; /* names the input in messages */
	struct assay_bytes in;
	size_t pos;
	struct assay_error *err;
	enum assay_code rc; /* sticky */
};

struct cbor_token assay_cbor_next(struct cbor_walk *w);
/* token: what stands there instead. */
void assay_cbor_refuse(struct cbor_walk *w, const struct cbor_token *token, const char *must_be);
/* How many more elements a map or an array has: counts *left down, or looks for the break. */
bool assay_cbor_more(struct cbor_walk *w, const struct cbor_token *of, uint64_t *left);
/* Printable ASCII, 1 to max characters, into out with a NUL; refuses otherwise. */
void assay_cbor_text(struct cbor_walk *w, const struct cbor_token *token, char *out, size_t max,
    const char *must_be);
/* Refuses what follows the last item. */
ASSAY_MUST_USE enum assay_code assay_cbor_end(struct cbor_walk *w);

#endif
