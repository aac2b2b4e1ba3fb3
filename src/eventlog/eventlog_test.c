/* SPDX-License-Identifier: Apache-2.0 */
#include "eventlog/eventlog.h"

#include "alloc.h"
#include "parse/parse_test.h"

#define HEX48                                                                                      \
	"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b" \
	"2c2d2e2f"
#define HEX20 "000102030405060708090a0b0c0d0e0f10111213"

/* --- logs made here ---------------------------------------------------------------------- */

enum { ROOM = 16 * 1024, SHA1 = 0x04, SHA256 = 0x0b, SHA384 = 0x0c, SHA512 = 0x0d };

struct made {
	uint8_t bytes[ROOM];
	size_t len;
	uint16_t banks[ASSAY_LOG_BANKS_MAX];
	size_t bank_count;
};

static struct assay_bytes
slice(const struct made *m)
{
	return (struct assay_bytes){ m->bytes, m->len };
}

static void
add(struct made *m, const void *p, size_t n)
{
	assert_true(n <= ROOM - m->len);
	if (n > 0)
		memcpy(m->bytes + m->len, p, n);
	m->len += n;
}

static void
add16(struct made *m, uint32_t v)
{
	uint8_t b[2];

	put16(b, v);
	add(m, b, sizeof b);
}

static void
add32(struct made *m, uint32_t v)
{
	uint8_t b[4];

	put32(b, v);
	add(m, b, sizeof b);
}

static size_t
size_of(uint16_t algorithm)
{
	return assay_bank_find(algorithm)->size;
}

/* A Spec ID header in this register. */
static void
header(struct made *m, uint32_t reg, const uint16_t *banks, size_t count)
{
	static const uint8_t zeros[20];

	m->len = 0;
	add32(m, reg);
	add32(m, EV_NO_ACTION);
	add(m, zeros, 20);
	add32(m, (uint32_t)(28 + 4 * count + 1));
	add(m, "Spec ID Event03", 16);
	add32(m, 0);
	add(m, "\0\2\0\2", 4);
	add32(m, (uint32_t)count);
	for (size_t i = 0; i < count; i++) {
		add16(m, banks[i]);
		add16(m, (uint32_t)size_of(banks[i]));
		m->banks[i] = banks[i];
	}
	add(m, "", 1);
	m->bank_count = count;
}

/* A record whose digests are over `hashed`. */
static void
record_over(
    struct made *m, uint32_t reg, uint32_t type, struct assay_bytes hashed, struct assay_bytes data)
{
	uint8_t digest[ASSAY_DIGEST_MAX];

	add32(m, reg);
	add32(m, type);
	add32(m, (uint32_t)m->bank_count);
	for (size_t i = 0; i < m->bank_count; i++) {
		assay_bank_hash(digest, m->banks[i], &hashed, 1);
		add16(m, m->banks[i]);
		add(m, digest, size_of(m->banks[i]));
	}
	add32(m, (uint32_t)data.len);
	add(m, data.ptr, data.len);
}

static void
record(struct made *m, uint32_t reg, uint32_t type, const char *text)
{
	record_over(m, reg, type, assay_bytes_of(text), assay_bytes_of(text));
}

/* The agent's tagged event. */
static void
aael(struct made *m, uint32_t reg, const char *text)
{
	uint8_t data[512];
	size_t n = strlen(text);

	put32(data, AAEL_TAG);
	put32(data + 4, (uint32_t)n);
	memcpy(data + 8, text, n);
	struct assay_bytes all = { data, 8 + n };
	record_over(m, reg, EV_EVENT_TAG, all, all);
}

/* Six events in RTMR0, RTMR1 and RTMR3. */
static void
ccel(struct made *m)
{
	header(m, 1, (const uint16_t[]){ SHA384 }, 1);
	record(m, 1, 0x80000007, "one");
	record(m, 1, 0x05, "two");
	record(m, 2, 0x80000007, "three");
	record(m, 1, 0x0d, "four");
	record(m, 2, 0x80000007, "five");
	aael(m, 4, "domain operation content");
}

static struct assay_log
parsed(const struct made *m)
{
	struct assay_log log;
	struct assay_error err;

	if (assay_log_parse(&log, slice(m), ASSAY_LOG_ANY, &err) != ASSAY_OK)
		fail_msg("%s", err.text);
	return log;
}

static struct assay_registers
replayed(const struct made *m)
{
	struct assay_log log = parsed(m);
	struct assay_registers regs;
	struct assay_error err;

	if (assay_log_replay(&regs, &log, 1, &err) != ASSAY_OK)
		fail_msg("%s", err.text);
	return regs;
}

/* --- reading ----------------------------------------------------------------------------- */

static void
test_kinds(void **context)
{
	static const uint16_t sha384[] = { SHA384 }, two[] = { SHA1, SHA256 };
	static struct made m;
	struct assay_log log;
	struct assay_error err;

	(void)context;
	ccel(&m);
	log = parsed(&m);
	assert_int_equal(log.kind, ASSAY_LOG_CCEL);
	assert_true(log.cc && log.has_header && log.events == 6 && log.used == m.len);
	assert_true(log.version_major == 2 && log.bank_count == 1 && log.banks[0].size == 48);

	header(&m, 0, two, 2); /* a TPM's */
	record(&m, 7, 0x04, "x");
	log = parsed(&m);
	assert_true(log.kind == ASSAY_LOG_TCG2 && !log.cc && log.bank_count == 2);

	header(&m, 0, sha384, 1); /* td-shim's: the header says nothing */
	record(&m, 1, 0x04, "x");
	record(&m, 4, 0x04, "x");
	assert_int_equal(parsed(&m).kind, ASSAY_LOG_CCEL);
	record(&m, 5, 0x04, "x");
	assert_int_equal(parsed(&m).kind, ASSAY_LOG_TCG2);
	assert_int_equal(assay_log_parse(&log, slice(&m), ASSAY_LOG_CCEL, &err), ASSAY_E_FORMAT);
	assert_non_null(strstr(err.text, "record 3 at 0x"));
	assert_non_null(strstr(err.text, "extends register 5; a confidential VM has 1 to 4"));
	ccel(&m);
	assert_int_equal(assay_log_parse(&log, slice(&m), ASSAY_LOG_TCG2, &err), ASSAY_OK);
	assert_false(log.cc);

	m.len = 0; /* the agent's file alone */
	aael(&m, 4, "a b c");
	log = parsed(&m);
	assert_true(log.kind == ASSAY_LOG_AAEL && log.cc && log.events == 1);
	m.banks[0] = SHA256;
	m.len = 0;
	aael(&m, 17, "a b c");
	log = parsed(&m);
	assert_true(log.kind == ASSAY_LOG_AAEL && !log.cc);

	m.len = 0; /* TPM 1.2 */
	add(&m, "\7\0\0\0\4\0\0\0aaaaaaaaaaaaaaaaaaaa\4\0\0\0\0\0\0\0", 36);
	log = parsed(&m);
	assert_true(log.kind == ASSAY_LOG_TCG1 && log.events == 1 && !log.has_header);
	assert_string_equal(assay_log_kind_name(log.kind), "TCG 1.2");
	assert_string_equal(assay_log_kind_name((enum assay_log_kind)77), "unknown");
	assert_string_equal(assay_log_bank_name(SHA384), "sha384");
	assert_string_equal(assay_log_bank_name(0x99), "unknown");
}

/* One byte or length changed in a good log, and what is said of it. The header has 65 bytes, the
 * first record 12 of fields, 2 + 48 of digest, 4 of size and 3 of data. */
