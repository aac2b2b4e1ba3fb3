/* SPDX-License-Identifier: Apache-2.0 */
/* The glue to OpenSSL's TLS. It has read the peer's certificate for its own purposes; what is judged is
 * the DER, which the readers of this library read anew. */
#include <openssl/err.h>
#include <openssl/x509_vfy.h>

#include "core/checks.h"
#include "tls/cert.h"

static enum assay_code
judge_parsed(const struct assay_cert_peer *peer, struct assay_claims **claims,
    struct assay_checks *checks, const struct assay_cert *cert, struct assay_error *err)
{
	struct assay_appraisal how = peer->how;

	if (peer->clock != NULL)
		how.now = peer->clock(peer->arg);
	enum assay_code rc = assay_cert_verify(claims, checks, cert, peer->nonce, &how, err);
	for (size_t i = 0; i < peer->policy_count && *claims != NULL; i++)
		if (rc != ASSAY_E_NOMEM && rc != ASSAY_E_USAGE)
			rc = assay_policy_check(checks, peer->policies[i], *claims, err);
	return rc;
}

static enum assay_code
judge(const struct assay_cert_peer *peer, struct assay_claims **claims, struct assay_checks *checks,
    struct assay_bytes der, struct assay_error *err)
{
	struct assay_cert *cert = NULL;
	enum assay_code rc;

	if (peer->policy_count == 0)
		return assay_fail(err, ASSAY_E_USAGE, "no policy was given to judge the peer by");
	rc = assay_cert_parse(&cert, der, err);
	if (rc == ASSAY_OK) {
		rc = judge_parsed(peer, claims, checks, cert, err);
	} else if (rc != ASSAY_E_NOMEM) {
		assay_check_fail(checks, CHECK_CERT_FORMAT, rc, "%s", err->text);
		rc = assay_checks_conclude(checks, err);
	}
	assay_cert_free(cert);
	return rc;
}

int
assay_cert_verify_callback(X509_STORE_CTX *ctx, void *arg)
{
	const struct assay_cert_peer *peer = arg;
	struct assay_error err = { .text = "" };
	struct assay_checks *checks = NULL;
	struct assay_claims *claims = NULL;
	X509 *x = X509_STORE_CTX_get0_cert(ctx);
	unsigned char *der = NULL;
	int len = x != NULL ? i2d_X509(x, &der) : 0;
	enum assay_code rc = assay_checks_new(&checks, &err);

	if (rc == ASSAY_OK)
		rc = len > 0
		    ? judge(peer, &claims, checks, (struct assay_bytes){ der, (size_t)len }, &err)
		    : assay_fail_nomem(&err);
	if (peer->report != NULL && checks != NULL)
		peer->report(peer->arg, rc, checks, claims, &err);
	X509_STORE_CTX_set_error(ctx,
	    rc == ASSAY_OK            ? X509_V_OK
		: rc == ASSAY_E_NOMEM ? X509_V_ERR_OUT_OF_MEM
				      : X509_V_ERR_APPLICATION_VERIFICATION);
	OPENSSL_free(der);
	assay_claims_free(claims);
	assay_checks_free(checks);
	return rc == ASSAY_OK;
}
