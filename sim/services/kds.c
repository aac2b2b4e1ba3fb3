/* SPDX-License-Identifier: Apache-2.0 */
/* AMD's Key Distribution Service. Source: AMD 57230, VCEK Certificate and KDS Interface. */
#include "platforms/platform.h"
#include "services/services.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HWID_MAX = 64, PRODUCT_MAX = 16, SPEC_MAX = 65536 };

static void
answer_file(struct sim_call *call, struct sim_machine *m, const char *name, const char *type)
{
	uint8_t *bytes;
	size_t len;

	if (m == NULL || sim_machine_collateral(m, name, &bytes, &len) != 0) {
		sim_call_refuse(call, 404, "There is none of this kind.");
		return;
	}
	sim_call_answer(call, type, bytes, len);
	free(bytes);
}

/* A platform of this product whose reports are signed by a VLEK, or by a VCEK. */
static struct sim_machine *
find_line(const struct sim_platforms *p, const char *product, bool vlek)
{
	for (size_t i = 0; i < p->count; i++) {
		struct sim_identity id;
		sim_machine_identity(p->machines[i], &id);
		if (strcmp(sim_machine_tee(p->machines[i]), "snp") == 0 && id.vlek == vlek &&
		    strcmp(id.product, product) == 0)
			return p->machines[i];
	}
	return NULL;
}

/* The platform of this chip; SIM_PLATFORMS_MAX if there is none. */
static size_t
find_chip(
    const struct sim_platforms *p, const char *product, const char *hwid, struct sim_identity *id)
{
	for (size_t i = 0; i < p->count; i++) {
		if (strcmp(sim_machine_tee(p->machines[i]), "snp") != 0)
			continue;
		sim_machine_identity(p->machines[i], id);
		if (strcmp(id->product, product) == 0 &&
		    sim_hex_equal(hwid, id->hwid, id->hwid_len))
			return i;
	}
	return SIM_PLATFORMS_MAX;
}

static bool
read_spec(struct sim_spec *spec, const char *folder)
{
	char path[4096], why[256], *text = malloc(SPEC_MAX);
	size_t len = 0;

	snprintf(path, sizeof path, "%s/platform.json", folder);
	FILE *f = text != NULL ? fopen(path, "rb") : NULL;
	if (f != NULL) {
		len = fread(text, 1, SPEC_MAX, f);
		fclose(f);
	}
	bool ok = len > 0 && len < SPEC_MAX && sim_spec_parse(spec, text, len, why);
	free(text);
	return ok;
}

/* A chip has a key and a certificate for every TCB up to its own: it is made as if the platform had
 * been made with that one. False: there is none. */
static bool
answer_older(struct sim_call *call, const char *folder, const struct sim_snp_tcb *tcb)
{
	struct sim_spec spec;
	struct sim_platform p;
	struct sim_output out;
	struct sim_bytes *vcek = NULL;
	char why[256], fmc[16] = "";

	if (!read_spec(&spec, folder))
		return false;
	if (strcmp(spec.product, "Turin") == 0)
		snprintf(fmc, sizeof fmc, "fmc=%u,", tcb->fmc);
	snprintf(spec.tcb, sizeof spec.tcb, "%sbootloader=%u,tee=%u,snp=%u,microcode=%u", fmc,
	    tcb->bootloader, tcb->tee, tcb->snp, tcb->microcode);
	struct sim *sim = sim_new(spec.seed);
	if (sim_platform_new(&p, sim, &spec, why)) {
		sim_platform_write(&p, &out);
		for (size_t i = 0; i < out.item_count && vcek == NULL; i++)
			if (strcmp(out.items[i].name, "vcek.der") == 0)
				vcek = &out.items[i].bytes;
	}
	if (vcek != NULL)
		sim_call_answer(call, "application/pkix-cert", vcek->ptr, vcek->len);
	sim_free(sim);
	return vcek != NULL;
}

