/* SPDX-License-Identifier: Apache-2.0 */
#include "lockdown.h"

#include <errno.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <asm/sockios.h>
#include <linux/capability.h>
#include <linux/landlock.h>

#include "confine.h"
#include "text.h"

#define COUNT(list) (sizeof list / sizeof list[0])

/* --- calls ------------------------------------------------------------------------------- */

static const int calls_listening[] = {
	SCMP_SYS(accept4),
	SCMP_SYS(getpeername),
	SCMP_SYS(getsockname),
	SCMP_SYS(getsockopt),
	SCMP_SYS(setsockopt),
};

static const int calls_connecting[] = {
	SCMP_SYS(bind),
	SCMP_SYS(connect),
	SCMP_SYS(getsockopt),
};

/* What the jobs need, and what a line or a front needs that is started anew: filters only ever add up. */
static const int calls_parent[] = {
	SCMP_SYS(accept4),
	SCMP_SYS(access),
	SCMP_SYS(bind),
	SCMP_SYS(capget),
	SCMP_SYS(capset),
	SCMP_SYS(clone),
	SCMP_SYS(clone3),
	SCMP_SYS(close_range),
	SCMP_SYS(connect),
	SCMP_SYS(dup),
	SCMP_SYS(faccessat),
	SCMP_SYS(faccessat2),
	SCMP_SYS(flock),
	SCMP_SYS(getdents64),
	SCMP_SYS(getpeername),
	SCMP_SYS(getppid),
	SCMP_SYS(getsockname),
	SCMP_SYS(getsockopt),
	SCMP_SYS(ioctl),
	SCMP_SYS(landlock_add_rule),
	SCMP_SYS(landlock_create_ruleset),
	SCMP_SYS(landlock_restrict_self),
	SCMP_SYS(kill), /* jobs that do not end, processes that do not stop */
	SCMP_SYS(lstat),
	SCMP_SYS(mkdir),
	SCMP_SYS(mkdirat),
	SCMP_SYS(mmap), /* libraries are loaded late */
	SCMP_SYS(mprotect),
	SCMP_SYS(prctl),
	SCMP_SYS(pread64),
	SCMP_SYS(prlimit64),
	SCMP_SYS(readlink),
	SCMP_SYS(recvmmsg),
	SCMP_SYS(rmdir),
	SCMP_SYS(rt_sigtimedwait),
	SCMP_SYS(seccomp),
	SCMP_SYS(sendmmsg),
	SCMP_SYS(setitimer),
	SCMP_SYS(setsockopt),
	SCMP_SYS(socketpair),
	SCMP_SYS(setrlimit),
	SCMP_SYS(stat),
	SCMP_SYS(tgkill), /* a job's abort(): there it is another process's number */
	SCMP_SYS(unlinkat),
	SCMP_SYS(wait4),
};

/* What libassay-guest needs to collect. */
static const int calls_collector[] = {
	SCMP_SYS(access),
	SCMP_SYS(connect),
	SCMP_SYS(faccessat),
	SCMP_SYS(faccessat2),
	SCMP_SYS(flock),
	SCMP_SYS(getdents64),
	SCMP_SYS(getsockopt),
	SCMP_SYS(ioctl),
	SCMP_SYS(lstat),
	SCMP_SYS(mkdir),
	SCMP_SYS(mkdirat),
	SCMP_SYS(mmap), /* libraries are loaded late */
	SCMP_SYS(mprotect),
	SCMP_SYS(pread64),
	SCMP_SYS(readlink),
	SCMP_SYS(rmdir),
	SCMP_SYS(setitimer),
	SCMP_SYS(setsockopt),
	SCMP_SYS(stat),
	SCMP_SYS(unlinkat),
};

/* --- roles ------------------------------------------------------------------------------- */

static bool
over_vsock(const struct agent_options *o)
{
	return strncmp(o->broker, "unix:", 5) != 0;
}

/* To come to the broker from a port that no other user of this guest has: it serves that one first. */
static uint32_t
capability_of_line(const struct agent_options *o)
{
	return over_vsock(o) ? UINT32_C(1) << CAP_NET_BIND_SERVICE : 0;
}

/* The agent's own user, with no capability but these, as far as they are there. */
static bool
become_user(const struct agent_options *o, uint32_t kept)
{
	if (kept != 0 && o->user != NULL && geteuid() == 0 &&
	    prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) != 0)
		kept = 0;
	return confine_user(o->user) && confine_capabilities(kept);
}

/* What the parent keeps is for others; no file. */
static bool
become_nobody(const struct agent_options *o)
{
	return become_user(o, 0) && confine_files(NULL, 0);
}

bool
lockdown_signer(const struct agent_options *o)
{
	scmp_filter_ctx filter;

	if (!become_nobody(o))
		return false;
	filter = confine_filter();
	return confine_load(filter,
	    filter != NULL && confine_allow(filter, calls_listening, COUNT(calls_listening)) &&
		confine_allow_memory(filter) && confine_allow_ioctl(filter));
}

bool
lockdown_front(const struct agent_options *o)
{
	static const int pair[] = { SCMP_SYS(socketpair) };
	scmp_filter_ctx filter;

	if (!become_nobody(o))
		return false;
	filter = confine_filter();
	return confine_load(filter,
	    filter != NULL && confine_allow(filter, calls_listening, COUNT(calls_listening)) &&
		confine_allow(filter, pair, COUNT(pair)) && confine_allow_memory(filter) &&
		confine_allow_ioctl(filter));
}

