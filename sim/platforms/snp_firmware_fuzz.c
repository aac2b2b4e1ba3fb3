/* SPDX-License-Identifier: Apache-2.0 */
/* Guest request pages: raw, and, as most fail by their tag, also sealed with the right key around a
 * payload, type, version and sequence number of the fuzzer's choice. */
#include "platforms/snp_firmware.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A refusal uses no number and answers nothing; an answer opens with the same key, one number on. */
static void
ask(struct sim *sim, struct sim_snp_guest *guest, const uint8_t page[SIM_SNP_PAGE])
{
	static const uint8_t zero[SIM_SNP_PAGE];
	struct sim_snp_guest before = *guest;
	uint8_t response[SIM_SNP_PAGE], payload[SIM_SNP_PAGE];
	unsigned vmpck = page[60];

	unsigned status = sim_snp_guest_request(sim, guest, page, response);
	if (status != 0) {
		if (memcmp(guest, &before, sizeof before) != 0 ||
		    memcmp(response, zero, sizeof zero) != 0)
			abort();
		return;
	}
	if (guest->sequence[vmpck] != before.sequence[vmpck] + 2 || response[52] != page[52] + 1 ||
	    !sim_snp_message_open(payload, response, guest->vmpck[vmpck]))
		abort();
	/* Asked again, it is a replay. */
	if (sim_snp_guest_request(sim, guest, page, response) == 0)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct sim *seeded;
	static struct sim_snp platform;
	uint8_t page[SIM_SNP_PAGE] = { 0 }, none[96] = { 1 };
	struct sim_snp_guest guest;

	if (seeded == NULL) {
		seeded = sim_new(1);
		sim_snp_new(&platform, seeded, SIM_MILAN, 5, false, 1763700000, SIM_DAY);
	}
	struct sim *sim = sim_scratch();
	sim_snp_guest_new(seeded, &guest, &platform);
	guest.report.signature = sim_view(none, sizeof none); /* no signing: it takes the time */
	memcpy(page, data, size < sizeof page ? size : sizeof page);
	ask(sim, &guest, page);
	if (size >= 4) {
		struct sim_snp_message m = { .sequence = data[0] & 3,
			.vmpck = data[1] & 3,
			.type = data[2] & 7,
			.version = data[3] & 3,
			.payload = sim_view(data + 4, size - 4 < 4000 ? size - 4 : 4000) };
		sim_snp_message_seal(page, &m, guest.vmpck[m.vmpck]);
		ask(sim, &guest, page);
	}
	sim_free(sim);
	return 0;
}
