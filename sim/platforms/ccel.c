/* SPDX-License-Identifier: Apache-2.0 */
/* The event log of a TDVF boot with a kernel given directly, as firmware writes it: each event goes
 * into the log and its digest into the register. Source: TCG PC Client Platform Firmware Profile;
 * Intel TDX Virtual Firmware Design Guide (mr_index, CCEL). */
#include "platforms/firmware.h"
#include "platforms/tdx_module.h"

#include <string.h>

enum {
	LOG_SIZE = 64 * 1024,
	LOG_GPA = 0x7fbf0000,
	SHA384_ID = 0x000c,
	NO_ACTION = 3,
	SEPARATOR = 4,
	EVENT_TAG = 6,
	PLATFORM_CONFIG_FLAGS = 0xa,
};
#define VARIABLE_DRIVER_CONFIG 0x80000001U
#define VARIABLE_BOOT          0x80000002U
#define BOOT_APPLICATION       0x80000003U
#define EFI_ACTION             0x80000007U
#define FIRMWARE_BLOB2         0x8000000aU
#define HANDOFF_TABLES2        0x8000000bU
#define TAG_INITRD             0x8f3b22ecU
#define TAG_LOAD_OPTIONS       0x8f3b22edU

static const char kernel_image[] = "the kernel of assay-sim";
static const char kernel_options[] = "initrd=initrd console=hvc0 root=/dev/vda ro";
static const char initrd_image[] = "the initrd of assay-sim";

struct log {
	struct sim_buf b;
	struct sim_ccel *out;
};

/* measured: what the digest is over */
static void
add(struct log *log, uint32_t index, uint32_t type, struct sim_bytes measured,
    struct sim_bytes event)
{
	uint8_t digest[64];

	sim_digest(digest, SIM_SHA384, measured);
	sim_put_u32(&log->b, index);
	sim_put_u32(&log->b, type);
	sim_put_u32(&log->b, 1);
	sim_put_u16(&log->b, SHA384_ID);
	sim_put(&log->b, digest, 48);
	sim_put_u32(&log->b, (uint32_t)event.len);
	sim_put_bytes(&log->b, event);
	sim_rtmr_extend(log->out->rtmr[index - 1], digest);
}

static void
add_header(struct log *log)
{
	sim_put_u32(&log->b, 0);
	sim_put_u32(&log->b, NO_ACTION);
	sim_put_zero(&log->b, 20);
	sim_put_u32(&log->b, 33);
	sim_put(&log->b, "Spec ID Event03", 16);
	sim_put_u32(&log->b, 0);                              /* platform class */
	sim_put(&log->b, (const uint8_t[]){ 0, 2, 0, 2 }, 4); /* 2.0, errata 0, 64 bit */
	sim_put_u32(&log->b, 1);
	sim_put_u16(&log->b, SHA384_ID);
	sim_put_u16(&log->b, 48);
	sim_put_zero(&log->b, 1);
}

/* A hand-off block list: what the VMM tells the firmware of the memory. */
static struct sim_bytes
td_hob_write(struct sim *sim)
{
	static const struct {
		uint64_t start, length;
		uint32_t attributes;
	} ranges[] = { { 0, 0x809000, 0 }, { 0x809000, 0x2000, 7 }, { 0x80b000, 0x5000, 0 },
		{ 0x810000, 0x2000, 7 }, { 0x812000, 0x7f7ee000, 0 } };
	struct sim_buf b = { .sim = sim };

	sim_put_u16(&b, 1); /* hand-off information */
	sim_put_u16(&b, 56);
	sim_put_u32(&b, 0);
	sim_put_u32(&b, 9);
	sim_put_zero(&b, 36);
	sim_put_u64(&b, 0x809000 + 56 + sizeof ranges / sizeof ranges[0] * 48);
	for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++) {
		sim_put_u16(&b, 3); /* resource descriptor */
		sim_put_u16(&b, 48);
		sim_put_u32(&b, 0);
		sim_put_zero(&b, 16);
		sim_put_u32(&b, ranges[i].attributes == 0 ? 7 : 0); /* unaccepted, system memory */
		sim_put_u32(&b, ranges[i].attributes);
		sim_put_u64(&b, ranges[i].start);
		sim_put_u64(&b, ranges[i].length);
	}
	sim_put_u16(&b, 0xffff); /* the end */
	sim_put_u16(&b, 8);
	sim_put_u32(&b, 0);
	return sim_taken(&b);
}

