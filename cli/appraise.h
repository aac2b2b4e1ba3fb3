/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAY_CLI_APPRAISE_H
#define ASSAY_CLI_APPRAISE_H

/* What a verdict depends on besides the evidence, as the command line gives it: the same options for
 * every command that judges. */

#include <assay/evidence.h>
#include <assay/policy.h>

#include "option.h"

enum { POLICIES_MAX = 8, LAUNCHES_MAX = 16 };

struct appraisal {
	const struct args *args;
	int64_t now;
	uint8_t report_data[ASSAY_REPORT_DATA_SIZE];
	size_t report_data_len;
	const struct assay_policy *policies[POLICIES_MAX];
	struct assay_policy *own[POLICIES_MAX]; /* those of them that were files; else NULL */
	size_t policy_count;
	struct assay_references *references;
	struct assay_trust *trust;
	struct assay_launch *launches[LAUNCHES_MAX];
	size_t launch_count;
};

/* Rows for the option tables: what is asked of every command that judges. */
#define OPTIONS_APPRAISE                                                                           \
	OPTIONS_APPRAISE_BY,                                                                       \
	    { OPT_NONCE, 'n', "nonce", "HEX", false, NULL,                                         \
		    "the challenge in REPORT_DATA, 8 to 64 bytes" },                               \
	    { OPT_REPORT_DATA, 0, "report-data", "HEX", false, NULL,                               \
		    "the literal REPORT_DATA, zero-padded" },                                      \
	    { OPT_BIND, 0, "bind", "FILE", false, NULL,                                            \
		    "a public key; REPORT_DATA has it and the nonce" },                            \
	    OPTIONS_APPRAISE_MORE
/* The same in two halves, for who has other words for what stands between them. */
#define OPTIONS_APPRAISE_BY                                                                        \
	{ OPT_COLLATERAL, 'c', "collateral", "PATH", true, NULL,                                   \
		"file, folder or bundle; adds to the evidence's" },                                \
	    OPTION_TRUST_ROOT, OPTION_TIME
#define OPTIONS_APPRAISE_MORE                                                                      \
	{ OPT_MIN_TCB, 0, "min-tcb", "PART=N,...", false, NULL,                                    \
		"AMD floor, or a FILE of one (built-in)" },                                        \
	    OPTION_PLATFORMS,                                                                      \
	    { OPT_REQUIRE_CRL, 0, "require-crl", NULL, false, NULL,                                \
		    "undetermined without AMD's CRL" },                                            \
	    { OPT_LAUNCH, 0, "launch", "FILE", true, NULL,                                         \
		    "launch record of a SEV or SEV-ES guest" },                                    \
	    { OPT_SIGNER, 0, "signer", "FILE", false, NULL,                                        \
		    "public keys whose launch records are believed" },                             \
	{                                                                                          \
		OPT_REFERENCE, 0, "reference", "FILE", true, NULL,                                 \
		    "reference values for a policy's @name"                                        \
	}
#define OPTION_PLATFORMS                                                                           \
	{                                                                                          \
		OPT_PLATFORMS, 0, "platforms", "FILE", true, NULL,                                 \
		    "allow and deny lists of platforms"                                            \
	}
/* Where the policy and claims are not the command's operand. */
#define OPTION_POLICY                                                                              \
	{                                                                                          \
		OPT_POLICY, 'p', "policy", "NAME", true, NULL,                                     \
		    "default, genuine or a FILE; all must accept"                                  \
	}
#define OPTION_EXPECT                                                                              \
	{                                                                                          \
		OPT_EXPECT, 0, "expect", "CLAIM=VALUE", true, NULL, "one claim must equal this"    \
	}
#define OPTION_CLAIMS                                                                              \
	{                                                                                          \
		OPT_CLAIMS, 0, "claims", NULL, false, NULL, "print only the claims, as JSON"       \
	}
/* How a verdict is shown. */
#define OPTIONS_VERDICT                                                                            \
	OPTION_JSON, OPTION_OUTPUT,                                                                \
	    { OPT_QUIET, 'q', "quiet", NULL, false, NULL, "print no answer, only exit" },          \
	    { OPT_VERBOSE, 'v', "verbose", NULL, false, NULL, "list every check" },                \
	    { OPT_EXPLAIN, 0, "explain", NULL, false, NULL, "tell what each failed check stops" }, \
	    OPTION_COLOR

/*
 * Reads the options: first what can be wrong about the command line itself, then files. policy: an
 * operand that names the only policy; NULL: --policy does, by default "default". Returns 0; else the
 * exit code, after it has complained. The caller frees with appraise_clear(), whatever was returned.
 */
int appraise_read(struct appraisal *a, const struct args *args, const char *policy);
void appraise_clear(struct appraisal *a);

/* A policy by its name, built in or a file, without more. *own is the caller's. Returns as above. */
int appraise_policy(const struct args *args, const char *name, const struct assay_references *refs,
    const struct assay_policy **policy, struct assay_policy **own);
/* The documents of all --reference. */
int appraise_references(const struct args *args, struct assay_references **refs);

/* Verifies, asks each policy and each --expect: every judge speaks, also when an earlier one has
 * refused. claims and checks as for assay_evidence_verify(). */
enum assay_code appraise(const struct appraisal *a, struct assay_claims **claims,
    struct assay_checks *checks, const struct assay_evidence *ev, struct assay_error *err);
/* What the verifier is given for it. Borrows. */
struct assay_appraisal appraise_how(const struct appraisal *a);
/* The rest of it, behind a verifier that returned code. */
enum assay_code appraise_ask(const struct appraisal *a, enum assay_code code,
    const struct assay_claims *claims, struct assay_checks *checks, struct assay_error *err);
/* The verifier's part of it. */
enum assay_code appraise_verify(const struct appraisal *a, struct assay_claims **claims,
    struct assay_checks *checks, const struct assay_evidence *ev, struct assay_error *err);

/* A call that could not run at all, as against one that refused. */
bool appraise_broken(enum assay_code code);
int appraise_exit(enum assay_code code);

#endif
