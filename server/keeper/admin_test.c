/* SPDX-License-Identifier: Apache-2.0 */
#include "keeper_test.h"

#include "alloc.h"

/* Thumbprints, as far as their form goes. */
#define KID_A "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define KID_B "BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB-_"

static void
refused(struct reply *r, enum keeper_status status, const char *words)
{
	if (r->status != status || strstr(r->sentence, words) == NULL)
		print_message("%d: %s\n", r->status, r->sentence);
	assert_int_equal(r->status, status);
	assert_non_null(strstr(r->sentence, words));
	assert_null(r->data);
	reply_clear(r);
}

static const char *
member(json_t *o, const char *name)
{
	return json_string_value(json_object_get(o, name));
}

/* Made for this test, by openssl req -x509; and the SHA-256 of its key as openssl pkey prints it. */
static const char certificate[] =
    "-----BEGIN CERTIFICATE-----\n"
    "MIIBcTCCARegAwIBAgIUKPK4cKU3pAoNFu0hS4XvbbnJnSEwCgYIKoZIzj0EAwIw\n"
    "DjEMMAoGA1UEAwwDb3BzMB4XDTI2MTEyMTA3NTcxN1oXDTM2MTExODA3NTcxN1ow\n"
    "DjEMMAoGA1UEAwwDb3BzMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAENH7rxD8r\n"
    "K6uNtWoNLkQRislWAg1O4LyQ8V/zEDxSN7Tm8ZvwzQF9ci6g+ohGh6IQx20/5r90\n"
    "TW6uCmshxk0xC6NTMFEwHQYDVR0OBBYEFGOKvSNGZiEfd+IrHegKIIglGSWVMB8G\n"
    "A1UdIwQYMBaAFGOKvSNGZiEfd+IrHegKIIglGSWVMA8GA1UdEwEB/wQFMAMBAf8w\n"
    "CgYIKoZIzj0EAwIDSAAwRQIhAIM04eAx1O9Eez9LZmkgooKVkQIZ9AKCahHUjtLX\n"
    "yVupAiAbuDuIwfWYb73QcbqKKB2p75h2CduYAy61Ls5ixfGqaw==\n"
    "-----END CERTIFICATE-----\n";
static const char certificate_spki[] =
    "2466580b92e4b4d5e2e3b019e1d8a8a4e1821fa9de6a2ee43b9c47ddead6151c";

/* A further admin with a key of its own. */
static struct assay_jwk *
hire(struct bed *b, const char *name, const char *role, const char *alg)
{
	struct assay_jwk *key = NULL;
	struct assay_error err;
	char *jwk = NULL, args[256];

	assert_int_equal(assay_jwk_make(&key, alg, &err), ASSAY_OK);
	assert_int_equal(assay_jwk_json(&jwk, key, NULL, &err), ASSAY_OK);
	(void)snprintf(args, sizeof args, "{\"name\":\"%s\",\"role\":\"%s\"}", name, role);
	json_decref(bed_admin_json(b, "admin.put", args, jwk));
	free(jwk);
	return key;
}

/* Each verb for each role: who may not, hears it before anything is done. */
static void
test_roles(void **context)
{
	static const struct {
		const char *verb, *args;
		enum role least;
	} verbs[] = {
		{ "secret.list", "{}", ROLE_READER },
		{ "secret.history", "{\"path\":\"r/t/a\"}", ROLE_READER },
		{ "policy.list", "{}", ROLE_READER },
		{ "policy.get", "{\"name\":\"p\"}", ROLE_READER },
		{ "reference.list", "{}", ROLE_READER },
		{ "reference.get", "{\"name\":\"v\"}", ROLE_READER },
		{ "audit.list", "{}", ROLE_READER },
		{ "audit.export", "{}", ROLE_READER },
		{ "secret.put", "{\"path\":\"r/t/a\"}", ROLE_OPERATOR },
		{ "policy.put", "{\"name\":\"p\"}", ROLE_OPERATOR },
		{ "reference.put", "{\"name\":\"v\"}", ROLE_OPERATOR },
		{ "collateral.put", "{\"items\":[{\"name\":\"c\",\"size\":4}]}", ROLE_OPERATOR },
		{ "secret.get", "{\"path\":\"r/t/a\"}", ROLE_ADMIN },
		{ "admin.list", "{}", ROLE_ADMIN },
		{ "admin.put", "{\"name\":\"x\",\"role\":\"reader\"}", ROLE_ADMIN },
		{ "key.rotate", "{\"what\":\"token\"}", ROLE_ADMIN },
		{ "admin.rm", "{\"name\":\"x\"}", ROLE_ADMIN },
		{ "policy.rm", "{\"name\":\"p\"}", ROLE_OPERATOR },
		{ "reference.rm", "{\"name\":\"v\"}", ROLE_OPERATOR },
		{ "secret.rm", "{\"path\":\"r/t/a\"}", ROLE_OPERATOR },
	};
	struct bed b;
	struct assay_jwk *keys[4] = { NULL };

	(void)context;
	bed_new(&b);
	keys[ROLE_READER] = hire(&b, "reader", "reader", "ES256");
	keys[ROLE_OPERATOR] = hire(&b, "operator", "operator", "ES384");
	keys[ROLE_ADMIN] = hire(&b, "second", "admin", "EdDSA");
	json_decref(bed_admin_json(&b, "policy.put", "{\"name\":\"p\"}", "policy \"p\"\n"));
	json_decref(bed_admin_json(&b, "reference.put", "{\"name\":\"v\"}", "{}"));
	bed_secret(&b, "r/t/a", "default", "a");
	for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
		for (enum role role = ROLE_READER; role <= ROLE_ADMIN; role++) {
			bool key = strcmp(verbs[i].verb, "admin.put") == 0;
			struct reply r = bed_admin_by(&b, keys[role], verbs[i].verb, verbs[i].args,
			    bed_bytes(key ? certificate : "body"));
			/* What a lesser role has removed, a greater one cannot remove again. */
			bool rm = strstr(verbs[i].verb, ".rm") != NULL && role > verbs[i].least;
			if (role < verbs[i].least)
				refused(&r, KEEPER_ROLE, "is too small for");
			else if (r.status != (rm ? KEEPER_MISSING : KEEPER_DONE))
				fail_msg("%s: %d %s", verbs[i].verb, r.status, r.sentence);
			reply_clear(&r);
		}
	for (enum role role = ROLE_READER; role <= ROLE_ADMIN; role++)
		assay_jwk_free(keys[role]);
	bed_free(&b);
}

