/* SPDX-License-Identifier: Apache-2.0 */
/* The cache, in the shape of the services that it stands for. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../http/http.h"
#include "../text.h"
#include "collateral.h"

enum { LONGEST_RETRY_S = 3600 };

/* Chains travel in a field, percent-encoded. */
static bool
set_chain(struct exchange *x, const char *header, const struct buffer *pem)
{
	static const char kept[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
	struct assay_bytes in = buffer_bytes(pem);
	struct buffer out = { .len = 0 };
	char hex[4];

	for (size_t i = 0; i < in.len; i++) {
		bool plain = in.ptr[i] != '\0' && strchr(kept, in.ptr[i]) != NULL;
		snprintf(hex, sizeof hex, "%%%02X", in.ptr[i]);
		buffer_add(&out, plain ? (struct assay_bytes){ in.ptr + i, 1 } : bytes_of(hex));
	}
	char *text = buffer_take(&out);
	if (text != NULL)
		exchange_set(x, header, text);
	free(text);
	return text != NULL;
}

static void
not_here(struct exchange *x, const struct collateral_request *r)
{
	struct collateral *c = worker_collateral(exchange_worker(x));
	char name[WANT_NAME], seconds[24];
	int64_t after = collateral_want(c, &r->want);

	want_name(&r->want, name);
	if (after > 0) {
		snprintf(seconds, sizeof seconds, "%d",
		    (int)(after < LONGEST_RETRY_S ? after : LONGEST_RETRY_S));
		exchange_set(x, "Retry-After", seconds);
		exchange_refuse(x, 404, "%s: is not here yet; it is being asked for", name);
	} else {
		exchange_refuse(x, 404,
		    "%s: is not here, and nothing is fetched; bring it with assay collateral push",
		    name);
	}
}

static void
get(struct exchange *x)
{
	struct worker *w = exchange_worker(x);
	struct collateral_request r;
	struct buffer body, chain;
	const char *why;
	int status = collateral_request_read(&r, exchange_path(x), exchange_query(x), &why);

	if (status != 200) {
		metric_count(w, "collateral_requests_total", "outcome", "refused");
		exchange_refuse(x, status, "%s", why);
		return;
	}
	status = collateral_get(worker_collateral(w), &r, exchange_now(x), &body, &chain);
	if (status == 200 && r.chain_header != NULL && chain.len > 0 &&
	    !set_chain(x, r.chain_header, &chain))
		status = 500;
	metric_count(w, "collateral_requests_total", "outcome",
	    status == 200       ? "hit"
		: status == 404 ? "miss"
				: "refused");
	if (status == 200)
		exchange_answer(x, 200, r.type, buffer_bytes(&body));
	else if (status == 410)
		exchange_refuse(
		    x, 410, "this evaluation number is no longer served: a newer one is here");
	else if (status == 404 && !r.numbered)
		not_here(x, &r);
	else if (status == 404)
		exchange_refuse(x, 404, "there is no document of this evaluation number here");
	else
		exchange_refuse(x, 500, "out of memory; try again later");
	buffer_clear(&body);
	buffer_clear(&chain);
}

static void
list(struct exchange *x)
{
	struct buffer json = { .len = 0 };

	if (collateral_list(worker_collateral(exchange_worker(x)), exchange_now(x), &json))
		exchange_answer(x, 200, "application/json", buffer_bytes(&json));
	else
		exchange_refuse(x, 500, "out of memory; try again later");
	buffer_clear(&json);
}

const struct route routes_collateral[] = {
	{ "GET", "/sgx/certification/v4/", 0, get, "pcs_sgx" },
	{ "GET", "/tdx/certification/v4/", 0, get, "pcs_tdx" },
	{ "GET", "/IntelSGXRootCA.der", 0, get, "pcs_root_crl" },
	{ "GET", "/vcek/v1/", 0, get, "kds_vcek" },
	{ "GET", "/vlek/v1/", 0, get, "kds_vlek" },
	{ "GET", "/v1/collateral", 0, list, "collateral" },
	{ .path = NULL },
};
