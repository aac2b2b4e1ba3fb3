/* SPDX-License-Identifier: Apache-2.0 */
#include "platforms/sev_vm.h"

#include "platforms/firmware.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MEMORY_MAX = 128 << 20, AREA_MAX = 65536, SWAPS_MAX = 64 };

struct swap {
	uint8_t from[SIM_SEV_REPORT_SIZE], to[SIM_SEV_REPORT_SIZE];
};

struct sim_sev_vm {
	struct sim_sev_firmware *fw;
	struct sim_sev_host host;
	uint32_t handle, other; /* other: of the VM whose reports a cheating host gives; 0: none */
	uint8_t measurement[48], old_report[SIM_SEV_REPORT_SIZE];
	bool es, has_area;
	pthread_mutex_t lock; /* for what follows */
	pthread_cond_t changed;
	bool running, started, over;
	uint32_t area_at, area_size; /* of the guest's memory, the part that is told apart */
	uint8_t *area;
	struct swap swaps[SWAPS_MAX]; /* the last ones; all zero: none */
	size_t swap_next;
};

/* --- launch --------------------------------------------------------------------------------- */

static unsigned
refuse(char why[256], const char *command, unsigned status)
{
	snprintf(why, 256, "the firmware refuses %s with status %u%s", command, status,
	    status == SIM_SEV_BAD_MEASUREMENT
		? ": the session was made for another platform, policy or key"
		: status == SIM_SEV_INVALID_CERTIFICATE ? ": the owner's certificate is none"
		: status == SIM_SEV_INVALID_LEN         ? ": a certificate or session is cut short"
		: status == SIM_SEV_POLICY_FAILURE      ? ": the policy asks for more than there is"
							: "");
	return status;
}

/* KVM takes an ASID that is free, and flushes when none is. */
static unsigned
activate(struct sim_sev_firmware *fw, uint32_t handle, bool es)
{
	uint32_t first = es ? 1 : SIM_SEV_ASID_ES_MAX + 1;
	uint32_t last = es ? SIM_SEV_ASID_ES_MAX : SIM_SEV_ASID_MAX;
	unsigned status = SIM_SEV_INVALID_ASID;

	for (int round = 0; round < 2; round++) {
		for (uint32_t asid = first; asid <= last; asid++)
			if ((status = sim_sev_activate(fw, handle, asid)) == SIM_SEV_OK)
				return status;
		sim_sev_df_flush(fw);
	}
	return status;
}

static void
end_guest(struct sim_sev_firmware *fw, uint32_t handle)
{
	if (handle == 0)
		return;
	sim_sev_deactivate(fw, handle);
	sim_sev_decommission(fw, handle);
}

static unsigned
load(const struct sim_sev_vm_plan *plan, uint32_t handle, bool other, char why[256])
{
	uint8_t page[SIM_SEV_VMSA_SIZE];
	struct sim *scratch = sim_scratch();
	struct sim_bytes image = sim_copy(scratch, plan->guest.image, plan->guest.image_len);
	unsigned status;

	if (other && image.len > 0) /* not the image that its owner wants */
		image.ptr[0] ^= 0xff;
	if ((status = activate(plan->fw, handle, plan->guest.es)) != SIM_SEV_OK)
		refuse(why, "ACTIVATE", status);
	else if ((status = sim_sev_launch_update_data(plan->fw, handle, image)) != SIM_SEV_OK)
		refuse(why, "LAUNCH_UPDATE_DATA", status);
	if (status == SIM_SEV_OK && plan->guest.es) {
		sim_sev_vmsa(page, plan->guest.cpuid);
		status = sim_sev_launch_update_vmsa(plan->fw, handle, sim_view(page, sizeof page));
		if (status != SIM_SEV_OK)
			refuse(why, "LAUNCH_UPDATE_VMSA", status);
	}
	sim_free(scratch);
	return status;
}

static unsigned
launch(const struct sim_sev_vm_plan *plan, bool other, uint32_t *handle, uint8_t measurement[48],
    char why[256])
{
	struct sim_sev_launch_start start = { .policy = plan->guest.policy };
	uint32_t len = 48;
	unsigned status;

	if (!other) {
		start.owner_dh = plan->owner_dh;
		start.session = plan->session;
	}
	if ((status = sim_sev_launch_start(plan->fw, &start, handle)) != SIM_SEV_OK)
		return refuse(why, "LAUNCH_START", status);
	if ((status = load(plan, *handle, other, why)) == SIM_SEV_OK &&
	    (status = sim_sev_launch_measure(plan->fw, *handle, measurement, &len)) != SIM_SEV_OK)
		refuse(why, "LAUNCH_MEASURE", status);
	if (status != SIM_SEV_OK) {
		end_guest(plan->fw, *handle);
		*handle = 0;
	}
	return status;
}

