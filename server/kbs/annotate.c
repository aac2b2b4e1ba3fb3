/* SPDX-License-Identifier: Apache-2.0 */
#include "annotate.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "buffer.h"

enum form {
	OPEN,   /* an object begins */
	CLOSE,  /* it ends */
	HEX,    /* of bytes */
	LITTLE, /* hex of a number's a bytes, as they stand in memory */
	NUMBER, /* (value >> a) & b, where b is not 0 */
	BIT,    /* of a number, a */
	BOOL,
	TEXT,
	TIME,
	LIST,
	RAW,   /* hex of b bytes at a of the evidence */
	RAW_5, /* the same of quotes of version 5 */
	KIND,  /* the name of an SGX type */
	FIXED, /* the claim is the value, a text: it holds of all evidence that gets here */
};

struct row {
	const char *name;
	enum form form;
	const char *claim;
	uint8_t a, b;
};

/* Of quotes: what the peers' library for them says. */
#define DCAP_ROWS                                                                                  \
	{ "tcb_status", TEXT, "tcb.status", 0, 0 }, { "tcb_date", TIME, "tcb.date", 0, 0 },        \
	    { "advisory_ids", LIST, "tcb.advisories", 0, 0 },                                      \
	    { "tcb_eval_num", NUMBER, "tcb.evaluation", 0, 0 },                                    \
	    { "collateral_expiration_status", FIXED, "0", 0, 0 },                                  \
	    { "earliest_expiration_date", TIME, "collateral.expires", 0, 0 },                      \
	    { "sgx_type", KIND, "dcap.sgx_type", 0, 0 },                                           \
	    { "is_cached_keys", BOOL, "dcap.cached_keys", 0, 0 },                                  \
	    { "is_dynamic_platform", BOOL, "dcap.dynamic_platform", 0, 0 },                        \
	    { "is_smt_enabled", BOOL, "dcap.smt_enabled", 0, 0 },                                  \
	    { "platform_provider_id", HEX, "dcap.ppid", 0, 0 },                                    \
	{                                                                                          \
		"platform_instance_id", HEX, "dcap.platform_instance", 0, 0                        \
	}

/* Offsets: Intel TDX DCAP Quoting Library API, quote header; quote v5, TD_REPORT descriptor. */
static const struct row tdx_rows[] = {
	{ "quote", OPEN, "", 0, 0 },
	{ "header", OPEN, "", 0, 0 },
	{ "version", RAW, "", 0, 2 },
	{ "att_key_type", RAW, "", 2, 2 },
	{ "tee_type", RAW, "", 4, 4 },
	{ "reserved", RAW, "", 8, 4 },
	{ "vendor_id", RAW, "", 12, 16 },
	{ "user_data", RAW, "", 28, 20 },
	{ "", CLOSE, "", 0, 0 },
	{ "type", RAW_5, "", 48, 2 },
	{ "size", RAW_5, "", 50, 4 },
	{ "body", OPEN, "", 0, 0 },
	{ "tcb_svn", HEX, "tdx.tee_tcb_svn", 0, 0 },
	{ "mr_seam", HEX, "tdx.mr_seam", 0, 0 },
	{ "mrsigner_seam", HEX, "tdx.mr_signer_seam", 0, 0 },
	{ "seam_attributes", LITTLE, "tdx.seam_attributes", 8, 0 },
	{ "td_attributes", LITTLE, "tdx.td_attributes", 8, 0 },
	{ "xfam", LITTLE, "tdx.xfam", 8, 0 },
	{ "mr_td", HEX, "tdx.mr_td", 0, 0 },
	{ "mr_config_id", HEX, "tdx.mr_config_id", 0, 0 },
	{ "mr_owner", HEX, "tdx.mr_owner", 0, 0 },
	{ "mr_owner_config", HEX, "tdx.mr_owner_config", 0, 0 },
	{ "rtmr_0", HEX, "tdx.rtmr[0]", 0, 0 },
	{ "rtmr_1", HEX, "tdx.rtmr[1]", 0, 0 },
	{ "rtmr_2", HEX, "tdx.rtmr[2]", 0, 0 },
	{ "rtmr_3", HEX, "tdx.rtmr[3]", 0, 0 },
	{ "report_data", HEX, "tdx.report_data", 0, 0 },
	{ "tee_tcb_svn2", HEX, "tdx.tee_tcb_svn2", 0, 0 },
	{ "mr_servicetd", HEX, "tdx.mr_service_td", 0, 0 },
	{ "", CLOSE, "", 0, 0 },
	{ "", CLOSE, "", 0, 0 },
	{ "td_attributes", OPEN, "", 0, 0 },
	{ "debug", BIT, "tdx.td_attributes", 0, 0 },
	{ "key_locker", BIT, "tdx.td_attributes", 31, 0 },
	{ "perfmon", BIT, "tdx.td_attributes", 63, 0 },
	{ "protection_keys", BIT, "tdx.td_attributes", 30, 0 },
	{ "septve_disable", BIT, "tdx.td_attributes", 28, 0 },
	{ "", CLOSE, "", 0, 0 },
	DCAP_ROWS,
	{ NULL, CLOSE, "", 0, 0 },
};

