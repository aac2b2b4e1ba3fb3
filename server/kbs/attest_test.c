/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The handlers over a front and a keeper that are made up here: what they ask the keeper, what they
 * answer, and that they do exactly one of both, whatever fails.
 */
#include "attestation.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>
#include <openssl/evp.h>

#include <assay/bundle.h>

#include "../opa/opa.h"
#include "../options.h"
#include "alloc.h"
#include "annotate.h"
#include "base64.h"
#include "buffer.h"
#include "kbs.h"
#include "platforms/platforms.h"
#include "vectors.h"

enum { NOW = 1795219200 }; /* 2026-11-21 */

#define KEY                                                                                        \
	"{\"alg\":\"ECDH-ES+A256KW\",\"crv\":\"P-256\",\"kty\":\"EC\","                            \
	"\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","                                   \
	"\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}"

/* --- a front and a keeper -------------------------------------------------------------------- */

struct worker {
	struct view view;
	struct server_options options;
	struct assay_evidence *evidence;
	struct assay_claims *claims;
	struct assay_checks *checks;
	bool opa;
};

struct exchange {
	struct worker *worker;
	const char *method, *path, *rest, *query, *cookie, *bearer;
	struct assay_bytes body;
	/* What became of it. */
	int answers, status;
	char *answer, set_cookie[512];
	int calls;
	enum keeper_op op;
	char *fields[IPC_FIELDS_MAX]; /* copies, NUL-terminated */
	size_t lengths[IPC_FIELDS_MAX], count;
	keeper_done *done;
	void *arg, *state;
	char *question; /* to the OPA */
	opa_done *judge;
};

const char *
exchange_method(const struct exchange *x)
{
	return x->method;
}

const char *
exchange_path(const struct exchange *x)
{
	return x->path;
}

const char *
exchange_rest(const struct exchange *x)
{
	return x->rest;
}

const char *
exchange_query(const struct exchange *x)
{
	return x->query != NULL ? x->query : "";
}

struct assay_bytes
exchange_body(const struct exchange *x)
{
	return x->body;
}

bool
exchange_cookie(const struct exchange *x, const char *name, struct assay_bytes *value)
{
	assert_string_equal(name, "kbs-session-id");
	*value = bytes_of(x->cookie);
	return x->cookie != NULL;
}

bool
exchange_bearer(const struct exchange *x, struct assay_bytes *token)
{
	*token = bytes_of(x->bearer);
	return x->bearer != NULL;
}

struct assay_bytes
exchange_client_key(const struct exchange *x)
{
	(void)x;
	return (struct assay_bytes){ NULL, 0 };
}

const char *
exchange_peer(const struct exchange *x)
{
	(void)x;
	return "127.0.0.1";
}

static int64_t clock_shift;

int64_t
exchange_now(const struct exchange *x)
{
	(void)x;
	return NOW + clock_shift;
}

struct worker *
exchange_worker(const struct exchange *x)
{
	return x->worker;
}

void
exchange_set_state(struct exchange *x, void *state)
{
	x->state = state;
}

void *
exchange_state(const struct exchange *x)
{
	return x->state;
}

void
exchange_set(struct exchange *x, const char *header, const char *value)
{
	assert_string_equal(header, "Set-Cookie");
	(void)snprintf(x->set_cookie, sizeof x->set_cookie, "%s", value);
}

/* The test's own memory does not fail. */
static char *
copy_of(struct assay_bytes bytes)
{
	char *text = test_malloc(bytes.len + 1);

	if (bytes.len > 0)
		memcpy(text, bytes.ptr, bytes.len);
	text[bytes.len] = '\0';
	return text;
}

void
exchange_answer(struct exchange *x, int status, const char *type, struct assay_bytes body)
{
	assert_non_null(type);
	x->answers++;
	x->status = status;
	x->answer = copy_of(body);
}

struct keeper_line *
worker_keeper(struct worker *w)
{
	(void)w;
	return NULL;
}

struct view *
worker_view(struct worker *w)
{
	return &w->view;
}

const struct assay_jwk *
worker_curve(struct worker *w)
{
	(void)w;
	return NULL;
}

struct assay_cache *
worker_cache(struct worker *w)
{
	(void)w;
	return NULL;
}

struct assay_evidence **
worker_evidence(struct worker *w)
{
	return &w->evidence;
}

struct assay_claims **
worker_claims(struct worker *w)
{
	return &w->claims;
}

struct assay_checks *
worker_checks(struct worker *w)
{
	return w->checks;
}

const struct server_options *
worker_options(const struct worker *w)
{
	return &w->options;
}

struct opa_line *
worker_opa(const struct worker *w)
{
	return w->opa ? (struct opa_line *)(uintptr_t)w : NULL;
}

void
opa_ask(struct opa_line *line, struct assay_bytes body, opa_done *done, void *arg)
{
	struct exchange *x = arg;

	assert_ptr_equal(line, x->worker);
	test_free(x->question);
	x->question = copy_of(body);
	x->judge = done;
}

struct collateral *
worker_collateral(const struct worker *w)
{
	(void)w;
	return NULL; /* none is asked for */
}

void
worker_saw(struct worker *w, const struct ipc_message *answer)
{
	(void)w;
	(void)answer;
}

void
metric_count(struct worker *w, const char *name, const char *label, const char *value)
{
	(void)w;
	assert_non_null(name);
	assert_int_equal(label == NULL, value == NULL);
}

