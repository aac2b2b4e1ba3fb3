/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Seccomp user notification: the calls of the program that the kernel hands to the supervisor, and
 * what it answers.
 *
 * The filter is plain BPF and the listener comes from seccomp(2) itself: libseccomp 2.5 knows
 * neither SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV, without which a program that is sent a signal
 * every millisecond (as Go's scheduler does) never gets an answer, nor a number like 0xEA01. All
 * other calls pass by number alone, so that the kernel's cache of allowed numbers holds for them.
 */
#include "notify.h"
#include "device.h"
#include "target.h"
#include "vsock.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <stddef.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV /* since Linux 5.19 */
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5)
#endif

/* --- the filter ----------------------------------------------------------------------------- */

enum { NO_ARGUMENT = -1, RULE_LENGTH = 6, ADDRESS_LENGTH = 16 };

/* One rule: this call, if this argument's low half under the mask has this value. The kernel takes
 * only the low half of an ioctl's number too. */
struct rule {
	unsigned nr;
	int argument;
	unsigned mask, value, action;
};

#if defined(__aarch64__)
#define NATIVE_ARCH AUDIT_ARCH_AARCH64
#else
#define NATIVE_ARCH AUDIT_ARCH_X86_64
#endif

static const struct rule every_tee[] = {
#if defined(__x86_64__)
	{ ENARX_GET_ATT, NO_ARGUMENT, 0, 0, SECCOMP_RET_TRACE },
	{ ENARX_GET_KEY, NO_ARGUMENT, 0, 0, SECCOMP_RET_TRACE },
#endif
	/* Calls made through a ring pass every filter, so there is none to be had. */
	{ SYS_io_uring_setup, NO_ARGUMENT, 0, 0, SECCOMP_RET_ERRNO | ENOSYS },
}, tdx[] = {
	{ SYS_ioctl, 1, UINT32_MAX, TDX_GET_REPORT0, SECCOMP_RET_USER_NOTIF },
}, vsock[] = {
	{ SYS_socket, 0, UINT32_MAX, AF_VSOCK, SECCOMP_RET_USER_NOTIF },
	{ SYS_bind, 2, UINT32_MAX, ADDRESS_LENGTH, SECCOMP_RET_USER_NOTIF },
	{ SYS_connect, 2, UINT32_MAX, ADDRESS_LENGTH, SECCOMP_RET_USER_NOTIF },
	{ SYS_getsockname, NO_ARGUMENT, 0, 0, SECCOMP_RET_USER_NOTIF },
	{ SYS_getpeername, NO_ARGUMENT, 0, 0, SECCOMP_RET_USER_NOTIF },
	{ SYS_getsockopt, 2, UINT32_MAX, SO_DOMAIN, SECCOMP_RET_USER_NOTIF },
	{ SYS_setsockopt, 1, UINT32_MAX, AF_VSOCK, SECCOMP_RET_USER_NOTIF },
}, snp[] = { /* and the host's device of SEV */
	/* The driver looks at the structure before it looks at the number. */
	{ SYS_ioctl, 1, 0xff00, SNP_IOCTL_TYPE << 8, SECCOMP_RET_USER_NOTIF },
};

struct program {
	struct sock_filter code[RULE_LENGTH * 16];
	unsigned short n;
};

static void
put(struct program *p, unsigned code, unsigned k, unsigned char yes, unsigned char no)
{
	p->code[p->n++] = (struct sock_filter){ (unsigned short)code, yes, no, k };
}

static void
put_rules(struct program *p, const struct rule *rules, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct rule *r = &rules[i];
		bool asks = r->argument != NO_ARGUMENT;

		put(p, BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr), 0, 0);
		put(p, BPF_JMP | BPF_JEQ | BPF_K, r->nr, 0, asks ? 4 : 1);
		if (asks) {
			put(p, BPF_LD | BPF_W | BPF_ABS,
			    (unsigned)offsetof(struct seccomp_data, args) +
				8 * (unsigned)r->argument,
			    0, 0);
			put(p, BPF_ALU | BPF_AND | BPF_K, r->mask, 0, 0);
			put(p, BPF_JMP | BPF_JEQ | BPF_K, r->value, 0, 1);
		}
		put(p, BPF_RET | BPF_K, r->action, 0, 0);
	}
}

int
notify_install(const struct sandbox *sb)
{
	const unsigned long flags =
	    SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV;
	struct program p = { .n = 0 };

	/* A 32-bit call has other numbers; an x32 one a bit that no rule has. */
	put(&p, BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch), 0, 0);
	put(&p, BPF_JMP | BPF_JEQ | BPF_K, NATIVE_ARCH, 1, 0);
	put(&p, BPF_RET | BPF_K, SECCOMP_RET_ALLOW, 0, 0);
	put_rules(&p, every_tee, sizeof every_tee / sizeof every_tee[0]);
	if (strcmp(sb->tee, "tdx") == 0)
		put_rules(&p, tdx, sizeof tdx / sizeof tdx[0]);
	if (sb->vsock != NULL)
		put_rules(&p, vsock, sizeof vsock / sizeof vsock[0]);
	if (sb->channel != NULL || sb->host)
		put_rules(&p, snp, sizeof snp / sizeof snp[0]);
	put(&p, BPF_RET | BPF_K, SECCOMP_RET_ALLOW, 0, 0);

	struct sock_fprog filter = { p.n, p.code };
	long fd = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &filter);
	/* Without CAP_SYS_ADMIN the kernel wants this first; with it set-uid programs still work. */
	if (fd < 0 && errno == EACCES && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0)
		fd = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &filter);
	return fd < 0 ? -errno : (int)fd;
}

