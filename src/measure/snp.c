/* SPDX-License-Identifier: Apache-2.0 */
#include <assay/measure.h>

#include <inttypes.h>
#include <string.h>

#include "crypto/crypto.h"
#include "measure/kernel_hashes.h"
#include "measure/ovmf.h"
#include "measure/vmsa.h"

/* PAGE_INFO, the links of the chain. Source: AMD 56860, SEV-SNP Firmware ABI, 8.17.2. */
enum {
	PAGE_INFO_SIZE = 0x70,
	PAGE_INFO_LENGTH = 0x60,
	PAGE_INFO_TYPE = 0x62,
	PAGE_INFO_GPA = 0x68,
};
enum page_type {
	PAGE_NORMAL = 1,
	PAGE_VMSA = 2,
	PAGE_ZERO = 3,
	PAGE_UNMEASURED = 4,
	PAGE_SECRETS = 5,
	PAGE_CPUID = 6,
};

enum { SNP_ACTIVE = 1 };
static const uint64_t vmsa_gpa = 0x0000fffffffff000;
static const uint64_t four_gib = 0x100000000;

/* --- the chain --------------------------------------------------------------------------- */

struct chain {
	uint8_t info[PAGE_INFO_SIZE]; /* begins with the digest so far */
};

/* contents NULL: the firmware measures zeros in their place. */
static void
add(struct chain *c, enum page_type type, uint64_t gpa, const uint8_t contents[ASSAY_SHA384_LEN])
{
	uint8_t next[ASSAY_SHA384_LEN];

	if (contents != NULL)
		memcpy(c->info + ASSAY_SHA384_LEN, contents, ASSAY_SHA384_LEN);
	else
		memset(c->info + ASSAY_SHA384_LEN, 0, ASSAY_SHA384_LEN);
	c->info[PAGE_INFO_LENGTH] = PAGE_INFO_SIZE;
	c->info[PAGE_INFO_TYPE] = (uint8_t)type;
	for (size_t i = 0; i < 8; i++)
		c->info[PAGE_INFO_GPA + i] = (uint8_t)(gpa >> 8 * i);
	assay_sha384(next, (struct assay_bytes){ c->info, sizeof c->info });
	memcpy(c->info, next, sizeof next);
}

static void
add_image(struct chain *c, uint64_t gpa, struct assay_bytes image)
{
	uint8_t contents[ASSAY_SHA384_LEN];

	for (size_t at = 0; at < image.len; at += OVMF_PAGE) {
		assay_sha384(contents, assay_bytes_at(image, at, OVMF_PAGE));
		add(c, PAGE_NORMAL, gpa + at, contents);
	}
}

static void
add_empty(struct chain *c, enum page_type type, const struct sev_item *item)
{
	for (uint32_t at = 0; at < item->size; at += OVMF_PAGE)
		add(c, type, (uint64_t)item->gpa + at, NULL);
}

/* --- what is in it ----------------------------------------------------------------------- */

/* A launch that was looked at: its members fit each other. */
struct machine {
	const struct assay_snp_launch *launch;
	const struct vmm *vmm;
	struct ovmf_sev sev; /* of the image that starts: OVMF, or SVSM */
	uint64_t svsm_gpa;
};

static enum assay_code
check_image(struct assay_bytes image, const char *what, struct assay_error *err)
{
	if (image.len == 0 || image.len > OVMF_SIZE_MAX || image.len % OVMF_PAGE != 0)
		return assay_fail(err, ASSAY_E_FORMAT,
		    "%s: is %zu bytes, want whole pages of 4096, at most %d", what, image.len,
		    OVMF_SIZE_MAX);
	return ASSAY_OK;
}

static enum assay_code
check_svsm(const struct assay_snp_launch *l, struct machine *m, struct assay_error *err)
{
	uint64_t ovmf_gpa = four_gib - l->ovmf.len;
	enum assay_code rc;

	if (strcmp(m->vmm->name, "qemu") != 0)
		return assay_fail(err, ASSAY_E_UNSUPPORTED,
		    "svsm: is known under the VMM qemu alone, not %s", m->vmm->name);
	if (l->direct_boot)
		return assay_fail(err, ASSAY_E_USAGE,
		    "svsm: measures no kernel; leave kernel, initrd and append away");
	if (l->guest_features != SNP_ACTIVE)
		return assay_fail(err, ASSAY_E_USAGE,
		    "svsm: starts with guest features 0x1, not 0x%" PRIx64, l->guest_features);
	if (l->ovmf_hash.len > 0)
		return assay_fail(
		    err, ASSAY_E_USAGE, "svsm: needs the whole ovmf, and not the hash of it");
	if ((rc = check_image(l->svsm, "svsm", err)) != ASSAY_OK)
		return rc;
	if (l->vars_size == 0 || l->vars_size % OVMF_PAGE != 0 ||
	    l->vars_size > ovmf_gpa - l->svsm.len)
		return assay_fail(err, ASSAY_E_USAGE,
		    "svsm: the size of the variables is %" PRIu64 ", want whole pages of 4096",
		    l->vars_size);
	if ((rc = assay_ovmf_sev_parse(&m->sev, l->svsm, "svsm", err)) != ASSAY_OK)
		return rc;
	if (!m->sev.has_svsm_offset)
		return assay_fail(err, ASSAY_E_FORMAT,
		    "svsm: its table does not say where it starts; it is no SVSM image");
	m->svsm_gpa = ovmf_gpa - l->vars_size - l->svsm.len;
	return ASSAY_OK;
}

