/* SPDX-License-Identifier: Apache-2.0 */
/* Sources: Intel, API Portal, Provisioning Certification Service v4; AMD 57230, VCEK Certificate and
 * KDS Interface. */
#include "want.h"

#include <stdio.h>
#include <string.h>

static const char intel_api[] = "https://api.trustedservices.intel.com";
static const char intel_files[] = "https://certificates.trustedservices.intel.com";
static const char amd_kds[] = "https://kdsintf.amd.com";

bool
want_is_intel(const struct want *w)
{
	return w->thing <= THING_ROOT_CRL;
}

static const char *
ca_name(const struct want *w)
{
	return w->processor ? "processor" : "platform";
}

static const char *
line(const struct want *w)
{
	return w->vlek ? "vlek" : "vcek";
}

void
want_name(const struct want *w, char out[WANT_NAME])
{
	switch (w->thing) {
	case THING_TCB_INFO:
		snprintf(out, WANT_NAME, "%s TCB info, FMSPC %s", w->tdx ? "TDX" : "SGX", w->fmspc);
		break;
	case THING_QE_IDENTITY:
		snprintf(out, WANT_NAME, "QE identity, %s", w->tdx ? "TD QE" : "QE");
		break;
	case THING_PCK_CRL:
		snprintf(
		    out, WANT_NAME, "PCK CRL, PCK %s CA", w->processor ? "Processor" : "Platform");
		break;
	case THING_ROOT_CRL:
		snprintf(out, WANT_NAME, "root CRL, Intel SGX Root CA");
		break;
	case THING_VCEK:
		snprintf(out, WANT_NAME, "VCEK, %s, TCB %u.%u.%u.%u.%u, chip %.16s...", w->product,
		    w->fmc, w->bootloader, w->tee, w->snp, w->microcode, w->hwid);
		break;
	case THING_AMD_CHAIN:
		snprintf(out, WANT_NAME, "certificates, %s and ARK of %s", w->vlek ? "ASVK" : "ASK",
		    w->product);
		break;
	case THING_AMD_CRL:
		snprintf(out, WANT_NAME, "AMD CRL, ARK-%s", w->product);
		break;
	}
}

void
want_file(const struct want *w, char out[WANT_NAME])
{
	switch (w->thing) {
	case THING_TCB_INFO:
		snprintf(out, WANT_NAME, "tcb_info-%s-%s.json", w->tdx ? "tdx" : "sgx", w->fmspc);
		break;
	case THING_QE_IDENTITY:
		snprintf(out, WANT_NAME, "qe_identity-%s.json", w->tdx ? "tdx" : "sgx");
		break;
	case THING_PCK_CRL:
		snprintf(out, WANT_NAME, "pck_crl-%s.der", ca_name(w));
		break;
	case THING_ROOT_CRL:
		snprintf(out, WANT_NAME, "root_ca_crl.der");
		break;
	case THING_VCEK:
		snprintf(out, WANT_NAME, "vcek-%s-%s-%u.%u.%u.%u.%u.der", w->product, w->hwid,
		    w->fmc, w->bootloader, w->tee, w->snp, w->microcode);
		break;
	case THING_AMD_CHAIN:
		snprintf(out, WANT_NAME, "cert_chain-%s-%s.pem", line(w), w->product);
		break;
	case THING_AMD_CRL:
		snprintf(out, WANT_NAME, "crl-%s-%s.der", line(w), w->product);
		break;
	}
}

static void
intel_path(const struct want *w, size_t n, char out[URL_SIZE])
{
	const char *tee = w->tdx ? "tdx" : "sgx";

	switch (w->thing) {
	case THING_TCB_INFO:
		snprintf(out, URL_SIZE, "/%s/certification/v4/tcb?fmspc=%s%s", tee, w->fmspc,
		    w->early ? "&update=early" : "");
		return;
	case THING_QE_IDENTITY:
		snprintf(out, URL_SIZE, "/%s/certification/v4/qe/identity%s", tee,
		    w->early ? "?update=early" : "");
		return;
	case THING_PCK_CRL:
		snprintf(
		    out, URL_SIZE, "/sgx/certification/v4/pckcrl?ca=%s&encoding=der", ca_name(w));
		return;
	case THING_ROOT_CRL: /* Intel's own name; a cache has another */
		snprintf(out, URL_SIZE, "%s",
		    n == 0 ? "/IntelSGXRootCA.der" : "/sgx/certification/v4/rootcacrl");
		return;
	case THING_VCEK:
	case THING_AMD_CHAIN:
	case THING_AMD_CRL:
		break;
	}
	out[0] = '\0';
}

