/* SPDX-License-Identifier: Apache-2.0 */
#include "tap.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int count, failures;

void
ok(bool condition, long detail, const char *fmt, ...)
{
	va_list ap;

	pthread_mutex_lock(&lock);
	printf("%s %d - ", condition ? "ok" : "not ok", ++count);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	puts("");
	if (!condition) {
		printf("# got %ld\n", detail);
		failures++;
	}
	fflush(stdout);
	pthread_mutex_unlock(&lock);
}

int
done(void)
{
	printf("1..%d\n", count);
	return failures != 0;
}
