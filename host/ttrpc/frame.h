/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TTRPC_FRAME_H
#define TTRPC_FRAME_H

/* The ten bytes before each message of ttrpc. Source: containerd's ttrpc, PROTOCOL.md, "Message Frame". */

#include <stdint.h>

enum {
	TTRPC_HEAD = 10,
	TTRPC_LENGTH_MAX = 4 * 1024 * 1024, /* of what follows the head, as all of ttrpc has it */
};

enum { TTRPC_REQUEST = 1, TTRPC_RESPONSE = 2, TTRPC_DATA = 3 }; /* type */
enum { TTRPC_REMOTE_CLOSED = 1, TTRPC_REMOTE_OPEN = 2 };        /* flags of a stream of data */

struct ttrpc_frame {
	uint32_t length; /* bytes that follow */
	uint32_t stream; /* odd: opened by the client */
	uint8_t type, flags;
};

/* Any ten bytes are a head; what its numbers may be is the reader's to judge. */
void ttrpc_frame_read(struct ttrpc_frame *out, const uint8_t in[TTRPC_HEAD]);
void ttrpc_frame_write(uint8_t out[TTRPC_HEAD], const struct ttrpc_frame *frame);

#endif
