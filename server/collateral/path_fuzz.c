/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "path.h"
#include "shelf.h"
#include "wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/*
 * Path and query, with '?' between: what is taken can be asked of a service, goes over the line to the
 * fetcher unchanged, and has nothing in its URL that a path or a name may not have. The same bytes as a
 * message of the line.
 */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct collateral_request r;
	struct ipc_message m;
	struct want back;
	char *text = malloc(size + 1), url[URL_SIZE], key[WANT_NAME];
	const char *why;
	uint8_t *line;
	size_t len;

	if (text == NULL)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	char *query = strchr(text, '?');
	if (query != NULL)
		*query++ = '\0';
	int status = collateral_request_read(&r, text, query != NULL ? query : "", &why);
	if (status != 200 && ((status != 400 && status != 404) || why[0] == '\0'))
		abort();
	if (status == 200) {
		shelf_key(key, &r.want);
		if (key[0] == '\0' ||
		    strspn(key,
			"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
			"0123456789-_.") != strlen(key))
			abort();
		if (!want_url(&r.want, "https://example", 0, url) ||
		    strpbrk(url, " \r\n%#@") != NULL)
			abort();
		line = fetch_request_write(&len, 7, &r.want);
		if (line == NULL || !ipc_read(&m, (struct assay_bytes){ line, len }) || m.id != 7 ||
		    !fetch_request_read(&back, &m) || back.thing != r.want.thing ||
		    strcmp(back.hwid, r.want.hwid) != 0 || back.microcode != r.want.microcode)
			abort();
		free(line);
	}
	if (ipc_read(&m, (struct assay_bytes){ data, size }) && fetch_request_read(&back, &m) &&
	    want_url(&back, "https://example", 0, url) && strpbrk(url, " \r\n%#@") != NULL)
		abort();
	free(text);
	return 0;
}
