/* SPDX-License-Identifier: Apache-2.0 */
#include "measure.h"

#include <assay/measure.h>

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "input.h"
#include "json.h"
#include "screen.h"
#include "value.h"

enum {
	HEX_MAX = 2 * ASSAY_MEASUREMENT_SIZE + 1,
	NAME_LEN_MAX = 128, /* of a reference value */
	VMM_LEN_MAX = 16,
};

/* --- words on the command line ----------------------------------------------------------- */

/* Decimal, 0x or 0 octal, as C and sev-snp-measure read them. Absent: *out is left alone. */
static int
take_number(const struct args *args, enum option_id id, uint64_t max, uint64_t *out)
{
	const char *text = args_value(args, id);
	char *end;

	if (text == NULL)
		return 0;
	errno = 0;
	unsigned long long n = strtoull(text, &end, 0);
	if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0 || n > max)
		return misused(args->command, "--%s: \"%.40s\" is no number up to %" PRIu64,
		    args_name(args, id), text, max);
	*out = n;
	return 0;
}

/* An option's file; absent: nothing is read. */
static int
take_file(const struct args *args, enum option_id id, const char *what, struct input *in)
{
	const char *path = args_value(args, id);

	return path != NULL ? input_read_large(args->command, in, path, what) : 0;
}

/* A library's refusal: what was given is of another kind, or does not fit together. */
static int
refused(const struct args *args, enum assay_code code, const struct assay_error *err)
{
	complain(args->command, "%s", err->text);
	return code == ASSAY_E_NOMEM ? EXIT_TROUBLE : EXIT_USAGE;
}

/* --- answers ----------------------------------------------------------------------------- */

/* One value that was predicted. */
struct prediction {
	const char *title; /* "MRTD"; NULL: the digest stands alone */
	const char *part;  /* of the reference value's name, "mrtd" in "web/mrtd" */
	const char *claim; /* that must have it */
	uint8_t digest[ASSAY_MEASUREMENT_SIZE];
	size_t len; /* of the digest; 0: all of it */
};

static struct assay_bytes
digest_of(const struct prediction *p)
{
	return (struct assay_bytes){ p->digest, p->len > 0 ? p->len : sizeof p->digest };
}

static void
put_hex(char out[HEX_MAX], struct assay_bytes digest)
{
	for (size_t i = 0; i < digest.len; i++)
		snprintf(out + 2 * i, 3, "%02x", digest.ptr[i]);
}

static bool
is_repeated(const struct args *args, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (args->given[i].option == args->given[n].option)
			return true;
	return false;
}

static void
put_list(struct json *j, const struct args *args, const struct option *option)
{
	json_open(j, option->name, '[');
	for (size_t i = 0; i < args->given_count; i++)
		if (args->given[i].option == option)
			json_text(j, NULL, args->given[i].value);
	json_close(j, ']');
}

/* What the values follow from: the command line, so that anyone can make them again. */
static void
put_how(struct json *j, const struct args *args)
{
	json_open(j, "made", '{');
	json_text(j, "by", "assay " ASSAY_VERSION);
	json_text(j, "command", args->command->name);
	json_open(j, "options", '{');
	for (size_t i = 0; i < args->given_count; i++) {
		const struct option *o = args->given[i].option;
		if (o->id == OPT_AS || o->id == OPT_OUTPUT || is_repeated(args, i))
			continue;
		if (o->repeats)
			put_list(j, args, o);
		else if (args->given[i].value == NULL)
			json_bool(j, o->name, true);
		else
			json_text(j, o->name, args->given[i].value);
	}
	json_close(j, '}');
	json_close(j, '}');
}

/* See docs/reference-values.md. */
static void
put_reference(struct screen *s, const struct args *args, const char *tee,
    const struct prediction *predictions, size_t count)
{
	struct json j = { .to = s->to };
	char text[NAME_LEN_MAX + 16];

	json_open(&j, NULL, '{');
	json_uint(&j, "reference_values", 1);
	json_text(&j, "name", args_value(args, OPT_AS));
	json_text(&j, "tee", tee);
	json_open(&j, "values", '[');
	for (size_t i = 0; i < count; i++) {
		json_open(&j, NULL, '{');
		snprintf(text, sizeof text, "%s/%s", args_value(args, OPT_AS), predictions[i].part);
		json_text(&j, "name", text);
		json_text(&j, "claim", predictions[i].claim);
		char hex[HEX_MAX];
		put_hex(hex, digest_of(&predictions[i]));
		json_open(&j, "any_of", '[');
		json_text(&j, NULL, hex);
		json_close(&j, ']');
		json_close(&j, '}');
	}
	json_close(&j, ']');
	put_how(&j, args);
	json_close(&j, '}');
	fputc('\n', s->to);
}

