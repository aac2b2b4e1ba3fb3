/* SPDX-License-Identifier: Apache-2.0 */
#include "platforms/platform.h"

#include "platforms/firmware.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static bool refuse(char why[256], const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static bool
refuse(char why[256], const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, 256, fmt, ap);
	va_end(ap);
	return false;
}

/* --- what is measured at launch ------------------------------------------------------------- */

bool
sim_platform_measure(uint8_t launch[48], const struct sim_spec *spec, struct sim_bytes image)
{
	/* of the vCPU: EPYC-Milan, EPYC-Genoa, EPYC-Turin */
	static const uint32_t cpuid[] = { 0x00a00f11, 0x00a10f10, 0x00b00f00 };
	size_t product = SIM_TURIN;

	if (strcmp(spec->tee, "tdx") == 0)
		return sim_mrtd(launch, image, SIM_PAGE_BY_PAGE);
	while (product > SIM_MILAN &&
	    strcmp(sim_product_name((enum sim_product)product), spec->product) != 0)
		product--;
	return sim_snp_launch_digest(launch, image, cpuid[product]);
}

static void
set_launch(uint8_t launch[48], const struct sim_platform *p)
{
	if (p->spec.own_launch)
		memcpy(launch, p->spec.launch, 48);
	else if (!sim_platform_measure(launch, &p->spec, p->firmware))
		sim_die("the simulator's own firmware lacks its metadata");
}

/* --- Intel ---------------------------------------------------------------------------------- */

/* "sgx2=7,tdx1=4,now1=6,pce=12,qe=5": components count from 1, as in the TCB info. */
static bool
set_intel_parts(struct sim_platform *p, const char *spec)
{
	char name[8];
	unsigned n, at;
	int used;

	for (;; spec += used + 1) {
		struct sim_td_report *td = &p->td.td;
		bool numbered;
		used = 0;
		if (sscanf(spec, "%7[a-z]%n", name, &used) != 1)
			return false;
		spec += used;
		numbered = sscanf(spec, "%2u=%5u%n", &at, &n, &used) == 2;
		if (numbered && (at < 1 || at > 16 || n > 255))
			return false;
		if (!numbered && (sscanf(spec, "=%5u%n", &n, &used) != 1 || n > UINT16_MAX))
			return false;
		if (numbered && strcmp(name, "sgx") == 0)
			p->dcap.extension.components[at - 1] = (uint8_t)n;
		else if (numbered && p->dcap.tdx && strcmp(name, "tdx") == 0)
			td->tee_tcb_svn[at - 1] = td->tee_tcb_svn2[at - 1] = (uint8_t)n;
		else if (numbered && p->dcap.tdx && strcmp(name, "now") == 0)
			td->tee_tcb_svn2[at - 1] = (uint8_t)n;
		else if (!numbered && strcmp(name, "pce") == 0)
			p->dcap.extension.pce_svn = (uint16_t)n;
		else if (!numbered && strcmp(name, "qe") == 0)
			p->dcap.qe.isv_svn = (uint16_t)n;
		else
			return false;
		if (spec[used] != ',')
			return spec[used] == '\0';
	}
}

static bool
set_intel_tcb(struct sim_platform *p, char why[256])
{
	static const char *const plain[] = { "UpToDate", "SWHardeningNeeded", "ConfigurationNeeded",
		"ConfigurationAndSWHardeningNeeded", "OutOfDate", "OutOfDateConfigurationNeeded",
		"Revoked" };
	const char *tcb = p->spec.tcb;
	struct sim_tcb_info *info = &p->dcap.tcb_info;

	for (size_t i = 0; i < sizeof plain / sizeof plain[0]; i++)
		if (strcmp(plain[i], tcb) == 0) {
			sim_dcap_set_status(&p->dcap, tcb);
			return true;
		}
	if (strcmp(tcb, "NotSupported") == 0) {
		for (size_t i = 0; i < info->level_count; i++)
			info->levels[i].sgx[2]++;
		return true;
	}
	if (strncmp(tcb, "TDRelaunchAdvised", 17) == 0 && p->dcap.tdx &&
	    (tcb[17] == '\0' || strcmp(tcb + 17, "ConfigurationNeeded") == 0)) {
		if (p->td.valid != SIM_TD_VALID_15)
			return refuse(why, "--tcb: %s needs a TDX module 1.5", tcb);
		if (tcb[17] != '\0')
			sim_dcap_set_status(&p->dcap, "ConfigurationNeeded");
		p->td.td.tee_tcb_svn[0] = 3; /* launched under an older module than runs now */
		return true;
	}
	if (tcb[0] == '\0' || set_intel_parts(p, tcb))
		return true;
	return refuse(why,
	    "--tcb: \"%.40s\" is no status; write UpToDate, OutOfDate, ... or sgx2=7,pce=12", tcb);
}

