/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/x509_fields.h"

enum { VERSION_2 = 1, TAG_EXTENSIONS = 0xa0, ENTRY_EXTENSIONS_MAX = 4, CRL_EXTENSIONS_MAX = 8 };

static enum assay_code
damaged(const struct assay_reader *r, const char *field, struct assay_error *err)
{
	return assay_fail(err, ASSAY_E_FORMAT,
	    "%s: its %s is no strict DER of RFC 5280; fetch the CRL anew", r->what, field);
}

static bool
arc_29(const struct x509_extension *e, uint8_t n) /* 2.5.29.n */
{
	return e->oid.len == 3 && e->oid.ptr[0] == 0x55 && e->oid.ptr[1] == 0x1d &&
	    e->oid.ptr[2] == n;
}

static enum assay_code
refuse_critical(const struct x509_extension *e, const char *what, struct assay_error *err)
{
	return assay_fail(err, ASSAY_E_UNSUPPORTED,
	    "%s: extension %s is not known here, or means an indirect or a delta CRL; fetch the "
	    "issuer's full CRL",
	    what, assay_quote_hex(e->oid).text);
}

/* --- entries ----------------------------------------------------------------------------- */

static enum assay_code
check_entry(struct assay_reader *entry, struct assay_error *err)
{
	enum { CERTIFICATE_ISSUER = 29 };
	struct x509_extension extensions[ENTRY_EXTENSIONS_MAX];
	size_t count = 0;
	enum assay_code rc;

	(void)assay_x509_take_serial(entry);
	(void)assay_der_time(entry);
	if (entry->overrun)
		return damaged(entry, "list of revoked certificates", err);
	if (assay_reader_left(entry) > 0 &&
	    (rc = assay_x509_take_extensions(
		 extensions, &count, ENTRY_EXTENSIONS_MAX, entry, err)) != ASSAY_OK)
		return rc;
	for (size_t i = 0; i < count; i++)
		if (extensions[i].critical || arc_29(&extensions[i], CERTIFICATE_ISSUER))
			return refuse_critical(&extensions[i], entry->what, err);
	return assay_reader_end(entry, err);
}

static enum assay_code
read_entries(struct x509_crl *c, struct assay_reader *r, struct assay_error *err)
{
	struct assay_reader list = assay_der_enter(r, DER_SEQUENCE);
	enum assay_code rc;

	c->revoked = list.in;
	if (list.in.len == 0) /* RFC 5280 5.1.2.6: absent when there are none */
		return damaged(r, "empty list of revoked certificates", err);
	while (assay_reader_left(&list) > 0) {
		struct assay_reader entry = assay_der_enter(&list, DER_SEQUENCE);
		if ((rc = check_entry(&entry, err)) != ASSAY_OK)
			return rc;
		c->revoked_count++;
	}
	return assay_reader_end(&list, err);
}

/* --- extensions of the list -------------------------------------------------------------- */

static bool
read_number(struct x509_crl *c, struct assay_bytes value)
{
	struct assay_reader r = { .what = "CRL number", .in = value };

	c->number = assay_der_uint(&r, DER_INTEGER);
	c->has_number = !r.overrun && r.pos == r.in.len;
	return c->has_number;
}

static enum assay_code
read_extensions(struct x509_crl *c, struct assay_reader *r, struct assay_error *err)
{
	enum { CRL_NUMBER = 20, DELTA_INDICATOR = 27, DISTRIBUTION_POINT = 28, AKID = 35 };
	struct assay_reader x = assay_der_enter(r, TAG_EXTENSIONS);
	struct x509_extension extensions[CRL_EXTENSIONS_MAX];
	size_t count = 0;
	enum assay_code rc;

	if (x.overrun)
		return damaged(r, "field after the revoked certificates", err);
	if ((rc = assay_x509_take_extensions(extensions, &count, CRL_EXTENSIONS_MAX, &x, err)) !=
		ASSAY_OK ||
	    (rc = assay_reader_end(&x, err)) != ASSAY_OK)
		return rc;
	for (size_t i = 0; i < count; i++) {
		const struct x509_extension *e = &extensions[i];
		if (arc_29(e, DELTA_INDICATOR) || arc_29(e, DISTRIBUTION_POINT))
			return refuse_critical(e, r->what, err);
		if (arc_29(e, CRL_NUMBER)) {
			if (!read_number(c, e->value))
				return damaged(r, "CRL number", err);
		} else if (arc_29(e, AKID)) {
			if (!assay_x509_akid(&c->akid, e->value))
				return damaged(r, "authority key identifier", err);
		} else if (e->critical) {
			return refuse_critical(e, r->what, err);
		}
	}
	return ASSAY_OK;
}

