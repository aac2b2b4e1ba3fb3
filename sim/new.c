/* SPDX-License-Identifier: Apache-2.0 */
/* assay-sim new: one platform in a folder. */
#include "command.h"
#include "platforms/platform.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

enum { IMAGE_MAX = 64 << 20 };

/* What `new` was asked for, as it was written. */
struct order {
	const char *tee, *seed, *product, *report_version, *module, *tcb, *firmware, *report_data,
	    *time, *valid;
	struct sim_words revoke, broken;
	bool debug, vlek, mask_chip_id, service_td, id_block, author_key, ext_owned;
	const char *dir;
};

static const struct sim_option options[] = {
	{ "--tee", "T", "sgx, tdx, snp, sev or sev-es" },
	{ "--seed", "N", "the same number makes the same platform (0)" },
	{ "--product", "P", "Milan, Genoa, Turin; sev also Naples (Milan)" },
	{ "--report-version", "N", "snp 2 to 5 (3); quotes: sgx 3 to 5 (3), tdx 4 or 5 (4)" },
	{ "--module", "V", "tdx: the TDX module, 1.0 or 1.5 (1.5)" },
	{ "--tcb", "SPEC", "UpToDate, OutOfDate, ...; or snp=8,microcode=115" },
	{ "--revoke", "WHAT", "pck, ca, tcb-signing (Intel), ask, asvk (snp); repeatable" },
	{ "--broken", "WHAT", "a state as it should not be; repeatable; list: all" },
	{ "--debug", NULL, "the workload can be debugged" },
	{ "--vlek", NULL, "snp: signed by a VLEK" },
	{ "--mask-chip-id", NULL, "snp: the chip id is masked" },
	{ "--id-block", NULL, "snp: launched with an ID block, id-block.bin, id-auth.bin" },
	{ "--author-key", NULL, "snp: and with an author key" },
	{ "--service-td", NULL, "tdx: a service TD is bound to the TD" },
	{ "--ext-owned", NULL, "sev: someone else than the firmware owns the OCA" },
	{ "--firmware", "FILE", "tdx, snp: measure this image, not the simulator's own" },
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
	fputs(
	    "\nusage: assay-sim new --tee T [options] DIR        (assay-sim new --help)\n", stderr);
	return EXIT_USAGE;
}

