/* SPDX-License-Identifier: Apache-2.0 */
#include "callers.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "text.h"

/* --- names ------------------------------------------------------------------------------- */

static bool
is_number(uint32_t *out, const char *text)
{
	size_t digits = strspn(text, "0123456789");

	if (digits == 0 || digits > 10 || text[digits] != '\0')
		return false;
	unsigned long long n = strtoull(text, NULL, 10);
	*out = (uint32_t)n;
	return n < UINT32_MAX; /* the last one means "no such user" */
}

static bool
user_of(uint32_t *out, const char *name)
{
	const struct passwd *p = is_number(out, name) ? NULL : getpwnam(name);

	if (p != NULL)
		*out = p->pw_uid;
	return p != NULL || is_number(out, name);
}

static bool
group_of(uint32_t *out, const char *name)
{
	const struct group *g = is_number(out, name) ? NULL : getgrnam(name);

	if (g != NULL)
		*out = g->gr_gid;
	return g != NULL || is_number(out, name);
}

static bool
resolve(uint32_t *out, uint32_t *count, const char *const *names, size_t name_count,
    bool (*of)(uint32_t *out, const char *name), const char *key)
{
	for (size_t i = 0; i < name_count; i++)
		if (!of(&out[(*count)++], names[i])) {
			log_say("%s: %s: there is none of this name", key, names[i]);
			return false;
		}
	return true;
}

bool
callers_resolve(struct callers *out, const struct agent_options *o)
{
	struct callers c = { .uids = { 0, geteuid() }, .uid_count = 2, .enarx = o->enarx };

	if (geteuid() == 0 && o->user != NULL && !user_of(&c.uids[1], o->user)) {
		log_say("user: %s: there is none of this name", o->user);
		return false;
	}
	if (!resolve(
		c.uids, &c.uid_count, o->allow_uid, o->allow_uid_count, user_of, "allow-uid") ||
	    !resolve(
		c.gids, &c.gid_count, o->allow_gid, o->allow_gid_count, group_of, "allow-gid") ||
	    !resolve(c.key_uids, &c.key_uid_count, o->allow_key_uid, o->allow_key_uid_count,
		user_of, "allow-key-uid"))
		return false;
	*out = c;
	return true;
}

/* --- peers ------------------------------------------------------------------------------- */

bool
caller_read(struct caller *out, int fd)
{
	struct ucred who;
	socklen_t len = sizeof who, groups = sizeof out->groups;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) != 0 || len != sizeof who)
		return false;
	out->uid = who.uid;
	out->gid = who.gid;
	/* One of more groups than that is judged by its user and first group alone. */
	out->group_count = getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, out->groups, &groups) == 0
	    ? groups / sizeof out->groups[0]
	    : 0;
	return true;
}

static bool
is_among(const uint32_t *ids, size_t count, uint32_t id)
{
	for (size_t i = 0; i < count; i++)
		if (ids[i] == id)
			return true;
	return false;
}

bool
callers_may_have_key(const struct callers *c, const struct caller *who)
{
	return !c->enarx && is_among(c->key_uids, c->key_uid_count, who->uid);
}

bool
callers_may_ask(const struct callers *c, const struct caller *who)
{
	if (is_among(c->uids, c->uid_count, who->uid) || callers_may_have_key(c, who) ||
	    is_among(c->gids, c->gid_count, who->gid))
		return true;
	for (size_t i = 0; i < who->group_count; i++)
		if (is_among(c->gids, c->gid_count, who->groups[i]))
			return true;
	return false;
}
