/* SPDX-License-Identifier: Apache-2.0 */
/* All that reads a stranger's body: the first byte says which version it is of. */
#include <stdlib.h>
#include <string.h>

#include "attestation.h"
#include "buffer.h"
#include "evidence.h"
#include "init_data.h"
#include "kbs.h"
#include "request.h"
#include "scan.h"
#include "snp.h"
#include "toml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must_explain(enum assay_code rc, const struct assay_error *err)
{
	if (rc != ASSAY_OK && (err->code != rc || err->text[0] == '\0'))
		abort();
}

/* The library reads this form too: both must read the same. */
static void
compare(struct assay_bytes json)
{
	struct assay_error err = { ASSAY_OK, "" };
	struct assay_evidence *theirs = NULL;
	uint8_t *bytes;
	size_t len;
	enum assay_code rc = kbs_snp_rebuild(&bytes, &len, json, &err);

	must_explain(rc, &err);
	if (rc != ASSAY_OK)
		return;
	if (assay_evidence_parse(&theirs, json, &err) == ASSAY_OK &&
	    !bytes_equal(assay_evidence_raw(theirs), (struct assay_bytes){ bytes, len }))
		abort();
	assay_evidence_free(theirs);
	free(bytes);
}

static void
use(const struct kbs_attestation *a)
{
	struct assay_error err = { ASSAY_OK, "" };
	struct kbs_bindings bindings;
	struct kbs_key key;
	struct kbs_sample sample;
	struct assay_evidence *ev = NULL;
	char *claims = NULL;
	static const uint8_t field[48];

	enum assay_code rc = kbs_attestation_key(&key, a, NULL, &err);
	must_explain(rc, &err);
	if (rc == ASSAY_OK)
		kbs_key_clear(&key);
	rc = kbs_attestation_bindings(&bindings, a, "nonce", HASH_SHA384, &err);
	must_explain(rc, &err);
	if (rc == ASSAY_OK && bindings.count == 0)
		abort();
	compare(a->primary);
	must_explain(kbs_sample_parse(&sample, a->primary, &err), &err);
	for (uint8_t tee = 1; tee <= 3; tee++)
		must_explain(kbs_evidence_parse(&ev, kbs_tee_name(tee), a->primary, &err), &err);
	assay_evidence_free(ev);
	must_explain(kbs_init_data_check(&claims, a->init_format, a->init_body,
			 (struct assay_bytes){ field, sizeof field }, &err),
	    &err);
	free(claims);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct assay_error err = { ASSAY_OK, "" };
	struct kbs_request request;
	struct kbs_attestation a;
	json_t *root = NULL;

	if (size == 0)
		return 0;
	struct assay_bytes in = { data, size };
	/* Vectors begin with '{': they are of today's version. */
	enum ticket_protocol protocol =
	    data[0] == '{' ? PROTOCOL_0_4_0 : (enum ticket_protocol)(1 + data[0] % 5);
	if (data[0] != '{') {
		in.ptr++;
		in.len--;
	}
	must_explain(kbs_request_parse(&request, in, true, &err), &err);
	enum assay_code rc = kbs_attestation_parse(&a, in, protocol, &err);
	must_explain(rc, &err);
	if (rc == ASSAY_OK) {
		use(&a);
		kbs_attestation_clear(&a);
	}
	/* Evidence as it lies among the vectors. */
	if (scan_check(in, "fuzz", &err) == ASSAY_OK) {
		struct assay_evidence *ev = NULL;
		compare(scan_trim(in));
		for (uint8_t tee = 1; tee <= 3; tee++)
			must_explain(
			    kbs_evidence_parse(&ev, kbs_tee_name(tee), scan_trim(in), &err), &err);
		assay_evidence_free(ev);
	}
	rc = toml_parse(&root, in, &err);
	must_explain(rc, &err);
	if (rc == ASSAY_OK)
		json_decref(root);
	return 0;
}
