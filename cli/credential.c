/* SPDX-License-Identifier: Apache-2.0 */
/*
 * assay-credential: answers systemd, which asks for a credential of a unit (LoadCredential=) or the key
 * of a volume (crypttab) by connecting to a socket, with the secret that a key broker gives this machine
 * for it. One process for each connection: what breaks, breaks for one.
 */
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "broker.h"
#include "command.h"
#include "config.h"
#include "http.h"
#include "input.h"
#include "value.h"

enum {
	NAME_ROOM = 512,
	SECTIONS_MAX = 256,
	TIMEOUT_S = 60, /* a network that has just come up */
	TIMEOUT_MAX_S = 3600,
	/* More than systemd takes of a credential (1 MiB), or of an encrypted one. */
	TOO_MUCH = 2 * 1024 * 1024,
};

static const char default_config[] = "/etc/assay/credential.conf";

/* What a section says; of the first one, which has no name, what holds for all. */
struct section {
	const char *name; /* "nginx.service/tls-key", "cryptsetup/data" */
	const char *resource, *url, *ca, *provider, *timeout;
};

struct settings {
	char *text; /* all of it points in here */
	struct section sections[SECTIONS_MAX];
	size_t count;
};

/* The names in messages of what is shared with the command. */
static const struct command self = { .name = "assay-credential" };

