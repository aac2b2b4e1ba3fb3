/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Measurement registers in sysfs (Linux 6.16 and later): files NAME or NAME:HASH, the register's
 * bytes; a write extends.
 * Source: Linux, Documentation/ABI/testing/sysfs-devices-virtual-misc-tdx_guest.
 */
#include "internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { REGISTERS_MAX = 64, BUSY_MS = 20 };

static const char *const folders[] = {
	"/sys/class/misc/tdx_guest/measurements",
	"/sys/devices/virtual/misc/tdx_guest/measurements",
};

/* RTMR 0 and 1 are the firmware's and the boot loader's: who extended those would break every
 * replay of their logs. Source: TDX Virtual Firmware Design Guide, 8.1.2. */
static bool
may_extend(const char *name)
{
	return strcmp(name, "rtmr2") == 0 || strcmp(name, "rtmr3") == 0;
}

static const char *
root_of(const char *root)
{
	return root == NULL || strcmp(root, "/") == 0 ? "" : root;
}

static DIR *
open_folder(const char **folder, const char *root)
{
	char path[GUEST_PATH_MAX];

	for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
		DIR *dir = guest_path(path, root, folders[i]) ? opendir(path) : NULL;
		*folder = folders[i];
		if (dir != NULL)
			return dir;
	}
	return NULL;
}

static enum assay_code
no_folder(struct assay_error *err)
{
	if (errno == ENOMEM)
		return assay_fail_nomem(err);
	if (errno != ENOENT && errno != ENOTDIR) {
		guest_fail_errno(err, errno, folders[0]);
		return ASSAY_E_IO;
	}
	return assay_fail(err, ASSAY_E_INCOMPLETE,
	    "%s: is not there; the kernel is older than 6.16, or this is no TD", folders[0]);
}

/* "rtmr0:sha384"; false for what is no register of a known form. */
static bool
split_name(struct assay_guest_register *r, const char *file)
{
	const char *colon = strchr(file, ':');
	size_t n = colon != NULL ? (size_t)(colon - file) : strlen(file);

	if (n == 0 || n >= sizeof r->name || (colon != NULL && strlen(colon + 1) >= sizeof r->hash))
		return false;
	memcpy(r->name, file, n);
	r->name[n] = '\0';
	snprintf(r->hash, sizeof r->hash, "%s", colon != NULL ? colon + 1 : "");
	return true;
}

static int
join(char path[GUEST_PATH_MAX], const char *folder, const char *file)
{
	int n = snprintf(path, GUEST_PATH_MAX, "%s/%s", folder, file);

	return n > 0 && n < GUEST_PATH_MAX ? 0 : ENAMETOOLONG;
}

static int
read_register(
    struct assay_guest_register *r, const char *root, const char *folder, const char *file)
{
	char path[GUEST_PATH_MAX];
	struct guest_blob value = { NULL, 0 };
	int error = join(path, folder, file);

	if (error == 0)
		error = guest_read_file(&value, root, path, sizeof r->value);
	if (error != 0)
		return error;
	if (value.len > 0)
		memcpy(r->value, value.ptr, value.len);
	r->len = value.len;
	guest_blob_clear(&value);
	return 0;
}

static int
by_name(const void *a, const void *b)
{
	const struct assay_guest_register *x = a, *y = b;
	int order = strcmp(x->name, y->name);

	return order != 0 ? order : strcmp(x->hash, y->hash);
}

