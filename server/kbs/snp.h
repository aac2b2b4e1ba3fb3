/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAYD_KBS_SNP_H
#define ASSAYD_KBS_SNP_H

/*
 * SEV-SNP evidence of the key broker protocol, {"attestation_report","cert_chain"}: the report by its
 * members, byte strings as lists of numbers. assay_evidence_parse() reads this form too; but by a tree
 * of five thousand numbers, which costs more than the signature.
 */

#include <assay/error.h>

/*
 * Rebuilds what the firmware wrote: the report of 1184 bytes, and a certificate table behind it if there
 * are certificates.
 *
 * json    An object that scan_check() has passed.
 * out     malloc'd; the caller frees it.
 * Errors  ASSAY_E_FORMAT: a member missing, unknown, twice, of another type, range or length;
 *         ASSAY_E_NOMEM.
 * Proves  Nothing. A member that was altered shows in the signature.
 * Source  AMD 56860, SEV-SNP Firmware ABI, ATTESTATION_REPORT; AMD 56421, GHCB, certificate table.
 */
ASSAY_MUST_USE enum assay_code
kbs_snp_rebuild(uint8_t **out, size_t *len, struct assay_bytes json, struct assay_error *err);

#endif
