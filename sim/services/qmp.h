/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SIM_QMP_H
#define SIM_QMP_H

/*
 * QEMU's machine protocol for one VM of legacy SEV: the greeting, capabilities, and the commands
 * about SEV and the VM's run state, with QEMU's errors. Source: QEMU, qapi/misc-i386.json,
 * qapi/qmp-dispatch.c, docs/interop/qmp-spec
 */

#include "platforms/sev_vm.h"

struct sim_qmp; /* the conversation with one client */

/* What it has to say goes to `say`, a whole line at a time. The greeting is said at once. */
struct sim_qmp *
sim_qmp_new(struct sim_sev_vm *vm, void (*say)(void *arg, const char *line, size_t n), void *arg);
void sim_qmp_free(struct sim_qmp *q); /* NULL is fine */
/* Bytes of the client, however they are cut. False: the conversation is over, since one command is
 * longer than the limit, or it was `quit`. */
bool sim_qmp_hear(struct sim_qmp *q, const char *bytes, size_t n);

/* Serves clients, one at a time as QEMU does, until stop is readable or the VM is over. Both
 * descriptors stay open. */
void sim_qmp_serve(struct sim_sev_vm *vm, int listener, int stop);

#endif