void
keeper_call(struct keeper_line *line, enum keeper_op op, const struct assay_bytes *fields,
    size_t count, keeper_done *done, void *arg)
{
	struct exchange *x = arg;

	(void)line;
	x->calls++;
	x->op = op;
	x->count = count;
	for (size_t i = 0; i < count; i++) {
		x->fields[i] = copy_of(fields[i]);
		x->lengths[i] = fields[i].len;
	}
	x->done = done;
	x->arg = arg;
}

/* The keeper answers, later. */
static void
answer(struct exchange *x, enum keeper_status status, const char *text)
{
	uint8_t generation[8];
	struct ipc_message m = { .op = status, .count = 2 };

	m.field[0] = ipc_u64(generation, 7);
	m.field[1] = bytes_of(text);
	if (x->calls != 1 || x->answers != 0)
		fail_msg("%d calls, %d answers: %s", x->calls, x->answers, x->answer);
	x->done(x->arg, &m);
	assert_int_equal(x->answers, 1);
}

static void
forget_call(struct exchange *x)
{
	for (size_t i = 0; i < x->count; i++)
		test_free(x->fields[i]);
	x->count = 0;
	x->calls = 0;
}

static void
exchange_clear(struct exchange *x)
{
	test_free(x->answer);
	test_free(x->question);
	free(x->state);
	forget_call(x);
	for (size_t i = 0; i < x->count; i++)
		test_free(x->fields[i]);
}

static void
expect_error(const struct exchange *x, int status, const char *variant, const char *words)
{
	char type[128];

	(void)snprintf(type, sizeof type,
	    "{\"type\":\"https://github.com/confidential-containers/kbs/errors/%s\",\"detail\":\"",
	    variant);
	if (x->answers != 1 || x->status != status || strncmp(x->answer, type, strlen(type)) != 0 ||
	    strstr(x->answer, words) == NULL)
		fail_msg("%d %s; want %d %s %s", x->status, x->answer, status, variant, words);
}

/* --- a world ----------------------------------------------------------------------------------- */

static const struct view_policy policies[] = { { .name = "default" }, { .name = "genuine" },
	{ .name = "sample" } };
static struct view_policy compiled[3];
static struct worker world;

/* What a machine's evidence has beside the report data. */
struct wish {
	const char *tee;
	bool debug;
	const char *init_data; /* its digest, SHA-384, stands in the host's field */
};

static struct sim_bytes
make(struct sim *sim, const struct wish *wish, const uint8_t data[64], struct sim_output *out)
{
	uint8_t digest[64] = { 0 };
	struct sim_dcap d;
	struct sim_snp s;

	if (wish->init_data != NULL)
		assert_int_equal(EVP_Digest(wish->init_data, strlen(wish->init_data), digest, NULL,
				     EVP_sha384(), NULL),
		    1);
	if (strcmp(wish->tee, "snp") == 0) {
		sim_snp_new(&s, sim, SIM_MILAN, 3, false, NOW, 30 * SIM_DAY);
		s.table = true;
		s.report.policy |= wish->debug ? 1 << 19 : 0;
		memcpy(s.report.report_data, data, 64);
		memcpy(s.report.host_data, digest, 32);
		sim_snp_write(&s, out);
		return out->evidence;
	}
	bool tdx = strcmp(wish->tee, "tdx") == 0;
	sim_dcap_new(&d, sim, tdx, tdx ? 4 : 3, 0, true, NOW, 30 * SIM_DAY);
	memcpy(tdx ? d.td.report_data : d.enclave.report_data, data, 64);
	if (tdx) {
		d.td.td_attributes |= wish->debug;
		memcpy(d.td.mr_config_id, digest, 48);
	} else {
		d.enclave.attributes |= wish->debug ? 2 : 0;
		memcpy(d.enclave.config_id, digest, 64);
	}
	sim_dcap_write(&d, out);
	return out->evidence;
}

static int
open_world(void **state)
{
	static const char *const tees[] = { "tdx", "snp", "sgx" };
	struct assay_trust *trust;
	struct assay_error err;
	(void)state;

	assert_int_equal(assay_trust_new(&trust, &err), ASSAY_OK);
	assert_int_equal(assay_checks_new(&world.checks, &err), ASSAY_OK);
	for (size_t i = 0; i < 3; i++) {
		static const uint8_t none[64];
		struct sim *sim = sim_new(1);
		struct sim_output out;
		struct wish wish = { .tee = tees[i] };
		(void)make(sim, &wish, none, &out);
		assert_int_equal(
		    assay_trust_add_root(
			trust, (struct assay_bytes){ out.root.ptr, out.root.len }, "root", &err),
		    ASSAY_OK);
		for (size_t k = 0; k < out.item_count; k++)
			if (assay_trust_add(trust,
				(struct assay_bytes){
				    out.items[k].bytes.ptr, out.items[k].bytes.len },
				out.items[k].name, NULL, &err) != ASSAY_OK)
				fail_msg("%s", err.text);
		if (out.min_tcb[0] != '\0')
			assert_int_equal(
			    assay_trust_set_min_tcb(trust, out.min_tcb, &err), ASSAY_OK);
		sim_free(sim);
	}
	memcpy(compiled, policies, sizeof policies);
	compiled[0].policy = assay_policy_builtin("default");
	compiled[1].policy = assay_policy_builtin("genuine");
	compiled[2].policy = assay_policy_builtin("default");
	world.view = (struct view){ .generation = 5,
		.trust = trust,
		.policies = compiled,
		.policy_count = 2,
		.ticket_life_s = 300,
		.token_life_s = 300 };
	for (uint32_t i = 0; i < 3; i++) {
		world.view.tickets.epoch[i] = NOW / TICKET_EPOCH_S + i - 1;
		memset(world.view.tickets.key[i], (int)(i + 1), TICKET_KEY);
	}
	return 0;
}

