/* SPDX-License-Identifier: Apache-2.0 */
/* From signed levels to one status. Source: Intel SGX/TDX DCAP QVL, TCB level selection and
 * convergence; Intel TDX DCAP Quoting Library API, A.3. */
#include "verify/dcap.h"

#include <string.h>

struct result {
	enum tcb_status platform, module; /* TCB_NONE: there is no module level */
	enum tcb_status status;           /* converged, the QE included */
	const struct tcb_level *level;
	const struct svn_level *module_level;
};

/* What a level of a module or an enclave (which can be no more than out of date) does to the
 * status of the platform. */
static enum tcb_status
converge(enum tcb_status platform, enum tcb_status other)
{
	if (platform == TCB_NOT_SUPPORTED || other == TCB_NOT_SUPPORTED)
		return TCB_NOT_SUPPORTED;
	if (platform == TCB_REVOKED || other == TCB_REVOKED)
		return TCB_REVOKED;
	if (other == TCB_UP_TO_DATE || other == TCB_NONE)
		return platform;
	switch (platform) {
	case TCB_CONFIGURATION_NEEDED:
	case TCB_CONFIGURATION_AND_SW_HARDENING_NEEDED:
	case TCB_OUT_OF_DATE_CONFIGURATION_NEEDED:
		return TCB_OUT_OF_DATE_CONFIGURATION_NEEDED;
	case TCB_UP_TO_DATE:
	case TCB_SW_HARDENING_NEEDED:
	case TCB_OUT_OF_DATE:
	case TCB_NONE:
	case TCB_REVOKED:
	case TCB_TD_RELAUNCH_ADVISED:
	case TCB_TD_RELAUNCH_ADVISED_CONFIGURATION_NEEDED:
	case TCB_NOT_SUPPORTED:
	case TCB_STATUSES:
		break;
	}
	return TCB_OUT_OF_DATE;
}

/* The module's own components are judged by its identity when it has one (major above 0). */
static size_t
first_tdx_component(const uint8_t svn[TCB_COMPONENTS])
{
	return svn[1] > 0 ? 2 : 0;
}

static bool
reaches(const struct tcb_level *level, const struct pck_extension *pck, const uint8_t *tdx_svn)
{
	for (size_t i = 0; i < TCB_COMPONENTS; i++)
		if (pck->components[i] < level->sgx[i])
			return false;
	if (pck->pce_svn < level->pce_svn)
		return false;
	for (size_t i = tdx_svn != NULL ? first_tdx_component(tdx_svn) : TCB_COMPONENTS;
	     i < TCB_COMPONENTS; i++)
		if (tdx_svn[i] < level->tdx[i])
			return false;
	return true;
}

static const struct svn_level *
svn_level(const struct svn_level *levels, size_t count, uint16_t svn)
{
	for (size_t i = 0; i < count; i++) /* highest first */
		if (levels[i].isv_svn <= svn)
			return &levels[i];
	return NULL;
}

struct tdx_module_id
assay_tdx_module_id(uint8_t major)
{
	static const char digits[] = "0123456789abcdef";

	return (struct tdx_module_id){ { 'T', 'D', 'X', '_', digits[major >> 4], digits[major & 15],
	    '\0' } };
}

static const struct tdx_module *
module_of(const struct tcb_info *t, uint8_t major)
{
	const struct tdx_module_id want = assay_tdx_module_id(major);
	const char *id = want.text;

	for (size_t i = 0; i < t->module_count; i++) {
		const char *p = t->modules[i].id;
		size_t n = 0; /* the vendor writes TDX_01 and TDX_0A; compare without case */
		while (id[n] != '\0' && (id[n] | 0x20) == (p[n] | 0x20))
			n++;
		if (id[n] == '\0' && p[n] == '\0')
			return &t->modules[i];
	}
	return NULL;
}

static struct result
match(const struct dcap *d, const uint8_t *tdx_svn, enum tcb_status qe)
{
	const struct tcb_info *t = &d->tcb->tcb;
	struct result r = { .platform = TCB_NOT_SUPPORTED, .module = TCB_NONE };

	for (size_t i = 0; i < t->level_count && r.level == NULL; i++)
		if (reaches(&t->levels[i], &d->pck, tdx_svn))
			r.level = &t->levels[i];
	if (r.level != NULL)
		r.platform = r.level->verdict.status;
	if (tdx_svn != NULL && tdx_svn[1] > 0) {
		const struct tdx_module *m = module_of(t, tdx_svn[1]);
		if (m != NULL)
			r.module_level = svn_level(m->levels, m->level_count, tdx_svn[0]);
		r.module =
		    r.module_level != NULL ? r.module_level->verdict.status : TCB_NOT_SUPPORTED;
	}
	r.status = converge(converge(r.platform, r.module), qe);
	return r;
}

