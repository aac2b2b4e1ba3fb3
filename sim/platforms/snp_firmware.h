/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SIM_SNP_FIRMWARE_H
#define SIM_SNP_FIRMWARE_H

/* The SEV-SNP firmware as one guest meets it. Source: AMD 56860, SEV-SNP Firmware ABI. */

#include "platforms/platforms.h"

enum {
	SIM_SNP_PAGE = 4096,
	SIM_SNP_HEADER = 96,
	/* firmware status, the same numbers in the header's return and in a response */
	SIM_SNP_BAD_MEASUREMENT = 0x0b,
	SIM_SNP_INVALID_PARAM = 0x16,
	SIM_SNP_AEAD_OFLOW = 0x1d,
	SIM_SNP_INVALID_KEY = 0x27,
	/* message types; a response has its request's plus 1 */
	SIM_SNP_KEY_REQ = 3,
	SIM_SNP_REPORT_REQ = 5,
};

struct sim_snp_guest {
	struct sim_snp_report report; /* all but REPORT_DATA and VMPL */
	bool vlek;
	uint8_t vmpck[4][32];
	uint64_t sequence[4];               /* the last number used under each */
	uint8_t chip_root[32], vm_root[32]; /* of derived keys */
};
void sim_snp_guest_new(struct sim *sim, struct sim_snp_guest *g, const struct sim_snp *platform);

/* SNP_GUEST_REQUEST: 0, or the firmware's status. sim holds what it needs for this one request. */
unsigned sim_snp_guest_request(struct sim *sim, struct sim_snp_guest *g,
    const uint8_t request[SIM_SNP_PAGE], uint8_t response[SIM_SNP_PAGE]);

/* One message page sealed or opened, as both ends do. false: the tag does not fit. */
struct sim_snp_message {
	uint64_t sequence;
	uint8_t type, version, vmpck;
	struct sim_bytes payload;
};
void sim_snp_message_seal(
    uint8_t page[SIM_SNP_PAGE], const struct sim_snp_message *m, const uint8_t key[32]);
/* out: 4000 bytes; their first MSG_SIZE count */
bool sim_snp_message_open(uint8_t *out, const uint8_t page[SIM_SNP_PAGE], const uint8_t key[32]);

/* ID block and its authentication: 96 and 4096 bytes. */
struct sim_id_block {
	uint8_t launch_digest[48], family_id[16], image_id[16];
	uint32_t guest_svn;
	uint64_t policy;
	const struct sim_key *id_key, *author_key; /* P-384; author NULL: none */
};
void sim_id_block_write(struct sim *sim, const struct sim_id_block *id, struct sim_bytes *block,
    struct sim_bytes *auth);
/* SHA-384 over the key in AMD's form. */
void sim_id_key_digest(struct sim *sim, const struct sim_key *key, uint8_t digest[48]);

#endif
