/* SPDX-License-Identifier: Apache-2.0 */
#include "tsm.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SNP_SIZE = 1184, SNP_AT_DATA = 0x50, TDX_AT_DATA = 48 + 520 };

int
tsm_open(const char *entry, const char *file, int flags)
{
	char path[512];

	snprintf(path, sizeof path, TSM "/%s/%s", entry, file);
	int fd = open(path, flags | O_CLOEXEC, 0600);
	return fd < 0 ? -errno : fd;
}

static ssize_t
to_the_end(int fd, uint8_t *out, size_t room)
{
	size_t n = 0;

	while (n < room) {
		ssize_t got = read(fd, out + n, room - n);
		if (got < 0)
			return -errno;
		if (got == 0)
			break;
		n += (size_t)got;
	}
	return (ssize_t)n;
}

ssize_t
tsm_read(const char *entry, const char *file, void *out, size_t room)
{
	int fd = tsm_open(entry, file, O_RDONLY);

	if (fd < 0)
		return fd;
	ssize_t n = to_the_end(fd, out, room);
	close(fd);
	return n;
}

ssize_t
tsm_write(const char *entry, const char *file, const void *bytes, size_t n)
{
	int fd = tsm_open(entry, file, O_WRONLY | O_CREAT | O_TRUNC);

	if (fd < 0)
		return fd;
	ssize_t put = write(fd, bytes, n);
	put = put < 0 ? -errno : put;
	close(fd);
	return put;
}

long
tsm_generation(const char *entry)
{
	char text[32] = "";
	ssize_t n = tsm_read(entry, "generation", text, sizeof text - 1);

	return n < 0 ? (long)n : strtol(text, NULL, 10);
}

ssize_t
tsm_attest(const char *entry, const uint8_t nonce[64], uint8_t *out, size_t room)
{
	char path[512];
	ssize_t n;

	snprintf(path, sizeof path, TSM "/%s", entry);
	if (mkdir(path, 0700) != 0)
		return -errno;
	if ((n = tsm_write(entry, "inblob", nonce, 64)) == 64 &&
	    (n = tsm_read(entry, "outblob", out, room)) > 0 && tsm_generation(entry) != 1)
		n = -ESTALE;
	if (rmdir(path) != 0 && n >= 0)
		n = -errno;
	return n;
}

const uint8_t *
tsm_report_data(const uint8_t *evidence, size_t n)
{
	return evidence + (n == SNP_SIZE ? SNP_AT_DATA : TDX_AT_DATA);
}
