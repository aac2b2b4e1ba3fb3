/* SPDX-License-Identifier: Apache-2.0 */
#include "fake_kernel.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#define REPORTS "/sys/kernel/config/tsm/report"

enum {
	ENTRIES = 2048,
	HANDLES = 4096,
	FIRST_FD = 1 << 20,
	NAME = 64,
	SNP_REPORT = 1184,
	IN = 64,
};

struct entry {
	bool used;
	char name[NAME];
	unsigned write_generation;
	uint8_t in[IN];
	size_t in_len;
	unsigned level;
	uint64_t serial;
};

/* Shared by all processes of a test. */
static struct kernel {
	pthread_mutex_t lock;
	struct fake_settings set;
	struct entry entries[ENTRIES];
	size_t made, left;
	uint64_t serial;
	unsigned level;
} * kernel;

enum kind { NOTHING, ATTRIBUTE, FILE_TO_READ, TDX, SNP };

static struct handle {
	enum kind kind;
	char attribute[NAME];
	size_t entry;
	uint64_t serial;
	uint8_t in[IN]; /* written, until the close */
	size_t in_len;
	uint8_t *out; /* a snapshot */
	size_t out_len, at;
	bool read_yet;
} handles[HANDLES];
static pthread_mutex_t handles_lock = PTHREAD_MUTEX_INITIALIZER;

void *__real_malloc(size_t size); /* the tests' failing allocations are the library's */
int __real_open(const char *path, int flags, ...);
int __real_close(int fd);
ssize_t __real_read(int fd, void *buf, size_t n);
ssize_t __real_write(int fd, const void *buf, size_t n);
int __real_mkdir(const char *path, mode_t mode);
int __real_rmdir(const char *path);
int __real_access(const char *path, int mode);
int __real_ioctl(int fd, unsigned long request, ...);
int __wrap_open(const char *path, int flags, ...);
int __wrap_open64(const char *path, int flags, ...);
int __wrap___open_2(const char *path, int flags);
int __wrap___open64_2(const char *path, int flags);
int __wrap_close(int fd);
ssize_t __wrap_read(int fd, void *buf, size_t n);
ssize_t __wrap_write(int fd, const void *buf, size_t n);
int __wrap_mkdir(const char *path, mode_t mode);
int __wrap_rmdir(const char *path);
int __wrap_access(const char *path, int mode);
int __wrap_ioctl(int fd, unsigned long request, ...);

