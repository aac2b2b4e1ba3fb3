/* SPDX-License-Identifier: Apache-2.0 */
/* The launch digest of SEV and SEV-ES: one SHA-256 over what is encrypted in place, in the order in
 * which it is. Source: AMD 55766, SEV API, 6.3 to 6.5; QEMU, target/i386/sev.c. */
#include <assay/measure.h>

#include <inttypes.h>
#include <string.h>

#include "crypto/crypto.h"
#include "measure/kernel_hashes.h"
#include "measure/ovmf.h"
#include "measure/vmsa.h"

/* The firmware must be able to take the hashes: a digest without them would promise a kernel that
 * nobody compares. */
static enum assay_code
check_direct_boot(const struct ovmf_table *table, struct assay_error *err)
{
	uint32_t area[2] = { 0, 0 };
	enum assay_code rc = assay_ovmf_table_numbers(
	    area, 2, table, ovmf_guid_sev_hashes, "ovmf", "SEV hash table", err);

	if (rc != ASSAY_OK)
		return rc;
	if (area[0] == 0 || area[1] < KERNEL_HASHES_SIZE)
		return assay_fail(err, ASSAY_E_FORMAT,
		    "ovmf: has no place for the hashes of a kernel; take a build for direct boot, "
		    "AmdSevX64, or leave the kernel away");
	return ASSAY_OK;
}

static enum assay_code
check_vcpus(uint32_t *reset, const struct assay_sev_launch *l, const struct ovmf_table *table,
    struct assay_error *err)
{
	uint32_t address[2] = { 0, 0 };
	enum assay_code rc;

	if (l->vcpus == 0 || l->vcpus > ASSAY_VCPUS_MAX)
		return assay_fail(err, ASSAY_E_USAGE, "vcpus: %" PRIu32 ", want 1 to %d", l->vcpus,
		    ASSAY_VCPUS_MAX);
	for (size_t i = 0; i < 2; i++)
		if (l->vmsa[i].len != 0 && l->vmsa[i].len != ASSAY_VMSA_SIZE)
			return assay_fail(err, ASSAY_E_USAGE,
			    "vmsa: the state of vCPU %zu is %zu bytes, want %d", i, l->vmsa[i].len,
			    ASSAY_VMSA_SIZE);
	if (l->vcpus == 1 || l->vmsa[1].len > 0)
		return ASSAY_OK;
	rc = assay_ovmf_table_numbers(
	    address, 1, table, ovmf_guid_sev_reset, "ovmf", "SEV-ES reset block", err);
	if (rc == ASSAY_OK && address[0] == 0)
		return assay_fail(err, ASSAY_E_FORMAT,
		    "ovmf: does not say where further vCPUs start; it is built for one");
	*reset = address[0];
	return rc;
}

static enum assay_code
check_launch(const struct vmm **vmm, uint32_t *reset, const struct assay_sev_launch *l,
    struct assay_error *err)
{
	struct ovmf_table table;
	enum assay_code rc;

	if (l->ovmf.len == 0 || l->ovmf.len > OVMF_SIZE_MAX)
		return assay_fail(err, ASSAY_E_FORMAT,
		    "ovmf: is %zu bytes, want an image of at most %d", l->ovmf.len, OVMF_SIZE_MAX);
	*vmm = assay_vmm_find(l->vmm != NULL ? l->vmm : "qemu");
	if (*vmm == NULL || !(*vmm)->rdx_signature)
		return assay_fail(err, ASSAY_E_USAGE, "vmm: %s is none of qemu, qemu-old",
		    assay_quote(assay_bytes_of(l->vmm)).text);
	rc = assay_ovmf_table_parse(&table, l->ovmf, err);
	if (rc == ASSAY_OK && l->direct_boot)
		rc = check_direct_boot(&table, err);
	if (rc == ASSAY_OK && l->es)
		rc = check_vcpus(reset, l, &table, err);
	return rc;
}

static void
write_vmsa(uint8_t out[ASSAY_VMSA_SIZE], const struct assay_sev_launch *l, const struct vmm *vmm,
    uint32_t reset, size_t which)
{
	if (l->vmsa[which].len > 0)
		memcpy(out, l->vmsa[which].ptr, ASSAY_VMSA_SIZE);
	else
		assay_vmsa_write(out, vmm,
		    &(struct vcpu){
			.first = which == 0, .reset = reset, .signature = l->vcpu_signature });
}

enum assay_code
assay_sev_measure(uint8_t out[ASSAY_SEV_MEASUREMENT_SIZE], const struct assay_sev_launch *launch,
    struct assay_error *err)
{
	uint8_t hashes[KERNEL_HASHES_SIZE], page[ASSAY_VMSA_SIZE];
	struct assay_sha256_stream digest;
	const struct vmm *vmm = NULL;
	uint32_t reset = 0;
	enum assay_code rc = check_launch(&vmm, &reset, launch, err);

	if (rc != ASSAY_OK)
		return rc;
	assay_sha256_start(&digest);
	assay_sha256_more(&digest, launch->ovmf);
	if (launch->direct_boot) {
		assay_kernel_hashes_write(hashes, launch->kernel, launch->initrd, launch->append);
		assay_sha256_more(&digest, (struct assay_bytes){ hashes, sizeof hashes });
	}
	for (uint32_t i = 0; launch->es && i < launch->vcpus; i++) {
		if (i < 2) /* the further ones are all alike */
			write_vmsa(page, launch, vmm, reset, i);
		assay_sha256_more(&digest, (struct assay_bytes){ page, sizeof page });
	}
	assay_sha256_end(out, &digest);
	return ASSAY_OK;
}

enum assay_code
assay_sev_vmsa(uint8_t out[ASSAY_VMSA_SIZE], const struct assay_sev_launch *launch, uint32_t vcpu,
    struct assay_error *err)
{
	const struct vmm *vmm = NULL;
	uint32_t reset = 0;
	enum assay_code rc = check_launch(&vmm, &reset, launch, err);

	if (rc != ASSAY_OK)
		return rc;
	if (!launch->es || vcpu >= launch->vcpus)
		return assay_fail(err, ASSAY_E_USAGE,
		    "vcpu: there is no number %" PRIu32 " of %" PRIu32 " that are measured", vcpu,
		    launch->es ? launch->vcpus : 0);
	write_vmsa(out, launch, vmm, reset, vcpu > 0);
	return ASSAY_OK;
}

enum assay_code
assay_sev_secret_area(size_t *size, struct assay_bytes ovmf, struct assay_error *err)
{
	struct ovmf_table table;
	uint32_t area[2] = { 0, 0 };
	enum assay_code rc = assay_ovmf_table_parse(&table, ovmf, err);

	if (rc == ASSAY_OK)
		rc = assay_ovmf_table_numbers(
		    area, 2, &table, ovmf_guid_sev_secret, "ovmf", "area for secrets", err);
	if (rc != ASSAY_OK)
		return rc;
	if (area[0] == 0 || area[1] == 0)
		return assay_fail(err, ASSAY_E_FORMAT,
		    "ovmf: has no place for the secrets of a launch; take a build that has, "
		    "AmdSevX64");
	*size = area[1];
	return ASSAY_OK;
}
