/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAY_POLICY_VALUE_H
#define ASSAY_POLICY_VALUE_H

/* Values as people write them, read by the type of the claim that they are compared with. */

#include <assay/claims.h>

#include "core/core.h"

/* A truth value, a number or a time is one number, in the order of its type; text and bytes are
 * bytes. */
struct literal {
	uint64_t number;
	struct assay_bytes bytes;
};

/* How many bytes buf needs for a text of this length. */
enum { LITERAL_ROOM = 1 };
#define LITERAL_SIZE(n) ((n) / 2 + LITERAL_ROOM)

/*
 * true and false; numbers in decimal or with 0x; RFC 3339 times in UTC; plain text; hex with or without
 * 0x. Of a list: one of its texts. False: the text is not of the type. out->bytes is text itself or
 * lies in buf, and empty of a number.
 */
bool assay_literal_read(
    struct literal *out, uint8_t *buf, enum assay_type type, struct assay_bytes text);
/* The same of a claim that the claims make; not of a list. */
struct literal assay_literal_of(const struct assay_claims *claims, size_t i);

/* A claim's value for a sentence: one line, printable, cut short. hex: numbers as 0x... */
void
assay_literal_say(char *out, size_t size, const struct assay_claims *claims, size_t i, bool hex);
/* Text for a sentence: as it is when it is one plain word, else quoted. */
struct assay_quoted assay_literal_word(struct assay_bytes text);

/* The name at which next() is nearest to a wrong one: the fewest edits. next() gives NULL at the end. */
const char *assay_nearest(struct assay_bytes wrong, const char *(*next)(size_t n));

/* What comparisons of a type can mean, for messages: "a number, decimal or 0x...". */
const char *assay_type_wants(enum assay_type type);

#endif
