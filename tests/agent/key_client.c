/* SPDX-License-Identifier: Apache-2.0 */
/* get_attestation() as a program calls it: prints the result of the query, of the call, and the bytes in
 * hex. Arguments: the nonce's length, the buffer's length (0: as the query said). */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <assay/guest.h>

int
main(int argc, char **argv)
{
	unsigned char nonce[128] = { 0x4e };
	size_t technology = 77, nonce_len = argc > 1 ? strtoul(argv[1], NULL, 10) : 64;
	size_t room = argc > 2 ? strtoul(argv[2], NULL, 10) : 0;

	errno = 0;
	long need = (long)get_attestation(NULL, 0, NULL, 0, &technology);
	printf("query %ld %s technology %zu\n", need, need < 0 ? strerror(errno) : "-", technology);
	if (need < 0)
		return 1;
	if (room == 0)
		room = (size_t)need;
	unsigned char *buf = calloc(1, room + 1);
	technology = 77;
	long got = (long)get_attestation(nonce, nonce_len, buf, room, &technology);
	printf("call %ld %s technology %zu\n", got, got < 0 ? strerror(errno) : "-", technology);
	for (long i = 0; i < got; i++)
		printf("%02x", buf[i]);
	puts("");
	free(buf);
	return got < 0;
}
