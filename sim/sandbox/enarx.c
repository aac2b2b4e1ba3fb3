/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The attestation system calls of Enarx: get_att and get_key. The checks stand in the order in
 * which a program can tell them apart. rdx, the technology, changes on success alone.
 *
 *   SNP   SEQUENCE { SEQUENCE { certificate, SEQUENCE OF CRL }, OCTET STRING report }
 *   SGX   SEQUENCE { OCTET STRING quote, SEQUENCE OF CRL, SEQUENCE { SEQUENCE OF certificate,
 *         OCTET STRING TCB info } }
 *   TDX   the same as SGX; technology 3 is this project's number for it
 */
#include "sandbox.h"
#include "pki/pki.h"
#include "snp_channel.h"
#include "target.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <string.h>

enum { TECHNOLOGY_SEV = 1, TECHNOLOGY_SGX = 2, TECHNOLOGY_TDX = 3 };
enum { SNP_LEAST_ROOM = 4000, NONCE_SIZE = 64, KEY_SIZE = 32, KEY_REQUEST_SIZE = 32 };

static struct sim_bytes
collateral(struct sandbox *sb, struct sim *sim, const char *name, bool *ok)
{
	struct sim_bytes out = { NULL, 0 };
	uint8_t *bytes = NULL;
	size_t len = 0;

	if (sim_machine_collateral(sb->machine, name, &bytes, &len) == 0)
		out = sim_copy(sim, bytes, len);
	else
		*ok = false;
	free(bytes);
	return out;
}

static struct sim_bytes
crls(struct sandbox *sb, struct sim *sim, const char *first, const char *second, bool *ok)
{
	struct sim_bytes list = collateral(sb, sim, first, ok);

	if (second != NULL)
		list = sim_join(sim, list, collateral(sb, sim, second, ok));
	return sim_der(sim, 0x30, list);
}

/* The certificates of a PEM file, one behind the other. */
static struct sim_bytes
certificates(struct sandbox *sb, struct sim *sim, const char *name, bool *ok)
{
	struct sim_bytes pem = collateral(sb, sim, name, ok), all = { NULL, 0 };
	BIO *in = BIO_new_mem_buf(pem.ptr, (int)pem.len);
	unsigned char *der = NULL;
	char *label = NULL, *header = NULL;
	long len = 0;

	while (in != NULL && PEM_read_bio(in, &label, &header, &der, &len) == 1) {
		all = sim_join(sim, all, sim_copy(sim, der, (size_t)len));
		OPENSSL_free(label);
		OPENSSL_free(header);
		OPENSSL_free(der);
	}
	ERR_clear_error();
	BIO_free(in);
	return sim_der(sim, 0x30, all);
}

/* What stands beside the evidence: of SNP in front of it, of the others behind. */
static struct sim_bytes
endorsements(struct sandbox *sb, struct sim *sim, bool *ok)
{
	if (sb->channel != NULL) {
		bool vcek = true;
		struct sim_bytes leaf = collateral(sb, sim, "vcek.der", &vcek);
		if (!vcek)
			leaf = collateral(sb, sim, "vlek.der", ok);
		return SIM_SEQ(sim, leaf, crls(sb, sim, "crl.der", NULL, ok));
	}
	struct sim_bytes tcb = collateral(sb, sim, "tcb_info.json", ok);
	struct sim_bytes package = SIM_SEQ(sim, certificates(sb, sim, "tcb_signing_chain.pem", ok),
	    sim_der_octets(sim, tcb.ptr, tcb.len));
	return sim_join(sim, crls(sb, sim, "root_ca_crl.der", "pck_crl.der", ok), package);
}

static struct sim_bytes
message(struct sandbox *sb, struct sim *sim, const struct evidence *e, struct sim_bytes more)
{
	struct sim_bytes evidence = sim_der_octets(sim, e->out, e->out_len);

	return sb->channel != NULL ? SIM_SEQ(sim, more, evidence) : SIM_SEQ(sim, evidence, more);
}

/* The size that a query gets: of SNP the firmware's largest message and the certificates; of the
 * others that of an answer, which is the same for each nonce. */