/* A token is good for one request of this server's, now, and once. */
static void
test_tokens(void **context)
{
	struct bed b;
	struct reply r;
	struct ipc_message m;
	struct assay_jwk *stranger = NULL;
	struct assay_error err;
	struct bed_bond bond;
	char *token, kid[ASSAY_KID_TEXT], said[160];

	(void)context;
	bed_new(&b);
	assert_int_equal(assay_jwk_make(&stranger, "EdDSA", &err), ASSAY_OK);
	assay_jwk_kid(kid, stranger);
	(void)snprintf(said, sizeof said,
	    "admin token: this server knows no operator's key \"%s\"; give --admin-key FILE", kid);
	r = bed_admin_by(&b, stranger, "secret.list", "{}", bed_bytes(""));
	refused(&r, KEEPER_ADMIN, said);
	assay_jwk_free(stranger);

	/* Our own token keys do not sign for admins. */
	r = bed_admin_by(&b, b.k->token_key, "secret.list", "{}", bed_bytes(""));
	refused(&r, KEEPER_ADMIN, "admin token: ");
	r = bed_admin_by(&b, b.k->audit_key, "secret.list", "{}", bed_bytes(""));
	refused(&r, KEEPER_ADMIN, "admin token: ");

	bed_bond(&bond, "secret.list", "{}", bed_bytes(""));
	token = bed_admin_token(&b, b.admin, "JWT", &bond);
	bed_admin_message(&m, token, &bond, "secret.list", "{}", bed_bytes(""));
	r = bed_do(&b, &m);
	refused(&r, KEEPER_ADMIN, "admin token: ");
	free(token);

	token = bed_admin_token(&b, b.admin, "assay-admin+jwt", &bond);
	bed_admin_message(
	    &m, token, &bond, "secret.list", "{}", bed_bytes("")); /* each of its bonds */
	m.field[2] = bed_bytes("POST");
	r = bed_do(&b, &m);
	refused(&r, KEEPER_ADMIN, "is for another request (htm");
	m.field[2] = bed_bytes("GET");
	m.field[3] = bed_bytes("/v1/admin/keys");
	r = bed_do(&b, &m);
	refused(&r, KEEPER_ADMIN, "is for another request (htm");
	m.field[3] = bed_bytes(bond.path);
	bond.digest[31] ^= 1;
	r = bed_do(&b, &m);
	refused(&r, KEEPER_ADMIN, "is for another request (htm");
	bond.digest[31] ^= 1;
	for (int again = 0; again < 2; again++) {
		r = bed_do(&b, &m);
		if (again)
			refused(&r, KEEPER_ADMIN, "was used before");
		else
			assert_int_equal(r.status, KEEPER_DONE);
		reply_clear(&r);
	}
	/* Also in a batch of its own, after a start, and when it would have expired. */
	bed_stop(&b);
	assert_int_equal(bed_start(&b), 0);
	r = bed_do(&b, &m);
	refused(&r, KEEPER_ADMIN, "was used before");
	b.now += 60;
	r = bed_do(&b, &m);
	refused(&r, KEEPER_ADMIN, "has expired");
	free(token);

	static const struct {
		const char *aud;
		int64_t ahead, life;
		const char *words; /* NULL: good */
	} cases[] = { { "https://kbs.test", 0, 300, NULL },
		{ "https://kbs.test", 0, 301, "more than 300 s" },
		{ "https://kbs.test", 30, 60, NULL },
		{ "https://kbs.test", 31, 60, "from the future" },
		{ "https://kbs.test", -60, 60, "has expired" },
		{ "https://kbs.test", -59, 60, NULL },
		{ "https://kbs.test2", 0, 60, "another server" }, { "", 0, 60, "another server" },
		{ "https://kbs.test", 10, -5, "more than 300 s" } };
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		b.aud = cases[i].aud;
		b.ahead = cases[i].ahead;
		b.life = cases[i].life;
		r = bed_admin(&b, "secret.list", "{}", "");
		if (cases[i].words != NULL)
			refused(&r, KEEPER_ADMIN, cases[i].words);
		else
			assert_int_equal(r.status, KEEPER_DONE);
		reply_clear(&r);
	}
	m.field[0] = m.field[1] = (struct assay_bytes){ NULL, 0 };
	r = bed_do(&b, &m);
	refused(&r, KEEPER_ADMIN, "this needs an admin token");
	m.field[5] = bed_bytes("secret.steal");
	r = bed_do(&b, &m);
	refused(&r, KEEPER_MALFORMED, "no such verb");
	bed_free(&b);
}

/* To ask whether one may is refused as to do it is, and leaves all as it was. */
static void
test_may(void **context)
{
	static const char items[] = "{\"items\":[{\"name\":\"c\",\"size\":4}]}";
	struct bed b;
	struct ipc_message m;
	struct reply r;
	struct bed_bond bond, other;

	(void)context;
	bed_new(&b);
	struct assay_jwk *reader = hire(&b, "reader", "reader", "ES256");
	uint64_t generation = b.k->generation;
	bed_bond(&bond, "collateral.put", items, bed_bytes("body"));
	bed_bond(&other, "collateral.put", items, bed_bytes("other"));
	char *readers = bed_admin_token(&b, reader, "assay-admin+jwt", &bond);
	char *others = bed_admin_token(&b, b.admin, "assay-admin+jwt", &other);
	char *good = bed_admin_token(&b, b.admin, "assay-admin+jwt", &bond);
	const struct {
		const char *token;
		enum keeper_status status;
		const char *words;
	} cases[] = { { "", KEEPER_ADMIN, "needs an admin token" },
		{ "a.b.c", KEEPER_ADMIN, "admin token: " },
		{ readers, KEEPER_ROLE, "is too small for" },
		{ others, KEEPER_ADMIN, "is for another request" }, { good, KEEPER_DONE, "" },
		{ good, KEEPER_DONE, "" } };
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		bed_admin_message(
		    &m, cases[i].token, &bond, "collateral.put", items, bed_bytes("body"));
		m.op = KEEPER_ADMIN_MAY;
		r = bed_do(&b, &m);
		refused(&r, cases[i].status, cases[i].words);
		assert_true(b.k->generation == generation);
	}
	m.op = KEEPER_ADMIN_DO;
	r = bed_do(&b, &m);
	assert_int_equal(r.status, KEEPER_DONE);
	assert_true(b.k->generation > generation);
	reply_clear(&r);
	free(readers);
	free(others);
	free(good);
	assay_jwk_free(reader);
	bed_free(&b);
}

/* The times of a token are its author's: neither wraps what is counted with them. */
static void
test_token_times(void **context)
{
	static const struct {
		const char *iat, *exp;
		const char *words; /* NULL: good */
	} cases[] = {
		{ "-9000000000000000000", "1000000000000000000", "is no time" },
		{ "-9223372036854775808", "1795250060", "is no time" },
		{ "-1", "1795250060", "is no time" },
		{ "-0.5", "1795250060", "is no time" },
		{ "0", "253402300799", "more than 300 s" },
		{ "0", "253402300800", "is no time" },
		{ "1795250000", "9223372036854775807", "is no time" },
		{ "1795250000", "1e300", "is no time" },
		{ "1795250000", "-9223372036854775808", "is no time" },
		{ "1795250000", "\"1795250060\"", "is no time" },
		{ "1795250000", "null", "is no time" },
		{ "9223372036854775807", "1795250060", "is no time" },
		{ "253402300799", "253402300799", "from the future" },
		{ "1795250000.5", "1795250000.5", "has expired" },
		{ "1795249999.5", "1795250300.5", "more than 300 s" },
		{ "1795250000.5", "1795250300.9", NULL },
		{ "1795250000.0", "1.79525006e9", NULL },
	};
	struct bed b;
	struct ipc_message m;
	struct assay_error err;
	struct bed_bond bond;
	char payload[512], *token;

	(void)context;
	bed_new(&b);
	bed_bond(&bond, "secret.list", "{}", bed_bytes(""));
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		(void)snprintf(payload, sizeof payload,
		    "{\"aud\":\"%s\",\"iat\":%s,\"exp\":%s,\"jti\":\"j%zu\",\"htm\":\"GET\","
		    "\"htu\":"
		    "\"/v1/admin/"
		    "secrets\",\"sha256\":\"47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU\"}",
		    b.aud, cases[i].iat, cases[i].exp, i);
		assert_int_equal(assay_jws_sign(&token, b.admin, "assay-admin+jwt", false,
				     bed_bytes(payload), &err),
		    ASSAY_OK);
		bed_admin_message(&m, token, &bond, "secret.list", "{}", bed_bytes(""));
		struct reply r = bed_do(&b, &m);
		if (cases[i].words != NULL)
			refused(&r, KEEPER_ADMIN, cases[i].words);
		else
			assert_int_equal(r.status, KEEPER_DONE);
		reply_clear(&r);
		free(token);
	}
	bed_free(&b);
}

