/* SPDX-License-Identifier: Apache-2.0 */
#include "launch/launch_test.h"

#include <assay/measure.h>
#include <jansson.h>

#include "alloc.h"
#include "vectors.h"

static void
unhex(uint8_t *out, size_t n, const char *hex)
{
	assert_true(assay_unhex(out, n, assay_bytes_of(hex)));
}

/* --- known answers ----------------------------------------------------------------------- */

static void
test_kdf(void **state)
{
	static const uint8_t zeros[16];
	uint8_t got[16], want[16];

	(void)state;
	unhex(want, sizeof want, "ab4d269fcc62bedb4511d56c386ce706");
	assert_true(assay_launch_kdf(got, (struct assay_bytes){ zeros, 16 }, "sev-master-secret",
	    (struct assay_bytes){ zeros, 16 }));
	assert_memory_equal(got, want, sizeof want);
}

static size_t
bytes_of(uint8_t *out, json_t *row, const char *name)
{
	size_t len = 0;

	assert_true(assay_unbase64(
	    out, &len, assay_bytes_of(json_string_value(json_object_get(row, name)))));
	return len;
}

static struct assay_bytes
file_of(json_t *row, const char *name)
{
	const char *file = json_string_value(json_object_get(row, name));
	char path[128];

	if (file == NULL)
		return (struct assay_bytes){ NULL, 0 };
	snprintf(path, sizeof path, "sev/launch/%s", file);
	return vectors_read(path);
}

static void
digest_of(uint8_t out[ASSAY_LAUNCH_DIGEST_SIZE], json_t *row)
{
	uint8_t room[128];
	struct assay_error err = { ASSAY_OK, "" };
	struct assay_sev_launch l = { .ovmf = file_of(row, "firmware"),
		.vmsa = { file_of(row, "vmsa0"), file_of(row, "vmsa1") },
		.vcpus = (uint32_t)json_integer_value(json_object_get(row, "vcpus")) };

	if (l.ovmf.len == 0) {
		assert_int_equal(bytes_of(room, row, "launch_digest_b64"), 32);
		memcpy(out, room, 32);
		return;
	}
	l.es = l.vcpus > 0;
	if (assay_sev_measure(out, &l, &err) != ASSAY_OK)
		fail_msg("%s", err.text);
	vectors_free(l.ovmf);
	vectors_free(l.vmsa[0]);
	vectors_free(l.vmsa[1]);
}

static void
check_measure(json_t *row, struct assay_bytes tik)
{
	uint8_t want[64], digest[ASSAY_LAUNCH_DIGEST_SIZE], got[ASSAY_LAUNCH_MEASURE_SIZE];
	struct assay_launch_answer a = {
		.api = { (uint8_t)json_integer_value(json_object_get(row, "api_major")),
		    (uint8_t)json_integer_value(json_object_get(row, "api_minor")),
		    (uint8_t)json_integer_value(json_object_get(row, "build")) }
	};

	assert_int_equal(bytes_of(want, row, "expect_b64"), ASSAY_LAUNCH_ANSWER_SIZE);
	memcpy(a.mnonce, want + ASSAY_LAUNCH_MEASURE_SIZE, sizeof a.mnonce);
	digest_of(digest, row);
	assert_true(assay_launch_measure_of(got, tik.ptr,
	    (uint32_t)json_integer_value(json_object_get(row, "policy")), digest, &a));
	assert_memory_equal(got, want, sizeof got);
}

static void
check_secret(json_t *row, struct assay_bytes tek, struct assay_bytes tik)
{
	uint8_t iv[32], measure[64], header[64], payload[128], got_header[64], table[128], got[128];
	struct assay_bytes data = file_of(row, "file");
	struct assay_launch_secret secret = { json_string_value(json_object_get(row, "guid")),
		data };
	struct assay_launch_input keys = { .tek = tek.ptr, .tik = tik.ptr };

	assert_int_equal(bytes_of(iv, row, "iv_b64"), 16);
	assert_int_equal(bytes_of(measure, row, "launch_measure_b64"), ASSAY_LAUNCH_ANSWER_SIZE);
	assert_int_equal(bytes_of(header, row, "header_b64"), ASSAY_LAUNCH_HEADER_SIZE);
	assert_int_equal(bytes_of(payload, row, "payload_b64"), 64);
	assert_int_equal(assay_launch_table(table, sizeof table, &secret, 1), 64);
	assert_true(assay_launch_packet(
	    got_header, got, (struct assay_bytes){ table, 64 }, &keys, iv, measure));
	assert_memory_equal(got, payload, 64);
	assert_memory_equal(got_header, header, ASSAY_LAUNCH_HEADER_SIZE);
	vectors_free(data);
}

