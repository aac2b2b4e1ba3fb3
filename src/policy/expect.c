/* SPDX-License-Identifier: Apache-2.0 */
#include <assay/policy.h>

#include <stdlib.h>
#include <string.h>

#include "core/checks.h"
#include "policy/value.h"

/* Does the claim equal what the text says? ASSAY_E_USAGE: the text is not of the claim's type. */
static enum assay_code
equals(bool *same, const struct assay_claims *claims, size_t i, const char *value)
{
	struct assay_bytes text = assay_bytes_of(value);
	struct literal want, got = assay_literal_of(claims, i);
	enum assay_type type = assay_schema_type(i);

	if (type == ASSAY_TYPE_LIST)
		return ASSAY_E_USAGE;
	uint8_t *buf = malloc(LITERAL_SIZE(text.len));
	if (buf == NULL)
		return ASSAY_E_NOMEM;
	bool read = assay_literal_read(&want, buf, type, text);
	*same = read && (type == ASSAY_TYPE_TEXT || type == ASSAY_TYPE_BYTES)
	    ? assay_bytes_equal(got.bytes, want.bytes)
	    : read && got.number == want.number;
	free(buf);
	return read ? ASSAY_OK : ASSAY_E_USAGE;
}

enum assay_code
assay_policy_expect(struct assay_checks *checks, const struct assay_claims *claims,
    const char *claim, const char *value, struct assay_error *err)
{
	char detail[200], got[80];
	bool same = false;
	size_t i;

	if (!assay_schema_find(claim, &i))
		return assay_fail(err, ASSAY_E_USAGE, "there is no claim %s; the nearest is \"%s\"",
		    assay_quote(assay_bytes_of(claim)).text,
		    assay_nearest(assay_bytes_of(claim), assay_schema_name));
	enum assay_code rc = equals(&same, claims, i, value);
	if (rc == ASSAY_E_NOMEM)
		return assay_fail_nomem(err);
	if (rc != ASSAY_OK)
		return assay_fail(err, rc, "%s: %s is not of its type", claim,
		    assay_quote(assay_bytes_of(value)).text);
	if (!assay_claims_has(claims, i)) {
		(void)assay_check_expect(
		    checks, claim, false, "the evidence does not make this claim");
		return assay_checks_conclude(checks, err);
	}
	if (assay_schema_type(i) == ASSAY_TYPE_TEXT)
		(void)snprintf(got, sizeof got, "%s",
		    assay_quote(assay_bytes_of(assay_claims_text(claims, i))).text);
	else
		assay_literal_say(got, sizeof got, claims, i, false);
	(void)snprintf(
	    detail, sizeof detail, "is %s, want %s", got, assay_quote(assay_bytes_of(value)).text);
	(void)assay_check_expect(checks, claim, same, same ? "as expected" : detail);
	return assay_checks_conclude(checks, err);
}
