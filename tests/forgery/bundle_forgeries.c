/* SPDX-License-Identifier: Apache-2.0 */
/* Bundles that lie: about what they hold, with collateral of theirs, with an SVSM that never was. The
 * bundles are written here, byte by byte: a writer shared with the judge proves nothing. */
#include "forge.h"

#include <stdlib.h>
#include <string.h>

#define ASSAY "application/vnd.assay."

/* --- writing ------------------------------------------------------------------------------- */

static void
head(struct sim_buf *b, unsigned major, size_t n)
{
	uint8_t h[5] = { (uint8_t)(major << 5 |
	    (n < 24             ? n
		    : n < 256   ? 24U
		    : n < 65536 ? 25U
				: 26U)) };
	size_t size = n < 24 ? 0 : n < 256 ? 1 : n < 65536 ? 2 : 4;

	for (size_t i = 0; i < size; i++)
		h[1 + i] = (uint8_t)(n >> 8 * (size - 1 - i));
	sim_put(b, h, 1 + size);
}

static void
put_string(struct sim_buf *b, const char *s)
{
	head(b, 3, strlen(s));
	sim_put(b, s, strlen(s));
}

struct sim_bytes
forge_collection(struct forge *f, const struct forge_part *parts, size_t count)
{
	struct sim_buf b = { .sim = f->sim };

	head(&b, 5, count);
	for (size_t i = 0; i < count; i++) {
		put_string(&b, parts[i].label);
		head(&b, 4, parts[i].indicator != 0 ? 3 : 2);
		put_string(&b, parts[i].type);
		head(&b, 2, parts[i].bytes.len);
		sim_put_bytes(&b, parts[i].bytes);
		if (parts[i].indicator != 0)
			head(&b, 0, parts[i].indicator);
	}
	return sim_taken(&b);
}

static struct sim_bytes
as_text(struct forge *f, const char *text)
{
	return sim_text(f->sim, text);
}

/* As PEM, whatever it is. */
static struct sim_bytes
pem_of(struct forge *f, const char *name, struct sim_bytes bytes)
{
	if (strstr(name, ".pem") != NULL)
		return bytes;
	return sim_pem(f->sim,
	    strstr(name, "crl") != NULL            ? "X509 CRL"
		: strstr(name, "tcb_info") != NULL ? "TCB INFO"
		: strstr(name, ".json") != NULL    ? "ENCLAVE IDENTITY"
						   : "CERTIFICATE",
	    bytes);
}

/* Takes the named items out of what the relying party has; NULL: all. */
static struct sim_bytes
take_collateral(struct forge *f, const char *only)
{
	struct sim_bytes all = sim_text(f->sim, "");

	for (size_t i = 0; i < f->out.item_count;) {
		struct sim_item item = f->out.items[i];
		if (only != NULL && strcmp(item.name, only) != 0) {
			i++;
			continue;
		}
		all = sim_join(f->sim, all, pem_of(f, item.name, item.bytes));
		forge_drop_item(f, item.name);
	}
	return all;
}

static void
wrap(struct forge *f, const char *type, const char *provider, struct sim_bytes collateral)
{
	const struct forge_part parts[] = {
		{ "evidence", type, f->out.evidence, 4 },
		{ "provider", "text/plain", as_text(f, provider), 4 },
		{ "collateral", ASSAY "collateral", collateral, 2 },
	};

	f->out.evidence = forge_collection(f, parts, collateral.len > 0 ? 3 : 2);
}

/* --- genuine ------------------------------------------------------------------------------- */

static void
tdx_whole(struct forge *f)
{
	wrap(f, ASSAY "tdx", "tdx_guest", take_collateral(f, NULL));
}

static void
sgx_whole(struct forge *f)
{
	wrap(f, ASSAY "sgx", "gramine", take_collateral(f, NULL));
}

/* The CRL has the relying party too, who asks for one. */
static void
snp_whole(struct forge *f)
{
	wrap(f, ASSAY "snp", "sev_guest", take_collateral(f, NULL));
	sim_output_add(&f->out, "crl.der", sim_crl_write(f->sim, &f->snp.crl));
	f->require_crl = true;
}

static void
snp_table(struct forge *f)
{
	struct sim_bytes all = f->out.evidence;
	const struct forge_part parts[] = {
		{ "evidence", ASSAY "snp", { all.ptr, 1184 }, 4 },
		{ "provider", "text/plain", as_text(f, "sev_guest"), 0 },
		{ "certificates", ASSAY "certificate-table", { all.ptr + 1184, all.len - 1184 },
		    2 },
	};

	f->out.evidence = forge_collection(f, parts, 3);
}

