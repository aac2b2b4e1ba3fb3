/* SPDX-License-Identifier: Apache-2.0 */
#include "eventlog/eventlog.h"

#include <stdlib.h>
#include <string.h>

#include "crypto/crypto.h"

/* Records for a log that grows, in the form of TCG_PCR_EVENT2: TCG PC Client Platform Firmware
 * Profile 1.05, 10.2.2, with the register indexes of a CCEL. */

enum {
	DATA_MAX = 64 * 1024,
	TAG_HEAD = 8,                                /* id and size of a tagged event */
	RECORD_HEAD = 4 + 4 + 4 + 2 + CC_DIGEST + 4, /* with one digest, and the size of the data */
};

static const char agent[] = "AAEL"; /* stands for its type, EV_EVENT_TAG, and its tag */

static bool
same_word(const char *a, const char *b)
{
	for (; *a != '\0' && *b != '\0'; a++, b++)
		if ((*a | 0x20) != (*b | 0x20))
			return false;
	return *a == *b;
}

static enum assay_code
find_register(uint32_t *out, const char *name, struct assay_error *err)
{
	for (uint32_t reg = 1; reg < CC_REGISTERS; reg++)
		if (same_word(name, assay_log_register_name(true, reg).text)) {
			*out = reg;
			return ASSAY_OK;
		}
	return assay_fail(err, ASSAY_E_USAGE, "register %s is none of RTMR0 to RTMR3",
	    assay_quote(assay_bytes_of(name)).text);
}

static enum assay_code
find_type(uint32_t *out, const char *name, struct assay_error *err)
{
	if (strcmp(name, agent) == 0) {
		*out = EV_EVENT_TAG;
		return ASSAY_OK;
	}
	if (!assay_log_type_find(out, name))
		return assay_fail(err, ASSAY_E_USAGE,
		    "type %s is not known; write a name of TCG, such as EV_IPL, or AAEL",
		    assay_quote(assay_bytes_of(name)).text);
	if (*out == EV_NO_ACTION)
		return assay_fail(
		    err, ASSAY_E_USAGE, "type EV_NO_ACTION is of events that extend nothing");
	return ASSAY_OK;
}

/* "Domain Operation Content", the first two without spaces. Source: Confidential Containers,
 * attestation agent, event log. */
static bool
is_agent_text(struct assay_bytes text)
{
	size_t words = 0, start = 0;

	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] < 0x20 || text.ptr[i] == 0x7f)
			return false;
		if (text.ptr[i] != ' ' || words == 2)
			continue;
		if (i == start)
			return false;
		words++;
		start = i + 1;
	}
	return words == 2 && start < text.len;
}

static enum assay_code
check_data(const struct assay_log_new *event, bool tagged, struct assay_error *err)
{
	if (event->data.len > DATA_MAX)
		return assay_fail(err, ASSAY_E_USAGE, "the data are %zu bytes, at most %d fit",
		    event->data.len, DATA_MAX);
	if (tagged && !is_agent_text(event->data))
		return assay_fail(err, ASSAY_E_USAGE,
		    "the data of an AAEL event are one line, \"DOMAIN OPERATION CONTENT\"");
	if (event->data.len == 0 && event->digest.len == 0)
		return assay_fail(
		    err, ASSAY_E_USAGE, "there is neither a digest nor data to make one of");
	if (event->digest.len != 0 && event->digest.len != CC_DIGEST)
		return assay_fail(err, ASSAY_E_USAGE, "the digest is %zu bytes, want %d",
		    event->digest.len, CC_DIGEST);
	return ASSAY_OK;
}

static uint8_t *
put(uint8_t *p, uint32_t v, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		*p++ = (uint8_t)(v >> 8 * i);
	return p;
}

/* A digest of its own where the type promises that it is over the data would be a lie. */
static enum assay_code
choose_digest(struct assay_log_digest *out, const struct assay_log_new *event,
    const struct assay_log_event *ev, struct assay_error *err)
{
	bool sure = false;

	*out = (struct assay_log_digest){ .algorithm = ALG_SHA384, .size = CC_DIGEST };
	assay_sha384(out->bytes, ev->data);
	if (event->digest.len == 0)
		return ASSAY_OK;
	if (assay_log_covers_data(ev, &sure) && sure &&
	    memcmp(out->bytes, event->digest.ptr, CC_DIGEST) != 0)
		return assay_fail(err, ASSAY_E_USAGE,
		    "type %s promises that the digest is of the data, and the one given is not",
		    assay_quote(assay_bytes_of(event->type)).text);
	memcpy(out->bytes, event->digest.ptr, CC_DIGEST);
	return ASSAY_OK;
}

enum assay_code
assay_log_record_write(uint8_t **out, size_t *len, struct assay_log_digest *digest,
    const struct assay_log_new *event, struct assay_error *err)
{
	bool tagged = strcmp(event->type, agent) == 0;
	size_t data_len = event->data.len + (tagged ? TAG_HEAD : 0);
	struct assay_log_event ev = { .number = 1 };
	struct assay_log_digest chosen;
	enum assay_code rc;

	if ((rc = find_register(&ev.reg, event->reg, err)) != ASSAY_OK ||
	    (rc = find_type(&ev.type, event->type, err)) != ASSAY_OK ||
	    (rc = check_data(event, tagged, err)) != ASSAY_OK)
		return rc;
	uint8_t *record = malloc(RECORD_HEAD + data_len);
	if (record == NULL)
		return assay_fail_nomem(err);
	uint8_t *p = record + RECORD_HEAD;
	if (tagged) {
		p = put(p, AAEL_TAG, 4);
		p = put(p, (uint32_t)event->data.len, 4);
	}
	if (event->data.len > 0)
		memcpy(p, event->data.ptr, event->data.len);
	ev.data = (struct assay_bytes){ record + RECORD_HEAD, data_len };
	if ((rc = choose_digest(&chosen, event, &ev, err)) != ASSAY_OK) {
		free(record);
		return rc;
	}
	p = put(record, ev.reg, 4);
	p = put(p, ev.type, 4);
	p = put(p, 1, 4);
	p = put(p, ALG_SHA384, 2);
	memcpy(p, chosen.bytes, CC_DIGEST);
	(void)put(p + CC_DIGEST, (uint32_t)data_len, 4);
	*out = record;
	*len = RECORD_HEAD + data_len;
	*digest = chosen;
	return ASSAY_OK;
}
