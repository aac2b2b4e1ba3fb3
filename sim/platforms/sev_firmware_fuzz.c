/* SPDX-License-Identifier: Apache-2.0 */
/* What an owner's side hands to the firmware: certificate and session, packets of secrets. Raw, and
 * sealed with the right keys, so that what is behind the MACs is reached too; and the table that the
 * guest's kernel then reads. */
#include "platforms/sev_firmware.h"
#include "platforms/sev_owner.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct sim *seeded;
static struct sim_sev_firmware *fw;
static struct sim_sev_owner owner;
static uint32_t handle;
static uint8_t measurement[48];

static void
launch(void)
{
	static const uint8_t page[SIM_SEV_VMSA_SIZE];
	uint8_t pdh[SIM_SEV_CERT_SIZE], chain[3 * SIM_SEV_CERT_SIZE];
	uint32_t n = sizeof pdh, m = sizeof chain, len = sizeof measurement;
	struct sim_sev platform;

	seeded = sim_new(1);
	sim_sev_new(&platform, seeded, "Milan", true);
	fw = sim_sev_firmware_new(&platform);
	if (sim_sev_init(fw, true) != 0 || sim_sev_pdh_cert_export(fw, pdh, &n, chain, &m) != 0 ||
	    !sim_sev_owner_new(&owner, pdh, 0xf))
		abort();
	const struct sim_sev_launch_start start = { .policy = 0xf,
		.owner_dh = sim_view(owner.dh, sizeof owner.dh),
		.session = sim_view(owner.session, sizeof owner.session) };
	if (sim_sev_launch_start(fw, &start, &handle) != 0 ||
	    sim_sev_activate(fw, handle, 1) != 0 ||
	    sim_sev_launch_update_data(fw, handle, sim_view(page, sizeof page)) != 0 ||
	    sim_sev_launch_measure(fw, handle, measurement, &len) != 0)
		abort();
}

/* The first bytes bend certificate and session; nothing but the right ones starts a guest. */
static void
start_bent(const uint8_t *data, size_t size)
{
	struct sim *scratch = sim_scratch();
	struct sim_bytes dh = sim_copy(scratch, owner.dh, sizeof owner.dh);
	struct sim_bytes session = sim_copy(scratch, owner.session, sizeof owner.session);
	uint32_t other = 0;

	for (size_t i = 0; i < size && i < SIM_SEV_SESSION_SIZE; i++)
		session.ptr[i] ^= data[i];
	for (size_t i = SIM_SEV_SESSION_SIZE; i < size && i - SIM_SEV_SESSION_SIZE < dh.len; i++)
		dh.ptr[i - SIM_SEV_SESSION_SIZE] ^= data[i];
	const struct sim_sev_launch_start start = {
		.policy = 0xf, .owner_dh = dh, .session = session
	};
	/* What is behind the key in the certificate is no matter of the firmware's. */
	bool same = memcmp(session.ptr, owner.session, session.len) == 0 &&
	    memcmp(dh.ptr, owner.dh, 0x14) == 0 && memcmp(dh.ptr + 0x14, owner.dh + 0x14, 144) == 0;
	if (sim_sev_launch_start(fw, &start, &other) == 0) {
		if (!same || sim_sev_decommission(fw, other) != 0)
			abort();
	}
	sim_free(scratch);
}

static void
read_table(struct sim_bytes table)
{
	struct sim_sev_secret found[SIM_SEV_SECRETS_MAX];
	size_t n = sim_sev_table_read(found, table);

	for (size_t i = 0; i < n; i++)
		if (found[i].bytes.ptr < table.ptr ||
		    found[i].bytes.len > table.len - (size_t)(found[i].bytes.ptr - table.ptr) ||
		    strlen(found[i].guid) != 36)
			abort();
}

static void
inject(const uint8_t *data, size_t size)
{
	uint8_t header[SIM_SEV_HEADER_SIZE], plain[SIM_SEV_SECRET_MAX];
	size_t n = size < SIM_SEV_SECRET_MAX ? size / 16 * 16 : SIM_SEV_SECRET_MAX;
	static const uint8_t iv[16] = "of the fuzzer's";
	struct sim *scratch = sim_scratch();
	struct sim_bytes packet = sim_copy(scratch, data, n);

	if (size > SIM_SEV_HEADER_SIZE &&
	    sim_sev_launch_secret(fw, handle, sim_view(data, SIM_SEV_HEADER_SIZE),
		sim_view(data + SIM_SEV_HEADER_SIZE, size - SIM_SEV_HEADER_SIZE), plain,
		(uint32_t)(size - SIM_SEV_HEADER_SIZE)) == 0)
		abort(); /* a MAC that was guessed */
	sim_sev_secret_seal(header, packet.ptr, &owner.keys, iv, packet.ptr, n, measurement);
	unsigned status = sim_sev_launch_secret(
	    fw, handle, sim_view(header, sizeof header), packet, plain, (uint32_t)n);
	if (status != (n == 0 ? SIM_SEV_INVALID_LEN : SIM_SEV_OK) ||
	    (n > 0 && memcmp(plain, data, n) != 0))
		abort();
	sim_free(scratch);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (seeded == NULL)
		launch();
	start_bent(data, size);
	inject(data, size);
	read_table(sim_view(data, size));
	return 0;
}
