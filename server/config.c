/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <stddef.h>
#include <string.h>

#include <assay/trust.h>

#include "http/listen.h"
#include "opa/opa.h"
#include "text.h"

enum { EXIT_USAGE = 2 };

/* --- what there is to set ---------------------------------------------------------------- */

#define AT(member) offsetof(struct server_options, member)

static const struct setting rows[] = {
	{ "server", "listen", "ADDR", SETTING_LIST, false, AT(listen), AT(listen_count), LISTEN_MAX,
	    "tcp:HOST:PORT, unix:PATH; repeats (tcp:127.0.0.1:8080)" },
	{ "server", "tls-cert", "FILE", SETTING_TEXT, true, AT(tls_cert), 0, 0,
	    "certificate chain, PEM" },
	{ "server", "tls-key", "FILE", SETTING_TEXT, true, AT(tls_key), 0, 0,
	    "its private key, PEM" },
	{ "server", "client-ca", "FILE", SETTING_TEXT, true, AT(client_ca), 0, 0,
	    "operators' certificates chain to these, PEM" },
	{ "server", "insecure-http", NULL, SETTING_SWITCH, false, AT(insecure_http), 0, 0,
	    "plain HTTP also beyond this machine" },
	{ "server", "workers", "N", SETTING_COUNT, false, AT(workers), 0, 99,
	    "threads (one per processor)" },
	{ "server", "user", "NAME", SETTING_TEXT, false, AT(user), 0, 0,
	    "to become, when started as root" },
	{ "server", "log", "FORMAT", SETTING_FORMAT, false, AT(json_log), 0, 0,
	    "text (default) or json" },
	{ "store", "store", "URL", SETTING_TEXT, false, AT(keeper.store), 0, 0,
	    "sqlite:PATH (sqlite:/var/lib/assay/assayd.db)" },
	{ "store", "master-key", "FILE", SETTING_TEXT, false, AT(keeper.master_key), 0, 0,
	    "wraps the secrets (master.key beside the store)" },
	{ "store", "admin-key", "FILE", SETTING_TEXT, false, AT(keeper.admin_key), 0, 0,
	    "where the first start puts the admin key" },
	{ "token", "issuer", "NAME", SETTING_TEXT, false, AT(keeper.issuer), 0, 0,
	    "\"iss\" of tokens (assayd)" },
	{ "token", "audience", "NAME", SETTING_TEXT, false, AT(keeper.audience), 0, 0,
	    "\"aud\" of tokens for this broker (assay-kbs)" },
	{ "token", "token-life", "D", SETTING_LIFE, false, AT(keeper.token_life_s), 0, 0,
	    "of tokens (5m)" },
	{ "token", "ticket-life", "D", SETTING_LIFE, false, AT(keeper.ticket_life_s), 0, 0,
	    "of challenges (5m)" },
	{ "verify", "trust-root", "FILE", SETTING_LIST, false, AT(trust_root), AT(root_count),
	    ROOTS_MAX, "a further root, beside the built-in ones; repeatable" },
	{ "verify", "min-tcb", "PART=N,...", SETTING_TEXT, false, AT(min_tcb), 0, 0,
	    "lowest TCB of AMD parts" },
	{ "verify", "require-crl", NULL, SETTING_SWITCH, false, AT(require_crl), 0, 0,
	    "an AMD CRL that is missing makes it undetermined" },
	{ "verify", "sample", NULL, SETTING_SWITCH, false, AT(keeper.sample), 0, 0,
	    "take evidence of kind sample, which proves nothing" },
	{ "collateral", "upstream", "NAME|URL", SETTING_LIST, false, AT(upstream),
	    AT(upstream_count), UPSTREAMS_MAX,
	    "intel, amd or a URL; repeatable (none: no fetching)" },
	{ "collateral", "upstream-ca", "FILE", SETTING_TEXT, false, AT(upstream_ca), 0, 0,
	    "whom its TLS must chain to, PEM" },
	{ "policy", "opa", "URL", SETTING_TEXT, false, AT(opa), 0, 0,
	    "rule of your own OPA that must allow each release too" },
};

/* --- what makes sense -------------------------------------------------------------------- */

