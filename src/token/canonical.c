/* SPDX-License-Identifier: Apache-2.0 */
/* RFC 8785, JSON Canonicalization Scheme. */
#include "token/token.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
	DIGITS_MAX = 17, /* tell every double from its neighbours */
	NUMBER_MAX = 32,
	OWN_DEPTH = 4,
};

/* --- numbers: ECMA-262, Number::toString ------------------------------------------------- */

/* The digits of what printf wrote as d.ddde+x, whatever its locale's point; returns the exponent. */
static int
split(char digits[NUMBER_MAX], const char *text)
{
	const char *e = strchr(text, 'e');
	size_t n = 0;

	for (const char *p = text; p < e && n < DIGITS_MAX; p++)
		if (*p >= '0' && *p <= '9')
			digits[n++] = *p;
	digits[n] = '\0';
	return (int)strtol(e + 1, NULL, 10);
}

/* The next greater decimal of as many digits; *exponent grows when all were nines. */
static void
next_up(char *digits, int *exponent)
{
	size_t n = strlen(digits);

	while (n > 0 && digits[n - 1] == '9')
		digits[--n] = '0';
	if (n > 0) {
		digits[n - 1]++;
		return;
	}
	digits[0] = '1';
	++*exponent;
}

static bool
reads_as(double v, const char *digits, int exponent)
{
	char text[NUMBER_MAX * 2];

	/* Without a point, so that no locale has a say. */
	(void)snprintf(text, sizeof text, "%se%d", digits, exponent - (int)strlen(digits) + 1);
	return strtod(text, NULL) == v;
}

/*
 * The fewest digits that read as v, and of those the nearest to it. The nearest decimal of a length
 * may fail where the one above it does not: below a power of two doubles stand twice as dense.
 */
static int
shortest(char digits[NUMBER_MAX], double v)
{
	char text[NUMBER_MAX];
	int exponent = 0;

	for (int n = 1; n <= DIGITS_MAX; n++) {
		(void)snprintf(text, sizeof text, "%.*e", n - 1, v);
		exponent = split(digits, text);
		if (reads_as(v, digits, exponent))
			break;
		int above = exponent;
		char up[NUMBER_MAX];
		memcpy(up, digits, sizeof up);
		next_up(up, &above);
		if (reads_as(v, up, above)) {
			memcpy(digits, up, sizeof up);
			return above;
		}
	}
	return exponent;
}

static void
put_number(struct token_text *t, double v)
{
	char digits[NUMBER_MAX] = "", out[NUMBER_MAX + 24];

	if (v == 0) { /* and -0 */
		assay_token_put(t, "0");
		return;
	}
	int point = shortest(digits, fabs(v)) + 1; /* where the decimal point stands */
	int k = (int)strlen(digits);

	if (v < 0)
		assay_token_put(t, "-");
	if (k <= point && point <= 21)
		(void)snprintf(
		    out, sizeof out, "%s%.*s", digits, point - k, "000000000000000000000");
	else if (0 < point && point <= 21)
		(void)snprintf(out, sizeof out, "%.*s.%s", point, digits, digits + point);
	else if (-6 < point && point <= 0)
		(void)snprintf(out, sizeof out, "0.%.*s%s", -point, "000000", digits);
	else
		(void)snprintf(out, sizeof out, "%c%s%se%+d", digits[0], k > 1 ? "." : "",
		    digits + 1, point - 1);
	assay_token_put(t, out);
}

/* --- names: by UTF-16 units ---------------------------------------------------------------- */

/* In UTF-16 what is beyond U+FFFF begins with a surrogate, which is below U+E000; in UTF-8 it is
 * above all else. The rest of the order is the same. */
static unsigned
rank(uint8_t lead)
{
	return lead == 0xee || lead == 0xef ? lead + 0x10U : lead;
}

static int
by_utf16(const void *a, const void *b)
{
	const char *const *left = a, *const *right = b;
	const char *x = *left, *y = *right;

	while (*x == *y && *x != '\0') {
		x++;
		y++;
	}
	unsigned p = rank((uint8_t)*x), q = rank((uint8_t)*y);
	return (p > q) - (p < q);
}

static void put_value(struct token_text *t, json_t *value);

