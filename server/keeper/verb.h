/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAYD_KEEPER_VERB_H
#define ASSAYD_KEEPER_VERB_H

/*
 * The verbs of admin.h, a noun a file, and what they have in common. A verb answers, refuses, or has said
 * keeper_trouble(); its caller need not be told which.
 */

#include "core.h"

enum { BODY_MAX = 16 * 1024 * 1024, METHOD_ROOM = 16, URL_ROOM = 2048 };

struct call {
	struct keeper *k;
	struct reply *r;
	const struct admin *who;
	char who_name[NAME_MAX_LEN + 1]; /* outlives a reload of the admins */
	json_t *args;
	struct assay_bytes body;
};

/* secrets.c */
void secret_put(struct call *c);
void secret_get(struct call *c);
void secret_list(struct call *c);
void secret_history(struct call *c);
void secret_rm(struct call *c);
/* policies.c */
void policy_put(struct call *c);
void policy_list(struct call *c);
void policy_get(struct call *c);
void policy_rm(struct call *c);
void reference_put(struct call *c);
void reference_list(struct call *c);
void reference_get(struct call *c);
void reference_rm(struct call *c);
/* collateral.c */
void collateral_put(struct call *c);
/* audit_verbs.c */
void audit_list_rows(struct call *c);
void audit_export(struct call *c);
/* admins.c */
void admin_list(struct call *c);
void admin_put(struct call *c);
void admin_rm(struct call *c);
void key_rotate(struct call *c);

/* bond.c: whether verb, arguments and body are those of the request in the fields 2 to 4, to which the admin's
 * token is bound; else refused. */
bool verb_is_asked(const struct call *c, const struct ipc_message *m, const char *verb);

/* Who asks with this key; NULL: nobody. spki: SHA-256 of it, as TLS shows it. */
const struct admin *verb_admin_of_kid(const struct keeper *k, const char *kid);
const struct admin *verb_admin_of_certificate(const struct keeper *k, struct assay_bytes spki);

/* Text out of the arguments; NULL if there is none. */
const char *verb_argument(const struct call *c, const char *name);
/* A name, or a secret's "path"; NULL, and refused, if it is none. */
const char *verb_name(const struct call *c, const char *which);
bool verb_missing(const struct call *c, const char *kind, const char *name); /* refuses; false */
/* from's members into to, but for those that it has; json_object_update_missing() of jansson 2.14 does not say when
 * there was no memory for one. */
bool verb_merge(json_t *to, json_t *from);
/* Each change is a row: who did what, to what. row is taken. */
bool verb_noted(const struct call *c, const char *verb, const char *resource, json_t *row);
void verb_digest(char out[2 * HASH + 1], struct assay_bytes in); /* SHA-256, hex */
/* *version: of the last one, 0 if it is not there. */
bool verb_exists(
    const struct call *c, const char *kind, const char *name, int64_t *version, bool *found);
/* What all of the front judge by goes to them in one message: whether there is room in it for the body, too;
 * else refused. Without this nobody could serve, nor remove what is too much. */
bool verb_fits_view(const struct call *c);
/* The rows of a statement of ITEM_LIST's columns: name, version, created, and the facts. NULL: trouble. */
json_t *verb_list(const struct call *c, enum store_statement which, const char *kind,
    const char *name, const char *name_member);
void verb_list_kind(struct call *c, const char *kind, const char *member);
/* Rows of audit, of a statement that was asked: as JSON, or for export as their texts with their hashes.
 * NULL: trouble. */
json_t *verb_rows(const struct call *c, enum store_statement which, bool export, int64_t *last);
void verb_answer(const struct call *c, json_t *json); /* takes it; NULL: out of memory */

#endif
