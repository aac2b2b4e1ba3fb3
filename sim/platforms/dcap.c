/* SPDX-License-Identifier: Apache-2.0 */
/* A machine with SGX or TDX, and the vendor's certificates and collateral for it. */
#include "platforms/enclaves.h"
#include "platforms/platforms.h"

#include <stdio.h>
#include <string.h>

void
sim_output_add(struct sim_output *out, const char *name, struct sim_bytes bytes)
{
	if (out->item_count == SIM_ITEMS_MAX)
		sim_die("too much collateral");
	out->items[out->item_count++] = (struct sim_item){ name, bytes };
}

struct sim_bytes *
sim_output_item(struct sim_output *out, const char *name)
{
	for (size_t i = 0; i < out->item_count; i++)
		if (strcmp(out->items[i].name, name) == 0)
			return &out->items[i].bytes;
	sim_die("no item %s", name);
}

static struct sim_bytes
pair(struct sim *sim, const char *prefix, unsigned suffix, struct sim_bytes value)
{
	char oid[64];

	snprintf(oid, sizeof oid, "%s.%u", prefix, suffix);
	return SIM_SEQ(sim, sim_der_oid(sim, oid), value);
}

static struct sim_bytes
tcb_write(struct sim *sim, const struct sim_pck_extension *e)
{
	struct sim_buf b = { .sim = sim };

	for (unsigned i = 0; i < 16; i++)
		if ((e->components_leave >> i & 1) == 0)
			sim_put_bytes(&b,
			    pair(
				sim, SIM_OID_SGX ".2", i + 1, sim_der_uint(sim, e->components[i])));
	sim_put_bytes(&b, pair(sim, SIM_OID_SGX ".2", 17, sim_der_uint(sim, e->pce_svn)));
	sim_put_bytes(&b, pair(sim, SIM_OID_SGX ".2", 18, sim_der_octets(sim, e->cpu_svn, 16)));
	return sim_der(sim, 0x30, sim_taken(&b));
}

struct sim_bytes
sim_pck_extension_write(struct sim *sim, const struct sim_pck_extension *e)
{
	struct sim_bytes yes = sim_der_bool(sim, true);
	struct sim_bytes configuration = SIM_SEQ(sim, pair(sim, SIM_OID_SGX ".7", 1, yes),
	    pair(sim, SIM_OID_SGX ".7", 2, yes), pair(sim, SIM_OID_SGX ".7", 3, yes));
	struct sim_bytes members[7] = { sim_der_octets(sim, e->ppid, 16), tcb_write(sim, e),
		sim_der_octets(sim, e->pce_id, 2), sim_der_octets(sim, e->fmspc, 6),
		sim_der(sim, 0x0a, sim_copy(sim, &e->sgx_type, 1)),
		sim_der_octets(sim, e->platform_instance, 16), configuration };
	struct sim_buf b = { .sim = sim };

	for (unsigned i = 0; i < (e->platform ? 7U : 5U); i++) {
		struct sim_bytes member = pair(sim, SIM_OID_SGX, i + 1, members[i]);
		if ((e->leave >> i & 1) == 0)
			sim_put_bytes(&b, member);
		if (e->twice >> i & 1)
			sim_put_bytes(&b, member);
	}
	return sim_der(sim, 0x30, sim_taken(&b));
}

/* Intel numbers its own certificates by their subject key identifier. */
static struct sim_bytes
serial(struct sim *sim, const struct sim_key *key)
{
	struct sim_bytes id = sim_copy(sim, key->id, sizeof key->id);

	return key->id[0] >= 0x80 ? sim_join(sim, sim_copy(sim, "\0", 1), id) : id;
}

/* A certificate of Intel's profile, with the key of this label, signed by issuer's. */
static struct sim_cert
intel_cert(struct sim *sim, const char *cn, const struct sim_cert *issuer, int64_t since,
    int64_t until, const char *crl_point)
{
	struct sim_cert c = { .version = 3,
		.subject = sim_name(sim, SIM_NAME_INTEL, cn),
		.not_before = since,
		.not_after = until,
		.key = sim_key(sim, SIM_P256, cn) };

	c.serial = serial(sim, c.key);
	c.issuer = issuer != NULL ? issuer->subject : c.subject;
	c.signer = issuer != NULL ? issuer->key : c.key;
	sim_set_akid(sim, &c, c.signer);
	sim_set_crl_point(sim, &c, crl_point);
	sim_set_skid(sim, &c);
	sim_set_usage(sim, &c, 0x03);
	sim_set_basic(sim, &c, false, -1);
	return c;
}

