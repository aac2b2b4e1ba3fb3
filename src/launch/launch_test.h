/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAY_LAUNCH_TEST_H
#define ASSAY_LAUNCH_TEST_H

/* What the tests of this folder share: a platform, its owner, and a launch that goes well. */

#include "token/token_test.h"

#include "launch/record.h"

enum { POLICY = 0x0f | 1 << 16 | 40u << 24 };

/* A platform as far as its owner's sessions see it: only the PDH has a key. */
struct platform {
	struct assay_pair pdh;
	uint8_t certs[4][SEV_CERT_SIZE];
	struct assay_launch_start start;
};

static inline void
put_le32(uint8_t *out, uint32_t value)
{
	for (size_t i = 0; i < 4; i++)
		out[i] = (uint8_t)(value >> 8 * i);
}

static inline void
platform_make(struct platform *p)
{
	static const uint32_t usages[] = { SEV_USAGE_PDH, SEV_USAGE_PEK, SEV_USAGE_OCA,
		SEV_USAGE_CEK };
	struct assay_error err = { ASSAY_OK, "" };
	struct assay_public_numbers n;

	memset(p, 0, sizeof *p);
	assert_int_equal(assay_pair_make(&p->pdh, ASSAY_PAIR_P384, &err), ASSAY_OK);
	assert_true(assay_pair_public(&n, &p->pdh));
	for (size_t i = 0; i < 4; i++) {
		put_le32(p->certs[i], 1);
		put_le32(p->certs[i] + 0x008, usages[i]);
		put_le32(p->certs[i] + 0x00c, i == 0 ? SEV_ECDH_SHA256 : SEV_ECDSA_SHA256);
		put_le32(p->certs[i] + 0x010, 2);
		assay_reverse(p->certs[i] + 0x014, n.at[0], 48);
		assay_reverse(p->certs[i] + 0x05c, n.at[1], 48);
		put_le32(p->certs[i] + 0x414, SEV_USAGE_NONE);
		put_le32(p->certs[i] + 0x61c, SEV_USAGE_NONE);
		p->start.chain.at[i] = (struct assay_bytes){ p->certs[i], SEV_CERT_SIZE };
	}
	p->start.name = "web-1";
	p->start.policy = POLICY;
	p->start.created = 1795170000;
}

static const uint8_t expected[ASSAY_LAUNCH_DIGEST_SIZE] = { 0x11, 0x22, 0x33 };

/* What an honest firmware answers. */
static inline struct assay_launch_answer
answer_of(const struct assay_launch_session *s, uint32_t policy, uint8_t nonce)
{
	struct assay_launch_answer a = { { 1, 55, 24 }, { 0 }, { nonce, 2, 3 } };

	assert_true(assay_launch_measure_of(a.measure, s->tik, policy, expected, &a));
	return a;
}

static inline struct assay_launch *
launch_begin(struct assay_launch_session *session, const struct platform *p)
{
	struct assay_error err = { ASSAY_OK, "" };
	struct assay_launch *l = NULL;

	if (assay_launch_new(&l, session, &p->start, &err) != ASSAY_OK)
		fail_msg("%s", err.text);
	return l;
}

static inline void
launch_check(struct assay_launch *l, const struct assay_launch_session *session)
{
	struct assay_launch_answer a = answer_of(session, assay_launch_policy(l), 1);
	struct assay_error err = { ASSAY_OK, "" };

	if (assay_launch_check(l, session->tik, NULL, expected, &a, NULL, &err) != ASSAY_OK)
		fail_msg("%s", err.text);
}

static inline void
launch_finish(struct assay_launch *l, const struct assay_launch_session *session)
{
	uint8_t header[ASSAY_LAUNCH_HEADER_SIZE], *key = NULL, *payload = NULL;
	struct assay_error err = { ASSAY_OK, "" };
	size_t key_len = 0, len = 0;

	assert_int_equal(assay_launch_key_make(&key, &key_len, "P-256", &err), ASSAY_OK);
	struct assay_launch_input in = {
		.tek = session->tek, .tik = session->tik, .private_key_info = { key, key_len }
	};
	if (assay_launch_inject(header, &payload, &len, l, &in, &err) != ASSAY_OK)
		fail_msg("%s", err.text);
	free(key);
	free(payload);
}

static inline char *
written(struct assay_launch *l, const struct assay_jwk *key)
{
	struct assay_error err = { ASSAY_OK, "" };
	char *text = NULL;

	if (assay_launch_write(&text, l, key, &err) != ASSAY_OK)
		fail_msg("%s", err.text);
	return text;
}

#endif
