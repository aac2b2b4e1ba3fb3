/* SPDX-License-Identifier: Apache-2.0 */
#include "measure/tdx.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "measure/linux_header.h"
#include "measure/pe_image.h"
#include "measure/td_hob.h"
#include "measure/tdvf.h"

/* --- MRTD -------------------------------------------------------------------------------- */

enum {
	RECORD_SIZE = 128, /* what the module hashes of an operation */
	RECORD_GPA = 16,
	CHUNK_SIZE = 256, /* TDH.MR.EXTEND takes so much at once */
};

static void
put_record(struct assay_sha384_stream *h, const char *operation, uint64_t gpa)
{
	uint8_t record[RECORD_SIZE] = { 0 };

	memcpy(record, operation, strlen(operation));
	for (size_t i = 0; i < 8; i++)
		record[RECORD_GPA + i] = (uint8_t)(gpa >> 8 * i);
	assay_sha384_more(h, (struct assay_bytes){ record, sizeof record });
}

/* Content of a section at an offset; zeros behind its data. */
static void
put_chunk(struct assay_sha384_stream *h, const struct tdvf_section *s, uint64_t at)
{
	static const uint8_t zeros[CHUNK_SIZE];
	size_t there = 0;

	if (at < s->data.len)
		there = s->data.len - at < CHUNK_SIZE ? (size_t)(s->data.len - at) : CHUNK_SIZE;
	assay_sha384_more(h, assay_bytes_at(s->data, (size_t)at, there));
	assay_sha384_more(h, (struct assay_bytes){ zeros, CHUNK_SIZE - there });
}

static void
add_page(struct assay_sha384_stream *h, const struct tdvf_section *s, uint64_t at)
{
	put_record(h, "MEM.PAGE.ADD", s->gpa + at);
}

static void
extend_page(struct assay_sha384_stream *h, const struct tdvf_section *s, uint64_t at)
{
	for (uint64_t end = at + TDVF_PAGE; at < end; at += CHUNK_SIZE) {
		put_record(h, "MR.EXTEND", s->gpa + at);
		put_chunk(h, s, at);
	}
}

static void
add_section(struct assay_sha384_stream *h, const struct tdvf_section *s, bool section_order)
{
	bool extend = (s->attributes & TDVF_EXTEND) != 0;

	if ((s->attributes & TDVF_PAGE_AUG) != 0)
		return;
	for (uint64_t at = 0; at < s->size; at += TDVF_PAGE) {
		add_page(h, s, at);
		if (extend && !section_order)
			extend_page(h, s, at);
	}
	for (uint64_t at = 0; extend && section_order && at < s->size; at += TDVF_PAGE)
		extend_page(h, s, at);
}

enum assay_code
assay_tdx_mrtd(uint8_t out[ASSAY_MEASUREMENT_SIZE], const struct assay_tdx_launch *launch,
    struct assay_error *err)
{
	struct assay_sha384_stream h;
	struct tdvf tdvf;
	enum assay_code rc = assay_tdvf_parse(&tdvf, launch->ovmf, err);

	if (rc != ASSAY_OK)
		return rc;
	assay_sha384_start(&h);
	for (size_t i = 0; i < tdvf.count; i++)
		add_section(&h, &tdvf.sections[i], launch->section_order);
	assay_sha384_end(out, &h);
	return ASSAY_OK;
}

/* --- events ------------------------------------------------------------------------------ */

void
assay_rtmr_extend(uint8_t rtmr[ASSAY_SHA384_LEN], const uint8_t digest[ASSAY_SHA384_LEN])
{
	uint8_t both[2 * ASSAY_SHA384_LEN];

	memcpy(both, rtmr, ASSAY_SHA384_LEN);
	memcpy(both + ASSAY_SHA384_LEN, digest, ASSAY_SHA384_LEN);
	assay_sha384(rtmr, (struct assay_bytes){ both, sizeof both });
}

static void
extend_hash(uint8_t rtmr[ASSAY_SHA384_LEN], struct assay_bytes what)
{
	uint8_t digest[ASSAY_SHA384_LEN];

	assay_sha384(digest, what);
	assay_rtmr_extend(rtmr, digest);
}

static void
extend_text(uint8_t rtmr[ASSAY_SHA384_LEN], const char *text)
{
	extend_hash(rtmr, assay_bytes_of(text));
}

static void
extend_separator(uint8_t rtmr[ASSAY_SHA384_LEN])
{
	static const uint8_t separator[4];

	extend_hash(rtmr, (struct assay_bytes){ separator, sizeof separator });
}

