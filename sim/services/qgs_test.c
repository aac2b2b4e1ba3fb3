/* SPDX-License-Identifier: Apache-2.0 */
#include "services/qgs.h"
#include "platforms/machine.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

/* A platform in the place of that of sim/platforms: whatever it answers, the messages are judged
 * here. The linker prefers these functions to those of the library. */
struct sim_machine {
	int quote_rc;
};

static const uint8_t quote_bytes[] = "a quote";

int
sim_machine_td_quote(
    struct sim_machine *m, const uint8_t report[1024], uint8_t **quote, size_t *len)
{
	if (m->quote_rc != 0)
		return m->quote_rc;
	assert_int_equal(report[1023], 7);
	*quote = malloc(sizeof quote_bytes);
	assert_non_null(*quote);
	memcpy(*quote, quote_bytes, sizeof quote_bytes);
	*len = sizeof quote_bytes;
	return 0;
}

void
sim_machine_identity(const struct sim_machine *m, struct sim_identity *out)
{
	(void)m;
	*out = (struct sim_identity){ .fmspc = { 0x5a, 0xc0, 0x6f },
		.qe_id = { 1, 2, 3 },
		.cpu_svn = { 4, 5, 6 },
		.qe_svn = 0x0102,
		.pce_svn = 11,
		.ca = "platform" };
}

int
sim_machine_collateral(struct sim_machine *m, const char *name, uint8_t **bytes, size_t *len)
{
	(void)m;
	*len = strlen(name);
	*bytes = malloc(*len + 1);
	assert_non_null(*bytes);
	memcpy(*bytes, name, *len + 1);
	return 0;
}

/* --- messages ------------------------------------------------------------------------------- */

struct message {
	uint8_t bytes[SIM_QGS_REQUEST_MAX + 64];
	size_t len;
};

static void
put_u32(struct message *m, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		m->bytes[m->len++] = (uint8_t)(v >> 8 * i);
}

static uint32_t
u32(const uint8_t *p)
{
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static void
start(struct message *m, uint16_t minor, uint32_t type)
{
	*m = (struct message){ .len = 4, .bytes = { 1, 0, (uint8_t)minor, 0 } };
	put_u32(m, type);
	put_u32(m, 0);
	put_u32(m, 0);
}

static void
end(struct message *m)
{
	for (int i = 0; i < 4; i++)
		m->bytes[8 + i] = (uint8_t)(m->len >> 8 * i);
}

static void
put_report(struct message *m)
{
	m->bytes[m->len] = 0x81;
	m->bytes[m->len + 1023] = 7;
	m->len += 1024;
}

static struct message
quote_request(uint16_t minor, size_t ids)
{
	struct message m;

	start(&m, minor, SIM_QGS_QUOTE);
	put_u32(&m, 1024);
	put_u32(&m, (uint32_t)(16 * ids));
	put_report(&m);
	m.len += 16 * ids;
	end(&m);
	return m;
}

static struct message
collateral_request(
    uint16_t minor, const char *fmspc, size_t fmspc_len, const char *ca, size_t ca_len)
{
	struct message m;

	start(&m, minor, SIM_QGS_COLLATERAL);
	put_u32(&m, (uint32_t)fmspc_len);
	put_u32(&m, (uint32_t)ca_len);
	memcpy(m.bytes + m.len, fmspc, fmspc_len);
	memcpy(m.bytes + m.len + fmspc_len, ca, ca_len);
	m.len += fmspc_len + ca_len;
	end(&m);
	return m;
}

static uint8_t *
answer(struct sim_machine *machine, const struct message *m, size_t *len)
{
	uint8_t *a = sim_qgs_answer(machine, m->bytes, m->len, len);

	assert_non_null(a);
	assert_true(*len >= SIM_QGS_HEADER);
	assert_int_equal(a[0], 1);
	assert_int_equal(u32(a + 8), *len);
	return a;
}

static void
test_quote(void **state)
{
	struct sim_machine machine = { 0 };
	size_t len;

	(void)state;
	for (uint16_t minor = 0; minor <= 2; minor++) {
		struct message m = quote_request(minor, 0);
		uint8_t *a = answer(&machine, &m, &len);
		assert_int_equal(a[2], minor > 1 ? 1 : minor);
		assert_int_equal(u32(a + 4), SIM_QGS_QUOTE_ANSWER);
		assert_int_equal(u32(a + 12), 0);
		assert_int_equal(u32(a + 16), 0);
		assert_int_equal(u32(a + 20), sizeof quote_bytes);
		assert_int_equal(len, 24 + sizeof quote_bytes);
		assert_memory_equal(a + 24, quote_bytes, sizeof quote_bytes);
		free(a);
	}
}

static void
test_quote_ids(void **state)
{
	struct sim_machine machine = { 0 };
	struct message m = quote_request(1, 2);
	size_t len;

	(void)state;
	uint8_t *a = answer(&machine, &m, &len);
	assert_int_equal(u32(a + 12), SIM_QGS_PARAMETER); /* neither is ours */
	free(a);
	memcpy(m.bytes + 24 + 1024 + 16, "\1\2\3", 3);
	a = answer(&machine, &m, &len);
	assert_int_equal(u32(a + 12), 0);
	assert_int_equal(u32(a + 16), 16);
	assert_memory_equal(a + 24, "\1\2\3", 3);
	assert_memory_equal(a + 40, quote_bytes, sizeof quote_bytes);
	free(a);
}

static void
test_quote_refused(void **state)
{
	static const struct {
		int rc;
		uint32_t code;
	} cases[] = { { -EBADMSG, SIM_QGS_PARAMETER }, { -EINVAL, SIM_QGS_PARAMETER },
		{ -ENOMEM, SIM_QGS_NO_MEMORY }, { -ENODEV, SIM_QGS_UNEXPECTED } };
	size_t len;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct sim_machine machine = { cases[i].rc };
		struct message m = quote_request(1, 0);
		uint8_t *a = answer(&machine, &m, &len);
		assert_int_equal(u32(a + 4), SIM_QGS_QUOTE_ANSWER);
		assert_int_equal(u32(a + 12), cases[i].code);
		assert_int_equal(len, 24);
		assert_int_equal(u32(a + 16) | u32(a + 20), 0);
		free(a);
	}
}

