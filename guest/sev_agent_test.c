/* SPDX-License-Identifier: Apache-2.0 */
/* The library's side of attest.sock, against an agent that says what a case has it say. */
#include "internal.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "alloc.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { KEY = 138, STEPS = 200 };

static char root[64];

/* What the agent answers to each kind of question. */
static struct {
	int listener;
	pthread_t thread;
	enum attest_status status; /* to all */
	enum attest_status key_status;
	bool key_only; /* else it has nothing */
	enum attest_tee tee;
	size_t first;  /* bytes of evidence, if not the right number */
	size_t cut;    /* from the end of the packet */
	bool silent;   /* hangs up without a word */
	bool sleeping; /* and does not even do that */
	uint8_t report_data[ATTEST_REPORT_DATA];
} agent;

static void
respond(int fd)
{
	static uint8_t filler[ATTEST_EVIDENCE], packet[ATTEST_ANSWER_MAX];
	static const char no[] = "no, \033 says the agent";
	uint8_t in[ATTEST_REQUEST + 1];
	struct attest_request r;
	ssize_t n = recv(fd, in, sizeof in, 0);

	if (n <= 0 ||
	    assay_attest_request_parse(&r, (struct assay_bytes){ in, (size_t)n }, NULL) !=
		ASSAY_OK ||
	    agent.silent)
		return;
	if (agent.sleeping) {
		recv(fd, in, sizeof in, 0); /* until the other side gives up */
		return;
	}
	memset(filler, 0xe0 + (int)r.op, sizeof filler);
	struct attest_answer a = { .status = agent.status, .tee = agent.tee };
	if (r.op == ATTEST_OP_KEY && agent.key_status != ATTEST_OK)
		a.status = agent.key_status;
	if (r.op != ATTEST_OP_KEY && agent.key_only)
		a.status = ATTEST_ABSENT;
	if (a.status != ATTEST_OK)
		a.first = (struct assay_bytes){ (const uint8_t *)no, sizeof no - 1 };
	else if (r.op == ATTEST_OP_KEY)
		a.first = (struct assay_bytes){ filler, KEY };
	else if (r.op == ATTEST_OP_EVIDENCE) {
		a.first = (struct assay_bytes){ filler,
			agent.first != 0 ? agent.first : (size_t)ATTEST_EVIDENCE };
		a.proof = (struct assay_bytes){ filler, 260 };
		memcpy(agent.report_data, r.report_data, sizeof agent.report_data);
	}
	size_t len = assay_attest_answer_write(packet, sizeof packet, &a);
	send(fd, packet, len - agent.cut, MSG_NOSIGNAL);
}

static void *
serve(void *arg)
{
	int fd;

	(void)arg;
	while ((fd = accept(agent.listener, NULL, NULL)) >= 0) {
		respond(fd);
		close(fd);
	}
	return NULL;
}

static int
start_agent(void **state)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	char path[96];

	(void)state;
	snprintf(root, sizeof root, "/tmp/sev-agent-XXXXXX");
	if (mkdtemp(root) == NULL)
		return 1;
	snprintf(path, sizeof path, "%s/run", root);
	mkdir(path, 0700);
	snprintf(path, sizeof path, "%s/run/assay", root);
	mkdir(path, 0700);
	snprintf(name.sun_path, sizeof name.sun_path, "%s" ATTEST_SOCKET, root);
	agent.listener = socket(AF_UNIX, SOCK_SEQPACKET, 0);
	return bind(agent.listener, (struct sockaddr *)&name, sizeof name) != 0 ||
	    listen(agent.listener, 16) != 0 ||
	    pthread_create(&agent.thread, NULL, serve, NULL) != 0;
}

static void
remove_under(const char *path)
{
	char whole[128];

	snprintf(whole, sizeof whole, "%s%s", root, path);
	remove(whole);
}

static int
stop_agent(void **state)
{
	(void)state;
	shutdown(agent.listener, SHUT_RDWR);
	pthread_join(agent.thread, NULL);
	close(agent.listener);
	remove_under(ATTEST_SOCKET);
	remove_under("/run/assay");
	remove_under("/run");
	remove_under("");
	return 0;
}

static void
reset(enum attest_tee tee)
{
	agent.status = agent.key_status = ATTEST_OK;
	agent.tee = tee;
	agent.first = agent.cut = 0;
	agent.silent = agent.sleeping = agent.key_only = false;
}

static const uint8_t nonce[] = { 1, 2, 3, 4, 5, 6, 7, 8 };

static struct assay_guest_request
request(const char *provider)
{
	return (struct assay_guest_request){ .report_data = { nonce, sizeof nonce },
		.root = root,
		.provider = provider,
		.timeout_ms = 5000 };
}

