/* SPDX-License-Identifier: Apache-2.0 */
/* The values of extensions, without the certificate around them: CBOR, and Enarx's DER. */
#include "tls/dice.h"

#include <stdlib.h>
#include <string.h>

#include "tls/enarx.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool ok)
{
	if (!ok)
		abort();
}

static bool
within(struct assay_bytes part, struct assay_bytes all)
{
	return part.len == 0 ||
	    (part.ptr >= all.ptr && part.len <= all.len &&
		(size_t)(part.ptr - all.ptr) <= all.len - part.len);
}

static void
explained(enum assay_code rc, const struct assay_error *err)
{
	must(rc == ASSAY_OK || (err->code == rc && err->text[0] != '\0'));
}

/* What is read can be written again, unless it was longer than it had to be. */
static void
write_again(const struct dice_evidence *d, struct assay_bytes in)
{
	uint8_t *again = NULL;
	size_t len = 0;

	must(assay_dice_write(&again, &len, d->quote, d->buffer, NULL) == ASSAY_OK);
	must(len <= in.len && (len < in.len || memcmp(again, in.ptr, len) == 0));
	free(again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum assay_code (*const readers[])(struct enarx_evidence *, struct assay_bytes,
	    struct assay_error *) = { assay_enarx_sgx, assay_enarx_snp };
	struct assay_bytes in = { data, size }, items[DICE_ENDORSEMENTS];
	struct assay_error err = { ASSAY_OK, "" };
	struct dice_evidence d;
	enum assay_code rc = assay_dice_parse(&d, in, &err);

	explained(rc, &err);
	if (rc == ASSAY_OK) {
		must(within(d.quote, in) && within(d.buffer, in) && within(d.nonce, d.buffer) &&
		    within(d.hash, d.buffer) && d.hash.len >= 32);
		write_again(&d, in);
	}
	rc = assay_dice_endorsements(items, in, &err);
	explained(rc, &err);
	for (size_t i = 0; rc == ASSAY_OK && i < DICE_ENDORSEMENTS; i++)
		must(within(items[i], in));
	for (size_t i = 0; i < 2; i++) {
		struct enarx_evidence e;
		rc = readers[i](&e, in, &err);
		explained(rc, &err);
		for (size_t k = 0; rc == ASSAY_OK && k < e.item_count; k++)
			must(within(e.items[k], in) && within(e.evidence, in));
	}
	return 0;
}
