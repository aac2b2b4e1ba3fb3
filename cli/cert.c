/* SPDX-License-Identifier: Apache-2.0 */
/* Attested certificates: made inside a TEE, verified outside. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/pem.h>

#include <assay/cert.h>

#include "appraise.h"
#include "command.h"
#include "guest.h"
#include "input.h"
#include "screen.h"
#include "value.h"
#include "verify.h"

enum {
	NONCE_LEAST = 8,
	DAY_S = 86400,
	VALID_S = 30 * DAY_S,
	VALID_MAX_S = 366 * DAY_S,
	EARLY_S = 300, /* a certificate begins before it is made: clocks differ */
};

/* --- make -------------------------------------------------------------------------------- */

struct making {
	const struct args *args;
	uint8_t nonce[ASSAY_REPORT_DATA_SIZE], data[ASSAY_REPORT_DATA_SIZE];
	int64_t valid_s;
	struct assay_jwk *key;
	struct assay_cert_request cert;
	struct assay_guest_request guest;
};

static int
read_nonce(struct making *m)
{
	const char *text = args_value(m->args, OPT_NONCE);
	size_t len = 0;
	int rc;

	if (text == NULL)
		return 0;
	if ((rc = value_bytes(m->args, m->nonce, sizeof m->nonce, &len, "nonce", text)) != 0)
		return rc;
	if (len < NONCE_LEAST)
		return misused(m->args->command, "--nonce: is too short: %zu of at least %d bytes",
		    len, NONCE_LEAST);
	m->cert.nonce = (struct assay_bytes){ m->nonce, len };
	return 0;
}

static int
read_durations(struct making *m)
{
	const char *valid = args_value(m->args, OPT_VALID);
	int64_t seconds;
	int rc;

	m->valid_s = VALID_S;
	if (valid != NULL &&
	    (!value_duration(&m->valid_s, valid) || m->valid_s <= 0 || m->valid_s > VALID_MAX_S))
		return misused(m->args->command,
		    "--valid: \"%.20s\" is no duration up to 366d; write 12h or 30d", valid);
	if ((rc = value_timeout(m->args, &seconds)) == 0)
		m->guest.timeout_ms = (int)seconds * 1000;
	return rc;
}

static int
read_key(struct making *m)
{
	const char *path = args_value(m->args, OPT_KEY);
	struct assay_error err = { .text = "" };
	struct input in = { 0 };
	int rc = input_secret(m->args->command, &in, path, "a private key");

	if (rc == 0) {
		enum assay_code code = assay_jwk_parse_pem(&m->key, input_bytes(&in), NULL, &err);
		if (code != ASSAY_OK) {
			complain(m->args->command,
			    "--key: %s: %s; a certificate takes P-256, P-384 and Ed25519", path,
			    code == ASSAY_E_UNSUPPORTED ? "is a key of another kind" : err.text);
			rc = code == ASSAY_E_NOMEM ? EXIT_TROUBLE : EXIT_USAGE;
		}
	}
	input_wipe(&in);
	m->cert.key = m->key;
	return rc;
}

/* Evidence that names the key: what it must carry depends on the TEE. */
static enum assay_code
collect(uint8_t **bundle, size_t *len, struct making *m, struct assay_error *err)
{
	struct assay_guest_evidence *ev = NULL;
	const char *tee = NULL;
	enum assay_code rc = assay_guest_here(&tee, &m->guest, err);

	if (rc == ASSAY_OK)
		rc = assay_cert_report_data(m->data, tee, &m->cert, err);
	if (rc != ASSAY_OK)
		return rc;
	m->guest.report_data = (struct assay_bytes){ m->data, sizeof m->data };
	m->guest.tee = tee;
	if ((rc = guest_collect(&ev, &m->guest, err)) == ASSAY_OK)
		rc = assay_guest_bundle(bundle, len, ev, err);
	assay_guest_evidence_free(ev);
	return rc;
}

static int
write_pem(const struct making *m, const uint8_t *der, size_t len)
{
	struct screen s;
	BIO *bio = BIO_new(BIO_s_mem());
	char *text = NULL;
	int rc = EXIT_TROUBLE;

	if (bio == NULL || PEM_write_bio(bio, "CERTIFICATE", "", der, (long)len) <= 0)
		complain(m->args->command, "out of memory");
	else if ((rc = screen_open(&s, m->args)) == 0) {
		size_t n = (size_t)BIO_get_mem_data(bio, &text);
		fwrite(text, 1, n, s.to);
		rc = screen_close(&s, args_has(m->args, OPT_QUIET), EXIT_YES);
	}
	BIO_free(bio);
	return rc;
}

static void
say_what(const struct making *m, const uint8_t *der, size_t len)
{
	struct assay_cert *cert = NULL;
	struct assay_error err;

	if (assay_cert_parse(&cert, (struct assay_bytes){ der, len }, &err) == ASSAY_OK)
		complain(m->args->command, "%s", assay_cert_kind(cert));
	assay_cert_free(cert);
}

static int
make(struct making *m)
{
	struct assay_error err = { .text = "" };
	uint8_t *bundle = NULL, *der = NULL;
	size_t len = 0, der_len = 0;
	int rc;

	m->cert.not_before = (int64_t)time(NULL) - EARLY_S;
	m->cert.not_after = m->cert.not_before + EARLY_S + m->valid_s;
	enum assay_code code = collect(&bundle, &len, m, &err);
	if (code == ASSAY_OK)
		code = assay_cert_make(
		    &der, &der_len, &m->cert, (struct assay_bytes){ bundle, len }, &err);
	if (code != ASSAY_OK) {
		complain(m->args->command, "%s%s", err.text,
		    code == ASSAY_E_INCOMPLETE ? "; assay attest --list says why" : "");
		rc = guest_exit(code);
	} else {
		rc = write_pem(m, der, der_len);
		if (rc == EXIT_YES && args_has(m->args, OPT_VERBOSE))
			say_what(m, der, der_len);
	}
	free(bundle);
	free(der);
	return rc;
}

