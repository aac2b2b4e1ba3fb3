/* SPDX-License-Identifier: Apache-2.0 */
#include <assay/policy.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "alloc.h"
#include "core/checks.h"
#include "policy/policy_cases.h"
#include "policy/rule.h"

#define X16        "xxxxxxxxxxxxxxxx"
#define X128       X16 X16 X16 X16 X16 X16 X16 X16
#define BYTES_32   "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define BYTES_48   BYTES_32 "00112233445566778899aabbccddeeff"
#define TURIN_8    "59790fb1c39f35c1"
#define TURIN_64   TURIN_8 ZEROS_28 ZEROS_28
#define SNP(rules) "for snp\n" rules

static const char references_text[] =
    "{\"reference_values\":1,\"name\":\"web\",\"values\":["
    "{\"name\":\"web/launch\",\"claim\":\"measurement\",\"any_of\":[\"" BYTES_48
    "\",\"00FF10a5" ZEROS_44 "\"]},"
    "{\"name\":\"web/other\",\"claim\":\"measurement\",\"any_of\":[\"" BYTES_48 "\"]},"
    "{\"name\":\"web/short\",\"claim\":\"measurement\",\"any_of\":[\"" BYTES_48 "\",\"" BYTES_32
    "\"]},"
    "{\"name\":\"chips\",\"claim\":\"platform_id\",\"any_of\":[\"" TURIN_8 "\"]},"
    "{\"name\":\"chip_ids\",\"claim\":\"snp.chip_id\",\"any_of\":[\"" TURIN_64 "\",\"00\"]},"
    "{\"name\":\"statuses\",\"claim\":\"tcb.status\",\"any_of\":[\"OutOfDate\",\"revoked\"]},"
    "{\"name\":\"web/none\",\"claim\":\"measurement\",\"any_of\":[]},"
    "{\"name\":\"svns\",\"claim\":\"svn\",\"any_of\":[7,\"0xff\"]},"
    "{\"name\":\"known\",\"claim\":\"tcb.advisories\",\"any_of\":[\"INTEL-SA-00002\","
    "\"INTEL-SA-00001\",\"INTEL-SA-00003\"]}]}";
static const char tdx_text[] = "{\"reference_values\":1,\"tee\":\"tdx\",\"values\":[{\"name\":"
			       "\"td\",\"claim\":\"measurement\","
			       "\"any_of\":[\"" CASE_48 "\"]}]}";

static struct assay_references *refs;
static struct assay_checks *checks;

static int
make(void **state)
{
	struct assay_error err;

	(void)state;
	return assay_checks_new(&checks, &err) != ASSAY_OK ||
	    assay_references_new(&refs, &err) != ASSAY_OK ||
	    assay_references_add(refs, assay_bytes_of(references_text), "web.json", &err) !=
	    ASSAY_OK ||
	    assay_references_add(refs, assay_bytes_of(tdx_text), "td.json", &err) != ASSAY_OK;
}

static int
clear(void **state)
{
	(void)state;
	assay_references_free(refs);
	assay_checks_free(checks);
	return 0;
}

/* --- what is no policy, and where ----------------------------------------------------------------- */