static int
close_world(void **state)
{
	struct assay_trust *trust;
	(void)state;

	memcpy(&trust, &world.view.trust, sizeof trust);
	assay_trust_free(trust);
	assay_evidence_free(world.evidence);
	assay_claims_free(world.claims);
	assay_checks_free(world.checks);
	return 0;
}

/* A session: the cookie and the nonce of a challenge. */
struct session {
	char cookie[2 * TICKET_SIZE + 1], nonce[64];
};

static struct session
begin(const char *version, const char *tee)
{
	struct exchange x = {
		.worker = &world, .method = "POST", .path = "/kbs/v0/auth", .rest = ""
	};
	struct session s = { .nonce = "" };
	char body[128];

	(void)snprintf(body, sizeof body,
	    "{\"version\":\"%s\",\"tee\":\"%s\",\"extra-params\":\"\"}", version, tee);
	x.body = bytes_of(body);
	kbs_auth(&x);
	assert_int_equal(x.calls, 0);
	if (x.status != 200)
		fail_msg("%s", x.answer);
	assert_int_equal(
	    sscanf(x.set_cookie, "kbs-session-id=%128[0-9a-f]; Path=/kbs/v0; Expires=", s.cookie),
	    1);
	assert_non_null(strstr(x.set_cookie, "GMT; HttpOnly"));
	assert_int_equal(
	    sscanf(x.answer, "{\"nonce\":\"%44[A-Za-z0-9+/=]\",\"extra-params\":\"\"}", s.nonce),
	    1);
	assert_int_equal(strlen(s.nonce), 44);
	exchange_clear(&x);
	return s;
}

/* The body of an attestation of 0.4.0, bound as it must be; test_free() it. */
static char *
body_of(const struct session *s, const struct wish *wish)
{
	struct sim *sim = sim_new(1);
	struct sim_output out;
	uint8_t data[64] = { 0 };
	struct assay_error err;
	struct assay_bytes none = { NULL, 0 };
	struct buffer b = { .len = 0 };
	char *json;

	buffer_put(&b, "{\"additional-evidence\":\"\",\"nonce\":\"");
	buffer_put(&b, s->nonce);
	buffer_put(&b, "\",\"tee-pubkey\":" KEY "}");
	assert_int_equal(EVP_Digest(b.text, b.len, data, NULL, EVP_sha384(), NULL), 1);
	buffer_clear(&b);
	struct sim_bytes raw = make(sim, wish, data, &out);
	struct assay_bytes evidence = { raw.ptr, raw.len }, table = none;
	if (strcmp(wish->tee, "snp") == 0) {
		table = (struct assay_bytes){ raw.ptr + 1184, raw.len - 1184 };
		evidence.len = 1184;
	}
	if (assay_coco_write(&json, evidence, table, none, &err) != ASSAY_OK)
		fail_msg("%s", err.text);
	sim_free(sim);
	buffer_put(&b, "{\"init-data\":");
	if (wish->init_data != NULL) {
		buffer_put(&b, "{\"format\":\"toml\",\"body\":");
		buffer_string(&b, bytes_of(wish->init_data));
		buffer_put(&b, "}");
	} else
		buffer_put(&b, "null");
	buffer_put(&b, ",\"runtime-data\":{\"nonce\":\"");
	buffer_put(&b, s->nonce);
	buffer_put(&b, "\",\"tee-pubkey\":" KEY "},\"tee-evidence\":{\"primary_evidence\":");
	buffer_put(&b, json);
	buffer_put(&b, ",\"additional_evidence\":\"\"}}");
	free(json);
	char *body = copy_of(buffer_bytes(&b));
	buffer_clear(&b);
	return body;
}

static void
attest(struct exchange *x, const struct session *s, const char *body)
{
	*x = (struct exchange){ .worker = &world,
		.method = "POST",
		.path = "/kbs/v0/attest",
		.rest = "",
		.cookie = s->cookie,
		.body = bytes_of(body) };
	kbs_attest(x);
}

/* --- what the keeper is asked ------------------------------------------------------------------- */

static json_t *
parsed(const char *text)
{
	json_error_t why;
	json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, &why);

	if (root == NULL)
		fail_msg("%s: %s", why.text, text);
	return root;
}

/* The members of the token, as an object. */
static json_t *
members_of(const struct exchange *x)
{
	struct buffer b = { .len = 0 };

	buffer_put(&b, "{");
	buffer_put(&b, x->fields[2]);
	buffer_put(&b, "}");
	char *text = buffer_take(&b);
	json_t *root = parsed(text);
	free(text);
	return root;
}

static const json_t *
facts_of(const json_t *members)
{
	const json_t *cpu = json_object_get(json_object_get(members, "submods"), "cpu0");

	return json_object_get(cpu, "ear.veraison.annotated-evidence");
}

