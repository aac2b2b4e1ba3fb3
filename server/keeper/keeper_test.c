/* SPDX-License-Identifier: Apache-2.0 */
#include "keeper_test.h"

#include <sys/stat.h>

static void
decrypts(struct bed *b, const struct reply *r, const char *want)
{
	uint8_t *plain = NULL;
	size_t len = 0;
	struct assay_error err;

	if (r->status != KEEPER_DONE)
		print_message("%s\n", r->sentence);
	assert_int_equal(r->status, KEEPER_DONE);
	assert_int_equal(assay_jwe_decrypt(&plain, &len, b->workload,
			     (struct assay_bytes){ r->data, r->len }, &err),
	    ASSAY_OK);
	assert_int_equal(len, strlen(want));
	assert_memory_equal(plain, want, len);
	free(plain);
}

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

static mode_t
mode_of(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return st.st_mode & 0777;
}

static void
test_first_start(void **context)
{
	struct bed b;
	char path[160], jwks[4096];

	(void)context;
	bed_new(&b);
	assert_int_equal(mode_of(b.master), 0600);
	assert_int_equal(mode_of(b.admin_path), 0600);
	assert_int_equal(mode_of(b.store + 7), 0600);
	(void)snprintf(path, sizeof path, "%s/assayd.db-wal", b.folder);
	assert_int_equal(mode_of(path), 0600);
	(void)snprintf(jwks, sizeof jwks, "%s", b.k->jwks);

	/* A second one on the same store, while this one has it. */
	struct keeper *second = NULL;
	assert_int_equal(keeper_open(&second, &b.options), 4);

	/* Another start makes nothing anew. */
	bed_stop(&b);
	assert_int_equal(bed_start(&b), 0);
	assert_string_equal(b.k->jwks, jwks);
	json_t *rows = bed_audit(&b);
	assert_int_equal(bed_rows(rows, "start", NULL, NULL), 2);
	json_decref(rows);

	/* Without the master key, with another one, or one that others may read: no. */
	bed_stop(&b);
	(void)snprintf(path, sizeof path, "%s/aside", b.folder);
	assert_int_equal(rename(b.master, path), 0);
	assert_int_equal(bed_start(&b), 4);
	assert_int_not_equal(access(b.master, F_OK), 0);
	bed_put(b.master, bed_bytes("0123456789abcdef0123456789abcdef"));
	assert_int_equal(bed_start(&b), 4);
	assert_int_equal(rename(path, b.master), 0);
	assert_int_equal(chmod(b.master, 0640), 0);
	assert_int_equal(bed_start(&b), 2);
	assert_int_equal(chmod(b.master, 0600), 0);
	assert_int_equal(bed_start(&b), 0);
	bed_free(&b);
}

static void
test_release(void **context)
{
	struct bed b;
	uint8_t ticket[TICKET_SIZE];
	struct reply r;

	(void)context;
	bed_new(&b);
	bed_secret(&b, "r/t/disk", "default", "passphrase");
	bed_ticket(&b, ticket, PROTOCOL_0_4_0);
	r = bed_release(&b, ticket, NULL, "r/t/disk");
	refused(&r, KEEPER_NO_TOKEN, "has not been attested");
	r = bed_release(&b, NULL, NULL, "r/t/disk");
	refused(&r, KEEPER_NO_TOKEN, "no session and no token");
	r = bed_attest(&b, ticket, "body", "default\ngenuine\n");
	assert_int_equal(r.status, KEEPER_DONE);
	assert_true(r.has_number && (int64_t)r.number == b.now + 300);
	reply_clear(&r);
	r = bed_release(&b, ticket, NULL, "r/t/disk");
	decrypts(&b, &r, "passphrase");
	assert_int_equal(r.number, 1);
	reply_clear(&r);
	r = bed_release(&b, ticket, NULL, "r/t/nothing");
	refused(&r, KEEPER_MISSING, "there is no secret \"r/t/nothing\"");

	/* A second version is what counts. */
	bed_secret(&b, "r/t/disk", "default", "passphrase 2");
	r = bed_release(&b, ticket, NULL, "r/t/disk");
	decrypts(&b, &r, "passphrase 2");
	assert_int_equal(r.number, 2);
	reply_clear(&r);

	/* The session ends with its token, not with the ticket. */
	b.now += 299;
	r = bed_release(&b, ticket, NULL, "r/t/disk");
	assert_int_equal(r.status, KEEPER_DONE);
	reply_clear(&r);
	b.now += 1;
	r = bed_release(&b, ticket, NULL, "r/t/disk");
	refused(&r, KEEPER_TOKEN, "has expired");

	json_t *rows = bed_audit(&b);
	assert_int_equal(bed_rows(rows, "release", "outcome", "released"), 3);
	assert_int_equal(bed_rows(rows, "release", "evidence", BED_EVIDENCE), 3);
	assert_int_equal(bed_rows(rows, "release", "peer", "127.0.0.1"), 3);
	assert_int_equal(bed_rows(rows, "attest", "outcome", "token"), 1);
	json_decref(rows);
	bed_free(&b);
}

