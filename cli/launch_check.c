/* SPDX-License-Identifier: Apache-2.0 */
/* Is what was launched what its owner expects? */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "json.h"
#include "launch_files.h"
#include "launch_vm.h"
#include "measure.h"
#include "screen.h"
#include "value.h"

struct check {
	const struct args *args;
	struct launch_files files;
	struct launch_vm vm;
	struct assay_launch_answer answer;
	uint8_t expected[ASSAY_LAUNCH_DIGEST_SIZE]; /* the digest */
	struct assay_sev_api floor;
	uint8_t want[ASSAY_LAUNCH_MEASURE_SIZE]; /* MEASURE of it */
	bool computed;
	size_t area; /* for secrets; 0: no image was given */
};

/* --- what is given ----------------------------------------------------------------------- */

static int
take_version(const struct args *args, enum option_id id, uint8_t *out)
{
	const char *text = args_value(args, id);
	char *end = NULL;

	if (text == NULL)
		return misused(args->command,
		    "--measurement goes with --api-major, --api-minor and --build-id: what the "
		    "firmware says of itself is measured");
	unsigned long n = strtoul(text, &end, 10);
	if (text[0] < '0' || text[0] > '9' || *end != '\0' || n > 255)
		return misused(args->command, "--%s: \"%.20s\" is no number up to 255",
		    args_name(args, id), text);
	*out = (uint8_t)n;
	return 0;
}

/* As sevctl takes it: base64, or the path of a file. */
static int
take_plain(const struct args *args, const char *text, uint8_t *out, size_t max, size_t *len)
{
	struct input in = { 0 };

	if (value_unbase64(out, max, len, text) && *len == max)
		return 0;
	int rc = input_read(args->command, &in, text, "a measurement");
	if (rc == 0 && in.len == max) {
		memcpy(out, in.data, max);
		*len = max;
	} else if (rc == 0) {
		char copy[128] = "";
		memcpy(copy, in.data, in.len < sizeof copy - 1 ? in.len : sizeof copy - 1);
		copy[strcspn(copy, "\r\n")] = '\0';
		if (!value_unbase64(out, max, len, copy))
			*len = 0;
	}
	input_clear(&in);
	return rc;
}

static int
take_measurement(struct check *c)
{
	uint8_t both[ASSAY_LAUNCH_ANSWER_SIZE];
	const char *text = "";
	bool plain = false;
	size_t len = 0;
	int rc;

	for (size_t i = 0; i < c->args->given_count; i++)
		if (c->args->given[i].option->id == OPT_MEASUREMENT) {
			text = c->args->given[i].value;
			plain = c->args->given[i].alias != NULL;
		}
	rc = plain ? take_plain(c->args, text, both, sizeof both, &len)
		   : value_bytes(c->args, both, sizeof both, &len, "measurement", text);
	if (rc != 0)
		return rc;
	if (len != sizeof both)
		return misused(c->args->command,
		    "--measurement: is %zu bytes, want %zu: MEASURE and MNONCE, as the VMM gives "
		    "them",
		    len, sizeof both);
	memcpy(c->answer.measure, both, sizeof c->answer.measure);
	memcpy(c->answer.mnonce, both + sizeof c->answer.measure, sizeof c->answer.mnonce);
	if ((rc = take_version(c->args, OPT_API_MAJOR, &c->answer.api.major)) != 0 ||
	    (rc = take_version(c->args, OPT_API_MINOR, &c->answer.api.minor)) != 0)
		return rc;
	return take_version(c->args, OPT_BUILD_ID, &c->answer.api.build);
}

