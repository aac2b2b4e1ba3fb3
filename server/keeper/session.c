/* SPDX-License-Identifier: Apache-2.0 */
#include "core.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include <assay/token.h>

#include "../text.h"

enum {
	PATH_ROOM = 1024,
	PEER_ROOM = 128,
	WHY_ROOM = 256,
	ID_TEXT = 2 * TICKET_ID + 1,
	SESSION_NAME = 8 + TICKET_ID,
	POLICIES_MAX = 256
};

static const char not_listed[] = "what this session is refused from here on is not listed";

/* As the key broker protocol writes its versions. */
static const char *const protocols[] = {
	[PROTOCOL_VERIFIER] = "verifier",
	[PROTOCOL_0_1_0] = "0.1.0",
	[PROTOCOL_0_1_1] = "0.1.1",
	[PROTOCOL_0_2_0] = "0.2.0",
	[PROTOCOL_0_3_0] = "0.3.0",
	[PROTOCOL_0_4_0] = "0.4.0",
};
enum { PROTOCOLS = sizeof protocols / sizeof *protocols };

/* What is known of an attested workload: from the session of a ticket, or from a token. */
struct proof {
	char id[ID_TEXT];            /* jti, the ticket's id */
	struct assay_bytes token;    /* compact JWS */
	struct assay_bytes key;      /* JWK */
	struct assay_bytes accepted; /* names of policies, one a line */
	struct assay_bytes reasons;  /* JSON; empty with a token */
	char evidence[2 * HASH + 1];
	uint64_t generation, issued, expires;
	uint8_t protocol;
	/* What the above points into. */
	uint8_t *session;
	size_t session_len;
	char *key_text, *accepted_text;
};

/* A session's fields, in the form of a message. */
enum {
	S_BODY,
	S_TOKEN,
	S_KEY,
	S_ACCEPTED,
	S_REASONS,
	S_EVIDENCE,
	S_GENERATION,
	S_ISSUED,
	S_EXPIRES,
	S_COUNT
};

static void
proof_clear(struct proof *p)
{
	seal_free(p->session, p->session_len);
	free(p->key_text);
	free(p->accepted_text);
	*p = (struct proof){ 0 };
}

/* Has the epoch's key made itself: the keeper takes also tickets older than the front's keys, whose
 * session goes on as long as their token. */
static enum ticket_fault
read_ticket(struct keeper *k, struct ticket *t, struct assay_bytes raw)
{
	struct ticket_keys keys;
	const uint8_t *key;
	uint32_t epoch = 0;
	enum ticket_fault fault;

	if (raw.len != TICKET_SIZE)
		return TICKET_FORGED;
	for (size_t i = 0; i < 4; i++)
		epoch |= (uint32_t)raw.ptr[4 + i] << 8 * i;
	if ((key = keeper_ticket_key(k, epoch)) == NULL)
		return TICKET_FORGED;
	for (size_t i = 0; i < 3; i++)
		keys.epoch[i] = epoch;
	memcpy(keys.key[0], key, TICKET_KEY); /* the first of an epoch is taken */
	fault = ticket_read(t, raw.ptr, &keys, k->now, k->options.ticket_life_s);
	OPENSSL_cleanse(&keys, sizeof keys);
	return fault;
}

/* Only this session's requests suffer from it. */
static void
damaged(struct reply *r)
{
	reply_refuse(
	    r, KEEPER_TROUBLE, "this session is damaged in the store; begin again with /auth");
}

/* The ticket's time, then its id: so sessions of one time stand together in the store's index, and many of
 * them are one page. */
static void
name_session(uint8_t out[SESSION_NAME], const struct ticket *t)
{
	for (size_t i = 0; i < 8; i++)
		out[i] = (uint8_t)((uint64_t)t->issued >> (56 - 8 * i));
	memcpy(out + 8, t->id, TICKET_ID);
}