/* A name becomes part of a policy, "@web/launch", and of a path on a server. */
static int
check_name(const struct args *args)
{
	static const char allowed[] =
	    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
	const char *name = args_value(args, OPT_AS);

	if (name == NULL)
		return 0;
	if (name[0] == '\0' || name[0] == '.' || strlen(name) > NAME_LEN_MAX ||
	    name[strspn(name, allowed)] != '\0')
		return misused(args->command,
		    "--as: \"%.40s\" is no name; use letters, digits, \"-\", \"_\" and \".\"",
		    name);
	if (args_has(args, OPT_OUTPUT_FORMAT))
		return misused(args->command,
		    "--as: writes a document, in which --output-format has no place");
	return 0;
}

static int
print_predictions(
    const struct args *args, const char *tee, const struct prediction *predictions, size_t count)
{
	const char *format = args_value(args, OPT_OUTPUT_FORMAT);
	bool base64 = format != NULL && strcmp(format, "base64") == 0;
	struct screen s;
	int rc;

	if ((rc = screen_open(&s, args)) != 0)
		return rc;
	if (args_has(args, OPT_AS)) {
		put_reference(&s, args, tee, predictions, count);
		return screen_close(&s, false, EXIT_YES);
	}
	for (size_t i = 0; i < count; i++) {
		char text[HEX_MAX] = "";
		(base64 ? value_base64 : put_hex)(text, digest_of(&predictions[i]));
		if (predictions[i].title != NULL)
			fprintf(s.to, "%s ", predictions[i].title);
		fprintf(s.to, "%s\n", text);
	}
	return screen_close(&s, false, EXIT_YES);
}

static int
check_format(const struct args *args)
{
	const char *format = args_value(args, OPT_OUTPUT_FORMAT);

	if (format != NULL && strcmp(format, "hex") != 0 && strcmp(format, "base64") != 0)
		return misused(
		    args->command, "--output-format: \"%.40s\" is neither hex nor base64", format);
	return check_name(args);
}

/* --- a virtual machine ------------------------------------------------------------------- */

/* "QEMU", "ec2": names in any case. */
static int
take_vmm(const struct args *args, bool sev, char vmm[VMM_LEN_MAX])
{
	const char *given = args_value(args, OPT_VMM_TYPE);

	if (given == NULL)
		given = "qemu";
	memset(vmm, 0, VMM_LEN_MAX);
	size_t len = strnlen(given, VMM_LEN_MAX - 1);
	for (size_t i = 0; i < len; i++)
		vmm[i] = (char)(given[i] >= 'A' && given[i] <= 'Z' ? given[i] + 32 : given[i]);
	for (size_t n = 0; assay_snp_vmm_name(n) != NULL; n++)
		if (strcmp(assay_snp_vmm_name(n), vmm) == 0 &&
		    (!sev || assay_snp_vmm_needs_signature(vmm)))
			return 0;
	return misused(args->command, "--vmm-type: \"%.40s\" is none of %s", given,
	    sev ? "qemu, qemu-old" : "qemu, qemu-old, ec2, ec2-old, gce, krun");
}

static const char *
type_at(const void *arg, size_t n)
{
	(void)arg;
	return assay_vcpu_type_name(n);
}

static int
take_type(const struct args *args, uint32_t *signature)
{
	const char *type = args_value(args, OPT_VCPU_TYPE);

	if (assay_vcpu_type_find(signature, type))
		return 0;
	const char *near = nearest(type, type_at, NULL);
	if (near != NULL)
		return misused(args->command,
		    "--vcpu-type: \"%.40s\" is not known; did you mean %s?", type, near);
	return misused(args->command,
	    "--vcpu-type: \"%.40s\" is not known; give its --vcpu-sig, CPUID function 1 EAX", type);
}

static int
take_family(const struct args *args, uint32_t *signature)
{
	uint64_t family = 0, model = 0, stepping = 0;
	int rc;

	if (!args_has(args, OPT_VCPU_FAMILY) || !args_has(args, OPT_VCPU_MODEL) ||
	    !args_has(args, OPT_VCPU_STEPPING))
		return misused(
		    args->command, "--vcpu-family, --vcpu-model and --vcpu-stepping go together");
	if ((rc = take_number(args, OPT_VCPU_FAMILY, 270, &family)) != 0 ||
	    (rc = take_number(args, OPT_VCPU_MODEL, 255, &model)) != 0 ||
	    (rc = take_number(args, OPT_VCPU_STEPPING, 15, &stepping)) != 0)
		return rc;
	(void)assay_vcpu_signature(
	    signature, (unsigned)family, (unsigned)model, (unsigned)stepping);
	return 0;
}

/* One way of three to say what the vCPUs are. */
static int
take_signature(const struct args *args, const char *vmm, uint32_t *signature)
{
	bool family = args_has(args, OPT_VCPU_FAMILY) || args_has(args, OPT_VCPU_MODEL) ||
	    args_has(args, OPT_VCPU_STEPPING);
	int ways = args_has(args, OPT_VCPU_TYPE) + args_has(args, OPT_VCPU_SIG) + family;
	uint64_t number = 0;
	int rc = 0;

	if (ways > 1)
		return misused(args->command,
		    "--vcpu-type, --vcpu-sig and --vcpu-family say the same thing: give one");
	if (ways == 0 && assay_snp_vmm_needs_signature(vmm))
		return misused(args->command,
		    "the vCPU's model is missing: give --vcpu-type, --vcpu-sig or --vcpu-family");
	if (args_has(args, OPT_VCPU_TYPE))
		rc = take_type(args, signature);
	else if (family)
		rc = take_family(args, signature);
	else if ((rc = take_number(args, OPT_VCPU_SIG, UINT32_MAX, &number)) == 0)
		*signature = (uint32_t)number;
	return rc;
}

