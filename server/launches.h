/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAYD_LAUNCHES_H
#define ASSAYD_LAUNCHES_H

/* Launch records of SEV and SEV-ES guests, which are pushed and kept as reference values are. */

#include <stdbool.h>
#include <stddef.h>

#include <assay/launch.h>

/* Whether a document of reference values is a launch record. Nothing of it is believed. */
bool launches_is(struct assay_bytes document);

/*
 * Reads a record of a launch that is complete: its guest has a key.
 *
 * signer  The thumbprint of the key that whoever pushed it had vouched for it; NULL: nobody has. Then
 *         the record is whole, and the claim sev.launch.signed false.
 * Errors  Those of assay_launch_parse(); ASSAY_E_POLICY: the launch is not complete.
 */
enum assay_code launches_read(struct assay_launch **out, struct assay_bytes document,
    const char *signer, struct assay_error *err);

/* The thumbprint of the key that signed a launch record which check_reference() took. False: the document
 * is none. */
bool launches_owner(char out[ASSAY_KID_TEXT], struct assay_bytes document);

/* One that was pushed. */
struct launch_entry {
	struct assay_launch *launch; /* owned */
	const char *name;            /* that it is kept under */
	int64_t created;             /* when it was pushed, Unix seconds */
};

/*
 * Which of them count: a name is one signer's, and a launch counts once. Of several signers that is the one
 * for whom somebody vouched, then the one who was first. What does not count is told and freed.
 *
 * entries  Afterwards those that count, the oldest first: of two that a verifier cannot tell apart it
 *          takes the first.
 * Returns how many they are.
 */
size_t launches_settle(struct launch_entry *entries, size_t count,
    void (*left_out)(const struct launch_entry *entry, const char *why));

/*
 * Whether a record may be pushed beside those that count: it would not count, or stand in the way of
 * another signer's of its name or guest.
 *
 * names   Those that the records are kept under, and name that of this one.
 * launch  NULL: it is no launch record.
 * Errors  ASSAY_E_POLICY: and err names the other one.
 */
enum assay_code launches_clash(const struct assay_launch *const *launches, const char *const *names,
    size_t count, const char *name, const struct assay_launch *launch, struct assay_error *err);

#endif
