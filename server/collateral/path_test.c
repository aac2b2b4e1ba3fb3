/* SPDX-License-Identifier: Apache-2.0 */
/* What clients of the vendors' services ask for, and what of it goes to the fetcher. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "path.h"
#include "shelf.h"
#include "wire.h"

#define HWID                                                                                       \
	"b071961b333595140d8f954a844e59320c6ef9c60c8c1ac32619a1459fd8aeef"                         \
	"602eb3b266fe5f0012983be942eae20b2e84f26b1b87844b9639fada54077d93"

static const struct {
	const char *path, *query;
	int status;
	const char *key; /* or why not */
	enum collateral_form form;
} cases[] = {
	{ "/tdx/certification/v4/tcb", "fmspc=5ac06f000000", 200, "tcb_info-tdx-5ac06f000000.json",
	    FORM_RAW },
	{ "/sgx/certification/v4/tcb", "fmspc=5AC06F000000&update=standard", 200,
	    "tcb_info-sgx-5ac06f000000.json", FORM_RAW },
	{ "/tdx/certification/v4/qe/identity", "", 200, "qe_identity-tdx.json", FORM_RAW },
	{ "/sgx/certification/v4/pckcrl", "ca=processor", 200, "pck_crl-processor.der", FORM_HEX },
	{ "/sgx/certification/v4/pckcrl", "encoding=pem&ca=platform", 200, "pck_crl-platform.der",
	    FORM_PEM },
	{ "/sgx/certification/v4/pckcrl", "encoding=der&ca=platform", 200, "pck_crl-platform.der",
	    FORM_RAW },
	{ "/sgx/certification/v4/rootcacrl", "", 200, "root_ca_crl.der", FORM_HEX },
	{ "/IntelSGXRootCA.der", "", 200, "root_ca_crl.der", FORM_RAW },
	{ "/vcek/v1/Milan/" HWID, "blSPL=15&teeSPL=05&snpSPL=30&ucodeSPL=220", 200,
	    "vcek-Milan-" HWID "-0.15.5.30.220.der", FORM_RAW },
	{ "/vcek/v1/Turin/1e550a8ee5cf9f4d", "fmcSPL=1&blSPL=1&teeSPL=1&snpSPL=4&ucodeSPL=81", 200,
	    "vcek-Turin-1e550a8ee5cf9f4d-1.1.1.4.81.der", FORM_RAW },
	{ "/vcek/v1/Genoa/cert_chain", "", 200, "cert_chain-vcek-Genoa.pem", FORM_PEM },
	{ "/vlek/v1/Genoa/crl", "", 200, "crl-vlek-Genoa.der", FORM_RAW },
	/* Early or not: what is here. */
	{ "/tdx/certification/v4/tcb", "fmspc=5ac06f000000&update=early", 200,
	    "tcb_info-tdx-5ac06f000000.json", FORM_RAW },
	{ "/sgx/certification/v4/qe/identity", "update=standard", 200, "qe_identity-sgx.json",
	    FORM_RAW },
	{ "/sgx/certification/v4/qe/identity", "update=early", 200, "qe_identity-sgx.json",
	    FORM_RAW },

	{ "/tdx/certification/v4/tcb", "", 400, "fmspc: must be 12 hex digits", FORM_RAW },
	{ "/tdx/certification/v4/tcb", "fmspc=5ac06f00000g", 400, "fmspc", FORM_RAW },
	{ "/tdx/certification/v4/tcb", "fmspc=5ac06f000000&fmspc=5ac06f000000", 400, "fmspc",
	    FORM_RAW },
	{ "/tdx/certification/v4/tcb", "fmspc=5ac06f000000&update", 400, "give one of", FORM_RAW },
	{ "/tdx/certification/v4/tcb", "fmspc=5ac06f000000&update=early&tcbEvaluationDataNumber=17",
	    400, "give one of", FORM_RAW },
	{ "/tdx/certification/v4/tcb", "fmspc=5ac06f000000&update=soon", 400, "give one of",
	    FORM_RAW },
	{ "/tdx/certification/v4/pckcrl", "ca=platform", 404, "there is no such path", FORM_RAW },
	{ "/sgx/certification/v4/pckcrl", "", 400, "ca: must be", FORM_RAW },
	{ "/sgx/certification/v4/pckcert", "qeid=00", 404, "are not kept here", FORM_RAW },
	{ "/vcek/v1/Milan/" HWID, "blSPL=15&teeSPL=05&snpSPL=30", 400, "must each be", FORM_RAW },
	{ "/vcek/v1/Milan/" HWID, "blSPL=15&teeSPL=05&snpSPL=30&ucodeSPL=256", 400, "must each be",
	    FORM_RAW },
	{ "/vcek/v1/Milan/" HWID, "blSPL=15&teeSPL=05&snpSPL=30&ucodeSPL=220&fmcSPL=1", 400,
	    "of Turin alone", FORM_RAW },
	{ "/vcek/v1/Turin/" HWID, "fmcSPL=1&blSPL=1&teeSPL=1&snpSPL=4&ucodeSPL=81", 400,
	    "of Turin 16", FORM_RAW },
	{ "/vcek/v1/Milan", "", 404, "there is no such path", FORM_RAW },
	{ "/vcek/v1/Mila/crl", "", 404, "there is no such path", FORM_RAW },
	{ "/vcek/v1/Milan/crl/x", "", 404, "there is no such path", FORM_RAW },
	{ "/vlek/v1/Milan/cert", "", 404, "cloud providers alone", FORM_RAW },
	{ "/v1/collateral", "", 404, "there is no such path", FORM_RAW },
};