/* --- snp --------------------------------------------------------------------------------- */

struct snp_job {
	struct assay_snp_launch launch;
	struct input ovmf, kernel, initrd, svsm;
	char vmm[VMM_LEN_MAX];
	uint8_t ovmf_hash[ASSAY_MEASUREMENT_SIZE];
};

/* The size of the variables, told or of their file. */
static int
take_vars(const struct args *args, struct snp_job *job)
{
	bool size = args_has(args, OPT_VARS_SIZE), file = args_has(args, OPT_VARS_FILE);
	struct input vars = { 0 };
	int rc;

	if (args_has(args, OPT_SVSM) != (size || file))
		return misused(
		    args->command, "--svsm goes with --vars-size or --vars-file, and they with it");
	if (size && file)
		return misused(
		    args->command, "--vars-size and --vars-file say the same thing: give one");
	if (size)
		return take_number(args, OPT_VARS_SIZE, UINT32_MAX, &job->launch.vars_size);
	rc = take_file(args, OPT_VARS_FILE, "a file of variables", &vars);
	job->launch.vars_size = vars.len;
	input_clear(&vars);
	return rc;
}

static int
take_direct_boot(const struct args *args, struct snp_job *job)
{
	int rc;

	job->launch.direct_boot = args_has(args, OPT_KERNEL);
	if (!job->launch.direct_boot && (args_has(args, OPT_INITRD) || args_has(args, OPT_APPEND)))
		return misused(args->command, "--initrd and --append go with --kernel");
	if ((rc = take_file(args, OPT_KERNEL, "a kernel", &job->kernel)) != 0 ||
	    (rc = take_file(args, OPT_INITRD, "an initrd", &job->initrd)) != 0)
		return rc;
	job->launch.kernel = input_bytes(&job->kernel);
	job->launch.initrd = input_bytes(&job->initrd);
	job->launch.append = args_value(args, OPT_APPEND);
	return 0;
}

static int
take_ovmf_hash(const struct args *args, struct snp_job *job)
{
	const char *text = args_value(args, OPT_OVMF_HASH);
	size_t len = 0;
	int rc;

	if (text == NULL)
		return 0;
	if ((rc = value_bytes(
		 args, job->ovmf_hash, sizeof job->ovmf_hash, &len, "ovmf-hash", text)) != 0)
		return rc;
	if (len != sizeof job->ovmf_hash)
		return misused(args->command, "--ovmf-hash: is %zu bytes, want %zu", len,
		    sizeof job->ovmf_hash);
	job->launch.ovmf_hash = (struct assay_bytes){ job->ovmf_hash, len };
	return 0;
}

static int
take_snp(const struct args *args, struct snp_job *job)
{
	uint64_t vcpus = 0;
	int rc;

	job->launch.guest_features = 1;
	if (!args_has(args, OPT_VCPUS))
		return misused(args->command, "--vcpus N is missing: each vCPU is measured");
	if ((rc = take_number(args, OPT_VCPUS, ASSAY_VCPUS_MAX, &vcpus)) != 0 ||
	    (rc = take_number(args, OPT_GUEST_FEATURES, UINT64_MAX, &job->launch.guest_features)) !=
		0 ||
	    (rc = take_vmm(args, false, job->vmm)) != 0 ||
	    (rc = take_signature(args, job->vmm, &job->launch.vcpu_signature)) != 0 ||
	    (rc = take_ovmf_hash(args, job)) != 0 || (rc = take_direct_boot(args, job)) != 0 ||
	    (rc = take_vars(args, job)) != 0 ||
	    (rc = take_file(args, OPT_SVSM, "an SVSM image", &job->svsm)) != 0)
		return rc;
	if (args_has(args, OPT_SVSM) && job->svsm.len == 0)
		return misused(args->command, "--svsm: %s is empty", args_value(args, OPT_SVSM));
	job->launch.vmm = job->vmm;
	job->launch.svsm = input_bytes(&job->svsm);
	job->launch.vcpus = (uint32_t)vcpus;
	return 0;
}

static int
write_page(const struct args *args, const char *name, const uint8_t page[ASSAY_VMSA_SIZE])
{
	FILE *f = fopen(name, "wb");
	bool ok = f != NULL && fwrite(page, ASSAY_VMSA_SIZE, 1, f) == 1;

	ok = f != NULL && fclose(f) == 0 && ok;
	if (!ok)
		complain(args->command, "%s: cannot be written: %s", name, strerror(errno));
	return ok ? 0 : EXIT_TROUBLE;
}

