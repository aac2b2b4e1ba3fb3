/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A TLS client that judges its server by the evidence in the server's certificate, and says nothing
 * before it has. With -k and -e it shows an attested certificate of its own.
 *
 * usage: attested_client [-r ROOT] [-c COLLATERAL] [-p POLICY] [-k KEY -e CERT] ADDRESS PORT
 *
 * -r, -c and -p may be given several times; all policies must accept ("default" if none is given).
 * Prints what the server sends. Ends with 0, 1 if the server was refused, 2 usage, 4 trouble.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "attested_peer.h"

static int
connect_to(const struct attested *a, const char *address, const char *port)
{
	const struct timeval patience = { .tv_sec = 10 };
	struct sockaddr_in at = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)strtoul(port, NULL, 10)) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd >= 0 && inet_pton(AF_INET, address, &at.sin_addr) == 1 &&
	    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) == 0 &&
	    connect(fd, (struct sockaddr *)&at, sizeof at) == 0)
		return fd;
	fprintf(stderr, "%s: no connection to %s, port %s\n", a->program, address, port);
	if (fd >= 0)
		(void)close(fd);
	return -1;
}

static int
speak(struct attested *a, SSL_CTX *ctx, int fd)
{
	SSL *ssl = SSL_new(ctx);
	char text[1024];
	int n, rc = EXIT_ACCEPTED;

	if (ssl == NULL || SSL_set_fd(ssl, fd) != 1 || SSL_connect(ssl) != 1) {
		attested_say(a, "no handshake");
		rc = a->judged ? EXIT_REFUSED : EXIT_FAILED;
	} else {
		attested_accepted(a);
		while ((n = SSL_read(ssl, text, sizeof text)) > 0) {
			(void)fwrite(text, 1, (size_t)n, stdout);
			(void)fflush(stdout);
		}
		/* TLS 1.3: a server that refuses its client says so behind the handshake. */
		if (SSL_get_error(ssl, n) != SSL_ERROR_ZERO_RETURN) {
			attested_say(a, "the server broke off");
			rc = EXIT_FAILED;
		}
		(void)SSL_shutdown(ssl);
	}
	SSL_free(ssl);
	return rc;
}

int
main(int argc, char **argv)
{
	struct attested a;
	int first, fd, rc = attested_read(&a, argc, argv, &first);
	SSL_CTX *ctx = NULL;

	if (rc == 0 && (first + 2 != argc || a.mutual || (a.key == NULL) != (a.cert == NULL))) {
		fprintf(stderr,
		    "usage: %s [-r ROOT] [-c COLLATERAL] [-p POLICY] [-k KEY -e CERT] "
		    "ADDRESS PORT\n",
		    argv[0]);
		rc = EXIT_MISUSED;
	}
	(void)signal(SIGPIPE, SIG_IGN);
	if (rc == 0) {
		rc = EXIT_FAILED;
		if ((ctx = attested_context(&a, TLS_client_method(), true)) != NULL &&
		    (fd = connect_to(&a, argv[first], argv[first + 1])) >= 0) {
			rc = speak(&a, ctx, fd);
			(void)close(fd);
		}
	}
	SSL_CTX_free(ctx);
	attested_clear(&a);
	return rc;
}
