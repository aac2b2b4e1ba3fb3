/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BROKER_SERVER_H
#define BROKER_SERVER_H

/* An assayd of a test's or a benchmark's own. What fails ends the program with a sentence. */

#include <stdint.h>
#include <sys/types.h>

struct broker_server {
	pid_t pid;
	uint16_t port;
	char url[64]; /* "http://127.0.0.1:43121" */
};

/* Starts it, and waits until it listens. argv has the program first, NULL last, and one listener,
 * tcp:127.0.0.1:0; what it says goes to the file log. */
void broker_server_start(struct broker_server *s, const char *const argv[], const char *log);
void broker_server_stop(struct broker_server *s);
/* Runs a program to its end; what it prints is thrown away. */
void broker_run(const char *const argv[]);

#endif