static void
test_ticket(void **context)
{
	struct bed b;
	uint8_t ticket[TICKET_SIZE];
	struct reply r, again;

	(void)context;
	bed_new(&b);
	bed_ticket(&b, ticket, PROTOCOL_0_4_0);
	r = bed_attest(&b, ticket, "body", "default\n");
	assert_int_equal(r.status, KEEPER_DONE);

	/* The same body: the same token, and no second row. Another one: no. */
	b.now += 10;
	again = bed_attest(&b, ticket, "body", "default\n");
	assert_int_equal(again.status, KEEPER_DONE);
	assert_int_equal(again.len, r.len);
	assert_memory_equal(again.data, r.data, r.len);
	assert_true(again.number == r.number);
	reply_clear(&again);
	again = bed_attest(&b, ticket, "bodY", "default\n");
	refused(&again, KEEPER_SPENT, "has served other evidence");
	json_t *rows = bed_audit(&b);
	assert_int_equal(bed_rows(rows, "attest", "outcome", "token"), 1);
	assert_int_equal(bed_rows(rows, "attest", "outcome", "replayed"), 1);
	json_decref(rows);
	reply_clear(&r);

	for (size_t i = 0; i < TICKET_SIZE; i++) {
		ticket[i] ^= 1;
		r = bed_attest(&b, ticket, "body", "default\n");
		refused(&r, KEEPER_TICKET, "none of this server's");
		r = bed_release(&b, ticket, NULL, "r/t/disk");
		refused(&r, KEEPER_TICKET, "none of this server's");
		ticket[i] ^= 1;
	}
	bed_ticket(&b, ticket, PROTOCOL_VERIFIER);
	r = bed_attest(&b, ticket, "body", "default\n");
	refused(&r, KEEPER_TICKET, "is of the verifier API");
	bed_ticket(&b, ticket, PROTOCOL_0_4_0);
	b.now += 300;
	r = bed_attest(&b, ticket, "body", "default\n");
	refused(&r, KEEPER_TICKET, "began more than 300 s ago");
	b.now -= 331;
	r = bed_attest(&b, ticket, "body", "default\n");
	assert_int_equal(r.status, KEEPER_TICKET);
	reply_clear(&r);
	bed_free(&b);
}

static void
test_denied(void **context)
{
	struct bed b;
	uint8_t ticket[TICKET_SIZE];
	struct reply r;

	(void)context;
	bed_new(&b);
	json_decref(
	    bed_admin_json(&b, "policy.put", "{\"name\":\"strict\"}", "policy \"strict\"\n"));
	json_decref(bed_admin_json(&b, "policy.put", "{\"name\":\"other\"}", "policy \"other\"\n"));
	bed_secret(&b, "r/t/a", "strict", "a");
	bed_secret(&b, "r/t/b", "other", "b");
	bed_ticket(&b, ticket, PROTOCOL_0_4_0);
	r = bed_attest(&b, ticket, "body", "default\nstric\nstrict2\n");
	assert_int_equal(r.status, KEEPER_DONE);
	char *token = strndup((char *)r.data, r.len);
	reply_clear(&r);
	r = bed_release(&b, ticket, NULL, "r/t/a");
	refused(&r, KEEPER_DENIED,
	    "policy \"strict\" does not accept this evidence: require debug == false");
	r = bed_release(&b, ticket, NULL, "r/t/b");
	refused(&r, KEEPER_DENIED, "policy \"other\" does not accept this evidence");
	r = bed_release(&b, NULL, token, "r/t/a");
	refused(&r, KEEPER_DENIED, "policy \"strict\" does not accept this evidence");
	free(token);
	json_t *rows = bed_audit(&b);
	assert_int_equal(bed_rows(rows, "release", "outcome", "denied"), 3);
	assert_int_equal(bed_rows(rows, "release", "outcome", "released"), 0);
	json_decref(rows);
	bed_free(&b);
}

/* What a session is refused cannot fill the disk; others still have their rows. */
static void
test_refusals(void **context)
{
	struct bed b;
	uint8_t ticket[TICKET_SIZE], other[TICKET_SIZE];
	struct reply r;

	(void)context;
	bed_new(&b);
	bed_secret(&b, "r/t/a", "default", "a");
	bed_ticket(&b, ticket, PROTOCOL_0_4_0);
	bed_ticket(&b, other, PROTOCOL_0_4_0);
	for (int i = 0; i < 2; i++) {
		r = bed_attest(&b, i == 0 ? ticket : other, "body", "genuine\n");
		assert_int_equal(r.status, KEEPER_DONE);
		reply_clear(&r);
	}
	for (int i = 0; i < REFUSALS_MAX + 20; i++) {
		char body[24];
		r = bed_release(&b, ticket, NULL, "r/t/a");
		refused(&r, KEEPER_DENIED, "does not accept this evidence");
		(void)snprintf(body, sizeof body, "body %d", i);
		r = bed_attest(&b, other, body, "default\n");
		refused(&r, KEEPER_SPENT, "has served other evidence");
	}
	json_t *rows = bed_audit(&b);
	assert_int_equal(bed_rows(rows, "release", "outcome", "denied"), REFUSALS_MAX);
	assert_int_equal(bed_rows(rows, "attest", "outcome", "replayed"), REFUSALS_MAX);
	assert_int_equal(bed_rows(rows, "release", "more",
			     "what this session is refused from here on is not listed"),
	    1);
	assert_int_equal(bed_rows(rows, "attest", "more",
			     "what this session is refused from here on is not listed"),
	    1);
	json_decref(rows);
	/* Another attestation brings as many again. */
	bed_ticket(&b, ticket, PROTOCOL_0_4_0);
	r = bed_attest(&b, ticket, "body", "genuine\n");
	reply_clear(&r);
	r = bed_release(&b, ticket, NULL, "r/t/a");
	refused(&r, KEEPER_DENIED, "does not accept this evidence");
	rows = bed_audit(&b);
	assert_int_equal(bed_rows(rows, "release", "outcome", "denied"), REFUSALS_MAX + 1);
	json_decref(rows);
	bed_free(&b);
}

