/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAY_EVENTLOG_H
#define ASSAY_EVENTLOG_H

#include <stdbool.h>

#include <assay/error.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Event logs: what firmware, boot loader, kernel and agents say they measured into registers.
 * A log proves nothing by itself. Replayed, it gives the values that the registers must have; if
 * signed evidence has the same values, then the digests of the log are what was extended, in this
 * order. Of the text beside a digest even that says nothing, unless the digest is over it.
 *
 * Nothing here allocates: logs are walked where they stand.
 */

enum {
	ASSAY_LOG_BANKS_MAX = 8,
	ASSAY_LOG_DIGEST_MAX = 64,
	ASSAY_LOG_REGISTERS = 24, /* PCR 0 to 23 */
	ASSAY_LOG_TEXT_MAX = 4096 /* of assay_log_event_text(): no text is longer */
};

enum assay_log_kind {
	ASSAY_LOG_ANY = 0,  /* asked for: whatever the bytes say */
	ASSAY_LOG_TCG1 = 1, /* TCG PC Client, SHA-1 only, of a TPM 1.2 */
	ASSAY_LOG_TCG2 = 2, /* TCG PC Client, crypto agile, of a TPM 2 */
	ASSAY_LOG_CCEL = 3, /* the same with RTMRs in place of PCRs; AAEL records may follow */
	ASSAY_LOG_AAEL = 4, /* records of the Confidential Containers agent without a header */
	ASSAY_LOG_IMA = 5,  /* ascii_runtime_measurements */
};

/* One bank of a log. */
struct assay_log_bank {
	uint16_t algorithm; /* TPM_ALG_ID: 4 SHA-1, 0xb SHA-256, 0xc SHA-384, 0xd SHA-512, ... */
	uint16_t size;      /* of a digest */
};

/* A log that was read from front to back and is whole. Borrows from the bytes that it was parsed
 * from. The caller's; nothing in it is to be freed. */
struct assay_log {
	enum assay_log_kind kind;
	bool
	    cc; /* registers are the indexes of a confidential VM, 1 is RTMR0; else they are PCRs */
	struct assay_log_bank banks[ASSAY_LOG_BANKS_MAX];
	size_t bank_count;
	size_t events;           /* without the header record */
	size_t start, used;      /* where the first event begins; where padding or the input ends */
	struct assay_bytes in;   /* all of it */
	bool has_header;         /* the Spec ID event; the next five come from it */
	uint32_t platform_class; /* 0 client, 1 server */
	uint8_t version_major, version_minor, errata;
	struct assay_bytes vendor_info;
	uint8_t locality; /* of the StartupLocality event; else 0 */
};

/*
 * Reads a log whole, so that nothing is believed before all of it is known to be well formed.
 *
 * kind    ASSAY_LOG_ANY, or the kind that it must be of; ASSAY_LOG_TCG2 takes ASSAY_LOG_TCG1 too.
 *         A TCG 2 log is taken for a CCEL if its header stands in register 1, as EDK2 writes it, or
 *         if its only bank is SHA-384 and all its registers are 1 to 4.
 * Errors  ASSAY_E_FORMAT (with number and offset of the record), ASSAY_E_UNSUPPORTED (nothing that
 *         is known).
 * Source  TCG PC Client Platform Firmware Profile 1.05, 10; Intel GHCI 1.5 and UEFI 2.10, 38.4;
 *         Linux security/integrity/ima.
 */
ASSAY_MUST_USE enum assay_code assay_log_parse(struct assay_log *out, struct assay_bytes in,
    enum assay_log_kind kind, struct assay_error *err);
/* "CCEL", "TCG 2", "TCG 1.2", "AAEL", "IMA". Static text. */
const char *assay_log_kind_name(enum assay_log_kind kind);
/* "sha384"; "0x0099" has no name: "unknown". Static text. */
const char *assay_log_bank_name(uint16_t algorithm);

struct assay_log_digest {
	uint16_t algorithm;
	uint16_t size;
	uint8_t bytes[ASSAY_LOG_DIGEST_MAX];
};

