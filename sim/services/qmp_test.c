/* SPDX-License-Identifier: Apache-2.0 */
#include "services/qmp.h"

#include "platforms/firmware.h"
#include "platforms/sev_owner.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include <jansson.h>
#include <openssl/evp.h>
#include <pthread.h>

static struct sim *sim;
static struct sim_sev platform;
static struct sim_sev_firmware *fw;
static struct sim_sev_vm *vm;
static struct sim_sev_owner owner;
static struct sim_bytes image;
static struct sim_qmp *q;
static char heard[65536]; /* all that was said and not looked at yet */

static void
hear(void *arg, const char *line, size_t n)
{
	(void)arg;
	assert_true(strlen(heard) + n < sizeof heard);
	assert_memory_equal(line + n - 2, "\r\n", 2);
	strncat(heard, line, n);
}

static int fault_rc;
static enum sim_sev_answer fault_answer;

static int
fault(void *arg, enum sim_sev_answer *answer)
{
	(void)arg;
	*answer = fault_answer;
	return fault_rc;
}

static int
fresh(void **state)
{
	uint8_t pdh[SIM_SEV_CERT_SIZE], chain[3 * SIM_SEV_CERT_SIZE];
	uint32_t n = sizeof pdh, m = sizeof chain;
	char why[256];

	sim_qmp_free(q);
	sim_sev_vm_free(vm);
	sim_sev_firmware_free(fw);
	sim_sev_owner_clear(&owner);
	fault_rc = 0;
	fault_answer = SIM_SEV_OWN_REPORT;
	fw = sim_sev_firmware_new(&platform);
	assert_int_equal(sim_sev_init(fw, true), 0);
	assert_int_equal(sim_sev_pdh_cert_export(fw, pdh, &n, chain, &m), 0);
	assert_true(sim_sev_owner_new(&owner, pdh, 0xf));
	const struct sim_sev_vm_plan plan = { .fw = fw,
		.guest = { image.ptr, image.len, 0x00a00f11, 0xf, true },
		.owner_dh = sim_view(owner.dh, sizeof owner.dh),
		.session = sim_view(owner.session, sizeof owner.session),
		.host = { fault, NULL, *state != NULL } };
	assert_int_equal(sim_sev_vm_new(&vm, &plan, why), 0);
	heard[0] = '\0';
	q = sim_qmp_new(vm, hear, NULL);
	return 0;
}

static int
set_up(void **state)
{
	(void)state;
	sim = sim_new(7);
	sim_sev_new(&platform, sim, "Milan", true);
	image = sim_firmware_write(sim);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	sim_qmp_free(q);
	sim_sev_vm_free(vm);
	sim_sev_firmware_free(fw);
	sim_sev_owner_clear(&owner);
	sim_free(sim);
	return 0;
}

/* The next line that was said; the caller's. */
static json_t *
next(void)
{
	char *end = strstr(heard, "\r\n");
	json_error_t error;

	assert_non_null(end);
	json_t *value = json_loadb(heard, (size_t)(end - heard), 0, &error);
	assert_non_null(value);
	memmove(heard, end + 2, strlen(end + 2) + 1);
	return value;
}

static const char *
text_of(json_t *value, const char *first, const char *second)
{
	const char *text =
	    json_string_value(json_object_get(json_object_get(value, first), second));

	return text != NULL ? text : "";
}

/* What is answered to this text; of errors class and words must be these. */
static void
refused(const char *text, const char *class, const char *words)
{
	assert_true(sim_qmp_hear(q, text, strlen(text)));
	json_t *answer = next();
	assert_string_equal(text_of(answer, "error", "class"), class);
	if (strstr(text_of(answer, "error", "desc"), words) == NULL)
		fail_msg("\"%s\" to %s", text_of(answer, "error", "desc"), text);
	assert_string_equal(heard, "");
	json_decref(answer);
}

static json_t *
done(const char *text)
{
	assert_true(sim_qmp_hear(q, text, strlen(text)));
	json_t *answer = next();
	if (json_object_get(answer, "return") == NULL)
		fail_msg("%s: %s", text, text_of(answer, "error", "desc"));
	return answer;
}

static void
negotiate(void)
{
	json_decref(next());
	json_decref(done("{\"execute\":\"qmp_capabilities\"}\n"));
}

