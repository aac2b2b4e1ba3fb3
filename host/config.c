/* SPDX-License-Identifier: Apache-2.0 */
#include "options.h"

#include <stddef.h>
#include <string.h>
#include <sys/un.h>

#include "address.h"
#include "front/listen.h"
#include "front/role.h"
#include "text.h"
#include "ttrpc/aeb.h"
#include "vm.h"

enum { EXIT_USAGE = 2 };

#define AT(member) offsetof(struct broker_options, member)

static const struct setting rows[] = {
	{ "broker", "listen", "ROLE=ADDR", SETTING_LIST, false, AT(listen), AT(listen_count),
	    LISTEN_MAX, "evidence=vsock:any:5577, qgs=vsock:any:4050; repeats" },
	{ "broker", "beyond-loopback", NULL, SETTING_SWITCH, false, AT(beyond_loopback), 0, 0,
	    "qgs=tcp:IP:PORT may be no loopback address" },
	{ "broker", "control", "ADDR", SETTING_TEXT, false, AT(control), 0, 0,
	    "unix:PATH where VMs are registered (none)" },
	{ "broker", "user", "NAME", SETTING_TEXT, false, AT(user), 0, 0,
	    "of front, sev and qgs, when started as root" },
	{ "broker", "log", "FORMAT", SETTING_FORMAT, false, AT(json_log), 0, 0,
	    "text (default) or json" },
	{ "vm", "vm", "SPEC", SETTING_LIST, false, AT(vm), AT(vm_count), VM_OPTIONS_MAX,
	    "NAME,cid=N|socket=PATH,qmp=ADDR|tdx[,pid=N]; repeats" },
	{ "source", "source", "KIND:PLACE", SETTING_LIST, false, AT(source), AT(source_count),
	    SOURCES_MAX, "certificates (sev:/dev/sev); quotes: qgs:ADDR; repeats" },
	{ "source", "cek", "FILE", SETTING_LIST, false, AT(cek), AT(cek_count), CEKS_MAX,
	    "CEK as AMD signed it, one a chip; repeats" },
	{ "limits", "rate", "N", SETTING_COUNT, true, AT(rate), 0, 100000,
	    "requests a second of a VM, 0 for no limit (20)" },
	{ "limits", "burst", "N", SETTING_COUNT, true, AT(burst), 0, 100000,
	    "how many of them at once (40)" },
	{ "limits", "connections", "N", SETTING_COUNT, true, AT(connections), 0, 64,
	    "of a VM (8)" },
	{ "limits", "quotes", "N", SETTING_COUNT, true, AT(quotes), 0, 256,
	    "asked for at a time, for all VMs (8)" },
	{ "limits", "deadline", "D", SETTING_DURATION, true, AT(deadline_ms), 0, 0,
	    "from a request to its answer (10s)" },
	{ "limits", "evidence-size", "N", SETTING_COUNT, true, AT(evidence_size), 0,
	    AEB_DEVICE_SIZE, "that the size call answers: 6460, 6461 (6460)" },
};

static void
begin(void *options)
{
	struct broker_options *o = options;

	o->rate = 20;
	o->burst = 40;
	o->connections = 8;
	o->quotes = 8;
	o->deadline_ms = 10000;
	o->evidence_size = AEB_EVIDENCE_SIZE;
	o->source[0] = "sev:/dev/sev";
	o->source_count = 1;
}

const char *
options_unix_path(const char *address)
{
	struct sockaddr_un name;

	if (strncmp(address, "unix:/", 6) != 0 || strlen(address + 5) >= sizeof name.sun_path)
		return NULL;
	return address + 5;
}

const char *
options_source(const struct broker_options *o, const char *kind)
{
	for (size_t i = 0; i < o->source_count; i++)
		if (strncmp(o->source[i], kind, strlen(kind)) == 0)
			return o->source[i] + strlen(kind);
	return NULL;
}

bool
options_certificates(const struct broker_options *o)
{
	return options_source(o, "sev:") != NULL || options_source(o, "sim:") != NULL;
}

static int
refuse(const char *key, const char *value, const char *fault)
{
	log_say("%s: %.200s %s", key, value, fault);
	return EXIT_USAGE;
}

