/* SPDX-License-Identifier: Apache-2.0 */
#include "platforms/sev_firmware.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { GUESTS_MAX = 64, CERT = SIM_SEV_CERT_SIZE, MEASURE_SIZE = 48, SIGNED_SIZE = 0x414 };
/* Places in a certificate. */
enum {
	AT_USAGE = 0x008,
	AT_ALGO = 0x00c,
	AT_CURVE = 0x010,
	AT_QX = 0x014,
	AT_QY = 0x05c,
	AT_SLOT = 0x414,
	SLOT = 520,
};
enum cert { PEK, OCA, CEK, PDH, CERTS };

struct guest {
	enum sim_sev_guest_state state; /* UNINIT: the place is free */
	uint32_t policy, asid;          /* asid 0: not active */
	EVP_MD_CTX *hash;
	uint8_t digest[32], measure[32];
	struct sim_sev_transport keys;
};

struct sim_sev_firmware {
	pthread_mutex_t lock; /* one mailbox: one command at a time */
	struct sim_sev_version version;
	uint8_t id[SIM_SEV_ID_SIZE];
	struct sim_sev_report report; /* all but nonce, digest and policy */
	struct sim_key report_key;    /* of a platform that is broken so; else the PEK signs */
	bool own_report_key;

	/* What lasts: keys and certificates. Without keys INIT makes new ones. */
	struct sim_key keys[CERTS];
	uint8_t certs[CERTS][CERT];
	bool made, external;
	uint8_t *nv;

	enum sim_sev_platform_state state;
	bool es;
	struct guest guests[GUESTS_MAX];
	uint32_t guest_count;
	bool dirty[SIM_SEV_ASID_MAX + 1]; /* deactivated and not flushed */
};

static void
random_bytes(uint8_t *out, int n)
{
	if (RAND_bytes(out, n) != 1)
		sim_die("no random bytes");
}

/* --- certificates --------------------------------------------------------------------------- */

static struct sim_sev_slot
slot(uint32_t usage, const struct sim_key *signer)
{
	return (struct sim_sev_slot){
		.usage = usage, .algo = SIM_SEV_ECDSA_SHA256, .signer = signer, .hash = SIM_SHA256
	};
}

/* Writes a certificate of the firmware's own keys; signer PDH means that no one signs. */
static void
certify(struct sim_sev_firmware *fw, enum cert which, enum cert first, enum cert second)
{
	static const uint32_t usages[CERTS] = { SIM_SEV_PEK, SIM_SEV_OCA, SIM_SEV_CEK,
		SIM_SEV_PDH };
	struct sim *scratch = sim_scratch();
	struct sim_sev_cert c = { .version = 1,
		.api_major = fw->version.major,
		.api_minor = fw->version.minor,
		.usage = usages[which],
		.algo = which == PDH ? SIM_SEV_ECDH_SHA256 : SIM_SEV_ECDSA_SHA256,
		.curve = 2,
		.key = &fw->keys[which],
		.slots = { { .usage = SIM_SEV_UNUSED }, { .usage = SIM_SEV_UNUSED } } };

	if (first != PDH)
		c.slots[0] = slot(usages[first], &fw->keys[first]);
	if (second != PDH)
		c.slots[1] = slot(usages[second], &fw->keys[second]);
	struct sim_bytes bytes = sim_sev_cert_write(scratch, &c);
	memcpy(fw->certs[which], bytes.ptr, CERT);
	sim_free(scratch);
}

static void
new_key(struct sim_sev_firmware *fw, enum cert which, const char *label)
{
	sim_key_clear(&fw->keys[which]);
	sim_key_fresh(&fw->keys[which], SIM_P384, label);
}

static void
make_pdh(struct sim_sev_firmware *fw)
{
	new_key(fw, PDH, "PDH");
	certify(fw, PDH, PEK, PDH);
}

/* The platform is its own owner, under a new identity. */
static void
make_identity(struct sim_sev_firmware *fw)
{
	new_key(fw, OCA, "OCA");
	new_key(fw, PEK, "PEK");
	certify(fw, OCA, OCA, PDH);
	certify(fw, PEK, OCA, CEK);
	make_pdh(fw);
	fw->external = false;
	fw->made = true;
}

