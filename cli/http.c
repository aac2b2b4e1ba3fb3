/* SPDX-License-Identifier: Apache-2.0 */
#include "http.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include "libcurl.h"

enum {
	BODY_MAX = 8 * 1024 * 1024, /* the largest CRL of Intel's has some hundred kilobytes */
	CHAIN_MAX = 64 * 1024,
	CONNECT_MS = 10000,
	CONNECT_TRIES = 3,
	FIRST_WAIT_MS = 500, /* doubled each time */
	LONGEST_WAIT_MS = 8000,
	ASKED_WAIT_MAX_S =
	    1000000,    /* longer than anybody waits: what a server asks for is bounded */
	QUIET_MS = 500, /* before progress is told */
	TICK_MS = 100,
	DOING_MAX = 70,
};

struct http {
	struct libcurl lib;
	CURL *curl;
	int64_t start_ms, end_ms;
	int64_t timeout_s;
	const char *ca;
	const struct http_words *words;
	bool progress, shown;
	char doing[DOING_MAX + 1];
	char error[CURL_ERROR_SIZE];
};

/* One transfer. */
struct transfer {
	struct http *http;
	struct http_answer *answer;
	struct curl_slist *headers;
	size_t room;
	bool too_large, no_memory;
};

static int64_t
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* --- progress ---------------------------------------------------------------------------- */

static void
show(struct http *h, const char *more)
{
	if (!h->progress || now_ms() - h->start_ms < QUIET_MS)
		return;
	/* To the end of the line is blank, whatever stood there. */
	fprintf(stderr, "\r%s%s\033[K", h->doing, more);
	fflush(stderr);
	h->shown = true;
}

static void
hide(struct http *h)
{
	if (h->shown)
		fputs("\r\033[K", stderr);
	h->shown = false;
}

void
http_doing(struct http *h, const char *what)
{
	snprintf(h->doing, sizeof h->doing, "%s", what);
}

/* --- what libcurl calls ------------------------------------------------------------------ */

static size_t
take_body(char *bytes, size_t size, size_t count, void *arg)
{
	struct transfer *t = arg;
	struct http_answer *a = t->answer;
	size_t n = size * count;

	if (n > BODY_MAX - a->len) {
		t->too_large = true;
		return 0;
	}
	if (n > t->room - a->len) {
		/* Not realloc(): it may be a secret, and leaves no copy. */
		size_t room = 2 * (a->len + n);
		uint8_t *more = malloc(room);
		if (more == NULL) {
			t->no_memory = true;
			return 0;
		}
		if (a->body != NULL) {
			memcpy(more, a->body, a->len);
			explicit_bzero(a->body, a->len);
			free(a->body);
		}
		a->body = more;
		t->room = room;
	}
	memcpy(a->body + a->len, bytes, n);
	a->len += n;
	return n;
}

static int
hex_digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0'
	    : c >= 'a' && c <= 'f'  ? c - 'a' + 10
	    : c >= 'A' && c <= 'F'  ? c - 'A' + 10
				    : -1;
}

/* Chains are percent-encoded; some caches store them decoded but for the line ends. */
static char *
decode(const char *text, size_t len)
{
	char *out = malloc(len + 1);
	size_t n = 0;

	if (out == NULL)
		return NULL;
	for (size_t i = 0; i < len; i++) {
		int high = -1, low = -1;
		if (text[i] == '%' && len - i > 2) {
			high = hex_digit(text[i + 1]);
			low = hex_digit(text[i + 2]);
		}
		if (high >= 0 && low >= 0) {
			out[n++] = (char)(uint8_t)(high * 16 + low);
			i += 2;
		} else
			out[n++] = text[i];
	}
	out[n] = '\0';
	return out;
}

