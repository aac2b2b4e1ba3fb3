/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The client of a quote generation service.
 * Source: Intel DCAP, QuoteGeneration/quote_wrapper/qgs_msg_lib: all numbers little-endian; on a
 * stream each message is preceded by its length, four bytes, big-endian.
 */
#include "internal.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <linux/vm_sockets.h>

enum {
	MAJOR = 1,
	MINOR = 1,
	HEADER = 16,
	LENGTH = 4,
	QUOTE_MAX = 1024 * 1024, /* the bundle's limit */
	REQUEST_MAX = 64,
	HOST_MAX = 256,
	PORT_DIGITS = 10,
};

/* --- addresses ------------------------------------------------------------------------------- */

/* Decimal, nothing else. */
static bool
number(uint32_t *out, struct assay_bytes text)
{
	uint64_t v = 0;

	if (text.len == 0 || text.len > PORT_DIGITS)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] < '0' || text.ptr[i] > '9')
			return false;
		v = v * 10 + (uint64_t)(text.ptr[i] - '0');
	}
	*out = (uint32_t)v;
	return v <= UINT32_MAX;
}

/* "HOST:PORT" at its last colon; HOST without the brackets of IPv6. */
static bool
split(char host[HOST_MAX], uint32_t *port, const char *text)
{
	const char *colon = strrchr(text, ':');

	if (colon == NULL || !number(port, assay_bytes_of(colon + 1)))
		return false;
	size_t n = (size_t)(colon - text);
	if (n >= 2 && text[0] == '[' && text[n - 1] == ']') {
		text++;
		n -= 2;
	}
	if (n == 0 || n >= HOST_MAX)
		return false;
	memcpy(host, text, n);
	host[n] = '\0';
	return true;
}

static bool
vsock_address(struct sockaddr_vm *out, const char *text)
{
	char host[HOST_MAX];
	uint32_t cid = VMADDR_CID_HOST, port;

	if (!split(host, &port, text) ||
	    (strcmp(host, "host") != 0 && !number(&cid, assay_bytes_of(host))))
		return false;
	*out = (struct sockaddr_vm){ .svm_family = AF_VSOCK, .svm_cid = cid, .svm_port = port };
	return true;
}

static bool
unix_address(struct sockaddr_un *out, const char *path)
{
	size_t n = strlen(path);

	*out = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (n == 0 || n >= sizeof out->sun_path)
		return false;
	memcpy(out->sun_path, path, n);
	return true;
}

bool
assay_qgs_address_ok(const char *address)
{
	struct sockaddr_vm vm;
	struct sockaddr_un un;
	char host[HOST_MAX];
	uint32_t port;

	if (strncmp(address, "vsock:", 6) == 0)
		return vsock_address(&vm, address + 6);
	if (strncmp(address, "unix:", 5) == 0)
		return unix_address(&un, address + 5);
	return strncmp(address, "tcp:", 4) == 0 && split(host, &port, address + 4) &&
	    port <= UINT16_MAX;
}

/* Lines of "port = N"; '#' begins a comment. Source: Intel DCAP, tdx_attest. */
void
assay_qgs_address_of_conf(char *out, size_t size, struct assay_bytes conf)
{
	uint32_t port;

	out[0] = '\0';
	for (size_t at = 0; at < conf.len;) {
		size_t end = assay_bytes_find(conf, at, assay_bytes_of("\n"));
		struct assay_bytes line =
		    assay_bytes_trim((struct assay_bytes){ conf.ptr + at, end - at });
		at = end + 1;
		if (line.len < 4 || memcmp(line.ptr, "port", 4) != 0)
			continue;
		line = assay_bytes_trim((struct assay_bytes){ line.ptr + 4, line.len - 4 });
		if (line.len == 0 || line.ptr[0] != '=')
			continue;
		line = assay_bytes_trim((struct assay_bytes){ line.ptr + 1, line.len - 1 });
		if (number(&port, line))
			snprintf(out, size, "vsock:host:%u", port);
	}
}

/* --- messages -------------------------------------------------------------------------------- */

static uint8_t *
put(uint8_t *p, uint32_t v, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		*p++ = (uint8_t)(v >> 8 * i);
	return p;
}

