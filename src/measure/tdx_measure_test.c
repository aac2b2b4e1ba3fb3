/* SPDX-License-Identifier: Apache-2.0 */
#include "measure/tdx.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "alloc.h"
#include "core/core.h"
#include "measure/td_hob.h"
#include "measure/tdvf.h"
#include "vectors.h"

static void
put(uint8_t *out, size_t n, uint64_t value)
{
	for (size_t i = 0; i < n; i++)
		out[i] = (uint8_t)(value >> 8 * i);
}

static void
unhex(uint8_t out[ASSAY_SHA384_LEN], const char *hex)
{
	assert_true(assay_unhex(out, ASSAY_SHA384_LEN, assay_bytes_of(hex)));
}

static void
assert_digest(const uint8_t got[ASSAY_SHA384_LEN], const char *want)
{
	char hex[2 * ASSAY_SHA384_LEN + 1];

	assay_hex(hex, (struct assay_bytes){ got, ASSAY_SHA384_LEN });
	assert_string_equal(hex, want);
}

/* --- an image ---------------------------------------------------------------------------- */

enum {
	IMAGE_SIZE = 0x6000,
	CFV_SIZE = 0x2000,
	METADATA_AT = 0x400, /* before the end */
	SECTIONS_AT = IMAGE_SIZE - METADATA_AT + 16,
	POINTER_AT = IMAGE_SIZE - 32,
};

/* The layout of OVMF for TDX, with less in it: variables, code, and four places in RAM. */
static const struct {
	uint32_t at, raw;
	uint64_t gpa, size;
	uint32_t type, attributes;
} layout[] = {
	{ CFV_SIZE, IMAGE_SIZE - CFV_SIZE, 0xffffc000, IMAGE_SIZE - CFV_SIZE, TDVF_BFV,
	    TDVF_EXTEND },
	{ 0, CFV_SIZE, 0xffffa000, CFV_SIZE, TDVF_CFV, 0 },
	{ 0, 0, 0x810000, 0x10000, TDVF_TEMP_MEM, 0 },
	{ 0, 0, 0x80b000, 0x2000, TDVF_TEMP_MEM, 0 },
	{ 0, 0, 0x809000, 0x2000, TDVF_TD_HOB, 0 },
	{ 0, 0, 0x800000, 0x6000, TDVF_TEMP_MEM, 0 },
};
enum { SECTIONS = sizeof layout / sizeof layout[0] };

static uint8_t *
section(uint8_t *image, size_t n)
{
	return image + SECTIONS_AT + 32 * n;
}

static void
make_image(uint8_t image[IMAGE_SIZE])
{
	for (size_t i = 0; i < IMAGE_SIZE; i++)
		image[i] = (uint8_t)(i * 2654435761u >> 24);
	/* An empty store of variables in a firmware volume. */
	memset(image, 0xff, CFV_SIZE);
	memcpy(image + 40, "_FVH", 4);
	put(image + 48, 2, 72);
	put(image + 72 + 16, 4, CFV_SIZE - 72);
	image[72 + 20] = 0x5a;
	uint8_t *at = image + IMAGE_SIZE - METADATA_AT;
	memcpy(at, "TDVF", 4);
	put(at + 4, 4, 16 + 32 * SECTIONS);
	put(at + 8, 4, 1);
	put(at + 12, 4, SECTIONS);
	for (size_t i = 0; i < SECTIONS; i++) {
		at = section(image, i);
		put(at, 4, layout[i].at);
		put(at + 4, 4, layout[i].raw);
		put(at + 8, 8, layout[i].gpa);
		put(at + 16, 8, layout[i].size);
		put(at + 24, 4, layout[i].type);
		put(at + 28, 4, layout[i].attributes);
	}
	/* As td-shim points to it: from the start. */
	put(image + POINTER_AT, 4, IMAGE_SIZE - METADATA_AT);
}

