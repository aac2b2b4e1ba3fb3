/* SPDX-License-Identifier: Apache-2.0 */
#include "launch/record.h"

const char *
assay_launch_certificate_name(enum assay_launch_certificate which)
{
	static const char *const names[ASSAY_LAUNCH_CERTIFICATES] = {
		[ASSAY_LAUNCH_PDH] = "PDH",
		[ASSAY_LAUNCH_PEK] = "PEK",
		[ASSAY_LAUNCH_OCA] = "OCA",
		[ASSAY_LAUNCH_CEK] = "CEK",
		[ASSAY_LAUNCH_ASK] = "ASK",
		[ASSAY_LAUNCH_ARK] = "ARK",
	};

	return which < ASSAY_LAUNCH_CERTIFICATES ? names[which] : "none";
}

/* The certificate at the front of what is left; empty if there is none. */
static struct assay_bytes
next(enum assay_launch_certificate *which, struct assay_bytes left)
{
	struct assay_bytes sev = assay_bytes_at(left, 0, SEV_CERT_SIZE);
	struct assay_bytes amd = assay_bytes_at(left, 0, assay_amd_cert_length(left));

	for (*which = ASSAY_LAUNCH_PDH; *which < ASSAY_LAUNCH_CERTIFICATES; ++*which) {
		struct assay_bytes cert = *which < ASSAY_LAUNCH_ASK ? sev : amd;
		if (cert.len > 0 && assay_launch_cert_fits(*which, cert))
			return cert;
	}
	return (struct assay_bytes){ NULL, 0 };
}

static bool
has_amd_signature(struct assay_bytes cek)
{
	enum { FIRST_SLOT = 0x414, SECOND_SLOT = 0x61c };

	return assay_u32le(cek.ptr + FIRST_SLOT) == SEV_USAGE_ASK ||
	    assay_u32le(cek.ptr + SECOND_SLOT) == SEV_USAGE_ASK;
}

/* A CEK as the platform exports it, and the same with AMD's signature. */
static bool
one_cek(struct assay_bytes a, struct assay_bytes b)
{
	enum { KEY_AT = 0x10 };

	return assay_bytes_equal(assay_bytes_at(a, KEY_AT, SEV_CERT_SIGNED - KEY_AT),
	    assay_bytes_at(b, KEY_AT, SEV_CERT_SIGNED - KEY_AT));
}

static enum assay_code
put(struct assay_launch_chain *chain, enum assay_launch_certificate which, struct assay_bytes cert,
    struct assay_error *err)
{
	struct assay_bytes *at = &chain->at[which];

	if (at->len == 0 || assay_bytes_equal(*at, cert)) {
		*at = cert;
	} else if (which == ASSAY_LAUNCH_CEK && one_cek(*at, cert)) {
		if (!has_amd_signature(*at))
			*at = cert;
	} else {
		return assay_fail(err, ASSAY_E_FORMAT,
		    "chain: there is a second %s, another than the first; give the files of one "
		    "platform",
		    assay_launch_certificate_name(which));
	}
	return ASSAY_OK;
}

enum assay_code
assay_launch_chain_add(
    struct assay_launch_chain *chain, struct assay_bytes in, struct assay_error *err)
{
	struct assay_launch_chain all = *chain;
	struct assay_bytes left = in;
	enum assay_code rc = ASSAY_OK;

	if (in.len == 0)
		return assay_fail(err, ASSAY_E_FORMAT, "chain: is empty");
	while (rc == ASSAY_OK && left.len > 0) {
		enum assay_launch_certificate which;
		struct assay_bytes cert = next(&which, left);
		if (cert.len == 0)
			return assay_fail(err, ASSAY_E_FORMAT,
			    "chain: at byte %zu of %zu stands no PDH, PEK, OCA, CEK, ASK or ARK in "
			    "AMD's own formats",
			    in.len - left.len, in.len);
		left = (struct assay_bytes){ left.ptr + cert.len, left.len - cert.len };
		rc = put(&all, which, cert, err);
	}
	if (rc == ASSAY_OK)
		*chain = all;
	return rc;
}