/* A token that comes instead of a session. */
static void
test_bearer(void **context)
{
	struct bed b, foreign;
	uint8_t ticket[TICKET_SIZE];
	struct reply r;
	struct ipc_message m;

	(void)context;
	bed_new(&b);
	bed_new(&foreign);
	bed_secret(&b, "r/t/a", "default", "a");
	bed_ticket(&b, ticket, PROTOCOL_0_4_0);
	r = bed_attest(&b, ticket, "body", "default\n");
	char *token = strndup((char *)r.data, r.len);
	reply_clear(&r);
	r = bed_release(&b, NULL, token, "r/t/a");
	decrypts(&b, &r, "a");
	reply_clear(&r);
	/* A cookie that is not attested does not stand in its way. */
	bed_ticket(&b, ticket, PROTOCOL_0_4_0);
	r = bed_release(&b, ticket, token, "r/t/a");
	decrypts(&b, &r, "a");
	reply_clear(&r);

	for (char *p = token, *end = token + strlen(token); p < end; p += 7) {
		char was = *p;
		*p = was == 'A' ? 'B' : 'A';
		r = bed_release(&b, NULL, token, "r/t/a");
		/* The last letter of a part has bits that say nothing; the reader refuses those set. */
		assert_int_equal(r.status, KEEPER_TOKEN);
		reply_clear(&r);
		*p = was;
	}

	/* Another server's, also under the same name. */
	bed_ticket(&foreign, ticket, PROTOCOL_0_4_0);
	r = bed_attest(&foreign, ticket, "body", "default\n");
	char *other = strndup((char *)r.data, r.len);
	reply_clear(&r);
	r = bed_release(&b, NULL, other, "r/t/a");
	refused(&r, KEEPER_TOKEN, "not one of this server's");
	free(other);

	/* Signed by us, but a result that releases nothing, whatever members the front gives. */
	static const char *const members[] = { "\"submods\":{}", "\"aud\":\"https://kbs.test\"",
		"\"assay\":{}", "\"a\":1,\"a\":2", "\"a\":", "} {" };
	for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
		m = (struct ipc_message){ .op = KEEPER_SIGN, .count = 1 };
		m.field[0] = bed_bytes(members[i]);
		r = bed_do(&b, &m);
		if (i > 0) {
			refused(&r, KEEPER_MALFORMED, "sign: the members");
			continue;
		}
		assert_int_equal(r.status, KEEPER_DONE);
		other = strndup((char *)r.data, r.len);
		reply_clear(&r);
		r = bed_release(&b, NULL, other, "r/t/a");
		refused(&r, KEEPER_TOKEN, "not for this server's secrets");
		free(other);
	}

	/* The server's name has changed: what the old one got is good no more. */
	const char *was = b.k->options.audience;
	b.k->options.audience = "https://another.test";
	r = bed_release(&b, NULL, token, "r/t/a");
	refused(&r, KEEPER_TOKEN, "not for this server's secrets");
	b.k->options.audience = was;

	b.now += 300;
	r = bed_release(&b, NULL, token, "r/t/a");
	refused(&r, KEEPER_TOKEN, "has expired");
	free(token);
	bed_free(&b);
	bed_free(&foreign);
}

/* What changes how evidence is judged ends the tokens of before; a new token key does not. */
/* What an OPA is asked about; the digest of it. */
static void
would_release(struct bed *b, uint8_t digest[HASH], const uint8_t *ticket, const char *token,
    const char *session)
{
	struct ipc_message m;

	bed_release_message(&m, ticket, token, "r/t/disk");
	m.op = KEEPER_WOULD_RELEASE;
	struct reply r = bed_do(b, &m);
	if (r.status != KEEPER_DONE)
		fail_msg("%s", r.sentence);
	assert_true(r.has_number && r.number == 1);
	json_t *claims = json_loadb((char *)r.data, r.len, 0, NULL);
	assert_string_equal(
	    json_string_value(json_object_get(claims, "iss")), "https://assay.test");
	assert_string_equal(json_string_value(json_object_get(claims, "jti")), session);
	assert_int_equal(EVP_Digest(r.data, r.len, digest, NULL, EVP_sha256(), NULL), 1);
	json_decref(claims);
	reply_clear(&r);
}

static struct reply
told(struct bed *b, const uint8_t *ticket, const char *token, const char *verdict,
    const uint8_t digest[HASH], const char *why)
{
	struct ipc_message m;

	bed_release_message(&m, ticket, token, "r/t/disk");
	m.count = 7;
	m.field[4] = bed_bytes(verdict);
	m.field[5] = (struct assay_bytes){ digest, HASH };
	m.field[6] = bed_bytes(why);
	return bed_do(b, &m);
}

