/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever our reader takes, OpenSSL's must take too and read the same from it: over every
 * certificate and CRL in the vectors, and over many mutations of each. */
#include "crypto/der.h"
#include "crypto/x509.h"

#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/x509v3.h>

#include "vectors.h"

enum { SEEDS_MAX = 1024, SCAN_MAX = 64 * 1024, MUTATIONS = 400, ROOM = 2 * X509_MAX };

struct seed {
	struct assay_bytes der; /* malloc'd */
	bool crl;
	char where[256];
};

static struct seed seeds[SEEDS_MAX];
static size_t seed_count;
static size_t compared;

/* --- comparison -------------------------------------------------------------------------- */

static void
same(const char *what, struct assay_bytes ours, const void *theirs, long len)
{
	if (len < 0 || ours.len != (size_t)len ||
	    (ours.len > 0 && memcmp(ours.ptr, theirs, ours.len) != 0))
		fail_msg("%s differs: %s and %s", what, assay_quote_hex(ours).text,
		    assay_quote_hex((struct assay_bytes){ theirs, len < 0 ? 0 : (size_t)len })
			.text);
}

static void
same_time(const char *what, int64_t ours, const ASN1_TIME *theirs)
{
	ASN1_TIME *epoch = ASN1_TIME_set(NULL, 0);
	int days = 0, seconds = 0;

	assert_non_null(theirs);
	assert_int_equal(ASN1_TIME_diff(&days, &seconds, epoch, theirs), 1);
	if (ours != days * (int64_t)86400 + seconds)
		fail_msg("%s differs", what);
	ASN1_TIME_free(epoch);
}

static void
same_number(const char *what, struct assay_bytes ours, const ASN1_INTEGER *theirs)
{
	while (ours.len > 1 && ours.ptr[0] == 0)
		ours = (struct assay_bytes){ ours.ptr + 1, ours.len - 1 };
	assert_int_equal(ASN1_STRING_type(theirs), V_ASN1_INTEGER); /* not negative */
	same(what, ours, ASN1_STRING_get0_data(theirs), ASN1_STRING_length(theirs));
}

static void
same_name(const char *what, struct assay_bytes ours, const X509_NAME *theirs)
{
	const unsigned char *der;
	size_t len;

	assert_int_equal(X509_NAME_get0_der(theirs, &der, &len), 1);
	same(what, ours, der, (long)len);
}

static void
same_signature(enum assay_scheme scheme, struct assay_bytes ours, const ASN1_BIT_STRING *theirs)
{
	const unsigned char *p = ASN1_STRING_get0_data(theirs);
	uint8_t raw[64];

	if (scheme == ASSAY_RSA_PSS_SHA384) {
		same("signature", ours, p, ASN1_STRING_length(theirs));
		return;
	}
	assert_int_equal(scheme, ASSAY_ECDSA_P256_SHA256);
	ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &p, ASN1_STRING_length(theirs));
	assert_non_null(sig);
	assert_int_equal(BN_bn2binpad(ECDSA_SIG_get0_r(sig), raw, 32), 32);
	assert_int_equal(BN_bn2binpad(ECDSA_SIG_get0_s(sig), raw + 32, 32), 32);
	ECDSA_SIG_free(sig);
	same("signature", ours, raw, sizeof raw);
}

