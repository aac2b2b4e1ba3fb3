/* SPDX-License-Identifier: Apache-2.0 */
#include "metrics.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "routes.h"

static void
count(struct metrics *m, const char *name, const char *label, const char *value)
{
	metrics_count(
	    m, name, (const char *const[2]){ label, NULL }, (const char *const[2]){ value, NULL });
}

/* Counters of several workers are added up; those of one name stand together under one type. */
static void
test_sum(void **context)
{
	static struct metrics a, b;
	struct metrics *const both[] = { &a, &b };
	const struct gauge gauge = { "answer", "To all.", 42 };

	(void)context;
	count(&a, "releases_total", "outcome", "granted");
	count(&a, "plain_total", NULL, NULL);
	count(&a, "releases_total", "outcome", "denied");
	count(&b, "releases_total", "outcome", "granted");
	metrics_count(&b, "two_total", (const char *const[2]){ "a", "b" },
	    (const char *const[2]){ "1", "2" });
	metrics_request(&a, &routes_health[0], 200, 90);
	metrics_request(&b, &routes_health[0], 200, 3000000);
	metrics_request(&b, &routes_health[0], 503, 1);
	metrics_request(&b, NULL, 404, 600);
	char *text = metrics_print(both, 2, &gauge, 1);
	assert_non_null(text);
	static const char *const lines[] = {
		"# TYPE assayd_answer gauge\nassayd_answer 42\n",
		"# TYPE assayd_releases_total counter\nassayd_releases_total{outcome=\"granted\"} "
		"2\n"
		"assayd_releases_total{outcome=\"denied\"} 1\n",
		"assayd_plain_total 1\n",
		"assayd_two_total{a=\"1\",b=\"2\"} 1\n",
		"assayd_http_requests_total{route=\"healthz\",status=\"2xx\"} 2\n",
		"assayd_http_requests_total{route=\"healthz\",status=\"5xx\"} 1\n",
		"assayd_http_requests_total{route=\"none\",status=\"4xx\"} 1\n",
		"_bucket{route=\"healthz\",le=\"0.0001\"} 2\n",
		"_bucket{route=\"healthz\",le=\"2.5\"} 2\n",
		"_bucket{route=\"healthz\",le=\"+Inf\"} 3\n",
		"_count{route=\"healthz\"} 3\n",
		"_sum{route=\"healthz\"} 3.000091\n",
	};
	for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
		if (strstr(text, lines[i]) == NULL)
			fail_msg("%s is not in\n%s", lines[i], text);
	free(text);
}

/* A full table counts what it has, and no more. */
static void
test_full(void **context)
{
	static struct metrics m;
	static char names[COUNTERS_MAX + 1][16];

	(void)context;
	for (size_t i = 0; i <= COUNTERS_MAX; i++) {
		snprintf(names[i], sizeof names[i], "n%zu", i);
		count(&m, names[i], NULL, NULL);
	}
	assert_int_equal(m.counter_count, COUNTERS_MAX);
	count(&m, "n0", NULL, NULL);
	assert_int_equal(m.counters[0].n, 2);
}

/* Each route has counters of its own. */
static void
test_routes(void **context)
{
	size_t n = 0;

	(void)context;
	for (const struct route *const *t = routes_all; *t != NULL; t++)
		for (const struct route *r = *t; r->path != NULL; r++, n++) {
			assert_non_null(r->name);
			assert_non_null(r->handle);
			assert_true(r->path[0] == '/');
		}
	assert_true(n <= METRIC_ROUTES_MAX);
}

/* Prometheus takes a series once: of two lines it would count one. */
static void
test_once(void **context)
{
	static struct metrics m;
	struct metrics *const one[] = { &m };

	(void)context;
	for (const struct route *const *t = routes_all; *t != NULL; t++)
		for (const struct route *r = *t; r->path != NULL; r++)
			metrics_request(&m, r, 200, 1);
	char *text = metrics_print(one, 1, NULL, 0);
	assert_non_null(text);
	for (const char *line = text, *end; (end = strchr(line, '\n')) != NULL; line = end + 1) {
		char again[256];
		snprintf(again, sizeof again, "\n%.*s ", (int)strcspn(line, " #"), line);
		if (*line != '#' && strstr(end, again) != NULL)
			fail_msg("%s stands twice", again + 1);
	}
	assert_non_null(strstr(text, "_total{route=\"admin_secret\",status=\"2xx\"} 3\n"));
	free(text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sum),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_routes),
		cmocka_unit_test(test_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
