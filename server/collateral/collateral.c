/* SPDX-License-Identifier: Apache-2.0 */
#include "collateral.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>

#include "../text.h"
#include "../stamp.h"
#include "judge.h"
#include "wire.h"

enum {
	ORDERS_MAX = 1024, /* things that are wanted at one time */
	VCEKS_MAX = 4096,  /* fetched ones: strangers ask for them, chip by chip, TCB by TCB */
	SOON_S = 2,        /* a fetch that goes on may have ended by then */
	UNKNOWN_S = 600,   /* before a service is asked again for what it does not know */
	BAD_S = 900,       /* or for what it answers wrongly */
	STALE_S = 3600,    /* or for a renewal of what it has no newer one of */
	AGAIN_S = 5,
	STORED_S = 60,  /* the longest that what was kept takes to be in a view */
	TRIES_MAX = 20, /* of what is only wanted; what is there is renewed for ever */
};

enum state {
	WAITING, /* until due */
	ASKED,
	UNKNOWN, /* until due nobody is asked again */
	SETTLED, /* kept; forgotten with the next view */
};

/* A thing that is wanted, or is to be renewed. */
struct order {
	struct want want;
	char key[WANT_NAME];
	enum state state;
	bool renewal;
	int64_t due; /* Unix seconds */
	unsigned tries;
	uint32_t id;
	struct buffer
	    kept; /* AMD's certificates, until a view has them: what comes next is below them */
	char why[256]; /* it did not come */
};

struct collateral {
	struct collateral_setup setup;
	struct bufferevent *line;
	_Atomic bool fetches; /* there is a line */
	struct event *wake, *timer;
	int wake_fd;
	uint32_t last_id;
	uint64_t floor_evaluation;
	char floors[512]; /* told last */

	pthread_mutex_t lock; /* what follows */
	struct order *orders[ORDERS_MAX];
	size_t order_count;
	struct view *view;
	struct shelf *shelf;
	char *items; /* JSON of the view's items, once someone has asked */
	size_t items_len;
	int64_t items_until;
};

static int64_t
clock_s(void)
{
	return (int64_t)time(NULL);
}

/* --- orders; under the lock ------------------------------------------------------------------ */

static struct order *
find_order(const struct collateral *c, const char *key)
{
	for (size_t i = 0; i < c->order_count; i++)
		if (strcmp(c->orders[i]->key, key) == 0)
			return c->orders[i];
	return NULL;
}

static void
drop_order(struct collateral *c, size_t i)
{
	buffer_clear(&c->orders[i]->kept);
	free(c->orders[i]);
	c->orders[i] = c->orders[--c->order_count];
}

/* Room for one more: what nobody waits for any more goes first. */
static bool
make_room(struct collateral *c)
{
	size_t oldest = SIZE_MAX;

	if (c->order_count < ORDERS_MAX)
		return true;
	for (size_t i = 0; i < c->order_count; i++) {
		const struct order *o = c->orders[i];
		if (o->state == ASKED || o->renewal || o->kept.len > 0)
			continue;
		if (oldest == SIZE_MAX || o->due < c->orders[oldest]->due)
			oldest = i;
	}
	if (oldest != SIZE_MAX)
		drop_order(c, oldest);
	return oldest != SIZE_MAX;
}

static struct order *
new_order(struct collateral *c, const struct want *w, const char *key)
{
	struct order *o = make_room(c) ? calloc(1, sizeof *o) : NULL;

	if (o == NULL)
		return NULL;
	o->want = *w;
	snprintf(o->key, sizeof o->key, "%s", key);
	c->orders[c->order_count++] = o;
	return o;
}

/* Wanted now. In how many seconds there may be more to say. */
static int64_t
order(struct collateral *c, const struct want *w, int64_t now)
{
	char key[WANT_NAME];

	shelf_key(key, w);
	struct order *o = find_order(c, key);
	if (o == NULL) {
		if ((o = new_order(c, w, key)) == NULL)
			return UNKNOWN_S;
		o->due = now;
	} else if (o->state == UNKNOWN && o->due <= now) {
		o->state = WAITING;
	} else if (o->state == WAITING && o->due > now && o->why[0] == '\0') {
		o->due = now; /* it was to be renewed later */
	}
	if (o->state == ASKED || o->state == SETTLED || o->due <= now)
		return SOON_S;
	return o->due - now;
}