/* --- the answers ---------------------------------------------------------------------------- */

static void
answer(int listener, uint64_t id, int error, unsigned flags)
{
	struct seccomp_notif_resp r = { .id = id, .error = error, .flags = flags };

	ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &r); /* fails if the program died: no one waits */
}

static void
answer_socket(struct sandbox *sb, int listener, const struct seccomp_notif *n)
{
	int fd = vsock_socket(sb->vsock, n->data.args[1], n->data.args[2]);

	if (fd < 0) {
		answer(listener, n->id, fd, 0);
		return;
	}
	struct seccomp_notif_addfd add = { .id = n->id,
		.flags = SECCOMP_ADDFD_FLAG_SEND,
		.srcfd = (unsigned)fd,
		.newfd_flags = n->data.args[1] & SOCK_CLOEXEC ? O_CLOEXEC : 0 };
	if (ioctl(listener, SECCOMP_IOCTL_NOTIF_ADDFD, &add) < 0)
		answer(listener, n->id, -errno, 0);
	close(fd);
}

static void
answer_bind(struct sandbox *sb, int listener, const struct seccomp_notif *n, const uint64_t args[6])
{
	unsigned port = 0;
	int fd;

	if (!vsock_bind(sb->vsock, (pid_t)n->pid, args, &fd, &port)) {
		answer(listener, n->id, 0, SECCOMP_USER_NOTIF_FLAG_CONTINUE);
		return;
	}
	struct seccomp_notif_addfd add = { .id = n->id,
		.flags = SECCOMP_ADDFD_FLAG_SETFD,
		.srcfd = (unsigned)fd,
		.newfd = (unsigned)args[0],
		.newfd_flags = O_CLOEXEC };
	int rc = fd < 0 ? fd : ioctl(listener, SECCOMP_IOCTL_NOTIF_ADDFD, &add) < 0 ? -errno : 0;
	if (rc == 0)
		sandbox_log(sb, "pid %u: vsock: port %u", n->pid, port);
	if (fd >= 0)
		close(fd);
	answer(listener, n->id, rc, 0);
}

static void
answer_ioctl(struct sandbox *sb, int listener, const struct seccomp_notif *n)
{
	const char *name = sb->host ? "sev" : sb->channel != NULL ? "sev-guest" : "tdx_guest";
	uint32_t request = (uint32_t)n->data.args[1];
	pid_t tid = (pid_t)n->pid;

	if (!target_has_device(tid, n->data.args[0], name) ||
	    ioctl(listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &n->id) != 0) {
		answer(listener, n->id, 0, SECCOMP_USER_NOTIF_FLAG_CONTINUE);
		return;
	}
	int rc = sb->host         ? device_sev_ioctl(sb, tid, request, n->data.args[2],
					target_writable(tid, n->data.args[0]))
	    : sb->channel != NULL ? device_snp_ioctl(sb, tid, request, n->data.args[2])
				  : device_tdx_ioctl(sb, tid, request, n->data.args[2]);
	sandbox_log(sb, "pid %u: /dev/%s: ioctl 0x%08x: %s", n->pid, name, request,
	    rc == 0 ? "done" : strerror(-rc));
	answer(listener, n->id, rc, 0);
}

static void
answer_one(struct sandbox *sb, int listener, const struct seccomp_notif *n)
{
	uint64_t args[6];
	int rc;

	for (size_t i = 0; i < 6; i++)
		args[i] = n->data.args[i];
	if (n->data.nr == SYS_ioctl)
		answer_ioctl(sb, listener, n);
	else if (n->data.nr == SYS_socket)
		answer_socket(sb, listener, n);
	else if (n->data.nr == SYS_bind)
		answer_bind(sb, listener, n, args);
	else if (vsock_call(sb->vsock, (pid_t)n->pid, n->data.nr, args, &rc))
		answer(listener, n->id, rc, 0);
	else
		answer(listener, n->id, 0, SECCOMP_USER_NOTIF_FLAG_CONTINUE);
}

void
notify_loop(struct sandbox *sb, int listener, int stop)
{
	for (;;) {
		struct pollfd fds[] = { { .fd = listener, .events = POLLIN },
			{ .fd = stop, .events = POLLIN } };
		struct seccomp_notif n = { .id = 0 }; /* not zero: EINVAL */

		if (poll(fds, 2, -1) < 0 && errno != EINTR)
			return;
		if (fds[1].revents != 0 || fds[0].revents & (POLLHUP | POLLERR))
			return;
		if (fds[0].revents & POLLIN && ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &n) == 0)
			answer_one(sb, listener, &n);
	}
}
