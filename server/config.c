/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <assay/trust.h>

#include "http/listen.h"
#include "opa/opa.h"
#include "text.h"

enum { EXIT_DONE = 0, EXIT_USAGE = 2, EXIT_TROUBLE = 4, FILE_MAX = 256 * 1024, GIVEN_MAX = 256 };

static const char default_file[] = "/etc/assay/assayd.conf";

/* --- what there is to set ---------------------------------------------------------------- */

enum kind { TEXT, LIST, SWITCH, COUNT, LIFE, FORMAT };

struct row {
	const char *section, *key; /* in the file; on the command line "--KEY" */
	const char *value;         /* what it is called in the help; NULL: a switch */
	enum kind kind;
	bool reloads;
	size_t offset;      /* in struct server_options */
	size_t count, most; /* of LIST: where the number is, and how many fit */
	const char *help;
};

#define AT(member) offsetof(struct server_options, member)

static const struct row rows[] = {
	{ "server", "listen", "ADDR", LIST, false, AT(listen), AT(listen_count), LISTEN_MAX,
	    "tcp:HOST:PORT, unix:PATH; repeats (tcp:127.0.0.1:8080)" },
	{ "server", "tls-cert", "FILE", TEXT, true, AT(tls_cert), 0, 0, "certificate chain, PEM" },
	{ "server", "tls-key", "FILE", TEXT, true, AT(tls_key), 0, 0, "its private key, PEM" },
	{ "server", "client-ca", "FILE", TEXT, true, AT(client_ca), 0, 0,
	    "operators' certificates chain to these, PEM" },
	{ "server", "insecure-http", NULL, SWITCH, false, AT(insecure_http), 0, 0,
	    "plain HTTP also beyond this machine" },
	{ "server", "workers", "N", COUNT, false, AT(workers), 0, 0,
	    "threads (one per processor)" },
	{ "server", "user", "NAME", TEXT, false, AT(user), 0, 0,
	    "to become, when started as root" },
	{ "server", "log", "FORMAT", FORMAT, false, AT(json_log), 0, 0, "text (default) or json" },
	{ "store", "store", "URL", TEXT, false, AT(keeper.store), 0, 0,
	    "sqlite:PATH (sqlite:/var/lib/assay/assayd.db)" },
	{ "store", "master-key", "FILE", TEXT, false, AT(keeper.master_key), 0, 0,
	    "wraps the secrets (master.key beside the store)" },
	{ "store", "admin-key", "FILE", TEXT, false, AT(keeper.admin_key), 0, 0,
	    "where the first start puts the admin key" },
	{ "token", "issuer", "NAME", TEXT, false, AT(keeper.issuer), 0, 0,
	    "\"iss\" of tokens (assayd)" },
	{ "token", "audience", "NAME", TEXT, false, AT(keeper.audience), 0, 0,
	    "\"aud\" of tokens for this broker (assay-kbs)" },
	{ "token", "token-life", "D", LIFE, false, AT(keeper.token_life_s), 0, 0,
	    "of tokens (5m)" },
	{ "token", "ticket-life", "D", LIFE, false, AT(keeper.ticket_life_s), 0, 0,
	    "of challenges (5m)" },
	{ "verify", "trust-root", "FILE", LIST, false, AT(trust_root), AT(root_count), ROOTS_MAX,
	    "a further root, beside the built-in ones; repeatable" },
	{ "verify", "min-tcb", "PART=N,...", TEXT, false, AT(min_tcb), 0, 0,
	    "lowest TCB of AMD parts" },
	{ "verify", "require-crl", NULL, SWITCH, false, AT(require_crl), 0, 0,
	    "an AMD CRL that is missing makes it undetermined" },
	{ "verify", "sample", NULL, SWITCH, false, AT(keeper.sample), 0, 0,
	    "take evidence of kind sample, which proves nothing" },
	{ "collateral", "upstream", "NAME|URL", LIST, false, AT(upstream), AT(upstream_count),
	    UPSTREAMS_MAX, "intel, amd or a URL; repeatable (none: no fetching)" },
	{ "collateral", "upstream-ca", "FILE", TEXT, false, AT(upstream_ca), 0, 0,
	    "whom its TLS must chain to, PEM" },
	{ "policy", "opa", "URL", TEXT, false, AT(opa), 0, 0,
	    "rule of your own OPA that must allow each release too" },
};
enum { ROWS = sizeof rows / sizeof rows[0] };

