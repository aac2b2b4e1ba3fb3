/* SPDX-License-Identifier: Apache-2.0 */
#include "verdict.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "json.h"
#include "value.h"

enum {
	TEXT_SIZE = 1024,
	NAMES_SIZE = 256, /* of policies; they are built in, and short */
	BLOCK = 8,        /* the column of what belongs to a row */
	PART_MAX = 30,    /* columns for the name of a part of the TCB */
};

/* --- claims ------------------------------------------------------------------------------ */

bool
claim_find(const struct assay_claims *claims, const char *name, size_t *i)
{
	return claims != NULL && assay_schema_find(name, i) && assay_claims_has(claims, *i);
}

const char *
claim_text(const struct assay_claims *claims, const char *name)
{
	size_t i;

	if (!claim_find(claims, name, &i) || assay_schema_type(i) != ASSAY_TYPE_TEXT)
		return "";
	return assay_claims_text(claims, i);
}

static struct assay_bytes
claim_bytes(const struct assay_claims *claims, const char *name)
{
	size_t i;

	if (!claim_find(claims, name, &i) || assay_schema_type(i) != ASSAY_TYPE_BYTES)
		return (struct assay_bytes){ NULL, 0 };
	return assay_claims_bytes(claims, i);
}

/* A short claim of any type as text; false if the evidence does not make it. */
static bool
claim_show(char out[TEXT_SIZE], const struct assay_claims *claims, const char *name)
{
	size_t i, len = 0;

	out[0] = '\0';
	if (!claim_find(claims, name, &i))
		return false;
	switch (assay_schema_type(i)) {
	case ASSAY_TYPE_BOOL:
		snprintf(out, TEXT_SIZE, "%s", assay_claims_bool(claims, i) ? "true" : "false");
		break;
	case ASSAY_TYPE_UINT:
		snprintf(out, TEXT_SIZE, "%" PRIu64, assay_claims_uint(claims, i));
		break;
	case ASSAY_TYPE_TIME:
		value_time_text(out, assay_claims_time(claims, i));
		break;
	case ASSAY_TYPE_TEXT:
		snprintf(out, TEXT_SIZE, "%s", assay_claims_text(claims, i));
		break;
	case ASSAY_TYPE_BYTES: {
		struct assay_bytes b = assay_claims_bytes(claims, i);
		for (size_t n = 0; n < b.len && 2 * n + 3 < TEXT_SIZE; n++)
			snprintf(out + 2 * n, TEXT_SIZE - 2 * n, "%02x", b.ptr[n]);
		break;
	}
	case ASSAY_TYPE_LIST:
		for (size_t n = 0; n < assay_claims_list_count(claims, i); n++) {
			const char *item = assay_claims_list_at(claims, i, n);
			if (len + strlen(item) + 3 > TEXT_SIZE)
				break;
			len += (size_t)snprintf(
			    out + len, TEXT_SIZE - len, "%s%s", n > 0 ? ", " : "", item);
		}
		break;
	}
	return true;
}

/* --- the first line ---------------------------------------------------------------------- */

/* The word by which a verdict is known. */
static const char *
word(const struct verdict *v, bool upper)
{
	if (v->code == ASSAY_OK)
		return upper ? "ACCEPTED" : "accepted";
	if (v->code == ASSAY_E_INCOMPLETE)
		return upper ? "UNDETERMINED" : "undetermined";
	return upper ? "REFUSED" : "refused";
}

static bool
failed(const struct row *row)
{
	return row->outcome == ASSAY_FAIL;
}

/* A row about what the caller asked for, as against what a policy asks. */
static bool
asked(const struct row *row)
{
	return strncmp(row->id, "expect.", 7) == 0 || strcmp(row->id, "platform.listed") == 0 ||
	    strcmp(row->id, "evidence.report_data") == 0 || strcmp(row->id, "cert.nonce") == 0;
}

static bool
any_failed(const struct verdict *v, bool by_caller)
{
	for (size_t i = 0; i < v->row_count; i++)
		if (failed(&v->rows[i]) && asked(&v->rows[i]) == by_caller)
			return true;
	return false;
}