static void
test_evidence(void **state)
{
	struct assay_guest_request q = request(NULL);
	struct assay_guest_evidence *ev = NULL;
	struct assay_error err;
	uint8_t *bundle = NULL;
	const char *tee = NULL;
	size_t len;

	(void)state;
	reset(ATTEST_TEE_SEV_ES);
	assert_int_equal(assay_guest_here(&tee, &q, &err), ASSAY_OK);
	assert_string_equal(tee, "sev-es");
	assert_int_equal(assay_guest_collect(&ev, &q, &err), ASSAY_OK);
	assert_string_equal(assay_guest_tee(ev), "sev-es");
	assert_string_equal(assay_guest_provider(ev), "sev-es");
	assert_string_equal(assay_guest_maker(ev), "sev-agent");
	assert_int_equal(assay_guest_piece(ev, ASSAY_GUEST_EVIDENCE).len, ATTEST_EVIDENCE);
	assert_int_equal(assay_guest_piece(ev, ASSAY_GUEST_PROOF).len, 260);
	assert_memory_equal(agent.report_data, nonce, sizeof nonce);
	assert_true(assay_bytes_zero((struct assay_bytes){
	    agent.report_data + sizeof nonce, sizeof agent.report_data - sizeof nonce }));
	assert_int_equal(assay_guest_bundle(&bundle, &len, ev, &err), ASSAY_OK);
	assert_true(assay_bytes_find((struct assay_bytes){ bundle, len }, 0,
			assay_bytes_of("application/vnd.assay.sev-es")) < len);
	assert_true(assay_bytes_find((struct assay_bytes){ bundle, len }, 0,
			assay_bytes_of("application/vnd.assay.sev-proof")) < len);
	free(bundle);
	assay_guest_evidence_free(ev);
	reset(ATTEST_TEE_SEV);
	assert_int_equal(assay_guest_collect(&ev, &q, &err), ASSAY_OK);
	assert_string_equal(assay_guest_tee(ev), "sev");
	assay_guest_evidence_free(ev);
}

static void
test_refusals(void **state)
{
	static const struct {
		enum attest_status status;
		enum assay_code probe;
		const char *words;
	} cases[] = {
		{ ATTEST_REFUSED, ASSAY_E_POLICY, "assay-agentd: no, ? says the agent" },
		{ ATTEST_ABSENT, ASSAY_E_UNSUPPORTED, "assay-agentd: no, ? says the agent" },
		{ ATTEST_FAILED, ASSAY_E_IO, "assay-agentd: no, ? says the agent" },
		{ ATTEST_MALFORMED, ASSAY_E_IO, "assay-agentd: no, ? says the agent" },
	};
	struct assay_guest_request q = request(NULL);
	struct assay_guest_evidence *ev = NULL;
	struct assay_error err;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		reset(ATTEST_TEE_SEV_ES);
		agent.status = cases[i].status;
		assert_int_equal(assay_guest_probe(5, &q, &err), cases[i].probe);
		assert_non_null(strstr(err.text, cases[i].words));
		assert_int_equal(assay_guest_collect(&ev, &q, &err),
		    cases[i].status == ATTEST_ABSENT ? ASSAY_E_INCOMPLETE : ASSAY_E_IO);
	}
	reset(ATTEST_TEE_SEV);
	assert_int_equal(assay_guest_probe(5, &q, &err), ASSAY_E_UNSUPPORTED);
	assert_non_null(strstr(err.text, "this is sev"));
	assert_int_equal(assay_guest_probe(6, &q, &err), ASSAY_OK);
}

static void
test_broken(void **state)
{
	struct assay_guest_request q = request("sev-es");
	struct assay_guest_evidence *ev = NULL;
	struct assay_error err;

	(void)state;
	reset(ATTEST_TEE_SEV_ES);
	agent.silent = true;
	assert_int_equal(assay_guest_collect(&ev, &q, &err), ASSAY_E_IO);
	assert_non_null(strstr(err.text, "closed without an answer"));
	reset(ATTEST_TEE_SEV_ES);
	agent.cut = 1;
	assert_int_equal(assay_guest_collect(&ev, &q, &err), ASSAY_E_IO);
	assert_non_null(strstr(err.text, "attest.sock answer"));
	reset(ATTEST_TEE_SEV_ES);
	agent.first = ATTEST_EVIDENCE - 1;
	assert_int_equal(assay_guest_collect(&ev, &q, &err), ASSAY_E_IO);
	assert_non_null(strstr(err.text, "parts of 6459"));
	reset(ATTEST_TEE_SEV_ES);
	agent.sleeping = true;
	q.timeout_ms = 100;
	assert_int_equal(assay_guest_collect(&ev, &q, &err), ASSAY_E_IO);
	assert_non_null(strstr(err.text, "did not answer in time"));
}

