/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAYD_KBS_H
#define ASSAYD_KBS_H

/*
 * The key broker protocol of Confidential Containers, versions 0.1.0 to 0.4.0 side by side: the version
 * travels in the ticket. What it looks like on the wire: docs/kbs.md.
 */

#include <assay/error.h>

#include "../http/http.h"

/* --- errors ------------------------------------------------------------------------------ */

/* Variants of the error object; the type of an error is a URL that ends in one. */
#define KBS_ADMIN_AUTH       "AdminAuthAccess"
#define KBS_ATTESTATION      "AttestationError"
#define KBS_HTTP             "HTTPFailed"
#define KBS_PATH             "InvalidRequestPath"
#define KBS_JWE              "JweError"
#define KBS_PLUGIN_INTERNAL  "PluginInternalError"
#define KBS_PLUGIN_NOT_FOUND "PluginNotFound"
#define KBS_POLICY_DENY      "PolicyDeny"
#define KBS_POLICY_ENGINE    "PolicyEngineError"
#define KBS_RVPS             "RvpsError"
#define KBS_TOKEN_NOT_FOUND  "TokenNotFound"
#define KBS_TOKEN_VERIFIER   "TokenVerifierError"

/* The error object, {"type","detail"}; the caller frees. NULL: no memory. */
char *kbs_error(const char *variant, const char *detail);
/* Answers with one. */
void kbs_refuse(struct exchange *x, int status, const char *variant, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* Fills err, which may be NULL; returns the code. */
enum assay_code kbs_fail(struct assay_error *err, enum assay_code code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* The sentence of a keeper's refusal. Returns out. */
const char *kbs_sentence(char *out, size_t room, const struct ipc_message *answer);

/* --- versions and TEEs -------------------------------------------------------------------- */

/* The protocol of a version text; false if it is none that is served. */
bool kbs_protocol(enum ticket_protocol *out, struct assay_bytes version);

enum { KBS_TEE_NONE = 0 }; /* of a ticket: any, the verifier API's */
/* The number of a TEE in tickets, by its name in requests; KBS_TEE_NONE if it is not served. sample:
 * whether that one is. */
uint8_t kbs_tee(struct assay_bytes name, bool sample);
/* Whether the protocol has this name, served or not, in either spelling. */
bool kbs_tee_known(struct assay_bytes name);
const char *kbs_tee_name(uint8_t tee); /* "tdx"; static text, NULL past the end */

/* --- handlers ------------------------------------------------------------------------------ */

void kbs_auth(struct exchange *x);
void kbs_attest(struct exchange *x);
void kbs_resource(struct exchange *x);
void kbs_resource_policy(struct exchange *x);
void kbs_attestation_policy(struct exchange *x);
void kbs_reference_value(struct exchange *x);
void kbs_plugin(struct exchange *x);

#endif
