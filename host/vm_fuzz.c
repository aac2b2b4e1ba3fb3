/* SPDX-License-Identifier: Apache-2.0 */
#include "vm.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is read is printed so that it reads as the same. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct vm_spec vm, again;
	char *text = malloc(size + 1), out[VM_TEXT_ROOM], why[VM_WHY_ROOM] = "";

	if (text == NULL)
		return 0;
	if (size > 0)
		memcpy(text, data, size);
	text[size] = '\0';
	if (!vm_spec_read(&vm, text, why)) {
		if (why[0] == '\0')
			abort();
	} else {
		vm_spec_print(out, &vm);
		if (!vm_spec_read(&again, out, why) || strcmp(vm.name, again.name) != 0 ||
		    vm.cid != again.cid || strcmp(vm.socket, again.socket) != 0 ||
		    strcmp(vm.monitor, again.monitor) != 0 || vm.adapter != again.adapter ||
		    vm.tdx != again.tdx || vm.pid != again.pid || vm.loopback != again.loopback ||
		    !vm_spec_clash(&vm, &again, why))
			abort();
		if (vm.cid == CID_HOST || (vm.cid == CID_LOOPBACK && !vm.loopback))
			abort();
	}
	free(text);
	return 0;
}
