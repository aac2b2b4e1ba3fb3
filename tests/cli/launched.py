# SPDX-License-Identifier: Apache-2.0
"""Evidence of a SEV guest with its proof and its launch record, on the command line."""

import base64
import json
import os
import re
import subprocess
import sys

from harness import FOLDER, ROOT, done, fits, ok, path, run

subprocess.run([os.path.abspath(sys.argv[2]), os.path.join(FOLDER.name, "L")], check=True)
with open(os.path.join(FOLDER.name, "L/nonce"), "rb") as f:
    NONCE = f.read().hex()
with open(os.path.join(ROOT, "docs/policy.md"), encoding="utf-8") as f:
    PAGE = f.read()
path("ex13.policy", re.search(r"^### 13\..*?^```policy\n(.*?)^```", PAGE, re.M | re.S)[1].encode())
TRUST = ["--trust-root", "L/trust-root", "-c", "L/ask.cert", "--time", "2026-11-21"]


def verify(evidence, *args, nonce=NONCE):
    return run("verify", *TRUST, *(["--nonce", nonce] if nonce else []), *args, evidence)


# --- a guest as it should be ---------------------------------------------------------------------------
r = verify("L/guest.cbor", "--launch", "L/guest.json", "--signer", "L/signer.jwk")
ok(r.code == 0 and r.out.startswith("ACCEPTED") and "not checked" not in r.out and fits(r.out),
   "SEV-ES, a record that somebody vouches for", r)
r = verify("L/guest.cbor", "--launch", "L/guest.json")
ok(r.code == 0 and "\nnot checked: who wrote the launch record (give --signer)\n" in r.out and fits(r.out),
   "SEV-ES, a record that nobody vouches for", r)
r = verify("L/guest.cbor", "--launch", "L/guest.json", "--json")
claims = r.json["claims"]
ok(claims["binding"] == "vm" and claims["report_data"] == NONCE
   and claims["sev"]["launch"] == {"name": "guest", "created": "2026-11-20T23:56:40Z", "api": "1.55", "build": 21,
                                   "signed": False}, "its claims", claims)
ok({"sev.proof.known", "sev.proof.certified", "sev.proof.signature", "sev.launch.platform", "sev.launch.digest",
    "sev.launch.policy", "evidence.report_data"} <= {row["id"] for row in r.json["checks"] if row["outcome"] == "pass"},
   "its checks", r)
r = verify("L/guest.cbor", "--launch", "L/plain.json", "--launch", "L/guest.json", "-p", "ex13.policy",
           "--signer", "L/signer.jwk")
ok(r.code == 0, "among the records of others, by example 13", r)
r = verify("L/guest.cbor", "--launch", "L/guest.json", "-p", "ex13.policy")
ok(r.code == 1 and "FAIL  sev.launch.signer" in r.out and "--signer" in r.out, "example 13 wants a signer", r)

# --- plain SEV --------------------------------------------------------------------------------------------
r = verify("L/plain.cbor", "--launch", "L/plain.json", "--signer", "L/signer.jwk", "--json")
ok(r.code == 1 and r.json["genuine"] is True and r.failed() == ["sev.policy.binding", "sev.policy.es"]
   and r.json["claims"]["binding"] == "weak", "plain SEV, default", r)
r = verify("L/plain.cbor", "--launch", "L/plain.json", "--signer", "L/signer.jwk", "-p", "ex13.policy")
ok(r.code == 0, "plain SEV, binding == weak", r)
path("weak.policy", b"for sev\n  require instance binding == weak\n")
r = verify("L/plain.cbor", "--launch", "L/plain.json", "-p", "weak.policy")
ok(r.code == 0, "plain SEV, nothing but binding == weak", r)

# --- what is missing ------------------------------------------------------------------------------------------
r = verify("L/guest.cbor")
ok(r.code == 1 and "binding is none, want vm" in " ".join(r.out.split())
   and "not checked: which guest it is (give --launch)" in " ".join(r.out.split()), "without its record", r)
