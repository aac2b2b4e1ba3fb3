/* SPDX-License-Identifier: Apache-2.0 */
#include "client.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <linux/vm_sockets.h>

#include "frame.h"

enum { RESPONSE_MAX = 64 * 1024, PORTS_RESERVED = 1024, PORT_TRIES = 16 };

static enum assay_code fail(struct assay_error *err, enum assay_code code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static enum assay_code
fail(struct assay_error *err, enum assay_code code, const char *fmt, ...)
{
	va_list ap;

	if (err == NULL)
		return code;
	va_start(ap, fmt);
	vsnprintf(err->text, sizeof err->text, fmt, ap);
	va_end(ap);
	err->code = code;
	return code;
}

static int64_t
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Until the descriptor can go on. false: time is up, errno ETIMEDOUT. */
static bool
wait_for(int fd, short events, int64_t end)
{
	struct pollfd p = { .fd = fd, .events = events };

	for (;;) {
		int64_t left = end - now_ms();
		if (left <= 0) {
			errno = ETIMEDOUT;
			return false;
		}
		int n = poll(&p, 1, (int)left);
		if (n > 0)
			return true;
		if (n < 0 && errno != EINTR)
			return false;
	}
}

/* --- connecting -------------------------------------------------------------------------- */

static int
finish(int fd, const struct sockaddr *name, socklen_t size, int64_t end)
{
	int error = 0;
	socklen_t len = sizeof error;

	if (fd < 0)
		return -1;
	if (connect(fd, name, size) == 0)
		return fd;
	if ((errno == EINPROGRESS || errno == EINTR) && wait_for(fd, POLLOUT, end) &&
	    getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) == 0) {
		if (error == 0)
			return fd;
		errno = error;
	}
	error = errno;
	close(fd);
	errno = error;
	return -1;
}

static bool
number(unsigned *out, const char *text, const char *end)
{
	size_t n = strspn(text, "0123456789");

	if (n == 0 || n > 10 || text + n != end || strtoull(text, NULL, 10) > UINT32_MAX)
		return false;
	*out = (unsigned)strtoull(text, NULL, 10);
	return true;
}

/* Below 1024, where we may: the broker then lets nobody push us aside who is but a user of this guest. */
static void
bind_reserved(int fd)
{
	struct sockaddr_vm name = { .svm_family = AF_VSOCK, .svm_cid = VMADDR_CID_ANY };
	unsigned at = 0;

	if (getrandom(&at, sizeof at, GRND_NONBLOCK) != sizeof at)
		at = (unsigned)now_ms();
	for (int i = 0; i < PORT_TRIES; i++) {
		name.svm_port = 1 + at++ % (PORTS_RESERVED - 1);
		if (bind(fd, (const struct sockaddr *)&name, sizeof name) == 0 ||
		    errno != EADDRINUSE)
			return;
	}
}

static int
connect_vsock(const char *rest, int64_t end)
{
	struct sockaddr_vm name = { .svm_family = AF_VSOCK, .svm_cid = VMADDR_CID_HOST };
	const char *colon = strchr(rest, ':');

	if (colon == NULL || !number(&name.svm_port, colon + 1, rest + strlen(rest)) ||
	    (strncmp(rest, "host:", 5) != 0 && !number(&name.svm_cid, rest, colon))) {
		errno = EINVAL;
		return -1;
	}
	int fd = socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd >= 0)
		bind_reserved(fd);
	return finish(fd, (const struct sockaddr *)&name, sizeof name, end);
}

static int
connect_unix(const char *path, int64_t end)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };

	if (path[0] == '\0' || strlen(path) >= sizeof name.sun_path) {
		errno = EINVAL;
		return -1;
	}
	memcpy(name.sun_path, path, strlen(path));
	return finish(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0),
	    (const struct sockaddr *)&name, sizeof name, end);
}

int
ttrpc_connect(const char *address, int deadline_ms, struct assay_error *err)
{
	int64_t end = now_ms() + deadline_ms;
	int fd = -1;

	errno = EINVAL;
	if (strncmp(address, "vsock:", 6) == 0)
		fd = connect_vsock(address + 6, end);
	else if (strncmp(address, "unix:", 5) == 0)
		fd = connect_unix(address + 5, end);
	if (fd < 0 && errno == EINVAL)
		fail(err, ASSAY_E_USAGE,
		    "broker: %.100s is no address; write vsock:host:5577 or unix:PATH", address);
	else if (fd < 0)
		fail(err, ASSAY_E_IO, "broker: %.100s: %s", address, strerror(errno));
	return fd;
}