/* A session is sealed for its ticket: who can write the store cannot make one. */
static bool
session_find(struct keeper *k, const struct ticket *t, uint8_t **plain, size_t *len, bool *found,
    struct reply *r)
{
	uint8_t name[SESSION_NAME];
	struct assay_bytes part = { t->id, TICKET_ID };
	const uint8_t *key;
	enum assay_code rc = ASSAY_E_NOMEM;
	int got = -1;

	name_session(name, t);
	struct store_value args[] = { store_b(name, sizeof name) };
	*found = false;
	if (store_ask(k->store, SPENT_FIND, args, 1))
		got = store_row(k->store, SPENT_FIND);
	if (got < 0) {
		keeper_store_trouble(k);
		return false;
	}
	if (got == 0)
		return true;
	if ((key = keeper_session_key(k, t->epoch)) != NULL)
		rc = unseal(plain, len, key, &part, 1, store_bytes(k->store, SPENT_FIND, 0));
	store_end(k->store, SPENT_FIND);
	if (rc == ASSAY_E_SIGNATURE)
		damaged(r);
	else if (rc != ASSAY_OK)
		keeper_trouble(k, "out of memory");
	*found = rc == ASSAY_OK;
	return *found;
}

static bool
session_add(
    struct keeper *k, const struct ticket *t, const struct ipc_message *session, int64_t expires)
{
	struct assay_bytes part = { t->id, TICKET_ID };
	const uint8_t *key = keeper_session_key(k, t->epoch);
	size_t len = 0, sealed_len = 0;
	uint8_t *plain = ipc_write(&len, session), *sealed = NULL;
	bool ok = key != NULL && plain != NULL &&
	    seal(&sealed, &sealed_len, key, &part, 1, (struct assay_bytes){ plain, len });

	seal_free(plain, len);
	if (!ok) {
		keeper_trouble(k, "out of memory");
		return false;
	}
	uint8_t name[SESSION_NAME];
	name_session(name, t);
	struct store_value args[] = { store_b(name, sizeof name), store_n(expires),
		store_b(sealed, sealed_len) };
	ok = store_do(k->store, SPENT_ADD, args, 3);
	free(sealed);
	if (!ok)
		keeper_store_trouble(k);
	return ok;
}

/* --- KEEPER_ATTEST ----------------------------------------------------------------------- */

/* "a\nb\n" -> ["a","b"]; NULL: a name that is none, or no memory. */
static json_t *
names(struct assay_bytes lines)
{
	json_t *array = json_array();
	size_t at = 0;

	while (array != NULL && at < lines.len) {
		const uint8_t *end = memchr(lines.ptr + at, '\n', lines.len - at);
		size_t n = end != NULL ? (size_t)(end - lines.ptr) - at : lines.len - at;
		if (n == 0 || n > NAME_MAX_LEN || json_array_size(array) == POLICIES_MAX ||
		    json_array_append_new(array, json_stringn((const char *)lines.ptr + at, n)) !=
			0) {
			json_decref(array);
			return NULL;
		}
		at += n + 1;
	}
	return array;
}

static bool
has_line(struct assay_bytes lines, const char *name)
{
	size_t want = strlen(name), at = 0;

	while (at < lines.len) {
		const uint8_t *end = memchr(lines.ptr + at, '\n', lines.len - at);
		size_t n = end != NULL ? (size_t)(end - lines.ptr) - at : lines.len - at;
		if (n == want && memcmp(lines.ptr + at, name, n) == 0)
			return true;
		at += n + 1;
	}
	return false;
}

struct attest {
	struct ticket ticket;
	uint64_t generation;
	json_t *record, *accepted;
	const char *evidence;
	char id[ID_TEXT];
};

