/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AGENTD_SECRET_H
#define AGENTD_SECRET_H

/*
 * The key that the owner injected at launch: taken from securityfs, used once, removed there. Kept only
 * where the configuration names somebody to whom it is given.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <assay/proof.h>

#include "options.h"

#define LAUNCH_KEY_GUID "c2b5a1f0-6f0e-4d0a-9d57-1f4b7c6e0a35"

enum { SECRET_WHY = 220 };

/* Pages of their own: locked, in no core dump, not inherited. */
struct locked {
	uint8_t *ptr; /* NULL: none */
	size_t len, room;
};

struct secret {
	bool taken;                    /* there was one */
	struct assay_proof_keys *keys; /* NULL: there was none, or one that signs no proofs */
	struct locked kept;            /* the injected key, where it may be given away */
	char why[SECRET_WHY];          /* there are no keys */
};

/*
 * Takes the key, of whatever algorithm, and removes it where it was. False after it has complained: a key
 * is there, and cannot be taken wholly. That there is none is no failure.
 */
bool secret_take(struct secret *out, const struct agent_options *options);
void secret_clear(struct secret *secret); /* wipes */

#endif
