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

enum { PATHS_MAX = 32, PATH_ROOM = 4096 };

/* --- users ------------------------------------------------------------------------------- */

bool
lockdown_user(const char *user)
{
	if (user == NULL || geteuid() != 0)
		return true;
	errno = 0;
	const struct passwd *p = getpwnam(user);
	if (p == NULL) {
		log_say("user %s: %s", user,
		    errno != 0 ? strerror(errno) : "there is none of this name");
		return false;
	}
	if (initgroups(user, p->pw_gid) != 0 || setresgid(p->pw_gid, p->pw_gid, p->pw_gid) != 0 ||
	    setresuid(p->pw_uid, p->pw_uid, p->pw_uid) != 0 || (p->pw_uid != 0 && setuid(0) == 0)) {
		log_say("user %s: cannot become it: %s", user, strerror(errno));
		return false;
	}
	return true;
}

/* --- files ------------------------------------------------------------------------------- */

/* Everything that the first version of Landlock can forbid, and the later rights where there are. */
static uint64_t
all_rights(long abi)
{
	uint64_t rights = LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_WRITE_FILE |
	    LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR |
	    LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE |
	    LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_DIR |
	    LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_SOCK |
	    LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_BLOCK |
	    LANDLOCK_ACCESS_FS_MAKE_SYM;

	if (abi >= 2)
		rights |= UINT64_C(1) << 13; /* refer: link or rename across folders */
	if (abi >= 3)
		rights |= UINT64_C(1) << 14; /* truncate */
	return rights;
}

static uint64_t
rights_of(unsigned asked, long abi, bool folder)
{
	const uint64_t of_files = LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_READ_FILE |
	    (abi >= 3 ? UINT64_C(1) << 14 : 0);
	uint64_t rights = 0;

	if (asked & (LOCKDOWN_READ | LOCKDOWN_WRITE))
		rights |= LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;
	if (asked & LOCKDOWN_WRITE)
		rights |= of_files | LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_REMOVE_FILE;
	if (asked & LOCKDOWN_REMOVE)
		rights |= LANDLOCK_ACCESS_FS_REMOVE_FILE;
	return folder ? rights : rights & of_files;
}

static bool
add_path(int ruleset, const struct lockdown_path *path, long abi)
{
	struct stat st;
	int fd = open(path->path, O_PATH | O_CLOEXEC);

	if (fd < 0)
		return errno == ENOENT || errno == EACCES; /* then it cannot be used anyway */
	bool ok = fstat(fd, &st) == 0;
	struct landlock_path_beneath_attr rule = {
		.allowed_access = ok ? rights_of(path->rights, abi, S_ISDIR(st.st_mode)) : 0,
		.parent_fd = fd,
	};
	ok = ok &&
	    (rule.allowed_access == 0 ||
		syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) == 0);
	close(fd);
	return ok;
}

static bool
close_in(void)
{
	const struct rlimit none = { 0, 0 };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
	    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0 && setrlimit(RLIMIT_CORE, &none) == 0)
		return true;
	log_say("privileges cannot be given up: %s", strerror(errno));
	return false;
}

bool
lockdown_files(const struct lockdown_path *paths, size_t count)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);

	if (!close_in())
		return false;
	if (abi < 1) {
		log_say(
		    "Landlock: not there (%s); only users and seccomp keep this process from files",
		    strerror(errno));
		return true;
	}
	struct landlock_ruleset_attr attr = { .handled_access_fs = all_rights(abi) };
	int ruleset =
	    (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof attr.handled_access_fs, 0);
	bool ok = ruleset >= 0;
	for (size_t i = 0; i < count && ok; i++)
		ok = add_path(ruleset, &paths[i], abi);
	ok = ok && syscall(SYS_landlock_restrict_self, ruleset, 0) == 0;
	if (!ok)
		log_say("Landlock: files cannot be given up: %s", strerror(errno));
	if (ruleset >= 0)
		close(ruleset);
	return ok;
}

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