/* The token's members with our own "assay" behind them: what a release looks at. */
static char *
members(const struct attest *a, struct assay_bytes of_front)
{
	struct buffer b = { .len = 0 };

	buffer_add(&b, of_front);
	buffer_put(&b, of_front.len > 0 ? ",\"assay\":{" : "\"assay\":{");
	member_json(&b, "policies", a->accepted);
	member_number(&b, "generation", a->generation);
	member_text(&b, "protocol", protocols[a->ticket.protocol]);
	member_text(&b, "evidence", a->evidence);
	buffer_put(&b, "}");
	return buffer_take(&b);
}

static bool
read_attest(struct keeper *k, struct attest *a, const struct ipc_message *m, struct reply *r)
{
	const char *tee;

	if (m->count < 8 || m->field[1].len != HASH || m->field[2].len > INT32_MAX ||
	    m->field[3].len == 0 || !ipc_get_u64(&a->generation, m, 5) ||
	    a->generation > k->generation ||
	    memchr(m->field[2].ptr != NULL ? m->field[2].ptr : (const uint8_t *)"", '\0',
		m->field[2].len) != NULL) {
		reply_refuse(
		    r, KEEPER_MALFORMED, "attest: fields are missing, or not of their form");
		return false;
	}
	switch (read_ticket(k, &a->ticket, m->field[0])) {
	case TICKET_FORGED:
		reply_refuse(r, KEEPER_TICKET,
		    "the session is none of this server's; begin again with /auth");
		return false;
	case TICKET_EXPIRED:
		reply_refuse(r, KEEPER_TICKET,
		    "the session began more than %lld s ago; begin again with /auth",
		    (long long)k->options.ticket_life_s);
		return false;
	case TICKET_FUTURE:
		reply_refuse(
		    r, KEEPER_TICKET, "the session begins in the future; begin again with /auth");
		return false;
	case TICKET_GOOD:
		break;
	}
	if (a->ticket.protocol == PROTOCOL_VERIFIER || a->ticket.protocol >= PROTOCOLS) {
		reply_refuse(r, KEEPER_TICKET,
		    "the challenge is of the verifier API, and opens nothing; begin with /auth");
		return false;
	}
	a->record = json_loadb(
	    (const char *)m->field[6].ptr, m->field[6].len, JSON_REJECT_DUPLICATES, NULL);
	a->accepted = names(m->field[4]);
	a->evidence = json_string_value(json_object_get(a->record, "evidence"));
	tee = json_string_value(json_object_get(a->record, "tee"));
	if (a->accepted == NULL || a->evidence == NULL || strlen(a->evidence) != 2 * HASH ||
	    tee == NULL || a->ticket.protocol >= PROTOCOLS ||
	    (strcmp(tee, "sample") == 0 && !k->options.sample)) {
		reply_refuse(r, KEEPER_MALFORMED, "attest: the audit record is not of its form");
		return false;
	}
	hex_text(a->id, a->ticket.id, TICKET_ID);
	return true;
}

/* Of the front's record what docs/audit.md lists, and nothing else. */
static bool
attest_row(struct keeper *k, struct attest *a, const char *outcome, bool last)
{
	static const char *const listed[] = { "tee", "verdict", "evidence", "measurement",
		"rules" };
	struct buffer row = audit_begin(k, "attest");

	member_text(&row, "outcome", outcome);
	member_text(&row, "session", a->id);
	member_text(&row, "protocol", protocols[a->ticket.protocol]);
	member_number(&row, "generation", a->generation);
	member_json(&row, "accepted", a->accepted);
	member_text(&row, "more", last ? not_listed : NULL);
	for (size_t i = 0; i < sizeof listed / sizeof *listed; i++)
		member_json(&row, listed[i], json_object_get(a->record, listed[i]));
	return audit_end(k, "attest", NULL, &row);
}

/* The ticket was spent: the same body gets its token again, because answers get lost. */
static void
attest_again(struct keeper *k, struct attest *a, const struct ipc_message *m, struct reply *r,
    struct assay_bytes session)
{
	struct ipc_message s;
	uint64_t expires;

