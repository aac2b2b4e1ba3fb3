/* SPDX-License-Identifier: Apache-2.0 */
/* Platforms at work, from folders that this test makes as assay-sim new does. */
#include "platforms/machine.h"

#include "platforms/platform.h"

#include <dirent.h>
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include <openssl/evp.h>

enum { MADE = 1763700000 };

static char folder[] = "/tmp/assay-machine-XXXXXX";

/* --- folders ---------------------------------------------------------------------------------- */

static void
put_file(const char *dir, const char *name, struct sim_bytes bytes)
{
	char path[512];

	snprintf(path, sizeof path, "%s/%s", dir, name);
	FILE *f = fopen(path, "wb");
	assert_non_null(f);
	assert_int_equal(fwrite(bytes.ptr, 1, bytes.len, f), bytes.len);
	fclose(f);
}

static const char *
new_folder(const char *name, const struct sim_spec *spec)
{
	static char dir[256];
	char collateral[300], why[256] = "";
	struct sim *sim = sim_new(spec->seed);
	struct sim_platform p;
	struct sim_output out;

	snprintf(dir, sizeof dir, "%s/%s", folder, name);
	snprintf(collateral, sizeof collateral, "%s/collateral", dir);
	if (!sim_platform_new(&p, sim, spec, why))
		fail_msg("%s", why);
	sim_platform_write(&p, &out);
	mkdir(dir, 0700);
	mkdir(collateral, 0700);
	char *json = sim_spec_json(spec);
	put_file(dir, "platform.json", sim_view(json, strlen(json)));
	free(json);
	put_file(dir, "trust-root", out.root);
	for (size_t i = 0; i < out.item_count; i++)
		put_file(collateral, out.items[i].name, out.items[i].bytes);
	sim_free(sim);
	return dir;
}

static struct sim_machine *
machine(const char *tee, void (*choose)(struct sim_spec *spec))
{
	struct sim_spec spec = { .seed = 7, .time = MADE, .valid = 30 * SIM_DAY };
	struct sim_machine *m = NULL;
	char why[256];

	snprintf(spec.tee, sizeof spec.tee, "%s", tee);
	if (choose != NULL)
		choose(&spec);
	if (sim_machine_open(&m, new_folder("P", &spec), why) != 0)
		fail_msg("%s", why);
	return m;
}

static void
clear(const char *dir)
{
	char path[600];
	struct dirent *e;
	DIR *d = opendir(dir);

	while (d != NULL && (e = readdir(d)) != NULL) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		snprintf(path, sizeof path, "%s/%s", dir, e->d_name);
		if (unlink(path) != 0)
			clear(path);
	}
	if (d != NULL)
		closedir(d);
	rmdir(dir);
}

/* --- TDX -------------------------------------------------------------------------------------- */

/* OpenSSL's verdict on a raw P-256 signature under the raw key that stands behind it. */
static bool
signed_by(const uint8_t *message, size_t n, const uint8_t *signature, const uint8_t *key)
{
	uint8_t point[65] = { 4 }, der[80];
	size_t at = 2;

	memcpy(point + 1, key, 64);
	for (size_t i = 0; i < 2; i++) {
		const uint8_t *v = signature + 32 * i;
		size_t skip = 0;
		while (skip < 31 && v[skip] == 0)
			skip++;
		bool pad = v[skip] >= 0x80;
		der[at++] = 2;
		der[at++] = (uint8_t)(32 - skip + pad);
		if (pad)
			der[at++] = 0;
		memcpy(der + at, v + skip, 32 - skip);
		at += 32 - skip;
	}
	der[0] = 0x30;
	der[1] = (uint8_t)(at - 2);
	EVP_PKEY *pkey = EVP_PKEY_new();
	EVP_PKEY *named = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
	assert_int_equal(EVP_PKEY_copy_parameters(pkey, named), 1);
	assert_int_equal(EVP_PKEY_set1_encoded_public_key(pkey, point, sizeof point), 1);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	assert_int_equal(EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, pkey), 1);
	int ok = EVP_DigestVerify(ctx, der, at, message, n);
	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(pkey);
	EVP_PKEY_free(named);
	return ok == 1;
}

