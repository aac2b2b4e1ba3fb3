/* SPDX-License-Identifier: Apache-2.0 */
#include "platforms/enclaves.h"

#include <openssl/bn.h>
#include <string.h>

/* Security versions have a key each: that of the highest comes from the fuses, and each of the
 * others is the hash of the one above. */
static void
fuse_key(struct sim *sim, uint16_t name, uint16_t svn, uint8_t key[16])
{
	uint8_t digest[64];

	sim_derive(sim, key, 16, name == SIM_KEYNAME_SEAL ? "seal fuses" : "provisioning fuses");
	for (unsigned at = 255; at > svn; at--) {
		sim_digest(digest, SIM_SHA256, (struct sim_bytes){ key, 16 });
		memcpy(key, digest, 16);
	}
}

void
sim_egetkey(struct sim *sim, const struct sim_key_request *r, uint8_t key[16])
{
	struct sim_buf b = { .sim = sim };
	uint8_t fuses[16];

	fuse_key(sim, r->name, r->isv_svn, fuses);
	sim_put_u16(&b, r->name);
	sim_put(&b, r->mr_signer, 32);
	sim_put_u16(&b, r->isv_prod_id);
	sim_put_u16(&b, r->isv_svn);
	sim_put(&b, r->cpu_svn, 16);
	/* The masks that all these requests use: flags but MODE64BIT, no XFRM, all of MISCSELECT. */
	sim_put_u64(&b, UINT64_MAX - 4);
	sim_put_u64(&b, 0);
	sim_put_u32(&b, UINT32_MAX);
	sim_put_zero(&b, 32); /* KEYID */
	sim_cmac(key, fuses, b.ptr, b.len);
}

/* Three blocks of AES-CMAC over counter, label and 0x0140 give 40 bytes; the scalar is those modulo
 * n - 1, plus 1. Source: Intel PCE and TD QE, published. */
static const struct sim_key *
derived_key(struct sim *sim, const uint8_t key[16], const char *label, const char *title)
{
	/* the order of P-256, less one */
	static const char order_less_one[] =
	    "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632550";
	uint8_t seed[48], scalar[32];
	BIGNUM *modulus = NULL, *wide = NULL, *d = BN_new();
	BN_CTX *ctx = BN_CTX_new();

	for (uint8_t i = 1; i <= 3; i++) {
		uint8_t message[16] = { i };
		memcpy(message + 1, label, strlen(label));
		message[14] = 0x01;
		message[15] = 0x40;
		sim_cmac(seed + (i - 1) * 16, key, message, sizeof message);
	}
	wide = BN_bin2bn(seed, 40, NULL);
	if (ctx == NULL || d == NULL || wide == NULL || BN_hex2bn(&modulus, order_less_one) == 0 ||
	    BN_mod(d, wide, modulus, ctx) != 1 || BN_add_word(d, 1) != 1 ||
	    BN_bn2binpad(d, scalar, sizeof scalar) != sizeof scalar)
		sim_die("cannot derive the %s", title);
	BN_free(modulus);
	BN_free(wide);
	BN_clear_free(d);
	BN_CTX_free(ctx);
	return sim_key_scalar(sim, SIM_P256, title, scalar);
}

void
sim_pce_ppid(struct sim *sim, const uint8_t mr_signer[32], uint8_t ppid[16])
{
	struct sim_key_request request = { .name = SIM_KEYNAME_PROVISION, .isv_prod_id = 1 };
	static const uint8_t zero[16];
	uint8_t key[16];

	memcpy(request.mr_signer, mr_signer, 32);
	sim_egetkey(sim, &request, key);
	sim_cmac(ppid, key, zero, sizeof zero);
}

const struct sim_key *
sim_pce_key(
    struct sim *sim, const uint8_t mr_signer[32], const uint8_t cpu_svn[16], uint16_t pce_svn)
{
	struct sim_key_request request = {
		.name = SIM_KEYNAME_PROVISION, .isv_prod_id = 1, .isv_svn = pce_svn
	};
	uint8_t key[16];

	memcpy(request.mr_signer, mr_signer, 32);
	memcpy(request.cpu_svn, cpu_svn, 16);
	sim_egetkey(sim, &request, key);
	return derived_key(sim, key, "PAK_KEY_DER", "PCK");
}

const struct sim_key *
sim_qe_key(struct sim *sim, bool tdx, const uint8_t mr_signer[32], const uint8_t cpu_svn[16],
    uint16_t isv_svn)
{
	struct sim_key_request request = {
		.name = SIM_KEYNAME_SEAL, .isv_prod_id = tdx ? 2 : 1, .isv_svn = isv_svn
	};
	uint8_t key[16];

	memcpy(request.mr_signer, mr_signer, 32);
	memcpy(request.cpu_svn, cpu_svn, 16);
	sim_egetkey(sim, &request, key);
	return derived_key(sim, key, tdx ? "TDX_QE_DER" : "QE_KEY_DER",
	    tdx ? "attestation key of the TD QE" : "attestation key of the QE");
}

void
sim_qe_id(struct sim *sim, bool tdx, const uint8_t mr_signer[32], uint8_t id[16])
{
	struct sim_key_request request = { .name = SIM_KEYNAME_SEAL, .isv_prod_id = tdx ? 2 : 1 };
	static const uint8_t zero[16];
	uint8_t key[16];

	memcpy(request.mr_signer, mr_signer, 32);
	sim_egetkey(sim, &request, key);
	sim_cmac(id, key, zero, sizeof zero);
}
