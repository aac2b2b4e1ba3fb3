/* SPDX-License-Identifier: Apache-2.0 */
#include "view.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "alloc.h"
#include "text.h"

#define KEY "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define SCALARS                                                                                    \
	"\"generation\":7,\"node\":\"n1\",\"issuer\":\"me\",\"audience\":\"you\",\"ticket_life_"   \
	"s\":300,\"token_"                                                                         \
	"life_s\":60,"                                                                             \
	"\"sample\":true,\"jwks\":{\"keys\":[]},\"tickets\":[{\"epoch\":9,\"key\":\"" KEY          \
	"\"},{\"epoch\":10,\"key\":\"" KEY "\"},{\"epoch\":11,\"key\":\"" KEY "\"}]"
#define POLICY "\"policy \\\"web\\\"\\nfor snp\\n  require configuration  debug == false\\n\""

#define HEX16 "000102030405060708090a0b0c0d0e0f"
/* Escaped once more: it stands in JSON as text. */
#define REFERENCE_DOCUMENT                                                                         \
	"{\\\"reference_values\\\":1,\\\"values\\\":[{\\\"name\\\":\\\"web/launch\\\","            \
	"\\\"claim\\\":\\\"measurement\\\",\\\"any_of\\\":[\\\"" HEX16 HEX16 HEX16 "\\\"]}]}"

enum { NOW = 1795250000 };

static struct view *
read_text(const char *json, struct assay_error *err)
{
	return view_read(
	    (struct assay_bytes){ (const uint8_t *)json, strlen(json) }, NULL, 0, NULL, NOW, err);
}

static void
test_whole(void **context)
{
	struct assay_error err = { 0 };
	struct view *view =
	    read_text("{" SCALARS ",\"policies\":[{\"name\":\"web\",\"version\":3,\"text\":" POLICY
		      "}],\"floors\":{\"evaluation\":17,\"crl\":{\"Intel SGX Root CA\":4}}}",
		&err);

	(void)context;
	assert_non_null(view);
	assert_int_equal(view->generation, 7);
	assert_string_equal(view->issuer, "me");
	assert_string_equal(view->audience, "you");
	assert_int_equal(view->ticket_life_s, 300);
	assert_int_equal(view->token_life_s, 60);
	assert_true(view->sample);
	assert_string_equal(view->jwks, "{\"keys\":[]}");
	assert_int_equal(view->tickets.epoch[2], 11);
	assert_int_equal(view->tickets.key[1][31], 0x1f);
	assert_true(view->until == INT64_MAX);
	assert_int_equal(view->policy_count, 1 + assay_policy_builtin_count());
	assert_int_equal(view_policy(view, "web")->version, 3);
	assert_int_equal(view_policy(view, "default")->version, 0);
	assert_non_null(view_policy(view, "default")->policy);
	assert_null(view_policy(view, "wep"));
	assert_ptr_equal(view_keep(view), view);
	view_drop(view);
	assert_string_equal(view_policy(view, "web")->name, "web"); /* still there */
	view_drop(view);
	view_drop(NULL);
}

static void
test_refused(void **context)
{
	static const struct {
		const char *json, *words;
	} cases[] = {
		{ "", "no JSON object" },
		{ "[]", "no JSON object" },
		{ "{}", "lacks one of" },
		{ "{\"generation\":1,\"generation\":2}", "no JSON object" },
		{ "{" SCALARS ",\"floors\":{\"evaluation\":-1}}", "floors.evaluation" },
		{ "{" SCALARS ",\"floors\":{\"evaluation\":4294967296}}", "floors.evaluation" },
		{ "{" SCALARS ",\"floors\":{\"crl\":{\"a\":\"1\"}}}", "floor of CRLs" },
	};

	(void)context;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct assay_error err = { 0 };
		assert_null(read_text(cases[i].json, &err));
		if (strstr(err.text, cases[i].words) == NULL || err.code == ASSAY_OK)
			fail_msg("%s: %s", cases[i].json, err.text);
	}
}

/* A key of tickets that is not whole leaves no view, at any place. */
static void
test_keys(void **context)
{
	static const char json[] = "{" SCALARS "}";
	const char *at = strstr(json, KEY);
	struct assay_error err = { 0 };
	char copy[sizeof json];

	(void)context;
	for (int i = 0; i < 3; i++, at = strstr(at + 1, KEY)) {
		memcpy(copy, json, sizeof json);
		copy[at - json + 5] = 'g';
		assert_null(read_text(copy, &err));
		assert_non_null(strstr(err.text, "of tickets is not one"));
	}
}

/* A stored policy hides the built-in one of its name, above all when it cannot be read: then nothing of
 * this name is there to accept anything. */