/* What a host that cheats has at hand. */
static unsigned
prepare_host(struct sim_sev_vm *vm, const struct sim_sev_vm_plan *plan, char why[256])
{
	uint8_t unused[48], mnonce[16];
	uint32_t len = sizeof vm->old_report;
	unsigned status;

	if (vm->host.before_report == NULL)
		return SIM_SEV_OK;
	if ((status = launch(plan, true, &vm->other, unused, why)) != SIM_SEV_OK ||
	    (status = sim_sev_launch_finish(vm->fw, vm->other)) != SIM_SEV_OK)
		return status;
	if (RAND_bytes(mnonce, sizeof mnonce) != 1)
		sim_die("no random bytes");
	return sim_sev_attestation(vm->fw, vm->handle, mnonce, vm->old_report, &len);
}

unsigned
sim_sev_vm_new(struct sim_sev_vm **out, const struct sim_sev_vm_plan *plan, char why[256])
{
	struct sim_sev_vm *vm = calloc(1, sizeof *vm);
	pthread_condattr_t clock;

	if (vm == NULL)
		sim_die("out of memory");
	why[0] = '\0';
	pthread_mutex_init(&vm->lock, NULL);
	pthread_condattr_init(&clock);
	pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
	pthread_cond_init(&vm->changed, &clock);
	pthread_condattr_destroy(&clock);
	vm->fw = plan->fw;
	vm->host = plan->host;
	vm->es = plan->guest.es;
	vm->has_area = sim_sev_secret_area(sim_view(plan->guest.image, plan->guest.image_len),
			   &vm->area_at, &vm->area_size) &&
	    vm->area_size <= AREA_MAX;
	if (vm->has_area && (vm->area = calloc(1, vm->area_size + 1)) == NULL)
		sim_die("out of memory");
	unsigned status = launch(plan, false, &vm->handle, vm->measurement, why);
	if (status == SIM_SEV_OK)
		status = prepare_host(vm, plan, why);
	if (status != SIM_SEV_OK)
		sim_sev_vm_free(vm);
	else
		*out = vm;
	return status;
}

void
sim_sev_vm_free(struct sim_sev_vm *vm)
{
	if (vm == NULL)
		return;
	end_guest(vm->fw, vm->handle);
	end_guest(vm->fw, vm->other);
	if (vm->area != NULL)
		OPENSSL_cleanse(vm->area, vm->area_size);
	free(vm->area);
	pthread_cond_destroy(&vm->changed);
	pthread_mutex_destroy(&vm->lock);
	free(vm);
}

/* --- at work -------------------------------------------------------------------------------- */

void
sim_sev_vm_info(struct sim_sev_vm *vm, struct sim_sev_vm_info *out)
{
	uint32_t asid;

	*out = (struct sim_sev_vm_info){ .handle = vm->handle, .es = vm->es };
	memcpy(out->measurement, vm->measurement, sizeof out->measurement);
	sim_sev_platform_status(vm->fw, &out->platform);
	sim_sev_guest_status(vm->fw, vm->handle, &out->policy, &asid, &out->guest);
	pthread_mutex_lock(&vm->lock);
	out->running = vm->running;
	out->started = vm->started;
	out->over = vm->over;
	pthread_mutex_unlock(&vm->lock);
}

struct sim_sev_firmware *
sim_sev_vm_firmware(struct sim_sev_vm *vm)
{
	return vm->fw;
}

/* Bytes into the guest's memory: what of them lies in the area of secrets is kept. */
static void
store(struct sim_sev_vm *vm, uint64_t gpa, const uint8_t *bytes, size_t n)
{
	for (size_t i = 0; vm->has_area && i < n; i++)
		if (gpa + i >= vm->area_at && gpa + i - vm->area_at < vm->area_size)
			vm->area[gpa + i - vm->area_at] = bytes[i];
}

int
sim_sev_vm_inject(
    struct sim_sev_vm *vm, const uint64_t *gpa, struct sim_bytes header, struct sim_bytes packet)
{
	uint64_t at = gpa != NULL ? *gpa : vm->area_at;
	uint8_t plain[SIM_SEV_SECRET_MAX] = { 0 };

	if (gpa == NULL && !vm->has_area)
		return -ENOENT;
	if (at > MEMORY_MAX || packet.len > MEMORY_MAX - at)
		return -EFAULT;
	if (vm->has_area && at >= vm->area_at && at - vm->area_at < vm->area_size &&
	    packet.len > vm->area_size - (at - vm->area_at))
		return -ENOSPC;
	unsigned status =
	    sim_sev_launch_secret(vm->fw, vm->handle, header, packet, plain, (uint32_t)packet.len);
	if (status == SIM_SEV_OK) {
		pthread_mutex_lock(&vm->lock);
		store(vm, at, plain, packet.len);
		pthread_mutex_unlock(&vm->lock);
	}
	OPENSSL_cleanse(plain, sizeof plain);
	return (int)status;
}