static void
put_object(struct token_text *t, json_t *object)
{
	size_t count = json_object_size(object), i = 0;
	const char **names = malloc((count + 1) * sizeof *names);
	const char *name;
	json_t *value;

	if (names == NULL) {
		t->failed = true;
		return;
	}
	json_object_foreach(object, name, value) names[i++] = name;
	qsort(names, count, sizeof *names, by_utf16);
	assay_token_put(t, "{");
	for (i = 0; i < count; i++) {
		assay_token_put(t, i > 0 ? "," : "");
		assay_token_string(t, assay_bytes_of(names[i]));
		assay_token_put(t, ":");
		put_value(t, json_object_get(object, names[i]));
	}
	assay_token_put(t, "}");
	free(names);
}

/* As deep as jansson reads, which has a limit of its own. */
static void
put_value(struct token_text *t, json_t *value)
{
	switch (json_typeof(value)) {
	case JSON_OBJECT:
		put_object(t, value);
		break;
	case JSON_ARRAY:
		assay_token_put(t, "[");
		for (size_t i = 0; i < json_array_size(value); i++) {
			assay_token_put(t, i > 0 ? "," : "");
			put_value(t, json_array_get(value, i));
		}
		assay_token_put(t, "]");
		break;
	case JSON_STRING:
		assay_token_string(t,
		    (struct assay_bytes){
			(const uint8_t *)json_string_value(value), json_string_length(value) });
		break;
	case JSON_INTEGER: /* read as reals */
	case JSON_REAL:
		put_number(t, json_number_value(value));
		break;
	case JSON_TRUE:
		assay_token_put(t, "true");
		break;
	case JSON_FALSE:
		assay_token_put(t, "false");
		break;
	case JSON_NULL:
		assay_token_put(t, "null");
		break;
	}
}

/* --- what is canonical already -------------------------------------------------------------- */

static bool
take(struct assay_bytes *text, char c)
{
	if (text->len == 0 || text->ptr[0] != (uint8_t)c)
		return false;
	text->ptr++;
	text->len--;
	return true;
}

/* A string of printable ASCII without escapes; out is what stands in it. */
static bool
take_plain(struct assay_bytes *out, struct assay_bytes *text)
{
	size_t n = 0;

	if (!take(text, '"'))
		return false;
	while (n < text->len && text->ptr[n] >= 0x20 && text->ptr[n] < 0x7f &&
	    text->ptr[n] != '"' && text->ptr[n] != '\\')
		n++;
	*out = (struct assay_bytes){ text->ptr, n };
	text->ptr += n;
	text->len -= n;
	return take(text, '"');
}

static bool
below(struct assay_bytes a, struct assay_bytes b)
{
	int order = memcmp(a.ptr, b.ptr, a.len < b.len ? a.len : b.len);

	return order < 0 || (order == 0 && a.len < b.len);
}

/* A plain string, or an object of such values whose names are plain and rise: it is its own canonical form.
 * Keys are, as most clients send them, and reading them into a tree costs twenty times what this does.
 * false says nothing. */
static bool
take_canonical(struct assay_bytes *text, unsigned depth)
{
	struct assay_bytes name, before = { NULL, 0 };

	if (!take(text, '{'))
		return take_plain(&name, text);
	if (depth == 0)
		return false;
	do {
		if (!take_plain(&name, text) || (before.ptr != NULL && !below(before, name)) ||
		    !take(text, ':') || !take_canonical(text, depth - 1))
			return false;
		before = name;
	} while (take(text, ','));
	return take(text, '}');
}

enum assay_code
assay_json_canonical(char **out, struct assay_bytes json, struct assay_error *err)
{
	struct token_text t = { .failed = false };
	json_error_t e = { .text = "" };
	struct assay_bytes rest = json;
	json_t *root;

	if (take_canonical(&rest, OWN_DEPTH) && rest.len == 0) {
		assay_token_add(&t, json);
		return assay_token_text(out, &t, err);
	}
	root = json_loadb((const char *)json.ptr, json.len,
	    JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_DECODE_INT_AS_REAL | JSON_ALLOW_NUL,
	    &e);
	if (root == NULL) {
		if (json_error_code(&e) == json_error_out_of_memory || e.text[0] == '\0')
			return assay_fail_nomem(err);
		return assay_fail(err, ASSAY_E_FORMAT,
		    "JSON: line %d, column %d: %s; it has no canonical form", e.line, e.column,
		    assay_quote(assay_bytes_of(e.text)).text);
	}
	put_value(&t, root);
	json_decref(root);
	return assay_token_text(out, &t, err);
}
