/* SPDX-License-Identifier: Apache-2.0 */
#include "internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { READ_STEP = 32 * 1024 };

int64_t
guest_now_ms(void)
{
	struct timespec t = { 0 };

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

bool
guest_pause(const struct guest_job *job, int ms)
{
	int64_t left = job->deadline - guest_now_ms();

	if (left <= 0)
		return false;
	if (ms > left)
		ms = (int)left;
	struct timespec t = { .tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000 };
	(void)nanosleep(&t, NULL);
	return true;
}

bool
guest_path(char out[GUEST_PATH_MAX], const char *root, const char *path)
{
	int n = snprintf(out, GUEST_PATH_MAX, "%s%s", root, path);

	return n > 0 && n < GUEST_PATH_MAX;
}

int
guest_open(int *fd, const char *root, const char *path, int flags)
{
	char whole[GUEST_PATH_MAX];

	if (!guest_path(whole, root, path))
		return ENAMETOOLONG;
	do {
		*fd = open(whole, flags | O_CLOEXEC | O_NOCTTY);
	} while (*fd < 0 && errno == EINTR);
	return *fd < 0 ? errno : 0;
}

bool
guest_exists(const char *root, const char *path)
{
	char whole[GUEST_PATH_MAX];

	return guest_path(whole, root, path) && access(whole, F_OK) == 0;
}

/* Room for at least one more byte than max, so that a file that is too long is noticed. */
static int
grow(struct guest_blob *b, size_t *room, size_t max)
{
	size_t more = *room == 0 ? READ_STEP : *room * 2;

	if (more > max + 1)
		more = max + 1;
	uint8_t *ptr = realloc(b->ptr, more);
	if (ptr == NULL)
		return ENOMEM;
	b->ptr = ptr;
	*room = more;
	return 0;
}

int
guest_read(struct guest_blob *out, int fd, size_t max)
{
	struct guest_blob b = { NULL, 0 };
	size_t room = 0;
	int error = 0;

	for (;;) {
		if (b.len == room && (error = grow(&b, &room, max)) != 0)
			break;
		ssize_t n = read(fd, b.ptr + b.len, room - b.len);
		if (n < 0) {
			error = errno;
			break;
		}
		if (n == 0)
			break;
		b.len += (size_t)n;
		if (b.len > max) {
			error = EFBIG;
			break;
		}
	}
	if (error != 0) {
		free(b.ptr);
		return error;
	}
	*out = b;
	return 0;
}

int
guest_read_file(struct guest_blob *out, const char *root, const char *path, size_t max)
{
	int fd = -1;
	int error = guest_open(&fd, root, path, O_RDONLY);

	if (error != 0)
		return error;
	error = guest_read(out, fd, max);
	close(fd);
	return error;
}

int
guest_write_once(int fd, struct assay_bytes bytes)
{
	ssize_t n = write(fd, bytes.ptr, bytes.len);

	if (n < 0)
		return errno;
	return (size_t)n == bytes.len ? 0 : EIO;
}

struct assay_bytes
guest_bytes(const struct guest_blob *blob)
{
	return (struct assay_bytes){ blob->ptr, blob->len };
}

bool
guest_copy(struct guest_blob *out, struct assay_bytes in)
{
	out->ptr = malloc(in.len);
	if (out->ptr == NULL)
		return false;
	memcpy(out->ptr, in.ptr, in.len);
	out->len = in.len;
	return true;
}

void
guest_blob_clear(struct guest_blob *blob)
{
	free(blob->ptr);
	*blob = (struct guest_blob){ NULL, 0 };
}

enum assay_code
guest_fail_errno(struct assay_error *err, int error, const char *path)
{
	char text[128];
	bool forbidden = error == EACCES || error == EPERM;

	if (error == ENOMEM)
		return assay_fail_nomem(err);
	if (strerror_r(error, text, sizeof text) != 0)
		snprintf(text, sizeof text, "error %d", error);
	return assay_fail(err,
	    error == ENOENT || error == ENXIO || error == ENODEV || error == ENOTDIR
		? ASSAY_E_UNSUPPORTED
		: ASSAY_E_IO,
	    "%s: %s%s", path, text, forbidden ? "; run as root, or be given access" : "");
}
