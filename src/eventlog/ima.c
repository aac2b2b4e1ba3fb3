/* SPDX-License-Identifier: Apache-2.0 */
#include "eventlog/eventlog.h"

#include <string.h>

/* Lines of ascii_runtime_measurements. Source: Linux, security/integrity/ima/ima_fs.c,
 * ima_template.c, ima_template_lib.c; Documentation/security/IMA-templates. */

enum {
	REGISTER_DIGITS = 5,
	TEMPLATE_MAX = 8192, /* bytes of a signature or a buffer that are hashed again */
	NAME_SIZE = 256,     /* of the template "ima": the name is padded to it */
};

/* --- lines ------------------------------------------------------------------------------- */

/* Up to the next space or the end; *rest then begins behind that space. */
static struct assay_bytes
word(struct assay_bytes *rest)
{
	const uint8_t *space = rest->len > 0 ? memchr(rest->ptr, ' ', rest->len) : NULL;
	size_t n = space != NULL ? (size_t)(space - rest->ptr) : rest->len;
	struct assay_bytes w = { rest->ptr, n };

	if (space != NULL)
		n++;
	rest->ptr += n;
	rest->len -= n;
	return w;
}

static bool
take_number(uint32_t *out, struct assay_bytes text)
{
	*out = 0;
	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] < '0' || text.ptr[i] > '9')
			return false;
		*out = *out * 10 + (uint32_t)(text.ptr[i] - '0');
	}
	return text.len > 0 && text.len <= REGISTER_DIGITS;
}

static struct assay_bytes
line_at(struct assay_bytes in, size_t at)
{
	const uint8_t *p = in.ptr + at;
	const uint8_t *end = memchr(p, '\n', in.len - at);

	return (struct assay_bytes){ p, end != NULL ? (size_t)(end - p) : in.len - at };
}

enum assay_code
assay_ima_line(
    struct assay_log_event *ev, struct assay_bytes in, size_t at, bool cc, struct assay_error *err)
{
	struct assay_bytes line = line_at(in, at), rest = line;
	struct assay_log_digest *d = &ev->digests[0];

	while (rest.len > 0 && rest.ptr[0] == ' ') { /* the kernel pads the number to two columns */
		rest.ptr++;
		rest.len--;
	}
	struct assay_bytes number = word(&rest), hash = word(&rest);
	const struct assay_bank_algorithm *known = assay_bank_of_size(hash.len / 2);
	if (at + line.len == in.len)
		return assay_fail(err, ASSAY_E_FORMAT,
		    "event log: line %zu: ends without a newline; the list is cut short",
		    ev->number);
	if (!take_number(&ev->reg, number))
		return assay_fail(err, ASSAY_E_FORMAT,
		    "event log: line %zu: begins with %s; want the number of a register",
		    ev->number, assay_quote(number).text);
	if (known == NULL || !assay_unhex(d->bytes, known->size, hash))
		return assay_fail(err, ASSAY_E_FORMAT,
		    "event log: line %zu: the template hash is %s; want 40, 64, 96 or 128 hex "
		    "digits",
		    ev->number, assay_quote(hash).text);
	if (rest.len < 4 || memcmp(rest.ptr, "ima", 3) != 0)
		return assay_fail(err, ASSAY_E_FORMAT,
		    "event log: line %zu: the template is %s; want ima, ima-ng, ima-sig or another "
		    "of IMA's",
		    ev->number, assay_quote(rest).text);
	if (ev->reg >= (cc ? CC_REGISTERS - 1 : ASSAY_LOG_REGISTERS))
		return assay_fail(err, ASSAY_E_FORMAT,
		    "event log: line %zu: the register is %u; want 0 to %d", ev->number, ev->reg,
		    cc ? CC_REGISTERS - 2 : ASSAY_LOG_REGISTERS - 1);
	d->algorithm = known->id;
	d->size = known->size;
	ev->digest_count = 1;
	ev->reg += cc ? 1 : 0;
	ev->type = 0;
	ev->extends = true;
	ev->violation = assay_bytes_zero((struct assay_bytes){ d->bytes, d->size });
	ev->data = rest;
	ev->at = at;
	ev->size = line.len + 1; /* with its newline */
	return ASSAY_OK;
}

bool
assay_ima_recognise(struct assay_bytes in)
{
	struct assay_log_event first = { .number = 1 };

	return in.len > 0 && assay_ima_line(&first, in, 0, false, NULL) == ASSAY_OK;
}

