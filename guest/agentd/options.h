/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AGENTD_OPTIONS_H
#define AGENTD_OPTIONS_H

/* The effective configuration: the file's, then the command line's. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { AGENT_LISTEN_MAX = 8, AGENT_NAMES_MAX = 32 };

struct agent_options {
	const char
	    *listen[AGENT_LISTEN_MAX]; /* "unix:/run/assay/agent.sock", "tcp:127.0.0.1:8006" */
	size_t listen_count;
	const char *attest_socket; /* a path */
	const char *user;          /* to become, when started as root; NULL: stay */
	bool json_log;
	int verbose;
	/* Users and groups, by name or number. */
	const char *allow_uid[AGENT_NAMES_MAX], *allow_gid[AGENT_NAMES_MAX];
	size_t allow_uid_count, allow_gid_count;
	const char *allow_key_uid[AGENT_NAMES_MAX];
	size_t allow_key_uid_count;
	bool enarx;
	const char *broker; /* "vsock:host:5577", "unix:PATH" */
	int64_t broker_timeout_s;
	const char *secrets;  /* the folder of the launch secrets */
	const char *url, *ca; /* of the key broker; NULL: none */
	const char *provider; /* of evidence; NULL: the first that works */
	int64_t timeout_s;    /* of a request over HTTP */
};

#endif
