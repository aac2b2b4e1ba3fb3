/* SPDX-License-Identifier: Apache-2.0 */
#include "store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

struct place {
	char folder[64], path[96], address[128];
	struct store *s;
};

static void
place_new(struct place *p)
{
	struct assay_error err;

	(void)snprintf(p->folder, sizeof p->folder, "/tmp/assay-store-XXXXXX");
	assert_non_null(mkdtemp(p->folder));
	(void)snprintf(p->path, sizeof p->path, "%s/a.db", p->folder);
	(void)snprintf(p->address, sizeof p->address, "sqlite:%s", p->path);
	assert_int_equal(store_open(&p->s, p->address, &err), ASSAY_OK);
}

static void
place_free(struct place *p)
{
	char command[128];

	store_close(p->s);
	(void)snprintf(command, sizeof command, "rm -rf %s", p->folder);
	assert_int_equal(system(command), 0);
}

static void
refused(const char *address, enum assay_code code, const char *words)
{
	struct store *s = NULL;
	struct assay_error err;

	assert_int_equal(store_open(&s, address, &err), code);
	assert_null(s);
	if (strstr(err.text, words) == NULL)
		fail_msg("%s", err.text);
}

static void
sql(const struct place *p, const char *text)
{
	sqlite3 *db;

	assert_int_equal(sqlite3_open(p->path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, text, NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void
test_open(void **context)
{
	struct place p;
	struct assay_error err;
	char address[200], lock[200];
	struct stat st;

	(void)context;
	place_new(&p);
	assert_int_equal(stat(p.path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	refused(p.address, ASSAY_E_IO, "another assayd has it");
	refused("postgres://x", ASSAY_E_USAGE, "must be sqlite:PATH");
	refused("sqlite:", ASSAY_E_USAGE, "is empty");
	(void)snprintf(address, sizeof address, "sqlite:%s/no/a.db", p.folder);
	refused(address, ASSAY_E_IO,
	    "the folder must exist and be writable; --store sqlite:PATH names another");
	(void)snprintf(address, sizeof address, "sqlite:%s", p.folder);
	refused(address, ASSAY_E_IO, "is a folder; name the file in it: sqlite:/tmp/assay-store-");
	(void)snprintf(lock, sizeof lock, "%s.lock", p.folder);
	assert_int_not_equal(access(lock, F_OK), 0); /* a wrong command leaves nothing */

	store_close(p.s);
	p.s = NULL;
	sql(&p, "PRAGMA user_version = 99");
	refused(p.address, ASSAY_E_UNSUPPORTED, "has tables of version 99");
	sql(&p, "PRAGMA application_id = 1");
	refused(p.address, ASSAY_E_FORMAT, "of another program");

	FILE *f = fopen(p.path, "r+");
	assert_non_null(f);
	(void)fputs("this is no database, whatever its name says", f);
	(void)fclose(f);
	refused(p.address, ASSAY_E_FORMAT, "restore a backup");

	/* An empty file is a new store. */
	assert_int_equal(truncate(p.path, 0), 0);
	assert_int_equal(store_open(&p.s, p.address, &err), ASSAY_OK);
	place_free(&p);
}

static void
put(struct store *s, const char *name, const char *value)
{
	struct store_value args[] = { store_t(name), store_b(value, strlen(value)) };

	assert_true(store_do(s, META_PUT, args, 2));
}

static void
get(struct store *s, const char *name, const char *want)
{
	struct store_value args[] = { store_t(name) };

	assert_true(store_ask(s, META_GET, args, 1));
	int got = store_row(s, META_GET);
	assert_int_equal(got, want != NULL);
	if (want != NULL) {
		assert_int_equal(store_bytes(s, META_GET, 0).len, strlen(want));
		assert_memory_equal(store_bytes(s, META_GET, 0).ptr, want, strlen(want));
	}
	store_end(s, META_GET);
}

static void
test_transactions(void **context)
{
	struct place p;
	struct assay_error err;

	(void)context;
	place_new(&p);
	assert_true(store_begin(p.s));
	put(p.s, "a", "1");
	assert_true(store_commit(p.s));
	assert_true(store_begin(p.s));
	put(p.s, "a", "2");
	put(p.s, "b", "2");
	get(p.s, "a", "2");
	store_rollback(p.s);
	get(p.s, "a", "1");
	get(p.s, "b", NULL);
	store_rollback(p.s); /* nothing to do */
	assert_true(store_begin(p.s));
	assert_false(store_begin(p.s));
	store_rollback(p.s);
	store_close(p.s);
	assert_int_equal(store_open(&p.s, p.address, &err), ASSAY_OK);
	get(p.s, "a", "1");
	place_free(&p);
}

/* Another program holds the lock: a sentence, and later it goes on. */
static void
test_locked(void **context)
{
	struct place p;
	sqlite3 *db;

	(void)context;
	place_new(&p);
	assert_int_equal(sqlite3_open(p.path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
	assert_false(store_begin(p.s));
	assert_non_null(strstr(store_error(p.s), "another program has locked it"));
	store_rollback(p.s);
	assert_int_equal(sqlite3_exec(db, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
	assert_true(store_begin(p.s));
	put(p.s, "a", "1");
	assert_true(store_commit(p.s));
	/* A backup while it runs. */
	char command[200];
	(void)snprintf(command, sizeof command,
	    "ATTACH '%s/copy.db' AS c; CREATE TABLE c.m AS SELECT * FROM meta", p.folder);
	assert_int_equal(sqlite3_exec(db, command, NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	place_free(&p);
}

/* Each statement is one that SQLite takes, with the number of arguments that store.h says. */
static void
test_statements(void **context)
{
	static const size_t arguments[STORE_STATEMENTS] = { [META_GET] = 1,
		[META_PUT] = 2,
		[ITEM_NEXT] = 2,
		[ITEM_ADD] = 7,
		[ITEM_LAST] = 2,
		[ITEM_AT] = 3,
		[ITEM_ALL] = 1,
		[ITEM_LIST] = 1,
		[ITEM_SUM] = 1,
		[ITEM_HISTORY] = 2,
		[ITEM_REMOVE] = 2,
		[ITEM_PRUNE] = 3,
		[ITEM_FORGET] = 2,
		[ITEM_STALE] = 2,
		[ITEM_RESEAL] = 5,
		[SPENT_FIND] = 1,
		[SPENT_ADD] = 3,
		[SPENT_PRUNE] = 2,
		[JTI_ADD] = 2,
		[JTI_PRUNE] = 1,
		[AUDIT_ADD] = 6,
		[AUDIT_LAST] = 0,
		[AUDIT_LIST] = 4,
		[AUDIT_RECENT] = 2,
		[HEAD_ADD] = 2,
		[HEAD_LAST] = 0,
		[HEAD_LIST] = 2 };
	struct place p;

	(void)context;
	place_new(&p);
	for (int i = 0; i < STORE_STATEMENTS; i++) {
		struct store_value args[8];
		for (size_t n = 0; n < 8; n++)
			args[n] = store_t("1"); /* good for any column */
		assert_true(store_begin(p.s));
		assert_true(store_ask(p.s, (enum store_statement)i, args, arguments[i]));
		store_end(p.s, (enum store_statement)i);
		/* One more is one too many. */
		assert_false(store_ask(p.s, (enum store_statement)i, args, arguments[i] + 1));
		store_rollback(p.s);
	}
	place_free(&p);
}

static int64_t
next(struct store *s, const char *kind, const char *name)
{
	struct store_value args[] = { store_t(kind), store_t(name) };
	int64_t n;

	assert_true(store_ask(s, ITEM_NEXT, args, 2));
	assert_int_equal(store_row(s, ITEM_NEXT), 1);
	n = store_number(s, ITEM_NEXT, 0);
	assert_int_equal(store_row(s, ITEM_NEXT), 0);
	return n;
}

static void
add(struct store *s, const char *kind, const char *name)
{
	int64_t n = next(s, kind, name);
	struct store_value args[] = { store_t(kind), store_t(name), store_n(n), store_n(1000 + n),
		store_t("{}"), store_b("k", 1), store_b("body", 4) };

	assert_true(store_do(s, ITEM_ADD, args, 7));
}

static void
test_items(void **context)
{
	static const struct {
		const char *name;
		int64_t version;
	} want[] = { { "x", 3 }, { "y", 1 } };
	struct place p;
	struct store_value args[] = { store_t("policy"), store_t("x"), store_n(3) };
	size_t n = 0;

	(void)context;
	place_new(&p);
	add(p.s, "policy", "x");
	add(p.s, "policy", "y");
	add(p.s, "secret", "x");
	add(p.s, "policy", "x");
	add(p.s, "policy", "x");
	assert_true(store_ask(p.s, ITEM_LIST, args, 1));
	for (; store_row(p.s, ITEM_LIST) == 1; n++) {
		assert_string_equal(store_text(p.s, ITEM_LIST, 0), want[n].name);
		assert_int_equal(store_number(p.s, ITEM_LIST, 1), want[n].version);
		assert_int_equal(store_number(p.s, ITEM_LIST, 2), 1000 + want[n].version);
	}
	assert_int_equal(n, 2);
	assert_true(store_do(p.s, ITEM_PRUNE, args, 3));
	assert_int_equal(store_changes(p.s), 2);
	assert_true(store_do(p.s, ITEM_REMOVE, args, 2));
	assert_int_equal(store_changes(p.s), 1);
	assert_true(store_do(p.s, ITEM_REMOVE, args, 2));
	assert_int_equal(store_changes(p.s), 0);
	assert_int_equal(next(p.s, "policy", "x"), 4);
	assert_int_equal(next(p.s, "secret", "x"), 2);
	place_free(&p);
}

/* Prunes from the oldest on, not more than asked, and only what has expired. */
static void
test_spent(void **context)
{
	struct place p;

	(void)context;
	place_new(&p);
	for (int64_t i = 0; i < 20; i++) {
		char id[16] = { (char)(90 - i) };
		struct store_value args[] = { store_b(id, 16), store_n(100 + i), store_b("x", 1) };
		assert_true(store_do(p.s, SPENT_ADD, args, 3));
		assert_false(store_do(p.s, SPENT_ADD, args, 3)); /* each once */
	}
	struct store_value some[] = { store_n(110), store_n(5) };
	assert_true(store_do(p.s, SPENT_PRUNE, some, 2));
	assert_int_equal(store_changes(p.s), 5);
	some[1] = store_n(100);
	assert_true(store_do(p.s, SPENT_PRUNE, some, 2));
	assert_int_equal(store_changes(p.s), 5);
	assert_true(store_do(p.s, SPENT_PRUNE, some, 2));
	assert_int_equal(store_changes(p.s), 0);
	place_free(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_open),
		cmocka_unit_test(test_transactions),
		cmocka_unit_test(test_locked),
		cmocka_unit_test(test_statements),
		cmocka_unit_test(test_items),
		cmocka_unit_test(test_spent),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