static void
test_asked(void **state)
{
	static const char *const tees[] = { "tdx", "snp", "sgx" };
	(void)state;

	for (size_t i = 0; i < 3; i++) {
		struct wish wish = { .tee = tees[i] };
		struct session s = begin("0.4.0", tees[i]);
		char *body = body_of(&s, &wish);
		struct exchange x;
		attest(&x, &s, body);
		uint8_t ticket[TICKET_SIZE], digest[32];
		if (x.calls != 1)
			fail_msg("%s: %s", tees[i], x.answer);
		assert_int_equal(x.answers, 0);
		assert_int_equal(x.op, KEEPER_ATTEST);
		assert_int_equal(x.count, 8);
		assert_true(hex_decode(ticket, sizeof ticket, bytes_of(s.cookie)));
		assert_int_equal(x.lengths[0], TICKET_SIZE);
		assert_memory_equal(x.fields[0], ticket, TICKET_SIZE);
		assert_int_equal(
		    EVP_Digest(body, strlen(body), digest, NULL, EVP_sha256(), NULL), 1);
		assert_memory_equal(x.fields[1], digest, 32);
		assert_string_equal(x.fields[3], KEY);
		assert_string_equal(x.fields[4], "default\ngenuine\n");
		assert_memory_equal(x.fields[5], "\5\0\0\0\0\0\0\0", 8);
		assert_string_equal(x.fields[7], "{}");
		json_t *record = parsed(x.fields[6]);
		assert_string_equal(json_string_value(json_object_get(record, "tee")), tees[i]);
		assert_string_equal(
		    json_string_value(json_object_get(record, "verdict")), "accepted");
		assert_int_equal(json_string_length(json_object_get(record, "evidence")), 64);
		assert_int_equal(json_array_size(json_object_get(record, "rules")), 0);
		json_decref(record);
		json_t *members = members_of(&x);
		const json_t *runtime = json_object_get(facts_of(members), "runtime_data_claims");
		assert_string_equal(json_string_value(json_object_get(runtime, "nonce")), s.nonce);
		json_t *key = parsed(KEY);
		assert_true(json_equal(json_object_get(runtime, "tee-pubkey"), key));
		assert_non_null(json_object_get(facts_of(members), tees[i]));
		json_decref(key);
		json_decref(members);
		answer(&x, KEEPER_DONE, "a.b.c");
		assert_int_equal(x.status, 200);
		assert_string_equal(x.answer, "{\"token\":\"a.b.c\"}");
		assert_non_null(strstr(x.set_cookie, s.cookie));
		exchange_clear(&x);
		test_free(body);
	}
}

/* Genuine evidence that the policy "default" refuses: a looser one may take it. */
static void
test_debug(void **state)
{
	static const char *const tees[] = { "tdx", "snp", "sgx" };
	(void)state;

	for (size_t i = 0; i < 3; i++) {
		struct wish wish = { .tee = tees[i], .debug = true };
		struct session s = begin("0.4.0", tees[i]);
		char *body = body_of(&s, &wish);
		struct exchange x;
		attest(&x, &s, body);
		if (x.calls != 1)
			fail_msg("%s: %s", tees[i], x.answer);
		assert_string_equal(x.fields[4], "genuine\n");
		json_t *reasons = parsed(x.fields[7]), *record = parsed(x.fields[6]);
		const char *why = json_string_value(json_object_get(reasons, "default"));
		assert_non_null(why);
		assert_non_null(strstr(why, "policy.debug: "));
		assert_int_equal(json_object_size(reasons), 1);
		assert_string_equal(
		    json_string_value(json_object_get(record, "verdict")), "refused");
		assert_string_equal(
		    json_string_value(json_array_get(json_object_get(record, "rules"), 0)),
		    "policy.debug");
		json_decref(reasons);
		json_decref(record);
		exchange_clear(&x);
		test_free(body);
	}
}

static void
test_init_data(void **state)
{
	static const char text[] = "version = \"0.1.0\"\nalgorithm = \"sha384\"\n[data]\n"
				   "\"cdh.toml\" = \"[kbc]\\nname = 'cc_kbc'\"\n";
	static const char *const tees[] = { "tdx", "snp", "sgx" };
	(void)state;

	for (size_t i = 0; i < 3; i++) {
		struct wish wish = { .tee = tees[i], .init_data = text };
		struct session s = begin("0.4.0", tees[i]);
		char *body = body_of(&s, &wish);
		struct exchange x;
		attest(&x, &s, body);
		if (x.calls != 1)
			fail_msg("%s: %s", tees[i], x.answer);
		json_t *members = members_of(&x);
		const json_t *claims = json_object_get(facts_of(members), "init_data_claims");
		const json_t *kbc = json_object_get(json_object_get(claims, "cdh.toml"), "kbc");
		assert_string_equal(json_string_value(json_object_get(kbc, "name")), "cc_kbc");
		json_decref(members);
		exchange_clear(&x);
		/* One letter less. */
		char *at = strstr(body, "cc_kbc");
		assert_non_null(at);
		at[0] = 'C';
		attest(&x, &s, body);
		expect_error(&x, 401, "AttestationError", "is not what the evidence carries");
		exchange_clear(&x);
		test_free(body);
	}
}

