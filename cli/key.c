/* SPDX-License-Identifier: Apache-2.0 */
/* assay key: secrets that a broker gives to this machine for what it is. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <assay/kbs.h>

#include "broker.h"
#include "command.h"
#include "config.h"
#include "http.h"
#include "input.h"
#include "screen.h"
#include "value.h"

enum {
	USER_KEYRING = -4,   /* KEY_SPEC_USER_KEYRING */
	KEYRING_MAX = 32767, /* bytes of a key of type "user" */
};

static const char encryption[] = "ECDH-ES+A256KW";

/* One run of either command. */
struct errand {
	const struct args *args;
	struct config config;
	struct input token;
	struct assay_jwk *key;
	struct broker *broker;
};

/* --- what is asked for ----------------------------------------------------------------------- */

/* A command that could not keep the secret asks nobody for it. */
static int
check_output(const struct args *args)
{
	const char *output = args_value(args, OPT_OUTPUT);
	const char *ring = args_value(args, OPT_KEYRING);

	if (output != NULL && ring != NULL)
		return misused(args->command, "--output and --keyring: one of the two");
	if (output != NULL && output[0] == '\0')
		return misused(
		    args->command, "--output: is empty; name a file, or - for standard output");
	if (ring != NULL && (ring[0] == '\0' || ring[0] == '.'))
		return misused(
		    args->command, "--keyring: \"%.40s\" cannot be the name of a key", ring);
	if (output == NULL && ring == NULL && !args_has(args, OPT_QUIET) && isatty(STDOUT_FILENO))
		return misused(args->command,
		    "a secret is not written to a terminal; give -o FILE or --keyring NAME, or "
		    "-o - to do it all the same");
	return 0;
}

/* A JWK, or a PEM file. */
static enum assay_code
parse_key(struct assay_jwk **out, const struct input *in, const char *alg, struct assay_error *err)
{
	size_t i = 0;

	while (i < in->len && (in->data[i] == ' ' || in->data[i] == '\n'))
		i++;
	if (i < in->len && in->data[i] == '{')
		return assay_jwk_parse(out, input_bytes(in), err);
	return assay_jwk_parse_pem(out, input_bytes(in), alg, err);
}

static int
read_key(struct errand *e, const char *path)
{
	const struct command *command = e->args->command;
	struct input in = { 0 };
	struct assay_error err = { .text = "" };
	int rc = input_secret(command, &in, path, "a private key");

	if (rc != 0)
		return rc;
	enum assay_code code = parse_key(&e->key, &in, encryption, &err);
	input_wipe(&in);
	if (code != ASSAY_OK)
		complain(command, "%s: %s", path, err.text);
	else if (!assay_jwk_private(e->key))
		complain(
		    command, "%s: is a public key; what it encrypts, its private half opens", path);
	else
		return 0;
	return code == ASSAY_E_NOMEM ? EXIT_TROUBLE : EXIT_USAGE;
}

/* A token is one line of printable text, and goes into a header as it is. */
static int
read_token(struct errand *e, const char *path)
{
	const struct command *command = e->args->command;
	int rc = input_secret(command, &e->token, path, "a token");

	if (rc != 0)
		return rc;
	struct input *t = &e->token;
	while (t->len > 0 && (t->data[t->len - 1] == '\n' || t->data[t->len - 1] == '\r'))
		t->len--;
	bool plain = t->len > 0;
	for (size_t i = 0; i < t->len; i++)
		plain &= t->data[i] > ' ' && t->data[i] < 0x7f;
	struct input end = { (uint8_t[]){ '\0' }, 1 };
	if (!plain) {
		complain(command, "%s: is no token: one line of text, as \"assay token\" makes it",
		    path);
		return EXIT_USAGE;
	}
	if (input_append(t, &end))
		return 0;
	complain(command, "out of memory");
	return EXIT_TROUBLE;
}

/* Whoever stands between can answer for a server without TLS. The secret stays sealed to this guest,
 * but it need not be the one that was put there. */
static void
warn_of_plain(const struct args *args, const char *url)
{
	if (!http_scheme(url, "http://") || http_is_here(url))
		return;
	complain(args->command,
	    "warning: %.200s: whoever is on the way can answer in its place; use https", url);
}

