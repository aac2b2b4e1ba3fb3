/* SPDX-License-Identifier: Apache-2.0 */
#include "query.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "text.h"

enum { VALUE_ROOM = 256 };

static int
refuse(char why[QUERY_WHY], int status, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

static int
refuse(char why[QUERY_WHY], int status, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, QUERY_WHY, fmt, ap);
	va_end(ap);
	return status;
}

/* --- parameters -------------------------------------------------------------------------- */

/* One of a path's, which may be given once: name=value, decoded. */
struct parameter {
	const char *name;
	bool given;
	char value[VALUE_ROOM];
	size_t len; /* it may hold zero bytes */
};

/* application/x-www-form-urlencoded. False: a '%' without two digits, or too long. */
static bool
decode(struct parameter *p, const char *text, size_t len)
{
	p->len = 0;
	for (size_t i = 0; i < len; i++) {
		int c = text[i] == '+' ? ' ' : (unsigned char)text[i];
		if (c == '%') {
			int high = len - i > 2 ? text_hex_digit(text[i + 1]) : -1;
			int low = high >= 0 ? text_hex_digit(text[i + 2]) : -1;
			if (low < 0)
				return false;
			c = high << 4 | low;
			i += 2;
		}
		if (p->len + 1 >= sizeof p->value)
			return false;
		p->value[p->len++] = (char)c;
	}
	p->value[p->len] = '\0';
	return true;
}

static struct parameter *
find(struct parameter *list, const char *name, size_t len)
{
	for (; list->name != NULL; list++)
		if (strlen(list->name) == len && memcmp(list->name, name, len) == 0)
			return list;
	return NULL;
}

static int
read_parameters(struct parameter *list, const char *query, char why[QUERY_WHY])
{
	char quoted[QUOTE_ROOM];

	for (const char *p = query; *p != '\0';) {
		size_t len = strcspn(p, "&"), name = strcspn(p, "=&");
		struct parameter *found = find(list, p, name);
		if (found == NULL || name == len)
			return refuse(why, 400, "%s is no parameter of this path with a value",
			    text_quote(quoted, (struct assay_bytes){ (const uint8_t *)p, name }));
		if (found->given)
			return refuse(why, 400, "%s is there twice", found->name);
		found->given = true;
		if (!decode(found, p + name + 1, len - name - 1))
			return refuse(why, 400, "%s cannot be read, or is longer than %d bytes",
			    found->name, VALUE_ROOM - 1);
		p += len;
		if (*p == '&')
			p++;
	}
	return 0;
}

/* --- evidence ---------------------------------------------------------------------------- */

static int
base64_digit(char c)
{
	static const char digits[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	const char *at = c != '\0' ? strchr(digits, c) : NULL;

	return at != NULL ? (int)(at - digits) : -1;
}

/* base64url without padding, as the public agent takes it. SIZE_MAX: it is none, or too long. */
static size_t
from_base64(uint8_t out[QUERY_DATA], const struct parameter *p)
{
	uint32_t held = 0;
	unsigned bits = 0;
	size_t n = 0;

	for (size_t i = 0; i < p->len; i++) {
		int digit = base64_digit(p->value[i]);
		if (digit < 0)
			return SIZE_MAX;
		held = held << 6 | (uint32_t)digit;
		bits += 6;
		if (bits < 8)
			continue;
		bits -= 8;
		if (n == QUERY_DATA)
			return SIZE_MAX;
		out[n++] = (uint8_t)(held >> bits);
		held &= (UINT32_C(1) << bits) - 1;
	}
	return bits < 6 && held == 0 ? n : SIZE_MAX;
}

static int
read_evidence(struct job *out, const char *query, char why[QUERY_WHY])
{
	struct parameter list[] = { { .name = "runtime_data" }, { .name = "encoding" },
		{ .name = "format" }, { .name = NULL } };
	const struct parameter *data = &list[0], *encoding = &list[1], *format = &list[2];
	int status = read_parameters(list, query, why);

	if (status != 0)
		return status;
	if (encoding->given && strcmp(encoding->value, "base64") != 0)
		return refuse(why, 400, "encoding is not base64, the one that there is");
	if (format->given && strcmp(format->value, "bundle") != 0 &&
	    strcmp(format->value, "coco") != 0)
		return refuse(why, 400, "format is neither coco nor bundle");
	size_t len = data->len;
	if (encoding->given)
		len = from_base64(out->data, data);
	else if (len <= QUERY_DATA)
		memcpy(out->data, data->value, len);
	if (len == 0 || len > QUERY_DATA)
		return refuse(why, 400, "runtime_data is not 1 to %d bytes%s", QUERY_DATA,
		    encoding->given ? ", in base64url without padding" : "");
	out->data_len = (uint32_t)len;
	out->bundle = format->given && strcmp(format->value, "bundle") == 0;
	return 0;
}

/* --- the others -------------------------------------------------------------------------- */

static int
read_token(struct job *out, const char *query, char why[QUERY_WHY])
{
	struct parameter list[] = { { .name = "token_type" }, { .name = NULL } };
	int status = read_parameters(list, query, why);

	(void)out;
	if (status == 0 && strcmp(list[0].value, "kbs") != 0)
		return refuse(why, 400, "token_type is not kbs, the one that there is");
	return status;
}

static int
read_nothing(struct job *out, const char *query, char why[QUERY_WHY])
{
	struct parameter list[] = { { .name = NULL } };

	(void)out;
	return read_parameters(list, query, why);
}

int
query_read(struct job *out, const char *path, const char *query, char why[QUERY_WHY])
{
	static const char resource[] = "/cdh/resource/";
	static const struct {
		const char *path;
		enum job_kind kind;
		int (*read)(struct job *out, const char *query, char why[QUERY_WHY]);
	} rows[] = {
		{ "/aa/evidence", JOB_EVIDENCE, read_evidence },
		{ "/aa/additional-evidence", JOB_ADDITIONAL, read_evidence },
		{ "/aa/token", JOB_TOKEN, read_token },
		{ "/info", JOB_INFO, read_nothing },
	};

	memset(out, 0, sizeof *out);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		if (strcmp(path, rows[i].path) == 0) {
			out->kind = rows[i].kind;
			return rows[i].read(out, query, why);
		}
	if (strncmp(path, resource, sizeof resource - 1) != 0)
		return refuse(why, 404,
		    "there is no such path; there are /aa/evidence, "
		    "/aa/additional-evidence, /aa/token, /cdh/resource/REPO/TYPE/TAG and /info");
	if (strlen(path + sizeof resource - 1) >= sizeof out->resource)
		return refuse(why, 400, "the resource's name is too long");
	out->kind = JOB_RESOURCE;
	strcpy(out->resource, path + sizeof resource - 1);
	return read_nothing(out, query, why);
}
