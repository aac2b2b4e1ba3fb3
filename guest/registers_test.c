/* SPDX-License-Identifier: Apache-2.0 */
#include "internal.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "alloc.h"
#include "fake_kernel.h"

/* Real files in a folder: one that keeps the bytes of the last write shows what was written. */
static char root[64];
static const char folder[] = "/sys/devices/virtual/misc/tdx_guest/measurements";

static void
make_folders(const char *path)
{
	char whole[GUEST_PATH_MAX];

	for (size_t n = 1; n <= strlen(path); n++)
		if (path[n] == '/' || path[n] == '\0') {
			snprintf(whole, sizeof whole, "%s%.*s", root, (int)n, path);
			(void)mkdir(whole, 0700);
		}
}

static void
put_file(const char *in, const char *name, const void *bytes, size_t len)
{
	char whole[GUEST_PATH_MAX];

	snprintf(whole, sizeof whole, "%s%s/%s", root, in, name);
	FILE *f = fopen(whole, "w");
	assert_non_null(f);
	assert_int_equal(fwrite(bytes, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
}

static int
set_up(void **state)
{
	(void)state;
	fake_reset(&(struct fake_settings){ .provider = NULL });
	snprintf(root, sizeof root, "/tmp/assay-guest-XXXXXX");
	return mkdtemp(root) != NULL ? 0 : -1;
}

static int
tear_down(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof command, "rm -rf '%s'", root);
	return system(command);
}

static void
make_registers(void)
{
	static const char *const names[] = { "rtmr0:sha384", "rtmr1:sha384", "rtmr2:sha384",
		"rtmr3:sha384", "mrtd:sha384", "mrconfigid", "mrowner", "mrownerconfig" };
	uint8_t value[48];

	make_folders(folder);
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		memset(value, (int)i + 1, sizeof value);
		put_file(folder, names[i], value, sizeof value);
	}
}

static void
test_registers(void **state)
{
	struct assay_guest_register *all = NULL;
	struct assay_error err;
	uint8_t digest[64];
	size_t count = 0;
	(void)state;

	assert_int_equal(assay_guest_registers_read(&all, &count, root, &err), ASSAY_E_INCOMPLETE);
	assert_non_null(strstr(err.text, "older than 6.16"));
	make_registers();
	assert_int_equal(assay_guest_registers_read(&all, &count, root, &err), ASSAY_OK);
	assert_int_equal(count, 8);
	assert_string_equal(all[0].name, "mrconfigid");
	assert_string_equal(all[0].hash, "");
	assert_string_equal(all[6].name, "rtmr2");
	assert_string_equal(all[6].hash, "sha384");
	assert_int_equal(all[6].len, 48);
	assert_int_equal(all[6].value[47], 3);
	assert_true(all[6].extendable);
	assert_false(all[5].extendable);
	free(all);

	memset(digest, 0xd1, sizeof digest);
	struct assay_bytes right = { digest, 48 };
	assert_int_equal(assay_guest_register_extend("rtmr2", right, root, &err), ASSAY_OK);
	assert_int_equal(assay_guest_registers_read(&all, &count, root, &err), ASSAY_OK);
	assert_memory_equal(all[6].value, digest, 48);
	assert_int_equal(all[7].value[0], 4);
	free(all);

	static const struct {
		const char *name;
		size_t len;
		enum assay_code code;
		const char *words;
	} cases[] = {
		{ "rtmr0", 48, ASSAY_E_USAGE, "only rtmr2 and rtmr3" },
		{ "mrtd", 48, ASSAY_E_USAGE, "only rtmr2 and rtmr3" },
		{ "../x", 48, ASSAY_E_USAGE, "only rtmr2 and rtmr3" },
		{ "rtmr3", 47, ASSAY_E_USAGE, "is 47 bytes, want 48" },
		{ "rtmr3", 64, ASSAY_E_USAGE, "is 64 bytes, want 48" },
		{ "rtmr3", 0, ASSAY_E_USAGE, "is 0 bytes, want 48" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		assert_int_equal(assay_guest_register_extend(cases[i].name,
				     (struct assay_bytes){ digest, cases[i].len }, root, &err),
		    cases[i].code);
		assert_non_null(strstr(err.text, cases[i].words));
	}
	for (size_t n = 1;; n++) {
		all = NULL;
		alloc_fail_at(n);
		enum assay_code rc = assay_guest_registers_read(&all, &count, root, &err);
		bool failed = alloc_failed();
		assert_int_equal(rc, failed ? ASSAY_E_NOMEM : ASSAY_OK);
		free(all);
		if (!failed)
			break;
	}
}

/* --- SGX: the files of an enclave runtime -------------------------------------------------------- */

static void
test_sgx_files(void **state)
{
	uint8_t quote[432 + 100] = { 3, 0, 2 };
	uint8_t nonce[64] = { 5, 6, 7 };
	struct assay_guest_request q = { .report_data = { nonce, sizeof nonce },
		.root = root,
		.timeout_ms = 60,
		.provider = "sgx-attestation" };
	struct assay_guest_evidence *ev = NULL;
	struct assay_error err;
	(void)state;

	make_folders("/dev/attestation");
	assert_int_equal(assay_guest_probe(3, &q, &err), ASSAY_E_UNSUPPORTED);
	memcpy(quote + 48 + 320, nonce, sizeof nonce);
	put_file("/dev/attestation", "quote", quote, sizeof quote);
	put_file("/dev/attestation", "user_report_data", "", 0);
	assert_int_equal(assay_guest_probe(3, &q, &err), ASSAY_OK);
	assert_int_equal(assay_guest_collect(&ev, &q, &err), ASSAY_OK);
	assert_string_equal(assay_guest_tee(ev), "sgx");
	assert_int_equal(assay_guest_piece(ev, ASSAY_GUEST_EVIDENCE).len, sizeof quote);
	assay_guest_evidence_free(ev);
	ev = NULL;

	/* The runtime has one report data for the whole process: another's quote is not ours. */
	nonce[0] = 9;
	assert_int_equal(assay_guest_collect(&ev, &q, &err), ASSAY_E_IO);
	assert_non_null(strstr(err.text, "other report data than was asked for"));
	put_file("/dev/attestation", "attestation_type", "none", 4);
	assert_int_equal(assay_guest_collect(&ev, &q, &err), ASSAY_E_IO);
	assert_non_null(strstr(err.text, "sgx.remote_attestation"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_registers, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_sgx_files, set_up, tear_down),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("registers", tests, NULL, NULL);
}
