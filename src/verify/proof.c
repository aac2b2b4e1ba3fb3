/* SPDX-License-Identifier: Apache-2.0 */
#include "verify/proof.h"

#include <stdlib.h>
#include <string.h>

#include "parse/sev_proof.h"
#include "verify/bind.h"

/* Each part with its length in front, so that no two sets of parts make the same bytes. The forms
 * are docs/binding.md's; a change of one needs another label. */
static const char mnonce_label[] = "assay sev mnonce, 1";
static const char certified_label[] = "assay sev working key, 1";
static const char signed_label[] = "assay sev proof, 1";

/* The truth about injected keys, for whoever has another. */
static const char signing[] =
    "proofs are signed with P-256, P-384, Ed25519 and RSA of 2048 to 4096 bits";

struct assay_proof_keys {
	struct assay_pair working;
	uint8_t certifier[ASSAY_SHA256_LEN];
	uint8_t key[SEV_PROOF_KEY_SIZE];
	uint8_t certification[ASSAY_NUMBER_MAX];
	size_t certification_len;
};

/* --- messages ---------------------------------------------------------------------------- */

void
assay_sev_mnonce(uint8_t out[ASSAY_SEV_MNONCE_SIZE],
    const uint8_t report_data[ASSAY_REPORT_DATA_SIZE],
    const uint8_t key_digest[ASSAY_KEY_DIGEST_SIZE])
{
	uint8_t message[PROOF_MESSAGE_MAX], hash[ASSAY_SHA256_LEN];
	uint8_t *p = assay_bind_put(message, mnonce_label, sizeof mnonce_label - 1);

	p = assay_bind_put(p, report_data, ASSAY_REPORT_DATA_SIZE);
	p = assay_bind_put(p, key_digest, ASSAY_KEY_DIGEST_SIZE);
	assay_sha256(hash, (struct assay_bytes){ message, (size_t)(p - message) });
	memcpy(out, hash, ASSAY_SEV_MNONCE_SIZE);
}

size_t
assay_proof_certified(uint8_t out[PROOF_MESSAGE_MAX], struct assay_bytes working_key)
{
	uint8_t *p = assay_bind_put(out, certified_label, sizeof certified_label - 1);

	return (size_t)(assay_bind_put(p, working_key.ptr, working_key.len) - out);
}

size_t
assay_proof_signed(
    uint8_t out[PROOF_MESSAGE_MAX], struct assay_bytes report, const uint8_t *report_data)
{
	uint8_t *p = assay_bind_put(out, signed_label, sizeof signed_label - 1);

	p = assay_bind_put(p, report.ptr, report.len);
	return (size_t)(assay_bind_put(p, report_data, ASSAY_REPORT_DATA_SIZE) - out);
}

bool
assay_proof_signing(enum assay_signing *out, enum assay_pair_kind kind)
{
	static const enum assay_signing by_kind[] = {
		[ASSAY_PAIR_P256] = ASSAY_SIGN_SHA256,
		[ASSAY_PAIR_P384] = ASSAY_SIGN_SHA384,
		[ASSAY_PAIR_ED25519] = ASSAY_SIGN_PLAIN,
		[ASSAY_PAIR_RSA] = ASSAY_SIGN_PSS_256,
	};

	if (kind == ASSAY_PAIR_NONE || kind == ASSAY_PAIR_P521)
		return false;
	*out = by_kind[kind];
	return true;
}

/* --- the guest's keys -------------------------------------------------------------------- */

static enum assay_code
certify(struct assay_proof_keys *keys, const struct assay_pair *injected, struct assay_error *err)
{
	struct assay_public_numbers point;
	uint8_t message[PROOF_MESSAGE_MAX];
	enum assay_signing how;
	enum assay_code rc;

	if (!assay_proof_signing(&how, injected->kind))
		return assay_fail(
		    err, ASSAY_E_UNSUPPORTED, "injected key: is of P-521; %s", signing);
	if ((rc = assay_pair_digest(keys->certifier, injected, err)) != ASSAY_OK ||
	    (rc = assay_pair_make(&keys->working, ASSAY_PAIR_P256, err)) != ASSAY_OK)
		return rc;
	if (!assay_pair_public(&point, &keys->working))
		return assay_fail_nomem(err);
	assay_sev_proof_key(keys->key, point.at[0], point.at[1]);
	size_t n =
	    assay_proof_certified(message, (struct assay_bytes){ keys->key, sizeof keys->key });
	keys->certification_len =
	    assay_pair_sign(keys->certification, injected, how, (struct assay_bytes){ message, n });
	return keys->certification_len > 0 ? ASSAY_OK : assay_fail_nomem(err);
}

