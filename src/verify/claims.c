/* SPDX-License-Identifier: Apache-2.0 */
#include "verify/claims.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "verify/tee.h"

struct schema_row {
	const char *name;
	enum assay_type type;
	const char *source;
};

#define TCB_ROWS(id, name, manual)                                                                 \
	[id] = { name ".fmc", ASSAY_TYPE_UINT, manual ".FMC (Turin)" },                            \
	[id + 1] = { name ".bootloader", ASSAY_TYPE_UINT, manual ".BOOT_LOADER" },                 \
	[id + 2] = { name ".tee", ASSAY_TYPE_UINT, manual ".TEE" },                                \
	[id + 3] = { name ".snp", ASSAY_TYPE_UINT, manual ".SNP" },                                \
	[id + 4] = { name ".microcode", ASSAY_TYPE_UINT, manual ".MICROCODE" }

/* clang-format off */
static const struct schema_row schema[CLAIM_NAMED] = {
	[CLAIM_TEE] = { "tee", ASSAY_TYPE_TEXT, "kind of the evidence" },
	[CLAIM_TCB_STATUS] = { "tcb.status", ASSAY_TYPE_TEXT, "Intel: matched TCB levels, converged; AMD: REPORTED_TCB against the floor" },
	[CLAIM_TCB_DATE] = { "tcb.date", ASSAY_TYPE_TIME, "earliest tcbDate of the matched levels" },
	[CLAIM_TCB_ADVISORIES] = { "tcb.advisories", ASSAY_TYPE_LIST, "advisoryIDs of the matched levels, each once" },
	[CLAIM_TCB_EVALUATION] = { "tcb.evaluation", ASSAY_TYPE_UINT, "smaller tcbEvaluationDataNumber of TCB info and QE identity" },
	[CLAIM_TCB_LAUNCH_STATUS] = { "tcb.launch_status", ASSAY_TYPE_TEXT, "TD 1.5: result for TEE_TCB_SVN, the TCB at launch" },
	[CLAIM_TCB_CURRENT_STATUS] = { "tcb.current_status", ASSAY_TYPE_TEXT, "TD 1.5: result for TEE_TCB_SVN_2, what runs now" },
	[CLAIM_TCB_SOURCE] = { "tcb.source", ASSAY_TYPE_TEXT, "AMD: where the floor comes from" },
	[CLAIM_DEBUG] = { "debug", ASSAY_TYPE_BOOL, "SGX ATTRIBUTES.DEBUG; TDATTRIBUTES bits 7:0; SNP POLICY.DEBUG; SEV policy without NODBG" },
	[CLAIM_MEASUREMENT] = { "measurement", ASSAY_TYPE_BYTES, "MRENCLAVE; MRTD; MEASUREMENT; launch digest" },
	[CLAIM_SIGNER] = { "signer", ASSAY_TYPE_BYTES, "MRSIGNER; MROWNER; ID_KEY_DIGEST" },
	[CLAIM_PRODUCT_ID] = { "product_id", ASSAY_TYPE_UINT, "ISVPRODID" },
	[CLAIM_SVN] = { "svn", ASSAY_TYPE_UINT, "ISVSVN; GUEST_SVN" },
	[CLAIM_REPORT_DATA] = { "report_data", ASSAY_TYPE_BYTES, "REPORTDATA; REPORT_DATA; MNONCE, or what a proof holds for" },
	[CLAIM_PLATFORM_ID] = { "platform_id", ASSAY_TYPE_BYTES, "PPID; CHIP_ID; SHA-256 of the CEK" },
	[CLAIM_PLATFORM_PRODUCT] = { "platform.product", ASSAY_TYPE_TEXT, "AMD: product line" },
	[CLAIM_VMPL] = { "vmpl", ASSAY_TYPE_UINT, "ATTESTATION_REPORT.VMPL" },
	[CLAIM_BINDING] = { "binding", ASSAY_TYPE_TEXT, "what ties legacy SEV evidence to one VM: vm (its launch record and its proof), weak (the same, without SEV-ES), none" },
	[CLAIM_COLLATERAL_EXPIRES] = { "collateral.expires", ASSAY_TYPE_TIME, "earliest end of all that the verdict rests on" },
	[CLAIM_COLLATERAL_EXPIRES_WHAT] = { "collateral.expires_what", ASSAY_TYPE_TEXT, "which item that is" },
	[CLAIM_COLLATERAL_DAYS_LEFT] = { "collateral.days_left", ASSAY_TYPE_UINT, "whole days from the time of the appraisal until then" },
	[CLAIM_TRUST_ROOT] = { "trust.root", ASSAY_TYPE_TEXT, "the anchor on which the chain ends" },
	[CLAIM_TRUST_BUILTIN] = { "trust.builtin", ASSAY_TYPE_BOOL, "the anchor is built in, not the caller's" },
	[CLAIM_DCAP_QUOTE_VERSION] = { "dcap.quote_version", ASSAY_TYPE_UINT, "quote header, version" },
	[CLAIM_DCAP_CERT_TYPE] = { "dcap.cert_type", ASSAY_TYPE_UINT, "certification data type" },
	[CLAIM_DCAP_CA] = { "dcap.ca", ASSAY_TYPE_TEXT, "PCK issuer: platform or processor" },
	[CLAIM_DCAP_FMSPC] = { "dcap.fmspc", ASSAY_TYPE_BYTES, "PCK certificate, FMSPC" },
	[CLAIM_DCAP_PCE_ID] = { "dcap.pce_id", ASSAY_TYPE_BYTES, "PCK certificate, PCEID" },
	[CLAIM_DCAP_PPID] = { "dcap.ppid", ASSAY_TYPE_BYTES, "PCK certificate, PPID" },
	[CLAIM_DCAP_PCE_SVN] = { "dcap.pce_svn", ASSAY_TYPE_UINT, "PCK certificate, PCESVN" },
	[CLAIM_DCAP_COMPONENTS] = { "dcap.components", ASSAY_TYPE_BYTES, "PCK certificate, SGX TCB component SVNs 1 to 16" },
	[CLAIM_DCAP_CPU_SVN] = { "dcap.cpu_svn", ASSAY_TYPE_BYTES, "PCK certificate, CPUSVN" },
	[CLAIM_DCAP_SGX_TYPE] = { "dcap.sgx_type", ASSAY_TYPE_UINT, "PCK certificate, SGX type" },
	[CLAIM_DCAP_PLATFORM_INSTANCE] = { "dcap.platform_instance", ASSAY_TYPE_BYTES, "PCK certificate, platform instance id" },
	[CLAIM_DCAP_DYNAMIC_PLATFORM] = { "dcap.dynamic_platform", ASSAY_TYPE_BOOL, "PCK certificate, configuration" },
	[CLAIM_DCAP_CACHED_KEYS] = { "dcap.cached_keys", ASSAY_TYPE_BOOL, "PCK certificate, configuration" },
	[CLAIM_DCAP_SMT_ENABLED] = { "dcap.smt_enabled", ASSAY_TYPE_BOOL, "PCK certificate, configuration" },
	[CLAIM_DCAP_PLATFORM_STATUS] = { "dcap.platform_status", ASSAY_TYPE_TEXT, "TCB info, matched level" },
	[CLAIM_DCAP_MODULE_STATUS] = { "dcap.module_status", ASSAY_TYPE_TEXT, "TCB info, tdxModuleIdentities, matched level" },
	[CLAIM_DCAP_QE_STATUS] = { "dcap.qe_status", ASSAY_TYPE_TEXT, "QE identity, matched level" },
	[CLAIM_DCAP_MODULE] = { "dcap.module", ASSAY_TYPE_TEXT, "TDX module by TEE_TCB_SVN[1]" },
	[CLAIM_DCAP_MODULE_SVN] = { "dcap.module_svn", ASSAY_TYPE_UINT, "TEE_TCB_SVN[0]" },
	[CLAIM_DCAP_QE_SVN] = { "dcap.qe_svn", ASSAY_TYPE_UINT, "QE report, ISVSVN" },
	[CLAIM_DCAP_TCB_INFO_EVALUATION] = { "dcap.tcb_info_evaluation", ASSAY_TYPE_UINT, "TCB info, tcbEvaluationDataNumber" },
	[CLAIM_DCAP_QE_IDENTITY_EVALUATION] = { "dcap.qe_identity_evaluation", ASSAY_TYPE_UINT, "QE identity, tcbEvaluationDataNumber" },
	[CLAIM_TDX_SERVICE_TD] = { "tdx.service_td", ASSAY_TYPE_BOOL, "TD 1.5: MRSERVICETD is not zero, a service TD is bound; TD 1.0 has none" },
	[CLAIM_SNP_CERTIFICATE] = { "snp.certificate", ASSAY_TYPE_TEXT, "KEY_INFO.SIGNING_KEY: VCEK or VLEK" },
	[CLAIM_SNP_PRODUCT_NAME] = { "snp.product_name", ASSAY_TYPE_TEXT, "VCEK or VLEK, productName" },
	[CLAIM_SNP_CSP_ID] = { "snp.csp_id", ASSAY_TYPE_TEXT, "VLEK, CSP_ID" },
	[CLAIM_SNP_CHIP_ID_MASKED] = { "snp.chip_id_masked", ASSAY_TYPE_BOOL, "CHIP_ID is all zero" },
	[CLAIM_SNP_PROVISIONAL_FIRMWARE] = { "snp.provisional_firmware", ASSAY_TYPE_BOOL, "CURRENT_TCB above COMMITTED_TCB" },
	TCB_ROWS(CLAIM_SNP_REPORTED_TCB, "snp.reported_tcb", "REPORTED_TCB"),
	TCB_ROWS(CLAIM_SNP_CURRENT_TCB, "snp.current_tcb", "CURRENT_TCB"),
	TCB_ROWS(CLAIM_SNP_COMMITTED_TCB, "snp.committed_tcb", "COMMITTED_TCB"),
	TCB_ROWS(CLAIM_SNP_LAUNCH_TCB, "snp.launch_tcb", "LAUNCH_TCB"),
	[CLAIM_SEV_ES] = { "sev.es", ASSAY_TYPE_BOOL, "POLICY.ES" },
	[CLAIM_SEV_CEK_DIGEST] = { "sev.cek_digest", ASSAY_TYPE_BYTES, "SHA-256 of the CEK certificate's signed part" },
	[CLAIM_SEV_OCA_KEY_DIGEST] = { "sev.oca_key_digest", ASSAY_TYPE_BYTES, "SHA-256 of the OCA certificate's public key, bytes 0x10 to 0x413" },
	[CLAIM_SEV_API] = { "sev.pek_api", ASSAY_TYPE_TEXT, "API_MAJOR.API_MINOR of the PEK certificate" },
	[CLAIM_SEV_LAUNCH_NAME] = { "sev.launch.name", ASSAY_TYPE_TEXT, "launch record, name" },
	[CLAIM_SEV_LAUNCH_CREATED] = { "sev.launch.created", ASSAY_TYPE_TIME, "launch record, created" },
	[CLAIM_SEV_LAUNCH_API] = { "sev.launch.api", ASSAY_TYPE_TEXT, "launch record, api: MAJOR.MINOR of the firmware at launch" },
	[CLAIM_SEV_LAUNCH_BUILD] = { "sev.launch.build", ASSAY_TYPE_UINT, "launch record, api: build of the firmware at launch" },
	[CLAIM_SEV_LAUNCH_SIGNED] = { "sev.launch.signed", ASSAY_TYPE_BOOL, "a signer that the verifier named vouches for the launch record" },
};
/* clang-format on */