/* Where the operator's "default" cannot be read, nothing passes it; the built-in one does not count. */
static void
test_no_default(void **state)
{
	static const char text[] = "policy \"none\"\nfor sev\n"
				   "  require configuration  debug == false\n";
	static const char *const tees[] = { "tdx", "snp", "sgx" };
	struct assay_policy *none;
	struct assay_error err;
	(void)state;

	assert_int_equal(
	    assay_policy_compile(&none, bytes_of(text), "default", NULL, &err), ASSAY_OK);
	world.view.policies = compiled + 1;
	world.view.policy_count = 1;
	world.view.no_default = none;
	for (size_t i = 0; i < 3; i++) {
		struct wish wish = { .tee = tees[i] };
		struct session s = begin("0.4.0", tees[i]);
		char *body = body_of(&s, &wish);
		struct exchange x;
		attest(&x, &s, body);
		if (x.calls != 1)
			fail_msg("%s: %s", tees[i], x.answer);
		assert_string_equal(x.fields[4], "genuine\n");
		json_t *record = parsed(x.fields[6]), *members = members_of(&x);
		const json_t *cpu = json_object_get(json_object_get(members, "submods"), "cpu0");
		assert_string_equal(
		    json_string_value(json_object_get(record, "verdict")), "refused");
		assert_string_equal(
		    json_string_value(json_object_get(cpu, "ear.status")), "contraindicated");
		json_decref(members);
		json_decref(record);
		exchange_clear(&x);
		test_free(body);
	}
	world.view.policies = compiled;
	world.view.policy_count = 2;
	world.view.no_default = NULL;
	assay_policy_free(none);
}

/* Each device is a hundred bytes of the token, and a name of a few in the body. */
static void
test_devices(void **state)
{
	static const struct {
		size_t count, name;
		const char *words;
	} rows[] = { { 64, 1, "evidence.report_data" }, { 65, 1, "at most 64 devices" },
		{ 100000, 1, "at most 64 devices" }, { 1, 64, "evidence.report_data" },
		{ 1, 65, "names of at most 64 bytes" } };
	static const char member[] = "\"additional_evidence\":\"\"";
	struct wish wish = { .tee = "sgx" };
	struct session s = begin("0.4.0", "sgx");
	char *body = body_of(&s, &wish), *at = strstr(body, member);
	(void)state;

	assert_non_null(at);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct buffer b = { .len = 0 };
		struct exchange x;
		buffer_add(&b, (struct assay_bytes){ (uint8_t *)body, (size_t)(at - body) });
		buffer_put(&b, "\"additional_evidence\":\"{");
		for (size_t k = 0; k < rows[i].count; k++) {
			buffer_put(&b, k > 0 ? ",\\\"" : "\\\"");
			for (size_t n = 0; n < rows[i].name; n++)
				buffer_put(&b, "n");
			buffer_put(&b, "\\\":0");
		}
		buffer_put(&b, "}\"");
		buffer_put(&b, at + sizeof member - 1);
		char *changed = buffer_take(&b);
		attest(&x, &s, changed);
		expect_error(&x, 401, "AttestationError", rows[i].words);
		assert_int_equal(x.calls, 0);
		exchange_clear(&x);
		free(changed);
	}
	test_free(body);
}

/* --- what the keeper answers ----------------------------------------------------------------------- */

static void
test_attest_answers(void **state)
{
	static const struct {
		enum keeper_status keeper;
		int status;
	} rows[] = { { KEEPER_TICKET, 401 }, { KEEPER_SPENT, 401 }, { KEEPER_KEY, 401 },
		{ KEEPER_TROUBLE, 503 }, { KEEPER_MALFORMED, 500 }, { KEEPER_MISSING, 500 } };
	struct wish wish = { .tee = "sgx" };
	struct session s = begin("0.4.0", "sgx");
	char *body = body_of(&s, &wish);
	(void)state;

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct exchange x;
		attest(&x, &s, body);
		answer(&x, rows[i].keeper, "because");
		expect_error(&x, rows[i].status, "AttestationError", "because");
		assert_true(
		    (strstr(x.answer, "another body") != NULL) == (rows[i].keeper == KEEPER_SPENT));
		assert_string_equal(x.set_cookie, "");
		exchange_clear(&x);
	}
	test_free(body);
}

/* A ticket has its time; a session goes on as long as its token, which the keeper knows. */
static void
test_times(void **state)
{
	static const struct {
		int64_t shift;
		const char *words;
	} rows[] = { { 301, "expired, after 300 s" }, { -60, "begins in the future" } };
	struct wish wish = { .tee = "sgx" };
	struct session s = begin("0.4.0", "sgx");
	char *body = body_of(&s, &wish);
	(void)state;

	for (size_t i = 0; i < 2; i++) {
		struct exchange x;
		clock_shift = rows[i].shift;
		attest(&x, &s, body);
		assert_int_equal(x.calls, 0);
		expect_error(&x, 401, "AttestationError", rows[i].words);
		exchange_clear(&x);
		x = (struct exchange){ .worker = &world,
			.method = "GET",
			.path = "/kbs/v0/resource/a/b/c",
			.rest = "a/b/c",
			.cookie = s.cookie };
		kbs_resource(&x);
		assert_int_equal(x.calls, 1);
		assert_int_equal(x.lengths[0], TICKET_SIZE);
		exchange_clear(&x);
	}
	clock_shift = 0;
	test_free(body);
}