r = verify("L/guest.cbor", "-p", "genuine")
ok(r.code == 0 and "not checked: which guest it is (give --launch)" in r.out, "without its record, genuine", r)
r = verify("L/guest.cbor", "--launch", "L/guest.json", nonce=None)
ok(r.code == 1 and "freshness" in r.out and "binding is none, want vm" in " ".join(r.out.split()), "without a nonce", r)
r = verify("L/guest.bin", "--launch", "L/guest.json", "-p", "genuine", nonce=None)
ok(r.code == 3, "a report alone, without certificates", r)
r = verify("L/guest.cbor", "--launch", "L/guest.json", nonce=NONCE[:-2] + "00")
ok(r.code == 1 and "FAIL  evidence.report_data" in r.out, "another nonce", r)

# --- another's ---------------------------------------------------------------------------------------------------
r = verify("L/guest.cbor", "--launch", "L/plain.json")
words = " ".join(r.out.split())
ok(r.code == 1 and "FAIL  sev.proof.known" in r.out and "or of one whose record is not here yet" in words and
   "Give, or push, the launch record of this guest, as it is after assay launch secret." in words and
   "Give what is missing: the guest's launch record, the nonce" in words and "same key" not in words and fits(r.out),
   "another guest's record", r)
r = verify("L/guest.cbor", "--launch", "L/guest.json", "--launch", "L/guest.json")
ok(r.code == 0, "one record twice", r)
r = verify("L/guest.cbor", "--launch", "L/guest.json", "--launch", "L/twin.json")
words = " ".join(r.out.split())
ok(r.code == 1 and "the launches guest and twin have the same key" in words and
   "Launch both guests anew, each with a key of its own." in words and "Give, or push" not in words and fits(r.out),
   "two launches with one key", r)
EARLY = ("--launch: L/early.json: the launch of guest is not complete: its guest has no key yet; give the record as it is "
         "after assay launch secret")
r = verify("L/guest.cbor", "--launch", "L/early.json")
ok(r.code == 2 and r.out == "" and EARLY in r.err, "the record before the key went in", r)
r = verify("L/guest.cbor", "--launch", "L/early.json", "--launch", "L/guest.json")
ok(r.code == 0 and EARLY in r.err, "and the one after", r)
r = verify("L/guest.cbor", "--launch", "L/guest.json", "--signer", "L/stranger.jwk")
ok(r.code == 1 and r.out == "" and "--launch: L/guest.json: launch record: signed by key" in r.err,
   "a record of another signer", r)
with open(os.path.join(FOLDER.name, "L/guest.json"), encoding="utf-8") as f:
    record = f.read()
for order in (("claimed", "guest"), ("guest", "claimed")):
    records = [part for name in order for part in ("--launch", f"L/{name}.json")]
    r = verify("L/guest.cbor", *records, "--json")
    ok(r.code == 0 and r.json["claims"]["sev"]["launch"]["name"] == "guest", f"a stranger's of the same key: {order}", r)
    r = verify("L/guest.cbor", *records, "--signer", "L/signer.jwk", "--json")
    ok(r.code == 0 and r.json["claims"]["sev"]["launch"]["name"] == "guest" and
       "--launch: L/claimed.json: launch record: signed by key" in r.err, f"and a signer is named: {order}", r)
r = verify("L/guest.cbor", "--launch", "L/claimed.json")
ok(r.code == 1 and "FAIL  sev.launch.digest" in r.out, "a stranger's of the same key alone", r)
r = verify("L/guest.cbor", "--launch", "L/unusable.json", "--launch", "L/guest.json", "--json")
ok(r.code == 0 and r.json["claims"]["sev"]["launch"]["name"] == "guest" and "--launch: L/unusable.json: " in r.err,
   "one that fits, with an ASK that is none, before the owner's", r)
