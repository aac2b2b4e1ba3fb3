# SPDX-License-Identifier: Apache-2.0
"""The whole: an operator stores secrets in assayd, and guests get them, or are told which rule says no.
Arguments: assay, assay-sim, assayd, assay-credential."""

import atexit
import base64
import importlib.util
import json
import os
import shutil
import socket
import subprocess
import threading

from sandbox import ASSAY, ENV, FOLDER, PROGRAMS, ROOT, Result, allowed, done, inside, new, ok, path, read, run
from service import SIM

allowed()
spec = importlib.util.spec_from_file_location("server_harness", f"{ROOT}/tests/server/harness.py")
harness = importlib.util.module_from_spec(spec)
spec.loader.exec_module(harness)

SECRET = bytes(range(256))
PATH = "demo/key/disk"
URI = f"kbs:///{PATH}"
path("secret", SECRET)
for name, args in (("tdx", ["--tee", "tdx"]), ("snp", ["--tee", "snp"]), ("snp-debug", ["--tee", "snp", "--debug"]),
                   ("snp-forged", ["--tee", "snp", "--broken", "bad-signature"])):
    new(name, *args, "--seed", "7")

server = harness.Server(PROGRAMS[0], "--trust-root", f"{FOLDER.name}/tdx/trust-root", "--trust-root",
                        f"{FOLDER.name}/snp/trust-root", listen=("tcp:127.0.0.1:0", f"unix:{FOLDER.name}/assayd.sock"))
atexit.register(server.stop)
OPERATOR = {"ASSAY_URL": server.url, "ASSAY_ADMIN_KEY": server.admin_key}
ENV.update(ASSAY_URL=server.url)


def operator(*args, **more):
    return run(*args, env=OPERATOR, **more)


def get(guest, uri=URI, *args):
    if os.path.exists("out"):
        os.unlink("out")
    return inside(guest, ASSAY, "key", "get", "-o", "out", *args, uri)


def given(r, secret=SECRET):
    return r.code == 0 and r.err == "" and read("out") == secret


def not_given(r, *words):
    return r.code == 1 and not os.path.exists("out") and all(word in r.err for word in words)


for folder in ("tdx", "snp", "snp-debug"):
    r = operator("collateral", "push", f"{FOLDER.name}/{folder}/collateral")
    ok(r.code == 0, f"collateral of {folder} is pushed", r)
r = operator("secret", "put", PATH, "secret")
ok(r.code == 0, "a secret is stored", r)
r = operator("secret", "put", "--resource-file", "secret", "--path", "demo/key/spelt")
ok(r.code == 0 and "demo/key/spelt" in operator("secret", "list").out, "one more, as kbs-client has it", r)
r = operator("secret", "put", "--new", PATH, "secret")
ok(r.code == 1 and "version" in r.err, "but not as a new one again", r)

# --- who gets it ---------------------------------------------------------------------------------------
for guest in ("tdx", "snp"):
    for n in range(2):
        r = get(guest)
        ok(given(r), f"{guest}: gets it, {n}", r)
r = get("snp", URI, "--url", f"unix:{FOLDER.name}/assayd.sock")
ok(given(r), "by a Unix socket", r)
r = get("snp-debug")
ok(not_given(r, "the broker refuses", "debug"), "debug: refused, by the rule", r)
r = get("snp-forged")
ok(not_given(r, "the broker refuses this machine's evidence", "snp.report.signature", ". Refuse"), "forged: not genuine", r)
new("tdx-stranger", "--tee", "tdx", "--seed", "8")
r = get("tdx-stranger")
ok(not_given(r, "dcap.root.pinned", "For the operator of assayd: Refuse this evidence.", "with --trust-root"),
   "under a root that the server does not have: whose option --trust-root is", r)
r = get("snp", "kbs:///demo/key/none")
ok(not_given(r, "the broker has no such thing as demo/key/none"), "no such secret", r)
r = run("key", "get", "-o", "out", URI, env={"ASSAY_URL": server.url})
ok(r.code == 3 and not os.path.exists("out"), "outside of a TEE: exit 3", r)

# --- policies ------------------------------------------------------------------------------------------
policy = 'policy "{}"\nfor snp\n  require executables  measurement == {}\n'
other = "00" * 48
inside("snp", ASSAY, "attest", "--random", "-o", "evidence")
claims = run("verify", "--claims", "--trust-root", "snp/trust-root", "-c", "snp/collateral", "evidence").json
r = operator("policy", "push", "mine", path("mine", policy.format("mine", other).encode()))
ok(r.code == 0, "a policy is pushed", r)
r = operator("secret", "put", "--policy", "mine", "demo/key/mine", "secret")
ok(r.code == 0, "a secret under it", r)
r = get("snp", "kbs:///demo/key/mine")
ok(not_given(r, "the broker refuses demo/key/mine", "measurement"), "another measurement: refused, by the rule", r)
r = operator("policy", "push", "mine", path("mine", policy.format("mine", claims["measurement"]).encode()))
ok(r.code == 0, "the policy is changed", r)
r = get("snp", "kbs:///demo/key/mine")
ok(given(r), "this measurement: gets it", r)
r = get("tdx", "kbs:///demo/key/mine")
ok(not_given(r, "the broker refuses demo/key/mine"), "a TEE that the policy says nothing of: refused", r)
r = operator("secret", "put", "--policy", "genuine", "demo/key/any", "secret")
ok(given(get("snp-debug", "kbs:///demo/key/any")), "a looser policy lets the debug machine have its secret")

