/* SPDX-License-Identifier: Apache-2.0 */
#include "lockdown.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <seccomp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/landlock.h>

#include "opa/opa.h"
#include "text.h"

enum { PATHS_MAX = 32 };

/* --- the port of an OPA ------------------------------------------------------------------ */

/* Of the fourth version of Landlock, which the headers may be older than. */
struct connect_ruleset {
	uint64_t handled_access_fs, handled_access_net;
};
struct connect_rule {
	uint64_t allowed_access, port;
};
enum { CONNECT_ABI = 4, RULE_NET_PORT = 2, NET_BIND = 1, NET_CONNECT = 2 };

/* No connection over TCP but to this port. On a kernel that cannot tell, calls alone decide. */
static bool
connect_only(uint16_t port)
{
	const struct connect_ruleset attr = { 0, NET_BIND | NET_CONNECT };
	const struct connect_rule rule = { NET_CONNECT, port };

	if (syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION) <
	    CONNECT_ABI)
		return true;
	int ruleset = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof attr, 0);
	bool ok = ruleset >= 0 &&
	    syscall(SYS_landlock_add_rule, ruleset, RULE_NET_PORT, &rule, 0) == 0 &&
	    syscall(SYS_landlock_restrict_self, ruleset, 0) == 0;
	if (!ok)
		log_say("Landlock: connections cannot be given up: %s", strerror(errno));
	if (ruleset >= 0)
		close(ruleset);
	return ok;
}

/* --- calls ------------------------------------------------------------------------------- */

static const int calls_front[] = {
	SCMP_SYS(accept4),
	SCMP_SYS(getpeername),
	SCMP_SYS(getsockname),
	SCMP_SYS(getsockopt),
	SCMP_SYS(kill), /* processes that do not end */
	SCMP_SYS(setsockopt),
	SCMP_SYS(wait4),
};

static const int calls_keeper[] = {
	SCMP_SYS(access),
	SCMP_SYS(chmod),
	SCMP_SYS(fallocate),
	SCMP_SYS(fchmod),
	SCMP_SYS(fchown),
	SCMP_SYS(fdatasync),
	SCMP_SYS(flock),
	SCMP_SYS(fstatfs),
	SCMP_SYS(fsync),
	SCMP_SYS(ftruncate),
	SCMP_SYS(getcwd),
	SCMP_SYS(getdents64),
	SCMP_SYS(link),
	SCMP_SYS(lstat),
	SCMP_SYS(mlock),
	SCMP_SYS(mlock2),
	SCMP_SYS(msync),
	SCMP_SYS(munlock),
	SCMP_SYS(pread64),
	SCMP_SYS(preadv),
	SCMP_SYS(pwrite64),
	SCMP_SYS(pwritev),
	SCMP_SYS(readlink),
	SCMP_SYS(rename),
	SCMP_SYS(renameat),
	SCMP_SYS(renameat2),
	SCMP_SYS(stat),
	SCMP_SYS(statfs),
	SCMP_SYS(umask),
	SCMP_SYS(unlink),
	SCMP_SYS(unlinkat),
};

static const int calls_fetcher[] = {
	SCMP_SYS(access),
	SCMP_SYS(bind),
	SCMP_SYS(clone),
	SCMP_SYS(clone3),
	SCMP_SYS(connect),
	SCMP_SYS(getdents64),
	SCMP_SYS(getpeername),
	SCMP_SYS(getsockname),
	SCMP_SYS(getsockopt),
	SCMP_SYS(ioctl),
	SCMP_SYS(lstat),
	SCMP_SYS(mmap), /* libraries are loaded late */
	SCMP_SYS(mprotect),
	SCMP_SYS(pread64),
	SCMP_SYS(readlink),
	SCMP_SYS(recvmmsg),
	SCMP_SYS(sendmmsg),
	SCMP_SYS(setsockopt),
	SCMP_SYS(socketpair),
	SCMP_SYS(stat),
};

/* IPv4 and IPv6, streams: for the front, and the OPA that it asks. */
static bool
allow_tcp(scmp_filter_ctx filter)
{
	static const int families[] = { AF_INET, AF_INET6 };

	for (size_t i = 0; i < sizeof families / sizeof families[0]; i++) {
		const struct scmp_arg_cmp args[] = {
			SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)families[i], 0),
			SCMP_A1(SCMP_CMP_MASKED_EQ, ~(scmp_datum_t)(SOCK_CLOEXEC | SOCK_NONBLOCK),
			    SOCK_STREAM),
		};
		if (seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, SCMP_SYS(socket), 2, args) != 0)
			return false;
	}
	return seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(connect), 0) == 0;
}

