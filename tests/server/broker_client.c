/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "broker_client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>

#include <assay/bundle.h>

#include "platforms/machine.h"
#include "platforms/snp_firmware.h"

enum {
	SNP_REPORT_AT = 32, /* behind status, size and what is reserved: MSG_REPORT_RSP */
	SNP_REPORT_SIZE = 1184,
};

_Noreturn static void die(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

_Noreturn static void
die(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)fputs("broker client: ", stderr);
	(void)vfprintf(stderr, fmt, ap);
	(void)fputc('\n', stderr);
	va_end(ap);
	exit(1);
}

/* --- evidence ---------------------------------------------------------------------------- */

void
broker_machine_open(struct broker_machine *m, const char *dir)
{
	char why[256];

	*m = (struct broker_machine){ .tee = "" };
	if (sim_machine_open(&m->sim, dir, why) != 0)
		die("%s", why);
	m->tee = sim_machine_tee(m->sim);
	if (strcmp(m->tee, "snp") == 0 &&
	    sim_machine_snp_certs(m->sim, &m->certs, &m->certs_len) != 0)
		die("no certificates");
}

void
broker_machine_close(struct broker_machine *m)
{
	sim_machine_close(m->sim);
	free(m->certs);
}

/* One guest has one sequence of messages: requests stand in line. */
static void
snp_report(uint8_t out[SIM_SNP_PAGE], struct sim_machine *m, const uint8_t data[64])
{
	static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;
	uint8_t vmpck[32], page[SIM_SNP_PAGE], response[SIM_SNP_PAGE], ask_for[96] = { 0 };
	struct sim_snp_message message = { .type = SIM_SNP_REPORT_REQ,
		.version = 1,
		.payload = sim_view(ask_for, sizeof ask_for) };

	memcpy(ask_for, data, 64);
	(void)pthread_mutex_lock(&turn);
	sim_machine_snp_vmpck(m, 0, vmpck);
	sim_machine_snp_sequence(m, 0, &message.sequence);
	message.sequence++;
	sim_snp_message_seal(page, &message, vmpck);
	if (sim_machine_snp_guest_request(m, page, response) != 0 ||
	    !sim_snp_message_open(out, response, vmpck))
		die("no report");
	(void)pthread_mutex_unlock(&turn);
}

char *
broker_evidence(const struct broker_machine *m, const uint8_t data[64])
{
	uint8_t report[SIM_SNP_PAGE], *quote = NULL;
	size_t len = 0;
	struct assay_error err;
	struct assay_bytes in, none = { NULL, 0 };
	char *json;

	if (m->certs != NULL) {
		snp_report(report, m->sim, data);
		in = (struct assay_bytes){ report + SNP_REPORT_AT, SNP_REPORT_SIZE };
	} else {
		if (sim_machine_td_report(m->sim, data, report) != 0 ||
		    sim_machine_td_quote(m->sim, report, &quote, &len) != 0)
			die("no quote");
		in = (struct assay_bytes){ quote, len };
	}
	if (assay_coco_write(
		&json, in, (struct assay_bytes){ m->certs, m->certs_len }, none, &err) != ASSAY_OK)
		die("%s", err.text);
	free(quote);
	return json;
}

/* --- a connection ------------------------------------------------------------------------ */

static void
base64url(char *out, const uint8_t *in, size_t n)
{
	char text[96];
	int len = EVP_EncodeBlock((unsigned char *)text, in, (int)n);

	for (int i = 0; i < len; i++)
		out[i] = text[i] == '+' ? '-'
		    : text[i] == '/'    ? '_'
		    : text[i] == '='    ? '\0'
					: text[i];
	out[len] = '\0';
}

void
broker_key(char jwk[256])
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	uint8_t point[65];
	size_t len;
	char x[64], y[64];

	if (EVP_PKEY_get_octet_string_param(
		key, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof point, &len) != 1)
		die("no key");
	base64url(x, point + 1, 32);
	base64url(y, point + 33, 32);
	(void)snprintf(jwk, 256,
	    "{\"alg\":\"ECDH-ES+A256KW\",\"crv\":\"P-256\",\"kty\":\"EC\",\"x\":\"%s\",\"y\":\"%"
	    "s\"}",
	    x, y);
	EVP_PKEY_free(key);
}

void
broker_connect(struct broker_client *c, uint16_t port)
{
	int on = 1;

	*c = (struct broker_client){
		.at = { .sin_family = AF_INET,
		    .sin_port = htons(port),
		    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) },
		.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0),
		.request = malloc(BROKER_REQUEST),
		.answer = malloc(BROKER_ANSWER),
		.body = "",
	};
	if (c->request == NULL || c->answer == NULL)
		die("no memory");
	if (c->fd < 0 || connect(c->fd, (const struct sockaddr *)&c->at, sizeof c->at) != 0)
		die("cannot connect to port %u: %s", port, strerror(errno));
	(void)setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	broker_key(c->jwk);
}