/* Nothing failed but dates: "not genuine" would be a slander. */
static bool
only_dates(const struct verdict *v)
{
	for (size_t i = 0; i < v->row_count; i++)
		if (failed(&v->rows[i]) && v->rows[i].code != ASSAY_E_EXPIRED &&
		    v->rows[i].code != ASSAY_E_POLICY)
			return false;
	return v->genuine == ASSAY_E_EXPIRED;
}

static const char *
policy_names(char out[NAMES_SIZE], const struct verdict *v)
{
	size_t len = 0;

	out[0] = '\0';
	for (size_t i = 0; i < v->policy_count && len < NAMES_SIZE; i++)
		len += (size_t)snprintf(out + len, NAMES_SIZE - len, "%s\"%s\"",
		    i > 0                     ? " and "
			: v->policy_count > 1 ? "policies "
					      : "policy ",
		    v->policies[i]);
	return out;
}

static void
reason_refused(char out[TEXT_SIZE], const struct verdict *v)
{
	char names[NAMES_SIZE];
	const char *but = v->genuine == ASSAY_OK ? "genuine, but" : "perhaps genuine, but";

	policy_names(names, v);
	if (v->genuine == ASSAY_E_REVOKED)
		snprintf(out, TEXT_SIZE, "no longer genuine: a certificate was revoked");
	else if (v->genuine == ASSAY_E_UNSUPPORTED)
		snprintf(out, TEXT_SIZE, "of a kind that this version cannot judge");
	else if (v->genuine != ASSAY_OK && v->genuine != ASSAY_E_INCOMPLETE)
		snprintf(out, TEXT_SIZE, "%s",
		    only_dates(v) ? "not proven genuine: what it rests on is out of its dates"
				  : "not genuine");
	else if (!any_failed(v, false))
		snprintf(out, TEXT_SIZE, "%s not what was asked for", but);
	else if (any_failed(v, true))
		snprintf(out, TEXT_SIZE, "%s not what was asked for, nor what %s allow%s", but,
		    names, v->policy_count > 1 ? "" : "s");
	else
		snprintf(out, TEXT_SIZE, "%s %s do%s not allow it", but, names,
		    v->policy_count > 1 ? "" : "es");
}

static void
reason(char out[TEXT_SIZE], const struct verdict *v)
{
	char names[NAMES_SIZE];
	const char *status = claim_text(v->claims, "tcb.status");

	if (v->code == ASSAY_OK && strcmp(status, "UpToDate") == 0)
		snprintf(
		    out, TEXT_SIZE, "genuine, up to date, allowed by %s", policy_names(names, v));
	else if (v->code == ASSAY_OK && status[0] != '\0')
		snprintf(
		    out, TEXT_SIZE, "genuine, %s, allowed by %s", status, policy_names(names, v));
	else if (v->code == ASSAY_OK)
		snprintf(out, TEXT_SIZE, "genuine, allowed by %s", policy_names(names, v));
	else if (v->code == ASSAY_E_INCOMPLETE && v->genuine == ASSAY_OK)
		snprintf(out, TEXT_SIZE, "genuine, but cannot tell whether it is allowed");
	else if (v->code == ASSAY_E_INCOMPLETE)
		snprintf(out, TEXT_SIZE, "cannot tell without collateral for this platform");
	else
		reason_refused(out, v);
}

static void
print_head(struct screen *s, const struct verdict *v)
{
	const char *name = word(v, true);
	size_t at = strlen(name) + 2;
	char text[TEXT_SIZE], line[2 * TEXT_SIZE];
	enum colour colour = v->code == ASSAY_OK ? GREEN
	    : v->code == ASSAY_E_INCOMPLETE      ? YELLOW
						 : RED;

	screen_coloured(s, colour, name);
	fputs("  ", s->to);
	if (v->root != NULL) {
		/* "Intel TDX", "AMD SEV-SNP": the vendor is the first word. */
		snprintf(line, sizeof line, "under your --trust-root %s, which is not %.*s's",
		    v->root, (int)strcspn(v->title, " "), v->title);
		screen_wrap(s, at, at, line);
		screen_pad(s, 0, at);
	}
	if (v->claims == NULL) {
		snprintf(line, sizeof line, "%s: nothing that can be judged", v->path);
	} else {
		reason(text, v);
		snprintf(line, sizeof line, "%s: %s", v->title, text);
	}
	screen_wrap(s, at, at, line);
}

