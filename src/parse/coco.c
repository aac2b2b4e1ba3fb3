/* SPDX-License-Identifier: Apache-2.0 */
#include "parse/coco.h"

#include <stdlib.h>
#include <string.h>

#include "parse/quote.h"
#include "parse/sev.h"
#include "parse/signed_json.h"
#include "parse/snp_report.h"

enum {
	CERT_MAX = 64 * 1024,
	TABLE_ENTRY = 24,
	SIGNATURE_AT = 0x2a0,
	NUMBER_ROOM = 72,
	CPUID_SINCE = 3, /* report versions */
	MIT_VECTOR_SINCE = 5,
};

enum form {
	NUMBER,  /* little-endian, of the row's size */
	LONG,    /* the same, of 64 bits */
	BYTES,   /* an array of numbers */
	TCB,     /* {fmc, bootloader, tee, snp, microcode}, 8 bytes */
	VERSION, /* {major, minor, build}, which stand in the other order */
	CPUID,   /* a number; null or absent before v3 */
	VECTOR,  /* a number of 64 bits; null or absent before v5 */
};

/* In the order in which the peers write them. Offsets: AMD 56860, ATTESTATION_REPORT. */
static const struct row {
	const char *name;
	enum form form;
	uint16_t at, size;
} rows[] = {
	{ "version", NUMBER, 0x000, 4 },
	{ "guest_svn", NUMBER, 0x004, 4 },
	{ "policy", LONG, 0x008, 8 },
	{ "family_id", BYTES, 0x010, 16 },
	{ "image_id", BYTES, 0x020, 16 },
	{ "vmpl", NUMBER, 0x030, 4 },
	{ "sig_algo", NUMBER, 0x034, 4 },
	{ "current_tcb", TCB, 0x038, 8 },
	{ "plat_info", LONG, 0x040, 8 },
	{ "key_info", NUMBER, 0x048, 4 },
	{ "report_data", BYTES, 0x050, 64 },
	{ "measurement", BYTES, 0x090, 48 },
	{ "host_data", BYTES, 0x0c0, 32 },
	{ "id_key_digest", BYTES, 0x0e0, 48 },
	{ "author_key_digest", BYTES, 0x110, 48 },
	{ "report_id", BYTES, 0x140, 32 },
	{ "report_id_ma", BYTES, 0x160, 32 },
	{ "reported_tcb", TCB, 0x180, 8 },
	{ "cpuid_fam_id", CPUID, 0x188, 1 },
	{ "cpuid_mod_id", CPUID, 0x189, 1 },
	{ "cpuid_step", CPUID, 0x18a, 1 },
	{ "chip_id", BYTES, 0x1a0, 64 },
	{ "committed_tcb", TCB, 0x1e0, 8 },
	{ "current", VERSION, 0x1e8, 3 },
	{ "committed", VERSION, 0x1ec, 3 },
	{ "launch_tcb", TCB, 0x1f0, 8 },
	{ "launch_mit_vector", VECTOR, 0x1f8, 8 },
	{ "current_mit_vector", VECTOR, 0x200, 8 },
};
enum { ROWS = sizeof rows / sizeof *rows };

/* Where the parts of a TCB stand: with an FMC (Turin) and without. */
static const struct tcb_part {
	const char *name;
	uint8_t at, with_fmc;
} tcb_parts[] = {
	{ "bootloader", 0, 1 },
	{ "tee", 1, 2 },
	{ "snp", 6, 3 },
	{ "microcode", 7, 7 },
};
enum { TCB_PARTS = sizeof tcb_parts / sizeof *tcb_parts };

static const char *const version_parts[] = { "build", "minor", "major" };

