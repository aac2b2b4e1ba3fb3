/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAYD_KEEPER_CORE_H
#define ASSAYD_KEEPER_CORE_H

/* The keeper from inside: what its files share. */

#include <jansson.h>

#include <assay/jose.h>
#include <assay/policy.h>

#include "../kbs/buffer.h"
#include "../store/store.h"
#include "../ticket.h"
#include "keeper.h"
#include "vault.h"

enum {
	SECRET_MAX = 1024 * 1024,
	NAME_MAX_LEN = 255,
	NODE_ID = 16, /* bytes; 32 hex digits */
	HASH = 32,
	SKEW_S = 30,       /* between the clocks of two nodes, or of one after a small step */
	HEAD_ROWS = 1000,  /* a signed head after so many rows of audit, */
	HEAD_S = 60,       /* or after so many seconds with any */
	REFUSALS_MAX = 32, /* rows of what one session is refused */
	BATCH_MAX = 256,   /* requests in one transaction */
	STALE_ITEMS = 32,  /* sealed anew in one turn while the master key is being changed */
	ADMIN_TOKEN_S = 300,
	JTI_KEPT_S = 30 * 86400, /* far beyond any step of a clock that nobody notices */
};

/* Kinds of items. */
#define KIND_SECRET     "secret"
#define KIND_POLICY     "policy"
#define KIND_REFERENCE  "reference"
#define KIND_COLLATERAL "collateral"
#define KIND_FLOOR      "floor"
#define KIND_ADMIN      "admin"
#define KIND_TOKEN_KEY                                                                             \
	"token-key" /* name: kid; with the fact "until" only the public key is left */
#define KIND_AUDIT_KEY "audit-key"
#define KIND_ROOT      "root" /* of tickets and sessions */

enum role { ROLE_NONE, ROLE_READER, ROLE_OPERATOR, ROLE_ADMIN };
struct admin {
	char name[NAME_MAX_LEN + 1];
	enum role role;
	char kid[ASSAY_KID_TEXT]; /* of a key in keeper.admin_keys; empty: by certificate */
	uint8_t spki[32];         /* SHA-256 of the certificate's key */
};

struct chain { /* of the audit rows: the last one, and the last that a head covers */
	int64_t seq, head_seq, head_time;
	int64_t time; /* of the last row that was there at the start */
	uint8_t hash[HASH];
};

struct keeper {
	struct keeper_options options;
	char *texts[5]; /* the options' own copies */
	struct store *store;
	struct vault *vault;
	size_t message_most;         /* IPC_MESSAGE_MAX; a test that fills messages sets less */
	int64_t (*clock)(void *arg); /* Unix seconds */
	void *clock_arg;
	int64_t now;     /* of this turn */
	int64_t latest;  /* that it has been; 0: not yet looked */
	uint64_t noted;  /* the same in the store, when something was forgotten last */
	int64_t counted; /* reference values that ended before are counted; 0: not yet looked */
	int64_t pruned;  /* when expired sessions were last looked for */
	size_t unpruned; /* requests since then */

	/* What is in the store, in memory; read again after each change and each failure. */
	bool loaded;
	uint64_t generation; /* of the view */
	uint64_t appraisal;  /* the generation since which verdicts are good */
	int64_t ends;        /* when reference values end next; INT64_MAX: never */
	struct chain chain;
	char node[2 * NODE_ID + 1];
	uint8_t *root; /* 32 bytes, locked */
	struct assay_jwk *token_key, *audit_key;
	struct assay_jwks *token_keys, *admin_keys, *audit_keys; /* public */
	char *jwks; /* token_keys as they are published */
	struct admin *admins;
	size_t admin_count;
	uint32_t session_epoch; /* session_key is of it */
	uint8_t *session_key;   /* 32 bytes, locked */
	bool session_ready;
	uint32_t ticket_epoch; /* ticket_key is of it */
	uint8_t *ticket_key;   /* 32 bytes, locked */
	bool ticket_ready;

	struct refusals *refusals; /* NULL: none yet */
	bool failed;               /* this turn: nothing of it may be kept */
	char error[512], complaint[512];
	int64_t complained; /* when */
	bool
	    resealed; /* nothing is left to do of a change of the master key, until the next start */
};

struct reply {
	enum keeper_status status;
	uint8_t *data; /* the answer; freed with seal_free() */
	size_t len;
	bool has_number;
	uint64_t number;
	char sentence[512];
};

/* keeper_open() with a clock of the caller's, for tests. */
int keeper_open_at(struct keeper **out, const struct keeper_options *options,
    int64_t (*now)(void *arg), void *arg);
/*
 * Does what is asked in one transaction, in the order given. false: it could not be kept; every reply
 * is KEEPER_TROUBLE, and nothing was done.
 */
bool keeper_turn(
    struct keeper *k, const struct ipc_message *requests, struct reply *replies, size_t count);
