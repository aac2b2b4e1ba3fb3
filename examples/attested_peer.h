/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ATTESTED_PEER_H
#define ATTESTED_PEER_H

/* What the example server and client share: whom they believe, and how TLS is told. */

#include <stdbool.h>

#include <openssl/ssl.h>

#include <assay/cert.h>

/* Exit codes of both. */
enum { EXIT_ACCEPTED = 0, EXIT_REFUSED = 1, EXIT_MISUSED = 2, EXIT_FAILED = 4 };
enum { POLICIES_MAX = 8 };

struct attested {
	const char *program;
	const char *key, *cert; /* files in PEM of one's own certificate; NULL: none */
	bool mutual;            /* -m: of a server, the client has to show a certificate */
	bool choosy;            /* one of -r, -c and -p was given */
	struct assay_trust *trust;
	const struct assay_policy *policies[POLICIES_MAX]; /* all must accept */
	struct assay_policy *own[POLICIES_MAX];            /* those that were files */
	size_t policy_count, own_count;
	struct assay_cert_peer peer;
	/* Of the connection that there is; where there are several at once, each has its own. */
	bool judged;   /* whether its peer was */
	size_t checks; /* how many rows that took */
};

/* Reads -k KEY, -e CERT, -r ROOT, -c COLLATERAL, -p POLICY (of these three several) and -m; *first is set
 * to the first operand. Returns 0, else an exit code, having said why. */
int attested_read(struct attested *a, int argc, char **argv, int *first);
/* A context that has one's own certificate and judges the peer's, if judge is set. NULL: it has said
 * why not. Borrows a. */
SSL_CTX *attested_context(struct attested *a, const SSL_METHOD *method, bool judge);
/* To be called when the handshake has succeeded, which proves that the peer holds the key of the
 * certificate that was accepted: anyone can show another's. */
void attested_accepted(const struct attested *a);
void attested_clear(struct attested *a);
void
attested_say(const struct attested *a, const char *what); /* with OpenSSL's reason, if it has one */

#endif
