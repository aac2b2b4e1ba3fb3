/* SPDX-License-Identifier: Apache-2.0 */
#include "platforms/enclaves.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <openssl/bn.h>
#include <openssl/evp.h>

static struct sim *sim;
static const uint8_t signer[32] = { 1, 2, 3 }, cpu_svn[16] = { 4, 5 };

/* The derivation again, by OpenSSL's other interfaces: three CMAC blocks, 40 bytes of them, modulo
 * the order less one, plus one. */
static void
scalar_of(const struct sim_key_request *request, const char *message, uint8_t d[32])
{
	uint8_t key[16], block[16], wide[48];
	BN_CTX *ctx = BN_CTX_new();
	BIGNUM *n = NULL, *v = BN_new();
	size_t len = 0;

	sim_egetkey(sim, request, key);
	for (unsigned i = 0; i < 3; i++) {
		memcpy(block, message, 16);
		block[0] = (uint8_t)(i + 1);
		assert_non_null(EVP_Q_mac(NULL, "CMAC", NULL, "AES-128-CBC", NULL, key, 16, block,
		    16, wide + 16 * i, 16, &len));
		assert_int_equal(len, 16);
	}
	assert_true(
	    BN_hex2bn(&n, "FFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551") > 0);
	assert_int_equal(BN_sub_word(n, 1), 1);
	BN_bin2bn(wide, 40, v);
	assert_int_equal(BN_nnmod(v, v, n, ctx), 1);
	assert_int_equal(BN_add_word(v, 1), 1);
	assert_int_equal(BN_bn2binpad(v, d, 32), 32);
	BN_free(n);
	BN_free(v);
	BN_CTX_free(ctx);
}

static void
assert_private(const struct sim_key *key, const uint8_t d[32])
{
	uint8_t have[32];
	BIGNUM *v = NULL;

	assert_int_equal(EVP_PKEY_get_bn_param(key->pkey, "priv", &v), 1);
	assert_int_equal(BN_bn2binpad(v, have, 32), 32);
	assert_memory_equal(have, d, 32);
	assert_memory_equal(key->raw, sim_key_scalar(sim, SIM_P256, "again", d)->raw, 64);
	BN_free(v);
}

static void
published(void **state)
{
	struct sim_key_request provision = {
		.name = SIM_KEYNAME_PROVISION, .isv_prod_id = 1, .isv_svn = 13
	};
	struct sim_key_request seal = { .name = SIM_KEYNAME_SEAL, .isv_prod_id = 2, .isv_svn = 8 };
	uint8_t d[32];

	(void)state;
	memcpy(provision.mr_signer, signer, 32);
	memcpy(provision.cpu_svn, cpu_svn, 16);
	scalar_of(&provision, "\0PAK_KEY_DER\0\0\1\x40", d);
	assert_private(sim_pce_key(sim, signer, cpu_svn, 13), d);
	memcpy(seal.mr_signer, signer, 32);
	memcpy(seal.cpu_svn, cpu_svn, 16);
	scalar_of(&seal, "\0TDX_QE_DER\0\0\0\1\x40", d);
	assert_private(sim_qe_key(sim, true, signer, cpu_svn, 8), d);
}

/* Each input counts, and the ids are the same at each TCB. */
static void
inputs(void **state)
{
	const struct sim_key *pck = sim_pce_key(sim, signer, cpu_svn, 13);
	static const uint8_t other[32] = { 9 };
	uint8_t a[16], b[16], zero[16] = { 0 };

	(void)state;
	assert_ptr_equal(pck, sim_pce_key(sim, signer, cpu_svn, 13));
	assert_memory_not_equal(pck->raw, sim_pce_key(sim, signer, cpu_svn, 12)->raw, 64);
	assert_memory_not_equal(pck->raw, sim_pce_key(sim, signer, zero, 13)->raw, 64);
	assert_memory_not_equal(pck->raw, sim_pce_key(sim, other, cpu_svn, 13)->raw, 64);
	const struct sim_key *key = sim_qe_key(sim, true, signer, cpu_svn, 8);
	assert_memory_not_equal(key->raw, sim_qe_key(sim, false, signer, cpu_svn, 8)->raw, 64);
	assert_memory_not_equal(key->raw, sim_qe_key(sim, true, signer, cpu_svn, 7)->raw, 64);
	sim_pce_ppid(sim, signer, a);
	sim_pce_ppid(sim, other, b);
	assert_memory_not_equal(a, b, 16);
	sim_qe_id(sim, true, signer, a);
	sim_qe_id(sim, false, signer, b);
	assert_memory_not_equal(a, b, 16);
	struct sim *seed = sim_new(2);
	sim_pce_ppid(seed, signer, b);
	sim_pce_ppid(sim, signer, a);
	assert_memory_not_equal(a, b, 16);
	sim_free(seed);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(published),
		cmocka_unit_test(inputs),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	sim = sim_new(1);
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	sim_free(sim);
	return failed;
}