	if (!ipc_read(&s, session) || s.count != S_COUNT || !ipc_get_u64(&expires, &s, S_EXPIRES)) {
		damaged(r);
		return;
	}
	if (CRYPTO_memcmp(s.field[S_BODY].ptr, m->field[1].ptr, HASH) != 0) {
		bool last;
		if (!refusal_is_row(k, a->id, &last) || attest_row(k, a, "replayed", last))
			reply_refuse(r, KEEPER_SPENT,
			    "this session's challenge has served other evidence; begin again with "
			    "/auth");
		return;
	}
	reply_text(k, r, strndup((const char *)s.field[S_TOKEN].ptr, s.field[S_TOKEN].len));
	r->has_number = true;
	r->number = expires;
}

static void
attest_new(struct keeper *k, struct attest *a, const struct ipc_message *m, struct reply *r)
{
	int64_t expires = k->now + k->options.token_life_s;
	int64_t ticket_end = a->ticket.issued + k->options.ticket_life_s;
	char *text = members(a, m->field[2]);
	char *token = NULL;
	struct assay_error err;
	uint8_t numbers[3][8];
	struct assay_ear_frame frame = {
		.issuer = k->options.issuer,
		.audience = k->options.audience,
		.id = a->id,
		.issued = k->now,
		.expires = expires,
	};

	if (text == NULL)
		keeper_trouble(k, "out of memory");
	else if (assay_ear_sign(&token, &frame, text, k->token_key, &err) != ASSAY_OK) {
		if (err.code == ASSAY_E_NOMEM)
			keeper_trouble(k, err.text);
		else
			reply_refuse(r, KEEPER_MALFORMED, "attest: %.200s", err.text);
	} else {
		struct ipc_message session = { .count = S_COUNT };
		session.field[S_BODY] = m->field[1];
		session.field[S_TOKEN] = (struct assay_bytes){ (uint8_t *)token, strlen(token) };
		session.field[S_KEY] = m->field[3];
		session.field[S_ACCEPTED] = m->field[4];
		session.field[S_REASONS] = m->field[7];
		session.field[S_EVIDENCE] =
		    (struct assay_bytes){ (const uint8_t *)a->evidence, 2 * HASH };
		session.field[S_GENERATION] = ipc_u64(numbers[0], a->generation);
		session.field[S_ISSUED] = ipc_u64(numbers[1], (uint64_t)k->now);
		session.field[S_EXPIRES] = ipc_u64(numbers[2], (uint64_t)expires);
		if (session_add(
			k, &a->ticket, &session, expires > ticket_end ? expires : ticket_end) &&
		    attest_row(k, a, "token", false)) {
			reply_text(k, r, token);
			r->has_number = true;
			r->number = (uint64_t)expires;
			token = NULL;
		}
	}
	free(token);
	free(text);
}

void
keeper_attest(struct keeper *k, const struct ipc_message *m, struct reply *r)
{
	struct attest a = { 0 };
	uint8_t *session = NULL;
	size_t len = 0;
	bool found;

	if (read_attest(k, &a, m, r) && session_find(k, &a.ticket, &session, &len, &found, r)) {
		if (found)
			attest_again(k, &a, m, r, (struct assay_bytes){ session, len });
		else
			attest_new(k, &a, m, r);
	}
	seal_free(session, len);
	json_decref(a.record);
	json_decref(a.accepted);
}

/* Only the frame says whom a result is for, and only a session's token has "assay". */
static bool
releases_nothing(const char *members)
{
	size_t room = strlen(members) + 3;
	char *text = malloc(room);
	json_t *o = NULL;
	bool ok;

	if (text != NULL) {
		(void)snprintf(text, room, "{%s}", members);
		o = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	}
	ok = o != NULL && json_object_get(o, "aud") == NULL && json_object_get(o, "assay") == NULL;
	json_decref(o);
	free(text);
	return ok;
}

