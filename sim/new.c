/* SPDX-License-Identifier: Apache-2.0 */
/* assay-sim new: one platform in a folder. */
#include "command.h"
#include "platforms/platforms.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

enum { REVOKE_MAX = 4 };

/* What `new` was asked for. */
struct order {
	const char *tee, *seed, *product, *report_version, *tcb, *report_data, *time, *valid;
	const char *revoke[REVOKE_MAX];
	bool debug, vlek, mask_chip_id;
	const char *dir;
};

static const struct option {
	const char *name, *value, *text;
} options[] = {
	{ "--tee", "T", "sgx, tdx, snp, sev or sev-es" },
	{ "--seed", "N", "the same number makes the same platform (0)" },
	{ "--product", "P", "Milan, Genoa, Turin; sev also Naples (Milan)" },
	{ "--report-version", "N", "snp 2 to 5 (3); quotes: sgx 3 to 5 (3), tdx 4 or 5 (4)" },
	{ "--tcb", "SPEC", "UpToDate, OutOfDate, ...; snp also snp=8,microcode=115" },
	{ "--revoke", "WHAT", "pck, ca, tcb-signing (Intel), ask (snp); repeatable" },
	{ "--debug", NULL, "the workload can be debugged" },
	{ "--vlek", NULL, "snp: signed by a VLEK" },
	{ "--mask-chip-id", NULL, "snp: the chip id is masked" },
	{ "--report-data", "BYTES", "hex, base64:TEXT or @FILE; zero-padded; sev: MNONCE" },
	{ "--time", "T", "the platform is made at T (now)" },
	{ "--valid", "D", "how long its collateral is valid (30d)" },
};

