/* SPDX-License-Identifier: Apache-2.0 */
#include "parse/pem.h"

#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* --- PEM --------------------------------------------------------------------------------- */

#define BEGIN "-----BEGIN CERTIFICATE-----"
#define END   "-----END CERTIFICATE-----"

static const struct {
	const char *name, *in;
	const char *bodies[3]; /* of the blocks, up to NULL */
	const char *words;     /* of the refusal after them; NULL: none */
} cases[] = {
	{ "nothing", "", { NULL }, NULL },
	{ "text only", "no block here - or --- here\n", { NULL }, NULL },
	{ "one", BEGIN "\nAAAA\n" END "\n", { "\nAAAA\n" }, NULL },
	{ "CRLF", BEGIN "\r\nAAAA\r\n" END "\r\n", { "\r\nAAAA\r\n" }, NULL },
	{ "CR", BEGIN "\rAAAA\r" END, { "\rAAAA\r" }, NULL },
	{ "no newline at all", BEGIN "AAAA" END BEGIN "BBBB" END, { "AAAA", "BBBB" }, NULL },
	{ "text around", "first - text\n" BEGIN "\nAA\n" END "\nand\n" BEGIN "\nBB\n" END "\nlast",
	    { "\nAA\n", "\nBB\n" }, NULL },
	{ "empty body", BEGIN END, { "" }, NULL },
	{ "no end", BEGIN "\nAAAA\n", { NULL }, "has no end line" },
	{ "cut in the end line", BEGIN "\nAAAA\n-----END CERT", { NULL }, "not closed by an end" },
	{ "another begin inside", BEGIN "\nAAAA\n" BEGIN "\nBBBB\n" END, { NULL }, "no end line" },
	{ "another label", BEGIN "\nAAAA\n-----END X509 CRL-----", { NULL }, "same label" },
	{ "second is broken", BEGIN "\nAA\n" END "\n" BEGIN "\nBB", { "\nAA\n" }, "no end line" },
	{ "no label", "-----BEGIN -----\nAAAA\n-----END -----\n", { NULL }, "has no label" },
	{ "label not closed", "-----BEGIN CERTIFICATE\nAAAA\n", { NULL }, "has no label" },
	{ "label over two lines", "-----BEGIN CERT\nIFICATE-----\nAA\n", { NULL }, "has no label" },
};

static void
test_blocks(void **context)
{
	(void)context;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct assay_bytes in = assay_bytes_of(cases[i].in);
		struct assay_error err;
		struct pem_block b;
		size_t at = 0, n = 0;
		enum assay_code rc;
		while ((rc = assay_pem_next(&b, &at, in, "test", &err)) == ASSAY_OK &&
		    b.label.len > 0) {
			if (n == 3 || cases[i].bodies[n] == NULL ||
			    !assay_bytes_equal(b.body, assay_bytes_of(cases[i].bodies[n])))
				fail_msg("%s: block %zu", cases[i].name, n);
			assert_true(assay_bytes_equal(b.label, assay_bytes_of("CERTIFICATE")));
			assert_int_equal(b.end, at);
			n++;
		}
		assert_true(n == 3 || cases[i].bodies[n] == NULL);
		assert_int_equal(rc, cases[i].words == NULL ? ASSAY_OK : ASSAY_E_FORMAT);
		if (cases[i].words != NULL && strstr(err.text, cases[i].words) == NULL)
			fail_msg("%s: %s", cases[i].name, err.text);
		assert_int_equal(
		    assay_pem_recognise(in), strstr(cases[i].in, "-----BEGIN ") != NULL);
	}
}

/* A refusal moves nothing; a position past the end finds nothing; NULs may follow. */
static void
test_positions(void **context)
{
	struct assay_bytes in = assay_bytes_of(BEGIN "\nAAAA\n");
	struct pem_block b = { .end = 77 };
	size_t at = 0;

	(void)context;
	assert_int_equal(assay_pem_next(&b, &at, in, "test", NULL), ASSAY_E_FORMAT);
	assert_int_equal(at, 0);
	assert_int_equal(b.end, 77);
	at = in.len + 5;
	assert_int_equal(assay_pem_next(&b, &at, in, "test", NULL), ASSAY_OK);
	assert_int_equal(b.label.len, 0);
	static const char padded[] = BEGIN "\nAAAA\n" END "\n\0\0\0";
	in = (struct assay_bytes){ (const uint8_t *)padded, sizeof padded };
	at = 0;
	assert_int_equal(assay_pem_next(&b, &at, in, "test", NULL), ASSAY_OK);
	assert_int_equal(b.body.len, 6);
	assert_int_equal(assay_pem_next(&b, &at, in, "test", NULL), ASSAY_OK);
	assert_int_equal(b.label.len, 0);
}

/* --- whole files of text ----------------------------------------------------------------- */

enum { PLAIN = 48 };

/* Bytes whose base64 has '+' and '/': fb ef be ... ff ff. */
static void
plain(uint8_t out[PLAIN])
{
	for (size_t i = 0; i < PLAIN; i++)
		out[i] = (uint8_t)(i % 3 == 0 ? 0xfb : i % 3 == 1 ? 0xef : 0xbf);
}

static void
untext_is(const char *name, struct assay_bytes in, const uint8_t *want, size_t n)
{
	uint8_t *out;
	size_t len;

	assert_int_equal(assay_untext(&out, &len, in, NULL), ASSAY_OK);
	if ((out == NULL) != (want == NULL) ||
	    (want != NULL && (len != n || memcmp(out, want, n) != 0)))
		fail_msg("%s", name);
	free(out);
}

