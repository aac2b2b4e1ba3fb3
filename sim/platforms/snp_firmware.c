/* SPDX-License-Identifier: Apache-2.0 */
#include "platforms/snp_firmware.h"

#include <openssl/evp.h>
#include <string.h>

enum {
	AT_TAG = 0,
	AT_SEQUENCE = 32,
	AT_AAD = 48, /* from here to the end of the header */
	AT_ALGORITHM = 48,
	AT_HEADER_VERSION = 49,
	AT_HEADER_SIZE = 50,
	AT_TYPE = 52,
	AT_VERSION = 53,
	AT_SIZE = 54,
	AT_VMPCK = 60,
	AES_256_GCM = 1,
	PAYLOAD_MAX = SIM_SNP_PAGE - SIM_SNP_HEADER,
	REPORT_SIZE = 1184,
	REPORT_RESPONSE_HEADER = 32,
	REPORT_REQUEST_SIZE = 96,
	KEY_REQUEST_SIZE = 32,
	KEY_REQUEST_2_SIZE = 40, /* message version 2: the mitigation vector */
	KEY_RESPONSE_SIZE = 64,
};

static uint16_t
u16(const uint8_t *at)
{
	return (uint16_t)(at[0] | at[1] << 8);
}

static uint32_t
u32(const uint8_t *at)
{
	return u16(at) | (uint32_t)u16(at + 2) << 16;
}

static uint64_t
u64(const uint8_t *at)
{
	return u32(at) | (uint64_t)u32(at + 4) << 32;
}

static bool
zero(const uint8_t *at, size_t n)
{
	while (n > 0 && *at == 0) {
		at++;
		n--;
	}
	return n == 0;
}

/* --- messages ------------------------------------------------------------------------------- */

/* AES-256-GCM of the payload, with half of the header as associated data. */
static bool
crypt(bool seal, uint8_t *out, const uint8_t *in, size_t n, uint8_t header[SIM_SNP_HEADER],
    const uint8_t key[32])
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	uint8_t iv[12] = { 0 };
	int done = 0;

	memcpy(iv, header + AT_SEQUENCE, 8);
	if (ctx == NULL ||
	    EVP_CipherInit_ex(ctx, EVP_aes_256_gcm(), NULL, key, iv, seal ? 1 : 0) != 1 ||
	    EVP_CipherUpdate(ctx, NULL, &done, header + AT_AAD, SIM_SNP_HEADER - AT_AAD) != 1 ||
	    EVP_CipherUpdate(ctx, out, &done, in, (int)n) != 1)
		sim_die("AES-256-GCM does not work");
	bool ok = seal || EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_SET_TAG, 16, header + AT_TAG) == 1;
	ok = ok && EVP_CipherFinal_ex(ctx, out + n, &done) == 1;
	if (seal)
		ok = ok && EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_GET_TAG, 16, header + AT_TAG) == 1;
	EVP_CIPHER_CTX_free(ctx);
	return ok;
}

void
sim_snp_message_seal(
    uint8_t page[SIM_SNP_PAGE], const struct sim_snp_message *m, const uint8_t key[32])
{
	if (m->payload.len > PAYLOAD_MAX)
		sim_die("a guest message is longer than its page");
	memset(page, 0, SIM_SNP_PAGE);
	sim_store_u64(page + AT_SEQUENCE, m->sequence);
	page[AT_ALGORITHM] = AES_256_GCM;
	page[AT_HEADER_VERSION] = 1;
	sim_store_u16(page + AT_HEADER_SIZE, SIM_SNP_HEADER);
	page[AT_TYPE] = m->type;
	page[AT_VERSION] = m->version;
	sim_store_u16(page + AT_SIZE, (uint16_t)m->payload.len);
	page[AT_VMPCK] = m->vmpck;
	if (!crypt(true, page + SIM_SNP_HEADER, m->payload.ptr, m->payload.len, page, key))
		sim_die("AES-256-GCM does not work");
}

bool
sim_snp_message_open(uint8_t *out, const uint8_t page[SIM_SNP_PAGE], const uint8_t key[32])
{
	uint8_t header[SIM_SNP_HEADER];
	size_t n = u16(page + AT_SIZE);

	memcpy(header, page, sizeof header);
	return n <= PAYLOAD_MAX && crypt(false, out, page + SIM_SNP_HEADER, n, header, key);
}

/* --- what the guest may ask ----------------------------------------------------------------- */

/* MSG_REPORT_REQ: REPORT_DATA 64, VMPL u32, KEY_SEL u32, reserved. */
static struct sim_bytes
answer_report(
    struct sim *sim, const struct sim_snp_guest *g, unsigned caller, const uint8_t *request)
{
	struct sim_snp_report report = g->report;
	uint32_t vmpl = u32(request + 64), select = u32(request + 68), status = 0;
	struct sim_buf b = { .sim = sim };