static void
test_known_answers(void **state)
{
	struct assay_bytes file = vectors_read("sev/launch/known_answers.json");
	struct assay_bytes tik = vectors_read("sev/launch/tik_measure.bin"),
			   secret_tik = vectors_read("sev/launch/tik_secret.bin"),
			   secret_tek = vectors_read("sev/launch/tek_secret.bin");
	json_t *row;
	size_t i, checked = 0;

	(void)state;
	if (file.ptr == NULL)
		return;
	json_t *root = json_loadb((const char *)file.ptr, file.len, 0, NULL);
	assert_true(tik.len == 16 && secret_tik.len == 16 && secret_tek.len == 16);
	json_array_foreach(json_object_get(root, "measure"), i, row)
	{
		check_measure(row, tik);
		checked++;
	}
	json_array_foreach(json_object_get(root, "secret"), i, row)
	{
		check_secret(row, secret_tek, secret_tik);
		checked++;
	}
	assert_int_equal(checked, 4);
	json_decref(root);
	vectors_free(file);
	vectors_free(tik);
	vectors_free(secret_tik);
	vectors_free(secret_tek);
}

/* --- the session ------------------------------------------------------------------------- */

/* What the firmware does with a session: it derives the keys with its half of the PDH. */
static void
test_session_opens(void **state)
{
	struct platform p;
	struct assay_launch_session s, again;
	struct sev_cert godh;
	struct assay_pair peer = { ASSAY_PAIR_NONE, false, NULL };
	struct launch_chance chance;
	uint8_t z[ASSAY_FIELD_MAX], blob[ASSAY_LAUNCH_BLOB_SIZE];
	struct assay_error err;

	(void)state;
	platform_make(&p);
	struct assay_launch *l = launch_begin(&s, &p);
	assert_int_equal(assay_sev_cert_parse(
			     &godh, (struct assay_bytes){ s.godh, sizeof s.godh }, "godh", &err),
	    ASSAY_OK);
	assert_int_equal(godh.usage, SEV_USAGE_PDH);
	assert_int_equal(godh.algo, SEV_ECDH_SHA256);
	assert_int_equal(godh.signatures[0].usage, SEV_USAGE_NONE);
	struct assay_numbers n = { { { godh.key, 48 }, { godh.key + 48, 48 } } };
	assert_int_equal(assay_pair_set(&peer, ASSAY_PAIR_P384, &n, NULL, &err), ASSAY_OK);
	assert_int_equal(assay_pair_agree(z, &p.pdh, &peer), 48);
	memcpy(chance.nonce, s.blob, 16);
	memcpy(chance.wrap_iv, s.blob + 48, 16);
	memcpy(chance.tek, s.tek, 16);
	memcpy(chance.tik, s.tik, 16);
	assert_true(assay_launch_blob(blob, (struct assay_bytes){ z, 48 }, POLICY, &chance));
	assert_memory_equal(blob, s.blob, sizeof blob);
	/* Another policy is another MAC, and nothing else. */
	assert_true(assay_launch_blob(blob, (struct assay_bytes){ z, 48 }, POLICY ^ 1, &chance));
	assert_memory_equal(blob, s.blob, 96);
	assert_memory_not_equal(blob + 96, s.blob + 96, 32);
	assert_int_equal(assay_launch_stage(l), ASSAY_LAUNCH_SESSION);
	assert_string_equal(assay_launch_tee(l), "sev-es");
	assert_int_equal(assay_launch_digest(l).len, 0);
	assert_int_equal(assay_launch_key(l).len, 0);
	struct assay_launch *other = launch_begin(&again, &p);
	assert_memory_not_equal(again.tek, s.tek, sizeof s.tek);
	assert_memory_not_equal(again.godh, s.godh, sizeof s.godh);
	assay_launch_free(other);
	assay_launch_free(l);
	assay_pair_clear(&peer);
	assay_pair_clear(&p.pdh);
}

static void
refuse_start(const struct platform *p, enum assay_code code, const char *words)
{
	struct assay_error err = { ASSAY_OK, "" };
	struct assay_launch_session s;
	struct assay_launch *l = NULL;
	enum assay_code rc = assay_launch_new(&l, &s, &p->start, &err);

	expect_outcome(words, rc, &err, code, words);
	assert_null(l);
}

