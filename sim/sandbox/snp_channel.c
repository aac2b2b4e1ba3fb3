/* SPDX-License-Identifier: Apache-2.0 */
/* Encrypts a request, lets the firmware answer, decrypts. The driver is modelled with the real
 * messages and not by a call into the platform, so that sequence numbers, tags and the wiped key
 * behave as they do in a guest. */
#include "snp_channel.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Source: AMD 56860, table "Message header". */
enum {
	PAGE = 4096,
	HEADER = 96,
	AT_TAG = 0,
	AT_SEQUENCE = 32,
	AT_ALGORITHM = 48, /* and all that is authenticated, to the end of the header */
	AT_HEADER_VERSION = 49,
	AT_HEADER_SIZE = 50,
	AT_TYPE = 52,
	AT_VERSION = 53,
	AT_SIZE = 54,
	AT_VMPCK = 60,
	TAG = 16,
	ALGORITHM_AES_256_GCM = 1,
};

struct snp_channel {
	pthread_mutex_t lock;
	struct sim_machine *machine;
	bool open; /* the key is not wiped */
	uint8_t key[32];
	uint64_t sequence; /* of the last message, request or response */
};

int
snp_channel_open(struct snp_channel **out, struct sim_machine *machine)
{
	struct snp_channel *ch = calloc(1, sizeof *ch);
	int rc;

	if (ch == NULL)
		return -ENOMEM;
	ch->machine = machine;
	ch->open = true;
	if ((rc = sim_machine_snp_vmpck(machine, 0, ch->key)) != 0 ||
	    (rc = sim_machine_snp_sequence(machine, 0, &ch->sequence)) != 0) {
		free(ch);
		return rc;
	}
	pthread_mutex_init(&ch->lock, NULL);
	*out = ch;
	return 0;
}

void
snp_channel_close(struct snp_channel *ch)
{
	if (ch == NULL)
		return;
	pthread_mutex_destroy(&ch->lock);
	OPENSSL_cleanse(ch, sizeof *ch);
	free(ch);
}

static void
store(uint8_t *at, uint64_t v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		at[i] = (uint8_t)(v >> (8 * i));
}

static uint64_t
load(const uint8_t *at, size_t n)
{
	uint64_t v = 0;

	for (size_t i = 0; i < n; i++)
		v |= (uint64_t)at[i] << (8 * i);
	return v;
}

/* AES-256-GCM over the payload behind the header, in place: to the page when sealing. */
static bool
crypt_page(const uint8_t key[32], uint8_t page[PAGE], size_t len, bool seal)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	uint8_t iv[12] = { 0 };
	int n = 0;

	memcpy(iv, page + AT_SEQUENCE, 8);
	bool ok = ctx != NULL &&
	    EVP_CipherInit_ex(ctx, EVP_aes_256_gcm(), NULL, key, iv, seal) == 1 &&
	    (seal || EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_SET_TAG, TAG, page + AT_TAG) == 1) &&
	    EVP_CipherUpdate(ctx, NULL, &n, page + AT_ALGORITHM, HEADER - AT_ALGORITHM) == 1 &&
	    EVP_CipherUpdate(ctx, page + HEADER, &n, page + HEADER, (int)len) == 1 &&
	    EVP_CipherFinal_ex(ctx, page + HEADER + n, &n) == 1 &&
	    (!seal || EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_GET_TAG, TAG, page + AT_TAG) == 1);
	EVP_CIPHER_CTX_free(ctx);
	return ok;
}

static int
exchange(struct snp_channel *ch, uint8_t type, uint8_t version, const uint8_t *request,
    size_t request_len, uint8_t *response, size_t response_len, uint64_t *exitinfo2)
{
	uint8_t page[PAGE] = { 0 }, answer[PAGE] = { 0 };

	if (ch->sequence + 1 >= UINT32_MAX) /* the driver stops here, and the firmware with it */
		return -EIO;
	store(page + AT_SEQUENCE, ch->sequence + 1, 8);
	page[AT_ALGORITHM] = ALGORITHM_AES_256_GCM;
	page[AT_HEADER_VERSION] = 1;
	store(page + AT_HEADER_SIZE, HEADER, 2);
	page[AT_TYPE] = type;
	page[AT_VERSION] = version;
	store(page + AT_SIZE, request_len, 2);
	page[AT_VMPCK] = 0;
	memcpy(page + HEADER, request, request_len);
	if (!crypt_page(ch->key, page, request_len, true))
		return -EIO;

	int rc = sim_machine_snp_guest_request(ch->machine, page, answer);
	if (rc > 0)
		*exitinfo2 = (uint32_t)rc;
	if (rc != 0)
		return rc > 0 ? -EIO : rc;
	size_t len = (size_t)load(answer + AT_SIZE, 2);
	if (load(answer + AT_SEQUENCE, 8) != ch->sequence + 2 || answer[AT_TYPE] != type + 1 ||
	    answer[AT_VERSION] != version || len > SNP_PAYLOAD_MAX || len > response_len ||
	    !crypt_page(ch->key, answer, len, false))
		return -EBADMSG;
	memset(response, 0, response_len);
	memcpy(response, answer + HEADER, len);
	OPENSSL_cleanse(answer, sizeof answer); /* may have held a derived key */
	ch->sequence += 2;
	return 0;
}

int
snp_channel_request(struct snp_channel *ch, uint8_t type, uint8_t version, const uint8_t *request,
    size_t request_len, uint8_t *response, size_t response_len, uint64_t *exitinfo2)
{
	int rc = -ENOTTY;

	*exitinfo2 = 0;
	pthread_mutex_lock(&ch->lock);
	if (ch->open) {
		rc = exchange(
		    ch, type, version, request, request_len, response, response_len, exitinfo2);
		if (rc != 0) {
			OPENSSL_cleanse(ch->key, sizeof ch->key);
			ch->open = false;
		}
	}
	pthread_mutex_unlock(&ch->lock);
	return rc;
}
