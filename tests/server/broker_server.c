/* SPDX-License-Identifier: Apache-2.0 */
#include "broker_server.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

enum { PATIENCE_MS = 20000, LOG_MAX = 16384 };

_Noreturn static void
die(const char *what, const char *which)
{
	(void)fprintf(stderr, "broker server: %s: %s\n", which, what);
	exit(1);
}

/* The port, once the log tells it; 0 before. */
static uint16_t
port_in(const char *log)
{
	static const char words[] = "listening on tcp:127.0.0.1:";
	char text[LOG_MAX + 1];
	FILE *f = fopen(log, "r");

	if (f == NULL)
		return 0;
	text[fread(text, 1, LOG_MAX, f)] = '\0';
	(void)fclose(f);
	const char *at = strstr(text, words);
	return at == NULL || strchr(at, '\n') == NULL
	    ? 0
	    : (uint16_t)strtoul(at + strlen(words), NULL, 10);
}

void
broker_server_start(struct broker_server *s, const char *const argv[], const char *log)
{
	posix_spawn_file_actions_t actions;
	const struct timespec millisecond = { 0, 1000000 };
	int status;

	(void)unlink(log);
	if (posix_spawn_file_actions_init(&actions) != 0 ||
	    posix_spawn_file_actions_addopen(
		&actions, 2, log, O_WRONLY | O_CREAT | O_APPEND, 0600) != 0 ||
	    posix_spawn(
		&s->pid, argv[0], &actions, NULL, (char *const *)(uintptr_t)argv, environ) != 0)
		die("cannot be started", argv[0]);
	(void)posix_spawn_file_actions_destroy(&actions);
	s->port = 0;
	for (int ms = 0; ms < PATIENCE_MS && (s->port = port_in(log)) == 0; ms++) {
		if (waitpid(s->pid, &status, WNOHANG) == s->pid)
			die("ended before it listened; its log says why", argv[0]);
		(void)nanosleep(&millisecond, NULL);
	}
	if (s->port == 0)
		die("does not say where it listens", argv[0]);
	(void)snprintf(s->url, sizeof s->url, "http://127.0.0.1:%u", s->port);
}

void
broker_server_stop(struct broker_server *s)
{
	int status;

	(void)kill(s->pid, SIGTERM);
	(void)waitpid(s->pid, &status, 0);
}

void
broker_run(const char *const argv[])
{
	posix_spawn_file_actions_t actions;
	pid_t pid;
	int status;

	if (posix_spawn_file_actions_init(&actions) != 0 ||
	    posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0) != 0 ||
	    posix_spawnp(&pid, argv[0], &actions, NULL, (char *const *)(uintptr_t)argv, environ) !=
		0 ||
	    waitpid(pid, &status, 0) != pid || status != 0)
		die("failed", argv[0]);
	(void)posix_spawn_file_actions_destroy(&actions);
}
