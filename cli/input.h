/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAY_CLI_INPUT_H
#define ASSAY_CLI_INPUT_H

/* Files, standard input and folders, read whole and within limits. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <assay/bytes.h>

struct command;

enum { INPUT_MAX = 64 * 1024 * 1024, INPUT_LARGE_MAX = 1024 * 1024 * 1024 };

struct input {
	uint8_t *data;
	size_t len;
};

/*
 * Reads a file whole, or standard input if path is "-"; a pipe too, as far as the limit. what
 * names in messages what it should be: "evidence". Returns 0; else the exit code, after it has
 * complained. The caller frees with input_clear().
 */
int input_read(const struct command *command, struct input *in, const char *path, const char *what);
/* The same for kernels and initial RAM disks, which are larger than any evidence. */
int input_read_large(
    const struct command *command, struct input *in, const char *path, const char *what);
/*
 * Reads a key or a secret: a file, "-", "fd:N", or "cred:NAME" (a systemd credential). A file that others
 * than its owner can read is refused, unless it is a credential, which systemd guards. As
 * input_read(); the caller wipes it with input_wipe().
 */
int
input_secret(const struct command *command, struct input *in, const char *path, const char *what);
/* The same for what is to be stored as a secret, whoever else may read the file. */
int
input_material(const struct command *command, struct input *in, const char *path, const char *what);
/* Frees it, and leaves nothing of it in memory. */
void input_wipe(struct input *in);
/* Puts `more` behind `in`; false when out of memory, and then in is as it was. */
bool input_append(struct input *in, const struct input *more);
void input_clear(struct input *in);
struct assay_bytes input_bytes(const struct input *in);

bool input_is_folder(const char *path);
/* A regular file: a pipe that came along in a folder would be waited for without end. */
bool input_exists(const char *folder, const char *name);
/* "folder/name", which the caller frees; NULL when out of memory. */
char *input_join(const char *folder, const char *name);

/* Reads evidence: a file, standard input, or a folder that holds it, with what the host sent along.
 * As input_read(). */
int input_evidence(const struct command *command, struct input *in, const char *path);

/*
 * Calls visit for each regular file of a folder that is not hidden, in the order of the names,
 * with its path; stops at the first that does not return 0, and returns that. Files that are too
 * large are passed over.
 */
typedef int input_visit(void *arg, const char *path, const struct input *in);
int input_folder(const struct command *command, const char *folder, input_visit *visit, void *arg);

#endif
