/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAY_CLI_ADMIN_H
#define ASSAY_CLI_ADMIN_H

/*
 * What an operator asks of assayd: requests with a token of their own each, signed with the key of
 * --admin-key and good for one server, method, path and body, once.
 */

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include <assay/jose.h>

#include "config.h"
#include "http.h"
#include "option.h"
#include "screen.h"
#include "table.h"
#include "value.h"

enum {
	ADMIN_PATH = 1024,  /* of a request, with its query */
	ADMIN_NAME = 128,   /* letters of a name, and of each part of a secret's path */
	ADMIN_SECRET = 255, /* of the whole path: what guests can ask for */
};

struct admin {
	const struct args *args;
	struct config config;
	struct http *http;
	struct assay_jwk *key;
	char *audience; /* what this server calls itself */
	int64_t timeout_s;
};

/*
 * Reads options, configuration and the key, and learns the server's name. The caller closes it,
 * whatever was returned. Returns 0; else the exit code, after it has complained.
 */
int admin_open(struct admin *a, const struct args *args);
/* The same without a key, for what the server tells anybody. */
int admin_open_anonymous(struct admin *a, const struct args *args);
void admin_close(struct admin *a);

/* Opens, does the work, which writes the answer to a screen, and closes both. */
int admin_run(const struct args *args, int (*work)(struct admin *a, struct screen *s));

struct admin_request {
	const char *method;
	char path[ADMIN_PATH]; /* "/v1/admin/secrets" */
	struct assay_bytes body;
	const char *type; /* of the body */
};

/* Puts "?name=value" or "&name=value" behind the path, encoded; value NULL: nothing. A path that gets
 * too long for the server is refused there. */
void admin_parameter(struct admin_request *r, const char *name, const char *value);

/*
 * Asks. Returns 0 if the server did it (status 200); else the exit code, after it has complained with
 * the server's own sentence: EXIT_NO what it refused, EXIT_USAGE what it could not read, EXIT_TROUBLE
 * what may work later. The caller clears the answer either way.
 */
int admin_ask(struct admin *a, const struct admin_request *r, struct http_answer *answer);
/* The same for an answer that is a JSON object; the caller drops it with json_decref(). */
int admin_ask_json(struct admin *a, const struct admin_request *r, json_t **out);
/* For what is asked again and again: a new time of --timeout begins. */
int admin_again(struct admin *a);

/* True if this is a name of a policy, of reference values or of a key; else it has complained. */
bool admin_name(const struct args *args, const char *what, const char *name);
/* The same of the path of a secret, "REPO/TYPE/TAG". */
bool admin_secret(const struct args *args, const char *path);
/* Nothing that is secret goes over a network in the clear; false after it has complained. */
bool admin_private(const struct admin *a);

/* Members of an answer: "" and 0 where they are not there, or of another type. */
const char *admin_text(const json_t *object, const char *name);
int64_t admin_number(const json_t *object, const char *name);
/* A time, as a number or in RFC 3339, for people; "" if there is none. */
void admin_time(char out[TIME_MAX], const json_t *object, const char *name);
/* Public keys out of a file: PEM, a JWK, a JWK set. */
enum assay_code
admin_public_keys(struct assay_jwks **out, struct assay_bytes file, struct assay_error *err);

/* With --json: prints the answer as the server gave it, and returns true. */
bool admin_json(const struct admin *a, struct screen *s, const json_t *answer);
/* Asks to have the operand removed, and says that it is. Returns as admin_ask() does. */
int admin_remove(struct admin *a, struct screen *s, const struct admin_request *r);
/* Prints the table. Returns 0, or EXIT_TROUBLE after it has complained. */
int admin_table(const struct admin *a, struct screen *s, struct table *t);

/* The options of all commands that ask as an operator. */
#define OPTIONS_ADMIN OPTION_URL, OPTION_CA, OPTION_ADMIN_KEY, OPTION_TIMEOUT
/* Tables of them for what lists, and for what changes. */
extern const struct option admin_list_options[], admin_done_options[];
#define OPTION_QUIET_DONE                                                                          \
	{                                                                                          \
		OPT_QUIET, 'q', "quiet", NULL, false, NULL, "do not say what was done"             \
	}

#endif
