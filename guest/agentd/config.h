/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AGENTD_CONFIG_H
#define AGENTD_CONFIG_H

/* What the agent can be told: settings of which the options are a struct agent_options. */

#include "settings.h"

extern const struct settings_table agent_table;

#endif
