/* SPDX-License-Identifier: Apache-2.0 */
#include "eventlog/eventlog.h"

#include <string.h>

/*
 * A final value tells that a log differs, but not where: the hash chain does not run backwards.
 * Still most lies are one change, and there are few single changes: each is tried.
 */

enum {
	EVENTS_TRIED = 512, /* in all logs together: the search is quadratic */
	EVENT_NAME = 92,
};

/* --- one chain, with one change ---------------------------------------------------------- */

struct chain {
	const struct assay_log *logs;
	size_t count;
	uint16_t algorithm, size;
	unsigned reg;
};

enum change {
	NO_CHANGE,
	OMITTED, /* the event is left out */
	DOUBLED, /* it is extended twice */
	OWN,     /* its digest is that of its data */
	MOVED,   /* it is taken from its own register into this one */
	SWAPPED, /* it comes behind the next event of this register */
};

struct edit {
	enum change change;
	size_t log, event;
};

static void
extend_own(uint8_t r[ASSAY_LOG_DIGEST_MAX], const struct assay_log_event *ev,
    const struct assay_log_digest *digest)
{
	struct assay_log_digest own = *digest;

	assay_bank_hash(own.bytes, own.algorithm, &ev->data, 1);
	assay_register_extend(r, ev, &own);
}

static void
extend_here(uint8_t r[ASSAY_LOG_DIGEST_MAX], const struct assay_log_event *ev,
    const struct assay_log_digest *d, enum change change)
{
	switch (change) {
	case NO_CHANGE:
	case MOVED:
		assay_register_extend(r, ev, d);
		break;
	case OMITTED:
	case SWAPPED: /* kept for later */
		break;
	case DOUBLED:
		assay_register_extend(r, ev, d);
		assay_register_extend(r, ev, d);
		break;
	case OWN:
		extend_own(r, ev, d);
		break;
	}
}

/* The value of the register if the log is changed in this one place. */
static void
run(uint8_t r[ASSAY_LOG_DIGEST_MAX], const struct chain *c, struct edit edit)
{
	struct assay_log_event kept = { 0 };
	const struct assay_log_digest *kept_digest = NULL;

	assay_register_reset(r, c->logs, c->count, c->size, c->reg);
	for (size_t i = 0; i < c->count; i++) {
		struct assay_log_event ev = { 0 };
		while (assay_log_next(&ev, &c->logs[i])) {
			bool here =
			    edit.change != NO_CHANGE && i == edit.log && ev.number == edit.event;
			const struct assay_log_digest *d = assay_log_digest_of(&ev, c->algorithm);
			if (!ev.extends || d == NULL ||
			    (ev.reg != c->reg && !(here && edit.change == MOVED)))
				continue;
			extend_here(r, &ev, d, here ? edit.change : NO_CHANGE);
			if (here && edit.change == SWAPPED) {
				kept = ev;
				kept_digest = assay_log_digest_of(&kept, c->algorithm);
			} else if (kept_digest != NULL) {
				assay_register_extend(r, &kept, kept_digest);
				kept_digest = NULL;
			}
		}
	}
	if (kept_digest != NULL)
		assay_register_extend(r, &kept, kept_digest);
}

static bool
is_value(const struct chain *c, const uint8_t *r, const uint8_t *expected)
{
	return memcmp(r, expected, c->size) == 0;
}

/* --- which change ------------------------------------------------------------------------ */

/* "event 17 (EV_IPL)", "event 3 of log 2 (EV_IPL)" */
static void
event_name(char out[EVENT_NAME], const struct chain *c, size_t log, size_t number)
{
	struct assay_log_event ev = { 0 };
	char type[40] = "", where[24] = "";

	while (ev.number < number && assay_log_next(&ev, &c->logs[log]))
		continue;
	const char *name = assay_log_type_name(ev.type);
	if (c->logs[log].kind == ASSAY_LOG_IMA)
		(void)snprintf(type, sizeof type, "IMA");
	else if (name != NULL)
		(void)snprintf(type, sizeof type, "%s", name);
	else
		(void)snprintf(type, sizeof type, "type 0x%08x", ev.type);
	if (c->count > 1)
		(void)snprintf(where, sizeof where, " of log %zu", log + 1);
	(void)snprintf(out, EVENT_NAME, "event %zu%s (%s)", number, where, type);
}

/* The value at some earlier time: what follows was not extended, or only later. */
static bool
find_prefix(struct edit *at, const struct chain *c, const uint8_t *expected)
{
	uint8_t r[ASSAY_LOG_DIGEST_MAX];

	assay_register_reset(r, c->logs, c->count, c->size, c->reg);
	for (size_t i = 0; i < c->count; i++) {
		struct assay_log_event ev = { 0 };
		while (assay_log_next(&ev, &c->logs[i])) {
			const struct assay_log_digest *d = assay_log_digest_of(&ev, c->algorithm);
			if (!ev.extends || ev.reg != c->reg || d == NULL)
				continue;
			*at = (struct edit){ OMITTED, i, ev.number };
			if (is_value(c, r, expected))
				return true;
			assay_register_extend(r, &ev, d);
		}
	}
	return false;
}

