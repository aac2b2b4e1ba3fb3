/* SPDX-License-Identifier: Apache-2.0 */
#include "platforms/firmware.h"

#include <openssl/evp.h>
#include <string.h>

enum {
	PAGE = 4096,
	CHUNK = 256, /* of TDH.MR.EXTEND */
	IMAGE_SIZE = 8 * PAGE,
	VARIABLES_SIZE = 2 * PAGE,
	TABLE_END = 32,     /* the table of GUIDs ends so far before the end of the image */
	ENTRY_TAIL = 18,    /* u16 length, GUID */
	DESCRIPTORS = 1024, /* ours stand so far before the end */
	SEV_ITEM = 12,
	IMAGE_MAX = 64 << 20,
};

/* As they lie in memory: the first three parts little-endian. */
static const uint8_t guid_footer[16] = { 0xde, 0x82, 0xb5, 0x96, 0xb2, 0x1f, 0xf7, 0x45, 0xba, 0xea,
	0xa3, 0x66, 0xc5, 0x5a, 0x08, 0x2d };
static const uint8_t guid_tdx[16] = { 0x35, 0x65, 0x7a, 0xe4, 0x4a, 0x98, 0x98, 0x47, 0x86, 0x5e,
	0x46, 0x85, 0xa7, 0xbf, 0x8e, 0xc2 };
static const uint8_t guid_sev[16] = { 0x66, 0x65, 0x88, 0xdc, 0x4a, 0x98, 0x98, 0x47, 0xa7, 0x5e,
	0x55, 0x85, 0xa7, 0xbf, 0x67, 0xcc };
static const uint8_t guid_reset[16] = { 0xde, 0x71, 0xf7, 0x00, 0x7e, 0x1a, 0xcb, 0x4f, 0x89, 0x0e,
	0x68, 0xc7, 0x7e, 0x2f, 0xb4, 0x4e };
static const uint8_t guid_secret[16] = { 0x61, 0xb3, 0x2e, 0x4c, 0x9b, 0x7d, 0xc3, 0x4c, 0x80, 0x81,
	0x12, 0x7c, 0x90, 0xd3, 0xd2, 0x94 };
static const uint8_t guid_hashes[16] = { 0x1f, 0x37, 0x55, 0x72, 0x3b, 0x3a, 0x04, 0x4b, 0x92, 0x7b,
	0x1d, 0xa6, 0xef, 0xa8, 0xd4, 0x54 };

/* --- the project's own image ---------------------------------------------------------------- */

static void
put_section(struct sim_buf *b, const struct sim_section *s)
{
	sim_put_u32(b, s->offset);
	sim_put_u32(b, s->raw_size);
	sim_put_u64(b, s->gpa);
	sim_put_u64(b, s->memory_size);
	sim_put_u32(b, s->type);
	sim_put_u32(b, s->attributes);
}

static void
put_descriptors(struct sim_buf *b, size_t *tdvf_at, size_t *sev_at)
{
	const uint64_t base = (1ULL << 32) - IMAGE_SIZE;
	const struct sim_section sections[] = {
		{ VARIABLES_SIZE, IMAGE_SIZE - VARIABLES_SIZE, base + VARIABLES_SIZE,
		    IMAGE_SIZE - VARIABLES_SIZE, 0, 1 },           /* BFV */
		{ 0, VARIABLES_SIZE, base, VARIABLES_SIZE, 1, 0 }, /* CFV */
		{ 0, 0, 0x810000, 0x2000, 3, 0 },                  /* TempMem */
		{ 0, 0, 0x809000, 0x2000, 2, 0 },                  /* TD_HOB */
	};
	static const uint32_t items[][3] = { { 0x800000, 0x9000, 1 }, { 0x80d000, 0x1000, 2 },
		{ 0x80e000, 0x1000, 3 }, { 0x811000, 0x2000, 1 } };

	*tdvf_at = b->len;
	sim_put_text(b, "TDVF");
	sim_put_u32(b, 16 + sizeof sections / sizeof sections[0] * 32);
	sim_put_u32(b, 1);
	sim_put_u32(b, sizeof sections / sizeof sections[0]);
	for (size_t i = 0; i < sizeof sections / sizeof sections[0]; i++)
		put_section(b, &sections[i]);
	*sev_at = b->len;
	sim_put_text(b, "ASEV");
	sim_put_u32(b, 16 + sizeof items);
	sim_put_u32(b, 1);
	sim_put_u32(b, sizeof items / sizeof items[0]);
	for (size_t i = 0; i < sizeof items / sizeof items[0]; i++)
		for (size_t j = 0; j < 3; j++)
			sim_put_u32(b, items[i][j]);
}

