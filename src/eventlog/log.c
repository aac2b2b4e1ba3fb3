/* SPDX-License-Identifier: Apache-2.0 */
#include "eventlog/eventlog.h"

#include <string.h>

/* TCG logs: TCG PC Client Platform Firmware Profile 1.05, 10.2 (records), 10.4.5.1 (Spec ID). */

enum {
	LOG_MAX = 64 * 1024 * 1024,
	TCG1_RECORD = 32, /* register, type, 20 bytes of digest, size */
	PADDING = 8,
};

static const uint8_t spec_id[16] = "Spec ID Event03";
static const uint8_t startup_locality[16] = "StartupLocality";

/* --- records ----------------------------------------------------------------------------- */

/* Where a record would begin: the log area is filled up with ones (EDK2) or zeros (td-shim). */
static bool
is_padding(struct assay_bytes in, size_t at)
{
	uint8_t fill = in.ptr[at];
	size_t n = in.len - at < PADDING ? in.len - at : PADDING;

	if (fill != 0x00 && fill != 0xff)
		return false;
	for (size_t i = 0; i < n; i++)
		if (in.ptr[at + i] != fill)
			return false;
	return true;
}

static enum assay_code
fail_short(const struct assay_log_event *ev, const char *field, struct assay_error *err)
{
	return assay_fail(err, ASSAY_E_FORMAT,
	    "event log: record %zu at 0x%zx: its %s runs over the end of the log; the log is cut "
	    "short, or a length in it is wrong",
	    ev->number, ev->at, field);
}

static const struct assay_log_bank *
bank_of(const struct assay_log *log, uint16_t algorithm)
{
	for (size_t i = 0; i < log->bank_count; i++)
		if (log->banks[i].algorithm == algorithm)
			return &log->banks[i];
	return NULL;
}

static enum assay_code
take_digests(struct assay_log_event *ev, struct assay_reader *r, const struct assay_log *log,
    struct assay_error *err)
{
	uint32_t count = assay_take_u32le(r);

	if (r->overrun)
		return fail_short(ev, "number of digests", err);
	if (count > log->bank_count)
		return assay_fail(err, ASSAY_E_FORMAT,
		    "event log: record %zu at 0x%zx: has %u digests; the log's header lists %zu "
		    "banks",
		    ev->number, ev->at, count, log->bank_count);
	for (uint32_t i = 0; i < count; i++) {
		struct assay_log_digest *d = &ev->digests[i];
		d->algorithm = assay_take_u16le(r);
		const struct assay_log_bank *bank = bank_of(log, d->algorithm);
		if (r->overrun)
			return fail_short(ev, "list of digests", err);
		if (bank == NULL)
			return assay_fail(err, ASSAY_E_FORMAT,
			    "event log: record %zu at 0x%zx: has a digest of algorithm 0x%04x, "
			    "which the log's header does not list",
			    ev->number, ev->at, d->algorithm);
		if (assay_log_digest_of(ev, d->algorithm) != NULL)
			return assay_fail(err, ASSAY_E_FORMAT,
			    "event log: record %zu at 0x%zx: has two %s digests; want one a bank",
			    ev->number, ev->at, assay_log_bank_name(d->algorithm));
		d->size = bank->size;
		assay_take_into(r, d->bytes, d->size);
		ev->digest_count++;
	}
	return ASSAY_OK;
}

/* What holds of a record that is in a register. */
static enum assay_code
check_extend(const struct assay_log_event *ev, const struct assay_log *log, struct assay_error *err)
{
	if (log->cc && (ev->reg < 1 || ev->reg >= CC_REGISTERS))
		return assay_fail(err, ASSAY_E_FORMAT,
		    "event log: record %zu at 0x%zx: extends register %u; a confidential VM has 1 "
		    "to 4 (RTMR0 to RTMR3)",
		    ev->number, ev->at, ev->reg);
	if (ev->reg >= ASSAY_LOG_REGISTERS)
		return assay_fail(err, ASSAY_E_FORMAT,
		    "event log: record %zu at 0x%zx: extends register %u; a TPM has PCR 0 to %d",
		    ev->number, ev->at, ev->reg, ASSAY_LOG_REGISTERS - 1);
	for (size_t i = 0; i < log->bank_count; i++)
		if (assay_log_digest_of(ev, log->banks[i].algorithm) == NULL)
			return assay_fail(err, ASSAY_E_FORMAT,
			    "event log: record %zu at 0x%zx: has no %s digest; the log's header "
			    "lists that bank",
			    ev->number, ev->at, assay_log_bank_name(log->banks[i].algorithm));
	return ASSAY_OK;
}