static const struct {
	const char *text, *words;
} wrong[] = {
	{ "", "p:1:1: has no section" },
	{ "# nothing\n", "p:2:1: has no section" },
	{ "policy \"x\"", "p:1:11: has no section" },
	{ "policy x\nfor any", "p:1:8: \"x\" where a title in quotes should be" },
	{ "policy \"x\nfor any", "p:1:8: this string is not closed" },
	{ "policy \"\xc3\xa4\"\nfor any", "p:1:8: this string is not closed" },
	{ "for any policy \"x\"", "p:1:9: \"policy\" where `for`, `require` or `prefer`" },
	{ "for", "p:1:4: the end is no TEE" },
	{ "for snpp", "p:1:5: \"snpp\" is no TEE; the nearest is \"snp\"" },
	{ "for seves", "the nearest is \"sev-es\"" },
	{ "for tdx,", "p:1:9: the end is no TEE" },
	{ "for tdx snp", "p:1:9: \"snp\" where `for`" },
	{ "for any, tdx", "p:1:8: \",\" where `for`" },
	{ "require hardware debug == false", "p:1:1: a rule stands in a section" },
	{ "for any\ndemand hardware debug == false", "p:2:1: \"demand\" where `for`" },
	{ SNP("require hardwar debug == false"),
	    "p:2:9: \"hardwar\" is no category; the nearest is \"hardware\"" },
	{ SNP("require debug == false"), "p:2:9: \"debug\" is no category" },
	{ SNP("require hardware"), "p:2:17: the end where a claim should be" },
	{ SNP("require hardware require"), "\"require\" where a claim should be" },
	{ SNP("require hardware \"debug\" == false"), "\"debug\" where a claim should be" },
	{ SNP("  require hardware debg == false"),
	    "p:2:20: there is no claim \"debg\"; the nearest is \"debug\"" },
	{ SNP("\trequire hardware tdx.rtmr[4] == 00"), "the nearest is \"tdx.rtmr[" },
	{ SNP("require hardware debug"), "p:2:23: the end where == != < <= > >= & in" },
	{ SNP("require hardware debug = false"), "\"=\" has no meaning here" },
	{ SNP("require hardware debug ! false"), "\"!\" has no meaning here" },
	{ SNP("require hardware debug == @"), "\"@\" has no meaning here" },
	{ SNP("require hardware debug == "), "the end where a value should be: true or false" },
	{ SNP("require hardware debug == or"), "\"or\" where a value should be" },
	{ SNP("require hardware debug == 0"),
	    "debug: \"0\" is not of its type: it is true or false" },
	{ SNP("require hardware debug == False"), "not of its type" },
	{ SNP("require hardware debug < true"), "debug has no order: < needs a number or a time" },
	{ SNP("require hardware debug in true"), "debug is true or false: write ==" },
	{ SNP("require hardware debug & 1 == true"), "debug is no number: & needs one" },
	{ SNP("require hardware svn == 1x"), "svn: \"1x\" is not of its type: it is a number" },
	{ SNP("require hardware svn == -1"), "not of its type" },
	{ SNP("require hardware svn == 18446744073709551616"), "not of its type" },
	{ SNP("require hardware svn & == 1"), "\"==\" where a mask should be" },
	{ SNP("require hardware svn & x == 1"), "\"x\" where a mask should be" },
	{ SNP("require hardware svn & 0x80 != 0x800"),
	    "svn: \"0x800\" is what it never is: no bits but 0x80 are looked at" },
	{ SNP("require hardware snp.vmpl not in 1, 4294967296"),
	    "snp.vmpl: \"4294967296\" is what it never is: no bits but 0xffffffff are looked at" },
	{ SNP("require hardware svn & 1"), "p:2:25: the end where == !=" },
	{ SNP("require hardware svn not 1"), "\"1\" where == != < <= > >= & in" },
	{ SNP("require hardware svn not == 1"), "where == !=" },
	{ SNP("require hardware svn all in 1"), "svn is no list: write `in` or `not in`" },
	{ SNP("require hardware svn == @svns"), "\"svns\" where a value should be" },
	{ SNP("require hardware svn in 1,"), "the end where a value should be" },
	{ SNP("require hardware svn in 1 2"), "\"2\" where `for`" },
	{ SNP("require hardware svn in @svn"), "no set of reference values \"svn\"" },
	{ SNP("require hardware svn in @web/launch"),
	    "the set \"web/launch\" is of the claim measurement, not of svn" },
	{ SNP("require hardware measurement in @td"), "the set \"td\" is of another TEE" },
	{ "for any require hardware measurement in @td", "is of another TEE" },
	{ "for tdx, snp require hardware measurement in @td", "is of another TEE" },
	{ SNP("require hardware collateral.expires > 2025-07-04"), "it is a time as" },
	{ SNP("require hardware collateral.expires > 1"), "it is a time as" },
	{ SNP("require hardware measurement == 00ff1"), "it is hex, two digits a byte" },
	{ SNP("require hardware measurement == 00:ff"), "it is hex" },
	/* Named claims have lengths, too, by the TEEs of the section. */
	{ SNP("require hardware measurement != \"\""),
	    "measurement: these are 0 bytes, it has 48" },
	{ SNP("require hardware measurement != " BYTES_32),
	    "p:2:33: measurement: these are 32 bytes, it has 48" },
	{ SNP("require hardware measurement == 00ff10a5"), "these are 4 bytes, it has 48" },
	{ "for sgx require hardware measurement == " BYTES_48, "these are 48 bytes, it has 32" },
	{ "for sev-es require hardware measurement == " BYTES_48, "it has 32" },
	{ "for tdx, sgx require hardware signer == 00", "it has 32 or 48" },
	{ "for any require hardware report_data == 00", "it has 16 or 64" },
	{ SNP("require hardware report_data == 00"), "it has 64" },
	{ SNP("require instance platform_id not in 59790fb1c39f35"),
	    "platform_id: these are 7 bytes, it has 8 or 64" },
	{ SNP("require instance snp.chip_id != 59790fb1c39f35"),
	    "snp.chip_id: these are 7 bytes, it has 8 or 64" },
	{ "for tdx require instance platform_id not in " TURIN_8, "these are 8 bytes, it has 16" },
	{ "for sev require instance platform_id not in " TURIN_8, "these are 8 bytes, it has 32" },
	{ "for any require instance platform_id != 00", "it has 8 or 16 or 32 or 64" },
	{ "for any require instance dcap.ppid != " TURIN_8, "it has 16" },
	{ "for any require instance dcap.fmspc != 00", "it has 6" },
	{ "for any require instance dcap.pce_id != 00", "it has 2" },
	{ "for any require instance sev.cek_digest != 00", "it has 32" },
	{ "for any require instance sev.oca_key_digest != 00", "it has 32" },
	{ SNP("require instance dcap.ppid != 00"), "it has 16" }, /* of TEEs that do make it */
	{ SNP("require hardware measurement in @web/short"),
	    "p:2:33: value 2 of the set \"web/short\": measurement: these are 32 bytes, it has "
	    "48" },
	{ "for any require instance snp.chip_id not in @chip_ids",
	    "value 2 of the set \"chip_ids\": snp.chip_id: these are 1 bytes, it has 8 or 64" },
	{ "for sev, tdx require instance platform_id not in @chips",
	    "value 1 of the set \"chips\": platform_id: these are 8 bytes, it has 16 or 32" },
	{ SNP("require hardware measurement < 00ff"), "measurement has no order" },
	{ SNP("require hardware measurement & 1 == 00"), "measurement is no number" },
	{ SNP("require hardware snp.measurement == " BYTES_32), "these are 32 bytes, it has 48" },
	{ SNP("require hardware snp.measurement != " BYTES_48 "00"), "these are 49 bytes" },
	{ SNP("require hardware tcb.status == UpToDat"),
	    "tcb.status is never \"UpToDat\"; the nearest is \"UpToDate\"" },
	{ SNP("require hardware tcb.status != \"\""), "tcb.status is never \"\"" },
	{ SNP("require hardware tcb.status not in OutOfDate, revoked"),
	    "is never \"revoked\"; the nearest is \"Revoked\"" },
	{ SNP("require hardware dcap.qe_status != Uptodate"), "dcap.qe_status is never" },
	{ SNP("require hardware tee == sev_es"), "tee is never \"sev_es\"" },
	{ SNP("require hardware tcb.status not in @statuses"),
	    "value 2 of the set \"statuses\": tcb.status is never \"revoked\"; the nearest is "
	    "\"Revoked\"" },
	{ SNP("require hardware binding != None"),
	    "p:2:29: binding is never \"None\"; the nearest is \"none\"" },
	{ SNP("require hardware binding in vm, wek"),
	    "binding is never \"wek\"; the nearest is \"weak\"" },
	{ SNP("require hardware snp.certificate != VLEk"),
	    "snp.certificate is never \"VLEk\"; the nearest is \"VLEK\"" },
	{ SNP("require hardware dcap.ca != Processor"),
	    "dcap.ca is never \"Processor\"; the nearest is \"processor\"" },
	{ SNP("require hardware dcap.ca == platfrom"), "the nearest is \"platform\"" },
	{ SNP("require hardware platform.product not in Genova"),
	    "platform.product is never \"Genova\"; the nearest is \"Genoa\"" },
	{ SNP("require hardware tcb.advisories in x"), "tcb.advisories is a list: write `all in`" },
	{ SNP("require hardware tcb.advisories not in x"), "is a list: write" },
	{ SNP("require hardware tcb.advisories == x"), "is a list: write" },
	{ SNP("require hardware svn == 1 or"), "the end where a claim should be" },
	{ SNP("require hardware svn == 1 and debug == false"), "\"and\" where `for`" },
	{ SNP("require hardware svn == 1 as policy.bug"),
	    "\"policy.bug\" is no check that a rule can be; the nearest is \"policy.debug\"" },
	{ SNP("require hardware svn == 1 as snp.report.signature"), "no check that a rule can be" },
	{ SNP("require hardware svn == 1 as policy.rule"), "no check that a rule can be" },
	{ SNP("require hardware svn == 1 as policy.tee"), "no check that a rule can be" },
	{ SNP("require hardware svn == 1 as expect"), "no check that a rule can be" },
	{ SNP("require hardware svn == 1 as"), "the end is no check" },
	{ SNP("require hardware svn == 1 as policy.debug as policy.debug"), "a second `as`" },
	{ SNP("require hardware svn == 1 pass x"), "\"x\" where a sentence in quotes" },
	{ SNP("require hardware svn == 1 fail \"\""), "where a sentence in quotes" },
	{ SNP("require hardware svn == 1 absent"), "the end where a sentence in quotes" },
	{ SNP("require hardware svn == 1 fail \"a\" fail \"b\""), "a second `fail`" },
	{ SNP("require hardware svn == 1 fail \"a\nb\""), "this string is not closed" },
	{ SNP("require hardware svn == 1;"), "\";\" has no meaning here" },
	{ "for any\f", "p:1:8: byte 0x0c: a policy is plain text" },
	{ "for any # x\r require", "p:1:12: byte 0x0d: a policy is plain text" },
	{ "for any # x\r\r\n", "p:1:12: byte 0x0d" },
	{ "for any # x\xe2\x80\xa8 require", "p:1:12: byte 0xe2" },
	{ "for any # x\xe2\x80\xae", "p:1:12: byte 0xe2" },
	{ "for any # x\xe2\x81\xa7", "p:1:12: byte 0xe2" },
	{ "for any # x\xc2\x85 require", "p:1:12: byte 0xc2" },
	{ "for any # \x1b[31m", "p:1:11: byte 0x1b" },
	{ "for any\x7f", "byte 0x7f" },
	{ SNP("require hardware measurement == " X128 X128 X128 X128 "x"),
	    "a word or string of 513 characters, at most 512" },
	{ SNP("require hardware svn==1 or svn==1 or svn==1 or svn==1 or svn==1 or svn==1 or svn==1 "
	      "or "
	      "svn==1 or svn==1"),
	    "p:2:98: more than 8 comparisons in one rule" },
};

