/* SPDX-License-Identifier: Apache-2.0 */
/* Evidence of real machines, taken apart by this test's own reader and put together again by the
 * simulator's writers: byte for byte the same. */
#include "platforms/tdx_module.h"
#include "vectors.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct sim *sim;
static size_t seen, failed_at;

/* --- a reader of its own ---------------------------------------------------------------------- */

struct in {
	const uint8_t *at;
	size_t left;
};

static const uint8_t *
take(struct in *in, size_t n)
{
	if (n > in->left)
		fail_msg("a capture is %zu bytes shorter than its form", n - in->left);
	in->at += n;
	in->left -= n;
	return in->at - n;
}

static uint64_t
number(struct in *in, size_t n)
{
	const uint8_t *at = take(in, n);
	uint64_t v = 0;

	while (n-- > 0)
		v = v << 8 | at[n];
	return v;
}

static uint16_t
take_u16(struct in *in)
{
	return (uint16_t)number(in, 2);
}

static uint32_t
take_u32(struct in *in)
{
	return (uint32_t)number(in, 4);
}

static void
take_into(struct in *in, void *out, size_t n)
{
	memcpy(out, take(in, n), n);
}

static struct sim_bytes
take_copy(struct in *in, size_t n)
{
	return sim_copy(sim, take(in, n), n);
}

static void
compare(const char *name, struct sim_bytes made, const uint8_t *real, size_t len)
{
	size_t at = 0;

	seen++;
	while (at < len && at < made.len && made.ptr[at] == real[at])
		at++;
	if (at == len && made.len == len)
		return;
	print_message("# %s: differs at %zu of %zu (made %zu)\n", name, at, len, made.len);
	failed_at++;
}

/* --- SGX and TDX ------------------------------------------------------------------------------ */

static struct sim_bytes
sgx_report(struct in *in)
{
	struct sim_sgx_report r = { .misc_select = 0 };

	take_into(in, r.cpu_svn, 16);
	r.misc_select = take_u32(in);
	r.reserved = *take(in, 1);
	take(in, 11);
	take_into(in, r.isv_ext_prod_id, 16);
	r.attributes = number(in, 8);
	r.xfrm = number(in, 8);
	take_into(in, r.mr_enclave, 32);
	take(in, 32);
	take_into(in, r.mr_signer, 32);
	take(in, 32);
	take_into(in, r.config_id, 64);
	r.isv_prod_id = take_u16(in);
	r.isv_svn = take_u16(in);
	r.config_svn = take_u16(in);
	take(in, 42);
	take_into(in, r.isv_family_id, 16);
	take_into(in, r.report_data, 64);
	return sim_sgx_report_write(sim, &r);
}

static void
take_td_info(struct in *in, struct sim_td_report *td)
{
	take_into(in, td->mr_td, 48);
	take_into(in, td->mr_config_id, 48);
	take_into(in, td->mr_owner, 48);
	take_into(in, td->mr_owner_config, 48);
	take_into(in, td->rtmr, sizeof td->rtmr);
}

static struct sim_bytes
td_body(struct in *in, uint16_t type)
{
	struct sim_td_report td = { .xfam = 0 };

	take_into(in, td.tee_tcb_svn, 16);
	take_into(in, td.mr_seam, 48);
	take_into(in, td.mr_signer_seam, 48);
	td.seam_attributes = number(in, 8);
	td.td_attributes = number(in, 8);
	td.xfam = number(in, 8);
	take_td_info(in, &td);
	take_into(in, td.report_data, 64);
	if (type == 3) {
		take_into(in, td.tee_tcb_svn2, 16);
		take_into(in, td.mr_service_td, 48);
	}
	return sim_td_report_write(sim, &td, type);
}