/* --- CRL --------------------------------------------------------------------------------- */

static enum assay_code
read_dates(struct x509_crl *c, struct assay_reader *r, struct assay_error *err)
{
	c->this_update = assay_der_time(r);
	if (r->overrun)
		return damaged(r, "thisUpdate", err);
	if (assay_der_peek(r) != DER_UTC_TIME && assay_der_peek(r) != DER_GENERALIZED_TIME)
		return assay_fail(err, ASSAY_E_FORMAT,
		    "%s: has no nextUpdate, so nobody can tell when it is stale (RFC 5280 5.1.2.5)",
		    r->what);
	c->next_update = assay_der_time(r);
	if (r->overrun)
		return damaged(r, "nextUpdate", err);
	if (c->this_update > c->next_update)
		return assay_fail(err, ASSAY_E_FORMAT,
		    "%s: its nextUpdate lies before its thisUpdate; fetch the CRL anew", r->what);
	return ASSAY_OK;
}

static enum assay_code
read_tbs(struct x509_crl *c, struct x509_signed *from, struct assay_error *err)
{
	struct assay_reader *r = &from->r;
	enum assay_code rc;

	if (assay_der_uint(r, DER_INTEGER) != VERSION_2 || r->overrun)
		return assay_fail(err, ASSAY_E_FORMAT,
		    "%s: is no CRL of version 2; RFC 5280 5.1.2.1 knows no other", r->what);
	if ((rc = assay_x509_same_algorithm(from, err)) != ASSAY_OK)
		return rc;
	c->issuer = assay_x509_take_name(r);
	if (r->overrun)
		return damaged(r, "issuer", err);
	if ((rc = read_dates(c, r, err)) != ASSAY_OK)
		return rc;
	if (assay_der_peek(r) == DER_SEQUENCE && (rc = read_entries(c, r, err)) != ASSAY_OK)
		return rc;
	if (assay_reader_left(r) > 0 && (rc = read_extensions(c, r, err)) != ASSAY_OK)
		return rc;
	return assay_reader_end(r, err);
}

enum assay_code
assay_x509_crl_parse(
    struct x509_crl *out, struct assay_bytes in, const char *what, struct assay_error *err)
{
	struct x509_crl c = { .der = in };
	struct x509_signed from;
	enum assay_code rc;

	if (in.len > X509_CRL_MAX)
		return assay_fail(err, ASSAY_E_FORMAT,
		    "%s: is %zu bytes, want at most %d; this is no vendor's CRL", what, in.len,
		    X509_CRL_MAX);
	if ((rc = assay_x509_open(&from, in, what, err)) != ASSAY_OK ||
	    (rc = read_tbs(&c, &from, err)) != ASSAY_OK ||
	    (rc = assay_x509_signature(c.signature, &c.signature_len, &from, err)) != ASSAY_OK)
		return rc;
	c.tbs = from.tbs;
	c.scheme = from.scheme;
	c.digest_len = assay_scheme_digest(c.digest, c.scheme, c.tbs);
	*out = c;
	return ASSAY_OK;
}

bool
assay_x509_crl_lists(const struct x509_crl *crl, struct assay_bytes serial)
{
	struct assay_reader list = { .what = "crl", .in = crl->revoked };

	/* A serial that does not stand there at all, as nearly none does, is not in an entry. */
	if (assay_bytes_find(crl->revoked, 0, serial) == crl->revoked.len)
		return false;
	while (assay_reader_left(&list) > 0) {
		struct assay_reader entry = assay_der_enter(&list, DER_SEQUENCE);
		if (assay_bytes_equal(assay_der_take(&entry, DER_INTEGER), serial))
			return true;
	}
	return false;
}

bool
assay_x509_crl_lists_all(const struct x509_crl *crl, const struct x509_crl *of)
{
	enum { COMPARED_MAX = 1024 /* the search is quadratic */ };
	struct assay_reader list = { .what = "crl", .in = of->revoked };

	if (assay_bytes_equal(crl->revoked, of->revoked))
		return true;
	if (of->revoked_count > COMPARED_MAX)
		return false;
	while (assay_reader_left(&list) > 0) {
		struct assay_reader entry = assay_der_enter(&list, DER_SEQUENCE);
		if (!assay_x509_crl_lists(crl, assay_der_take(&entry, DER_INTEGER)))
			return false;
	}
	return true;
}
