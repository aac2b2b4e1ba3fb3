/* SPDX-License-Identifier: Apache-2.0 */
/* /dev/sev-guest: three ioctls over the channel to the firmware. The order of the checks is the
 * driver's, since a program can see it. Source: drivers/virt/coco/sev-guest, linux/sev-guest.h */
#include "device.h"
#include "snp_channel.h"
#include "target.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

enum {
	REQUEST_SIZE = 32,
	AT_VERSION = 0,
	AT_REQ = 8,
	AT_RESP = 16,
	AT_EXITINFO2 = 24,

	REPORT_REQ_SIZE = 96,
	REPORT_RESP_SIZE = 4000,
	KEY_REQ_SIZE = 32,
	KEY_RESP_SIZE = 64,

	EXT_REQ_SIZE = 112,
	AT_CERTS_ADDRESS = 96,
	AT_CERTS_LEN = 104,
	CERTS_MAX = 16384,
	PAGE = 4096,
};

/* exitinfo2: what is there before anything reached the firmware, and the host's two answers. */
static const uint64_t NOT_REACHED = 0xff;
static const uint64_t VMM_INVALID_LEN = 1ULL << 32;
static const uint64_t VMM_BUSY = 2ULL << 32;

struct request {
	uint8_t version;
	uint64_t req, resp, exitinfo2;
};

static uint64_t
load_u64(const uint8_t *at)
{
	uint64_t v;

	memcpy(&v, at, sizeof v); /* the program's own byte order, which is this machine's */
	return v;
}

static int
faults(struct sandbox *sb, pid_t tid, struct request *r, uint8_t data[REPORT_DATA_SIZE])
{
	int rc = evidence_begin(sb, tid, data);

	if (rc == -EBUSY)
		r->exitinfo2 = VMM_BUSY;
	return rc;
}

static int
get_report(struct sandbox *sb, pid_t tid, struct request *r)
{
	uint8_t in[REPORT_REQ_SIZE], out[REPORT_RESP_SIZE];
	int rc;

	if (r->req == 0 || r->resp == 0)
		return -EINVAL;
	if ((rc = target_read(tid, r->req, in, sizeof in)) != 0 ||
	    (rc = faults(sb, tid, r, in)) != 0 ||
	    (rc = snp_channel_request(sb->channel, SNP_MSG_REPORT_REQ, r->version, in, sizeof in,
		 out, sizeof out, &r->exitinfo2)) != 0)
		return rc;
	return target_write(tid, r->resp, out, sizeof out);
}

static int
get_derived_key(struct sandbox *sb, pid_t tid, struct request *r)
{
	uint8_t in[KEY_REQ_SIZE], out[KEY_RESP_SIZE];
	int rc;

	if (r->req == 0 || r->resp == 0)
		return -EINVAL;
	if ((rc = target_read(tid, r->req, in, sizeof in)) != 0 ||
	    (rc = snp_channel_request(sb->channel, SNP_MSG_KEY_REQ, r->version, in, sizeof in, out,
		 sizeof out, &r->exitinfo2)) != 0)
		return rc;
	rc = target_write(tid, r->resp, out, sizeof out);
	OPENSSL_cleanse(out, sizeof out);
	return rc;
}

/* The host's table into certs[room], or VMM_INVALID_LEN and the size it needs in *needed. */
static int
host_certificates(
    struct sandbox *sb, struct request *r, uint8_t *certs, size_t room, uint32_t *needed)
{
	uint8_t *table = NULL;
	size_t len = 0;
	int rc = sim_machine_snp_certs(sb->machine, &table, &len);

	if (rc == 0 && len > room) {
		*needed = (uint32_t)((len + PAGE - 1) / PAGE * PAGE);
		r->exitinfo2 = VMM_INVALID_LEN;
		rc = -EIO;
	} else if (rc == 0 && len > 0) {
		memcpy(certs, table, len);
	}
	free(table);
	return rc;
}

static int
get_ext_report(struct sandbox *sb, pid_t tid, struct request *r)
{
	uint8_t in[EXT_REQ_SIZE], out[REPORT_RESP_SIZE], certs[CERTS_MAX] = { 0 };
	uint32_t room, needed = 0;
	uint64_t exitinfo2;
	int rc;

	if (r->req == 0 || r->resp == 0)
		return -EINVAL;
	if ((rc = target_read(tid, r->req, in, sizeof in)) != 0)
		return rc;
	uint64_t address = load_u64(in + AT_CERTS_ADDRESS);
	memcpy(&room, in + AT_CERTS_LEN, sizeof room);
	if (address == 0)
		room = 0;
	if (room > CERTS_MAX || room % PAGE != 0)
		return -EINVAL;
	if ((rc = faults(sb, tid, r, in)) != 0)
		return rc;
	/* The host is asked even by one who wants no certificates: that is how their size is learnt. */
	int host = host_certificates(sb, r, certs, room, &needed);
	/* When the table did not fit, the driver sends the message again without it, so that the
	 * sequence number is used up on both sides; what comes back is thrown away. */
	if ((rc = snp_channel_request(sb->channel, SNP_MSG_REPORT_REQ, r->version, in,
		 REPORT_REQ_SIZE, out, sizeof out, &exitinfo2)) != 0) {
		r->exitinfo2 = exitinfo2;
		return rc;
	}
	if (host != 0) {
		if (needed != 0)
			rc = target_write(tid, r->req + AT_CERTS_LEN, &needed, sizeof needed);
		return rc != 0 ? rc : host;
	}
	r->exitinfo2 = 0;
	if (room > 0 && (rc = target_write(tid, address, certs, room)) != 0)
		return rc;
	return target_write(tid, r->resp, out, sizeof out);
}

int
device_snp_ioctl(struct sandbox *sb, pid_t tid, uint32_t request, uint64_t arg)
{
	uint8_t bytes[REQUEST_SIZE];
	int rc = -ENOTTY;

	if (target_read(tid, arg, bytes, sizeof bytes) != 0)
		return -EFAULT;
	struct request r = { bytes[AT_VERSION], load_u64(bytes + AT_REQ), load_u64(bytes + AT_RESP),
		NOT_REACHED };
	if (r.version == 0)
		return -EINVAL;
	if (request == SNP_GET_REPORT)
		rc = get_report(sb, tid, &r);
	else if (request == SNP_GET_DERIVED)
		rc = get_derived_key(sb, tid, &r);
	else if (request == SNP_GET_EXT)
		rc = get_ext_report(sb, tid, &r);
	if (r.exitinfo2 == 0) /* then the program's own stays as it was */
		return rc;
	memcpy(bytes + AT_EXITINFO2, &r.exitinfo2, sizeof r.exitinfo2);
	/* The driver writes the whole structure back. */
	return target_write(tid, arg, bytes, sizeof bytes) != 0 ? -EFAULT : rc;
}
