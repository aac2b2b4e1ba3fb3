/* SPDX-License-Identifier: Apache-2.0 */
#include "attested_peer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <openssl/err.h>

enum { FILE_LARGEST = 4 << 20 };

void
attested_say(const struct attested *a, const char *what)
{
	unsigned long reason = ERR_peek_last_error();

	fprintf(stderr, "%s: %s%s%s\n", a->program, what, reason != 0 ? ": " : "",
	    reason != 0 ? ERR_reason_error_string(reason) : "");
	ERR_clear_error();
}

/* --- whom to believe --------------------------------------------------------------------- */

static bool
read_file(const struct attested *a, struct assay_bytes *out, const char *path)
{
	uint8_t *bytes = malloc(FILE_LARGEST);
	FILE *f = fopen(path, "rb");
	size_t n = bytes != NULL && f != NULL ? fread(bytes, 1, FILE_LARGEST, f) : 0;
	bool ok = n > 0 && !ferror(f) && n < FILE_LARGEST;

	if (!ok) {
		fprintf(stderr, "%s: %s: cannot be read: %s\n", a->program, path,
		    errno != 0 ? strerror(errno) : "empty or too large");
		free(bytes);
	} else {
		*out = (struct assay_bytes){ bytes, n };
	}
	if (f != NULL)
		(void)fclose(f);
	return ok;
}

static enum assay_code
compile(struct attested *a, struct assay_bytes file, const char *path, struct assay_error *err)
{
	struct assay_policy **own = &a->own[a->own_count];
	enum assay_code rc = assay_policy_compile(own, file, path, NULL, err);

	if (rc == ASSAY_OK) {
		a->policies[a->policy_count++] = *own;
		a->own_count++;
	}
	return rc;
}

static bool
add_file(struct attested *a, int option, const char *path)
{
	struct assay_error err = { .text = "" };
	struct assay_bytes file;
	enum assay_code rc;

	if (!read_file(a, &file, path))
		return false;
	if (option == 'r')
		rc = assay_trust_add_root(a->trust, file, path, &err);
	else if (option == 'c')
		rc = assay_trust_add(a->trust, file, path, NULL, &err);
	else
		rc = compile(a, file, path, &err);
	free((void *)(uintptr_t)file.ptr);
	if (rc != ASSAY_OK)
		fprintf(stderr, "%s: %s: %s\n", a->program, path, err.text);
	return rc == ASSAY_OK;
}

static bool
add(struct attested *a, int option, const char *value)
{
	const struct assay_policy *builtin = option == 'p' ? assay_policy_builtin(value) : NULL;

	a->choosy = true;
	if (option == 'p' && a->policy_count == POLICIES_MAX) {
		fprintf(stderr, "%s: -p: more than %d policies\n", a->program, POLICIES_MAX);
		return false;
	}
	if (builtin == NULL)
		return add_file(a, option, value);
	a->policies[a->policy_count++] = builtin;
	return true;
}

/* --- the peer ---------------------------------------------------------------------------- */

/* Each connection is judged by the time at which it is made, not by that of the program's start. */
static int64_t
now(void *arg)
{
	(void)arg;
	return (int64_t)time(NULL);
}

static void
report(void *arg, enum assay_code verdict, const struct assay_checks *checks,
    const struct assay_claims *claims, const struct assay_error *err)
{
	struct attested *a = arg;

	(void)claims; /* what the peer is: for whoever treats accepted peers differently */
	a->judged = true;
	a->checks = assay_checks_count(checks);
	if (verdict == ASSAY_OK) /* who it is the handshake has yet to prove */
		return;
	fprintf(stderr, "%s: peer %s, %zu checks: %s\n", a->program,
	    verdict == ASSAY_E_INCOMPLETE ? "undetermined" : "refused", a->checks, err->text);
	for (size_t i = 0; i < a->checks; i++)
		if (assay_check_outcome(checks, i) == ASSAY_FAIL)
			fprintf(stderr, "%s:   FAIL %s: %s\n", a->program,
			    assay_check_id(checks, i), assay_check_detail(checks, i));
}

void
attested_accepted(const struct attested *a)
{
	if (a->judged)
		fprintf(stderr, "%s: peer accepted, %zu checks\n", a->program, a->checks);
}

/* --- options ----------------------------------------------------------------------------- */

int
attested_read(struct attested *a, int argc, char **argv, int *first)
{
	struct assay_error err;
	int option;

	*a = (struct attested){ .program = argv[0] };
	if (assay_trust_new(&a->trust, &err) != ASSAY_OK) {
		fprintf(stderr, "%s: %s\n", a->program, err.text);
		return EXIT_FAILED;
	}
	while ((option = getopt(argc, argv, "k:e:r:c:p:m")) != -1) {
		if (option == 'k')
			a->key = optarg;
		else if (option == 'e')
			a->cert = optarg;
		else if (option == 'm')
			a->mutual = true;
		else if (option == '?' || !add(a, option, optarg))
			return EXIT_MISUSED;
	}
	*first = optind;
	if (a->policy_count == 0)
		a->policies[a->policy_count++] = assay_policy_builtin("default");
	a->peer = (struct assay_cert_peer){ .how = { .trust = a->trust },
		.policies = a->policies,
		.policy_count = a->policy_count,
		.clock = now,
		.report = report,
		.arg = a };
	return 0;
}

void
attested_clear(struct attested *a)
{
	for (size_t i = 0; i < a->own_count; i++)
		assay_policy_free(a->own[i]);
	assay_trust_free(a->trust);
}

/* --- TLS --------------------------------------------------------------------------------- */

SSL_CTX *
attested_context(struct attested *a, const SSL_METHOD *method, bool judge)
{
	SSL_CTX *ctx = SSL_CTX_new(method);

	if (ctx == NULL || SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION) != 1 ||
	    (a->cert != NULL &&
		(SSL_CTX_use_certificate_file(ctx, a->cert, SSL_FILETYPE_PEM) != 1 ||
		    SSL_CTX_use_PrivateKey_file(ctx, a->key, SSL_FILETYPE_PEM) != 1))) {
		attested_say(a, "its own certificate or key is of no use");
		SSL_CTX_free(ctx);
		return NULL;
	}
	/* A resumed session has no certificate, so nobody would judge its peer, however its policy has
	 * changed since. */
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET);
	(void)SSL_CTX_set_num_tickets(ctx, 0);
	if (judge) {
		SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
		SSL_CTX_set_cert_verify_callback(ctx, assay_cert_verify_callback, &a->peer);
	}
	return ctx;
}
