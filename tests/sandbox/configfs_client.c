/* SPDX-License-Identifier: Apache-2.0 */
/* The rules of configfs-tsm, one by one, as a program inside meets them. Argument: tdx or snp. */
#include "tap.h"
#include "tsm.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ENTRIES = 10000, ROOM = 65536 };

static bool snp;
static uint8_t nonce[64], out[ROOM], other[ROOM];

/* The result of a call that gives -1: its errno, else 0. */
static int
error_of(long rc)
{
	return rc < 0 ? errno : 0;
}

static void
names_and_modes(void)
{
	static const struct {
		const char *name;
		mode_t mode;
		off_t size;
		bool snp;
	} files[] = { { "inblob", 0200, 0, false }, { "outblob", 0444, 0, false },
		{ "auxblob", 0444, 0, true }, { "generation", 0444, 4096, false },
		{ "provider", 0444, 4096, false }, { "privlevel", 0200, 4096, true },
		{ "privlevel_floor", 0444, 4096, true } };
	char text[32] = "";
	struct stat st;
	int listed = 0, visible = 0;

	ok(mkdir(TSM "/a", 0700) == 0, errno, "mkdir makes an entry");
	ok(error_of(mkdir(TSM "/a", 0700)) == EEXIST, errno, "twice: EEXIST");
	ok(stat(TSM "/a", &st) == 0 && st.st_mode == (S_IFDIR | 0755), st.st_mode,
	    "0755, whatever mkdir asked for");
	for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
		char path[128];
		snprintf(path, sizeof path, TSM "/a/%s", files[i].name);
		int rc = stat(path, &st);
		if (files[i].snp && !snp) {
			ok(rc != 0 && errno == ENOENT, errno, "%s is not visible", files[i].name);
			continue;
		}
		visible++;
		ok(rc == 0 && st.st_mode == (S_IFREG | files[i].mode) &&
			st.st_size == files[i].size,
		    st.st_mode, "%s: mode and size", files[i].name);
	}
	DIR *d = opendir(TSM "/a");
	for (struct dirent *e; d != NULL && (e = readdir(d)) != NULL;)
		listed += e->d_name[0] != '.';
	if (d != NULL)
		closedir(d);
	ok(listed == visible, listed, "the listing has the visible ones");
	ok(tsm_read("a", "provider", text, sizeof text) == 10 &&
		strcmp(text, snp ? "sev_guest\n" : "tdx_guest\n") == 0,
	    0, "provider");
	ok(error_of(unlink(TSM "/a")) == EISDIR, errno, "unlink of an entry: EISDIR");
	ok(error_of(unlink(TSM "/a/inblob")) == EPERM, errno, "unlink of an attribute: EPERM");
	ok(error_of(mkdir(TSM "/a/b", 0700)) == EPERM, errno, "mkdir in an entry: EPERM");
	ok(error_of(rmdir(TSM)) == EPERM, errno, "rmdir of tsm/report: EPERM");
	ok(tsm_open("a", "nothing", O_WRONLY) == -ENOENT, 0, "a hidden attribute: ENOENT");
	ok(tsm_open("a", "nothing", O_WRONLY | O_CREAT) == -EACCES, 0, "with O_CREAT: EACCES");
	ok(tsm_open("a", "inblob", O_RDONLY) == -EACCES, 0, "reading inblob: EACCES, for root too");
	ok(tsm_open("a", "inblob", O_RDWR) == -EACCES, 0, "inblob both ways: EACCES");
	ok(tsm_open("a", "outblob", O_WRONLY) == -EACCES, 0, "writing outblob: EACCES");
}

