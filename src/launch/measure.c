/* SPDX-License-Identifier: Apache-2.0 */
#include "launch/record.h"

#include <string.h>

enum {
	MEASURE_CONTEXT = 0x04,
	MESSAGE_SIZE = 1 + 3 + 4 + ASSAY_LAUNCH_DIGEST_SIZE + ASSAY_LAUNCH_MNONCE_SIZE,
};

bool
assay_launch_measure_of(uint8_t out[ASSAY_LAUNCH_MEASURE_SIZE],
    const uint8_t tik[ASSAY_LAUNCH_KEY_SIZE], uint32_t policy,
    const uint8_t digest[ASSAY_LAUNCH_DIGEST_SIZE], const struct assay_launch_answer *answer)
{
	uint8_t message[MESSAGE_SIZE] = { MEASURE_CONTEXT, answer->api.major, answer->api.minor,
		answer->api.build };

	for (size_t i = 0; i < 4; i++)
		message[4 + i] = (uint8_t)(policy >> 8 * i);
	memcpy(message + 8, digest, ASSAY_LAUNCH_DIGEST_SIZE);
	memcpy(message + 8 + ASSAY_LAUNCH_DIGEST_SIZE, answer->mnonce, ASSAY_LAUNCH_MNONCE_SIZE);
	return assay_hmac_sha256(out, (struct assay_bytes){ tik, ASSAY_LAUNCH_KEY_SIZE },
	    (struct assay_bytes){ message, sizeof message });
}

static unsigned
rank(struct assay_sev_api api)
{
	return (unsigned)api.major << 16 | (unsigned)api.minor << 8 | api.build;
}

/* The versions go into the MAC as the host says them: what they are is known only if it holds, and
 * whether they will do is asked first. */
static enum assay_code
check_floor(struct assay_sev_api api, struct assay_sev_api floor, const char *whose,
    struct assay_error *err)
{
	if (rank(api) >= rank(floor))
		return ASSAY_OK;
	return assay_fail(err, ASSAY_E_POLICY,
	    "firmware: is %u.%u build %u, and %s asks for %u.%u build %u at least; the host's "
	    "operator "
	    "must install newer SEV firmware",
	    api.major, api.minor, api.build, whose, floor.major, floor.minor, floor.build);
}

static enum assay_code
check_floors(const struct assay_launch *l, const struct assay_sev_api *floor,
    struct assay_sev_api api, struct assay_error *err)
{
	struct assay_sev_api of_policy = { (uint8_t)(l->policy >> 16), (uint8_t)(l->policy >> 24),
		0 };
	enum assay_code rc = check_floor(api, of_policy, "the guest policy", err);

	if (rc == ASSAY_OK && floor != NULL)
		rc = check_floor(api, *floor, "its owner", err);
	return rc;
}

static enum assay_code
check_stage(
    const struct assay_launch *l, const struct assay_launch_answer *answer, struct assay_error *err)
{
	if (l->stage == ASSAY_LAUNCH_COMPLETE)
		return assay_fail(err, ASSAY_E_USAGE,
		    "launch record: its session is spent, whether or not its guest has the "
		    "secrets: make another");
	if (l->stage == ASSAY_LAUNCH_CHECKED &&
	    (memcmp(l->mnonce, answer->mnonce, sizeof l->mnonce) != 0 ||
		memcmp(l->measure, answer->measure, sizeof l->measure) != 0))
		return assay_fail(err, ASSAY_E_USAGE,
		    "launch record: this session has launched a guest already, with another "
		    "MNONCE; a "
		    "session is for one launch: make another");
	return ASSAY_OK;
}

static enum assay_code
check_measure(const struct assay_launch *l, const uint8_t tik[ASSAY_LAUNCH_KEY_SIZE],
    const uint8_t expected[ASSAY_LAUNCH_DIGEST_SIZE], const struct assay_launch_answer *answer,
    uint8_t got[ASSAY_LAUNCH_MEASURE_SIZE], struct assay_error *err)
{
	uint8_t measure[ASSAY_LAUNCH_MEASURE_SIZE];

	if (!assay_launch_measure_of(measure, tik, l->policy, expected, answer))
		return assay_fail_nomem(err);
	if (got != NULL)
		memcpy(got, measure, sizeof measure);
	if (assay_same_secret(measure, answer->measure, sizeof measure))
		return ASSAY_OK;
	return assay_fail(err, ASSAY_E_SIGNATURE,
	    "measurement: is not that of the expected digest under this session, this policy and "
	    "this firmware; something else was launched, or the host has said one of them wrong: "
	    "give it no secret");
}

enum assay_code
assay_launch_check(struct assay_launch *launch, const uint8_t tik[ASSAY_LAUNCH_KEY_SIZE],
    const struct assay_sev_api *floor, const uint8_t expected[ASSAY_LAUNCH_DIGEST_SIZE],
    const struct assay_launch_answer *answer, uint8_t got[ASSAY_LAUNCH_MEASURE_SIZE],
    struct assay_error *err)
{
	enum assay_code rc = check_stage(launch, answer, err);

	if (rc == ASSAY_OK)
		rc = check_floors(launch, floor, answer->api, err);
	if (rc == ASSAY_OK)
		rc = assay_launch_own_key(launch->tik_digest, tik, "TIK", err);
	if (rc == ASSAY_OK)
		rc = check_measure(launch, tik, expected, answer, got, err);
	/* What the owner refuses now he does not accept any more. */
	if (rc == ASSAY_E_POLICY || rc == ASSAY_E_SIGNATURE)
		launch->stage = ASSAY_LAUNCH_SESSION;
	if (rc != ASSAY_OK)
		return rc;
	launch->stage = ASSAY_LAUNCH_CHECKED;
	launch->api = answer->api;
	memcpy(launch->digest, expected, sizeof launch->digest);
	memcpy(launch->measure, answer->measure, sizeof launch->measure);
	memcpy(launch->mnonce, answer->mnonce, sizeof launch->mnonce);
	return ASSAY_OK;
}