static void
test_session_refused(void **state)
{
	struct platform p, good;

	(void)state;
	platform_make(&good);
	p = good;
	p.start.name = "../web";
	refuse_start(&p, ASSAY_E_USAGE, "name: \"../web\" is none");
	p.start.name = "";
	refuse_start(&p, ASSAY_E_USAGE, "name: \"\" is none");
	p = good;
	p.start.policy = 0x47;
	refuse_start(&p, ASSAY_E_USAGE, "0x47 has bits of 6 to 15");
	p = good;
	p.start.chain.at[ASSAY_LAUNCH_CEK].len = 0;
	refuse_start(&p, ASSAY_E_USAGE, "chain: lacks the CEK");
	p = good;
	p.start.chain.at[ASSAY_LAUNCH_PEK] = p.start.chain.at[ASSAY_LAUNCH_OCA];
	refuse_start(&p, ASSAY_E_FORMAT, "holds what is no PEK");
	p = good;
	p.start.chain.at[ASSAY_LAUNCH_ARK] = p.start.chain.at[ASSAY_LAUNCH_OCA];
	refuse_start(&p, ASSAY_E_FORMAT, "holds what is no ARK");
	p = good;
	p.start.chain.at[ASSAY_LAUNCH_PDH].ptr = p.certs[0];
	put_le32(p.certs[0] + 0x00c, SEV_ECDSA_SHA256);
	refuse_start(&p, ASSAY_E_UNSUPPORTED, "PDH: algorithm 0x2 on curve 2");
	p = good;
	p.start.chain.at[ASSAY_LAUNCH_PDH].ptr = p.certs[0];
	p.certs[0][0x014] ^= 1;
	refuse_start(&p, ASSAY_E_FORMAT, "no point of P-384");
	assay_pair_clear(&good.pdh);
}

/* --- the measurement --------------------------------------------------------------------- */

struct fixture {
	struct platform p;
	struct assay_launch_session s;
	struct assay_launch *l;
};

static void
fixture_open(struct fixture *f)
{
	platform_make(&f->p);
	f->l = launch_begin(&f->s, &f->p);
}

static void
fixture_close(struct fixture *f)
{
	assay_launch_free(f->l);
	assay_pair_clear(&f->p.pdh);
}

static void
refuse_answer(struct fixture *f, const struct assay_launch_answer *a, const char *what,
    enum assay_code code, const char *words)
{
	struct assay_error err = { ASSAY_OK, "" };
	enum assay_code rc = assay_launch_check(f->l, f->s.tik, NULL, expected, a, NULL, &err);

	expect_outcome(what, rc, &err, code, words);
}

static void
test_measurement(void **state)
{
	static const char wrong[] = "is not that of the expected digest";
	struct fixture f;
	struct assay_launch_answer a, good;
	uint8_t got[32], other[32];

	(void)state;
	fixture_open(&f);
	good = answer_of(&f.s, POLICY, 1);
	for (size_t bit = 0; bit < 8 * sizeof a.measure; bit += 37) {
		a = good;
		a.measure[bit / 8] ^= (uint8_t)(1 << bit % 8);
		refuse_answer(&f, &a, "another MEASURE", ASSAY_E_SIGNATURE, wrong);
	}
	a = good;
	a.mnonce[15] ^= 1;
	refuse_answer(&f, &a, "another nonce", ASSAY_E_SIGNATURE, wrong);
	a = answer_of(&f.s, POLICY ^ 8, 1);
	refuse_answer(&f, &a, "another policy", ASSAY_E_SIGNATURE, wrong);
	a = good;
	a.api.build++;
	refuse_answer(&f, &a, "another build", ASSAY_E_SIGNATURE, wrong);
	a = good;
	a.api.minor++;
	refuse_answer(&f, &a, "another version", ASSAY_E_SIGNATURE, wrong);
	assert_int_equal(assay_launch_stage(f.l), ASSAY_LAUNCH_SESSION);

	/* Another digest: and what was computed is told. */
	struct assay_error err = { ASSAY_OK, "" };
	memcpy(other, expected, sizeof other);
	other[31] ^= 1;
	expect_outcome("another digest",
	    assay_launch_check(f.l, f.s.tik, NULL, other, &good, got, &err), &err,
	    ASSAY_E_SIGNATURE, wrong);
	assert_memory_not_equal(got, good.measure, sizeof got);
	expect_outcome("another session",
	    assay_launch_check(f.l, f.s.tek, NULL, expected, &good, got, &err), &err, ASSAY_E_USAGE,
	    "TIK: is not the one that was made with this record");

	assert_int_equal(
	    assay_launch_check(f.l, f.s.tik, NULL, expected, &good, got, &err), ASSAY_OK);
	assert_memory_equal(got, good.measure, sizeof got);
	assert_int_equal(assay_launch_stage(f.l), ASSAY_LAUNCH_CHECKED);
	assert_memory_equal(assay_launch_digest(f.l).ptr, expected, 32);
	assert_memory_equal(assay_launch_mnonce(f.l).ptr, good.mnonce, 16);
	assert_int_equal(assay_launch_api(f.l).build, 24);

	/* The same again is fine; another launch of the session is not. */
	refuse_answer(&f, &good, "the same again", ASSAY_OK, "");
	a = answer_of(&f.s, POLICY, 2);
	refuse_answer(
	    &f, &a, "session reused", ASSAY_E_USAGE, "this session has launched a guest already");
	assert_int_equal(assay_launch_stage(f.l), ASSAY_LAUNCH_CHECKED);
	launch_finish(f.l, &f.s);
	refuse_answer(
	    &f, &good, "after its secrets", ASSAY_E_USAGE, "its session is spent, whether or not");
	fixture_close(&f);
}