static void
test_refusals(void **context)
{
	enum { REC = 65, DIGESTS = REC + 8, ALG = REC + 12, SIZE = REC + 62 };
	static const struct {
		const char *name;
		size_t at;
		uint8_t value;
		const char *words;
	} cases[] = {
		{ "no banks", 56, 0, "header: lists 0 banks; want 1 to 8" },
		{ "many banks", 57, 1, "header: lists 257 banks" },
		{ "digest of a wrong size", 62, 20,
		    "digests of bank 0x000c have 20 bytes; want 48" },
		{ "vendor info runs over", 64, 9, "header: ends too early" },
		{ "header runs over", 30, 1, "header: says that it has 65569 bytes" },
		{ "digest count lies", DIGESTS, 2,
		    "record 1 at 0x41: has 2 digests; the log's header "
		    "lists 1 banks" },
		{ "no digest", DIGESTS, 0, "record 1 at 0x41: " },
		{ "another bank", ALG, SHA256,
		    "has a digest of algorithm 0x000b, which the log's "
		    "header does not list" },
		{ "a size of 1.2e9", SIZE + 3, 0x48,
		    "says that 1207959555 bytes of event data follow; "
		    "only" },
		{ "another register", REC, 5, "extends register 5; a confidential VM has 1 to 4" },
		{ "MRTD", REC, 0, "extends register 0; a confidential VM has 1 to 4" },
	};
	static struct made m;
	struct assay_error err;
	struct assay_log log;

	(void)context;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		ccel(&m);
		m.bytes[cases[i].at] = cases[i].value;
		expect_outcome(cases[i].name, assay_log_parse(&log, slice(&m), ASSAY_LOG_ANY, &err),
		    &err, ASSAY_E_FORMAT, cases[i].words);
	}
	/* A header that says it is shorter than its own signature, at the very end of the input. */
	for (uint8_t n = 0; n < 28; n++) {
		uint8_t *copy = malloc(48);
		assert_non_null(copy);
		ccel(&m);
		memcpy(copy, m.bytes, 48);
		memset(copy + 28, 0, 4);
		copy[28] = n;
		expect_outcome("short header",
		    assay_log_parse(&log, (struct assay_bytes){ copy, 48 }, ASSAY_LOG_ANY, &err),
		    &err, ASSAY_E_FORMAT, "header: ");
		free(copy);
	}
	header(&m, 0, (const uint16_t[]){ SHA1, SHA1 }, 2);
	expect_outcome("bank twice", assay_log_parse(&log, slice(&m), ASSAY_LOG_ANY, &err), &err,
	    ASSAY_E_FORMAT, "lists bank 0x0004 twice");
	header(&m, 0, (const uint16_t[]){ SHA1, SHA256 }, 2);
	size_t at = m.len;
	m.banks[1] = SHA1;
	record(&m, 0, 0x04, "x");
	expect_outcome("digest twice", assay_log_parse(&log, slice(&m), ASSAY_LOG_ANY, &err), &err,
	    ASSAY_E_FORMAT, "has two sha1 digests; want one a bank");
	m.len = at;
	m.bank_count = 1;
	record(&m, 0, 0x04, "x");
	expect_outcome("bank is left out", assay_log_parse(&log, slice(&m), ASSAY_LOG_ANY, &err),
	    &err, ASSAY_E_FORMAT, "has no sha256 digest; the log's header lists that bank");
	m.len = at;
	m.banks[1] = SHA256;
	m.bank_count = 2;
	record(&m, 24, 0x04, "x");
	expect_outcome("no such PCR", assay_log_parse(&log, slice(&m), ASSAY_LOG_ANY, &err), &err,
	    ASSAY_E_FORMAT, "extends register 24; a TPM has PCR 0 to 23");
	m.len = at;
	record(&m, 0xffffffff, EV_NO_ACTION, "informs"); /* is in no register */
	assert_int_equal(parsed(&m).events, 1);

	expect_outcome("empty",
	    assay_log_parse(&log, (struct assay_bytes){ NULL, 0 }, ASSAY_LOG_ANY, &err), &err,
	    ASSAY_E_FORMAT, "is empty");
	expect_outcome("text", assay_log_parse(&log, assay_bytes_of("hello"), ASSAY_LOG_ANY, &err),
	    &err, ASSAY_E_UNSUPPORTED, "is none that is known");
	m.len = 0;
	add(&m, "\0\0\0\0\x08\0\0\0\0\0\0\0\0\x6c\0\0\0\1\4", 19);
	expect_outcome("CEL", assay_log_parse(&log, slice(&m), ASSAY_LOG_ANY, &err), &err,
	    ASSAY_E_UNSUPPORTED, "is a TCG CEL log in TLV form");
	ccel(&m);
	expect_outcome("not AAEL", assay_log_parse(&log, slice(&m), ASSAY_LOG_AAEL, &err), &err,
	    ASSAY_E_FORMAT, "does not begin with a record of the Confidential Containers agent");
	expect_outcome("not TPM 1.2", assay_log_parse(&log, slice(&m), ASSAY_LOG_TCG1, &err), &err,
	    ASSAY_E_FORMAT, "a TPM 1.2 log has none");
	expect_outcome("not IMA", assay_log_parse(&log, slice(&m), ASSAY_LOG_IMA, &err), &err,
	    ASSAY_E_FORMAT, "line 1: ");
	m.len = 0;
	add(&m, "\7\0\0\0\4\0\0\0aaaaaaaaaaaaaaaaaaaa\4\0\0\0\0\0\0\0", 36);
	expect_outcome("not CCEL", assay_log_parse(&log, slice(&m), ASSAY_LOG_CCEL, &err), &err,
	    ASSAY_E_FORMAT, "has no Spec ID header; a CCEL begins with one");
}

static void
test_padding(void **context)
{
	static struct made m;
	struct assay_error err;
	struct assay_log log;

	(void)context;
	for (int fill = 0; fill < 256; fill += 255) {
		for (size_t n = 1; n < 200; n += 11) {
			ccel(&m);
			size_t used = m.len;
			memset(m.bytes + m.len, fill, n);
			m.len += n;
			log = parsed(&m);
			assert_true(log.used == used && log.events == 6 && log.in.len == m.len);
		}
		/* An event hidden behind the padding, for readers who go on there. */
		ccel(&m);
		memset(m.bytes + m.len, fill, 8);
		m.len += 8;
		record(&m, 1, 0x05, "hidden");
		expect_outcome("hidden", assay_log_parse(&log, slice(&m), ASSAY_LOG_ANY, &err),
		    &err, ASSAY_E_FORMAT, "is followed by something else at 0x");
	}
	ccel(&m); /* neither of the fills */
	memset(m.bytes + m.len, 0xa5, 16);
	m.len += 16;
	expect_outcome("other fill", assay_log_parse(&log, slice(&m), ASSAY_LOG_ANY, &err), &err,
	    ASSAY_E_FORMAT, "record 7 at 0x");
}

/* Every truncation is refused, or is a log with fewer events that ends there; bit flips are refused
 * with a sentence or taken. Each on a block of its exact size, for the sanitizers. */
static void
test_damage(void **context)
{
	static struct made logs[3];
	struct assay_error err;
	struct assay_log log;

	(void)context;
	ccel(&logs[0]);
	header(&logs[1], 0, (const uint16_t[]){ SHA1, SHA256, SHA512 }, 3);
	record(&logs[1], 0, EV_NO_ACTION, "StartupLocality");
	record(&logs[1], 17, 0x05, "seventeen");
	add(&logs[2], "\7\0\0\0\4\0\0\0aaaaaaaaaaaaaaaaaaaa\4\0\0\0\0\0\0\0", 36);
	add(&logs[2], "\7\0\0\0\5\0\0\0aaaaaaaaaaaaaaaaaaaa\4\0\0\0\0\0\0\0", 36);
	for (size_t i = 0; i < 3; i++) {
		size_t events = parsed(&logs[i]).events;
		for (size_t n = 1; n < logs[i].len; n++) {
			uint8_t *copy = malloc(n);
			assert_non_null(copy);
			memcpy(copy, logs[i].bytes, n);
			err = (struct assay_error){ ASSAY_OK, "" };
			enum assay_code rc = assay_log_parse(
			    &log, (struct assay_bytes){ copy, n }, ASSAY_LOG_ANY, &err);
			expect_sentence(rc, &err);
			/* A cut inside the last record's zeros leaves what looks like padding. */
			assert_true(rc != ASSAY_OK || log.events < events);
			free(copy);
		}
		uint8_t *copy = malloc(logs[i].len);
		assert_non_null(copy);
		memcpy(copy, logs[i].bytes, logs[i].len);
		for (size_t bit = 0; bit < 8 * logs[i].len; bit++) {
			struct assay_log_event ev = { 0 };
			copy[bit / 8] ^= (uint8_t)(1 << bit % 8);
			err = (struct assay_error){ ASSAY_OK, "" };
			enum assay_code rc = assay_log_parse(
			    &log, (struct assay_bytes){ copy, logs[i].len }, ASSAY_LOG_ANY, &err);
			expect_sentence(rc, &err);
			size_t seen = 0;
			while (rc == ASSAY_OK && assay_log_next(&ev, &log))
				seen++;
			assert_true(rc != ASSAY_OK || seen == log.events);
			copy[bit / 8] ^= (uint8_t)(1 << bit % 8);
		}
		free(copy);
	}
}

