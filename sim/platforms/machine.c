/* SPDX-License-Identifier: Apache-2.0 */
#include "platforms/machine.h"

#include "platforms/platform.h"
#include "platforms/sev_firmware.h"

#include <dirent.h>
#include <errno.h>
#include <openssl/pem.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FILES_MAX = 24, FILE_MAX = 4 << 20, NAME_MAX_LEN = 63 };

struct file {
	char name[NAME_MAX_LEN + 1];
	struct sim_bytes bytes; /* of the platform's arena */
};
struct sim_machine {
	struct sim_platform p;
	struct file files[FILES_MAX];
	size_t file_count;
	struct sim_bytes cert_table; /* SEV-SNP */
	pthread_mutex_t lock;        /* for what follows */
	uint8_t rtmr[4][48];
	struct sim_snp_guest guest;
	struct sim_sev_firmware *sev; /* locks itself */
};

/* --- the folder ----------------------------------------------------------------------------- */

static int
read_file(struct sim *sim, const char *path, struct sim_bytes *out)
{
	FILE *f = fopen(path, "rb");
	struct sim_buf b = { .sim = sim };
	uint8_t part[16384];
	size_t n;
	int rc = 0;

	if (f == NULL)
		return -errno;
	while (rc == 0 && (n = fread(part, 1, sizeof part, f)) > 0) {
		sim_put(&b, part, n);
		if (b.len > FILE_MAX)
			rc = -EFBIG;
	}
	if (rc == 0 && ferror(f) != 0)
		rc = -EIO;
	fclose(f);
	*out = sim_taken(&b);
	return rc;
}

static int
fail(char why[256], int error, const char *path)
{
	snprintf(why, 256, "%.200s: %s", path, strerror(-error));
	return error;
}

static int
read_spec(struct sim_spec *spec, const char *dir, char why[256])
{
	struct sim *scratch = sim_scratch();
	struct sim_bytes text = { NULL, 0 };
	char path[4096];

	snprintf(path, sizeof path, "%s/platform.json", dir);
	int rc = read_file(scratch, path, &text);
	if (rc != 0)
		snprintf(
		    why, 256, "%.180s: %s; name a folder of assay-sim new", path, strerror(-rc));
	else if (!sim_spec_parse(spec, (const char *)text.ptr, text.len, why))
		rc = -EINVAL;
	sim_free(scratch);
	return rc;
}

static int
add_file(struct sim_machine *m, const char *path, const char *name, char why[256])
{
	struct file *f = &m->files[m->file_count];

	if (m->file_count == FILES_MAX || strlen(name) > NAME_MAX_LEN)
		return fail(why, -EFBIG, path);
	int rc = read_file(m->p.sim, path, &f->bytes);
	if (rc != 0)
		return fail(why, rc, path);
	memcpy(f->name, name, strlen(name) + 1);
	m->file_count++;
	return 0;
}