static int usage(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

static int
usage(const char *fmt, ...)
{
	va_list ap;

	fputs("assay-sim new: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputs("\nusage: assay-sim new --tee T [options] DIR        (assay-sim --help)\n", stderr);
	return EXIT_USAGE;
}

int
sim_new_help(void)
{
	puts("usage: assay-sim new --tee T [options] DIR\n\n"
	     "Makes a software platform: its trust root, collateral and one piece of evidence.\n\n"
	     "  DIR                   a new folder for trust-root, collateral/, evidence.bin;\n"
	     "                        snp: min-tcb, the platform's own TCB");
	for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
		char left[32];
		snprintf(left, sizeof left, "%s %s", options[i].name,
		    options[i].value != NULL ? options[i].value : "");
		printf("  %-21s %s\n", left, options[i].text);
	}
	puts("  --help, --version\n\n"
	     "Its keys are test keys: whoever trusts them trusts everyone.\n\n"
	     "  assay-sim new --tee snp --seed 7 P\n"
	     "  assay-sim new --tee tdx --tcb OutOfDate --revoke pck Q\n"
	     "  assay verify --trust-root P/trust-root -c P/collateral P/evidence.bin\n\n"
	     "exit: 0 done, 2 usage, 4 trouble; man assay-sim");
	return EXIT_YES;
}

/* --- values --------------------------------------------------------------------------------- */

static bool
read_number(const char *text, uint64_t *out)
{
	char *end = NULL;

	errno = 0;
	*out = strtoull(text, &end, 0);
	return errno == 0 && text[0] >= '0' && text[0] <= '9' && *end == '\0';
}

static bool
read_duration(const char *text, int64_t *out)
{
	static const char units[] = "smhd";
	static const int64_t seconds[] = { 1, 60, 3600, SIM_DAY };
	char *end = NULL;
	long n = strtol(text, &end, 10);
	const char *unit = *end != '\0' ? strchr(units, *end) : NULL;

	if (end == text || n <= 0 || n > 1000000 || unit == NULL || end[1] != '\0')
		return false;
	*out = n * seconds[unit - units];
	return true;
}

/* Days before the first of a month, from the civil calendar: 1970-01-01 is day 0. */
static int64_t
days(int64_t year, int64_t month, int64_t day)
{
	year -= month <= 2;
	int64_t era = year / 400, of_era = year - era * 400;
	int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

	return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static bool
read_time(const char *text, int64_t *out)
{
	int y, mo, d, h = 0, mi = 0, s = 0, used = 0;

	if (strcmp(text, "now") == 0) {
		*out = (int64_t)time(NULL);
		return true;
	}
	if (sscanf(text, "%4d-%2d-%2d%n", &y, &mo, &d, &used) != 3 || y < 1970 || mo < 1 ||
	    mo > 12 || d < 1 || d > 31)
		return false;
	if (text[used] == 'T') {
		int more = 0;
		if (sscanf(text + used, "T%2d:%2d:%2dZ%n", &h, &mi, &s, &more) != 3 || more != 10)
			return false;
		used += more;
	}
	*out = days(y, mo, d) * SIM_DAY + h * 3600 + mi * 60 + s;
	return text[used] == '\0';
}

static int
hex_digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0'
	    : c >= 'a' && c <= 'f'  ? c - 'a' + 10
	    : c >= 'A' && c <= 'F'  ? c - 'A' + 10
				    : -1;
}

static bool
read_hex(const char *text, uint8_t *out, size_t room, size_t *n)
{
	if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X'))
		text += 2;
	for (*n = 0; *text != '\0'; text += text[0] == ':' ? 1 : 0) {
		if (hex_digit(text[0]) < 0 || hex_digit(text[1]) < 0 || *n == room)
			return false;
		out[(*n)++] = (uint8_t)(hex_digit(text[0]) << 4 | hex_digit(text[1]));
		text += 2;
	}
	return *n > 0;
}

static bool
read_base64(const char *text, uint8_t *out, size_t room, size_t *n)
{
	uint8_t padded[128], decoded[96];
	size_t len = strcspn(text, "="), whole = (len + 3) / 4 * 4;

	if (len == 0 || whole > sizeof padded)
		return false;
	for (size_t i = 0; i < whole; i++)
		padded[i] = (uint8_t)(i >= len ? '='
			: text[i] == '-'       ? '+'
			: text[i] == '_'       ? '/'
					       : text[i]);
	int got = EVP_DecodeBlock(decoded, padded, (int)whole);
	*n = got < 0 ? 0 : (size_t)got - (whole - len);
	if (got < 0 || *n > room)
		return false;
	memcpy(out, decoded, *n);
	return true;
}

static bool
read_bytes(const char *text, uint8_t *out, size_t room, size_t *n)
{
	if (strncmp(text, "base64:", 7) == 0)
		return read_base64(text + 7, out, room, n);
	if (text[0] != '@')
		return read_hex(text, out, room, n);
	FILE *f = fopen(text + 1, "rb");
	if (f == NULL)
		sim_die("%s: %s", text + 1, strerror(errno));
	*n = fread(out, 1, room, f);
	bool all = fgetc(f) == EOF && ferror(f) == 0;
	fclose(f);
	return all && *n > 0;
}

/* --- making --------------------------------------------------------------------------------- */

struct values {
	int64_t now, valid;
	uint64_t seed, version;
	uint8_t report_data[64];
	size_t report_data_len;
};

static bool
revokes(const struct order *o, const char *what)
{
	for (size_t i = 0; i < REVOKE_MAX && o->revoke[i] != NULL; i++)
		if (strcmp(o->revoke[i], what) == 0)
			return true;
	return false;
}

static void
revoke(struct sim_crl *crl, const struct sim_cert *cert)
{
	crl->revoked[crl->revoked_count++] = cert->serial;
}

static int
make_dcap(const struct order *o, const struct values *v, struct sim *sim, struct sim_output *out,
    char title[128])
{
	static const char *const statuses[] = { "UpToDate", "SWHardeningNeeded",
		"ConfigurationNeeded", "ConfigurationAndSWHardeningNeeded", "OutOfDate",
		"OutOfDateConfigurationNeeded", "Revoked" };
	bool tdx = strcmp(o->tee, "tdx") == 0;
	uint64_t version = v->version != 0 ? v->version : tdx ? 4 : 3;
	struct sim_dcap p;
	size_t s = 0;

	if (version < (tdx ? 4 : 3) || version > 5)
		return usage(
		    "--report-version: %s quotes have %s", o->tee, tdx ? "4 or 5" : "3, 4 or 5");
	while (o->tcb != NULL && s < sizeof statuses / sizeof statuses[0] &&
	    strcmp(statuses[s], o->tcb) != 0)
		s++;
	if (s == sizeof statuses / sizeof statuses[0])
		return usage("--tcb: \"%s\" is no status; write UpToDate, OutOfDate, ...", o->tcb);
	sim_dcap_new(&p, sim, tdx, (uint16_t)version,
	    (uint16_t)(version < 5 ? 0
		    : tdx          ? 3
				   : 1),
	    true, v->now, v->valid);
	if (o->tcb != NULL)
		sim_dcap_set_status(&p, o->tcb);
	if (revokes(o, "pck"))
		revoke(&p.pck_crl, &p.pck);
	if (revokes(o, "ca"))
		revoke(&p.root_crl, &p.pck_ca);
	if (revokes(o, "tcb-signing"))
		revoke(&p.root_crl, &p.tcb_signing);
	if (o->debug) {
		p.enclave.attributes |= 2;
		p.td.td_attributes |= 1;
	}
	memcpy(p.enclave.report_data, v->report_data, 64);
	memcpy(p.td.report_data, v->report_data, 64);
	sim_dcap_write(&p, out);
	snprintf(title, 128, "Intel %s platform, FMSPC 5ac06f000000, quote v%d",
	    tdx ? "TDX" : "SGX", (int)version);
	return EXIT_YES;
}

/* "snp=8,microcode=115" */
static bool
read_tcb(struct sim_snp_tcb *tcb, const char *spec)
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
	if (spec == NULL || strcmp(spec, "UpToDate") == 0)
		return true;
	if (strcmp(spec, "OutOfDate") == 0)
		spec = "snp=8,microcode=40";
	if (!read_tcb(&p->tcb, spec))
		return false;
	uint64_t raw = sim_snp_tcb_raw(p->product, p->tcb);
	p->report.current_tcb = p->report.committed_tcb = raw;
	p->report.reported_tcb = p->report.launch_tcb = raw;
	p->extension.tcb = p->tcb;
	return true;
}

