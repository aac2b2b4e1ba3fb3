# SPDX-License-Identifier: Apache-2.0
"""The owner's way of docs/sev.md as it stands, under SEV-ES and under SEV; and evidence held against records that are not
of this guest. Arguments: assay, assay-sim, assay-brokerd, assay-agentd."""

import os
import re
import signal
import subprocess
import threading

from sandbox import ASSAY, ENV, FOLDER, PROGRAMS, ROOT, SIM, Result, allowed, done, ok, path, run

NONCE = "00112233445566778899aabbccddeeff"


def commands():
    with open(os.path.join(ROOT, "docs/sev.md"), encoding="utf-8") as page:
        text = page.read().split("\n## The launch record")[0]
    text = re.sub(r"^```.*?^```$", "", text, flags=re.M | re.S)  # what a real host does
    return "\n".join(re.findall(r"^(?:    (.*))?$", text, re.M))


def on_a_host():
    """The broker of a real host, as the page has it started."""
    with open(os.path.join(ROOT, "docs/sev.md"), encoding="utf-8") as page:
        blocks = re.findall(r"^```\n(.*?)^```$", page.read(), flags=re.M | re.S)
    return [line for block in blocks for line in block.replace("\\\n", "").splitlines() if line.startswith("assay-brokerd")]


# Leaks are looked for elsewhere: LeakSanitizer cannot look at a program that is traced.
env = dict(ENV, PATH=":".join([*(os.path.dirname(program) for program in (ASSAY, SIM, *PROGRAMS)), os.environ["PATH"]]),
           ASAN_OPTIONS="detect_leaks=0")


def walk(folder, *changes):
    script = commands()
    for old, new in changes:
        assert old in script, old
        script = script.replace(old, new)
    os.mkdir(folder)
    # The VMM goes on in the background when a command fails, and ends with its session.
    shell = subprocess.Popen(["bash", "-euo", "pipefail", "-c", script], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, text=True, cwd=folder, env=env, start_new_session=True)
    overdue = threading.Timer(120, os.killpg, (shell.pid, signal.SIGKILL))
    overdue.start()
    code = shell.wait()
    overdue.cancel()
    try:
        os.killpg(shell.pid, signal.SIGTERM)
    except ProcessLookupError:
        pass
    return Result(code, shell.stdout.read(), "")


def verify(folder, *args, evidence=None):
    return run("verify", "--json", "--nonce", NONCE, "--trust-root", f"{folder}/P/trust-root", *args,
               evidence or f"{folder}/e.cbor")


allowed()
r = walk("es")
steps = ["ACCEPTED  under your", "web.launch.json", "ACCEPTED  web: what was launched", "the guest's key",
         'AMD SEV-ES: genuine, allowed by policy "default"', "binding      vm"]
places = [r.out.find(step) for step in steps]
ok(r.code == 0 and -1 not in places and places == sorted(places), "SEV-ES: the page, step by step",
   r)
for line in on_a_host():
    words = line.replace("cek.cert", "P/collateral/cek.cert").replace("pid=PID", f"pid={os.getpid()}") + " --check"
    s = subprocess.run(["bash", "-c", words], capture_output=True, text=True, check=False, env=env, cwd=f"{FOLDER.name}/es")
    ok(s.returncode == 0, f"a real host's: {line}", s)
ok(len(on_a_host()) == 1, "the broker's command is there")
record = f"{FOLDER.name}/es/web.launch.json"
r = verify("es", "--launch", record)
ok(r.code == 0 and r.json["claims"]["binding"] == "vm" and r.check("sev.proof.known") == "pass", "its record", r)
r = verify("es", "--launch", record, "--signer", "es/web_owner.jwk")
ok(r.code == 0 and r.json["claims"]["sev"]["launch"]["signed"] is True and r.check("sev.launch.signer") != "skipped",
   "and its owner", r)

walk("other", ("--name web", "--name other"), ("web.launch.json", "other.launch.json"), ("./web", "./other"))
other = f"{FOLDER.name}/other/other.launch.json"
r = verify("es", "--launch", other)
ok(r.code == 1 and "sev.proof.known" in r.failed(), "the record of another guest", r)
r = verify("es", "--launch", record, "--signer", "other/other_owner.jwk")
ok(r.code in (1, 2) and "whose records are taken" in r.out + r.err, "the record of another owner", r)
r = verify("es", "--launch", record, evidence="other/e.cbor")
ok(r.code == 1 and "sev.proof.known" in r.failed(), "the evidence of another guest", r)
r = verify("es", "-c", "es/P/collateral")
ok(r.code == 1 and r.json["claims"]["binding"] == "none" and r.failed() == ["sev.policy.binding"], "no record", r)
with open(record, encoding="utf-8") as f:
    edited = path("edited.json", f.read().replace('"name":"web"', '"name":"wet"').encode())
r = verify("es", "--launch", edited)
ok(r.code in (1, 2) and "was altered after it was signed" in r.out + r.err, "a record edited", r)

r = walk("sev", ("--tee sev-es", "--tee sev"), ("0xf ", "0xb "), ("--vcpus 1 --vcpu-type EPYC-Milan", ""))
ok(r.code == 1 and 'AMD SEV: genuine, but policy "default" does not allow it' in r.out and
   "binding      weak" in r.out, "SEV: refused by the default", r)
weak = path("weak.policy", b"for sev\n  require instance binding == weak\n  require configuration debug == false\n")
r = verify("sev", "--launch", f"{FOLDER.name}/sev/web.launch.json", "-p", weak)
ok(r.code == 0, "SEV: accepted by who takes it so", r)
done()
