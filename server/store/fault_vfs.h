/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAYD_FAULT_VFS_H
#define ASSAYD_FAULT_VFS_H

/*
 * A disk in memory under SQLite, for tests: the power can go at any write, and then of what was not
 * synced any part is there and any is not, sector by sector. It can also be full, or refuse.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fault_disk {
	uint64_t seed;        /* what happens at random follows from it */
	size_t writes, syncs; /* so far */
	size_t power_at;      /* the power goes at this write or sync; 0: it does not */
	bool dead;            /* it is gone: every call fails */
	int write_error;      /* what a write gives, SQLITE_FULL; 0: it works */
	int sync_error;       /* what the next sync gives, once */
};

/* Makes the disk the default of SQLite, empty. */
struct fault_disk *fault_disk_install(void);
void fault_disk_remove(void);
/* The power comes back: what was synced is there, of the rest some. */
void fault_disk_revive(void);

#endif
