/* SPDX-License-Identifier: Apache-2.0 */
/* Every wrapper: each reader alone, and all of them as evidence finds them. */
#include <stdlib.h>
#include <string.h>

#include "parse/unwrap.h"

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

/* Reads every byte, so that a sanitizer sees a slice that leaves its home. */
static unsigned
touch(struct assay_bytes b)
{
	unsigned sum = 0;

	for (size_t i = 0; i < b.len; i++)
		sum += b.ptr[i];
	return sum;
}

/* What is read is written and read again, the same. */
static void
again(const struct unwrapped *u)
{
	struct assay_error err;
	struct unwrapped second;
	char type[CMW_TYPE_MAX + 1];
	uint8_t *out;
	size_t len, count = 0;
	struct assay_bundle_item items[BUNDLE_PARTS];

	if (u->tee.len == 0)
		return;
	(void)snprintf(type, sizeof type, "application/vnd.assay.%.*s", (int)u->tee.len,
	    (const char *)u->tee.ptr);
	items[count++] = (struct assay_bundle_item){ "evidence", type, u->evidence, 4 };
	if (u->provider[0] != '\0')
		items[count++] = (struct assay_bundle_item){ "provider", "text/plain",
			assay_bytes_of(u->provider), 4 };
	if (u->manifest.len > 0)
		items[count++] = (struct assay_bundle_item){ "manifest", ASSAY_BUNDLE_TYPE_MANIFEST,
			u->manifest, 0 };
	if (u->collateral.len > 0)
		items[count++] = (struct assay_bundle_item){ "collateral",
			ASSAY_BUNDLE_TYPE_COLLATERAL, u->collateral, 2 };
	if (assay_bundle_write(&out, &len, items, count, &err) != ASSAY_OK ||
	    assay_unwrap(&second, (struct assay_bytes){ out, len }, &err) != ASSAY_OK)
		abort();
	if (!assay_bytes_equal(u->evidence, second.evidence) ||
	    !assay_bytes_equal(u->tee, second.tee) || strcmp(u->provider, second.provider) != 0 ||
	    !assay_bytes_equal(u->manifest, second.manifest) ||
	    !assay_bytes_equal(u->collateral, second.collateral))
		abort();
	assay_unwrap_clear(&second);
	free(out);
}

static volatile unsigned sum;

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct assay_error err = { ASSAY_OK, "" };
	struct assay_bytes in = { data, size };
	struct cmw cmw;
	struct tsm_report tsm;
	struct unwrapped u;

	if (accepted(assay_cmw_parse(&cmw, in, "fuzz", &err), &err)) {
		if (!assay_cmw_recognise(in) || cmw.count == 0 || cmw.count > CMW_ITEMS_MAX)
			abort();
		for (size_t i = 0; i < cmw.count; i++)
			sum += touch(cmw.items[i].value);
		assay_cmw_clear(&cmw);
	}
	if (accepted(assay_tsm_parse_cbor(&tsm, in, "fuzz", &err), &err))
		sum += touch(tsm.outblob) + touch(tsm.auxblob) + touch(tsm.manifestblob);
	if (accepted(assay_tsm_parse_json(&tsm, in, "fuzz", &err), &err)) {
		sum += touch(tsm.outblob) + touch(tsm.auxblob) + touch(tsm.manifestblob);
		assay_tsm_clear(&tsm);
	}
	(void)assay_unwrap_recognise(in);
	if (accepted(assay_unwrap(&u, in, &err), &err)) {
		sum += touch(u.evidence) + touch(u.certificates) + touch(u.collateral) +
		    touch(u.eventlog) + touch(u.manifest);
		again(&u);
		assay_unwrap_clear(&u);
	}
	return 0;
}
