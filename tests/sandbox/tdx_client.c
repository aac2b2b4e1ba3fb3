/* SPDX-License-Identifier: Apache-2.0 */
/* The device, the registers, CCEL and vsock of a TD, as a program inside meets them. */
#include "tap.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/vm_sockets.h>

#define GET_REPORT   0xc4405401UL
#define EXTEND       0x80315403UL
#define GET_QUOTE    0x80105404UL
#define OLD_QUOTE    0xc0105402UL
#define MEASUREMENTS "/sys/class/misc/tdx_guest/measurements/"

enum { DATA = 64, REPORT = 1024, AT_DATA = 128, PAGE = 4096, QUOTE_ROOM = 65536, STALLED = 100 };

struct request {
	uint8_t data[DATA], report[REPORT];
};

static int
error_of(long rc)
{
	return rc < 0 ? errno : 0;
}

/* An address below the first page; through a volatile, or the compiler knows better. */
static void *
nowhere(uintptr_t at)
{
	volatile uintptr_t v = at;
	return (void *)v;
}

static bool
reports(int fd, uint8_t first)
{
	struct request r = { .data = { first } };

	return ioctl(fd, GET_REPORT, &r) == 0 && r.report[AT_DATA] == first &&
	    memcmp(r.data, r.report + AT_DATA, DATA) == 0;
}

static void
device(void)
{
	struct stat st;
	int fd = open("/dev/tdx_guest", O_RDWR | O_SYNC | O_CLOEXEC);
	int null = open("/dev/null", O_RDWR | O_CLOEXEC), path = open("/dev/tdx_guest", O_PATH);
	struct request r = { .data = { 1 } };

	ok(stat("/dev/tdx_guest", &st) == 0 && S_ISCHR(st.st_mode), st.st_mode,
	    "a character device");
	ok(fstat(fd, &st) == 0 && S_ISCHR(st.st_mode), st.st_mode, "opened too");
	ok(reports(fd, 1), errno, "a report with the data that were given");
	ok(error_of(ioctl(fd, GET_REPORT, NULL)) == EFAULT, errno, "NULL: EFAULT");
	ok(error_of(ioctl(fd, GET_REPORT, nowhere(8))) == EFAULT, errno, "unmapped: EFAULT");
	ok(error_of(ioctl(fd, GET_REPORT, nowhere(UINTPTR_MAX - 8))) == EFAULT, errno,
	    "the end of memory: EFAULT");
	uint8_t *page =
	    mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	munmap(page + PAGE, PAGE);
	ok(error_of(ioctl(fd, GET_REPORT, page + PAGE - 32)) == EFAULT, errno,
	    "half of the nonce mapped: EFAULT");
	ok(error_of(ioctl(fd, GET_REPORT, page + PAGE - 512)) == EFAULT, errno,
	    "half of the report mapped: EFAULT");
	mprotect(page, PAGE, PROT_READ);
	ok(error_of(ioctl(fd, GET_REPORT, page)) == EFAULT, errno,
	    "memory that cannot be written: EFAULT");
	ok(syscall(SYS_ioctl, fd, GET_REPORT | 0xffffffff00000000UL, &r) == 0, errno,
	    "the high half of the number is not looked at");
	ok(error_of(ioctl(fd, EXTEND, page)) == ENOTTY &&
		error_of(ioctl(fd, GET_QUOTE, page)) == ENOTTY &&
		error_of(ioctl(fd, OLD_QUOTE, page)) == ENOTTY &&
		error_of(ioctl(fd, 0x5401, page)) == ENOTTY,
	    errno, "all else: ENOTTY");
	ok(error_of(ioctl(null, GET_REPORT, &r)) == ENOTTY, errno, "/dev/null is no such device");
	ok(error_of(ioctl(path, GET_REPORT, &r)) == EBADF, errno, "opened as a path only: EBADF");
	ok(error_of(ioctl(999, GET_REPORT, &r)) == EBADF, errno, "no descriptor: EBADF");
	ok(reports(dup(fd), 2) && dup2(fd, 100) == 100 && reports(100, 3), errno,
	    "under another number");
	pid_t child = fork();
	if (child == 0)
		_exit(!reports(fd, 4));
	int status = 1;
	waitpid(child, &status, 0);
	ok(status == 0, status, "in a child");
	close(fd);
	ok(dup2(null, fd) == fd && error_of(ioctl(fd, GET_REPORT, &r)) == ENOTTY, errno,
	    "its number reused for another file");
	ok(dup2(100, null) == null && reports(null, 5), errno, "another's number reused for it");
}