static int
judge_listening(const struct server_options *o)
{
	for (size_t i = 0; i < o->listen_count; i++) {
		const char *fault = listen_fault(o->listen[i]);
		if (fault != NULL) {
			log_say("listen: %s %s", o->listen[i], fault);
			return EXIT_USAGE;
		}
		if (o->tls_cert == NULL && !o->insecure_http && !listen_is_loopback(o->listen[i])) {
			log_say(
			    "listen: %s would be plain HTTP beyond this machine; give --tls-cert "
			    "and "
			    "--tls-key, or --insecure-http where something before it speaks TLS",
			    o->listen[i]);
			return EXIT_USAGE;
		}
	}
	if ((o->tls_cert == NULL) != (o->tls_key == NULL)) {
		log_say("tls-cert and tls-key go together; %s is missing",
		    o->tls_cert == NULL ? "tls-cert" : "tls-key");
		return EXIT_USAGE;
	}
	if (o->client_ca != NULL && o->tls_cert == NULL) {
		log_say("client-ca is for TLS; give tls-cert and tls-key");
		return EXIT_USAGE;
	}
	return 0;
}

static int
judge_keeper(const struct keeper_options *k)
{
	if (strncmp(k->store, "sqlite:", 7) != 0 || k->store[7] == '\0') {
		log_say("store: %s is not sqlite:PATH, the one kind of store that is built in",
		    k->store);
		return EXIT_USAGE;
	}
	if (k->token_life_s < 10 || k->token_life_s > 86400) {
		log_say("token-life: must be from 10s to 24h");
		return EXIT_USAGE;
	}
	if (k->ticket_life_s < 10 || k->ticket_life_s > 3600) {
		log_say(
		    "ticket-life: must be from 10s to 1h, the life of the keys that it hangs on");
		return EXIT_USAGE;
	}
	return 0;
}

static bool
is_url(const char *text)
{
	return strncmp(text, "https://", 8) == 0 || strncmp(text, "http://", 7) == 0;
}

static int
judge_verifying(const struct server_options *o)
{
	struct assay_trust *trust = NULL;
	struct assay_error err = { 0 };
	int rc = 0;

	if (o->min_tcb != NULL &&
	    (assay_trust_new(&trust, &err) != ASSAY_OK ||
		assay_trust_set_min_tcb(trust, o->min_tcb, &err) != ASSAY_OK)) {
		log_say("min-tcb: %s", err.text);
		rc = EXIT_USAGE;
	}
	assay_trust_free(trust);
	for (size_t i = 0; i < o->upstream_count && rc == 0; i++)
		if (strcmp(o->upstream[i], "intel") != 0 && strcmp(o->upstream[i], "amd") != 0 &&
		    !is_url(o->upstream[i])) {
			log_say("upstream: %s is not intel, amd or a URL", o->upstream[i]);
			rc = EXIT_USAGE;
		}
	return rc;
}

static int
judge_opa(const struct server_options *o)
{
	struct opa_address address;
	const char *fault = o->opa != NULL ? opa_address_read(&address, o->opa) : NULL;

	if (fault == NULL)
		return 0;
	log_say("opa: %s %s", o->opa, fault);
	return EXIT_USAGE;
}

static void
begin(void *options)
{
	struct server_options *o = options;

	o->keeper = (struct keeper_options){
		.store = "sqlite:/var/lib/assay/assayd.db",
		.issuer = "assayd",
		.audience = "assay-kbs",
		.token_life_s = 300,
		.ticket_life_s = 300,
	};
}

static int
judge(void *options)
{
	struct server_options *o = options;
	int rc;

	o->keeper.opa = o->opa != NULL;
	if ((rc = judge_listening(o)) != 0 || (rc = judge_keeper(&o->keeper)) != 0 ||
	    (rc = judge_opa(o)) != 0)
		return rc;
	return judge_verifying(o);
}

/* --- public ------------------------------------------------------------------------------ */

const struct settings_table config_table = {
	.program = "assayd",
	.file = "/etc/assay/assayd.conf",
	.about = "Verifies evidence, and releases secrets to what has proven itself.",
	.examples = "  mkdir -m 700 trial\n"
		    "  assayd --store sqlite:trial/assayd.db --listen tcp:127.0.0.1:0\n"
		    "  assayd --listen tcp:0.0.0.0:443 --tls-cert chain.pem --tls-key key.pem",
	.rows = rows,
	.row_count = sizeof rows / sizeof rows[0],
	.size = sizeof(struct server_options),
	.verbose = AT(verbose),
	.begin = begin,
	.judge = judge,
};
