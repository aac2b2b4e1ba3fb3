/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAY_GUEST_H
#define ASSAY_GUEST_H

/*
 * libassay-guest: collects evidence inside a TEE, through the interfaces of Linux. Thread-safe and
 * without state: each call opens what it needs and leaves nothing behind. Link with -lassay-guest.
 */

#include <stdbool.h>
#include <sys/types.h>

#include <assay/error.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { ASSAY_GUEST_REPORT_DATA = 64 };

/* Which endorsements come along: the certificate table of an AMD host, the collateral that the
 * quote generation service (QGS) of an Intel host hands out. */
enum assay_guest_endorsements {
	ASSAY_GUEST_AUTO = 0, /* those the host has; that it has none is no error */
	ASSAY_GUEST_NONE = 1,
	ASSAY_GUEST_ALL = 2, /* the same, but without them the call fails */
};

/* Start from zero: = { .report_data = nonce }. Texts and bytes are borrowed for the call. */
struct assay_guest_request {
	struct assay_bytes report_data; /* 1 to 64 bytes, short ones are padded with zeros */
	bool has_vmpl;                  /* false: the guest kernel's own level */
	unsigned vmpl;                  /* 0 to 3; of SEV-SNP */
	const char *service_provider;   /* "svsm": the evidence is asked for through it; or NULL */
	const char *service_guid;       /* one service of it, a GUID; NULL: all */
	const char *service_version;    /* of its manifest, a number; NULL: the default */
	enum assay_guest_endorsements endorsements;
	bool eventlog;   /* the firmware's event log (CCEL) comes along, where there is one */
	const char *tee; /* "tdx", "snp", "sgx", "sev-es", "sev": no other will do; NULL: any */
	const char *provider; /* a name of assay_guest_provider_name(): only that; NULL: in order */
	/* Where a TDX quote is made: "vsock:host:4050", "vsock:CID:PORT", "unix:PATH",
	 * "tcp:HOST:PORT". NULL: what /etc/tdx-attest.conf names, if anything. With one, quotes are
	 * asked for there directly. */
	const char *qgs;
	int timeout_ms;   /* for the whole call; 0: 30000 */
	const char *root; /* for tests: the folder that stands for "/"; NULL: "/" */
	/* Called once for each provider that was tried and did not do, with a sentence; or NULL. */
	void (*tried)(void *arg, const char *provider, const char *why);
	void *arg;
};

/* What was collected. */
struct assay_guest_evidence;

enum assay_guest_piece {
	ASSAY_GUEST_EVIDENCE,     /* the vendor's bytes: a report or a quote */
	ASSAY_GUEST_CERTIFICATES, /* of SEV-SNP: the host's certificate table */
	ASSAY_GUEST_COLLATERAL,   /* of TDX: PEM blocks, as docs/bundle.md has them */
	ASSAY_GUEST_EVENTLOG,     /* CCEL, as the firmware left it */
	ASSAY_GUEST_MANIFEST,     /* of an SVSM: REPORT_DATA is SHA-512(report data || manifest) */
	ASSAY_GUEST_PROOF, /* of SEV and SEV-ES: that the report is this guest's, docs/binding.md */
	ASSAY_GUEST_PIECES,
};

/*
 * Collects evidence from the first provider that gives any. The order is that of
 * assay_guest_provider_name(); with a QGS, the TDX device comes first.
 *
 * out     The caller frees it with assay_guest_evidence_free().
 * Errors  ASSAY_E_USAGE (the request), ASSAY_E_INCOMPLETE (no provider is here, or the endorsements
 *         that were asked for are not), ASSAY_E_IO (one is here and failed), ASSAY_E_NOMEM. The
 *         sentence names each provider that was tried and why it failed; `tried` has them whole.
 * Proves  That the evidence carries the report data of this request and no other caller's, where
 *         its format is known; nothing else. A verifier judges it.
 */
ASSAY_MUST_USE enum assay_code assay_guest_collect(struct assay_guest_evidence **out,
    const struct assay_guest_request *request, struct assay_error *err);
void assay_guest_evidence_free(struct assay_guest_evidence *ev); /* NULL is fine */

/* A piece; empty if there is none. It lives with the evidence. */
struct assay_bytes
assay_guest_piece(const struct assay_guest_evidence *ev, enum assay_guest_piece piece);
/* "tdx", "snp", "sgx", "sev-es", "sev"; "opaque" when the kernel's provider is none that is known.
 * Static text. */
const char *assay_guest_tee(const struct assay_guest_evidence *ev);
/* What made it, as the bundle names it: the kernel's own name ("tdx_guest", "sev_guest") or the way
 * that was taken ("dev-tdx-guest", "sev-agent"). Lives with the evidence. */
const char *assay_guest_maker(const struct assay_guest_evidence *ev);
/* The provider's name, one of assay_guest_provider_name(). Static text. */
const char *assay_guest_provider(const struct assay_guest_evidence *ev);
/* Why something optional is missing, a sentence; "" if nothing is. Lives with the evidence. */
const char *assay_guest_note(const struct assay_guest_evidence *ev);