static void
faults_are_told(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		struct assay_error err = { ASSAY_OK, "" };
		struct assay_policy *policy = NULL;
		enum assay_code rc =
		    assay_policy_compile(&policy, assay_bytes_of(wrong[i].text), "p", refs, &err);
		if (rc != ASSAY_E_USAGE || policy != NULL)
			fail_msg("%s: %s", wrong[i].text, assay_code_name(rc));
		if (err.code != rc || strstr(err.text, wrong[i].words) == NULL)
			fail_msg(
			    "%s: \"%s\" lacks \"%s\"", wrong[i].text, err.text, wrong[i].words);
	}
}

/* --- what rules say of an SNP report ---------------------------------------------------------------- */

static const struct {
	const char *rule;
	enum assay_outcome outcome;
	const char *words;
} rules[] = {
	{ "debug == false", ASSAY_PASS, "p:2: debug is false" },
	{ "debug == true", ASSAY_FAIL, "p:2: debug is false; want debug == true" },
	{ "debug != true", ASSAY_PASS, "debug is false" },
	{ "debug != false", ASSAY_FAIL, "" },

	{ "svn == 255", ASSAY_PASS, "svn is 255" },
	{ "svn == 0xff", ASSAY_PASS, "svn is 0xff" },
	{ "svn == 254", ASSAY_FAIL, "" },
	{ "svn != 254", ASSAY_PASS, "" },
	{ "svn != 255", ASSAY_FAIL, "" },
	{ "svn < 256", ASSAY_PASS, "" },
	{ "svn < 255", ASSAY_FAIL, "" },
	{ "svn <= 255", ASSAY_PASS, "" },
	{ "svn <= 254", ASSAY_FAIL, "" },
	{ "svn > 254", ASSAY_PASS, "" },
	{ "svn > 255", ASSAY_FAIL, "" },
	{ "svn >= 255", ASSAY_PASS, "" },
	{ "svn >= 256", ASSAY_FAIL, "" },
	{ "svn in 1, 3, 255, 2", ASSAY_PASS, "" },
	{ "svn in 1, 3, 2", ASSAY_FAIL, "want svn in 1, 3, 2" },
	{ "svn not in 1, 3, 2", ASSAY_PASS, "" },
	{ "svn not in 300, 1, 255", ASSAY_FAIL, "" },
	{ "svn in @svns", ASSAY_PASS, "" },
	{ "svn not in @svns", ASSAY_FAIL, "want svn not in @svns" },
	{ "svn in 1, @svns, 2", ASSAY_PASS, "" },
	{ "svn & 0x0f == 15", ASSAY_PASS, "svn is 0xff" },
	{ "svn & 0x0f == 0xff", ASSAY_FAIL, "" },
	{ "svn & 0x100 != 0", ASSAY_FAIL, "" },
	{ "svn & 0xf0 > 0xef", ASSAY_PASS, "" },
	{ "svn & 0x3 in 1, 3", ASSAY_PASS, "" },
	{ "collateral.days_left == 18446744073709551615", ASSAY_PASS, "" },
	{ "collateral.days_left > 18446744073709551614", ASSAY_PASS, "" },
	{ "collateral.days_left > 9223372036854775807", ASSAY_PASS, "" }, /* not signed */
	{ "snp.policy & 0x10000 == 0x10000", ASSAY_PASS, "snp.policy is 0x30000" },

	{ "collateral.expires == 2025-07-04T10:18:44Z", ASSAY_PASS, "is 2025-07-04T10:18:44Z" },
	{ "collateral.expires > 2025-07-04T10:18:43Z", ASSAY_PASS, "" },
	{ "collateral.expires > 2025-07-04T10:18:44Z", ASSAY_FAIL, "" },
	{ "tcb.date < 1970-01-01T00:00:00Z", ASSAY_PASS, "" }, /* before and after 0 */
	{ "collateral.expires in 2025-07-04T10:18:44Z, 1969-01-01T00:00:00Z", ASSAY_PASS, "" },

	{ "tcb.status == UpToDate", ASSAY_PASS, "tcb.status is UpToDate" },
	{ "tcb.status == \"UpToDate\"", ASSAY_PASS, "" },
	{ "tcb.status != UpToDate", ASSAY_FAIL, "" },
	{ "tcb.status in Revoked, OutOfDate", ASSAY_FAIL, "" },
	{ "tcb.status in Revoked, UpToDate, OutOfDate", ASSAY_PASS, "" },
	{ "tcb.status not in Revoked, OutOfDate", ASSAY_PASS, "" },
	{ "trust.root == \"vm\"", ASSAY_FAIL,
	    "trust.root is \"a??b?\"; want trust.root == \"vm\"" },
	{ "binding == vm", ASSAY_PASS, "" },
	{ "binding == weak", ASSAY_FAIL, "" },
	{ "binding in none, \"weak\"", ASSAY_FAIL, "" },
	{ "binding not in none, weak", ASSAY_PASS, "" },
	{ "trust.root in \"for\", a, \"a??b?\"", ASSAY_FAIL, "" },
	{ "snp.certificate == VCEK", ASSAY_PASS, "" },
	{ "snp.certificate != VLEK", ASSAY_PASS, "" },

	{ "measurement == " CASE_48, ASSAY_PASS, "measurement is 00ff10a5" },
	{ "measurement == 0x00FF10A5" ZEROS_44, ASSAY_PASS, "" },
	{ "measurement == \"" CASE_48 "\"", ASSAY_PASS, "" },
	{ "measurement == " CASE_32, ASSAY_FAIL, "" }, /* as an enclave has it: it begins so */
	{ "measurement != " CASE_32, ASSAY_PASS, "" },
	{ "measurement in " BYTES_32 ", " CASE_48 ", " BYTES_48, ASSAY_PASS, "" },
	{ "measurement in " BYTES_32 ", " CASE_32 ", " BYTES_48, ASSAY_FAIL, "" },
	{ "measurement not in " BYTES_32 ", " CASE_32 ", " BYTES_48, ASSAY_PASS, "" },
	/* Turin's chip id, as its certificate and as its report have it. */
	{ "platform_id == " TURIN_8, ASSAY_PASS, "" },
	{ "platform_id == " TURIN_64, ASSAY_PASS, "" },
	{ "platform_id != " TURIN_8, ASSAY_FAIL, "" },
	{ "platform_id not in " TURIN_8, ASSAY_FAIL, "" },
	{ "platform_id not in @chips", ASSAY_FAIL, "" },
	{ "platform_id in @chips", ASSAY_PASS, "" },
	{ "platform_id not in 59790fb1c39f35c2", ASSAY_PASS, "" },
	{ "snp.chip_id == " TURIN_8, ASSAY_FAIL, "" },
	{ "measurement in @web/launch", ASSAY_PASS, "" },
	{ "measurement not in @web/launch", ASSAY_FAIL, "" },
	{ "measurement in @web/other", ASSAY_FAIL, "" },
	{ "measurement in @web/other, @web/launch", ASSAY_PASS, "" },
	{ "measurement in @web/none", ASSAY_FAIL, "" },
	{ "measurement not in @web/none", ASSAY_PASS, "" },

	{ "tcb.advisories all in INTEL-SA-00002, INTEL-SA-00001", ASSAY_PASS,
	    "is INTEL-SA-00001, INTEL-SA-00002" },
	{ "tcb.advisories all in INTEL-SA-00002", ASSAY_FAIL, "" },
	{ "tcb.advisories all in @known", ASSAY_PASS, "" },
	{ "tcb.advisories none in INTEL-SA-00003, INTEL-SA-0000", ASSAY_PASS, "" },
	{ "tcb.advisories none in INTEL-SA-00003, INTEL-SA-00002", ASSAY_FAIL, "" },
	{ "tcb.advisories none in @known", ASSAY_FAIL, "" },

	/* What the evidence does not say fails, whatever is asked. */
	{ "vmpl == 0", ASSAY_FAIL,
	    "p:2: the evidence does not make the claim vmpl; want vmpl == 0" },
	{ "vmpl != 0", ASSAY_FAIL, "" },
	{ "vmpl >= 0", ASSAY_FAIL, "" },
	{ "vmpl not in 7", ASSAY_FAIL, "" },
	{ "vmpl & 0 == 0", ASSAY_FAIL, "" },
	{ "report_data != " BYTES_32 BYTES_32, ASSAY_FAIL, "" },
	{ "sev.es != true", ASSAY_FAIL, "" },
	{ "tdx.xfam != 0", ASSAY_FAIL, "" },
	{ "tdx.mr_td != " BYTES_48, ASSAY_FAIL, "" },
	{ "platform.product != Turin", ASSAY_FAIL, "" },
	{ "platform.product not in Naples, Rome, Milan, Genoa, Turin", ASSAY_FAIL, "" },
	{ "snp.launch_mit_vector >= 0", ASSAY_FAIL, "" }, /* version 5 */

	/* One of several is enough, and absent ones do no harm. */
	{ "vmpl == 0 or svn == 255", ASSAY_PASS, "p:2: svn is 255" },
	{ "svn == 1 or svn == 2 or svn == 255 or svn == 3", ASSAY_PASS, "" },
	{ "svn == 1 or debug == true", ASSAY_FAIL,
	    "svn is 255, debug is false; want svn == 1 or debug == true" },
	{ "vmpl == 0 or debug == true", ASSAY_FAIL,
	    "the evidence does not make the claim vmpl, debug is false; want" },

	/* Sentences. */
	{ "svn == 255 pass \"SVN {} is right {}\"", ASSAY_PASS, "p:2: SVN 255 is right 255" },
	{ "svn == 1 pass \"x\" fail \"SVN is {}: {short}\" absent \"y\"", ASSAY_FAIL,
	    "p:2: SVN is 255" },
	{ "svn == 1 fail \"{} { } {shor} {{}} }\"", ASSAY_FAIL, "255 { } {shor} {255} }" },
	{ "vmpl == 1 fail \"x\" absent \"nobody said\"", ASSAY_FAIL, "p:2: nobody said" },
	{ "vmpl == 1 fail \"x\"", ASSAY_FAIL, "does not make the claim vmpl" },
};

