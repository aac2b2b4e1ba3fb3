/* SPDX-License-Identifier: Apache-2.0 */
/* launched DIR: a SEV-ES and a plain SEV guest that were launched on a simulated platform, with their
 * proofs, launch records and signer, as files for the tests of the command. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <assay/bundle.h>

#include "platforms/sev_proof.h"

static const char *folder;

static void
put(const char *name, struct sim_bytes bytes)
{
	char path[512];

	snprintf(path, sizeof path, "%s/%s", folder, name);
	FILE *to = fopen(path, "wb");
	if (to == NULL || fwrite(bytes.ptr, 1, bytes.len, to) != bytes.len || fclose(to) != 0)
		sim_die("%s: %s", path, strerror(errno));
}

static struct assay_bytes
bytes(struct sim_bytes b)
{
	return (struct assay_bytes){ b.ptr, b.len };
}

static void
put_bundle(const char *name, const char *type, struct sim_bytes evidence, struct sim_bytes proof)
{
	const struct assay_bundle_item items[] = {
		{ "evidence", type, bytes(evidence), ASSAY_BUNDLE_EVIDENCE },
		{ "provider", ASSAY_BUNDLE_TYPE_PROVIDER, { (const uint8_t *)"sev-agent", 9 },
		    ASSAY_BUNDLE_EVIDENCE },
		{ "proof", ASSAY_BUNDLE_TYPE_PROOF, bytes(proof), ASSAY_BUNDLE_EVIDENCE },
	};
	struct assay_error err;
	struct sim_bytes out;

	if (assay_bundle_write(&out.ptr, &out.len, items, 3, &err) != ASSAY_OK)
		sim_die("%s", err.text);
	put(name, out);
	free(out.ptr);
}

static void
launch(struct sim *sim, bool es, const char *name)
{
	static const char *const certs[] = { "cek.cert", "pek.cert", "oca.cert" };
	struct sim_launch record;
	struct sim_sev_proof proof;
	struct sim_output out;
	struct sim_sev sev;
	char file[64];

	sim_sev_new(&sev, sim, "Milan", es);
	sim_launch_new(&record, &sev);
	record.name = name;
	record.injected = sim_key(sim, SIM_P256, name);
	sim_sev_proof_new(&proof, sim);
	proof.injected = record.injected;
	sim_sev_mnonce(sev.report.mnonce, sim, proof.asked, &proof);
	sim_sev_write(&sev, &out);
	struct sim_bytes item = sim_sev_proof_write(sim, &proof, out.evidence);
	snprintf(file, sizeof file, "%s.bin", name);
	put(file, out.evidence); /* alone, without certificates */
	for (size_t i = 0; i < 3; i++)
		out.evidence = sim_join(sim, out.evidence, *sim_output_item(&out, certs[i]));
	snprintf(file, sizeof file, "%s.evidence", name);
	put(file, out.evidence);
	snprintf(file, sizeof file, "%s.proof", name);
	put(file, item);
	snprintf(file, sizeof file, "%s.cbor", name);
	put_bundle(file, es ? ASSAY_BUNDLE_TYPE_SEV_ES : ASSAY_BUNDLE_TYPE_SEV, out.evidence, item);
	snprintf(file, sizeof file, "%s.json", name);
	put(file, sim_launch_write(sim, &record));
	if (es) { /* before its key went in; and another launch, with the same key */
		struct sim_launch early = record, twin = record;
		early.stage = "checked";
		put("early.json", sim_launch_write(sim, &early));
		twin.name = "twin";
		memset(twin.mnonce, 7, sizeof twin.mnonce);
		put("twin.json", sim_launch_write(sim, &twin));
	}
	if (es) { /* a stranger's record that names this guest's key */
		struct sim_launch claimed = record;
		claimed.name = "claimed";
		claimed.signer = sim_key(sim, SIM_P256, "stranger");
		memset(claimed.digest, 0x5a, sizeof claimed.digest);
		put("claimed.json", sim_launch_write(sim, &claimed));
		/* and one that fits, but whose ASK is of a form that AMD's have not */
		memcpy(claimed.digest, record.digest, sizeof claimed.digest);
		claimed.ask = sim_join(
		    sim, *sim_output_item(&out, "ask.cert"), (struct sim_bytes){ NULL, 0 });
		claimed.ask.ptr[40] = 1;
		put("unusable.json", sim_launch_write(sim, &claimed));
	}
	put("nonce", sim_view(proof.asked, sizeof proof.asked));
	put("trust-root", out.root);
	put("ask.cert", *sim_output_item(&out, "ask.cert"));
	put("signer.jwk", sim_launch_signer(sim, record.signer));
	put("stranger.jwk", sim_launch_signer(sim, sim_key(sim, SIM_P256, "stranger")));
}

int
main(int argc, char **argv)
{
	struct sim *sim = sim_new(7);

	if (argc != 2)
		sim_die("usage: launched DIR");
	folder = argv[1];
	if (mkdir(folder, 0755) != 0 && errno != EEXIST)
		sim_die("%s: %s", folder, strerror(errno));
	launch(sim, true, "guest");
	launch(sim, false, "plain");
	sim_free(sim);
	return 0;
}
