/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAYD_OPTIONS_H
#define ASSAYD_OPTIONS_H

/* The effective configuration: the file's, then the command line's. */

#include "keeper/keeper.h"

enum { LISTEN_MAX = 16, ROOTS_MAX = 16, UPSTREAMS_MAX = 8 };

struct server_options {
	const char *listen[LISTEN_MAX]; /* "tcp:127.0.0.1:8080", "unix:/run/assay/assayd.sock" */
	size_t listen_count;
	const char *tls_cert, *tls_key; /* PEM files */
	const char
	    *client_ca; /* certificates of operators chain to these; NULL: none are asked for */
	bool insecure_http;
	unsigned workers; /* 0: one per processor */
	const char *trust_root[ROOTS_MAX];
	size_t root_count;
	const char *min_tcb;
	bool require_crl;
	const char
	    *upstream[UPSTREAMS_MAX]; /* collateral: "intel", "amd", or URLs; none: no fetching */
	size_t upstream_count;
	const char *upstream_ca;
	const char *opa;  /* URL of a rule of the operator's own OPA; NULL: none */
	const char *user; /* to become, when started as root; NULL: stay */
	bool json_log;
	int verbose;
	struct keeper_options keeper;
};

#endif
