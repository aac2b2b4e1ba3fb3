/* SPDX-License-Identifier: Apache-2.0 */
#include "launch/record.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/der.h"
#include "token/token.h"

enum { VERSION = 1 };
static const char typ[] = "assay-launch";
static const int64_t created_max = INT64_C(253402300799); /* the end of the year 9999 */

const char *const assay_launch_cert_names[ASSAY_LAUNCH_CERTIFICATES] = {
	[ASSAY_LAUNCH_PDH] = "pdh",
	[ASSAY_LAUNCH_PEK] = "pek",
	[ASSAY_LAUNCH_OCA] = "oca",
	[ASSAY_LAUNCH_CEK] = "cek",
	[ASSAY_LAUNCH_ASK] = "ask",
	[ASSAY_LAUNCH_ARK] = "ark",
};
static const uint32_t usages[ASSAY_LAUNCH_CERTIFICATES] = {
	[ASSAY_LAUNCH_PDH] = SEV_USAGE_PDH,
	[ASSAY_LAUNCH_PEK] = SEV_USAGE_PEK,
	[ASSAY_LAUNCH_OCA] = SEV_USAGE_OCA,
	[ASSAY_LAUNCH_CEK] = SEV_USAGE_CEK,
	[ASSAY_LAUNCH_ASK] = SEV_USAGE_ASK,
	[ASSAY_LAUNCH_ARK] = SEV_USAGE_ARK,
};

const char *const assay_launch_stages[] = {
	[ASSAY_LAUNCH_SESSION] = "session",
	[ASSAY_LAUNCH_CHECKED] = "checked",
	[ASSAY_LAUNCH_COMPLETE] = "complete",
};

/* --- what may stand in it ---------------------------------------------------------------- */

static bool
one_of(uint8_t c, const char *set)
{
	return c != '\0' && strchr(set, c) != NULL;
}

/* It becomes part of file names. */
bool
assay_launch_name_fits(struct assay_bytes name)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789-_.";

	if (name.len == 0 || name.len > ASSAY_LAUNCH_NAME_MAX || name.ptr[0] == '.')
		return false;
	for (size_t i = 0; i < name.len; i++)
		if (!one_of(name.ptr[i], allowed))
			return false;
	return true;
}

bool
assay_launch_guid(char out[ASSAY_GUID_TEXT], struct assay_bytes text)
{
	if (text.len != ASSAY_GUID_TEXT - 1)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		uint8_t c = text.ptr[i];
		bool dash = i == 8 || i == 13 || i == 18 || i == 23;
		if (c >= 'A' && c <= 'F')
			c = (uint8_t)(c - 'A' + 'a');
		if (dash ? c != '-' : !one_of(c, "0123456789abcdef"))
			return false;
		out[i] = (char)c;
	}
	out[text.len] = '\0';
	return true;
}

bool
assay_launch_cert_fits(enum assay_launch_certificate which, struct assay_bytes cert)
{
	enum { SEV_USAGE_AT = 8, AMD_USAGE_AT = 36 };

	if (which >= ASSAY_LAUNCH_ASK)
		return cert.len >= AMD_CERT_SMALL && assay_amd_cert_length(cert) == cert.len &&
		    assay_u32le(cert.ptr + AMD_USAGE_AT) == usages[which];
	return assay_sev_cert_recognise(cert) &&
	    assay_u32le(cert.ptr + SEV_USAGE_AT) == usages[which];
}

/* --- reading ----------------------------------------------------------------------------- */

/* The members that are left to be taken: what nobody takes is not known here. */
struct members {
	const json_t *object;
	const char *in; /* "launch record: chain" */
	size_t taken;
};

static const json_t *
take(struct members *m, const char *name)
{
	const json_t *got = json_object_get(m->object, name);

	m->taken += got != NULL;
	return got;
}

/* What a reader passes over, another may believe. */
static enum assay_code
end_members(const struct members *m, struct assay_error *err)
{
	if (json_object_size(m->object) == m->taken)
		return ASSAY_OK;
	return assay_fail(err, ASSAY_E_UNSUPPORTED,
	    "%s: has %zu members, and %zu of them make sense here; of a newer version, or none",
	    m->in, json_object_size(m->object), m->taken);
}

