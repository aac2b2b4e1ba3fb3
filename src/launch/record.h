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
	struct assay_sev_api api;
	uint8_t digest[ASSAY_LAUNCH_DIGEST_SIZE];
	uint8_t measure[ASSAY_LAUNCH_MEASURE_SIZE];
	uint8_t mnonce[ASSAY_LAUNCH_MNONCE_SIZE];
	uint8_t key[LAUNCH_KEY_MAX];
	size_t key_len;
	char secrets[ASSAY_LAUNCH_SECRETS_MAX][ASSAY_GUID_TEXT];
	size_t secret_count;
};

bool assay_launch_name_fits(struct assay_bytes name);
/* Lower case. False: it is no GUID in its text form. */
bool assay_launch_guid(char out[ASSAY_GUID_TEXT], struct assay_bytes text);
/* Is this certificate what it stands for, by length, version and usage? */
bool assay_launch_cert_fits(enum assay_launch_certificate which, struct assay_bytes cert);

#endif