/* The kinds of certificate by the peers' names, and the GUID of each in a table. */
static const struct cert_kind {
	const char *name;
	enum cert_table_kind kind;
	uint8_t guid[16];
} cert_kinds[] = {
	{ "VCEK", CERT_TABLE_VCEK,
	    { 0x63, 0xda, 0x75, 0x8d, 0xe6, 0x64, 0x45, 0x64, 0xad, 0xc5, 0xf4, 0xb9, 0x3b, 0xe8,
		0xac, 0xcd } },
	{ "VLEK", CERT_TABLE_VLEK,
	    { 0xa8, 0x07, 0x4b, 0xc2, 0xa2, 0x5a, 0x48, 0x3e, 0xaa, 0xe6, 0x39, 0xc0, 0x45, 0xa0,
		0xb8, 0xa1 } },
	{ "ASK", CERT_TABLE_ASK,
	    { 0x4a, 0xb7, 0xb3, 0x79, 0xbb, 0xac, 0x4f, 0xe4, 0xa0, 0x2f, 0x05, 0xae, 0xf3, 0x27,
		0xc7, 0x82 } },
	{ "ARK", CERT_TABLE_ARK,
	    { 0xc0, 0xb4, 0x06, 0xa4, 0xa8, 0x03, 0x49, 0x52, 0x97, 0x43, 0x3f, 0xb6, 0x01, 0x4c,
		0xd0, 0xae } },
};
enum { CERT_KINDS = sizeof cert_kinds / sizeof *cert_kinds };

/* --- reading ----------------------------------------------------------------------------- */

bool
assay_coco_recognise(struct assay_bytes in)
{
	struct assay_bytes text = assay_bytes_trim(in), name, value;
	size_t at = 0;

	while (assay_json_member(&name, &value, text, &at))
		if (((assay_bytes_equal(name, assay_bytes_of("quote")) ||
			 assay_bytes_equal(name, assay_bytes_of("sev_report"))) &&
			value.len > 0 && value.ptr[0] == '"') ||
		    (assay_bytes_equal(name, assay_bytes_of("attestation_report")) &&
			value.len > 0 && value.ptr[0] == '{'))
			return true;
	return false;
}

/* Messages name members of the top object from now on. */
static void
nowhere(struct json_walk *w)
{
	w->where[0] = '\0';
}

static void
put_number(struct json_walk *w, uint8_t *out, size_t size, const json_t *from, const char *name)
{
	const json_t *got = json_object_get(from, name);
	json_int_t n = json_integer_value(got);

	if (!json_is_integer(got) || n < 0 || (uint64_t)n >> 8 * size != 0) {
		assay_json_refuse(w, name, got,
		    size == 1 ? "a number from 0 to 255" : "a number from 0 to 4294967295");
		return;
	}
	for (size_t i = 0; i < size; i++)
		out[i] = (uint8_t)((uint64_t)n >> 8 * i);
}

static bool
digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

/* All 64 bits, from the text itself: jansson's integers end at 2^63 - 1. */
static void
put_u64(struct json_walk *w, uint8_t *out, struct assay_bytes report, const json_t *from,
    const char *name)
{
	struct assay_bytes member, digits = { NULL, 0 }, value;
	uint64_t n = 0;
	size_t at = 0;

	while (assay_json_member(&member, &value, report, &at))
		if (assay_bytes_equal(member, assay_bytes_of(name)))
			digits = value;
	bool ok = digits.len > 0 && (digits.len == 1 || digits.ptr[0] != '0');
	for (size_t i = 0; ok && i < digits.len; i++) {
		unsigned d = digits.ptr[i] - (unsigned)'0';
		ok = digit(digits.ptr[i]) && n <= (UINT64_MAX - d) / 10;
		n = n * 10 + d;
	}
	if (!ok) {
		assay_json_refuse(w, name, json_object_get(from, name),
		    "a number from 0 to 18446744073709551615");
		return;
	}
	for (size_t i = 0; i < 8; i++)
		out[i] = (uint8_t)(n >> 8 * i);
}

static void
put_bytes(struct json_walk *w, uint8_t *out, size_t size, const json_t *got, const char *name)
{
	char must_be[48];

	(void)snprintf(must_be, sizeof must_be, "an array of %zu bytes", size);
	if (json_array_size(got) != size) {
		assay_json_refuse(w, name, got, must_be);
		return;
	}
	for (size_t i = 0; i < size; i++) {
		const json_t *byte = json_array_get(got, i);
		json_int_t n = json_integer_value(byte);
		if (!json_is_integer(byte) || n < 0 || n > 255) {
			assay_json_refuse(w, name, byte, must_be);
			return;
		}
		out[i] = (uint8_t)n;
	}
}

