/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A program in a guest of legacy SEV, or beside it on the host. This process is the VMM, with the
 * firmware and the QMP sockets, and the guest's owner unless that is someone else:
 *
 *   owner: session --> VMM: launch, measure --> owner: checks, puts in the key, says `cont`
 *   host side (a process of its own):  assay-brokerd, with /dev/sev and a QMP socket
 *   guest side (sandbox_run):          the secret's files, assay-agentd, the program
 */
#include "run.h"

#include "platforms/firmware.h"
#include "platforms/sev_owner.h"
#include "platforms/sev_proof.h"
#include "services/qmp.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { BROKER_PATIENCE_MS = 5000, STEP_MS = 20, QMP_MAX = 2, INPUT_MAX = 65536 };

struct qmp_door {
	struct machine *m;
	int listener;
	const char *path; /* of its socket, when it listens */
	pthread_t thread;
	bool open;
};

/* All of one run. */
struct machine {
	struct sandbox *sb;
	const struct run_order *o;
	struct sim *scratch; /* memory of this run */
	struct sim_sev_firmware *fw;
	struct sim_sev_guest_plan guest;
	struct sim_sev_vm *vm;
	int stop;     /* readable: the QMP threads end */
	char dir[64]; /* sockets of this run; "": there are none */
	char vm_socket[96], qmp_socket[96], cek[96];
	struct qmp_door doors[QMP_MAX];
	size_t door_count;
	pid_t broker;
	char broker_path[PATH_MAX], agent_path[PATH_MAX];
	struct sim_sev_secret secrets[SIM_SEV_SECRETS_MAX];
};

static int trouble(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

static int
trouble(const char *fmt, ...)
{
	va_list ap;

	fputs("assay-sim run: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	return EXIT_SETUP;
}

/* --- files ---------------------------------------------------------------------------------- */

static bool
read_file(struct sim *sim, const char *path, struct sim_bytes *out)
{
	struct sim_buf b = { .sim = sim };
	FILE *f = fopen(path, "re");
	uint8_t part[4096];
	size_t n;

	while (f != NULL && b.len <= INPUT_MAX && (n = fread(part, 1, sizeof part, f)) > 0)
		sim_put(&b, part, n);
	bool ok = f != NULL && ferror(f) == 0 && b.len <= INPUT_MAX;
	if (f != NULL)
		fclose(f);
	*out = sim_taken(&b);
	return ok;
}

static int
write_file(const char *path, mode_t mode, struct sim_bytes bytes)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);

	if (fd < 0 || write(fd, bytes.ptr, bytes.len) != (ssize_t)bytes.len) {
		int error = errno;
		if (fd >= 0)
			close(fd);
		return trouble("%.200s: %s", path, strerror(error));
	}
	return close(fd) == 0 ? 0 : trouble("%.200s: %s", path, strerror(errno));
}

/* The base64 text of a file, as QEMU takes it. */
static int
read_base64(struct machine *m, const char *end, struct sim_bytes *out)
{
	char path[PATH_MAX];
	struct sim_bytes text;
	size_t n = 0;

	snprintf(path, sizeof path, "%s%s", m->o->launch, end);
	if (!read_file(m->scratch, path, &text))
		return trouble("%.200s: %s; assay launch session makes it", path, strerror(errno));
	for (size_t i = 0; i < text.len; i++)
		if (strchr(" \t\r\n", text.ptr[i]) == NULL || text.ptr[i] == '\0')
			text.ptr[n++] = text.ptr[i];
	uint8_t *bytes = sim_alloc(m->scratch, n + 4);
	int got = n > 0 && n % 4 == 0 ? EVP_DecodeBlock(bytes, text.ptr, (int)n) : -1;
	if (got < 0)
		return trouble("%.200s: is no base64 text; assay launch session makes it", path);
	for (size_t i = 0; i < 2 && text.ptr[n - 1 - i] == '='; i++)
		got--;
	*out = (struct sim_bytes){ bytes, (size_t)got };
	return 0;
}

/* --- programs beside this one --------------------------------------------------------------- */

static bool
try_program(char path[PATH_MAX], const char *dir, size_t len, const char *name)
{
	struct stat st;

	return snprintf(path, PATH_MAX, "%.*s/%s", (int)len, dir, name) < PATH_MAX &&
	    stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, X_OK) == 0;
}