/* A VCEK is judged by the certificates above it, and judged with its CRL: they are asked for first. */
static void
order_above(struct collateral *c, const struct want *w, int64_t now)
{
	static const enum thing above[] = { THING_AMD_CHAIN, THING_AMD_CRL };
	char key[WANT_NAME];

	for (size_t i = 0; i < sizeof above / sizeof above[0]; i++) {
		struct want up = { .thing = above[i], .vlek = w->vlek };
		memcpy(up.product, w->product, sizeof up.product);
		shelf_key(key, &up);
		if (up.thing < w->thing || w->thing == THING_VCEK) {
			const struct shelf_item *there = shelf_find(c->shelf, key);
			if (there == NULL ||
			    assay_trust_item_until(c->shelf->trust, there->i) <= now)
				(void)order(c, &up, now);
		}
	}
}

static bool
is_chain_of(const struct order *o, const struct want *w)
{
	return o->want.thing == THING_AMD_CHAIN && o->want.vlek == w->vlek &&
	    strcmp(o->want.product, w->product) == 0;
}

/* What is above it is on its way. */
static bool
must_wait(const struct collateral *c, const struct order *o, int64_t now)
{
	if (o->want.thing != THING_VCEK && o->want.thing != THING_AMD_CRL)
		return false;
	for (size_t i = 0; i < c->order_count; i++) {
		const struct order *up = c->orders[i];
		if (is_chain_of(up, &o->want) &&
		    (up->state == ASKED || (up->state == WAITING && up->due <= now)))
			return true;
	}
	return false;
}

/* --- asking ---------------------------------------------------------------------------------- */

static void
wake_up(struct collateral *c)
{
	const uint64_t one = 1;

	if (write(c->wake_fd, &one, sizeof one) != (ssize_t)sizeof one && errno != EAGAIN)
		log_say("the fetching of collateral cannot be woken: %s", strerror(errno));
}

static void
ask(struct collateral *c, struct order *o)
{
	size_t len;
	uint8_t *message = fetch_request_write(&len, ++c->last_id, &o->want);

	if (message != NULL && bufferevent_write(c->line, message, len) == 0) {
		o->state = ASKED;
		o->id = c->last_id;
	}
	free(message);
}

/* Asks for all that is due, and sets the clock for what is not. */
static void
ask_all(struct collateral *c)
{
	int64_t now = clock_s(), next = now + STALE_S;

	pthread_mutex_lock(&c->lock);
	for (size_t i = 0; i < c->order_count; i++) {
		struct order *o = c->orders[i];
		if (o->state == SETTLED && o->due + STORED_S <= now)
			o->state = WAITING; /* the keeper could not store it */
		if (o->state != WAITING)
			continue;
		if (o->due > now)
			next = o->due < next ? o->due : next;
		else if (!must_wait(c, o, now))
			ask(c, o);
	}
	pthread_mutex_unlock(&c->lock);
	const struct timeval in = { .tv_sec = next - now };
	event_add(c->timer, &in);
}

static void
woken(evutil_socket_t fd, short what, void *arg)
{
	struct collateral *c = arg;
	uint64_t n;

	(void)what;
	if (fd >= 0 && read(fd, &n, sizeof n) < 0 && errno != EAGAIN)
		return;
	if (c->line != NULL)
		ask_all(c);
}

int64_t
collateral_want(struct collateral *c, const struct want *w)
{
	int64_t now = clock_s(), after = 0;

	if (!c->fetches)
		return 0;
	pthread_mutex_lock(&c->lock);
	if (c->shelf != NULL) {
		if (w->thing == THING_VCEK || w->thing == THING_AMD_CRL)
			order_above(c, w, now);
		after = order(c, w, now);
	}
	pthread_mutex_unlock(&c->lock);
	wake_up(c);
	return after;
}

/* --- what a verification lacked -------------------------------------------------------------- */

static bool
lacks(const struct assay_checks *checks, const char *what)
{
	for (size_t i = 0; i < assay_missing_count(checks); i++)
		if (strcmp(assay_missing_what(checks, i), what) == 0)
			return true;
	return false;
}

