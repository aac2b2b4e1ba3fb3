/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buffer.h"
#include "kbs.h"

char *
kbs_error(const char *variant, const char *detail)
{
	struct buffer b = { .len = 0 };

	buffer_put(&b, "{\"type\":\"https://github.com/confidential-containers/kbs/errors/");
	buffer_put(&b, variant);
	buffer_put(&b, "\",\"detail\":");
	buffer_string(&b, bytes_of(detail));
	buffer_put(&b, "}");
	return buffer_take(&b);
}

enum assay_code
kbs_fail(struct assay_error *err, enum assay_code code, const char *fmt, ...)
{
	va_list ap;

	if (err == NULL)
		return code;
	va_start(ap, fmt);
	err->code = code;
	(void)vsnprintf(err->text, sizeof err->text, fmt, ap);
	va_end(ap);
	return code;
}
