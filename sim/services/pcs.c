/* SPDX-License-Identifier: Apache-2.0 */
/* Intel's Provisioning Certification Service, version 4, and the service that caches it. */
#include "services/services.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct file {
	uint8_t *ptr;
	size_t len;
};

/* --- files ---------------------------------------------------------------------------------- */

static bool
is_intel(const struct sim_machine *m)
{
	return strcmp(sim_machine_tee(m), "tdx") == 0 || strcmp(sim_machine_tee(m), "sgx") == 0;
}

/* Puts the file's bytes in hex, or as PEM, into a new file, and frees the old one. */
static bool
recode(struct file *f, bool pem)
{
	static const char begin[] = "-----BEGIN X509 CRL-----\n",
			  end[] = "-----END X509 CRL-----\n";
	enum { ROW = 48, ROW_TEXT = 64 };
	char *text = malloc(2 * f->len + sizeof begin + sizeof end + 16);
	size_t n = 0;

	if (text == NULL)
		return false;
	if (pem) {
		memcpy(text, begin, sizeof begin - 1);
		n = sizeof begin - 1;
		for (size_t i = 0; i < f->len; i += ROW) {
			size_t part = f->len - i < ROW ? f->len - i : ROW;
			int wrote =
			    EVP_EncodeBlock((unsigned char *)text + n, f->ptr + i, (int)part);
			n += (size_t)wrote;
			text[n++] = '\n';
		}
		memcpy(text + n, end, sizeof end - 1);
		n += sizeof end - 1;
	} else {
		for (size_t i = 0; i < f->len; i++) {
			text[n++] = "0123456789abcdef"[f->ptr[i] >> 4];
			text[n++] = "0123456789abcdef"[f->ptr[i] & 15];
		}
	}
	free(f->ptr);
	*f = (struct file){ (uint8_t *)text, n };
	return true;
}

static void
refuse(struct sim_call *call, int status, const char *code, const char *sentence)
{
	if (!call->web->pccs) {
		sim_call_header(call, "Error-Code", code);
		sim_call_header(call, "Error-Message", sentence);
	}
	sim_call_refuse(call, status, sentence);
}

static void
not_found(struct sim_call *call)
{
	refuse(call, 404, "NotFound", "There is no such thing for this platform.");
}

/* form: "der", "pem", "hex"; NULL leaves the bytes as they are. */
static void
answer_file(struct sim_call *call, struct sim_machine *m, const char *name, const char *type,
    const char *form, const char *chain_header, const char *chain_name)
{
	struct file f = { NULL, 0 }, chain = { NULL, 0 };

	if (m == NULL || sim_machine_collateral(m, name, &f.ptr, &f.len) != 0) {
		not_found(call);
		return;
	}
	if (chain_name != NULL &&
	    sim_machine_collateral(m, chain_name, &chain.ptr, &chain.len) == 0)
		sim_call_header_encoded(call, chain_header, chain.ptr, chain.len);
	if (form != NULL && strcmp(form, "der") != 0 && !recode(&f, strcmp(form, "pem") == 0))
		sim_call_refuse(call, 500, "Out of memory.");
	else
		sim_call_answer(call, type, f.ptr, f.len);
	free(chain.ptr);
	free(f.ptr);
}

/* --- TCB info and identities ---------------------------------------------------------------- */

/* The evaluation number that stands in a document. */
static unsigned long
evaluation_of(const struct file *f)
{
	static const char member[] = "\"tcbEvaluationDataNumber\":";

	for (size_t i = 0; i + sizeof member < f->len; i++)
		if (memcmp(f->ptr + i, member, sizeof member - 1) == 0)
			return strtoul((const char *)f->ptr + i + sizeof member - 1, NULL, 10);
	return 0;
}

