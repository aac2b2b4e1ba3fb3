/* SPDX-License-Identifier: Apache-2.0 */
#include "launch/record.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
	GUID_SIZE = 16,
	ENTRY_HEAD = GUID_SIZE + 4, /* u32 length of this and what follows */
	BLOCK = 16,
	SECRET_CONTEXT = 0x01,
	IV_AT = 4,
	MAC_AT = IV_AT + ASSAY_LAUNCH_KEY_SIZE,
	MAC_HEAD =
	    1 + 4 + ASSAY_LAUNCH_KEY_SIZE + 4 + 4, /* what is authenticated before the payload */
};
_Static_assert(MAC_AT + ASSAY_SHA256_LEN == ASSAY_LAUNCH_HEADER_SIZE, "the header is full");

static const char table_guid[] = "1e74f542-71dd-4d66-963e-ef4287ff173b";

static void
put_u32(uint8_t *out, size_t value)
{
	for (size_t i = 0; i < 4; i++)
		out[i] = (uint8_t)(value >> 8 * i);
}

/* --- the table --------------------------------------------------------------------------- */

/* The form of EFI: the first three parts little-endian. */
static bool
put_guid(uint8_t out[GUID_SIZE], const char *guid)
{
	static const uint8_t places[GUID_SIZE] = { 6, 4, 2, 0, 11, 9, 16, 14, 19, 21, 24, 26, 28,
		30, 32, 34 };
	char text[ASSAY_GUID_TEXT];

	if (!assay_launch_guid(text, assay_bytes_of(guid)))
		return false;
	for (size_t i = 0; i < GUID_SIZE; i++)
		if (!assay_unhex(
			out + i, 1, (struct assay_bytes){ (uint8_t *)text + places[i], 2 }))
			return false;
	return true;
}

static bool
put_entry(uint8_t *out, const char *guid, size_t len)
{
	put_u32(out + GUID_SIZE, len);
	return put_guid(out, guid);
}

/* The length of the table, padded; 0: a GUID is none. */
static uint64_t
table_length(const struct assay_launch_secret *secrets, size_t count)
{
	uint64_t n = ENTRY_HEAD;
	uint8_t guid[GUID_SIZE];

	for (size_t i = 0; i < count; i++) {
		if (!put_guid(guid, secrets[i].guid))
			return 0;
		/* Too large is too large: what no length can say does not make the sum wrap. */
		size_t len = secrets[i].data.len;
		n += ENTRY_HEAD + (len < UINT32_MAX ? len : UINT32_MAX);
	}
	return (n + BLOCK - 1) / BLOCK * BLOCK;
}

size_t
assay_launch_table(
    uint8_t *out, size_t room, const struct assay_launch_secret *secrets, size_t count)
{
	uint64_t padded = table_length(secrets, count);
	size_t at = ENTRY_HEAD;

	if (padded == 0 || padded > room)
		return 0;
	for (size_t i = 0; i < count; i++) {
		struct assay_bytes data = secrets[i].data;
		(void)put_entry(out + at, secrets[i].guid, ENTRY_HEAD + data.len);
		if (data.len > 0)
			memcpy(out + at + ENTRY_HEAD, data.ptr, data.len);
		at += ENTRY_HEAD + data.len;
	}
	(void)put_entry(out, table_guid, at);
	memset(out + at, 0, (size_t)padded - at);
	return (size_t)padded;
}

/* --- the packet -------------------------------------------------------------------------- */

bool
assay_launch_packet(uint8_t header[ASSAY_LAUNCH_HEADER_SIZE], uint8_t *payload,
    struct assay_bytes table, const struct assay_launch_input *keys,
    const uint8_t iv[ASSAY_LAUNCH_KEY_SIZE], const uint8_t measure[ASSAY_LAUNCH_MEASURE_SIZE])
{
	size_t len = MAC_HEAD + table.len + ASSAY_LAUNCH_MEASURE_SIZE;
	uint8_t *message = malloc(len);
	bool ok = message != NULL && assay_aes128_ctr(payload, keys->tek, iv, table);

	if (ok) {
		message[0] = SECRET_CONTEXT;
		put_u32(message + 1, 0); /* flags: not compressed */
		memcpy(message + 5, iv, ASSAY_LAUNCH_KEY_SIZE);
		put_u32(message + 21, table.len); /* in the guest, */
		put_u32(message + 25, table.len); /* and on its way */
		memcpy(message + MAC_HEAD, payload, table.len);
		memcpy(message + MAC_HEAD + table.len, measure, ASSAY_LAUNCH_MEASURE_SIZE);
		put_u32(header, 0);
		memcpy(header + IV_AT, iv, ASSAY_LAUNCH_KEY_SIZE);
		ok = assay_hmac_sha256(header + MAC_AT,
		    (struct assay_bytes){ keys->tik, ASSAY_LAUNCH_KEY_SIZE },
		    (struct assay_bytes){ message, len });
	}
	free(message);
	return ok;
}

