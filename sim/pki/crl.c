/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/x509_parts.h"

static struct sim_bytes
entries_write(struct sim *sim, const struct sim_crl *c)
{
	struct sim_buf b = { .sim = sim };
	struct sim_bytes none = { NULL, 0 };
	struct sim_extension reason = { "2.5.29.21", false, sim_der_raw(sim, 0x0a, "\x01") };
	struct sim_extension unknown = { "1.3.6.1.4.1.99999.1", true,
		sim_der(sim, 0x05, (struct sim_bytes){ NULL, 0 }) };

	for (size_t i = 0; i < c->revoked_count; i++) {
		struct sim_bytes extensions =
		    SIM_SEQ(sim, c->reasons ? sim_extension_write(sim, &reason) : none,
			c->critical_entry ? sim_extension_write(sim, &unknown) : none);
		sim_put_bytes(&b,
		    SIM_SEQ(sim, sim_der(sim, 0x02, c->revoked[i]),
			sim_der_utc(sim, c->this_update),
			c->reasons || c->critical_entry ? extensions : none));
	}
	return c->revoked_count == 0 ? none : sim_der(sim, 0x30, sim_taken(&b));
}

static struct sim_bytes
extensions_write(struct sim *sim, const struct sim_crl *c)
{
	struct sim_bytes none = { NULL, 0 }, number = none, akid = none, unknown = none;

	if (c->has_number)
		number = sim_extension_write(sim,
		    &(struct sim_extension){
			SIM_OID_CRL_NUMBER, false, sim_der_uint(sim, c->number) });
	if (c->akid != NULL)
		akid = sim_extension_write(sim,
		    &(struct sim_extension){ SIM_OID_AKID, false,
			SIM_SEQ(sim,
			    sim_der(sim, 0x80, sim_copy(sim, c->akid->id, sizeof c->akid->id))) });
	if (c->critical_extension)
		unknown = sim_extension_write(sim,
		    &(struct sim_extension){
			"1.3.6.1.4.1.99999.2", true, sim_der(sim, 0x05, none) });
	if (number.len + akid.len + unknown.len == 0)
		return none;
	return sim_der(sim, 0xa0,
	    c->number_first ? SIM_SEQ(sim, number, akid, unknown)
			    : SIM_SEQ(sim, akid, number, unknown));
}

struct sim_bytes
sim_crl_write(struct sim *sim, const struct sim_crl *c)
{
	struct sim_bytes none = { NULL, 0 };

	if (c->der.len > 0)
		return c->der;
	struct sim_bytes tbs = SIM_SEQ(sim, sim_der_uint(sim, 1), sim_alg_write(sim, c->alg),
	    c->issuer, sim_der_utc(sim, c->this_update),
	    c->next_update != 0 ? sim_der_utc(sim, c->next_update) : none, entries_write(sim, c),
	    extensions_write(sim, c));
	return sim_signed(sim, tbs, c->signer, c->alg, none);
}