static void
every_rule(void **state)
{
	struct assay_claims *claims = case_claims(3);
	char text[512], id[64];

	(void)state;
	for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
		struct assay_error err = { ASSAY_OK, "" };
		struct assay_policy *policy = NULL;
		for (int prefer = 0; prefer < 2; prefer++) {
			(void)snprintf(text, sizeof text, "for sgx, snp\n%s hardware %s",
			    prefer ? "prefer" : "require", rules[i].rule);
			if (assay_policy_compile(&policy, assay_bytes_of(text), "p", refs, &err) !=
			    ASSAY_OK)
				fail_msg("%s: %s", rules[i].rule, err.text);
			enum assay_outcome want = prefer && rules[i].outcome == ASSAY_FAIL
			    ? ASSAY_WARNING
			    : rules[i].outcome;
			assay_checks_clear(checks);
			assay_check_pass(checks, CHECK_EVIDENCE_FORMAT, "well formed");
			enum assay_code rc = assay_policy_check(checks, policy, claims, &err);
			assert_int_equal(assay_checks_count(checks), 2);
			if (assay_check_outcome(checks, 1) != want)
				fail_msg("%s: %s: %s", text,
				    assay_outcome_name(assay_check_outcome(checks, 1)),
				    assay_check_detail(checks, 1));
			assert_int_equal(rc, want == ASSAY_FAIL ? ASSAY_E_POLICY : ASSAY_OK);
			assert_int_equal(assay_check_code(checks, 1), rc);
			if (strstr(assay_check_detail(checks, 1), rules[i].words) == NULL)
				fail_msg("%s: \"%s\" lacks \"%s\"", text,
				    assay_check_detail(checks, 1), rules[i].words);
			(void)snprintf(id, sizeof id, "policy.%.*s",
			    (int)strcspn(rules[i].rule, " "), rules[i].rule);
			assert_string_equal(assay_check_id(checks, 1), id);
			assert_int_equal(assay_check_category(checks, 1), 4);
			assert_int_equal(assay_check_category(checks, 0), -1);
			assert_int_equal(
			    assay_policy_suppose(policy, claims, 0, ASSAY_CHANGE_NONE), rc);
			assay_policy_free(policy);
		}
	}
	assay_claims_free(claims);
}

