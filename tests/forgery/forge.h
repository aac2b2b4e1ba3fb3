/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FORGE_H
#define FORGE_H

/*
 * A forgery is a valid platform of the simulator, bent in exactly one thing, and the check that
 * must refuse it. Everything not named stays genuine, so a refusal for another reason shows.
 */

#include "platforms/platforms.h"
#include "platforms/sev_proof.h"

enum { FORGE_NOW = 1795219200 }; /* 2026-11-21 */

enum forge_kind {
	SGX3,
	SGX3_PROCESSOR, /* under the Processor CA */
	SGX4,
	SGX5,
	TDX4,
	TDX5_10,
	TDX5_15,
	TDX5_EXT,
	MILAN2,
	MILAN3,
	MILAN3_TABLE, /* the certificates come with the report */
	MILAN3_VLEK,
	GENOA4,
	TURIN5,
	TURIN5_VLEK,
	SEV,
	SEV_ES,
	SEV_NAPLES,
	SEV_BOUND, /* in a bundle, with a proof; its launch record is given */
	SEV_ES_BOUND,
	FORGE_KINDS
};

enum forge_how {
	REFUSED = 0, /* the row id fails, and no row that is not in `also` */
	NEEDED,      /* undetermined: the row id is skipped for want of what the forger hid */
	NOT_PARSED,  /* assay_evidence_parse() refuses */
	NOT_ADDED,   /* assay_trust_add(), assay_trust_add_root() or assay_launch_parse() refuses */
	WARNED,      /* accepted, and the row id says so */
};

struct forge {
	struct sim *sim;
	union {
		struct sim_dcap dcap;
		struct sim_snp snp;
		struct sim_sev sev;
	};
	struct sim_output out;
	/* Of a launched guest. */
	struct sim_launch launch;
	struct sim_sev_proof proof;
	bool own_mnonce;                   /* the report's is not made of what the proof signs */
	struct sim_bytes bare, proof_item; /* evidence and proof, outside their bundle */
	struct sim_bytes records[4];
	size_t record_count;
	const char *signers;   /* JWK; NULL: none is known */
	size_t before_signers; /* so many of the records, the first ones, were read without them */
	/* What the relying party asks for. */
	const char *policy; /* NULL: "genuine"; more than a name: its text */
	struct sim_bytes report_data;
	const char *platforms; /* allow and deny rules */
	const char *min_tcb;   /* NULL: the platform's own */
	const char *expect_claim, *expect_value;
	const char *min_crl_issuer;
	uint64_t min_crl;
	uint32_t min_evaluation;
	bool require_crl, no_root;
};

struct forgery {
	const char *name;
	enum forge_kind kind;
	void (*bend)(struct forge *f);  /* before the platform is written; may be NULL */
	void (*after)(struct forge *f); /* f->out, when it is written; may be NULL */
	const char *id;                 /* the check that must refuse it; NULL: accepted */
	const char *words;              /* of its sentence; "" for any */
	enum forge_how how;
	const char *also; /* further ids that may fail with it, separated by spaces */
};

extern const struct forgery genuine_cases[], quote_forgeries[], dcap_forgeries[], tcb_forgeries[],
    tdx_forgeries[], snp_forgeries[], sev_forgeries[], bundle_genuine[], bundle_forgeries[],
    launch_genuine[], launch_forgeries[];
extern const size_t genuine_case_count, quote_forgery_count, dcap_forgery_count, tcb_forgery_count,
    tdx_forgery_count, snp_forgery_count, sev_forgery_count, bundle_genuine_count,
    bundle_forgery_count, launch_genuine_count, launch_forgery_count;

/* The order of P-256 and P-384, big-endian: the first number that r and s must not be. */
extern const uint8_t forge_order_p256[32], forge_order_p384[48];
/* f's own bytes with `at` overwritten. */
void forge_overwrite(struct sim_bytes bytes, size_t at, const void *with, size_t n);
void forge_drop_item(struct forge *f, const char *name);
/* A collection (RFC 9999, 3.3). */
struct forge_part {
	const char *label, *type;
	struct sim_bytes bytes;
	unsigned indicator;
};
struct sim_bytes forge_collection(struct forge *f, const struct forge_part *parts, size_t count);
/* A launched guest: its record and keys; its MNONCE, when they are bent; its bundle. */
void forge_launched(struct forge *f);
void forge_answer(struct forge *f);
void forge_prove(struct forge *f);
/* All collateral of a quote in the one JSON object that dcap-qvl stores; `from` becomes `to` in
 * the TCB info. */
void forge_into_qvl(struct forge *f, const char *from, const char *to);

#endif
