/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAY_LAUNCH_H
#define ASSAY_LAUNCH_H

/*
 * The launch of a SEV or SEV-ES guest as its owner sees it: the session that the firmware is started
 * with, the measurement that it answers, the secrets that are put in, and the signed record of all
 * this, which is what a verifier knows the guest by ever after. Nothing is opened, sent or kept.
 * Source: AMD 55766, SEV API, 2 and 6.
 */

#include <stdbool.h>

#include <assay/error.h>
#include <assay/jose.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
	ASSAY_LAUNCH_NAME_MAX = 64, /* letters, digits, "-", "_" and "." but not in front */
	ASSAY_LAUNCH_DIGEST_SIZE = 32,
	ASSAY_LAUNCH_MEASURE_SIZE = 32,
	ASSAY_LAUNCH_MNONCE_SIZE = 16,
	ASSAY_LAUNCH_SECRETS_MAX = 64,
	ASSAY_GUID_TEXT = 37,
};

/* The GUID that the key of a guest is injected under: a PrivateKeyInfo (RFC 5208), DER. */
#define ASSAY_LAUNCH_KEY_GUID "c2b5a1f0-6f0e-4d0a-9d57-1f4b7c6e0a35"

/* --- the record -------------------------------------------------------------------------- */

/* A launch record. Const once it is parsed, shared by threads; the owner's calls below change it. */
struct assay_launch;

enum assay_launch_stage {
	ASSAY_LAUNCH_SESSION = 1, /* the session is made; nothing is known of the guest */
	ASSAY_LAUNCH_CHECKED = 2, /* what was launched is what the owner expects */
	ASSAY_LAUNCH_COMPLETE =
	    3, /* the guest's key went in: assay_launch_key() is its public half */
};

/* The certificates of the platform, in the vendor's formats. The last two may be missing. */
enum assay_launch_certificate {
	ASSAY_LAUNCH_PDH,
	ASSAY_LAUNCH_PEK,
	ASSAY_LAUNCH_OCA,
	ASSAY_LAUNCH_CEK,
	ASSAY_LAUNCH_ASK,
	ASSAY_LAUNCH_ARK,
	ASSAY_LAUNCH_CERTIFICATES
};

/* The version of the firmware's interface, and its build. */
struct assay_sev_api {
	uint8_t major, minor, build;
};

/*
 * Reads a launch record and verifies its signature.
 *
 * json     {"launch":{...},"signature":"HEADER..SIGNATURE"}: a compact JWS (typ "assay-launch") whose
 *          payload, the RFC 8785 form of the member "launch", is left out.
 * signers  Whose record it must be. NULL: the signature is verified under the key that the record
 *          carries, which says that it is whole, and not whose it is: assay_launch_trusted() is false.
 * Errors   ASSAY_E_FORMAT (no record; members that contradict each other), ASSAY_E_UNSUPPORTED (a
 *          newer one), ASSAY_E_SIGNATURE (altered; or of none of the signers), ASSAY_E_NOMEM.
 */
ASSAY_MUST_USE enum assay_code assay_launch_parse(struct assay_launch **out,
    struct assay_bytes json, const struct assay_jwks *signers, struct assay_error *err);
void assay_launch_free(struct assay_launch *launch); /* NULL is fine */

const char *assay_launch_name(const struct assay_launch *launch);
const char *assay_launch_tee(const struct assay_launch *launch); /* "sev" or "sev-es" */
enum assay_launch_stage assay_launch_stage(const struct assay_launch *launch);
int64_t assay_launch_created(const struct assay_launch *launch); /* Unix seconds */
uint32_t assay_launch_policy(const struct assay_launch *launch); /* the guest policy */
/* One of the given signers vouches for it. */
bool assay_launch_trusted(const struct assay_launch *launch);
/* The key that signed it, as it stands in the record. Borrowed. */
const struct assay_jwk *assay_launch_signed_by(const struct assay_launch *launch);
/* Borrowed; empty if it is not in the record. */
struct assay_bytes
assay_launch_cert(const struct assay_launch *launch, enum assay_launch_certificate which);
/* These three are empty before ASSAY_LAUNCH_CHECKED: the digest that was expected and measured, and
 * the firmware's MEASURE and MNONCE. The version is then 0.0.0. */
