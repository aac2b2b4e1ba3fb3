/* SPDX-License-Identifier: Apache-2.0 */
/* What monitors ask for, and the keys that verifiers of our tokens need. */
#include "front.h"

#include <stdlib.h>
#include <string.h>

static struct assay_bytes
text_bytes(const char *text)
{
	return (struct assay_bytes){ (const uint8_t *)text, strlen(text) };
}

/* The process lives. */
static void
healthz(struct exchange *x)
{
	exchange_answer(x, 200, "text/plain", text_bytes("ok\n"));
}

static void
keeper_answered(void *arg, const struct ipc_message *answer)
{
	struct exchange *x = arg;

	worker_saw(exchange_worker(x), answer);
	if (answer->op == KEEPER_TROUBLE)
		exchange_refuse(x, 503, "the keeper does not answer, or cannot write");
	else
		exchange_answer(x, 200, "text/plain", text_bytes("ready\n"));
}

/* There is a view, or no request would be taken; the keeper is asked for a secret that nobody has, without
 * a credential: any answer to that will do. */
static void
readyz(struct exchange *x)
{
	static const struct assay_bytes fields[4] = { { NULL, 0 }, { NULL, 0 },
		{ (const uint8_t *)"assay/ready/z", 13 }, { (const uint8_t *)"readyz", 6 } };

	keeper_call(
	    worker_keeper(exchange_worker(x)), KEEPER_RELEASE, fields, 4, keeper_answered, x);
}

static void
jwks(struct exchange *x)
{
	/* Shorter than a new key waits before it signs. */
	exchange_set(x, "Cache-Control", "public, max-age=300");
	exchange_answer(
	    x, 200, "application/jwk-set+json", text_bytes(worker_view(exchange_worker(x))->jwks));
}

static void
metrics(struct exchange *x)
{
	struct server *s = exchange_worker(x)->server;
	struct metrics **of = calloc(s->worker_count, sizeof *of);
	size_t connections = 0;
	char *text = NULL;

	for (size_t i = 0; of != NULL && i < s->worker_count; i++) {
		of[i] = &s->workers[i].metrics;
		connections += atomic_load(&s->workers[i].connections);
	}
	const struct gauge gauges[] = {
		{ "connections", "Connections that are open.", (double)connections },
		{ "appraisal_generation",
		    "Rises with every change of policies, reference values and collateral.",
		    (double)atomic_load(&s->generation) },
	};
	if (of != NULL)
		text = metrics_print(of, s->worker_count, gauges, sizeof gauges / sizeof gauges[0]);
	if (text != NULL)
		exchange_answer(
		    x, 200, "text/plain; version=0.0.4; charset=utf-8", text_bytes(text));
	else
		exchange_refuse(x, 503, "out of memory");
	free(text);
	free(of);
}

const struct route routes_health[] = {
	{ "GET", "/healthz", 0, healthz, "healthz" },
	{ "GET", "/readyz", 0, readyz, "readyz" },
	{ "GET", "/metrics", 0, metrics, "metrics" },
	{ "GET", "/.well-known/jwks.json", 0, jwks, "jwks" },
	{ NULL, NULL, 0, NULL, NULL },
};