static uint8_t *
put_head(uint8_t *p, enum qgs_type type, uint32_t size)
{
	for (size_t i = LENGTH; i-- > 0;)
		*p++ = (uint8_t)(size >> 8 * i);
	p = put(p, MAJOR, 2);
	p = put(p, MINOR, 2);
	p = put(p, (uint32_t)type, 4);
	p = put(p, size, 4);
	return put(p, 0, 4);
}

void
assay_qgs_quote_request(uint8_t out[QGS_QUOTE_REQUEST], const uint8_t report[GUEST_TDREPORT])
{
	uint8_t *p = put_head(out, QGS_GET_QUOTE, QGS_QUOTE_REQUEST - LENGTH);

	p = put(p, GUEST_TDREPORT, 4);
	p = put(p, 0, 4); /* any QE may sign */
	memcpy(p, report, GUEST_TDREPORT);
}

static size_t
collateral_request(uint8_t out[REQUEST_MAX], const struct guest_platform *platform)
{
	uint32_t ca = (uint32_t)strlen(platform->ca) + 1; /* the service takes it as a C string */
	uint32_t size = HEADER + 8 + (uint32_t)sizeof platform->fmspc + ca;
	uint8_t *p = put_head(out, QGS_GET_COLLATERAL, size);

	p = put(p, sizeof platform->fmspc, 4);
	p = put(p, ca, 4);
	memcpy(p, platform->fmspc, sizeof platform->fmspc);
	memcpy(p + sizeof platform->fmspc, platform->ca, ca);
	return LENGTH + size;
}

static const char *
error_name(uint32_t code)
{
	static const char *const names[] = { "", "unexpected error", "out of memory",
		"invalid parameter", "version not supported", "unknown type", "wrong size",
		"error code in a request" };
	uint32_t n = code - 0x12000;

	return n > 0 && n < sizeof names / sizeof *names ? names[n] : "unknown error";
}

static enum assay_code
parse_head(uint16_t *minor, struct assay_reader *r, enum qgs_type type, struct assay_error *err)
{
	uint16_t major = assay_take_u16le(r);
	*minor = assay_take_u16le(r);
	uint32_t got = assay_take_u32le(r);
	uint32_t size = assay_take_u32le(r);
	uint32_t code = assay_take_u32le(r);

	if (r->overrun)
		return assay_fail(err, ASSAY_E_FORMAT,
		    "QGS answer: is %zu bytes, less than its header of %d", r->in.len, HEADER);
	if (major != MAJOR)
		return assay_fail(
		    err, ASSAY_E_FORMAT, "QGS answer: major version is %u, want %d", major, MAJOR);
	if (size != r->in.len)
		return assay_fail(err, ASSAY_E_FORMAT,
		    "QGS answer: says that it is %u bytes, and is %zu", size, r->in.len);
	if (got != (uint32_t)type)
		return assay_fail(
		    err, ASSAY_E_FORMAT, "QGS answer: type is %u, want %u", got, (unsigned)type);
	if (code != 0)
		return assay_fail(err, ASSAY_E_IO, "QGS refuses: 0x%x, %s", code, error_name(code));
	return ASSAY_OK;
}

static enum assay_code
parse_quote(struct qgs_answer *out, struct assay_reader *r, struct assay_error *err)
{
	uint32_t id_len = assay_take_u32le(r), quote_len = assay_take_u32le(r);

	(void)assay_take(r, id_len);
	out->quote = assay_take(r, quote_len);
	enum assay_code rc = assay_reader_end(r, err);
	if (rc != ASSAY_OK)
		return rc;
	if (quote_len == 0 || quote_len > QUOTE_MAX)
		return assay_fail(err, ASSAY_E_FORMAT,
		    "QGS answer: the quote is %u bytes, want 1 to %d", quote_len, QUOTE_MAX);
	return ASSAY_OK;
}

static enum assay_code
parse_collateral(
    struct qgs_answer *out, struct assay_reader *r, uint16_t minor, struct assay_error *err)
{
	uint32_t sizes[QGS_COLLATERAL_BLOBS];

	if (minor >= 1) /* the collateral's own version; its form is told from its bytes */
		(void)assay_take(r, 4);
	for (size_t i = 0; i < QGS_COLLATERAL_BLOBS; i++)
		sizes[i] = assay_take_u32le(r);
	for (size_t i = 0; i < QGS_COLLATERAL_BLOBS; i++)
		out->collateral[i] = assay_take(r, sizes[i]);
	return assay_reader_end(r, err);
}

