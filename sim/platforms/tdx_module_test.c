/* SPDX-License-Identifier: Apache-2.0 */
#include "platforms/tdx_module.h"

#include "platforms/firmware.h"
#include "vectors.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct sim *sim;

static void
assert_hex(const uint8_t *bytes, size_t n, const char *hex)
{
	char text[129] = "";

	for (size_t i = 0; i < n; i++)
		snprintf(text + 2 * i, 3, "%02x", bytes[i]);
	assert_string_equal(text, hex);
}

/* A TDREPORT of a machine's TD, with every field of its own value. */
static struct sim_tdreport
sample(void)
{
	struct sim_tdreport r = { .type = 0x81, .valid = SIM_TD_VALID_15 };
	uint8_t *td = (uint8_t *)&r.td;

	for (size_t i = 0; i < sizeof r.td; i++)
		td[i] = (uint8_t)(i * 7 + 1);
	memcpy(r.td.tee_tcb_svn2, r.td.tee_tcb_svn, 16);
	memset(r.cpu_svn, 9, sizeof r.cpu_svn);
	memset(r.mac_key, 3, sizeof r.mac_key);
	return r;
}

/* --- what the processor and the QE accept ----------------------------------------------------- */

static void
checks(void **state)
{
	struct sim_tdreport r = sample();
	uint8_t report[SIM_TDREPORT_SIZE], other[32] = { 4 }, svn[16] = { 9 };

	(void)state;
	struct sim_bytes made = sim_tdreport_write(sim, &r);
	assert_int_equal(made.len, SIM_TDREPORT_SIZE);
	memcpy(report, made.ptr, sizeof report);
	assert_int_equal(sim_tdreport_check(report, r.mac_key, r.cpu_svn), 0);
	assert_int_equal(sim_tdreport_check(report, other, r.cpu_svn), SIM_TDREPORT_MAC);
	assert_int_equal(sim_tdreport_check(report, r.mac_key, svn), SIM_TDREPORT_CPU_SVN);
	/* Nothing of a report can be changed: but for the 17 bytes that belong to no part. */
	for (size_t bit = 0; bit < sizeof report * 8; bit++) {
		size_t at = bit / 8;
		report[at] ^= (uint8_t)(1U << bit % 8);
		int rc = sim_tdreport_check(report, r.mac_key, r.cpu_svn);
		bool padding =
		    at >= SIM_TD_TCB_INFO_AT + SIM_TD_TCB_INFO_SIZE && at < SIM_TD_INFO_AT;
		if ((rc == 0) != padding)
			fail_msg("bit %zu: code %d", bit, rc);
		report[at] ^= (uint8_t)(1U << bit % 8);
	}
}