static int
make_snp(const struct order *o, const struct values *v, struct sim *sim, struct sim_output *out,
    char title[128])
{
	uint64_t version = v->version != 0 ? v->version : 3;
	enum sim_product product = SIM_MILAN;
	struct sim_snp p;

	while (o->product != NULL && strcmp(sim_product_name(product), o->product) != 0)
		if (product++ == SIM_TURIN)
			return usage("--product: \"%s\"; write Milan, Genoa or Turin", o->product);
	if (version < 2 || version > 5 || (version == 2 && product == SIM_TURIN))
		return usage("--report-version: snp has 2 to 5, Turin 3 to 5");
	sim_snp_new(&p, sim, product, (uint32_t)version, o->vlek, v->now, v->valid);
	if (!set_snp_tcb(&p, o->tcb))
		return usage(
		    "--tcb: \"%s\"; write UpToDate, OutOfDate or snp=8,microcode=115", o->tcb);
	if (revokes(o, "ask"))
		revoke(&p.crl, &p.ask);
	if (o->debug)
		p.report.policy |= 1U << 19;
	if (o->mask_chip_id)
		memset(p.report.chip_id, 0, sizeof p.report.chip_id);
	memcpy(p.report.report_data, v->report_data, 64);
	sim_snp_write(&p, out);
	snprintf(title, 128, "AMD SEV-SNP platform, %s, report v%d", sim_product_name(product),
	    (int)version);
	return EXIT_YES;
}

static int
make_sev(const struct order *o, const struct values *v, struct sim *sim, struct sim_output *out,
    char title[128])
{
	static const char *const products[] = { "Naples", "Milan", "Genoa", "Turin" };
	const char *product = o->product != NULL ? o->product : "Milan";
	bool es = strcmp(o->tee, "sev") != 0;
	struct sim_sev p;
	size_t i = 0;

	while (i < 4 && strcmp(products[i], product) != 0)
		i++;
	if (i == 4)
		return usage("--product: \"%s\"; write Naples, Milan, Genoa or Turin", product);
	if (v->report_data_len > 16)
		return usage("--report-data: is %zu bytes, MNONCE has 16", v->report_data_len);
	sim_sev_new(&p, sim, product, es);
	if (o->debug)
		p.report.policy &= ~1U;
	if (o->report_data != NULL)
		memcpy(p.report.mnonce, v->report_data, 16);
	sim_sev_write(&p, out);
	snprintf(title, 128, "AMD SEV%s platform, %s", es ? "-ES" : "", product);
	return EXIT_YES;
}

