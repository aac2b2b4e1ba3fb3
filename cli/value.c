/* SPDX-License-Identifier: Apache-2.0 */
#include "value.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "command.h"
#include "http.h"
#include "input.h"

enum { DAY_S = 86400 };

/* --- times ------------------------------------------------------------------------------- */

/* Days since 1970-01-01 of a date of the Gregorian calendar. */
static int64_t
days_of(int64_t year, int month, int day)
{
	/* The year begins in March, so that the leap day is its last. */
	year -= month <= 2;
	int64_t era = (year >= 0 ? year : year - 399) / 400;
	int64_t year_of_era = year - era * 400;
	int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
	int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;

	return era * 146097 + day_of_era - 719468;
}

static int
days_in(int year, int month)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return month == 2 && leap ? 29 : days[month - 1];
}

/* Takes exactly n digits. */
static bool
take_digits(const char **p, int n, int *out)
{
	*out = 0;
	for (; n > 0; n--, ++*p) {
		if (**p < '0' || **p > '9')
			return false;
		*out = *out * 10 + (**p - '0');
	}
	return true;
}

static bool
take_char(const char **p, const char *any)
{
	if (**p == '\0' || strchr(any, **p) == NULL)
		return false;
	++*p;
	return true;
}

static bool
take_zone(const char **p, int *offset_s)
{
	int hours, minutes;
	bool west = **p == '-';

	*offset_s = 0;
	if (take_char(p, "Zz"))
		return true;
	if (!take_char(p, "+-") || !take_digits(p, 2, &hours) || !take_char(p, ":") ||
	    !take_digits(p, 2, &minutes) || hours > 23 || minutes > 59)
		return false;
	*offset_s = (hours * 3600 + minutes * 60) * (west ? -1 : 1);
	return true;
}

bool
value_time(int64_t *out, const char *text)
{
	const char *p = text;
	int year, month, day, hour = 0, minute = 0, second = 0, offset = 0, digit;

	if (strcmp(text, "now") == 0) {
		*out = (int64_t)time(NULL);
		return true;
	}
	if (!take_digits(&p, 4, &year) || !take_char(&p, "-") || !take_digits(&p, 2, &month) ||
	    !take_char(&p, "-") || !take_digits(&p, 2, &day))
		return false;
	if (month < 1 || month > 12 || day < 1 || day > days_in(year, month))
		return false;
	if (*p != '\0') {
		if (!take_char(&p, "Tt ") || !take_digits(&p, 2, &hour) || !take_char(&p, ":") ||
		    !take_digits(&p, 2, &minute) || !take_char(&p, ":") ||
		    !take_digits(&p, 2, &second))
			return false;
		if (take_char(&p, "."))
			while (take_digits(&p, 1, &digit))
				;
		if (!take_zone(&p, &offset) || *p != '\0')
			return false;
	}
	if (hour > 23 || minute > 59 || second > 59)
		return false;
	*out = days_of(year, month, day) * DAY_S + hour * 3600 + minute * 60 + second - offset;
	return true;
}

bool
value_duration(int64_t *out_s, const char *text)
{
	static const struct {
		const char *unit;
		int64_t ms;
	} units[] = { { "ms", 1 }, { "s", 1000 }, { "m", 60 * 1000 }, { "h", 3600 * 1000 },
		{ "d", (int64_t)DAY_S * 1000 } };
	int64_t n = 0;
	const char *p = text;

	for (; *p >= '0' && *p <= '9'; p++) {
		if (n > 99999999)
			return false;
		n = n * 10 + (*p - '0');
	}
	if (p == text)
		return false;
	for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
		if (strcmp(p, units[i].unit) != 0)
			continue;
		*out_s = (n * units[i].ms + 999) / 1000;
		return true;
	}
	return false;
}

int
value_timeout(const struct args *args, int64_t *out_s)
{
	const char *text = args_value(args, OPT_TIMEOUT);

	*out_s = 30;
	if (text == NULL || (value_duration(out_s, text) && *out_s > 0 && *out_s <= DAY_S))
		return 0;
	return misused(args->command,
	    "--timeout: \"%.40s\" is no duration up to a day; write 500ms, 30s or 10m", text);
}