static void
inblob_rules(void)
{
	uint8_t big[65] = { 0 };

	ok(tsm_generation("a") == 0, tsm_generation("a"), "a new entry is of generation 0");
	ok(tsm_read("a", "outblob", out, ROOM) == -EINVAL, 0, "no inblob yet: EINVAL");
	close(tsm_open("a", "inblob", O_WRONLY | O_TRUNC));
	ok(tsm_generation("a") == 0, 0, "open, truncate and close count for nothing");

	int fd = tsm_open("a", "inblob", O_WRONLY);
	ok(write(fd, nonce, 32) == 32 && tsm_generation("a") == 0, 0,
	    "write alone does not commit");
	ok(lseek(fd, 0, SEEK_SET) < 0 && errno == ESPIPE, errno, "lseek: ESPIPE");
	ok(write(fd, nonce + 32, 32) == 32, errno, "a second write goes behind the first");
	ok(error_of(write(fd, nonce, 1)) == EFBIG, errno, "byte 65: EFBIG");
	ok(flock(fd, LOCK_EX) == 0, errno, "flock");
	close(fd);
	ok(tsm_generation("a") == 1, tsm_generation("a"), "close commits, once");
	ok(tsm_read("a", "outblob", out, ROOM) > 1000 &&
		memcmp(tsm_report_data(out, snp ? 1184 : 4936), nonce, 64) == 0,
	    0, "the report holds what was written");
	ok(tsm_write("a", "inblob", big, 65) == -EFBIG && tsm_generation("a") == 1, 0,
	    "65 bytes at once: EFBIG, nothing kept");

	ok(tsm_write("a", "inblob", nonce, 63) == 63 && tsm_generation("a") == 2, 0,
	    "63 bytes are taken");
	ok(tsm_read("a", "outblob", out, ROOM) == -EINVAL, 0, "and refused when read: EINVAL");
	fd = tsm_open("a", "inblob", O_WRONLY | O_APPEND);
	ok(write(fd, nonce, 32) == 32 && write(fd, nonce + 32, 32) == 32, errno,
	    "O_APPEND starts at the beginning");
	close(fd);
	ok(tsm_read("a", "outblob", out, ROOM) > 1000, 0, "and gives a report");
}

static void
dup_and_fork(void)
{
	long before = tsm_generation("a");
	int fd = tsm_open("a", "inblob", O_WRONLY), twin = dup(fd);

	ok(write(fd, nonce, 32) == 32 && write(twin, nonce + 32, 32) == 32, errno,
	    "two descriptors, one position");
	close(fd);
	close(twin);
	ok(tsm_generation("a") == before + 1, tsm_generation("a"), "both closed: one generation");
	fd = tsm_open("a", "inblob", O_WRONLY);
	pid_t child = fork();
	if (child == 0) {
		if (write(fd, nonce, 32) != 32)
			_exit(1);
		_exit(close(fd) != 0);
	}
	waitpid(child, NULL, 0);
	ok(write(fd, nonce, 1) >= 0, errno, "the file is open still after a child closed it");
	close(fd);
	ok(tsm_write("a", "inblob", nonce, 64) == 64 && tsm_read("a", "outblob", out, ROOM) > 1000,
	    0, "a fork while open breaks nothing");
}

static void
snapshots(void)
{
	uint8_t second[64];

	memcpy(second, nonce, 64);
	second[0] ^= 1;
	ok(tsm_write("a", "inblob", nonce, 64) == 64, 0, "a nonce");
	int fd = tsm_open("a", "outblob", O_RDONLY), late = tsm_open("a", "outblob", O_RDONLY);
	int text = tsm_open("a", "generation", O_RDONLY);
	char was[16] = "", is[16] = "";
	ok(read(fd, out, 100) == 100 && read(text, was, 15) > 0, 0, "part of it");
	ok(tsm_write("a", "inblob", second, 64) == 64, 0, "another nonce");
	ssize_t n = read(fd, out + 100, ROOM - 100) + 100;
	ok(memcmp(tsm_report_data(out, (size_t)n), nonce, 64) == 0, n,
	    "an open file reads on in its own copy");
	ok(read(fd, out, 10) == 0, 0, "and then comes its end");
	n = read(late, other, ROOM);
	ok(memcmp(tsm_report_data(other, (size_t)n), second, 64) == 0, n,
	    "one that did not read yet gets the new report");
	ok(lseek(fd, 0, SEEK_SET) < 0 && errno == ESPIPE, errno, "blobs: ESPIPE");
	ok(lseek(text, 0, SEEK_SET) == 0 && read(text, is, 15) > 0 && strcmp(was, is) == 0, 0,
	    "texts: seekable, from their copy");
	close(fd);
	close(late);
	close(text);

	ssize_t first = tsm_read("a", "outblob", out, ROOM);
	ok(first == tsm_read("a", "outblob", other, ROOM) && memcmp(out, other, (size_t)first) == 0,
	    first, "one generation, one report");
}

