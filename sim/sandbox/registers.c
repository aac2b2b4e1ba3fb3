/* SPDX-License-Identifier: Apache-2.0 */
/* Reads and extends the TD's registers with the traps of sysfs: a longer write is cut to 48 bytes
 * first, so it extends and returns 48, and a loop that brings the rest gets EFBIG. */
#include "registers.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

static const struct {
	const char *name, *of_machine;
	mode_t mode;
} registers[REGISTERS] = {
	{ "rtmr0:sha384", "rtmr0", 0644 },
	{ "rtmr1:sha384", "rtmr1", 0644 },
	{ "rtmr2:sha384", "rtmr2", 0644 },
	{ "rtmr3:sha384", "rtmr3", 0644 },
	{ "mrtd:sha384", "mrtd", 0444 },
	{ "mrconfigid", "mrconfigid", 0444 },
	{ "mrowner", "mrowner", 0444 },
	{ "mrownerconfig", "mrownerconfig", 0444 },
};

const char *
register_name(unsigned n)
{
	return registers[n].name;
}

void
register_stat(unsigned n, struct stat *out)
{
	*out = (struct stat){
		.st_mode = S_IFREG | registers[n].mode, .st_nlink = 1, .st_size = REGISTER_SIZE
	};
}

int
register_open(unsigned n, int flags)
{
	return (flags & O_ACCMODE) != O_RDONLY && (registers[n].mode & 0222) == 0 ? -EACCES : 0;
}

ssize_t
register_read(struct sandbox *sb, unsigned n, uint8_t out[REGISTER_SIZE], size_t len, off_t at)
{
	uint8_t value[REGISTER_SIZE];

	if (at >= REGISTER_SIZE)
		return 0;
	int rc = sim_machine_td_register(sb->machine, registers[n].of_machine, value);
	if (rc != 0)
		return rc;
	size_t rest = REGISTER_SIZE - (size_t)at;
	len = len < rest ? len : rest;
	memcpy(out, value + at, len);
	return (ssize_t)len;
}

ssize_t
register_write(struct sandbox *sb, unsigned n, const void *bytes, size_t len, off_t at)
{
	ssize_t rc;

	if (at >= REGISTER_SIZE)
		return -EFBIG;
	if (len > REGISTER_SIZE - (size_t)at)
		len = REGISTER_SIZE - (size_t)at;
	rc = at != 0 || len != REGISTER_SIZE ? -EINVAL
					     : sim_machine_td_extend(sb->machine, n, bytes);
	if (rc != 0)
		sandbox_log(sb, "measurements/%s: %zu bytes at %lld: %s; want 48 at 0",
		    registers[n].name, len, (long long)at, strerror((int)-rc));
	return rc != 0 ? rc : (ssize_t)len;
}
