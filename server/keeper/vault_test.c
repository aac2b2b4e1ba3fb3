/* SPDX-License-Identifier: Apache-2.0 */
#include "keeper_test.h"

#include <sys/stat.h>

static void
test_seal(void **context)
{
	static const uint8_t key[VAULT_KEY] = { 1 }, other[VAULT_KEY] = { 2 };
	static const char text[100] = "what is to be kept";
	struct assay_bytes parts[] = { bed_bytes("ab"), bed_bytes("c") };
	struct assay_bytes moved[] = { bed_bytes("a"), bed_bytes("bc") };
	uint8_t *a = NULL, *b = NULL, *plain = NULL;
	size_t a_len, b_len, len;

	(void)context;
	for (size_t n = 0; n < 100; n += 33) {
		struct assay_bytes in = { (const uint8_t *)text, n };
		assert_true(seal(&a, &a_len, key, parts, 2, in));
		assert_true(seal(&b, &b_len, key, parts, 2, in));
		assert_int_equal(a_len, n + SEAL_OVERHEAD);
		assert_memory_not_equal(a, b, a_len); /* a nonce of its own */
		assert_int_equal(
		    unseal(&plain, &len, key, parts, 2, (struct assay_bytes){ a, a_len }),
		    ASSAY_OK);
		assert_int_equal(len, n);
		assert_memory_equal(plain, in.ptr, n);
		assert_int_equal(plain[n], 0);
		seal_free(plain, len);
		assert_int_equal(
		    unseal(&plain, &len, other, parts, 2, (struct assay_bytes){ a, a_len }),
		    ASSAY_E_SIGNATURE);
		assert_int_equal(
		    unseal(&plain, &len, key, moved, 2, (struct assay_bytes){ a, a_len }),
		    ASSAY_E_SIGNATURE);
		assert_int_equal(
		    unseal(&plain, &len, key, parts, 1, (struct assay_bytes){ a, a_len }),
		    ASSAY_E_SIGNATURE);
		for (size_t cut = 0; cut < a_len; cut++)
			assert_int_equal(
			    unseal(&plain, &len, key, parts, 2, (struct assay_bytes){ a, cut }),
			    ASSAY_E_SIGNATURE);
		for (size_t bit = 0; bit < 8 * a_len; bit++) {
			a[bit / 8] ^= (uint8_t)(1 << bit % 8);
			assert_int_equal(
			    unseal(&plain, &len, key, parts, 2, (struct assay_bytes){ a, a_len }),
			    ASSAY_E_SIGNATURE);
			a[bit / 8] ^= (uint8_t)(1 << bit % 8);
		}
		free(a);
		free(b);
	}
}

static const uint8_t *
key_now(const struct vault *v)
{
	uint8_t id[VAULT_KEY_ID];

	return vault_key(v, id);
}