/* --- the schema: named claims, then the fields of each object --------------------------------- */

/* A field whose place in the schema is taken by named claims (a raw TCB_VERSION). */
static bool
hidden(const struct assay_field *f)
{
	size_t n = strlen(f->name);

	return n > 4 && strcmp(f->name + n - 4, "_tcb") == 0;
}

/* Tees that share an object list their fields once. */
static bool
lists_fields(const struct assay_tee *const *tee)
{
	return tee == assay_tees || strcmp(tee[-1]->object, tee[0]->object) != 0;
}

/* The field behind place i, or NULL; *tee gets whose it is. */
static const struct assay_field *
field_at(size_t i, const struct assay_tee **tee)
{
	size_t at = CLAIM_NAMED;

	for (const struct assay_tee *const *t = assay_tees; *t != NULL; t++) {
		if (!lists_fields(t))
			continue;
		for (const struct assay_field *f = (*t)->fields; f->name != NULL; f++)
			if (!hidden(f) && at++ == i) {
				*tee = *t;
				return f;
			}
	}
	return NULL;
}

size_t
assay_schema_count(void)
{
	const struct assay_tee *tee;
	size_t n = CLAIM_NAMED;

	while (field_at(n, &tee) != NULL)
		n++;
	return n;
}

const char *
assay_schema_name(size_t i)
{
	const struct assay_tee *tee;

	if (i < CLAIM_NAMED)
		return schema[i].name;
	const struct assay_field *f = field_at(i, &tee);
	return f != NULL ? f->claim : NULL;
}