static void
quote(const char *path, struct assay_bytes file, void *context)
{
	struct in in = { file.ptr, file.len };
	struct sim_quote q = { .version = take_u16(&in) };
	struct sim_key key = { .kind = SIM_P256, .raw_len = 64 };

	(void)context;
	q.key_type = take_u16(&in);
	q.tee_type = take_u32(&in);
	q.qe_svn = take_u16(&in);
	q.pce_svn = take_u16(&in);
	take_into(&in, q.vendor, 16);
	take_into(&in, q.user_data, 20);
	q.body_type = q.tee_type == 0x81 ? 2 : 1;
	if (q.version == 5) {
		q.body_type = take_u16(&in);
		take_u32(&in);
	}
	q.body = q.tee_type == 0x81 ? td_body(&in, q.body_type) : sgx_report(&in);
	take_u32(&in);
	q.signature = take_copy(&in, 64);
	take_into(&in, key.raw, 64);
	q.attestation_key = &key;
	if (q.version >= 4) {
		q.outer_type = take_u16(&in);
		take_u32(&in);
	}
	q.qe_report = sgx_report(&in);
	q.qe_report_signature = take_copy(&in, 64);
	q.auth_data = take_copy(&in, take_u16(&in));
	q.cert_type = take_u16(&in);
	q.cert_data = take_copy(&in, take_u32(&in));
	compare(path, sim_quote_write(sim, &q), file.ptr, file.len);
	sim_reset(sim);
}

static void
quotes(void **state)
{
	(void)state;
	seen = failed_at = 0;
	vectors_each("dcap/quotes", quote, NULL);
	print_message("# %zu quotes\n", seen);
	assert_int_equal(failed_at, 0);
}

static void
td_report(const char *path)
{
	struct assay_bytes file = vectors_read(path);
	struct in in = { file.ptr, file.len };
	struct sim_tdreport r = { .type = 0 };

	if (file.ptr == NULL)
		return;
	r.type = *take(&in, 1);
	r.subtype = *take(&in, 1);
	r.version = *take(&in, 1);
	r.reserved = *take(&in, 1);
	take(&in, 12);
	take_into(&in, r.cpu_svn, 16);
	take(&in, 96); /* the two hashes: made anew */
	take_into(&in, r.td.report_data, 64);
	take(&in, 32);
	r.mac = take_copy(&in, 32);
	r.valid = number(&in, 8);
	take_into(&in, r.td.tee_tcb_svn, 16);
	take_into(&in, r.td.mr_seam, 48);
	take_into(&in, r.td.mr_signer_seam, 48);
	r.td.seam_attributes = number(&in, 8);
	take_into(&in, r.td.tee_tcb_svn2, 16);
	take(&in, SIM_TD_INFO_AT - SIM_TD_TCB_INFO_AT - 144);
	r.td.td_attributes = number(&in, 8);
	r.td.xfam = number(&in, 8);
	take_td_info(&in, &r.td);
	take_into(&in, r.td.mr_service_td, 48);
	compare(path, sim_tdreport_write(sim, &r), file.ptr, file.len);
	vectors_free(file);
	sim_reset(sim);
}

static void
td_reports(void **state)
{
	(void)state;
	seen = failed_at = 0;
	td_report("measure/tdreport_azure.bin");
	td_report("measure/tdreport_version1.bin");
	td_report("dcap/tdreport/tdreport-intel-dcap.bin");
	print_message("# %zu TDREPORTs\n", seen);
	assert_int_equal(failed_at, 0);
}

/* --- SEV-SNP ---------------------------------------------------------------------------------- */

static struct sim_bytes
big_endian(struct in *in)
{
	uint8_t both[96];

	for (size_t part = 0; part < 2; part++) {
		const uint8_t *at = take(in, 72);
		for (size_t i = 0; i < 48; i++)
			both[part * 48 + i] = at[47 - i];
	}
	return sim_copy(sim, both, sizeof both);
}

