# SPDX-License-Identifier: Apache-2.0
"""assay-sim new and show: each state that can be asked for is what the verifier then says."""

import filecmp
import json
import os
import re
import subprocess
import sys

from harness import FOLDER, done, fits, ok, path, run

SIM = os.path.abspath(sys.argv[2])


class Answer:
    def __init__(self, *args):
        done_ = subprocess.run([SIM, *args], cwd=FOLDER.name, capture_output=True, text=True, check=False)
        self.code, self.out, self.err = done_.returncode, done_.stdout, done_.stderr

    def __repr__(self):
        return f"exit {self.code}\n--- stdout\n{self.out}--- stderr\n{self.err}---"


count = 0


def judged(*args):
    """A new platform with these options, and the verdict over it."""
    global count
    count += 1
    name = f"P{count}"
    made = Answer("new", "--seed", "3", *args, name)
    if made.code != 0:
        return name, None, made
    legacy = "sev" in args or "sev-es" in args
    r = run("verify", "--json", *(["-p", "genuine"] if legacy else []), "--trust-root", f"{name}/trust-root",
            "-c", f"{name}/collateral", f"{name}/evidence.bin")
    return name, r, made


# --- TCB: every status by name, and by numbers
for status, code in {
        "UpToDate": 0, "SWHardeningNeeded": 1, "ConfigurationNeeded": 1,
        "ConfigurationAndSWHardeningNeeded": 1, "OutOfDate": 1, "OutOfDateConfigurationNeeded": 1,
        "Revoked": 1, "NotSupported": 1, "TDRelaunchAdvised": 1,
        "TDRelaunchAdvisedConfigurationNeeded": 1}.items():
    for tee in ("tdx", "sgx"):
        if tee == "sgx" and status.startswith("TD"):
            continue
        _, r, made = judged("--tee", tee, "--tcb", status)
        ok(r is not None and r.code == code and r.json["claims"]["tcb"]["status"] == status
           and r.failed() == ([] if code == 0 else ["dcap.tcb.status"]), f"{tee}: {status}", r or made)
for tee, spec, status in (("tdx", "tdx1=2", "OutOfDate"), ("tdx", "now1=3", "UpToDate"),
                          ("tdx", "tdx1=3,now1=9", "TDRelaunchAdvised"), ("tdx", "sgx2=7", "OutOfDate"),
                          ("sgx", "sgx1=7,sgx2=7", "OutOfDate"), ("sgx", "pce=12", "NotSupported"),
                          ("sgx", "qe=5", "OutOfDate"), ("snp", "OutOfDate", "OutOfDate"),
                          ("snp", "snp=8,microcode=115", "OutOfDate")):
    _, r, made = judged("--tee", tee, "--tcb", spec)
    ok(r is not None and r.json["claims"]["tcb"]["status"] == status, f"{tee}: --tcb {spec}", r or made)

# --- revocation, at each level and in both lines of AMD
for tee, what, check in (("tdx", "pck", "dcap.pck.revoked"), ("sgx", "ca", "dcap.pck_ca.revoked"),
                         ("tdx", "tcb-signing", "dcap.tcb_signing.revoked"), ("snp", "ask", "snp.ask.revoked")):
    _, r, made = judged("--tee", tee, "--revoke", what)
    ok(r is not None and r.code == 1 and r.failed() == [check], f"--revoke {what}", r or made)
_, r, made = judged("--tee", "snp", "--vlek", "--revoke", "asvk")
ok(r is not None and r.code == 1 and r.failed() == ["snp.ask.revoked"], "--revoke asvk", r or made)
_, r, made = judged("--tee", "tdx", "--revoke", "pck", "--revoke", "ca")
ok(r is not None and r.failed() == ["dcap.pck_ca.revoked", "dcap.pck.revoked"]
   or r.failed() == ["dcap.pck.revoked", "dcap.pck_ca.revoked"], "two revoked", r or made)

# --- policy: debug, masked id, service TD
for args, check in ((["tdx", "--debug"], "policy.debug"), (["snp", "--debug"], "policy.debug"),
                    (["snp", "--mask-chip-id"], "snp.policy.chip_id"),
                    (["tdx", "--service-td"], "tdx.policy.service_td")):
    _, r, made = judged("--tee", *args)
    ok(r is not None and r.code == 1 and r.failed() == [check], " ".join(args), r or made)

# --- what is accepted
for args in (["tdx", "--report-version", "5"], ["tdx", "--module", "1.0"], ["tdx", "--module", "1.5"],
             ["snp", "--id-block"], ["snp", "--author-key"], ["snp", "--vlek", "--product", "Genoa"],
             ["snp", "--product", "Genoa", "--report-version", "5"], ["sgx", "--report-version", "5"],
             ["sgx", "--report-version", "4"], ["snp", "--report-version", "2"]):
    _, r, made = judged("--tee", *args)
    ok(r is not None and r.code == 0, " ".join(args) + ": accepted", r or made)