void
keeper_sign(struct keeper *k, const struct ipc_message *m, struct reply *r)
{
	uint8_t id[TICKET_ID];
	char text[ID_TEXT];
	struct assay_error err;
	struct assay_ear_frame frame = {
		.issuer =
		    k->options.issuer, /* and no audience: the broker takes none without its own */
		.id = text,
		.issued = k->now,
		.expires = k->now + k->options.token_life_s,
	};
	char *in = m->count >= 1 ? strndup((const char *)m->field[0].ptr, m->field[0].len) : NULL;
	char *token = NULL;

	if (m->count < 1)
		reply_refuse(r, KEEPER_MALFORMED, "sign: the members are missing");
	else if (in == NULL || RAND_bytes(id, sizeof id) != 1)
		keeper_trouble(k, "out of memory");
	else if (!releases_nothing(in))
		reply_refuse(r, KEEPER_MALFORMED,
		    "sign: the members are no JSON, or have \"aud\" or \"assay\" among them");
	else {
		hex_text(text, id, sizeof id);
		if (assay_ear_sign(&token, &frame, in, k->token_key, &err) == ASSAY_OK)
			reply_text(k, r, token);
		else if (err.code == ASSAY_E_NOMEM)
			keeper_trouble(k, err.text);
		else
			reply_refuse(r, KEEPER_MALFORMED, "sign: %.200s", err.text);
	}
	free(in);
}

/* --- KEEPER_RELEASE ---------------------------------------------------------------------- */

static bool
proof_of_session(struct keeper *k, struct proof *p, struct assay_bytes raw, struct reply *r)
{
	struct ticket t;
	struct ipc_message s;
	bool found;

	/* Whether it has expired says the token of its session, not the ticket. */
	if (read_ticket(k, &t, raw) == TICKET_FORGED) {
		reply_refuse(r, KEEPER_TICKET,
		    "the session is none of this server's; begin again with /auth");
		return false;
	}
	if (!session_find(k, &t, &p->session, &p->session_len, &found, r))
		return false;
	if (!found) {
		reply_refuse(r, KEEPER_NO_TOKEN,
		    "this session has not been attested; send evidence to /attest");
		return false;
	}
	if (!ipc_read(&s, (struct assay_bytes){ p->session, p->session_len }) ||
	    s.count != S_COUNT || !ipc_get_u64(&p->generation, &s, S_GENERATION) ||
	    !ipc_get_u64(&p->issued, &s, S_ISSUED) || !ipc_get_u64(&p->expires, &s, S_EXPIRES) ||
	    !ipc_get_text(p->evidence, sizeof p->evidence, &s, S_EVIDENCE) ||
	    t.protocol >= PROTOCOLS) {
		damaged(r);
		return false;
	}
	hex_text(p->id, t.id, TICKET_ID);
	p->token = s.field[S_TOKEN];
	p->key = s.field[S_KEY];
	p->accepted = s.field[S_ACCEPTED];
	p->reasons = s.field[S_REASONS];
	p->protocol = t.protocol;
	return true;
}