/* In PATH, or in the folder of this program; false: nowhere. */
static bool
find_program(char path[PATH_MAX], const char *name)
{
	const char *at = getenv("PATH");
	char own[PATH_MAX];

	for (; at != NULL && *at != '\0'; at += strcspn(at, ":"), at += *at == ':') {
		size_t n = strcspn(at, ":");
		if (n > 0 && try_program(path, at, n, name))
			return true;
	}
	ssize_t n = readlink("/proc/self/exe", own, sizeof own - 1);
	if (n > 0) {
		own[n] = '\0';
		char *slash = strrchr(own, '/');
		if (slash != NULL && try_program(path, own, (size_t)(slash - own), name))
			return true;
	}
	path[0] = '\0';
	return false;
}

/* --- QMP ------------------------------------------------------------------------------------ */

static void *
qmp_thread(void *arg)
{
	struct qmp_door *d = arg;
	uint64_t one = 1;
	struct sim_sev_vm_info info;

	sim_qmp_serve(d->m->vm, d->listener, d->m->stop);
	sim_sev_vm_info(d->m->vm, &info);
	if (info.over && write(d->m->sb->power, &one, sizeof one) != (ssize_t)sizeof one)
		perror("assay-sim run: eventfd");
	return NULL;
}

/* Clients that come early wait in its queue. Whoever sees the socket may connect: until it listens it has another
 * name. */
static int
open_door(struct machine *m, const char *path)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	struct qmp_door *d = &m->doors[m->door_count];
	struct stat st;

	if (snprintf(at.sun_path, sizeof at.sun_path, "%s~", path) >= (int)sizeof at.sun_path)
		return trouble("%.120s: is too long for a socket", path);
	if (lstat(path, &st) == 0 && !S_ISSOCK(st.st_mode))
		return trouble("%.120s: is there already, and is no socket", path);
	d->m = m;
	d->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	m->door_count++;
	if (lstat(at.sun_path, &st) == 0 && S_ISSOCK(st.st_mode))
		unlink(at.sun_path);
	if (d->listener < 0 || bind(d->listener, (struct sockaddr *)&at, sizeof at) != 0)
		return trouble("%.120s: %s", path, strerror(errno));
	if (listen(d->listener, 8) != 0 || rename(at.sun_path, path) != 0) {
		int error = errno;

		unlink(at.sun_path);
		return trouble("%.120s: %s", path, strerror(error));
	}
	d->path = path;
	return 0;
}

/* Signals are the main thread's, which passes them on to the program. */
static int
start_doors(struct machine *m)
{
	sigset_t all, before;
	int rc = 0;

	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &before);
	for (size_t i = 0; rc == 0 && i < m->door_count; i++) {
		m->doors[i].open =
		    pthread_create(&m->doors[i].thread, NULL, qmp_thread, &m->doors[i]) == 0;
		if (!m->doors[i].open)
			rc = trouble("no thread");
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return rc;
}

static void
close_doors(struct machine *m)
{
	uint64_t one = 1;

	if (m->stop >= 0 && write(m->stop, &one, sizeof one) != (ssize_t)sizeof one)
		perror("assay-sim run: eventfd");
	for (size_t i = 0; i < m->door_count; i++) {
		if (m->doors[i].open)
			pthread_join(m->doors[i].thread, NULL);
		if (m->doors[i].listener >= 0)
			close(m->doors[i].listener);
		if (m->doors[i].path != NULL)
			unlink(m->doors[i].path);
	}
}

/* --- the host ------------------------------------------------------------------------------- */

/* Before each report: the firmware is slow or busy, or the host cheats. */
static int
host_faults(void *arg, enum sim_sev_answer *answer)
{
	struct sandbox *sb = arg;
	struct timespec t = { sb->faults.slow_ms / 1000, sb->faults.slow_ms % 1000 * 1000000 };

	if (sb->faults.slow_ms > 0)
		nanosleep(&t, NULL);
	if (fault_busy(&sb->faults)) {
		sandbox_log(sb, "fault: busy");
		return -EBUSY;
	}
	if (fault_wrong_nonce(&sb->faults))
		*answer = SIM_SEV_OTHER_NONCE;
	else if (fault_other_vm(&sb->faults))
		*answer = SIM_SEV_OTHER_VM;
	else if (fault_replay(&sb->faults))
		*answer = SIM_SEV_OLD_REPORT;
	return 0;
}

