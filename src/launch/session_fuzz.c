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

/* A PDH that nothing is wrong with: its point is the generator of P-384 (NIST SP 800-186, 3.2.1.4). */
static void
make_pdh(uint8_t out[SEV_CERT_SIZE])
{
	static const char x[] = "aa87ca22be8b05378eb1c71ef320ad746e1d3b628ba79b9859f741e082542a3855"
				"02f25dbf55296c3a545e3872760ab7";
	static const char y[] = "3617de4a96262c6f5d9e98bf9292dc29f8f41dbd289a147ce9da3113b5f0b8c00a"
				"60b1ce1d7e819d7a431d7c90ea0e5f";
	uint8_t number[48];

	make_cert(out, SEV_USAGE_PDH & 0xff);
	out[0x00c] = SEV_ECDH_SHA256;
	out[0x010] = 2;
	if (!assay_unhex(number, sizeof number, assay_bytes_of(x)))
		abort();
	assay_reverse(out + 0x014, number, sizeof number);
	if (!assay_unhex(number, sizeof number, assay_bytes_of(y)))
		abort();
	assay_reverse(out + 0x05c, number, sizeof number);
}

/* The input lies over a good PDH, with a policy in front: where it is zero the certificate is as it was.
 * Whatever comes of it, a session is made for it or refused with a sentence. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t certs[4][SEV_CERT_SIZE];
	static const uint8_t usages[] = { 0, SEV_USAGE_PEK & 0xff, SEV_USAGE_OCA & 0xff,
		SEV_USAGE_CEK & 0xff };
	struct assay_error err = { ASSAY_OK, "" };
	struct assay_launch_start start = { .name = "fuzz",
		.policy = size >= 4 ? assay_u32le(data) : 0 };
	struct assay_launch_session session;
	struct assay_launch *launch = NULL;
	struct sev_cert godh;

	make_pdh(certs[0]);
	for (size_t i = 4; i < size && i - 4 < SEV_CERT_SIZE; i++)
		certs[0][i - 4] ^= data[i];
	for (size_t i = 1; i < 4; i++)
		make_cert(certs[i], usages[i]);
	for (size_t i = 0; i < 4; i++)
		start.chain.at[i] = (struct assay_bytes){ certs[i], SEV_CERT_SIZE };
	enum assay_code rc = assay_launch_new(&launch, &session, &start, &err);
	if (size == 0 && rc != ASSAY_OK)
		abort();
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