/* With an OPA nothing is released but what it has allowed, for the claims that it was asked about. */
static void
test_opa(void **context)
{
	static const char *const none[] = { "", "Allowed", "allow", "allowe", "true", "denied" };
	struct bed b;
	struct ipc_message m;
	uint8_t ticket[TICKET_SIZE], other[TICKET_SIZE], digest[HASH], of_token[HASH];
	char id[2 * TICKET_ID + 1], other_id[2 * TICKET_ID + 1];
	struct reply r;

	(void)context;
	bed_make(&b);
	b.options.opa = true;
	assert_int_equal(bed_start(&b), 0);
	bed_read_admin(&b);
	bed_secret(&b, "r/t/disk", "default", "passphrase");
	bed_ticket(&b, ticket, PROTOCOL_0_4_0);
	bed_ticket(&b, other, PROTOCOL_0_4_0);
	r = bed_attest(&b, other, "body 2", "default\n");
	assert_int_equal(r.status, KEEPER_DONE);
	char *token = strndup((char *)r.data, r.len);
	json_t *rows = bed_audit(&b), *last = json_array_get(rows, json_array_size(rows) - 1);
	(void)snprintf(
	    other_id, sizeof other_id, "%s", json_string_value(json_object_get(last, "session")));
	json_decref(rows);
	reply_clear(&r);
	r = bed_attest(&b, ticket, "body", "default\n");
	assert_int_equal(r.status, KEEPER_DONE);
	reply_clear(&r);
	rows = bed_audit(&b);
	last = json_array_get(rows, json_array_size(rows) - 1);
	(void)snprintf(id, sizeof id, "%s", json_string_value(json_object_get(last, "session")));
	json_decref(rows);

	/* Without its answer there is nothing, and no row either. */
	r = bed_release(&b, ticket, NULL, "r/t/disk");
	refused(&r, KEEPER_MALFORMED, "OPA was not asked");
	would_release(&b, digest, ticket, NULL, id);
	would_release(&b, of_token, NULL, token, other_id);
	for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
		r = told(&b, ticket, NULL, none[i], digest, "because");
		refused(&r, strcmp(none[i], "denied") == 0 ? KEEPER_DENIED : KEEPER_UNJUDGED,
		    "it: because");
	}
	r = told(&b, ticket, NULL, "allowed or so", digest, "");
	refused(&r, KEEPER_MALFORMED, "not of their form");
	r = told(&b, ticket, NULL, "allowed", digest, "");
	decrypts(&b, &r, "passphrase");
	reply_clear(&r);

	/* An answer about other claims is none. */
	r = told(&b, ticket, NULL, "allowed", of_token, "");
	refused(&r, KEEPER_TOKEN, "has changed while OPA");
	r = told(&b, NULL, token, "allowed", digest, "");
	refused(&r, KEEPER_TOKEN, "has changed while OPA");
	r = told(&b, NULL, token, "allowed", of_token, "");
	decrypts(&b, &r, "passphrase");
	reply_clear(&r);
	for (size_t i = 0; i < HASH; i++) {
		digest[i] ^= 1;
		r = told(&b, ticket, NULL, "allowed", digest, "");
		refused(&r, KEEPER_TOKEN, "has changed while OPA");
		digest[i] ^= 1;
	}

	/* Its answer comes in seven fields, all of them. */
	bed_release_message(&m, ticket, NULL, "r/t/disk");
	m.field[4] = bed_bytes("allowed");
	m.field[5] = (struct assay_bytes){ digest, HASH };
	m.field[6] = bed_bytes("");
	for (m.count = 4; m.count < 7; m.count++) {
		r = bed_do(&b, &m);
		refused(&r, KEEPER_MALFORMED, "release: ");
	}
	m.field[5].len--;
	r = bed_do(&b, &m);
	refused(&r, KEEPER_MALFORMED, "not of their form");
	m.field[5].len++;
	m.op = KEEPER_WOULD_RELEASE;
	r = bed_do(&b, &m);
	refused(&r, KEEPER_MALFORMED, "not of their form");

	/* The policy is looked at in both steps: what it denies, no OPA allows. */
	bed_secret(&b, "r/t/disk", "genuine", "another");
	m.op = KEEPER_RELEASE;
	r = bed_do(&b, &m);
	refused(&r, KEEPER_DENIED, "policy \"genuine\" does not accept");
	bed_release_message(&m, ticket, NULL, "r/t/disk");
	m.op = KEEPER_WOULD_RELEASE;
	r = bed_do(&b, &m);
	refused(&r, KEEPER_DENIED, "policy \"genuine\" does not accept");

	rows = bed_audit(&b);
	assert_int_equal(bed_rows(rows, "release", "outcome", "released"), 2);
	assert_int_equal(bed_rows(rows, "release", "opa", "allowed"), 2);
	assert_int_equal(bed_rows(rows, "release", "outcome", "denied"), 6 + 2);
	assert_int_equal(bed_rows(rows, "release", "rule", "opa"), 6);
	assert_int_equal(bed_rows(rows, "release", "opa", "because"), 6);
	json_decref(rows);
	free(token);
	bed_free(&b);

	/* Without one, an answer of one is nobody's. */
	bed_new(&b);
	bed_secret(&b, "r/t/disk", "default", "passphrase");
	bed_ticket(&b, ticket, PROTOCOL_0_4_0);
	r = bed_attest(&b, ticket, "body", "default\n");
	reply_clear(&r);
	r = told(&b, ticket, NULL, "allowed", digest, "");
	refused(&r, KEEPER_MALFORMED, "not of their form");
	bed_free(&b);
}

