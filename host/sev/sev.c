/* SPDX-License-Identifier: Apache-2.0 */
#include "sev.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/psp-sev.h>

#include "../line.h"
#include "../lockdown.h"
#include "../options.h"
#include "confine.h"
#include "text.h"

enum { EXIT_DONE = 0, EXIT_USAGE = 2, EXIT_TROUBLE = 4 };
enum { WHY_ROOM = 200, PATH_ROOM = 4096, CHIP_ROOM = 2 * 64 + 1 };

/* Source: AMD 55766, SEV certificate format, appendix C: key usage and public key. */
enum {
	USAGE_AT = 8,
	KEY_AT = 0x10,
	KEY_SIZE = 0x404,
	USAGE_OCA = 0x1001,
	USAGE_PEK = 0x1002,
	USAGE_CEK = 0x1004,
	CHAIN_SIZE = 3 * CERTIFICATE_SIZE, /* PEK, OCA, CEK */
};

struct sev {
	const struct broker_options *options;
	int device;                      /* -1: a software platform's folder */
	const char *folder;              /* of that */
	uint8_t kind;                    /* the device byte */
	char said[WHY_ROOM + CHIP_ROOM]; /* what was said last of the CEK: once is enough */
};

struct certificates {
	uint8_t cek[CERTIFICATE_SIZE], pek[CERTIFICATE_SIZE], oca[CERTIFICATE_SIZE];
	uint8_t kind;
};

/* --- files ------------------------------------------------------------------------------- */

static uint32_t
usage_of(const uint8_t *certificate)
{
	const uint8_t *p = certificate + USAGE_AT;

	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/* A certificate of this usage, and nothing behind it. */
static bool
read_certificate(
    uint8_t out[CERTIFICATE_SIZE], const char *path, uint32_t usage, char why[WHY_ROOM])
{
	uint8_t more;
	FILE *from = fopen(path, "rbe");
	bool ok = from != NULL && fread(out, 1, CERTIFICATE_SIZE, from) == CERTIFICATE_SIZE &&
	    fread(&more, 1, 1, from) == 0;

	if (from == NULL)
		snprintf(why, WHY_ROOM, "%.120s: %s", path, strerror(errno));
	else if (!ok || usage_of(out) != usage)
		snprintf(why, WHY_ROOM,
		    "%.120s: is no SEV certificate of %d bytes and usage 0x%04x", path,
		    CERTIFICATE_SIZE, usage);
	if (from != NULL)
		fclose(from);
	return ok && usage_of(out) == usage;
}

static bool
read_folder(struct certificates *out, const char *folder, char why[WHY_ROOM])
{
	const struct {
		uint8_t *to;
		const char *name;
		uint32_t usage;
	} files[] = {
		{ out->cek, "cek", USAGE_CEK },
		{ out->pek, "pek", USAGE_PEK },
		{ out->oca, "oca", USAGE_OCA },
	};
	char path[PATH_ROOM];

	for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
		snprintf(path, sizeof path, "%s/collateral/%s.cert", folder, files[i].name);
		if (!read_certificate(files[i].to, path, files[i].usage, why))
			return false;
	}
	return true;
}

/* The byte that some clients want behind the certificates: 0 Rome, 1 Naples, 2 Milan, 3 else. */
static uint8_t
kind_of_processor(void)
{
	FILE *from = fopen("/proc/cpuinfo", "re");
	char line[256];
	unsigned family = 0, model = 0;
	bool amd = false;

	while (from != NULL && fgets(line, sizeof line, from) != NULL && line[0] != '\n') {
		amd = amd || strstr(line, "AuthenticAMD") != NULL;
		(void)(sscanf(line, "cpu family : %u", &family) == 1 ||
		    sscanf(line, "model : %u", &model) == 1);
	}
	if (from != NULL)
		fclose(from);
	if (amd && family == 0x17 && model <= 0x0f)
		return 1;
	if (amd && family == 0x17 && model >= 0x30 && model <= 0x3f)
		return 0;
	return amd && family == 0x19 && model <= 0x0f ? 2 : 3;
}

/* --- the firmware ------------------------------------------------------------------------ */

/* Commands are these two alone: PDH_CERT_EXPORT and GET_ID2. Others change the platform, and the number 9
 * was once another kernel's attestation report and is SNP's status today. */
static bool
issue(int device, uint32_t command, void *data, char why[WHY_ROOM])
{
	struct sev_issue_cmd cmd = { .cmd = command, .data = (uint64_t)(uintptr_t)data };

	if (ioctl(device, SEV_ISSUE_CMD, &cmd) == 0)
		return true;
	snprintf(why, WHY_ROOM, "/dev/sev: command %u: %s, firmware error %u%s", command,
	    strerror(errno), cmd.error,
	    errno == EPERM ? "; the platform must be initialised, which a first guest does" : "");
	return false;
}