static void
put_entry(struct sim_buf *b, const uint8_t guid[16], size_t value)
{
	sim_put_u32(b, (uint32_t)value);
	sim_put_u16(b, 4 + ENTRY_TAIL);
	sim_put(b, guid, 16);
}

/* Where the VMM finds a part of the guest's memory. */
static void
put_area(struct sim_buf *b, const uint8_t guid[16], uint32_t base, uint32_t size)
{
	sim_put_u32(b, base);
	sim_put_u32(b, size);
	sim_put_u16(b, 8 + ENTRY_TAIL);
	sim_put(b, guid, 16);
}

struct sim_bytes
sim_firmware_write(struct sim *sim)
{
	struct sim_buf b = { .sim = sim };
	size_t tdvf_at = 0, sev_at = 0;
	uint8_t digest[64];

	for (uint32_t i = 0; b.len < IMAGE_SIZE - DESCRIPTORS; i++) {
		struct sim_buf label = { .sim = sim };
		sim_put_text(&label, "the firmware of assay-sim, block %u", (unsigned)i);
		sim_digest(digest, SIM_SHA256, sim_taken(&label));
		sim_put(&b, digest, 32);
	}
	put_descriptors(&b, &tdvf_at, &sev_at);
	const size_t table = 2 * (8 + ENTRY_TAIL) + 3 * (4 + ENTRY_TAIL) + ENTRY_TAIL;
	sim_put_zero(&b, IMAGE_SIZE - TABLE_END - table - b.len);
	put_area(&b, guid_secret, 0x80c000, 0xc00);
	put_area(&b, guid_hashes, 0x80cc00, 0x400);
	put_entry(&b, guid_tdx, IMAGE_SIZE - tdvf_at);
	put_entry(&b, guid_sev, IMAGE_SIZE - sev_at);
	put_entry(&b, guid_reset, 0x80b004);
	sim_put_u16(&b, (uint16_t)table);
	sim_put(&b, guid_footer, 16);
	sim_put_zero(&b, TABLE_END);
	return sim_taken(&b);
}

/* --- finding the parts of an image ---------------------------------------------------------- */

