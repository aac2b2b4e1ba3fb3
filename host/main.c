/* SPDX-License-Identifier: Apache-2.0 */
/* assay-brokerd: the other processes are started, then this one becomes the front. */
#include <pwd.h>
#include <stdio.h>
#include <string.h>

#include <event2/event.h>

#include "confine.h"
#include "control.h"
#include "front/front.h"
#include "qgs/quoter.h"
#include "sev/sev.h"
#include "sweeper.h"
#include "text.h"
#include "vmm/registrar.h"

enum { EXIT_DONE = 0, EXIT_USAGE = 2, EXIT_TROUBLE = 4 };

/* Inherited sockets, else those of the options. -1 after it has complained. */
static int
open_sockets(struct listening out[LISTEN_MAX], const struct broker_options *o)
{
	int count = listen_inherit(out, LISTEN_MAX, o->beyond_loopback);

	if (count > 0 && o->listen_count > 0)
		log_say("listen: not looked at: systemd has handed sockets over, and the socket "
			"unit says where; stop that unit to go by listen");
	if (count != 0)
		return count;
	for (size_t i = 0; i < o->listen_count; i++)
		if (!listen_open(&out[count++], o->listen[i]))
			return -1;
	return count;
}

/* Asked before anything is opened; when the file is read again users cannot be looked up any more. */
static bool
user_is_known(const struct broker_options *o)
{
	if (o->user == NULL || getpwnam(o->user) != NULL)
		return true;
	log_say("user: %s: there is none of this name", o->user);
	return false;
}

static int
serve(struct settings *settings)
{
	const struct broker_options *o = settings_options(settings);
	struct listening listening[LISTEN_MAX];
	struct notify notify;
	struct sweeper sweeper = { .process = { .name = "sweeper", .title = "brokerd-sweeper" } };
	struct process processes[PROCESSES] = {
		[PROCESS_VMM] = { .name = "vmm",
		    .title = "brokerd-vmm",
		    .run = registrar_run,
		    .socket_count = 1 },
		[PROCESS_SEV] = { .name = "sev",
		    .title = "brokerd-sev",
		    .run = options_certificates(o) ? sev_run : NULL,
		    .socket_count = 1 },
		[PROCESS_QGS] = { .name = "qgs",
		    .title = "brokerd-qgs",
		    .run = options_source(o, "qgs:") != NULL ? quoter_run : NULL,
		    .socket_count = 1 },
	};

	if (!user_is_known(o))
		return EXIT_USAGE;
	int code = sev_check(o, true);
	if (code != EXIT_DONE)
		return code;
	int sockets = open_sockets(listening, o);
	if (sockets < 0)
		return EXIT_TROUBLE;
	if (sockets == 0 && o->vm_count == 0 && o->control == NULL) {
		log_say("nothing to serve: give --listen evidence=vsock:any:5577 or "
			"qgs=vsock:any:4050, or --vm with a socket        (assay-brokerd --help)");
		return EXIT_USAGE;
	}
	for (int i = 0; i < sockets; i++)
		sweeper_add(&sweeper, &listening[i].name);
	if (!sweeper_start(&sweeper))
		return EXIT_TROUBLE;
	notify_open(&notify);
	for (size_t i = 0; i < PROCESSES; i++)
		if (processes[i].run != NULL && !process_start(&processes[i], o))
			return EXIT_TROUBLE; /* those that live see their sockets close */
	if (!confine_user(o->user))
		return EXIT_TROUBLE;
	code = front_run(settings, listening, (size_t)sockets, processes, &notify);
	sweeper_stop(&sweeper);
	notify_close(&notify);
	return code;
}

static int
check(const struct settings *settings)
{
	const struct broker_options *o = settings_options(settings);

	if (!user_is_known(o))
		return EXIT_USAGE;
	int code = sev_check(o, false);
	if (code != EXIT_DONE)
		return code;
	settings_print(stdout, settings);
	return fflush(stdout) == 0 && ferror(stdout) == 0 ? EXIT_DONE : EXIT_TROUBLE;
}

int
main(int argc, char **argv)
{
	struct settings *settings = NULL;

	log_program("assay-brokerd");
	if (control_is_command(argc, argv))
		return control_run(argc, argv);
	if (argc > 1 && argv[1][0] != '-')
		return settings_misused(&broker_table, argv[1],
		    "is no command; there are list, register, status and unregister");
	int code = settings_read(&settings, &broker_table, argc, argv);
	if (code != SETTINGS_GO_ON)
		return code;
	const struct broker_options *o = settings_options(settings);
	log_set(o->json_log, o->verbose);
	code = settings_check_only(settings) ? check(settings) : serve(settings);
	settings_free(settings);
	libevent_global_shutdown();
	return code;
}