/* A token is good for what its request says: a front that says something else is not believed. */
static void
test_bonds(void **context)
{
	static const struct {
		const char *verb, *args, *body;              /* what the token is for, */
		const char *asked, *asked_args, *asked_body; /* and what the front asks for */
	} cases[] = {
		{ "secret.list", "{}", "", "admin.put", "{\"name\":\"x\",\"role\":\"admin\"}",
		    certificate },
		{ "secret.history", "{\"path\":\"r/t/a\"}", "", "secret.get",
		    "{\"path\":\"r/t/a\"}", "" },
		{ "policy.put", "{\"name\":\"p\"}", "policy \"p\"\n", "reference.put",
		    "{\"name\":\"p\"}", "policy \"p\"\n" },
		{ "secret.get", "{\"path\":\"r/t/a\"}", "", "secret.get", "{\"path\":\"r/t/b\"}",
		    "" },
		{ "secret.get", "{\"path\":\"r/t/a\"}", "", "secret.get",
		    "{\"path\":\"r/t/a\",\"version\":1}", "" },
		{ "secret.get", "{\"path\":\"r/t/a\",\"version\":1}", "", "secret.get",
		    "{\"path\":\"r/t/a\",\"version\":2}", "" },
		{ "secret.get", "{\"path\":\"r/t/a\",\"version\":1}", "", "secret.get",
		    "{\"path\":\"r/t/a\",\"version\":\"1\"}", "" },
		{ "key.rotate", "{\"what\":\"token\"}", "", "key.rotate", "{\"what\":\"master\"}",
		    "" },
		{ "secret.put", "{\"path\":\"r/t/a\"}", "x", "secret.put", "{\"path\":\"r/t/a\"}",
		    "y" },
		{ "secret.put", "{\"path\":\"r/t/a\",\"policy\":\"strict\"}", "x", "secret.put",
		    "{\"path\":\"r/t/a\"}", "x" },
		{ "secret.put", "{\"path\":\"r/t/a\",\"policy\":\"strict\"}", "x", "secret.put",
		    "{\"path\":\"r/t/a\",\"policy\":\"genuine\"}", "x" },
		{ "secret.put", "{\"path\":\"r/t/a\",\"policy\":\"5\"}", "x", "secret.put",
		    "{\"path\":\"r/t/a\",\"policy\":5}", "x" },
		{ "secret.put", "{\"path\":\"r/t/a\",\"expect_version\":7}", "x", "secret.put",
		    "{\"path\":\"r/t/a\"}", "x" },
		{ "policy.put", "{\"name\":\"p\"}", "policy \"p\"\n", "policy.put",
		    "{\"name\":\"p\"}", "policy \"q\"\n" },
		{ "reference.put", "{\"name\":\"v\"}", "{}", "reference.put", "{\"name\":\"v\"}",
		    "{ }" },
		{ "reference.put", "{\"name\":\"v\"}", "{}", "reference.put",
		    "{\"name\":\"v\",\"signer\":\"A\"}", "{}" },
		{ "secret.rm", "{\"path\":\"r/t/a\"}", "", "secret.rm",
		    "{\"path\":\"r/t/a\",\"launch\":\"A\"}", "" },
		{ "admin.put", "{\"name\":\"x\",\"role\":\"reader\"}", certificate, "admin.put",
		    "{\"name\":\"x\",\"role\":\"admin\"}", certificate },
		{ "admin.put", "{\"name\":\"x\",\"role\":\"reader\"}", "another", "admin.put",
		    "{\"name\":\"x\",\"role\":\"reader\"}", certificate },
	};
	struct bed b;

	(void)context;
	bed_new(&b);
	json_decref(bed_admin_json(&b, "policy.put", "{\"name\":\"strict\"}", "policy \"p\"\n"));
	json_decref(bed_admin_json(&b, "policy.put", "{\"name\":\"5\"}", "policy \"p\"\n"));
	bed_secret(&b, "r/t/a", "default", "1");
	bed_secret(&b, "r/t/a", "default", "2");
	bed_secret(&b, "r/t/b", "default", "b");
	const struct chain before = b.k->chain;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct bed_bond bond;
		struct ipc_message m;
		bed_bond(&bond, cases[i].verb, cases[i].args, bed_bytes(cases[i].body));
		char *token = bed_admin_token(&b, b.admin, "assay-admin+jwt", &bond);
		bed_admin_message(&m, token, &bond, cases[i].asked, cases[i].asked_args,
		    bed_bytes(cases[i].asked_body));
		struct reply r = bed_do(&b, &m);
		if (r.status == KEEPER_DONE)
			print_message("%zu: %s\n", i, cases[i].asked);
		refused(&r, KEEPER_ADMIN, "is for another request than this");
		free(token);
	}
	assert_int_equal(b.k->chain.seq, before.seq);
	bed_free(&b);
}

/* The protocol of Confidential Containers says some of the verbs in another way. */
static void
test_kbs_bonds(void **context)
{
	static const struct {
		const char *method, *path, *verb, *args, *body;
		bool good;
	} cases[] = {
		{ "POST", "/kbs/v0/resource/r/t/a", "secret.put", "{\"path\":\"r/t/a\"}", "x",
		    true },
		{ "POST", "/kbs/v0/resource/r/t/a?policy=genuine", "secret.put",
		    "{\"path\":\"r/t/a\",\"policy\":\"genuine\"}", "x", true },
		{ "POST", "/kbs/v0/resource/r/t/a", "secret.put", "{\"path\":\"r/t/b\"}", "x",
		    false },
		{ "POST", "/kbs/v0/resource/r/t/a", "secret.rm", "{\"path\":\"r/t/a\"}", "x",
		    false },
		{ "DELETE", "/kbs/v0/resource/r/t/a", "secret.rm", "{\"path\":\"r/t/a\"}", "",
		    true },
		{ "GET", "/kbs/v0/resource/r/t/a", "secret.get", "{\"path\":\"r/t/a\"}", "",
		    false },
		{ "PUT", "/v1/admin/secretsr/t/a", "secret.put", "{\"path\":\"r/t/a\"}", "x",
		    false },
		{ "GET", "/v1/admin/secretsx", "secret.list", "{}", "", false },
		{ "GET", "/v1/admin/secrets?a=b", "secret.list", "{}", "", false },
		{ "GET", "/nowhere", "secret.list", "{}", "", false },
		{ "GET", "/v1/admin/secrets", "secret.list", "{}", "", true },
	};
	struct bed b;

	(void)context;
	bed_new(&b);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct bed_bond bond;
		struct ipc_message m;
		bed_bond(&bond, cases[i].verb, cases[i].args, bed_bytes(cases[i].body));
		bond.method = cases[i].method;
		(void)snprintf(bond.path, sizeof bond.path, "%s", cases[i].path);
		char *token = bed_admin_token(&b, b.admin, "assay-admin+jwt", &bond);
		bed_admin_message(
		    &m, token, &bond, cases[i].verb, cases[i].args, bed_bytes(cases[i].body));
		struct reply r = bed_do(&b, &m);
		if (!cases[i].good)
			refused(&r, KEEPER_ADMIN, "is for another request than this");
		else if (r.status != KEEPER_DONE)
			fail_msg("%zu: %d %s", i, r.status, r.sentence);
		reply_clear(&r);
		free(token);
	}
	bed_free(&b);
}

