/* SPDX-License-Identifier: Apache-2.0 */
#include "lockdown.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <linux/capability.h>
#include <linux/psp-sev.h>

#include "confine.h"
#include "text.h"
#include "vm.h"

enum { FOLDERS_MAX = 64 };

static const int calls_front[] = {
	SCMP_SYS(accept4),
	SCMP_SYS(getpeername),
	SCMP_SYS(getsockname), /* where a guest has come to */
	SCMP_SYS(getsockopt),  /* whose process a local peer is */
	SCMP_SYS(wait4),
};

static const int calls_vmm[] = {
	SCMP_SYS(accept4),
	SCMP_SYS(bind),
	SCMP_SYS(connect),
	SCMP_SYS(getsockopt),
	SCMP_SYS(listen),
	SCMP_SYS(lstat),
	SCMP_SYS(unlink),
};

/* What is there of all daemons' calls, and these; for reading only. */
static scmp_filter_ctx
filter_of(bool *whole, const int *calls, size_t count)
{
	scmp_filter_ctx filter = confine_filter();

	*whole = filter != NULL && confine_allow(filter, calls, count) &&
	    confine_allow_open(filter, false) && confine_allow_memory(filter) &&
	    confine_allow_ioctl(filter);
	return filter;
}

/* This call alone with this number as that argument. */
static bool
allow_one(scmp_filter_ctx filter, int call, const struct scmp_arg_cmp *arg)
{
	return seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, call, 1, arg) == 0;
}

bool
lockdown_front(const char *config, const pid_t *children, size_t child_count)
{
	char room[CONFINE_PATH_ROOM];
	bool whole;

	const struct confine_path path = { config != NULL ? confine_folder(room, config) : "",
		CONFINE_READ };
	if (!confine_capabilities(0) || !confine_files(&path, config != NULL ? 1 : 0))
		return false;
	scmp_filter_ctx filter =
	    filter_of(&whole, calls_front, sizeof calls_front / sizeof calls_front[0]);
	for (size_t i = 0; i < child_count && whole; i++) { /* those that do not end */
		const struct scmp_arg_cmp child =
		    SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)children[i], 0);
		whole = allow_one(filter, SCMP_SYS(kill), &child);
	}
	return confine_load(filter, whole);
}

/* The folders of the sockets that it makes, each once. */
struct folders {
	char room[FOLDERS_MAX][VM_PATH_ROOM];
	struct confine_path paths[FOLDERS_MAX];
	size_t count;
};

static bool
add_folder(struct folders *f, const char *file)
{
	char folder[CONFINE_PATH_ROOM];

	confine_folder(folder, file);
	for (size_t i = 0; i < f->count; i++)
		if (strcmp(f->room[i], folder) == 0)
			return true;
	if (f->count == FOLDERS_MAX) {
		log_say("vm: sockets in more than %d folders", FOLDERS_MAX);
		return false;
	}
	char *room = f->room[f->count];
	snprintf(room, VM_PATH_ROOM, "%.*s", VM_PATH_ROOM - 1, folder);
	f->paths[f->count++] = (struct confine_path){ room, CONFINE_SOCKETS };
	return true;
}

bool
lockdown_vmm(const struct broker_options *o)
{
	static const int families[] = { AF_UNIX };
	const struct scmp_arg_cmp no_signal = SCMP_A1(SCMP_CMP_EQ, 0, 0); /* is it a pidfd? */
	struct folders folders = { .count = 0 };
	struct vm_spec spec;
	char why[VM_WHY_ROOM];
	bool whole;

	if (o->control != NULL && !add_folder(&folders, options_unix_path(o->control)))
		return false;
	for (size_t i = 0; i < o->vm_count; i++)
		if (vm_spec_read(&spec, o->vm[i], why) && spec.socket[0] != '\0' &&
		    !add_folder(&folders, spec.socket))
			return false;
	/* VMMs' sockets are of many owners. */
	if (!confine_capabilities(UINT32_C(1) << CAP_DAC_OVERRIDE) ||
	    !confine_files(folders.paths, folders.count))
		return false;
	scmp_filter_ctx filter =
	    filter_of(&whole, calls_vmm, sizeof calls_vmm / sizeof calls_vmm[0]);
	return confine_load(filter,
	    whole && allow_one(filter, SCMP_SYS(pidfd_send_signal), &no_signal) &&
		confine_allow_sockets(filter, families, 1));
}

bool
lockdown_qgs(const int *families, size_t count)
{
	static const int calls[] = { SCMP_SYS(connect), SCMP_SYS(getsockopt) };
	bool whole;

	/* A service's socket is its own's. */
	if (!confine_capabilities(UINT32_C(1) << CAP_DAC_OVERRIDE) || !confine_files(NULL, 0))
		return false;
	scmp_filter_ctx filter = filter_of(&whole, calls, sizeof calls / sizeof calls[0]);
	return confine_load(filter, whole && confine_allow_sockets(filter, families, count));
}

bool
lockdown_sev(const struct broker_options *o, const char *folder)
{
	static char rooms[CEKS_MAX][CONFINE_PATH_ROOM];
	const unsigned long number = SEV_ISSUE_CMD;
	const struct scmp_arg_cmp issue = SCMP_A1(SCMP_CMP_EQ, number, 0);
	struct confine_path paths[CEKS_MAX + 1];
	size_t n = 0;
	bool whole;

	for (size_t i = 0; i < o->cek_count; i++, n++)
		paths[n] =
		    (struct confine_path){ confine_folder(rooms[i], o->cek[i]), CONFINE_READ };
	if (folder != NULL)
		paths[n++] = (struct confine_path){ folder, CONFINE_READ };
	if (!confine_capabilities(0) || !confine_files(paths, n))
		return false;
	scmp_filter_ctx filter = filter_of(&whole, NULL, 0);
	whole = whole && allow_one(filter, SCMP_SYS(ioctl), &issue);
	return confine_load(filter, whole);
}