struct config {
	struct server_options options;
	char *path;
	bool check;
	int argc; /* kept for a reload; they outlive us */
	char **argv;
	char **strings; /* all that options point to */
	size_t string_count;
};

/* --- values ------------------------------------------------------------------------------ */

static void *
member(struct server_options *o, size_t offset)
{
	return (char *)o + offset;
}

static const void *
const_member(const struct server_options *o, size_t offset)
{
	return (const char *)o + offset;
}

static const char *
keep(struct config *config, const char *text)
{
	char **more = realloc(config->strings, (config->string_count + 1) * sizeof *more);
	char *copy = more != NULL ? strdup(text) : NULL;

	if (more != NULL)
		config->strings = more;
	if (copy != NULL)
		config->strings[config->string_count++] = copy;
	return copy;
}

/* One number and a unit: cli.md, 1.7. */
static bool
read_life(int64_t *out, const char *text)
{
	static const struct {
		char unit;
		int64_t seconds;
	} units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 } };
	char *end;

	if (strspn(text, "0123456789") == 0 || strspn(text, "0123456789") > 6)
		return false;
	int64_t n = strtoll(text, &end, 10);
	for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
		if (end[0] == units[i].unit && end[1] == '\0') {
			*out = n * units[i].seconds;
			return n > 0;
		}
	return false;
}

static bool
read_switch(bool *out, const char *text)
{
	*out = strcmp(text, "yes") == 0 || strcmp(text, "true") == 0;
	return *out || strcmp(text, "no") == 0 || strcmp(text, "false") == 0;
}

static bool
add_to_list(struct config *config, const struct row *row, const char *text)
{
	const char **list = member(&config->options, row->offset);
	size_t *count = member(&config->options, row->count);

	if (*count == row->most || (list[*count] = keep(config, text)) == NULL)
		return false;
	(*count)++;
	return true;
}

/* NULL; else what the value should be. */
static const char *
set(struct config *config, const struct row *row, const char *text)
{
	void *at = member(&config->options, row->offset);
	char *end = NULL;

	switch (row->kind) {
	case TEXT:
		*(const char **)at = keep(config, text);
		return *(const char **)at != NULL ? NULL : "out of memory";
	case LIST:
		return add_to_list(config, row, text) ? NULL : "is there too often";
	case SWITCH:
		return read_switch(at, text) ? NULL : "is yes or no";
	case COUNT:
		*(unsigned *)at = (unsigned)strtoul(text, &end, 10);
		return strspn(text, "0123456789") == strlen(text) && strlen(text) <= 2
		    ? NULL
		    : "is a number up to 99";
	case LIFE:
		return read_life(at, text) ? NULL : "is a time like 300s, 5m or 1h";
	case FORMAT:
		*(bool *)at = strcmp(text, "json") == 0;
		return *(bool *)at || strcmp(text, "text") == 0 ? NULL : "is text or json";
	}
	return "cannot be set";
}

static void
reset(struct config *config, const struct row *row)
{
	if (row->kind == LIST)
		*(size_t *)member(&config->options, row->count) = 0;
}

static const struct row *
find(const char *section, const char *key, size_t len)
{
	for (size_t i = 0; i < ROWS; i++)
		if ((section == NULL || strcmp(rows[i].section, section) == 0) &&
		    strlen(rows[i].key) == len && memcmp(rows[i].key, key, len) == 0)
			return &rows[i];
	return NULL;
}

/* --- the file ---------------------------------------------------------------------------- */

static char *
trim(char *text)
{
	text += strspn(text, " \t\r");
	for (size_t len = strlen(text); len > 0 && strchr(" \t\r", text[len - 1]) != NULL; len--)
		text[len - 1] = '\0';
	return text;
}

/* From a '#' at the start or behind a blank: a URL may have one inside. */
static void
cut_comment(char *line)
{
	for (char *p = line; (p = strchr(p, '#')) != NULL; p++)
		if (p == line || p[-1] == ' ' || p[-1] == '\t') {
			*p = '\0';
			return;
		}
}

