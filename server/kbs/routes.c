/* SPDX-License-Identifier: Apache-2.0 */
/* What the protocol has besides handshake and resources, and which path is whose. */
#include "../options.h"
#include "../text.h"
#include "attestation.h"
#include "buffer.h"
#include "kbs.h"
#include "request.h"

enum { PAYLOAD_MAX = 2 << 20 };

/* Rego is not ours: it is said where the same is to be had. */
void
kbs_resource_policy(struct exchange *x)
{
	const char *opa = worker_options(exchange_worker(x))->opa;

	if (opa != NULL)
		kbs_refuse(x, 401, KBS_POLICY_ENGINE,
		    "policies in Rego are not taken: the OPA at %s (setting opa) judges each "
		    "release too, after the secret's policy of assay: push it there; nothing was "
		    "changed here",
		    opa);
	else
		kbs_refuse(x, 401, KBS_POLICY_ENGINE,
		    "policies in Rego are not taken: write it in the language of man assay-policy, "
		    "and push it with `assay policy push`; to have Rego judge releases besides, "
		    "run an OPA beside assayd and name its rule with the setting opa");
}

void
kbs_attestation_policy(struct exchange *x)
{
	kbs_refuse(x, 401, KBS_POLICY_ENGINE,
	    "policies in Rego are not taken: evidence is judged by policies in the language of man "
	    "assay-policy, push it with `assay policy push`; an OPA (setting opa) judges releases "
	    "of secrets, and no evidence; nothing was changed here");
}

void
kbs_reference_value(struct exchange *x)
{
	kbs_refuse(x, 401, KBS_RVPS,
	    "reference values are signed documents here: push them with `assay reference push`, "
	    "and "
	    "name them in a policy as @DOCUMENT/SET; nothing was changed");
}

void
kbs_plugin(struct exchange *x)
{
	char quoted[QUOTE_ROOM];
	struct assay_bytes rest = bytes_of(exchange_rest(x));
	size_t n = 0;

	while (n < rest.len && rest.ptr[n] != '/')
		n++;
	rest.len = n;
	if (n == 0)
		kbs_refuse(x, 404, KBS_PATH, "the path %s names nothing",
		    text_quote_string(quoted, exchange_path(x)));
	else
		kbs_refuse(x, 404, KBS_PLUGIN_NOT_FOUND,
		    "Plugin %s not found: GET /kbs/v0/resource/REPOSITORY/TYPE/TAG, POST "
		    "/kbs/v0/auth "
		    "and POST /kbs/v0/attest is what there is",
		    text_quote(quoted, rest));
}

const struct route routes_kbs[] = {
	{ "POST", "/kbs/v0/auth", KBS_REQUEST_MAX, kbs_auth, "kbs_auth" },
	{ "POST", "/kbs/v0/attest", KBS_ATTESTATION_MAX, kbs_attest, "kbs_attest" },
	{ NULL, "/kbs/v0/resource/", PAYLOAD_MAX, kbs_resource, "kbs_resource" },
	{ "POST", "/kbs/v0/resource-policy", PAYLOAD_MAX, kbs_resource_policy, "kbs_policy" },
	{ "GET", "/kbs/v0/resource-policy", 0, kbs_resource_policy, "kbs_policy" },
	{ "POST", "/kbs/v0/attestation-policy", PAYLOAD_MAX, kbs_attestation_policy, "kbs_policy" },
	{ "POST", "/kbs/v0/reference-value", PAYLOAD_MAX, kbs_reference_value, "kbs_reference" },
	{ "GET", "/kbs/v0/reference-value/", 0, kbs_reference_value, "kbs_reference" },
	{ NULL, "/kbs/v0/", PAYLOAD_MAX, kbs_plugin, "kbs_plugin" },
	{ NULL, NULL, 0, NULL, NULL },
};