enum assay_type
assay_schema_type(size_t i)
{
	const struct assay_tee *tee;

	if (i < CLAIM_NAMED)
		return schema[i].type;
	const struct assay_field *f = field_at(i, &tee);
	return f != NULL && f->width != ASSAY_RAW ? ASSAY_TYPE_UINT : ASSAY_TYPE_BYTES;
}

const char *
assay_schema_source(size_t i)
{
	const struct assay_tee *tee;

	if (i < CLAIM_NAMED)
		return schema[i].source;
	const struct assay_field *f = field_at(i, &tee);
	return f != NULL ? f->manual : NULL;
}

size_t
assay_schema_fit(size_t i, uint32_t tees, size_t len)
{
	const struct assay_tee *tee;
	const struct assay_field *f = i < CLAIM_NAMED ? NULL : field_at(i, &tee);
	const char *name = f != NULL ? f->claim : schema[i].name;
	bool makes = false;

	if (len == 0 || (f != NULL && len == f->size))
		return len;
	for (size_t t = 0; assay_tees[t] != NULL; t++)
		for (const struct claim_size *s = assay_tees[t]->sizes; s->claim != NULL; s++) {
			if ((tees >> t & 1) == 0 || strcmp(s->claim, name) != 0)
				continue;
			if (len == s->size || len == s->shorter)
				return s->size;
			makes = true;
		}
	return makes || tees == UINT32_MAX ? 0 : assay_schema_fit(i, UINT32_MAX, len);
}