/* --- replaying --------------------------------------------------------------------------- */

/* H(start || H(a)), then with b, of the strings. */
static void
chain(uint8_t out[ASSAY_DIGEST_MAX], uint16_t algorithm, const uint8_t *start,
    const char *const *texts)
{
	size_t n = size_of(algorithm);

	memcpy(out, start, ASSAY_DIGEST_MAX);
	for (; *texts != NULL; texts++) {
		uint8_t digest[ASSAY_DIGEST_MAX], next[ASSAY_DIGEST_MAX];
		struct assay_bytes text = assay_bytes_of(*texts);
		assay_bank_hash(digest, algorithm, &text, 1);
		struct assay_bytes parts[] = { { out, n }, { digest, n } };
		assay_bank_hash(next, algorithm, parts, 2);
		memcpy(out, next, sizeof next);
	}
}

static void
test_replay(void **context)
{
	static const uint8_t zeros[ASSAY_DIGEST_MAX];
	uint8_t want[ASSAY_DIGEST_MAX], start[ASSAY_DIGEST_MAX];
	static struct made m;

	(void)context;
	ccel(&m);
	struct assay_registers regs = replayed(&m);
	assert_true(regs.cc && regs.bank_count == 1 && regs.banks[0].algorithm == SHA384);
	assert_int_equal(regs.banks[0].known, 1 << 1 | 1 << 2 | 1 << 4);
	chain(want, SHA384, zeros, (const char *const[]){ "one", "two", "four", NULL });
	assert_memory_equal(regs.banks[0].value[1], want, 48);
	chain(want, SHA384, zeros, (const char *const[]){ "three", "five", NULL });
	assert_memory_equal(regs.banks[0].value[2], want, 48);
	assert_memory_equal(regs.banks[0].value[3], zeros, 48);

	/* A TPM: the locality stands in PCR 0, ones in PCR 17 to 22, what informs is in none. */
	header(&m, 0, (const uint16_t[]){ SHA1, SHA512 }, 2);
	struct assay_bytes locality = { (const uint8_t *)"StartupLocality\0\3", 17 };
	record_over(&m, 0, EV_NO_ACTION, locality, locality);
	record(&m, 0, EV_NO_ACTION, "SP800-155 Event");
	record(&m, 0, 0x05, "one");
	record(&m, 17, 0x05, "one");
	record(&m, 23, 0x05, "one");
	assert_int_equal(parsed(&m).locality, 3);
	regs = replayed(&m);
	assert_true(!regs.cc && regs.bank_count == 2);
	for (size_t b = 0; b < 2; b++) {
		struct assay_register_bank *bank = &regs.banks[b];
		assert_int_equal(bank->known, 1 << 0 | 1 << 17 | 1 << 23);
		memset(start, 0, sizeof start);
		start[bank->size - 1] = 3;
		chain(want, bank->algorithm, start, (const char *const[]){ "one", NULL });
		assert_memory_equal(bank->value[0], want, bank->size);
		memset(start, 0xff, sizeof start);
		chain(want, bank->algorithm, start, (const char *const[]){ "one", NULL });
		assert_memory_equal(bank->value[17], want, bank->size);
		chain(want, bank->algorithm, zeros, (const char *const[]){ "one", NULL });
		assert_memory_equal(bank->value[23], want, bank->size);
		assert_memory_equal(bank->value[22], start, bank->size);
		assert_memory_equal(bank->value[16], zeros, bank->size);
	}
}

static void
test_locality(void **context)
{
	static const struct {
		const char *name, *event;
		size_t len;
		bool after, twice;
		const char *words;
	} cases[] = {
		{ "after PCR 0", "StartupLocality\0\3", 17, true, false, "comes after PCR 0 was" },
		{ "twice", "StartupLocality\0\3", 17, false, true, "stands there a second time" },
		{ "long", "StartupLocality\0\3\0", 18, false, false, "has another length" },
		{ "one", "StartupLocality\0\1", 17, false, false, "the startup locality is 1" },
	};
	static struct made m;
	struct assay_error err;
	struct assay_log log;

	(void)context;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct assay_bytes event = { (const uint8_t *)cases[i].event, cases[i].len };
		header(&m, 0, (const uint16_t[]){ SHA256 }, 1);
		if (cases[i].after)
			record(&m, 0, 0x05, "one");
		record_over(&m, 0, EV_NO_ACTION, event, event);
		if (cases[i].twice)
			record_over(&m, 0, EV_NO_ACTION, event, event);
		expect_outcome(cases[i].name, assay_log_parse(&log, slice(&m), ASSAY_LOG_ANY, &err),
		    &err, ASSAY_E_FORMAT, cases[i].words);
	}
}

static void
test_several(void **context)
{
	static struct made a, b;
	struct assay_registers both, one;
	struct assay_error err;

	(void)context;
	ccel(&a);
	b.bank_count = 1;
	b.banks[0] = SHA384;
	b.len = 0;
	aael(&b, 4, "more of it");
	struct assay_log logs[] = { parsed(&a), parsed(&b) };
	assert_int_equal(assay_log_replay(&both, logs, 2, &err), ASSAY_OK);
	add(&a, b.bytes, b.len); /* the same as one log */
	one = replayed(&a);
	assert_memory_equal(both.banks[0].value, one.banks[0].value, sizeof one.banks[0].value);

	/* Of PCRs and RTMRs; and a bank that only one of them has. */
	header(&b, 0, (const uint16_t[]){ SHA1, SHA256 }, 2);
	record(&b, 10, 0x05, "one");
	record(&b, 11, 0x05, "one");
	logs[1] = parsed(&b);
	expect_outcome("mixed", assay_log_replay(&both, logs, 2, &err), &err, ASSAY_E_FORMAT,
	    "log 1 is of RTMRs, log 2 of PCRs; replay them apart");
	static const char line[] = "10 0c8a706a75a5689c1e168f0a573a3cbec33061b5 ima-ng x:00 y\n";
	logs[0] = logs[1];
	assert_int_equal(
	    assay_log_parse(&logs[1], assay_bytes_of(line), ASSAY_LOG_ANY, &err), ASSAY_OK);
	assert_int_equal(assay_log_replay(&both, logs, 2, &err), ASSAY_OK);
	assert_int_equal(both.bank_count, 2);
	assert_int_equal(both.banks[0].untold, 0);
	assert_int_equal(both.banks[1].untold, 1 << 10); /* SHA-256 of it cannot be told */
	struct assay_log_finding f;
	expect_outcome("untold", assay_log_compare(&f, logs, 2, &both, SHA256, 10, &err), &err,
	    ASSAY_E_INCOMPLETE, "PCR 10: one of the logs has no sha256 digests");
	assert_int_equal(assay_log_compare(&f, logs, 2, &both, SHA256, 11, &err), ASSAY_OK);
	expect_outcome("no logs", assay_log_replay(&both, logs, 0, &err), &err, ASSAY_E_USAGE,
	    "no log was given");
	header(&b, 0, (const uint16_t[]){ 0x12 }, 1);
	logs[0] = parsed(&b);
	expect_outcome("SM3", assay_log_replay(&both, logs, 1, &err), &err, ASSAY_E_UNSUPPORTED,
	    "none of its banks is computed here");
}

/* --- forged logs ------------------------------------------------------------------------- */

/* Where record n (from 1) of a log with SHA-384 begins. */
static size_t
record_at(const struct made *m, size_t n)
{
	struct assay_log log = parsed(m);
	struct assay_log_event ev = { 0 };

	while (ev.number < n)
		assert_true(assay_log_next(&ev, &log));
	return ev.at;
}