static uint32_t
u32(const uint8_t *at)
{
	return at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

static uint64_t
u64(const uint8_t *at)
{
	return u32(at) | (uint64_t)u32(at + 4) << 32;
}

static bool
within(struct sim_bytes image, size_t at, size_t n)
{
	return at <= image.len && n <= image.len - at;
}

/* The data of the entry with this GUID, so many bytes at least; NULL if there is none. */
static const uint8_t *
entry(struct sim_bytes image, const uint8_t guid[16], size_t size)
{
	size_t low, at;

	if (image.len < TABLE_END + ENTRY_TAIL || image.len > IMAGE_MAX)
		return NULL;
	at = image.len - TABLE_END;
	const uint8_t *tail = image.ptr + at - ENTRY_TAIL;
	size_t table = (size_t)(tail[0] | tail[1] << 8);
	if (memcmp(tail + 2, guid_footer, 16) != 0 || table < ENTRY_TAIL || table > at)
		return NULL;
	low = at - table;
	at -= ENTRY_TAIL;
	while (at - low >= ENTRY_TAIL) {
		tail = image.ptr + at - ENTRY_TAIL;
		size_t n = (size_t)(tail[0] | tail[1] << 8);
		if (n < ENTRY_TAIL || n > at - low)
			return NULL;
		if (memcmp(tail + 2, guid, 16) == 0)
			return n >= ENTRY_TAIL + size ? tail - size : NULL;
		at -= n;
	}
	return NULL;
}

/* A descriptor with this magic, and its items; their number, or 0. */
static size_t
descriptor(struct sim_bytes image, size_t at, const char *magic, size_t item, const uint8_t **items)
{
	if (!within(image, at, 16) || memcmp(image.ptr + at, magic, 4) != 0)
		return 0;
	size_t count = u32(image.ptr + at + 12);
	if (u32(image.ptr + at + 8) != 1 || count > SIM_SECTIONS_MAX ||
	    !within(image, at + 16, count * item))
		return 0;
	*items = image.ptr + at + 16;
	return count;
}

size_t
sim_tdvf_sections(struct sim_bytes image, struct sim_section sections[SIM_SECTIONS_MAX])
{
	const uint8_t *from = entry(image, guid_tdx, 4), *items = NULL;
	size_t at = image.len, count;

	if (from != NULL)
		at = u32(from) <= image.len ? image.len - u32(from) : image.len;
	else if (image.len >= TABLE_END && image.len <= IMAGE_MAX) /* td-shim: from the start */
		at = u32(image.ptr + image.len - TABLE_END);
	count = descriptor(image, at, "TDVF", 32, &items);
	for (size_t i = 0; i < count; i++) {
		const uint8_t *s = items + 32 * i;
		sections[i] = (struct sim_section){ u32(s), u32(s + 4), u64(s + 8), u64(s + 16),
			u32(s + 24), u32(s + 28) };
		if (!within(image, sections[i].offset, sections[i].raw_size) ||
		    sections[i].memory_size > IMAGE_MAX || sections[i].memory_size % PAGE != 0 ||
		    sections[i].raw_size > sections[i].memory_size || sections[i].gpa % PAGE != 0)
			return 0;
	}
	return count;
}

/* --- TDX ------------------------------------------------------------------------------------ */

static void
hash(EVP_MD_CTX *ctx, const void *bytes, size_t n)
{
	if (EVP_DigestUpdate(ctx, bytes, n) != 1)
		sim_die("cannot hash");
}

static void
record(EVP_MD_CTX *ctx, const char *name, uint64_t gpa)
{
	uint8_t buffer[128] = { 0 };

	memcpy(buffer, name, strlen(name));
	sim_store_u64(buffer + 16, gpa);
	hash(ctx, buffer, sizeof buffer);
}

static void
extend_page(EVP_MD_CTX *ctx, struct sim_bytes image, const struct sim_section *s, uint64_t page)
{
	for (uint64_t at = page; at < page + PAGE; at += CHUNK) {
		uint8_t chunk[CHUNK] = { 0 };
		size_t n = at >= s->raw_size   ? 0
		    : s->raw_size - at < CHUNK ? (size_t)(s->raw_size - at)
					       : CHUNK;
		if (n > 0)
			memcpy(chunk, image.ptr + s->offset + at, n);
		record(ctx, "MR.EXTEND", s->gpa + at);
		hash(ctx, chunk, CHUNK);
	}
}

static void
measure_section(
    EVP_MD_CTX *ctx, struct sim_bytes image, const struct sim_section *s, enum sim_page_order order)
{
	bool extended = (s->attributes & 1) != 0;

	if (s->attributes & 2) /* accepted by the guest when it runs */
		return;
	for (uint64_t at = 0; at < s->memory_size; at += PAGE) {
		record(ctx, "MEM.PAGE.ADD", s->gpa + at);
		if (extended && order == SIM_PAGE_BY_PAGE)
			extend_page(ctx, image, s, at);
	}
	for (uint64_t at = 0; at < s->memory_size && extended && order != SIM_PAGE_BY_PAGE;
	     at += PAGE)
		extend_page(ctx, image, s, at);
}

bool
sim_mrtd(uint8_t mr_td[48], struct sim_bytes image, enum sim_page_order order)
{
	struct sim_section sections[SIM_SECTIONS_MAX];
	size_t count = sim_tdvf_sections(image, sections);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();

	if (ctx == NULL || EVP_DigestInit_ex(ctx, EVP_sha384(), NULL) != 1)
		sim_die("cannot hash");
	for (size_t i = 0; i < count; i++)
		measure_section(ctx, image, &sections[i], order);
	if (EVP_DigestFinal_ex(ctx, mr_td, NULL) != 1)
		sim_die("cannot hash");
	EVP_MD_CTX_free(ctx);
	return count > 0;
}

/* --- SEV-SNP -------------------------------------------------------------------------------- */

enum {
	PAGE_NORMAL = 1,
	PAGE_VMSA = 2,
	PAGE_ZERO = 3,
	PAGE_SECRETS = 5,
	PAGE_CPUID = 6,
	ITEM_MEMORY = 1,
	ITEM_SECRETS = 2,
	ITEM_CPUID = 3,
	ITEM_CALLING_AREA = 4,
	ITEM_KERNEL_HASHES = 0x10,
};

/* content: the page, or NULL for kinds whose content is not measured */
static void
update(uint8_t digest[48], uint8_t type, const uint8_t *content, uint64_t gpa)
{
	uint8_t info[0x70] = { 0 }, out[64] = { 0 };

	if (content != NULL)
		sim_digest(out, SIM_SHA384, sim_view(content, PAGE));
	memcpy(info, digest, 48);
	memcpy(info + 0x30, out, 48);
	info[0x60] = sizeof info;
	info[0x62] = type;
	sim_store_u64(info + 0x68, gpa);
	sim_digest(out, SIM_SHA384, sim_view(info, sizeof info));
	memcpy(digest, out, 48);
}

static void
store_segment(uint8_t *at, uint16_t selector, uint16_t attributes, uint32_t limit, uint64_t base)
{
	sim_store_u16(at, selector);
	sim_store_u16(at + 2, attributes);
	sim_store_u32(at + 4, limit);
	sim_store_u64(at + 8, base);
}

/* The first vCPU, before its first instruction, as QEMU sets it up. Source: AMD APM 2, VMSA. */
static void
vmsa_write(uint8_t page[PAGE], uint32_t cpuid, uint64_t features)
{
	memset(page, 0, PAGE);
	for (size_t at = 0x000; at <= 0x050; at += 0x10) /* ES, CS, SS, DS, FS, GS */
		store_segment(page + at, 0, 0x93, 0xffff, 0);
	store_segment(page + 0x010, 0xf000, 0x9b, 0xffff, 0xffff0000);
	store_segment(page + 0x060, 0, 0, 0xffff, 0);    /* GDTR */
	store_segment(page + 0x070, 0, 0x82, 0xffff, 0); /* LDTR */
	store_segment(page + 0x080, 0, 0, 0xffff, 0);    /* IDTR */
	store_segment(page + 0x090, 0, 0x8b, 0xffff, 0); /* TR */
	sim_store_u64(page + 0x0d0, 0x1000);             /* EFER */
	sim_store_u64(page + 0x148, 0x40);               /* CR4 */
	sim_store_u64(page + 0x158, 0x10);               /* CR0 */
	sim_store_u64(page + 0x160, 0x400);              /* DR7 */
	sim_store_u64(page + 0x168, 0xffff0ff0);         /* DR6 */
	sim_store_u64(page + 0x170, 2);                  /* RFLAGS */
	sim_store_u64(page + 0x178, 0xfff0);             /* RIP */
	sim_store_u64(page + 0x268, 0x0007040600070406); /* G_PAT */
	sim_store_u64(page + 0x310, cpuid);              /* RDX */
	sim_store_u64(page + 0x3b0, features);           /* SEV_FEATURES */
	sim_store_u64(page + 0x3e8, 1);                  /* XCR0 */
	sim_store_u32(page + 0x408, 0x1f80);             /* MXCSR */
	sim_store_u16(page + 0x410, 0x37f);              /* FCW */
}

bool
sim_snp_launch_digest(uint8_t digest[48], struct sim_bytes image, uint32_t cpuid)
{
	const uint8_t *from = entry(image, guid_sev, 4), *items = NULL;
	uint8_t vmsa[PAGE];
	size_t count = 0;

	memset(digest, 0, 48);
	if (from != NULL && u32(from) <= image.len && image.len % PAGE == 0)
		count = descriptor(image, image.len - u32(from), "ASEV", SEV_ITEM, &items);
	for (size_t at = 0; count > 0 && at < image.len; at += PAGE)
		update(digest, PAGE_NORMAL, image.ptr + at, (1ULL << 32) - image.len + at);
	for (size_t i = 0; i < count; i++) {
		uint32_t gpa = u32(items + SEV_ITEM * i), size = u32(items + SEV_ITEM * i + 4);
		uint32_t type = u32(items + SEV_ITEM * i + 8);
		if (type == ITEM_SECRETS || type == ITEM_CPUID)
			update(digest, type == ITEM_SECRETS ? PAGE_SECRETS : PAGE_CPUID, NULL, gpa);
		else if ((type == ITEM_MEMORY || type == ITEM_CALLING_AREA ||
			     type == ITEM_KERNEL_HASHES) &&
		    size <= IMAGE_MAX)
			for (uint32_t at = 0; at < size; at += PAGE)
				update(digest, PAGE_ZERO, NULL, gpa + at);
		else
			return false;
	}
	vmsa_write(vmsa, cpuid, 1);
	update(digest, PAGE_VMSA, vmsa, 0xfffffffff000);
	return count > 0;
}

/* --- legacy SEV ----------------------------------------------------------------------------- */

void
sim_sev_vmsa(uint8_t page[PAGE], uint32_t cpuid)
{
	vmsa_write(page, cpuid, 0);
}

void
sim_sev_launch_digest(uint8_t digest[32], struct sim_bytes image, bool es, uint32_t cpuid)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint8_t page[PAGE];

	if (ctx == NULL || EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) != 1)
		sim_die("cannot hash");
	hash(ctx, image.ptr, image.len);
	if (es) {
		sim_sev_vmsa(page, cpuid);
		hash(ctx, page, sizeof page);
	}
	if (EVP_DigestFinal_ex(ctx, digest, NULL) != 1)
		sim_die("cannot hash");
	EVP_MD_CTX_free(ctx);
}

bool
sim_sev_secret_area(struct sim_bytes image, uint32_t *base, uint32_t *size)
{
	const uint8_t *area = entry(image, guid_secret, 8);

	if (area == NULL || u32(area) == 0 || u32(area + 4) == 0)
		return false;
	*base = u32(area);
	*size = u32(area + 4);
	return true;
}