bool
assay_schema_find(const char *name, size_t *i)
{
	const char *row;

	for (size_t n = 0; (row = assay_schema_name(n)) != NULL; n++)
		if (strcmp(row, name) == 0) {
			*i = n;
			return true;
		}
	return false;
}

/* --- writing -------------------------------------------------------------------------------- */

void
assay_claims_reset(
    struct assay_claims *c, const struct assay_tee *tee, struct assay_bytes body, uint32_t version)
{
	c->tee = tee;
	c->version = version;
	c->body_len = body.len <= sizeof c->body ? body.len : 0;
	if (c->body_len > 0)
		memcpy(c->body, body.ptr, c->body_len);
	memset(c->has, 0, sizeof c->has);
	c->stored = c->advisory_count = c->short_count = 0;
	c->advisories_lost = false;
	c->status = TCB_NONE;
	assay_claim_text(c, CLAIM_TEE, tee->name);
}

static void
mark(struct assay_claims *c, enum claim id)
{
	c->has[id / 64] |= UINT64_C(1) << (id % 64);
}

bool
assay_claim_has(const struct assay_claims *c, enum claim id)
{
	return (c->has[id / 64] >> (id % 64) & 1) != 0;
}

void
assay_claim_flag(struct assay_claims *c, enum claim id, bool value)
{
	c->values[id].flag = value;
	mark(c, id);
}

void
assay_claim_number(struct assay_claims *c, enum claim id, uint64_t value)
{
	c->values[id].number = value;
	mark(c, id);
}

