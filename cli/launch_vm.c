/* SPDX-License-Identifier: Apache-2.0 */
/* Source: QEMU, qapi/misc-i386.json. */
#include "launch_vm.h"

#include <inttypes.h>
#include <string.h>

#include "command.h"
#include "value.h"

static int
no_answer(const struct launch_vm *vm, const char *why)
{
	complain(vm->args->command, "%s: %s", vm->address, why);
	return EXIT_TROUBLE;
}

static bool
take_byte(uint8_t *out, const json_t *from, const char *name)
{
	const json_t *got = json_object_get(from, name);

	if (!json_is_integer(got) || json_integer_value(got) < 0 || json_integer_value(got) > 255)
		return false;
	*out = (uint8_t)json_integer_value(got);
	return true;
}

/* The state is the VMM's: before that of LAUNCH_MEASURE there is nothing to ask, and after it the guest
 * runs and takes no secret. */
static int
check_state(const struct launch_vm *vm, const json_t *sev)
{
	const char *state = json_string_value(json_object_get(sev, "state"));
	const char *type = json_string_value(json_object_get(sev, "sev-type"));

	if (type != NULL && strcmp(type, "sev") != 0) {
		complain(vm->args->command,
		    "%s: its guest is of %.40s, and launches of SEV and SEV-ES alone have an "
		    "owner's "
		    "session",
		    vm->address, type);
		return EXIT_NO;
	}
	if (state != NULL && strcmp(state, "launch-secret") == 0)
		return 0;
	complain(vm->args->command,
	    "%s: the guest is in state \"%.40s\", must be \"launch-secret\": measured, and not "
	    "started "
	    "yet (qemu -S)",
	    vm->address, state != NULL ? state : "");
	return EXIT_NO;
}

static int
take_sev(struct launch_vm *vm, const json_t *sev)
{
	const json_t *policy = json_object_get(sev, "policy");
	int rc;

	if (!json_is_true(json_object_get(sev, "enabled"))) {
		complain(vm->args->command, "%s: its guest is not under SEV", vm->address);
		return EXIT_NO;
	}
	if ((rc = check_state(vm, sev)) != 0)
		return rc;
	if (!take_byte(&vm->answer.api.major, sev, "api-major") ||
	    !take_byte(&vm->answer.api.minor, sev, "api-minor") ||
	    !take_byte(&vm->answer.api.build, sev, "build-id") || !json_is_integer(policy) ||
	    json_integer_value(policy) < 0 || json_integer_value(policy) > UINT32_MAX)
		return no_answer(vm,
		    "query-sev: lacks one of api-major, api-minor, build-id and policy, or has "
		    "what is "
		    "none");
	vm->policy = (uint32_t)json_integer_value(policy);
	return 0;
}

static int
take_measure(struct launch_vm *vm, const json_t *measure)
{
	const char *text = json_string_value(json_object_get(measure, "data"));
	uint8_t both[ASSAY_LAUNCH_ANSWER_SIZE];
	size_t len = 0;

	if (text == NULL || !value_unbase64(both, sizeof both, &len, text) || len != sizeof both)
		return no_answer(vm, "query-sev-launch-measure: has no measurement of 48 bytes");
	memcpy(vm->answer.measure, both, sizeof vm->answer.measure);
	memcpy(vm->answer.mnonce, both + sizeof vm->answer.measure, sizeof vm->answer.mnonce);
	return 0;
}

static int
take(struct launch_vm *vm, const char *command, int (*taken)(struct launch_vm *, const json_t *))
{
	char why[QMP_WHY] = "";
	json_t *answer = qmp_ask(vm->qmp, command, NULL, why);
	int rc = answer != NULL ? taken(vm, answer) : no_answer(vm, why);

	json_decref(answer);
	return rc;
}

int
launch_vm_open(struct launch_vm *vm, const struct args *args)
{
	int64_t timeout_s;
	char why[QMP_WHY] = "";
	bool bad = false;
	int rc;

	*vm = (struct launch_vm){ .args = args, .address = args_value(args, OPT_QMP) };
	if ((rc = value_timeout(args, &timeout_s)) != 0)
		return rc;
	vm->qmp = qmp_open(vm->address, timeout_s, &bad, why);
	if (bad)
		return misused(args->command, "--qmp: \"%.60s\" %s", vm->address, why);
	if (vm->qmp == NULL)
		return no_answer(vm, why);
	if ((rc = take(vm, "query-sev", take_sev)) != 0)
		return rc;
	return take(vm, "query-sev-launch-measure", take_measure);
}

void
launch_vm_close(struct launch_vm *vm)
{
	qmp_close(vm->qmp);
	vm->qmp = NULL;
}

int
launch_vm_do(struct launch_vm *vm, const char *command, json_t *arguments)
{
	char why[QMP_WHY] = "";
	json_t *answer = qmp_ask(vm->qmp, command, arguments, why);
	int rc = answer != NULL ? 0 : no_answer(vm, why);

	json_decref(answer);
	return rc;
}
