/* SPDX-License-Identifier: Apache-2.0 */
/* Puts the guest's key, and what else it is to have, into a guest that was checked. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include <assay/proof.h>

#include "command.h"
#include "launch_files.h"
#include "launch_vm.h"
#include "measure.h"
#include "screen.h"
#include "value.h"

struct job {
	const struct args *args;
	struct launch_files files;
	struct launch_vm vm;
	uint8_t *key; /* PrivateKeyInfo */
	size_t key_len;
	struct input public_key;
	struct input files_in[ASSAY_LAUNCH_SECRETS_MAX];
	char guids[ASSAY_LAUNCH_SECRETS_MAX][ASSAY_GUID_TEXT];
	struct assay_launch_secret secrets[ASSAY_LAUNCH_SECRETS_MAX];
	size_t count;
	size_t area; /* that the image has for all of this; 0: not told */
	uint8_t header[ASSAY_LAUNCH_HEADER_SIZE];
	uint8_t *payload;
	size_t payload_len;
};

/* --- what is given ----------------------------------------------------------------------- */

/* A PEM block of this label becomes the DER in it; other files stay as they are. */
static int
unwrap_pem(const struct args *args, const char *path, struct input *in, const char *label)
{
	char *name = NULL, *head = NULL;
	uint8_t *der = NULL;
	long len = 0;
	int rc = 0;

	if (in->len < 11 || memcmp(in->data, "-----BEGIN ", 11) != 0)
		return 0;
	BIO *bio = BIO_new_mem_buf(in->data, (int)in->len);
	if (bio == NULL || PEM_read_bio(bio, &name, &head, &der, &len) != 1 ||
	    strcmp(name, label) != 0) {
		rc = misused(args->command, "%s: is no PEM block \"%s\"%s", path, label,
		    strcmp(label, "PRIVATE KEY") == 0
			? "; convert it: openssl pkcs8 -topk8 -nocrypt"
			: "");
	} else {
		explicit_bzero(in->data, in->len);
		memcpy(in->data, der, (size_t)len); /* shorter than its text */
		in->len = (size_t)len;
	}
	OPENSSL_clear_free(der, len > 0 ? (size_t)len : 0);
	OPENSSL_free(name);
	OPENSSL_free(head);
	BIO_free(bio);
	ERR_clear_error();
	return rc;
}

static int
make_key(struct job *job)
{
	const char *type = args_value(job->args, OPT_KEY_TYPE);
	struct assay_error err;

	enum assay_code code =
	    assay_launch_key_make(&job->key, &job->key_len, type != NULL ? type : "P-256", &err);
	if (code == ASSAY_E_USAGE)
		return misused(job->args->command, "--%s", err.text);
	if (code == ASSAY_OK)
		return 0;
	complain(job->args->command, "%s", err.text);
	return EXIT_TROUBLE;
}

static int
read_key(struct job *job, const char *path)
{
	const char *public = args_value(job->args, OPT_PUBLIC_KEY);
	struct input in = { 0 };
	int rc = input_secret(job->args->command, &in, path, "a private key");

	if (rc == 0)
		rc = unwrap_pem(job->args, path, &in, "PRIVATE KEY");
	job->key = in.data;
	job->key_len = in.len;
	if (rc == 0 && public != NULL &&
	    (rc = input_read(job->args->command, &job->public_key, public, "a public key")) == 0)
		rc = unwrap_pem(job->args, public, &job->public_key, "PUBLIC KEY");
	return rc;
}

static int
take_key(struct job *job)
{
	const char *path = args_value(job->args, OPT_PRIVATE_KEY);

	if (path != NULL && args_has(job->args, OPT_KEY_TYPE))
		return misused(job->args->command,
		    "--key-type is of the key that is made here; --private-key has its own");
	if (path == NULL && args_has(job->args, OPT_PUBLIC_KEY))
		return misused(job->args->command, "--public-key goes with --private-key");
	return path != NULL ? read_key(job, path) : make_key(job);
}