static void
test_generation(void **context)
{
	static const struct {
		const char *verb, *args, *body;
		bool ends;
	} cases[] = {
		{ "secret.put", "{\"path\":\"r/t/b\"}", "b", false },
		{ "key.rotate", "{\"what\":\"token\"}", "", false },
		{ "key.rotate", "{\"what\":\"token\"}", "", false },
		{ "policy.put", "{\"name\":\"p\"}", "policy \"p\"\n", true },
		{ "policy.rm", "{\"name\":\"p\"}", "", true },
		{ "reference.put", "{\"name\":\"web\",\"expires\":\"2027-01-01T00:00:00Z\"}", "{}",
		    true },
		{ "reference.rm", "{\"name\":\"web\"}", "", true },
		{ "collateral.put", "{\"items\":[{\"name\":\"milan.crl\",\"size\":1}]}", "0",
		    true },
	};
	struct bed b;
	uint8_t ticket[TICKET_SIZE];
	struct reply r;

	(void)context;
	bed_new(&b);
	bed_secret(&b, "r/t/a", "default", "a");
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		uint64_t generation = b.k->generation;
		bed_ticket(&b, ticket, PROTOCOL_0_4_0);
		r = bed_attest(&b, ticket, "body", "default\n");
		char *token = strndup((char *)r.data, r.len);
		reply_clear(&r);
		json_decref(bed_admin_json(&b, cases[i].verb, cases[i].args, cases[i].body));
		for (int bearer = 0; bearer < 2; bearer++) {
			r = bed_release(&b, bearer ? NULL : ticket, bearer ? token : NULL, "r/t/a");
			if (cases[i].ends)
				refused(&r, KEEPER_TOKEN, "have changed since; attest again");
			else
				decrypts(&b, &r, "a");
			reply_clear(&r);
		}
		free(token);
		assert_true(b.k->generation > generation || i == 0);
	}

	/* Two old keys are published beside the new one, until their last token has expired. */
	struct ipc_message m = { .op = KEEPER_VIEW };
	for (int late = 0; late < 2; late++) {
		r = bed_do(&b, &m);
		assert_int_equal(r.status, KEEPER_DONE);
		json_t *view = json_loadb((char *)r.data, r.len, 0, NULL);
		assert_int_equal(
		    json_array_size(json_object_get(json_object_get(view, "jwks"), "keys")),
		    late ? 1 : 3);
		json_decref(view);
		reply_clear(&r);
		b.now += 300 + 31;
		b.k->loaded = false; /* as after a start */
	}

	/* What was fetched: a list may revoke, a chip's certificate takes nothing from anybody. */
	for (int vcek = 1; vcek >= 0; vcek--) {
		struct ipc_message fetched = { .op = KEEPER_COLLATERAL,
			.count = 2,
			.field = { bed_bytes("0"),
			    bed_bytes(
				vcek ? "vcek-Milan-ab-0.1.0.8.9.der" : "crl-vcek-Milan.der") } };
		bed_ticket(&b, ticket, PROTOCOL_0_4_0);
		r = bed_attest(&b, ticket, "body", "default\n");
		reply_clear(&r);
		uint64_t generation = b.k->generation;
		r = bed_do(&b, &fetched);
		assert_int_equal(r.status, KEEPER_DONE);
		assert_int_equal(b.k->generation, generation + 1); /* the front wants it */
		reply_clear(&r);
		r = bed_release(&b, ticket, NULL, "r/t/a");
		if (vcek)
			assert_int_equal(r.status, KEEPER_DONE);
		else
			refused(&r, KEEPER_TOKEN, "have changed since; attest again");
		reply_clear(&r);
	}

	/* Appraised before the change: the token is born old. */
	bed_ticket(&b, ticket, PROTOCOL_0_4_0);
	struct bed_attest a = { .generation = b.k->generation - 1 };
	bed_attest_message(&b, &m, &a, ticket, "body", "default\n");
	r = bed_do(&b, &m);
	assert_int_equal(r.status, KEEPER_DONE);
	reply_clear(&r);
	r = bed_release(&b, ticket, NULL, "r/t/a");
	refused(&r, KEEPER_TOKEN, "have changed since; attest again");
	a = (struct bed_attest){ .generation = b.k->generation + 1 };
	bed_attest_message(&b, &m, &a, ticket, "body", "default\n");
	r = bed_do(&b, &m);
	refused(&r, KEEPER_MALFORMED, "attest: fields");
	bed_free(&b);
}

static void
test_forms(void **context)
{
	struct bed b;
	uint8_t ticket[TICKET_SIZE];
	struct reply r;
	struct assay_error err;

	(void)context;
	bed_new(&b);
	bed_secret(&b, "r/t/a", "default", "a");
	/* The old protocol: an RSA key, the header as it is. */
	assay_jwk_free(b.workload);
	free(b.workload_public);
	assert_int_equal(assay_jwk_make(&b.workload, "RSA-OAEP-256", &err), ASSAY_OK);
	assert_int_equal(assay_jwk_json(&b.workload_public, b.workload, NULL, &err), ASSAY_OK);
	for (int p = PROTOCOL_0_1_0; p <= PROTOCOL_0_4_0; p++) {
		bed_ticket(&b, ticket, (enum ticket_protocol)p);
		r = bed_attest(&b, ticket, "body", "default\n");
		char *token = strndup((char *)r.data, r.len);
		reply_clear(&r);
		for (int bearer = 0; bearer < 2; bearer++) {
			r = bed_release(&b, bearer ? NULL : ticket, bearer ? token : NULL, "r/t/a");
			decrypts(&b, &r, "a");
			json_t *jwe = json_loadb((char *)r.data, r.len, 0, NULL);
			const char *head = json_string_value(json_object_get(jwe, "protected"));
			assert_int_equal(head[0] == '{', p <= PROTOCOL_0_1_1);
			json_decref(jwe);
			reply_clear(&r);
		}
		free(token);
	}
	/* A key that nothing can be wrapped for. */
	free(b.workload_public);
	b.workload_public = strdup("{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AA\",\"y\":\"AA\"}");
	bed_ticket(&b, ticket, PROTOCOL_0_4_0);
	r = bed_attest(&b, ticket, "body", "default\n");
	assert_int_equal(r.status, KEEPER_DONE);
	reply_clear(&r);
	r = bed_release(&b, ticket, NULL, "r/t/a");
	refused(&r, KEEPER_KEY, "tee-pubkey: ");
	json_t *rows = bed_audit(&b);
	assert_int_equal(bed_rows(rows, "release", "outcome", "released"), 10);
	json_decref(rows);
	bed_free(&b);
}

