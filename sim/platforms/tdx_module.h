/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SIM_TDX_MODULE_H
#define SIM_TDX_MODULE_H

/* The TDX module as a TD and the quoting enclave see it. Source: Intel TDX Module ABI. */

#include "platforms/platforms.h"

enum {
	SIM_TDREPORT_SIZE = 1024,
	SIM_TD_TCB_INFO_AT = 256,
	SIM_TD_TCB_INFO_SIZE = 239, /* as far as its hash goes */
	SIM_TD_INFO_AT = 512,
	SIM_TD_INFO_SIZE = 512,
};
#define SIM_TD_VALID_10 0x1ffULL   /* no TEE_TCB_SVN2 */
#define SIM_TD_VALID_15 0x301ffULL /* with it */

/* REPORTTYPE, the module, and the TD; TDREPORT's other fields follow from these. */
struct sim_tdreport {
	uint8_t type, subtype, version, reserved; /* 0x81, 0, 0 (1: SERVTD_HASH counts), 0 */
	uint8_t cpu_svn[16];
	uint64_t valid;
	struct sim_td_report td;
	uint8_t mac_key[32];
	struct sim_bytes mac; /* empty: made */
};
struct sim_bytes sim_tdreport_write(struct sim *sim, const struct sim_tdreport *r);

/* EVERIFYREPORT2: 0, or the processor's code for what does not fit. */
enum { SIM_TDREPORT_MAC = 9, SIM_TDREPORT_FORM = 28, SIM_TDREPORT_CPU_SVN = 32 };
int sim_tdreport_check(
    const uint8_t report[SIM_TDREPORT_SIZE], const uint8_t mac_key[32], const uint8_t cpu_svn[16]);
/* What a quote says of the report. */
void sim_tdreport_body(struct sim_td_report *td, const uint8_t report[SIM_TDREPORT_SIZE]);
/* Which quote the TD QE makes of it: 4 or 5; body type 2 or 3. False: of none it knows. */
bool sim_tdreport_quote_form(
    const uint8_t report[SIM_TDREPORT_SIZE], uint16_t *version, uint16_t *body_type);

/* RTMR := SHA-384(RTMR || digest) */
void sim_rtmr_extend(uint8_t rtmr[48], const uint8_t digest[48]);

/*
 * What the firmware and the loader measured before the guest ran: the ACPI table, the log with its
 * padding, and the registers that its events give. image: the firmware.
 */
struct sim_ccel {
	struct sim_bytes table, log;
	uint8_t rtmr[4][48];
};
void sim_ccel_write(struct sim *sim, struct sim_bytes image, struct sim_ccel *out);

#endif
