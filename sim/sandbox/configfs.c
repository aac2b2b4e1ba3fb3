/* SPDX-License-Identifier: Apache-2.0 */
/*
 * configfs-tsm. What a client can see of it and has to rely on:
 *
 *   - write() buffers; the close commits, and no one learns of a failure;
 *   - two counters: any option written raises the one that is shown, a report that was made sets the
 *     other to it; a blob is served again only while they agree;
 *   - an open file reads from its own copy, whatever is made later;
 *   - an attribute is read or written, never both, and root is no exception.
 *
 * Source: drivers/virt/coco/guest/report.c, fs/configfs/file.c
 */
#include "configfs.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { INBLOB_MAX = 64, TEXT_MAX = 4096, VMPL_MAX = 3, PRIVLEVEL_FLOOR = 0 };

enum attribute {
	ENTRY_ITSELF, /* the directory */
	GENERATION,
	PROVIDER,
	PRIVLEVEL,
	PRIVLEVEL_FLOOR_SHOWN,
	INBLOB,
	OUTBLOB,
	AUXBLOB,
	ATTRIBUTES,
};

static const struct {
	const char *name;
	mode_t mode;
	bool binary, snp_only;
} attributes[ATTRIBUTES] = {
	[ENTRY_ITSELF] = { "", S_IFDIR | 0755, false, false },
	[GENERATION] = { "generation", S_IFREG | 0444, false, false },
	[PROVIDER] = { "provider", S_IFREG | 0444, false, false },
	[PRIVLEVEL] = { "privlevel", S_IFREG | 0200, false, true },
	[PRIVLEVEL_FLOOR_SHOWN] = { "privlevel_floor", S_IFREG | 0444, false, true },
	[INBLOB] = { "inblob", S_IFREG | 0200, true, false },
	[OUTBLOB] = { "outblob", S_IFREG | 0444, true, false },
	[AUXBLOB] = { "auxblob", S_IFREG | 0444, true, true },
};

/* Inode numbers: the entry's address, and in its low bits the attribute. */
enum { INO_BITS = 15 };
_Static_assert((int)ATTRIBUTES <= (int)INO_BITS + 1, "an attribute fits into the bits");

struct tsm_entry {
	char *name;
	uint64_t place; /* in the listing: entries are listed in the order of their making */
	struct tsm_entry *before, *behind;
	bool removed;
	uint64_t lookups, opens; /* what keeps it beyond rmdir */

	uint64_t write_generation, read_generation;
	unsigned privlevel;
	uint8_t inblob[INBLOB_MAX];
	size_t inblob_len;
	bool cached;
	struct evidence evidence;
};

struct configfs {
	struct sandbox *sb;
	void *by_name;                  /* tsearch() */
	struct tsm_entry *first, *last; /* all that have memory, removed ones too */
	struct configfs_file *files;    /* all that are open */
	uint64_t next_place;
};

struct configfs_file {
	struct configfs_file *before, *behind;
	struct tsm_entry *entry;
	enum attribute attribute;
	bool append;
	uint8_t *copy; /* what reads are served from; NULL before the first */
	size_t copy_len;
	uint8_t written[INBLOB_MAX];
	size_t written_len;
	bool dirty;
};

/* --- entries -------------------------------------------------------------------------------- */

static struct tsm_entry *
entry_of(uint64_t ino)
{
	return (struct tsm_entry *)(uintptr_t)(ino & ~(uint64_t)INO_BITS);
}

static enum attribute
attribute_of(uint64_t ino)
{
	return (enum attribute)(ino & INO_BITS);
}

static uint64_t
ino_of(const struct tsm_entry *e, enum attribute a)
{
	return (uint64_t)(uintptr_t)e | (uint64_t)a;
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(((const struct tsm_entry *)a)->name, ((const struct tsm_entry *)b)->name);
}

static bool
visible(const struct configfs *c, enum attribute a)
{
	return a != ENTRY_ITSELF && (!attributes[a].snp_only || c->sb->channel != NULL);
}

