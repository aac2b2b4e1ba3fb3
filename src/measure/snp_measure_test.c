/* SPDX-License-Identifier: Apache-2.0 */
#include "measure/image_test.h"

enum { METADATA_AT = 0x400 };

static void
put_items(struct image *im, const struct sev_item *items, size_t count)
{
	uint8_t *at = im->bytes + IMAGE_SIZE - METADATA_AT;

	memcpy(at, "ASEV", 4);
	put(at + 4, 4, 16 + 12 * count);
	put(at + 8, 4, 1);
	put(at + 12, 4, count);
	for (size_t i = 0; i < count; i++) {
		put(at + 16 + 12 * i, 4, items[i].gpa);
		put(at + 20 + 12 * i, 4, items[i].size);
		put(at + 24 + 12 * i, 4, items[i].type);
	}
}

static const struct sev_item usual_items[] = {
	{ 0x800000, 0x3000, SEV_ITEM_MEMORY },
	{ 0x80d000, 0x1000, SEV_ITEM_SECRETS },
	{ 0x80e000, 0x1000, SEV_ITEM_CPUID },
	{ 0x80f000, 0x1000, SEV_ITEM_SVSM_CALLING },
	{ 0x810000, 0x1000, SEV_ITEM_KERNEL_HASHES },
};

static void
image_make(struct image *im)
{
	image_start(im);
	put_entry(im, ovmf_guid_sev_reset, (uint32_t[]){ 0x80b004 }, 1);
	put_entry(im, ovmf_guid_sev_hashes, (uint32_t[]){ 0x810c00, 0x400 }, 2);
	put_entry(im, ovmf_guid_sev_metadata, (uint32_t[]){ METADATA_AT }, 1);
	put_items(im, usual_items, sizeof usual_items / sizeof usual_items[0]);
}

static struct assay_bytes
image_bytes(const struct image *im)
{
	return (struct assay_bytes){ im->bytes, IMAGE_SIZE };
}

static struct assay_snp_launch
usual(const struct image *im)
{
	return (struct assay_snp_launch){
		.ovmf = image_bytes(im), .vcpus = 1, .vcpu_signature = 0x800f12, .guest_features = 1
	};
}

static void
assert_refused(const struct assay_snp_launch *l, enum assay_code code, const char *words)
{
	struct assay_error err = { ASSAY_OK, "" };
	uint8_t out[ASSAY_MEASUREMENT_SIZE] = { 0x55 };

	assert_int_equal(assay_snp_measure(out, l, &err), code);
	if (strstr(err.text, words) == NULL)
		fail_msg("\"%s\" lacks \"%s\"", err.text, words);
	assert_int_equal(out[0], 0x55);
}

static void
measure(char hex[97], const struct assay_snp_launch *l)
{
	struct assay_error err = { ASSAY_OK, "" };
	uint8_t out[ASSAY_MEASUREMENT_SIZE];

	if (assay_snp_measure(out, l, &err) != ASSAY_OK)
		fail_msg("%s", err.text);
	assay_hex(hex, (struct assay_bytes){ out, sizeof out });
}

/* --- known answers ----------------------------------------------------------------------- */

/* "QEMU" in the answers; the command line folds it likewise. */
static const char *
vmm_of(json_t *row)
{
	const char *vmm = text_of(row, "vmm");

	if (vmm == NULL || strcmp(vmm, "QEMU") == 0)
		return "qemu";
	return strcmp(vmm, "EC2") == 0 ? "ec2" : "gce";
}