/* What the options of the query make of a document that is there. True: it is to be answered. */
static bool
wants_this(struct sim_call *call, struct sim_machine *m, const char *name)
{
	const char *update = sim_call_value(call, "update");
	const char *number = sim_call_value(call, "tcbEvaluationDataNumber");
	struct file f;

	if ((update != NULL && number != NULL) ||
	    (update != NULL && strcmp(update, "early") != 0 && strcmp(update, "standard") != 0) ||
	    (number != NULL &&
		(strlen(number) > 9 || number[0] == '\0' ||
		    strspn(number, "0123456789") != strlen(number)))) {
		refuse(call, 400, "InvalidRequest",
		    "Give one of update=early, update=standard or tcbEvaluationDataNumber=N.");
		return false;
	}
	if (number == NULL)
		return true;
	if (sim_machine_collateral(m, name, &f.ptr, &f.len) != 0) {
		not_found(call);
		return false;
	}
	unsigned long have = evaluation_of(&f), want = strtoul(number, NULL, 10);
	free(f.ptr);
	if (want < have)
		refuse(call, 410, "Gone", "This evaluation number is no longer served.");
	else if (want > have)
		not_found(call);
	return want == have;
}

static struct sim_machine *
find_tee(const struct sim_platforms *p, const char *tee, const char *fmspc)
{
	for (size_t i = 0; i < p->count; i++) {
		struct sim_identity id;
		sim_machine_identity(p->machines[i], &id);
		if (strcmp(sim_machine_tee(p->machines[i]), tee) == 0 &&
		    (fmspc == NULL || sim_hex_equal(fmspc, id.fmspc, sizeof id.fmspc)))
			return p->machines[i];
	}
	return NULL;
}

static void
answer_tcb(struct sim_call *call, const char *tee)
{
	const char *fmspc = sim_call_value(call, "fmspc");

	if (fmspc == NULL || !sim_is_hex(fmspc, 12)) {
		refuse(call, 400, "InvalidRequest", "fmspc must be 12 hex digits.");
		return;
	}
	struct sim_machine *m = find_tee(call->web->platforms, tee, fmspc);
	if (m == NULL)
		not_found(call);
	else if (wants_this(call, m, "tcb_info.json"))
		answer_file(call, m, "tcb_info.json", "application/json", NULL,
		    "TCB-Info-Issuer-Chain", "tcb_signing_chain.pem");
}

static void
answer_identity(struct sim_call *call, const char *tee)
{
	struct sim_machine *m = find_tee(call->web->platforms, tee, NULL);

	if (m == NULL)
		not_found(call);
	else if (wants_this(call, m, "qe_identity.json"))
		answer_file(call, m, "qe_identity.json", "application/json", NULL,
		    "SGX-Enclave-Identity-Issuer-Chain", "tcb_signing_chain.pem");
}

/* --- CRLs and roots ------------------------------------------------------------------------- */

static struct sim_machine *
find_ca(const struct sim_platforms *p, const char *ca)
{
	for (size_t i = 0; i < p->count; i++) {
		struct sim_identity id;
		sim_machine_identity(p->machines[i], &id);
		if (is_intel(p->machines[i]) && (ca == NULL || strcmp(id.ca, ca) == 0))
			return p->machines[i];
	}
	return NULL;
}

static void
answer_pck_crl(struct sim_call *call)
{
	const char *ca = sim_call_value(call, "ca"), *form = sim_call_value(call, "encoding");

	if (ca == NULL || (strcmp(ca, "platform") != 0 && strcmp(ca, "processor") != 0)) {
		refuse(call, 400, "InvalidRequest", "ca must be platform or processor.");
		return;
	}
	if (form != NULL && strcmp(form, "der") != 0 && strcmp(form, "pem") != 0) {
		refuse(call, 400, "InvalidRequest", "encoding must be pem or der.");
		return;
	}
	/* The caching service knows hex, which it gives unless asked for DER. */
	if (call->web->pccs && (form == NULL || strcmp(form, "der") != 0))
		form = "hex";
	else if (form == NULL)
		form = "pem";
	answer_file(call, find_ca(call->web->platforms, ca), "pck_crl.der",
	    strcmp(form, "der") == 0       ? "application/pkix-crl"
		: strcmp(form, "hex") == 0 ? "text/plain"
					   : "application/x-pem-file",
	    form, "SGX-PCK-CRL-Issuer-Chain", "pck_crl_chain.pem");
}

