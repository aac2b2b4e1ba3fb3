/* SPDX-License-Identifier: Apache-2.0 */
#include "eventlog/eventlog.h"

#include <stdarg.h>
#include <string.h>

/* What single events say: TCG PC Client Platform Firmware Profile 1.05, 10.4. Nothing here steers
 * a verdict but assay_log_event_match(). */

/* --- names ------------------------------------------------------------------------------- */

/* How a digest relates to the event's data. */
enum covers {
	ELSEWHERE, /* it is over something else */
	DATA,      /* it is over the data, everywhere */
	MAYBE,     /* it is over the data in some firmware */
};

static const struct {
	uint32_t type;
	enum covers covers;
	const char *name;
} types[] = {
	{ 0x00, ELSEWHERE, "EV_PREBOOT_CERT" },
	{ 0x01, ELSEWHERE, "EV_POST_CODE" },
	{ 0x02, ELSEWHERE, "EV_UNUSED" },
	{ 0x03, ELSEWHERE, "EV_NO_ACTION" },
	{ 0x04, DATA, "EV_SEPARATOR" },
	{ 0x05, DATA, "EV_ACTION" },
	{ 0x06, ELSEWHERE, "EV_EVENT_TAG" },
	{ 0x07, ELSEWHERE, "EV_S_CRTM_CONTENTS" },
	{ 0x08, DATA, "EV_S_CRTM_VERSION" },
	{ 0x09, ELSEWHERE, "EV_CPU_MICROCODE" },
	{ 0x0a, ELSEWHERE, "EV_PLATFORM_CONFIG_FLAGS" },
	{ 0x0b, ELSEWHERE, "EV_TABLE_OF_DEVICES" },
	{ 0x0c, ELSEWHERE, "EV_COMPACT_HASH" },
	{ 0x0d, ELSEWHERE, "EV_IPL" },
	{ 0x0e, ELSEWHERE, "EV_IPL_PARTITION_DATA" },
	{ 0x0f, ELSEWHERE, "EV_NONHOST_CODE" },
	{ 0x10, ELSEWHERE, "EV_NONHOST_CONFIG" },
	{ 0x11, ELSEWHERE, "EV_NONHOST_INFO" },
	{ 0x12, ELSEWHERE, "EV_OMIT_BOOT_DEVICE_EVENTS" },
	{ 0x80000001, DATA, "EV_EFI_VARIABLE_DRIVER_CONFIG" },
	{ 0x80000002, MAYBE, "EV_EFI_VARIABLE_BOOT" },
	{ 0x80000003, ELSEWHERE, "EV_EFI_BOOT_SERVICES_APPLICATION" },
	{ 0x80000004, ELSEWHERE, "EV_EFI_BOOT_SERVICES_DRIVER" },
	{ 0x80000005, ELSEWHERE, "EV_EFI_RUNTIME_SERVICES_DRIVER" },
	{ 0x80000006, DATA, "EV_EFI_GPT_EVENT" },
	{ 0x80000007, DATA, "EV_EFI_ACTION" },
	{ 0x80000008, ELSEWHERE, "EV_EFI_PLATFORM_FIRMWARE_BLOB" },
	{ 0x80000009, ELSEWHERE, "EV_EFI_HANDOFF_TABLES" },
	{ 0x8000000a, ELSEWHERE, "EV_EFI_PLATFORM_FIRMWARE_BLOB2" },
	{ 0x8000000b, ELSEWHERE, "EV_EFI_HANDOFF_TABLES2" },
	{ 0x8000000c, MAYBE, "EV_EFI_VARIABLE_BOOT2" },
	{ 0x80000010, ELSEWHERE, "EV_EFI_HCRTM_EVENT" },
	{ 0x800000e0, DATA, "EV_EFI_VARIABLE_AUTHORITY" },
	{ 0x800000e1, ELSEWHERE, "EV_EFI_SPDM_FIRMWARE_BLOB" },
	{ 0x800000e2, ELSEWHERE, "EV_EFI_SPDM_FIRMWARE_CONFIG" },
	{ 0x800000e3, ELSEWHERE, "EV_EFI_SPDM_DEVICE_POLICY" },
	{ 0x800000e4, ELSEWHERE, "EV_EFI_SPDM_DEVICE_AUTHORITY" },
};

