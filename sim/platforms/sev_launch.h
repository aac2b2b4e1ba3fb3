/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SIM_SEV_LAUNCH_H
#define SIM_SEV_LAUNCH_H

/*
 * The arithmetic of a legacy SEV launch, as its two ends have it: the guest's owner and the
 * firmware. Numbers in messages are little-endian. Source: AMD 55766, SEV API, LAUNCH_START,
 * LAUNCH_MEASURE, LAUNCH_SECRET
 */

#include "platforms/platforms.h"

struct sim_sev_transport { /* the keys that only owner and firmware have */
	uint8_t tek[16], tik[16];
};
enum {
	SIM_SEV_CERT_SIZE = 2084,
	SIM_SEV_SESSION_SIZE = 128,
	SIM_SEV_HEADER_SIZE = 52,
	SIM_SEV_SECRET_MAX = 16384,
};

/* 128 bits by NIST SP 800-108 in counter mode; counter and length stand little-endian. */
void sim_sev_kdf(uint8_t out[16], const uint8_t *key, size_t key_len, const char *label,
    const uint8_t *context, size_t context_len);

/* z: what ECDH gave. The blob has nonce, wrapped keys, their IV and MAC, and the policy's MAC. */
void sim_sev_session_seal(uint8_t blob[SIM_SEV_SESSION_SIZE], const struct sim_sev_transport *keys,
    const uint8_t z[48], const uint8_t nonce[16], const uint8_t iv[16], uint32_t policy);
/* False: one of the two MACs does not hold. */
bool sim_sev_session_open(struct sim_sev_transport *keys, const uint8_t blob[SIM_SEV_SESSION_SIZE],
    const uint8_t z[48], uint32_t policy);

void
sim_sev_measure(uint8_t measure[32], const uint8_t tik[16], const struct sim_sev_version *version,
    uint32_t policy, const uint8_t digest[32], const uint8_t mnonce[16]);

/* n: 16 to 16384, a multiple of 16. measure binds the packet to one launch. */
void sim_sev_secret_seal(uint8_t header[SIM_SEV_HEADER_SIZE], uint8_t *cipher,
    const struct sim_sev_transport *keys, const uint8_t iv[16], const uint8_t *plain, size_t n,
    const uint8_t measure[32]);
/* False: the MAC does not hold. */
bool sim_sev_secret_open(uint8_t *plain, const struct sim_sev_transport *keys,
    const uint8_t header[SIM_SEV_HEADER_SIZE], const uint8_t *cipher, size_t n, uint32_t guest_len,
    const uint8_t measure[32]);

/* A GUID as firmware has it in memory, from its 36 characters; false: it is none. And back. */
bool sim_guid_read(uint8_t guid[16], const char *text);
void sim_guid_write(char text[37], const uint8_t guid[16]);

/* The table that the guest's kernel shows below securityfs. Source: OVMF, SevLaunchSecret;
 * Linux, efi_secret */
struct sim_sev_secret {
	char guid[37];
	struct sim_bytes bytes;
};
enum { SIM_SEV_SECRETS_MAX = 16 };
struct sim_bytes
sim_sev_table_write(struct sim *sim, const struct sim_sev_secret *secrets, size_t count);
/* Their number; 0 when there is no table, or it does not hold. The bytes point into it. */
size_t
sim_sev_table_read(struct sim_sev_secret secrets[SIM_SEV_SECRETS_MAX], struct sim_bytes table);

#endif