static size_t
unbase64(uint8_t *out, const char *text)
{
	size_t n = strlen(text);
	int got = EVP_DecodeBlock(out, (const unsigned char *)text, (int)n);

	assert_true(got > 0);
	for (size_t i = 1; text[n - i] == '='; i++)
		got--;
	return (size_t)got;
}

/* --- the language --------------------------------------------------------------------------- */

static void
greeting(void **state)
{
	json_t *hello = next();

	(void)state;
	json_t *version = json_object_get(json_object_get(hello, "QMP"), "version");
	assert_int_equal(
	    json_integer_value(json_object_get(json_object_get(version, "qemu"), "major")), 7);
	assert_true(json_is_array(json_object_get(json_object_get(hello, "QMP"), "capabilities")));
	json_decref(hello);
	refused("{\"execute\":\"query-sev\"}", "CommandNotFound",
	    "Expecting capabilities negotiation with 'qmp_capabilities'");
	refused("{\"execute\":\"qmp_capabilities\",\"arguments\":{\"enable\":[\"oob\"]}}",
	    "GenericError", "Capability oob not available");
	json_decref(done("{\"execute\":\"qmp_capabilities\",\"arguments\":{\"enable\":[]}}"));
	refused("{\"execute\":\"qmp_capabilities\"}", "CommandNotFound",
	    "Capabilities negotiation is already complete, command ignored");
}

static void
no_commands(void **state)
{
	static const struct {
		const char *text, *class, *words;
	} cases[] = {
		{ "{\"execute\":\"query-sve\"}", "CommandNotFound",
		    "The command query-sve has not been found" },
		{ "{\"exec\":1}", "GenericError", "QMP input member 'exec' is unexpected" },
		{ "{}", "GenericError", "QMP input lacks member 'execute'" },
		{ "{\"execute\":1}", "GenericError",
		    "QMP input member 'execute' must be a string" },
		{ "{\"execute\":\"cont\",\"arguments\":[]}", "GenericError",
		    "QMP input member 'arguments' must be an object" },
		{ "{\"execute\":\"cont\",\"arguments\":{\"now\":1}}", "GenericError",
		    "Parameter 'now' is unexpected" },
		{ "{\"execute\":\"query-sev-attestation-report\"}", "GenericError",
		    "Parameter 'mnonce' is missing" },
		{ "{\"execute\":\"query-sev-attestation-report\",\"arguments\":{\"mnonce\":1}}",
		    "GenericError", "Invalid parameter type for 'mnonce', expected: string" },
		{ "{\"execute\":\"sev-inject-launch-secret\",\"arguments\":{\"packet-header\":\"\","
		  "\"secret\":\"\",\"gpa\":\"0\"}}",
		    "GenericError", "Invalid parameter type for 'gpa', expected: integer" },
		{ "[1]", "GenericError", "QMP input must be a JSON object" },
		{ "7\n", "GenericError", "QMP input must be a JSON object" },
		{ "hello\r\n", "GenericError", "JSON parse error" },
		{ "{\"execute\":\"cont\",}", "GenericError", "JSON parse error" },
		{ "{\"\xff\":1}", "GenericError", "JSON parse error" },
		{ "{\"\\u00e9\":1}", "GenericError",
		    "QMP input member '?"
		    "?' is unexpected" },
	};

	(void)state;
	negotiate();
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		refused(cases[i].text, cases[i].class, cases[i].words);
	json_decref(done("{\"execute\":\"query-status\"}"));
}

/* However the bytes are cut, with and without line feeds, and with an id. */
static void
pieces(void **state)
{
	static const char two[] = " {\"execute\":\"query-status\",\"id\":{\"a\":\"}\\\"{\"}} "
				  "{\"execute\":\"query-sev\",\"id\":7}\r\n";

	(void)state;
	negotiate();
	for (size_t piece = 1; piece < sizeof two; piece++) {
		for (size_t at = 0; at < sizeof two - 1; at += piece) {
			size_t left = sizeof two - 1 - at;
			assert_true(sim_qmp_hear(q, two + at, left < piece ? left : piece));
		}
		json_t *first = next(), *second = next();
		assert_string_equal(heard, "");
		assert_string_equal(text_of(first, "id", "a"), "}\"{");
		assert_int_equal(json_integer_value(json_object_get(second, "id")), 7);
		json_decref(first);
		json_decref(second);
	}
}