static void
check_answer(json_t *row)
{
	const char *want = text_of(row, "digest"), *mode = text_of(row, "mode");
	const char *type = text_of(row, "vcpu_type"), *features = text_of(row, "guest_features");
	struct assay_bytes ovmf = read_named(text_of(row, "ovmf"));
	struct assay_bytes svsm = { NULL, 0 };
	struct assay_snp_launch l = { .ovmf = ovmf,
		.vmm = vmm_of(row),
		.vcpus = (uint32_t)json_integer_value(json_object_get(row, "vcpus")),
		.guest_features = features != NULL ? strtoull(features, NULL, 16) : 1,
		.append = text_of(row, "append"),
		/* The kernel of every answer is /dev/null: there, and empty. */
		.direct_boot = text_of(row, "kernel") != NULL };
	char hex[97];

	assert_true(ovmf.len > 0);
	if (type != NULL)
		assert_true(assay_vcpu_type_find(&l.vcpu_signature, type));
	if (strcmp(mode, "SNP-SVSM") == 0) {
		svsm = read_named(text_of(row, "svsm"));
		l.svsm = svsm;
		l.vars_size = (uint64_t)json_integer_value(json_object_get(row, "ovmf_vars_size"));
	}
	if (strcmp(mode, "SNP-ovmf-hash") == 0) {
		uint8_t out[ASSAY_MEASUREMENT_SIZE];
		assert_int_equal(assay_snp_measure_ovmf(out, ovmf, NULL), ASSAY_OK);
		assay_hex(hex, (struct assay_bytes){ out, sizeof out });
		assert_string_equal(hex, want);
	} else if (strncmp(want, "ERROR", 5) == 0) {
		assert_refused(&l, ASSAY_E_FORMAT, "has no place for the hashes of a kernel");
	} else {
		measure(hex, &l);
		assert_string_equal(hex, want);
	}
	vectors_free(ovmf);
	vectors_free(svsm);
}

static void
test_known_answers(void **state)
{
	(void)state;
	check_answers(true, 17, check_answer);
}

/* --- what the digest depends on ---------------------------------------------------------- */

/* Two launches that differ in one respect never have one digest. */
static void
test_every_member_counts(void **state)
{
	struct image im;
	char hex[20][97];
	size_t n = 0;

	(void)state;
	image_make(&im);
	struct assay_snp_launch l = usual(&im);
	measure(hex[n++], &l);
	l.vcpus = 2;
	measure(hex[n++], &l);
	l.vcpus = 3;
	measure(hex[n++], &l);
	l.vcpu_signature++;
	measure(hex[n++], &l);
	l.guest_features = 0x21;
	measure(hex[n++], &l);
	l.direct_boot = true;
	measure(hex[n++], &l);
	l.kernel = assay_bytes_of("kernel");
	measure(hex[n++], &l);
	l.initrd = assay_bytes_of("initrd");
	measure(hex[n++], &l);
	l.append = "console=ttyS0";
	measure(hex[n++], &l);
	for (size_t i = 1; assay_snp_vmm_name(i) != NULL; i++) {
		l.vmm = assay_snp_vmm_name(i);
		if (strcmp(l.vmm, "krun") == 0)
			l.vcpus = 1;
		measure(hex[n++], &l);
	}
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(hex[i], hex[j]);
}

static void
test_ovmf_hash_stands_for_the_image(void **state)
{
	struct image im;
	uint8_t hash[ASSAY_MEASUREMENT_SIZE];
	char whole[97], cut[97];

	(void)state;
	image_make(&im);
	struct assay_snp_launch l = usual(&im);
	measure(whole, &l);
	assert_int_equal(assay_snp_measure_ovmf(hash, l.ovmf, NULL), ASSAY_OK);
	l.ovmf_hash = (struct assay_bytes){ hash, sizeof hash };
	l.ovmf = assay_bytes_at(l.ovmf, IMAGE_SIZE - OVMF_PAGE, OVMF_PAGE);
	measure(cut, &l);
	assert_string_equal(cut, whole);
	hash[0] ^= 1;
	measure(cut, &l);
	assert_string_not_equal(cut, whole);
	l.ovmf_hash.len--;
	assert_refused(&l, ASSAY_E_USAGE, "ovmf hash: is 47 bytes, want 48");
}

