/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAY_CLI_WANT_H
#define ASSAY_CLI_WANT_H

/* One thing that is wanted of a vendor's service: how it is asked for, and how known. */

#include <stdbool.h>
#include <stddef.h>

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

#endif
