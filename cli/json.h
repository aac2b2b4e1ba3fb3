/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAY_CLI_JSON_H
#define ASSAY_CLI_JSON_H

/* Writes JSON. Commas are its business; names are given in the order of docs/json.md. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* The length of the UTF-8 sequence at text; 0 if it is none (overlong, surrogate, cut short). */
size_t json_sequence(const char *text);

struct json {
	FILE *to;
	bool comma; /* the next value needs one before it */
};

/* name NULL: an element of a list. */
void json_open(struct json *j, const char *name, char bracket); /* '{' or '[' */
void json_close(struct json *j, char bracket);                  /* '}' or ']' */
void json_text(struct json *j, const char *name, const char *value);
void json_text_or_null(struct json *j, const char *name, const char *value); /* "" is null */
void json_uint(struct json *j, const char *name, uint64_t value);
void json_bool(struct json *j, const char *name, bool value);
void json_raw(struct json *j, const char *name, const char *value); /* is JSON already */

#endif
