/* SPDX-License-Identifier: Apache-2.0 */
#include "../evidence/evidence.h"
#include "../qgs/qgs.h"
#include "role.h"

const struct role *const roles[ROLES] = {
	[ROLE_EVIDENCE] = &role_evidence,
	[ROLE_QGS] = &role_qgs,
};