static void
snp_report(const char *path, struct assay_bytes file, void *context)
{
	struct in in = { file.ptr, file.len };
	struct sim_snp_report r = { .version = 0 };

	(void)context;
	if (file.len != 1184 || strstr(path, "negative") != NULL)
		return;
	r.version = take_u32(&in);
	r.guest_svn = take_u32(&in);
	r.policy = number(&in, 8);
	take_into(&in, r.family_id, 16);
	take_into(&in, r.image_id, 16);
	r.vmpl = take_u32(&in);
	r.signature_algo = take_u32(&in);
	r.current_tcb = number(&in, 8);
	r.platform_info = number(&in, 8);
	r.key_info = take_u32(&in);
	take(&in, 4);
	take_into(&in, r.report_data, 64);
	take_into(&in, r.measurement, 48);
	take_into(&in, r.host_data, 32);
	take_into(&in, r.id_key_digest, 48);
	take_into(&in, r.author_key_digest, 48);
	take_into(&in, r.report_id, 32);
	take_into(&in, r.report_id_ma, 32);
	r.reported_tcb = number(&in, 8);
	take_into(&in, r.cpuid, 3);
	take(&in, 21);
	take_into(&in, r.chip_id, 64);
	r.committed_tcb = number(&in, 8);
	take_into(&in, r.current, 3);
	take(&in, 1);
	take_into(&in, r.committed, 3);
	take(&in, 1);
	r.launch_tcb = number(&in, 8);
	r.launch_mit_vector = number(&in, 8);
	r.current_mit_vector = number(&in, 8);
	take(&in, 152);
	r.signature = big_endian(&in);
	compare(path, sim_snp_report_write(sim, &r), file.ptr, file.len);
	sim_reset(sim);
}

static void
snp_reports(void **state)
{
	(void)state;
	seen = failed_at = 0;
	vectors_each("sev/snp", snp_report, NULL);
	print_message("# %zu SNP reports\n", seen);
	assert_int_equal(failed_at, 0);
}

/* --- certificates ----------------------------------------------------------------------------- */

struct tlv {
	uint8_t tag;
	struct in value;
};

static struct tlv
take_tlv(struct in *in)
{
	struct tlv t = { .tag = *take(in, 1) };
	size_t n = *take(in, 1);

	if (n >= 0x80) {
		size_t octets = n & 0x7f;
		n = 0;
		while (octets-- > 0)
			n = n << 8 | *take(in, 1);
	}
	t.value.left = n;
	t.value.at = take(in, n);
	return t;
}

static const char *
oid_text(struct in oid, char out[64])
{
	int n = snprintf(out, 64, "%u.%u", oid.at[0] / 40U, oid.at[0] % 40U);
	unsigned long v = 0;

	for (size_t i = 1; i < oid.left; i++) {
		v = v << 7 | (oid.at[i] & 0x7f);
		if (oid.at[i] & 0x80)
			continue;
		n += snprintf(out + n, 64 - (size_t)n, ".%lu", v);
		v = 0;
	}
	return out;
}

static int64_t
utc(struct in t)
{
	char text[16] = "";
	int y, mo, d, h, mi, s;

	memcpy(text, t.at, t.left < 15 ? t.left : 15);
	if (sscanf(text, t.left == 13 ? "%2d%2d%2d%2d%2d%2dZ" : "%4d%2d%2d%2d%2d%2dZ", &y, &mo, &d,
		&h, &mi, &s) != 6)
		fail_msg("%s is no time", text);
	if (t.left == 13)
		y += y < 50 ? 2000 : 1900;
	y -= mo <= 2;
	int64_t era = y / 400, of_era = y - era * 400;
	int64_t of_year = (153 * (mo + (mo > 2 ? -3 : 9)) + 2) / 5 + d - 1;
	int64_t day = era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
	return day * 86400 + h * 3600 + mi * 60 + s;
}