enum assay_code
assay_qgs_answer_parse(
    struct qgs_answer *out, enum qgs_type type, struct assay_bytes in, struct assay_error *err)
{
	struct assay_reader r = { .what = "QGS answer", .in = in };
	struct qgs_answer a = { .quote = { NULL, 0 } };
	uint16_t minor;
	enum assay_code rc = parse_head(&minor, &r, type, err);

	if (rc == ASSAY_OK)
		rc = type == QGS_QUOTE ? parse_quote(&a, &r, err)
				       : parse_collateral(&a, &r, minor, err);
	if (rc == ASSAY_OK)
		*out = a;
	return rc;
}

/* --- a connection ---------------------------------------------------------------------------- */

static int
wait_for(const struct guest_job *job, int fd, short events)
{
	struct pollfd p = { .fd = fd, .events = events };

	for (;;) {
		int64_t left = job->deadline - guest_now_ms();
		int n = left > 0 ? poll(&p, 1, (int)left) : 0;
		if (n > 0)
			return 0;
		if (n == 0)
			return ETIMEDOUT;
		if (errno != EINTR)
			return errno;
	}
}

static int
connect_to(int *out, const struct guest_job *job, const struct sockaddr *address, socklen_t len)
{
	int fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int error = 0;

	if (fd < 0)
		return errno;
	if (connect(fd, address, len) != 0)
		error = errno;
	if (error == EINPROGRESS || error == EINTR) {
		socklen_t size = sizeof error;
		error = wait_for(job, fd, POLLOUT);
		if (error == 0 && getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0)
			error = errno;
	}
	if (error != 0) {
		close(fd);
		return error;
	}
	*out = fd;
	return 0;
}

static int
connect_tcp(int *out, const struct guest_job *job, const char *text)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG };
	struct addrinfo *list = NULL;
	char host[HOST_MAX], service[PORT_DIGITS + 2];
	uint32_t port;
	int error = EHOSTUNREACH;

	if (!split(host, &port, text))
		return EINVAL;
	snprintf(service, sizeof service, "%u", port);
	if (strspn(host, "0123456789.") == strlen(host) || strchr(host, ':') != NULL)
		hints.ai_flags = AI_NUMERICHOST;
	int rc = getaddrinfo(host, service, &hints, &list);
	if (rc != 0)
		return rc == EAI_MEMORY ? ENOMEM : EHOSTUNREACH;
	for (const struct addrinfo *a = list; a != NULL && error != 0; a = a->ai_next)
		error = connect_to(out, job, a->ai_addr, a->ai_addrlen);
	freeaddrinfo(list);
	return error;
}

static int
connect_qgs(int *fd, const struct guest_job *job)
{
	struct sockaddr_vm vm;
	struct sockaddr_un un;

	if (strncmp(job->qgs, "vsock:", 6) == 0 && vsock_address(&vm, job->qgs + 6))
		return connect_to(fd, job, (const struct sockaddr *)&vm, sizeof vm);
	if (strncmp(job->qgs, "unix:", 5) == 0 && unix_address(&un, job->qgs + 5))
		return connect_to(fd, job, (const struct sockaddr *)&un, sizeof un);
	return strncmp(job->qgs, "tcp:", 4) == 0 ? connect_tcp(fd, job, job->qgs + 4) : EINVAL;
}

static int
send_all(const struct guest_job *job, int fd, const uint8_t *p, size_t len)
{
	while (len > 0) {
		ssize_t n = send(fd, p, len, MSG_NOSIGNAL);
		if (n < 0 && errno == EAGAIN) {
			int error = wait_for(job, fd, POLLOUT);
			if (error != 0)
				return error;
		} else if (n < 0 && errno != EINTR) {
			return errno;
		} else if (n > 0) {
			p += n;
			len -= (size_t)n;
		}
	}
	return 0;
}