/* Who asks for more than before, and does not get it, has accepted nothing. */
static void
test_taken_back(void **state)
{
	static const uint8_t other[ASSAY_LAUNCH_DIGEST_SIZE] = { 1 };
	const struct assay_sev_api newer = { 1, 56, 0 };
	struct assay_error err = { ASSAY_OK, "" };
	struct fixture f;

	(void)state;
	fixture_open(&f);
	struct assay_launch_answer a = answer_of(&f.s, POLICY, 1);
	refuse_answer(&f, &a, "accepted", ASSAY_OK, "");
	expect_outcome("another TIK",
	    assay_launch_check(f.l, f.s.tek, NULL, expected, &a, NULL, &err), &err, ASSAY_E_USAGE,
	    "TIK: ");
	assert_int_equal(assay_launch_stage(f.l), ASSAY_LAUNCH_CHECKED);
	expect_outcome("newer firmware wanted",
	    assay_launch_check(f.l, f.s.tik, &newer, expected, &a, NULL, &err), &err,
	    ASSAY_E_POLICY, "its owner asks for 1.56");
	assert_int_equal(assay_launch_stage(f.l), ASSAY_LAUNCH_SESSION);
	assert_int_equal(assay_launch_measure(f.l).len, 0);
	refuse_answer(&f, &a, "accepted again", ASSAY_OK, "");
	expect_outcome("another digest wanted",
	    assay_launch_check(f.l, f.s.tik, NULL, other, &a, NULL, &err), &err, ASSAY_E_SIGNATURE,
	    "is not that of the expected digest");
	assert_int_equal(assay_launch_stage(f.l), ASSAY_LAUNCH_SESSION);
	fixture_close(&f);
}

static void
test_floors(void **state)
{
	static const struct {
		struct assay_sev_api api, floor;
		bool refused;
		const char *words;
	} cases[] = {
		{ { 1, 39, 255 }, { 0, 0, 0 }, true,
		    "firmware: is 1.39 build 255, and the guest policy asks for 1.40 build 0" },
		{ { 0, 255, 0 }, { 0, 0, 0 }, true, "the guest policy asks for 1.40" },
		{ { 1, 40, 0 }, { 0, 0, 0 }, false, "" },
		{ { 1, 55, 23 }, { 1, 55, 24 }, true,
		    "firmware: is 1.55 build 23, and its owner asks for 1.55 build 24" },
		{ { 1, 54, 99 }, { 1, 55, 24 }, true, "and its owner asks for" },
		{ { 1, 55, 24 }, { 1, 55, 24 }, false, "" },
		{ { 2, 0, 0 }, { 1, 55, 24 }, false, "" },
	};
	struct fixture f;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct assay_error err = { ASSAY_OK, "" };
		fixture_open(&f);
		struct assay_launch_answer a = answer_of(&f.s, POLICY, 1);
		a.api = cases[i].api;
		assert_true(assay_launch_measure_of(a.measure, f.s.tik, POLICY, expected, &a));
		enum assay_code rc =
		    assay_launch_check(f.l, f.s.tik, &cases[i].floor, expected, &a, NULL, &err);
		expect_outcome(cases[i].words, rc, &err,
		    cases[i].refused ? ASSAY_E_POLICY : ASSAY_OK, cases[i].words);
		fixture_close(&f);
	}
}

/* --- the secrets ------------------------------------------------------------------------- */

static enum assay_code
inject(struct fixture *f, struct assay_bytes key, struct assay_bytes public,
    const struct assay_launch_secret *secrets, size_t count, struct assay_error *err)
{
	uint8_t header[ASSAY_LAUNCH_HEADER_SIZE], *payload = NULL;
	size_t len = 0;
	struct assay_launch_input in = { f->s.tek, f->s.tik, key, public, secrets, count, 0 };
	enum assay_code rc = assay_launch_inject(header, &payload, &len, f->l, &in, err);

	free(payload);
	return rc;
}

