/* SPDX-License-Identifier: Apache-2.0 */
#include "parse/parse_test.h"

#include "parse/quote.h"

enum { ROOM = 1024, CPU_SVN = 18 };

struct der {
	uint8_t bytes[ROOM];
	size_t len;
};

static void
put(struct der *d, uint8_t tag, const void *content, size_t n)
{
	assert_true(d->len + n + 4 <= ROOM);
	d->bytes[d->len++] = tag;
	if (n >= 0x100) {
		d->bytes[d->len++] = 0x82;
		d->bytes[d->len++] = (uint8_t)(n >> 8);
	} else if (n >= 0x80) {
		d->bytes[d->len++] = 0x81;
	}
	d->bytes[d->len++] = (uint8_t)n;
	memcpy(d->bytes + d->len, content, n);
	d->len += n;
}

/* SEQUENCE { OID below the extension's, value }; sub is 0 for a member of the extension itself. */
static void
put_member(struct der *d, unsigned arc, unsigned sub, const struct der *value)
{
	struct der entry = { .len = 0 };
	uint8_t oid[16];
	size_t n = pck_extension_oid.len;

	memcpy(oid, pck_extension_oid.ptr, n);
	oid[n++] = (uint8_t)arc;
	if (sub != 0)
		oid[n++] = (uint8_t)sub;
	put(&entry, 0x06, oid, n);
	memcpy(entry.bytes + entry.len, value->bytes, value->len);
	entry.len += value->len;
	put(d, 0x30, entry.bytes, entry.len);
}

/* What is asked for, other than the usual. */
struct recipe {
	const char *order;    /* of the members; NULL: "1234567" */
	unsigned skip, twice; /* a TCB member */
	unsigned arc, sub;    /* the member whose value is this instead: */
	uint8_t tag, content[20];
	size_t len;
};

static void
value_of(struct der *v, const struct recipe *r, unsigned arc, unsigned sub)
{
	static const uint8_t octets[16] = { 0xa0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14,
		15 };
	uint8_t number[2] = { 0, (uint8_t)(sub * 15) };

	v->len = 0;
	if (r->arc == arc && r->sub == sub)
		put(v, r->tag, r->content, r->len);
	else if (arc == 1 || arc == 6 || (arc == 2 && sub == CPU_SVN))
		put(v, 0x04, octets, 16);
	else if (arc == 3)
		put(v, 0x04, octets, 2);
	else if (arc == 4)
		put(v, 0x04, octets, 6);
	else if (arc == 5)
		put(v, 0x0a, "\1", 1);
	else if (arc == 7)
		put(v, 0x01, sub == 2 ? "\0" : "\xff", 1);
	else if (number[1] >= 0x80) /* a sign octet in front */
		put(v, 0x02, number, 2);
	else
		put(v, 0x02, number + 1, 1);
}

static void
sequence_of(struct der *v, const struct recipe *r, unsigned arc, unsigned last)
{
	struct der members = { .len = 0 }, value;

	for (unsigned sub = 1; sub <= last; sub++) {
		value_of(&value, r, arc, sub);
		if (arc != 2 || sub != r->skip)
			put_member(&members, arc, sub, &value);
		if (arc == 2 && sub == r->twice)
			put_member(&members, arc, sub, &value);
	}
	v->len = 0;
	put(v, 0x30, members.bytes, members.len);
}

static void
make(struct der *out, const struct recipe *r)
{
	struct der members = { .len = 0 }, value;

	for (const char *p = r->order == NULL ? "1234567" : r->order; *p != '\0'; p++) {
		unsigned arc = (unsigned)(*p - '0');
		if ((arc == 2 || arc == 7) && (r->arc != arc || r->sub != 0))
			sequence_of(&value, r, arc, arc == 2 ? CPU_SVN : 3);
		else
			value_of(&value, r, arc, 0);
		put_member(&members, arc, 0, &value);
	}
	out->len = 0;
	put(out, 0x30, members.bytes, members.len);
}

static enum assay_code
parse(struct assay_bytes in, struct assay_error *err)
{
	struct pck_extension p;

	return assay_pck_extension_parse(&p, in, err);
}

