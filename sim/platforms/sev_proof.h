/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SIM_SEV_PROOF_H
#define SIM_SEV_PROOF_H

/* What ties a report of legacy SEV to one guest: its owner's launch record, and the guest's proof.
 * Written here by docs/binding.md alone, so that a forgery is wrong in exactly one place. */

#include "platforms/platforms.h"

struct sim_launch {
	const char *name, *stage; /* "complete": with the injected key; "checked" */
	uint32_t policy;
	uint8_t api[3]; /* major, minor, build */
	int64_t created;
	uint8_t digest[32], measure[32], mnonce[16];
	struct sim_sev_cert pdh, pek, oca, cek;
	struct sim_bytes ask; /* empty: not in it */
	const struct sim_key *injected;
	const struct sim_key *signer; /* P-256 */
	struct sim_edit after;        /* of the text, when it is signed */
};
/* Of a guest that was launched on this platform, with the digest and policy of its report. */
void sim_launch_new(struct sim_launch *l, const struct sim_sev *p);
struct sim_bytes sim_launch_write(struct sim *sim, const struct sim_launch *l);
/* A JWK: of who may sign records. */
struct sim_bytes sim_launch_signer(struct sim *sim, const struct sim_key *key);

struct sim_sev_proof {
	const struct sim_key *injected;  /* whose hash the proof has */
	const struct sim_key *certifier; /* which signs; NULL: injected */
	const struct sim_key *working;   /* whose public half the proof has; P-256 */
	const struct sim_key *signer;    /* NULL: working */
	struct sim_bytes working_spki;   /* empty: working's */
	uint8_t asked[64];               /* the report data that it signs */
	struct sim_bytes report;         /* the report that it signs; empty: the given */
};
void sim_sev_proof_new(struct sim_sev_proof *p, struct sim *sim);
struct sim_bytes
sim_sev_proof_write(struct sim *sim, const struct sim_sev_proof *p, struct sim_bytes report);
/* What the broker asks the firmware for. */
void sim_sev_mnonce(
    uint8_t out[16], struct sim *sim, const uint8_t asked[64], const struct sim_sev_proof *p);

#endif
