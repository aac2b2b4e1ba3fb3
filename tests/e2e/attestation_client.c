/* SPDX-License-Identifier: Apache-2.0 */
/* get_attestation() as a program of a user's calls it. Arguments: the technology that must be
 * found, and where the attestation goes; without them there must be no TEE. */
#include "tap.h"

#include <assay/guest.h>

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NONCE = 64, UNTOUCHED = 77 };

static uint8_t nonce[NONCE];
static size_t technology;

/* The result with errno and technology fresh. */
static ssize_t
call(void *n, size_t n_len, void *buf, size_t len)
{
	technology = UNTOUCHED;
	errno = 0;
	return get_attestation(n, n_len, buf, len, &technology);
}

static void
fails(ssize_t got, int error, const char *what)
{
	ok(got == -1 && errno == error && technology == UNTOUCHED, errno, "%s", what);
}

static int
outside(void)
{
	uint8_t buf[64];

	ok(call(nonce, NONCE, buf, sizeof buf) == 0 && technology == 0, errno,
	    "no TEE: 0 and technology 0");
	ok(call(NULL, 0, NULL, 0) == 0 && technology == 0, errno, "a query too");
	ok(call(NULL, 3, (void *)1, SIZE_MAX) == 0 && technology == 0, errno,
	    "whatever the arguments");
	return done();
}

int
main(int argc, char **argv)
{
	if (argc < 3)
		return outside();
	size_t wanted = (size_t)atoi(argv[1]);
	for (size_t i = 0; i < NONCE; i++)
		nonce[i] = (uint8_t)i;

	ssize_t size = call(NULL, 0, NULL, 0);
	ok(size > 1184 && technology == wanted, size, "a query gives a length, and technology %zu",
	    wanted);
	ok(call((void *)1, 3, NULL, SIZE_MAX) == size, errno, "a query looks at nothing else");
	uint8_t *buf = malloc((size_t)size);
	if (buf == NULL)
		return 1;
	memset(buf, 0x5a, (size_t)size);

	fails(call(nonce, NONCE - 1, buf, (size_t)size), EINVAL, "a nonce of 63 bytes is EINVAL");
	fails(call(nonce, NONCE + 1, buf, (size_t)size), EINVAL, "one of 65 too");
	fails(call(nonce, 0, buf, (size_t)size), EINVAL, "and none");
	fails(call(nonce, NONCE, buf, (size_t)SSIZE_MAX + 1), EINVAL,
	    "a length over SSIZE_MAX is EINVAL");
	fails(call(nonce, NONCE, buf, 0), EMSGSIZE, "no room is EMSGSIZE");
	fails(call(nonce, NONCE, buf, 1000), EMSGSIZE, "too little room is EMSGSIZE");
	fails(call(NULL, NONCE, buf, (size_t)size), EFAULT, "a nonce at NULL is EFAULT");
	fails(
	    call((void *)1, NONCE, buf, (size_t)size), EFAULT, "a nonce that is nowhere is EFAULT");
	fails(call(nonce, NONCE, (void *)1, (size_t)size), EFAULT,
	    "a buffer that is nowhere is EFAULT");
	errno = 0;
	ok(get_attestation(nonce, NONCE, buf, (size_t)size, NULL) == -1 && errno == EFAULT, errno,
	    "no place for the technology is EFAULT");
	bool touched = false;
	for (ssize_t i = 0; i < size; i++)
		touched |= buf[i] != 0x5a;
	ok(!touched, 0, "none of these wrote to the buffer");

	ssize_t got = call(nonce, NONCE, buf, (size_t)size);
	ok(got > 1184 && got <= size && technology == wanted, got,
	    "an attestation, of technology %zu", wanted);
	FILE *f = fopen(argv[2], "wb");
	ok(f != NULL && got > 0 && fwrite(buf, 1, (size_t)got, f) == (size_t)got && fclose(f) == 0,
	    errno, "written");
	free(buf);
	return done();
}
