/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAY_CHECK_TABLE_H
#define ASSAY_CHECK_TABLE_H

#include <assay/checks.h>

#include "core/check_ids.h"

struct assay_check_info {
	const char *id;
	bool genuine;       /* false: a matter of policy or of what the caller asked for */
	const char *proves; /* "The quote was signed by the attestation key that it names." */
	const char *stops;  /* what an attacker could do without it */
	const char *source; /* manual and section */
	const char *remedy; /* what the reader of a refusal should do next */
};

extern const struct assay_check_info assay_check_table[CHECK_COUNT];

#endif
