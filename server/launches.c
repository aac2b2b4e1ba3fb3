/* SPDX-License-Identifier: Apache-2.0 */
#include "launches.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "text.h"

bool
launches_is(struct assay_bytes document)
{
	json_t *json = json_loadb((const char *)document.ptr, document.len, 0, NULL);
	bool is = json_object_get(json, "launch") != NULL;

	json_decref(json);
	return is;
}

/* The key that signed the record, as the only signer that is believed: whether it is the one that was
 * vouched for. */
static enum assay_code
vouched(struct assay_launch **launch, struct assay_bytes document, const char *signer,
    struct assay_error *err)
{
	const struct assay_jwk *by = assay_launch_signed_by(*launch);
	struct assay_jwks *signers = NULL;
	struct assay_launch *trusted = NULL;
	char kid[ASSAY_KID_TEXT], *jwk = NULL;

	assay_jwk_kid(kid, by);
	if (strcmp(kid, signer) != 0)
		return text_fail(err, ASSAY_E_SIGNATURE,
		    "the launch record is signed by another key than the one that vouched for it");
	enum assay_code rc = assay_jwk_json(&jwk, by, NULL, err);
	if (rc == ASSAY_OK)
		rc = assay_jwks_parse(
		    &signers, (struct assay_bytes){ (const uint8_t *)jwk, strlen(jwk) }, err);
	if (rc == ASSAY_OK)
		rc = assay_launch_parse(&trusted, document, signers, err);
	if (rc == ASSAY_OK) {
		assay_launch_free(*launch);
		*launch = trusted;
	}
	assay_jwks_free(signers);
	free(jwk);
	return rc;
}

enum assay_code
launches_read(struct assay_launch **out, struct assay_bytes document, const char *signer,
    struct assay_error *err)
{
	struct assay_launch *launch = NULL;
	enum assay_code rc = assay_launch_parse(&launch, document, NULL, err);

	if (rc == ASSAY_OK && assay_launch_stage(launch) != ASSAY_LAUNCH_COMPLETE)
		rc = text_fail(err, ASSAY_E_POLICY,
		    "the launch of %.64s is not complete: its guest has no key yet; push the "
		    "record after "
		    "assay launch secret",
		    assay_launch_name(launch));
	if (rc == ASSAY_OK && signer != NULL)
		rc = vouched(&launch, document, signer, err);
	if (rc == ASSAY_OK)
		*out = launch;
	else
		assay_launch_free(launch);
	return rc;
}
