/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SIM_REGISTERS_H
#define SIM_REGISTERS_H

/* The files of measurements/ below the tdx_guest device (tsm-mr, Linux 6.16). */

#include "sandbox.h"

#include <sys/stat.h>

enum { REGISTERS = 8, REGISTER_SIZE = 48 };

const char *register_name(unsigned n); /* "rtmr0:sha384" */
void register_stat(unsigned n, struct stat *out);
/* Like open(): root may not do what the mode forbids either. 0 or -EACCES. */
int register_open(unsigned n, int flags);
/* Lengths, or a negative errno. Writing extends. */
ssize_t
register_read(struct sandbox *sb, unsigned n, uint8_t out[REGISTER_SIZE], size_t len, off_t at);
ssize_t register_write(struct sandbox *sb, unsigned n, const void *bytes, size_t len, off_t at);

#endif