static void
test_good(void **state)
{
	struct der d;
	struct pck_extension p;
	(void)state;

	make(&d, &(struct recipe){ .order = NULL });
	struct assay_bytes in = { d.bytes, d.len };
	assert_int_equal(assay_pck_extension_parse(&p, in, NULL), ASSAY_OK);
	assert_true(p.ppid[0] == 0xa0 && p.ppid[15] == 15);
	assert_int_equal(p.components[0], 15);
	assert_int_equal(p.components[15], 240);
	assert_int_equal(p.pce_svn, 255);
	assert_int_equal(p.cpu_svn[0], 0xa0);
	assert_int_equal(p.fmspc[5], 5);
	assert_int_equal(p.pce_id[1], 1);
	assert_int_equal(p.sgx_type, 1);
	assert_true(p.has_platform_instance && p.platform_instance[15] == 15);
	assert_true(p.has_configuration && p.has_smt_enabled && p.smt_enabled);
	assert_true(p.has_cached_keys && !p.cached_keys && p.dynamic_platform);
	damage(parse, in);

	make(&d, &(struct recipe){ .order = "54321" }); /* Processor CA; by OID, not by place */
	in.len = d.len;
	assert_int_equal(assay_pck_extension_parse(&p, in, NULL), ASSAY_OK);
	assert_false(p.has_platform_instance || p.has_configuration || p.has_smt_enabled);
	assert_int_equal(p.components[15], 240);
}

static const struct {
	const char *name;
	struct recipe recipe;
	enum assay_code code;
	const char *words;
} cases[] = {
	{ "PCE SVN", { .arc = 2, .sub = 17, .tag = 2, .content = { 0, 0xff, 0xff }, .len = 3 },
	    ASSAY_OK, "" },
	{ "no PPID", { .order = "2345" }, ASSAY_E_FORMAT, "member .1 is missing" },
	{ "no TCB", { .order = "1345" }, ASSAY_E_FORMAT, "member .2 is missing" },
	{ "no type", { .order = "123467" }, ASSAY_E_FORMAT, "member .5 is missing" },
	{ "FMSPC twice", { .order = "123445" }, ASSAY_E_FORMAT, "member .4 is not known or" },
	{ "TCB twice", { .order = "12345267" }, ASSAY_E_FORMAT, "member .2 is not known or" },
	{ "member 8", { .order = "12345678" }, ASSAY_E_FORMAT, "member .8 is not known" },
	{ "nothing", { .order = "" }, ASSAY_E_FORMAT, "member .1 is missing" },
	{ "no component", { .skip = 7 }, ASSAY_E_FORMAT, "TCB member .2.7 is missing" },
	{ "no CPUSVN", { .skip = 18 }, ASSAY_E_FORMAT, "TCB member .2.18 is missing" },
	{ "component twice", { .twice = 3 }, ASSAY_E_FORMAT, "TCB member .2.3 is not known or" },
	{ "component 256", { .arc = 2, .sub = 4, .tag = 2, .content = { 1, 0 }, .len = 2 },
	    ASSAY_E_FORMAT, "TCB member .2.4 is not of its type or range" },
	{ "component -1", { .arc = 2, .sub = 4, .tag = 2, .content = { 0xff }, .len = 1 },
	    ASSAY_E_FORMAT, "TCB member .2.4 is not of its type or range" },
	{ "PCE SVN 65536", { .arc = 2, .sub = 17, .tag = 2, .content = { 1, 0, 0 }, .len = 3 },
	    ASSAY_E_FORMAT, "TCB member .2.17 is not of its type or range" },
	{ "CPUSVN short", { .arc = 2, .sub = 18, .tag = 4, .len = 15 }, ASSAY_E_FORMAT,
	    "TCB member .2.18 is not of its type or range" },
	{ "TCB no sequence", { .arc = 2, .tag = 4, .len = 4 }, ASSAY_E_FORMAT,
	    "TCB (.2) is no sequence" },
	{ "TCB of junk", { .arc = 2, .tag = 0x30, .content = { 5, 0 }, .len = 2 }, ASSAY_E_FORMAT,
	    "TCB (.2) is no sequence" },
	{ "PPID short", { .arc = 1, .tag = 4, .len = 15 }, ASSAY_E_FORMAT, "member .1 is not of" },
	{ "PCEID long", { .arc = 3, .tag = 4, .len = 3 }, ASSAY_E_FORMAT, "member .3 is not of" },
	{ "FMSPC no octets", { .arc = 4, .tag = 2, .len = 6 }, ASSAY_E_FORMAT, "member .4 is not" },
	{ "type 3", { .arc = 5, .tag = 10, .content = { 3 }, .len = 1 }, ASSAY_E_FORMAT,
	    "member .5 is not of its type" },
	{ "type as INTEGER", { .arc = 5, .tag = 2, .content = { 0 }, .len = 1 }, ASSAY_E_FORMAT,
	    "member .5 is not of its type" },
	{ "instance short", { .arc = 6, .tag = 4, .len = 8 }, ASSAY_E_FORMAT, "member .6 is not" },
	{ "configuration no sequence", { .arc = 7, .tag = 4, .len = 8 }, ASSAY_E_FORMAT,
	    "configuration (.7) is no sequence" },
	{ "flag no BOOLEAN", { .arc = 7, .sub = 3, .tag = 2, .len = 1 }, ASSAY_E_FORMAT,
	    "configuration member .7.3 is no BOOLEAN" },
	{ "flag 2", { .arc = 7, .sub = 1, .tag = 1, .content = { 2 }, .len = 1 }, ASSAY_E_FORMAT,
	    "configuration member .7.1 is no BOOLEAN" },
};

