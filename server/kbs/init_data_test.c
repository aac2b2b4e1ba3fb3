/* SPDX-License-Identifier: Apache-2.0 */
#include "init_data.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/evp.h>

#include "buffer.h"

#define HEAD(algorithm) "version = \"0.1.0\"\nalgorithm = \"" algorithm "\"\n"
#define DATA                                                                                       \
	"[data]\n\"aa.toml\" = '''\n[token_configs.kbs]\nurl = \"http://127.0.0.1:8080\"\n'''\n"   \
	"\"policy.rego\" = \"package agent_policy\"\n"

static char *
quoted(const char *text)
{
	struct buffer b = { .len = 0 };

	buffer_string(&b, bytes_of(text));
	return buffer_take(&b);
}

static enum assay_code
check(char **claims, const char *format, const char *text, struct assay_bytes field,
    struct assay_error *err)
{
	char *body = quoted(text);
	enum assay_code rc =
	    kbs_init_data_check(claims, bytes_of(format), bytes_of(body), field, err);

	free(body);
	return rc;
}

/* The widths of MRCONFIGID, HOST_DATA and CONFIGID with each algorithm: padded, equal and cut. */
static void
test_digests(void **state)
{
	static const struct {
		const char *text;
		const EVP_MD *(*md)(void);
	} rows[] = {
		{ HEAD("sha256") DATA, EVP_sha256 },
		{ HEAD("sha384") DATA, EVP_sha384 },
		{ HEAD("sha512") DATA, EVP_sha512 },
	};
	static const size_t sizes[] = { 48, 32, 64 };
	(void)state;

	for (size_t r = 0; r < 3; r++)
		for (size_t s = 0; s < 3; s++) {
			struct assay_error err = { ASSAY_OK, "" };
			uint8_t field[EVP_MAX_MD_SIZE] = { 0 };
			char *claims = NULL;
			assert_int_equal(EVP_Digest(rows[r].text, strlen(rows[r].text), field, NULL,
					     rows[r].md(), NULL),
			    1);
			struct assay_bytes in = { field, sizes[s] };
			if (check(&claims, "\"toml\"", rows[r].text, in, &err) != ASSAY_OK)
				fail_msg("%s", err.text);
			assert_string_equal(claims,
			    "{\"aa.toml\":{\"token_configs\":{\"kbs\":{\"url\":"
			    "\"http://127.0.0.1:8080\"}}}}");
			free(claims);
			claims = NULL;
			field[sizes[s] - 1] ^= 1;
			assert_int_equal(
			    check(&claims, "\"toml\"", rows[r].text, in, &err), ASSAY_E_SIGNATURE);
			assert_non_null(strstr(err.text, "is not what the evidence carries"));
			assert_null(claims);
		}
}

static void
test_refusals(void **state)
{
	struct assay_error err = { ASSAY_OK, "" };
	uint8_t zero[48] = { 0 };
	struct assay_bytes field = { zero, sizeof zero };
	char *claims = NULL;
	(void)state;

	/* None was sent: the field is the host's own matter. */
	assert_int_equal(kbs_init_data_check(&claims, (struct assay_bytes){ NULL, 0 },
			     (struct assay_bytes){ NULL, 0 }, field, &err),
	    ASSAY_OK);
	assert_null(claims);
	assert_int_equal(check(&claims, "\"json\"", "{}", field, &err), ASSAY_E_UNSUPPORTED);
	assert_non_null(strstr(err.text, "format is \"json\""));
	assert_int_equal(check(&claims, "\"toml\"", "a = ", field, &err), ASSAY_E_FORMAT);
	assert_non_null(strstr(err.text, "init-data: line 1: "));
	assert_int_equal(check(&claims, "\"toml\"", HEAD("md5"), field, &err), ASSAY_E_UNSUPPORTED);
	assert_non_null(strstr(err.text, "algorithm is \"md5\""));
	assert_int_equal(check(&claims, "\"toml\"", "a = 1", field, &err), ASSAY_E_UNSUPPORTED);
	assert_non_null(strstr(err.text, "algorithm is nothing"));
	/* Evidence without such a field vouches for nothing. */
	field.len = 0;
	assert_int_equal(
	    check(&claims, "\"toml\"", HEAD("sha256"), field, &err), ASSAY_E_SIGNATURE);
	assert_null(claims);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_digests),
		cmocka_unit_test(test_refusals),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
