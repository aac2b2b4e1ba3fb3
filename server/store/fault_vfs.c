/* SPDX-License-Identifier: Apache-2.0 */
#include "fault_vfs.h"

#include <stdlib.h>
#include <string.h>

#include <sqlite3.h>

enum { FILES = 8, SECTOR = 512, NAME_ROOM = 256, REGIONS = 64 };

struct image {
	uint8_t *data;
	size_t len, room;
};

/* A sector or a new length that was not synced yet. */
struct pending {
	struct pending *next;
	bool cut;
	size_t at, len; /* of a cut: the new length */
	uint8_t data[SECTOR];
};

struct content {
	char name[NAME_ROOM];
	bool exists, durable; /* in the folder now; after the power was gone */
	struct image now, kept;
	struct pending *first, **last;
	void *shared[REGIONS]; /* of the log's index */
};

struct handle {
	sqlite3_file base;
	struct content *content;
};

static struct {
	struct fault_disk disk;
	struct content files[FILES];
	sqlite3_vfs vfs, *under;
} all;

static uint64_t
chance(void)
{
	uint64_t x = all.disk.seed += UINT64_C(0x9e3779b97f4a7c15);

	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

static void
need(const void *p)
{
	if (p == NULL)
		abort();
}

static void
resize(struct image *i, size_t len)
{
	if (len > i->room) {
		i->room = 2 * len;
		need(i->data = realloc(i->data, i->room));
	}
	if (len > i->len)
		memset(i->data + i->len, 0, len - i->len);
	i->len = len;
}

static void
apply(struct image *i, const struct pending *p)
{
	if (p->cut) {
		resize(i, p->len);
		return;
	}
	if (i->len < p->at + p->len)
		resize(i, p->at + p->len);
	memcpy(i->data + p->at, p->data, p->len);
}

static void
forget(struct content *c)
{
	while (c->first != NULL) {
		struct pending *p = c->first;
		c->first = p->next;
		free(p);
	}
	c->last = &c->first;
}

static void
remember(struct content *c, bool cut, size_t at, const uint8_t *data, size_t len)
{
	struct pending *p = calloc(1, sizeof *p);

	need(p);
	p->cut = cut;
	p->at = at;
	p->len = len;
	if (!cut)
		memcpy(p->data, data, len);
	*c->last = p;
	c->last = &p->next;
	apply(&c->now, p);
}

/* Counts one write or sync: does the power go now? */
static bool
power(void)
{
	if (!all.disk.dead && all.disk.power_at != 0 &&
	    all.disk.writes + all.disk.syncs >= all.disk.power_at)
		all.disk.dead = true;
	return !all.disk.dead;
}

static struct content *
of(sqlite3_file *f)
{
	return ((struct handle *)(void *)f)->content;
}

static int
x_close(sqlite3_file *f)
{
	f->pMethods = NULL;
	return SQLITE_OK;
}

static int
x_read(sqlite3_file *f, void *out, int n, sqlite3_int64 at)
{
	struct content *c = of(f);
	size_t from = (size_t)at, size = (size_t)n, have;

	if (all.disk.dead)
		return SQLITE_IOERR_READ;
	have = from < c->now.len ? c->now.len - from : 0;
	if (have >= size) {
		memcpy(out, c->now.data + from, size);
		return SQLITE_OK;
	}
	memset(out, 0, size);
	if (have > 0)
		memcpy(out, c->now.data + from, have);
	return SQLITE_IOERR_SHORT_READ;
}

static int
x_write(sqlite3_file *f, const void *in, int n, sqlite3_int64 at)
{
	struct content *c = of(f);
	const uint8_t *data = in;
	size_t from = (size_t)at, left = (size_t)n;

	all.disk.writes++;
	if (!power())
		return SQLITE_IOERR_WRITE;
	if (all.disk.write_error != 0)
		return all.disk.write_error;
	while (left > 0) { /* up to the end of a sector */
		size_t part = SECTOR - from % SECTOR;
		if (part > left)
			part = left;
		remember(c, false, from, data, part);
		data += part;
		from += part;
		left -= part;
	}
	return SQLITE_OK;
}

static int
x_truncate(sqlite3_file *f, sqlite3_int64 size)
{
	all.disk.writes++;
	if (!power())
		return SQLITE_IOERR_TRUNCATE;
	remember(of(f), true, 0, NULL, (size_t)size);
	return SQLITE_OK;
}

static int
x_sync(sqlite3_file *f, int flags)
{
	struct content *c = of(f);
	int error = all.disk.sync_error;

	(void)flags;
	all.disk.syncs++;
	if (!power())
		return SQLITE_IOERR_FSYNC;
	all.disk.sync_error = 0;
	if (error != 0)
		return error;
	for (struct pending *p = c->first; p != NULL; p = p->next)
		apply(&c->kept, p);
	forget(c);
	c->durable = true;
	return SQLITE_OK;
}

static int
x_size(sqlite3_file *f, sqlite3_int64 *size)
{
	*size = (sqlite3_int64)of(f)->now.len;
	return all.disk.dead ? SQLITE_IOERR_FSTAT : SQLITE_OK;
}

static int
x_lock(sqlite3_file *f, int level)
{
	(void)f;
	(void)level;
	return SQLITE_OK;
}

static int
x_reserved(sqlite3_file *f, int *out)
{
	(void)f;
	*out = 0;
	return SQLITE_OK;
}

static int
x_control(sqlite3_file *f, int op, void *arg)
{
	(void)f;
	(void)op;
	(void)arg;
	return SQLITE_NOTFOUND;
}

static int
x_sector(sqlite3_file *f)
{
	(void)f;
	return SECTOR;
}

static int
x_traits(sqlite3_file *f)
{
	(void)f;
	return 0; /* nothing is promised */
}

static int
x_shm_map(sqlite3_file *f, int page, int size, int extend, void volatile **out)
{
	struct content *c = of(f);

	if (page >= REGIONS)
		return SQLITE_NOMEM;
	if (c->shared[page] == NULL && extend)
		need(c->shared[page] = calloc(1, (size_t)size));
	*out = c->shared[page];
	return SQLITE_OK;
}

static int
x_shm_lock(sqlite3_file *f, int offset, int n, int flags)
{
	(void)f;
	(void)offset;
	(void)n;
	(void)flags;
	return SQLITE_OK;
}

static void
x_shm_barrier(sqlite3_file *f)
{
	(void)f;
}

static int
x_shm_unmap(sqlite3_file *f, int remove)
{
	struct content *c = of(f);

	(void)remove;
	for (size_t i = 0; i < REGIONS; i++) {
		free(c->shared[i]);
		c->shared[i] = NULL;
	}
	return SQLITE_OK;
}

static const sqlite3_io_methods methods = {
	.iVersion = 2,
	.xClose = x_close,
	.xRead = x_read,
	.xWrite = x_write,
	.xTruncate = x_truncate,
	.xSync = x_sync,
	.xFileSize = x_size,
	.xLock = x_lock,
	.xUnlock = x_lock,
	.xCheckReservedLock = x_reserved,
	.xFileControl = x_control,
	.xSectorSize = x_sector,
	.xDeviceCharacteristics = x_traits,
	.xShmMap = x_shm_map,
	.xShmLock = x_shm_lock,
	.xShmBarrier = x_shm_barrier,
	.xShmUnmap = x_shm_unmap,
};

static struct content *
find(const char *name, bool make)
{
	for (size_t i = 0; i < FILES; i++)
		if (strcmp(all.files[i].name, name) == 0)
			return &all.files[i];
	for (size_t i = 0; make && i < FILES; i++)
		if (all.files[i].name[0] == '\0') {
			strncpy(all.files[i].name, name, NAME_ROOM - 1);
			all.files[i].last = &all.files[i].first;
			return &all.files[i];
		}
	return NULL;
}

static int
x_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *f, int flags, int *out_flags)
{
	struct handle *h = (struct handle *)(void *)f;
	struct content *c;

	(void)vfs;
	h->base.pMethods = NULL;
	need(name); /* no temporary files: temp_store is memory */
	c = find(name, true);
	if (all.disk.dead || c == NULL || (!c->exists && (flags & SQLITE_OPEN_CREATE) == 0))
		return SQLITE_CANTOPEN;
	c->exists = true;
	h->content = c;
	h->base.pMethods = &methods;
	if (out_flags != NULL)
		*out_flags = flags;
	return SQLITE_OK;
}