/* As OVMF does: an entry of a table, which ends 32 bytes before the end, counts from the end. */
static void
point_as_ovmf(uint8_t image[IMAGE_SIZE])
{
	static const uint8_t footer[16] = { 0xde, 0x82, 0xb5, 0x96, 0xb2, 0x1f, 0xf7, 0x45, 0xba,
		0xea, 0xa3, 0x66, 0xc5, 0x5a, 0x08, 0x2d };
	static const uint8_t metadata[16] = { 0x35, 0x65, 0x7a, 0xe4, 0x4a, 0x98, 0x98, 0x47, 0x86,
		0x5e, 0x46, 0x85, 0xa7, 0xbf, 0x8e, 0xc2 };
	uint8_t *end = image + IMAGE_SIZE - 32;

	memcpy(end - 16, footer, 16);
	put(end - 18, 2, 18 + 22);
	memcpy(end - 18 - 16, metadata, 16);
	put(end - 18 - 18, 2, 22);
	put(end - 18 - 22, 4, METADATA_AT);
}

static struct assay_bytes
bytes(const uint8_t image[IMAGE_SIZE])
{
	return (struct assay_bytes){ image, IMAGE_SIZE };
}

/* --- MRTD -------------------------------------------------------------------------------- */

static void
test_known_mrtd(void **state)
{
	struct assay_bytes file = vectors_read("measure/tdvf_synthetic_1.bin");
	struct assay_tdx_launch l = { .ovmf = file };
	uint8_t out[ASSAY_MEASUREMENT_SIZE];

	(void)state;
	if (file.ptr == NULL)
		return;
	assert_int_equal(assay_tdx_mrtd(out, &l, NULL), ASSAY_OK);
	assert_digest(out,
	    "50b8a80b6282c32a6b514fc59598ad889aabe42ff5dd843079a4b35a2782ab3a"
	    "33194f4219f830ef4c9298180e8b9bd8");
	l.section_order = true;
	assert_int_equal(assay_tdx_mrtd(out, &l, NULL), ASSAY_OK);
	assert_digest(out,
	    "362ae4acc481344472d6022154500e62761965abf6b6d90f10b70499ee39bbf0"
	    "75992bb56f8dd9e56ab383938f05a1ea");
	vectors_free(file);
}

/* The records one after the other, written out. */
static void
test_mrtd_by_hand(void **state)
{
	static uint8_t image[IMAGE_SIZE], records[128 * 1024];
	uint8_t want[ASSAY_SHA384_LEN], got[ASSAY_SHA384_LEN];
	size_t n = 0;

	(void)state;
	make_image(image);
	/* One section with a page and a half of data, of two pages; one that is added later. */
	put(image + IMAGE_SIZE - METADATA_AT + 4, 4, 16 + 2 * 32);
	put(image + IMAGE_SIZE - METADATA_AT + 12, 4, 2);
	put(section(image, 0) + 4, 4, 0x1880);
	put(section(image, 0) + 16, 8, 0x2000);
	put(section(image, 1) + 28, 4, TDVF_PAGE_AUG);
	for (uint64_t page = 0; page < 2; page++) {
		memcpy(records + n, "MEM.PAGE.ADD", 12);
		put(records + n + 16, 8, 0xffffc000 + page * 4096);
		n += 128;
		for (uint64_t at = page * 4096; at < (page + 1) * 4096; at += 256) {
			memcpy(records + n, "MR.EXTEND", 9);
			put(records + n + 16, 8, 0xffffc000 + at);
			n += 128;
			for (size_t i = 0; i < 256; i++)
				records[n++] = at + i < 0x1880 ? image[CFV_SIZE + at + i] : 0;
		}
	}
	assay_sha384(want, (struct assay_bytes){ records, n });
	struct assay_tdx_launch l = { .ovmf = bytes(image) };
	assert_int_equal(assay_tdx_mrtd(got, &l, NULL), ASSAY_OK);
	assert_memory_equal(got, want, sizeof want);
}