static bool
came_out(const struct assay_checks *checks, const char *id, enum assay_outcome outcome)
{
	for (size_t i = 0; i < assay_checks_count(checks); i++)
		if (assay_check_outcome(checks, i) == outcome &&
		    strcmp(assay_check_id(checks, i), id) == 0)
			return true;
	return false;
}

static bool
skipped(const struct assay_checks *checks, const char *id)
{
	return came_out(checks, id, ASSAY_SKIPPED);
}

/* The report was signed by a chip of AMD's: whoever has none keeps no VCEK in the cache. */
static void
note_use(struct collateral *c, const struct assay_claims *claims, const struct assay_checks *checks)
{
	struct want w = { .thing = THING_VCEK };
	char key[WANT_NAME];

	if (!came_out(checks, "snp.vcek.signature", ASSAY_PASS) ||
	    !came_out(checks, "snp.report.signature", ASSAY_PASS) ||
	    !want_read_snp(&w, claims, checks) || w.vlek)
		return;
	shelf_key(key, &w);
	pthread_mutex_lock(&c->lock);
	if (c->shelf != NULL)
		shelf_use(c->shelf, key, clock_s());
	pthread_mutex_unlock(&c->lock);
}

static void
want_dcap(struct collateral *c, struct want w, const struct assay_checks *checks)
{
	static const struct {
		const char *what;
		enum thing thing;
	} things[] = {
		{ "TCB info", THING_TCB_INFO }, { "QE identity", THING_QE_IDENTITY },
		{ "PCK CRL", THING_PCK_CRL }, { "root CRL", THING_ROOT_CRL },
		{ "TCB signing certificate", THING_TCB_INFO }, /* comes with it */
	};

	for (size_t i = 0; i < sizeof things / sizeof things[0]; i++) {
		w.thing = things[i].thing;
		if (lacks(checks, things[i].what))
			(void)collateral_want(c, &w);
	}
}

static void
want_snp(struct collateral *c, struct want w, const struct assay_claims *claims,
    const struct assay_checks *checks)
{
	/* Reports that do not name their product are of one of these. */
	static const char *const guesses[] = { "Milan", "Genoa" };
	bool leaf = lacks(checks, "VCEK"), told = want_read_snp(&w, claims, checks);
	size_t named = strspn(w.hwid, "0");

	leaf = leaf && told && w.hwid[named] != '\0'; /* a masked chip has no VCEK to ask for */
	for (size_t i = 0; w.product[0] == '\0' && leaf && i < 2; i++) {
		struct want guess = w;
		guess.thing = THING_VCEK;
		snprintf(guess.product, sizeof guess.product, "%s", guesses[i]);
		(void)collateral_want(c, &guess);
	}
	if (w.product[0] == '\0')
		return;
	w.thing = leaf ? THING_VCEK : THING_AMD_CHAIN;
	if (leaf || lacks(checks, "ASK certificate") || lacks(checks, "ASVK certificate"))
		(void)collateral_want(c, &w);
	w.thing = THING_AMD_CRL;
	if (lacks(checks, "AMD CRL") || skipped(checks, "snp.crl"))
		(void)collateral_want(c, &w);
}

void
collateral_want_for(struct collateral *c, const struct assay_evidence *ev,
    const struct assay_claims *claims, const struct assay_checks *checks)
{
	const char *tee = assay_evidence_tee(ev);
	struct want w = { .tdx = strcmp(tee, "tdx") == 0 };

	if (c == NULL || !c->fetches)
		return;
	if (strcmp(tee, "snp") == 0)
		note_use(c, claims, checks);
	if (assay_missing_count(checks) == 0 && !skipped(checks, "snp.crl"))
		return;
	if (strcmp(tee, "snp") == 0)
		want_snp(c, w, claims, checks);
	else if ((w.tdx || strcmp(tee, "sgx") == 0) && want_read_dcap(&w, claims))
		want_dcap(c, w, checks);
}

/* --- answers of the fetcher ------------------------------------------------------------------ */

