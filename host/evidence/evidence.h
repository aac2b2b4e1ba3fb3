/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BROKER_EVIDENCE_H
#define BROKER_EVIDENCE_H

/* The evidence role: ttrpc, service aeb.AEB; docs/broker.md. What the other processes say to it: front.h. */

#include "../front/role.h"

extern const struct role role_evidence;

#endif