static int
prepare(struct errand *e, struct broker_how *how, const char *host)
{
	const struct args *args = e->args;
	const char *key = args_value(args, OPT_KEY), *token = args_value(args, OPT_TOKEN);
	int rc = value_timeout(args, &how->timeout_s);

	if (rc != 0 || (rc = config_server(&e->config, args)) != 0)
		return rc;
	/* A host in the URI is more to the point than what holds for all commands. */
	how->url = args_value(args, OPT_URL) == NULL && host[0] != '\0' ? host : e->config.url;
	if (how->url == NULL)
		return misused(args->command,
		    "of which broker? give --url URL, set ASSAY_URL, or name it, kbs://HOST/... "
		    "(of a "
		    "sealed secret the host does not count)");
	if ((rc = value_server(args->command, "--url", how->url, e->config.ca)) != 0)
		return rc;
	if (token != NULL && key == NULL)
		return misused(args->command,
		    "--token: the secret will be encrypted to the key that it names; give that "
		    "with "
		    "--key FILE");
	if ((key != NULL && (rc = read_key(e, key)) != 0) ||
	    (token != NULL && (rc = read_token(e, token)) != 0))
		return rc;
	warn_of_plain(args, how->url);
	how->ca = e->config.ca;
	how->provider = args_value(args, OPT_PROVIDER);
	how->key = e->key;
	how->token = token != NULL ? (const char *)e->token.data : NULL;
	how->progress = !args_has(args, OPT_QUIET) && isatty(STDERR_FILENO);
	return 0;
}

/* --- fetching -------------------------------------------------------------------------------- */

/* What is in this process's memory stays there, also when it breaks. */
static void
leave_no_core(void)
{
	const struct rlimit none = { 0, 0 };

	(void)setrlimit(RLIMIT_CORE, &none);
}

/* Opens the broker that the resource is of. Of a note that somebody else wrote the host does not count:
 * it would be his broker. */
static int
open_broker(struct errand *e, struct broker_resource *resource, const char *uri, bool typed)
{
	char why[BROKER_WHY];
	struct broker_how how = { .url = NULL };
	int rc;

	if (!broker_resource(resource, uri, why))
		return misused(e->args->command, "%s", why);
	if ((rc = check_output(e->args)) != 0 ||
	    (rc = prepare(e, &how, typed ? resource->base : "")) != 0)
		return rc;
	leave_no_core();
	if ((e->broker = broker_open(&how, why)) != NULL)
		return 0;
	complain(e->args->command, "%s", why);
	return EXIT_TROUBLE;
}

static int
get(struct errand *e, const struct broker_resource *resource, struct input *secret)
{
	int rc = broker_get(e->broker, resource->path, secret);

	if (rc != EXIT_YES)
		complain(e->args->command, "%s", broker_why(e->broker));
	return rc;
}

static int
to_keyring(const struct args *args, const char *name, const struct input *secret)
{
	if (secret->len == 0 || secret->len > KEYRING_MAX) {
		complain(args->command, "--keyring: takes 1 to %d bytes, and the secret is %zu",
		    KEYRING_MAX, secret->len);
		return EXIT_USAGE;
	}
	if (syscall(SYS_add_key, "user", name, secret->data, secret->len, USER_KEYRING) >= 0)
		return EXIT_YES;
	complain(args->command, "--keyring: the kernel does not take the key: %s", strerror(errno));
	return EXIT_TROUBLE;
}

static int
deliver(const struct args *args, const struct input *secret)
{
	const char *output = args_value(args, OPT_OUTPUT);
	const char *ring = args_value(args, OPT_KEYRING);

	if (ring != NULL)
		return to_keyring(args, ring, secret);
	if (output == NULL && args_has(args, OPT_QUIET))
		return EXIT_YES;
	if (output != NULL && strcmp(output, "-") == 0)
		output = NULL;
	return screen_write_secret(args->command, output, input_bytes(secret)) ? EXIT_YES
									       : EXIT_TROUBLE;
}

static void
finish(struct errand *e)
{
	broker_close(e->broker);
	assay_jwk_free(e->key);
	input_wipe(&e->token);
	config_clear(&e->config);
}

