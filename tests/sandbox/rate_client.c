/* SPDX-License-Identifier: Apache-2.0 */
/* Attestations through configfs-tsm, one behind the other, each in an entry of its own, as
 * go-configfs-tsm makes them. Arguments: how many; prints how many a second. */
#include "tsm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

int
main(int argc, char **argv)
{
	long count = argc > 1 ? strtol(argv[1], NULL, 10) : 1000;
	static uint8_t out[65536];
	struct timespec a, b;
	uint8_t nonce[64] = { 0 };

	clock_gettime(CLOCK_MONOTONIC, &a);
	for (long i = 0; i < count; i++) {
		memcpy(nonce, &i, sizeof i);
		ssize_t n = tsm_attest("rate", nonce, out, sizeof out);
		if (n < 1000 || memcmp(tsm_report_data(out, (size_t)n), nonce, 64) != 0) {
			fprintf(stderr, "attestation %ld: %zd\n", i, n);
			return 1;
		}
	}
	clock_gettime(CLOCK_MONOTONIC, &b);
	double s = (double)(b.tv_sec - a.tv_sec) + (double)(b.tv_nsec - a.tv_nsec) / 1e9;
	printf("%.0f\n", (double)count / s);
	return 0;
}
