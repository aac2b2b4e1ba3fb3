/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAY_CLI_BROKER_H
#define ASSAY_CLI_BROKER_H

/*
 * The guest's side of the key broker protocol, version 0.4.0: this machine proves itself to a broker,
 * which hands out resources encrypted to a key that lives in this process's memory alone.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <assay/jose.h>

#include "input.h"

enum {
	BROKER_WHY = 900, /* what a sentence takes */
	BROKER_BASE = 300,
	BROKER_PATH = 600,
};

/* Where a resource is. */
struct broker_resource {
	char base[BROKER_BASE]; /* "https://HOST"; "" if the URI names no host */
	char path[BROKER_PATH]; /* "/kbs/v0/resource/REPO/TYPE/TAG" */
};
/*
 * Reads "kbs://[HOST]/REPO/TYPE/TAG", "kbs+PLUGIN://[HOST]/PATH[?QUERY]", or "REPO/TYPE/TAG". False: it
 * is none, and why, of BROKER_WHY bytes, says what is wrong.
 */
bool broker_resource(struct broker_resource *out, const char *uri, char *why);

struct broker;
struct assay_guest_request;
struct assay_error;
struct http_words;

/* Evidence that another process collects: as assay_guest_here(), and as guest_collect() with guest_coco(). */
struct broker_evidence {
	enum assay_code (*here)(void *arg, const char **tee,
	    const struct assay_guest_request *request, struct assay_error *err);
	enum assay_code (*make)(void *arg, char **json, const struct assay_guest_request *request,
	    struct assay_error *err);
	void *arg;
};

/* Texts are borrowed as long as the broker is open. */
struct broker_how {
	const char *url;             /* "https://HOST[:PORT][/PATH]", http the same, "unix:PATH" */
	const char *ca;              /* as http_open() */
	const char *provider;        /* of evidence; NULL: the first that works */
	int64_t timeout_s;           /* for all that is done with this broker */
	const struct assay_jwk *key; /* to encrypt to; NULL: a fresh one */
	const char *token; /* one got elsewhere, for `key`, in place of evidence; or NULL */
	bool progress;
	bool patient; /* what may be gone in a moment is tried anew until the time is over */
	const struct http_words *words;         /* NULL: those of commands */
	const struct broker_evidence *evidence; /* NULL: this process collects it itself */
};

/* NULL: why, of BROKER_WHY bytes, says what is missing. Asks nobody yet. */
struct broker *broker_open(const struct broker_how *how, char *why);
void broker_close(struct broker *b); /* NULL is fine; wipes the key */

/*
 * Fetches a resource; attests before, if that was not done or the broker no longer knows of it.
 *
 * path    As broker_resource() gives it.
 * secret  The caller wipes and frees it, with input_wipe().
 * Returns EXIT_YES; EXIT_NO (refused, no such resource, or an answer that cannot be opened),
 *         EXIT_UNTOLD (no TEE here, or the two do not speak one version), EXIT_USAGE (no such
 *         provider), EXIT_TROUBLE. broker_why() has the sentence, with the broker's own in it.
 */
int broker_get(struct broker *b, const char *path, struct input *secret);
/*
 * Attests, if that was not done, and gives what the broker gave for it, with the key that it was given
 * for: {"token":JWT,"tee_keypair":PEM}, which the caller wipes and frees. Returns as broker_get().
 */
int broker_token(struct broker *b, char **json);
const char *broker_why(const struct broker *b);
const char *broker_tee(const struct broker *b); /* what was attested; "" with a token */

#endif
