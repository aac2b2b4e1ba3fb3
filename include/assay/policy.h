/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAY_POLICY_H
#define ASSAY_POLICY_H

#include <assay/checks.h>
#include <assay/claims.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * An appraisal policy: what is allowed of evidence that is genuine. A text of one rule a line, typed
 * against the schema of claims; docs/policy.md is the language. Const, shared by threads.
 */
struct assay_policy;

/*
 * Reference values: the sets that a policy names with `@`, read from documents of the form of
 * docs/reference-values.md. Const once filled.
 */
struct assay_references;

/* Makes an empty collection; the caller frees it. Errors: ASSAY_E_NOMEM. */
ASSAY_MUST_USE enum assay_code
assay_references_new(struct assay_references **out, struct assay_error *err);
void assay_references_free(struct assay_references *refs); /* NULL is fine */
/*
 * Adds all sets of one document, or none.
 * name    For messages: the file.
 * Errors  ASSAY_E_FORMAT (no such document; a claim or a value that is not of the schema; a set of a
 *         name that is taken), ASSAY_E_UNSUPPORTED (its version), ASSAY_E_NOMEM.
 */
ASSAY_MUST_USE enum assay_code assay_references_add(struct assay_references *refs,
    struct assay_bytes document, const char *name, struct assay_error *err);

/*
 * Compiles a policy; the caller frees it with assay_policy_free().
 * name    What assay_policy_name() gives, and what messages and rows begin with: a file or the name
 *         under which a server keeps it. Copied.
 * refs    Where `@name` is looked up; copied from. NULL: there are none.
 * Errors  ASSAY_E_USAGE: "web.policy:4:24: ...", with the line, the column and the nearest right name;
 *         ASSAY_E_NOMEM.
 */
ASSAY_MUST_USE enum assay_code
assay_policy_compile(struct assay_policy **out, struct assay_bytes text, const char *name,
    const struct assay_references *refs, struct assay_error *err);
/* NULL is fine; not for a built-in one. */
void assay_policy_free(struct assay_policy *policy);

/* A built-in policy by name: "default" (as strict as the strictest peer) or "genuine" (the TCB
 * status and all settings are reported, none is judged). NULL if there is none of this name. Static. */
const struct assay_policy *assay_policy_builtin(const char *name);
size_t assay_policy_builtin_count(void);
const char *assay_policy_builtin_name(size_t i); /* NULL past the end */

const char *assay_policy_name(const struct assay_policy *policy);
const char *assay_policy_title(const struct assay_policy *policy); /* "" if it has none */
const char *assay_policy_text(const struct assay_policy *policy);  /* as it was compiled */
size_t assay_policy_rule_count(const struct assay_policy *policy); /* of all sections */

/*
 * Judges claims; appends a row per rule of this TEE's sections. Allocates nothing.
 * A row has the id "policy.CLAIM", or the one that its rule names with `as`; assay_check_category()
 * is the rule's. To judge the same claims by several policies, take the verdict of each and
 * assay_checks_cut() its rows off again, so that the verifier's stay.
 * Returns assay_checks_verdict(checks), over all rows; err as for assay_evidence_verify().
 */
ASSAY_MUST_USE enum assay_code assay_policy_check(struct assay_checks *checks,
    const struct assay_policy *policy, const struct assay_claims *claims, struct assay_error *err);

/* What could be different about one claim. */
enum assay_change {
	ASSAY_CHANGE_NONE = 0,
	ASSAY_CHANGE_REMOVED = 1,
	ASSAY_CHANGE_OTHER =
	    2, /* the other truth value, every bit of a number or of bytes turned, other
	                            text, one more entry in a list */
	ASSAY_CHANGE_LOWER = 3,  /* a number or a time less one */
	ASSAY_CHANGE_HIGHER = 4, /* a number or a time plus one */
};

/*
 * What the rules alone would say if one claim were otherwise: whether a policy would notice. Adds no
 * row.
 * claim   Its place in the schema.
 * Returns ASSAY_OK: they would all hold; ASSAY_E_POLICY, ASSAY_E_INCOMPLETE; ASSAY_E_USAGE: these
 *         claims do not make it, or a claim of this type cannot be changed so.
 */
ASSAY_MUST_USE enum assay_code assay_policy_suppose(const struct assay_policy *policy,
    const struct assay_claims *claims, size_t claim, enum assay_change change);

/*
 * One claim must equal this value: `--expect measurement=9a1f...`. The text is read by the
 * claim's type: hex, number (decimal or 0x), true or false, RFC 3339, plain text.
 * Appends the row "expect.CLAIM", in this example "expect.measurement".
 * Errors  ASSAY_E_USAGE: no such claim (the nearest right name is in err), or not of its type.
 */
ASSAY_MUST_USE enum assay_code
assay_policy_expect(struct assay_checks *checks, const struct assay_claims *claims,
    const char *claim, const char *value, struct assay_error *err);

#ifdef __cplusplus
}
#endif

#endif