static void
test_collateral(void **state)
{
	static const char *const names[] = { "pck_crl_chain.pem", "root_ca_crl.der", "pck_crl.der",
		"tcb_signing_chain.pem", "tcb_info.json", "tcb_signing_chain.pem",
		"qe_identity.json" };
	struct sim_machine machine = { 0 };
	size_t len;

	(void)state;
	for (uint16_t minor = 0; minor <= 1; minor++) {
		struct message m = minor == 0
		    ? collateral_request(0, "5AC06f000000", 12, "platform", 8)
		    : collateral_request(1, "\x5a\xc0\x6f\0\0\0", 6, "platform", 9);
		uint8_t *a = answer(&machine, &m, &len);
		const uint8_t *sizes = a + 16, *at;
		assert_int_equal(u32(a + 4), SIM_QGS_COLLATERAL_ANSWER);
		assert_int_equal(u32(a + 12), 0);
		if (minor == 1) {
			assert_memory_equal(sizes, "\3\0\1\0", 4);
			sizes += 4;
		}
		at = sizes + 28;
		for (size_t i = 0; i < 7; i++) {
			bool crl = strstr(names[i], "crl.der") != NULL;
			size_t n = strlen(names[i]);
			size_t want = crl ? (minor == 0 ? 2 * n + 1 : n) : n + 1;
			assert_int_equal(u32(sizes + 4 * i), want);
			if (minor == 0 && crl)
				assert_memory_equal(at, i == 1 ? "726f6f74" : "70636b5f", 8);
			else
				assert_memory_equal(at, names[i], n);
			if (!crl)
				assert_int_equal(at[n], 0);
			at += want;
		}
		assert_ptr_equal(at, a + len);
		free(a);
	}
}

static void
test_collateral_refused(void **state)
{
	static const struct {
		const char *fmspc;
		size_t fmspc_len;
		const char *ca;
		size_t ca_len;
	} cases[] = { { "\x5a\xc0\x6f\0\0\1", 6, "platform", 8 },
		{ "5ac06f000001", 12, "platform", 8 }, { "5ac06f0000", 10, "platform", 8 },
		{ "5ac06f000000", 12, "processor", 9 }, { "5ac06f000000", 12, "platfor", 7 },
		{ "5ac06f000000", 12, "", 0 }, { "5ac06f000000", 12, "platform\0\0\0", 11 },
		{ "5ac06f00000g", 12, "platform", 8 } };
	struct sim_machine machine = { 0 };
	size_t len;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		for (uint16_t minor = 0; minor <= 1; minor++) {
			struct message m = collateral_request(minor, cases[i].fmspc,
			    cases[i].fmspc_len, cases[i].ca, cases[i].ca_len);
			uint8_t *a = answer(&machine, &m, &len);
			assert_int_equal(u32(a + 4), SIM_QGS_COLLATERAL_ANSWER);
			assert_int_equal(u32(a + 12), SIM_QGS_PARAMETER);
			assert_int_equal(len, minor == 0 ? 44 : 48);
			free(a);
		}
}

