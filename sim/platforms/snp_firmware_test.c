/* SPDX-License-Identifier: Apache-2.0 */
#include "platforms/snp_firmware.h"

#include "platforms/firmware.h"
#include "vectors.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <openssl/evp.h>
#include <openssl/pem.h>

enum { DAY_0 = 1763700000 };

static struct sim *sim;
static struct sim_snp platform;
static struct sim_snp_guest guest;

static int
fresh(void **state)
{
	(void)state;
	sim_snp_new(&platform, sim, SIM_MILAN, 5, false, DAY_0, 30 * SIM_DAY);
	platform.report.guest_svn = 4;
	sim_snp_guest_new(sim, &guest, &platform);
	return 0;
}

/* One request as a guest kernel sends it; answer: the payload of the response. */
static unsigned
ask(unsigned vmpl, uint8_t type, uint8_t version, const void *payload, size_t n,
    uint8_t answer[4000])
{
	struct sim_snp_message m = { .sequence = guest.sequence[vmpl] + 1,
		.type = type,
		.version = version,
		.vmpck = (uint8_t)vmpl,
		.payload = sim_view(payload, n) };
	uint8_t page[4096], response[4096];

	sim_snp_message_seal(page, &m, guest.vmpck[vmpl]);
	unsigned status = sim_snp_guest_request(sim, &guest, page, response);
	if (status == 0) {
		assert_int_equal(response[52], type + 1);
		assert_int_equal(response[53], version);
		assert_int_equal(response[32], (uint8_t)(m.sequence + 1));
		assert_true(sim_snp_message_open(answer, response, guest.vmpck[vmpl]));
		assert_false(sim_snp_message_open(answer, response, guest.vmpck[(vmpl + 1) % 4]));
		assert_true(sim_snp_message_open(answer, response, guest.vmpck[vmpl]));
	} else {
		for (size_t i = 0; i < sizeof response; i++)
			assert_int_equal(response[i], 0);
	}
	return status;
}

static uint32_t
u32(const uint8_t *at)
{
	return at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

/* --- reports ---------------------------------------------------------------------------------- */

static void
reports(void **state)
{
	uint8_t request[96] = { 0 }, answer[4000];
	struct sim_snp_report want = platform.report;

	(void)state;
	for (size_t i = 0; i < 64; i++)
		request[i] = want.report_data[i] = (uint8_t)(i + 1);
	sim_store_u32(request + 64, 2);
	assert_int_equal(ask(1, SIM_SNP_REPORT_REQ, 1, request, 96, answer), 0);
	assert_int_equal(u32(answer), 0);
	assert_int_equal(u32(answer + 4), 1184);
	want.vmpl = 2;
	struct sim_bytes report = sim_snp_report_write(sim, &want);
	assert_memory_equal(answer + 32, report.ptr, report.len);
}

/* A guest never gets a report of more privilege than it has. */
static void
vmpl_rule(void **state)
{
	uint8_t request[96] = { 0 }, answer[4000];

	(void)state;
	for (unsigned caller = 0; caller < 4; caller++)
		for (uint32_t asked = 0; asked < 6; asked++) {
			sim_store_u32(request + 64, asked);
			assert_int_equal(
			    ask(caller, SIM_SNP_REPORT_REQ, 1, request, 96, answer), 0);
			uint32_t want = asked >= caller && asked <= 3 ? 0 : SIM_SNP_INVALID_PARAM;
			assert_int_equal(u32(answer), want);
			assert_int_equal(u32(answer + 4), want == 0 ? 1184 : 0);
		}
}

static void
key_choice(void **state)
{
	uint8_t request[96] = { 0 }, answer[4000];

	(void)state;
	for (int vlek = 0; vlek < 2; vlek++)
		for (uint32_t select = 0; select < 4; select++) {
			static const uint32_t want[2][4] = {
				{ 0, 0, SIM_SNP_INVALID_KEY, SIM_SNP_INVALID_PARAM },
				{ 0, SIM_SNP_INVALID_KEY, 0, SIM_SNP_INVALID_PARAM },
			};
			guest.vlek = vlek != 0;
			sim_store_u32(request + 68, select);
			assert_int_equal(ask(0, SIM_SNP_REPORT_REQ, 1, request, 96, answer), 0);
			assert_int_equal(u32(answer), want[vlek][select]);
		}
}

/* --- messages --------------------------------------------------------------------------------- */

static void
refused_kinds(void **state)
{
	static const struct {
		uint8_t type, version;
		size_t size;
		unsigned status;
	} cases[] = {
		{ SIM_SNP_REPORT_REQ, 1, 96, 0 },
		{ SIM_SNP_REPORT_REQ, 0, 96, SIM_SNP_INVALID_PARAM },
		{ SIM_SNP_REPORT_REQ, 2, 96, SIM_SNP_INVALID_PARAM },
		{ SIM_SNP_REPORT_REQ, 1, 95, SIM_SNP_INVALID_PARAM },
		{ SIM_SNP_REPORT_REQ, 1, 97, SIM_SNP_INVALID_PARAM },
		{ SIM_SNP_KEY_REQ, 1, 32, 0 },
		{ SIM_SNP_KEY_REQ, 2, 40, 0 },
		{ SIM_SNP_KEY_REQ, 2, 32, SIM_SNP_INVALID_PARAM },
		{ SIM_SNP_KEY_REQ, 3, 40, SIM_SNP_INVALID_PARAM },
		{ 0, 1, 0, SIM_SNP_INVALID_PARAM },
		{ 6, 1, 96, SIM_SNP_INVALID_PARAM },
		{ 200, 1, 4000, SIM_SNP_INVALID_PARAM },
	};
	uint8_t payload[4000] = { 0 }, answer[4000];

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		uint64_t before = guest.sequence[0];
		unsigned status =
		    ask(0, cases[i].type, cases[i].version, payload, cases[i].size, answer);
		if (status != cases[i].status)
			fail_msg("case %zu: status %u", i, status);
		assert_int_equal(guest.sequence[0] - before, status == 0 ? 2 : 0);
	}
}

