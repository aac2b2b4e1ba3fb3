/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file system behind configfs-tsm and the measurement files: libfuse's low-level interface,
 * because the rules are about opens and closes of single files and not about paths.
 *
 * All files are opened for direct I/O, so that one without a size can be read and nothing is kept
 * in the page cache. FUSE closes a file twice: FLUSH, which close() waits for, and RELEASE, which
 * comes later. What close() promises is done in FLUSH. Names and modes never change behind the
 * kernel's back, so it may remember them.
 */
#define FUSE_USE_VERSION 314
#include "fuse.h"
#include "configfs.h"
#include "registers.h"

#include <errno.h>
#include <fuse_lowlevel.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The fixed part of the tree. "config" and "tdx_guest" are mounted at their own places. */
enum {
	INO_ROOT = FUSE_ROOT_ID,
	INO_CONFIG,
	INO_TSM,
	INO_REPORT,
	INO_TDX,
	INO_MEASUREMENTS,
	INO_FIXED,
	INO_REGISTER = 16, /* the first of the registers */
};

static const struct {
	fuse_ino_t parent;
	const char *name;
} fixed[INO_FIXED] = {
	[INO_CONFIG] = { INO_ROOT, "config" },
	[INO_TSM] = { INO_CONFIG, "tsm" },
	[INO_REPORT] = { INO_TSM, "report" },
	[INO_TDX] = { INO_ROOT, "tdx_guest" },
	[INO_MEASUREMENTS] = { INO_TDX, "measurements" },
};

static const double FOR_EVER = 1e9; /* seconds */

struct fuse_server {
	struct sandbox *sb;
	struct configfs *configfs;
	struct fuse_session *session;
	int fd;
};

static bool
is_register(fuse_ino_t ino)
{
	return ino >= INO_REGISTER && ino < INO_REGISTER + REGISTERS;
}

static bool
is_configfs(fuse_ino_t ino)
{
	return ino >= CONFIGFS_FIRST_INO;
}

static struct fuse_server *
server(fuse_req_t req)
{
	return fuse_req_userdata(req);
}

static void
attributes_of(fuse_ino_t ino, struct stat *out)
{
	if (is_configfs(ino))
		configfs_stat(ino, out);
	else if (is_register(ino))
		register_stat((unsigned)(ino - INO_REGISTER), out);
	else
		*out = (struct stat){ .st_mode = S_IFDIR | 0755, .st_nlink = 2 };
	out->st_ino = ino;
}

static void
reply_entry(fuse_req_t req, fuse_ino_t ino)
{
	struct fuse_entry_param e = {
		.ino = ino, .attr_timeout = FOR_EVER, .entry_timeout = FOR_EVER
	};

	attributes_of(ino, &e.attr);
	fuse_reply_entry(req, &e);
}

/* --- names ---------------------------------------------------------------------------------- */

static void
op_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	uint64_t ino = 0;
	int rc = -ENOENT;

	if (parent == INO_REPORT || is_configfs(parent)) {
		rc = configfs_lookup(
		    server(req)->configfs, parent == INO_REPORT ? 0 : parent, name, &ino);
	} else if (parent == INO_MEASUREMENTS) {
		for (unsigned n = 0; n < REGISTERS; n++)
			if (strcmp(register_name(n), name) == 0)
				ino = INO_REGISTER + n;
	} else {
		for (fuse_ino_t n = INO_ROOT + 1; n < INO_FIXED; n++)
			if (fixed[n].parent == parent && strcmp(fixed[n].name, name) == 0)
				ino = n;
	}
	if (ino != 0)
		reply_entry(req, ino);
	else
		fuse_reply_err(req, -rc);
}

static void
op_forget(fuse_req_t req, fuse_ino_t ino, uint64_t times)
{
	if (is_configfs(ino))
		configfs_forget(server(req)->configfs, ino, times);
	fuse_reply_none(req);
}

static void
op_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode)
{
	uint64_t ino;

	(void)mode; /* configfs has its own */
	int rc = parent == INO_REPORT ? configfs_mkdir(server(req)->configfs, name, &ino) : -EPERM;
	if (rc == 0)
		reply_entry(req, ino);
	else
		fuse_reply_err(req, -rc);
}

static void
op_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	fuse_reply_err(
	    req, parent == INO_REPORT ? -configfs_rmdir(server(req)->configfs, name) : EPERM);
}