static void
test_malformed(void **context)
{
	static const char *const records[] = { "", "[]", "{}",
		"{\"evidence\":\"00\",\"tee\":\"snp\"}",
		"{\"evidence\":"
		"\"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\"}",
		"{\"evidence\":"
		"\"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\","
		"\"tee\":\"sample\"}" };
	struct bed b;
	uint8_t ticket[TICKET_SIZE];
	struct ipc_message m;
	struct reply r;

	(void)context;
	bed_new(&b);
	bed_ticket(&b, ticket, PROTOCOL_0_4_0);
	for (size_t i = 0; i < sizeof records / sizeof *records; i++) {
		struct bed_attest a = { .record = records[i] };
		bed_attest_message(&b, &m, &a, ticket, "body", "default\n");
		r = bed_do(&b, &m);
		refused(&r, KEEPER_MALFORMED, "audit record");
	}
	for (size_t i = 0; i < 8; i++) { /* each field away */
		struct bed_attest a = { 0 };
		bed_attest_message(&b, &m, &a, ticket, "body", "default\n");
		m.field[i] = (struct assay_bytes){ NULL, 0 };
		r = bed_do(&b, &m);
		if (i == 2 || i == 4 || i == 7) /* may be empty */
			assert_int_equal(
			    r.status, i == 2 ? KEEPER_DONE : KEEPER_SPENT - (i == 4 || i == 7) * 4);
		else
			assert_int_not_equal(r.status, KEEPER_DONE);
		reply_clear(&r);
	}
	for (uint16_t op = 0; op < 12; op++) {
		m = (struct ipc_message){ .op = op };
		r = bed_do(&b, &m);
		if (op != KEEPER_VIEW)
			assert_int_equal(r.status, KEEPER_MALFORMED);
		reply_clear(&r);
	}
	bed_free(&b);
}

/* Of what the front says of an appraisal only that is in the row which belongs there. */
static void
test_record(void **context)
{
	static const char *const strange[] = { "who", "resource" };
	struct bed_attest a = {
		.record = "{\"seq\":1,\"time\":\"now\",\"kind\":\"stop\",\"outcome\":\"released\","
			  "\"resource\":\"r/t/a\",\"who\":\"first\",\"tee\":\"snp\",\"evidence\":"
			  "\"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\"}"
	};
	struct bed b;
	uint8_t ticket[TICKET_SIZE];
	struct ipc_message m;
	json_t *rows, *row = NULL;
	size_t i;

	(void)context;
	bed_new(&b);
	bed_ticket(&b, ticket, PROTOCOL_0_4_0);
	bed_attest_message(&b, &m, &a, ticket, "body", "default\n");
	struct reply r = bed_do(&b, &m);
	assert_int_equal(r.status, KEEPER_DONE);
	reply_clear(&r);
	rows = bed_audit(&b);
	assert_int_equal(bed_rows(rows, "stop", NULL, NULL), 0);
	assert_int_equal(bed_rows(rows, "attest", "outcome", "token"), 1);
	json_array_foreach(rows, i, row)
	{
		const char *kind = json_string_value(json_object_get(row, "kind"));
		for (size_t j = 0; strcmp(kind, "attest") == 0 && j < 2; j++)
			assert_null(json_object_get(row, strange[j]));
	}
	json_decref(rows);
	bed_free(&b);
}

/* Sample evidence and real secrets never meet in one store. */
static void
test_sample(void **context)
{
	struct bed b;

	(void)context;
	bed_new(&b);
	bed_stop(&b);
	b.options.sample = true; /* empty: it may still become one */
	assert_int_equal(bed_start(&b), 0);
	bed_secret(&b, "r/t/a", "default", "toy");
	bed_stop(&b);
	b.options.sample = false;
	assert_int_equal(bed_start(&b), 2);
	b.options.sample = true;
	assert_int_equal(bed_start(&b), 0);
	bed_free(&b);

	bed_new(&b);
	bed_secret(&b, "r/t/a", "default", "real");
	bed_stop(&b);
	b.options.sample = true;
	assert_int_equal(bed_start(&b), 2);
	bed_free(&b);
}