static size_t
take_header(char *line, size_t size, size_t count, void *arg)
{
	static const char suffix[] = "-issuer-chain";
	struct transfer *t = arg;
	size_t n = size * count, name = 0, end = n;

	while (name < n && line[name] != ':')
		name++;
	if (name == n || name < sizeof suffix - 1 || n > CHAIN_MAX || t->answer->chain != NULL ||
	    strncasecmp(line + name - (sizeof suffix - 1), suffix, sizeof suffix - 1) != 0)
		return n;
	size_t at = name + 1;
	while (at < end && (line[at] == ' ' || line[at] == '\t'))
		at++;
	while (end > at && (line[end - 1] == '\r' || line[end - 1] == '\n'))
		end--;
	t->answer->chain = decode(line + at, end - at);
	t->no_memory = t->answer->chain == NULL;
	return t->no_memory ? 0 : n;
}

static int
tick(void *arg, curl_off_t total, curl_off_t now, curl_off_t up_total, curl_off_t up)
{
	struct transfer *t = arg;
	char text[48] = "";

	(void)total;
	(void)up_total;
	(void)up;
	if (now > 0)
		snprintf(text, sizeof text, ", %lld bytes", (long long)now);
	show(t->http, text);
	return 0;
}

/* --- one request, and again -------------------------------------------------------------- */

/* "unix:/run/x.sock:/v1/server": the socket's path is copied to socket, and the rest returned. */
static const char *
socket_of(const char *url, char *socket, size_t size)
{
	static const char scheme[] = "unix:";

	socket[0] = '\0';
	if (!http_scheme(url, scheme))
		return NULL;
	const char *path = url + sizeof scheme - 1, *rest = strstr(path, ":/");
	size_t len = rest != NULL ? (size_t)(rest - path) : strlen(path);
	snprintf(socket, size, "%.*s", (int)(len < size ? len : size - 1), path);
	return rest != NULL ? rest + 1 : "/";
}

static bool
add_header(struct http *h, struct transfer *t, const char *line)
{
	struct curl_slist *more = h->lib.slist_append(t->headers, line);

	if (more != NULL)
		t->headers = more;
	return more != NULL;
}

static bool
add_headers(struct http *h, struct transfer *t, const struct http_request *r)
{
	char type[HTTP_TYPE_MAX + 16];

	/* Without a value after the colon it is not sent; curl would say of a body that it is a form, and
	 * wait before it sends a large one. */
	snprintf(type, sizeof type, "Content-Type:%s%s", r->type != NULL ? " " : "",
	    r->type != NULL ? r->type : "");
	bool ok = add_header(h, t, type) && add_header(h, t, "Expect:");
	for (size_t i = 0; ok && i < r->header_count; i++)
		ok = add_header(h, t, r->headers[i]);
	return ok;
}

/* Connections and cookies outlive easy_reset(); nothing else of the last request does. */
static CURLcode
prepare(struct http *h, const struct http_request *r, struct transfer *t)
{
	CURL *c = h->curl;
	CURLcode (*set)(CURL *, CURLoption, ...) = h->lib.easy_setopt;
	int64_t left = h->end_ms - now_ms();
	char socket[108], url[1024]; /* of sun_path; of a request to a socket */
	const char *path = socket_of(r->url, socket, sizeof socket);

	h->lib.easy_reset(c);
	if (!add_headers(h, t, r))
		return CURLE_OUT_OF_MEMORY;
	int len = snprintf(url, sizeof url, "http://localhost%s", path != NULL ? path : "");
	if (len < 0 || (size_t)len >= sizeof url || strlen(socket) == sizeof socket - 1)
		return CURLE_URL_MALFORMAT;
	bool ok = set(c, CURLOPT_URL, path != NULL ? url : r->url) == CURLE_OK &&
	    set(c, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK &&
	    /* Without a scheme it would guess, and in the clear. */
	    set(c, CURLOPT_DEFAULT_PROTOCOL, "https") == CURLE_OK &&
	    (h->ca == NULL || /* not beside the system's, of which Debian has a folder as well */
		(set(c, CURLOPT_CAINFO, h->ca) == CURLE_OK &&
		    set(c, CURLOPT_CAPATH, (char *)NULL) == CURLE_OK));
	if (path != NULL)
		ok = ok && set(c, CURLOPT_UNIX_SOCKET_PATH, socket) == CURLE_OK &&
		    set(c, CURLOPT_PROXY, "") == CURLE_OK;
	if (strcmp(r->method, "POST") == 0 || strcmp(r->method, "PUT") == 0) {
		set(c, CURLOPT_POST, 1L);
		set(c, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)r->body.len);
		set(c, CURLOPT_POSTFIELDS, r->body.len > 0 ? (const char *)r->body.ptr : "");
	}
	ok = ok && set(c, CURLOPT_CUSTOMREQUEST, r->method) == CURLE_OK;
	/* On a connection that has served before, curl repeats by itself what had no answer. */
	set(c, CURLOPT_FRESH_CONNECT, r->once ? 1L : 0L);
	set(c, CURLOPT_HTTPHEADER, t->headers);
	set(c, CURLOPT_FOLLOWLOCATION, 0L);
	set(c, CURLOPT_NOSIGNAL, 1L);
	set(c, CURLOPT_TIMEOUT_MS, (long)(left > 1 ? left : 1));
	set(c, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS);
	set(c, CURLOPT_USERAGENT, "assay/" ASSAY_VERSION);
	set(c, CURLOPT_ERRORBUFFER, h->error);
	set(c, CURLOPT_WRITEFUNCTION, take_body);
	set(c, CURLOPT_WRITEDATA, t);
	set(c, CURLOPT_HEADERFUNCTION, take_header);
	set(c, CURLOPT_HEADERDATA, t);
	set(c, CURLOPT_NOPROGRESS, 0L);
	set(c, CURLOPT_XFERINFOFUNCTION, tick);
	set(c, CURLOPT_XFERINFODATA, t);
	return ok ? CURLE_OK : CURLE_OUT_OF_MEMORY;
}

