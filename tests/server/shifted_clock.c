/* SPDX-License-Identifier: Apache-2.0 */
/* Preloaded, it moves a program's time of day by ASSAY_TEST_SHIFT seconds. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>

static time_t
shift(void)
{
	const char *seconds = getenv("ASSAY_TEST_SHIFT");

	return seconds != NULL ? strtol(seconds, NULL, 10) : 0;
}

int
clock_gettime(clockid_t clock, struct timespec *t)
{
	int (*real)(clockid_t clock, struct timespec * t);
	int rc;

	*(void **)&real = dlsym(RTLD_NEXT, "clock_gettime");
	rc = real(clock, t);
	if (rc == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
		t->tv_sec += shift();
	return rc;
}

time_t
time(time_t *out)
{
	struct timespec t = { 0, 0 };

	(void)clock_gettime(CLOCK_REALTIME, &t);
	if (out != NULL)
		*out = t.tv_sec;
	return t.tv_sec;
}

int
gettimeofday(struct timeval *restrict out, void *restrict zone)
{
	struct timespec t = { 0, 0 };

	(void)zone;
	(void)clock_gettime(CLOCK_REALTIME, &t);
	out->tv_sec = t.tv_sec;
	out->tv_usec = t.tv_nsec / 1000;
	return 0;
}