static const struct tee {
	const char *name;
	int (*make)(const struct order *o, const struct values *v, struct sim *sim,
	    struct sim_output *out, char title[128]);
	const char *takes; /* the options that not every TEE takes */
} tees[] = {
	{ "sgx", make_dcap,
	    "--report-version --tcb --revoke:pck --revoke:ca --revoke:tcb-signing" },
	{ "tdx", make_dcap,
	    "--report-version --tcb --revoke:pck --revoke:ca --revoke:tcb-signing" },
	{ "snp", make_snp, "--report-version --tcb --revoke:ask --product --vlek --mask-chip-id" },
	{ "sev", make_sev, "--product" },
	{ "sev-es", make_sev, "--product" },
	{ "sev-snp", make_snp,
	    "--report-version --tcb --revoke:ask --product --vlek --mask-chip-id" },
	{ "seves", make_sev, "--product" },
};

/* The first option that was given and that this TEE does not take; NULL if there is none. */
static const char *
misplaced(const struct order *o, const struct tee *tee, char text[64])
{
	const struct {
		const char *name;
		bool given;
	} asked[] = { { "--product", o->product != NULL }, { "--tcb", o->tcb != NULL },
		{ "--report-version", o->report_version != NULL }, { "--vlek", o->vlek },
		{ "--mask-chip-id", o->mask_chip_id } };

	for (size_t i = 0; i < sizeof asked / sizeof asked[0]; i++)
		if (asked[i].given && strstr(tee->takes, asked[i].name) == NULL)
			return asked[i].name;
	for (size_t i = 0; i < REVOKE_MAX && o->revoke[i] != NULL; i++) {
		snprintf(text, 64, "--revoke:%s", o->revoke[i]);
		if (strstr(tee->takes, text) == NULL)
			return strcpy(text, "--revoke with this value");
	}
	return NULL;
}

/* --- writing -------------------------------------------------------------------------------- */

static void
write_file(const char *dir, const char *name, struct sim_bytes bytes)
{
	char path[4096];

	if (snprintf(path, sizeof path, "%s/%s", dir, name) >= (int)sizeof path)
		sim_die("%s: the name is too long", dir);
	FILE *f = fopen(path, "wb");
	if (f == NULL)
		sim_die("%s: %s", path, strerror(errno));
	bool ok = fwrite(bytes.ptr, 1, bytes.len, f) == bytes.len;
	if (fclose(f) != 0 || !ok)
		sim_die("%s: %s", path, strerror(errno));
}

static void
make_folder(const char *path, bool may_exist)
{
	if (mkdir(path, 0777) != 0 && !(may_exist && errno == EEXIST))
		sim_die("%s: %s; name a new folder", path, strerror(errno));
}

static void
write_output(const char *dir, const struct sim_output *out)
{
	char collateral[4096];

	if (snprintf(collateral, sizeof collateral, "%s/collateral", dir) >= (int)sizeof collateral)
		sim_die("%s: the name is too long", dir);
	make_folder(dir, true);
	make_folder(collateral, false);
	write_file(dir, "trust-root", out->root);
	write_file(dir, "evidence.bin", out->evidence);
	for (size_t i = 0; i < out->item_count; i++)
		write_file(collateral, out->items[i].name, out->items[i].bytes);
	if (out->min_tcb[0] != '\0') {
		char text[sizeof out->min_tcb + 1];
		int n = snprintf(text, sizeof text, "%s\n", out->min_tcb);
		write_file(dir, "min-tcb", (struct sim_bytes){ (uint8_t *)text, (size_t)n });
	}
}