/* One transfer: the answer, or how it failed. */
static CURLcode
perform(struct http *h, const struct http_request *r, struct transfer *t, curl_off_t *after)
{
	struct http_answer *a = t->answer;
	const char *type = NULL;

	*a = (struct http_answer){ .status = 0 };
	*after = 0;
	h->error[0] = '\0';
	CURLcode rc = prepare(h, r, t);
	if (rc == CURLE_OK)
		rc = h->lib.easy_perform(h->curl);
	if (rc == CURLE_OK) {
		h->lib.easy_getinfo(h->curl, CURLINFO_RESPONSE_CODE, &a->status);
		h->lib.easy_getinfo(h->curl, CURLINFO_RETRY_AFTER, after);
		if (h->lib.easy_getinfo(h->curl, CURLINFO_CONTENT_TYPE, &type) == CURLE_OK &&
		    type != NULL)
			snprintf(a->type, sizeof a->type, "%s", type);
	}
	h->lib.slist_free(t->headers);
	t->headers = NULL;
	return rc;
}

/* It may get better, and the server has not begun with it, or may begin twice. */
static bool
may_repeat(CURLcode rc, bool repeats)
{
	if (rc == CURLE_COULDNT_CONNECT || rc == CURLE_COULDNT_RESOLVE_HOST)
		return true;
	return repeats &&
	    (rc == CURLE_GOT_NOTHING || rc == CURLE_PARTIAL_FILE || rc == CURLE_RECV_ERROR ||
		rc == CURLE_SEND_ERROR || rc == CURLE_OPERATION_TIMEDOUT);
}

static bool
asks_to_wait(long status)
{
	return status == 429 || status == 502 || status == 503 || status == 504;
}

static bool
pause_for(struct http *h, int64_t ms)
{
	int64_t until = now_ms() + ms;

	if (until >= h->end_ms)
		return false;
	for (int64_t left; (left = until - now_ms()) > 0;) {
		char text[48];
		snprintf(text, sizeof text, ", asked to wait %lld s", (long long)(left / 1000 + 1));
		if (ms >= 1000)
			show(h, text);
		int64_t step = left < TICK_MS ? left : TICK_MS;
		struct timespec t = { .tv_nsec = (long)step * 1000000 };
		nanosleep(&t, NULL);
	}
	return true;
}

