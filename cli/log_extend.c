/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <assay/eventlog.h>
#include <assay/guest.h>

#include "command.h"
#include "guest.h"
#include "input.h"
#include "json.h"
#include "screen.h"
#include "value.h"

enum { NAME_MAX_LEN = 32, HEX_MAX = 2 * ASSAY_LOG_DIGEST_MAX + 1 };

/* One event, from what was asked to what became of the register. */
struct extension {
	const struct args *args;
	char name[NAME_MAX_LEN]; /* of the register, as the kernel has it */
	struct input data;
	uint8_t given[ASSAY_LOG_DIGEST_MAX];
	struct assay_log_digest digest;
	uint8_t *record;
	size_t record_len;
	struct assay_guest_register before, after;
};

/* --- what was asked -------------------------------------------------------------------------- */

static int
failed(const struct extension *x, enum assay_code code, const struct assay_error *err)
{
	complain(x->args->command, "%s", err->text);
	return guest_exit(code);
}

/* Everything that can be wrong is found before the register is touched. */
static int
read_event(struct extension *x)
{
	const struct args *args = x->args;
	const char *reg = args_value(args, OPT_REGISTER), *type = args_value(args, OPT_TYPE);
	const char *digest = args_value(args, OPT_DIGEST);
	struct assay_error err = { .text = "" };
	size_t len = 0;
	int rc;

	if (!args_operands(args, 0, 1))
		return EXIT_USAGE;
	if (reg == NULL || type == NULL)
		return misused(args->command, "--%s is missing", reg == NULL ? "register" : "type");
	if (digest == NULL && args->operand_count == 0)
		return misused(args->command, "--digest or DATA is needed");
	if (args_has(args, OPT_RAW) && args_has(args, OPT_JSON))
		return misused(args->command, "--raw and --json: one of the two");
	if (args_has(args, OPT_RAW) && args_value(args, OPT_OUTPUT) == NULL &&
	    isatty(STDOUT_FILENO))
		return misused(args->command,
		    "a record is not written to a terminal; give -o FILE, or -o - to do it all the "
		    "same");
	if (digest != NULL &&
	    (rc = value_bytes(args, x->given, sizeof x->given, &len, "digest", digest)) != 0)
		return rc;
	if (digest != NULL && len == 0)
		return misused(args->command, "--digest: is empty");
	if (args->operand_count > 0 &&
	    (rc = input_read(args->command, &x->data, args->operands[0], "the data")) != 0)
		return rc;
	struct assay_log_new event = {
		.reg = reg, .type = type, .digest = { x->given, len }, .data = input_bytes(&x->data)
	};
	enum assay_code code =
	    assay_log_record_write(&x->record, &x->record_len, &x->digest, &event, &err);
	if (code != ASSAY_OK)
		return failed(x, code, &err);
	for (size_t i = 0; i < sizeof x->name - 1 && reg[i] != '\0'; i++)
		x->name[i] = (char)(reg[i] >= 'A' && reg[i] <= 'Z' ? reg[i] - 'A' + 'a' : reg[i]);
	return 0;
}

/* --- the register ---------------------------------------------------------------------------- */

static enum assay_code
look(struct assay_guest_register *out, const struct extension *x, struct assay_error *err)
{
	struct assay_guest_register *all = NULL;
	size_t count = 0, i = 0;
	enum assay_code rc = assay_guest_registers_read(&all, &count, NULL, err);

	if (rc != ASSAY_OK)
		return rc;
	while (i < count && strcmp(all[i].name, x->name) != 0)
		i++;
	if (i < count) {
		*out = all[i];
	} else {
		snprintf(err->text, sizeof err->text, "register %s: the kernel has none", x->name);
		rc = ASSAY_E_INCOMPLETE;
	}
	free(all);
	return rc;
}

