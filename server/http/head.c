/* SPDX-License-Identifier: Apache-2.0 */
#include "head.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { LENGTH_DIGITS = 15 }; /* of Content-Length: far more than is ever taken, and no overflow */

size_t
head_end(const char *text, size_t len, size_t from)
{
	for (size_t i = from; i < len; i++) {
		unsigned char c = (unsigned char)text[i];
		if (c == '\n') {
			if (i == 0 || text[i - 1] != '\r')
				return SIZE_MAX;
			if (i >= 3 && text[i - 2] == '\n')
				return i + 1;
			continue;
		}
		if ((c < 0x20 && c != '\t' && c != '\r') || c == 0x7f)
			return SIZE_MAX;
		if (i > 0 && text[i - 1] == '\r')
			return SIZE_MAX; /* RFC 9112, 2.2: a bare CR */
	}
	return 0;
}

/* RFC 9110, 5.6.2 */
static bool
is_token(const char *text)
{
	static const char others[] = "!#$%&'*+-.^_`|~";

	if (*text == '\0')
		return false;
	for (; *text != '\0'; text++) {
		char c = *text;
		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')) &&
		    strchr(others, c) == NULL)
			return false;
	}
	return true;
}

/* RFC 3986, 3.3 and 3.4: what may stand in a path or a query, '%' aside. */
static bool
is_plain(const char *text, const char *more)
{
	static const char others[] = "-._~!$&'()*+,;=:@/";

	for (; *text != '\0'; text++) {
		char c = *text;
		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')) &&
		    strchr(others, c) == NULL && strchr(more, c) == NULL)
			return false;
	}
	return true;
}

/* A path is compared as it was sent: whatever would have to be decoded or resolved first is refused. */
static const char *
path_fault(const char *path)
{
	if (path[0] != '/')
		return "the target must be a path that starts with '/', not a whole URL";
	if (strchr(path, '%') != NULL)
		return "the path has a '%'; no path here needs one";
	if (!is_plain(path, ""))
		return "the path has a character that none may have";
	if (strstr(path, "//") != NULL)
		return "the path has an empty segment";
	for (const char *p = path; (p = strchr(p, '/')) != NULL; p++) {
		size_t n = strcspn(p + 1, "/");
		if ((n == 1 && p[1] == '.') || (n == 2 && p[1] == '.' && p[2] == '.'))
			return "the path has a segment \".\" or \"..\"";
	}
	return NULL;
}

static int
read_request_line(struct head *out, char *line, const char **why)
{
	char *target = strchr(line, ' ');
	char *version = target != NULL ? strchr(target + 1, ' ') : NULL;

	if (version == NULL) {
		*why = "the request line is not METHOD PATH HTTP/1.1";
		return 400;
	}
	*target++ = '\0';
	*version++ = '\0';
	char *query = strchr(target, '?');
	if (query != NULL)
		*query++ = '\0';
	if (!is_token(line)) {
		*why = "the method is no word";
		return 400;
	}
	out->method = line;
	out->path = target;
	if (query != NULL)
		out->query = query;
	if (strncmp(version, "HTTP/", 5) != 0) {
		*why = "the request line is not METHOD PATH HTTP/1.1";
		return 400;
	}
	if (strcmp(version, "HTTP/1.1") != 0 && strcmp(version, "HTTP/1.0") != 0) {
		*why = "the version of HTTP is not 1.1 or 1.0";
		return 505;
	}
	out->minor = version[7] == '1';
	if ((*why = path_fault(target)) != NULL)
		return 400;
	if (!is_plain(out->query, "?%")) {
		*why = "the query has a character that none may have";
		return 400;
	}
	return 0;
}

static int
read_field(struct head *out, char *line, const char **why)
{
	char *colon = strchr(line, ':');

	if (out->header_count == HEADERS_MAX) {
		*why = "there are more than 64 header fields";
		return 431;
	}
	/* No folding, and no blank before the colon: RFC 9112, 5.1 and 5.2. */
	if (colon == NULL || (*colon = '\0', !is_token(line))) {
		*why = "a header field is not NAME: VALUE";
		return 400;
	}
	char *value = colon + 1 + strspn(colon + 1, " \t");
	for (size_t n = strlen(value); n > 0 && strchr(" \t", value[n - 1]) != NULL; n--)
		value[n - 1] = '\0';
	out->headers[out->header_count++] = (struct header){ line, value };
	return 0;
}

/* RFC 9112, 6.3, without its leniences: these are how requests are smuggled. */
static int
read_framing(struct head *out, const char **why)
{
	const char *length = head_field(out, "Content-Length");
	const char *coding = head_field(out, "Transfer-Encoding");

	if (length != NULL && coding != NULL) {
		*why = "Content-Length and Transfer-Encoding cannot both be there";
		return 400;
	}
	if (head_count(out, "Content-Length") > 1 || head_count(out, "Transfer-Encoding") > 1) {
		*why = "Content-Length or Transfer-Encoding is there twice";
		return 400;
	}
	if (coding != NULL) {
		*why = "a body must come with its Content-Length, not in chunks";
		return 411;
	}
	if (length != NULL) {
		size_t n = strspn(length, "0123456789");
		if (n == 0 || length[n] != '\0') {
			*why = "Content-Length is no number";
			return 400;
		}
		if (n > LENGTH_DIGITS) {
			*why = "Content-Length is beyond all that is taken";
			return 413;
		}
		out->length = strtoull(length, NULL, 10);
	}
	return 0;
}

/* Is word one of a comma list? */
static bool
lists(const char *list, const char *word)
{
	size_t len = strlen(word);

	while (list != NULL && *list != '\0') {
		list += strspn(list, " \t,");
		size_t n = strcspn(list, " \t,");
		if (n == len && strncasecmp(list, word, n) == 0)
			return true;
		list += n;
	}
	return false;
}

static int
read_rest(struct head *out, const char **why)
{
	const char *expect = head_field(out, "Expect");
	size_t hosts = head_count(out, "Host");

	if (hosts > 1 || (hosts == 0 && out->minor == 1)) {
		*why = "there must be one Host field";
		return 400;
	}
	if (head_count(out, "Authorization") > 1) {
		*why = "Authorization is there twice";
		return 400;
	}
	if (expect != NULL && out->minor == 1) {
		if (strcasecmp(expect, "100-continue") != 0) {
			*why = "Expect can only be 100-continue";
			return 417;
		}
		out->expects = true;
	}
	out->keep_alive = out->minor == 1 && !lists(head_field(out, "Connection"), "close");
	return 0;
}

int
head_read(struct head *out, char *text, size_t len, const char **why)
{
	char *end = text + len - 2; /* the empty line */
	int status = 0;

	*out = (struct head){ .method = "", .path = "", .query = "" };
	for (char *line = text; line < end && status == 0;) {
		char *cr = memchr(line, '\r', (size_t)(end - line));
		if (cr == NULL) {
			*why = "the head has no end";
			return 400;
		}
		*cr = '\0';
		status =
		    line == text ? read_request_line(out, line, why) : read_field(out, line, why);
		line = cr + 2;
	}
	if (status == 0)
		status = read_framing(out, why);
	return status != 0 ? status : read_rest(out, why);
}

const char *
head_field(const struct head *head, const char *name)
{
	for (size_t i = 0; i < head->header_count; i++)
		if (strcasecmp(head->headers[i].name, name) == 0)
			return head->headers[i].value;
	return NULL;
}

size_t
head_count(const struct head *head, const char *name)
{
	size_t n = 0;

	for (size_t i = 0; i < head->header_count; i++)
		n += strcasecmp(head->headers[i].name, name) == 0;
	return n;
}
