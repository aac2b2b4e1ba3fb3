/* SPDX-License-Identifier: Apache-2.0 */
/* Drives a fuzz target where there is no libFuzzer: replays seeds (the files given, or every vector
 * up to 64 KiB), each also cut short and with single bits flipped. Deterministic: what fails once
 * fails again. */
#include "vectors.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Of files that were given for this target; most vectors are of another format, and soon refused. */
enum { SEED_MAX = 64 * 1024, SAMPLES = 48, SAMPLES_EACH = 8 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t runs;

/* An exact copy on the heap, so that a sanitizer sees the first byte read past the end. */
static void
run(const uint8_t *data, size_t size, size_t flip)
{
	uint8_t *copy = malloc(size > 0 ? size : 1);

	if (copy == NULL)
		abort();
	if (size > 0)
		memcpy(copy, data, size);
	if (flip < 8 * size)
		copy[flip / 8] ^= (uint8_t)(1 << flip % 8);
	(void)LLVMFuzzerTestOneInput(copy, size);
	free(copy);
	runs++;
}

static void
replay(const char *path, struct assay_bytes seed, void *context)
{
	uint32_t state = 2463534242;

	const int *samples = context;

	(void)path;
	if (seed.len > SEED_MAX)
		return;
	run(seed.ptr, seed.len, SIZE_MAX);
	for (int i = 0; i < *samples && seed.len > 0; i++) {
		state = state * 1664525 + 1013904223;
		run(seed.ptr, (state >> 8) % seed.len, SIZE_MAX);
		state = state * 1664525 + 1013904223;
		run(seed.ptr, seed.len, (state >> 8) % (8 * seed.len));
	}
}

int
main(int argc, char **argv)
{
	static const uint8_t nothing[1];
	int samples = argc < 2 ? SAMPLES_EACH : SAMPLES;

	run(nothing, 0, SIZE_MAX);
	for (int i = 1; i < argc; i++) {
		struct assay_bytes seed = vectors_read(argv[i]);
		if (seed.ptr == NULL) {
			fprintf(stderr, "%s: cannot be read\n", argv[i]);
			return 1;
		}
		replay(argv[i], seed, &samples);
		vectors_free(seed);
	}
	if (argc < 2)
		vectors_each("", replay, &samples);
	printf("# %zu inputs\n", runs);
	return 0;
}
