/* SPDX-License-Identifier: Apache-2.0 */
#include "input.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "command.h"

enum {
	BLOCK = 16 * 1024, /* most evidence fits */
	FILES_MAX = 4096,  /* in one folder */
};

static int
trouble(const struct command *command, const char *path, int error)
{
	complain(command, "%s: %s", path, strerror(error));
	return EXIT_TROUBLE;
}

static int
too_large(
    const struct command *command, const char *path, const char *what, uint64_t size, size_t max)
{
	if (size >= 1024 * 1024 * 1024)
		complain(command, "%s: is %.1f GiB; %s is at most %zu MiB", path,
		    (double)size / (1024 * 1024 * 1024), what, max / (1024 * 1024));
	else
		complain(command, "%s: is more than %zu MiB; %s is at most that", path,
		    max / (1024 * 1024), what);
	return EXIT_USAGE;
}

/* Not realloc(): it may be a secret, and leaves no copy. */
static bool
grow(struct input *in, size_t room)
{
	uint8_t *more = malloc(room);

	if (more == NULL)
		return false;
	if (in->len > 0) {
		memcpy(more, in->data, in->len);
		explicit_bzero(in->data, in->len);
	}
	free(in->data);
	in->data = more;
	return true;
}

/* Reads to the end: the size that a file claims is not to be believed (pipes, configfs). */
static int
read_all(const struct command *command, struct input *in, int fd, const char *path,
    const char *what, size_t max)
{
	size_t room = 0;

	for (;;) {
		if (in->len == room) {
			room = room == 0 ? BLOCK : 2 * room;
			if (!grow(in, room))
				return trouble(command, path, ENOMEM);
		}
		ssize_t n = read(fd, in->data + in->len, room - in->len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return trouble(command, path, errno);
		if (n == 0)
			return 0;
		in->len += (size_t)n;
		if (in->len > max)
			return too_large(command, path, what, 0, max);
	}
}

static int
read_open(const struct command *command, struct input *in, int fd, const char *path,
    const char *what, size_t max)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return trouble(command, path, errno);
	if (S_ISDIR(st.st_mode)) {
		complain(command, "%s: is a folder; %s is one file", path, what);
		return EXIT_USAGE;
	}
	if (S_ISREG(st.st_mode) && (uint64_t)st.st_size > max)
		return too_large(command, path, what, (uint64_t)st.st_size, max);
	return read_all(command, in, fd, path, what, max);
}

static int
read_path(
    const struct command *command, struct input *in, const char *path, const char *what, size_t max)
{
	*in = (struct input){ 0 };
	if (strcmp(path, "-") == 0)
		return read_open(command, in, STDIN_FILENO, "standard input", what, max);

	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return trouble(command, path, errno);
	int rc = read_open(command, in, fd, path, what, max);
	close(fd);
	return rc;
}

int
input_read(const struct command *command, struct input *in, const char *path, const char *what)
{
	return read_path(command, in, path, what, INPUT_MAX);
}

int
input_read_large(
    const struct command *command, struct input *in, const char *path, const char *what)
{
	return read_path(command, in, path, what, INPUT_LARGE_MAX);
}

/* --- secrets ----------------------------------------------------------------------------- */

/* The path of "cred:NAME". The caller frees it; NULL after it has complained. */
static char *
credential_path(const struct command *command, const char *name)
{
	const char *folder = getenv("CREDENTIALS_DIRECTORY");
	char *path = NULL;

	if (folder == NULL || folder[0] != '/')
		complain(command,
		    "cred:%s: this is no service with credentials (CREDENTIALS_DIRECTORY is not "
		    "set); see LoadCredential= in systemd.exec(5)",
		    name);
	else if (name[0] == '\0' || name[0] == '.' || strchr(name, '/') != NULL)
		complain(command, "cred:%s: is no name of a credential", name);
	else if ((path = input_join(folder, name)) == NULL)
		complain(command, "out of memory");
	return path;
}

static int
read_descriptor(const struct command *command, struct input *in, const char *path, const char *what)
{
	char *end;
	long fd = strtol(path + strlen("fd:"), &end, 10);

	if (path[3] < '0' || path[3] > '9' || *end != '\0' || fd > INT_MAX) {
		complain(command, "%s: is no descriptor; write fd:N", path);
		return EXIT_USAGE;
	}
	return read_open(command, in, (int)fd, path, what, INPUT_MAX);
}

static int
read_private(const struct command *command, struct input *in, const char *path, const char *what)
{
	struct stat st;
	int rc, fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	if (fd < 0)
		return trouble(command, path, errno);
	if (fstat(fd, &st) != 0) {
		rc = trouble(command, path, errno);
	} else if (S_ISREG(st.st_mode) && (st.st_mode & 077) != 0) {
		complain(command,
		    "%s: others than its owner may read or write it (mode %03o), and it is %s; "
		    "close it with chmod 600",
		    path, (unsigned)st.st_mode & 0777, what);
		rc = EXIT_USAGE;
	} else {
		rc = read_open(command, in, fd, path, what, INPUT_MAX);
	}
	close(fd);
	return rc;
}

/* What all secrets may come from but a plain file: true, and rc says how it went. */
static bool
read_elsewhere(
    const struct command *command, struct input *in, const char *path, const char *what, int *rc)
{
	*in = (struct input){ 0 };
	if (strcmp(path, "-") == 0) {
		*rc = read_open(command, in, STDIN_FILENO, "standard input", what, INPUT_MAX);
	} else if (strncmp(path, "fd:", 3) == 0) {
		*rc = read_descriptor(command, in, path, what);
	} else if (strncmp(path, "cred:", 5) == 0) {
		char *file = credential_path(command, path + 5);
		*rc = file != NULL ? input_read(command, in, file, what) : EXIT_USAGE;
		free(file);
	} else {
		return false;
	}
	return true;
}

