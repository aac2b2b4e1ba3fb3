/* SPDX-License-Identifier: Apache-2.0 */
#include "answer.h"

#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "kbs/base64.h"

enum { REPORT_TEXT = (REPORT_SIZE + 2) / 3 * 4 };

static void
copy_text(char out[ANSWER_TEXT_ROOM], const char *in)
{
	size_t n = 0;

	for (; in != NULL && in[n] != '\0' && n < ANSWER_TEXT_ROOM - 1; n++)
		out[n] = in[n] >= 0x20 && in[n] < 0x7f ? in[n] : '?';
	out[n] = '\0';
}

static bool
take_handle(struct answer *a, const json_t *value)
{
	if (value == NULL)
		return true;
	json_int_t n = json_integer_value(value);
	if (!json_is_integer(value) || n < 0 || n > UINT32_MAX)
		return false;
	a->handle = (uint32_t)n;
	a->has_handle = true;
	return true;
}

static bool
take_report(struct answer *a, const json_t *value)
{
	uint8_t bytes[UNBASE64_ROOM(REPORT_TEXT)];
	const struct assay_bytes text = { (const uint8_t *)json_string_value(value),
		json_string_length(value) };
	size_t len;

	if (value == NULL)
		return true;
	if (text.ptr == NULL || text.len != REPORT_TEXT || !base64_decode(bytes, &len, text) ||
	    len != REPORT_SIZE)
		return false;
	memcpy(a->report, bytes, len);
	a->has_report = true;
	return true;
}

static json_t *
load(const char *line, size_t len)
{
	json_t *j =
	    len <= ANSWER_LINE_MAX ? json_loadb(line, len, JSON_REJECT_DUPLICATES, NULL) : NULL;

	if (j != NULL && !json_is_object(j)) {
		json_decref(j);
		return NULL;
	}
	return j;
}

bool
answer_read_qmp(struct answer *out, const char *line, size_t len)
{
	struct answer a = { .kind = ANSWER_OTHER };
	json_t *j = load(line, len);
	bool ok = j != NULL;

	if (!ok)
		return false;
	const json_t *value = json_object_get(j, "return"), *error = json_object_get(j, "error"),
		     *id = json_object_get(j, "id");
	if (json_is_object(json_object_get(j, "QMP")))
		a.kind = ANSWER_GREETING;
	else if (value != NULL)
		a.kind = ANSWER_RETURN;
	else if (error != NULL)
		a.kind = ANSWER_ERROR;
	if (json_integer_value(id) > 0)
		a.id = (uint64_t)json_integer_value(id);
	if (a.kind == ANSWER_RETURN)
		ok = take_handle(&a, json_object_get(value, "handle")) &&
		    take_report(&a, json_object_get(value, "data"));
	else if (a.kind == ANSWER_ERROR)
		copy_text(a.text, json_string_value(json_object_get(error, "desc")));
	json_decref(j);
	if (ok)
		*out = a;
	return ok;
}

bool
answer_read_adapter(struct answer *out, const char *line, size_t len)
{
	struct answer a = { .kind = ANSWER_RETURN };
	json_t *j = load(line, len);

	if (j == NULL)
		return false;
	const json_t *error = json_object_get(j, "error");
	bool ok = take_handle(&a, json_object_get(j, "handle")) &&
	    take_report(&a, json_object_get(j, "report")) &&
	    (json_is_string(error) || (a.has_report && a.has_handle));
	if (json_is_string(error)) {
		a.kind = ANSWER_ERROR;
		copy_text(a.text, json_string_value(error));
	}
	json_decref(j);
	if (ok)
		*out = a;
	return ok;
}
