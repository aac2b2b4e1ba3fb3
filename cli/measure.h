/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAY_CLI_MEASURE_H
#define ASSAY_CLI_MEASURE_H

#include <stddef.h>

/*
 * "assay measure --mode snp ..." as sev-snp-measure has it, put as "assay measure snp ...". Fills
 * out, which has room for so many words, and returns their count; 0 if argv is not spelt so.
 */
int measure_spelling(char **out, size_t room, int argc, char **argv);

#endif
