/* SPDX-License-Identifier: Apache-2.0 */
#include "launch_files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "command.h"
#include "screen.h"
#include "value.h"

static int
no_memory(const struct args *args)
{
	complain(args->command, "out of memory");
	return EXIT_TROUBLE;
}

/* --- writing ----------------------------------------------------------------------------- */

char *
launch_path(const struct args *args, const char *folder, const char *name, const char *suffix)
{
	size_t n = strlen(folder) + strlen(name) + strlen(suffix) + 2;
	char *path = malloc(n);

	if (path == NULL)
		no_memory(args);
	else
		snprintf(path, n, "%s/%s%s", folder, name, suffix);
	return path;
}

int
launch_put(const struct args *args, const char *path, struct assay_bytes what, bool secret)
{
	if (secret)
		return screen_write_secret(args->command, path, what) ? 0 : EXIT_TROUBLE;
	if (screen_write_file(path, (const char *)what.ptr, what.len))
		return 0;
	complain(args->command, "%s: cannot be written: %s", path, strerror(errno));
	return EXIT_TROUBLE;
}

int
launch_put_base64(const struct args *args, const char *path, struct assay_bytes what)
{
	char *text = malloc(what.len / 3 * 4 + 6);

	if (text == NULL)
		return no_memory(args);
	value_base64(text, what);
	int rc = launch_put(
	    args, path, (struct assay_bytes){ (const uint8_t *)text, strlen(text) }, false);
	free(text);
	return rc;
}

int
launch_save(struct launch_files *f)
{
	struct assay_error err;
	char *text = NULL;

	if (assay_launch_write(&text, f->launch, f->owner, &err) != ASSAY_OK) {
		complain(f->args->command, "%s: %s", f->record, err.text);
		return EXIT_TROUBLE;
	}
	int rc = launch_put(
	    f->args, f->record, (struct assay_bytes){ (const uint8_t *)text, strlen(text) }, false);
	free(text);
	return rc;
}

/* --- reading ----------------------------------------------------------------------------- */

int
launch_read_owner(const struct args *args, const char *path, struct assay_jwk **key)
{
	struct assay_error err = { .text = "" };
	struct input in = { 0 };
	int rc = input_secret(args->command, &in, path, "an owner's key");

	if (rc == 0) {
		struct assay_bytes text = input_bytes(&in);
		enum assay_code code = text.len > 0 && text.ptr[0] == '{'
		    ? assay_jwk_parse(key, text, &err)
		    : assay_jwk_parse_pem(key, text, NULL, &err);
		if (code != ASSAY_OK) {
			complain(args->command, "%s: %s", path, err.text);
			rc = code == ASSAY_E_NOMEM ? EXIT_TROUBLE : EXIT_USAGE;
		} else if (!assay_jwk_private(*key)) {
			rc = misused(args->command, "%s: has no private half", path);
		}
	}
	input_wipe(&in);
	return rc;
}

/* Only what this owner has signed: whoever can write the file cannot say what was launched. */
static int
verify_owner(struct launch_files *f, const struct input *in)
{
	struct assay_launch *launch = NULL;
	struct assay_jwks *signers = NULL;
	struct assay_error err;
	char *public = NULL;
	enum assay_code code = assay_jwk_json(&public, f->owner, NULL, &err);

	if (code == ASSAY_OK)
		code = assay_jwks_parse(&signers,
		    (struct assay_bytes){ (const uint8_t *)public, strlen(public) }, &err);
	if (code == ASSAY_OK)
		code = assay_launch_parse(&launch, input_bytes(in), signers, &err);
	free(public);
	assay_jwks_free(signers);
	if (code == ASSAY_OK) {
		assay_launch_free(f->launch);
		f->launch = launch;
		return 0;
	}
	complain(f->args->command, "%s: %s", f->record, err.text);
	return code == ASSAY_E_NOMEM ? EXIT_TROUBLE : EXIT_NO;
}

