/* SPDX-License-Identifier: Apache-2.0 */
/* The language is that of docs/policy.md: words, read from left to right; where a line ends means
 * nothing, for every statement begins with a word that nothing else can be. */
#include <stdlib.h>
#include <string.h>

#include "core/check_table.h"
#include "policy/references.h"
#include "policy/rule.h"
#include "policy/value.h"
#include "verify/claims.h"
#include "verify/roots.h"
#include "verify/tee.h"

enum token_kind { TOKEN_END, TOKEN_WORD, TOKEN_STRING, TOKEN_SET, TOKEN_SIGN };

struct token {
	enum token_kind kind;
	struct assay_bytes text; /* of a string what is between the quotes, of a set its name */
	size_t line, column;
};

/* A policy while it is made; policy is the first member, so that both have one address. */
struct made {
	struct assay_policy policy;
	struct rule *rules;
	struct term *terms;
	struct value *values;
	char *store, *name, *text;
	char shown[POLICY_NAME_SHOWN + 4];
	size_t rule_room, term_room, value_room, store_room;
};

struct compiler {
	struct assay_bytes in;
	size_t at, line, line_start;
	struct token token; /* the one that is looked at */
	const char *name;
	const struct assay_references *refs;
	struct made *made;
	uint32_t tees;                   /* of the section; 0: none has begun */
	const struct reference_set *set; /* whose value is looked at, for messages; NULL: none */
	size_t entry;                    /* which of them */
	uint32_t title;
	char expression[POLICY_EXPRESSION];
	size_t expression_len;
	bool noting; /* tokens go into the expression */
	enum assay_code code;
	struct assay_error *err;
};

/* Words that begin or join statements: no value, unless in quotes. */
static const char *const reserved[] = { "policy", "for", "require", "prefer", "or", "as", "pass",
	"fail", "absent" };

/* Checks of policies: a rule may take the id, and with it what explain says of it. */
static const enum assay_check_id takeable[] = {
	CHECK_DCAP_TCB_STATUS,
	CHECK_POLICY_DEBUG,
	CHECK_TDX_POLICY_SEPT_VE_DISABLE,
	CHECK_TDX_POLICY_SERVICE_TD,
	CHECK_TDX_POLICY_ATTRIBUTES,
	CHECK_TDX_POLICY_XFAM,
	CHECK_SNP_TCB_FLOOR,
	CHECK_SNP_POLICY_VMPL,
	CHECK_SNP_POLICY_MIGRATION,
	CHECK_SNP_POLICY_CHIP_ID,
	CHECK_SEV_POLICY_BINDING,
	CHECK_SEV_POLICY_ES,
	CHECK_SEV_POLICY_NOKS,
	CHECK_SEV_POLICY_NOSEND,
	CHECK_SEV_LAUNCH_SIGNER,
};

/* --- names, for messages ------------------------------------------------------------------------ */

static const char *
takeable_name(size_t i)
{
	return i < sizeof takeable / sizeof *takeable ? assay_check_table[takeable[i]].id : NULL;
}

static const char *
tee_name(size_t i)
{
	for (size_t n = 0; n < i; n++)
		if (assay_tees[n] == NULL)
			return NULL;
	return assay_tees[i] != NULL ? assay_tees[i]->name : NULL;
}

static const char *
status_name(size_t i)
{
	return i + 1 < TCB_STATUSES ? assay_tcb_status_name((enum tcb_status)(i + 1)) : NULL;
}

static const char *
binding_name(size_t i)
{
	static const char *const names[] = { "vm", "weak", "none" };

	return i < sizeof names / sizeof *names ? names[i] : NULL;
}

static const char *
snp_certificate_name(size_t i)
{
	static const char *const names[] = { "VCEK", "VLEK" };

	return i < sizeof names / sizeof *names ? names[i] : NULL;
}

static const char *
pck_ca_name(size_t i)
{
	static const char *const names[] = { "platform", "processor" };

	return i < sizeof names / sizeof *names ? names[i] : NULL;
}

/* Every product of SNP was one of SEV before. */
static const char *
product_name(size_t i)
{
	return i < SEV_AUTHORITIES ? assay_sev_authorities[i].product : NULL;
}

