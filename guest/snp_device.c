/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /dev/sev-guest (Linux 5.19 and later).
 * Source: Linux, include/uapi/linux/sev-guest.h; AMD 56860, MSG_REPORT_RSP; GHCB 4.1.8.1.
 */
#include "internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define DEVICE "/dev/sev-guest"

enum {
	PAGE = 4096,
	CERTS_MAX = 16 * 1024, /* the driver's limit */
	ANSWER_SIZE = 4000,
	REPORT_AT = 32,
	STATUS_INVALID_PARAMETER = 0x16,
	STATUS_INVALID_KEY = 0x27,
	VMM_INVALID_LENGTH = 1,
	VMM_BUSY = 2,
	TABLE_ENTRY = 24,
	TABLE_GUID = 16,
	TABLE_ENTRIES_MAX = 64,
	BUSY_MS = 100,
};

static const unsigned long get_report = 0xc0205300, get_ext_report = 0xc0205302;

/* The kernel's structures. */
struct report_request {
	uint8_t user_data[ASSAY_GUEST_REPORT_DATA];
	uint32_t vmpl;
	uint8_t zero[28];
};
struct ext_request {
	struct report_request report;
	uint64_t certs_address;
	uint32_t certs_len;
	uint32_t pad;
};
struct guest_request {
	uint8_t version;
	uint8_t pad[7];
	uint64_t request, response;
	uint64_t exitinfo2; /* low half of the firmware, high half of the VMM */
};
_Static_assert(sizeof(struct report_request) == 96, "the kernel's size");
_Static_assert(sizeof(struct ext_request) == 112, "the kernel's size");
_Static_assert(sizeof(struct guest_request) == 32, "the kernel's size");

enum assay_code
assay_snp_answer_parse(struct assay_bytes *out, struct assay_bytes in, struct assay_error *err)
{
	struct assay_bytes head = assay_bytes_at(in, 0, REPORT_AT);

	if (head.len == 0)
		return assay_fail(err, ASSAY_E_FORMAT,
		    DEVICE ": the answer is %zu bytes, less than its head of %d", in.len,
		    REPORT_AT);
	uint32_t status = assay_u32le(head.ptr), size = assay_u32le(head.ptr + 4);
	if (status != 0)
		return assay_fail(err, ASSAY_E_IO,
		    DEVICE ": the firmware refuses with status 0x%x%s", status,
		    status == STATUS_INVALID_PARAMETER
			? ", invalid parameter; perhaps the guest may "
			  "not ask for this VMPL"
			: status == STATUS_INVALID_KEY ? ", invalid key"
						       : "");
	if (size != GUEST_SNP_REPORT)
		return assay_fail(err, ASSAY_E_FORMAT, DEVICE ": the report is %u bytes, want %d",
		    size, GUEST_SNP_REPORT);
	*out = assay_bytes_at(in, REPORT_AT, size);
	if (out->len == 0)
		return assay_fail(err, ASSAY_E_FORMAT,
		    DEVICE ": the answer is %zu bytes, too short for its report", in.len);
	return ASSAY_OK;
}

/* Entries of 24 bytes up to one of zeros, then what they point at. */
enum assay_code
assay_snp_table_trim(size_t *len, struct assay_bytes in, struct assay_error *err)
{
	size_t end = 0;

	for (size_t i = 0; i <= TABLE_ENTRIES_MAX; i++) {
		struct assay_bytes entry = assay_bytes_at(in, i * TABLE_ENTRY, TABLE_ENTRY);
		if (entry.len == 0)
			break;
		if (assay_bytes_zero(entry)) {
			size_t head = (i + 1) * TABLE_ENTRY;
			*len = i == 0 ? 0 : end > head ? end : head;
			return ASSAY_OK;
		}
		uint32_t at = assay_u32le(entry.ptr + TABLE_GUID);
		uint32_t n = assay_u32le(entry.ptr + TABLE_GUID + 4);
		if (n == 0 || assay_bytes_at(in, at, n).len != n)
			return assay_fail(err, ASSAY_E_FORMAT,
			    "certificate table: entry %zu points at %u, %u bytes, outside of the "
			    "%zu "
			    "that the host gave",
			    i, at, n, in.len);
		if ((size_t)at + n > end)
			end = (size_t)at + n;
	}
	return assay_fail(err, ASSAY_E_FORMAT,
	    "certificate table: no entry of zeros ends it in %zu bytes", in.len);
}

/* --- asking ---------------------------------------------------------------------------------- */

struct ask {
	const struct guest_job *job;
	int fd;
	struct ext_request request;
	uint8_t answer[ANSWER_SIZE];
	uint8_t *certs; /* CERTS_MAX bytes */
	uint64_t exitinfo2;
};

static uint64_t
address(const void *p)
{
	return (uint64_t)(uintptr_t)p;
}

static int
issue(struct ask *a, unsigned long number)
{
	struct guest_request r = {
		.version = 1, .request = address(&a->request), .response = address(a->answer)
	};

	memset(a->answer, 0, sizeof a->answer);
	/* The driver waits for a busy host itself, as long as it thinks right; a signal, or a host
	 * that throttles, may still end a call. */
	for (;;) {
		r.exitinfo2 = 0;
		int error = ioctl(a->fd, number, &r) == 0 ? 0 : errno;
		a->exitinfo2 = error == 0 ? 0 : r.exitinfo2;
		bool busy = error == EINTR || error == EAGAIN || error == EBUSY ||
		    (error == EIO && a->exitinfo2 >> 32 == VMM_BUSY);
		if (!busy || !guest_pause(a->job, BUSY_MS))
			return error;
	}
}

