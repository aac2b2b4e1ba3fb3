/* SPDX-License-Identifier: Apache-2.0 */
/* The built-in roots against what can be computed from them, and against the vendors' published
 * certificates. */
#include "verify/roots.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "crypto/x509.h"
#include "parse/pem.h"
#include "parse/sev.h"
#include "vectors.h"
#include "verify/trust.h"

static void
expect_bytes(const char *name, struct assay_bytes got, struct assay_bytes want)
{
	if (!assay_bytes_equal(got, want))
		fail_msg("%s: is %s, want %s", name, assay_quote_hex(got).text,
		    assay_quote_hex(want).text);
}

static bool
verifies(struct assay_public key, enum assay_scheme scheme, struct assay_bytes digest,
    struct assay_bytes signature)
{
	struct assay_key ready = { 0 };

	assert_int_equal(assay_key_prepare(&ready, key, NULL), ASSAY_OK);
	bool ok = assay_key_verify(&ready, scheme, digest, signature);
	assay_key_clear(&ready);
	return ok;
}

/* --- from the constants alone ------------------------------------------------------------ */

static void
expect_key(const char *name, struct assay_public key, size_t size)
{
	struct assay_key ready = { 0 };

	assert_int_equal(key.kind, size == 64 ? ASSAY_KEY_P256 : ASSAY_KEY_RSA);
	if (key.raw.len != size)
		fail_msg("%s: %zu bytes, want %zu", name, key.raw.len, size);
	if (assay_key_prepare(&ready, key, NULL) != ASSAY_OK)
		fail_msg("%s: cannot be prepared", name);
	assay_key_clear(&ready);
}

static void
test_keys(void **state)
{
	(void)state;

	expect_key("Intel", assay_intel_root, 64);
	for (size_t i = 0; i < AMD_AUTHORITIES; i++)
		expect_key(assay_amd_authorities[i].name, assay_amd_authorities[i].key, 512);
	for (size_t i = 0; i < SEV_AUTHORITIES; i++) {
		const struct sev_authority *a = &assay_sev_authorities[i];
		size_t size = strcmp(a->product, "Naples") == 0 ? 256 : 512;
		expect_key(a->ark_name, a->ark, size);
		expect_key(a->ask_name, a->ask, size);
	}
}

static void
test_intel_editions(void **state)
{
	(void)state;

	for (size_t i = 0; i < INTEL_ROOT_EDITIONS; i++) {
		const struct root_edition *e = &assay_intel_root_editions[i];
		struct assay_bytes digest = { e->digest, sizeof e->digest };
		struct assay_bytes signature = { e->signature, sizeof e->signature };
		assert_true(verifies(assay_intel_root, ASSAY_ECDSA_P256_SHA256, digest, signature));
	}
	assert_memory_not_equal(assay_intel_root_editions[0].digest,
	    assay_intel_root_editions[1].digest, ASSAY_SHA256_LEN);
}

static void
test_amd_authorities(void **state)
{
	(void)state;

	for (size_t i = 0; i < AMD_AUTHORITIES; i++) {
		const struct amd_authority *a = &assay_amd_authorities[i];
		assert_true(a->serial_len == sizeof a->serial);
		assert_true(a->not_before < a->not_after);
		for (size_t j = 0; j < i; j++) {
			const struct amd_authority *b = &assay_amd_authorities[j];
			assert_string_not_equal(a->name, b->name);
			assert_false(assay_public_equal(a->key, b->key));
			assert_false(a->product == b->product && a->line == b->line);
			assert_memory_not_equal(a->serial, b->serial, sizeof a->serial);
		}
	}
}

