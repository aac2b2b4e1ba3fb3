/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAYD_COLLATERAL_PATH_H
#define ASSAYD_COLLATERAL_PATH_H

/*
 * What a client of Intel's service, of its caching service or of AMD's asks for. Sources: Intel, API
 * Portal, Provisioning Certification Service v4; AMD 57230, VCEK Certificate and KDS Interface.
 */

#include "../../cli/want.h"

enum collateral_form { FORM_RAW, FORM_PEM, FORM_HEX };

struct collateral_request {
	struct want want;
	enum collateral_form form;
	const char *type; /* of the answer */
	const char
	    *chain_header; /* names the field that has the signer's chain; NULL: there is none */
	bool numbered;     /* only the document of this evaluation number will do */
	unsigned long evaluation;
};

/*
 * path, query   As the front gives them: not decoded, "" for no query.
 * Returns 200; else the status to refuse with, and *why (static text) says why.
 */
int collateral_request_read(
    struct collateral_request *out, const char *path, const char *query, const char **why);

#endif
