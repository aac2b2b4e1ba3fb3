/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A TLS server with an attested certificate: its clients see by it what machine they speak with. With
 * -m it asks the same of them. Each client gets one line.
 *
 * usage: attested_server -k KEY -e CERT [-m [-r ROOT] [-c COLLATERAL] [-p POLICY]] PORT [COUNT]
 *
 * -r, -c and -p say which clients to believe, as for attested_client, and want -m.
 * PORT 0 takes any; the line on standard output says which. It ends after COUNT clients (never).
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "attested_peer.h"

static int
listen_on(const struct attested *a, const char *port)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		.sin_port = htons((uint16_t)strtoul(port, NULL, 10)) };
	socklen_t len = sizeof at;
	int fd = socket(AF_INET, SOCK_STREAM, 0), yes = 1;

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) != 0 ||
	    bind(fd, (struct sockaddr *)&at, len) != 0 || listen(fd, 8) != 0 ||
	    getsockname(fd, (struct sockaddr *)&at, &len) != 0) {
		perror(a->program);
		return -1;
	}
	printf("port %d\n", ntohs(at.sin_port));
	(void)fflush(stdout);
	return fd;
}

/* A client that stalls may not keep the others waiting: a real server has threads or events. */
static void
serve(struct attested *a, SSL_CTX *ctx, int fd)
{
	static const char hello[] = "hello from an attested server\n";
	const struct timeval patience = { .tv_sec = 10 };
	SSL *ssl = SSL_new(ctx);

	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
	a->judged = false;
	if (ssl == NULL || SSL_set_fd(ssl, fd) != 1 || SSL_accept(ssl) != 1) {
		attested_say(a, "no handshake");
	} else {
		attested_accepted(a);
		(void)SSL_write(ssl, hello, (int)strlen(hello));
		(void)SSL_shutdown(ssl);
		fprintf(stderr, "%s: served\n", a->program);
	}
	SSL_free(ssl);
}

int
main(int argc, char **argv)
{
	struct attested a;
	int first, rc = attested_read(&a, argc, argv, &first);
	SSL_CTX *ctx = NULL;

	if (rc == 0 && a.choosy && !a.mutual) {
		fprintf(stderr, "%s: -r, -c and -p say which clients to believe; give -m, too\n",
		    argv[0]);
		rc = EXIT_MISUSED;
	}
	if (rc == 0 && (first >= argc || a.key == NULL || a.cert == NULL)) {
		fprintf(stderr,
		    "usage: %s -k KEY -e CERT [-m [-r ROOT] [-c COLLATERAL] "
		    "[-p POLICY]] PORT [COUNT]\n",
		    argv[0]);
		rc = EXIT_MISUSED;
	}
	(void)signal(SIGPIPE, SIG_IGN);
	if (rc == 0 && (ctx = attested_context(&a, TLS_server_method(), a.mutual)) != NULL) {
		unsigned long left = first + 1 < argc ? strtoul(argv[first + 1], NULL, 10) : 0;
		int fd = listen_on(&a, argv[first]), client;
		rc = fd < 0 ? EXIT_FAILED : 0;
		while (rc == 0 && (client = accept(fd, NULL, NULL)) >= 0) {
			serve(&a, ctx, client);
			(void)close(client);
			if (left == 1)
				break;
			left -= left > 0;
		}
		if (fd >= 0)
			(void)close(fd);
	} else if (rc == 0) {
		rc = EXIT_FAILED;
	}
	SSL_CTX_free(ctx);
	attested_clear(&a);
	return rc;
}
