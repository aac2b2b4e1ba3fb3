/* SPDX-License-Identifier: Apache-2.0 */
#include "parse/cbor_walk.h"

#include <cbor.h>
#include <string.h>

static void
set(void *context, enum cbor_kind kind, uint64_t number)
{
	struct cbor_token *t = context;

	t->kind = kind;
	t->number = number;
}

static void
on_uint8(void *context, uint8_t n)
{
	set(context, CBOR_UINT, n);
}

static void
on_uint16(void *context, uint16_t n)
{
	set(context, CBOR_UINT, n);
}

static void
on_uint32(void *context, uint32_t n)
{
	set(context, CBOR_UINT, n);
}

static void
on_uint64(void *context, uint64_t n)
{
	set(context, CBOR_UINT, n);
}

static void
on_negint8(void *context, uint8_t n)
{
	set(context, CBOR_NEGATIVE, n);
}

static void
on_negint16(void *context, uint16_t n)
{
	set(context, CBOR_NEGATIVE, n);
}

static void
on_negint32(void *context, uint32_t n)
{
	set(context, CBOR_NEGATIVE, n);
}

static void
on_negint64(void *context, uint64_t n)
{
	set(context, CBOR_NEGATIVE, n);
}

static void
on_bytes(void *context, cbor_data data, size_t len)
{
	struct cbor_token *t = context;

	set(t, CBOR_BYTES, len);
	t->bytes = (struct assay_bytes){ data, len };
}

static void
on_text(void *context, cbor_data data, size_t len)
{
	on_bytes(context, data, len);
	((struct cbor_token *)context)->kind = CBOR_TEXT;
}

static void
on_indefinite_string(void *context)
{
	set(context, CBOR_INDEFINITE_STRING, 0);
}

static void
on_array(void *context, size_t n)
{
	set(context, CBOR_ARRAY, n);
}

static void
on_indefinite_array(void *context)
{
	set(context, CBOR_ARRAY, 0);
	((struct cbor_token *)context)->indefinite = true;
}

static void
on_map(void *context, size_t n)
{
	set(context, CBOR_MAP, n);
}

static void
on_indefinite_map(void *context)
{
	set(context, CBOR_MAP, 0);
	((struct cbor_token *)context)->indefinite = true;
}

static void
on_tag(void *context, uint64_t n)
{
	set(context, CBOR_TAG, n);
}

static void
on_float(void *context, float n)
{
	(void)n;
	set(context, CBOR_OTHER, 0);
}

static void
on_double(void *context, double n)
{
	(void)n;
	set(context, CBOR_OTHER, 0);
}

static void
on_bool(void *context, bool n)
{
	(void)n;
	set(context, CBOR_OTHER, 0);
}

static void
on_simple(void *context)
{
	set(context, CBOR_OTHER, 0);
}

static void
on_break(void *context)
{
	set(context, CBOR_BREAK, 0);
}

static const struct cbor_callbacks callbacks = {
	.uint8 = on_uint8,
	.uint16 = on_uint16,
	.uint32 = on_uint32,
	.uint64 = on_uint64,
	.negint8 = on_negint8,
	.negint16 = on_negint16,
	.negint32 = on_negint32,
	.negint64 = on_negint64,
	.byte_string = on_bytes,
	.byte_string_start = on_indefinite_string,
	.string = on_text,
	.string_start = on_indefinite_string,
	.array_start = on_array,
	.indef_array_start = on_indefinite_array,
	.map_start = on_map,
	.indef_map_start = on_indefinite_map,
	.tag = on_tag,
	.float2 = on_float,
	.float4 = on_float,
	.float8 = on_double,
	.undefined = on_simple,
	.null = on_simple,
	.boolean = on_bool,
	.indef_break = on_break,
};

struct cbor_token
assay_cbor_next(struct cbor_walk *w)
{
	struct cbor_token t = { .kind = CBOR_OTHER };

	if (w->rc != ASSAY_OK)
		return t;
	if (w->pos == w->in.len) {
		w->rc = assay_fail(w->err, ASSAY_E_FORMAT,
		    "%s: ends after %zu bytes in the middle of its CBOR; it is cut short", w->what,
		    w->in.len);
		return t;
	}
	struct cbor_decoder_result got =
	    cbor_stream_decode(w->in.ptr + w->pos, w->in.len - w->pos, &callbacks, &t);
	if (got.status == CBOR_DECODER_FINISHED) {
		w->pos += got.read;
		return t;
	}
	w->rc = assay_fail(w->err, ASSAY_E_FORMAT,
	    got.status == CBOR_DECODER_NEDATA
		? "%s: the CBOR at byte %zu goes on behind the end; it is cut short or damaged"
		: "%s: byte %zu begins no CBOR; the file is damaged",
	    w->what, w->pos);
	return (struct cbor_token){ .kind = CBOR_OTHER };
}

static const char *
kind_name(const struct cbor_token *t)
{
	static const char *const names[] = {
		[CBOR_UINT] = "a number",
		[CBOR_NEGATIVE] = "a negative number",
		[CBOR_BYTES] = "a byte string",
		[CBOR_TEXT] = "a text",
		[CBOR_ARRAY] = "an array",
		[CBOR_MAP] = "a map",
		[CBOR_TAG] = "a tag",
		[CBOR_BREAK] = "a break",
		[CBOR_INDEFINITE_STRING] = "a string of indefinite length",
		[CBOR_OTHER] = "a simple value",
	};

	return names[t->kind];
}

void
assay_cbor_refuse(struct cbor_walk *w, const struct cbor_token *token, const char *must_be)
{
	if (w->rc != ASSAY_OK)
		return;
	if (token->kind == CBOR_TEXT)
		w->rc = assay_fail(w->err, ASSAY_E_FORMAT, "%s: before byte %zu stands %s, want %s",
		    w->what, w->pos, assay_quote(token->bytes).text, must_be);
	else
		w->rc = assay_fail(w->err, ASSAY_E_FORMAT, "%s: before byte %zu stands %s, want %s",
		    w->what, w->pos, kind_name(token), must_be);
}

bool
assay_cbor_more(struct cbor_walk *w, const struct cbor_token *of, uint64_t *left)
{
	if (w->rc != ASSAY_OK)
		return false;
	if (!of->indefinite)
		return (*left)-- > 0;
	if (w->pos == w->in.len || w->in.ptr[w->pos] != 0xff)
		return true; /* an end that is missing is the next token's error */
	w->pos++;
	return false;
}

void
assay_cbor_text(
    struct cbor_walk *w, const struct cbor_token *token, char *out, size_t max, const char *must_be)
{
	bool ok = token->kind == CBOR_TEXT && token->bytes.len > 0 && token->bytes.len <= max;

	for (size_t i = 0; ok && i < token->bytes.len; i++)
		ok = token->bytes.ptr[i] >= 0x20 && token->bytes.ptr[i] <= 0x7e;
	if (!ok) {
		assay_cbor_refuse(w, token, must_be);
		out[0] = '\0';
		return;
	}
	memcpy(out, token->bytes.ptr, token->bytes.len);
	out[token->bytes.len] = '\0';
}

enum assay_code
assay_cbor_end(struct cbor_walk *w)
{
	if (w->rc == ASSAY_OK && w->pos < w->in.len)
		w->rc = assay_fail(w->err, ASSAY_E_FORMAT,
		    "%s: %zu bytes follow its end; pass it alone", w->what, w->in.len - w->pos);
	return w->rc;
}