/* Replayed, skipped, out of order: only the next number counts, for each key alone. */
static void
sequences(void **state)
{
	uint8_t page[4096], response[4096], request[96] = { 0 }, answer[4000];
	struct sim_snp_message m = {
		.type = SIM_SNP_REPORT_REQ, .version = 1, .payload = sim_view(request, 96)
	};
	static const struct {
		uint64_t sequence;
		unsigned status;
	} cases[] = { { 0, SIM_SNP_INVALID_PARAM }, { 2, SIM_SNP_INVALID_PARAM }, { 1, 0 },
		{ 1, SIM_SNP_INVALID_PARAM }, { 2, SIM_SNP_INVALID_PARAM },
		{ 4, SIM_SNP_INVALID_PARAM }, { 5, SIM_SNP_INVALID_PARAM }, { 3, 0 },
		{ UINT64_MAX, SIM_SNP_INVALID_PARAM } };

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		m.sequence = cases[i].sequence;
		sim_snp_message_seal(page, &m, guest.vmpck[0]);
		assert_int_equal(
		    sim_snp_guest_request(sim, &guest, page, response), cases[i].status);
	}
	request[64] = 3;
	assert_int_equal(ask(3, SIM_SNP_REPORT_REQ, 1, request, 96, answer), 0);
	assert_int_equal(guest.sequence[0], 4);
	assert_int_equal(guest.sequence[1], 0);
	assert_int_equal(guest.sequence[3], 2);
	guest.sequence[0] = UINT64_MAX - 1;
	m.sequence = UINT64_MAX;
	sim_snp_message_seal(page, &m, guest.vmpck[0]);
	assert_int_equal(sim_snp_guest_request(sim, &guest, page, response), SIM_SNP_AEAD_OFLOW);
}

