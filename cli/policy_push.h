/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAY_CLI_POLICY_PUSH_H
#define ASSAY_CLI_POLICY_PUSH_H

/* The policies of a server, for assay policy list and show with --url. */

#include "option.h"

/* Lists them. Returns the exit code. */
int policy_list_server(const struct args *args);
/* Prints the text of the one that the first operand names. */
int policy_show_server(const struct args *args);

#endif