const char *
assay_log_type_name(uint32_t type)
{
	for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
		if (types[i].type == type)
			return types[i].name;
	return NULL;
}

bool
assay_log_type_find(uint32_t *type, const char *name)
{
	for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
		if (strcmp(types[i].name, name) == 0) {
			*type = types[i].type;
			return true;
		}
	return false;
}

const char *
assay_log_kind_name(enum assay_log_kind kind)
{
	static const char *const names[] = { "unknown", "TCG 1.2", "TCG 2", "CCEL", "AAEL", "IMA" };

	return (size_t)kind < sizeof names / sizeof names[0] ? names[kind] : names[0];
}

const char *
assay_log_bank_name(uint16_t algorithm)
{
	const struct assay_bank_algorithm *a = assay_bank_find(algorithm);

	return a != NULL ? a->name : "unknown";
}

struct assay_log_name
assay_log_register_name(bool cc, uint32_t reg)
{
	struct assay_log_name name;

	if (cc && reg == 0)
		(void)snprintf(name.text, sizeof name.text, "MRTD");
	else if (cc && reg < CC_REGISTERS)
		(void)snprintf(name.text, sizeof name.text, "RTMR%u", reg - 1);
	else if (reg < ASSAY_LOG_REGISTERS)
		(void)snprintf(name.text, sizeof name.text, "%s%u", cc ? "index " : "PCR ", reg);
	else
		(void)snprintf(name.text, sizeof name.text, "0x%08x", reg);
	return name;
}

/* Tagged events: systemd, docs/TPM2_PCR_MEASUREMENTS.md; Linux, drivers/firmware/efi/libstub. */
static const struct {
	uint32_t id;
	const char *name;
} tags[] = {
	{ AAEL_TAG, "AAEL" },
	{ 0x8f3b22ec, "Linux initrd" },
	{ 0x8f3b22ed, "Linux load options" },
	{ 0xf5bc582a, "systemd loader.conf" },
	{ 0x6c46f751, "systemd device tree add-on" },
	{ 0x49dffe0f, "systemd initrd add-on" },
	{ 0xdac08e1a, "systemd microcode add-on" },
	{ 0xd5cb7cbc, "SMBIOS type 1" },
	{ 0xe0d47bc8, "SMBIOS type 2" },
	{ 0xc0b3bd23, "SMBIOS type 11" },
};

/* --- does the digest cover the data ------------------------------------------------------ */

bool
assay_log_covers_data(const struct assay_log_event *ev, bool *sure)
{
	*sure = true;
	if (ev->type == EV_EVENT_TAG)
		return ev->data.len >= 8 && assay_u32le(ev->data.ptr) == AAEL_TAG;
	for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
		if (types[i].type != ev->type)
			continue;
		*sure = types[i].covers == DATA;
		return types[i].covers != ELSEWHERE;
	}
	return false;
}

enum assay_log_match
assay_log_event_match(const struct assay_log *log, const struct assay_log_event *ev)
{
	uint8_t hash[ASSAY_DIGEST_MAX];
	bool sure = false;
	size_t computed = 0;

	if (log->kind == ASSAY_LOG_IMA)
		return assay_ima_match(ev);
	if (!ev->extends || !assay_log_covers_data(ev, &sure))
		return ASSAY_LOG_MATCH_UNKNOWN;
	for (size_t i = 0; i < ev->digest_count; i++) {
		const struct assay_log_digest *d = &ev->digests[i];
		const struct assay_bank_algorithm *a = assay_bank_find(d->algorithm);
		if (a == NULL || !a->computed)
			continue;
		assay_bank_hash(hash, d->algorithm, &ev->data, 1);
		if (memcmp(hash, d->bytes, d->size) != 0)
			return sure ? ASSAY_LOG_MATCH_NO : ASSAY_LOG_MATCH_UNKNOWN;
		computed++;
	}
	return computed > 0 ? ASSAY_LOG_MATCH_YES : ASSAY_LOG_MATCH_UNKNOWN;
}

