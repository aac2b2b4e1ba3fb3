/* SPDX-License-Identifier: Apache-2.0 */
#include "chain.h"

#include <inttypes.h>
#include <openssl/evp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static enum assay_code broken(struct chain *c, enum assay_code code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static enum assay_code
broken(struct chain *c, enum assay_code code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	if (vsnprintf(c->why, sizeof c->why, fmt, ap) < 0)
		c->why[0] = '\0';
	va_end(ap);
	return code;
}

static bool
read_hash(uint8_t out[CHAIN_HASH], const char *text)
{
	if (text == NULL || strlen(text) != 2 * (size_t)CHAIN_HASH ||
	    strspn(text, "0123456789abcdef") != 2 * (size_t)CHAIN_HASH)
		return false;
	for (size_t i = 0; i < CHAIN_HASH; i++) {
		char two[3] = { text[2 * i], text[2 * i + 1], '\0' };
		out[i] = (uint8_t)strtoul(two, NULL, 16);
	}
	return true;
}

/* --- heads ------------------------------------------------------------------------------- */

static bool
read_payload(struct chain_head *out, const uint8_t *payload, size_t len)
{
	json_t *root = json_loadb((const char *)payload, len, JSON_REJECT_DUPLICATES, NULL);
	const char *node = NULL, *hash = NULL;
	json_int_t rows = 0, when = 0;
	struct chain_head head = { 0 };
	bool ok = json_unpack(root, "{s:s, s:I, s:s, s:I}", "node", &node, "rows", &rows, "hash",
		      &hash, "time", &when) == 0 &&
	    rows > 0 && strlen(node) <= CHAIN_NODE && read_hash(head.hash, hash);

	if (ok) {
		head.rows = rows;
		head.time = when;
		snprintf(head.node, sizeof head.node, "%s", node);
		*out = head;
	}
	json_decref(root);
	return ok;
}

enum assay_code
chain_head_read(struct chain_head *out, char kid[ASSAY_KID_TEXT], const char *jws,
    const struct assay_jwks *keys, struct assay_error *err)
{
	const struct assay_jwk *by = NULL;
	uint8_t *payload = NULL;
	size_t len = 0;
	enum assay_code rc = assay_jws_verify(&payload, &len, &by, keys, "assay-head+jwt",
	    (struct assay_bytes){ (const uint8_t *)jws, strlen(jws) }, err);

	if (rc != ASSAY_OK)
		return rc;
	if (!read_payload(out, payload, len)) {
		snprintf(err->text, sizeof err->text,
		    "head: is signed, but has not the members node, rows, hash and time");
		err->code = rc = ASSAY_E_FORMAT;
	} else {
		assay_jwk_kid(kid, by);
	}
	free(payload);
	return rc;
}

bool
chain_head_peek(struct chain_head *out, const char *jws)
{
	struct assay_error err;
	char *header = NULL;
	uint8_t *payload = NULL;
	size_t len = 0;
	bool ok =
	    assay_jws_peek(&header, &payload, &len,
		(struct assay_bytes){ (const uint8_t *)jws, strlen(jws) }, &err) == ASSAY_OK &&
	    read_payload(out, payload, len);

	free(header);
	free(payload);
	return ok;
}

/* --- rows -------------------------------------------------------------------------------- */

static bool
link_hash(uint8_t out[CHAIN_HASH], const uint8_t before[CHAIN_HASH], const char *text, size_t len)
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	bool ok = md != NULL && EVP_DigestInit_ex(md, EVP_sha256(), NULL) == 1 &&
	    EVP_DigestUpdate(md, before, CHAIN_HASH) == 1 && EVP_DigestUpdate(md, text, len) == 1 &&
	    EVP_DigestFinal_ex(md, out, NULL) == 1;

	EVP_MD_CTX_free(md);
	return ok;
}

/* Where the log begins: at its first row, or behind the head that was kept. */
static enum assay_code
begin(struct chain *c, int64_t seq)
{
	c->begun = true;
	c->first = seq;
	if (seq == 1)
		return ASSAY_OK;
	if (c->since == NULL)
		return broken(c, ASSAY_E_SIGNATURE,
		    "begins with row %" PRId64
		    "; what was before is not here: give the head that you kept with --since",
		    seq);
	if (seq != c->since->rows + 1 && seq != c->since->rows)
		return broken(c, ASSAY_E_SIGNATURE,
		    "begins with row %" PRId64 ", and the head of --since ends with row %" PRId64,
		    seq, c->since->rows);
	memcpy(c->hash, c->since->hash, CHAIN_HASH);
	c->rows = seq - 1;
	c->met = seq != c->since->rows;
	return ASSAY_OK;
}

