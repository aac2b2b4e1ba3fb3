/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAY_GUEST_FAKE_KERNEL_H
#define ASSAY_GUEST_FAKE_KERNEL_H

/*
 * A kernel for tests: paths below FAKE_ROOT are its own, by calls that the linker sends here
 * (--wrap). Its state is shared with children, so that several processes meet in one configfs.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FAKE_ROOT "/fake-kernel"

enum { FAKE_FILES = 8, FAKE_TABLE = 5000 };

struct fake_faults {
	int busy;        /* so many reads of a blob give EBUSY */
	int interrupted; /* ... EINTR */
	int stale;       /* so many writes of an inblob have no effect */
	int foreign;     /* so many blobs have another's report data */
	int error;       /* the errno of every read of outblob */
	int busy_rmdir;
};

struct fake_settings {
	const char *provider; /* "tdx_guest"; NULL: no configfs; "": no provider in it */
	bool has_aux;
	unsigned floor;
	struct fake_faults faults;
	const char *tdx_node;    /* "/dev/tdx_guest"; NULL: none */
	unsigned long tdx_quote; /* the number of the ioctl that makes quotes; 0: none */
	uint64_t tdx_status;     /* what the host leaves in the buffer */
	bool snp_device;
	size_t snp_table;    /* bytes of the host's table; 0: none */
	int snp_ext_error;   /* of extended requests, beside a table that does not fit */
	uint32_t snp_status; /* status word of the response */
	struct {
		const char *path;
		const void *bytes;
		size_t len;
	} files[FAKE_FILES]; /* to be read */
};

/* Starts from nothing but these settings. */
void fake_reset(const struct fake_settings *settings);
/* Entries that were not removed, in all processes. */
size_t fake_entries_left(void);
/* Files of this process that are open. */
size_t fake_open_files(void);
/* Entries ever made. */
size_t fake_entries_made(void);
/* The level of the last request of an AMD guest. */
unsigned fake_level(void);

/* Evidence as the fakes make it: the right size and form, with report data in its place. */
size_t fake_snp_report(uint8_t out[1184], const uint8_t report_data[64]);
enum { FAKE_QUOTE = 1020 };
size_t fake_tdx_quote(uint8_t out[FAKE_QUOTE], const uint8_t report_data[64]);
/* A certificate table with one entry, `len` bytes. */
void fake_table(uint8_t *out, size_t len);

#endif
