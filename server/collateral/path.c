/* SPDX-License-Identifier: Apache-2.0 */
#include "path.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../http/fields.h"

enum { GOOD = 200, BAD = 400, NOT_FOUND = 404, VALUE_ROOM = 32 };

static const char *const products[] = { "Milan", "Genoa", "Turin", "Venice" };

static const char unknown_path[] =
    "there is no such path; Intel's begin with /sgx/certification/v4/ or /tdx/certification/v4/, "
    "AMD's with /vcek/v1/ or /vlek/v1/";

static int
refuse(int status, const char **why, const char *sentence)
{
	*why = sentence;
	return status;
}

/* Copies hex in lower case. */
static bool
take_hex(char *out, const char *text, size_t digits)
{
	if (strlen(text) != digits || strspn(text, "0123456789abcdefABCDEF") != digits)
		return false;
	for (size_t i = 0; i <= digits; i++)
		out[i] = (char)(text[i] >= 'A' && text[i] <= 'F' ? text[i] - 'A' + 'a' : text[i]);
	return true;
}

/* Decimal, as tools send it: leading zeros are common. */
static bool
take_number(const char *text, unsigned long most, unsigned long *out)
{
	size_t len = strlen(text);

	if (len == 0 || len > 9 || strspn(text, "0123456789") != len)
		return false;
	*out = strtoul(text, NULL, 10);
	return *out <= most;
}

/* A parameter may be left out; one that is there must be read. */
static bool
is_there(const char *query, const char *name)
{
	size_t len = strlen(name);

	for (const char *p = query; p != NULL; p = strchr(p, '&')) {
		p += *p == '&';
		if (strncmp(p, name, len) == 0 &&
		    (p[len] == '=' || p[len] == '&' || p[len] == '\0'))
			return true;
	}
	return false;
}

/* --- Intel ----------------------------------------------------------------------------------- */

/* There is one edition of each document, the one that verdicts rest on: the standard one, or the early one if
 * an operator has pushed that. Either is what is asked for: early is the newest that there is. A stranger's
 * wish for an early one does not make the server judge by it. */
static int
read_edition(struct collateral_request *r, const char *query, const char **why)
{
	char value[VALUE_ROOM];

	r->numbered = is_there(query, "tcbEvaluationDataNumber");
	if (r->numbered &&
	    (!query_find(query, "tcbEvaluationDataNumber", value, sizeof value) ||
		!take_number(value, 999999999, &r->evaluation)))
		return refuse(BAD, why, "tcbEvaluationDataNumber: is no number");
	if (!is_there(query, "update"))
		return GOOD;
	if (!query_find(query, "update", value, sizeof value) ||
	    (strcmp(value, "standard") != 0 && strcmp(value, "early") != 0) || r->numbered)
		return refuse(BAD, why,
		    "give one of update=standard, update=early, tcbEvaluationDataNumber=N");
	return GOOD;
}

static int
read_tcb(struct collateral_request *r, const char *query, const char **why)
{
	char value[VALUE_ROOM];

	r->want.thing = THING_TCB_INFO;
	r->type = "application/json";
	r->chain_header = "TCB-Info-Issuer-Chain";
	if (!query_find(query, "fmspc", value, sizeof value) ||
	    !take_hex(r->want.fmspc, value, FMSPC_SIZE - 1))
		return refuse(BAD, why, "fmspc: must be 12 hex digits");
	return read_edition(r, query, why);
}

static int
read_identity(struct collateral_request *r, const char *query, const char **why)
{
	r->want.thing = THING_QE_IDENTITY;
	r->type = "application/json";
	r->chain_header = "SGX-Enclave-Identity-Issuer-Chain";
	return read_edition(r, query, why);
}

/* Without an encoding the caching service answers hex, and that is whose clients ask here. */
static int
read_pck_crl(struct collateral_request *r, const char *query, const char **why)
{
	char value[VALUE_ROOM];

	r->want.thing = THING_PCK_CRL;
	r->form = FORM_HEX;
	r->type = "text/plain";
	r->chain_header = "SGX-PCK-CRL-Issuer-Chain";
	if (!query_find(query, "ca", value, sizeof value) ||
	    (strcmp(value, "platform") != 0 && strcmp(value, "processor") != 0))
		return refuse(BAD, why, "ca: must be platform or processor");
	r->want.processor = strcmp(value, "processor") == 0;
	if (!is_there(query, "encoding"))
		return GOOD;
	if (!query_find(query, "encoding", value, sizeof value) ||
	    (strcmp(value, "der") != 0 && strcmp(value, "pem") != 0))
		return refuse(BAD, why, "encoding: must be der or pem");
	r->form = strcmp(value, "der") == 0 ? FORM_RAW : FORM_PEM;
	r->type = r->form == FORM_RAW ? "application/pkix-crl" : "application/x-pem-file";
	return GOOD;
}