static void
op_unlink(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	(void)parent, (void)name;
	fuse_reply_err(req, EPERM);
}

/* configfs has no way to make a file: EACCES from the kernel's vfs_create(). */
static void
op_create(
    fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, struct fuse_file_info *fi)
{
	(void)parent, (void)name, (void)mode, (void)fi;
	fuse_reply_err(req, EACCES);
}

static void
op_mknod(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, dev_t dev)
{
	(void)parent, (void)name, (void)mode, (void)dev;
	fuse_reply_err(req, EPERM);
}

static void
op_symlink(fuse_req_t req, const char *to, fuse_ino_t parent, const char *name)
{
	(void)to, (void)parent, (void)name;
	fuse_reply_err(req, EPERM);
}

static void
op_link(fuse_req_t req, fuse_ino_t ino, fuse_ino_t parent, const char *name)
{
	(void)ino, (void)parent, (void)name;
	fuse_reply_err(req, EPERM);
}

static void
op_rename(fuse_req_t req, fuse_ino_t parent, const char *name, fuse_ino_t to, const char *as,
    unsigned flags)
{
	(void)parent, (void)name, (void)to, (void)as, (void)flags;
	fuse_reply_err(req, EPERM);
}

static void
op_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct stat st;

	(void)fi;
	attributes_of(ino, &st);
	fuse_reply_attr(req, &st, FOR_EVER);
}

/* O_TRUNC and touch change nothing, and succeed; owner and mode stay what the driver says. */
static void
op_setattr(fuse_req_t req, fuse_ino_t ino, struct stat *to, int what, struct fuse_file_info *fi)
{
	(void)to;
	if (what & (FUSE_SET_ATTR_MODE | FUSE_SET_ATTR_UID | FUSE_SET_ATTR_GID))
		fuse_reply_err(req, EPERM);
	else
		op_getattr(req, ino, fi);
}

/* The n-th name (from 1) of a directory of the fixed part. */
static const char *
list_fixed(fuse_ino_t dir, uint64_t *at, bool *is_dir)
{
	if (dir == INO_MEASUREMENTS) {
		*is_dir = false;
		return *at < REGISTERS ? register_name((unsigned)(*at)++) : NULL;
	}
	*is_dir = true;
	for (uint64_t n = *at < INO_ROOT ? INO_ROOT + 1 : *at + 1; n < INO_FIXED; n++)
		if (fixed[n].parent == dir) {
			*at = n;
			return fixed[n].name;
		}
	return NULL;
}

static void
op_readdir(fuse_req_t req, fuse_ino_t dir, size_t size, off_t off, struct fuse_file_info *fi)
{
	bool is_dir, of_configfs = dir == INO_REPORT || is_configfs(dir);
	char *out = malloc(size);
	uint64_t at = (uint64_t)off;
	size_t used = 0;

	(void)fi;
	if (out == NULL) {
		fuse_reply_err(req, ENOMEM);
		return;
	}
	for (;;) {
		const char *name = of_configfs ? configfs_list(server(req)->configfs,
						     dir == INO_REPORT ? 0 : dir, &at, &is_dir)
					       : list_fixed(dir, &at, &is_dir);
		if (name == NULL)
			break;
		struct stat st = { .st_ino = (ino_t)at + 1, .st_mode = is_dir ? S_IFDIR : S_IFREG };
		size_t n = fuse_add_direntry(req, out + used, size - used, name, &st, (off_t)at);
		if (n > size - used)
			break;
		used += n;
	}
	fuse_reply_buf(req, out, used);
	free(out);
}

/* --- files ---------------------------------------------------------------------------------- */

static struct configfs_file *
file_of(const struct fuse_file_info *fi)
{
	return (struct configfs_file *)(uintptr_t)fi->fh;
}

static void
op_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct configfs_file *f = NULL;
	int rc = is_configfs(ino) ? configfs_open(server(req)->configfs, ino, fi->flags, &f)
				  : register_open((unsigned)(ino - INO_REGISTER), fi->flags);

	if (rc != 0) {
		fuse_reply_err(req, -rc);
		return;
	}
	fi->fh = (uintptr_t)f;
	fi->direct_io = 1;
	if (f != NULL)
		fi->nonseekable = !configfs_seekable(f);
	fi->noflush = f == NULL || !configfs_commits(f);
	if (fuse_reply_open(req, fi) != 0 && f != NULL) /* the program gave up */
		configfs_release(server(req)->configfs, f);
}

