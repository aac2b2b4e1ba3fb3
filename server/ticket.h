/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAYD_TICKET_H
#define ASSAYD_TICKET_H

/*
 * A challenge that nobody has to remember: what was asked, until when, and an authentication tag under
 * a key of the epoch, which every node derives from a secret in the store. As a cookie it is
 * lower-case hex.
 *
 *   u8 form (1)  u8 protocol  u8 tee  u8 hash  u32 epoch  u64 issued (s)  id 16  tag 32   = 64 bytes
 *
 * tag = HMAC-SHA256(epoch key, "assay ticket" || the 32 bytes before it); the nonce is 32 bytes:
 * HMAC-SHA256(epoch key, "assay nonce" || the same). An epoch is an hour of Unix time.
 */

#include <stdbool.h>
#include <stdint.h>

enum {
	TICKET_SIZE = 64,
	TICKET_NONCE = 32,
	TICKET_ID = 16,
	TICKET_KEY = 32,
	TICKET_EPOCH_S = 3600
};

enum ticket_protocol { /* of the key broker protocol; 0: the verifier API */
	PROTOCOL_VERIFIER = 0,
	PROTOCOL_0_1_0 = 1,
	PROTOCOL_0_1_1 = 2,
	PROTOCOL_0_2_0 = 3,
	PROTOCOL_0_3_0 = 4,
	PROTOCOL_0_4_0 = 5,
};
enum ticket_hash { HASH_SHA384 = 0, HASH_SHA256 = 1, HASH_SHA512 = 2 };

struct ticket {
	uint8_t protocol, tee, hash; /* tee: its place in the front's table of TEE names */
	uint32_t epoch;
	int64_t issued;
	uint8_t id[TICKET_ID];
};

/* The keys of this epoch and its neighbours. */
struct ticket_keys {
	uint32_t epoch[3];
	uint8_t key[3][TICKET_KEY];
};

/* The key of an epoch, by HKDF-SHA256 from the 32 bytes that all nodes share. false: no memory. */
bool ticket_key_derive(uint8_t out[TICKET_KEY], const uint8_t master[32], uint32_t epoch);
/* Fills epoch from t->issued, and the id at random. false: no key for it, or no randomness. */
bool ticket_make(uint8_t out[TICKET_SIZE], struct ticket *t, const struct ticket_keys *keys);
/*
 * Fills *t unless it is TICKET_FORGED: also what has expired or comes from the future (more than 30 s)
 * is one that we made. An epoch without key is forged. keys that are not there have the epoch of another.
 */
enum ticket_fault { TICKET_GOOD, TICKET_FORGED, TICKET_EXPIRED, TICKET_FUTURE };
enum ticket_fault ticket_read(struct ticket *t, const uint8_t in[TICKET_SIZE],
    const struct ticket_keys *keys, int64_t now, int64_t life_s);
bool ticket_nonce(
    uint8_t out[TICKET_NONCE], const uint8_t in[TICKET_SIZE], const struct ticket_keys *keys);

#endif