/* What libc, OpenSSL and libevent need to go on with what is open. */
static const int calls_all[] = {
	SCMP_SYS(brk),
	SCMP_SYS(clock_getres),
	SCMP_SYS(clock_gettime),
	SCMP_SYS(clock_nanosleep),
	SCMP_SYS(close),
	SCMP_SYS(epoll_create1),
	SCMP_SYS(epoll_ctl),
	SCMP_SYS(epoll_pwait),
	SCMP_SYS(epoll_pwait2),
	SCMP_SYS(epoll_wait),
	SCMP_SYS(eventfd2),
	SCMP_SYS(exit),
	SCMP_SYS(exit_group),
	SCMP_SYS(fcntl),
	SCMP_SYS(fstat),
	SCMP_SYS(futex),
	SCMP_SYS(getegid),
	SCMP_SYS(geteuid),
	SCMP_SYS(getgid),
	SCMP_SYS(getpid),
	SCMP_SYS(getrandom),
	SCMP_SYS(gettid),
	SCMP_SYS(gettimeofday),
	SCMP_SYS(getuid),
	SCMP_SYS(lseek),
	SCMP_SYS(madvise),
	SCMP_SYS(mremap),
	SCMP_SYS(munmap),
	SCMP_SYS(nanosleep),
	SCMP_SYS(newfstatat),
	SCMP_SYS(pipe2),
	SCMP_SYS(poll),
	SCMP_SYS(ppoll),
	SCMP_SYS(read),
	SCMP_SYS(readv),
	SCMP_SYS(recvfrom),
	SCMP_SYS(recvmsg),
	SCMP_SYS(restart_syscall),
	SCMP_SYS(rseq),
	SCMP_SYS(rt_sigaction),
	SCMP_SYS(rt_sigprocmask),
	SCMP_SYS(rt_sigreturn),
	SCMP_SYS(sched_getaffinity),
	SCMP_SYS(sched_yield),
	SCMP_SYS(sendmsg),
	SCMP_SYS(sendto),
	SCMP_SYS(set_robust_list),
	SCMP_SYS(shutdown),
	SCMP_SYS(sigaltstack),
	SCMP_SYS(signalfd4),
	SCMP_SYS(statx),
	SCMP_SYS(sysinfo),
	SCMP_SYS(tgkill),
	SCMP_SYS(time),
	SCMP_SYS(uname),
	SCMP_SYS(write),
	SCMP_SYS(writev),
};

static const int calls_front[] = {
	SCMP_SYS(accept4),
	SCMP_SYS(getpeername),
	SCMP_SYS(getsockname),
	SCMP_SYS(getsockopt),
	SCMP_SYS(kill), /* processes that do not end */
	SCMP_SYS(setsockopt),
	SCMP_SYS(unlink), /* its sockets */
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

static bool
allow(scmp_filter_ctx filter, const int *calls, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (calls[i] != __NR_SCMP_ERROR &&
		    seccomp_rule_add(filter, SCMP_ACT_ALLOW, calls[i], 0) != 0)
			return false;
	return true;
}

/* Opening: for reading only, unless it is the keeper. */
static bool
allow_open(scmp_filter_ctx filter, bool writing)
{
	const struct scmp_arg_cmp only_read =
	    SCMP_A2(SCMP_CMP_MASKED_EQ, O_ACCMODE | O_CREAT | O_TRUNC, O_RDONLY);
	const struct scmp_arg_cmp only_read_old =
	    SCMP_A1(SCMP_CMP_MASKED_EQ, O_ACCMODE | O_CREAT | O_TRUNC, O_RDONLY);

	if (writing)
		return seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(openat), 0) == 0 &&
		    seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(open), 0) == 0;
	return seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, SCMP_SYS(openat), 1, &only_read) ==
	    0 &&
	    seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, SCMP_SYS(open), 1, &only_read_old) == 0;
}

/* Memory that can be run is not made any more. */
static bool
allow_memory(scmp_filter_ctx filter)
{
	const struct scmp_arg_cmp no_exec = SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0);

	return seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1, &no_exec) == 0 &&
	    seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1, &no_exec) == 0;
}

/* How much there is to read, and blocking or not. */
static bool
allow_ioctl(scmp_filter_ctx filter)
{
	const struct scmp_arg_cmp readable = SCMP_A1(SCMP_CMP_EQ, FIONREAD);
	const struct scmp_arg_cmp blocking = SCMP_A1(SCMP_CMP_EQ, FIONBIO);

	return seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1, &readable) == 0 &&
	    seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1, &blocking) == 0;
}

static bool
allow_sockets(scmp_filter_ctx filter)
{
	static const int families[] = { 1, 2, 10,
		16 }; /* Unix, IPv4, IPv6, netlink (what addresses we have) */

	for (size_t i = 0; i < sizeof families / sizeof families[0]; i++) {
		const struct scmp_arg_cmp family = SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)families[i]);
		if (seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, SCMP_SYS(socket), 1, &family) !=
		    0)
			return false;
	}
	return true;
}

