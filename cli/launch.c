/* SPDX-License-Identifier: Apache-2.0 */
/* What a guest's owner does before it is launched: looks at the platform, and makes a session. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "command.h"
#include "launch_files.h"
#include "screen.h"
#include "value.h"
#include "verify.h"

/* --- the platform's chain ---------------------------------------------------------------- */

enum {
	CHAIN_FILES_MAX = 64,
	CHAIN_SIZE = 4 * ASSAY_SEV_CERTIFICATE_SIZE, /* PDH, PEK, OCA, CEK */
	CEK_TRIES_MAX = 64,                          /* each takes some ms */
};

struct chain {
	const struct args *args;
	struct input files[CHAIN_FILES_MAX];
	size_t count;
	struct assay_launch_chain certs; /* slices of files */
	uint8_t evidence[CHAIN_SIZE];
};

static void
chain_clear(struct chain *c)
{
	for (size_t i = 0; i < c->count; i++)
		input_clear(&c->files[i]);
}

/* Text in base64, as libvirt and QMP give certificates, becomes what it stands for. */
static bool
decode(struct input *in)
{
	size_t n = 0, len = 0;
	char *text = malloc(in->len + 1);
	uint8_t *out = malloc(in->len + 1);

	for (size_t i = 0; text != NULL && i < in->len; i++)
		if (strchr(" \t\r\n", in->data[i]) == NULL)
			text[n++] = (char)in->data[i];
	bool ok = text != NULL && out != NULL;
	if (ok) {
		text[n] = '\0';
		ok = strlen(text) == n && value_unbase64(out, in->len, &len, text);
	}
	free(text);
	if (!ok) {
		free(out);
		return false;
	}
	input_clear(in);
	*in = (struct input){ out, len };
	return true;
}

/* A file that holds such certificates at all. */
static bool
holds_certs(struct input *in)
{
	struct assay_launch_chain alone = { .at = { { NULL, 0 } } };

	if (assay_launch_chain_add(&alone, input_bytes(in), NULL) == ASSAY_OK)
		return true;
	return decode(in) && assay_launch_chain_add(&alone, input_bytes(in), NULL) == ASSAY_OK;
}

/* Takes the file over. must: of what is named; of what lies in a folder, the rest is passed over. */
static int
add_file(struct chain *c, const char *path, struct input *in, bool must)
{
	struct assay_error err;
	bool fits = holds_certs(in);

	if (!fits && !must) {
		input_clear(in);
		return 0;
	}
	if (c->count == CHAIN_FILES_MAX) {
		input_clear(in);
		return misused(c->args->command, "more than %d files", CHAIN_FILES_MAX);
	}
	c->files[c->count] = *in;
	if (assay_launch_chain_add(&c->certs, input_bytes(&c->files[c->count++]), &err) == ASSAY_OK)
		return 0;
	complain(c->args->command, "%s: %s", path, err.text);
	return EXIT_USAGE;
}

static int
visit(void *arg, const char *path, const struct input *in)
{
	struct input copy = { malloc(in->len + 1), in->len };
	struct chain *c = arg;

	if (copy.data == NULL) {
		complain(c->args->command, "out of memory");
		return EXIT_TROUBLE;
	}
	if (in->len > 0)
		memcpy(copy.data, in->data, in->len);
	return add_file(c, path, &copy, false);
}

static int
read_chain(struct chain *c, const struct args *args)
{
	int rc = 0;

	*c = (struct chain){ .args = args };
	for (size_t i = 0; rc == 0 && i < args->operand_count; i++) {
		const char *path = args->operands[i];
		struct input in = { 0 };
		if (input_is_folder(path))
			rc = input_folder(args->command, path, visit, c);
		else if ((rc = input_read(args->command, &in, path, "a certificate")) == 0)
			rc = add_file(c, path, &in, true);
	}
	return rc;
}