static void
cut(struct made *m, size_t from, size_t to)
{
	memmove(m->bytes + from, m->bytes + to, m->len - to);
	m->len -= to - from;
}

static void
forge_altered(struct made *m)
{
	m->bytes[record_at(m, 2) + 20] ^= 1;
}

static void
forge_altered_unsaid(struct made *m)
{
	m->bytes[record_at(m, 4) + 20] ^= 1;
}

static void
forge_dropped(struct made *m)
{
	cut(m, record_at(m, 2), record_at(m, 3));
}

static void
forge_inserted(struct made *m)
{
	struct made copy = *m;

	m->len = record_at(&copy, 2);
	record(m, 1, 0x05, "not extended");
	add(m, copy.bytes + record_at(&copy, 2), copy.len - record_at(&copy, 2));
}

static void
forge_swapped(struct made *m)
{
	struct made copy = *m;

	m->len = record_at(&copy, 1);
	add(m, copy.bytes + record_at(&copy, 2), record_at(&copy, 3) - record_at(&copy, 2));
	add(m, copy.bytes + record_at(&copy, 1), record_at(&copy, 2) - record_at(&copy, 1));
	add(m, copy.bytes + record_at(&copy, 3), copy.len - record_at(&copy, 3));
}

static void
forge_appended(struct made *m)
{
	record(m, 1, 0x05, "later");
	record(m, 1, 0x05, "later still");
}

static void
forge_moved(struct made *m)
{
	m->bytes[record_at(m, 2)] = 3;
}

static void
forge_aael_once_more(struct made *m)
{
	aael(m, 4, "domain operation content");
}

static void
forge_aael_text(struct made *m)
{
	aael(m, 4, "domain operation content2");
	cut(m, record_at(m, 6), record_at(m, 7));
}

static void
forge_aael_gone(struct made *m)
{
	m->len = record_at(m, 6);
}

static void
forge_informs(struct made *m)
{
	m->bytes[record_at(m, 2) + 4] = EV_NO_ACTION;
}

static const struct {
	const char *name;
	void (*forge)(struct made *m);
	unsigned reg;
	size_t event;
	const char *words;
} forgeries[] = {
	{ "a digest is altered", forge_altered, 1, 2,
	    "RTMR0: event 2 (EV_ACTION) has an altered digest: that of its data fits" },
	{ "a digest of something else is altered", forge_altered_unsaid, 1, 0,
	    "RTMR0: no single change of the log explains the value" },
	{ "an event is dropped", forge_dropped, 1, 0,
	    "RTMR0: no single change of the log explains the value: events are missing" },
	{ "an event is inserted", forge_inserted, 1, 2,
	    "RTMR0: event 2 (EV_ACTION) is in the log, but was not extended; all others fit" },
	{ "two events are swapped", forge_swapped, 1, 1,
	    "RTMR0: event 1 (EV_ACTION) and the next event of the register have changed places" },
	{ "events are appended", forge_appended, 1, 7,
	    "RTMR0: event 7 (EV_ACTION) and all behind it are in the log, but were not extended" },
	{ "an event is moved away", forge_moved, 1, 2,
	    "RTMR0: event 2 (EV_ACTION) was extended here, but stands in the log for another" },
	{ "an event is moved here", forge_moved, 3, 2,
	    "RTMR2: event 2 (EV_ACTION) and all behind it are in the log, but were not extended" },
	{ "an event of the agent stands there twice", forge_aael_once_more, 4, 7,
	    "RTMR3: event 7 (EV_EVENT_TAG) and all behind it are in the log, but were not" },
	{ "an event of the agent is replaced", forge_aael_text, 4, 0,
	    "RTMR3: no single change of the log explains the value" },
	{ "the agent's events are gone", forge_aael_gone, 4, 0,
	    "RTMR3: no event of the log extends it, but it was extended: events are missing" },
	{ "an event is made to look as if it only informed", forge_informs, 1, 0,
	    "RTMR0: no single change of the log explains the value" },
};

static void
test_forgeries(void **context)
{
	static struct made good, bad;
	struct assay_log_finding f;
	struct assay_error err;

	(void)context;
	ccel(&good);
	struct assay_registers regs = replayed(&good);
	regs.banks[0].known = 0x1f; /* as in a quote */
	struct assay_log log = parsed(&good);
	for (unsigned r = 1; r < CC_REGISTERS; r++) {
		assert_int_equal(assay_log_compare(&f, &log, 1, &regs, SHA384, r, &err), ASSAY_OK);
		assert_int_equal(f.outcome, ASSAY_LOG_EQUAL);
		assert_int_equal(assay_log_differ(&f, &log, 1, &log, SHA384, r, &err), ASSAY_OK);
	}
	assert_string_equal(f.text, "RTMR3: 1 event, all the same");
	for (size_t i = 0; i < sizeof forgeries / sizeof forgeries[0]; i++) {
		bad = good;
		forgeries[i].forge(&bad);
		log = parsed(&bad);
		size_t differ = 0;
		for (unsigned r = 1; r < CC_REGISTERS; r++) {
			enum assay_code rc = assay_log_compare(&f, &log, 1, &regs, SHA384, r, &err);
			differ += rc != ASSAY_OK;
			if (r != forgeries[i].reg)
				continue;
			expect_outcome(
			    forgeries[i].name, rc, &err, ASSAY_E_SIGNATURE, forgeries[i].words);
			assert_int_equal(f.outcome, ASSAY_LOG_DIFFERS);
			if (f.event != forgeries[i].event)
				fail_msg("%s: event %zu, want %zu", forgeries[i].name, f.event,
				    forgeries[i].event);
			assert_memory_not_equal(f.replayed, f.expected, 48);
			assert_memory_equal(f.expected, regs.banks[0].value[r], 48);
		}
		assert_int_equal(differ, forgeries[i].forge == forge_moved ? 2 : 1);
	}
}

/* Every bit of the value counts. */
static void
test_every_bit(void **context)
{
	static const uint16_t banks[] = { SHA1, SHA256, SHA384, SHA512 };
	static struct made m;
	struct assay_log_finding f;
	struct assay_error err;

	(void)context;
	header(&m, 0, banks, 4);
	record(&m, 7, 0x04, "x");
	struct assay_registers regs = replayed(&m);
	struct assay_log log = parsed(&m);
	for (size_t b = 0; b < 4; b++) {
		for (size_t bit = 0; bit < 8 * size_of(banks[b]); bit++) {
			uint8_t *byte = &regs.banks[b].value[7][bit / 8];
			*byte ^= (uint8_t)(1 << bit % 8);
			assert_int_equal(assay_log_compare(&f, &log, 1, &regs, banks[b], 7, &err),
			    ASSAY_E_SIGNATURE);
			*byte ^= (uint8_t)(1 << bit % 8);
		}
		assert_int_equal(
		    assay_log_compare(&f, &log, 1, &regs, banks[b], 7, &err), ASSAY_OK);
	}
}

/* Extended twice, logged once: seen from the register. */
static void
test_doubled(void **context)
{
	static struct made good, bad;
	struct assay_log_finding f;
	struct assay_error err;

	(void)context;
	ccel(&bad);
	record(&bad, 1, 0x05, "last");
	ccel(&good);
	good.len = record_at(&bad, 2);
	size_t at = record_at(&bad, 1);
	add(&good, bad.bytes + at, bad.len - at);
	struct assay_registers regs = replayed(&good);
	struct assay_log log = parsed(&bad);
	expect_outcome("doubled", assay_log_compare(&f, &log, 1, &regs, SHA384, 1, &err), &err,
	    ASSAY_E_SIGNATURE,
	    "RTMR0: event 1 (EV_EFI_ACTION) was extended twice, and stands in the log once");
	assert_int_equal(f.event, 1);
}

