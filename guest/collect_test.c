/* SPDX-License-Identifier: Apache-2.0 */
#include "internal.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "alloc.h"
#include "fake_kernel.h"

enum { PROCESSES = 16, THREADS = 64, ROUNDS = 4 };

static const uint8_t nonce[64] = { 1, 2, 3, 0xff, 5 };

struct heard {
	char text[2048];
};

static void
hear(void *arg, const char *provider, const char *why)
{
	struct heard *h = arg;
	size_t at = strlen(h->text);

	snprintf(h->text + at, sizeof h->text - at, "%s: %s\n", provider, why);
}

static struct assay_guest_request
make_request(void)
{
	return (struct assay_guest_request){
		.report_data = { nonce, sizeof nonce }, .root = FAKE_ROOT, .timeout_ms = 2000
	};
}

static void
assert_clean(void)
{
	assert_int_equal(fake_entries_left(), 0);
	assert_int_equal(fake_open_files(), 0);
}

static struct assay_guest_evidence *
collect(const struct assay_guest_request *q)
{
	struct assay_guest_evidence *ev = NULL;
	struct assay_error err = { .text = "" };
	enum assay_code rc = assay_guest_collect(&ev, q, &err);

	if (rc != ASSAY_OK)
		print_error("%s\n", err.text);
	assert_int_equal(rc, ASSAY_OK);
	assert_clean();
	return ev;
}

static void
refused(const struct fake_settings *s, struct assay_guest_request q, enum assay_code code,
    const char *words)
{
	struct assay_guest_evidence *ev = NULL;
	struct assay_error err = { .text = "" };
	struct heard h = { "" };

	fake_reset(s);
	q.tried = hear;
	q.arg = &h;
	enum assay_code rc = assay_guest_collect(&ev, &q, &err);
	if (strstr(h.text, words) == NULL && strstr(err.text, words) == NULL)
		print_error("got %s\n%s\n", err.text, h.text);
	assert_int_equal(rc, code);
	assert_int_equal(err.code, code);
	assert_true(strstr(h.text, words) != NULL || strstr(err.text, words) != NULL);
	assert_null(ev);
	assert_clean();
}

static void
assert_evidence(
    const struct assay_guest_evidence *ev, const char *tee, const char *maker, const char *provider)
{
	uint8_t want[2048];
	size_t len =
	    strcmp(tee, "snp") == 0 ? fake_snp_report(want, nonce) : fake_tdx_quote(want, nonce);
	struct assay_bytes got = assay_guest_piece(ev, ASSAY_GUEST_EVIDENCE);

	assert_string_equal(assay_guest_tee(ev), tee);
	assert_string_equal(assay_guest_maker(ev), maker);
	assert_string_equal(assay_guest_provider(ev), provider);
	assert_int_equal(got.len, len);
	assert_memory_equal(got.ptr, want, len);
}

/* --- configfs-tsm ---------------------------------------------------------------------------- */

static void
test_configfs(void **state)
{
	static const struct {
		const char *provider;
		bool aux;
		const char *tee;
		size_t certificates;
	} cases[] = {
		{ "tdx_guest", false, "tdx", 0 },
		{ "sev_guest", false, "snp", 0 },
		{ "sev_guest", true, "snp", FAKE_TABLE },
	};
	struct assay_guest_request q = make_request();
	(void)state;

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		fake_reset(&(struct fake_settings){
		    .provider = cases[i].provider, .has_aux = cases[i].aux });
		struct assay_guest_evidence *ev = collect(&q);
		assert_evidence(ev, cases[i].tee, cases[i].provider, "configfs-tsm");
		assert_int_equal(
		    assay_guest_piece(ev, ASSAY_GUEST_CERTIFICATES).len, cases[i].certificates);
		assert_string_equal(assay_guest_note(ev), "");
		assay_guest_evidence_free(ev);
	}
}