static void
new_td(struct sim_platform *p)
{
	struct sim_tdreport *r = &p->td;
	bool old = strcmp(p->spec.module, "1.0") == 0;

	*r = (struct sim_tdreport){ .type = 0x81,
		.version = p->spec.report_version == 5 || p->spec.service_td,
		.valid = old ? SIM_TD_VALID_10 : SIM_TD_VALID_15,
		.td = p->dcap.td };
	memcpy(r->cpu_svn, p->dcap.cpu_svn, 16);
	if (old)
		r->td.tee_tcb_svn[1] = 0;
	sim_derive(p->sim, r->mac_key, sizeof r->mac_key, "TDREPORT MAC key of the processor");
	if (p->spec.service_td)
		sim_derive(p->sim, r->td.mr_service_td, 48, "service TD");
	if (p->spec.debug)
		r->td.td_attributes |= 1;
	set_launch(r->td.mr_td, p);
	sim_ccel_write(p->sim, p->firmware, &p->ccel);
	memcpy(r->td.rtmr, p->ccel.rtmr, sizeof r->td.rtmr);
}

/* The TD QE chooses it by the report. */
static int
quote_version(const struct sim_platform *p)
{
	uint16_t version = 0, body_type = 0;

	(void)sim_tdreport_quote_form(sim_tdreport_write(p->sim, &p->td).ptr, &version, &body_type);
	return version;
}

static bool
new_intel(struct sim_platform *p, char why[256])
{
	bool tdx = strcmp(p->spec.tee, "tdx") == 0;
	uint64_t version = p->spec.report_version;
	const struct sim_words *revoked = &p->spec.revoked;
	struct sim_dcap *d = &p->dcap;

	if (version != 0 && (version < (tdx ? 4 : 3) || version > 5))
		return refuse(why, "--report-version: %s quotes have %s", p->spec.tee,
		    tdx ? "4 or 5" : "3, 4 or 5");
	if (version == 0)
		version = tdx ? 4 : 3;
	if (p->spec.module[0] != '\0' && strcmp(p->spec.module, "1.0") != 0 &&
	    strcmp(p->spec.module, "1.5") != 0)
		return refuse(why, "--module: \"%s\"; write 1.0 or 1.5", p->spec.module);
	if (strcmp(p->spec.module, "1.0") == 0 && (version == 5 || p->spec.service_td))
		return refuse(
		    why, "--module: under 1.0 there are version 4 quotes, and no service TD");
	sim_dcap_new(d, p->sim, tdx, (uint16_t)version,
	    (uint16_t)(version < 5 ? 0
		    : tdx          ? 3
				   : 1),
	    true, p->spec.time, p->spec.valid);
	if (tdx)
		new_td(p);
	if (!set_intel_tcb(p, why))
		return false;
	sim_dcap_derive(d);
	if (sim_words_have(revoked, "pck"))
		d->pck_crl.revoked[d->pck_crl.revoked_count++] = d->pck.serial;
	if (sim_words_have(revoked, "ca"))
		d->root_crl.revoked[d->root_crl.revoked_count++] = d->pck_ca.serial;
	if (sim_words_have(revoked, "tcb-signing"))
		d->root_crl.revoked[d->root_crl.revoked_count++] = d->tcb_signing.serial;
	if (p->spec.debug)
		d->enclave.attributes |= 2;
	memcpy(d->enclave.report_data, p->spec.report_data, 64);
	snprintf(p->title, sizeof p->title, "Intel %s platform, FMSPC 5ac06f000000, quote v%d",
	    tdx ? "TDX" : "SGX", tdx ? quote_version(p) : (int)version);
	return true;
}

