/* SPDX-License-Identifier: Apache-2.0 */
/* Questions over real sockets, to an OPA in the same event loop. */
#include "opa.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>

#include "../text.h"

enum { QUESTIONS = 128 };

struct bed {
	struct event_base *base;
	struct evconnlistener *listener;
	struct opa_line *line;
	const char *answer; /* NULL: none ever */
	struct bufferevent *open[QUESTIONS];
	size_t open_count, asked;
	/* What came. */
	size_t done;
	enum opa_verdict verdict;
	char why[128];
};

static void
asked(struct bufferevent *bev, void *arg)
{
	struct bed *b = arg;
	struct evbuffer *in = bufferevent_get_input(bev);
	char *text = (char *)evbuffer_pullup(in, -1);
	size_t len = evbuffer_get_length(in);

	if (memmem(text, len, "\r\n\r\n{\"input\":{}}", 16) == NULL)
		return;
	assert_memory_equal(text, "POST /v1/data/policy/allow HTTP/1.1\r\n", 37);
	evbuffer_drain(in, len);
	b->asked++;
	if (b->answer != NULL)
		bufferevent_write(bev, b->answer, strlen(b->answer));
}

static void
came(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *from, int len, void *arg)
{
	struct bed *b = arg;
	(void)listener;
	(void)from;
	(void)len;

	assert_true(b->open_count < QUESTIONS);
	struct bufferevent *bev = bufferevent_socket_new(b->base, fd, BEV_OPT_CLOSE_ON_FREE);
	assert_non_null(bev);
	b->open[b->open_count++] = bev;
	bufferevent_setcb(bev, asked, NULL, NULL, b);
	bufferevent_enable(bev, EV_READ | EV_WRITE);
}

static void
bed_new(struct bed *b)
{
	struct sockaddr_in name = { .sin_family = AF_INET };
	socklen_t size = sizeof name;
	struct opa_address address;
	char url[64];

	log_set(false, -1);
	*b = (struct bed){ .base = event_base_new() };
	name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	b->listener =
	    evconnlistener_new_bind(b->base, came, b, LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC,
		QUESTIONS, (struct sockaddr *)&name, sizeof name);
	assert_non_null(b->listener);
	assert_int_equal(
	    getsockname(evconnlistener_get_fd(b->listener), (struct sockaddr *)&name, &size), 0);
	snprintf(url, sizeof url, "http://127.0.0.1:%u/v1/data/policy/allow", ntohs(name.sin_port));
	assert_null(opa_address_read(&address, url));
	b->line = opa_line_new(b->base, &address);
	assert_non_null(b->line);
}

static void
bed_free(struct bed *b)
{
	opa_line_free(b->line);
	for (size_t i = 0; i < b->open_count; i++)
		bufferevent_free(b->open[i]);
	if (b->listener != NULL)
		evconnlistener_free(b->listener);
	event_base_free(b->base);
}

static void
told(void *arg, enum opa_verdict verdict, const char *why)
{
	struct bed *b = arg;

	b->done++;
	b->verdict = verdict;
	snprintf(b->why, sizeof b->why, "%s", why);
}

static void
ask(struct bed *b)
{
	static const char body[] = "{\"input\":{}}";

	opa_ask(b->line, (struct assay_bytes){ (const uint8_t *)body, sizeof body - 1 }, told, b);
}

/* Asks once, and waits for what comes of it. */
static void
expect(struct bed *b, enum opa_verdict verdict, const char *words)
{
	size_t done = b->done;

	ask(b);
	while (b->done == done)
		event_base_loop(b->base, EVLOOP_ONCE);
	event_base_loop(b->base, EVLOOP_NONBLOCK);
	assert_int_equal(b->done, done + 1);
	if (b->verdict != verdict || strstr(b->why, words) == NULL)
		fail_msg("%d %s; want %d %s", b->verdict, b->why, verdict, words);
}

static void
test_answers(void **state)
{
	struct bed b;
	(void)state;

	bed_new(&b);
	b.answer = "HTTP/1.1 200 OK\r\nContent-Length: 15\r\n\r\n{\"result\":true}";
	expect(&b, OPA_ALLOWED, "");
	expect(&b, OPA_ALLOWED, "");
	b.answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";
	expect(&b, OPA_DENIED, "no result");
	b.answer = "HTTP/1.1 500 No\r\nContent-Length: 15\r\n\r\n{\"result\":true}";
	expect(&b, OPA_TROUBLE, "status 500");
	b.answer = "HTTP/1.1 200 OK\r\nContent-Length: 65537\r\n\r\n{\"result\":true}";
	expect(&b, OPA_TROUBLE, "longer than 64 KiB");
	b.answer = "What?\r\n\r\n";
	expect(&b, OPA_TROUBLE, "cannot be reached, or");
	assert_int_equal(b.asked, 6);
	bed_free(&b);
}

static void
test_gone(void **state)
{
	struct bed b;
	(void)state;

	bed_new(&b);
	evconnlistener_free(b.listener);
	b.listener = NULL;
	for (size_t i = 0; i < 2 * QUESTIONS; i++) /* what is answered makes room */
		expect(&b, OPA_TROUBLE, "cannot be reached");
	bed_free(&b);
}

/* As many as can wait; each is answered once, all after two seconds or when the line ends. */
static void
test_waiting(void **state)
{
	(void)state;

	for (int ending = 0; ending < 2; ending++) {
		struct bed b;
		bed_new(&b);
		for (size_t i = 0; i < QUESTIONS; i++)
			ask(&b);
		assert_int_equal(b.done, 0);
		ask(&b);
		assert_int_equal(b.done, 1);
		assert_non_null(strstr(b.why, "too many"));
		while (b.asked < QUESTIONS)
			event_base_loop(b.base, EVLOOP_ONCE);
		if (ending) {
			opa_line_free(b.line);
			b.line = NULL;
			assert_string_equal(b.why, "the server stops");
		} else {
			struct timespec before, after;
			clock_gettime(CLOCK_MONOTONIC, &before);
			while (b.done < QUESTIONS + 1)
				event_base_loop(b.base, EVLOOP_ONCE);
			clock_gettime(CLOCK_MONOTONIC, &after);
			assert_string_equal(b.why, "it did not answer within 2 s");
			assert_in_range(after.tv_sec - before.tv_sec, 1, 4);
		}
		assert_int_equal(b.done, QUESTIONS + 1);
		assert_int_equal(b.verdict, OPA_TROUBLE);
		bed_free(&b);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_gone),
		cmocka_unit_test(test_waiting),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
