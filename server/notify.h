/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAYD_NOTIFY_H
#define ASSAYD_NOTIFY_H

/* The service manager's ear (sd_notify(3)): a datagram to $NOTIFY_SOCKET. */

#include <stdint.h>

struct notify {
	int fd;              /* -1: nobody listens */
	int64_t watchdog_ms; /* how often it wants to hear from us; 0: it does not */
};

/* Connects while that is still allowed, and unsets the variables. */
void notify_open(struct notify *n);
void notify_say(const struct notify *n, const char *state); /* "READY=1" */
void notify_reloading(const struct notify *n);              /* until READY=1 is said again */
void notify_close(struct notify *n);

#endif