static int
make_dir(struct machine *m)
{
	const char *tmp = getenv("TMPDIR");

	if (snprintf(m->dir, sizeof m->dir, "%s/assay-sim-XXXXXX", tmp != NULL ? tmp : "/tmp") >=
		(int)sizeof m->dir ||
	    mkdtemp(m->dir) == NULL) {
		m->dir[0] = '\0';
		return trouble("no folder for the sockets of this run: %s; set TMPDIR to a short "
			       "path",
		    strerror(errno));
	}
	snprintf(m->vm_socket, sizeof m->vm_socket, "%s/vsock", m->dir);
	snprintf(m->qmp_socket, sizeof m->qmp_socket, "%s/qmp", m->dir);
	snprintf(m->cek, sizeof m->cek, "%s/cek.cert", m->dir);
	return 0;
}

static void
remove_dir(const struct machine *m)
{
	const char *const files[] = { m->vm_socket, m->cek };

	if (m->dir[0] == '\0')
		return;
	for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
		unlink(files[i]);
	rmdir(m->dir);
}

/* In a process of its own: its supervisor shows it /dev/sev, and dies with this one. */
static _Noreturn void
become_broker(struct machine *m, pid_t vmm)
{
	static char listed[] = "--vm", source[] = "--source", device[] = "sev:/dev/sev",
		    cek[] = "--cek";
	char vm[300];
	char *argv[] = { m->broker_path, source, device, cek, m->cek, listed, vm, NULL };
	struct sandbox host = { .machine = m->sb->machine,
		.tee = m->sb->tee,
		.verbose = m->sb->verbose,
		.host = true };
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	int out = m->sb->verbose ? STDERR_FILENO : null;

	snprintf(vm, sizeof vm, "vm,socket=%s,qmp=unix:%s,pid=%d", m->vm_socket, m->qmp_socket,
	    (int)vmm);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != vmm || null < 0 || dup2(null, STDIN_FILENO) < 0 ||
	    dup2(out, STDOUT_FILENO) < 0 || dup2(out, STDERR_FILENO) < 0)
		_exit(EXIT_SETUP);
	setpgid(0, 0); /* what the terminal sends is for the program */
	_exit(sandbox_run(&host, argv));
}

/* Before there are threads. No broker: nobody listens at the guest's vsock. */
static int
start_broker(struct machine *m)
{
	uint8_t *cek = NULL;
	size_t len = 0;
	pid_t vmm = getpid();
	int rc;

	if (!find_program(m->broker_path, "assay-brokerd")) {
		sandbox_log(m->sb,
		    "no assay-brokerd in PATH or beside assay-sim: no one brokers "
		    "evidence");
		return 0;
	}
	if ((rc = open_door(m, m->qmp_socket)) != 0)
		return rc;
	if (sim_machine_collateral(m->sb->machine, "cek.cert", &cek, &len) != 0)
		return trouble("collateral/cek.cert: there is none");
	rc = write_file(m->cek, 0600, (struct sim_bytes){ cek, len });
	free(cek);
	if (rc != 0)
		return rc;
	if ((m->broker = fork()) == 0)
		become_broker(m, vmm);
	if (m->broker < 0)
		return trouble("fork: %s", strerror(errno));
	m->sb->helper = m->broker;
	return 0;
}

/* Somebody does; that the socket is there does not say so. */
static bool
listens(const char *path)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool does;

	strcpy(at.sun_path, path);
	does = fd >= 0 && connect(fd, (struct sockaddr *)&at, sizeof at) == 0;
	if (fd >= 0)
		close(fd);
	return does;
}

/* Until it listens, or is gone. */
static void
await_broker(struct machine *m)
{
	const struct timespec step = { 0, STEP_MS * 1000000L };
	int waited = 0, status;

	if (m->broker <= 0)
		return;
	for (; waited < BROKER_PATIENCE_MS && !listens(m->vm_socket); waited += STEP_MS) {
		if (waitpid(m->broker, &status, WNOHANG) == m->broker) {
			m->broker = m->sb->helper = 0;
			trouble("%s ended at once (-v shows its words); the guest goes without it",
			    m->broker_path);
			return;
		}
		nanosleep(&step, NULL);
	}
	m->sb->broker = m->vm_socket;
	sandbox_log(m->sb, "broker: %s %s", m->broker_path,
	    waited < BROKER_PATIENCE_MS ? "listens" : "does not listen yet");
}

/* --- the owner ------------------------------------------------------------------------------ */

/* The key that signs records; made when the folder has none. */
static int
owner_key(struct machine *m, struct sim_key *key)
{
	char path[PATH_MAX];
	struct stat st;

	snprintf(path, sizeof path, "%s/owner.pem", m->o->platform);
	if (stat(path, &st) == 0)
		return sim_key_read(key, SIM_P256, path)
		    ? 0
		    : trouble("%.200s: is no P-256 key in PEM; remove it, another is made", path);
	sim_key_fresh(key, SIM_P256, "owner");
	return write_file(path, 0600, sim_key_private(m->scratch, key, true));
}

