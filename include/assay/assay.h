/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAY_ASSAY_H
#define ASSAY_ASSAY_H

/* All of libassay. A program may as well include only the nouns it uses. */

#include <assay/bundle.h>
#include <assay/bytes.h>
#include <assay/cert.h>
#include <assay/checks.h>
#include <assay/claims.h>
#include <assay/error.h>
#include <assay/eventlog.h>
#include <assay/evidence.h>
#include <assay/jose.h>
#include <assay/kbs.h>
#include <assay/launch.h>
#include <assay/measure.h>
#include <assay/policy.h>
#include <assay/proof.h>
#include <assay/token.h>
#include <assay/trust.h>

#endif