static const struct row sgx_rows[] = {
	{ "header", OPEN, "", 0, 0 },
	{ "version", RAW, "", 0, 2 },
	{ "att_key_type", RAW, "", 2, 2 },
	{ "att_key_data_0", RAW, "", 4, 4 },
	{ "qe_svn", RAW, "", 8, 2 },
	{ "pce_svn", RAW, "", 10, 2 },
	{ "vendor_id", RAW, "", 12, 16 },
	{ "user_data", RAW, "", 28, 20 },
	{ "", CLOSE, "", 0, 0 },
	{ "body", OPEN, "", 0, 0 },
	{ "cpu_svn", HEX, "sgx.cpu_svn", 0, 0 },
	{ "misc_select", LITTLE, "sgx.misc_select", 4, 0 },
	{ "isv_ext_prod_id", HEX, "sgx.isv_ext_prod_id", 0, 0 },
	{ "attributes.flags", LITTLE, "sgx.attributes", 8, 0 },
	{ "attributes.xfrm", LITTLE, "sgx.xfrm", 8, 0 },
	{ "mr_enclave", HEX, "sgx.mr_enclave", 0, 0 },
	{ "mr_signer", HEX, "sgx.mr_signer", 0, 0 },
	{ "config_id", HEX, "sgx.config_id", 0, 0 },
	{ "isv_prod_id", LITTLE, "sgx.isv_prod_id", 2, 0 },
	{ "isv_svn", LITTLE, "sgx.isv_svn", 2, 0 },
	{ "config_svn", LITTLE, "sgx.config_svn", 2, 0 },
	{ "isv_family_id", HEX, "sgx.isv_family_id", 0, 0 },
	{ "report_data", HEX, "sgx.report_data", 0, 0 },
	{ "", CLOSE, "", 0, 0 },
	DCAP_ROWS,
	{ NULL, CLOSE, "", 0, 0 },
};

/* Bits: AMD 56860, SEV-SNP Firmware ABI, guest policy and PLATFORM_INFO. */
static const struct row snp_rows[] = {
	{ "measurement", HEX, "snp.measurement", 0, 0 },
	{ "reported_tcb_bootloader", NUMBER, "snp.reported_tcb.bootloader", 0, 0 },
	{ "reported_tcb_tee", NUMBER, "snp.reported_tcb.tee", 0, 0 },
	{ "reported_tcb_snp", NUMBER, "snp.reported_tcb.snp", 0, 0 },
	{ "reported_tcb_microcode", NUMBER, "snp.reported_tcb.microcode", 0, 0 },
	{ "reported_tcb_fmc", NUMBER, "snp.reported_tcb.fmc", 0, 0 },
	{ "platform_tsme_enabled", BIT, "snp.platform_info", 1, 0 },
	{ "platform_smt_enabled", BIT, "snp.platform_info", 0, 0 },
	{ "policy_abi_major", NUMBER, "snp.policy", 8, 0xff },
	{ "policy_abi_minor", NUMBER, "snp.policy", 0, 0xff },
	{ "policy_smt_allowed", BIT, "snp.policy", 16, 0 },
	{ "policy_migrate_ma", BIT, "snp.policy", 18, 0 },
	{ "policy_debug_allowed", BIT, "snp.policy", 19, 0 },
	{ "policy_single_socket", BIT, "snp.policy", 20, 0 },
	{ "chip_id", HEX, "snp.chip_id", 0, 0 },
	{ NULL, CLOSE, "", 0, 0 },
};