/* --- sections, titles, rows ---------------------------------------------------------------------------- */

static struct assay_policy *
compiled(const char *text, const char *name)
{
	struct assay_error err = { ASSAY_OK, "" };
	struct assay_policy *policy = NULL;

	if (assay_policy_compile(&policy, assay_bytes_of(text), name, refs, &err) != ASSAY_OK)
		fail_msg("%s", err.text);
	return policy;
}

/* The verdict over claims of a kind, and how many rows. */
static enum assay_code
ask(const char *text, int kind, size_t rows)
{
	struct assay_claims *claims = case_claims(kind);
	struct assay_policy *policy = compiled(text, "p");

	assay_checks_clear(checks);
	assay_check_pass(checks, CHECK_EVIDENCE_FORMAT, "well formed");
	enum assay_code rc = assay_policy_check(checks, policy, claims, NULL);
	if (assay_checks_count(checks) != rows + 1)
		fail_msg("%s: %zu rows", text, assay_checks_count(checks) - 1);
	assay_policy_free(policy);
	assay_claims_free(claims);
	return rc;
}

static void
sections(void **state)
{
	(void)state;
	assert_int_equal(ask("for snp", 3, 0), ASSAY_OK);
	assert_int_equal(ask("for snp", 1, 1), ASSAY_E_POLICY);
	assert_string_equal(assay_check_id(checks, 1), "policy.tee");
	assert_string_equal(assay_check_detail(checks, 1),
	    "the policy \"p\" has no section for tdx: it refuses what it does not speak of");
	assert_int_equal(ask("for snp", 6, 1), ASSAY_E_INCOMPLETE); /* of an unknown kind */
	assert_int_equal(ask("for any", 6, 0), ASSAY_OK);
	assert_int_equal(ask("for any", 2, 0), ASSAY_OK);
	assert_int_equal(ask("for any require hardware debug == false", 6, 1), ASSAY_E_POLICY);
	/* Several sections of one TEE add up. */
	static const char both[] = "for sgx, tdx require hardware debug == false for snp for tdx "
				   "prefer hardware svn == 1 for any require hardware svn == 255";
	assert_int_equal(ask(both, 0, 2), ASSAY_OK);
	assert_int_equal(ask(both, 1, 3), ASSAY_OK);
	assert_int_equal(ask(both, 3, 1), ASSAY_OK);
	assert_int_equal(ask(both, 4, 1), ASSAY_OK); /* `for any` speaks of it */
	assert_int_equal(ask("for sev require hardware debug == false", 5, 1), ASSAY_E_POLICY);
	assert_int_equal(ask("for sev-es require hardware debug == false", 5, 1), ASSAY_OK);
}