/* No member but these: what a reader passes over, another may believe. */
static void
check_size(struct json_walk *w, const json_t *object, size_t known, const char *name)
{
	if (w->rc == ASSAY_OK && json_object_size(object) > known)
		w->rc = assay_fail(w->err, ASSAY_E_FORMAT,
		    "%s: %s%s has %zu members, and %zu of them are known; a newer form, or not "
		    "this one",
		    w->what, w->where, name, json_object_size(object), known);
}

static void
put_tcb(struct json_walk *w, uint8_t *out, const json_t *from, const char *name)
{
	json_t *tcb = assay_json_object(w, from, name);
	const json_t *fmc = json_object_get(tcb, "fmc");
	bool turin = fmc != NULL && !json_is_null(fmc);

	assay_json_at(w, "attestation_report.%s.", name);
	if (turin)
		put_number(w, out, 1, tcb, "fmc");
	for (size_t i = 0; i < TCB_PARTS && w->rc == ASSAY_OK; i++)
		put_number(w, out + (turin ? tcb_parts[i].with_fmc : tcb_parts[i].at), 1, tcb,
		    tcb_parts[i].name);
	check_size(w, tcb, TCB_PARTS + (fmc != NULL), "");
	assay_json_at(w, "attestation_report.");
}

static void
put_version(struct json_walk *w, uint8_t *out, const json_t *from, const char *name)
{
	json_t *version = assay_json_object(w, from, name);

	assay_json_at(w, "attestation_report.%s.", name);
	for (size_t i = 0; i < 3 && w->rc == ASSAY_OK; i++)
		put_number(w, out + i, 1, version, version_parts[i]);
	check_size(w, version, 3, "");
	assay_json_at(w, "attestation_report.");
}

/* Returns whether the member is there: null counts as there for check_size(). */
static size_t
put_row(struct json_walk *w, uint8_t *report, struct assay_bytes text, const json_t *from,
    const struct row *row)
{
	const json_t *got = json_object_get(from, row->name);
	uint8_t *out = report + row->at;
	bool optional = (row->form == CPUID && report[0] < CPUID_SINCE) ||
	    (row->form == VECTOR && report[0] < MIT_VECTOR_SINCE);

	if (optional && (got == NULL || json_is_null(got)))
		return got != NULL;
	switch (row->form) {
	case NUMBER:
	case CPUID:
		put_number(w, out, row->size, from, row->name);
		break;
	case LONG:
	case VECTOR:
		put_u64(w, out, text, from, row->name);
		break;
	case BYTES:
		put_bytes(w, out, row->size, got, row->name);
		break;
	case TCB:
		put_tcb(w, out, from, row->name);
		break;
	case VERSION:
		put_version(w, out, from, row->name);
		break;
	}
	return 1;
}

static void
put_report(struct json_walk *w, uint8_t *report, struct assay_bytes in, const json_t *root)
{
	struct assay_bytes name, value, text = { NULL, 0 };
	json_t *from = assay_json_object(w, root, "attestation_report");
	size_t known = 1, at = 0;

	while (assay_json_member(&name, &value, in, &at))
		if (assay_bytes_equal(name, assay_bytes_of("attestation_report")))
			text = value;
	assay_json_at(w, "attestation_report.");
	for (size_t i = 0; i < ROWS && w->rc == ASSAY_OK; i++)
		known += put_row(w, report, text, from, &rows[i]);
	json_t *signature = assay_json_object(w, from, "signature");
	check_size(w, from, known, "");
	assay_json_at(w, "attestation_report.signature.");
	if (w->rc == ASSAY_OK) {
		put_bytes(
		    w, report + SIGNATURE_AT, NUMBER_ROOM, json_object_get(signature, "r"), "r");
		put_bytes(w, report + SIGNATURE_AT + NUMBER_ROOM, NUMBER_ROOM,
		    json_object_get(signature, "s"), "s");
		check_size(w, signature, 2, "");
	}
	nowhere(w);
}