static void
too_long(void **state)
{
	char *text = malloc(200000);

	(void)state;
	memset(text, 'x', 200000);
	text[0] = '"';
	assert_false(sim_qmp_hear(q, text, 200000));
	free(text);
}

/* --- the commands --------------------------------------------------------------------------- */

static void
query(void **state)
{
	(void)state;
	negotiate();
	json_t *answer = done("{\"execute\":\"query-sev\"}"),
	       *r = json_object_get(answer, "return");
	assert_true(json_is_true(json_object_get(r, "enabled")));
	assert_int_equal(json_integer_value(json_object_get(r, "api-major")), 1);
	assert_int_equal(json_integer_value(json_object_get(r, "api-minor")), 55);
	assert_int_equal(json_integer_value(json_object_get(r, "build-id")), 21);
	assert_int_equal(json_integer_value(json_object_get(r, "policy")), 0xf);
	assert_int_equal(json_integer_value(json_object_get(r, "handle")), 1);
	assert_string_equal(json_string_value(json_object_get(r, "state")), "launch-secret");
	json_decref(answer);

	answer = done("{\"execute\":\"query-sev-capabilities\"}");
	uint8_t chain[8192], pdh[4096], id[128];
	assert_int_equal(unbase64(chain, text_of(answer, "return", "cert-chain")), 6252);
	assert_int_equal(unbase64(pdh, text_of(answer, "return", "pdh")), 2084);
	assert_int_equal(unbase64(id, text_of(answer, "return", "cpu0-id")), 64);
	assert_memory_equal(id, platform.id, 64);
	json_decref(answer);
}

static char *
secret_text(const char *tail)
{
	struct sim_sev_vm_info i;
	uint8_t header[52], text[1024], head[128];

	sim_sev_vm_info(vm, &i);
	struct sim_bytes packet = sim_sev_owner_secret(&owner, sim, i.measurement, header);
	EVP_EncodeBlock(head, header, sizeof header);
	EVP_EncodeBlock(text, packet.ptr, (int)packet.len);
	char *all = malloc(2048);
	snprintf(all, 2048,
	    "{\"execute\":\"sev-inject-launch-secret\",\"arguments\":{\"packet-header\":\"%s\","
	    "\"secret\":\"%s\"%s}}",
	    (char *)head, (char *)text, tail);
	return all;
}

static void
launch(void **state)
{
	struct sim_sev_secret found[SIM_SEV_SECRETS_MAX];
	uint8_t m[64], digest[32];
	const struct sim_sev_version v = { 1, 55, 21 };

	(void)state;
	negotiate();
	json_t *answer = done("{\"execute\":\"query-sev-launch-measure\"}");
	assert_int_equal(unbase64(m, text_of(answer, "return", "data")), 48);
	json_decref(answer);
	sim_sev_launch_digest(digest, image, true, 0x00a00f11);
	assert_true(sim_sev_owner_check(&owner, &v, digest, m));
	answer = done("{\"execute\":\"query-status\"}");
	assert_string_equal(text_of(answer, "return", "status"), "prelaunch");
	json_decref(answer);
	assert_false(sim_sev_vm_wait(vm, 10));

	refused("{\"execute\":\"sev-inject-launch-secret\",\"arguments\":{\"packet-header\":\"!\","
		"\"secret\":\"AAAA\"}}",
	    "GenericError", "SEV: Failed to decode sequence header");
	refused(
	    "{\"execute\":\"sev-inject-launch-secret\",\"arguments\":{\"packet-header\":\"AAAA\","
	    "\"secret\":\"\"}}",
	    "GenericError", "SEV: Failed to decode data");
	refused(
	    "{\"execute\":\"sev-inject-launch-secret\",\"arguments\":{\"packet-header\":\"AAAA\","
	    "\"secret\":\"AAAA\"}}",
	    "GenericError", "SEV: failed to inject secret ret=-5 fw_error=4 'Buffer too small'");
	char *text = secret_text("");
	char *bent = strdup(text);
	char *byte = strstr(bent, "\"secret\":\"") + 12;
	*byte = *byte == 'A' ? 'B' : 'A';
	refused(bent, "GenericError", "fw_error=11 'Bad measurement'");
	free(bent);
	char *far = secret_text(",\"gpa\":1099511627776");
	refused(far, "GenericError", "SEV: Failed to calculate guest address");
	free(far);
	json_decref(done(text));
	assert_int_equal(sim_sev_vm_secrets(vm, sim, found), 0); /* no one reads it yet */

	/* The guest runs: RESUME is told before the answer, and there are no more secrets. */
	assert_true(sim_qmp_hear(q, "{\"execute\":\"cont\"}", 18));
	answer = next();
	assert_string_equal(json_string_value(json_object_get(answer, "event")), "RESUME");
	json_decref(answer);
	json_decref(next());
	assert_true(sim_sev_vm_wait(vm, 10));
	refused(text, "GenericError", "SEV: Not in correct state. (LSECRET) 3");
	free(text);
	assert_int_equal(sim_sev_vm_secrets(vm, sim, found), 1);
	assert_string_equal(found[0].guid, SIM_SEV_KEY_GUID);
	answer = done("{\"execute\":\"query-sev\"}");
	assert_string_equal(text_of(answer, "return", "state"), "running");
	json_decref(answer);

	assert_true(sim_qmp_hear(q, "{\"execute\":\"stop\"}", 18));
	json_decref(next());
	json_decref(next());
	answer = done("{\"execute\":\"query-status\"}");
	assert_string_equal(text_of(answer, "return", "status"), "paused");
	json_decref(answer);
	assert_false(sim_qmp_hear(q, "{\"execute\":\"quit\"}{\"execute\":\"cont\"}", 36));
	json_decref(next());
	answer = next();
	assert_string_equal(json_string_value(json_object_get(answer, "event")), "SHUTDOWN");
	json_decref(answer);
	assert_string_equal(heard, "");
}