static struct tsm_entry *
find(const struct configfs *c, const char *name)
{
	char copy[NAME_MAX + 1];
	struct tsm_entry key = { .name = copy };

	if (strlen(name) > NAME_MAX)
		return NULL;
	strcpy(copy, name);
	struct tsm_entry **found = tfind(&key, &c->by_name, by_name);
	return found != NULL ? *found : NULL;
}

static void
drop(struct configfs *c, struct tsm_entry *e)
{
	*(e->before != NULL ? &e->before->behind : &c->first) = e->behind;
	*(e->behind != NULL ? &e->behind->before : &c->last) = e->before;
	evidence_clear(&e->evidence);
	free(e->name);
	free(e);
}

static void
drop_if_unused(struct configfs *c, struct tsm_entry *e)
{
	if (e->removed && e->lookups == 0 && e->opens == 0)
		drop(c, e);
}

static void
take_out(struct configfs *c, struct tsm_entry *e)
{
	if (!e->removed)
		tdelete(e, &c->by_name, by_name);
	e->removed = true;
}

static void
close_file(struct configfs *c, struct configfs_file *f)
{
	*(f->before != NULL ? &f->before->behind : &c->files) = f->behind;
	if (f->behind != NULL)
		f->behind->before = f->before;
	f->entry->opens--;
	drop_if_unused(c, f->entry);
	free(f->copy);
	free(f);
}

struct configfs *
configfs_new(struct sandbox *sb)
{
	struct configfs *c = calloc(1, sizeof *c);

	if (c != NULL)
		c->sb = sb;
	return c;
}

void
configfs_free(struct configfs *c)
{
	while (c != NULL && c->files != NULL)
		close_file(c, c->files);
	while (c != NULL && c->first != NULL) {
		take_out(c, c->first);
		drop(c, c->first);
	}
	free(c);
}

int
configfs_mkdir(struct configfs *c, const char *name, uint64_t *ino)
{
	struct tsm_entry *e = aligned_alloc(INO_BITS + 1, (sizeof *e + INO_BITS) / 16 * 16);

	if (e == NULL)
		return -ENOMEM;
	*e = (struct tsm_entry){ .place = ++c->next_place, .lookups = 1, .before = c->last };
	if ((e->name = strdup(name)) == NULL) {
		free(e);
		return -ENOMEM;
	}
	struct tsm_entry **at = tsearch(e, &c->by_name, by_name);
	if (at == NULL || *at != e) {
		free(e->name);
		free(e);
		return at == NULL ? -ENOMEM : -EEXIST;
	}
	*(c->last != NULL ? &c->last->behind : &c->first) = e;
	c->last = e;
	*ino = ino_of(e, ENTRY_ITSELF);
	return 0;
}

int
configfs_lookup(struct configfs *c, uint64_t parent, const char *name, uint64_t *ino)
{
	if (parent == 0) {
		struct tsm_entry *e = find(c, name);
		if (e == NULL)
			return -ENOENT;
		e->lookups++;
		*ino = ino_of(e, ENTRY_ITSELF);
		return 0;
	}
	struct tsm_entry *e = entry_of(parent);
	if (attribute_of(parent) != ENTRY_ITSELF)
		return -ENOTDIR;
	for (enum attribute a = GENERATION; !e->removed && a < ATTRIBUTES; a++)
		if (visible(c, a) && strcmp(attributes[a].name, name) == 0) {
			e->lookups++;
			*ino = ino_of(e, a);
			return 0;
		}
	return -ENOENT;
}

void
configfs_forget(struct configfs *c, uint64_t ino, uint64_t times)
{
	struct tsm_entry *e = entry_of(ino);

	e->lookups -= times < e->lookups ? times : e->lookups;
	drop_if_unused(c, e);
}

int
configfs_rmdir(struct configfs *c, const char *name)
{
	struct tsm_entry *e = find(c, name);

	if (e == NULL)
		return -ENOENT;
	take_out(c, e);
	drop_if_unused(c, e);
	return 0;
}