name, r, _ = judged("--tee", "snp", "--author-key")
with open(f"{FOLDER.name}/{name}/id-auth.bin", "rb") as f:
    ok(len(f.read()) == 4096 and r.json["claims"]["snp"]["guest_svn"] == 2, "the ID block", r)

# --- broken states: each is refused by exactly what is broken, and by nothing else
BROKEN = {
    "other-root": {"sgx": ["dcap.root.pinned"], "tdx": ["dcap.root.pinned"],
                   "snp": ["snp.ark.pinned", "snp.crl"], "sev": ["sev.ask.signature", "sev.ark.pinned"],
                   "sev-es": ["sev.ask.signature", "sev.ark.pinned"]},
    "bad-signature": {"sgx": ["dcap.quote.signature"], "tdx": ["dcap.quote.signature"],
                      "snp": ["snp.report.signature"], "sev": ["sev.report.signature"],
                      "sev-es": ["sev.report.signature"]},
    "stale-collateral": ["dcap.tcb_info.dates", "dcap.qe_identity.dates"],
    "future-collateral": ["dcap.tcb_info.dates", "dcap.qe_identity.dates"],
    "stale-crl": {"sgx": ["dcap.root_crl.dates", "dcap.pck_crl.dates"],
                  "tdx": ["dcap.root_crl.dates", "dcap.pck_crl.dates"], "snp": ["snp.crl.dates"]},
    "wrong-crl": [],
    "wrong-fmspc": ["dcap.tcb_info.platform"],
    "wrong-identity": ["dcap.qe_identity.id"],
    "rogue-tcb-info": ["dcap.tcb_info.signature"],
    "rogue-identity": ["dcap.qe_identity.signature"],
    "rogue-pck": ["dcap.pck.signature"],
    "expired-leaf": {"sgx": ["dcap.pck.dates"], "tdx": ["dcap.pck.dates"], "snp": ["snp.vcek.dates"]},
    "short-chain": ["dcap.pck.chain"],
    "uncertified-qe": ["dcap.qe_report.signature"],
    "wrong-qe-signer": ["dcap.qe.mr_signer"],
    "wrong-qe-product": ["dcap.qe.prod_id"],
    "debug-qe": ["dcap.qe.attributes"],
    "unbound-key": ["dcap.qe_report.binding"],
    "wrong-seam-signer": ["tdx.module.signer"],
    "unknown-module": ["tdx.module.identity", "dcap.tcb.status"],
    "other-chip": ["snp.vcek.chip_id"],
    "other-tcb": ["snp.vcek.tcb_matches"],
    "masked-key": ["snp.report.signed", "snp.report.signature"],
    "provisional": None,
    "rogue-intermediate": ["snp.ask.signature", "snp.ark.pinned", "snp.crl"],
    "crossed-lines": ["snp.vcek.kind", "snp.vcek.profile", "snp.ask.profile"],
    "no-cek": ["sev.pek.cek_signature"],
}
listed = Answer("new", "--broken", "list")
states = re.findall(r"^  (\S+) .*\n +\((.*)\)$", listed.out, re.M)
ok(listed.code == 0 and fits(listed.out) and {s for s, _ in states} == set(BROKEN), "--broken list", listed)
for state, tees in states:
    for tee in tees.split():
        want = BROKEN.get(state)
        want = want[tee] if isinstance(want, dict) else want
        _, r, made = judged("--tee", tee, "--broken", state)
        code = 0 if want is None else 3 if want == [] else 1
        ok(r is not None and r.code == code and r.failed() == (want or []), f"{tee}: --broken {state}", r or made)

# --- the same to the byte
fixed = ["--seed", "7", "--time", "2026-11-20T09:30:00Z"]
for args in (["tdx"], ["tdx", "--tcb", "TDRelaunchAdvised"], ["sgx"], ["snp"], ["snp", "--author-key", "--vlek"], ["sev"]):
    Answer("new", "--tee", *args, *fixed, "same-a")
    Answer("new", "--tee", *args, *fixed, "same-b")
    Answer("new", "--tee", *args, *fixed[2:], "--seed", "8", "other")
    files = [os.path.relpath(os.path.join(d, f), f"{FOLDER.name}/same-a")
             for d, _, names in os.walk(f"{FOLDER.name}/same-a") for f in names]
    same = filecmp.cmpfiles(f"{FOLDER.name}/same-a", f"{FOLDER.name}/same-b", files, shallow=False)
    ok(len(files) >= 4 and sorted(same[0]) == sorted(files), f"{' '.join(args)}: the same folder", same)
    differs = filecmp.cmpfiles(f"{FOLDER.name}/same-a", f"{FOLDER.name}/other", ["evidence.bin"], shallow=False)
    ok(differs[1] == ["evidence.bin"], f"{' '.join(args)}: another seed, another platform", differs)
    for folder in ("same-a", "same-b", "other"):
        subprocess.run(["rm", "-r", f"{FOLDER.name}/{folder}"], check=True)

