/* SPDX-License-Identifier: Apache-2.0 */
/* /dev/sev: one ioctl in front of the firmware's mailbox. The order of the checks is the driver's,
 * since a program can see it. Source: drivers/crypto/ccp/sev-dev.c, linux/psp-sev.h */
#include "device.h"
#include "platforms/sev_firmware.h"
#include "target.h"

#include <errno.h>
#include <string.h>

enum {
	REQUEST_SIZE = 16,
	AT_COMMAND = 0,
	AT_DATA = 4,
	AT_ERROR = 12,
	BLOB_MAX = 16384,
	NOT_SUPPORTED = 524, /* ENOTSUPP, which is the kernel's own and leaks */
};
static const uint32_t NOT_REACHED = 0xffffffff;

struct call {
	struct sandbox *sb;
	struct sim_sev_firmware *fw;
	pid_t tid;
	uint64_t data;
	uint32_t error; /* the firmware's */
	bool writable;
};

static uint32_t
load_u32(const uint8_t *at)
{
	uint32_t v;

	memcpy(&v, at, sizeof v); /* the program's own byte order, which is this machine's */
	return v;
}

static uint64_t
load_u64(const uint8_t *at)
{
	uint64_t v;

	memcpy(&v, at, sizeof v);
	return v;
}

/* What the firmware said, as the driver hands it on. */
static int
said(struct call *c, unsigned status)
{
	c->error = status;
	return status == SIM_SEV_OK ? 0 : -EIO;
}

/* The driver initialises the platform for whoever may write. */
static int
initialise(struct call *c)
{
	struct sim_sev_platform_status s;

	sim_sev_platform_status(c->fw, &s);
	if (s.state != SIM_SEV_UNINIT)
		return 0;
	return c->writable ? said(c, sim_sev_init(c->fw, strcmp(c->sb->tee, "sev-es") == 0))
			   : -EPERM;
}

static int
factory_reset(struct call *c)
{
	struct sim_sev_platform_status s;

	if (!c->writable)
		return -EPERM;
	sim_sev_platform_status(c->fw, &s);
	if (s.state == SIM_SEV_WORKING)
		return -EBUSY;
	sim_sev_shutdown(c->fw);
	return said(c, sim_sev_factory_reset(c->fw));
}

static int
platform_status(struct call *c)
{
	struct sim_sev_platform_status s;
	uint8_t out[12] = { 0 };
	int rc = said(c, sim_sev_platform_status(c->fw, &s));

	out[0] = s.version.major;
	out[1] = s.version.minor;
	out[2] = (uint8_t)s.state;
	sim_store_u32(out + 3, (uint32_t)s.external | (uint32_t)s.es << 8);
	out[7] = s.version.build;
	sim_store_u32(out + 8, s.guest_count);
	return rc != 0 ? rc : target_write(c->tid, c->data, out, sizeof out);
}

static int
generate(struct call *c, unsigned (*command)(struct sim_sev_firmware *fw))
{
	int rc = c->writable ? initialise(c) : -EPERM;

	return rc != 0 ? rc : said(c, command(c->fw));
}

static int
pek_gen(struct call *c)
{
	return generate(c, sim_sev_pek_gen);
}

static int
pdh_gen(struct call *c)
{
	return generate(c, sim_sev_pdh_gen);
}

static int
pek_csr(struct call *c)
{
	uint8_t in[12], csr[SIM_SEV_CERT_SIZE];
	int rc;

	if (!c->writable)
		return -EPERM;
	if ((rc = target_read(c->tid, c->data, in, sizeof in)) != 0)
		return rc;
	uint64_t to = load_u64(in);
	uint32_t len = load_u32(in + 8);
	if (to == 0)
		len = 0;
	if (len > BLOB_MAX)
		return -EFAULT;
	if ((rc = initialise(c)) != 0)
		return rc;
	rc = said(c, sim_sev_pek_csr(c->fw, csr, &len));
	sim_store_u32(in + 8, len);
	if (target_write(c->tid, c->data, in, sizeof in) != 0 ||
	    (rc == 0 && target_write(c->tid, to, csr, sizeof csr) != 0))
		return -EFAULT;
	return rc;
}

static int
pdh_cert_export(struct call *c)
{
	uint8_t in[24], pdh[SIM_SEV_CERT_SIZE], chain[3 * SIM_SEV_CERT_SIZE];
	int rc;

	if ((rc = initialise(c)) != 0)
		return rc;
	if ((rc = target_read(c->tid, c->data, in, sizeof in)) != 0)
		return rc;
	uint64_t to = load_u64(in), chain_to = load_u64(in + 12);
	uint32_t len = load_u32(in + 8), chain_len = load_u32(in + 20);
	if (to == 0 || len == 0 || chain_to == 0 || chain_len == 0)
		len = chain_len = 0; /* a question for the lengths */
	if (len > BLOB_MAX || chain_len > BLOB_MAX)
		return -EFAULT;
	rc = said(c, sim_sev_pdh_cert_export(c->fw, pdh, &len, chain, &chain_len));
	sim_store_u32(in + 8, len);
	sim_store_u32(in + 20, chain_len);
	if (target_write(c->tid, c->data, in, sizeof in) != 0 ||
	    (rc == 0 &&
		(target_write(c->tid, to, pdh, sizeof pdh) != 0 ||
		    target_write(c->tid, chain_to, chain, sizeof chain) != 0)))
		return -EFAULT;
	return rc;
}

