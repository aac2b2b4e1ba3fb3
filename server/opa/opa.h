/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAYD_OPA_H
#define ASSAYD_OPA_H

/*
 * The operator's own OPA (Open Policy Agent), where the setting opa names one: it is asked before each
 * release of a secret, after the policy of the secret has accepted. So it can refuse more, and never
 * allow more. What it is asked, and what its answers mean: docs/opa.md.
 */

#include <stddef.h>
#include <stdint.h>

#include <assay/bytes.h>

struct event_base;

enum opa_verdict {
	OPA_TROUBLE, /* no decision: it cannot be reached, or its answer is none */
	OPA_DENIED,  /* false or undefined */
	OPA_ALLOWED, /* true, and nothing else */
};

enum { OPA_HOST_ROOM = 64, OPA_PATH_ROOM = 512, OPA_ANSWER_MAX = 64 * 1024 };

/* Where it is: plain HTTP, on this machine. */
struct opa_address {
	char host[OPA_HOST_ROOM]; /* numeric, IPv6 without brackets */
	uint16_t port;
	char path[OPA_PATH_ROOM]; /* with its query: "/v1/data/policy/allow" */
};
/* Reads the setting. Returns what is wrong with it ("is no URL ..."); NULL: nothing is, out is filled. */
const char *opa_address_read(struct opa_address *out, const char *url);

/*
 * What the body of an answer with status 200 decides: a JSON object whose member "result" is true
 * allows. *why: static text, "its result is false"; "" if allowed.
 */
enum opa_verdict opa_answer_read(const char **why, struct assay_bytes body);

/* One worker's questions; used on the thread of its event base only. */
struct opa_line;
struct opa_line *opa_line_new(struct event_base *base, const struct opa_address *address);
/* NULL is fine. Questions that wait are answered OPA_TROUBLE. */
void opa_line_free(struct opa_line *line);

/* why: a sentence without subject, as above; until the call returns. */
typedef void opa_done(void *arg, enum opa_verdict verdict, const char *why);
/* Asks; the body, JSON, is copied. done is called exactly once: within two seconds, also before this
 * returns. */
void opa_ask(struct opa_line *line, struct assay_bytes body, opa_done *done, void *arg);

#endif