static void
test_get_attestation(void **state)
{
	uint8_t buf[KEY + 1], key[KEY];
	size_t technology = 7;

	(void)state;
	memset(key, 0xe0 + ATTEST_OP_KEY, sizeof key);
	reset(ATTEST_TEE_SEV_ES);
	assert_int_equal(assay_guest_attestation(root, NULL, 0, NULL, 0, &technology), KEY);
	assert_int_equal(technology, ASSAY_TECHNOLOGY_SEV);
	assert_int_equal(assay_guest_attestation(root, NULL, 3, buf, KEY, &technology), KEY);
	assert_memory_equal(buf, key, KEY);
	technology = 7;
	assert_int_equal(assay_guest_attestation(root, NULL, 3, buf, KEY - 1, &technology), -1);
	assert_int_equal(errno, EMSGSIZE);
	assert_int_equal(
	    assay_guest_attestation(root, NULL, 3, (void *)(uintptr_t)16, KEY, &technology), -1);
	assert_int_equal(errno, EFAULT);
	assert_int_equal(assay_guest_attestation(root, NULL, 3, buf, SIZE_MAX, &technology), -1);
	assert_int_equal(errno, EINVAL);
	agent.key_status = ATTEST_REFUSED;
	assert_int_equal(assay_guest_attestation(root, NULL, 3, buf, KEY, &technology), -1);
	assert_int_equal(errno, EACCES);
	agent.key_status = ATTEST_FAILED;
	assert_int_equal(assay_guest_attestation(root, NULL, 3, buf, KEY, &technology), -1);
	assert_int_equal(errno, EIO);
	/* The rules of the shipped binaries: the nonce counts again. */
	agent.key_status = ATTEST_NO_KEYS;
	assert_int_equal(assay_guest_attestation(root, NULL, 0, NULL, 0, &technology), 256 * 1024);
	technology = 7;
	assert_int_equal(assay_guest_attestation(root, NULL, 3, buf, KEY, &technology), -1);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(technology, 7);
}

/* What the owner injected signs no proofs: the guest has it, and no evidence. */
static void
test_key_alone(void **state)
{
	uint8_t buf[KEY];
	size_t technology = 7;

	(void)state;
	reset(ATTEST_TEE_NONE);
	agent.key_only = true;
	assert_int_equal(assay_guest_attestation(root, NULL, 0, NULL, 0, &technology), KEY);
	assert_int_equal(technology, ASSAY_TECHNOLOGY_SEV);
	assert_int_equal(assay_guest_attestation(root, NULL, 3, buf, KEY, &technology), KEY);
	assert_int_equal(buf[0], 0xe0 + ATTEST_OP_KEY);
	technology = 7;
	assert_int_equal(assay_guest_attestation(root, NULL, 3, buf, KEY - 1, &technology), -1);
	assert_int_equal(errno, EMSGSIZE);
	agent.key_status = ATTEST_REFUSED;
	assert_int_equal(assay_guest_attestation(root, NULL, 3, buf, KEY, &technology), -1);
	assert_int_equal(errno, EACCES);
	agent.key_status = ATTEST_NO_KEYS;
	assert_int_equal(assay_guest_attestation(root, NULL, 3, buf, KEY, &technology), -1);
	assert_int_equal(errno, EIO);
	assert_int_equal(technology, 7);
	agent.key_status = ATTEST_ABSENT;
	assert_int_equal(assay_guest_attestation(root, NULL, 3, buf, KEY, &technology), 0);
	assert_int_equal(technology, ASSAY_TECHNOLOGY_NONE);
}

static void
test_allocations(void **state)
{
	struct assay_guest_request q = request("sev-es");
	bool whole = false;
	size_t n;

	(void)state;
	reset(ATTEST_TEE_SEV_ES);
	for (n = 1; n < STEPS && !whole; n++) {
		struct assay_guest_evidence *ev = NULL;
		struct assay_error err = { .text = "" };
		alloc_fail_at(n);
		enum assay_code rc = assay_guest_collect(&ev, &q, &err);
		whole = !alloc_failed();
		alloc_fail_at(0);
		assert_int_equal(rc, whole ? ASSAY_OK : ASSAY_E_NOMEM);
		assay_guest_evidence_free(ev);
	}
	assert_true(whole && n > 4);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_evidence),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_broken),
		cmocka_unit_test(test_get_attestation),
		cmocka_unit_test(test_key_alone),
		cmocka_unit_test(test_allocations),
	};

	return cmocka_run_group_tests(tests, start_agent, stop_agent);
}