static bool
fill(scmp_filter_ctx filter, enum lockdown_role role)
{
	static const int families[] = { AF_UNIX, AF_INET, AF_INET6,
		AF_NETLINK }; /* the last: what addresses we have */
	bool ok = confine_allow_open(filter, role == LOCKDOWN_KEEPER);

	if (ok && (role == LOCKDOWN_FRONT || role == LOCKDOWN_FRONT_ASKING))
		ok = confine_allow(
			 filter, calls_front, sizeof calls_front / sizeof calls_front[0]) &&
		    confine_allow_memory(filter) && confine_allow_ioctl(filter);
	if (ok && role == LOCKDOWN_FRONT_ASKING)
		ok = allow_tcp(filter);
	if (ok && role == LOCKDOWN_KEEPER)
		ok = confine_allow(
			 filter, calls_keeper, sizeof calls_keeper / sizeof calls_keeper[0]) &&
		    confine_allow_memory(filter) && confine_allow_ioctl(filter);
	if (ok && role == LOCKDOWN_FETCHER)
		ok = confine_allow(
			 filter, calls_fetcher, sizeof calls_fetcher / sizeof calls_fetcher[0]) &&
		    confine_allow_sockets(filter, families, sizeof families / sizeof families[0]);
	return ok;
}

bool
lockdown_calls(enum lockdown_role role)
{
	scmp_filter_ctx filter = confine_filter();

	return confine_load(filter, filter != NULL && fill(filter, role));
}

/* --- the front --------------------------------------------------------------------------- */

/* Is this file in the folder, or below it? */
static bool
is_below(const char *file, const char *folder)
{
	size_t n = strlen(folder);

	return file != NULL && strncmp(file, folder, n) == 0 &&
	    (folder[n - 1] == '/' || file[n] == '/');
}

/* NULL: another kind of store. */
static const char *
store_file(const struct keeper_options *keeper)
{
	return strncmp(keeper->store, "sqlite:", 7) == 0 ? keeper->store + 7 : NULL;
}

/* The folder of a file, because a file that is replaced is another one afterwards; but the file alone,
 * if the keeper's secrets are in that folder too. */
static void
add_folder(struct confine_path *paths, size_t *count, char room[CONFINE_PATH_ROOM],
    const char *file, const struct keeper_options *keeper)
{
	if (file == NULL || *count == PATHS_MAX)
		return;
	confine_folder(room, file);
	if (strcmp(room, ".") == 0 || is_below(store_file(keeper), room) ||
	    is_below(keeper->master_key, room) || is_below(keeper->admin_key, room))
		snprintf(room, CONFINE_PATH_ROOM, "%s", file);
	paths[(*count)++] = (struct confine_path){ room, CONFINE_READ };
}

bool
lockdown_front(const struct server_options *o, const char *config)
{
	static char rooms[PATHS_MAX + 1][CONFINE_PATH_ROOM]; /* at the start, by one thread */
	const char *const read_again[] = { o->tls_cert, o->tls_key, o->client_ca, config };
	struct confine_path paths[PATHS_MAX];
	struct opa_address opa;
	size_t count = 0;

	for (size_t i = 0; i < sizeof read_again / sizeof read_again[0]; i++)
		add_folder(paths, &count, rooms[count], read_again[i], &o->keeper);
	if (!confine_files(paths, count))
		return false;
	return o->opa == NULL || (opa_address_read(&opa, o->opa) == NULL && connect_only(opa.port));
}

bool
lockdown_keeper(const struct keeper_options *options)
{
	const char *const files[] = { store_file(options), options->master_key,
		options->admin_key };
	char rooms[sizeof files / sizeof files[0]][CONFINE_PATH_ROOM];
	struct confine_path paths[sizeof files / sizeof files[0]];
	size_t count = 0;

	for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
		if (files[i] == NULL || strncmp(files[i], "cred:", 5) == 0) /* has been read */
			continue;
		confine_folder(rooms[count], files[i]);
		paths[count] = (struct confine_path){ rooms[count], CONFINE_WRITE };
		count++;
	}
	return confine_files(paths, count) && lockdown_calls(LOCKDOWN_KEEPER);
}
