/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BROKER_OPTIONS_H
#define BROKER_OPTIONS_H

/* The effective configuration of assay-brokerd: the file's, then the command line's. */

#include "settings.h"

enum { LISTEN_MAX = 8, VM_OPTIONS_MAX = 256, SOURCES_MAX = 8, CEKS_MAX = 8 };

struct broker_options {
	const char *listen[LISTEN_MAX]; /* "evidence=vsock:any:5577" */
	size_t listen_count;
	const char *vm[VM_OPTIONS_MAX]; /* "web,cid=7,qmp=unix:/run/qmp/web" */
	size_t vm_count;
	const char *control;             /* "unix:/run/assay/brokerd.sock"; NULL: none */
	bool beyond_loopback;            /* TCP listeners may be */
	const char *source[SOURCES_MAX]; /* "sev:/dev/sev", "qgs:unix:/run/qgs.socket" */
	size_t source_count;
	const char *cek[CEKS_MAX]; /* files of AMD's signed CEKs */
	size_t cek_count;
	unsigned evidence_size; /* what the size call answers: 6460 or 6461 */
	unsigned rate, burst;   /* of a VM: requests a second (0: no limit), and at once */
	unsigned connections;   /* of a VM */
	unsigned quotes;        /* that services are asked for at a time */
	int64_t deadline_ms;    /* from a request's arrival to its answer */
	const char *user;       /* to become, when started as root; NULL: stay */
	bool json_log;
	int verbose;
};

extern const struct settings_table broker_table;

/* "unix:PATH" to PATH, absolute and short enough for a socket; NULL: it is none. */
const char *options_unix_path(const char *address);
/* The source of this kind ("sev:") without its kind, or NULL. */
const char *options_source(const struct broker_options *o, const char *kind);
/* Is there a source of SEV certificates? */
bool options_certificates(const struct broker_options *o);

#endif
