/* SPDX-License-Identifier: Apache-2.0 */
#include "frame.h"

static uint32_t
get32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void
put32(uint8_t *p, uint32_t n)
{
	p[0] = (uint8_t)(n >> 24);
	p[1] = (uint8_t)(n >> 16);
	p[2] = (uint8_t)(n >> 8);
	p[3] = (uint8_t)n;
}

void
ttrpc_frame_read(struct ttrpc_frame *out, const uint8_t in[TTRPC_HEAD])
{
	out->length = get32(in);
	out->stream = get32(in + 4);
	out->type = in[8];
	out->flags = in[9];
}

void
ttrpc_frame_write(uint8_t out[TTRPC_HEAD], const struct ttrpc_frame *frame)
{
	put32(out, frame->length);
	put32(out + 4, frame->stream);
	out[8] = frame->type;
	out[9] = frame->flags;
}