/* As listed beside AMD's key ids: of the modulus as the file has it, little-endian. */
static const struct {
	const char *product, *ark_id, *ask_id, *modulus;
} legacy[SEV_AUTHORITIES] = {
	{ "Naples", "1bb987c359494606b174945601c9ea5b", "e139970cfc464377ae61b289e2f9e96e",
	    "9914e78ad0a8260245244d2580195e044a1bc1c9ef83d6bbc0c86d9b563abca0" },
	{ "Rome", "e6002122fb58419399d15fee7b131351", "c6cbcf145b3146f498e40ecb4ad4fded",
	    "063b4e93150fbe63e054a10fd0958e4948cff5af02e7acd5923fa23ce1395df3" },
	{ "Milan", "94c38e4177d0479292a7ae671d083fb6", "73478c05cc174bfeb06e718fa75dc3c8",
	    "87dbd40540237df39c072efc2ba91ec23a0ee57e2af074dde844a4614dc4577b" },
	{ "Genoa", "9f9d4a8fe761456599f6946c4c010f3a", "acbb4ad21acc436fb3e932f812cd01b0",
	    "a18c064225a3d841a7c14a2b4835687972879ebebf468a890480faf1690e3152" },
	{ "Turin", "d05c3a8bde484904b49552422ceb3942", "15051693f7304d65a527b4a7f3f7cb77",
	    "c9233c3de0a0cb2d48b2c6fefd4fd901413fcd0cd886cf91e03e2dbd06fa9266" },
};

static void
expect_hex(const char *name, struct assay_bytes got, const char *hex)
{
	char text[2 * ASSAY_SHA256_LEN + 1];

	assert_true(got.len <= ASSAY_SHA256_LEN);
	assay_hex(text, got);
	if (strcmp(text, hex) != 0)
		fail_msg("%s: is %s, want %s", name, text, hex);
}

static void
test_legacy_digests(void **state)
{
	(void)state;

	for (size_t i = 0; i < SEV_AUTHORITIES; i++) {
		const struct sev_authority *a = &assay_sev_authorities[i];
		uint8_t little[512], digest[ASSAY_SHA256_LEN];
		char name[32];
		assert_string_equal(a->product, legacy[i].product);
		(void)snprintf(name, sizeof name, "ARK-%s", a->product);
		assert_string_equal(a->ark_name, name);
		(void)snprintf(name, sizeof name, "ASK-%s", a->product);
		assert_string_equal(a->ask_name, name);
		expect_hex(a->ark_name, (struct assay_bytes){ a->ark_id, 16 }, legacy[i].ark_id);
		expect_hex(a->ask_name, (struct assay_bytes){ a->ask_id, 16 }, legacy[i].ask_id);
		assay_reverse(little, a->ark.raw.ptr, a->ark.raw.len);
		assay_sha256(digest, (struct assay_bytes){ little, a->ark.raw.len });
		expect_hex(
		    a->ark_name, (struct assay_bytes){ digest, sizeof digest }, legacy[i].modulus);
	}
}

/* From Milan on the two containers hold the same keys. */
static void
test_same_keys(void **state)
{
	size_t same = 0;
	(void)state;

	for (size_t i = 0; i < SEV_AUTHORITIES; i++)
		for (size_t j = 0; j < AMD_AUTHORITIES; j++) {
			const struct sev_authority *s = &assay_sev_authorities[i];
			const struct amd_authority *a = &assay_amd_authorities[j];
			bool product = strstr(a->name, s->product) != NULL;
			assert_int_equal(
			    assay_public_equal(s->ark, a->key), product && a->line == AMD_ROOT);
			assert_int_equal(
			    assay_public_equal(s->ask, a->key), product && a->line == AMD_VCEK);
			same += product;
		}
	assert_int_equal(same, AMD_AUTHORITIES);
}

static void
test_floors(void **state)
{
	static const enum snp_product products[] = { SNP_MILAN, SNP_GENOA };
	(void)state;

	for (size_t i = 0; i < sizeof products / sizeof *products; i++) {
		const struct snp_floor *f = assay_snp_floor(products[i]);
		if (f == NULL) {
			fail_msg("product %d has no floor", (int)products[i]);
			return;
		}
		assert_int_equal(f->product, products[i]);
		assert_int_equal(strlen(f->date), strlen("2026-11-20"));
		assert_true(f->source[0] != '\0');
		assert_true(f->tcb.snp > 0 && f->tcb.microcode > 0);
	}
	assert_null(assay_snp_floor(SNP_TURIN));
}

/* --- the anchors of a trust object ------------------------------------------------------- */