static void
op_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t at, struct fuse_file_info *fi)
{
	uint8_t value[REGISTER_SIZE];
	const void *bytes = value;
	ssize_t n = is_configfs(ino)
	    ? configfs_read(
		  server(req)->configfs, file_of(fi), fuse_req_ctx(req)->pid, &bytes, size, at)
	    : register_read(server(req)->sb, (unsigned)(ino - INO_REGISTER), value, size, at);

	if (n < 0)
		fuse_reply_err(req, (int)-n);
	else
		fuse_reply_buf(req, bytes, (size_t)n);
}

static void
op_write(fuse_req_t req, fuse_ino_t ino, const char *bytes, size_t n, off_t at,
    struct fuse_file_info *fi)
{
	ssize_t rc = is_configfs(ino)
	    ? configfs_write(server(req)->configfs, file_of(fi), bytes, n, at)
	    : register_write(server(req)->sb, (unsigned)(ino - INO_REGISTER), bytes, n, at);

	if (rc < 0)
		fuse_reply_err(req, (int)-rc);
	else
		fuse_reply_write(req, (size_t)rc);
}

static void
op_flush(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	if (is_configfs(ino))
		configfs_flush(server(req)->configfs, file_of(fi));
	fuse_reply_err(req, 0);
}

static void
op_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	if (is_configfs(ino))
		configfs_release(server(req)->configfs, file_of(fi));
	fuse_reply_err(req, 0);
}

static const struct fuse_lowlevel_ops ops = {
	.lookup = op_lookup,
	.forget = op_forget,
	.getattr = op_getattr,
	.setattr = op_setattr,
	.mkdir = op_mkdir,
	.rmdir = op_rmdir,
	.unlink = op_unlink,
	.create = op_create,
	.mknod = op_mknod,
	.symlink = op_symlink,
	.link = op_link,
	.rename = op_rename,
	.readdir = op_readdir,
	.open = op_open,
	.read = op_read,
	.write = op_write,
	.flush = op_flush,
	.release = op_release,
};

/* --- the session ---------------------------------------------------------------------------- */

static void
quiet(enum fuse_log_level level, const char *fmt, va_list ap)
{
	(void)level, (void)fmt, (void)ap; /* the program's standard error is not ours to write to */
}

struct fuse_server *
fuse_server_new(struct sandbox *sb, int fd)
{
	char name[] = "assay-sim", mountpoint[32];
	char *argv[] = { name, NULL };
	struct fuse_args args = FUSE_ARGS_INIT(1, argv);
	struct fuse_server *f = calloc(1, sizeof *f);

	fuse_set_log_func(quiet);
	snprintf(mountpoint, sizeof mountpoint, "/dev/fd/%d", fd);
	if (f == NULL) {
		close(fd);
		return NULL;
	}
	f->sb = sb;
	f->fd = fd;
	f->configfs = configfs_new(sb);
	f->session = fuse_session_new(&args, &ops, sizeof ops, f);
	fuse_opt_free_args(&args);
	if (f->configfs == NULL || f->session == NULL ||
	    fuse_session_mount(f->session, mountpoint) != 0) {
		fuse_server_free(f);
		return NULL;
	}
	return f;
}

void
fuse_server_free(struct fuse_server *f)
{
	if (f == NULL)
		return;
	if (f->session != NULL)
		fuse_session_destroy(f->session); /* closes the descriptor */
	else
		close(f->fd);
	configfs_free(f->configfs);
	free(f);
}

void
fuse_server_loop(struct fuse_server *f, int stop)
{
	struct fuse_buf buf = { .mem = NULL };

	while (!fuse_session_exited(f->session)) {
		struct pollfd fds[] = { { .fd = f->fd, .events = POLLIN },
			{ .fd = stop, .events = POLLIN } };

		if (poll(fds, 2, -1) < 0 && errno != EINTR)
			break;
		if (fds[1].revents != 0)
			break;
		if (fds[0].revents == 0)
			continue;
		int n = fuse_session_receive_buf(f->session, &buf);
		if (n > 0)
			fuse_session_process_buf(f->session, &buf);
		else if (n != -EINTR && n != -EAGAIN)
			break; /* 0: unmounted */
	}
	free(buf.mem);
}
