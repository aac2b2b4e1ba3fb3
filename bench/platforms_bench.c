/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What software platforms take, beside the one signature that each answer must have: best of
 * several rounds, by the clock of the thread. Ends with 1 if a target is missed.
 */
#include "platforms/machine.h"
#include "platforms/platform.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { ROUNDS = 7, MADE = 1763700000 };

static char folder[] = "/tmp/assay-bench-XXXXXX";
static struct sim_machine *machine;
static const struct sim_key *key;
static uint8_t report[1024];
static const char *tee;

static double
now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static double
best(void (*run)(void), int times)
{
	double least = 1e18;

	for (int round = 0; round < ROUNDS; round++) {
		double before = now_us();
		for (int i = 0; i < times; i++)
			run();
		double took = (now_us() - before) / times;
		least = took < least ? took : least;
	}
	return least;
}

static void
put_file(const char *name, struct sim_bytes bytes)
{
	char path[512];

	snprintf(path, sizeof path, "%s/%s", folder, name);
	FILE *f = fopen(path, "wb");
	if (f == NULL || fwrite(bytes.ptr, 1, bytes.len, f) != bytes.len || fclose(f) != 0)
		sim_die("%s cannot be written", path);
}

/* What assay-sim new does, but for the command line. */
static void
make(void)
{
	struct sim_spec spec = { .seed = 7, .time = MADE, .valid = 30 * SIM_DAY };
	struct sim *sim = sim_new(spec.seed);
	struct sim_platform p;
	struct sim_output out;
	char why[256], name[128];

	snprintf(spec.tee, sizeof spec.tee, "%s", tee);
	if (!sim_platform_new(&p, sim, &spec, why))
		sim_die("%s", why);
	sim_platform_write(&p, &out);
	char *json = sim_spec_json(&spec);
	put_file("platform.json", sim_view(json, strlen(json)));
	free(json);
	put_file("trust-root", out.root);
	for (size_t i = 0; i < out.item_count; i++) {
		snprintf(name, sizeof name, "collateral/%s", out.items[i].name);
		put_file(name, out.items[i].bytes);
	}
	sim_free(sim);
}

static void
start(void)
{
	char why[256];

	sim_machine_close(machine);
	if (sim_machine_open(&machine, folder, why) != 0)
		sim_die("%s", why);
}

static void
sign(void)
{
	static const uint8_t message[672];
	struct sim *scratch = sim_scratch();

	sim_sign(scratch, key, key->kind == SIM_P256 ? SIM_SHA256 : SIM_SHA384,
	    sim_view(message, sizeof message));
	sim_free(scratch);
}

static void
quote(void)
{
	uint8_t data[64] = { 1 }, *made = NULL;
	size_t len = 0;

	if (sim_machine_td_report(machine, data, report) != 0 ||
	    sim_machine_td_quote(machine, report, &made, &len) != 0)
		sim_die("no quote");
	free(made);
}

static void
guest_request(void)
{
	uint8_t vmpck[32], page[4096], response[4096], request[96] = { 1 };
	struct sim_snp_message m = {
		.type = SIM_SNP_REPORT_REQ, .version = 1, .payload = sim_view(request, 96)
	};

	sim_machine_snp_vmpck(machine, 0, vmpck);
	sim_machine_snp_sequence(machine, 0, &m.sequence);
	m.sequence++;
	sim_snp_message_seal(page, &m, vmpck);
	if (sim_machine_snp_guest_request(machine, page, response) != 0)
		sim_die("no report");
}

int
main(void)
{
	static const struct {
		const char *tee, *title, *signature;
		void (*run)(void);
		enum sim_kind kind;
		int times;
	} rows[] = {
		{ "tdx", "TD report and quote", "P-256", quote, SIM_P256, 400 },
		{ "snp", "SNP guest request", "P-384", guest_request, SIM_P384, 20 },
	};
	struct sim *sim = sim_new(1);
	char path[64];
	bool missed = false;

	if (mkdtemp(folder) == NULL)
		sim_die("no folder");
	snprintf(path, sizeof path, "%s/collateral", folder);
	mkdir(path, 0700);
	printf("%-20s %9s %12s %6s %6s %8s %8s\n", "software platform", "us", "signature us",
	    "ratio", "target", "new ms", "start ms");
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		tee = rows[i].tee;
		key = sim_key(sim, rows[i].kind, "bench");
		sim_key_make_live(key);
		double made = best(make, 1) / 1e3, started = best(start, 1) / 1e3;
		double signature = best(sign, rows[i].times),
		       took = best(rows[i].run, rows[i].times);
		bool over = took > 4 * signature || made > 100 || started > 50;
		printf("%-20s %9.1f %6.1f %s %6.2f %6s %8.1f %8.1f%s\n", rows[i].title, took,
		    signature, rows[i].signature, took / signature, "4", made, started,
		    over ? "  MISSED" : "");
		missed |= over;
	}
	sim_machine_close(machine);
	sim_free(sim);
	char command[128];
	snprintf(command, sizeof command, "rm -r %s", folder);
	return system(command) != 0 || missed ? 1 : 0;
}
