/* SPDX-License-Identifier: Apache-2.0 */
#include "fetcher.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "../lockdown.h"
#include "../text.h"
#include "transfer.h"
#include "wire.h"

enum {
	EXIT_TROUBLE = 4,
	JOBS_MAX = 1024,
	REQUEST_MAX = 4096,   /* one request over the line is a fraction of this */
	FIRST_WAIT_MS = 1000, /* doubled with each failure in a row */
	LONGEST_WAIT_MS = 300000,
	ASKED_WAIT_MAX_S = 3600, /* however long a service asks to be left alone */
	CA_MAX = 4 * 1024 * 1024,
	IDLE_MS = 60000,
};

/* A service. */
struct service {
	const char *base;         /* NULL: the vendor's own */
	bool intel, amd;          /* which it serves */
	const char *name;         /* in messages */
	struct transfer *running; /* NULL: it is free */
	int64_t next_ms;          /* not asked before */
	unsigned failures;        /* in a row */
};

/* A request of the front's: goes from service to service until one has it. */
struct job {
	struct job *next;
	uint32_t id;
	struct want want;
	size_t service, way; /* who is to be asked now, and by which of its URLs */
	bool trouble;        /* one of those before was in trouble */
	int64_t again_ms;    /* and can be asked again after so long */
	char why[320];
};

struct fetcher {
	int socket;
	struct transfers *transfers;
	struct service services[UPSTREAMS_MAX];
	size_t service_count;
	struct job *jobs;
	size_t job_count;
	uint8_t in[REQUEST_MAX];
	size_t in_len;
};

static int64_t
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Something between half of it and all of it: those who wait do not come back together. */
static int64_t
with_jitter(int64_t ms)
{
	uint32_t r = 0;

	if (getrandom(&r, sizeof r, 0) != sizeof r)
		return ms;
	return ms / 2 + (int64_t)(r % (uint64_t)(ms / 2 + 1));
}

/* --- the line -------------------------------------------------------------------------------- */

/* False: the front is gone. The socket does not block; the front takes what it asked for. */
static bool
send_all(const struct fetcher *f, const uint8_t *bytes, size_t len)
{
	while (len > 0) {
		ssize_t n = send(f->socket, bytes, len, MSG_NOSIGNAL);
		if (n < 0 && errno == EAGAIN) {
			struct pollfd p = { .fd = f->socket, .events = POLLOUT };
			if (poll(&p, 1, -1) < 0 && errno != EINTR)
				return false;
			continue;
		}
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		bytes += n;
		len -= (size_t)n;
	}
	return true;
}

static bool
answer(const struct fetcher *f, uint32_t id, enum fetch_status status, int64_t again_ms,
    const struct transfer *t, const char *sentence)
{
	const struct assay_bytes none = { NULL, 0 };
	uint8_t n[8];
	const struct ipc_message m = { .id = id,
		.op = (uint16_t)status,
		.count = FETCH_ANSWER_FIELDS,
		.field = { ipc_u64(n, again_ms > 0 ? (uint64_t)(again_ms + 999) / 1000 : 0),
		    t != NULL ? transfer_body(t) : none, t != NULL ? transfer_chain(t) : none,
		    { (const uint8_t *)sentence, strlen(sentence) } } };
	size_t len;
	uint8_t *message = ipc_write(&len, &m);
	bool ok = message != NULL && send_all(f, message, len);

	free(message);
	return ok;
}

/* --- jobs ------------------------------------------------------------------------------------ */

static void
drop(struct fetcher *f, struct job *job)
{
	struct job **p = &f->jobs;

	while (*p != job)
		p = &(*p)->next;
	*p = job->next;
	f->job_count--;
	free(job);
}

static bool
serves(const struct service *s, const struct want *w)
{
	return want_is_intel(w) ? s->intel : s->amd;
}

/* The next service that has such things; false: there is none. */
static bool
advance(const struct fetcher *f, struct job *job, size_t from)
{
	job->way = 0;
	for (job->service = from; job->service < f->service_count; job->service++)
		if (serves(&f->services[job->service], &job->want))
			return true;
	return false;
}

/* No service is left. */
static bool
give_up(struct fetcher *f, struct job *job)
{
	bool ok = answer(f, job->id, job->trouble ? FETCH_TROUBLE : FETCH_UNKNOWN, job->again_ms,
	    NULL, job->why[0] != '\0' ? job->why : "no service that is configured has such things");

	drop(f, job);
	return ok;
}

