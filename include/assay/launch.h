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

#ifdef __cplusplus
}
#endif

#endif
