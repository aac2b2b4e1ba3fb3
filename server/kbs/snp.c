/* SPDX-License-Identifier: Apache-2.0 */
#include "snp.h"

#include <stdlib.h>
#include <string.h>

#include "../text.h"
#include "buffer.h"
#include "kbs.h"
#include "scan.h"

enum {
	REPORT = 1184,
	SIGNATURE = 0x2a0,
	COMPONENT = 72, /* of the signature: r, then s */
	TABLE_ENTRY = 24,
	CERTS_MAX = 16,
	CPUID_SINCE = 3, /* versions of the report */
	VECTORS_SINCE = 5,
};

enum form { NUMBER, BYTES, TCB, VERSION, SINCE_3, SINCE_5, PAIR };

static const char *const names[] = { "version", "guest_svn", "policy", "family_id", "image_id",
	"vmpl", "sig_algo", "current_tcb", "plat_info", "key_info", "report_data", "measurement",
	"host_data", "id_key_digest", "author_key_digest", "report_id", "report_id_ma",
	"reported_tcb", "cpuid_fam_id", "cpuid_mod_id", "cpuid_step", "chip_id", "committed_tcb",
	"current", "committed", "launch_tcb", "launch_mit_vector", "current_mit_vector",
	"signature" };
enum { ROWS = sizeof names / sizeof *names };

/* Of each, in the same order: its form, and where it stands. */
static const struct row {
	enum form form;
	uint16_t at, size;
} rows[ROWS] = { { NUMBER, 0x000, 4 }, { NUMBER, 0x004, 4 }, { NUMBER, 0x008, 8 },
	{ BYTES, 0x010, 16 }, { BYTES, 0x020, 16 }, { NUMBER, 0x030, 4 }, { NUMBER, 0x034, 4 },
	{ TCB, 0x038, 8 }, { NUMBER, 0x040, 8 }, { NUMBER, 0x048, 4 }, { BYTES, 0x050, 64 },
	{ BYTES, 0x090, 48 }, { BYTES, 0x0c0, 32 }, { BYTES, 0x0e0, 48 }, { BYTES, 0x110, 48 },
	{ BYTES, 0x140, 32 }, { BYTES, 0x160, 32 }, { TCB, 0x180, 8 }, { SINCE_3, 0x188, 1 },
	{ SINCE_3, 0x189, 1 }, { SINCE_3, 0x18a, 1 }, { BYTES, 0x1a0, 64 }, { TCB, 0x1e0, 8 },
	{ VERSION, 0x1e8, 3 }, { VERSION, 0x1ec, 3 }, { TCB, 0x1f0, 8 }, { SINCE_5, 0x1f8, 8 },
	{ SINCE_5, 0x200, 8 }, { PAIR, SIGNATURE, 2 * COMPONENT } };

static const struct kind {
	const char *name;
	uint8_t guid[16];
} kinds[] = {
	{ "VCEK",
	    { 0x63, 0xda, 0x75, 0x8d, 0xe6, 0x64, 0x45, 0x64, 0xad, 0xc5, 0xf4, 0xb9, 0x3b, 0xe8,
		0xac, 0xcd } },
	{ "VLEK",
	    { 0xa8, 0x07, 0x4b, 0xc2, 0xa2, 0x5a, 0x48, 0x3e, 0xaa, 0xe6, 0x39, 0xc0, 0x45, 0xa0,
		0xb8, 0xa1 } },
	{ "ASK",
	    { 0x4a, 0xb7, 0xb3, 0x79, 0xbb, 0xac, 0x4f, 0xe4, 0xa0, 0x2f, 0x05, 0xae, 0xf3, 0x27,
		0xc7, 0x82 } },
	{ "ARK",
	    { 0xc0, 0xb4, 0x06, 0xa4, 0xa8, 0x03, 0x49, 0x52, 0x97, 0x43, 0x3f, 0xb6, 0x01, 0x4c,
		0xd0, 0xae } },
};

static void
put_little(uint8_t *to, uint64_t n, size_t size)
{
	for (size_t i = 0; i < size; i++)
		to[i] = (uint8_t)(n >> 8 * i);
}