static void
stored(void *arg, const struct ipc_message *answer)
{
	struct collateral *c = arg;

	if (answer->op != KEEPER_DONE)
		log_say("collateral that was fetched could not be stored: %.*s",
		    answer->count > 1 ? (int)answer->field[1].len : 0,
		    answer->count > 1 ? (const char *)answer->field[1].ptr : "");
	c->setup.saw(c->setup.arg, answer);
}

/* The certificates above a thing: on the shelf, or just come. */
static struct buffer
signers_of(struct collateral *c, const struct want *w)
{
	struct buffer pem = { .len = 0 };

	if (w->thing != THING_VCEK && w->thing != THING_AMD_CRL)
		return pem;
	if (!shelf_chain(&pem, c->shelf, w))
		buffer_clear(&pem);
	for (size_t i = 0; i < c->order_count; i++)
		if (is_chain_of(c->orders[i], w))
			buffer_add(&pem, buffer_bytes(&c->orders[i]->kept));
	return pem;
}

/* Something at 2/3 of its life, a little sooner for some than for others; by its key, so that a restart
 * does not change it. */
static int64_t
renewal_of(const char *key, int64_t since, int64_t until)
{
	uint32_t hash = 2166136261U; /* FNV-1a */

	if (since == INT64_MIN || until == INT64_MAX || until <= since)
		return INT64_MAX;
	for (const char *p = key; *p != '\0'; p++)
		hash = (hash ^ (uint8_t)*p) * 16777619U;
	int64_t life = until - since;
	return since + life / 3 * 2 - (int64_t)((double)life / 20 * (hash % 1024) / 1024);
}

/* It did not come, or not as it should. */
static void
postpone(struct order *o, enum state state, int64_t due, const char *why)
{
	o->state = o->renewal ? WAITING : state;
	o->due = due;
	snprintf(o->why, sizeof o->why, "%s", why);
}

/* Which one goes for another VCEK; NULL: none. */
static const char *
make_place(struct collateral *c)
{
	size_t coming = 0;

	for (size_t i = 0; i < c->order_count; i++)
		if (c->orders[i]->state == SETTLED && c->orders[i]->want.thing == THING_VCEK &&
		    shelf_find(c->shelf, c->orders[i]->key) == NULL)
			coming++;
	return shelf_make_place(c->shelf, coming, VCEKS_MAX);
}

static void
keep(struct collateral *c, struct order *o, const struct buffer *bundle, int64_t now)
{
	bool more = o->want.thing == THING_VCEK && shelf_find(c->shelf, o->key) == NULL;
	const char *out = more ? make_place(c) : NULL;
	const struct assay_bytes fields[] = { buffer_bytes(bundle), bytes_of(o->key),
		bytes_of(out != NULL ? out : "") };

	if (o->want.thing == THING_AMD_CHAIN) {
		buffer_clear(&o->kept);
		buffer_add(&o->kept, buffer_bytes(bundle));
	}
	if (out != NULL)
		log_detail("%s goes for it: it was not used for long, or never", out);
	o->state = SETTLED;
	o->due = now;
	keeper_call(c->setup.keeper, KEEPER_COLLATERAL, fields, out != NULL ? 3 : 2, stored, c);
}

static void
came(struct collateral *c, struct order *o, const struct ipc_message *m, int64_t now)
{
	struct buffer signers = signers_of(c, &o->want);
	char name[WANT_NAME], from[QUOTE_ROOM];
	struct judged j;

	judge(&j, &o->want, m->field[1], m->field[2], buffer_bytes(&signers), c->setup.roots,
	    c->setup.root_count, c->shelf, now);
	buffer_clear(&signers);
	want_name(&o->want, name);
	text_quote(from, m->field[3]);
	o->tries = 0;
	o->why[0] = '\0';
	switch (j.what) {
	case KEPT:
		log_say("fetched from %s: %s", from, name);
		keep(c, o, &j.bundle, now);
		break;
	case UNCHANGED:
	case OLDER:
		log_detail("fetched from %s: %s: %s", from, name, j.why);
		postpone(o, UNKNOWN, now + STALE_S, "the service has no newer one");
		break;
	case ENDED:
	case REFUSED:
		log_say("from %s: what it answered for %s was not kept: %s", from, name, j.why);
		postpone(o, UNKNOWN, now + BAD_S, j.why);
		break;
	case NO_MEMORY:
		postpone(o, WAITING, now + AGAIN_S, j.why);
		break;
	}
	buffer_clear(&j.bundle);
}