static int
read_intel(struct collateral_request *r, const char *what, const char *query, const char **why)
{
	if (strcmp(what, "tcb") == 0)
		return read_tcb(r, query, why);
	if (strcmp(what, "qe/identity") == 0)
		return read_identity(r, query, why);
	if (!r->want.tdx && strcmp(what, "pckcrl") == 0)
		return read_pck_crl(r, query, why);
	if (!r->want.tdx && strcmp(what, "rootcacrl") == 0) {
		r->want.thing = THING_ROOT_CRL;
		r->form = FORM_HEX;
		r->type = "text/plain";
		return GOOD;
	}
	if (!r->want.tdx && (strcmp(what, "pckcert") == 0 || strcmp(what, "pckcerts") == 0))
		return refuse(NOT_FOUND, why,
		    "PCK certificates are not kept here: ask the service that your platforms are "
		    "registered with");
	return refuse(NOT_FOUND, why, unknown_path);
}

/* --- AMD ------------------------------------------------------------------------------------- */

static int
read_vcek(struct want *w, const char *hwid, const char *query, const char **why)
{
	bool turin = strcmp(w->product, "Turin") == 0;
	const struct {
		const char *name;
		unsigned *to;
		bool wanted;
	} levels[] = {
		{ "blSPL", &w->bootloader, true },
		{ "teeSPL", &w->tee, true },
		{ "snpSPL", &w->snp, true },
		{ "ucodeSPL", &w->microcode, true },
		{ "fmcSPL", &w->fmc, turin },
	};
	char value[VALUE_ROOM];
	unsigned long n;

	w->thing = THING_VCEK;
	if (!take_hex(w->hwid, hwid, turin ? 16 : HWID_SIZE - 1))
		return refuse(BAD, why, "the chip's id must be 128 hex digits, of Turin 16");
	for (size_t i = 0; i < sizeof levels / sizeof levels[0]; i++) {
		if (!levels[i].wanted && !is_there(query, levels[i].name))
			continue;
		if (!levels[i].wanted || !query_find(query, levels[i].name, value, sizeof value) ||
		    !take_number(value, 255, &n))
			return refuse(BAD, why,
			    "blSPL, teeSPL, snpSPL and ucodeSPL must each be a number up to 255, "
			    "and of Turin alone fmcSPL");
		*levels[i].to = (unsigned)n;
	}
	return GOOD;
}

/* "Milan/cert_chain" */
static int
read_amd(struct collateral_request *r, const char *what, const char *query, const char **why)
{
	size_t len = strcspn(what, "/"), i = 0;

	while (i < sizeof products / sizeof products[0] &&
	    (strlen(products[i]) != len || strncmp(products[i], what, len) != 0))
		i++;
	if (i == sizeof products / sizeof products[0] || what[len] == '\0')
		return refuse(NOT_FOUND, why, unknown_path);
	snprintf(r->want.product, sizeof r->want.product, "%s", products[i]);
	what += len + 1;
	if (strcmp(what, "cert_chain") == 0) {
		r->want.thing = THING_AMD_CHAIN;
		r->form = FORM_PEM;
		r->type = "application/x-pem-file";
		return GOOD;
	}
	if (strcmp(what, "crl") == 0) {
		r->want.thing = THING_AMD_CRL;
		r->type = "application/pkix-crl";
		return GOOD;
	}
	if (strchr(what, '/') != NULL)
		return refuse(NOT_FOUND, why, unknown_path);
	if (r->want.vlek)
		return refuse(NOT_FOUND, why,
		    "a VLEK is given to cloud providers alone, whose host hands it to the guest");
	r->type = "application/pkix-cert";
	return read_vcek(&r->want, what, query, why);
}

/* --------------------------------------------------------------------------------------------- */

static const char *
behind(const char *path, const char *prefix)
{
	size_t len = strlen(prefix);

	return strncmp(path, prefix, len) == 0 ? path + len : NULL;
}

int
collateral_request_read(
    struct collateral_request *out, const char *path, const char *query, const char **why)
{
	struct collateral_request r = { .form = FORM_RAW };
	const char *what;
	int status;

	*why = "";
	if (strcmp(path, "/IntelSGXRootCA.der") == 0) {
		r.want.thing = THING_ROOT_CRL;
		r.type = "application/pkix-crl";
		status = GOOD;
	} else if ((what = behind(path, "/sgx/certification/v4/")) != NULL) {
		status = read_intel(&r, what, query, why);
	} else if ((what = behind(path, "/tdx/certification/v4/")) != NULL) {
		r.want.tdx = true;
		status = read_intel(&r, what, query, why);
	} else if ((what = behind(path, "/vcek/v1/")) != NULL) {
		status = read_amd(&r, what, query, why);
	} else if ((what = behind(path, "/vlek/v1/")) != NULL) {
		r.want.vlek = true;
		status = read_amd(&r, what, query, why);
	} else {
		status = refuse(NOT_FOUND, why, unknown_path);
	}
	if (status == GOOD)
		*out = r;
	return status;
}
