/* SPDX-License-Identifier: Apache-2.0 */
#include "sweeper.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <linux/capability.h>

#include "confine.h"

enum { EXIT_DONE = 0, EXIT_TROUBLE = 4 };

static bool
lockdown(const struct sweeper *s)
{
	static const int calls[] = { SCMP_SYS(lstat), SCMP_SYS(unlink) };
	static char rooms[SWEEPER_MAX][CONFINE_PATH_ROOM];
	struct confine_path paths[SWEEPER_MAX];
	uint32_t needed = 0;
	struct stat st;

	for (size_t i = 0; i < s->count; i++) {
		paths[i] = (struct confine_path){ confine_folder(rooms[i], s->names[i].path),
			CONFINE_REMOVE };
		if (stat(rooms[i], &st) == 0 && st.st_uid != geteuid()) /* another user's folder */
			needed = UINT32_C(1) << CAP_DAC_OVERRIDE;
	}
	if (!confine_capabilities(needed) || !confine_files(paths, s->count))
		return false;
	scmp_filter_ctx filter = confine_filter();
	return confine_load(
	    filter, filter != NULL && confine_allow(filter, calls, sizeof calls / sizeof calls[0]));
}

static int
run(const void *arg, const int *sockets, size_t count)
{
	const struct sweeper *s = arg;
	struct pollfd p = { .fd = sockets[0], .events = POLLIN };
	char byte;

	(void)count;
	signal(SIGTERM, SIG_IGN); /* it is the daemon that ends, and then we */
	if (!lockdown(s))
		return EXIT_TROUBLE;
	do {
		poll(&p, 1, -1);
	} while (recv(sockets[0], &byte, 1, 0) != 0); /* nobody says anything */
	for (size_t i = 0; i < s->count; i++)
		local_remove(&s->names[i]);
	return EXIT_DONE;
}

void
sweeper_add(struct sweeper *s, const struct local_name *name)
{
	if (name != NULL && name->path[0] != '\0' && s->count < SWEEPER_MAX)
		s->names[s->count++] = *name;
}

bool
sweeper_start(struct sweeper *s)
{
	s->process.run = run;
	s->process.socket_count = 1;
	return s->count == 0 || process_start(&s->process, s);
}

void
sweeper_stop(struct sweeper *s)
{
	if (s->process.sockets != NULL)
		process_stop(&s->process);
}
