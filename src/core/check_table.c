/* SPDX-License-Identifier: Apache-2.0 */
#include "core/check_table.h"

#include <string.h>

const struct assay_check_info assay_check_table[CHECK_COUNT] = {
	[CHECK_EVIDENCE_FORMAT] = { "evidence.format", true, "", "", "", "" },
	[CHECK_EVIDENCE_PADDING] = { "evidence.padding", true, "", "", "", "" },
	[CHECK_EVIDENCE_REPORT_DATA] = { "evidence.report_data", false, "", "", "", "" },
	[CHECK_PLATFORM_LISTED] = { "platform.listed", false, "", "", "", "" },
	[CHECK_EXPECT] = { "expect", false, "", "", "", "" },
	[CHECK_DCAP_PCK_CHAIN] = { "dcap.pck.chain", true, "", "", "", "" },
	[CHECK_DCAP_ROOT_PINNED] = { "dcap.root.pinned", true, "", "", "", "" },
	[CHECK_DCAP_ROOT_DATES] = { "dcap.root.dates", true, "", "", "", "" },
	[CHECK_DCAP_PCK_CA_PROFILE] = { "dcap.pck_ca.profile", true, "", "", "", "" },
	[CHECK_DCAP_PCK_CA_SIGNATURE] = { "dcap.pck_ca.signature", true, "", "", "", "" },
	[CHECK_DCAP_PCK_CA_DATES] = { "dcap.pck_ca.dates", true, "", "", "", "" },
	[CHECK_DCAP_PCK_CA_REVOKED] = { "dcap.pck_ca.revoked", true, "", "", "", "" },
	[CHECK_DCAP_PCK_PROFILE] = { "dcap.pck.profile", true, "", "", "", "" },
	[CHECK_DCAP_PCK_SIGNATURE] = { "dcap.pck.signature", true, "", "", "", "" },
	[CHECK_DCAP_PCK_DATES] = { "dcap.pck.dates", true, "", "", "", "" },
	[CHECK_DCAP_PCK_REVOKED] = { "dcap.pck.revoked", true, "", "", "", "" },
	[CHECK_DCAP_ROOT_CRL_SIGNATURE] = { "dcap.root_crl.signature", true, "", "", "", "" },
	[CHECK_DCAP_ROOT_CRL_DATES] = { "dcap.root_crl.dates", true, "", "", "", "" },
	[CHECK_DCAP_ROOT_CRL_FLOOR] = { "dcap.root_crl.floor", true, "", "", "", "" },
	[CHECK_DCAP_PCK_CRL_SIGNATURE] = { "dcap.pck_crl.signature", true, "", "", "", "" },
	[CHECK_DCAP_PCK_CRL_DATES] = { "dcap.pck_crl.dates", true, "", "", "", "" },
	[CHECK_DCAP_PCK_CRL_FLOOR] = { "dcap.pck_crl.floor", true, "", "", "", "" },
	[CHECK_DCAP_TCB_SIGNING_PROFILE] = { "dcap.tcb_signing.profile", true, "", "", "", "" },
	[CHECK_DCAP_TCB_SIGNING_SIGNATURE] = { "dcap.tcb_signing.signature", true, "", "", "", "" },
	[CHECK_DCAP_TCB_SIGNING_DATES] = { "dcap.tcb_signing.dates", true, "", "", "", "" },
	[CHECK_DCAP_TCB_SIGNING_REVOKED] = { "dcap.tcb_signing.revoked", true, "", "", "", "" },
	[CHECK_DCAP_TCB_INFO_SIGNATURE] = { "dcap.tcb_info.signature", true, "", "", "", "" },
	[CHECK_DCAP_TCB_INFO_DATES] = { "dcap.tcb_info.dates", true, "", "", "", "" },
	[CHECK_DCAP_TCB_INFO_EVALUATION] = { "dcap.tcb_info.evaluation", true, "", "", "", "" },
	[CHECK_DCAP_TCB_INFO_PLATFORM] = { "dcap.tcb_info.platform", true, "", "", "", "" },
	[CHECK_DCAP_QE_IDENTITY_SIGNATURE] = { "dcap.qe_identity.signature", true, "", "", "", "" },
	[CHECK_DCAP_QE_IDENTITY_DATES] = { "dcap.qe_identity.dates", true, "", "", "", "" },
	[CHECK_DCAP_QE_IDENTITY_EVALUATION] = { "dcap.qe_identity.evaluation", true, "", "", "",
	    "" },
	[CHECK_DCAP_QE_IDENTITY_ID] = { "dcap.qe_identity.id", true, "", "", "", "" },
	[CHECK_DCAP_QE_REPORT_SIGNATURE] = { "dcap.qe_report.signature", true, "", "", "", "" },
	[CHECK_DCAP_QE_REPORT_BINDING] = { "dcap.qe_report.binding", true, "", "", "", "" },
	[CHECK_DCAP_QE_MISC_SELECT] = { "dcap.qe.misc_select", true, "", "", "", "" },
	[CHECK_DCAP_QE_ATTRIBUTES] = { "dcap.qe.attributes", true, "", "", "", "" },
	[CHECK_DCAP_QE_MR_SIGNER] = { "dcap.qe.mr_signer", true, "", "", "", "" },
	[CHECK_DCAP_QE_PROD_ID] = { "dcap.qe.prod_id", true, "", "", "", "" },
	[CHECK_DCAP_QE_LEVEL] = { "dcap.qe.level", true, "", "", "", "" },
	[CHECK_DCAP_QUOTE_SIGNATURE] = { "dcap.quote.signature", true, "", "", "", "" },
	[CHECK_TDX_MODULE_IDENTITY] = { "tdx.module.identity", true, "", "", "", "" },
	[CHECK_TDX_MODULE_SIGNER] = { "tdx.module.signer", true, "", "", "", "" },
	[CHECK_TDX_MODULE_ATTRIBUTES] = { "tdx.module.attributes", true, "", "", "", "" },
	[CHECK_DCAP_TCB_STATUS] = { "dcap.tcb.status", false, "", "", "", "" },
	[CHECK_POLICY_DEBUG] = { "policy.debug", false, "", "", "", "" },
	[CHECK_TDX_POLICY_SEPT_VE_DISABLE] = { "tdx.policy.sept_ve_disable", false, "", "", "",
	    "" },
	[CHECK_TDX_POLICY_SERVICE_TD] = { "tdx.policy.service_td", false, "", "", "", "" },
	[CHECK_TDX_POLICY_ATTRIBUTES] = { "tdx.policy.attributes", false, "", "", "", "" },
	[CHECK_TDX_POLICY_XFAM] = { "tdx.policy.xfam", false, "", "", "", "" },
	[CHECK_SNP_ARK_PINNED] = { "snp.ark.pinned", true, "", "", "", "" },
	[CHECK_SNP_ARK_DATES] = { "snp.ark.dates", true, "", "", "", "" },
	[CHECK_SNP_ASK_PROFILE] = { "snp.ask.profile", true, "", "", "", "" },
	[CHECK_SNP_ASK_SIGNATURE] = { "snp.ask.signature", true, "", "", "", "" },
	[CHECK_SNP_ASK_DATES] = { "snp.ask.dates", true, "", "", "", "" },
	[CHECK_SNP_ASK_REVOKED] = { "snp.ask.revoked", true, "", "", "", "" },
	[CHECK_SNP_CRL] = { "snp.crl", true, "", "", "", "" },
	[CHECK_SNP_CRL_DATES] = { "snp.crl.dates", true, "", "", "", "" },
	[CHECK_SNP_CRL_FLOOR] = { "snp.crl.floor", true, "", "", "", "" },
	[CHECK_SNP_VCEK_KIND] = { "snp.vcek.kind", true, "", "", "", "" },
	[CHECK_SNP_VCEK_PROFILE] = { "snp.vcek.profile", true, "", "", "", "" },
	[CHECK_SNP_VCEK_SIGNATURE] = { "snp.vcek.signature", true, "", "", "", "" },
	[CHECK_SNP_VCEK_DATES] = { "snp.vcek.dates", true, "", "", "", "" },
	[CHECK_SNP_VCEK_PRODUCT] = { "snp.vcek.product", true, "", "", "", "" },
	[CHECK_SNP_VCEK_TCB_MATCHES] = { "snp.vcek.tcb_matches", true, "", "", "", "" },
	[CHECK_SNP_VCEK_CHIP_ID] = { "snp.vcek.chip_id", true, "", "", "", "" },
	[CHECK_SNP_REPORT_SIGNED] = { "snp.report.signed", true, "", "", "", "" },
	[CHECK_SNP_REPORT_SIGNATURE] = { "snp.report.signature", true, "", "", "", "" },
	[CHECK_SNP_REPORT_PRODUCT] = { "snp.report.product", true, "", "", "", "" },
	[CHECK_SNP_REPORT_POLICY] = { "snp.report.policy", true, "", "", "", "" },
	[CHECK_SNP_REPORT_TCB_ORDER] = { "snp.report.tcb_order", true, "", "", "", "" },
	[CHECK_SNP_TCB_FLOOR] = { "snp.tcb.floor", false, "", "", "", "" },
	[CHECK_SNP_POLICY_VMPL] = { "snp.policy.vmpl", false, "", "", "", "" },
	[CHECK_SNP_POLICY_MIGRATION] = { "snp.policy.migration", false, "", "", "", "" },
	[CHECK_SNP_POLICY_CHIP_ID] = { "snp.policy.chip_id", false, "", "", "", "" },
	[CHECK_SEV_ARK_PINNED] = { "sev.ark.pinned", true, "", "", "", "" },
	[CHECK_SEV_ARK_SIGNATURE] = { "sev.ark.signature", true, "", "", "", "" },
	[CHECK_SEV_ASK_PROFILE] = { "sev.ask.profile", true, "", "", "", "" },
	[CHECK_SEV_ASK_SIGNATURE] = { "sev.ask.signature", true, "", "", "", "" },
	[CHECK_SEV_CEK_PROFILE] = { "sev.cek.profile", true, "", "", "", "" },
	[CHECK_SEV_CEK_SIGNATURE] = { "sev.cek.signature", true, "", "", "", "" },
	[CHECK_SEV_OCA_PROFILE] = { "sev.oca.profile", true, "", "", "", "" },
	[CHECK_SEV_OCA_SIGNATURE] = { "sev.oca.signature", true, "", "", "", "" },
	[CHECK_SEV_PEK_PROFILE] = { "sev.pek.profile", true, "", "", "", "" },
	[CHECK_SEV_PEK_CEK_SIGNATURE] = { "sev.pek.cek_signature", true, "", "", "", "" },
	[CHECK_SEV_PEK_OCA_SIGNATURE] = { "sev.pek.oca_signature", true, "", "", "", "" },
	[CHECK_SEV_PDH_PROFILE] = { "sev.pdh.profile", true, "", "", "", "" },
	[CHECK_SEV_PDH_SIGNATURE] = { "sev.pdh.signature", true, "", "", "", "" },
	[CHECK_SEV_REPORT_SIGNER] = { "sev.report.signer", true, "", "", "", "" },
	[CHECK_SEV_REPORT_SIGNATURE] = { "sev.report.signature", true, "", "", "", "" },
	[CHECK_SEV_POLICY_BINDING] = { "sev.policy.binding", false, "", "", "", "" },
	[CHECK_SEV_POLICY_ES] = { "sev.policy.es", false, "", "", "", "" },
	[CHECK_SEV_POLICY_NOKS] = { "sev.policy.noks", false, "", "", "", "" },
	[CHECK_SEV_POLICY_NOSEND] = { "sev.policy.nosend", false, "", "", "", "" },
};

size_t
assay_check_info_count(void)
{
	return CHECK_COUNT;
}

const struct assay_check_info *
assay_check_info_at(size_t index)
{
	return index < CHECK_COUNT ? &assay_check_table[index] : NULL;
}

const struct assay_check_info *
assay_check_info_find(const char *id)
{
	if (strncmp(id, "expect.", 7) == 0)
		id = "expect";
	for (size_t i = 0; i < CHECK_COUNT; i++)
		if (strcmp(assay_check_table[i].id, id) == 0)
			return &assay_check_table[i];
	return NULL;
}

const char *
assay_check_info_id(const struct assay_check_info *info)
{
	return info->id;
}

const char *
assay_check_info_proves(const struct assay_check_info *info)
{
	return info->proves;
}

const char *
assay_check_info_stops(const struct assay_check_info *info)
{
	return info->stops;
}

const char *
assay_check_info_source(const struct assay_check_info *info)
{
	return info->source;
}

const char *
assay_check_info_remedy(const struct assay_check_info *info)
{
	return info->remedy;
}
