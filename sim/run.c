/* SPDX-License-Identifier: Apache-2.0 */
/* assay-sim run: a program inside a platform. */
#include "run.h"
#include "platforms/spec.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct sim_option options[] = {
	{ "--tee", "T", "tdx, snp, sgx, sev or sev-es" },
	{ "--platform", "DIR", "the folder of `new`; without it one is made for this run" },
	{ "--fault", "LIST", "busy:3,slow:500ms,wrong-nonce; sev: other-vm, replay" },
	{ "--launch", "NAME", "sev: by hand; NAME_godh.b64, NAME_session.b64 of the owner" },
	{ "--qmp", "unix:PATH", "sev: QEMU's machine protocol for this VM" },
	{ "--host", NULL, "sev: the program is on the host's side, with /dev/sev" },
	{ "--no-agent", NULL, "sev: assay-agentd is not started in the guest" },
	{ "--time", "T", "when the platform made for this run is made (now)" },
	{ "-v", NULL, "say what the program is given and asks for" },
};

static int usage(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

static int
usage(const char *fmt, ...)
{
	va_list ap;

	fputs("assay-sim run: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputs("\nusage: assay-sim run --tee T [options] -- PROGRAM [ARGS]        (assay-sim run "
	      "--help)\n",
	    stderr);
	return EXIT_USAGE;
}

static int
help(void)
{
	puts("usage: assay-sim run --tee T [options] -- PROGRAM [ARGS]\n\n"
	     "Runs an unmodified program in a software platform. It finds /dev/tdx_guest or\n"
	     "/dev/sev-guest, configfs-tsm, the TDX measurement files, CCEL, vsock to the\n"
	     "quoting service, system call 0xEA01; in sev and sev-es, where an owner, a VMM\n"
	     "and the evidence broker are played too, the secret that was put in, vsock to\n"
	     "the broker, and the agent. What it leaves running ends with it.\n"
	     "It is emulation, not confinement: the program can do all that you can.\n");
	sim_print_options(options, sizeof options / sizeof options[0], 16);
	puts("  --help\n\n"
	     "  assay-sim run --tee tdx -- assay attest --list\n"
	     "  assay-sim run --tee snp --platform P -- assay attest --nonce HEX -o e.cbor\n"
	     "  assay-sim run --tee sev-es --platform P --launch vm1 --qmp unix:q -- sh\n\n"
	     "exit: the program's; 128+n signal n, 125 set-up failed, 126 not executable,\n"
	     "127 not found, 2 usage; man assay-sim");
	return EXIT_YES;
}

/* --- a platform for this run ---------------------------------------------------------------- */

static int
remove_one(const char *path, const struct stat *st, int kind, struct FTW *where)
{
	(void)st, (void)kind, (void)where;
	return remove(path);
}

/* In a process of its own, which may end in the middle and whose sentences are its own. */
static int
make_platform(const struct run_order *o, char *dir)
{
	char tee[] = "--tee", time[] = "--time", kind[16], when[64];
	char *argv[] = { tee, kind, dir, time, when, NULL };
	int status;

	snprintf(kind, sizeof kind, "%s", o->tee);
	snprintf(when, sizeof when, "%s", o->time != NULL ? o->time : "");
	pid_t child = fork();
	if (child == 0) {
		int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
		if (null < 0 || dup2(null, STDOUT_FILENO) < 0)
			_exit(EXIT_TROUBLE);
		_exit(sim_new_command(o->time != NULL ? 5 : 3, argv));
	}
	if (child < 0 || waitpid(child, &status, 0) != child || !WIFEXITED(status))
		return EXIT_TROUBLE;
	return WEXITSTATUS(status);
}

/* The folder is gone again as soon as the machine is open, and so also when this process is killed
 * later. */
static int
open_own(struct sim_machine **out, const struct run_order *o, char why[256])
{
	const char *tmp = getenv("TMPDIR");
	char dir[4096];
	int rc;

	if (snprintf(dir, sizeof dir, "%s/assay-sim-XXXXXX", tmp != NULL ? tmp : "/tmp") >=
		(int)sizeof dir ||
	    mkdtemp(dir) == NULL) {
		snprintf(why, 256, "no folder for a platform: %s; name one with --platform",
		    strerror(errno));
		return EXIT_TROUBLE;
	}
	if ((rc = make_platform(o, dir)) != EXIT_YES)
		snprintf(why, 256, "no platform was made");
	else if (sim_machine_open(out, dir, why) != 0)
		rc = EXIT_TROUBLE;
	nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	return rc;
}

/* --- the command ---------------------------------------------------------------------------- */

static int
run(struct run_order *o)
{
	struct sandbox sb = { .verbose = o->verbose };
	char why[256] = "";
	int rc = EXIT_YES;

	if (o->tee != NULL && strcmp(o->tee, "sev-snp") == 0)
		o->tee = "snp";
	if (o->tee != NULL && strcmp(o->tee, "seves") == 0)
		o->tee = "sev-es";
	if (o->tee == NULL)
		return usage("which TEE? give --tee tdx, snp, sgx, sev or sev-es");
	if (!sim_listed("tdx snp sgx sev sev-es", o->tee))
		return usage("--tee: \"%.40s\"; a program can be run in tdx, snp, sgx, sev or "
			     "sev-es",
		    o->tee);
	bool sev = strncmp(o->tee, "sev", 3) == 0;
	if (!sev && (o->launch != NULL || o->qmp != NULL || o->host || o->no_agent))
		return usage("--launch, --qmp, --host and --no-agent are for sev and sev-es");
	if (o->qmp != NULL && (strncmp(o->qmp, "unix:", 5) != 0 || o->qmp[5] == '\0'))
		return usage("--qmp: \"%.80s\"; write unix:PATH", o->qmp);
	if (o->launch != NULL && o->qmp == NULL)
		return usage("--launch: the owner comes over --qmp unix:PATH; give that too");
	if (o->program == NULL || o->program[0] == NULL)
		return usage("which program? name it behind --");
	if (o->platform != NULL && o->time != NULL)
		return usage(
		    "--time is for the platform that is made for this run; %.80s has its own",
		    o->platform);
	if (!fault_parse(&sb.faults, o->fault != NULL ? o->fault : "", why))
		return usage("--fault: %s", why);
	if (!sev && (atomic_load(&sb.faults.other_vm) != 0 || atomic_load(&sb.faults.replay) != 0))
		return usage("--fault: other-vm and replay are for sev and sev-es");
	if (o->platform == NULL)
		rc = open_own(&sb.machine, o, why);
	else if (sim_machine_open(&sb.machine, o->platform, why) != 0)
		rc = EXIT_SETUP;
	if (rc != EXIT_YES) {
		fprintf(stderr, "assay-sim run: %s\n", why);
		return rc == EXIT_USAGE ? EXIT_USAGE : EXIT_SETUP;
	}
	sb.tee = sim_machine_tee(sb.machine);
	if (strcmp(sb.tee, o->tee) != 0) {
		rc = usage(
		    "--tee %s, but %.80s is a platform of kind %s", o->tee, o->platform, sb.tee);
	} else {
		rc = sev ? run_sev(&sb, o) : sandbox_run(&sb, o->program);
	}
	sim_machine_close(sb.machine);
	return rc;
}

static const char **
place(struct run_order *o, const char *name)
{
	return strcmp(name, "--tee") == 0     ? &o->tee
	    : strcmp(name, "--platform") == 0 ? &o->platform
	    : strcmp(name, "--fault") == 0    ? &o->fault
	    : strcmp(name, "--launch") == 0   ? &o->launch
	    : strcmp(name, "--qmp") == 0      ? &o->qmp
					      : &o->time;
}

int
sim_run_command(int argc, char **argv)
{
	struct run_order o = { .tee = NULL };

	for (int i = 0; i < argc; i++) {
		const struct sim_option *option = NULL;
		size_t n = strcspn(argv[i], "=");

		if (strcmp(argv[i], "--") == 0 || argv[i][0] != '-') {
			o.program = argv + i + (argv[i][0] == '-');
			break;
		}
		if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
			return help();
		for (size_t k = 0; k < sizeof options / sizeof options[0]; k++)
			if (strlen(options[k].name) == n &&
			    memcmp(options[k].name, argv[i], n) == 0)
				option = &options[k];
		if (option == NULL)
			return usage("%.80s: no such option", argv[i]);
		if (option->value == NULL) {
			o.verbose |= strcmp(option->name, "-v") == 0;
			o.host |= strcmp(option->name, "--host") == 0;
			o.no_agent |= strcmp(option->name, "--no-agent") == 0;
			continue;
		}
		if (argv[i][n] == '\0' && i + 1 == argc)
			return usage("%s: wants %s", option->name, option->value);
		*place(&o, option->name) = argv[i][n] == '=' ? argv[i] + n + 1 : argv[++i];
	}
	return run(&o);
}
