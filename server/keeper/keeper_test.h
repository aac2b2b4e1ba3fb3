/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAYD_KEEPER_TEST_H
#define ASSAYD_KEEPER_TEST_H

/* A keeper in a folder of its own, with a clock that the test sets, and one who asks it things. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <openssl/evp.h>
#include <openssl/rand.h>

#include "../admin/requests.h"
#include "../text.h"
#include "core.h"

static const int64_t BED_NOW = 1795250000;
static const char BED_EVIDENCE[] =
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

struct bed {
	char folder[64], store[128], master[128], admin_path[128];
	struct keeper_options options;
	struct keeper *k;
	int64_t now;
	struct assay_jwk *admin, *workload;
	char *workload_public;
	unsigned jti;
	const char *aud;
	int64_t life, ahead;
};

static inline int64_t
bed_clock(void *arg)
{
	return ((struct bed *)arg)->now;
}

/* The exit code. */
static inline int
bed_start(struct bed *b)
{
	return keeper_open_at(&b->k, &b->options, bed_clock, b);
}

static inline void
bed_stop(struct bed *b)
{
	keeper_close(b->k);
	b->k = NULL;
}

static inline void
bed_read_admin(struct bed *b)
{
	uint8_t pem[4096];
	size_t len = sizeof pem;
	struct assay_error err;

	assert_int_equal(file_read(pem, &len, b->admin_path, true, &err), ASSAY_OK);
	assert_int_equal(
	    assay_jwk_parse_pem(&b->admin, (struct assay_bytes){ pem, len }, NULL, &err), ASSAY_OK);
}

static inline void
bed_make(struct bed *b)
{
	struct assay_error err;

	*b = (struct bed){ .now = BED_NOW, .aud = "https://kbs.test", .life = 60 };
	(void)snprintf(b->folder, sizeof b->folder, "/tmp/assay-keeper-XXXXXX");
	assert_non_null(mkdtemp(b->folder));
	(void)snprintf(b->store, sizeof b->store, "sqlite:%s/assayd.db", b->folder);
	(void)snprintf(b->master, sizeof b->master, "%s/master.key", b->folder);
	(void)snprintf(b->admin_path, sizeof b->admin_path, "%s/admin.pem", b->folder);
	b->options = (struct keeper_options){ .store = b->store,
		.issuer = "https://assay.test",
		.audience = "https://kbs.test",
		.token_life_s = 300,
		.ticket_life_s = 300 };
	assert_int_equal(assay_jwk_make(&b->workload, "ECDH-ES+A256KW", &err), ASSAY_OK);
	assert_int_equal(assay_jwk_json(&b->workload_public, b->workload, NULL, &err), ASSAY_OK);
}

static inline void
bed_new(struct bed *b)
{
	bed_make(b);
	assert_int_equal(bed_start(b), 0);
	bed_read_admin(b);
}

static inline void
bed_free(struct bed *b)
{
	char command[128];

	bed_stop(b);
	assay_jwk_free(b->admin);
	assay_jwk_free(b->workload);
	free(b->workload_public);
	(void)snprintf(command, sizeof command, "rm -rf %s", b->folder);
	assert_int_equal(system(command), 0);
}

static inline struct assay_bytes
bed_bytes(const char *text)
{
	return (struct assay_bytes){ (const uint8_t *)text, strlen(text) };
}

/* A file of the operator's, in the place of what is there. */
static inline void
bed_put(const char *path, struct assay_bytes in)
{
	struct assay_error err;
	bool made;

	(void)unlink(path);
	assert_int_equal(file_make(path, in, &made, &err), ASSAY_OK);
	assert_true(made);
}

/* What somebody does who can write the file, but has no key. */
static inline void
bed_sql(const char *path, const char *sql)
{
	char command[2048];

	(void)snprintf(command, sizeof command,
	    "python3 -c \"import sqlite3,sys; c=sqlite3.connect(sys.argv[1]);"
	    "c.executescript(sys.argv[2]); c.commit()\" %s \"%s\"",
	    path, sql);
	assert_int_equal(system(command), 0);
}

/* --- requests ---------------------------------------------------------------------------- */

