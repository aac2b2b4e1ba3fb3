/* SPDX-License-Identifier: Apache-2.0 */
#include "request.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "buffer.h"
#include "kbs.h"

#define V4 "\"version\":\"0.4.0\","

static const struct {
	const char *body, *words; /* words: of the refusal; NULL: none */
	enum ticket_protocol protocol;
	const char *tee;
	enum ticket_hash hash;
} cases[] = {
	{ "{" V4 "\"tee\":\"tdx\",\"extra-params\":{\"supported-hash-algorithms\":[\"sha256\","
	  "\"sha384\",\"sha512\",\"sm3\"]}}",
	    NULL, PROTOCOL_0_4_0, "tdx", HASH_SHA384 },
	{ "{" V4 "\"tee\":\"snp\",\"extra-params\":\"\"}", NULL, PROTOCOL_0_4_0, "snp",
	    HASH_SHA384 },
	{ "{" V4 "\"tee\":\"sgx\",\"extra-params\":{\"supported-hash-algorithms\":[\"sha256\"]}}",
	    NULL, PROTOCOL_0_4_0, "sgx", HASH_SHA256 },
	{ "{" V4 "\"tee\":\"sgx\",\"extra-params\":{\"supported-hash-algorithms\":[\"sha256\","
	  "\"sha512\"]}}",
	    NULL, PROTOCOL_0_4_0, "sgx", HASH_SHA512 },
	{ "{\"version\":\"0.3.0\",\"tee\":\"tdx\",\"extra-params\":null}", NULL, PROTOCOL_0_3_0,
	    "tdx", HASH_SHA384 },
	{ "{\"version\":\"0.2.0\",\"tee\":\"tdx\"}", NULL, PROTOCOL_0_2_0, "tdx", HASH_SHA384 },
	{ "{\"version\":\"0.1.1\",\"tee\":\"tdx\",\"extra-params\":\"foo\"}", NULL, PROTOCOL_0_1_1,
	    "tdx", HASH_SHA384 },
	{ "{\"version\":\"0.1.0\",\"tee\":\"tdx\",\"extra-params\":\"foo\"}", NULL, PROTOCOL_0_1_0,
	    "tdx", HASH_SHA384 },
	{ "{" V4 "\"tee\":\"sample\",\"extra-params\":\"\"}", NULL, PROTOCOL_0_4_0, "sample",
	    HASH_SHA384 },
	{ "{\"version\":\"0.5.0\",\"tee\":\"tdx\",\"extra-params\":\"\"}",
	    "KBS Client Protocol Version Mismatch: expect =0.4.0 while the request is 0.5.0", 0,
	    NULL, 0 },
	{ "{\"version\":\"\",\"tee\":\"tdx\"}", "while the request is ;", 0, NULL, 0 },
	{ "{\"version\":4,\"tee\":\"tdx\"}", "the member version must be a text", 0, NULL, 0 },
	{ "{" V4 "\"tee\":\"az-snp-vtpm\"}", "\"az-snp-vtpm\" is not served here", 0, NULL, 0 },
	{ "{" V4 "\"tee\":\"azsnpvtpm\"}", "\"azsnpvtpm\" is not served here", 0, NULL, 0 },
	{ "{" V4 "\"tee\":\"TDX\"}", "\"TDX\" is unknown", 0, NULL, 0 },
	{ "{" V4 "\"tee\":\"\"}", "\"\" is unknown", 0, NULL, 0 },
	{ "{" V4 "\"tee\":{\"tdx\":1}}", "the member tee must be a text", 0, NULL, 0 },
	{ "{" V4 "\"tee\":\"tdx\",\"extra-params\":{\"supported-hash-algorithms\":[\"sm3\"]}}",
	    "has none of sha384", 0, NULL, 0 },
	{ "{" V4 "\"tee\":\"tdx\",\"tee\":\"snp\"}", "is no JSON", 0, NULL, 0 },
	{ "[]", "must be a JSON object", 0, NULL, 0 },
	{ "", "is no JSON", 0, NULL, 0 },
	{ "{" V4, "is no JSON", 0, NULL, 0 },
};

static void
test_cases(void **state)
{
	(void)state;

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct assay_error err = { ASSAY_OK, "" };
		struct kbs_request r;
		enum assay_code rc = kbs_request_parse(&r, bytes_of(cases[i].body), true, &err);
		if (cases[i].words != NULL) {
			if (rc == ASSAY_OK || strstr(err.text, cases[i].words) == NULL)
				fail_msg("%s: %s", cases[i].body, err.text);
			continue;
		}
		if (rc != ASSAY_OK || r.protocol != cases[i].protocol || r.hash != cases[i].hash ||
		    strcmp(kbs_tee_name(r.tee), cases[i].tee) != 0)
			fail_msg("%s: %s", cases[i].body, err.text);
	}
}

static void
test_sample_is_off(void **state)
{
	static const char body[] = "{" V4 "\"tee\":\"sample\",\"extra-params\":\"\"}";
	struct assay_error err;
	struct kbs_request r;
	(void)state;

	assert_int_equal(kbs_request_parse(&r, bytes_of(body), false, &err), ASSAY_E_UNSUPPORTED);
	assert_non_null(strstr(err.text, "\"sample\" is not served here"));
	assert_null(kbs_tee_name(200));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_sample_is_off),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