static int
judge_listening(const struct broker_options *o)
{
	for (size_t i = 0; i < o->listen_count; i++) {
		const char *fault = listen_fault(o->listen[i], o->beyond_loopback);
		if (fault != NULL)
			return refuse("listen", o->listen[i], fault);
	}
	if (o->control != NULL && options_unix_path(o->control) == NULL)
		return refuse("control", o->control,
		    "is not unix:PATH with an absolute path of at most 107 characters");
	return 0;
}

static int
judge_vms(const struct broker_options *o)
{
	struct vm_spec specs[2];
	char why[VM_WHY_ROOM];

	for (size_t i = 0; i < o->vm_count; i++) {
		if (!vm_spec_read(&specs[0], o->vm[i], why))
			return refuse("vm", o->vm[i], why);
		for (size_t j = 0; j < i; j++)
			if (vm_spec_read(&specs[1], o->vm[j], why) &&
			    vm_spec_clash(&specs[0], &specs[1], why))
				return refuse("vm", o->vm[i], why);
	}
	return 0;
}

/* NULL, or what is missing for quotes (else for evidence). */
static const char *
missing(const struct broker_options *o, bool quotes)
{
	if (quotes)
		return options_source(o, "qgs:") != NULL
		    ? NULL
		    : "needs a quoting service: --source qgs:ADDR";
	return options_certificates(o) ? NULL
				       : "needs a source of certificates: --source sev:/dev/sev";
}

static int
judge_sources(const struct broker_options *o)
{
	const char *fault;
	struct vm_spec vm;
	char why[VM_WHY_ROOM];

	for (size_t i = 0; i < o->source_count; i++) {
		bool certificates =
		    strncmp(o->source[i], "sev:/", 5) == 0 || strncmp(o->source[i], "sim:", 4) == 0;
		fault = strncmp(o->source[i], "qgs:", 4) == 0 ? address_fault(o->source[i] + 4)
		    : certificates                            ? NULL
				   : "is not sev:/dev/sev, sim:PLATFORM or qgs:ADDR";
		if (fault != NULL)
			return refuse("source", o->source[i], fault);
	}
	for (size_t i = 0; i < o->listen_count; i++)
		if ((fault = missing(o, listen_role(o->listen[i]) == ROLE_QGS)) != NULL)
			return refuse("listen", o->listen[i], fault);
	for (size_t i = 0; i < o->vm_count; i++)
		if (vm_spec_read(&vm, o->vm[i], why) && (fault = missing(o, vm.tdx)) != NULL)
			return refuse("vm", o->vm[i], fault);
	return 0;
}

static int
judge(void *options)
{
	struct broker_options *o = options;
	int rc;

	if ((rc = judge_listening(o)) != 0 || (rc = judge_vms(o)) != 0)
		return rc;
	if ((rc = judge_sources(o)) != 0)
		return rc;
	if (o->evidence_size != AEB_EVIDENCE_SIZE && o->evidence_size != AEB_DEVICE_SIZE)
		return refuse("evidence-size", "", "must be 6460 or 6461");
	if (o->connections == 0 || o->quotes == 0 || (o->rate > 0 && o->burst == 0))
		return refuse("connections, quotes, burst", "", "must be at least 1");
	if (o->deadline_ms < 100 || o->deadline_ms > 600000)
		return refuse("deadline", "", "must be from 100ms to 10m");
	return 0;
}

const struct settings_table broker_table = {
	.program = "assay-brokerd",
	.file = "/etc/assay/brokerd.conf",
	.about = "Fetches the evidence of SEV and SEV-ES guests, for each its own, and stands\n"
		 "between TDX guests and the services that make their quotes.\n\n"
		 "  assay-brokerd [options]                     the daemon\n"
		 "  assay-brokerd register --control ADDR SPEC  tells it of a VM; needs pid=N\n"
		 "  assay-brokerd unregister --control ADDR NAME\n"
		 "  assay-brokerd list --control ADDR\n"
		 "  assay-brokerd status --control ADDR         of the quoting services\n\n"
		 "ADDR of a command is unix:/run/assay/brokerd.sock if it is not given.",
	.examples = "  assay-brokerd --listen evidence=vsock:any:5577 --cek cek.cert \\\n"
		    "      --vm web,cid=7,qmp=unix:/run/qmp/web.sock,pid=1234",
	.rows = rows,
	.row_count = sizeof rows / sizeof rows[0],
	.size = sizeof(struct broker_options),
	.verbose = AT(verbose),
	.begin = begin,
	.judge = judge,
};
