/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAYD_STORE_H
#define ASSAYD_STORE_H

/*
 * Where the keeper's state lives: tables, transactions, and a fixed list of statements. A back end is
 * one file with these functions; it knows neither keys nor meanings, and what decides anything comes
 * sealed (server/keeper/vault.h). Used on one thread.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <assay/error.h>

/*
 * The statements: arguments -> columns of a row. n: number, t: text, b: bytes, ?: may be nothing.
 *
 * An item is anything with a name that an operator or assayd itself keeps: a secret, a policy, reference
 * values, collateral, a floor, an admin, a key. It has versions; the last one counts. facts is a JSON
 * object that may be read without the key; key names the master key under which body is sealed.
 */
enum store_statement {
	META_GET, /* t name -> b value */
	META_PUT, /* t name, b value */

	ITEM_NEXT, /* t kind, t name -> n version: the next one, never given before */
	ITEM_ADD,  /* t kind, t name, n version, n created, t facts, b key, b body */
	ITEM_LAST, /* t kind, t name -> t name, n version, n created, t facts, b key, b body */
	ITEM_AT,   /* t kind, t name, n version -> as ITEM_LAST */
	ITEM_ALL,  /* t kind -> as ITEM_LAST: the last of each name, by name */
	ITEM_LIST, /* t kind -> the same without body: t name, n version, n created, t facts */
	ITEM_SUM, /* t kind -> n items, n bytes of their bodies, n of names and facts: the last of each */
	ITEM_HISTORY, /* t kind, t name -> as ITEM_LIST, of all versions */
	ITEM_REMOVE,  /* t kind, t name: all versions */
	ITEM_PRUNE,   /* t kind, t name, n version: those before it */
	ITEM_FORGET,  /* t kind, t name: the numbers given, for a name that may begin anew */
	ITEM_STALE, /* b key, n limit -> t kind, then as ITEM_LAST: what is sealed under another key */
	ITEM_RESEAL, /* t kind, t name, n version, b key, b body */

	SPENT_FIND,  /* b ticket -> b body */
	SPENT_ADD,   /* b ticket, n expires, b body */
	SPENT_PRUNE, /* n now, n limit: of the oldest so many, those that expired before now */
	JTI_ADD,     /* t jti, n expires: changes nothing if it is there */
	JTI_PRUNE,   /* n now */

	AUDIT_ADD,    /* n seq, n time, t kind, t? resource, t text, b hash */
	AUDIT_LAST,   /* -> n seq, n time, b hash */
	AUDIT_LIST,   /* n after, n? since, t? resource, n limit -> n seq, t text, b hash */
	AUDIT_RECENT, /* t resource, n limit -> as AUDIT_LIST, the newest first */
	HEAD_ADD,     /* n rows, t jws */
	HEAD_LAST,    /* -> n rows, t jws */
	HEAD_LIST,    /* n after, n until -> n rows, t jws: after < rows <= until */
	STORE_STATEMENTS,
};

struct store_value {
	enum { STORE_NOTHING, STORE_NUMBER, STORE_TEXT, STORE_BLOB } kind;
	int64_t number;
	struct assay_bytes bytes; /* borrowed until the statement is at its end */
};
struct store_value store_n(int64_t number);
struct store_value store_t(const char *text); /* NULL: nothing */
struct store_value store_b(const void *ptr, size_t len);

struct store;
/*
 * Opens "sqlite:PATH", makes it if it is not there, and brings its tables up to date. One process has
 * it at a time. Errors: ASSAY_E_USAGE (the address), ASSAY_E_IO, ASSAY_E_UNSUPPORTED (made by a newer
 * assayd), ASSAY_E_FORMAT (no store, or damaged), ASSAY_E_NOMEM.
 */
ASSAY_MUST_USE enum assay_code
store_open(struct store **out, const char *address, struct assay_error *err);
void store_close(struct store *s); /* NULL is fine */

/*
 * A transaction that alone writes; what it wrote is on the disk when commit returns true. false: see
 * store_error(); nothing of it was written, also when it was the commit that failed.
 */
bool store_begin(struct store *s);
bool store_commit(struct store *s);
void store_rollback(struct store *s); /* also after what failed; fine outside of a transaction */
/* A sentence about what failed last: what it is, and what to do. */
const char *store_error(const struct store *s);

/* Runs a statement that gives no rows. How many rows it changed: store_changes(). */
bool
store_do(struct store *s, enum store_statement which, const struct store_value *args, size_t count);
size_t store_changes(const struct store *s);

/*
 * Begins a statement that gives rows; store_row() steps to the next: 1, or 0 at the end, or -1 when it
 * failed. The statement ends by itself there; store_end() ends it before. Each statement is used once
 * at a time, different ones may be nested.
 */
bool store_ask(
    struct store *s, enum store_statement which, const struct store_value *args, size_t count);
int store_row(struct store *s, enum store_statement which);
void store_end(struct store *s, enum store_statement which);
/* Columns of the row; borrowed until the next step. A text is followed by a zero. */
int64_t store_number(struct store *s, enum store_statement which, int column);
struct assay_bytes store_bytes(struct store *s, enum store_statement which, int column);
const char *store_text(struct store *s, enum store_statement which, int column); /* NULL: nothing */

#endif
