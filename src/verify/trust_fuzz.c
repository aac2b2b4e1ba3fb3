/* SPDX-License-Identifier: Apache-2.0 */
#include "verify/trust.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A refusal that explains nothing is a bug too. */
static bool
accepted(enum assay_code rc, struct assay_error *err)
{
	if (rc != ASSAY_OK && (err->code != rc || err->text[0] == '\0'))
		abort();
	*err = (struct assay_error){ ASSAY_OK, "" };
	return rc == ASSAY_OK;
}

static void
must(bool holds)
{
	if (!holds)
		abort();
}

static void
must_print(const char *text)
{
	must(text != NULL);
	for (; *text != '\0'; text++)
		must(*text >= 0x20 && *text <= 0x7e);
}

/* Everything that can be asked of an item. Added again, its bytes are the same item. */
static void
walk(struct assay_trust *trust, struct assay_error *err)
{
	size_t count = assay_trust_count(trust);

	for (size_t i = 0; i < count; i++) {
		struct assay_bytes raw = assay_trust_item_bytes(trust, i);
		size_t added = 0;
		must_print(assay_trust_item_kind(trust, i));
		must_print(assay_trust_item_subject(trust, i));
		must_print(assay_trust_item_note(trust, i));
		must_print(assay_trust_item_name(trust, i));
		must_print(assay_trust_item_label(trust, i));
		must(raw.ptr != NULL && raw.len > 0);
		(void)assay_trust_item_since(trust, i);
		(void)assay_trust_item_until(trust, i);
		(void)accepted(assay_trust_item_verify(trust, i, err), err);
		for (size_t j = 0; j < count && j < 16; j++)
			must(!(assay_trust_item_replaced(trust, i, j) &&
			    assay_trust_item_replaced(trust, j, i)));
		must(!assay_trust_item_replaced(trust, i, i));
		if (accepted(assay_trust_add(trust, raw, "again", &added, err), err))
			must(added >= 1);
	}
}

static void
fuzz_platforms(struct assay_trust *trust, struct assay_bytes in, struct assay_error *err)
{
	(void)accepted(assay_trust_add_platforms(trust, in, "fuzz", err), err);
	for (size_t i = 0; i < trust->platform_count; i++) {
		const struct platform_rule *rule = &trust->platforms[i];
		struct assay_bytes id = { rule->id, rule->id_len };
		must(rule->id_len > 0 && rule->id_len <= sizeof rule->id);
		enum platform_listing said = assay_trust_platform(trust, rule->kind, id);
		must(said == PLATFORM_DENIED || (rule->allow && said == PLATFORM_ALLOWED));
	}
}

/* With the anchors, which take long to make: only for what has items to verify. */
static void
fuzz_items(struct assay_bytes in)
{
	struct assay_trust *trust = NULL;
	struct assay_error err = { ASSAY_OK, "" };
	size_t added = 0;

	must(assay_trust_new(&trust, &err) == ASSAY_OK);
	must(assay_trust_add(trust, in, "fuzz", &added, &err) == ASSAY_OK);
	must(assay_trust_count(trust) <= added);
	walk(trust, &err);
	assay_trust_free(trust);
}

/* Every input is read as each of them: a capture is a seed as it stands. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct assay_trust *trust = calloc(1, sizeof *trust);
	struct assay_error err = { ASSAY_OK, "" };
	struct assay_bytes in = { data, size };
	/* On the heap, of its own length: a read behind the end is seen. */
	char *text = malloc(size + 1);

	must(trust != NULL && text != NULL);
	if (size > 0)
		memcpy(text, data, size);
	text[size] = '\0';
	if (accepted(assay_trust_add(trust, in, "fuzz", NULL, &err), &err))
		fuzz_items(in);
	size_t items = assay_trust_count(trust);
	if (accepted(assay_trust_add_root(trust, in, "fuzz", &err), &err))
		must(trust->anchor_count > 0);
	must(assay_trust_count(trust) == items);
	fuzz_platforms(trust, in, &err);
	must(accepted(assay_trust_set_min_tcb(trust, text, &err), &err) == trust->min_tcb.set);
	free(text);
	assay_trust_free(trust);
	return 0;
}