static void
quote_forms(void **state)
{
	static const struct {
		uint8_t subtype, version, reserved;
		uint64_t valid;
		bool newer;     /* what runs is newer than what launched */
		uint16_t quote; /* 0: refused */
	} cases[] = {
		{ 0, 0, 0, SIM_TD_VALID_10, false, 4 },
		{ 0, 0, 0, SIM_TD_VALID_10, true, 4 },
		{ 0, 0, 0, SIM_TD_VALID_15, false, 4 },
		{ 0, 0, 0, SIM_TD_VALID_15, true, 5 },
		{ 0, 1, 0, SIM_TD_VALID_15, false, 5 },
		{ 0, 1, 0, SIM_TD_VALID_10, false, 0 },
		{ 0, 2, 0, SIM_TD_VALID_15, false, 0 },
		{ 1, 0, 0, SIM_TD_VALID_15, false, 0 },
		{ 0, 0, 1, SIM_TD_VALID_15, false, 0 },
		{ 0, 0, 0, 0x3ff, false, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct sim_tdreport r = sample();
		uint16_t version = 0, body = 0;
		r.subtype = cases[i].subtype;
		r.version = cases[i].version;
		r.reserved = cases[i].reserved;
		r.valid = cases[i].valid;
		r.td.tee_tcb_svn2[0] ^= cases[i].newer;
		bool made =
		    sim_tdreport_quote_form(sim_tdreport_write(sim, &r).ptr, &version, &body);
		if (made != (cases[i].quote != 0) || (made && version != cases[i].quote) ||
		    (made && body != (version == 5 ? 3 : 2)))
			fail_msg("case %zu: version %d, body %d", i, version, body);
	}
	/* With a service TD's hash there is nothing behind it. */
	struct sim_tdreport r = sample();
	uint16_t version, body;
	r.version = 1;
	struct sim_bytes report = sim_tdreport_write(sim, &r);
	assert_true(sim_tdreport_quote_form(report.ptr, &version, &body));
	report.ptr[SIM_TDREPORT_SIZE - 1] = 1;
	assert_false(sim_tdreport_quote_form(report.ptr, &version, &body));
	report.ptr[2] = 0;
	assert_true(sim_tdreport_quote_form(report.ptr, &version, &body));
}

/* What a quote repeats of a report is all of the TD and nothing else. */
static void
bodies(void **state)
{
	struct sim_tdreport r = sample();
	struct sim_td_report td;

	(void)state;
	sim_tdreport_body(&td, sim_tdreport_write(sim, &r).ptr);
	memset(r.td.extended, 0, sizeof r.td.extended);
	struct sim_bytes want = sim_td_report_write(sim, &r.td, 3);
	struct sim_bytes got = sim_td_report_write(sim, &td, 3);
	assert_int_equal(got.len, want.len);
	assert_memory_equal(got.ptr, want.ptr, want.len);
}

/* SHA-384 over 96 zero bytes. */
static void
rtmrs(void **state)
{
	uint8_t rtmr[48] = { 0 }, zero[48] = { 0 };

	(void)state;
	sim_rtmr_extend(rtmr, zero);
	assert_hex(rtmr, 48,
	    "f57bb7ed82c6ae4a29e6c9879338c592c7d42a39135583e8ccbe3940f2344b0e"
	    "b6eb8503db0ffd6a39ddd00cd07d8317");
}

/* --- known answers ---------------------------------------------------------------------------- */

static void
synthetic_firmware(void **state)
{
	static const struct sim_section sections[] = { { 0x2000, 0x6000, 0xffffa000, 0x6000, 0, 1 },
		{ 0, 0x2000, 0xffff8000, 0x2000, 1, 0 }, { 0, 0, 0x810000, 0x2000, 3, 0 },
		{ 0, 0, 0x809000, 0x2000, 2, 0 }, { 0, 0, 0x800000, 0x1000, 3, 0 } };
	struct sim_bytes image = { NULL, 0 };
	struct assay_bytes file = vectors_read("measure/tdvf_synthetic_1.bin");
	uint8_t mr_td[48];

	(void)state;
	if (file.ptr == NULL) {
		print_message("# no measure/tdvf_synthetic_1.bin\n");
		return;
	}
	image = sim_copy(sim, file.ptr, file.len);
	vectors_free(file);
	struct sim_section found[SIM_SECTIONS_MAX];
	assert_int_equal(sim_tdvf_sections(image, found), sizeof sections / sizeof sections[0]);
	assert_memory_equal(found, sections, sizeof sections);
	assert_true(sim_mrtd(mr_td, image, SIM_PAGE_BY_PAGE));
	assert_hex(mr_td, 48,
	    "50b8a80b6282c32a6b514fc59598ad889aabe42ff5dd843079a4b35a2782ab3a"
	    "33194f4219f830ef4c9298180e8b9bd8");
	assert_true(sim_mrtd(mr_td, image, SIM_SECTION_BY_SECTION));
	assert_hex(mr_td, 48,
	    "362ae4acc481344472d6022154500e62761965abf6b6d90f10b70499ee39bbf0"
	    "75992bb56f8dd9e56ab383938f05a1ea");
}

/* --- the project's own firmware and its log --------------------------------------------------- */

static void
own_firmware(void **state)
{
	struct sim_bytes image = sim_firmware_write(sim);
	struct sim_section sections[SIM_SECTIONS_MAX];
	uint8_t a[48], b[48], c[48];

	(void)state;
	assert_int_equal(sim_tdvf_sections(image, sections), 4);
	assert_true(sim_mrtd(a, image, SIM_PAGE_BY_PAGE));
	assert_true(sim_snp_launch_digest(b, image, 0x00a00f11));
	image.ptr[0x2000] ^= 1; /* code */
	assert_true(sim_mrtd(c, image, SIM_PAGE_BY_PAGE));
	assert_memory_not_equal(a, c, 48);
	assert_true(sim_snp_launch_digest(c, image, 0x00a00f11));
	assert_memory_not_equal(b, c, 48);
	image.ptr[0x2000] ^= 1;
	image.ptr[0] ^= 1; /* variables: no part of MRTD */
	assert_true(sim_mrtd(c, image, SIM_PAGE_BY_PAGE));
	assert_memory_equal(a, c, 48);
}

/* An image is a stranger's: cut short or bent, it is refused or measured, and nothing else. */
static void
bent_firmware(void **state)
{
	struct sim_bytes image = sim_firmware_write(sim);
	struct sim_section sections[SIM_SECTIONS_MAX];
	uint8_t digest[48];

	(void)state;
	for (size_t n = 0; n < image.len; n += n < 2048 ? 1 : 509) {
		uint8_t *exact = malloc(n + 1);
		assert_non_null(exact);
		memcpy(exact, image.ptr + image.len - n, n);
		(void)sim_tdvf_sections(sim_view(exact, n), sections);
		(void)sim_snp_launch_digest(digest, sim_view(exact, n), 1);
		free(exact);
	}
	for (size_t bit = (image.len - 1024) * 8; bit < image.len * 8; bit++) {
		image.ptr[bit / 8] ^= (uint8_t)(1U << bit % 8);
		if (sim_tdvf_sections(image, sections) > SIM_SECTIONS_MAX)
			fail_msg("bit %zu: too many sections", bit);
		image.ptr[bit / 8] ^= (uint8_t)(1U << bit % 8);
	}
}

static uint32_t
u32(const uint8_t *at)
{
	return at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

/* The test's own replay: what the log says gives the registers. */
static void
logs(void **state)
{
	struct sim_ccel ccel;
	uint8_t rtmr[4][48] = { { 0 } }, sum = 0;
	size_t at = 32 + 33, events = 0;

	(void)state;
	sim_ccel_write(sim, sim_firmware_write(sim), &ccel);
	for (size_t i = 0; i < ccel.table.len; i++)
		sum = (uint8_t)(sum + ccel.table.ptr[i]);
	assert_int_equal(ccel.table.len, 56);
	assert_int_equal(sum, 0);
	assert_memory_equal(ccel.table.ptr, "CCEL", 4);
	assert_int_equal(u32(ccel.table.ptr + 40), ccel.log.len);
	assert_memory_equal(ccel.log.ptr + 32, "Spec ID Event03", 16);
	while (u32(ccel.log.ptr + at) != UINT32_MAX) {
		const uint8_t *e = ccel.log.ptr + at;
		uint8_t both[96], out[64];
		uint32_t index = u32(e);
		assert_in_range(index, 1, 3);
		assert_int_equal(u32(e + 8), 1);
		memcpy(both, rtmr[index - 1], 48);
		memcpy(both + 48, e + 14, 48);
		sim_digest(out, SIM_SHA384, sim_view(both, sizeof both));
		memcpy(rtmr[index - 1], out, 48);
		at += 14 + 48 + 4 + u32(e + 62);
		events++;
	}
	assert_int_equal(events, 20);
	assert_memory_equal(rtmr, ccel.rtmr, sizeof rtmr);
	for (; at < ccel.log.len; at++)
		assert_int_equal(ccel.log.ptr[at], 0xff);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(checks),
		cmocka_unit_test(quote_forms),
		cmocka_unit_test(bodies),
		cmocka_unit_test(rtmrs),
		cmocka_unit_test(synthetic_firmware),
		cmocka_unit_test(own_firmware),
		cmocka_unit_test(bent_firmware),
		cmocka_unit_test(logs),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	sim = sim_new(1);
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	sim_free(sim);
	return failed;
}