/* A TD that was launched under an old module runs on under a new one until it is started again. */
static enum tcb_status
relaunch(enum tcb_status launch, enum tcb_status current)
{
	bool old = launch == TCB_OUT_OF_DATE || launch == TCB_OUT_OF_DATE_CONFIGURATION_NEEDED;
	bool configuration = launch == TCB_OUT_OF_DATE_CONFIGURATION_NEEDED ||
	    current == TCB_CONFIGURATION_NEEDED ||
	    current == TCB_CONFIGURATION_AND_SW_HARDENING_NEEDED;

	if (!old ||
	    (current != TCB_UP_TO_DATE && current != TCB_SW_HARDENING_NEEDED &&
		current != TCB_CONFIGURATION_NEEDED &&
		current != TCB_CONFIGURATION_AND_SW_HARDENING_NEEDED))
		return launch;
	return configuration ? TCB_TD_RELAUNCH_ADVISED_CONFIGURATION_NEEDED
			     : TCB_TD_RELAUNCH_ADVISED;
}

/* --- what is short --------------------------------------------------------------------------- */

static bool
good(enum tcb_status s)
{
	return s != TCB_OUT_OF_DATE && s != TCB_OUT_OF_DATE_CONFIGURATION_NEEDED &&
	    s != TCB_REVOKED;
}

static unsigned
distance(const struct tcb_level *level, const struct pck_extension *pck, const uint8_t *tdx_svn)
{
	unsigned n = pck->pce_svn < level->pce_svn ? 1 : 0;

	for (size_t i = 0; i < TCB_COMPONENTS; i++)
		n += pck->components[i] < level->sgx[i] ? 1 : 0;
	for (size_t i = tdx_svn != NULL ? first_tdx_component(tdx_svn) : TCB_COMPONENTS;
	     i < TCB_COMPONENTS; i++)
		n += tdx_svn[i] < level->tdx[i] ? 1 : 0;
	return n;
}

static void
name_component(
    char *out, size_t size, const char *kind, size_t i, const char *category, const char *type)
{
	bool both = category != NULL && type != NULL;

	(void)snprintf(out, size,
	    both ? "%s component %zu (%.24s: %.48s)" : "%s component %zu%.24s%.48s", kind, i + 1,
	    both ? category : "", both ? type : "");
}

/* Against the nearest level that would do: the fewest parts short, and of equals the lower. */
static void
claim_platform_short(struct dcap *d, const uint8_t *tdx_svn)
{
	const struct tcb_info *t = &d->tcb->tcb;
	const struct tcb_level *aim = NULL;
	char part[112];

	for (size_t i = 0; i < t->level_count; i++)
		if (good(t->levels[i].verdict.status) &&
		    (aim == NULL ||
			distance(&t->levels[i], &d->pck, tdx_svn) <=
			    distance(aim, &d->pck, tdx_svn)))
			aim = &t->levels[i];
	if (aim == NULL)
		return;
	for (size_t i = 0; i < TCB_COMPONENTS; i++)
		if (d->pck.components[i] < aim->sgx[i]) {
			name_component(
			    part, sizeof part, "SGX", i, t->sgx_category[i], t->sgx_type[i]);
			assay_claim_short(d->run.claims, part, d->pck.components[i], aim->sgx[i],
			    d->pck.components[i]);
		}
	if (d->pck.pce_svn < aim->pce_svn)
		assay_claim_short(
		    d->run.claims, "PCE SVN", d->pck.pce_svn, aim->pce_svn, d->pck.pce_svn);
	for (size_t i = tdx_svn != NULL ? first_tdx_component(tdx_svn) : TCB_COMPONENTS;
	     i < TCB_COMPONENTS; i++)
		if (tdx_svn[i] < aim->tdx[i]) {
			name_component(
			    part, sizeof part, "TDX", i, t->tdx_category[i], t->tdx_type[i]);
			assay_claim_short(d->run.claims, part, tdx_svn[i], aim->tdx[i], tdx_svn[i]);
		}
}

/* The lowest SVN that is up to date. */
static void
claim_svn_short(struct dcap *d, const char *part, const struct svn_level *levels, size_t count,
    uint16_t got, uint16_t running)
{
	for (size_t i = count; i-- > 0;)
		if (good(levels[i].verdict.status)) {
			if (levels[i].isv_svn > got)
				assay_claim_short(
				    d->run.claims, part, got, levels[i].isv_svn, running);
			return;
		}
}