	if (vmpl > 3 || vmpl < caller || select > 2 || !zero(request + 72, 24))
		status = SIM_SNP_INVALID_PARAM;
	else if (select == (g->vlek ? 1 : 2)) /* a platform signs with the one or the other */
		status = SIM_SNP_INVALID_KEY;
	sim_put_u32(&b, status);
	sim_put_u32(&b, status == 0 ? REPORT_SIZE : 0);
	sim_put_zero(&b, REPORT_RESPONSE_HEADER - 8);
	if (status != 0)
		return sim_taken(&b);
	memcpy(report.report_data, request, 64);
	report.vmpl = vmpl;
	sim_put_bytes(&b, sim_snp_report_write(sim, &report));
	return sim_taken(&b);
}

enum { /* GUEST_FIELD_SELECT */
	FIELD_POLICY = 1,
	FIELD_IMAGE_ID = 2,
	FIELD_FAMILY_ID = 4,
	FIELD_MEASUREMENT = 8,
	FIELD_GUEST_SVN = 16,
	FIELD_TCB = 32,
	FIELD_MITIGATION = 64, /* message version 2 */
};

/* The key follows from a root and from the fields selected; a field not selected does not count. */
static void
derive_key(uint8_t key[32], struct sim *sim, const struct sim_snp_guest *g, const uint8_t *request,
    uint64_t fields, uint64_t mitigation)
{
	const struct sim_snp_report *r = &g->report;
	struct sim_buf b = { .sim = sim };

	sim_put_text(&b, "SNP derived key");
	sim_put_u64(&b, fields);
	sim_put(&b, request + 16, 4); /* VMPL */
	if (fields & FIELD_POLICY)
		sim_put_u64(&b, r->policy);
	if (fields & FIELD_IMAGE_ID)
		sim_put(&b, r->image_id, 16);
	if (fields & FIELD_FAMILY_ID)
		sim_put(&b, r->family_id, 16);
	if (fields & FIELD_MEASUREMENT)
		sim_put(&b, r->measurement, 48);
	if (fields & FIELD_GUEST_SVN)
		sim_put(&b, request + 20, 4);
	if (fields & FIELD_TCB)
		sim_put(&b, request + 24, 8);
	if (fields & FIELD_MITIGATION)
		sim_put_u64(&b, mitigation);
	sim_hmac_sha256(key, u32(request) & 1 ? g->vm_root : g->chip_root, b.ptr, b.len);
}

/* The parts of one TCB are each no higher than those of the other. */
static bool
not_above(uint64_t tcb, uint64_t limit)
{
	for (unsigned shift = 0; shift < 64; shift += 8)
		if ((uint8_t)(tcb >> shift) > (uint8_t)(limit >> shift))
			return false;
	return true;
}

/* MSG_KEY_REQ: ROOT_KEY_SELECT u32, reserved, GUEST_FIELD_SELECT u64, VMPL u32, GUEST_SVN u32,
 * TCB_VERSION u64, and from version 2 on LAUNCH_MIT_VECTOR u64. */
static struct sim_bytes
answer_key(struct sim *sim, const struct sim_snp_guest *g, unsigned caller, const uint8_t *request,
    unsigned version)
{
	const struct sim_snp_report *r = &g->report;
	uint32_t root = u32(request), vmpl = u32(request + 16), svn = u32(request + 20), status = 0;
	uint64_t fields = u64(request + 8), tcb = u64(request + 24);
	uint64_t mitigation = version == 2 ? u64(request + 32) : 0;
	uint8_t response[KEY_RESPONSE_SIZE] = { 0 };

	if (root > 5 || u32(request + 4) != 0 || fields >= (version == 2 ? 128 : 64) || vmpl > 3 ||
	    vmpl < caller || svn > r->guest_svn || !not_above(tcb, r->committed_tcb) ||
	    (mitigation & ~r->launch_mit_vector) != 0)
		status = SIM_SNP_INVALID_PARAM;
	else if ((root & 1) == 0 && root >> 1 == (g->vlek ? 1 : 2))
		status = SIM_SNP_INVALID_KEY;
	else
		derive_key(response + 32, sim, g, request, fields, mitigation);
	sim_store_u32(response, status);
	return sim_copy(sim, response, sizeof response);
}

/* --- the request ---------------------------------------------------------------------------- */

static bool
header_good(const struct sim_snp_guest *g, const uint8_t *page)
{
	return page[AT_ALGORITHM] == AES_256_GCM && page[AT_HEADER_VERSION] == 1 &&
	    u16(page + AT_HEADER_SIZE) == SIM_SNP_HEADER && page[AT_VMPCK] <= 3 &&
	    u16(page + AT_SIZE) <= PAYLOAD_MAX && zero(page + 40, 8) && zero(page + 56, 4) &&
	    zero(page + 61, 35) && u64(page + AT_SEQUENCE) == g->sequence[page[AT_VMPCK]] + 1;
}