static int
answer_with(struct sim_sev_vm *vm, enum sim_sev_answer answer, const uint8_t mnonce[16],
    uint8_t report[SIM_SEV_REPORT_SIZE])
{
	uint32_t len = SIM_SEV_REPORT_SIZE;
	uint8_t nonce[16];

	if (answer == SIM_SEV_OLD_REPORT) {
		memcpy(report, vm->old_report, SIM_SEV_REPORT_SIZE);
		return 0;
	}
	memcpy(nonce, mnonce, sizeof nonce);
	if (answer == SIM_SEV_OTHER_NONCE)
		nonce[0] ^= 0xff;
	return (int)sim_sev_attestation(
	    vm->fw, answer == SIM_SEV_OTHER_VM ? vm->other : vm->handle, nonce, report, &len);
}

int
sim_sev_vm_report(
    struct sim_sev_vm *vm, const uint8_t mnonce[16], uint8_t report[SIM_SEV_REPORT_SIZE])
{
	enum sim_sev_answer answer = SIM_SEV_OWN_REPORT;
	struct swap swap;
	int rc = 0;

	if (vm->host.before_report != NULL)
		rc = vm->host.before_report(vm->host.arg, &answer);
	if (rc == 0)
		rc = answer_with(vm, answer, mnonce, report);
	if (rc != 0 || answer == SIM_SEV_OWN_REPORT || !vm->host.behind_broker)
		return rc;
	memcpy(swap.to, report, sizeof swap.to);
	if ((rc = answer_with(vm, SIM_SEV_OWN_REPORT, mnonce, report)) != 0)
		return rc;
	memcpy(swap.from, report, sizeof swap.from);
	pthread_mutex_lock(&vm->lock);
	vm->swaps[vm->swap_next++ % SWAPS_MAX] = swap;
	pthread_mutex_unlock(&vm->lock);
	return 0;
}

void
sim_sev_vm_swap(struct sim_sev_vm *vm, uint8_t *bytes, size_t n)
{
	static const uint8_t none[SIM_SEV_REPORT_SIZE];

	pthread_mutex_lock(&vm->lock);
	for (size_t i = 0; i < SWAPS_MAX; i++) {
		const struct swap *s = &vm->swaps[i];
		if (memcmp(s->from, none, sizeof none) == 0)
			continue;
		for (size_t at = 0; n >= sizeof s->from && at <= n - sizeof s->from; at++)
			if (memcmp(bytes + at, s->from, sizeof s->from) == 0)
				memcpy(bytes + at, s->to, sizeof s->to);
	}
	pthread_mutex_unlock(&vm->lock);
}

static void
set_state(struct sim_sev_vm *vm, bool running, bool over)
{
	pthread_mutex_lock(&vm->lock);
	bool first = running && !vm->started;
	vm->running = running;
	vm->started |= running;
	vm->over |= over;
	if (first)
		sim_sev_launch_finish(vm->fw, vm->handle);
	pthread_cond_broadcast(&vm->changed);
	pthread_mutex_unlock(&vm->lock);
}

void
sim_sev_vm_cont(struct sim_sev_vm *vm)
{
	set_state(vm, true, false);
}

void
sim_sev_vm_stop(struct sim_sev_vm *vm)
{
	set_state(vm, false, false);
}

void
sim_sev_vm_quit(struct sim_sev_vm *vm)
{
	set_state(vm, false, true);
}

bool
sim_sev_vm_wait(struct sim_sev_vm *vm, int ms)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += ms / 1000;
	until.tv_nsec += (long)(ms % 1000) * 1000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000;
	}
	pthread_mutex_lock(&vm->lock);
	while (!vm->running && !vm->over)
		if (pthread_cond_timedwait(&vm->changed, &vm->lock, &until) != 0)
			break;
	bool done = vm->running || vm->over;
	pthread_mutex_unlock(&vm->lock);
	return done;
}

size_t
sim_sev_vm_secrets(
    struct sim_sev_vm *vm, struct sim *scratch, struct sim_sev_secret secrets[SIM_SEV_SECRETS_MAX])
{
	struct sim_bytes area = { NULL, 0 };

	pthread_mutex_lock(&vm->lock);
	if (vm->has_area && vm->started)
		area = sim_copy(scratch, vm->area, vm->area_size);
	pthread_mutex_unlock(&vm->lock);
	return sim_sev_table_read(secrets, area);
}
