/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BROKER_CLIENT_H
#define BROKER_CLIENT_H

/*
 * A client of the key broker protocol 0.4.0 as a test or a benchmark wants it: a connection that stays
 * open, evidence from simulated machines, and every step by hand, so that each can be done wrong. What
 * the network or memory denies ends the program with a sentence.
 */

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>

struct sim_machine;

enum { BROKER_REQUEST = 96 * 1024, BROKER_ANSWER = 64 * 1024, BROKER_COOKIE = 256 };

/* A machine that makes evidence; for threads to share. */
struct broker_machine {
	struct sim_machine *sim;
	const char *tee;
	uint8_t *certs; /* of SNP: what the host hands out */
	size_t certs_len;
};
void broker_machine_open(struct broker_machine *m, const char *dir);
void broker_machine_close(struct broker_machine *m);
/* Evidence of these report data, as attesters send it. The caller frees. */
char *broker_evidence(const struct broker_machine *m, const uint8_t data[64]);

struct broker_client {
	struct sockaddr_in at;
	int fd;
	char jwk[256];              /* the workload's public key, members sorted */
	char cookie[BROKER_COOKIE]; /* "kbs-session-id=..."; "": none is sent */
	char bearer[8192];          /* a token; "": none is sent */
	char nonce[96];
	char *request, *answer;
	const char *body; /* of the last answer, NUL-terminated */
};

void broker_connect(struct broker_client *c, uint16_t port); /* with a fresh key */
void broker_close(struct broker_client *c);
/* A fresh P-256 key's public part. */
void broker_key(char jwk[256]);
/* Asks: "GET /kbs/v0/resource/a/b/c"; the status of the answer. */
int broker_ask(struct broker_client *c, const char *head, const char *body);
/* Takes cookie and nonce; the status. */
int broker_auth(struct broker_client *c, const char *version, const char *tee);
/* What the evidence must bind. */
void broker_report_data(uint8_t out[64], const char *nonce, const char *jwk);
/* The body of an attestation; the caller frees. */
char *broker_attest_body(const char *nonce, const char *jwk, const char *evidence);
/* The text of a member of a JSON object, the first of this name, up to the next quotation mark; "" if there is none. */
void broker_member(char *out, size_t room, const char *json, const char *name);

#endif