static void
test_hidden(void **context)
{
	struct assay_error err = { 0 };
	struct view *view = read_text(
	    "{" SCALARS ",\"policies\":[{\"name\":\"default\",\"version\":2,\"text\":" POLICY "}]}",
	    &err);

	(void)context;
	assert_non_null(view);
	assert_int_equal(view_policy(view, "default")->version, 2);
	assert_null(view->no_default);
	assert_int_equal(view->policy_count, assay_policy_builtin_count());
	view_drop(view);
	view =
	    read_text("{" SCALARS
		      ",\"policies\":[{\"name\":\"default\",\"version\":2,\"text\":\"rubbish\"}]}",
		&err);
	assert_non_null(view);
	assert_null(view_policy(view, "default"));
	assert_non_null(view->no_default);
	assert_int_equal(view->policy_count, assay_policy_builtin_count() - 1);
	view_drop(view);
}

static void
test_references(void **context)
{
	static const struct {
		const char *expires;
		int64_t until; /* 0: it is left out */
	} cases[] = {
		{ "null", INT64_MAX },
		{ "1795250001", 1795250001 },
		{ "1795250000", 0 },
		{ "1", 0 },
		{ "\"2030-01-01T00:00:00Z\"", 1893456000 },
		{ "\"2030-01-01\"", 1893456000 },
		{ "\"2020-01-01\"", 0 },
		{ "\"2030-01-01T00:00:00\"", 0 },
		{ "\"soon\"", 0 },
		{ "true", 0 },
	};
	static const char form[] =
	    "{" SCALARS ",\"references\":[{\"name\":\"web\",\"version\":1,\"document\":\"%s\","
	    "\"expires\":%s}],\"policies\":[{\"name\":\"p\",\"version\":1,\"text\":\"policy "
	    "\\\"p\\\"\\nfor snp\\n  require executables  measurement in @web/launch\\n\"}]}";
	static const char document[] = REFERENCE_DOCUMENT;
	char json[4096];

	(void)context;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct assay_error err = { 0 };
		snprintf(json, sizeof json, form, document, cases[i].expires);
		struct view *view = read_text(json, &err);
		assert_non_null(view);
		/* A policy that names a set which is not there is left out as well. */
		if ((view_policy(view, "p") != NULL) != (cases[i].until != 0) ||
		    view->until != (cases[i].until != 0 ? cases[i].until : INT64_MAX))
			fail_msg("expires %s", cases[i].expires);
		view_drop(view);
	}
}

/* Values that were stored before their length was asked for: no policy rests on them. */
static void
test_wrong_length(void **context)
{
	static const char json[] =
	    "{" SCALARS ",\"references\":[{\"name\":\"web\",\"version\":1,\"document\":\""
	    "{\\\"reference_values\\\":1,\\\"values\\\":[{\\\"name\\\":\\\"chips\\\","
	    "\\\"claim\\\":\\\"platform_id\\\",\\\"any_of\\\":[\\\"" HEX16 "\\\"]}]}\","
	    "\"expires\":null}],\"policies\":["
	    "{\"name\":\"default\",\"version\":1,\"text\":\"for snp\\n  require instance "
	    "platform_id not in @chips\\n\"}]}";
	struct assay_error err = { 0 };
	struct view *view = read_text(json, &err);

	(void)context;
	assert_non_null(view);
	assert_null(view_policy(view, "default"));
	assert_non_null(view->no_default);
	view_drop(view);
}

static void
test_collateral(void **context)
{
	struct assay_error err = { 0 };
	struct view *view =
	    read_text("{" SCALARS ",\"collateral\":[{\"name\":\"a\",\"bytes\":\"aGVsbG8=\"},"
		      "{\"name\":\"b\",\"bytes\":\"?\"},{\"bytes\":\"\"},7]}",
		&err);
	struct assay_trust *plain = NULL;

	(void)context;
	assert_non_null(view);
	assert_int_equal(assay_trust_new(&plain, &err), ASSAY_OK);
	assert_int_equal(assay_trust_count(view->trust), assay_trust_count(plain));
	assay_trust_free(plain);
	view_drop(view);
}

static void
test_allocations(void **context)
{
	static const char json[] =
	    "{" SCALARS ",\"policies\":[{\"name\":\"web\",\"version\":3,\"text\":" POLICY "}]}";
	bool failed = true;

	(void)context;
	for (size_t n = 1; failed; n++) {
		struct assay_error err = { 0 };
		alloc_fail_at(n);
		struct view *view = read_text(json, &err);
		failed = alloc_failed();
		if (view == NULL)
			assert_true(err.text[0] != '\0');
		view_drop(view);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_hidden),
		cmocka_unit_test(test_references),
		cmocka_unit_test(test_wrong_length),
		cmocka_unit_test(test_collateral),
		cmocka_unit_test(test_allocations),
	};

	log_set(false, -1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
