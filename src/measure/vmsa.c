/* SPDX-License-Identifier: Apache-2.0 */
#include "measure/vmsa.h"

#include <string.h>

enum { SNP_ACTIVE = 1 };
static const uint32_t processor_reset = 0xfffffff0; /* where vCPU 0 starts */

/* Offsets in the VMSA. */
enum {
	ES = 0x000,
	CS = 0x010,
	SS = 0x020,
	DS = 0x030,
	FS = 0x040,
	GS = 0x050,
	GDTR = 0x060,
	LDTR = 0x070,
	IDTR = 0x080,
	TR = 0x090,
	EFER = 0x0d0,
	CR4 = 0x148,
	CR0 = 0x158,
	DR7 = 0x160,
	DR6 = 0x168,
	RFLAGS = 0x170,
	RIP = 0x178,
	RSP = 0x1d8,
	G_PAT = 0x268,
	RDX = 0x310,
	RBP = 0x328,
	RSI = 0x330,
	SEV_FEATURES = 0x3b0,
	XCR0 = 0x3e8,
	MXCSR = 0x408,
	FCW = 0x410,
};

static const uint64_t usual_pat = 0x0007040600070406;

/* Host kernels before 6.10 gave machines of QEMU no MXCSR and FCW; tools before 2025 computed EC2
 * without the RDX that it sets. */
static const struct vmm vmms[] = {
	{ .name = "qemu",
	    .cs_first = 0x9b,
	    .cs_further = 0x9b,
	    .ss = 0x93,
	    .tr = 0x8b,
	    .rdx_signature = true,
	    .mxcsr = 0x1f80,
	    .fcw = 0x37f,
	    .g_pat = usual_pat },
	{ .name = "qemu-old",
	    .cs_first = 0x9b,
	    .cs_further = 0x9b,
	    .ss = 0x93,
	    .tr = 0x8b,
	    .rdx_signature = true,
	    .g_pat = usual_pat },
	{ .name = "ec2",
	    .cs_first = 0x9a,
	    .cs_further = 0x9b,
	    .ss = 0x92,
	    .tr = 0x83,
	    .rdx = 0x600,
	    .g_pat = usual_pat,
	    .cpuid_last = true },
	{ .name = "ec2-old",
	    .cs_first = 0x9a,
	    .cs_further = 0x9b,
	    .ss = 0x92,
	    .tr = 0x83,
	    .g_pat = usual_pat,
	    .cpuid_last = true },
	{ .name = "gce",
	    .cs_first = 0x9b,
	    .cs_further = 0x9b,
	    .ss = 0x93,
	    .tr = 0x8b,
	    .rdx = 0x600,
	    .g_pat = 0x0000000000070106,
	    .sec_unmeasured = true },
	{ .name = "krun",
	    .cs_first = 0x9a,
	    .ss = 0x92,
	    .tr = 0x83,
	    .g_pat = usual_pat,
	    .only_first = true,
	    .rsi = 0x7000,
	    .rbp = 0x8ff0,
	    .rsp = 0x8ff0 },
};

/* Source: QEMU, target/i386/cpu.c, builtin_x86_defs. */
static const struct {
	const char *name;
	uint8_t family, model, stepping;
} vcpu_types[] = {
	{ "EPYC", 23, 1, 2 },
	{ "EPYC-v1", 23, 1, 2 },
	{ "EPYC-v2", 23, 1, 2 },
	{ "EPYC-IBPB", 23, 1, 2 },
	{ "EPYC-v3", 23, 1, 2 },
	{ "EPYC-v4", 23, 1, 2 },
	{ "EPYC-Rome", 23, 49, 0 },
	{ "EPYC-Rome-v1", 23, 49, 0 },
	{ "EPYC-Rome-v2", 23, 49, 0 },
	{ "EPYC-Rome-v3", 23, 49, 0 },
	{ "EPYC-Milan", 25, 1, 1 },
	{ "EPYC-Milan-v1", 25, 1, 1 },
	{ "EPYC-Milan-v2", 25, 1, 1 },
	{ "EPYC-Genoa", 25, 17, 0 },
	{ "EPYC-Genoa-v1", 25, 17, 0 },
	{ "EPYC-Turin", 26, 0, 0 },
};

/* --- who the VMM and its vCPUs are ------------------------------------------------------- */

const struct vmm *
assay_vmm_find(const char *name)
{
	for (size_t i = 0; i < sizeof vmms / sizeof vmms[0]; i++)
		if (strcmp(vmms[i].name, name) == 0)
			return &vmms[i];
	return NULL;
}

const char *
assay_snp_vmm_name(size_t n)
{
	return n < sizeof vmms / sizeof vmms[0] ? vmms[n].name : NULL;
}

bool
assay_snp_vmm_needs_signature(const char *vmm)
{
	const struct vmm *found = assay_vmm_find(vmm);

	return found != NULL && found->rdx_signature;
}

