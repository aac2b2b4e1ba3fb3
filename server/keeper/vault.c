/* SPDX-License-Identifier: Apache-2.0 */
#include "vault.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/fs.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include "../text.h"

enum { NONCE = 12, TAG = 16, WHERE_ROOM = PATH_MAX, KEYS = 2, HEX_FILE = 2 * VAULT_KEY };
static const char CREDENTIAL[] = "cred:";
static const char UNIQUE[] = ".tmp-XXXXXX"; /* of mkostemp(); no name that a person gives */

struct vault {
	char path[WHERE_ROOM]; /* of the file */
	bool credential;
	size_t count; /* 2 while the key is being changed; the last one seals */
	uint8_t id[KEYS][VAULT_KEY_ID];
	uint8_t *key[KEYS];
};

void *
locked_new(size_t size)
{
	return OPENSSL_secure_zalloc(size);
}

void
locked_free(void *p, size_t size)
{
	OPENSSL_secure_clear_free(p, size);
}

/* --- sealing ----------------------------------------------------------------------------- */

static bool
authenticate(EVP_CIPHER_CTX *c, const struct assay_bytes *parts, size_t count)
{
	int n;

	for (size_t i = 0; i < count; i++) {
		uint8_t len[4] = { (uint8_t)parts[i].len, (uint8_t)(parts[i].len >> 8),
			(uint8_t)(parts[i].len >> 16), (uint8_t)(parts[i].len >> 24) };
		if (parts[i].len > INT_MAX || EVP_CipherUpdate(c, NULL, &n, len, sizeof len) != 1 ||
		    (parts[i].len > 0 &&
			EVP_CipherUpdate(c, NULL, &n, parts[i].ptr, (int)parts[i].len) != 1))
			return false;
	}
	return true;
}

bool
seal(uint8_t **out, size_t *len, const uint8_t key[VAULT_KEY], const struct assay_bytes *parts,
    size_t count, struct assay_bytes plain)
{
	EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
	uint8_t *p =
	    plain.len <= INT_MAX - SEAL_OVERHEAD ? malloc(plain.len + SEAL_OVERHEAD) : NULL;
	int n = 0, last = 0;
	bool ok = c != NULL && p != NULL && RAND_bytes(p, NONCE) == 1 &&
	    EVP_EncryptInit_ex(c, EVP_aes_256_gcm(), NULL, key, p) == 1 &&
	    authenticate(c, parts, count) &&
	    (plain.len == 0 ||
		EVP_EncryptUpdate(c, p + NONCE, &n, plain.ptr, (int)plain.len) == 1) &&
	    EVP_EncryptFinal_ex(c, p + NONCE + n, &last) == 1 &&
	    EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_GET_TAG, TAG, p + NONCE + plain.len) == 1;

	EVP_CIPHER_CTX_free(c);
	if (!ok) {
		free(p);
		return false;
	}
	*out = p;
	*len = plain.len + SEAL_OVERHEAD;
	return true;
}

enum assay_code
unseal(uint8_t **out, size_t *len, const uint8_t key[VAULT_KEY], const struct assay_bytes *parts,
    size_t count, struct assay_bytes sealed)
{
	EVP_CIPHER_CTX *c;
	uint8_t *p, tag[TAG];
	size_t size;
	int n = 0, last = 0;
	enum assay_code rc = ASSAY_E_NOMEM;

	if (sealed.len < SEAL_OVERHEAD || sealed.len > INT_MAX)
		return ASSAY_E_SIGNATURE;
	size = sealed.len - SEAL_OVERHEAD;
	memcpy(tag, sealed.ptr + NONCE + size, TAG);
	c = EVP_CIPHER_CTX_new();
	p = malloc(size + 1);
	if (c != NULL && p != NULL &&
	    EVP_DecryptInit_ex(c, EVP_aes_256_gcm(), NULL, key, sealed.ptr) == 1 &&
	    authenticate(c, parts, count) &&
	    (size == 0 || EVP_DecryptUpdate(c, p, &n, sealed.ptr + NONCE, (int)size) == 1) &&
	    EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_SET_TAG, TAG, tag) == 1)
		rc = EVP_DecryptFinal_ex(c, p + n, &last) == 1 ? ASSAY_OK : ASSAY_E_SIGNATURE;
	EVP_CIPHER_CTX_free(c);
	if (rc != ASSAY_OK) {
		seal_free(p, size);
		return rc;
	}
	p[size] = '\0';
	*out = p;
	*len = size;
	return ASSAY_OK;
}

