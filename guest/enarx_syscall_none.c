/* SPDX-License-Identifier: Apache-2.0 */
/* CPUs for which Enarx has no keeps. */
#include "internal.h"

#include <errno.h>

long
guest_enarx_call(const void *nonce, size_t nonce_len, void *buf, size_t len, size_t *technology)
{
	(void)nonce;
	(void)nonce_len;
	(void)buf;
	(void)len;
	(void)technology;
	return -ENOSYS;
}