static void
claim_short(struct dcap *d, const struct result *launch)
{
	const struct td_report *td = d->tdx ? &d->quote->td : NULL;
	const uint8_t *svn = td != NULL ? td->tee_tcb_svn : NULL;
	bool later = td != NULL && d->quote->body.len >= TD_REPORT15_SIZE;

	if (!good(launch->platform) || launch->level == NULL)
		claim_platform_short(d, svn);
	if (launch->module != TCB_NONE && (!good(launch->module) || launch->module_level == NULL)) {
		const struct tdx_module *m = module_of(&d->tcb->tcb, svn[1]);
		char part[48];
		if (m == NULL)
			return;
		(void)snprintf(part, sizeof part, "TDX module %s", m->id);
		claim_svn_short(d, part, m->levels, m->level_count, svn[0],
		    later && td->tee_tcb_svn2[1] == svn[1] ? td->tee_tcb_svn2[0] : svn[0]);
	}
}

/* --- identities ------------------------------------------------------------------------------ */

static bool
masked_equal(const uint8_t *got, const uint8_t *want, const uint8_t *mask, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if ((got[i] & mask[i]) != want[i])
			return false;
	return true;
}

static const struct svn_level *
check_qe(struct dcap *d)
{
	const struct qe_identity *id = &d->qe->qe;
	const struct sgx_report *qe = &d->quote->qe_report;
	const uint8_t *raw = d->quote->qe_report_bytes.ptr;
	struct assay_checks *cs = d->run.checks;

	assay_check_that(cs, CHECK_DCAP_QE_MISC_SELECT,
	    masked_equal(raw + 16, id->misc_select, id->misc_select_mask, 4), ASSAY_E_SIGNATURE,
	    "as the QE identity has it", "the QE's MISCSELECT is %s, want %s",
	    assay_quote_hex((struct assay_bytes){ raw + 16, 4 }).text,
	    assay_quote_hex((struct assay_bytes){ id->misc_select, 4 }).text);
	assay_check_that(cs, CHECK_DCAP_QE_ATTRIBUTES,
	    masked_equal(raw + 48, id->attributes, id->attributes_mask, 16) &&
		(qe->attributes & 2) == 0,
	    ASSAY_E_SIGNATURE, "as the QE identity has them, and not a debug enclave",
	    "the QE's ATTRIBUTES are %s, want %s under the identity's mask, and not DEBUG",
	    assay_quote_hex((struct assay_bytes){ raw + 48, 16 }).text,
	    assay_quote_hex((struct assay_bytes){ id->attributes, 16 }).text);
	assay_check_that(cs, CHECK_DCAP_QE_MR_SIGNER,
	    memcmp(qe->mr_signer, id->mr_signer, sizeof qe->mr_signer) == 0, ASSAY_E_SIGNATURE,
	    "Intel's signer of quoting enclaves",
	    "the enclave that vouches for the attestation key has MRSIGNER %s, want %s: it is not "
	    "Intel's QE",
	    assay_quote_hex((struct assay_bytes){ qe->mr_signer, 32 }).text,
	    assay_quote_hex((struct assay_bytes){ id->mr_signer, 32 }).text);
	assay_check_that(cs, CHECK_DCAP_QE_PROD_ID, qe->isv_prod_id == id->isv_prod_id,
	    ASSAY_E_SIGNATURE, "the product id of the QE for this TEE",
	    "the QE's ISVPRODID is %u, want %u", qe->isv_prod_id, id->isv_prod_id);
	const struct svn_level *level = svn_level(id->levels, id->level_count, qe->isv_svn);
	assay_check_that(cs, CHECK_DCAP_QE_LEVEL, level != NULL, ASSAY_E_SIGNATURE,
	    "of an SVN that Intel knows",
	    "the QE's ISVSVN is %u, below every level of the QE identity", qe->isv_svn);
	return level;
}

static void
check_module(struct dcap *d, uint8_t major, const char *when)
{
	const struct tcb_info *t = &d->tcb->tcb;
	const struct td_report *td = &d->quote->td;
	struct assay_checks *cs = d->run.checks;
	const struct tdx_module *m =
	    major > 0 ? module_of(t, major) : (t->has_module ? &t->module : NULL);

	assay_check_that(cs, CHECK_TDX_MODULE_IDENTITY, m != NULL, ASSAY_E_SIGNATURE,
	    "the TCB info knows the module",
	    "the TDX module %s has major version %u, and the TCB info has no identity TDX_%02x",
	    when, major, major);
	if (m == NULL)
		return;
	assay_check_that(cs, CHECK_TDX_MODULE_SIGNER,
	    memcmp(td->mr_signer_seam, m->mr_signer, sizeof m->mr_signer) == 0, ASSAY_E_SIGNATURE,
	    "signed by whom the TCB info names", "MRSIGNERSEAM is %s, want %s",
	    assay_quote_hex((struct assay_bytes){ td->mr_signer_seam, 48 }).text,
	    assay_quote_hex((struct assay_bytes){ m->mr_signer, 48 }).text);
	/* Intel's verifier also wants zero whatever the mask says. */
	assay_check_that(cs, CHECK_TDX_MODULE_ATTRIBUTES,
	    (td->seam_attributes & m->attributes_mask) == m->attributes && td->seam_attributes == 0,
	    ASSAY_E_SIGNATURE, "a production module", "SEAMATTRIBUTES are 0x%llx, want 0",
	    (unsigned long long)td->seam_attributes);
}

