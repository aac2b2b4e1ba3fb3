/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SIM_BRIDGE_H
#define SIM_BRIDGE_H

/* A host that sits between the guest and the evidence broker, and swaps reports on their way back. */

#include "vsock.h"

/* Hands everything on between the guest's connection, which it closes, and the port's socket. What
 * comes from there is taken a ttrpc frame at a time, so that a report in it is whole. */
void bridge_serve(int guest, const struct vsock_port *port);

#endif
