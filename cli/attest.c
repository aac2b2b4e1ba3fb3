/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include <assay/evidence.h>

#include "command.h"
#include "guest.h"
#include "screen.h"
#include "value.h"
#include "watch.h"

enum {
	NONCE_LEAST = 8,
	NAME_COLUMN = 17,
	WORKS_COLUMN = 22,
};

/* --- the request ----------------------------------------------------------------------------- */

struct asking {
	const struct args *args;
	struct assay_guest_request request;
	uint8_t data[ASSAY_GUEST_REPORT_DATA];
	FILE *reasons; /* a line for each provider that did not do */
};

static int
read_report_data(struct asking *a)
{
	const char *nonce = args_value(a->args, OPT_NONCE);
	const char *literal = args_value(a->args, OPT_REPORT_DATA);
	bool random = args_has(a->args, OPT_RANDOM);
	size_t len = sizeof a->data;
	int rc;

	if (nonce == NULL && literal == NULL && !random)
		return misused(a->args->command,
		    "for which challenge? give --nonce HEX, or --report-data HEX, or --random");
	if ((nonce != NULL) + (literal != NULL) + random > 1)
		return misused(
		    a->args->command, "--nonce, --report-data and --random: one of them, not more");
	if (random) {
		if (getrandom(a->data, sizeof a->data, 0) != (ssize_t)sizeof a->data) {
			complain(a->args->command, "the kernel gives no random numbers");
			return EXIT_TROUBLE;
		}
	} else {
		rc = value_bytes(a->args, a->data, sizeof a->data, &len,
		    nonce != NULL ? "nonce" : "report-data", nonce != NULL ? nonce : literal);
		if (rc != 0)
			return rc;
	}
	if (nonce != NULL && len < NONCE_LEAST)
		return misused(a->args->command, "--nonce: is too short: %zu of at least %d bytes",
		    len, NONCE_LEAST);
	if (len == 0)
		return misused(a->args->command, "--report-data: is empty");
	if (args_has(a->args, OPT_BIND) && (rc = value_bind(a->args, a->data, &len)) != 0)
		return rc;
	a->request.report_data = (struct assay_bytes){ a->data, len };
	return 0;
}

static int
read_level(struct asking *a)
{
	const char *text = args_value(a->args, OPT_VMPL);

	if (text == NULL)
		return 0;
	if (text[0] < '0' || text[0] > '3' || text[1] != '\0')
		return misused(a->args->command, "--vmpl: \"%.20s\" is none of 0, 1, 2, 3", text);
	a->request.has_vmpl = true;
	a->request.vmpl = (unsigned)(text[0] - '0');
	return 0;
}

static int
read_endorsements(struct asking *a)
{
	static const char *const names[] = { "auto", "none", "all" };
	const char *text = args_value(a->args, OPT_ENDORSEMENTS);

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (text == NULL || strcmp(text, names[i]) == 0) {
			a->request.endorsements = (enum assay_guest_endorsements)i;
			return 0;
		}
	return misused(
	    a->args->command, "--endorsements: \"%.20s\" is none of auto, none, all", text);
}

static int
read_tee(struct asking *a)
{
	static const struct {
		const char *typed, *tee;
	} names[] = { { "tdx", "tdx" }, { "snp", "snp" }, { "sev-snp", "snp" }, { "sgx", "sgx" },
		{ "sev", "sev" }, { "sev-es", "sev-es" }, { "seves", "sev-es" } };
	const char *text = args_value(a->args, OPT_TEE);

	for (size_t i = 0; text != NULL && i < sizeof names / sizeof *names; i++)
		if (strcmp(text, names[i].typed) == 0)
			a->request.tee = names[i].tee;
	if (text == NULL || a->request.tee != NULL)
		return 0;
	return misused(
	    a->args->command, "--tee: \"%.20s\" is none of tdx, snp, sgx, sev, sev-es", text);
}

static int
read_timeout(struct asking *a)
{
	int64_t seconds;
	int rc = value_timeout(a->args, &seconds);

	a->request.timeout_ms = (int)seconds * 1000;
	return rc;
}