static void
test_refusals(void **state)
{
	struct der d;
	(void)state;

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct assay_error err = { ASSAY_OK, "" };
		make(&d, &cases[i].recipe);
		enum assay_code rc = parse((struct assay_bytes){ d.bytes, d.len }, &err);
		expect_outcome(cases[i].name, rc, &err, cases[i].code, cases[i].words);
	}
}

/* A last member that is not well formed is no end of the list. */
static void
test_malformed_tail(void **state)
{
	struct der members = { .len = 0 }, value, d;
	struct assay_error err = { ASSAY_OK, "" };
	const struct recipe usual = { .order = NULL };
	(void)state;

	for (unsigned arc = 1; arc <= 5; arc++) {
		if (arc == 2)
			sequence_of(&value, &usual, arc, CPU_SVN);
		else
			value_of(&value, &usual, arc, 0);
		put_member(&members, arc, 0, &value);
	}
	struct der good = members;
	for (unsigned kind = 0; kind < 3; kind++) {
		members = good;
		if (kind == 0)
			put(&members, 0x30, "\5\0", 2); /* no OID in it */
		else if (kind == 1)
			put(&members, 0x04, "", 0); /* no SEQUENCE */
		else
			put(&members, 0x30, "", 0);
		d.len = 0;
		put(&d, 0x30, members.bytes, members.len);
		expect_outcome("tail", parse((struct assay_bytes){ d.bytes, d.len }, &err), &err,
		    ASSAY_E_FORMAT, "is no sequence of OID and value");
	}
	value.len = 0; /* something behind a value */
	put(&value, 0x04, "0123456789abcdef", 16);
	put(&value, 0x05, "", 0);
	members = good;
	put_member(&members, 6, 0, &value);
	d.len = 0;
	put(&d, 0x30, members.bytes, members.len);
	expect_outcome("two values", parse((struct assay_bytes){ d.bytes, d.len }, &err), &err,
	    ASSAY_E_FORMAT, "bytes follow the value of member .6");
	d.len = 0;
	put(&d, 0x30, good.bytes, good.len);
	d.bytes[d.len++] = 0;
	expect_outcome("surplus", parse((struct assay_bytes){ d.bytes, d.len }, &err), &err,
	    ASSAY_E_FORMAT, "is no sequence of OID and value");
	d.len = 0;
	put(&value, 0x30, "", 0);
	members = good;
	value.len = 0;
	put(&value, 0x30, "\x30\0", 2); /* a configuration with a member that is empty */
	put_member(&members, 7, 0, &value);
	put(&d, 0x30, members.bytes, members.len);
	expect_outcome("empty flag", parse((struct assay_bytes){ d.bytes, d.len }, &err), &err,
	    ASSAY_E_FORMAT, "configuration (.7) is no sequence");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_malformed_tail),
	};

	return RUN_TESTS(tests);
}
