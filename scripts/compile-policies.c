/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compile-policies NAME.policy...: prints the policies compiled, as constants in C. They are then part of
 * the library: nothing is compiled, allocated or kept when a program uses them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/rule.h"

const struct assay_policy *const assay_policies[] = { NULL }; /* this program has none yet */

/* Characters that C would read otherwise are written as numbers; a row for each line. */
static void
print_text(const char *name, const char *what, const char *text, size_t len)
{
	printf("static const char %s_%s[] = {\n", name, what);
	for (size_t i = 0; i <= len; i++)
		printf("%d,%s", i < len ? (int)(signed char)text[i] : 0, i % 16 == 15 ? "\n" : "");
	printf("\n};\n");
}

static void
print_policy(const char *name, const struct assay_policy *p)
{
	print_text(name, "text", p->text, strlen(p->text));
	print_text(name, "store", p->store, p->store_len);
	printf("static const struct rule %s_rules[] = {\n", name);
	for (size_t i = 0; i < p->rule_count; i++) {
		const struct rule *r = &p->rules[i];
		printf("\t{ %uu, %u, %u, %u, %u, %u, %u, %u, %d, %u, %s },\n", r->tees,
		    r->first_term, r->term_count, r->expression, r->passed, r->failed, r->absent,
		    r->line, r->check, r->category, r->prefer ? "true" : "false");
	}
	printf("\t{ 0 },\n};\nstatic const struct term %s_terms[] = {\n", name);
	for (size_t i = 0; i < p->term_count; i++) {
		const struct term *t = &p->terms[i];
		printf("\t{ UINT64_C(%llu), %u, %u, %u, %u, %s },\n", (unsigned long long)t->mask,
		    t->first, t->count, t->claim, t->op, t->hex ? "true" : "false");
	}
	printf("\t{ 0 },\n};\nstatic const struct value %s_values[] = {\n", name);
	for (size_t i = 0; i < p->value_count; i++)
		printf("\t{ UINT64_C(%llu), %u, %u },\n", (unsigned long long)p->values[i].number,
		    p->values[i].at, p->values[i].len);
	printf("\t{ 0 },\n};\n");
	printf(
	    "static const struct assay_policy %s_policy = {\n\t.name = \"%s\", .shown = \"%s\",\n"
	    "\t.title = %s_store + %zu, .text = %s_text, .store = %s_store,\n",
	    name, name, name, name, (size_t)(p->title - p->store), name, name);
	printf("\t.rules = %s_rules, .terms = %s_terms, .values = %s_values,\n", name, name, name);
	printf("\t.rule_count = %u, .term_count = %u, .value_count = %u, .store_len = %u,\n"
	       "\t.tees = %uu, .builtin = true };\n",
	    p->rule_count, p->term_count, p->value_count, p->store_len, p->tees);
}

/* The policy's name is its file's: cuts the path down to that. */
static char *
name_of(char *path)
{
	char *slash = strrchr(path, '/'), *name = slash != NULL ? slash + 1 : path;
	char *dot = strchr(name, '.');

	if (dot != NULL)
		*dot = '\0';
	return name;
}

static int
compile(char *path)
{
	struct assay_policy *policy = NULL;
	struct assay_error err;
	static uint8_t text[POLICY_TEXT_MAX];

	FILE *file = fopen(path, "rb");
	if (file == NULL) {
		perror(path);
		return 2;
	}
	size_t len = fread(text, 1, sizeof text, file);
	(void)fclose(file);
	if (assay_policy_compile(&policy, (struct assay_bytes){ text, len }, path, NULL, &err) !=
	    ASSAY_OK) {
		fprintf(stderr, "%s\n", err.text);
		return 2;
	}
	print_policy(name_of(path), policy);
	assay_policy_free(policy);
	return 0;
}

int
main(int argc, char **argv)
{
	int rc = 0;

	printf("#include \"policy/rule.h\"\n");
	for (int i = 1; i < argc && rc == 0; i++)
		rc = compile(argv[i]);
	printf("const struct assay_policy *const assay_policies[] = {\n");
	for (int i = 1; i < argc; i++)
		printf("\t&%s_policy,\n", name_of(argv[i]));
	printf("\tNULL,\n};\n");
	return rc != 0 || fflush(stdout) != 0 ? 2 : 0;
}