/* A kind that a table has; NULL for a CRL, an empty entry, or another kind, which are passed over. */
static const struct cert_kind *
cert_kind(struct json_walk *w, const json_t *entry)
{
	const json_t *type = json_object_get(entry, "cert_type");
	const char *name = json_string_value(type);

	if (name == NULL && !json_is_string(json_object_get(type, "OTHER")))
		assay_json_refuse(w, "cert_type", type, "a name, or {\"OTHER\": name}");
	for (size_t i = 0; name != NULL && i < CERT_KINDS; i++)
		if (strcmp(name, cert_kinds[i].name) == 0)
			return &cert_kinds[i];
	if (name != NULL && strcmp(name, "CRL") != 0 && strcmp(name, "Empty") != 0)
		assay_json_refuse(w, "cert_type", type, "VCEK, VLEK, ASK, ARK, CRL or Empty");
	return NULL;
}

static void
put32(uint8_t *p, size_t n)
{
	for (size_t i = 0; i < 4; i++)
		p[i] = (uint8_t)(n >> 8 * i);
}

/* The table that the certificates would have come in; returns its size. */
static size_t
put_table(struct json_walk *w, uint8_t *table, const json_t *chain, size_t count)
{
	size_t entries = 0, at;

	for (size_t i = 0; i < count; i++) {
		assay_json_at(w, "cert_chain[%zu].", i);
		entries += cert_kind(w, json_array_get(chain, i)) != NULL;
	}
	if (entries == 0 || w->rc != ASSAY_OK)
		return 0;
	at = (entries + 1) * TABLE_ENTRY;
	entries = 0;
	for (size_t i = 0; i < count && w->rc == ASSAY_OK; i++) {
		const json_t *data = json_object_get(json_array_get(chain, i), "data");
		const struct cert_kind *kind = cert_kind(w, json_array_get(chain, i));
		uint8_t *entry = table + entries * TABLE_ENTRY;
		size_t len = json_array_size(data);
		if (kind == NULL)
			continue;
		assay_json_at(w, "cert_chain[%zu].", i);
		if (len == 0 || len > CERT_MAX) {
			assay_json_refuse(w, "data", data, "an array of 1 to 65536 bytes");
			return 0;
		}
		memcpy(entry, kind->guid, sizeof kind->guid);
		put32(entry + 16, at);
		put32(entry + 20, len);
		put_bytes(w, table + at, len, data, "data");
		at += len;
		entries++;
	}
	nowhere(w);
	return at;
}

static void
parse_snp(struct json_walk *w, struct coco *out, struct assay_bytes in, const json_t *root)
{
	const json_t *chain = json_object_get(root, "cert_chain");
	size_t count = 0, room = SNP_REPORT_SIZE + TABLE_ENTRY;

	check_size(w, root, chain != NULL ? 2 : 1, "the evidence");
	if (chain != NULL && !json_is_null(chain))
		chain = assay_json_array(w, root, "cert_chain", 0, CERT_TABLE_MAX, &count);
	for (size_t i = 0; i < count; i++)
		room += TABLE_ENTRY +
		    json_array_size(json_object_get(json_array_get(chain, i), "data"));
	uint8_t *report = w->rc == ASSAY_OK ? assay_json_alloc(w, room, 1) : NULL;
	if (report == NULL)
		return;
	out->store = report;
	put_report(w, report, in, root);
	size_t table = w->rc == ASSAY_OK ? put_table(w, report + SNP_REPORT_SIZE, chain, count) : 0;
	out->snp = true;
	out->evidence = (struct assay_bytes){ report, SNP_REPORT_SIZE + table };
}

static size_t
put_base64(struct json_walk *w, uint8_t *to, const json_t *root, const char *name)
{
	const json_t *got = json_object_get(root, name);
	size_t len = 0;

	if (!json_is_string(got) ||
	    !assay_unbase64(to, &len, assay_bytes_of(json_string_value(got))))
		assay_json_refuse(w, name, got, "standard base64");
	return w->rc == ASSAY_OK ? len : 0;
}

