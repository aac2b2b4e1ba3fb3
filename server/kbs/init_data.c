/* SPDX-License-Identifier: Apache-2.0 */
#include "init_data.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "../text.h"
#include "buffer.h"
#include "scan.h"
#include "kbs.h"
#include "toml.h"

enum { FIELD_MAX = 64 };

static const EVP_MD *
digest_of(const char *name)
{
	if (name == NULL)
		return NULL;
	return strcmp(name, "sha256") == 0 ? EVP_sha256()
	    : strcmp(name, "sha384") == 0  ? EVP_sha384()
	    : strcmp(name, "sha512") == 0  ? EVP_sha512()
					   : NULL;
}

/* The digest is over the text as it was sent, and fills the field: cut, or with zeros behind it. */
static enum assay_code
check_digest(
    struct assay_bytes text, const json_t *root, struct assay_bytes field, struct assay_error *err)
{
	const char *name = json_string_value(json_object_get(root, "algorithm"));
	const EVP_MD *md = digest_of(name);
	uint8_t digest[EVP_MAX_MD_SIZE] = { 0 };
	char quoted[QUOTE_ROOM];

	if (md == NULL)
		return kbs_fail(err, ASSAY_E_UNSUPPORTED,
		    "init-data: algorithm is %s; want sha256, sha384 or sha512",
		    text_quote_string(quoted, name));
	if (EVP_Digest(text.ptr, text.len, digest, NULL, md, NULL) != 1)
		return kbs_fail(err, ASSAY_E_NOMEM, "out of memory");
	if (field.len == 0 || field.len > FIELD_MAX || memcmp(digest, field.ptr, field.len) != 0)
		return kbs_fail(err, ASSAY_E_SIGNATURE,
		    "init-data: its %s digest is not what the evidence carries: this is not what "
		    "the "
		    "guest was started with",
		    name);
	return ASSAY_OK;
}

/* Files in TOML or JSON by their contents; others, such as policies of the agent, by nothing. */
static enum assay_code
put_file(json_t *claims, const char *name, const json_t *file, struct assay_error *err)
{
	const char *dot = strrchr(name, '.');
	json_t *parsed = NULL;
	struct assay_bytes text = { (const uint8_t *)json_string_value(file),
		json_string_length(file) };

	if (!json_is_string(file) || dot == NULL)
		return ASSAY_OK;
	if (strcmp(dot, ".toml") == 0) {
		if (toml_parse(&parsed, text, err) == ASSAY_E_NOMEM)
			return ASSAY_E_NOMEM;
	} else if (strcmp(dot, ".json") == 0)
		parsed = json_loadb((const char *)text.ptr, text.len, JSON_REJECT_DUPLICATES, NULL);
	if (parsed != NULL && json_object_set_new(claims, name, parsed) != 0)
		return kbs_fail(err, ASSAY_E_NOMEM, "out of memory");
	return ASSAY_OK;
}

static enum assay_code
write_claims(char **out, const json_t *root, struct assay_error *err)
{
	json_t *claims = json_object(), *data = json_object_get(root, "data"), *file;
	const char *name;
	enum assay_code rc = ASSAY_OK;

	json_object_foreach(data, name, file) if (rc == ASSAY_OK) rc =
	    put_file(claims, name, file, err);
	if (rc == ASSAY_OK && (*out = json_dumps(claims, JSON_COMPACT)) == NULL)
		rc = kbs_fail(err, ASSAY_E_NOMEM, "out of memory");
	json_decref(claims);
	return rc;
}

enum assay_code
kbs_init_data_check(char **claims, struct assay_bytes format, struct assay_bytes body,
    struct assay_bytes field, struct assay_error *err)
{
	struct assay_bytes kind;
	struct assay_error why = { ASSAY_OK, "" };
	json_t *root = NULL;
	char quoted[QUOTE_ROOM];

	if (body.len == 0)
		return ASSAY_OK;
	if (!scan_bare(&kind, format) || !bytes_equal(kind, bytes_of("toml")))
		return kbs_fail(err, ASSAY_E_UNSUPPORTED, "init-data: format is %s; want \"toml\"",
		    text_quote(quoted, kind));
	uint8_t *decoded = malloc(body.len);
	if (decoded == NULL)
		return kbs_fail(err, ASSAY_E_NOMEM, "out of memory");
	struct assay_bytes text = { decoded, scan_decode(decoded, body) };
	enum assay_code rc = toml_parse(&root, text, &why);
	if (rc != ASSAY_OK)
		(void)kbs_fail(err, rc, "init-data: %.200s", why.text);
	else if ((rc = check_digest(text, root, field, err)) == ASSAY_OK)
		rc = write_claims(claims, root, err);
	json_decref(root);
	free(decoded);
	return rc;
}
