/* SPDX-License-Identifier: Apache-2.0 */
#include "launch/record.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "token/token.h"

static void
put_number(struct token_text *t, const char *name, int64_t value)
{
	char text[64];

	(void)snprintf(text, sizeof text, "\"%s\":%" PRId64 ",", name, value);
	assay_token_put(t, text);
}

/* Of what needs no escapes. */
static void
put_text(struct token_text *t, const char *name, const char *value)
{
	assay_token_put(t, "\"");
	assay_token_put(t, name);
	assay_token_put(t, "\":\"");
	assay_token_put(t, value);
	assay_token_put(t, "\",");
}

static void
put_hex(struct token_text *t, const char *name, const uint8_t *value, size_t n)
{
	char hex[2 * ASSAY_LAUNCH_DIGEST_SIZE + 1];

	assay_hex(hex, (struct assay_bytes){ value, n });
	put_text(t, name, hex);
}

static void
put_base64(struct token_text *t, const char *name, const uint8_t *value, size_t n)
{
	char text[ASSAY_BASE64_SIZE(LAUNCH_KEY_MAX)];

	_Static_assert((int)LAUNCH_KEY_MAX >= (int)SEV_CERT_SIZE, "a certificate fits as well");
	assay_base64(text, (struct assay_bytes){ value, n });
	put_text(t, name, text);
}

/* Behind the last member of an object stands a comma too many. */
static void
close_list(struct token_text *t, const char *end)
{
	if (!t->failed)
		t->ptr[--t->len] = '\0';
	assay_token_put(t, end);
}

static void
put_keys(struct token_text *t, const struct assay_launch *l)
{
	assay_token_put(t, "\"keys\":{");
	put_hex(t, "tek", l->tek_digest, sizeof l->tek_digest);
	put_hex(t, "tik", l->tik_digest, sizeof l->tik_digest);
	close_list(t, "},");
}

static void
put_measured(struct token_text *t, const struct assay_launch *l)
{
	assay_token_put(t, "\"api\":{");
	put_number(t, "major", l->api.major);
	put_number(t, "minor", l->api.minor);
	put_number(t, "build", l->api.build);
	close_list(t, "},");
	put_hex(t, "digest", l->digest, sizeof l->digest);
	put_hex(t, "measure", l->measure, sizeof l->measure);
	put_hex(t, "mnonce", l->mnonce, sizeof l->mnonce);
}

static void
put_injected(struct token_text *t, const struct assay_launch *l)
{
	put_base64(t, "key", l->key, l->key_len);
	assay_token_put(t, "\"secrets\":[");
	for (size_t i = 0; i < l->secret_count; i++) {
		assay_token_string(t, assay_bytes_of(l->secrets[i]));
		assay_token_put(t, ",");
	}
	close_list(t, "],");
}

static enum assay_code
write_members(char **out, const struct assay_launch *l, const char *signer, struct assay_error *err)
{
	struct token_text t = { .failed = false };

	assay_token_put(&t, "{");
	put_number(&t, "version", 1);
	put_text(&t, "name", l->name);
	put_text(&t, "tee", assay_launch_tee(l));
	put_number(&t, "policy", l->policy);
	put_text(&t, "stage", assay_launch_stages[l->stage]);
	put_number(&t, "created", l->created);
	assay_token_put(&t, "\"chain\":{");
	for (size_t i = 0; i < ASSAY_LAUNCH_CERTIFICATES; i++)
		if (l->cert_len[i] > 0)
			put_base64(&t, assay_launch_cert_names[i], l->certs[i], l->cert_len[i]);
	close_list(&t, "},");
	if (l->stage < ASSAY_LAUNCH_COMPLETE)
		put_keys(&t, l);
	if (l->stage >= ASSAY_LAUNCH_CHECKED)
		put_measured(&t, l);
	if (l->stage >= ASSAY_LAUNCH_COMPLETE)
		put_injected(&t, l);
	assay_token_put(&t, "\"signer\":");
	assay_token_put(&t, signer);
	assay_token_put(&t, "}");
	return assay_token_text(out, &t, err);
}

/* The token without its payload, which stands beside it. */
static enum assay_code
write_record(char **out, const char *payload, const char *token, struct assay_error *err)
{
	struct token_text t = { .failed = false };
	struct assay_bytes whole = assay_bytes_of(token), dot = { (const uint8_t *)".", 1 };
	size_t first = assay_bytes_find(whole, 0, dot);

	assay_token_put(&t, "{\"launch\":");
	assay_token_put(&t, payload);
	assay_token_put(&t, ",\"signature\":\"");
	assay_token_add(&t, (struct assay_bytes){ whole.ptr, first + 1 });
	assay_token_put(&t, token + assay_bytes_find(whole, first + 1, dot));
	assay_token_put(&t, "\"}\n");
	return assay_token_text(out, &t, err);
}

enum assay_code
assay_launch_write(
    char **out, struct assay_launch *launch, const struct assay_jwk *key, struct assay_error *err)
{
	struct assay_jwk *public = NULL;
	char *signer = NULL, *members = NULL, *payload = NULL, *token = NULL, *text = NULL;
	enum assay_code rc = assay_jwk_json(&signer, key, NULL, err);

	if (rc == ASSAY_OK)
		rc = assay_jwk_parse(&public, assay_bytes_of(signer), err);
	if (rc == ASSAY_OK)
		rc = write_members(&members, launch, signer, err);
	if (rc == ASSAY_OK)
		rc = assay_json_canonical(&payload, assay_bytes_of(members), err);
	if (rc == ASSAY_OK)
		rc = assay_jws_sign(
		    &token, key, "assay-launch", false, assay_bytes_of(payload), err);
	if (rc == ASSAY_OK)
		rc = write_record(&text, payload, token, err);
	if (rc == ASSAY_OK) {
		assay_jwk_free(launch->signer);
		launch->signer = public;
		public = NULL;
		*out = text;
	}
	assay_jwk_free(public);
	free(signer);
	free(members);
	free(payload);
	free(token);
	return rc;
}