void
fake_reset(const struct fake_settings *settings)
{
	pthread_mutexattr_t shared;

	if (kernel == NULL) {
		void *p = mmap(NULL, sizeof *kernel, PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
		if (p == MAP_FAILED)
			abort();
		kernel = p;
		pthread_mutexattr_init(&shared);
		pthread_mutexattr_setpshared(&shared, PTHREAD_PROCESS_SHARED);
		pthread_mutex_init(&kernel->lock, &shared);
	}
	memset(kernel->entries, 0, sizeof kernel->entries);
	kernel->made = kernel->left = 0;
	kernel->level = 99;
	kernel->set = *settings;
}

size_t
fake_entries_left(void)
{
	return kernel->left;
}

size_t
fake_entries_made(void)
{
	return kernel->made;
}

unsigned
fake_level(void)
{
	return kernel->level;
}

size_t
fake_open_files(void)
{
	size_t n = 0;

	for (size_t i = 0; i < HANDLES; i++)
		n += handles[i].kind != NOTHING;
	return n;
}

size_t
fake_snp_report(uint8_t out[1184], const uint8_t report_data[64])
{
	memset(out, 0, SNP_REPORT);
	out[0] = 2;
	memcpy(out + 0x50, report_data, IN);
	return SNP_REPORT;
}

size_t
fake_tdx_quote(uint8_t out[FAKE_QUOTE], const uint8_t report_data[64])
{
	memset(out, 0x11, FAKE_QUOTE);
	memcpy(out, "\4\0\2\0\x81\0\0\0", 8);
	memcpy(out + 48 + 520, report_data, IN);
	return FAKE_QUOTE;
}

void
fake_table(uint8_t *out, size_t len)
{
	enum { HEAD = 48 };
	uint32_t n = (uint32_t)(len - HEAD);

	memset(out, 0, len);
	memset(out, 0xc0, 16);
	out[16] = HEAD;
	for (size_t i = 0; i < 4; i++)
		out[20 + i] = (uint8_t)(n >> 8 * i);
	memset(out + HEAD, 0xab, n);
}

static int
fail(int error)
{
	errno = error;
	return -1;
}

static const char *
ours(const char *path)
{
	size_t n = strlen(FAKE_ROOT);

	return strncmp(path, FAKE_ROOT, n) == 0 ? path + n : NULL;
}

static bool
take_fault(int *fault)
{
	bool taken = *fault > 0;

	*fault -= taken;
	return taken;
}

/* --- entries --------------------------------------------------------------------------------- */

static struct entry *
find_entry(const char *name, size_t len)
{
	for (size_t i = 0; i < ENTRIES; i++)
		if (kernel->entries[i].used && strlen(kernel->entries[i].name) == len &&
		    memcmp(kernel->entries[i].name, name, len) == 0)
			return &kernel->entries[i];
	return NULL;
}

static int
make_entry(const char *name)
{
	if (kernel->set.provider == NULL)
		return fail(ENOENT);
	if (kernel->set.provider[0] == '\0')
		return fail(ENXIO);
	if (find_entry(name, strlen(name)) != NULL)
		return fail(EEXIST);
	for (size_t i = 0; i < ENTRIES; i++) {
		struct entry *e = &kernel->entries[i];
		if (e->used)
			continue;
		*e = (struct entry){ .used = true, .serial = ++kernel->serial };
		snprintf(e->name, sizeof e->name, "%s", name);
		kernel->made++;
		kernel->left++;
		return 0;
	}
	return fail(ENOSPC);
}

int
__wrap_mkdir(const char *path, mode_t mode)
{
	const char *p = ours(path);
	size_t n = strlen(REPORTS "/");

	if (p == NULL)
		return __real_mkdir(path, mode);
	if (strncmp(p, REPORTS "/", n) != 0)
		return fail(ENOENT);
	pthread_mutex_lock(&kernel->lock);
	int rc = make_entry(p + n);
	pthread_mutex_unlock(&kernel->lock);
	return rc;
}

int
__wrap_rmdir(const char *path)
{
	const char *p = ours(path);
	size_t n = strlen(REPORTS "/");
	int rc = 0;

	if (p == NULL)
		return __real_rmdir(path);
	pthread_mutex_lock(&kernel->lock);
	struct entry *e = strncmp(p, REPORTS "/", n) == 0 ? find_entry(p + n, strlen(p + n)) : NULL;
	if (e == NULL) {
		rc = fail(ENOENT);
	} else if (take_fault(&kernel->set.faults.busy_rmdir)) {
		rc = fail(EBUSY);
	} else {
		e->used = false;
		kernel->left--;
	}
	pthread_mutex_unlock(&kernel->lock);
	return rc;
}

/* --- opening --------------------------------------------------------------------------------- */

static bool
has_attribute(const char *name)
{
	static const char *const all[] = { "inblob", "outblob", "generation", "provider" };

	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		if (strcmp(all[i], name) == 0)
			return true;
	bool amd = strcmp(kernel->set.provider, "sev_guest") == 0;
	if (strcmp(name, "auxblob") == 0)
		return amd || kernel->set.has_aux;
	return amd && (strcmp(name, "privlevel") == 0 || strcmp(name, "privlevel_floor") == 0);
}

static int
open_kind(struct handle *h, const char *path)
{
	size_t n = strlen(REPORTS "/");

	if (kernel->set.tdx_node != NULL && strcmp(path, kernel->set.tdx_node) == 0) {
		h->kind = TDX;
		return 0;
	}
	if (kernel->set.snp_device && strcmp(path, "/dev/sev-guest") == 0) {
		h->kind = SNP;
		return 0;
	}
	for (size_t i = 0; i < FAKE_FILES; i++)
		if (kernel->set.files[i].path != NULL &&
		    strcmp(kernel->set.files[i].path, path) == 0) {
			h->kind = FILE_TO_READ;
			h->out_len = kernel->set.files[i].len;
			h->out = __real_malloc(h->out_len + 1);
			memcpy(h->out, kernel->set.files[i].bytes, h->out_len);
			return 0;
		}
	if (strncmp(path, REPORTS "/", n) != 0 || kernel->set.provider == NULL)
		return ENOENT;
	const char *slash = strchr(path + n, '/');
	struct entry *e = slash != NULL ? find_entry(path + n, (size_t)(slash - path) - n) : NULL;
	if (e == NULL || !has_attribute(slash + 1))
		return ENOENT;
	h->kind = ATTRIBUTE;
	h->entry = (size_t)(e - kernel->entries);
	h->serial = e->serial;
	snprintf(h->attribute, sizeof h->attribute, "%.60s", slash + 1);
	return 0;
}

static int
fake_open(const char *path, int flags)
{
	struct handle h = { .kind = NOTHING };
	int fd = -1;

	if ((flags & O_CLOEXEC) == 0)
		abort(); /* a program that is started would inherit it */
	pthread_mutex_lock(&kernel->lock);
	int error = open_kind(&h, path);
	pthread_mutex_unlock(&kernel->lock);
	if (error != 0)
		return fail(error);
	pthread_mutex_lock(&handles_lock);
	for (int i = 0; i < HANDLES && fd < 0; i++)
		if (handles[i].kind == NOTHING) {
			handles[i] = h;
			fd = FIRST_FD + i;
		}
	pthread_mutex_unlock(&handles_lock);
	return fd < 0 ? fail(EMFILE) : fd;
}

int
__wrap_open(const char *path, int flags, ...)
{
	const char *p = ours(path);
	mode_t mode = 0;
	va_list ap;

	va_start(ap, flags);
	if ((flags & O_CREAT) != 0)
		mode = va_arg(ap, mode_t);
	va_end(ap);
	return p != NULL ? fake_open(p, flags) : __real_open(path, flags, mode);
}

int
__wrap_open64(const char *path, int flags, ...)
{
	return __wrap_open(path, flags);
}

int
__wrap___open_2(const char *path, int flags)
{
	return __wrap_open(path, flags);
}

int
__wrap___open64_2(const char *path, int flags)
{
	return __wrap_open(path, flags);
}

static bool
exists(const char *path)
{
	for (size_t i = 0; i < FAKE_FILES; i++)
		if (kernel->set.files[i].path != NULL &&
		    strcmp(kernel->set.files[i].path, path) == 0)
			return true;
	return (kernel->set.tdx_node != NULL && strcmp(path, kernel->set.tdx_node) == 0) ||
	    (kernel->set.snp_device && strcmp(path, "/dev/sev-guest") == 0);
}

int
__wrap_access(const char *path, int mode)
{
	const char *p = ours(path);

	if (p == NULL)
		return __real_access(path, mode);
	return exists(p) ? 0 : fail(ENOENT);
}

static struct handle *
handle_of(int fd)
{
	return fd >= FIRST_FD && fd < FIRST_FD + HANDLES ? &handles[fd - FIRST_FD] : NULL;
}

/* --- attributes ------------------------------------------------------------------------------ */

static int
make_blob(struct handle *h, struct entry *e)
{
	struct fake_faults *f = &kernel->set.faults;
	bool amd = strcmp(kernel->set.provider, "sev_guest") == 0;

	if (e->in_len == 0)
		return EINVAL;
	if (f->error != 0)
		return f->error;
	if (take_fault(&f->busy))
		return EBUSY;
	if (take_fault(&f->interrupted))
		return EINTR;
	if (amd && e->level < kernel->set.floor)
		return EINVAL;
	kernel->level = e->level;
	h->out = __real_malloc(FAKE_TABLE + 8192);
	if (strcmp(h->attribute, "auxblob") == 0) {
		h->out_len = kernel->set.has_aux ? FAKE_TABLE : 0;
		fake_table(h->out, FAKE_TABLE);
		return 0;
	}
	if (take_fault(&f->foreign))
		e->in[0] ^= 0xff;
	h->out_len = amd ? fake_snp_report(h->out, e->in) : fake_tdx_quote(h->out, e->in);
	return 0;
}

static int
fill(struct handle *h)
{
	struct entry *e = &kernel->entries[h->entry];

	if (!e->used || e->serial != h->serial)
		return ENOENT;
	if (strstr(h->attribute, "outblob") != NULL || strstr(h->attribute, "auxblob") != NULL)
		return make_blob(h, e);
	h->out = __real_malloc(NAME);
	unsigned number =
	    strcmp(h->attribute, "generation") == 0 ? e->write_generation : kernel->set.floor;
	int n = strcmp(h->attribute, "provider") == 0
	    ? snprintf((char *)h->out, NAME, "%s\n", kernel->set.provider)
	    : snprintf((char *)h->out, NAME, "%u\n", number);
	h->out_len = (size_t)n;
	return 0;
}

ssize_t
__wrap_read(int fd, void *buf, size_t n)
{
	struct handle *h = handle_of(fd);

	if (h == NULL)
		return __real_read(fd, buf, n);
	if (h->kind == ATTRIBUTE && !h->read_yet) {
		pthread_mutex_lock(&kernel->lock);
		int error = fill(h);
		pthread_mutex_unlock(&kernel->lock);
		sched_yield();
		if (error != 0)
			return fail(error);
		h->read_yet = true;
	}
	size_t left = h->out_len - h->at;
	n = n < left ? n : left;
	n = n > 700 ? 700 : n; /* in pieces, as the kernel may */
	memcpy(buf, h->out + h->at, n);
	h->at += n;
	return (ssize_t)n;
}

ssize_t
__wrap_write(int fd, const void *buf, size_t n)
{
	struct handle *h = handle_of(fd);

	if (h == NULL)
		return __real_write(fd, buf, n);
	if (h->kind != ATTRIBUTE)
		return fail(EINVAL);
	if (strcmp(h->attribute, "privlevel") == 0) {
		pthread_mutex_lock(&kernel->lock);
		struct entry *e = &kernel->entries[h->entry];
		e->level = (unsigned)(((const char *)buf)[0] - '0');
		e->write_generation++;
		pthread_mutex_unlock(&kernel->lock);
		return (ssize_t)n;
	}
	if (h->in_len + n > IN)
		return fail(EFBIG);
	memcpy(h->in + h->in_len, buf, n);
	h->in_len += n;
	return (ssize_t)n;
}

/* A blob takes effect when its file is closed, and nobody is told whether it did. */
int
__wrap_close(int fd)
{
	struct handle *h = handle_of(fd);

	if (h == NULL)
		return __real_close(fd);
	if (h->kind == NOTHING)
		abort(); /* closed twice */
	if (h->in_len > 0) {
		pthread_mutex_lock(&kernel->lock);
		struct entry *e = &kernel->entries[h->entry];
		if (e->used && e->serial == h->serial && !take_fault(&kernel->set.faults.stale)) {
			memcpy(e->in, h->in, h->in_len);
			e->in_len = h->in_len;
			e->write_generation++;
		}
		pthread_mutex_unlock(&kernel->lock);
		sched_yield();
	}
	free(h->out);
	pthread_mutex_lock(&handles_lock);
	*h = (struct handle){ .kind = NOTHING };
	pthread_mutex_unlock(&handles_lock);
	return 0;
}

/* --- devices --------------------------------------------------------------------------------- */

static void *
pointer(uint64_t address)
{
	return (void *)(uintptr_t)address;
}

static uint64_t
get64(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof v);
	return v;
}

