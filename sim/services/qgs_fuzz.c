/* SPDX-License-Identifier: Apache-2.0 */
#include "services/qgs.h"

#include <stdint.h>
#include <stdlib.h>

static volatile uint8_t sink;

static void
touch(const uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		sink ^= bytes[i];
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sim_qgs_request q;
	enum sim_qgs_error code = sim_qgs_request_parse(&q, data, size);

	/* An answer is always possible: to what, and in whose version. */
	if (q.minor > 1 ||
	    (q.type != SIM_QGS_QUOTE && q.type != SIM_QGS_COLLATERAL && q.type != SIM_QGS_PLATFORM))
		abort();
	if (code != SIM_QGS_OK)
		return 0;
	if (q.type == SIM_QGS_QUOTE) {
		if (q.report == NULL || q.ids_len % 16 != 0)
			abort();
		touch(q.report, SIM_QGS_REPORT);
		touch(q.ids, q.ids_len);
	} else if (q.type == SIM_QGS_COLLATERAL) {
		if (q.fmspc_len > SIM_QGS_FMSPC_MAX || q.ca_len == 0 || q.ca_len > SIM_QGS_CA_MAX)
			abort();
		touch(q.fmspc, q.fmspc_len);
		touch(q.ca, q.ca_len);
	}
	return 0;
}