static int
make(const struct order *o)
{
	struct values v = { .valid = 30 * SIM_DAY, .now = (int64_t)time(NULL) };
	const struct tee *tee = NULL;
	char title[128], text[64];
	struct sim_output out;

	for (size_t i = 0; i < sizeof tees / sizeof tees[0] && o->tee != NULL; i++)
		if (strcmp(tees[i].name, o->tee) == 0)
			tee = &tees[i];
	if (o->tee == NULL)
		return usage("which TEE? give --tee sgx, tdx, snp, sev or sev-es");
	if (tee == NULL)
		return usage("--tee: \"%s\"; write sgx, tdx, snp, sev or sev-es", o->tee);
	if (o->dir == NULL)
		return usage("where to? name a folder");
	if (misplaced(o, tee, text) != NULL)
		return usage("%s is not for %s", misplaced(o, tee, text), tee->name);
	if (o->seed != NULL && !read_number(o->seed, &v.seed))
		return usage("--seed: \"%s\" is no number", o->seed);
	if (o->report_version != NULL && !read_number(o->report_version, &v.version))
		return usage("--report-version: \"%s\" is no number", o->report_version);
	if (o->time != NULL && !read_time(o->time, &v.now))
		return usage(
		    "--time: \"%s\"; write 2026-11-20T09:30:00Z, 2026-11-20 or now", o->time);
	if (o->valid != NULL && !read_duration(o->valid, &v.valid))
		return usage("--valid: \"%s\"; write 30d, 12h, 10m", o->valid);
	if (o->report_data != NULL &&
	    !read_bytes(o->report_data, v.report_data, 64, &v.report_data_len))
		return usage("--report-data: want 1 to 64 bytes as hex, base64:TEXT or @FILE");

	struct sim *sim = sim_new(v.seed);
	int rc = tee->make(o, &v, sim, &out, title);
	if (rc == EXIT_YES) {
		write_output(o->dir, &out);
		printf("%s: %s; its root of trust is %s/trust-root\n", o->dir, title, o->dir);
	}
	sim_free(sim);
	return rc;
}

/* --- the command line ----------------------------------------------------------------------- */

static const char **
place(struct order *o, const char *name)
{
	size_t r = 0;
	const struct {
		const char *name;
		const char **at;
	} places[] = { { "--tee", &o->tee }, { "--seed", &o->seed }, { "--product", &o->product },
		{ "--report-version", &o->report_version }, { "--tcb", &o->tcb },
		{ "--report-data", &o->report_data }, { "--time", &o->time },
		{ "--valid", &o->valid } };

	for (size_t i = 0; i < sizeof places / sizeof places[0]; i++)
		if (strcmp(places[i].name, name) == 0)
			return places[i].at;
	while (r < REVOKE_MAX - 1 && o->revoke[r] != NULL)
		r++;
	return &o->revoke[r];
}

static void
set_flag(struct order *o, const char *name)
{
	o->debug |= strcmp(name, "--debug") == 0;
	o->vlek |= strcmp(name, "--vlek") == 0;
	o->mask_chip_id |= strcmp(name, "--mask-chip-id") == 0;
}

static const struct option *
find_option(const char *arg)
{
	size_t n = strcspn(arg, "=");

	for (size_t i = 0; i < sizeof options / sizeof options[0]; i++)
		if (strlen(options[i].name) == n && memcmp(options[i].name, arg, n) == 0)
			return &options[i];
	return NULL;
}

int
sim_new_command(int argc, char **argv)
{
	struct order o = { .tee = NULL };
	bool operands = false;

	for (int i = 0; i < argc; i++) {
		const char *equals = strchr(argv[i], '=');
		if (!operands && strcmp(argv[i], "--") == 0) {
			operands = true;
			continue;
		}
		if (operands || argv[i][0] != '-' || argv[i][1] == '\0') {
			if (o.dir != NULL)
				return usage("\"%s\": one folder is enough", argv[i]);
			o.dir = argv[i];
			continue;
		}
		if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
			return sim_new_help();
		const struct option *option = find_option(argv[i]);
		if (option == NULL)
			return usage("%s: no such option", argv[i]);
		if (option->value == NULL && equals != NULL)
			return usage("%s takes no value", option->name);
		if (option->value == NULL) {
			set_flag(&o, option->name);
			continue;
		}
		if (equals == NULL && ++i == argc)
			return usage("%s: wants %s", option->name, option->value);
		*place(&o, option->name) = equals != NULL ? equals + 1 : argv[i];
	}
	return make(&o);
}
