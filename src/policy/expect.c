/* SPDX-License-Identifier: Apache-2.0 */
#include <assay/policy.h>

#include <stdlib.h>
#include <string.h>

#include "core/checks.h"

enum { NAME_MAX_LEN = 64 };

/* Edits between two words, for the nearest right name. */
static size_t
edits(const char *a, const char *b)
{
	size_t row[NAME_MAX_LEN + 1], n = strlen(b);

	if (n > NAME_MAX_LEN)
		return SIZE_MAX;
	for (size_t j = 0; j <= n; j++)
		row[j] = j;
	for (size_t i = 0; a[i] != '\0'; i++) {
		size_t diagonal = row[0];
		row[0] = i + 1;
		for (size_t j = 0; j < n; j++) {
			size_t best = diagonal + (a[i] != b[j] ? 1 : 0);
			diagonal = row[j + 1];
			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (diagonal + 1 < best)
				best = diagonal + 1;
			row[j + 1] = best;
		}
	}
	return row[n];
}

static const char *
nearest(const char *claim)
{
	const char *best = "", *name;
	size_t least = SIZE_MAX;

	for (size_t i = 0; (name = assay_schema_name(i)) != NULL; i++)
		if (edits(claim, name) < least) {
			least = edits(claim, name);
			best = name;
		}
	return best;
}

static bool
read_number(uint64_t *out, const char *text)
{
	unsigned base = 10;
	uint64_t n = 0;

	if (text[0] == '0' && text[1] == 'x') {
		base = 16;
		text += 2;
	}
	if (*text == '\0')
		return false;
	for (; *text != '\0'; text++) {
		unsigned digit = *text >= '0' && *text <= '9' ? (unsigned)(*text - '0')
		    : (*text | 0x20) >= 'a' && (*text | 0x20) <= 'f'
		    ? (unsigned)((*text | 0x20) - 'a' + 10)
		    : 16;
		if (digit >= base || n > (UINT64_MAX - digit) / base)
			return false;
		n = n * base + digit;
	}
	*out = n;
	return true;
}

static enum assay_code
equals_bytes(bool *same, struct assay_bytes got, const char *value)
{
	struct assay_bytes text = assay_bytes_of(value);

	if (text.len >= 2 && value[0] == '0' && (value[1] | 0x20) == 'x')
		text = (struct assay_bytes){ text.ptr + 2, text.len - 2 };
	uint8_t *want = malloc(text.len / 2 + 1);
	if (want == NULL)
		return ASSAY_E_NOMEM;
	bool hex = assay_unhex(want, text.len / 2, text);
	*same = hex && assay_bytes_equal(got, (struct assay_bytes){ want, text.len / 2 });
	free(want);
	return hex ? ASSAY_OK : ASSAY_E_USAGE;
}

/* Does the claim equal what the text says? ASSAY_E_USAGE: the text is not of the claim's type. */
static enum assay_code
equals(bool *same, const struct assay_claims *claims, size_t i, const char *value)
{
	uint64_t number;
	int64_t time;

	*same = false;
	switch (assay_schema_type(i)) {
	case ASSAY_TYPE_BOOL:
		if (strcmp(value, "true") != 0 && strcmp(value, "false") != 0)
			return ASSAY_E_USAGE;
		*same = assay_claims_bool(claims, i) == (strcmp(value, "true") == 0);
		return ASSAY_OK;
	case ASSAY_TYPE_UINT:
		if (!read_number(&number, value))
			return ASSAY_E_USAGE;
		*same = assay_claims_uint(claims, i) == number;
		return ASSAY_OK;
	case ASSAY_TYPE_TIME:
		if (!assay_time_parse(&time, assay_bytes_of(value)))
			return ASSAY_E_USAGE;
		*same = assay_claims_time(claims, i) == time;
		return ASSAY_OK;
	case ASSAY_TYPE_TEXT:
		*same = strcmp(assay_claims_text(claims, i), value) == 0;
		return ASSAY_OK;
	case ASSAY_TYPE_BYTES:
		return equals_bytes(same, assay_claims_bytes(claims, i), value);
	case ASSAY_TYPE_LIST:
		break;
	}
	return ASSAY_E_USAGE;
}

static void
say_got(char *out, size_t size, const struct assay_claims *claims, size_t i)
{
	char time[ASSAY_TIME_TEXT];

	switch (assay_schema_type(i)) {
	case ASSAY_TYPE_BOOL:
		(void)snprintf(out, size, "%s", assay_claims_bool(claims, i) ? "true" : "false");
		return;
	case ASSAY_TYPE_UINT:
		(void)snprintf(out, size, "%llu", (unsigned long long)assay_claims_uint(claims, i));
		return;
	case ASSAY_TYPE_TIME:
		assay_time_text(time, assay_claims_time(claims, i));
		(void)snprintf(out, size, "%s", time);
		return;
	case ASSAY_TYPE_BYTES:
		(void)snprintf(
		    out, size, "%s", assay_quote_hex(assay_claims_bytes(claims, i)).text);
		return;
	case ASSAY_TYPE_TEXT:
	case ASSAY_TYPE_LIST:
		break;
	}
	(void)snprintf(
	    out, size, "%s", assay_quote(assay_bytes_of(assay_claims_text(claims, i))).text);
}

enum assay_code
assay_policy_expect(struct assay_checks *checks, const struct assay_claims *claims,
    const char *claim, const char *value, struct assay_error *err)
{
	char detail[200], got[80];
	bool same;
	size_t i;

	if (!assay_schema_find(claim, &i))
		return assay_fail(err, ASSAY_E_USAGE, "there is no claim %s; the nearest is \"%s\"",
		    assay_quote(assay_bytes_of(claim)).text, nearest(claim));
	enum assay_code rc = equals(&same, claims, i, value);
	if (rc == ASSAY_E_NOMEM)
		return assay_fail_nomem(err);
	if (rc != ASSAY_OK)
		return assay_fail(err, rc, "%s: %s is not of its type", claim,
		    assay_quote(assay_bytes_of(value)).text);
	if (!assay_claims_has(claims, i)) {
		(void)assay_check_expect(
		    checks, claim, false, "the evidence does not make this claim");
		return assay_checks_conclude(checks, err);
	}
	say_got(got, sizeof got, claims, i);
	(void)snprintf(
	    detail, sizeof detail, "is %s, want %s", got, assay_quote(assay_bytes_of(value)).text);
	(void)assay_check_expect(checks, claim, same, same ? "as expected" : detail);
	return assay_checks_conclude(checks, err);
}
