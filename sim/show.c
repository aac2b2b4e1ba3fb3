/* SPDX-License-Identifier: Apache-2.0 */
/* assay-sim show: what a platform is, by its platform.json and what follows from it. */
#include "command.h"
#include "platforms/platform.h"

#include <ctype.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { SPEC_MAX = 65536 };

static int
help(void)
{
	puts("usage: assay-sim show [--json] DIR\n\n"
	     "Says what a platform is: its identity, TCB, measurements, and what is revoked\n"
	     "or broken in it.\n\n"
	     "  DIR     a folder of assay-sim new\n"
	     "  --json  the same as one JSON object\n"
	     "  --help\n\n"
	     "  assay-sim show P\n\n"
	     "exit: 0 done, 2 usage, 4 trouble; man assay-sim");
	return EXIT_YES;
}

static int
usage(const char *about, const char *argument)
{
	fprintf(stderr,
	    "assay-sim show: %s%s\nusage: assay-sim show [--json] DIR        (assay-sim show "
	    "--help)\n",
	    argument, about);
	return EXIT_USAGE;
}

static bool
read_spec(struct sim_spec *spec, const char *dir, char why[256])
{
	static char text[SPEC_MAX];
	char path[4096];

	snprintf(path, sizeof path, "%s/platform.json", dir);
	FILE *f = fopen(path, "rb");
	if (f == NULL) {
		snprintf(
		    why, 256, "%.180s: %s; name a folder of assay-sim new", path, strerror(errno));
		return false;
	}
	size_t n = fread(text, 1, sizeof text, f);
	fclose(f);
	return sim_spec_parse(spec, text, n, why);
}

/* One fact: name, text. The same list is printed and made JSON. */
struct facts {
	json_t *json;
	bool print;
};

/* "TEE TCB SVN" is tee_tcb_svn in JSON. */
static void
put(struct facts *f, const char *name, json_t *value)
{
	char key[32];

	snprintf(key, sizeof key, "%s", name);
	for (char *c = key; *c != '\0'; c++)
		*c = *c == ' ' ? '_' : (char)tolower((unsigned char)*c);
	json_object_set_new(f->json, key, value);
}

static void
say(struct facts *f, const char *name, const char *text)
{
	if (text[0] == '\0')
		return;
	put(f, name, json_string(text));
	if (f->print)
		printf("  %-11s  %s\n", name, text);
}

static void
say_hex(struct facts *f, const char *name, const uint8_t *bytes, size_t n)
{
	char text[2 * 64 + 1] = "";

	for (size_t i = 0; i < n && i < 64; i++)
		snprintf(text + 2 * i, 3, "%02x", bytes[i]);
	put(f, name, json_string(text));
	if (!f->print)
		return;
	printf("  %-11s  %.64s\n", name, text);
	if (strlen(text) > 64)
		printf("  %-11s  %s\n", "", text + 64);
}

static void
say_time(struct facts *f, const char *name, int64_t t)
{
	time_t when = (time_t)t;
	char text[32];
	struct tm tm;

	if (gmtime_r(&when, &tm) != NULL &&
	    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &tm) > 0)
		say(f, name, text);
}

static void
say_words(struct facts *f, const char *name, const struct sim_words *words)
{
	json_t *list = json_array();

	for (size_t i = 0; i < SIM_WORDS_MAX && words->at[i][0] != '\0'; i++) {
		const struct sim_broken *broken = NULL;
		json_array_append_new(list, json_string(words->at[i]));
		for (size_t b = 0; b < sim_broken_count; b++)
			if (strcmp(sim_broken_states[b].name, words->at[i]) == 0)
				broken = &sim_broken_states[b];
		if (f->print)
			printf("  %-11s  %s%s%s\n", i == 0 ? name : "", words->at[i],
			    broken != NULL ? ": " : "", broken != NULL ? broken->text : "");
	}
	put(f, name, list);
}

static void
say_intel(struct facts *f, const struct sim_platform *p)
{
	const struct sim_pck_extension *e = &p->dcap.extension;
	char text[64];

	say_hex(f, "FMSPC", e->fmspc, 6);
	say_hex(f, "PPID", e->ppid, 16);
	say_hex(f, "components", e->components, 16);
	snprintf(text, sizeof text, "%u, QE %u", e->pce_svn, p->dcap.qe.isv_svn);
	say(f, "PCE SVN", text);
	if (!p->dcap.tdx) {
		say_hex(f, "MRENCLAVE", p->dcap.enclave.mr_enclave, 32);
		say_hex(f, "MRSIGNER", p->dcap.enclave.mr_signer, 32);
		return;
	}
	say_hex(f, "TEE TCB SVN", p->td.td.tee_tcb_svn, 16);
	if (p->td.valid == SIM_TD_VALID_15)
		say_hex(f, "runs now", p->td.td.tee_tcb_svn2, 16);
	say_hex(f, "MRTD", p->td.td.mr_td, 48);
	for (size_t i = 0; i < 4; i++) {
		snprintf(text, sizeof text, "RTMR%zu", i);
		say_hex(f, text, p->td.td.rtmr[i], 48);
	}
}

