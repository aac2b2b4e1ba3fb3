/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SIM_SEV_OWNER_H
#define SIM_SEV_OWNER_H

/* A guest's owner, who launches it on a platform, puts a key into it and keeps a signed record. */

#include "platforms/sev_vm.h"

#define SIM_SEV_KEY_GUID "c2b5a1f0-6f0e-4d0a-9d57-1f4b7c6e0a35"

struct sim_sev_owner {
	uint32_t policy;
	struct sim_sev_transport keys; /* of this session alone */
	struct sim_key injected;       /* the guest's */
	uint8_t dh[SIM_SEV_CERT_SIZE], session[SIM_SEV_SESSION_SIZE];
};
/* A session for a platform with this PDH. False: the certificate is none. */
bool
sim_sev_owner_new(struct sim_sev_owner *o, const uint8_t pdh[SIM_SEV_CERT_SIZE], uint32_t policy);
void sim_sev_owner_clear(struct sim_sev_owner *o);
/* Whether a guest with this digest was launched. */
bool sim_sev_owner_check(const struct sim_sev_owner *o, const struct sim_sev_version *version,
    const uint8_t digest[32], const uint8_t measurement[48]);
/* The packet with the guest's key. */
struct sim_bytes sim_sev_owner_secret(const struct sim_sev_owner *o, struct sim *scratch,
    const uint8_t measurement[48], uint8_t header[SIM_SEV_HEADER_SIZE]);

/* What the record says beside. Certificates are 2084 bytes. */
struct sim_sev_launched {
	const char *name;
	int64_t created;
	struct sim_sev_version version;
	const uint8_t *digest, *measurement;
	const uint8_t *pdh, *pek, *oca, *cek; /* the CEK with AMD's signature */
	struct sim_bytes ask;
	const struct sim_key *signer; /* P-256 */
};
struct sim_bytes sim_sev_owner_record(
    const struct sim_sev_owner *o, struct sim *scratch, const struct sim_sev_launched *l);

#endif
