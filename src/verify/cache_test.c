/* SPDX-License-Identifier: Apache-2.0 */
#include "verify/cache.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <pthread.h>

#include "alloc.h"

enum { WAYS = 8, ROOM = 600 }; /* facts that share a place; more than any part of a fact may have */

/* Parts that facts borrow: each longer than is remembered, no two alike. */
static uint8_t keys[ROOM], digests[ROOM], signatures[ROOM];

static int
fill(void **state)
{
	(void)state;
	for (size_t i = 0; i < ROOM; i++) {
		keys[i] = (uint8_t)(i * 7 + 1);
		digests[i] = (uint8_t)(i * 11 + 2);
		signatures[i] = (uint8_t)(i * 13 + 3);
	}
	return 0;
}

static struct fact
make_fact(void)
{
	return (struct fact){ FACT_CERTIFICATE, ASSAY_ECDSA_P256_SHA256,
		{ ASSAY_KEY_P256, { keys, 64 } }, { digests, 32 }, { signatures, 64 } };
}

static struct assay_cache *
make_cache(size_t entries)
{
	struct assay_cache *cache = NULL;

	assert_int_equal(assay_cache_new(&cache, entries, NULL), ASSAY_OK);
	assert_non_null(cache);
	return cache;
}

static void
test_remembers(void **state)
{
	static const size_t sizes[] = { 0, 1, WAYS, WAYS + 1, 1 << 20 };
	(void)state;

	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		struct assay_cache *cache = make_cache(sizes[i]);
		struct fact f = make_fact();
		assert_false(assay_cache_knows(cache, &f));
		assay_cache_learn(cache, &f);
		assert_true(assay_cache_knows(cache, &f));
		assay_cache_learn(cache, &f);
		assert_true(assay_cache_knows(cache, &f));

		/* The bytes count, not where they stand. */
		uint8_t copy[32];
		memcpy(copy, digests, sizeof copy);
		f.digest.ptr = copy;
		assert_true(assay_cache_knows(cache, &f));
		copy[31] ^= 1;
		assert_false(assay_cache_knows(cache, &f));
		assay_cache_free(cache);
	}
}

