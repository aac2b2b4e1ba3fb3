/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/certificate.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "crypto/pair_engine.h"
#include "crypto/x509_fields.h"

enum { SERIAL = 16, COMMON_NAME_MAX = 64, VERSION_3 = 2, KEY_USAGE_DIGITAL_SIGNATURE = 0 };

static const int64_t last_second = 253402300799; /* of the year 9999, RFC 5280 4.1.2.5 */

static bool
put_serial(X509 *x)
{
	uint8_t bytes[SERIAL];
	bool ok = assay_random(bytes, sizeof bytes);

	bytes[0] = (uint8_t)((bytes[0] & 0x7f) | 0x40); /* positive, and of one length */
	BIGNUM *n = BN_bin2bn(bytes, sizeof bytes, NULL);
	ok = ok && n != NULL && BN_to_ASN1_INTEGER(n, X509_get_serialNumber(x)) != NULL;
	BN_free(n);
	return ok;
}

static bool
put_name(X509 *x, const char *name)
{
	X509_NAME *subject = X509_get_subject_name(x);

	return X509_NAME_add_entry_by_NID(subject, NID_commonName, MBSTRING_UTF8,
		   (const unsigned char *)name, -1, -1, 0) == 1 &&
	    X509_set_issuer_name(x, subject) == 1;
}

/* Of no CA; a key that signs handshakes. */
static bool
put_usage(X509 *x)
{
	BASIC_CONSTRAINTS *basic = BASIC_CONSTRAINTS_new();
	ASN1_BIT_STRING *usage = ASN1_BIT_STRING_new();
	bool ok = basic != NULL && usage != NULL &&
	    ASN1_BIT_STRING_set_bit(usage, KEY_USAGE_DIGITAL_SIGNATURE, 1) == 1 &&
	    X509_add1_ext_i2d(x, NID_basic_constraints, basic, 1, X509V3_ADD_DEFAULT) == 1 &&
	    X509_add1_ext_i2d(x, NID_key_usage, usage, 1, X509V3_ADD_DEFAULT) == 1;

	BASIC_CONSTRAINTS_free(basic);
	ASN1_BIT_STRING_free(usage);
	return ok;
}

static bool
put_extension(X509 *x, const char *oid, struct assay_bytes value)
{
	ASN1_OBJECT *id = OBJ_txt2obj(oid, 1);
	ASN1_OCTET_STRING *octets = ASN1_OCTET_STRING_new();
	X509_EXTENSION *e = NULL;
	bool ok = id != NULL && octets != NULL &&
	    ASN1_OCTET_STRING_set(octets, value.ptr, (int)value.len) == 1 &&
	    (e = X509_EXTENSION_create_by_OBJ(NULL, id, 0, octets)) != NULL &&
	    X509_add_ext(x, e, -1) == 1;

	X509_EXTENSION_free(e);
	ASN1_OCTET_STRING_free(octets);
	ASN1_OBJECT_free(id);
	return ok;
}

static bool
fill(X509 *x, EVP_PKEY *key, const struct certificate *from)
{
	return X509_set_version(x, VERSION_3) == 1 && put_serial(x) &&
	    put_name(x, from->common_name) &&
	    ASN1_TIME_set(X509_getm_notBefore(x), (time_t)from->not_before) != NULL &&
	    ASN1_TIME_set(X509_getm_notAfter(x), (time_t)from->not_after) != NULL &&
	    X509_set_pubkey(x, key) == 1 && put_usage(x) &&
	    put_extension(x, from->oid, from->value);
}

enum assay_code
assay_certificate_write(uint8_t **der, size_t *len, const struct assay_pair *pair,
    const struct certificate *from, struct assay_error *err)
{
	size_t name = strlen(from->common_name);

	if (name == 0 || name > COMMON_NAME_MAX)
		return assay_fail(err, ASSAY_E_USAGE,
		    "certificate: its common name is %zu bytes, want 1 to %d", name,
		    COMMON_NAME_MAX);
	if (!assay_utf8_valid((struct assay_bytes){ (const uint8_t *)from->common_name, name }))
		return assay_fail(err, ASSAY_E_USAGE, "certificate: its common name is no UTF-8");
	if (from->not_before < 0 || from->not_before > from->not_after ||
	    from->not_after > last_second)
		return assay_fail(err, ASSAY_E_USAGE,
		    "certificate: its dates are %lld and %lld, want seconds from 1970 to 9999, in "
		    "this order",
		    (long long)from->not_before, (long long)from->not_after);

	const EVP_MD *md = pair->kind == ASSAY_PAIR_P256 ? EVP_sha256()
	    : pair->kind == ASSAY_PAIR_P384              ? EVP_sha384()
							 : NULL; /* Ed25519 has its own */
	EVP_PKEY *key = assay_pair_engine(pair);
	X509 *x = X509_new();
	int n = key != NULL && x != NULL && fill(x, key, from) && X509_sign(x, key, md) > 0
	    ? i2d_X509(x, NULL)
	    : 0;
	uint8_t *out = n > 0 ? malloc((size_t)n) : NULL, *at = out;
	bool ok = out != NULL && i2d_X509(x, &at) == n;

	X509_free(x);
	EVP_PKEY_free(key);
	ERR_clear_error();
	if (!ok) {
		free(out);
		return assay_fail_nomem(err);
	}
	*der = out;
	*len = (size_t)n;
	return ASSAY_OK;
}