/* Decimal, 0 to 255, leading zeros allowed as tools send them. */
static bool
read_spl(const struct sim_call *call, const char *name, unsigned *out)
{
	const char *text = sim_call_value(call, name);
	int used = 0;

	return text != NULL && text[0] >= '0' && text[0] <= '9' &&
	    sscanf(text, "%3u%n", out, &used) == 1 && text[used] == '\0' && *out <= 255;
}

static void
answer_vcek(struct sim_call *call, const char *product, const char *hwid)
{
	unsigned fmc = 0, bootloader, tee, snp, microcode;
	bool turin = strcmp(product, "Turin") == 0;
	struct sim_identity id = { .now = 0 };

	if (!sim_is_hex(hwid, turin ? 16 : 2 * (size_t)HWID_MAX)) {
		sim_call_refuse(call, 400, "The hwID must be 128 hex digits, of Turin 16.");
		return;
	}
	if (!read_spl(call, "blSPL", &bootloader) || !read_spl(call, "teeSPL", &tee) ||
	    !read_spl(call, "snpSPL", &snp) || !read_spl(call, "ucodeSPL", &microcode) ||
	    (turin && !read_spl(call, "fmcSPL", &fmc)) ||
	    (!turin && sim_call_value(call, "fmcSPL") != NULL)) {
		sim_call_refuse(call, 400,
		    "Each of blSPL, teeSPL, snpSPL, ucodeSPL must be a number up to 255, and of "
		    "Turin alone fmcSPL.");
		return;
	}
	if (!sim_call_within_limit(call))
		return;
	const struct sim_platforms *p = call->web->platforms;
	const struct sim_snp_tcb tcb = { (uint8_t)fmc, (uint8_t)bootloader, (uint8_t)tee,
		(uint8_t)snp, (uint8_t)microcode };
	size_t i = find_chip(p, product, hwid, &id);
	if (i == SIM_PLATFORMS_MAX || fmc > id.tcb.fmc || bootloader > id.tcb.bootloader ||
	    tee > id.tcb.tee || snp > id.tcb.snp || microcode > id.tcb.microcode) {
		sim_call_refuse(call, 404, "No chip of this hwID has a VCEK for this TCB.");
		return;
	}
	bool own = fmc == id.tcb.fmc && bootloader == id.tcb.bootloader && tee == id.tcb.tee &&
	    snp == id.tcb.snp && microcode == id.tcb.microcode;
	sim_call_header(call, "Content-Disposition", "attachment; filename=vcek.crt");
	if (own)
		answer_file(call, p->machines[i], "vcek.der", "application/pkix-cert");
	else if (!answer_older(call, p->folders[i], &tcb))
		sim_call_refuse(call, 404, "This chip has no VCEK.");
}

static void
route(struct sim_call *call)
{
	char line[8], product[PRODUCT_MAX + 1], rest[2 * HWID_MAX + 16];
	int used = 0;

	if (sscanf(call->path, "/%7[a-z]/v1/%16[A-Za-z]/%140[A-Za-z0-9_]%n", line, product, rest,
		&used) != 3 ||
	    call->path[used] != '\0' || (strcmp(line, "vcek") != 0 && strcmp(line, "vlek") != 0)) {
		sim_call_refuse(call, 404, "There is no such path.");
		return;
	}
	bool vlek = strcmp(line, "vlek") == 0;
	struct sim_machine *m = find_line(call->web->platforms, product, vlek);
	if (strcmp(rest, "cert_chain") == 0)
		answer_file(call, m, "cert_chain.pem", "application/x-pem-file");
	else if (strcmp(rest, "crl") == 0)
		answer_file(call, m, "crl.der", "application/pkix-crl");
	else if (vlek)
		sim_call_refuse(
		    call, 401, "A VLEK is given to cloud providers alone, who hand it to guests.");
	else
		answer_vcek(call, product, rest);
}

void
sim_kds_handle(struct evhttp_request *request, void *arg)
{
	struct sim_call call;

	if (!sim_call_open(&call, request, arg))
		return;
	route(&call);
	sim_call_close(&call);
}
