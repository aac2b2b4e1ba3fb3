/* SPDX-License-Identifier: Apache-2.0 */
/*
 * configfs-tsm (Linux 6.7 and later): one interface for TDX, SEV-SNP and those to come.
 *
 * Each request has an entry of its own, with a name that nobody else draws, so that no other caller
 * writes into it; and the generation is checked, which would tell if one did.
 * Source: Linux, Documentation/ABI/testing/configfs-tsm-report, drivers/virt/coco/.
 */
#include "internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#define REPORTS "/sys/kernel/config/tsm/report"

enum {
	NAME_SIZE = sizeof REPORTS + sizeof "/assay-0123456789abcdef",
	ATTRIBUTE_SIZE = NAME_SIZE + 32,
	TEXT_MAX = 4096, /* a text attribute is at most a page */
	RETRY_MS = 5,
	RETRY_MAX_MS = 200,
	RMDIR_TRIES = 50,
};

/* One entry, from mkdir to rmdir. */
struct entry {
	const struct guest_job *job;
	char name[NAME_SIZE]; /* under the root */
	uint64_t writes;      /* so many may the generation have risen */
	uint64_t generation;  /* at the start */
	int error;            /* why the last step failed */
	const char *step;     /* "outblob" */
};

/* What goes away by itself: the provider was busy with another, or a signal came. */
static bool
passes(int error)
{
	return error == EBUSY || error == EINTR || error == EAGAIN || error == ETIMEDOUT;
}

static bool
failed(struct entry *e, const char *step, int error)
{
	e->step = step;
	e->error = error;
	return error == 0;
}

/* --- the entry ------------------------------------------------------------------------------- */

static int
entry_make(struct entry *e)
{
	char whole[GUEST_PATH_MAX];
	uint64_t number;

	for (;;) {
		if (getrandom(&number, sizeof number, 0) != (ssize_t)sizeof number)
			return errno;
		snprintf(
		    e->name, sizeof e->name, REPORTS "/assay-%016llx", (unsigned long long)number);
		if (!guest_path(whole, e->job->root, e->name))
			return ENAMETOOLONG;
		if (mkdir(whole, 0700) == 0)
			return 0;
		if (errno != EEXIST && errno != EINTR)
			return errno;
	}
}

/* Nothing else takes an entry away, not even the end of the process. */
static void
entry_remove(const struct entry *e)
{
	char whole[GUEST_PATH_MAX];

	if (!guest_path(whole, e->job->root, e->name))
		return;
	for (int i = 0; i < RMDIR_TRIES && rmdir(whole) != 0; i++) {
		if (errno != EBUSY && errno != EINTR)
			return;
		struct guest_job patient = { .deadline = guest_now_ms() + RETRY_MS };
		guest_pause(&patient, RETRY_MS);
	}
}

static const char *
attribute_path(char path[ATTRIBUTE_SIZE], const struct entry *e, const char *name)
{
	snprintf(path, ATTRIBUTE_SIZE, "%s/%s", e->name, name);
	return path;
}

/* Written in one piece; a blob takes effect when it is closed. */
static bool
put(struct entry *e, const char *name, struct assay_bytes value)
{
	char path[ATTRIBUTE_SIZE];
	int fd = -1;
	int error = guest_open(&fd, e->job->root, attribute_path(path, e, name), O_WRONLY);

	if (error != 0)
		return failed(e, name, error);
	error = guest_write_once(fd, value);
	if (close(fd) != 0 && error == 0)
		error = errno;
	e->writes += error == 0;
	return failed(e, name, error);
}

static bool
get(struct entry *e, struct guest_blob *out, const char *name, size_t max)
{
	char path[ATTRIBUTE_SIZE];

	return failed(
	    e, name, guest_read_file(out, e->job->root, attribute_path(path, e, name), max));
}

/* A blob that this provider does not have is none. */
static bool
get_optional(struct entry *e, struct guest_blob *out, const char *name)
{
	if (get(e, out, name, GUEST_BLOB_MAX))
		return true;
	return e->error == ENOENT || e->error == EACCES ? failed(e, name, 0) : false;
}

