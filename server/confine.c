/* SPDX-License-Identifier: Apache-2.0 */
#include "confine.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/capability.h>
#include <linux/landlock.h>

#include "text.h"

/* --- users ------------------------------------------------------------------------------- */

bool
confine_user(const char *user)
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

bool
confine_capabilities(uint32_t mask)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { { 0 } };

	if (syscall(SYS_capget, &head, data) == 0) {
		const uint32_t kept = data[0].permitted & mask;
		/* A service manager may forbid the call to who has nothing to give up. */
		if (data[0].effective == kept && data[0].permitted == kept &&
		    data[1].permitted == 0)
			return true;
		memset(data, 0, sizeof data);
		data[0].effective = data[0].permitted = kept;
		if (syscall(SYS_capset, &head, data) == 0)
			return true;
	}
	log_say("capabilities cannot be given up: %s", strerror(errno));
	return false;
}

/* --- files ------------------------------------------------------------------------------- */

const char *
confine_folder(char room[CONFINE_PATH_ROOM], const char *file)
{
	const char *slash = strrchr(file, '/');

	if (slash == NULL)
		snprintf(room, CONFINE_PATH_ROOM, ".");
	else
		snprintf(
		    room, CONFINE_PATH_ROOM, "%.*s", slash == file ? 1 : (int)(slash - file), file);
	return room;
}

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

	if (asked & (CONFINE_READ | CONFINE_WRITE))
		rights |= LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;
	if (asked & CONFINE_WRITE)
		rights |= of_files | LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_REMOVE_FILE;
	if (asked & CONFINE_REMOVE)
		rights |= LANDLOCK_ACCESS_FS_REMOVE_FILE;
	if (asked & CONFINE_FOLDERS)
		rights |= LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_REMOVE_DIR;
	if (asked & CONFINE_SOCKETS)
		rights |= LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_REMOVE_FILE;
	return folder ? rights : rights & of_files;
}

static bool
add_path(int ruleset, const struct confine_path *path, long abi)
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
confine_files(const struct confine_path *paths, size_t count)
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
	SCMP_SYS(time),
	SCMP_SYS(uname),
	SCMP_SYS(write),
	SCMP_SYS(writev),
};

/* Newer machines, as aarch64, have of these only the one that takes a folder; libseccomp numbers the others
 * below zero. */
static int
native(int call)
{
	static const int siblings[][2] = {
		{ SCMP_SYS(access), SCMP_SYS(faccessat) },
		{ SCMP_SYS(chmod), SCMP_SYS(fchmodat) },
		{ SCMP_SYS(link), SCMP_SYS(linkat) },
		{ SCMP_SYS(mkdir), SCMP_SYS(mkdirat) },
		{ SCMP_SYS(readlink), SCMP_SYS(readlinkat) },
		{ SCMP_SYS(rename), SCMP_SYS(renameat) },
		{ SCMP_SYS(rmdir), SCMP_SYS(unlinkat) },
		{ SCMP_SYS(unlink), SCMP_SYS(unlinkat) },
	};

	for (size_t i = 0; call < 0 && i < sizeof siblings / sizeof siblings[0]; i++)
		if (call == siblings[i][0])
			return siblings[i][1];
	return call;
}

bool
confine_allow(scmp_filter_ctx filter, const int *calls, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (calls[i] != __NR_SCMP_ERROR &&
		    seccomp_rule_add(filter, SCMP_ACT_ALLOW, native(calls[i]), 0) != 0)
			return false;
	return true;
}

/* Opening: for reading only, unless it is the keeper. */
bool
confine_allow_open(scmp_filter_ctx filter, bool writing)
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
bool
confine_allow_memory(scmp_filter_ctx filter)
{
	const struct scmp_arg_cmp no_exec = SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0);

	return seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1, &no_exec) == 0 &&
	    seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1, &no_exec) == 0;
}

/* How much there is to read, and blocking or not. */
bool
confine_allow_ioctl(scmp_filter_ctx filter)
{
	const struct scmp_arg_cmp readable = SCMP_A1(SCMP_CMP_EQ, FIONREAD, 0);
	const struct scmp_arg_cmp blocking = SCMP_A1(SCMP_CMP_EQ, FIONBIO, 0);

	return seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1, &readable) == 0 &&
	    seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1, &blocking) == 0;
}

bool
confine_allow_sockets(scmp_filter_ctx filter, const int *families, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct scmp_arg_cmp family =
		    SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)families[i], 0);
		if (seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, SCMP_SYS(socket), 1, &family) !=
		    0)
			return false;
	}
	return true;
}

/* Flags and locks; not whom a descriptor sends a signal when it becomes ready (F_SETOWN and above). */
static bool
allow_fcntl(scmp_filter_ctx filter)
{
	const struct scmp_arg_cmp plain = SCMP_A1(SCMP_CMP_LT, F_SETOWN, 0);
	const struct scmp_arg_cmp copy = SCMP_A1(SCMP_CMP_EQ, F_DUPFD_CLOEXEC, 0);

	return seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, SCMP_SYS(fcntl), 1, &plain) == 0 &&
	    seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, SCMP_SYS(fcntl), 1, &copy) == 0;
}

scmp_filter_ctx
confine_filter(void)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	/* abort() and threads; other processes of this user get no signals. */
	const struct scmp_arg_cmp us = SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid(), 0);

	if (filter != NULL &&
	    (!confine_allow(filter, calls_all, sizeof calls_all / sizeof calls_all[0]) ||
		!allow_fcntl(filter) ||
		seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1, &us) != 0)) {
		seccomp_release(filter);
		filter = NULL;
	}
	return filter;
}

bool
confine_load(scmp_filter_ctx filter, bool whole)
{
	int error = -ENOMEM;
	bool ok = filter != NULL && whole &&
	    (error = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1)) == 0 &&
	    (error = seccomp_load(filter)) == 0;

	if (filter != NULL)
		seccomp_release(filter);
	if (!ok)
		log_say("seccomp: system calls cannot be given up: %s", strerror(-error));
	return ok;
}