static void
strange_labels(struct forge *f)
{
	const struct forge_part parts[] = {
		{ "cvm", ASSAY "tdx", f->out.evidence, 4 },
		{ "notes", "text/markdown", as_text(f, "# none"), 2 },
	};

	f->out.evidence = forge_collection(f, parts, 2);
}

/* --- what it is ---------------------------------------------------------------------------- */

static void
tdx_called_snp(struct forge *f)
{
	wrap(f, ASSAY "snp", "sev_guest", sim_text(f->sim, ""));
}

static void
tdx_by_sev_guest(struct forge *f)
{
	wrap(f, ASSAY "tdx", "sev_guest", sim_text(f->sim, ""));
}

static void
called_foo(struct forge *f)
{
	wrap(f, ASSAY "foo", "foo_guest", sim_text(f->sim, ""));
}

static void
two_pieces(struct forge *f)
{
	const struct forge_part parts[] = {
		{ "evidence", ASSAY "tdx", f->out.evidence, 4 },
		{ "td", ASSAY "tdx", f->out.evidence, 4 },
	};

	f->out.evidence = forge_collection(f, parts, 2);
}

static void
half_known(struct forge *f)
{
	const struct forge_part parts[] = {
		{ "evidence", ASSAY "tdx", f->out.evidence, 4 },
		{ "gpu", "application/vnd.gpu.report", as_text(f, "evidence of a GPU"), 4 },
	};

	f->out.evidence = forge_collection(f, parts, 2);
}

static void
no_evidence_it_says(struct forge *f)
{
	const struct forge_part parts[] = { { "evidence", ASSAY "tdx", f->out.evidence, 2 } };

	f->out.evidence = forge_collection(f, parts, 1);
}

static void
label_twice(struct forge *f)
{
	const struct forge_part parts[] = {
		{ "evidence", ASSAY "tdx", f->out.evidence, 4 },
		{ "provider", "text/plain", as_text(f, "tdx_guest"), 4 },
		{ "provider", "text/plain", as_text(f, "sev_guest"), 4 },
	};

	f->out.evidence = forge_collection(f, parts, 3);
}

static void
something_behind(struct forge *f)
{
	wrap(f, ASSAY "tdx", "tdx_guest", sim_text(f->sim, ""));
	f->out.evidence = sim_join(f->sim, f->out.evidence, as_text(f, "x"));
}

static void
opaque(struct forge *f)
{
	wrap(f, ASSAY "opaque", "arm_cca_guest", sim_text(f->sim, ""));
}

static void
opaque_nameless(struct forge *f)
{
	const struct forge_part parts[] = { { "evidence", ASSAY "opaque", f->out.evidence, 4 } };

	f->out.evidence = forge_collection(f, parts, 1);
}

static void
table_beside_tdx(struct forge *f)
{
	const struct forge_part parts[] = {
		{ "evidence", ASSAY "tdx", f->out.evidence, 4 },
		{ "certificates", ASSAY "certificate-table",
		    sim_copy(f->sim, sim_alloc(f->sim, 24), 24), 2 },
	};

	f->out.evidence = forge_collection(f, parts, 2);
}

static void
table_twice(struct forge *f)
{
	struct sim_bytes all = f->out.evidence;
	const struct forge_part parts[] = {
		{ "evidence", ASSAY "snp", all, 4 },
		{ "certificates", ASSAY "certificate-table", { all.ptr + 1184, all.len - 1184 },
		    2 },
	};

	f->out.evidence = forge_collection(f, parts, 2);
}

/* --- collateral that came along --------------------------------------------------------------- */

static void
damaged_crl(struct forge *f)
{
	struct sim_bytes half = *sim_output_item(&f->out, "pck_crl.der");

	half.len /= 2;
	wrap(f, ASSAY "tdx", "tdx_guest", pem_of(f, "pck_crl.der", half));
}

static void
no_pem(struct forge *f)
{
	wrap(f, ASSAY "tdx", "tdx_guest", *sim_output_item(&f->out, "tcb_info.json"));
}

static void
too_many_items(struct forge *f)
{
	struct sim_bytes all = sim_text(f->sim, "");

	for (unsigned i = 0; i < 33; i++) {
		f->dcap.pck_crl.number = 1000 + i;
		all = sim_join(
		    f->sim, all, pem_of(f, "crl", sim_crl_write(f->sim, &f->dcap.pck_crl)));
	}
	wrap(f, ASSAY "tdx", "tdx_guest", all);
}

static void
other_platform(struct forge *f)
{
	memcpy(f->dcap.tcb_info.fmspc, "\x00\x90\x6e\xa1\x00\x00", 6);
}

static void
other_chip(struct forge *f)
{
	struct sim_vcek_extension e = f->snp.extension;

	e.hwid = sim_copy(f->sim, e.hwid.ptr, e.hwid.len);
	e.hwid.ptr[3] ^= 1;
	f->snp.extension = e;
}