# --- the log's replay is in the quote: the registers of show are those of the verdict
name, r, _ = judged("--tee", "tdx")
shown = json.loads(Answer("show", "--json", name).out)
ok(all(r.json["claims"]["tdx"]["rtmr"][n] == shown[f"rtmr{n}"] for n in range(4))
   and r.json["claims"]["measurement"] == shown["mrtd"], "registers", shown)
ok(os.path.getsize(f"{FOLDER.name}/{name}/ccel.table") == 56
   and os.path.getsize(f"{FOLDER.name}/{name}/ccel.log") == 65536, "the CCEL")

# --- an image of one's own
with open(f"{FOLDER.name}/{name}/firmware.fd", "rb") as f:
    image = f.read()
path("own.fd", image)
_, r, made = judged("--tee", "tdx", "--firmware", "own.fd")
ok(r is not None and r.json["claims"]["measurement"] == shown["mrtd"], "--firmware: the same image", r or made)
path("own.fd", image[:0x3000] + b"?" + image[0x3001:])
_, r, made = judged("--tee", "tdx", "--firmware", "own.fd")
ok(r is not None and r.code == 0 and r.json["claims"]["measurement"] != shown["mrtd"], "another image", r or made)
made = Answer("new", "--tee", "snp", "--firmware", f"{name}/ccel.log", "Q")
ok(made.code == 2 and "has no SEV metadata" in made.err and not os.path.exists(f"{FOLDER.name}/Q"), "no image", made)

# --- show
for args in (["tdx", "--broken", "debug-qe", "--revoke", "pck", "--debug"], ["snp", "--product", "Turin", "--id-block"],
             ["sgx"], ["sev"], ["snp", "--vlek"]):
    name, _, _ = judged("--tee", *args)
    shown, as_json = Answer("show", name), Answer("show", name, "--json")
    ok(shown.code == 0 and fits(shown.out) and shown.err == "" and json.loads(as_json.out)["tee"] == args[0],
       f"show {' '.join(args)}", shown)
    if "--broken" in args:
        ok("  broken       debug-qe: the quoting enclave can be debugged\n" in shown.out
           and "  revoked      pck\n" in shown.out and "  debug        on\n" in shown.out, "show: states", shown)
        ok(json.loads(as_json.out)["broken"] == ["debug-qe"], "show --json: states", as_json)
path("bad/platform.json", b"{")
for args, code, words in (([], 2, "which platform?"), (["a", "b"], 2, "b: one folder is enough"),
                          (["--yaml"], 2, "--yaml: no such option"),
                          (["none"], 4, "none/platform.json: No such file"), (["bad"], 4, "line 1 is no JSON")):
    shown = Answer("show", *args)
    ok(shown.code == code and words in shown.err and shown.out == "", f"show {' '.join(args)}: exit {code}", shown)

# --- what does not go together, and writes nothing
for args, words in ((["--tee", "sgx", "--module", "1.0"], "--module is not for sgx"),
                    (["--tee", "tdx", "--module", "2"], "write 1.0 or 1.5"),
                    (["--tee", "tdx", "--module", "1.0", "--report-version", "5"], "under 1.0"),
                    (["--tee", "tdx", "--module", "1.0", "--tcb", "TDRelaunchAdvised"], "needs a TDX module 1.5"),
                    (["--tee", "tdx", "--tcb", "tdx17=1"], "is no status"),
                    (["--tee", "tdx", "--tcb", "sgx1=256"], "is no status"),
                    (["--tee", "tdx", "--tcb", "sgx1=1,"], "is no status"),
                    (["--tee", "sgx", "--tcb", "tdx1=1"], "is no status"),
                    (["--tee", "sgx", "--tcb", "TDRelaunchAdvised"], "is no status"),
                    (["--tee", "snp", "--revoke", "asvk"], "the platform's line has the ask"),
                    (["--tee", "snp", "--revoke", "pck"], "--revoke with this value is not for snp"),
                    (["--tee", "snp", "--broken", "wrong-fmspc"], 'snp has no state "wrong-fmspc"'),
                    (["--tee", "tdx", "--broken", "upside-down"], 'tdx has no state "upside-down"'),
                    (["--tee", "tdx", "--id-block"], "--id-block is not for tdx"),
                    (["--tee", "sev", "--firmware", "own.fd"], "--firmware is not for sev")):
    made = Answer("new", *args, "Q")
    ok(made.code == 2 and words in made.err and not os.path.exists(f"{FOLDER.name}/Q"), " ".join(args[2:]), made)
done()
