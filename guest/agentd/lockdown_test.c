/* SPDX-License-Identifier: Apache-2.0 */
#include "lockdown.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include <asm/sockios.h>
#include <linux/capability.h>

/* What a process that gave up its rights can do yet, as bits. */
enum {
	UNIX_SOCKET = 1,
	VSOCK_SOCKET = 2,
	INET_SOCKET = 4,
	OPENS = 8,
	SIGNALS = 16,
	RUNS = 32,
	CAPABLE = 64,
	BINDS = 128, /* vsock ports of root's: and no other capability */
	FAILED = 255
};

static bool
is_given(long got)
{
	return got >= 0 || (errno != EPERM && errno != EACCES);
}

/* By what /proc says: effective and permitted. */
static unsigned long long
capabilities_of(pid_t pid)
{
	char line[128], path[64];
	unsigned long long mask = 0, all = 0;

	snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
	FILE *from = fopen(path, "re");

	while (from != NULL && fgets(line, sizeof line, from) != NULL)
		if (sscanf(line, "CapEff: %llx", &mask) == 1 ||
		    sscanf(line, "CapPrm: %llx", &mask) == 1)
			all |= mask;
	if (from != NULL)
		fclose(from);
	return from == NULL ? ~0ULL : all;
}

/* At once, later by a descriptor, or by a limit. fd: a socket. */
static bool
can_signal(pid_t to, int fd)
{
	const struct f_owner_ex owner = { F_OWNER_PID, to };
	struct rlimit limit;

	return is_given(syscall(SYS_tgkill, to, to, 0)) || is_given(kill(to, 0)) ||
	    is_given(fcntl(fd, F_SETOWN, to)) || is_given(fcntl(fd, F_SETOWN_EX, &owner)) ||
	    is_given(ioctl(fd, FIOSETOWN, &to)) || is_given(ioctl(fd, SIOCSPGRP, &to)) ||
	    is_given(syscall(SYS_prlimit64, to, RLIMIT_CORE, NULL, &limit));
}

static int
reach(int fd)
{
	static char *const words[] = { NULL };
	int can = 0;

	can |= is_given(socket(AF_UNIX, SOCK_STREAM, 0)) ? UNIX_SOCKET : 0;
	can |= is_given(socket(AF_VSOCK, SOCK_STREAM, 0)) ? VSOCK_SOCKET : 0;
	can |= is_given(socket(AF_INET, SOCK_STREAM, 0)) ? INET_SOCKET : 0;
	can |= is_given(open("/etc/passwd", O_RDONLY | O_CLOEXEC)) ? OPENS : 0;
	can |= can_signal(getppid(), fd) ? SIGNALS : 0;
	can |= is_given(execve("/nowhere", words, words)) ? RUNS : 0;
	return can;
}

static int
after(bool (*lockdown)(const struct agent_options *), const char *broker)
{
	const struct agent_options o = { .broker = broker };
	int status, pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	pid_t pid = fork();
	if (pid == 0) {
		if (!lockdown(&o))
			_exit(FAILED);
		int can = reach(pair[0]);
		raise(SIGSTOP); /* to be looked at: it cannot look at itself */
		_exit(can);
	}
	close(pair[0]);
	close(pair[1]);
	assert_int_equal(waitpid(pid, &status, WUNTRACED), pid);
	assert_true(WIFSTOPPED(status));
	unsigned long long caps = capabilities_of(pid);
	kill(pid, SIGCONT);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status) |
	    (caps == 1ULL << CAP_NET_BIND_SERVICE ? BINDS
		    : caps != 0                   ? CAPABLE
						  : 0);
}

static void
test_what_is_left(void **state)
{
	(void)state;
	const int binds = geteuid() == 0 ? BINDS : 0;
	assert_int_equal(after(lockdown_signer, "vsock:host:5577"), 0);
	assert_int_equal(after(lockdown_front, "vsock:host:5577"), 0);
	/* It parses what the host sends, as the agent's user: attest.sock is not for it. */
	assert_int_equal(after(lockdown_line, "vsock:host:5577"), VSOCK_SOCKET | binds);
	assert_int_equal(after(lockdown_line, "unix:/run/broker.sock"), UNIX_SOCKET);
}

static bool
parent(const struct agent_options *o)
{
	struct agent_options more = *o;

	more.attest_socket = "/nowhere/attest.sock";
	return lockdown_parent(&more, NULL, true);
}

static bool
job(const struct agent_options *o)
{
	return parent(o) && lockdown_job();
}

static bool
collector(const struct agent_options *o)
{
	(void)o;
	return lockdown_collector();
}

/* A job has the network, no capability, and no way to end the signer; what collects for it has no network. */
static void
test_jobs(void **state)
{
	(void)state;
	assert_int_equal(after(job, "vsock:host:5577") & (CAPABLE | BINDS | SIGNALS), 0);
	assert_int_equal(
	    after(collector, "vsock:host:5577") & ~CAPABLE, UNIX_SOCKET | VSOCK_SOCKET | OPENS);
	/* In a SEV guest, for a line that is started anew. */
	assert_int_equal(after(parent, "vsock:host:5577") & (CAPABLE | RUNS | BINDS),
	    geteuid() == 0 ? BINDS : 0);
	assert_int_equal(after(parent, "unix:/run/broker.sock") & (CAPABLE | RUNS | BINDS), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_what_is_left),
		cmocka_unit_test(test_jobs) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