/* What may stand in the file. */
static void
test_file(void **context)
{
	static const struct {
		const char *text;
		size_t len;
		enum assay_code code;
	} cases[] = {
		{ "0123456789abcdef0123456789abcdef", 32, ASSAY_OK },
		{ "0123456789abcdef0123456789abcdef\n", 33, ASSAY_OK },
		{ "30313233343536373839616263646566303132333435363738396162636465\n", 63,
		    ASSAY_E_FORMAT },
		{ "3031323334353637383961626364656630313233343536373839616263646566", 64,
		    ASSAY_OK },
		{ "3031323334353637383961626364656630313233343536373839616263646566\r\n", 66,
		    ASSAY_OK },
		{ "3031323334353637383961626364656630313233343536373839616263646566\n\n\n\n", 68,
		    ASSAY_OK },
		{ "3031323334353637383961626364656630313233343536373839616263646566 ", 65,
		    ASSAY_E_FORMAT },
		{ "303132333435363738396162636465663031323334353637383961626364656g", 64,
		    ASSAY_E_FORMAT },
		{ "0123456789abcdef0123456789abcde", 31, ASSAY_E_FORMAT },
		{ "0123456789abcdef0123456789abcdefg", 33, ASSAY_E_FORMAT },
		{ "", 0, ASSAY_E_FORMAT },
	};
	struct bed b;
	struct vault *v = NULL;
	struct assay_error err;
	bool made;

	(void)context;
	bed_make(&b);
	assert_int_equal(vault_open(&v, b.master, false, &made, &err), ASSAY_E_IO);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		assert_int_equal(
		    file_write(b.master,
			(struct assay_bytes){ (const uint8_t *)cases[i].text, cases[i].len }, &err),
		    ASSAY_OK);
		assert_int_equal(vault_open(&v, b.master, true, &made, &err), cases[i].code);
		assert_false(made);
		if (cases[i].code != ASSAY_OK) {
			assert_non_null(
			    strstr(err.text, "is no master key; it must have 32 bytes"));
			continue;
		}
		assert_memory_equal(key_now(v), "0123456789abcdef0123456789abcdef", VAULT_KEY);
		vault_close(v);
	}
	for (mode_t mode = 0; mode < 0100; mode++) {
		if (mode == 0)
			continue;
		assert_int_equal(chmod(b.master, 0600 | mode), 0);
		assert_int_equal(vault_open(&v, b.master, true, &made, &err), ASSAY_E_USAGE);
		assert_non_null(strstr(err.text, "chmod 600"));
	}
	assert_int_equal(vault_open(&v, b.folder, true, &made, &err), ASSAY_E_USAGE);

	/* A credential of systemd. */
	assert_int_equal(unsetenv("CREDENTIALS_DIRECTORY"), 0);
	assert_int_equal(vault_open(&v, "cred:master.key", true, &made, &err), ASSAY_E_USAGE);
	assert_int_equal(setenv("CREDENTIALS_DIRECTORY", b.folder, 1), 0);
	assert_int_equal(vault_open(&v, "cred:../x", true, &made, &err), ASSAY_E_USAGE);
	assert_int_equal(vault_open(&v, "cred:none", true, &made, &err), ASSAY_E_IO);
	assert_int_equal(file_write(b.master, bed_bytes(cases[0].text), &err), ASSAY_OK);
	assert_int_equal(chmod(b.master, 0440), 0);
	assert_int_equal(vault_open(&v, "cred:master.key", true, &made, &err), ASSAY_OK);
	assert_memory_equal(key_now(v), cases[0].text, VAULT_KEY);
	assert_int_equal(vault_change(v, &err), ASSAY_E_USAGE);
	vault_close(v);
	bed_free(&b);
}

static size_t
stale(struct bed *b)
{
	uint8_t id[VAULT_KEY_ID];
	size_t n = 0;

	(void)vault_key(b->k->vault, id);
	struct store_value args[] = { store_b(id, sizeof id), store_n(1000) };
	assert_true(store_ask(b->k->store, ITEM_STALE, args, 2));
	while (store_row(b->k->store, ITEM_STALE) == 1)
		n++;
	return n;
}

static void
idle(struct bed *b)
{
	struct ipc_message m = { .op = KEEPER_SIGN };
	struct reply r = bed_do(b, &m);

	reply_clear(&r);
}

/* A new master key while it serves, and with an end in the midst of it. */
static void
test_change(void **context)
{
	(void)context;
	for (int cut = 0; cut < 3; cut++) {
		struct bed b;
		uint8_t before[VAULT_KEY];
		char path[64], fresh[160], old[160];
		struct reply r;
		struct assay_error err;
		size_t left;
		bed_new(&b);
		(void)snprintf(fresh, sizeof fresh, "%s.new", b.master);
		for (int i = 0; i < 100; i++) {
			(void)snprintf(path, sizeof path, "r/t/s%d", i);
			bed_secret(&b, path, "default", path);
		}
		memcpy(before, key_now(b.k->vault), VAULT_KEY);
		json_decref(bed_admin_json(&b, "key.rotate", "{\"what\":\"master\"}", ""));
		assert_memory_not_equal(key_now(b.k->vault), before, VAULT_KEY);
		assert_int_equal(access(fresh, F_OK), 0);
		left = stale(&b);
		assert_in_range(left, 60, 80);
		r = bed_admin(&b, "key.rotate", "{\"what\":\"master\"}", "");
		assert_int_equal(r.status, KEEPER_CONFLICT);
		assert_non_null(strstr(r.sentence, "is being changed already"));
		reply_clear(&r);
		if (cut == 0) {
			bed_stop(&b); /* and later on from there */
			assert_int_equal(bed_start(&b), 0);
			assert_true(vault_changing(b.k->vault));
		}
		/* Both kinds can be read, and written. */
		for (int i = 0; i < 100; i += 33) {
			(void)snprintf(path, sizeof path, "{\"path\":\"r/t/s%d\"}", i);
			r = bed_admin(&b, "secret.get", path, "");
			assert_int_equal(r.status, KEEPER_DONE);
			assert_memory_equal(r.data, path + 9, r.len);
			reply_clear(&r);
		}
		for (int turns = 0; turns < 20 && vault_changing(b.k->vault); turns++) {
			idle(&b);
			/* All is sealed anew, and then the name was not changed: killed there. */
			if (cut == 1 && stale(&b) == 0)
				break;
		}
		assert_int_equal(stale(&b), 0);
		if (cut == 2) { /* the old key alone is of no use any more */
			bed_stop(&b);
			(void)snprintf(old, sizeof old, "%s.old", b.master);
			assert_int_equal(rename(b.master, old), 0);
			assert_int_equal(
			    file_write(b.master, (struct assay_bytes){ before, VAULT_KEY }, &err),
			    ASSAY_OK);
			assert_int_equal(bed_start(&b), 4);
			assert_int_equal(rename(old, b.master), 0);
		} else
			bed_stop(&b);
		assert_int_equal(bed_start(&b), 0);
		assert_false(vault_changing(b.k->vault));
		assert_int_not_equal(access(fresh, F_OK), 0);
		r = bed_admin(&b, "secret.get", "{\"path\":\"r/t/s99\"}", "");
		assert_int_equal(r.status, KEEPER_DONE);
		reply_clear(&r);
		bed_free(&b);
	}
}