static void
td_quotes(void **state)
{
	struct sim_machine *m = machine("tdx", NULL);
	uint8_t data[64] = { 1, 2, 3 }, report[1024], digest[48] = { 5 }, value[48];
	uint8_t *quote = NULL;
	size_t len = 0;

	(void)state;
	assert_string_equal(sim_machine_tee(m), "tdx");
	assert_int_equal(sim_machine_td_report(m, data, report), 0);
	assert_int_equal(sim_machine_td_quote(m, report, &quote, &len), 0);
	assert_int_equal(quote[0], 4);
	assert_memory_equal(quote + 48 + 520, data, 64);
	assert_true(signed_by(quote, 632, quote + 636, quote + 700));
	quote[60] ^= 1;
	assert_false(signed_by(quote, 632, quote + 636, quote + 700));
	free(quote);

	/* What a register holds is what the next report says, and not the one before. */
	assert_int_equal(sim_machine_td_register(m, "rtmr3", value), 0);
	assert_memory_equal(report + 512 + 352, value, 48);
	assert_int_equal(sim_machine_td_extend(m, 3, digest), 0);
	assert_int_equal(sim_machine_td_register(m, "rtmr3", value), 0);
	assert_memory_not_equal(report + 512 + 352, value, 48);
	assert_int_equal(sim_machine_td_report(m, data, report), 0);
	assert_memory_equal(report + 512 + 352, value, 48);
	assert_int_equal(sim_machine_td_extend(m, 4, digest), -EINVAL);
	assert_int_equal(sim_machine_td_register(m, "rtmr4", value), -EINVAL);
	assert_int_equal(sim_machine_td_register(m, "mrtd", value), 0);
	assert_memory_equal(report + 512 + 16, value, 48);

	/* The QE takes nothing that the processor did not make. */
	report[600] ^= 1;
	assert_int_equal(sim_machine_td_quote(m, report, &quote, &len), -EBADMSG);
	report[600] ^= 1;
	report[224] ^= 1;
	assert_int_equal(sim_machine_td_quote(m, report, &quote, &len), -EBADMSG);
	sim_machine_close(m);
}

static void
another_seed(struct sim_spec *spec)
{
	spec->seed = 8;
}

/* A report is good on its own platform only. */
static void
other_platform(void **state)
{
	struct sim_machine *a = machine("tdx", NULL), *b = machine("tdx", another_seed);
	uint8_t data[64] = { 0 }, report[1024], *quote = NULL;
	size_t len = 0;

	(void)state;
	assert_int_equal(sim_machine_td_report(a, data, report), 0);
	assert_int_equal(sim_machine_td_quote(b, report, &quote, &len), -EBADMSG);
	assert_int_equal(sim_machine_td_quote(a, report, &quote, &len), 0);
	free(quote);
	sim_machine_close(a);
	sim_machine_close(b);
}

static void
newer_now(struct sim_spec *spec)
{
	snprintf(spec->tcb, sizeof spec->tcb, "now1=7");
}

static void
service_td(struct sim_spec *spec)
{
	spec->service_td = true;
}

static void
td_quote_v5(void **state)
{
	uint8_t data[64] = { 0 }, report[1024], zero[48] = { 0 }, *quote = NULL;
	size_t len = 0;

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct sim_machine *m = machine("tdx", i == 0 ? newer_now : service_td);
		assert_int_equal(sim_machine_td_report(m, data, report), 0);
		assert_int_equal(sim_machine_td_quote(m, report, &quote, &len), 0);
		assert_int_equal(quote[0], 5);
		assert_int_equal(quote[48], 3);
		assert_int_equal(quote[54 + 584], i == 0 ? 7 : 6); /* TEE_TCB_SVN2 */
		assert_int_equal(memcmp(quote + 54 + 600, zero, 48) != 0, i == 1);
		assert_true(signed_by(quote, 54 + 648, quote + 58 + 648, quote + 58 + 648 + 64));
		free(quote);
		sim_machine_close(m);
	}
}