static void
test_release_answers(void **state)
{
	static const struct {
		enum keeper_status keeper;
		int status;
		const char *variant;
	} rows[] = {
		{ KEEPER_TICKET, 401, "TokenNotFound" },
		{ KEEPER_NO_TOKEN, 401, "TokenNotFound" },
		{ KEEPER_TOKEN, 401, "TokenVerifierError" },
		{ KEEPER_DENIED, 401, "PolicyDeny" },
		{ KEEPER_MISSING, 404, "PluginInternalError" },
		{ KEEPER_KEY, 401, "JweError" },
		{ KEEPER_TROUBLE, 503, "PluginInternalError" },
	};
	struct session s = begin("0.4.0", "sgx");
	(void)state;

	for (size_t i = 0; i <= sizeof rows / sizeof *rows; i++) {
		struct exchange x = { .worker = &world,
			.method = "GET",
			.path = "/kbs/v0/resource/a/b/c",
			.rest = "a/b/c",
			.cookie = s.cookie,
			.bearer = "t.o.k" };
		kbs_resource(&x);
		assert_int_equal(x.op, KEEPER_RELEASE);
		assert_int_equal(x.lengths[0], TICKET_SIZE);
		assert_string_equal(x.fields[1], "t.o.k");
		assert_string_equal(x.fields[2], "a/b/c");
		assert_string_equal(x.fields[3], "127.0.0.1");
		if (i == sizeof rows / sizeof *rows) {
			answer(&x, KEEPER_DONE, "{\"jwe\":1}");
			assert_int_equal(x.status, 200);
			assert_string_equal(x.answer, "{\"jwe\":1}");
		} else {
			answer(&x, rows[i].keeper, "because");
			expect_error(&x, rows[i].status, rows[i].variant, "because");
		}
		exchange_clear(&x);
	}
	/* Neither session nor token: the keeper is not asked. */
	struct exchange x = {
		.worker = &world, .method = "GET", .path = "/kbs/v0/resource/a/b/c", .rest = "a/b/c"
	};
	kbs_resource(&x);
	assert_int_equal(x.calls, 0);
	expect_error(&x, 401, "TokenNotFound", "");
	exchange_clear(&x);
	/* A forged cookie is none. */
	struct session forged = s;
	forged.cookie[127] ^= 1;
	x = (struct exchange){ .worker = &world,
		.method = "GET",
		.path = "/kbs/v0/resource/a/b/c",
		.rest = "a/b/c",
		.cookie = forged.cookie };
	kbs_resource(&x);
	assert_int_equal(x.calls, 0);
	expect_error(&x, 401, "TokenNotFound", "not made here");
	exchange_clear(&x);
}

/* With an OPA: what would be released is asked about, and what it says goes to the keeper as it is. */
static void
test_opa(void **state)
{
	static const char claims[] = "{\"a\":[\"b\"]}";
	static const struct {
		enum opa_verdict verdict;
		const char *word, *why;
		enum keeper_status keeper;
		int status;
		const char *variant;
	} rows[] = {
		{ OPA_ALLOWED, "allowed", "", KEEPER_DONE, 200, NULL },
		{ OPA_DENIED, "denied", "its result is false", KEEPER_DENIED, 401, "PolicyDeny" },
		{ OPA_TROUBLE, "trouble", "it is gone", KEEPER_UNJUDGED, 503, "PolicyEngineError" },
	};
	struct session s = begin("0.4.0", "sgx");
	uint8_t digest[32];
	uint8_t generation[8];
	struct ipc_message m = { .op = KEEPER_DONE, .count = 2 };
	(void)state;

	world.opa = true;
	m.field[0] = ipc_u64(generation, 7);
	m.field[1] = bytes_of(claims);
	assert_int_equal(EVP_Digest(claims, strlen(claims), digest, NULL, EVP_sha256(), NULL), 1);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct exchange x = { .worker = &world,
			.method = "GET",
			.path = "/kbs/v0/resource/a/b.1/c",
			.rest = "a/b.1/c",
			.cookie = s.cookie,
			.bearer = "t.o.k" };
		kbs_resource(&x);
		assert_int_equal(x.op, KEEPER_WOULD_RELEASE);
		assert_int_equal(x.count, 4);
		assert_int_equal(x.lengths[0], TICKET_SIZE);
		assert_string_equal(x.fields[1], "t.o.k");
		assert_string_equal(x.fields[2], "a/b.1/c");
		assert_null(x.question);
		keeper_done *done = x.done;
		forget_call(&x);
		done(x.arg, &m);
		assert_int_equal(x.calls + x.answers, 0);
		assert_string_equal(x.question,
		    "{\"input\":{\"claims\":{\"a\":[\"b\"]},\"plugin\":\"resource\","
		    "\"resource-path\":[\"a\",\"b.1\",\"c\"],\"query\":{}}}");
		x.judge(&x, rows[i].verdict, rows[i].why);
		assert_int_equal(x.op, KEEPER_RELEASE);
		assert_int_equal(x.count, 7);
		assert_int_equal(x.lengths[0], TICKET_SIZE);
		assert_string_equal(x.fields[1], "t.o.k");
		assert_string_equal(x.fields[2], "a/b.1/c");
		assert_string_equal(x.fields[3], "127.0.0.1");
		assert_string_equal(x.fields[4], rows[i].word);
		assert_int_equal(x.lengths[5], sizeof digest);
		assert_memory_equal(x.fields[5], digest, sizeof digest);
		assert_string_equal(x.fields[6], rows[i].why);
		answer(&x, rows[i].keeper, "{\"jwe\":1}");
		if (rows[i].variant == NULL)
			assert_int_equal(x.status, rows[i].status);
		else
			expect_error(&x, rows[i].status, rows[i].variant, "jwe");
		exchange_clear(&x);
	}
	/* Without memory there is an answer, or a question. */
	for (size_t n = 1;; n++) {
		struct exchange x = { .worker = &world,
			.method = "GET",
			.path = "/kbs/v0/resource/a/b/c",
			.rest = "a/b/c",
			.cookie = s.cookie };
		kbs_resource(&x);
		keeper_done *done = x.done;
		forget_call(&x);
		alloc_fail_at(n);
		done(x.arg, &m);
		bool failed = alloc_failed();
		assert_int_equal(x.calls, 0);
		assert_int_equal(x.answers + (x.question != NULL), 1);
		if (x.question == NULL)
			assert_int_equal(x.status, 503);
		exchange_clear(&x);
		if (!failed) {
			assert_true(n > 2);
			break;
		}
	}
	/* What the keeper refuses, the OPA never sees. */
	for (enum keeper_status status = KEEPER_MALFORMED; status <= KEEPER_UNJUDGED; status++) {
		struct exchange x = { .worker = &world,
			.method = "GET",
			.path = "/kbs/v0/resource/a/b/c",
			.rest = "a/b/c",
			.cookie = s.cookie };
		kbs_resource(&x);
		answer(&x, status, "because");
		assert_null(x.question);
		assert_int_not_equal(x.status, 200);
		exchange_clear(&x);
	}
	world.opa = false;
}