static void
test_vmsa(void **state)
{
	struct image im;
	uint8_t page[ASSAY_VMSA_SIZE];

	(void)state;
	image_make(&im);
	struct assay_snp_launch l = usual(&im);
	l.vcpus = 2;
	assert_int_equal(assay_snp_vmsa(page, &l, 0, NULL), ASSAY_OK);
	assert_int_equal(assay_u64le(page + 0x178), 0xfff0);
	assert_int_equal(assay_u64le(page + 0x018), 0xffff0000);
	assert_int_equal(assay_u64le(page + 0x310), 0x800f12);
	assert_int_equal(assay_snp_vmsa(page, &l, 1, NULL), ASSAY_OK);
	assert_int_equal(assay_u64le(page + 0x178), 0xb004);
	assert_int_equal(assay_u64le(page + 0x018), 0x800000);
	assert_int_equal(assay_u64le(page + 0x3b0), 1);
	struct assay_error err;
	assert_int_equal(assay_snp_vmsa(page, &l, 2, &err), ASSAY_E_USAGE);
	assert_non_null(strstr(err.text, "no number 2 of 2"));
}

static void
test_vcpu_signatures(void **state)
{
	uint32_t signature;

	(void)state;
	static const struct {
		const char *name;
		uint32_t signature;
	} cases[] = {
		{ "EPYC", 0x00800f12 },
		{ "EPYC-v4", 0x00800f12 },
		{ "EPYC-Rome", 0x00830f10 },
		{ "EPYC-Milan-v2", 0x00a00f11 },
		{ "EPYC-Genoa", 0x00a10f10 },
		{ "EPYC-Turin", 0x00b00f00 },
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		assert_true(assay_vcpu_type_find(&signature, cases[i].name));
		assert_int_equal(signature, cases[i].signature);
	}
	assert_false(assay_vcpu_type_find(&signature, "epyc"));
	assert_true(assay_vcpu_signature(&signature, 6, 0x1a, 5)); /* no extended family */
	assert_int_equal(signature, 0x000106a5);
	assert_true(assay_vcpu_signature(&signature, 270, 255, 15));
	assert_int_equal(signature, 0x0fff0fff);
	assert_false(assay_vcpu_signature(&signature, 271, 0, 0));
	assert_false(assay_vcpu_signature(&signature, 23, 256, 0));
	assert_false(assay_vcpu_signature(&signature, 23, 1, 16));
}

/* --- refusals ---------------------------------------------------------------------------- */

static void
test_launches_refused(void **state)
{
	struct image im;

	(void)state;
	image_make(&im);
	struct assay_snp_launch l = usual(&im);
	l.vmm = "xen";
	assert_refused(&l, ASSAY_E_USAGE, "vmm: \"xen\" is none of");
	l = usual(&im);
	l.vcpus = 0;
	assert_refused(&l, ASSAY_E_USAGE, "vcpus: 0, want 1 to 4096");
	l.vcpus = 4097;
	assert_refused(&l, ASSAY_E_USAGE, "vcpus: 4097");
	l.vcpus = 2;
	l.vmm = "krun";
	assert_refused(&l, ASSAY_E_UNSUPPORTED, "is not proven");
	l = usual(&im);
	l.guest_features = 0x20;
	assert_refused(&l, ASSAY_E_USAGE, "lacks bit 0");
	l = usual(&im);
	l.ovmf.len--;
	assert_refused(&l, ASSAY_E_FORMAT, "ovmf: is 16383 bytes");
	l.ovmf.len = 0;
	assert_refused(&l, ASSAY_E_FORMAT, "ovmf: is 0 bytes");
	l = usual(&im);
	l.svsm = l.ovmf;
	l.vars_size = OVMF_PAGE;
	assert_refused(&l, ASSAY_E_FORMAT, "no SVSM image");
	l.vars_size = 0;
	assert_refused(&l, ASSAY_E_USAGE, "variables is 0");
	l.vars_size = 1;
	assert_refused(&l, ASSAY_E_USAGE, "variables is 1,");
	l.vars_size = UINT64_MAX & ~(uint64_t)0xfff;
	assert_refused(&l, ASSAY_E_USAGE, "variables is 18446744073709547520");
	l.guest_features = 0x21;
	assert_refused(&l, ASSAY_E_USAGE, "guest features 0x1, not 0x21");
	l.direct_boot = true;
	assert_refused(&l, ASSAY_E_USAGE, "measures no kernel");
	l.vmm = "gce";
	assert_refused(&l, ASSAY_E_UNSUPPORTED, "under the VMM qemu alone");
}

