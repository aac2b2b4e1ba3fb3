/* SPDX-License-Identifier: Apache-2.0 */
/* Quotes. Source: Intel TDX DCAP Quoting Library API, appendix A.3 and A.4. */
#include "platforms/platforms.h"

#include <string.h>

struct sim_bytes
sim_sgx_report_write(struct sim *sim, const struct sim_sgx_report *r)
{
	struct sim_buf b = { .sim = sim };

	sim_put(&b, r->cpu_svn, 16);
	sim_put_u32(&b, r->misc_select);
	sim_put(&b, &r->reserved, 1);
	sim_put_zero(&b, 11);
	sim_put(&b, r->isv_ext_prod_id, 16);
	sim_put_u64(&b, r->attributes);
	sim_put_u64(&b, r->xfrm);
	sim_put(&b, r->mr_enclave, 32);
	sim_put_zero(&b, 32);
	sim_put(&b, r->mr_signer, 32);
	sim_put_zero(&b, 32);
	sim_put(&b, r->config_id, 64);
	sim_put_u16(&b, r->isv_prod_id);
	sim_put_u16(&b, r->isv_svn);
	sim_put_u16(&b, r->config_svn);
	sim_put_zero(&b, 42);
	sim_put(&b, r->isv_family_id, 16);
	sim_put(&b, r->report_data, 64);
	return sim_taken(&b);
}

struct sim_bytes
sim_td_report_write(struct sim *sim, const struct sim_td_report *r, uint16_t body_type)
{
	struct sim_buf b = { .sim = sim };

	sim_put(&b, r->tee_tcb_svn, 16);
	sim_put(&b, r->mr_seam, 48);
	sim_put(&b, r->mr_signer_seam, 48);
	sim_put_u64(&b, r->seam_attributes);
	sim_put_u64(&b, r->td_attributes);
	sim_put_u64(&b, r->xfam);
	sim_put(&b, r->mr_td, 48);
	sim_put(&b, r->mr_config_id, 48);
	sim_put(&b, r->mr_owner, 48);
	sim_put(&b, r->mr_owner_config, 48);
	sim_put(&b, r->rtmr, sizeof r->rtmr);
	sim_put(&b, r->report_data, 64);
	if (body_type >= 3) {
		sim_put(&b, r->tee_tcb_svn2, 16);
		sim_put(&b, r->mr_service_td, 48);
	}
	if (body_type >= 4)
		sim_put(&b, r->extended, sizeof r->extended);
	return sim_taken(&b);
}

static struct sim_bytes
header_write(struct sim *sim, const struct sim_quote *q)
{
	struct sim_buf b = { .sim = sim };

	sim_put_u16(&b, q->version);
	sim_put_u16(&b, q->key_type);
	sim_put_u32(&b, q->tee_type);
	sim_put_u16(&b, q->qe_svn);
	sim_put_u16(&b, q->pce_svn);
	sim_put(&b, q->vendor, 16);
	sim_put(&b, q->user_data, 20);
	if (q->version == 5) {
		sim_put_u16(&b, q->body_type);
		sim_put_u32(&b, (uint32_t)((int)q->body.len + q->body_size_lie));
	}
	sim_put_bytes(&b, q->body);
	return sim_taken(&b);
}

/* QE report, its signature, authentication data, certification data. */
static struct sim_bytes
certification_write(struct sim *sim, const struct sim_quote *q)
{
	struct sim_buf b = { .sim = sim };

	sim_put_bytes(&b, q->qe_report);
	sim_put_bytes(&b, q->qe_report_signature);
	sim_put_u16(&b, (uint16_t)((int)q->auth_data.len + q->auth_size_lie));
	sim_put_bytes(&b, q->auth_data);
	sim_put_u16(&b, q->cert_type);
	sim_put_u32(&b, (uint32_t)((int)q->cert_data.len + q->cert_size_lie));
	sim_put_bytes(&b, q->cert_data);
	return sim_taken(&b);
}

struct sim_bytes
sim_quote_write(struct sim *sim, const struct sim_quote *q)
{
	struct sim_bytes signed_part = header_write(sim, q);
	struct sim_bytes certification = certification_write(sim, q);
	struct sim_buf data = { .sim = sim }, b = { .sim = sim };
	const struct sim_key *signer =
	    q->quote_signer != NULL ? q->quote_signer : q->attestation_key;

	sim_put_bytes(&data,
	    q->signature.len > 0 ? q->signature : sim_sign(sim, signer, SIM_SHA256, signed_part));
	if (q->key_bytes.len > 0)
		sim_put_bytes(&data, q->key_bytes);
	else
		sim_put(&data, q->attestation_key->raw, 64);
	if (q->version >= 4) {
		sim_put_u16(&data, q->outer_type);
		sim_put_u32(&data, (uint32_t)((int)certification.len + q->outer_size_lie));
	}
	sim_put_bytes(&data, certification);

	sim_put_bytes(&b, signed_part);
	sim_put_u32(&b, (uint32_t)((int)data.len + q->signature_size_lie));
	sim_put_bytes(&b, sim_taken(&data));
	sim_put_bytes(&b, q->behind);
	return sim_taken(&b);
}
