/* SPDX-License-Identifier: Apache-2.0 */
/* Writes attestation results: draft-ietf-rats-ear, draft-ietf-rats-ar4si. */
#include "token/ear.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/checks.h"

enum {
	NONCE_MIN = 8, /* RFC 9711 4.1, of a text */
	NONCE_MAX = 88,
	KEY_MAX = 16 * 1024,
};

const struct ear_names assay_ear_names[] = {
	[ASSAY_EAR_DEPLOYED] = { "tag:github.com,2023:veraison/ear", "ear.verifier-id",
	    "ear.status", "ear.trustworthiness-vector", "ear.appraisal-policy-id",
	    "ear.veraison.annotated-evidence" },
	[ASSAY_EAR_IETF] = { "tag:ietf.org,2026:rats/ear#03", "ear_verifier_id", "ear_status",
	    "ear_trustworthiness_vector", "ear_appraisal_policy_ids",
	    "ear_veraison_annotated_evidence" },
};

/* --- tiers and the vector: AR4SI 2.3 ----------------------------------------------------- */

enum category { INSTANCE, CONFIGURATION, EXECUTABLES, FILES, HARDWARE, RUNTIME, STORAGE, SOURCED };

enum {
	UNTOLD = 1,
	APPROVED = 2,
	APPROVED_AT_BOOT = 3, /* of executables: what was measured is what was started */
	WEAK = 32,
	DENIED = 96,
	NOT_RECOGNISED = 97,
	FORGED = 99, /* the cryptographic validation of evidence failed */
};

const char *
assay_tier_name(enum assay_tier tier)
{
	switch (tier) {
	case ASSAY_TIER_NONE:
		return "none";
	case ASSAY_TIER_AFFIRMING:
		return "affirming";
	case ASSAY_TIER_WARNING:
		return "warning";
	case ASSAY_TIER_CONTRAINDICATED:
		return "contraindicated";
	}
	return "unknown";
}

const char *
assay_trust_vector_name(size_t i)
{
	static const char *const names[ASSAY_TRUST_VECTOR] = { "instance-identity", "configuration",
		"executables", "file-system", "hardware", "runtime-opaque", "storage-opaque",
		"sourced-data" };

	return i < ASSAY_TRUST_VECTOR ? names[i] : NULL;
}

static enum assay_tier
tier_of(int8_t value)
{
	if (value >= -1 && value <= 1)
		return ASSAY_TIER_NONE;
	if (value >= -32 && value <= 31)
		return ASSAY_TIER_AFFIRMING;
	return value >= -96 && value <= 95 ? ASSAY_TIER_WARNING : ASSAY_TIER_CONTRAINDICATED;
}

enum assay_tier
assay_trust_vector_tier(const int8_t vector[ASSAY_TRUST_VECTOR])
{
	enum assay_tier worst = ASSAY_TIER_NONE;

	for (size_t i = 0; i < ASSAY_TRUST_VECTOR; i++)
		if (tier_of(vector[i]) > worst)
			worst = tier_of(vector[i]);
	return worst;
}

/* Of the verifier's rows, those that do not speak of the hardware. */
static const struct {
	const char *prefix;
	enum category category;
	int8_t passed, failed;
} others[] = {
	{ "evidence.report_data", INSTANCE, 0, FORGED }, /* made for another request */
	{ "platform.", INSTANCE, APPROVED, DENIED },
	{ "eventlog.", EXECUTABLES, 0, FORGED },
	{ "expect", CONFIGURATION, 0, DENIED },
};

static int8_t
failed_hardware(enum assay_code code)
{
	if (code == ASSAY_E_REVOKED)
		return DENIED;
	return code == ASSAY_E_SIGNATURE || code == ASSAY_E_FORMAT ? FORGED : NOT_RECOGNISED;
}