/* Not a word of HTTP came back. */
static bool
is_no_http(struct http *h, CURLcode rc)
{
	long status = 0;

	h->lib.easy_getinfo(h->curl, CURLINFO_RESPONSE_CODE, &status);
	return rc == CURLE_GOT_NOTHING || rc == CURLE_UNSUPPORTED_PROTOCOL ||
	    (rc == CURLE_RECV_ERROR && status == 0);
}

static bool
is_no_tls(const struct http *h, CURLcode rc)
{
	return rc == CURLE_SSL_CONNECT_ERROR &&
	    (strstr(h->error, "wrong version number") != NULL ||
		strstr(h->error, "packet length too long") != NULL); /* since OpenSSL 3.2 */
}

static void
say_failure(struct http *h, const char *url, struct http_answer *a, CURLcode rc)
{
	if (http_scheme(url, "http://") && is_no_http(h, rc))
		snprintf(a->why, sizeof a->why,
		    "no answer in HTTP (%.120s); if the server has TLS, write https://, else %s",
		    h->error[0] != '\0' ? h->error : h->lib.easy_strerror(rc), h->words->again);
	else if (is_no_tls(h, rc))
		snprintf(a->why, sizeof a->why,
		    "does not speak TLS; a server without TLS is http://HOST:PORT");
	else if (rc == CURLE_OPERATION_TIMEDOUT && now_ms() >= h->end_ms)
		snprintf(a->why, sizeof a->why, "no answer within the %lld s of %s; %s",
		    (long long)h->timeout_s, h->words->timeout, h->words->again);
	else if (rc == CURLE_GOT_NOTHING || rc == CURLE_PARTIAL_FILE || rc == CURLE_RECV_ERROR)
		snprintf(a->why, sizeof a->why, "the answer broke off (%.120s); %s",
		    h->error[0] != '\0' ? h->error : h->lib.easy_strerror(rc), h->words->again);
	else if (rc == CURLE_PEER_FAILED_VERIFICATION)
		snprintf(a->why, sizeof a->why,
		    "%.180s; if the server is yours, name the signer of its certificate with %s",
		    h->error[0] != '\0' ? h->error : h->lib.easy_strerror(rc), h->words->ca);
	else
		snprintf(a->why, sizeof a->why, "%.250s",
		    h->error[0] != '\0' ? h->error : h->lib.easy_strerror(rc));
	a->unreachable = rc == CURLE_COULDNT_CONNECT || rc == CURLE_COULDNT_RESOLVE_HOST ||
	    rc == CURLE_PEER_FAILED_VERIFICATION || rc == CURLE_SSL_CONNECT_ERROR;
}

bool
http_send(struct http *h, const struct http_request *r, struct http_answer *a)
{
	bool repeats = !r->once && strcmp(r->method, "POST") != 0;
	int64_t wait = FIRST_WAIT_MS;

	for (int tries = 1;; tries++) {
		struct transfer t = { .http = h, .answer = a };
		curl_off_t after;
		CURLcode rc = perform(h, r, &t, &after);
		if (t.too_large || t.no_memory) {
			snprintf(a->why, sizeof a->why,
			    t.no_memory ? "out of memory" : "the answer is larger than 8 MiB");
			return false;
		}
		if (rc == CURLE_OK && !(repeats && asks_to_wait(a->status))) {
			if (a->chain == NULL)
				a->chain = strdup("");
			return a->chain != NULL;
		}
		after = after > ASKED_WAIT_MAX_S ? ASKED_WAIT_MAX_S : after;
		int64_t ms = after > 0 ? (int64_t)after * 1000 : wait;
		wait = wait < LONGEST_WAIT_MS ? 2 * wait : wait;
		if (rc != CURLE_OK && (!may_repeat(rc, repeats) || tries >= CONNECT_TRIES)) {
			say_failure(h, r->url, a, rc);
			return false;
		}
		long status = a->status;
		http_answer_clear(a);
		if (pause_for(h, ms))
			continue;
		if (rc != CURLE_OK)
			say_failure(h, r->url, a, rc);
		else
			snprintf(a->why, sizeof a->why,
			    "answers %ld and asks to wait %lld s, which the %lld s of %s do not "
			    "leave; %s later",
			    status, (long long)(ms + 999) / 1000, (long long)h->timeout_s,
			    h->words->timeout, h->words->again);
		return false;
	}
}

