/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ATTESTED_PEER_H
#define ATTESTED_PEER_H

/* What the example server and client share: whom they believe, and how TLS is told. */

#include <stdbool.h>

#include <openssl/ssl.h>

#include <assay/cert.h>

/* Exit codes of both. */
enum { EXIT_ACCEPTED = 0, EXIT_REFUSED = 1, EXIT_MISUSED = 2, EXIT_FAILED = 4 };

struct attested {
	const char *program;
	const char *key, *cert; /* files in PEM of one's own certificate; NULL: none */
	bool mutual;            /* of a server: the client has to show a certificate */
	struct assay_trust *trust;
	const struct assay_policy *policy;
	struct assay_policy *own; /* the policy, if it was a file */
	struct assay_cert_peer peer;
	bool judged; /* whether a peer was */
};

/* Reads -k KEY, -e CERT, -r ROOT, -c COLLATERAL, -p POLICY and -m; *first is set to the first operand.
 * Returns 0, else an exit code, having said why. */
int attested_read(struct attested *a, int argc, char **argv, int *first);
/* A context that has one's own certificate and judges the peer's, if judge is set. NULL: it has said
 * why not. Borrows a. */
SSL_CTX *attested_context(struct attested *a, const SSL_METHOD *method, bool judge);
void attested_clear(struct attested *a);
void
attested_say(const struct attested *a, const char *what); /* with OpenSSL's reason, if it has one */

#endif
