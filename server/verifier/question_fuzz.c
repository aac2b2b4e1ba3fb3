/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "question.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The bytes as a JSON body, and as a query with a body of its own; what is refused is explained. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t evidence[] = { 1, 2, 3 };
	const struct assay_bytes body = { data, size }, raw = { evidence, sizeof evidence };
	char *query = malloc(size + 1);

	if (query == NULL)
		return 0;
	memcpy(query, data, size);
	query[size] = '\0';
	for (int way = 0; way < 2; way++) {
		struct verify_request r;
		struct assay_error err = { .text = "" };
		int status = way == 0
		    ? verify_request_read(&r, "application/json", "", body, &err)
		    : verify_request_read(&r, "application/octet-stream", query, raw, &err);
		if (status != 200 && status != 400 && status != 422 && status != 500)
			abort();
		if (status != 200 && err.text[0] == '\0')
			abort();
		if (status == 200 &&
		    (r.evidence.len == 0 || r.policy_count > VERIFY_POLICIES ||
			r.data_len > REPORT_DATA_SIZE || (r.key.len > 0) != (r.jwk != NULL) ||
			(r.key.len > 0 && r.fresh != FRESH_NONCE && r.fresh != FRESH_CHALLENGE)))
			abort();
		verify_request_clear(&r);
	}
	free(query);
	return 0;
}