/* A damaged item does not stop the service, and does not let the old key go. */
static void
test_change_damaged(void **context)
{
	struct bed b;
	char fresh[160];

	(void)context;
	bed_new(&b);
	bed_secret(&b, "r/t/a", "default", "a");
	bed_secret(&b, "r/t/b", "default", "b");
	bed_sql(b.store + 7, "UPDATE item SET version = 9 WHERE name = 'r/t/a'");
	(void)snprintf(fresh, sizeof fresh, "%s.new", b.master);
	for (int start = 0; start < 2; start++) {
		if (start == 0)
			json_decref(bed_admin_json(&b, "key.rotate", "{\"what\":\"master\"}", ""));
		for (int i = 0; i < 3; i++)
			idle(&b);
		assert_int_equal(access(fresh, F_OK), 0);
		assert_int_not_equal(stale(&b), 0);
		struct reply r = bed_admin(&b, "secret.get", "{\"path\":\"r/t/b\"}", "");
		assert_int_equal(r.status, KEEPER_DONE);
		reply_clear(&r);
		bed_stop(&b);
		assert_int_equal(bed_start(&b), 0);
	}
	json_decref(bed_admin_json(&b, "secret.rm", "{\"path\":\"r/t/a\"}", ""));
	bed_stop(&b);
	assert_int_equal(bed_start(&b), 0);
	idle(&b);
	assert_int_not_equal(access(fresh, F_OK), 0);
	bed_free(&b);
}

/* With credentials the operator gives both, and takes the old one away when all is done. */
static void
test_change_credential(void **context)
{
	struct bed b;
	char second[160];
	struct assay_error err;

	(void)context;
	bed_make(&b);
	assert_int_equal(setenv("CREDENTIALS_DIRECTORY", b.folder, 1), 0);
	(void)snprintf(second, sizeof second, "%s.new", b.master);
	assert_int_equal(
	    file_write(b.master, bed_bytes("0123456789abcdef0123456789abcdef"), &err), ASSAY_OK);
	b.options.master_key = "cred:master.key";
	assert_int_equal(bed_start(&b), 0);
	bed_read_admin(&b);
	bed_secret(&b, "r/t/a", "default", "a");
	bed_stop(&b);
	assert_int_equal(
	    file_write(second, bed_bytes("fedcba9876543210fedcba9876543210"), &err), ASSAY_OK);
	assert_int_equal(bed_start(&b), 0);
	idle(&b);
	assert_int_equal(stale(&b), 0);
	bed_stop(&b);
	for (int i = 0; i < 2; i++) { /* with the old one's place taken; and then without ".new" */
		if (i == 0)
			assert_int_equal(file_write(b.master,
					     bed_bytes("fedcba9876543210fedcba9876543210"), &err),
			    ASSAY_OK);
		else
			assert_int_equal(unlink(second), 0);
		assert_int_equal(bed_start(&b), 0);
		assert_false(vault_changing(b.k->vault));
		struct reply r = bed_admin(&b, "secret.get", "{\"path\":\"r/t/a\"}", "");
		assert_int_equal(r.status, KEEPER_DONE);
		reply_clear(&r);
		bed_stop(&b);
	}
	bed_free(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_seal),
		cmocka_unit_test(test_file),
		cmocka_unit_test(test_change),
		cmocka_unit_test(test_change_damaged),
		cmocka_unit_test(test_change_credential),
	};

	(void)CRYPTO_secure_malloc_init(64 * 1024, 32);
	log_set(false, -1);
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