/* The record at ev->at. */
static enum assay_code
take_record(struct assay_log_event *ev, const struct assay_log *log, struct assay_error *err)
{
	struct assay_reader r = { .what = "event log", .in = log->in, .pos = ev->at };
	enum assay_code rc = ASSAY_OK;

	ev->digest_count = 0;
	ev->violation = false;
	if (log->kind == ASSAY_LOG_IMA)
		return assay_ima_line(ev, log->in, ev->at, log->cc, err);
	ev->reg = assay_take_u32le(&r);
	ev->type = assay_take_u32le(&r);
	ev->extends = ev->type != EV_NO_ACTION;
	if (r.overrun)
		return fail_short(ev, "type", err);
	if (log->kind == ASSAY_LOG_TCG1) {
		ev->digests[0].algorithm = ALG_SHA1;
		ev->digests[0].size = 20;
		assay_take_into(&r, ev->digests[0].bytes, 20);
		ev->digest_count = 1;
	} else {
		rc = take_digests(ev, &r, log, err);
	}
	if (rc != ASSAY_OK)
		return rc;
	uint32_t size = assay_take_u32le(&r);
	if (r.overrun)
		return fail_short(ev, "digest", err);
	if (size > assay_reader_left(&r))
		return assay_fail(err, ASSAY_E_FORMAT,
		    "event log: record %zu at 0x%zx: says that %u bytes of event data follow; only "
		    "%zu are left",
		    ev->number, ev->at, size, assay_reader_left(&r));
	ev->data = assay_take(&r, size);
	ev->size = r.pos - ev->at;
	return ev->extends ? check_extend(ev, log, err) : ASSAY_OK;
}

const struct assay_log_digest *
assay_log_digest_of(const struct assay_log_event *ev, uint16_t algorithm)
{
	for (size_t i = 0; i < ev->digest_count; i++)
		if (ev->digests[i].algorithm == algorithm)
			return &ev->digests[i];
	return NULL;
}

/* --- the header -------------------------------------------------------------------------- */

static enum assay_code
take_banks(struct assay_log *log, struct assay_reader *r, struct assay_error *err)
{
	uint32_t count = assay_take_u32le(r);

	if (r->overrun || count == 0 || count > ASSAY_LOG_BANKS_MAX)
		return assay_fail(err, ASSAY_E_FORMAT,
		    "event log: header: lists %u banks; want 1 to %d", count, ASSAY_LOG_BANKS_MAX);
	for (uint32_t i = 0; i < count; i++) {
		uint16_t id = assay_take_u16le(r), size = assay_take_u16le(r);
		const struct assay_bank_algorithm *known = assay_bank_find(id);
		if (r->overrun)
			break;
		if (bank_of(log, id) != NULL)
			return assay_fail(err, ASSAY_E_FORMAT,
			    "event log: header: lists bank 0x%04x twice; want each once", id);
		if (size == 0 || size > ASSAY_LOG_DIGEST_MAX ||
		    (known != NULL && size != known->size))
			return assay_fail(err, ASSAY_E_FORMAT,
			    "event log: header: says that digests of bank 0x%04x have %u bytes; "
			    "want %d%s",
			    id, size, known != NULL ? known->size : ASSAY_LOG_DIGEST_MAX,
			    known != NULL ? "" : " at most");
		log->banks[log->bank_count++] = (struct assay_log_bank){ id, size };
	}
	return ASSAY_OK;
}