/*
 * Writes what was collected as a bundle, docs/bundle.md.
 *
 * out     malloc'd; the caller frees it.
 * Errors  As assay_bundle_write().
 */
ASSAY_MUST_USE enum assay_code assay_guest_bundle(
    uint8_t **out, size_t *len, const struct assay_guest_evidence *ev, struct assay_error *err);

/* The n-th provider, in the order in which they are tried: "configfs-tsm", "tdx-device",
 * "snp-device", "sgx-attestation", "enarx", "sev-es", "sev"; NULL behind the last. Static text. */
const char *assay_guest_provider_name(size_t n);

/*
 * Says whether the n-th provider works here. Leaves nothing behind, and makes no evidence.
 *
 * request  Only its root, qgs and timeout_ms are looked at; may be NULL.
 * err      Filled in either case: why it works, or why not.
 * Errors   ASSAY_E_UNSUPPORTED (not here), ASSAY_E_IO (here, but of no use), ASSAY_E_POLICY (here,
 *          but not for this user), ASSAY_E_USAGE, ASSAY_E_NOMEM.
 */
ASSAY_MUST_USE enum assay_code
assay_guest_probe(size_t n, const struct assay_guest_request *request, struct assay_error *err);

/*
 * Says in which TEE this is, without making evidence: what the first provider that works would
 * give evidence of. Leaves nothing behind.
 *
 * tee      "tdx", "snp", "sgx", "sev-es", "sev", or "opaque". Static text.
 * request  Only its root, provider, qgs and timeout_ms are looked at; may be NULL.
 * Errors   ASSAY_E_INCOMPLETE (no provider is here), ASSAY_E_IO (one is here, but of no use),
 *          ASSAY_E_POLICY (one is here, but not for this user), ASSAY_E_USAGE, ASSAY_E_NOMEM.
 */
ASSAY_MUST_USE enum assay_code assay_guest_here(
    const char **tee, const struct assay_guest_request *request, struct assay_error *err);

/* --- measurement registers ----------------------------------------------------------------- */

enum { ASSAY_GUEST_REGISTER_MAX = 64 };

struct assay_guest_register {
	char name[32]; /* "rtmr2", "mrtd" */
	char hash[16]; /* "sha384"; "" for a register that is no digest */
	size_t len;
	uint8_t value[ASSAY_GUEST_REGISTER_MAX];
	bool extendable;
};

/*
 * Reads all measurement registers that the kernel offers (6.16 and later), sorted by name.
 *
 * out     malloc'd, *count long; the caller frees it.
 * root    For tests: the folder that stands for "/"; NULL: "/".
 * Errors  ASSAY_E_INCOMPLETE (the kernel offers none), ASSAY_E_IO, ASSAY_E_NOMEM.
 * Source  Linux, Documentation/ABI/testing/sysfs-devices-virtual-misc-tdx_guest.
 */
ASSAY_MUST_USE enum assay_code assay_guest_registers_read(
    struct assay_guest_register **out, size_t *count, const char *root, struct assay_error *err);

/*
 * Extends a register: its new value is the hash of the old one and the digest. This cannot be
 * undone until the machine starts anew.
 *
 * name    "rtmr2" or "rtmr3": the others belong to firmware and boot loader, and are refused.
 * digest  Exactly as long as the register: 48 bytes for TDX.
 * Errors  ASSAY_E_USAGE (name, length), ASSAY_E_INCOMPLETE, ASSAY_E_IO, ASSAY_E_NOMEM.
 */
ASSAY_MUST_USE enum assay_code assay_guest_register_extend(
    const char *name, struct assay_bytes digest, const char *root, struct assay_error *err);

/* --- the call of the first design ------------------------------------------------------------ */

/* What *technology says. */
enum {
	ASSAY_TECHNOLOGY_NONE = 0,
	ASSAY_TECHNOLOGY_SEV = 1, /* SEV-SNP included */
	ASSAY_TECHNOLOGY_SGX = 2,
	ASSAY_TECHNOLOGY_TDX = 3,
	ASSAY_TECHNOLOGY_OTHER = 4, /* a TEE whose evidence is opaque to this library */
};

/*
 * Evidence for a nonce, as a bundle (docs/bundle.md), whatever the TEE; but under SEV and SEV-ES what
 * the guest's agent is configured to give: the PrivateKeyInfo that the owner injected, with the nonce
 * ignored, or that bundle (docs/get_attestation.md).
 *
 * nonce       nonce_length bytes, and that must be 64. Not looked at when buf is NULL.
 * buf         At least as long as the call with NULL said. Written only on success.
 * technology  Written on success.
 * Returns     The length of what is in buf, or needed for it; 0 and technology 0 outside any TEE,
 *             whatever the arguments; -1 with errno on failure: EFAULT a pointer that does not
 *             point to memory, EINVAL a nonce of another length or a buf_length over SSIZE_MAX,
 *             EMSGSIZE a buffer that is too small, EACCES the agent does not answer this user, EIO
 *             the TEE failed, ENOMEM.
 */
ssize_t
get_attestation(void *nonce, size_t nonce_length, void *buf, size_t buf_length, size_t *technology);

#ifdef __cplusplus
}
#endif

#endif