static void
td_report(uint8_t report[1024], const uint8_t data[64])
{
	memset(report, 0x22, 1024);
	report[0] = 0x81;
	memcpy(report + 128, data, IN);
}

/* The report that the buffer holds, bare or in a message, becomes a quote in the same form. */
static int
td_quote(uint8_t *buffer, bool message)
{
	enum { HEADER = 24, PREFIX = 4, BEFORE_REPORT = 24, BEFORE_QUOTE = 24 };
	uint8_t data[64];
	uint8_t *at = buffer + HEADER;
	uint32_t len = FAKE_QUOTE;

	if (get64(buffer) != 1)
		return EINVAL;
	memcpy(data, at + (message ? PREFIX + BEFORE_REPORT : 0) + 128, IN);
	memcpy(buffer + 8, &kernel->set.tdx_status, 8);
	if (message) {
		uint32_t size = BEFORE_QUOTE + FAKE_QUOTE;
		memset(at, 0, PREFIX + BEFORE_QUOTE);
		at[2] = (uint8_t)(size >> 8);
		at[3] = (uint8_t)size;
		at += PREFIX;
		at[0] = at[2] = at[4] = 1;
		memcpy(at + 8, &size, 4);
		memcpy(at + 20, &len, 4);
		at += BEFORE_QUOTE;
		len = PREFIX + size;
	}
	fake_tdx_quote(at, data);
	memcpy(buffer + 20, &len, 4);
	return 0;
}