static enum assay_code
take_object(struct members *out, struct members *from, const char *name, const char *in,
    struct assay_error *err)
{
	const json_t *got = take(from, name);

	if (!json_is_object(got))
		return assay_fail(err, ASSAY_E_FORMAT, "%s: has no object \"%s\"", from->in, name);
	*out = (struct members){ got, in, 0 };
	return ASSAY_OK;
}

static enum assay_code
take_text(struct assay_bytes *out, struct members *from, const char *name, struct assay_error *err)
{
	const json_t *got = take(from, name);

	if (!json_is_string(got))
		return assay_fail(err, ASSAY_E_FORMAT, "%s: has no text \"%s\"", from->in, name);
	*out = (struct assay_bytes){ (const uint8_t *)json_string_value(got),
		json_string_length(got) };
	return ASSAY_OK;
}

static enum assay_code
take_number(
    int64_t *out, struct members *from, const char *name, int64_t max, struct assay_error *err)
{
	const json_t *got = take(from, name);

	if (!json_is_integer(got) || json_integer_value(got) < 0 || json_integer_value(got) > max)
		return assay_fail(err, ASSAY_E_FORMAT,
		    "%s: \"%s\" is no whole number from 0 to %" PRId64, from->in, name, max);
	*out = json_integer_value(got);
	return ASSAY_OK;
}

static enum assay_code
take_hex(uint8_t *out, size_t n, struct members *from, const char *name, struct assay_error *err)
{
	struct assay_bytes text = { NULL, 0 };
	enum assay_code rc = take_text(&text, from, name, err);

	if (rc == ASSAY_OK && !assay_unhex(out, n, text))
		return assay_fail(err, ASSAY_E_FORMAT, "%s: \"%s\" is %s, must be %zu hex digits",
		    from->in, name, assay_quote(text).text, 2 * n);
	return rc;
}

/* room has ASSAY_UNBASE64_MAX() of what fits into a text for max bytes. */
static enum assay_code
take_base64(uint8_t *room, size_t *len, size_t max, struct members *from, const char *name,
    struct assay_error *err)
{
	struct assay_bytes text = { NULL, 0 };
	enum assay_code rc = take_text(&text, from, name, err);

	if (rc == ASSAY_OK &&
	    (text.len >= ASSAY_BASE64_SIZE(max) || !assay_unbase64(room, len, text) || *len > max))
		return assay_fail(err, ASSAY_E_FORMAT,
		    "%s: \"%s\" is no base64 of at most %zu bytes", from->in, name, max);
	return rc;
}

static enum assay_code
take_certificate(struct assay_launch *l, enum assay_launch_certificate which, struct members *from,
    struct assay_error *err)
{
	uint8_t room[ASSAY_UNBASE64_MAX(ASSAY_BASE64_SIZE(SEV_CERT_SIZE))];
	const char *name = assay_launch_cert_names[which];
	size_t n = 0;
	enum assay_code rc;

	if (which >= ASSAY_LAUNCH_ASK && json_object_get(from->object, name) == NULL)
		return ASSAY_OK;
	if ((rc = take_base64(room, &n, SEV_CERT_SIZE, from, name, err)) != ASSAY_OK)
		return rc;
	if (!assay_launch_cert_fits(which, (struct assay_bytes){ room, n }))
		return assay_fail(err, ASSAY_E_FORMAT,
		    "%s: \"%s\" is no certificate of that use; take the record anew from its owner",
		    from->in, name);
	memcpy(l->certs[which], room, n);
	l->cert_len[which] = n;
	return ASSAY_OK;
}

static enum assay_code
take_chain(struct assay_launch *l, struct members *from, struct assay_error *err)
{
	struct members chain = { .taken = 0 };
	enum assay_code rc = take_object(&chain, from, "chain", "launch record: chain", err);

	for (enum assay_launch_certificate i = 0; rc == ASSAY_OK && i < ASSAY_LAUNCH_CERTIFICATES;
	     i++)
		rc = take_certificate(l, i, &chain, err);
	return rc == ASSAY_OK ? end_members(&chain, err) : rc;
}