static enum assay_code
read_folder(struct assay_guest_register *all, size_t *count, const char *root, const char *folder,
    DIR *dir, struct assay_error *err)
{
	char path[GUEST_PATH_MAX], whole[GUEST_PATH_MAX];
	const struct dirent *d;
	struct stat st;

	*count = 0;
	while ((d = readdir(dir)) != NULL) {
		struct assay_guest_register *r = &all[*count];
		*r = (struct assay_guest_register){ .len = 0 };
		if (d->d_name[0] == '.' || !split_name(r, d->d_name))
			continue;
		if (*count == REGISTERS_MAX)
			return assay_fail(err, ASSAY_E_IO, "%s: has more than %d registers", folder,
			    REGISTERS_MAX);
		if (join(path, folder, d->d_name) != 0 || !guest_path(whole, root, path) ||
		    stat(whole, &st) != 0 || !S_ISREG(st.st_mode))
			continue;
		int error = read_register(r, root, folder, d->d_name);
		if (error != 0) {
			enum assay_code rc = guest_fail_errno(err, error, path);
			return rc == ASSAY_E_NOMEM ? rc : ASSAY_E_IO;
		}
		r->extendable = may_extend(r->name) && (st.st_mode & 0222) != 0;
		++*count;
	}
	qsort(all, *count, sizeof *all, by_name);
	if (*count == 0)
		return assay_fail(err, ASSAY_E_INCOMPLETE, "%s: holds no register", folder);
	return ASSAY_OK;
}

enum assay_code
assay_guest_registers_read(
    struct assay_guest_register **out, size_t *count, const char *root, struct assay_error *err)
{
	const char *folder;
	size_t n = 0;

	root = root_of(root);
	DIR *dir = open_folder(&folder, root);
	if (dir == NULL)
		return no_folder(err);
	struct assay_guest_register *all = calloc(REGISTERS_MAX + 1, sizeof *all);
	enum assay_code rc =
	    all != NULL ? read_folder(all, &n, root, folder, dir, err) : assay_fail_nomem(err);
	closedir(dir);
	if (rc != ASSAY_OK) {
		free(all);
		return rc;
	}
	*out = all;
	*count = n;
	return ASSAY_OK;
}

/* One write at offset 0 of exactly the register's length: sysfs cuts a longer one short and extends
 * all the same, and a second write would extend twice. So no loop, and no retry after any byte. */
static enum assay_code
extend(const struct assay_guest_register *r, struct assay_bytes digest, const char *root,
    const char *folder, struct assay_error *err)
{
	struct guest_job job = { .deadline = guest_now_ms() + GUEST_TIMEOUT_MS };
	char path[GUEST_PATH_MAX];
	int fd = -1;
	int error;

	int n = snprintf(path, sizeof path, "%s/%s%s%s", folder, r->name,
	    r->hash[0] != '\0' ? ":" : "", r->hash);
	if (n < 0 || n >= GUEST_PATH_MAX)
		return assay_fail(err, ASSAY_E_IO, "%s: the path is too long", folder);
	if ((error = guest_open(&fd, root, path, O_WRONLY)) == 0) {
		do {
			error = guest_write_once(fd, digest);
		} while ((error == EBUSY || error == EINTR) && guest_pause(&job, BUSY_MS));
		close(fd);
	}
	if (error == 0)
		return ASSAY_OK;
	guest_fail_errno(err, error, path);
	return ASSAY_E_IO;
}

enum assay_code
assay_guest_register_extend(
    const char *name, struct assay_bytes digest, const char *root, struct assay_error *err)
{
	struct assay_guest_register *all = NULL, *found = NULL;
	const char *folder;
	size_t count = 0;

	root = root_of(root);
	if (name == NULL || !may_extend(name))
		return assay_fail(err, ASSAY_E_USAGE,
		    "register %s: only rtmr2 and rtmr3 are extended; the others belong to firmware "
		    "and boot loader",
		    assay_quote(assay_bytes_of(name != NULL ? name : "")).text);
	enum assay_code rc = assay_guest_registers_read(&all, &count, root, err);
	if (rc != ASSAY_OK)
		return rc;
	for (size_t i = 0; i < count; i++)
		if (strcmp(all[i].name, name) == 0 && (found == NULL || all[i].len == digest.len))
			found = &all[i];
	DIR *dir = open_folder(&folder, root);
	if (found == NULL || dir == NULL)
		rc = assay_fail(err, ASSAY_E_INCOMPLETE, "register %s: the kernel has none", name);
	else if (digest.len != found->len)
		rc = assay_fail(err, ASSAY_E_USAGE,
		    "register %s: the digest is %zu bytes, want %zu", name, digest.len, found->len);
	else
		rc = extend(found, digest, root, folder, err);
	if (dir != NULL)
		closedir(dir);
	free(all);
	return rc;
}