/* The key's own bytes, as the simulator has them, from its BIT STRING. */
static void
public_key(struct sim_key *key, struct in spki)
{
	struct tlv algorithm = take_tlv(&spki), bits = take_tlv(&spki);

	take(&bits.value, 1);
	if (algorithm.value.left > 13) { /* EC, with a curve */
		take(&bits.value, 1);
		key->raw_len = bits.value.left;
		key->kind = key->raw_len == 64 ? SIM_P256 : SIM_P384;
		take_into(&bits.value, key->raw, key->raw_len);
		return;
	}
	struct tlv rsa = take_tlv(&bits.value), modulus = take_tlv(&rsa.value);
	if (modulus.value.at[0] == 0)
		take(&modulus.value, 1);
	key->raw_len = modulus.value.left;
	key->kind = key->raw_len == 256 ? SIM_RSA2048 : SIM_RSA4096;
	take_into(&modulus.value, key->raw, key->raw_len);
}

/* r || s from the DER signature; RSA's is the number itself. */
static struct sim_bytes
signature(struct in bits, size_t half)
{
	uint8_t both[96] = { 0 };

	take(&bits, 1);
	if (half == 0)
		return take_copy(&bits, bits.left);
	struct tlv seq = take_tlv(&bits);
	for (size_t i = 0; i < 2; i++) {
		struct in v = take_tlv(&seq.value).value;
		if (v.left > half)
			take(&v, v.left - half);
		size_t n = v.left;
		take_into(&v, both + i * half + half - n, n);
	}
	return sim_copy(sim, both, 2 * half);
}

static struct sim_bytes
whole(const struct in *from, const struct in *to)
{
	return sim_copy(sim, from->at, (size_t)(to->at - from->at));
}

static void
take_extensions(struct sim_cert *c, struct in in, char oids[24][64])
{
	struct in list = take_tlv(&in).value;

	while (list.left > 0) {
		struct in one = take_tlv(&list).value;
		struct sim_extension *e = &c->extensions[c->extension_count];
		e->oid = oid_text(take_tlv(&one).value, oids[c->extension_count++]);
		struct tlv next = take_tlv(&one);
		if (next.tag == 0x01) {
			e->critical = true;
			next = take_tlv(&one);
		}
		e->value = sim_copy(sim, next.value.at, next.value.left);
	}
}

/* Which of the algorithms it is, found by writing each. */
static enum sim_alg
algorithm(struct sim_bytes der)
{
	for (int alg = 0; alg <= SIM_ALG_RSA_SHA384; alg++) {
		struct sim_cert c = { .version = 3, .alg = (enum sim_alg)alg };
		struct sim_key key = { .kind = SIM_RSA2048, .raw_len = 256 };
		uint8_t none[256] = { 0 };
		c.inner_alg = c.alg;
		c.key = c.signer = &key;
		c.signature = sim_view(none, sizeof none);
		struct sim_bytes made = sim_cert_write(sim, &c);
		for (size_t i = 0; i + der.len <= made.len; i++)
			if (memcmp(made.ptr + i, der.ptr, der.len) == 0)
				return (enum sim_alg)alg;
	}
	fail_msg("an algorithm that the simulator does not write");
	return SIM_ALG_RSA_SHA384;
}

static struct sim_cert parsed;
static struct sim_key parsed_key, parsed_signer;
static char parsed_oids[24][64];

static struct sim_bytes
extension(const char *oid)
{
	for (size_t i = 0; i < parsed.extension_count; i++)
		if (strcmp(parsed.extensions[i].oid, oid) == 0)
			return parsed.extensions[i].value;
	return (struct sim_bytes){ NULL, 0 };
}