/* 8be4df61-93ca-11d2-aa0d-00e098032b8c, EFI_GLOBAL_VARIABLE */
static const uint8_t global_guid[16] = { 0x61, 0xdf, 0xe4, 0x8b, 0xca, 0x93, 0xd2, 0x11, 0xaa, 0x0d,
	0x00, 0xe0, 0x98, 0x03, 0x2b, 0x8c };
/* d719b2cb-3d3a-4596-a3bc-dad00e67656f, EFI_IMAGE_SECURITY_DATABASE */
static const uint8_t security_guid[16] = { 0xcb, 0xb2, 0x19, 0xd7, 0x3a, 0x3d, 0x96, 0x45, 0xa3,
	0xbc, 0xda, 0xd0, 0x0e, 0x67, 0x65, 0x6f };

/* UEFI_VARIABLE_DATA: GUID, u64 characters of the name, u64 length of the value, name in UTF-16,
 * value; here at most one zero byte. */
static void
extend_variable(
    uint8_t rtmr[ASSAY_SHA384_LEN], const uint8_t guid[16], const char *name, bool zero_byte)
{
	uint8_t data[16 + 8 + 8 + 2 * 16 + 1] = { 0 };
	size_t n = strlen(name);

	memcpy(data, guid, 16);
	data[16] = (uint8_t)n;
	data[24] = zero_byte;
	for (size_t i = 0; i < n; i++)
		data[32 + 2 * i] = (uint8_t)name[i];
	extend_hash(rtmr, (struct assay_bytes){ data, 32 + 2 * n + (zero_byte ? 1 : 0) });
}

void
assay_rtmr0_replay(uint8_t out[ASSAY_SHA384_LEN], const struct rtmr0_events *e)
{
	memset(out, 0, ASSAY_SHA384_LEN);
	assay_rtmr_extend(out, e->td_hob);
	assay_rtmr_extend(out, e->cfv);
	extend_variable(out, global_guid, "SecureBoot", e->has_secure_boot);
	extend_variable(out, global_guid, "PK", false);
	extend_variable(out, global_guid, "KEK", false);
	extend_variable(out, security_guid, "db", false);
	extend_variable(out, security_guid, "dbx", false);
	extend_separator(out);
	for (size_t i = 0; i < 3; i++)
		assay_rtmr_extend(out, e->acpi[i]);
	for (size_t i = 0; i < e->boot_variable_count; i++)
		extend_hash(out, e->boot_variables[i]);
	if (e->edk2 < EDK2_SEPARATOR)
		extend_separator(out);
}

void
assay_rtmr1_replay(
    uint8_t out[ASSAY_SHA384_LEN], const uint8_t kernel[ASSAY_SHA384_LEN], unsigned edk2)
{
	memset(out, 0, ASSAY_SHA384_LEN);
	assay_rtmr_extend(out, kernel);
	extend_text(out, "Calling EFI Application from Boot Option");
	if (edk2 >= EDK2_SEPARATOR)
		extend_separator(out);
	extend_text(out, "Exit Boot Services Invocation");
	extend_text(out, "Exit Boot Services Returned with Success");
}

enum assay_code
assay_load_options_digest(uint8_t out[ASSAY_SHA384_LEN], const char *prefix, const char *text,
    const char *suffix, struct assay_error *err)
{
	const char *parts[] = { prefix, text, suffix };
	static const uint8_t nul[2];
	struct assay_sha384_stream h;

	assay_sha384_start(&h);
	for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
		for (const char *p = parts[i]; *p != '\0'; p++) {
			/* The firmware widens bytes, the VMM passes them on: only ASCII is the same
			 * for both, and for the kernel. */
			if ((unsigned char)*p >= 0x80)
				return assay_fail(err, ASSAY_E_UNSUPPORTED,
				    "append: has a character that is not ASCII, which firmwares "
				    "pass on differently");
			assay_sha384_more(&h, (struct assay_bytes){ (const uint8_t *)p, 1 });
			assay_sha384_more(&h, (struct assay_bytes){ nul, 1 });
		}
	}
	assay_sha384_more(&h, (struct assay_bytes){ nul, sizeof nul });
	assay_sha384_end(out, &h);
	return ASSAY_OK;
}

/* --- registers --------------------------------------------------------------------------- */

static enum assay_code
lacking(struct assay_error *err, unsigned rtmr, const char *what)
{
	return assay_fail(err, ASSAY_E_INCOMPLETE, "rtmr%u: not predicted without %s", rtmr, what);
}

