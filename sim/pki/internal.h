/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SIM_PKI_INTERNAL_H
#define SIM_PKI_INTERNAL_H

#include "pki/pki.h"

enum { KEYS_MAX = 128 };

struct block;
struct sim {
	uint64_t seed;
	void *library; /* OSSL_LIB_CTX */
	struct block *blocks;
	struct sim_key *keys[KEYS_MAX];
	size_t key_count;
};

/* The two primes of each RSA key, in hex. */
struct test_key {
	const char *label;
	const char *p, *q;
};
extern const struct test_key sim_test_keys[];
extern const size_t sim_test_key_count;

#endif
