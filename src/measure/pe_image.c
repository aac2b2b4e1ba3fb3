/* SPDX-License-Identifier: Apache-2.0 */
#include "measure/pe_image.h"

#include <inttypes.h>
#include <string.h>

enum {
	PE_POINTER_AT = 0x3c, /* in the DOS header: where "PE" is */
	COFF_SIZE = 24,       /* with the signature */
	SECTION_SIZE = 40,
	CHECKSUM_AT = 64, /* in the optional header */
	CHECKSUM_SIZE = 4,
	SECURITY_INDEX = 4, /* of the data directories: where the signatures are */
	DIRECTORY_SIZE = 8,
	MAGIC_PE32 = 0x10b,
	MAGIC_PE32_PLUS = 0x20b,
};

/* What is hashed, in order. */
struct pe {
	struct assay_bytes in;
	size_t checksum, security; /* where these fields are; security 0: there is none */
	size_t headers;            /* the length of all headers */
	size_t certificates;       /* the length of the signatures, at the end of the file */
	struct section {
		uint32_t at, size;
	} sections[PE_SECTIONS_MAX]; /* by where they are */
	size_t count;
};

static enum assay_code
broken(struct assay_error *err, const char *what)
{
	return assay_fail(err, ASSAY_E_FORMAT,
	    "kernel: is no PE image that UEFI could load (%s); give a bzImage with an EFI stub",
	    what);
}

/* Sorted, as the digest takes them. */
static void
insert(struct pe *pe, struct section s)
{
	size_t i = pe->count++;

	for (; i > 0 && pe->sections[i - 1].at > s.at; i--)
		pe->sections[i] = pe->sections[i - 1];
	pe->sections[i] = s;
}

static enum assay_code
take_sections(struct pe *pe, struct assay_bytes table, struct assay_error *err)
{
	for (size_t at = 0; at < table.len; at += SECTION_SIZE) {
		struct section s = { .size = assay_u32le(table.ptr + at + 16),
			.at = assay_u32le(table.ptr + at + 20) };
		if (s.size == 0)
			continue;
		if (s.size > pe->in.len || s.at > pe->in.len - s.size)
			return broken(err, "a section runs over its end");
		insert(pe, s);
	}
	/* Bytes that are hashed twice or not at all would make two files of one digest. */
	for (size_t i = 0; i < pe->count; i++) {
		size_t end = i == 0 ? pe->headers
				    : (size_t)pe->sections[i - 1].at + pe->sections[i - 1].size;
		if (pe->sections[i].at < end)
			return broken(err, "its sections overlap");
	}
	return ASSAY_OK;
}

static enum assay_code
take_optional_header(struct pe *pe, size_t at, size_t size, struct assay_error *err)
{
	const uint8_t *p = pe->in.ptr + at;
	size_t count_at, directories_at;

	if (size < CHECKSUM_AT + CHECKSUM_SIZE)
		return broken(err, "its optional header is short");
	if (assay_u16le(p) == MAGIC_PE32_PLUS)
		count_at = 108;
	else if (assay_u16le(p) == MAGIC_PE32)
		count_at = 92;
	else
		return broken(err, "its optional header has another magic");
	directories_at = count_at + 4;
	if (size < directories_at)
		return broken(err, "its optional header is short");
	pe->checksum = at + CHECKSUM_AT;
	pe->headers = assay_u32le(p + 60);
	uint32_t count = assay_u32le(p + count_at);
	if (count > (size - directories_at) / DIRECTORY_SIZE)
		return broken(err, "its directories run over their header");
	if (count <= SECURITY_INDEX)
		return ASSAY_OK;
	pe->security = at + directories_at + SECURITY_INDEX * DIRECTORY_SIZE;
	uint32_t certificates_at = assay_u32le(pe->in.ptr + pe->security);
	pe->certificates = assay_u32le(pe->in.ptr + pe->security + 4);
	if (pe->certificates > 0 &&
	    (pe->certificates > pe->in.len || certificates_at != pe->in.len - pe->certificates))
		return broken(err, "its signatures are not at its end");
	return ASSAY_OK;
}

static enum assay_code
take_headers(struct pe *pe, struct assay_error *err)
{
	struct assay_bytes in = pe->in;
	enum assay_code rc;

	if (in.len < PE_POINTER_AT + 4 || memcmp(in.ptr, "MZ", 2) != 0)
		return broken(err, "does not begin with MZ");
	size_t at = assay_u32le(in.ptr + PE_POINTER_AT);
	if (at > in.len || in.len - at < COFF_SIZE || memcmp(in.ptr + at, "PE\0", 4) != 0)
		return broken(err, "no PE header");
	size_t count = assay_u16le(in.ptr + at + 6);
	size_t optional = assay_u16le(in.ptr + at + 20);
	at += COFF_SIZE;
	if (count > PE_SECTIONS_MAX || in.len - at < optional + count * SECTION_SIZE)
		return broken(err, "its headers run over its end");
	if ((rc = take_optional_header(pe, at, optional, err)) != ASSAY_OK)
		return rc;
	at += optional;
	if (pe->headers > in.len || pe->headers < at + count * SECTION_SIZE)
		return broken(err, "the length of its headers is wrong");
	return take_sections(pe, assay_bytes_at(in, at, count * SECTION_SIZE), err);
}

static void
hash_range(struct assay_sha384_stream *h, const struct pe *pe, size_t from, size_t to)
{
	assay_sha384_more(h, assay_bytes_at(pe->in, from, to - from));
}

enum assay_code
assay_pe_image_digest(uint8_t out[ASSAY_SHA384_LEN], struct assay_bytes in, struct assay_error *err)
{
	struct pe pe = { .in = in };
	struct assay_sha384_stream h;
	enum assay_code rc = take_headers(&pe, err);
	size_t hashed = pe.headers;

	if (rc != ASSAY_OK)
		return rc;
	assay_sha384_start(&h);
	hash_range(&h, &pe, 0, pe.checksum);
	if (pe.security != 0) {
		hash_range(&h, &pe, pe.checksum + CHECKSUM_SIZE, pe.security);
		hash_range(&h, &pe, pe.security + DIRECTORY_SIZE, pe.headers);
	} else {
		hash_range(&h, &pe, pe.checksum + CHECKSUM_SIZE, pe.headers);
	}
	for (size_t i = 0; i < pe.count; i++) {
		assay_sha384_more(&h, assay_bytes_at(in, pe.sections[i].at, pe.sections[i].size));
		hashed += pe.sections[i].size;
	}
	/* What lies behind the sections, up to the signatures. Gaps between sections are counted, not
	 * looked at: so do edk2 and every signing tool. */
	if (in.len - pe.certificates > hashed)
		hash_range(&h, &pe, hashed, in.len - pe.certificates);
	assay_sha384_end(out, &h);
	return ASSAY_OK;
}
