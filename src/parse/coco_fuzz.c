/* SPDX-License-Identifier: Apache-2.0 */
#include "parse/coco.h"

#include <stdlib.h>
#include <string.h>

#include "parse/snp_report.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What was read is written, and read again the same: the writer takes what the vendor's parser
 * takes, so most of what is read is not written. */
static void
again(const struct coco *c)
{
	struct assay_error err = { ASSAY_OK, "" };
	struct assay_bytes evidence = c->evidence, certificates = { NULL, 0 };
	struct coco second;
	char *json = NULL;

	if (c->snp) {
		evidence.len = SNP_REPORT_SIZE;
		certificates =
		    assay_bytes_at(c->evidence, SNP_REPORT_SIZE, c->evidence.len - SNP_REPORT_SIZE);
	}
	if ((c->sev ? assay_coco_write_sev(&json, evidence, c->proof, &err)
		    : assay_coco_write(&json, evidence, certificates, c->eventlog, &err)) !=
	    ASSAY_OK) {
		if (err.text[0] == '\0')
			abort();
		return;
	}
	/* A quote that looks like a report is written as one. */
	if (assay_coco_parse(&second, assay_bytes_of(json), "fuzz", &err) != ASSAY_OK ||
	    (second.snp == c->snp &&
		(!assay_bytes_equal(second.evidence, c->evidence) ||
		    !assay_bytes_equal(second.proof, c->proof) ||
		    !assay_bytes_equal(second.eventlog, c->eventlog))))
		abort();
	assay_coco_clear(&second);
	free(json);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct assay_error err = { ASSAY_OK, "" };
	struct assay_bytes in = { data, size };
	struct coco c;

	(void)assay_coco_recognise(in);
	enum assay_code rc = assay_coco_parse(&c, in, "fuzz", &err);
	if (rc != ASSAY_OK) {
		if (err.code != rc || err.text[0] == '\0')
			abort();
		return 0;
	}
	again(&c);
	assay_coco_clear(&c);
	return 0;
}