static void
names_and_texts(void **state)
{
	static const char text[] = "# first\r\npolicy \"a title\" for any\r\n"
				   "require instance svn in 1,\n # why\n 2 or\n debug==true\n";
	struct assay_policy *policy = compiled(text, "/etc/assay/web.policy");

	(void)state;
	assert_string_equal(assay_policy_name(policy), "/etc/assay/web.policy");
	assert_string_equal(assay_policy_title(policy), "a title");
	assert_string_equal(assay_policy_text(policy), text);
	assert_int_equal(assay_policy_rule_count(policy), 1);
	assay_policy_free(policy);
	policy = compiled("for any require files svn == 1",
	    "a/very/long/path/of/a/policy/somewhere/on/this/machin\xc3\xa4/\033web.policy");
	assert_string_equal(assay_policy_title(policy), "");
	struct assay_claims *claims = case_claims(0);
	assay_checks_clear(checks);
	assert_int_equal(assay_policy_check(checks, policy, claims, NULL), ASSAY_E_POLICY);
	assert_string_equal(assay_check_detail(checks, 0),
	    ".../a/policy/somewhere/on/this/machin?"
	    "?/?web.policy:1: svn is 255; want svn == 1");
	assert_int_equal(assay_check_category(checks, 0), 3);
	assay_claims_free(claims);
	assay_policy_free(policy);
	assay_policy_free(NULL);
}

/* `as` gives a row the id, the remedy and, beside equal words, the place of a check of the table. */
static void
rows_of_the_table(void **state)
{
	static const char text[] = "for snp require configuration debug == true as policy.debug";
	struct assay_policy *policy = compiled(text, "p"), *same = compiled(text, "q");
	struct assay_policy *other = compiled(
	    "for snp require configuration debug == true as policy.debug fail \"on\"", "p");
	struct assay_claims *claims = case_claims(3);

	(void)state;
	assay_checks_clear(checks);
	assert_int_equal(assay_policy_check(checks, policy, claims, NULL), ASSAY_E_POLICY);
	assert_string_equal(assay_check_id(checks, 0), "policy.debug");
	assert_string_equal(assay_check_detail(checks, 0), "debug is false");
	assert_string_equal(assay_check_fix(checks, 0),
	    assay_check_info_remedy(assay_check_info_find("policy.debug")));
	assert_int_equal(assay_check_category(checks, 0), 1);
	assert_int_equal(assay_policy_check(checks, same, claims, NULL), ASSAY_E_POLICY);
	assert_int_equal(assay_checks_count(checks), 1);
	assert_int_equal(assay_policy_check(checks, other, claims, NULL), ASSAY_E_POLICY);
	assert_int_equal(assay_checks_count(checks), 2);
	assay_claims_free(claims);
	assay_policy_free(policy);
	assay_policy_free(same);
	assay_policy_free(other);
}