/* vmsa0.bin and so on, in the current folder, as sev-snp-measure does. */
static int
dump_vmsas(const struct args *args, const struct snp_job *job)
{
	uint8_t page[ASSAY_VMSA_SIZE];
	struct assay_error err;
	char name[32];
	int rc = 0;

	for (uint32_t i = 0; rc == 0 && i < job->launch.vcpus; i++) {
		enum assay_code code = assay_snp_vmsa(page, &job->launch, i, &err);
		if (code != ASSAY_OK)
			return refused(args, code, &err);
		snprintf(name, sizeof name, "vmsa%" PRIu32 ".bin", i);
		rc = write_page(args, name, page);
	}
	return rc;
}

static int
measure_snp(const struct args *args, struct snp_job *job)
{
	struct prediction p = { .part = "launch", .claim = "measurement" };
	struct assay_error err;
	enum assay_code code;
	int rc;

	if (!args_has(args, OPT_OVMF))
		return misused(args->command, "--ovmf FILE is missing: the firmware is measured");
	if ((rc = check_format(args)) != 0)
		return rc;
	if (!args_has(args, OPT_OVMF_ONLY) && (rc = take_snp(args, job)) != 0)
		return rc;
	if ((rc = take_file(args, OPT_OVMF, "an OVMF image", &job->ovmf)) != 0)
		return rc;
	job->launch.ovmf = input_bytes(&job->ovmf);
	if (args_has(args, OPT_OVMF_ONLY)) {
		if (args_has(args, OPT_AS))
			return misused(args->command,
			    "--as: the digest after the OVMF image is no value of a report");
		code = assay_snp_measure_ovmf(p.digest, job->launch.ovmf, &err);
	} else {
		code = assay_snp_measure(p.digest, &job->launch, &err);
	}
	if (code != ASSAY_OK)
		return refused(args, code, &err);
	if (args_has(args, OPT_DUMP_VMSA) && !args_has(args, OPT_OVMF_ONLY) &&
	    (rc = dump_vmsas(args, job)) != 0)
		return rc;
	return print_predictions(args, "snp", &p, 1);
}

static int
run_snp(const struct args *args)
{
	struct snp_job job = { .vmm = "" };

	if (!args_operands(args, 0, 0))
		return EXIT_USAGE;
	int rc = measure_snp(args, &job);
	input_clear(&job.ovmf);
	input_clear(&job.kernel);
	input_clear(&job.initrd);
	input_clear(&job.svsm);
	return rc;
}

/* --- sev, sev-es ------------------------------------------------------------------------- */

struct sev_job {
	struct assay_sev_launch launch;
	struct input ovmf, kernel, initrd, vmsa[2];
	char vmm[VMM_LEN_MAX];
};

/* Plain SEV measures no vCPU: who says something of them is mistaken about what is measured. */
static int
refuse_vcpus(const struct args *args)
{
	static const enum option_id ids[] = { OPT_VCPUS, OPT_VCPU_TYPE, OPT_VCPU_SIG,
		OPT_VCPU_FAMILY, OPT_VCPU_MODEL, OPT_VCPU_STEPPING, OPT_VMM_TYPE, OPT_VMSA_FIRST,
		OPT_VMSA_FURTHER };

	return args_refuse(args, ids, sizeof ids / sizeof *ids, "SEV without ES measures no vCPU");
}

static int
take_vmsa(const struct args *args, enum option_id id, struct input *in, struct assay_bytes *out)
{
	int rc = take_file(args, id, "the state of a vCPU", in);

	*out = input_bytes(in);
	if (rc == 0 && args_has(args, id) && in->len != ASSAY_VMSA_SIZE)
		return misused(args->command, "--%s: is %zu bytes, want %d", args_name(args, id),
		    in->len, ASSAY_VMSA_SIZE);
	return rc;
}

static int
take_sev_vcpus(const struct args *args, struct sev_job *job)
{
	struct assay_sev_launch *l = &job->launch;
	uint64_t vcpus = 0;
	int rc;

	if (!args_has(args, OPT_VCPUS))
		return misused(args->command, "--vcpus N is missing: each vCPU is measured");
	if ((rc = take_number(args, OPT_VCPUS, ASSAY_VCPUS_MAX, &vcpus)) != 0 ||
	    (rc = take_vmm(args, true, job->vmm)) != 0 ||
	    (rc = take_vmsa(args, OPT_VMSA_FIRST, &job->vmsa[0], &l->vmsa[0])) != 0 ||
	    (rc = take_vmsa(args, OPT_VMSA_FURTHER, &job->vmsa[1], &l->vmsa[1])) != 0)
		return rc;
	l->vcpus = (uint32_t)vcpus;
	l->vmm = job->vmm;
	/* Whose states are given needs no model. */
	if (l->vmsa[0].len > 0 && (l->vcpus == 1 || l->vmsa[1].len > 0))
		return 0;
	return take_signature(args, job->vmm, &l->vcpu_signature);
}