/* A certificate that the program hands in. */
static int
take_blob(const struct call *c, struct sim *scratch, const uint8_t *at, struct sim_bytes *out)
{
	uint64_t from = load_u64(at);
	uint32_t len = load_u32(at + 8);

	if (from == 0 || len > BLOB_MAX)
		return -EINVAL;
	*out = (struct sim_bytes){ sim_alloc(scratch, len + 1), len };
	return len > 0 ? target_read(c->tid, from, out->ptr, len) : 0;
}

static int
pek_cert_import(struct call *c)
{
	struct sim *scratch = sim_scratch();
	struct sim_bytes pek, oca;
	uint8_t in[24];
	int rc = c->writable ? target_read(c->tid, c->data, in, sizeof in) : -EPERM;

	if (rc == 0)
		rc = take_blob(c, scratch, in, &pek);
	if (rc == 0)
		rc = take_blob(c, scratch, in + 12, &oca);
	if (rc == 0)
		rc = initialise(c);
	if (rc == 0)
		rc = said(c, sim_sev_pek_cert_import(c->fw, pek, oca));
	sim_free(scratch);
	return rc;
}

static int
get_id(struct call *c)
{
	uint8_t ids[2 * SIM_SEV_ID_SIZE] = { 0 }; /* of the second socket, which is empty */
	uint32_t len = SIM_SEV_ID_SIZE;
	int rc = said(c, sim_sev_get_id(c->fw, ids, &len));

	return rc != 0 ? rc : target_write(c->tid, c->data, ids, sizeof ids);
}

static int
get_id2(struct call *c)
{
	uint8_t in[12], id[SIM_SEV_ID_SIZE];
	struct sim_sev_platform_status s;
	int rc;

	sim_sev_platform_status(c->fw, &s);
	if (s.version.major == 0 && s.version.minor < SEV_API_MINOR_ID2)
		return -NOT_SUPPORTED;
	if ((rc = target_read(c->tid, c->data, in, sizeof in)) != 0)
		return rc;
	uint64_t to = load_u64(in);
	uint32_t len = to != 0 ? load_u32(in + 8) : 0;
	if (len > BLOB_MAX)
		return -ENOMEM;
	rc = said(c, sim_sev_get_id(c->fw, id, &len));
	sim_store_u32(in + 8, len);
	if (target_write(c->tid, c->data, in, sizeof in) != 0 ||
	    (rc == 0 && target_write(c->tid, to, id, sizeof id) != 0))
		return -EFAULT;
	return rc;
}

/* Today's command 9. A program that takes it for the SEV_GET_REPORT that was once proposed under
 * this number gets a status, and never a report. */
static int
snp_platform_status(struct call *c)
{
	struct sim_sev_platform_status s;
	uint8_t out[32] = { 0 };

	if (c->data == 0)
		return -EINVAL;
	sim_sev_platform_status(c->fw, &s);
	out[0] = s.version.major;
	out[1] = s.version.minor;
	sim_store_u32(out + 4, s.version.build); /* state 0: SNP is not initialised */
	c->error = SIM_SEV_OK;
	return target_write(c->tid, c->data, out, sizeof out);
}

/* SNP_COMMIT, SNP_SET_CONFIG, SNP_VLEK_LOAD, on a host that has not initialised SNP. */
static int
snp_other(struct call *c)
{
	return c->writable ? -EINVAL : -EPERM;
}

int
device_sev_ioctl(struct sandbox *sb, pid_t tid, uint32_t request, uint64_t arg, bool writable)
{
	static int (*const commands[])(struct call * c) = { factory_reset, platform_status, pek_gen,
		pek_csr, pdh_gen, pdh_cert_export, pek_cert_import, get_id, get_id2,
		snp_platform_status, snp_other, snp_other, snp_other };
	uint8_t bytes[REQUEST_SIZE];

	if (request != SEV_ISSUE_CMD)
		return -EINVAL;
	if (target_read(tid, arg, bytes, sizeof bytes) != 0)
		return -EFAULT;
	uint32_t command = load_u32(bytes + AT_COMMAND);
	if (command >= sizeof commands / sizeof commands[0])
		return -EINVAL;
	struct call c = { sb, sim_machine_sev(sb->machine), tid, load_u64(bytes + AT_DATA),
		NOT_REACHED, writable };
	int rc = commands[command](&c);
	sandbox_log(sb, "pid %d: /dev/sev: command %u, firmware 0x%x", (int)tid, (unsigned)command,
	    (unsigned)c.error);
	/* Written back whatever came of it. */
	sim_store_u32(bytes + AT_ERROR, c.error);
	return target_write(tid, arg, bytes, sizeof bytes) != 0 ? -EFAULT : rc;
}
