/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAYD_TLS_H
#define ASSAYD_TLS_H

/* TLS 1.3 from PEM files; nothing older. */

#include <stdbool.h>
#include <stdint.h>

#include <openssl/ssl.h>

/* cert: the server's certificate and those between it and its root. client_ca: NULL, or the roots of the
 * operators' certificates, which are then asked for but not demanded. NULL after it has said why. */
SSL_CTX *tls_open(const char *cert, const char *key, const char *client_ca);
/* SHA-256 of the SPKI of the certificate that the client showed, that was verified, and whose chain has not
 * expired since; false: none. */
bool tls_client_key(uint8_t out[32], SSL *ssl);

#endif