static void
secrets_elsewhere(void **state)
{
	struct sim_sev_secret found[SIM_SEV_SECRETS_MAX];
	char *text = secret_text(",\"gpa\":4096"); /* where no one looks */

	(void)state;
	negotiate();
	json_decref(done(text));
	sim_sev_vm_cont(vm);
	assert_int_equal(sim_sev_vm_secrets(vm, sim, found), 0);
	free(text);
}

/* A packet of n bytes that the firmware takes, and what comes of it. */
static void
inject_long(size_t n, const char *tail, const char *desc)
{
	uint8_t *packet = sim_alloc(sim, n), iv[16] = { 1 }, header[SIM_SEV_HEADER_SIZE];
	uint8_t *text = sim_alloc(sim, 2 * n), head[128];
	struct sim_sev_secret secret = { SIM_SEV_KEY_GUID, { packet, n - 40 } };
	struct sim_sev_vm_info i;

	sim_sev_vm_info(vm, &i);
	memset(packet, 'x', n);
	struct sim_bytes table = sim_sev_table_write(sim, &secret, 1);
	assert_int_equal(table.len, n);
	sim_sev_secret_seal(header, packet, &owner.keys, iv, table.ptr, n, i.measurement);
	EVP_EncodeBlock(head, header, sizeof header);
	EVP_EncodeBlock(text, packet, (int)n);
	char *all = sim_alloc(sim, 3 * n);
	snprintf(all, 3 * n,
	    "{\"execute\":\"sev-inject-launch-secret\",\"arguments\":{\"packet-header\":\"%s\","
	    "\"secret\":\"%s\"%s}}",
	    (char *)head, (char *)text, tail);
	if (desc != NULL)
		refused(all, "GenericError", desc);
	else
		json_decref(done(all));
}

/* The hashes of the kernel are behind the area. */
static void
secrets_that_do_not_fit(void **state)
{
	struct sim_sev_secret found[SIM_SEV_SECRETS_MAX];
	uint32_t base, size;
	char inside[40];

	(void)state;
	negotiate();
	assert_true(sim_sev_secret_area(image, &base, &size));
	snprintf(inside, sizeof inside, ",\"gpa\":%u", base + 16);
	inject_long(size + 16, "", "SEV: 3088 bytes of secrets do not fit into the secret area");
	inject_long(size, inside, "SEV: 3072 bytes of secrets do not fit into the secret area");
	inject_long(size, "", NULL);
	sim_sev_vm_cont(vm);
	assert_int_equal(sim_sev_vm_secrets(vm, sim, found), 1);
	assert_int_equal(found[0].bytes.len, size - 40);
}