static bool
has_item(const struct ovmf_sev *sev, enum sev_item_type type)
{
	for (size_t i = 0; i < sev->item_count; i++)
		if (sev->items[i].type == type)
			return true;
	return false;
}

/* The firmware must be able to take the hashes: a digest without them would promise a kernel that
 * nobody compares. */
static enum assay_code
check_direct_boot(const struct ovmf_sev *sev, struct assay_error *err)
{
	if (!has_item(sev, SEV_ITEM_KERNEL_HASHES) || sev->hashes_base == 0)
		return assay_fail(err, ASSAY_E_FORMAT,
		    "ovmf: has no place for the hashes of a kernel; take a build for direct boot, "
		    "AmdSevX64, or leave the kernel away");
	if (sev->hashes_size < KERNEL_HASHES_SIZE ||
	    sev->hashes_base % OVMF_PAGE > OVMF_PAGE - KERNEL_HASHES_SIZE)
		return assay_fail(err, ASSAY_E_FORMAT,
		    "ovmf: the area for the hashes of a kernel is %" PRIu32 " bytes at 0x%" PRIx32
		    ", want %d within one page",
		    sev->hashes_size, sev->hashes_base, KERNEL_HASHES_SIZE);
	for (size_t i = 0; i < sev->item_count; i++)
		if (sev->items[i].type == SEV_ITEM_KERNEL_HASHES && sev->items[i].size != OVMF_PAGE)
			return assay_fail(err, ASSAY_E_FORMAT,
			    "ovmf: the item for the hashes of a kernel has 0x%" PRIx32
			    " bytes, want one page",
			    sev->items[i].size);
	return ASSAY_OK;
}

static enum assay_code
check_launch(struct machine *m, const struct assay_snp_launch *l, struct assay_error *err)
{
	enum assay_code rc;

	*m = (struct machine){ .launch = l };
	m->vmm = assay_vmm_find(l->vmm != NULL ? l->vmm : "qemu");
	if (m->vmm == NULL)
		return assay_fail(err, ASSAY_E_USAGE,
		    "vmm: %s is none of qemu, qemu-old, ec2, ec2-old, gce, krun",
		    assay_quote(assay_bytes_of(l->vmm)).text);
	if (l->vcpus == 0 || l->vcpus > ASSAY_VCPUS_MAX)
		return assay_fail(err, ASSAY_E_USAGE, "vcpus: %" PRIu32 ", want 1 to %d", l->vcpus,
		    ASSAY_VCPUS_MAX);
	if (m->vmm->only_first && l->vcpus > 1)
		return assay_fail(err, ASSAY_E_UNSUPPORTED,
		    "vcpus: how %s starts more than one is not proven, so the digest is not known",
		    m->vmm->name);
	if ((l->guest_features & SNP_ACTIVE) == 0)
		return assay_fail(err, ASSAY_E_USAGE,
		    "guest features: 0x%" PRIx64 " lacks bit 0, without which SEV-SNP is off",
		    l->guest_features);
	if (l->ovmf_hash.len != 0 && l->ovmf_hash.len != ASSAY_SHA384_LEN)
		return assay_fail(err, ASSAY_E_USAGE, "ovmf hash: is %zu bytes, want %d",
		    l->ovmf_hash.len, ASSAY_SHA384_LEN);
	if ((rc = check_image(l->ovmf, "ovmf", err)) != ASSAY_OK)
		return rc;
	if (l->svsm.len > 0)
		return check_svsm(l, m, err);
	if ((rc = assay_ovmf_sev_parse(&m->sev, l->ovmf, "ovmf", err)) != ASSAY_OK)
		return rc;
	if (l->vcpus > 1 && m->sev.reset == 0)
		return assay_fail(err, ASSAY_E_FORMAT,
		    "ovmf: does not say where further vCPUs start; it is built for one");
	return l->direct_boot ? check_direct_boot(&m->sev, err) : ASSAY_OK;
}

static void
add_kernel_hashes(struct chain *c, const struct machine *m, const struct sev_item *item)
{
	const struct assay_snp_launch *l = m->launch;
	uint8_t page[OVMF_PAGE] = { 0 };

	assay_kernel_hashes_write(
	    page + m->sev.hashes_base % OVMF_PAGE, l->kernel, l->initrd, l->append);
	add_image(c, item->gpa, (struct assay_bytes){ page, sizeof page });
}

