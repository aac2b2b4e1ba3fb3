/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAYD_VAULT_H
#define ASSAYD_VAULT_H

/*
 * Sealing: AES-256-GCM under the master key. What an item is (kind, name, version, time, facts) is
 * authenticated with it, so that whoever can write the store cannot exchange two items, nor a secret's
 * policy. While the master key is being replaced both are there: the new one seals, both open.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <assay/error.h>

enum { VAULT_KEY = 32, VAULT_KEY_ID = 8, VAULT_PARTS_MAX = 8, SEAL_OVERHEAD = 12 + 16 };

/*
 * Seals under a key; what is authenticated besides are parts, each with its length. The sealed form is
 * nonce 12 || ciphertext || tag 16. The caller frees. false: out of memory or randomness.
 */
bool seal(uint8_t **out, size_t *len, const uint8_t key[VAULT_KEY], const struct assay_bytes *parts,
    size_t count, struct assay_bytes plain);
/* Opens it; a zero follows the plain bytes. The caller frees with seal_free(), which wipes.
 * ASSAY_E_SIGNATURE: not sealed under this key, with these parts. ASSAY_E_NOMEM. */
ASSAY_MUST_USE enum assay_code unseal(uint8_t **out, size_t *len, const uint8_t key[VAULT_KEY],
    const struct assay_bytes *parts, size_t count, struct assay_bytes sealed);
void seal_free(uint8_t *plain, size_t len); /* NULL is fine */

struct vault;
/*
 * Reads the master key: 32 bytes or 64 hex digits in a file of nobody else's (0600), or "cred:NAME", a
 * systemd credential. If there is a second one beside it, "WHERE.new", a change of keys has begun.
 * make: a file that is not there is made, and *made set, but not if another process made it meanwhile:
 * of two first starts both have the same key.
 */
ASSAY_MUST_USE enum assay_code
vault_open(struct vault **out, const char *where, bool make, bool *made, struct assay_error *err);
void vault_close(struct vault *v); /* NULL is fine; wipes */

/* The key that seals, and the one that an id names; NULL: it is not here. */
const uint8_t *vault_key(const struct vault *v, uint8_t id[VAULT_KEY_ID]);
const uint8_t *vault_key_of(const struct vault *v, struct assay_bytes id);

bool vault_changing(const struct vault *v);
/* Makes a new master key beside the old one; from now on it seals. */
ASSAY_MUST_USE enum assay_code vault_change(struct vault *v, struct assay_error *err);
/* Nothing is sealed under the old one any more: the new one takes its place. For a credential that is
 * the operator's to do, and ASSAY_E_INCOMPLETE says so. */
ASSAY_MUST_USE enum assay_code vault_changed(struct vault *v, struct assay_error *err);

/* Memory that is locked, not dumped, and wiped when freed. */
void *locked_new(size_t size);
void locked_free(void *p, size_t size);

/* Makes a file whole or not at all, synced, 0600, and never in the place of another: then *made is
 * false, and who made that one has it there, whole. */
ASSAY_MUST_USE enum assay_code
file_make(const char *path, struct assay_bytes in, bool *made, struct assay_error *err);
/* Reads a small file; strict: a regular file that only its owner can read. *len is the room before and
 * the size after. ASSAY_E_INCOMPLETE: there is none. */
ASSAY_MUST_USE enum assay_code
file_read(uint8_t *out, size_t *len, const char *path, bool strict, struct assay_error *err);

#endif