static int
take_sev(const struct args *args, bool es, struct sev_job *job)
{
	struct assay_sev_launch *l = &job->launch;
	int rc;

	l->es = es;
	l->direct_boot = args_has(args, OPT_KERNEL);
	if (!args_has(args, OPT_OVMF))
		return misused(args->command, "--ovmf FILE is missing: the firmware is measured");
	if (!l->direct_boot && (args_has(args, OPT_INITRD) || args_has(args, OPT_APPEND)))
		return misused(args->command, "--initrd and --append go with --kernel");
	if ((rc = es ? take_sev_vcpus(args, job) : refuse_vcpus(args)) != 0 ||
	    (rc = take_file(args, OPT_OVMF, "an OVMF image", &job->ovmf)) != 0 ||
	    (rc = take_file(args, OPT_KERNEL, "a kernel", &job->kernel)) != 0 ||
	    (rc = take_file(args, OPT_INITRD, "an initrd", &job->initrd)) != 0)
		return rc;
	l->ovmf = input_bytes(&job->ovmf);
	l->kernel = input_bytes(&job->kernel);
	l->initrd = input_bytes(&job->initrd);
	l->append = args_value(args, OPT_APPEND);
	return 0;
}

static void
clear_sev(struct sev_job *job)
{
	input_clear(&job->ovmf);
	input_clear(&job->kernel);
	input_clear(&job->initrd);
	input_clear(&job->vmsa[0]);
	input_clear(&job->vmsa[1]);
}

int
measure_sev(
    const struct args *args, bool es, uint8_t digest[ASSAY_SEV_MEASUREMENT_SIZE], size_t *area)
{
	struct sev_job job = { .vmm = "" };
	struct assay_error err;
	int rc = take_sev(args, es, &job);

	if (rc == 0) {
		enum assay_code code = assay_sev_measure(digest, &job.launch, &err);
		if (code == ASSAY_OK && area != NULL)
			code = assay_sev_secret_area(area, job.launch.ovmf, &err);
		if (code != ASSAY_OK)
			rc = refused(args, code, &err);
	}
	clear_sev(&job);
	return rc;
}

int
measure_secret_area(const struct args *args, size_t *area)
{
	struct input ovmf = { 0 };
	struct assay_error err;
	int rc = take_file(args, OPT_OVMF, "an OVMF image", &ovmf);

	if (rc == 0) {
		enum assay_code code = assay_sev_secret_area(area, input_bytes(&ovmf), &err);
		if (code != ASSAY_OK)
			rc = refused(args, code, &err);
	}
	input_clear(&ovmf);
	return rc;
}

static int
dump_sev_vmsas(const struct args *args)
{
	uint8_t page[ASSAY_VMSA_SIZE];
	struct sev_job job = { .vmm = "" };
	struct assay_error err;
	char name[32];
	int rc = take_sev(args, true, &job);

	for (uint32_t i = 0; rc == 0 && i < job.launch.vcpus; i++) {
		enum assay_code code = assay_sev_vmsa(page, &job.launch, i, &err);
		snprintf(name, sizeof name, "vmsa%" PRIu32 ".bin", i);
		rc = code != ASSAY_OK ? refused(args, code, &err) : write_page(args, name, page);
	}
	clear_sev(&job);
	return rc;
}

static int
run_sev_of(const struct args *args, bool es)
{
	struct prediction p = {
		.part = "launch", .claim = "measurement", .len = ASSAY_SEV_MEASUREMENT_SIZE
	};
	int rc;

	if (!args_operands(args, 0, 0))
		return EXIT_USAGE;
	if ((rc = check_format(args)) != 0 || (rc = measure_sev(args, es, p.digest, NULL)) != 0)
		return rc;
	if (args_has(args, OPT_DUMP_VMSA) && (rc = dump_sev_vmsas(args)) != 0)
		return rc;
	return print_predictions(args, es ? "sev-es" : "sev", &p, 1);
}

static int
run_sev(const struct args *args)
{
	return run_sev_of(args, false);
}

static int
run_sev_es(const struct args *args)
{
	return run_sev_of(args, true);
}

/* --- tdx --------------------------------------------------------------------------------- */

enum {
	REGISTERS = 3, /* RTMR0 to RTMR2 */
	BOOT_VARIABLES_MAX = 64,
	ATTRIBUTES_SIZE = 4, /* before the value in a file of efivarfs */
};

struct tdx_job {
	struct assay_tdx_launch launch;
	struct input ovmf, kernel, initrd, acpi_loader, acpi_rsdp, acpi_tables;
	struct input files[BOOT_VARIABLES_MAX];
	struct assay_bytes variables[BOOT_VARIABLES_MAX];
};

/* Each a file as it is in efivarfs, in the order in which they are measured. */
static int
take_boot_variables(const struct args *args, struct tdx_job *job)
{
	size_t n = 0;

	for (size_t i = 0; i < args->given_count; i++) {
		const char *path = args->given[i].value;
		if (args->given[i].option->id != OPT_BOOT_VARIABLE)
			continue;
		if (n == BOOT_VARIABLES_MAX)
			return misused(args->command, "--boot-variable: more than %d are given",
			    BOOT_VARIABLES_MAX);
		int rc = input_read(args->command, &job->files[n], path, "a boot variable");
		if (rc != 0)
			return rc;
		if (job->files[n].len <= ATTRIBUTES_SIZE)
			return misused(args->command,
			    "--boot-variable: %s: is %zu bytes; want a file of efivarfs, 4 bytes "
			    "of "
			    "attributes and the value",
			    path, job->files[n].len);
		job->variables[n].ptr = job->files[n].data + ATTRIBUTES_SIZE;
		job->variables[n].len = job->files[n].len - ATTRIBUTES_SIZE;
		n++;
	}
	job->launch.boot_variables = job->variables;
	job->launch.boot_variable_count = n;
	return 0;
}