static void
parse_quote(struct json_walk *w, struct coco *out, const json_t *root)
{
	const json_t *log = json_object_get(root, "cc_eventlog");
	/* The runtime log of older agents, as text: it proves nothing and is not looked at. */
	bool old = json_is_string(json_object_get(root, "aa_eventlog"));
	bool has_log = log != NULL && !json_is_null(log);
	size_t quote_text = json_string_length(json_object_get(root, "quote"));
	uint8_t *to = assay_json_alloc(
	    w, ASSAY_UNBASE64_MAX(quote_text) + ASSAY_UNBASE64_MAX(json_string_length(log)), 1);

	check_size(w, root, 1U + (log != NULL) + old, "the evidence");
	if (to == NULL)
		return;
	out->store = to;
	size_t len = put_base64(w, to, root, "quote");
	out->evidence = (struct assay_bytes){ to, len };
	if (has_log)
		out->eventlog =
		    (struct assay_bytes){ to + len, put_base64(w, to + len, root, "cc_eventlog") };
}

static void
parse_sev(struct json_walk *w, struct coco *out, const json_t *root)
{
	const json_t *report = json_object_get(root, "sev_report");
	const json_t *proof = json_object_get(root, "sev_proof");
	bool has_proof = proof != NULL && !json_is_null(proof);
	uint8_t *to = assay_json_alloc(w,
	    ASSAY_UNBASE64_MAX(json_string_length(report)) +
		ASSAY_UNBASE64_MAX(json_string_length(proof)),
	    1);

	check_size(w, root, 1U + (proof != NULL), "the evidence");
	if (to == NULL)
		return;
	out->store = to;
	size_t len = put_base64(w, to, root, "sev_report");
	out->evidence = (struct assay_bytes){ to, len };
	if (has_proof)
		out->proof =
		    (struct assay_bytes){ to + len, put_base64(w, to + len, root, "sev_proof") };
	if (w->rc == ASSAY_OK && has_proof && out->proof.len == 0)
		assay_json_refuse(w, "sev_proof", proof, "null or a proof");
	out->sev = true;
}

/*
 * A copy in which numbers that jansson would refuse as too large are ones that it takes: beyond the
 * range of every member but those of 64 bits, which are read from the text itself.
 */
static uint8_t *
shorten(struct json_walk *w, struct assay_bytes in)
{
	static const char large[] = "4294967296";
	enum { LONGEST = 18 /* digits that fit for certain */ };
	uint8_t *copy = assay_json_alloc(w, in.len + 1, 1);
	bool text = false;

	for (size_t i = 0; copy != NULL && i < in.len; i++) {
		size_t n = i;
		copy[i] = in.ptr[i];
		if (text && in.ptr[i] == '\\' && i + 1 < in.len) {
			i++;
			copy[i] = in.ptr[i];
			continue;
		}
		if (in.ptr[i] == '"')
			text = !text;
		while (!text && n < in.len && digit(in.ptr[n]))
			n++;
		if (n == i)
			continue;
		bool whole = n - i > LONGEST && (i == 0 || in.ptr[i - 1] != '-') &&
		    (n == in.len || (in.ptr[n] != '.' && (in.ptr[n] | 0x20) != 'e'));
		memcpy(copy + i, in.ptr + i, n - i);
		if (whole) {
			memset(copy + i, ' ', n - i);
			memcpy(copy + i, large, sizeof large - 1);
		}
		i = n - 1;
	}
	return copy;
}

enum assay_code
assay_coco_parse(struct coco *out, struct assay_bytes in, const char *what, struct assay_error *err)
{
	struct json_walk w = { .what = what,
		.err = err,
		.max = COCO_MAX,
		.remedy = "take the evidence as the attester sent it" };
	struct coco c = { .snp = false };
	struct assay_bytes text = assay_bytes_trim(in);

	if (text.len > COCO_MAX)
		return assay_fail(err, ASSAY_E_FORMAT, "%s: is %zu bytes, at most %d make sense",
		    what, text.len, COCO_MAX);
	uint8_t *copy = shorten(&w, text);
	json_t *root =
	    copy != NULL ? assay_json_load(&w, (struct assay_bytes){ copy, text.len }) : NULL;
	free(copy);
	if (root != NULL && json_object_get(root, "attestation_report") != NULL)
		parse_snp(&w, &c, text, root);
	else if (root != NULL && json_object_get(root, "sev_report") != NULL)
		parse_sev(&w, &c, root);
	else if (root != NULL)
		parse_quote(&w, &c, root);
	json_decref(root);
	if (w.rc == ASSAY_OK)
		*out = c;
	else
		free(c.store);
	return w.rc;
}