/* What is taken of the heap; musl does not tell. */
static size_t
in_use(void)
{
#ifdef __GLIBC__
	return mallinfo2().uordblks;
#else
	return 0;
#endif
}

/* A log that grows no memory, and tables that are the files. */
static void
no_growth(void **state)
{
	struct sim_machine *m = machine("tdx", NULL);
	uint8_t data[64] = { 0 }, report[1024], *a = NULL, *b = NULL;
	size_t used = 0, n, k;

	(void)state;
	for (int i = 0; i < 300; i++) {
		if (i == 100)
			used = in_use();
		assert_int_equal(sim_machine_td_report(m, data, report), 0);
		assert_int_equal(sim_machine_td_quote(m, report, &a, &n), 0);
		free(a);
		assert_int_equal(sim_machine_ccel(m, &a, &n, &b, &k), 0);
		assert_int_equal(n, 56);
		assert_int_equal(k, 65536);
		free(a);
		free(b);
		assert_int_equal(sim_machine_collateral(m, "tcb_info.json", &a, &n), 0);
		free(a);
	}
	assert_int_equal(in_use(), used);
	assert_int_equal(sim_machine_collateral(m, "pck_chain.pem", &a, &n), 0);
	assert_memory_equal(a, "-----BEGIN CERTIFICATE-----", 27);
	free(a);
	assert_int_equal(sim_machine_collateral(m, "../platform.json", &a, &n), -ENOENT);
	assert_int_equal(sim_machine_snp_certs(m, &a, &n), -ENODEV);
	assert_int_equal(sim_machine_sgx_quote(m, data, &a, &n), -ENODEV);
	sim_machine_close(m);
}

/* --- threads ---------------------------------------------------------------------------------- */

static struct sim_machine *shared;

/* What one thread does, and what went wrong; NULL: nothing. */
struct worker {
	pthread_t thread;
	uint8_t name;
	const char *wrong;
};

static void *
quote_often(void *context)
{
	struct worker *w = context;
	uint8_t data[64] = { w->name }, report[1024], digest[48] = { 0 }, *quote = NULL;
	size_t len = 0;

	for (unsigned i = 0; i < 200 && w->wrong == NULL; i++) {
		data[20] = (uint8_t)i;
		if (sim_machine_td_report(shared, data, report) != 0 ||
		    sim_machine_td_quote(shared, report, &quote, &len) != 0) {
			w->wrong = "refused";
			break;
		}
		if (memcmp(quote + 48 + 520, data, 64) != 0)
			w->wrong = "another's report data";
		if (i % 50 == 0 && !signed_by(quote, 632, quote + 636, quote + 700))
			w->wrong = "a bad signature";
		free(quote);
		sim_machine_td_extend(shared, 2, digest);
	}
	return NULL;
}

static void
threads(void **state)
{
	struct worker workers[8] = { { .name = 0 } };
	uint8_t value[48], want[48], digest[48] = { 0 };

	(void)state;
	shared = machine("tdx", NULL);
	assert_int_equal(sim_machine_td_register(shared, "rtmr2", want), 0);
	for (uint8_t i = 0; i < 8; i++) {
		workers[i].name = (uint8_t)(i + 1);
		assert_int_equal(
		    pthread_create(&workers[i].thread, NULL, quote_often, &workers[i]), 0);
	}
	for (size_t i = 0; i < 8; i++) {
		pthread_join(workers[i].thread, NULL);
		if (workers[i].wrong != NULL)
			fail_msg("thread %zu: %s", i, workers[i].wrong);
	}
	for (size_t i = 0; i < 8 * 200; i++)
		sim_rtmr_extend(want, digest);
	assert_int_equal(sim_machine_td_register(shared, "rtmr2", value), 0);
	assert_memory_equal(value, want, 48);
	sim_machine_close(shared);
}

