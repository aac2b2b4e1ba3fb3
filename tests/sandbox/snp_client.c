/* SPDX-License-Identifier: Apache-2.0 */
/* /dev/sev-guest as a program inside meets it. */
#include "tap.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define GET_REPORT  0xc0205300UL
#define GET_DERIVED 0xc0205301UL
#define GET_EXT     0xc0205302UL

enum { PAGE = 4096, AT_DATA = 32 + 0x50, MINE = 0x5555, NOT_REACHED = 0xff, REPORT_SIZE = 1184 };

struct request { /* Source: linux/sev-guest.h, as the three below */
	uint8_t version, zero[7];
	uint64_t req, resp, exitinfo2;
};
struct report_request {
	uint8_t data[64];
	uint32_t vmpl;
	uint8_t zero[28];
};
struct ext_request {
	struct report_request report;
	uint64_t certs;
	uint32_t certs_len, zero;
};
struct key_request {
	uint32_t root, zero;
	uint64_t fields;
	uint32_t vmpl, svn;
	uint64_t tcb;
};

static int fd;
static uint8_t response[4000];

static uint64_t
address(const void *p)
{
	return (uintptr_t)p;
}

/* The errno of one ioctl, 0 when it succeeded; exitinfo2 was MINE before. */
static int
ask(unsigned long number, const void *req, void *resp, uint64_t *exitinfo2)
{
	struct request r = {
		.version = 1, .req = address(req), .resp = address(resp), .exitinfo2 = MINE
	};
	int error = ioctl(fd, number, &r) == 0 ? 0 : errno;

	*exitinfo2 = r.exitinfo2;
	return error;
}

static uint32_t
load(const uint8_t *at)
{
	uint32_t v;

	memcpy(&v, at, sizeof v);
	return v;
}

static void
structures(void)
{
	struct report_request in = { .data = { 1 } };
	struct request r = {
		.version = 0, .req = address(&in), .resp = address(response), .exitinfo2 = MINE
	};
	uint64_t info;

	ok(ioctl(fd, GET_REPORT, NULL) < 0 && errno == EFAULT, errno, "NULL: EFAULT");
	ok(ioctl(fd, 0xc0205309UL, NULL) < 0 && errno == EFAULT, errno,
	    "and so before the number is looked at");
	ok(ioctl(fd, GET_REPORT, &r) < 0 && errno == EINVAL && r.exitinfo2 == MINE, errno,
	    "message version 0: EINVAL, nothing written");
	r.version = 1;
	ok(ioctl(fd, 0xc0205309UL, &r) < 0 && errno == ENOTTY && r.exitinfo2 == NOT_REACHED, errno,
	    "an unknown number: ENOTTY");
	ok(ask(GET_REPORT, NULL, response, &info) == EINVAL && info == NOT_REACHED, errno,
	    "no request: EINVAL");
	ok(ask(GET_REPORT, &in, NULL, &info) == EINVAL, errno, "no response: EINVAL");
	r.req = 8;
	ok(ioctl(fd, GET_REPORT, &r) < 0 && errno == EFAULT && r.exitinfo2 == NOT_REACHED, errno,
	    "an unmapped request: EFAULT");
	r.req = address(&in);
	r.resp = 8;
	r.exitinfo2 = MINE;
	ok(ioctl(fd, GET_REPORT, &r) < 0 && errno == EFAULT && r.exitinfo2 == MINE, errno,
	    "an unmapped response: EFAULT, after the firmware answered");
	uint8_t *page =
	    mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	munmap(page + PAGE, PAGE);
	ok(ioctl(fd, GET_REPORT, page + PAGE - 16) < 0 && errno == EFAULT, errno,
	    "half of the structure mapped: EFAULT");
	ok(ask(GET_REPORT, &in, page + PAGE - 1000, &info) == EFAULT, errno,
	    "half of the response mapped: EFAULT");
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	ok(ioctl(null, GET_REPORT, &r) < 0 && errno == ENOTTY, errno,
	    "/dev/null is no such device");
	close(null);
}

static void
reports(void)
{
	struct report_request in = { .data = { 2 } };
	uint64_t info;

	for (uint32_t vmpl = 0; vmpl < 4; vmpl++) {
		in.vmpl = vmpl;
		ok(ask(GET_REPORT, &in, response, &info) == 0 && info == MINE, errno,
		    "VMPL %u: done, exitinfo2 as it was", vmpl);
		ok(load(response) == 0 && load(response + 4) == REPORT_SIZE &&
			memcmp(response + AT_DATA, in.data, 64) == 0 &&
			load(response + 32 + 0x30) == vmpl,
		    load(response), "and it is in the report");
	}
	in.vmpl = 4;
	int error = ask(GET_REPORT, &in, response, &info);
	ok(error == 0 && load(response) == 0x16, load(response),
	    "VMPL 4: the firmware's status, and no errno");
	in.vmpl = 0;
	ok(ask(GET_REPORT, &in, response, &info) == 0 && load(response) == 0, errno,
	    "the channel still works");
}