static void
did_not_come(struct order *o, const struct ipc_message *m, uint64_t again_s, int64_t now)
{
	char name[WANT_NAME], why[QUOTE_ROOM];

	want_name(&o->want, name);
	text_quote(why, m->field[3]);
	if (m->op == FETCH_UNKNOWN) {
		log_detail("%s is nowhere: %s", name, why);
		postpone(o, UNKNOWN, now + UNKNOWN_S, why);
		return;
	}
	log_say("%s was not fetched: %s; trying again in %" PRIu64 " s", name, why, again_s);
	o->tries++;
	postpone(o, o->tries < TRIES_MAX ? WAITING : UNKNOWN,
	    now + (int64_t)(again_s > 0 && again_s < STALE_S ? again_s : AGAIN_S), why);
}

/* False: the fetcher broke the contract. */
static bool
answered(struct collateral *c, const struct ipc_message *m)
{
	uint64_t again_s;
	bool known = false;

	if (m->op > FETCH_TROUBLE || m->count != FETCH_ANSWER_FIELDS ||
	    !ipc_get_u64(&again_s, m, 0))
		return false;
	pthread_mutex_lock(&c->lock);
	for (size_t i = 0; i < c->order_count && !known; i++) {
		struct order *o = c->orders[i];
		known = o->state == ASKED && o->id == m->id;
		if (known && m->op == FETCH_DONE)
			came(c, o, m, clock_s());
		else if (known)
			did_not_come(o, m, again_s, clock_s());
	}
	pthread_mutex_unlock(&c->lock);
	ask_all(c); /* what waited for it */
	return known;
}

static void
lost(struct collateral *c, const char *why)
{
	log_say("the fetcher %s: nothing is fetched any more", why);
	bufferevent_free(c->line);
	c->line = NULL;
	c->fetches = false;
}

static void
readable(struct bufferevent *line, void *arg)
{
	struct collateral *c = arg;
	struct evbuffer *in = bufferevent_get_input(line);

	for (;;) {
		uint8_t head[4];
		struct ipc_message m;
		ev_ssize_t n = evbuffer_copyout(in, head, sizeof head);
		size_t size = n == (ev_ssize_t)sizeof head
		    ? ipc_size((struct assay_bytes){ head, sizeof head })
		    : 0;
		if (size == 0 || (size != SIZE_MAX && evbuffer_get_length(in) < size))
			return;
		const uint8_t *bytes =
		    size != SIZE_MAX ? evbuffer_pullup(in, (ev_ssize_t)size) : NULL;
		if (bytes == NULL || !ipc_read(&m, (struct assay_bytes){ bytes, size }) ||
		    !answered(c, &m)) {
			lost(c, "broke the contract");
			return;
		}
		evbuffer_drain(in, size);
	}
}

static void
line_event(struct bufferevent *line, short what, void *arg)
{
	(void)line;
	(void)what;
	lost(arg, "has ended");
}

/* --- floors ---------------------------------------------------------------------------------- */

struct crl_number {
	uint64_t n;
	bool found;
};

static void
take_number(void *arg, const char *group, const char *name, const char *value, const char *note)
{
	struct crl_number *number = arg;
	char *end;

	(void)group;
	(void)note;
	if (strcmp(name, "crlNumber") != 0 || value[0] < '0' || value[0] > '9')
		return;
	errno = 0;
	number->n = strtoull(value, &end, 10);
	number->found = *end == '\0' && errno == 0;
}

/*
 * What must not go back: the CRL numbers of Intel's issuers, and the evaluation number. That is one for
 * all platforms, so it is the least of what is there. AMD has two CRLs of one issuer, whose numbers have
 * nothing to do with each other: for them there is no floor but what is in the store.
 */
