/* SPDX-License-Identifier: Apache-2.0 */
#include "process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "text.h"

enum { EXIT_TROUBLE = 4, PATIENCE_MS = 5000, STEP_MS = 5 };

size_t
process_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return 0;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	getrlimit(RLIMIT_NOFILE, &limit);
	return (size_t)limit.rlim_cur;
}

static void
close_all(const int *sockets, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (sockets[i] >= 0)
			close(sockets[i]);
}

/* One call a pair: what is left open after a failure is closed with the process. */
static bool
make_pairs(int *front, int *own, size_t count)
{
	int pair[2];

	for (size_t i = 0; i < count; i++) {
		if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) != 0)
			return false;
		front[i] = pair[0];
		own[i] = pair[1];
	}
	return true;
}

void
process_keep_only(const int *fds, size_t count)
{
	unsigned from = STDERR_FILENO + 1;

	for (;;) {
		unsigned next = ~0U;
		for (size_t i = 0; i < count; i++)
			if (fds[i] >= 0 && (unsigned)fds[i] >= from && (unsigned)fds[i] < next)
				next = (unsigned)fds[i];
		if (next != from) /* musl has no close_range() */
			(void)syscall(SYS_close_range, from, next == ~0U ? next : next - 1, 0);
		if (next == ~0U)
			return;
		from = next + 1;
	}
}

static void
become(const struct process *p, const int *own)
{
	/* Other processes' lines would never close, and strangers' connections are not for it. */
	process_keep_only(own, p->socket_count);
	/* A terminal's interrupt and hang-up go to the whole group; it is the front that acts on them. */
	signal(SIGINT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGPIPE, SIG_IGN); /* a line that the front has closed is seen when it is read */
	prctl(PR_SET_NAME, p->title);
}

bool
process_start(struct process *p, const void *options)
{
	int *own = calloc(p->socket_count + 1, sizeof *own);

	p->sockets = calloc(p->socket_count + 1, sizeof *p->sockets);
	if (own == NULL || p->sockets == NULL || !make_pairs(p->sockets, own, p->socket_count) ||
	    (p->pid = fork()) < 0) {
		log_say("the %s cannot be started: %s", p->name, strerror(errno));
		free(own);
		return false;
	}
	if (p->pid == 0) {
		become(p, own);
		exit(p->run(options, own, p->socket_count));
	}
	close_all(own, p->socket_count);
	free(own);
	return true;
}

/* The exit code, 4 if it has none; says what was wrong, unless it has said so itself. */
static int
explain(const struct process *p, int status)
{
	if (WIFSIGNALED(status))
		log_say("the %s was ended by signal %d", p->name, WTERMSIG(status));
	return WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_TROUBLE;
}

bool
process_ended(struct process *p, int *code)
{
	int status;

	if (p->pid <= 0 || waitpid(p->pid, &status, WNOHANG) != p->pid)
		return false;
	p->pid = 0;
	*code = explain(p, status);
	return true;
}

int
process_stop(struct process *p)
{
	const struct timespec step = { .tv_nsec = STEP_MS * 1000000L };
	int code = 0;

	for (size_t i = 0; i < p->socket_count; i++)
		if (p->sockets[i] >= 0)
			close(p->sockets[i]);
	free(p->sockets);
	p->sockets = NULL;
	for (int waited = 0; p->pid > 0 && !process_ended(p, &code); waited += STEP_MS) {
		if (waited == PATIENCE_MS)
			kill(p->pid, SIGTERM);
		else if (waited == 2 * PATIENCE_MS)
			kill(p->pid, SIGKILL);
		nanosleep(&step, NULL);
	}
	return code;
}
