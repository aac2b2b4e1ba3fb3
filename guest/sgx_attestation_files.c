/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /dev/attestation, the files that enclave runtimes (Gramine, Occlum) offer to the program inside.
 * The report data stands there for the whole process: one that asks from several threads at once
 * gets what another wrote last. So a lock keeps our own callers apart, and the report data in the
 * quote is compared (collect.c).
 * Source: Gramine documentation, "Attestation and Secret Provisioning".
 */
#include "internal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define FOLDER "/dev/attestation"

enum { TEXT_MAX = 256, LOCK_MS = 2 };

/* "none" when the manifest switches attestation off. Older runtimes have no such file. */
static enum assay_code
check_type(const struct guest_job *job, struct assay_error *err)
{
	struct guest_blob text = { NULL, 0 };
	enum assay_code rc = ASSAY_OK;

	if (guest_read_file(&text, job->root, FOLDER "/attestation_type", TEXT_MAX) == 0 &&
	    assay_bytes_equal(assay_bytes_trim(guest_bytes(&text)), assay_bytes_of("none")))
		rc = assay_fail(err, ASSAY_E_IO,
		    FOLDER "/attestation_type: is none; set sgx.remote_attestation = \"dcap\" in "
			   "the manifest");
	guest_blob_clear(&text);
	return rc;
}

static int
write_report_data(const struct guest_job *job, int fd)
{
	while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
		/* A runtime without locks leaves it to the comparison. */
		if (errno != EWOULDBLOCK && errno != EINTR)
			break;
		if (!guest_pause(job, LOCK_MS))
			return ETIMEDOUT;
	}
	return guest_write_once(
	    fd, (struct assay_bytes){ job->report_data, sizeof job->report_data });
}

static enum assay_code
fail_absent(struct assay_error *err, const char *path)
{
	return assay_fail(err, ASSAY_E_UNSUPPORTED,
	    "%s: is not there; this is no enclave, or its runtime has no attestation", path);
}

static enum assay_code
collect(struct assay_guest_evidence *ev, const struct guest_job *job, struct assay_error *err)
{
	enum assay_code rc = check_type(job, err);
	int fd = -1;

	if (rc != ASSAY_OK)
		return rc;
	int error = guest_open(&fd, job->root, FOLDER "/user_report_data", O_WRONLY);
	if (error == ENOENT)
		return fail_absent(err, FOLDER "/user_report_data");
	if (error != 0)
		return guest_fail_errno(err, error, FOLDER "/user_report_data");
	if ((error = write_report_data(job, fd)) != 0) {
		rc = guest_fail_errno(err, error, FOLDER "/user_report_data");
	} else if ((error = guest_read_file(&ev->pieces[ASSAY_GUEST_EVIDENCE], job->root,
			FOLDER "/quote", GUEST_BLOB_MAX)) != 0) {
		rc = guest_fail_errno(err, error, FOLDER "/quote");
	}
	close(fd);
	if (rc != ASSAY_OK)
		return rc == ASSAY_E_NOMEM ? rc : ASSAY_E_IO;
	ev->tee = "sgx";
	snprintf(ev->maker, sizeof ev->maker, "dev-attestation");
	return ASSAY_OK;
}

static enum assay_code
probe(const char **tee, const struct guest_job *job, struct assay_error *err)
{
	enum assay_code rc = check_type(job, err);

	if (rc != ASSAY_OK)
		return rc;
	if (!guest_exists(job->root, FOLDER "/quote"))
		return fail_absent(err, FOLDER "/quote");
	*tee = "sgx";
	assay_fail(err, ASSAY_OK, FOLDER "/quote is there");
	return ASSAY_OK;
}

const struct guest_provider guest_sgx_attestation = {
	.name = "sgx-attestation",
	.probe = probe,
	.collect = collect,
};