struct assay_log_event {
	size_t number;   /* 1 is the first behind the header */
	size_t at, size; /* of the record, in the log's bytes */
	uint32_t reg;    /* PCR, or index of a confidential VM; IMA's RTMR numbers become indexes */
	uint32_t type;   /* of IMA 0 */
	bool extends;    /* false: EV_NO_ACTION, which is in no register */
	bool violation;  /* IMA: the register was extended with ones, whatever the digest says */
	struct assay_log_digest digests[ASSAY_LOG_BANKS_MAX];
	size_t digest_count;
	struct assay_bytes data; /* event data; of IMA the line behind the template hash */
};

/* The next event: start from a zeroed one. False behind the last; *ev is then as it was. */
bool assay_log_next(struct assay_log_event *ev, const struct assay_log *log);

/* "EV_SEPARATOR"; NULL for a type without a name. Static text. */
const char *assay_log_type_name(uint32_t type);
/* "RTMR0", "MRTD", "PCR 7". */
struct assay_log_name {
	char text[16];
};
struct assay_log_name assay_log_register_name(bool cc, uint32_t reg);

/* What the event says for people, at most size - 1 bytes of printable ASCII: strings of the log
 * in double quotes, what is not printable as \xNN, "..." where it was cut. */
void assay_log_event_text(
    char *out, size_t size, const struct assay_log *log, const struct assay_log_event *ev);

/* Whether the digests are over the event's own data, of the types that promise it. */
enum assay_log_match {
	ASSAY_LOG_MATCH_UNKNOWN = 0, /* the digest is over something else: the data are only text */
	ASSAY_LOG_MATCH_YES = 1,
	ASSAY_LOG_MATCH_NO = 2, /* the type promises it, and it is not so */
};
enum assay_log_match
assay_log_event_match(const struct assay_log *log, const struct assay_log_event *ev);

/* An event that a register is to be extended by, and a log to get. */
struct assay_log_new {
	const char *reg;           /* "RTMR3", in either case */
	const char *type;          /* "EV_IPL"; "AAEL": the agent's tagged event */
	struct assay_bytes digest; /* 48 bytes; empty: SHA-384 of the event's data */
	struct assay_bytes data;   /* of AAEL the text, "DOMAIN OPERATION CONTENT" */
};

/*
 * Writes the record of an event, to be put behind the last one of a CCEL or AAEL log.
 *
 * out     malloc'd; the caller frees it.
 * digest  What the register is to be extended by.
 * Errors  ASSAY_E_USAGE (a name, a length, no digest and no data, a digest that is not of the data
 *         though the type promises it), ASSAY_E_NOMEM.
 * Source  TCG PC Client Platform Firmware Profile 1.05, 10.2.2; of AAEL Confidential Containers,
 *         attestation agent.
 */
ASSAY_MUST_USE enum assay_code assay_log_record_write(uint8_t **out, size_t *len,
    struct assay_log_digest *digest, const struct assay_log_new *event, struct assay_error *err);

/* Values of registers: replayed from logs, or taken from evidence. */
struct assay_registers {
	bool cc;
	struct assay_register_bank {
		uint16_t algorithm, size;
		uint32_t known;  /* bit r: register r was extended, or is in the evidence */
		uint32_t untold; /* bit r: extended by a log that says no digest for this bank */
		uint8_t value[ASSAY_LOG_REGISTERS][ASSAY_LOG_DIGEST_MAX];
	} banks[ASSAY_LOG_BANKS_MAX];
	size_t bank_count;
};

/*
 * Extends registers by every event of the logs, in this order.
 *
 * out     Registers that no event extends have their value at reset, and no bit in known. Banks
 *         with algorithms that are not computed here (SM3, SHA-3) are left out.
 * Errors  ASSAY_E_FORMAT (logs of RTMRs and of PCRs are mixed, too many banks),
 *         ASSAY_E_UNSUPPORTED (no bank can be computed).
 * Source  TCG PC Client Platform Firmware Profile 1.05, 2.3.2, 10.4.1.
 */