static enum assay_code
take_api(struct assay_launch *l, struct members *from, struct assay_error *err)
{
	struct members api = { .taken = 0 };
	int64_t major = 0, minor = 0, build = 0;
	enum assay_code rc = take_object(&api, from, "api", "launch record: api", err);

	if (rc == ASSAY_OK && (rc = take_number(&major, &api, "major", 255, err)) == ASSAY_OK &&
	    (rc = take_number(&minor, &api, "minor", 255, err)) == ASSAY_OK &&
	    (rc = take_number(&build, &api, "build", 255, err)) == ASSAY_OK)
		rc = end_members(&api, err);
	l->api = (struct assay_sev_api){ (uint8_t)major, (uint8_t)minor, (uint8_t)build };
	return rc;
}

static enum assay_code
take_keys(struct assay_launch *l, struct members *from, struct assay_error *err)
{
	struct members keys = { .taken = 0 };
	enum assay_code rc = take_object(&keys, from, "keys", "launch record: keys", err);

	if (rc == ASSAY_OK)
		rc = take_hex(l->tek_digest, sizeof l->tek_digest, &keys, "tek", err);
	if (rc == ASSAY_OK)
		rc = take_hex(l->tik_digest, sizeof l->tik_digest, &keys, "tik", err);
	return rc == ASSAY_OK ? end_members(&keys, err) : rc;
}

static enum assay_code
take_measured(struct assay_launch *l, struct members *from, struct assay_error *err)
{
	enum assay_code rc = take_api(l, from, err);

	if (rc == ASSAY_OK)
		rc = take_hex(l->digest, sizeof l->digest, from, "digest", err);
	if (rc == ASSAY_OK)
		rc = take_hex(l->measure, sizeof l->measure, from, "measure", err);
	if (rc == ASSAY_OK)
		rc = take_hex(l->mnonce, sizeof l->mnonce, from, "mnonce", err);
	return rc;
}

bool
assay_launch_is_sequence(struct assay_bytes der)
{
	struct assay_reader r = { .what = "", .in = der };

	(void)assay_der_take(&r, DER_SEQUENCE);
	return assay_reader_ended(&r);
}

static enum assay_code
take_injected(struct assay_launch *l, struct members *from, struct assay_error *err)
{
	uint8_t room[ASSAY_UNBASE64_MAX(ASSAY_BASE64_SIZE(LAUNCH_KEY_MAX))];
	size_t len = 0;
	enum assay_code rc = take_base64(room, &len, LAUNCH_KEY_MAX, from, "key", err);
	const json_t *guids = take(from, "secrets");
	size_t count = json_array_size(guids);

	if (rc != ASSAY_OK)
		return rc;
	if (!assay_launch_is_sequence((struct assay_bytes){ room, len }))
		return assay_fail(err, ASSAY_E_FORMAT,
		    "launch record: \"key\" is no SubjectPublicKeyInfo in DER");
	assay_launch_set_key(l, (struct assay_bytes){ room, len });
	if (!json_is_array(guids) || count == 0 || count > ASSAY_LAUNCH_SECRETS_MAX)
		return assay_fail(err, ASSAY_E_FORMAT,
		    "launch record: \"secrets\" is no array of 1 to %d GUIDs",
		    ASSAY_LAUNCH_SECRETS_MAX);
	for (size_t i = 0; i < count; i++) {
		const char *guid = json_string_value(json_array_get(guids, i));
		if (guid == NULL || !assay_launch_guid(l->secrets[i], assay_bytes_of(guid)))
			return assay_fail(
			    err, ASSAY_E_FORMAT, "launch record: secret %zu is no GUID", i);
	}
	l->secret_count = count;
	return ASSAY_OK;
}

static enum assay_code
take_stage(struct assay_launch *l, struct members *from, struct assay_error *err)
{
	struct assay_bytes text = { NULL, 0 };
	enum assay_code rc = take_text(&text, from, "stage", err);

	if (rc != ASSAY_OK)
		return rc;
	for (l->stage = ASSAY_LAUNCH_SESSION; l->stage <= ASSAY_LAUNCH_COMPLETE; l->stage++)
		if (assay_bytes_equal(text, assay_bytes_of(assay_launch_stages[l->stage])))
			return ASSAY_OK;
	return assay_fail(err, ASSAY_E_FORMAT,
	    "launch record: stage is %s, must be session, checked or complete",
	    assay_quote(text).text);
}