static void
test_clock(void **context)
{
	struct bed b;
	uint8_t ticket[TICKET_SIZE], fresh[TICKET_SIZE];
	struct reply r;

	(void)context;
	bed_new(&b);
	bed_secret(&b, "r/t/a", "default", "a");
	bed_ticket(&b, ticket, PROTOCOL_0_4_0);
	r = bed_attest(&b, ticket, "body", "default\n");
	char *token = strndup((char *)r.data, r.len);
	reply_clear(&r);
	b.now -= 30; /* a small step is nothing */
	r = bed_release(&b, ticket, NULL, "r/t/a");
	decrypts(&b, &r, "a");
	reply_clear(&r);
	b.now += 30;
	r = bed_release(&b, ticket, NULL, "r/t/a");
	reply_clear(&r);

	/* A day back: the session is over, its token is from the future, and a new one is served. */
	b.now -= 86400;
	r = bed_release(&b, ticket, NULL, "r/t/a");
	refused(&r, KEEPER_TICKET, "none of this server's");
	r = bed_release(&b, NULL, token, "r/t/a");
	refused(&r, KEEPER_TOKEN, "from the future");
	bed_ticket(&b, fresh, PROTOCOL_0_4_0);
	r = bed_attest(&b, fresh, "body", "default\n");
	assert_int_equal(r.status, KEEPER_DONE);
	reply_clear(&r);
	r = bed_release(&b, fresh, NULL, "r/t/a");
	decrypts(&b, &r, "a");
	reply_clear(&r);
	/* Forwards again: the old one's tickets stay dead. */
	b.now += 86400;
	r = bed_attest(&b, ticket, "other", "default\n");
	refused(&r, KEEPER_TICKET, "none of this server's");
	/* While it did not run, though nothing of that day but what was forgotten is in the store. */
	struct ipc_message view = { .op = KEEPER_VIEW };
	r = bed_do(&b, &view);
	reply_clear(&r);
	bed_ticket(&b, ticket, PROTOCOL_0_4_0);
	bed_stop(&b);
	b.now -= 86400;
	assert_int_equal(bed_start(&b), 0);
	b.now += 86400;
	r = bed_attest(&b, ticket, "body", "default\n");
	refused(&r, KEEPER_TICKET, "none of this server's");
	/* In many small steps. */
	bed_ticket(&b, ticket, PROTOCOL_0_4_0);
	for (int i = 0; i < 4; i++) {
		b.now -= 10;
		r = bed_do(&b, &view);
		reply_clear(&r);
	}
	b.now += 40;
	r = bed_attest(&b, ticket, "body", "default\n");
	refused(&r, KEEPER_TICKET, "none of this server's");
	json_t *rows = bed_audit(&b);
	assert_int_equal(bed_rows(rows, "clock", NULL, NULL), 3);
	json_decref(rows);
	free(token);
	bed_free(&b);
}

/* Written member for member, a row is what jansson would have made of the same object. */
static void
test_members(void **context)
{
	static const char odd[] = "\"\\\n\x01\x7f/\xc3\xa9\xf0\x9f\x98\x80";
	json_t *list = json_pack("[s, s, i, {s:s}, n]", "plain", odd, 7, "k", odd);
	json_t *all = json_pack("{s:s, s:s, s:I, s:O, s:s, s:[]}", "a", "plain", "b", odd, "n",
	    (json_int_t)INT64_MAX, "list", list, odd, "", "none");
	char *want = json_dumps(all, JSON_COMPACT | JSON_ENSURE_ASCII);
	json_t *none = json_object_get(all, "none");
	struct buffer b = { .len = 0 };

	(void)context;
	assert_non_null(want);
	buffer_put(&b, "{");
	member_text(&b, "a", "plain");
	member_text(&b, "left out", NULL);
	member_text(&b, "b", odd);
	member_number(&b, "n", INT64_MAX);
	member_json(&b, "list", list);
	member_json(&b, "left out", NULL);
	member_text(&b, odd, "");
	member_json(&b, "none", none);
	buffer_put(&b, "}");
	char *got = buffer_take(&b);
	assert_string_equal(got, want);
	free(got);
	/* What is no UTF-8 is no row. */
	member_text(&b, "a", "\xff");
	assert_null(buffer_take(&b));
	free(want);
	json_decref(list);
	json_decref(all);
}

/* Spent tickets are forgotten when they could serve nobody any more, and not before. */
static void
test_prune(void **context)
{
	struct bed b;
	uint8_t ticket[TICKET_SIZE], name[8 + TICKET_ID];
	struct reply r;
	struct store_value args[1];

	(void)context;
	bed_new(&b);
	bed_ticket(&b, ticket, PROTOCOL_0_4_0);
	for (size_t i = 0; i < 8; i++)
		name[i] = ticket[15 - i]; /* the time, big-endian; then the id */
	memcpy(name + 8, ticket + 16, TICKET_ID);
	r = bed_attest(&b, ticket, "body", "default\n");
	reply_clear(&r);
	for (int i = 0; i < 2; i++) {
		struct ipc_message m = { .op = KEEPER_VIEW };
		r = bed_do(&b, &m);
		reply_clear(&r);
		args[0] = store_b(name, sizeof name);
		assert_true(store_ask(b.k->store, SPENT_FIND, args, 1));
		assert_int_equal(store_row(b.k->store, SPENT_FIND), i == 0);
		store_end(b.k->store, SPENT_FIND);
		b.now += 300 + SKEW_S + 1;
	}
	bed_free(&b);
}

