/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAY_CLI_LAUNCH_FILES_H
#define ASSAY_CLI_LAUNCH_FILES_H

/* The files of a launch: NAME.launch.json and, beside it, the keys that are its owner's alone. */

#include <assay/launch.h>

#include "input.h"
#include "option.h"

/* A launch that goes on: its record, whole and signed by its owner, and the owner's key. */
struct launch_files {
	const struct args *args;
	const char *record; /* the path of the record */
	bool locked;        /* by this command alone */
	int lock;
	char *folder; /* where it is */
	struct assay_launch *launch;
	struct assay_jwk *owner; /* private */
	uint8_t tek[ASSAY_LAUNCH_KEY_SIZE], tik[ASSAY_LAUNCH_KEY_SIZE];
};

/*
 * Reads --launch, and the key of its owner (--key; else NAME_owner.pem beside it), who must have signed
 * it. Until launch_close() no other command works on the record. Returns 0; else the exit code, after it
 * has complained. The caller frees with launch_close(), whatever was returned.
 */
int launch_open(struct launch_files *f, const struct args *args);
void launch_close(struct launch_files *f); /* wipes */
/* Reads the TIK and, with both, the TEK: --tik and --tek; else the files beside the record. As above. */
int launch_keys(struct launch_files *f, bool both);
/* Signs the record, and puts it in place of that which is there, once: that is no longer the file that
 * is locked. As above. */
int launch_save(struct launch_files *f);
/* Overwrites and removes the keys of the session, wherever --tek, --tik and the record's folder have
 * them. As above. */
int launch_forget_keys(const struct launch_files *f);

/* "FOLDER/NAMEsuffix"; the caller frees. NULL: out of memory, and it has complained. */
char *
launch_path(const struct args *args, const char *folder, const char *name, const char *suffix);
/* Writes a file, for its owner's eyes alone if it is secret. Returns as above. */
int launch_put(const struct args *args, const char *path, struct assay_bytes what, bool secret);
/* The same in base64, in one line without an end, as sevctl writes it and QEMU reads it. */
int launch_put_base64(const struct args *args, const char *path, struct assay_bytes what);
/* The key in a file, PEM or JWK: private. Returns as above. */
int launch_read_owner(const struct args *args, const char *path, struct assay_jwk **key);

#define OPTION_LAUNCH                                                                              \
	{                                                                                          \
		OPT_LAUNCH, 0, "launch", "FILE", false, NULL, "the launch's record; needed"        \
	}
#define OPTION_OWNER                                                                               \
	{                                                                                          \
		OPT_KEY, 0, "key", "FILE", false, NULL, "the owner's key (NAME_owner.pem)"         \
	}
#define OPTION_QMP                                                                                 \
	{                                                                                          \
		OPT_QMP, 0, "qmp", "ADDR", false, NULL, "the VMM's QMP, unix:PATH or tcp:H:PORT"   \
	}
#define OPTION_TIK                                                                                 \
	{                                                                                          \
		OPT_TIK, 0, "tik", "FILE", false, NULL, "of the session (NAME_tik.bin)"            \
	}

#endif