/* IPv4 and IPv6, streams: for the front, and the OPA that it asks. */
static bool
allow_tcp(scmp_filter_ctx filter)
{
	static const int families[] = { AF_INET, AF_INET6 };

	for (size_t i = 0; i < sizeof families / sizeof families[0]; i++) {
		const struct scmp_arg_cmp args[] = {
			SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)families[i]),
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
	bool ok = allow(filter, calls_all, sizeof calls_all / sizeof calls_all[0]) &&
	    allow_open(filter, role == LOCKDOWN_KEEPER);

	if (ok && (role == LOCKDOWN_FRONT || role == LOCKDOWN_FRONT_ASKING))
		ok = allow(filter, calls_front, sizeof calls_front / sizeof calls_front[0]) &&
		    allow_memory(filter) && allow_ioctl(filter);
	if (ok && role == LOCKDOWN_FRONT_ASKING)
		ok = allow_tcp(filter);
	if (ok && role == LOCKDOWN_KEEPER)
		ok = allow(filter, calls_keeper, sizeof calls_keeper / sizeof calls_keeper[0]) &&
		    allow_memory(filter) && allow_ioctl(filter);
	if (ok && role == LOCKDOWN_FETCHER)
		ok = allow(filter, calls_fetcher, sizeof calls_fetcher / sizeof calls_fetcher[0]) &&
		    allow_sockets(filter);
	return ok;
}

bool
lockdown_calls(enum lockdown_role role)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	int error = -ENOMEM;
	bool ok = filter != NULL && fill(filter, role) &&
	    (error = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1)) == 0 &&
	    (error = seccomp_load(filter)) == 0;

	if (filter != NULL)
		seccomp_release(filter);
	if (!ok)
		log_say("seccomp: system calls cannot be given up: %s", strerror(-error));
	return ok;
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

static void
folder_of(char room[PATH_ROOM], const char *file)
{
	const char *slash = strrchr(file, '/');

	if (slash == NULL)
		snprintf(room, PATH_ROOM, ".");
	else
		snprintf(room, PATH_ROOM, "%.*s", slash == file ? 1 : (int)(slash - file), file);
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
add_folder(struct lockdown_path *paths, size_t *count, char room[PATH_ROOM], const char *file,
    unsigned rights, const struct keeper_options *keeper)
{
	if (file == NULL || *count == PATHS_MAX)
		return;
	folder_of(room, file);
	if (strcmp(room, ".") == 0 || is_below(store_file(keeper), room) ||
	    is_below(keeper->master_key, room) || is_below(keeper->admin_key, room))
		snprintf(room, PATH_ROOM, "%s", file);
	paths[(*count)++] = (struct lockdown_path){ room, rights };
}

bool
lockdown_front(const struct server_options *o, const char *config)
{
	static char rooms[PATHS_MAX + 1][PATH_ROOM]; /* at the start, by one thread */
	const char *const read_again[] = { o->tls_cert, o->tls_key, o->client_ca, config };
	struct lockdown_path paths[PATHS_MAX];
	struct opa_address opa;
	size_t count = 0;

	for (size_t i = 0; i < sizeof read_again / sizeof read_again[0]; i++)
		add_folder(paths, &count, rooms[count], read_again[i], LOCKDOWN_READ, &o->keeper);
	for (size_t i = 0; i < o->listen_count; i++)
		if (strncmp(o->listen[i], "unix:", 5) == 0)
			add_folder(paths, &count, rooms[count], o->listen[i] + 5, LOCKDOWN_REMOVE,
			    &o->keeper);
	if (!lockdown_files(paths, count))
		return false;
	return o->opa == NULL || (opa_address_read(&opa, o->opa) == NULL && connect_only(opa.port));
}

bool
lockdown_keeper(const struct keeper_options *options)
{
	const char *const files[] = { store_file(options), options->master_key,
		options->admin_key };
	char rooms[sizeof files / sizeof files[0]][PATH_ROOM];
	struct lockdown_path paths[sizeof files / sizeof files[0]];
	size_t count = 0;

	for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
		if (files[i] == NULL || strncmp(files[i], "cred:", 5) == 0) /* has been read */
			continue;
		folder_of(rooms[count], files[i]);
		paths[count] = (struct lockdown_path){ rooms[count], LOCKDOWN_WRITE };
		count++;
	}
	return lockdown_files(paths, count) && lockdown_calls(LOCKDOWN_KEEPER);
}
