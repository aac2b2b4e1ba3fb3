/* SPDX-License-Identifier: Apache-2.0 */
#include "snp_channel.h"

#include <errno.h>
#include <openssl/evp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

/* A firmware in the place of that of sim/platforms, which answers wrongly in one way. The linker
 * prefers these functions to those of the library. */
enum way {
	RIGHT,
	OTHER_SEQUENCE,
	REPLAYED,
	OTHER_TYPE,
	OTHER_VERSION,
	TOO_LONG,
	BEYOND_THE_PAGE,
	BROKEN_TAG,
	BROKEN_TEXT,
	OTHER_KEY,
	REFUSED,
};
struct sim_machine {
	enum way way;
	uint64_t sequence;
	unsigned messages;
	uint8_t first[4096];
};

static const uint8_t key[32] = "a key of thirty-two bytes, here";

int
sim_machine_snp_vmpck(struct sim_machine *m, unsigned vmpl, uint8_t out[32])
{
	(void)m, (void)vmpl;
	memcpy(out, key, 32);
	return 0;
}

int
sim_machine_snp_sequence(struct sim_machine *m, unsigned vmpl, uint64_t *last)
{
	(void)vmpl;
	*last = m->sequence;
	return 0;
}

static void
seal(uint8_t page[4096], const uint8_t with[32], size_t len)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	uint8_t iv[12] = { 0 };
	int n;

	memcpy(iv, page + 32, 8);
	assert_int_equal(EVP_EncryptInit_ex(ctx, EVP_aes_256_gcm(), NULL, with, iv), 1);
	assert_int_equal(EVP_EncryptUpdate(ctx, NULL, &n, page + 48, 48), 1);
	assert_int_equal(EVP_EncryptUpdate(ctx, page + 96, &n, page + 96, (int)len), 1);
	assert_int_equal(EVP_EncryptFinal_ex(ctx, page + 96 + n, &n), 1);
	assert_int_equal(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_GET_TAG, 16, page), 1);
	EVP_CIPHER_CTX_free(ctx);
}

int
sim_machine_snp_guest_request(
    struct sim_machine *m, const uint8_t request[4096], uint8_t response[4096])
{
	static const uint8_t other[32] = "another key";
	size_t len = m->way == TOO_LONG ? 200 : 100;

	m->messages++;
	assert_int_equal(request[32], m->sequence + 1);
	assert_int_equal(request[48], 1); /* AES-256-GCM */
	assert_int_equal(request[50], 96);
	if (m->way == REFUSED)
		return 0x16;
	m->sequence += 2;
	memset(response, 0, 4096);
	response[32] = (uint8_t)(m->sequence + (m->way == OTHER_SEQUENCE));
	response[48] = 1;
	response[49] = 1;
	response[50] = 96;
	response[52] = (uint8_t)(request[52] + 1 + (m->way == OTHER_TYPE));
	response[53] = (uint8_t)(request[53] + (m->way == OTHER_VERSION));
	response[54] = (uint8_t)len;
	if (m->way == BEYOND_THE_PAGE)
		response[55] = 0xff;
	memset(response + 96, 0x5a, len);
	seal(response, m->way == OTHER_KEY ? other : key, len);
	response[0] ^= m->way == BROKEN_TAG;
	response[96 + 50] ^= m->way == BROKEN_TEXT;
	if (m->messages == 1)
		memcpy(m->first, response, 4096);
	else if (m->way == REPLAYED)
		memcpy(response, m->first, 4096);
	return 0;
}

static int
ask(struct snp_channel *ch, uint8_t out[128], uint64_t *exitinfo2)
{
	uint8_t request[96] = { 1 };

	memset(out, 0x77, 128);
	return snp_channel_request(
	    ch, SNP_MSG_REPORT_REQ, 1, request, sizeof request, out, 128, exitinfo2);
}

static void
answers(void **state)
{
	struct sim_machine m = { .way = RIGHT };
	struct snp_channel *ch;
	uint8_t out[128];
	uint64_t info;

	(void)state;
	assert_int_equal(snp_channel_open(&ch, &m), 0);
	for (unsigned i = 0; i < 5; i++) {
		assert_int_equal(ask(ch, out, &info), 0);
		assert_int_equal(info, 0);
		assert_int_equal(out[0], 0x5a);
		assert_int_equal(out[99], 0x5a);
		assert_int_equal(out[100], 0);
		assert_int_equal(m.sequence, 2 * (i + 1));
	}
	snp_channel_close(ch);
	snp_channel_close(NULL);
}

/* Whatever is wrong, nothing of the answer is given, and the key is wiped: the next request does
 * not reach the firmware. */
static void
wrong_answers(void **state)
{
	(void)state;
	for (enum way way = OTHER_SEQUENCE; way <= REFUSED; way++) {
		struct sim_machine m = { .way = way };
		struct snp_channel *ch;
		uint8_t out[128];
		uint64_t info;

		assert_int_equal(snp_channel_open(&ch, &m), 0);
		if (way == REPLAYED)
			assert_int_equal(ask(ch, out, &info), 0);
		int rc = ask(ch, out, &info);
		assert_int_equal(rc, way == REFUSED ? -EIO : -EBADMSG);
		assert_int_equal(info, way == REFUSED ? 0x16 : 0);
		assert_int_equal(out[0], 0x77);
		unsigned messages = m.messages;
		assert_int_equal(ask(ch, out, &info), -ENOTTY);
		assert_int_equal(m.messages, messages);
		snp_channel_close(ch);
	}
}

/* The driver stops before the numbers run out. */
static void
last_numbers(void **state)
{
	struct sim_machine m = { .sequence = UINT32_MAX - 1ULL };
	struct snp_channel *ch;
	uint8_t out[128];
	uint64_t info;

	(void)state;
	assert_int_equal(snp_channel_open(&ch, &m), 0);
	assert_int_equal(ask(ch, out, &info), -EIO);
	assert_int_equal(m.messages, 0);
	snp_channel_close(ch);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(answers),
		cmocka_unit_test(wrong_answers), cmocka_unit_test(last_numbers) };

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
