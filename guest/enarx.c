/* SPDX-License-Identifier: Apache-2.0 */
/*
 * System call 0xEA01, get_att, of an Enarx keep.
 * Source: Enarx, crates/sallyport and the shims' attestation documentation.
 */
#include "internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	DER_SEQUENCE = 0x30,
	DER_OCTET_STRING = 0x04,
	DER_MAX_LENGTH_BYTES = 4,
	RESULT_MAX = 4 * 1024 * 1024,
};

/* What the call may say. 3 is of software platforms and of keeps to come: docs/get_attestation.md. */
static const struct {
	size_t technology;
	const char *tee, *title;
} rows[] = {
	{ ASSAY_TECHNOLOGY_SEV, "snp", "SEV-SNP" },
	{ ASSAY_TECHNOLOGY_SGX, "sgx", "SGX" },
	{ ASSAY_TECHNOLOGY_TDX, "tdx", "TDX" },
};

/* The row of a technology; false if it is none that is known. */
static bool
find_row(size_t *row, size_t technology, struct assay_error *err)
{
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (rows[i].technology == technology) {
			*row = i;
			return true;
		}
	assay_fail(err, ASSAY_E_IO,
	    "system call 0xEA01: technology is %zu; 1 (SEV-SNP), 2 (SGX) and 3 (TDX) are known",
	    technology);
	return false;
}

/* The next element: its tag and its contents; false at a broken one. */
static bool
next(struct assay_reader *r, uint8_t *tag, struct assay_bytes *value)
{
	size_t len;

	*tag = assay_take_u8(r);
	uint8_t first = assay_take_u8(r);
	len = first;
	if (first >= 0x80) {
		size_t n = first & 0x7fU;
		if (n == 0 || n > DER_MAX_LENGTH_BYTES)
			return false;
		len = 0;
		while (n-- > 0)
			len = len << 8 | assay_take_u8(r);
	}
	if (r->overrun || len > assay_reader_left(r))
		return false;
	*value = assay_take(r, len);
	return true;
}

/* An outer SEQUENCE; in it one OCTET STRING is the evidence, what else it holds are endorsements of
 * the vendor, which a verifier has from elsewhere. A bare report or quote is taken as well. */
enum assay_code
assay_enarx_parse(struct assay_bytes *evidence, const char **tee, size_t technology,
    struct assay_bytes in, struct assay_error *err)
{
	struct assay_reader outer = { .what = "system call 0xEA01", .in = in };
	struct assay_bytes body, value;
	uint8_t tag;
	size_t row;

	if (!find_row(&row, technology, err))
		return ASSAY_E_IO;
	*tee = rows[row].tee;
	if (in.len == 0 || in.ptr[0] != DER_SEQUENCE) {
		*evidence = in;
		return in.len > 0 ? ASSAY_OK
				  : assay_fail(err, ASSAY_E_IO, "system call 0xEA01: gave nothing");
	}
	if (!next(&outer, &tag, &body) || assay_reader_left(&outer) > 0)
		return assay_fail(err, ASSAY_E_IO,
		    "system call 0xEA01: its %zu bytes are not one DER sequence", in.len);
	struct assay_reader inner = { .what = "system call 0xEA01", .in = body };
	while (assay_reader_left(&inner) > 0) {
		if (!next(&inner, &tag, &value))
			return assay_fail(err, ASSAY_E_IO,
			    "system call 0xEA01: the DER at %zu is broken", inner.pos);
		if (tag == DER_OCTET_STRING && value.len > 0) {
			*evidence = value;
			return ASSAY_OK;
		}
	}
	return assay_fail(
	    err, ASSAY_E_IO, "system call 0xEA01: no OCTET STRING in its answer holds evidence");
}

static bool
is_real_root(const struct guest_job *job)
{
	return job->root[0] == '\0';
}

/* How much room it asks for. */
static enum assay_code
ask_size(size_t *size, size_t *technology, struct assay_error *err)
{
	long n = guest_enarx_call(NULL, 0, NULL, 0, technology);

	if (n == -ENOSYS || n == -EPERM || n == 0)
		return assay_fail(
		    err, ASSAY_E_UNSUPPORTED, "system call 0xEA01: this is no Enarx keep");
	if (n < 0)
		return guest_fail_errno(err, (int)-n, "system call 0xEA01") == ASSAY_E_NOMEM
		    ? ASSAY_E_NOMEM
		    : ASSAY_E_IO;
	if (n > RESULT_MAX)
		return assay_fail(err, ASSAY_E_IO,
		    "system call 0xEA01: asks for a buffer of %ld bytes, at most %d are given", n,
		    RESULT_MAX);
	*size = (size_t)n;
	return ASSAY_OK;
}

static enum assay_code
collect(struct assay_guest_evidence *ev, const struct guest_job *job, struct assay_error *err)
{
	size_t size = 0, technology = 0;
	struct assay_bytes found;
	const char *tee;

	if (!is_real_root(job))
		return assay_fail(
		    err, ASSAY_E_UNSUPPORTED, "system call 0xEA01: belongs to no other root");
	enum assay_code rc = ask_size(&size, &technology, err);
	if (rc != ASSAY_OK)
		return rc;
	uint8_t *answer = malloc(size);
	if (answer == NULL)
		return assay_fail_nomem(err);
	long n =
	    guest_enarx_call(job->report_data, sizeof job->report_data, answer, size, &technology);
	if (n <= 0 || (size_t)n > size) {
		guest_fail_errno(err, n < 0 ? (int)-n : EPROTO, "system call 0xEA01");
		rc = ASSAY_E_IO;
	} else {
		rc = assay_enarx_parse(
		    &found, &tee, technology, (struct assay_bytes){ answer, (size_t)n }, err);
	}
	if (rc == ASSAY_OK) {
		memmove(answer, found.ptr, found.len);
		ev->pieces[ASSAY_GUEST_EVIDENCE] = (struct guest_blob){ answer, found.len };
		ev->tee = tee;
		snprintf(ev->maker, sizeof ev->maker, "enarx");
		return ASSAY_OK;
	}
	free(answer);
	return rc;
}

static enum assay_code
probe(const char **tee, const struct guest_job *job, struct assay_error *err)
{
	size_t size = 0, technology = 0, row;

	if (!is_real_root(job))
		return assay_fail(
		    err, ASSAY_E_UNSUPPORTED, "system call 0xEA01: belongs to no other root");
	enum assay_code rc = ask_size(&size, &technology, err);
	if (rc != ASSAY_OK)
		return rc;
	if (!find_row(&row, technology, err))
		return ASSAY_E_IO;
	*tee = rows[row].tee;
	assay_fail(err, ASSAY_OK, "system call 0xEA01 offers evidence of %s", rows[row].title);
	return ASSAY_OK;
}

const struct guest_provider guest_enarx = {
	.name = "enarx",
	.probe = probe,
	.collect = collect,
};
