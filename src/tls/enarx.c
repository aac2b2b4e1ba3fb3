/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/enarx.h"

#include "crypto/der.h"

static const char what[] = "Enarx extension";

static void
add(struct enarx_evidence *e, struct assay_reader *r, struct assay_bytes item)
{
	if (e->item_count == ENARX_ITEMS_MAX)
		r->overrun = true;
	else
		e->items[e->item_count++] = item;
}

/* The next value, whole: a certificate or a CRL. */
static void
take_item(struct enarx_evidence *e, struct assay_reader *r)
{
	struct assay_bytes whole;
	uint8_t tag;

	(void)assay_der_any(r, &tag, &whole);
	if (tag != DER_SEQUENCE)
		r->overrun = true;
	else
		add(e, r, whole);
}

/* SEQUENCE { SEQUENCE OF SEQUENCE { UTF8String url, CertificateList } } */
static void
take_crls(struct enarx_evidence *e, struct assay_reader *r)
{
	struct assay_reader outer = assay_der_enter(r, DER_SEQUENCE);
	struct assay_reader list = assay_der_enter(&outer, DER_SEQUENCE);

	while (assay_reader_left(&list) > 0 && !list.overrun) {
		struct assay_reader one = assay_der_enter(&list, DER_SEQUENCE);
		(void)assay_der_take(&one, DER_UTF8);
		take_item(e, &one);
		list.overrun = list.overrun || !assay_reader_ended(&one);
	}
	if (!assay_reader_ended(&outer) || !assay_reader_ended(&list))
		r->overrun = true;
}

static enum assay_code
end(struct enarx_evidence *out, const struct enarx_evidence *e, bool ok, struct assay_error *err)
{
	if (!ok || e->evidence.len == 0)
		return assay_fail(err, ASSAY_E_FORMAT,
		    "%s: is not the DER that Enarx writes; it is damaged, or of a newer form",
		    what);
	*out = *e;
	return ASSAY_OK;
}

enum assay_code
assay_enarx_sgx(struct enarx_evidence *out, struct assay_bytes in, struct assay_error *err)
{
	struct assay_reader r = { .what = what, .in = in };
	struct assay_reader all = assay_der_enter(&r, DER_SEQUENCE);
	struct enarx_evidence e = { .evidence = assay_der_take(&all, DER_OCTET_STRING) };

	take_crls(&e, &all);
	struct assay_reader tcb = assay_der_enter(&all, DER_SEQUENCE);
	struct assay_reader chain = assay_der_enter(&tcb, DER_SEQUENCE);
	while (assay_reader_left(&chain) > 0 && !chain.overrun)
		take_item(&e, &chain);
	add(&e, &tcb, assay_der_take(&tcb, DER_OCTET_STRING));
	return end(out, &e,
	    assay_reader_ended(&r) && assay_reader_ended(&all) && assay_reader_ended(&tcb) &&
		assay_reader_ended(&chain),
	    err);
}

enum assay_code
assay_enarx_snp(struct enarx_evidence *out, struct assay_bytes in, struct assay_error *err)
{
	struct assay_reader r = { .what = what, .in = in };
	struct assay_reader all = assay_der_enter(&r, DER_SEQUENCE);
	struct assay_reader vcek = assay_der_enter(&all, DER_SEQUENCE);
	struct enarx_evidence e = { .item_count = 0 };

	take_item(&e, &vcek);
	take_crls(&e, &vcek);
	e.evidence = assay_der_take(&all, DER_OCTET_STRING);
	return end(out, &e,
	    assay_reader_ended(&r) && assay_reader_ended(&all) && assay_reader_ended(&vcek), err);
}