/* --- AMD ------------------------------------------------------------------------------------ */

/* "snp=8,microcode=115" */
static bool
read_snp_tcb(struct sim_snp_tcb *tcb, const char *spec)
{
	char name[16];
	unsigned n;
	int used;

	while (sscanf(spec, "%15[a-z]=%3u%n", name, &n, &used) == 2 && n <= 255) {
		uint8_t *part = strcmp(name, "fmc") == 0 ? &tcb->fmc
		    : strcmp(name, "bootloader") == 0    ? &tcb->bootloader
		    : strcmp(name, "tee") == 0           ? &tcb->tee
		    : strcmp(name, "snp") == 0           ? &tcb->snp
		    : strcmp(name, "microcode") == 0     ? &tcb->microcode
							 : NULL;
		if (part == NULL)
			return false;
		*part = (uint8_t)n;
		spec += used;
		if (*spec == '\0')
			return true;
		if (*spec++ != ',')
			return false;
	}
	return false;
}

static bool
set_snp_tcb(struct sim_snp *p, const char *spec)
{
	char label[64];

	if (strcmp(spec, "OutOfDate") == 0)
		spec = "snp=8,microcode=40";
	if (spec[0] != '\0' && strcmp(spec, "UpToDate") != 0 && !read_snp_tcb(&p->tcb, spec))
		return false;
	uint64_t raw = sim_snp_tcb_raw(p->product, p->tcb);
	p->report.current_tcb = p->report.committed_tcb = raw;
	p->report.reported_tcb = p->report.launch_tcb = raw;
	p->extension.tcb = p->tcb;
	/* A chip has a key for each TCB. */
	snprintf(label, sizeof label, "%s-%s-%016llx", p->vlek ? "VLEK" : "VCEK",
	    sim_product_name(p->product), (unsigned long long)raw);
	p->leaf.key = p->report.signer = sim_key(p->sim, SIM_P384, label);
	return true;
}

static void
new_id_block(struct sim_platform *p)
{
	struct sim_snp_report *r = &p->snp.report;

	p->id.id_key = sim_key(p->sim, SIM_P384, "ID key");
	p->id.author_key = p->spec.author_key ? sim_key(p->sim, SIM_P384, "author key") : NULL;
	sim_derive(p->sim, p->id.family_id, 16, "family id");
	sim_derive(p->sim, p->id.image_id, 16, "image id");
	p->id.guest_svn = 2;
	p->id.policy = r->policy;
	memcpy(p->id.launch_digest, r->measurement, 48);
	memcpy(r->family_id, p->id.family_id, 16);
	memcpy(r->image_id, p->id.image_id, 16);
	r->guest_svn = p->id.guest_svn;
	sim_id_key_digest(p->sim, p->id.id_key, r->id_key_digest);
	if (p->id.author_key == NULL)
		return;
	sim_id_key_digest(p->sim, p->id.author_key, r->author_key_digest);
	r->key_info |= 1;
}