/* What one row says, and of which category. */
static int8_t
read_row(enum category *category, const struct assay_checks *checks, size_t i)
{
	enum assay_outcome outcome = assay_check_outcome(checks, i);
	int own = assay_check_category(checks, i);
	int8_t passed = APPROVED, failed = DENIED;

	if (own >= 0 && own < ASSAY_TRUST_VECTOR) {
		*category = (enum category)own;
		passed = *category == EXECUTABLES ? APPROVED_AT_BOOT : APPROVED;
		failed = *category == INSTANCE ? NOT_RECOGNISED : DENIED;
	} else {
		bool genuine = assay_check_speaks_of_genuine(checks, i);
		*category = genuine ? HARDWARE : CONFIGURATION;
		passed = genuine ? APPROVED : 0;
		failed = genuine ? failed_hardware(assay_check_code(checks, i)) : DENIED;
		for (size_t k = 0; k < sizeof others / sizeof *others; k++)
			if (strncmp(assay_check_id(checks, i), others[k].prefix,
				strlen(others[k].prefix)) == 0) {
				*category = others[k].category;
				passed = others[k].passed;
				failed = others[k].failed;
			}
	}
	switch (outcome) {
	case ASSAY_PASS:
		return passed;
	case ASSAY_FAIL:
		return failed;
	case ASSAY_WARNING:
		return WEAK;
	case ASSAY_SKIPPED:
		return assay_check_needed(checks, i) ? UNTOLD : 0;
	}
	return UNTOLD;
}

/* Of two values the one that says more against: denied, weak, untold, approved, nothing. */
static int
weight(int8_t value)
{
	return value == UNTOLD ? WEAK - 1 : value;
}

void
assay_trust_vector(int8_t out[ASSAY_TRUST_VECTOR], const struct assay_checks *checks)
{
	bool told = assay_checks_verdict(checks) != ASSAY_E_INCOMPLETE;

	memset(out, 0, ASSAY_TRUST_VECTOR);
	for (size_t i = 0; i < assay_checks_count(checks); i++) {
		enum category category;
		int8_t value = read_row(&category, checks, i);
		if (weight(value) > weight(out[category]))
			out[category] = value;
	}
	/* While something is missing nothing is affirmed: a reader takes the worst tier, and "could
	 * not tell" is below "affirming". */
	for (size_t i = 0; !told && i < ASSAY_TRUST_VECTOR; i++)
		if (tier_of(out[i]) == ASSAY_TIER_AFFIRMING)
			out[i] = 0;
}

/* --- writing ----------------------------------------------------------------------------- */

static void
put_text(struct token_text *t, const char *name, const char *text)
{
	assay_token_put(t, ",\"");
	assay_token_put(t, name);
	assay_token_put(t, "\":");
	assay_token_string(t, assay_bytes_of(text));
}

static void
put_policies(struct token_text *t, const struct assay_ear *ear)
{
	enum { MAX = sizeof ear->policies / sizeof *ear->policies };
	bool list = ear->profile == ASSAY_EAR_IETF;
	struct token_text names = { .failed = false };

	if (ear->policies[0] == NULL)
		return;
	assay_token_put(t, ",\"");
	assay_token_put(t, assay_ear_names[ear->profile].policy);
	assay_token_put(t, list ? "\":[" : "\":");
	for (size_t i = 0; i < MAX && ear->policies[i] != NULL; i++) {
		if (i > 0)
			assay_token_put(list ? t : &names, ",");
		if (list)
			assay_token_string(t, assay_bytes_of(ear->policies[i]));
		else
			assay_token_put(&names, ear->policies[i]);
	}
	if (list)
		assay_token_put(t, "]");
	else
		assay_token_string(t, (struct assay_bytes){ (uint8_t *)names.ptr, names.len });
	t->failed = t->failed || names.failed;
	free(names.ptr);
}

static void
put_submod(struct token_text *t, const struct assay_ear *ear)
{
	const struct ear_names *names = &assay_ear_names[ear->profile];
	int8_t vector[ASSAY_TRUST_VECTOR];
	char value[16];

	assay_trust_vector(vector, ear->checks);
	assay_token_put(t, ",\"submods\":{\"cpu0\":{\"");
	assay_token_put(t, names->status);
	assay_token_put(t, "\":\"");
	assay_token_put(t, assay_tier_name(assay_trust_vector_tier(vector)));
	assay_token_put(t, "\",\"");
	assay_token_put(t, names->vector);
	for (size_t i = 0; i < ASSAY_TRUST_VECTOR; i++) {
		assay_token_put(t, i == 0 ? "\":{\"" : ",\"");
		assay_token_put(t, assay_trust_vector_name(i));
		(void)snprintf(value, sizeof value, "\":%d", vector[i]);
		assay_token_put(t, value);
	}
	assay_token_put(t, "}");
	put_policies(t, ear);
	if (ear->annotated != NULL) {
		assay_token_put(t, ",\"");
		assay_token_put(t, names->annotated);
		assay_token_put(t, "\":");
		assay_token_put(t, ear->annotated);
	}
	assay_token_put(t, "}");
	if (ear->submods != NULL)
		assay_token_put(t, ear->submods);
	assay_token_put(t, "}");
}

