/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SIM_SEV_FIRMWARE_H
#define SIM_SEV_FIRMWARE_H

/*
 * The firmware of a platform with legacy SEV or SEV-ES, as a state machine: what its mailbox takes
 * and answers. It keeps all in memory, locks itself, and its memory does not grow with the commands.
 *
 * Functions that are commands return the status that the firmware gives, 0 for success. Of a guest's
 * memory it is given the bytes themselves, not addresses.
 *
 * Source: AMD 55766, SEV API
 */

#include "platforms/platforms.h"
#include "platforms/sev_launch.h"

enum sim_sev_status {
	SIM_SEV_OK = 0,
	SIM_SEV_INVALID_PLATFORM_STATE = 1,
	SIM_SEV_INVALID_GUEST_STATE = 2,
	SIM_SEV_INVALID_CONFIG = 3,
	SIM_SEV_INVALID_LEN = 4,
	SIM_SEV_ALREADY_OWNED = 5,
	SIM_SEV_INVALID_CERTIFICATE = 6,
	SIM_SEV_POLICY_FAILURE = 7,
	SIM_SEV_INACTIVE = 8,
	SIM_SEV_INVALID_ADDRESS = 9,
	SIM_SEV_BAD_SIGNATURE = 10,
	SIM_SEV_BAD_MEASUREMENT = 11,
	SIM_SEV_ASID_OWNED = 12,
	SIM_SEV_INVALID_ASID = 13,
	SIM_SEV_DFFLUSH_REQUIRED = 15,
	SIM_SEV_INVALID_GUEST = 16,
	SIM_SEV_INVALID_COMMAND = 17,
	SIM_SEV_ACTIVE = 18,
	SIM_SEV_UNSUPPORTED = 21,
	SIM_SEV_INVALID_PARAM = 22,
	SIM_SEV_RESOURCE_LIMIT = 23,
	SIM_SEV_SECURE_DATA_INVALID = 24,
};
enum sim_sev_platform_state { SIM_SEV_UNINIT, SIM_SEV_INIT, SIM_SEV_WORKING };
enum sim_sev_guest_state { SIM_SEV_G_UNINIT, SIM_SEV_LUPDATE, SIM_SEV_LSECRET, SIM_SEV_RUNNING };
enum {
	SIM_SEV_NODBG = 1 << 0,
	SIM_SEV_NOKS = 1 << 1,
	SIM_SEV_ES = 1 << 2,
	SIM_SEV_NOSEND = 1 << 3,
	SIM_SEV_ID_SIZE = 64,
	SIM_SEV_REPORT_SIZE = 208,
	SIM_SEV_VMSA_SIZE = 4096,
	SIM_SEV_ASID_ES_MAX = 99, /* ASIDs of SEV-ES guests end here */
	SIM_SEV_ASID_MAX = 509,
	SIM_SEV_NV_SIZE = 32768,
};

struct sim_sev_firmware;

/* A platform in state UNINIT, with the keys and certificates that p says. Dies without memory. */
struct sim_sev_firmware *sim_sev_firmware_new(struct sim_sev *p);
void sim_sev_firmware_free(struct sim_sev_firmware *fw); /* NULL is fine */

/* --- the platform --------------------------------------------------------------------------- */

/* es: CONFIG.ES */
unsigned sim_sev_init(struct sim_sev_firmware *fw, bool es);
/* nv: the area where what lasts is kept outside of the firmware; of 0xff when it is new. It is
 * written by each command that changes keys, as long as the platform is initialised. */
unsigned sim_sev_init_ex(struct sim_sev_firmware *fw, bool es, uint8_t *nv, size_t nv_len);
/* Ends all guests. */
unsigned sim_sev_shutdown(struct sim_sev_firmware *fw);
unsigned sim_sev_factory_reset(struct sim_sev_firmware *fw);

struct sim_sev_platform_status {
	struct sim_sev_version version;
	enum sim_sev_platform_state state;
	bool external, es; /* owned by someone else; SEV-ES is initialised */
	uint32_t guest_count;
};
unsigned sim_sev_platform_status(struct sim_sev_firmware *fw, struct sim_sev_platform_status *out);

unsigned sim_sev_pek_gen(struct sim_sev_firmware *fw);
unsigned sim_sev_pdh_gen(struct sim_sev_firmware *fw);
/* The PEK's certificate without signatures. *len: room before, size after; too small is
 * INVALID_LEN, as with all that follow. */
unsigned sim_sev_pek_csr(struct sim_sev_firmware *fw, uint8_t *csr, uint32_t *len);
unsigned
sim_sev_pek_cert_import(struct sim_sev_firmware *fw, struct sim_bytes pek, struct sim_bytes oca);
/* The chain is PEK, OCA, CEK; AMD's signature is not in the CEK. */
unsigned sim_sev_pdh_cert_export(struct sim_sev_firmware *fw, uint8_t *pdh, uint32_t *pdh_len,
    uint8_t *chain, uint32_t *chain_len);
unsigned sim_sev_get_id(struct sim_sev_firmware *fw, uint8_t *id, uint32_t *len);

/* --- guests --------------------------------------------------------------------------------- */

struct sim_sev_launch_start {
	uint32_t handle; /* 0; or of a guest with which the memory key is shared */
	uint32_t policy;
	struct sim_bytes owner_dh; /* the owner's certificate; empty: no owner, random keys */
	struct sim_bytes session;
};
unsigned sim_sev_launch_start(
    struct sim_sev_firmware *fw, const struct sim_sev_launch_start *start, uint32_t *handle);
unsigned
sim_sev_launch_update_data(struct sim_sev_firmware *fw, uint32_t handle, struct sim_bytes data);
unsigned
sim_sev_launch_update_vmsa(struct sim_sev_firmware *fw, uint32_t handle, struct sim_bytes vmsa);
/* MEASURE and its nonce: 48 bytes. */
unsigned
sim_sev_launch_measure(struct sim_sev_firmware *fw, uint32_t handle, uint8_t *out, uint32_t *len);
/* plain: guest_len bytes, what then stands in the guest's memory. */
unsigned sim_sev_launch_secret(struct sim_sev_firmware *fw, uint32_t handle,
    struct sim_bytes header, struct sim_bytes packet, uint8_t *plain, uint32_t guest_len);
unsigned sim_sev_launch_finish(struct sim_sev_firmware *fw, uint32_t handle);

unsigned sim_sev_guest_status(struct sim_sev_firmware *fw, uint32_t handle, uint32_t *policy,
    uint32_t *asid, enum sim_sev_guest_state *state);
unsigned sim_sev_attestation(struct sim_sev_firmware *fw, uint32_t handle, const uint8_t mnonce[16],
    uint8_t *report, uint32_t *len);
unsigned sim_sev_activate(struct sim_sev_firmware *fw, uint32_t handle, uint32_t asid);
unsigned sim_sev_deactivate(struct sim_sev_firmware *fw, uint32_t handle);
/* After it ASIDs that were deactivated can be used again. */
unsigned sim_sev_df_flush(struct sim_sev_firmware *fw);
unsigned sim_sev_decommission(struct sim_sev_firmware *fw, uint32_t handle);

#endif