static void
test_paths(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct collateral_request r;
		char key[WANT_NAME];
		const char *why;
		int status = collateral_request_read(&r, cases[i].path, cases[i].query, &why);
		if (status != cases[i].status)
			fail_msg("%s?%s: %d %s", cases[i].path, cases[i].query, status, why);
		if (status != 200) {
			if (strstr(why, cases[i].key) == NULL)
				fail_msg("%s?%s: %s", cases[i].path, cases[i].query, why);
			continue;
		}
		shelf_key(key, &r.want);
		assert_string_equal(key, cases[i].key);
		assert_int_equal(r.form, cases[i].form);
	}
}

/* Of Turin a report has 64 bytes, and a certificate 8. */
static void
test_turin_key(void **state)
{
	struct want long_id = { .thing = THING_VCEK, .product = "Turin", .hwid = HWID };
	struct want short_id = {
		.thing = THING_VCEK, .product = "Turin", .hwid = "b071961b33359514"
	};
	char a[WANT_NAME], b[WANT_NAME];

	(void)state;
	shelf_key(a, &long_id);
	shelf_key(b, &short_id);
	assert_string_equal(a, b);
}

static struct want
sent(const struct want *w, bool *ok)
{
	struct want out = { .guess = false };
	struct ipc_message m;
	size_t len;
	uint8_t *line = fetch_request_write(&len, 1, w);

	assert_non_null(line);
	assert_true(ipc_read(&m, (struct assay_bytes){ line, len }));
	*ok = fetch_request_read(&out, &m);
	for (size_t n = 0; n < len; n++)
		assert_false(ipc_read(&m, (struct assay_bytes){ line, n }));
	free(line);
	return out;
}

static void
test_line(void **state)
{
	const struct want vcek = { .thing = THING_VCEK,
		.product = "Turin",
		.hwid = "1e550a8ee5cf9f4d",
		.fmc = 1,
		.bootloader = 2,
		.tee = 3,
		.snp = 4,
		.microcode = 255 };
	const struct want crl = { .thing = THING_PCK_CRL, .processor = true };
	struct want bad = vcek;
	bool ok;

	(void)state;
	struct want got = sent(&vcek, &ok);
	assert_true(ok);
	assert_memory_equal(&got, &vcek, sizeof got);
	got = sent(&crl, &ok);
	assert_true(ok && got.processor && got.thing == THING_PCK_CRL);
	/* A front in wrong hands sends no path of its own. */
	strcpy(bad.product, "../x");
	(void)sent(&bad, &ok);
	assert_false(ok);
	bad = vcek;
	strcpy(bad.hwid, "00?x=1");
	(void)sent(&bad, &ok);
	assert_false(ok);
	bad = vcek;
	bad.microcode = 256;
	(void)sent(&bad, &ok);
	assert_false(ok);
	bad = vcek;
	bad.hwid[0] = '\0';
	(void)sent(&bad, &ok);
	assert_false(ok);
	bad = (struct want){ .thing = THING_TCB_INFO };
	(void)sent(&bad, &ok);
	assert_false(ok);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_paths),
		cmocka_unit_test(test_turin_key),
		cmocka_unit_test(test_line),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("path", tests, NULL, NULL);
}
