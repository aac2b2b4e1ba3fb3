/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SIM_SPEC_H
#define SIM_SPEC_H

/* What `assay-sim new` was asked for. It is all that a platform is: the rest follows. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SIM_WORDS_MAX = 8, SIM_WORD_MAX = 24 };
struct sim_words {
	char at[SIM_WORDS_MAX][SIM_WORD_MAX]; /* the first empty one ends them */
};
struct sim_spec {
	char tee[SIM_WORD_MAX]; /* tdx, snp, sgx, sev, sev-es */
	uint64_t seed;
	int64_t time, valid;        /* s */
	char product[SIM_WORD_MAX]; /* AMD */
	uint64_t report_version;    /* 0: the default of the TEE */
	char module[SIM_WORD_MAX];  /* TDX: 1.0 or 1.5, which is what empty means */
	char tcb[128];              /* a status or numbers; empty: up to date */
	struct sim_words revoked, broken;
	bool debug, vlek, mask_chip_id, service_td, id_block, author_key, ext_owned;
	uint8_t report_data[64]; /* of evidence.bin */
	uint8_t launch[48];      /* MRTD or launch digest of an image given, or */
	bool own_launch;         /* false: of the simulator's own firmware */
};
bool sim_words_have(const struct sim_words *words, const char *word);
/* False: there is no room. */
bool sim_words_add(struct sim_words *words, const char *word);

/* Whether a word stands in a list of words, "pck ca". */
bool sim_listed(const char *list, const char *word);

/* The text of platform.json; freed by free(). NULL: no memory. */
char *sim_spec_json(const struct sim_spec *spec);
/* False, with a sentence in why: no such JSON. */
bool sim_spec_parse(struct sim_spec *spec, const char *json, size_t len, char why[256]);

#endif
