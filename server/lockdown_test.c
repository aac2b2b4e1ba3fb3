/* SPDX-License-Identifier: Apache-2.0 */
#include "lockdown.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "text.h"

/* What a child tries, and whether it may. Returns errno, 0 if it went well. */

static int
result(int rc)
{
	int error = rc >= 0 ? 0 : errno;

	if (rc > 2)
		close(rc);
	return error;
}

static int
try_open(const char *path, int flags)
{
	return result(open(path, flags | O_CLOEXEC, 0600));
}

static int
try_socket(void)
{
	return result(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
}

static int
try_packet_socket(void)
{
	return result(socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0));
}

static int
try_exec(void)
{
	char *const argv[] = { (char[]){ "true" }, NULL };

	execv("/bin/true", argv);
	return errno;
}

static int
try_fork(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	return pid > 0 ? 0 : errno;
}

static int
try_code(void)
{
	void *p = mmap(
	    NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p != MAP_FAILED ? 0 : errno;
}

static int
try_trace(void)
{
	return syscall(SYS_ptrace, 0, 0, 0, 0) >= 0 ? 0 : errno;
}

static int
try_memory(void)
{
	void *p = malloc((size_t)8 * 1024 * 1024);

	free(p);
	return p != NULL ? 0 : ENOMEM;
}

struct facts {
	const char *inside, *outside; /* files */
	bool files;                   /* there is Landlock */
};

/* In the child: 0, or the line of the first surprise. */
#define WANT(call, wanted)                                                                         \
	do {                                                                                       \
		int got = (call);                                                                  \
		if (got != (wanted)) {                                                             \
			fprintf(                                                                   \
			    stderr, "# line %d: errno %d, want %d\n", __LINE__, got, (wanted));    \
			_exit(1);                                                                  \
		}                                                                                  \
	} while (0)

static void
child_files(const struct facts *f)
{
	const struct confine_path paths[] = { { f->inside, CONFINE_READ },
		{ "/nonexistent", CONFINE_WRITE } };

	WANT(confine_files(paths, 2) ? 0 : 1, 0);
	WANT(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), 1);
	WANT(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0), 0);
	if (!f->files)
		return;
	WANT(try_open(f->inside, O_RDONLY), 0);
	WANT(try_open(f->inside, O_WRONLY), EACCES);
	WANT(try_open(f->outside, O_RDONLY), EACCES);
	WANT(try_open("/etc/passwd", O_RDONLY), EACCES);
	WANT(try_exec(), EACCES);
}

static void
child_front(const struct facts *f)
{
	WANT(confine_files(NULL, 0) && lockdown_calls(LOCKDOWN_FRONT) ? 0 : 1, 0);
	WANT(try_open(f->inside, O_WRONLY), EPERM);
	WANT(try_open(f->inside, O_RDONLY), f->files ? EACCES : 0);
	WANT(try_socket(), EPERM);
	WANT(try_fork(), EPERM);
	WANT(try_exec(), EPERM);
	WANT(try_code(), EPERM);
	WANT(try_trace(), EPERM);
	WANT(try_memory(), 0);
}

static void
child_keeper(const struct facts *f)
{
	char store[128];
	const struct keeper_options options = { .store = store };

	snprintf(store, sizeof store, "sqlite:%s", f->inside);
	WANT(lockdown_keeper(&options) ? 0 : 1, 0);
	WANT(try_open(f->inside, O_RDWR), 0);
	WANT(try_open("/etc/passwd", O_RDONLY), f->files ? EACCES : 0);
	WANT(try_socket(), EPERM);
	WANT(try_fork(), EPERM);
	WANT(try_exec(), EPERM);
	WANT(try_code(), EPERM);
	WANT(try_trace(), EPERM);
	WANT(try_memory(), 0);
}

static void
child_fetcher(const struct facts *f)
{
	const struct confine_path paths[] = { { "/etc", CONFINE_READ } };

	WANT(confine_files(paths, 1) && lockdown_calls(LOCKDOWN_FETCHER) ? 0 : 1, 0);
	WANT(try_socket(), 0);
	WANT(try_packet_socket(), EPERM);
	WANT(try_open("/etc/passwd", O_RDONLY), 0);
	WANT(try_open(f->outside, O_RDONLY), f->files ? EACCES : 0);
	WANT(try_open("/etc/passwd", O_WRONLY), EPERM);
	WANT(try_exec(), EPERM);
	WANT(try_trace(), EPERM);
	WANT(try_memory(), 0);
}

static void
run(void (*child)(const struct facts *))
{
	char folder[] = "/tmp/lockdown-XXXXXX", inside[64], outside[] = "/tmp/lockdown-file-XXXXXX";
	struct facts f = { .inside = inside, .outside = outside };
	int status = 0, fd;

	assert_non_null(mkdtemp(folder));
	snprintf(inside, sizeof inside, "%s/a", folder);
	assert_true((fd = open(inside, O_CREAT | O_WRONLY | O_CLOEXEC, 0600)) >= 0);
	close(fd);
	assert_true((fd = mkstemp(outside)) >= 0);
	close(fd);
	f.files = syscall(SYS_landlock_create_ruleset, NULL, 0, 1) > 0;
	pid_t pid = fork();
	if (pid == 0) {
		child(&f);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	unlink(inside);
	rmdir(folder);
	unlink(outside);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void
test_files(void **context)
{
	(void)context;
	run(child_files);
}

static void
test_front(void **context)
{
	(void)context;
	run(child_front);
}

static void
test_keeper(void **context)
{
	(void)context;
	run(child_keeper);
}

static void
test_fetcher(void **context)
{
	(void)context;
	run(child_fetcher);
}

/* A folder that holds the keeper's secrets too is not the front's to read: only the file in it. */
static void
child_shared_folder(const struct facts *f)
{
	char store[128], cert[128];
	const struct server_options options = { .tls_cert = cert, .keeper = { .store = store } };

	snprintf(store, sizeof store, "sqlite:%s", f->inside);
	snprintf(cert, sizeof cert, "%s.pem", f->inside);
	int fd = open(cert, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	WANT(fd >= 0 ? 0 : errno, 0);
	close(fd);
	WANT(lockdown_front(&options, NULL) ? 0 : 1, 0);
	WANT(try_open(cert, O_RDONLY), 0);
	WANT(try_open(f->inside, O_RDONLY), f->files ? EACCES : 0);
}

static void
test_shared_folder(void **context)
{
	(void)context;
	run(child_shared_folder);
}

static void
test_user(void **context)
{
	(void)context;
	assert_true(confine_user(NULL));
	if (geteuid() != 0)
		return;
	assert_false(confine_user("nobody-of-this-name"));
	pid_t pid = fork();
	if (pid == 0)
		_exit(!confine_user("nobody") || getuid() == 0 || geteuid() == 0 || setuid(0) == 0);
	int status;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_front),
		cmocka_unit_test(test_keeper),
		cmocka_unit_test(test_fetcher),
		cmocka_unit_test(test_shared_folder),
		cmocka_unit_test(test_user),
	};

	log_set(false, -1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
