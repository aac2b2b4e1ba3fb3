/* SPDX-License-Identifier: Apache-2.0 */
/* 64 threads attest at once, each with its own nonces, while a timer interrupts them every
 * millisecond as Go's scheduler does: no answer is another's, and no call sees the signal.
 * Argument: tdx or snp. */
#include "tap.h"
#include "tsm.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { THREADS = 64, ROUNDS = 10, TDREPORT_AT_DATA = 128, SNP_AT_DATA = 32 + 0x50 };

static bool snp;
static atomic_int right, wrong, over;
static atomic_long signals;
static pthread_t threads[THREADS];
static long numbers[THREADS];
static atomic_int tids[THREADS];

static void
on_signal(int sig)
{
	(void)sig;
	atomic_fetch_add(&signals, 1);
}

/* One report from the device. */
static bool
by_device(int fd, const uint8_t nonce[64])
{
	uint8_t out[4000] = { 0 }, in[96] = { 0 };
	struct {
		uint64_t version, req, resp, exitinfo2;
	} r = { 1, (uintptr_t)in, (uintptr_t)out, 0 };

	if (snp) {
		memcpy(in, nonce, 64);
		return ioctl(fd, 0xc0205300UL, &r) == 0 &&
		    memcmp(out + SNP_AT_DATA, nonce, 64) == 0;
	}
	memcpy(out, nonce, 64);
	return ioctl(fd, 0xc4405401UL, out) == 0 &&
	    memcmp(out + 64 + TDREPORT_AT_DATA, nonce, 64) == 0;
}

static void *
attest(void *arg)
{
	long me = *(long *)arg;
	int fd = open(snp ? "/dev/sev-guest" : "/dev/tdx_guest", O_RDWR | O_CLOEXEC);
	uint8_t nonce[64] = { 0 }, *out = malloc(65536);
	char entry[32];

	atomic_store(&tids[me], (int)syscall(SYS_gettid));
	for (long round = 0; round < ROUNDS; round++) {
		snprintf(entry, sizeof entry, "t%ld-%ld", me, round);
		memcpy(nonce, &me, sizeof me);
		memcpy(nonce + 32, &round, sizeof round);
		ssize_t n = tsm_attest(entry, nonce, out, 65536);
		bool fits = n > 1000 && memcmp(tsm_report_data(out, (size_t)n), nonce, 64) == 0;
		atomic_fetch_add(fits && by_device(fd, nonce) ? &right : &wrong, 1);
	}
	close(fd);
	free(out);
	return NULL;
}

static void *
disturb(void *arg)
{
	(void)arg;
	for (unsigned i = 0; atomic_load(&over) == 0; i++) {
		if (atomic_load(&tids[i % THREADS]) != 0) /* gone ones are ESRCH */
			syscall(SYS_tgkill, getpid(), atomic_load(&tids[i % THREADS]), SIGURG);
		usleep(1000 / 8);
	}
	return NULL;
}

int
main(int argc, char **argv)
{
	struct sigaction act = { .sa_handler = on_signal, .sa_flags = SA_RESTART };
	pthread_t timer;

	snp = argc > 1 && strcmp(argv[1], "snp") == 0;
	sigaction(SIGURG, &act, NULL);
	for (size_t i = 0; i < THREADS; i++) {
		numbers[i] = (long)i;
		pthread_create(&threads[i], NULL, attest, &numbers[i]);
	}
	pthread_create(&timer, NULL, disturb, NULL);
	for (size_t i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	atomic_store(&over, 1);
	pthread_join(timer, NULL);
	ok(atomic_load(&right) == THREADS * ROUNDS, atomic_load(&wrong),
	    "%d attestations in %d threads, each with its own nonce", THREADS * ROUNDS, THREADS);
	ok(atomic_load(&signals) > 0, atomic_load(&signals), "while signals came");
	return done();
}
