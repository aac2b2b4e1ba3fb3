/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAY_SIGNED_JSON_H
#define ASSAY_SIGNED_JSON_H

/* What the readers of Intel's signed JSON share. */

#include "parse/tcb.h"

/*
 * Takes members one after another. The first that is not as it must be refuses; all that is taken
 * after it is empty. So a document is read in a straight line, and rc is looked at once at its end
 * and wherever a taken value steers a loop.
 */
struct json_walk {
	const char *what; /* names the file in messages */
	struct assay_error *err;
	enum assay_code rc; /* sticky */
	char where[64];     /* the place in the document: "tcbLevels[3]." */
	size_t max;         /* bytes of text; 0: TCB_JSON_MAX */
	const char *remedy; /* what to do about a refusal; NULL: "fetch the file anew" */
};

/* Where the walk stands from now on, for messages. */
void assay_json_at(struct json_walk *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* got may be NULL: the member is missing. */
void
assay_json_refuse(struct json_walk *w, const char *name, const json_t *got, const char *must_be);

json_t *assay_json_object(struct json_walk *w, const json_t *from, const char *name);
/* An array of min to max elements; NULL and *count 0 if it is refused. */
json_t *assay_json_array(struct json_walk *w, const json_t *from, const char *name, size_t min,
    size_t max, size_t *count);
/* Printable ASCII, 1 to max characters; "" if it is refused. */
const char *assay_json_text(struct json_walk *w, const json_t *from, const char *name, size_t max);
/* An integer from 0 to max: not a fraction, not a string of digits. */
uint64_t assay_json_uint(struct json_walk *w, const json_t *from, const char *name, uint64_t max);
/* Exactly n bytes in hex of either case. */
void
assay_json_hex(struct json_walk *w, const json_t *from, const char *name, uint8_t *out, size_t n);
int64_t assay_json_time(struct json_walk *w, const json_t *from, const char *name);

/* Zeroed memory; NULL, and rc set, when there is none. */
void *assay_json_alloc(struct json_walk *w, size_t count, size_t size);

/* tcbStatus, tcbDate and advisoryIDs of one level. */
void assay_json_verdict(struct json_walk *w, const json_t *level, struct tcb_verdict *out);
void assay_json_verdict_clear(struct tcb_verdict *verdict);

/* tcbLevels of a module or an enclave, sorted; where is their owner's place: "tdxModule." */
void assay_json_svn_levels(struct json_walk *w, const json_t *from, const char *where,
    struct svn_level **levels, size_t *count);
void assay_json_svn_levels_clear(struct svn_level *levels, size_t count);

/* Reads the text once, finds the signed bytes, and takes what every document has. Returns the
 * object called member; on a refusal NULL, and doc->root may still be set. */
json_t *assay_signed_json_open(
    struct json_walk *w, struct signed_json *doc, struct assay_bytes in, const char *member);

/*
 * The next member of the object that a text holds, by its raw bytes; *at starts at 0. False at the
 * end, and where the text is no object. Does not check the syntax of values: braces outside of
 * strings decide where they end, which is exact for a text that is JSON.
 */
bool assay_json_member(
    struct assay_bytes *name, struct assay_bytes *value, struct assay_bytes text, size_t *at);

/* jansson's tree of a text without duplicate members; NULL, and rc set, if there is none. */
json_t *assay_json_load(struct json_walk *w, struct assay_bytes text);

#endif