/* The certificate of the root comes as DER. */
static void
answer_root(struct sim_call *call)
{
	struct sim_machine *m = find_ca(call->web->platforms, NULL);
	struct file f;

	if (m == NULL || sim_machine_collateral(m, "trust-root", &f.ptr, &f.len) != 0) {
		not_found(call);
		return;
	}
	uint8_t *der = malloc(f.len + 1);
	EVP_ENCODE_CTX *ctx = EVP_ENCODE_CTX_new();
	int n = 0, more = 0;
	size_t at = 0;
	while (at < f.len && f.ptr[at] != '\n')
		at++;
	size_t end = at;
	while (end < f.len && f.ptr[end] != '-')
		end++;
	bool ok = der != NULL && ctx != NULL;
	if (ok) {
		EVP_DecodeInit(ctx);
		ok = EVP_DecodeUpdate(ctx, der, &n, f.ptr + at, (int)(end - at)) >= 0 &&
		    EVP_DecodeFinal(ctx, der + n, &more) == 1;
	}
	if (ok)
		sim_call_answer(call, "application/pkix-cert", der, (size_t)n + (size_t)more);
	else
		sim_call_refuse(call, 500, "The root cannot be decoded.");
	EVP_ENCODE_CTX_free(ctx);
	free(der);
	free(f.ptr);
}

/* --- PCK certificates ----------------------------------------------------------------------- */

/* PCS has the encrypted PPID opened by Intel's key, which nobody else has; here platforms are told
 * apart by their TCB alone. The caching service tells them apart by the QE's id. */
static bool
is_meant(const struct sim_call *call, const struct sim_identity *id)
{
	const char *pce_svn = sim_call_value(call, "pcesvn");
	const uint8_t svn[2] = { (uint8_t)id->pce_svn, (uint8_t)(id->pce_svn >> 8) };

	return sim_hex_equal(sim_call_value(call, "cpusvn"), id->cpu_svn, sizeof id->cpu_svn) &&
	    sim_hex_equal(pce_svn, svn, sizeof svn) &&
	    sim_hex_equal(sim_call_value(call, "pceid"), id->pce_id, sizeof id->pce_id) &&
	    (!call->web->pccs ||
		sim_hex_equal(sim_call_value(call, "qeid"), id->qe_id, sizeof id->qe_id));
}

static bool
has_hex(const struct sim_call *call, const char *name, size_t digits)
{
	const char *value = sim_call_value(call, name);

	return value != NULL && sim_is_hex(value, digits);
}

static void
answer_pck(struct sim_call *call)
{
	static const char end[] = "-----END CERTIFICATE-----";
	const struct sim_platforms *p = call->web->platforms;
	struct sim_machine *m = NULL;
	struct sim_identity id;
	struct file chain;
	char text[64];

	if (!has_hex(call, "cpusvn", 32) || !has_hex(call, "pcesvn", 4) ||
	    !has_hex(call, "pceid", 4) ||
	    !(call->web->pccs ? has_hex(call, "qeid", 32) : has_hex(call, "encrypted_ppid", 768))) {
		refuse(call, 400, "InvalidRequest",
		    call->web->pccs ? "Give qeid, cpusvn, pcesvn and pceid in hex."
				    : "Give encrypted_ppid, cpusvn, pcesvn and pceid in hex.");
		return;
	}
	for (size_t i = 0; i < p->count && m == NULL; i++) {
		sim_machine_identity(p->machines[i], &id);
		if (is_intel(p->machines[i]) && is_meant(call, &id))
			m = p->machines[i];
	}
	if (m == NULL || sim_machine_collateral(m, "pck_chain.pem", &chain.ptr, &chain.len) != 0) {
		not_found(call);
		return;
	}
	size_t n = 0;
	while (n + sizeof end - 1 < chain.len && memcmp(chain.ptr + n, end, sizeof end - 1) != 0)
		n++;
	n += sizeof end - 1;
	if (n < chain.len && chain.ptr[n] == '\n')
		n++;
	sim_call_header_encoded(
	    call, "SGX-PCK-Certificate-Issuer-Chain", chain.ptr + n, chain.len - n);
	for (size_t i = 0; i < sizeof id.cpu_svn; i++)
		snprintf(text + 2 * i, 3, "%02X", id.cpu_svn[i]);
	snprintf(text + 32, 5, "%02X%02X", id.pce_svn & 255, id.pce_svn >> 8);
	sim_call_header(call, "SGX-TCBm", text);
	for (size_t i = 0; i < sizeof id.fmspc; i++)
		snprintf(text + 2 * i, 3, "%02X", id.fmspc[i]);
	sim_call_header(call, "SGX-FMSPC", text);
	sim_call_header(call, "SGX-PCK-Certificate-CA-Type", id.ca);
	sim_call_answer(call, "application/x-pem-file", chain.ptr, n);
	free(chain.ptr);
}

