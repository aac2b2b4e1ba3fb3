/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAY_CLI_OPTION_H
#define ASSAY_CLI_OPTION_H

/* The command line: tables of options, and what was given of them. */

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct command;

enum option_id {
	OPT_ACPI_LOADER,
	OPT_ACPI_RSDP,
	OPT_ACPI_TABLES,
	OPT_ADMIN_KEY,
	OPT_AGAINST,
	OPT_API_MAJOR,
	OPT_API_MINOR,
	OPT_APPEND,
	OPT_AS,
	OPT_BIND,
	OPT_BOOT_VARIABLE,
	OPT_BUILD_ID,
	OPT_CA,
	OPT_CLAIMS,
	OPT_COCO,
	OPT_COLLATERAL,
	OPT_COLOR,
	OPT_DIGEST,
	OPT_DUMP_VMSA,
	OPT_EARLY,
	OPT_EDK2,
	OPT_ENDORSEMENTS,
	OPT_EXPECT,
	OPT_EXPIRES,
	OPT_EXPLAIN,
	OPT_FMSPC,
	OPT_FOLDER,
	OPT_FOLLOW,
	OPT_FROM,
	OPT_GUEST_FEATURES,
	OPT_GUEST_POLICY,
	OPT_HELP,
	OPT_INITRD,
	OPT_JSON,
	OPT_JWKS,
	OPT_KERNEL,
	OPT_KERNEL_HEADER,
	OPT_KEY,
	OPT_KEYRING,
	OPT_KEY_TYPE,
	OPT_KIND,
	OPT_LAUNCH,
	OPT_LIST,
	OPT_MEASUREMENT,
	OPT_MEMORY,
	OPT_MIN_API,
	OPT_MIN_TCB,
	OPT_MUTATE,
	OPT_NAME,
	OPT_NEW,
	OPT_NONCE,
	OPT_OUTPUT,
	OPT_OUTPUT_FORMAT,
	OPT_OVMF,
	OPT_OVMF_HASH,
	OPT_OVMF_ONLY,
	OPT_PAGE_ORDER,
	OPT_PLATFORMS,
	OPT_POLICY,
	OPT_PRIVATE_KEY,
	OPT_PRODUCT,
	OPT_PROFILE,
	OPT_PROVIDER,
	OPT_PUBLIC_KEY,
	OPT_QGS,
	OPT_QMP,
	OPT_QUIET,
	OPT_RANDOM,
	OPT_RAW,
	OPT_REFERENCE,
	OPT_REGISTER,
	OPT_REPORT_DATA,
	OPT_REQUIRE_CRL,
	OPT_RESOURCE,
	OPT_ROLE,
	OPT_SECRET,
	OPT_SECURE_BOOT,
	OPT_SIGNER,
	OPT_SINCE,
	OPT_SVSM,
	OPT_TEE,
	OPT_TEK,
	OPT_TIK,
	OPT_TIME,
	OPT_TIMEOUT,
	OPT_TO,
	OPT_TOKEN,
	OPT_TRUST_ROOT,
	OPT_TYPE,
	OPT_UNSIGNED,
	OPT_URL,
	OPT_VALID,
	OPT_VARS_FILE,
	OPT_VARS_SIZE,
	OPT_VCPUS,
	OPT_VCPU_FAMILY,
	OPT_VCPU_MODEL,
	OPT_VCPU_SIG,
	OPT_VCPU_STEPPING,
	OPT_VCPU_TYPE,
	OPT_VERBOSE,
	OPT_VERSION,
	OPT_VMM_TYPE,
	OPT_VMPL,
	OPT_VMSA_FIRST,
	OPT_VMSA_FURTHER,
	OPT_WATCH,
	OPT_WITHIN,
	OPT_YES,
};

struct option {
	enum option_id id;
	char letter;       /* 0: none */
	const char *name;  /* "collateral" */
	const char *value; /* "PATH"; NULL: a switch */
	bool repeats;
	const char *words; /* what the value is one of, "auto|always|never"; NULL: free */
	const char *help;
};

/* Rows that mean the same wherever they occur. */
#define OPTION_COLOR                                                                               \
	{                                                                                          \
		OPT_COLOR, 0, "color", "WHEN", false, "auto|always|never",                         \
		    "auto (default), always or never"                                              \
	}