static void
make_ca(struct sim *sim, struct sim_cert *c, int path_len)
{
	sim_set_usage(sim, c, 0x60);
	sim_set_basic(sim, c, true, path_len);
}

static void
new_certificates(struct sim_dcap *p, bool platform_ca)
{
	const char *root_point =
	    "https://certificates.trustedservices.intel.com/IntelSGXRootCA.der";
	const char *pck_point = platform_ca
	    ? "https://api.trustedservices.intel.com/sgx/certification/v4/"
	      "pckcrl?ca=platform&encoding=der"
	    : "https://api.trustedservices.intel.com/sgx/certification/v4/"
	      "pckcrl?ca=processor&encoding=der";
	int64_t since = p->now - 3 * 365 * SIM_DAY, until = p->now + 7 * 365 * SIM_DAY;

	p->root = intel_cert(
	    p->sim, "Intel SGX Root CA", NULL, since - SIM_DAY, until + 3650 * SIM_DAY, root_point);
	make_ca(p->sim, &p->root, 1);
	p->pck_ca = intel_cert(p->sim,
	    platform_ca ? "Intel SGX PCK Platform CA" : "Intel SGX PCK Processor CA", &p->root,
	    since, until, root_point);
	make_ca(p->sim, &p->pck_ca, 0);
	p->pck = intel_cert(p->sim, "Intel SGX PCK Certificate", &p->pck_ca, p->now - 365 * SIM_DAY,
	    p->now + 6 * 365 * SIM_DAY, pck_point);
	uint8_t number[20]; /* a machine's is random */
	sim_derive(p->sim, number, sizeof number, "serial of the PCK certificate");
	number[0] = (uint8_t)((number[0] & 0x3f) | 0x40);
	p->pck.serial = sim_copy(p->sim, number, sizeof number);
	p->tcb_signing =
	    intel_cert(p->sim, "Intel SGX TCB Signing", &p->root, since, until, root_point);
}

static struct sim_crl
intel_crl(const struct sim_cert *issuer, int64_t since, int64_t until)
{
	return (struct sim_crl){ .issuer = issuer->subject,
		.this_update = since,
		.next_update = until,
		.reasons = true,
		.number_first = true,
		.has_number = true,
		.number = 7,
		.akid = issuer->key,
		.signer = issuer->key };
}

static void
new_extension(struct sim_dcap *p, bool platform_ca)
{
	struct sim_pck_extension *e = &p->extension;
	static const uint8_t components[16] = { 8, 8, 3, 3, 255, 1, 0, 5 };

	sim_derive(p->sim, p->cpu_svn, 16, "cpu svn");
	sim_derive(p->sim, e->platform_instance, 16, "platform instance");
	memcpy(e->components, components, 16);
	memcpy(e->fmspc, "\x5a\xc0\x6f\x00\x00\x00", 6);
	e->pce_svn = 13;
	e->sgx_type = 1;
	e->platform = platform_ca;
}

static void
new_tcb_info(struct sim_dcap *p, int64_t valid)
{
	struct sim_tcb_info *t = &p->tcb_info;
	static const uint8_t tdx[16] = { 5, 0, 3 };

	t->doc = (struct sim_document){ .issue_date = p->now - SIM_DAY,
		.next_update = p->now + valid,
		.evaluation = 21,
		.signer = p->tcb_signing.key };
	t->id = p->tdx ? "TDX" : "SGX";
	t->version = 3;
	memcpy(t->fmspc, p->extension.fmspc, 6);
	for (size_t i = 0; i < 3; i++) {
		struct sim_level *l = &t->levels[t->level_count++];
		memcpy(l->sgx, p->extension.components, 16);
		memcpy(l->tdx, tdx, 16);
		l->pce_svn = p->extension.pce_svn;
		l->is = (struct sim_status){ "UpToDate", "2026-02-11T00:00:00Z", { NULL } };
		if (i == 0)
			continue;
		l->sgx[0] = (uint8_t)(l->sgx[0] - i);
		l->sgx[1] = (uint8_t)(l->sgx[1] - i);
		l->is = (struct sim_status){ "OutOfDate", "2025-08-13T00:00:00Z",
			{ "INTEL-SA-00001", "INTEL-SA-00002" } };
	}
	if (!p->tdx)
		return;
	for (size_t i = 0; i < 3; i++) {
		static const char *const ids[] = { "", "TDX_01", "TDX_03" };
		struct sim_module *m = &t->modules[t->module_count++];
		m->id = ids[i];
		m->attributes_mask = UINT64_MAX;
		m->levels[0] =
		    (struct sim_svn_level){ 5, { "UpToDate", "2026-02-11T00:00:00Z", { NULL } } };
		m->levels[1] = (struct sim_svn_level){ 2,
			{ "OutOfDate", "2025-02-12T00:00:00Z", { "INTEL-SA-00003" } } };
		m->level_count = 2;
	}
}