/* The event of the first record. */
static enum assay_code
take_header(struct assay_log *log, uint32_t size, struct assay_error *err)
{
	struct assay_bytes event = assay_bytes_at(log->in, TCG1_RECORD, size);
	struct assay_reader r = { .what = "event log: header", .in = event };

	(void)assay_take(&r, sizeof spec_id);
	if (event.len == 0)
		return assay_fail(err, ASSAY_E_FORMAT,
		    "event log: header: says that it has %u bytes; only %zu are left", size,
		    log->in.len - TCG1_RECORD);
	log->platform_class = assay_take_u32le(&r);
	log->version_minor = assay_take_u8(&r);
	log->version_major = assay_take_u8(&r);
	log->errata = assay_take_u8(&r);
	(void)assay_take_u8(&r); /* the size of UINTN: of no use to a reader */
	enum assay_code rc = take_banks(log, &r, err);
	if (rc != ASSAY_OK)
		return rc;
	log->vendor_info = assay_take(&r, assay_take_u8(&r));
	log->has_header = true;
	log->start = TCG1_RECORD + size;
	return assay_reader_end(&r, err);
}

/* --- which kind -------------------------------------------------------------------------- */

static bool
is_spec_id(struct assay_bytes in)
{
	return in.len >= TCG1_RECORD + sizeof spec_id && assay_u32le(in.ptr + 4) == EV_NO_ACTION &&
	    memcmp(in.ptr + TCG1_RECORD, spec_id, sizeof spec_id) == 0;
}

/* One digest, and the agent's tag where its length puts it. */
static bool
is_aael(struct assay_bytes in)
{
	if (in.len < 14 || assay_u32le(in.ptr + 4) != EV_EVENT_TAG || assay_u32le(in.ptr + 8) != 1)
		return false;
	const struct assay_bank_algorithm *known = assay_bank_find(assay_u16le(in.ptr + 12));
	struct assay_bytes tag = { NULL, 0 };
	if (known != NULL)
		tag = assay_bytes_at(in, 18 + (size_t)known->size, 4);
	return tag.len == 4 && assay_u32le(tag.ptr) == AAEL_TAG;
}

/* TCG CEL in TLV form: record number of eight bytes, then a register. TCG Canonical Event Log
 * Format 1.0, 5.1. */
static bool
is_cel(struct assay_bytes in)
{
	static const uint8_t number[] = { 0, 0, 0, 0, 8 };

	return in.len >= 18 && memcmp(in.ptr, number, sizeof number) == 0 &&
	    (in.ptr[13] == 1 || in.ptr[13] == 2 || in.ptr[13] == 108) && in.ptr[14] == 0 &&
	    in.ptr[15] == 0 && in.ptr[16] == 0 && (in.ptr[17] == 1 || in.ptr[17] == 4);
}

/* The first record has a type that exists, and a register. */
static bool
is_tcg1(struct assay_bytes in)
{
	if (in.len < TCG1_RECORD)
		return false;
	uint32_t reg = assay_u32le(in.ptr), type = assay_u32le(in.ptr + 4);
	return assay_log_type_name(type) != NULL &&
	    (reg < ASSAY_LOG_REGISTERS || type == EV_NO_ACTION) && !is_padding(in, 0);
}

/* Whether all that is extended are indexes 1 to 4: then the only bank tells a CCEL. */
static bool
only_cc_registers(struct assay_log log)
{
	struct assay_log_event ev = { .at = log.start };
	size_t extended = 0;

	log.cc = false;
	for (ev.number = 1; ev.at < log.in.len && !is_padding(log.in, ev.at); ev.number++) {
		if (take_record(&ev, &log, NULL) != ASSAY_OK)
			break;
		if (ev.extends && (ev.reg < 1 || ev.reg >= CC_REGISTERS))
			return false;
		extended += ev.extends;
		ev.at += ev.size;
	}
	return extended > 0;
}

static enum assay_code
fail_unknown(struct assay_bytes in, struct assay_error *err)
{
	if (is_cel(in))
		return assay_fail(err, ASSAY_E_UNSUPPORTED,
		    "event log: is a TCG CEL log in TLV form, which this version does not read");
	return assay_fail(err, ASSAY_E_UNSUPPORTED,
	    "event log: is none that is known: not a CCEL or TCG log, not of the Confidential "
	    "Containers agent, not an IMA list in ASCII");
}