void
configfs_stat(uint64_t ino, struct stat *out)
{
	enum attribute a = attribute_of(ino);

	*out = (struct stat){ .st_ino = ino, .st_mode = attributes[a].mode, .st_nlink = 1 };
	if (a == ENTRY_ITSELF)
		out->st_nlink = 2;
	else if (!attributes[a].binary)
		out->st_size = TEXT_MAX;
}

const char *
configfs_list(struct configfs *c, uint64_t dir, uint64_t *at, bool *is_dir)
{
	*is_dir = dir == 0;
	if (dir == 0) {
		const struct tsm_entry *e = c->first;
		while (e != NULL && (e->removed || e->place <= *at))
			e = e->behind;
		if (e == NULL)
			return NULL;
		*at = e->place;
		return e->name;
	}
	while (!entry_of(dir)->removed && ++*at < ATTRIBUTES)
		if (visible(c, (enum attribute) * at))
			return attributes[*at].name;
	return NULL;
}

/* --- the report ----------------------------------------------------------------------------- */

/* An option is about to change. Source: try_advance_write_generation() */
static int
advance(struct tsm_entry *e)
{
	if (e->write_generation + 1 == e->read_generation)
		return -EBUSY; /* it has gone round */
	e->write_generation++;
	return 0;
}

/* Reading any of the blobs makes all of them, if they are not of the current generation. */
static int
make_report(struct configfs *c, struct tsm_entry *e, pid_t tid)
{
	if (e->inblob_len == 0)
		return -EINVAL;
	if (e->cached && e->read_generation == e->write_generation)
		return 0;
	evidence_clear(&e->evidence);
	e->cached = false;
	if (e->inblob_len != INBLOB_MAX)
		return -EINVAL;
	int rc = evidence_make(c->sb, tid, &e->evidence, e->inblob, e->privlevel);
	if (rc != 0)
		return rc == -EBADMSG || rc == -ENOTTY ? -EIO : rc;
	e->cached = true;
	e->read_generation = e->write_generation;
	sandbox_log(c->sb, "tsm/report/%s: generation %llu: %zu bytes", e->name,
	    (unsigned long long)e->write_generation, e->evidence.out_len);
	if (fault_stale(&c->sb->faults)) {
		sandbox_log(c->sb, "fault: stale generation in entry %s", e->name);
		e->write_generation++; /* another writer was here meanwhile */
	}
	return 0;
}

/* --- files ---------------------------------------------------------------------------------- */

int
configfs_open(struct configfs *c, uint64_t ino, int flags, struct configfs_file **out)
{
	struct tsm_entry *e = entry_of(ino);
	enum attribute a = attribute_of(ino);
	int access = flags & O_ACCMODE;

	if ((access != O_WRONLY && (attributes[a].mode & 0444) == 0) ||
	    (access != O_RDONLY && (attributes[a].mode & 0222) == 0))
		return -EACCES;
	struct configfs_file *f = calloc(1, sizeof *f);
	if (f == NULL)
		return -ENOMEM;
	f->entry = e;
	f->attribute = a;
	f->append = (flags & O_APPEND) != 0;
	e->opens++;
	f->behind = c->files;
	if (c->files != NULL)
		c->files->before = f;
	c->files = f;
	*out = f;
	return 0;
}

bool
configfs_seekable(const struct configfs_file *f)
{
	return !attributes[f->attribute].binary;
}

bool
configfs_commits(const struct configfs_file *f)
{
	return f->attribute == INBLOB;
}

static int
keep(struct configfs_file *f, const void *bytes, size_t n)
{
	if ((f->copy = malloc(n + 1)) == NULL)
		return -ENOMEM;
	if (n > 0)
		memcpy(f->copy, bytes, n);
	f->copy_len = n;
	return 0;
}