bool
lockdown_line(const struct agent_options *o)
{
	/* The one that leads to the broker: over a Unix socket it could ask us, as the agent's own user. */
	const int family = over_vsock(o) ? AF_VSOCK : AF_UNIX;
	scmp_filter_ctx filter;

	if (!become_user(o, capability_of_line(o)) || !confine_files(NULL, 0))
		return false;
	filter = confine_filter();
	return confine_load(filter,
	    filter != NULL && confine_allow(filter, calls_connecting, COUNT(calls_connecting)) &&
		confine_allow_sockets(filter, &family, 1) && confine_allow_memory(filter));
}

/* --- the parent -------------------------------------------------------------------------- */

static bool
has_landlock(void)
{
	return syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION) >= 1;
}

/* One capability of all that root has. With a launch key it is a SEV guest, whose evidence is behind attest.sock,
 * and it is for a line that is started anew; else for collectors: TDX and SEV-SNP are behind files of root. */
static bool
become(const struct agent_options *o, bool has_key)
{
	bool change = o->user != NULL && geteuid() == 0,
	     collects = change && !has_key && has_landlock();

	if (!become_user(o,
		has_key        ? capability_of_line(o)
		    : collects ? UINT32_C(1) << CAP_DAC_OVERRIDE
			       : 0))
		return false;
	if (change && !collects && !has_key)
		log_say("the kernel's interfaces for evidence are root's, and without Landlock no "
			"capability is kept for them: TDX and SEV-SNP need the agent to stay root");
	return true;
}

/* A file that may be replaced. NULL: there is none. */
static void
add_folder(
    struct confine_path *paths, size_t *count, char room[CONFINE_PATH_ROOM], const char *file)
{
	if (file == NULL)
		return;
	paths[*count] = (struct confine_path){ confine_folder(room, file), CONFINE_READ };
	(*count)++;
}

bool
lockdown_parent(const struct agent_options *o, const char *config, bool has_key)
{
	static const int families[] = { AF_UNIX, AF_INET, AF_INET6, AF_NETLINK, AF_VSOCK };
	static char rooms[2][CONFINE_PATH_ROOM]; /* at the start, once */
	enum { FIXED = 15 };
	struct confine_path paths[FIXED + 2] = {
		{ "/etc", CONFINE_READ },
		{ "/usr", CONFINE_READ },
		{ "/lib", CONFINE_READ },
		{ "/lib64", CONFINE_READ },
		{ "/run/systemd/resolve", CONFINE_READ },
		{ "/dev/null", CONFINE_READ | CONFINE_WRITE },
		{ "/dev/urandom", CONFINE_READ },
		{ "/dev/tdx_guest", CONFINE_READ | CONFINE_WRITE },
		{ "/dev/tdx-guest", CONFINE_READ | CONFINE_WRITE },
		{ "/dev/sev-guest", CONFINE_READ | CONFINE_WRITE },
		{ "/dev/attestation", CONFINE_READ | CONFINE_WRITE },
		{ "/sys/kernel/config/tsm", CONFINE_READ | CONFINE_WRITE | CONFINE_FOLDERS },
		{ "/sys/firmware/acpi/tables", CONFINE_READ },
		{ "/sys/devices/virtual/misc", CONFINE_READ },
		{ "/sys/class/misc", CONFINE_READ },
	};
	const char *const folders[] = { o->ca, config };
	size_t count = FIXED;
	scmp_filter_ctx filter;

	for (size_t i = 0; i < COUNT(folders); i++)
		add_folder(paths, &count, rooms[count - FIXED], folders[i]);
	if (!become(o, has_key) || !confine_files(paths, count))
		return false;
	filter = confine_filter();
	return confine_load(filter,
	    filter != NULL && confine_allow(filter, calls_parent, COUNT(calls_parent)) &&
		confine_allow_open(filter, true) &&
		confine_allow_sockets(filter, families, COUNT(families)));
}

/*
 * The signer is of the same user, and the launch key ends with it: no signal goes to another process, neither
 * now nor when a descriptor becomes ready, and no limit is set there. This filter stands beside the parent's.
 */
static bool
leave_others_alone(void)
{
	const scmp_datum_t us = (scmp_datum_t)getpid(), word = UINT32_MAX;
	const struct {
		int call;
		struct scmp_arg_cmp when;
	} refused[] = {
		{ SCMP_SYS(kill), SCMP_A0(SCMP_CMP_NE, us, 0) },
		{ SCMP_SYS(tgkill), SCMP_A0(SCMP_CMP_NE, us, 0) }, /* but abort() */
		{ SCMP_SYS(prlimit64), SCMP_A0(SCMP_CMP_NE, 0, 0) },
		{ SCMP_SYS(ioctl), SCMP_A1(SCMP_CMP_MASKED_EQ, word, FIOSETOWN) },
		{ SCMP_SYS(ioctl), SCMP_A1(SCMP_CMP_MASKED_EQ, word, SIOCSPGRP) },
	};
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	bool whole = filter != NULL;

	for (size_t i = 0; i < COUNT(refused) && whole; i++)
		whole = seccomp_rule_add_array(filter, SCMP_ACT_ERRNO(EPERM), refused[i].call, 1,
			    &refused[i].when) == 0;
	return confine_load(filter, whole);
}

bool
lockdown_job(void)
{
	return confine_capabilities(0) && leave_others_alone();
}

bool
lockdown_collector(void)
{
	static const int families[] = { AF_UNIX, AF_VSOCK };
	scmp_filter_ctx filter;

	if (!confine_capabilities(UINT32_C(1) << CAP_DAC_OVERRIDE) || !leave_others_alone())
		return false;
	filter = confine_filter();
	return confine_load(filter,
	    filter != NULL && confine_allow(filter, calls_collector, COUNT(calls_collector)) &&
		confine_allow_open(filter, true) &&
		confine_allow_sockets(filter, families, COUNT(families)));
}
