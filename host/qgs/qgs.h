/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BROKER_QGS_H
#define BROKER_QGS_H

/*
 * The quoting role: the protocol of a quote generation service, in front of such services; docs/broker.md.
 * What the other process says to it: front.h.
 */

#include "../front/role.h"

extern const struct role role_qgs;

#endif