/* GUID:FILE */
static int
take_secret(struct job *job, const char *text)
{
	size_t n = ASSAY_GUID_TEXT - 1;
	struct input *in = &job->files_in[job->count];
	int rc;

	if (strlen(text) < n + 2 || text[n] != ':')
		return misused(job->args->command,
		    "--secret: \"%.60s\" is no GUID:FILE, with a GUID of 8-4-4-4-12 hex digits",
		    text);
	memcpy(job->guids[job->count], text, n);
	if ((rc = input_material(job->args->command, in, text + n + 1, "a secret")) != 0)
		return rc;
	job->secrets[job->count] =
	    (struct assay_launch_secret){ job->guids[job->count], input_bytes(in) };
	job->count++;
	return 0;
}

static int
take_secrets(struct job *job)
{
	int rc = args_has(job->args, OPT_OVMF) ? measure_secret_area(job->args, &job->area) : 0;

	for (size_t i = 0; rc == 0 && i < job->args->given_count; i++) {
		if (job->args->given[i].option->id != OPT_SECRET)
			continue;
		if (job->count == ASSAY_LAUNCH_SECRETS_MAX - 1)
			return misused(job->args->command, "--secret: more than %d",
			    ASSAY_LAUNCH_SECRETS_MAX - 1);
		rc = take_secret(job, job->args->given[i].value);
	}
	return rc;
}

/* --- where it goes ----------------------------------------------------------------------- */

/* The guest behind this socket is the one that was checked, and waits still. */
static int
check_vm(const struct job *job)
{
	struct assay_bytes measure = assay_launch_measure(job->files.launch),
			   mnonce = assay_launch_mnonce(job->files.launch);

	if (memcmp(measure.ptr, job->vm.answer.measure, measure.len) == 0 &&
	    memcmp(mnonce.ptr, job->vm.answer.mnonce, mnonce.len) == 0)
		return 0;
	complain(job->args->command,
	    "%s: its guest has another measurement than the one that was checked; nothing was "
	    "sent: this session has launched a guest already, and is for one launch; make another, "
	    "unless this is the VMM of another guest",
	    job->vm.address);
	return EXIT_NO;
}

static int
take_target(struct job *job)
{
	const char *folder = args_value(job->args, OPT_FOLDER);
	int rc;

	if ((folder != NULL) == args_has(job->args, OPT_QMP))
		return misused(job->args->command,
		    "one of the two: --qmp ADDR, where the VMM listens, or --output DIR for the "
		    "files");
	if (folder != NULL && !input_is_folder(folder))
		return misused(job->args->command, "--output: %s is no folder", folder);
	if (folder != NULL)
		return 0;
	rc = launch_vm_open(&job->vm, job->args);
	return rc == 0 ? check_vm(job) : rc;
}

static int
inject(struct job *job)
{
	char header[2 * ASSAY_LAUNCH_HEADER_SIZE], *secret = malloc(2 * job->payload_len + 8);
	json_t *arguments;
	int rc;

	if (secret == NULL) {
		complain(job->args->command, "out of memory");
		return EXIT_TROUBLE;
	}
	value_base64(header, (struct assay_bytes){ job->header, sizeof job->header });
	value_base64(secret, (struct assay_bytes){ job->payload, job->payload_len });
	arguments = json_pack("{s:s,s:s}", "packet-header", header, "secret", secret);
	free(secret);
	rc = launch_vm_do(&job->vm, "sev-inject-launch-secret", arguments);
	return rc == 0 ? launch_vm_do(&job->vm, "cont", NULL) : rc;
}

/* One of the packet's files. The caller frees; NULL: it has complained. */
static char *
packet_path(const struct job *job, bool header)
{
	return launch_path(job->args, args_value(job->args, OPT_FOLDER),
	    assay_launch_name(job->files.launch), header ? "_secret_header.b64" : "_secret.b64");
}

static int
put_file(const struct job *job, bool header, const uint8_t *data)
{
	struct assay_bytes what = { data, header ? sizeof job->header : job->payload_len };
	char *path = packet_path(job, header);
	int rc = path != NULL ? launch_put_base64(job->args, path, what) : EXIT_TROUBLE;

	free(path);
	return rc;
}

