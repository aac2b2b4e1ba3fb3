# SPDX-License-Identifier: Apache-2.0
"""A guest of SEV-ES whose host cheats, with owner, broker and agent: who catches what. Arguments: assay, assay-sim,
assay-brokerd, assay-agentd."""

import json
import os
import re
import subprocess

from sandbox import ASSAY, ENV, NONCE, PROGRAMS, SIM, Result, allowed, done, new, ok, read, run, unwrapped

PATH = ":".join([*(os.path.dirname(program) for program in PROGRAMS), os.environ["PATH"]])


def guest(*program, tee="sev-es", fault=None, platform=None, options=()):
    """In a guest with an agent; broker and agent are not looked at for leaks, since they are traced."""
    r = subprocess.run([SIM, "run", "--tee", tee, "--platform", platform or tee,
                        *(["--fault", fault] if fault else []), *options, "--", *program], capture_output=True,
                       stdin=subprocess.DEVNULL, timeout=120, check=False,
                       env=dict(ENV, PATH=PATH, ASAN_OPTIONS="detect_leaks=0"))
    return Result(r.returncode, r.stdout.decode("utf-8", "replace"), r.stderr.decode("utf-8", "replace"))


def attest(out, **more):
    return guest(ASSAY, "attest", "--provider", more.get("tee", "sev-es"), "--nonce", NONCE, "-o", out, **more)


def verify(evidence, platform="sev-es", record=None):
    return run("verify", "--json", "--nonce", NONCE, "--trust-root", f"{platform}/trust-root", "--launch",
               record or f"{platform}/launch.json", "--signer", f"{platform}/owner.jwk", evidence)


for tee in ("sev", "sev-es"):
    new(tee, "--tee", tee, "--seed", "7")
allowed()

r = attest("good.cbor")
ok(r.code == 0 and r.err == "", "an honest host", r)
r = verify("good.cbor")
ok(r.code == 0 and r.json["claims"]["binding"] == "vm" and r.json["claims"]["sev"]["launch"]["signed"] is True,
   "its guest is accepted, by the record of the simulator's owner", r)
os.rename("sev-es/launch.json", "yesterday.json")

for fault in ("wrong-nonce", "replay"):
    r = attest("bad.cbor", fault=fault)
    ok(r.code != 0 and "its MNONCE is another; nothing was signed" in unwrapped(r.err) and not os.path.exists("bad.cbor"),
       f"{fault}: the agent signs nothing", r)
r = attest("other.cbor", fault="other-vm")
ok(r.code == 0, "another VM's report under the right nonce: nobody in the guest can tell", r)
r = verify("other.cbor")
ok(r.code == 1 and "sev.launch.digest" in r.failed(), "who has the record can", r)
r = verify("good.cbor")
ok(r.code == 1 and r.failed()[0] == "sev.proof.known", "evidence of yesterday's guest, under today's record", r)
r = verify("good.cbor", record="yesterday.json")
ok(r.code == 0, "under yesterday's it is what it was", r)

r = attest("bad.cbor", fault="busy:1")
ok(r.code != 0 and "gives no report" in r.err, "busy: no evidence", r)
r = guest("sh", "-c", f"{ASSAY} attest --provider sev-es --nonce {NONCE} -o late.cbor || "
          f"{ASSAY} attest --provider sev-es --nonce {NONCE} -o late.cbor", fault="busy:1,slow:200ms")
ok(r.code == 0 and verify("late.cbor").code == 0, "and a moment later there is", r)

# Broken platforms are told by their chain.
new("broken", "--tee", "sev-es", "--seed", "7", "--broken", "no-cek")
attest("broken.cbor", platform="broken")
ok("sev.pek.cek_signature" in verify("broken.cbor", "broken").failed(), "a PEK that no CEK signed")
new("signature", "--tee", "sev-es", "--seed", "7", "--broken", "bad-signature")
attest("signature.cbor", platform="signature")
r = verify("signature.cbor", "signature")
ok(r.code == 1 and "sev.report.signature" in r.failed(), "a report that another key signed", r)
new("owned", "--tee", "sev-es", "--seed", "7", "--ext-owned")
attest("owned.cbor", platform="owned")
ok(verify("owned.cbor", "owned").code == 0, "an owner of its own is as good as none")
new("debug", "--tee", "sev-es", "--seed", "7", "--debug")
attest("debug.cbor", platform="debug")
ok("policy.debug" in verify("debug.cbor", "debug").failed(), "a guest that can be debugged")

r = attest("seen.cbor", options=["-v"])
ports = [int(port) for port in re.findall(r"vsock: port (\d+)", r.err)]
ok(r.code == 0 and len(ports) == 1 and 0 < ports[0] < 1024, f"the agent comes to the broker from a port of root's {ports}", r)

commands = set(map(int, re.findall(r"/dev/sev: command (\d+),", r.err)))
ok(5 in commands and commands <= {5, 8}, f"the broker gives /dev/sev PDH_CERT_EXPORT and GET_ID2, and nothing else {commands}", r)

# Plain SEV: the host can read what the proof is made of.
attest("weak.cbor", tee="sev")
r = verify("weak.cbor", "sev")
ok(r.code == 1 and r.json["claims"]["binding"] == "weak", "plain SEV is weak", r)
# Twenty at once.
r = guest("sh", "-c", f"for i in $(seq 20); do {ASSAY} attest --provider sev-es --nonce {NONCE} -o many.$i & done; wait")
ok(r.code == 0 and all(verify(f"many.{i + 1}").code == 0 for i in range(20)), "twenty at once", r)
ok(json.loads(read("sev-es/launch.json"))["launch"]["name"] == "vm", "the record is this run's")
done()