void
assay_coco_clear(struct coco *coco)
{
	free(coco->store);
	*coco = (struct coco){ .snp = false };
}

/* --- writing ----------------------------------------------------------------------------- */

enum {
	FIXED_MAX = 16 * 1024, /* all but certificates: 1184 bytes of at most 4 characters */
	BYTE_TEXT_MAX = 4,
};

struct writer {
	char *text;
	size_t room, n;
};

static void __attribute__((format(printf, 2, 3))) print(struct writer *w, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	w->n += (size_t)vsnprintf(w->text + w->n, w->room - w->n, fmt, ap);
	va_end(ap);
}

static void
print_base64(struct writer *w, struct assay_bytes bytes)
{
	assay_base64(w->text + w->n, bytes);
	w->n += ASSAY_BASE64_SIZE(bytes.len) - 1;
}

static void
print_bytes(struct writer *w, struct assay_bytes bytes)
{
	print(w, "[");
	for (size_t i = 0; i < bytes.len; i++)
		print(w, "%s%u", i > 0 ? "," : "", bytes.ptr[i]);
	print(w, "]");
}

static void
print_tcb(struct writer *w, const uint8_t *tcb, bool turin)
{
	if (turin)
		print(w, "{\"fmc\":%u", tcb[0]);
	else
		print(w, "{\"fmc\":null");
	for (size_t i = 0; i < TCB_PARTS; i++)
		print(w, ",\"%s\":%u", tcb_parts[i].name,
		    tcb[turin ? tcb_parts[i].with_fmc : tcb_parts[i].at]);
	print(w, "}");
}

static void
print_row(struct writer *w, struct assay_bytes report, const struct row *row, bool turin)
{
	const uint8_t *at = report.ptr + row->at;

	if (row->form == VECTOR && report.ptr[0] < MIT_VECTOR_SINCE)
		return; /* older peers know no such members */
	print(w, "\"%s\":", row->name);
	switch (row->form) {
	case NUMBER:
		print(w, "%lu", (unsigned long)assay_u32le(at));
		break;
	case LONG:
	case VECTOR:
		print(w, "%llu", (unsigned long long)assay_u64le(at));
		break;
	case CPUID:
		if (report.ptr[0] < CPUID_SINCE)
			print(w, "null");
		else
			print(w, "%u", *at);
		break;
	case BYTES:
		print_bytes(w, (struct assay_bytes){ at, row->size });
		break;
	case TCB:
		print_tcb(w, at, turin);
		break;
	case VERSION:
		print(w, "{\"major\":%u,\"minor\":%u,\"build\":%u}", at[2], at[1], at[0]);
		break;
	}
	print(w, ",");
}

static void
print_snp(struct writer *w, struct assay_bytes report, const struct cert_table *table,
    enum snp_product product)
{
	size_t printed = 0;

	print(w, "{\"attestation_report\":{");
	for (size_t i = 0; i < ROWS; i++)
		print_row(w, report, &rows[i], product == SNP_TURIN);
	print(w, "\"signature\":{\"r\":");
	print_bytes(w, assay_bytes_at(report, SIGNATURE_AT, NUMBER_ROOM));
	print(w, ",\"s\":");
	print_bytes(w, assay_bytes_at(report, SIGNATURE_AT + NUMBER_ROOM, NUMBER_ROOM));
	print(w, "}},\"cert_chain\":");
	for (size_t i = 0; i < table->count; i++)
		for (size_t k = 0; k < CERT_KINDS; k++)
			if (cert_kinds[k].kind == table->entries[i].kind) {
				print(w,
				    "%s{\"cert_type\":\"%s\",\"data\":", printed++ > 0 ? "," : "[",
				    cert_kinds[k].name);
				print_bytes(w, table->entries[i].data);
				print(w, "}");
			}
	print(w, printed > 0 ? "]}" : "null}");
}