static void
say_snp(struct facts *f, const struct sim_platform *p)
{
	const struct sim_snp_tcb *t = &p->snp.tcb;
	char text[96];

	say_hex(f, "chip id", p->snp.report.chip_id, p->snp.product == SIM_TURIN ? 8 : 64);
	int n = p->snp.product == SIM_TURIN ? snprintf(text, sizeof text, "fmc=%u,", t->fmc) : 0;
	snprintf(text + n, sizeof text - (size_t)n, "bootloader=%u,tee=%u,snp=%u,microcode=%u",
	    t->bootloader, t->tee, t->snp, t->microcode);
	say(f, "TCB", text);
	say(f, "signed by", p->snp.vlek ? "VLEK" : "VCEK");
	say_hex(f, "measurement", p->snp.report.measurement, 48);
	if (p->id.id_key != NULL)
		say_hex(f, "ID key", p->snp.report.id_key_digest, 48);
}

static void
say_sev(struct facts *f, const struct sim_platform *p)
{
	const struct sim_sev *s = &p->sev;
	char text[32];

	say_hex(f, "chip id", s->id, sizeof s->id);
	snprintf(
	    text, sizeof text, "%u.%u.%u", s->version.major, s->version.minor, s->version.build);
	say(f, "firmware", text);
	say(f, "owner", s->external ? "someone else" : "itself");
	snprintf(text, sizeof text, "0x%x", (unsigned)s->report.policy);
	say(f, "policy", text);
	say_hex(f, "digest", s->report.launch_digest, 32);
}

static void
show(struct facts *f, const struct sim_platform *p)
{
	char text[32];

	say(f, "platform", p->title);
	put(f, "tee", json_string(p->spec.tee));
	snprintf(text, sizeof text, "%llu", (unsigned long long)p->spec.seed);
	say(f, "seed", text);
	say_time(f, "made", p->spec.time);
	say_time(f, "valid until", p->spec.time + p->spec.valid);
	say(f, "TCB asked", p->spec.tcb);
	if (p->dcap.sim != NULL)
		say_intel(f, p);
	else if (p->snp.sim != NULL)
		say_snp(f, p);
	else
		say_sev(f, p);
	if (p->spec.debug)
		say(f, "debug", "on");
	if (p->spec.mask_chip_id)
		say(f, "masked", "chip id");
	say_words(f, "revoked", &p->spec.revoked);
	say_words(f, "broken", &p->spec.broken);
}

int
sim_show_command(int argc, char **argv)
{
	struct sim_platform p;
	struct sim_spec spec;
	const char *dir = NULL;
	bool json = false;
	char why[256];

	for (int i = 0; i < argc; i++) {
		if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
			return help();
		if (strcmp(argv[i], "--json") == 0)
			json = true;
		else if (argv[i][0] == '-' && argv[i][1] != '\0')
			return usage(": no such option", argv[i]);
		else if (dir != NULL)
			return usage(": one folder is enough", argv[i]);
		else
			dir = argv[i];
	}
	if (dir == NULL)
		return usage("", "which platform? name its folder");
	struct facts f = { .json = json_object(), .print = !json };
	if (!read_spec(&spec, dir, why)) {
		fprintf(stderr, "assay-sim show: %s\n", why);
		json_decref(f.json);
		return EXIT_TROUBLE;
	}
	struct sim *sim = sim_new(spec.seed);
	int rc = EXIT_YES;
	if (!sim_platform_new(&p, sim, &spec, why)) {
		fprintf(stderr, "assay-sim show: %s/platform.json: %s\n", dir, why);
		rc = EXIT_TROUBLE;
	} else {
		if (!json)
			printf("%s\n\n", dir);
		show(&f, &p);
	}
	if (rc == EXIT_YES && json && json_dumpf(f.json, stdout, JSON_INDENT(2)) == 0)
		putchar('\n');
	json_decref(f.json);
	sim_free(sim);
	return rc;
}