void
seal_free(uint8_t *plain, size_t len)
{
	if (plain != NULL)
		OPENSSL_cleanse(plain, len);
	free(plain);
}

/* --- files ------------------------------------------------------------------------------- */

static bool
write_all(int fd, struct assay_bytes in)
{
	while (in.len > 0) {
		ssize_t n = write(fd, in.ptr, in.len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		in.ptr += n;
		in.len -= (size_t)n;
	}
	return true;
}

static int
open_folder(const char *path)
{
	char folder[WHERE_ROOM];
	char *slash;

	(void)snprintf(folder, sizeof folder, "%s", path);
	if ((slash = strrchr(folder, '/')) == NULL)
		(void)snprintf(folder, sizeof folder, ".");
	else
		slash[slash == folder ? 1 : 0] = '\0';
	return open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static bool
sync_folder(const char *path)
{
	int fd = open_folder(path);
	bool ok = fd >= 0 && fsync(fd) == 0;

	if (fd >= 0)
		(void)close(fd);
	return ok;
}

/* Whoever was killed when both names stood, his own and the file's, left a key under a name that nobody knows
 * when the key is moved elsewhere, or is another. */
static void
remove_second_name(const char *path, const struct stat *of)
{
	const char *slash = strrchr(path, '/'), *name = slash != NULL ? slash + 1 : path;
	size_t n = strlen(name);
	int fd = open_folder(path);
	DIR *folder = fd >= 0 ? fdopendir(fd) : NULL;
	struct stat st;

	if (folder == NULL && fd >= 0)
		(void)close(fd);
	for (struct dirent *e; folder != NULL && (e = readdir(folder)) != NULL;)
		if (strlen(e->d_name) == n + sizeof UNIQUE - 1 && memcmp(e->d_name, name, n) == 0 &&
		    memcmp(e->d_name + n, UNIQUE, sizeof UNIQUE - sizeof "XXXXXX") == 0 &&
		    fstatat(fd, e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		    st.st_dev == of->st_dev && st.st_ino == of->st_ino)
			(void)unlinkat(fd, e->d_name, 0);
	if (folder != NULL)
		(void)closedir(folder);
}

/* Only where nothing stands yet: errno is EEXIST otherwise. Some file systems of other machines know it
 * as a second link alone. musl has no renameat2(). */
static bool
put_in_place(const char *from, const char *path)
{
	if (syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, path, RENAME_NOREPLACE) == 0)
		return true;
	if (errno != EINVAL || link(from, path) != 0)
		return false;
	(void)unlink(from);
	return true;
}

enum assay_code
file_make(const char *path, struct assay_bytes in, bool *made, struct assay_error *err)
{
	char tmp[WHERE_ROOM]; /* of this process alone: another may be making the same file */
	int fd;
	bool ok;
	enum assay_code rc;

	*made = false;
	if ((size_t)snprintf(tmp, sizeof tmp, "%s%s", path, UNIQUE) >= sizeof tmp)
		return text_fail(err, ASSAY_E_USAGE, "%.200s...: the path is too long", path);
	if ((fd = mkostemp(tmp, O_CLOEXEC)) < 0)
		return text_fail(err, ASSAY_E_IO, "%s: cannot be made: %s", path, strerror(errno));
	ok = write_all(fd, in) && fsync(fd) == 0;
	ok = close(fd) == 0 && ok;
	*made = ok && put_in_place(tmp, path);
	/* What another made is to be lasting, too, before anything is built on it. */
	if ((*made || (ok && errno == EEXIST)) && sync_folder(path))
		rc = ASSAY_OK;
	else
		rc = text_fail(err, ASSAY_E_IO, "%s: cannot be written: %s", path, strerror(errno));
	if (!*made)
		(void)unlink(tmp);
	return rc;
}

enum assay_code
file_read(uint8_t *out, size_t *len, const char *path, bool strict, struct assay_error *err)
{
	struct stat st;
	size_t n = 0;
	ssize_t got = 0;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	if (fd < 0)
		return text_fail(err, errno == ENOENT ? ASSAY_E_INCOMPLETE : ASSAY_E_IO,
		    "%s: cannot be opened: %s", path, strerror(errno));
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || (strict && (st.st_mode & 077) != 0)) {
		(void)close(fd);
		return text_fail(err, ASSAY_E_USAGE,
		    "%s: others may read it, or it is no file; chmod 600 it", path);
	}
	/* Who may put a file there before the first start would else be the admin. */
	if (strict && st.st_uid != geteuid() && st.st_uid != 0) {
		(void)close(fd);
		return text_fail(err, ASSAY_E_USAGE,
		    "%s: is another user's, who knows what is in it; take it away, or chown it if "
		    "it is yours",
		    path);
	}
	if (strict && st.st_nlink > 1)
		remove_second_name(path, &st);
	while (n < *len && (got = read(fd, out + n, *len - n)) != 0) {
		if (got < 0 && errno != EINTR)
			break;
		if (got > 0)
			n += (size_t)got;
	}
	(void)close(fd);
	if (got < 0)
		return text_fail(err, ASSAY_E_IO, "%s: cannot be read: %s", path, strerror(errno));
	*len = n;
	return ASSAY_OK;
}

/* --- the master key ---------------------------------------------------------------------- */

static int
digit(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* A key's id says nothing about it, and is the same wherever the key is. */
static bool
adopt(struct vault *v, uint8_t *key)
{
	static const char label[] = "assay master key";
	uint8_t id[32];

	if (HMAC(EVP_sha256(), key, VAULT_KEY, (const uint8_t *)label, sizeof label - 1, id,
		NULL) == NULL)
		return false;
	memcpy(v->id[v->count], id, VAULT_KEY_ID);
	v->key[v->count++] = key;
	return true;
}

static enum assay_code
read_key(struct vault *v, const char *path, struct assay_error *err)
{
	uint8_t *text = locked_new(HEX_FILE + 4), *key = locked_new(VAULT_KEY);
	size_t n = HEX_FILE + 4;
	enum assay_code rc;
	bool ok;

	if (text == NULL || key == NULL)
		rc = text_fail(err, ASSAY_E_NOMEM, "out of locked memory; raise LimitMEMLOCK");
	else
		rc = file_read(text, &n, path, !v->credential, err);
	if (rc == ASSAY_OK) {
		while (n > VAULT_KEY && (text[n - 1] == '\n' || text[n - 1] == '\r'))
			n--;
		if ((ok = n == VAULT_KEY))
			memcpy(key, text, VAULT_KEY);
		else if ((ok = n == HEX_FILE))
			for (size_t i = 0; i < VAULT_KEY; i++) {
				int a = digit(text[2 * i]), b = digit(text[2 * i + 1]);
				ok = ok && a >= 0 && b >= 0;
				key[i] = (uint8_t)((unsigned)a << 4 | ((unsigned)b & 0xf));
			}
		if (!ok)
			rc = text_fail(err, ASSAY_E_FORMAT,
			    "%s: is no master key; it must have 32 bytes, or 64 hex digits", path);
		else if (!adopt(v, key))
			rc = text_fail(err, ASSAY_E_NOMEM, "out of memory");
	}
	locked_free(text, HEX_FILE + 4);
	if (rc != ASSAY_OK)
		locked_free(key, VAULT_KEY);
	return rc;
}

static enum assay_code
make_key(struct vault *v, const char *path, bool *made, struct assay_error *err)
{
	uint8_t *key = locked_new(VAULT_KEY);
	enum assay_code rc;

	*made = false;
	if (key == NULL || RAND_priv_bytes(key, VAULT_KEY) != 1)
		rc = text_fail(err, ASSAY_E_NOMEM, "out of locked memory or randomness");
	else
		rc = file_make(path, (struct assay_bytes){ key, VAULT_KEY }, made, err);
	if (rc == ASSAY_OK && *made && !adopt(v, key))
		rc = text_fail(err, ASSAY_E_NOMEM, "out of memory");
	if (rc != ASSAY_OK || !*made)
		locked_free(key, VAULT_KEY);
	return rc;
}

static void
path_new(char out[WHERE_ROOM + 8], const struct vault *v)
{
	(void)snprintf(out, WHERE_ROOM + 8, "%s.new", v->path);
}

enum assay_code
vault_open(struct vault **out, const char *where, bool make, bool *made, struct assay_error *err)
{
	struct vault *v = calloc(1, sizeof *v);
	const char *folder = "";
	char second[WHERE_ROOM + 8];
	enum assay_code rc;

	*made = false;
	if (v == NULL)
		return text_fail(err, ASSAY_E_NOMEM, "out of memory");
	v->credential = strncmp(where, CREDENTIAL, sizeof CREDENTIAL - 1) == 0;
	if (v->credential) {
		where += sizeof CREDENTIAL - 1;
		if ((folder = getenv("CREDENTIALS_DIRECTORY")) == NULL ||
		    strchr(where, '/') != NULL) {
			vault_close(v);
			return text_fail(err, ASSAY_E_USAGE,
			    "master key: there is no systemd credential;"
			    " set LoadCredential= in the unit, or name a file");
		}
	}
	if ((size_t)snprintf(v->path, sizeof v->path, "%s%s%s", folder, v->credential ? "/" : "",
		where) >= sizeof v->path)
		rc = text_fail(err, ASSAY_E_USAGE, "master key: the path is too long");
	else if ((rc = read_key(v, v->path, err)) == ASSAY_E_INCOMPLETE && make && !v->credential) {
		rc = make_key(v, v->path, made, err);
		if (rc == ASSAY_OK && !*made) /* another start was first: its key it is */
			rc = read_key(v, v->path, err);
	}
	if (rc == ASSAY_OK) {
		path_new(second, v);
		if ((rc = read_key(v, second, err)) == ASSAY_E_INCOMPLETE)
			rc = ASSAY_OK;
		else if (rc == ASSAY_OK && memcmp(v->id[0], v->id[1], VAULT_KEY_ID) == 0)
			locked_free(v->key[--v->count], VAULT_KEY); /* a credential of last time */
	}
	if (rc != ASSAY_OK) {
		vault_close(v);
		return rc == ASSAY_E_INCOMPLETE ? (err->code = ASSAY_E_IO) : rc;
	}
	*out = v;
	return ASSAY_OK;
}

void
vault_close(struct vault *v)
{
	if (v == NULL)
		return;
	for (size_t i = 0; i < v->count; i++)
		locked_free(v->key[i], VAULT_KEY);
	free(v);
}

const uint8_t *
vault_key(const struct vault *v, uint8_t id[VAULT_KEY_ID])
{
	memcpy(id, v->id[v->count - 1], VAULT_KEY_ID);
	return v->key[v->count - 1];
}

const uint8_t *
vault_key_of(const struct vault *v, struct assay_bytes id)
{
	for (size_t i = v->count; i-- > 0;)
		if (id.len == VAULT_KEY_ID && memcmp(id.ptr, v->id[i], VAULT_KEY_ID) == 0)
			return v->key[i];
	return NULL;
}

bool
vault_changing(const struct vault *v)
{
	return v->count > 1;
}

enum assay_code
vault_change(struct vault *v, struct assay_error *err)
{
	char path[WHERE_ROOM + 8];
	bool made;
	enum assay_code rc;

	if (vault_changing(v))
		return text_fail(err, ASSAY_E_USAGE, "the master key is being changed already");
	path_new(path, v);
	if (v->credential)
		return text_fail(err, ASSAY_E_USAGE,
		    "the master key is a systemd credential; load the new"
		    " one as a second credential whose name ends in \".new\", and start again");
	if ((rc = make_key(v, path, &made, err)) == ASSAY_OK && !made)
		rc = text_fail(err, ASSAY_E_USAGE,
		    "%s is there already: another assayd changes this master key, or this one was "
		    "ended while it began to; start this one again when no other has the key",
		    path);
	return rc;
}

enum assay_code
vault_changed(struct vault *v, struct assay_error *err)
{
	char path[WHERE_ROOM + 8];

	path_new(path, v);
	if (v->credential)
		return text_fail(err, ASSAY_E_INCOMPLETE,
		    "nothing is sealed under the old master key any"
		    " more; let the credential have the new one, without \".new\"");
	if (rename(path, v->path) != 0 || !sync_folder(v->path))
		return text_fail(
		    err, ASSAY_E_IO, "%s: cannot be renamed: %s", path, strerror(errno));
	locked_free(v->key[0], VAULT_KEY);
	v->key[0] = v->key[1];
	memcpy(v->id[0], v->id[1], VAULT_KEY_ID);
	v->key[1] = NULL;
	v->count = 1;
	return ASSAY_OK;
}
