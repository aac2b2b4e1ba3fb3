/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "alloc.h"
#include "crypto/secret.h"

/* RFC 8410 10.3 and 10.1. */
static const uint8_t ed25519[] = { 0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65,
	0x70, 0x04, 0x22, 0x04, 0x20, 0xd4, 0xee, 0x72, 0xdb, 0xf9, 0x13, 0x58, 0x4a, 0xd5, 0xb6,
	0xd8, 0xf1, 0xf7, 0x69, 0xf8, 0xad, 0x3a, 0xfe, 0x7c, 0x28, 0xcb, 0xf1, 0xd4, 0xfb, 0xe0,
	0x97, 0xa8, 0x8f, 0x44, 0x75, 0x58, 0x42 };
static const uint8_t ed25519_public[] = { 0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70,
	0x03, 0x21, 0x00, 0x19, 0xbf, 0x44, 0x09, 0x69, 0x84, 0xcd, 0xfe, 0x85, 0x41, 0xba, 0xc1,
	0x67, 0xdc, 0x3b, 0x96, 0xc8, 0x50, 0x86, 0xaa, 0x30, 0xb6, 0xb6, 0xcb, 0x0c, 0x5c, 0x38,
	0xad, 0x70, 0x31, 0x66, 0xe1 };

static enum assay_code
public_of(struct assay_bytes in, struct assay_error *err)
{
	uint8_t *out = NULL;
	size_t len = 0;
	enum assay_code rc = assay_pkcs8_public(&out, &len, in, err);

	assert_true((rc == ASSAY_OK) == (out != NULL));
	free(out);
	return rc;
}

static void
test_known(void **state)
{
	struct assay_error err = { ASSAY_OK, "" };
	uint8_t *out = NULL;
	size_t len = 0;

	(void)state;
	assert_int_equal(
	    assay_pkcs8_public(&out, &len, (struct assay_bytes){ ed25519, sizeof ed25519 }, &err),
	    ASSAY_OK);
	assert_int_equal(len, sizeof ed25519_public);
	assert_memory_equal(out, ed25519_public, len);
	free(out);
}

/* Of each kind: PrivateKeyInfo, whose public half is a SubjectPublicKeyInfo of its length. */
static void
test_made(void **state)
{
	static const struct {
		enum assay_pair_kind kind;
		size_t public;
	} kinds[] = { { ASSAY_PAIR_P256, 91 }, { ASSAY_PAIR_P384, 120 }, { ASSAY_PAIR_P521, 158 },
		{ ASSAY_PAIR_ED25519, 44 } };
	struct assay_error err = { ASSAY_OK, "" };

	(void)state;
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
		uint8_t *key = NULL, *other = NULL, *public = NULL;
		size_t len = 0, other_len = 0, public_len = 0;
		assert_int_equal(assay_pkcs8_make(&key, &len, kinds[i].kind, &err), ASSAY_OK);
		assert_int_equal(
		    assay_pkcs8_make(&other, &other_len, kinds[i].kind, &err), ASSAY_OK);
		assert_int_equal(len, other_len);
		assert_memory_not_equal(key, other, len);
		assert_int_equal(assay_pkcs8_public(
				     &public, &public_len, (struct assay_bytes){ key, len }, &err),
		    ASSAY_OK);
		assert_int_equal(public_len, kinds[i].public);
		free(key);
		free(other);
		free(public);
	}
	uint8_t *none = NULL;
	size_t len = 0;
	assert_int_equal(assay_pkcs8_make(&none, &len, ASSAY_PAIR_RSA, &err), ASSAY_E_USAGE);
	assert_int_equal(assay_pkcs8_make(&none, &len, ASSAY_PAIR_NONE, &err), ASSAY_E_USAGE);
	assert_null(none);
}

static void
test_refused(void **state)
{
	struct assay_error err = { ASSAY_OK, "" };
	uint8_t changed[sizeof ed25519 + 1];

	(void)state;
	for (size_t cut = 0; cut < sizeof ed25519; cut++) {
		assert_int_equal(
		    public_of((struct assay_bytes){ ed25519, cut }, &err), ASSAY_E_FORMAT);
		assert_non_null(strstr(err.text, "are no PrivateKeyInfo (RFC 5208) in DER, alone"));
	}
	memcpy(changed, ed25519, sizeof ed25519);
	changed[sizeof ed25519] = 0;
	assert_int_equal(
	    public_of((struct assay_bytes){ changed, sizeof changed }, &err), ASSAY_E_FORMAT);
	changed[11] = 0x7f;
	assert_int_equal(
	    public_of((struct assay_bytes){ changed, sizeof ed25519 }, &err), ASSAY_E_UNSUPPORTED);
	assert_non_null(strstr(err.text, "its algorithm is not known here"));
	for (size_t bit = 0; bit < 8 * sizeof ed25519; bit++) {
		memcpy(changed, ed25519, sizeof ed25519);
		changed[bit / 8] ^= (uint8_t)(1 << bit % 8);
		err.text[0] = '\0';
		if (public_of((struct assay_bytes){ changed, sizeof ed25519 }, &err) != ASSAY_OK)
			assert_true(err.text[0] != '\0');
	}
}

static void
test_allocations(void **state)
{
	struct assay_error err = { ASSAY_OK, "" };
	bool failed = true;

	(void)state;
	for (size_t n = 1; failed; n++) {
		uint8_t *key = NULL, *public = NULL;
		size_t len = 0, public_len = 0;
		alloc_fail_at(n);
		enum assay_code rc = assay_pkcs8_make(&key, &len, ASSAY_PAIR_P256, &err);
		if (rc == ASSAY_OK)
			rc = assay_pkcs8_public(
			    &public, &public_len, (struct assay_bytes){ key, len }, &err);
		failed = alloc_failed();
		assert_int_equal(rc, failed ? ASSAY_E_NOMEM : ASSAY_OK);
		free(key);
		free(public);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known),
		cmocka_unit_test(test_made),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_allocations),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