static enum assay_code
add_row(struct chain *c, const json_t *row)
{
	const char *text = json_string_value(json_object_get(row, "row"));
	uint8_t said[CHAIN_HASH], hash[CHAIN_HASH];
	enum assay_code rc = ASSAY_OK;

	if (text == NULL || !read_hash(said, json_string_value(json_object_get(row, "hash"))))
		return broken(c, ASSAY_E_SIGNATURE,
		    "row %" PRId64 ": has not the members row and hash", c->rows + 1);
	json_t *content = json_loads(text, 0, NULL);
	const json_t *number = json_object_get(content, "seq");
	int64_t seq = json_integer_value(number);
	bool numbered = json_is_integer(number);
	json_decref(content);
	if (!numbered)
		return broken(
		    c, ASSAY_E_SIGNATURE, "row %" PRId64 ": has no number of its own", c->rows + 1);
	if (!c->begun && (rc = begin(c, seq)) != ASSAY_OK)
		return rc;
	if (seq != c->rows + 1)
		return broken(c, ASSAY_E_SIGNATURE,
		    "row %" PRId64 ": is missing; row %" PRId64 " stands in its place", c->rows + 1,
		    seq);
	/* Of the row that the kept head ends with, the hash is known, and not what was before it. */
	if (seq == c->first && c->since != NULL && seq == c->since->rows && seq != 1)
		memcpy(hash, c->hash, CHAIN_HASH);
	else if (!link_hash(hash, c->hash, text, strlen(text)))
		return broken(c, ASSAY_E_NOMEM, "out of memory");
	if (memcmp(hash, said, CHAIN_HASH) != 0)
		return broken(c, ASSAY_E_SIGNATURE,
		    "row %" PRId64 ": was changed, or one before it: its hash is another", seq);
	c->rows = seq;
	memcpy(c->hash, hash, CHAIN_HASH);
	if (c->since != NULL && seq == c->since->rows) {
		c->met = memcmp(hash, c->since->hash, CHAIN_HASH) == 0;
		if (!c->met)
			return broken(c, ASSAY_E_SIGNATURE,
			    "row %" PRId64 ": is not the one that the head of --since ends with: "
			    "the log was written "
			    "anew",
			    seq);
	}
	return ASSAY_OK;
}

/* A head speaks of one row: it is checked when that row has just been added. */
static enum assay_code
add_head(struct chain *c, const char *jws, const struct assay_jwks *keys, bool *used)
{
	struct chain_head head;
	struct assay_error err = { .text = "" };
	char kid[ASSAY_KID_TEXT];

	*used = false;
	if (!chain_head_peek(&head, jws))
		return broken(
		    c, ASSAY_E_SIGNATURE, "a head after row %" PRId64 " is none", c->rows);
	if (head.rows != c->rows)
		return ASSAY_OK;
	enum assay_code rc = chain_head_read(&head, kid, jws, keys, &err);
	if (rc == ASSAY_E_NOMEM)
		return broken(c, rc, "out of memory");
	if (rc != ASSAY_OK)
		return broken(
		    c, ASSAY_E_SIGNATURE, "row %" PRId64 ": its head: %s", c->rows, err.text);
	if (memcmp(head.hash, c->hash, CHAIN_HASH) != 0 || strcmp(head.node, c->node) != 0)
		return broken(c, ASSAY_E_SIGNATURE,
		    "row %" PRId64 ": is not the one that was signed in the head of it", c->rows);
	if (c->since_kid[0] != '\0' && strcmp(c->since_kid, kid) != 0)
		return broken(c, ASSAY_E_SIGNATURE,
		    "row %" PRId64 ": its head is signed by another key than the one of --since; "
		    "if the server has a "
		    "new one that you know, give it with --jwks",
		    c->rows);
	char *copy = strdup(jws);
	if (copy == NULL)
		return broken(c, ASSAY_E_NOMEM, "out of memory");
	free(c->head_jws);
	c->head_jws = copy;
	c->head = head;
	memcpy(c->kid, kid, sizeof c->kid);
	c->heads++;
	*used = true;
	return ASSAY_OK;
}