#define OPTION_HELP                                                                                \
	{                                                                                          \
		OPT_HELP, 'h', "help", NULL, false, NULL, "print this"                             \
	}
#define OPTION_JSON                                                                                \
	{                                                                                          \
		OPT_JSON, 0, "json", NULL, false, NULL, "one JSON object"                          \
	}
#define OPTION_OUTPUT                                                                              \
	{                                                                                          \
		OPT_OUTPUT, 'o', "output", "FILE", false, NULL, "write the answer there"           \
	}
#define OPTION_ADMIN_KEY                                                                           \
	{                                                                                          \
		OPT_ADMIN_KEY, 0, "admin-key", "FILE", false, NULL,                                \
		    "the operator's private key, or cred:NAME"                                     \
	}
#define OPTION_CA                                                                                  \
	{                                                                                          \
		OPT_CA, 0, "ca", "FILE", false, NULL,                                              \
		    "whom the server's TLS must chain to (system)"                                 \
	}
#define OPTION_TIMEOUT                                                                             \
	{                                                                                          \
		OPT_TIMEOUT, 0, "timeout", "D", false, NULL, "for the whole command (30s)"         \
	}
#define OPTION_URL                                                                                 \
	{                                                                                          \
		OPT_URL, 0, "url", "URL", false, NULL, "of assayd; https, http or unix:PATH"       \
	}
#define OPTION_TIME                                                                                \
	{                                                                                          \
		OPT_TIME, 0, "time", "T", false, NULL, "judge as of T, RFC 3339 or a date (now)"   \
	}
#define OPTION_TRUST_ROOT                                                                          \
	{                                                                                          \
		OPT_TRUST_ROOT, 0, "trust-root", "FILE", true, NULL,                               \
		    "a further root, beside the built-in ones"                                     \
	}
#define OPTION_END                                                                                 \
	{                                                                                          \
		OPT_HELP, 0, NULL, NULL, false, NULL, NULL                                         \
	}

/* A spelling that users bring from another tool. */
enum alias_kind {
	ALIAS_NAME,    /* another name of the option */
	ALIAS_BOOLEAN, /* of a switch; takes =true and =false */
	ALIAS_PACKED,  /* takes a TCB as one 64-bit number as well */
	ALIAS_CLAIM,   /* --expect of one claim */
	ALIAS_FIRST,   /* the first operand, of commands that have the option */
	ALIAS_LAST,    /* the last one */
	ALIAS_PLAIN,   /* takes base64 as it is, or the path of a file of it */
};

struct alias {
	const char *name; /* with '-' for '_' */
	const char *option;
	enum alias_kind kind;
	const char *claim; /* of ALIAS_CLAIM, else NULL */
};

struct given {
	const struct option *option;
	const struct alias *alias; /* how it was spelt; NULL: by its own name */
	const char *value;         /* NULL for a switch */
};

struct args {
	const struct command *command;
	struct given *given; /* in the order of the command line */
	size_t given_count;
	const char **operands;
	size_t operand_count;
};

/* Reads the words after the command. Returns 0; else the exit code, after it has complained.
 * The caller frees with args_clear(), whatever was returned. */
int args_parse(struct args *args, const struct command *command, int argc, char **argv);
void args_clear(struct args *args);

bool args_has(const struct args *args, enum option_id id);
/* The value of an option that does not repeat; NULL if it was not given. */
const char *args_value(const struct args *args, enum option_id id);
/* The name of an option of this command, as the help has it. */
const char *args_name(const struct args *args, enum option_id id);
/* Options that would not be looked at are not taken, lest who gives one believe that it was. Returns 0;
 * else EXIT_USAGE, after it has complained: "--NAME: WHY; leave it away". */
int args_refuse(const struct args *args, const enum option_id *ids, size_t count, const char *why);
/* Complains, and returns false, unless there are between least and most operands. */
bool args_operands(const struct args *args, size_t least, size_t most);

/* One sentence on standard error, "assay verify: SENTENCE", never broken, without control
 * characters. command may be NULL. */
void
complain(const struct command *command, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The same, and a line that says how the command is used. Returns EXIT_USAGE. */
int
misused(const struct command *command, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

void help_print(FILE *to, const struct command *command);

/* The right name nearest to a wrong one; next() gives the n-th name, NULL at the end. NULL if none
 * is near. */
const char *
nearest(const char *wrong, const char *(*next)(const void *arg, size_t n), const void *arg);

#endif
