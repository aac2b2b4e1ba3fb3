/* SPDX-License-Identifier: Apache-2.0 */
#include "platforms/spec.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

enum { FORMAT = 1 };
enum kind { TEXT, NUMBER, FLAG, WORDS, BYTES };

/* One row per member: how platform.json says it. What is empty, zero or false is left out. */
#define ROW(kind, name, member)                                                                    \
	{                                                                                          \
		kind, name, offsetof(struct sim_spec, member),                                     \
		    sizeof(((struct sim_spec *)0)->member)                                         \
	}
static const struct row {
	enum kind kind;
	const char *name;
	size_t at, size;
} rows[] = {
	ROW(TEXT, "tee", tee),
	ROW(NUMBER, "seed", seed),
	ROW(NUMBER, "time", time),
	ROW(NUMBER, "valid", valid),
	ROW(TEXT, "product", product),
	ROW(NUMBER, "report_version", report_version),
	ROW(TEXT, "module", module),
	ROW(TEXT, "tcb", tcb),
	ROW(WORDS, "revoked", revoked),
	ROW(WORDS, "broken", broken),
	ROW(FLAG, "debug", debug),
	ROW(FLAG, "vlek", vlek),
	ROW(FLAG, "mask_chip_id", mask_chip_id),
	ROW(FLAG, "service_td", service_td),
	ROW(FLAG, "id_block", id_block),
	ROW(FLAG, "author_key", author_key),
	ROW(FLAG, "ext_owned", ext_owned),
	ROW(BYTES, "report_data", report_data),
	ROW(BYTES, "launch", launch),
	ROW(FLAG, "own_launch", own_launch),
};
enum { ROWS = sizeof rows / sizeof rows[0] };

bool
sim_words_have(const struct sim_words *words, const char *word)
{
	for (size_t i = 0; i < SIM_WORDS_MAX && words->at[i][0] != '\0'; i++)
		if (strcmp(words->at[i], word) == 0)
			return true;
	return false;
}

bool
sim_words_add(struct sim_words *words, const char *word)
{
	size_t i = 0;

	while (i < SIM_WORDS_MAX && words->at[i][0] != '\0')
		i++;
	if (i == SIM_WORDS_MAX || word[0] == '\0' || strlen(word) >= SIM_WORD_MAX)
		return false;
	memcpy(words->at[i], word, strlen(word) + 1);
	return true;
}

bool
sim_listed(const char *list, const char *word)
{
	size_t n = strlen(word);

	for (const char *at = list; (at = strstr(at, word)) != NULL; at += n)
		if ((at == list || at[-1] == ' ') && (at[n] == ' ' || at[n] == '\0'))
			return true;
	return false;
}

/* --- writing -------------------------------------------------------------------------------- */

static json_t *
words_json(const struct sim_words *words)
{
	json_t *list = json_array();

	for (size_t i = 0; i < SIM_WORDS_MAX && words->at[i][0] != '\0'; i++)
		json_array_append_new(list, json_string(words->at[i]));
	return list;
}

static json_t *
hex_json(const uint8_t *bytes, size_t n)
{
	char text[129];

	for (size_t i = 0; i < n && i < 64; i++)
		snprintf(text + 2 * i, 3, "%02x", bytes[i]);
	return json_string(text);
}

static json_t *
value_json(const struct row *row, const uint8_t *at)
{
	uint64_t number;
	char text[24];

	switch (row->kind) {
	case TEXT:
		return json_string((const char *)at);
	case NUMBER: /* as text: seeds have 64 bits, which not every reader of JSON keeps */
		memcpy(&number, at, sizeof number);
		snprintf(text, sizeof text, "%" PRIu64, number);
		return json_string(text);
	case FLAG:
		return json_true();
	case WORDS:
		return words_json((const void *)at);
	case BYTES:
		return hex_json(at, row->size);
	}
	return NULL;
}

