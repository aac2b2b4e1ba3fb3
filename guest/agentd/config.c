/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <stddef.h>
#include <string.h>

#include "callers.h"
#include "http.h"
#include "http/listen.h"
#include "options.h"
#include "text.h"

enum {
	EXIT_USAGE = 2,
	TIMEOUT_MAX_S = 600,
	/* An answer that is lost must end before those who wait for their turn behind it are sent away, after 25 s. */
	BROKER_TIMEOUT_MAX_S = 20,
};

/* --- what there is to set ---------------------------------------------------------------- */

#define AT(member) offsetof(struct agent_options, member)

static const struct setting rows[] = {
	{ "agent", "listen", "ADDR", SETTING_LIST, false, AT(listen), AT(listen_count),
	    AGENT_LISTEN_MAX, "unix:PATH or tcp:127.0.0.1:PORT; repeats (agent.sock)" },
	{ "agent", "attest-socket", "PATH", SETTING_TEXT, false, AT(attest_socket), 0, 0,
	    "for libassay-guest (/run/assay/attest.sock)" },
	{ "agent", "user", "NAME", SETTING_TEXT, false, AT(user), 0, 0,
	    "to become, when started as root" },
	{ "agent", "log", "FORMAT", SETTING_FORMAT, false, AT(json_log), 0, 0,
	    "text (default) or json" },
	{ "callers", "allow-uid", "USER", SETTING_LIST, true, AT(allow_uid), AT(allow_uid_count),
	    AGENT_NAMES_MAX, "may ask, beside root; repeats" },
	{ "callers", "allow-gid", "GROUP", SETTING_LIST, true, AT(allow_gid), AT(allow_gid_count),
	    AGENT_NAMES_MAX, "whose members may ask; repeats" },
	{ "get_attestation", "allow-key-uid", "USER", SETTING_LIST, true, AT(allow_key_uid),
	    AT(allow_key_uid_count), AGENT_NAMES_MAX,
	    "is given the injected key; repeats (none: it is wiped)" },
	{ "get_attestation", "enarx", NULL, SETTING_SWITCH, false, AT(enarx), 0, 0,
	    "nobody is given the key; nonces are answered" },
	{ "sev", "broker", "ADDR", SETTING_TEXT, false, AT(broker), 0, 0,
	    "vsock:host:PORT or unix:PATH (vsock:host:5577)" },
	{ "sev", "broker-timeout", "D", SETTING_LIFE, false, AT(broker_timeout_s), 0, 0,
	    "for one answer of the broker (10s)" },
	{ "sev", "secrets", "DIR", SETTING_TEXT, false, AT(secrets), 0, 0,
	    "launch secrets (/sys/kernel/security/secrets/coco)" },
	{ "release", "url", "URL", SETTING_TEXT, true, AT(url), 0, 0, "the key broker" },
	{ "release", "ca", "FILE", SETTING_TEXT, true, AT(ca), 0, 0,
	    "whom its TLS must chain to, PEM" },
	{ "release", "provider", "NAME", SETTING_TEXT, true, AT(provider), 0, 0,
	    "of evidence (the first that works)" },
	{ "release", "timeout", "D", SETTING_LIFE, true, AT(timeout_s), 0, 0,
	    "of a request over HTTP (30s)" },
};

/* --- what makes sense -------------------------------------------------------------------- */

/* NULL, or what is wrong with it. */
static const char *
broker_fault(const char *address)
{
	const char *rest = address + 6, *colon = strrchr(address, ':');

	if (strncmp(address, "unix:", 5) == 0)
		return address[5] == '/' && strlen(address + 5) < 108
		    ? NULL
		    : "is not unix:PATH with an absolute path of at most 107 characters";
	if (strncmp(address, "vsock:", 6) != 0 || colon < rest)
		return "is no address; write vsock:host:5577 or unix:PATH";
	size_t cid = strspn(rest, "0123456789"), port = strspn(colon + 1, "0123456789");
	if ((strncmp(rest, "host:", 5) != 0 && (cid == 0 || cid > 10 || rest + cid != colon)) ||
	    (rest[0] == 'h' && rest + 4 != colon) || port == 0 || port > 9 ||
	    colon[1 + port] != '\0')
		return "is not vsock:host:PORT or vsock:CID:PORT";
	return NULL;
}

static int
judge_times(const struct agent_options *o)
{
	if (o->broker_timeout_s > BROKER_TIMEOUT_MAX_S)
		log_say(
		    "broker-timeout: must be from 1s to %ds; who asks the agent waits 25s in all",
		    BROKER_TIMEOUT_MAX_S);
	else if (o->timeout_s > TIMEOUT_MAX_S)
		log_say("timeout: must be from 1s to 10m");
	else
		return 0;
	return EXIT_USAGE;
}

static int
judge(void *options)
{
	struct agent_options *o = options;
	struct callers callers;
	const char *fault;

	if (o->listen_count == 0)
		o->listen[o->listen_count++] = "unix:/run/assay/agent.sock";
	for (size_t i = 0; i < o->listen_count; i++) {
		fault = listen_fault(o->listen[i]);
		if (fault == NULL && !listen_is_loopback(o->listen[i]))
			fault = "would be open to other machines; only unix:PATH and "
				"tcp:127.0.0.1:PORT are taken";
		if (fault != NULL) {
			log_say("listen: %s %s", o->listen[i], fault);
			return EXIT_USAGE;
		}
	}
	if ((fault = broker_fault(o->broker)) != NULL) {
		log_say("broker: %s %s", o->broker, fault);
		return EXIT_USAGE;
	}
	if (o->attest_socket[0] != '/' || strlen(o->attest_socket) > 107) {
		log_say("attest-socket: %s is no absolute path of at most 107 characters",
		    o->attest_socket);
		return EXIT_USAGE;
	}
	if (o->url != NULL && http_has_user(o->url)) {
		log_say("url: has a user in it, whose password would stand in the log; write it "
			"without USER@");
		return EXIT_USAGE;
	}
	if (o->url != NULL && strncmp(o->url, "http://", 7) != 0 &&
	    strncmp(o->url, "https://", 8) != 0 && strncmp(o->url, "unix:/", 6) != 0) {
		log_say("url: %s is no URL; write https://HOST:PORT, http or unix:/PATH", o->url);
		return EXIT_USAGE;
	}
	if (o->enarx && o->allow_key_uid_count > 0) {
		log_say("enarx and allow-key-uid: one of the two; with enarx the key is given to "
			"nobody");
		return EXIT_USAGE;
	}
	if (judge_times(o) != 0)
		return EXIT_USAGE;
	return callers_resolve(&callers, o) ? 0 : EXIT_USAGE;
}

static void
begin(void *options)
{
	*(struct agent_options *)options = (struct agent_options){
		.attest_socket = "/run/assay/attest.sock",
		.broker = "vsock:host:5577",
		.broker_timeout_s = 10,
		.secrets = "/sys/kernel/security/secrets/coco",
		.timeout_s = 30,
	};
}

/* --- public ------------------------------------------------------------------------------ */

const struct settings_table agent_table = {
	.program = "assay-agentd",
	.file = "/etc/assay/assay-agentd.conf",
	.about = "Attests the guest that it runs in, for its workloads.",
	.examples = "  assay-agentd --user assay-agent --url https://keys.example --ca ca.pem\n"
		    "  assay-agentd --listen tcp:127.0.0.1:8006 --broker vsock:host:5577",
	.rows = rows,
	.row_count = sizeof rows / sizeof rows[0],
	.size = sizeof(struct agent_options),
	.verbose = AT(verbose),
	.begin = begin,
	.judge = judge,
};
