/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "buffer.h"
#include "kbs.h"

enum { DETAIL_MAX = 1024 };

void
kbs_refuse(struct exchange *x, int status, const char *variant, const char *fmt, ...)
{
	char detail[DETAIL_MAX];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(detail, sizeof detail, fmt, ap);
	va_end(ap);
	char *body = kbs_error(variant, detail);
	exchange_answer(x, status, "application/json",
	    bytes_of(body != NULL ? body : "{\"type\":\"\",\"detail\":\"\"}"));
	free(body);
}

/* What the front itself refuses: a malformed request, a body that is too large. */
static void
answer_front(struct exchange *x, int status, const char *sentence)
{
	kbs_refuse(x, status, status == 404 ? KBS_PATH : KBS_HTTP, "%s", sentence);
}

const struct error_form error_form_kbs = { "/kbs/v0", answer_front };

const char *
kbs_sentence(char *out, size_t room, const struct ipc_message *answer)
{
	if (!ipc_get_text(out, room, answer, 1) || out[0] == '\0')
		(void)snprintf(out, room, "no reason was given");
	return out;
}
