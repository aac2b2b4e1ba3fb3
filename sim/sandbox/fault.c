/* SPDX-License-Identifier: Apache-2.0 */
/* Faults: each is a count that the requests of all interfaces use up together, since a machine has
 * one quote buffer and one firmware. */
#include "fault.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COUNT_MAX = 1000000, SLOW_MAX_MS = 3600000 };

static bool
read_count(const char *text, atomic_int *out, int without)
{
	char *end = NULL;
	long n = text[0] != '\0' ? strtol(text, &end, 10) : without;

	if (end != NULL && (*end != '\0' || text[0] < '0' || text[0] > '9' || n > COUNT_MAX))
		return false;
	atomic_store(out, (int)n);
	return true;
}

static bool
read_duration(const char *text, int64_t *out_ms)
{
	static const struct {
		const char *name;
		long ms;
	} units[] = { { "ms", 1 }, { "s", 1000 }, { "m", 60000 } };
	char *end = NULL;
	long n = strtol(text, &end, 10);

	if (text[0] < '0' || text[0] > '9')
		return false;
	for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
		if (strcmp(end, units[i].name) == 0 && n <= SLOW_MAX_MS / units[i].ms) {
			*out_ms = n * units[i].ms;
			return true;
		}
	return false;
}

static bool
read_one(struct faults *out, const char *name, const char *value)
{
	if (strcmp(name, "busy") == 0)
		return read_count(value, &out->busy, 1);
	if (strcmp(name, "stale-generation") == 0)
		return read_count(value, &out->stale, 1);
	if (strcmp(name, "wrong-nonce") == 0)
		return read_count(value, &out->wrong_nonce, FAULT_ALWAYS);
	if (strcmp(name, "other-vm") == 0)
		return read_count(value, &out->other_vm, FAULT_ALWAYS);
	if (strcmp(name, "replay") == 0)
		return read_count(value, &out->replay, FAULT_ALWAYS);
	return strcmp(name, "slow") == 0 && read_duration(value, &out->slow_ms);
}

bool
fault_parse(struct faults *out, const char *text, char why[256])
{
	*out = (struct faults){ .slow_ms = 0 };
	while (text[0] != '\0') {
		size_t n = strcspn(text, ",");
		char one[64] = "";
		char *value = NULL;

		if (n < sizeof one)
			memcpy(one, text, n);
		value = strchr(one, ':');
		if (value != NULL)
			*value++ = '\0';
		if (!read_one(out, one, value != NULL ? value : "")) {
			snprintf(why, 256,
			    "\"%.*s\" is no fault; write busy:N, stale-generation[:N], slow:500ms, "
			    "wrong-nonce[:N], of SEV other-vm[:N] or replay[:N], with commas "
			    "between",
			    n < 60 ? (int)n : 60, text);
			return false;
		}
		text += n + (text[n] == ',');
	}
	return true;
}

/* Takes one off a count; false when it was used up. */
static bool
use(atomic_int *count)
{
	int n = atomic_load(count);

	while (n > 0)
		if (atomic_compare_exchange_weak(count, &n, n - 1))
			return true;
	return n == FAULT_ALWAYS;
}

bool
fault_busy(struct faults *f)
{
	return use(&f->busy);
}

bool
fault_stale(struct faults *f)
{
	return use(&f->stale);
}

bool
fault_other_vm(struct faults *f)
{
	return use(&f->other_vm);
}

bool
fault_replay(struct faults *f)
{
	return use(&f->replay);
}

bool
fault_wrong_nonce(struct faults *f)
{
	return use(&f->wrong_nonce);
}

void
fault_nonce(struct faults *f, uint8_t data[64])
{
	if (fault_wrong_nonce(f))
		data[0] ^= 0xff;
}
