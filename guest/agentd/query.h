/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AGENTD_QUERY_H
#define AGENTD_QUERY_H

/* What is asked for over HTTP: path and query of a request, as a job for a process of its own. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { QUERY_DATA = 64, QUERY_RESOURCE = 512, QUERY_WHY = 160 };

enum job_kind { JOB_EVIDENCE = 1, JOB_ADDITIONAL, JOB_TOKEN, JOB_RESOURCE, JOB_INFO };

struct job {
	enum job_kind kind;
	bool bundle;                   /* of evidence: the bundle, in place of CoCo's JSON */
	uint8_t data[QUERY_DATA];      /* report data, */
	uint32_t data_len;             /* 1 to 64 bytes of it */
	char resource[QUERY_RESOURCE]; /* "REPO/TYPE/TAG" */
};

/*
 * Reads path and query, as server/http/head.h lets them pass. Returns 0; else the HTTP status that
 * refuses them, and why says what is wrong.
 */
int query_read(struct job *out, const char *path, const char *query, char why[QUERY_WHY]);

#endif
