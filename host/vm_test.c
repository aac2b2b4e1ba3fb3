/* SPDX-License-Identifier: Apache-2.0 */
#include "vm.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static const struct {
	const char *text, *words; /* NULL: it is read, and printed so again */
} cases[] = {
	{ "web,cid=7,qmp=unix:/run/web", NULL },
	{ "web,cid=4294967294,qmp=unix:/run/web,pid=12", NULL },
	{ "w.e-b_1,socket=/run/web.sock,adapter=unix:/run/a", NULL },
	{ "t,cid=1,qmp=unix:/q,loopback", NULL },
	{ "td,cid=9,tdx", NULL },
	{ "td,socket=/run/td.sock,tdx,pid=12", NULL },
	{ "td,cid=1,tdx,loopback", NULL },
	{ "td,tdx", "either a cid" },
	{ "td,cid=9,tdx,qmp=unix:/q", "needs neither qmp nor adapter" },
	{ "td,cid=9,tdx,adapter=unix:/q", "needs neither qmp nor adapter" },
	{ "td,cid=9,tdx=1", "none of cid" },
	{ "", "must begin with a name" },
	{ "web", "either a cid" },
	{ "we b,cid=7,qmp=unix:/q", "must begin with a name" },
	{ "web,cid=7", "needs qmp=" },
	{ "web,qmp=unix:/q", "either a cid" },
	{ "web,cid=7,socket=/s,qmp=unix:/q", "either a cid" },
	{ "web,cid=0,qmp=unix:/q", "either a cid" },
	{ "web,cid=1,qmp=unix:/q", "loopback" },
	{ "web,cid=2,qmp=unix:/q", "which is the host" },
	{ "web,cid=2,qmp=unix:/q,loopback", "which is the host" },
	{ "web,cid=3,qmp=unix:/q,loopback", "goes with cid=1 alone" },
	{ "web,cid=4294967295,qmp=unix:/q", "needs one cid" },
	{ "web,cid=7,cid=8,qmp=unix:/q", "needs one cid" },
	{ "web,cid=0x7,qmp=unix:/q", "needs one cid" },
	{ "web,cid=-1,qmp=unix:/q", "needs one cid" },
	{ "web,cid=,qmp=unix:/q", "needs one cid" },
	{ "web,cid=7,qmp=unix:q", "needs one qmp" },
	{ "web,cid=7,qmp=tcp:127.0.0.1:4", "needs one qmp" },
	{ "web,cid=7,qmp=unix:/q,adapter=unix:/a", "needs one qmp" },
	{ "web,cid=7,qmp=unix:/q,pid=0", "needs one pid" },
	{ "web,cid=7,qmp=unix:/q,pid=2147483648", "needs one pid" },
	{ "web,cid=7,qmp=unix:/q,uid=1", "none of cid" },
	{ "web,cid=7,qmp=unix:/q,", "not KEY=VALUE" },
	{ "web,cid=7,qmp=unix:/q,loop", "not KEY=VALUE" },
};

static void
test_cases(void **context)
{
	struct vm_spec vm;
	char why[VM_WHY_ROOM], text[VM_TEXT_ROOM];

	(void)context;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		memset(&vm, 0xee, sizeof vm);
		why[0] = '\0';
		if (vm_spec_read(&vm, cases[i].text, why) != (cases[i].words == NULL))
			fail_msg("%s: %s", cases[i].text, why);
		if (cases[i].words != NULL) {
			if (strstr(why, cases[i].words) == NULL)
				fail_msg("%s: %s", cases[i].text, why);
			assert_int_equal(vm.cid, 0xeeeeeeee); /* untouched */
		} else {
			vm_spec_print(text, &vm);
			assert_string_equal(text, cases[i].text);
		}
	}
}

static void
test_long(void **context)
{
	char text[600], why[VM_WHY_ROOM];
	struct vm_spec vm;

	(void)context;
	memset(text, 'a', sizeof text);
	strcpy(text + 63, ",cid=7,qmp=unix:/q");
	assert_true(vm_spec_read(&vm, text, why));
	memset(text, 'a', sizeof text);
	strcpy(text + 64, ",cid=7,qmp=unix:/q");
	assert_false(vm_spec_read(&vm, text, why));
	memset(text, 'a', sizeof text);
	text[sizeof text - 1] = '\0';
	assert_false(vm_spec_read(&vm, text, why));
	strcpy(text, "web,cid=7,qmp=unix:/");
	memset(text + 20, 'p', 106);
	text[126] = '\0';
	assert_true(vm_spec_read(&vm, text, why));
	memset(text + 20, 'p', 107);
	text[127] = '\0';
	assert_false(vm_spec_read(&vm, text, why));
}

static void
test_clash(void **context)
{
	static const struct {
		const char *a, *b, *words;
	} pairs[] = {
		{ "a,cid=7,qmp=unix:/a", "b,cid=8,qmp=unix:/b", NULL },
		{ "a,cid=7,qmp=unix:/a", "b,socket=/s,qmp=unix:/b", NULL },
		{ "a,socket=/r,qmp=unix:/a", "b,socket=/s,qmp=unix:/b", NULL },
		{ "a,cid=7,qmp=unix:/a", "a,cid=8,qmp=unix:/b", "has the name of a" },
		{ "a,cid=7,qmp=unix:/a", "b,cid=7,qmp=unix:/b", "has the cid of b" },
		{ "a,socket=/s,qmp=unix:/a", "b,socket=/s,qmp=unix:/b", "has the socket of b" },
	};
	struct vm_spec a, b;
	char why[VM_WHY_ROOM];

	(void)context;
	for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
		assert_true(vm_spec_read(&a, pairs[i].a, why) && vm_spec_read(&b, pairs[i].b, why));
		assert_true(vm_spec_clash(&a, &b, why) == (pairs[i].words != NULL));
		assert_true(pairs[i].words == NULL || strstr(why, pairs[i].words) != NULL);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_long),
		cmocka_unit_test(test_clash),
	};
	return cmocka_run_group_tests_name("vm", tests, NULL, NULL);
}
