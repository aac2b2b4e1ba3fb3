/* SPDX-License-Identifier: Apache-2.0 */
#include "verify/cache.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum {
	WAYS = 8, /* facts that may share a place */
	ENTRIES_DEFAULT = 1024,
	ENTRIES_MAX = 1 << 20,
	KEY_MAX = 512,
	SIGNATURE_MAX = 512,
};

struct entry {
	enum fact_role role; /* 0: the entry is free */
	enum assay_scheme scheme;
	enum assay_key_kind kind;
	uint16_t key_len, digest_len, signature_len;
	uint8_t *bytes; /* key, digest, signature, one behind the other */
};

struct set {
	struct entry ways[WAYS];
	unsigned next; /* the way that is forgotten first */
};

struct assay_cache {
	pthread_rwlock_t lock;
	size_t set_count; /* a power of two */
	struct set *sets;
};

enum assay_code
assay_cache_new(struct assay_cache **out, size_t entries, struct assay_error *err)
{
	size_t sets = 1;

	if (entries > ENTRIES_MAX)
		return assay_fail(err, ASSAY_E_USAGE, "cache: %zu entries asked for, at most %d",
		    entries, ENTRIES_MAX);
	while (sets * WAYS < (entries == 0 ? ENTRIES_DEFAULT : entries))
		sets *= 2;
	struct assay_cache *c = calloc(1, sizeof *c);
	if (c == NULL)
		return assay_fail_nomem(err);
	c->set_count = sets;
	c->sets = calloc(sets, sizeof *c->sets);
	if (c->sets == NULL || pthread_rwlock_init(&c->lock, NULL) != 0) {
		free(c->sets);
		free(c);
		return assay_fail_nomem(err);
	}
	*out = c;
	return ASSAY_OK;
}

void
assay_cache_free(struct assay_cache *cache)
{
	if (cache == NULL)
		return;
	for (size_t i = 0; i < cache->set_count; i++)
		for (size_t w = 0; w < WAYS; w++)
			free(cache->sets[i].ways[w].bytes);
	(void)pthread_rwlock_destroy(&cache->lock);
	free(cache->sets);
	free(cache);
}

static bool
fits(const struct fact *f)
{
	return f->key.raw.len <= KEY_MAX && f->digest.len >= 8 &&
	    f->digest.len <= ASSAY_DIGEST_MAX && f->signature.len <= SIGNATURE_MAX;
}

/* The digest is a hash already. Whoever grinds out digests that fall into one set slows himself. */
static struct set *
set_of(struct assay_cache *c, const struct fact *f)
{
	return &c->sets[assay_u64le(f->digest.ptr) & (c->set_count - 1)];
}

static bool
is(const struct entry *e, const struct fact *f)
{
	return e->role == f->role && e->scheme == f->scheme && e->kind == f->key.kind &&
	    e->key_len == f->key.raw.len && e->digest_len == f->digest.len &&
	    e->signature_len == f->signature.len &&
	    memcmp(e->bytes, f->key.raw.ptr, e->key_len) == 0 &&
	    memcmp(e->bytes + e->key_len, f->digest.ptr, e->digest_len) == 0 &&
	    memcmp(e->bytes + e->key_len + e->digest_len, f->signature.ptr, e->signature_len) == 0;
}

static bool
known(const struct set *set, const struct fact *f)
{
	for (size_t w = 0; w < WAYS; w++)
		if (set->ways[w].role != 0 && is(&set->ways[w], f))
			return true;
	return false;
}

bool
assay_cache_knows(struct assay_cache *cache, const struct fact *fact)
{
	if (cache == NULL || !fits(fact) || pthread_rwlock_rdlock(&cache->lock) != 0)
		return false;
	bool yes = known(set_of(cache, fact), fact);
	(void)pthread_rwlock_unlock(&cache->lock);
	return yes;
}

void
assay_cache_learn(struct assay_cache *cache, const struct fact *f)
{
	if (cache == NULL || !fits(f))
		return;
	uint8_t *bytes = malloc(f->key.raw.len + f->digest.len + f->signature.len);
	if (bytes == NULL)
		return;
	memcpy(bytes, f->key.raw.ptr, f->key.raw.len);
	memcpy(bytes + f->key.raw.len, f->digest.ptr, f->digest.len);
	memcpy(bytes + f->key.raw.len + f->digest.len, f->signature.ptr, f->signature.len);
	if (pthread_rwlock_wrlock(&cache->lock) != 0) {
		free(bytes);
		return;
	}
	struct set *set = set_of(cache, f);
	if (!known(set, f)) {
		struct entry *e = &set->ways[set->next];
		set->next = (set->next + 1) % WAYS;
		uint8_t *old = e->bytes;
		*e = (struct entry){ f->role, f->scheme, f->key.kind, (uint16_t)f->key.raw.len,
			(uint16_t)f->digest.len, (uint16_t)f->signature.len, bytes };
		bytes = old;
	}
	(void)pthread_rwlock_unlock(&cache->lock);
	free(bytes);
}