static int
tdx_ioctl(unsigned long request, uint8_t *arg)
{
	uint8_t data[64];

	if (request == 0xc4405401 && strcmp(kernel->set.tdx_node, "/dev/tdx_guest") == 0) {
		td_report(arg + IN, arg);
		return 0;
	}
	if (request == 0xc0085401 && strcmp(kernel->set.tdx_node, "/dev/tdx-guest") == 0) {
		memcpy(data, pointer(get64(arg + 8)), IN);
		td_report(pointer(get64(arg + 24)), data);
		return 0;
	}
	if (request == 0xc0085401 && strcmp(kernel->set.tdx_node, "/dev/tdx-attest") == 0) {
		memcpy(data, arg, IN);
		td_report(arg, data);
		return 0;
	}
	if (kernel->set.tdx_quote != 0 && request == kernel->set.tdx_quote)
		return td_quote(pointer(get64(arg)), request != 0xc0105402);
	return ENOTTY;
}

static int
snp_ioctl(unsigned long request, uint8_t *arg)
{
	enum { PAGE = 4096, LEVEL_AT = 64, CERTS_AT = 96, CERTS_LEN_AT = 104 };
	uint8_t *in = pointer(get64(arg + 8)), *out = pointer(get64(arg + 16));
	uint32_t offered, size = SNP_REPORT, need;
	uint64_t vmm = (uint64_t)1 << 32;

	if (arg[0] != 1)
		return EINVAL;
	if (request != 0xc0205300 && request != 0xc0205302)
		return ENOTTY;
	if (request == 0xc0205302) {
		memcpy(&offered, in + CERTS_LEN_AT, 4);
		if (kernel->set.snp_ext_error != 0)
			return kernel->set.snp_ext_error;
		if (offered % PAGE != 0 || offered > 4 * PAGE)
			return EINVAL;
		if (offered < kernel->set.snp_table) {
			need = (uint32_t)((kernel->set.snp_table + PAGE - 1) / PAGE * PAGE);
			memcpy(in + CERTS_LEN_AT, &need, 4);
			memcpy(arg + 24, &vmm, 8);
			return EIO;
		}
		if (kernel->set.snp_table > 0)
			fake_table(pointer(get64(in + CERTS_AT)), kernel->set.snp_table);
	}
	kernel->level = in[LEVEL_AT];
	memcpy(out, &kernel->set.snp_status, 4);
	memcpy(out + 4, &size, 4);
	fake_snp_report(out + 32, in);
	return 0;
}

int
__wrap_ioctl(int fd, unsigned long request, ...)
{
	struct handle *h = handle_of(fd);
	va_list ap;
	int error;

	va_start(ap, request);
	void *arg = va_arg(ap, void *);
	va_end(ap);
	if (h == NULL)
		return __real_ioctl(fd, request, arg);
	pthread_mutex_lock(&kernel->lock);
	error = h->kind == TDX ? tdx_ioctl(request, arg)
	    : h->kind == SNP   ? snp_ioctl(request, arg)
			       : ENOTTY;
	pthread_mutex_unlock(&kernel->lock);
	return error != 0 ? fail(error) : 0;
}
