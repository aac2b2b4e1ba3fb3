/* SPDX-License-Identifier: Apache-2.0 */
#include "request.h"

#include <string.h>

#include <jansson.h>

#include "../text.h"
#include "buffer.h"
#include "kbs.h"

static const struct {
	const char *name;
	enum ticket_hash hash;
} hashes[] = { { "sha384", HASH_SHA384 }, { "sha512", HASH_SHA512 }, { "sha256", HASH_SHA256 } };

/* The first of ours that the client has too. One that does not tell has SHA-384. */
static enum assay_code
choose_hash(enum ticket_hash *out, const json_t *extra, struct assay_error *err)
{
	const json_t *list = json_object_get(extra, "supported-hash-algorithms");
	const json_t *item;
	size_t n;

	*out = HASH_SHA384;
	if (list == NULL)
		return ASSAY_OK;
	for (size_t i = 0; i < sizeof hashes / sizeof *hashes; i++)
		json_array_foreach(list, n, item)
		{
			if (bytes_equal(
				bytes_of(json_string_value(item)), bytes_of(hashes[i].name))) {
				*out = hashes[i].hash;
				return ASSAY_OK;
			}
		}
	return kbs_fail(err, ASSAY_E_UNSUPPORTED,
	    "request: supported-hash-algorithms has none of sha384, sha512 and sha256");
}

static enum assay_code
read_tee(uint8_t *out, const json_t *tee, bool sample, struct assay_error *err)
{
	struct assay_bytes name = bytes_of(json_string_value(tee));
	char quoted[QUOTE_ROOM];

	if (!json_is_string(tee))
		return kbs_fail(err, ASSAY_E_FORMAT, "request: the member tee must be a text");
	if ((*out = kbs_tee(name, sample)) != KBS_TEE_NONE)
		return ASSAY_OK;
	return kbs_fail(err, ASSAY_E_UNSUPPORTED,
	    "request: tee %s is %s; this server judges tdx, snp and sgx", text_quote(quoted, name),
	    kbs_tee_known(name) ? "not served here" : "unknown");
}

static enum assay_code
read_members(struct kbs_request *out, const json_t *root, bool sample, struct assay_error *err)
{
	const json_t *version = json_object_get(root, "version");
	struct kbs_request r = { PROTOCOL_VERIFIER, KBS_TEE_NONE, HASH_SHA384 };
	struct assay_bytes text = bytes_of(json_string_value(version));
	char quoted[QUOTE_ROOM];

	if (!json_is_object(root))
		return kbs_fail(err, ASSAY_E_FORMAT, "request: must be a JSON object");
	if (!json_is_string(version))
		return kbs_fail(err, ASSAY_E_FORMAT, "request: the member version must be a text");
	if (!kbs_protocol(&r.protocol, text)) {
		/* Clients look for these words, and then tell of an upgrade: without quotes. */
		text_quote(quoted, text);
		quoted[strlen(quoted) - 1] = '\0';
		return kbs_fail(err, ASSAY_E_UNSUPPORTED,
		    "KBS Client Protocol Version Mismatch: expect =0.4.0 while the request is %s; "
		    "0.3.0, 0.2.0, 0.1.1 and 0.1.0 are served too",
		    quoted + 1);
	}
	enum assay_code rc = read_tee(&r.tee, json_object_get(root, "tee"), sample, err);
	if (rc == ASSAY_OK && r.protocol >= PROTOCOL_0_1_1)
		rc = choose_hash(&r.hash, json_object_get(root, "extra-params"), err);
	if (rc == ASSAY_OK)
		*out = r;
	return rc;
}

enum assay_code
kbs_request_parse(
    struct kbs_request *out, struct assay_bytes body, bool sample, struct assay_error *err)
{
	json_error_t why;
	json_t *root = json_loadb(
	    (const char *)body.ptr, body.len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &why);

	if (root == NULL)
		return kbs_fail(err, ASSAY_E_FORMAT,
		    "request: is no JSON: %s (byte %d); want {\"version\":..,\"tee\":..,"
		    "\"extra-params\":..}",
		    why.text, why.position);
	enum assay_code rc = read_members(out, root, sample, err);
	json_decref(root);
	return rc;
}
