/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAYD_ADMIN_CHECKS_H
#define ASSAYD_ADMIN_CHECKS_H

/* What an operator brings is read here, before it is kept: it could not be used otherwise, and would take
 * what is in use down with it. */

#include <jansson.h>

#include <assay/error.h>

#include "../view.h"

/* The policy compiles against the reference values of the view. Errors: ASSAY_E_USAGE, with line and
 * column; ASSAY_E_NOMEM. */
ASSAY_MUST_USE enum assay_code check_policy(
    const struct view *view, const char *name, struct assay_bytes text, struct assay_error *err);

/*
 * With this document in place of what has its name (an empty one: without it) all policies of the view
 * compile as before. A launch record is whole, complete, and of the signer, a thumbprint, if there is one,
 * and takes neither name nor guest from another signer's.
 * Errors  ASSAY_E_FORMAT, ASSAY_E_UNSUPPORTED, ASSAY_E_SIGNATURE (the document), ASSAY_E_POLICY (a policy would not hold any
 *         more, or a launch record stands in the way; err names it), ASSAY_E_NOMEM.
 */
ASSAY_MUST_USE enum assay_code check_reference(const struct view *view, const char *name,
    struct assay_bytes document, const char *signer, struct assay_error *err);

/*
 * A public key in PEM or as a JWK, or a certificate in PEM: {"jwk": KEY}, or {"certificate": SHA-256 of its
 * key's SPKI, in hex}, which the caller drops. The keeper asks this, for a token is bound to the file.
 * Errors  ASSAY_E_FORMAT, ASSAY_E_UNSUPPORTED, ASSAY_E_USAGE (it is private), ASSAY_E_NOMEM.
 */
ASSAY_MUST_USE enum assay_code
check_key(json_t **out, struct assay_bytes file, struct assay_error *err);

#endif