static bool
is_section(const char *name)
{
	for (size_t i = 0; i < ROWS; i++)
		if (strcmp(rows[i].section, name) == 0)
			return true;
	return false;
}

/* Sets *section, or a value. seen: rows that are in the file already. */
static int
read_line(
    struct config *config, char *line, const char **section, bool seen[ROWS], const char *where)
{
	char quoted[QUOTE_ROOM];
	size_t n = strlen(line);

	if (line[0] == '[' && line[n - 1] == ']') {
		line[n - 1] = '\0';
		if (!is_section(line + 1)) {
			log_say(
			    "%s: there is no section %s; there are server, store, token, verify, "
			    "collateral and policy",
			    where, text_quote_string(quoted, line + 1));
			return EXIT_USAGE;
		}
		*section = line + 1;
		return 0;
	}
	char *equals = strchr(line, '=');
	if (equals == NULL) {
		log_say("%s: %s is not \"key = value\"", where, text_quote_string(quoted, line));
		return EXIT_USAGE;
	}
	*equals = '\0';
	const char *key = trim(line), *value = trim(equals + 1);
	const struct row *row = *section != NULL ? find(*section, key, strlen(key)) : NULL;
	if (row == NULL) {
		const struct row *other = find(NULL, key, strlen(key));
		log_say("%s: there is no key %s%s%s%s%s", where, text_quote_string(quoted, key),
		    *section != NULL ? " in section " : " before a [section]",
		    *section != NULL ? *section : "", other != NULL ? "; it belongs into " : "",
		    other != NULL ? other->section : "");
		return EXIT_USAGE;
	}
	if (seen[row - rows] && row->kind != LIST) {
		log_say("%s: %s is there twice", where, row->key);
		return EXIT_USAGE;
	}
	seen[row - rows] = true;
	const char *want = *value == '\0' ? "has no value" : set(config, row, value);
	if (want != NULL) {
		log_say("%s: %s %s", where, row->key, want);
		return EXIT_USAGE;
	}
	return 0;
}

int
config_parse(struct config *config, const char *text, size_t len, const char *name)
{
	const char *section = NULL;
	bool seen[ROWS] = { false };
	char where[128], *copy = strndup(text, len);
	unsigned number = 1;
	int rc = 0;

	if (copy == NULL) {
		log_say("out of memory");
		return EXIT_TROUBLE;
	}
	if (strlen(copy) != len) {
		log_say("%s: has a zero byte, and is no text", name);
		rc = EXIT_USAGE;
	}
	for (char *line = copy, *end; rc == 0 && line != NULL; line = end, number++) {
		end = strchr(line, '\n');
		if (end != NULL)
			*end++ = '\0';
		cut_comment(line);
		line = trim(line);
		snprintf(where, sizeof where, "%.100s:%u", name, number);
		if (*line != '\0')
			rc = read_line(config, line, &section, seen, where);
	}
	free(copy);
	return rc;
}

static int
read_file(struct config *config, bool must)
{
	FILE *from = fopen(config->path, "rbe");
	char *text = NULL;
	int rc = EXIT_USAGE;

	if (from == NULL && !must && errno == ENOENT) {
		free(config->path);
		config->path = NULL;
		return 0;
	}
	size_t n =
	    from != NULL && (text = malloc(FILE_MAX)) != NULL ? fread(text, 1, FILE_MAX, from) : 0;
	if (text == NULL || ferror(from) != 0)
		log_say("%s: cannot be read: %s", config->path, strerror(errno));
	else if (n == FILE_MAX)
		log_say("%s: is longer than a configuration can be, 256 KiB", config->path);
	else
		rc = config_parse(config, text, n, config->path);
	if (from != NULL)
		fclose(from);
	free(text);
	return rc;
}

/* --- the command line -------------------------------------------------------------------- */