/* "1.55" or "1.55.24" */
static int
take_floor(struct check *c)
{
	const char *text = args_value(c->args, OPT_MIN_API);
	unsigned part[3] = { 0, 0, 0 };
	size_t n = 0;

	if (text == NULL)
		return 0;
	const char *at = text;
	for (; n < 3 && *at >= '0' && *at <= '9'; n++) {
		char *end;
		unsigned long v = strtoul(at, &end, 10);
		part[n] = v <= 255 ? (unsigned)v : 256;
		at = end;
		if (*at == '.' && n < 2 && at[1] != '\0')
			at++;
	}
	if (*at != '\0' || n < 2 || part[0] > 255 || part[1] > 255 || part[2] > 255)
		return misused(c->args->command,
		    "--min-api: \"%.20s\" is no version; write MAJOR.MINOR or MAJOR.MINOR.BUILD",
		    text);
	c->floor = (struct assay_sev_api){ (uint8_t)part[0], (uint8_t)part[1], (uint8_t)part[2] };
	return 0;
}

static int
take_digest(struct check *c)
{
	static const enum option_id parts[] = { OPT_OVMF, OPT_KERNEL, OPT_INITRD, OPT_APPEND,
		OPT_VCPUS, OPT_VCPU_TYPE, OPT_VCPU_SIG, OPT_VCPU_FAMILY, OPT_VCPU_MODEL,
		OPT_VCPU_STEPPING, OPT_VMM_TYPE, OPT_VMSA_FIRST, OPT_VMSA_FURTHER };
	const char *text = args_value(c->args, OPT_DIGEST);
	bool es = strcmp(assay_launch_tee(c->files.launch), "sev-es") == 0;
	size_t len = 0;
	int rc;

	if (text == NULL && !args_has(c->args, OPT_OVMF))
		return misused(c->args->command,
		    "what is expected is missing: --digest HEX (assay measure %s), or --ovmf and "
		    "what "
		    "else is measured",
		    es ? "sev-es" : "sev");
	if (text == NULL)
		return measure_sev(c->args, es, c->expected, &c->area);
	if ((rc = args_refuse(c->args, parts, sizeof parts / sizeof *parts,
		 "--digest says all that is measured")) != 0)
		return rc;
	rc = value_bytes(c->args, c->expected, sizeof c->expected, &len, "digest", text);
	if (rc == 0 && len != sizeof c->expected)
		return misused(
		    c->args->command, "--digest: is %zu bytes, want %zu", len, sizeof c->expected);
	return rc;
}

static int
take_answer(struct check *c)
{
	static const enum option_id told[] = { OPT_API_MAJOR, OPT_API_MINOR, OPT_BUILD_ID };
	bool given = args_has(c->args, OPT_MEASUREMENT);
	int rc;

	if (given == args_has(c->args, OPT_QMP))
		return misused(c->args->command,
		    "one of the two: --qmp ADDR, where the VMM listens, or --measurement, what it "
		    "answered");
	if (given)
		return take_measurement(c);
	if ((rc = args_refuse(
		 c->args, told, sizeof told / sizeof *told, "with --qmp the VMM says it")) == 0 &&
	    (rc = launch_vm_open(&c->vm, c->args)) == 0)
		c->answer = c->vm.answer;
	return rc;
}

/* --- the answer -------------------------------------------------------------------------- */

static void
put_policy(struct screen *s, uint32_t policy)
{
	static const char *const names[] = { "NODBG", "NOKS", "ES", "NOSEND", "DOMAIN", "SEV" };
	char text[128] = "";

	for (size_t i = 0; i < 6; i++)
		if ((policy >> i & 1) != 0) {
			strcat(text, " ");
			strcat(text, names[i]);
		}
	screen_row(s, "policy", "0x%" PRIx32 ":%s", policy, text[0] != '\0' ? text : " nothing");
}

/* Nobody has said how old the firmware may be, neither here nor in the policy. */
static bool
no_floor(const struct check *c)
{
	return args_value(c->args, OPT_MIN_API) == NULL &&
	    assay_launch_policy(c->files.launch) >> 16 == 0;
}