static void
tried(void *arg, const char *provider, const char *why)
{
	struct asking *a = arg;

	fprintf(a->reasons, "%s: %s\n", provider, why);
}

static int
read_request(struct asking *a)
{
	int rc;

	if (args_has(a->args, OPT_RAW) && args_has(a->args, OPT_COCO))
		return misused(a->args->command, "--raw and --coco: one of the two");
	if ((rc = read_report_data(a)) != 0 || (rc = read_level(a)) != 0 ||
	    (rc = read_endorsements(a)) != 0 || (rc = read_tee(a)) != 0)
		return rc;
	a->request.provider = args_value(a->args, OPT_PROVIDER);
	a->request.eventlog = !args_has(a->args, OPT_RAW);
	a->request.tried = tried;
	a->request.arg = a;
	return 0;
}

/* --- the answer ------------------------------------------------------------------------------ */

/* What of it is asked for, into the answer. */
static enum assay_code
put_answer(struct screen *s, const struct args *args, const struct assay_guest_evidence *ev,
    struct assay_error *err)
{
	struct assay_bytes evidence = assay_guest_piece(ev, ASSAY_GUEST_EVIDENCE);
	uint8_t *bundle = NULL;
	char *json = NULL;
	size_t len = 0;
	enum assay_code rc = ASSAY_OK;

	if (args_has(args, OPT_RAW)) {
		fwrite(evidence.ptr, 1, evidence.len, s->to);
	} else if (args_has(args, OPT_COCO)) {
		rc = guest_coco(&json, ev, err);
		if (rc == ASSAY_OK)
			fprintf(s->to, "%s\n", json);
	} else {
		rc = assay_guest_bundle(&bundle, &len, ev, err);
		if (rc == ASSAY_OK)
			fwrite(bundle, 1, len, s->to);
	}
	free(bundle);
	free(json);
	return rc;
}

/* "report v3, 1184 bytes", as a verifier would call it. */
static void
name_kind(char *out, size_t size, const struct assay_guest_evidence *ev)
{
	struct assay_bytes evidence = assay_guest_piece(ev, ASSAY_GUEST_EVIDENCE);
	struct assay_evidence *parsed = NULL;
	struct assay_error err;

	if (assay_evidence_parse(&parsed, evidence, &err) == ASSAY_OK)
		snprintf(out, size, "%s", assay_evidence_kind(parsed));
	else
		snprintf(out, size, "%s evidence, %zu bytes", assay_guest_tee(ev), evidence.len);
	assay_evidence_free(parsed);
}

static void
say_what(const struct asking *a, const struct assay_guest_evidence *ev, int64_t ms)
{
	static const struct {
		enum assay_guest_piece piece;
		const char *name;
	} pieces[] = {
		{ ASSAY_GUEST_CERTIFICATES, "certificates" },
		{ ASSAY_GUEST_COLLATERAL, "collateral" },
		{ ASSAY_GUEST_EVENTLOG, "event log" },
		{ ASSAY_GUEST_MANIFEST, "manifest" },
		{ ASSAY_GUEST_PROOF, "proof" },
	};
	const char *output = args_value(a->args, OPT_OUTPUT);
	char kind[128], with[96] = "", hex[2 * ASSAY_GUEST_REPORT_DATA + 1];
	size_t at = 0;

	name_kind(kind, sizeof kind, ev);
	for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++)
		if (!args_has(a->args, OPT_RAW) && assay_guest_piece(ev, pieces[i].piece).len > 0)
			at += (size_t)snprintf(with + at, sizeof with - at, "%s%s",
			    at > 0 ? ", " : " with ", pieces[i].name);
	complain(a->args->command, "%s: %s%s; %s, %lld ms",
	    output != NULL && strcmp(output, "-") != 0 ? output : "standard output", kind, with,
	    assay_guest_provider(ev), (long long)ms);
	for (size_t i = 0; i < sizeof a->data; i++)
		snprintf(hex + 2 * i, 3, "%02x", a->data[i]);
	if (args_has(a->args, OPT_RANDOM))
		complain(a->args->command, "report data is %s", hex);
}

