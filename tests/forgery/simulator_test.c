/* SPDX-License-Identifier: Apache-2.0 */
/* The simulator before another judge: OpenSSL's own path building and CRL checks take its chains.
 * And it is a function of its seed. */
#include "forge.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include <openssl/pem.h>
#include <openssl/x509_vfy.h>

static X509 *
certificate(struct sim_bytes der)
{
	const unsigned char *p = der.ptr;
	X509 *cert = d2i_X509(NULL, &p, (long)der.len);

	assert_non_null(cert);
	assert_ptr_equal(p, der.ptr + der.len);
	return cert;
}

static X509_CRL *
crl(struct sim_bytes der)
{
	const unsigned char *p = der.ptr;
	X509_CRL *list = d2i_X509_CRL(NULL, &p, (long)der.len);

	assert_non_null(list);
	assert_ptr_equal(p, der.ptr + der.len);
	return list;
}

/* OpenSSL's verdict on leaf, intermediate, root as of FORGE_NOW. */
static int
verdict(struct sim_bytes leaf, struct sim_bytes middle, struct sim_bytes root,
    const struct sim_bytes *crls, size_t crl_count)
{
	X509 *certs[] = { certificate(leaf), certificate(middle), certificate(root) };
	STACK_OF(X509) *untrusted = sk_X509_new_null();
	X509_STORE *store = X509_STORE_new();
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	X509_VERIFY_PARAM *how = X509_VERIFY_PARAM_new();

	sk_X509_push(untrusted, certs[1]);
	assert_int_equal(X509_STORE_add_cert(store, certs[2]), 1);
	for (size_t i = 0; i < crl_count; i++) {
		X509_CRL *list = crl(crls[i]);
		assert_int_equal(X509_STORE_add_crl(store, list), 1);
		X509_CRL_free(list);
	}
	X509_VERIFY_PARAM_set_time(how, (time_t)FORGE_NOW);
	if (crl_count > 0)
		X509_VERIFY_PARAM_set_flags(how, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
	assert_int_equal(X509_STORE_set1_param(store, how), 1);
	assert_int_equal(X509_STORE_CTX_init(ctx, store, certs[0], untrusted), 1);
	int error = X509_verify_cert(ctx) == 1 ? X509_V_OK : X509_STORE_CTX_get_error(ctx);
	X509_VERIFY_PARAM_free(how);
	X509_STORE_CTX_free(ctx);
	X509_STORE_free(store);
	sk_X509_free(untrusted);
	for (size_t i = 0; i < 3; i++)
		X509_free(certs[i]);
	return error;
}

static int
intel_verdict(struct sim *sim, struct sim_dcap *p)
{
	struct sim_output out;

	sim_dcap_write(p, &out);
	struct sim_bytes crls[] = { *sim_output_item(&out, "root_ca_crl.der"),
		*sim_output_item(&out, "pck_crl.der") };
	return verdict(sim_cert_write(sim, &p->pck), sim_cert_write(sim, &p->pck_ca),
	    sim_cert_write(sim, &p->root), crls, 2);
}

static void
intel_chains(void **state)
{
	struct sim *sim = sim_new(2);
	struct sim_dcap p;

	(void)state;
	sim_dcap_new(&p, sim, true, 4, 0, true, FORGE_NOW, 30 * SIM_DAY);
	assert_int_equal(intel_verdict(sim, &p), X509_V_OK);
	p.pck_crl.revoked[p.pck_crl.revoked_count++] = p.pck.serial;
	assert_int_equal(intel_verdict(sim, &p), X509_V_ERR_CERT_REVOKED);
	sim_dcap_new(&p, sim, false, 3, 0, false, FORGE_NOW, 30 * SIM_DAY);
	p.pck.signer = sim_key(sim, SIM_P256, "rogue");
	assert_int_equal(intel_verdict(sim, &p), X509_V_ERR_CERT_SIGNATURE_FAILURE);
	sim_free(sim);
}

static void
amd_chains(void **state)
{
	struct sim *sim = sim_new(2);

	(void)state;
	for (int i = 0; i < 6; i++) {
		struct sim_snp p;
		struct sim_output out;
		sim_snp_new(
		    &p, sim, (enum sim_product)(i / 2), 3, i % 2 == 1, FORGE_NOW, 30 * SIM_DAY);
		sim_snp_write(&p, &out);
		assert_int_equal(verdict(sim_cert_write(sim, &p.leaf), sim_cert_write(sim, &p.ask),
				     sim_cert_write(sim, &p.ark), NULL, 0),
		    X509_V_OK);
		X509 *ark = certificate(sim_cert_write(sim, &p.ark));
		X509_CRL *list = crl(*sim_output_item(&out, "crl.der"));
		assert_int_equal(X509_CRL_verify(list, X509_get0_pubkey(ark)), 1);
		X509_CRL_free(list);
		X509_free(ark);
	}
	sim_free(sim);
}

static struct sim_bytes
evidence_of(struct sim *sim)
{
	struct sim_dcap p;
	struct sim_output out;

	sim_dcap_new(&p, sim, true, 5, 3, true, FORGE_NOW, 30 * SIM_DAY);
	sim_dcap_write(&p, &out);
	return out.evidence;
}

static void
seeds(void **state)
{
	struct sim *a = sim_new(3), *b = sim_new(3), *c = sim_new(4);
	struct sim_bytes of_a = evidence_of(a), of_b = evidence_of(b), of_c = evidence_of(c);

	(void)state;
	assert_int_equal(of_a.len, of_b.len);
	assert_memory_equal(of_a.ptr, of_b.ptr, of_a.len);
	assert_memory_not_equal(of_a.ptr + 48, of_c.ptr + 48, 600);
	assert_memory_not_equal(sim_key(a, SIM_P256, "x")->raw, sim_key(c, SIM_P256, "x")->raw, 64);
	assert_memory_not_equal(sim_key(a, SIM_P256, "x")->raw, sim_key(a, SIM_P256, "y")->raw, 64);
	sim_free(a);
	sim_free(b);
	sim_free(c);
}

/* Two messages under one key never share a nonce: r differs. */
static void
nonces(void **state)
{
	struct sim *sim = sim_new(5);
	const struct sim_key *key = sim_key(sim, SIM_P256, "signer");
	struct sim_bytes first = sim_sign(sim, key, SIM_SHA256, sim_text(sim, "first"));
	struct sim_bytes second = sim_sign(sim, key, SIM_SHA256, sim_text(sim, "second"));

	(void)state;
	assert_memory_not_equal(first.ptr, second.ptr, 32);
	assert_memory_equal(
	    first.ptr, sim_sign(sim, key, SIM_SHA256, sim_text(sim, "first")).ptr, 64);
	sim_free(sim);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(intel_chains),
		cmocka_unit_test(amd_chains),
		cmocka_unit_test(seeds),
		cmocka_unit_test(nonces),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