/* told: whether the document that it is from names advisories at all. */
static void
claim_verdict(struct dcap *d, int64_t *date, const struct tcb_verdict *v, bool told)
{
	if (*date > v->date)
		*date = v->date;
	assay_claim_advisories(d->run.claims, told ? v : NULL);
}

static void
claim_levels(struct dcap *d, const struct result *r, const struct svn_level *qe)
{
	struct assay_claims *c = d->run.claims;
	int64_t date = INT64_MAX;

	assay_claim_text(c, CLAIM_DCAP_PLATFORM_STATUS, assay_tcb_status_name(r->platform));
	if (r->module != TCB_NONE)
		assay_claim_text(c, CLAIM_DCAP_MODULE_STATUS, assay_tcb_status_name(r->module));
	if (qe != NULL)
		assay_claim_text(
		    c, CLAIM_DCAP_QE_STATUS, assay_tcb_status_name(qe->verdict.status));
	if (r->status == TCB_NOT_SUPPORTED) {
		assay_claim_advisories(c, NULL); /* no level was matched */
		return;
	}
	claim_verdict(d, &date, &r->level->verdict, d->tcb->tcb.version > 2);
	if (r->module_level != NULL)
		claim_verdict(d, &date, &r->module_level->verdict, true);
	if (qe != NULL)
		claim_verdict(d, &date, &qe->verdict, true);
	assay_claim_time(c, CLAIM_TCB_DATE, date);
}

void
assay_dcap_levels(struct dcap *d)
{
	struct assay_claims *c = d->run.claims;
	const struct svn_level *qe = NULL;

	if (d->qe != NULL) {
		qe = check_qe(d);
		assay_claim_number(c, CLAIM_DCAP_QE_IDENTITY_EVALUATION, d->qe->qe.doc.evaluation);
	}
	if (d->tcb == NULL)
		return;
	assay_claim_number(c, CLAIM_DCAP_TCB_INFO_EVALUATION, d->tcb->tcb.doc.evaluation);
	const struct td_report *td = d->tdx ? &d->quote->td : NULL;
	bool later = td != NULL && d->quote->body.len >= TD_REPORT15_SIZE;
	if (td != NULL) {
		check_module(d, td->tee_tcb_svn[1], "at launch");
		if (later && td->tee_tcb_svn2[1] != td->tee_tcb_svn[1])
			check_module(d, td->tee_tcb_svn2[1], "that runs now");
	}
	if (d->qe == NULL) /* half a status is none */
		return;
	uint32_t evaluation = d->tcb->tcb.doc.evaluation;
	if (d->qe->qe.doc.evaluation < evaluation)
		evaluation = d->qe->qe.doc.evaluation;
	assay_claim_number(c, CLAIM_TCB_EVALUATION, evaluation);

	enum tcb_status qe_status = qe != NULL ? qe->verdict.status : TCB_NOT_SUPPORTED;
	struct result launch = match(d, td != NULL ? td->tee_tcb_svn : NULL, qe_status);
	enum tcb_status status = launch.status;
	if (later) {
		struct result current = match(d, td->tee_tcb_svn2, qe_status);
		assay_claim_text(c, CLAIM_TCB_LAUNCH_STATUS, assay_tcb_status_name(launch.status));
		assay_claim_text(
		    c, CLAIM_TCB_CURRENT_STATUS, assay_tcb_status_name(current.status));
		status = relaunch(launch.status, current.status);
	}
	assay_claim_status(c, status);
	claim_levels(d, &launch, qe);
	if (status != TCB_UP_TO_DATE) {
		claim_short(d, &launch);
		if (qe != NULL && !good(qe->verdict.status))
			claim_svn_short(d, d->tdx ? "TD QE" : "QE", d->qe->qe.levels,
			    d->qe->qe.level_count, d->quote->qe_report.isv_svn,
			    d->quote->qe_report.isv_svn);
	}
}
