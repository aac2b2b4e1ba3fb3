/* SPDX-License-Identifier: Apache-2.0 */
#include "vectors.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { PATH_ROOM = 4096 };

static bool
locate(char out[PATH_ROOM], const char *path)
{
	const char *root = getenv("ASSAY_VECTORS");
	const char *source = getenv("ASSAY_SOURCE_ROOT");
	int n;

	if (path[0] == '/')
		n = snprintf(out, PATH_ROOM, "%s", path);
	else if (root != NULL)
		n = snprintf(out, PATH_ROOM, "%s/%s", root, path);
	else
		n = snprintf(
		    out, PATH_ROOM, "%s/../shared/vectors/%s", source != NULL ? source : ".", path);
	return n > 0 && n < PATH_ROOM;
}

bool
vectors_present(void)
{
	static bool said;
	char path[PATH_ROOM];
	struct stat st;

	if (locate(path, "") && stat(path, &st) == 0 && S_ISDIR(st.st_mode))
		return true;
	if (!said)
		printf(
		    "# no vectors: set ASSAY_VECTORS; the tests over real captures are left out\n");
	said = true;
	return false;
}

struct assay_bytes
vectors_read(const char *path)
{
	struct assay_bytes none = { NULL, 0 };
	char full[PATH_ROOM];
	struct stat st;

	if ((path[0] != '/' && !vectors_present()) || !locate(full, path))
		return none;
	FILE *f = fopen(full, "rb");
	if (f == NULL)
		return none;
	uint8_t *data = NULL;
	size_t size = 0;
	if (fstat(fileno(f), &st) == 0 && S_ISREG(st.st_mode)) {
		size = (size_t)st.st_size;
		data = malloc(size + 1);
	}
	if (data != NULL && fread(data, 1, size, f) != size) {
		free(data);
		data = NULL;
	}
	(void)fclose(f);
	return data == NULL ? none : (struct assay_bytes){ data, size };
}

void
vectors_free(struct assay_bytes file)
{
	union {
		const uint8_t *borrowed;
		void *owned;
	} p = { file.ptr };

	free(p.owned);
}

void
vectors_each(const char *under,
    void (*visit)(const char *path, struct assay_bytes file, void *context), void *context)
{
	struct dirent **names = NULL;
	char full[PATH_ROOM], path[PATH_ROOM];
	struct stat st;

	if (!vectors_present() || !locate(full, under))
		return;
	int n = scandir(full, &names, NULL, alphasort);
	for (int i = 0; i < n; i++) {
		int room = snprintf(path, sizeof path, "%s%s%s", under,
		    under[0] == '\0' || under[strlen(under) - 1] == '/' ? "" : "/",
		    names[i]->d_name);
		if (names[i]->d_name[0] != '.' && room > 0 && room < PATH_ROOM &&
		    locate(full, path) && stat(full, &st) == 0) {
			if (S_ISDIR(st.st_mode)) {
				vectors_each(path, visit, context);
			} else {
				struct assay_bytes file = vectors_read(path);
				if (file.ptr != NULL)
					visit(path, file, context);
				vectors_free(file);
			}
		}
		free(names[i]);
	}
	free(names);
}