/* --- SEV-SNP ---------------------------------------------------------------------------------- */

static void
vlek(struct sim_spec *spec)
{
	spec->vlek = true;
}

static void
snp_requests(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		struct sim_machine *m = machine("snp", i == 0 ? NULL : vlek);
		uint8_t key[32], page[4096], response[4096], payload[4000], request[96] = { 9 };
		uint8_t *table = NULL, *leaf = NULL;
		uint64_t last = 5;
		size_t len = 0, leaf_len = 0;
		struct sim_snp_message msg = { .sequence = 1,
			.type = SIM_SNP_REPORT_REQ,
			.version = 1,
			.vmpck = 1,
			.payload = sim_view(request, 96) };

		assert_int_equal(sim_machine_snp_vmpck(m, 4, key), -EINVAL);
		assert_int_equal(sim_machine_snp_vmpck(m, 1, key), 0);
		sim_store_u32(request + 64, 1);
		sim_snp_message_seal(page, &msg, key);
		assert_int_equal(sim_machine_snp_sequence(m, 1, &last), 0);
		assert_int_equal(last, 0);
		assert_int_equal(sim_machine_snp_guest_request(m, page, response), 0);
		assert_int_equal(sim_machine_snp_guest_request(m, page, response), 0x16);
		assert_int_equal(sim_machine_snp_sequence(m, 1, &last), 0);
		assert_int_equal(last, 2);
		msg.sequence = 3;
		sim_snp_message_seal(page, &msg, key);
		page[200] ^= page[100] ^= 1;
		assert_int_equal(sim_machine_snp_guest_request(m, page, response), 0x0b);
		page[200] ^= page[100] ^= 1;
		sim_snp_message_seal(page, &msg, key);
		assert_int_equal(sim_machine_snp_guest_request(m, page, response), 0);
		assert_true(sim_snp_message_open(payload, response, key));
		assert_int_equal(payload[0], 0);
		assert_int_equal(payload[32 + 0x30], 1);
		assert_int_equal(payload[32 + 0x50], 9);

		/* The table begins with the leaf's GUID, and holds the leaf of collateral/. */
		assert_int_equal(sim_machine_snp_certs(m, &table, &len), 0);
		assert_int_equal(table[0], i == 0 ? 0x63 : 0xa8);
		assert_int_equal(
		    sim_machine_collateral(m, i == 0 ? "vcek.der" : "vlek.der", &leaf, &leaf_len),
		    0);
		assert_memory_equal(table + 4 * 24, leaf, leaf_len);
		free(table);
		free(leaf);
		assert_int_equal(sim_machine_td_report(m, payload, page), -ENODEV);
		sim_machine_close(m);
	}
}

static void
sgx_quotes(void **state)
{
	struct sim_machine *m = machine("sgx", NULL);
	uint8_t data[64] = { 4, 4 }, *quote = NULL;
	struct sim_identity id;
	size_t len = 0;

	(void)state;
	assert_int_equal(sim_machine_sgx_quote(m, data, &quote, &len), 0);
	assert_int_equal(quote[0], 3);
	assert_memory_equal(quote + 48 + 320, data, 64);
	assert_true(signed_by(quote, 432, quote + 436, quote + 500));
	sim_machine_identity(m, &id);
	assert_memory_equal(quote + 28, id.qe_id, 16);
	assert_int_equal(quote[8], id.qe_svn);
	assert_int_equal(quote[10], id.pce_svn);
	free(quote);
	sim_machine_close(m);
}

/* --- bad folders ------------------------------------------------------------------------------ */

