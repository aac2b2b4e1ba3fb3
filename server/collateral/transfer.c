/* SPDX-License-Identifier: Apache-2.0 */
#include "transfer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "../../cli/libcurl.h"
#include "../text.h"

enum {
	BODY_MAX = 8 * 1024 * 1024, /* the largest CRL of Intel's has some hundred kilobytes */
	CHAIN_MAX = 64 * 1024,
	CONNECT_MS = 10000,
	TIMEOUT_MS = 60000,
};

struct transfers {
	struct libcurl lib;
	CURLM *multi;
	struct assay_bytes ca;
	int started; /* and not yet told to have ended */
};

struct transfer {
	struct transfers *all;
	CURL *curl;
	void *arg;
	uint8_t *body;
	size_t len, room;
	char *chain;
	size_t chain_len;
	bool too_large, no_memory;
	long status;
	int64_t retry_after_s;
	char error[CURL_ERROR_SIZE];
};

struct transfers *
transfers_new(struct assay_bytes ca, const char **why)
{
	struct transfers *all = calloc(1, sizeof *all);

	*why = "out of memory";
	if (all == NULL)
		return NULL;
	all->ca = ca;
	if (!libcurl_load(&all->lib)) {
		*why =
		    "there is no libcurl.so.4 on this machine; install libcurl (Debian: libcurl4)";
		free(all);
		return NULL;
	}
	if (all->lib.global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK ||
	    (all->multi = all->lib.multi_init()) == NULL) {
		free(all);
		return NULL;
	}
	return all;
}

/* The library stays loaded: threads of its own libraries may still be on their way out. */
void
transfers_free(struct transfers *all)
{
	if (all == NULL)
		return;
	all->lib.multi_cleanup(all->multi);
	free(all);
}

/* --- what libcurl calls ---------------------------------------------------------------------- */

static size_t
take_body(char *bytes, size_t size, size_t count, void *arg)
{
	struct transfer *t = arg;
	size_t n = size * count;

	if (n > BODY_MAX - t->len) {
		t->too_large = true;
		return 0;
	}
	if (n > t->room - t->len) {
		size_t room = 2 * (t->len + n);
		uint8_t *more = realloc(t->body, room);
		if (more == NULL) {
			t->no_memory = true;
			return 0;
		}
		t->body = more;
		t->room = room;
	}
	memcpy(t->body + t->len, bytes, n);
	t->len += n;
	return n;
}

/* Chains are percent-encoded. */
static size_t
decode(char *out, const char *text, size_t len)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		int high = -1, low = -1;
		if (text[i] == '%' && len - i > 2) {
			high = text_hex_digit(text[i + 1]);
			low = text_hex_digit(text[i + 2]);
		}
		if (high >= 0 && low >= 0) {
			out[n++] = (char)(uint8_t)(high * 16 + low);
			i += 2;
		} else {
			out[n++] = text[i];
		}
	}
	return n;
}

static size_t
take_header(char *line, size_t size, size_t count, void *arg)
{
	static const char suffix[] = "-issuer-chain";
	struct transfer *t = arg;
	size_t n = size * count, name = 0, end = n;

	while (name < n && line[name] != ':')
		name++;
	if (name == n || name < sizeof suffix - 1 || n > CHAIN_MAX || t->chain != NULL ||
	    strncasecmp(line + name - (sizeof suffix - 1), suffix, sizeof suffix - 1) != 0)
		return n;
	size_t at = name + 1;
	while (at < end && (line[at] == ' ' || line[at] == '\t'))
		at++;
	while (end > at && (line[end - 1] == '\r' || line[end - 1] == '\n'))
		end--;
	if ((t->chain = malloc(end - at + 1)) == NULL) {
		t->no_memory = true;
		return 0;
	}
	t->chain_len = decode(t->chain, line + at, end - at);
	return n;
}

/* --- transfers ------------------------------------------------------------------------------- */

