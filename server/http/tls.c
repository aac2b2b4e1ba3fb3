/* SPDX-License-Identifier: Apache-2.0 */
#include "tls.h"

#include <string.h>
#include <sys/stat.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "../text.h"

/* The first error is the cause; those behind it only say who passed it on. */
static bool
failed(const char *what, const char *file)
{
	unsigned long first = ERR_peek_error();
	const char *reason = ERR_reason_error_string(first);
	struct stat st;

	if (stat(file, &st) == 0 && S_ISDIR(st.st_mode))
		reason = "is a folder";
	else if (ERR_SYSTEM_ERROR(first))
		reason = strerror(ERR_GET_REASON(first));
	else if ((ERR_GET_LIB(first) == ERR_LIB_PEM &&
		     ERR_GET_REASON(first) == PEM_R_NO_START_LINE) ||
	    ERR_GET_REASON(first) == ERR_R_UNSUPPORTED) /* of keys, from a decoder */
		reason = "it holds none";
	log_say(
	    "%s: cannot be used as %s: %s", file, what, reason != NULL ? reason : "unknown error");
	ERR_clear_error();
	return false;
}

/* Of the protocols that a client offers we speak one; who does not ask gets it as well. */
static int
choose_protocol(SSL *ssl, const unsigned char **out, unsigned char *out_len,
    const unsigned char *in, unsigned in_len, void *arg)
{
	static const unsigned char ours[] = "http/1.1";

	(void)ssl;
	(void)arg;
	for (unsigned at = 0; at < in_len && in[at] < in_len - at; at += in[at] + 1u)
		if (in[at] == sizeof ours - 1 && memcmp(in + at + 1, ours, sizeof ours - 1) == 0) {
			*out = in + at + 1;
			*out_len = in[at];
			return SSL_TLSEXT_ERR_OK;
		}
	return SSL_TLSEXT_ERR_ALERT_FATAL;
}

static bool
set_up(SSL_CTX *ctx, const char *cert, const char *key, const char *client_ca)
{
	if (SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION) != 1)
		return failed("TLS 1.3", "OpenSSL");
	if (SSL_CTX_use_certificate_chain_file(ctx, cert) != 1)
		return failed("certificate chain in PEM", cert);
	if (SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM) != 1)
		return failed("private key in PEM of that certificate", key);
	if (SSL_CTX_check_private_key(ctx) != 1)
		return failed("private key of that certificate", key);
	SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_options(ctx, SSL_OP_CLEANSE_PLAINTEXT | SSL_OP_NO_RENEGOTIATION);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_num_tickets(ctx, 0); /* a handshake is cheap beside what follows it */
	SSL_CTX_set_alpn_select_cb(ctx, choose_protocol, NULL);
	if (client_ca == NULL)
		return true;
	STACK_OF(X509_NAME) *names = SSL_load_client_CA_file(client_ca);
	if (names == NULL || SSL_CTX_load_verify_file(ctx, client_ca) != 1) {
		sk_X509_NAME_pop_free(names, X509_NAME_free);
		return failed("certificates of client-ca in PEM", client_ca);
	}
	SSL_CTX_set_client_CA_list(ctx, names);
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	return true;
}

SSL_CTX *
tls_open(const char *cert, const char *key, const char *client_ca)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());

	if (ctx != NULL && set_up(ctx, cert, key, client_ca))
		return ctx;
	SSL_CTX_free(ctx);
	return NULL;
}

/* As a handshake of now would find it. */
static bool
is_current(const SSL *ssl)
{
	const STACK_OF(X509) *chain = SSL_get0_verified_chain(ssl);

	for (int i = 0; i < sk_X509_num(chain); i++)
		if (X509_cmp_current_time(X509_get0_notAfter(sk_X509_value(chain, i))) <= 0)
			return false;
	return true;
}

bool
tls_client_key(uint8_t out[32], SSL *ssl)
{
	X509 *cert = ssl != NULL ? SSL_get0_peer_certificate(ssl) : NULL;
	unsigned char *der = NULL;
	unsigned n = 0;

	if (cert == NULL || SSL_get_verify_result(ssl) != X509_V_OK || !is_current(ssl))
		return false;
	int len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(cert), &der);
	bool ok =
	    len > 0 && EVP_Digest(der, (size_t)len, out, &n, EVP_sha256(), NULL) == 1 && n == 32;
	OPENSSL_free(der);
	return ok;
}