r = verify("L/guest.cbor", "--launch", "L/unusable.json")
ok(r.code == 2 and r.out == "" and "--launch: L/unusable.json: " in r.err, "and alone", r)
path("edited.json", record.replace('"policy":15', '"policy":14').encode())
r = verify("L/guest.cbor", "--launch", "edited.json")
ok(r.code == 1 and r.out == "" and "altered after it was signed" in r.err, "an edited record", r)
path("none.json", b"{}")
r = verify("L/guest.cbor", "--launch", "none.json")
ok(r.code == 2 and "launch record: has no object" in r.err, "no record", r)

# --- the options ---------------------------------------------------------------------------------------------------
r = verify("L/guest.cbor", "--signer", "L/signer.jwk")
ok(r.code == 2 and "no --launch is given" in r.err, "--signer alone", r)
r = verify("L/guest.cbor", *["--launch", "L/guest.json"] * 17)
ok(r.code == 2 and "--launch: more than 16" in r.err, "too many records", r)
r = verify("L/guest.cbor", "--launch", "L/guest.json", "--signer", "none.json")
ok(r.code == 2 and "--signer: none.json" in r.err, "a signer that is no key", r)
r = run("policy", "test", *TRUST, "--nonce", NONCE, "--launch", "L/guest.json", "default", "L/guest.cbor")
ok(r.code == 0, "policy test takes them", r)
key = path("key.pem", subprocess.run(["openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
                                     check=True, capture_output=True).stdout)
os.chmod(key, 0o600)
r = run("token", "issue", "--key", key, *TRUST, "--nonce", NONCE, "--launch", "L/guest.json", "L/guest.cbor")
ok(r.code == 0 and r.out.count(".") == 2, "token issue takes them", r)

# --- the JSON for key brokers -----------------------------------------------------------------------------------------
def part(name):
    with open(os.path.join(FOLDER.name, name), "rb") as f:
        return base64.b64encode(f.read()).decode()


for name, code in (("guest", 0), ("plain", 1)):
    both = {"sev_proof": part(f"L/{name}.proof"), "sev_report": part(f"L/{name}.evidence")}
    path("sev.json", json.dumps(both).encode())
    r = verify("sev.json", "--launch", f"L/{name}.json", "--json")
    ok(r.code == code and r.json["genuine"] is True and r.json["claims"]["binding"] == ("weak" if code else "vm"),
       f"{name}, as JSON", r)
path("sev.json", json.dumps({**both, "sev_proof": None}).encode())
r = verify("sev.json", "--launch", "L/plain.json", "-p", "genuine")
ok(r.code == 1 and "64 bytes were asked for, and a report without" in r.out, "as JSON, its proof stripped", r)
path("sev.json", json.dumps({**both, "sev_proof": "AAAA" * 2000}).encode())
r = verify("sev.json", "--launch", "L/plain.json", "-p", "genuine")
ok(r.code == 1 and "at most 4096 make sense" in " ".join(r.out.split()), "as JSON, a long proof", r)

# --- inspect ---------------------------------------------------------------------------------------------------------
r = run("inspect", "L/guest.cbor")
ok(r.code == 0 and "\n  proof\n" in r.out and "certification" in r.out and fits(r.out), "inspect a proof", r)
r = run("inspect", "L/guest.json")
ok(r.code == 0 and "launch record" in r.out and "complete" in r.out and "NODBG" in r.out and "1.55.21" in r.out
   and "c2b5a1f0-6f0e-4d0a-9d57-1f4b7c6e0a35" in r.out and fits(r.out), "inspect a launch record", r)
r = run("inspect", "--json", "L/guest.json")
ok(r.code == 0 and "guest" in json.dumps(r.json), "inspect --json of one", r)
r = run("inspect", "edited.json")
ok(r.code == 1 and "altered after it was signed" in r.err, "inspect an edited record", r)

done()