/* The common extensions, written again from their meaning. */
static void
common_extensions(const char *name)
{
	struct sim_cert c = { .version = 3 };
	struct sim_bytes usage = extension(SIM_OID_KEY_USAGE), basic = extension(SIM_OID_BASIC);
	struct sim_bytes point = extension(SIM_OID_CRL_POINT);
	unsigned bits = 0;

	for (unsigned i = 0; i < 8 && usage.len == 4; i++)
		bits |= (usage.ptr[3] & 0x80U >> i) != 0 ? 1U << i : 0;
	if (usage.len == 4) {
		(strstr(name, "sev/") != NULL ? sim_set_usage_amd : sim_set_usage)(sim, &c, bits);
		compare(name, c.extensions[0].value, usage.ptr, usage.len);
	}
	if (basic.len > 0) {
		struct in in = { basic.ptr, basic.len }, seq = take_tlv(&in).value;
		bool ca = seq.left > 0 && take_tlv(&seq).value.at[0] != 0;
		int path_len = seq.left > 0 ? take_tlv(&seq).value.at[0] : -1;
		c.extension_count = 0;
		sim_set_basic(sim, &c, ca, path_len);
		compare(name, c.extensions[0].value, basic.ptr, basic.len);
	}
	if (point.len > 12 && point.len < 256) {
		char uri[256] = "";
		struct in in = { point.ptr, point.len };
		for (int depth = 0; depth < 4; depth++) /* SEQUENCE, SEQUENCE, [0], [0] */
			in = take_tlv(&in).value;
		struct in text = take_tlv(&in).value;
		memcpy(uri, text.at, text.left);
		c.extension_count = 0;
		sim_set_crl_point(sim, &c, uri);
		compare(name, c.extensions[0].value, point.ptr, point.len);
	}
}

/* The subject, from its common name alone. */
static void
own_name(const char *name)
{
	struct in in = { parsed.subject.ptr, parsed.subject.len }, list = take_tlv(&in).value;
	bool amd = strstr(name, "sev/") != NULL;
	char cn[128] = "";

	while (list.left > 0) {
		struct in set = take_tlv(&list).value, pair = take_tlv(&set).value;
		struct in oid = take_tlv(&pair).value, text = take_tlv(&pair).value;
		if (oid.left == 3 && oid.at[2] == 3 && text.left < sizeof cn)
			memcpy(cn, text.at, text.left);
	}
	compare(name, sim_name(sim, amd ? SIM_NAME_AMD : SIM_NAME_INTEL, cn), parsed.subject.ptr,
	    parsed.subject.len);
}

static void
certificate(const char *name, const uint8_t *der, size_t len)
{
	struct in in = { der, len }, from;
	struct in outer = take_tlv(&in).value;
	struct in tbs = take_tlv(&outer).value;
	struct sim_cert *c = &parsed;

	parsed = (struct sim_cert){ .key = &parsed_key, .signer = &parsed_signer };
	parsed_key = parsed_signer = (struct sim_key){ .raw_len = 0 };
	c->version = take_tlv(&tbs).value.at[2] + 1;
	struct in serial = take_tlv(&tbs).value;
	c->serial = sim_copy(sim, serial.at, serial.left);
	from = tbs;
	take_tlv(&tbs);
	c->alg = c->inner_alg = algorithm(whole(&from, &tbs));
	from = tbs;
	take_tlv(&tbs);
	c->issuer = whole(&from, &tbs);
	struct in dates = take_tlv(&tbs).value;
	c->not_before = utc(take_tlv(&dates).value);
	c->not_after = utc(take_tlv(&dates).value);
	from = tbs;
	take_tlv(&tbs);
	c->subject = whole(&from, &tbs);
	public_key(&parsed_key, take_tlv(&tbs).value);
	if (tbs.left > 0)
		take_extensions(c, take_tlv(&tbs).value, parsed_oids);
	take_tlv(&outer);
	bool ec = c->alg == SIM_ALG_ECDSA_SHA256 || c->alg == SIM_ALG_ECDSA_SHA384;
	parsed_signer.kind = ec ? SIM_P256 : SIM_RSA4096;
	c->signature = signature(take_tlv(&outer).value, ec ? 32 : 0);
	compare(name, sim_cert_write(sim, c), der, len);
	common_extensions(name);
	own_name(name);
}