struct assay_bytes assay_launch_digest(const struct assay_launch *launch);
struct assay_bytes assay_launch_measure(const struct assay_launch *launch);
struct assay_bytes assay_launch_mnonce(const struct assay_launch *launch);
struct assay_sev_api assay_launch_api(const struct assay_launch *launch);
/* SubjectPublicKeyInfo (DER) of the key that was injected; empty before ASSAY_LAUNCH_COMPLETE. */
struct assay_bytes assay_launch_key(const struct assay_launch *launch);
/* The GUIDs of what was injected, in lower case. NULL: there are not so many. */
const char *assay_launch_secret_guid(const struct assay_launch *launch, size_t i);

/* --- the owner's side: a platform, a session ------------------------------------------------ */

/* The certificates of one platform; borrowed. Start from zero. */
struct assay_launch_chain {
	struct assay_bytes at[ASSAY_LAUNCH_CERTIFICATES];
};

/*
 * Takes the certificates of a file: one, or several one after the other. Nothing is verified. Of two
 * CEKs with one key, the first that has a slot for AMD's signature stays: what a platform exports has none.
 *
 * Errors  ASSAY_E_FORMAT: no such certificate, or a second one of the same use.
 */
ASSAY_MUST_USE enum assay_code assay_launch_chain_add(
    struct assay_launch_chain *chain, struct assay_bytes in, struct assay_error *err);
/* "PDH", "PEK", ... Static text. */
const char *assay_launch_certificate_name(enum assay_launch_certificate which);

enum {
	ASSAY_SEV_CERTIFICATE_SIZE = 2084,
	ASSAY_LAUNCH_BLOB_SIZE = 128,
	ASSAY_LAUNCH_KEY_SIZE = 16, /* TEK and TIK */
	ASSAY_LAUNCH_ANSWER_SIZE = ASSAY_LAUNCH_MEASURE_SIZE + ASSAY_LAUNCH_MNONCE_SIZE,
	ASSAY_LAUNCH_HEADER_SIZE = 52,
	ASSAY_LAUNCH_PAYLOAD_MAX = 16 * 1024, /* that the platform takes */
	ASSAY_LAUNCH_AREA_SIZE = 0xc00,       /* that images of the firmware have for it */
};

/* What a guest is started with, and the keys that stay with its owner. The caller wipes tek and tik. */
struct assay_launch_session {
	uint8_t godh[ASSAY_SEV_CERTIFICATE_SIZE]; /* the owner's Diffie-Hellman certificate */
	uint8_t blob[ASSAY_LAUNCH_BLOB_SIZE];     /* the session, for this PDH and policy alone */
	uint8_t tek[ASSAY_LAUNCH_KEY_SIZE], tik[ASSAY_LAUNCH_KEY_SIZE];
};

struct assay_launch_start {
	const char *name;
	uint32_t policy;                 /* bits 6 to 15 must be 0 */
	int64_t created;                 /* Unix seconds */
	struct assay_launch_chain chain; /* verified by the caller, with a PDH on P-384 */
};

/*
 * Makes a session and its record, which is at ASSAY_LAUNCH_SESSION.
 *
 * Errors  ASSAY_E_USAGE (name, policy; a certificate is missing), ASSAY_E_FORMAT (of a certificate),
 *         ASSAY_E_NOMEM (also for want of randomness).
 * Source  AMD 55766, SEV API, 2.2 and 6.2.
 */
ASSAY_MUST_USE enum assay_code
assay_launch_new(struct assay_launch **out, struct assay_launch_session *session,
    const struct assay_launch_start *start, struct assay_error *err);

/* --- its measurement ------------------------------------------------------------------------ */

/* What the host says of a guest that was launched. None of it is believed before it was checked. */
struct assay_launch_answer {
	struct assay_sev_api api;
	uint8_t measure[ASSAY_LAUNCH_MEASURE_SIZE], mnonce[ASSAY_LAUNCH_MNONCE_SIZE];
};