static void
test_platform(void **state)
{
	struct sim_machine machine = { 0 };
	struct message m;
	size_t len;

	(void)state;
	start(&m, 1, SIM_QGS_PLATFORM);
	end(&m);
	uint8_t *a = answer(&machine, &m, &len);
	assert_int_equal(len, 16 + 12 + 32);
	assert_int_equal(u32(a + 4), SIM_QGS_PLATFORM_ANSWER);
	assert_memory_equal(a + 16, "\2\1\13\0", 4);
	assert_int_equal(u32(a + 20), 16);
	assert_int_equal(u32(a + 24), 16);
	assert_memory_equal(a + 28, "\1\2\3", 3);
	assert_memory_equal(a + 44, "\4\5\6", 3);
	free(a);
	m.len++; /* a byte too many */
	end(&m);
	a = answer(&machine, &m, &len);
	assert_int_equal(u32(a + 12), SIM_QGS_SIZE);
	assert_int_equal(len, 28);
	free(a);
}

/* Each field of the header and of the body changed by itself. */
static void
test_refusals(void **state)
{
	static const struct {
		size_t at;
		uint8_t value;
		uint32_t code;
	} cases[] = { { 0, 2, SIM_QGS_VERSION }, { 1, 1, SIM_QGS_VERSION }, { 4, 1, SIM_QGS_TYPE },
		{ 4, 3, SIM_QGS_TYPE }, { 4, 5, SIM_QGS_TYPE }, { 4, 6, SIM_QGS_TYPE },
		{ 7, 0x80, SIM_QGS_TYPE }, { 8, 1, SIM_QGS_SIZE }, { 11, 0xff, SIM_QGS_SIZE },
		{ 12, 1, SIM_QGS_CODE }, { 16, 1, SIM_QGS_SIZE }, { 19, 0xff, SIM_QGS_SIZE },
		{ 20, 1, SIM_QGS_SIZE }, { 23, 0xff, SIM_QGS_SIZE } };
	struct sim_machine machine = { 0 };
	size_t len;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct message m = quote_request(1, 0);
		m.bytes[cases[i].at] = cases[i].value;
		uint8_t *a = answer(&machine, &m, &len);
		assert_int_equal(u32(a + 4), SIM_QGS_QUOTE_ANSWER);
		assert_int_equal(u32(a + 12), cases[i].code);
		assert_int_equal(len, 24);
		free(a);
	}
	/* Sizes that add up, and are not those of a report and of ids. */
	struct message m = quote_request(1, 1);
	m.bytes[16] = 16;
	m.bytes[17] = 4; /* 1040 */
	m.bytes[20] = 0;
	uint8_t *a = answer(&machine, &m, &len);
	assert_int_equal(u32(a + 12), SIM_QGS_PARAMETER);
	free(a);
}

static void
test_truncated(void **state)
{
	struct message all[3] = { quote_request(1, 1),
		collateral_request(1, "5ac06f000000", 12, "platform", 8), { .len = 0 } };
	struct sim_qgs_request q;

	(void)state;
	start(&all[2], 1, SIM_QGS_PLATFORM);
	end(&all[2]);
	for (size_t k = 0; k < 3; k++)
		for (size_t n = 0; n < all[k].len; n++) {
			uint8_t *cut = malloc(n > 0 ? n : 1);
			assert_non_null(cut);
			memcpy(cut, all[k].bytes, n);
			assert_int_equal(sim_qgs_request_parse(&q, cut, n), SIM_QGS_SIZE);
			if (n >= SIM_QGS_HEADER) { /* also when the header tells the new size */
				for (size_t i = 0; i < 4; i++)
					cut[8 + i] = (uint8_t)(n >> 8 * i);
				assert_int_equal(sim_qgs_request_parse(&q, cut, n), SIM_QGS_SIZE);
			}
			free(cut);
		}
}

/* --- connections ---------------------------------------------------------------------------- */

enum { SHORT_MS = 200 };
struct service {
	struct sim_machine machine;
	int ends[2];
	int limit_ms, rc;
	pthread_t thread;
};

static void *
run(void *arg)
{
	struct service *s = arg;

	s->rc = sim_qgs_serve_for(&s->machine, s->ends[1], s->limit_ms);
	return NULL;
}

static void
serve(struct service *s, int limit_ms)
{
	*s = (struct service){ .limit_ms = limit_ms };
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, s->ends), 0);
	assert_int_equal(pthread_create(&s->thread, NULL, run, s), 0);
}

static void
give(struct service *s, const void *bytes, size_t len)
{
	assert_int_equal(send(s->ends[0], bytes, len, MSG_NOSIGNAL), (ssize_t)len);
}