static void
test_anchors(void **state)
{
	struct assay_trust *trust = NULL;
	(void)state;

	assert_int_equal(assay_trust_new(&trust, NULL), ASSAY_OK);
	/* Intel's, nine of the X.509 chains, two each of Naples and Rome. */
	assert_int_equal(trust->anchor_count, 1 + AMD_AUTHORITIES + 4);
	const struct anchor *a = assay_trust_anchor(trust, assay_intel_root);
	assert_true(a != NULL && a->root && a->builtin && a->amd == NULL);
	for (size_t i = 0; i < AMD_AUTHORITIES; i++) {
		const struct amd_authority *amd = &assay_amd_authorities[i];
		a = assay_trust_anchor(trust, amd->key);
		if (a == NULL) {
			fail_msg("%s is no anchor", amd->name);
			return;
		}
		assert_true(a->builtin && a->amd == amd);
		assert_int_equal(a->root, amd->line == AMD_ROOT);
		assert_string_equal(a->name, amd->name);
		assert_true(a->not_before == amd->not_before && a->not_after == amd->not_after);
	}
	for (size_t i = 0; i < SEV_AUTHORITIES; i++) {
		a = assay_trust_anchor(trust, assay_sev_authorities[i].ark);
		assert_true(a != NULL && a->root && a->builtin);
		a = assay_trust_anchor(trust, assay_sev_authorities[i].ask);
		assert_true(a != NULL && !a->root && a->builtin);
	}
	assay_trust_free(trust);
}

/* --- against the published certificates -------------------------------------------------- */

static const struct amd_authority *
authority(struct assay_bytes name)
{
	for (size_t i = 0; i < AMD_AUTHORITIES; i++)
		if (assay_bytes_equal(name, assay_bytes_of(assay_amd_authorities[i].name)))
			return &assay_amd_authorities[i];
	return NULL;
}

static const struct amd_authority *
ark_of(enum snp_product product)
{
	for (size_t i = 0; i < AMD_AUTHORITIES; i++)
		if (assay_amd_authorities[i].product == product &&
		    assay_amd_authorities[i].line == AMD_ROOT)
			return &assay_amd_authorities[i];
	return NULL;
}

static void
compare_amd(struct assay_bytes der, bool seen[AMD_AUTHORITIES])
{
	struct x509_cert cert;

	assert_int_equal(assay_x509_parse(&cert, der, "root", NULL), ASSAY_OK);
	const struct amd_authority *a = authority(assay_x509_common_name(cert.subject));
	const struct amd_authority *ark = a != NULL ? ark_of(a->product) : NULL;
	if (a == NULL || ark == NULL) {
		fail_msg("a certificate of nobody");
		return;
	}
	expect_bytes(a->name, a->key.raw, cert.key.raw);
	expect_bytes(a->name, (struct assay_bytes){ a->serial, a->serial_len }, cert.serial);
	assert_true(a->not_before == cert.not_before && a->not_after == cert.not_after);
	assert_true(
	    assay_bytes_equal(assay_x509_common_name(cert.issuer), assay_bytes_of(ark->name)));
	assert_true(
	    verifies(ark->key, cert.scheme, (struct assay_bytes){ cert.digest, cert.digest_len },
		(struct assay_bytes){ cert.signature, cert.signature_len }));
	seen[a - assay_amd_authorities] = true;
}

static void
test_amd_certificates(void **state)
{
	static const char *const files[] = { "milan_vcek", "milan_vlek", "genoa_vcek", "genoa_vlek",
		"turin_vcek", "turin_vlek" };
	bool seen[AMD_AUTHORITIES] = { false };
	(void)state;

	if (!vectors_present())
		return;
	for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
		char path[64];
		struct pem_block block;
		size_t at = 0, len = 0;
		(void)snprintf(path, sizeof path, "sev/roots/x509/%s_chain.pem", files[i]);
		struct assay_bytes file = vectors_read(path);
		for (;;) {
			assert_int_equal(assay_pem_next(&block, &at, file, path, NULL), ASSAY_OK);
			if (block.label.len == 0)
				break;
			uint8_t *der = malloc(ASSAY_UNBASE64_MAX(block.body.len));
			assert_non_null(der);
			assert_true(assay_unbase64(der, &len, block.body));
			compare_amd((struct assay_bytes){ der, len }, seen);
			free(der);
		}
		vectors_free(file);
	}
	for (size_t i = 0; i < AMD_AUTHORITIES; i++)
		if (!seen[i])
			fail_msg("%s: no certificate seen", assay_amd_authorities[i].name);
}