static void
own_roots(struct forge *f)
{
	struct sim_bytes all = take_collateral(f, NULL);

	wrap(f, ASSAY "tdx", "tdx_guest", sim_join(f->sim, all, f->out.root));
	f->no_root = true;
}

static void
own_ark(struct forge *f)
{
	struct sim_bytes all = take_collateral(f, NULL);

	wrap(f, ASSAY "snp", "sev_guest", sim_join(f->sim, all, f->out.root));
	f->no_root = true;
}

/* The relying party has the newer CRL, which revokes; the bundle brings the one before. */
static void
older_crl(struct forge *f)
{
	struct sim_crl old = f->dcap.pck_crl;

	old.revoked_count = 0;
	old.number--;
	old.this_update -= SIM_DAY;
	wrap(f, ASSAY "tdx", "tdx_guest", pem_of(f, "crl", sim_crl_write(f->sim, &old)));
}

static void
revoke(struct forge *f)
{
	f->dcap.pck_crl.revoked[f->dcap.pck_crl.revoked_count++] = f->dcap.pck.serial;
}

/* The newer one has ended, and the older one not: what is newer still counts. */
static void
end_crl(struct forge *f)
{
	f->dcap.pck_crl.next_update = FORGE_NOW - 1;
}

static void
older_crl_in_force(struct forge *f)
{
	struct sim_crl old = f->dcap.pck_crl;

	old.next_update = FORGE_NOW + 30 * SIM_DAY;
	old.this_update -= SIM_DAY;
	wrap(f, ASSAY "tdx", "tdx_guest", pem_of(f, "crl", sim_crl_write(f->sim, &old)));
}

/* Of a newer day and a lower number. */
static void
lower_crl_in_force(struct forge *f)
{
	struct sim_crl old = f->dcap.pck_crl;

	old.next_update = FORGE_NOW + 30 * SIM_DAY;
	old.this_update += 1;
	old.number--;
	wrap(f, ASSAY "tdx", "tdx_guest", pem_of(f, "crl", sim_crl_write(f->sim, &old)));
}

static void
number_crl(struct forge *f)
{
	f->dcap.pck_crl.number = 7;
	end_crl(f);
}

static void
newer_crl_revokes(struct forge *f)
{
	struct sim_crl new = f->dcap.pck_crl;

	new.number++;
	new.this_update += 60;
	new.revoked[new.revoked_count++] = f->dcap.pck.serial;
	wrap(f, ASSAY "tdx", "tdx_guest", pem_of(f, "crl", sim_crl_write(f->sim, &new)));
}

static void
crl_of_stranger(struct forge *f)
{
	f->dcap.pck_crl.signer = sim_key(f->sim, SIM_P256, "rogue");
	f->dcap.pck_crl.this_update += 60;
	wrap(
	    f, ASSAY "tdx", "tdx_guest", pem_of(f, "crl", sim_crl_write(f->sim, &f->dcap.pck_crl)));
}

static void
revoke_ask(struct forge *f)
{
	f->snp.crl.revoked[f->snp.crl.revoked_count++] = f->snp.ask.serial;
}

static void
end_snp_crl(struct forge *f)
{
	f->snp.crl.next_update = FORGE_NOW - 1;
}

/* The ARK's of the other line, in force, in which nothing is; own: what the relying party has. */
static void
bring_other_line(struct forge *f, bool own)
{
	struct sim_crl other = f->snp.crl;

	(void)take_collateral(f, "crl.der");
	other.revoked_count = 0;
	other.this_update += 60;
	other.next_update = FORGE_NOW + SIM_DAY;
	other.number++;
	wrap(f, ASSAY "snp", "sev_guest", pem_of(f, "crl", sim_crl_write(f->sim, &other)));
	if (own)
		sim_output_add(&f->out, "crl.der", sim_crl_write(f->sim, &f->snp.crl));
	f->require_crl = true;
}

static void
other_line_alone(struct forge *f)
{
	bring_other_line(f, false);
}

static void
other_line_beside(struct forge *f)
{
	bring_other_line(f, true);
}

static void
only_brought_revokes(struct forge *f)
{
	wrap(f, ASSAY "snp", "sev_guest", take_collateral(f, "crl.der"));
}

static void
below_crl_floor(struct forge *f)
{
	tdx_whole(f);
	f->min_crl_issuer = "Intel SGX PCK Platform CA";
	f->min_crl = UINT32_MAX;
}

static void
below_evaluation_floor(struct forge *f)
{
	tdx_whole(f);
	f->min_evaluation = 10000;
}

/* The relying party's TCB info is newer, and says OutOfDate. */
static void
out_of_date(struct forge *f)
{
	sim_dcap_set_status(&f->dcap, "OutOfDate");
	f->policy = "default";
}

