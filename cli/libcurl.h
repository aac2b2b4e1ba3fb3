/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAY_CLI_LIBCURL_H
#define ASSAY_CLI_LIBCURL_H

/*
 * libcurl, loaded by whoever needs it: thirty libraries come with it, which take ten times as long to load
 * as a verdict, and with which neither a verifier nor the other processes of assayd have any business. The
 * command and assayd's fetcher share this.
 */

#define CURL_DISABLE_TYPECHECK /* its macros would call the functions by their names */

#include <stdbool.h>

#include <curl/curl.h>

struct libcurl {
	void *loaded;
	CURLcode (*global_init)(long flags);
	void (*global_cleanup)(void);
	CURL *(*easy_init)(void);
	void (*easy_reset)(CURL *curl);
	CURLcode (*easy_setopt)(CURL *curl, CURLoption option, ...);
	CURLcode (*easy_perform)(CURL *curl);
	CURLcode (*easy_getinfo)(CURL *curl, CURLINFO info, ...);
	const char *(*easy_strerror)(CURLcode code);
	void (*easy_cleanup)(CURL *curl);
	CURLM *(*multi_init)(void);
	CURLMcode (*multi_cleanup)(CURLM *multi);
	CURLMcode (*multi_add)(CURLM *multi, CURL *curl);
	CURLMcode (*multi_remove)(CURLM *multi, CURL *curl);
	CURLMcode (*multi_perform)(CURLM *multi, int *running);
	CURLMcode (*multi_poll)(
	    CURLM *multi, struct curl_waitfd *fds, unsigned count, int ms, int *ready);
	CURLMsg *(*multi_read)(CURLM *multi, int *left);
	struct curl_slist *(*slist_append)(struct curl_slist *list, const char *text);
	void (*slist_free)(struct curl_slist *list);
};

/* False: there is no libcurl.so.4 on this machine, or an older one. */
bool libcurl_load(struct libcurl *lib);

#endif