/* Whoever can write where the keys lie, and knows those that he puts there, gets no secret under them. */
static void
test_keys_of_another(void **state)
{
	uint8_t header[ASSAY_LAUNCH_HEADER_SIZE], *key = NULL, *payload = NULL;
	struct assay_error err = { ASSAY_OK, "" };
	struct assay_launch_session his;
	struct assay_launch *other;
	struct fixture f;
	size_t key_len = 0, len = 0;

	(void)state;
	fixture_open(&f);
	other = launch_begin(&his, &f.p);
	/* He needs no guest: he computes what the firmware would have measured. */
	struct assay_launch_answer a = answer_of(&his, POLICY, 1);
	expect_outcome("his measurement",
	    assay_launch_check(f.l, his.tik, NULL, expected, &a, NULL, &err), &err, ASSAY_E_USAGE,
	    "TIK: is not the one that was made with this record");
	assert_int_equal(assay_launch_stage(f.l), ASSAY_LAUNCH_SESSION);
	launch_check(f.l, &f.s);
	assert_int_equal(assay_launch_key_make(&key, &key_len, "P-256", &err), ASSAY_OK);
	struct assay_launch_input in = {
		.tek = his.tek, .tik = f.s.tik, .private_key_info = { key, key_len }
	};
	expect_outcome("his TEK", assay_launch_inject(header, &payload, &len, f.l, &in, &err), &err,
	    ASSAY_E_USAGE, "TEK: is not the one that was made with this record");
	in.tek = f.s.tek;
	in.tik = his.tik;
	expect_outcome("his TIK", assay_launch_inject(header, &payload, &len, f.l, &in, &err), &err,
	    ASSAY_E_USAGE, "TIK: is not the one that was made with this record");
	assert_null(payload);
	assert_int_equal(assay_launch_stage(f.l), ASSAY_LAUNCH_CHECKED);
	free(key);
	assay_launch_free(other);
	fixture_close(&f);
}

static void
test_secret_reaches_the_guest(void **state)
{
	struct fixture f;
	struct assay_error err = { ASSAY_OK, "" };
	uint8_t header[ASSAY_LAUNCH_HEADER_SIZE], *payload = NULL, *key = NULL, plain[512];
	uint8_t message[1024], mac[32];
	size_t len = 0, key_len = 0;
	struct assay_launch_secret disk = { "736869E5-84f0-4973-92ec-06879ce3da0b",
		{ (const uint8_t *)"hunter2", 7 } };

	(void)state;
	fixture_open(&f);
	launch_check(f.l, &f.s);
	assert_int_equal(assay_launch_key_make(&key, &key_len, "Ed25519", &err), ASSAY_OK);
	assert_int_equal(key_len, 48);
	struct assay_launch_input in = { f.s.tek, f.s.tik, { key, key_len }, { NULL, 0 }, &disk, 1,
		0 };
	assert_int_equal(assay_launch_inject(header, &payload, &len, f.l, &in, &err), ASSAY_OK);
	/* 20 of the table, 20 + 48, 20 + 7: 115, and 13 of padding. */
	assert_int_equal(len, 128);
	assert_true(
	    assay_aes128_ctr(plain, f.s.tek, header + 4, (struct assay_bytes){ payload, len }));
	assert_int_equal(assay_u32le(plain + 16), 115);
	assert_int_equal(assay_u32le(plain + 20 + 16), 20 + 48);
	assert_memory_equal(plain + 40, key, key_len);
	assert_memory_equal(plain + 20 + 20 + 48 + 20, "hunter2", 7);
	/* Mixed-endian, whatever the case. */
	static const uint8_t guid[] = { 0xe5, 0x69, 0x68, 0x73, 0xf0, 0x84, 0x73, 0x49, 0x92, 0xec,
		0x06, 0x87, 0x9c, 0xe3, 0xda, 0x0b };
	assert_memory_equal(plain + 20 + 20 + 48, guid, sizeof guid);
	/* The MAC ties it to this launch. */
	memset(message, 0, sizeof message);
	message[0] = 1;
	memcpy(message + 5, header + 4, 16);
	message[21] = message[25] = 128;
	memcpy(message + 29, payload, len);
	memcpy(message + 29 + len, assay_launch_measure(f.l).ptr, 32);
	assert_true(assay_hmac_sha256(mac, (struct assay_bytes){ f.s.tik, 16 },
	    (struct assay_bytes){ message, 29 + len + 32 }));
	assert_memory_equal(mac, header + 20, 32);

	assert_int_equal(assay_launch_stage(f.l), ASSAY_LAUNCH_COMPLETE);
	assert_int_equal(assay_launch_key(f.l).len, 44);
	assert_string_equal(assay_launch_secret_guid(f.l, 0), ASSAY_LAUNCH_KEY_GUID);
	assert_string_equal(
	    assay_launch_secret_guid(f.l, 1), "736869e5-84f0-4973-92ec-06879ce3da0b");
	assert_null(assay_launch_secret_guid(f.l, 2));
	expect_outcome("a second time",
	    inject(&f, (struct assay_bytes){ key, key_len }, (struct assay_bytes){ NULL, 0 }, NULL,
		0, &err),
	    &err, ASSAY_E_USAGE, "its session is spent, whether or not");
	free(payload);
	free(key);
	fixture_close(&f);
}