static void
same_key(struct assay_public ours, X509 *x)
{
	ASN1_OBJECT *algorithm;
	X509_ALGOR *whole;
	const unsigned char *p;
	int len, curve_type;
	const void *curve;
	uint8_t n[512];

	assert_int_equal(
	    X509_PUBKEY_get0_param(&algorithm, &p, &len, &whole, X509_get_X509_PUBKEY(x)), 1);
	if (ours.kind == ASSAY_KEY_RSA) {
		assert_int_equal(OBJ_obj2nid(algorithm), NID_rsaEncryption);
		/* RSAPublicKey: the head, then INTEGER n, then INTEGER 65537. */
		struct assay_reader r = { .what = "key", .in = { p, (size_t)len } };
		struct assay_reader pair = assay_der_enter(&r, DER_SEQUENCE);
		assay_der_uint_into(&pair, n, ours.raw.len);
		same("modulus", ours.raw, n, (long)ours.raw.len);
		EVP_PKEY *key = X509_get0_pubkey(x);
		BIGNUM *their_n = NULL;
		assert_non_null(key);
		assert_int_equal(EVP_PKEY_get_bn_param(key, "n", &their_n), 1);
		assert_int_equal(BN_bn2binpad(their_n, n, (int)ours.raw.len), ours.raw.len);
		same("modulus", ours.raw, n, (long)ours.raw.len);
		BN_free(their_n);
		return;
	}
	assert_int_equal(OBJ_obj2nid(algorithm), NID_X9_62_id_ecPublicKey);
	X509_ALGOR_get0(NULL, &curve_type, &curve, whole);
	assert_int_equal(curve_type, V_ASN1_OBJECT);
	assert_int_equal(
	    OBJ_obj2nid(curve), ours.kind == ASSAY_KEY_P256 ? NID_X9_62_prime256v1 : NID_secp384r1);
	assert_true(len > 1 && p[0] == 4);
	same("point", ours.raw, p + 1, len - 1);

	/* The engines agree on which points are keys. */
	struct assay_key key = { { ASSAY_KEY_NONE, { NULL, 0 } }, NULL };
	bool good = assay_key_prepare(&key, ours, NULL) == ASSAY_OK;
	assert_int_equal(good, X509_get0_pubkey(x) != NULL);
	assay_key_clear(&key);
}

static void
same_extension(const struct x509_extension *ours, X509_EXTENSION *theirs)
{
	const ASN1_OBJECT *oid = X509_EXTENSION_get_object(theirs);
	const ASN1_OCTET_STRING *value = X509_EXTENSION_get_data(theirs);

	same("extension OID", ours->oid, OBJ_get0_data(oid), (long)OBJ_length(oid));
	same("extension value", ours->value, ASN1_STRING_get0_data(value),
	    ASN1_STRING_length(value));
	assert_int_equal(ours->critical, X509_EXTENSION_get_critical(theirs));
}

static void
same_meaning(const struct x509_cert *c, X509 *x)
{
	uint32_t flags = X509_get_extension_flags(x);
	const ASN1_OCTET_STRING *id;

	if (flags & EXFLAG_INVALID) /* an extension that we do not read is malformed */
		return;
	assert_int_equal(c->has_basic, (flags & EXFLAG_BCONS) != 0);
	assert_int_equal(c->ca, (flags & EXFLAG_CA) != 0);
	assert_int_equal(c->path_len, X509_get_pathlen(x));
	assert_int_equal(c->has_usage, (flags & EXFLAG_KUSAGE) != 0);
	for (unsigned bit = 0; c->has_usage && bit < 9; bit++)
		assert_int_equal(c->usage >> bit & 1,
		    (X509_get_key_usage(x) & (bit < 8 ? 0x80U >> bit : 0x8000U)) != 0);
	id = X509_get0_subject_key_id(x);
	assert_int_equal(id != NULL, c->skid.len > 0);
	if (id != NULL)
		same("skid", c->skid, ASN1_STRING_get0_data(id), ASN1_STRING_length(id));
	id = X509_get0_authority_key_id(x);
	assert_int_equal(id != NULL, c->akid.len > 0);
	if (id != NULL)
		same("akid", c->akid, ASN1_STRING_get0_data(id), ASN1_STRING_length(id));
}

static void
same_cert(const struct x509_cert *c, struct assay_bytes in)
{
	const unsigned char *p = in.ptr;
	X509 *x = d2i_X509(NULL, &p, (long)in.len);
	const ASN1_BIT_STRING *sig;
	unsigned char *tbs = NULL;

	if (x == NULL || p != in.ptr + in.len)
		fail_msg("OpenSSL does not read a certificate that we read");
	same_number("serial", c->serial, X509_get0_serialNumber(x));
	same_time("notBefore", c->not_before, X509_get0_notBefore(x));
	same_time("notAfter", c->not_after, X509_get0_notAfter(x));
	same_name("issuer", c->issuer, X509_get_issuer_name(x));
	same_name("subject", c->subject, X509_get_subject_name(x));
	same_key(c->key, x);
	X509_get0_signature(&sig, NULL, x);
	same_signature(c->scheme, (struct assay_bytes){ c->signature, c->signature_len }, sig);
	assert_int_equal(c->extension_count, X509_get_ext_count(x));
	for (size_t i = 0; i < c->extension_count; i++)
		same_extension(&c->extensions[i], X509_get_ext(x, (int)i));
	same_meaning(c, x);
	/* What we take is DER: encoding it anew changes nothing. */
	int len = i2d_re_X509_tbs(x, &tbs);
	same("signed part", c->tbs, tbs, len);
	OPENSSL_free(tbs);
	X509_free(x);
	compared++;
}