bool
http_get(struct http *h, const char *url, struct http_answer *a)
{
	const struct http_request request = { .method = "GET", .url = url };

	return http_send(h, &request, a);
}

void
http_answer_clear(struct http_answer *a)
{
	if (a->body != NULL)
		explicit_bzero(a->body, a->len);
	free(a->body);
	free(a->chain);
	a->body = NULL;
	a->chain = NULL;
	a->len = 0;
}

/* ----------------------------------------------------------------------------------------- */

bool
http_scheme(const char *url, const char *scheme)
{
	return strncasecmp(url, scheme, strlen(scheme)) == 0;
}

bool
http_has_user(const char *url)
{
	const char *host = strstr(url, "://");

	if (host == NULL || http_scheme(url, "unix:"))
		return false;
	host += strspn(host, ":/"); /* of slashes curl takes one more */
	return memchr(host, '@', strcspn(host, "/?#")) != NULL;
}

bool
http_is_url(const char *text)
{
	return (http_scheme(text, "https://") || http_scheme(text, "http://") ||
		   http_scheme(text, "unix:/")) &&
	    !http_has_user(text);
}

bool
http_is_here(const char *url)
{
	static const char *const hosts[] = { "localhost", "[::1]" };
	const char *host = strstr(url, "://");

	if (http_scheme(url, "unix:"))
		return true;
	/* "http://127.0.0.1:80@example.com" goes to example.com. */
	if (host == NULL || http_has_user(url) ||
	    (!http_scheme(url, "http:") && !http_scheme(url, "https:")))
		return false;
	host += 3;
	for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++) {
		size_t len = strlen(hosts[i]);
		if (strncasecmp(host, hosts[i], len) == 0 && strchr(":/", host[len]) != NULL)
			return true;
	}
	return strncmp(host, "127.", 4) == 0 && strspn(host, "0123456789.") == strcspn(host, ":/");
}

char *
http_address(const char *base, const char *path)
{
	size_t len = strlen(base);
	bool unix_socket = http_scheme(base, "unix:");

	while (!unix_socket && len > 0 && base[len - 1] == '/')
		len--;
	size_t size = len + strlen(path) + 2;
	char *address = malloc(size);
	if (address != NULL)
		snprintf(address, size, "%.*s%s%s", (int)len, base, unix_socket ? ":" : "", path);
	return address;
}

struct http *
http_open(int64_t timeout_s, const char *ca, bool progress, const char **why)
{
	static const struct http_words words = { "--timeout", "run the command again",
		"--ca FILE" };
	struct http *h = calloc(1, sizeof *h);

	*why = "out of memory";
	if (h == NULL)
		return NULL;
	if (!libcurl_load(&h->lib)) {
		*why =
		    "there is no libcurl.so.4 on this machine; install libcurl (Debian: libcurl4)";
		http_close(h);
		return NULL;
	}
	h->start_ms = now_ms();
	h->timeout_s = timeout_s;
	h->end_ms = h->start_ms + timeout_s * 1000;
	h->progress = progress;
	h->ca = ca;
	h->words = &words;
	if (h->lib.global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK ||
	    (h->curl = h->lib.easy_init()) == NULL ||
	    /* Cookies are kept from the first one on, and this one is over already. COOKIEFILE would be
	     * forgotten, and not freed, by each easy_reset(). */
	    h->lib.easy_setopt(h->curl, CURLOPT_COOKIELIST,
		"Set-Cookie: none=; Max-Age=0; Domain=localhost") != CURLE_OK) {
		http_close(h);
		return NULL;
	}
	return h;
}

void
http_speak(struct http *h, const struct http_words *words)
{
	h->words = words;
}

/* The library stays loaded: threads of its own libraries may still be on their way out. */
void
http_close(struct http *h)
{
	if (h == NULL)
		return;
	hide(h);
	if (h->curl != NULL) {
		h->lib.easy_cleanup(h->curl);
		h->lib.global_cleanup();
	}
	free(h);
}