static uint32_t
u32(const uint8_t *at)
{
	return at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

static bool
is_zero(const uint8_t *at, size_t n)
{
	while (n > 0 && at[n - 1] == 0)
		n--;
	return n == 0;
}

/* A number of 48 bytes in a field of 72: little-endian to big-endian. False: it is larger. */
static bool
take_number(uint8_t big[48], const uint8_t *at)
{
	for (size_t i = 0; i < 48; i++)
		big[i] = at[47 - i];
	return is_zero(at + 48, 24);
}

/* x || y of a P-384 key with this usage and algorithm. What is behind them, of the room for an RSA
 * key, is not looked at: sevctl leaves there what its stack had, and machines take that. */
static bool
read_cert(uint8_t key[96], struct sim_bytes cert, uint32_t usage, uint32_t algo)
{
	return cert.len == CERT && u32(cert.ptr) == 1 && is_zero(cert.ptr + 6, 2) &&
	    u32(cert.ptr + AT_USAGE) == usage && u32(cert.ptr + AT_ALGO) == algo &&
	    u32(cert.ptr + AT_CURVE) == 2 && take_number(key, cert.ptr + AT_QX) &&
	    take_number(key + 48, cert.ptr + AT_QY);
}

/* Whether one of the two slots has a signature of this signer that holds. */
static bool
is_signed(struct sim_bytes cert, uint32_t usage, const uint8_t signer[96])
{
	uint8_t rs[96];

	for (size_t i = 0; i < 2; i++) {
		const uint8_t *at = cert.ptr + AT_SLOT + i * SLOT;
		if (u32(at) == usage && u32(at + 4) == SIM_SEV_ECDSA_SHA256 &&
		    take_number(rs, at + 8) && take_number(rs + 48, at + 80) &&
		    sim_check(SIM_P384, signer, SIM_SHA256, sim_view(cert.ptr, SIGNED_SIZE), rs))
			return true;
	}
	return false;
}

/* --- what lasts, outside of the firmware ---------------------------------------------------- */

/* magic, IV, then encrypted: flags and the private keys; the certificates; a MAC over all. */
enum {
	NV_IV = 8,
	NV_SECRET = 24,
	NV_KEY = 256, /* room for a private key with its length */
	NV_CERTS = NV_SECRET + 16 + 3 * NV_KEY,
	NV_MAC = NV_CERTS + CERTS * CERT,
};
static const uint8_t nv_magic[8] = { 'S', 'E', 'V', ' ', 's', 'i', 'm', '1' };

/* The firmware's own secret: of the chip, as the CEK is. */
static void
nv_key(const struct sim_sev_firmware *fw, uint8_t key[32], const char *use)
{
	struct sim *scratch = sim_scratch();
	struct sim_bytes der = sim_key_private(scratch, &fw->keys[CEK], false);

	sim_hmac(key, der.ptr, der.len, use, strlen(use));
	OPENSSL_cleanse(der.ptr, der.len);
	sim_free(scratch);
}

static void
nv_write(struct sim_sev_firmware *fw)
{
	static const enum cert kept[3] = { PEK, OCA, PDH };
	uint8_t key[32], plain[NV_CERTS - NV_SECRET] = { fw->external };

	if (fw->nv == NULL)
		return;
	struct sim *scratch = sim_scratch();
	for (size_t i = 0; i < 3; i++) {
		struct sim_bytes der = { NULL, 0 };
		if (fw->keys[kept[i]].live != NULL)
			der = sim_key_private(scratch, &fw->keys[kept[i]], false);
		if (der.len > NV_KEY - 2)
			sim_die("a key is too long to be kept");
		sim_store_u16(plain + 16 + i * NV_KEY, (uint16_t)der.len);
		if (der.len > 0) {
			memcpy(plain + 16 + i * NV_KEY + 2, der.ptr, der.len);
			OPENSSL_cleanse(der.ptr, der.len);
		}
	}
	sim_free(scratch);
	memset(fw->nv, 0, SIM_SEV_NV_SIZE);
	memcpy(fw->nv, nv_magic, sizeof nv_magic);
	random_bytes(fw->nv + NV_IV, 16);
	nv_key(fw, key, "encryption");
	sim_aes_ctr(fw->nv + NV_SECRET, key, fw->nv + NV_IV, plain, sizeof plain);
	memcpy(fw->nv + NV_CERTS, fw->certs, sizeof fw->certs);
	nv_key(fw, key, "integrity");
	sim_hmac(fw->nv + NV_MAC, key, sizeof key, fw->nv, NV_MAC);
	OPENSSL_cleanse(plain, sizeof plain);
	OPENSSL_cleanse(key, sizeof key);
}

static bool
nv_read(struct sim_sev_firmware *fw)
{
	static const enum cert kept[3] = { PEK, OCA, PDH };
	uint8_t key[32], mac[32], plain[NV_CERTS - NV_SECRET];
	bool ok = memcmp(fw->nv, nv_magic, sizeof nv_magic) == 0;

	nv_key(fw, key, "integrity");
	sim_hmac(mac, key, sizeof key, fw->nv, NV_MAC);
	if (!ok || CRYPTO_memcmp(mac, fw->nv + NV_MAC, sizeof mac) != 0)
		return false;
	nv_key(fw, key, "encryption");
	sim_aes_ctr(plain, key, fw->nv + NV_IV, fw->nv + NV_SECRET, sizeof plain);
	for (size_t i = 0; i < 3; i++) {
		const uint8_t *at = plain + 16 + i * NV_KEY;
		size_t n = (size_t)(at[0] | at[1] << 8);
		sim_key_clear(&fw->keys[kept[i]]);
		if (n > 0 &&
		    (n > NV_KEY - 2 ||
			!sim_key_from_private(&fw->keys[kept[i]], SIM_P384, sim_view(at + 2, n))))
			sim_die("the firmware kept a key that is none");
	}
	fw->external = plain[0] != 0;
	memcpy(fw->certs, fw->nv + NV_CERTS, sizeof fw->certs);
	fw->made = true;
	OPENSSL_cleanse(plain, sizeof plain);
	OPENSSL_cleanse(key, sizeof key);
	return true;
}

/* --- life ----------------------------------------------------------------------------------- */

struct sim_sev_firmware *
sim_sev_firmware_new(struct sim_sev *p)
{
	struct sim_sev_firmware *fw = calloc(1, sizeof *fw);
	const struct sim_sev_cert *from[CERTS] = { &p->pek, &p->oca, &p->cek, &p->pdh };

	if (fw == NULL)
		sim_die("out of memory");
	pthread_mutex_init(&fw->lock, NULL);
	fw->version = p->version;
	memcpy(fw->id, p->id, sizeof fw->id);
	for (size_t i = 0; i < CERTS; i++) {
		sim_key_share(&fw->keys[i], from[i]->key);
		memcpy(fw->certs[i], sim_sev_cert_write(p->sim, from[i]).ptr, CERT);
	}
	fw->external = p->external;
	if (fw->external) /* the firmware knows the public half alone */
		sim_key_clear(&fw->keys[OCA]);
	fw->made = true;
	fw->report = p->report;
	fw->own_report_key = p->report.signer != p->pek.key;
	if (fw->own_report_key)
		sim_key_share(&fw->report_key, p->report.signer);
	certify(fw, CEK, PDH, PDH);
	return fw;
}

static void
forget_guest(struct sim_sev_firmware *fw, struct guest *g)
{
	EVP_MD_CTX_free(g->hash);
	OPENSSL_cleanse(g, sizeof *g);
	fw->guest_count--;
}

static void
forget_guests(struct sim_sev_firmware *fw)
{
	for (size_t i = 0; i < GUESTS_MAX; i++)
		if (fw->guests[i].state != SIM_SEV_G_UNINIT)
			forget_guest(fw, &fw->guests[i]);
}

void
sim_sev_firmware_free(struct sim_sev_firmware *fw)
{
	if (fw == NULL)
		return;
	forget_guests(fw);
	for (size_t i = 0; i < CERTS; i++)
		sim_key_clear(&fw->keys[i]);
	sim_key_clear(&fw->report_key);
	pthread_mutex_destroy(&fw->lock);
	free(fw);
}

/* Ends a command. */
static unsigned
done(struct sim_sev_firmware *fw, unsigned status)
{
	pthread_mutex_unlock(&fw->lock);
	return status;
}

/* Begins a command that some platform states allow. */
enum {
	IN_UNINIT = 1 << SIM_SEV_UNINIT,
	IN_INIT = 1 << SIM_SEV_INIT,
	IN_WORKING = 1 << SIM_SEV_WORKING
};

static bool
begin(struct sim_sev_firmware *fw, unsigned states)
{
	pthread_mutex_lock(&fw->lock);
	return (states & 1U << fw->state) != 0;
}

/* --- the platform --------------------------------------------------------------------------- */

static unsigned
initialise(struct sim_sev_firmware *fw, bool es)
{
	if (!fw->made)
		make_identity(fw);
	nv_write(fw);
	fw->es = es;
	memset(fw->dirty, 0, sizeof fw->dirty);
	fw->state = SIM_SEV_INIT;
	return SIM_SEV_OK;
}

unsigned
sim_sev_init(struct sim_sev_firmware *fw, bool es)
{
	if (!begin(fw, IN_UNINIT))
		return done(fw, SIM_SEV_INVALID_PLATFORM_STATE);
	fw->nv = NULL;
	return done(fw, initialise(fw, es));
}

unsigned
sim_sev_init_ex(struct sim_sev_firmware *fw, bool es, uint8_t *nv, size_t nv_len)
{
	size_t blank = 0;

	if (!begin(fw, IN_UNINIT))
		return done(fw, SIM_SEV_INVALID_PLATFORM_STATE);
	if (nv == NULL)
		return done(fw, SIM_SEV_INVALID_ADDRESS);
	if (nv_len < SIM_SEV_NV_SIZE)
		return done(fw, SIM_SEV_INVALID_LEN);
	while (blank < SIM_SEV_NV_SIZE && nv[blank] == 0xff)
		blank++;
	fw->nv = nv;
	if (blank < SIM_SEV_NV_SIZE && !nv_read(fw)) {
		fw->nv = NULL;
		return done(fw, SIM_SEV_SECURE_DATA_INVALID);
	}
	return done(fw, initialise(fw, es));
}

unsigned
sim_sev_shutdown(struct sim_sev_firmware *fw)
{
	begin(fw, 0);
	forget_guests(fw);
	fw->state = SIM_SEV_UNINIT;
	fw->es = false;
	fw->nv = NULL;
	return done(fw, SIM_SEV_OK);
}

unsigned
sim_sev_factory_reset(struct sim_sev_firmware *fw)
{
	if (!begin(fw, IN_UNINIT))
		return done(fw, SIM_SEV_INVALID_PLATFORM_STATE);
	fw->made = false;
	return done(fw, SIM_SEV_OK);
}

unsigned
sim_sev_platform_status(struct sim_sev_firmware *fw, struct sim_sev_platform_status *out)
{
	begin(fw, 0);
	bool on = fw->state != SIM_SEV_UNINIT;
	*out = (struct sim_sev_platform_status){ .version = fw->version,
		.state = fw->state,
		.external = on && fw->external,
		.es = on && fw->es,
		.guest_count = fw->guest_count };
	return done(fw, SIM_SEV_OK);
}

unsigned
sim_sev_pek_gen(struct sim_sev_firmware *fw)
{
	if (!begin(fw, IN_INIT))
		return done(fw, SIM_SEV_INVALID_PLATFORM_STATE);
	make_identity(fw);
	nv_write(fw);
	return done(fw, SIM_SEV_OK);
}

unsigned
sim_sev_pdh_gen(struct sim_sev_firmware *fw)
{
	if (!begin(fw, IN_INIT | IN_WORKING))
		return done(fw, SIM_SEV_INVALID_PLATFORM_STATE);
	make_pdh(fw);
	nv_write(fw);
	return done(fw, SIM_SEV_OK);
}

unsigned
sim_sev_pek_csr(struct sim_sev_firmware *fw, uint8_t *csr, uint32_t *len)
{
	if (!begin(fw, IN_INIT | IN_WORKING))
		return done(fw, SIM_SEV_INVALID_PLATFORM_STATE);
	if (*len < CERT) {
		*len = CERT;
		return done(fw, SIM_SEV_INVALID_LEN);
	}
	*len = CERT;
	memset(csr, 0, CERT);
	memcpy(csr, fw->certs[PEK], SIGNED_SIZE);
	sim_store_u32(csr + AT_SLOT, SIM_SEV_UNUSED);
	sim_store_u32(csr + AT_SLOT + SLOT, SIM_SEV_UNUSED);
	return done(fw, SIM_SEV_OK);
}

unsigned
sim_sev_pek_cert_import(struct sim_sev_firmware *fw, struct sim_bytes pek, struct sim_bytes oca)
{
	uint8_t owner[96], mine[96];

	if (!begin(fw, IN_INIT))
		return done(fw, SIM_SEV_INVALID_PLATFORM_STATE);
	if (fw->external)
		return done(fw, SIM_SEV_ALREADY_OWNED);
	if (pek.len != CERT || oca.len != CERT)
		return done(fw, SIM_SEV_INVALID_LEN);
	if (!read_cert(owner, oca, SIM_SEV_OCA, SIM_SEV_ECDSA_SHA256) ||
	    !read_cert(mine, pek, SIM_SEV_PEK, SIM_SEV_ECDSA_SHA256) ||
	    memcmp(pek.ptr, fw->certs[PEK], SIGNED_SIZE) != 0)
		return done(fw, SIM_SEV_INVALID_CERTIFICATE);
	if (!is_signed(oca, SIM_SEV_OCA, owner) || !is_signed(pek, SIM_SEV_OCA, owner))
		return done(fw, SIM_SEV_BAD_SIGNATURE);
	/* The owner signs one slot; the firmware keeps the CEK's signature beside it. */
	bool second = u32(pek.ptr + AT_SLOT) != SIM_SEV_OCA;
	memcpy(fw->certs[PEK] + AT_SLOT, pek.ptr + AT_SLOT + (second ? SLOT : 0), SLOT);
	memcpy(fw->certs[OCA], oca.ptr, CERT);
	sim_key_clear(&fw->keys[OCA]);
	fw->external = true;
	make_pdh(fw);
	nv_write(fw);
	return done(fw, SIM_SEV_OK);
}

unsigned
sim_sev_pdh_cert_export(struct sim_sev_firmware *fw, uint8_t *pdh, uint32_t *pdh_len,
    uint8_t *chain, uint32_t *chain_len)
{
	if (!begin(fw, IN_INIT | IN_WORKING))
		return done(fw, SIM_SEV_INVALID_PLATFORM_STATE);
	bool small = *pdh_len < CERT || *chain_len < 3 * CERT;
	*pdh_len = CERT;
	*chain_len = 3 * CERT;
	if (small)
		return done(fw, SIM_SEV_INVALID_LEN);
	memcpy(pdh, fw->certs[PDH], CERT);
	memcpy(chain, fw->certs[PEK], CERT);
	memcpy(chain + CERT, fw->certs[OCA], CERT);
	memcpy(chain + 2 * CERT, fw->certs[CEK], CERT);
	return done(fw, SIM_SEV_OK);
}

unsigned
sim_sev_get_id(struct sim_sev_firmware *fw, uint8_t *id, uint32_t *len)
{
	bool small = *len < SIM_SEV_ID_SIZE;

	*len = SIM_SEV_ID_SIZE;
	if (small)
		return SIM_SEV_INVALID_LEN;
	memcpy(id, fw->id, SIM_SEV_ID_SIZE); /* never changes */
	return SIM_SEV_OK;
}

/* --- guests --------------------------------------------------------------------------------- */

static struct guest *
find(struct sim_sev_firmware *fw, uint32_t handle)
{
	struct guest *g = handle >= 1 && handle <= GUESTS_MAX ? &fw->guests[handle - 1] : NULL;

	return g != NULL && g->state != SIM_SEV_G_UNINIT ? g : NULL;
}

/* Begins a command about a guest, which some of its states allow. */
enum { IN_ANY = ~0, IN_LUPDATE = 1 << SIM_SEV_LUPDATE, IN_LSECRET = 1 << SIM_SEV_LSECRET };

static struct guest *
begin_guest(struct sim_sev_firmware *fw, uint32_t handle, int states, unsigned *status)
{
	bool on = begin(fw, IN_WORKING);
	struct guest *g = find(fw, handle);

	*status = !on                                  ? SIM_SEV_INVALID_PLATFORM_STATE
	    : g == NULL                                ? SIM_SEV_INVALID_GUEST
	    : ((unsigned)states & 1U << g->state) == 0 ? SIM_SEV_INVALID_GUEST_STATE
						       : SIM_SEV_OK;
	return *status == SIM_SEV_OK ? g : NULL;
}

static unsigned
check_policy(const struct sim_sev_firmware *fw, uint32_t policy)
{
	unsigned major = policy >> 16 & 0xff, minor = policy >> 24;

	if (fw->version.major < major || (fw->version.major == major && fw->version.minor < minor))
		return SIM_SEV_POLICY_FAILURE;
	return (policy & SIM_SEV_ES) != 0 && !fw->es ? SIM_SEV_POLICY_FAILURE : SIM_SEV_OK;
}

static unsigned
check_sharing(struct sim_sev_firmware *fw, const struct sim_sev_launch_start *start)
{
	const struct guest *other = find(fw, start->handle);

	if (start->handle == 0)
		return SIM_SEV_OK;
	if (other == NULL)
		return SIM_SEV_INVALID_GUEST;
	return other->policy != start->policy || (start->policy & SIM_SEV_NOKS) != 0
	    ? SIM_SEV_POLICY_FAILURE
	    : SIM_SEV_OK;
}

static unsigned
open_session(struct sim_sev_firmware *fw, const struct sim_sev_launch_start *start,
    struct sim_sev_transport *keys)
{
	uint8_t owner[96], z[48];
	unsigned status = SIM_SEV_OK;

	if (start->owner_dh.len == 0) {
		random_bytes((uint8_t *)keys, sizeof *keys);
		return SIM_SEV_OK;
	}
	if (start->owner_dh.len != CERT || start->session.len != SIM_SEV_SESSION_SIZE)
		return SIM_SEV_INVALID_LEN;
	if (!read_cert(owner, start->owner_dh, SIM_SEV_PDH, SIM_SEV_ECDH_SHA256) ||
	    !sim_ecdh(z, &fw->keys[PDH], owner))
		return SIM_SEV_INVALID_CERTIFICATE;
	if (!sim_sev_session_open(keys, start->session.ptr, z, start->policy))
		status = SIM_SEV_BAD_MEASUREMENT;
	OPENSSL_cleanse(z, sizeof z);
	return status;
}

unsigned
sim_sev_launch_start(
    struct sim_sev_firmware *fw, const struct sim_sev_launch_start *start, uint32_t *handle)
{
	struct sim_sev_transport keys = { { 0 }, { 0 } };
	unsigned status;
	uint32_t at = 0;

	if (!begin(fw, IN_INIT | IN_WORKING))
		return done(fw, SIM_SEV_INVALID_PLATFORM_STATE);
	if ((status = check_sharing(fw, start)) != SIM_SEV_OK ||
	    (status = check_policy(fw, start->policy)) != SIM_SEV_OK ||
	    (status = open_session(fw, start, &keys)) != SIM_SEV_OK)
		return done(fw, status);
	while (at < GUESTS_MAX && fw->guests[at].state != SIM_SEV_G_UNINIT)
		at++;
	if (at == GUESTS_MAX)
		return done(fw, SIM_SEV_RESOURCE_LIMIT);
	struct guest *g = &fw->guests[at];
	*g = (struct guest){ .state = SIM_SEV_LUPDATE,
		.policy = start->policy,
		.keys = keys,
		.hash = EVP_MD_CTX_new() };
	if (g->hash == NULL || EVP_DigestInit_ex(g->hash, EVP_sha256(), NULL) != 1)
		sim_die("cannot hash");
	OPENSSL_cleanse(&keys, sizeof keys);
	fw->guest_count++;
	fw->state = SIM_SEV_WORKING;
	*handle = at + 1;
	return done(fw, SIM_SEV_OK);
}

static unsigned
measured(struct guest *g, struct sim_bytes bytes)
{
	if (bytes.len == 0 || bytes.len % 16 != 0)
		return SIM_SEV_INVALID_LEN;
	if (g->asid == 0) /* the memory controller has no key for it yet */
		return SIM_SEV_INACTIVE;
	if (EVP_DigestUpdate(g->hash, bytes.ptr, bytes.len) != 1)
		sim_die("cannot hash");
	return SIM_SEV_OK;
}

unsigned
sim_sev_launch_update_data(struct sim_sev_firmware *fw, uint32_t handle, struct sim_bytes data)
{
	unsigned status;
	struct guest *g = begin_guest(fw, handle, IN_LUPDATE, &status);

	return done(fw, g != NULL ? measured(g, data) : status);
}

unsigned
sim_sev_launch_update_vmsa(struct sim_sev_firmware *fw, uint32_t handle, struct sim_bytes vmsa)
{
	unsigned status;
	struct guest *g = begin_guest(fw, handle, IN_LUPDATE, &status);

	if (g != NULL && (g->policy & SIM_SEV_ES) == 0)
		status = SIM_SEV_POLICY_FAILURE;
	else if (g != NULL)
		status = vmsa.len == SIM_SEV_VMSA_SIZE ? measured(g, vmsa) : SIM_SEV_INVALID_LEN;
	return done(fw, status);
}

unsigned
sim_sev_launch_measure(struct sim_sev_firmware *fw, uint32_t handle, uint8_t *out, uint32_t *len)
{
	unsigned status;
	struct guest *g = begin_guest(fw, handle, IN_LUPDATE, &status);

	if (g == NULL)
		return done(fw, status);
	bool small = *len < MEASURE_SIZE;
	*len = MEASURE_SIZE;
	if (small)
		return done(fw, SIM_SEV_INVALID_LEN);
	if (EVP_DigestFinal_ex(g->hash, g->digest, NULL) != 1)
		sim_die("cannot hash");
	random_bytes(out + 32, 16);
	sim_sev_measure(g->measure, g->keys.tik, &fw->version, g->policy, g->digest, out + 32);
	memcpy(out, g->measure, 32);
	g->state = SIM_SEV_LSECRET;
	return done(fw, SIM_SEV_OK);
}

static unsigned
inject(const struct guest *g, struct sim_bytes header, struct sim_bytes packet, uint8_t *plain,
    uint32_t guest_len)
{
	if (header.len != SIM_SEV_HEADER_SIZE || packet.len == 0 || packet.len % 16 != 0 ||
	    packet.len > SIM_SEV_SECRET_MAX || guest_len == 0 || guest_len % 16 != 0)
		return SIM_SEV_INVALID_LEN;
	if (g->asid == 0)
		return SIM_SEV_INACTIVE;
	if (u32(header.ptr) != 0) /* compressed, or not defined */
		return SIM_SEV_UNSUPPORTED;
	if (guest_len != packet.len)
		return SIM_SEV_INVALID_LEN;
	return sim_sev_secret_open(
		   plain, &g->keys, header.ptr, packet.ptr, packet.len, guest_len, g->measure)
	    ? SIM_SEV_OK
	    : SIM_SEV_BAD_MEASUREMENT;
}

unsigned
sim_sev_launch_secret(struct sim_sev_firmware *fw, uint32_t handle, struct sim_bytes header,
    struct sim_bytes packet, uint8_t *plain, uint32_t guest_len)
{
	unsigned status;
	struct guest *g = begin_guest(fw, handle, IN_LSECRET, &status);

	return done(fw, g != NULL ? inject(g, header, packet, plain, guest_len) : status);
}

unsigned
sim_sev_launch_finish(struct sim_sev_firmware *fw, uint32_t handle)
{
	unsigned status;
	struct guest *g = begin_guest(fw, handle, IN_LSECRET, &status);

	if (g != NULL) {
		OPENSSL_cleanse(&g->keys, sizeof g->keys);
		g->state = SIM_SEV_RUNNING;
	}
	return done(fw, status);
}

unsigned
sim_sev_guest_status(struct sim_sev_firmware *fw, uint32_t handle, uint32_t *policy, uint32_t *asid,
    enum sim_sev_guest_state *state)
{
	unsigned status;
	const struct guest *g = begin_guest(fw, handle, IN_ANY, &status);

	if (g != NULL) {
		*policy = g->policy;
		*asid = g->asid;
		*state = g->state;
	}
	return done(fw, status);
}

static void
write_report(
    struct sim_sev_firmware *fw, const struct guest *g, const uint8_t mnonce[16], uint8_t *report)
{
	struct sim *scratch = sim_scratch();
	struct sim_sev_report r = fw->report;

	memcpy(r.mnonce, mnonce, 16);
	memcpy(r.launch_digest, g->digest, 32);
	r.policy = g->policy;
	r.signer = fw->own_report_key ? &fw->report_key : &fw->keys[PEK];
	memcpy(report, sim_sev_report_write(scratch, &r).ptr, SIM_SEV_REPORT_SIZE);
	sim_free(scratch);
}

unsigned
sim_sev_attestation(struct sim_sev_firmware *fw, uint32_t handle, const uint8_t mnonce[16],
    uint8_t *report, uint32_t *len)
{
	unsigned status;
	/* Before the measurement there is no digest yet. */
	const struct guest *g = begin_guest(fw, handle, ~IN_LUPDATE, &status);

	if (g == NULL)
		return done(fw, status);
	bool small = *len < SIM_SEV_REPORT_SIZE;
	*len = SIM_SEV_REPORT_SIZE;
	if (small)
		return done(fw, SIM_SEV_INVALID_LEN);
	write_report(fw, g, mnonce, report);
	return done(fw, SIM_SEV_OK);
}

static unsigned
activate(struct sim_sev_firmware *fw, struct guest *g, uint32_t asid)
{
	bool es = (g->policy & SIM_SEV_ES) != 0;

	if (g->asid != 0)
		return SIM_SEV_ACTIVE;
	if (asid == 0 || asid > SIM_SEV_ASID_MAX || es != (asid <= SIM_SEV_ASID_ES_MAX))
		return SIM_SEV_INVALID_ASID;
	for (size_t i = 0; i < GUESTS_MAX; i++)
		if (fw->guests[i].state != SIM_SEV_G_UNINIT && fw->guests[i].asid == asid)
			return SIM_SEV_ASID_OWNED;
	if (fw->dirty[asid])
		return SIM_SEV_DFFLUSH_REQUIRED;
	g->asid = asid;
	return SIM_SEV_OK;
}

unsigned
sim_sev_activate(struct sim_sev_firmware *fw, uint32_t handle, uint32_t asid)
{
	unsigned status;
	struct guest *g = begin_guest(fw, handle, IN_ANY, &status);

	return done(fw, g != NULL ? activate(fw, g, asid) : status);
}

unsigned
sim_sev_deactivate(struct sim_sev_firmware *fw, uint32_t handle)
{
	unsigned status;
	struct guest *g = begin_guest(fw, handle, IN_ANY, &status);

	if (g != NULL) {
		fw->dirty[g->asid] = true;
		g->asid = 0;
	}
	return done(fw, status);
}

unsigned
sim_sev_df_flush(struct sim_sev_firmware *fw)
{
	if (!begin(fw, IN_INIT | IN_WORKING))
		return done(fw, SIM_SEV_INVALID_PLATFORM_STATE);
	memset(fw->dirty, 0, sizeof fw->dirty);
	return done(fw, SIM_SEV_OK);
}

unsigned
sim_sev_decommission(struct sim_sev_firmware *fw, uint32_t handle)
{
	unsigned status;
	struct guest *g = begin_guest(fw, handle, IN_ANY, &status);

	if (g != NULL && g->asid != 0) {
		status = SIM_SEV_ACTIVE;
	} else if (g != NULL) {
		forget_guest(fw, g);
		if (fw->guest_count == 0)
			fw->state = SIM_SEV_INIT;
	}
	return done(fw, status);
}