static enum assay_code
take_name(struct assay_launch *l, struct members *from, struct assay_error *err)
{
	struct assay_bytes text = { NULL, 0 };
	enum assay_code rc = take_text(&text, from, "name", err);

	if (rc == ASSAY_OK && !assay_launch_name_fits(text))
		return assay_fail(err, ASSAY_E_FORMAT,
		    "launch record: name is %s, must be of letters, digits, \"-\", \"_\" and \".\"",
		    assay_quote(text).text);
	if (rc == ASSAY_OK)
		memcpy(l->name, text.ptr, text.len);
	return rc;
}

/* The version before all else, so that a newer record is called that. */
static enum assay_code
take_head(struct assay_launch *l, struct members *from, struct assay_error *err)
{
	int64_t version = 0, policy = 0;
	struct assay_bytes tee = { NULL, 0 };
	enum assay_code rc = take_number(&version, from, "version", INT32_MAX, err);

	if (rc == ASSAY_OK && version != VERSION)
		return assay_fail(err, ASSAY_E_UNSUPPORTED,
		    "launch record: version is %" PRId64
		    ", and %d is read here; a newer assay reads it",
		    version, VERSION);
	if (rc == ASSAY_OK)
		rc = take_name(l, from, err);
	if (rc == ASSAY_OK)
		rc = take_text(&tee, from, "tee", err);
	if (rc == ASSAY_OK)
		rc = take_number(&policy, from, "policy", UINT32_MAX, err);
	l->policy = (uint32_t)policy;
	if (rc == ASSAY_OK && !assay_bytes_equal(tee, assay_bytes_of(assay_launch_tee(l))))
		return assay_fail(err, ASSAY_E_FORMAT,
		    "launch record: tee is %s, and its policy 0x%" PRIx32 " is of %s",
		    assay_quote(tee).text, l->policy, assay_launch_tee(l));
	if (rc == ASSAY_OK)
		rc = take_stage(l, from, err);
	if (rc == ASSAY_OK)
		rc = take_number(&l->created, from, "created", created_max, err);
	return rc;
}

static enum assay_code
take_signer(struct assay_launch *l, struct members *from, struct assay_error *err)
{
	const json_t *got = take(from, "signer");
	char *text = json_is_object(got) ? json_dumps(got, JSON_COMPACT) : NULL;
	enum assay_code rc;

	if (!json_is_object(got))
		return assay_fail(err, ASSAY_E_FORMAT, "launch record: has no object \"signer\"");
	if (text == NULL)
		return assay_fail_nomem(err);
	rc = assay_jwk_parse(&l->signer, assay_bytes_of(text), err);
	assay_wipe(text, strlen(text));
	free(text);
	if (rc == ASSAY_OK && assay_jwk_private(l->signer))
		return assay_fail(err, ASSAY_E_FORMAT,
		    "launch record: \"signer\" is a private key; whoever has seen it can write "
		    "records: make another key");
	return rc;
}

static enum assay_code
take_all(struct assay_launch *l, const json_t *object, struct assay_error *err)
{
	struct members m = { object, "launch record", 0 };
	enum assay_code rc = take_head(l, &m, err);

	if (rc == ASSAY_OK)
		rc = take_chain(l, &m, err);
	if (rc == ASSAY_OK && l->stage < ASSAY_LAUNCH_COMPLETE)
		rc = take_keys(l, &m, err);
	if (rc == ASSAY_OK && l->stage >= ASSAY_LAUNCH_CHECKED)
		rc = take_measured(l, &m, err);
	if (rc == ASSAY_OK && l->stage >= ASSAY_LAUNCH_COMPLETE)
		rc = take_injected(l, &m, err);
	if (rc == ASSAY_OK)
		rc = take_signer(l, &m, err);
	return rc == ASSAY_OK ? end_members(&m, err) : rc;
}

/* --- its signature ----------------------------------------------------------------------- */

static enum assay_code
canonical(char **out, const json_t *object, struct assay_error *err)
{
	char *text = json_dumps(object, JSON_COMPACT);
	enum assay_code rc;

	if (text == NULL)
		return assay_fail_nomem(err);
	rc = assay_json_canonical(out, assay_bytes_of(text), err);
	free(text);
	return rc;
}

