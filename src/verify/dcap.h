/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAY_DCAP_H
#define ASSAY_DCAP_H

/* Intel DCAP, shared by SGX and TDX. dcap.c runs the checks in order; dcap_chain.c has the PCK
 * chain, CRLs and signers; dcap_tcb.c matches levels. Source: Intel SGX/TDX DCAP Quote
 * Verification Library and the documents that the parsers name. */

#include "verify/run.h"

struct dcap {
	struct run run;
	const struct assay_evidence *ev;
	const struct quote *quote;
	bool tdx;
	bool platform_ca; /* issued by the Platform CA, not the Processor CA */
	/* The chain; NULL where a link is missing. root is NULL when it is an anchor's key alone. */
	const struct x509_cert *leaf, *ca, *root;
	const struct anchor *anchor;
	struct signer root_key, ca_key, leaf_key;
	bool has_pck; /* pck was read */
	struct pck_extension pck;
	const struct item *root_crl;
	const struct item *tcb, *qe; /* TCB info and QE identity, NULL if missing */
};

/* If this is a PCK certificate, reads its SGX extension. */
void assay_dcap_read_pck(struct pck_in_chain *out, const struct x509_cert *cert);
/* How TCB info names the module of this major version: "TDX_01". */
struct tdx_module_id {
	char text[8];
};
struct tdx_module_id assay_tdx_module_id(uint8_t major);

void assay_dcap_chain(struct dcap *d);      /* PCK chain up to the anchor */
void assay_dcap_revocation(struct dcap *d); /* both CRLs against the PCK chain */
void assay_dcap_collateral(struct dcap *d); /* finds and authenticates TCB info and QE identity */
void assay_dcap_levels(struct dcap *d);     /* TCB status, dates, advisories; TDX module */

#endif