static void
test_secret_refused(void **state)
{
	static uint8_t large[ASSAY_LAUNCH_PAYLOAD_MAX];
	struct assay_bytes none = { NULL, 0 };
	struct assay_error err = { ASSAY_OK, "" };
	struct fixture f;
	uint8_t *key = NULL, changed[256];
	size_t key_len = 0;

	(void)state;
	fixture_open(&f);
	expect_outcome("RSA", assay_launch_key_make(&key, &key_len, "RSA", &err), &err,
	    ASSAY_E_USAGE, "key type: \"RSA\" is none of P-256, Ed25519");
	assert_int_equal(assay_launch_key_make(&key, &key_len, "P-256", &err), ASSAY_OK);
	struct assay_bytes good = { key, key_len };
	expect_outcome("before its check", inject(&f, good, none, NULL, 0, &err), &err,
	    ASSAY_E_USAGE, "was not checked yet, so no secret goes there");
	launch_check(f.l, &f.s);
	struct assay_launch_secret twice[] = { { "736869e5-84f0-4973-92ec-06879ce3da0b", none },
		{ "736869e5-84f0-4973-92ec-06879ce3da0B", none } };
	expect_outcome("twice", inject(&f, good, none, twice, 2, &err), &err, ASSAY_E_USAGE,
	    "736869e5-84f0-4973-92ec-06879ce3da0b is there twice");
	struct assay_launch_secret own = { ASSAY_LAUNCH_KEY_GUID, none };
	expect_outcome("the key's own", inject(&f, good, none, &own, 1, &err), &err, ASSAY_E_USAGE,
	    "is there twice");
	struct assay_launch_secret no_guid = { "736869e5-84f0-4973-92ec-06879ce3da0", none };
	expect_outcome("no GUID", inject(&f, good, none, &no_guid, 1, &err), &err, ASSAY_E_USAGE,
	    "is no GUID");
	struct assay_launch_secret long_one = { twice[0].guid,
		{ large, ASSAY_LAUNCH_AREA_SIZE - 60 - key_len + 1 } };
	expect_outcome("too large", inject(&f, good, none, &long_one, 1, &err), &err, ASSAY_E_USAGE,
	    "secrets: are 3088 bytes with the guest's key and 20 for each, and 3072 fit into the "
	    "area of the firmware, as images have it (--ovmf tells of another); give fewer, or "
	    "shorter ones");
	long_one.data.len = SIZE_MAX - 60 - key_len + 1;
	expect_outcome("larger than there is", inject(&f, good, none, &long_one, 1, &err), &err,
	    ASSAY_E_USAGE, "3072 fit");
	expect_outcome("too many", inject(&f, good, none, NULL, ASSAY_LAUNCH_SECRETS_MAX, &err),
	    &err, ASSAY_E_USAGE, "are 65, at most 64");
	expect_outcome("no key", inject(&f, assay_bytes_of("key"), none, NULL, 0, &err), &err,
	    ASSAY_E_FORMAT, "3 bytes are no PrivateKeyInfo");
	/* A record with a public half that is not the guest's: the session would be spent for nothing. */
	static const uint8_t spki[] = { 0x30, 0x03, 0x02, 0x01, 0x07 };
	struct assay_bytes not_its = { spki, sizeof spki };
	expect_outcome("no key, and a public one",
	    inject(&f, assay_bytes_of("key"), not_its, NULL, 0, &err), &err, ASSAY_E_FORMAT,
	    "3 bytes are no PrivateKeyInfo");
	expect_outcome("another public half", inject(&f, good, not_its, NULL, 0, &err), &err,
	    ASSAY_E_USAGE, "public key: is not that of the private key");
	memcpy(changed, key, key_len);
	changed[key_len] = 0;
	expect_outcome("a byte behind it",
	    inject(&f, (struct assay_bytes){ changed, key_len + 1 }, none, NULL, 0, &err), &err,
	    ASSAY_E_FORMAT, "are no PrivateKeyInfo");
	changed[14] ^= 0x55; /* in the OID of the algorithm */
	expect_outcome("of an algorithm nobody knows",
	    inject(&f, (struct assay_bytes){ changed, key_len }, none, NULL, 0, &err), &err,
	    ASSAY_E_UNSUPPORTED, "its algorithm is not known here");
	assert_int_equal(assay_launch_stage(f.l), ASSAY_LAUNCH_CHECKED);
	/* With its public half beside it, it goes in all the same. */
	expect_outcome("what is no public key",
	    inject(&f, (struct assay_bytes){ changed, key_len }, assay_bytes_of("hello"), NULL, 0,
		&err),
	    &err, ASSAY_E_FORMAT, "public key: 5 bytes are no SubjectPublicKeyInfo");
	assert_int_equal(assay_launch_stage(f.l), ASSAY_LAUNCH_CHECKED);
	assert_int_equal(
	    inject(&f, (struct assay_bytes){ changed, key_len }, not_its, NULL, 0, &err), ASSAY_OK);
	assert_memory_equal(assay_launch_key(f.l).ptr, spki, sizeof spki);
	free(key);
	fixture_close(&f);
}

