/* SPDX-License-Identifier: Apache-2.0 */
#include "measure/linux_header.h"

#include <inttypes.h>
#include <string.h>

#include "measure/td_hob.h"

/* Offsets in the file. */
enum {
	MAGIC = 0x202,
	PROTOCOL = 0x206,
	LOADER = 0x210,
	FLAGS = 0x211,
	RAMDISK_AT = 0x218,
	RAMDISK_SIZE = 0x21c,
	HEAP_END = 0x224,
	COMMAND_LINE_AT = 0x228,
	RAMDISK_MAX = 0x22c,
	FURTHER_FLAGS = 0x236,
	HEADER_END = 0x268,
};
enum {
	PROTOCOL_MIN = 0x20c, /* Linux 3.8 */
	LOADER_QEMU = 0xb0,
	LOADED_HIGH = 0x01,
	CAN_USE_HEAP = 0x80,
	ABOVE_4G = 0x02,
	SETUP_ADDRESS = 0x10000,
	COMMAND_LINE_ADDRESS = 0x20000,
	ACPI_SIZE = 0x28000, /* QEMU keeps it free below the top of low memory */
	PAGE = 4096,
};

static void
put(uint8_t *out, size_t n, uint64_t value)
{
	for (size_t i = 0; i < n; i++)
		out[i] = (uint8_t)(value >> 8 * i);
}

enum assay_code
assay_linux_header_check(struct assay_bytes kernel, struct assay_error *err)
{
	if (kernel.len < HEADER_END || memcmp(kernel.ptr + MAGIC, "HdrS", 4) != 0)
		return assay_fail(err, ASSAY_E_FORMAT,
		    "kernel: has no Linux setup header; give a bzImage, not another program");
	return ASSAY_OK;
}

enum assay_code
assay_linux_header_patch(uint8_t *kernel, size_t len, size_t initrd_len, uint64_t memory,
    const char *append, struct assay_error *err)
{
	enum assay_code rc = assay_linux_header_check((struct assay_bytes){ kernel, len }, err);

	if (rc != ASSAY_OK)
		return rc;
	if (assay_u16le(kernel + PROTOCOL) < PROTOCOL_MIN || (kernel[FLAGS] & LOADED_HIGH) == 0)
		return assay_fail(err, ASSAY_E_UNSUPPORTED,
		    "kernel: its boot protocol 0x%x is older than 0x%x, or it is not loaded high",
		    (unsigned)assay_u16le(kernel + PROTOCOL), PROTOCOL_MIN);
	if (strstr(append, "vga=") != NULL)
		return assay_fail(err, ASSAY_E_UNSUPPORTED,
		    "append: has \"vga=\", which QEMU writes to the kernel's header too");
	if (initrd_len > 0) {
		uint64_t max = UINT32_MAX, low = assay_td_memory_low(memory);
		if ((assay_u16le(kernel + FURTHER_FLAGS) & ABOVE_4G) == 0)
			max = assay_u32le(kernel + RAMDISK_MAX);
		if (low <= ACPI_SIZE)
			return assay_fail(
			    err, ASSAY_E_USAGE, "memory: %" PRIu64 " bytes hold no kernel", memory);
		if (max >= low - ACPI_SIZE)
			max = low - ACPI_SIZE - 1;
		if (initrd_len >= max)
			return assay_fail(err, ASSAY_E_UNSUPPORTED,
			    "initrd: of %zu bytes does not fit into the memory", initrd_len);
		put(kernel + RAMDISK_AT, 4, (max - initrd_len) / PAGE * PAGE);
		put(kernel + RAMDISK_SIZE, 4, initrd_len);
	}
	kernel[LOADER] = LOADER_QEMU;
	kernel[FLAGS] |= CAN_USE_HEAP;
	put(kernel + HEAP_END, 2, COMMAND_LINE_ADDRESS - SETUP_ADDRESS - 0x200);
	put(kernel + COMMAND_LINE_AT, 4, COMMAND_LINE_ADDRESS);
	return ASSAY_OK;
}