static void
test_certificate(void **context)
{
	struct bed b;
	struct ipc_message m;
	struct bed_bond bond;
	uint8_t spki[HASH];
	struct reply r;

	(void)context;
	bed_new(&b);
	assert_true(hex_bytes(spki, HASH, bed_bytes(certificate_spki)));
	bed_bond(&bond, "secret.list", "{}", bed_bytes(""));
	bed_admin_message(&m, "", &bond, "secret.list", "{}", bed_bytes(""));
	m.field[1] = (struct assay_bytes){ spki, HASH };
	r = bed_do(&b, &m);
	refused(&r, KEEPER_ADMIN, "this needs an admin token");
	json_decref(bed_admin_json(
	    &b, "admin.put", "{\"name\":\"ops\",\"role\":\"operator\"}", certificate));
	json_t *log = bed_admin_json(&b, "audit.list", "{}", ""),
	       *rows = json_object_get(log, "rows");
	assert_string_equal(member(json_array_get(rows, json_array_size(rows) - 1), "certificate"),
	    certificate_spki);
	json_decref(log);
	r = bed_do(&b, &m);
	assert_int_equal(r.status, KEEPER_DONE);
	reply_clear(&r);
	m.field[5] = bed_bytes("admin.list");
	r = bed_do(&b, &m);
	refused(&r, KEEPER_ROLE, "too small");
	/* One certificate is one operator: else he who is removed stays in by the other name. */
	r = bed_admin(&b, "admin.put", "{\"name\":\"twin\",\"role\":\"admin\"}", certificate);
	refused(&r, KEEPER_CONFLICT, "this key is the admin ops already");
	json_decref(
	    bed_admin_json(&b, "admin.put", "{\"name\":\"ops\",\"role\":\"reader\"}", certificate));
	/* A bad token beside a good certificate is not passed over. */
	m.field[5] = bed_bytes("secret.list");
	m.field[0] = bed_bytes("a.b.c");
	r = bed_do(&b, &m);
	refused(&r, KEEPER_ADMIN, "admin token: ");
	spki[0] ^= 1;
	m.field[0] = bed_bytes("");
	r = bed_do(&b, &m);
	refused(&r, KEEPER_ADMIN, "this needs an admin token");
	r = bed_admin(&b, "admin.put", "{\"name\":\"x\",\"role\":\"admin\"}",
	    "-----BEGIN CERTIFICATE-----\nno");
	refused(&r, KEEPER_MALFORMED, "the certificate is damaged");
	json_decref(bed_admin_json(&b, "admin.rm", "{\"name\":\"ops\"}", ""));
	spki[0] ^= 1;
	r = bed_do(&b, &m);
	refused(&r, KEEPER_ADMIN, "this needs an admin token");
	json_decref(
	    bed_admin_json(&b, "admin.put", "{\"name\":\"twin\",\"role\":\"admin\"}", certificate));
	bed_free(&b);
}

static void
test_secrets(void **context)
{
	static const char *const paths[] = { "", "a/b", "a/b/c/d", "a//c", "/a/b", "a/b/", "a/b/.c",
		"a/../c", "a/b/c d", "a/b/\\u00e9", "a%2f/b/c" };
	struct bed b;
	struct reply r;
	json_t *o;
	char args[256];

	(void)context;
	bed_new(&b);
	for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
		(void)snprintf(args, sizeof args, "{\"path\":\"%s\"}", paths[i]);
		r = bed_admin(&b, "secret.put", args, "x");
		refused(&r, KEEPER_MALFORMED, "path: must be REPO/TYPE/TAG");
	}
	/* What no guest could ask for is not kept. */
	static const int lengths[][4] = { { 128, 120, 6, 1 }, { 128, 120, 5, 0 },
		{ 129, 1, 1, 1 } };
	for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
		char longest[512];
		(void)snprintf(longest, sizeof longest, "{\"path\":\"%0*d/%0*d/%0*d\"}",
		    lengths[i][0], 0, lengths[i][1], 0, lengths[i][2], 0);
		r = bed_admin(&b, "secret.put", longest, "x");
		if (lengths[i][3])
			refused(&r, KEEPER_MALFORMED, "at most 255 bytes, and 128 in a part");
		else
			json_decref(bed_admin_json(&b, "secret.rm", longest, ""));
		reply_clear(&r);
	}
	r = bed_admin(&b, "secret.put", "{\"path\":\"r/t/a\"}", "");
	refused(&r, KEEPER_MALFORMED, "has 0 bytes");
	r = bed_admin(&b, "secret.put", "{\"path\":\"r/t/a\",\"policy\":\"nowhere\"}", "x");
	refused(&r, KEEPER_MISSING, "there is no policy \"nowhere\"");
	r = bed_admin(&b, "secret.put", "{\"path\":\"r/t/a\",\"expect_version\":1}", "x");
	refused(&r, KEEPER_CONFLICT, "has version 0");
	o = bed_admin_json(&b, "secret.put", "{\"path\":\"r/t/a\",\"expect_version\":0}", "one");
	assert_string_equal(member(o, "policy"), "default");
	json_decref(o);
	o = bed_admin_json(
	    &b, "secret.put", "{\"path\":\"r/t/a\",\"policy\":\"genuine\"}", "three");
	assert_int_equal(json_integer_value(json_object_get(o, "version")), 2);
	json_decref(o);
	r = bed_admin(&b, "secret.put", "{\"path\":\"r/t/a\",\"expect_version\":1}", "x");
	refused(&r, KEEPER_CONFLICT, "has version 2");

	r = bed_admin(&b, "secret.get", "{\"path\":\"r/t/a\"}", "");
	assert_int_equal(r.len, 5);
	assert_memory_equal(r.data, "three", 5);
	reply_clear(&r);
	r = bed_admin(&b, "secret.get", "{\"path\":\"r/t/a\",\"version\":1}", "");
	assert_memory_equal(r.data, "one", 3);
	reply_clear(&r);
	r = bed_admin(&b, "secret.get", "{\"path\":\"r/t/a\",\"version\":3}", "");
	refused(&r, KEEPER_MISSING, "no such version");

	o = bed_admin_json(&b, "secret.list", "{}", "");
	json_t *row = json_array_get(json_object_get(o, "secrets"), 0);
	assert_int_equal(json_array_size(json_object_get(o, "secrets")), 1);
	assert_string_equal(member(row, "path"), "r/t/a");
	assert_string_equal(member(row, "policy"), "genuine");
	assert_string_equal(member(row, "created"), "2026-11-21T08:33:20Z");
	assert_int_equal(json_integer_value(json_object_get(row, "size")), 5);
	json_decref(o);

	/* Removed, and put again: no version number is given twice. */
	o = bed_admin_json(&b, "secret.rm", "{\"path\":\"r/t/a\"}", "");
	assert_int_equal(json_integer_value(json_object_get(o, "versions")), 2);
	json_decref(o);
	r = bed_admin(&b, "secret.rm", "{\"path\":\"r/t/a\"}", "");
	refused(&r, KEEPER_MISSING, "there is no secret \"r/t/a\"");
	r = bed_admin(&b, "secret.get", "{\"path\":\"r/t/a\"}", "");
	refused(&r, KEEPER_MISSING, "there is no secret \"r/t/a\"");
	o = bed_admin_json(&b, "secret.put", "{\"path\":\"r/t/a\"}", "again");
	assert_int_equal(json_integer_value(json_object_get(o, "version")), 3);
	json_decref(o);
	o = bed_admin_json(&b, "secret.history", "{\"path\":\"r/t/a\"}", "");
	assert_int_equal(json_array_size(json_object_get(o, "versions")), 1);
	/* put, put, get, get, rm, put: the newest first */
	assert_int_equal(json_array_size(json_object_get(o, "releases")), 6);
	assert_string_equal(
	    member(json_array_get(json_object_get(o, "releases"), 0), "verb"), "secret.put");
	assert_string_equal(
	    member(json_array_get(json_object_get(o, "releases"), 1), "verb"), "secret.rm");
	json_decref(o);
	r = bed_admin(&b, "secret.history", "{\"path\":\"r/t/none\"}", "");
	refused(&r, KEEPER_MISSING, "there is no secret");
	for (size_t i = 0; i < 3; i++) {
		static const char *const bad[] = { "", "[]",
			"{\"path\":\"r/t/a\",\"path\":\"r/t/b\"}" };
		r = bed_admin(&b, "secret.rm", bad[i], "");
		refused(&r, KEEPER_MALFORMED, "arguments are no JSON object");
	}

	/* The greatest one, and one more. */
	char *big = calloc(1, SECRET_MAX + 1);
	assert_non_null(big);
	r = bed_admin_by(&b, b.admin, "secret.put", "{\"path\":\"r/t/big\"}",
	    (struct assay_bytes){ (uint8_t *)big, SECRET_MAX });
	assert_int_equal(r.status, KEEPER_DONE);
	reply_clear(&r);
	r = bed_admin_by(&b, b.admin, "secret.put", "{\"path\":\"r/t/big\"}",
	    (struct assay_bytes){ (uint8_t *)big, SECRET_MAX + 1 });
	refused(&r, KEEPER_MALFORMED, "has 1048577 bytes");
	free(big);

	/* Not a byte of it in the file. */
	char command[256];
	(void)snprintf(command, sizeof command, "grep -qE 'again|three' %s/assayd.db*", b.folder);
	assert_int_not_equal(system(command), 0);
	bed_free(&b);
}