/* The first read of an open file. */
static int
fill(struct configfs *c, struct configfs_file *f, pid_t tid)
{
	struct tsm_entry *e = f->entry;
	char text[64] = "";
	int rc;

	if (e->removed)
		return -ENOENT;
	if (f->attribute == OUTBLOB || f->attribute == AUXBLOB) {
		if ((rc = make_report(c, e, tid)) != 0) {
			sandbox_log(c->sb, "tsm/report/%s: %s: %s", e->name,
			    attributes[f->attribute].name, strerror(-rc));
			return rc;
		}
		return f->attribute == OUTBLOB ? keep(f, e->evidence.out, e->evidence.out_len)
					       : keep(f, e->evidence.aux, e->evidence.aux_len);
	}
	if (f->attribute == GENERATION)
		snprintf(text, sizeof text, "%llu\n", (unsigned long long)e->write_generation);
	else if (f->attribute == PROVIDER)
		strcpy(text, c->sb->channel != NULL ? "sev_guest\n" : "tdx_guest\n");
	else
		snprintf(text, sizeof text, "%d\n", PRIVLEVEL_FLOOR);
	return keep(f, text, strlen(text));
}

ssize_t
configfs_read(
    struct configfs *c, struct configfs_file *f, pid_t tid, const void **bytes, size_t n, off_t at)
{
	int rc = f->copy == NULL ? fill(c, f, tid) : 0;

	if (rc != 0)
		return rc;
	size_t from = (uint64_t)at < f->copy_len ? (size_t)at : f->copy_len;
	*bytes = f->copy + from;
	return (ssize_t)(n < f->copy_len - from ? n : f->copy_len - from);
}

/* kstrtouint(): base by prefix, a sign, one newline. */
static int
read_number(const char *text, unsigned *out)
{
	char *end = NULL;
	const char *digits = text[0] == '+' ? text + 1 : text;

	if (digits[0] < '0' || digits[0] > '9')
		return -EINVAL;
	errno = 0;
	unsigned long v = strtoul(digits, &end, 0);
	if (end[0] == '\n')
		end++;
	if (end[0] != '\0')
		return -EINVAL;
	if (errno != 0 || v > UINT_MAX)
		return -ERANGE;
	*out = (unsigned)v;
	return 0;
}

static int
store_privlevel(struct tsm_entry *e, const void *bytes, size_t n)
{
	char text[TEXT_MAX];
	unsigned level;
	int rc;

	memcpy(text, bytes, n);
	text[n] = '\0';
	if ((rc = read_number(text, &level)) != 0)
		return rc;
	if ((int)level < PRIVLEVEL_FLOOR || level > VMPL_MAX)
		return -EINVAL;
	if ((rc = advance(e)) == 0)
		e->privlevel = level;
	return rc;
}

ssize_t
configfs_write(struct configfs *c, struct configfs_file *f, const void *bytes, size_t n, off_t at)
{
	int rc;

	if (f->attribute == PRIVLEVEL) { /* each call is a store of its own, cut to a page */
		n = n < TEXT_MAX ? n : TEXT_MAX - 1;
		rc = f->entry->removed ? -ENOENT : store_privlevel(f->entry, bytes, n);
		if (rc != 0)
			sandbox_log(
			    c->sb, "tsm/report/%s: privlevel: %s", f->entry->name, strerror(-rc));
		return rc != 0 ? rc : (ssize_t)n;
	}
	/* configfs does not move the position to the end of what it has no size of. */
	size_t from = f->append ? f->written_len : (size_t)at;
	if (at < 0 || from > INBLOB_MAX || n > INBLOB_MAX - from) {
		sandbox_log(c->sb, "tsm/report/%s: inblob: %zu bytes at %zu are more than %d",
		    f->entry->name, n, from, INBLOB_MAX);
		return -EFBIG;
	}
	memcpy(f->written + from, bytes, n);
	if (f->written_len < from + n)
		f->written_len = from + n;
	f->dirty = true;
	return (ssize_t)n;
}

void
configfs_flush(struct configfs *c, struct configfs_file *f)
{
	struct tsm_entry *e = f->entry;

	if (!f->dirty)
		return;
	f->dirty = false;
	if (e->removed || advance(e) != 0) {
		sandbox_log(c->sb, "tsm/report/%s: inblob is lost: the entry was removed", e->name);
		return;
	}
	memcpy(e->inblob, f->written, sizeof e->inblob);
	e->inblob_len = f->written_len;
}

void
configfs_release(struct configfs *c, struct configfs_file *f)
{
	configfs_flush(c, f);
	close_file(c, f);
}