/* What a skipped row leaves open; NULL: nothing that is said here. */
static const char *
left_open(const struct row *row, bool short_of_crl)
{
	if (strcmp(row->id, "evidence.report_data") == 0)
		return short_of_crl ? "freshness (give --nonce)"
				    : "freshness (give --nonce or --report-data)";
	if (strcmp(row->id, "cert.nonce") == 0)
		return "freshness (give --nonce)";
	if (strcmp(row->id, "eventlog.replay") == 0)
		return "the event log that came along";
	if (strcmp(row->id, "sev.proof.known") == 0)
		return row->fix[0] != '\0' ? "which guest it is (give --launch)"
					   : "which guest it is (it brings no proof)";
	if (strcmp(row->id, "sev.launch.signer") == 0)
		return "who wrote the launch record (give --signer)";
	return NULL;
}

/* What a genuine one was not asked: whoever reads only two lines must see it. */
static void
print_not_checked(struct screen *s, const struct verdict *v)
{
	const char *product = claim_text(v->claims, "platform.product"), *open;
	int len = (int)strcspn(product, "-"); /* "Milan" of "Milan-B0" */
	char text[TEXT_SIZE] = "not checked: ";
	size_t start = strlen(text), n = start;

	if (v->genuine != ASSAY_OK)
		return;
	for (size_t i = 0; i < v->row_count; i++)
		if (strcmp(v->rows[i].id, "snp.crl") == 0 && v->rows[i].outcome == ASSAY_SKIPPED &&
		    !v->rows[i].needed)
			n += (size_t)snprintf(text + n, sizeof text - n,
			    "revocation (bring the %.*s%sCRL)", len, product, len > 0 ? " " : "");
	bool short_of_crl = n > start;
	for (size_t i = 0; i < v->row_count && n < sizeof text; i++)
		if (v->rows[i].outcome == ASSAY_SKIPPED && !v->rows[i].needed &&
		    (open = left_open(&v->rows[i], short_of_crl)) != NULL)
			n += (size_t)snprintf(
			    text + n, sizeof text - n, "%s%s", n > start ? ", " : "", open);
	if (n > start)
		screen_wrap(s, 0, 0, text);
}

/* --- what is wrong ----------------------------------------------------------------------- */

static const char *
outcome_word(enum assay_outcome outcome)
{
	switch (outcome) {
	case ASSAY_PASS:
		return "pass";
	case ASSAY_FAIL:
		return "FAIL";
	case ASSAY_WARNING:
		return "warn";
	case ASSAY_SKIPPED:
		break;
	}
	return "skip";
}

static void
print_row(struct screen *s, const struct row *row)
{
	static const enum colour colours[] = { [ASSAY_PASS] = GREEN,
		[ASSAY_FAIL] = RED,
		[ASSAY_WARNING] = YELLOW,
		[ASSAY_SKIPPED] = YELLOW };
	char text[TEXT_SIZE];

	fputs("  ", s->to);
	screen_coloured(s, colours[row->outcome], outcome_word(row->outcome));
	fputs("  ", s->to);
	snprintf(text, sizeof text, "%s: %s", row->id, row->detail);
	screen_wrap(s, BLOCK, BLOCK, text);
}

static void
print_note(struct screen *s, const char *label, const char *text)
{
	char line[TEXT_SIZE];

	if (text[0] == '\0')
		return;
	snprintf(line, sizeof line, "%s%s", label, text);
	screen_pad(s, 0, BLOCK);
	screen_wrap(s, BLOCK, BLOCK, line);
}

static void
print_explanation(struct screen *s, const struct row *row)
{
	bool expect = strncmp(row->id, "expect.", 7) == 0;
	const struct assay_check_info *info = assay_check_info_find(expect ? "expect" : row->id);

	if (info == NULL)
		return;
	print_note(s, "proves: ", assay_check_info_proves(info));
	print_note(s, "stops: ", assay_check_info_stops(info));
	print_note(s, "source: ", assay_check_info_source(info));
	if (row->fix[0] == '\0')
		print_note(s, "remedy: ", assay_check_info_remedy(info));
}

static void
print_number(struct screen *s, bool known, uint64_t n, int width)
{
	if (known)
		fprintf(s->to, "%*" PRIu64, width, n);
	else
		fprintf(s->to, "%*s", width, "-");
}

/* How much of a part's name stands in its column: a long one goes on in the next line, from its
 * parenthesis on. */