/* --- putting it in ----------------------------------------------------------------------- */

enum assay_code
assay_launch_key_make(uint8_t **out, size_t *len, const char *type, struct assay_error *err)
{
	if (strcmp(type, "P-256") == 0)
		return assay_pkcs8_make(out, len, ASSAY_PAIR_P256, err);
	if (strcmp(type, "Ed25519") == 0)
		return assay_pkcs8_make(out, len, ASSAY_PAIR_ED25519, err);
	return assay_fail(err, ASSAY_E_USAGE, "key type: %s is none of P-256, Ed25519",
	    assay_quote(assay_bytes_of(type)).text);
}

static enum assay_code
take_guids(char guids[][ASSAY_GUID_TEXT], const struct assay_launch_secret *secrets, size_t count,
    struct assay_error *err)
{
	for (size_t i = 0; i < count; i++) {
		struct assay_bytes text = assay_bytes_of(secrets[i].guid);
		if (!assay_launch_guid(guids[i], text))
			return assay_fail(err, ASSAY_E_USAGE,
			    "secret: %s is no GUID, 8-4-4-4-12 hex digits", assay_quote(text).text);
		for (size_t j = 0; j < i; j++)
			if (strcmp(guids[i], guids[j]) == 0)
				return assay_fail(err, ASSAY_E_USAGE,
				    "secret: %s is there twice, and the guest would see one of the "
				    "two",
				    guids[i]);
	}
	return ASSAY_OK;
}

/* One that is given must be the guest's, where that can be told: by another no proof would ever hold. */
static enum assay_code
check_given(struct assay_bytes given, struct assay_bytes private_key_info, struct assay_error *err)
{
	struct assay_error why;
	uint8_t *own = NULL;
	size_t len = 0;
	enum assay_code rc = assay_pkcs8_public(&own, &len, private_key_info, &why);
	bool same = assay_bytes_equal(given, (struct assay_bytes){ own, len });

	free(own);
	if (rc == ASSAY_E_UNSUPPORTED)
		return assay_launch_is_sequence(given)
		    ? ASSAY_OK
		    : assay_fail(err, ASSAY_E_FORMAT,
			  "public key: %zu bytes are no SubjectPublicKeyInfo in DER, alone",
			  given.len);
	if (rc != ASSAY_OK)
		return assay_fail(err, rc, "%s", why.text);
	return same ? ASSAY_OK
		    : assay_fail(err, ASSAY_E_USAGE,
			  "public key: is not that of the private key; leave it away");
}

static enum assay_code
public_half(uint8_t key[LAUNCH_KEY_MAX], size_t *key_len, const struct assay_launch_input *in,
    struct assay_error *err)
{
	struct assay_bytes public = in->public_key;
	uint8_t *own = NULL;
	size_t len = 0;
	enum assay_code rc = ASSAY_OK;

	if (public.len == 0) {
		rc = assay_pkcs8_public(&own, &len, in->private_key_info, err);
		public = (struct assay_bytes){ own, len };
	} else {
		rc = check_given(public, in->private_key_info, err);
	}
	if (rc == ASSAY_OK && public.len > LAUNCH_KEY_MAX)
		rc = assay_fail(err, ASSAY_E_USAGE,
		    "public key: is %zu bytes, and a record holds at most %d", public.len,
		    LAUNCH_KEY_MAX);
	if (rc == ASSAY_OK) {
		memcpy(key, public.ptr, public.len);
		*key_len = public.len;
	}
	free(own);
	return rc;
}

