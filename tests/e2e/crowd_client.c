/* SPDX-License-Identifier: Apache-2.0 */
/* 16 processes of 64 threads collect evidence at once, each for nonces of its own: nobody gets
 * another's, and nobody gets none. */
#include "tap.h"

#include <assay/guest.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PROCESSES = 16, THREADS = 64, ROUNDS = 2, TIMEOUT_MS = 120000 };
/* REPORT_DATA in an SNP report and in a TDX quote of version 4. */
enum { SNP_AT = 0x50, TDX_AT = 48 + 520 };

struct member {
	pthread_t thread;
	int process, number;
	int right;
};

static int at;

static void *
collect(void *arg)
{
	struct member *m = arg;

	for (int round = 0; round < ROUNDS; round++) {
		uint8_t nonce[ASSAY_GUEST_REPORT_DATA] = { 0 };
		int who[] = { m->process, m->number, round };
		struct assay_guest_request request = { .report_data = { nonce, sizeof nonce },
			.provider = "configfs-tsm",
			.timeout_ms = TIMEOUT_MS };
		struct assay_guest_evidence *ev = NULL;
		struct assay_error err;

		memcpy(nonce, who, sizeof who);
		memcpy(nonce + sizeof nonce - sizeof who, who, sizeof who);
		if (assay_guest_collect(&ev, &request, &err) != ASSAY_OK) {
			fprintf(stderr, "%d.%d: %s\n", m->process, m->number, err.text);
			continue;
		}
		struct assay_bytes got = assay_guest_piece(ev, ASSAY_GUEST_EVIDENCE);
		m->right += got.len > (size_t)at + sizeof nonce &&
		    memcmp(got.ptr + at, nonce, sizeof nonce) == 0;
		assay_guest_evidence_free(ev);
	}
	return NULL;
}

/* The number of right answers, of THREADS * ROUNDS. */
static int
process(int number)
{
	static struct member members[THREADS];
	int right = 0;

	for (int i = 0; i < THREADS; i++) {
		members[i] = (struct member){ .process = number, .number = i };
		if (pthread_create(&members[i].thread, NULL, collect, &members[i]) != 0)
			return 0;
	}
	for (int i = 0; i < THREADS; i++) {
		pthread_join(members[i].thread, NULL);
		right += members[i].right;
	}
	return right;
}

int
main(int argc, char **argv)
{
	pid_t children[PROCESSES];

	at = argc > 1 && strcmp(argv[1], "snp") == 0 ? SNP_AT : TDX_AT;
	for (int i = 0; i < PROCESSES; i++)
		if ((children[i] = fork()) == 0)
			_exit(process(i) == THREADS * ROUNDS ? 0 : 1);
	for (int i = 0; i < PROCESSES; i++) {
		int status = -1;
		ok(children[i] > 0 && waitpid(children[i], &status, 0) == children[i] &&
			status == 0,
		    status, "process %d: %d threads, %d nonces each, and every answer is its own's",
		    i, THREADS, ROUNDS);
	}
	ok(system("ls /sys/kernel/config/tsm/report | grep .") != 0, 0, "no entry is left");
	return done();
}