static void
test_images_refused(void **state)
{
	static const struct {
		struct sev_item item;
		enum assay_code code;
		const char *words;
	} items[] = {
		{ { 0x800001, 0x1000, 1 }, ASSAY_E_FORMAT, "item 0 of the SEV metadata is at" },
		{ { 0x800000, 0x1001, 1 }, ASSAY_E_FORMAT, "want whole pages" },
		{ { 0x800000, 0, 1 }, ASSAY_E_FORMAT, "want whole pages" },
		{ { 0xfffff000, 0x2000, 1 }, ASSAY_E_FORMAT, "below 4 GiB" },
		{ { 0, 0x20000000, 1 }, ASSAY_E_FORMAT, "names 536870912 bytes" },
		{ { 0x800000, 0x2000, 2 }, ASSAY_E_UNSUPPORTED, "want one page" },
		{ { 0x800000, 0x2000, 3 }, ASSAY_E_UNSUPPORTED, "want one page" },
		{ { 0x800000, 0x1000, 5 }, ASSAY_E_UNSUPPORTED, "is of type 0x5" },
		{ { 0x800000, 0x1000, 0 }, ASSAY_E_UNSUPPORTED, "is of type 0x0" },
	};
	struct image im;

	(void)state;
	for (size_t i = 0; i < sizeof items / sizeof items[0]; i++) {
		image_make(&im);
		put_items(&im, &items[i].item, 1);
		struct assay_snp_launch l = usual(&im);
		assert_refused(&l, items[i].code, items[i].words);
	}

	image_make(&im);
	struct assay_snp_launch l = usual(&im);
	im.bytes[IMAGE_SIZE - TAIL - 1] ^= 1;
	assert_refused(&l, ASSAY_E_FORMAT, "has no table of GUIDs");
	image_make(&im);
	im.bytes[IMAGE_SIZE - METADATA_AT] ^= 1;
	assert_refused(&l, ASSAY_E_FORMAT, "no \"ASEV\" stands where");
	image_make(&im);
	im.bytes[IMAGE_SIZE - METADATA_AT + 8] = 2;
	assert_refused(&l, ASSAY_E_UNSUPPORTED, "is of version 2");
	image_make(&im);
	im.bytes[IMAGE_SIZE - METADATA_AT + 12] = 65;
	assert_refused(&l, ASSAY_E_FORMAT, "has 65 items");
	image_make(&im);
	im.bytes[IMAGE_SIZE - METADATA_AT + 12] = 4;
	assert_refused(&l, ASSAY_E_FORMAT, "4 items need 64");
	image_make(&im);
	put_entry(&im, ovmf_guid_sev_reset, (uint32_t[]){ 1 }, 1);
	assert_refused(&l, ASSAY_E_FORMAT, "is twice in the table");
	image_make(&im);
	put(im.bytes + im.table_at + 4, 2, 17);
	assert_refused(&l, ASSAY_E_FORMAT, "says it is 17 bytes long");
	image_make(&im);
	put(im.bytes + IMAGE_SIZE - TAIL - 18, 2, IMAGE_SIZE);
	assert_refused(&l, ASSAY_E_FORMAT, "the GUID table says it is 16384 bytes long");

	image_start(&im);
	put_entry(&im, ovmf_guid_sev_reset, (uint32_t[]){ 0x80b004 }, 1);
	assert_refused(&l, ASSAY_E_FORMAT, "has no SEV metadata");
	put_entry(&im, ovmf_guid_sev_metadata, NULL, 0);
	assert_refused(&l, ASSAY_E_FORMAT, "entry of the SEV metadata is 0 bytes long");
	image_start(&im);
	put_entry(&im, ovmf_guid_sev_metadata, (uint32_t[]){ IMAGE_SIZE + 1 }, 1);
	assert_refused(&l, ASSAY_E_FORMAT, "is 16385 bytes before the end");
	image_start(&im);
	put_entry(&im, ovmf_guid_sev_metadata, (uint32_t[]){ 15 }, 1);
	assert_refused(&l, ASSAY_E_FORMAT, "no \"ASEV\"");

	/* No reset block: one vCPU is fine, two are not. */
	image_start(&im);
	put_entry(&im, ovmf_guid_sev_metadata, (uint32_t[]){ METADATA_AT }, 1);
	put_items(&im, usual_items, 5);
	char hex[97];
	measure(hex, &l);
	l.vcpus = 2;
	assert_refused(&l, ASSAY_E_FORMAT, "where further vCPUs start");
}