/* It comes from a stranger and goes into what is signed. */
static enum assay_code
check_key(const char *key, struct assay_error *err)
{
	json_t *root = NULL;
	enum assay_code rc =
	    assay_token_object(&root, assay_bytes_of(key), KEY_MAX, "workload's key", err);

	if (rc == ASSAY_OK &&
	    (json_object_get(root, "d") != NULL || json_object_get(root, "k") != NULL))
		rc = assay_fail(err, ASSAY_E_FORMAT,
		    "workload's key: is private or secret; a token holds public keys only");
	json_decref(root);
	return rc;
}

enum assay_code
assay_ear_members(char **out, const struct assay_ear *ear, struct assay_error *err)
{
	struct token_text t = { .failed = false };
	const struct ear_names *names;
	enum assay_code rc;

	if ((unsigned)ear->profile > ASSAY_EAR_IETF)
		return assay_fail(
		    err, ASSAY_E_USAGE, "token: there is no profile %d", ear->profile);
	if (ear->nonce != NULL &&
	    (strlen(ear->nonce) < NONCE_MIN || strlen(ear->nonce) > NONCE_MAX))
		return assay_fail(err, ASSAY_E_USAGE,
		    "token: a nonce of %zu characters, must be of %d to %d (RFC 9711, 4.1)",
		    strlen(ear->nonce), NONCE_MIN, NONCE_MAX);
	if (ear->key != NULL && (rc = check_key(ear->key, err)) != ASSAY_OK)
		return rc;
	names = &assay_ear_names[ear->profile];
	assay_token_put(&t, "\"eat_profile\":\"");
	assay_token_put(&t, names->profile);
	assay_token_put(&t, "\",\"");
	assay_token_put(&t, names->verifier);
	assay_token_put(&t, "\":{\"build\":\"assay ");
	assay_token_put(&t, assay_version());
	assay_token_put(&t, "\",\"developer\":\"Assay\"}");
	if (ear->nonce != NULL)
		put_text(&t, "eat_nonce", ear->nonce);
	if (ear->key != NULL) {
		assay_token_put(&t, ",\"cnf\":{\"jwk\":");
		assay_token_put(&t, ear->key);
		assay_token_put(&t, "}");
	}
	put_submod(&t, ear);
	if (ear->more != NULL)
		assay_token_put(&t, ear->more);
	return assay_token_text(out, &t, err);
}

enum assay_code
assay_ear_sign(char **token, const struct assay_ear_frame *frame, const char *members,
    const struct assay_jwk *key, struct assay_error *err)
{
	struct token_text t = { .failed = false };
	char times[128], *text = NULL;
	enum assay_code rc;

	if (frame->issuer == NULL || frame->id == NULL || frame->expires <= frame->issued)
		return assay_fail(err, ASSAY_E_USAGE,
		    "token: must name its issuer and its id, and end after it begins");
	(void)snprintf(times, sizeof times,
	    ",\"iat\":%" PRId64 ",\"nbf\":%" PRId64 ",\"exp\":%" PRId64, frame->issued,
	    frame->issued, frame->expires);
	assay_token_put(&t, "{\"iss\":");
	assay_token_string(&t, assay_bytes_of(frame->issuer));
	if (frame->audience != NULL)
		put_text(&t, "aud", frame->audience);
	assay_token_put(&t, times);
	put_text(&t, "jti", frame->id);
	assay_token_put(&t, ",");
	assay_token_put(&t, members);
	assay_token_put(&t, "}");
	if ((rc = assay_token_text(&text, &t, err)) != ASSAY_OK)
		return rc;
	rc = assay_jws_sign(token, key, "JWT", true, assay_bytes_of(text), err);
	free(text);
	return rc;
}