/* The four of the platform itself, one of each, in one piece; nothing else takes part. */
static int
assemble(struct chain *c)
{
	char missing[64] = "";

	for (enum assay_launch_certificate i = 0; i <= ASSAY_LAUNCH_CEK; i++) {
		if (c->certs.at[i].len == ASSAY_SEV_CERTIFICATE_SIZE)
			memcpy(c->evidence + i * (size_t)ASSAY_SEV_CERTIFICATE_SIZE,
			    c->certs.at[i].ptr, ASSAY_SEV_CERTIFICATE_SIZE);
		else
			snprintf(missing + strlen(missing), sizeof missing - strlen(missing),
			    "%s%s", missing[0] != '\0' ? ", " : "",
			    assay_launch_certificate_name(i));
	}
	if (missing[0] == '\0')
		return 0;
	complain(c->args->command,
	    "the chain lacks: %s; the host exports PDH, PEK, OCA and CEK (sevctl export, QMP "
	    "query-sev-capabilities), and AMD's KDS has the CEK signed, under the chip's id",
	    missing);
	return EXIT_UNTOLD;
}

/* ASK and ARK came along: they are looked at, and believed only if they are AMD's or --trust-root. */
static int
add_authorities(const struct chain *c, struct appraisal *a)
{
	struct assay_error err;

	for (enum assay_launch_certificate i = ASSAY_LAUNCH_ASK; i < ASSAY_LAUNCH_CERTIFICATES; i++)
		if (c->certs.at[i].len > 0 &&
		    assay_trust_add(a->trust, c->certs.at[i], assay_launch_certificate_name(i),
			NULL, &err) != ASSAY_OK) {
			complain(
			    c->args->command, "%s: %s", assay_launch_certificate_name(i), err.text);
			return EXIT_USAGE;
		}
	return 0;
}

static struct assay_bytes
chain_bytes(const struct chain *c)
{
	return (struct assay_bytes){ c->evidence, sizeof c->evidence };
}

/* checks: the caller's to free, also after an error. */
static enum assay_code
judge(const struct chain *c, const struct appraisal *a, struct assay_checks **checks,
    struct assay_error *err)
{
	struct assay_evidence *ev = NULL;
	struct assay_claims *claims = NULL;
	enum assay_code code = assay_evidence_parse(&ev, chain_bytes(c), err);

	if (code == ASSAY_OK)
		code = assay_checks_new(checks, err);
	if (code == ASSAY_OK)
		code = appraise(a, &claims, *checks, ev, err);
	assay_claims_free(claims);
	assay_evidence_free(ev);
	return code;
}

static void
set_cek(struct chain *c, struct assay_bytes cek)
{
	c->certs.at[ASSAY_LAUNCH_CEK] = cek;
	memcpy(c->evidence + ASSAY_LAUNCH_CEK * (size_t)ASSAY_SEV_CERTIFICATE_SIZE, cek.ptr,
	    ASSAY_SEV_CERTIFICATE_SIZE);
}

static bool
cek_holds(const struct chain *c, const struct appraisal *a)
{
	struct assay_checks *checks = NULL;
	struct assay_error err;
	bool holds = false;

	(void)judge(c, a, &checks, &err);
	for (size_t i = 0; checks != NULL && i < assay_checks_count(checks); i++)
		holds = holds ||
		    (strcmp(assay_check_id(checks, i), "sev.cek.signature") == 0 &&
			assay_check_outcome(checks, i) == ASSAY_PASS);
	assay_checks_free(checks);
	return holds;
}

/* Another CEK of the chain's key? */
static bool
is_cek(const struct chain *c, struct assay_bytes cert)
{
	struct assay_launch_chain alone = { .at = { { NULL, 0 } } }, all = c->certs;

	return assay_launch_chain_add(&alone, cert, NULL) == ASSAY_OK &&
	    alone.at[ASSAY_LAUNCH_CEK].len > 0 &&
	    assay_launch_chain_add(&all, cert, NULL) == ASSAY_OK;
}

