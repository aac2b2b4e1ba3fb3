/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAYD_HTTP_H
#define ASSAYD_HTTP_H

/*
 * The server's front: listeners, TLS, worker threads with an event base each, requests and answers. A
 * handler runs on its worker's thread, must not wait, and answers exactly once, now or later.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <assay/bytes.h>
#include <assay/checks.h>
#include <assay/claims.h>
#include <assay/evidence.h>

#include "../keeper/keeper.h"
#include "../view.h"

struct exchange; /* a request, and the answer that it waits for */
struct worker;
struct server;
struct collateral;
struct opa_line;

struct route {
	const char *method; /* "GET"; NULL: any */
	const char *path;   /* "/kbs/v0/auth"; one that ends in '/' takes all below it */
	size_t body_max;    /* 0: none is taken */
	void (*handle)(struct exchange *x);
	const char *name; /* in the metrics: "kbs_auth" */
};
/* Each folder of handlers has one table; the last row has no path. The first that fits is taken. A table
 * is a line in http/routes.c. */
extern const struct route routes_kbs[], routes_verifier[], routes_collateral[], routes_admin[],
    routes_health[];

/*
 * How the errors below a path look where they are not {"error":..}: the server's own (malformed request, no
 * such path or method, body too large, time-out) and exchange_refuse(). A form is a line in
 * http/routes.c.
 */
struct error_form {
	const char *prefix; /* "/kbs/v0": this path and what is below it */
	/* Answers with exchange_answer(); status is what HTTP calls the fault. The request may be one that
	 * could not be read: method, path and headers are there as far as they were reached. */
	void (*answer)(struct exchange *x, int status, const char *sentence);
};
extern const struct error_form error_form_kbs;

/* --- the request; all of it lives until the answer --------------------------------------- */

const char *exchange_method(const struct exchange *x);
/* As it was sent, without the query, and without decoding: a path with '%', "//", "/./" or "/../" has
 * been refused before. */
const char *exchange_path(const struct exchange *x);
const char *
exchange_rest(const struct exchange *x); /* of the path, behind a route that ends in '/' */
const char *exchange_query(const struct exchange *x); /* raw, "" if there is none */
/* A parameter of the query, decoded; false if it is not there, or twice, or longer. */
bool exchange_parameter(const struct exchange *x, const char *name, char *out, size_t room);
struct assay_bytes exchange_body(const struct exchange *x);
const char *exchange_header(const struct exchange *x, const char *name); /* NULL if absent */
bool exchange_cookie(const struct exchange *x, const char *name, struct assay_bytes *value);
bool exchange_bearer(const struct exchange *x, struct assay_bytes *token);
/* SHA-256 of the SPKI of a client certificate that TLS has verified, and would again; empty if there is
 * none. */
struct assay_bytes exchange_client_key(const struct exchange *x);
const char *exchange_peer(const struct exchange *x); /* "127.0.0.1", "unix" */
int64_t exchange_now(const struct exchange *x);      /* Unix seconds */

struct worker *exchange_worker(const struct exchange *x);
/* For handlers that go on after a call of the keeper: freed with free() after the answer. */
void exchange_set_state(struct exchange *x, void *state);
void *exchange_state(const struct exchange *x);

/* --- the answer -------------------------------------------------------------------------- */

void exchange_set(struct exchange *x, const char *header, const char *value);
/* body is copied. */
void exchange_answer(struct exchange *x, int status, const char *type, struct assay_bytes body);
/* Answers with a sentence: in the form of the path (below), or as {"error":"SENTENCE"}. */
void exchange_refuse(struct exchange *x, int status, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* --- what a worker has ------------------------------------------------------------------- */

struct keeper_line *worker_keeper(struct worker *w);
/* Of this moment; keep it with view_keep(). Never NULL: requests are taken when there is one. */
struct view *worker_view(struct worker *w);
struct assay_cache *worker_cache(struct worker *w);
/* Some key on P-256, for assay_jwk_parse_like(). */
const struct assay_jwk *worker_curve(struct worker *w);
struct event_base *worker_base(struct worker *w);
/* Where the operator's OPA is asked; NULL: there is none (the setting opa). */
struct opa_line *worker_opa(const struct worker *w);
/* Objects to use again, within one handler's turn. */
struct assay_evidence **worker_evidence(struct worker *w);
struct assay_claims **worker_claims(struct worker *w);
struct assay_checks *worker_checks(struct worker *w);
const struct server_options *worker_options(const struct worker *w);
const struct assay_bytes *worker_roots(const struct worker *w, size_t *count); /* of --trust-root */
/* What is there of collateral, and how more is asked for: server/collateral/collateral.h. */
struct collateral *worker_collateral(const struct worker *w);
/* A generation that an answer of the keeper told: the view is renewed if it is newer. */
void worker_saw(struct worker *w, const struct ipc_message *answer);

/* --- metrics ----------------------------------------------------------------------------- */

/* Counters by name ("releases_total"; "assayd_" is put before it) and one label, or two; names and labels
 * are static text, few and known beforehand, and never what a client sent. */
void metric_count(struct worker *w, const char *name, const char *label, const char *value);
void metric_count_two(struct worker *w, const char *name, const char *label, const char *value,
    const char *label2, const char *value2);

#endif
