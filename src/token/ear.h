/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAY_EAR_H
#define ASSAY_EAR_H

/* The names that an EAR's members have in each profile. */

#include <assay/token.h>

#include "token/token.h"

struct ear_names {
	const char *profile; /* the text of eat_profile */
	const char *verifier, *status, *vector;
	const char *policy; /* deployed: one text; IETF: a list */
	const char *annotated;
};
extern const struct ear_names assay_ear_names[];

#endif