/* The chain has the first CEK with a slot for AMD's signature. If AMD did not sign that one, as some
 * platforms export it, another of the files may be AMD's. */
static void
choose_cek(struct chain *c, const struct appraisal *a)
{
	const struct assay_bytes first = c->certs.at[ASSAY_LAUNCH_CEK];
	size_t tries = 0;

	if (cek_holds(c, a))
		return;
	for (size_t i = 0; i < c->count; i++)
		for (size_t at = 0;
		     tries < CEK_TRIES_MAX && at + ASSAY_SEV_CERTIFICATE_SIZE <= c->files[i].len;
		     at++) {
			struct assay_bytes cert = { c->files[i].data + at,
				ASSAY_SEV_CERTIFICATE_SIZE };
			if (!is_cek(c, cert))
				continue;
			set_cek(c, cert);
			tries++;
			if (cek_holds(c, a))
				return;
		}
	set_cek(c, first);
}

static int
prepare(struct chain *c, struct appraisal *a, const struct args *args)
{
	int rc = appraise_read(a, args, "genuine");

	if (rc == 0)
		rc = read_chain(c, args);
	if (rc == 0)
		rc = assemble(c);
	if (rc == 0)
		rc = add_authorities(c, a);
	if (rc == 0)
		choose_cek(c, a);
	return rc;
}

static int
run_verify_platform(const struct args *args)
{
	struct appraisal a = { .args = args };
	struct chain c = { .args = args };
	int rc;

	if (!args_operands(args, 1, CHAIN_FILES_MAX))
		return EXIT_USAGE;
	if ((rc = prepare(&c, &a, args)) == 0)
		rc = verify_judge(&a, args->operands[0], chain_bytes(&c));
	chain_clear(&c);
	appraise_clear(&a);
	return rc;
}

/* --- a session --------------------------------------------------------------------------- */

/* The first check that failed, or that could not run. */
static void
complain_of_chain(const struct args *args, const struct assay_checks *checks, bool failed)
{
	for (size_t i = 0; i < assay_checks_count(checks); i++)
		if (failed ? assay_check_outcome(checks, i) == ASSAY_FAIL
			   : assay_check_outcome(checks, i) == ASSAY_SKIPPED &&
			    assay_check_needed(checks, i)) {
			complain(args->command,
			    "no session for this platform: %s: %s; assay launch verify-platform "
			    "shows all",
			    assay_check_id(checks, i), assay_check_detail(checks, i));
			return;
		}
}

/* Says nothing when it is genuine. */
static int
must_be_genuine(const struct chain *c, const struct appraisal *a)
{
	struct assay_checks *checks = NULL;
	struct assay_error err = { .text = "" };
	enum assay_code code = judge(c, a, &checks, &err);

	if (code != ASSAY_OK && (checks == NULL || appraise_broken(code)))
		complain(a->args->command, "%s", err.text);
	else if (code != ASSAY_OK)
		complain_of_chain(a->args, checks, code != ASSAY_E_INCOMPLETE);
	assay_checks_free(checks);
	return appraise_exit(code);
}

static int
read_policy(const struct args *args, uint32_t *policy)
{
	const char *text = args_value(args, OPT_GUEST_POLICY);

	if (text == NULL)
		return misused(args->command,
		    "--guest-policy HEX is missing: what the host may do with the guest; 0xf "
		    "forbids "
		    "debugging, key sharing and sending, and asks for SEV-ES");
	const char *digits = strncmp(text, "0x", 2) == 0 ? text + 2 : text;
	size_t len = strspn(digits, "0123456789abcdefABCDEF");
	unsigned long n = strtoul(digits, NULL, 16);
	if (len == 0 || len > 8 || digits[len] != '\0')
		return misused(args->command,
		    "--guest-policy: \"%.40s\" is no hex number of at most 32 bits", text);
	*policy = (uint32_t)n;
	if ((n & 1) == 0)
		complain(args->command,
		    "--guest-policy: 0x%lx lets the host read and write the guest by debug "
		    "commands: bit 0, "
		    "NODBG, is not set",
		    n);
	return 0;
}