static enum assay_code
open_agile(struct assay_log *log, struct assay_error *err)
{
	enum assay_code rc;

	log->kind = ASSAY_LOG_TCG2;
	if (log->in.len < TCG1_RECORD || !is_spec_id(log->in)) {
		log->kind = ASSAY_LOG_TCG1;
		log->banks[0] = (struct assay_log_bank){ ALG_SHA1, 20 };
		log->bank_count = 1;
		return ASSAY_OK;
	}
	if ((rc = take_header(log, assay_u32le(log->in.ptr + 28), err)) != ASSAY_OK)
		return rc;
	bool only_sha384 = log->bank_count == 1 && log->banks[0].algorithm == ALG_SHA384;
	/* EDK2 puts the header into register 1, td-shim into 0. */
	if (assay_u32le(log->in.ptr) == 1 || (only_sha384 && only_cc_registers(*log)))
		log->kind = ASSAY_LOG_CCEL;
	return ASSAY_OK;
}

static enum assay_code
open_aael(struct assay_log *log, struct assay_error *err)
{
	if (!is_aael(log->in))
		return assay_fail(err, ASSAY_E_FORMAT,
		    "event log: does not begin with a record of the Confidential Containers agent");
	const struct assay_bank_algorithm *known = assay_bank_find(assay_u16le(log->in.ptr + 12));
	log->kind = ASSAY_LOG_AAEL;
	log->banks[0] = (struct assay_log_bank){ known->id, known->size };
	log->bank_count = 1;
	log->cc = known->id == ALG_SHA384 && only_cc_registers(*log);
	return ASSAY_OK;
}

static enum assay_code
open_ima(struct assay_log *log, struct assay_error *err)
{
	struct assay_log_event first = { .number = 1 };
	enum assay_code rc = assay_ima_line(&first, log->in, 0, false, err);

	if (rc != ASSAY_OK)
		return rc;
	log->kind = ASSAY_LOG_IMA;
	log->banks[0] =
	    (struct assay_log_bank){ first.digests[0].algorithm, first.digests[0].size };
	log->bank_count = 1;
	/* In a TD that has no TPM the kernel gives the RTMR's number; nothing else is below 4. */
	log->cc = first.digests[0].algorithm == ALG_SHA384 && first.reg < CC_REGISTERS - 1;
	return ASSAY_OK;
}

static enum assay_code
open_kind(struct assay_log *log, enum assay_log_kind kind, struct assay_error *err)
{
	struct assay_bytes in = log->in;
	bool any = kind == ASSAY_LOG_ANY;
	enum assay_code rc;

	if (kind == ASSAY_LOG_IMA || (any && assay_ima_recognise(in)))
		return open_ima(log, err);
	if (kind == ASSAY_LOG_AAEL || (any && is_aael(in)))
		return open_aael(log, err);
	if (any && !is_spec_id(in) && (is_cel(in) || !is_tcg1(in)))
		return fail_unknown(in, err);
	if ((rc = open_agile(log, err)) != ASSAY_OK)
		return rc;
	if (kind == ASSAY_LOG_CCEL && log->kind == ASSAY_LOG_TCG1)
		return assay_fail(err, ASSAY_E_FORMAT,
		    "event log: has no Spec ID header; a CCEL begins with one");
	if (kind == ASSAY_LOG_TCG1 && log->kind != ASSAY_LOG_TCG1)
		return assay_fail(
		    err, ASSAY_E_FORMAT, "event log: has a Spec ID header; a TPM 1.2 log has none");
	if (kind == ASSAY_LOG_CCEL || (kind == ASSAY_LOG_TCG2 && log->kind == ASSAY_LOG_CCEL))
		log->kind = kind;
	log->cc = log->kind == ASSAY_LOG_CCEL;
	return ASSAY_OK;
}

/* --- reading it whole -------------------------------------------------------------------- */

/* PCR 0 begins with the locality of TPM2_Startup: Firmware Profile 10.4.5.3. It must be known
 * before PCR 0 is extended. */
