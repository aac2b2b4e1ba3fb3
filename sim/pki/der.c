/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/pki.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct sim_bytes
sim_der(struct sim *sim, uint8_t tag, struct sim_bytes content)
{
	struct sim_buf b = { .sim = sim };

	sim_put(&b, &tag, 1);
	if (content.len < 0x80) {
		sim_put(&b, &(uint8_t){ (uint8_t)content.len }, 1);
	} else {
		size_t n = content.len > 0xffff ? 3 : content.len > 0xff ? 2 : 1;
		sim_put(&b, &(uint8_t){ (uint8_t)(0x80 | n) }, 1);
		while (n-- > 0)
			sim_put(&b, &(uint8_t){ (uint8_t)(content.len >> (8 * n)) }, 1);
	}
	sim_put_bytes(&b, content);
	return sim_taken(&b);
}

struct sim_bytes
sim_der_join(struct sim *sim, uint8_t tag, const struct sim_bytes *parts, size_t n)
{
	struct sim_buf b = { .sim = sim };

	for (size_t i = 0; i < n; i++)
		sim_put_bytes(&b, parts[i]);
	return sim_der(sim, tag, sim_taken(&b));
}

struct sim_bytes
sim_der_oid(struct sim *sim, const char *dotted)
{
	struct sim_buf b = { .sim = sim };
	unsigned long first = 0;
	char *at = NULL;

	for (int i = 0; *dotted != '\0'; i++) {
		unsigned long v = strtoul(dotted, &at, 10);
		dotted = *at == '.' ? at + 1 : at;
		if (i == 0) {
			first = v;
			continue;
		}
		if (i == 1)
			v += 40 * first;
		uint8_t octets[8];
		size_t n = 0;
		do {
			octets[n] = (uint8_t)((v & 0x7f) | (n > 0 ? 0x80 : 0));
			n++;
			v >>= 7;
		} while (v > 0);
		while (n-- > 0)
			sim_put(&b, &octets[n], 1);
	}
	return sim_der(sim, 0x06, sim_taken(&b));
}

struct sim_bytes
sim_der_number(struct sim *sim, struct sim_bytes v)
{
	struct sim_buf b = { .sim = sim };

	while (v.len > 1 && v.ptr[0] == 0) {
		v.ptr++;
		v.len--;
	}
	if (v.len == 0 || v.ptr[0] >= 0x80)
		sim_put_zero(&b, 1);
	sim_put_bytes(&b, v);
	return sim_der(sim, 0x02, sim_taken(&b));
}

struct sim_bytes
sim_der_uint(struct sim *sim, uint64_t v)
{
	uint8_t big[8];

	for (size_t i = 0; i < 8; i++)
		big[i] = (uint8_t)(v >> (56 - 8 * i));
	return sim_der_number(sim, (struct sim_bytes){ big, 8 });
}

struct sim_bytes
sim_der_bool(struct sim *sim, bool v)
{
	return sim_der(sim, 0x01, sim_copy(sim, &(uint8_t){ v ? 0xff : 0x00 }, 1));
}

struct sim_bytes
sim_der_octets(struct sim *sim, const void *bytes, size_t n)
{
	return sim_der(sim, 0x04, sim_copy(sim, bytes, n));
}

struct sim_bytes
sim_der_bits(struct sim *sim, struct sim_bytes bytes)
{
	return sim_der(sim, 0x03, sim_join(sim, sim_copy(sim, "\0", 1), bytes));
}

struct sim_bytes
sim_der_raw(struct sim *sim, uint8_t tag, const char *text)
{
	return sim_der(sim, tag, sim_text(sim, text));
}

struct sim_bytes
sim_der_utc(struct sim *sim, int64_t t)
{
	struct tm tm;
	time_t when = (time_t)t;
	char text[64];

	if (gmtime_r(&when, &tm) == NULL)
		sim_die("no such time");
	/* RFC 5280 4.1.2.5: UTCTime through 2049. */
	if (tm.tm_year < 150) {
		snprintf(text, sizeof text, "%02d%02d%02d%02d%02d%02dZ", tm.tm_year % 100,
		    tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
		return sim_der_raw(sim, 0x17, text);
	}
	snprintf(text, sizeof text, "%04d%02d%02d%02d%02d%02dZ", tm.tm_year + 1900, tm.tm_mon + 1,
	    tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
	return sim_der_raw(sim, 0x18, text);
}