/* --- calling ----------------------------------------------------------------------------- */

static bool
send_all(int fd, const uint8_t *p, size_t len, int64_t end)
{
	while (len > 0) {
		ssize_t n = send(fd, p, len, MSG_NOSIGNAL);
		if (n > 0) {
			p += n;
			len -= (size_t)n;
		} else if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
			if (!wait_for(fd, POLLOUT, end))
				return false;
		} else if (n == 0 || errno != EINTR) {
			return false;
		}
	}
	return true;
}

static bool
receive_all(int fd, uint8_t *p, size_t len, int64_t end)
{
	while (len > 0) {
		ssize_t n = recv(fd, p, len, 0);
		if (n > 0) {
			p += n;
			len -= (size_t)n;
		} else if (n == 0) {
			errno = ECONNRESET;
			return false;
		} else if (errno == EAGAIN || errno == EWOULDBLOCK) {
			if (!wait_for(fd, POLLIN, end))
				return false;
		} else if (errno != EINTR) {
			return false;
		}
	}
	return true;
}

static enum assay_code
receive(struct ttrpc_response *out, int fd, uint32_t stream, int64_t end, struct assay_error *err)
{
	uint8_t head[TTRPC_HEAD];
	struct ttrpc_frame f;

	if (!receive_all(fd, head, sizeof head, end))
		return fail(err, ASSAY_E_IO, "broker: no answer: %s", strerror(errno));
	ttrpc_frame_read(&f, head);
	if (f.type != TTRPC_RESPONSE || f.stream != stream || f.length > RESPONSE_MAX)
		return fail(err, ASSAY_E_FORMAT,
		    "broker: its answer has type %u, stream %u and %u bytes; want type 2, stream "
		    "%u, "
		    "at most %d bytes; is that the port of a broker?",
		    f.type, f.stream, f.length, stream, RESPONSE_MAX);
	uint8_t *body = malloc(f.length + 1);
	if (body == NULL)
		return fail(err, ASSAY_E_NOMEM, "broker: out of memory");
	enum assay_code rc = ASSAY_OK;
	if (!receive_all(fd, body, f.length, end))
		rc = fail(err, ASSAY_E_IO, "broker: its answer breaks off: %s", strerror(errno));
	else if (!ttrpc_response_read(out, (struct assay_bytes){ body, f.length }))
		rc = fail(err, ASSAY_E_FORMAT, "broker: its answer is no response of ttrpc");
	free(body);
	return rc;
}

enum assay_code
ttrpc_call(struct ttrpc_response *out, int fd, uint32_t stream, const char *service,
    const char *method, struct assay_bytes payload, int deadline_ms, struct assay_error *err)
{
	int64_t end = now_ms() + deadline_ms;
	size_t len;
	uint8_t *request = ttrpc_request_write(
	    &len, stream, service, method, payload, (int64_t)deadline_ms * 1000000);

	if (request == NULL)
		return fail(err, ASSAY_E_NOMEM,
		    "broker: a request of %zu bytes cannot be made; %d are the most", payload.len,
		    TTRPC_REQUEST_MAX);
	bool sent = send_all(fd, request, len, end);
	free(request);
	if (!sent)
		return fail(err, ASSAY_E_IO, "broker: cannot be asked: %s", strerror(errno));
	return receive(out, fd, stream, end, err);
}

enum assay_code
aeb_call(struct aeb_evidence *out, int fd, uint32_t stream, const struct aeb_request *request,
    int deadline_ms, struct assay_error *err)
{
	struct ttrpc_response response = { 0 };
	size_t len = 0;
	uint8_t *payload = aeb_request_write(&len, request);

	if (payload == NULL)
		return fail(err, ASSAY_E_NOMEM, "broker: out of memory");
	enum assay_code rc = ttrpc_call(&response, fd, stream, AEB_SERVICE, AEB_EVIDENCE,
	    (struct assay_bytes){ payload, len }, deadline_ms, err);
	free(payload);
	if (rc != ASSAY_OK)
		return rc;
	if (response.code != TTRPC_OK)
		rc = fail(err, ASSAY_E_IO, "broker: refuses: %.200s (status %d)", response.message,
		    response.code);
	else if (!aeb_response_read(out, (struct assay_bytes){ response.payload, response.len }))
		rc =
		    fail(err, ASSAY_E_FORMAT, "broker: its answer is no evidence of %d or %d bytes",
			AEB_EVIDENCE_SIZE, AEB_DEVICE_SIZE);
	free(response.payload);
	return rc;
}