static inline struct reply
bed_do(struct bed *b, const struct ipc_message *m)
{
	struct reply r;

	(void)keeper_turn(b->k, m, &r, 1);
	return r;
}

static inline void
bed_ticket(struct bed *b, uint8_t out[TICKET_SIZE], enum ticket_protocol protocol)
{
	struct ticket t = { .protocol = (uint8_t)protocol, .tee = 1, .issued = b->now };
	struct ticket_keys keys;

	for (uint32_t i = 0; i < 3; i++) {
		keys.epoch[i] = (uint32_t)(b->now / TICKET_EPOCH_S) + i - 1;
		assert_true(ticket_key_derive(keys.key[i], b->k->root, keys.epoch[i]));
	}
	assert_true(ticket_make(out, &t, &keys));
}

/* What an attestation says; members are the least that a token needs. */
struct bed_attest {
	const uint8_t *ticket;
	const char *body, *accepted, *reasons, *record;
	uint64_t generation;
	char members[2048], digest[HASH], number[8];
};

static inline void
bed_attest_message(struct bed *b, struct ipc_message *m, struct bed_attest *a,
    const uint8_t *ticket, const char *body, const char *accepted)
{
	*m = (struct ipc_message){ .op = KEEPER_ATTEST, .count = 8 };
	if (a->record == NULL)
		a->record = "{\"tee\":\"snp\",\"verdict\":\"accepted\",\"evidence\":"
			    "\"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\","
			    "\"measurement\":\"00\",\"rules\":[]}";
	if (a->reasons == NULL)
		a->reasons = "{\"strict\":\"require debug == false: saw true\"}";
	if (a->generation == 0)
		a->generation = b->k->generation;
	(void)snprintf(a->members, sizeof a->members,
	    "\"eat_profile\":\"tag:test\",\"cnf\":{\"jwk\":%s},\"submods\":{}", b->workload_public);
	assert_int_equal(
	    EVP_Digest(body, strlen(body), (uint8_t *)a->digest, NULL, EVP_sha256(), NULL), 1);
	m->field[0] = (struct assay_bytes){ ticket, TICKET_SIZE };
	m->field[1] = (struct assay_bytes){ (uint8_t *)a->digest, HASH };
	m->field[2] = bed_bytes(a->members);
	m->field[3] = bed_bytes(b->workload_public);
	m->field[4] = bed_bytes(accepted);
	m->field[5] = ipc_u64((uint8_t *)a->number, a->generation);
	m->field[6] = bed_bytes(a->record);
	m->field[7] = bed_bytes(a->reasons);
}

static inline struct reply
bed_attest(struct bed *b, const uint8_t *ticket, const char *body, const char *accepted)
{
	struct ipc_message m;
	struct bed_attest a = { 0 };

	bed_attest_message(b, &m, &a, ticket, body, accepted);
	return bed_do(b, &m);
}

static inline void
bed_release_message(
    struct ipc_message *m, const uint8_t *ticket, const char *token, const char *path)
{
	*m = (struct ipc_message){ .op = KEEPER_RELEASE, .count = 4 };
	m->field[0] = (struct assay_bytes){ ticket, ticket != NULL ? TICKET_SIZE : 0 };
	m->field[1] = bed_bytes(token != NULL ? token : "");
	m->field[2] = bed_bytes(path);
	m->field[3] = bed_bytes("127.0.0.1");
}

static inline struct reply
bed_release(struct bed *b, const uint8_t *ticket, const char *token, const char *path)
{
	struct ipc_message m;

	bed_release_message(&m, ticket, token, path);
	return bed_do(b, &m);
}

static inline void
bed_base64url(char *out, const uint8_t *in, size_t n)
{
	int len = EVP_EncodeBlock((unsigned char *)out, in, (int)n);

	while (len > 0 && out[len - 1] == '=')
		out[--len] = '\0';
	for (; len > 0; len--)
		out[len - 1] = out[len - 1] == '+' ? '-' : out[len - 1] == '/' ? '_' : out[len - 1];
}

/* What an admin token is bound to. */
struct bed_bond {
	const char *method;
	char path[512];
	uint8_t digest[HASH];
};

