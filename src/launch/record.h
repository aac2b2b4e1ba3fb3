/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAY_LAUNCH_RECORD_H
#define ASSAY_LAUNCH_RECORD_H

/* What the stages of a launch share. */

#include <assay/launch.h>

#include "crypto/secret.h"
#include "parse/sev.h"

enum {
	LAUNCH_RECORD_MAX = 64 * 1024,
	LAUNCH_KEY_MAX = 4096, /* a SubjectPublicKeyInfo; those of lattices are long */
};

struct assay_launch {
	char name[ASSAY_LAUNCH_NAME_MAX + 1];
	enum assay_launch_stage stage;
	int64_t created;
	uint32_t policy;
	bool trusted;
	struct assay_jwk *signer; /* NULL: not signed yet */
	uint8_t certs[ASSAY_LAUNCH_CERTIFICATES][SEV_CERT_SIZE];
	size_t cert_len[ASSAY_LAUNCH_CERTIFICATES]; /* 0: not there */
	/* Of TEK and TIK, while there are any: who puts other keys in their place is found out. */
	uint8_t tek_digest[ASSAY_SHA256_LEN], tik_digest[ASSAY_SHA256_LEN];
	struct assay_sev_api api;
	uint8_t digest[ASSAY_LAUNCH_DIGEST_SIZE];
	uint8_t measure[ASSAY_LAUNCH_MEASURE_SIZE];
	uint8_t mnonce[ASSAY_LAUNCH_MNONCE_SIZE];
	uint8_t key[LAUNCH_KEY_MAX];
	size_t key_len;
	uint8_t key_digest[ASSAY_SHA256_LEN]; /* by which a guest's proof names it */
	char secrets[ASSAY_LAUNCH_SECRETS_MAX][ASSAY_GUID_TEXT];
	size_t secret_count;
};

/* key: at most LAUNCH_KEY_MAX bytes. */
void assay_launch_set_key(struct assay_launch *launch, struct assay_bytes key);
/* A SubjectPublicKeyInfo by its outermost head: the rest is looked at by who verifies under it. */
bool assay_launch_is_sequence(struct assay_bytes der);
/* SHA-256 over the key; empty if there is none. */
struct assay_bytes assay_launch_key_digest(const struct assay_launch *launch);

bool assay_launch_name_fits(struct assay_bytes name);
/* Lower case. False: it is no GUID in its text form. */
bool assay_launch_guid(char out[ASSAY_GUID_TEXT], struct assay_bytes text);
/* Is key the one of this digest? name is TEK or TIK. */
ASSAY_MUST_USE enum assay_code assay_launch_own_key(const uint8_t digest[ASSAY_SHA256_LEN],
    const uint8_t key[ASSAY_LAUNCH_KEY_SIZE], const char *name, struct assay_error *err);
/* Is this certificate what it stands for, by length, version and usage? */
bool assay_launch_cert_fits(enum assay_launch_certificate which, struct assay_bytes cert);

extern const char *const assay_launch_stages[];
extern const char *const assay_launch_cert_names[ASSAY_LAUNCH_CERTIFICATES]; /* in the record */

/* The parts of the calls that known answers are given for. Each is false when the engine failed. */

/* The KDF of NIST SP 800-108 as SEV has it: counter and length little-endian. label is ASCII. */
bool assay_launch_kdf(uint8_t out[ASSAY_LAUNCH_KEY_SIZE], struct assay_bytes key, const char *label,
    struct assay_bytes context);
/* What a session is made of by chance. */
struct launch_chance {
	uint8_t nonce[ASSAY_LAUNCH_KEY_SIZE], wrap_iv[ASSAY_LAUNCH_KEY_SIZE];
	uint8_t tek[ASSAY_LAUNCH_KEY_SIZE], tik[ASSAY_LAUNCH_KEY_SIZE];
};
bool assay_launch_blob(uint8_t out[ASSAY_LAUNCH_BLOB_SIZE], struct assay_bytes z, uint32_t policy,
    const struct launch_chance *chance);
bool assay_launch_measure_of(uint8_t out[ASSAY_LAUNCH_MEASURE_SIZE],
    const uint8_t tik[ASSAY_LAUNCH_KEY_SIZE], uint32_t policy,
    const uint8_t digest[ASSAY_LAUNCH_DIGEST_SIZE], const struct assay_launch_answer *answer);
/* payload has the length of the table, a multiple of 16. */
bool assay_launch_packet(uint8_t header[ASSAY_LAUNCH_HEADER_SIZE], uint8_t *payload,
    struct assay_bytes table, const struct assay_launch_input *keys,
    const uint8_t iv[ASSAY_LAUNCH_KEY_SIZE], const uint8_t measure[ASSAY_LAUNCH_MEASURE_SIZE]);
/* The table of secrets, padded. Returns its length; 0 if out has no room for it or a GUID is none: then no
 * secret is in out, and there is nothing to wipe. */
size_t assay_launch_table(
    uint8_t *out, size_t room, const struct assay_launch_secret *secrets, size_t count);

#endif
