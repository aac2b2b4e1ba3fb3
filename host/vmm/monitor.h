/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BROKER_MONITOR_H
#define BROKER_MONITOR_H

/*
 * The way to one VMM. QMP is full control of a VM, so nothing can be asked for through this but the
 * attestation report: the commands that are ever sent are qmp_capabilities, query-sev and
 * query-sev-attestation-report, and they are constants of monitor.c.
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "../line.h"

struct event_base;
struct monitor;

struct monitor_user {
	/* report: of REPORT_SIZE bytes if status is LINE_DONE; else text says why. */
	void (*done)(void *arg, enum line_status status, const uint8_t *report, const char *text);
	/* Whether what this process listens at is this VM's: asked before a byte goes there. */
	bool (*may_ask)(void *arg, pid_t pid);
	void *arg;
};

/* path: of the VMM's socket; adapter: it does not speak QMP. Connects when it is needed. */
struct monitor *monitor_new(struct event_base *base, const char *path, bool adapter,
    const struct monitor_user *user); /* user is copied */
void monitor_free(struct monitor *m); /* nothing is called after it */
/* One at a time: false while one is under way. handle: what the guest names itself; 0: nothing. */
bool monitor_ask(
    struct monitor *m, const uint8_t mnonce[MNONCE_SIZE], uint32_t handle, int64_t within_ms);

#endif