# --- sealed --------------------------------------------------------------------------------------------
note = "sealed.fakejwsheader." + base64.urlsafe_b64encode(json.dumps(
    {"version": "0.1.0", "type": "vault", "name": URI, "provider": "kbs", "provider_settings": {}}).encode()).decode().rstrip(
    "=") + ".fakesignature"
r = inside("snp", ASSAY, "key", "unseal", "--unsigned", "-o", "unsealed", note)
ok(r.code == 0 and read("unsealed") == SECRET, "unseal", r)

# --- a disk --------------------------------------------------------------------------------------------
tools = [t for t in ("clevis", "clevis-luks-bind", "jose", "cryptsetup")
         if shutil.which(t, path=os.environ["PATH"] + ":/sbin:/usr/sbin") is None]
if tools:
    print("# no disk is bound: install", *tools)
else:
    os.makedirs("bin")
    for file in (ASSAY, f"{ROOT}/packaging/clevis/clevis-encrypt-assay", f"{ROOT}/packaging/clevis/clevis-decrypt-assay"):
        os.symlink(os.path.abspath(file), f"bin/{os.path.basename(file)}")
    ENV["PATH"] = os.environ["PATH"] = f"{FOLDER.name}/bin:{os.environ['PATH']}:/sbin:/usr/sbin"
    ENV["HOME"] = FOLDER.name

    def sh(text, **env):
        r = subprocess.run(["bash", "-c", text], stdin=subprocess.DEVNULL, capture_output=True, env={**ENV, **env},
                           timeout=120, check=False)
        return Result(r.returncode, r.stdout.decode("utf-8", "replace"), r.stderr.decode("utf-8", "replace"))

    with open("img", "wb") as file:
        file.truncate(20 << 20)
    config = json.dumps({"url": server.url, "resource": "demo/disk/one", "policy": "mine"})
    sh("printf old | cryptsetup luksFormat -q --type luks2 --pbkdf pbkdf2 --pbkdf-force-iterations 1000 img -")
    r = sh(f"printf old | clevis luks bind -y -k - -d img assay '{config}'", ASSAY_ADMIN_KEY=server.admin_key)
    ok(r.code == 0, "an operator binds a disk, and a key is made for it", r)
    r = operator("secret", "list")
    ok("demo/disk/one" in r.out, "which assayd keeps", r)
    r = sh(f"printf old | clevis luks bind -y -k - -d img assay '{config}'", ASSAY_ADMIN_KEY=server.admin_key)
    ok(r.code != 0 and "no new key was stored as demo/disk/one" in r.err, "a second one in its place is not made", r)
    r = inside("snp", "clevis", "luks", "pass", "-d", "img", "-s", "1")
    opened = subprocess.run(["cryptsetup", "open", "--test-passphrase", "--key-file=-", "--key-slot", "1", "img"],
                            input=r.out.encode(), capture_output=True, check=False)
    ok(r.code == 0 and len(r.out) > 20 and opened.returncode == 0, "clevis luks pass in a SEV-SNP guest, and it opens", r)
    r = sh("clevis luks pass -d img -s 1")
    ok(r.code != 0 and r.out == "" and "no TEE here" in r.err, "and not outside", r)
    r = inside("tdx", "clevis", "luks", "pass", "-d", "img", "-s", "1")
    ok(r.code != 0 and r.out == "" and "the broker refuses demo/disk/one" in r.err, "and not in another TEE", r)

# --- a credential --------------------------------------------------------------------------------------
path("credential.conf", f"url = {server.url}\n[web.service/key]\nresource = {PATH}\n".encode())
listener = socket.socket(socket.AF_UNIX)
listener.bind(f"{FOLDER.name}/socket")
listener.listen()
client = socket.socket(socket.AF_UNIX)
client.bind("\0abc/unit/web.service/key")
client.connect(f"{FOLDER.name}/socket")
peer, _ = listener.accept()
r = subprocess.run([SIM, "run", "--tee", "snp", "--platform", "snp", "--", PROGRAMS[1], "--config", "credential.conf"],
                   stdin=peer, capture_output=True, env={**ENV, "ASAN_OPTIONS": "detect_leaks=0"}, check=False)
peer.close()
ok(r.returncode == 0 and client.makefile("rb").read() == SECRET, "a credential of a unit", r)

# --- many at once, and what was written down -------------------------------------------------------------
results = []
threads = [threading.Thread(target=lambda n=n: results.append(inside(
    ("snp", "tdx")[n % 2], ASSAY, "key", "get", "-o", f"out-{n}", URI))) for n in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
ok(all(r.code == 0 for r in results) and all(read(f"out-{n}") == SECRET for n in range(8)), "eight guests at once", results)
r = operator("audit", "list")
ok(r.code == 0 and PATH in r.out, "the audit has rows", r)
r = operator("audit", "verify")
ok(r.code == 0 and "chain whole" in r.out, "and its chain is whole", r)
# The vendor asks for more than this machine has: what was right is now out of date.
new("tdx-late", "--tee", "tdx", "--seed", "7", "--tcb", "OutOfDate")
r = operator("collateral", "push", f"{FOLDER.name}/tdx-late/collateral")
ok(r.code == 0, "newer collateral is pushed", r)
r = get("tdx")
ok(not_given(r, f"assay key get: the broker refuses {PATH}", "tcb.status", "OutOfDate"), "out of date: refused, by the rule", r)
r = operator("secret", "rm", "--yes", PATH)
ok(r.code == 0 and not_given(get("snp"), "the broker has no such thing as"), "a secret that is removed", r)
done()