/* --- get ------------------------------------------------------------------------------------- */

static int
run_get(const struct args *args)
{
	struct errand e = { .args = args };
	struct broker_resource resource;
	struct input secret = { 0 };

	if (!args_operands(args, 1, 1))
		return EXIT_USAGE;
	int rc = open_broker(&e, &resource, args->operands[0], true);
	if (rc == 0 && (rc = get(&e, &resource, &secret)) == EXIT_YES)
		rc = deliver(args, &secret);
	input_wipe(&secret);
	finish(&e);
	return rc;
}

/* --- unseal ---------------------------------------------------------------------------------- */

/* The note itself, or a file that it is in. */
static int
read_sealed(const struct args *args, struct assay_sealed **out)
{
	const char *operand = args->operands[0];
	struct assay_error err = { .text = "" };
	struct input in = { 0 };
	struct assay_bytes text = { (const uint8_t *)operand, strlen(operand) };
	int rc;

	if (strncmp(operand, "sealed.", 7) != 0 || access(operand, F_OK) == 0) {
		if ((rc = input_read(args->command, &in, operand, "a sealed secret")) != 0)
			return rc;
		text = input_bytes(&in);
	}
	enum assay_code code = assay_sealed_parse(out, text, &err);
	input_clear(&in);
	if (code == ASSAY_OK)
		return 0;
	complain(args->command, "%s", err.text);
	return code == ASSAY_E_NOMEM      ? EXIT_TROUBLE
	    : code == ASSAY_E_UNSUPPORTED ? EXIT_UNTOLD
					  : EXIT_NO;
}

/* Whether the note is signed by a key of this file, or of this resource. */
static int
verify(const struct args *args, const struct assay_sealed *sealed, const struct input *keys,
    const char *whose)
{
	struct assay_error err = { .text = "" };
	struct assay_jwks *set = NULL;
	uint8_t *payload = NULL;
	size_t len;
	enum assay_code code = assay_jwks_parse(&set, input_bytes(keys), &err);

	if (code == ASSAY_OK)
		code = assay_jws_verify(
		    &payload, &len, NULL, set, NULL, assay_sealed_signed(sealed), &err);
	free(payload);
	assay_jwks_free(set);
	if (code == ASSAY_OK)
		return 0;
	complain(args->command, "the sealed secret is not signed by %.300s: %s", whose, err.text);
	return code == ASSAY_E_NOMEM ? EXIT_TROUBLE : EXIT_NO;
}

/* Before anything is asked of the broker: whoever could change the note would choose the resource. */
static int
check_signer(struct errand *e, const struct assay_sealed *sealed)
{
	const char *signer = args_value(e->args, OPT_SIGNER);
	const char *kid = assay_sealed_kid(sealed);
	struct broker_resource resource;
	struct input keys = { 0 };
	char why[BROKER_WHY];
	int rc;

	if (signer != NULL) {
		rc = input_read(e->args->command, &keys, signer, "a public key");
		if (rc == 0)
			rc = verify(e->args, sealed, &keys, signer);
	} else if (strncmp(kid, "kbs://", 6) == 0 && broker_resource(&resource, kid, why)) {
		if ((rc = get(e, &resource, &keys)) == EXIT_YES)
			rc = verify(e->args, sealed, &keys, kid);
	} else if (args_has(e->args, OPT_UNSIGNED)) {
		rc = 0;
	} else {
		complain(e->args->command,
		    "nothing says who sealed it: name the key with --signer FILE, or open it "
		    "all the same with --unsigned");
		rc = EXIT_UNTOLD;
	}
	input_wipe(&keys);
	return rc;
}

static int
unseal(struct errand *e, const struct assay_sealed *sealed, const struct broker_resource *resource)
{
	struct assay_error err = { .text = "" };
	struct input fetched = { 0 }, secret = { 0 };
	int rc = get(e, resource, &fetched);

	if (rc != EXIT_YES)
		return rc;
	enum assay_code code =
	    assay_sealed_open(&secret.data, &secret.len, sealed, input_bytes(&fetched), &err);
	if (code != ASSAY_OK)
		complain(e->args->command, "%s", err.text);
	rc = code == ASSAY_OK       ? deliver(e->args, &secret)
	    : code == ASSAY_E_NOMEM ? EXIT_TROUBLE
				    : EXIT_NO;
	input_wipe(&fetched);
	input_wipe(&secret);
	return rc;
}