static int
write_record(struct machine *m, const struct sim_sev_owner *owner, const struct sim_key *signer,
    const uint8_t digest[32])
{
	uint8_t pdh[SIM_SEV_CERT_SIZE], chain[3 * SIM_SEV_CERT_SIZE], *cek = NULL, *ask = NULL;
	uint32_t pdh_len = sizeof pdh, chain_len = sizeof chain;
	struct sim_sev_vm_info info;
	char path[PATH_MAX];
	size_t cek_len = 0, ask_len = 0;
	int rc;

	sim_sev_vm_info(m->vm, &info);
	if (sim_sev_pdh_cert_export(m->fw, pdh, &pdh_len, chain, &chain_len) != SIM_SEV_OK ||
	    sim_machine_collateral(m->sb->machine, "cek.cert", &cek, &cek_len) != 0 ||
	    cek_len != SIM_SEV_CERT_SIZE ||
	    sim_machine_collateral(m->sb->machine, "ask.cert", &ask, &ask_len) != 0)
		rc = trouble("the platform has no chain of certificates");
	else {
		const struct sim_sev_launched l = { .name = "vm",
			.created = (int64_t)time(NULL),
			.version = info.platform.version,
			.digest = digest,
			.measurement = info.measurement,
			.pdh = pdh,
			.pek = chain,
			.oca = chain + SIM_SEV_CERT_SIZE,
			.cek = cek,
			.ask = { ask, ask_len },
			.signer = signer };
		snprintf(path, sizeof path, "%s/launch.json", m->o->platform);
		rc = write_file(path, 0644, sim_sev_owner_record(owner, m->scratch, &l));
	}
	free(cek);
	free(ask);
	if (rc != 0)
		return rc;
	snprintf(path, sizeof path, "%s/owner.jwk", m->o->platform);
	return write_file(path, 0644, sim_launch_signer(m->scratch, signer));
}

/* Checks what was launched, puts the guest's key in, keeps the record, and lets it run. */
static int
act_as_owner(struct machine *m, const struct sim_sev_owner *owner)
{
	uint8_t digest[32], header[SIM_SEV_HEADER_SIZE];
	struct sim_sev_vm_info info;
	struct sim_key signer;
	int rc;

	sim_sev_launch_digest(
	    digest, sim_view(m->guest.image, m->guest.image_len), m->guest.es, m->guest.cpuid);
	sim_sev_vm_info(m->vm, &info);
	if (!sim_sev_owner_check(owner, &info.platform.version, digest, info.measurement))
		return trouble("what was launched is not what its owner expects");
	struct sim_bytes packet = sim_sev_owner_secret(owner, m->scratch, info.measurement, header);
	if ((rc = sim_sev_vm_inject(m->vm, NULL, sim_view(header, sizeof header), packet)) != 0)
		return trouble("the firmware refuses the owner's secret with status %d", rc);
	sandbox_log(m->sb, "owner: the measurement is as expected, and the guest's key is in it");
	if (m->o->platform != NULL) {
		if ((rc = owner_key(m, &signer)) != 0)
			return rc;
		rc = write_record(m, owner, &signer, digest);
		sim_key_clear(&signer);
	}
	if (rc == 0)
		sim_sev_vm_cont(m->vm);
	return rc;
}

/* Until the owner has said `cont`. */
static int
await_owner(struct machine *m)
{
	struct sim_sev_vm_info info;
	const struct timespec now = { 0, 0 };
	sigset_t ends, before;
	int signal = -1;

	sandbox_log(m->sb, "the VM waits for its owner at %s", m->o->qmp);
	sigemptyset(&ends);
	sigaddset(&ends, SIGINT);
	sigaddset(&ends, SIGTERM);
	sigaddset(&ends, SIGHUP);
	sigprocmask(SIG_BLOCK, &ends, &before);
	while (signal < 0 && !sim_sev_vm_wait(m->vm, 100))
		signal = sigtimedwait(&ends, NULL, &now);
	sigprocmask(SIG_SETMASK, &before, NULL);
	if (signal > 0)
		return 128 + signal;
	sim_sev_vm_info(m->vm, &info);
	return info.over ? trouble("the VM was ended before it ran") : 0;
}

/* --- the VMM -------------------------------------------------------------------------------- */

