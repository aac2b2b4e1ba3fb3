/* SPDX-License-Identifier: Apache-2.0 */
/* What only a TD can lie about: its module, its TCB of two parts, its attributes. */
#include "forge.h"

#include <string.h>

static void
module_unknown(struct forge *f)
{
	f->dcap.td.tee_tcb_svn[1] = 2; /* no TDX_02 */
}

static void
new_module_unknown(struct forge *f)
{
	f->dcap.td.tee_tcb_svn2[1] = 2; /* not the one at launch: the one that runs now */
}

static void
module_list_missing(struct forge *f)
{
	f->dcap.tcb_info.module_count = 1; /* tdxModule alone */
}

static void
module_below_levels(struct forge *f)
{
	f->dcap.td.tee_tcb_svn[0] = 1;
	f->policy = "default";
}

static void
module_of_stranger(struct forge *f)
{
	f->dcap.td.mr_signer_seam[0] = 1;
}

static void
old_module_of_stranger(struct forge *f)
{
	f->dcap.td.tee_tcb_svn[1] = 0;
	f->dcap.td.mr_signer_seam[47] = 1;
}

static void
module_debug(struct forge *f)
{
	f->dcap.td.seam_attributes = 1;
}

static void
module_attributes_masked(struct forge *f)
{
	/* The vendor wants all zero, whatever the mask says. */
	f->dcap.td.seam_attributes = 1ULL << 63;
	for (size_t i = 0; i < f->dcap.tcb_info.module_count; i++)
		f->dcap.tcb_info.modules[i].attributes_mask = 0;
}

static void
module_out_of_date(struct forge *f)
{
	f->dcap.td.tee_tcb_svn[0] = 4;
	f->policy = "default";
}

static void
module_revoked(struct forge *f)
{
	f->dcap.tcb_info.modules[1].levels[0].is.status = "Revoked";
	f->policy = "default";
}

static void
platform_out_of_date(struct forge *f)
{
	/* go-tdx-guest: only the module's status was returned when svn[1] is above 0. */
	sim_dcap_set_status(&f->dcap, "OutOfDate");
	f->policy = "default";
}

static void
configuration_bit_kept(struct forge *f)
{
	/* Platform ConfigurationNeeded, QE OutOfDate: the maximum would lose the configuration. */
	sim_dcap_set_status(&f->dcap, "ConfigurationNeeded");
	f->dcap.qe.isv_svn = 6;
	f->policy = "default";
}

static void
tdx_component_short(struct forge *f)
{
	/* The SGX part of the best level fits; its TDX part does not. */
	for (size_t i = 0; i < f->dcap.tcb_info.level_count; i++)
		f->dcap.tcb_info.levels[i].tdx[2] = 4;
	f->policy = "default";
}

static void
tdx_component_of_best_level(struct forge *f)
{
	/* The SGX part reaches the best level, its TDX part only the next: that one counts. */
	struct sim_tcb_info *t = &f->dcap.tcb_info;

	t->levels[0].tdx[2] = 4;
	f->policy = "default";
}

static void
tdx_component_0_of_old_module(struct forge *f)
{
	f->dcap.td.tee_tcb_svn[1] = 0;
	f->dcap.td.tee_tcb_svn[0] = 4;
	f->policy = "default";
}

static void
relaunch_advised(struct forge *f)
{
	f->dcap.td.tee_tcb_svn[0] = 4; /* at launch; now 6 */
	f->policy = "default";
}

static void
relaunch_and_configuration(struct forge *f)
{
	sim_dcap_set_status(&f->dcap, "ConfigurationNeeded");
	relaunch_advised(f);
}

static void
debug_td(struct forge *f)
{
	f->dcap.td.td_attributes |= 1;
	f->policy = "default";
}

static void
profiled_td(struct forge *f)
{
	f->dcap.td.td_attributes |= 1U << 5;
	f->policy = "default";
}

static void
ve_enabled(struct forge *f)
{
	f->dcap.td.td_attributes = 0;
	f->policy = "default";
}

static void
service_td(struct forge *f)
{
	f->dcap.td.mr_service_td[0] = 1;
	f->policy = "default";
}

static void
unknown_attribute(struct forge *f)
{
	f->dcap.td.td_attributes |= 1ULL << 40;
	f->policy = "default";
}