static void
test_policies(void **context)
{
	struct bed b;
	struct reply r;
	json_t *o;

	(void)context;
	bed_new(&b);
	r = bed_admin(&b, "policy.put", "{\"name\":\"../x\"}", "p");
	refused(&r, KEEPER_MALFORMED, "name: must be");
	r = bed_admin(&b, "policy.put", "{\"name\":\"p\"}", "");
	refused(&r, KEEPER_MALFORMED, "must be text");
	r = bed_admin(&b, "policy.put", "{\"name\":\"p\"}", "\xff\xfe");
	refused(&r, KEEPER_MALFORMED, "must be text");
	json_decref(bed_admin_json(&b, "policy.put", "{\"name\":\"p\"}", "one"));
	bed_secret(&b, "r/t/a", "p", "a");
	bed_secret(&b, "r/t/b", "default", "b");
	o = bed_admin_json(&b, "policy.put", "{\"name\":\"p\"}", "two");
	assert_int_equal(json_integer_value(json_object_get(o, "version")), 2);
	assert_int_equal(json_array_size(json_object_get(o, "secrets")), 1);
	assert_string_equal(
	    json_string_value(json_array_get(json_object_get(o, "secrets"), 0)), "r/t/a");
	json_decref(o);
	o = bed_admin_json(&b, "policy.get", "{\"name\":\"p\",\"version\":1}", "");
	assert_string_equal(member(o, "text"), "one");
	json_decref(o);
	o = bed_admin_json(&b, "policy.get", "{\"name\":\"p\"}", "");
	assert_string_equal(member(o, "text"), "two");
	json_decref(o);
	o = bed_admin_json(&b, "policy.list", "{}", "");
	assert_int_equal(json_array_size(json_object_get(o, "policies")), 1);
	json_decref(o);
	r = bed_admin(&b, "policy.rm", "{\"name\":\"p\"}", "");
	refused(&r, KEEPER_CONFLICT, "1 secrets name this policy, \"r/t/a\" first");
	/* Only an older version names it: it can go. */
	bed_secret(&b, "r/t/a", "default", "a2");
	json_decref(bed_admin_json(&b, "policy.rm", "{\"name\":\"p\"}", ""));
	r = bed_admin(&b, "policy.rm", "{\"name\":\"p\"}", "");
	refused(&r, KEEPER_MISSING, "there is no policy \"p\"");
	bed_free(&b);
}

/* --- VCEKs ------------------------------------------------------------------------------- */

static struct reply
fetched(struct bed *b, const char *name, const char *bytes, const char *out)
{
	struct ipc_message m = { .op = KEEPER_COLLATERAL, .count = out != NULL ? 3 : 2 };

	m.field[0] = bed_bytes(bytes);
	m.field[1] = bed_bytes(name);
	m.field[2] = bed_bytes(out != NULL ? out : "");
	return bed_do(b, &m);
}

/* "name" of what is in the view, with a star if it was fetched. */
static void
listed(struct bed *b, char out[256])
{
	struct ipc_message m = { .op = KEEPER_VIEW };
	struct reply r = bed_do(b, &m);
	json_t *view = json_loadb((char *)r.data, r.len, 0, NULL), *item;
	size_t i;

	out[0] = '\0';
	json_array_foreach(json_object_get(view, "collateral"), i, item)
	{
		(void)strcat(out, json_string_value(json_object_get(item, "name")));
		(void)strcat(out, json_is_true(json_object_get(item, "fetched")) ? "* " : " ");
	}
	json_decref(view);
	reply_clear(&r);
}