static bool
take_job(struct fetcher *f, const struct ipc_message *m)
{
	struct job *job = calloc(1, sizeof *job), **end = &f->jobs;

	if (job == NULL || f->job_count == JOBS_MAX || !fetch_request_read(&job->want, m)) {
		free(job);
		return answer(f, m->id, FETCH_TROUBLE, FIRST_WAIT_MS, NULL, "too much is wanted");
	}
	job->id = m->id;
	while (*end != NULL)
		end = &(*end)->next;
	*end = job;
	f->job_count++;
	return advance(f, job, 0) || give_up(f, job);
}

/* All requests that have come. False: the front is gone. */
static bool
read_requests(struct fetcher *f)
{
	for (;;) {
		ssize_t n =
		    recv(f->socket, f->in + f->in_len, sizeof f->in - f->in_len, MSG_DONTWAIT);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return true;
		if (n <= 0)
			return false;
		f->in_len += (size_t)n;
		for (;;) {
			struct assay_bytes in = { f->in, f->in_len };
			struct ipc_message m;
			size_t size = ipc_size(in);
			if (size > sizeof f->in)
				return false;
			if (size == 0 || size > f->in_len)
				break;
			in.len = size;
			if (!ipc_read(&m, in) || !take_job(f, &m))
				return false;
			f->in_len -= size;
			memmove(f->in, f->in + size, f->in_len);
		}
	}
}

static bool
start(struct fetcher *f, struct service *s, struct job *job)
{
	char url[URL_SIZE];

	if (!want_url(&job->want, s->base, job->way, url)) {
		size_t next = job->service + 1;
		return advance(f, job, next) || give_up(f, job);
	}
	log_detail("asking %s", url);
	if ((s->running = transfer_start(f->transfers, url, job)) == NULL)
		s->next_ms = now_ms() + FIRST_WAIT_MS;
	return true;
}

/* To be tried again after so long: the shortest of what its services ask for. */
static void
note_trouble(struct job *job, int64_t again_ms)
{
	job->again_ms = !job->trouble || again_ms < job->again_ms ? again_ms : job->again_ms;
	job->trouble = true;
}

/* A service that is left alone holds up nothing that a later one may have. */
static void
pass_over(struct fetcher *f, struct job *job, int64_t now)
{
	for (;;) {
		const struct service *s = &f->services[job->service];
		struct job before = *job;
		int64_t again = s->next_ms - now;

		if (again <= 0)
			return;
		if (!advance(f, job, job->service + 1)) {
			*job = before;
			return;
		}
		if (job->why[0] == '\0')
			snprintf(job->why, sizeof job->why,
			    "%.60s: had trouble, and is left alone for a while", s->name);
		note_trouble(job, again);
	}
}

/* Gives each service that is free and may be asked its next job. */
static bool
start_all(struct fetcher *f)
{
	int64_t now = now_ms();

	for (struct job *job = f->jobs; job != NULL; job = job->next)
		pass_over(f, job, now);
	for (size_t i = 0; i < f->service_count; i++) {
		struct service *s = &f->services[i];
		struct job *job = f->jobs;
		while (job != NULL && s->running == NULL && now >= s->next_ms) {
			struct job *next = job->next;
			if (job->service == i && !start(f, s, job))
				return false;
			job = next;
		}
	}
	return true;
}

/* --- answers --------------------------------------------------------------------------------- */

/* Left alone for as long as it asks, or longer each time. */
static void
leave_alone(struct service *s, int64_t asked_s)
{
	int64_t wait = FIRST_WAIT_MS;

	for (unsigned i = 0; i < s->failures && wait < LONGEST_WAIT_MS; i++)
		wait *= 2;
	s->failures++;
	wait = with_jitter(wait < LONGEST_WAIT_MS ? wait : LONGEST_WAIT_MS);
	if (asked_s > ASKED_WAIT_MAX_S)
		asked_s = ASKED_WAIT_MAX_S;
	if (asked_s * 1000 > wait)
		wait = asked_s * 1000;
	s->next_ms = now_ms() + wait;
}

static bool
asks_to_wait(long status)
{
	return status == 429 || status / 100 == 5;
}