static int
launch(struct machine *m, struct sim_sev_owner *owner)
{
	struct sim_sev_vm_plan plan = { .fw = m->fw, .guest = m->guest };
	uint8_t pdh[SIM_SEV_CERT_SIZE], chain[3 * SIM_SEV_CERT_SIZE];
	uint32_t pdh_len = sizeof pdh, chain_len = sizeof chain;
	char why[256];
	int rc = 0;

	if (m->o->fault != NULL)
		plan.host = (struct sim_sev_host){ host_faults, m->sb, m->broker > 0 };
	if (m->o->launch != NULL) {
		if ((rc = read_base64(m, "_godh.b64", &plan.owner_dh)) != 0 ||
		    (rc = read_base64(m, "_session.b64", &plan.session)) != 0)
			return rc;
	} else {
		if (sim_sev_pdh_cert_export(m->fw, pdh, &pdh_len, chain, &chain_len) !=
			SIM_SEV_OK ||
		    !sim_sev_owner_new(owner, pdh, m->guest.policy))
			return trouble("the platform has no PDH to make a session with");
		plan.owner_dh = sim_view(owner->dh, sizeof owner->dh);
		plan.session = sim_view(owner->session, sizeof owner->session);
	}
	if (sim_sev_vm_new(&m->vm, &plan, why) != SIM_SEV_OK)
		return trouble("%s", why);
	sandbox_log(m->sb, "VMM: launched and measured");
	return 0;
}

static void
find_agent(struct machine *m, char *argv[2])
{
	argv[0] = argv[1] = NULL;
	if (m->o->no_agent || m->o->host)
		return;
	if (find_program(m->agent_path, "assay-agentd"))
		argv[0] = m->agent_path;
	else
		sandbox_log(
		    m->sb, "no assay-agentd in PATH or beside assay-sim: the guest has no agent");
}

/* A VM that waits or runs; then the program. */
static int
run_vm(struct machine *m)
{
	struct sim_sev_owner owner = { .policy = 0 };
	char *agent[2];
	int rc = launch(m, &owner);

	if (rc == 0 &&
	    m->o->qmp != NULL) /* a socket that is there is one of a VM that was launched */
		rc = open_door(m, m->o->qmp + 5);
	if (rc == 0)
		rc = start_doors(m);
	if (rc == 0 && m->o->launch == NULL)
		rc = act_as_owner(m, &owner);
	else if (rc == 0 && !m->o->host)
		rc = await_owner(m);
	sim_sev_owner_clear(&owner);
	if (rc != 0)
		return rc;
	await_broker(m);
	if (m->o->fault != NULL)
		m->sb->cheat = m->vm;
	m->sb->secrets = m->secrets;
	m->sb->secret_count = sim_sev_vm_secrets(m->vm, m->scratch, m->secrets);
	find_agent(m, agent);
	if (agent[0] != NULL)
		m->sb->agent = agent;
	rc = sandbox_run(m->sb, m->o->program);
	m->broker = 0; /* it was ended with the program */
	return rc;
}

static int
run_all(struct machine *m)
{
	bool vm = !m->o->host || m->o->qmp != NULL;
	int rc;

	m->sb->host = m->o->host;
	if (!vm)
		return sandbox_run(m->sb, m->o->program);
	if (!m->o->host && (rc = make_dir(m)) != 0)
		return rc;
	if ((m->stop = eventfd(0, EFD_CLOEXEC)) < 0 ||
	    (m->sb->power = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) < 0)
		return trouble("eventfd: %s", strerror(errno));
	if (!m->o->host && (rc = start_broker(m)) != 0)
		return rc;
	return run_vm(m);
}

int
run_sev(struct sandbox *sb, const struct run_order *o)
{
	struct machine m = { .sb = sb, .o = o, .scratch = sim_scratch(), .stop = -1 };
	int rc = sim_machine_sev_plan(sb->machine, &m.guest), status;

	m.fw = sim_machine_sev(sb->machine);
	if (rc != 0 || sim_sev_init(m.fw, m.guest.es) != SIM_SEV_OK)
		rc = trouble("the platform's firmware does not start");
	else
		rc = run_all(&m);
	if (m.broker > 0 && kill(m.broker, SIGKILL) == 0)
		waitpid(m.broker, &status, 0);
	close_doors(&m);
	sim_sev_vm_free(m.vm);
	remove_dir(&m);
	if (m.stop >= 0)
		close(m.stop);
	if (sb->power > 0)
		close(sb->power);
	sim_free(m.scratch);
	return rc;
}