static void
test_both_ways_to_the_metadata(void **state)
{
	static uint8_t image[IMAGE_SIZE];
	struct tdvf tdvf;
	struct assay_error err;

	(void)state;
	make_image(image);
	assert_int_equal(assay_tdvf_parse(&tdvf, bytes(image), NULL), ASSAY_OK);
	assert_int_equal(tdvf.count, SECTIONS);
	assert_int_equal(assay_tdvf_find(&tdvf, TDVF_TD_HOB)->gpa, 0x809000);
	assert_null(assay_tdvf_find(&tdvf, TDVF_TYPE_LAST));
	point_as_ovmf(image);
	put(image + POINTER_AT, 4, 0xffffffff); /* is not looked at */
	assert_int_equal(assay_tdvf_parse(&tdvf, bytes(image), NULL), ASSAY_OK);
	assert_int_equal(tdvf.count, SECTIONS);
	image[IMAGE_SIZE - 32 - 18 - 16] ^= 1;
	assert_int_equal(assay_tdvf_parse(&tdvf, bytes(image), &err), ASSAY_E_FORMAT);
	assert_non_null(strstr(err.text, "has no TDX metadata"));
}

static void
test_images_refused(void **state)
{
	enum { HEAD = IMAGE_SIZE - METADATA_AT, FIRST = SECTIONS_AT };
	static const struct {
		size_t at, n;
		uint64_t value;
		enum assay_code code;
		const char *words;
	} cases[] = {
		{ POINTER_AT, 4, IMAGE_SIZE - 15, ASSAY_E_FORMAT, "no \"TDVF\" stands" },
		{ POINTER_AT, 4, 0xffffffff, ASSAY_E_FORMAT, "no \"TDVF\" stands" },
		{ HEAD, 1, 'X', ASSAY_E_FORMAT, "no \"TDVF\" stands" },
		{ HEAD + 4, 4, 16, ASSAY_E_FORMAT, "6 sections need 208" },
		{ HEAD + 8, 4, 2, ASSAY_E_UNSUPPORTED, "is of version 2" },
		{ HEAD + 12, 4, 0, ASSAY_E_FORMAT, "has 0 sections" },
		{ HEAD + 12, 4, 33, ASSAY_E_FORMAT, "has 33 sections" },
		{ FIRST, 4, IMAGE_SIZE, ASSAY_E_FORMAT, "is not in the image" },
		{ FIRST + 4, 4, 0xffffffff, ASSAY_E_FORMAT, "is not in the image" },
		{ FIRST + 8, 8, 0xffffc001, ASSAY_E_FORMAT, "want whole pages" },
		{ FIRST + 8, 8, 0xfffffffffffff000, ASSAY_E_FORMAT, "below 2^52" },
		{ FIRST + 16, 8, 0x4001, ASSAY_E_FORMAT, "want whole pages" },
		{ FIRST + 16, 8, 0xfffffffffffff000, ASSAY_E_FORMAT, "below 2^52" },
		{ FIRST + 16, 8, 0x3000, ASSAY_E_FORMAT, "of data for 0x3000 of memory" },
		{ FIRST + 24, 4, 9, ASSAY_E_UNSUPPORTED, "is of type 9" },
		{ FIRST + 28, 4, 3, ASSAY_E_UNSUPPORTED, "attributes 0x3" },
		{ FIRST + 28, 4, 4, ASSAY_E_UNSUPPORTED, "attributes 0x4" },
		{ FIRST + 32 + 8, 8, 0xffffb000, ASSAY_E_FORMAT, "section 1 lies over section 0" },
		{ FIRST + 64 + 16, 8, 0x10001000, ASSAY_E_FORMAT, "to be added before the start" },
	};
	static uint8_t image[IMAGE_SIZE];
	struct assay_error err;
	struct tdvf tdvf;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		make_image(image);
		put(image + cases[i].at, cases[i].n, cases[i].value);
		err.text[0] = '\0';
		assert_int_equal(assay_tdvf_parse(&tdvf, bytes(image), &err), cases[i].code);
		if (strstr(err.text, cases[i].words) == NULL)
			fail_msg("\"%s\" lacks \"%s\"", err.text, cases[i].words);
	}
	/* The table may not run over the end. */
	make_image(image);
	point_as_ovmf(image);
	memcpy(image + IMAGE_SIZE - 20, image + HEAD, 16);
	put(image + IMAGE_SIZE - 32 - 18 - 22, 4, 20);
	assert_int_equal(assay_tdvf_parse(&tdvf, bytes(image), &err), ASSAY_E_FORMAT);
	assert_non_null(strstr(err.text, "runs over the end"));
}