static void
older_tcb_info(struct forge *f)
{
	struct sim_tcb_info old = f->dcap.tcb_info;

	for (size_t i = 0; i < old.level_count; i++)
		old.levels[i].is.status = "UpToDate";
	old.doc.issue_date -= SIM_DAY;
	old.doc.evaluation--;
	wrap(f, ASSAY "tdx", "tdx_guest", pem_of(f, "tcb_info", sim_tcb_info_write(f->sim, &old)));
}

/* The relying party's TCB info names advisories, and is the older. */
static void
advise(struct forge *f)
{
	f->dcap.tcb_info.levels[0].is.advisories[0] = "INTEL-SA-00334";
}

static void
newer_tcb_info_v2(struct forge *f)
{
	struct sim_tcb_info new = f->dcap.tcb_info;

	new.version = 2;
	new.doc.issue_date += 60;
	wrap(f, ASSAY "sgx", "gramine", pem_of(f, "tcb_info", sim_tcb_info_write(f->sim, &new)));
	f->policy = "policy \"advised\"\nfor sgx\n"
		    "  require hardware tcb.advisories all in INTEL-SA-00334\n";
}

/* The relying party knows a newer evaluation, of other platforms; this one is in force still. */
static void
earlier_evaluation(struct forge *f)
{
	memcpy(f->dcap.tcb_info.fmspc, f->dcap.extension.fmspc, 6);
	f->dcap.tcb_info.doc.evaluation--;
	f->dcap.tcb_info.doc.issue_date++;
	wrap(f, ASSAY "tdx", "tdx_guest",
	    pem_of(f, "tcb_info", sim_tcb_info_write(f->sim, &f->dcap.tcb_info)));
}

static void
end_tcb_info(struct forge *f)
{
	f->dcap.tcb_info.doc.next_update = FORGE_NOW - 1;
}

static void
older_tcb_info_in_force(struct forge *f)
{
	f->dcap.tcb_info.doc.next_update = FORGE_NOW + 30 * SIM_DAY;
	older_tcb_info(f);
}

static void
end_identity(struct forge *f)
{
	f->dcap.qe_identity.doc.next_update = FORGE_NOW - 1;
}

static void
older_identity_in_force(struct forge *f)
{
	struct sim_qe_identity old = f->dcap.qe_identity;

	old.doc.next_update = FORGE_NOW + 30 * SIM_DAY;
	old.doc.issue_date -= SIM_DAY;
	wrap(f, ASSAY "tdx", "tdx_guest",
	    pem_of(f, "identity.json", sim_qe_identity_write(f->sim, &old)));
}

static void
platform_not_allowed(struct forge *f)
{
	static const char deny[] = "allow ppid 00112233445566778899aabbccddeeff\n";

	tdx_whole(f);
	f->platforms = deny;
}

/* --- SVSM ---------------------------------------------------------------------------------- */

/* The table of all services, with none in it but 8 bytes of data. */
static const uint8_t services[] = { 0xbb, 0x9e, 0x84, 0x63, 0x92, 0x3d, 0x70, 0x46, 0xa1, 0xff,
	0x58, 0xf9, 0xc9, 0x4b, 0x87, 0xbb, 56, 0, 0, 0, 1, 0, 0, 0, 0xeb, 0xf1, 0x76, 0xc4, 0x23,
	0x01, 0xa5, 0x45, 0x96, 0x41, 0xb4, 0xe7, 0xdd, 0xe5, 0xbf, 0xe3, 48, 0, 0, 0, 8, 0, 0, 0,
	1, 2, 3, 4, 5, 6, 7, 8 };

static struct sim_bytes
manifest_of(struct forge *f)
{
	return sim_copy(f->sim, services, sizeof services);
}

static struct sim_bytes
nonce_of(struct forge *f)
{
	struct sim_bytes nonce = sim_copy(f->sim, sim_alloc(f->sim, 64), 64);

	memcpy(nonce.ptr, "the nonce of today", 18);
	return nonce;
}

static void
bind(struct forge *f, struct sim_bytes nonce, struct sim_bytes manifest)
{
	(void)sim_digest(f->snp.report.report_data, SIM_SHA512, sim_join(f->sim, nonce, manifest));
}

static void
bind_svsm(struct forge *f)
{
	bind(f, nonce_of(f), manifest_of(f));
}

static void
wrap_svsm(struct forge *f, struct sim_bytes manifest)
{
	const struct forge_part parts[] = {
		{ "evidence", ASSAY "snp", f->out.evidence, 4 },
		{ "provider", "text/plain", as_text(f, "sev_guest"), 4 },
		{ "manifest", ASSAY "svsm-manifest", manifest, 4 },
	};

	f->out.evidence = forge_collection(f, parts, 3);
	f->report_data = nonce_of(f);
}