/* One of the words that the option's row names; absent: NULL. */
static int
take_word(const struct args *args, enum option_id id, const char *first, const char *second,
    const char **out)
{
	*out = args_value(args, id);
	if (*out != NULL && strcmp(*out, first) != 0 && strcmp(*out, second) != 0)
		return misused(args->command, "--%s: \"%.40s\" is neither %s nor %s",
		    args_name(args, id), *out, first, second);
	return 0;
}

static int
take_tdx(const struct args *args, struct tdx_job *job)
{
	struct assay_tdx_launch *l = &job->launch;
	const char *order;
	uint64_t edk2 = 0;
	int rc;

	if (!args_has(args, OPT_OVMF))
		return misused(args->command, "--ovmf FILE is missing: the firmware is measured");
	l->direct_boot = args_has(args, OPT_KERNEL);
	if (!l->direct_boot && (args_has(args, OPT_INITRD) || args_has(args, OPT_APPEND)))
		return misused(args->command, "--initrd and --append go with --kernel");
	if ((rc = check_format(args)) != 0 ||
	    (rc = take_word(args, OPT_PAGE_ORDER, "page", "section", &order)) != 0 ||
	    (rc = take_word(args, OPT_KERNEL_HEADER, "kept", "patched", &l->kernel_header)) != 0 ||
	    (rc = take_word(args, OPT_SECURE_BOOT, "absent", "off", &l->secure_boot)) != 0 ||
	    (rc = take_number(args, OPT_EDK2, 999912, &edk2)) != 0 ||
	    (rc = take_number(args, OPT_MEMORY, (uint64_t)1 << 52, &l->memory)) != 0 ||
	    (rc = take_boot_variables(args, job)) != 0 ||
	    (rc = take_file(args, OPT_OVMF, "an OVMF image", &job->ovmf)) != 0 ||
	    (rc = take_file(args, OPT_KERNEL, "a kernel", &job->kernel)) != 0 ||
	    (rc = take_file(args, OPT_INITRD, "an initrd", &job->initrd)) != 0 ||
	    (rc = take_file(args, OPT_ACPI_LOADER, "a table-loader", &job->acpi_loader)) != 0 ||
	    (rc = take_file(args, OPT_ACPI_RSDP, "an RSDP", &job->acpi_rsdp)) != 0 ||
	    (rc = take_file(args, OPT_ACPI_TABLES, "ACPI tables", &job->acpi_tables)) != 0)
		return rc;
	if (args_has(args, OPT_EDK2) && (edk2 < 201501 || edk2 % 100 == 0 || edk2 % 100 > 12))
		return misused(args->command,
		    "--edk2: %" PRIu64 " is no release; write year and month, 202411", edk2);
	l->section_order = order != NULL && strcmp(order, "section") == 0;
	l->edk2 = (unsigned)edk2;
	l->ovmf = input_bytes(&job->ovmf);
	l->kernel = input_bytes(&job->kernel);
	l->initrd = input_bytes(&job->initrd);
	l->append = args_value(args, OPT_APPEND);
	l->acpi_loader = input_bytes(&job->acpi_loader);
	l->acpi_rsdp = input_bytes(&job->acpi_rsdp);
	l->acpi_tables = input_bytes(&job->acpi_tables);
	return 0;
}

static int
measure_tdx(const struct args *args, struct tdx_job *job)
{
	static const struct prediction rows[1 + REGISTERS] = {
		{ .title = "MRTD", .part = "mrtd", .claim = "measurement" },
		{ .title = "RTMR0", .part = "rtmr0", .claim = "tdx.rtmr[0]" },
		{ .title = "RTMR1", .part = "rtmr1", .claim = "tdx.rtmr[1]" },
		{ .title = "RTMR2", .part = "rtmr2", .claim = "tdx.rtmr[2]" },
	};
	struct prediction found[1 + REGISTERS];
	char without[REGISTERS * sizeof(struct assay_error)] = "";
	struct assay_error err;
	size_t count = 0, len = 0;
	int rc = take_tdx(args, job);

	if (rc != 0)
		return rc;
	found[count] = rows[0];
	enum assay_code code = assay_tdx_mrtd(found[count++].digest, &job->launch, &err);
	for (unsigned i = 0; code == ASSAY_OK && i < REGISTERS; i++) {
		found[count] = rows[1 + i];
		code = assay_tdx_rtmr(found[count].digest, i, &job->launch, &err);
		if (code == ASSAY_OK) {
			count++;
		} else if (code == ASSAY_E_INCOMPLETE || code == ASSAY_E_UNSUPPORTED) {
			len += (size_t)snprintf(without + len, sizeof without - len, "%s%s",
			    len > 0 ? "; " : "", err.text);
			code = ASSAY_OK;
		}
	}
	if (code != ASSAY_OK)
		return refused(args, code, &err);
	if (len > 0)
		complain(args->command, "%s", without);
	return print_predictions(args, "tdx", found, count);
}

