/* SPDX-License-Identifier: Apache-2.0 */
/* One place where evidence is made, so that every interface of a guest gives the same and a fault
 * strikes whichever the program uses. */
#include "sandbox.h"
#include "snp_channel.h"
#include "target.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { SNP_REQUEST_SIZE = 96, SNP_AT_VMPL = 64, SNP_AT_REPORT = 32 };

void
evidence_clear(struct evidence *e)
{
	free(e->out);
	free(e->aux);
	*e = (struct evidence){ .out = NULL };
}

/* In pieces, so that a program can be interrupted, and does not have to be waited for. */
static int
be_slow(struct sandbox *sb, pid_t tid)
{
	const int64_t piece_ms = 20;

	for (int64_t left = sb->faults.slow_ms; left > 0; left -= piece_ms) {
		struct timespec t = { 0, (left < piece_ms ? left : piece_ms) * 1000000 };
		nanosleep(&t, NULL);
		if (target_interrupted(tid))
			return -EINTR;
	}
	return 0;
}

int
evidence_begin(struct sandbox *sb, pid_t tid, uint8_t data[REPORT_DATA_SIZE])
{
	int rc = be_slow(sb, tid);

	if (rc != 0)
		return rc;
	if (fault_busy(&sb->faults)) {
		sandbox_log(sb, "fault: busy");
		return -EBUSY;
	}
	fault_nonce(&sb->faults, data);
	return 0;
}

static int
make_tdx(struct sandbox *sb, struct evidence *out, const uint8_t data[REPORT_DATA_SIZE])
{
	uint8_t report[TDREPORT_SIZE];
	int rc = sim_machine_td_report(sb->machine, data, report);

	return rc != 0 ? -EIO : sim_machine_td_quote(sb->machine, report, &out->out, &out->out_len);
}

static int
make_snp(
    struct sandbox *sb, struct evidence *out, const uint8_t data[REPORT_DATA_SIZE], unsigned vmpl)
{
	uint8_t request[SNP_REQUEST_SIZE] = { 0 }, response[SNP_PAYLOAD_MAX];
	uint64_t exitinfo2;
	int rc;

	memcpy(request, data, REPORT_DATA_SIZE);
	request[SNP_AT_VMPL] = (uint8_t)vmpl;
	if ((rc = snp_channel_request(sb->channel, SNP_MSG_REPORT_REQ, 1, request, sizeof request,
		 response, sizeof response, &exitinfo2)) != 0)
		return rc;
	uint32_t status = (uint32_t)response[0] | (uint32_t)response[1] << 8 |
	    (uint32_t)response[2] << 16 | (uint32_t)response[3] << 24;
	if (status != 0) /* 0x16 invalid parameter, 0x27 invalid key */
		return status == 0x16 || status == 0x27 ? -EINVAL : -ENXIO;
	if ((out->out = malloc(SNP_REPORT_SIZE)) == NULL)
		return -ENOMEM;
	memcpy(out->out, response + SNP_AT_REPORT, SNP_REPORT_SIZE);
	out->out_len = SNP_REPORT_SIZE;
	return sim_machine_snp_certs(sb->machine, &out->aux, &out->aux_len);
}

int
evidence_make(struct sandbox *sb, pid_t tid, struct evidence *out,
    const uint8_t data[REPORT_DATA_SIZE], unsigned vmpl)
{
	struct evidence made = { .out = NULL };
	uint8_t mine[REPORT_DATA_SIZE];
	int rc;

	memcpy(mine, data, sizeof mine);
	if ((rc = evidence_begin(sb, tid, mine)) != 0)
		return rc;
	rc = sb->channel != NULL ? make_snp(sb, &made, mine, vmpl)
	    : strcmp(sb->tee, "sgx") == 0
	    ? sim_machine_sgx_quote(sb->machine, mine, &made.out, &made.out_len)
	    : make_tdx(sb, &made, mine);
	if (rc != 0)
		evidence_clear(&made);
	else
		*out = made;
	return rc;
}