static void
put_utf16(struct sim_buf *b, const char *text)
{
	for (; *text != '\0'; text++)
		sim_put_u16(b, (uint8_t)*text);
}

static struct sim_bytes
variable_write(struct sim *sim, const uint8_t guid[16], const char *name, struct sim_bytes data)
{
	struct sim_buf b = { .sim = sim };

	sim_put(&b, guid, 16);
	sim_put_u64(&b, strlen(name));
	sim_put_u64(&b, data.len);
	put_utf16(&b, name);
	sim_put_bytes(&b, data);
	return sim_taken(&b);
}

static void
add_platform(struct log *log, struct sim_bytes image)
{
	static const uint8_t hob_guid[16] = { 0x4c, 0xf2, 0x39, 0x77, 0xd7, 0x93, 0xd4, 0x11, 0x9a,
		0x3a, 0x00, 0x90, 0x27, 0x3f, 0xc1, 0x4d };
	struct sim *sim = log->b.sim;
	struct sim_section sections[SIM_SECTIONS_MAX];
	struct sim_buf hand_off = { .sim = sim };

	sim_put(&hand_off, "\x06TD HOB", 7);
	sim_put_u64(&hand_off, 1);
	sim_put(&hand_off, hob_guid, 16);
	sim_put_u64(&hand_off, 0x809000);
	add(log, 1, HANDOFF_TABLES2, td_hob_write(sim), sim_taken(&hand_off));
	for (size_t i = 0, n = sim_tdvf_sections(image, sections); i < n; i++) {
		static const char name[] = "Configuration FV";
		struct sim_buf blob = { .sim = sim };
		if (sections[i].type != 1)
			continue;
		sim_put(&blob, &(uint8_t){ sizeof name - 1 }, 1);
		sim_put(&blob, name, sizeof name - 1);
		sim_put_u64(&blob, sections[i].gpa);
		sim_put_u64(&blob, sections[i].raw_size);
		add(log, 1, FIRMWARE_BLOB2,
		    sim_view(image.ptr + sections[i].offset, sections[i].raw_size),
		    sim_taken(&blob));
	}
}

static void
add_variables(struct log *log)
{
	static const uint8_t global[16] = { 0x61, 0xdf, 0xe4, 0x8b, 0xca, 0x93, 0xd2, 0x11, 0xaa,
		0x0d, 0x00, 0xe0, 0x98, 0x03, 0x2b, 0x8c };
	static const uint8_t security[16] = { 0xcb, 0xb2, 0x19, 0xd7, 0x3a, 0x3d, 0x96, 0x45, 0xa3,
		0xbc, 0xda, 0xd0, 0x0e, 0x67, 0x65, 0x6f };
	static const struct {
		const char *name;
		const uint8_t *guid;
	} variables[] = { { "SecureBoot", global }, { "PK", global }, { "KEK", global },
		{ "db", security }, { "dbx", security } };
	static const char *const acpi[] = { "loader", "RSDP", "tables" };
	struct sim *sim = log->b.sim;
	uint8_t zero[4] = { 0 };

	for (size_t i = 0; i < 5; i++) {
		struct sim_bytes data = variable_write(
		    sim, variables[i].guid, variables[i].name, sim_view(zero, i == 0));
		add(log, 1, VARIABLE_DRIVER_CONFIG, data, data);
	}
	add(log, 1, SEPARATOR, sim_view(zero, 4), sim_view(zero, 4));
	for (size_t i = 0; i < 3; i++)
		add(log, 1, PLATFORM_CONFIG_FLAGS, sim_text(sim, acpi[i]),
		    sim_text(sim, "ACPI DATA"));
	struct sim_bytes order = sim_view(zero, 2);
	add(log, 1, VARIABLE_BOOT, order, variable_write(sim, global, "BootOrder", order));
	struct sim_bytes entry = sim_text(sim, "the boot entry of assay-sim");
	add(log, 1, VARIABLE_BOOT, entry, variable_write(sim, global, "Boot0000", entry));
}