static void say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* A line of the journal; what a broker said in it cannot begin another. */
static void
say(const char *fmt, ...)
{
	char text[NAME_ROOM + BROKER_WHY + 64];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	for (char *p = text; *p != '\0'; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = '?';
	fprintf(stderr, "%sassay-credential: %s\n", getenv("JOURNAL_STREAM") != NULL ? "<3>" : "",
	    text);
}

/* --- the configuration ----------------------------------------------------------------------- */

static const char **
key_of(struct section *s, const char *key)
{
	const struct {
		const char *name, **at;
	} keys[] = {
		{ "resource", &s->resource },
		{ "url", &s->url },
		{ "ca", &s->ca },
		{ "provider", &s->provider },
		{ "timeout", &s->timeout },
	};

	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
		if (strcmp(keys[i].name, key) == 0)
			return keys[i].at;
	return NULL;
}

static bool
new_section(struct settings *set, char *name, const char *path, unsigned line)
{
	size_t len = strlen(name);

	if (name[len - 1] != ']' || strchr(name, '/') == NULL ||
	    strchr(name, '/') != strrchr(name, '/')) {
		say("%s:%u: \"%.80s\" is not [UNIT/CREDENTIAL] or [cryptsetup/VOLUME]", path, line,
		    name);
		return false;
	}
	name[len - 1] = '\0';
	for (size_t i = 1; i < set->count; i++)
		if (strcmp(set->sections[i].name, name + 1) == 0) {
			say("%s:%u: [%.80s] stands there twice", path, line, name + 1);
			return false;
		}
	if (set->count == SECTIONS_MAX) {
		say("%s:%u: there are more than %d sections", path, line, SECTIONS_MAX - 1);
		return false;
	}
	set->sections[set->count++] = (struct section){ .name = name + 1 };
	return true;
}

static bool
read_line(struct settings *set, char *line, const char *path, unsigned number)
{
	struct section *s = &set->sections[set->count - 1];
	char *equals;

	line[strcspn(line, "#")] = '\0';
	line = config_trim(line);
	if (*line == '\0')
		return true;
	if (*line == '[')
		return new_section(set, line, path, number);
	if ((equals = strchr(line, '=')) == NULL) {
		say("%s:%u: \"%.80s\" is not \"key = value\"", path, number, line);
		return false;
	}
	*equals = '\0';
	const char *key = config_trim(line), *value = config_trim(equals + 1);
	const char **at = key_of(s, key);
	if (at == NULL || (at == &s->resource && s->name[0] == '\0')) {
		say("%s:%u: \"%.80s\" cannot be set here; resource (in a section), url, ca, "
		    "provider and "
		    "timeout can",
		    path, number, key);
		return false;
	}
	if (*value == '\0' || *at != NULL) {
		say("%s:%u: %s %s", path, number, key,
		    *at != NULL ? "stands there twice" : "has no value");
		return false;
	}
	*at = value;
	return true;
}

static bool
judge_url(const char *url, char why[BROKER_WHY])
{
	if (http_is_url(url))
		return true;
	if (http_has_user(url))
		snprintf(why, BROKER_WHY,
		    "url: has a user in it, whose password would stand in the journal; write it "
		    "without USER@");
	else
		snprintf(why, BROKER_WHY,
		    "url: \"%.100s\" is none of https://..., http://..., unix:/PATH", url);
	return false;
}

/* What a section leaves open is as it is for all. */
static bool
complete(struct section *s, const struct section *all, const char *path)
{
	struct broker_resource resource;
	char why[BROKER_WHY];
	int64_t seconds = 0;

	s->url = s->url != NULL ? s->url : all->url;
	s->ca = s->ca != NULL ? s->ca : all->ca;
	s->provider = s->provider != NULL ? s->provider : all->provider;
	s->timeout = s->timeout != NULL ? s->timeout : all->timeout;
	if (s->resource == NULL) {
		say("%s: [%.80s] names no resource", path, s->name);
		return false;
	}
	if (!broker_resource(&resource, s->resource, why)) {
		say("%s: [%.80s]: resource: %s", path, s->name, why);
		return false;
	}
	if (s->url != NULL && !judge_url(s->url, why)) {
		say("%s: [%.80s]: %s", path, s->name, why);
		return false;
	}
	if (s->timeout != NULL &&
	    (!value_duration(&seconds, s->timeout) || seconds <= 0 || seconds > TIMEOUT_MAX_S)) {
		say("%s: [%.80s]: timeout: \"%.20s\" is no duration; write 30s or 10m", path,
		    s->name, s->timeout);
		return false;
	}
	return true;
}

static bool
read_settings(struct settings *set, const char *path)
{
	struct input in = { 0 };
	unsigned number = 1;
	bool ok;

	*set = (struct settings){ .count = 1, .sections = { { .name = "" } } };
	if (input_read(&self, &in, path, "a configuration file") != 0)
		return false;
	set->text = strndup(in.len > 0 ? (const char *)in.data : "", in.len);
	input_clear(&in);
	if (!(ok = set->text != NULL))
		say("out of memory");
	for (char *line = set->text, *end; ok && line != NULL; line = end, number++) {
		if ((end = strchr(line, '\n')) != NULL)
			*end++ = '\0';
		ok = read_line(set, line, path, number);
	}
	for (size_t i = 1; ok && i < set->count; i++)
		ok = complete(&set->sections[i], &set->sections[0], path);
	return ok;
}

static int
check(const struct settings *set)
{
	for (size_t i = 1; i < set->count; i++) {
		const struct section *s = &set->sections[i];
		printf("[%s]\nresource = %s\n", s->name, s->resource);
		if (s->url != NULL)
			printf("url = %s\n", s->url);
		if (s->ca != NULL)
			printf("ca = %s\n", s->ca);
		if (s->provider != NULL)
			printf("provider = %s\n", s->provider);
		printf("timeout = %s\n\n", s->timeout != NULL ? s->timeout : "60s");
	}
	return fflush(stdout) == 0 ? EXIT_YES : EXIT_TROUBLE;
}

/* --- who asks, and for what ------------------------------------------------------------------ */

/*
 * The peer's own address says it: "\0HEX/unit/UNIT/ID", "\0HEX/cryptsetup/VOLUME". Whoever may connect
 * could say anything, so that only the system's manager, or our own user, is believed.
 * Source: systemd.exec(5), LoadCredential=; crypttab(5), AF_UNIX key files.
 */
static bool
read_peer(char out[NAME_ROOM], int fd)
{
	struct sockaddr_un peer = { .sun_family = AF_UNSPEC };
	struct ucred who;
	socklen_t len = sizeof peer, who_len = sizeof who;
	size_t head = offsetof(struct sockaddr_un, sun_path);
	char name[sizeof peer.sun_path + 1] = "";

	if (getpeername(fd, (struct sockaddr *)&peer, &len) != 0 || peer.sun_family != AF_UNIX) {
		say("standard input is no connection to a Unix socket; a socket unit starts this");
		return false;
	}
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &who_len) != 0 ||
	    (who.uid != 0 && who.uid != geteuid())) {
		say("user %u asks, and only root is answered", (unsigned)who.uid);
		return false;
	}
	if (len > head + 1 && len <= sizeof peer && peer.sun_path[0] == '\0')
		memcpy(name, peer.sun_path + 1, len - head - 1);
	const char *rest = name + strspn(name, "0123456789abcdef");
	bool unit = strncmp(rest, "/unit/", 6) == 0;
	if (rest == name || strlen(name) != len - head - 1 ||
	    (!unit && strncmp(rest, "/cryptsetup/", 12) != 0)) {
		say("the peer does not say for what it asks; it must be systemd, for "
		    "LoadCredential= or "
		    "crypttab");
		return false;
	}
	snprintf(out, NAME_ROOM, "%s", rest + (unit ? 6 : 1));
	return true;
}

static const struct section *
find(const struct settings *set, const char *name)
{
	for (size_t i = 1; i < set->count; i++)
		if (strcmp(set->sections[i].name, name) == 0)
			return &set->sections[i];
	say("%.200s: no section [%.200s] says which resource that is", name, name);
	return NULL;
}

/* --- the answer ------------------------------------------------------------------------------ */