/* Against a log that is known to be good every change has a place. */
static void
test_reference(void **context)
{
	static const struct {
		void (*forge)(struct made *m);
		unsigned reg;
		size_t event;
		const char *words;
	} cases[] = {
		{ forge_altered_unsaid, 1, 4,
		    "RTMR0: event 4 (EV_IPL) is the first that differs; the other log has event 4 "
		    "(EV_IPL)" },
		{ forge_dropped, 1, 3,
		    "RTMR0: event 3 (EV_IPL) is the first that differs; the other log has event 2 "
		    "(EV_ACTION)" },
		{ forge_appended, 1, 7,
		    "RTMR0: event 7 (EV_ACTION) is the first that the other log does not have" },
		{ forge_aael_gone, 4, 0,
		    "RTMR3: event 6 (EV_EVENT_TAG) of the other log is the first that is missing" },
	};
	static struct made good, bad;
	struct assay_log_finding f;
	struct assay_error err;

	(void)context;
	ccel(&good);
	struct assay_log reference = parsed(&good), log;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		bad = good;
		cases[i].forge(&bad);
		log = parsed(&bad);
		expect_outcome("reference",
		    assay_log_differ(&f, &log, 1, &reference, SHA384, cases[i].reg, &err), &err,
		    ASSAY_E_SIGNATURE, cases[i].words);
		assert_int_equal(f.event, cases[i].event);
	}
	header(&bad, 0, (const uint16_t[]){ SHA384 }, 1);
	record(&bad, 7, 0x04, "x");
	log = parsed(&bad);
	expect_outcome("PCRs", assay_log_differ(&f, &log, 1, &reference, SHA384, 1, &err), &err,
	    ASSAY_E_INCOMPLETE, "the other log is of RTMRs");
	expect_outcome("no bank", assay_log_differ(&f, &log, 1, &reference, 0x99, 1, &err), &err,
	    ASSAY_E_USAGE, "no such bank");
}

static void
test_untold(void **context)
{
	static struct made m;
	struct assay_registers regs, none = { .cc = true };
	struct assay_log_finding f;
	struct assay_error err;

	(void)context;
	ccel(&m);
	regs = replayed(&m);
	struct assay_log log = parsed(&m);
	expect_outcome("nothing", assay_log_compare(&f, &log, 1, &none, SHA384, 1, &err), &err,
	    ASSAY_E_INCOMPLETE, "RTMR0: the evidence has no sha384 value of it");
	assert_int_equal(f.outcome, ASSAY_LOG_UNTOLD);
	expect_outcome("RTMR2", assay_log_compare(&f, &log, 1, &regs, SHA384, 3, &err), &err,
	    ASSAY_E_INCOMPLETE, "RTMR2: the evidence has no sha384 value of it");
	regs.cc = false;
	expect_outcome("PCRs", assay_log_compare(&f, &log, 1, &regs, SHA384, 1, &err), &err,
	    ASSAY_E_INCOMPLETE, "the evidence has no");
	regs.cc = true;
	regs.banks[0].algorithm = SHA512;
	expect_outcome("bank", assay_log_compare(&f, &log, 1, &regs, SHA512, 1, &err), &err,
	    ASSAY_E_INCOMPLETE, "the log has no sha512 digests");
	expect_outcome("register", assay_log_compare(&f, &log, 1, &regs, SHA384, 24, &err), &err,
	    ASSAY_E_USAGE, "there is no register 24");
}

/* --- single events ----------------------------------------------------------------------- */

static void
text_of(char out[200], uint32_t type, const void *data, size_t n)
{
	struct assay_log log = { .kind = ASSAY_LOG_TCG2 };
	struct assay_log_event ev = { .type = type, .data = { data, n } };

	assay_log_event_text(out, 200, &log, &ev);
}

static void
test_text(void **context)
{
	static const struct {
		uint32_t type;
		const char *data;
		size_t len;
		const char *text;
	} cases[] = {
		{ 0x04, "\0\0\0\0", 4, "end of the firmware's events" },
		{ 0x04, "\xff\xff\xff\xff", 4, "the firmware reports an error" },
		{ 0x05, "plain", 5, "\"plain\"" },
		{ 0x05, "", 0, "no data" },
		{ 0x0d, "grub_cmd: ls\0", 13, "\"grub_cmd: ls\"" },
		{ 0x0d, "a\0b\0c\0\0", 8, "\"abc\"" },
		{ 0x0d, "x \"y\" \\ \n", 9, "\"x \\\"y\\\" \\\\ \\n\"" },
		{ 0x0d, "\x1b[2J", 4, "1b5b324a" },
		{ 0x03, "StartupLocality\0\3", 17, "\"StartupLocality\", 3" },
		{ 0x03, "SP800-155 Event\0xyz", 19, "\"SP800-155 Event\", 3 bytes" },
		{ 0x03, "short", 5, "\"short\"" },
		{ 0x06, "LEAA\3\0\0\0a b", 11, "AAEL: \"a b\"" },
		{ 0x06, "\xec\x22\x3b\x8f\1\0\0\0x", 9, "Linux initrd: \"x\"" },
		{ 0x06, "\1\2\3\4\1\0\0\0x", 9, "tag 0x04030201: \"x\"" },
		{ 0x06, "LEAA\4\0\0\0a b", 11,
		    "4c4541410400000061"
		    "2062" },
		{ 0x80000008, "\0\0\x10\0\0\0\0\0\0\x20\0\0\0\0\0\0", 16,
		    "0x2000 bytes at 0x100000" },
		{ 0x8000000a, "\2ab\0\0\x10\0\0\0\0\0\0\x20\0\0\0\0\0\0", 19,
		    "\"ab\", 0x2000 bytes at 0x100000" },
		{ 0x8000000b, "\2ab\2\0\0\0\0\0\0\0", 11, "\"ab\", tables: 2" },
	};
	char text[200];

	(void)context;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		text_of(text, cases[i].type, cases[i].data, cases[i].len);
		if (strcmp(text, cases[i].text) != 0)
			fail_msg("case %zu: %s, want %s", i, text, cases[i].text);
	}
	static const char variable[] =
	    "\x61\xdf\xe4\x8b\xca\x93\xd2\x11\xaa\x0d\x00\xe0\x98\x03\x2b\x8c"
	    "\2\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0P\0K\0\1";
	text_of(text, 0x80000001, variable, sizeof variable - 1);
	assert_string_equal(text, "\"PK\" of 8be4df61-93ca-11d2-aa0d-00e098032b8c: 01");
	static const char image[] =
	    "\0\0\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x10\0\0\0\0\0\0\0"
	    "\4\4\x0c\0\\\0E\0\x1b\0\0\0\x7f\xff\4\0";
	text_of(text, 0x80000003, image, sizeof image - 1);
	assert_string_equal(text, "image of 256 bytes");
	char path[sizeof image];
	memcpy(path, image, sizeof path);
	path[40] = 'x';
	text_of(text, 0x80000003, path, sizeof path - 1);
	assert_string_equal(text, "image of 256 bytes, \"\\\\Ex\"");
	/* Cut, but whole as far as it goes; and no room at all. */
	struct assay_log log = { .kind = ASSAY_LOG_TCG2 };
	struct assay_log_event ev = { .type = 5, .data = assay_bytes_of("abcdefghijklmnop") };
	assay_log_event_text(text, 10, &log, &ev);
	assert_string_equal(text, "\"abcde...");
	memset(text, 'x', sizeof text);
	for (size_t n = 0; n < 10; n++) {
		assay_log_event_text(text, n, &log, &ev);
		assert_int_equal(text[n], 'x');
	}
}

static void
test_names(void **context)
{
	(void)context;
	assert_string_equal(assay_log_register_name(true, 0).text, "MRTD");
	assert_string_equal(assay_log_register_name(true, 1).text, "RTMR0");
	assert_string_equal(assay_log_register_name(true, 4).text, "RTMR3");
	assert_string_equal(assay_log_register_name(true, 5).text, "index 5");
	assert_string_equal(assay_log_register_name(false, 0).text, "PCR 0");
	assert_string_equal(assay_log_register_name(false, 23).text, "PCR 23");
	assert_string_equal(assay_log_register_name(false, 0xffffffff).text, "0xffffffff");
	assert_string_equal(assay_log_type_name(0x800000e0), "EV_EFI_VARIABLE_AUTHORITY");
	assert_null(assay_log_type_name(0x12345));
}