static int
help(void)
{
	puts("usage: assayd [options]\n\n"
	     "Verifies evidence, and releases secrets to what has proven itself.\n");
	puts("  --config FILE         read this file (/etc/assay/assayd.conf, if it "
	     "exists)\n"
	     "  --check               print the effective configuration, and end");
	for (size_t i = 0; i < ROWS; i++) {
		char left[40];
		snprintf(left, sizeof left, "--%s%s%s", rows[i].key,
		    rows[i].value != NULL ? " " : "", rows[i].value != NULL ? rows[i].value : "");
		printf("  %-21s %s\n", left, rows[i].help);
	}
	puts("  -v, --verbose         say also what is only worth a look\n"
	     "  -h, --help\n"
	     "  --version\n\n"
	     "  assayd --store sqlite:/tmp/trial.db --listen tcp:127.0.0.1:0\n"
	     "  assayd --listen tcp:0.0.0.0:443 --tls-cert chain.pem --tls-key key.pem\n\n"
	     "exit: 0 stopped, 2 usage or configuration, 4 trouble; man assayd");
	return EXIT_DONE;
}

static int
misused(const char *word, const char *what)
{
	char quoted[QUOTE_ROOM];

	log_say("%s: %s        (assayd --help)", text_quote_string(quoted, word), what);
	return EXIT_USAGE;
}

/* A word of the command line that is a row's option: the row, and its value or NULL. */
static const struct row *
as_option(char *word, const char **value)
{
	const char *name = strncmp(word, "--", 2) == 0 ? word + 2 : "";
	size_t n = strcspn(name, "=");

	*value = name[n] == '=' ? name + n + 1 : NULL;
	return find(NULL, name, n);
}

static int
take_option(struct config *config, const struct row *row, const char *value, bool given[ROWS])
{
	if (given[row - rows] && row->kind != LIST)
		return misused(row->key, "is given twice");
	if (!given[row - rows])
		reset(config, row); /* the command line's list replaces the file's */
	given[row - rows] = true;
	const char *want = *value == '\0' ? "has no value" : set(config, row, value);
	return want == NULL ? 0 : misused(row->key, want);
}

/* Options that are no rows. Returns how many words it took, 0 for none of them, or -1 after a
 * complaint. */
static int
take_other(struct config *config, int left, char **argv)
{
	if (strcmp(argv[0], "--check") == 0) {
		config->check = true;
		return 1;
	}
	if (strcmp(argv[0], "-v") == 0 || strcmp(argv[0], "--verbose") == 0) {
		config->options.verbose++;
		return 1;
	}
	if (strncmp(argv[0], "--config=", 9) == 0)
		return 1; /* read before */
	if (strcmp(argv[0], "--config") == 0)
		return left > 1 ? 2 : 0;
	return 0;
}

static int
read_words(struct config *config, int argc, char **argv)
{
	bool given[ROWS] = { false };
	const char *value;
	int rc = 0;

	for (int i = 1; i < argc && rc == 0;) {
		const struct row *row = as_option(argv[i], &value);
		if (row == NULL) {
			int took = take_other(config, argc - i, argv + i);
			if (took == 0)
				return misused(
				    argv[i], "there is no such option, or it lacks its value");
			i += took;
			continue;
		}
		if (row->kind == SWITCH && value == NULL)
			value = "yes";
		else if (value == NULL && i + 1 < argc)
			value = argv[++i];
		if (value == NULL)
			return misused(argv[i], "lacks its value");
		rc = take_option(config, row, value, given);
		i++;
	}
	return rc;
}

static const char *
file_of(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--config") == 0 && i + 1 < argc)
			return argv[i + 1];
		if (strncmp(argv[i], "--config=", 9) == 0)
			return argv[i] + 9;
	}
	return NULL;
}

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

/* --- public ------------------------------------------------------------------------------ */

struct config *
config_new(void)
{
	struct config *config = calloc(1, sizeof *config);

	if (config == NULL)
		return NULL;
	config->options.keeper = (struct keeper_options){
		.store = "sqlite:/var/lib/assay/assayd.db",
		.issuer = "assayd",
		.audience = "assay-kbs",
		.token_life_s = 300,
		.ticket_life_s = 300,
	};
	return config;
}

void
config_free(struct config *config)
{
	if (config == NULL)
		return;
	for (size_t i = 0; i < config->string_count; i++)
		free(config->strings[i]);
	free(config->strings);
	free(config->path);
	free(config);
}

