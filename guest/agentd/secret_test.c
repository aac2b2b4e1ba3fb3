/* SPDX-License-Identifier: Apache-2.0 */
/* How the launch key is taken, with an allocation that fails at each step in turn: it is taken wholly, or it
 * is left where it is. The rest of it is in tests/agent/agent.py. */
#include "secret.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "alloc.h"
#include "text.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { STEPS = 400 };

static char folder[64], socket_path[128], key_path[192];

static void
write_key(void)
{
	unsigned char *der = NULL;
	EVP_PKEY *key = EVP_EC_gen("P-256");
	PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(key);
	int len = i2d_PKCS8_PRIV_KEY_INFO(info, &der);
	FILE *to = fopen(key_path, "wb");

	assert_non_null(to);
	assert_int_equal(fwrite(der, 1, (size_t)len, to), (size_t)len);
	fclose(to);
	OPENSSL_free(der);
	PKCS8_PRIV_KEY_INFO_free(info);
	EVP_PKEY_free(key);
}

static struct agent_options
options(void)
{
	return (struct agent_options){ .secrets = folder, .attest_socket = socket_path };
}

static void
test_taken(void **state)
{
	struct agent_options o = options();
	struct secret s;

	(void)state;
	write_key();
	assert_true(secret_take(&s, &o));
	assert_non_null(s.keys);
	assert_null(s.kept.ptr);
	assert_int_equal(access(key_path, F_OK), -1);
	secret_clear(&s);
	assert_true(secret_take(&s, &o));
	assert_null(s.keys);
	assert_non_null(strstr(s.why, "was taken at"));
	secret_clear(&s);
}

static void
test_kept(void **state)
{
	struct agent_options o = options();
	struct secret s;

	(void)state;
	o.allow_key_uid_count = 1;
	write_key();
	assert_true(secret_take(&s, &o));
	assert_non_null(s.kept.ptr);
	assert_true(s.kept.len > 100 && s.kept.ptr[0] == 0x30);
	secret_clear(&s);
	assert_null(s.kept.ptr);
}

static void
test_out_of_memory(void **state)
{
	struct agent_options o = options();
	bool whole = false;
	size_t n;

	(void)state;
	for (n = 1; n < STEPS && !whole; n++) {
		struct secret s;
		write_key();
		alloc_fail_at(n);
		bool ok = secret_take(&s, &o);
		whole = !alloc_failed();
		alloc_fail_at(0);
		assert_true(ok == (access(key_path, F_OK) != 0));
		assert_true(ok == (s.keys != NULL));
		secret_clear(&s);
	}
	assert_true(whole && n > 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_taken),
		cmocka_unit_test(test_kept),
		cmocka_unit_test(test_out_of_memory),
	};

	snprintf(folder, sizeof folder, "/tmp/agentd-secret-XXXXXX");
	if (mkdtemp(folder) == NULL)
		return 1;
	snprintf(socket_path, sizeof socket_path, "%s/attest.sock", folder);
	snprintf(key_path, sizeof key_path, "%s/" LAUNCH_KEY_GUID, folder);
	log_set(false, -1);
	int rc = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(key_path);
	char marker[160];
	snprintf(marker, sizeof marker, "%s/agentd.taken", folder);
	unlink(marker);
	rmdir(folder);
	return rc;
}