const char *
assay_category_name(size_t i)
{
	static const char *const names[] = { "instance", "configuration", "executables", "files",
		"hardware", "opaque", "storage", "sourced" };

	return i < sizeof names / sizeof *names ? names[i] : NULL;
}

/* --- refusing ----------------------------------------------------------------------------------- */

static bool refuse(struct compiler *c, struct token at, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Only the first fault is told. Always false. */
static bool
refuse(struct compiler *c, struct token at, const char *fmt, ...)
{
	char text[200];
	size_t n = 0;
	va_list ap;

	if (c->code != ASSAY_OK)
		return false;
	if (c->set != NULL)
		n = (size_t)snprintf(text, sizeof text, "value %zu of the set %s: ", c->entry + 1,
		    assay_quote(assay_bytes_of(c->set->name)).text);
	va_start(ap, fmt);
	(void)vsnprintf(text + n, sizeof text - n, fmt, ap);
	va_end(ap);
	c->code =
	    assay_fail(c->err, ASSAY_E_USAGE, "%s:%zu:%zu: %s", c->name, at.line, at.column, text);
	return false;
}

static bool
no_memory(struct compiler *c)
{
	if (c->code == ASSAY_OK)
		c->code = assay_fail_nomem(c->err);
	return false;
}

/* What stands at a token, for "... where a claim should be". */
static struct assay_quoted
found(struct token token)
{
	if (token.kind != TOKEN_END)
		return assay_quote(token.text);
	return (struct assay_quoted){ "the end" };
}

/* --- growing ------------------------------------------------------------------------------------ */

/* The array with room for `more` elements behind the first count; NULL when that is more than limit,
 * or there is no memory, and then it stays as it is. */
static void *
grow(struct compiler *c, void *array, size_t *room, size_t count, size_t more, size_t size,
    size_t limit, const char *what)
{
	if (more > limit || count > limit - more) {
		(void)refuse(c, c->token, "more than %zu %s", limit, what);
		return NULL;
	}
	if (array != NULL && count + more <= *room)
		return array;
	size_t want = 2 * (count + more);
	void *ptr = realloc(array, want * size);
	if (ptr == NULL)
		(void)no_memory(c);
	else
		*room = want;
	return ptr;
}

/* Puts bytes and a NUL into the store; its place, or 0 after a failure. */
static uint32_t
keep(struct compiler *c, struct assay_bytes bytes)
{
	struct made *m = c->made;
	uint32_t at = m->policy.store_len;
	char *store = grow(
	    c, m->store, &m->store_room, at, bytes.len + 1, 1, POLICY_STORE_MAX, "bytes of values");

	if (store == NULL)
		return 0;
	m->store = store;
	if (bytes.len > 0)
		memcpy(m->store + at, bytes.ptr, bytes.len);
	m->store[at + bytes.len] = '\0';
	m->policy.store_len += (uint32_t)bytes.len + 1;
	return at;
}

/* --- tokens ------------------------------------------------------------------------------------- */

static bool
is_word(uint8_t c)
{
	return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') ||
	    (c != '\0' && strchr("._-:/+[]", c) != NULL);
}

/* What ends a line, or turns it around, for a reader, and not here: CR alone; U+0085, U+2028 to U+202E, U+2066 to
 * U+2069 of UTF-8. */
static bool
misleads(struct assay_bytes at)
{
	const uint8_t *p = at.ptr;

	if (p[0] == '\r')
		return at.len < 2 || p[1] != '\n';
	if (p[0] == 0xc2)
		return at.len > 1 && p[1] == 0x85;
	return p[0] == 0xe2 && at.len > 2 &&
	    ((p[1] == 0x80 && p[2] >= 0xa8 && p[2] <= 0xae) ||
		(p[1] == 0x81 && p[2] >= 0xa6 && p[2] <= 0xa9));
}

/* Passes over white space and comments. False: a byte that has no business in a text. */
static bool
skip(struct compiler *c)
{
	bool comment = false;

	for (; c->at < c->in.len; c->at++) {
		uint8_t byte = c->in.ptr[c->at];
		if (misleads((struct assay_bytes){ c->in.ptr + c->at, c->in.len - c->at }))
			return false;
		if (byte == '\n') {
			comment = false;
			c->line++;
			c->line_start = c->at + 1;
		} else if ((byte < 0x20 && byte != '\t' && byte != '\r') || byte == 0x7f) {
			return false;
		} else if (byte == '#') {
			comment = true;
		} else if (!comment && byte != ' ' && byte != '\t' && byte != '\r') {
			break;
		}
	}
	return true;
}

/* The signs: = is no sign, so that == cannot be mistyped unnoticed. */
static size_t
sign_length(struct assay_bytes rest)
{
	static const char *const signs[] = { "==", "!=", "<=", ">=", "<", ">", "&", "," };

	for (size_t i = 0; i < sizeof signs / sizeof *signs; i++) {
		size_t n = strlen(signs[i]);
		if (rest.len >= n && memcmp(rest.ptr, signs[i], n) == 0)
			return n;
	}
	return 0;
}

static void
note(struct compiler *c)
{
	static const char *const around[] = { "", "", "\"", "@", "" };
	const struct token *t = &c->token;
	bool comma = t->kind == TOKEN_SIGN && t->text.ptr[0] == ',';
	char *to = c->expression + c->expression_len;
	size_t room = sizeof c->expression - c->expression_len;

	if (!c->noting || t->kind == TOKEN_END)
		return;
	int w = snprintf(to, room, "%s%s%.*s%s", c->expression_len == 0 || comma ? "" : " ",
	    around[t->kind], (int)t->text.len, (const char *)t->text.ptr,
	    t->kind == TOKEN_STRING ? "\"" : "");
	if (w < 0 || (size_t)w >= room) { /* full: nothing fits any more */
		memcpy(c->expression + sizeof c->expression - sizeof "...", "...", sizeof "...");
		c->expression_len = sizeof c->expression - 1;
		return;
	}
	c->expression_len += (size_t)w;
}

static size_t
string_length(struct compiler *c, struct assay_bytes rest)
{
	size_t n = 0;

	while (n < rest.len && rest.ptr[n] >= 0x20 && rest.ptr[n] < 0x7f && rest.ptr[n] != '"')
		n++;
	if (n == rest.len || rest.ptr[n] != '"')
		(void)refuse(c, c->token,
		    "this string is not closed: it ends with \" in the same line, and between "
		    "stand printable ASCII characters only");
	return n;
}

/* Goes to the next token. */
static void
next(struct compiler *c)
{
	note(c);
	bool text = skip(c);
	struct assay_bytes rest = assay_bytes_at(c->in, c->at, c->in.len - c->at);
	struct token *t = &c->token;
	size_t before = 0, after = 0, n = 0;

	*t = (struct token){ .kind = TOKEN_END,
		.text = { NULL, 0 },
		.line = c->line,
		.column = c->at - c->line_start + 1 };
	if (!text)
		(void)refuse(c, *t, "byte 0x%02x: a policy is plain text", c->in.ptr[c->at]);
	if (!text || c->code != ASSAY_OK || rest.len == 0)
		return;
	if (rest.ptr[0] == '"') {
		t->kind = TOKEN_STRING;
		before = after = 1;
		n = string_length(c, assay_bytes_at(rest, 1, rest.len - 1));
	} else if ((n = sign_length(rest)) > 0) {
		t->kind = TOKEN_SIGN;
	} else {
		t->kind = rest.ptr[0] == '@' ? TOKEN_SET : TOKEN_WORD;
		before = rest.ptr[0] == '@' ? 1 : 0;
		while (before + n < rest.len && is_word(rest.ptr[before + n]))
			n++;
		if (n == 0)
			(void)refuse(c, *t, "%s has no meaning here",
			    assay_quote(assay_bytes_at(rest, 0, 1)).text);
	}
	if (n > POLICY_WORD_MAX)
		(void)refuse(
		    c, *t, "a word or string of %zu characters, at most %d", n, POLICY_WORD_MAX);
	if (c->code != ASSAY_OK) {
		t->kind = TOKEN_END;
		return;
	}
	t->text = assay_bytes_at(rest, before, n);
	c->at += before + n + after;
}

static bool
is(const struct compiler *c, enum token_kind kind, const char *text)
{
	return c->token.kind == kind && assay_bytes_equal(c->token.text, assay_bytes_of(text));
}

static bool
take(struct compiler *c, enum token_kind kind, const char *text)
{
	if (!is(c, kind, text))
		return false;
	next(c);
	return true;
}

static bool
is_reserved(const struct compiler *c)
{
	for (size_t i = 0; i < sizeof reserved / sizeof *reserved; i++)
		if (is(c, TOKEN_WORD, reserved[i]))
			return true;
	return false;
}

/* --- expressions ---------------------------------------------------------------------------------- */

static bool
add_value(struct compiler *c, const struct literal *value)
{
	struct made *m = c->made;
	struct value *values = grow(c, m->values, &m->value_room, m->policy.value_count, 1,
	    sizeof *values, POLICY_VALUES_MAX, "values");

	if (values == NULL)
		return false;
	m->values = values;
	uint32_t at = value->bytes.len > 0 ? keep(c, value->bytes) : 0;
	m->values[m->policy.value_count++] =
	    (struct value){ value->number, at, (uint32_t)value->bytes.len };
	return c->code == ASSAY_OK;
}

/* Texts that only a list of known ones can hold. */
static bool
check_word(struct compiler *c, size_t claim, struct assay_bytes text)
{
	static const struct {
		enum claim claim;
		const char *(*names)(size_t);
	} closed[] = {
		{ CLAIM_TEE, tee_name },
		{ CLAIM_TCB_STATUS, status_name },
		{ CLAIM_TCB_LAUNCH_STATUS, status_name },
		{ CLAIM_TCB_CURRENT_STATUS, status_name },
		{ CLAIM_DCAP_PLATFORM_STATUS, status_name },
		{ CLAIM_DCAP_MODULE_STATUS, status_name },
		{ CLAIM_DCAP_QE_STATUS, status_name },
		{ CLAIM_BINDING, binding_name },
		{ CLAIM_SNP_CERTIFICATE, snp_certificate_name },
		{ CLAIM_DCAP_CA, pck_ca_name },
		{ CLAIM_PLATFORM_PRODUCT, product_name },
	};
	const char *(*names)(size_t) = NULL;
	const char *name;

	for (size_t i = 0; i < sizeof closed / sizeof *closed; i++)
		if (claim == closed[i].claim)
			names = closed[i].names;
	for (size_t i = 0; names != NULL && (name = names(i)) != NULL; i++)
		if (assay_bytes_equal(text, assay_bytes_of(name)))
			return true;
	return names == NULL ||
	    refuse(c, c->token, "%s is never %s; the nearest is \"%s\"", assay_schema_name(claim),
		assay_quote(text).text, assay_nearest(text, names));
}

static bool
refuse_length(struct compiler *c, size_t claim, size_t len)
{
	char lengths[64];
	int n = 0;

	for (size_t i = 1; i <= CLAIMS_BODY_MAX && (size_t)n < sizeof lengths; i++)
		if (assay_schema_fit(claim, c->tees, i) != 0)
			n += snprintf(lengths + n, sizeof lengths - (size_t)n, "%s%zu",
			    n > 0 ? " or " : "", i);
	return refuse(c, c->token, "%s: these are %zu bytes, it has %s", assay_schema_name(claim),
	    len, lengths);
}

/* Adds a value that the claim can have. Another, such as one with a typing error, would make a rule
 * that is never, or always, true. */
static bool
add_literal(struct compiler *c, size_t claim, struct literal value)
{
	enum assay_type type = assay_schema_type(claim);
	uint8_t whole[UINT8_MAX] = { 0 };
	size_t len = value.bytes.len;
	size_t fit = type == ASSAY_TYPE_BYTES ? assay_schema_fit(claim, c->tees, len) : len;

	if (fit == 0 && type == ASSAY_TYPE_BYTES)
		return refuse_length(c, claim, len);
	if (fit != len) {
		memcpy(whole, value.bytes.ptr, len);
		value.bytes = (struct assay_bytes){ whole, fit };
	}
	return check_word(c, claim, value.bytes) && add_value(c, &value);
}

/* Unlike a number that has bits which the mask takes or the field has not, every value always is. */
static bool
check_number(struct compiler *c, const struct term *term, uint64_t number)
{
	uint64_t bits = term->mask;

	for (size_t n = 1; n < sizeof bits; n++)
		if (assay_schema_fit(term->claim, UINT32_MAX, n) == n)
			bits &= (UINT64_C(1) << 8 * n) - 1;
	return (term->op != OP_DIFFERENT && term->op != OP_NOT_IN) || (number & ~bits) == 0 ||
	    refuse(c, c->token, "%s: %s is what it never is: no bits but 0x%llx are looked at",
		assay_schema_name(term->claim), assay_quote(c->token.text).text,
		(unsigned long long)bits);
}

/* One literal. */
static bool
read_value(struct compiler *c, struct term *term)
{
	uint8_t buf[LITERAL_SIZE(POLICY_WORD_MAX)];
	struct token at = c->token;
	struct literal value;
	enum assay_type type = assay_schema_type(term->claim);

	if ((at.kind != TOKEN_WORD && at.kind != TOKEN_STRING) || is_reserved(c))
		return refuse(c, at, "%s where a value should be: %s", found(at).text,
		    assay_type_wants(type));
	if (!assay_literal_read(&value, buf, type, at.text))
		return refuse(c, at, "%s: %s is not of its type: it is %s",
		    assay_schema_name(term->claim), assay_quote(at.text).text,
		    assay_type_wants(type));
	if ((type == ASSAY_TYPE_UINT && !check_number(c, term, value.number)) ||
	    !add_literal(c, term->claim, value))
		return false;
	if (type == ASSAY_TYPE_UINT && at.text.len > 1 && at.text.ptr[1] == 'x')
		term->hex = true;
	next(c);
	return true;
}

/* The values of a set of reference values, which must be of this claim and of these TEEs. */
static bool
read_set(struct compiler *c, struct term *term)
{
	const struct reference_set *set = assay_references_find(c->refs, c->token.text);
	struct assay_quoted name = assay_quote(c->token.text);

	if (set == NULL)
		return refuse(c, c->token,
		    "there is no set of reference values %s; bring the document that has it "
		    "(--reference; a server: assay reference push)",
		    name.text);
	if (set->claim != term->claim)
		return refuse(c, c->token, "the set %s is of the claim %s, not of %s", name.text,
		    assay_schema_name(set->claim), assay_schema_name(term->claim));
	if ((c->tees & ~set->tees) != 0)
		return refuse(c, c->token,
		    "the set %s is of another TEE than this section (\"tee\" in its document)",
		    name.text);
	c->set = set;
	for (c->entry = 0; c->entry < set->count; c->entry++)
		if (!add_literal(c, term->claim, set->values[c->entry]))
			return false;
	c->set = NULL;
	next(c);
	return true;
}

static int
order(struct compiler *c, const struct value *a, const struct value *b, bool is_bytes)
{
	const char *store = c->made->store;

	return assay_value_compare(store, a,
	    (struct assay_bytes){ (const uint8_t *)store + b->at, b->len }, b->number, is_bytes);
}

/* Heap sort: qsort() may allocate, and has no place for the store. */
static void
sort(struct compiler *c, struct value *v, size_t count, bool is_bytes)
{
	for (size_t end = count, start = count / 2; end > 1;) {
		struct value moved;
		if (start > 0) {
			moved = v[--start];
		} else {
			moved = v[--end];
			v[end] = v[0];
		}
		size_t at = start, child;
		while ((child = 2 * at + 1) < end) {
			if (child + 1 < end && order(c, &v[child], &v[child + 1], is_bytes) < 0)
				child++;
			if (order(c, &moved, &v[child], is_bytes) >= 0)
				break;
			v[at] = v[child];
			at = child;
		}
		v[at] = moved;
	}
}

static bool
is_bytes_type(size_t claim)
{
	enum assay_type type = assay_schema_type(claim);

	return type == ASSAY_TYPE_TEXT || type == ASSAY_TYPE_BYTES || type == ASSAY_TYPE_LIST;
}

static bool
read_list(struct compiler *c, struct term *term)
{
	do
		if (!(c->token.kind == TOKEN_SET ? read_set(c, term) : read_value(c, term)))
			return false;
	while (take(c, TOKEN_SIGN, ","));
	term->count = c->made->policy.value_count - term->first;
	if (term->count > 0) /* the list of an empty set may have no memory yet */
		sort(c, c->made->values + term->first, term->count, is_bytes_type(term->claim));
	return true;
}

/* The operator; false if a claim of this type has none like it. */
static bool
read_operator(struct compiler *c, struct term *term)
{
	static const char *const signs[] = { "==", "!=", "<", "<=", ">", ">=" };
	enum assay_type type = assay_schema_type(term->claim);
	const char *name = assay_schema_name(term->claim);
	struct token at = c->token;
	bool list = type == ASSAY_TYPE_LIST;

	for (size_t i = 0; i < sizeof signs / sizeof *signs; i++) {
		if (!take(c, TOKEN_SIGN, signs[i]))
			continue;
		term->op = (uint8_t)i;
		if (list)
			return refuse(c, at, "%s is a list: write `all in` or `none in`", name);
		if (i > OP_DIFFERENT && type != ASSAY_TYPE_UINT && type != ASSAY_TYPE_TIME)
			return refuse(
			    c, at, "%s has no order: %s needs a number or a time", name, signs[i]);
		return true;
	}
	bool all = take(c, TOKEN_WORD, "all"), none = !all && take(c, TOKEN_WORD, "none");
	bool not = !all && !none && take(c, TOKEN_WORD, "not");
	if (!take(c, TOKEN_WORD, "in"))
		return refuse(c, c->token,
		    "%s where == != < <= > >= & in, `not in`, `all in` or `none in` should be",
		    found(c->token).text);
	term->op = all ? OP_ALL_IN : none ? OP_NONE_IN : not ? OP_NOT_IN : OP_IN;
	if (list != (all || none))
		return refuse(c, at,
		    list ? "%s is a list: write `all in` or `none in`"
			 : "%s is no list: write `in` or `not in`",
		    name);
	if (type == ASSAY_TYPE_BOOL)
		return refuse(c, at, "%s is true or false: write ==", name);
	return true;
}

static bool
read_term(struct compiler *c, struct term *term)
{
	struct token at = c->token;
	char name[POLICY_WORD_MAX + 1];
	struct literal mask;
	size_t claim;

	if (at.kind != TOKEN_WORD || is_reserved(c))
		return refuse(c, at, "%s where a claim should be", found(at).text);
	memcpy(name, at.text.ptr, at.text.len);
	name[at.text.len] = '\0';
	if (!assay_schema_find(name, &claim))
		return refuse(c, at, "there is no claim %s; the nearest is \"%s\"",
		    assay_quote(at.text).text, assay_nearest(at.text, assay_schema_name));
	next(c);
	*term = (struct term){
		.mask = UINT64_MAX, .first = c->made->policy.value_count, .claim = (uint16_t)claim
	};
	at = c->token;
	if (take(c, TOKEN_SIGN, "&")) {
		if (assay_schema_type(claim) != ASSAY_TYPE_UINT)
			return refuse(c, at, "%s is no number: & needs one", name);
		if (c->token.kind != TOKEN_WORD ||
		    !assay_literal_read(&mask, NULL, ASSAY_TYPE_UINT, c->token.text))
			return refuse(c, c->token, "%s where a mask should be: %s",
			    found(c->token).text, assay_type_wants(ASSAY_TYPE_UINT));
		term->mask = mask.number;
		term->hex = true;
		next(c);
	}
	if (!read_operator(c, term))
		return false;
	if (term->op >= OP_IN)
		return read_list(c, term);
	term->count = 1;
	return read_value(c, term);
}

/* --- rules --------------------------------------------------------------------------------------- */

static bool
read_check(struct compiler *c, struct rule *rule)
{
	const char *name;

	for (size_t i = 0; (name = takeable_name(i)) != NULL; i++)
		if (is(c, TOKEN_WORD, name))
			rule->check = (int16_t)takeable[i];
	if (rule->check == NO_CHECK)
		return refuse(c, c->token,
		    "%s is no check that a rule can be; the nearest is \"%s\"",
		    found(c->token).text, assay_nearest(c->token.text, takeable_name));
	next(c);
	return true;
}

/* What follows the expression: as ID, pass "...", fail "...", absent "...", each once. */
static bool
read_tail(struct compiler *c, struct rule *rule)
{
	struct {
		const char *word;
		uint32_t *text;
	} const parts[] = { { "pass", &rule->passed }, { "fail", &rule->failed },
		{ "absent", &rule->absent } };

	for (;;) {
		struct token at = c->token;
		size_t i = 0;
		if (take(c, TOKEN_WORD, "as")) {
			if (rule->check != NO_CHECK)
				return refuse(c, at, "a second `as`");
			if (!read_check(c, rule))
				return false;
			continue;
		}
		while (i < 3 && !take(c, TOKEN_WORD, parts[i].word))
			i++;
		if (i == 3)
			return c->code == ASSAY_OK;
		if (*parts[i].text != 0)
			return refuse(c, at, "a second `%s`", parts[i].word);
		if (c->token.kind != TOKEN_STRING || c->token.text.len == 0)
			return refuse(c, c->token, "%s where a sentence in quotes should be",
			    found(c->token).text);
		*parts[i].text = keep(c, c->token.text);
		next(c);
	}
}

static bool
read_terms(struct compiler *c, struct rule *rule)
{
	struct made *m = c->made;
	struct term term;

	do {
		if (rule->term_count == POLICY_TERMS_MAX)
			return refuse(
			    c, c->token, "more than %d comparisons in one rule", POLICY_TERMS_MAX);
		if (!read_term(c, &term))
			return false;
		struct term *terms = grow(c, m->terms, &m->term_room, m->policy.term_count, 1,
		    sizeof *terms, (size_t)POLICY_RULES_MAX * POLICY_TERMS_MAX, "comparisons");
		if (terms == NULL)
			return false;
		m->terms = terms;
		m->terms[m->policy.term_count++] = term;
		rule->term_count++;
		c->noting = is(c, TOKEN_WORD, "or");
	} while (take(c, TOKEN_WORD, "or"));
	return true;
}

static bool
read_rule(struct compiler *c, bool prefer)
{
	struct made *m = c->made;
	struct rule rule = { .tees = c->tees,
		.first_term = m->policy.term_count,
		.line = (uint32_t)c->token.line,
		.check = NO_CHECK,
		.prefer = prefer };
	const char *name;
	size_t i = 0;

	if (c->tees == 0)
		return refuse(
		    c, c->token, "a rule stands in a section: write `for tdx` or so before it");
	next(c);
	while ((name = assay_category_name(i)) != NULL && !is(c, TOKEN_WORD, name))
		i++;
	if (name == NULL)
		return refuse(c, c->token, "%s is no category; the nearest is \"%s\"",
		    found(c->token).text, assay_nearest(c->token.text, assay_category_name));
	rule.category = (uint8_t)i;
	next(c);
	c->expression_len = 0;
	c->noting = true;
	bool ok = read_terms(c, &rule);
	c->noting = false;
	if (!ok)
		return false;
	rule.expression =
	    keep(c, (struct assay_bytes){ (const uint8_t *)c->expression, c->expression_len });
	if (!read_tail(c, &rule))
		return false;
	struct rule *rules = grow(c, m->rules, &m->rule_room, m->policy.rule_count, 1,
	    sizeof *rules, POLICY_RULES_MAX, "rules");
	if (rules == NULL)
		return false;
	m->rules = rules;
	m->rules[m->policy.rule_count++] = rule;
	return true;
}

/* for tdx, sgx; or for any. */
static bool
read_section(struct compiler *c)
{
	const char *name;

	c->tees = 0;
	if (take(c, TOKEN_WORD, "any")) {
		c->tees = TEES_ANY;
	} else {
		do {
			size_t i = 0;
			while ((name = tee_name(i)) != NULL && !is(c, TOKEN_WORD, name))
				i++;
			if (name == NULL)
				return refuse(c, c->token, "%s is no TEE; the nearest is \"%s\"",
				    found(c->token).text, assay_nearest(c->token.text, tee_name));
			c->tees |= UINT32_C(1) << i;
			next(c);
		} while (take(c, TOKEN_SIGN, ","));
	}
	c->made->policy.tees |= c->tees;
	return c->code == ASSAY_OK;
}

static bool
read_title(struct compiler *c)
{
	if (c->token.kind != TOKEN_STRING)
		return refuse(
		    c, c->token, "%s where a title in quotes should be", found(c->token).text);
	c->title = keep(c, c->token.text);
	next(c);
	return c->code == ASSAY_OK;
}

static bool
read_policy(struct compiler *c)
{
	static const char *const begins[] = { "for", "require", "prefer" };

	(void)keep(c, (struct assay_bytes){ NULL, 0 }); /* place 0: the empty text */
	next(c);
	if (take(c, TOKEN_WORD, "policy") && !read_title(c))
		return false;
	while (c->code == ASSAY_OK && c->token.kind != TOKEN_END) {
		bool ok = take(c, TOKEN_WORD, "for") ? read_section(c)
		    : is(c, TOKEN_WORD, begins[1])   ? read_rule(c, false)
		    : is(c, TOKEN_WORD, begins[2])   ? read_rule(c, true)
						     : refuse(c, c->token,
							   "%s where `for`, `require` or `prefer` "
							     "should begin",
							   found(c->token).text);
		if (!ok)
			return false;
	}
	if (c->code == ASSAY_OK && c->made->policy.tees == 0)
		return refuse(
		    c, c->token, "has no section: write `for tdx` or so before its rules");
	return c->code == ASSAY_OK;
}

/* --- the policy ------------------------------------------------------------------------------------ */

/* The end of a name, without what a terminal would obey or a reader of JSON refuse. */
static void
shorten(char out[POLICY_NAME_SHOWN + 4], const char *name)
{
	size_t len = strlen(name), from = len > POLICY_NAME_SHOWN ? len - POLICY_NAME_SHOWN : 0;

	(void)snprintf(out, POLICY_NAME_SHOWN + 4, "%s%s", from > 0 ? "..." : "", name + from);
	for (char *p = out; *p != '\0'; p++)
		if ((unsigned char)*p < 0x20 || (unsigned char)*p >= 0x7f)
			*p = '?';
}

static char *
copy(struct assay_bytes bytes)
{
	char *text = calloc(1, bytes.len + 1);

	if (text != NULL && bytes.len > 0)
		memcpy(text, bytes.ptr, bytes.len);
	return text;
}

static void
made_free(struct made *m)
{
	free(m->rules);
	free(m->terms);
	free(m->values);
	free(m->store);
	free(m->name);
	free(m->text);
	free(m);
}

void
assay_policy_free(struct assay_policy *policy)
{
	if (policy != NULL)
		made_free((struct made *)policy);
}

enum assay_code
assay_policy_compile(struct assay_policy **out, struct assay_bytes text, const char *name,
    const struct assay_references *refs, struct assay_error *err)
{
	static const struct value no_value;
	char shown[POLICY_NAME_SHOWN + 4];
	struct compiler c = { .in = text, .line = 1, .refs = refs, .name = shown, .err = err };

	shorten(shown, name);
	if (text.len > POLICY_TEXT_MAX)
		return assay_fail(err, ASSAY_E_USAGE, "%s: is %zu bytes, a policy has at most %d",
		    shown, text.len, POLICY_TEXT_MAX);
	struct made *m = c.made = calloc(1, sizeof *m);
	if (m == NULL)
		return assay_fail_nomem(err);
	m->name = copy(assay_bytes_of(name));
	m->text = copy(text);
	if (m->name == NULL || m->text == NULL)
		(void)no_memory(&c);
	else
		(void)read_policy(&c);
	if (c.code != ASSAY_OK) {
		made_free(m);
		return c.code;
	}
	memcpy(m->shown, shown, sizeof shown);
	m->policy.shown = m->shown;
	m->policy.name = m->name;
	m->policy.text = m->text;
	m->policy.store = m->store;
	m->policy.title = m->store + c.title;
	m->policy.rules = m->rules;
	m->policy.terms = m->terms;
	m->policy.values = m->values != NULL ? m->values : &no_value; /* all sets are empty */
	*out = (struct assay_policy *)m;
	return ASSAY_OK;
}