void
assay_claim_time(struct assay_claims *c, enum claim id, int64_t value)
{
	c->values[id].time = value;
	mark(c, id);
}

/* A claim for which there is no room is not made: a policy that asks for it refuses. */
static uint8_t *
store(struct assay_claims *c, const void *p, size_t n)
{
	if (n > CLAIMS_STORE - c->stored)
		return NULL;
	uint8_t *at = c->store + c->stored;
	if (n > 0)
		memcpy(at, p, n);
	c->stored += n;
	return at;
}

void
assay_claim_text(struct assay_claims *c, enum claim id, const char *value)
{
	const uint8_t *at = store(c, value, strlen(value) + 1);

	if (at == NULL)
		return;
	c->values[id].text = (const char *)at;
	mark(c, id);
}

void
assay_claim_bytes(struct assay_claims *c, enum claim id, struct assay_bytes value)
{
	const uint8_t *at = store(c, value.ptr, value.len);

	if (at == NULL)
		return;
	c->values[id].bytes = (struct assay_bytes){ at, value.len };
	mark(c, id);
}

void
assay_claim_status(struct assay_claims *c, enum tcb_status status)
{
	c->status = status;
	assay_claim_text(c, CLAIM_TCB_STATUS, assay_tcb_status_name(status));
}

const char *
assay_claims_status_fix(enum tcb_status status)
{
	switch (status) {
	case TCB_SW_HARDENING_NEEDED:
		return "The platform is current. The advisories ask the workload for mitigations: "
		       "build it "
		       "with them, and then accept this status on purpose.";
	case TCB_CONFIGURATION_NEEDED:
	case TCB_CONFIGURATION_AND_SW_HARDENING_NEEDED:
		return "The host's operator must change the BIOS settings that the advisories name "
		       "(often: "
		       "hyper-threading). Then take a new quote.";
	case TCB_TD_RELAUNCH_ADVISED:
	case TCB_TD_RELAUNCH_ADVISED_CONFIGURATION_NEEDED:
		return "The TDX module was updated while the TD ran: start the TD again, and take "
		       "a new quote.";
	case TCB_REVOKED:
		return "Intel has revoked this TCB: treat the platform as broken into.";
	case TCB_NONE:
	case TCB_UP_TO_DATE:
	case TCB_OUT_OF_DATE:
	case TCB_OUT_OF_DATE_CONFIGURATION_NEEDED:
	case TCB_NOT_SUPPORTED:
	case TCB_STATUSES:
		break;
	}
	return NULL;
}

void
assay_claim_advisories(struct assay_claims *c, const struct tcb_verdict *verdict)
{
	if (verdict == NULL)
		c->advisories_lost = true;
	for (size_t i = 0; verdict != NULL && i < verdict->advisory_count; i++) {
		size_t n = 0;
		while (
		    n < c->advisory_count && strcmp(c->advisories[n], verdict->advisories[i]) != 0)
			n++;
		if (n < c->advisory_count)
			continue;
		if (n == CLAIMS_ADVISORIES_MAX) {
			c->advisories_lost = true;
			break;
		}
		memcpy(
		    c->advisories[n], verdict->advisories[i], strlen(verdict->advisories[i]) + 1);
		c->advisory_count++;
	}
	/* Of a list with a gap `none in` would say more than is known: then there is none. */
	if (c->advisories_lost)
		c->has[CLAIM_TCB_ADVISORIES / 64] &= ~(UINT64_C(1) << CLAIM_TCB_ADVISORIES % 64);
	else
		mark(c, CLAIM_TCB_ADVISORIES);
}

void
assay_claim_short(
    struct assay_claims *c, const char *part, uint64_t got, uint64_t want, uint64_t running)
{
	const uint8_t *at = store(c, part, strlen(part) + 1);

	if (at == NULL || c->short_count == CLAIMS_SHORT_MAX)
		return;
	c->shorts[c->short_count++] =
	    (struct assay_shortfall){ (const char *)at, got, want, running };
}

/* --- reading -------------------------------------------------------------------------------- */