/* The members of a VCEK or VLEK, written again from their meaning. */
static void
amd_members(const char *name)
{
	static const char *const numbers[] = { ".1", ".3.1", ".3.2", ".3.3", ".3.4", ".3.5", ".3.6",
		".3.7", ".3.8", ".3.9" };
	char oid[64], text[64] = "";

	for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
		snprintf(oid, sizeof oid, SIM_OID_AMD "%s", numbers[i]);
		struct sim_bytes value = extension(oid);
		struct in in = { value.ptr, value.len };
		uint64_t v = 0;
		if (value.len == 0)
			continue;
		for (struct in n = take_tlv(&in).value; n.left > 0;)
			v = v << 8 | *take(&n, 1);
		compare(name, sim_der_uint(sim, v), value.ptr, value.len);
	}
	struct sim_bytes product = extension(SIM_OID_AMD ".2");
	if (product.len > 2 && product.len < sizeof text) {
		memcpy(text, product.ptr + 2, product.len - 2);
		compare(name, sim_der_raw(sim, 0x16, text), product.ptr, product.len);
	}
}

/* AMD's CA certificates spell out the trailer field. Of its leaves some do and some do not. */
static void
compare_trailer(const char *name)
{
	if (parsed.alg == SIM_ALG_PSS_SHA384_TRAILER)
		return;
	print_message("# %s: no trailer field\n", name);
	failed_at++;
}

static void
amd_certificate(const char *path, struct assay_bytes file, void *context)
{
	size_t n = strlen(path);

	(void)context;
	if (n < 4 || strcmp(path + n - 4, ".der") != 0 || strstr(path, "negative") != NULL ||
	    strstr(path, "crl") != NULL)
		return;
	certificate(path, file.ptr, file.len);
	amd_members(path);
	sim_reset(sim);
}

/* The SGX extension of a PCK certificate, written again from its meaning. */
static void
pck_members(const char *name)
{
	struct sim_bytes value = extension(SIM_OID_SGX);
	struct in in = { value.ptr, value.len }, list;
	struct sim_pck_extension e = { .sgx_type = 0 };
	char oid[64];

	if (value.len == 0)
		return;
	list = take_tlv(&in).value;
	while (list.left > 0) {
		struct in pair = take_tlv(&list).value;
		const char *at = oid_text(take_tlv(&pair).value, oid) + strlen(SIM_OID_SGX) + 1;
		struct in v = take_tlv(&pair).value;
		void *into = at[0] == '1' ? (void *)e.ppid
		    : at[0] == '3'        ? (void *)e.pce_id
		    : at[0] == '4'        ? (void *)e.fmspc
		    : at[0] == '5'        ? (void *)&e.sgx_type
		    : at[0] == '6'        ? (void *)e.platform_instance
					  : NULL;
		e.platform |= at[0] == '6';
		if (into != NULL)
			take_into(&v, into, v.left);
		for (unsigned i = 0; at[0] == '2' && v.left > 0; i++) {
			struct in one = take_tlv(&v).value;
			take_tlv(&one);
			struct in svn = take_tlv(&one).value;
			if (i == 17) {
				take_into(&svn, e.cpu_svn, 16);
				continue;
			}
			unsigned n = 0;
			while (svn.left > 0)
				n = n << 8 | *take(&svn, 1);
			if (i < 16)
				e.components[i] = (uint8_t)n;
			else
				e.pce_svn = (uint16_t)n;
		}
	}
	struct sim_bytes made = sim_pck_extension_write(sim, &e);
	/* The three BOOLEANs are true with the simulator, and the machine's own with a real one. */
	for (size_t i = 0; e.platform && i < value.len && i < made.len; i++)
		if (made.ptr[i] == 0xff && value.ptr[i] == 0 && i > 2 && value.ptr[i - 2] == 0x01)
			made.ptr[i] = 0;
	compare(name, made, value.ptr, value.len);
}

