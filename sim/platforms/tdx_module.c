/* SPDX-License-Identifier: Apache-2.0 */
#include "platforms/tdx_module.h"

#include <openssl/crypto.h>
#include <string.h>

enum {
	AT_CPU_SVN = 16,
	AT_TCB_INFO_HASH = 32,
	AT_INFO_HASH = 80,
	AT_REPORT_DATA = 128,
	AT_MAC = 224,
};

static struct sim_bytes
tcb_info_write(struct sim *sim, const struct sim_tdreport *r)
{
	struct sim_buf b = { .sim = sim };

	sim_put_u64(&b, r->valid);
	sim_put(&b, r->td.tee_tcb_svn, 16);
	sim_put(&b, r->td.mr_seam, 48);
	sim_put(&b, r->td.mr_signer_seam, 48);
	sim_put_u64(&b, r->td.seam_attributes);
	if (r->valid == SIM_TD_VALID_10)
		sim_put_zero(&b, 16);
	else
		sim_put(&b, r->td.tee_tcb_svn2, 16);
	sim_put_zero(&b, SIM_TD_TCB_INFO_SIZE - b.len);
	return sim_taken(&b);
}

static struct sim_bytes
td_info_write(struct sim *sim, const struct sim_tdreport *r)
{
	struct sim_buf b = { .sim = sim };

	sim_put_u64(&b, r->td.td_attributes);
	sim_put_u64(&b, r->td.xfam);
	sim_put(&b, r->td.mr_td, 48);
	sim_put(&b, r->td.mr_config_id, 48);
	sim_put(&b, r->td.mr_owner, 48);
	sim_put(&b, r->td.mr_owner_config, 48);
	sim_put(&b, r->td.rtmr, sizeof r->td.rtmr);
	sim_put(&b, r->td.mr_service_td, 48);
	sim_put_zero(&b, SIM_TD_INFO_SIZE - b.len);
	return sim_taken(&b);
}

struct sim_bytes
sim_tdreport_write(struct sim *sim, const struct sim_tdreport *r)
{
	struct sim_bytes tcb_info = tcb_info_write(sim, r), info = td_info_write(sim, r);
	struct sim_buf b = { .sim = sim };
	uint8_t digest[64], mac[32];

	sim_put(&b, (uint8_t[]){ r->type, r->subtype, r->version, r->reserved }, 4);
	sim_put_zero(&b, 12);
	sim_put(&b, r->cpu_svn, 16);
	sim_digest(digest, SIM_SHA384, tcb_info);
	sim_put(&b, digest, 48);
	sim_digest(digest, SIM_SHA384, info);
	sim_put(&b, digest, 48);
	sim_put(&b, r->td.report_data, 64);
	sim_put_zero(&b, 32);
	sim_hmac_sha256(mac, r->mac_key, b.ptr, b.len);
	sim_put_bytes(&b, r->mac.len > 0 ? r->mac : sim_view(mac, sizeof mac));
	sim_put_bytes(&b, tcb_info);
	sim_put_zero(&b, SIM_TD_INFO_AT - SIM_TD_TCB_INFO_AT - SIM_TD_TCB_INFO_SIZE);
	sim_put_bytes(&b, info);
	return sim_taken(&b);
}

static bool
zero(const uint8_t *at, size_t n)
{
	while (n > 0 && *at == 0) {
		at++;
		n--;
	}
	return n == 0;
}

int
sim_tdreport_check(
    const uint8_t report[SIM_TDREPORT_SIZE], const uint8_t mac_key[32], const uint8_t cpu_svn[16])
{
	uint8_t mac[32], digest[64];

	if (report[0] != 0x81 || !zero(report + 4, 12) || !zero(report + 192, 32))
		return SIM_TDREPORT_FORM;
	sim_hmac_sha256(mac, mac_key, report, AT_MAC);
	if (CRYPTO_memcmp(mac, report + AT_MAC, sizeof mac) != 0)
		return SIM_TDREPORT_MAC;
	if (memcmp(report + AT_CPU_SVN, cpu_svn, 16) != 0)
		return SIM_TDREPORT_CPU_SVN;
	/* These two are the enclave's own to check: the MAC covers only the hashes. */
	sim_digest(digest, SIM_SHA384, sim_view(report + SIM_TD_TCB_INFO_AT, SIM_TD_TCB_INFO_SIZE));
	if (memcmp(digest, report + AT_TCB_INFO_HASH, 48) != 0)
		return SIM_TDREPORT_FORM;
	sim_digest(digest, SIM_SHA384, sim_view(report + SIM_TD_INFO_AT, SIM_TD_INFO_SIZE));
	return memcmp(digest, report + AT_INFO_HASH, 48) == 0 ? 0 : SIM_TDREPORT_FORM;
}

static uint64_t
u64(const uint8_t *at)
{
	uint64_t v = 0;

	for (int i = 7; i >= 0; i--)
		v = v << 8 | at[i];
	return v;
}

void
sim_tdreport_body(struct sim_td_report *td, const uint8_t report[SIM_TDREPORT_SIZE])
{
	const uint8_t *tcb = report + SIM_TD_TCB_INFO_AT, *info = report + SIM_TD_INFO_AT;

	*td = (struct sim_td_report){
		.seam_attributes = u64(tcb + 120), .td_attributes = u64(info), .xfam = u64(info + 8)
	};
	memcpy(td->tee_tcb_svn, tcb + 8, 16);
	memcpy(td->mr_seam, tcb + 24, 48);
	memcpy(td->mr_signer_seam, tcb + 72, 48);
	memcpy(td->tee_tcb_svn2, tcb + 128, 16);
	memcpy(td->mr_td, info + 16, 48);
	memcpy(td->mr_config_id, info + 64, 48);
	memcpy(td->mr_owner, info + 112, 48);
	memcpy(td->mr_owner_config, info + 160, 48);
	memcpy(td->rtmr, info + 208, sizeof td->rtmr);
	memcpy(td->mr_service_td, info + 400, 48);
	memcpy(td->report_data, report + AT_REPORT_DATA, 64);
}

bool
sim_tdreport_quote_form(
    const uint8_t report[SIM_TDREPORT_SIZE], uint16_t *version, uint16_t *body_type)
{
	const uint8_t *tcb = report + SIM_TD_TCB_INFO_AT;
	uint64_t valid = u64(tcb);
	bool equal = memcmp(tcb + 8, tcb + 128, 16) == 0;

	if (report[1] != 0 || report[3] != 0 || report[2] > 1 ||
	    (valid != SIM_TD_VALID_10 && valid != SIM_TD_VALID_15))
		return false;
	if (report[2] == 1 &&
	    (valid != SIM_TD_VALID_15 || !zero(report + SIM_TD_INFO_AT + 448, 64)))
		return false;
	*version = report[2] == 1 || (valid == SIM_TD_VALID_15 && !equal) ? 5 : 4;
	*body_type = *version == 5 ? 3 : 2;
	return true;
}

void
sim_rtmr_extend(uint8_t rtmr[48], const uint8_t digest[48])
{
	uint8_t both[96], out[64];

	memcpy(both, rtmr, 48);
	memcpy(both + 48, digest, 48);
	sim_digest(out, SIM_SHA384, sim_view(both, sizeof both));
	memcpy(rtmr, out, 48);
}