static void
add_item(struct chain *c, const struct machine *m, const struct sev_item *item)
{
	switch ((enum sev_item_type)item->type) {
	case SEV_ITEM_MEMORY:
		add_empty(c, m->vmm->sec_unmeasured ? PAGE_UNMEASURED : PAGE_ZERO, item);
		break;
	case SEV_ITEM_SECRETS:
		add_empty(c, PAGE_SECRETS, item);
		break;
	case SEV_ITEM_CPUID:
		add_empty(c, PAGE_CPUID, item);
		break;
	case SEV_ITEM_SVSM_CALLING:
		add_empty(c, PAGE_ZERO, item);
		break;
	case SEV_ITEM_KERNEL_HASHES:
		if (m->launch->direct_boot)
			add_kernel_hashes(c, m, item);
		else
			add_empty(c, PAGE_ZERO, item);
		break;
	}
}

/* In the order of the table; some VMMs leave the CPUID page to the end. */
static void
add_items(struct chain *c, const struct machine *m)
{
	for (size_t i = 0; i < m->sev.item_count; i++)
		if (!m->vmm->cpuid_last || m->sev.items[i].type != SEV_ITEM_CPUID)
			add_item(c, m, &m->sev.items[i]);
	for (size_t i = 0; m->vmm->cpuid_last && i < m->sev.item_count; i++)
		if (m->sev.items[i].type == SEV_ITEM_CPUID)
			add_item(c, m, &m->sev.items[i]);
}

static void
write_vmsa(uint8_t out[ASSAY_VMSA_SIZE], const struct machine *m, bool first)
{
	const struct assay_snp_launch *l = m->launch;

	if (l->svsm.len > 0)
		assay_vmsa_write_svsm(out, m->svsm_gpa + m->sev.svsm_offset, l->vcpu_signature);
	else
		assay_vmsa_write(out, m->vmm,
		    &(struct vcpu){ .first = first,
			.reset = m->sev.reset,
			.signature = l->vcpu_signature,
			.features = l->guest_features });
}

/* vCPU 0, then the further ones, which are all alike. */
static void
add_vcpus(struct chain *c, const struct machine *m)
{
	uint8_t page[ASSAY_VMSA_SIZE], contents[ASSAY_SHA384_LEN];

	for (uint32_t i = 0; i < m->launch->vcpus; i++) {
		if (i < 2) {
			write_vmsa(page, m, i == 0);
			assay_sha384(contents, (struct assay_bytes){ page, sizeof page });
		}
		add(c, PAGE_VMSA, vmsa_gpa, contents);
	}
}

/* --- public ------------------------------------------------------------------------------ */

enum assay_code
assay_snp_measure(uint8_t out[ASSAY_MEASUREMENT_SIZE], const struct assay_snp_launch *launch,
    struct assay_error *err)
{
	struct machine m;
	struct chain c = { { 0 } };
	enum assay_code rc = check_launch(&m, launch, err);

	if (rc != ASSAY_OK)
		return rc;
	if (launch->ovmf_hash.len > 0)
		memcpy(c.info, launch->ovmf_hash.ptr, ASSAY_SHA384_LEN);
	else
		add_image(&c, four_gib - launch->ovmf.len, launch->ovmf);
	if (launch->svsm.len > 0)
		add_image(&c, m.svsm_gpa, launch->svsm);
	add_items(&c, &m);
	add_vcpus(&c, &m);
	memcpy(out, c.info, ASSAY_MEASUREMENT_SIZE);
	return ASSAY_OK;
}

enum assay_code
assay_snp_measure_ovmf(
    uint8_t out[ASSAY_MEASUREMENT_SIZE], struct assay_bytes ovmf, struct assay_error *err)
{
	struct chain c = { { 0 } };
	enum assay_code rc = check_image(ovmf, "ovmf", err);

	if (rc != ASSAY_OK)
		return rc;
	add_image(&c, four_gib - ovmf.len, ovmf);
	memcpy(out, c.info, ASSAY_MEASUREMENT_SIZE);
	return ASSAY_OK;
}

enum assay_code
assay_snp_vmsa(uint8_t out[ASSAY_VMSA_SIZE], const struct assay_snp_launch *launch, uint32_t vcpu,
    struct assay_error *err)
{
	struct machine m;
	enum assay_code rc = check_launch(&m, launch, err);

	if (rc != ASSAY_OK)
		return rc;
	if (vcpu >= launch->vcpus)
		return assay_fail(err, ASSAY_E_USAGE,
		    "vcpu: there is no number %" PRIu32 " of %" PRIu32, vcpu, launch->vcpus);
	write_vmsa(out, &m, vcpu == 0);
	return ASSAY_OK;
}