static void
new_identity(struct sim_dcap *p, int64_t valid)
{
	struct sim_qe_identity *q = &p->qe_identity;

	q->doc = (struct sim_document){ .issue_date = p->now - SIM_DAY,
		.next_update = p->now + valid,
		.evaluation = 21,
		.signer = p->tcb_signing.key };
	q->id = p->tdx ? "TD_QE" : "QE";
	q->version = 2;
	q->misc_select_mask = UINT32_MAX;
	q->attributes[0] = 0x11;
	q->attributes_mask[0] = UINT64_MAX - 4; /* all but MODE64BIT */
	sim_derive(p->sim, q->mr_signer, 32, "the vendor's enclave signer");
	q->isv_prod_id = p->tdx ? 2 : 1;
	q->levels[0] =
	    (struct sim_svn_level){ 8, { "UpToDate", "2026-02-11T00:00:00Z", { NULL } } };
	q->levels[1] = (struct sim_svn_level){ 5,
		{ "OutOfDate", "2025-02-12T00:00:00Z", { "INTEL-SA-00004" } } };
	q->level_count = 2;

	sim_derive(p->sim, p->qe.mr_enclave, 32, "quoting enclave");
	memcpy(p->qe.cpu_svn, p->cpu_svn, 16);
	memcpy(p->qe.mr_signer, q->mr_signer, 32);
	p->qe.attributes = 0x15;
	p->qe.xfrm = 0xe7;
	p->qe.isv_prod_id = q->isv_prod_id;
	p->qe.isv_svn = 8;
}

static void
new_workload(struct sim_dcap *p)
{
	static const uint8_t svn[16] = { 6, 1, 3 };

	memcpy(p->enclave.cpu_svn, p->cpu_svn, 16);
	p->enclave.attributes = 0x05;
	p->enclave.xfrm = 0xe7;
	p->enclave.isv_prod_id = 1;
	p->enclave.isv_svn = 1;
	sim_derive(p->sim, p->enclave.mr_enclave, 32, "enclave");
	sim_derive(p->sim, p->enclave.mr_signer, 32, "enclave signer");

	memcpy(p->td.tee_tcb_svn, svn, 16);
	memcpy(p->td.tee_tcb_svn2, svn, 16);
	p->td.td_attributes = 1U << 28; /* SEPT_VE_DISABLE */
	p->td.xfam = 0x602e7;
	sim_derive(p->sim, p->td.mr_seam, 48, "TDX module");
	sim_derive(p->sim, p->td.mr_td, 48, "TD");
	sim_derive(p->sim, p->td.rtmr[0], 48, "RTMR 0");
	sim_derive(p->sim, p->td.rtmr[1], 48, "RTMR 1");
	sim_derive(p->sim, p->td.rtmr[2], 48, "RTMR 2");
	p->td.extended[0] = 1; /* vm id */
}

static void
new_quote(struct sim_dcap *p, uint16_t version, uint16_t body_type)
{
	struct sim_quote *q = &p->quote;
	uint8_t auth[32];

	q->version = version;
	q->key_type = 2;
	q->tee_type = p->tdx ? 0x81 : 0;
	if (version == 3) {
		q->qe_svn = p->qe.isv_svn;
		q->pce_svn = p->extension.pce_svn;
	}
	memcpy(q->vendor, "\x93\x9a\x72\x33\xf7\x9c\x4c\xa9\x94\x0a\x0d\xb3\x95\x7f\x06\x07", 16);
	q->body_type = body_type != 0 ? body_type : p->tdx ? 2 : 1;
	for (size_t i = 0; i < sizeof auth; i++)
		auth[i] = (uint8_t)i;
	q->auth_data = sim_copy(p->sim, auth, sizeof auth);
	q->outer_type = 6;
	q->cert_type = 5;
}

void
sim_dcap_derive(struct sim_dcap *p)
{
	const uint8_t *signer = p->qe_identity.mr_signer, *cpu_svn = p->cpu_svn;

	memcpy(p->extension.cpu_svn, p->extension.components, 16);
	sim_pce_ppid(p->sim, signer, p->extension.ppid);
	sim_qe_id(p->sim, p->tdx, signer, p->quote.user_data);
	p->pck.key = sim_pce_key(p->sim, signer, cpu_svn, p->extension.pce_svn);
	sim_set_skid(p->sim, &p->pck);
	p->qe_report_signer = p->pck.key;
	p->quote.attestation_key = sim_qe_key(p->sim, p->tdx, signer, cpu_svn, p->qe.isv_svn);
}

