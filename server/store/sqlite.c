/* SPDX-License-Identifier: Apache-2.0 */
#include "store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sqlite3.h>

#include "../text.h"

enum {
	APPLICATION = 0x61737379, /* "assy", in the file's header */
	BUSY_MS = 1000,           /* for a backup that just reads the last pages */
	CHECKPOINT_PAGES = 4000,  /* of the log, 16 MiB, are moved into the file at once */
	PATH_ROOM = 4096,
};
static const char PREFIX[] = "sqlite:";

/* Each brings the tables from its number to the next; none is ever changed, new ones are appended. */
static const char *const migrations[] = {
	"CREATE TABLE meta(name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;"
	"CREATE TABLE item(kind TEXT NOT NULL, name TEXT NOT NULL, version INTEGER NOT NULL,"
	" created INTEGER NOT NULL, facts TEXT NOT NULL, key BLOB NOT NULL, body BLOB NOT NULL,"
	" PRIMARY KEY(kind, name, version));"
	"CREATE TABLE number(kind TEXT NOT NULL, name TEXT NOT NULL, last INTEGER NOT NULL,"
	" PRIMARY KEY(kind, name)) WITHOUT ROWID;"
	"CREATE TABLE spent(number INTEGER PRIMARY KEY, ticket BLOB NOT NULL UNIQUE,"
	" expires INTEGER NOT NULL, body BLOB NOT NULL);"
	"CREATE TABLE jti(jti TEXT PRIMARY KEY, expires INTEGER NOT NULL) WITHOUT ROWID;"
	"CREATE TABLE audit(seq INTEGER PRIMARY KEY, time INTEGER NOT NULL, kind TEXT NOT NULL,"
	" resource TEXT, text TEXT NOT NULL, hash BLOB NOT NULL);"
	"CREATE INDEX audit_time ON audit(time);"
	"CREATE INDEX audit_resource ON audit(resource, seq) WHERE resource IS NOT NULL;"
	"CREATE TABLE head(rows INTEGER PRIMARY KEY, jws TEXT NOT NULL);",
};
enum { VERSION = sizeof migrations / sizeof *migrations };

#define ITEM "name, version, created, facts, key, body FROM item "
#define LAST "version = (SELECT max(version) FROM item o WHERE o.kind = i.kind AND o.name = i.name)"

static const char *const statements[STORE_STATEMENTS] = {
	[META_GET] = "SELECT value FROM meta WHERE name = ?1",
	[META_PUT] = "INSERT INTO meta VALUES(?1, ?2)"
		     " ON CONFLICT(name) DO UPDATE SET value = excluded.value",
	[ITEM_NEXT] = "INSERT INTO number VALUES(?1, ?2, 1)"
		      " ON CONFLICT(kind, name) DO UPDATE SET last = last + 1 RETURNING last",
	[ITEM_ADD] = "INSERT INTO item VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)",
	[ITEM_LAST] = "SELECT " ITEM "WHERE kind = ?1 AND name = ?2 ORDER BY version DESC LIMIT 1",
	[ITEM_AT] = "SELECT " ITEM "WHERE kind = ?1 AND name = ?2 AND version = ?3",
	[ITEM_ALL] = "SELECT " ITEM "i WHERE kind = ?1 AND " LAST " ORDER BY name",
	[ITEM_LIST] = "SELECT name, version, created, facts FROM item i WHERE kind = ?1 AND " LAST
		      " ORDER BY name",
	[ITEM_SUM] = "SELECT count(*), ifnull(sum(length(body)), 0),"
		     " ifnull(sum(length(name) + length(CAST(facts AS BLOB))), 0)"
		     " FROM item i WHERE kind = ?1 AND " LAST,
	[ITEM_HISTORY] = "SELECT name, version, created, facts FROM item"
			 " WHERE kind = ?1 AND name = ?2 ORDER BY version",
	[ITEM_REMOVE] = "DELETE FROM item WHERE kind = ?1 AND name = ?2",
	[ITEM_PRUNE] = "DELETE FROM item WHERE kind = ?1 AND name = ?2 AND version < ?3",
	[ITEM_FORGET] = "DELETE FROM number WHERE kind = ?1 AND name = ?2",
	[ITEM_STALE] = "SELECT kind, " ITEM "WHERE key <> ?1 LIMIT ?2",
	[ITEM_RESEAL] =
	    "UPDATE item SET key = ?4, body = ?5 WHERE kind = ?1 AND name = ?2 AND version = ?3",
	[SPENT_FIND] = "SELECT body FROM spent WHERE ticket = ?1",
	[SPENT_ADD] = "INSERT INTO spent(ticket, expires, body) VALUES(?1, ?2, ?3)",
	[SPENT_PRUNE] = "DELETE FROM spent WHERE expires < ?1 AND"
			" number IN (SELECT number FROM spent ORDER BY number LIMIT ?2)",
	[JTI_ADD] = "INSERT INTO jti VALUES(?1, ?2) ON CONFLICT DO NOTHING",
	[JTI_PRUNE] = "DELETE FROM jti WHERE expires < ?1",
	[AUDIT_ADD] = "INSERT INTO audit VALUES(?1, ?2, ?3, ?4, ?5, ?6)",
	[AUDIT_LAST] = "SELECT seq, time, hash FROM audit ORDER BY seq DESC LIMIT 1",
	/* Times rise with the numbers but for steps of the clock: hence the smallest of a thousand. */
	[AUDIT_LIST] =
	    "SELECT seq, text, hash FROM audit WHERE seq > ?1 AND"
	    " (?2 IS NULL OR (time >= ?2 AND seq >= (SELECT min(seq) FROM (SELECT seq FROM"
	    " audit WHERE time >= ?2 ORDER BY time LIMIT 1000))))"
	    " AND (?3 IS NULL OR resource = ?3) ORDER BY seq LIMIT ?4",
	[AUDIT_RECENT] = "SELECT seq, text, hash FROM audit WHERE resource = ?1"
			 " ORDER BY seq DESC LIMIT ?2",
	[HEAD_ADD] = "INSERT INTO head VALUES(?1, ?2)",
	[HEAD_LAST] = "SELECT rows, jws FROM head ORDER BY rows DESC LIMIT 1",
	[HEAD_LIST] = "SELECT rows, jws FROM head WHERE rows > ?1 AND rows <= ?2 ORDER BY rows",
};