static bool
get_number(struct entry *e, uint64_t *out, const char *name)
{
	struct guest_blob text = { NULL, 0 };
	uint64_t value = 0;

	if (!get(e, &text, name, TEXT_MAX))
		return false;
	struct assay_bytes digits = assay_bytes_trim(guest_bytes(&text));
	bool ok = digits.len > 0 && digits.len <= 19;
	for (size_t i = 0; ok && i < digits.len; i++) {
		ok = digits.ptr[i] >= '0' && digits.ptr[i] <= '9';
		value = value * 10 + (uint64_t)(digits.ptr[i] - '0');
	}
	guest_blob_clear(&text);
	*out = value;
	return failed(e, name, ok ? 0 : EPROTO);
}

static bool
get_maker(struct entry *e, char out[GUEST_MAKER_MAX])
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789_-.";
	struct guest_blob text = { NULL, 0 };

	if (!get(e, &text, "provider", TEXT_MAX))
		return false;
	struct assay_bytes name = assay_bytes_trim(guest_bytes(&text));
	bool ok = name.len > 0 && name.len < GUEST_MAKER_MAX;
	for (size_t i = 0; ok && i < name.len; i++)
		ok = name.ptr[i] != '\0' && strchr(letters, name.ptr[i]) != NULL;
	if (ok) {
		memcpy(out, name.ptr, name.len);
		out[name.len] = '\0';
	}
	guest_blob_clear(&text);
	return failed(e, "provider", ok ? 0 : EPROTO);
}

/* --- a request ------------------------------------------------------------------------------- */

static bool
put_text(struct entry *e, const char *name, const char *text)
{
	return text == NULL || put(e, name, assay_bytes_of(text));
}

/* The level that was asked for; else the lowest that this kernel may ask for, if that is not the
 * zero that it assumes. */
static bool
put_level(struct entry *e)
{
	const struct assay_guest_request *q = e->job->request;
	uint64_t level = q->vmpl;
	char text[24];

	if (!q->has_vmpl) {
		if (!get_number(e, &level, "privlevel_floor"))
			return e->error == ENOENT ? failed(e, "privlevel_floor", 0) : false;
		if (level == 0)
			return true;
	}
	snprintf(text, sizeof text, "%llu", (unsigned long long)level);
	return put_text(e, "privlevel", text);
}

/* The generation has risen by our writes and no others. The result of a blob's write is told to
 * nobody, so this alone shows that it had an effect. */
static bool
settled(struct entry *e)
{
	uint64_t now;

	if (!get_number(e, &now, "generation"))
		return false;
	return failed(e, "generation", now - e->generation == e->writes ? 0 : ESTALE);
}

static bool
request(struct entry *e, struct assay_guest_evidence *ev)
{
	const struct assay_guest_request *q = e->job->request;
	struct guest_blob *pieces = ev->pieces;

	if (!get_maker(e, ev->maker) || !get_number(e, &e->generation, "generation"))
		return false;
	ev->tee = assay_guest_tee_of(ev->maker);
	/* A level is AMD's and the floor as well; others get one only if it was asked for. */
	if ((q->has_vmpl && strcmp(ev->tee, "tdx") != 0) || strcmp(ev->tee, "snp") == 0)
		if (!put_level(e))
			return false;
	if (!put_text(e, "service_provider", q->service_provider) ||
	    !put_text(e, "service_guid", q->service_guid) ||
	    !put_text(e, "service_manifest_version", q->service_version))
		return false;
	if (!put(e, "inblob",
		(struct assay_bytes){ e->job->report_data, sizeof e->job->report_data }) ||
	    !settled(e) || !get(e, &pieces[ASSAY_GUEST_EVIDENCE], "outblob", GUEST_BLOB_MAX) ||
	    !get_optional(e, &pieces[ASSAY_GUEST_CERTIFICATES], "auxblob") ||
	    !get_optional(e, &pieces[ASSAY_GUEST_MANIFEST], "manifestblob") || !settled(e))
		return false;
	return failed(e, "outblob", pieces[ASSAY_GUEST_EVIDENCE].len > 0 ? 0 : ENODATA);
}

/* The table of the host without its padding. What cannot be read is left out, and said so: the
 * report stands for itself. An auxblob of others than AMD means something else. */