static size_t
part_width(const char *name)
{
	const char *paren = strstr(name, " (");

	if (screen_columns(name) <= PART_MAX || paren == NULL)
		return strlen(name);
	return (size_t)(paren - name);
}

static void
print_part(struct screen *s, const struct assay_shortfall *part, size_t width, bool running)
{
	size_t len = part_width(part->part);
	bool lacks = part->want > part->got;
	char name[TEXT_SIZE];

	snprintf(name, sizeof name, "%.*s", (int)len, part->part);
	screen_pad(s, 0, BLOCK);
	screen_text(s, name);
	screen_pad(s, screen_columns(name), width);
	print_number(s, true, part->got, 10);
	print_number(s, lacks, part->want, 9);
	print_number(s, lacks, part->want - part->got, 11);
	if (running)
		print_number(s, true, part->running, 10);
	fputc('\n', s->to);
	if (part->part[len] == '\0')
		return;
	screen_pad(s, 0, BLOCK + 2);
	screen_wrap(s, BLOCK + 2, BLOCK + 2, part->part + len);
}

/* The parts of the TCB that are too old. */
static void
print_shortfall(struct screen *s, const struct verdict *v)
{
	size_t count = v->claims != NULL ? assay_claims_short_count(v->claims) : 0, width = 4;
	bool running = false;

	if (count == 0)
		return;
	for (size_t i = 0; i < count; i++) {
		struct assay_shortfall part = assay_claims_short_at(v->claims, i);
		size_t n = part_width(part.part);
		width = n > width ? n : width;
		running = running || part.running != part.got;
	}
	fputc('\n', s->to);
	screen_pad(s, 0, BLOCK);
	fputs("part", s->to);
	screen_pad(s, 4, width);
	fprintf(s->to, "  reported   wanted   short by%s\n", running ? "   running" : "");
	for (size_t i = 0; i < count; i++) {
		struct assay_shortfall part = assay_claims_short_at(v->claims, i);
		print_part(s, &part, width, running);
	}
}

static bool
about_tcb(const struct row *row)
{
	return strcmp(row->id, "snp.tcb.floor") == 0 || strcmp(row->id, "dcap.tcb.status") == 0;
}

static void
print_wrong(struct screen *s, const struct verdict *v, enum assay_outcome outcome)
{
	for (size_t i = 0; i < v->row_count; i++) {
		const struct row *row = &v->rows[i];
		if (row->outcome != outcome)
			continue;
		fputc('\n', s->to);
		print_row(s, row);
		if (outcome == ASSAY_FAIL && about_tcb(row)) {
			print_shortfall(s, v);
			if (row->fix[0] != '\0' || v->explain)
				fputc('\n', s->to);
		}
		print_note(s, "", row->fix);
		if (v->explain)
			print_explanation(s, row);
	}
}

/* --- what is missing --------------------------------------------------------------------- */

/* Some of it is served to whoever asks for it. A VLEK, or the VCEK of a chip that is not named, is
 * not. */
static bool
any_fetched(const struct verdict *v)
{
	static const char *const served[] = { "TCB info", "QE identity", "PCK CRL", "root CRL",
		"PCK CA certificate", "TCB signing certificate", "AMD CRL", "ASK certificate",
		"ASVK certificate" };
	size_t i;

	for (size_t n = 0; n < assay_missing_count(v->checks); n++) {
		const char *what = assay_missing_what(v->checks, n);
		if (strcmp(what, "VCEK") == 0 &&
		    !(claim_find(v->claims, "snp.chip_id_masked", &i) &&
			assay_claims_bool(v->claims, i)))
			return true;
		for (size_t k = 0; k < sizeof served / sizeof served[0]; k++)
			if (strcmp(what, served[k]) == 0)
				return true;
	}
	return false;
}

/* "b0c06f.bundle", "Milan.bundle": by what the collateral is for. */
static void
bundle_name(char out[TEXT_SIZE], const struct verdict *v)
{
	const char *product = claim_text(v->claims, "platform.product");
	char fmspc[TEXT_SIZE];

	if (claim_show(fmspc, v->claims, "dcap.fmspc"))
		snprintf(out, TEXT_SIZE, "%.6s.bundle", fmspc); /* the part that tells CPUs apart */
	else
		snprintf(out, TEXT_SIZE, "%.24s.bundle", product[0] != '\0' ? product : v->tee);
}