static int
run_make(const struct args *args)
{
	struct making m = { .args = args };
	int rc;

	if (!args_operands(args, 0, 0))
		return EXIT_USAGE;
	if (args_value(args, OPT_KEY) == NULL)
		return misused(args->command,
		    "--key is missing: the private key of the certificate, made in this machine");
	m.guest.provider = args_value(args, OPT_PROVIDER);
	m.guest.qgs = args_value(args, OPT_QGS);
	if ((rc = read_nonce(&m)) == 0 && (rc = read_durations(&m)) == 0 &&
	    (rc = read_key(&m)) == 0)
		rc = make(&m);
	assay_jwk_free(m.key);
	return rc;
}

static const struct option make_options[] = {
	{ OPT_KEY, 0, "key", "FILE", false, NULL,
	    "the private key: P-256, P-384 or Ed25519, in PEM" },
	{ OPT_NONCE, 'n', "nonce", "HEX", false, NULL, "the verifier's challenge, 8 to 64 bytes" },
	{ OPT_PROVIDER, 0, "provider", "NAME", false,
	    "configfs-tsm|tdx-device|snp-device|sgx-attestation|enarx|sev-es|sev",
	    "only this one of attest --list (any)" },
	{ OPT_QGS, 0, "qgs", "ADDR", false, NULL,
	    "TDX: vsock:host:4050, unix:PATH, tcp:HOST:PORT" },
	{ OPT_VALID, 0, "valid", "D", false, NULL, "how long the certificate holds (30d)" },
	OPTION_TIMEOUT,
	OPTION_OUTPUT,
	{ OPT_QUIET, 'q', "quiet", NULL, false, NULL, "write nothing but to the file of -o" },
	{ OPT_VERBOSE, 'v', "verbose", NULL, false, NULL, "say what was made" },
	OPTION_HELP,
	OPTION_END,
};

const struct command command_cert_make = {
	.name = "cert make",
	.arguments = "[options] --key FILE -o CERT",
	.summary = "Makes a certificate with evidence of this machine for its key.",
	.operands = "",
	.words = "",
	.options = make_options,
	.examples = { "assay cert make --key tls.key -o tls.crt",
	    "assay cert make --key tls.key --nonce @nonce --valid 1h -o tls.crt" },
	.exits = "0 done, 2 usage, 3 no TEE here or something is missing, 4 trouble",
	.page = "assay-cert",
	.run = run_make,
};

/* --- verify ------------------------------------------------------------------------------ */

static int
verify_parsed(const struct appraisal *a, const struct assay_cert *cert)
{
	struct assay_checks *checks = NULL;
	struct assay_claims *claims = NULL;
	struct assay_error err = { .text = "" };
	struct assay_appraisal how = appraise_how(a);
	struct assay_bytes nonce = how.report_data;

	how.report_data = (struct assay_bytes){ NULL, 0 };
	enum assay_code code = assay_checks_new(&checks, &err);
	if (code == ASSAY_OK)
		code = assay_cert_verify(&claims, checks, cert, nonce, &how, &err);
	if (claims != NULL)
		code = appraise_ask(a, code, claims, checks, &err);
	int rc = verify_answer(a, a->args->operands[0], code, &err, checks, claims,
	    assay_cert_evidence(cert), assay_cert_kind(cert));
	assay_claims_free(claims);
	assay_checks_free(checks);
	return rc;
}

static int
run_verify(const struct args *args)
{
	struct appraisal a = { .args = args };
	struct assay_cert *cert = NULL;
	struct assay_error err = { .text = "" };
	struct input in = { 0 };

	int rc = verify_read(&a, args);
	if (rc == 0 &&
	    (rc = input_read(args->command, &in, args->operands[0], "a certificate")) == 0) {
		if (assay_cert_parse(&cert, input_bytes(&in), &err) == ASSAY_OK)
			rc = verify_parsed(&a, cert);
		else
			rc = verify_refuse(&a, args->operands[0], "cert.format", &err);
	}
	assay_cert_free(cert);
	input_clear(&in);
	appraise_clear(&a);
	return rc;
}

static const struct option verify_options[] = {
	OPTION_POLICY,
	OPTIONS_APPRAISE_BY,
	{ OPT_NONCE, 'n', "nonce", "HEX", false, NULL,
	    "what the certificate was made for, 8 to 64 bytes" },
	OPTIONS_APPRAISE_MORE,
	OPTION_EXPECT,
	OPTION_CLAIMS,
	OPTIONS_VERDICT,
	OPTION_HELP,
	OPTION_END,
};

const struct command command_cert_verify = {
	.name = "cert verify",
	.arguments = "[options] CERT",
	.summary = "Says whether a certificate holds, and its machine is allowed.",
	.operands =
	    "  CERT   a certificate or certificate request, PEM or DER; - is standard input\n",
	.words = NULL,
	.options = verify_options,
	.examples = { "assay cert verify -c collateral/ tls.crt",
	    "assay cert verify --nonce @nonce -p web.policy tls.crt" },
	.exits = "0 accepted, 1 refused, 2 usage, 3 undetermined, 4 trouble",
	.page = "assay-cert",
	.run = run_verify,
};