static enum assay_code
write_snp(char **json, struct assay_bytes report, struct assay_bytes certificates,
    struct assay_error *err)
{
	struct cert_table table = { .count = 0 };
	struct snp_report parsed;
	enum assay_code rc = assay_snp_report_parse(&parsed, report, err);

	if (rc == ASSAY_OK && certificates.len > 0)
		rc = assay_cert_table_parse(&table, certificates, err);
	if (rc != ASSAY_OK)
		return rc;
	/* Entries may overlap: each is written whole. */
	size_t room = FIXED_MAX;
	for (size_t i = 0; i < table.count; i++)
		room += BYTE_TEXT_MAX * table.entries[i].data.len + 64;
	struct writer w = { malloc(room), room, 0 };
	if (w.text == NULL)
		return assay_fail_nomem(err);
	print_snp(&w, report, &table, parsed.product);
	*json = w.text;
	return ASSAY_OK;
}

static enum assay_code
write_quote(char **json, struct assay_bytes quote, bool tdx, struct assay_bytes log,
    struct assay_error *err)
{
	size_t room = ASSAY_BASE64_SIZE(quote.len) + ASSAY_BASE64_SIZE(log.len) + 64;
	struct writer w = { malloc(room), room, 0 };

	if (w.text == NULL)
		return assay_fail_nomem(err);
	print(&w, "{");
	if (tdx && log.len == 0)
		print(&w, "\"cc_eventlog\":null,");
	else if (tdx) {
		print(&w, "\"cc_eventlog\":\"");
		print_base64(&w, log);
		print(&w, "\",");
	}
	print(&w, "\"quote\":\"");
	print_base64(&w, quote);
	print(&w, "\"}");
	*json = w.text;
	return ASSAY_OK;
}

enum assay_code
assay_coco_write_sev(
    char **json, struct assay_bytes evidence, struct assay_bytes proof, struct assay_error *err)
{
	size_t room = ASSAY_BASE64_SIZE(evidence.len) + ASSAY_BASE64_SIZE(proof.len) + 64;

	if (!assay_sev_report_recognise(assay_bytes_at(evidence, 0, SEV_REPORT_SIZE)))
		return assay_fail(err, ASSAY_E_UNSUPPORTED,
		    "is no attestation report of SEV or SEV-ES, with its certificates or without");
	struct writer w = { malloc(room), room, 0 };
	if (w.text == NULL)
		return assay_fail_nomem(err);
	print(&w, "{\"sev_proof\":%s", proof.len > 0 ? "\"" : "null");
	if (proof.len > 0) {
		print_base64(&w, proof);
		print(&w, "\"");
	}
	print(&w, ",\"sev_report\":\"");
	print_base64(&w, evidence);
	print(&w, "\"}");
	*json = w.text;
	return ASSAY_OK;
}

enum assay_code
assay_coco_write(char **json, struct assay_bytes evidence, struct assay_bytes certificates,
    struct assay_bytes eventlog, struct assay_error *err)
{
	bool tdx = assay_quote_recognise(evidence, QUOTE_TEE_TDX);
	bool sgx = assay_quote_recognise(evidence, QUOTE_TEE_SGX);
	bool snp = assay_snp_report_recognise(evidence);

	if (!tdx && !sgx && !snp)
		return assay_fail(err, ASSAY_E_UNSUPPORTED,
		    "is no TDX or SGX quote and no SEV-SNP report: the form of Confidential "
		    "Containers has nothing else");
	if (certificates.len > 0 && !snp)
		return assay_fail(err, ASSAY_E_USAGE,
		    "certificates: a quote brings its own; only a SEV-SNP report has them beside "
		    "it");
	if (eventlog.len > 0 && !tdx)
		return assay_fail(
		    err, ASSAY_E_USAGE, "event log: the form has one for TDX quotes alone");
	return snp ? write_snp(json, evidence, certificates, err)
		   : write_quote(json, evidence, tdx, eventlog, err);
}