static int
run_unseal(const struct args *args)
{
	struct errand e = { .args = args };
	struct assay_sealed *sealed = NULL;
	struct broker_resource resource;

	if (!args_operands(args, 1, 1))
		return EXIT_USAGE;
	if (args_has(args, OPT_SIGNER) && args_has(args, OPT_UNSIGNED))
		return misused(args->command,
		    "--signer and --unsigned: give one of them; a note is checked or is not");
	int rc = read_sealed(args, &sealed);
	if (rc == 0 &&
	    (rc = open_broker(&e, &resource, assay_sealed_resource(sealed), false)) == 0 &&
	    (rc = check_signer(&e, sealed)) == 0)
		rc = unseal(&e, sealed, &resource);
	assay_sealed_free(sealed);
	finish(&e);
	return rc;
}

/* --------------------------------------------------------------------------------------------- */

#define OPTIONS_OF_BOTH                                                                            \
	{ OPT_OUTPUT, 'o', "output", "FILE", false, NULL,                                          \
		"write it there, mode 0600; - is stdout" },                                        \
	    { OPT_KEYRING, 0, "keyring", "NAME", false, NULL,                                      \
		    "into the kernel's user keyring, by this name" },                              \
	    OPTION_URL, OPTION_CA,                                                                 \
	    { OPT_KEY, 0, "key", "FILE", false, NULL,                                              \
		    "the private key to encrypt to (a fresh one)" },                               \
	    { OPT_TOKEN, 0, "token", "FILE", false, NULL,                                          \
		    "a token for --key, in place of evidence" },                                   \
	    { OPT_PROVIDER, 0, "provider", "NAME", false,                                          \
		    "configfs-tsm|tdx-device|snp-device|sgx-attestation|enarx|sev-es|sev",         \
		    "of evidence, one of assay attest --list" },                                   \
	    OPTION_TIMEOUT,                                                                        \
	    { OPT_QUIET, 'q', "quiet", NULL, false, NULL, "write nothing but to the file of -o" }, \
	    OPTION_HELP, OPTION_END

static const struct option get_options[] = { OPTIONS_OF_BOTH };

const struct command command_key_get = {
	.name = "key get",
	.arguments = "[options] kbs://[HOST]/REPO/TYPE/TAG",
	.summary = "Proves this machine to a broker, and gets a secret for it.",
	.operands =
	    "  The resource: kbs://HOST/REPO/TYPE/TAG, or kbs:///REPO/TYPE/TAG with --url.\n",
	.words = "",
	.options = get_options,
	.examples = { "assay key get -o disk.key kbs://broker.example/default/key/disk",
	    "assay key get --url https://broker:8080 --keyring db kbs:///default/key/db" },
	.exits = "0 done, 1 refused, 2 usage, 3 no TEE here, 4 trouble",
	.page = "assay-key",
	.run = run_get,
};

static const struct option unseal_options[] = { { OPT_SIGNER, 0, "signer", "FILE", false, NULL,
						    "the public key, a JWK, of who sealed it" },
	{ OPT_UNSIGNED, 0, "unsigned", NULL, false, NULL,
	    "open it though nothing says who sealed it" },
	OPTIONS_OF_BOTH };

const struct command command_key_unseal = {
	.name = "key unseal",
	.arguments = "[options] SEALED|FILE|-",
	.summary = "Opens a sealed secret with a key that a broker gives.",
	.operands = "  SEALED: the text \"sealed.HEADER.PAYLOAD.SIGNATURE\", or a file of it.\n",
	.words = NULL,
	.options = unseal_options,
	.examples = { "assay key unseal --signer ops.jwk -o password note",
	    "assay key unseal --url https://broker:8080 --unsigned - < note" },
	.exits = "0 done, 1 refused, 2 usage, 3 no TEE here, or unsigned, 4 trouble",
	.page = "assay-key",
	.run = run_unseal,
};