static void
migratable(struct forge *f)
{
	f->dcap.td.td_attributes |= 1U << 29;
	f->policy = "default";
}

static void
xfam_unknown(struct forge *f)
{
	f->dcap.td.xfam |= 1ULL << 40;
	f->policy = "default";
}

static void
xfam_without_sse(struct forge *f)
{
	f->dcap.td.xfam &= ~2ULL;
	f->policy = "default";
}

static void
other_mr_td(struct forge *f)
{
	f->expect_claim = "measurement";
	f->expect_value = "000000000000000000000000000000000000000000000000"
			  "000000000000000000000000000000000000000000000000";
}

const struct forgery tdx_forgeries[] = {
	{ "module line without identity", TDX4, module_unknown, NULL, "tdx.module.identity", "" },
	{ "running module without identity", TDX5_15, new_module_unknown, NULL,
	    "tdx.module.identity", "" },
	{ "no module identities", TDX4, module_list_missing, NULL, "tdx.module.identity", "" },
	{ "no module identities, TD 1.5", TDX5_15, module_list_missing, NULL, "tdx.module.identity",
	    "" },
	{ "module below its levels", TDX4, module_below_levels, NULL, "dcap.tcb.status",
	    "NotSupported" },
	{ "module of a stranger (dcap-qvl #124)", TDX4, module_of_stranger, NULL,
	    "tdx.module.signer", "" },
	{ "TDX 1.0 module of a stranger", TDX4, old_module_of_stranger, NULL, "tdx.module.signer",
	    "" },
	{ "module with attributes", TDX4, module_debug, NULL, "tdx.module.attributes", "" },
	{ "module attributes that the mask hides", TDX5_15, module_attributes_masked, NULL,
	    "tdx.module.attributes", "" },
	{ "module out of date", TDX4, module_out_of_date, NULL, "dcap.tcb.status", "OutOfDate" },
	{ "module revoked", TDX4, module_revoked, NULL, "dcap.tcb.status", "Revoked" },
	{ "platform out of date under a new module", TDX4, platform_out_of_date, NULL,
	    "dcap.tcb.status", "OutOfDate" },
	{ "configuration needed and QE out of date", TDX4, configuration_bit_kept, NULL,
	    "dcap.tcb.status", "OutOfDateConfigurationNeeded" },
	{ "TDX component short", TDX4, tdx_component_short, NULL, "dcap.tcb.status", "" },
	{ "TDX component short of the best level", TDX4, tdx_component_of_best_level, NULL,
	    "dcap.tcb.status", "OutOfDate" },
	{ "TDX 1.0 component 0 short", TDX4, tdx_component_0_of_old_module, NULL, "dcap.tcb.status",
	    "" },
	{ "relaunch advised", TDX5_15, relaunch_advised, NULL, "dcap.tcb.status",
	    "TDRelaunchAdvised" },
	{ "relaunch and configuration", TDX5_15, relaunch_and_configuration, NULL,
	    "dcap.tcb.status", "TDRelaunchAdvisedConfigurationNeeded" },
	{ "debug TD", TDX4, debug_td, NULL, "policy.debug", "" },
	{ "TD under performance profiling", TDX4, profiled_td, NULL, "policy.debug", "" },
	{ "TD with #VE on secure pages", TDX4, ve_enabled, NULL, "tdx.policy.sept_ve_disable", "" },
	{ "TD bound to a service TD", TDX5_15, service_td, NULL, "tdx.policy.service_td", "" },
	{ "TD with an unknown attribute", TDX4, unknown_attribute, NULL, "tdx.policy.attributes",
	    "" },
	{ "migratable TD", TDX5_15, migratable, NULL, "tdx.policy.attributes", "" },
	{ "XFAM with an unknown bit", TDX4, xfam_unknown, NULL, "tdx.policy.xfam", "" },
	{ "XFAM without SSE", TDX4, xfam_without_sse, NULL, "tdx.policy.xfam", "" },
	{ "another MRTD than expected", TDX4, other_mr_td, NULL, "expect.measurement", "" },
};
const size_t tdx_forgery_count = sizeof tdx_forgeries / sizeof tdx_forgeries[0];