static int64_t
now_ms(void)
{
	struct timespec t = { 0 };

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* A sentence for each provider: one line would have to leave some out. */
static void
say_why(const struct asking *a, char *reasons, const struct assay_error *err)
{
	const struct command *command = a->args->command;
	char *rest = reasons, *line;

	if (reasons[0] == '\0') {
		complain(command, "%s", err->text);
		return;
	}
	complain(command, "%s",
	    err->code == ASSAY_E_INCOMPLETE ? "no TEE here that gives evidence; of each provider:"
					    : "no provider gave evidence:");
	while ((line = strsep(&rest, "\n")) != NULL)
		if (line[0] != '\0')
			complain(command, "%s", line);
}

static int
collect(struct asking *a)
{
	struct assay_guest_evidence *ev = NULL;
	struct assay_error err = { .text = "" };
	char *reasons = NULL;
	size_t reasons_len = 0;
	struct screen s;
	int64_t before = now_ms();
	int rc;

	a->reasons = open_memstream(&reasons, &reasons_len);
	if (a->reasons == NULL) {
		complain(a->args->command, "out of memory");
		return EXIT_TROUBLE;
	}
	enum assay_code code = guest_collect(&ev, &a->request, &err);
	if (fclose(a->reasons) != 0 || (code != ASSAY_OK && reasons == NULL)) {
		code = ASSAY_E_NOMEM;
		complain(a->args->command, "out of memory");
	} else if (code != ASSAY_OK) {
		say_why(a, reasons, &err);
	}
	free(reasons);
	rc = guest_exit(code);
	if (rc != EXIT_YES || (rc = screen_open(&s, a->args)) != 0) {
		assay_guest_evidence_free(ev);
		return rc;
	}
	code = put_answer(&s, a->args, ev, &err);
	if (code != ASSAY_OK)
		complain(a->args->command, "%s", err.text);
	if (assay_guest_note(ev)[0] != '\0')
		complain(a->args->command, "%s", assay_guest_note(ev));
	if (code != ASSAY_OK)
		s.output = NULL; /* an answer that is none replaces nothing */
	rc = screen_close(&s, code != ASSAY_OK || args_has(a->args, OPT_QUIET), guest_exit(code));
	if (rc == EXIT_YES && args_has(a->args, OPT_VERBOSE))
		say_what(a, ev, now_ms() - before);
	assay_guest_evidence_free(ev);
	return rc;
}

/* --- list ------------------------------------------------------------------------------------ */

static int
list(const struct asking *a)
{
	const char *name;
	struct screen s;
	bool any = false;
	int rc = screen_open(&s, a->args);

	if (rc != 0)
		return rc;
	for (size_t n = 0; (name = assay_guest_provider_name(n)) != NULL; n++) {
		struct assay_error err = { .text = "" };
		enum assay_code code = assay_guest_probe(n, &a->request, &err);
		any |= code == ASSAY_OK;
		screen_text(&s, name);
		screen_pad(&s, screen_columns(name), NAME_COLUMN);
		screen_coloured(
		    &s, code == ASSAY_OK ? GREEN : PLAIN, code == ASSAY_OK ? "yes" : "no");
		screen_pad(&s, NAME_COLUMN + (code == ASSAY_OK ? 3 : 2), WORKS_COLUMN);
		screen_wrap(&s, WORKS_COLUMN, WORKS_COLUMN, err.text);
	}
	return screen_close(&s, args_has(a->args, OPT_QUIET), any ? EXIT_YES : EXIT_UNTOLD);
}

/* --------------------------------------------------------------------------------------------- */

/* The challenge and the reader of the evidence are the server's. */
static int
to_server(struct asking *a)
{
	int rc = 0;

	if ((rc = read_level(a)) != 0 || (rc = read_endorsements(a)) != 0 ||
	    (rc = read_tee(a)) != 0)
		return rc;
	a->request.provider = args_value(a->args, OPT_PROVIDER);
	a->request.eventlog = true;
	return watch(a->args, &a->request);
}

static int
run(const struct args *args)
{
	struct asking a = { .args = args };
	const char *output = args_value(args, OPT_OUTPUT);
	int rc;

	if (!args_operands(args, 0, 0))
		return EXIT_USAGE;
	a.request.qgs = args_value(args, OPT_QGS);
	if ((rc = read_timeout(&a)) != 0)
		return rc;
	if (args_has(args, OPT_TO) || args_has(args, OPT_WATCH))
		return to_server(&a);
	if (args_has(args, OPT_LIST))
		return list(&a);
	if ((rc = read_request(&a)) != 0)
		return rc;
	if (output == NULL && !args_has(args, OPT_COCO) && !args_has(args, OPT_QUIET) &&
	    isatty(STDOUT_FILENO))
		return misused(args->command,
		    "evidence is not written to a terminal; give -o FILE, or -o - to do it all the "
		    "same");
	return collect(&a);
}

static const struct option options[] = {
	{ OPT_NONCE, 'n', "nonce", "HEX", false, NULL, "the verifier's challenge, 8 to 64 bytes" },
	{ OPT_REPORT_DATA, 0, "report-data", "HEX", false, NULL,
	    "the literal report data, up to 64 bytes" },
	{ OPT_RANDOM, 0, "random", NULL, false, NULL, "random report data, for a test" },
	{ OPT_BIND, 0, "bind", "FILE", false, NULL, "a public key, in REPORT_DATA with the nonce" },
	{ OPT_TEE, 0, "tee", "T", false, "tdx|snp|sgx|sev|sev-es",
	    "only from this TEE: tdx, snp, sgx, sev, sev-es" },
	{ OPT_PROVIDER, 0, "provider", "NAME", false,
	    "configfs-tsm|tdx-device|snp-device|sgx-attestation|enarx|sev-es|sev",
	    "only this one of --list (the first that works)" },
	{ OPT_VMPL, 0, "vmpl", "N", false, "0|1|2|3",
	    "snp: privilege level 0 to 3 (the kernel's own)" },
	{ OPT_ENDORSEMENTS, 0, "endorsements", "WHAT", false, "auto|none|all",
	    "auto (what the host has), none, all" },
	{ OPT_QGS, 0, "qgs", "ADDR", false, NULL,
	    "TDX: vsock:host:4050, unix:PATH, tcp:HOST:PORT" },
	OPTION_TIMEOUT,
	{ OPT_RAW, 0, "raw", NULL, false, NULL, "the vendor's bytes alone" },
	{ OPT_COCO, 0, "coco", NULL, false, NULL, "JSON of Confidential Containers" },
	{ OPT_TO, 0, "to", "URL", false, NULL, "prove it to assayd, which gives the nonce" },
	{ OPT_WATCH, 0, "watch", "D", false, NULL, "with --to: again each D, a line per beat" },
	OPTION_CA,
	{ OPT_LIST, 0, "list", NULL, false, NULL,
	    "say of each way to evidence why it works or not" },
	OPTION_OUTPUT,
	{ OPT_QUIET, 'q', "quiet", NULL, false, NULL, "write nothing but to the file of -o" },
	{ OPT_VERBOSE, 'v', "verbose", NULL, false, NULL, "say what was collected, and how" },
	OPTION_COLOR,
	OPTION_HELP,
	OPTION_END,
};

const struct command command_attest = {
	.name = "attest",
	.arguments = "[options] --nonce HEX -o FILE",
	.summary = "Collects evidence of the TEE that it runs in.",
	.operands = "",
	.words = "",
	.options = options,
	.examples = { "assay attest --nonce @nonce -o evidence.cbor", "assay attest --list" },
	.exits = "0 done, 1 refused, 2 usage, 3 no TEE or something is missing, 4 trouble",
	.page = "assay-attest",
	.run = run,
};
