/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAY_GUEST_INTERNAL_H
#define ASSAY_GUEST_INTERNAL_H

/* What the providers share: one collection under way, its files and its deadline. */

#include <stdint.h>

#include <assay/guest.h>

#include "agent_wire.h"
#include "core/core.h"

enum {
	GUEST_PATH_MAX = 4096,
	GUEST_BLOB_MAX =
	    16 * 1024 * 1024, /* newer kernels' limit of a configfs blob; ours for all */
	GUEST_MAKER_MAX = 65, /* the bundle's limit of a provider, and a NUL */
	GUEST_TIMEOUT_MS = 30000,
	GUEST_TDREPORT = 1024,
	GUEST_SNP_REPORT = 1184,
};

struct guest_blob {
	uint8_t *ptr; /* malloc'd */
	size_t len;
};

struct assay_guest_evidence {
	struct guest_blob pieces[ASSAY_GUEST_PIECES];
	const char *tee;
	const char *provider;
	char maker[GUEST_MAKER_MAX];
	char note[256];
};

struct guest_job {
	const struct assay_guest_request *request;
	const char *root;                             /* without a slash at its end; "" for "/" */
	uint8_t report_data[ASSAY_GUEST_REPORT_DATA]; /* padded */
	int64_t deadline;                             /* guest_now_ms() */
	char qgs[128];                                /* the address; "" if there is none */
};

/*
 * A way to evidence. Both calls fill err whatever they return, and return ASSAY_E_UNSUPPORTED when
 * what they need is not on this machine.
 */
struct guest_provider {
	const char *name;
	/* Whether it has to come before those that stand before it; NULL: never. */
	bool (*preferred)(const struct guest_job *job);
	/* Says of which TEE it gives evidence, when it works. Leaves nothing behind. */
	enum assay_code (*probe)(
	    const char **tee, const struct guest_job *job, struct assay_error *err);
	/* Fills the pieces, the tee and the maker of an empty ev; what is half filled is freed by
	 * the caller. */
	enum assay_code (*collect)(
	    struct assay_guest_evidence *ev, const struct guest_job *job, struct assay_error *err);
};

extern const struct guest_provider guest_configfs_tsm, guest_tdx_device, guest_snp_device,
    guest_sgx_attestation, guest_enarx, guest_sev, guest_sev_es;
extern const struct guest_provider *const guest_providers[]; /* ends with NULL */

/* --- collect.c --- */

/* Makes a job of a request; request may be NULL for a probe. */
enum assay_code assay_guest_job(
    struct guest_job *out, const struct assay_guest_request *request, struct assay_error *err);
void assay_guest_evidence_clear(struct assay_guest_evidence *ev);
/* The first provider that works, in the order of collecting; *tee "" if none is here. */
enum assay_code
assay_guest_find(const char **tee, const struct guest_job *job, struct assay_error *err);
/* What the kernel's provider makes: "tdx" of "tdx_guest"; "opaque" of one that is not known. */
const char *assay_guest_tee_of(const char *maker);
/* Where REPORT_DATA stands in evidence of this TEE; empty if that is not known. */
struct assay_bytes assay_guest_report_data(const char *tee, struct assay_bytes evidence);

/* --- file.c: all return 0 or a positive errno --- */

int64_t guest_now_ms(void);
/* Sleeps, but not past the deadline; false if that is over. */
bool guest_pause(const struct guest_job *job, int ms);
/* root and path; false if that is longer than GUEST_PATH_MAX. */
bool guest_path(char out[GUEST_PATH_MAX], const char *root, const char *path);
/* Opens a file under the root, close-on-exec. */
int guest_open(int *fd, const char *root, const char *path, int flags);
bool guest_exists(const char *root, const char *path);
/* Reads to the end of file, at most max bytes: EFBIG if there is more. */
int guest_read(struct guest_blob *out, int fd, size_t max);
int guest_read_file(struct guest_blob *out, const char *root, const char *path, size_t max);
/* Writes all of it by one write(). */
int guest_write_once(int fd, struct assay_bytes bytes);
struct assay_bytes guest_bytes(const struct guest_blob *blob);
/* malloc()s it; false when out of memory. */
bool guest_copy(struct guest_blob *out, struct assay_bytes in);
void guest_blob_clear(struct guest_blob *blob);
/* "/dev/tdx_guest: Permission denied; run as root"; the code that goes with the errno. */
enum assay_code guest_fail_errno(struct assay_error *err, int error, const char *path);

/* --- qgs.c --- */

enum { QGS_MESSAGE_MAX = 2 * 1024 * 1024, QGS_COLLATERAL_BLOBS = 7 };

