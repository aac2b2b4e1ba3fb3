/* SPDX-License-Identifier: Apache-2.0 */
#include "wire.h"

#include <stdlib.h>
#include <string.h>

enum {
	MAJOR = 1,
	MINOR = 1,
	BLOBS = 7, /* of collateral */
	FMSPC_MAX = 12,
	CA_MAX = 16,
};

/* Source: Intel TDX module ABI, REPORTMACSTRUCT and its REPORTTYPE; TEE_TCB_INFO ends at 495. */
enum {
	REPORT_TDX = 0x81,
	AT_SUBTYPE = 1,
	AT_VERSION = 2,
	VERSION_MOST = 3, /* 1: with service TDs; the vendor's service knows 3 */
	AT_MAC_RESERVED = 3,
	MAC_RESERVED = 13,
	AT_MAC_RESERVED_2 = 192,
	MAC_RESERVED_2 = 32,
	AT_RESERVED = 495,
	RESERVED = 17,
};

/* --- numbers ----------------------------------------------------------------------------- */

static uint32_t
get(const uint8_t *p, size_t n)
{
	uint32_t v = 0;

	while (n-- > 0)
		v = v << 8 | p[n];
	return v;
}

static void
put(uint8_t *p, size_t n, uint32_t v)
{
	for (; n > 0; n--, v >>= 8)
		*p++ = (uint8_t)v;
}