ASSAY_MUST_USE enum assay_code assay_log_replay(struct assay_registers *out,
    const struct assay_log *logs, size_t count, struct assay_error *err);

/*
 * Reads values to compare with: a TDREPORT (1024 bytes) or a list, a line "rtmr0 = HEX" or
 * "pcr7 = HEX" each; '#' begins a comment; the bank of a PCR is told by its length.
 *
 * Errors  ASSAY_E_FORMAT (a bad line), ASSAY_E_UNSUPPORTED (neither of them).
 * Proves  Nothing: a TDREPORT's MAC can only be checked on its own platform.
 * Source  Intel TDX Module ABI, TDREPORT_STRUCT, TDINFO_STRUCT.
 */
ASSAY_MUST_USE enum assay_code
assay_registers_parse(struct assay_registers *out, struct assay_bytes in, struct assay_error *err);

struct assay_evidence;
/*
 * The same of parsed evidence: MRTD and the RTMRs of a TDX quote.
 *
 * Errors  ASSAY_E_INCOMPLETE (this TEE has no such registers), ASSAY_E_USAGE (empty evidence).
 * Proves  Nothing: assay_evidence_verify() tells whether the evidence is genuine.
 */
ASSAY_MUST_USE enum assay_code assay_evidence_registers(
    struct assay_registers *out, const struct assay_evidence *ev, struct assay_error *err);

enum assay_log_outcome {
	ASSAY_LOG_EQUAL = 1,
	ASSAY_LOG_DIFFERS = 2,
	ASSAY_LOG_UNTOLD = 3, /* the evidence, or the log, does not have this register */
};

/* What became of one register. */
struct assay_log_finding {
	enum assay_log_outcome outcome;
	size_t log, event; /* the first that differs; event 0: not known which */
	uint8_t replayed[ASSAY_LOG_DIGEST_MAX], expected[ASSAY_LOG_DIGEST_MAX];
	char text[256]; /* one sentence; of ASSAY_LOG_EQUAL too */
};

/*
 * Compares one register of one bank with the value that the logs give. When they differ, looks for
 * the one change of the log that makes them equal, and so names the event: events that came after
 * the value was taken, one too many, two that changed places, one extended twice, a digest that is
 * not of its data, one that the log has in another register.
 *
 * Returns ASSAY_OK (equal), ASSAY_E_SIGNATURE (differs: the log is not what the register vouches
 *         for), ASSAY_E_INCOMPLETE (cannot tell); err has out->text. ASSAY_E_USAGE, _FORMAT and
 *         _UNSUPPORTED as assay_log_replay(); out is then as it was.
 */
ASSAY_MUST_USE enum assay_code assay_log_compare(struct assay_log_finding *out,
    const struct assay_log *logs, size_t count, const struct assay_registers *expected,
    uint16_t algorithm, unsigned reg, struct assay_error *err);

/* The same against a log that is known to be good, event by event. replayed and expected are the
 * two digests that differ; where one log has no such event, its digest is zero. */
ASSAY_MUST_USE enum assay_code
assay_log_differ(struct assay_log_finding *out, const struct assay_log *logs, size_t count,
    const struct assay_log *reference, uint16_t algorithm, unsigned reg, struct assay_error *err);

/* The ACPI table that says where a CCEL is. */
struct assay_ccel_table {
	uint8_t revision;
	uint8_t cc_type, cc_subtype; /* 0 none, 1 SEV, 2 TDX */
	uint64_t log_length;         /* of the area, at least */
	uint64_t log_address;
};
/*
 * in      The table, 56 bytes.
 * Errors  ASSAY_E_UNSUPPORTED (no CCEL table), ASSAY_E_FORMAT (length, checksum).
 * Source  ACPI 6.5, 5.2.6 (checksum); Intel GHCI 1.5, CCEL; UEFI 2.10, 38.4.1.
 */
ASSAY_MUST_USE enum assay_code assay_ccel_table_parse(
    struct assay_ccel_table *out, struct assay_bytes in, struct assay_error *err);

#ifdef __cplusplus
}
#endif

#endif