static bool
applies(const struct chain *c, const struct assay_log_event *ev, enum change change)
{
	bool sure;

	if (!ev->extends || (ev->reg != c->reg) != (change == MOVED))
		return false;
	return change != OWN || assay_log_covers_data(ev, &sure);
}

static bool
find_change(struct edit *at, const struct chain *c, const uint8_t *expected)
{
	static const enum change changes[] = { OWN, OMITTED, DOUBLED, SWAPPED, MOVED };
	size_t events = 0;
	uint8_t r[ASSAY_LOG_DIGEST_MAX];

	for (size_t i = 0; i < c->count; i++)
		events += c->logs[i].events;
	if (events > EVENTS_TRIED)
		return false;
	for (size_t n = 0; n < sizeof changes / sizeof changes[0]; n++) {
		for (size_t i = 0; i < c->count; i++) {
			struct assay_log_event ev = { 0 };
			while (assay_log_next(&ev, &c->logs[i])) {
				if (!applies(c, &ev, changes[n]))
					continue;
				*at = (struct edit){ changes[n], i, ev.number };
				run(r, c, *at);
				if (is_value(c, r, expected))
					return true;
			}
		}
	}
	return false;
}

static void
explain(struct assay_log_finding *f, const struct chain *c, unsigned events)
{
	struct assay_log_name name = assay_log_register_name(c->logs[0].cc, c->reg);
	struct edit at = { NO_CHANGE, 0, 0 };
	char event[EVENT_NAME];

	if (events == 0) {
		(void)snprintf(f->text, sizeof f->text,
		    "%s: no event of the log extends it, but it was extended: events are missing "
		    "from the log",
		    name.text);
		return;
	}
	bool prefix = find_prefix(&at, c, f->expected);
	if (!prefix && !find_change(&at, c, f->expected)) {
		(void)snprintf(f->text, sizeof f->text,
		    "%s: no single change of the log explains the value: events are missing from "
		    "the "
		    "log, or several were altered; compare with a log known to be good",
		    name.text);
		return;
	}
	f->log = at.log;
	f->event = at.event;
	event_name(event, c, at.log, at.event);
	static const char *const what[] = {
		[NO_CHANGE] = "",
		[OMITTED] = "is in the log, but was not extended; all others fit",
		[DOUBLED] = "was extended twice, and stands in the log once",
		[OWN] = "has an altered digest: that of its data fits",
		[MOVED] = "was extended here, but stands in the log for another register",
		[SWAPPED] = "and the next event of the register have changed places",
	};
	(void)snprintf(f->text, sizeof f->text, "%s: %s %s", name.text, event,
	    prefix ? "and all behind it are in the log, but were not extended when the evidence "
		     "was made"
		   : what[at.change]);
}

/* --- comparing --------------------------------------------------------------------------- */

static const struct assay_register_bank *
bank_in(const struct assay_registers *regs, uint16_t algorithm)
{
	for (size_t i = 0; i < regs->bank_count; i++)
		if (regs->banks[i].algorithm == algorithm)
			return &regs->banks[i];
	return NULL;
}

static enum assay_code
conclude(struct assay_log_finding *out, struct assay_log_finding *f, enum assay_log_outcome outcome,
    struct assay_error *err)
{
	static const enum assay_code codes[] = {
		[0] = ASSAY_E_USAGE,
		[ASSAY_LOG_EQUAL] = ASSAY_OK,
		[ASSAY_LOG_DIFFERS] = ASSAY_E_SIGNATURE,
		[ASSAY_LOG_UNTOLD] = ASSAY_E_INCOMPLETE,
	};

	f->outcome = outcome;
	*out = *f;
	return codes[outcome] == ASSAY_OK ? ASSAY_OK
					  : assay_fail(err, codes[outcome], "%s", f->text);
}

static unsigned
count_events(const struct chain *c)
{
	unsigned n = 0;

	for (size_t i = 0; i < c->count; i++) {
		struct assay_log_event ev = { 0 };
		while (assay_log_next(&ev, &c->logs[i]))
			n += ev.extends && ev.reg == c->reg;
	}
	return n;
}

enum assay_code
assay_log_compare(struct assay_log_finding *out, const struct assay_log *logs, size_t count,
    const struct assay_registers *expected, uint16_t algorithm, unsigned reg,
    struct assay_error *err)
{
	struct assay_log_finding f = { 0 };
	struct assay_registers replayed;
	enum assay_code rc = assay_log_replay(&replayed, logs, count, err);