static void
test_unknown_provider(void **state)
{
	struct assay_guest_request q = make_request();
	struct assay_error err;
	uint8_t *bundle = NULL;
	size_t len = 0;
	(void)state;

	fake_reset(&(struct fake_settings){ .provider = "arm_cca_guest", .has_aux = true });
	struct assay_guest_evidence *ev = collect(&q);
	assert_string_equal(assay_guest_tee(ev), "opaque");
	assert_string_equal(assay_guest_maker(ev), "arm_cca_guest");
	assert_int_equal(assay_guest_piece(ev, ASSAY_GUEST_CERTIFICATES).len, 0);
	assert_non_null(strstr(assay_guest_note(ev), "auxblob of arm_cca_guest"));
	assert_int_equal(assay_guest_bundle(&bundle, &len, ev, &err), ASSAY_OK);
	assert_true(assay_bytes_find((struct assay_bytes){ bundle, len }, 0,
			assay_bytes_of("application/vnd.assay.opaque")) < len);
	free(bundle);
	assay_guest_evidence_free(ev);
	refused(&(struct fake_settings){ .provider = "two words" }, q, ASSAY_E_IO,
	    "holds no such text");
}

static void
test_level(void **state)
{
	struct assay_guest_request q = make_request();
	(void)state;

	/* Nothing asked for: the kernel's own. */
	fake_reset(&(struct fake_settings){ .provider = "sev_guest", .floor = 2 });
	assay_guest_evidence_free(collect(&q));
	assert_int_equal(fake_level(), 2);
	q.has_vmpl = true;
	q.vmpl = 3;
	fake_reset(&(struct fake_settings){ .provider = "sev_guest", .floor = 2 });
	assay_guest_evidence_free(collect(&q));
	assert_int_equal(fake_level(), 3);
	q.vmpl = 1;
	refused(&(struct fake_settings){ .provider = "sev_guest", .floor = 2 }, q, ASSAY_E_IO,
	    "the level, the service or the length");
	q.vmpl = 4;
	refused(&(struct fake_settings){ .provider = "sev_guest" }, q, ASSAY_E_USAGE,
	    "privilege level is 4");
	/* TDX has no levels: it is no reason to fail. */
	q.vmpl = 1;
	fake_reset(&(struct fake_settings){ .provider = "tdx_guest" });
	assay_guest_evidence_free(collect(&q));
}

static void
test_faults_that_pass(void **state)
{
	struct assay_guest_request q = make_request();
	static const struct fake_faults faults[] = {
		{ .busy = 3 },
		{ .interrupted = 3 },
		{ .stale = 3 },
		{ .foreign = 3 },
		{ .busy_rmdir = 3 },
		{ .busy = 1, .interrupted = 1, .stale = 1, .foreign = 1 },
	};
	(void)state;

	for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
		fake_reset(&(struct fake_settings){ .provider = "tdx_guest", .faults = faults[i] });
		struct assay_guest_evidence *ev = collect(&q);
		assert_evidence(ev, "tdx", "tdx_guest", "configfs-tsm");
		assay_guest_evidence_free(ev);
		/* A fresh entry for each attempt. */
		if (faults[i].busy_rmdir == 0)
			assert_true(fake_entries_made() > 1);
	}
}

