/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAYD_KBS_TEST_H
#define ASSAYD_KBS_TEST_H

/* A front and a keeper that are made up here, for one test program: the handlers ask them, and tests look at what
 * was asked, and answer. */

#include "attestation.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/evp.h>

#include <assay/bundle.h>

#include "../opa/opa.h"
#include "../options.h"
#include "alloc.h"
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
static inline char *
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
static inline void
answer(struct exchange *x, enum keeper_status status, const char *text)
{
	uint8_t generation[8];
	struct ipc_message m = { .op = (uint16_t)status, .count = 2 };

	m.field[0] = ipc_u64(generation, 7);
	m.field[1] = bytes_of(text);
	if (x->calls != 1 || x->answers != 0)
		fail_msg("%d calls, %d answers: %s", x->calls, x->answers, x->answer);
	x->done(x->arg, &m);
	assert_int_equal(x->answers, 1);
}

static inline void
forget_call(struct exchange *x)
{
	for (size_t i = 0; i < x->count; i++)
		test_free(x->fields[i]);
	x->count = 0;
	x->calls = 0;
}

static inline void
exchange_clear(struct exchange *x)
{
	test_free(x->answer);
	test_free(x->question);
	free(x->state);
	forget_call(x);
	for (size_t i = 0; i < x->count; i++)
		test_free(x->fields[i]);
}

static inline void
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

static inline struct sim_bytes
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

static inline int
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

static inline int
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

static inline struct session
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
static inline char *
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

static inline void
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

#endif
