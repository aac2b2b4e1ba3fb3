/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAY_CLI_COMMAND_H
#define ASSAY_CLI_COMMAND_H

/* What a command is. One const object per command; the table of them stands in main.c. It drives
 * parsing, the help, the completion scripts, and the test that holds the manual pages to it. */

#include <stddef.h>

#include "option.h"

enum exit_code {
	EXIT_YES = 0,     /* accepted, done */
	EXIT_NO = 1,      /* refused, or two things that must agree differ */
	EXIT_USAGE = 2,   /* command line or configuration wrong, file of another kind */
	EXIT_UNTOLD = 3,  /* could not tell: something is missing */
	EXIT_TROUBLE = 4, /* errno, memory: the same command may work later */
};

struct command {
	const char *name;             /* "verify", "collateral show"; a program's if run is NULL */
	const char *arguments;        /* "[options] EVIDENCE" */
	const char *summary;          /* one sentence */
	const char *operands;         /* lines of the help about operands; "" if there are none */
	const char *words;            /* operands to complete, "bash|zsh|fish"; NULL: files */
	const struct option *options; /* ends with a row whose name is NULL */
	const char *examples[2];
	const char *exits; /* "0 accepted, 1 refused, ..." */
	const char *page;  /* "assay-verify" */
	int (*run)(const struct args *args);
};

extern const struct command command_admin_add;
extern const struct command command_admin_list;
extern const struct command command_admin_rm;
extern const struct command command_admin_rotate;
extern const struct command command_attest;
extern const struct command command_audit_list;
extern const struct command command_audit_verify;
extern const struct command command_cert_make;
extern const struct command command_cert_verify;
extern const struct command command_collateral_fetch;
extern const struct command command_collateral_pack;
extern const struct command command_collateral_push;
extern const struct command command_collateral_show;
extern const struct command command_completion;
extern const struct command command_explain;
extern const struct command command_help;
extern const struct command command_inspect;
extern const struct command command_key_get;
extern const struct command command_key_unseal;
extern const struct command command_launch_check;
extern const struct command command_launch_secret;
extern const struct command command_launch_session;
extern const struct command command_launch_verify_platform;
extern const struct command command_log_extend;
extern const struct command command_log_replay;
extern const struct command command_log_show;
extern const struct command command_measure_sev;
extern const struct command command_measure_sev_es;
extern const struct command command_measure_snp;
extern const struct command command_measure_tdx;
extern const struct command command_policy_check;
extern const struct command command_policy_list;
extern const struct command command_policy_push;
extern const struct command command_policy_rm;
extern const struct command command_policy_show;
extern const struct command command_policy_test;
extern const struct command command_token_issue;
extern const struct command command_reference_list;
extern const struct command command_reference_push;
extern const struct command command_reference_rm;
extern const struct command command_secret_get;
extern const struct command command_secret_history;
extern const struct command command_secret_list;
extern const struct command command_secret_put;
extern const struct command command_secret_rm;
extern const struct command command_token_show;
extern const struct command command_token_verify;
extern const struct command command_verify;

/* All commands, in the order of the help; the last entry is NULL. */
extern const struct command *const commands[];

#endif