/* All that comes until the service closes; then its return value. */
static int
finish(struct service *s, uint8_t *got, size_t room, size_t *len)
{
	ssize_t n;

	*len = 0;
	while ((n = recv(s->ends[0], got + *len, room - *len, 0)) > 0)
		*len += (size_t)n;
	assert_int_equal(pthread_join(s->thread, NULL), 0);
	close(s->ends[0]);
	return s->rc;
}

static void
test_framed(void **state)
{
	struct message m = quote_request(1, 0);
	uint8_t prefix[4] = { 0, 0, (uint8_t)(m.len >> 8), (uint8_t)m.len }, got[4096];
	struct service s;
	size_t len;

	(void)state;
	serve(&s, 10000);
	give(&s, prefix, 4);
	for (size_t i = 0; i < m.len; i++) /* as slow as it may be */
		give(&s, m.bytes + i, 1);
	assert_int_equal(finish(&s, got, sizeof got, &len), 0);
	assert_int_equal(len, 4 + 24 + sizeof quote_bytes);
	assert_int_equal(got[3], len - 4);
	assert_memory_equal(got + 28, quote_bytes, sizeof quote_bytes);
}

static void
test_raw(void **state)
{
	struct message m = { .len = 0 };
	struct service s;
	uint8_t got[4096];
	size_t len;

	(void)state;
	put_report(&m);
	serve(&s, 10000);
	give(&s, m.bytes, 3);
	give(&s, m.bytes + 3, 1021);
	assert_int_equal(finish(&s, got, sizeof got, &len), 0);
	assert_int_equal(len, sizeof quote_bytes);
	assert_memory_equal(got, quote_bytes, len);
	/* Refused: the connection is closed without a byte. */
	serve(&s, 10000);
	s.machine.quote_rc = -EBADMSG;
	give(&s, m.bytes, 1024);
	assert_int_equal(finish(&s, got, sizeof got, &len), -EBADMSG);
	assert_int_equal(len, 0);
}

static void
test_stalled(void **state)
{
	struct message m = quote_request(1, 0);
	uint8_t prefix[4] = { 0, 0, (uint8_t)(m.len >> 8), (uint8_t)m.len }, got[64];
	const size_t stops[] = { 0, 3, 4, 20, 500 };
	struct service s;
	size_t len;

	(void)state;
	for (size_t i = 0; i < sizeof stops / sizeof stops[0]; i++) {
		serve(&s, SHORT_MS);
		give(&s, prefix, stops[i] < 4 ? stops[i] : 4);
		if (stops[i] > 4)
			give(&s, m.bytes, stops[i] - 4);
		assert_int_equal(finish(&s, got, sizeof got, &len), -ETIMEDOUT);
		assert_int_equal(len, 0);
	}
	m = (struct message){ .len = 0 };
	put_report(&m);
	serve(&s, SHORT_MS);
	give(&s, m.bytes, 1023);
	assert_int_equal(finish(&s, got, sizeof got, &len), -ETIMEDOUT);
	assert_int_equal(len, 0);
}

static void
test_gone(void **state)
{
	struct service s;
	uint8_t got[64];
	size_t len;

	(void)state;
	serve(&s, 10000);
	give(&s, "\0\0\4", 3);
	shutdown(s.ends[0], SHUT_WR);
	assert_int_equal(finish(&s, got, sizeof got, &len), -EPROTO);
	assert_int_equal(len, 0);
}

static void
test_oversize(void **state)
{
	static const uint8_t prefixes[][4] = { { 0, 0, 0x20, 1 }, { 0, 1, 0, 0 },
		{ 0x7f, 0xff, 0xff, 0xff }, { 0xff, 0xff, 0xff, 0xff } };
	struct service s;
	uint8_t got[64];
	size_t len;

	(void)state;
	for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++) {
		serve(&s, 10000);
		give(&s, prefixes[i], 4);
		assert_int_equal(finish(&s, got, sizeof got, &len), 0);
		assert_int_equal(len, 28);
		assert_int_equal(u32(got + 4 + 12), SIM_QGS_SIZE);
	}
	/* And too small to be a message. */
	serve(&s, 10000);
	give(&s, "\0\0\0\3abc", 7);
	assert_int_equal(finish(&s, got, sizeof got, &len), 0);
	assert_int_equal(len, 28);
	assert_int_equal(u32(got + 4 + 12), SIM_QGS_SIZE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_quote),
		cmocka_unit_test(test_quote_ids),
		cmocka_unit_test(test_quote_refused),
		cmocka_unit_test(test_collateral),
		cmocka_unit_test(test_collateral_refused),
		cmocka_unit_test(test_platform),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_framed),
		cmocka_unit_test(test_raw),
		cmocka_unit_test(test_stalled),
		cmocka_unit_test(test_gone),
		cmocka_unit_test(test_oversize),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("qgs", tests, NULL, NULL);
}