static enum assay_code
make_packet(uint8_t header[ASSAY_LAUNCH_HEADER_SIZE], uint8_t **payload, size_t *len,
    const struct assay_launch *l, const struct assay_launch_input *in,
    const struct assay_launch_secret *secrets, size_t count, struct assay_error *err)
{
	uint8_t *table = malloc(ASSAY_LAUNCH_PAYLOAD_MAX);
	uint8_t *out = malloc(ASSAY_LAUNCH_PAYLOAD_MAX), iv[ASSAY_LAUNCH_KEY_SIZE];
	enum assay_code rc = ASSAY_OK;
	size_t n = 0, room = in->area != 0 ? in->area : ASSAY_LAUNCH_AREA_SIZE;

	if (room > ASSAY_LAUNCH_PAYLOAD_MAX)
		room = ASSAY_LAUNCH_PAYLOAD_MAX;
	if (table == NULL || out == NULL)
		rc = assay_fail_nomem(err);
	else if ((n = assay_launch_table(table, room, secrets, count)) == 0)
		rc = assay_fail(err, ASSAY_E_USAGE,
		    "secrets: are %" PRIu64 " bytes with the guest's key and 20 for each, and %zu "
		    "fit into the area of the firmware%s; give fewer, or shorter ones",
		    table_length(secrets, count), room - room % BLOCK,
		    in->area != 0 ? "" : ", as images have it (--ovmf tells of another)");
	else if (!assay_random(iv, sizeof iv) ||
	    !assay_launch_packet(header, out, (struct assay_bytes){ table, n }, in, iv, l->measure))
		rc = assay_fail(err, ASSAY_E_NOMEM,
		    "secrets: could not be packed, for want of memory or of randomness");
	assay_wipe(table, n);
	free(table);
	if (rc == ASSAY_OK) {
		*payload = out;
		*len = n;
	} else {
		free(out);
	}
	return rc;
}

enum assay_code
assay_launch_inject(uint8_t header[ASSAY_LAUNCH_HEADER_SIZE], uint8_t **payload, size_t *len,
    struct assay_launch *launch, const struct assay_launch_input *in, struct assay_error *err)
{
	struct assay_launch_secret all[ASSAY_LAUNCH_SECRETS_MAX] = { { ASSAY_LAUNCH_KEY_GUID,
	    in->private_key_info } };
	char guids[ASSAY_LAUNCH_SECRETS_MAX][ASSAY_GUID_TEXT];
	uint8_t key[LAUNCH_KEY_MAX];
	size_t count = in->secret_count + 1, key_len = 0;
	enum assay_code rc;

	if (launch->stage != ASSAY_LAUNCH_CHECKED)
		return assay_fail(err, ASSAY_E_USAGE, "launch record: %s",
		    launch->stage == ASSAY_LAUNCH_SESSION
			? "what was launched was not checked yet, so no secret goes there: assay "
			  "launch check"
			: "its session is spent, whether or not its guest has the secrets: make "
			  "another");
	if (count > ASSAY_LAUNCH_SECRETS_MAX)
		return assay_fail(err, ASSAY_E_USAGE, "secrets: are %zu, at most %d make sense",
		    count, ASSAY_LAUNCH_SECRETS_MAX);
	if (in->secret_count > 0)
		memcpy(all + 1, in->secrets, in->secret_count * sizeof *all);
	if ((rc = assay_launch_own_key(launch->tek_digest, in->tek, "TEK", err)) != ASSAY_OK ||
	    (rc = assay_launch_own_key(launch->tik_digest, in->tik, "TIK", err)) != ASSAY_OK ||
	    (rc = take_guids(guids, all, count, err)) != ASSAY_OK ||
	    (rc = public_half(key, &key_len, in, err)) != ASSAY_OK ||
	    (rc = make_packet(header, payload, len, launch, in, all, count, err)) != ASSAY_OK)
		return rc;
	assay_launch_set_key(launch, (struct assay_bytes){ key, key_len });
	memcpy(launch->secrets, guids, count * sizeof *guids);
	launch->secret_count = count;
	launch->stage = ASSAY_LAUNCH_COMPLETE;
	return ASSAY_OK;
}
