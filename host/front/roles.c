/* SPDX-License-Identifier: Apache-2.0 */
#include "../evidence/evidence.h"
#include "role.h"

const struct role *const roles[ROLES] = { &role_evidence };