static void
print_text(struct screen *s, const struct check *c, enum assay_code code, const char *why)
{
	const struct assay_launch *l = c->files.launch;

	screen_coloured(
	    s, code == ASSAY_OK ? GREEN : RED, code == ASSAY_OK ? "ACCEPTED" : "REFUSED");
	fprintf(s->to, "  %s: %s\n", assay_launch_name(l),
	    code == ASSAY_OK ? "what was launched is what you expect"
			     : "do not give this guest a secret");
	if (code == ASSAY_OK && no_floor(c))
		fprintf(s->to, "not checked: the firmware's age (give --min-api)\n");
	fputc('\n', s->to);
	if (code != ASSAY_OK) {
		fputs("  ", s->to);
		screen_wrap(s, 2, 2, why);
		fputc('\n', s->to);
	}
	screen_hex(s, "digest", (struct assay_bytes){ c->expected, sizeof c->expected });
	if (c->computed)
		screen_hex(s, "expected", (struct assay_bytes){ c->want, sizeof c->want });
	screen_hex(s, "got", (struct assay_bytes){ c->answer.measure, sizeof c->answer.measure });
	screen_hex(s, "nonce", (struct assay_bytes){ c->answer.mnonce, sizeof c->answer.mnonce });
	screen_row(s, "firmware", "API %u.%u, build %u%s", c->answer.api.major, c->answer.api.minor,
	    c->answer.api.build, code == ASSAY_OK ? "" : ", as the host says");
	put_policy(s, assay_launch_policy(l));
	if (c->area > 0)
		screen_row(s, "secrets", "%zu bytes of room%s", c->area,
		    c->area == ASSAY_LAUNCH_AREA_SIZE ? "" : "; give launch secret --ovmf, too");
}

static void
put_hex(struct json *j, const char *name, const uint8_t *value, size_t n)
{
	char hex[2 * ASSAY_LAUNCH_DIGEST_SIZE + 1];

	for (size_t i = 0; i < n; i++)
		snprintf(hex + 2 * i, 3, "%02x", value[i]);
	json_text(j, name, hex);
}

static void
print_json(struct screen *s, const struct check *c, enum assay_code code, const char *why)
{
	struct json j = { .to = s->to };

	json_open(&j, NULL, '{');
	json_text(&j, "verdict", code == ASSAY_OK ? "accepted" : "refused");
	json_text(&j, "name", assay_launch_name(c->files.launch));
	json_text(&j, "tee", assay_launch_tee(c->files.launch));
	json_text_or_null(&j, "why", why);
	json_uint(&j, "policy", assay_launch_policy(c->files.launch));
	json_open(&j, "api", '{');
	json_uint(&j, "major", c->answer.api.major);
	json_uint(&j, "minor", c->answer.api.minor);
	json_uint(&j, "build", c->answer.api.build);
	json_close(&j, '}');
	put_hex(&j, "digest", c->expected, sizeof c->expected);
	if (c->computed)
		put_hex(&j, "expected", c->want, sizeof c->want);
	put_hex(&j, "got", c->answer.measure, sizeof c->answer.measure);
	put_hex(&j, "nonce", c->answer.mnonce, sizeof c->answer.mnonce);
	json_close(&j, '}');
	fputc('\n', s->to);
}

static int
answer(const struct check *c, enum assay_code code, const char *why)
{
	struct screen s;
	int rc = screen_open(&s, c->args);

	if (rc != 0)
		return rc;
	if (args_has(c->args, OPT_JSON))
		print_json(&s, c, code, why);
	else
		print_text(&s, c, code, why);
	return screen_close(
	    &s, args_has(c->args, OPT_QUIET), code == ASSAY_OK ? EXIT_YES : EXIT_NO);
}

/* The VMM's word for the policy proves nothing; that it is another explains why nothing will fit. */
static const char *
policy_differs(const struct check *c, char why[256])
{
	if (c->vm.qmp == NULL || c->vm.policy == assay_launch_policy(c->files.launch))
		return NULL;
	snprintf(why, 256,
	    "the VMM says the guest's policy is 0x%" PRIx32 ", and the session is for 0x%" PRIx32
	    "; it was started with another session, or policy",
	    c->vm.policy, assay_launch_policy(c->files.launch));
	return why;
}

