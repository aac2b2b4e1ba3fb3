/* SPDX-License-Identifier: Apache-2.0 */
#include "measure/image_test.h"

#include "crypto/crypto.h"
#include "measure/kernel_hashes.h"

static void
image_make(struct image *im)
{
	image_start(im);
	put_entry(im, ovmf_guid_sev_reset, (uint32_t[]){ 0x80b004 }, 1);
	put_entry(im, ovmf_guid_sev_hashes, (uint32_t[]){ 0x810c00, 0x400 }, 2);
}

static struct assay_sev_launch
usual(const struct image *im)
{
	return (struct assay_sev_launch){ .ovmf = { im->bytes, IMAGE_SIZE },
		.es = true,
		.vcpus = 2,
		.vcpu_signature = 0x800f12 };
}

static void
measure(char hex[65], const struct assay_sev_launch *l)
{
	struct assay_error err = { ASSAY_OK, "" };
	uint8_t out[ASSAY_SEV_MEASUREMENT_SIZE];

	if (assay_sev_measure(out, l, &err) != ASSAY_OK)
		fail_msg("%s", err.text);
	assay_hex(hex, (struct assay_bytes){ out, sizeof out });
}

static void
assert_refused(const struct assay_sev_launch *l, enum assay_code code, const char *words)
{
	struct assay_error err = { ASSAY_OK, "" };
	uint8_t out[ASSAY_SEV_MEASUREMENT_SIZE] = { 0x55 };

	assert_int_equal(assay_sev_measure(out, l, &err), code);
	if (strstr(err.text, words) == NULL)
		fail_msg("\"%s\" lacks \"%s\"", err.text, words);
	assert_int_equal(out[0], 0x55);
}

/* --- known answers ----------------------------------------------------------------------- */

static void
check_answer(json_t *row)
{
	const char *want = text_of(row, "digest"), *type = text_of(row, "vcpu_type");
	struct assay_sev_launch l = { .ovmf = read_named(text_of(row, "ovmf")),
		.es = strcmp(text_of(row, "mode"), "SEV-ES") == 0,
		.vcpus = (uint32_t)json_integer_value(json_object_get(row, "vcpus")),
		.append = text_of(row, "append"),
		/* The kernel of every answer is /dev/null: there, and empty. */
		.direct_boot = text_of(row, "kernel") != NULL };
	char hex[65];

	assert_true(l.ovmf.len > 0);
	if (type != NULL)
		assert_true(assay_vcpu_type_find(&l.vcpu_signature, type));
	if (strncmp(want, "ERROR", 5) == 0) {
		assert_refused(&l, ASSAY_E_FORMAT, "has no place for the hashes of a kernel");
	} else {
		measure(hex, &l);
		assert_string_equal(hex, want);
	}
	vectors_free(l.ovmf);
}

static void
test_known_answers(void **state)
{
	(void)state;
	check_answers(false, 7, check_answer);
}

/* --- what the digest depends on ---------------------------------------------------------- */

static void
test_every_member_counts(void **state)
{
	static uint8_t page[ASSAY_VMSA_SIZE] = { 7 };
	struct image im;
	char hex[16][65];
	size_t n = 0;

	(void)state;
	image_make(&im);
	struct assay_sev_launch l = usual(&im);
	measure(hex[n++], &l);
	l.vcpus = 3;
	measure(hex[n++], &l);
	l.vcpu_signature++;
	measure(hex[n++], &l);
	l.vmm = "qemu-old";
	measure(hex[n++], &l);
	l.direct_boot = true;
	measure(hex[n++], &l);
	l.kernel = assay_bytes_of("kernel");
	measure(hex[n++], &l);
	l.initrd = assay_bytes_of("initrd");
	measure(hex[n++], &l);
	l.append = "quiet";
	measure(hex[n++], &l);
	l.vmsa[1] = (struct assay_bytes){ page, sizeof page };
	measure(hex[n++], &l);
	l.vmsa[0] = l.vmsa[1];
	measure(hex[n++], &l);
	l.es = false;
	measure(hex[n++], &l);
	l.direct_boot = false;
	measure(hex[n++], &l);
	im.bytes[0] ^= 1;
	measure(hex[n++], &l);
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(hex[i], hex[j]);
}

