/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAY_WIPE_H
#define ASSAY_WIPE_H

/* Memory that is wiped when it is given up, for event_set_mem_functions(): what libevent holds are requests
 * and answers, secrets among them. */

#include <stddef.h>

void wipe_free(void *memory);
void *wipe_realloc(void *memory, size_t size);

#endif
