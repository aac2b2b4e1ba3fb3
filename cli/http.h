/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAY_CLI_HTTP_H
#define ASSAY_CLI_HTTP_H

/* Requests over HTTP and HTTPS, by libcurl: bounded, patient with servers that ask for it, and within
 * one time for the whole command. Redirections are not followed. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <assay/bytes.h>

struct http;

/* ca: a file whose certificates sign the server's, in place of the system's; NULL: the system's. Borrowed.
 * progress: one line on standard error, once it took half a second. NULL when it cannot be done; why
 * (static text) says what is missing. */
struct http *http_open(int64_t timeout_s, const char *ca, bool progress, const char **why);
void http_close(struct http *h); /* NULL is fine */

/* What refusals name to those whom they reach; by default a command's options. */
struct http_words {
	const char *timeout, *again, *ca; /* "--timeout", "run the command again", "--ca FILE" */
};
void http_speak(struct http *h, const struct http_words *words); /* borrowed */

/* What the line of progress says: "fetching TDX TCB info". */
void http_doing(struct http *h, const char *what);

/*
 * The address of something on a server, in memory that the caller frees; NULL: out of memory.
 *
 * base    "https://host:8080", with or without a path and a '/' at its end, or "unix:/run/x.sock".
 * path    "/v1/server"; behind a socket's path it stands after a ':', "unix:/run/x.sock:/v1/server".
 */
char *http_address(const char *base, const char *path);
/* Whether an address begins with a scheme, such as "https://", in whichever case. */
bool http_scheme(const char *url, const char *scheme);
/* Whether there is a user's name in front of the host; who refuses it must not repeat it: a password may follow. */
bool http_has_user(const char *url);
/* "https://...", "http://..." or "unix:/PATH", and no user; without a scheme it is open whether it is in the clear. */
bool http_is_url(const char *text);
/* Whether an address is this machine's, or a socket's: nobody is on the way. One with a user's name in front of
 * the host is not, whatever it looks like. */
bool http_is_here(const char *url);

struct http_request {
	const char *method;         /* "GET", "POST", "PUT", "DELETE" */
	const char *url;            /* http, https, or a socket as http_address() writes it */
	const char *const *headers; /* "Name: value", without an end of line */
	size_t header_count;
	struct assay_bytes body; /* of POST and PUT, also an empty one */
	const char *type;        /* its Content-Type; NULL: none is said */
	bool once;               /* carries what is good once only: never repeated by itself */
};

enum { HTTP_TYPE_MAX = 96 };

struct http_answer {
	long status;
	uint8_t *body;
	size_t len;
	char type[HTTP_TYPE_MAX]; /* Content-Type, "" if there is none */
	char *chain; /* the header that ends in "-Issuer-Chain", decoded; "" if there is none */
	bool unreachable; /* on failure: no connection could be made, or none that is trusted */
	char why[320];    /* on failure: a sentence without the URL */
};

/*
 * Asks until there is an answer. A server that cannot answer now (429, 502, 503, 504), or whose
 * answer broke off, is asked again, after Retry-After if it names a time; but a POST, and what is good
 * once, only where no connection could be made. True: status and body are the answer's, whatever the
 * status. False: why says what went wrong. Cookies are kept as long as h lives. The caller frees with
 * http_answer_clear() either way.
 */
bool http_send(struct http *h, const struct http_request *request, struct http_answer *answer);
/* A GET of nothing but the address. */
bool http_get(struct http *h, const char *url, struct http_answer *answer);
void http_answer_clear(struct http_answer *answer); /* wipes the body */

#endif
