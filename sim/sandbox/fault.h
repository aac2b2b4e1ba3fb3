/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SIM_FAULT_H
#define SIM_FAULT_H

/* What goes wrong on request: `--fault busy:3,stale-generation,slow:500ms,wrong-nonce,
 * other-vm,replay`. */

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum { FAULT_ALWAYS = -1 };

struct faults {
	atomic_int busy;        /* so many requests fail with EBUSY first */
	atomic_int stale;       /* so many times another writer changes the entry */
	atomic_int wrong_nonce; /* so many requests are answered for another nonce */
	atomic_int other_vm;    /* SEV: so many times the host gives another VM's report */
	atomic_int replay;      /* SEV: so many times an old report of this VM */
	int64_t slow_ms;        /* how long each request takes */
};

/* The empty text is no fault. On failure false, and why has a sentence. */
bool fault_parse(struct faults *out, const char *text, char why[256]);

bool fault_busy(struct faults *f);
bool fault_stale(struct faults *f);
bool fault_other_vm(struct faults *f);
bool fault_replay(struct faults *f);
bool fault_wrong_nonce(struct faults *f);
/* Changes the nonce if it is to be wrong this time. */
void fault_nonce(struct faults *f, uint8_t data[64]);

#endif