static enum assay_code
add_rows(struct chain *c, const json_t *rows, const json_t *heads, const struct assay_jwks *keys)
{
	enum assay_code rc = ASSAY_OK;
	size_t next = 0;
	json_t *row;
	size_t i;

	json_array_foreach(rows, i, row)
	{
		bool used = true;
		if ((rc = add_row(c, row)) != ASSAY_OK)
			return rc;
		for (; used && next < json_array_size(heads); next += used) {
			const char *jws = json_string_value(json_array_get(heads, next));
			if ((rc = add_head(c, jws != NULL ? jws : "", keys, &used)) != ASSAY_OK)
				return rc;
		}
	}
	if (next < json_array_size(heads))
		return broken(c, ASSAY_E_SIGNATURE,
		    "row %" PRId64 ": is the last, and a head is signed over another", c->rows);
	return ASSAY_OK;
}

static enum assay_code
take_keys(struct chain *c, const json_t *page, struct assay_jwks **out)
{
	char *text = json_dumps(json_object_get(page, "jwks"), JSON_COMPACT);
	struct assay_error err = { .text = "" };

	*out = NULL;
	if (text == NULL)
		return broken(
		    c, ASSAY_E_FORMAT, "has no member jwks; is it an export of an audit log?");
	enum assay_code rc = assay_jwks_parse(
	    out, (struct assay_bytes){ (const uint8_t *)text, strlen(text) }, &err);
	free(text);
	return rc == ASSAY_OK ? rc : broken(c, rc, "%s", err.text);
}

/* The key of the head that was kept is among those of the log. */
static enum assay_code
take_since(struct chain *c, const struct assay_jwks *keys)
{
	struct chain_head head;
	struct assay_error err = { .text = "" };

	if (c->since_jws == NULL || c->since_kid[0] != '\0')
		return ASSAY_OK;
	enum assay_code rc = chain_head_read(&head, c->since_kid, c->since_jws, keys, &err);
	if (rc == ASSAY_OK || rc == ASSAY_E_NOMEM)
		return rc;
	return broken(
	    c, ASSAY_E_SIGNATURE, "is not by who signed the head of --since: %s", err.text);
}

enum assay_code
chain_add(struct chain *c, const json_t *page)
{
	const char *node = json_string_value(json_object_get(page, "node"));
	const json_t *rows = json_object_get(page, "rows"), *heads = json_object_get(page, "heads");
	struct assay_jwks *keys = NULL;

	if (node == NULL || strlen(node) > CHAIN_NODE || !json_is_array(rows) ||
	    !json_is_array(heads))
		return broken(c, ASSAY_E_FORMAT,
		    "has not the members node, rows and heads; is it an export of an audit log?");
	if (c->node[0] == '\0')
		snprintf(c->node, sizeof c->node, "%s", node);
	if (strcmp(c->node, node) != 0 || (c->since != NULL && strcmp(c->since->node, node) != 0))
		return broken(c, ASSAY_E_SIGNATURE, "is the log of another server");
	enum assay_code rc = c->known == NULL ? take_keys(c, page, &keys) : ASSAY_OK;
	if (rc == ASSAY_OK && c->known == NULL)
		rc = take_since(c, keys);
	if (rc == ASSAY_OK)
		rc = add_rows(c, rows, heads, c->known != NULL ? c->known : keys);
	assay_jwks_free(keys);
	return rc;
}

enum assay_code
chain_end(struct chain *c)
{
	if (c->since == NULL || c->met)
		return ASSAY_OK;
	if (!c->begun && c->rows == 0)
		return broken(c, ASSAY_E_SIGNATURE,
		    "has no rows, and the head of --since was signed over %" PRId64,
		    c->since->rows);
	return broken(c, ASSAY_E_SIGNATURE,
	    "ends with row %" PRId64 ", and the head of --since was signed over %" PRId64
	    ": its end was cut off",
	    c->rows, c->since->rows);
}

void
chain_clear(struct chain *c)
{
	free(c->head_jws);
	*c = (struct chain){ 0 };
}