void
assay_claims_free(struct assay_claims *claims)
{
	if (claims == NULL)
		return;
	for (size_t i = 0; i < CLAIMS_SPARES; i++)
		assay_key_clear(&claims->spares[i].key);
	free(claims);
}

/* Is this field in the body: long enough, and new enough? */
static bool
present(const struct assay_claims *c, const struct assay_field *f)
{
	return (size_t)f->at + f->size <= c->body_len &&
	    (c->version == 0 || c->version >= f->since);
}

static uint64_t
number_of(const struct assay_claims *c, const struct assay_field *f)
{
	const uint8_t *p = c->body + f->at;

	switch (f->width) {
	case ASSAY_U8:
		return *p;
	case ASSAY_U16LE:
		return assay_u16le(p);
	case ASSAY_U32LE:
		return assay_u32le(p);
	case ASSAY_U64LE:
		return assay_u64le(p);
	case ASSAY_RAW:
		break;
	}
	return 0;
}

uint64_t
assay_claims_field(const struct assay_claims *c, const char *name)
{
	for (const struct assay_field *f = c->tee->fields; f->name != NULL; f++)
		if (strcmp(f->name, name) == 0)
			return present(c, f) ? number_of(c, f) : 0;
	return 0;
}

/* The field behind place i if these claims make it. */
static const struct assay_field *
own_field(const struct assay_claims *c, size_t i)
{
	const struct assay_tee *tee;
	const struct assay_field *f = i < CLAIM_NAMED ? NULL : field_at(i, &tee);

	return f != NULL && tee->fields == c->tee->fields && present(c, f) ? f : NULL;
}

bool
assay_claims_has(const struct assay_claims *claims, size_t i)
{
	return i < CLAIM_NAMED ? assay_claim_has(claims, (enum claim)i)
			       : own_field(claims, i) != NULL;
}

static bool
named(const struct assay_claims *c, size_t i, enum assay_type type)
{
	return i < CLAIM_NAMED && schema[i].type == type && assay_claim_has(c, (enum claim)i);
}

bool
assay_claims_bool(const struct assay_claims *claims, size_t i)
{
	return named(claims, i, ASSAY_TYPE_BOOL) && claims->values[i].flag;
}

uint64_t
assay_claims_uint(const struct assay_claims *claims, size_t i)
{
	const struct assay_field *f = own_field(claims, i);

	if (f != NULL)
		return number_of(claims, f);
	return named(claims, i, ASSAY_TYPE_UINT) ? claims->values[i].number : 0;
}

int64_t
assay_claims_time(const struct assay_claims *claims, size_t i)
{
	return named(claims, i, ASSAY_TYPE_TIME) ? claims->values[i].time : 0;
}

const char *
assay_claims_text(const struct assay_claims *claims, size_t i)
{
	return named(claims, i, ASSAY_TYPE_TEXT) ? claims->values[i].text : "";
}

struct assay_bytes
assay_claims_bytes(const struct assay_claims *claims, size_t i)
{
	const struct assay_field *f = own_field(claims, i);

	if (f != NULL && f->width == ASSAY_RAW)
		return (struct assay_bytes){ claims->body + f->at, f->size };
	if (named(claims, i, ASSAY_TYPE_BYTES))
		return claims->values[i].bytes;
	return (struct assay_bytes){ NULL, 0 };
}

size_t
assay_claims_list_count(const struct assay_claims *claims, size_t i)
{
	return named(claims, i, ASSAY_TYPE_LIST) ? claims->advisory_count : 0;
}

const char *
assay_claims_list_at(const struct assay_claims *claims, size_t i, size_t n)
{
	return n < assay_claims_list_count(claims, i) ? claims->advisories[n] : "";
}

size_t
assay_claims_short_count(const struct assay_claims *claims)
{
	return claims->short_count;
}

struct assay_shortfall
assay_claims_short_at(const struct assay_claims *claims, size_t i)
{
	if (i < claims->short_count)
		return claims->shorts[i];
	return (struct assay_shortfall){ "", 0, 0, 0 };
}