/* --- the template hash ------------------------------------------------------------------- */

static struct assay_bytes
length(uint8_t out[4], size_t n)
{
	for (int i = 0; i < 4; i++)
		out[i] = (uint8_t)(n >> 8 * i);
	return (struct assay_bytes){ out, 4 };
}

static enum assay_log_match
compare(const struct assay_log_event *ev, const struct assay_bytes *parts, size_t count,
    struct assay_bytes name)
{
	const struct assay_log_digest *d = &ev->digests[0];
	uint8_t hash[ASSAY_DIGEST_MAX];

	assay_bank_hash(hash, d->algorithm, parts, count);
	if (memcmp(hash, d->bytes, d->size) == 0)
		return ASSAY_LOG_MATCH_YES;
	/* The list shows spaces of names as underscores, but hashes the name. */
	return memchr(name.ptr, '_', name.len) != NULL ? ASSAY_LOG_MATCH_UNKNOWN
						       : ASSAY_LOG_MATCH_NO;
}

/* "ima": digest and name, padded, without lengths. */
static enum assay_log_match
match_old(const struct assay_log_event *ev, struct assay_bytes rest)
{
	struct assay_bytes hex = word(&rest), name = rest;
	uint8_t digest[ASSAY_DIGEST_MAX];
	static const uint8_t zeros[NAME_SIZE];

	if (hex.len != 40 || name.len == 0 || name.len >= NAME_SIZE ||
	    !assay_unhex(digest, 20, hex))
		return ASSAY_LOG_MATCH_UNKNOWN;
	const struct assay_bytes parts[] = {
		{ digest, 20 },
		name,
		{ zeros, NAME_SIZE - name.len },
	};
	return compare(ev, parts, sizeof parts / sizeof parts[0], name);
}

/* "ima-ng" and those with one more field in hex: each field behind its length. */
static enum assay_log_match
match_fields(const struct assay_log_event *ev, struct assay_bytes rest, bool more)
{
	uint8_t digest[ASSAY_DIGEST_MAX], lengths[3][4], extra[TEMPLATE_MAX];
	static const uint8_t nul[1];
	struct assay_bytes hashed = word(&rest), name = more ? word(&rest) : rest;
	size_t colon = hashed.len;

	while (colon > 0 && hashed.ptr[colon - 1] != ':')
		colon--;
	struct assay_bytes prefix = { hashed.ptr, colon };
	struct assay_bytes hex = { hashed.ptr + colon, hashed.len - colon };
	if (colon == 0 || name.len == 0 || hex.len % 2 != 0 || hex.len > sizeof digest * 2 ||
	    !assay_unhex(digest, hex.len / 2, hex))
		return ASSAY_LOG_MATCH_UNKNOWN;
	if (!more)
		rest.len = 0;
	if (rest.len / 2 > sizeof extra || rest.len % 2 != 0 ||
	    !assay_unhex(extra, rest.len / 2, rest))
		return ASSAY_LOG_MATCH_UNKNOWN;
	const struct assay_bytes parts[] = {
		length(lengths[0], prefix.len + 1 + hex.len / 2),
		prefix,
		{ nul, 1 },
		{ digest, hex.len / 2 },
		length(lengths[1], name.len + 1),
		name,
		{ nul, 1 },
		length(lengths[2], rest.len / 2),
		{ extra, rest.len / 2 },
	};
	return compare(ev, parts, sizeof parts / sizeof parts[0] - (more ? 0 : 2), name);
}

enum assay_log_match
assay_ima_match(const struct assay_log_event *ev)
{
	static const struct {
		const char *name;
		bool more;
	} templates[] = {
		{ "ima-ng", false },
		{ "ima-ngv2", false },
		{ "ima-sig", true },
		{ "ima-sigv2", true },
		{ "ima-buf", true },
	};
	struct assay_bytes rest = ev->data, name = word(&rest);

	if (ev->violation)
		return ASSAY_LOG_MATCH_UNKNOWN;
	if (assay_bytes_equal(name, assay_bytes_of("ima")))
		return match_old(ev, rest);
	for (size_t i = 0; i < sizeof templates / sizeof templates[0]; i++)
		if (assay_bytes_equal(name, assay_bytes_of(templates[i].name)))
			return match_fields(ev, rest, templates[i].more);
	return ASSAY_LOG_MATCH_UNKNOWN;
}
