/* SPDX-License-Identifier: Apache-2.0 */
#include "services/qmp.h"

#include <errno.h>
#include <jansson.h>
#include <openssl/evp.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum { COMMAND_MAX = 128 << 10 };

struct sim_qmp {
	struct sim_sev_vm *vm;
	void (*say)(void *arg, const char *line, size_t n);
	void *arg;
	bool negotiated, quit;
	char text[COMMAND_MAX]; /* of the command that is being read */
	size_t len;
	unsigned depth;
	bool in_string, escaped;
};

/* --- what is said --------------------------------------------------------------------------- */

static void
say(struct sim_qmp *q, json_t *message)
{
	char *text = message != NULL ? json_dumps(message, JSON_ENSURE_ASCII) : NULL;
	struct sim *scratch = sim_scratch();
	struct sim_buf line = { .sim = scratch };

	if (text != NULL)
		sim_put(&line, text, strlen(text));
	else
		sim_die("out of memory");
	sim_put(&line, "\r\n", 2);
	free(text);
	json_decref(message);
	q->say(q->arg, (const char *)line.ptr, line.len);
	sim_free(scratch);
}

static json_t *
failure(const char *class, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static json_t *
failure(const char *class, const char *fmt, ...)
{
	char text[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	for (char *c = text; *c != '\0'; c++) /* a name of the client's may be cut in a character */
		if ((unsigned char)*c < ' ' || (unsigned char)*c > '~')
			*c = '?';
	return json_pack("{s:{s:s,s:s}}", "error", "class", class, "desc", text);
}

static json_t *
success(json_t *value)
{
	return json_pack("{s:o}", "return", value);
}

static void
event(struct sim_qmp *q, const char *name, json_t *data)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	json_t *message =
	    json_pack("{s:{s:I,s:I},s:s}", "timestamp", "seconds", (json_int_t)now.tv_sec,
		"microseconds", (json_int_t)(now.tv_nsec / 1000), "event", name);
	if (data != NULL)
		json_object_set_new(message, "data", data);
	say(q, message);
}

static json_t *
base64(const uint8_t *bytes, size_t n)
{
	char *text = malloc(n / 3 * 4 + 8);

	if (text == NULL)
		sim_die("out of memory");
	EVP_EncodeBlock((unsigned char *)text, bytes, (int)n);
	json_t *value = json_string(text);
	free(text);
	return value;
}

/* Base64 text, white space in it or not. False: it is none, or empty. */
static bool
read_base64(struct sim *scratch, const char *text, struct sim_bytes *out)
{
	uint8_t *clean = sim_alloc(scratch, strlen(text) + 1);
	size_t n = 0;

	for (; *text != '\0'; text++)
		if (strchr(" \t\r\n", *text) == NULL)
			clean[n++] = (uint8_t)*text;
	uint8_t *bytes = sim_alloc(scratch, n + 1);
	int got = n > 0 && n % 4 == 0 ? EVP_DecodeBlock(bytes, clean, (int)n) : -1;
	if (got < 0)
		return false;
	for (size_t i = 0; i < 2 && clean[n - 1 - i] == '='; i++)
		got--;
	*out = (struct sim_bytes){ bytes, (size_t)got };
	return got > 0;
}

/* --- commands ------------------------------------------------------------------------------- */

/* QEMU's words for the firmware's status. */
static const char *
words(int status)
{
	static const char *const all[] = { "", "Platform state is invalid",
		"Guest state is invalid", "Platform configuration is invalid", "Buffer too small",
		"Platform is already owned", "Certificate is invalid", "Policy is not allowed",
		"Guest is not active", "Invalid address", "Bad signature", "Bad measurement",
		"Asid is already owned", "Invalid ASID", "WBINVD is required",
		"DF_FLUSH is required", "Guest handle is invalid", "Invalid command",
		"Guest is active", "Hardware error", "Hardware unsafe", "Feature not supported",
		"Invalid parameter", "Out of resources", "Integrity check failed" };

	return status >= 0 && (size_t)status < sizeof all / sizeof all[0] ? all[status]
									  : "unknown error";
}

/* The name of a state as QEMU's SevState has it. */
static const char *
state_name(enum sim_sev_guest_state state)
{
	static const char *const names[] = { "uninit", "launch-update", "launch-secret",
		"running" };

	return names[state];
}

static json_t *
query_sev(struct sim_qmp *q, json_t *args)
{
	struct sim_sev_vm_info i;

	(void)args;
	sim_sev_vm_info(q->vm, &i);
	return success(json_pack("{s:b,s:i,s:i,s:i,s:s,s:s,s:I,s:I}", "enabled", 1, "api-major",
	    i.platform.version.major, "api-minor", i.platform.version.minor, "build-id",
	    i.platform.version.build, "state", state_name(i.guest), "sev-type", "sev", "policy",
	    (json_int_t)i.policy, "handle", (json_int_t)i.handle));
}

static json_t *
query_launch_measure(struct sim_qmp *q, json_t *args)
{
	struct sim_sev_vm_info i;

	(void)args;
	sim_sev_vm_info(q->vm, &i);
	return success(json_pack("{s:o}", "data", base64(i.measurement, sizeof i.measurement)));
}

static json_t *
query_capabilities(struct sim_qmp *q, json_t *args)
{
	uint8_t pdh[SIM_SEV_CERT_SIZE], chain[3 * SIM_SEV_CERT_SIZE], id[SIM_SEV_ID_SIZE];
	uint32_t pdh_len = sizeof pdh, chain_len = sizeof chain, id_len = sizeof id;
	struct sim_sev_firmware *fw = sim_sev_vm_firmware(q->vm);
	unsigned status = sim_sev_pdh_cert_export(fw, pdh, &pdh_len, chain, &chain_len);

	(void)args;
	if (status != SIM_SEV_OK)
		return failure("GenericError",
		    "SEV: Failed to export PDH cert ret=%d fw_err=%u (%s)", -EIO, status,
		    words((int)status));
	sim_sev_get_id(fw, id, &id_len);
	return success(json_pack("{s:o,s:o,s:o,s:i,s:i}", "pdh", base64(pdh, pdh_len), "cert-chain",
	    base64(chain, chain_len), "cpu0-id", base64(id, id_len), "cbitpos", 51,
	    "reduced-phys-bits", 1));
}

static json_t *
inject_secret(struct sim_qmp *q, json_t *args)
{
	const json_t *given = json_object_get(args, "gpa");
	uint64_t gpa = (uint64_t)json_integer_value(given);
	struct sim *scratch = sim_scratch();
	struct sim_bytes header, packet;
	json_t *answer = NULL;
	struct sim_sev_vm_info i;
	int rc = 0;

	sim_sev_vm_info(q->vm, &i);
	const char *head = json_string_value(json_object_get(args, "packet-header"));
	const char *data = json_string_value(json_object_get(args, "secret"));
	if (i.guest != SIM_SEV_LSECRET)
		answer = failure(
		    "GenericError", "SEV: Not in correct state. (LSECRET) %x", (unsigned)i.guest);
	else if (!read_base64(scratch, head, &header))
		answer = failure("GenericError", "SEV: Failed to decode sequence header");
	else if (!read_base64(scratch, data, &packet))
		answer = failure("GenericError", "SEV: Failed to decode data");
	else if ((rc = sim_sev_vm_inject(q->vm, given != NULL ? &gpa : NULL, header, packet)) ==
	    -ENOENT)
		answer = failure(
		    "GenericError", "SEV: no secret area found in OVMF, gpa must be specified.");
	else if (rc == -EFAULT)
		answer = failure("GenericError",
		    "SEV: Failed to calculate guest address: No memory is mapped at address "
		    "0x%llx",
		    (unsigned long long)gpa);
	else if (rc == -ENOSPC)
		answer = failure("GenericError",
		    "SEV: %zu bytes of secrets do not fit into the secret area of OVMF",
		    packet.len);
	else if (rc != 0)
		answer = failure("GenericError",
		    "SEV: failed to inject secret ret=%d fw_error=%d '%s'", -EIO, rc, words(rc));
	sim_free(scratch);
	return answer != NULL ? answer : success(json_object());
}

static json_t *
query_report(struct sim_qmp *q, json_t *args)
{
	const char *text = json_string_value(json_object_get(args, "mnonce"));
	uint8_t report[SIM_SEV_REPORT_SIZE];
	struct sim *scratch = sim_scratch();
	struct sim_bytes mnonce;
	json_t *answer = NULL;
	int rc = 0;

	if (!read_base64(scratch, text, &mnonce))
		answer = failure("GenericError", "SEV: Failed to decode mnonce input");
	else if (mnonce.len != 16)
		answer =
		    failure("GenericError", "SEV: mnonce must be 16 bytes (got %zu)", mnonce.len);
	else if ((rc = sim_sev_vm_report(q->vm, mnonce.ptr, report)) != 0)
		answer = failure("GenericError",
		    "SEV: Failed to get attestation report ret=%d fw_err=%d (%s)",
		    rc < 0 ? rc : -EIO, rc > 0 ? rc : 0, words(rc > 0 ? rc : 0));
	sim_free(scratch);
	return answer != NULL ? answer
			      : success(json_pack("{s:o}", "data", base64(report, sizeof report)));
}

static json_t *
query_status(struct sim_qmp *q, json_t *args)
{
	struct sim_sev_vm_info i;

	(void)args;
	sim_sev_vm_info(q->vm, &i);
	return success(json_pack("{s:s,s:b}", "status",
	    i.running        ? "running"
		: !i.started ? "prelaunch"
			     : "paused",
	    "running", i.running));
}

static json_t *
cont(struct sim_qmp *q, json_t *args)
{
	(void)args;
	sim_sev_vm_cont(q->vm);
	event(q, "RESUME", NULL);
	return success(json_object());
}

static json_t *
stop(struct sim_qmp *q, json_t *args)
{
	(void)args;
	sim_sev_vm_stop(q->vm);
	event(q, "STOP", NULL);
	return success(json_object());
}

static json_t *
quit(struct sim_qmp *q, json_t *args)
{
	(void)args;
	q->quit = true;
	return success(json_object());
}

static json_t *
capabilities(struct sim_qmp *q, json_t *args)
{
	const json_t *enable = json_object_get(args, "enable");

	if (q->negotiated)
		return failure("CommandNotFound",
		    "Capabilities negotiation is already complete, command ignored");
	if (json_array_size(enable) > 0)
		return failure("GenericError", "Capability %.40s not available",
		    json_string_value(json_array_get(enable, 0)) != NULL
			? json_string_value(json_array_get(enable, 0))
			: "?");
	q->negotiated = true;
	return success(json_object());
}

/* What a command takes, and of which type; a name with '*' may be left out. */
struct parameter {
	const char *name;
	json_type type;
};
static const struct command {
	const char *name;
	json_t *(*run)(struct sim_qmp *q, json_t *args);
	struct parameter takes[3];
} commands[] = {
	{ "qmp_capabilities", capabilities, { { "*enable", JSON_ARRAY } } },
	{ "query-sev", query_sev, { { NULL, JSON_NULL } } },
	{ "query-sev-launch-measure", query_launch_measure, { { NULL, JSON_NULL } } },
	{ "query-sev-capabilities", query_capabilities, { { NULL, JSON_NULL } } },
	{ "sev-inject-launch-secret", inject_secret,
	    { { "packet-header", JSON_STRING }, { "secret", JSON_STRING },
		{ "*gpa", JSON_INTEGER } } },
	{ "query-sev-attestation-report", query_report, { { "mnonce", JSON_STRING } } },
	{ "query-status", query_status, { { NULL, JSON_NULL } } },
	{ "cont", cont, { { NULL, JSON_NULL } } },
	{ "stop", stop, { { NULL, JSON_NULL } } },
	{ "quit", quit, { { NULL, JSON_NULL } } },
};

static const struct command *
find(const char *name)
{
	for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	return NULL;
}

static bool
takes(const struct command *c, const char *name)
{
	for (size_t i = 0; i < 3 && c->takes[i].name != NULL; i++)
		if (strcmp(c->takes[i].name + (c->takes[i].name[0] == '*'), name) == 0)
			return true;
	return false;
}

/* NULL, or the error. */
static json_t *
check_arguments(const struct command *c, json_t *args)
{
	static const char *const types[] = { "object", "array", "string", "integer" };
	const char *name;
	json_t *value;

	for (size_t i = 0; i < 3 && c->takes[i].name != NULL; i++) {
		bool optional = c->takes[i].name[0] == '*';
		name = c->takes[i].name + optional;
		value = json_object_get(args, name);
		if (value == NULL && !optional)
			return failure("GenericError", "Parameter '%s' is missing", name);
		if (value != NULL && json_typeof(value) != c->takes[i].type)
			return failure("GenericError",
			    "Invalid parameter type for '%s', expected: %s", name,
			    types[c->takes[i].type]);
	}
	json_object_foreach(args, name, value) if (!takes(c, name)) return failure(
	    "GenericError", "Parameter '%.60s' is unexpected", name);
	return NULL;
}

/* --- what is heard -------------------------------------------------------------------------- */

/* NULL, or the error of a message that is no command. */
static json_t *
check_message(json_t *message)
{
	const char *name;
	json_t *value;

	if (!json_is_object(message))
		return failure("GenericError", "QMP input must be a JSON object");
	json_object_foreach(message, name, value)
	{
		if (strcmp(name, "execute") == 0 && !json_is_string(value))
			return failure(
			    "GenericError", "QMP input member 'execute' must be a string");
		if (strcmp(name, "arguments") == 0 && !json_is_object(value))
			return failure(
			    "GenericError", "QMP input member 'arguments' must be an object");
		if (strcmp(name, "execute") != 0 && strcmp(name, "arguments") != 0 &&
		    strcmp(name, "id") != 0)
			return failure(
			    "GenericError", "QMP input member '%.60s' is unexpected", name);
	}
	return json_object_get(message, "execute") == NULL
	    ? failure("GenericError", "QMP input lacks member 'execute'")
	    : NULL;
}

static json_t *
dispatch(struct sim_qmp *q, json_t *message)
{
	json_t *answer = check_message(message), *args = json_object_get(message, "arguments");

	if (answer != NULL)
		return answer;
	const char *name = json_string_value(json_object_get(message, "execute"));
	const struct command *c = find(name);
	if (!q->negotiated && (c == NULL || c->run != capabilities))
		return failure("CommandNotFound",
		    "Expecting capabilities negotiation with 'qmp_capabilities'");
	if (c == NULL)
		return failure("CommandNotFound", "The command %.80s has not been found", name);
	json_t *none = json_object();
	answer = check_arguments(c, args != NULL ? args : none);
	if (answer == NULL)
		answer = c->run(q, args != NULL ? args : none);
	json_decref(none);
	return answer;
}

static void
answer_text(struct sim_qmp *q)
{
	json_error_t error;
	json_t *message = json_loadb(q->text, q->len, JSON_DECODE_ANY, &error);
	json_t *answer = message != NULL
	    ? dispatch(q, message)
	    : failure("GenericError", "JSON parse error, %.120s", error.text);
	json_t *id = json_object_get(message, "id");

	if (id != NULL)
		json_object_set(answer, "id", id);
	say(q, answer);
	json_decref(message);
	if (q->quit) {
		sim_sev_vm_quit(q->vm);
		event(q, "SHUTDOWN", json_pack("{s:b,s:s}", "guest", 0, "reason", "host-qmp-quit"));
	}
	q->len = 0;
	q->depth = 0;
	q->in_string = q->escaped = false;
}

/* Whether the command is whole with this byte: its outermost bracket closed, or, of what does not
 * begin with one, its line. */
static bool
is_whole(struct sim_qmp *q, char c)
{
	if (q->in_string) {
		if (q->escaped)
			q->escaped = false;
		else if (c == '\\')
			q->escaped = true;
		else if (c == '"')
			q->in_string = false;
		return false;
	}
	if (c == '"')
		q->in_string = true;
	else if (c == '{' || c == '[')
		q->depth++;
	else if ((c == '}' || c == ']') && q->depth > 0)
		return --q->depth == 0;
	return q->depth == 0 && c == '\n';
}

struct sim_qmp *
sim_qmp_new(
    struct sim_sev_vm *vm, void (*on_line)(void *arg, const char *line, size_t n), void *arg)
{
	struct sim_qmp *q = calloc(1, sizeof *q);

	if (q == NULL)
		sim_die("out of memory");
	q->vm = vm;
	q->say = on_line;
	q->arg = arg;
	say(q,
	    json_pack("{s:{s:{s:{s:i,s:i,s:i},s:s},s:[]}}", "QMP", "version", "qemu", "micro", 0,
		"minor", 2, "major", 7, "package", "assay-sim " ASSAY_VERSION, "capabilities"));
	return q;
}

void
sim_qmp_free(struct sim_qmp *q)
{
	free(q);
}

bool
sim_qmp_hear(struct sim_qmp *q, const char *bytes, size_t n)
{
	for (size_t i = 0; i < n && !q->quit; i++) {
		if (q->len == 0 && strchr(" \t\r\n", bytes[i]) != NULL && bytes[i] != '\0')
			continue;
		if (q->len == sizeof q->text)
			return false;
		q->text[q->len++] = bytes[i];
		if (is_whole(q, bytes[i]))
			answer_text(q);
	}
	return !q->quit;
}

/* --- the socket ----------------------------------------------------------------------------- */

static void
send_line(void *arg, const char *line, size_t n)
{
	const int *fd = arg;

	while (n > 0) {
		ssize_t sent = send(*fd, line, n, MSG_NOSIGNAL);
		if (sent <= 0 && errno != EINTR)
			return; /* the client is gone, which the next recv() tells */
		if (sent > 0) {
			line += sent;
			n -= (size_t)sent;
		}
	}
}

/* Whether fd has something, before stop has. */
static bool
wait_for(int fd, int stop)
{
	struct pollfd fds[] = { { .fd = fd, .events = POLLIN }, { .fd = stop, .events = POLLIN } };

	while (poll(fds, 2, -1) < 0)
		if (errno != EINTR)
			return false;
	return fds[1].revents == 0;
}

static bool
serve_client(struct sim_sev_vm *vm, int fd, int stop_fd)
{
	struct sim_qmp *q = sim_qmp_new(vm, send_line, &fd);
	char bytes[4096];
	ssize_t n = 0;
	bool on = false;

	while ((on = wait_for(fd, stop_fd)) && (n = recv(fd, bytes, sizeof bytes, 0)) > 0)
		if (!sim_qmp_hear(q, bytes, (size_t)n))
			break;
	on = on && !q->quit;
	sim_qmp_free(q);
	return on;
}

void
sim_qmp_serve(struct sim_sev_vm *vm, int listener, int stop_fd)
{
	const struct timeval patience = { .tv_sec = 5 };
	bool on = true;

	while (on && wait_for(listener, stop_fd)) {
		int fd = accept(listener, NULL, NULL);
		if (fd < 0)
			continue;
		/* One that asks and does not read holds no one up for ever. */
		setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
		on = serve_client(vm, fd, stop_fd);
		close(fd);
	}
}
