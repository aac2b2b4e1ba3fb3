/* SPDX-License-Identifier: Apache-2.0 */
#include "vm.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WORD_ROOM = 128 };

static bool
is_name(const char *text)
{
	size_t n =
	    strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-");

	return n > 0 && n < VM_NAME_ROOM && text[n] == '\0';
}

static bool
read_number(uint32_t *out, const char *text, uint32_t most)
{
	size_t n = strspn(text, "0123456789");

	if (n == 0 || n > 10 || text[n] != '\0' || strtoull(text, NULL, 10) > most)
		return false;
	*out = (uint32_t)strtoull(text, NULL, 10);
	return true;
}

static bool
read_path(char out[VM_PATH_ROOM], const char *text)
{
	if (strncmp(text, "unix:", 5) == 0)
		text += 5;
	if (text[0] != '/' || strlen(text) >= VM_PATH_ROOM)
		return false;
	memcpy(out, text, strlen(text) + 1);
	return true;
}

/* NULL, or what is wrong with one word behind the name. */
static const char *
read_word(struct vm_spec *vm, const char *word)
{
	const char *value = strchr(word, '=');
	size_t n = value != NULL ? (size_t)(value++ - word) : strlen(word);
	uint32_t pid;

	if (strcmp(word, "loopback") == 0) {
		vm->loopback = true;
		return NULL;
	}
	if (strcmp(word, "tdx") == 0) {
		vm->tdx = true;
		return NULL;
	}
	if (value == NULL)
		return "has a word that is not KEY=VALUE";
	if (n == 3 && memcmp(word, "cid", n) == 0)
		return vm->cid == 0 && read_number(&vm->cid, value, UINT32_MAX - 1)
		    ? NULL
		    : "needs one cid, a number";
	if (n == 6 && memcmp(word, "socket", n) == 0)
		return vm->socket[0] == '\0' && read_path(vm->socket, value)
		    ? NULL
		    : "needs one socket, an absolute path of at most 107 characters";
	if ((n == 3 && memcmp(word, "qmp", n) == 0) ||
	    (n == 7 && memcmp(word, "adapter", n) == 0)) {
		vm->adapter = n == 7;
		return vm->monitor[0] == '\0' && read_path(vm->monitor, value)
		    ? NULL
		    : "needs one qmp or adapter, unix:PATH with an absolute path";
	}
	if (n == 3 && memcmp(word, "pid", n) == 0) {
		if (vm->pid != 0 || !read_number(&pid, value, INT32_MAX) || pid == 0)
			return "needs one pid, a number";
		vm->pid = (int32_t)pid;
		return NULL;
	}
	return "has a key that is none of cid, socket, qmp, adapter, pid, tdx, loopback";
}

/* NULL, or what is wrong with the whole. */
static const char *
judge(const struct vm_spec *vm)
{
	if ((vm->cid != 0) == (vm->socket[0] != '\0'))
		return "needs either a cid that is no 0, or a socket of its own";
	if (vm->monitor[0] == '\0' && !vm->tdx)
		return "needs qmp=unix:PATH or adapter=unix:PATH, to ask its VMM; or tdx, for a TD";
	if (vm->monitor[0] != '\0' && vm->tdx)
		return "has tdx, and a TD needs neither qmp nor adapter";
	if (vm->cid == CID_HOST)
		return "has cid 2, which is the host and no guest";
	if (vm->cid == CID_LOOPBACK && !vm->loopback)
		return "has cid 1, which is the host's loopback and no guest; for tests add "
		       "loopback";
	if (vm->loopback && vm->cid != CID_LOOPBACK)
		return "has loopback, which goes with cid=1 alone";
	return NULL;
}

bool
vm_spec_read(struct vm_spec *out, const char *text, char why[VM_WHY_ROOM])
{
	struct vm_spec vm = { 0 };
	const char *fault = NULL;
	char word[WORD_ROOM];

	for (size_t at = 0, i = 0; fault == NULL; i++) {
		size_t n = strcspn(text + at, ",");
		if (n >= sizeof word) {
			fault = "has a word that is too long";
			break;
		}
		snprintf(word, sizeof word, "%.*s", (int)n, text + at);
		if (i > 0)
			fault = read_word(&vm, word);
		else if (is_name(word))
			memcpy(vm.name, word, n + 1);
		else
			fault =
			    "must begin with a name of at most 63 letters, digits, '.', '_', '-'";
		at += n;
		if (text[at] == '\0')
			break;
		at++;
	}
	if (fault == NULL)
		fault = judge(&vm);
	if (fault != NULL) {
		snprintf(why, VM_WHY_ROOM, "%s", fault);
		return false;
	}
	*out = vm;
	return true;
}

bool
vm_spec_clash(const struct vm_spec *a, const struct vm_spec *b, char why[VM_WHY_ROOM])
{
	const char *what = strcmp(a->name, b->name) == 0                   ? "name"
	    : a->cid != 0 && a->cid == b->cid                              ? "cid"
	    : a->socket[0] != '\0' && strcmp(a->socket, b->socket) == 0    ? "socket"
	    : a->monitor[0] != '\0' && strcmp(a->monitor, b->monitor) == 0 ? "VMM's socket"
									   : NULL;

	if (what == NULL)
		return false;
	snprintf(why, VM_WHY_ROOM, "has the %s of %s, which is registered already", what, b->name);
	return true;
}

void
vm_spec_print(char out[VM_TEXT_ROOM], const struct vm_spec *vm)
{
	int n = vm->cid != 0 ? snprintf(out, VM_TEXT_ROOM, "%s,cid=%" PRIu32, vm->name, vm->cid)
			     : snprintf(out, VM_TEXT_ROOM, "%s,socket=%s", vm->name, vm->socket);

	if (vm->tdx)
		n += snprintf(out + n, VM_TEXT_ROOM - (size_t)n, ",tdx");
	else
		n += snprintf(out + n, VM_TEXT_ROOM - (size_t)n, ",%s=unix:%s",
		    vm->adapter ? "adapter" : "qmp", vm->monitor);
	if (vm->pid != 0)
		n += snprintf(out + n, VM_TEXT_ROOM - (size_t)n, ",pid=%" PRId32, vm->pid);
	if (vm->loopback)
		snprintf(out + n, VM_TEXT_ROOM - (size_t)n, ",loopback");
}