static void
svsm(struct forge *f)
{
	wrap_svsm(f, manifest_of(f));
}

static void
svsm_short_nonce(struct forge *f)
{
	wrap_svsm(f, manifest_of(f));
	f->report_data.len = 18; /* zeros behind, as ever */
}

static void
svsm_other_nonce(struct forge *f)
{
	svsm(f);
	f->report_data.ptr[63] = 1;
}

static void
svsm_other_manifest(struct forge *f)
{
	struct sim_bytes manifest = manifest_of(f);

	manifest.ptr[55] = 9;
	wrap_svsm(f, manifest);
}

static void
svsm_dropped(struct forge *f)
{
	wrap(f, ASSAY "snp", "sev_guest", sim_text(f->sim, ""));
	f->report_data = nonce_of(f);
}

/* The guest asked without any SVSM, for the nonce itself. */
static void
bind_plain(struct forge *f)
{
	memcpy(f->snp.report.report_data, nonce_of(f).ptr, 64);
}

/* What other protocols hash: the nonce as long as it is, and data behind. */
static void
bind_unpadded(struct forge *f)
{
	struct sim_bytes nonce = nonce_of(f);

	nonce.len = 18;
	bind(f, nonce, manifest_of(f));
}

/* A nonce that moves its end into the manifest. */
static void
bind_shifted(struct forge *f)
{
	bind_svsm(f);
}

static void
svsm_shifted(struct forge *f)
{
	struct sim_bytes manifest = manifest_of(f), nonce = nonce_of(f);

	/* The last byte of the nonce stands before the manifest: the same bytes in all. */
	manifest = sim_join(f->sim, (struct sim_bytes){ nonce.ptr + 63, 1 }, manifest);
	wrap_svsm(f, manifest);
	f->report_data.len = 63;
}

static void
bind_key(struct forge *f)
{
	bind(f, nonce_of(f), as_text(f, "a public key that the guest was given to bind"));
}

static void
svsm_of_key(struct forge *f)
{
	wrap_svsm(f, as_text(f, "a public key that the guest was given to bind"));
}

static void
bind_below(struct forge *f)
{
	bind_svsm(f);
	f->snp.report.vmpl = 2;
}

static void
count_lies(struct forge *f)
{
	struct sim_bytes manifest = manifest_of(f);

	manifest.ptr[20] = 2;
	bind(f, nonce_of(f), manifest);
}

static void
svsm_count_lies(struct forge *f)
{
	struct sim_bytes manifest = manifest_of(f);

	manifest.ptr[20] = 2;
	wrap_svsm(f, manifest);
}

static void
svsm_beside_tdx(struct forge *f)
{
	const struct forge_part parts[] = {
		{ "evidence", ASSAY "tdx", f->out.evidence, 4 },
		{ "manifest", ASSAY "svsm-manifest", manifest_of(f), 4 },
	};

	f->out.evidence = forge_collection(f, parts, 2);
}

/* --- event logs ------------------------------------------------------------------------------ */

struct event {
	unsigned reg; /* 1 is RTMR0 */
	uint32_t type;
	const char *text;
};

enum { EV_SEPARATOR = 4, EV_ACTION = 5, BOOT = 5 };

static const struct event boot[BOOT] = {
	{ 1, EV_ACTION, "tables" },
	{ 1, EV_ACTION, "secure boot" },
	{ 2, EV_SEPARATOR, "0000" },
	{ 3, EV_ACTION, "kernel" },
	{ 3, EV_ACTION, "initrd" },
};

static void
digest_of(uint8_t out[64], const char *text)
{
	uint8_t bytes[64];
	size_t n = strlen(text);

	memcpy(bytes, text, n);
	(void)sim_digest(out, SIM_SHA384, (struct sim_bytes){ bytes, n });
}

/* What the TDX module does with these events. */
static void
boot_td(struct forge *f)
{
	uint8_t pair[96], next[64];

	memset(f->dcap.td.rtmr, 0, sizeof f->dcap.td.rtmr);
	for (size_t i = 0; i < BOOT; i++) {
		uint8_t *rtmr = f->dcap.td.rtmr[boot[i].reg - 1];
		digest_of(next, boot[i].text);
		memcpy(pair, rtmr, 48);
		memcpy(pair + 48, next, 48);
		(void)sim_digest(next, SIM_SHA384, (struct sim_bytes){ pair, sizeof pair });
		memcpy(rtmr, next, 48);
	}
}