/* The compact form with its payload put back. */
static enum assay_code
whole_token(char **out, struct assay_bytes detached, const char *payload, struct assay_error *err)
{
	struct token_text t = { .failed = false };
	struct assay_bytes dots = { (const uint8_t *)"..", 2 }, plain = assay_bytes_of(payload);
	size_t at = assay_bytes_find(detached, 0, dots);
	char *middle;

	if (at == detached.len)
		return assay_fail(err, ASSAY_E_FORMAT,
		    "launch record: \"signature\" is %s, must be a JWS without its payload, "
		    "HEADER..SIGNATURE",
		    assay_quote(detached).text);
	if ((middle = malloc(ASSAY_BASE64URL_SIZE(plain.len))) == NULL)
		return assay_fail_nomem(err);
	(void)assay_base64url(middle, plain);
	assay_token_add(&t, (struct assay_bytes){ detached.ptr, at + 1 });
	assay_token_put(&t, middle);
	assay_token_add(&t, (struct assay_bytes){ detached.ptr + at + 1, detached.len - at - 1 });
	free(middle);
	return assay_token_text(out, &t, err);
}

static enum assay_code
verify_own(const struct assay_launch *l, const char *token, struct assay_error *err)
{
	struct assay_jwks *own = NULL;
	uint8_t *payload = NULL;
	size_t len = 0;
	char *key = NULL;
	enum assay_code rc = assay_jwk_json(&key, l->signer, NULL, err);

	if (rc == ASSAY_OK)
		rc = assay_jwks_parse(&own, assay_bytes_of(key), err);
	if (rc == ASSAY_OK)
		rc = assay_jws_verify(&payload, &len, NULL, own, typ, assay_bytes_of(token), err);
	if (rc == ASSAY_E_SIGNATURE)
		rc = assay_fail(err, rc,
		    "launch record: its signature does not hold under the key that it names; it "
		    "was "
		    "altered after it was signed");
	free(payload);
	free(key);
	assay_jwks_free(own);
	return rc;
}

static bool
same_key(const struct assay_jwk *a, const struct assay_jwk *b)
{
	uint8_t x[ASSAY_THUMBPRINT_SIZE], y[ASSAY_THUMBPRINT_SIZE];

	assay_jwk_thumbprint(x, a);
	assay_jwk_thumbprint(y, b);
	return memcmp(x, y, sizeof x) == 0 && strcmp(assay_jwk_alg(a), assay_jwk_alg(b)) == 0;
}

static enum assay_code
find_signer(struct assay_launch *l, const struct assay_jwks *signers, struct assay_error *err)
{
	char kid[ASSAY_KID_TEXT];

	for (size_t i = 0; i < assay_jwks_count(signers) && !l->trusted; i++)
		l->trusted = same_key(l->signer, assay_jwks_at(signers, i));
	if (l->trusted)
		return ASSAY_OK;
	assay_jwk_kid(kid, l->signer);
	return assay_fail(err, ASSAY_E_SIGNATURE,
	    "launch record: signed by key %s, which is none of the %zu whose records are taken; "
	    "bring its owner's record, or trust that key",
	    kid, assay_jwks_count(signers));
}

static enum assay_code
verify(struct assay_launch *l, const json_t *object, struct assay_bytes signature,
    const struct assay_jwks *signers, struct assay_error *err)
{
	char *payload = NULL, *token = NULL;
	enum assay_code rc = canonical(&payload, object, err);

	if (rc == ASSAY_OK)
		rc = whole_token(&token, signature, payload, err);
	if (rc == ASSAY_OK)
		rc = verify_own(l, token, err);
	if (rc == ASSAY_OK && signers != NULL)
		rc = find_signer(l, signers, err);
	free(payload);
	free(token);
	return rc;
}