int
value_ca(const struct command *command, const char *ca)
{
	static const char end[] = "CERTIFICATE-----"; /* of each line that begins or ends one */
	struct input in = { 0 };
	struct stat st;

	if (ca == NULL)
		return 0;
	if (strcmp(ca, "-") == 0)
		ca = "./-"; /* for libcurl, too, that is a file */
	if (stat(ca, &st) == 0 && S_ISFIFO(st.st_mode))
		return 0; /* can be read once, by libcurl */
	int rc = input_read(command, &in, ca, "a list of certificates");
	if (rc == 0 && (in.len == 0 || memmem(in.data, in.len, end, sizeof end - 1) == NULL)) {
		complain(command,
		    "%s: holds no certificate in PEM; --ca takes those that the server's must "
		    "chain to",
		    ca);
		rc = EXIT_USAGE;
	}
	input_clear(&in);
	return rc;
}

int
value_server(const struct command *command, const char *option, const char *url, const char *ca)
{
	if (http_has_user(url))
		return misused(command,
		    "%s: has a user in it, whose password would stand in messages; write it "
		    "without "
		    "USER@",
		    option);
	if (!http_is_url(url))
		return misused(command,
		    "%s: \"%.100s\" is none of https://..., http://..., unix:/PATH", option, url);
	return http_scheme(url, "https://") ? value_ca(command, ca) : 0;
}

static void
time_print(char out[TIME_MAX], int64_t t, char between)
{
	time_t when = (time_t)t;
	struct tm tm;

	out[0] = '\0';
	if (t < -62135596800 || t > 253402300799) /* the years 1 to 9999 */
		return;
	if (gmtime_r(&when, &tm) == NULL)
		return;
	size_t n = strftime(out, TIME_MAX, "%Y-%m-%d %H:%M:%SZ", &tm);
	if (n > 10)
		out[n - 10] = between;
}

void
value_time_text(char out[TIME_MAX], int64_t t)
{
	time_print(out, t, ' ');
}

void
value_time_json(char out[TIME_MAX], int64_t t)
{
	time_print(out, t, 'T');
}

void
value_distance(char out[TIME_MAX], int64_t from, int64_t to)
{
	uint64_t s = to > from ? (uint64_t)to - (uint64_t)from : (uint64_t)from - (uint64_t)to;
	uint64_t n = s >= DAY_S ? s / DAY_S : s >= 3600 ? s / 3600 : s >= 60 ? s / 60 : s;
	const char *unit = s >= DAY_S ? "day" : s >= 3600 ? "hour" : s >= 60 ? "minute" : "second";

	snprintf(out, TIME_MAX, to >= from ? "in %" PRIu64 " %s%s" : "%" PRIu64 " %s%s ago", n,
	    unit, n == 1 ? "" : "s");
}

/* --- bytes ------------------------------------------------------------------------------- */

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* False if it is no hex; *len counts on past max, so that the caller can say how long it is. */
static bool
unhex(uint8_t *out, size_t max, size_t *len, const char *text)
{
	if (text[0] == '0' && (text[1] | 0x20) == 'x')
		text += 2;
	*len = 0;
	while (*text != '\0') {
		int high = hex_digit(text[0]);
		int low = high < 0 ? -1 : hex_digit(text[1]);
		if (low < 0)
			return false;
		if (*len < max)
			out[*len] = (uint8_t)(high << 4 | low);
		++*len;
		text += 2;
		if (*text == ':' && text[1] != '\0')
			text++;
	}
	return *len > 0;
}

static int
base64_digit(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '+' || c == '-')
		return 62;
	return c == '/' || c == '_' ? 63 : -1;
}