struct transfer *
transfer_start(struct transfers *all, const char *url, void *arg)
{
	struct transfer *t = calloc(1, sizeof *t);
	CURLcode (*set)(CURL *, CURLoption, ...) = all->lib.easy_setopt;

	if (t == NULL)
		return NULL;
	t->all = all;
	t->arg = arg;
	if ((t->curl = all->lib.easy_init()) == NULL) {
		free(t);
		return NULL;
	}
	set(t->curl, CURLOPT_PRIVATE, t);
	set(t->curl, CURLOPT_URL, url);
	set(t->curl, CURLOPT_PROTOCOLS_STR, "http,https");
	set(t->curl, CURLOPT_FOLLOWLOCATION, 0L);
	set(t->curl, CURLOPT_NOSIGNAL, 1L);
	set(t->curl, CURLOPT_TIMEOUT_MS, (long)TIMEOUT_MS);
	set(t->curl, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS);
	set(t->curl, CURLOPT_USERAGENT, "assayd/" ASSAY_VERSION);
	set(t->curl, CURLOPT_ERRORBUFFER, t->error);
	set(t->curl, CURLOPT_WRITEFUNCTION, take_body);
	set(t->curl, CURLOPT_WRITEDATA, t);
	set(t->curl, CURLOPT_HEADERFUNCTION, take_header);
	set(t->curl, CURLOPT_HEADERDATA, t);
	if (all->ca.len > 0) {
		struct curl_blob blob = { .len = all->ca.len, .flags = CURL_BLOB_COPY };
		memcpy(&blob.data, &all->ca.ptr, sizeof blob.data);
		if (set(t->curl, CURLOPT_CAINFO_BLOB, &blob) != CURLE_OK ||
		    set(t->curl, CURLOPT_CAPATH, (char *)NULL) != CURLE_OK) {
			transfer_free(t);
			return NULL;
		}
	}
	if (all->lib.multi_add(all->multi, t->curl) != CURLM_OK) {
		transfer_free(t);
		return NULL;
	}
	all->started++;
	return t;
}

void
transfers_wait(struct transfers *all, int fd, int timeout_ms)
{
	struct curl_waitfd own = { .fd = fd, .events = CURL_WAIT_POLLIN };
	int running, ready;

	all->lib.multi_perform(all->multi, &running);
	if (running < all->started)
		return; /* it would be waited for what has come already */
	all->lib.multi_poll(all->multi, &own, 1, timeout_ms, &ready);
	all->lib.multi_perform(all->multi, &running);
}

struct transfer *
transfers_ended(struct transfers *all)
{
	struct transfer *t = NULL;
	curl_off_t after = 0;
	CURLMsg *m;
	int left;

	while ((m = all->lib.multi_read(all->multi, &left)) != NULL && m->msg != CURLMSG_DONE)
		;
	if (m == NULL)
		return NULL;
	CURLcode rc = m->data.result;
	all->started--;
	all->lib.easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &t);
	if (rc == CURLE_OK) {
		all->lib.easy_getinfo(t->curl, CURLINFO_RESPONSE_CODE, &t->status);
		all->lib.easy_getinfo(t->curl, CURLINFO_RETRY_AFTER, &after);
		t->retry_after_s = after;
	} else if (t->too_large) {
		snprintf(t->error, sizeof t->error, "the answer is larger than 8 MiB");
	} else if (t->no_memory) {
		snprintf(t->error, sizeof t->error, "out of memory");
	} else if (t->error[0] == '\0') {
		snprintf(t->error, sizeof t->error, "%s", all->lib.easy_strerror(rc));
	}
	return t;
}

void
transfer_free(struct transfer *t)
{
	if (t == NULL)
		return;
	t->all->lib.multi_remove(t->all->multi, t->curl);
	t->all->lib.easy_cleanup(t->curl);
	free(t->body);
	free(t->chain);
	free(t);
}

void *
transfer_arg(const struct transfer *t)
{
	return t->arg;
}

long
transfer_status(const struct transfer *t)
{
	return t->status;
}

const char *
transfer_why(const struct transfer *t)
{
	return t->error;
}

struct assay_bytes
transfer_body(const struct transfer *t)
{
	return (struct assay_bytes){ t->body, t->len };
}

struct assay_bytes
transfer_chain(const struct transfer *t)
{
	return (struct assay_bytes){ (const uint8_t *)t->chain, t->chain_len };
}

int64_t
transfer_retry_after_s(const struct transfer *t)
{
	return t->retry_after_s;
}
