/* SPDX-License-Identifier: Apache-2.0 */
#include "bridge.h"

#include "platforms/sev_vm.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { HEAD = 10, FRAME_MAX = HEAD + (4 << 20) }; /* of ttrpc: a length comes first */

struct frame {
	uint8_t *bytes;
	size_t len, room;
};

static bool
send_all(int fd, const uint8_t *bytes, size_t n)
{
	while (n > 0) {
		ssize_t sent = send(fd, bytes, n, MSG_NOSIGNAL);
		if (sent < 0 && errno != EINTR)
			return false;
		if (sent > 0) {
			bytes += sent;
			n -= (size_t)sent;
		}
	}
	return true;
}

/* Bytes as they come. False: the end. */
static bool
hand_on(int from, int to)
{
	uint8_t bytes[8192];
	ssize_t n = recv(from, bytes, sizeof bytes, 0);

	return n > 0 ? send_all(to, bytes, (size_t)n) : n < 0 && errno == EINTR;
}

static size_t
frame_size(const struct frame *f)
{
	if (f->len < HEAD)
		return FRAME_MAX + 1;
	return HEAD +
	    ((size_t)f->bytes[0] << 24 | (size_t)f->bytes[1] << 16 | (size_t)f->bytes[2] << 8 |
		f->bytes[3]);
}

static bool
hand_on_frames(int from, int to, struct frame *f, struct sim_sev_vm *vm)
{
	if (f->room - f->len < 8192) {
		uint8_t *more = f->room < FRAME_MAX ? realloc(f->bytes, f->room + 65536) : NULL;
		if (more == NULL)
			return false;
		f->bytes = more;
		f->room += 65536;
	}
	ssize_t n = recv(from, f->bytes + f->len, f->room - f->len, 0);
	if (n <= 0)
		return n < 0 && errno == EINTR;
	f->len += (size_t)n;
	for (size_t size; (size = frame_size(f)) <= f->len;) {
		sim_sev_vm_swap(vm, f->bytes, size);
		if (!send_all(to, f->bytes, size))
			return false;
		memmove(f->bytes, f->bytes + size, f->len - size);
		f->len -= size;
	}
	return true;
}

void
bridge_serve(int guest, const struct vsock_port *port)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int broker = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct frame f = { NULL, 0, 0 };

	strncpy(at.sun_path, port->path, sizeof at.sun_path - 1);
	bool on = broker >= 0 && connect(broker, (const struct sockaddr *)&at, sizeof at) == 0;
	while (on) {
		struct pollfd fds[] = { { .fd = guest, .events = POLLIN },
			{ .fd = broker, .events = POLLIN } };
		if (poll(fds, 2, -1) < 0 && errno != EINTR)
			break;
		if (fds[0].revents != 0)
			on = hand_on(guest, broker);
		if (on && fds[1].revents != 0)
			on = hand_on_frames(broker, guest, &f, port->cheat);
	}
	free(f.bytes);
	if (broker >= 0)
		close(broker);
	close(guest);
}