/* No bit of a request can be changed on the way. */
static void
tampered(void **state)
{
	uint8_t page[4096], bent[4096], response[4096], request[96] = { 0 };
	struct sim_snp_message m = { .sequence = 1,
		.type = SIM_SNP_REPORT_REQ,
		.version = 1,
		.payload = sim_view(request, 96) };

	(void)state;
	sim_snp_message_seal(page, &m, guest.vmpck[0]);
	for (size_t bit = 0; bit < (96 + 96) * 8; bit++) {
		size_t at = bit / 8;
		memcpy(bent, page, sizeof bent);
		bent[at] ^= (uint8_t)(1U << bit % 8);
		unsigned status = sim_snp_guest_request(sim, &guest, bent, response);
		/* Only 16 of the tag's 32 bytes count. */
		if (at >= 16 && at < 32) {
			assert_int_equal(status, 0);
			guest.sequence[0] = 0;
			continue;
		}
		if (status != SIM_SNP_INVALID_PARAM && status != SIM_SNP_BAD_MEASUREMENT)
			fail_msg("bit %zu: status %u", bit, status);
		if (at >= 96)
			assert_int_equal(status, SIM_SNP_BAD_MEASUREMENT);
	}
	assert_int_equal(sim_snp_guest_request(sim, &guest, page, response), 0);
}

/* Seals a page as another would, whatever its header says: the header's second half is associated
 * data, the sequence number the start of the IV. */
static void
seal(uint8_t page[4096], const void *payload, int n, const uint8_t key[32])
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	uint8_t iv[12] = { 0 };
	int done = 0;

	memcpy(iv, page + 32, 8);
	assert_int_equal(EVP_EncryptInit(ctx, EVP_aes_256_gcm(), key, iv), 1);
	assert_int_equal(EVP_EncryptUpdate(ctx, NULL, &done, page + 48, 48), 1);
	assert_int_equal(EVP_EncryptUpdate(ctx, page + 96, &done, payload, n), 1);
	assert_int_equal(EVP_EncryptFinal(ctx, page + 96 + n, &done), 1);
	assert_int_equal(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_GET_TAG, 16, page), 1);
	EVP_CIPHER_CTX_free(ctx);
}

static void
cipher(void **state)
{
	uint8_t page[4096], other[4096], key[32];
	struct sim_snp_message m = { .sequence = 7,
		.type = 5,
		.version = 1,
		.vmpck = 2,
		.payload = sim_text(sim, "a payload of the guest") };

	(void)state;
	memset(key, 0x5a, sizeof key);
	sim_snp_message_seal(page, &m, key);
	memcpy(other, page, sizeof other);
	memset(other, 0, 32);
	seal(other, m.payload.ptr, (int)m.payload.len, key);
	assert_memory_equal(page, other, sizeof page);
	assert_int_equal(page[60], 2);
}

/* A header must be as it is, also where the tag fits. */
static void
headers(void **state)
{
	uint8_t page[4096], whole[4096], response[4096], request[96] = { 0 };
	struct sim_snp_message m = { .sequence = 1,
		.type = SIM_SNP_REPORT_REQ,
		.version = 1,
		.payload = sim_view(request, 96) };

	(void)state;
	sim_snp_message_seal(whole, &m, guest.vmpck[0]);
	for (size_t at = 32; at < 96; at++) {
		memcpy(page, whole, sizeof page);
		page[at] ^= 0x40;
		seal(page, request, 96, guest.vmpck[0]);
		unsigned status = sim_snp_guest_request(sim, &guest, page, response);
		if (status != SIM_SNP_INVALID_PARAM &&
		    !(at == 54 && status == SIM_SNP_BAD_MEASUREMENT))
			fail_msg("byte %zu: status %u", at, status);
	}
	assert_int_equal(sim_snp_guest_request(sim, &guest, whole, response), 0);
}

/* --- derived keys ----------------------------------------------------------------------------- */

static const uint8_t *
derive(
    uint8_t answer[4000], uint32_t root, uint64_t fields, uint32_t vmpl, uint32_t svn, uint64_t tcb)
{
	uint8_t request[32] = { 0 };

	sim_store_u32(request, root);
	sim_store_u64(request + 8, fields);
	sim_store_u32(request + 16, vmpl);
	sim_store_u32(request + 20, svn);
	sim_store_u64(request + 24, tcb);
	assert_int_equal(ask(0, SIM_SNP_KEY_REQ, 1, request, 32, answer), 0);
	return answer + 32;
}