/* The host's table may need more room than was offered: the driver says how much. */
static int
issue_extended(struct ask *a)
{
	uint32_t offered = PAGE;

	for (;;) {
		a->request.certs_address = address(a->certs);
		a->request.certs_len = offered;
		memset(a->certs, 0, CERTS_MAX);
		int error = issue(a, get_ext_report);
		uint32_t wanted = a->request.certs_len;
		if (error != EIO || a->exitinfo2 >> 32 != VMM_INVALID_LENGTH)
			return error;
		wanted = (wanted + PAGE - 1) / PAGE * PAGE;
		if (wanted <= offered || wanted > CERTS_MAX)
			return error;
		offered = wanted;
	}
}

static enum assay_code
explain(const struct ask *a, int error, struct assay_error *err)
{
	if (error == ENOTTY)
		return assay_fail(err, ASSAY_E_IO,
		    DEVICE ": the driver has closed its channel after an earlier failure; only a "
			   "reboot opens it");
	if (error == EIO)
		return assay_fail(err, ASSAY_E_IO,
		    DEVICE ": Input/output error, firmware 0x%x, hypervisor 0x%x",
		    (unsigned)(a->exitinfo2 & 0xffffffff), (unsigned)(a->exitinfo2 >> 32));
	guest_fail_errno(err, error, DEVICE);
	return error == ENOMEM ? ASSAY_E_NOMEM : ASSAY_E_IO;
}

static enum assay_code
take_answer(struct assay_guest_evidence *ev, const struct ask *a, struct assay_error *err)
{
	struct assay_bytes report;
	struct assay_error why;
	size_t len = 0;
	enum assay_code rc =
	    assay_snp_answer_parse(&report, (struct assay_bytes){ a->answer, ANSWER_SIZE }, err);

	if (rc != ASSAY_OK)
		return rc == ASSAY_E_FORMAT ? ASSAY_E_IO : rc;
	if (assay_snp_table_trim(&len, (struct assay_bytes){ a->certs, CERTS_MAX }, &why) !=
	    ASSAY_OK) {
		snprintf(ev->note, sizeof ev->note, "without certificates: %.200s", why.text);
		len = 0;
	}
	if (!guest_copy(&ev->pieces[ASSAY_GUEST_EVIDENCE], report) ||
	    (len > 0 &&
		!guest_copy(
		    &ev->pieces[ASSAY_GUEST_CERTIFICATES], (struct assay_bytes){ a->certs, len })))
		return assay_fail_nomem(err);
	ev->tee = "snp";
	snprintf(ev->maker, sizeof ev->maker, "dev-sev-guest");
	return ASSAY_OK;
}

/* Extended first: one request, and what offline verification needs comes along. */
static enum assay_code
ask(struct assay_guest_evidence *ev, struct ask *a, struct assay_error *err)
{
	bool plain = a->job->request->endorsements == ASSAY_GUEST_NONE;
	int error = plain ? issue(a, get_report) : issue_extended(a);

	/* After ENOTTY the channel is closed, and nothing else will do either. */
	if (error != 0 && error != ENOTTY && !plain) {
		memset(a->certs, 0, CERTS_MAX);
		error = issue(a, get_report);
	}
	return error != 0 ? explain(a, error, err) : take_answer(ev, a, err);
}

static enum assay_code
open_device(int *fd, const struct guest_job *job, struct assay_error *err)
{
	int error = guest_open(fd, job->root, DEVICE, O_RDWR);

	if (error == ENOENT)
		return assay_fail(err, ASSAY_E_UNSUPPORTED,
		    DEVICE ": is not there; this is no SEV-SNP guest, or sev-guest is not loaded");
	return error != 0 ? guest_fail_errno(err, error, DEVICE) : ASSAY_OK;
}

static enum assay_code
collect(struct assay_guest_evidence *ev, const struct guest_job *job, struct assay_error *err)
{
	struct ask *a;
	int fd = -1;
	enum assay_code rc = open_device(&fd, job, err);

	if (rc != ASSAY_OK)
		return rc;
	if (job->request->service_provider != NULL) {
		close(fd);
		return assay_fail(err, ASSAY_E_UNSUPPORTED,
		    DEVICE ": knows no service providers; configfs-tsm does");
	}
	a = calloc(1, sizeof *a);
	uint8_t *certs = aligned_alloc(PAGE, CERTS_MAX);
	rc = ASSAY_E_NOMEM;
	if (a != NULL && certs != NULL) {
		memset(certs, 0, CERTS_MAX);
		a->job = job;
		a->fd = fd;
		a->certs = certs;
		memcpy(a->request.report.user_data, job->report_data, sizeof job->report_data);
		a->request.report.vmpl = job->request->vmpl;
		rc = ask(ev, a, err);
	} else {
		assay_fail_nomem(err);
	}
	free(certs);
	free(a);
	close(fd);
	return rc;
}

/* A request would use up one of the firmware's messages: the open file tells enough. */
static enum assay_code
probe(const char **tee, const struct guest_job *job, struct assay_error *err)
{
	int fd = -1;
	enum assay_code rc = open_device(&fd, job, err);

	if (rc != ASSAY_OK)
		return rc;
	close(fd);
	*tee = "snp";
	assay_fail(err, ASSAY_OK, DEVICE " can be opened");
	return ASSAY_OK;
}

const struct guest_provider guest_snp_device = {
	.name = "snp-device",
	.probe = probe,
	.collect = collect,
};