struct session {
	const struct args *args;
	const char *folder, *name;
	struct assay_launch *launch;
	struct assay_jwk *owner;
	bool made_owner;
	struct assay_launch_session keys;
};

static int
put(const struct session *s, const char *suffix, struct assay_bytes what, bool secret, bool base64)
{
	char *path = launch_path(s->args, s->folder, s->name, suffix);
	int rc = path == NULL ? EXIT_TROUBLE
	    : base64          ? launch_put_base64(s->args, path, what)
			      : launch_put(s->args, path, what, secret);

	free(path);
	return rc;
}

static struct assay_bytes
text_bytes(const char *text)
{
	return (struct assay_bytes){ (const uint8_t *)text, strlen(text) };
}

/* The private half for this owner alone; the public one for those who verify. */
static int
put_owner(const struct session *s)
{
	struct assay_error err;
	char *pem = NULL, *public = NULL;
	int rc = EXIT_TROUBLE;

	if (!s->made_owner)
		return 0;
	if (assay_jwk_private_pem(&pem, s->owner, &err) != ASSAY_OK ||
	    assay_jwk_json(&public, s->owner, NULL, &err) != ASSAY_OK)
		complain(s->args->command, "%s", err.text);
	else if ((rc = put(s, "_owner.pem", text_bytes(pem), true, false)) == 0)
		rc = put(s, "_owner.jwk", text_bytes(public), false, false);
	if (pem != NULL)
		explicit_bzero(pem, strlen(pem));
	free(pem);
	free(public);
	return rc;
}

/* No session is made where one of these is; the last is made without --key alone. */
static const char *const own_files[] = { "_tek.bin", "_tik.bin", ".launch.json", "_owner.pem" };

static size_t
own_count(const struct session *s)
{
	return args_has(s->args, OPT_KEY) ? 3 : 4;
}

static int
name_taken(const struct session *s, const char *path, bool spent)
{
	return misused(s->args->command, "--name: %s is there already; %s", path,
	    spent ? "a session is for one launch: take another name"
		  : "give it as --key, or take another name");
}

/* Two sessions of one name would take each other's keys; and the owner's key, by which verifiers know
 * the records of a session before, is in no other file. from: 1 leaves out the file that claims the
 * name. */
static int
check_name(const struct session *s, size_t from)
{
	int rc = 0;

	for (size_t i = from; i < own_count(s) && rc == 0; i++) {
		char *path = launch_path(s->args, s->folder, s->name, own_files[i]);
		if (path == NULL)
			return EXIT_TROUBLE;
		if (access(path, F_OK) == 0)
			rc = name_taken(s, path, i < 3);
		free(path);
	}
	return rc;
}

/* Of two commands that make sessions of one name at once, the one that makes this file has it: who comes
 * second writes nothing. */
static int
claim_name(const struct session *s)
{
	char *path = launch_path(s->args, s->folder, s->name, "_tek.bin");
	int rc = 0;

	if (path == NULL)
		return EXIT_TROUBLE;
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd >= 0) {
		close(fd);
		if ((rc = check_name(s, 1)) != 0)
			unlink(path);
	} else if (errno == EEXIST) {
		rc = name_taken(s, path, true);
	} else {
		complain(s->args->command, "%s: cannot be written: %s", path, strerror(errno));
		rc = EXIT_TROUBLE;
	}
	free(path);
	return rc;
}

/* The name that was claimed is free again: what claims it goes last. */
static void
drop_name(const struct session *s)
{
	for (size_t i = own_count(s); i-- > 0;) {
		char *path = launch_path(s->args, s->folder, s->name, own_files[i]);
		if (path != NULL)
			(void)unlink(path);
		free(path);
	}
}