static void
test_match(void **context)
{
	static const enum assay_log_match want[] = { ASSAY_LOG_MATCH_YES, ASSAY_LOG_MATCH_NO,
		ASSAY_LOG_MATCH_UNKNOWN, ASSAY_LOG_MATCH_YES, ASSAY_LOG_MATCH_UNKNOWN,
		ASSAY_LOG_MATCH_YES, ASSAY_LOG_MATCH_NO, ASSAY_LOG_MATCH_UNKNOWN,
		ASSAY_LOG_MATCH_UNKNOWN };
	static struct made m;
	struct assay_log_event ev = { 0 };

	(void)context;
	header(&m, 0, (const uint16_t[]){ SHA1, SHA384 }, 2);
	record(&m, 1, 0x05, "said");
	record_over(&m, 1, 0x05, assay_bytes_of("said"), assay_bytes_of("sa1d"));
	record(&m, 1, 0x0d, "an IPL promises nothing");
	record(&m, 1, 0x80000002, "in some firmware");
	record_over(&m, 1, 0x80000002, assay_bytes_of("x"), assay_bytes_of("not in others"));
	aael(&m, 1, "a b c");
	aael(&m, 1, "a b c");
	m.bytes[m.len - 1] = 'd';
	record(&m, 1, 0x06, "\xed\x22\x3b\x8f\1\0\0\0x");
	record(&m, 1, 0x03, "informs");
	struct assay_log log = parsed(&m);
	for (size_t i = 0; i < sizeof want / sizeof want[0]; i++) {
		assert_true(assay_log_next(&ev, &log));
		if (assay_log_event_match(&log, &ev) != want[i])
			fail_msg("event %zu", ev.number);
	}
	assert_false(assay_log_next(&ev, &log));
	assert_int_equal(ev.number, 9);
	/* One bank that lies is enough. */
	header(&m, 0, (const uint16_t[]){ SHA1, SHA384 }, 2);
	size_t at = m.len;
	record(&m, 1, 0x05, "said");
	m.bytes[at + 12 + 22 + 2] ^= 1;
	log = parsed(&m);
	ev = (struct assay_log_event){ 0 };
	assert_true(assay_log_next(&ev, &log));
	assert_int_equal(assay_log_event_match(&log, &ev), ASSAY_LOG_MATCH_NO);
}

/* The digest that the agent's own test expects of this text: guest-components,
 * attestation-agent/src/eventlog. */
static void
test_aael_digest(void **context)
{
	static const struct {
		uint16_t algorithm;
		const char *hex;
	} cases[] = {
		{ SHA256, "46df8dacf00a07d34a83cdf56d7978697790787cf2ba1432ef7c38f22cd96351" },
		{ SHA384,
		    "dad5f0e226318ffa9839b75a472c6aa7fdb5834949d0a0a22990cf04d5692440fb00f3aa"
		    "0609db7e49cd8d793f670d02" },
	};
	static struct made m;

	(void)context;
	for (size_t i = 0; i < 2; i++) {
		header(&m, 0, &cases[i].algorithm, 1);
		aael(&m, 17, "domain operation content");
		struct assay_log log = parsed(&m);
		struct assay_log_event ev = { 0 };
		assert_true(assay_log_next(&ev, &log));
		expect_hex("digest", cases[i].hex,
		    (struct assay_bytes){ ev.digests[0].bytes, ev.digests[0].size });
		assert_int_equal(assay_log_event_match(&log, &ev), ASSAY_LOG_MATCH_YES);
	}
}

/* --- IMA --------------------------------------------------------------------------------- */

/* SHA-1 over: 31, "sha1:" NUL and 20 zero bytes (26), then "/x" with its NUL. Computed here from
 * the published layout, with the lengths written out. */
static void
ima_line(char out[400], const char *template, const char *name, const char *extra)
{
	static const uint8_t digest[20] = { 1, 2, 3 };
	uint8_t data[400], hash[ASSAY_DIGEST_MAX], blob[8] = { 0xde, 0xad };
	size_t n = 0, name_len = strlen(name) + 1;
	char hex[41], digest_hex[41];

	put32(data, 26);
	memcpy(data + 4, "sha1:", 6);
	memcpy(data + 10, digest, 20);
	put32(data + 30, (uint32_t)name_len);
	memcpy(data + 34, name, name_len);
	n = 34 + name_len;
	if (extra != NULL) {
		put32(data + n, (uint32_t)strlen(extra) / 2);
		memcpy(data + n + 4, blob, strlen(extra) / 2);
		n += 4 + strlen(extra) / 2;
	}
	struct assay_bytes all = { data, n };
	assay_bank_hash(hash, SHA1, &all, 1);
	assay_hex(hex, (struct assay_bytes){ hash, 20 });
	assay_hex(digest_hex, (struct assay_bytes){ digest, 20 });
	snprintf(out, 400, "10 %s %s sha1:%s %s%s%s\n", hex, template, digest_hex, name,
	    extra != NULL ? " " : "", extra != NULL ? extra : "");
}

static void
test_ima(void **context)
{
	struct assay_error err;
	struct assay_log log;
	struct assay_registers regs;
	char line[400];

	(void)context;
	static const struct {
		const char *template, *name, *extra;
	} good[] = {
		{ "ima-ng", "/bin/with space", NULL },
		{ "ima-ngv2", "/x", NULL },
		{ "ima-sig", "/x", "" },
		{ "ima-sig", "/x", "dead" },
		{ "ima-buf", "/x", "dead" },
	};
	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
		struct assay_log_event ev = { 0 };
		ima_line(line, good[i].template, good[i].name, good[i].extra);
		if (assay_log_parse(&log, assay_bytes_of(line), ASSAY_LOG_ANY, &err) != ASSAY_OK)
			fail_msg("%s", err.text);
		assert_true(log.kind == ASSAY_LOG_IMA && !log.cc && log.events == 1);
		assert_true(assay_log_next(&ev, &log) && ev.reg == 10 && ev.extends);
		if (assay_log_event_match(&log, &ev) != ASSAY_LOG_MATCH_YES)
			fail_msg("%s: does not match", good[i].template);
		line[3] ^= 1; /* a digit becomes another */
		assert_int_equal(
		    assay_log_parse(&log, assay_bytes_of(line), ASSAY_LOG_ANY, &err), ASSAY_OK);
		ev = (struct assay_log_event){ 0 };
		assert_true(assay_log_next(&ev, &log));
		assert_int_equal(assay_log_event_match(&log, &ev), ASSAY_LOG_MATCH_NO);
		for (size_t n = 1; n < strlen(line); n++) {
			struct assay_bytes part = { (const uint8_t *)line, n };
			assert_int_not_equal(
			    assay_log_parse(&log, part, ASSAY_LOG_IMA, &err), ASSAY_OK);
		}
	}
	/* A violation extends ones. */
	static const char violation[] =
	    "10 0000000000000000000000000000000000000000 ima-ng sha1:00 /x\n";
	uint8_t want[ASSAY_DIGEST_MAX], ones[20], zeros[20] = { 0 };
	memset(ones, 0xff, sizeof ones);
	struct assay_bytes parts[] = { { zeros, 20 }, { ones, 20 } };
	assay_bank_hash(want, SHA1, parts, 2);
	assert_int_equal(
	    assay_log_parse(&log, assay_bytes_of(violation), ASSAY_LOG_ANY, &err), ASSAY_OK);
	assert_int_equal(assay_log_replay(&regs, &log, 1, &err), ASSAY_OK);
	assert_memory_equal(regs.banks[0].value[10], want, 20);

	/* In a TD the first column is the number of an RTMR. */
	static const char rtmr[] = " 2 " HEX48 " ima-ng sha1:00 /x\n";
	struct assay_log_event ev = { 0 };
	assert_int_equal(
	    assay_log_parse(&log, assay_bytes_of(rtmr), ASSAY_LOG_ANY, &err), ASSAY_OK);
	assert_true(log.cc && assay_log_next(&ev, &log) && ev.reg == 3);
	assert_string_equal(assay_log_register_name(log.cc, ev.reg).text, "RTMR2");
	assert_int_equal(assay_log_replay(&regs, &log, 1, &err), ASSAY_OK);
	assert_true(regs.cc && regs.banks[0].known == 1 << 3);
	static const char pcr[] = "10 " HEX48 " ima-ng sha1:00 /x\n";
	assert_int_equal(assay_log_parse(&log, assay_bytes_of(pcr), ASSAY_LOG_ANY, &err), ASSAY_OK);
	assert_false(log.cc);

	/* A violation against a line that has the ones in words: not the same event. */
	static const char ones_line[] =
	    "10 ffffffffffffffffffffffffffffffffffffffff ima-ng sha1:00 /x\n";
	struct assay_log other;
	struct assay_log_finding f;
	assert_int_equal(
	    assay_log_parse(&log, assay_bytes_of(violation), ASSAY_LOG_ANY, &err), ASSAY_OK);
	assert_int_equal(
	    assay_log_parse(&other, assay_bytes_of(ones_line), ASSAY_LOG_ANY, &err), ASSAY_OK);
	assert_int_equal(assay_log_differ(&f, &log, 1, &other, SHA1, 10, &err), ASSAY_E_SIGNATURE);

	static const struct {
		const char *name, *text, *words;
	} bad[] = {
		{ "register", "x 00 ima a b\n", "line 1: begins with \"x\"" },
		{ "hash", "10 00 ima a b\n", "line 1: the template hash is \"00\"" },
		{ "template", "10 0000000000000000000000000000000000000000 evm-x a b\n",
		    "line 1: the template is" },
		{ "high register", "24 0000000000000000000000000000000000000000 ima a b\n",
		    "the register is 24; want 0 to 23" },
		{ "no newline", "10 0000000000000000000000000000000000000000 ima a b",
		    "ends without a newline" },
		{ "second line", "10 0000000000000000000000000000000000000000 ima a b\n\n",
		    "line 2: begins with" },
		{ "two hashes",
		    "10 0000000000000000000000000000000000000000 ima a b\n"
		    "10 0000000000000000000000000000000000000000000000000000000000000000 ima a b\n",
		    "line 2: its template hash has 32 bytes, that of line 1 has 20" },
	};
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		expect_outcome(bad[i].name,
		    assay_log_parse(&log, assay_bytes_of(bad[i].text), ASSAY_LOG_IMA, &err), &err,
		    ASSAY_E_FORMAT, bad[i].words);
}

