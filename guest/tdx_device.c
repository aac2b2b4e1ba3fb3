/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TDX guest devices: a TDREPORT from the node, a quote from the QGS that is configured, or by the
 * calls that drivers outside of mainline have for it.
 * Sources: Linux, include/uapi/linux/tdx-guest.h; Intel DCAP, tdx_attest.
 */
#include "internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum {
	PAGE = 4096,
	QUOTE_BUFFER = 16 * 1024,
	QUOTE_HEADER = 24,
	BUSY_MS = 50,
};

/* What a node's GET_REPORT takes. */
enum report_form {
	FORM_MAINLINE, /* 64 bytes in, 1024 bytes out behind them */
	FORM_POINTERS, /* module 1.0: a structure of pointers */
	FORM_IN_PLACE, /* the oldest: 64 bytes in, and 1024 out in their place */
};

static const struct node {
	const char *path;
	unsigned long get_report;
	enum report_form form;
} nodes[] = {
	{ "/dev/tdx_guest", 0xc4405401, FORM_MAINLINE },
	{ "/dev/tdx-guest", 0xc0085401, FORM_POINTERS },
	{ "/dev/tdx-attest", 0xc0085401, FORM_IN_PLACE },
};
enum { NODES = sizeof nodes / sizeof *nodes };

/* Quotes by the driver: what it is handed is a QGS message, or the bare TDREPORT. */
static const struct {
	unsigned long number;
	bool message;
} get_quote[] = {
	{ 0x80105404, true },
	{ 0xc0105404, true },
	{ 0xc0105402, false },
};

struct pointers {
	uint8_t subtype;
	uint8_t pad[7];
	uint64_t report_data;
	uint32_t report_data_len;
	uint32_t pad2;
	uint64_t report;
	uint32_t report_len;
	uint32_t pad3;
};
struct quote_request {
	uint64_t buffer, len;
};
_Static_assert(sizeof(struct pointers) == 40, "the driver's size");
_Static_assert(sizeof(struct quote_request) == 16, "the driver's size");

static uint64_t
address(const void *p)
{
	return (uint64_t)(uintptr_t)p;
}

static int
call(const struct guest_job *job, int fd, unsigned long number, void *arg)
{
	for (;;) {
		if (ioctl(fd, number, arg) == 0)
			return 0;
		int error = errno;
		if ((error != EINTR && error != EBUSY && error != EAGAIN) ||
		    !guest_pause(job, BUSY_MS))
			return error;
	}
}

static int
get_report(
    uint8_t report[GUEST_TDREPORT], const struct guest_job *job, const struct node *node, int fd)
{
	uint8_t flat[ASSAY_GUEST_REPORT_DATA + GUEST_TDREPORT] = { 0 };
	size_t at = node->form == FORM_MAINLINE ? ASSAY_GUEST_REPORT_DATA : 0;
	int error;

	if (node->form == FORM_POINTERS) {
		struct pointers p = { .report_data = address(job->report_data),
			.report_data_len = sizeof job->report_data,
			.report = address(report),
			.report_len = GUEST_TDREPORT };
		return call(job, fd, node->get_report, &p);
	}
	memcpy(flat, job->report_data, sizeof job->report_data);
	error = call(job, fd, node->get_report, flat);
	if (error == 0)
		memcpy(report, flat + at, GUEST_TDREPORT);
	return error;
}

/* What the host left in the shared buffer. Source: Intel GHCI, TDG.VP.VMCALL<GetQuote>. */
static enum assay_code
take_quote(
    struct guest_blob *quote, struct assay_bytes buffer, bool message, struct assay_error *err)
{
	struct assay_reader r = { .what = "quote buffer", .in = buffer };
	struct qgs_answer answer;

	(void)assay_take_u64le(&r); /* version */
	uint64_t status = assay_take_u64le(&r);
	(void)assay_take_u32le(&r);
	struct assay_bytes data = assay_take(&r, assay_take_u32le(&r));
	if (status != 0)
		return assay_fail(err, ASSAY_E_IO, "the host answers with status 0x%llx%s",
		    (unsigned long long)status,
		    status == 0x8000000000000001 ? ", no quoting service" : "");
	if (r.overrun || data.len == 0)
		return assay_fail(err, ASSAY_E_IO, "the host left no quote in the buffer");
	if (message) {
		struct assay_bytes inner = assay_bytes_at(data, 4, data.len > 4 ? data.len - 4 : 0);
		enum assay_code rc = assay_qgs_answer_parse(&answer, QGS_QUOTE, inner, err);
		if (rc != ASSAY_OK)
			return rc;
		data = answer.quote;
	}
	quote->ptr = malloc(data.len);
	if (quote->ptr == NULL)
		return assay_fail_nomem(err);
	memcpy(quote->ptr, data.ptr, data.len);
	quote->len = data.len;
	return ASSAY_OK;
}