static int
receive_all(const struct guest_job *job, int fd, uint8_t *p, size_t len)
{
	while (len > 0) {
		int error = wait_for(job, fd, POLLIN);
		if (error != 0)
			return error;
		ssize_t n = recv(fd, p, len, 0);
		if (n == 0)
			return EPIPE;
		if (n < 0 && errno != EINTR && errno != EAGAIN)
			return errno;
		if (n > 0) {
			p += n;
			len -= (size_t)n;
		}
	}
	return 0;
}

static int
receive(struct guest_blob *out, const struct guest_job *job, int fd)
{
	uint8_t head[LENGTH];
	int error = receive_all(job, fd, head, sizeof head);

	if (error != 0)
		return error;
	uint32_t len =
	    (uint32_t)head[0] << 24 | (uint32_t)head[1] << 16 | (uint32_t)head[2] << 8 | head[3];
	if (len < HEADER || len > QGS_MESSAGE_MAX)
		return EBADMSG;
	uint8_t *ptr = malloc(len);
	if (ptr == NULL)
		return ENOMEM;
	if ((error = receive_all(job, fd, ptr, len)) != 0) {
		free(ptr);
		return error;
	}
	*out = (struct guest_blob){ ptr, len };
	return 0;
}

static enum assay_code
explain(const struct guest_job *job, int error, struct assay_error *err)
{
	char what[160];

	snprintf(what, sizeof what, "QGS at %.120s", job->qgs);
	if (error == EBADMSG)
		return assay_fail(err, ASSAY_E_IO,
		    "%s: the length before its answer is not between %d and %d", what, HEADER,
		    QGS_MESSAGE_MAX);
	if (error == EPIPE)
		return assay_fail(
		    err, ASSAY_E_IO, "%s: closed the connection before its answer was whole", what);
	enum assay_code rc = guest_fail_errno(err, error, what);
	return rc == ASSAY_E_NOMEM ? rc : ASSAY_E_IO;
}

/* One request is one connection. */
static enum assay_code
exchange(struct guest_blob *answer, const struct guest_job *job, const uint8_t *request, size_t len,
    struct assay_error *err)
{
	int fd = -1;
	int error = connect_qgs(&fd, job);

	if (error == 0) {
		error = send_all(job, fd, request, len);
		if (error == 0)
			error = receive(answer, job, fd);
		close(fd);
	}
	return error == 0 ? ASSAY_OK : explain(job, error, err);
}

enum assay_code
assay_qgs_connectable(const struct guest_job *job, struct assay_error *err)
{
	int fd = -1;
	int error = connect_qgs(&fd, job);

	if (error != 0)
		return explain(job, error, err);
	close(fd);
	return ASSAY_OK;
}

enum assay_code
assay_qgs_quote(struct guest_blob *quote, const struct guest_job *job,
    const uint8_t report[GUEST_TDREPORT], struct assay_error *err)
{
	uint8_t request[QGS_QUOTE_REQUEST];
	struct guest_blob message = { NULL, 0 };
	struct qgs_answer answer;

	assay_qgs_quote_request(request, report);
	enum assay_code rc = exchange(&message, job, request, sizeof request, err);
	if (rc == ASSAY_OK)
		rc = assay_qgs_answer_parse(&answer, QGS_QUOTE, guest_bytes(&message), err);
	if (rc != ASSAY_OK) {
		guest_blob_clear(&message);
		return rc;
	}
	memmove(message.ptr, answer.quote.ptr, answer.quote.len);
	*quote = (struct guest_blob){ message.ptr, answer.quote.len };
	return ASSAY_OK;
}

enum assay_code
assay_qgs_collateral(struct guest_blob *pem, const struct guest_job *job, struct assay_bytes quote,
    struct assay_error *err)
{
	struct guest_blob message = { NULL, 0 };
	struct guest_platform platform;
	struct qgs_answer answer;
	uint8_t request[REQUEST_MAX];
	enum assay_code rc = assay_guest_platform(&platform, quote, err);

	if (rc != ASSAY_OK)
		return rc;
	rc = exchange(&message, job, request, collateral_request(request, &platform), err);
	if (rc == ASSAY_OK)
		rc = assay_qgs_answer_parse(&answer, QGS_COLLATERAL, guest_bytes(&message), err);
	if (rc == ASSAY_OK)
		rc = assay_guest_pem(pem, answer.collateral, QGS_COLLATERAL_BLOBS, err);
	guest_blob_clear(&message);
	return rc;
}
