/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "buffer.h"
#include "kbs.h"

static const struct {
	const char *version;
	enum ticket_protocol protocol;
} versions[] = {
	{ "0.4.0", PROTOCOL_0_4_0 },
	{ "0.3.0", PROTOCOL_0_3_0 },
	{ "0.2.0", PROTOCOL_0_2_0 },
	{ "0.1.1", PROTOCOL_0_1_1 },
	{ "0.1.0", PROTOCOL_0_1_0 },
};

/* The number in tickets is the place here: only appended to. */
static const char *const served[] = { "", "tdx", "snp", "sgx", "sample", "sev" };

/* The others that clients may name, with the spellings of kbs-types 0.12 and before. */
static const char *const known[] = { "az-snp-vtpm", "azsnpvtpm", "az-tdx-vtpm", "aztdxvtpm",
	"nvidia", "nvidia-dpu", "cca", "csv", "se", "hygondcu", "tpm", "sampledevice" };

bool
kbs_protocol(enum ticket_protocol *out, struct assay_bytes version)
{
	for (size_t i = 0; i < sizeof versions / sizeof *versions; i++)
		if (bytes_equal(version, bytes_of(versions[i].version))) {
			*out = versions[i].protocol;
			return true;
		}
	return false;
}

const char *
kbs_tee_name(uint8_t tee)
{
	return tee < sizeof served / sizeof *served ? served[tee] : NULL;
}

uint8_t
kbs_tee(struct assay_bytes name, bool sample)
{
	for (size_t i = 1; i < sizeof served / sizeof *served; i++)
		if (bytes_equal(name, bytes_of(served[i])) &&
		    (sample || strcmp(served[i], "sample") != 0))
			return (uint8_t)i;
	return KBS_TEE_NONE;
}

bool
kbs_tee_known(struct assay_bytes name)
{
	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		if (bytes_equal(name, bytes_of(known[i])))
			return true;
	return kbs_tee(name, true) != KBS_TEE_NONE;
}