/* As in builds of the firmware that are not for SEV: the entry is there, and empty. */
static void
no_area(void **state)
{
	uint32_t place[2];
	size_t at = 0;

	assert_true(sim_sev_secret_area(image, &place[0], &place[1]));
	while (memcmp(image.ptr + at, place, sizeof place) != 0)
		at++;
	memset(image.ptr + at, 0, sizeof place);
	fresh(state);
	negotiate();
	char *text = secret_text("");
	refused(text, "GenericError", "SEV: no secret area found in OVMF, gpa must be specified.");
	free(text);
	memcpy(image.ptr + at, place, sizeof place);
}

static void
reports(void **state)
{
	static const char ask[] = "{\"execute\":\"query-sev-attestation-report\",\"arguments\":"
				  "{\"mnonce\":\"AQIDBAUGBwgJCgsMDQ4PEA==\"}}";
	uint8_t own[256], other[256], old[256], again[256];
	struct sim_sev_launch_start start = { .policy = 0xf };
	uint32_t unused;

	(void)state;
	negotiate();
	refused(
	    "{\"execute\":\"query-sev-attestation-report\",\"arguments\":{\"mnonce\":\"AQ==\"}}",
	    "GenericError", "SEV: mnonce must be 16 bytes (got 1)");
	refused("{\"execute\":\"query-sev-attestation-report\",\"arguments\":{\"mnonce\":\"*\"}}",
	    "GenericError", "SEV: Failed to decode mnonce input");
	json_t *answer = done(ask);
	assert_int_equal(unbase64(own, text_of(answer, "return", "data")), 208);
	json_decref(answer);
	for (size_t i = 0; i < 16; i++)
		assert_int_equal(own[i], i + 1);
	/* A host that cheats: under the nonce asked for another digest; or an old nonce. */
	fault_answer = SIM_SEV_OTHER_VM;
	answer = done(ask);
	unbase64(other, text_of(answer, "return", "data"));
	json_decref(answer);
	assert_memory_equal(other, own, 16);
	assert_memory_not_equal(other + 16, own + 16, 32);
	fault_answer = SIM_SEV_OLD_REPORT;
	for (size_t i = 0; i < 2; i++) {
		answer = done(ask);
		unbase64(i == 0 ? old : again, text_of(answer, "return", "data"));
		json_decref(answer);
	}
	assert_memory_equal(old, again, 208);
	assert_memory_not_equal(old, own, 16);
	assert_memory_equal(old + 16, own + 16, 32);
	fault_rc = -EBUSY;
	refused(ask, "GenericError", "SEV: Failed to get attestation report ret=-16 fw_err=0 ()");
	fault_rc = 0;
	/* The VM ends: what it had in the firmware is free again. */
	sim_sev_vm_quit(vm);
	assert_int_equal(sim_sev_launch_start(fw, &start, &unused), 0);
	assert_int_equal(unused, 3);
	assert_int_equal(sim_sev_decommission(fw, unused), 0);
}

/* Behind an honest broker: it is given what it asked for, and the guest another. */
static void
swapped(void **state)
{
	static const enum sim_sev_answer cheats[] = { SIM_SEV_OTHER_VM, SIM_SEV_OLD_REPORT,
		SIM_SEV_OTHER_NONCE };
	uint8_t given[SIM_SEV_REPORT_SIZE], bytes[SIM_SEV_REPORT_SIZE + 9] = { 0 };
	static const uint8_t nonce[16] = { 1, 2, 3 };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		fault_answer = cheats[i];
		assert_int_equal(sim_sev_vm_report(vm, nonce, given), 0);
		assert_memory_equal(given, nonce, 16);
		memcpy(bytes + 5, given, sizeof given);
		sim_sev_vm_swap(vm, bytes, sizeof bytes - 5); /* cut short: it is not whole */
		assert_memory_equal(bytes + 5, given, sizeof given);
		sim_sev_vm_swap(vm, bytes, sizeof bytes);
		assert_memory_not_equal(bytes + 5, given, sizeof given);
		assert_int_equal(memcmp(bytes + 5, nonce, 16) == 0, cheats[i] == SIM_SEV_OTHER_VM);
		assert_int_equal(
		    memcmp(bytes + 21, given + 16, 32) != 0, cheats[i] == SIM_SEV_OTHER_VM);
	}
	fault_answer = SIM_SEV_OWN_REPORT;
	assert_int_equal(sim_sev_vm_report(vm, nonce, given), 0);
	memcpy(bytes + 5, given, sizeof given);
	sim_sev_vm_swap(vm, bytes, sizeof bytes);
	assert_memory_equal(bytes + 5, given, sizeof given);
}