static bool export(struct certificates *out, int device, char why[WHY_ROOM])
{
	uint8_t pdh[CERTIFICATE_SIZE], chain[CHAIN_SIZE] = { 0 };
	struct sev_user_data_pdh_cert_export data = {
		.pdh_cert_address = (uint64_t)(uintptr_t)pdh,
		.pdh_cert_len = sizeof pdh,
		.cert_chain_address = (uint64_t)(uintptr_t)chain,
		.cert_chain_len = sizeof chain,
	};

	if (!issue(device, SEV_PDH_CERT_EXPORT, &data, why))
		return false;
	memcpy(out->pek, chain, CERTIFICATE_SIZE);
	memcpy(out->oca, chain + CERTIFICATE_SIZE, CERTIFICATE_SIZE);
	memcpy(out->cek, chain + 2 * (size_t)CERTIFICATE_SIZE, CERTIFICATE_SIZE);
	if (data.cert_chain_len == sizeof chain && usage_of(out->pek) == USAGE_PEK &&
	    usage_of(out->oca) == USAGE_OCA && usage_of(out->cek) == USAGE_CEK)
		return true;
	snprintf(why, WHY_ROOM, "/dev/sev: what PDH_CERT_EXPORT gave is not PEK, OCA and CEK");
	return false;
}

/* Where AMD has the signed one; "" if the firmware does not say. */
static void
name_chip(char out[CHIP_ROOM], int device)
{
	uint8_t id[64] = { 0 };
	struct sev_user_data_get_id2 data = { .address = (uint64_t)(uintptr_t)id,
		.length = sizeof id };
	char why[WHY_ROOM];

	out[0] = '\0';
	if (!issue(device, SEV_GET_ID2, &data, why))
		return;
	for (size_t i = 0; i < data.length && i < sizeof id; i++)
		snprintf(out + 2 * i, 3, "%02x", id[i]);
}

/* --- the CEK ----------------------------------------------------------------------------- */

static void
say_once(struct sev *s, const char *text)
{
	if (strncmp(s->said, text, sizeof s->said - 1) == 0)
		return;
	snprintf(s->said, sizeof s->said, "%s", text);
	log_say("%s", text);
}

static bool
same_key(const uint8_t a[CERTIFICATE_SIZE], const uint8_t b[CERTIFICATE_SIZE])
{
	return memcmp(a + KEY_AT, b + KEY_AT, KEY_SIZE) == 0;
}

/* The exported CEK is not signed: the one of the same key that AMD signed takes its place. */
static void
sign_cek(struct sev *s, struct certificates *c)
{
	uint8_t one[CERTIFICATE_SIZE];
	char why[WHY_ROOM], chip[CHIP_ROOM], text[WHY_ROOM + CHIP_ROOM];

	for (size_t i = 0; i < s->options->cek_count; i++) {
		if (!read_certificate(one, s->options->cek[i], USAGE_CEK, why))
			say_once(s, why);
		else if (same_key(one, c->cek)) {
			memcpy(c->cek, one, sizeof one);
			return;
		}
	}
	if (s->device < 0) /* a software platform's is signed */
		return;
	name_chip(chip, s->device);
	snprintf(text, sizeof text,
	    "cek: none of this chip's key, so evidence carries the CEK as it is exported, "
	    "unsigned, and "
	    "verifiers must bring their own; AMD has it as cek/id/%s",
	    chip);
	say_once(s, text);
}

/* --- before the start -------------------------------------------------------------------- */

/* Of several, for a configuration that hosts share, one must be this platform's. */
static int
judge_ceks(const struct sev *s, const struct certificates *ours)
{
	const struct broker_options *o = s->options;
	const char *others = o->cek_count > 1 ? ", and so are the others" : "";
	uint8_t one[CERTIFICATE_SIZE];
	char why[WHY_ROOM], chip[CHIP_ROOM] = "";
	bool fits = ours == NULL || o->cek_count == 0;

	for (size_t i = 0; i < o->cek_count; i++) {
		if (!read_certificate(one, o->cek[i], USAGE_CEK, why)) {
			log_say("cek: %s; give the file that AMD has for this chip (man "
				"assay-brokerd), or no cek",
			    why);
			return EXIT_USAGE;
		}
		fits = fits || same_key(one, ours->cek);
	}
	if (fits)
		return EXIT_DONE;
	if (s->device >= 0)
		name_chip(chip, s->device);
	if (s->device < 0)
		log_say("cek: %.120s is of another platform than %.120s%s; give no cek, as a "
			"software platform's is signed",
		    o->cek[0], s->folder, others);
	else
		log_say("cek: %.120s is of another platform than this host's%s; give the file that "
			"AMD has as cek/id/%s",
		    o->cek[0], others, chip[0] != '\0' ? chip : "ID, for the ID of this chip");
	return EXIT_USAGE;
}