static void
certificates(void)
{
	static uint8_t certs[5 * PAGE];
	static const uint8_t vcek[16] = { 0x63, 0xda, 0x75, 0x8d, 0xe6, 0x64, 0x45, 0x64, 0xad,
		0xc5, 0xf4, 0xb9, 0x3b, 0xe8, 0xac, 0xcd };
	static const uint8_t mixed[16] = { 0x8d, 0x75, 0xda, 0x63, 0x64, 0xe6, 0x64, 0x45, 0xad,
		0xc5, 0xf4, 0xb9, 0x3b, 0xe8, 0xac, 0xcd };
	struct ext_request in = { .report = { .data = { 3 } } };
	uint64_t info;

	int error = ask(GET_EXT, &in, response, &info);
	ok(error == EIO && info >> 32 == 1, (long)info, "no room: EIO, the host's code 1");
	uint32_t needed = in.certs_len;
	ok(needed > PAGE && needed % PAGE == 0, needed, "and how much it needs");
	in.certs = address(certs);
	in.certs_len = 100;
	ok(ask(GET_EXT, &in, response, &info) == EINVAL, errno, "a length that is no page: EINVAL");
	in.certs_len = 5 * PAGE;
	ok(ask(GET_EXT, &in, response, &info) == EINVAL, errno, "more than 16 KiB: EINVAL");
	in.certs_len = PAGE;
	error = ask(GET_EXT, &in, response, &info);
	ok(error == EIO && info >> 32 == 1, (long)info, "too little room: EIO, the host's code 1");
	ok(in.certs_len == needed, in.certs_len, "and how much it needs");
	ok(ask(GET_EXT, &in, response, &info) == 0 && info == MINE &&
		memcmp(response + AT_DATA, in.report.data, 64) == 0,
	    errno, "with that it works");
	bool found = false;
	for (size_t i = 0; i < 8; i++)
		found |=
		    memcmp(certs + 24 * i, vcek, 16) == 0 || memcmp(certs + 24 * i, mixed, 16) == 0;
	ok(found, 0, "the table has a VCEK");
	in.certs = 8;
	ok(ask(GET_EXT, &in, response, &info) == EFAULT, errno, "an unmapped table: EFAULT");
	in.certs = address(certs);
	ok(ask(GET_EXT, &in, response, &info) == 0, errno, "the channel still works");
}

static void
keys(void)
{
	struct key_request in = { .fields = 1 };
	uint8_t first[64], second[64];
	uint64_t info;

	ok(ask(GET_DERIVED, &in, first, &info) == 0 && load(first) == 0 && info == MINE, errno,
	    "a derived key");
	ok(ask(GET_DERIVED, &in, second, &info) == 0 && memcmp(first, second, 64) == 0, errno,
	    "the same again");
	in.fields = 1 | 8;
	ok(ask(GET_DERIVED, &in, second, &info) == 0 && memcmp(first + 32, second + 32, 32) != 0,
	    errno, "another for other fields");
}

/* A type of message that the firmware does not know makes the driver give up its key. */
static void
wiped(void)
{
	struct report_request in = { .data = { 4 } };
	struct request r = {
		.version = 77, .req = address(&in), .resp = address(response), .exitinfo2 = MINE
	};

	int rc = ioctl(fd, GET_REPORT, &r), error = errno;
	ok(rc < 0 && error == EIO && (r.exitinfo2 & UINT32_MAX) != 0, error,
	    "a message version that the firmware refuses: EIO and its status");
	r.version = 1;
	ok(ioctl(fd, GET_REPORT, &r) < 0 && errno == ENOTTY, errno,
	    "the key is wiped: ENOTTY from then on");
}

int
main(void)
{
	struct stat st;

	fd = open("/dev/sev-guest", O_RDWR | O_CLOEXEC);
	ok(fd >= 0 && fstat(fd, &st) == 0 && S_ISCHR(st.st_mode), errno, "a character device");
	ok(stat("/sys/devices/platform/sev-guest", &st) == 0 && S_ISDIR(st.st_mode), errno,
	    "its platform device");
	structures();
	reports();
	certificates();
	keys();
	wiped();
	return done();
}