static void
answer_fmspcs(struct sim_call *call)
{
	const struct sim_platforms *p = call->web->platforms;
	char text[SIM_PLATFORMS_MAX * 64] = "[";
	size_t n = 1;

	for (size_t i = 0; i < p->count; i++) {
		struct sim_identity id;
		char one[16];
		if (!is_intel(p->machines[i]))
			continue;
		sim_machine_identity(p->machines[i], &id);
		for (size_t k = 0; k < sizeof id.fmspc; k++)
			snprintf(one + 2 * k, 3, "%02X", id.fmspc[k]);
		if (strstr(text, one) == NULL)
			n += (size_t)snprintf(text + n, sizeof text - n,
			    "%s{\"fmspc\":\"%s\",\"platform\":\"E5\"}", n > 1 ? "," : "", one);
	}
	n += (size_t)snprintf(text + n, sizeof text - n, "]");
	sim_call_answer(call, "application/json", (const uint8_t *)text, n);
}

/* --- paths ---------------------------------------------------------------------------------- */

static void
route(struct sim_call *call)
{
	static const char sgx[] = "/sgx/certification/v4/", tdx[] = "/tdx/certification/v4/";
	bool is_tdx = strncmp(call->path, tdx, sizeof tdx - 1) == 0;
	const char *tee = is_tdx ? "tdx" : "sgx";
	const char *what = call->path + sizeof sgx - 1;

	if (strcmp(call->path, "/IntelSGXRootCA.der") == 0 && !call->web->pccs)
		answer_file(call, find_ca(call->web->platforms, NULL), "root_ca_crl.der",
		    "application/pkix-crl", "der", NULL, NULL);
	else if (strcmp(call->path, "/Intel_SGX_Provisioning_Certification_RootCA.cer") == 0 &&
	    !call->web->pccs)
		answer_root(call);
	else if (!is_tdx && strncmp(call->path, sgx, sizeof sgx - 1) != 0)
		refuse(call, 404, "NotFound", "There is no such path.");
	else if (strcmp(what, "tcb") == 0)
		answer_tcb(call, tee);
	else if (strcmp(what, "qe/identity") == 0)
		answer_identity(call, tee);
	else if (!is_tdx && strcmp(what, "pckcrl") == 0)
		answer_pck_crl(call);
	else if (!is_tdx && strcmp(what, "pckcert") == 0)
		answer_pck(call);
	else if (!is_tdx && strcmp(what, "fmspcs") == 0)
		answer_fmspcs(call);
	else if (!is_tdx && strcmp(what, "rootcacrl") == 0 && call->web->pccs)
		answer_file(call, find_ca(call->web->platforms, NULL), "root_ca_crl.der",
		    "text/plain", "hex", NULL, NULL);
	else
		refuse(call, 404, "NotFound", "There is no such path.");
}

void
sim_pcs_handle(struct evhttp_request *request, void *arg)
{
	struct sim_call call;
	char id[40];

	if (!sim_call_open(&call, request, arg))
		return;
	snprintf(id, sizeof id, "%032llx", (unsigned long long)call.web->requests);
	sim_call_header(&call, "Request-ID", id);
	sim_call_header(&call, "Warning", "299 assay-sim \"signed under a root of the simulator\"");
	if (sim_call_within_limit(&call))
		route(&call);
	sim_call_close(&call);
}
