/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SIM_ENCLAVES_H
#define SIM_ENCLAVES_H

/*
 * What the PCE and the quoting enclaves derive. The derivations are the published ones of the
 * enclaves' sources; below them stand EGETKEY's keys, whose real serialisation only the processor
 * knows: here they follow from fuses that follow from the seed.
 */

#include "pki/pki.h"

enum { SIM_KEYNAME_PROVISION = 1, SIM_KEYNAME_SEAL = 4 }; /* Intel SDM 3D, EGETKEY */
struct sim_key_request {
	uint16_t name;
	uint8_t mr_signer[32], cpu_svn[16];
	uint16_t isv_prod_id, isv_svn;
};
/* A lower ISVSVN's key can be had from a higher one's, and never the other way. */
void sim_egetkey(struct sim *sim, const struct sim_key_request *request, uint8_t key[16]);

void sim_pce_ppid(struct sim *sim, const uint8_t mr_signer[32], uint8_t ppid[16]);
/* The PCK of one TCB. */
const struct sim_key *sim_pce_key(
    struct sim *sim, const uint8_t mr_signer[32], const uint8_t cpu_svn[16], uint16_t pce_svn);
/* The attestation key of a TD QE, or of an SGX QE. */
const struct sim_key *sim_qe_key(struct sim *sim, bool tdx, const uint8_t mr_signer[32],
    const uint8_t cpu_svn[16], uint16_t isv_svn);
void sim_qe_id(struct sim *sim, bool tdx, const uint8_t mr_signer[32], uint8_t id[16]);

#endif
