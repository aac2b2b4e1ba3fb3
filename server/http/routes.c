/* SPDX-License-Identifier: Apache-2.0 */
#include "routes.h"

const struct route *const routes_all[] = {
	NULL,
};
