/* SPDX-License-Identifier: Apache-2.0 */
#include "ipc.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is read is written back byte by byte, and all of it can be touched. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ipc_message m;
	size_t whole = ipc_size((struct assay_bytes){ data, size });
	size_t len = 0;
	uint8_t *again;
	char text[32];
	uint64_t n;

	if (whole != SIZE_MAX && whole > IPC_MESSAGE_MAX)
		abort();
	if (!ipc_read(&m, (struct assay_bytes){ data, size }))
		return 0;
	if (whole != size || m.count > IPC_FIELDS_MAX)
		abort();
	for (size_t i = 0; i < IPC_FIELDS_MAX + 1; i++) {
		(void)ipc_get_u64(&n, &m, i);
		if (ipc_get_text(text, sizeof text, &m, i) && strlen(text) >= sizeof text)
			abort();
	}
	if ((again = ipc_write(&len, &m)) == NULL)
		return 0;
	if (len != size || memcmp(again, data, size) != 0)
		abort();
	free(again);
	return 0;
}
