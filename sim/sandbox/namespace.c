/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private mounts, because sysfs and devtmpfs belong to the kernel and to everyone: a directory that
 * needs one more entry is covered by a tmpfs into which all that was there is bound back. It ends
 * with the last process that sees it, however that one dies, so nothing has to be taken down.
 */
#include "namespace.h"
#include "platforms/sev_launch.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define STAGE "/dev/assay-sim"

/* What a machine may have of its own: hidden, so that a program finds this platform and no other. */
static const char *const ours[] = { "tdx_guest", "tdx-guest", "tdx-attest", "sev-guest", "sev",
	"CCEL" };

static int failed(char why[256], const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The sentence about a step that failed, and its errno. */
static int
failed(char why[256], const char *fmt, ...)
{
	int error = errno != 0 ? errno : EIO;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, 256, fmt, ap);
	va_end(ap);
	return -error;
}

static int
write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return -1;
	ssize_t n = write(fd, text, strlen(text));
	close(fd);
	return n == (ssize_t)strlen(text) ? 0 : -1;
}

/* The program is root of its namespace, as it would be in the guest where the nodes are root's;
 * outside it has the rights of the user and no more. */
static int
enter_user_namespace(char why[256])
{
	char uid[64], gid[64];

	snprintf(uid, sizeof uid, "0 %u 1\n", (unsigned)geteuid());
	snprintf(gid, sizeof gid, "0 %u 1\n", (unsigned)getegid());
	if (unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0)
		return failed(why,
		    "this kernel forbids a user namespace to a user who is not root; "
		    "allow it (user.max_user_namespaces, "
		    "kernel.unprivileged_userns_clone, AppArmor) or run as root");
	if (write_text("/proc/self/setgroups", "deny") != 0 ||
	    write_text("/proc/self/uid_map", uid) != 0 ||
	    write_text("/proc/self/gid_map", gid) != 0)
		return failed(why, "the ids of a user namespace cannot be set; run as root");
	return 0;
}

int
namespace_enter(char why[256])
{
	int rc = unshare(CLONE_NEWNS) == 0 ? 0 : enter_user_namespace(why);

	if (rc != 0)
		return rc;
	if (mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) != 0)
		return failed(why, "the mounts cannot be made private");
	return 0;
}

/* --- directories that can grow -------------------------------------------------------------- */

enum { OWN_MAX = 16, OWN_LENGTH = 64 };
static char own_dirs[OWN_MAX][OWN_LENGTH];
static size_t own_count;

static bool
is_ours(const char *name)
{
	for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++)
		if (strcmp(ours[i], name) == 0)
			return true;
	return false;
}

/* One entry of the covered directory, which fd is open on, back under its name. */
static int
put_back(int fd, const char *dir, const char *name)
{
	char from[PATH_MAX], to[PATH_MAX], link[PATH_MAX];
	struct stat st;

	if (fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return 0; /* gone meanwhile, or not for this user: then not to be seen either */
	snprintf(from, sizeof from, "/proc/self/fd/%d/%s", fd, name);
	snprintf(to, sizeof to, "%s/%s", dir, name);
	if (S_ISLNK(st.st_mode)) {
		ssize_t n = readlinkat(fd, name, link, sizeof link - 1);
		if (n < 0)
			return -1;
		link[n] = '\0';
		return symlink(link, to);
	}
	if (S_ISDIR(st.st_mode) ? mkdir(to, 0755) != 0 : mknod(to, S_IFREG | 0600, 0) != 0)
		return -1;
	return mount(from, to, NULL, MS_BIND | MS_REC, NULL);
}

static int
cover(const char *dir, char why[256])
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *list = fd >= 0 ? fdopendir(fd) : NULL;
	int rc = 0;

	if (list == NULL || mount("tmpfs", dir, "tmpfs", MS_NOSUID | MS_NOEXEC, "mode=755") != 0) {
		rc = failed(why, "%s cannot be covered by a tmpfs", dir);
		if (list != NULL)
			closedir(list);
		else if (fd >= 0)
			close(fd);
		return rc;
	}
	for (struct dirent *e; rc == 0 && (e = readdir(list)) != NULL;)
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0 &&
		    !is_ours(e->d_name) && put_back(fd, dir, e->d_name) != 0)
			rc = failed(why, "%s/%s cannot be bound back", dir, e->d_name);
	closedir(list);
	return rc;
}

