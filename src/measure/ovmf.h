/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAY_OVMF_H
#define ASSAY_OVMF_H

/*
 * What an OVMF image says of itself: the table of GUIDs at its end, and the SEV metadata that one
 * of them leads to. SVSM images have the same two. Source: edk2, OvmfPkg/ResetVector,
 * Ia16/ResetVectorVtf0.asm and X64/OvmfSevMetadata.asm.
 */

#include "core/core.h"

enum {
	OVMF_PAGE = 4096,
	OVMF_SIZE_MAX = 64 * 1024 * 1024, /* real ones have 2 to 16 MiB */
	OVMF_ENTRIES_MAX = 32,
	SEV_ITEMS_MAX = 64,
	SEV_MEMORY_MAX = 256 * 1024 * 1024, /* all items together; real ones have under 1 MiB */
};

/* GUIDs are here as they lie in the image: the first three parts little-endian. */
struct ovmf_entry {
	struct assay_bytes guid; /* 16 bytes */
	struct assay_bytes data;
};
struct ovmf_table {
	struct ovmf_entry entries[OVMF_ENTRIES_MAX]; /* the last of the image first */
	size_t count;
};

extern const uint8_t ovmf_guid_sev_hashes[16];   /* u32 base, u32 size of the hash table area */
extern const uint8_t ovmf_guid_sev_secret[16];   /* u32 base, u32 size of what the owner puts in */
extern const uint8_t ovmf_guid_sev_reset[16];    /* u32 address where further vCPUs start */
extern const uint8_t ovmf_guid_sev_metadata[16]; /* u32 offset from the end of the image */
extern const uint8_t ovmf_guid_svsm_info[16];    /* u32 offset of the entry point */
extern const uint8_t ovmf_guid_tdx_metadata[16]; /* u32 offset from the end of the image */

/*
 * out     Slices of in. Empty if there is no table: images of before 2020, and those of td-shim.
 * Errors  ASSAY_E_FORMAT: a table that does not fit, a GUID twice.
 */
ASSAY_MUST_USE enum assay_code
assay_ovmf_table_parse(struct ovmf_table *out, struct assay_bytes in, struct assay_error *err);
/* NULL if there is none. */
const struct ovmf_entry *
assay_ovmf_table_find(const struct ovmf_table *table, const uint8_t guid[16]);
/* The first `count` numbers of an entry; further ones may follow, as edk2 allows. out stays as it is if
 * there is no entry. what and name: the image and the entry, in messages. */
ASSAY_MUST_USE enum assay_code
assay_ovmf_table_numbers(uint32_t *out, size_t count, const struct ovmf_table *table,
    const uint8_t guid[16], const char *what, const char *name, struct assay_error *err);

enum sev_item_type {
	SEV_ITEM_MEMORY = 1,
	SEV_ITEM_SECRETS = 2,
	SEV_ITEM_CPUID = 3,
	SEV_ITEM_SVSM_CALLING = 4,
	SEV_ITEM_KERNEL_HASHES = 0x10,
};
struct sev_item {
	uint32_t gpa, size; /* multiples of a page */
	uint32_t type;      /* one of sev_item_type */
};
struct ovmf_sev {
	struct sev_item items[SEV_ITEMS_MAX];
	size_t item_count;
	uint32_t hashes_base, hashes_size; /* 0: direct boot cannot be measured */
	uint32_t reset;                    /* 0: there can be one vCPU only */
	bool has_svsm_offset;
	uint32_t svsm_offset;
};

/*
 * Reads what a launch of SEV-SNP needs.
 *
 * in      An OVMF or SVSM image, or the last part of one; `what` names it in messages.
 * Errors  ASSAY_E_FORMAT (no table, no SEV metadata, not for SNP, broken), ASSAY_E_UNSUPPORTED
 *         (version of the metadata, type of an item).
 */
ASSAY_MUST_USE enum assay_code assay_ovmf_sev_parse(
    struct ovmf_sev *out, struct assay_bytes in, const char *what, struct assay_error *err);

#endif
