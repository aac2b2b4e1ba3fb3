/* SPDX-License-Identifier: Apache-2.0 */
/* Sources: Intel, API Portal, Provisioning Certification Service v4; AMD 57230, VCEK Certificate and
 * KDS Interface. */
#include "want.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <assay/evidence.h>

enum { RAW_TCB = 16 /* hex digits */ };

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

/* --- what an item is ------------------------------------------------------------------------- */

/* What a VCEK says of its chip. */
struct vcek_fields {
	struct want *w;
	unsigned seen; /* one bit a field */
};

static void
take_vcek_field(void *arg, const char *group, const char *name, const char *value, const char *note)
{
	struct vcek_fields *f = arg;
	struct want *w = f->w;
	const struct {
		const char *name;
		unsigned *to;
	} levels[] = {
		{ "blSPL", &w->bootloader },
		{ "teeSPL", &w->tee },
		{ "snpSPL", &w->snp },
		{ "ucodeSPL", &w->microcode },
		{ "fmcSPL", &w->fmc },
	};
	enum { LEVELS = sizeof levels / sizeof levels[0] };

	(void)group;
	(void)note;
	for (unsigned i = 0; i < LEVELS; i++)
		if (strcmp(name, levels[i].name) == 0) {
			*levels[i].to = (unsigned)strtoul(value, NULL, 10);
			f->seen |= 1U << i;
		}
	/* "Milan-B0": what stands behind the line is the stepping, which no service asks for. */
	if (strcmp(name, "productName") == 0 && strcspn(value, "-") < PRODUCT_SIZE) {
		snprintf(w->product, PRODUCT_SIZE, "%.*s", (int)strcspn(value, "-"), value);
		f->seen |= 1U << LEVELS;
	}
	if (strcmp(name, "hwID") == 0 && strlen(value) < HWID_SIZE) {
		snprintf(w->hwid, HWID_SIZE, "%s", value);
		f->seen |= 2U << LEVELS;
	}
}

static bool
read_vcek(struct want *w, struct assay_bytes cert)
{
	enum { ALL = 0x7f, ALL_BUT_FMC = ALL & ~0x10 };
	struct vcek_fields fields = { .w = w };
	const char *kind;

	w->thing = THING_VCEK;
	return assay_inspect(&kind, cert, take_vcek_field, &fields, NULL) == ASSAY_OK &&
	    (fields.seen == ALL || fields.seen == ALL_BUT_FMC);
}

/* "FMSPC 5ac06f000000" is the end of the subject. */
static bool
read_fmspc(struct want *w, const char *subject)
{
	static const char word[] = "FMSPC ";
	const char *at = strstr(subject, word);

	if (at == NULL || strlen(at + sizeof word - 1) != FMSPC_SIZE - 1)
		return false;
	snprintf(w->fmspc, FMSPC_SIZE, "%s", at + sizeof word - 1);
	return true;
}

static bool
read_product(struct want *w, const char *name)
{
	size_t len = strlen(name);

	if (len == 0 || len >= PRODUCT_SIZE)
		return false;
	memcpy(w->product, name, len + 1);
	return true;
}

static bool
read_certificate(struct want *w, const struct assay_trust *trust, size_t i, const char *subject)
{
	if (strcmp(subject, "SEV-VCEK") == 0)
		return read_vcek(w, assay_trust_item_bytes(trust, i));
	w->thing = THING_AMD_CHAIN;
	w->vlek = strncmp(subject, "SEV-VLEK-", 9) == 0;
	return w->vlek ? read_product(w, subject + 9)
		       : strncmp(subject, "SEV-", 4) == 0 && read_product(w, subject + 4) &&
		strcmp(subject, "SEV-VLEK") != 0;
}