struct store {
	sqlite3 *db;
	sqlite3_stmt *begin, *commit, *rollback;
	sqlite3_stmt *ready[STORE_STATEMENTS]; /* prepared at its first use */
	int lock;                              /* of the file beside it */
	char path[PATH_ROOM];
	char error[512];
};

struct store_value
store_n(int64_t number)
{
	return (struct store_value){ .kind = STORE_NUMBER, .number = number };
}

struct store_value
store_t(const char *text)
{
	if (text == NULL)
		return (struct store_value){ .kind = STORE_NOTHING };
	return (struct store_value){ .kind = STORE_TEXT,
		.bytes = { (const uint8_t *)text, strlen(text) } };
}

struct store_value
store_b(const void *ptr, size_t len)
{
	return (struct store_value){ .kind = STORE_BLOB, .bytes = { ptr, len } };
}

/* What SQLite's code means to the one who has to do something about it. */
static void
explain(struct store *s)
{
	int code = sqlite3_extended_errcode(s->db);
	const char *what = sqlite3_errmsg(s->db);
	const char *todo = "see docs/operations.md";

	switch (code & 0xff) {
	case SQLITE_FULL:
		what = "the disk is full";
		todo = "free some space, and it goes on by itself";
		break;
	case SQLITE_READONLY:
		what = "it cannot be written";
		todo = "mount it for writing, or give assayd's user the right";
		break;
	case SQLITE_BUSY:
		what = "another program has locked it";
		todo = "end that program";
		break;
	case SQLITE_IOERR:
		todo = "look at the disk and at the kernel's log";
		break;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		todo = "restore a backup";
		break;
	case SQLITE_NOMEM:
		what = "out of memory";
		todo = "give assayd more of it";
		break;
	default:
		break;
	}
	(void)snprintf(s->error, sizeof s->error, "store %.200s: %.120s (SQLite %d, errno %d); %s",
	    s->path, what, code, sqlite3_system_errno(s->db), todo);
}

const char *
store_error(const struct store *s)
{
	return s->error;
}

/* Two keepers on one store would each have their own idea of the audit chain's end. */
static enum assay_code
lock(struct store *s, struct assay_error *err)
{
	char path[PATH_ROOM + 8];

	(void)snprintf(path, sizeof path, "%s.lock", s->path);
	if ((s->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600)) < 0)
		return text_fail(err, ASSAY_E_IO,
		    "store %s: its lock cannot be made: %s; the folder must"
		    " exist and be writable; --store sqlite:PATH names another",
		    s->path, strerror(errno));
	if (flock(s->lock, LOCK_EX | LOCK_NB) != 0)
		return text_fail(err, ASSAY_E_IO,
		    "store %s: another assayd has it; end that one, or give this"
		    " one a store of its own",
		    s->path);
	return ASSAY_OK;
}