/* Ours: the peers have none. */
static const struct row sev_rows[] = {
	{ "measurement", HEX, "measurement", 0, 0 },
	{ "binding", TEXT, "binding", 0, 0 },
	{ "launch_name", TEXT, "sev.launch.name", 0, 0 },
	{ "policy", NUMBER, "sev.policy", 0, 0 },
	{ "cek_digest", HEX, "sev.cek_digest", 0, 0 },
	{ NULL, CLOSE, "", 0, 0 },
};

static const struct document {
	const char *tee;
	const struct row *rows;
	const char *init_field; /* what init-data is bound to; "": it has no such field */
} documents[] = {
	{ "tdx", tdx_rows, "tdx.mr_config_id" },
	{ "snp", snp_rows, "snp.host_data" },
	{ "sgx", sgx_rows, "sgx.config_id" },
	{ "sev", sev_rows, "" },
	{ "sev-es", sev_rows, "" },
};
enum { DOCUMENTS = sizeof documents / sizeof *documents, ROWS_MAX = 64 };

/* Where the claims of the rows stand in the schema, which is long to search; filled once. */
static size_t places[DOCUMENTS][ROWS_MAX], field_places[DOCUMENTS], report_data_place;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static size_t
place_of(const char *claim)
{
	size_t i;

	return assay_schema_find(claim, &i) ? i : SIZE_MAX;
}

static void
find_places(void)
{
	for (size_t d = 0; d < DOCUMENTS; d++) {
		field_places[d] = place_of(documents[d].init_field);
		for (size_t i = 0; documents[d].rows[i].name != NULL; i++)
			places[d][i] = place_of(documents[d].rows[i].claim);
	}
	report_data_place = place_of("report_data");
}

static const struct document *
document_of(const char *tee)
{
	pthread_once(&once, find_places);
	for (size_t d = 0; d < DOCUMENTS; d++)
		if (strcmp(documents[d].tee, tee) == 0)
			return &documents[d];
	return NULL;
}

static struct assay_bytes
init_field(size_t document, const struct assay_claims *claims)
{
	size_t at = field_places[document];

	return at != SIZE_MAX ? assay_claims_bytes(claims, at) : (struct assay_bytes){ NULL, 0 };
}

/* A comma, unless it is the first member. */
static void
put_name(struct buffer *b, const char *name)
{
	if (b->len > 0 && b->text[b->len - 1] != '{')
		buffer_put(b, ",");
	buffer_put(b, "\"");
	buffer_put(b, name);
	buffer_put(b, "\":");
}

static void
put_little(struct buffer *b, uint64_t value, size_t size)
{
	uint8_t bytes[8];

	for (size_t i = 0; i < size; i++)
		bytes[i] = (uint8_t)(value >> 8 * i);
	buffer_hex(b, (struct assay_bytes){ bytes, size });
}

static void
put_time(struct buffer *b, int64_t t)
{
	char text[32] = "";
	time_t when = (time_t)t;
	struct tm tm;

	if (gmtime_r(&when, &tm) != NULL)
		strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &tm);
	buffer_string(b, bytes_of(text));
}

static void
put_list(struct buffer *b, const struct assay_claims *claims, size_t at)
{
	buffer_put(b, "[");
	for (size_t i = 0; i < assay_claims_list_count(claims, at); i++) {
		buffer_put(b, i > 0 ? "," : "");
		buffer_string(b, bytes_of(assay_claims_list_at(claims, at, i)));
	}
	buffer_put(b, "]");
}

static void
put_claim(struct buffer *b, const struct row *row, const struct assay_claims *claims, size_t at)
{
	static const char *const kinds[] = { "Standard", "Scalable", "Scalable with integrity" };
	uint64_t n = assay_claims_uint(claims, at);

	put_name(b, row->name);
	switch (row->form) {
	case HEX:
		buffer_hex(b, assay_claims_bytes(claims, at));
		break;
	case LITTLE:
		put_little(b, n, row->a);
		break;
	case NUMBER:
		buffer_u64(b, row->b != 0 ? n >> row->a & row->b : n);
		break;
	case BIT:
		buffer_put(b, (n >> row->a & 1) != 0 ? "true" : "false");
		break;
	case BOOL:
		buffer_put(b, assay_claims_bool(claims, at) ? "true" : "false");
		break;
	case TEXT:
		buffer_string(b, bytes_of(assay_claims_text(claims, at)));
		break;
	case TIME:
		put_time(b, assay_claims_time(claims, at));
		break;
	case LIST:
		put_list(b, claims, at);
		break;
	case KIND:
		buffer_string(b, bytes_of(n < 3 ? kinds[n] : "unknown"));
		break;
	case OPEN:
	case CLOSE:
	case RAW:
	case RAW_5:
	case FIXED:
		break;
	}
}

