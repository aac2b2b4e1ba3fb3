/* SPDX-License-Identifier: Apache-2.0 */
#include "eventlog/eventlog.h"

#include <string.h>

enum { TABLE_SIZE = 56 };

enum assay_code
assay_ccel_table_parse(struct assay_ccel_table *out, struct assay_bytes in, struct assay_error *err)
{
	uint8_t sum = 0;

	if (in.len < 8 || memcmp(in.ptr, "CCEL", 4) != 0)
		return assay_fail(
		    err, ASSAY_E_UNSUPPORTED, "CCEL table: does not begin with the name CCEL");
	if (in.len != TABLE_SIZE || assay_u32le(in.ptr + 4) != TABLE_SIZE)
		return assay_fail(err, ASSAY_E_FORMAT,
		    "CCEL table: has %zu bytes and says that it has %u; want %d both times", in.len,
		    assay_u32le(in.ptr + 4), TABLE_SIZE);
	for (size_t i = 0; i < in.len; i++)
		sum = (uint8_t)(sum + in.ptr[i]);
	if (sum != 0)
		return assay_fail(err, ASSAY_E_FORMAT,
		    "CCEL table: its bytes sum up to 0x%02x; want 0: it is damaged", sum);
	*out = (struct assay_ccel_table){
		.revision = in.ptr[8],
		.cc_type = in.ptr[36],
		.cc_subtype = in.ptr[37],
		.log_length = assay_u64le(in.ptr + 40),
		.log_address = assay_u64le(in.ptr + 48),
	};
	return ASSAY_OK;
}