/* Plain SEV: the image and the table of hashes, and nothing that is only said of vCPUs. */
static void
test_plain(void **state)
{
	static uint8_t both[IMAGE_SIZE + KERNEL_HASHES_SIZE];
	struct image im;
	uint8_t want[ASSAY_SHA256_LEN], got[ASSAY_SEV_MEASUREMENT_SIZE];
	struct assay_error err;

	(void)state;
	image_make(&im);
	memcpy(both, im.bytes, IMAGE_SIZE);
	assay_kernel_hashes_write(
	    both + IMAGE_SIZE, assay_bytes_of("kernel"), assay_bytes_of(""), "quiet");
	assay_sha256(want, (struct assay_bytes){ both, sizeof both });
	struct assay_sev_launch l = { .ovmf = { im.bytes, IMAGE_SIZE },
		.direct_boot = true,
		.kernel = assay_bytes_of("kernel"),
		.append = "quiet",
		.vcpus = 99999 };
	assert_int_equal(assay_sev_measure(got, &l, &err), ASSAY_OK);
	assert_memory_equal(got, want, sizeof want);
}

static void
test_vmsa(void **state)
{
	struct image im;
	uint8_t page[ASSAY_VMSA_SIZE];
	struct assay_error err;

	(void)state;
	image_make(&im);
	struct assay_sev_launch l = usual(&im);
	assert_int_equal(assay_sev_vmsa(page, &l, 0, &err), ASSAY_OK);
	assert_int_equal(assay_u64le(page + 0x178), 0xfff0);
	assert_int_equal(assay_u64le(page + 0x3b0), 0); /* SNP is not active */
	assert_int_equal(assay_u64le(page + 0x310), 0x800f12);
	assert_int_equal(assay_sev_vmsa(page, &l, 1, &err), ASSAY_OK);
	assert_int_equal(assay_u64le(page + 0x178), 0xb004);
	assert_int_equal(assay_u64le(page + 0x018), 0x800000);
	assert_int_equal(assay_sev_vmsa(page, &l, 2, &err), ASSAY_E_USAGE);
	assert_non_null(strstr(err.text, "no number 2 of 2"));
	l.es = false;
	assert_int_equal(assay_sev_vmsa(page, &l, 0, &err), ASSAY_E_USAGE);
	assert_non_null(strstr(err.text, "no number 0 of 0"));
}

/* Entries that are longer than they were: what was added to them changes nothing. */
static void
test_longer_entries(void **state)
{
	struct image im, longer;
	uint8_t want[ASSAY_VMSA_SIZE], got[ASSAY_VMSA_SIZE];
	struct assay_error err = { ASSAY_OK, "" };
	char hex[65];

	(void)state;
	image_make(&im);
	image_start(&longer);
	put_entry(&longer, ovmf_guid_sev_reset, (uint32_t[]){ 0x80b004, 7 }, 2);
	put_entry(&longer, ovmf_guid_sev_hashes, (uint32_t[]){ 0x810c00, 0x400, 7 }, 3);
	struct assay_sev_launch was = usual(&im), l = usual(&longer);
	l.direct_boot = true;
	measure(hex, &l);
	assert_int_equal(assay_sev_vmsa(want, &was, 1, &err), ASSAY_OK);
	assert_int_equal(assay_sev_vmsa(got, &l, 1, &err), ASSAY_OK);
	assert_memory_equal(got, want, sizeof want);
}

/* --- refusals ---------------------------------------------------------------------------- */