/* What strangers have fetched comes and goes without a trace; what was pushed stays. */
static void
test_vceks(void **context)
{
	static const struct {
		const char *name, *bytes, *out;
		enum keeper_status status;
		const char *left;
	} cases[] = {
		{ "vcek-a", "1", NULL, KEEPER_DONE, "vcek-a* " },
		{ "vcek-b", "1", NULL, KEEPER_DONE, "vcek-a* vcek-b* " },
		{ "vcek-c", "1", "vcek-a", KEEPER_DONE, "vcek-b* vcek-c* " },
		{ "vcek-d", "1", "vcek-a", KEEPER_DONE, "vcek-b* vcek-c* vcek-d* " },
		{ "vcek-a", "1", "vcek-b", KEEPER_DONE, "vcek-a* vcek-c* vcek-d* " },
		/* It is there already: nothing goes. */
		{ "vcek-a", "1", "vcek-c", KEEPER_DONE, "vcek-a* vcek-c* vcek-d* " },
		{ "vcek-a", "2", "vcek-a", KEEPER_MALFORMED, "vcek-a* vcek-c* vcek-d* " },
		{ "milan.crl", "1", "vcek-a", KEEPER_MALFORMED, "vcek-a* vcek-c* vcek-d* " },
		{ "vcek-e", "1", "milan.crl", KEEPER_MALFORMED, "vcek-a* vcek-c* vcek-d* " },
		{ "vcek-e", "1", "../e", KEEPER_MALFORMED, "vcek-a* vcek-c* vcek-d* " },
	};
	struct bed b;
	struct reply r;
	char names[256];
	json_t *rows, *item;
	size_t before;

	(void)context;
	bed_new(&b);
	rows = bed_audit(&b);
	before = json_array_size(rows);
	json_decref(rows);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		r = fetched(&b, cases[i].name, cases[i].bytes, cases[i].out);
		listed(&b, names);
		if (r.status != cases[i].status || strcmp(names, cases[i].left) != 0)
			fail_msg("%zu: %d %s %s", i, (int)r.status, r.sentence, names);
		reply_clear(&r);
	}
	rows = bed_audit(&b);
	assert_int_equal(json_array_size(rows), before);
	json_decref(rows);
	/* A name that went has left no number. */
	item = bed_admin_json(
	    &b, "collateral.put", "{\"items\":[{\"name\":\"vcek-b\",\"size\":1}]}", "9");
	json_decref(item);
	json_decref(bed_admin_json(
	    &b, "collateral.put", "{\"items\":[{\"name\":\"vcek-c\",\"size\":1}]}", "1"));
	listed(&b, names);
	assert_string_equal(names, "vcek-a* vcek-b vcek-c vcek-d* ");
	for (size_t i = 0; i < 2; i++) {
		r = fetched(&b, i == 0 ? "vcek-e" : "vcek-f", "1", i == 0 ? "vcek-b" : "vcek-c");
		assert_int_equal(r.status, KEEPER_DONE);
		reply_clear(&r);
	}
	r = fetched(&b, "vcek-b", "newer", NULL); /* and is still the operator's */
	assert_int_equal(r.status, KEEPER_DONE);
	reply_clear(&r);
	listed(&b, names);
	assert_string_equal(names, "vcek-a* vcek-b vcek-c vcek-d* vcek-e* vcek-f* ");
	rows = bed_audit(&b);
	item = json_array_get(rows, json_array_size(rows) - 1);
	assert_string_equal(json_string_value(json_object_get(item, "name")), "vcek-b");
	assert_int_equal(json_integer_value(json_object_get(item, "version")), 2);
	json_decref(rows);
	bed_free(&b);
}

/* The view is what the front judges by. */
static void
test_view(void **context)
{
	struct bed b;
	struct ipc_message m = { .op = KEEPER_COLLATERAL, .count = 2 };
	struct reply r;
	json_t *view;
	uint64_t generation;
	size_t tickets;

	(void)context;
	bed_new(&b);
	json_decref(bed_admin_json(&b, "policy.put", "{\"name\":\"p\"}", "text"));
	json_decref(bed_admin_json(&b, "reference.put",
	    "{\"name\":\"web\",\"signer\":\"" KID_A "\",\"expires\":\"2027-01-01T00:00:00Z\"}",
	    "{\"a\":1}"));
	m.field[0] = bed_bytes("\x30\x01");
	m.field[1] = bed_bytes("milan.crl");
	for (int again = 0; again < 2; again++) { /* the same again is no change */
		generation = b.k->generation;
		r = bed_do(&b, &m);
		assert_int_equal(r.status, KEEPER_DONE);
		assert_int_equal(b.k->generation - generation, !again);
		reply_clear(&r);
	}
	static const char *const floors[] = {
		"{\"evaluation\":17,\"crl\":{\"ARK \\\"Milan\\\"\":5}}",
		"{\"evaluation\":16,\"crl\":{\"ARK \\\"Milan\\\"\":5}}",
		"{\"crl\":{\"ARK \\\"Milan\\\"\":4,\"x\":\"y\"}}", "{}",
		"{\"crl\":{\"ARK \\\"Milan\\\"\":6}}"
	};
	for (size_t i = 0; i < 5; i++) {
		struct ipc_message f = {
			.op = KEEPER_FLOORS, .count = 1, .field = { bed_bytes(floors[i]) }
		};
		generation = b.k->generation;
		r = bed_do(&b, &f);
		assert_int_equal(r.status, KEEPER_DONE);
		assert_int_equal(b.k->generation - generation, i == 0 || i == 4);
		reply_clear(&r);
	}
	bed_stop(&b);
	assert_int_equal(bed_start(&b), 0);
	m = (struct ipc_message){ .op = KEEPER_VIEW };
	r = bed_do(&b, &m);
	assert_int_equal(r.status, KEEPER_DONE);
	view = json_loadb((char *)r.data, r.len, 0, NULL);
	assert_int_equal(json_integer_value(json_object_get(view, "generation")), b.k->generation);
	assert_string_equal(member(view, "issuer"), "https://assay.test");
	assert_string_equal(member(view, "audience"), "https://kbs.test");
	assert_int_equal(json_integer_value(json_object_get(view, "ticket_life_s")), 300);
	assert_int_equal(json_integer_value(json_object_get(view, "token_life_s")), 300);
	assert_true(json_is_false(json_object_get(view, "sample")));
	json_t *o = json_array_get(json_object_get(view, "policies"), 0);
	assert_string_equal(member(o, "name"), "p");
	assert_string_equal(member(o, "text"), "text");
	assert_int_equal(json_integer_value(json_object_get(o, "version")), 1);
	o = json_array_get(json_object_get(view, "references"), 0);
	assert_string_equal(member(o, "name"), "web");
	assert_string_equal(member(o, "document"), "{\"a\":1}");
	assert_string_equal(member(o, "expires"), "2027-01-01T00:00:00Z");
	o = json_array_get(json_object_get(view, "collateral"), 0);
	assert_string_equal(member(o, "name"), "milan.crl");
	assert_string_equal(member(o, "bytes"), "MAE=");
	o = json_object_get(view, "floors");
	assert_int_equal(json_integer_value(json_object_get(o, "evaluation")), 17);
	assert_int_equal(
	    json_integer_value(json_object_get(json_object_get(o, "crl"), "ARK \"Milan\"")), 6);
	o = json_object_get(view, "tickets");
	tickets = json_array_size(o);
	assert_int_equal(tickets, 3);
	for (size_t i = 0; i < tickets; i++) {
		uint8_t want[TICKET_KEY];
		char hex[2 * TICKET_KEY + 1];
		uint32_t epoch = (uint32_t)(b.now / TICKET_EPOCH_S + (int64_t)i - 1);
		assert_int_equal(
		    json_integer_value(json_object_get(json_array_get(o, i), "epoch")), epoch);
		assert_true(ticket_key_derive(want, b.k->root, epoch));
		hex_text(hex, want, TICKET_KEY);
		assert_string_equal(member(json_array_get(o, i), "key"), hex);
	}
	/* No private key in what is published. */
	o = json_array_get(json_object_get(json_object_get(view, "jwks"), "keys"), 0);
	assert_string_equal(member(o, "alg"), "ES256");
	assert_string_equal(member(o, "use"), "sig");
	assert_non_null(member(o, "kid"));
	assert_null(json_object_get(o, "d"));
	json_decref(view);
	reply_clear(&r);
	bed_free(&b);
}