static void
tell_floors(struct collateral *c)
{
	uint64_t evaluation = UINT64_MAX;
	struct buffer json = { .len = 0 };
	bool any = false;

	buffer_put(&json, ",\"crl\":{");
	for (size_t n = 0; n < c->shelf->count; n++) {
		const struct shelf_item *item = &c->shelf->items[n];
		const struct assay_trust *trust = c->shelf->trust;
		const char *note = assay_trust_item_note(trust, item->i), *kind;
		struct crl_number number = { .found = false };
		if (assay_trust_item_verify(trust, item->i, NULL) != ASSAY_OK)
			continue;
		if (item->want.thing <= THING_QE_IDENTITY && strncmp(note, "eval ", 5) == 0) {
			uint64_t e = strtoull(note + 5, NULL, 10);
			evaluation = e < evaluation ? e : evaluation;
		}
		if ((item->want.thing != THING_PCK_CRL && item->want.thing != THING_ROOT_CRL) ||
		    assay_inspect(&kind, assay_trust_item_bytes(trust, item->i), take_number,
			&number, NULL) != ASSAY_OK ||
		    !number.found)
			continue;
		buffer_put(&json, any ? "," : "");
		buffer_string(&json, bytes_of(assay_trust_item_subject(trust, item->i)));
		buffer_put(&json, ":");
		buffer_u64(&json, number.n);
		any = true;
	}
	struct buffer all = { .len = 0 };
	buffer_put(&all, "{\"evaluation\":");
	buffer_u64(&all, evaluation != UINT64_MAX ? evaluation : 0);
	buffer_add(&all, buffer_bytes(&json));
	buffer_put(&all, "}}");
	buffer_clear(&json);
	char *text = buffer_take(&all);
	if (text != NULL && (any || evaluation != UINT64_MAX) && strlen(text) < sizeof c->floors &&
	    strcmp(text, c->floors) != 0) {
		const struct assay_bytes field = bytes_of(text);
		strcpy(c->floors, text);
		keeper_call(c->setup.keeper, KEEPER_FLOORS, &field, 1, stored, c);
	}
	free(text);
}

/* --- views ----------------------------------------------------------------------------------- */

/* What is there, to be renewed in time. */
static void
order_renewals(struct collateral *c)
{
	for (size_t n = 0; n < c->shelf->count; n++) {
		const struct shelf_item *item = &c->shelf->items[n];
		const struct assay_trust *trust = c->shelf->trust;
		int64_t due = renewal_of(item->key, assay_trust_item_since(trust, item->i),
		    assay_trust_item_until(trust, item->i));
		/* Nobody says that its dates are true, but whoever signs the one that comes. */
		if (item->unproven)
			due = 0;
		struct order *o = find_order(c, item->key);
		/* Certificates live for years, and a new one is asked for when it is missed. */
		if (item->want.thing == THING_VCEK || item->want.thing == THING_AMD_CHAIN ||
		    due == INT64_MAX || (o != NULL && o->renewal && o->state != SETTLED))
			continue;
		if (o == NULL && (o = new_order(c, &item->want, item->key)) == NULL)
			continue;
		if (o->state == ASKED)
			continue;
		o->renewal = true;
		o->state = WAITING;
		o->due = due;
	}
}

/* What has come is in the view; what is not there any more is not renewed. */
static void
settle(struct collateral *c)
{
	for (size_t i = c->order_count; i-- > 0;) {
		struct order *o = c->orders[i];
		bool there = shelf_find(c->shelf, o->key) != NULL;
		if ((o->state == SETTLED && there && !o->renewal) ||
		    (o->renewal && !there && o->state == WAITING))
			drop_order(c, i);
	}
}

void
collateral_renew(struct collateral *c, struct view *view)
{
	struct shelf *shelf = shelf_new(view->trust), *old;
	struct view *old_view;

	if (shelf == NULL) {
		log_say("out of memory: the cache of collateral stays as it was");
		return;
	}
	view_keep(view);
	pthread_mutex_lock(&c->lock);
	old = c->shelf;
	old_view = c->view;
	shelf_settle(shelf, view, old, clock_s());
	c->shelf = shelf;
	c->view = view;
	free(c->items);
	c->items = NULL;
	settle(c);
	if (c->line != NULL)
		order_renewals(c);
	pthread_mutex_unlock(&c->lock);
	shelf_free(old);
	view_drop(old_view);
	tell_floors(c);
	if (c->line != NULL)
		ask_all(c);
}

/* --- looking things up ----------------------------------------------------------------------- */