static void
same_crl(const struct x509_crl *c, struct assay_bytes in)
{
	const unsigned char *p = in.ptr;
	X509_CRL *x = d2i_X509_CRL(NULL, &p, (long)in.len);
	const ASN1_BIT_STRING *sig;
	unsigned char *tbs = NULL;

	if (x == NULL || p != in.ptr + in.len)
		fail_msg("OpenSSL does not read a CRL that we read");
	same_time("thisUpdate", c->this_update, X509_CRL_get0_lastUpdate(x));
	same_time("nextUpdate", c->next_update, X509_CRL_get0_nextUpdate(x));
	same_name("issuer", c->issuer, X509_CRL_get_issuer(x));
	X509_CRL_get0_signature(x, &sig, NULL);
	same_signature(c->scheme, (struct assay_bytes){ c->signature, c->signature_len }, sig);

	ASN1_INTEGER *number = X509_CRL_get_ext_d2i(x, NID_crl_number, NULL, NULL);
	uint64_t n = 0;
	assert_int_equal(number != NULL, c->has_number);
	if (number != NULL) {
		assert_int_equal(ASN1_INTEGER_get_uint64(&n, number), 1);
		assert_true(n == c->number);
	}
	ASN1_INTEGER_free(number);

	STACK_OF(X509_REVOKED) *list = X509_CRL_get_REVOKED(x);
	assert_int_equal(c->revoked_count, list == NULL ? 0 : sk_X509_REVOKED_num(list));
	struct assay_reader r = { .what = "revoked", .in = c->revoked };
	for (size_t i = 0; i < c->revoked_count; i++) {
		struct assay_reader entry = assay_der_enter(&r, DER_SEQUENCE);
		struct assay_bytes serial = assay_der_take(&entry, DER_INTEGER);
		const X509_REVOKED *rev = sk_X509_REVOKED_value(list, (int)i);
		same_number("revoked serial", serial, X509_REVOKED_get0_serialNumber(rev));
		assert_true(assay_x509_crl_lists(c, serial));
	}
	int len = i2d_re_X509_CRL_tbs(x, &tbs);
	same("signed part", c->tbs, tbs, len);
	OPENSSL_free(tbs);
	X509_CRL_free(x);
	compared++;
}

/* True if we take it; then OpenSSL agrees on everything. */
static bool
judge(struct assay_bytes in, bool crl, struct assay_error *err)
{
	enum assay_code rc;

	*err = (struct assay_error){ ASSAY_OK, "" };
	if (crl) {
		struct x509_crl c;
		if ((rc = assay_x509_crl_parse(&c, in, "crl", err)) == ASSAY_OK)
			same_crl(&c, in);
	} else {
		struct x509_cert c;
		if ((rc = assay_x509_parse(&c, in, "certificate", err)) == ASSAY_OK)
			same_cert(&c, in);
	}
	if (rc != ASSAY_OK && (err->code != rc || err->text[0] == '\0'))
		fail_msg("a refusal without a reason");
	return rc == ASSAY_OK;
}

/* --- finding them ------------------------------------------------------------------------ */

static void
keep(struct assay_bytes der, bool crl, const char *path)
{
	for (size_t i = 0; i < seed_count; i++)
		if (assay_bytes_equal(seeds[i].der, der))
			return;
	uint8_t *copy = malloc(der.len);
	assert_non_null(copy);
	assert_true(seed_count < SEEDS_MAX);
	memcpy(copy, der.ptr, der.len);
	struct seed *s = &seeds[seed_count++];
	s->der = (struct assay_bytes){ copy, der.len };
	s->crl = crl;
	(void)snprintf(s->where, sizeof s->where, "%s", path);
}

