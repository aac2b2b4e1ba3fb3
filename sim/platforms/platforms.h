/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SIM_PLATFORMS_H
#define SIM_PLATFORMS_H

/*
 * One platform of each kind as a plain struct of options: sim_*_new() fills in a valid and
 * up-to-date one, sim_*_write() makes its evidence and collateral. Whoever wants a forgery
 * changes options in between; whatever has a `der`, `body` or other override is taken as it is.
 */

#include "pki/pki.h"

struct sim_item {
	const char *name; /* of its file under collateral/ */
	struct sim_bytes bytes;
};
enum { SIM_ITEMS_MAX = 12 };
struct sim_output {
	struct sim_bytes root; /* the trust root: PEM, or AMD's own format for SEV */
	struct sim_bytes evidence;
	struct sim_item items[SIM_ITEMS_MAX]; /* the collateral */
	size_t item_count;
	struct sim_item files[SIM_ITEMS_MAX]; /* what else the folder holds */
	size_t file_count;
	char min_tcb[96]; /* SNP: "snp=30,microcode=220,..." */
};
void sim_output_add(struct sim_output *out, const char *name, struct sim_bytes bytes);
struct sim_bytes *sim_output_item(struct sim_output *out, const char *name);

enum { SIM_DAY = 86400 };

/* --- Intel: quotes -------------------------------------------------------------------------- */

struct sim_sgx_report {
	uint8_t cpu_svn[16];
	uint32_t misc_select;
	uint8_t isv_ext_prod_id[16];
	uint64_t attributes, xfrm;
	uint8_t mr_enclave[32], mr_signer[32], config_id[64];
	uint16_t isv_prod_id, isv_svn, config_svn;
	uint8_t isv_family_id[16], report_data[64];
	uint8_t reserved; /* goes into the first reserved byte */
};
struct sim_bytes sim_sgx_report_write(struct sim *sim, const struct sim_sgx_report *r);

struct sim_td_report {
	uint8_t tee_tcb_svn[16], mr_seam[48], mr_signer_seam[48];
	uint64_t seam_attributes, td_attributes, xfam;
	uint8_t mr_td[48], mr_config_id[48], mr_owner[48], mr_owner_config[48], rtmr[4][48];
	uint8_t report_data[64];
	uint8_t tee_tcb_svn2[16], mr_service_td[48]; /* TD 1.5 */
	uint8_t extended[237];                       /* what body type 4 adds */
};
/* As body type 2, 3 or 4 of a version 5 quote. */
struct sim_bytes
sim_td_report_write(struct sim *sim, const struct sim_td_report *r, uint16_t body_type);

/* A quote's outer form. Every size may lie by so many bytes. */
struct sim_quote {
	uint16_t version, key_type;
	uint32_t tee_type;
	uint16_t qe_svn, pce_svn; /* reserved from version 4 on */
	uint8_t vendor[16], user_data[20];
	uint16_t body_type; /* written in version 5 only */
	struct sim_bytes body;
	const struct sim_key *attestation_key; /* signs, and stands in the quote */
	const struct sim_key *quote_signer;    /* NULL: attestation_key */
	struct sim_bytes key_bytes;            /* empty: the attestation key's */
	struct sim_bytes signature;            /* empty: made */
	struct sim_bytes qe_report;            /* 384 */
	struct sim_bytes qe_report_signature;
	struct sim_bytes auth_data;
	uint16_t outer_type, cert_type; /* 6; 5 */
	struct sim_bytes cert_data;
	int body_size_lie, signature_size_lie, outer_size_lie, auth_size_lie, cert_size_lie;
	struct sim_bytes behind; /* whatever follows the quote */
};
struct sim_bytes sim_quote_write(struct sim *sim, const struct sim_quote *q);

/* --- Intel: the SGX extension and signed JSON ----------------------------------------------- */

struct sim_pck_extension {
	uint8_t ppid[16], components[16], cpu_svn[16], pce_id[2], fmspc[6], platform_instance[16];
	uint16_t pce_svn;
	uint8_t sgx_type;
	bool platform;             /* the two members of Platform CA certificates */
	unsigned leave;            /* bit n: without member n + 1 */
	unsigned twice;            /* bit n: member n + 1 stands twice */
	unsigned components_leave; /* bit n: the TCB lacks component n + 1 */
};
struct sim_bytes sim_pck_extension_write(struct sim *sim, const struct sim_pck_extension *e);

