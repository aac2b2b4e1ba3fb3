/* SPDX-License-Identifier: Apache-2.0 */
/* What a relying party demands beyond genuineness: floors, and lists of platforms. */
#include "verify/trust.h"

#include <string.h>

enum { PLATFORMS_MAX = 1 << 20 };

void
assay_trust_set_store(struct assay_trust *trust)
{
	trust->store = true;
}

void
assay_trust_set_min_evaluation(struct assay_trust *trust, uint32_t number)
{
	trust->min_evaluation = number;
}

enum assay_code
assay_trust_set_min_crl(
    struct assay_trust *trust, const char *issuer_cn, uint64_t number, struct assay_error *err)
{
	struct crl_floor *floors =
	    assay_trust_grow(trust->crl_floors, trust->crl_floor_count, sizeof *floors);

	if (floors == NULL)
		return assay_fail_nomem(err);
	trust->crl_floors = floors;
	if (strlen(issuer_cn) >= sizeof floors->issuer_cn)
		return assay_fail(err, ASSAY_E_USAGE, "CRL floor: the issuer's name is too long");
	struct crl_floor *f = &floors[trust->crl_floor_count++];
	memcpy(f->issuer_cn, issuer_cn, strlen(issuer_cn) + 1);
	f->number = number;
	return ASSAY_OK;
}

uint64_t
assay_trust_crl_floor(const struct assay_trust *trust, struct assay_bytes issuer)
{
	uint64_t floor = 0;

	if (trust->crl_floor_count == 0)
		return 0;
	struct assay_bytes cn = assay_x509_common_name(issuer);
	for (size_t i = 0; i < trust->crl_floor_count; i++)
		if (assay_bytes_equal(cn, assay_bytes_of(trust->crl_floors[i].issuer_cn)) &&
		    trust->crl_floors[i].number > floor)
			floor = trust->crl_floors[i].number;
	return floor;
}

static bool
separator(char c)
{
	return c == ',' || c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* One PART=N of a floor; *text moves behind it. */
static enum assay_code
set_part(struct min_tcb *min, const char **text, struct assay_error *err)
{
	const struct {
		const char *name;
		bool *has;
		uint8_t *value;
	} parts[] = {
		{ "fmc", &min->has_fmc, &min->tcb.fmc },
		{ "bootloader", &min->has_bootloader, &min->tcb.bootloader },
		{ "tee", &min->has_tee, &min->tcb.tee },
		{ "snp", &min->has_snp, &min->tcb.snp },
		{ "microcode", &min->has_microcode, &min->tcb.microcode },
	};
	const char *p = *text, *end = p;

	while (*end != '\0' && !separator(*end))
		end++;
	struct assay_bytes word = { (const uint8_t *)p, (size_t)(end - p) };
	*text = end;
	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
		size_t n = strlen(parts[i].name);
		unsigned value = 0;
		if (word.len <= n || memcmp(p, parts[i].name, n) != 0 || p[n] != '=')
			continue;
		if (word.len == n + 1 || word.len > n + 4 || *parts[i].has)
			break;
		for (size_t d = n + 1; d < word.len; d++) {
			if (p[d] < '0' || p[d] > '9')
				return assay_fail(err, ASSAY_E_USAGE,
				    "%s is no number from 0 to 255", assay_quote(word).text);
			value = value * 10 + (unsigned)(p[d] - '0');
		}
		if (value > 255)
			break;
		*parts[i].has = true;
		*parts[i].value = (uint8_t)value;
		return ASSAY_OK;
	}
	return assay_fail(err, ASSAY_E_USAGE,
	    "%s: want PART=N once per part, N from 0 to 255; parts are bootloader, tee, snp, "
	    "microcode, fmc",
	    assay_quote(word).text);
}

enum assay_code
assay_trust_set_min_tcb(struct assay_trust *trust, const char *text, struct assay_error *err)
{
	struct min_tcb min = { .set = true };
	bool any = false;

	while (*text != '\0') {
		if (separator(*text)) {
			text++;
			continue;
		}
		if (*text == '#') { /* a comment in a file */
			while (*text != '\0' && *text != '\n')
				text++;
			continue;
		}
		enum assay_code rc = set_part(&min, &text, err);
		if (rc != ASSAY_OK)
			return rc;
		any = true;
	}
	if (!any)
		return assay_fail(err, ASSAY_E_USAGE, "names no part: want PART=N,...");
	trust->min_tcb = min;
	return ASSAY_OK;
}

static const struct {
	const char *name;
	enum platform_kind kind;
	size_t size, turin; /* of an id; Turin's chip ids may lack the zeros behind them */
} platform_kinds[PLATFORM_KINDS] = {
	{ "chip-id", PLATFORM_CHIP_ID, 64, 8 },
	{ "ppid", PLATFORM_PPID, 16, 16 },
	{ "platform-instance", PLATFORM_INSTANCE, 16, 16 },
	{ "cek", PLATFORM_CEK, 32, 32 },
};

const char *
assay_platform_kind_name(enum platform_kind kind)
{
	return platform_kinds[kind].name;
}