static void
amd_path(const struct want *w, char out[URL_SIZE])
{
	char fmc[24] = "";

	if (w->thing != THING_VCEK) {
		snprintf(out, URL_SIZE, "/%s/v1/%s/%s", line(w), w->product,
		    w->thing == THING_AMD_CRL ? "crl" : "cert_chain");
		return;
	}
	/* Of Turin the id has 8 bytes, and there is one part more. */
	bool turin = strcmp(w->product, "Turin") == 0;
	if (turin)
		snprintf(fmc, sizeof fmc, "fmcSPL=%02u&", w->fmc);
	snprintf(out, URL_SIZE,
	    "/vcek/v1/%s/%.*s?%sblSPL=%02u&teeSPL=%02u&snpSPL=%02u&ucodeSPL=%02u", w->product,
	    turin ? 16 : HWID_SIZE - 1, w->hwid, fmc, w->bootloader, w->tee, w->snp, w->microcode);
}

bool
want_url(const struct want *w, const char *base, size_t n, char out[URL_SIZE])
{
	static const char cache[] =
	    "/sgx/certification/v4"; /* how the URL of a PCCS is often given */
	char path[URL_SIZE];
	bool vendor = base == NULL;

	if (n > (w->thing == THING_ROOT_CRL && !vendor ? 1U : 0U))
		return false;
	if (vendor)
		base = !want_is_intel(w)         ? amd_kds
		    : w->thing == THING_ROOT_CRL ? intel_files
						 : intel_api;
	if (want_is_intel(w))
		intel_path(w, n, path);
	else
		amd_path(w, path);
	size_t len = strlen(base);
	while (len > 0 && base[len - 1] == '/')
		len--;
	if (len > sizeof cache - 1 &&
	    strncmp(base + len - (sizeof cache - 1), cache, sizeof cache - 1) == 0)
		len -= sizeof cache - 1;
	return (size_t)snprintf(out, URL_SIZE, "%.*s%s", (int)len, base, path) < URL_SIZE;
}

static bool
ends_with(const char *text, const char *end)
{
	size_t n = strlen(text), m = strlen(end);

	return n >= m && strcmp(text + n - m, end) == 0;
}

/* Whether the item was fetched for this line, by its URL or the name of its file: the CRLs of both are
 * of the same ARK, and nothing in them tells them apart. */
static bool
is_of_line(const struct want *w, const char *name)
{
	char file[WANT_NAME], url[sizeof "/vlek/v1/"];

	want_file(w, file);
	snprintf(url, sizeof url, "/%s/v1/", line(w));
	return ends_with(name, file) || strstr(name, url) != NULL;
}

bool
want_matches(const struct want *w, const struct assay_trust *trust, size_t i)
{
	const char *kind = assay_trust_item_kind(trust, i);
	const char *subject = assay_trust_item_subject(trust, i);
	char name[48];

	switch (w->thing) {
	case THING_TCB_INFO:
		return strcmp(kind, w->tdx ? "TDX TCB info" : "SGX TCB info") == 0 &&
		    ends_with(subject, w->fmspc);
	case THING_QE_IDENTITY:
		return strcmp(kind, "QE identity") == 0 &&
		    strcmp(subject, w->tdx ? "TD QE" : "QE") == 0;
	case THING_PCK_CRL:
		snprintf(name, sizeof name, "PCK %s CA", w->processor ? "Processor" : "Platform");
		return strcmp(kind, "PCK CRL") == 0 && ends_with(subject, name);
	case THING_ROOT_CRL:
		return strcmp(kind, "root CRL") == 0 && strcmp(subject, "Intel SGX Root CA") == 0;
	case THING_VCEK:
		return strcmp(kind, "certificate") == 0 && strcmp(subject, "SEV-VCEK") == 0;
	case THING_AMD_CHAIN:
		snprintf(name, sizeof name, "SEV-%s%s", w->vlek ? "VLEK-" : "", w->product);
		return strcmp(kind, "certificate") == 0 && strcmp(subject, name) == 0;
	case THING_AMD_CRL:
		snprintf(name, sizeof name, "ARK-%s", w->product);
		return strcmp(kind, "AMD CRL") == 0 && strcmp(subject, name) == 0 &&
		    is_of_line(w, assay_trust_item_name(trust, i));
	}
	return false;
}
