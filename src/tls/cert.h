/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAY_TLS_CERT_H
#define ASSAY_TLS_CERT_H

/* What is inside a certificate that was read, and the forms in which it may carry evidence. */

#include <assay/cert.h>

#include "tls/dice.h"
#include "tls/peer.h"
#include "verify/tee.h"

struct assay_cert {
	uint8_t *der; /* owned; the slices of peer and dice point into it */
	size_t der_len;
	struct peer peer;
	const struct cert_form *form;    /* NULL: none of them is there */
	struct assay_error extension;    /* code != ASSAY_OK: what is wrong with the extensions */
	struct assay_error unreadable;   /* code != ASSAY_OK: what is wrong with the evidence */
	struct dice_evidence dice;       /* of the DICE form */
	struct assay_evidence *evidence; /* NULL: one of the two is wrong */
	char kind[320];
};

/* A form of evidence in a certificate. They stand in the order of their strength: a certificate is
 * judged by the first that it has, and by no other. */
struct cert_form {
	const char *name;
	const char *oids[2]; /* content octets; it may have had another one before, or NULL */
	/* Takes the evidence out. What is wrong with the extension is returned, what is wrong with the
	 * evidence goes to cert->unreadable. Errors: ASSAY_E_FORMAT, ASSAY_E_UNSUPPORTED,
	 * ASSAY_E_NOMEM. */
	enum assay_code (*unpack)(
	    struct assay_cert *cert, struct assay_bytes value, struct assay_error *err);
	/* The report data of evidence that names the key of the certificate; NULL where unpack never
	 * succeeds. */
	void (*expect)(uint8_t out[ASSAY_REPORT_DATA_SIZE], const struct assay_cert *cert,
	    struct assay_bytes nonce);
	bool nonce; /* it can be made for one */
};
extern const struct cert_form cert_forms[];
extern const size_t cert_form_count;
extern const struct cert_form *const cert_form_dice; /* it has the key's hash and the nonce aside */

/* For the certificates that are written here. */
#define CERT_OID_DICE "2.23.133.5.4.9"
#define CERT_OID_CMW  "1.3.6.1.5.5.7.1.35"

#endif
