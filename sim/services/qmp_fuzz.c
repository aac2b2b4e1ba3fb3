/* SPDX-License-Identifier: Apache-2.0 */
/* A client of QMP: the first byte says in pieces of which size its bytes come. Whatever it says, each
 * line that comes back is JSON, and a message or an event. */
#include "services/qmp.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
hear(void *arg, const char *line, size_t n)
{
	json_error_t error;
	json_t *message = json_loadb(line, n, JSON_REJECT_DUPLICATES, &error);

	(void)arg;
	if (json_object_get(message, "return") == NULL &&
	    json_object_get(message, "error") == NULL &&
	    json_object_get(message, "event") == NULL && json_object_get(message, "QMP") == NULL)
		abort();
	json_decref(message);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char hello[] = "{\"execute\":\"qmp_capabilities\"}";
	static const uint8_t image[4096];
	static struct sim_sev_firmware *fw;
	struct sim_sev_vm *vm = NULL;
	char why[256];

	if (fw == NULL) {
		struct sim *seeded = sim_new(1);
		struct sim_sev platform;
		sim_sev_new(&platform, seeded, "Milan", false);
		fw = sim_sev_firmware_new(&platform);
		sim_free(seeded);
		if (sim_sev_init(fw, false) != 0)
			abort();
	}
	if (size == 0)
		return 0;
	const struct sim_sev_vm_plan plan = { .fw = fw,
		.guest = { image, sizeof image, 0, 0x0b, false } };
	if (sim_sev_vm_new(&vm, &plan, why) != 0)
		abort();
	struct sim_qmp *q = sim_qmp_new(vm, hear, NULL);
	size_t piece = (data[0] & 0x7fU) + 1U;
	bool on = data[0] < 0x80 || sim_qmp_hear(q, hello, sizeof hello - 1);
	for (size_t at = 1; on && at < size; at += piece) {
		char part[128];
		size_t n = size - at < piece ? size - at : piece;
		memcpy(part, data + at, n);
		on = sim_qmp_hear(q, part, n);
	}
	sim_qmp_free(q);
	sim_sev_vm_free(vm);
	return 0;
}