/* What a token of ours says. false: it is for something else. */
static bool
read_claims(struct keeper *k, struct proof *p, json_t *claims, const char **why)
{
	const char *aud = NULL, *jti = NULL, *protocol = NULL, *evidence = NULL;
	json_int_t iat = 0, exp = 0, generation = 0;
	json_t *jwk = NULL, *policies = NULL, *name;
	size_t i, room = 1;

	*why = "is not for this server's secrets";
	if (json_unpack(claims, "{s:s, s:s, s:I, s:I, s:{s:o}, s:{s:o, s:I, s:s, s:s}}", "aud",
		&aud, "jti", &jti, "iat", &iat, "exp", &exp, "cnf", "jwk", &jwk, "assay",
		"policies", &policies, "generation", &generation, "protocol", &protocol, "evidence",
		&evidence) != 0 ||
	    strcmp(aud, k->options.audience) != 0)
		return false;
	*why = "is of another form than this server's";
	for (p->protocol = 0; p->protocol < PROTOCOLS; p->protocol++)
		if (strcmp(protocol, protocols[p->protocol]) == 0)
			break;
	if (p->protocol == PROTOCOLS || strlen(evidence) != 2 * HASH ||
	    strlen(jti) >= sizeof p->id || generation < 0 || iat < 0 || exp < 0)
		return false;
	memcpy(p->evidence, evidence, sizeof p->evidence);
	memcpy(p->id, jti, strlen(jti) + 1);
	p->generation = (uint64_t)generation;
	p->issued = (uint64_t)iat;
	p->expires = (uint64_t)exp;
	json_array_foreach(policies, i, name)
	{
		if (!json_is_string(name))
			return false;
		room += json_string_length(name) + 1;
	}
	p->key_text = json_dumps(jwk, JSON_COMPACT);
	if (p->key_text == NULL || (p->accepted_text = calloc(1, room)) == NULL) {
		keeper_trouble(k, "out of memory");
		return false;
	}
	room = 0;
	json_array_foreach(policies, i, name)
	{
		room += (size_t)sprintf(p->accepted_text + room, "%s\n", json_string_value(name));
	}
	p->key = (struct assay_bytes){ (uint8_t *)p->key_text, strlen(p->key_text) };
	p->accepted = (struct assay_bytes){ (uint8_t *)p->accepted_text, room };
	return true;
}

/* The payload of a token that is signed by us, under a key that we hold; the caller frees it. */
static bool
open_token(
    struct keeper *k, uint8_t **payload, size_t *len, struct assay_bytes token, struct reply *r)
{
	struct assay_error err;

	if (assay_jws_verify(payload, len, NULL, k->token_keys, "JWT", token, &err) == ASSAY_OK)
		return true;
	if (err.code == ASSAY_E_NOMEM)
		keeper_trouble(k, err.text);
	else
		reply_refuse(
		    r, KEEPER_TOKEN, "the token is not one of this server's; attest again");
	return false;
}

/* A token that came instead of the session. */
static bool
proof_of_token(struct keeper *k, struct proof *p, struct assay_bytes token, struct reply *r)
{
	uint8_t *payload = NULL;
	size_t len = 0;
	const char *why = "is no JSON";
	json_t *claims;
	bool ok;

	if (!open_token(k, &payload, &len, token, r))
		return false;
	p->token = token;
	claims = json_loadb((char *)payload, len, JSON_REJECT_DUPLICATES, NULL);
	free(payload);
	ok = claims != NULL && read_claims(k, p, claims, &why);
	json_decref(claims);
	if (!ok && !k->failed)
		reply_refuse(r, KEEPER_TOKEN, "the token %s; attest again", why);
	return ok;
}

static bool
still_good(struct keeper *k, const struct proof *p, struct reply *r)
{
	if ((int64_t)p->expires <= k->now)
		reply_refuse(r, KEEPER_TOKEN, "the token has expired; attest again");
	else if ((int64_t)p->issued > k->now + SKEW_S)
		reply_refuse(r, KEEPER_TOKEN,
		    "the token is from the future: a clock was wrong; attest again");
	else if (p->generation < k->appraisal || p->generation > k->generation)
		reply_refuse(r, KEEPER_TOKEN,
		    "policies, reference values or collateral have changed since; attest again");
	else
		return true;
	return false;
}

/* What is asked for, and what the OPA has said to it. */
struct request {
	bool only_ask; /* KEEPER_WOULD_RELEASE */
	char path[PATH_ROOM], peer[PEER_ROOM];
	char verdict[sizeof "allowed"], why[WHY_ROOM]; /* verdict "": it was not asked */
	struct assay_bytes judged;                     /* SHA-256 of the claims that it was given */
};