static int
put_files(const struct session *s, const char *record)
{
	int rc;

	if ((rc = put_owner(s)) != 0 ||
	    (rc = put(s, "_tek.bin", (struct assay_bytes){ s->keys.tek, sizeof s->keys.tek }, true,
		 false)) != 0 ||
	    (rc = put(s, "_tik.bin", (struct assay_bytes){ s->keys.tik, sizeof s->keys.tik }, true,
		 false)) != 0 ||
	    (rc = put(s, "_godh.b64", (struct assay_bytes){ s->keys.godh, sizeof s->keys.godh },
		 false, true)) != 0 ||
	    (rc = put(s, "_session.b64", (struct assay_bytes){ s->keys.blob, sizeof s->keys.blob },
		 false, true)) != 0)
		return rc;
	/* Last: where the record is, all the rest is. */
	return put(s, ".launch.json", text_bytes(record), false, false);
}

static int
put_session(struct session *s)
{
	struct assay_error err;
	char *text = NULL;
	int rc;

	if (assay_launch_write(&text, s->launch, s->owner, &err) != ASSAY_OK) {
		complain(s->args->command, "%s", err.text);
		return EXIT_USAGE;
	}
	if ((rc = claim_name(s)) == 0 && (rc = put_files(s, text)) != 0)
		drop_name(s);
	free(text);
	return rc;
}

static int
take_owner(struct session *s)
{
	const char *path = args_value(s->args, OPT_KEY);
	struct assay_error err;

	if (path != NULL)
		return launch_read_owner(s->args, path, &s->owner);
	s->made_owner = true;
	if (assay_jwk_make(&s->owner, "ES256", &err) == ASSAY_OK)
		return 0;
	complain(s->args->command, "%s", err.text);
	return EXIT_TROUBLE;
}

static int
check_place(const struct session *s)
{
	if (!input_is_folder(s->folder))
		return misused(s->args->command, "--output: %s is no folder", s->folder);
	return check_name(s, 0);
}

static int
make_session(struct session *s, const struct chain *c, uint32_t policy)
{
	struct assay_launch_start start = { .name = s->name, .policy = policy, .chain = c->certs };
	struct assay_error err;

	(void)value_time(&start.created, "now");
	enum assay_code code = assay_launch_new(&s->launch, &s->keys, &start, &err);
	if (code == ASSAY_E_USAGE)
		return misused(s->args->command, "%s", err.text);
	if (code == ASSAY_OK)
		return 0;
	complain(s->args->command, "%s", err.text);
	return code == ASSAY_E_NOMEM ? EXIT_TROUBLE : EXIT_NO;
}

static int
print_session(const struct session *s)
{
	static const struct {
		const char *suffix, *what;
	} files[] = {
		{ "_godh.b64", "QEMU's dh-cert-file" },
		{ "_session.b64", "QEMU's session-file" },
		{ "_tek.bin", "secret: encrypts what goes into the guest" },
		{ "_tik.bin", "secret: tells the guest's measurement" },
		{ ".launch.json", "the launch's record, which verifiers get" },
		{ "_owner.pem", "secret: the owner's key, made now; signs records" },
		{ "_owner.jwk", "its public half, for those who verify (--signer)" },
	};
	struct screen out;
	int rc = screen_open(&out, s->args);

	for (size_t i = 0; rc == 0 && i < (s->made_owner ? 7U : 5U); i++) {
		char name[ASSAY_LAUNCH_NAME_MAX + 32];
		snprintf(name, sizeof name, "%s%s", s->name, files[i].suffix);
		screen_text(&out, name);
		screen_pad(&out, strlen(name), 24);
		fprintf(out.to, "  %s\n", files[i].what);
	}
	return rc == 0 ? screen_close(&out, false, EXIT_YES) : rc;
}