/* --- registers and the table ------------------------------------------------------------- */

static void
test_registers(void **context)
{
	static const struct {
		const char *name, *text, *words;
	} bad[] = {
		{ "no sign", "# x\nrtmr0 " HEX48, "line 2: \"rtmr0 0" },
		{ "no such", "rtmr4=" HEX48, "there is no register \"rtmr4\"" },
		{ "no such PCR", "pcr24=" HEX20, "there is no register \"pcr24\"" },
		{ "no number", "pcr =" HEX20, "there is no register \"pcr\"" },
		{ "letters", "pcr1x=" HEX20, "there is no register \"pcr1x\"" },
		{ "length", "rtmr0=" HEX20, "the value is 40 digits long; want 96" },
		{ "length of a PCR", "pcr0=00", "the value is 2 digits long" },
		{ "mixed", "pcr0=" HEX20 "\nrtmr0=" HEX48, "line 2: has RTMRs and PCRs" },
		{ "twice", "pcr0=" HEX20 "\npcr0=" HEX20, "line 2: gives \"pcr0\" a second time" },
		{ "hex", "pcr0=0001020304050607ZZ090a0b0c0d0e0f10111213", "is not hex" },
	};
	struct assay_registers regs;
	struct assay_error err;
	uint8_t report[1024] = { 0x81 };

	(void)context;
	static const char list[] = "# as the machine says\r\nrtmr0 = " HEX48 "\n\nrtmr3=" HEX48;
	assert_int_equal(assay_registers_parse(&regs, assay_bytes_of(list), &err), ASSAY_OK);
	assert_true(regs.cc && regs.bank_count == 1 && regs.banks[0].algorithm == SHA384);
	assert_int_equal(regs.banks[0].known, 1 << 1 | 1 << 4);
	assert_int_equal(regs.banks[0].value[4][47], 0x2f);
	static const char pcrs[] = "pcr23=" HEX20 "\npcr0=" HEX48 "\npcr0=" HEX20 "\n";
	assert_int_equal(assay_registers_parse(&regs, assay_bytes_of(pcrs), &err), ASSAY_OK);
	assert_true(!regs.cc && regs.bank_count == 2);
	assert_int_equal(regs.banks[0].known, 1 << 23 | 1 << 0);
	assert_int_equal(regs.banks[1].known, 1 << 0);
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		expect_outcome(bad[i].name,
		    assay_registers_parse(&regs, assay_bytes_of(bad[i].text), &err), &err,
		    ASSAY_E_FORMAT, bad[i].words);

	for (size_t i = 0; i < 5; i++) /* MRTD, then the RTMRs behind three other measurements */
		memset(report + (i == 0 ? 528 : 720 + 48 * (i - 1)), (int)i + 1, 48);
	assert_int_equal(
	    assay_registers_parse(&regs, (struct assay_bytes){ report, 1024 }, &err), ASSAY_OK);
	assert_int_equal(regs.banks[0].known, 0x1f);
	for (size_t i = 0; i < 5; i++)
		for (size_t k = 0; k < 48; k++)
			assert_int_equal(regs.banks[0].value[i][k], i + 1);
	expect_outcome("short",
	    assay_registers_parse(&regs, (struct assay_bytes){ report, 1023 }, &err), &err,
	    ASSAY_E_UNSUPPORTED, "is neither a TDREPORT of 1024 bytes nor a list");
}