/* rule and opa may be NULL. Of what one session is denied, only so much is listed. */
static bool
release_row(struct keeper *k, const struct proof *p, const struct request *q, const char *outcome,
    const struct item *secret, const char *policy, const char *rule, const char *opa)
{
	bool refused = strcmp(outcome, "denied") == 0, last = false;

	if (refused && !refusal_is_row(k, p->id, &last))
		return true;
	struct buffer row = audit_begin(k, "release");

	member_text(&row, "outcome", outcome);
	member_text(&row, "resource", q->path);
	member_number(&row, "version", (uint64_t)secret->version);
	member_text(&row, "policy", policy);
	member_text(&row, "session", p->id);
	member_text(&row, "evidence", p->evidence);
	member_text(&row, "protocol", protocols[p->protocol]);
	member_text(&row, "peer", q->peer);
	member_text(&row, "rule", rule);
	member_text(&row, "opa", opa);
	member_text(&row, "more", last ? not_listed : NULL);
	return audit_end(k, "release", q->path, &row);
}

static void
deny(struct keeper *k, const struct proof *p, const struct request *q, const struct item *secret,
    const char *policy, struct reply *r)
{
	json_t *reasons =
	    json_loadb((const char *)p->reasons.ptr, p->reasons.len, JSON_REJECT_DUPLICATES, NULL);
	const char *rule = json_string_value(json_object_get(reasons, policy));
	char quoted[QUOTE_ROOM];

	if (release_row(k, p, q, "denied", secret, policy, rule, NULL)) {
		text_quote_string(quoted, policy);
		if (rule != NULL)
			reply_refuse(r, KEEPER_DENIED,
			    "policy %s does not accept this evidence: %.300s", quoted, rule);
		else
			reply_refuse(
			    r, KEEPER_DENIED, "policy %s does not accept this evidence", quoted);
	}
	json_decref(reasons);
}

static void
hand_out(struct keeper *k, const struct proof *p, const struct request *q,
    const struct item *secret, const char *policy, struct reply *r)
{
	enum assay_jwe_form form = p->protocol == PROTOCOL_0_1_0 || p->protocol == PROTOCOL_0_1_1
	    ? ASSAY_JWE_LEGACY
	    : ASSAY_JWE_FLATTENED;
	struct assay_jwk *to = NULL;
	struct assay_error err;
	char *jwe = NULL;
	enum assay_code rc = assay_jwk_parse_like(&to, p->key, k->token_key, &err);

	if (rc == ASSAY_OK)
		rc = assay_jwe_encrypt(
		    &jwe, to, form, (struct assay_bytes){ secret->body, secret->len }, &err);
	assay_jwk_free(to);
	if (rc == ASSAY_E_NOMEM)
		keeper_trouble(k, err.text);
	else if (rc != ASSAY_OK)
		reply_refuse(r, KEEPER_KEY, "tee-pubkey: %.300s", err.text);
	else if (release_row(k, p, q, "released", secret, policy, NULL,
		     k->options.opa ? "allowed" : NULL)) {
		reply_text(k, r, jwe);
		r->has_number = true;
		r->number = (uint64_t)secret->version;
		return;
	}
	free(jwe);
}

/* --- the operator's OPA: after the policy, never instead of it ------------------------------- */

static void
tell_claims(struct keeper *k, const struct proof *p, const struct item *secret, struct reply *r)
{
	uint8_t *claims = NULL;
	size_t len = 0;

	if (!open_token(k, &claims, &len, p->token, r))
		return;
	reply_text(k, r, strndup((const char *)claims, len));
	r->has_number = true;
	r->number = (uint64_t)secret->version;
	free(claims);
}

/* Has it been asked about these claims? A session that ends between the two steps may leave its place
 * to a token of other claims. */
static bool
is_about(struct keeper *k, const struct proof *p, const struct request *q, struct reply *r)
{
	uint8_t *claims = NULL, digest[HASH];
	size_t len = 0;

	if (!open_token(k, &claims, &len, p->token, r))
		return false;
	bool hashed = EVP_Digest(claims, len, digest, NULL, EVP_sha256(), NULL) == 1;
	free(claims);
	if (!hashed)
		keeper_trouble(k, "out of memory");
	else if (CRYPTO_memcmp(digest, q->judged.ptr, HASH) == 0)
		return true;
	else
		reply_refuse(r, KEEPER_TOKEN,
		    "the token has changed while OPA was asked about it; attest again");
	return false;
}

