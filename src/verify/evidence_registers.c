/* SPDX-License-Identifier: Apache-2.0 */
#include "verify/tee.h"

enum assay_code
assay_evidence_registers(
    struct assay_registers *out, const struct assay_evidence *ev, struct assay_error *err)
{
	if (ev->tee == NULL)
		return assay_fail(
		    err, ASSAY_E_USAGE, "the evidence is empty: its parse has failed");
	if (ev->tee->registers == NULL)
		return assay_fail(err, ASSAY_E_INCOMPLETE,
		    "%s evidence has no registers that an event log could be compared with",
		    ev->tee->title);
	ev->tee->registers(out, ev);
	return ASSAY_OK;
}