static void
test_admins(void **context)
{
	struct bed b;
	struct reply r;
	struct assay_jwk *second, *third;
	char *jwk = NULL, *pem = NULL;
	struct assay_error err;

	(void)context;
	bed_new(&b);
	second = hire(&b, "second", "admin", "ES256");
	r = bed_admin(&b, "admin.rm", "{\"name\":\"first\"}", "");
	refused(&r, KEEPER_CONFLICT, "nobody removes himself");
	assert_int_equal(assay_jwk_json(&jwk, b.admin, NULL, &err), ASSAY_OK);
	r = bed_admin(&b, "admin.put", "{\"name\":\"first\",\"role\":\"reader\"}", jwk);
	refused(&r, KEEPER_CONFLICT, "nobody takes the role admin from himself");
	r = bed_admin(&b, "admin.put", "{\"name\":\"other\",\"role\":\"reader\"}", jwk);
	refused(&r, KEEPER_CONFLICT, "this key is the admin first already");
	r = bed_admin(&b, "admin.put", "{\"name\":\"x\",\"role\":\"king\"}", jwk);
	refused(&r, KEEPER_MALFORMED, "role: must be");
	r = bed_admin(&b, "admin.put", "{\"name\":\"x\",\"role\":\"admin\"}", "");
	refused(&r, KEEPER_MALFORMED, "is no JSON");
	assert_int_equal(assay_jwk_private_pem(&pem, second, &err), ASSAY_OK);
	r = bed_admin(&b, "admin.put", "{\"name\":\"x\",\"role\":\"admin\"}", pem);
	refused(&r, KEEPER_MALFORMED, "is a private key");
	free(pem);
	r = bed_admin(&b, "admin.put", "{\"name\":\"x\",\"role\":\"admin\"}", b.workload_public);
	refused(&r, KEEPER_MALFORMED, "ES256, ES384 or EdDSA");

	/* The first one's key is replaced by the second; from then on the old one is a stranger's. */
	third = NULL;
	assert_int_equal(assay_jwk_make(&third, "EdDSA", &err), ASSAY_OK);
	free(jwk);
	assert_int_equal(assay_jwk_json(&jwk, third, NULL, &err), ASSAY_OK);
	r = bed_admin_by(
	    &b, second, "admin.put", "{\"name\":\"first\",\"role\":\"admin\"}", bed_bytes(jwk));
	assert_int_equal(r.status, KEEPER_DONE);
	reply_clear(&r);
	r = bed_admin(&b, "secret.list", "{}", "");
	refused(&r, KEEPER_ADMIN, "admin token: ");
	r = bed_admin_by(&b, third, "admin.rm", "{\"name\":\"second\"}", bed_bytes(""));
	assert_int_equal(r.status, KEEPER_DONE);
	reply_clear(&r);
	r = bed_admin_by(&b, second, "secret.list", "{}", bed_bytes(""));
	refused(&r, KEEPER_ADMIN, "admin token: ");
	r = bed_admin_by(&b, third, "admin.list", "{}", bed_bytes(""));
	json_t *o = json_loadb((char *)r.data, r.len, 0, NULL);
	assert_int_equal(json_array_size(json_object_get(o, "admins")), 1);
	json_decref(o);
	reply_clear(&r);
	free(jwk);
	assay_jwk_free(second);
	assay_jwk_free(third);
	bed_free(&b);
}

static void
test_audit_list(void **context)
{
	struct bed b;
	json_t *o;
	char args[128];

	(void)context;
	bed_new(&b);
	for (int i = 0; i < 10; i++) {
		bed_secret(&b, i % 2 == 0 ? "r/t/even" : "r/t/odd", "default", "x");
		b.now += 10;
	}
	o = bed_admin_json(&b, "audit.list", "{\"resource\":\"r/t/odd\"}", "");
	assert_int_equal(json_array_size(json_object_get(o, "rows")), 5);
	assert_null(json_object_get(o, "next"));
	json_decref(o);
	(void)snprintf(args, sizeof args, "{\"since\":%lld,\"resource\":\"r/t/odd\"}",
	    (long long)BED_NOW + 50);
	o = bed_admin_json(&b, "audit.list", args, "");
	assert_int_equal(json_array_size(json_object_get(o, "rows")), 3);
	json_decref(o);
	(void)snprintf(args, sizeof args, "{\"since\":%lld}", (long long)BED_NOW + 5000);
	o = bed_admin_json(&b, "audit.list", args, "");
	assert_int_equal(json_array_size(json_object_get(o, "rows")), 0);
	json_decref(o);
	o = bed_admin_json(&b, "audit.list", "{\"limit\":3,\"after\":2}", "");
	assert_int_equal(json_array_size(json_object_get(o, "rows")), 3);
	assert_int_equal(json_integer_value(json_object_get(o, "next")), 5);
	json_t *row = json_array_get(json_object_get(o, "rows"), 0);
	assert_int_equal(json_integer_value(json_object_get(row, "seq")), 3);
	assert_string_equal(member(row, "kind"), "admin");
	assert_string_equal(member(row, "who"), "first");
	assert_string_equal(member(row, "verb"), "secret.put");
	json_decref(o);

	/* A row that is changed, removed or appended shows: at the next start, and in the export. */
	static const char *const sql[] = {
		("UPDATE audit SET text = replace(text, 'first', 'other')"
		 " WHERE seq = (SELECT max(seq) FROM audit)"),
		"DELETE FROM audit WHERE seq > 4",
		"DELETE FROM audit WHERE seq = (SELECT max(seq) FROM audit)",
		"UPDATE head SET jws = replace(jws, 'a', 'b')",
	};
	for (size_t i = 0; i < 4; i++) {
		char command[1024], copy[160];
		struct keeper *k = NULL;
		struct keeper_options options = b.options;
		json_decref(bed_audit(&b)); /* signs a head over all */
		bed_stop(&b);
		(void)snprintf(copy, sizeof copy, "sqlite:%s/copy%zu.db", b.folder, i);
		(void)snprintf(command, sizeof command, "cp %s %s", b.store + 7, copy + 7);
		assert_int_equal(system(command), 0);
		bed_sql(copy + 7, sql[i]);
		options.store = copy;
		options.master_key = b.master;
		assert_int_equal(keeper_open(&k, &options), 4);
		assert_int_equal(bed_start(&b), 0);
	}
	bed_free(&b);
}

static struct alloc_fault of_json;

static void *
json_malloc_or_not(size_t size)
{
	return alloc_refused(&of_json) ? NULL : malloc(size);
}

/* A policy that secrets name stays, also where there is no memory to say which they are. */
static void
test_policy_without_memory(void **context)
{
	struct ipc_message m;
	struct bed_bond bond;
	struct bed b;

	(void)context;
	bed_new(&b);
	bed_bond(&bond, "policy.rm", "{\"name\":\"p\"}", bed_bytes(""));
	json_decref(bed_admin_json(&b, "policy.put", "{\"name\":\"p\"}", "policy \"p\"\n"));
	bed_secret(&b, "r/t/a", "p", "x");
	do { /* what was read before is forgotten after each failure, and read anew here */
		json_decref(bed_admin_json(&b, "policy.get", "{\"name\":\"p\"}", ""));
		char *token = bed_admin_token(&b, b.admin, "assay-admin+jwt", &bond);
		bed_admin_message(&m, token, &bond, "policy.rm", "{\"name\":\"p\"}", bed_bytes(""));
		of_json = (struct alloc_fault){ .fail_at = of_json.fail_at + 1 };
		json_set_alloc_funcs(json_malloc_or_not, free);
		struct reply r = bed_do(&b, &m);
		json_set_alloc_funcs(malloc, free);
		assert_int_not_equal(r.status, KEEPER_DONE);
		reply_clear(&r);
		free(token);
	} while (of_json.failed);
	assert_true(of_json.fail_at > 50); /* all of it was gone through */
	json_decref(bed_admin_json(&b, "policy.get", "{\"name\":\"p\"}", ""));
	bed_free(&b);
}