static int
run_tdx(const struct args *args)
{
	struct tdx_job job = { .ovmf = { 0 } };

	if (!args_operands(args, 0, 0))
		return EXIT_USAGE;
	int rc = measure_tdx(args, &job);
	input_clear(&job.ovmf);
	input_clear(&job.kernel);
	input_clear(&job.initrd);
	input_clear(&job.acpi_loader);
	input_clear(&job.acpi_rsdp);
	input_clear(&job.acpi_tables);
	for (size_t i = 0; i < BOOT_VARIABLES_MAX; i++)
		input_clear(&job.files[i]);
	return rc;
}

/* --- the spelling of sev-snp-measure ----------------------------------------------------- */

static const struct {
	const char *mode;  /* --mode of sev-snp-measure */
	const char *verb;  /* of ours */
	const char *extra; /* an option that it means besides; or NULL */
} modes[] = {
	{ "snp", "snp", NULL },
	{ "snp:svsm", "snp", NULL },
	{ "snp:ovmf-hash", "snp", "--ovmf-only" },
	{ "sev", "sev", NULL },
	{ "seves", "sev-es", NULL },
};

int
measure_spelling(char **out, size_t room, int argc, char **argv)
{
	const char *mode = NULL;
	int n = 0;

	if (argc < 3 || strcmp(argv[1], "measure") != 0 || (size_t)argc + 2 > room)
		return 0;
	for (int i = 2; i < argc; i++) {
		if (mode == NULL && strncmp(argv[i], "--mode=", 7) == 0) {
			mode = argv[i] + 7;
		} else if (mode == NULL && strcmp(argv[i], "--mode") == 0 && i + 1 < argc) {
			mode = argv[++i];
		} else {
			out[3 + n++] = argv[i];
		}
	}
	for (size_t i = 0; mode != NULL && i < sizeof modes / sizeof modes[0]; i++) {
		if (strcmp(modes[i].mode, mode) != 0)
			continue;
		out[0] = argv[0];
		out[1] = argv[1];
		/* The tables are const, and so is what becomes of argv. */
		memcpy(&out[2], &modes[i].verb, sizeof out[2]);
		if (modes[i].extra != NULL)
			memcpy(&out[3 + n++], &modes[i].extra, sizeof out[2]);
		return 3 + n;
	}
	return 0;
}

/* ----------------------------------------------------------------------------------------- */

#define OPTIONS_MEASURED                                                                           \
	{ OPT_OUTPUT_FORMAT, 0, "output-format", "FORMAT", false, "hex|base64",                    \
		"hex (default) or base64" },                                                       \
	    { OPT_AS, 0, "as", "NAME", false, NULL, "print a document of reference values" },      \
	    OPTION_OUTPUT, OPTION_HELP, OPTION_END

static const struct option snp_options[] = {
	{ OPT_OVMF, 0, "ovmf", "FILE", false, NULL, "the firmware; needed" },
	{ OPT_VCPUS, 0, "vcpus", "N", false, NULL, "how many vCPUs; needed" },
	{ OPT_VCPU_TYPE, 0, "vcpu-type", "TYPE", false, NULL,
	    "their model as QEMU calls it, EPYC-Milan" },
	{ OPT_VCPU_SIG, 0, "vcpu-sig", "N", false, NULL, "or its signature, CPUID 1 EAX" },
	OPTIONS_MEASURE_FAMILY,
	{ OPT_VMM_TYPE, 0, "vmm-type", "VMM", false, "qemu|qemu-old|ec2|ec2-old|gce|krun",
	    "qemu (default), qemu-old, ec2, ..." },
	{ OPT_KERNEL, 0, "kernel", "FILE", false, NULL, "direct boot: the kernel" },
	{ OPT_INITRD, 0, "initrd", "FILE", false, NULL, "its initial RAM disk" },
	{ OPT_APPEND, 0, "append", "TEXT", false, NULL, "its command line" },
	{ OPT_GUEST_FEATURES, 0, "guest-features", "N", false, NULL,
	    "SEV_FEATURES of the vCPUs (0x1)" },
	{ OPT_OVMF_HASH, 0, "ovmf-hash", "HEX", false, NULL,
	    "what --ovmf-only gave for the image" },
	{ OPT_OVMF_ONLY, 0, "ovmf-only", NULL, false, NULL, "print the digest after the image" },
	{ OPT_SVSM, 0, "svsm", "FILE", false, NULL, "COCONUT-SVSM starts first" },
	{ OPT_VARS_SIZE, 0, "vars-size", "N", false, NULL, "bytes of OVMF's variables, or" },
	{ OPT_VARS_FILE, 0, "vars-file", "FILE", false, NULL, "the file of them" },
	{ OPT_DUMP_VMSA, 0, "dump-vmsa", NULL, false, NULL, "write vmsa0.bin, vmsa1.bin, ..." },
	OPTIONS_MEASURED,
};

