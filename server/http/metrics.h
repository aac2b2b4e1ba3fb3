/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAYD_METRICS_H
#define ASSAYD_METRICS_H

/*
 * Counters of one worker. Only its own thread counts; any thread may read. What labels say is text of
 * ours: no name of a secret and nothing that a client sent.
 */

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

struct route;

enum { COUNTERS_MAX = 128, METRIC_ROUTES_MAX = 96, STATUS_CLASSES = 5, BUCKETS = 12 };

struct counter {
	const char *name, *label[2], *value[2]; /* static text; label NULL: none */
	_Atomic uint64_t n;
};

struct route_counts {
	_Atomic uint64_t classes[STATUS_CLASSES]; /* 1xx to 5xx */
	_Atomic uint64_t buckets[BUCKETS + 1];    /* the last: longer than all */
	_Atomic uint64_t total_us;
};

struct metrics {
	struct counter counters[COUNTERS_MAX];
	_Atomic size_t counter_count;
	struct route_counts
	    routes[METRIC_ROUTES_MAX + 1]; /* by metrics_route(); the first: no route */
};

void metrics_count(
    struct metrics *m, const char *name, const char *const label[2], const char *const value[2]);
/* One request is answered. route may be NULL. */
void metrics_request(struct metrics *m, const struct route *route, int status, uint64_t us);

struct gauge {
	const char *name, *help;
	double value;
};
/* The sum of all, in the text format of Prometheus (version 0.0.4); the caller frees. NULL: no memory. */
char *metrics_print(
    struct metrics *const *of, size_t count, const struct gauge *gauges, size_t gauge_count);

#endif
