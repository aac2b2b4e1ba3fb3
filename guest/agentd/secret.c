/* SPDX-License-Identifier: Apache-2.0 */
#include "secret.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "agent_wire.h"
#include "text.h"

enum { ROOM = ATTEST_KEY_MAX + 1, STACK = 512 * 1024, PATH_ROOM = 4096, STAMP_ROOM = 32 };

/* --- memory ------------------------------------------------------------------------------ */

/* must: without the lock it is none. */
static bool
locked_open(struct locked *l, size_t room, bool must)
{
	uint8_t *ptr = mmap(NULL, room, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (ptr == MAP_FAILED) {
		log_say("no memory for the launch key: %s", strerror(errno));
		return false;
	}
	*l = (struct locked){ .ptr = ptr, .room = room };
	if (madvise(ptr, room, MADV_DONTDUMP) == 0 && madvise(ptr, room, MADV_DONTFORK) == 0 &&
	    mlock(ptr, room) == 0)
		return true;
	/* Where it is held for a moment only, swapping is not what takes it away. */
	log_detail("memory for the launch key cannot be locked: %s", strerror(errno));
	if (must)
		log_say("allow-key-uid: memory for the launch key cannot be locked: %s; raise "
			"LimitMEMLOCK",
		    strerror(errno));
	return !must;
}

static void
locked_close(struct locked *l)
{
	if (l->ptr == NULL)
		return;
	explicit_bzero(l->ptr, l->room);
	munmap(l->ptr, l->room);
	*l = (struct locked){ .ptr = NULL };
}

/* --- what became of it ------------------------------------------------------------------- */

/* Beside the socket, in memory of this boot alone. */
static bool
marker_path(char out[PATH_ROOM], const struct agent_options *o)
{
	const char *slash = strrchr(o->attest_socket, '/');
	int n = snprintf(
	    out, PATH_ROOM, "%.*s/agentd.taken", (int)(slash - o->attest_socket), o->attest_socket);

	return n > 0 && n < PATH_ROOM;
}

static void
leave_marker(const struct agent_options *o)
{
	char path[PATH_ROOM], stamp[STAMP_ROOM] = "";
	struct tm tm;
	time_t now = time(NULL);
	int fd = -1;

	if (gmtime_r(&now, &tm) != NULL)
		strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%SZ", &tm);
	if (marker_path(path, o)) {
		unlink(path);
		fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0444);
	}
	if (fd < 0 || write(fd, stamp, strlen(stamp)) != (ssize_t)strlen(stamp))
		log_detail("%s: cannot be written: %s", path, strerror(errno));
	if (fd >= 0)
		close(fd);
}

/* When an agent before us took it; false if none did. */
static bool
read_marker(char stamp[STAMP_ROOM], const struct agent_options *o)
{
	char path[PATH_ROOM];
	int fd = marker_path(path, o) ? open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC) : -1;
	ssize_t n = fd >= 0 ? read(fd, stamp, STAMP_ROOM - 1) : -1;

	if (fd >= 0)
		close(fd);
	if (n < 0)
		return false;
	stamp[n] = '\0';
	return strspn(stamp, "0123456789-T:Z") == (size_t)n;
}

static void
say_why_none(struct secret *s, const struct agent_options *o)
{
	char stamp[STAMP_ROOM];

	if (access(o->secrets, F_OK) != 0)
		snprintf(s->why, sizeof s->why,
		    "%.80s is not there: no SEV guest, or its kernel has no efi_secret",
		    o->secrets);
	else if (read_marker(stamp, o))
		snprintf(s->why, sizeof s->why,
		    "the launch key was taken at %s by an agent that has ended since, and ended "
		    "with it; only a new launch brings one",
		    stamp);
	else
		snprintf(s->why, sizeof s->why,
		    "%.80s has no " LAUNCH_KEY_GUID ": the owner injected no key at launch",
		    o->secrets);
}

/* --- taking ------------------------------------------------------------------------------ */

static bool
read_all(struct locked *l, int fd)
{
	for (;;) {
		ssize_t n = read(fd, l->ptr + l->len, l->room - l->len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		l->len += (size_t)n;
		if (n == 0 || l->len == l->room)
			return true;
	}
}

struct certifying {
	struct secret *secret;
	const struct locked *key;
	const char *path;
};

/* A key that signs no proofs was injected for something else, and is no less a secret. */
static void *
certify(void *arg)
{
	struct certifying *c = arg;
	struct secret *s = c->secret;
	struct assay_error err = { .text = "" };

	if (c->key->len == c->key->room) {
		log_say(
		    "%s: is longer than a launch key can be, %d bytes", c->path, ATTEST_KEY_MAX);
		return NULL;
	}
	enum assay_code rc =
	    assay_proof_keys_new(&s->keys, (struct assay_bytes){ c->key->ptr, c->key->len }, &err);
	if (rc == ASSAY_E_UNSUPPORTED)
		snprintf(s->why, sizeof s->why,
		    "%.170s; the owner makes another: assay launch secret", err.text);
	else if (rc != ASSAY_OK)
		log_say("%s: %s", c->path, err.text);
	s->taken = rc == ASSAY_OK || rc == ASSAY_E_UNSUPPORTED;
	return NULL;
}

/* In a thread of its own. Parts of the key stay in vector registers, and whatever is called later may put
 * these on the stack; with the thread both are gone. */
static bool
certify_apart(struct secret *s, const struct locked *key, const char *path)
{
	struct certifying c = { s, key, path };
	struct locked stack;
	pthread_attr_t how;
	pthread_t thread;
	int rc;

	if (!locked_open(&stack, STACK, false))
		return false;
	if ((rc = pthread_attr_init(&how)) == 0) {
		if ((rc = pthread_attr_setstack(&how, stack.ptr, stack.room)) == 0 &&
		    (rc = pthread_create(&thread, &how, certify, &c)) == 0)
			rc = pthread_join(thread, NULL);
		pthread_attr_destroy(&how);
	}
	locked_close(&stack);
	if (rc != 0)
		log_say("no thread to certify with: %s", strerror(rc));
	return s->taken;
}

bool
secret_take(struct secret *out, const struct agent_options *o)
{
	struct secret s = { .keys = NULL };
	struct locked l = { .ptr = NULL };
	char path[PATH_ROOM];
	bool kept = o->allow_key_uid_count > 0;

	*out = s;
	snprintf(path, sizeof path, "%s/" LAUNCH_KEY_GUID, o->secrets);
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR)) {
		say_why_none(out, o);
		return true;
	}
	bool ok = fd >= 0 && locked_open(&l, ROOM, kept);
	if (fd < 0)
		log_say("%s: %s; start as root, and give a user to become", path, strerror(errno));
	if (ok && !(ok = read_all(&l, fd)))
		log_say("%s: cannot be read: %s", path, strerror(errno));
	ok = ok && certify_apart(&s, &l, path);
	/* Last of all: an agent that breaks before has taken nothing. */
	if (ok && unlink(path) != 0) {
		log_say("%s: cannot be removed: %s; it must not stay for others to read", path,
		    strerror(errno));
		ok = false;
	}
	if (fd >= 0)
		close(fd);
	if (ok && kept)
		s.kept = l;
	else
		locked_close(&l);
	if (!ok) {
		secret_clear(&s);
		return false;
	}
	leave_marker(o);
	*out = s;
	return true;
}

void
secret_clear(struct secret *s)
{
	locked_close(&s->kept);
	assay_proof_keys_free(s->keys);
	s->keys = NULL;
}