static void
tidy_certificates(struct assay_guest_evidence *ev)
{
	struct guest_blob *table = &ev->pieces[ASSAY_GUEST_CERTIFICATES];
	struct assay_error why = { .text = "" };
	size_t len = 0;

	if (table->len == 0)
		return;
	if (strcmp(ev->tee, "snp") != 0)
		snprintf(why.text, sizeof why.text, "auxblob of %s has no known format", ev->maker);
	else if (assay_snp_table_trim(&len, guest_bytes(table), &why) != ASSAY_OK)
		len = 0;
	if (why.text[0] != '\0')
		snprintf(ev->note, sizeof ev->note, "without certificates: %.200s", why.text);
	table->len = len;
	if (len == 0)
		guest_blob_clear(table);
}

static enum assay_code
explain(const struct entry *e, struct assay_error *err)
{
	char path[ATTRIBUTE_SIZE];
	const char *where = e->step != NULL ? attribute_path(path, e, e->step) : REPORTS;

	switch (e->error) {
	case ENXIO:
		if (e->step == NULL)
			return assay_fail(err, ASSAY_E_UNSUPPORTED,
			    REPORTS ": the kernel has no provider; load tdx_guest or sev-guest");
		break;
	case ENOENT:
		if (e->step == NULL)
			return assay_fail(err, ASSAY_E_UNSUPPORTED,
			    REPORTS ": is not there; the kernel is older than 6.7, configfs is not "
				    "mounted, or this is no TEE");
		return assay_fail(err, ASSAY_E_IO,
		    "%s: this provider has no such attribute, and the request needs it", where);
	case ESTALE:
		return assay_fail(err, ASSAY_E_IO,
		    "%s: others wrote into our entry, or a write had no effect, until the time was "
		    "over",
		    where);
	case EPROTO:
		return assay_fail(
		    err, ASSAY_E_IO, "%s: holds no such text as the kernel writes", where);
	case EINVAL:
		return assay_fail(err, ASSAY_E_IO,
		    "%s: Invalid argument; the level, the service or the length of the report data "
		    "is refused",
		    where);
	case EFBIG:
		return assay_fail(err, ASSAY_E_IO,
		    "%s: is larger than the kernel allows, or than %d", where, GUEST_BLOB_MAX);
	default:
		break;
	}
	enum assay_code rc = guest_fail_errno(err, e->error, where);
	/* The interface is there, whatever it lacks inside. */
	return rc == ASSAY_E_UNSUPPORTED && e->step != NULL
	    ? assay_fail(err, ASSAY_E_IO, "%s: %s", where, "gave no evidence")
	    : rc;
}

/* Each attempt has a fresh entry: a stale one cannot be made good. */
static enum assay_code
collect(struct assay_guest_evidence *ev, const struct guest_job *job, struct assay_error *err)
{
	for (int wait = RETRY_MS;; wait = wait * 2 < RETRY_MAX_MS ? wait * 2 : RETRY_MAX_MS) {
		struct entry e = { .job = job };
		bool ok = false;

		e.error = entry_make(&e);
		if (e.error == 0) {
			ok = request(&e, ev);
			entry_remove(&e);
		}
		if (ok) {
			tidy_certificates(ev);
			return ASSAY_OK;
		}
		assay_guest_evidence_clear(ev);
		if ((!passes(e.error) && e.error != ESTALE) || !guest_pause(job, wait))
			return explain(&e, err);
	}
}

static enum assay_code
probe(const char **tee, const struct guest_job *job, struct assay_error *err)
{
	struct entry e = { .job = job };
	char maker[GUEST_MAKER_MAX];

	e.error = entry_make(&e);
	if (e.error != 0)
		return explain(&e, err);
	bool ok = get_maker(&e, maker);
	entry_remove(&e);
	if (!ok)
		return explain(&e, err);
	*tee = assay_guest_tee_of(maker);
	assay_fail(err, ASSAY_OK, "the kernel's provider is %s", maker);
	return ASSAY_OK;
}

const struct guest_provider guest_configfs_tsm = {
	.name = "configfs-tsm",
	.probe = probe,
	.collect = collect,
};