/* The request that says this, by REST. */
static inline void
bed_bond(struct bed_bond *bond, const char *verb, const char *args, struct assay_bytes body)
{
	const struct admin_request *r = admin_requests;
	json_t *o = json_loads(args, 0, NULL);
	size_t n, room = sizeof bond->path;
	const char *sep = "?";

	while (r->verb != NULL && strcmp(r->verb, verb) != 0)
		r++;
	assert_non_null(r->verb);
	const char *name = r->name != NULL ? json_string_value(json_object_get(o, r->name)) : NULL;
	bond->method = r->method;
	n = (size_t)snprintf(bond->path, room, "%s%s", r->path, name != NULL ? name : "");
	for (size_t i = 0; i < QUERY_NAMES_MAX && r->parameter[i].name != NULL; i++) {
		const json_t *value = json_object_get(o, r->parameter[i].name);
		if (value == NULL)
			continue;
		n += (size_t)snprintf(bond->path + n, room - n, "%s%s=", sep, r->parameter[i].name);
		assert_true(n < room);
		if (r->parameter[i].number)
			n += (size_t)snprintf(
			    bond->path + n, room - n, "%lld", (long long)json_integer_value(value));
		else
			n += (size_t)snprintf(
			    bond->path + n, room - n, "%s", json_string_value(value));
		assert_true(n < room);
		sep = "&";
	}
	json_decref(o);
	assert_int_equal(EVP_Digest(body.len > 0 ? (const void *)body.ptr : "", body.len,
			     bond->digest, NULL, EVP_sha256(), NULL),
	    1);
}

static inline char *
bed_admin_token(
    struct bed *b, const struct assay_jwk *key, const char *typ, const struct bed_bond *bond)
{
	char text[64], payload[1024];
	struct assay_error err;
	char *token = NULL;

	bed_base64url(text, bond->digest, HASH);
	(void)snprintf(payload, sizeof payload,
	    "{\"aud\":\"%s\",\"iat\":%lld,\"exp\":%lld,\"jti\":\"j%u-%d\",\"htm\":\"%s\",\"htu\":"
	    "\"%s\","
	    "\"sha256\":\"%s\"}",
	    b->aud, (long long)(b->now + b->ahead), (long long)(b->now + b->ahead + b->life),
	    b->jti++, (int)getpid(), bond->method, bond->path, text);
	assert_int_equal(
	    assay_jws_sign(&token, key, typ, false, bed_bytes(payload), &err), ASSAY_OK);
	return token;
}

static inline void
bed_admin_message(struct ipc_message *m, const char *token, const struct bed_bond *bond,
    const char *verb, const char *args, struct assay_bytes body)
{
	*m = (struct ipc_message){ .op = KEEPER_ADMIN_DO, .count = 8 };
	m->field[0] = bed_bytes(token);
	m->field[2] = bed_bytes(bond->method);
	m->field[3] = bed_bytes(bond->path);
	m->field[4] = (struct assay_bytes){ bond->digest, HASH };
	m->field[5] = bed_bytes(verb);
	m->field[6] = bed_bytes(args);
	m->field[7] = body;
}

static inline struct reply
bed_admin_by(struct bed *b, const struct assay_jwk *key, const char *verb, const char *args,
    struct assay_bytes body)
{
	struct ipc_message m;
	struct bed_bond bond;
	struct reply r;

	bed_bond(&bond, verb, args, body);
	char *token = bed_admin_token(b, key, "assay-admin+jwt", &bond);
	bed_admin_message(&m, token, &bond, verb, args, body);
	r = bed_do(b, &m);
	free(token);
	return r;
}

static inline struct reply
bed_admin(struct bed *b, const char *verb, const char *args, const char *body)
{
	return bed_admin_by(b, b->admin, verb, args, bed_bytes(body));
}

/* The same, and its answer as JSON. */
static inline json_t *
bed_admin_json(struct bed *b, const char *verb, const char *args, const char *body)
{
	struct reply r = bed_admin(b, verb, args, body);
	json_t *json;

	if (r.status != KEEPER_DONE)
		print_message("%s: %s\n", verb, r.sentence);
	assert_int_equal(r.status, KEEPER_DONE);
	json = json_loadb((char *)r.data, r.len, 0, NULL);
	assert_non_null(json);
	reply_clear(&r);
	return json;
}