uint32_t
qgs_get_length(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

void
qgs_put_length(uint8_t *p, uint32_t length)
{
	for (size_t i = QGS_LENGTH; i-- > 0; length >>= 8)
		p[i] = (uint8_t)length;
}

static void
put_head(uint8_t *p, uint16_t minor, uint32_t type, size_t size, uint32_t code)
{
	put(p, 2, MAJOR);
	put(p + 2, 2, minor);
	put(p + 4, 4, type);
	put(p + 8, 4, (uint32_t)size);
	put(p + 12, 4, code);
}

/* --- requests ---------------------------------------------------------------------------- */

size_t
qgs_frame_size(const uint8_t *head, size_t have)
{
	/* No length begins with the type of a TDREPORT: it would be two gigabytes. */
	if (have > 0 && head[0] == REPORT_TDX)
		return QGS_REPORT;
	return have < QGS_LENGTH ? 0 : QGS_LENGTH + (size_t)qgs_get_length(head);
}

static bool
is_zero(const uint8_t *p, size_t n)
{
	while (n > 0 && p[n - 1] == 0)
		n--;
	return n == 0;
}

const char *
qgs_report_fault(const uint8_t *report)
{
	if (report[0] != REPORT_TDX)
		return "is of another type than TDX";
	if (report[AT_SUBTYPE] != 0 || report[AT_VERSION] > VERSION_MOST)
		return "has a subtype or version that is not known";
	if (!is_zero(report + AT_MAC_RESERVED, MAC_RESERVED) ||
	    !is_zero(report + AT_MAC_RESERVED_2, MAC_RESERVED_2) ||
	    !is_zero(report + AT_RESERVED, RESERVED))
		return "has reserved bytes that are not zero";
	return NULL;
}

/* Two sizes, then exactly the bytes that they tell. */
static bool
read_pair(struct assay_bytes out[2], struct assay_bytes body)
{
	if (body.len < 8)
		return false;
	size_t first = get(body.ptr, 4), second = get(body.ptr + 4, 4), left = body.len - 8;
	if (first > left || second != left - first)
		return false;
	out[0] = (struct assay_bytes){ body.ptr + 8, first };
	out[1] = (struct assay_bytes){ body.ptr + 8 + first, second };
	return true;
}

static enum qgs_error
read_quote(struct qgs_request *out, const char **why, struct assay_bytes body)
{
	struct assay_bytes pair[2];

	if (!read_pair(pair, body))
		return QGS_SIZE;
	if (pair[0].len != QGS_REPORT)
		*why = "is not 1024 bytes";
	else if (pair[1].len % QGS_ID != 0 || pair[1].len > (size_t)QGS_IDS_MAX * QGS_ID)
		*why = "comes with a list of ids that is none of at most 64";
	else
		*why = qgs_report_fault(pair[0].ptr);
	out->report = pair[0];
	return *why == NULL ? QGS_OK : QGS_PARAMETER;
}

static enum qgs_error
read_collateral(struct assay_bytes body)
{
	struct assay_bytes pair[2];

	if (!read_pair(pair, body))
		return QGS_SIZE;
	return pair[0].len == 0 || pair[0].len > FMSPC_MAX || pair[1].len == 0 ||
		pair[1].len > CA_MAX
	    ? QGS_PARAMETER
	    : QGS_OK;
}

enum qgs_error
qgs_request_read(struct qgs_request *out, const char **why, struct assay_bytes frame)
{
	struct assay_bytes m = { frame.ptr + QGS_LENGTH, frame.len - QGS_LENGTH };

	*why = NULL;
	*out = (struct qgs_request){ .minor = MINOR, .type = QGS_QUOTE };
	if (frame.ptr[0] == REPORT_TDX) {
		out->raw = true;
		out->report = frame;
		*why = frame.len == QGS_REPORT ? qgs_report_fault(frame.ptr) : "is not 1024 bytes";
		return *why == NULL ? QGS_OK : QGS_PARAMETER;
	}
	if (m.len < QGS_HEAD)
		return QGS_SIZE;
	uint32_t type = get(m.ptr + 4, 4);
	if (get(m.ptr + 2, 2) < MINOR)
		out->minor = 0;
	if (type == QGS_COLLATERAL || type == QGS_PLATFORM)
		out->type = type;
	if (get(m.ptr, 2) != MAJOR)
		return QGS_VERSION;
	if (type != out->type)
		return QGS_TYPE;
	if (get(m.ptr + 8, 4) != m.len)
		return QGS_SIZE;
	if (get(m.ptr + 12, 4) != 0)
		return QGS_CODE;
	struct assay_bytes body = { m.ptr + QGS_HEAD, m.len - QGS_HEAD };
	if (type == QGS_QUOTE)
		return read_quote(out, why, body);
	if (type == QGS_COLLATERAL)
		return read_collateral(body);
	return body.len == 0 ? QGS_OK : QGS_SIZE;
}

void
qgs_quote_request(uint8_t out[QGS_HEAD + 8 + QGS_REPORT], const uint8_t *report)
{
	put_head(out, MINOR, QGS_QUOTE, QGS_HEAD + 8 + QGS_REPORT, 0);
	put(out + QGS_HEAD, 4, QGS_REPORT);
	put(out + QGS_HEAD + 4, 4, 0); /* any QE may sign */
	memcpy(out + QGS_HEAD + 8, report, QGS_REPORT);
}

/* The fixed part of the answer, with sizes of zero. */
size_t
qgs_refusal(uint8_t out[QGS_REFUSAL_MAX], const struct qgs_request *q, enum qgs_error code)
{
	size_t size = QGS_HEAD +
	    (q->type == QGS_QUOTE             ? 8
		    : q->type == QGS_PLATFORM ? 12
					      : 4 * BLOBS + (q->minor >= 1 ? 4 : 0));

	memset(out, 0, QGS_REFUSAL_MAX);
	qgs_put_length(out, (uint32_t)size);
	put_head(out + QGS_LENGTH, q->minor, q->type + 1, size, (uint32_t)code);
	return QGS_LENGTH + size;
}

/* --- answers ----------------------------------------------------------------------------- */

bool
qgs_answer_length_ok(uint32_t type, uint32_t length)
{
	return length >= QGS_HEAD &&
	    length <= (type == QGS_QUOTE ? QGS_QUOTE_ANSWER_MAX : QGS_ANSWER_MAX);
}

/* A version of two numbers, unless the message is of minor 0; sizes; and the blobs that they tell. */
static bool
is_collateral(uint32_t minor, struct assay_bytes body)
{
	size_t at = minor >= 1 ? 4 : 0, fixed = at + (size_t)4 * BLOBS;

	if (body.len < fixed)
		return false;
	size_t left = body.len - fixed;
	for (; at < fixed; at += 4) {
		uint32_t n = get(body.ptr + at, 4);
		if (n > left)
			return false;
		left -= n;
	}
	return left == 0;
}

/* Two numbers of security versions, then two blobs. */
static bool
is_platform(struct assay_bytes body)
{
	struct assay_bytes pair[2];

	return body.len >= 4 && read_pair(pair, (struct assay_bytes){ body.ptr + 4, body.len - 4 });
}

const char *
qgs_answer_fault(struct qgs_answer *out, uint32_t type, struct assay_bytes m)
{
	struct assay_bytes pair[2];

	*out = (struct qgs_answer){ .code = QGS_OK };
	if (m.len < QGS_HEAD)
		return "is less than the head of an answer";
	if (get(m.ptr, 2) != MAJOR)
		return "has another major version than 1";
	if (get(m.ptr + 4, 4) != type + 1)
		return "answers another type of request";
	if (get(m.ptr + 8, 4) != m.len)
		return "says another size than it has";
	if ((out->code = get(m.ptr + 12, 4)) != QGS_OK)
		return NULL;
	struct assay_bytes body = { m.ptr + QGS_HEAD, m.len - QGS_HEAD };
	if (type == QGS_COLLATERAL || type == QGS_PLATFORM) {
		bool ok = type == QGS_PLATFORM ? is_platform(body)
					       : is_collateral(get(m.ptr + 2, 2), body);
		return ok ? NULL : "has sizes inside that do not add up";
	}
	if (!read_pair(pair, body) || pair[1].len == 0)
		return "has sizes inside that do not add up";
	out->quote = pair[1];
	return NULL;
}

uint8_t *
qgs_answer_frame(size_t *len, const struct qgs_request *q, struct assay_bytes message,
    const struct qgs_answer *a)
{
	bool refused = a->code != QGS_OK;
	size_t room = refused ? QGS_REFUSAL_MAX : QGS_LENGTH + message.len;
	uint8_t *out = q->raw && refused ? NULL : malloc(room);

	if (out == NULL)
		return NULL;
	if (refused) {
		*len = qgs_refusal(out, q, (enum qgs_error)a->code);
	} else if (q->raw) {
		memcpy(out, a->quote.ptr, a->quote.len);
		*len = a->quote.len;
	} else {
		qgs_put_length(out, (uint32_t)message.len);
		memcpy(out + QGS_LENGTH, message.ptr, message.len);
		if (q->type == QGS_QUOTE) /* the same in both; QEMU takes no other than its own */
			put(out + QGS_LENGTH + 2, 2, q->minor);
		*len = room;
	}
	return out;
}