static bool
new_snp(struct sim_platform *p, char why[256])
{
	uint64_t version = p->spec.report_version;
	enum sim_product product = SIM_MILAN;
	struct sim_snp_report *r = &p->snp.report;

	while (
	    p->spec.product[0] != '\0' && strcmp(sim_product_name(product), p->spec.product) != 0)
		if (product++ == SIM_TURIN)
			return refuse(
			    why, "--product: \"%s\"; write Milan, Genoa or Turin", p->spec.product);
	if (version == 0)
		version = 3;
	if (version < 2 || version > 5 || (version == 2 && product == SIM_TURIN))
		return refuse(why, "--report-version: snp has 2 to 5, Turin 3 to 5");
	if (sim_words_have(&p->spec.revoked, p->spec.vlek ? "ask" : "asvk"))
		return refuse(why, "--revoke: %s; the platform's line has the %s",
		    p->spec.vlek ? "ask" : "asvk", p->spec.vlek ? "asvk" : "ask");
	sim_snp_new(
	    &p->snp, p->sim, product, (uint32_t)version, p->spec.vlek, p->spec.time, p->spec.valid);
	if (!set_snp_tcb(&p->snp, p->spec.tcb))
		return refuse(why,
		    "--tcb: \"%.40s\"; write UpToDate, OutOfDate or snp=8,microcode=115",
		    p->spec.tcb);
	if (sim_words_have(&p->spec.revoked, p->spec.vlek ? "asvk" : "ask"))
		p->snp.crl.revoked[p->snp.crl.revoked_count++] = p->snp.ask.serial;
	if (p->spec.debug)
		r->policy |= 1U << 19;
	if (p->spec.mask_chip_id)
		memset(r->chip_id, 0, sizeof r->chip_id);
	set_launch(r->measurement, p);
	if (p->spec.id_block)
		new_id_block(p);
	memcpy(r->report_data, p->spec.report_data, 64);
	snprintf(p->title, sizeof p->title, "AMD SEV-SNP platform, %s, report v%d",
	    sim_product_name(product), (int)version);
	return true;
}

static bool
new_sev(struct sim_platform *p, char why[256])
{
	static const char *const products[] = { "Naples", "Milan", "Genoa", "Turin" };
	/* of the vCPU: EPYC, EPYC-Milan, EPYC-Genoa, EPYC-Turin */
	static const uint32_t cpuids[] = { 0x00800f12, 0x00a00f11, 0x00a10f10, 0x00b00f00 };
	const char *product = p->spec.product[0] != '\0' ? p->spec.product : "Milan";
	bool es = strcmp(p->spec.tee, "sev") != 0;
	uint8_t none[16] = { 0 };
	size_t i = 0;

	while (i < 4 && strcmp(products[i], product) != 0)
		i++;
	if (i == 4)
		return refuse(
		    why, "--product: \"%s\"; write Naples, Milan, Genoa or Turin", product);
	sim_sev_new(&p->sev, p->sim, product, es);
	if (p->spec.ext_owned)
		sim_sev_own(&p->sev);
	p->cpuid = cpuids[i];
	sim_sev_launch_digest(p->sev.report.launch_digest, p->firmware, es, p->cpuid);
	if (p->spec.debug)
		p->sev.report.policy &= ~1U;
	if (memcmp(p->spec.report_data, none, 16) != 0)
		memcpy(p->sev.report.mnonce, p->spec.report_data, 16);
	snprintf(p->title, sizeof p->title, "AMD SEV%s platform, %s", es ? "-ES" : "", product);
	return true;
}

/* --- all ------------------------------------------------------------------------------------ */

static const struct tee {
	struct sim_tee public;
	bool (*make)(struct sim_platform *p, char why[256]);
} tees[] = {
	{ { "sgx", "--report-version --tcb", "pck ca tcb-signing" }, new_intel },
	{ { "tdx", "--report-version --tcb --module --service-td --firmware",
	      "pck ca tcb-signing" },
	    new_intel },
	{ { "snp",
	      "--report-version --tcb --product --vlek --mask-chip-id --id-block --author-key "
	      "--firmware",
	      "ask asvk" },
	    new_snp },
	{ { "sev", "--product --ext-owned", "" }, new_sev },
	{ { "sev-es", "--product --ext-owned", "" }, new_sev },
};

static const struct tee *
find(const char *name)
{
	for (size_t i = 0; i < sizeof tees / sizeof tees[0]; i++)
		if (strcmp(tees[i].public.name, name) == 0)
			return &tees[i];
	return NULL;
}

const struct sim_tee *
sim_tee_find(const char *name)
{
	const struct tee *tee = find(name);

	return tee != NULL ? &tee->public : NULL;
}

bool
sim_platform_new(
    struct sim_platform *p, struct sim *sim, const struct sim_spec *spec, char why[256])
{
	const struct tee *tee = find(spec->tee);