static void
test_direct_boot_refused(void **state)
{
	static const struct {
		uint32_t area[2];
		const char *words;
	} areas[] = {
		{ { 0, 0 }, "no place for the hashes" },
		{ { 0x810c00, 0xaf }, "is 175 bytes at 0x810c00" },
		{ { 0x810f60, 0x400 }, "within one page" },
	};
	struct image im;

	(void)state;
	for (size_t i = 0; i < sizeof areas / sizeof areas[0]; i++) {
		image_start(&im);
		put_entry(&im, ovmf_guid_sev_metadata, (uint32_t[]){ METADATA_AT }, 1);
		put_entry(&im, ovmf_guid_sev_hashes, areas[i].area, 2);
		put_items(&im, usual_items, 5);
		struct assay_snp_launch l = usual(&im);
		l.direct_boot = true;
		assert_refused(&l, ASSAY_E_FORMAT, areas[i].words);
	}
	image_make(&im);
	put_items(&im, usual_items, 4);
	struct assay_snp_launch l = usual(&im);
	l.direct_boot = true;
	assert_refused(&l, ASSAY_E_FORMAT, "no place for the hashes");
	image_make(&im);
	put_items(&im, &(struct sev_item){ 0x810000, 0x2000, SEV_ITEM_KERNEL_HASHES }, 1);
	assert_refused(&l, ASSAY_E_FORMAT, "hashes of a kernel has 0x2000 bytes");
}

/* Cut anywhere, or with any bit of its tables turned, an image is measured or refused in words;
 * and a turned bit that is measured shows in the digest. */
static void
test_damage(void **state)
{
	struct image im, bad;
	char whole[97], hex[97];
	uint8_t out[ASSAY_MEASUREMENT_SIZE];
	struct assay_error err;

	(void)state;
	image_make(&im);
	struct assay_snp_launch l = usual(&im);
	measure(whole, &l);
	for (size_t n = 0; n < IMAGE_SIZE; n += 1) {
		uint8_t *copy = malloc(n + 1);
		struct ovmf_sev sev;
		memcpy(copy, im.bytes, n);
		err.text[0] = '\0';
		assert_int_not_equal(
		    assay_ovmf_sev_parse(&sev, (struct assay_bytes){ copy, n }, "ovmf", &err),
		    ASSAY_OK);
		assert_string_not_equal(err.text, "");
		free(copy);
	}
	l = usual(&bad);
	l.vcpus = 2;
	measure(whole,
	    &(struct assay_snp_launch){ .ovmf = image_bytes(&im),
		.vcpus = 2,
		.vcpu_signature = l.vcpu_signature,
		.guest_features = 1 });
	for (size_t bit = 8 * (IMAGE_SIZE - METADATA_AT); bit < 8 * IMAGE_SIZE; bit++) {
		bad = im;
		bad.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
		err.text[0] = '\0';
		if (assay_snp_measure(out, &l, &err) != ASSAY_OK) {
			assert_string_not_equal(err.text, "");
			continue;
		}
		assay_hex(hex, (struct assay_bytes){ out, sizeof out });
		assert_string_not_equal(hex, whole);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known_answers),
		cmocka_unit_test(test_every_member_counts),
		cmocka_unit_test(test_ovmf_hash_stands_for_the_image),
		cmocka_unit_test(test_vmsa),
		cmocka_unit_test(test_vcpu_signatures),
		cmocka_unit_test(test_launches_refused),
		cmocka_unit_test(test_images_refused),
		cmocka_unit_test(test_direct_boot_refused),
		cmocka_unit_test(test_damage),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
