/* SPDX-License-Identifier: Apache-2.0 */
#include "internal.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "alloc.h"
#include "fake_kernel.h"

enum { ANSWER = 16 + 8 + FAKE_QUOTE, ROOM = 8192 };

static const uint8_t nonce[64] = { 0x77, 2, 3 };

static void
put32(uint8_t *p, uint32_t v)
{
	for (size_t i = 0; i < 4; i++)
		p[i] = (uint8_t)(v >> 8 * i);
}

static void
put_head(uint8_t *p, uint32_t type, uint32_t size, uint32_t code)
{
	memset(p, 0, 16);
	p[0] = p[2] = 1;
	put32(p + 4, type);
	put32(p + 8, size);
	put32(p + 12, code);
}

static size_t
quote_answer(uint8_t out[ANSWER], const uint8_t report_data[64])
{
	put_head(out, QGS_QUOTE, ANSWER, 0);
	put32(out + 16, 0);
	put32(out + 20, FAKE_QUOTE);
	fake_tdx_quote(out + 24, report_data);
	return ANSWER;
}

/* --- messages -------------------------------------------------------------------------------- */

static void
test_quote_answer(void **state)
{
	uint8_t m[ANSWER], quote[FAKE_QUOTE];
	struct qgs_answer a;
	struct assay_error err;
	(void)state;

	quote_answer(m, nonce);
	fake_tdx_quote(quote, nonce);
	struct assay_bytes in = { m, sizeof m };
	assert_int_equal(assay_qgs_answer_parse(&a, QGS_QUOTE, in, &err), ASSAY_OK);
	assert_int_equal(a.quote.len, sizeof quote);
	assert_memory_equal(a.quote.ptr, quote, sizeof quote);

	for (size_t n = 0; n < sizeof m; n++) {
		uint8_t *copy = malloc(n + 1);
		assert_non_null(copy);
		memcpy(copy, m, n);
		assert_int_not_equal(
		    assay_qgs_answer_parse(&a, QGS_QUOTE, (struct assay_bytes){ copy, n }, &err),
		    ASSAY_OK);
		free(copy);
	}
	for (size_t bit = 0; bit < 24UL * 8; bit++) {
		if (bit / 8 == 2 || bit / 8 == 3)
			continue; /* the minor version */
		m[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_int_not_equal(assay_qgs_answer_parse(&a, QGS_QUOTE, in, &err), ASSAY_OK);
		m[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}

	static const struct {
		size_t at;
		uint32_t value;
		const char *words;
	} cases[] = {
		{ 0, 2, "major version is 2" },
		{ 4, 3, "type is 3, want 1" },
		{ 8, 5000, "says that it is 5000 bytes" },
		{ 12, 0x12003, "0x12003, invalid parameter" },
		{ 12, 0x99, "0x99, unknown error" },
		{ 16, 0xffffffff, "QGS answer" },
		{ 20, 0xffffffff, "QGS answer" },
		{ 20, FAKE_QUOTE - 1, "QGS answer" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		quote_answer(m, nonce);
		put32(m + cases[i].at, cases[i].value);
		assert_int_not_equal(assay_qgs_answer_parse(&a, QGS_QUOTE, in, &err), ASSAY_OK);
		assert_non_null(strstr(err.text, cases[i].words));
	}
	/* An empty quote is none. */
	put_head(m, QGS_QUOTE, 24, 0);
	memset(m + 16, 0, 8);
	assert_int_equal(assay_qgs_answer_parse(&a, QGS_QUOTE, (struct assay_bytes){ m, 24 }, &err),
	    ASSAY_E_FORMAT);
	assert_non_null(strstr(err.text, "the quote is 0 bytes"));
}

static void
test_collateral_answer(void **state)
{
	enum { SIZES = 20, BLOBS = SIZES + 4 * QGS_COLLATERAL_BLOBS, LEN = BLOBS + 28 };
	uint8_t m[LEN] = { 0 };
	struct qgs_answer a;
	struct assay_error err;
	(void)state;

	put_head(m, QGS_COLLATERAL, LEN, 0);
	m[16] = 3;
	for (uint32_t i = 0; i < QGS_COLLATERAL_BLOBS; i++)
		put32(m + SIZES + 4 * i, i + 1);
	struct assay_bytes in = { m, LEN };
	assert_int_equal(assay_qgs_answer_parse(&a, QGS_COLLATERAL, in, &err), ASSAY_OK);
	assert_int_equal(a.collateral[6].len, 7);
	assert_ptr_equal(a.collateral[6].ptr, m + LEN - 7);
	for (size_t n = 0; n < LEN; n++)
		assert_int_not_equal(
		    assay_qgs_answer_parse(&a, QGS_COLLATERAL, (struct assay_bytes){ m, n }, &err),
		    ASSAY_OK);
	put32(m + SIZES, 2);
	assert_int_equal(assay_qgs_answer_parse(&a, QGS_COLLATERAL, in, &err), ASSAY_E_FORMAT);
	/* Minor 0 has no version of the collateral. */
	put32(m + SIZES, 1);
	memmove(m + 16, m + SIZES, LEN - SIZES);
	put_head(m, QGS_COLLATERAL, LEN - 4, 0);
	m[2] = 0;
	in.len = LEN - 4;
	assert_int_equal(assay_qgs_answer_parse(&a, QGS_COLLATERAL, in, &err), ASSAY_OK);
	assert_int_equal(a.collateral[0].len, 1);
}

static void
test_addresses(void **state)
{
	static const struct {
		const char *text;
		bool ok;
	} cases[] = {
		{ "vsock:host:4050", true },
		{ "vsock:2:4050", true },
		{ "unix:/run/qgs.socket", true },
		{ "tcp:127.0.0.1:4050", true },
		{ "tcp:[::1]:4050", true },
		{ "vsock:host:", false },
		{ "vsock:host:4050x", false },
		{ "vsock:4050", false },
		{ "vsock:4294967296:1", false },
		{ "unix:", false },
		{ "tcp:host:65536", false },
		{ "tcp::1", false },
		{ "https://host", false },
		{ "", false },
	};
	static const struct {
		const char *conf, *address;
	} confs[] = {
		{ "port = 4050\n", "vsock:host:4050" },
		{ "# port = 1\nport=4051", "vsock:host:4051" },
		{ "  port =  7  \n", "vsock:host:7" },
		{ "port = 4050 x\n", "" },
		{ "port = 99999999999\n", "" },
		{ "report = 3\n", "" },
		{ "port\n", "" },
		{ "", "" },
	};
	char address[128];
	(void)state;

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		assert_int_equal(assay_qgs_address_ok(cases[i].text), cases[i].ok);
	for (size_t i = 0; i < sizeof confs / sizeof *confs; i++) {
		assay_qgs_address_of_conf(address, sizeof address, assay_bytes_of(confs[i].conf));
		assert_string_equal(address, confs[i].address);
	}
}

/* --- over a socket ----------------------------------------------------------------------------- */

enum manner { HONEST, FOREIGN, STALLS, SHORT, HUGE_LENGTH, REFUSES };

struct service {
	pthread_t thread;
	int fd;
	enum manner manner;
	char address[128];
	char path[100];
};

static void
serve(int fd, enum manner manner)
{
	uint8_t in[QGS_QUOTE_REQUEST], out[4 + ANSWER] = { 0 };
	size_t got = 0;
	ssize_t n;

	while (got < sizeof in && (n = recv(fd, in + got, sizeof in - got, 0)) > 0) {
		got += (size_t)n;
		if (got >= 4 && got >= 4 + ((size_t)in[2] << 8 | in[3]))
			break;
	}
	uint32_t size = ANSWER;
	quote_answer(out + 4, in + 28 + 128);
	if (got != sizeof in || in[4] != 1 || in[8] != QGS_GET_QUOTE || manner == REFUSES) {
		size = 24;
		put_head(out + 4, QGS_QUOTE, size, 0x12001);
		memset(out + 20, 0, 8);
	}
	if (manner == FOREIGN)
		out[4 + 24 + 568] ^= 1;
	out[2] = (uint8_t)(size >> 8);
	out[3] = (uint8_t)size;
	if (manner == HUGE_LENGTH)
		out[0] = 0x7f;
	size_t len = 4 + size;
	if (manner == SHORT || manner == STALLS)
		len /= 2;
	(void)send(fd, out, len, MSG_NOSIGNAL);
	if (manner == STALLS)
		(void)recv(fd, in, sizeof in, 0); /* until the client gives up */
}

static void *
serve_all(void *arg)
{
	struct service *s = arg;
	int fd;

	while ((fd = accept(s->fd, NULL, NULL)) >= 0) {
		serve(fd, s->manner);
		close(fd);
	}
	return NULL;
}

static void
start(struct service *s, enum manner manner)
{
	static int number;
	struct sockaddr_un un = { .sun_family = AF_UNIX };

	*s = (struct service){ .manner = manner };
	snprintf(s->path, sizeof s->path, "/tmp/assay-qgs-%d-%d", (int)getpid(), number++);
	snprintf(s->address, sizeof s->address, "unix:%s", s->path);
	memcpy(un.sun_path, s->path, strlen(s->path) + 1);
	s->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(s->fd, (const struct sockaddr *)&un, sizeof un), 0);
	assert_int_equal(listen(s->fd, 8), 0);
	assert_int_equal(pthread_create(&s->thread, NULL, serve_all, s), 0);
}

static void
stop(struct service *s)
{
	shutdown(s->fd, SHUT_RDWR);
	pthread_join(s->thread, NULL);
	close(s->fd);
	unlink(s->path);
}

static void
test_quotes(void **state)
{
	static const struct {
		enum manner manner;
		const char *words; /* NULL: a quote comes */
	} cases[] = {
		{ HONEST, NULL },
		{ FOREIGN, "other report data than was asked for" },
		{ STALLS, "timed out" },
		{ SHORT, "closed the connection before its answer was whole" },
		{ HUGE_LENGTH, "the length before its answer" },
		{ REFUSES, "QGS refuses: 0x12001, unexpected error" },
	};
	(void)state;

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct assay_guest_evidence *ev = NULL;
		struct assay_error err = { .text = "" };
		struct service s;
		start(&s, cases[i].manner);
		/* configfs is there too: with a QGS the device comes first. */
		struct assay_guest_request q = { .report_data = { nonce, sizeof nonce },
			.root = FAKE_ROOT,
			.provider = cases[i].words != NULL ? "tdx-device" : NULL,
			.timeout_ms = cases[i].manner == STALLS ? 150 : 2000,
			.qgs = s.address };
		fake_reset(&(struct fake_settings){
		    .provider = "tdx_guest", .tdx_node = "/dev/tdx_guest" });
		enum assay_code rc = assay_guest_collect(&ev, &q, &err);
		stop(&s);
		assert_int_equal(fake_open_files(), 0);
		if (cases[i].words == NULL) {
			assert_int_equal(rc, ASSAY_OK);
			assert_string_equal(assay_guest_provider(ev), "tdx-device");
			/* This quote has no certificates, so no collateral can be asked for. */
			assert_non_null(strstr(assay_guest_note(ev), "without collateral"));
			assay_guest_evidence_free(ev);
			continue;
		}
		if (strstr(err.text, cases[i].words) == NULL)
			print_error("%s\n", err.text);
		assert_int_equal(rc, ASSAY_E_IO);
		assert_non_null(strstr(err.text, cases[i].words));
	}
	/* Nobody listens: the kernel's own path does as well. */
	struct assay_guest_evidence *ev = NULL;
	struct assay_guest_request q = { .report_data = { nonce, sizeof nonce },
		.root = FAKE_ROOT,
		.qgs = "unix:/nonexistent/qgs" };
	assert_int_equal(assay_guest_collect(&ev, &q, NULL), ASSAY_OK);
	assert_string_equal(assay_guest_provider(ev), "configfs-tsm");
	assay_guest_evidence_free(ev);
}

/* --- Enarx, tables, answers of the device -------------------------------------------------------- */

static void
test_enarx(void **state)
{
	static const uint8_t good[] = { 0x30, 9, 0x30, 2, 5, 0, 0x04, 3, 'a', 'b', 'c' };
	static const uint8_t none[] = { 0x30, 4, 0x30, 2, 5, 0 };
	static const char *const names[] = { NULL, "snp", "sgx", "tdx" };
	struct assay_bytes out, in = { good, sizeof good };
	struct assay_error err;
	const char *tee;
	(void)state;

	assert_int_equal(assay_enarx_parse(&out, &tee, ASSAY_TECHNOLOGY_SEV, in, &err), ASSAY_OK);
	assert_int_equal(out.len, 3);
	assert_memory_equal(out.ptr, "abc", 3);
	for (size_t n = ASSAY_TECHNOLOGY_SEV; n <= ASSAY_TECHNOLOGY_TDX; n++) {
		assert_int_equal(assay_enarx_parse(&out, &tee, n, in, &err), ASSAY_OK);
		assert_string_equal(tee, names[n]);
	}
	assert_int_equal(
	    assay_enarx_parse(&out, &tee, ASSAY_TECHNOLOGY_NONE, in, &err), ASSAY_E_IO);
	for (size_t n = 0; n < sizeof good; n++)
		assert_int_equal(assay_enarx_parse(&out, &tee, ASSAY_TECHNOLOGY_SGX,
				     (struct assay_bytes){ good, n }, &err),
		    ASSAY_E_IO);
	assert_int_equal(assay_enarx_parse(&out, &tee, ASSAY_TECHNOLOGY_SEV,
			     (struct assay_bytes){ none, sizeof none }, &err),
	    ASSAY_E_IO);
	assert_non_null(strstr(err.text, "no OCTET STRING"));
	assert_int_equal(
	    assay_enarx_parse(&out, &tee, ASSAY_TECHNOLOGY_OTHER, in, &err), ASSAY_E_IO);
	assert_non_null(strstr(err.text, "technology is 4"));
	/* The call itself, on a machine that is no keep. */
	size_t technology = 77;
	assert_int_equal(guest_enarx_call(NULL, 0, NULL, 0, &technology), -ENOSYS);
	assert_int_equal(technology, 77);
}

static void
test_table(void **state)
{
	uint8_t table[ROOM] = { 0 };
	struct assay_error err;
	size_t len = 99;
	(void)state;

	/* A page of zeros is a table without entries. */
	assert_int_equal(
	    assay_snp_table_trim(&len, (struct assay_bytes){ table, ROOM }, &err), ASSAY_OK);
	assert_int_equal(len, 0);
	fake_table(table, 1000);
	assert_int_equal(
	    assay_snp_table_trim(&len, (struct assay_bytes){ table, ROOM }, &err), ASSAY_OK);
	assert_int_equal(len, 1000);
	for (size_t n = 0; n < 1000; n++) {
		uint8_t *copy = malloc(n + 1);
		assert_non_null(copy);
		memcpy(copy, table, n);
		assert_int_equal(assay_snp_table_trim(&len, (struct assay_bytes){ copy, n }, &err),
		    ASSAY_E_FORMAT);
		free(copy);
	}
	put32(table + 16, 0xfffffff0);
	assert_int_equal(
	    assay_snp_table_trim(&len, (struct assay_bytes){ table, ROOM }, &err), ASSAY_E_FORMAT);
	assert_non_null(strstr(err.text, "outside of the 8192"));
	memset(table, 1, ROOM);
	for (size_t i = 0; i < ROOM / 24; i++)
		put32(table + 24 * i + 20, 1);
	assert_int_equal(
	    assay_snp_table_trim(&len, (struct assay_bytes){ table, ROOM }, &err), ASSAY_E_FORMAT);
}

static void
test_snp_answer(void **state)
{
	uint8_t m[4000] = { 0 };
	struct assay_bytes out, in = { m, sizeof m };
	struct assay_error err;
	(void)state;

	put32(m + 4, GUEST_SNP_REPORT);
	assert_int_equal(assay_snp_answer_parse(&out, in, &err), ASSAY_OK);
	assert_ptr_equal(out.ptr, m + 32);
	assert_int_equal(out.len, GUEST_SNP_REPORT);
	for (size_t n = 0; n < 32 + GUEST_SNP_REPORT; n++)
		assert_int_equal(assay_snp_answer_parse(&out, (struct assay_bytes){ m, n }, &err),
		    ASSAY_E_FORMAT);
	put32(m + 4, 1183);
	assert_int_equal(assay_snp_answer_parse(&out, in, &err), ASSAY_E_FORMAT);
	assert_non_null(strstr(err.text, "the report is 1183 bytes, want 1184"));
	put32(m, 0x27);
	assert_int_equal(assay_snp_answer_parse(&out, in, &err), ASSAY_E_IO);
	assert_non_null(strstr(err.text, "status 0x27, invalid key"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_quote_answer),
		cmocka_unit_test(test_collateral_answer),
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_quotes),
		cmocka_unit_test(test_enarx),
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_snp_answer),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("qgs", tests, NULL, NULL);
}