/* --- text -------------------------------------------------------------------------------- */

/* Text that grows to its limit, and then ends in "...". */
struct text {
	char *out;
	size_t size, len;
	bool cut;
};

static void
put(struct text *t, const char *s)
{
	size_t n = strlen(s), room = t->size > 4 + t->len ? t->size - 4 - t->len : 0;

	if (t->cut || n > room) {
		if (!t->cut && t->size > 4)
			memcpy(t->out + t->len, "...", 4);
		t->cut = true;
		return;
	}
	memcpy(t->out + t->len, s, n + 1);
	t->len += n;
}

static void putf(struct text *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void
putf(struct text *t, const char *fmt, ...)
{
	char piece[128];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(piece, sizeof piece, fmt, ap);
	va_end(ap);
	put(t, piece);
}

/* One character of a stranger's string. */
static void
put_character(struct text *t, uint32_t c)
{
	if (c == '"' || c == '\\')
		putf(t, "\\%c", (int)c);
	else if (c >= 0x20 && c < 0x7f)
		putf(t, "%c", (int)c);
	else if (c == '\n')
		put(t, "\\n");
	else
		putf(t, c < 0x100 ? "\\x%02x" : "\\u%04x", c);
}

static void
put_quoted(struct text *t, struct assay_bytes s)
{
	put(t, "\"");
	for (size_t i = 0; i < s.len && !t->cut; i++)
		put_character(t, s.ptr[i]);
	put(t, "\"");
}

static void
put_utf16(struct text *t, struct assay_bytes s)
{
	put(t, "\"");
	for (size_t i = 0; i + 1 < s.len && !t->cut; i += 2)
		put_character(t, assay_u16le(s.ptr + i));
	put(t, "\"");
}

static void
put_hex(struct text *t, struct assay_bytes s)
{
	for (size_t i = 0; i < s.len && !t->cut; i++)
		putf(t, "%02x", s.ptr[i]);
}

static void
put_guid(struct text *t, const uint8_t *g)
{
	putf(t, "%08x-%04x-%04x-%02x%02x-%02x%02x%02x%02x%02x%02x", assay_u32le(g),
	    assay_u16le(g + 4), assay_u16le(g + 6), g[8], g[9], g[10], g[11], g[12], g[13], g[14],
	    g[15]);
}

/* Without what stands behind the first NUL: GRUB of some distributions leaves a stray byte. */
static struct assay_bytes
to_nul(struct assay_bytes s)
{
	const uint8_t *nul = s.len > 0 ? memchr(s.ptr, '\0', s.len) : NULL;

	return (struct assay_bytes){ s.ptr, nul != NULL ? (size_t)(nul - s.ptr) : s.len };
}

static bool
is_printable(struct assay_bytes s)
{
	for (size_t i = 0; i < s.len; i++)
		if ((s.ptr[i] < 0x20 && s.ptr[i] != '\n' && s.ptr[i] != '\t') || s.ptr[i] >= 0x7f)
			return false;
	return s.len > 0;
}

/* UTF-16 of printable ASCII; a last NUL is left out. */
static bool
take_utf16(struct assay_bytes *s)
{
	struct assay_bytes in = *s;

	if (in.len >= 2 && in.ptr[in.len - 1] == 0 && in.ptr[in.len - 2] == 0)
		in.len -= 2;
	if (in.len < 4 || in.len % 2 != 0)
		return false;
	for (size_t i = 0; i < in.len; i += 2)
		if (in.ptr[i + 1] != 0 || in.ptr[i] < 0x20 || in.ptr[i] >= 0x7f)
			return false;
	*s = in;
	return true;
}

enum { SHORT_DATA = 32 };

/* Data of which nothing is known: a string, a short value, or how long it is. */
static void
put_any(struct text *t, struct assay_bytes data)
{
	struct assay_bytes s = to_nul(data);

	if (data.len == 0)
		put(t, "no data");
	else if (take_utf16(&data))
		put_utf16(t, data);
	else if (is_printable(s) &&
	    (data.len - s.len <= 2 ||
		assay_bytes_zero((struct assay_bytes){ data.ptr + s.len, data.len - s.len })))
		put_quoted(t, s);
	else if (data.len <= SHORT_DATA)
		put_hex(t, data);
	else
		putf(t, "%zu bytes", data.len);
}

/* UEFI_VARIABLE_DATA */
static void
put_variable(struct text *t, struct assay_bytes data)
{
	struct assay_reader r = { .what = "variable", .in = data };
	struct assay_bytes guid = assay_take(&r, 16);
	uint64_t name_len = assay_take_u64le(&r), size = assay_take_u64le(&r);

	if (r.overrun || name_len > data.len || size > data.len) {
		put_any(t, data);
		return;
	}
	struct assay_bytes name = assay_take(&r, (size_t)name_len * 2);
	struct assay_bytes value = assay_take(&r, (size_t)size);
	/* One shim counts its names wrongly: the value then runs over the end. */
	if (r.overrun) {
		put_any(t, data);
		return;
	}
	put_utf16(t, name);
	put(t, " of ");
	put_guid(t, guid.ptr);
	put(t, ": ");
	if (value.len == 0)
		put(t, "empty");
	else
		put_any(t, value);
}

/* UEFI_IMAGE_LOAD_EVENT: the file names in the device path. */
static void
put_image(struct text *t, struct assay_bytes data)
{
	struct assay_reader r = { .what = "image", .in = data };
	bool named = false;

	(void)assay_take(&r, 8); /* where it was loaded */
	uint64_t length = assay_take_u64le(&r);
	(void)assay_take(&r, 8); /* link time address */
	uint64_t path_len = assay_take_u64le(&r);
	if (r.overrun || path_len > assay_reader_left(&r)) {
		put_any(t, data);
		return;
	}
	putf(t, "image of %llu bytes", (unsigned long long)length);
	struct assay_reader path = { .what = "path", .in = assay_take(&r, (size_t)path_len) };
	while (assay_reader_left(&path) >= 4) { /* UEFI 2.10, 10.3: type, subtype, length */
		uint8_t type = assay_take_u8(&path), subtype = assay_take_u8(&path);
		uint16_t size = assay_take_u16le(&path);
		if (size < 4 || type == 0x7f)
			break;
		struct assay_bytes node = assay_take(&path, size - 4U);
		if (path.overrun)
			break;
		if (type == 4 && subtype == 4 && take_utf16(&node)) {
			put(t, named ? " " : ", ");
			put_utf16(t, node);
			named = true;
		}
	}
}

/* A description behind its length, as in BLOB2 and HANDOFF_TABLES2; false if it is none. */
static bool
put_described(struct text *t, struct assay_bytes data, size_t *used)
{
	size_t n = data.len > 0 ? data.ptr[0] : 0;
	struct assay_bytes name = n > 0 ? assay_bytes_at(data, 1, n) : (struct assay_bytes){ 0 };

	if (name.len == 0)
		return false;
	put_quoted(t, to_nul(name));
	*used = 1 + n;
	return true;
}

static void
put_blob(struct text *t, struct assay_bytes data)
{
	if (data.len != 16) {
		put_any(t, data);
		return;
	}
	putf(t, "0x%llx bytes at 0x%llx", (unsigned long long)assay_u64le(data.ptr + 8),
	    (unsigned long long)assay_u64le(data.ptr));
}

static void
put_blob2(struct text *t, struct assay_bytes data)
{
	size_t used = 0;

	if (!put_described(t, data, &used)) {
		put_any(t, data);
		return;
	}
	struct assay_bytes blob = assay_bytes_at(data, used, 16);
	if (blob.len == 0)
		return;
	put(t, ", ");
	put_blob(t, blob);
}

static void
put_tables2(struct text *t, struct assay_bytes data)
{
	size_t used = 0;

	if (!put_described(t, data, &used)) {
		put_any(t, data);
		return;
	}
	struct assay_bytes count = assay_bytes_at(data, used, 8);
	if (count.len == 8)
		putf(t, ", tables: %llu", (unsigned long long)assay_u64le(count.ptr));
}

static void
put_tagged(struct text *t, struct assay_bytes data)
{
	struct assay_reader r = { .what = "tagged event", .in = data };
	uint32_t id = assay_take_u32le(&r);
	struct assay_bytes body = assay_take(&r, assay_take_u32le(&r));

	if (r.overrun || assay_reader_left(&r) > 0) {
		put_any(t, data);
		return;
	}
	const char *name = NULL;
	for (size_t i = 0; i < sizeof tags / sizeof tags[0]; i++)
		if (tags[i].id == id)
			name = tags[i].name;
	if (name != NULL)
		putf(t, "%s: ", name);
	else
		putf(t, "tag 0x%08x: ", id);
	put_any(t, body);
}

/* "Spec ID Event03", "StartupLocality", "SP800-155 Event", ...: sixteen bytes, then the rest. */
static void
put_no_action(struct text *t, struct assay_bytes data)
{
	struct assay_bytes name = to_nul(assay_bytes_at(data, 0, 16));

	if (!is_printable(name)) {
		put_any(t, data);
		return;
	}
	put_quoted(t, name);
	if (data.len == 17)
		putf(t, ", %u", data.ptr[16]);
	else
		putf(t, ", %zu bytes", data.len - 16);
}

static void
put_separator(struct text *t, struct assay_bytes data)
{
	if (data.len == 4 && assay_bytes_zero(data))
		put(t, "end of the firmware's events");
	else if (data.len == 4 && assay_u32le(data.ptr) == 0xffffffff)
		put(t, "the firmware reports an error");
	else
		put_any(t, data);
}

static void
put_gpt(struct text *t, struct assay_bytes data)
{
	if (data.len < 100 || memcmp(data.ptr, "EFI PART", 8) != 0) {
		put_any(t, data);
		return;
	}
	put(t, "disk ");
	put_guid(t, data.ptr + 56);
	putf(t, ", partitions: %llu", (unsigned long long)assay_u64le(data.ptr + 92));
}

void
assay_log_event_text(
    char *out, size_t size, const struct assay_log *log, const struct assay_log_event *ev)
{
	static const struct {
		uint32_t type;
		void (*put)(struct text *t, struct assay_bytes data);
	} forms[] = {
		{ EV_NO_ACTION, put_no_action },
		{ 0x04, put_separator },
		{ EV_EVENT_TAG, put_tagged },
		{ 0x80000001, put_variable },
		{ 0x80000002, put_variable },
		{ 0x80000003, put_image },
		{ 0x80000004, put_image },
		{ 0x80000005, put_image },
		{ 0x80000006, put_gpt },
		{ 0x80000008, put_blob },
		{ 0x8000000a, put_blob2 },
		{ 0x8000000b, put_tables2 },
		{ 0x8000000c, put_variable },
		{ 0x800000e0, put_variable },
	};
	struct text t = { .out = out, .size = size };

	if (size == 0)
		return;
	out[0] = '\0';
	if (log->kind == ASSAY_LOG_IMA) {
		put_quoted(&t, ev->data);
		return;
	}
	for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
		if (forms[i].type == ev->type) {
			forms[i].put(&t, ev->data);
			return;
		}
	}
	put_any(&t, ev->data);
}