static void
print_missing(struct screen *s, const struct verdict *v)
{
	char name[TEXT_SIZE];
	size_t count = v->checks != NULL ? assay_missing_count(v->checks) : 0;

	if (count == 0)
		return;
	fputs("\n  missing      which\n", s->to);
	for (size_t i = 0; i < count; i++)
		screen_row(
		    s, assay_missing_what(v->checks, i), "%s", assay_missing_which(v->checks, i));
	fputc('\n', s->to);
	/* A command to be copied is not broken, however long the name. */
	if (count == 1 && strcmp(assay_missing_what(v->checks, 0), "launch record") == 0) {
		fprintf(s->to, "  The guest's owner has it. Then:  assay %s --launch FILE ",
		    v->command);
		screen_text(s, v->path);
		fputc('\n', s->to);
		return;
	}
	if (!any_fetched(v)) {
		fprintf(s->to,
		    "  Where each is served:  man assay-verify, COLLATERAL\n"
		    "  Then:                  assay %s -c FOLDER ",
		    v->command);
		screen_text(s, v->path);
		fputc('\n', s->to);
		return;
	}
	bundle_name(name, v);
	fprintf(s->to, "  Where there is network:  assay collateral fetch -o %s ", name);
	screen_text(s, v->path);
	fprintf(s->to, "\n  Then, anywhere:          assay %s -c %s ", v->command, name);
	screen_text(s, v->path);
	fputc('\n', s->to);
}

/* --- what it is -------------------------------------------------------------------------- */

/* What the manuals call the measurement. */
static const struct {
	const char *tee, *label;
} measurements[] = {
	{ "sgx", "MRENCLAVE" },
	{ "tdx", "MRTD" },
	{ "sev", "digest" },
	{ "sev-es", "digest" },
};

static void
print_file(struct screen *s, const struct verdict *v, bool proven)
{
	char product[TEXT_SIZE], vmpl[TEXT_SIZE];

	product[0] = vmpl[0] = '\0';
	if (proven) {
		claim_show(product, v->claims, "platform.product");
		claim_show(vmpl, v->claims, "vmpl");
	}
	/* Behind a list of what came along it would look like a part of that. */
	bool listed = strstr(v->kind, " with ") != NULL || strchr(v->kind, ';') != NULL;
	const char *mark = listed ? "; " : ", ";
	screen_row(s, "file", "%s: %s%s%s%s%s", v->path, v->kind, product[0] != '\0' ? mark : "",
	    product, vmpl[0] != '\0' ? ", VMPL " : "", vmpl);
}

static void
print_tcb(struct screen *s, const struct verdict *v)
{
	const char *status = claim_text(v->claims, "tcb.status");
	char date[TEXT_SIZE], advisories[TEXT_SIZE];
	bool dated = claim_show(date, v->claims, "tcb.date");
	bool advised = claim_show(advisories, v->claims, "tcb.advisories");

	if (status[0] == '\0')
		return;
	if (strlen(date) > 10)
		date[10] = '\0'; /* levels are of a day */
	/* A TD that was moved to a newer module: what it was launched on, and what it runs on. */
	const char *launch = claim_text(v->claims, "tcb.launch_status");
	const char *current = claim_text(v->claims, "tcb.current_status");
	char both[TEXT_SIZE] = "";
	if (strcmp(launch, current) != 0)
		snprintf(both, sizeof both, " (%s at launch, %s now)", launch, current);
	screen_row(s, "TCB", "%s%s%s%s%s%s", status, both, dated ? ", level of " : "", date,
	    advised ? ", " : "",
	    !advised                    ? ""
		: advisories[0] != '\0' ? advisories
					: "no advisories");
}

static void
print_platform(struct screen *s, const struct verdict *v)
{
	char fmspc[TEXT_SIZE], module[TEXT_SIZE], svn[TEXT_SIZE];

	if (!claim_show(fmspc, v->claims, "dcap.fmspc"))
		return;
	bool known = claim_show(module, v->claims, "dcap.module") &&
	    claim_show(svn, v->claims, "dcap.module_svn");
	screen_row(s, "platform", "FMSPC %s%s%s%s%s", fmspc, known ? ", module " : "",
	    known ? module : "", known ? " SVN " : "", known ? svn : "");
}