static ssize_t
register_file(const char *name, uint8_t *value, size_t n, off_t at, bool write)
{
	char path[128] = MEASUREMENTS;

	int fd = open(strcat(path, name), (write ? O_WRONLY : O_RDONLY) | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	ssize_t rc = write ? pwrite(fd, value, n, at) : pread(fd, value, n, at);
	rc = rc < 0 ? -errno : rc;
	close(fd);
	return rc;
}

static void
registers(void)
{
	static const char *const names[] = { "rtmr0:sha384", "rtmr1:sha384", "rtmr2:sha384",
		"rtmr3:sha384", "mrtd:sha384", "mrconfigid", "mrowner", "mrownerconfig" };
	uint8_t a[64], b[64], digest[64] = { 7 };

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		ok(register_file(names[i], a, 64, 0, false) == 48, 0, "%s has 48 bytes", names[i]);
	for (size_t i = 0; i < 4; i++) {
		register_file(names[i], a, 48, 0, false);
		ok(register_file(names[i], digest, 48, 0, true) == 48 &&
			register_file(names[i], b, 48, 0, false) == 48 && memcmp(a, b, 48) != 0,
		    errno, "%s is extended", names[i]);
	}
	ok(register_file("mrtd:sha384", digest, 48, 0, true) == -EACCES, 0,
	    "mrtd cannot be written: EACCES");
	ok(register_file("rtmr2:sha384", digest, 47, 0, true) == -EINVAL, 0, "47 bytes: EINVAL");
	ok(register_file("rtmr2:sha384", digest, 40, 8, true) == -EINVAL, 0,
	    "not at the beginning: EINVAL");
	ok(register_file("rtmr2:sha384", digest, 64, 0, true) == 48, 0, "64 bytes are cut to 48");
	ok(register_file("rtmr2:sha384", digest, 16, 48, true) == -EFBIG, 0,
	    "and the rest is EFBIG");
	register_file("rtmr2:sha384", a, 48, 0, false);
	ok(register_file("rtmr2:sha384", b, 48, 40, false) == 8 && memcmp(a + 40, b, 8) == 0, 0,
	    "read at an offset");

	struct request r = { .data = { 0 } };
	int fd = open("/dev/tdx_guest", O_RDWR | O_CLOEXEC);
	ok(ioctl(fd, GET_REPORT, &r) == 0 && memcmp(r.report + 512 + 208 + 96, a, 48) == 0, errno,
	    "the TDREPORT shows the same RTMR2");
	close(fd);
}

static void
ccel(void)
{
	uint8_t table[256];
	int fd = open("/sys/firmware/acpi/tables/CCEL", O_RDONLY | O_CLOEXEC);
	struct stat st;

	ok(read(fd, table, sizeof table) >= 56 && memcmp(table, "CCEL", 4) == 0, errno,
	    "the CCEL table");
	ok(stat("/sys/firmware/acpi/tables/data/CCEL", &st) == 0 && st.st_size > 1000, st.st_size,
	    "and its log");
	close(fd);
}

static int
vsock(int flags, unsigned cid, unsigned port)
{
	struct sockaddr_vm to = { .svm_family = AF_VSOCK, .svm_cid = cid, .svm_port = port };
	int fd = socket(AF_VSOCK, SOCK_STREAM | flags, 0);

	if (fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof to) != 0) {
		int error = errno;
		close(fd);
		errno = error;
		return -1;
	}
	return fd;
}

/* The bare form: a TDREPORT in, a quote out. */
static bool
quote(int fd, uint8_t first)
{
	static uint8_t out[QUOTE_ROOM];
	struct request r = { .data = { first } };
	int device_fd = open("/dev/tdx_guest", O_RDWR | O_CLOEXEC);
	size_t n = 0;

	if (ioctl(device_fd, GET_REPORT, &r) != 0 ||
	    send(fd, r.report, REPORT, MSG_NOSIGNAL) != REPORT)
		return false;
	close(device_fd);
	for (ssize_t got; n < sizeof out && (got = read(fd, out + n, sizeof out - n)) > 0;)
		n += (size_t)got;
	return n > 1000 && memcmp(out + 48 + 520, r.data, DATA) == 0;
}