static void
derived_keys(void **state)
{
	uint8_t first[4000], other[4000], zero[32] = { 0 };

	(void)state;
	derive(first, 0, 0, 0, 0, 0);
	assert_int_equal(u32(first), 0);
	assert_memory_not_equal(first + 32, zero, 32);
	assert_memory_equal(derive(other, 0, 0, 0, 0, 0), first + 32, 32);
	/* What is not selected does not count; what is, does. */
	assert_memory_equal(derive(other, 0, 0, 0, 3, 1), first + 32, 32);
	assert_memory_not_equal(derive(other, 1, 0, 0, 0, 0), first + 32, 32);
	assert_memory_not_equal(derive(other, 0, 0, 1, 0, 0), first + 32, 32);
	for (unsigned bit = 0; bit < 6; bit++)
		assert_memory_not_equal(derive(other, 0, 1U << bit, 0, 0, 0), first + 32, 32);
	derive(first, 0, 16, 0, 1, 0);
	assert_memory_not_equal(derive(other, 0, 16, 0, 2, 0), first + 32, 32);
	/* Above what the guest or the platform is, or of a field that there is not. */
	assert_int_equal(u32(derive(other, 0, 0, 0, 5, 0) - 32), SIM_SNP_INVALID_PARAM);
	assert_memory_equal(other + 32, zero, 32);
	assert_int_equal(u32(derive(other, 0, 0, 0, 0, platform.report.committed_tcb + 1) - 32),
	    SIM_SNP_INVALID_PARAM);
	assert_int_equal(u32(derive(other, 0, 0, 0, 0, platform.report.committed_tcb) - 32), 0);
	assert_int_equal(u32(derive(other, 0, 64, 0, 0, 0) - 32), SIM_SNP_INVALID_PARAM);
	assert_int_equal(u32(derive(other, 0, 0, 4, 0, 0) - 32), SIM_SNP_INVALID_PARAM);
	assert_int_equal(u32(derive(other, 4, 0, 0, 0, 0) - 32), SIM_SNP_INVALID_KEY);
	/* Nor for more privilege than the caller has. */
	for (uint32_t vmpl = 0; vmpl < 4; vmpl++) {
		uint8_t request[32] = { 0 };
		request[16] = (uint8_t)vmpl;
		assert_int_equal(ask(2, SIM_SNP_KEY_REQ, 1, request, 32, other), 0);
		assert_int_equal(u32(other), vmpl < 2 ? SIM_SNP_INVALID_PARAM : 0);
	}
}

/* A field that is selected counts, and no other does. */
static void
selected_fields(void **state)
{
	struct sim_snp_report *r = &guest.report;
	uint8_t *const fields[] = { (uint8_t *)&r->policy, r->image_id, r->family_id,
		r->measurement };
	uint8_t before[4][4000], after[4000];

	(void)state;
	for (unsigned bit = 0; bit < 4; bit++)
		derive(before[bit], 0, 1U << bit, 0, 0, 0);
	/* Both ids are zero: what was selected must count by itself. */
	assert_memory_not_equal(before[1] + 32, before[2] + 32, 32);
	for (unsigned changed = 0; changed < 4; changed++) {
		fields[changed][0] ^= 1;
		for (unsigned bit = 0; bit < 4; bit++) {
			derive(after, 0, 1U << bit, 0, 0, 0);
			assert_int_equal(
			    memcmp(after + 32, before[bit] + 32, 32) != 0, bit == changed);
		}
		fields[changed][0] ^= 1;
	}
}

/* --- known answers ---------------------------------------------------------------------------- */

static void
assert_hex(const uint8_t *bytes, size_t n, const char *hex)
{
	char text[129] = "";

	for (size_t i = 0; i < n; i++)
		snprintf(text + 2 * i, 3, "%02x", bytes[i]);
	assert_string_equal(text, hex);
}

/* Rows of sev/measure/known_answers.json: one EPYC-v4 vCPU, guest features 1, QEMU, no kernel. */
static void
launch_digests(void **state)
{
	static const struct {
		const char *image, *digest;
	} rows[] = {
		{ "sev/measure/ovmf_AmdSev_suffix.bin",
		    "19358ba9a7615534a9a1e2f0dfc29384dcd4dcb7062ff9c6013b26869a5fc6ec"
		    "abe033c48dd6f6db5d6d76e7c5df632d" },
		{ "sev/measure/ovmf_OvmfX64_suffix.bin",
		    "da0296de8193586a5512078dcd719eccecbd87e2b825ad4148c44f665dc87df2"
		    "1e5b49e21523a9ad993afdb6a30b4005" },
	};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct assay_bytes image = vectors_read(rows[i].image);
		uint8_t digest[48];
		if (image.ptr == NULL)
			continue;
		assert_true(
		    sim_snp_launch_digest(digest, sim_view(image.ptr, image.len), 0x00800f12));
		assert_hex(digest, 48, rows[i].digest);
		vectors_free(image);
	}
}