static void
test_paths(void **state)
{
	static const char *const bad[] = { "", "a", "a/b", "a/b/", "a/b/c/", "a/b/c/d", "/b/c",
		"a//c", ".a/b/c", "a/../c", "a/b/.c", "a/b/c:d", "a/b/c%41", "a/b/c d",
		"a/b/\xc3\xa9" };
	static const char *const good[] = { "a/b/c", "A-z_0/_b/-c", "a.b/c..d/e.", "0/1/2" };
	struct session s = begin("0.4.0", "sgx");
	(void)state;

	for (size_t i = 0; i < sizeof bad / sizeof *bad + sizeof good / sizeof *good; i++) {
		bool ok = i >= sizeof bad / sizeof *bad;
		struct exchange x = { .worker = &world,
			.method = "GET",
			.path = "/kbs/v0/resource/",
			.rest = ok ? good[i - sizeof bad / sizeof *bad] : bad[i],
			.cookie = s.cookie };
		kbs_resource(&x);
		if (x.calls != ok)
			fail_msg("%s", x.rest);
		if (!ok)
			expect_error(&x, 404, "InvalidRequestPath", "REPOSITORY/TYPE/TAG");
		exchange_clear(&x);
	}
}

static void
test_put(void **state)
{
	static const struct {
		const char *method, *query, *target, *arguments; /* target NULL: refused */
	} rows[] = {
		{ "POST", "", "/kbs/v0/resource/a/b/c", "{\"path\":\"a/b/c\"}" },
		{ "POST", "policy=web-1.x", "/kbs/v0/resource/a/b/c?policy=web-1.x",
		    "{\"path\":\"a/b/c\",\"policy\":\"web-1.x\"}" },
		{ "POST", "policy=", NULL, NULL },
		{ "POST", "policy=a\"", NULL, NULL },
		{ "POST", "policy=a&policy=b", NULL, NULL },
		{ "POST", "x=1", NULL, NULL },
		{ "DELETE", "", "/kbs/v0/resource/a/b/c", "{\"path\":\"a/b/c\"}" },
		{ "DELETE", "policy=a", NULL, NULL },
	};
	(void)state;

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct exchange x = { .worker = &world,
			.method = rows[i].method,
			.path = "/kbs/v0/resource/a/b/c",
			.rest = "a/b/c",
			.query = rows[i].query,
			.bearer = "t.o.k",
			.body = bytes_of("secret") };
		uint8_t digest[32];
		kbs_resource(&x);
		if (rows[i].target == NULL) {
			expect_error(&x, 400, "PluginInternalError", "policy=NAME");
			exchange_clear(&x);
			continue;
		}
		assert_int_equal(x.op, KEEPER_ADMIN_DO);
		assert_int_equal(x.count, 8);
		assert_string_equal(x.fields[0], "t.o.k");
		assert_string_equal(x.fields[2], rows[i].method);
		assert_string_equal(x.fields[3], rows[i].target);
		assert_int_equal(EVP_Digest("secret", 6, digest, NULL, EVP_sha256(), NULL), 1);
		assert_memory_equal(x.fields[4], digest, 32);
		assert_string_equal(
		    x.fields[5], rows[i].method[0] == 'P' ? "secret.put" : "secret.rm");
		assert_string_equal(x.fields[6], rows[i].arguments);
		assert_string_equal(x.fields[7], "secret");
		answer(&x, i == 0 ? KEEPER_ROLE : KEEPER_DONE, "because");
		if (i == 0)
			expect_error(&x, 401, "AdminAuthAccess", "because");
		else {
			assert_int_equal(x.status, 200);
			assert_string_equal(x.answer, "");
		}
		exchange_clear(&x);
	}
}

