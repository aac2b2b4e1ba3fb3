/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SIM_MACHINE_H
#define SIM_MACHINE_H

/*
 * A platform at work: what its firmware and modules answer, from the folder that `assay-sim new`
 * wrote. It prints nothing, keeps nothing on disk, and may be used by many threads at once. Its
 * memory does not grow with the requests.
 *
 * Functions return 0 or a negative errno. Bytes given through `uint8_t **` are the caller's and
 * freed by free(). -ENODEV: a platform of this kind has no such thing.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sim_machine;

/* dir: the folder, with platform.json in it. why: on failure, a sentence. */
int sim_machine_open(struct sim_machine **out, const char *dir, char why[256]);
void sim_machine_close(struct sim_machine *m); /* NULL is fine */
/* "tdx", "snp", "sgx", "sev", "sev-es" */
const char *sim_machine_tee(const struct sim_machine *m);

/* What a service asks the platform about itself. Of the other vendor's members all are zero. */
struct sim_identity {
	int64_t now, valid_until; /* when it was made; until when its collateral counts */
	/* Intel */
	uint8_t fmspc[6], pce_id[2], qe_id[16], cpu_svn[16], ppid[16];
	uint16_t qe_svn, pce_svn;
	const char *ca; /* "platform" */
	/* AMD */
	const char *product; /* "Milan" */
	bool vlek;
	uint8_t hwid[64];
	size_t hwid_len; /* 64, Turin 8 */
	struct {
		uint8_t fmc, bootloader, tee, snp, microcode;
	} tcb; /* of the certificate */
};
void sim_machine_identity(const struct sim_machine *m, struct sim_identity *out);

/* --- TDX: the module and this machine's one TD. Source: Intel TDX Module ABI ---------------- */

int
sim_machine_td_report(struct sim_machine *m, const uint8_t report_data[64], uint8_t tdreport[1024]);
/* In memory only. -EINVAL: no such RTMR. */
int sim_machine_td_extend(struct sim_machine *m, unsigned rtmr, const uint8_t digest[48]);
/* "rtmr0" to "rtmr3", "mrtd", "mrconfigid", "mrowner", "mrownerconfig". -EINVAL: another name. */
int sim_machine_td_register(struct sim_machine *m, const char *name, uint8_t value[48]);
/* The TD QE: -EBADMSG when the report was not made by this platform or was changed since (its MAC
 * or hashes do not fit), -EINVAL when its type is none that a quote is made of. */
int sim_machine_td_quote(
    struct sim_machine *m, const uint8_t tdreport[1024], uint8_t **quote, size_t *len);
/* The ACPI table and the log it points to, with its padding. The log tells what the firmware
 * measured; what is extended since the start is not in it. */
int sim_machine_ccel(
    struct sim_machine *m, uint8_t **table, size_t *table_len, uint8_t **log, size_t *log_len);

/* --- SEV-SNP: the firmware and one guest context. Source: AMD 56860 ------------------------- */

/*
 * SNP_GUEST_REQUEST: one encrypted message page in, one out. Returns 0, or a positive number: the
 * firmware's status, which the guest finds in the low half of exitinfo2 (0x16 a header that is
 * not as it must be or a sequence number that is not the next, 0x0b a tag that does not fit, 0x1d
 * sequence numbers used up). Then response is zero and no sequence number was used. What the
 * firmware refuses inside a good message is the status word of the response, and 0 is returned.
 */
int sim_machine_snp_guest_request(
    struct sim_machine *m, const uint8_t request[4096], uint8_t response[4096]);
/* What a guest kernel at this VMPL finds in its secrets page. -EINVAL: vmpl above 3. */
int sim_machine_snp_vmpck(struct sim_machine *m, unsigned vmpl, uint8_t key[32]);
/* The number of the last message under this VMPCK, request or response: 0 before the first. */
int sim_machine_snp_sequence(struct sim_machine *m, unsigned vmpl, uint64_t *last);
/* The certificate table that the host hands out; not padded to a page. Source: GHCB 4.1.8.1 */
int sim_machine_snp_certs(struct sim_machine *m, uint8_t **table, size_t *len);

/* --- SEV, SEV-ES: the firmware, which locks itself ------------------------------------------ */

struct sim_sev_firmware;
/* In state UNINIT at first; it is the machine's. NULL: a platform of another kind. */
struct sim_sev_firmware *sim_machine_sev(struct sim_machine *m);
/* What a guest is launched with: the image, for as long as the machine lives, the signature of its
 * vCPU, and the policy. */
struct sim_sev_guest_plan {
	const uint8_t *image;
	size_t image_len;
	uint32_t cpuid, policy;
	bool es;
};
int sim_machine_sev_plan(const struct sim_machine *m, struct sim_sev_guest_plan *out);

/* --- SGX ------------------------------------------------------------------------------------ */

int sim_machine_sgx_quote(
    struct sim_machine *m, const uint8_t report_data[64], uint8_t **quote, size_t *len);

/* --- for services --------------------------------------------------------------------------- */

/*
 * A file of collateral/ by its name; also "trust-root", and of Intel's "pck_chain.pem" (PCK, its
 * CA, root), which is no file, and "pck_crl_chain.pem" (the CA, root), which older folders have not.
 * -ENOENT: there is none.
 */
int sim_machine_collateral(struct sim_machine *m, const char *name, uint8_t **bytes, size_t *len);

#endif
