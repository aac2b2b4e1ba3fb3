/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BROKER_VM_H
#define BROKER_VM_H

/* What a registration says of a VM: "NAME,cid=N|socket=PATH,qmp=ADDR|adapter=ADDR|tdx[,pid=N][,loopback]". */

#include <stdbool.h>
#include <stdint.h>

enum { VM_NAME_ROOM = 64, VM_PATH_ROOM = 108, VM_WHY_ROOM = 160, VM_TEXT_ROOM = 512 };
enum { CID_HYPERVISOR = 0, CID_LOOPBACK = 1, CID_HOST = 2, CID_FIRST_GUEST = 3 };

struct vm_spec {
	char name[VM_NAME_ROOM];
	uint32_t cid;               /* 0: it comes by its own socket */
	char socket[VM_PATH_ROOM];  /* "": it comes by its CID */
	char monitor[VM_PATH_ROOM]; /* path of the Unix socket that its VMM listens on */
	bool adapter;               /* that socket speaks lines of docs/broker.md, and not QMP */
	bool tdx;      /* a TD: its VMM is asked nothing, its own socket is for quotes */
	bool loopback; /* CID 1 is meant: the host's own loopback, for tests */
	int32_t pid;   /* of the VMM; 0: not said */
};

/* false: why has what is wrong, to stand behind the text. out changes on success only. */
bool vm_spec_read(struct vm_spec *out, const char *text, char why[VM_WHY_ROOM]);
/* The same name, CID, socket or VMM's socket cannot stand for two: true, with the reason. */
bool vm_spec_clash(const struct vm_spec *a, const struct vm_spec *b, char why[VM_WHY_ROOM]);
/* The text that reads as this. */
void vm_spec_print(char out[VM_TEXT_ROOM], const struct vm_spec *vm);

#endif