static void
drop(struct content *c)
{
	forget(c);
	free(c->now.data);
	free(c->kept.data);
	c->now = c->kept = (struct image){ 0 };
	c->exists = c->durable = false;
}

static int
x_delete(sqlite3_vfs *vfs, const char *name, int sync)
{
	struct content *c = find(name, false);

	(void)vfs;
	(void)sync;
	all.disk.writes++;
	if (!power())
		return SQLITE_IOERR_DELETE;
	if (c == NULL || !c->exists)
		return SQLITE_IOERR_DELETE_NOENT;
	drop(c);
	return SQLITE_OK;
}

static int
x_access(sqlite3_vfs *vfs, const char *name, int flags, int *out)
{
	struct content *c = find(name, false);

	(void)vfs;
	*out = c != NULL && c->exists && (flags != SQLITE_ACCESS_EXISTS || c->now.len > 0);
	return SQLITE_OK;
}

static int
x_full(sqlite3_vfs *vfs, const char *name, int room, char *out)
{
	(void)vfs;
	if (strlen(name) >= (size_t)room)
		return SQLITE_CANTOPEN;
	memcpy(out, name, strlen(name) + 1);
	return SQLITE_OK;
}

struct fault_disk *
fault_disk_install(void)
{
	memset(&all, 0, sizeof all);
	all.under = sqlite3_vfs_find(NULL);
	all.vfs = *all.under; /* time, sleep and randomness stay its own */
	all.vfs.zName = "assay-fault";
	all.vfs.pNext = NULL;
	all.vfs.szOsFile = sizeof(struct handle);
	all.vfs.mxPathname = NAME_ROOM - 1;
	all.vfs.xOpen = x_open;
	all.vfs.xDelete = x_delete;
	all.vfs.xAccess = x_access;
	all.vfs.xFullPathname = x_full;
	if (sqlite3_vfs_register(&all.vfs, 1) != SQLITE_OK)
		abort();
	return &all.disk;
}

void
fault_disk_remove(void)
{
	(void)sqlite3_vfs_unregister(&all.vfs);
	for (size_t i = 0; i < FILES; i++)
		if (all.files[i].name[0] != '\0')
			drop(&all.files[i]);
}

void
fault_disk_revive(void)
{
	for (size_t i = 0; i < FILES; i++) {
		struct content *c = &all.files[i];
		if (c->name[0] == '\0')
			continue;
		for (struct pending *p = c->first; p != NULL; p = p->next)
			if ((chance() & 1) != 0)
				apply(&c->kept, p);
		forget(c);
		c->exists = c->durable || (c->kept.len > 0 && (chance() & 1) != 0);
		if (!c->exists)
			c->kept.len = 0;
		c->durable = c->exists;
		resize(&c->now, c->kept.len);
		if (c->kept.len > 0)
			memcpy(c->now.data, c->kept.data, c->kept.len);
	}
	all.disk.dead = false;
	all.disk.power_at = all.disk.writes = all.disk.syncs = 0;
	all.disk.write_error = all.disk.sync_error = 0;
}