static int
put_files(const struct job *job, const uint8_t *header, const uint8_t *payload)
{
	int rc = put_file(job, true, header);

	return rc == 0 ? put_file(job, false, payload) : rc;
}

static void
remove_files(const struct job *job)
{
	for (int i = 0; i < 2; i++) {
		char *path = packet_path(job, i == 0);
		if (path != NULL)
			(void)unlink(path);
		free(path);
	}
}

/* What is there may be the one packet of another guest. */
static int
check_free(const struct job *job, bool header)
{
	char *path = packet_path(job, header);
	struct stat st;
	int rc = path != NULL ? 0 : EXIT_TROUBLE;

	if (path != NULL && lstat(path, &st) == 0)
		rc = misused(job->args->command,
		    "--output: %s is there already, and may be what another guest waits for; take "
		    "another folder",
		    path);
	free(path);
	return rc;
}

/* Files like those of the packet, of zeros: what cannot be written is found out before the session is
 * spent. */
static int
reserve(const struct job *job)
{
	int rc;

	if ((rc = check_free(job, true)) != 0 || (rc = check_free(job, false)) != 0)
		return rc;
	uint8_t *zeros = calloc(1, sizeof job->header + job->payload_len);
	if (zeros == NULL) {
		complain(job->args->command, "out of memory");
		return EXIT_TROUBLE;
	}
	if ((rc = put_files(job, zeros, zeros)) != 0)
		remove_files(job);
	free(zeros);
	return rc;
}

static int
send_packet(struct job *job)
{
	return job->vm.qmp != NULL ? inject(job) : put_files(job, job->header, job->payload);
}

/* --- the answer -------------------------------------------------------------------------- */

static int
answer(const struct job *job)
{
	const struct assay_launch *l = job->files.launch;
	struct screen s;
	int rc = screen_open(&s, job->args);

	if (rc != 0)
		return rc;
	fprintf(
	    s.to, "%s  %zu bytes, the guest's key\n", assay_launch_secret_guid(l, 0), job->key_len);
	for (size_t i = 0; i < job->count; i++)
		fprintf(s.to, "%s  %zu bytes\n", assay_launch_secret_guid(l, i + 1),
		    job->secrets[i].data.len);
	if (job->vm.qmp == NULL)
		fprintf(s.to, "%s_secret_header.b64, %s_secret.b64: for the VMM, once\n",
		    assay_launch_name(l), assay_launch_name(l));
	return screen_close(&s, args_has(job->args, OPT_QUIET), EXIT_YES);
}

/* The guest takes every key, and may want it for something else than evidence. One that is damaged is of no
 * use to it, and stops its agent. */
static int
judge_key(const struct job *job)
{
	struct assay_proof_keys *keys = NULL;
	struct assay_error err;

	enum assay_code code =
	    assay_proof_keys_new(&keys, (struct assay_bytes){ job->key, job->key_len }, &err);
	assay_proof_keys_free(keys);
	if (code == ASSAY_OK)
		return 0;
	complain(job->args->command, "%s%s", err.text,
	    code == ASSAY_E_UNSUPPORTED ? "; a guest with this key cannot attest" : "");
	return code == ASSAY_E_UNSUPPORTED ? 0 : code == ASSAY_E_NOMEM ? EXIT_TROUBLE : EXIT_USAGE;
}

/* The record says that the session is spent before the packet leaves, and the keys are gone: whatever
 * happens then, there is no second one. */
static int
spend(struct job *job)
{
	int rc = launch_save(&job->files);

	if (rc != 0)
		return rc;
	if ((rc = launch_forget_keys(&job->files)) == 0 && (rc = send_packet(job)) == 0)
		return 0;
	complain(job->args->command,
	    "the session is spent, whether or not the guest has its secrets: make another, and "
	    "launch anew");
	return rc;
}