/* The largest that fits. */
static void
test_secret_largest(void **state)
{
	static uint8_t table[ASSAY_LAUNCH_AREA_SIZE], large[ASSAY_LAUNCH_AREA_SIZE];
	struct assay_launch_secret one = { ASSAY_LAUNCH_KEY_GUID, { large, sizeof table - 40 } };

	(void)state;
	assert_int_equal(assay_launch_table(table, sizeof table, &one, 1), sizeof table);
	assert_int_equal(assay_launch_table(table, sizeof table - 1, &one, 1), 0);
	one.data.len++;
	assert_int_equal(assay_launch_table(table, sizeof table, &one, 1), 0);
}

/* Whoever is refused wipes nothing, so nothing may be there. */
static void
test_secret_refused_is_nowhere(void **state)
{
	struct assay_launch_secret all[] = { { ASSAY_LAUNCH_KEY_GUID, assay_bytes_of("hunter2") },
		{ "736869e5-84f0-4973-92ec-06879ce3da0b", { NULL, ASSAY_LAUNCH_PAYLOAD_MAX } } };
	uint8_t table[256] = { 0 }, before[sizeof table] = { 0 };

	(void)state;
	assert_int_equal(assay_launch_table(table, sizeof table, all, 2), 0);
	assert_memory_equal(table, before, sizeof table);
	all[1] = (struct assay_launch_secret){ "no GUID", assay_bytes_of("hunter3") };
	assert_int_equal(assay_launch_table(table, sizeof table, all, 2), 0);
	assert_memory_equal(table, before, sizeof table);
}

/* What is behind the area are the hashes of the kernel: up to its end, and no byte more. */
static void
test_secret_area(void **state)
{
	static const struct {
		size_t area, fits;
		const char *words;
	} cases[] = {
		{ 0, 3072, "are 3088 bytes with the guest's key and 20 for each, and 3072 fit" },
		{ 3072, 3072, "are 3088 bytes with the guest's key and 20 for each, and 3072 fit" },
		{ 1024, 1024, "are 1040 bytes with the guest's key and 20 for each, and 1024 fit" },
		{ 1039, 1024, "are 1040 bytes with the guest's key and 20 for each, and 1024 fit" },
		{ 8192, 8192, "are 8208 bytes with the guest's key and 20 for each, and 8192 fit" },
		{ SIZE_MAX, 16384, "and 16384 fit" }, /* more than the platform takes */
	};
	static uint8_t large[ASSAY_LAUNCH_PAYLOAD_MAX];
	uint8_t header[ASSAY_LAUNCH_HEADER_SIZE], *key = NULL;
	struct assay_error err = { ASSAY_OK, "" };
	size_t key_len = 0, len = 0;
	struct fixture f;

	(void)state;
	assert_int_equal(assay_launch_key_make(&key, &key_len, "Ed25519", &err), ASSAY_OK);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		uint8_t *payload = NULL;
		struct assay_launch_secret one = { "736869e5-84f0-4973-92ec-06879ce3da0b",
			{ large, cases[i].fits - 60 - key_len + 1 } };
		fixture_open(&f);
		launch_check(f.l, &f.s);
		struct assay_launch_input in = { f.s.tek, f.s.tik, { key, key_len }, { NULL, 0 },
			&one, 1, cases[i].area };
		expect_outcome("a byte too many",
		    assay_launch_inject(header, &payload, &len, f.l, &in, &err), &err,
		    ASSAY_E_USAGE, cases[i].words);
		assert_null(payload);
		assert_int_equal(assay_launch_stage(f.l), ASSAY_LAUNCH_CHECKED);
		one.data.len--;
		assert_int_equal(
		    assay_launch_inject(header, &payload, &len, f.l, &in, &err), ASSAY_OK);
		assert_int_equal(len, cases[i].fits);
		free(payload);
		fixture_close(&f);
	}
	free(key);
}

/* --- the chain --------------------------------------------------------------------------- */

