/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAY_CLI_TOKEN_H
#define ASSAY_CLI_TOKEN_H

/* What the commands of tokens share. */

#include <assay/error.h>

/* The exit code for a code of the library. */
int token_exit(enum assay_code code);

#endif