/* --- JSON ----------------------------------------------------------------------------------- */

static json_t *
hex_of(struct assay_bytes b)
{
	char text[2 * CLAIMS_BODY_MAX + 1];

	if (b.len > CLAIMS_BODY_MAX)
		return NULL;
	assay_hex(text, b);
	return json_string(text);
}

static json_t *
value_of(const struct assay_claims *c, size_t i)
{
	char text[ASSAY_TIME_TEXT];
	json_t *list;

	switch (assay_schema_type(i)) {
	case ASSAY_TYPE_BOOL:
		return json_boolean(assay_claims_bool(c, i));
	case ASSAY_TYPE_TEXT:
		return json_string(assay_claims_text(c, i));
	case ASSAY_TYPE_BYTES:
		return hex_of(assay_claims_bytes(c, i));
	case ASSAY_TYPE_UINT:
		/* Most readers keep 53 bits of a JSON number: what has 64 is always hex text. */
		if (own_field(c, i) == NULL || own_field(c, i)->width != ASSAY_U64LE)
			return json_integer((json_int_t)assay_claims_uint(c, i));
		(void)snprintf(
		    text, sizeof text, "0x%016llx", (unsigned long long)assay_claims_uint(c, i));
		return json_string(text);
	case ASSAY_TYPE_TIME:
		assay_time_text(text, assay_claims_time(c, i));
		return json_string(text);
	case ASSAY_TYPE_LIST:
		if ((list = json_array()) == NULL)
			return NULL;
		for (size_t n = 0; n < assay_claims_list_count(c, i); n++)
			if (json_array_append_new(
				list, json_string(assay_claims_list_at(c, i, n))) != 0) {
				json_decref(list);
				return NULL;
			}
		return list;
	}
	return NULL;
}

/* Puts a value at a path of members: "tcb.status", "tdx.rtmr[0]". Steals value. */
static bool
put(json_t *object, const char *path, json_t *value)
{
	char name[64];
	size_t n = strcspn(path, ".[");

	if (value == NULL || n >= sizeof name) {
		json_decref(value);
		return false;
	}
	memcpy(name, path, n);
	name[n] = '\0';
	if (path[n] == '\0')
		return json_object_set_new(object, name, value) == 0;
	json_t *inner = json_object_get(object, name);
	if (inner == NULL) {
		inner = path[n] == '.' ? json_object() : json_array();
		if (json_object_set_new(object, name, inner) != 0) {
			json_decref(value);
			return false;
		}
	}
	if (path[n] == '[') /* elements come in order */
		return json_array_append_new(inner, value) == 0;
	return put(inner, path + n + 1, value);
}

struct text {
	char *ptr;
	size_t len, room;
	bool failed;
};

static int
text_append(const char *bytes, size_t n, void *arg)
{
	struct text *t = arg;

	if (!t->failed && n > t->room - t->len) {
		size_t room = 2 * (t->room + n);
		char *ptr = realloc(t->ptr, room);
		t->failed = ptr == NULL;
		if (ptr != NULL) {
			t->ptr = ptr;
			t->room = room;
		}
	}
	if (t->failed)
		return -1;
	memcpy(t->ptr + t->len, bytes, n);
	t->len += n;
	return 0;
}

/* Not json_dumps(): it goes on when memory for a member's name is lacking (jansson 2.14), and gives
 * text with a hole as if all were well. */
enum assay_code
assay_claims_json(char **out, const struct assay_claims *claims, struct assay_error *err)
{
	json_t *object = json_object();
	bool ok = object != NULL;
	struct text text = { 0 };

	for (size_t i = 0; ok && assay_schema_name(i) != NULL; i++)
		if (assay_claims_has(claims, i))
			ok = put(object, assay_schema_name(i), value_of(claims, i));
	ok = ok && json_dump_callback(object, text_append, &text, JSON_COMPACT) == 0 &&
	    text_append("", 1, &text) == 0;
	json_decref(object);
	if (!ok) {
		free(text.ptr);
		return assay_fail_nomem(err);
	}
	*out = text.ptr;
	return ASSAY_OK;
}