static struct sim_bytes
log_of(struct forge *f, unsigned header, const struct event *events, size_t count)
{
	struct sim_buf b = { .sim = f->sim };
	uint8_t digest[64];

	sim_put_u32(&b, header);
	sim_put_u32(&b, 3);
	sim_put_zero(&b, 20);
	sim_put_u32(&b, 33);
	sim_put(&b, "Spec ID Event03", 16);
	sim_put(&b, "\0\0\0\0\0\2\0\2\1\0\0\0\x0c\0\x30\0", 17);
	for (size_t i = 0; i < count; i++) {
		digest_of(digest, events[i].text);
		sim_put_u32(&b, events[i].reg);
		sim_put_u32(&b, events[i].type);
		sim_put_u32(&b, 1);
		sim_put_u16(&b, 0x0c);
		sim_put(&b, digest, 48);
		sim_put_u32(&b, (uint32_t)strlen(events[i].text));
		sim_put(&b, events[i].text, strlen(events[i].text));
	}
	return sim_taken(&b);
}

static void
wrap_log(struct forge *f, const char *type, struct sim_bytes log)
{
	const struct forge_part parts[] = {
		{ "evidence", type, f->out.evidence, 4 },
		{ "eventlog", ASSAY "eventlog", log, 4 },
	};

	f->out.evidence = forge_collection(f, parts, 2);
}

static void
log_whole(struct forge *f)
{
	struct sim_buf b = { .sim = f->sim };

	sim_put_bytes(&b, log_of(f, 1, boot, BOOT));
	sim_put_zero(&b, 1000); /* the rest of the area */
	wrap_log(f, ASSAY "tdx", sim_taken(&b));
}

static void
log_beside_report(struct forge *f)
{
	wrap_log(f, ASSAY "snp", log_of(f, 1, boot, BOOT));
}

static void
log_dropped(struct forge *f)
{
	wrap_log(f, ASSAY "tdx", log_of(f, 1, boot, BOOT - 1));
}

static void
log_rewritten(struct forge *f)
{
	struct event events[BOOT];

	memcpy(events, boot, sizeof events);
	events[3].text = "another kernel";
	wrap_log(f, ASSAY "tdx", log_of(f, 1, events, BOOT));
}

static void
log_swapped(struct forge *f)
{
	struct event events[BOOT];

	memcpy(events, boot, sizeof events);
	events[0] = boot[1];
	events[1] = boot[0];
	wrap_log(f, ASSAY "tdx", log_of(f, 1, events, BOOT));
}

static void
log_appended(struct forge *f)
{
	struct event events[BOOT + 1];

	memcpy(events, boot, sizeof boot);
	events[BOOT] = (struct event){ 4, EV_ACTION, "an image that never ran" };
	wrap_log(f, ASSAY "tdx", log_of(f, 1, events, BOOT + 1));
}

static void
log_elsewhere(struct forge *f)
{
	struct event events[BOOT];

	memcpy(events, boot, sizeof events);
	events[4].reg = 4;
	wrap_log(f, ASSAY "tdx", log_of(f, 1, events, BOOT));
}

/* To be taken for a TPM's, with which nothing is compared. */
static void
log_as_of_tpm(struct forge *f)
{
	struct event events[BOOT];

	memcpy(events, boot, sizeof events);
	events[4].reg = 9;
	wrap_log(f, ASSAY "tdx", log_of(f, 0, events, BOOT));
}

static void
log_behind_padding(struct forge *f)
{
	struct sim_buf b = { .sim = f->sim };

	sim_put_bytes(&b, log_of(f, 1, boot, BOOT));
	sim_put_zero(&b, 64);
	sim_put(&b, "hidden", 6);
	wrap_log(f, ASSAY "tdx", sim_taken(&b));
}

static void
log_other_text(struct forge *f)
{
	struct sim_bytes log = log_of(f, 1, boot, BOOT);

	log.ptr[log.len - 1] ^= 1; /* of "initrd" */
	wrap_log(f, ASSAY "tdx", log);
}

static void
log_cut(struct forge *f)
{
	struct sim_bytes log = log_of(f, 1, boot, BOOT);

	log.len--;
	wrap_log(f, ASSAY "tdx", log);
}

static void
log_of_nothing(struct forge *f)
{
	wrap_log(f, ASSAY "tdx", as_text(f, "all is well"));
}

/* --- tables ---------------------------------------------------------------------------------- */

