/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAYD_IPC_H
#define ASSAYD_IPC_H

/*
 * Messages between the processes of assayd, over a Unix stream socket: u32 length of what follows,
 * u32 id, u16 op (in an answer: status), u16 count, then count fields of u32 length and bytes; all
 * little-endian. The reader is strict; a message that breaks the form ends the connection.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <assay/bytes.h>

enum { IPC_FIELDS_MAX = 16, IPC_MESSAGE_MAX = 64 * 1024 * 1024 };

struct ipc_message {
	uint32_t id;
	uint16_t op;
	uint16_t count;
	struct assay_bytes field[IPC_FIELDS_MAX]; /* borrowed from the buffer that was read */
};

/* How many bytes the message at the start of in has; 0: not yet known; SIZE_MAX: it breaks the form. */
size_t ipc_size(struct assay_bytes in);
/* Reads a whole message of ipc_size() bytes. */
bool ipc_read(struct ipc_message *m, struct assay_bytes in);
/* Writes a message into memory that the caller wipes and frees; NULL when out of memory. */
uint8_t *ipc_write(size_t *len, const struct ipc_message *m);

/* Messages on their way in or out: at..len is what is in it. What leaves it is wiped: it may be secret. */
struct ipc_queue {
	uint8_t *ptr;
	size_t at, len, room;
};
void ipc_queue_free(struct ipc_queue *q);
struct assay_bytes ipc_waiting(const struct ipc_queue *q);
/* Adds a message; false: out of memory, or it is too long. */
bool ipc_add(struct ipc_queue *q, const struct ipc_message *m);
/* Takes n bytes off its start. */
void ipc_forget(struct ipc_queue *q, size_t n);
/* What has come on the socket, or what it takes; neither waits. false: the other end is gone; ENOMEM of
 * ipc_receive(): there is no room. */
bool ipc_receive(struct ipc_queue *q, int fd);
bool ipc_send(struct ipc_queue *q, int fd);

/* Fields that are numbers: 8 bytes, little-endian. */
struct assay_bytes ipc_u64(uint8_t buffer[8], uint64_t n);
bool ipc_get_u64(uint64_t *out, const struct ipc_message *m, size_t field);
/* Text (no zero byte inside) of at most room - 1 bytes. */
bool ipc_get_text(char *out, size_t room, const struct ipc_message *m, size_t field);

#endif