/* The private scalar of a PEM file. */
static const struct sim_key *
pem_key(const char *path)
{
	struct assay_bytes file = vectors_read(path);
	uint8_t scalar[48];
	BIGNUM *d = NULL;

	if (file.ptr == NULL)
		return NULL;
	BIO *in = BIO_new_mem_buf(file.ptr, (int)file.len);
	EVP_PKEY *key = PEM_read_bio_PrivateKey(in, NULL, NULL, NULL);
	assert_non_null(key);
	assert_int_equal(EVP_PKEY_get_bn_param(key, "priv", &d), 1);
	assert_int_equal(BN_bn2binpad(d, scalar, 48), 48);
	BN_free(d);
	EVP_PKEY_free(key);
	BIO_free(in);
	vectors_free(file);
	return sim_key_scalar(sim, SIM_P384, path, scalar);
}

static void
assert_same_but(struct sim_bytes made, struct assay_bytes real, size_t at, size_t n)
{
	assert_int_equal(made.len, real.len);
	memcpy(made.ptr + at, real.ptr + at, n);
}

/* The ID block of sev/idblock: its signatures are random, all else must be the same. */
static void
id_blocks(void **state)
{
	static const char launch[] =
	    "a14d638341e5674628fe1e02fbedebe5e5ab4faf1dd72d8966068e615bb99efd"
	    "13d214b35c231715b38e263dc6059745";
	struct sim_id_block id = { .policy = 0x30000,
		.id_key = pem_key("sev/idblock/test_id_key.pem"),
		.author_key = pem_key("sev/idblock/test_auth_key.pem") };
	struct assay_bytes real = vectors_read("sev/idblock/test_auth_block.bin");
	struct sim_bytes block, auth;
	uint8_t digest[48];

	(void)state;
	if (id.id_key == NULL || id.author_key == NULL || real.ptr == NULL)
		return;
	for (size_t i = 0; i < 48; i++) {
		unsigned byte = 0;
		assert_int_equal(sscanf(launch + 2 * i, "%2x", &byte), 1);
		id.launch_digest[i] = (uint8_t)byte;
	}
	sim_id_block_write(sim, &id, &block, &auth);
	assert_hex(block.ptr + 80, 16, "01000000000000000000030000000000");
	assert_memory_equal(block.ptr, id.launch_digest, 48);
	assert_same_but(auth, real, 0x40, 144);
	assert_same_but(auth, real, 0x680, 144);
	assert_memory_equal(auth.ptr, real.ptr, real.len);
	sim_id_key_digest(sim, id.id_key, digest);
	assert_hex(digest, 48,
	    "59fb2c686dfa4fef49f38339aa775c90051c28d57383ddc3baf3b5eb4b1496df"
	    "3b0dbbdcbae5fe27677a644820773fe2");
	sim_id_key_digest(sim, id.author_key, digest);
	assert_hex(digest, 48,
	    "eed81169fb0cb5e0ec34794f128fd4e0c4a46f67c65a1adfa81fcb24bcc088c2"
	    "72369b7ffc3eb2b6af6a4284a1b36c5f");
	vectors_free(real);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(reports, fresh),
		cmocka_unit_test_setup(vmpl_rule, fresh),
		cmocka_unit_test_setup(key_choice, fresh),
		cmocka_unit_test_setup(refused_kinds, fresh),
		cmocka_unit_test_setup(sequences, fresh),
		cmocka_unit_test_setup(tampered, fresh),
		cmocka_unit_test(cipher),
		cmocka_unit_test_setup(headers, fresh),
		cmocka_unit_test_setup(derived_keys, fresh),
		cmocka_unit_test_setup(selected_fields, fresh),
		cmocka_unit_test(launch_digests),
		cmocka_unit_test(id_blocks),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	sim = sim_new(1);
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	sim_free(sim);
	return failed;
}