static int
put_in(struct job *job)
{
	struct assay_launch_input in = { .tek = job->files.tek,
		.tik = job->files.tik,
		.private_key_info = { job->key, job->key_len },
		.public_key = input_bytes(&job->public_key),
		.secrets = job->secrets,
		.secret_count = job->count,
		.area = job->area };
	struct assay_error err;
	int rc;

	enum assay_code code = assay_launch_inject(
	    job->header, &job->payload, &job->payload_len, job->files.launch, &in, &err);
	if (code != ASSAY_OK) {
		complain(job->args->command, "%s", err.text);
		return code == ASSAY_E_NOMEM ? EXIT_TROUBLE : EXIT_USAGE;
	}
	if ((rc = judge_key(job)) != 0)
		return rc;
	const bool files = job->vm.qmp == NULL;
	if (files && (rc = reserve(job)) != 0)
		return rc;
	if ((rc = spend(job)) == 0)
		return answer(job);
	if (files)
		remove_files(job);
	return rc;
}

/* A record that is not at this point is refused before anything else is asked for. */
static int
check_stage(const struct job *job)
{
	enum assay_launch_stage stage = assay_launch_stage(job->files.launch);

	if (stage == ASSAY_LAUNCH_CHECKED)
		return 0;
	complain(job->args->command, "%s: %s", job->files.record,
	    stage == ASSAY_LAUNCH_SESSION
		? "what was launched was not checked yet, or refused by the last check, so no "
		  "secret goes there: assay launch check"
		: "its session is spent, whether or not its guest has the secrets: make another, "
		  "and launch anew");
	return EXIT_NO;
}

static int
run_secret(const struct args *args)
{
	struct job *job = calloc(1, sizeof *job);
	int rc;

	if (job == NULL) {
		complain(args->command, "out of memory");
		return EXIT_TROUBLE;
	}
	job->args = args;
	if (!args_operands(args, 0, 0))
		rc = EXIT_USAGE;
	else if ((rc = launch_open(&job->files, args)) == 0 && (rc = check_stage(job)) == 0 &&
	    (rc = launch_keys(&job->files, true)) == 0 && (rc = take_key(job)) == 0 &&
	    (rc = take_secrets(job)) == 0 && (rc = take_target(job)) == 0)
		rc = put_in(job);
	for (size_t i = 0; i < ASSAY_LAUNCH_SECRETS_MAX; i++)
		input_wipe(&job->files_in[i]);
	if (job->key != NULL)
		explicit_bzero(job->key, job->key_len);
	free(job->key);
	input_clear(&job->public_key);
	free(job->payload);
	launch_vm_close(&job->vm);
	launch_close(&job->files);
	free(job);
	return rc;
}

static const struct option options[] = {
	OPTION_LAUNCH,
	OPTION_QMP,
	{ OPT_FOLDER, 'o', "output", "DIR", false, NULL, "or where the packet's files go" },
	{ OPT_SECRET, 0, "secret", "GUID:FILE", true, NULL, "goes in beside the guest's key" },
	{ OPT_OVMF, 0, "ovmf", "FILE", false, NULL, "the firmware, whose area they must fit" },
	{ OPT_KEY_TYPE, 0, "key-type", "TYPE", false, "P-256|Ed25519",
	    "of the guest's key: P-256 (default)" },
	{ OPT_PRIVATE_KEY, 0, "private-key", "FILE", false, NULL,
	    "or that key, PrivateKeyInfo of any kind" },
	{ OPT_PUBLIC_KEY, 0, "public-key", "FILE", false, NULL,
	    "its public half, of a kind not known here" },
	OPTION_OWNER,
	OPTION_TIK,
	{ OPT_TEK, 0, "tek", "FILE", false, NULL, "likewise (NAME_tek.bin)" },
	OPTION_TIMEOUT,
	{ OPT_QUIET, 'q', "quiet", NULL, false, NULL, "print no answer, only exit" },
	OPTION_HELP,
	OPTION_END,
};

const struct command command_launch_secret = {
	.name = "launch secret",
	.arguments = "[options] --launch FILE --qmp ADDR",
	.summary = "Puts its key into a checked guest and starts it.",
	.operands = "",
	.words = "",
	.options = options,
	.examples = { "assay launch secret --launch web.launch.json --qmp unix:qmp.sock",
	    "assay launch secret --launch web.launch.json --key-type Ed25519 -o packet" },
	.exits = "0 done, 1 refused, 2 usage, 4 trouble",
	.page = "assay-launch",
	.run = run_secret,
};