static int
session(struct session *s, struct chain *c, struct appraisal *a)
{
	uint32_t policy = 0;
	int rc;

	s->folder = args_value(s->args, OPT_FOLDER);
	s->name = args_value(s->args, OPT_NAME);
	if (s->folder == NULL)
		s->folder = ".";
	if (s->name == NULL)
		return misused(
		    s->args->command, "--name NAME is missing: what the guest is called");
	if (strchr(s->name, '/') != NULL)
		return misused(s->args->command,
		    "--name: \"%.40s\" is no name; where the files go, --output says", s->name);
	if ((rc = read_policy(s->args, &policy)) != 0 || (rc = check_place(s)) != 0 ||
	    (rc = prepare(c, a, s->args)) != 0 || (rc = must_be_genuine(c, a)) != 0 ||
	    (rc = take_owner(s)) != 0 || (rc = make_session(s, c, policy)) != 0 ||
	    (rc = put_session(s)) != 0)
		return rc;
	return print_session(s);
}

static int
run_session(const struct args *args)
{
	struct appraisal a = { .args = args };
	struct chain c = { .args = args };
	struct session s = { .args = args };
	int rc;

	if (!args_operands(args, 1, CHAIN_FILES_MAX))
		return EXIT_USAGE;
	rc = session(&s, &c, &a);
	explicit_bzero(&s.keys, sizeof s.keys);
	assay_launch_free(s.launch);
	assay_jwk_free(s.owner);
	chain_clear(&c);
	appraise_clear(&a);
	return rc;
}

/* ----------------------------------------------------------------------------------------- */

static const char chain_operands[] =
    "  CHAIN   PDH, PEK, OCA, CEK and, if they are not built in, ASK and ARK: files\n"
    "          (AMD's formats, or base64 of them), several in one, or folders\n";

static const struct option verify_platform_options[] = {
	OPTION_TRUST_ROOT,
	OPTION_TIME,
	OPTION_PLATFORMS,
	OPTIONS_VERDICT,
	OPTION_HELP,
	OPTION_END,
};

const struct command command_launch_verify_platform = {
	.name = "launch verify-platform",
	.arguments = "[options] CHAIN...",
	.summary = "Says whether a SEV platform is AMD's.",
	.operands = chain_operands,
	.words = NULL,
	.options = verify_platform_options,
	.examples = { "assay launch verify-platform chain.bin cek.cert",
	    "assay launch verify-platform --trust-root P/trust-root P/collateral" },
	.exits = "0 genuine, 1 refused, 2 usage, 3 undetermined, 4 trouble",
	.page = "assay-launch",
	.run = run_verify_platform,
};

static const struct option session_options[] = {
	{ OPT_GUEST_POLICY, 0, "guest-policy", "HEX", false, NULL,
	    "the guest's policy; needed, 0xf is strict" },
	{ OPT_NAME, 0, "name", "NAME", false, NULL, "what the guest is called; needed" },
	{ OPT_FOLDER, 'o', "output", "DIR", false, NULL, "where the files go (.)" },
	{ OPT_KEY, 0, "key", "FILE", false, NULL, "the owner's key, PEM or JWK (a new one)" },
	OPTION_TRUST_ROOT,
	OPTION_TIME,
	OPTION_PLATFORMS,
	OPTION_HELP,
	OPTION_END,
};

const struct command command_launch_session = {
	.name = "launch session",
	.arguments = "[options] --guest-policy HEX --name NAME CHAIN...",
	.summary = "Makes the session that a SEV guest is launched with.",
	.operands = chain_operands,
	.words = NULL,
	.options = session_options,
	.examples = { "assay launch session --guest-policy 0xf --name web chain.bin cek.cert",
	    "assay launch session --guest-policy 0x2801000f --name db chain.bin cek.cert" },
	.exits = "0 made, 1 platform refused, 2 usage, 3 undetermined, 4 trouble",
	.page = "assay-launch",
	.run = run_session,
};