/* Either alphabet, with or without padding; bits left over must be zero. */
static bool
unbase64(uint8_t *out, size_t max, size_t *len, const char *text)
{
	uint32_t bits = 0;
	unsigned held = 0, digits = 0, padding = 0;

	*len = 0;
	for (; *text != '\0' && *text != '='; text++, digits++) {
		int d = base64_digit(*text);
		if (d < 0)
			return false;
		bits = (bits << 6 | (uint32_t)d) & 0xfff;
		held += 6;
		if (held < 8)
			continue;
		held -= 8;
		if (*len < max)
			out[*len] = (uint8_t)(bits >> held);
		++*len;
	}
	for (; *text == '='; text++)
		padding++;
	if (*text != '\0' || digits % 4 == 1 || (bits & ((1u << held) - 1)) != 0)
		return false;
	return *len > 0 && (padding == 0 || (digits + padding) % 4 == 0);
}

bool
value_unbase64(uint8_t *out, size_t max, size_t *len, const char *text)
{
	return unbase64(out, max, len, text) && *len <= max;
}

void
value_base64(char *out, struct assay_bytes in)
{
	static const char digits[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	for (size_t i = 0; i < in.len; i += 3) {
		size_t n = in.len - i < 3 ? in.len - i : 3;
		uint32_t bits = (uint32_t)in.ptr[i] << 16 |
		    (n > 1 ? (uint32_t)in.ptr[i + 1] << 8 : 0) | (n > 2 ? in.ptr[i + 2] : 0);
		for (unsigned k = 0; k < 4; k++)
			*out++ = k <= n ? digits[bits >> (18 - 6 * k) & 0x3f] : '=';
	}
	*out = '\0';
}

int
value_bytes(const struct args *args, uint8_t *out, size_t max, size_t *out_len, const char *option,
    const char *text)
{
	struct input file = { 0 };
	bool ok = true;
	int rc = 0;

	if (text[0] == '@') {
		if ((rc = input_read(args->command, &file, text + 1, "the value")) != 0)
			return rc;
		*out_len = file.len;
		if (file.len > 0 && file.len <= max)
			memcpy(out, file.data, file.len);
		input_clear(&file);
	} else if (strncmp(text, "base64:", 7) == 0) {
		ok = unbase64(out, max, out_len, text + 7);
	} else {
		ok = unhex(out, max, out_len, text);
	}
	if (!ok && strncmp(text, "base64:", 7) == 0)
		return misused(args->command, "--%s: \"%.40s\" is not base64", option, text + 7);
	if (!ok)
		return misused(args->command,
		    "--%s: \"%.40s\" is not hex; write hex, base64:TEXT or @FILE", option, text);
	if (*out_len > max)
		return misused(args->command, "--%s: is %zu bytes, at most %zu fit%s", option,
		    *out_len, max,
		    text[0] == '@'
			? "; a file is taken as raw bytes: if it holds hex, give \"$(cat FILE)\""
			: "");
	return 0;
}

int
value_bind(const struct args *args, uint8_t data[ASSAY_REPORT_DATA_SIZE], size_t *len)
{
	struct input key = { 0 };
	struct assay_error err = { .text = "" };
	uint8_t bound[ASSAY_REPORT_DATA_SIZE];
	int rc;

	if (!args_has(args, OPT_NONCE))
		return misused(
		    args->command, "--bind: --nonce is needed, too; it is bound with the key");
	rc = input_read(args->command, &key, args_value(args, OPT_BIND), "a public key");
	if (rc != 0)
		return rc;
	enum assay_code code = assay_bind_report_data(
	    bound, (struct assay_bytes){ data, *len }, input_bytes(&key), &err);
	input_clear(&key);
	if (code != ASSAY_OK)
		return misused(args->command, "--bind: %s", err.text);
	memcpy(data, bound, sizeof bound);
	*len = sizeof bound;
	return 0;
}

void
value_base64url(char *out, const uint8_t *in, size_t len)
{
	static const char digits[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	uint32_t bits = 0;
	unsigned held = 0;

	for (size_t i = 0; i < len; i++) {
		bits = bits << 8 | in[i];
		for (held += 8; held >= 6; held -= 6)
			*out++ = digits[bits >> (held - 6) & 63];
	}
	if (held > 0)
		*out++ = digits[bits << (6 - held) & 63];
	*out = '\0';
}
