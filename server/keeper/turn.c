/* SPDX-License-Identifier: Apache-2.0 */
#include "core.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../text.h"

/* --- small things that all of the keeper's files use ------------------------------------- */

void
hex_text(char *out, const uint8_t *in, size_t n)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < n; i++) {
		*out++ = digits[in[i] >> 4];
		*out++ = digits[in[i] & 0xf];
	}
	*out = '\0';
}

bool
hex_bytes(uint8_t *out, size_t n, struct assay_bytes text)
{
	if (text.len != 2 * n)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		uint8_t c = text.ptr[i], v;
		if (c >= '0' && c <= '9')
			v = (uint8_t)(c - '0');
		else if (c >= 'a' && c <= 'f')
			v = (uint8_t)(c - 'a' + 10);
		else
			return false;
		out[i / 2] = (uint8_t)(i % 2 == 0 ? v << 4 : out[i / 2] | v);
	}
	return true;
}

void
time_text(char out[32], int64_t t)
{
	time_t when = (time_t)t;
	struct tm tm;

	if (gmtime_r(&when, &tm) == NULL || strftime(out, 32, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		out[0] = '\0';
}

void
keeper_trouble(struct keeper *k, const char *sentence)
{
	if (!k->failed)
		(void)snprintf(k->error, sizeof k->error, "%s", sentence);
	k->failed = true;
}

void
keeper_store_trouble(struct keeper *k)
{
	keeper_trouble(k, store_error(k->store));
}

void
reply_clear(struct reply *r)
{
	seal_free(r->data, r->len);
	*r = (struct reply){ .status = KEEPER_DONE };
}

void
reply_refuse(struct reply *r, enum keeper_status status, const char *fmt, ...)
{
	va_list ap;

	reply_clear(r);
	r->status = status;
	va_start(ap, fmt);
	(void)vsnprintf(r->sentence, sizeof r->sentence, fmt, ap);
	va_end(ap);
}

void
reply_text(struct keeper *k, struct reply *r, char *text)
{
	if (text == NULL) {
		keeper_trouble(k, "out of memory");
		return;
	}
	r->data = (uint8_t *)text;
	r->len = strlen(text);
}

/* Of the longest list in it. */
static size_t
count_listed(json_t *json)
{
	const char *name;
	json_t *value;
	size_t most = 0;

	json_object_foreach(json, name, value)
	{
		if (json_array_size(value) > most)
			most = json_array_size(value);
	}
	return most;
}

/* What no message can hold is told: a line that is closed for it stays closed. Lists grow so long; what
 * changes something answers with little. */
void
reply_json(struct keeper *k, struct reply *r, json_t *json, bool compact)
{
	reply_text(k, r, json != NULL ? json_dumps(json, compact ? JSON_COMPACT : 0) : NULL);
	size_t most = k->message_most - 64; /* for what is around it */
	if (r->len > most)
		reply_refuse(r, KEEPER_CONFLICT,
		    "the answer would list %zu things in %zu bytes, and can have %zu; ask for "
		    "fewer, "
		    "or remove what nobody needs",
		    count_listed(json), r->len, most);
	json_decref(json);
}

/* --- a turn ------------------------------------------------------------------------------ */

/*
 * A clock that was ahead has let tickets expire and be forgotten; set back, they would be good again,
 * and their challenges answered twice. So a step back ends all of them: there is a new root. What the
 * time has been at the most is not taken from each row: many small steps make a great one.
 */
static bool
check_steps(struct keeper *k)
{
	char from[32], to[32];
	int64_t latest = k->latest;

	if (latest == 0)
		latest = k->chain.time > (int64_t)k->noted ? k->chain.time : (int64_t)k->noted;
	if (k->now >= latest - SKEW_S) {
		k->latest = k->now > latest ? k->now : latest;
		return true;
	}
	time_text(from, latest);
	time_text(to, k->now);
	log_say("the clock has stepped back from %s to %s; all sessions end, clients begin again",
	    from, to);
	return keeper_make_root(k) && keeper_note_time(k) &&
	    audit_add(k, "clock", NULL, json_pack("{s:s, s:s}", "from", from, "to", to)) &&
	    keeper_changed(k, false);
}

/* What was attested under them is not accepted any more. */
static bool
count_ends(struct keeper *k)
{
	if (k->now < k->counted && !keeper_load_ends(k))
		return false;
	k->counted = k->now;
	if (k->ends > k->now)
		return true;
	log_say("reference values have ended: what was attested before is judged anew");
	return keeper_changed(k, true) && keeper_note_time(k);
}

bool
keeper_check_clock(struct keeper *k)
{
	return check_steps(k) && count_ends(k);
}

static void
handle(struct keeper *k, const struct ipc_message *m, struct reply *r)
{
	switch (m->op) {
	case KEEPER_VIEW:
		keeper_view(k, r);
		break;
	case KEEPER_ATTEST:
		keeper_attest(k, m, r);
		break;
	case KEEPER_RELEASE:
	case KEEPER_WOULD_RELEASE:
		keeper_release(k, m, r);
		break;
	case KEEPER_SIGN:
		keeper_sign(k, m, r);
		break;
	case KEEPER_ADMIN_DO:
	case KEEPER_ADMIN_MAY:
		keeper_admin(k, m, r);
		break;
	case KEEPER_COLLATERAL:
		keeper_collateral(k, m, r);
		break;
	case KEEPER_FLOORS:
		keeper_floors(k, m, r);
		break;
	default:
		reply_refuse(r, KEEPER_MALFORMED, "there is no operation %u", m->op);
		break;
	}
}

/* While the master key is being changed: a few items more in each turn. */
static bool
reseal_some(struct keeper *k, bool *done)
{
	bool left = false;

	*done = false;
	if (!vault_changing(k->vault) || k->resealed)
		return true;
	if (!items_reseal(k, &left))
		return false;
	*done = !left && !k->resealed;
	return true;
}

static void
reseal_end(struct keeper *k)
{
	struct assay_error err;

	if (vault_changed(k->vault, &err) == ASSAY_OK)
		log_say("the master key has been changed; backups that were made before need the "
			"old one");
	else
		log_say("master key: %s", err.text);
	k->resealed = vault_changing(k->vault);
}

/* Forgets expired sessions, twice as many as can have come to it since the last time: once a second,
 * since no more expire in between, or when many have come. */
static bool
prune(struct keeper *k, size_t count)
{
	struct store_value args[] = { store_n(k->now - SKEW_S), store_n(0) };

	k->unpruned += count;
	if (k->now == k->pruned && k->unpruned < BATCH_MAX)
		return true;
	args[1] = store_n((int64_t)(2 * k->unpruned + 16));
	k->pruned = k->now;
	k->unpruned = 0;
	if (store_do(k->store, SPENT_PRUNE, args, 2))
		return store_changes(k->store) == 0 || keeper_note_time(k);
	keeper_store_trouble(k);
	return false;
}

static void
nothing_done(struct keeper *k, struct reply *replies, size_t count)
{
	/* The same sentence each second would fill the disk that is full. */
	if (k->now != k->complained || strcmp(k->error, k->complaint) != 0)
		log_say("nothing was done of %zu requests: %s", count, k->error);
	k->complained = k->now;
	memcpy(k->complaint, k->error, sizeof k->complaint);
	for (size_t i = 0; i < count; i++)
		reply_refuse(&replies[i], KEEPER_TROUBLE, "%s", k->error);
}

bool
keeper_turn(
    struct keeper *k, const struct ipc_message *requests, struct reply *replies, size_t count)
{
	bool resealed = false, ok;
	int64_t counted = k->counted;

	for (size_t i = 0; i < count; i++)
		replies[i] = (struct reply){ .status = KEEPER_DONE };
	k->now = k->clock(k->clock_arg);
	k->failed = false;
	ok = store_begin(k->store);
	if (!ok)
		keeper_store_trouble(k);
	ok = ok && (k->loaded || keeper_load(k)) && keeper_check_clock(k);
	for (size_t i = 0; ok && i < count; i++) {
		handle(k, &requests[i], &replies[i]);
		ok = !k->failed;
	}
	ok = ok && prune(k, count) && audit_head(k, false) && reseal_some(k, &resealed);
	if (ok && !store_commit(k->store)) {
		keeper_store_trouble(k);
		ok = false;
	}
	if (!ok) {
		store_rollback(k->store);
		k->loaded = false; /* memory may know what the disk does not */
		k->counted = counted;
		nothing_done(k, replies, count);
		return false;
	}
	if (k->now < k->latest - SKEW_S)
		k->latest = k->now; /* the step is on record */
	if (resealed)
		reseal_end(k);
	return true;
}