static void
add_action(struct log *log, const char *text)
{
	struct sim_bytes action = sim_text(log->b.sim, text);

	add(log, 2, EFI_ACTION, action, action);
}

static void
add_boot(struct log *log)
{
	struct sim *sim = log->b.sim;
	struct sim_buf load = { .sim = sim }, options = { .sim = sim }, tag = { .sim = sim };
	uint8_t zero[4] = { 0 };

	add_action(log, "Calling EFI Application from Boot Option");
	add(log, 2, SEPARATOR, sim_view(zero, 4), sim_view(zero, 4));
	sim_put_u64(&load, 0x7e000000); /* where it lies, its size, link address, no device path */
	sim_put_u64(&load, sizeof kernel_image - 1);
	sim_put_u64(&load, 0);
	sim_put_u64(&load, 0);
	add(log, 2, BOOT_APPLICATION, sim_text(sim, kernel_image), sim_taken(&load));
	/* What the kernel's own loader measures: options as UTF-16 with their NUL, then the initrd. */
	put_utf16(&options, kernel_options);
	sim_put_u16(&options, 0);
	sim_put_u32(&tag, TAG_LOAD_OPTIONS);
	sim_put_u32(&tag, 21);
	sim_put(&tag, "LOADED_IMAGE::Options", 21);
	add(log, 3, EVENT_TAG, sim_taken(&options), sim_taken(&tag));
	tag = (struct sim_buf){ .sim = sim };
	sim_put_u32(&tag, TAG_INITRD);
	sim_put_u32(&tag, 13);
	sim_put(&tag, "Linux initrd", 13);
	add(log, 3, EVENT_TAG, sim_text(sim, initrd_image), sim_taken(&tag));
	add_action(log, "Exit Boot Services Invocation");
	add_action(log, "Exit Boot Services Returned with Success");
}

static struct sim_bytes
table_write(struct sim *sim)
{
	struct sim_buf b = { .sim = sim };
	uint8_t sum = 0;

	sim_put_text(&b, "CCEL");
	sim_put_u32(&b, 56);
	sim_put(&b, (const uint8_t[]){ 1, 0 }, 2); /* revision; the checksum comes last */
	sim_put_text(&b, "ASSAY ASSAYSIM");
	sim_put_u32(&b, 1);
	sim_put_text(&b, "ASSY");
	sim_put_u32(&b, 1);
	sim_put(&b, (const uint8_t[]){ 2, 0, 0, 0 }, 4); /* TDX */
	sim_put_u64(&b, LOG_SIZE);
	sim_put_u64(&b, LOG_GPA);
	for (size_t i = 0; i < b.len; i++)
		sum = (uint8_t)(sum + b.ptr[i]);
	b.ptr[9] = (uint8_t)-sum;
	return sim_taken(&b);
}

void
sim_ccel_write(struct sim *sim, struct sim_bytes image, struct sim_ccel *out)
{
	struct log log = { .b = { .sim = sim }, .out = out };

	*out = (struct sim_ccel){ .table = table_write(sim) };
	add_header(&log);
	add_platform(&log, image);
	add_variables(&log);
	add_boot(&log);
	if (log.b.len > LOG_SIZE)
		sim_die("the event log is longer than its area");
	size_t used = log.b.len;
	sim_put_zero(&log.b, LOG_SIZE - used);
	memset(log.b.ptr + used, 0xff, LOG_SIZE - used);
	out->log = sim_taken(&log.b);
}
