/* SPDX-License-Identifier: Apache-2.0 */
#include "verify/tee.h"

/* The one list. Tees that share a claims object stand side by side. */
const struct assay_tee *const assay_tees[] = {
	&assay_tee_tdx,
	&assay_tee_sgx,
	&assay_tee_sev_es,
	&assay_tee_sev,
	&assay_tee_snp,
	NULL,
};