void reply_clear(struct reply *r);
void reply_refuse(struct reply *r, enum keeper_status status, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* The store failed (or memory did): this turn comes to nothing. */
void keeper_trouble(struct keeper *k, const char *sentence);
void keeper_store_trouble(struct keeper *k);
void reply_text(struct keeper *k, struct reply *r, char *text); /* takes it; NULL: out of memory */
void reply_json(struct keeper *k, struct reply *r, json_t *json, bool compact); /* takes it */

/* items.c: what has a name, sealed. All return false after keeper_trouble(). */
struct item {
	int64_t version, created;
	json_t *facts;
	uint8_t *body;
	size_t len;
};
/* facts is not taken. *version may be NULL. */
bool item_put(struct keeper *k, const char *kind, const char *name, json_t *facts,
    struct assay_bytes body, bool keep_old, int64_t *version);
/* version 0: the last. *found says whether it is there. Damaged ones are trouble, for this request only:
 * then *found is true, and out->facts NULL. */
bool item_get(struct keeper *k, struct item *out, const char *kind, const char *name,
    int64_t version, bool *found);
void item_clear(struct item *item);
/* Calls take() for the last version of each; it stops when that returns false, which it passes on. */
bool item_each(struct keeper *k, const char *kind,
    bool (*take)(struct keeper *k, const char *name, const struct item *item, void *arg),
    void *arg);
/* A step of the change of master keys; *left: there is more to do. What is damaged ends it. */
bool items_reseal(struct keeper *k, bool *left);

/* state.c: memory and store. */
bool keeper_load(struct keeper *k);
void keeper_unload(struct keeper *k);
/* The view changes; with appraisal, verdicts of before are good no more. Reads the memory anew. */
bool keeper_changed(struct keeper *k, bool appraisal);
/* Notes the time of now in the store. */
bool keeper_note_time(struct keeper *k);
/* Has the clock stepped back? Then all sessions end. Have reference values ended? Then verdicts of before
 * are good no more. */
bool keeper_check_clock(struct keeper *k);
bool keeper_load_ends(struct keeper *k);
/* First start: its name, which is kept before the admin's key tells it, so that whoever starts after an end
 * in between finds his own in it. Then root, keys, first admin. */
bool keeper_make_node(struct keeper *k);
bool keeper_make(struct keeper *k);
bool keeper_make_root(struct keeper *k);
/* A new key for tokens; the one before is kept to verify with, until its last token has expired. */
bool keeper_make_token_key(struct keeper *k);
/* The view, as server/view.h has it. */
void keeper_view(struct keeper *k, struct reply *r);
bool keeper_policy_exists(struct keeper *k, const char *name, bool *exists);
/* The key under which a session of this epoch is sealed; NULL: no memory. */
const uint8_t *keeper_session_key(struct keeper *k, uint32_t epoch);
/* The key of an epoch's tickets; NULL: no memory. */
const uint8_t *keeper_ticket_key(struct keeper *k, uint32_t epoch);

/* audit.c */
/* Appends a row; takes row (an object); NULL is out of memory. */
bool audit_add(struct keeper *k, const char *kind, const char *resource, json_t *row);
/* The same, member for member, where rows are many. A value of NULL is left out. audit_end() takes row. */
struct buffer audit_begin(struct keeper *k, const char *kind);
bool audit_end(struct keeper *k, const char *kind, const char *resource, struct buffer *row);
void member_text(struct buffer *b, const char *name, const char *value);
void member_number(struct buffer *b, const char *name, uint64_t value);
void member_json(struct buffer *b, const char *name, const json_t *value);
bool
audit_head(struct keeper *k, bool now); /* signs a head if one is due, or now if any row is new */
bool audit_open(struct keeper *k, struct assay_error *err); /* looks whether its end is whole */
bool audit_load(struct keeper *k);

/* session.c: KEEPER_ATTEST, KEEPER_RELEASE and KEEPER_WOULD_RELEASE, KEEPER_SIGN */
void keeper_attest(struct keeper *k, const struct ipc_message *m, struct reply *r);
void keeper_release(struct keeper *k, const struct ipc_message *m, struct reply *r);
void keeper_sign(struct keeper *k, const struct ipc_message *m, struct reply *r);

/* refusals.c: whether what a session is refused is still a row. *last: the next one will be none. */
bool refusal_is_row(struct keeper *k, const char *session, bool *last);
void refusals_free(struct refusals *r); /* NULL is fine */

/* admin.c, collateral.c */
void keeper_admin(struct keeper *k, const struct ipc_message *m, struct reply *r);
void keeper_collateral(struct keeper *k, const struct ipc_message *m, struct reply *r);
void keeper_floors(struct keeper *k, const struct ipc_message *m, struct reply *r);

void hex_text(char *out, const uint8_t *in, size_t n); /* 2 n + 1 bytes */
bool hex_bytes(uint8_t *out, size_t n, struct assay_bytes text);
void time_text(char out[32], int64_t t); /* "2026-11-21T07:15:40Z" */
/* Letters, digits, '.', '_', '-', at most NAME_MAX_LEN, not beginning with '.'. */
bool name_good(const char *name);

#endif