enum assay_code
assay_launch_parse(struct assay_launch **out, struct assay_bytes json,
    const struct assay_jwks *signers, struct assay_error *err)
{
	struct assay_launch *l = calloc(1, sizeof *l);
	struct assay_bytes signature = { NULL, 0 };
	struct members root = { NULL, "launch record", 0 }, launch = { NULL, "launch record", 0 };
	json_t *tree = NULL;
	enum assay_code rc;

	if (l == NULL)
		return assay_fail_nomem(err);
	if ((rc = assay_token_object(&tree, assay_bytes_trim(json), LAUNCH_RECORD_MAX,
		 "launch record", err)) != ASSAY_OK)
		goto out;
	root.object = tree;
	if ((rc = take_object(&launch, &root, "launch", "launch record", err)) == ASSAY_OK &&
	    (rc = take_text(&signature, &root, "signature", err)) == ASSAY_OK &&
	    (rc = end_members(&root, err)) == ASSAY_OK &&
	    (rc = take_all(l, launch.object, err)) == ASSAY_OK)
		rc = verify(l, launch.object, signature, signers, err);
out:
	json_decref(tree);
	if (rc == ASSAY_OK)
		*out = l;
	else
		assay_launch_free(l);
	return rc;
}

void
assay_launch_free(struct assay_launch *launch)
{
	if (launch == NULL)
		return;
	assay_jwk_free(launch->signer);
	free(launch);
}

void
assay_launch_set_key(struct assay_launch *launch, struct assay_bytes key)
{
	memcpy(launch->key, key.ptr, key.len);
	launch->key_len = key.len;
	assay_sha256(launch->key_digest, key);
}

enum assay_code
assay_launch_own_key(const uint8_t digest[ASSAY_SHA256_LEN],
    const uint8_t key[ASSAY_LAUNCH_KEY_SIZE], const char *name, struct assay_error *err)
{
	uint8_t own[ASSAY_SHA256_LEN];

	assay_sha256(own, (struct assay_bytes){ key, ASSAY_LAUNCH_KEY_SIZE });
	if (assay_same_secret(own, digest, sizeof own))
		return ASSAY_OK;
	return assay_fail(err, ASSAY_E_USAGE,
	    "%s: is not the one that was made with this record; whoever put it there could read "
	    "the secrets: bring the session's own, or make another session",
	    name);
}

/* --- what it says ------------------------------------------------------------------------ */

const char *
assay_launch_name(const struct assay_launch *launch)
{
	return launch->name;
}

const char *
assay_launch_tee(const struct assay_launch *launch)
{
	return (launch->policy >> SEV_POLICY_ES & 1) != 0 ? "sev-es" : "sev";
}

enum assay_launch_stage
assay_launch_stage(const struct assay_launch *launch)
{
	return launch->stage;
}

int64_t
assay_launch_created(const struct assay_launch *launch)
{
	return launch->created;
}

uint32_t
assay_launch_policy(const struct assay_launch *launch)
{
	return launch->policy;
}

bool
assay_launch_trusted(const struct assay_launch *launch)
{
	return launch->trusted;
}

const struct assay_jwk *
assay_launch_signed_by(const struct assay_launch *launch)
{
	return launch->signer;
}

struct assay_bytes
assay_launch_cert(const struct assay_launch *launch, enum assay_launch_certificate which)
{
	return (struct assay_bytes){ launch->certs[which], launch->cert_len[which] };
}

static struct assay_bytes
measured(const struct assay_launch *launch, const uint8_t *value, size_t n)
{
	return (struct assay_bytes){ value, launch->stage >= ASSAY_LAUNCH_CHECKED ? n : 0 };
}

struct assay_bytes
assay_launch_digest(const struct assay_launch *launch)
{
	return measured(launch, launch->digest, sizeof launch->digest);
}

struct assay_bytes
assay_launch_measure(const struct assay_launch *launch)
{
	return measured(launch, launch->measure, sizeof launch->measure);
}

struct assay_bytes
assay_launch_mnonce(const struct assay_launch *launch)
{
	return measured(launch, launch->mnonce, sizeof launch->mnonce);
}

struct assay_sev_api
assay_launch_api(const struct assay_launch *launch)
{
	return launch->api;
}

struct assay_bytes
assay_launch_key(const struct assay_launch *launch)
{
	return (struct assay_bytes){ launch->key, launch->key_len };
}

struct assay_bytes
assay_launch_key_digest(const struct assay_launch *launch)
{
	return (struct assay_bytes){ launch->key_digest,
		launch->key_len > 0 ? sizeof launch->key_digest : 0 };
}

const char *
assay_launch_secret_guid(const struct assay_launch *launch, size_t i)
{
	return i < launch->secret_count ? launch->secrets[i] : NULL;
}