/* Keeps what OpenSSL takes for a certificate or a CRL at the front of `in`; its length, or 0. */
static size_t
take(struct assay_bytes in, const char *path)
{
	const unsigned char *p = in.ptr;
	X509 *x = d2i_X509(NULL, &p, (long)in.len);
	X509_CRL *c = NULL;
	size_t len = 0;

	if (x == NULL) {
		p = in.ptr;
		c = d2i_X509_CRL(NULL, &p, (long)in.len);
	}
	if (x != NULL || c != NULL) {
		len = (size_t)(p - in.ptr);
		keep((struct assay_bytes){ in.ptr, len }, c != NULL, path);
	}
	X509_free(x);
	X509_CRL_free(c);
	return len;
}

static void
scan_pem(const char *path, struct assay_bytes file)
{
	static const char begin[] = "-----BEGIN ";

	for (size_t i = 0; i + sizeof begin < file.len; i++) {
		if (file.ptr[i] != '-' || memcmp(file.ptr + i, begin, sizeof begin - 1) != 0)
			continue;
		size_t start = i + sizeof begin - 1;
		while (start < file.len && file.ptr[start] != '\n' && file.ptr[start] != '\r')
			start++;
		size_t end = start, len = 0;
		while (end < file.len && file.ptr[end] != '-')
			end++;
		uint8_t *der = malloc(ASSAY_UNBASE64_MAX(end - start));
		assert_non_null(der);
		if (assay_unbase64(
			der, &len, (struct assay_bytes){ file.ptr + start, end - start }))
			(void)take((struct assay_bytes){ der, len }, path);
		free(der);
	}
}

static void
scan(const char *path, struct assay_bytes file, void *context)
{
	(void)context;
	if (file.len > SCAN_MAX)
		return;
	scan_pem(path, file);
	for (size_t i = 0; i + 8 < file.len; i++)
		if (file.ptr[i] == 0x30 && file.ptr[i + 1] > 0x80 && file.ptr[i + 1] < 0x84) {
			size_t n = take((struct assay_bytes){ file.ptr + i, file.len - i }, path);
			i += n > 0 ? n - 1 : 0;
		}
}

/* --- mutations --------------------------------------------------------------------------- */

static uint64_t state = 0x9e3779b97f4a7c15;

static size_t
below(size_t n)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return n == 0 ? 0 : (size_t)(state >> 11) % n;
}

static size_t
put_head(uint8_t *out, uint8_t tag, size_t len)
{
	out[0] = tag;
	if (len < 0x80) {
		out[1] = (uint8_t)len;
		return 2;
	}
	if (len < 0x100) {
		out[1] = 0x81;
		out[2] = (uint8_t)len;
		return 3;
	}
	out[1] = 0x82;
	out[2] = (uint8_t)(len >> 8);
	out[3] = (uint8_t)len;
	return 4;
}

/* A random value anywhere in a DER tree. */
static struct assay_bytes
pick(struct assay_bytes der)
{
	struct assay_bytes whole = der;

	for (;;) {
		struct assay_reader r = { .what = "", .in = whole };
		uint8_t tag;
		struct assay_bytes content = assay_der_any(&r, &tag, NULL), children[64];
		size_t n = 0;
		if (!(tag & 0x20) || below(4) == 0)
			return whole;
		struct assay_reader list = { .what = "", .in = content };
		while (assay_reader_left(&list) > 0 && n < 64 && !list.overrun)
			(void)assay_der_any(&list, &tag, &children[n++]);
		if (list.overrun || n == 0)
			return whole;
		whole = children[below(n)];
	}
}

/* Copies `in` with one value exchanged (removed, doubled, replaced by another's), every length
 * around it put right: the structure stays DER. */
static size_t
splice(uint8_t *out, struct assay_bytes in, const uint8_t *target, struct assay_bytes by, int how)
{
	struct assay_reader r = { .what = "", .in = in };
	size_t n = 0;

	while (assay_reader_left(&r) > 0) {
		struct assay_bytes whole, content;
		uint8_t tag;
		content = assay_der_any(&r, &tag, &whole);
		if (r.overrun || n + whole.len + by.len + 8 > ROOM)
			return 0;
		if (whole.ptr == target) {
			if (how != 0) {
				memcpy(out + n, by.ptr, by.len);
				n += by.len;
			}
			if (how == 2) {
				memcpy(out + n, whole.ptr, whole.len);
				n += whole.len;
			}
		} else if (content.len > 0 && target >= content.ptr &&
		    target < content.ptr + content.len) {
			uint8_t *inner = malloc(ROOM);
			assert_non_null(inner);
			size_t m = splice(inner, content, target, by, how);
			n += put_head(out + n, tag, m);
			if (n + m <= ROOM)
				memcpy(out + n, inner, m);
			free(inner);
			n += m;
		} else {
			memcpy(out + n, whole.ptr, whole.len);
			n += whole.len;
		}
		if (n > ROOM)
			return 0;
	}
	return n;
}