static bool
is_own(const char *dir)
{
	for (size_t i = 0; i < own_count; i++)
		if (strcmp(own_dirs[i], dir) == 0)
			return true;
	return false;
}

/* Makes sure that dir exists and takes new entries. */
static int
own(const char *dir, char why[256])
{
	char parent[OWN_LENGTH];
	struct stat st;
	int rc = 0;

	if (is_own(dir))
		return 0;
	if (own_count == OWN_MAX || strlen(dir) >= OWN_LENGTH) {
		errno = ENAMETOOLONG;
		return failed(why, "%s: no room for another directory", dir);
	}
	if (stat(dir, &st) == 0) {
		rc = cover(dir, why);
	} else {
		strcpy(parent, dir);
		*strrchr(parent, '/') = '\0';
		if ((rc = own(parent, why)) == 0 && mkdir(dir, 0755) != 0)
			rc = failed(why, "%s cannot be made", dir);
	}
	if (rc == 0)
		strcpy(own_dirs[own_count++], dir);
	return rc;
}

/* Makes sure that dir exists and is empty. */
static int
own_empty(const char *dir, char why[256])
{
	struct stat st;

	if (stat(dir, &st) != 0)
		return own(dir, why);
	if (mount("tmpfs", dir, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=755") != 0)
		return failed(why, "%s cannot be covered by a tmpfs", dir);
	return 0;
}

/* --- FUSE ----------------------------------------------------------------------------------- */

bool
namespace_has_fuse(const struct sandbox *sb)
{
	return strcmp(sb->tee, "tdx") == 0 || strcmp(sb->tee, "snp") == 0;
}

int
namespace_mount(char why[256])
{
	char options[128];
	int rc = own("/dev", why), fd;

	if (rc != 0)
		return rc;
	/* Here and not in the supervisor: a user namespace mounts with its own descriptor only. */
	if ((fd = open("/dev/fuse", O_RDWR | O_CLOEXEC)) < 0)
		return failed(why,
		    "/dev/fuse cannot be opened; load the module fuse, let this user "
		    "read and write the node, or run as root");
	snprintf(options, sizeof options,
	    "fd=%d,rootmode=40000,user_id=0,group_id=0,allow_other,default_permissions", fd);
	if (mkdir(STAGE, 0700) != 0 ||
	    mount("assay-sim", STAGE, "fuse.assay-sim", MS_NOSUID | MS_NODEV, options) != 0) {
		rc = failed(why, "FUSE cannot be mounted");
		close(fd);
		return rc;
	}
	return fd;
}

static int
bind_stage(const char *part, const char *to, char why[256])
{
	char from[128];

	snprintf(from, sizeof from, STAGE "/%s", part);
	if (mount(from, to, NULL, MS_BIND, NULL) != 0)
		return failed(why, "%s cannot be mounted", to);
	return 0;
}

/* --- what a guest has ----------------------------------------------------------------------- */

/* A node of its own with root, so that its mode is the driver's; else /dev/null bound there. */
static int
add_device(const char *path, char why[256])
{
	mode_t mask = umask(0);
	int rc = mknod(path, S_IFCHR | 0600, makedev(1, 3));

	umask(mask);
	if (rc == 0) {
		int fd = open(path, O_RDWR | O_CLOEXEC); /* some containers let make, not open */
		if (fd >= 0) {
			close(fd);
			return 0;
		}
		unlink(path);
	}
	if (mknod(path, S_IFREG | 0600, 0) != 0 ||
	    mount("/dev/null", path, NULL, MS_BIND, NULL) != 0)
		return failed(why, "%s cannot be made", path);
	return 0;
}

static int
add_configfs(char why[256])
{
	struct stat st;
	int rc = 0;

	if (stat("/sys/kernel/config", &st) != 0)
		rc = own("/sys/kernel/config", why); /* this kernel has no configfs */
	return rc != 0 ? rc : bind_stage("config", "/sys/kernel/config", why);
}

static int
add_file(const char *path, mode_t mode, const uint8_t *bytes, size_t len, char why[256])
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);

	if (fd < 0 || write(fd, bytes, len) != (ssize_t)len || close(fd) != 0)
		return failed(why, "%s cannot be written", path);
	return 0;
}