static bool
run(struct store *s, const char *sql)
{
	if (sqlite3_exec(s->db, sql, NULL, NULL, NULL) == SQLITE_OK)
		return true;
	explain(s);
	return false;
}

static bool
number(struct store *s, const char *sql, int64_t *out)
{
	sqlite3_stmt *q = NULL;
	bool ok = sqlite3_prepare_v2(s->db, sql, -1, &q, NULL) == SQLITE_OK &&
	    sqlite3_step(q) == SQLITE_ROW;

	if (ok)
		*out = sqlite3_column_int64(q, 0);
	else
		explain(s);
	(void)sqlite3_finalize(q);
	return ok;
}

static bool
migrate_one(struct store *s, int64_t from)
{
	char sql[96];

	(void)snprintf(sql, sizeof sql,
	    "PRAGMA application_id = %d; PRAGMA user_version = %lld; COMMIT", APPLICATION,
	    (long long)from + 1);
	return run(s, "BEGIN IMMEDIATE") && run(s, migrations[from]) && run(s, sql);
}

static enum assay_code
set_up(struct store *s, struct assay_error *err)
{
	int64_t version, application, tables;

	(void)sqlite3_extended_result_codes(s->db, 1);
	(void)sqlite3_busy_timeout(s->db, BUSY_MS);
	(void)sqlite3_db_config(s->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	(void)sqlite3_db_config(s->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	if (!number(s, "PRAGMA application_id", &application) ||
	    !number(s, "PRAGMA user_version", &version) ||
	    !number(s, "SELECT count(*) FROM sqlite_schema", &tables))
		return text_fail(err, ASSAY_E_FORMAT, "%s", s->error);
	if (tables > 0 && application != APPLICATION)
		return text_fail(err, ASSAY_E_FORMAT,
		    "store %s: is the database of another program; give a file"
		    " of its own",
		    s->path);
	if (version > VERSION)
		return text_fail(err, ASSAY_E_UNSUPPORTED,
		    "store %s: has tables of version %lld, this assayd knows"
		    " %d; start a newer assayd",
		    s->path, (long long)version, VERSION);
	if (!run(s, "PRAGMA journal_mode = WAL") || !run(s, "PRAGMA synchronous = FULL") ||
	    !run(s, "PRAGMA foreign_keys = ON") || !run(s, "PRAGMA temp_store = MEMORY") ||
	    !run(s, "PRAGMA cell_size_check = ON"))
		return text_fail(err, ASSAY_E_IO, "%s", s->error);
	(void)sqlite3_wal_autocheckpoint(s->db, CHECKPOINT_PAGES);
	for (; version < VERSION; version++)
		if (!migrate_one(s, version))
			return text_fail(err, ASSAY_E_IO, "%s", s->error);
	return ASSAY_OK;
}

static bool
prepare(struct store *s, sqlite3_stmt **q, const char *sql)
{
	if (*q != NULL ||
	    sqlite3_prepare_v3(s->db, sql, -1, SQLITE_PREPARE_PERSISTENT, q, NULL) == SQLITE_OK)
		return true;
	explain(s);
	return false;
}

enum assay_code
store_open(struct store **out, const char *address, struct assay_error *err)
{
	struct store *s;
	enum assay_code rc;
	struct stat st;
	mode_t mask;

	if (strncmp(address, PREFIX, sizeof PREFIX - 1) != 0)
		return text_fail(err, ASSAY_E_USAGE, "store: the address must be sqlite:PATH");
	address += sizeof PREFIX - 1;
	if (*address == '\0' || strlen(address) >= PATH_ROOM)
		return text_fail(
		    err, ASSAY_E_USAGE, "store: the path behind sqlite: is empty or too long");
	if (stat(address, &st) == 0 && S_ISDIR(st.st_mode))
		return text_fail(err, ASSAY_E_IO,
		    "store %s: is a folder; name the file in it: sqlite:%s/assayd.db", address,
		    address);
	if ((s = calloc(1, sizeof *s)) == NULL)
		return text_fail(err, ASSAY_E_NOMEM, "out of memory");
	s->lock = -1;
	memcpy(s->path, address, strlen(address) + 1);
	/* Nobody asks how much memory SQLite has: counting it costs each of its allocations a lock. */
	(void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
	mask = umask(077); /* no thread exists yet */
	if ((rc = lock(s, err)) == ASSAY_OK) {
		if (sqlite3_open_v2(s->path, &s->db,
			SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
			NULL) != SQLITE_OK) {
			explain(s);
			rc = text_fail(err, ASSAY_E_IO, "%s", s->error);
		} else
			rc = set_up(s, err);
	}
	(void)umask(mask);
	if (rc == ASSAY_OK &&
	    (!prepare(s, &s->begin, "BEGIN IMMEDIATE") || !prepare(s, &s->commit, "COMMIT") ||
		!prepare(s, &s->rollback, "ROLLBACK")))
		rc = text_fail(err, ASSAY_E_IO, "%s", s->error);
	if (rc != ASSAY_OK) {
		store_close(s);
		return rc;
	}
	*out = s;
	return ASSAY_OK;
}

void
store_close(struct store *s)
{
	if (s == NULL)
		return;
	for (size_t i = 0; i < STORE_STATEMENTS; i++)
		(void)sqlite3_finalize(s->ready[i]);
	(void)sqlite3_finalize(s->begin);
	(void)sqlite3_finalize(s->commit);
	(void)sqlite3_finalize(s->rollback);
	(void)sqlite3_close(s->db);
	if (s->lock >= 0)
		(void)close(s->lock);
	free(s);
}

static bool
step(struct store *s, sqlite3_stmt *q)
{
	int code = sqlite3_step(q);

	if (code != SQLITE_DONE)
		explain(s);
	(void)sqlite3_reset(q);
	return code == SQLITE_DONE;
}

bool
store_begin(struct store *s)
{
	return step(s, s->begin);
}

bool
store_commit(struct store *s)
{
	if (step(s, s->commit))
		return true;
	store_rollback(s);
	return false;
}

void
store_rollback(struct store *s)
{
	for (size_t i = 0; i < STORE_STATEMENTS; i++)
		(void)sqlite3_reset(s->ready[i]);
	/* After some failures SQLite has done it already. */
	if (sqlite3_get_autocommit(s->db) == 0) {
		(void)sqlite3_step(s->rollback);
		(void)sqlite3_reset(s->rollback);
	}
}

static bool
bind(struct store *s, enum store_statement which, const struct store_value *args, size_t count)
{
	sqlite3_stmt *q;
	int rc = SQLITE_OK;

	if (!prepare(s, &s->ready[which], statements[which]))
		return false;
	q = s->ready[which];
	for (size_t i = 0; i < count && rc == SQLITE_OK; i++) {
		const char *p = args[i].bytes.len > 0 ? (const char *)args[i].bytes.ptr : "";
		int at = (int)i + 1;
		switch (args[i].kind) {
		case STORE_NOTHING:
			rc = sqlite3_bind_null(q, at);
			break;
		case STORE_NUMBER:
			rc = sqlite3_bind_int64(q, at, args[i].number);
			break;
		case STORE_TEXT:
			rc = sqlite3_bind_text64(
			    q, at, p, args[i].bytes.len, SQLITE_STATIC, SQLITE_UTF8);
			break;
		case STORE_BLOB:
			rc = sqlite3_bind_blob64(q, at, p, args[i].bytes.len, SQLITE_STATIC);
			break;
		}
	}
	if (rc == SQLITE_OK)
		return true;
	explain(s);
	return false;
}

bool
store_do(struct store *s, enum store_statement which, const struct store_value *args, size_t count)
{
	bool ok = bind(s, which, args, count) && step(s, s->ready[which]);

	if (s->ready[which] != NULL)
		(void)sqlite3_clear_bindings(s->ready[which]); /* they borrow */
	return ok;
}

size_t
store_changes(const struct store *s)
{
	return (size_t)sqlite3_changes64(s->db);
}

bool
store_ask(struct store *s, enum store_statement which, const struct store_value *args, size_t count)
{
	return bind(s, which, args, count);
}

int
store_row(struct store *s, enum store_statement which)
{
	int code = sqlite3_step(s->ready[which]);

	if (code == SQLITE_ROW)
		return 1;
	if (code != SQLITE_DONE)
		explain(s);
	store_end(s, which);
	return code == SQLITE_DONE ? 0 : -1;
}

void
store_end(struct store *s, enum store_statement which)
{
	if (s->ready[which] == NULL)
		return;
	(void)sqlite3_reset(s->ready[which]);
	(void)sqlite3_clear_bindings(s->ready[which]);
}

int64_t
store_number(struct store *s, enum store_statement which, int column)
{
	return sqlite3_column_int64(s->ready[which], column);
}

struct assay_bytes
store_bytes(struct store *s, enum store_statement which, int column)
{
	const uint8_t *p = sqlite3_column_blob(s->ready[which], column);

	return (struct assay_bytes){ p, (size_t)sqlite3_column_bytes(s->ready[which], column) };
}

const char *
store_text(struct store *s, enum store_statement which, int column)
{
	return (const char *)sqlite3_column_text(s->ready[which], column);
}
