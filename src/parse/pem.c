/* SPDX-License-Identifier: Apache-2.0 */
#include "parse/pem.h"

#include <stdlib.h>
#include <string.h>

enum { HEX_LEAST = 32, BASE64_LEAST = 64, LABEL_MAX = 64, DASHES = 5 };

/* --- PEM --------------------------------------------------------------------------------- */

bool
assay_pem_recognise(struct assay_bytes in)
{
	return assay_bytes_find(in, 0, assay_bytes_of("-----BEGIN ")) < in.len;
}

/* The label between *at and the dashes that end its line; *at moves behind them. */
static bool
take_label(struct assay_bytes *out, size_t *at, struct assay_bytes in)
{
	size_t start = *at;
	size_t end = assay_bytes_find(in, start, assay_bytes_of("-----"));

	if (end == in.len || end == start || end - start > LABEL_MAX)
		return false;
	for (size_t i = start; i < end; i++)
		if (in.ptr[i] < 0x20 || in.ptr[i] > 0x7e) /* RFC 7468 section 3: on one line */
			return false;
	*out = (struct assay_bytes){ in.ptr + start, end - start };
	*at = end + DASHES;
	return true;
}

enum assay_code
assay_pem_next(struct pem_block *out, size_t *at, struct assay_bytes in, const char *what,
    struct assay_error *err)
{
	struct assay_bytes begin = assay_bytes_of("-----BEGIN ");
	struct assay_bytes end = assay_bytes_of("-----END ");
	struct pem_block block = { .end = in.len };
	struct assay_bytes closing;
	size_t start = *at > in.len ? in.len : assay_bytes_find(in, *at, begin);
	size_t pos = start + begin.len;

	if (start == in.len) {
		*out = block;
		*at = in.len;
		return ASSAY_OK;
	}
	if (!take_label(&block.label, &pos, in))
		return assay_fail(err, ASSAY_E_FORMAT,
		    "%s: the BEGIN line of PEM at %zu has no label closed by five dashes; the file "
		    "is "
		    "damaged",
		    what, start);
	/* base64 has no dash: the next one must be the end line's. */
	const uint8_t *dash = pos < in.len ? memchr(in.ptr + pos, '-', in.len - pos) : NULL;
	size_t stop = dash != NULL ? (size_t)(dash - in.ptr) : in.len;
	if (!assay_bytes_equal(assay_bytes_at(in, stop, end.len), end))
		return assay_fail(err, ASSAY_E_FORMAT,
		    "%s: the PEM block %s at %zu has no end line; the file is cut short or damaged",
		    what, assay_quote(block.label).text, start);
	block.body = (struct assay_bytes){ in.ptr + pos, stop - pos };
	pos = stop + end.len;
	if (!take_label(&closing, &pos, in) || !assay_bytes_equal(closing, block.label))
		return assay_fail(err, ASSAY_E_FORMAT,
		    "%s: the PEM block %s at %zu is not closed by an end line of the same label; "
		    "the "
		    "file is damaged",
		    what, assay_quote(block.label).text, start);
	block.end = pos;
	*out = block;
	*at = pos;
	return ASSAY_OK;
}

/* --- whole files of text ----------------------------------------------------------------- */

static bool
white(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool
hex_digit(uint8_t c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* What the characters of a text allow it to be. */
struct census {
	size_t marks;  /* all but white space */
	size_t digits; /* hex digits */
	size_t pads;   /* '=', at the end only */
	bool standard; /* has '+' or '/' */
	bool url;      /* has '-' or '_' */
	bool other;    /* has what neither form has, or goes on after a '=' */
};

static struct census
count(struct assay_bytes in)
{
	struct census n = { 0 };

	for (size_t i = 0; i < in.len && !n.other; i++) {
		uint8_t c = in.ptr[i];
		if (white(c))
			continue;
		n.marks++;
		if (c == '=')
			n.pads++;
		else if (n.pads > 0)
			n.other = true;
		else if (hex_digit(c))
			n.digits++;
		else if (c == '+' || c == '/')
			n.standard = true;
		else if (c == '-' || c == '_')
			n.url = true;
		else if (!((c >= 'g' && c <= 'z') || (c >= 'G' && c <= 'Z')))
			n.other = true;
	}
	return n;
}

/* The text without white space, in the standard alphabet, padded; returns its length. */
static size_t
tidy(uint8_t *out, struct assay_bytes in)
{
	size_t n = 0;

	for (size_t i = 0; i < in.len; i++) {
		uint8_t c = in.ptr[i];
		if (!white(c))
			out[n++] = c == '-' ? '+' : c == '_' ? '/' : c;
	}
	return n;
}

enum assay_code
assay_untext(uint8_t **out, size_t *out_len, struct assay_bytes in, struct assay_error *err)
{
	enum { PADS = 3 };
	struct assay_bytes text = assay_bytes_trim(in);
	bool marked = text.len > 2 && text.ptr[0] == '0' && (text.ptr[1] | 0x20) == 'x';

	if (marked)
		text = (struct assay_bytes){ text.ptr + 2, text.len - 2 };
	struct census n = count(text);
	bool digits = !n.other && n.marks == n.digits;
	bool hex = digits && n.marks >= HEX_LEAST;
	bool base64 =
	    !digits && !n.other && !marked && n.marks >= BASE64_LEAST && !(n.standard && n.url);
	if (!hex && !base64) {
		*out = NULL;
		*out_len = 0;
		return ASSAY_OK;
	}

	uint8_t *data = malloc(n.marks + PADS);
	if (data == NULL)
		return assay_fail_nomem(err);
	size_t len = tidy(data, text);
	/* Both decoders stay behind what they read, so one buffer serves. */
	if (hex) {
		hex = assay_unhex(data, len / 2, (struct assay_bytes){ data, len });
		len /= 2;
	} else {
		while (n.pads == 0 && len % 4 != 0)
			data[len++] = '=';
		base64 = assay_unbase64(data, &len, (struct assay_bytes){ data, len });
	}
	if (!hex && !base64) { /* the right letters, but no base64: leave it as it is */
		free(data);
		*out = NULL;
		*out_len = 0;
		return ASSAY_OK;
	}
	*out = data;
	*out_len = len;
	return ASSAY_OK;
}