static int
add_ccel(const struct sandbox *sb, char why[256])
{
	uint8_t *table = NULL, *log = NULL;
	size_t table_len = 0, log_len = 0;
	int rc = sim_machine_ccel(sb->machine, &table, &table_len, &log, &log_len);

	if (rc != 0) {
		errno = -rc;
		return failed(why, "the platform has no CCEL table");
	}
	if ((rc = own("/sys/firmware/acpi/tables", why)) == 0 &&
	    (rc = own("/sys/firmware/acpi/tables/data", why)) == 0 &&
	    (rc = add_file("/sys/firmware/acpi/tables/CCEL", 0400, table, table_len, why)) == 0)
		rc = add_file("/sys/firmware/acpi/tables/data/CCEL", 0400, log, log_len, why);
	free(table);
	free(log);
	return rc;
}

static int
fill_tdx(const struct sandbox *sb, char why[256])
{
	int rc;

	if ((rc = add_device("/dev/tdx_guest", why)) != 0 || (rc = add_configfs(why)) != 0 ||
	    (rc = own("/sys/devices/virtual/misc/tdx_guest", why)) != 0 ||
	    (rc = bind_stage("tdx_guest", "/sys/devices/virtual/misc/tdx_guest", why)) != 0 ||
	    (rc = own("/sys/class/misc", why)) != 0)
		return rc;
	if (symlink("../../devices/virtual/misc/tdx_guest", "/sys/class/misc/tdx_guest") != 0)
		return failed(why, "/sys/class/misc/tdx_guest cannot be made");
	return add_ccel(sb, why);
}

static int
fill_snp(char why[256])
{
	int rc;

	if ((rc = add_device("/dev/sev-guest", why)) != 0 || (rc = add_configfs(why)) != 0)
		return rc;
	return own("/sys/devices/platform/sev-guest", why);
}

/* Those of the efi_secret module; unlink() takes one away. */
static int
fill_sev(const struct sandbox *sb, char why[256])
{
	static const char dir[] = "/sys/kernel/security/secrets/coco";
	char path[128];
	int rc;

	if ((rc = own("/dev", why)) != 0 || (rc = own_empty("/run/assay", why)) != 0 ||
	    (rc = own_empty(dir, why)) != 0)
		return rc;
	for (size_t i = 0; rc == 0 && i < sb->secret_count; i++) {
		const struct sim_sev_secret *s = &sb->secrets[i];
		snprintf(path, sizeof path, "%s/%s", dir, s->guid);
		rc = add_file(path, 0440, s->bytes.ptr, s->bytes.len, why);
	}
	return rc;
}

static int
fill_host(char why[256])
{
	int rc = own("/dev", why);

	return rc != 0 ? rc : add_device("/dev/sev", why);
}

int
namespace_fill(const struct sandbox *sb, char why[256])
{
	bool fuse = namespace_has_fuse(sb);
	int rc = sb->channel != NULL ? fill_snp(why)
	    : sb->host               ? fill_host(why)
	    : fuse                   ? fill_tdx(sb, why)
				     : fill_sev(sb, why);

	if (rc != 0 || !fuse)
		return rc;
	if (umount2(STAGE, MNT_DETACH) != 0 || rmdir(STAGE) != 0)
		return failed(why, STAGE " cannot be taken down");
	return 0;
}