static void
test_hex(void **context)
{
	uint8_t want[PLAIN], beef[16];
	char text[4 * PLAIN + 8], upper[2 * PLAIN + 1];
	size_t n = 0;

	(void)context;
	plain(want);
	assay_hex(text, (struct assay_bytes){ want, PLAIN });
	untext_is("hex", assay_bytes_of(text), want, PLAIN);
	for (size_t i = 0; i <= strlen(text); i++)
		upper[i] = (char)(text[i] >= 'a' ? text[i] - 32 : text[i]);
	untext_is("upper case", assay_bytes_of(upper), want, PLAIN);
	(void)snprintf(text, sizeof text, "0x%s\n", upper);
	untext_is("0x", assay_bytes_of(text), want, PLAIN);
	untext_is(
	    "trailing NUL", (struct assay_bytes){ (uint8_t *)text, strlen(text) + 1 }, want, PLAIN);
	for (size_t i = 0; i < PLAIN; i++)
		n += (size_t)snprintf(text + n, sizeof text - n, "%02x%s", want[i],
		    i % 16 == 15 ? "\r\n"
			: i % 2  ? " "
				 : "");
	untext_is("white space between", assay_bytes_of(text), want, PLAIN);
	for (size_t i = 0; i < 16; i++)
		beef[i] = (uint8_t) "\xde\xad\xbe\xef"[i % 4];
	untext_is("deadbeef is hex", assay_bytes_of("deadbeefdeadbeefDEADBEEFdeadbeef"), beef, 16);
	untext_is("31 digits", assay_bytes_of("deadbeefdeadbeefdeadbeefdeadbee"), NULL, 0);
	untext_is("30 digits", assay_bytes_of("deadbeefdeadbeefdeadbeefdeadbe"), NULL, 0);
	untext_is("odd, and long enough for base64",
	    assay_bytes_of("deadbeefdeadbeefdeadbeefdeadbeefdeadbeefdeadbeefdeadbeefdeadbeefdea"),
	    NULL, 0);
	untext_is("odd, and good base64 without its padding",
	    assay_bytes_of("4444444444444444444444444444444444444444444444444444444444444444444"),
	    NULL, 0);
	untext_is("one other letter", assay_bytes_of("deadbeefdeadbeefDEADBEEFdeadbeeg"), NULL, 0);
	untext_is("NUL inside",
	    (struct assay_bytes){ (const uint8_t *)"deadbeefdeadbeef\0deadbeefdeadbeef", 33 }, NULL,
	    0);
}

static void
test_base64(void **context)
{
	/* 48 bytes are 64 characters without padding. */
	uint8_t want[PLAIN + 2];
	char text[256], url[256];

	(void)context;
	for (size_t extra = 0; extra <= 2; extra++) {
		static const char letters[] =
		    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
		size_t len = PLAIN + extra, n = 0;
		plain(want);
		want[PLAIN] = 0x12;
		want[PLAIN + 1] = 0x34;
		for (size_t i = 0; i < len; i += 3) {
			uint32_t v = (uint32_t)want[i] << 16 |
			    (uint32_t)(i + 1 < len ? want[i + 1] : 0) << 8 |
			    (i + 2 < len ? want[i + 2] : 0);
			for (size_t k = 0; k < 4; k++)
				text[n++] = i + k <= len ? letters[v >> (18 - 6 * k) & 63] : '=';
		}
		text[n] = '\0';
		for (size_t i = 0; i <= n; i++)
			url[i] = (char)(text[i] == '+' ? '-' : text[i] == '/' ? '_' : text[i]);
		untext_is("standard", assay_bytes_of(text), want, len);
		untext_is("url", assay_bytes_of(url), want, len);
		if (extra > 0) {
			*strchr(url, '=') = '\0';
			untext_is("url without padding", assay_bytes_of(url), want, len);
			*strchr(text, '=') = '\0';
			untext_is("standard without padding", assay_bytes_of(text), want, len);
		}
		memmove(text + 31, text + 30, strlen(text) - 29);
		text[30] = '\n';
		untext_is("wrapped", assay_bytes_of(text), want, len);
		url[3] = '+';
		url[5] = '_';
		untext_is("both alphabets", assay_bytes_of(url), NULL, 0);
	}
}

static void
test_neither(void **context)
{
	static const char *const raw[] = {
		"",
		"0x",
		" \n",
		"zzzz", /* short */
		"{\"tcbInfo\":{\"id\":\"SGX\",\"version\":3,\"issueDate\":\"2025-07-04T10:16:31Z\"}"
		"}",
		BEGIN "\nMIIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n" END
		      "\n",
		/* 61 and 65 characters of base64 that decode to nothing; padding in the middle */
		"zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz",
		"zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz",
		"zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz==zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz",
		"zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz====",
		/* 0x before what is no hex */
		"0xzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz",
	};

	(void)context;
	for (size_t i = 0; i < sizeof raw / sizeof *raw; i++)
		untext_is(raw[i], assay_bytes_of(raw[i]), NULL, 0);
	uint8_t binary[200];
	for (size_t i = 0; i < sizeof binary; i++)
		binary[i] = (uint8_t)(i * 7);
	untext_is("binary", (struct assay_bytes){ binary, sizeof binary }, NULL, 0);
	untext_is("no pointer", (struct assay_bytes){ NULL, 0 }, NULL, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_blocks),
		cmocka_unit_test(test_positions),
		cmocka_unit_test(test_hex),
		cmocka_unit_test(test_base64),
		cmocka_unit_test(test_neither),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