/*
 * Checks that what was launched is what the owner expects, on a firmware that he accepts, and puts it
 * into the record, which is then at ASSAY_LAUNCH_CHECKED. The same answer may be checked again, and no
 * other: a session is for one launch. Refused then, by ASSAY_E_POLICY or ASSAY_E_SIGNATURE, the record
 * is back at ASSAY_LAUNCH_SESSION: keep it.
 *
 * floor     The oldest firmware that will do; NULL: what the guest policy says. Looked at first.
 * expected  The launch digest (assay_sev_measure()).
 * tik       Of the session: the record knows its hash, so that nobody else's is taken.
 * got       Set to the MEASURE that was computed, also when it is not that of the answer, but not
 *           before floor, stage and tik were looked at; may be NULL.
 * Errors    ASSAY_E_POLICY (firmware below the floor), ASSAY_E_SIGNATURE (another digest, policy,
 *           firmware or nonce than this), ASSAY_E_USAGE (tik is of another session; this one has
 *           launched another guest before), ASSAY_E_NOMEM.
 * Source    AMD 55766, SEV API, 6.5.
 */
ASSAY_MUST_USE enum assay_code assay_launch_check(struct assay_launch *launch,
    const uint8_t tik[ASSAY_LAUNCH_KEY_SIZE], const struct assay_sev_api *floor,
    const uint8_t expected[ASSAY_LAUNCH_DIGEST_SIZE], const struct assay_launch_answer *answer,
    uint8_t got[ASSAY_LAUNCH_MEASURE_SIZE], struct assay_error *err);

/* --- its secrets ---------------------------------------------------------------------------- */

/* Makes the key of a guest: a PrivateKeyInfo (RFC 5208, DER) of "P-256" or "Ed25519". The caller wipes
 * and frees. Errors: ASSAY_E_USAGE (another type), ASSAY_E_NOMEM. */
ASSAY_MUST_USE enum assay_code
assay_launch_key_make(uint8_t **out, size_t *len, const char *type, struct assay_error *err);

struct assay_launch_secret {
	const char *guid; /* text, any case */
	struct assay_bytes data;
};

struct assay_launch_input {
	const uint8_t *tek, *tik; /* of the session, whose hashes the record knows */
	/* Of any algorithm; it goes in under ASSAY_LAUNCH_KEY_GUID. */
	struct assay_bytes private_key_info;
	/* SubjectPublicKeyInfo, DER; empty: made of the private one. Of an algorithm that is known here
	 * it must be the private key's. */
	struct assay_bytes public_key;
	const struct assay_launch_secret *secrets; /* further ones */
	size_t secret_count;
	/* What the image has for all of this (assay_sev_secret_area()); 0: ASSAY_LAUNCH_AREA_SIZE. What is
	 * behind it would be overwritten, with the hashes of a kernel. */
	size_t area;
};

/*
 * Makes the packet of LAUNCH_SECRET, once for a record, which is then at ASSAY_LAUNCH_COMPLETE: keep it
 * before the packet leaves, and the keys of the session no longer.
 *
 * payload   Encrypted; the caller frees it.
 * Errors    ASSAY_E_USAGE (the record is not at ASSAY_LAUNCH_CHECKED; tek or tik of another session; a
 *           GUID that is none, or twice; another key's public half; more than the area has),
 *           ASSAY_E_FORMAT and ASSAY_E_UNSUPPORTED (a key), ASSAY_E_NOMEM.
 * Source    AMD 55766, SEV API, 6.6; edk2, OvmfPkg/AmdSev/SecretDxe.
 */
ASSAY_MUST_USE enum assay_code
assay_launch_inject(uint8_t header[ASSAY_LAUNCH_HEADER_SIZE], uint8_t **payload, size_t *len,
    struct assay_launch *launch, const struct assay_launch_input *in, struct assay_error *err);

/* --- keeping it ----------------------------------------------------------------------------- */

/* Signs the record anew and writes it, as text that ends in a line feed; the caller frees. key is the
 * owner's, private, for ES256, ES384 or EdDSA. Errors: ASSAY_E_USAGE (the key), ASSAY_E_NOMEM. */
ASSAY_MUST_USE enum assay_code assay_launch_write(
    char **out, struct assay_launch *launch, const struct assay_jwk *key, struct assay_error *err);

#ifdef __cplusplus
}
#endif

#endif