void
sim_dcap_new(struct sim_dcap *p, struct sim *sim, bool tdx, uint16_t version, uint16_t body_type,
    bool platform_ca, int64_t now, int64_t valid)
{
	*p = (struct sim_dcap){ .sim = sim, .tdx = tdx, .now = now, .chain = "LIR" };
	new_certificates(p, platform_ca);
	p->root_crl = intel_crl(&p->root, now - SIM_DAY, now + valid);
	p->pck_crl = intel_crl(&p->pck_ca, now - SIM_DAY, now + valid);
	new_extension(p, platform_ca);
	new_tcb_info(p, valid);
	new_identity(p, valid);
	new_workload(p);
	new_quote(p, version, body_type);
	sim_dcap_derive(p);
}

void
sim_dcap_set_status(struct sim_dcap *p, const char *status)
{
	struct sim_level *l = p->tcb_info.levels;

	if (strcmp(status, "UpToDate") == 0)
		return;
	/* The best level asks for more than the platform has; the next is the platform's. */
	l[1] = l[0];
	l[0].sgx[1]++;
	l[1].is = (struct sim_status){ status, "2025-08-13T00:00:00Z", { "INTEL-SA-00001" } };
}

static void
bind_key(struct sim_dcap *p)
{
	struct sim_quote *q = &p->quote;
	struct sim_bytes key =
	    q->key_bytes.len > 0 ? q->key_bytes : sim_copy(p->sim, q->attestation_key->raw, 64);
	uint8_t digest[64];

	sim_digest(digest, SIM_SHA256, sim_join(p->sim, key, q->auth_data));
	memcpy(p->qe.report_data, digest, 32);
}

static struct sim_bytes
pem_cert(struct sim *sim, const struct sim_cert *cert)
{
	return sim_pem(sim, "CERTIFICATE", sim_cert_write(sim, cert));
}

void
sim_dcap_seal(struct sim_dcap *p)
{
	struct sim *sim = p->sim;
	struct sim_quote *q = &p->quote;
	struct sim_bytes root, ca, pck;

	if (!p->own_extension)
		sim_extension_set(
		    &p->pck, SIM_OID_SGX, false, sim_pck_extension_write(sim, &p->extension));
	if (!p->own_binding)
		bind_key(p);
	if (q->qe_report.len == 0)
		q->qe_report = sim_sgx_report_write(sim, &p->qe);
	if (q->qe_report_signature.len == 0)
		q->qe_report_signature =
		    sim_sign(sim, p->qe_report_signer, SIM_SHA256, q->qe_report);
	if (q->cert_data.len > 0)
		return;
	root = pem_cert(sim, &p->root);
	ca = pem_cert(sim, &p->pck_ca);
	pck = pem_cert(sim, &p->pck);
	struct sim_buf b = { .sim = sim };
	for (const char *c = p->chain; *c != '\0'; c++)
		sim_put_bytes(&b, *c == 'L' ? pck : *c == 'I' ? ca : root);
	sim_put_zero(&b, 1);
	q->cert_data = sim_taken(&b);
}

void
sim_dcap_write(struct sim_dcap *p, struct sim_output *out)
{
	struct sim *sim = p->sim;
	struct sim_quote *q = &p->quote;

	sim_dcap_seal(p);
	if (q->body.len == 0)
		q->body = p->tdx ? sim_td_report_write(sim, &p->td, q->body_type)
				 : sim_sgx_report_write(sim, &p->enclave);
	struct sim_bytes root = pem_cert(sim, &p->root);
	struct sim_bytes signing = pem_cert(sim, &p->tcb_signing);
	*out = (struct sim_output){ .root = root, .evidence = sim_quote_write(sim, q) };
	sim_output_add(out, "tcb_info.json", sim_tcb_info_write(sim, &p->tcb_info));
	sim_output_add(out, "qe_identity.json", sim_qe_identity_write(sim, &p->qe_identity));
	sim_output_add(out, "tcb_signing_chain.pem", sim_join(sim, signing, root));
	sim_output_add(out, "root_ca_crl.der", sim_crl_write(sim, &p->root_crl));
	sim_output_add(out, "pck_crl.der", sim_crl_write(sim, &p->pck_crl));
}