/* Every field, and every single bit of the bytes, makes another fact. */
static void
test_differs(void **state)
{
	struct assay_cache *cache = make_cache(WAYS); /* one place for all */
	struct fact known = make_fact();
	(void)state;

	assay_cache_learn(cache, &known);
	for (enum fact_role role = FACT_CERTIFICATE; role <= FACT_QE_REPORT; role++) {
		struct fact f = known;
		f.role = role;
		assert_int_equal(assay_cache_knows(cache, &f), role == known.role);
	}
	for (enum assay_scheme s = ASSAY_SCHEME_NONE; s <= ASSAY_RSA_PSS_SHA256; s++) {
		struct fact f = known;
		f.scheme = s;
		assert_int_equal(assay_cache_knows(cache, &f), s == known.scheme);
	}
	for (enum assay_key_kind k = ASSAY_KEY_NONE; k <= ASSAY_KEY_RSA; k++) {
		struct fact f = known;
		f.key.kind = k;
		assert_int_equal(assay_cache_knows(cache, &f), k == known.key.kind);
	}
	for (size_t bit = 0; bit < (size_t)8 * 64; bit++) {
		keys[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_false(assay_cache_knows(cache, &known));
		keys[bit / 8] ^= (uint8_t)(1 << bit % 8);
		signatures[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_false(assay_cache_knows(cache, &known));
		signatures[bit / 8] ^= (uint8_t)(1 << bit % 8);
		if (bit >= (size_t)8 * 32)
			continue;
		digests[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_false(assay_cache_knows(cache, &known));
		digests[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	for (size_t part = 0; part < 3; part++) {
		struct fact f = known;
		struct assay_bytes *b = part == 0 ? &f.key.raw
		    : part == 1                   ? &f.digest
						  : &f.signature;
		b->len--;
		assert_false(assay_cache_knows(cache, &f));
		b->len += 2;
		assert_false(assay_cache_knows(cache, &f));
	}
	assert_true(assay_cache_knows(cache, &known));
	assay_cache_free(cache);
}

/* The same bytes one behind the other, cut at other places, say something else. */
static void
test_boundaries(void **state)
{
	struct assay_cache *cache = make_cache(WAYS);
	static uint8_t run[160];
	struct fact f = make_fact();
	(void)state;

	for (size_t i = 0; i < sizeof run; i++)
		run[i] = (uint8_t)i;
	f.key.raw = (struct assay_bytes){ run, 64 };
	f.digest = (struct assay_bytes){ run + 64, 32 };
	f.signature = (struct assay_bytes){ run + 96, 64 };
	assay_cache_learn(cache, &f);
	assert_true(assay_cache_knows(cache, &f));
	f.digest.len++;
	f.signature = (struct assay_bytes){ run + 97, 63 };
	assert_false(assay_cache_knows(cache, &f));
	f.signature = (struct assay_bytes){ run + 96, 64 };
	f.digest = (struct assay_bytes){ run + 63, 33 };
	f.key.raw.len--;
	assert_false(assay_cache_knows(cache, &f));
	assay_cache_free(cache);
}

/* A fact of the n-th digest whose low 8 bytes, which choose the place, are `place`. */
static struct fact
crowd(uint8_t digest[32], uint8_t place, uint8_t n)
{
	struct fact f = make_fact();

	memset(digest, 0, 32);
	digest[0] = place;
	digest[31] = n;
	f.digest.ptr = digest;
	return f;
}

static void
test_eviction(void **state)
{
	enum { SETS = 4 };
	struct assay_cache *cache = make_cache((size_t)SETS * WAYS);
	uint8_t digest[32], other[32];
	struct fact elsewhere = crowd(other, 1, 0);
	(void)state;

	assay_cache_learn(cache, &elsewhere);
	/* The same place: low bits are equal, whatever the bits above them. */
	for (uint8_t n = 0; n < WAYS; n++) {
		struct fact f = crowd(digest, (uint8_t)(SETS * n), n);
		assay_cache_learn(cache, &f);
		assay_cache_learn(cache, &f); /* takes no second entry */
	}
	for (uint8_t n = 0; n < WAYS; n++) {
		struct fact f = crowd(digest, (uint8_t)(SETS * n), n);
		assert_true(assay_cache_knows(cache, &f));
	}
	/* Each further one makes the oldest go. */
	for (uint8_t n = WAYS; n < 3 * WAYS; n++) {
		struct fact f = crowd(digest, (uint8_t)(SETS * n), n);
		assert_false(assay_cache_knows(cache, &f));
		assay_cache_learn(cache, &f);
		for (uint8_t m = 0; m <= n; m++) {
			struct fact g = crowd(digest, (uint8_t)(SETS * m), m);
			assert_int_equal(assay_cache_knows(cache, &g), m + WAYS > n);
		}
	}
	assert_true(assay_cache_knows(cache, &elsewhere));
	assay_cache_free(cache);
}

static void
test_lengths(void **state)
{
	static const struct {
		size_t key, digest, signature;
		bool fits;
	} cases[] = {
		{ 512, 64, 512, true },
		{ 512, 8, 512, true },
		{ 0, 8, 0, true },
		{ 513, 32, 64, false },
		{ 64, 65, 64, false },
		{ 64, 32, 513, false },
		{ 64, 7, 64, false }, /* the place is chosen by 8 bytes */
		{ 64, 0, 64, false },
		{ ROOM, ROOM, ROOM, false },
		{ SIZE_MAX, 32, 64, false },
		{ 64, 32, SIZE_MAX, false },
		{ (size_t)65536 + 64, 32, 64, false }, /* 64, where only 16 bits are kept */
		{ 64, 32, (size_t)65536 + 64, false },
	};
	(void)state;

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct assay_cache *cache = make_cache(WAYS);
		struct fact f = make_fact(), usual = make_fact();
		f.key.raw.len = cases[i].key;
		f.digest.len = cases[i].digest;
		f.signature.len = cases[i].signature;
		assay_cache_learn(cache, &usual);
		assert_false(assay_cache_knows(cache, &f));
		assay_cache_learn(cache, &f);
		if (assay_cache_knows(cache, &f) != cases[i].fits)
			fail_msg("row %zu", i);
		assert_true(assay_cache_knows(cache, &usual));
		assay_cache_free(cache);
	}
}

static void
test_none(void **state)
{
	struct fact f = make_fact();
	struct assay_cache *cache = NULL;
	struct assay_error err = { ASSAY_OK, "" };
	(void)state;

	assay_cache_learn(NULL, &f);
	assert_false(assay_cache_knows(NULL, &f));
	assay_cache_free(NULL);

	assert_int_equal(assay_cache_new(&cache, ((size_t)1 << 20) + 1, &err), ASSAY_E_USAGE);
	assert_non_null(strstr(err.text, "1048577 entries asked for, at most 1048576"));
	assert_int_equal(assay_cache_new(&cache, SIZE_MAX, &err), ASSAY_E_USAGE);
	assert_null(cache);
}

/* Out of memory: no cache, or nothing remembered; what is known stays. */
static void
test_memory(void **state)
{
	struct assay_cache *cache = NULL;
	struct assay_error err = { ASSAY_OK, "" };
	struct fact f = make_fact(), g = make_fact();
	(void)state;

	for (size_t n = 1;; n++) {
		alloc_fail_at(n);
		enum assay_code rc = assay_cache_new(&cache, 0, &err);
		if (!alloc_failed()) {
			assert_int_equal(rc, ASSAY_OK);
			assert_int_equal(n, 3);
			break;
		}
		assert_int_equal(rc, ASSAY_E_NOMEM);
		assert_int_equal(err.code, ASSAY_E_NOMEM);
		assert_null(cache);
	}
	assay_cache_learn(cache, &f);
	g.role = FACT_CRL;
	alloc_fail_at(1);
	assay_cache_learn(cache, &g);
	assert_true(alloc_failed());
	assert_false(assay_cache_knows(cache, &g));
	assert_true(assay_cache_knows(cache, &f));
	assay_cache_learn(cache, &g);
	assert_true(assay_cache_knows(cache, &g));
	assay_cache_free(cache);
}

enum { THREADS = 4, ROUNDS = 20000 };

struct worker {
	pthread_t thread;
	struct assay_cache *cache;
	uint8_t number;
	size_t lies; /* false facts that were called known */
	size_t hits;
};

/* All learn the same true facts, so entries are found, replaced and freed under each other's eyes.
 * The false ones, which differ in the last byte of the signature, nobody learns. */
static void *
hammer(void *context)
{
	struct worker *w = context;
	uint8_t digest[32], signature[64];

	memcpy(signature, signatures, sizeof signature);
	for (uint32_t i = 0; i < ROUNDS; i++) {
		uint8_t n = (uint8_t)((i * 5 + w->number * 3U) % (3 * WAYS));
		struct fact f = crowd(digest, n % 2, n);
		if (assay_cache_knows(w->cache, &f))
			w->hits++;
		else
			assay_cache_learn(w->cache, &f);
		signature[63] = (uint8_t)(signatures[63] ^ 0x80);
		f.signature.ptr = signature;
		w->lies += assay_cache_knows(w->cache, &f);
	}
	return NULL;
}

static void
test_threads(void **state)
{
	struct worker workers[THREADS];
	struct assay_cache *cache = make_cache((size_t)2 * WAYS);
	size_t hits = 0;
	(void)state;

	for (uint8_t i = 0; i < THREADS; i++) {
		workers[i] = (struct worker){ .cache = cache, .number = i };
		assert_int_equal(pthread_create(&workers[i].thread, NULL, hammer, &workers[i]), 0);
	}
	for (size_t i = 0; i < THREADS; i++) {
		assert_int_equal(pthread_join(workers[i].thread, NULL), 0);
		assert_int_equal(workers[i].lies, 0);
		hits += workers[i].hits;
	}
	assert_true(hits > 0);
	assay_cache_free(cache);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_remembers),
		cmocka_unit_test(test_differs),
		cmocka_unit_test(test_boundaries),
		cmocka_unit_test(test_eviction),
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_none),
		cmocka_unit_test(test_memory),
		cmocka_unit_test(test_threads),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, fill, NULL);
}
