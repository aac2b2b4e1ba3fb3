/* SPDX-License-Identifier: Apache-2.0 */
#include "job.h"

#include <errno.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "broker.h"
#include "collector.h"
#include "command.h"
#include "http.h"
#include "lockdown.h"
#include "text.h"

/* --- answers ----------------------------------------------------------------------------- */

static bool
write_all(int fd, const void *bytes, size_t len)
{
	const uint8_t *p = bytes;

	while (len > 0) {
		ssize_t n = send(fd, p, len, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		p += n;
		len -= (size_t)n;
	}
	return true;
}

static void
answer(int out, int status, enum job_type type, struct assay_bytes body)
{
	uint8_t head[JOB_HEAD] = { (uint8_t)status, (uint8_t)(status >> 8), (uint8_t)type };

	for (int i = 0; i < 4; i++)
		head[4 + i] = (uint8_t)(body.len >> (8 * i));
	if (!write_all(out, head, sizeof head) || !write_all(out, body.ptr, body.len))
		log_detail("a job's answer is not taken: %s", strerror(errno));
}

static void
answer_text(int out, int status, const char *text)
{
	answer(out, status, JOB_JSON, (struct assay_bytes){ (const uint8_t *)text, strlen(text) });
}

void
job_refuse(int out, int status, const char *why)
{
	json_t *root = json_pack("{s:s%}", "error", why, strlen(why));
	char *text = root != NULL ? json_dumps(root, JSON_COMPACT) : NULL;

	answer_text(out, status, text != NULL ? text : "{\"error\":\"out of memory\"}");
	free(text);
	json_decref(root);
}

/* The statuses of the command's exit codes: refused, no TEE or something missing, anything else. */
static int
status_of(int code)
{
	return code == EXIT_NO ? 403 : code == EXIT_UNTOLD ? 503 : code == EXIT_USAGE ? 500 : 502;
}

static int
status_of_code(enum assay_code code)
{
	return code == ASSAY_E_INCOMPLETE || code == ASSAY_E_UNSUPPORTED ? 503
	    : code == ASSAY_E_IO                                         ? 502
									 : 500;
}

/* --- evidence ---------------------------------------------------------------------------- */

static void
give_evidence(const struct job *job, const struct agent_options *o, struct collector *c, int out)
{
	const struct assay_guest_request request = {
		.report_data = { job->data, job->data_len },
		.timeout_ms = (int)o->timeout_s * 1000,
	};
	struct assay_error err = { .text = "" };
	char *bytes = NULL;
	size_t len = 0;

	enum assay_code rc = collector_make(
	    c, &bytes, &len, job->bundle ? COLLECTOR_BUNDLE : COLLECTOR_COCO, &request, &err);
	if (rc != ASSAY_OK)
		job_refuse(out, status_of_code(rc), err.text);
	else
		answer(out, 200, job->bundle ? JOB_CBOR : JOB_JSON,
		    (struct assay_bytes){ (const uint8_t *)bytes, len });
}

static void
give_info(const struct agent_options *o, struct collector *c, int out)
{
	struct assay_error err = { .text = "" };
	const char *tee = NULL;

	if (collector_here(c, &tee, (int)o->timeout_s * 1000, &err) != ASSAY_OK)
		tee = NULL;
	json_t *root = json_pack("{s:s, s:s?, s:[], s:s}", "version", ASSAY_VERSION, "tee", tee,
	    "additional_tees", "feature", o->url != NULL ? "all" : "evidence");
	char *text = root != NULL ? json_dumps(root, JSON_COMPACT) : NULL;
	if (text == NULL)
		job_refuse(out, 500, "out of memory");
	else
		answer_text(out, 200, text);
}

/* --- key release ------------------------------------------------------------------------- */

static int
use_broker(const struct job *job, struct broker *b, int out)
{
	struct broker_resource resource;
	struct input secret = { NULL, 0 };
	char why[BROKER_WHY] = "", *json = NULL;
	int rc;

	if (job->kind == JOB_TOKEN) {
		if ((rc = broker_token(b, &json)) == EXIT_YES)
			answer_text(out, 200, json);
		return rc;
	}
	if (!broker_resource(&resource, job->resource, why)) {
		job_refuse(out, 400, why);
		return EXIT_YES;
	}
	if ((rc = broker_get(b, resource.path, &secret)) == EXIT_YES)
		answer(out, 200, JOB_BYTES, (struct assay_bytes){ secret.data, secret.len });
	input_wipe(&secret);
	return rc;
}

static enum assay_code
here(
    void *arg, const char **tee, const struct assay_guest_request *request, struct assay_error *err)
{
	return collector_here(arg, tee, request->timeout_ms, err);
}

static enum assay_code
make(void *arg, char **json, const struct assay_guest_request *request, struct assay_error *err)
{
	size_t len;

	return collector_make(arg, json, &len, COLLECTOR_COCO, request, err);
}

static void
release(const struct job *job, const struct agent_options *o, struct collector *c, int out)
{
	const struct broker_evidence evidence = { .here = here, .make = make, .arg = c };
	/* Who asks has neither the command nor the options of it. */
	static const struct http_words words = { "the agent's timeout", "ask again",
		"ca in the agent's configuration" };
	const struct broker_how how = { .url = o->url,
		.ca = o->ca,
		.provider = o->provider,
		.timeout_s = o->timeout_s,
		.words = &words,
		.evidence = &evidence };
	char why[BROKER_WHY] = "";

	if (o->url == NULL) {
		job_refuse(out, 503, "no url says which key broker is to be asked");
		return;
	}
	struct broker *b = broker_open(&how, why);
	if (b == NULL) {
		job_refuse(out, 500, why);
		return;
	}
	int rc = use_broker(job, b, out);
	if (rc != EXIT_YES)
		job_refuse(out, status_of(rc), broker_why(b));
	broker_close(b);
}

/* What may take a capability is the collector's; here there is none from now on. */
static bool
prepare(struct collector *c, const struct agent_options *o)
{
	if (collector_start(c, o) && lockdown_job())
		return true;
	log_say("a job cannot be started: %s", strerror(errno));
	return false;
}

_Noreturn void
job_find_tee(const struct agent_options *o, int timeout_ms, int out)
{
	struct assay_error err = { .text = "" };
	struct collector c;
	const char *tee = NULL;

	if (!prepare(&c, o))
		_exit(1);
	enum assay_code rc = collector_here(&c, &tee, timeout_ms, &err);
	if (rc == ASSAY_E_INCOMPLETE)
		tee = "none";
	else if (rc != ASSAY_OK)
		log_say("the TEE is not known: %s", err.text);
	if (tee != NULL)
		(void)write_all(out, tee, strlen(tee));
	_exit(0);
}

_Noreturn void
job_run(const struct job *job, const struct agent_options *o, int out)
{
	struct collector c;

	if (!prepare(&c, o)) {
		job_refuse(out, 503, "no more can be done at once; try again");
		_exit(1);
	}
	switch (job->kind) {
	case JOB_EVIDENCE:
		give_evidence(job, o, &c, out);
		break;
	case JOB_ADDITIONAL: /* of devices, of which this agent attests none: an empty text */
		answer(out, 200, JOB_BYTES, (struct assay_bytes){ NULL, 0 });
		break;
	case JOB_INFO:
		give_info(o, &c, out);
		break;
	case JOB_TOKEN:
	case JOB_RESOURCE:
		release(job, o, &c, out);
		break;
	}
	_exit(0); /* memory goes with the process, and the collector */
}