/* Nothing but "allowed" releases. */
static void
obey(struct keeper *k, const struct proof *p, const struct request *q, const struct item *secret,
    const char *policy, struct reply *r)
{
	bool denied = strcmp(q->verdict, "denied") == 0;

	if (q->judged.len != HASH)
		reply_refuse(r, KEEPER_MALFORMED, "release: OPA was not asked");
	else if (!is_about(k, p, q, r))
		return;
	else if (strcmp(q->verdict, "allowed") == 0)
		hand_out(k, p, q, secret, policy, r);
	else if (release_row(k, p, q, "denied", secret, policy, "opa", q->why))
		reply_refuse(r, denied ? KEEPER_DENIED : KEEPER_UNJUDGED,
		    "the operator's OPA %s: %s",
		    denied ? "does not allow it" : "could not judge it", q->why);
}

static void
release(struct keeper *k, const struct proof *p, const struct request *q, struct reply *r)
{
	struct item secret;
	bool found;
	char quoted[QUOTE_ROOM];
	const char *policy;

	if (!item_get(k, &secret, KIND_SECRET, q->path, 0, &found))
		return;
	policy = json_string_value(json_object_get(secret.facts, "policy"));
	if (!found)
		reply_refuse(
		    r, KEEPER_MISSING, "there is no secret %s", text_quote_string(quoted, q->path));
	else if (policy == NULL)
		reply_refuse(r, KEEPER_TROUBLE,
		    "the secret is damaged, or sealed under another master key; put it again");
	else if (!has_line(p->accepted, policy))
		deny(k, p, q, &secret, policy, r);
	else if (q->only_ask)
		tell_claims(k, p, &secret, r);
	else if (k->options.opa)
		obey(k, p, q, &secret, policy, r);
	else
		hand_out(k, p, q, &secret, policy, r);
	item_clear(&secret);
}

static bool
read_request(struct request *q, const struct ipc_message *m)
{
	*q = (struct request){ .only_ask = m->op == KEEPER_WOULD_RELEASE };
	if (m->count < 4 || !ipc_get_text(q->path, sizeof q->path, m, 2) ||
	    !ipc_get_text(q->peer, sizeof q->peer, m, 3))
		return false;
	if (m->count == 4)
		return true;
	q->judged = m->field[5];
	return !q->only_ask && m->count == 7 && q->judged.len == HASH &&
	    ipc_get_text(q->verdict, sizeof q->verdict, m, 4) &&
	    ipc_get_text(q->why, sizeof q->why, m, 6);
}

void
keeper_release(struct keeper *k, const struct ipc_message *m, struct reply *r)
{
	struct request q;
	struct proof p = { 0 };
	bool ok = false;

	if (!read_request(&q, m) || (q.judged.len > 0 && !k->options.opa)) {
		reply_refuse(
		    r, KEEPER_MALFORMED, "release: fields are missing, or not of their form");
		return;
	}
	if (m->field[0].len == 0 && m->field[1].len == 0)
		reply_refuse(r, KEEPER_NO_TOKEN, "no session and no token; begin with /auth");
	if (m->field[0].len > 0)
		ok = proof_of_session(k, &p, m->field[0], r) && still_good(k, &p, r);
	/* A cookie that proves nothing does not stand in the way of a token that does. */
	if (!ok && !k->failed && m->field[1].len > 0) {
		reply_clear(r);
		proof_clear(&p);
		ok = proof_of_token(k, &p, m->field[1], r) && still_good(k, &p, r);
	}
	if (ok)
		release(k, &p, &q, r);
	proof_clear(&p);
}
