/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAY_CLI_HTTP_H
#define ASSAY_CLI_HTTP_H

/* GET over HTTP and HTTPS, by libcurl: bounded, patient with servers that ask for it, and within
 * one time for the whole command. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <assay/bytes.h>

struct http;

/* ca: a file whose certificates sign the server's, in place of the system's; NULL: the system's.
 * progress: one line on standard error, once it took half a second. NULL when it cannot be done; why
 * (static text) says what is missing. */
struct http *http_open(int64_t timeout_s, const char *ca, bool progress, const char **why);
void http_close(struct http *h); /* NULL is fine */

/* What the line of progress says: "TDX TCB info". */
void http_doing(struct http *h, const char *what);

struct http_answer {
	long status;
	uint8_t *body;
	size_t len;
	char *chain; /* the header that ends in "-Issuer-Chain", decoded; "" if there is none */
	bool unreachable; /* on failure: no connection could be made, or none that is trusted */
	char why[320];    /* on failure: a sentence without the URL */
};

/*
 * Asks until there is an answer. A server that cannot answer now (429, 502, 503, 504), or whose
 * answer broke off, is asked again, after Retry-After if it names a time. True: status and body are
 * the answer's, whatever the status. False: why says what went wrong. The caller frees with
 * http_answer_clear() either way.
 */
bool http_get(struct http *h, const char *url, struct http_answer *answer);
void http_answer_clear(struct http_answer *answer);

#endif