enum qgs_type {
	QGS_GET_QUOTE = 0,
	QGS_QUOTE = 1,
	QGS_GET_COLLATERAL = 2,
	QGS_COLLATERAL = 3,
};

struct qgs_answer {
	struct assay_bytes quote;
	struct assay_bytes collateral[QGS_COLLATERAL_BLOBS];
};

/*
 * Reads an answer of the service, without the length that precedes it.
 *
 * type    QGS_QUOTE or QGS_COLLATERAL, what was asked for.
 * out     Points into `in`.
 * Errors  ASSAY_E_FORMAT; ASSAY_E_IO with the service's own error.
 * Source  Intel DCAP, qgs_msg_lib; dcap-based clients take minor 0 and 1.
 */
ASSAY_MUST_USE enum assay_code assay_qgs_answer_parse(
    struct qgs_answer *out, enum qgs_type type, struct assay_bytes in, struct assay_error *err);
/* A request for a quote, with the length that precedes it. */
enum { QGS_QUOTE_REQUEST = 4 + 24 + GUEST_TDREPORT };
void assay_qgs_quote_request(uint8_t out[QGS_QUOTE_REQUEST], const uint8_t report[GUEST_TDREPORT]);
/* "vsock:host:4050" and so on; checked, not connected. */
bool assay_qgs_address_ok(const char *address);
/* The address that a configuration file names; "" if none. */
void assay_qgs_address_of_conf(char *out, size_t size, struct assay_bytes conf);
enum assay_code assay_qgs_quote(struct guest_blob *quote, const struct guest_job *job,
    const uint8_t report[GUEST_TDREPORT], struct assay_error *err);
enum assay_code assay_qgs_connectable(const struct guest_job *job, struct assay_error *err);
/* PEM blocks for the platform of a quote. */
enum assay_code assay_qgs_collateral(struct guest_blob *pem, const struct guest_job *job,
    struct assay_bytes quote, struct assay_error *err);

/* --- collateral.c --- */

/* FMSPC and kind of CA of the PCK certificate in a quote. */
struct guest_platform {
	uint8_t fmspc[6];
	const char *ca; /* "processor", "platform" */
};
enum assay_code
assay_guest_platform(struct guest_platform *out, struct assay_bytes quote, struct assay_error *err);
/* The parts as PEM blocks, each thing once. PEM, DER, hex of DER, JSON; NULs at the end go. */
enum assay_code assay_guest_pem(
    struct guest_blob *out, const struct assay_bytes *parts, size_t count, struct assay_error *err);

/* --- snp_device.c --- */

/* The report in the answer of the device: status word, size, and the report itself. */
ASSAY_MUST_USE enum assay_code
assay_snp_answer_parse(struct assay_bytes *out, struct assay_bytes in, struct assay_error *err);
/* A host's certificate table without what follows it in its buffer; len 0 if it has no entry. */
ASSAY_MUST_USE enum assay_code
assay_snp_table_trim(size_t *len, struct assay_bytes in, struct assay_error *err);

/* --- enarx.c and enarx_syscall*.c --- */

/* System call 0xEA01 by hand; returns what it returns (a length or a negative errno), and
 * *technology is what the second register held. -ENOSYS on a CPU that has no such call. */
long
guest_enarx_call(const void *nonce, size_t nonce_len, void *buf, size_t len, size_t *technology);
/* The report or quote in what the call gave, and the name of the TEE that the technology stands for. */
ASSAY_MUST_USE enum assay_code assay_enarx_parse(struct assay_bytes *evidence, const char **tee,
    size_t technology, struct assay_bytes in, struct assay_error *err);

/* --- sev_agent.c --- */

/*
 * Asks assay-agentd one question.
 *
 * room    What answer points into; the caller frees it, and wipes it first if it holds a key.
 * answer  Filled on success; else its status, when the agent said no, is what the agent said.
 * Errors  ASSAY_E_UNSUPPORTED (no agent, or none with a key), ASSAY_E_POLICY (it does not answer
 *         this caller), ASSAY_E_IO, ASSAY_E_FORMAT, ASSAY_E_NOMEM.
 */
ASSAY_MUST_USE enum assay_code
assay_attest_ask(struct guest_blob *room, struct attest_answer *answer, enum attest_op op,
    const struct guest_job *job, struct assay_error *err);

/* --- get_attestation.c --- */

/* get_attestation() below another root. */
ssize_t assay_guest_attestation(const char *root, void *nonce, size_t nonce_length, void *buf,
    size_t buf_length, size_t *technology);

#endif