/* Cut short anywhere: refused in words. Any bit turned: refused, or seen in MRTD. */
static void
test_damage(void **state)
{
	static uint8_t image[IMAGE_SIZE];
	uint8_t whole[ASSAY_SHA384_LEN], got[ASSAY_SHA384_LEN];
	struct assay_tdx_launch l = { .ovmf = bytes(image) };
	struct assay_error err;
	struct tdvf tdvf;

	(void)state;
	make_image(image);
	point_as_ovmf(image);
	assert_int_equal(assay_tdx_mrtd(whole, &l, NULL), ASSAY_OK);
	for (size_t n = 0; n < IMAGE_SIZE; n++) {
		uint8_t *copy = malloc(n + 1);
		memcpy(copy, image, n);
		err.text[0] = '\0';
		assert_int_not_equal(
		    assay_tdvf_parse(&tdvf, (struct assay_bytes){ copy, n }, &err), ASSAY_OK);
		assert_string_not_equal(err.text, "");
		free(copy);
	}
	for (size_t bit = 8 * (IMAGE_SIZE - METADATA_AT); bit < 8 * IMAGE_SIZE; bit += 3) {
		image[bit / 8] ^= (uint8_t)(1 << bit % 8);
		if (assay_tdx_mrtd(got, &l, &err) == ASSAY_OK)
			assert_memory_not_equal(got, whole, sizeof got);
		image[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
}

/* --- RTMR0 ------------------------------------------------------------------------------- */

/* Two TDs whose event logs are public: of 2 GiB and of 10 GiB. */
static void
test_td_hob(void **state)
{
	static uint8_t image[IMAGE_SIZE];
	uint8_t digest[ASSAY_SHA384_LEN];
	struct assay_error err;
	struct tdvf tdvf;

	(void)state;
	make_image(image);
	assert_int_equal(assay_tdvf_parse(&tdvf, bytes(image), NULL), ASSAY_OK);
	assert_int_equal(assay_td_hob_digest(digest, &tdvf, (uint64_t)2 << 30, NULL), ASSAY_OK);
	assert_digest(digest,
	    "0b8772e5b0b41b83e6044a68397e02f49fb47066b4fbe4917ea2c45c64f323fd"
	    "acbb37948f821ebaf8bc9c938ba8a749");
	assert_int_equal(assay_td_hob_digest(digest, &tdvf, (uint64_t)10 << 30, NULL), ASSAY_OK);
	assert_digest(digest,
	    "05dc148f05a035080b22372d049c35ef80260050516606b4d9d4eaa2e4d1e06c"
	    "556374b00217496a235235d1e3d0e026");

	assert_int_equal(assay_td_hob_digest(digest, &tdvf, 0x810000, &err), ASSAY_E_FORMAT);
	assert_non_null(strstr(err.text, "outside the memory of 0x810000 bytes"));
	tdvf.sections[2].type = 4;
	assert_int_equal(
	    assay_td_hob_digest(digest, &tdvf, (uint64_t)2 << 30, &err), ASSAY_E_UNSUPPORTED);
	assert_non_null(strstr(err.text, "which QEMU does not take"));
	tdvf.sections[2].type = TDVF_TEMP_MEM;
	tdvf.sections[4].size = 0x1e0;
	assert_int_equal(
	    assay_td_hob_digest(digest, &tdvf, (uint64_t)2 << 30, &err), ASSAY_E_FORMAT);
	assert_non_null(strstr(err.text, "its section has 480"));
	tdvf.sections[4].type = TDVF_TEMP_MEM;
	assert_int_equal(
	    assay_td_hob_digest(digest, &tdvf, (uint64_t)2 << 30, &err), ASSAY_E_FORMAT);
	assert_non_null(strstr(err.text, "no section for the TD's hand-off blocks"));
}

/* The TD of ccel_ima_chain, whose quote is signed by hardware: RTMR0 from what was measured. The
 * digests of its ACPI tables are taken from its log, as is what shim adds in the end. */
static void
test_rtmr0_of_a_real_td(void **state)
{
	static const char boot_order[] = { 0, 0, 1, 0 };
	struct assay_bytes log = vectors_read("eventlog/ccel_ima_chain.bin");
	struct assay_bytes quote = vectors_read("eventlog/ccel_ima_chain.quote");
	static const uint8_t name0[] = "B\0o\0o\0t\0000\0000\0000\0000";
	static const uint8_t name1[] = "B\0o\0o\0t\0000\0000\0000\0001";
	struct rtmr0_events e = { .has_secure_boot = true, .edk2 = 202402 };
	struct assay_bytes variables[3] = { { (const uint8_t *)boot_order, sizeof boot_order } };
	uint8_t rtmr[ASSAY_SHA384_LEN], sbat[ASSAY_SHA384_LEN];

	(void)state;
	if (log.ptr == NULL || quote.ptr == NULL) {
		vectors_free(log);
		vectors_free(quote);
		return;
	}
	unhex(e.td_hob,
	    "0b8772e5b0b41b83e6044a68397e02f49fb47066b4fbe4917ea2c45c64f323fdacbb37948f"
	    "821ebaf8bc9c938ba8a749");
	unhex(e.cfv,
	    "344bc51c980ba621aaa00da3ed7436f7d6e549197dfe699515dfa2c6583d95e6412af21c097d47"
	    "3155875ffd561d6790");
	unhex(e.acpi[0],
	    "69157368e04ad3c55929ad24a02bdd518c40088b9a5f9c4df07050e1fa866f53791cd99d83"
	    "702264c4136f4b756a95f9");
	unhex(e.acpi[1],
	    "d9ecaae992e08c71eaa334c454dcaabed63f925300ca5451a586f8594548af38a992104273"
	    "866e7e15176025c60325d5");
	unhex(e.acpi[2],
	    "7b8c2a5d77a730ca759f8deab4d25fef1dfdbf8bb717c2cc1141fa19302588a3b26333e7d9"
	    "c7333eb0e71eca1c52bb9d");
	unhex(sbat,
	    "62bb1036f9eb758bb5e256c14d53a3c1f1497779ec8816e2163b48486e22d0b74fa18c3bc1f1717"
	    "11b7fbcc037eb8493");
	/* Boot0000 has 62 bytes behind its name in the log, Boot0001 78. */
	size_t at = assay_bytes_find(log, 0, (struct assay_bytes){ name0, 16 });
	variables[1] = assay_bytes_at(log, at + 16, 62);
	at = assay_bytes_find(log, 0, (struct assay_bytes){ name1, 16 });
	variables[2] = assay_bytes_at(log, at + 16, 78);
	assert_int_equal(variables[2].len, 78);
	e.boot_variables = variables;
	e.boot_variable_count = 3;
	assay_rtmr0_replay(rtmr, &e);
	assay_rtmr_extend(rtmr, sbat);
	assay_rtmr_extend(rtmr, sbat);
	assert_memory_equal(rtmr, quote.ptr + 376, sizeof rtmr);
	/* The later order is another one. */
	e.edk2 = 202411;
	assay_rtmr0_replay(rtmr, &e);
	assay_rtmr_extend(rtmr, sbat);
	assay_rtmr_extend(rtmr, sbat);
	assert_memory_not_equal(rtmr, quote.ptr + 376, sizeof rtmr);
	vectors_free(log);
	vectors_free(quote);
}

/* --- RTMR1 and RTMR2 --------------------------------------------------------------------- */

/* Published of a TD on a Xeon 6 under QEMU 10.2.4, with edk2 202602. */
static void
test_rtmr2_of_a_real_td(void **state)
{
	uint8_t options[ASSAY_SHA384_LEN], initrd[ASSAY_SHA384_LEN], rtmr[ASSAY_SHA384_LEN] = { 0 };

	(void)state;
	assert_int_equal(assay_load_options_digest(options, "initrd=initrd ",
			     "root=LABEL=cloudimg-rootfs ro console=ttyS0", "", NULL),
	    ASSAY_OK);
	assert_digest(options,
	    "b8c85d40a1d555a451571e24d7d7c4c331bc15721d6e4b2a5cb5093214c44174"
	    "822a0916aa4d622d4309644de99cd59c");
	unhex(initrd,
	    "88de90bedcc560064688c74ccd6609a25ed9d48b0a0e13d8b2a558212724d8755b2c8114dcf0"
	    "4b8d51ea4cf7782e3091");
	assay_rtmr_extend(rtmr, options);
	assay_rtmr_extend(rtmr, initrd);
	assert_digest(rtmr,
	    "972547466cb6bcb8a23cd479e9258c3affbbc4f0ba2805d732477200d0dff843"
	    "2447c7a775e70453cdb51f018a306ece");
}

/* The digests of the firmware's own events, as they stand in every log. */
static void
test_rtmr1_events(void **state)
{
	static const char *const events[] = {
		"77a0dab2312b4e1e57a84d865a21e5b2ee8d677a21012ada819d0a98988078d3d740f6346bfe0abaa9"
		"38"
		"ca20439a8d71",
		"394341b7182cd227c5c6b07ef8000cdfd86136c4292b8e576573ad7ed9ae41019f5818b4b971c9effc"
		"60"
		"e1ad9f1289f0",
		"214b0bef1379756011344877743fdc2a5382bac6e70362d624ccf3f654407c1b4badf7d8f9295dd3da"
		"bd"
		"ef65b27677e0",
		"0a2e01c85deae718a530ad8c6d20a84009babe6c8989269e950d8cf440c6e997695e64d455c4174a65"
		"2c"
		"d080f6230b74",
	};
	uint8_t kernel[ASSAY_SHA384_LEN] = { 1 }, digest[ASSAY_SHA384_LEN];
	uint8_t now[ASSAY_SHA384_LEN] = { 0 }, before[ASSAY_SHA384_LEN] = { 0 };
	uint8_t got[ASSAY_SHA384_LEN];

	(void)state;
	assay_rtmr_extend(now, kernel);
	assay_rtmr_extend(before, kernel);
	for (size_t i = 0; i < 4; i++) {
		unhex(digest, events[i]);
		assay_rtmr_extend(now, digest);
		if (i != 1)
			assay_rtmr_extend(before, digest);
	}
	assay_rtmr1_replay(got, kernel, 202411);
	assert_memory_equal(got, now, sizeof now);
	assay_rtmr1_replay(got, kernel, 202408);
	assert_memory_equal(got, before, sizeof before);
}

/* --- what is not predicted --------------------------------------------------------------- */

enum { KERNEL_SIZE = 0x640 };

/* A kernel with little in it: one section behind its headers. */
static void
make_kernel(uint8_t p[KERNEL_SIZE])
{
	memset(p, 0x5a, KERNEL_SIZE);
	memcpy(p, "MZ", 2);
	put(p + 0x3c, 4, 0x40);
	memcpy(p + 0x40, "PE\0", 4);
	put(p + 0x46, 2, 1);
	put(p + 0x54, 2, 160);
	put(p + 0x58, 2, 0x20b);
	put(p + 0x58 + 60, 4, 0x1a0);
	put(p + 0x58 + 108, 4, 6);
	put(p + 0x58 + 112 + 32, 8, 0);
	put(p + 0xf8 + 16, 4, KERNEL_SIZE - 0x1a0);
	put(p + 0xf8 + 20, 4, 0x1a0);
	memcpy(p + 0x202, "HdrS", 4);
	put(p + 0x206, 2, 0x20f);
	p[0x211] = 1;
}

static uint8_t image[IMAGE_SIZE], kernel[KERNEL_SIZE];
static const struct assay_bytes boot_order[] = { { (const uint8_t *)"\0\0", 2 } };

/* Everything that RTMR0 to RTMR2 need. */
static struct assay_tdx_launch
complete(void)
{
	make_image(image);
	make_kernel(kernel);
	return (struct assay_tdx_launch){ .ovmf = bytes(image),
		.edk2 = 202411,
		.memory = (uint64_t)2 << 30,
		.direct_boot = true,
		.kernel = { kernel, sizeof kernel },
		.initrd = assay_bytes_of("initrd"),
		.append = "quiet",
		.kernel_header = "patched",
		.secure_boot = "off",
		.acpi_loader = assay_bytes_of("loader"),
		.acpi_rsdp = assay_bytes_of("rsdp"),
		.acpi_tables = assay_bytes_of("tables"),
		.boot_variables = boot_order,
		.boot_variable_count = 1 };
}

static void
assert_not(const struct assay_tdx_launch *l, unsigned rtmr, enum assay_code code, const char *words)
{
	struct assay_error err = { ASSAY_OK, "" };
	uint8_t out[ASSAY_MEASUREMENT_SIZE] = { 0x55 };

	assert_int_equal(assay_tdx_rtmr(out, rtmr, l, &err), code);
	if (strstr(err.text, words) == NULL)
		fail_msg("\"%s\" lacks \"%s\"", err.text, words);
	assert_int_equal(out[0], 0x55);
}

static void
test_not_predicted(void **state)
{
	struct assay_tdx_launch l = complete();

	(void)state;
	l.direct_boot = false;
	for (unsigned i = 0; i < 3; i++)
		assert_not(&l, i, ASSAY_E_INCOMPLETE, "without the kernel of a direct boot");
	assert_not(&l, 3, ASSAY_E_USAGE, "rtmr3: is none of 0, 1, 2");
	l = complete();
	l.edk2 = 0;
	for (unsigned i = 0; i < 3; i++)
		assert_not(&l, i, ASSAY_E_INCOMPLETE, "without the release of edk2");
	l.edk2 = 202211;
	for (unsigned i = 0; i < 3; i++)
		assert_not(&l, i, ASSAY_E_UNSUPPORTED, "not predicted for edk2 202211");

	l.edk2 = 202505;
	assert_not(&l, 0, ASSAY_E_INCOMPLETE, "rtmr0: not predicted without the SMBIOS tables");
	assert_not(&l, 2, ASSAY_E_UNSUPPORTED, "is known up to 202502 and from 202511 on");
	l = complete();
	l.memory = 0;
	assert_not(&l, 0, ASSAY_E_INCOMPLETE, "the size of the memory");
	assert_not(&l, 1, ASSAY_E_INCOMPLETE, "the size of the memory");
	l = complete();
	l.secure_boot = NULL;
	assert_not(&l, 0, ASSAY_E_INCOMPLETE, "the state of Secure Boot");
	l.secure_boot = "on";
	assert_not(&l, 0, ASSAY_E_USAGE, "\"on\" is neither absent nor off");
	l = complete();
	l.acpi_rsdp.len = 0;
	assert_not(&l, 0, ASSAY_E_INCOMPLETE, "the ACPI tables");
	l = complete();
	l.boot_variable_count = 0;
	assert_not(&l, 0, ASSAY_E_INCOMPLETE, "the boot variables");
	l = complete();
	image[CFV_SIZE - 1] = 0xaa;
	assert_not(&l, 0, ASSAY_E_UNSUPPORTED, "keys may be enrolled");
	l = complete();
	l.kernel_header = NULL;
	assert_not(&l, 1, ASSAY_E_INCOMPLETE, "whether QEMU changed the kernel's header");
	l.kernel_header = "same";
	assert_not(&l, 1, ASSAY_E_USAGE, "\"same\" is neither kept nor patched");
	l = complete();
	kernel[0] = 'X';
	assert_not(&l, 1, ASSAY_E_FORMAT, "does not begin with MZ");
	kernel[0x202] = 'X';
	for (unsigned i = 0; i < 3; i++)
		assert_not(&l, i, ASSAY_E_FORMAT, "has no Linux setup header");
	l = complete();
	l.append = "caf\xc3\xa9";
	assert_not(&l, 2, ASSAY_E_UNSUPPORTED, "not ASCII");
}

static void
rtmr(uint8_t out[ASSAY_MEASUREMENT_SIZE], unsigned n, const struct assay_tdx_launch *l)
{
	struct assay_error err = { ASSAY_OK, "" };

	if (assay_tdx_rtmr(out, n, l, &err) != ASSAY_OK)
		fail_msg("%s", err.text);
}

/* Two launches that differ in what a register holds differ in that register, and not in others. */
static void
test_what_counts_where(void **state)
{
	uint8_t base[3][ASSAY_MEASUREMENT_SIZE], got[ASSAY_MEASUREMENT_SIZE];
	struct assay_tdx_launch l[14];
	size_t n = 0;
	/* Which registers each change shows in. */
	static const unsigned shows[] = { 1, 1, 1, 1, 1, 1, 3, 2, 6, 4, 6, 6 };

	(void)state;
	for (size_t i = 0; i < sizeof shows / sizeof shows[0]; i++)
		l[i] = complete();
	l[n++].secure_boot = "absent";
	l[n++].acpi_loader = assay_bytes_of("other");
	l[n++].acpi_rsdp = assay_bytes_of("other");
	l[n++].acpi_tables = assay_bytes_of("other");
	l[n++].boot_variables = (const struct assay_bytes[]){ { (const uint8_t *)"\1\0", 2 } };
	l[n].boot_variables = (const struct assay_bytes[]){ boot_order[0], boot_order[0] };
	l[n++].boot_variable_count = 2;
	l[n++].edk2 = 202408; /* the separator */
	l[n++].kernel_header = "kept";
	l[n++].initrd = assay_bytes_of("initrd 2"); /* its size is in the header */
	l[n++].append = "quiet splash";
	l[n++].initrd.len = 0;
	l[n].initrd.len = 0;
	l[n++].append = NULL;
	for (unsigned i = 0; i < 3; i++)
		rtmr(base[i], i, &l[n - 1]);
	assert_true(assay_bytes_zero((struct assay_bytes){ base[2], sizeof base[2] }));
	struct assay_tdx_launch same = complete();
	for (unsigned i = 0; i < 3; i++)
		rtmr(base[i], i, &same);
	for (size_t k = 0; k < n; k++) {
		unsigned differ = 0;
		for (unsigned i = 0; i < 3; i++) {
			rtmr(got, i, &l[k]);
			if (memcmp(got, base[i], sizeof got) != 0)
				differ |= 1u << i;
		}
		assert_int_equal(differ, shows[k]);
	}
	/* More memory: the hand-off blocks, and the initrd's place. */
	same.memory *= 4;
	for (unsigned i = 0; i < 3; i++) {
		rtmr(got, i, &same);
		assert_int_equal(memcmp(got, base[i], sizeof got) != 0, i == 0);
	}
	same.memory = (uint64_t)1 << 30;
	rtmr(got, 1, &same);
	assert_memory_not_equal(got, base[1], sizeof got);
}

static void
test_no_memory(void **state)
{
	struct assay_tdx_launch l = complete();
	uint8_t out[ASSAY_MEASUREMENT_SIZE];
	struct assay_error err;
	size_t n = 0;
	enum assay_code rc;

	(void)state;
	do {
		alloc_fail_at(++n);
		rc = assay_tdx_rtmr(out, 1, &l, &err);
		if (rc != ASSAY_OK)
			assert_int_equal(rc, ASSAY_E_NOMEM);
	} while (alloc_failed());
	alloc_fail_at(0);
	assert_int_equal(rc, ASSAY_OK);
	assert_int_equal(n, 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known_mrtd),
		cmocka_unit_test(test_mrtd_by_hand),
		cmocka_unit_test(test_both_ways_to_the_metadata),
		cmocka_unit_test(test_images_refused),
		cmocka_unit_test(test_damage),
		cmocka_unit_test(test_td_hob),
		cmocka_unit_test(test_rtmr0_of_a_real_td),
		cmocka_unit_test(test_rtmr2_of_a_real_td),
		cmocka_unit_test(test_rtmr1_events),
		cmocka_unit_test(test_not_predicted),
		cmocka_unit_test(test_what_counts_where),
		cmocka_unit_test(test_no_memory),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
