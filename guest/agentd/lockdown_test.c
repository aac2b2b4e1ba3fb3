/* SPDX-License-Identifier: Apache-2.0 */
#include "lockdown.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* What a process that gave up its rights can do yet, as bits. */
enum {
	UNIX_SOCKET = 1,
	VSOCK_SOCKET = 2,
	INET_SOCKET = 4,
	OPENS = 8,
	SIGNALS = 16,
	RUNS = 32,
	FAILED = 128
};

static bool
is_given(long got)
{
	return got >= 0 || (errno != EPERM && errno != EACCES);
}

static int
reach(void)
{
	static char *const words[] = { NULL };
	int can = 0;

	can |= is_given(socket(AF_UNIX, SOCK_STREAM, 0)) ? UNIX_SOCKET : 0;
	can |= is_given(socket(AF_VSOCK, SOCK_STREAM, 0)) ? VSOCK_SOCKET : 0;
	can |= is_given(socket(AF_INET, SOCK_STREAM, 0)) ? INET_SOCKET : 0;
	can |= is_given(open("/etc/passwd", O_RDONLY | O_CLOEXEC)) ? OPENS : 0;
	can |= is_given(syscall(SYS_tgkill, getppid(), getppid(), 0)) ? SIGNALS : 0;
	can |= is_given(kill(getppid(), 0)) ? SIGNALS : 0;
	can |= is_given(execve("/nowhere", words, words)) ? RUNS : 0;
	return can;
}

static int
after(bool (*lockdown)(const struct agent_options *), const char *broker)
{
	const struct agent_options o = { .broker = broker };
	int status;
	pid_t pid = fork();

	if (pid == 0)
		_exit(lockdown(&o) ? reach() : FAILED);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void
test_what_is_left(void **state)
{
	(void)state;
	assert_int_equal(after(lockdown_signer, "vsock:host:5577"), 0);
	assert_int_equal(after(lockdown_front, "vsock:host:5577"), 0);
	/* It parses what the host sends, as the agent's user: attest.sock is not for it. */
	assert_int_equal(after(lockdown_line, "vsock:host:5577"), VSOCK_SOCKET);
	assert_int_equal(after(lockdown_line, "unix:/run/broker.sock"), UNIX_SOCKET);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_what_is_left) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