/* File, then command line, then judgement. */
static int
fill(struct config *config, int argc, char **argv)
{
	const char *file = file_of(argc, argv);
	int rc;

	config->argc = argc;
	config->argv = argv;
	config->path = strdup(file != NULL ? file : default_file);
	if (config->path == NULL) {
		log_say("out of memory");
		return EXIT_TROUBLE;
	}
	if ((rc = read_file(config, file != NULL)) != 0 ||
	    (rc = read_words(config, argc, argv)) != 0 ||
	    (rc = judge_listening(&config->options)) != 0 ||
	    (rc = judge_keeper(&config->options.keeper)) != 0 ||
	    (rc = judge_opa(&config->options)) != 0)
		return rc;
	config->options.keeper.opa = config->options.opa != NULL;
	return judge_verifying(&config->options);
}

int
config_read(struct config **out, int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "-h") == 0 || strcmp(argv[i], "--help") == 0)
			return help();
		if (strcmp(argv[i], "--version") == 0) {
			printf("assayd %s\n", ASSAY_VERSION);
			return EXIT_DONE;
		}
	}
	struct config *config = config_new();
	if (config == NULL) {
		log_say("out of memory");
		return EXIT_TROUBLE;
	}
	int rc = fill(config, argc, argv);
	if (rc != 0) {
		config_free(config);
		return rc;
	}
	*out = config;
	return CONFIG_GO_ON;
}

const struct server_options *
config_options(const struct config *config)
{
	return &config->options;
}

const char *
config_path(const struct config *config)
{
	return config->path;
}

bool
config_check_only(const struct config *config)
{
	return config->check;
}

static void
print_row(FILE *to, const struct server_options *o, const struct row *row)
{
	const void *at = const_member(o, row->offset);
	const char *text = "";

	switch (row->kind) {
	case TEXT:
		text = *(const char *const *)at;
		break;
	case LIST:
		for (size_t i = 0; i < *(const size_t *)const_member(o, row->count); i++)
			fprintf(to, "%s = %s\n", row->key, ((const char *const *)at)[i]);
		return;
	case SWITCH:
		text = *(const bool *)at ? "yes" : "no";
		break;
	case COUNT:
		fprintf(to, "%s = %u\n", row->key, *(const unsigned *)at);
		return;
	case LIFE:
		fprintf(to, "%s = %llds\n", row->key, (long long)*(const int64_t *)at);
		return;
	case FORMAT:
		text = *(const bool *)at ? "json" : "text";
		break;
	}
	if (text != NULL)
		fprintf(to, "%s = %s\n", row->key, text);
}

void
config_print(FILE *to, const struct config *config)
{
	fprintf(to, "# assayd %s, %s\n", ASSAY_VERSION,
	    config->path != NULL ? config->path : "no file");
	for (size_t i = 0; i < ROWS; i++) {
		if (i == 0 || strcmp(rows[i].section, rows[i - 1].section) != 0)
			fprintf(to, "%s[%s]\n", i > 0 ? "\n" : "", rows[i].section);
		print_row(to, &config->options, &rows[i]);
	}
}

static bool
same_row(const struct server_options *a, const struct server_options *b, const struct row *row)
{
	char *texts[2] = { NULL, NULL };
	size_t len;
	const struct server_options *const both[2] = { a, b };

	for (size_t i = 0; i < 2; i++) {
		FILE *to = open_memstream(&texts[i], &len);
		if (to == NULL)
			break;
		print_row(to, both[i], row);
		fclose(to);
	}
	bool same = texts[0] != NULL && texts[1] != NULL && strcmp(texts[0], texts[1]) == 0;
	free(texts[0]);
	free(texts[1]);
	return same;
}

bool
config_reload(struct config *config)
{
	struct config *fresh = config_new();

	if (config->path == NULL) { /* certificates are read again all the same */
		config_free(fresh);
		return true;
	}
	if (fresh == NULL || fill(fresh, config->argc, config->argv) != 0) {
		config_free(fresh);
		return false;
	}
	for (size_t i = 0; i < ROWS; i++) {
		const struct row *row = &rows[i];
		if (same_row(&config->options, &fresh->options, row))
			continue;
		if (!row->reloads) {
			log_say("%s: %s has changed; that takes a restart", config->path, row->key);
			continue;
		}
		const char *text = *(const char *const *)const_member(&fresh->options, row->offset);
		const char *copy = text != NULL ? keep(config, text) : NULL;
		if (text == NULL || copy != NULL)
			*(const char **)member(&config->options, row->offset) = copy;
	}
	config_free(fresh);
	return true;
}