enum assay_code
assay_proof_keys_new(
    struct assay_proof_keys **out, struct assay_bytes private_key_info, struct assay_error *err)
{
	struct assay_pair injected = { ASSAY_PAIR_NONE, false, NULL };
	struct assay_proof_keys *keys = calloc(1, sizeof *keys);
	struct assay_error why;
	enum assay_code rc;

	if (keys == NULL)
		return assay_fail_nomem(err);
	rc = assay_pair_set_der(&injected, private_key_info, true, &why);
	if (rc == ASSAY_OK)
		rc = certify(keys, &injected, err);
	else if (rc == ASSAY_E_UNSUPPORTED)
		assay_fail(err, rc, "injected %s; %s", why.text, signing);
	else
		assay_fail(err, rc, "%s", why.text);
	assay_pair_clear(&injected);
	if (rc == ASSAY_OK)
		*out = keys;
	else
		assay_proof_keys_free(keys);
	return rc;
}

void
assay_proof_keys_free(struct assay_proof_keys *keys)
{
	if (keys == NULL)
		return;
	assay_pair_clear(&keys->working);
	free(keys);
}

void
assay_proof_key_digest(uint8_t out[ASSAY_KEY_DIGEST_SIZE], const struct assay_proof_keys *keys)
{
	assay_sha256(out, (struct assay_bytes){ keys->key, sizeof keys->key });
}

enum assay_code
assay_proof_write(uint8_t **out, size_t *len, const struct assay_proof_keys *keys,
    struct assay_bytes report, const uint8_t report_data[ASSAY_REPORT_DATA_SIZE],
    struct assay_error *err)
{
	uint8_t message[PROOF_MESSAGE_MAX], digest[ASSAY_KEY_DIGEST_SIZE];
	uint8_t mnonce[ASSAY_SEV_MNONCE_SIZE], signature[ASSAY_NUMBER_MAX];
	const struct sev_proof proof = {
		.certifier = { keys->certifier, sizeof keys->certifier },
		.key = { keys->key, sizeof keys->key },
		.certification = { keys->certification, keys->certification_len },
		.signature = { signature, SEV_PROOF_SIGNATURE_SIZE },
	};

	if (report.len != ASSAY_SEV_REPORT_SIZE)
		return assay_fail(err, ASSAY_E_USAGE, "proof: the report is %zu bytes, want %d",
		    report.len, ASSAY_SEV_REPORT_SIZE);
	assay_proof_key_digest(digest, keys);
	assay_sev_mnonce(mnonce, report_data, digest);
	if (memcmp(report.ptr, mnonce, sizeof mnonce) != 0)
		return assay_fail(err, ASSAY_E_USAGE,
		    "proof: the report's MNONCE is %s, want %s: it answers another request, and "
		    "the "
		    "host gave it for this one",
		    assay_quote_hex((struct assay_bytes){ report.ptr, sizeof mnonce }).text,
		    assay_quote_hex((struct assay_bytes){ mnonce, sizeof mnonce }).text);
	size_t n = assay_proof_signed(message, report, report_data);
	uint8_t *all = malloc(SEV_PROOF_SIZE_MAX);
	if (all == NULL ||
	    assay_pair_sign(signature, &keys->working, ASSAY_SIGN_SHA256,
		(struct assay_bytes){ message, n }) != SEV_PROOF_SIGNATURE_SIZE) {
		free(all);
		return assay_fail_nomem(err);
	}
	*len = assay_sev_proof_encode(all, &proof);
	*out = all;
	return ASSAY_OK;
}