/* Takes the members of these names and refuses all others: what one passes over, another believes. */
static enum assay_code
take_all(struct assay_bytes *values, const char *const *of, size_t count, struct assay_bytes object,
    const char *what, struct assay_error *err)
{
	struct assay_bytes name, value;
	size_t found = 0, all = 0, at = 0;
	enum assay_code rc = scan_members(values, of, count, object, what, err);

	if (rc != ASSAY_OK)
		return rc;
	for (size_t i = 0; i < count; i++)
		found += values[i].len > 0;
	while (scan_member(&name, &value, object, &at))
		all++;
	return all == found
	    ? ASSAY_OK
	    : kbs_fail(err, ASSAY_E_FORMAT,
		  "%s has %zu members, and %zu of them are known; a newer form, or not "
		  "this one",
		  what, all, found);
}

static bool
put_number(uint8_t *to, size_t size, struct assay_bytes value)
{
	uint64_t n;

	if (!scan_number(&n, value) || (size < 8 && n >> 8 * size != 0))
		return false;
	put_little(to, n, size);
	return true;
}

static bool
put_bytes(uint8_t *to, size_t size, struct assay_bytes value)
{
	size_t len;

	return scan_bytes(to, &len, size, value) && len == size;
}

/* An FMC, which only Turin has, moves the others. */
static bool
put_tcb(uint8_t *to, struct assay_bytes value, struct assay_error *err)
{
	static const char *const parts[] = { "bootloader", "tee", "snp", "microcode", "fmc" };
	static const uint8_t places[2][4] = { { 0, 1, 6, 7 }, { 1, 2, 3, 7 } };
	struct assay_bytes got[5];

	if (take_all(got, parts, 5, value, "evidence: a TCB", err) != ASSAY_OK)
		return false;
	bool fmc = got[4].len > 0 && !scan_is_null(got[4]);
	bool ok = !fmc || put_number(to, 1, got[4]);
	for (size_t i = 0; i < 4; i++)
		ok = ok && put_number(to + places[fmc][i], 1, got[i]);
	return ok;
}

static bool
put_version(uint8_t *to, struct assay_bytes value, struct assay_error *err)
{
	static const char *const parts[] = { "build", "minor", "major" };
	struct assay_bytes got[3];
	bool ok = take_all(got, parts, 3, value, "evidence: a version", err) == ASSAY_OK;

	for (size_t i = 0; i < 3; i++)
		ok = ok && put_number(to + i, 1, got[i]);
	return ok;
}

static bool
put_pair(uint8_t *to, struct assay_bytes value, struct assay_error *err)
{
	static const char *const parts[] = { "r", "s" };
	struct assay_bytes got[2];
	bool ok = take_all(got, parts, 2, value, "evidence: the signature", err) == ASSAY_OK;

	for (size_t i = 0; i < 2; i++)
		ok = ok && put_bytes(to + i * COMPONENT, COMPONENT, got[i]);
	return ok;
}

/* version: of the report. Members that are newer than it are null, or not there. */
static bool
put_row(uint8_t *report, const struct row *row, struct assay_bytes value, struct assay_error *err)
{
	uint8_t *to = report + row->at;
	bool absent = value.len == 0 || scan_is_null(value);

	switch (row->form) {
	case SINCE_3:
		return (absent && report[0] < CPUID_SINCE) || put_number(to, row->size, value);
	case SINCE_5:
		return (absent && report[0] < VECTORS_SINCE) || put_number(to, row->size, value);
	case NUMBER:
		return put_number(to, row->size, value);
	case BYTES:
		return put_bytes(to, row->size, value);
	case TCB:
		return put_tcb(to, value, err);
	case VERSION:
		return put_version(to, value, err);
	case PAIR:
		return put_pair(to, value, err);
	}
	return false;
}

static enum assay_code
put_report(uint8_t *report, struct assay_bytes object, struct assay_error *err)
{
	struct assay_bytes got[ROWS];
	struct assay_error why = { ASSAY_OK, "" };
	enum assay_code rc =
	    take_all(got, names, ROWS, object, "evidence: attestation_report", err);

	/* The version comes first: others depend on it. */
	for (size_t i = 0; rc == ASSAY_OK && i < ROWS; i++)
		if (!put_row(report, &rows[i], got[i], &why))
			rc = kbs_fail(err, ASSAY_E_FORMAT,
			    "evidence: attestation_report.%s is %s%s%s", names[i],
			    got[i].len == 0 ? "missing" : "not of its type, range or length",
			    why.text[0] != '\0' ? ": " : "", why.text);
	return rc;
}