/* Whoever can write the store, but has no key, gains nothing by it. */
static void
test_tampered(void **context)
{
	static const struct {
		const char *sql;
		enum keeper_status status;
		const char *words;
	} cases[] = {
		{ "UPDATE item SET facts = replace(facts, 'strict', 'default') WHERE kind = "
		  "'secret'",
		    KEEPER_TROUBLE, "the secret is damaged" },
		{ "UPDATE item SET name = 'r/t/b2' WHERE name = 'r/t/b';"
		  "UPDATE item SET name = 'r/t/b' WHERE name = 'r/t/a'",
		    KEEPER_TROUBLE, "the secret is damaged" },
		{ "UPDATE item SET version = 7 WHERE kind = 'secret'", KEEPER_TROUBLE,
		    "the secret is damaged" },
		{ "UPDATE spent SET body = zeroblob(200)", KEEPER_TROUBLE,
		    "this session is damaged" },
		{ "UPDATE item SET facts = replace(facts, 'reader', 'admin') WHERE kind = 'admin'",
		    KEEPER_DENIED, "does not accept" }, /* and is no admin any more */
	};

	(void)context;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct bed b;
		uint8_t ticket[TICKET_SIZE];
		struct reply r;
		struct assay_jwk *key = NULL;
		struct assay_error err;
		char *jwk = NULL;
		bed_new(&b);
		json_decref(bed_admin_json(
		    &b, "policy.put", "{\"name\":\"strict\"}", "policy \"strict\"\n"));
		assert_int_equal(assay_jwk_make(&key, "ES256", &err), ASSAY_OK);
		assert_int_equal(assay_jwk_json(&jwk, key, NULL, &err), ASSAY_OK);
		json_decref(
		    bed_admin_json(&b, "admin.put", "{\"name\":\"r\",\"role\":\"reader\"}", jwk));
		assay_jwk_free(key);
		free(jwk);
		bed_secret(&b, "r/t/a", "default", "a");
		bed_secret(&b, "r/t/b", "strict", "b");
		bed_ticket(&b, ticket, PROTOCOL_0_4_0);
		r = bed_attest(&b, ticket, "body", "default\n");
		reply_clear(&r);
		bed_sql(b.store + 7, cases[i].sql);
		b.k->loaded = false;
		r = bed_release(&b, ticket, NULL, "r/t/b");
		refused(&r, cases[i].status, cases[i].words);
		assert_int_equal(b.k->admin_count, cases[i].status == KEEPER_DENIED ? 1 : 2);
		bed_free(&b);
	}
}

/* A token of now, and whether it still opens the secret. */
static char *
token_of_now(struct bed *b)
{
	uint8_t ticket[TICKET_SIZE];
	struct reply r;
	char *token;

	bed_ticket(b, ticket, PROTOCOL_0_4_0);
	r = bed_attest(b, ticket, "body", "default\n");
	assert_int_equal(r.status, KEEPER_DONE);
	token = strndup((char *)r.data, r.len);
	reply_clear(&r);
	return token;
}

static bool
opens(struct bed *b, const char *token)
{
	struct reply r = bed_release(b, NULL, token, "r/t/disk");
	bool ok = r.status == KEEPER_DONE;

	if (!ok)
		refused(&r, KEEPER_TOKEN, "have changed since");
	reply_clear(&r);
	return ok;
}

static void
put_reference(struct bed *b, const char *name, const char *expires)
{
	char args[128];

	(void)snprintf(args, sizeof args, "{\"name\":\"%s\",\"expires\":\"%s\"}", name, expires);
	json_decref(bed_admin_json(b, "reference.put", args, "{}"));
}

/* A token of before reference values ended opens nothing after; also over a restart, a step back, and a turn
 * that came to nothing. Each end counts once. */
static void
test_ends(void **context)
{
	struct bed b;
	char when[3][32], *token, *later;
	uint64_t generation;
	struct reply r;

	(void)context;
	bed_new(&b);
	bed_secret(&b, "r/t/disk", "default", "passphrase");
	for (int i = 0; i < 3; i++)
		time_text(when[i], b.now + 100 + 100 * i);
	put_reference(&b, "third", when[2]);
	put_reference(&b, "first", when[0]);
	put_reference(&b, "second", when[1]);
	put_reference(&b, "past", "2020-01-01");
	json_decref(bed_admin_json(&b, "reference.put", "{\"name\":\"never\"}", "{}"));
	generation = b.k->generation;
	token = token_of_now(&b);
	b.now += 99;
	assert_true(opens(&b, token));
	b.now++;
	/* As long as nothing can be written down, nothing is counted, and nothing opened. */
	assert_true(store_begin(b.k->store));
	(void)keeper_turn(b.k, NULL, &r, 0);
	store_rollback(b.k->store);
	assert_false(opens(&b, token));
	assert_int_equal(b.k->generation, generation + 1);
	assert_int_equal(b.k->appraisal, generation + 1);
	later = token_of_now(&b);
	assert_true(opens(&b, later));
	assert_int_equal(b.k->generation, generation + 1);
	free(token);

	/* Not counted again after a restart; but what ended meanwhile is. */
	bed_stop(&b);
	assert_int_equal(bed_start(&b), 0);
	assert_true(opens(&b, later));
	bed_stop(&b);
	b.now += 100;
	assert_int_equal(bed_start(&b), 0);
	assert_false(opens(&b, later));
	assert_int_equal(b.k->generation, generation + 2);
	free(later);

	/* A clock that is set back has it end again. */
	b.now += 100;
	assert_true(keeper_turn(b.k, NULL, &r, 0));
	assert_int_equal(b.k->appraisal, generation + 3);
	b.now -= 50;
	assert_true(keeper_turn(b.k, NULL, &r, 0));
	token = token_of_now(&b);
	assert_true(opens(&b, token));
	b.now += 49;
	assert_true(opens(&b, token));
	b.now++;
	assert_false(opens(&b, token));
	free(token);
	b.now -= 20; /* a small step too */
	token = token_of_now(&b);
	b.now += 20;
	assert_false(opens(&b, token));
	free(token);
	bed_free(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ends),
		cmocka_unit_test(test_first_start),
		cmocka_unit_test(test_release),
		cmocka_unit_test(test_ticket),
		cmocka_unit_test(test_denied),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_bearer),
		cmocka_unit_test(test_opa),
		cmocka_unit_test(test_generation),
		cmocka_unit_test(test_forms),
		cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_record),
		cmocka_unit_test(test_sample),
		cmocka_unit_test(test_clock),
		cmocka_unit_test(test_members),
		cmocka_unit_test(test_prune),
		cmocka_unit_test(test_tampered),
	};

	log_set(false, -1);
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