static inline void
bed_secret(struct bed *b, const char *path, const char *policy, const char *body)
{
	char args[256];

	(void)snprintf(args, sizeof args, "{\"path\":\"%s\",\"policy\":\"%s\"}", path, policy);
	json_decref(bed_admin_json(b, "secret.put", args, body));
}

/* --- audit: a second opinion, written from docs/audit.md ----------------------------------- */

/* Walks the whole chain as it is exported, and verifies every head. Returns the rows. */
static inline json_t *
bed_audit(struct bed *b)
{
	json_t *all = json_array();
	uint8_t before[HASH] = { 0 }, data[65536], hash[HASH], *payload;
	char hex[2 * HASH + 1], hashes_hex[2 * HASH + 1], args[64];
	json_int_t after = 0, seq = 0, covered = 0;
	size_t i;

	for (bool more = true; more;) {
		(void)snprintf(args, sizeof args, "{\"after\":%lld,\"limit\":7}", (long long)after);
		json_t *part = bed_admin_json(b, "audit.export", args, ""), *row, *head;
		json_t *hashes = json_object();
		char *set = json_dumps(json_object_get(part, "jwks"), 0);
		struct assay_jwks *keys = NULL;
		struct assay_error err;
		assert_int_equal(assay_jwks_parse(&keys, bed_bytes(set), &err), ASSAY_OK);
		json_array_foreach(json_object_get(part, "rows"), i, row)
		{
			const char *text = json_string_value(json_object_get(row, "row"));
			json_t *parsed = json_loads(text, 0, NULL);
			size_t n = strlen(text);
			assert_true(n < sizeof data - HASH);
			memcpy(data, before, HASH);
			memcpy(data + HASH, text, n);
			assert_int_equal(
			    EVP_Digest(data, HASH + n, hash, NULL, EVP_sha256(), NULL), 1);
			hex_text(hex, hash, HASH);
			assert_string_equal(hex, json_string_value(json_object_get(row, "hash")));
			assert_int_equal(json_integer_value(json_object_get(parsed, "seq")), ++seq);
			memcpy(before, hash, HASH);
			(void)snprintf(args, sizeof args, "%lld", (long long)seq);
			json_object_set_new(hashes, args, json_string(hex));
			json_array_append_new(all, parsed);
		}
		json_array_foreach(json_object_get(part, "heads"), i, head)
		{
			size_t len;
			assert_int_equal(
			    assay_jws_verify(&payload, &len, NULL, keys, "assay-head+jwt",
				bed_bytes(json_string_value(head)), &err),
			    ASSAY_OK);
			json_t *said = json_loadb((char *)payload, len, 0, NULL);
			covered = json_integer_value(json_object_get(said, "rows"));
			(void)snprintf(args, sizeof args, "%lld", (long long)covered);
			(void)snprintf(hashes_hex, sizeof hashes_hex, "%s",
			    json_string_value(json_object_get(hashes, args)));
			assert_string_equal(
			    hashes_hex, json_string_value(json_object_get(said, "hash")));
			json_decref(said);
			free(payload);
		}
		more = json_object_get(part, "next") != NULL;
		after = json_integer_value(json_object_get(part, "next"));
		assay_jwks_free(keys);
		free(set);
		json_decref(hashes);
		json_decref(part);
	}
	return all;
}

/* How many rows have these two members. */
static inline size_t
bed_rows(json_t *rows, const char *kind, const char *name, const char *value)
{
	size_t i, n = 0;
	json_t *row;

	json_array_foreach(rows, i, row)
	{
		const char *k = json_string_value(json_object_get(row, "kind"));
		const char *v = name != NULL ? json_string_value(json_object_get(row, name)) : "";
		n += k != NULL && v != NULL && strcmp(k, kind) == 0 &&
		    (name == NULL || strcmp(v, value) == 0);
	}
	return n;
}

#endif