/* false: no kind that there is. *kind NULL: one that is passed over, a CRL or an empty entry. */
static bool
take_kind(const struct kind **kind, struct assay_bytes value)
{
	static const char *const other[] = { "OTHER" };
	struct assay_bytes name;

	*kind = NULL;
	if (scan_is_object(value))
		return scan_members(&name, other, 1, value, "", NULL) == ASSAY_OK &&
		    scan_is_string(name);
	if (!scan_bare(&name, value))
		return false;
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if (bytes_equal(name, bytes_of(kinds[i].name)))
			*kind = &kinds[i];
	return *kind != NULL || bytes_equal(name, bytes_of("CRL")) ||
	    bytes_equal(name, bytes_of("Empty"));
}

struct cert {
	const struct kind *kind;
	struct assay_bytes data; /* the list of numbers */
};

static enum assay_code
take_chain(struct cert *certs, size_t *count, struct assay_bytes chain, struct assay_error *err)
{
	static const char *const parts[] = { "cert_type", "data" };
	struct assay_bytes entry, got[2];
	size_t at = 0;

	*count = 0;
	if (chain.len == 0 || scan_is_null(chain))
		return ASSAY_OK;
	if (chain.ptr[0] != '[')
		return kbs_fail(
		    err, ASSAY_E_FORMAT, "evidence: cert_chain must be an array or null");
	while (scan_element(&entry, chain, &at)) {
		struct cert c;
		enum assay_code rc =
		    scan_members(got, parts, 2, entry, "evidence: an entry of cert_chain", err);
		if (rc != ASSAY_OK)
			return rc;
		if (!take_kind(&c.kind, got[0]))
			return kbs_fail(err, ASSAY_E_FORMAT,
			    "evidence: cert_chain: a cert_type must be VCEK, VLEK, ASK, ARK, CRL, "
			    "Empty "
			    "or {\"OTHER\": name}");
		if (c.kind == NULL)
			continue;
		if (*count == CERTS_MAX)
			return kbs_fail(err, ASSAY_E_FORMAT,
			    "evidence: cert_chain has more than %d certificates", CERTS_MAX);
		c.data = got[1];
		certs[(*count)++] = c;
	}
	return ASSAY_OK;
}

/* Entries, a zero one, and then what they point to. room: of table. */
static enum assay_code
put_table(uint8_t *table, size_t *len, size_t room, const struct cert *certs, size_t count,
    struct assay_error *err)
{
	size_t at = (count + 1) * TABLE_ENTRY;

	*len = 0;
	if (count == 0)
		return ASSAY_OK;
	memset(table, 0, at);
	for (size_t i = 0; i < count; i++) {
		uint8_t *entry = table + i * TABLE_ENTRY;
		size_t n = 0;
		if (!scan_bytes(table + at, &n, room - at, certs[i].data) || n == 0)
			return kbs_fail(err, ASSAY_E_FORMAT,
			    "evidence: cert_chain: the data of %s must be an array of bytes",
			    certs[i].kind->name);
		memcpy(entry, certs[i].kind->guid, sizeof certs[i].kind->guid);
		put_little(entry + 16, at, 4);
		put_little(entry + 20, n, 4);
		at += n;
	}
	*len = at;
	return ASSAY_OK;
}

enum assay_code
kbs_snp_rebuild(uint8_t **out, size_t *len, struct assay_bytes json, struct assay_error *err)
{
	static const char *const parts[] = { "attestation_report", "cert_chain" };
	struct assay_bytes got[2];
	struct cert certs[CERTS_MAX];
	size_t count = 0, table = 0;
	enum assay_code rc = take_all(got, parts, 2, json, "evidence:", err);

	if (rc == ASSAY_OK)
		rc = take_chain(certs, &count, got[1], err);
	if (rc != ASSAY_OK)
		return rc;
	/* A byte of a certificate is two characters at least, with what stands around it. */
	size_t room = (CERTS_MAX + 1) * TABLE_ENTRY + json.len / 2;
	uint8_t *bytes = calloc(1, REPORT + room);
	if (bytes == NULL)
		return kbs_fail(err, ASSAY_E_NOMEM, "out of memory");
	if ((rc = put_report(bytes, got[0], err)) == ASSAY_OK &&
	    (rc = put_table(bytes + REPORT, &table, room, certs, count, err)) == ASSAY_OK) {
		*out = bytes;
		*len = REPORT + table;
		return ASSAY_OK;
	}
	free(bytes);
	return rc;
}
