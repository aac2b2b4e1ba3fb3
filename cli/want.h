/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAY_CLI_WANT_H
#define ASSAY_CLI_WANT_H

/* One thing that is wanted of a vendor's service: how it is asked for, and how known. `assay collateral
 * fetch` and assayd share this. */

#include <stdbool.h>
#include <stddef.h>

#include <assay/checks.h>
#include <assay/claims.h>
#include <assay/trust.h>

enum thing {
	THING_TCB_INFO,
	THING_QE_IDENTITY,
	THING_PCK_CRL,
	THING_ROOT_CRL,
	THING_VCEK,
	THING_AMD_CHAIN,
	THING_AMD_CRL,
};

enum { PRODUCT_SIZE = 16, HWID_SIZE = 129, FMSPC_SIZE = 13 };

struct want {
	enum thing thing;
	/* Intel */
	bool tdx, early;
	char fmspc[FMSPC_SIZE]; /* lower-case hex */
	bool processor;         /* the Processor CA, else the Platform CA */
	/* AMD */
	char product[PRODUCT_SIZE]; /* "Milan" */
	bool vlek;                  /* the line: VLEK, else VCEK */
	char hwid[HWID_SIZE];
	bool guess; /* the report does not tell the product: one of several */
	unsigned fmc, bootloader, tee, snp, microcode;
};

bool want_is_intel(const struct want *w);
/* "TDX TCB info, FMSPC 5ac06f000000" */
enum { WANT_NAME = 240 };
void want_name(const struct want *w, char out[WANT_NAME]);
/* The file in a folder: "tcb_info-tdx-5ac06f000000.json". */
void want_file(const struct want *w, char out[WANT_NAME]);

/* The n-th way to ask a service of this base for it; false if there is none. A NULL base is the
 * vendor's own service. */
enum { URL_SIZE = 1024 };
bool want_url(const struct want *w, const char *base, size_t n, char out[URL_SIZE]);

/* Item i of trust is what was wanted; a VCEK may be any VCEK. */
bool want_matches(const struct want *w, const struct assay_trust *trust, size_t i);
/* What item i of trust is: a service is asked so for a newer one. False: no service has its kind. The
 * line of an AMD CRL is told by its name alone; VCEK where that does not tell. */
bool want_of_item(struct want *w, const struct assay_trust *trust, size_t i);

/* The platform, by what evidence claims, proven or not: fills FMSPC and CA. False if it names none. */
bool want_read_dcap(struct want *w, const struct assay_claims *claims);
/* The same of a report: line, chip, product and TCB. The product is empty if the report does not name
 * it. False if the TCB cannot be told; checks: of its verification without a VCEK. */
bool
want_read_snp(struct want *w, const struct assay_claims *claims, const struct assay_checks *checks);

#endif
