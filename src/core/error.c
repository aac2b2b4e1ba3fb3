/* SPDX-License-Identifier: Apache-2.0 */
#include "core/core.h"

#include <string.h>

static const char *const names[] = {
	[ASSAY_OK] = "ASSAY_OK",
	[ASSAY_E_USAGE] = "ASSAY_E_USAGE",
	[ASSAY_E_FORMAT] = "ASSAY_E_FORMAT",
	[ASSAY_E_UNSUPPORTED] = "ASSAY_E_UNSUPPORTED",
	[ASSAY_E_SIGNATURE] = "ASSAY_E_SIGNATURE",
	[ASSAY_E_EXPIRED] = "ASSAY_E_EXPIRED",
	[ASSAY_E_REVOKED] = "ASSAY_E_REVOKED",
	[ASSAY_E_POLICY] = "ASSAY_E_POLICY",
	[ASSAY_E_NOMEM] = "ASSAY_E_NOMEM",
	[ASSAY_E_IO] = "ASSAY_E_IO",
	[ASSAY_E_INCOMPLETE] = "ASSAY_E_INCOMPLETE",
};

const char *
assay_code_name(enum assay_code code)
{
	if ((unsigned)code >= sizeof names / sizeof *names)
		return "unknown";
	return names[code];
}

enum assay_code
assay_fail(struct assay_error *err, enum assay_code code, const char *fmt, ...)
{
	if (err != NULL) {
		va_list ap;

		err->code = code;
		va_start(ap, fmt);
		(void)vsnprintf(err->text, sizeof err->text, fmt, ap);
		va_end(ap);
	}
	return code;
}

enum assay_code
assay_fail_nomem(struct assay_error *err)
{
	return assay_fail(err, ASSAY_E_NOMEM, "out of memory");
}

struct assay_quoted
assay_quote(struct assay_bytes text)
{
	enum { ROOM = ASSAY_QUOTE_MAX - 6 }; /* two quotes, three dots, NUL */
	struct assay_quoted q = { "\"" };
	size_t at = 1;

	for (size_t i = 0; i < text.len && at <= ROOM; i++) {
		uint8_t c = text.ptr[i];
		q.text[at++] = c >= 0x20 && c < 0x7f && c != '"' && c != '\\' ? (char)c : '?';
	}
	memcpy(q.text + at, text.len > ROOM ? "...\"" : "\"", text.len > ROOM ? 5 : 2);
	return q;
}

struct assay_quoted
assay_quote_hex(struct assay_bytes value)
{
	enum { ROOM = 16 }; /* bytes shown: enough to tell two values apart, short enough to read */
	struct assay_quoted q;
	size_t n = value.len > ROOM ? ROOM : value.len;

	assay_hex(q.text, (struct assay_bytes){ value.ptr, n });
	if (value.len > ROOM)
		memcpy(q.text + 2 * n, "...", 4);
	return q;
}

const char *
assay_version(void)
{
	return ASSAY_VERSION;
}
