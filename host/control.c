/* SPDX-License-Identifier: Apache-2.0 */
#include "control.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "local.h"
#include "options.h"
#include "text.h"
#include "vm.h"

enum {
	EXIT_DONE = 0,
	EXIT_REFUSED = 1,
	EXIT_USAGE = 2,
	EXIT_TROUBLE = 4,
	ANSWER_MAX = 256 * 1024,
	PATIENCE_S = 10,
};

static const char default_address[] = "unix:/run/assay/brokerd.sock";

static const struct command {
	const char *name, *operand; /* NULL: none */
	const char *nothing;        /* what an answer without lines means; NULL: there is none */
	const char *lacks;          /* said where the operand is missing */
} commands[] = {
	{ "list", NULL, "no VM is registered", NULL },
	{ "register", "SPEC", NULL,
	    "needs a SPEC, like web,cid=7,qmp=unix:/run/qmp/web.sock,pid=1234" },
	{ "status", NULL, "there is no quoting service; --source qgs:ADDR of the daemon names one",
	    NULL },
	{ "unregister", "NAME", NULL, "needs the NAME of a VM; list has them" },
};

static const struct command *
find(const char *word)
{
	for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
		if (strcmp(commands[i].name, word) == 0)
			return &commands[i];
	return NULL;
}

bool
control_is_command(int argc, char **argv)
{
	return argc > 1 && find(argv[1]) != NULL;
}

static int
connect_to(const char *address)
{
	const struct timeval patience = { .tv_sec = PATIENCE_S };
	const char *path = options_unix_path(address);
	struct sockaddr_un name = { .sun_family = AF_UNIX };

	if (path == NULL) {
		log_say("control: %.200s is not unix:PATH with an absolute path of at most 107 "
			"characters",
		    address);
		return -EXIT_USAGE;
	}
	memcpy(name.sun_path, path, strlen(path));
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, (const struct sockaddr *)&name, sizeof name) == 0 &&
	    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) == 0)
		return fd;
	log_say("%s: no broker can be reached there: %s", address, strerror(errno));
	if (fd >= 0)
		close(fd);
	return -EXIT_TROUBLE;
}

/* Nothing is said in words: on standard error, so that what reads the lines gets none. */
static int
hear(int fd, const char *address, const char *nothing)
{
	char *text = malloc(ANSWER_MAX);
	ssize_t n = text != NULL ? recv(fd, text, ANSWER_MAX - 1, 0) : -1;
	int code = EXIT_TROUBLE;

	if (n <= 0) {
		log_say("%s: no answer: %s", address,
		    n < 0 ? strerror(errno) : "who you are may not command this broker");
	} else {
		text[n] = '\0';
		code = strncmp(text, "ok", 2) == 0 ? EXIT_DONE : EXIT_REFUSED;
		if (code == EXIT_REFUSED)
			log_say("%s", strncmp(text, "error: ", 7) == 0 ? text + 7 : text);
		else if (text[2] == '\n')
			puts(text + 3);
		else if (nothing != NULL)
			log_say("%s", nothing);
	}
	free(text);
	return code;
}

static int
tell(const char *address, const char *text, int pidfd, const char *nothing)
{
	int fd = connect_to(address);

	if (fd < 0)
		return -fd;
	int code = EXIT_TROUBLE;
	if (local_send(fd, text, strlen(text), pidfd, 0) == (ssize_t)strlen(text))
		code = hear(fd, address, nothing);
	else
		log_say("%s: cannot be told: %s", address, strerror(errno));
	close(fd);
	return code;
}

/* The VMM's pidfd goes along: what ends is then this process, and not a later one of its number. */
static int
open_pid(const char *spec)
{
	struct vm_spec vm;
	char why[VM_WHY_ROOM];

	if (!vm_spec_read(&vm, spec, why)) {
		log_say("%.200s %s", spec, why);
		return -EXIT_USAGE;
	}
	if (vm.pid == 0) {
		log_say("%.200s needs pid=N, the process of its VMM", spec);
		return -EXIT_USAGE;
	}
	int fd = (int)syscall(SYS_pidfd_open, vm.pid, 0);
	if (fd < 0)
		log_say("%.200s names a process that is not there: %s", spec, strerror(errno));
	return fd < 0 ? -EXIT_REFUSED : fd;
}

/* The page is one for all: that of the daemon. */
static int
help(char *program)
{
	char word[] = "--help", *argv[] = { program, word, NULL };
	struct settings *none = NULL;

	return settings_read(&none, &broker_table, 2, argv);
}

int
control_run(int argc, char **argv)
{
	const struct command *command = find(argv[1]);
	const char *address = default_address, *operand = NULL;
	char text[VM_TEXT_ROOM];
	int pidfd = -1;

	for (int i = 2; i < argc; i++) {
		if (strcmp(argv[i], "--control") == 0 && i + 1 < argc)
			address = argv[++i];
		else if (strncmp(argv[i], "--control=", 10) == 0)
			address = argv[i] + 10;
		else if (argv[i][0] != '-' && operand == NULL && command->operand != NULL)
			operand = argv[i];
		else if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
			return help(argv[0]);
		else
			return settings_misused(&broker_table, argv[i], "is not understood here");
	}
	if (operand == NULL && command->operand != NULL)
		return settings_misused(&broker_table, command->name, command->lacks);
	if (strcmp(command->name, "register") == 0 && (pidfd = open_pid(operand)) < 0)
		return -pidfd;
	snprintf(text, sizeof text, "%s%s%s", command->name, operand != NULL ? " " : "",
	    operand != NULL ? operand : "");
	int code = tell(address, text, pidfd, command->nothing);
	if (pidfd >= 0)
		close(pidfd);
	return code;
}