static void
sockets(void)
{
	struct sockaddr_vm name = { .svm_family = AF_UNSPEC };
	socklen_t len = sizeof name;
	int value = 0;

	int fd = vsock(SOCK_CLOEXEC, VMADDR_CID_HOST, 4050);
	ok(fd >= 0, errno, "vsock to CID 2, port 4050");
	ok((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0, 0, "close-on-exec as asked");
	ok(getsockname(fd, (struct sockaddr *)&name, &len) == 0 && len == sizeof name &&
		name.svm_family == AF_VSOCK && name.svm_cid == 3,
	    name.svm_family, "getsockname");
	len = sizeof name;
	ok(getpeername(fd, (struct sockaddr *)&name, &len) == 0 && name.svm_cid == 2 &&
		name.svm_port == 4050,
	    name.svm_cid, "getpeername");
	len = sizeof value;
	ok(getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &value, &len) == 0 && value == AF_VSOCK, value,
	    "SO_DOMAIN");
	struct timespec wait = { 5, 0 };
	ok(setsockopt(fd, AF_VSOCK, SO_VM_SOCKETS_CONNECT_TIMEOUT, &wait, sizeof wait) == 0, errno,
	    "a time-out is taken");
	ok(error_of(connect(fd, (struct sockaddr *)&name, sizeof name)) == EISCONN, errno,
	    "connected already");
	ok(quote(fd, 9), errno, "a quote for this report");
	close(fd);
	fd = vsock(SOCK_NONBLOCK, VMADDR_CID_HOST, 4050);
	ok(fd >= 0 && (fcntl(fd, F_GETFL) & O_NONBLOCK) != 0 &&
		(fcntl(fd, F_GETFD) & FD_CLOEXEC) == 0,
	    errno, "not blocking");
	close(fd);
	ok(error_of(vsock(0, VMADDR_CID_HOST, 4051)) == ECONNRESET, errno,
	    "a port where no one listens: ECONNRESET");
	ok(error_of(vsock(0, 77, 4050)) == ENODEV, errno, "another machine: ENODEV");
	ok(error_of(socket(AF_VSOCK, SOCK_DGRAM, 0)) == ESOCKTNOSUPPORT, errno,
	    "datagrams: ESOCKTNOSUPPORT");
	ok(error_of(socket(AF_VSOCK, SOCK_STREAM, 99)) == EPROTONOSUPPORT, errno,
	    "a protocol: EPROTONOSUPPORT");
	fd = socket(AF_VSOCK, SOCK_STREAM, 0);
	len = sizeof name;
	ok(error_of(getpeername(fd, (struct sockaddr *)&name, &len)) == ENOTCONN, errno,
	    "not connected: ENOTCONN");
	ok(error_of(connect(fd, nowhere(8), 16)) == EFAULT, errno, "an unmapped address: EFAULT");
	close(fd);

	int pair[2];
	len = sizeof name;
	ok(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0 &&
		getsockname(pair[0], (struct sockaddr *)&name, &len) == 0 &&
		name.svm_family == AF_UNIX,
	    name.svm_family, "other sockets stay what they are");
	/* The descriptor goes to another process by a socket, and is the same connection there. */
	fd = vsock(0, VMADDR_CID_HOST, 4050);
	pid_t child = fork();
	if (child == 0) {
		len = sizeof name;
		_exit(!(getpeername(fd, (struct sockaddr *)&name, &len) == 0 &&
		    name.svm_port == 4050 && quote(fd, 11)));
	}
	int status = 1;
	waitpid(child, &status, 0);
	ok(status == 0, status, "a connection in a child");
	ok(error_of(syscall(SYS_io_uring_setup, 8, NULL)) == ENOSYS, errno, "no io_uring");
}

/* Clients that stall in the middle of a frame: they do not stop the others for good, and the last
 * one is left to the end of the program. */
static void
stalled(void)
{
	static int fds[STALLED];
	int connected = 0;
	bool served = false;

	for (size_t i = 0; i < STALLED; i++) {
		fds[i] = vsock(0, VMADDR_CID_HOST, 4050);
		connected += fds[i] >= 0 && send(fds[i], "\0\0", 2, MSG_NOSIGNAL) == 2;
	}
	for (size_t i = 0; i < STALLED; i++)
		close(fds[i]);
	for (int i = 0; i < 100 && !served; i++) {
		int fd = vsock(0, VMADDR_CID_HOST, 4050);
		served = quote(fd, 12);
		close(fd);
		usleep(10000);
	}
	ok(connected > STALLED / 2 && served, connected,
	    "%d connections that stall, and then one that does not", STALLED);
	int last = vsock(0, VMADDR_CID_HOST, 4050);
	ok(write(last, "", 1) == 1, errno, "one stalls until the end");
}

int
main(void)
{
	device();
	registers();
	ccel();
	sockets();
	stalled();
	return done();
}
