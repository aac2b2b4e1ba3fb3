/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ptrace, for the two system calls that return a second register: an answer to a seccomp
 * notification sets rax only, a tracer sets both. SECCOMP_RET_TRACE stops the program at these two
 * numbers and nowhere else; signals pass through unchanged, stops stay stops.
 */
#include "trace.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>

/* Every thread that is traced, to be killed at the end. */
struct tracees {
	pid_t *tids;
	size_t n, room;
};

static void
remember(struct tracees *t, pid_t tid)
{
	for (size_t i = 0; i < t->n; i++)
		if (t->tids[i] == tid)
			return;
	if (t->n == t->room) {
		size_t room = t->room != 0 ? 2 * t->room : 64;
		pid_t *more = realloc(t->tids, room * sizeof *more);
		if (more == NULL)
			return; /* the kernel still kills it when the supervisor ends */
		t->tids = more;
		t->room = room;
	}
	t->tids[t->n++] = tid;
}

static void
forget(struct tracees *t, pid_t tid)
{
	for (size_t i = 0; i < t->n; i++)
		if (t->tids[i] == tid) {
			t->tids[i] = t->tids[--t->n];
			return;
		}
}

int
trace_attach(pid_t child)
{
	const long options = PTRACE_O_TRACESECCOMP | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |
	    PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL;

	return ptrace(PTRACE_SEIZE, child, NULL, options) == 0 ? 0 : -errno;
}

#if defined(__x86_64__)
/* A system call that the filter marked: skipped, with both results in place. */
static void
serve(struct sandbox *sb, pid_t tid)
{
	struct user_regs_struct regs;

	if (ptrace(PTRACE_GETREGS, tid, NULL, &regs) != 0)
		return;
	const uint64_t args[4] = { regs.rdi, regs.rsi, regs.rdx, regs.r10 };
	uint64_t rdx = regs.rdx;
	int64_t rax = enarx_call(sb, tid, regs.orig_rax, args, &rdx);
	sandbox_log(sb, "pid %d: system call 0x%llx: %lld, rdx %llu", (int)tid,
	    (unsigned long long)regs.orig_rax, (long long)rax, (unsigned long long)rdx);
	regs.orig_rax = UINT64_MAX; /* -1: do not make the call */
	regs.rax = (uint64_t)rax;
	regs.rdx = rdx;
	ptrace(PTRACE_SETREGS, tid, NULL, &regs);
}
#else /* no keep of Enarx runs here, and the filter marks nothing */
static void
serve(struct sandbox *sb, pid_t tid)
{
	(void)sb;
	(void)tid;
}
#endif

/* One stop of a thread. Errors are ignored: it can have been killed at any point. */
static void
stopped(struct sandbox *sb, struct tracees *t, pid_t tid, int status)
{
	unsigned event = (unsigned)status >> 16;
	long sig = WSTOPSIG(status);
	unsigned long other = 0;

	remember(t, tid);
	switch (event) {
	case 0: /* a signal on its way to the program */
		ptrace(PTRACE_CONT, tid, NULL, sig);
		return;
	case PTRACE_EVENT_STOP:
		if (sig == SIGSTOP || sig == SIGTSTP || sig == SIGTTIN || sig == SIGTTOU) {
			ptrace(PTRACE_LISTEN, tid, NULL, NULL);
			return;
		}
		break;
	case PTRACE_EVENT_SECCOMP:
		serve(sb, tid);
		break;
	case PTRACE_EVENT_EXEC: /* by another thread: it has taken this number over */
		if (ptrace(PTRACE_GETEVENTMSG, tid, NULL, &other) == 0 && (pid_t)other != tid)
			forget(t, (pid_t)other);
		break;
	default: /* fork, vfork, clone: the new one is traced, and stops on its own */
		break;
	}
	ptrace(PTRACE_CONT, tid, NULL, NULL);
}

static void
kill_all(const struct tracees *t)
{
	for (size_t i = 0; i < t->n; i++)
		kill(t->tids[i], SIGKILL);
}

int
trace_run(struct sandbox *sb, pid_t child)
{
	struct tracees t = { .tids = NULL };
	int status, result = -1;
	bool over = false;

	remember(&t, child);
	for (;;) {
		pid_t tid = waitpid(-1, &status, __WALL);

		if (tid < 0 && errno == EINTR)
			continue;
		if (tid < 0)
			break; /* ECHILD: no one is left */
		if (WIFSTOPPED(status)) {
			stopped(sb, &t, tid, status);
			if (over)
				kill(tid, SIGKILL);
			continue;
		}
		forget(&t, tid);
		if (tid == child) {
			result = status;
			over = true;
			kill_all(&t);
			if (sb->helper > 0)
				kill(sb->helper, SIGKILL);
		}
	}
	free(t.tids);
	return result;
}
