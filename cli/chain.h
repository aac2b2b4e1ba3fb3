/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAY_CLI_CHAIN_H
#define ASSAY_CLI_CHAIN_H

/* The chain of an audit log, as docs/audit.md describes it: each row is hashed with the hash of the one
 * before, and now and then the server signs how far it got. */

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <assay/jose.h>

enum { CHAIN_HASH = 32, CHAIN_NODE = 64, CHAIN_WHY = 400 };

/* A signed head: so many rows there were, the last with this hash. */
struct chain_head {
	int64_t rows, time;
	uint8_t hash[CHAIN_HASH];
	char node[CHAIN_NODE + 1];
};

struct chain {
	const struct assay_jwks
	    *known; /* whose heads are believed; NULL: the keys in the log itself */
	const struct chain_head
	    *since; /* a head that was kept; NULL: none; its key signs the others, too */
	const char *since_jws;
	char since_kid[ASSAY_KID_TEXT];
	bool begun;
	int64_t first, rows;      /* the first row that was seen, and the last */
	uint8_t hash[CHAIN_HASH]; /* of the last */
	char node[CHAIN_NODE + 1];
	size_t heads;
	struct chain_head head;   /* the last that was good, */
	char *head_jws;           /* as it is signed, */
	char kid[ASSAY_KID_TEXT]; /* and by whom */
	bool met;                 /* since stands in the chain */
	char why[CHAIN_WHY];      /* what is wrong */
};

/* Reads a signed head. Keys as chain_add() has them. */
ASSAY_MUST_USE enum assay_code chain_head_read(struct chain_head *out, char kid[ASSAY_KID_TEXT],
    const char *jws, const struct assay_jwks *keys, struct assay_error *err);
/* The same without its signature, for where it begins; verified once the keys are known. */
bool chain_head_peek(struct chain_head *out, const char *jws);

/*
 * Checks the next part of a log, an answer of GET /v1/admin/audit/export.
 * Returns ASSAY_OK; ASSAY_E_FORMAT (it is no part of a log), ASSAY_E_SIGNATURE (rows or heads that do
 * not follow: why says which), ASSAY_E_NOMEM.
 */
ASSAY_MUST_USE enum assay_code chain_add(struct chain *c, const json_t *page);
/* After the last part: whether the log goes as far as the head that was kept. */
ASSAY_MUST_USE enum assay_code chain_end(struct chain *c);
void chain_clear(struct chain *c);

#endif