static size_t
mutate(uint8_t *out, const struct seed *s)
{
	static const uint8_t liked[] = { 0, 1, 0x7f, 0x80, 0x81, 0x82, 0xff, 0x02, 0x30, 0x05 };
	size_t n = s->der.len;

	if (n > X509_MAX)
		return 0;
	memcpy(out, s->der.ptr, n);
	switch (below(8)) {
	case 0:
	case 1:
		for (size_t i = 0; i <= below(3); i++)
			out[below(n)] ^= (uint8_t)(1 << below(8));
		return n;
	case 2:
		out[below(n)] = liked[below(sizeof liked)];
		return n;
	case 3:
		return below(n);
	case 4: { /* one length octet off by one */
		struct assay_bytes v = pick(s->der);
		size_t at = (size_t)(v.ptr - s->der.ptr) + 1;
		if (at < n)
			out[at] = (uint8_t)(out[at] + (below(2) ? 1 : -1));
		return n;
	}
	case 5: { /* a changed value of the same length */
		struct assay_bytes v = pick(s->der);
		if (v.len > 2)
			out[(size_t)(v.ptr - s->der.ptr) + 2 + below(v.len - 2)] =
			    liked[below(sizeof liked)];
		return n;
	}
	default: {
		const struct seed *other = &seeds[below(seed_count)];
		return splice(out, s->der, pick(s->der).ptr, pick(other->der), (int)below(3));
	}
	}
}

/* --- tests ------------------------------------------------------------------------------- */

/* Of a vendor's issuer, or test data in a vendor's name: the profile must fit them all. A relying
 * party's own certificate that carries a quote as an extension is longer and none of theirs. */
static bool
vendors(const struct seed *s)
{
	static const char *const names[] = { "Intel Corporation", "Advanced Micro Devices" };

	for (size_t k = 0; k < 2 && s->der.len <= X509_MAX; k++)
		for (size_t i = 0; i + strlen(names[k]) <= s->der.len; i++)
			if (memcmp(s->der.ptr + i, names[k], strlen(names[k])) == 0)
				return true;
	return false;
}

static void
test_vectors(void **context)
{
	struct assay_error err;
	size_t accepted = 0, refused = 0;

	(void)context;
	for (size_t i = 0; i < seed_count; i++) {
		if (judge(seeds[i].der, seeds[i].crl, &err)) {
			accepted++;
			continue;
		}
		refused++;
		if (vendors(&seeds[i]))
			fail_msg("refused: %zu bytes in %s: %s", seeds[i].der.len, seeds[i].where,
			    err.text);
	}
	print_message("# %zu certificates and CRLs accepted and compared, %zu of others "
		      "refused\n",
	    accepted, refused);
}

static void
test_mutations(void **context)
{
	uint8_t *out = malloc(ROOM);
	struct assay_error err;
	size_t tried = 0, before = compared;

	(void)context;
	assert_non_null(out);
	for (size_t i = 0; i < seed_count; i++)
		for (size_t k = 0; k < MUTATIONS; k++) {
			size_t n = mutate(out, &seeds[i]);
			/* exactly sized, so that a sanitizer sees a byte read past the end */
			uint8_t *exact = malloc(n > 0 ? n : 1);
			assert_non_null(exact);
			memcpy(exact, out, n);
			(void)judge((struct assay_bytes){ exact, n }, seeds[i].crl, &err);
			free(exact);
			tried++;
		}
	free(out);
	print_message(
	    "# %zu mutations, %zu of them accepted and compared\n", tried, compared - before);
}

static int
find_seeds(void **context)
{
	(void)context;
	vectors_each("", scan, NULL);
	return 0;
}

static int
drop_seeds(void **context)
{
	(void)context;
	while (seed_count > 0)
		vectors_free(seeds[--seed_count].der);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors),
		cmocka_unit_test(test_mutations),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, find_seeds, drop_seeds);
}