static struct assay_bytes
next_word(struct assay_bytes *line)
{
	size_t n = 0;

	*line = assay_bytes_trim(*line);
	while (n < line->len && line->ptr[n] != ' ' && line->ptr[n] != '\t')
		n++;
	struct assay_bytes word = { line->ptr, n };
	*line = (struct assay_bytes){ line->ptr + n, line->len - n };
	return word;
}

static enum assay_code
add_platform(struct assay_trust *t, struct assay_bytes line, const char *name, size_t number,
    struct assay_error *err)
{
	struct assay_bytes verb = next_word(&line), kind = next_word(&line), id = next_word(&line);
	struct platform_rule rule = { 0 };
	size_t k;

	for (k = 0; k < PLATFORM_KINDS; k++)
		if (assay_bytes_equal(kind, assay_bytes_of(platform_kinds[k].name)))
			break;
	rule.allow = assay_bytes_equal(verb, assay_bytes_of("allow"));
	if ((!rule.allow && !assay_bytes_equal(verb, assay_bytes_of("deny"))) ||
	    k == PLATFORM_KINDS || id.len == 0 || assay_bytes_trim(line).len != 0)
		return assay_fail(err, ASSAY_E_USAGE,
		    "%s: line %zu: want: allow|deny chip-id|ppid|platform-instance|cek HEX", name,
		    number);
	rule.kind = platform_kinds[k].kind;
	rule.id_len = id.len / 2;
	/* A shorter one would match no platform: a rule that denies nothing. */
	if ((rule.id_len != platform_kinds[k].size && rule.id_len != platform_kinds[k].turin) ||
	    !assay_unhex(rule.id, rule.id_len, id))
		return assay_fail(err, ASSAY_E_USAGE, "%s: line %zu: %s is not hex of %zu bytes%s",
		    name, number, assay_quote(id).text, platform_kinds[k].size,
		    rule.kind == PLATFORM_CHIP_ID ? ", of Turin 8" : "");
	if (t->platform_count == PLATFORMS_MAX)
		return assay_fail(
		    err, ASSAY_E_USAGE, "%s: more than %d rules", name, PLATFORMS_MAX);
	struct platform_rule *rules =
	    assay_trust_grow(t->platforms, t->platform_count, sizeof *rules);
	if (rules == NULL)
		return assay_fail_nomem(err);
	t->platforms = rules;
	rules[t->platform_count++] = rule;
	return ASSAY_OK;
}

static enum assay_code
add_platforms(
    struct assay_trust *trust, struct assay_bytes text, const char *name, struct assay_error *err)
{
	for (size_t number = 1; text.len > 0; number++) {
		const uint8_t *nl = memchr(text.ptr, '\n', text.len);
		size_t n = nl != NULL ? (size_t)(nl - text.ptr) : text.len;
		struct assay_bytes line = { text.ptr, n };
		const uint8_t *hash = n > 0 ? memchr(line.ptr, '#', n) : NULL;
		if (hash != NULL)
			line.len = (size_t)(hash - line.ptr);
		text = (struct assay_bytes){ text.ptr + n + (nl != NULL),
			text.len - n - (nl != NULL) };
		if (assay_bytes_trim(line).len == 0)
			continue;
		enum assay_code rc = add_platform(trust, line, name, number, err);
		if (rc != ASSAY_OK)
			return rc;
	}
	return ASSAY_OK;
}

enum assay_code
assay_trust_add_platforms(
    struct assay_trust *trust, struct assay_bytes text, const char *name, struct assay_error *err)
{
	size_t before = trust->platform_count;
	enum assay_code rc = add_platforms(trust, text, name, err);

	if (rc != ASSAY_OK)
		trust->platform_count = before;
	else if (trust->platform_count == before)
		rc = assay_fail(err, ASSAY_E_USAGE,
		    "%s: holds no rule, and so would restrict nothing; leave it out if that is "
		    "meant",
		    name);
	return rc;
}

/* An id and a rule are the same when one is the other with zeros behind: a Turin chip id has 8
 * bytes in the certificate and 64 in the report. */
static bool
same_id(const struct platform_rule *rule, struct assay_bytes id)
{
	size_t n = rule->id_len < id.len ? rule->id_len : id.len;

	return n > 0 && memcmp(rule->id, id.ptr, n) == 0 &&
	    assay_bytes_zero((struct assay_bytes){ rule->id + n, rule->id_len - n }) &&
	    assay_bytes_zero((struct assay_bytes){ id.ptr + n, id.len - n });
}

enum platform_listing
assay_trust_platform(
    const struct assay_trust *trust, enum platform_kind kind, struct assay_bytes id)
{
	enum platform_listing listing = PLATFORM_UNLISTED;

	for (size_t i = 0; i < trust->platform_count; i++) {
		const struct platform_rule *rule = &trust->platforms[i];
		if (rule->kind != kind)
			continue;
		if (id.len == 0)
			return PLATFORM_HIDDEN;
		if (!same_id(rule, id))
			continue;
		if (!rule->allow)
			return PLATFORM_DENIED;
		listing = PLATFORM_ALLOWED;
	}
	return listing;
}

bool
assay_trust_allows(const struct assay_trust *trust)
{
	for (size_t i = 0; i < trust->platform_count; i++)
		if (trust->platforms[i].allow)
			return true;
	return false;
}
