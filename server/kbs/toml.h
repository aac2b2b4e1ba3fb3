/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAYD_KBS_TOML_H
#define ASSAYD_KBS_TOML_H

/* TOML, as init-data and the files inside are written in it. There is no C library for it in Debian. */

#include <jansson.h>

#include <assay/error.h>

enum { TOML_DEPTH = 16 };

/*
 * Reads a document into a JSON object; the caller drops it. Dates and times, and numbers that JSON has
 * not (inf, nan), become texts.
 *
 * text    UTF-8.
 * Errors  ASSAY_E_FORMAT (with the line), ASSAY_E_NOMEM.
 * Source  TOML 1.0.0.
 */
ASSAY_MUST_USE enum assay_code
toml_parse(json_t **out, struct assay_bytes text, struct assay_error *err);

#endif