static void
compare_legacy(const struct sev_authority *a, bool ask, const char *path)
{
	struct amd_cert cert;
	struct assay_bytes file = vectors_read(path);
	const struct assay_public *key = ask ? &a->ask : &a->ark;

	if (assay_amd_cert_parse(&cert, file, path, NULL) != ASSAY_OK)
		fail_msg("%s: not read", path);
	assert_int_equal(cert.usage, ask ? SEV_USAGE_ASK : SEV_USAGE_ARK);
	expect_bytes(path, key->raw, (struct assay_bytes){ cert.modulus, cert.key_len });
	assert_memory_equal(ask ? a->ask_id : a->ark_id, cert.key_id, sizeof cert.key_id);
	assert_memory_equal(a->ark_id, cert.certifying_id, sizeof cert.certifying_id);
	if (cert.has_signature) {
		uint8_t digest[ASSAY_DIGEST_MAX];
		enum assay_scheme scheme =
		    cert.key_len == 256 ? ASSAY_RSA_PSS_SHA256 : ASSAY_RSA_PSS_SHA384;
		struct assay_bytes d = { digest,
			assay_scheme_digest(digest, scheme, cert.signed_part) };
		assert_true(verifies(
		    a->ark, scheme, d, (struct assay_bytes){ cert.signature, cert.key_len }));
	}
	vectors_free(file);
}

static void
test_legacy_certificates(void **state)
{
	(void)state;

	if (!vectors_present())
		return;
	for (size_t i = 0; i < SEV_AUTHORITIES; i++) {
		const struct sev_authority *a = &assay_sev_authorities[i];
		char path[64], product[16];
		(void)snprintf(product, sizeof product, "%s", a->product);
		product[0] |= 0x20; /* the files are named in lower case */
		(void)snprintf(path, sizeof path, "sev/roots/legacy/%s.ark.cert", product);
		compare_legacy(a, false, path);
		(void)snprintf(path, sizeof path, "sev/roots/legacy/%s.ask.cert", product);
		compare_legacy(a, true, path);
	}
	compare_legacy(&assay_sev_authorities[0], false, "sev/roots/legacy/naples.ark.nosig.cert");
}

static void
test_intel_certificates(void **state)
{
	static const char *const files[INTEL_ROOT_EDITIONS] = {
		"dcap/roots/intel-sgx-root-ca.der",
		"dcap/roots/intel-sgx-root-ca-2033-edition.der",
	};
	struct x509_cert cert;
	struct assay_bytes file;
	(void)state;

	if (!vectors_present())
		return;
	for (size_t i = 0; i < INTEL_ROOT_EDITIONS; i++) {
		const struct root_edition *e = &assay_intel_root_editions[i];
		file = vectors_read(files[i]);
		assert_int_equal(assay_x509_parse(&cert, file, files[i], NULL), ASSAY_OK);
		assert_true(assay_public_equal(cert.key, assay_intel_root));
		expect_bytes(files[i], (struct assay_bytes){ e->digest, sizeof e->digest },
		    (struct assay_bytes){ cert.digest, cert.digest_len });
		expect_bytes(files[i], (struct assay_bytes){ e->signature, sizeof e->signature },
		    (struct assay_bytes){ cert.signature, cert.signature_len });
		vectors_free(file);
	}
	/* The pre-production root bears the same name and is not believed. */
	file = vectors_read("dcap/roots/intel-preproduction-root-ca.der");
	assert_int_equal(assay_x509_parse(&cert, file, "preproduction", NULL), ASSAY_OK);
	assert_false(assay_public_equal(cert.key, assay_intel_root));
	vectors_free(file);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_intel_editions),
		cmocka_unit_test(test_amd_authorities),
		cmocka_unit_test(test_legacy_digests),
		cmocka_unit_test(test_same_keys),
		cmocka_unit_test(test_floors),
		cmocka_unit_test(test_anchors),
		cmocka_unit_test(test_amd_certificates),
		cmocka_unit_test(test_legacy_certificates),
		cmocka_unit_test(test_intel_certificates),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