static int
read_owner(struct launch_files *f)
{
	const char *path = args_value(f->args, OPT_KEY);

	if (path != NULL)
		return launch_read_owner(f->args, path, &f->owner);
	char *own = launch_path(f->args, f->folder, assay_launch_name(f->launch), "_owner.pem");
	int rc = EXIT_TROUBLE;
	if (own != NULL && access(own, F_OK) != 0)
		rc = misused(f->args->command,
		    "--key is missing: the owner's key that signed %s; there is no %s", f->record,
		    own);
	else if (own != NULL)
		rc = launch_read_owner(f->args, own, &f->owner);
	free(own);
	return rc;
}

static void
unlock(struct launch_files *f)
{
	if (f->locked)
		close(f->lock);
	f->locked = false;
}

/* What another command has put in its place meanwhile is another file: a lock on the one before holds
 * nobody off. */
static bool
is_replaced(const struct launch_files *f)
{
	struct stat held, there;

	return fstat(f->lock, &held) == 0 && stat(f->record, &there) == 0 &&
	    (held.st_ino != there.st_ino || held.st_dev != there.st_dev);
}

static bool
take_lock(struct launch_files *f)
{
	int fd = open(f->record, O_RDWR | O_CLOEXEC | O_NOCTTY);

	if (fd < 0 && errno == EACCES) /* it is replaced, not written into */
		fd = open(f->record, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	f->locked = fd >= 0;
	f->lock = fd;
	return fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0;
}

/* Two commands at once would each write what the other has not read: the key that went in would be lost,
 * or a second packet leave. */
static int
lock(struct launch_files *f)
{
	do {
		unlock(f);
		if (!take_lock(f)) {
			complain(f->args->command, "%s: %s", f->record,
			    f->locked && errno == EWOULDBLOCK
				? "another assay launch works on it; try again when it has ended"
				: strerror(errno));
			return EXIT_TROUBLE;
		}
	} while (is_replaced(f));
	return 0;
}

int
launch_open(struct launch_files *f, const struct args *args)
{
	struct input in = { 0 };
	struct assay_error err;
	struct stat st;
	int rc;

	*f = (struct launch_files){ .args = args, .record = args_value(args, OPT_LAUNCH) };
	if (f->record == NULL)
		return misused(
		    args->command, "--launch FILE is missing: the record of the session");
	if (strcmp(f->record, "-") == 0 || (stat(f->record, &st) == 0 && !S_ISREG(st.st_mode)))
		return misused(args->command, "--launch: must be a file, which is written anew");
	const char *slash = strrchr(f->record, '/');
	f->folder =
	    slash != NULL ? strndup(f->record, (size_t)(slash - f->record) + 1) : strdup(".");
	if (f->folder == NULL)
		return no_memory(args);
	if ((rc = lock(f)) != 0 ||
	    (rc = input_read(args->command, &in, f->record, "a launch record")) != 0)
		return rc;
	/* Its name says where the rest is; what it says else counts when it is its owner's. */
	enum assay_code code = assay_launch_parse(&f->launch, input_bytes(&in), NULL, &err);
	if (code != ASSAY_OK) {
		complain(args->command, "%s: %s", f->record, err.text);
		rc = code == ASSAY_E_NOMEM   ? EXIT_TROUBLE
		    : code == ASSAY_E_FORMAT ? EXIT_USAGE
					     : EXIT_NO;
	} else if ((rc = read_owner(f)) == 0) {
		rc = verify_owner(f, &in);
	}
	input_clear(&in);
	return rc;
}

void
launch_close(struct launch_files *f)
{
	free(f->folder);
	assay_launch_free(f->launch);
	assay_jwk_free(f->owner);
	explicit_bzero(f->tek, sizeof f->tek);
	explicit_bzero(f->tik, sizeof f->tik);
	unlock(f);
	*f = (struct launch_files){ .args = f->args };
}

static int
read_key(const struct launch_files *f, enum option_id id, const char *suffix,
    uint8_t out[ASSAY_LAUNCH_KEY_SIZE])
{
	const char *given = args_value(f->args, id);
	char *own = launch_path(f->args, f->folder, assay_launch_name(f->launch), suffix);
	const char *path = given != NULL ? given : own;
	struct input in = { 0 };
	int rc = EXIT_TROUBLE;

	if (given == NULL && assay_launch_stage(f->launch) == ASSAY_LAUNCH_COMPLETE &&
	    own != NULL && access(own, F_OK) != 0) {
		complain(f->args->command,
		    "%s: its session is spent, whether or not its guest has the secrets, and the "
		    "keys were removed: make another, and launch anew",
		    f->record);
		rc = EXIT_NO;
	} else if (own != NULL) {
		rc = input_secret(f->args->command, &in, path, "a key of the session");
	}
	if (rc == 0 && in.len != ASSAY_LAUNCH_KEY_SIZE)
		rc = misused(f->args->command, "%s: is %zu bytes, a key of a session has %d", path,
		    in.len, ASSAY_LAUNCH_KEY_SIZE);
	if (rc == 0)
		memcpy(out, in.data, ASSAY_LAUNCH_KEY_SIZE);
	input_wipe(&in);
	free(own);
	return rc;
}

int
launch_keys(struct launch_files *f, bool both)
{
	int rc = read_key(f, OPT_TIK, "_tik.bin", f->tik);

	return rc == 0 && both ? read_key(f, OPT_TEK, "_tek.bin", f->tek) : rc;
}

/* --- forgetting -------------------------------------------------------------------------- */

/* False and errno: cannot be told. What is no file of this length holds no key, and stays. */
static bool
holds(const char *path, const uint8_t key[ASSAY_LAUNCH_KEY_SIZE], bool *held)
{
	uint8_t found[ASSAY_LAUNCH_KEY_SIZE] = { 0 };
	struct stat st;

	*held = false;
	if (stat(path, &st) != 0)
		return false;
	if (!S_ISREG(st.st_mode) || st.st_size != ASSAY_LAUNCH_KEY_SIZE)
		return true;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	bool ok = read(fd, found, sizeof found) == (ssize_t)sizeof found;
	close(fd);
	*held = ok && memcmp(found, key, sizeof found) == 0;
	explicit_bzero(found, sizeof found);
	return ok;
}

/* Where it can be done; what a file system keeps of it elsewhere is beyond reach. */
static void
overwrite(const char *path)
{
	static const uint8_t zeros[ASSAY_LAUNCH_KEY_SIZE];

	(void)chmod(path, 0600);
	int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return;
	if (write(fd, zeros, sizeof zeros) == (ssize_t)sizeof zeros)
		(void)fsync(fd);
	close(fd);
}

/* Removes the key where it is; own: also a link that leads there. */
static bool
forget(const char *path, const uint8_t key[ASSAY_LAUNCH_KEY_SIZE], bool own)
{
	char *real = realpath(path, NULL);
	bool held = false;

	if (real == NULL)
		return errno == ENOENT;
	bool ok = holds(real, key, &held);
	if (ok && held) {
		overwrite(real);
		ok = unlink(real) == 0;
		if (ok && own)
			(void)unlink(path);
	}
	int error = errno;
	free(real);
	errno = error;
	return ok;
}

static int
forget_key(const struct launch_files *f, const char *path, const uint8_t key[ASSAY_LAUNCH_KEY_SIZE],
    bool own)
{
	if (forget(path, key, own))
		return 0;
	complain(f->args->command,
	    "%s: cannot be removed: %s; it opens what would be sent, so nothing is: remove it "
	    "yourself",
	    path, strerror(errno));
	return EXIT_TROUBLE;
}

/* Also from where they are by default, when copies of them were given. */
int
launch_forget_keys(const struct launch_files *f)
{
	const struct {
		enum option_id id;
		const char *suffix;
		const uint8_t *key;
	} keys[] = { { OPT_TEK, "_tek.bin", f->tek }, { OPT_TIK, "_tik.bin", f->tik } };
	int rc = 0;

	for (size_t i = 0; i < 2; i++) {
		const char *given = args_value(f->args, keys[i].id);
		char *own =
		    launch_path(f->args, f->folder, assay_launch_name(f->launch), keys[i].suffix);
		if (own == NULL || forget_key(f, own, keys[i].key, true) != 0)
			rc = EXIT_TROUBLE;
		if (given != NULL && forget_key(f, given, keys[i].key, false) != 0)
			rc = EXIT_TROUBLE;
		free(own);
	}
	return rc;
}
