/* SPDX-License-Identifier: Apache-2.0 */
#include "parse/snp_report.h"

#include <string.h>

#include "crypto/x509.h"

#include <stdlib.h>

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

/* The input is a list of extensions: which member, how long, the value. */
enum { PREFIX_LEN = 8, OID_ROOM = PREFIX_LEN + 2 };

static size_t
fill(struct x509_extension *out, uint8_t oids[][OID_ROOM], const uint8_t *data, size_t size)
{
	static const uint8_t prefix[PREFIX_LEN] = { 0x2b, 0x06, 0x01, 0x04, 0x01, 0x9c, 0x78,
		0x01 };
	struct assay_reader r = { .what = "fuzz", .in = { data, size } };
	size_t count = 0;

	while (count < X509_EXTENSIONS_MAX && assay_reader_left(&r) > 0) {
		uint8_t member = assay_take_u8(&r);
		uint8_t len = assay_take_u8(&r);
		size_t arcs = member & 0x80 ? 2 : 1;
		memcpy(oids[count], prefix, PREFIX_LEN);
		oids[count][PREFIX_LEN] = arcs == 2 ? 3 : member & 0x0f;
		oids[count][PREFIX_LEN + 1] = member & 0x0f;
		struct assay_bytes value = assay_take(&r, len);
		if (r.overrun)
			break;
		out[count].oid = (struct assay_bytes){ oids[count], PREFIX_LEN + arcs };
		out[count].value = value;
		count++;
	}
	return count;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct assay_error err = { ASSAY_OK, "" };
	uint8_t oids[X509_EXTENSIONS_MAX][OID_ROOM];
	struct vcek_extension v;
	struct x509_cert *cert = calloc(1, sizeof *cert);

	if (cert == NULL)
		return 0;
	cert->extension_count = fill(cert->extensions, oids, data, size);
	if (accepted(assay_vcek_extension_parse(&v, cert, &err), &err) &&
	    (v.has_hwid == v.has_csp_id || v.struct_version > 1 || v.product_name[0] == 0))
		abort();
	free(cert);
	return 0;
}