static void
print_trust(struct screen *s, const struct verdict *v)
{
	const char *root = claim_text(v->claims, "trust.root");

	if (root[0] == '\0' && v->root == NULL)
		return;
	if (v->root != NULL) {
		screen_row(s, "trust", "your --trust-root %s", v->root);
		return;
	}
	/* "Intel SGX Root CA" names its vendor, "ARK-Milan" does not. */
	size_t vendor = strcspn(v->title, " ");
	bool named = strncmp(root, v->title, vendor) == 0;
	screen_row(s, "trust", "%.*s%s%s, built in", named ? 0 : (int)vendor, v->title,
	    named ? "" : " ", root);
}

static void
print_time(struct screen *s, const struct verdict *v)
{
	const char *what = claim_text(v->claims, "collateral.expires_what");
	char now[TIME_MAX], far[TIME_MAX] = "";
	bool past = false;
	size_t i;

	value_time_text(now, v->now);
	if (claim_find(v->claims, "collateral.expires", &i) && what[0] != '\0') {
		value_distance(far, v->now, assay_claims_time(v->claims, i));
		past = assay_claims_time(v->claims, i) < v->now;
	}
	screen_row(s, "as of", "%s%s%s%s%s%s", now, v->clock ? ", now" : "",
	    far[0] == '\0' ? ""
		: past     ? "; first expired: "
			   : "; first to expire: ",
	    far[0] != '\0' ? what : "", far[0] != '\0' ? ", " : "", far);
}

static void
print_counts(struct screen *s, const struct verdict *v)
{
	size_t n[4] = { 0 };

	for (size_t i = 0; i < v->row_count; i++)
		n[v->rows[i].outcome]++;
	screen_row(s, "checks", "%zu pass, %zu fail, %zu warn, %zu skip%s%s", n[ASSAY_PASS],
	    n[ASSAY_FAIL], n[ASSAY_WARNING], n[ASSAY_SKIPPED],
	    v->verbose ? "" : "; all of them: -v",
	    n[ASSAY_FAIL] + n[ASSAY_WARNING] > 0 && !v->explain ? "; why: --explain" : "");
}

static void
print_body(struct screen *s, const struct verdict *v)
{
	bool proven = v->genuine == ASSAY_OK;
	bool told = v->claims != NULL && (proven || v->code != ASSAY_E_INCOMPLETE);
	const char *label = "measurement";
	size_t i;

	for (size_t k = 0; k < sizeof measurements / sizeof measurements[0]; k++)
		if (strcmp(measurements[k].tee, v->tee) == 0)
			label = measurements[k].label;
	fputc('\n', s->to);
	if (told)
		print_file(s, v, proven);
	if (proven) {
		print_tcb(s, v);
		if (claim_find(v->claims, "debug", &i))
			screen_row(
			    s, "debug", "%s", assay_claims_bool(v->claims, i) ? "ON" : "off");
		if (claim_bytes(v->claims, "measurement").len > 0)
			screen_hex(s, label, claim_bytes(v->claims, "measurement"));
		if (claim_bytes(v->claims, "report_data").len > 0)
			screen_hex(s, "report data", claim_bytes(v->claims, "report_data"));
		/* A platform's certificates alone are no guest's. */
		if (claim_text(v->claims, "binding")[0] != '\0' &&
		    claim_bytes(v->claims, "measurement").len > 0)
			screen_row(s, "binding", "%s", claim_text(v->claims, "binding"));
		print_platform(s, v);
		print_trust(s, v);
	}
	if (told)
		print_time(s, v);
	print_counts(s, v);
}

void
verdict_print(struct screen *s, const struct verdict *v)
{
	print_head(s, v);
	print_not_checked(s, v);
	print_wrong(s, v, ASSAY_FAIL);
	print_wrong(s, v, ASSAY_WARNING);
	if (v->explain)
		print_wrong(s, v, ASSAY_SKIPPED);
	print_missing(s, v);
	print_body(s, v);
	if (!v->verbose)
		return;
	fputc('\n', s->to);
	for (size_t i = 0; i < v->row_count; i++)
		print_row(s, &v->rows[i]);
}

/* --- JSON -------------------------------------------------------------------------------- */