static int
help(void)
{
	puts("usage: assay-sim new --tee T [options] DIR\n\n"
	     "Makes a software platform: its trust root, collateral and evidence.\n\n"
	     "  DIR                 a new folder for platform.json, trust-root, collateral/,\n"
	     "                      evidence.bin; snp: min-tcb, the platform's own TCB;\n"
	     "                      tdx: ccel.table, ccel.log");
	sim_print_options(options, sizeof options / sizeof options[0], 19);
	puts("  --help\n\n"
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

static struct sim_bytes
read_image(struct sim *sim, const char *path)
{
	struct sim_buf b = { .sim = sim };
	FILE *f = fopen(path, "rb");
	uint8_t part[16384];
	size_t n;

	if (f == NULL)
		sim_die("%s: %s", path, strerror(errno));
	while (b.len <= IMAGE_MAX && (n = fread(part, 1, sizeof part, f)) > 0)
		sim_put(&b, part, n);
	if (ferror(f) != 0 || b.len > IMAGE_MAX)
		sim_die(
		    "%s: %s", path, b.len > IMAGE_MAX ? "is larger than 64 MiB" : strerror(errno));
	fclose(f);
	return sim_taken(&b);
}

/* --- from words to what is asked for -------------------------------------------------------- */

/* The first option that was given and that this TEE does not take; NULL if there is none. */
static const char *
misplaced(const struct order *o, const struct sim_tee *tee)
{
	const struct {
		const char *name;
		bool given;
	} asked[] = { { "--product", o->product != NULL }, { "--tcb", o->tcb != NULL },
		{ "--report-version", o->report_version != NULL }, { "--vlek", o->vlek },
		{ "--mask-chip-id", o->mask_chip_id }, { "--module", o->module != NULL },
		{ "--service-td", o->service_td }, { "--id-block", o->id_block },
		{ "--author-key", o->author_key }, { "--firmware", o->firmware != NULL },
		{ "--ext-owned", o->ext_owned } };

	for (size_t i = 0; i < sizeof asked / sizeof asked[0]; i++)
		if (asked[i].given && !sim_listed(tee->takes, asked[i].name))
			return asked[i].name;
	for (size_t i = 0; i < SIM_WORDS_MAX && o->revoke.at[i][0] != '\0'; i++)
		if (!sim_listed(tee->revokes, o->revoke.at[i]))
			return "--revoke with this value";
	return NULL;
}

static bool
take_word(char *to, size_t room, const char *from)
{
	if (from != NULL && strlen(from) >= room)
		return false;
	if (from != NULL)
		memcpy(to, from, strlen(from) + 1);
	return true;
}

/* The launch measurement of an image given. */
static int
measure(struct sim_spec *spec, struct sim *sim, const char *path)
{
	struct sim_bytes image = read_image(sim, path);
	bool tdx = strcmp(spec->tee, "tdx") == 0;

	spec->own_launch = true;
	if (sim_platform_measure(spec->launch, spec, image))
		return EXIT_YES;
	return usage("--firmware: %s has no %s", path,
	    tdx ? "TDVF descriptor; give an OVMF or td-shim image for TDX"
		: "SEV metadata; give an OVMF image for SEV-SNP");
}

static int
read_order(struct sim_spec *spec, const struct order *o, struct sim *sim)
{
	const struct sim_tee *tee = NULL;
	size_t n = 0;

	*spec = (struct sim_spec){ .valid = 30 * SIM_DAY,
		.time = (int64_t)time(NULL),
		.revoked = o->revoke,
		.broken = o->broken,
		.debug = o->debug,
		.vlek = o->vlek,
		.mask_chip_id = o->mask_chip_id,
		.service_td = o->service_td,
		.id_block = o->id_block || o->author_key,
		.author_key = o->author_key,
		.ext_owned = o->ext_owned };
	if (o->tee == NULL)
		return usage("which TEE? give --tee sgx, tdx, snp, sev or sev-es");
	const char *name = strcmp(o->tee, "sev-snp") == 0 ? "snp"
	    : strcmp(o->tee, "seves") == 0                ? "sev-es"
							  : o->tee;
	if ((tee = sim_tee_find(name)) == NULL)
		return usage("--tee: \"%s\"; write sgx, tdx, snp, sev or sev-es", o->tee);
	if (o->dir == NULL)
		return usage("where to? name a folder");
	if (misplaced(o, tee) != NULL)
		return usage("%s is not for %s", misplaced(o, tee), o->tee);
	take_word(spec->tee, sizeof spec->tee, name);
	if (!take_word(spec->product, sizeof spec->product, o->product) ||
	    !take_word(spec->module, sizeof spec->module, o->module) ||
	    !take_word(spec->tcb, sizeof spec->tcb, o->tcb))
		return usage("--product, --module or --tcb: is too long");
	if (o->seed != NULL && !read_number(o->seed, &spec->seed))
		return usage("--seed: \"%s\" is no number", o->seed);
	if (o->report_version != NULL &&
	    (!read_number(o->report_version, &spec->report_version) || spec->report_version == 0))
		return usage(
		    "--report-version: \"%s\" is no number of a version", o->report_version);
	if (o->time != NULL && !read_time(o->time, &spec->time))
		return usage(
		    "--time: \"%s\"; write 2026-11-20T09:30:00Z, 2026-11-20 or now", o->time);
	if (o->valid != NULL && !read_duration(o->valid, &spec->valid))
		return usage("--valid: \"%s\"; write 30d, 12h, 10m", o->valid);
	if (o->report_data != NULL && !read_bytes(o->report_data, spec->report_data, 64, &n))
		return usage("--report-data: want 1 to 64 bytes as hex, base64:TEXT or @FILE");
	if (n > 16 && strncmp(spec->tee, "sev", 3) == 0)
		return usage("--report-data: is %zu bytes, MNONCE has 16", n);
	return o->firmware != NULL ? measure(spec, sim, o->firmware) : EXIT_YES;
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
write_output(const char *dir, const struct sim_output *out, const struct sim_spec *spec)
{
	char *json = sim_spec_json(spec);
	char collateral[4096];

	if (snprintf(collateral, sizeof collateral, "%s/collateral", dir) >= (int)sizeof collateral)
		sim_die("%s: the name is too long", dir);
	make_folder(dir, true);
	make_folder(collateral, false);
	if (json == NULL)
		sim_die("out of memory");
	write_file(dir, "platform.json", sim_view(json, strlen(json)));
	free(json);
	write_file(dir, "trust-root", out->root);
	write_file(dir, "evidence.bin", out->evidence);
	for (size_t i = 0; i < out->file_count; i++)
		write_file(dir, out->files[i].name, out->files[i].bytes);
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
	struct sim *words = sim_scratch(), *sim = NULL;
	struct sim_platform platform;
	struct sim_output out;
	struct sim_spec spec;
	char why[256];

	int rc = read_order(&spec, o, words);
	if (rc == EXIT_YES) {
		sim = sim_new(spec.seed);
		if (!sim_platform_new(&platform, sim, &spec, why))
			rc = usage("%s", why);
	}
	if (rc == EXIT_YES) {
		sim_platform_write(&platform, &out);
		write_output(o->dir, &out, &spec);
		printf(
		    "%s: %s; its root of trust is %s/trust-root\n", o->dir, platform.title, o->dir);
	}
	sim_free(sim);
	sim_free(words);
	return rc;
}

/* What --broken knows. */
static int
list_broken(void)
{
	puts("assay-sim new --broken WHAT: what is not as it should be\n");
	for (size_t i = 0; i < sim_broken_count; i++) {
		const struct sim_broken *b = &sim_broken_states[i];
		printf("  %-18s  %s\n%20s  (%s)\n", b->name, b->text, "", b->tees);
	}
	return EXIT_YES;
}

/* --- the command line ----------------------------------------------------------------------- */

/* False: there is no room for one more. */
static bool
place(struct order *o, const char *name, const char *value)
{
	const struct {
		const char *name;
		const char **at;
	} places[] = { { "--tee", &o->tee }, { "--seed", &o->seed }, { "--product", &o->product },
		{ "--report-version", &o->report_version }, { "--module", &o->module },
		{ "--tcb", &o->tcb }, { "--firmware", &o->firmware },
		{ "--report-data", &o->report_data }, { "--time", &o->time },
		{ "--valid", &o->valid } };

	for (size_t i = 0; i < sizeof places / sizeof places[0]; i++)
		if (strcmp(places[i].name, name) == 0) {
			*places[i].at = value;
			return true;
		}
	return sim_words_add(strcmp(name, "--revoke") == 0 ? &o->revoke : &o->broken, value);
}

static void
set_flag(struct order *o, const char *name)
{
	o->debug |= strcmp(name, "--debug") == 0;
	o->vlek |= strcmp(name, "--vlek") == 0;
	o->mask_chip_id |= strcmp(name, "--mask-chip-id") == 0;
	o->ext_owned |= strcmp(name, "--ext-owned") == 0;
	o->service_td |= strcmp(name, "--service-td") == 0;
	o->id_block |= strcmp(name, "--id-block") == 0;
	o->author_key |= strcmp(name, "--author-key") == 0;
}

static const struct sim_option *
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
			return help();
		const struct sim_option *option = find_option(argv[i]);
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
		const char *value = equals != NULL ? equals + 1 : argv[i];
		if (strcmp(option->name, "--broken") == 0 && strcmp(value, "list") == 0)
			return list_broken();
		if (!place(&o, option->name, value))
			return usage("%s: \"%s\" is one too many, or no word", option->name, value);
	}
	return make(&o);
}