static int
copy_item(const struct collateral *c, const struct collateral_request *r, size_t i,
    struct buffer *body, struct buffer *chain)
{
	struct assay_bytes bytes = assay_trust_item_bytes(c->shelf->trust, i);
	const char *note = assay_trust_item_note(c->shelf->trust, i);

	if (r->numbered && strncmp(note, "eval ", 5) == 0) {
		unsigned long have = strtoul(note + 5, NULL, 10);
		if (have != r->evaluation)
			return have > r->evaluation ? 410 : 404;
	}
	if (r->want.thing == THING_AMD_CHAIN) {
		if (!shelf_chain(body, c->shelf, &r->want))
			return 404;
	} else if (r->form == FORM_PEM) {
		shelf_put_pem(body, "X509 CRL", bytes);
	} else if (r->form == FORM_HEX) {
		struct buffer quoted = { .len = 0 };
		buffer_hex(&quoted, bytes);
		if (quoted.len > 2)
			buffer_add(body,
			    (struct assay_bytes){ buffer_bytes(&quoted).ptr + 1, quoted.len - 2 });
		body->broken = body->broken || quoted.broken;
		buffer_clear(&quoted);
	} else {
		buffer_add(body, bytes);
	}
	/* Without it the answer is good for whoever has the certificates already. */
	if (r->chain_header != NULL && !shelf_chain(chain, c->shelf, &r->want))
		buffer_clear(chain);
	return body->broken || chain->broken ? 500 : 200;
}

int
collateral_get(struct collateral *c, const struct collateral_request *r, int64_t now,
    struct buffer *body, struct buffer *chain)
{
	char key[WANT_NAME];
	int status = 404;

	*body = *chain = (struct buffer){ .len = 0 };
	shelf_key(key, &r->want);
	pthread_mutex_lock(&c->lock);
	const struct shelf_item *item = c->shelf != NULL ? shelf_find(c->shelf, key) : NULL;
	if (item != NULL && assay_trust_item_until(c->shelf->trust, item->i) > now)
		status = copy_item(c, r, item->i, body, chain);
	pthread_mutex_unlock(&c->lock);
	return status;
}

/* --- the list -------------------------------------------------------------------------------- */

static void
put_text(struct buffer *json, const char *name, const char *text)
{
	buffer_put(json, "\"");
	buffer_put(json, name);
	buffer_put(json, "\":");
	buffer_string(json, bytes_of(text));
	buffer_put(json, ",");
}

static void
put_item(struct buffer *json, const struct assay_trust *trust, size_t i)
{
	struct assay_error err = { .text = "" };
	enum assay_code code = assay_trust_item_verify(trust, i, &err);

	buffer_put(json, "{");
	put_text(json, "kind", assay_trust_item_kind(trust, i));
	put_text(json, "for", assay_trust_item_subject(trust, i));
	buffer_put(json, "\"since\":");
	stamp_put(json, assay_trust_item_since(trust, i));
	buffer_put(json, ",\"until\":");
	stamp_put(json, assay_trust_item_until(trust, i));
	buffer_put(json, ",");
	put_text(json, "note", assay_trust_item_note(trust, i));
	put_text(json, "file", assay_trust_item_name(trust, i));
	if (code != ASSAY_OK)
		put_text(json, "why", err.text);
	buffer_put(json, "\"genuine\":");
	buffer_put(json, code == ASSAY_OK ? "true" : code == ASSAY_E_INCOMPLETE ? "null" : "false");
	buffer_put(json, "}");
}

struct by_end {
	int64_t until;
	size_t i;
};

static int
ends_first(const void *a, const void *b)
{
	const struct by_end *x = a, *y = b;

	if (x->until != y->until)
		return x->until < y->until ? -1 : 1;
	return x->i < y->i ? -1 : x->i > y->i;
}

