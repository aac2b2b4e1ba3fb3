/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAY_TOKEN_TEST_H
#define ASSAY_TOKEN_TEST_H

/* What the tests of this folder share. */

#include "parse/json_test.h"

#include "token/token.h"

/* The recipient of kbs-protocol's whole envelope: private scalar 01 to 20. */
#define KAT_X     "UVw9brnjlrkE0_7Kf1T9zQzB6Ze_N13KUVrQpsO0A18"
#define KAT_Y     "RTa-OlDzGPv5pUdZAqIhUCvvDVfgjFOyzApW8X2fk1Q"
#define KAT_D     "AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA"
#define KAT_POINT "\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" KAT_X "\",\"y\":\"" KAT_Y "\""

/* RFC 7638 3.1. */
#define RFC7638_N                                                                                  \
	"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_"  \
	"BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0"  \
	"_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWh"  \
	"AI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"

static inline struct assay_jwk *
jwk(const char *text)
{
	struct assay_error err = { ASSAY_OK, "" };
	struct assay_jwk *key = NULL;

	if (assay_jwk_parse(&key, assay_bytes_of(text), &err) != ASSAY_OK)
		fail_msg("%s: %s", text, err.text);
	return key;
}

/* A fresh private key. */
static inline struct assay_jwk *
made(const char *alg)
{
	struct assay_error err = { ASSAY_OK, "" };
	struct assay_jwk *key = NULL;

	if (assay_jwk_make(&key, alg, &err) != ASSAY_OK)
		fail_msg("%s: %s", alg, err.text);
	return key;
}

static inline char *
json_of(const struct assay_jwk *key)
{
	struct assay_error err = { ASSAY_OK, "" };
	char *text = NULL;

	assert_int_equal(assay_jwk_json(&text, key, NULL, &err), ASSAY_OK);
	return text;
}

/* A set of this one key. */
static inline struct assay_jwks *
set_of(const struct assay_jwk *key)
{
	struct assay_error err = { ASSAY_OK, "" };
	struct assay_jwks *set = NULL;
	char *text = json_of(key);

	assert_int_equal(assay_jwks_parse(&set, assay_bytes_of(text), &err), ASSAY_OK);
	free(text);
	return set;
}

/* The n-th allocation fails, for every n; not jansson's own: 2.14 writes outside its memory when it has
 * none for a closing quote. */
static inline void
check_own_allocations(parse_once *parse, struct assay_bytes good)
{
	struct assay_error err = { ASSAY_OK, "" };
	bool failed = true;

	for (size_t n = 1; failed; n++) {
		alloc_fail_at(n);
		enum assay_code rc = parse(good, &err);
		failed = alloc_failed();
		assert_int_equal(rc, failed ? ASSAY_E_NOMEM : ASSAY_OK);
	}
}

#endif