/* The release decides which events there are, so nothing is said without it. */
static enum assay_code
check_edk2(const struct assay_tdx_launch *l, unsigned rtmr, struct assay_error *err)
{
	if (l->edk2 == 0)
		return lacking(
		    err, rtmr, "the release of edk2 that the firmware is of, as in 202411");
	if (l->edk2 < EDK2_MIN)
		return assay_fail(err, ASSAY_E_UNSUPPORTED,
		    "rtmr%u: not predicted for edk2 %u; known are releases from %d on", rtmr,
		    l->edk2, EDK2_MIN);
	return ASSAY_OK;
}

/* A boot from a disk adds events of the disk, the boot loader and its keys. */
static enum assay_code
check_direct_boot(const struct assay_tdx_launch *l, unsigned rtmr, struct assay_error *err)
{
	enum assay_code rc;

	if (!l->direct_boot)
		return lacking(err, rtmr, "the kernel of a direct boot");
	if ((rc = assay_linux_header_check(l->kernel, err)) != ASSAY_OK)
		return rc;
	return check_edk2(l, rtmr, err);
}

/* Keys that were enrolled in the image would be in the events; none are if its store is empty.
 * Source: edk2, MdeModulePkg/Include/Guid/VariableFormat.h. */
static bool
is_store_empty(struct assay_bytes cfv)
{
	enum {
		SIGNATURE_AT = 40, /* "_FVH" in the volume's header */
		LENGTH_AT = 48,
		STORE_HEADER = 28,
		STORE_SIZE_AT = 16,
	};
	struct assay_bytes head = assay_bytes_at(cfv, 0, LENGTH_AT + 2);

	if (head.len == 0 || memcmp(head.ptr + SIGNATURE_AT, "_FVH", 4) != 0)
		return false;
	size_t at = assay_u16le(head.ptr + LENGTH_AT);
	struct assay_bytes store = assay_bytes_at(cfv, at, STORE_HEADER);
	if (store.len == 0)
		return false;
	size_t size = assay_u32le(store.ptr + STORE_SIZE_AT);
	if (size < STORE_HEADER)
		return false;
	struct assay_bytes variables = assay_bytes_at(cfv, at + STORE_HEADER, size - STORE_HEADER);
	for (size_t i = 0; i < variables.len; i++)
		if (variables.ptr[i] != 0xff)
			return false;
	return variables.len > 0;
}

static enum assay_code
check_rtmr0(const struct assay_tdx_launch *l, struct assay_error *err)
{
	enum assay_code rc = check_direct_boot(l, 0, err);

	if (rc != ASSAY_OK)
		return rc;
	if (l->edk2 >= EDK2_SMBIOS)
		return lacking(err, 0,
		    "the SMBIOS tables, which edk2 measures from 202505 on and which are not "
		    "modelled");
	if (l->memory == 0)
		return lacking(err, 0, "the size of the memory");
	if (l->secure_boot == NULL)
		return lacking(err, 0, "the state of Secure Boot, absent or off");
	if (strcmp(l->secure_boot, "absent") != 0 && strcmp(l->secure_boot, "off") != 0)
		return assay_fail(err, ASSAY_E_USAGE, "secure boot: %s is neither absent nor off",
		    assay_quote(assay_bytes_of(l->secure_boot)).text);
	if (l->acpi_loader.len == 0 || l->acpi_rsdp.len == 0 || l->acpi_tables.len == 0)
		return lacking(err, 0,
		    "the ACPI tables that QEMU makes: table-loader, acpi/rsdp and acpi/tables");
	if (l->boot_variable_count == 0)
		return lacking(
		    err, 0, "the boot variables: BootOrder, and each Boot#### in its order");
	return ASSAY_OK;
}

static enum assay_code
rtmr0(
    uint8_t out[ASSAY_MEASUREMENT_SIZE], const struct assay_tdx_launch *l, struct assay_error *err)
{
	struct rtmr0_events e = { .edk2 = l->edk2,
		.boot_variables = l->boot_variables,
		.boot_variable_count = l->boot_variable_count };
	struct tdvf tdvf;
	enum assay_code rc;

	if ((rc = check_rtmr0(l, err)) != ASSAY_OK ||
	    (rc = assay_tdvf_parse(&tdvf, l->ovmf, err)) != ASSAY_OK ||
	    (rc = assay_td_hob_digest(e.td_hob, &tdvf, l->memory, err)) != ASSAY_OK)
		return rc;
	const struct tdvf_section *cfv = assay_tdvf_find(&tdvf, TDVF_CFV);
	if (cfv == NULL || !is_store_empty(cfv->data))
		return assay_fail(err, ASSAY_E_UNSUPPORTED,
		    "rtmr0: not predicted: the image's store of variables is not empty, so keys "
		    "may "
		    "be enrolled");
	assay_sha384(e.cfv, cfv->data);
	e.has_secure_boot = strcmp(l->secure_boot, "off") == 0;
	assay_sha384(e.acpi[0], l->acpi_loader);
	assay_sha384(e.acpi[1], l->acpi_rsdp);
	assay_sha384(e.acpi[2], l->acpi_tables);
	assay_rtmr0_replay(out, &e);
	return ASSAY_OK;
}

