/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SANDBOX_TAP_H
#define TESTS_SANDBOX_TAP_H

/* The programs that run inside are plain: no test library, so that they can be linked statically. */

#include <stdbool.h>

/* One line of TAP. detail: a number that helps when it failed. Safe from any thread. */
void ok(bool condition, long detail, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* The plan; the exit status. */
int done(void);

#endif