char *
sim_spec_json(const struct sim_spec *spec)
{
	json_t *all = json_object();
	char *text = NULL;
	bool ok = all != NULL && json_object_set_new(all, "format", json_integer(FORMAT)) == 0;

	for (size_t i = 0; i < ROWS && ok; i++) {
		const uint8_t *at = (const uint8_t *)spec + rows[i].at;
		size_t n = 0;
		while (n < rows[i].size && at[n] == 0)
			n++;
		if (n < rows[i].size)
			ok = json_object_set_new(all, rows[i].name, value_json(&rows[i], at)) == 0;
	}
	if (ok)
		text = json_dumps(all, JSON_INDENT(2));
	json_decref(all);
	return text;
}

/* --- reading -------------------------------------------------------------------------------- */

static bool
take_number(uint8_t *at, const json_t *value)
{
	const char *text = json_string_value(value);
	uint64_t number = 0;
	int used = 0;

	if (text == NULL || text[0] < '0' || text[0] > '9' || strlen(text) > 20 ||
	    sscanf(text, "%" SCNu64 "%n", &number, &used) != 1 || text[used] != '\0')
		return false;
	memcpy(at, &number, sizeof number);
	return true;
}

static bool
take_words(struct sim_words *words, const json_t *value)
{
	if (!json_is_array(value))
		return false;
	for (size_t i = 0; i < json_array_size(value); i++) {
		const char *word = json_string_value(json_array_get(value, i));
		if (word == NULL || !sim_words_add(words, word))
			return false;
	}
	return true;
}

static bool
take_hex(uint8_t *at, size_t size, const json_t *value)
{
	const char *text = json_string_value(value);

	if (text == NULL || strlen(text) != 2 * size ||
	    strspn(text, "0123456789abcdef") != 2 * size)
		return false;
	for (size_t i = 0; i < size; i++) {
		unsigned byte = 0;
		if (sscanf(text + 2 * i, "%2x", &byte) != 1)
			return false;
		at[i] = (uint8_t)byte;
	}
	return true;
}

static bool
take(const struct row *row, uint8_t *at, const json_t *value)
{
	switch (row->kind) {
	case TEXT:
		if (!json_is_string(value) || json_string_length(value) >= row->size ||
		    strlen(json_string_value(value)) != json_string_length(value))
			return false;
		memcpy(at, json_string_value(value), json_string_length(value) + 1);
		return true;
	case NUMBER:
		return take_number(at, value);
	case FLAG:
		at[0] = json_is_true(value);
		return json_is_boolean(value);
	case WORDS:
		return take_words((void *)at, value);
	case BYTES:
		return take_hex(at, row->size, value);
	}
	return false;
}

static const struct row *
find(const char *name)
{
	for (size_t i = 0; i < ROWS; i++)
		if (strcmp(rows[i].name, name) == 0)
			return &rows[i];
	return NULL;
}

static bool
take_all(struct sim_spec *spec, json_t *all, char why[256])
{
	const char *name;
	json_t *value;

	if (json_integer_value(json_object_get(all, "format")) != FORMAT) {
		snprintf(why, 256, "platform.json: \"format\" is not %d: made by another assay-sim",
		    FORMAT);
		return false;
	}
	json_object_foreach(all, name, value)
	{
		const struct row *row = find(name);
		if (strcmp(name, "format") == 0)
			continue;
		if (row == NULL || !take(row, (uint8_t *)spec + row->at, value)) {
			snprintf(why, 256, "platform.json: \"%.40s\" is %s",
			    row != NULL ? row->name : "a member",
			    row != NULL ? "not of its form" : "unknown: made by another assay-sim");
			return false;
		}
	}
	return true;
}

bool
sim_spec_parse(struct sim_spec *spec, const char *json, size_t len, char why[256])
{
	json_error_t error;
	json_t *all = json_loadb(json, len, JSON_REJECT_DUPLICATES, &error);
	struct sim_spec made = { .seed = 0 };
	bool ok = json_is_object(all);

	if (!ok)
		snprintf(why, 256, "platform.json: line %d is no JSON as assay-sim new writes it",
		    error.line > 0 ? error.line : 1);
	else if ((ok = take_all(&made, all, why)))
		*spec = made;
	json_decref(all);
	return ok;
}
