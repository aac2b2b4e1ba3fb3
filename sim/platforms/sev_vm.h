/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SIM_SEV_VM_H
#define SIM_SEV_VM_H

/*
 * A VM of legacy SEV as a VMM has it: launched and measured, it waits as under `qemu -S`, takes the
 * owner's secret, and runs when it is told to. May be used by many threads at once.
 */

#include "platforms/machine.h"
#include "platforms/sev_firmware.h"

struct sim_sev_vm;

/* What a host does that cheats, or is not well. Asked before each report, it says which one the guest
 * is to get. Returns 0 or a negative errno. */
enum sim_sev_answer {
	SIM_SEV_OWN_REPORT,
	SIM_SEV_OTHER_VM,    /* of another VM, of another image, under the nonce asked for */
	SIM_SEV_OLD_REPORT,  /* of this VM, made before it was asked for */
	SIM_SEV_OTHER_NONCE, /* of this VM, for a nonce of the host's */
};
struct sim_sev_host {
	int (*before_report)(void *arg, enum sim_sev_answer *answer);
	void *arg;
	/* A broker looks at reports too, before they are swapped: see sim_sev_vm_swap(). */
	bool behind_broker;
};

struct sim_sev_vm_plan {
	struct sim_sev_firmware *fw; /* initialised; outlives the VM */
	struct sim_sev_guest_plan guest;
	struct sim_bytes owner_dh, session; /* empty: no owner */
	struct sim_sev_host host;
};
/* LAUNCH_START to LAUNCH_MEASURE. Returns the firmware's status; why: a sentence when it is not 0. */
unsigned sim_sev_vm_new(struct sim_sev_vm **out, const struct sim_sev_vm_plan *plan, char why[256]);
void sim_sev_vm_free(struct sim_sev_vm *vm); /* NULL is fine */

struct sim_sev_vm_info {
	struct sim_sev_platform_status platform;
	uint32_t handle, policy;
	enum sim_sev_guest_state guest;
	uint8_t measurement[48]; /* MEASURE, MNONCE */
	bool es, running, started, over;
};
void sim_sev_vm_info(struct sim_sev_vm *vm, struct sim_sev_vm_info *out);
struct sim_sev_firmware *sim_sev_vm_firmware(struct sim_sev_vm *vm);

/* gpa NULL: where the image says. Status, or a negative errno: -ENOENT, the image does not say;
 * -EFAULT, no memory of the guest is there; -ENOSPC, it begins in the area of secrets and runs over
 * its end. QEMU does not look, and the kernel's hashes behind it are gone: no guest starts. */
int sim_sev_vm_inject(
    struct sim_sev_vm *vm, const uint64_t *gpa, struct sim_bytes header, struct sim_bytes packet);
/* Status, or a negative errno. */
int sim_sev_vm_report(
    struct sim_sev_vm *vm, const uint8_t mnonce[16], uint8_t report[SIM_SEV_REPORT_SIZE]);
/* Behind the broker: whatever report in these bytes the guest is not to get becomes another one. */
void sim_sev_vm_swap(struct sim_sev_vm *vm, uint8_t *bytes, size_t n);
/* From the first time on the guest runs, and takes no more secrets. */
void sim_sev_vm_cont(struct sim_sev_vm *vm);
void sim_sev_vm_stop(struct sim_sev_vm *vm);
void sim_sev_vm_quit(struct sim_sev_vm *vm);
/* Whether it runs, or is over, within so many ms. */
bool sim_sev_vm_wait(struct sim_sev_vm *vm, int ms);

/* What the guest's kernel finds in its memory, from the first cont on; the bytes are scratch's. */
size_t sim_sev_vm_secrets(
    struct sim_sev_vm *vm, struct sim *scratch, struct sim_sev_secret secrets[SIM_SEV_SECRETS_MAX]);

#endif
