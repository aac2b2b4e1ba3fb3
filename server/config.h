/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAYD_CONFIG_H
#define ASSAYD_CONFIG_H

/* What assayd can be told: settings of which the options are a struct server_options. */

#include "options.h"
#include "settings.h"

extern const struct settings_table config_table;

#endif