/* As QEMU before 10.2 changes it, in a copy. */
static enum assay_code
patched_digest(
    uint8_t out[ASSAY_SHA384_LEN], const struct assay_tdx_launch *l, struct assay_error *err)
{
	const char *append = l->append != NULL ? l->append : "";

	if (l->initrd.len > 0 && l->memory == 0)
		return lacking(err, 1,
		    "the size of the memory, which QEMU before 10.2 writes into the "
		    "kernel by way of the initrd's place");
	uint8_t *copy = malloc(l->kernel.len > 0 ? l->kernel.len : 1);
	if (copy == NULL)
		return assay_fail_nomem(err);
	if (l->kernel.len > 0)
		memcpy(copy, l->kernel.ptr, l->kernel.len);
	enum assay_code rc =
	    assay_linux_header_patch(copy, l->kernel.len, l->initrd.len, l->memory, append, err);
	if (rc == ASSAY_OK)
		rc = assay_pe_image_digest(out, (struct assay_bytes){ copy, l->kernel.len }, err);
	free(copy);
	return rc;
}

static enum assay_code
rtmr1(
    uint8_t out[ASSAY_MEASUREMENT_SIZE], const struct assay_tdx_launch *l, struct assay_error *err)
{
	const char *header = l->kernel_header;
	uint8_t kernel[ASSAY_SHA384_LEN];
	enum assay_code rc = check_direct_boot(l, 1, err);

	if (rc != ASSAY_OK)
		return rc;
	if (header == NULL && l->edk2 < EDK2_PREFIX)
		return lacking(err, 1,
		    "knowing whether QEMU changed the kernel's header: kept from 10.2 on, else "
		    "patched");
	if (header == NULL || strcmp(header, "kept") == 0)
		rc = assay_pe_image_digest(kernel, l->kernel, err);
	else if (strcmp(header, "patched") == 0)
		rc = patched_digest(kernel, l, err);
	else
		rc = assay_fail(err, ASSAY_E_USAGE, "kernel header: %s is neither kept nor patched",
		    assay_quote(assay_bytes_of(header)).text);
	if (rc == ASSAY_OK)
		assay_rtmr1_replay(out, kernel, l->edk2);
	return rc;
}

/* Linux measures what it was given: its options, then the initrd. */
static enum assay_code
rtmr2(
    uint8_t out[ASSAY_MEASUREMENT_SIZE], const struct assay_tdx_launch *l, struct assay_error *err)
{
	const char *append = l->append != NULL ? l->append : "";
	const char *prefix = "", *suffix = "";
	uint8_t options[ASSAY_SHA384_LEN];
	enum assay_code rc = check_direct_boot(l, 2, err);

	if (rc != ASSAY_OK)
		return rc;
	if (l->initrd.len > 0 && l->edk2 > EDK2_LAST_SUFFIX && l->edk2 < EDK2_PREFIX)
		return assay_fail(err, ASSAY_E_UNSUPPORTED,
		    "rtmr2: not predicted for edk2 %u with an initrd: where it puts "
		    "\"initrd=initrd\" "
		    "is known up to %d and from %d on",
		    l->edk2, EDK2_LAST_SUFFIX, EDK2_PREFIX);
	if (l->initrd.len > 0 && l->edk2 >= EDK2_PREFIX)
		prefix = "initrd=initrd ";
	else if (l->initrd.len > 0)
		suffix = " initrd=initrd";
	if ((rc = assay_load_options_digest(options, prefix, append, suffix, err)) != ASSAY_OK)
		return rc;
	memset(out, 0, ASSAY_MEASUREMENT_SIZE);
	/* No options at all are no event. */
	if (append[0] != '\0' || l->initrd.len > 0)
		assay_rtmr_extend(out, options);
	if (l->initrd.len > 0)
		extend_hash(out, l->initrd);
	return ASSAY_OK;
}

enum assay_code
assay_tdx_rtmr(uint8_t out[ASSAY_MEASUREMENT_SIZE], unsigned rtmr,
    const struct assay_tdx_launch *launch, struct assay_error *err)
{
	switch (rtmr) {
	case 0:
		return rtmr0(out, launch, err);
	case 1:
		return rtmr1(out, launch, err);
	case 2:
		return rtmr2(out, launch, err);
	default:
		return assay_fail(
		    err, ASSAY_E_USAGE, "rtmr%u: is none of 0, 1, 2, which are predicted", rtmr);
	}
}