/* Puts reference values as whoever is known by a certificate, whom nothing binds to a request: as a front
 * may that obeys somebody else. */
static struct reply
put_unbound(struct bed *b, const char *args)
{
	const struct bed_bond bond = { .method = "PUT" };
	struct ipc_message m;
	uint8_t spki[HASH];

	json_decref(bed_admin_json(
	    b, "admin.put", "{\"name\":\"ops\",\"role\":\"operator\"}", certificate));
	assert_true(hex_bytes(spki, HASH, bed_bytes(certificate_spki)));
	bed_admin_message(&m, "", &bond, "reference.put", args, bed_bytes("{}"));
	m.field[1] = (struct assay_bytes){ spki, HASH };
	return bed_do(b, &m);
}

static void
test_signer(void **context)
{
	static const char *const bad[] = { "\"\"", "\"A\"", "7", "\"" KID_A "A\"",
		"\"\\u0001AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"",
		"\"\\\\AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"" };
	struct bed b;
	char args[128];

	(void)context;
	bed_new(&b);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		(void)snprintf(args, sizeof args, "{\"name\":\"r\",\"signer\":%s}", bad[i]);
		struct reply r = put_unbound(&b, args);
		refused(&r, KEEPER_MALFORMED, "must be the thumbprint of a key");
	}
	json_decref(
	    bed_admin_json(&b, "reference.put", "{\"name\":\"r\",\"signer\":\"" KID_B "\"}", "{}"));
	bed_free(&b);
}

/* Nobody's launch record goes in the place of another signer's, whatever the front knows. */
static void
test_launch_owner(void **context)
{
	static const struct {
		const char *launch, *signer;
		bool taken;
	} cases[] = {
		{ "A", NULL, true },
		{ "B", NULL, false },
		{ NULL, NULL, false },
		{ "A", KID_A, true },
		{ "A", KID_A, true },
		{ "A", NULL, false },
		{ "B", KID_B, false },
		{ NULL, KID_A, false },
		{ "B", NULL, false },
	};
	struct bed b;

	(void)context;
	bed_new(&b);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		json_t *args = json_pack("{s:s, s:s*, s:s*}", "name", "web", "launch",
		    cases[i].launch, "signer", cases[i].signer);
		char *text = json_dumps(args, 0);
		struct reply r = bed_admin(&b, "reference.put", text, "{}");
		if (cases[i].taken) {
			assert_int_equal(r.status, KEEPER_DONE);
			reply_clear(&r);
		} else
			refused(&r, KEEPER_CONFLICT, "\"web\" is the launch record that A signed");
		free(text);
		json_decref(args);
	}
	/* Nobody vouched for the first, and somebody does for the other. */
	json_decref(
	    bed_admin_json(&b, "reference.put", "{\"name\":\"db\",\"launch\":\"A\"}", "{}"));
	json_decref(bed_admin_json(&b, "reference.put",
	    "{\"name\":\"db\",\"launch\":\"B\",\"signer\":\"" KID_B "\"}", "{}"));
	json_decref(bed_admin_json(&b, "reference.rm", "{\"name\":\"web\"}", ""));
	json_decref(bed_admin_json(&b, "reference.put", "{\"name\":\"web\"}", "{}"));
	bed_free(&b);
}

/* What is put never grows beyond what fits into the one message that tells it. */
static void
test_too_much(void **context)
{
	enum { LARGE = 256 * 1024, MOST = 4 * LARGE };
	struct bed b;
	struct ipc_message view = { .op = KEEPER_VIEW };
	char *text = malloc(LARGE + 1), args[32];
	size_t taken = 0;
	struct reply r;

	(void)context;
	assert_non_null(text);
	memset(text, '"', LARGE); /* escaped in JSON */
	text[LARGE] = '\0';
	bed_new(&b);
	assert_int_equal(b.k->message_most, IPC_MESSAGE_MAX);
	b.k->message_most = MOST;
	for (;; taken++) {
		assert_in_range(taken, 0, 8);
		(void)snprintf(args, sizeof args, "{\"name\":\"r%zu\"}", taken);
		r = bed_admin(&b, "reference.put", args, text);
		if (r.status != KEEPER_DONE)
			break;
		reply_clear(&r);
	}
	refused(&r, KEEPER_CONFLICT, "more than a server can load");
	assert_in_range(taken, 1, 8);
	r = bed_admin(&b, "collateral.put", "{\"items\":[{\"name\":\"c\",\"size\":262144}]}", text);
	refused(&r, KEEPER_CONFLICT, "more than a server can load");
	r = bed_do(&b, &view);
	assert_int_equal(r.status, KEEPER_DONE);
	assert_in_range(r.len, LARGE, MOST - 64);
	reply_clear(&r);
	/* And there is a way back. */
	json_decref(bed_admin_json(&b, "reference.rm", "{\"name\":\"r0\"}", ""));
	json_decref(bed_admin_json(&b, "reference.put", "{\"name\":\"small\"}", "{}"));
	bed_free(&b);
	free(text);
}

/* What is said of an item counts, too. */
static void
test_too_many_facts(void **context)
{
	enum { LARGE = 128 * 1024, MOST = 8 * LARGE, ROOM = 64 };
	struct bed b;
	struct ipc_message view = { .op = KEEPER_VIEW };
	char *args = malloc(LARGE + ROOM);
	size_t taken = 0;
	struct reply r;

	(void)context;
	assert_non_null(args);
	bed_new(&b);
	b.k->message_most = MOST;
	for (;; taken++) {
		assert_in_range(taken, 0, 8);
		int n = snprintf(args, ROOM, "{\"name\":\"r%zu\",\"expires\":\"", taken);
		for (size_t at = (size_t)n; at < (size_t)n + LARGE; at += 2)
			memcpy(args + at, "\\\"", 2);
		memcpy(args + n + LARGE, "\"}", 3);
		r = put_unbound(&b, args);
		if (r.status != KEEPER_DONE)
			break;
		reply_clear(&r);
	}
	refused(&r, KEEPER_CONFLICT, "more than a server can load");
	assert_in_range(taken, 5, 7);
	r = bed_do(&b, &view);
	assert_int_equal(r.status, KEEPER_DONE);
	assert_in_range(r.len, LARGE, MOST - 64);
	reply_clear(&r);
	bed_free(&b);
	free(args);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_policy_without_memory),
		cmocka_unit_test(test_roles),
		cmocka_unit_test(test_launch_owner),
		cmocka_unit_test(test_signer),
		cmocka_unit_test(test_too_much),
		cmocka_unit_test(test_too_many_facts),
		cmocka_unit_test(test_tokens),
		cmocka_unit_test(test_may),
		cmocka_unit_test(test_token_times),
		cmocka_unit_test(test_bonds),
		cmocka_unit_test(test_kbs_bonds),
		cmocka_unit_test(test_certificate),
		cmocka_unit_test(test_secrets),
		cmocka_unit_test(test_policies),
		cmocka_unit_test(test_view),
		cmocka_unit_test(test_vceks),
		cmocka_unit_test(test_admins),
		cmocka_unit_test(test_audit_list),
	};

	log_set(false, -1);
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