const char *
assay_vcpu_type_name(size_t n)
{
	return n < sizeof vcpu_types / sizeof vcpu_types[0] ? vcpu_types[n].name : NULL;
}

bool
assay_vcpu_type_find(uint32_t *signature, const char *name)
{
	for (size_t i = 0; i < sizeof vcpu_types / sizeof vcpu_types[0]; i++)
		if (strcmp(vcpu_types[i].name, name) == 0)
			return assay_vcpu_signature(signature, vcpu_types[i].family,
			    vcpu_types[i].model, vcpu_types[i].stepping);
	return false;
}

bool
assay_vcpu_signature(uint32_t *signature, unsigned family, unsigned model, unsigned stepping)
{
	if (family > 0xf + 0xff || model > 0xff || stepping > 0xf)
		return false;
	unsigned base = family < 0xf ? family : 0xf;
	*signature =
	    (family - base) << 20 | (model >> 4) << 16 | base << 8 | (model & 0xf) << 4 | stepping;
	return true;
}

/* --- the page ---------------------------------------------------------------------------- */

static void
put(uint8_t *out, size_t at, size_t size, uint64_t value)
{
	for (size_t i = 0; i < size; i++)
		out[at + i] = (uint8_t)(value >> 8 * i);
}

/* u16 selector, u16 attributes, u32 limit, u64 base. */
static void
put_segment(
    uint8_t *out, size_t at, uint16_t selector, uint16_t attributes, uint32_t limit, uint64_t base)
{
	put(out, at, 2, selector);
	put(out, at + 2, 2, attributes);
	put(out, at + 4, 4, limit);
	put(out, at + 8, 8, base);
}

/* What all machines have in common. */
static void
put_common(uint8_t out[ASSAY_VMSA_SIZE])
{
	memset(out, 0, ASSAY_VMSA_SIZE);
	put_segment(out, GDTR, 0, 0, 0xffff, 0);
	put_segment(out, IDTR, 0, 0, 0xffff, 0);
	put_segment(out, LDTR, 0, 0x82, 0xffff, 0);
	put(out, EFER, 8, 0x1000); /* SVME */
	put(out, CR4, 8, 0x40);    /* MCE */
	put(out, DR7, 8, 0x400);
	put(out, DR6, 8, 0xffff0ff0);
	put(out, RFLAGS, 8, 0x2);
	put(out, XCR0, 8, 1);
}

void
assay_vmsa_write(uint8_t out[ASSAY_VMSA_SIZE], const struct vmm *vmm, const struct vcpu *vcpu)
{
	static const uint16_t data_segments[] = { ES, DS, FS, GS };
	uint32_t start = vcpu->first ? processor_reset : vcpu->reset;

	put_common(out);
	for (size_t i = 0; i < sizeof data_segments / sizeof data_segments[0]; i++)
		put_segment(out, data_segments[i], 0, 0x93, 0xffff, 0);
	put_segment(out, CS, 0xf000, vcpu->first ? vmm->cs_first : vmm->cs_further, 0xffff,
	    start & 0xffff0000);
	put_segment(out, SS, 0, vmm->ss, 0xffff, 0);
	put_segment(out, TR, 0, vmm->tr, 0xffff, 0);
	put(out, CR0, 8, 0x10);
	put(out, RIP, 8, start & 0xffff);
	put(out, G_PAT, 8, vmm->g_pat);
	put(out, RDX, 8, vmm->rdx_signature ? vcpu->signature : vmm->rdx);
	put(out, SEV_FEATURES, 8, vcpu->features);
	put(out, MXCSR, 4, vmm->mxcsr);
	put(out, FCW, 2, vmm->fcw);
	put(out, RSI, 8, vmm->rsi);
	put(out, RBP, 8, vmm->rbp);
	put(out, RSP, 8, vmm->rsp);
}

void
assay_vmsa_write_svsm(uint8_t out[ASSAY_VMSA_SIZE], uint64_t entry_point, uint32_t signature)
{
	static const uint16_t data_segments[] = { ES, SS, DS, FS };

	put_common(out);
	for (size_t i = 0; i < sizeof data_segments / sizeof data_segments[0]; i++)
		put_segment(out, data_segments[i], 0x10, 0xc93, 0xffffffff, 0);
	put_segment(out, CS, 8, 0xc9b, 0xffffffff, 0);
	put_segment(out, GS, 0, 0x93, 0xffff, 0);
	put_segment(out, TR, 0, 0x8b, 0xffff, 0);
	put(out, CR0, 8, 0x11);
	put(out, RIP, 8, entry_point);
	put(out, G_PAT, 8, usual_pat);
	put(out, RDX, 8, signature);
	put(out, SEV_FEATURES, 8, SNP_ACTIVE);
	put(out, MXCSR, 4, 0x1f80); /* FCW stays 0: so it is on real launches */
}