static void
test_sample(void **state)
{
	struct session s;
	(void)state;

	world.view.sample = true;
	world.view.policy_count = 3;
	s = begin("0.2.0", "sample");
	char text[512], data[128], body[1024];
	uint8_t digest[48];
	(void)snprintf(text, sizeof text, "{\"nonce\":\"%s\",\"tee-pubkey\":%s}", s.nonce, KEY);
	assert_int_equal(EVP_Digest(text, strlen(text), digest, NULL, EVP_sha384(), NULL), 1);
	base64_encode(data, (struct assay_bytes){ digest, sizeof digest });
	(void)snprintf(body, sizeof body,
	    "{\"tee-pubkey\":%s,\"tee-evidence\":{\"svn\":\"1\",\"report_data\":\"%s\"}}", KEY,
	    data);
	struct exchange x;
	attest(&x, &s, body);
	assert_int_equal(x.calls, 1);
	assert_string_equal(x.fields[4], "sample\n");
	json_t *members = members_of(&x), *reasons = parsed(x.fields[7]);
	const json_t *cpu = json_object_get(json_object_get(members, "submods"), "cpu0");
	assert_string_equal(json_string_value(json_object_get(cpu, "ear.status")), "none");
	assert_int_equal(json_object_size(reasons), 2);
	json_decref(members);
	json_decref(reasons);
	exchange_clear(&x);
	/* Switched off while the ticket lives. */
	world.view.sample = false;
	world.view.policy_count = 2;
	attest(&x, &s, body);
	assert_int_equal(x.calls, 0);
	expect_error(&x, 401, "AttestationError", "sample evidence is not taken here");
	exchange_clear(&x);
}

/* Whatever memory is short of: the keeper is asked in full, or there is an error, and never both. */
static void
test_memory(void **state)
{
	struct wish wish = { .tee = "tdx" };
	struct session s = begin("0.4.0", "tdx");
	char *body = body_of(&s, &wish);
	(void)state;

	for (size_t n = 1;; n++) {
		alloc_fail_at(n);
		struct exchange x;
		attest(&x, &s, body);
		bool failed = alloc_failed();
		assert_int_equal(x.calls + x.answers, 1);
		if (x.calls == 1) {
			json_decref(parsed(x.fields[6]));
			json_decref(parsed(x.fields[7]));
			assert_string_equal(x.fields[4], "default\ngenuine\n");
		} else
			assert_true(x.status == 401 || x.status == 503);
		exchange_clear(&x);
		if (!failed)
			break;
	}
	test_free(body);
}

/* --- the names that policies of the peers know ---------------------------------------------------- */

/* Every member of want is in got, and the same. */
static void
expect_part(const char *at, const json_t *want, const json_t *got)
{
	const char *name;
	json_t *value, *object;

	memcpy(&object, &want, sizeof object);
	json_object_foreach(object, name, value)
	{
		char below[256];
		(void)snprintf(below, sizeof below, "%s.%s", at, name);
		if (json_is_object(value))
			expect_part(below, value, json_object_get(got, name));
		else if (!json_equal(value, json_object_get(got, name)))
			fail_msg("%s", below);
	}
}

static void
test_claim_names(void **state)
{
	struct assay_bytes quote = vectors_read("coco/evidence/tdx/tdx_quote_4.dat");
	struct assay_bytes wanted =
	    vectors_read("coco/evidence/tdx/parse_tdx_claims_expected.json");
	struct assay_appraisal how = { .trust = world.view.trust, .now = NOW };
	struct kbs_beside beside = { "nonce", KEY, NULL };
	struct assay_error err;
	(void)state;

	if (quote.ptr == NULL || wanted.ptr == NULL) {
		vectors_free(quote);
		vectors_free(wanted);
		return;
	}
	assert_int_equal(assay_evidence_parse(&world.evidence, quote, &err), ASSAY_OK);
	assay_checks_clear(world.checks);
	/* Not under this trust; the claims are filled all the same. */
	assert_int_not_equal(
	    assay_evidence_verify(&world.claims, world.checks, world.evidence, &how, &err),
	    ASSAY_OK);
	char *text = kbs_annotate(world.evidence, world.claims, &beside);
	json_t *got = parsed(text);
	json_t *want = json_loadb((const char *)wanted.ptr, wanted.len, 0, NULL);
	assert_non_null(want);
	json_object_del(want, "uefi_event_logs");
	json_object_del(want, "platform_instance_id"); /* of a certificate that has no root here */
	json_t *init = json_object_get(want, "init_data"),
	       *data = json_object_get(want, "report_data");
	assert_true(json_equal(init, json_object_get(got, "init_data")));
	assert_true(json_equal(data, json_object_get(got, "report_data")));
	json_object_del(want, "init_data");
	json_object_del(want, "report_data");
	expect_part("tdx", want, json_object_get(got, "tdx"));
	json_decref(want);
	json_decref(got);
	free(text);
	vectors_free(quote);
	vectors_free(wanted);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_asked),
		cmocka_unit_test(test_debug),
		cmocka_unit_test(test_init_data),
		cmocka_unit_test(test_no_default),
		cmocka_unit_test(test_devices),
		cmocka_unit_test(test_attest_answers),
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_release_answers),
		cmocka_unit_test(test_opa),
		cmocka_unit_test(test_paths),
		cmocka_unit_test(test_put),
		cmocka_unit_test(test_sample),
		cmocka_unit_test(test_memory),
		cmocka_unit_test(test_claim_names),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, open_world, close_world);
}