static bool
ended(struct fetcher *f, struct transfer *t)
{
	struct job *job = transfer_arg(t);
	struct service *s = &f->services[job->service];
	long status = transfer_status(t);
	size_t next = job->service + 1;
	bool ok;

	s->running = NULL;
	if (status == 200) {
		s->failures = 0;
		ok = answer(f, job->id, FETCH_DONE, 0, t, s->name);
		drop(f, job);
	} else if (status == 0 || asks_to_wait(status)) {
		leave_alone(s, transfer_retry_after_s(t));
		if (status == 0)
			snprintf(
			    job->why, sizeof job->why, "%.60s: %.200s", s->name, transfer_why(t));
		else
			snprintf(job->why, sizeof job->why, "%.60s: answers %ld", s->name, status);
		note_trouble(job, s->next_ms - now_ms());
		ok = advance(f, job, next) || give_up(f, job);
	} else {
		s->failures = 0;
		if (!job->trouble)
			snprintf(job->why, sizeof job->why, "%.60s: answers %ld", s->name, status);
		job->way++; /* start() sees whether there is one */
		ok = true;
	}
	transfer_free(t);
	return ok;
}

/* --- the process ----------------------------------------------------------------------------- */

static int
wait_ms(const struct fetcher *f)
{
	int64_t now = now_ms(), wait = IDLE_MS;

	for (const struct job *job = f->jobs; job != NULL; job = job->next) {
		const struct service *s = &f->services[job->service];
		int64_t left = s->next_ms > now ? s->next_ms - now : 0;
		if (s->running == NULL && left < wait)
			wait = left;
	}
	return (int)wait;
}

static void
serve(struct fetcher *f)
{
	struct transfer *t;
	bool ok = true;

	while (ok) {
		transfers_wait(f->transfers, f->socket, wait_ms(f));
		while (ok && (t = transfers_ended(f->transfers)) != NULL)
			ok = ended(f, t);
		ok = ok && read_requests(f) && start_all(f);
	}
}

/* What is in flight ends with the front. */
static void
close_all(struct fetcher *f)
{
	for (size_t i = 0; i < f->service_count; i++)
		transfer_free(f->services[i].running);
	while (f->jobs != NULL)
		drop(f, f->jobs);
	transfers_free(f->transfers);
}

static void
read_services(struct fetcher *f, const struct server_options *options)
{
	for (size_t i = 0; i < options->upstream_count; i++) {
		struct service *s = &f->services[f->service_count++];
		s->name = options->upstream[i];
		s->intel = strcmp(s->name, "amd") != 0;
		s->amd = strcmp(s->name, "intel") != 0;
		if (s->intel && s->amd)
			s->base = s->name;
	}
}

/* False: has complained. The caller frees *out. */
static bool
read_ca(uint8_t **out, size_t *len, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	*out = malloc(CA_MAX);
	*len = 0;
	while (fd >= 0 && *out != NULL && *len < CA_MAX &&
	    (n = read(fd, *out + *len, CA_MAX - *len)) > 0)
		*len += (size_t)n;
	bool ok = *len > 0 && *len < CA_MAX;
	if (!ok)
		log_say("upstream_ca: %s: %s", path,
		    fd < 0          ? strerror(errno)
			: *len == 0 ? "holds no certificate"
				    : "is larger than 4 MiB");
	if (fd >= 0)
		close(fd);
	return ok;
}

/* Where libcurl and the C library look for names, and for whom to trust. */
static bool
lock_down(void)
{
	static const struct confine_path paths[] = {
		{ "/etc", CONFINE_READ },
		{ "/usr/lib", CONFINE_READ },
		{ "/usr/share/ca-certificates", CONFINE_READ },
		{ "/usr/local/share/ca-certificates", CONFINE_READ },
		{ "/run/systemd/resolve", CONFINE_READ },
		{ "/lib", CONFINE_READ },
		{ "/lib64", CONFINE_READ },
		{ "/dev/urandom", CONFINE_READ },
	};

	return confine_files(paths, sizeof paths / sizeof paths[0]) &&
	    lockdown_calls(LOCKDOWN_FETCHER);
}

int
fetcher_run(const void *arg, const int *sockets, size_t count)
{
	const struct server_options *options = arg;
	struct fetcher *f = calloc(1, sizeof *f);
	uint8_t *ca = NULL;
	size_t ca_len = 0;
	const char *why;
	int rc = EXIT_TROUBLE;

	if (f == NULL || count != 1) {
		log_say("the fetcher cannot start: out of memory");
		free(f);
		return EXIT_TROUBLE;
	}
	f->socket = sockets[0];
	read_services(f, options);
	if (options->upstream_ca != NULL && !read_ca(&ca, &ca_len, options->upstream_ca))
		goto out;
	f->transfers = transfers_new((struct assay_bytes){ ca, ca_len }, &why);
	if (f->transfers == NULL)
		log_say("the fetcher cannot start: %s", why);
	else if (lock_down()) {
		serve(f);
		rc = 0;
	}
out:
	close_all(f);
	free(ca);
	free(f);
	return rc;
}