const struct forgery bundle_genuine[] = {
	{ "bundle with a quote and all of its collateral", TDX4, NULL, tdx_whole },
	{ "bundle of an enclave", SGX3, NULL, sgx_whole },
	{ "bundle with a report, its certificates and its CRL", MILAN3, NULL, snp_whole },
	{ "bundle with a host's certificate table", MILAN3_TABLE, NULL, snp_table },
	{ "bundle with labels of others", TDX5_15, NULL, strange_labels },
	{ "bundle with an older CRL beside a newer", TDX4, NULL, older_crl },
	{ "bundle with newer TCB info of an older version", SGX3, advise, newer_tcb_info_v2 },
	{ "bundle with an event log", TDX4, boot_td, log_whole },
	{ "bundle with an event log, TD 1.5", TDX5_15, boot_td, log_whole },
	{ "bundle with an event log that nothing vouches for", MILAN3, NULL, log_beside_report },
	{ "bundle of an SVSM", MILAN3, bind_svsm, svsm },
	{ "bundle of an SVSM, a short nonce", TURIN5, bind_svsm, svsm_short_nonce },
};
const size_t bundle_genuine_count = sizeof bundle_genuine / sizeof bundle_genuine[0];

#define FORM        "evidence.format"
#define COLLATERAL  "bundle.collateral"
#define LOG         "eventlog.replay"
#define REPORT_DATA "evidence.report_data"