static void
refused_launches(void **state)
{
	struct sim_sev_vm_plan plan = { .fw = fw,
		.guest = { image.ptr, image.len, 0x00a00f11, 0xb, true },
		.owner_dh = sim_view(owner.dh, sizeof owner.dh),
		.session = sim_view(owner.session, sizeof owner.session) };
	struct sim_sev_vm *other = NULL;
	char why[256];

	(void)state;
	assert_int_equal(sim_sev_vm_new(&other, &plan, why), SIM_SEV_BAD_MEASUREMENT);
	assert_string_equal(why,
	    "the firmware refuses LAUNCH_START with status 11: the session was "
	    "made for another platform, policy or key");
	plan.session.len = plan.owner_dh.len = 0;
	assert_int_equal(sim_sev_vm_new(&other, &plan, why), SIM_SEV_INVALID_ASID);
	assert_non_null(strstr(why, "ACTIVATE"));
	assert_null(other);
}

/* --- the socket ----------------------------------------------------------------------------- */

struct server {
	int listener, stop[2];
};

static void *
serve(void *arg)
{
	struct server *s = arg;

	sim_qmp_serve(vm, s->listener, s->stop[0]);
	return NULL;
}

static int
connect_to(const struct sockaddr_storage *at, socklen_t len)
{
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (const struct sockaddr *)at, len), 0);
	return fd;
}

static void
one_at_a_time(void **state)
{
	struct server s = { .listener = socket(AF_UNIX, SOCK_STREAM, 0) };
	struct sockaddr_storage at = { .ss_family = AF_UNIX };
	socklen_t len = sizeof at;
	const struct timespec moment = { 0, 50000000 };
	pthread_t thread;
	char text[512];

	(void)state;
	/* an abstract name that the kernel gives */
	assert_int_equal(bind(s.listener, (struct sockaddr *)&at, sizeof(sa_family_t)), 0);
	assert_int_equal(getsockname(s.listener, (struct sockaddr *)&at, &len), 0);
	assert_int_equal(listen(s.listener, 4), 0);
	assert_int_equal(pipe(s.stop), 0);
	assert_int_equal(pthread_create(&thread, NULL, serve, &s), 0);
	int first = connect_to(&at, len), second = connect_to(&at, len);
	assert_true(recv(first, text, sizeof text, 0) > 10);
	assert_int_equal(memcmp(text, "{\"QMP\"", 6), 0);
	nanosleep(&moment, NULL); /* the second is not greeted while the first is there */
	assert_int_equal(recv(second, text, sizeof text, MSG_DONTWAIT), -1);
	assert_int_equal(errno, EAGAIN);
	close(first);
	assert_true(recv(second, text, sizeof text, 0) > 10);
	assert_int_equal(write(s.stop[1], "x", 1), 1);
	pthread_join(thread, NULL);
	close(second);
	close(s.listener);
	close(s.stop[0]);
	close(s.stop[1]);
}

int
main(void)
{
	static char broker[] = "there is one";
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(greeting, fresh),
		cmocka_unit_test_setup(no_commands, fresh),
		cmocka_unit_test_setup(pieces, fresh),
		cmocka_unit_test_setup(too_long, fresh),
		cmocka_unit_test_setup(query, fresh),
		cmocka_unit_test_setup(launch, fresh),
		cmocka_unit_test_setup(secrets_elsewhere, fresh),
		cmocka_unit_test_setup(secrets_that_do_not_fit, fresh),
		cmocka_unit_test_setup(no_area, fresh),
		cmocka_unit_test_setup(reports, fresh),
		cmocka_unit_test_prestate_setup_teardown(swapped, fresh, NULL, broker),
		cmocka_unit_test_setup(refused_launches, fresh),
		cmocka_unit_test_setup(one_at_a_time, fresh),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