static bool
kind_good(unsigned type, unsigned version, size_t size)
{
	if (type == SIM_SNP_REPORT_REQ)
		return version == 1 && size == REPORT_REQUEST_SIZE;
	return type == SIM_SNP_KEY_REQ &&
	    ((version == 1 && size == KEY_REQUEST_SIZE) ||
		(version == 2 && size == KEY_REQUEST_2_SIZE));
}

unsigned
sim_snp_guest_request(struct sim *sim, struct sim_snp_guest *g, const uint8_t request[SIM_SNP_PAGE],
    uint8_t response[SIM_SNP_PAGE])
{
	uint8_t payload[PAYLOAD_MAX];
	unsigned vmpck = request[AT_VMPCK], type = request[AT_TYPE], version = request[AT_VERSION];

	memset(response, 0, SIM_SNP_PAGE);
	if (vmpck <= 3 && g->sequence[vmpck] > UINT64_MAX - 2)
		return SIM_SNP_AEAD_OFLOW;
	if (!header_good(g, request))
		return SIM_SNP_INVALID_PARAM;
	if (!sim_snp_message_open(payload, request, g->vmpck[vmpck]))
		return SIM_SNP_BAD_MEASUREMENT;
	if (!kind_good(type, version, u16(request + AT_SIZE)))
		return SIM_SNP_INVALID_PARAM;
	struct sim_snp_message answer = { .sequence = u64(request + AT_SEQUENCE) + 1,
		.type = (uint8_t)(type + 1),
		.version = (uint8_t)version,
		.vmpck = (uint8_t)vmpck,
		.payload = type == SIM_SNP_REPORT_REQ
		    ? answer_report(sim, g, vmpck, payload)
		    : answer_key(sim, g, vmpck, payload, version) };
	sim_snp_message_seal(response, &answer, g->vmpck[vmpck]);
	g->sequence[vmpck] += 2;
	return 0;
}

void
sim_snp_guest_new(struct sim *sim, struct sim_snp_guest *g, const struct sim_snp *platform)
{
	*g = (struct sim_snp_guest){ .report = platform->report, .vlek = platform->vlek };
	sim_derive(sim, g->vmpck, sizeof g->vmpck, "VMPCKs");
	sim_derive(sim, g->chip_root, 32, "derived keys of the chip");
	sim_derive(sim, g->vm_root, 32, "VMRK");
}

/* --- ID block ------------------------------------------------------------------------------- */

static void
put_little(struct sim_buf *b, const uint8_t *big, size_t n, size_t room)
{
	for (size_t i = 0; i < n; i++)
		sim_put(b, &big[n - 1 - i], 1);
	sim_put_zero(b, room - n);
}

static struct sim_bytes
id_key_write(struct sim *sim, const struct sim_key *key)
{
	struct sim_buf b = { .sim = sim };

	sim_put_u32(&b, 2); /* P-384 */
	put_little(&b, key->raw, 48, 72);
	put_little(&b, key->raw + 48, 48, 72);
	sim_put_zero(&b, 880);
	return sim_taken(&b);
}

static void
put_signature(struct sim_buf *b, const struct sim_key *key, struct sim_bytes message)
{
	struct sim_bytes sig = sim_sign(b->sim, key, SIM_SHA384, message);

	put_little(b, sig.ptr, 48, 72);
	put_little(b, sig.ptr + 48, 48, 72);
	sim_put_zero(b, 512 - 144);
}

void
sim_id_key_digest(struct sim *sim, const struct sim_key *key, uint8_t digest[48])
{
	uint8_t out[64];

	sim_digest(out, SIM_SHA384, id_key_write(sim, key));
	memcpy(digest, out, 48);
}

void
sim_id_block_write(
    struct sim *sim, const struct sim_id_block *id, struct sim_bytes *block, struct sim_bytes *auth)
{
	struct sim_buf b = { .sim = sim }, a = { .sim = sim };
	struct sim_bytes id_key = id_key_write(sim, id->id_key);

	sim_put(&b, id->launch_digest, 48);
	sim_put(&b, id->family_id, 16);
	sim_put(&b, id->image_id, 16);
	sim_put_u32(&b, 1);
	sim_put_u32(&b, id->guest_svn);
	sim_put_u64(&b, id->policy);
	*block = sim_taken(&b);

	sim_put_u32(&a, 1); /* ECDSA P-384 with SHA-384 */
	sim_put_u32(&a, id->author_key != NULL ? 1 : 0);
	sim_put_zero(&a, 56);
	put_signature(&a, id->id_key, *block);
	sim_put_bytes(&a, id_key);
	sim_put_zero(&a, 60);
	if (id->author_key != NULL) {
		put_signature(&a, id->author_key, id_key);
		sim_put_bytes(&a, id_key_write(sim, id->author_key));
	}
	sim_put_zero(&a, 4096 - a.len);
	*auth = sim_taken(&a);
}