static void
after_rmdir(void)
{
	char text[16];

	int fd = tsm_open("a", "outblob", O_RDONLY), half = tsm_open("a", "outblob", O_RDONLY);
	int in = tsm_open("a", "inblob", O_WRONLY), gen = tsm_open("a", "generation", O_RDONLY);
	ok(read(half, out, 10) == 10, errno, "begun");
	ok(rmdir(TSM "/a") == 0, errno, "rmdir of an entry whose files are open");
	ok(error_of(access(TSM "/a", F_OK)) == ENOENT, errno, "it is gone");
	ok(error_of(read(fd, out, 10)) == ENOENT, errno, "a first read: ENOENT");
	ok(error_of(read(gen, text, 10)) == ENOENT, errno, "of a text too");
	ok(read(half, out, 10) == 10, errno, "a copy is still read");
	ok(write(in, nonce, 64) == 64 && close(in) == 0, errno, "a write is lost without a word");
	close(fd);
	close(half);
	close(gen);
	ok(mkdir(TSM "/a", 0700) == 0 && tsm_generation("a") == 0, errno,
	    "a new entry under the old name is new");
	ok(rmdir(TSM "/a") == 0, errno, "rmdir");
}

static void
privlevel(void)
{
	static const struct {
		const char *text;
		int error;
	} cases[] = { { "1", 0 }, { "0x2\n", 0 }, { "03", 0 }, { "4", EINVAL }, { "-1", EINVAL },
		{ "", 0 }, { "x", EINVAL }, { "1\n\n", EINVAL }, { "99999999999", ERANGE },
		{ "0", 0 } };
	long generation = 0;
	char text[16] = "";

	mkdir(TSM "/p", 0700);
	ok(tsm_read("p", "privlevel_floor", text, 15) == 2 && strcmp(text, "0\n") == 0, 0,
	    "privlevel_floor is 0");
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		ssize_t n = tsm_write("p", "privlevel", cases[i].text, strlen(cases[i].text));
		generation += n > 0;
		ok(n == (cases[i].error != 0 ? -cases[i].error : (ssize_t)strlen(cases[i].text)) &&
			tsm_generation("p") == generation,
		    n, "privlevel, case %zu", i);
	}
	ok(tsm_write("p", "privlevel", "2", 1) == 1 && tsm_write("p", "inblob", nonce, 64) == 64, 0,
	    "VMPL 2");
	ssize_t aux = tsm_read("p", "auxblob", other, ROOM),
		n = tsm_read("p", "outblob", out, ROOM);
	ok(n == 1184 && out[0x30] == 2, out[0x30], "stands in the report");
	ok(aux > 1000 && tsm_generation("p") == generation + 2, aux,
	    "auxblob is of the same generation");
	rmdir(TSM "/p");
}

static void
many_entries(void)
{
	static int fds[ENTRIES];
	char name[32], path[64];
	int made = 0, listed = 0, read_back = 0, removed = 0;

	for (int i = 0; i < ENTRIES; i++) {
		snprintf(path, sizeof path, TSM "/many-%d", i);
		made += mkdir(path, 0700) == 0;
	}
	DIR *d = opendir(TSM);
	for (struct dirent *e; d != NULL && (e = readdir(d)) != NULL;)
		listed += strncmp(e->d_name, "many-", 5) == 0;
	if (d != NULL)
		closedir(d);
	for (int i = 0; i < ENTRIES; i += 100) {
		snprintf(name, sizeof name, "many-%d", i);
		fds[i] = tsm_open(name, "generation", O_RDONLY);
		memcpy(nonce, &i, sizeof i);
		tsm_write(name, "inblob", nonce, 64);
	}
	for (int i = 0; i < ENTRIES; i += 100) {
		snprintf(name, sizeof name, "many-%d", i);
		ssize_t n = tsm_read(name, "outblob", out, ROOM);
		read_back += n > 1000 && memcmp(tsm_report_data(out, (size_t)n), &i, sizeof i) == 0;
	}
	for (int i = 0; i < ENTRIES; i++) {
		snprintf(path, sizeof path, TSM "/many-%d", i);
		removed += rmdir(path) == 0;
		if (i % 100 == 0)
			close(fds[i]);
	}
	ok(made == ENTRIES && listed == ENTRIES && removed == ENTRIES, listed,
	    "%d entries made, listed, removed", ENTRIES);
	ok(read_back == ENTRIES / 100, read_back, "each has its own report");
}

int
main(int argc, char **argv)
{
	snp = argc > 1 && strcmp(argv[1], "snp") == 0;
	for (size_t i = 0; i < sizeof nonce; i++)
		nonce[i] = (uint8_t)(i + 1);
	names_and_modes();
	inblob_rules();
	dup_and_fork();
	snapshots();
	after_rmdir();
	if (snp)
		privlevel();
	many_entries();
	return done();
}