static void
test_refused(void **state)
{
	struct image im;

	(void)state;
	image_make(&im);
	struct assay_sev_launch l = usual(&im);
	l.vcpus = 0;
	assert_refused(&l, ASSAY_E_USAGE, "vcpus: 0, want 1 to 4096");
	l.vcpus = 4097;
	assert_refused(&l, ASSAY_E_USAGE, "vcpus: 4097");
	l = usual(&im);
	l.vmm = "ec2";
	assert_refused(&l, ASSAY_E_USAGE, "vmm: \"ec2\" is none of qemu, qemu-old");
	l = usual(&im);
	l.vmsa[1] = l.ovmf;
	assert_refused(&l, ASSAY_E_USAGE, "state of vCPU 1 is 16384 bytes, want 4096");
	l = usual(&im);
	l.ovmf.len = 0;
	assert_refused(&l, ASSAY_E_FORMAT, "ovmf: is 0 bytes");

	static const uint32_t areas[][2] = { { 0, 0x400 }, { 0x810c00, 175 } };
	for (size_t i = 0; i < 2; i++) {
		image_start(&im);
		put_entry(&im, ovmf_guid_sev_hashes, areas[i], 2);
		l = usual(&im);
		l.vcpus = 1;
		l.direct_boot = true;
		assert_refused(&l, ASSAY_E_FORMAT, "no place for the hashes of a kernel");
	}
	l.vcpus = 2;
	l.direct_boot = false;
	assert_refused(&l, ASSAY_E_FORMAT, "does not say where further vCPUs start");
	put_entry(&im, ovmf_guid_sev_reset, NULL, 0);
	assert_refused(&l, ASSAY_E_FORMAT, "the SEV-ES reset block is 0 bytes long, want 4");
	image_start(&im);
	put_entry(&im, ovmf_guid_sev_hashes, areas[0], 1);
	l.direct_boot = true;
	assert_refused(&l, ASSAY_E_FORMAT, "the SEV hash table is 4 bytes long, want 8");
	put(im.bytes + IMAGE_SIZE - TAIL - 18, 2, IMAGE_SIZE);
	assert_refused(&l, ASSAY_E_FORMAT, "the GUID table says it is 16384 bytes long");
}

/* --- where the secrets go ---------------------------------------------------------------- */

static void
assert_no_area(const struct image *im, const char *words)
{
	struct assay_error err = { ASSAY_OK, "" };
	size_t size = 0x55;

	assert_int_equal(
	    assay_sev_secret_area(&size, (struct assay_bytes){ im->bytes, IMAGE_SIZE }, &err),
	    ASSAY_E_FORMAT);
	if (strstr(err.text, words) == NULL)
		fail_msg("\"%s\" lacks \"%s\"", err.text, words);
	assert_int_equal(size, 0x55);
}

static void
test_secret_area(void **state)
{
	static const uint32_t areas[][2] = { { 0x810000, 0xc00 }, { 0, 0 }, { 0, 0xc00 },
		{ 0x810000, 0 } };
	struct assay_error err;
	struct image im;
	size_t size = 0;

	(void)state;
	image_make(&im);
	assert_no_area(
	    &im, "ovmf: has no place for the secrets of a launch; take a build that has");
	put_entry(&im, ovmf_guid_sev_secret, areas[0], 2);
	assert_int_equal(
	    assay_sev_secret_area(&size, (struct assay_bytes){ im.bytes, IMAGE_SIZE }, &err),
	    ASSAY_OK);
	assert_int_equal(size, 0xc00);
	for (size_t i = 1; i < 4; i++) {
		image_start(&im);
		put_entry(&im, ovmf_guid_sev_secret, areas[i], 2);
		assert_no_area(&im, "has no place for the secrets of a launch");
	}
	for (size_t count = 0; count < 2; count++) {
		char words[80];
		image_start(&im);
		put_entry(&im, ovmf_guid_sev_secret, areas[0], count);
		snprintf(words, sizeof words,
		    "ovmf: the entry of the area for secrets is %zu bytes long, want 8", 4 * count);
		assert_no_area(&im, words);
	}
	put(im.bytes + IMAGE_SIZE - TAIL - 18, 2, IMAGE_SIZE);
	assert_no_area(&im, "the GUID table says it is 16384 bytes long");
}

/* Of edk2's builds one is made for it. */
static void
test_secret_area_of_edk2(void **state)
{
	struct assay_bytes made = read_named("ovmf_AmdSev_suffix.bin"),
			   other = read_named("ovmf_OvmfX64_suffix.bin");
	struct assay_error err;
	size_t size = 0;

	(void)state;
	if (made.ptr != NULL && other.ptr != NULL) {
		assert_int_equal(assay_sev_secret_area(&size, made, &err), ASSAY_OK);
		assert_int_equal(size, 0xc00);
		assert_int_equal(assay_sev_secret_area(&size, other, &err), ASSAY_E_FORMAT);
		assert_non_null(strstr(err.text, "has no place for the secrets of a launch"));
	}
	vectors_free(made);
	vectors_free(other);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known_answers),
		cmocka_unit_test(test_every_member_counts),
		cmocka_unit_test(test_plain),
		cmocka_unit_test(test_vmsa),
		cmocka_unit_test(test_longer_entries),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_secret_area),
		cmocka_unit_test(test_secret_area_of_edk2),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