	*p = (struct sim_platform){ .sim = sim, .spec = *spec };
	if (tee == NULL)
		return refuse(why, "there is no TEE \"%s\"", spec->tee);
	p->firmware = sim_firmware_write(sim);
	if (!tee->make(p, why))
		return false;
	for (size_t i = 0; i < SIM_WORDS_MAX && spec->broken.at[i][0] != '\0'; i++) {
		const struct sim_broken *broken = sim_broken_find(spec->broken.at[i], spec->tee);
		if (broken == NULL)
			return refuse(why,
			    "--broken: %s has no state \"%s\"; --broken list shows them", spec->tee,
			    spec->broken.at[i]);
		if (broken->bend != NULL)
			broken->bend(p);
	}
	return true;
}

bool
sim_platform_td_quote(const struct sim_platform *p, struct sim *sim,
    const uint8_t report[SIM_TDREPORT_SIZE], struct sim_bytes *quote)
{
	struct sim_quote q = p->dcap.quote;
	struct sim_td_report td;

	if (!sim_tdreport_quote_form(report, &q.version, &q.body_type))
		return false;
	sim_tdreport_body(&td, report);
	q.body = sim_td_report_write(sim, &td, q.body_type);
	*quote = sim_quote_write(sim, &q);
	return true;
}

struct sim_bytes
sim_platform_sgx_quote(const struct sim_platform *p, struct sim *sim, const uint8_t report_data[64])
{
	struct sim_sgx_report enclave = p->dcap.enclave;
	struct sim_quote q = p->dcap.quote;

	memcpy(enclave.report_data, report_data, 64);
	q.body = sim_sgx_report_write(sim, &enclave);
	return sim_quote_write(sim, &q);
}

static void
add_file(struct sim_output *out, const char *name, struct sim_bytes bytes)
{
	out->files[out->file_count++] = (struct sim_item){ name, bytes };
}

/* With what the vendor's service sends beside the CRL: its signer's certificate is else in quotes alone. */
static void
write_dcap(struct sim_dcap *p, struct sim_output *out)
{
	sim_dcap_write(p, out);
	struct sim_bytes ca = sim_pem(p->sim, "CERTIFICATE", sim_cert_write(p->sim, &p->pck_ca));
	sim_output_add(out, "pck_crl_chain.pem", sim_join(p->sim, ca, out->root));
}

static void
write_td(struct sim_platform *p, struct sim_output *out)
{
	struct sim_tdreport r = p->td;

	memcpy(r.td.report_data, p->spec.report_data, 64);
	if (!sim_platform_td_quote(p, p->sim, sim_tdreport_write(p->sim, &r).ptr, &out->evidence))
		sim_die("the TD QE makes no quote of the TD's report");
	add_file(out, "ccel.table", p->ccel.table);
	add_file(out, "ccel.log", p->ccel.log);
}

void
sim_platform_write(struct sim_platform *p, struct sim_output *out)
{
	if (p->dcap.sim != NULL)
		write_dcap(&p->dcap, out);
	else if (p->snp.sim != NULL)
		sim_snp_write(&p->snp, out);
	else
		sim_sev_write(&p->sev, out);
	if (p->dcap.sim != NULL && p->dcap.tdx)
		write_td(p, out);
	if (p->id.id_key != NULL) {
		struct sim_bytes block, auth;
		sim_id_block_write(p->sim, &p->id, &block, &auth);
		add_file(out, "id-block.bin", block);
		add_file(out, "id-auth.bin", auth);
	}
	if (!p->spec.own_launch && (p->dcap.sim == NULL || p->dcap.tdx))
		add_file(out, "firmware.fd", p->firmware);
	for (size_t i = 0; i < SIM_WORDS_MAX && p->spec.broken.at[i][0] != '\0'; i++) {
		const struct sim_broken *broken =
		    sim_broken_find(p->spec.broken.at[i], p->spec.tee);
		if (broken != NULL && broken->swap != NULL)
			broken->swap(p, out);
	}
}