static void
test_table(void **context)
{
	uint8_t table[56] = "CCEL\x38\0\0\0\1";
	struct assay_ccel_table out = { 0 };
	struct assay_error err;
	uint8_t sum = 0;

	(void)context;
	table[36] = 2;
	put32(table + 40, 65536);
	put32(table + 48, 0x7f000000);
	for (size_t i = 0; i < sizeof table; i++)
		sum = (uint8_t)(sum + table[i]);
	table[9] = (uint8_t)-sum;
	struct assay_bytes in = { table, sizeof table };
	assert_int_equal(assay_ccel_table_parse(&out, in, &err), ASSAY_OK);
	assert_true(out.revision == 1 && out.cc_type == 2 && out.cc_subtype == 0 &&
	    out.log_length == 65536 && out.log_address == 0x7f000000);
	for (size_t bit = 0; bit < 8 * sizeof table; bit++) { /* the sum covers every byte */
		table[bit / 8] ^= (uint8_t)(1 << bit % 8);
		enum assay_code rc = assay_ccel_table_parse(&out, in, &err);
		assert_int_not_equal(rc, ASSAY_OK);
		expect_sentence(rc, &err);
		table[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	for (size_t n = 0; n < sizeof table; n++)
		assert_int_not_equal(
		    assay_ccel_table_parse(&out, (struct assay_bytes){ table, n }, &err), ASSAY_OK);
	table[20] ^= 1;
	expect_outcome("sum", assay_ccel_table_parse(&out, in, &err), &err, ASSAY_E_FORMAT,
	    "its bytes sum up to 0x");
	table[4] = 57;
	expect_outcome("length", assay_ccel_table_parse(&out, in, &err), &err, ASSAY_E_FORMAT,
	    "has 56 bytes and says that it has 57; want 56 both times");
	expect_outcome("name", assay_ccel_table_parse(&out, assay_bytes_of("DSDT1234"), &err), &err,
	    ASSAY_E_UNSUPPORTED, "does not begin with the name CCEL");
}

/* --- real logs --------------------------------------------------------------------------- */

/* Each is read whole, has no event whose data do not match, and fits itself. */
static void
check_real(const char *path, struct assay_bytes file, void *context)
{
	struct assay_log log;
	struct assay_registers regs;
	struct assay_log_finding f;
	struct assay_error err;
	struct assay_log_event ev = { 0 };
	char text[ASSAY_LOG_TEXT_MAX];

	if (assay_log_parse(&log, file, ASSAY_LOG_ANY, &err) != ASSAY_OK)
		return;
	++*(size_t *)context;
	while (assay_log_next(&ev, &log)) {
		assay_log_event_text(text, sizeof text, &log, &ev);
		if (assay_log_event_match(&log, &ev) == ASSAY_LOG_MATCH_NO)
			fail_msg("%s: event %zu: %s", path, ev.number, text);
	}
	if (assay_log_replay(&regs, &log, 1, &err) != ASSAY_OK)
		fail_msg("%s: %s", path, err.text);
	for (unsigned r = 0; r < ASSAY_LOG_REGISTERS && log.events <= 128; r++) {
		if ((regs.banks[0].known >> r & 1) == 0)
			continue;
		assert_int_equal(
		    assay_log_compare(&f, &log, 1, &regs, regs.banks[0].algorithm, r, &err),
		    ASSAY_OK);
		regs.banks[0].value[r][0] ^= 1;
		assert_int_equal(
		    assay_log_compare(&f, &log, 1, &regs, regs.banks[0].algorithm, r, &err),
		    ASSAY_E_SIGNATURE);
	}
}

static void
test_real(void **context)
{
	size_t logs = 0;

	(void)context;
	vectors_each("eventlog", check_real, &logs);
	vectors_each("coco/eventlog", check_real, &logs);
	vectors_each("dcap/ccel", check_real, &logs);
	assert_true(!vectors_present() || logs == 21);
}

/* --- records ------------------------------------------------------------------------------- */

static void
test_record(void **context)
{
	static const uint8_t other[CC_DIGEST] = { 1, 2, 3 };
	static const struct assay_bytes none = { NULL, 0 }, given = { other, sizeof other };
	static const struct {
		const char *name, *reg, *type, *data;
		bool digest;
		uint32_t index, number;
		enum assay_log_match match;
		const char *words; /* NULL: written */
	} cases[] = {
		{ "an action", "rtmr3", "EV_ACTION", "x", false, 4, 5, ASSAY_LOG_MATCH_YES, NULL },
		{ "of a loader", "RTMR2", "EV_IPL", "x", false, 3, 13, ASSAY_LOG_MATCH_UNKNOWN,
		    NULL },
		{ "a digest alone", "rtmr2", "EV_IPL", "", true, 3, 13, ASSAY_LOG_MATCH_UNKNOWN,
		    NULL },
		{ "both", "rtmr0", "EV_IPL", "x", true, 1, 13, ASSAY_LOG_MATCH_UNKNOWN, NULL },
		{ "of the agent", "rtmr3", "AAEL", "a b c d", false, 4, 6, ASSAY_LOG_MATCH_YES,
		    NULL },
		{ "a lie", "rtmr3", "EV_ACTION", "x", true, 0, 0, 0,
		    "promises that the digest is of" },
		{ "the agent's", "rtmr3", "AAEL", "a b c", true, 0, 0, 0,
		    "promises that the digest" },
		{ "two words", "rtmr3", "AAEL", "a b", false, 0, 0, 0, "DOMAIN OPERATION CONTENT" },
		{ "no content", "rtmr3", "AAEL", "a b ", false, 0, 0, 0,
		    "DOMAIN OPERATION CONTENT" },
		{ "no operation", "rtmr3", "AAEL", "a  b", false, 0, 0, 0,
		    "DOMAIN OPERATION CONTENT" },
		{ "two lines", "rtmr3", "AAEL", "a b c\n", false, 0, 0, 0,
		    "DOMAIN OPERATION CONTENT" },
		{ "nothing", "rtmr3", "EV_IPL", "", false, 0, 0, 0, "neither a digest nor data" },
		{ "of no effect", "rtmr3", "EV_NO_ACTION", "x", false, 0, 0, 0, "extend nothing" },
		{ "no type", "rtmr3", "EV_IPLX", "x", false, 0, 0, 0,
		    "type \"EV_IPLX\" is not known" },
		{ "no register", "rtmr4", "EV_IPL", "x", false, 0, 0, 0, "none of RTMR0 to RTMR3" },
		{ "a part of one", "rtmr", "EV_IPL", "x", false, 0, 0, 0,
		    "none of RTMR0 to RTMR3" },
	};
	static struct made m;
	(void)context;

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct assay_log_new event = { .reg = cases[i].reg,
			.type = cases[i].type,
			.digest = cases[i].digest ? given : none,
			.data = assay_bytes_of(cases[i].data) };
		struct assay_log_event ev = { 0 };
		struct assay_log_digest digest = { 0 };
		struct assay_log log;
		struct assay_error err = { .text = "" };
		uint8_t *out = NULL;
		size_t len = 0;
		enum assay_code rc = assay_log_record_write(&out, &len, &digest, &event, &err);
		expect_outcome(cases[i].name, rc, &err,
		    cases[i].words == NULL ? ASSAY_OK : ASSAY_E_USAGE,
		    cases[i].words == NULL ? "" : cases[i].words);
		if (rc != ASSAY_OK) {
			assert_null(out);
			continue;
		}
		/* What was written is read, behind other events. */
		m.len = 0;
		m.bank_count = 0;
		header(&m, 1, (const uint16_t[]){ SHA384 }, 1);
		record(&m, 1, 0x80000007, "one");
		add(&m, out, len);
		assert_int_equal(assay_log_parse(&log, slice(&m), ASSAY_LOG_ANY, &err), ASSAY_OK);
		assert_int_equal(log.events, 2);
		assert_true(assay_log_next(&ev, &log) && assay_log_next(&ev, &log));
		assert_int_equal(ev.reg, cases[i].index);
		assert_int_equal(ev.type, cases[i].number);
		assert_int_equal(ev.digest_count, 1);
		assert_memory_equal(ev.digests[0].bytes, digest.bytes, CC_DIGEST);
		assert_int_equal(assay_log_event_match(&log, &ev), cases[i].match);
		if (cases[i].digest)
			assert_memory_equal(digest.bytes, other, CC_DIGEST);
		if (strcmp(cases[i].type, "AAEL") == 0)
			assert_int_equal(assay_log_parse(&log, (struct assay_bytes){ out, len },
					     ASSAY_LOG_AAEL, &err),
			    ASSAY_OK);
		free(out);
	}
}

static void
test_record_sizes(void **context)
{
	static const uint8_t large[64 * 1024 + 1];
	struct assay_log_new event = { .reg = "rtmr2", .type = "EV_IPL", .data = { large, 1 } };
	struct assay_log_digest digest;
	struct assay_error err;
	uint8_t *out = NULL;
	size_t len = 0;
	(void)context;

	for (size_t n = 1; n < 65; n++) {
		event.digest = (struct assay_bytes){ large, n };
		enum assay_code rc = assay_log_record_write(&out, &len, &digest, &event, &err);
		assert_int_equal(rc, n == CC_DIGEST ? ASSAY_OK : ASSAY_E_USAGE);
		if (rc == ASSAY_OK)
			free(out);
		else
			assert_non_null(strstr(err.text, "want 48"));
	}
	event.digest.len = 0;
	event.data.len = sizeof large;
	expect_outcome("too much", assay_log_record_write(&out, &len, &digest, &event, &err), &err,
	    ASSAY_E_USAGE, "are 65537 bytes, at most 65536");
	/* Nothing is written when there is no memory. */
	event.data.len = 1;
	out = NULL;
	alloc_fail_at(1);
	enum assay_code rc = assay_log_record_write(&out, &len, &digest, &event, &err);
	assert_true(alloc_failed());
	expect_outcome("no memory", rc, &err, ASSAY_E_NOMEM, "memory");
	assert_null(out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_padding),
		cmocka_unit_test(test_damage),
		cmocka_unit_test(test_replay),
		cmocka_unit_test(test_locality),
		cmocka_unit_test(test_several),
		cmocka_unit_test(test_forgeries),
		cmocka_unit_test(test_every_bit),
		cmocka_unit_test(test_doubled),
		cmocka_unit_test(test_reference),
		cmocka_unit_test(test_untold),
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_match),
		cmocka_unit_test(test_aael_digest),
		cmocka_unit_test(test_ima),
		cmocka_unit_test(test_registers),
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_record),
		cmocka_unit_test(test_record_sizes),
		cmocka_unit_test(test_real),
	};

	return RUN_TESTS(tests);
}