const struct command command_measure_snp = {
	.name = "measure snp",
	.arguments = "[options] --ovmf FILE --vcpus N",
	.summary = "Predicts the launch digest of an SEV-SNP machine.",
	.operands = "",
	.words = "",
	.options = snp_options,
	.examples = { "assay measure snp --ovmf OVMF.fd --vcpus 4 --vcpu-type EPYC-v4",
	    "assay measure snp --ovmf OVMF.fd --vcpus 4 --vmm-type ec2 --as web" },
	.exits = "0 predicted, 2 usage, 4 trouble",
	.page = "assay-measure",
	.run = run_snp,
};

static const struct option sev_options[] = {
	{ OPT_OVMF, 0, "ovmf", "FILE", false, NULL, "the firmware; needed" },
	OPTIONS_MEASURE_BOOT,
	OPTIONS_MEASURED,
};

const struct command command_measure_sev = {
	.name = "measure sev",
	.arguments = "[options] --ovmf FILE",
	.summary = "Predicts the launch digest of an SEV machine.",
	.operands = "",
	.words = "",
	.options = sev_options,
	.examples = { "assay measure sev --ovmf OVMF.fd",
	    "assay measure sev --ovmf OVMF.fd --kernel vmlinuz --append quiet" },
	.exits = "0 predicted, 2 usage, 4 trouble",
	.page = "assay-measure",
	.run = run_sev,
};

static const struct option sev_es_options[] = {
	{ OPT_OVMF, 0, "ovmf", "FILE", false, NULL, "the firmware; needed" },
	OPTIONS_MEASURE_BOOT,
	OPTIONS_MEASURE_VCPUS,
	OPTIONS_MEASURE_FAMILY,
	OPTIONS_MEASURE_STATES,
	{ OPT_DUMP_VMSA, 0, "dump-vmsa", NULL, false, NULL, "write vmsa0.bin, vmsa1.bin, ..." },
	OPTIONS_MEASURED,
};

const struct command command_measure_sev_es = {
	.name = "measure sev-es",
	.arguments = "[options] --ovmf FILE --vcpus N",
	.summary = "Predicts the launch digest of an SEV-ES machine.",
	.operands = "",
	.words = "",
	.options = sev_es_options,
	.examples = { "assay measure sev-es --ovmf OVMF.fd --vcpus 4 --vcpu-type EPYC-v4",
	    "assay measure sev-es --ovmf OVMF.fd --vcpus 1 --vmsa-cpu0 vmsa0.bin" },
	.exits = "0 predicted, 2 usage, 4 trouble",
	.page = "assay-measure",
	.run = run_sev_es,
};

static const struct option tdx_options[] = {
	{ OPT_OVMF, 0, "ovmf", "FILE", false, NULL, "the firmware; needed" },
	{ OPT_PAGE_ORDER, 0, "page-order", "ORDER", false, "page|section",
	    "page (default), or section (older QEMU)" },
	{ OPT_KERNEL, 0, "kernel", "FILE", false, NULL, "direct boot: the kernel" },
	{ OPT_INITRD, 0, "initrd", "FILE", false, NULL, "its initial RAM disk" },
	{ OPT_APPEND, 0, "append", "TEXT", false, NULL, "its command line" },
	{ OPT_EDK2, 0, "edk2", "YYYYMM", false, NULL, "stable release of the firmware's edk2" },
	{ OPT_KERNEL_HEADER, 0, "kernel-header", "HOW", false, "kept|patched",
	    "kept, or patched (QEMU before 10.2)" },
	{ OPT_MEMORY, 0, "memory", "N", false, NULL, "bytes of RAM" },
	{ OPT_SECURE_BOOT, 0, "secure-boot", "STATE", false, "absent|off",
	    "the variable SecureBoot" },
	{ OPT_ACPI_LOADER, 0, "acpi-loader", "FILE", false, NULL, "QEMU's etc/table-loader" },
	{ OPT_ACPI_RSDP, 0, "acpi-rsdp", "FILE", false, NULL, "QEMU's etc/acpi/rsdp" },
	{ OPT_ACPI_TABLES, 0, "acpi-tables", "FILE", false, NULL, "QEMU's etc/acpi/tables" },
	{ OPT_BOOT_VARIABLE, 0, "boot-variable", "FILE", true, NULL,
	    "BootOrder, then each Boot####" },
	OPTIONS_MEASURED,
};

const struct command command_measure_tdx = {
	.name = "measure tdx",
	.arguments = "[options] --ovmf FILE",
	.summary = "Predicts MRTD and RTMR0 to RTMR2 of a TDX machine.",
	.operands = "",
	.words = "",
	.options = tdx_options,
	.examples = { "assay measure tdx --ovmf OVMF.fd",
	    "assay measure tdx --ovmf OVMF.fd --edk2 202511 --kernel vmlinuz" },
	.exits = "0 predicted what could be, 2 usage, 4 trouble",
	.page = "assay-measure",
	.run = run_tdx,
};