/* Once for a view: there may be thousands of items, and each is verified. */
static bool
make_items(struct collateral *c)
{
	const struct assay_trust *trust = c->shelf->trust;
	size_t count = assay_trust_count(trust);
	struct by_end *sorted = calloc(count + 1, sizeof *sorted);
	struct buffer json = { .len = 0 };

	if (sorted == NULL)
		return false;
	for (size_t i = 0; i < count; i++)
		sorted[i] = (struct by_end){ assay_trust_item_until(trust, i), i };
	qsort(sorted, count, sizeof *sorted, ends_first);
	c->items_until = count > 0 ? sorted[0].until : INT64_MAX;
	buffer_put(&json, "[");
	for (size_t n = 0; n < count; n++) {
		buffer_put(&json, n > 0 ? "," : "");
		put_item(&json, trust, sorted[n].i);
	}
	buffer_put(&json, "]");
	free(sorted);
	c->items = buffer_take(&json);
	return c->items != NULL;
}

/* What the state of an order is called. */
static const char *
word(const struct order *o, int64_t now)
{
	if (o->state == ASKED)
		return "asked";
	if (o->state == UNKNOWN)
		return "not found";
	return o->why[0] != '\0' ? "failed" : o->due > now ? "later" : "waiting";
}

static void
put_orders(struct buffer *json, const struct collateral *c, int64_t now)
{
	char name[WANT_NAME];
	bool any = false;

	for (size_t i = 0; i < c->order_count; i++) {
		const struct order *o = c->orders[i];
		if (o->state == SETTLED)
			continue;
		want_name(&o->want, name);
		buffer_put(json, any ? ",{" : "{");
		put_text(json, "what", name);
		put_text(json, "state", word(o, now));
		if (o->why[0] != '\0')
			put_text(json, "why", o->why);
		buffer_put(json, "\"next\":");
		stamp_put(json, o->state == ASKED ? -1 : o->due > now ? o->due : now);
		buffer_put(json, "}");
		any = true;
	}
}

bool
collateral_list(struct collateral *c, int64_t now, struct buffer *json)
{
	bool ok = false;

	pthread_mutex_lock(&c->lock);
	if (c->shelf != NULL && (c->items != NULL || make_items(c))) {
		buffer_put(json, "{\"time\":");
		stamp_put(json, now);
		buffer_put(json, ",\"until\":");
		stamp_put(json, c->items_until);
		buffer_put(json, ",\"items\":");
		buffer_put(json, c->items);
		buffer_put(json, ",\"fetches\":");
		buffer_put(json, c->fetches ? "true" : "false");
		buffer_put(json, ",\"wanted\":[");
		put_orders(json, c, now);
		buffer_put(json, "]}");
		ok = !json->broken;
	}
	pthread_mutex_unlock(&c->lock);
	return ok;
}

/* --------------------------------------------------------------------------------------------- */

struct collateral *
collateral_new(const struct collateral_setup *setup)
{
	struct collateral *c = calloc(1, sizeof *c);

	if (c == NULL)
		return NULL;
	c->setup = *setup;
	if (pthread_mutex_init(&c->lock, NULL) != 0) {
		free(c);
		return NULL;
	}
	c->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	c->timer = event_new(setup->base, -1, 0, woken, c);
	c->wake = c->wake_fd >= 0
	    ? event_new(setup->base, c->wake_fd, EV_READ | EV_PERSIST, woken, c)
	    : NULL;
	if (setup->fetcher >= 0)
		c->line =
		    bufferevent_socket_new(setup->base, setup->fetcher, BEV_OPT_CLOSE_ON_FREE);
	if (c->timer == NULL || c->wake == NULL || event_add(c->wake, NULL) != 0 ||
	    (setup->fetcher >= 0 && c->line == NULL)) {
		collateral_free(c);
		return NULL;
	}
	if (c->line != NULL) {
		bufferevent_setcb(c->line, readable, NULL, line_event, c);
		bufferevent_enable(c->line, EV_READ | EV_WRITE);
		c->fetches = true;
	}
	return c;
}

void
collateral_free(struct collateral *c)
{
	if (c == NULL)
		return;
	while (c->order_count > 0)
		drop_order(c, 0);
	if (c->line != NULL)
		bufferevent_free(c->line);
	if (c->wake != NULL)
		event_free(c->wake);
	if (c->timer != NULL)
		event_free(c->timer);
	if (c->wake_fd >= 0)
		close(c->wake_fd);
	shelf_free(c->shelf);
	view_drop(c->view);
	free(c->items);
	pthread_mutex_destroy(&c->lock);
	free(c);
}
