/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SIM_SANDBOX_H
#define SIM_SANDBOX_H

/*
 * A program inside a platform: `assay-sim run`. The program is unmodified and may be static; it
 * finds the interfaces of a Linux guest, and each of them asks the machine.
 *
 * This is emulation, not confinement: the program can leave whenever it wants to.
 *
 * Of legacy SEV the program is in the guest, or on the side of its host.
 *
 * One process, the supervisor, forks the program and then runs these threads:
 *   main      ptrace: system calls 0xEA01 and 0xEA02, which return two registers (trace.c)
 *   fuse      configfs-tsm and the measurement files (fuse.c)
 *   notify    ioctl and sockets, by seccomp user notification (notify.c)
 *   helper    signals that are passed on, vsock connections that come in (supervisor.c)
 */

#include "fault.h"
#include "platforms/machine.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct sim_sev_secret;
struct sim_sev_vm;
struct snp_channel;
struct vsock;

/* What all parts of one run share. Set before the threads start; faults and channel lock
 * themselves. */
struct sandbox {
	struct sim_machine *machine;
	const char *tee;
	bool verbose;
	struct faults faults;
	struct snp_channel *channel; /* snp, else NULL */
	struct vsock *vsock;         /* tdx, guests of sev, else NULL */

	/* sev, sev-es */
	bool host;                            /* the program is on the host's side */
	const struct sim_sev_secret *secrets; /* what the guest's kernel found in its memory */
	size_t secret_count;
	struct sim_sev_vm *cheat; /* whose reports are swapped behind the broker, or NULL */
	const char *broker; /* the Unix socket that is behind vsock:2:5577; NULL: no one listens */
	char *const *agent; /* what is started before the program, or NULL */
	int power;          /* readable when the VM is switched off; 0: there is no such switch */
	pid_t helper;       /* ends with the program; 0: none */
};

enum { EXIT_SETUP = 125, EXIT_NOT_RUN = 126, EXIT_NOT_FOUND = 127 };

/* Runs the program, and returns its exit status, 128+n for signal n, or one of the above after it
 * has complained on standard error. */
int sandbox_run(struct sandbox *sb, char *const argv[]);

/* A line on standard error when the run is verbose. */
void
sandbox_log(const struct sandbox *sb, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* --- evidence.c: what every interface gives, faults included -------------------------------- */

enum { REPORT_DATA_SIZE = 64, TDREPORT_SIZE = 1024, SNP_REPORT_SIZE = 1184 };

struct evidence {
	uint8_t *out, *aux; /* quote or report; certificate table or NULL */
	size_t out_len, aux_len;
};
void evidence_clear(struct evidence *e);
/* The faults of one request of thread tid: data changed, or -EBUSY, or -EINTR when a signal came
 * while it was slow. */
int evidence_begin(struct sandbox *sb, pid_t tid, uint8_t data[REPORT_DATA_SIZE]);
/* The provider's answer to an outblob read: 0 or a negative errno. */
int evidence_make(struct sandbox *sb, pid_t tid, struct evidence *out,
    const uint8_t data[REPORT_DATA_SIZE], unsigned vmpl);

/* --- enarx.c: system calls 0xEA01 and 0xEA02 ------------------------------------------------ */

enum { ENARX_GET_ATT = 0xEA01, ENARX_GET_KEY = 0xEA02 };
/* args: rdi, rsi, rdx, r10. Returns rax; sets *rdx as the call does. */
int64_t
enarx_call(struct sandbox *sb, pid_t tid, uint64_t nr, const uint64_t args[4], uint64_t *rdx);

#endif