enum { SIM_LEVELS_MAX = 6, SIM_MODULES_MAX = 4, SIM_EDITS_MAX = 4 };
struct sim_status {
	const char *status, *date;
	const char *advisories[4];
};
struct sim_level {
	uint8_t sgx[16], tdx[16];
	uint16_t pce_svn;
	struct sim_status is;
};
struct sim_svn_level {
	unsigned isv_svn;
	struct sim_status is;
};
struct sim_module {
	const char *id; /* "": tdxModule */
	uint8_t mr_signer[48];
	uint64_t attributes, attributes_mask;
	struct sim_svn_level levels[SIM_LEVELS_MAX];
	size_t level_count;
};
struct sim_edit { /* of text: the first `from` becomes `to` */
	const char *from, *to;
};
struct sim_document { /* what TCB info and QE identity share */
	int64_t issue_date, next_update;
	unsigned evaluation;
	struct sim_edit before[SIM_EDITS_MAX]; /* of the inner object before it is signed */
	struct sim_edit after[SIM_EDITS_MAX];  /* of the whole answer */
	const struct sim_key *signer;
	struct sim_bytes signature; /* empty: made */
};
struct sim_tcb_info {
	struct sim_document doc;
	const char *id; /* "SGX", "TDX" */
	unsigned version;
	uint8_t fmspc[6], pce_id[2];
	struct sim_module modules[SIM_MODULES_MAX];
	size_t module_count;
	struct sim_level levels[SIM_LEVELS_MAX];
	size_t level_count;
};
struct sim_qe_identity {
	struct sim_document doc;
	const char *id; /* "QE", "TD_QE" */
	unsigned version;
	uint32_t misc_select, misc_select_mask;
	uint64_t attributes[2], attributes_mask[2];
	uint8_t mr_signer[32];
	uint16_t isv_prod_id;
	struct sim_svn_level levels[SIM_LEVELS_MAX];
	size_t level_count;
};
struct sim_bytes sim_tcb_info_write(struct sim *sim, const struct sim_tcb_info *info);
struct sim_bytes sim_qe_identity_write(struct sim *sim, const struct sim_qe_identity *identity);

/* --- Intel: the platform -------------------------------------------------------------------- */

struct sim_dcap {
	struct sim *sim;
	bool tdx;
	int64_t now;
	/* Of the processor, as its reports have it. The PCK certificate has the components again
	 * in its CPUSVN, as all that Intel issued do, and dcap-qvl matches levels by that one. */
	uint8_t cpu_svn[16];
	struct sim_cert root, pck_ca, pck, tcb_signing;
	struct sim_pck_extension extension; /* goes into pck, unless own_extension */
	bool own_extension;
	struct sim_crl root_crl, pck_crl;
	struct sim_tcb_info tcb_info;
	struct sim_qe_identity qe_identity;
	struct sim_sgx_report enclave, qe;
	struct sim_td_report td;
	bool own_binding;                       /* the QE's report data is left as it stands */
	const struct sim_key *qe_report_signer; /* the PCK */
	struct sim_quote quote;
	const char *chain; /* of the quote: "LIR" leaf, intermediate, root */
};
/* version 3 (SGX), 4 (both), 5 (body_type 1 SGX, 2 to 4 TDX; else 0). */
void sim_dcap_new(struct sim_dcap *p, struct sim *sim, bool tdx, uint16_t version,
    uint16_t body_type, bool platform_ca, int64_t now, int64_t valid);
/* The platform's level gets this status: "OutOfDate". */
void sim_dcap_set_status(struct sim_dcap *p, const char *status);
/* Keys and ids that follow from the TCB: after its numbers were changed. */
void sim_dcap_derive(struct sim_dcap *p);
/* What all quotes of the platform share: QE report, its signature, the chain. */
void sim_dcap_seal(struct sim_dcap *p);
void sim_dcap_write(struct sim_dcap *p, struct sim_output *out);

/* --- AMD: SEV-SNP --------------------------------------------------------------------------- */

enum sim_product { SIM_MILAN, SIM_GENOA, SIM_TURIN };
struct sim_snp_tcb {
	uint8_t fmc, bootloader, tee, snp, microcode;
};
uint64_t sim_snp_tcb_raw(enum sim_product product, struct sim_snp_tcb tcb);

struct sim_snp_report {
	uint32_t version, guest_svn;
	uint64_t policy;
	uint8_t family_id[16], image_id[16];
	uint32_t vmpl, signature_algo;
	uint64_t current_tcb, platform_info;
	uint32_t key_info;
	uint8_t report_data[64], measurement[48], host_data[32], id_key_digest[48],
	    author_key_digest[48], report_id[32], report_id_ma[32];
	uint64_t reported_tcb;
	uint8_t cpuid[3]; /* family, model, stepping; version 3 on */
	uint8_t chip_id[64];
	uint64_t committed_tcb;
	uint8_t current[3], committed[3]; /* build, minor, major */
	uint64_t launch_tcb, launch_mit_vector, current_mit_vector;
	struct { /* what a forger writes over the report: before and after it is signed */
		size_t at;
		uint8_t value;
	} signed_byte, unsigned_byte;
	const struct sim_key *signer;
	enum sim_hash hash;
	struct sim_bytes signature; /* r || s, 96 bytes, big-endian; empty: made */
};
struct sim_bytes sim_snp_report_write(struct sim *sim, const struct sim_snp_report *r);