int
input_secret(const struct command *command, struct input *in, const char *path, const char *what)
{
	int rc;

	return read_elsewhere(command, in, path, what, &rc) ? rc
							    : read_private(command, in, path, what);
}

int
input_material(const struct command *command, struct input *in, const char *path, const char *what)
{
	int rc;

	return read_elsewhere(command, in, path, what, &rc) ? rc
							    : input_read(command, in, path, what);
}

void
input_wipe(struct input *in)
{
	if (in->data != NULL)
		explicit_bzero(in->data, in->len);
	input_clear(in);
}

/* ----------------------------------------------------------------------------------------- */

bool
input_append(struct input *in, const struct input *more)
{
	if (more->len == 0)
		return true;
	uint8_t *both = realloc(in->data, in->len + more->len);
	if (both == NULL)
		return false;
	memcpy(both + in->len, more->data, more->len);
	in->data = both;
	in->len += more->len;
	return true;
}

void
input_clear(struct input *in)
{
	free(in->data);
	*in = (struct input){ 0 };
}

struct assay_bytes
input_bytes(const struct input *in)
{
	return (struct assay_bytes){ in->data, in->len };
}

bool
input_is_folder(const char *path)
{
	struct stat st;

	return strcmp(path, "-") != 0 && stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

char *
input_join(const char *folder, const char *name)
{
	size_t len = strlen(folder), size = len + strlen(name) + 2;
	char *path = malloc(size);

	if (path != NULL)
		snprintf(path, size, "%s%s%s", folder, len > 0 && folder[len - 1] == '/' ? "" : "/",
		    name);
	return path;
}

bool
input_exists(const char *folder, const char *name)
{
	char *path = input_join(folder, name);
	struct stat st;
	bool there = path != NULL && stat(path, &st) == 0 && S_ISREG(st.st_mode);

	free(path);
	return there;
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The paths of the files in a folder, sorted. */
static int
list(const struct command *command, const char *folder, char **paths, size_t *count)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;
	int rc = 0;

	if (dir == NULL)
		return trouble(command, folder, errno);
	while (rc == 0 && (entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		if (*count == FILES_MAX) {
			complain(command, "%s: holds more than %d files", folder, FILES_MAX);
			rc = EXIT_USAGE;
		} else if ((paths[*count] = input_join(folder, entry->d_name)) == NULL) {
			rc = trouble(command, folder, ENOMEM);
		} else {
			++*count;
		}
	}
	closedir(dir);
	qsort(paths, *count, sizeof *paths, by_name);
	return rc;
}

static int
visit_file(const struct command *command, const char *path, input_visit *visit, void *arg)
{
	struct input in = { 0 };
	struct stat st;
	int rc = 0;

	if (stat(path, &st) != 0)
		return trouble(command, path, errno);
	if (!S_ISREG(st.st_mode) || st.st_size > INPUT_MAX)
		return 0;
	if ((rc = input_read(command, &in, path, "collateral")) == 0)
		rc = visit(arg, path, &in);
	input_clear(&in);
	return rc;
}

int
input_folder(const struct command *command, const char *folder, input_visit *visit, void *arg)
{
	char **paths = calloc(FILES_MAX, sizeof *paths);
	size_t count = 0;

	if (paths == NULL)
		return trouble(command, folder, ENOMEM);
	int rc = list(command, folder, paths, &count);
	for (size_t i = 0; i < count && rc == 0; i++)
		rc = visit_file(command, paths[i], visit, arg);
	for (size_t i = 0; i < count; i++)
		free(paths[i]);
	free(paths);
	return rc;
}

/* --- evidence ---------------------------------------------------------------------------- */

/* What evidence is called in a folder; the first is what the kernel's configfs calls it. */
static const char *const evidence_names[] = { "outblob", "evidence.bin", "report.bin",
	"quote.bin" };

/* Reads the operand: a file, or the evidence and, of a configfs report, the certificates that the
 * host sent along. */
int
input_evidence(const struct command *command, struct input *in, const char *path)
{
	struct input extra = { 0 };
	char *file = NULL;
	int rc;

	if (!input_is_folder(path))
		return input_read(command, in, path, "evidence");
	for (size_t i = 0; i < sizeof evidence_names / sizeof evidence_names[0]; i++) {
		if (!input_exists(path, evidence_names[i]))
			continue;
		if ((file = input_join(path, evidence_names[i])) == NULL)
			break;
		rc = input_read(command, in, file, "evidence");
		free(file);
		if (rc != 0 || i != 0 || !input_exists(path, "auxblob"))
			return rc;
		if ((file = input_join(path, "auxblob")) == NULL)
			break;
		rc = input_read(command, &extra, file, "a certificate table");
		free(file);
		/* A report with its table behind it is evidence of its own, and the host that wrote the
		 * table can bring nothing in it but certificates. */
		if (rc == 0 && !input_append(in, &extra)) {
			complain(command, "out of memory");
			rc = EXIT_TROUBLE;
		}
		input_clear(&extra);
		return rc;
	}
	if (file == NULL && input_exists(path, "outblob")) {
		complain(command, "out of memory");
		return EXIT_TROUBLE;
	}
	complain(command,
	    "%s: is a folder without outblob, evidence.bin, report.bin or quote.bin; name one file",
	    path);
	return EXIT_USAGE;
}
