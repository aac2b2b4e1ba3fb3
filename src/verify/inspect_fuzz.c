/* SPDX-License-Identifier: Apache-2.0 */
#include <assay/evidence.h>

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
	size_t fields, chars;
};

static void
visit(void *arg, const char *group, const char *name, const char *value, const char *note)
{
	struct seen *seen = arg;

	if (group[0] == '\0' || name[0] == '\0')
		abort();
	seen->fields++;
	seen->chars += strlen(group) + strlen(name) + strlen(value) + strlen(note);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct assay_error err = { ASSAY_OK, "" };
	struct seen seen = { 0, 0 };
	const char *kind = NULL;

	enum assay_code rc =
	    assay_inspect(&kind, (struct assay_bytes){ data, size }, visit, &seen, &err);
	if (rc != ASSAY_OK) { /* a refusal shows nothing, and explains itself */
		if (err.code != rc || err.text[0] == '\0' || seen.fields > 0)
			abort();
	} else if (kind == NULL || kind[0] == '\0' || seen.fields == 0) {
		abort();
	}
	return 0;
}
