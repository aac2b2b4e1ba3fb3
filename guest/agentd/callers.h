/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AGENTD_CALLERS_H
#define AGENTD_CALLERS_H

/*
 * Who may ask, by what the kernel says of the peer of a Unix socket. Evidence over data of the asker's
 * choice lets him stand for this guest, so it is root's alone unless others are named.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "options.h"

/* Of those who may not ask, so many at once are told so; more are hung up on. */
enum { CALLERS_MAX = AGENT_NAMES_MAX + 2, CALLER_GROUPS_MAX = 256, STRANGERS_MAX = 8 };

struct callers {
	uint32_t uids[CALLERS_MAX], gids[CALLERS_MAX], key_uids[CALLERS_MAX];
	uint32_t uid_count, gid_count, key_uid_count;
	bool enarx;
};

struct caller {
	uint32_t uid, gid;
	uint32_t groups[CALLER_GROUPS_MAX];
	size_t group_count;
};

/* Names become numbers; root and our own user are always among them. False after it has complained. */
bool callers_resolve(struct callers *out, const struct agent_options *options);
/* False: the socket does not say. */
bool caller_read(struct caller *out, int fd);
bool callers_may_ask(const struct callers *callers, const struct caller *caller);
bool callers_may_have_key(const struct callers *callers, const struct caller *caller);

#endif
