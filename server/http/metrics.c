/* SPDX-License-Identifier: Apache-2.0 */
#include "metrics.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "routes.h"

static const uint64_t bounds_us[BUCKETS] = { 100, 250, 500, 1000, 2500, 5000, 10000, 25000, 50000,
	100000, 500000, 2500000 };

static void
add(_Atomic uint64_t *n, uint64_t more)
{
	/* One writer each: no read-modify-write of the hardware is needed. */
	atomic_store_explicit(
	    n, atomic_load_explicit(n, memory_order_relaxed) + more, memory_order_relaxed);
}

static uint64_t
get(const _Atomic uint64_t *n)
{
	return atomic_load_explicit(n, memory_order_relaxed);
}

static bool
same(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static bool
same_counter(const struct counter *c, const char *name, const char *const label[2],
    const char *const value[2])
{
	return same(c->name, name) && same(c->label[0], label[0]) && same(c->value[0], value[0]) &&
	    same(c->label[1], label[1]) && same(c->value[1], value[1]);
}

/* The counter of these words, made if it is not there; NULL: the table is full. */
static struct counter *
find_counter(
    struct metrics *m, const char *name, const char *const label[2], const char *const value[2])
{
	size_t n = atomic_load_explicit(&m->counter_count, memory_order_relaxed), i = 0;

	while (i < n && !same_counter(&m->counters[i], name, label, value))
		i++;
	if (i == COUNTERS_MAX)
		return NULL;
	struct counter *c = &m->counters[i];
	if (i == n) {
		c->name = name;
		for (size_t k = 0; k < 2; k++) {
			c->label[k] = label[k];
			c->value[k] = value[k];
		}
		atomic_store_explicit(&m->counter_count, n + 1, memory_order_release);
	}
	return c;
}

void
metrics_count(
    struct metrics *m, const char *name, const char *const label[2], const char *const value[2])
{
	struct counter *c = find_counter(m, name, label, value);

	if (c != NULL) /* labels are few and known beforehand */
		add(&c->n, 1);
}

/* 0 for no route, and for those beyond the table. Routes of one name, such as the verbs of one path, share the
 * counters of the first: a series that stood twice would be taken once. */
static size_t
route_index(const struct route *route)
{
	size_t index = 1;

	if (route == NULL)
		return 0;
	for (const struct route *const *t = routes_all; *t != NULL; t++)
		for (const struct route *r = *t; r->path != NULL; r++, index++)
			if (same(r->name, route->name))
				return index <= METRIC_ROUTES_MAX ? index : 0;
	return 0;
}

void
metrics_request(struct metrics *m, const struct route *route, int status, uint64_t us)
{
	struct route_counts *r = &m->routes[route_index(route)];
	size_t bucket = 0;

	while (bucket < BUCKETS && us > bounds_us[bucket])
		bucket++;
	add(&r->buckets[bucket], 1);
	add(&r->total_us, us);
	if (status >= 100 && status < 600)
		add(&r->classes[status / 100 - 1], 1);
}

/* --- printing ---------------------------------------------------------------------------- */

static void
add_all(struct metrics *sum, const struct metrics *one)
{
	size_t n = atomic_load_explicit(&one->counter_count, memory_order_acquire);

	for (size_t i = 0; i < n; i++) {
		const struct counter *c = &one->counters[i];
		const char *const label[2] = { c->label[0], c->label[1] };
		const char *const value[2] = { c->value[0], c->value[1] };
		struct counter *to = find_counter(sum, c->name, label, value);
		if (to != NULL)
			add(&to->n, get(&c->n));
	}
	for (size_t i = 0; i <= METRIC_ROUTES_MAX; i++) {
		struct route_counts *to = &sum->routes[i];
		const struct route_counts *from = &one->routes[i];
		for (size_t k = 0; k < STATUS_CLASSES; k++)
			add(&to->classes[k], get(&from->classes[k]));
		for (size_t k = 0; k <= BUCKETS; k++)
			add(&to->buckets[k], get(&from->buckets[k]));
		add(&to->total_us, get(&from->total_us));
	}
}

/* All samples of a name stand together, as the format wants it. */
static void
print_counters(FILE *to, const struct metrics *m)
{
	size_t n = atomic_load(&m->counter_count);

	for (size_t i = 0; i < n; i++) {
		const struct counter *first = &m->counters[i];
		size_t before = 0;
		while (before < i && !same(m->counters[before].name, first->name))
			before++;
		if (before < i)
			continue;
		fprintf(to, "# TYPE assayd_%s counter\n", first->name);
		for (size_t k = i; k < n; k++) {
			const struct counter *c = &m->counters[k];
			if (!same(c->name, first->name))
				continue;
			fprintf(to, "assayd_%s", c->name);
			for (size_t l = 0; l < 2 && c->label[l] != NULL; l++)
				fprintf(to, "%s%s=\"%s\"", l == 0 ? "{" : ",", c->label[l],
				    c->value[l]);
			fprintf(to, "%s %llu\n", c->label[0] != NULL ? "}" : "",
			    (unsigned long long)get(&c->n));
		}
	}
}

static uint64_t
answers(const struct route_counts *r)
{
	uint64_t n = 0;

	for (size_t i = 0; i < STATUS_CLASSES; i++)
		n += get(&r->classes[i]);
	return n;
}

static void
print_classes(FILE *to, const char *name, const struct route_counts *r)
{
	for (size_t i = 0; i < STATUS_CLASSES; i++)
		if (get(&r->classes[i]) > 0)
			fprintf(to,
			    "assayd_http_requests_total{route=\"%s\",status=\"%zuxx\"} %llu\n",
			    name, i + 1, (unsigned long long)get(&r->classes[i]));
}

static void
print_times(FILE *to, const char *name, const struct route_counts *r)
{
	static const char metric[] = "assayd_http_request_duration_seconds";
	uint64_t n = 0;

	if (answers(r) == 0)
		return;
	for (size_t i = 0; i < BUCKETS; i++) {
		n += get(&r->buckets[i]);
		fprintf(to, "%s_bucket{route=\"%s\",le=\"%g\"} %llu\n", metric, name,
		    (double)bounds_us[i] / 1e6, (unsigned long long)n);
	}
	n += get(&r->buckets[BUCKETS]);
	fprintf(
	    to, "%s_bucket{route=\"%s\",le=\"+Inf\"} %llu\n", metric, name, (unsigned long long)n);
	fprintf(to, "%s_sum{route=\"%s\"} %.6f\n", metric, name, (double)get(&r->total_us) / 1e6);
	fprintf(to, "%s_count{route=\"%s\"} %llu\n", metric, name, (unsigned long long)n);
}

static void
print_routes(FILE *to, const struct metrics *m,
    void (*print)(FILE *, const char *, const struct route_counts *))
{
	size_t index = 1;

	print(to, "none", &m->routes[0]);
	for (const struct route *const *t = routes_all; *t != NULL; t++)
		for (const struct route *r = *t; r->path != NULL && index <= METRIC_ROUTES_MAX;
		     r++, index++)
			print(to, r->name, &m->routes[index]);
}

char *
metrics_print(
    struct metrics *const *of, size_t count, const struct gauge *gauges, size_t gauge_count)
{
	struct metrics *sum = calloc(1, sizeof *sum);
	char *text = NULL;
	size_t len;
	FILE *to = sum != NULL ? open_memstream(&text, &len) : NULL;

	if (to == NULL) {
		free(sum);
		return NULL;
	}
	for (size_t i = 0; i < count; i++)
		add_all(sum, of[i]);
	for (size_t i = 0; i < gauge_count; i++)
		fprintf(to, "# HELP assayd_%s %s\n# TYPE assayd_%s gauge\nassayd_%s %g\n",
		    gauges[i].name, gauges[i].help, gauges[i].name, gauges[i].name,
		    gauges[i].value);
	fputs("# TYPE assayd_http_requests_total counter\n", to);
	print_routes(to, sum, print_classes);
	fputs("# TYPE assayd_http_request_duration_seconds histogram\n", to);
	print_routes(to, sum, print_times);
	print_counters(to, sum);
	free(sum);
	if (fclose(to) != 0) {
		free(text);
		return NULL;
	}
	return text;
}
