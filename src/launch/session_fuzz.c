/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "launch/record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A certificate that nobody looks into but for its use. */
static void
make_cert(uint8_t out[SEV_CERT_SIZE], uint8_t usage)
{
	memset(out, 0, SEV_CERT_SIZE);
	out[0] = 1;
	out[8] = usage;
	out[9] = SEV_USAGE_NONE >> 8;
}

/* The input as a platform's PDH with a policy behind it: whatever it holds, a session is made for it or
 * refused with a sentence, and what is made can be read. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t certs[3][SEV_CERT_SIZE];
	static const uint8_t usages[] = { SEV_USAGE_PEK & 0xff, SEV_USAGE_OCA & 0xff,
		SEV_USAGE_CEK & 0xff };
	struct assay_error err = { ASSAY_OK, "" };
	struct assay_bytes in = { data, size };
	struct assay_launch_start start = { .name = "fuzz" };
	struct assay_launch_session session;
	struct assay_launch *launch = NULL;
	struct sev_cert godh;

	for (size_t i = 0; i < 3; i++) {
		make_cert(certs[i], usages[i]);
		start.chain.at[i + 1] = (struct assay_bytes){ certs[i], SEV_CERT_SIZE };
	}
	start.chain.at[ASSAY_LAUNCH_PDH] = assay_bytes_at(in, 0, SEV_CERT_SIZE);
	if (size >= SEV_CERT_SIZE + 4)
		start.policy = assay_u32le(data + SEV_CERT_SIZE);
	enum assay_code rc = assay_launch_new(&launch, &session, &start, &err);
	if (rc != ASSAY_OK && (launch != NULL || err.code != rc || err.text[0] == '\0'))
		abort();
	if (rc == ASSAY_OK &&
	    (assay_launch_policy(launch) != start.policy ||
		assay_sev_cert_parse(&godh, (struct assay_bytes){ session.godh, SEV_CERT_SIZE },
		    "godh", NULL) != ASSAY_OK))
		abort();
	assay_launch_free(launch);
	return 0;
}