static void
test_faults_that_stay(void **state)
{
	struct assay_guest_request q = make_request();
	(void)state;

	q.timeout_ms = 60;
	static const struct {
		struct fake_faults faults;
		const char *words;
	} cases[] = {
		{ { .busy = 100000 }, "Device or resource busy" },
		{ { .stale = 100000 }, "a write had no effect" },
		{ { .foreign = 100000 }, "other report data than was asked for" },
		{ { .error = EFBIG }, "is larger than the kernel allows" },
		{ { .error = EIO }, "Input/output error" },
		{ { .error = ENXIO }, "outblob" },
		{ { .error = ENODATA }, "outblob" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		refused(
		    &(struct fake_settings){ .provider = "tdx_guest", .faults = cases[i].faults },
		    q, ASSAY_E_IO, cases[i].words);
}

static void
test_nothing_here(void **state)
{
	struct assay_guest_request q = make_request();
	static const char *const words[] = { "configfs-tsm: /sys/kernel/config/tsm/report: is not",
		"tdx-device: /dev/tdx_guest: is not", "snp-device: /dev/sev-guest: is not there",
		"sgx-attestation: /dev/attestation/user_report_data: is not there",
		"enarx: system call 0xEA01" };
	(void)state;

	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		refused(
		    &(struct fake_settings){ .provider = NULL }, q, ASSAY_E_INCOMPLETE, words[i]);
	refused(&(struct fake_settings){ .provider = "" }, q, ASSAY_E_INCOMPLETE,
	    "the kernel has no provider");
}

static void
test_requests(void **state)
{
	struct fake_settings s = { .provider = "tdx_guest" };
	struct assay_guest_request q = make_request();
	uint8_t quote[FAKE_QUOTE], padded[64] = { 9 };
	(void)state;

	q.report_data.len = 0;
	refused(&s, q, ASSAY_E_USAGE, "report data is 0 bytes, want 1 to 64");
	q.report_data.len = 65;
	refused(&s, q, ASSAY_E_USAGE, "report data is 65 bytes");
	q = make_request();
	q.provider = "nobody";
	refused(&s, q, ASSAY_E_USAGE, "there is no provider \"nobody\"");
	q = make_request();
	q.qgs = "http://x";
	refused(&s, q, ASSAY_E_USAGE, "QGS address \"http://x\"");
	q = make_request();
	q.service_guid = "two words";
	refused(&s, q, ASSAY_E_USAGE, "GUID or version");
	q = make_request();
	q.tee = "snp";
	refused(&s, q, ASSAY_E_INCOMPLETE, "this is tdx, not \"snp\"");
	q = make_request();
	q.service_provider = "svsm";
	refused(&s, q, ASSAY_E_IO, "service_provider: this provider has no such attribute");
	q = make_request();
	q.endorsements = ASSAY_GUEST_ALL;
	refused(&s, q, ASSAY_E_INCOMPLETE, "the host hands out no endorsements");

	/* Short report data is padded with zeros. */
	q = make_request();
	q.report_data = (struct assay_bytes){ padded, 1 };
	fake_reset(&s);
	struct assay_guest_evidence *ev = collect(&q);
	fake_tdx_quote(quote, padded);
	assert_memory_equal(assay_guest_piece(ev, ASSAY_GUEST_EVIDENCE).ptr, quote, sizeof quote);
	assay_guest_evidence_free(ev);

	/* What nobody wants does not come along. */
	q = make_request();
	q.endorsements = ASSAY_GUEST_NONE;
	fake_reset(&(struct fake_settings){ .provider = "sev_guest", .has_aux = true });
	ev = collect(&q);
	assert_int_equal(assay_guest_piece(ev, ASSAY_GUEST_CERTIFICATES).len, 0);
	assay_guest_evidence_free(ev);
}

static void
test_eventlog(void **state)
{
	struct assay_guest_request q = make_request();
	struct fake_settings s = { .provider = "tdx_guest",
		.files = { { "/sys/firmware/acpi/tables/data/CCEL", "a log", 5 } } };
	(void)state;

	q.eventlog = true;
	fake_reset(&s);
	struct assay_guest_evidence *ev = collect(&q);
	assert_int_equal(assay_guest_piece(ev, ASSAY_GUEST_EVENTLOG).len, 5);
	assay_guest_evidence_free(ev);
	s.provider = "sev_guest"; /* its log is no CCEL */
	fake_reset(&s);
	ev = collect(&q);
	assert_int_equal(assay_guest_piece(ev, ASSAY_GUEST_EVENTLOG).len, 0);
	assay_guest_evidence_free(ev);
}

/* --- devices --------------------------------------------------------------------------------- */

static void
test_tdx_device(void **state)
{
	static const char *const nodes[] = { "/dev/tdx_guest", "/dev/tdx-guest",
		"/dev/tdx-attest" };
	static const unsigned long quotes[] = { 0x80105404, 0xc0105404, 0xc0105402 };
	struct assay_guest_request q = make_request();
	(void)state;

	for (size_t i = 0; i < sizeof nodes / sizeof *nodes; i++)
		for (size_t k = 0; k < sizeof quotes / sizeof *quotes; k++) {
			fake_reset(&(struct fake_settings){
			    .tdx_node = nodes[i], .tdx_quote = quotes[k] });
			struct assay_guest_evidence *ev = collect(&q);
			assert_evidence(ev, "tdx", "dev-tdx-guest", "tdx-device");
			assay_guest_evidence_free(ev);
		}
	refused(&(struct fake_settings){ .tdx_node = "/dev/tdx_guest" }, q, ASSAY_E_IO,
	    "makes reports but no quotes, and no QGS is configured");
	refused(&(struct fake_settings){ .tdx_node = "/dev/tdx_guest",
		    .tdx_quote = 0xc0105402,
		    .tdx_status = 0x8000000000000001 },
	    q, ASSAY_E_IO, "status 0x8000000000000001, no quoting service");
}

static void
test_snp_device(void **state)
{
	struct assay_guest_request q = make_request();
	static const struct {
		size_t table;
		int error;
		size_t want;
	} cases[] = {
		{ 0, 0, 0 },
		{ 4000, 0, 4000 },
		{ 4097, 0, 4097 }, /* by a second request */
		{ 16384, 0, 16384 },
		{ 16385, 0, 0 }, /* more than the driver takes: the report alone */
		{ 0, EIO, 0 },
		{ 0, ETIMEDOUT, 0 },
	};
	(void)state;

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		fake_reset(&(struct fake_settings){ .snp_device = true,
		    .snp_table = cases[i].table,
		    .snp_ext_error = cases[i].error });
		struct assay_guest_evidence *ev = collect(&q);
		assert_evidence(ev, "snp", "dev-sev-guest", "snp-device");
		assert_int_equal(
		    assay_guest_piece(ev, ASSAY_GUEST_CERTIFICATES).len, cases[i].want);
		assay_guest_evidence_free(ev);
	}
	refused(&(struct fake_settings){ .snp_device = true, .snp_status = 0x16 }, q, ASSAY_E_IO,
	    "status 0x16, invalid parameter");
	refused(&(struct fake_settings){ .snp_device = true, .snp_ext_error = ENOTTY }, q,
	    ASSAY_E_IO, "only a reboot opens it");
	q.service_provider = "svsm";
	refused(&(struct fake_settings){ .snp_device = true }, q, ASSAY_E_INCOMPLETE,
	    "knows no service providers");
}

static void
test_order(void **state)
{
	struct assay_guest_request q = make_request();
	(void)state;

	/* configfs first; what fails there is made good by the next. */
	fake_reset(&(struct fake_settings){ .provider = "sev_guest", .snp_device = true });
	struct assay_guest_evidence *ev = collect(&q);
	assert_string_equal(assay_guest_provider(ev), "configfs-tsm");
	assay_guest_evidence_free(ev);
	fake_reset(&(struct fake_settings){
	    .provider = "sev_guest", .snp_device = true, .faults.error = EIO });
	ev = collect(&q);
	assert_string_equal(assay_guest_provider(ev), "snp-device");
	assay_guest_evidence_free(ev);
	q.provider = "snp-device";
	fake_reset(&(struct fake_settings){ .provider = "sev_guest", .snp_device = true });
	ev = collect(&q);
	assert_string_equal(assay_guest_provider(ev), "snp-device");
	assay_guest_evidence_free(ev);
	q.provider = "tdx-device";
	refused(&(struct fake_settings){ .provider = "sev_guest" }, q, ASSAY_E_INCOMPLETE,
	    "tdx-device: /dev/tdx_guest: is not there");
}

static void
test_probe(void **state)
{
	struct assay_guest_request q = make_request();
	struct assay_error err;
	(void)state;

	fake_reset(&(struct fake_settings){
	    .provider = "tdx_guest", .tdx_node = "/dev/tdx_guest", .snp_device = true });
	assert_int_equal(assay_guest_probe(0, &q, &err), ASSAY_OK);
	assert_string_equal(err.text, "the kernel's provider is tdx_guest");
	assert_int_equal(assay_guest_probe(1, &q, &err), ASSAY_E_IO);
	assert_non_null(strstr(err.text, "no QGS is configured"));
	assert_int_equal(assay_guest_probe(2, &q, &err), ASSAY_OK);
	assert_int_equal(assay_guest_probe(3, &q, &err), ASSAY_E_UNSUPPORTED);
	assert_int_equal(assay_guest_probe(4, &q, &err), ASSAY_E_UNSUPPORTED);
	assert_int_equal(assay_guest_probe(5, &q, &err), ASSAY_E_UNSUPPORTED);
	assert_int_equal(assay_guest_probe(6, &q, &err), ASSAY_E_UNSUPPORTED);
	assert_int_equal(assay_guest_probe(7, &q, &err), ASSAY_E_USAGE);
	assert_null(assay_guest_provider_name(7));
	assert_clean();
}

static void
test_here(void **state)
{
	struct assay_guest_request q = make_request();
	struct assay_error err;
	const char *tee = "untouched";
	(void)state;

	fake_reset(&(struct fake_settings){ .snp_device = true });
	assert_int_equal(assay_guest_here(&tee, &q, &err), ASSAY_OK);
	assert_string_equal(tee, "snp");
	fake_reset(&(struct fake_settings){ .provider = "tdx_guest", .snp_device = true });
	assert_int_equal(assay_guest_here(&tee, &q, &err), ASSAY_OK);
	assert_string_equal(tee, "tdx");
	q.provider = "snp-device";
	assert_int_equal(assay_guest_here(&tee, &q, &err), ASSAY_OK);
	assert_string_equal(tee, "snp");
	q.provider = "enarx";
	assert_int_equal(assay_guest_here(&tee, &q, &err), ASSAY_E_INCOMPLETE);
	assert_string_equal(err.text, "no TEE here that gives evidence by way of enarx");
	q.provider = "tpm";
	assert_int_equal(assay_guest_here(&tee, &q, &err), ASSAY_E_USAGE);
	assert_string_equal(err.text, "there is no provider \"tpm\"");
	q.provider = NULL;
	fake_reset(&(struct fake_settings){ .provider = NULL });
	assert_int_equal(assay_guest_here(&tee, &q, &err), ASSAY_E_INCOMPLETE);
	assert_string_equal(err.text, "no TEE here that gives evidence");
	assert_string_equal(tee, "snp");
	assert_clean();
}

/* --- the call of the first design -------------------------------------------------------------- */

static void
test_get_attestation(void **state)
{
	enum { ROOM = 256 * 1024 };
	uint8_t data[64], *buf = malloc(ROOM);
	size_t technology = 7;
	void *nowhere = (void *)(uintptr_t)16; /* no page is there */
	(void)state;

	assert_non_null(buf);
	memcpy(data, nonce, sizeof data);
	/* No TEE: whatever the arguments. */
	fake_reset(&(struct fake_settings){ .provider = NULL });
	assert_int_equal(assay_guest_attestation(FAKE_ROOT, NULL, 3, nowhere, 5, &technology), 0);
	assert_int_equal(technology, ASSAY_TECHNOLOGY_NONE);

	struct fake_settings s = { .provider = "sev_guest", .has_aux = true };
	fake_reset(&s);
	ssize_t need = assay_guest_attestation(FAKE_ROOT, nowhere, 0, NULL, 0, &technology);
	assert_true(need > 0 && need <= ROOM);
	assert_int_equal(technology, ASSAY_TECHNOLOGY_SEV);
	ssize_t got = assay_guest_attestation(FAKE_ROOT, data, 64, buf, (size_t)need, &technology);
	assert_true(got > 1184 + FAKE_TABLE && got <= need);
	assert_true(assay_bytes_find((struct assay_bytes){ buf, (size_t)got }, 0,
			(struct assay_bytes){ nonce, 64 }) < (size_t)got);
	assert_clean();

	const struct {
		void *nonce, *buf;
		size_t nonce_len, buf_len;
		int error;
	} cases[] = {
		{ data, buf, 63, ROOM, EINVAL },
		{ data, buf, 65, ROOM, EINVAL },
		{ data, buf, 0, ROOM, EINVAL },
		{ data, buf, 64, SIZE_MAX, EINVAL },
		{ data, buf, 64, 100, EMSGSIZE },
		{ data, buf, 64, (size_t)got - 1, EMSGSIZE },
		{ data, buf, 64, 0, EMSGSIZE },
		{ NULL, buf, 64, ROOM, EFAULT },
		{ nowhere, buf, 64, ROOM, EFAULT },
		{ data, nowhere, 64, ROOM, EFAULT },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		fake_reset(&s);
		technology = 7;
		errno = 0;
		assert_int_equal(
		    assay_guest_attestation(FAKE_ROOT, cases[i].nonce, cases[i].nonce_len,
			cases[i].buf, cases[i].buf_len, &technology),
		    -1);
		assert_int_equal(errno, cases[i].error);
		assert_int_equal(technology, 7);
		assert_clean();
	}
	assert_int_equal(assay_guest_attestation(FAKE_ROOT, data, 64, buf, ROOM, NULL), -1);
	assert_int_equal(errno, EFAULT);
	assert_int_equal(assay_guest_attestation(FAKE_ROOT, data, 64, buf, ROOM, nowhere), -1);
	assert_int_equal(errno, EFAULT);

	s.faults.error = EIO;
	fake_reset(&s);
	assert_int_equal(assay_guest_attestation(FAKE_ROOT, data, 64, buf, ROOM, &technology), -1);
	assert_int_equal(errno, EIO);
	fake_reset(&(struct fake_settings){ .provider = "tdx_guest" });
	assert_true(assay_guest_attestation(FAKE_ROOT, data, 64, buf, ROOM, &technology) > 0);
	assert_int_equal(technology, ASSAY_TECHNOLOGY_TDX);
	free(buf);
}

/* --- many at once ------------------------------------------------------------------------------ */

struct caller {
	pthread_t thread;
	uint32_t id;
	size_t wrong;
};

static void *
call_often(void *arg)
{
	struct caller *c = arg;
	uint8_t mine[64] = { 0 }, want[FAKE_QUOTE];

	for (uint32_t i = 0; i < ROUNDS; i++) {
		struct assay_guest_request q = { .report_data = { mine, sizeof mine },
			.root = FAKE_ROOT,
			.timeout_ms = 120000 };
		struct assay_guest_evidence *ev = NULL;
		memcpy(mine, &c->id, sizeof c->id);
		memcpy(mine + 8, &i, sizeof i);
		fake_tdx_quote(want, mine);
		if (assay_guest_collect(&ev, &q, NULL) != ASSAY_OK ||
		    !assay_bytes_equal(assay_guest_piece(ev, ASSAY_GUEST_EVIDENCE),
			(struct assay_bytes){ want, sizeof want }))
			c->wrong++;
		assay_guest_evidence_free(ev);
	}
	return NULL;
}

static size_t
many_threads(uint32_t process)
{
	static struct caller callers[THREADS];
	size_t wrong = 0;

	for (uint32_t i = 0; i < THREADS; i++) {
		callers[i] = (struct caller){ .id = process << 16 | i };
		if (pthread_create(&callers[i].thread, NULL, call_often, &callers[i]) != 0)
			return 1;
	}
	for (uint32_t i = 0; i < THREADS; i++) {
		pthread_join(callers[i].thread, NULL);
		wrong += callers[i].wrong;
	}
	return wrong;
}

static void
test_concurrency(void **state)
{
	pid_t children[PROCESSES];
	size_t wrong = 0;
	(void)state;

	fake_reset(&(struct fake_settings){ .provider = "tdx_guest",
	    .faults = { .busy = 200, .stale = 200, .interrupted = 200, .busy_rmdir = 50 } });
	for (uint32_t i = 0; i < PROCESSES; i++) {
		children[i] = fork();
		assert_true(children[i] >= 0);
		if (children[i] == 0)
			_exit(many_threads(i) == 0 ? 0 : 1);
	}
	for (uint32_t i = 0; i < PROCESSES; i++) {
		int status = -1;
		if (waitpid(children[i], &status, 0) != children[i] || status != 0)
			wrong++; /* and wait for the rest: none may outlive the test */
	}
	assert_int_equal(wrong, 0);
	assert_int_equal(fake_entries_left(), 0);
	assert_true(fake_entries_made() >= (size_t)PROCESSES * THREADS * ROUNDS);
}

static void
test_allocations(void **state)
{
	static const struct fake_settings cases[] = {
		{ .provider = "sev_guest", .has_aux = true },
		{ .tdx_node = "/dev/tdx_guest", .tdx_quote = 0x80105404 },
		{ .snp_device = true, .snp_table = 5000 },
	};
	struct assay_guest_request q = make_request();
	(void)state;

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		for (size_t n = 1;; n++) {
			struct assay_guest_evidence *ev = NULL;
			struct assay_error err;
			uint8_t *bundle = NULL;
			size_t len = 0;
			fake_reset(&cases[i]);
			alloc_fail_at(n);
			enum assay_code rc = assay_guest_collect(&ev, &q, &err);
			if (rc == ASSAY_OK)
				rc = assay_guest_bundle(&bundle, &len, ev, &err);
			bool failed = alloc_failed();
			assert_int_equal(rc, failed ? ASSAY_E_NOMEM : ASSAY_OK);
			free(bundle);
			assay_guest_evidence_free(ev);
			assert_clean();
			if (!failed)
				break;
		}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_configfs),
		cmocka_unit_test(test_unknown_provider),
		cmocka_unit_test(test_level),
		cmocka_unit_test(test_faults_that_pass),
		cmocka_unit_test(test_faults_that_stay),
		cmocka_unit_test(test_nothing_here),
		cmocka_unit_test(test_requests),
		cmocka_unit_test(test_eventlog),
		cmocka_unit_test(test_tdx_device),
		cmocka_unit_test(test_snp_device),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_probe),
		cmocka_unit_test(test_here),
		cmocka_unit_test(test_get_attestation),
		cmocka_unit_test(test_concurrency),
		cmocka_unit_test(test_allocations),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("guest", tests, NULL, NULL);
}
