/* SPDX-License-Identifier: Apache-2.0 */
/* The QGS with a whole platform behind it: a guest's report in, a quote about it out. */
#include "platforms/machine.h"
#include "platforms/platform.h"
#include "services/qgs.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

enum { MADE = 1763700000, ANSWER_MAX = 16384, REPORT_DATA = 48 + 520, CLIENTS = 16 };

static char folder[] = "/tmp/assay-qgs-XXXXXX";
static const char *const names[] = { "platform.json", "trust-root", "evidence.bin",
	"collateral/tcb_info.json", "collateral/qe_identity.json",
	"collateral/tcb_signing_chain.pem", "collateral/root_ca_crl.der", "collateral/pck_crl.der",
	"collateral/pck_crl_chain.pem", "collateral", "." };

static void
put_file(const char *name, struct sim_bytes bytes)
{
	char path[256];

	snprintf(path, sizeof path, "%s/%s", folder, name);
	FILE *f = fopen(path, "wb");
	assert_non_null(f);
	assert_int_equal(fwrite(bytes.ptr, 1, bytes.len, f), bytes.len);
	fclose(f);
}

static struct sim_machine *
open_machine(uint64_t seed)
{
	struct sim_spec spec = { .tee = "tdx", .seed = seed, .time = MADE, .valid = 30 * SIM_DAY };
	struct sim *sim = sim_new(seed);
	struct sim_machine *m = NULL;
	char path[256], why[256] = "";
	struct sim_platform p;
	struct sim_output out;

	assert_true(sim_platform_new(&p, sim, &spec, why));
	sim_platform_write(&p, &out);
	snprintf(path, sizeof path, "%s/collateral", folder);
	mkdir(path, 0700);
	char *json = sim_spec_json(&spec);
	put_file("platform.json", (struct sim_bytes){ (uint8_t *)json, strlen(json) });
	free(json);
	put_file("trust-root", out.root);
	put_file("evidence.bin", out.evidence);
	for (size_t i = 0; i < out.item_count; i++) {
		snprintf(path, sizeof path, "collateral/%s", out.items[i].name);
		put_file(path, out.items[i].bytes);
	}
	sim_free(sim);
	if (sim_machine_open(&m, folder, why) != 0)
		fail_msg("%s", why);
	return m;
}

struct service {
	struct sim_machine *machine;
	int fd;
};

static void *
serve(void *arg)
{
	struct service *s = arg;

	(void)sim_qgs_serve_connection(s->machine, s->fd);
	return NULL;
}

static size_t
exchange(struct sim_machine *m, const uint8_t *request, size_t len, uint8_t got[ANSWER_MAX])
{
	struct service s = { .machine = m };
	pthread_t thread;
	int ends[2];
	size_t n = 0;
	ssize_t part;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	s.fd = ends[1];
	assert_int_equal(pthread_create(&thread, NULL, serve, &s), 0);
	assert_int_equal(send(ends[0], request, len, 0), (ssize_t)len);
	while ((part = recv(ends[0], got + n, ANSWER_MAX - n, 0)) > 0)
		n += (size_t)part;
	assert_int_equal(pthread_join(thread, NULL), 0);
	close(ends[0]);
	return n;
}

static void
frame(uint8_t request[1052], const uint8_t report[1024])
{
	static const uint8_t head[28] = { 0, 0, 4, 24, 1, 0, 1, 0, 0, 0, 0, 0, 24, 4, 0, 0, 0, 0, 0,
		0, 0, 4, 0, 0, 0, 0, 0, 0 };

	memcpy(request, head, sizeof head);
	memcpy(request + sizeof head, report, 1024);
}

static void
test_quote(void **state)
{
	struct sim_machine *m = open_machine(1);
	uint8_t data[64], report[1024], request[1052], framed[ANSWER_MAX], raw[ANSWER_MAX];

	(void)state;
	memset(data, 0x5a, sizeof data);
	assert_int_equal(sim_machine_td_report(m, data, report), 0);
	frame(request, report);
	size_t n = exchange(m, request, sizeof request, framed);
	assert_true(n > 28 + REPORT_DATA + 64);
	assert_memory_equal(framed + 4 + 12, "\0\0\0\0", 4); /* no error */
	assert_int_equal(framed[28], 4);                     /* a quote of version 4 */
	assert_memory_equal(framed + 28 + REPORT_DATA, data, sizeof data);
	assert_int_equal(exchange(m, report, sizeof report, raw), n - 28);
	assert_memory_equal(raw + REPORT_DATA, data, sizeof data);

	/* A report that was changed, and one of another machine. */
	report[128] ^= 1;
	frame(request, report);
	assert_int_equal(exchange(m, request, sizeof request, framed), 28);
	assert_memory_equal(framed + 4 + 12, "\3\40\1\0", 4);
	assert_int_equal(exchange(m, report, sizeof report, raw), 0);
	struct sim_machine *other = open_machine(2);
	assert_int_equal(sim_machine_td_report(other, data, report), 0);
	assert_int_equal(exchange(m, report, sizeof report, raw), 0);
	assert_true(exchange(other, report, sizeof report, raw) > 0);
	sim_machine_close(other);
	sim_machine_close(m);
}

struct client {
	struct sim_machine *machine;
	uint8_t number;
	bool ok;
};

static void *
ask(void *arg)
{
	struct client *c = arg;
	uint8_t data[64], report[1024], *got = malloc(ANSWER_MAX);

	memset(data, c->number, sizeof data);
	c->ok = got != NULL && sim_machine_td_report(c->machine, data, report) == 0 &&
	    exchange(c->machine, report, sizeof report, got) > REPORT_DATA + 64 &&
	    memcmp(got + REPORT_DATA, data, sizeof data) == 0;
	free(got);
	return NULL;
}

static void
test_many(void **state)
{
	struct sim_machine *m = open_machine(1);
	struct client clients[CLIENTS];
	pthread_t threads[CLIENTS];

	(void)state;
	for (size_t i = 0; i < CLIENTS; i++) {
		clients[i] = (struct client){ m, (uint8_t)(i + 1), false };
		assert_int_equal(pthread_create(&threads[i], NULL, ask, &clients[i]), 0);
	}
	for (size_t i = 0; i < CLIENTS; i++) {
		assert_int_equal(pthread_join(threads[i], NULL), 0);
		assert_true(clients[i].ok);
	}
	sim_machine_close(m);
}

static int
make_folder(void **state)
{
	(void)state;
	return mkdtemp(folder) == NULL;
}

static int
remove_folder(void **state)
{
	char path[256];

	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		snprintf(path, sizeof path, "%s/%s", folder, names[i]);
		remove(names[i][0] == '.' ? folder : path);
	}
	return access(folder, F_OK) == 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_quote),
		cmocka_unit_test(test_many),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("quote service", tests, make_folder, remove_folder);
}