/* A record that was accepted before, and is not now, must not open the way to its secrets. */
static int
refuse(struct check *c, bool was_checked, enum assay_code code, const char *why)
{
	int saved = 0, rc;

	if (was_checked && assay_launch_stage(c->files.launch) == ASSAY_LAUNCH_SESSION)
		saved = launch_save(&c->files);
	rc = answer(c, code, why);
	return saved != 0 ? saved : rc;
}

static int
judge(struct check *c)
{
	bool was_checked = assay_launch_stage(c->files.launch) == ASSAY_LAUNCH_CHECKED;
	struct assay_error err = { .text = "" };
	char why[256];
	int rc;

	enum assay_code code = assay_launch_check(
	    c->files.launch, c->files.tik, &c->floor, c->expected, &c->answer, c->want, &err);
	c->computed = code == ASSAY_OK || code == ASSAY_E_SIGNATURE;
	if (code == ASSAY_E_NOMEM) {
		complain(c->args->command, "%s", err.text);
		return EXIT_TROUBLE;
	}
	if (code == ASSAY_OK && (rc = launch_save(&c->files)) != 0)
		return rc;
	if (code == ASSAY_OK)
		return answer(c, code, "");
	if (code == ASSAY_E_SIGNATURE && policy_differs(c, why) != NULL)
		return refuse(c, was_checked, code, why);
	return refuse(c, was_checked, code, err.text);
}

static int
run_check(const struct args *args)
{
	struct check c = { .args = args };
	int rc;

	if (!args_operands(args, 0, 0))
		return EXIT_USAGE;
	if ((rc = take_floor(&c)) == 0 && (rc = launch_open(&c.files, args)) == 0 &&
	    (rc = take_digest(&c)) == 0 && (rc = launch_keys(&c.files, false)) == 0 &&
	    (rc = take_answer(&c)) == 0)
		rc = judge(&c);
	launch_vm_close(&c.vm);
	launch_close(&c.files);
	return rc;
}

static const struct option options[] = {
	OPTION_LAUNCH,
	OPTION_QMP,
	{ OPT_MEASUREMENT, 0, "measurement", "BYTES", false, NULL,
	    "or its answer, 48 bytes, with" },
	{ OPT_API_MAJOR, 0, "api-major", "N", false, NULL, "what the firmware says of itself," },
	{ OPT_API_MINOR, 0, "api-minor", "N", false, NULL, "its version and" },
	{ OPT_BUILD_ID, 0, "build-id", "N", false, NULL, "its build" },
	{ OPT_MIN_API, 0, "min-api", "M.N.B", false, NULL, "the oldest firmware that will do" },
	{ OPT_DIGEST, 0, "digest", "HEX", false, NULL, "what is expected; or what it is made of:" },
	{ OPT_OVMF, 0, "ovmf", "FILE", false, NULL, "the firmware" },
	OPTIONS_MEASURE_BOOT,
	OPTIONS_MEASURE_VCPUS,
	OPTIONS_MEASURE_FAMILY,
	OPTIONS_MEASURE_STATES,
	OPTION_OWNER,
	OPTION_TIK,
	OPTION_TIMEOUT,
	OPTION_JSON,
	{ OPT_QUIET, 'q', "quiet", NULL, false, NULL, "print no answer, only exit" },
	OPTION_COLOR,
	OPTION_HELP,
	OPTION_END,
};

const struct command command_launch_check = {
	.name = "launch check",
	.arguments = "[options] --launch FILE --qmp ADDR",
	.summary = "Says whether what was launched is what you expect.",
	.operands = "",
	.words = "",
	.options = options,
	.examples = { "assay launch check --launch web.launch.json --qmp unix:q --digest \"$(cat "
		      "d)\"",
	    "assay launch check --launch web.launch.json --qmp unix:q --ovmf OVMF.fd" },
	.exits = "0 accepted, 1 refused, 2 usage, 4 trouble",
	.page = "assay-launch",
	.run = run_check,
};