static int
read_files(struct sim_machine *m, const char *dir, char why[256])
{
	char folder[4096], path[4400];
	struct dirent *entry;
	int rc;

	snprintf(path, sizeof path, "%s/trust-root", dir);
	if ((rc = add_file(m, path, "trust-root", why)) != 0)
		return rc;
	snprintf(folder, sizeof folder, "%s/collateral", dir);
	DIR *d = opendir(folder);
	if (d == NULL)
		return fail(why, -errno, folder);
	while (rc == 0 && (entry = readdir(d)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
		rc = add_file(m, path, entry->d_name, why);
	}
	closedir(d);
	return rc;
}

static const struct file *
find(const struct sim_machine *m, const char *name)
{
	for (size_t i = 0; i < m->file_count; i++)
		if (strcmp(m->files[i].name, name) == 0)
			return &m->files[i];
	return NULL;
}

/* --- getting ready -------------------------------------------------------------------------- */

/* The certificates of a PEM text, as DER. */
static size_t
pem_split(struct sim *sim, struct sim_bytes pem, struct sim_bytes *out, size_t room)
{
	BIO *in = BIO_new_mem_buf(pem.ptr, (int)pem.len);
	char *name = NULL, *header = NULL;
	unsigned char *der = NULL;
	long len = 0;
	size_t n = 0;

	while (in != NULL && n < room && PEM_read_bio(in, &name, &header, &der, &len) == 1) {
		out[n++] = sim_copy(sim, der, (size_t)len);
		OPENSSL_free(name);
		OPENSSL_free(header);
		OPENSSL_free(der);
	}
	BIO_free(in);
	return n;
}

static int
ready_snp(struct sim_machine *m, char why[256])
{
	bool vlek = m->p.snp.vlek;
	const struct file *leaf = find(m, vlek ? "vlek.der" : "vcek.der");
	const struct file *chain = find(m, "cert_chain.pem");
	struct sim_bytes cas[2];

	if (leaf == NULL || chain == NULL || pem_split(m->p.sim, chain->bytes, cas, 2) != 2)
		return fail(why, -ENOENT, "collateral/vcek.der (vlek.der), cert_chain.pem");
	struct sim_table_entry entries[] = { { vlek ? SIM_GUID_VLEK : SIM_GUID_VCEK, leaf->bytes, 0,
						 0 },
		{ SIM_GUID_ASK, cas[0], 0, 0 }, { SIM_GUID_ARK, cas[1], 0, 0 } };
	m->cert_table = sim_cert_table_write(m->p.sim, entries, 3);
	sim_key_make_live(m->p.snp.report.signer);
	sim_snp_guest_new(m->p.sim, &m->guest, &m->p.snp);
	return 0;
}

static void
add_made(struct sim_machine *m, const char *name, struct sim_bytes bytes)
{
	if (m->file_count == FILES_MAX || find(m, name) != NULL)
		return;
	struct file *f = &m->files[m->file_count++];
	memcpy(f->name, name, strlen(name) + 1);
	f->bytes = bytes;
}

static void
ready_intel(struct sim_machine *m)
{
	struct sim_dcap *d = &m->p.dcap;
	struct sim *sim = m->p.sim;
	const struct sim_quote *q = &d->quote;

	sim_dcap_seal(d);
	sim_key_make_live(q->quote_signer != NULL ? q->quote_signer : q->attestation_key);
	memcpy(m->rtmr, m->p.td.td.rtmr, sizeof m->rtmr);
	struct sim_bytes root = sim_pem(sim, "CERTIFICATE", sim_cert_write(sim, &d->root));
	struct sim_bytes ca = sim_pem(sim, "CERTIFICATE", sim_cert_write(sim, &d->pck_ca));
	struct sim_bytes pck = sim_pem(sim, "CERTIFICATE", sim_cert_write(sim, &d->pck));
	add_made(m, "pck_crl_chain.pem", sim_join(sim, ca, root));
	add_made(m, "pck_chain.pem", sim_join(sim, pck, sim_join(sim, ca, root)));
}

int
sim_machine_open(struct sim_machine **out, const char *dir, char why[256])
{
	struct sim_spec spec;
	int rc;

	why[0] = '\0';
	if ((rc = read_spec(&spec, dir, why)) != 0)
		return rc;
	struct sim_machine *m = calloc(1, sizeof *m);
	if (m == NULL)
		return fail(why, -ENOMEM, dir);
	struct sim *sim = sim_new(spec.seed);
	pthread_mutex_init(&m->lock, NULL);
	if (!sim_platform_new(&m->p, sim, &spec, why))
		rc = -EINVAL;
	m->p.sim = sim;
	if (rc == 0)
		rc = read_files(m, dir, why);
	if (rc == 0 && m->p.snp.sim != NULL)
		rc = ready_snp(m, why);
	if (rc == 0 && m->p.dcap.sim != NULL)
		ready_intel(m);
	if (rc == 0 && m->p.sev.sim != NULL)
		m->sev = sim_sev_firmware_new(&m->p.sev);
	if (rc != 0) {
		sim_machine_close(m);
		return rc;
	}
	*out = m;
	return 0;
}

void
sim_machine_close(struct sim_machine *m)
{
	if (m == NULL)
		return;
	sim_sev_firmware_free(m->sev);
	pthread_mutex_destroy(&m->lock);
	sim_free(m->p.sim);
	free(m);
}

/* --- about itself --------------------------------------------------------------------------- */

const char *
sim_machine_tee(const struct sim_machine *m)
{
	return m->p.spec.tee;
}

static void
identity_intel(const struct sim_dcap *d, struct sim_identity *out)
{
	memcpy(out->fmspc, d->extension.fmspc, 6);
	memcpy(out->pce_id, d->extension.pce_id, 2);
	memcpy(out->qe_id, d->quote.user_data, 16);
	memcpy(out->cpu_svn, d->cpu_svn, 16);
	memcpy(out->ppid, d->extension.ppid, 16);
	out->qe_svn = d->qe.isv_svn;
	out->pce_svn = d->extension.pce_svn;
	out->ca = "platform";
}

static void
identity_snp(const struct sim_snp *s, struct sim_identity *out)
{
	out->product = sim_product_name(s->product);
	out->vlek = s->vlek;
	out->hwid_len = s->product == SIM_TURIN ? 8 : 64;
	if (s->extension.hwid.len == out->hwid_len)
		memcpy(out->hwid, s->extension.hwid.ptr, out->hwid_len);
	out->tcb.fmc = s->extension.tcb.fmc;
	out->tcb.bootloader = s->extension.tcb.bootloader;
	out->tcb.tee = s->extension.tcb.tee;
	out->tcb.snp = s->extension.tcb.snp;
	out->tcb.microcode = s->extension.tcb.microcode;
}

void
sim_machine_identity(const struct sim_machine *m, struct sim_identity *out)
{
	*out = (struct sim_identity){ .now = m->p.spec.time,
		.valid_until = m->p.spec.time + m->p.spec.valid };
	if (m->p.dcap.sim != NULL)
		identity_intel(&m->p.dcap, out);
	if (m->p.snp.sim != NULL)
		identity_snp(&m->p.snp, out);
}

static int
give(struct sim_bytes bytes, uint8_t **out, size_t *len)
{
	uint8_t *copy = malloc(bytes.len > 0 ? bytes.len : 1);

	if (copy == NULL)
		return -ENOMEM;
	if (bytes.len > 0)
		memcpy(copy, bytes.ptr, bytes.len);
	*out = copy;
	*len = bytes.len;
	return 0;
}

int
sim_machine_collateral(struct sim_machine *m, const char *name, uint8_t **bytes, size_t *len)
{
	const struct file *f = find(m, name);

	return f != NULL ? give(f->bytes, bytes, len) : -ENOENT;
}

/* --- TDX ------------------------------------------------------------------------------------ */

static bool
is_td(const struct sim_machine *m)
{
	return m->p.dcap.sim != NULL && m->p.dcap.tdx;
}

int
sim_machine_td_report(struct sim_machine *m, const uint8_t report_data[64], uint8_t tdreport[1024])
{
	if (!is_td(m))
		return -ENODEV;
	struct sim_tdreport r = m->p.td;
	struct sim *scratch = sim_scratch();
	memcpy(r.td.report_data, report_data, 64);
	pthread_mutex_lock(&m->lock);
	memcpy(r.td.rtmr, m->rtmr, sizeof r.td.rtmr);
	pthread_mutex_unlock(&m->lock);
	memcpy(tdreport, sim_tdreport_write(scratch, &r).ptr, SIM_TDREPORT_SIZE);
	sim_free(scratch);
	return 0;
}

int
sim_machine_td_extend(struct sim_machine *m, unsigned rtmr, const uint8_t digest[48])
{
	if (!is_td(m))
		return -ENODEV;
	if (rtmr > 3)
		return -EINVAL;
	pthread_mutex_lock(&m->lock);
	sim_rtmr_extend(m->rtmr[rtmr], digest);
	pthread_mutex_unlock(&m->lock);
	return 0;
}

int
sim_machine_td_register(struct sim_machine *m, const char *name, uint8_t value[48])
{
	const struct sim_td_report *td = &m->p.td.td;
	const struct {
		const char *name;
		const uint8_t *at;
	} fixed[] = { { "mrtd", td->mr_td }, { "mrconfigid", td->mr_config_id },
		{ "mrowner", td->mr_owner }, { "mrownerconfig", td->mr_owner_config } };

	if (!is_td(m))
		return -ENODEV;
	if (strncmp(name, "rtmr", 4) == 0 && name[4] >= '0' && name[4] <= '3' && name[5] == '\0') {
		pthread_mutex_lock(&m->lock);
		memcpy(value, m->rtmr[name[4] - '0'], 48);
		pthread_mutex_unlock(&m->lock);
		return 0;
	}
	for (size_t i = 0; i < sizeof fixed / sizeof fixed[0]; i++)
		if (strcmp(fixed[i].name, name) == 0) {
			memcpy(value, fixed[i].at, 48);
			return 0;
		}
	return -EINVAL;
}

int
sim_machine_td_quote(
    struct sim_machine *m, const uint8_t tdreport[1024], uint8_t **quote, size_t *len)
{
	struct sim_bytes made;
	int rc = -EINVAL;

	if (!is_td(m))
		return -ENODEV;
	if (sim_tdreport_check(tdreport, m->p.td.mac_key, m->p.td.cpu_svn) != 0)
		return -EBADMSG;
	struct sim *scratch = sim_scratch();
	if (sim_platform_td_quote(&m->p, scratch, tdreport, &made))
		rc = give(made, quote, len);
	sim_free(scratch);
	return rc;
}

int
sim_machine_ccel(
    struct sim_machine *m, uint8_t **table, size_t *table_len, uint8_t **log, size_t *log_len)
{
	uint8_t *first = NULL;

	if (!is_td(m))
		return -ENODEV;
	int rc = give(m->p.ccel.table, &first, table_len);
	if (rc == 0 && (rc = give(m->p.ccel.log, log, log_len)) != 0)
		free(first);
	else if (rc == 0)
		*table = first;
	return rc;
}

/* --- SEV-SNP -------------------------------------------------------------------------------- */

int
sim_machine_snp_guest_request(
    struct sim_machine *m, const uint8_t request[4096], uint8_t response[4096])
{
	if (m->p.snp.sim == NULL)
		return -ENODEV;
	struct sim *scratch = sim_scratch();
	/* The firmware has one mailbox: one request at a time. */
	pthread_mutex_lock(&m->lock);
	unsigned status = sim_snp_guest_request(scratch, &m->guest, request, response);
	pthread_mutex_unlock(&m->lock);
	sim_free(scratch);
	return (int)status;
}

int
sim_machine_snp_vmpck(struct sim_machine *m, unsigned vmpl, uint8_t key[32])
{
	if (m->p.snp.sim == NULL)
		return -ENODEV;
	if (vmpl > 3)
		return -EINVAL;
	memcpy(key, m->guest.vmpck[vmpl], 32);
	return 0;
}

int
sim_machine_snp_sequence(struct sim_machine *m, unsigned vmpl, uint64_t *last)
{
	if (m->p.snp.sim == NULL)
		return -ENODEV;
	if (vmpl > 3)
		return -EINVAL;
	pthread_mutex_lock(&m->lock);
	*last = m->guest.sequence[vmpl];
	pthread_mutex_unlock(&m->lock);
	return 0;
}

int
sim_machine_snp_certs(struct sim_machine *m, uint8_t **table, size_t *len)
{
	return m->p.snp.sim != NULL ? give(m->cert_table, table, len) : -ENODEV;
}

/* --- SEV, SEV-ES ---------------------------------------------------------------------------- */

struct sim_sev_firmware *
sim_machine_sev(struct sim_machine *m)
{
	return m->sev;
}

int
sim_machine_sev_plan(const struct sim_machine *m, struct sim_sev_guest_plan *out)
{
	if (m->sev == NULL)
		return -ENODEV;
	*out = (struct sim_sev_guest_plan){ .image = m->p.firmware.ptr,
		.image_len = m->p.firmware.len,
		.cpuid = m->p.cpuid,
		.policy = m->p.sev.report.policy,
		.es = (m->p.sev.report.policy & SIM_SEV_ES) != 0 };
	return 0;
}

/* --- SGX ------------------------------------------------------------------------------------ */

int
sim_machine_sgx_quote(
    struct sim_machine *m, const uint8_t report_data[64], uint8_t **quote, size_t *len)
{
	if (m->p.dcap.sim == NULL || m->p.dcap.tdx)
		return -ENODEV;
	struct sim *scratch = sim_scratch();
	int rc = give(sim_platform_sgx_quote(&m->p, scratch, report_data), quote, len);
	sim_free(scratch);
	return rc;
}
