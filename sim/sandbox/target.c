/* SPDX-License-Identifier: Apache-2.0 */
/* process_vm_readv() keeps to the program's own page protection, unlike /proc/PID/mem, so a pointer
 * to read-only memory is EFAULT here as it is in a driver. */
#include "target.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <unistd.h>

/* The remote address is a number, and never used as a pointer here. */
static struct iovec
remote(uint64_t at, size_t n)
{
	struct iovec v = { .iov_len = n };

	memcpy(&v.iov_base, &at, sizeof at);
	return v;
}

int
target_read(pid_t tid, uint64_t at, void *out, size_t n)
{
	struct iovec local = { out, n }, far = remote(at, n);

	return process_vm_readv(tid, &local, 1, &far, 1, 0) == (ssize_t)n ? 0 : -EFAULT;
}

int
target_write(pid_t tid, uint64_t at, const void *in, size_t n)
{
	struct iovec local = { .iov_len = n }, far = remote(at, n);

	memcpy(&local.iov_base, &in, sizeof in); /* only read */
	return process_vm_writev(tid, &local, 1, &far, 1, 0) == (ssize_t)n ? 0 : -EFAULT;
}

/*
 * The node is /dev/null under another name: with root a node of its own in the sandbox's /dev, else
 * a bind mount. The link of a descriptor shows the name it was opened under, which /dev/null itself
 * does not have, and which survives dup, fork, passing over a socket and a copied namespace.
 */
bool
target_has_device(pid_t tid, uint64_t fd, const char *name)
{
	char link[64], path[PATH_MAX];
	struct stat node, how;

	if (fd > INT_MAX)
		return false;
	snprintf(link, sizeof link, "/proc/%d/fd/%d", (int)tid, (int)fd);
	if (lstat(link, &how) != 0 || (how.st_mode & 0600) == 0) /* O_PATH: EBADF, the kernel's */
		return false;
	if (stat(link, &node) != 0 || !S_ISCHR(node.st_mode) || node.st_rdev != makedev(1, 3))
		return false;
	ssize_t n = readlink(link, path, sizeof path - 1);
	if (n <= 0)
		return false;
	path[n] = '\0';
	const char *slash = strrchr(path, '/');
	return slash != NULL && strcmp(slash + 1, name) == 0;
}

bool
target_writable(pid_t tid, uint64_t fd)
{
	char link[64];
	struct stat how;

	snprintf(link, sizeof link, "/proc/%d/fd/%d", (int)tid, (int)fd);
	return fd <= INT_MAX && lstat(link, &how) == 0 && (how.st_mode & 0200) != 0;
}

/* A number of /proc/TID/status; false when the thread is gone. */
static bool
read_status(pid_t tid, const char *name, int base, uint64_t *out)
{
	char path[64], line[256];
	bool found = false;

	snprintf(path, sizeof path, "/proc/%d/status", (int)tid);
	FILE *f = fopen(path, "re");
	if (f == NULL)
		return false;
	while (!found && fgets(line, sizeof line, f) != NULL)
		if (strncmp(line, name, strlen(name)) == 0 && line[strlen(name)] == ':') {
			*out = strtoull(line + strlen(name) + 1, NULL, base);
			found = true;
		}
	fclose(f);
	return found;
}

bool
target_capable(pid_t tid, int capability)
{
	uint64_t effective;

	return read_status(tid, "CapEff", 16, &effective) && (effective >> capability & 1) != 0;
}

/* A traced program is woken by signals too that it ignores, by default or by its own will. */
bool
target_interrupted(pid_t tid)
{
	const uint64_t harmless = 1ULL << (SIGCHLD - 1) | 1ULL << (SIGCONT - 1) |
	    1ULL << (SIGURG - 1) | 1ULL << (SIGWINCH - 1);
	uint64_t own, shared, blocked, ignored, caught;

	if (!read_status(tid, "SigPnd", 16, &own) || !read_status(tid, "ShdPnd", 16, &shared) ||
	    !read_status(tid, "SigBlk", 16, &blocked) ||
	    !read_status(tid, "SigIgn", 16, &ignored) || !read_status(tid, "SigCgt", 16, &caught))
		return true;
	return ((own | shared) & ~blocked & ~ignored & (caught | ~harmless)) != 0;
}

int
target_take_fd(pid_t tid, uint64_t fd)
{
	if (fd > INT_MAX)
		return -EBADF;
	uint64_t process;
	/* Before Linux 6.9 a pidfd is of a process, not of one of its threads. */
	if (!read_status(tid, "Tgid", 10, &process))
		return -ESRCH;
	int pidfd = (int)syscall(SYS_pidfd_open, (pid_t)process, 0);
	if (pidfd < 0)
		return -errno;
	int copy = (int)syscall(SYS_pidfd_getfd, pidfd, (int)fd, 0);
	int rc = copy < 0 ? -errno : copy;
	close(pidfd);
	return rc;
}