static enum assay_code
take_locality(struct assay_log *log, const struct assay_log_event *ev, bool *seen, bool extended,
    struct assay_error *err)
{
	if (ev->extends || ev->data.len < sizeof startup_locality ||
	    memcmp(ev->data.ptr, startup_locality, sizeof startup_locality) != 0)
		return ASSAY_OK;
	if (log->cc || ev->reg != 0)
		return ASSAY_OK;
	if (ev->data.len != sizeof startup_locality + 1 || *seen || extended)
		return assay_fail(err, ASSAY_E_FORMAT,
		    "event log: record %zu at 0x%zx: a StartupLocality event %s; want one, of 17 "
		    "bytes, before PCR 0 is extended",
		    ev->number, ev->at,
		    *seen          ? "stands there a second time"
			: extended ? "comes after PCR 0 was extended"
				   : "has another length");
	log->locality = ev->data.ptr[sizeof startup_locality];
	if (log->locality != 0 && log->locality != 3 && log->locality != 4)
		return assay_fail(err, ASSAY_E_FORMAT,
		    "event log: record %zu at 0x%zx: the startup locality is %u; want 0, 3 or 4",
		    ev->number, ev->at, log->locality);
	*seen = true;
	return ASSAY_OK;
}

/* Behind the padding nothing may stand: a reader who goes on there sees another log. */
static enum assay_code
check_padding(const struct assay_log *log, struct assay_error *err)
{
	for (size_t i = log->used; i < log->in.len; i++)
		if (log->in.ptr[i] != log->in.ptr[log->used])
			return assay_fail(err, ASSAY_E_FORMAT,
			    "event log: the padding at 0x%zx is followed by something else at "
			    "0x%zx; want nothing but padding up to the end",
			    log->used, i);
	return ASSAY_OK;
}

static enum assay_code
read_whole(struct assay_log *log, struct assay_error *err)
{
	struct assay_log_event ev = { .at = log->start };
	bool locality = false, extended = false;
	bool ima = log->kind == ASSAY_LOG_IMA;
	enum assay_code rc;

	while (ev.at < log->in.len && (ima || !is_padding(log->in, ev.at))) {
		ev.number++;
		if ((rc = take_record(&ev, log, err)) != ASSAY_OK)
			return rc;
		if (ima && ev.digests[0].size != log->banks[0].size)
			return assay_fail(err, ASSAY_E_FORMAT,
			    "event log: line %zu: its template hash has %u bytes, that of line 1 "
			    "has %u; want one hash in all",
			    ev.number, ev.digests[0].size, log->banks[0].size);
		if ((rc = take_locality(log, &ev, &locality, extended, err)) != ASSAY_OK)
			return rc;
		extended = extended || (ev.extends && ev.reg == 0);
		ev.at += ev.size;
	}
	log->events = ev.number;
	log->used = ev.at;
	return check_padding(log, err);
}

enum assay_code
assay_log_parse(
    struct assay_log *out, struct assay_bytes in, enum assay_log_kind kind, struct assay_error *err)
{
	struct assay_log log = { .in = in };
	enum assay_code rc;

	if (in.len == 0)
		return assay_fail(err, ASSAY_E_FORMAT, "event log: is empty");
	if (in.len > LOG_MAX)
		return assay_fail(err, ASSAY_E_FORMAT, "event log: is %zu bytes; want at most %d",
		    in.len, LOG_MAX);
	if ((rc = open_kind(&log, kind, err)) != ASSAY_OK ||
	    (rc = read_whole(&log, err)) != ASSAY_OK)
		return rc;
	*out = log;
	return ASSAY_OK;
}

bool
assay_log_next(struct assay_log_event *ev, const struct assay_log *log)
{
	struct assay_log_event next = { .number = ev->number + 1,
		.at = ev->number == 0 ? log->start : ev->at + ev->size };

	/* It was read once already. */
	if (next.number > log->events || next.at >= log->used ||
	    take_record(&next, log, NULL) != ASSAY_OK)
		return false;
	*ev = next;
	return true;
}
