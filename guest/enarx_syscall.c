/* SPDX-License-Identifier: Apache-2.0 */
/* x86-64: the call returns in two registers, which syscall(2) does not pass on. */
#include "internal.h"

enum { GET_ATT = 0xEA01 };

long
guest_enarx_call(const void *nonce, size_t nonce_len, void *buf, size_t len, size_t *technology)
{
	register size_t r10 __asm__("r10") = len;
	register size_t r8 __asm__("r8") = 0;
	register size_t r9 __asm__("r9") = 0;
	long rax = GET_ATT;
	size_t rdx = (size_t)(uintptr_t)buf;

	__asm__ volatile("syscall"
			 : "+a"(rax), "+d"(rdx)
			 : "D"(nonce), "S"(nonce_len), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	if (rax >= 0)
		*technology = rdx;
	return rax;
}