static int
extend(struct extension *x)
{
	struct assay_bytes digest = { x->digest.bytes, x->digest.size };
	struct assay_error err = { .text = "" };
	enum assay_code rc = look(&x->before, x, &err);

	if (rc == ASSAY_OK)
		rc = assay_guest_register_extend(x->name, digest, NULL, &err);
	if (rc != ASSAY_OK)
		return failed(x, rc, &err);
	rc = look(&x->after, x, &err);
	if (rc != ASSAY_OK)
		complain(x->args->command, "register %s was extended, and cannot be read: %s",
		    x->name, err.text);
	return rc == ASSAY_OK ? 0 : EXIT_TROUBLE;
}

/* --- the answer ------------------------------------------------------------------------------ */

static void
json_hex(struct json *j, const char *name, const uint8_t *bytes, size_t len)
{
	char hex[HEX_MAX];

	for (size_t i = 0; i < len; i++)
		snprintf(hex + 2 * i, 3, "%02x", bytes[i]);
	hex[2 * len] = '\0';
	json_text(j, name, hex);
}

static void
put_json(struct screen *s, const struct extension *x)
{
	struct json j = { .to = s->to };

	json_open(&j, NULL, '{');
	json_text(&j, "register", x->name);
	json_text(&j, "type", args_value(x->args, OPT_TYPE));
	json_hex(&j, "digest", x->digest.bytes, x->digest.size);
	json_hex(&j, "before", x->before.value, x->before.len);
	json_hex(&j, "after", x->after.value, x->after.len);
	json_close(&j, '}');
	fputc('\n', s->to);
}

static void
put_screen(struct screen *s, const struct extension *x)
{
	fprintf(
	    s->to, "EXTENDED  %s; no log has the event yet: --raw writes its record\n\n", x->name);
	screen_hex(s, "before", (struct assay_bytes){ x->before.value, x->before.len });
	screen_hex(s, "digest", (struct assay_bytes){ x->digest.bytes, x->digest.size });
	screen_hex(s, "after", (struct assay_bytes){ x->after.value, x->after.len });
}

static int
answer(const struct extension *x)
{
	const struct args *args = x->args;
	struct screen s;
	int rc = screen_open(&s, args);

	if (rc == 0) {
		if (args_has(args, OPT_RAW))
			fwrite(x->record, 1, x->record_len, s.to);
		else if (args_has(args, OPT_JSON))
			put_json(&s, x);
		else
			put_screen(&s, x);
		rc = screen_close(&s, args_has(args, OPT_QUIET), EXIT_YES);
	}
	if (rc != EXIT_YES)
		complain(args->command, "register %s was extended all the same", x->name);
	return rc;
}

/* --------------------------------------------------------------------------------------------- */

static int
run(const struct args *args)
{
	struct extension x = { .args = args };
	int rc = read_event(&x);

	if (rc == 0)
		rc = extend(&x);
	if (rc == 0)
		rc = answer(&x);
	free(x.record);
	input_clear(&x.data);
	return rc;
}

static const struct option options[] = {
	{ OPT_REGISTER, 0, "register", "R", false, "rtmr2|rtmr3", "rtmr2 or rtmr3" },
	{ OPT_TYPE, 0, "type", "T", false, NULL,
	    "the event's: a TCG name such as EV_IPL, or AAEL" },
	{ OPT_DIGEST, 0, "digest", "HEX", false, NULL, "48 bytes (SHA-384 of the data)" },
	{ OPT_RAW, 0, "raw", NULL, false, NULL, "the event's record, to append to a log" },
	OPTION_JSON,
	OPTION_OUTPUT,
	{ OPT_QUIET, 'q', "quiet", NULL, false, NULL, "print no answer, only exit" },
	OPTION_COLOR,
	OPTION_HELP,
	OPTION_END,
};

const struct command command_log_extend = {
	.name = "log extend",
	.arguments = "[options] --register R --type T [DATA]",
	.summary = "Extends a register of this machine by an event.",
	.operands = "  DATA   a file with the event's data, or - for standard input\n",
	.words = NULL,
	.options = options,
	.examples = { "assay log extend --register rtmr3 --type EV_IPL config.json",
	    "assay log extend --register rtmr3 --type AAEL --raw -o record -" },
	.exits = "0 done, 2 usage, 3 no such register here, 4 trouble",
	.page = "assay-log",
	.run = run,
};