static void
put_row(struct buffer *b, const struct row *row, size_t at, struct assay_bytes raw,
    const struct assay_claims *claims)
{
	switch (row->form) {
	case OPEN:
		put_name(b, row->name);
		buffer_put(b, "{");
		break;
	case CLOSE:
		buffer_put(b, "}");
		break;
	case FIXED:
		put_name(b, row->name);
		buffer_string(b, bytes_of(row->claim));
		break;
	case RAW:
	case RAW_5:
		if (raw.len < (size_t)row->a + row->b || (row->form == RAW_5 && raw.ptr[0] != 5))
			break;
		put_name(b, row->name);
		buffer_hex(b, (struct assay_bytes){ raw.ptr + row->a, row->b });
		break;
	case HEX:
	case LITTLE:
	case NUMBER:
	case BIT:
	case BOOL:
	case TEXT:
	case TIME:
	case LIST:
	case KIND:
		if (assay_claims_has(claims, at))
			put_claim(b, row, claims, at);
		break;
	}
}

static void
put_beside(struct buffer *b, const struct kbs_beside *beside)
{
	put_name(b, "init_data_claims");
	buffer_put(b, beside->init_claims != NULL ? beside->init_claims : "null");
	put_name(b, "runtime_data_claims");
	buffer_put(b, "{\"nonce\":");
	buffer_string(b, bytes_of(beside->nonce));
	buffer_put(b, ",\"tee-pubkey\":");
	buffer_put(b, beside->key);
	buffer_put(b, "}}");
}

char *
kbs_annotate(const struct assay_evidence *ev, const struct assay_claims *claims,
    const struct kbs_beside *beside)
{
	const struct document *doc = document_of(assay_evidence_tee(ev));
	struct assay_bytes raw = assay_evidence_raw(ev);
	struct buffer b = { .len = 0 };

	buffer_put(&b, "{");
	if (doc != NULL) {
		size_t d = (size_t)(doc - documents);
		put_name(&b, doc->tee);
		buffer_put(&b, "{");
		for (size_t i = 0; doc->rows[i].name != NULL; i++)
			put_row(&b, &doc->rows[i], places[d][i], raw, claims);
		buffer_put(&b, "}");
		put_name(&b, "report_data");
		buffer_hex(&b, assay_claims_bytes(claims, report_data_place));
		put_name(&b, "init_data");
		buffer_hex(&b, init_field(d, claims));
	}
	put_beside(&b, beside);
	return buffer_take(&b);
}

char *
kbs_annotate_sample(const struct kbs_sample *sample, const struct kbs_beside *beside)
{
	struct buffer b = { .len = 0 };

	buffer_put(&b, "{\"sample\":{\"svn\":");
	buffer_string(&b, bytes_of(sample->svn));
	buffer_put(&b,
	    ",\"launch_digest\":\"abcde\",\"platform_version\":{\"major\":1,\"minor\":4},"
	    "\"debug\":false}");
	put_name(&b, "report_data");
	buffer_hex(&b, (struct assay_bytes){ sample->report_data, sizeof sample->report_data });
	put_beside(&b, beside);
	return buffer_take(&b);
}

struct assay_bytes
kbs_init_field(const char *tee, const struct assay_claims *claims)
{
	const struct document *doc = document_of(tee);

	return doc != NULL ? init_field((size_t)(doc - documents), claims)
			   : (struct assay_bytes){ NULL, 0 };
}

struct assay_bytes
kbs_claim_bytes(const struct assay_claims *claims, const char *name)
{
	size_t at = place_of(name);

	return at != SIZE_MAX ? assay_claims_bytes(claims, at) : (struct assay_bytes){ NULL, 0 };
}
