/* SPDX-License-Identifier: Apache-2.0 */
#include "keeper_test.h"

#include <dirent.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

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
		bed_put(
		    b.master, (struct assay_bytes){ (const uint8_t *)cases[i].text, cases[i].len });
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
	/* Another user's, put there before the first start: only root can read it, and must not. */
	if (geteuid() == 0) {
		assert_int_equal(chmod(b.master, 0600), 0);
		assert_int_equal(chown(b.master, 65534, 65534), 0);
		assert_int_equal(vault_open(&v, b.master, true, &made, &err), ASSAY_E_USAGE);
		assert_non_null(strstr(err.text, "is another user's"));
		assert_int_equal(chown(b.master, 0, 0), 0);
	}

	/* A credential of systemd. */
	assert_int_equal(unsetenv("CREDENTIALS_DIRECTORY"), 0);
	assert_int_equal(vault_open(&v, "cred:master.key", true, &made, &err), ASSAY_E_USAGE);
	assert_int_equal(setenv("CREDENTIALS_DIRECTORY", b.folder, 1), 0);
	assert_int_equal(vault_open(&v, "cred:../x", true, &made, &err), ASSAY_E_USAGE);
	assert_int_equal(vault_open(&v, "cred:none", true, &made, &err), ASSAY_E_IO);
	bed_put(b.master, bed_bytes(cases[0].text));
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
			bed_put(b.master, (struct assay_bytes){ before, VAULT_KEY });
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

	(void)context;
	bed_make(&b);
	assert_int_equal(setenv("CREDENTIALS_DIRECTORY", b.folder, 1), 0);
	(void)snprintf(second, sizeof second, "%s.new", b.master);
	bed_put(b.master, bed_bytes("0123456789abcdef0123456789abcdef"));
	b.options.master_key = "cred:master.key";
	assert_int_equal(bed_start(&b), 0);
	bed_read_admin(&b);
	bed_secret(&b, "r/t/a", "default", "a");
	bed_stop(&b);
	bed_put(second, bed_bytes("fedcba9876543210fedcba9876543210"));
	assert_int_equal(bed_start(&b), 0);
	idle(&b);
	assert_int_equal(stale(&b), 0);
	bed_stop(&b);
	for (int i = 0; i < 2; i++) { /* with the old one's place taken; and then without ".new" */
		if (i == 0)
			bed_put(b.master, bed_bytes("fedcba9876543210fedcba9876543210"));
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

/* --- several first starts at once ---------------------------------------------------------- */

enum { AT_ONCE = 4, ROUNDS = 40 };

/* What each of several processes that begin at once comes to. */
struct outcome {
	uint8_t key[VAULT_KEY];
	bool made;
	int code;
	size_t i; /* whose */
};

/* All of them wait for the end of one pipe, and write into the other. */
static void
at_once(struct outcome out[AT_ONCE], void (*what)(struct outcome *out, size_t i, const void *arg),
    const void *arg)
{
	int gate[2], answers[2];
	pid_t pid[AT_ONCE];
	char c;

	assert_int_equal(pipe(gate), 0);
	assert_int_equal(pipe(answers), 0);
	for (size_t i = 0; i < AT_ONCE; i++) {
		if ((pid[i] = fork()) == 0) {
			struct outcome mine = { .code = -1, .i = i };
			(void)close(gate[1]);
			(void)!read(gate[0], &c, 1);
			what(&mine, i, arg);
			_exit(write(answers[1], &mine, sizeof mine) == sizeof mine ? 0 : 1);
		}
		assert_true(pid[i] > 0);
	}
	(void)close(gate[0]);
	(void)close(gate[1]);
	for (size_t i = 0; i < AT_ONCE; i++) {
		int status;
		assert_int_equal(waitpid(pid[i], &status, 0), pid[i]);
		assert_int_equal(status, 0);
		assert_int_equal(read(answers[0], &out[i], sizeof out[i]), sizeof out[i]);
	}
	(void)close(answers[0]);
	(void)close(answers[1]);
}

static size_t
files(const char *folder)
{
	DIR *d = opendir(folder);
	size_t n = 0;

	assert_non_null(d);
	for (struct dirent *e; (e = readdir(d)) != NULL;)
		n += e->d_name[0] != '.';
	(void)closedir(d);
	return n;
}

static void
open_vault(struct outcome *out, size_t i, const void *arg)
{
	struct vault *v = NULL;
	struct assay_error err;

	(void)i;
	out->code = (int)vault_open(&v, arg, true, &out->made, &err);
	if (out->code == ASSAY_OK)
		memcpy(out->key, key_now(v), VAULT_KEY);
	vault_close(v);
}

/* One makes the key, and all have it. */
static void
test_at_once(void **context)
{
	struct bed b;
	struct outcome got[AT_ONCE];

	(void)context;
	bed_make(&b);
	for (int round = 0; round < ROUNDS; round++) {
		size_t made = 0;
		at_once(got, open_vault, b.master);
		for (size_t i = 0; i < AT_ONCE; i++) {
			assert_int_equal(got[i].code, ASSAY_OK);
			assert_memory_equal(got[i].key, got[0].key, VAULT_KEY);
			made += got[i].made;
		}
		assert_int_equal(made, 1);
		assert_int_equal(files(b.folder), 1);
		struct outcome after = { 0 };
		open_vault(&after, 0, b.master);
		assert_false(after.made);
		assert_memory_equal(after.key, got[0].key, VAULT_KEY);
		assert_int_equal(unlink(b.master), 0);
	}
	bed_free(&b);
}

/* Killed at any moment: the file is whole or not there. */
static void
test_killed(void **context)
{
	struct bed b;
	struct timespec wait = { 0 };
	size_t whole = 0, none = 0;

	(void)context;
	bed_make(&b);
	for (int round = 0; round < 4 * ROUNDS; round++) {
		struct outcome out = { 0 };
		struct stat st;
		pid_t pid = fork();
		assert_true(pid >= 0);
		if (pid == 0) {
			open_vault(&out, 0, b.master);
			_exit(0);
		}
		wait.tv_nsec = round % ROUNDS * 100000L;
		(void)nanosleep(&wait, NULL);
		(void)kill(pid, SIGKILL);
		assert_int_equal(waitpid(pid, NULL, 0), pid);
		if (stat(b.master, &st) == 0) {
			assert_int_equal(st.st_size, VAULT_KEY);
			assert_int_equal(st.st_nlink, 1);
			whole++;
		} else
			none++;
		open_vault(&out, 0, b.master);
		assert_int_equal(out.code, ASSAY_OK);
		assert_int_equal(unlink(b.master), 0);
	}
	print_message("# killed before: %zu, behind: %zu\n", none, whole);
	bed_free(&b);
}

/* Where a file gets its name as a second one, whoever was killed in between left the first: it is removed,
 * and nothing else is. */
static void
test_second_name(void **context)
{
	struct bed b;
	struct outcome first = { 0 }, again = { 0 };
	char left[160], copy[160], other[160], fresh[160], fresh_left[192];
	struct vault *v = NULL;
	struct assay_error err;
	bool made;

	(void)context;
	bed_make(&b);
	open_vault(&first, 0, b.master);
	(void)snprintf(left, sizeof left, "%s.tmp-a1B2c3", b.master);
	(void)snprintf(other, sizeof other, "%s.tmp-d4E5f6", b.master); /* being made by another */
	(void)snprintf(copy, sizeof copy, "%s.backup", b.master);       /* the operator's */
	bed_put(other, bed_bytes("0123456789abcdef0123456789abcdef"));
	assert_int_equal(link(b.master, left), 0);
	assert_int_equal(link(b.master, copy), 0);
	open_vault(&again, 0, b.master);
	assert_int_equal(again.code, ASSAY_OK);
	assert_memory_equal(again.key, first.key, VAULT_KEY);
	assert_int_not_equal(access(left, F_OK), 0);
	assert_int_equal(access(copy, F_OK), 0);
	assert_int_equal(access(other, F_OK), 0);
	/* And of one that is being changed. */
	assert_int_equal(vault_open(&v, b.master, false, &made, &err), ASSAY_OK);
	assert_int_equal(vault_change(v, &err), ASSAY_OK);
	vault_close(v);
	(void)snprintf(fresh, sizeof fresh, "%s.new", b.master);
	(void)snprintf(fresh_left, sizeof fresh_left, "%s.tmp-x7Y8z9", fresh);
	assert_int_equal(link(fresh, fresh_left), 0);
	open_vault(&again, 0, b.master);
	assert_int_equal(again.code, ASSAY_OK);
	assert_int_not_equal(access(fresh_left, F_OK), 0);
	assert_int_equal(access(fresh, F_OK), 0);
	bed_free(&b);
}

/* A change of keys that another process began is not written over. */
static void
test_change_of_another(void **context)
{
	struct bed b;
	struct vault *v = NULL, *other = NULL;
	struct outcome after = { 0 };
	char fresh[160];
	struct assay_error err;
	bool made;

	(void)context;
	bed_make(&b);
	assert_int_equal(vault_open(&v, b.master, true, &made, &err), ASSAY_OK);
	assert_int_equal(vault_open(&other, b.master, true, &made, &err), ASSAY_OK);
	assert_int_equal(vault_change(v, &err), ASSAY_OK);
	assert_int_equal(vault_change(other, &err), ASSAY_E_USAGE);
	assert_non_null(strstr(err.text, "another assayd changes this master key"));
	assert_false(vault_changing(other));
	(void)snprintf(fresh, sizeof fresh, "%s.new", b.master);
	open_vault(&after, 0, fresh);
	assert_memory_equal(after.key, key_now(v), VAULT_KEY);
	vault_close(other);
	vault_close(v);
	bed_free(&b);
}

static void
open_keeper(struct outcome *out, size_t i, const void *arg)
{
	struct bed b = *(const struct bed *)arg;

	(void)snprintf(b.store, sizeof b.store, "sqlite:%s/store%zu.db", b.folder, i);
	b.options.store = b.store;
	out->code = bed_start(&b);
	if (out->code == 0) {
		struct assay_jwk *last = NULL;
		memcpy(out->key, b.k->node, sizeof out->key);
		b.aud = b.k->node;
		bed_read_admin(&b);
		last = b.admin;
		json_decref(bed_admin_json(&b, "secret.list", "{}", ""));
		assay_jwk_free(last);
	}
	keeper_close(b.k);
}

/* Stores that share a folder: the admin key is one server's, and the others say that it is. */
static void
test_keepers_at_once(void **context)
{
	struct bed b;
	struct outcome got[AT_ONCE];
	char pem[256], line[64];

	(void)context;
	for (int round = 0; round < ROUNDS / 8; round++) {
		size_t first = AT_ONCE;
		bed_make(&b);
		at_once(got, open_keeper, &b);
		for (size_t i = 0; i < AT_ONCE; i++) {
			if (got[i].code != 0) {
				assert_int_equal(got[i].code, 4);
				continue;
			}
			assert_int_equal(first, AT_ONCE);
			first = i; /* as they came */
		}
		assert_in_range(first, 0, AT_ONCE - 1);
		size_t len = sizeof pem - 1;
		struct assay_error err;
		assert_int_equal(
		    file_read((uint8_t *)pem, &len, b.admin_path, true, &err), ASSAY_OK);
		pem[len] = '\0';
		(void)snprintf(line, sizeof line, "Audience: %.32s\n", (char *)got[first].key);
		assert_memory_equal(pem, line, strlen(line));

		/* With a key of its own another may serve there. */
		(void)snprintf(b.store, sizeof b.store, "sqlite:%s/store%zu.db", b.folder,
		    (got[first].i + 1) % AT_ONCE);
		assert_int_equal(bed_start(&b), 4);
		(void)snprintf(b.admin_path, sizeof b.admin_path, "%s/own.pem", b.folder);
		b.options.admin_key = b.admin_path;
		assert_int_equal(bed_start(&b), 0);
		bed_free(&b);
	}
}

/* Killed when the admin's key was there, and the store's first entries not yet. */
static void
test_started_again(void **context)
{
	struct bed b;

	(void)context;
	bed_new(&b);
	bed_stop(&b);
	bed_sql(b.store + 7,
	    "DELETE FROM meta WHERE name <> 'node'; DELETE FROM item; DELETE FROM audit;"
	    "DELETE FROM head; DELETE FROM number");
	assert_int_equal(bed_start(&b), 0);
	b.aud = b.k->node;
	json_decref(bed_admin_json(&b, "secret.list", "{}", ""));
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
		cmocka_unit_test(test_at_once),
		cmocka_unit_test(test_killed),
		cmocka_unit_test(test_second_name),
		cmocka_unit_test(test_change_of_another),
		cmocka_unit_test(test_keepers_at_once),
		cmocka_unit_test(test_started_again),
	};

	(void)CRYPTO_secure_malloc_init(64 * 1024, 32);
	log_set(false, -1);
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