#define SIM_GUID_VCEK "63da758d-e664-4564-adc5-f4b93be8accd"
#define SIM_GUID_VLEK "a8074bc2-a25a-483e-aae6-39c045a0b8a1"
#define SIM_GUID_ASK  "4ab7b379-bbac-4fe4-a02f-05aef327c782"
#define SIM_GUID_ARK  "c0b406a4-a803-4952-9743-3fb6014cd0ae"
struct sim_table_entry {
	const char *guid;
	struct sim_bytes bytes;
	int32_t offset_lie, size_lie;
};
struct sim_bytes
sim_cert_table_write(struct sim *sim, const struct sim_table_entry *entries, size_t count);

struct sim_vcek_extension {
	uint8_t struct_version;
	const char *product_name;
	struct sim_snp_tcb tcb;
	struct sim_bytes hwid; /* empty: none */
	const char *csp_id;    /* NULL: none */
};

struct sim_snp {
	struct sim *sim;
	enum sim_product product;
	bool vlek;
	int64_t now;
	struct sim_snp_tcb tcb;
	struct sim_cert ark, ask, leaf; /* ask: the ASVK when there is a VLEK */
	struct sim_vcek_extension extension;
	void (*bend_leaf)(struct sim_snp *p); /* after the extensions were put in */
	struct sim_crl crl;
	struct sim_snp_report report;
	bool table; /* evidence is the report followed by a certificate table */
	struct sim_table_entry entries[8];
	size_t entry_count; /* 0: leaf, intermediate, ARK */
};
const char *sim_product_name(enum sim_product product);
void sim_snp_new(struct sim_snp *p, struct sim *sim, enum sim_product product, uint32_t version,
    bool vlek, int64_t now, int64_t valid);
/* A certificate of the line: "ARK-Milan" self-signed, "SEV-Milan", "SEV-VLEK-Milan". */
struct sim_cert
sim_amd_ca(struct sim *sim, enum sim_product product, const char *line, int64_t now);
void sim_snp_write(struct sim_snp *p, struct sim_output *out);

/* --- AMD: legacy SEV ------------------------------------------------------------------------ */

struct sim_sev_version {
	uint8_t major, minor, build;
};

enum {
	SIM_SEV_ARK = 0x0000,
	SIM_SEV_ASK = 0x0013,
	SIM_SEV_UNUSED = 0x1000,
	SIM_SEV_OCA = 0x1001,
	SIM_SEV_PEK = 0x1002,
	SIM_SEV_PDH = 0x1003,
	SIM_SEV_CEK = 0x1004,
	SIM_SEV_RSA_SHA256 = 0x001,
	SIM_SEV_ECDSA_SHA256 = 0x002,
	SIM_SEV_ECDH_SHA256 = 0x003,
	SIM_SEV_RSA_SHA384 = 0x101,
	SIM_SEV_ECDSA_SHA384 = 0x102,
};

struct sim_amd_cert { /* AMD's root certificate format: ARK, ASK */
	uint32_t version, usage;
	uint8_t key_id[16], certifying_id[16];
	uint8_t reserved;
	int exponent_bits_lie;
	uint32_t exponent;
	const struct sim_key *key, *signer;
	struct sim_bytes raw; /* when not empty: taken as it is */
};
struct sim_bytes sim_amd_cert_write(struct sim *sim, const struct sim_amd_cert *c);

struct sim_sev_slot {
	uint32_t usage, algo; /* of the signer; 0x1000: unused */
	const struct sim_key *signer;
	enum sim_hash hash;
	struct sim_bytes raw; /* 512 bytes taken as they are */
};
struct sim_sev_cert {
	uint32_t version;
	uint8_t api_major, api_minor;
	uint16_t reserved;
	uint32_t usage, algo, curve;
	const struct sim_key *key;
	uint8_t key_padding;        /* goes behind QX */
	struct sim_bytes key_bytes; /* x || y instead of the key's */
	struct sim_sev_slot slots[2];
	struct sim_bytes raw; /* when not empty: taken as it is */
};
struct sim_bytes sim_sev_cert_write(struct sim *sim, const struct sim_sev_cert *c);

struct sim_sev_report {
	uint8_t mnonce[16], launch_digest[32];
	uint32_t policy, usage, algo, reserved;
	const struct sim_key *signer;
	enum sim_hash hash;
	uint8_t padding;            /* goes behind R */
	struct sim_bytes signature; /* r || s, 96 bytes, big-endian; empty: made */
};
struct sim_bytes sim_sev_report_write(struct sim *sim, const struct sim_sev_report *r);

struct sim_sev {
	struct sim *sim;
	struct sim_sev_version version; /* of the firmware */
	uint8_t id[64];                 /* of the chip */
	bool external;                  /* the OCA is an owner's, not the firmware's own */
	struct sim_amd_cert ark, ask;
	struct sim_sev_cert cek, oca, pek, pdh;
	struct sim_sev_report report;
	bool root_in_collateral; /* the ARK too */
};
/* product: "Naples" (RSA 2048), "Milan", "Genoa", "Turin" (4096) */
void sim_sev_new(struct sim_sev *p, struct sim *sim, const char *product, bool es);
/* An owner other than the firmware itself has signed its PEK. */
void sim_sev_own(struct sim_sev *p);
void sim_sev_write(struct sim_sev *p, struct sim_output *out);

#endif