static bool
write_all(int fd, const uint8_t *bytes, size_t len)
{
	while (len > 0) {
		ssize_t n = send(fd, bytes, len, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		bytes += n;
		len -= (size_t)n;
	}
	return true;
}

/*
 * An end without a byte would be a credential that is empty, and the unit would start with it. A stream
 * has no other word for "no" than to be longer than systemd takes: then the unit fails. systemd-cryptsetup
 * takes it all for a key, so that it must be none that anybody knows.
 */
static uint8_t noise[16 * 1024];
static volatile sig_atomic_t answered;

static void
refuse(int fd)
{
	for (size_t sent = 0; sent <= TOO_MUCH; sent += sizeof noise)
		if (!write_all(fd, noise, sizeof noise))
			return;
}

/* Also who is stopped in the midst of it must not leave an empty answer, or the half of one. */
static void
stop(int signal)
{
	static const char words[] = "assay-credential: stopped before the secret was sent\n";

	(void)signal;
	if (!answered) {
		ssize_t told = write(STDERR_FILENO, words, sizeof words - 1);
		(void)told;
		refuse(STDIN_FILENO);
	}
	_exit(EXIT_TROUBLE);
}

/* Without random bytes there is no refusal, and nothing begins before there is one. */
static void
prepare_refusal(void)
{
	struct sigaction act = { .sa_handler = stop };

	for (size_t have = 0; have < sizeof noise;) {
		ssize_t n = getrandom(noise + have, sizeof noise - have, 0);
		if (n > 0)
			have += (size_t)n;
		else if (errno != EINTR)
			sleep(1);
	}
	(void)sigaction(SIGTERM, &act, NULL);
}

static int
fetch(struct input *secret, const struct section *s)
{
	struct broker_how how = {
		.ca = s->ca, .provider = s->provider, .timeout_s = TIMEOUT_S, .patient = true
	};
	struct broker_resource resource;
	struct config config = { 0 };
	struct broker *b = NULL;
	char why[BROKER_WHY] = "";
	int rc = EXIT_USAGE;

	if (s->timeout != NULL)
		(void)value_duration(&how.timeout_s, s->timeout);
	if (config_read(&config, &self) == 0 && broker_resource(&resource, s->resource, why)) {
		how.url = resource.base[0] != '\0' ? resource.base
		    : s->url != NULL               ? s->url
						   : config.url;
		if (how.ca == NULL)
			how.ca = config.ca;
		if (how.url == NULL)
			snprintf(why, sizeof why, "no url says which broker is to be asked");
		else if (!judge_url(how.url, why))
			rc = EXIT_USAGE;
		else if ((b = broker_open(&how, why)) == NULL)
			rc = EXIT_TROUBLE;
		else if ((rc = broker_get(b, resource.path, secret)) != EXIT_YES)
			snprintf(why, sizeof why, "%s", broker_why(b));
	}
	if (rc != EXIT_YES)
		say("%s: %s", s->name, why[0] != '\0' ? why : "not asked for, as said above");
	broker_close(b);
	config_clear(&config);
	return rc;
}

static int
answer(const struct settings *set, int fd)
{
	const struct rlimit none = { 0, 0 };
	char name[NAME_ROOM];
	struct input secret = { 0 };
	const struct section *s;
	int rc = EXIT_USAGE;

	(void)setrlimit(RLIMIT_CORE, &none);
	if (read_peer(name, fd) && (s = find(set, name)) != NULL)
		rc = fetch(&secret, s);
	if (rc == EXIT_YES && !write_all(fd, secret.data, secret.len)) {
		say("%s: the peer does not take it: %s", name, strerror(errno));
		rc = EXIT_TROUBLE;
	}
	if (rc != EXIT_YES)
		refuse(fd);
	answered = 1;
	input_wipe(&secret);
	return rc;
}

static void
help(FILE *to)
{
	fputs("usage: assay-credential [--config FILE] [--check]\n\n"
	      "Answers systemd, on standard input, with the secret that a key broker gives\n"
	      "this machine for a credential of a unit, or for a volume of crypttab.\n\n"
	      "  --config FILE  which resource is for whom (/etc/assay/credential.conf)\n"
	      "  --check        print the effective configuration; 0 or 2\n"
	      "  --help, --version\n\n"
	      "exit: 0 answered, 1 refused, 2 configuration, 3 no TEE here, 4 trouble\n"
	      "More: man assay-credential\n",
	    to);
}

int
main(int argc, char **argv)
{
	const char *path = default_config;
	bool only_check = false;
	struct settings set;
	int rc = EXIT_USAGE;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
			help(stdout);
			return EXIT_YES;
		}
		if (strcmp(argv[i], "--version") == 0) {
			puts("assay-credential " ASSAY_VERSION);
			return EXIT_YES;
		}
		if (strcmp(argv[i], "--check") == 0) {
			only_check = true;
		} else if (strncmp(argv[i], "--config=", 9) == 0) {
			path = argv[i] + 9;
		} else if (strcmp(argv[i], "--config") == 0 && i + 1 < argc) {
			path = argv[++i];
		} else {
			say("\"%.80s\" is none of --config FILE, --check, --help, --version",
			    argv[i]);
			return EXIT_USAGE;
		}
	}
	if (!only_check)
		prepare_refusal();
	if (!read_settings(&set, path)) {
		if (!only_check)
			refuse(STDIN_FILENO);
	} else
		rc = only_check ? check(&set) : answer(&set, STDIN_FILENO);
	free(set.text);
	return rc;
}