/* The device has been opened as who starts the broker. */
static int
judge(struct sev *s, bool start, const char *fault)
{
	struct certificates ours;
	char why[WHY_ROOM];

	if (s->device < 0 && s->folder != NULL) {
		if (read_folder(&ours, s->folder, why))
			return judge_ceks(s, &ours);
		log_say("source: sim:%.120s is no platform of SEV: %s; make one with assay-sim new "
			"--tee sev-es",
		    s->folder, why);
		return EXIT_USAGE;
	}
	bool known = s->device >= 0 && export(&ours, s->device, why);
	int code = judge_ceks(s, known ? &ours : NULL);
	if (code == EXIT_DONE && !known && !start && s->options->cek_count > 0)
		log_say("cek: is not compared with this host's: %s", s->device >= 0 ? why : fault);
	return code;
}

/* By a process of the user who reads the files later. */
static _Noreturn void
check_and_exit(const struct broker_options *o, bool start)
{
	struct sev s = { .options = o, .device = -1, .folder = options_source(o, "sim:") };
	const char *path = options_source(o, "sev:");
	char fault[WHY_ROOM] = "";

	if (path != NULL && (s.device = open(path, O_RDONLY | O_CLOEXEC)) < 0) {
		s.folder = NULL;
		snprintf(fault, sizeof fault, "%.120s: %s", path, strerror(errno));
	}
	_exit(confine_user(o->user) ? judge(&s, start, fault) : EXIT_TROUBLE);
}

int
sev_check(const struct broker_options *o, bool start)
{
	int status;

	if (!options_certificates(o))
		return EXIT_DONE;
	pid_t pid = fork();
	if (pid == 0)
		check_and_exit(o, start);
	if (pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status))
		return WEXITSTATUS(status);
	log_say("source: cannot be looked at: %s", pid < 0 ? strerror(errno) : "a process broke");
	return EXIT_TROUBLE;
}

/* --- the process ------------------------------------------------------------------------- */

static bool
collect(struct sev *s, struct certificates *out, char why[WHY_ROOM])
{
	out->kind = s->kind;
	if (s->device >= 0 ? !export(out, s->device, why) : !read_folder(out, s->folder, why))
		return false;
	sign_cek(s, out);
	return true;
}

static bool
serve(struct sev *s, int line, uint32_t id)
{
	struct certificates c;
	uint8_t status[8], bytes[3 * CERTIFICATE_SIZE + 1];
	char why[WHY_ROOM];
	struct ipc_message m = { .id = id, .op = LINE_CERTS, .count = 2 };

	if (collect(s, &c, why)) {
		memcpy(bytes, c.cek, CERTIFICATE_SIZE);
		memcpy(bytes + CERTIFICATE_SIZE, c.pek, CERTIFICATE_SIZE);
		memcpy(bytes + 2 * (size_t)CERTIFICATE_SIZE, c.oca, CERTIFICATE_SIZE);
		bytes[3 * (size_t)CERTIFICATE_SIZE] = c.kind;
		m.field[0] = ipc_u64(status, LINE_DONE);
		m.field[1] = (struct assay_bytes){ bytes, sizeof bytes };
	} else {
		m.field[0] = ipc_u64(status, LINE_TROUBLE);
		m.field[1] = (struct assay_bytes){ (const uint8_t *)why, strlen(why) };
	}
	return line_say(line, &m, -1);
}

int
sev_run(const void *arg, const int *sockets, size_t count)
{
	struct sev s = { .options = arg, .device = -1 };
	const char *path = options_source(s.options, "sev:");
	uint8_t buffer[LINE_MESSAGE_MAX];
	struct ipc_message m;

	(void)count;
	signal(SIGTERM, SIG_IGN); /* it is the front that ends, and then we */
	s.folder = options_source(s.options, "sim:");
	s.kind = kind_of_processor();
	if (path != NULL && (s.device = open(path, O_RDONLY | O_CLOEXEC)) < 0) {
		log_say("%s: cannot be opened: %s; SEV needs an AMD processor and its ccp driver",
		    path, strerror(errno));
		return EXIT_TROUBLE;
	}
	if (!confine_user(s.options->user) || !lockdown_sev(s.options, s.folder))
		return EXIT_TROUBLE;
	while (line_hear(&m, buffer, sockets[0]) && m.op == LINE_CERTS)
		if (!serve(&s, sockets[0], m.id))
			break;
	if (s.device >= 0)
		close(s.device);
	return EXIT_DONE;
}
