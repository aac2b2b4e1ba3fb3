/* SPDX-License-Identifier: Apache-2.0 */
#include "lockdown.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
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
	INET_SOCKET = 2,
	OPENS = 4,
	SIGNALS = 8,
	ENDS_VMM = 16,
	RUNS = 32,
	ENDS_CHILD = 64,
	FAILED = 128,
};

static bool
is_given(long got)
{
	return got >= 0 || (errno != EPERM && errno != EACCES);
}

static int
reach(pid_t child, int pidfd)
{
	static char *const words[] = { NULL };
	int can = 0;

	can |= is_given(socket(AF_UNIX, SOCK_STREAM, 0)) ? UNIX_SOCKET : 0;
	can |= is_given(socket(AF_INET, SOCK_STREAM, 0)) ? INET_SOCKET : 0;
	can |= is_given(open("/etc/passwd", O_RDONLY | O_CLOEXEC)) ? OPENS : 0;
	can |= is_given(syscall(SYS_tgkill, getppid(), getppid(), 0)) ? SIGNALS : 0;
	can |= is_given(kill(getppid(), 0)) ? SIGNALS : 0;
	can |= is_given(syscall(SYS_pidfd_send_signal, pidfd, SIGCONT, NULL, 0)) ? ENDS_VMM : 0;
	can |= is_given(execve("/nowhere", words, words)) ? RUNS : 0;
	can |= is_given(kill(child, 0)) ? ENDS_CHILD : 0;
	return can;
}

enum role { FRONT, VMM, SEV };

static bool
give_up(enum role role, pid_t child)
{
	static const struct broker_options o = { .control = NULL };

	switch (role) {
	case FRONT:
		return lockdown_front(NULL, &child, 1);
	case VMM:
		return lockdown_vmm(&o);
	case SEV:
		break;
	}
	return lockdown_sev(&o, NULL);
}

static int
after(enum role role)
{
	int status, alive[2];
	char none;

	assert_int_equal(pipe(alive), 0);
	pid_t pid = fork();
	if (pid == 0) {
		pid_t child = fork();
		if (child == 0) { /* as long as we live, who have the other end */
			close(alive[1]);
			_exit(read(alive[0], &none, 1) == 0 ? 0 : 1);
		}
		int pidfd = (int)syscall(SYS_pidfd_open, child, 0);
		int can = give_up(role, child) ? reach(child, pidfd) : FAILED;
		syscall(SYS_exit_group, can); /* no handler of a sanitizer's is run */
	}
	close(alive[0]);
	close(alive[1]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void
test_what_is_left(void **state)
{
	(void)state;
	assert_int_equal(after(FRONT), ENDS_CHILD);
	assert_int_equal(after(VMM), UNIX_SOCKET);
	assert_int_equal(after(SEV), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_what_is_left) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