/* Without a TCB status nothing can be told, by any rule that requires something of it. */
static void
status_untold(void **state)
{
	static const struct {
		const char *rule;
		enum assay_code code;
	} cases[] = {
		{ "require hardware tcb.status == UpToDate", ASSAY_E_INCOMPLETE },
		{ "require hardware tcb.status != Revoked", ASSAY_E_INCOMPLETE },
		{ "require hardware tcb.status != Revoked or svn == 255", ASSAY_OK },
		{ "require hardware svn == 1 or tcb.status == UpToDate", ASSAY_E_INCOMPLETE },
		{ "require hardware svn == 1 or tcb.date == 1970-01-01T00:00:00Z", ASSAY_E_POLICY },
		{ "prefer hardware tcb.status == UpToDate", ASSAY_OK },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		for (int kind = 1; kind < 6; kind++) {
			struct assay_claims *claims = case_claims(kind);
			struct assay_error err;
			char text[160];
			(void)snprintf(text, sizeof text, "for any %s", cases[i].rule);
			struct assay_policy *policy = compiled(text, "p");
			claims->status = TCB_NONE;
			assert_true(case_remove(claims, CLAIM_TCB_STATUS));
			assay_checks_clear(checks);
			assay_check_pass(checks, CHECK_EVIDENCE_FORMAT, "well formed");
			enum assay_code want = cases[i].code == ASSAY_E_INCOMPLETE && kind >= 4
			    ? ASSAY_E_POLICY /* SEV never has one */
			    : cases[i].code;
			enum assay_code rc = assay_policy_check(checks, policy, claims, &err);
			if (rc != want)
				fail_msg("%s, kind %d: %s", text, kind, err.text);
			assay_policy_free(policy);
			assay_claims_free(claims);
		}
}

/* --- limits ------------------------------------------------------------------------------------------------ */

static char *
repeated(const char *before, const char *part, size_t n)
{
	size_t len = strlen(part);
	char *text = calloc(1, strlen(before) + n * len + 1);

	assert_non_null(text);
	strcpy(text, before);
	for (size_t i = 0; i < n; i++)
		memcpy(text + strlen(before) + i * len, part, len);
	return text;
}

static enum assay_code
outcome(char *text, struct assay_error *err)
{
	struct assay_policy *policy = NULL;
	enum assay_code rc = assay_policy_compile(&policy, assay_bytes_of(text), "p", refs, err);

	assay_policy_free(policy);
	free(text);
	return rc;
}

static void
limits(void **state)
{
	static const char rule[] = " require files svn==1";
	struct assay_error err;

	(void)state;
	assert_int_equal(outcome(repeated("for any", rule, POLICY_RULES_MAX), &err), ASSAY_OK);
	assert_int_equal(
	    outcome(repeated("for any", rule, POLICY_RULES_MAX + 1), &err), ASSAY_E_USAGE);
	assert_non_null(strstr(err.text, "more than 128 rules"));
	assert_int_equal(outcome(repeated("for any", " ", POLICY_TEXT_MAX - 7), &err), ASSAY_OK);
	assert_int_equal(
	    outcome(repeated("for any", " ", POLICY_TEXT_MAX - 6), &err), ASSAY_E_USAGE);
	assert_non_null(strstr(err.text, "p: is 65537 bytes, a policy has at most 65536"));
	assert_int_equal(
	    outcome(repeated("for any require files svn in 1", ",1", 30000), &err), ASSAY_OK);
}

/* A set that a policy names so often that all its values are too many. */
static void
too_many_values(void **state)
{
	struct assay_references *many = NULL;
	struct assay_policy *policy = NULL;
	struct assay_error err;
	char *values =
	    repeated("{\"reference_values\":1,\"values\":[{\"name\":\"m\",\"claim\":\"svn\","
		     "\"any_of\":[1",
		",255", POLICY_VALUES_MAX / 2);
	char *document = repeated(values, "]}]}", 1);
	char *text = repeated("for any", " require files svn in @m", 2);

	(void)state;
	assert_int_equal(assay_references_new(&many, &err), ASSAY_OK);
	if (assay_references_add(many, assay_bytes_of(document), "m", &err) != ASSAY_OK)
		fail_msg("%s", err.text);
	assert_int_equal(
	    assay_policy_compile(&policy, assay_bytes_of(text), "p", many, &err), ASSAY_E_USAGE);
	assert_non_null(strstr(err.text, "more than 262144 values"));
	free(text);
	text = repeated("for any", " require files svn in @m", 1);
	assert_int_equal(
	    assay_policy_compile(&policy, assay_bytes_of(text), "p", many, &err), ASSAY_OK);
	struct assay_claims *claims = case_claims(0);
	assay_checks_clear(checks);
	assert_int_equal(assay_policy_check(checks, policy, claims, &err), ASSAY_OK);
	assay_claims_free(claims);
	assay_policy_free(policy);
	assay_references_free(many);
	free(values);
	free(document);
	free(text);
}

/* --- damage, memory ------------------------------------------------------------------------------------------- */

static void
damage(void **state)
{
	const char *good = assay_policy_text(assay_policy_builtin("default"));
	size_t len = strlen(good);
	struct assay_error err;

	(void)state;
	for (size_t n = 0; n <= len; n++) {
		struct assay_policy *policy = NULL;
		uint8_t *copy = malloc(n + 1); /* its end is the end of the block */
		assert_non_null(copy);
		memcpy(copy + 1, good, n);
		err = (struct assay_error){ ASSAY_OK, "" };
		enum assay_code rc = assay_policy_compile(
		    &policy, (struct assay_bytes){ copy + 1, n }, "p", NULL, &err);
		assert_true(rc == ASSAY_OK || (rc == ASSAY_E_USAGE && err.text[0] != '\0'));
		assay_policy_free(policy);
		free(copy);
	}
	char *copy = malloc(len + 1);
	assert_non_null(copy);
	memcpy(copy, good, len + 1);
	for (size_t bit = 0; bit < 8 * len; bit += 3) {
		struct assay_policy *policy = NULL;
		copy[bit / 8] = (char)(copy[bit / 8] ^ 1 << bit % 8);
		enum assay_code rc = assay_policy_compile(
		    &policy, (struct assay_bytes){ (const uint8_t *)copy, len }, "p", NULL, &err);
		assert_true(rc == ASSAY_OK || rc == ASSAY_E_USAGE);
		assay_policy_free(policy);
		copy[bit / 8] = (char)(copy[bit / 8] ^ 1 << bit % 8);
	}
	free(copy);
}

static void
no_memory(void **state)
{
	static const char text[] =
	    "policy \"x\" for snp require files measurement in @web/launch, " BYTES_48 " "
	    "or svn in @svns fail \"y\" prefer files binding == vm";
	struct assay_error err;
	size_t n;

	(void)state;
	for (n = 1;; n++) {
		struct assay_policy *policy = NULL;
		alloc_fail_at(n);
		enum assay_code rc =
		    assay_policy_compile(&policy, assay_bytes_of(text), "p", refs, &err);
		bool failed = alloc_failed();
		alloc_fail_at(0);
		assert_int_equal(rc, failed ? ASSAY_E_NOMEM : ASSAY_OK);
		assay_policy_free(policy);
		if (!failed)
			break;
	}
	assert_true(n > 6);
	/* Judging asks for none. */
	struct assay_claims *claims = case_claims(3);
	struct assay_policy *policy = compiled(text, "p");
	assay_checks_clear(checks);
	alloc_fail_at(1);
	assert_int_equal(assay_policy_check(checks, policy, claims, &err), ASSAY_OK);
	assert_int_equal(
	    assay_policy_check(checks, assay_policy_builtin("default"), claims, &err), ASSAY_OK);
	assert_int_equal(
	    assay_policy_suppose(policy, claims, CLAIM_SVN, ASSAY_CHANGE_REMOVED), ASSAY_OK);
	assert_false(alloc_failed());
	alloc_fail_at(0);
	assay_policy_free(policy);
	assay_claims_free(claims);
}

/* --- the built-in ones ------------------------------------------------------------------------------------------ */

/* What the build made of the files is what the compiler makes of their texts. */
static void
builtin_is_compiled(void **state)
{
	(void)state;
	assert_int_equal(assay_policy_builtin_count(), 2);
	assert_null(assay_policy_builtin_name(2));
	for (size_t i = 0; i < assay_policy_builtin_count(); i++) {
		const struct assay_policy *a = assay_policy_builtin(assay_policy_builtin_name(i));
		struct assay_policy *b = compiled(assay_policy_text(a), assay_policy_name(a));
		assert_true(a->builtin && !b->builtin);
		assert_string_equal(a->title, b->title);
		assert_int_equal(a->tees, b->tees);
		assert_int_equal(a->rule_count, b->rule_count);
		assert_int_equal(a->term_count, b->term_count);
		assert_int_equal(a->value_count, b->value_count);
		assert_int_equal(a->store_len, b->store_len);
		assert_memory_equal(a->store, b->store, a->store_len);
		for (size_t k = 0; k < a->rule_count; k++) {
			const struct rule *x = &a->rules[k], *y = &b->rules[k];
			assert_true(x->tees == y->tees && x->first_term == y->first_term &&
			    x->term_count == y->term_count && x->passed == y->passed &&
			    x->failed == y->failed && x->absent == y->absent &&
			    x->expression == y->expression && x->line == y->line &&
			    x->check == y->check && x->category == y->category &&
			    x->prefer == y->prefer);
		}
		for (size_t k = 0; k < a->term_count; k++) {
			const struct term *x = &a->terms[k], *y = &b->terms[k];
			assert_true(x->mask == y->mask && x->first == y->first &&
			    x->count == y->count && x->claim == y->claim && x->op == y->op &&
			    x->hex == y->hex);
		}
		for (size_t k = 0; k < a->value_count; k++)
			assert_true(a->values[k].number == b->values[k].number &&
			    a->values[k].at == b->values[k].at &&
			    a->values[k].len == b->values[k].len);
		assay_policy_free(b);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(faults_are_told),
		cmocka_unit_test(every_rule),
		cmocka_unit_test(sections),
		cmocka_unit_test(names_and_texts),
		cmocka_unit_test(rows_of_the_table),
		cmocka_unit_test(status_untold),
		cmocka_unit_test(limits),
		cmocka_unit_test(too_many_values),
		cmocka_unit_test(damage),
		cmocka_unit_test(no_memory),
		cmocka_unit_test(builtin_is_compiled),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, make, clear);
}