static void
put32(uint8_t *p, uint32_t v)
{
	for (size_t i = 0; i < 4; i++)
		p[i] = (uint8_t)(v >> 8 * i);
}

static enum assay_code
quote_by_driver(struct guest_blob *quote, const struct guest_job *job, int fd, uint8_t *buffer,
    const uint8_t report[GUEST_TDREPORT], struct assay_error *err)
{
	for (size_t i = 0; i < sizeof get_quote / sizeof *get_quote; i++) {
		bool message = get_quote[i].message;
		struct quote_request q = { .buffer = address(buffer), .len = QUOTE_BUFFER };

		memset(buffer, 0, QUOTE_BUFFER);
		buffer[0] = 1;
		put32(buffer + 16, message ? QGS_QUOTE_REQUEST : GUEST_TDREPORT);
		if (message)
			assay_qgs_quote_request(buffer + QUOTE_HEADER, report);
		else
			memcpy(buffer + QUOTE_HEADER, report, GUEST_TDREPORT);
		if (call(job, fd, get_quote[i].number, &q) == 0)
			return take_quote(
			    quote, (struct assay_bytes){ buffer, QUOTE_BUFFER }, message, err);
	}
	return assay_fail(err, ASSAY_E_IO,
	    "the driver makes reports but no quotes, and no QGS is configured; name one "
	    "(vsock:host:4050), or write port = 4050 into /etc/tdx-attest.conf");
}

static const struct node *
find_node(const struct guest_job *job)
{
	for (size_t i = 0; i < NODES; i++)
		if (guest_exists(job->root, nodes[i].path))
			return &nodes[i];
	return NULL;
}

static enum assay_code
open_node(int *fd, const struct node **node, const struct guest_job *job, struct assay_error *err)
{
	*node = find_node(job);
	if (*node == NULL)
		return assay_fail(err, ASSAY_E_UNSUPPORTED,
		    "/dev/tdx_guest: is not there; this is no TD, or tdx_guest is not loaded");
	int error = guest_open(fd, job->root, (*node)->path, O_RDWR | O_SYNC);
	if (error == 0)
		return ASSAY_OK;
	return guest_fail_errno(err, error, (*node)->path);
}

static enum assay_code
collect(struct assay_guest_evidence *ev, const struct guest_job *job, struct assay_error *err)
{
	struct guest_blob *quote = &ev->pieces[ASSAY_GUEST_EVIDENCE];
	uint8_t report[GUEST_TDREPORT] = { 0 };
	const struct node *node;
	int fd = -1;
	enum assay_code rc = open_node(&fd, &node, job, err);

	if (rc != ASSAY_OK)
		return rc;
	int error = get_report(report, job, node, fd);
	if (error != 0) {
		guest_fail_errno(err, error, node->path);
		rc = ASSAY_E_IO;
	} else if (job->qgs[0] != '\0') {
		rc = assay_qgs_quote(quote, job, report, err);
	} else {
		uint8_t *buffer = aligned_alloc(PAGE, QUOTE_BUFFER);
		rc = buffer != NULL ? quote_by_driver(quote, job, fd, buffer, report, err)
				    : assay_fail_nomem(err);
		free(buffer);
	}
	close(fd);
	if (rc == ASSAY_E_FORMAT)
		rc = ASSAY_E_IO;
	ev->tee = "tdx";
	snprintf(ev->maker, sizeof ev->maker, "dev-tdx-guest");
	return rc;
}

static bool
preferred(const struct guest_job *job)
{
	return job->qgs[0] != '\0' && find_node(job) != NULL;
}

/* A report is made of nothing but this machine, and nobody gets it. */
static enum assay_code
probe(const char **tee, const struct guest_job *job, struct assay_error *err)
{
	uint8_t report[GUEST_TDREPORT];
	const struct node *node;
	int fd = -1;
	enum assay_code rc = open_node(&fd, &node, job, err);

	if (rc != ASSAY_OK)
		return rc;
	int error = get_report(report, job, node, fd);
	close(fd);
	if (error != 0) {
		guest_fail_errno(err, error, node->path);
		return ASSAY_E_IO;
	}
	if (job->qgs[0] != '\0') {
		rc = assay_qgs_connectable(job, err);
		if (rc != ASSAY_OK)
			return rc;
		*tee = "tdx";
		assay_fail(err, ASSAY_OK, "%s makes reports, and the QGS at %.100s listens",
		    node->path, job->qgs);
		return ASSAY_OK;
	}
	if (node->form == FORM_MAINLINE)
		return assay_fail(err, ASSAY_E_IO,
		    "%s: makes reports, but no QGS is configured for the quote", node->path);
	*tee = "tdx";
	assay_fail(
	    err, ASSAY_OK, "%s makes reports; whether it makes quotes is not tried", node->path);
	return ASSAY_OK;
}

const struct guest_provider guest_tdx_device = {
	.name = "tdx-device",
	.preferred = preferred,
	.probe = probe,
	.collect = collect,
};