static char *
claims_json(const struct verdict *v)
{
	struct assay_error err;
	char *text = NULL;

	if (v->claims == NULL || assay_claims_json(&text, v->claims, &err) != ASSAY_OK)
		return NULL;
	return text;
}

static void
json_time(struct json *j, const char *name, const struct verdict *v, const char *claim)
{
	char text[TIME_MAX] = "";
	size_t i;

	if (claim_find(v->claims, claim, &i) && assay_schema_type(i) == ASSAY_TYPE_TIME)
		value_time_json(text, assay_claims_time(v->claims, i));
	json_text_or_null(j, name, text);
}

static void
json_tcb(struct json *j, const struct verdict *v)
{
	size_t i, count = v->claims != NULL ? assay_claims_short_count(v->claims) : 0;

	json_open(j, "tcb", '{');
	json_text_or_null(j, "status", claim_text(v->claims, "tcb.status"));
	json_time(j, "date", v, "tcb.date");
	json_open(j, "advisories", '[');
	if (claim_find(v->claims, "tcb.advisories", &i))
		for (size_t n = 0; n < assay_claims_list_count(v->claims, i); n++)
			json_text(j, NULL, assay_claims_list_at(v->claims, i, n));
	json_close(j, ']');
	json_open(j, "short", '[');
	for (size_t n = 0; n < count; n++) {
		struct assay_shortfall part = assay_claims_short_at(v->claims, n);
		json_open(j, NULL, '{');
		json_text(j, "part", part.part);
		json_uint(j, "got", part.got);
		json_uint(j, "want", part.want);
		json_uint(j, "by", part.want > part.got ? part.want - part.got : 0);
		json_uint(j, "running", part.running);
		json_close(j, '}');
	}
	json_close(j, ']');
	json_close(j, '}');
}

static void
json_checks(struct json *j, const struct verdict *v)
{
	json_open(j, "checks", '[');
	for (size_t i = 0; i < v->row_count; i++) {
		const struct row *row = &v->rows[i];
		json_open(j, NULL, '{');
		json_text(j, "id", row->id);
		json_text(j, "outcome", assay_outcome_name(row->outcome));
		json_text(j, "detail", row->detail);
		if (row->fix[0] != '\0')
			json_text(j, "fix", row->fix);
		json_close(j, '}');
	}
	json_close(j, ']');
}

static void
json_missing(struct json *j, const struct verdict *v)
{
	json_open(j, "missing", '[');
	for (size_t i = 0; v->checks != NULL && i < assay_missing_count(v->checks); i++) {
		json_open(j, NULL, '{');
		json_text(j, "what", assay_missing_what(v->checks, i));
		json_text(j, "which", assay_missing_which(v->checks, i));
		json_close(j, '}');
	}
	json_close(j, ']');
}

void
verdict_print_json(struct screen *s, const struct verdict *v)
{
	struct json j = { .to = s->to };
	char now[TIME_MAX];
	char *claims = claims_json(v);
	size_t i;

	json_open(&j, NULL, '{');
	json_text(&j, "verdict", word(v, false));
	json_text_or_null(&j, "tee", v->tee);
	if (v->genuine == ASSAY_E_INCOMPLETE)
		json_raw(&j, "genuine", "null");
	else
		json_bool(&j, "genuine", v->genuine == ASSAY_OK);
	json_open(&j, "policy", '[');
	for (size_t n = 0; n < v->policy_count; n++)
		json_text(&j, NULL, v->policies[n]);
	json_close(&j, ']');
	value_time_json(now, v->now);
	json_text_or_null(&j, "time", now);
	json_tcb(&j, v);
	if (claim_find(v->claims, "debug", &i))
		json_bool(&j, "debug", assay_claims_bool(v->claims, i));
	else
		json_raw(&j, "debug", "null");
	if (v->root != NULL)
		json_text(&j, "trust", v->root);
	else
		json_text_or_null(
		    &j, "trust", claim_find(v->claims, "trust.builtin", &i) ? "built-in" : "");
	json_checks(&j, v);
	json_missing(&j, v);
	json_raw(&j, "claims", claims != NULL ? claims : "{}");
	json_close(&j, '}');
	fputc('\n', s->to);
	free(claims);
}

void
verdict_print_claims(struct screen *s, const struct verdict *v)
{
	char *claims = claims_json(v);

	fprintf(s->to, "%s\n", claims != NULL ? claims : "{}");
	free(claims);
}