	if (rc != ASSAY_OK)
		return rc;
	if (reg >= ASSAY_LOG_REGISTERS)
		return assay_fail(err, ASSAY_E_USAGE, "event log: there is no register %u", reg);
	struct assay_log_name name = assay_log_register_name(logs[0].cc, reg);
	const struct assay_register_bank *log = bank_in(&replayed, algorithm);
	const struct assay_register_bank *evidence = bank_in(expected, algorithm);
	if (evidence == NULL || expected->cc != logs[0].cc || (evidence->known & 1U << reg) == 0) {
		(void)snprintf(f.text, sizeof f.text, "%s: the evidence has no %s value of it",
		    name.text, assay_log_bank_name(algorithm));
		return conclude(out, &f, ASSAY_LOG_UNTOLD, err);
	}
	memcpy(f.expected, evidence->value[reg], evidence->size);
	if (log == NULL || (log->untold & 1U << reg) != 0) {
		(void)snprintf(f.text, sizeof f.text, "%s: %s has no %s digests", name.text,
		    count > 1 ? "one of the logs" : "the log", assay_log_bank_name(algorithm));
		return conclude(out, &f, ASSAY_LOG_UNTOLD, err);
	}
	memcpy(f.replayed, log->value[reg], log->size);
	struct chain chain = { logs, count, algorithm, log->size, reg };
	unsigned events = count_events(&chain);
	if (memcmp(f.replayed, f.expected, sizeof f.replayed) == 0) {
		if (events == 0)
			(void)snprintf(f.text, sizeof f.text,
			    "%s: equal: no event extends it, and it was not extended", name.text);
		else
			(void)snprintf(f.text, sizeof f.text, "%s: equal after %u event%s",
			    name.text, events, events > 1 ? "s" : "");
		return conclude(out, &f, ASSAY_LOG_EQUAL, err);
	}
	explain(&f, &chain, events);
	return conclude(out, &f, ASSAY_LOG_DIFFERS, err);
}

/* --- against another log ----------------------------------------------------------------- */

/* The next event of the register in any of the logs. */
static bool
next_here(struct assay_log_event *ev, size_t *log, const struct chain *c)
{
	for (; *log < c->count; ++*log, *ev = (struct assay_log_event){ 0 })
		while (assay_log_next(ev, &c->logs[*log]))
			if (ev->extends && ev->reg == c->reg)
				return true;
	return false;
}

static bool
same_digest(const struct assay_log_digest *x, const struct assay_log_digest *y)
{
	return x != NULL && y != NULL && x->size == y->size &&
	    memcmp(x->bytes, y->bytes, x->size) == 0;
}

enum assay_code
assay_log_differ(struct assay_log_finding *out, const struct assay_log *logs, size_t count,
    const struct assay_log *reference, uint16_t algorithm, unsigned reg, struct assay_error *err)
{
	const struct assay_bank_algorithm *a = assay_bank_find(algorithm);
	struct assay_log_finding f = { 0 };

	if (count == 0 || a == NULL || reg >= ASSAY_LOG_REGISTERS)
		return assay_fail(
		    err, ASSAY_E_USAGE, "event log: no log, no such bank, or no such register");
	struct chain ours = { logs, count, algorithm, a->size, reg };
	struct chain theirs = { reference, 1, algorithm, a->size, reg };
	struct assay_log_name name = assay_log_register_name(logs[0].cc, reg);
	if (logs[0].cc != reference->cc) {
		(void)snprintf(f.text, sizeof f.text, "%s: the other log is of %s", name.text,
		    reference->cc ? "RTMRs" : "PCRs");
		return conclude(out, &f, ASSAY_LOG_UNTOLD, err);
	}
	struct assay_log_event x = { 0 }, y = { 0 };
	size_t i = 0, j = 0;
	unsigned equal = 0;
	char event[EVENT_NAME], other[EVENT_NAME];
	for (;;) {
		bool more = next_here(&x, &i, &ours), more_there = next_here(&y, &j, &theirs);
		if (!more && !more_there) {
			(void)snprintf(f.text, sizeof f.text, "%s: %u event%s, all the same",
			    name.text, equal, equal == 1 ? "" : "s");
			return conclude(out, &f, ASSAY_LOG_EQUAL, err);
		}
		const struct assay_log_digest *dx =
		    more ? assay_log_digest_of(&x, algorithm) : NULL;
		const struct assay_log_digest *dy =
		    more_there ? assay_log_digest_of(&y, algorithm) : NULL;
		if (more && more_there && same_digest(dx, dy)) {
			equal++;
			continue;
		}
		if (dx != NULL)
			memcpy(f.replayed, dx->bytes, dx->size);
		if (dy != NULL)
			memcpy(f.expected, dy->bytes, dy->size);
		f.log = more ? i : 0;
		f.event = more ? x.number : 0;
		if (more)
			event_name(event, &ours, i, x.number);
		if (more_there)
			event_name(other, &theirs, 0, y.number);
		if (more && more_there)
			(void)snprintf(f.text, sizeof f.text,
			    "%s: %s is the first that differs; the other log has %s", name.text,
			    event, other);
		else if (more)
			(void)snprintf(f.text, sizeof f.text,
			    "%s: %s is the first that the other log does not have", name.text,
			    event);
		else
			(void)snprintf(f.text, sizeof f.text,
			    "%s: %s of the other log is the first that is missing", name.text,
			    other);
		return conclude(out, &f, ASSAY_LOG_DIFFERS, err);
	}
}