const struct forgery bundle_forgeries[] = {
	{ "bundle that calls a quote a report", TDX4, NULL, tdx_called_snp, FORM, "are none",
	    NOT_PARSED },
	{ "bundle of a TD by a SEV guest's driver", TDX4, NULL, tdx_by_sev_guest, FORM,
	    "says that sev_guest made it, and calls it tdx", NOT_PARSED },
	{ "bundle of a TEE that there is not", TDX4, NULL, called_foo, FORM, "does not know",
	    NOT_PARSED },
	{ "bundle with two pieces of evidence", TDX4, NULL, two_pieces, FORM, "two pieces",
	    NOT_PARSED },
	{ "bundle with evidence that is not known", TDX4, NULL, half_known, FORM,
	    "may be evidence and is not known", NOT_PARSED },
	{ "bundle whose evidence is said to be none", TDX4, NULL, no_evidence_it_says, FORM,
	    "says that it is no evidence", NOT_PARSED },
	{ "bundle with a label twice", TDX4, NULL, label_twice, FORM, "stands twice", NOT_PARSED },
	{ "bundle with a byte behind", TDX4, NULL, something_behind, FORM, "1 bytes follow",
	    NOT_PARSED },
	{ "bundle of another architecture", TDX4, NULL, opaque, "bundle.provider", "arm_cca_guest",
	    NEEDED },
	{ "bundle that hides a genuine report", MILAN3, NULL, opaque, "bundle.provider",
	    "arm_cca_guest", NEEDED },
	{ "bundle of nobody's evidence", TDX4, NULL, opaque_nameless, FORM, "no provider is named",
	    NOT_PARSED },
	{ "bundle with a certificate table beside a quote", TDX4, NULL, table_beside_tdx, FORM,
	    "certificate table beside tdx", NOT_PARSED },
	{ "bundle with two certificate tables", MILAN3_TABLE, NULL, table_twice, FORM,
	    "certificate table beside snp", NOT_PARSED },

	{ "bundle with half a CRL", TDX4, NULL, damaged_crl, COLLATERAL,
	    "collateral of the bundle" },
	{ "bundle with collateral of no form", TDX4, NULL, no_pem, COLLATERAL, "no PEM" },
	{ "bundle with more collateral than makes sense", TDX4, NULL, too_many_items, COLLATERAL,
	    "33 items" },
	{ "bundle with collateral of another platform", TDX4, other_platform, tdx_whole,
	    "dcap.tcb_info.platform", "" },
	{ "bundle with the VCEK of another chip", MILAN3, other_chip, snp_whole, "snp.vcek.chip_id",
	    "" },
	{ "bundle with roots of its own", TDX4, NULL, own_roots, "dcap.root.pinned", "", REFUSED,
	    "dcap.tcb_signing.signature" },
	{ "bundle with an ARK of its own", MILAN3, NULL, own_ark, "snp.ark.pinned", "" },
	{ "bundle with the CRL before the PCK was revoked", TDX4, revoke, older_crl,
	    "dcap.pck.revoked", "" },
	{ "bundle with a CRL older than one that has ended", TDX4, end_crl, older_crl_in_force,
	    "dcap.pck_crl.dates", "has ended" },
	{ "bundle with a CRL of a lower number than one that has ended", TDX4, number_crl,
	    lower_crl_in_force, "dcap.pck_crl.dates", "has ended" },
	{ "bundle with the CRL that revokes it", TDX4, NULL, newer_crl_revokes, "dcap.pck.revoked",
	    "" },
	{ "bundle with a CRL of a stranger's", TDX4, NULL, crl_of_stranger,
	    "dcap.pck_crl.signature", "" },
	{ "bundle with the CRL of AMD's other line, and no other", MILAN3, revoke_ask,
	    other_line_alone, "snp.crl", "no CRL of ARK-Milan was given", NEEDED },
	{ "bundle with the CRL of AMD's other line beside one that has ended", MILAN3, end_snp_crl,
	    other_line_beside, "snp.crl.dates", "has ended" },
	{ "bundle with the CRL of AMD's other line beside one that revokes", MILAN3, revoke_ask,
	    other_line_beside, "snp.ask.revoked", "" },
	{ "bundle with the only CRL, which revokes, of AMD", MILAN3, revoke_ask,
	    only_brought_revokes, "snp.ask.revoked", "" },
	{ "bundle with a CRL below the floor", TDX4, NULL, below_crl_floor, "dcap.pck_crl.floor",
	    "" },
	{ "bundle with TCB info below the floor", TDX4, NULL, below_evaluation_floor,
	    "dcap.tcb_info.evaluation", "", REFUSED, "dcap.qe_identity.evaluation" },
	{ "bundle with TCB info from before it was out of date", TDX4, out_of_date, older_tcb_info,
	    "dcap.tcb.status", "OutOfDate" },
	{ "bundle with TCB info of an evaluation before that of other platforms", TDX4,
	    other_platform, earlier_evaluation, "dcap.tcb_info.platform", "" },
	{ "bundle with TCB info older than one that has ended", TDX4, end_tcb_info,
	    older_tcb_info_in_force, "dcap.tcb_info.dates", "has ended" },
	{ "bundle with a QE identity older than one that has ended", TDX4, end_identity,
	    older_identity_in_force, "dcap.qe_identity.dates", "has ended" },
	{ "bundle of a platform that is not allowed", TDX4, NULL, platform_not_allowed,
	    "platform.listed", "" },

	{ "event log without its last event", TDX4, boot_td, log_dropped, LOG,
	    "RTMR2: no single change of the log explains the value" },
	{ "event log with another kernel", TDX4, boot_td, log_rewritten, LOG,
	    "RTMR2: no single change of the log explains the value" },
	{ "event log with two events swapped", TDX4, boot_td, log_swapped, LOG,
	    "RTMR0: event 1 (EV_ACTION) and the next event of the register have changed places" },
	{ "event log with one event more", TDX4, boot_td, log_appended, LOG,
	    "RTMR3: event 6 (EV_ACTION) and all behind it are in the log, but were not extended" },
	{ "event log with an event elsewhere", TDX5_15, boot_td, log_elsewhere, LOG,
	    "RTMR2: event 5 (EV_ACTION) was extended here, but stands in the log for another" },
	{ "event log of another TD", TDX4, NULL, log_whole, LOG, "RTMR0: no single change" },
	{ "event log passed off as a TPM's", TDX4, boot_td, log_as_of_tpm, LOG,
	    "extends register 9; a confidential VM has 1 to 4" },
	{ "event log with something behind its padding", TDX4, boot_td, log_behind_padding, LOG,
	    "is followed by something else at" },
	{ "event log with another text beside a digest", TDX4, boot_td, log_other_text, LOG,
	    "the text of event 5 is not what was extended" },
	{ "event log that is cut short", TDX4, boot_td, log_cut, LOG,
	    "bytes of event data follow" },
	{ "event log that is none", TDX4, boot_td, log_of_nothing, LOG, "is none that is known" },

	{ "SVSM, another nonce", MILAN3, bind_svsm, svsm_other_nonce, REPORT_DATA,
	    "want SHA-512 of what was asked for" },
	{ "SVSM, another manifest", MILAN3, bind_svsm, svsm_other_manifest, REPORT_DATA,
	    "want SHA-512" },
	{ "SVSM, the manifest left out", MILAN3, bind_svsm, svsm_dropped, REPORT_DATA, "want" },
	{ "SVSM that was never asked", MILAN3, bind_plain, svsm, REPORT_DATA, "want SHA-512" },
	{ "SVSM, a nonce that was not padded", MILAN3, bind_unpadded, svsm_short_nonce, REPORT_DATA,
	    "want SHA-512" },
	{ "SVSM, a nonce that ends in the manifest", MILAN3, bind_shifted, svsm_shifted,
	    REPORT_DATA, "want SHA-512", REFUSED, "snp.svsm.manifest" },
	{ "SVSM whose manifest is something else", MILAN3, bind_key, svsm_of_key,
	    "snp.svsm.manifest", "neither a table" },
	{ "SVSM whose manifest counts wrongly", MILAN3, count_lies, svsm_count_lies,
	    "snp.svsm.manifest", "neither a table" },
	{ "SVSM above the report", MILAN3, bind_below, svsm, "snp.svsm.vmpl", "VMPL 2" },
	{ "SVSM of a TD", TDX4, NULL, svsm_beside_tdx, FORM, "manifest of an SVSM beside tdx",
	    NOT_PARSED },
};
const size_t bundle_forgery_count = sizeof bundle_forgeries / sizeof bundle_forgeries[0];