static void
bad_json(void **state)
{
	static const struct {
		const char *json, *words;
	} cases[] = {
		{ "", "line 1 is no JSON" },
		{ "[]", "is no JSON" },
		{ "{\"tee\":\"tdx\"}", "\"format\" is not 1" },
		{ "{\"format\":2,\"tee\":\"tdx\"}", "\"format\" is not 1" },
		{ "{\"format\":1,\"tee\":\"arm\"}", "there is no TEE \"arm\"" },
		{ "{\"format\":1,\"tee\":7}", "\"tee\" is not of its form" },
		{ "{\"format\":1,\"tee\":\"tdx\",\"seed\":\"-1\"}", "\"seed\" is not" },
		{ "{\"format\":1,\"tee\":\"tdx\",\"seed\":7}", "\"seed\" is not" },
		{ "{\"format\":1,\"tee\":\"tdx\",\"new\":7}", "a member\" is unknown" },
		{ "{\"format\":1,\"tee\":\"tdx\",\"report_data\":\"00\"}", "\"report_data\" is" },
		{ "{\"format\":1,\"tee\":\"tdx\",\"broken\":[\"upside-down\"]}",
		    "tdx has no state \"upside-down\"" },
		{ "{\"format\":1,\"tee\":\"tdx\",\"broken\":[1]}", "\"broken\" is not" },
		{ "{\"format\":1,\"tee\":\"tdx\",\"tcb\":\"Splendid\"}",
		    "\"Splendid\" is no status" },
		{ "{\"format\":1,\"tee\":\"snp\",\"product\":\"Rome\"}", "\"Rome\"; write Milan" },
		{ "{\"format\":1,\"tee\":\"tdx\",\"debug\":1}", "\"debug\" is not of its form" },
		{ "{\"format\":1,\"tee\":\"tdx\"}", "trust-root: No such file" },
	};
	struct sim_machine *m = NULL;
	char why[256], dir[256];

	(void)state;
	snprintf(dir, sizeof dir, "%s/bad", folder);
	mkdir(dir, 0700);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		put_file(dir, "platform.json", sim_view(cases[i].json, strlen(cases[i].json)));
		if (sim_machine_open(&m, dir, why) == 0 || strstr(why, cases[i].words) == NULL)
			fail_msg("%s: \"%s\"", cases[i].json, why);
	}
	assert_int_equal(sim_machine_open(&m, "/nowhere", why), -ENOENT);
	assert_non_null(strstr(why, "/nowhere/platform.json: No such file"));
}

/* What was asked for goes to JSON and back. */
static void
round_trip(void **state)
{
	struct sim_spec spec = { .tee = "snp",
		.seed = UINT64_MAX,
		.time = MADE,
		.valid = 3600,
		.product = "Turin",
		.report_version = 5,
		.tcb = "snp=8",
		.debug = true,
		.vlek = true,
		.own_launch = true },
			got;
	char why[256];

	(void)state;
	memset(spec.report_data, 0xa5, sizeof spec.report_data);
	memset(spec.launch, 0x5a, sizeof spec.launch);
	assert_true(sim_words_add(&spec.broken, "other-root"));
	assert_true(sim_words_add(&spec.broken, "stale-crl"));
	assert_false(sim_words_add(&spec.broken, ""));
	assert_false(sim_words_add(&spec.broken, "a word that is too long for this"));
	char *json = sim_spec_json(&spec);
	assert_true(sim_spec_parse(&got, json, strlen(json), why));
	assert_memory_equal(&got, &spec, sizeof spec);
	for (size_t n = 0; n < strlen(json); n++)
		assert_false(sim_spec_parse(&got, json, n, why));
	free(json);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(td_quotes),
		cmocka_unit_test(other_platform),
		cmocka_unit_test(td_quote_v5),
		cmocka_unit_test(no_growth),
		cmocka_unit_test(threads),
		cmocka_unit_test(snp_requests),
		cmocka_unit_test(sgx_quotes),
		cmocka_unit_test(bad_json),
		cmocka_unit_test(round_trip),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	if (mkdtemp(folder) == NULL)
		return 1;
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	clear(folder);
	return failed;
}