static int64_t
size_needed(struct sandbox *sb, struct sim *sim, struct sim_bytes more)
{
	static const uint8_t any[NONCE_SIZE];
	struct evidence e;
	int64_t size;

	if (sb->channel != NULL)
		return SNP_LEAST_ROOM + (int64_t)more.len;
	if (strcmp(sb->tee, "tdx") == 0) {
		uint8_t report[TDREPORT_SIZE];
		e = (struct evidence){ .out = NULL };
		if (sim_machine_td_report(sb->machine, any, report) != 0 ||
		    sim_machine_td_quote(sb->machine, report, &e.out, &e.out_len) != 0)
			return -EIO;
	} else {
		e = (struct evidence){ .out = NULL };
		if (sim_machine_sgx_quote(sb->machine, any, &e.out, &e.out_len) != 0)
			return -EIO;
	}
	size = (int64_t)message(sb, sim, &e, more).len;
	evidence_clear(&e);
	return size;
}

static int64_t
answer(
    struct sandbox *sb, struct sim *sim, pid_t tid, const uint64_t args[4], struct sim_bytes more)
{
	uint8_t nonce[NONCE_SIZE];
	struct evidence e;

	if (args[1] != NONCE_SIZE)
		return -EINVAL;
	if (target_read(tid, args[0], nonce, sizeof nonce) != 0)
		return -EFAULT;
	if (evidence_make(sb, tid, &e, nonce, 0) != 0)
		return -EIO;
	struct sim_bytes out = message(sb, sim, &e, more);
	evidence_clear(&e);
	if (out.len > args[3])
		return -EIO; /* it is encoded into the room there is */
	return target_write(tid, args[2], out.ptr, out.len) != 0 ? -EFAULT : (int64_t)out.len;
}

static int64_t
get_att(struct sandbox *sb, pid_t tid, const uint64_t args[4])
{
	struct sim *sim = sim_new(0);
	bool ok = true;
	struct sim_bytes more = endorsements(sb, sim, &ok);
	int64_t rc = ok ? size_needed(sb, sim, more) : -EIO;

	if (rc >= 0 && args[2] != 0) {
		int64_t least = sb->channel != NULL ? SNP_LEAST_ROOM : rc;
		rc = args[1] > INT64_MAX || args[3] > INT64_MAX ? -EINVAL
		    : args[3] < (uint64_t)least                 ? -EMSGSIZE
								: answer(sb, sim, tid, args, more);
	}
	sim_free(sim);
	return rc;
}

/* A key that the firmware derives for this guest policy and measurement. */
static int64_t
get_key(struct sandbox *sb, pid_t tid, const uint64_t args[4])
{
	uint8_t request[KEY_REQUEST_SIZE] = { [8] = 1U << 0 | 1U << 3 }, response[64];
	uint64_t exitinfo2;
	int64_t rc = KEY_SIZE;

	if (sb->channel == NULL)
		return -ENOSYS;
	if (args[0] == 0)
		return KEY_SIZE;
	if (args[1] < KEY_SIZE)
		return -EMSGSIZE;
	if (snp_channel_request(sb->channel, SNP_MSG_KEY_REQ, 1, request, sizeof request, response,
		sizeof response, &exitinfo2) != 0 ||
	    memcmp(response, (uint8_t[4]){ 0 }, 4) != 0)
		rc = -EIO;
	else if (target_write(tid, args[0], response + 32, KEY_SIZE) != 0)
		rc = -EFAULT;
	OPENSSL_cleanse(response, sizeof response);
	return rc;
}

int64_t
enarx_call(struct sandbox *sb, pid_t tid, uint64_t nr, const uint64_t args[4], uint64_t *rdx)
{
	if (strncmp(sb->tee, "sev", 3) == 0) /* no kernel of a guest, and no runtime, has them */
		return -ENOSYS;
	if (nr == ENARX_GET_KEY)
		return get_key(sb, tid, args);

	int64_t rc = get_att(sb, tid, args);
	if (rc >= 0)
		*rdx = sb->channel != NULL        ? TECHNOLOGY_SEV
		    : strcmp(sb->tee, "sgx") == 0 ? TECHNOLOGY_SGX
						  : TECHNOLOGY_TDX;
	return rc;
}