static unsigned
base64_digit(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? c - 'A' + 0U
	    : c >= 'a' && c <= 'z'  ? c - 'a' + 26U
	    : c >= '0' && c <= '9'  ? c - '0' + 52U
	    : c == '+'              ? 62U
	    : c == '/'              ? 63U
				    : 64U;
}

static void
pem_certificates(const char *path, struct assay_bytes file, void *context)
{
	static const char begin[] = "-----BEGIN CERTIFICATE-----";
	const uint8_t *end = file.ptr + file.len;

	(void)context;
	if (strstr(path, "oldroot") != NULL) /* a damaged certificate */
		return;
	for (const uint8_t *at = file.ptr; (size_t)(end - at) > sizeof begin; at++) {
		struct sim_buf der = { .sim = sim };
		uint32_t bits = 0, have = 0;
		if (memcmp(at, begin, sizeof begin - 1) != 0)
			continue;
		for (at += sizeof begin - 1; at < end && *at != '-'; at++) {
			if (base64_digit(*at) > 63)
				continue;
			bits = bits << 6 | base64_digit(*at);
			have += 6;
			if (have >= 8) {
				have -= 8;
				sim_put(&der, &(uint8_t){ (uint8_t)(bits >> have) }, 1);
			}
		}
		certificate(path, der.ptr, der.len);
		if (strstr(path, "sev/") != NULL)
			compare_trailer(path);
		pck_members(path);
	}
	sim_reset(sim);
}

static void
certificates(void **state)
{
	(void)state;
	seen = failed_at = 0;
	vectors_each("sev/snp", amd_certificate, NULL);
	vectors_each("sev/roots/x509", pem_certificates, NULL);
	vectors_each("dcap/quotes", pem_certificates, NULL);
	vectors_each("dcap/collateral", pem_certificates, NULL);
	print_message("# %zu certificates and extensions\n", seen);
	assert_int_equal(failed_at, 0);
}

/* The extensions of a parsed certificate, in their order. */
static void
parsed_order(char out[1024])
{
	size_t n = 0;

	out[0] = '\0';
	for (size_t i = 0; i < parsed.extension_count; i++)
		n += (size_t)snprintf(out + n, 1024 - n, "%s ", parsed.extensions[i].oid);
}

/* What the simulator makes of itself has the extensions of a real one, in the same order. */
static void
same_order(const char *path, struct sim_bytes made)
{
	struct assay_bytes file = vectors_read(path);
	char real[1024], ours[1024];

	if (file.ptr == NULL)
		return;
	certificate(path, file.ptr, file.len);
	parsed_order(real);
	certificate(path, made.ptr, made.len);
	parsed_order(ours);
	assert_string_equal(ours, real);
	vectors_free(file);
}

static void
orders(void **state)
{
	static const struct {
		const char *path;
		enum sim_product product;
		bool vlek;
	} cases[] = { { "sev/snp/milan-v3/vcek.der", SIM_MILAN, false },
		{ "sev/snp/milan-v3-vlek/vlek.der", SIM_MILAN, true },
		{ "sev/snp/genoa-v5/vcek.der", SIM_GENOA, false },
		{ "sev/snp/turin-v5/vcek.der", SIM_TURIN, false } };

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct sim_snp p;
		struct sim_output out;
		sim_snp_new(&p, sim, cases[i].product, 3, cases[i].vlek, 1763700000, SIM_DAY);
		sim_snp_write(&p, &out);
		same_order(cases[i].path, sim_cert_write(sim, &p.leaf));
	}
	sim_reset(sim);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(quotes),
		cmocka_unit_test(td_reports),
		cmocka_unit_test(snp_reports),
		cmocka_unit_test(certificates),
		cmocka_unit_test(orders),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	sim = sim_new(1);
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	sim_free(sim);
	return failed;
}