bool
want_of_item(struct want *w, const struct assay_trust *trust, size_t i)
{
	const char *kind = assay_trust_item_kind(trust, i);
	const char *subject = assay_trust_item_subject(trust, i);

	*w = (struct want){ .tdx = strcmp(kind, "TDX TCB info") == 0 };
	if (w->tdx || strcmp(kind, "SGX TCB info") == 0) {
		w->thing = THING_TCB_INFO;
		return read_fmspc(w, subject);
	}
	if (strcmp(kind, "QE identity") == 0) {
		w->thing = THING_QE_IDENTITY;
		w->tdx = strcmp(subject, "TD QE") == 0;
		return w->tdx || strcmp(subject, "QE") == 0;
	}
	if (strcmp(kind, "PCK CRL") == 0) {
		w->thing = THING_PCK_CRL;
		w->processor = ends_with(subject, "PCK Processor CA");
		return w->processor || ends_with(subject, "PCK Platform CA");
	}
	if (strcmp(kind, "root CRL") == 0) {
		w->thing = THING_ROOT_CRL;
		return strcmp(subject, "Intel SGX Root CA") == 0;
	}
	if (strcmp(kind, "AMD CRL") == 0) {
		w->thing = THING_AMD_CRL;
		if (strncmp(subject, "ARK-", 4) != 0 || !read_product(w, subject + 4))
			return false;
		w->vlek = true;
		w->vlek = is_of_line(w, assay_trust_item_name(trust, i));
		return true;
	}
	return strcmp(kind, "certificate") == 0 && read_certificate(w, trust, i, subject);
}

/* --- what evidence wants --------------------------------------------------------------------- */

static bool
find(const struct assay_claims *claims, const char *name, enum assay_type type, size_t *i)
{
	return assay_schema_find(name, i) && assay_schema_type(*i) == type &&
	    assay_claims_has(claims, *i);
}

static const char *
text_of(const struct assay_claims *claims, const char *name)
{
	size_t i;

	return find(claims, name, ASSAY_TYPE_TEXT, &i) ? assay_claims_text(claims, i) : "";
}

static void
hex_of(char *out, size_t size, const struct assay_claims *claims, const char *name)
{
	size_t i;

	out[0] = '\0';
	if (!find(claims, name, ASSAY_TYPE_BYTES, &i))
		return;
	struct assay_bytes b = assay_claims_bytes(claims, i);
	for (size_t n = 0; n < b.len && 2 * n + 3 <= size; n++)
		snprintf(out + 2 * n, 3, "%02x", b.ptr[n]);
}

bool
want_read_dcap(struct want *w, const struct assay_claims *claims)
{
	hex_of(w->fmspc, sizeof w->fmspc, claims, "dcap.fmspc");
	w->processor = strcmp(text_of(claims, "dcap.ca"), "processor") == 0;
	return w->fmspc[0] != '\0';
}

/* A part of the reported TCB. */
static unsigned
part_of(const struct assay_claims *claims, const char *name)
{
	char full[48];
	size_t i;

	snprintf(full, sizeof full, "snp.reported_tcb.%s", name);
	return find(claims, full, ASSAY_TYPE_UINT, &i) ? (unsigned)assay_claims_uint(claims, i) : 0;
}

/* A report of version 2 does not name its product: the missing VCEK is named by the raw TCB, and
 * is one of the two products that made such reports, whose TCBs have the same form. */
static bool
read_raw_tcb(struct want *w, const struct assay_checks *checks)
{
	static const char begin[] = "REPORTED_TCB 0x";

	for (size_t i = 0; i < assay_missing_count(checks); i++) {
		const char *which = assay_missing_which(checks, i);
		if (strncmp(which, begin, sizeof begin - 1) != 0)
			continue;
		uint64_t raw = strtoull(which + sizeof begin - 1, NULL, RAW_TCB);
		w->bootloader = (unsigned)(raw & 255);
		w->tee = (unsigned)(raw >> 8 & 255);
		w->snp = (unsigned)(raw >> 48 & 255);
		w->microcode = (unsigned)(raw >> 56);
		return true;
	}
	return false;
}

bool
want_read_snp(struct want *w, const struct assay_claims *claims, const struct assay_checks *checks)
{
	w->vlek = strcmp(text_of(claims, "snp.certificate"), "VLEK") == 0;
	hex_of(w->hwid, sizeof w->hwid, claims, "snp.chip_id");
	snprintf(w->product, sizeof w->product, "%s", text_of(claims, "platform.product"));
	w->product[strcspn(w->product, "-")] = '\0';
	if (w->product[0] == '\0')
		return read_raw_tcb(w, checks);
	w->fmc = part_of(claims, "fmc");
	w->bootloader = part_of(claims, "bootloader");
	w->tee = part_of(claims, "tee");
	w->snp = part_of(claims, "snp");
	w->microcode = part_of(claims, "microcode");
	return true;
}
