/* SPDX-License-Identifier: Apache-2.0 */
#include "agent_wire.h"

#include <string.h>

#include "core/core.h"

/* --- requests -------------------------------------------------------------------------------- */

void
assay_attest_request_write(
    uint8_t out[ATTEST_REQUEST], enum attest_op op, const uint8_t *report_data)
{
	memset(out, 0, ATTEST_REQUEST);
	out[0] = ATTEST_VERSION;
	out[1] = (uint8_t)op;
	if (report_data != NULL)
		memcpy(out + 4, report_data, ATTEST_REPORT_DATA);
}

enum assay_code
assay_attest_request_parse(
    struct attest_request *out, struct assay_bytes in, struct assay_error *err)
{
	struct assay_reader r = { .what = "attest.sock request", .in = in };
	uint8_t version = assay_take_u8(&r), op = assay_take_u8(&r);
	uint16_t zero = assay_take_u16le(&r);
	struct assay_bytes data = assay_take(&r, ATTEST_REPORT_DATA);

	if (in.len > 0 && version != ATTEST_VERSION)
		return assay_fail(err, ASSAY_E_UNSUPPORTED,
		    "attest.sock request: version is %u, want %d", version, ATTEST_VERSION);
	if (in.len != ATTEST_REQUEST)
		return assay_fail(err, ASSAY_E_FORMAT, "attest.sock request: is %zu bytes, want %d",
		    in.len, ATTEST_REQUEST);
	if (op < ATTEST_OP_EVIDENCE || op > ATTEST_OP_TEE)
		return assay_fail(err, ASSAY_E_FORMAT,
		    "attest.sock request: asks for %u; there are 1 (evidence), 2 (private key), "
		    "3 (which TEE)",
		    op);
	if (zero != 0 || (op != ATTEST_OP_EVIDENCE && !assay_bytes_zero(data)))
		return assay_fail(
		    err, ASSAY_E_FORMAT, "attest.sock request: bytes that must be zero are not");
	out->op = (enum attest_op)op;
	memcpy(out->report_data, data.ptr, ATTEST_REPORT_DATA);
	return ASSAY_OK;
}

/* --- answers --------------------------------------------------------------------------------- */

static void
put_u32(uint8_t *out, size_t n)
{
	for (int i = 0; i < 4; i++)
		out[i] = (uint8_t)(n >> (8 * i));
}

size_t
assay_attest_answer_write(uint8_t *out, size_t room, const struct attest_answer *a)
{
	if (room < ATTEST_ANSWER_HEAD || a->first.len > room - ATTEST_ANSWER_HEAD ||
	    a->proof.len > room - ATTEST_ANSWER_HEAD - a->first.len)
		return 0;
	memset(out, 0, ATTEST_ANSWER_HEAD);
	out[0] = ATTEST_VERSION;
	out[1] = (uint8_t)a->status;
	put_u32(out + 4, (size_t)a->tee);
	put_u32(out + 8, a->first.len);
	put_u32(out + 12, a->proof.len);
	if (a->first.len > 0)
		memcpy(out + ATTEST_ANSWER_HEAD, a->first.ptr, a->first.len);
	if (a->proof.len > 0)
		memcpy(out + ATTEST_ANSWER_HEAD + a->first.len, a->proof.ptr, a->proof.len);
	return ATTEST_ANSWER_HEAD + a->first.len + a->proof.len;
}

/* How long the two parts may be, by what was asked for; of a refusal, its sentence. */
static const struct limits {
	size_t first_least, first_most, proof_least, proof_most;
} limits[] = {
	[0] = { 1, ATTEST_SENTENCE, 0, 0 },
	[ATTEST_OP_EVIDENCE] = { ATTEST_EVIDENCE, ATTEST_EVIDENCE, 1, ATTEST_PROOF_MAX },
	[ATTEST_OP_KEY] = { 1, ATTEST_KEY_MAX, 0, 0 },
	[ATTEST_OP_TEE] = { 0, 0, 0, 0 },
};

static enum assay_code
check_answer(const struct attest_answer *a, enum attest_op op, struct assay_error *err)
{
	const struct limits *l = &limits[a->status == ATTEST_OK ? op : 0];

	if (a->first.len < l->first_least || a->first.len > l->first_most ||
	    a->proof.len < l->proof_least || a->proof.len > l->proof_most)
		return assay_fail(err, ASSAY_E_FORMAT,
		    "attest.sock answer: parts of %zu and %zu bytes, want %zu to %zu and %zu to "
		    "%zu",
		    a->first.len, a->proof.len, l->first_least, l->first_most, l->proof_least,
		    l->proof_most);
	/* A key is given before any report has told of which kind the guest is. */
	if (a->status == ATTEST_OK && op != ATTEST_OP_KEY && a->tee == ATTEST_TEE_NONE)
		return assay_fail(err, ASSAY_E_FORMAT,
		    "attest.sock answer: names no TEE, want 1 (SEV) or 2 (SEV-ES)");
	return ASSAY_OK;
}

enum assay_code
assay_attest_answer_parse(
    struct attest_answer *out, enum attest_op op, struct assay_bytes in, struct assay_error *err)
{
	struct assay_reader r = { .what = "attest.sock answer", .in = in };
	uint8_t version = assay_take_u8(&r), status = assay_take_u8(&r);
	uint16_t zero = assay_take_u16le(&r);
	uint32_t tee = assay_take_u32le(&r), first = assay_take_u32le(&r);
	uint32_t proof = assay_take_u32le(&r);
	enum assay_code rc;

	if (r.overrun)
		return assay_reader_end(&r, err);
	if (version != ATTEST_VERSION)
		return assay_fail(err, ASSAY_E_UNSUPPORTED,
		    "attest.sock answer: version is %u, want %d", version, ATTEST_VERSION);
	if (status >= ATTEST_STATUSES || tee > ATTEST_TEE_SEV_ES || zero != 0)
		return assay_fail(err, ASSAY_E_FORMAT,
		    "attest.sock answer: status %u, TEE %u: not both are known", status, tee);
	struct attest_answer a = { .status = (enum attest_status)status,
		.tee = (enum attest_tee)tee,
		.first = assay_take(&r, first),
		.proof = assay_take(&r, proof) };
	if ((rc = assay_reader_end(&r, err)) == ASSAY_OK &&
	    (rc = check_answer(&a, op, err)) == ASSAY_OK)
		*out = a;
	return rc;
}