void
broker_close(struct broker_client *c)
{
	(void)close(c->fd);
	free(c->request);
	free(c->answer);
}

static void
send_all(struct broker_client *c, size_t len)
{
	for (size_t sent = 0; sent < len;) {
		ssize_t n = send(c->fd, c->request + sent, len - sent, MSG_NOSIGNAL);
		if (n <= 0)
			die("the server hung up: %s", strerror(errno));
		sent += (size_t)n;
	}
}

static void
receive_all(struct broker_client *c)
{
	size_t have = 0, want = 0;
	char *end = NULL;

	while (end == NULL || have < want) {
		ssize_t n = recv(c->fd, c->answer + have, BROKER_ANSWER - 1 - have, 0);
		if (n <= 0)
			die("the server did not answer: %s", n < 0 ? strerror(errno) : "closed");
		have += (size_t)n;
		c->answer[have] = '\0';
		if (end == NULL && (end = strstr(c->answer, "\r\n\r\n")) != NULL) {
			const char *length = strcasestr(c->answer, "\r\nContent-Length:");
			if (length == NULL || length > end)
				die("an answer without its length: %.200s", c->answer);
			c->body = end + 4;
			want = (size_t)(c->body - c->answer) + strtoul(length + 17, NULL, 10);
		}
	}
}

int
broker_ask(struct broker_client *c, const char *head, const char *body)
{
	int n = snprintf(c->request, BROKER_REQUEST,
	    "%s HTTP/1.1\r\nHost: localhost\r\n%s%s%s%s%s%sContent-Type: application/json\r\n"
	    "Content-Length: %zu\r\n\r\n%s",
	    head, c->cookie[0] != '\0' ? "Cookie: " : "", c->cookie,
	    c->cookie[0] != '\0' ? "\r\n" : "",
	    c->bearer[0] != '\0' ? "Authorization: Bearer " : "", c->bearer,
	    c->bearer[0] != '\0' ? "\r\n" : "", strlen(body), body);

	if (n < 0 || n >= BROKER_REQUEST)
		die("a request that is too long");
	send_all(c, (size_t)n);
	receive_all(c);
	return atoi(c->answer + strlen("HTTP/1.1 "));
}

void
broker_member(char *out, size_t room, const char *json, const char *name)
{
	char want[32];

	out[0] = '\0';
	(void)snprintf(want, sizeof want, "\"%s\":", name);
	const char *at = strstr(json, want);
	if (at == NULL)
		return;
	at += strlen(want);
	at += strspn(at, " \"");
	size_t n = strcspn(at, "\"");
	if (n >= room)
		die("%s is too long", name);
	memcpy(out, at, n);
	out[n] = '\0';
}

int
broker_auth(struct broker_client *c, const char *version, const char *tee)
{
	char body[128];

	c->cookie[0] = '\0';
	(void)snprintf(body, sizeof body,
	    "{\"version\":\"%s\",\"tee\":\"%s\",\"extra-params\":\"\"}", version, tee);
	int status = broker_ask(c, "POST /kbs/v0/auth", body);
	const char *cookie = strcasestr(c->answer, "\r\nSet-Cookie:");
	if (cookie != NULL) {
		cookie += strlen("\r\nSet-Cookie:");
		cookie += strspn(cookie, " ");
		(void)snprintf(
		    c->cookie, sizeof c->cookie, "%.*s", (int)strcspn(cookie, ";\r"), cookie);
	}
	broker_member(c->nonce, sizeof c->nonce, c->body, "nonce");
	return status;
}

void
broker_report_data(uint8_t out[64], const char *nonce, const char *jwk)
{
	char bound[512];
	int n = snprintf(bound, sizeof bound,
	    "{\"additional-evidence\":\"\",\"nonce\":\"%s\",\"tee-pubkey\":%s}", nonce, jwk);

	memset(out, 0, 64);
	if (n >= (int)sizeof bound ||
	    EVP_Digest(bound, (size_t)n, out, NULL, EVP_sha384(), NULL) != 1)
		die("no digest");
}

char *
broker_attest_body(const char *nonce, const char *jwk, const char *evidence)
{
	char *body;

	if (asprintf(&body,
		"{\"init-data\":null,\"runtime-data\":{\"nonce\":\"%s\",\"tee-pubkey\":%s},"
		"\"tee-evidence\":{\"primary_evidence\":%s,\"additional_evidence\":\"\"}}",
		nonce, jwk, evidence) < 0)
		die("no memory");
	return body;
}
