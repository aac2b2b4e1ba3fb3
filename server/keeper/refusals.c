/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A guest that is genuine, and that a policy refuses, could fill the disk: each time that it asks is a row.
 * So of one session only so many refusals are rows; an attestation, which takes a report of the platform,
 * brings as many again. Sessions are counted in a table that forgets the oldest, where nobody outside can
 * tell which of them share a place.
 */
#include "core.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>

enum { SETS = 4096, WAYS = 8, ID = 16 };

struct refusal {
	uint8_t id[ID]; /* of a hash of the session's */
	int64_t first;  /* when */
	uint32_t count; /* 0: free */
};

struct refusals {
	struct refusal of[SETS][WAYS];
};

void
refusals_free(struct refusals *r)
{
	free(r);
}

bool
refusal_is_row(struct keeper *k, const char *session, bool *last)
{
	uint8_t digest[EVP_MAX_MD_SIZE];
	unsigned len = 0;
	size_t way = 0;

	*last = false;
	if (k->refusals == NULL && (k->refusals = calloc(1, sizeof *k->refusals)) == NULL)
		return true;
	if (HMAC(EVP_sha256(), k->root, VAULT_KEY, (const uint8_t *)session, strlen(session),
		digest, &len) == NULL)
		return true;
	size_t set = (size_t)(digest[ID] | digest[ID + 1] << 8) % SETS;
	struct refusal *of = k->refusals->of[set];
	for (size_t i = 0; i < WAYS; i++) {
		if (of[i].count > 0 && memcmp(of[i].id, digest, ID) == 0) {
			of[i].count += of[i].count <= REFUSALS_MAX;
			*last = of[i].count == REFUSALS_MAX;
			return of[i].count <= REFUSALS_MAX;
		}
		if (of[way].count > 0 && (of[i].count == 0 || of[i].first < of[way].first))
			way = i;
	}
	of[way] = (struct refusal){ .count = 1, .first = k->now };
	memcpy(of[way].id, digest, ID);
	return true;
}