static void
test_chain(void **state)
{
	static uint8_t all[4 * SEV_CERT_SIZE + 1];
	struct platform p;
	struct assay_launch_chain c = { .at = { { NULL, 0 } } };
	struct assay_error err = { ASSAY_OK, "" };

	(void)state;
	platform_make(&p);
	for (size_t i = 0; i < 4; i++)
		memcpy(all + i * SEV_CERT_SIZE, p.certs[3 - i], SEV_CERT_SIZE);
	struct assay_bytes in = { all, sizeof all - 1 };
	assert_int_equal(assay_launch_chain_add(&c, in, &err), ASSAY_OK);
	for (size_t i = 0; i < 4; i++)
		assert_memory_equal(c.at[i].ptr, p.certs[i], SEV_CERT_SIZE);
	assert_int_equal(c.at[ASSAY_LAUNCH_ASK].len, 0);
	assert_int_equal(assay_launch_chain_add(&c, in, &err), ASSAY_OK); /* the same once more */
	for (size_t cut = 0; cut < in.len; cut++) {
		struct assay_launch_chain part = { .at = { { NULL, 0 } } };
		enum assay_code rc =
		    assay_launch_chain_add(&part, (struct assay_bytes){ all, cut }, &err);
		assert_int_equal(
		    rc, cut > 0 && cut % SEV_CERT_SIZE == 0 ? ASSAY_OK : ASSAY_E_FORMAT);
	}
	in.len++;
	expect_outcome("a byte too many", assay_launch_chain_add(&c, in, &err), &err,
	    ASSAY_E_FORMAT, "at byte 8336 of 8337 stands no PDH");

	/* AMD's CEK takes the place of that which the platform exports, in either order. */
	uint8_t cek[SEV_CERT_SIZE];
	memcpy(cek, p.certs[ASSAY_LAUNCH_CEK], sizeof cek);
	put_le32(cek + 0x61c, SEV_USAGE_ASK);
	struct assay_bytes amds = { cek, sizeof cek };
	assert_int_equal(assay_launch_chain_add(&c, amds, &err), ASSAY_OK);
	assert_ptr_equal(c.at[ASSAY_LAUNCH_CEK].ptr, cek);
	in.len--;
	assert_int_equal(assay_launch_chain_add(&c, in, &err), ASSAY_OK);
	assert_ptr_equal(c.at[ASSAY_LAUNCH_CEK].ptr, cek);
	/* Of another key it is another chip's. */
	uint8_t other[SEV_CERT_SIZE];
	memcpy(other, cek, sizeof other);
	other[0x20] ^= 1;
	expect_outcome("another chip's",
	    assay_launch_chain_add(&c, (struct assay_bytes){ other, sizeof other }, &err), &err,
	    ASSAY_E_FORMAT, "there is a second CEK, another than the first");
	memcpy(other, p.certs[ASSAY_LAUNCH_PEK], sizeof other);
	other[0x20] ^= 1;
	expect_outcome("another PEK",
	    assay_launch_chain_add(&c, (struct assay_bytes){ other, sizeof other }, &err), &err,
	    ASSAY_E_FORMAT, "there is a second PEK");
	assay_pair_clear(&p.pdh);
}

/* --- allocations ------------------------------------------------------------------------- */

static enum assay_code
whole_launch(const struct platform *p, const struct assay_jwk *owner, const uint8_t *key,
    size_t key_len, struct assay_error *err)
{
	uint8_t header[ASSAY_LAUNCH_HEADER_SIZE], *payload = NULL;
	struct assay_launch_session s;
	struct assay_launch *l = NULL;
	char *text = NULL;
	size_t len = 0;
	enum assay_code rc = assay_launch_new(&l, &s, &p->start, err);

	if (rc == ASSAY_OK) {
		struct assay_launch_answer a = answer_of(&s, POLICY, 1);
		struct assay_launch_input in = {
			.tek = s.tek, .tik = s.tik, .private_key_info = { key, key_len }
		};
		rc = assay_launch_check(l, s.tik, NULL, expected, &a, NULL, err);
		if (rc == ASSAY_OK)
			rc = assay_launch_inject(header, &payload, &len, l, &in, err);
	}
	if (rc == ASSAY_OK)
		rc = assay_launch_write(&text, l, owner, err);
	free(text);
	free(payload);
	assay_launch_free(l);
	return rc;
}

static void
test_allocations(void **state)
{
	struct assay_jwk *owner = made("ES256");
	struct assay_error err = { ASSAY_OK, "" };
	struct platform p;
	uint8_t *key = NULL;
	size_t len = 0;
	bool failed = true;

	(void)state;
	platform_make(&p);
	assert_int_equal(assay_launch_key_make(&key, &len, "P-256", &err), ASSAY_OK);
	for (size_t n = 1; failed; n++) {
		alloc_fail_at(n);
		enum assay_code rc = whole_launch(&p, owner, key, len, &err);
		failed = alloc_failed();
		assert_int_equal(rc, failed ? ASSAY_E_NOMEM : ASSAY_OK);
	}
	free(key);
	assay_jwk_free(owner);
	assay_pair_clear(&p.pdh);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kdf),
		cmocka_unit_test(test_known_answers),
		cmocka_unit_test(test_session_opens),
		cmocka_unit_test(test_session_refused),
		cmocka_unit_test(test_measurement),
		cmocka_unit_test(test_taken_back),
		cmocka_unit_test(test_floors),
		cmocka_unit_test(test_keys_of_another),
		cmocka_unit_test(test_secret_reaches_the_guest),
		cmocka_unit_test(test_secret_refused),
		cmocka_unit_test(test_secret_largest),
		cmocka_unit_test(test_secret_area),
		cmocka_unit_test(test_secret_refused_is_nowhere),
		cmocka_unit_test(test_chain),
		cmocka_unit_test(test_allocations),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
