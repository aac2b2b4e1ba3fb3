# SPDX-License-Identifier: Apache-2.0
"""assay launch: platform, session, check, secret; the VMM is a socket of this test's own."""

import base64
import hashlib
import hmac
import json
import os
import shutil
import socket
import stat
import struct
import subprocess
import sys
import tempfile
import threading
import time
import uuid

from harness import ASSAY, FOLDER, done, fits, ok, path, run, vectors

SIM = os.path.abspath(sys.argv[2])
POLICY = 0x2801000f  # NODBG NOKS ES NOSEND, API 1.40
DIGEST = bytes(range(32))
KEY_GUID = "c2b5a1f0-6f0e-4d0a-9d57-1f4b7c6e0a35"
DISK_GUID = "736869e5-84f0-4973-92ec-06879ce3da0b"


def at(*names):
    return os.path.join(FOLDER.name, *names)


def content(*names):
    with open(at(*names), "rb") as f:
        return f.read()


def record(name):
    return json.loads(content(f"{name}.launch.json"))["launch"]


subprocess.run([SIM, "new", "--tee", "sev-es", "--seed", "7", at("P")], check=True,
               capture_output=True)
subprocess.run([SIM, "new", "--tee", "sev-es", "--seed", "8", at("Q")], check=True,
               capture_output=True)
ROOT = ["--trust-root", at("P/trust-root")]
CHAIN = [at("P/collateral")]
CERT = {n: content("P/collateral", f"{n}.cert") for n in ("pdh", "pek", "oca", "cek", "ask")}


# --- verify-platform ------------------------------------------------------------------------

def platform(*args):
    return run("launch", "verify-platform", *args)


r = platform(*ROOT, *CHAIN)
ok(r.code == 0 and r.out.startswith("ACCEPTED  under your --trust-root") and fits(r.out),
   "verify-platform: a folder", r)
ok("binding" not in r.out, "verify-platform: a platform is bound to no guest", r)
whole = path("chain.bin", CERT["pdh"] + CERT["pek"] + CERT["oca"] + CERT["cek"] + CERT["ask"])
ok(platform(*ROOT, whole).code == 0, "verify-platform: one file")
text = path("chain.b64", base64.encodebytes(CERT["pdh"] + CERT["pek"] + CERT["oca"] + CERT["cek"]))
ok(platform(*ROOT, text, path("ask", CERT["ask"])).code == 0, "verify-platform: base64 in lines")
r = platform("--json", *ROOT, whole)
ok(r.json["verdict"] == "accepted" and r.json["genuine"] is True and
   r.check("sev.pdh.signature") == "pass", "verify-platform: --json", r)
owner = hashlib.sha256(CERT["oca"][0x10:0x414]).hexdigest()
ok(r.json["claims"]["sev"]["oca_key_digest"] == owner, "verify-platform: whose platform it is", r)
four = path("four", b"".join(CERT[n] for n in ("pdh", "pek", "oca", "cek")))
for digest, code in ((owner, 0), (hashlib.sha256(CERT["pek"][0x10:0x414]).hexdigest(), 1)):
    mine = path("mine.policy", f'policy "mine"\nfor sev\n  require hardware sev.oca_key_digest == {digest}\n'.encode())
    r = run("verify", *ROOT, "-c", *CHAIN, "-p", mine, four)
    ok(r.code == code, f"a policy names the platform's owner: {code}", r)
r = platform(*CHAIN)
ok(r.code == 1 and "sev.a" in r.out, "verify-platform: not AMD's", r)
unsigned = CERT["cek"][:0x414] + (struct.pack("<II", 0x1000, 0) + bytes(512)) * 2
r = platform(*ROOT, path("exported", CERT["pdh"] + CERT["pek"] + CERT["oca"] + unsigned))
ok(r.code == 1 and "bring AMD's from the KDS" in " ".join(r.out.split()),
   "verify-platform: the CEK as the platform exports it", r)
r = platform(*ROOT, path("exported", CERT["pdh"] + CERT["pek"] + CERT["oca"] + unsigned),
             path("amds", CERT["cek"]), path("ask", CERT["ask"]))
ok(r.code == 0, "verify-platform: and AMD's beside it", r)
hollow = CERT["cek"][:0x41c] + bytes(len(CERT["cek"]) - 0x41c)  # the slot says ASK, and nothing is in it
for words, parts in (("first", (hollow, CERT["cek"])), ("last", (CERT["cek"], hollow))):
    files = [path(f"part{i}", part) for i, part in enumerate((*parts, CERT["ask"]))]
    r = platform(*ROOT, path("exported", CERT["pdh"] + CERT["pek"] + CERT["oca"]), *files)
    ok(r.code == 0, f"verify-platform: a CEK that only says that AMD signed it, {words}", r)
    r = platform(*ROOT, path("exported", b"".join((CERT["ask"], *parts, CERT["pdh"], CERT["pek"], CERT["oca"]))))
    ok(r.code == 0, f"verify-platform: the same in one file, {words}", r)
    r = run("verify", *ROOT, *(w for file in files for w in ("-c", file)), "-p", "genuine",
            path("three", CERT["pdh"] + CERT["pek"] + CERT["oca"]))
    ok(r.code == 0, f"verify: the same as collateral, {words}", r)
r = run("verify", *ROOT, *(w for file in files for w in ("-c", file)), "-p", "genuine",
        path("whole", CERT["pdh"] + CERT["pek"] + CERT["oca"] + hollow))
ok(r.code == 0, "verify: it came along, and AMD's is in the collateral", r)
r = platform(*ROOT, path("exported", CERT["pdh"] + CERT["pek"] + CERT["oca"] + hollow), path("ask", CERT["ask"]))
ok(r.code == 1 and "sev.cek.signature" in r.out, "verify-platform: such a CEK alone", r)
many = b"".join(hollow[:0x420] + bytes([i]) + hollow[0x421:] for i in range(64))
r = platform(*ROOT, path("exported", CERT["ask"] + CERT["pdh"] + CERT["pek"] + CERT["oca"] + many + CERT["cek"]))
ok(r.code == 1 and "sev.cek.signature" in r.out, "verify-platform: not more of them are tried than can be borne", r)
for name in ("pdh", "pek", "oca", "cek"):
    rest = b"".join(CERT[n] for n in ("pdh", "pek", "oca", "cek") if n != name)
    r = platform(*ROOT, path("rest", rest))
    ok(r.code == 3 and f"the chain lacks: {name.upper()};" in r.err, f"verify-platform: no {name}", r)
other = {n: content("Q/collateral", f"{n}.cert") for n in ("pdh", "pek", "oca")}
for name, check in (("pdh", "sev.pdh.signature"), ("pek", "sev.pek.cek_signature"),
                    ("oca", "sev.pek.oca_signature")):
    parts = {**CERT, name: other[name]}
    r = platform("--json", *ROOT, path("mixed", b"".join(parts[n] for n in CERT)))
    ok(r.code == 1 and check in r.failed(), f"verify-platform: {name} of another platform", r.failed())
r = platform(*ROOT, whole, path("pek2", other["pek"]))
ok(r.code == 2 and "there is a second PEK" in r.err, "verify-platform: two PEKs", r)
r = platform(*ROOT, path("junk", b"junk"))
ok(r.code == 2 and "stands no PDH" in r.err, "verify-platform: no certificate", r)
r = platform(*ROOT, path("cut", CERT["pdh"][:-1]))
ok(r.code == 2 and "at byte 0 of 2083" in r.err, "verify-platform: a certificate cut short", r)


# --- session --------------------------------------------------------------------------------

def session(name, *args, policy="0x2801000f", chain=None):
    return run("launch", "session", "--guest-policy", policy, "--name", name, *args, *ROOT,
               *(chain or CHAIN))


r = session("web")
ok(r.code == 0 and r.err == "" and fits(r.out) and "web_owner.pem" in r.out, "session", r)
# The forms of sevctl: base64 in one line without an end, keys of 16 bytes.
for suffix, size in (("godh.b64", 2084), ("session.b64", 128)):
    text = content(f"web_{suffix}")
    ok(len(base64.b64decode(text, validate=True)) == size and len(text) == (size + 2) // 3 * 4,
       f"session: web_{suffix} is base64 of {size} bytes", text[:60])
for suffix in ("tek.bin", "tik.bin", "owner.pem"):
    ok(stat.S_IMODE(os.stat(at(f"web_{suffix}")).st_mode) == 0o600, f"session: web_{suffix} is 0600")
ok(len(content("web_tek.bin")) == len(content("web_tik.bin")) == 16 and
   content("web_tek.bin") != content("web_tik.bin"), "session: two keys of 16 bytes")
godh = base64.b64decode(content("web_godh.b64"))
ok(struct.unpack_from("<IBBHIII", godh) == (1, 0, 0, 0, 0x1003, 3, 2) and
   struct.unpack_from("<I", godh, 0x414)[0] == struct.unpack_from("<I", godh, 0x61c)[0] == 0x1000,
   "session: an owner's certificate, P-384, unsigned", godh[:24].hex())
blob = base64.b64decode(content("web_session.b64"))
ok(blob[96:] == hmac.new(content("web_tik.bin"), struct.pack("<I", POLICY), hashlib.sha256).digest(),
   "session: the MAC of the policy")
got = record("web")
ok(got["stage"] == "session" and got["tee"] == "sev-es" and got["policy"] == POLICY and
   base64.b64decode(got["chain"]["cek"]) == CERT["cek"] and "digest" not in got and "key" not in got
   and abs(got["created"] - time.time()) < 600, "session: its record", got)
r = run("launch", "session", "--guest-policy", "0xf", "--name", "bad", *CHAIN)
ok(r.code == 1 and "no session for this platform: sev.a" in r.err and
   not os.path.exists(at("bad.launch.json")) and not os.path.exists(at("bad_tek.bin")),
   "session: not for a platform that is not genuine", r)
r = session("hollow", chain=[path("hollow", CERT["ask"] + CERT["oca"] + hollow + CERT["pek"] + CERT["pdh"]),
                             path("amds", CERT["cek"])])
ok(r.code == 0 and base64.b64decode(record("hollow")["chain"]["cek"]) == CERT["cek"],
   "session: AMD's CEK is in the record, whichever was read first", r)
genuine = platform("--json", *ROOT, *CHAIN).json["claims"]["platform_id"]
r = session("bad", "--platforms", path("deny.lst", f"deny cek {genuine}\n".encode()))
ok(r.code == 1 and "no session for this platform: platform.listed: cek " in r.err and "is on the deny list" in r.err and
   "AMD's" not in r.err, "session: not for a platform on the deny list", r)
r = session("bad", chain=[path("rest", CERT["pdh"] + CERT["pek"])])
ok(r.code == 3 and "OCA, CEK" in r.err, "session: not without the whole chain", r)
r = session("web")
ok(r.code == 2 and "is there already; a session is for one launch" in r.err, "session: once a name", r)
# The record may be where its verifiers are: what is beside it is no less the first session's.
ok(session("moved").code == 0, "a session")
os.unlink(at("moved.launch.json"))
for suffix, words in (("tek.bin", "a session is for one launch"), ("tik.bin", "a session is for one"),
                      ("owner.pem", "give it as --key, or take another name")):
    before = content(f"moved_{suffix}")
    r = session("moved")
    ok(r.code == 2 and f"moved_{suffix} is there already; {words}" in r.err and
       content(f"moved_{suffix}") == before, f"session: moved_{suffix} is not written over", r)
    if suffix != "owner.pem":
        os.unlink(at(f"moved_{suffix}"))
r = session("moved", "--key", at("moved_owner.pem"))
ok(r.code == 0 and content("moved_owner.pem") == before, "session: a name again, with its owner's key", r)


def begin(*args):
    """The command, which goes on beside the test."""
    return subprocess.Popen([ASSAY, "launch", *args], cwd=FOLDER.name, stdout=subprocess.DEVNULL,
                            stderr=subprocess.PIPE, text=True)


# Two at once: the second has looked at the name, and still reads its chain, when the first is done.
os.mkfifo(at("slow"))
for name, gone, words in (("twin", (), "twin_tek.bin is there already; a session is for one"),
                          ("done", ("done_tek.bin", "done_tik.bin"), "done.launch.json is there already")):
    second = begin("session", "--guest-policy", "0xf", "--name", name, *ROOT, at("slow"))
    with open(at("slow"), "wb") as chain:
        r = session(name)
        for n in gone:
            os.unlink(at(n))
        before = {n: content(n) for n in os.listdir(FOLDER.name) if n.startswith(name)}
        chain.write(content("chain.bin"))
    err = second.communicate(timeout=60)[1]
    after = {n: content(n) for n in os.listdir(FOLDER.name) if n.startswith(name)}
    ok(r.code == 0 and second.returncode == 2 and words in err and after == before and
       len(after) == 7 - len(gone), f"session: the second of one name: {words}", (r, err, sorted(after)))
# A name whose session could not be made is free.
rsa = path("rsa.pem", subprocess.run(["openssl", "genpkey", "-algorithm", "RSA"], capture_output=True,
                                     check=True).stdout)
os.chmod(rsa, 0o600)
r = session("free", "--key", rsa)
ok(r.code == 2 and not os.path.exists(at("free_tek.bin")), "session: an owner's key of a kind that signs no record", r)
os.mkdir(at("free_session.b64"))
r = session("free")
ok(r.code == 4 and "free_session.b64: cannot be written" in r.err and
   not any(os.path.exists(at(f"free{n}")) for n in ("_tek.bin", "_tik.bin", "_owner.pem", ".launch.json")),
   "session: a file that cannot be written", r)
os.rmdir(at("free_session.b64"))
r = session("free")
ok(r.code == 0, "session: and then it can be", r)
for args, words in ((["bad/x"], "is no name"), ([".bad"], "name: \".bad\" is none"),
                    (["bad", "-o", at("nowhere")], "is no folder")):
    r = session(*args)
    ok(r.code == 2 and words in r.err, f"session: {words}", r)
for policy, words in (("0x47", "bits of 6 to 15"), ("zz", "is no hex number"), ("", "is no hex"),
                      ("0x123456789", "is no hex number"), ("-1", "is no hex number"),
                      ("0x0xf", "is no hex number"), ("\tf", "is no hex number"), ("0x", "is no hex number")):
    r = session("bad", policy=policy)
    ok(r.code == 2 and words in r.err, f"session: policy {policy!r}: {words}", r)
r = session("debug", policy="0x4")
ok(r.code == 0 and "0x4 lets the host read and write the guest" in r.err, "session: debugging allowed", r)
os.mkdir(at("sub"))
r = session("db", "-o", at("sub"), "--key", at("web_owner.pem"), policy="1")
ok(r.code == 0 and not os.path.exists(at("sub/db_owner.pem")) and
   json.loads(content("sub/db.launch.json"))["launch"]["tee"] == "sev",
   "session: in a folder, under a key that is there, of plain SEV", r)


# --- check ----------------------------------------------------------------------------------

def measure(name, nonce=b"n" * 16, api=(1, 55, 24), policy=POLICY, digest=DIGEST, tik=None):
    key = tik or content(f"{name}_tik.bin")
    text = bytes([4, *api]) + struct.pack("<I", policy) + digest + nonce
    return hmac.new(key, text, hashlib.sha256).digest() + nonce


def check(name, *args, digest=DIGEST):
    return run("launch", "check", "--launch", at(f"{name}.launch.json"), "--digest", digest.hex(),
               *args)


def offline(name, answer, *args, api=(1, 55, 24), **more):
    return check(name, "--measurement", answer.hex(), "--api-major", str(api[0]), "--api-minor",
                 str(api[1]), "--build-id", str(api[2]), *args, **more)


GOOD = measure("web")
before = content("web.launch.json")
WRONG = "is not that of the expected digest"
for what, r in (("of another nonce", offline("web", GOOD[:32] + b"m" * 16)),
                ("of another policy", offline("web", measure("web", policy=POLICY & ~1))),
                ("of another digest", offline("web", measure("web", digest=bytes(32)))),
                ("of another build", offline("web", measure("web", api=(1, 55, 25)))),
                ("of another session", offline("web", measure("web", tik=bytes(16))))):
    ok(r.code == 1 and r.out.startswith("REFUSED  web: do not give") and
       WRONG in " ".join(r.out.split()) and fits(r.out), f"check: a MEASURE {what}", r)
r = offline("web", GOOD, api=(1, 39, 24))
ok(r.code == 1 and "the guest policy asks for 1.40" in " ".join(r.out.split()),
   "check: older than the policy", r)
r = offline("web", GOOD, "--min-api", "1.55.25")
ok(r.code == 1 and "its owner asks for 1.55 build 25" in " ".join(r.out.split()),
   "check: older than --min-api", r)
ok(content("web.launch.json") == before, "check: what was refused is not in the record")
for args, words in ((["--min-api", "1"], "is no version"), (["--min-api", "1.256"], "is no version"),
                    (["--min-api", "1.2.3.4"], "is no version"),
                    (["--measurement", "00"], "is 1 bytes, want 48"),
                    (["--measurement", GOOD.hex()], "goes with --api-major"),
                    ([], "one of the two: --qmp"),
                    (["--qmp", "unix:x", "--measurement", "00"], "one of the two"),
                    (["--qmp", "/tmp/x"], "is none of unix:PATH"),
                    (["--qmp", "tcp:host"], "is none of unix:PATH and tcp:HOST:PORT")):
    r = check("web", *args)
    ok(r.code == 2 and words in r.err, f"check: {words}", r)
r = run("launch", "check", "--measurement", GOOD.hex(), "--launch", at("web.launch.json"))
ok(r.code == 2 and "what is expected is missing" in r.err, "check: nothing expected", r)
r = check("web", digest=bytes(31))
ok(r.code == 2 and "--digest: is 31 bytes, want 32" in r.err, "check: half a digest", r)

# Records that are not this owner's own.
edited = json.loads(before)
edited["launch"]["policy"] = POLICY ^ 8
path("edited.launch.json", json.dumps(edited).encode())
shutil.copy(at("web_tik.bin"), at("edited_tik.bin"))
r = offline("edited", GOOD, "--key", at("web_owner.pem"))
ok(r.code == 1 and "was altered after it was signed" in r.err, "check: a record edited", r)
ok(session("mallory").code == 0, "another owner")
shutil.copy(at("web_owner.jwk"), at("jwk.launch.json"))
r = offline("jwk", GOOD)
ok(r.code == 2 and "launch record: has no object" in r.err, "check: a file of another kind", r)
r = offline("web", GOOD, "--key", at("mallory_owner.pem"))
ok(r.code == 1 and "none of the 1 whose records are taken" in r.err,
   "check: a record of another signer", r)
os.rename(at("web_owner.pem"), at("kept.pem"))
r = offline("web", GOOD)
ok(r.code == 2 and "--key is missing" in r.err, "check: without the owner's key", r)
os.rename(at("kept.pem"), at("web_owner.pem"))
os.chmod(at("web_tik.bin"), 0o644)
r = offline("web", GOOD)
ok(r.code == 2 and "web_tik.bin" in r.err, "check: a key that others can read", r)
os.chmod(at("web_tik.bin"), 0o600)

r = offline("web", GOOD)
ok(r.code == 0 and r.out.startswith("ACCEPTED  web: what was launched is what you expect") and
   "API 1.55, build 24" in r.out and "not checked" not in r.out and fits(r.out), "check", r)
got = record("web")
ok(got["stage"] == "checked" and got["digest"] == DIGEST.hex() and got["measure"] == GOOD[:32].hex()
   and got["mnonce"] == GOOD[32:].hex() and got["api"] == {"major": 1, "minor": 55, "build": 24},
   "check: what the record says", got)
r = offline("web", GOOD, "--json")
ok(r.code == 0 and r.json["verdict"] == "accepted" and r.json["got"] == GOOD[:32].hex() and
   r.json["expected"] == r.json["got"] and r.json["why"] is None, "check: again, --json", r)
for option, value in (("kernel", "vmlinuz"), ("append", "quiet"), ("ovmf", "f"), ("vcpus", "1"),
                      ("vcpu-family", "25"), ("vcpu-model", "1"), ("vcpu-stepping", "1")):
    r = offline("web", GOOD, f"--{option}", value)
    ok(r.code == 2 and f"--{option}: --digest says all that is measured; leave it away" in r.err,
       f"check: --digest and --{option}, which nobody would look at", r)
r = check("web", "--qmp", "unix:q", "--api-major", "1")
ok(r.code == 2 and "--api-major: with --qmp the VMM says it" in r.err, "check: a version beside --qmp", r)
r = offline("web", measure("web", nonce=b"o" * 16))
ok(r.code == 1 and "this session has launched a guest already" in " ".join(r.out.split()) and
   record("web")["stage"] == "checked", "check: the session reused", r)
# The last word counts: who asks for more, and does not get it, has accepted nothing.
for what, args, more in (("firmware", ["--min-api", "1.56"], {}),
                         ("another digest", [], {"digest": bytes(32)})):
    r = offline("web", GOOD, *args, **more)
    got = record("web")
    ok(r.code == 1 and r.out.startswith("REFUSED") and got["stage"] == "session" and "measure" not in got,
       f"check: accepted before, and not with {what}", r)
    r = run("launch", "secret", "--launch", at("web.launch.json"), "-o", FOLDER.name)
    ok(r.code == 1 and "was not checked yet, or refused by the last check" in r.err and
       os.path.exists(at("web_tek.bin")), f"secret: not after {what} was asked for", r)
    ok(offline("web", GOOD).code == 0 and record("web")["stage"] == "checked", "check: accepted again")
# sevctl's spellings: base64 as it is, or a file of it.
for form in (base64.b64encode(GOOD).decode(), path("blob", base64.b64encode(GOOD)),
             path("blob.bin", GOOD)):
    r = check("web", "--launch-measure-blob", form, "--api-major", "01", "--api-minor", "55",
              "--build-id", "24", "--tik", at("web_tik.bin"))
    ok(r.code == 0, "check: --launch-measure-blob", r)
r = run("launch", "check", "--launch", at("sub/db.launch.json"), "--key", at("web_owner.pem"),
        "--digest", DIGEST.hex(), "--measurement",
        measure("sub/db", policy=1, api=(0, 24, 1)).hex(), "--api-major", "0", "--api-minor", "24", "--build-id", "1")
ok(r.code == 0 and "not checked: the firmware's age (give --min-api)" in r.out,
   "check: no floor was named", r)


# The vCPUs' model, as `assay measure sev-es` takes it.
BOOT = ["--ovmf", at("P/firmware.fd"), "--vcpus", "1"]
milan = bytes.fromhex(run("measure", "sev-es", *BOOT, "--vcpu-type", "EPYC-Milan").out)
ok(session("model").code == 0, "a session")
for args, code, words in (([], 2, "give --vcpu-type, --vcpu-sig or --vcpu-family"),
                          (["--vcpu-family", "25"], 2, "--vcpu-family, --vcpu-model and --vcpu-stepping go together"),
                          (["--vcpu-family", "25", "--vcpu-model", "1", "--vcpu-stepping", "2"], 1, "something else"),
                          (["--vcpu-family", "25", "--vcpu-model", "1", "--vcpu-stepping", "1"], 0, "ACCEPTED model")):
    r = run("launch", "check", "--launch", at("model.launch.json"), "--measurement",
            measure("model", digest=milan).hex(), "--api-major", "1", "--api-minor", "55", "--build-id", "24",
            *BOOT, *args)
    ok(r.code == code and words in " ".join((r.out + r.err).split()), f"check: the model of the vCPUs: {words}", r)
# A digest that was written to a file is hex.
path("d", DIGEST.hex().encode() + b"\n")
r = run("launch", "check", "--launch", at("web.launch.json"), "--digest", "@d", "--qmp", "unix:q")
ok(r.code == 2 and "is 65 bytes, at most 32 fit; a file is taken as raw bytes: if it holds hex, give \"$(cat FILE)\"" in
   r.err, "check: --digest with a file of hex", r)


# --- a VMM ----------------------------------------------------------------------------------

class Vmm(threading.Thread):
    """QEMU as far as an owner sees it, with events where it likes to send them."""

    def __init__(self, name, session_name, **how):
        super().__init__(daemon=True)
        self.path, self.how, self.seen, self.reached = at(name), how, [], threading.Event()
        self.state = how.get("state", "launch-secret")
        self.measure = how.get("measure") or measure(session_name)
        if os.path.exists(self.path):
            os.unlink(self.path)
        if how.get("tcp"):
            self.listener = socket.create_server(("127.0.0.1", 0))
            self.address = f"tcp:127.0.0.1:{self.listener.getsockname()[1]}"
        else:
            self.listener = socket.socket(socket.AF_UNIX)
            self.listener.bind(self.path)
            self.address = f"unix:{self.path}"
        self.listener.listen(4)
        self.start()

    def run(self):
        while True:
            peer, _ = self.listener.accept()
            try:
                self.serve(peer)
            except (BrokenPipeError, ConnectionResetError, ValueError):
                pass
            peer.close()

    def serve(self, peer):
        def say(obj):
            data = json.dumps(obj).encode() + b"\r\n"
            for part in (data[:7], data[7:]):
                peer.sendall(part)
                time.sleep(0.001)

        if "gate" in self.how:
            self.reached.set()
            self.how["gate"].wait(60)
        say(self.how.get("greeting", {"QMP": {"version": {}, "capabilities": []}}))
        if self.how.get("mute"):
            time.sleep(30)
        for _ in range(self.how.get("flood", 0)):
            peer.sendall(b'{"event": "RESET", "timestamp": {}}\r\n')
        if self.how.get("long"):
            peer.sendall(b"[" * (2 << 20))
        for line in peer.makefile():
            ask = json.loads(line)
            name = ask["execute"]
            self.seen.append((name, ask.get("arguments")))
            say({"event": "RTC_CHANGE", "data": {"return": 7}, "timestamp": {}})
            if name in self.how.get("errors", ()):
                say({"id": ask["id"], "error": {"class": "GenericError", "desc": "no \x1b[31mluck"}})
                continue
            answer = {}
            if name == "query-sev":
                answer = {"enabled": True, "api-major": 1, "api-minor": 55, "build-id": 24,
                          "policy": self.how.get("policy", POLICY), "state": self.state, "handle": 1,
                          "sev-type": self.how.get("type", "sev")}
                answer.update(self.how.get("sev", {}))
            elif name == "query-sev-launch-measure":
                answer = {"data": base64.b64encode(self.measure).decode()}
            elif name == "cont":
                self.state = "running"
            say({"id": ask["id"], "return": answer})

    def named(self):
        return [name for name, _ in self.seen]


def by_qmp(name, vmm, *args):
    return check(name, "--qmp", vmm.address, *args)


example = run("launch", "check", "--help").out.split("Examples:\n")[1].splitlines()[0]
Vmm("q", "web", measure=GOOD)
r = subprocess.run(["sh", "-c", example], cwd=FOLDER.name, capture_output=True, text=True, check=False,
                   env={**os.environ, "PATH": f"{os.path.dirname(ASSAY)}:{os.environ['PATH']}"})
ok(r.returncode == 0, f"--help: {example.strip()}", r)
ok("the firmware; needed" not in run("launch", "check", "--help").out, "--help: --ovmf, or --digest")

ok(session("vm").code == 0, "a session for a VM")
vm = Vmm("vm.sock", "vm")
r = by_qmp("vm", vm)
ok(r.code == 0 and record("vm")["stage"] == "checked" and
   vm.named() == ["qmp_capabilities", "query-sev", "query-sev-launch-measure"], "check: QMP", r)
for what, how, code, words in (
        ("of another measurement", {"measure": measure("vm", digest=bytes(32), nonce=b"x" * 16)}, 1,
         "launched a guest already"),
        ("that runs already", {"state": "running"}, 1, "the guest is in state \"running\""),
        ("of SNP", {"type": "sev-snp"}, 1, "its guest is of sev-snp"),
        ("without SEV", {"sev": {"enabled": False}}, 1, "is not under SEV"),
        ("that says nonsense", {"sev": {"build-id": 256}}, 4, "lacks one of api-major"),
        ("that refuses", {"errors": ["query-sev"]}, 4, "query-sev: no ?[31mluck"),
        ("with half a measurement", {"measure": bytes(47)}, 4, "no measurement of 48 bytes"),
        ("that floods", {"flood": 1001}, 4, "1000 events, and no answer between them"),
        ("without end of line", {"long": True}, 4, "an answer is more than 1048576 bytes"),
        ("that is none", {"greeting": {"hello": 1}}, 4, "does not greet as QMP does")):
    r = by_qmp("vm", Vmm("other.sock", "vm", **how))
    ok(r.code == code and words in " ".join((r.err + r.out).split()), f"check: a VMM {what}", r)
ok(by_qmp("vm", Vmm("tcp", "vm", tcp=True)).code == 0, "check: QMP over TCP")
ok(by_qmp("vm", Vmm("many.sock", "vm", flood=900)).code == 0, "check: many events")
r = by_qmp("vm", Vmm("mute.sock", "vm", mute=True), "--timeout", "300ms")
ok(r.code == 4 and "the time is over (--timeout)" in r.err, "check: a VMM that says nothing", r)
r = check("vm", "--qmp", f"unix:{at('nobody.sock')}")
ok(r.code == 4 and "cannot be connected to" in r.err and "; start the VMM, with -qmp" in r.err, "check: no VMM", r)
ok(session("policy").code == 0, "a session")
r = by_qmp("policy", Vmm("policy.sock", "policy", policy=7, measure=measure("policy", policy=7)))
ok(r.code == 1 and "the VMM says the guest's policy is 0x7" in " ".join(r.out.split()),
   "check: started with another policy", r)


# --- secret ---------------------------------------------------------------------------------

def secret(name, *args):
    return run("launch", "secret", "--launch", at(f"{name}.launch.json"), *args)


def aes_ctr(key, iv, data):
    return subprocess.run(["openssl", "enc", "-d", "-aes-128-ctr", "-K", key.hex(), "-iv", iv.hex()],
                          input=data, capture_output=True, check=True).stdout


def opened(keys, answer, header, payload):
    """What the firmware and then the guest make of a packet; None if its MAC does not hold."""
    tek, tik = keys
    text = (b"\1" + header[:20] + struct.pack("<II", len(payload), len(payload)) + payload +
            answer[:32])
    if hmac.new(tik, text, hashlib.sha256).digest() != header[20:]:
        return None
    plain, found = aes_ctr(tek, header[4:20], payload), {}
    guid, total = uuid.UUID(bytes_le=plain[:16]), struct.unpack_from("<I", plain, 16)[0]
    assert str(guid) == "1e74f542-71dd-4d66-963e-ef4287ff173b" and len(plain) % 16 == 0
    assert not any(plain[total:]) and total > len(plain) - 16
    where = 20
    while where < total:
        size = struct.unpack_from("<I", plain, where + 16)[0]
        found[str(uuid.UUID(bytes_le=plain[where:where + 16]))] = plain[where + 20:where + size]
        where += size
    return found


def public_of(der):
    return subprocess.run(["openssl", "pkey", "-inform", "DER", "-pubout", "-outform", "DER"],
                          input=der, capture_output=True, check=True).stdout


def keys_of(name):
    return content(f"{name}_tek.bin"), content(f"{name}_tik.bin")


r = secret("policy", "-o", FOLDER.name)
ok(r.code == 1 and "was not checked yet" in r.err, "secret: not before its check", r)
DISK = path("disk", b"hunter2")
for args, words in ((["--secret", "disk"], "is no GUID:FILE"),
                    (["--secret", f"{DISK_GUID}x:{DISK}"], "is no GUID:FILE"),
                    (["--secret", f"{DISK_GUID[:-1]}x:{DISK}"], "is no GUID"),
                    (["--secret", f"{DISK_GUID}:{DISK}", "--secret", f"{DISK_GUID}:{DISK}"],
                     "is there twice"),
                    (["--secret", f"{KEY_GUID}:{DISK}"], "is there twice"),
                    (["--secret", f"{DISK_GUID}:{path('long', bytes(16385))}"],
                     "and 3072 fit into the area of the firmware, as images have it (--ovmf tells of another)"),
                    (["--key-type", "RSA"], "is none of P-256, Ed25519"),
                    (["--public-key", DISK], "goes with --private-key")):
    r = secret("vm", "-o", FOLDER.name, *args)
    ok(r.code == 2 and words in r.err and record("vm")["stage"] == "checked", f"secret: {words}", r)
r = secret("vm")
ok(r.code == 2 and "one of the two: --qmp" in r.err, "secret: where to?", r)
r = secret("vm", "--qmp", f"unix:{Vmm('x.sock', 'vm', measure=measure('vm', nonce=b'x' * 16)).path}")
ok(r.code == 1 and "another measurement than the one that was checked; nothing was sent: this session has "
   "launched a guest already" in r.err and "launch check" not in r.err and
   record("vm")["stage"] == "checked", "secret: another VM behind the socket", r)

# Somebody writes where the keys lie, and waits for what is encrypted under his.
keys = keys_of("vm")
for n in ("vm_tek.bin", "vm_tik.bin"):
    path(n, bytes(16))
    r = secret("vm", "-o", FOLDER.name)
    ok(r.code == 2 and f"{n[3:6].upper()}: is not the one that was made with this record" in r.err and
       record("vm")["stage"] == "checked" and not os.path.exists(at("vm_secret.b64")), f"secret: {n} of another", r)
    path(n, keys[n == "vm_tik.bin"])

r = secret("vm", "--qmp", f"unix:{vm.path}", "--secret", f"{DISK_GUID}:{DISK}")
ok(r.code == 0 and r.err == "" and KEY_GUID in r.out and f"{DISK_GUID}  7 bytes" in r.out and
   fits(r.out), "secret: QMP", r)
ok(vm.named()[-2:] == ["sev-inject-launch-secret", "cont"], "secret: injected, then started",
   vm.named())
packet = {k: base64.b64decode(v) for k, v in vm.seen[-2][1].items()}
inside = opened(keys, vm.measure, packet["packet-header"], packet["secret"])
ok(inside is not None and sorted(inside) == sorted([KEY_GUID, DISK_GUID]) and
   inside[DISK_GUID] == b"hunter2", "secret: what the guest finds", inside)
got = record("vm")
ok(got["stage"] == "complete" and base64.b64decode(got["key"]) == public_of(inside[KEY_GUID]) and
   got["secrets"] == [KEY_GUID, DISK_GUID], "secret: the record has the public half", got)
ok(not os.path.exists(at("vm_tek.bin")) and not os.path.exists(at("vm_tik.bin")),
   "secret: the session's keys are gone")
everything = b"".join(content(n) for n in os.listdir(FOLDER.name) if os.path.isfile(at(n)))
ok(inside[KEY_GUID] not in everything and base64.b64encode(inside[KEY_GUID])[:60] not in everything,
   "secret: the private half is nowhere")
for args in (["--qmp", f"unix:{vm.path}"], ["-o", FOLDER.name]):
    r = secret("vm", *args)
    ok(r.code == 1 and "its session is spent, whether or not its guest has the secrets: make another" in r.err,
       "secret: a second time", r)
r = check("vm", "--qmp", f"unix:{vm.path}")
ok(r.code == 1 and "its session is spent" in r.err and "the keys were removed" in r.err,
   "check: nor is it checked again", r)
path("vm_tik.bin", keys[1])
path("vm_tek.bin", keys[0])
for n in ("vm_tik.bin", "vm_tek.bin"):
    os.chmod(at(n), 0o600)
r = secret("vm", "-o", FOLDER.name)
ok(r.code == 1 and "its session is spent" in r.err, "secret: nor with keys that were kept", r)

# One command at a time works on a record, and a second one says so at once.
AT_WORK = "two.launch.json: another assay launch works on it; try again when it has ended"
ok(session("two").code == 0, "a session")
TWO = measure("two")
ok(offline("two", TWO).code == 0, "checked")
gate = threading.Event()
vm = Vmm("slow.sock", "two", measure=TWO, gate=gate)
first = begin("check", "--launch", at("two.launch.json"), "--digest", DIGEST.hex(), "--qmp", vm.address)
ok(vm.reached.wait(30), "check: waits for the VMM")
for what, r in (("secret", secret("two", "-o", FOLDER.name)), ("check", offline("two", TWO))):
    ok(r.code == 4 and AT_WORK in r.err, f"{what}: while another check waits", r)
gate.set()
err = first.communicate(timeout=60)[1]
ok(first.returncode == 0 and record("two")["stage"] == "checked", "check: the first goes through", err)
os.mkdir(at("one"))
os.mkfifo(at("late"))
first = begin("secret", "--launch", at("two.launch.json"), "-o", at("one"), "--secret", f"{DISK_GUID}:{at('late')}")
with open(at("late"), "wb") as late:
    r = secret("two", "-o", FOLDER.name)
    late.write(b"late")
err = first.communicate(timeout=60)[1]
ok(r.code == 4 and AT_WORK in r.err and first.returncode == 0 and os.path.exists(at("one/two_secret.b64")) and
   not os.path.exists(at("two_secret.b64")), "secret: one packet of two commands", (r, err))
# What cannot be put in the place of what it was read from.
os.mkfifo(at("pipe.launch.json"))
for file in ("pipe.launch.json", "one"):
    r = run("launch", "secret", "--launch", at(file), "-o", FOLDER.name, timeout=20)
    ok(r.code == 2 and "--launch: must be a file, which is written anew" in r.err, f"secret: --launch {file}", r)
r = run("launch", "secret", "--launch", "/dev/stdin", "-o", FOLDER.name, stdin=content("web.launch.json"))
ok(r.code == 2 and "--launch: must be a file" in r.err, "secret: --launch <(cat record)", r)

# --- the keys are gone before anything leaves -----------------------------------------------

def ready(name, *args):
    """A session whose guest was checked; the paths of its keys."""
    r = session(name, *args)
    ok(r.code == 0 and offline(name, measure(name)).code == 0, f"{name}: checked", r)
    return [at(f"{name}_{key}.bin") for key in ("tek", "tik")]


own = ready("copied")
os.mkdir(at("copies"))
copies = [shutil.copy(key, at("copies")) for key in own]
r = secret("copied", "-o", FOLDER.name, "--tek", copies[0], "--tik", copies[1])
ok(r.code == 0 and not any(map(os.path.exists, own + copies)),
   "secret: the keys that were given, and those they are of", r)
own = ready("other")
copies = [shutil.copy(key, at("copies")) for key in own]
for key, others in zip(own, (bytes(16), b"notes")):
    with open(key, "wb") as f:
        f.write(others)
r = secret("other", "-o", FOLDER.name, "--tek", copies[0], "--tik", copies[1])
ok(r.code == 0 and [content(key) for key in own] == [bytes(16), b"notes"] and not any(map(os.path.exists, copies)),
   "secret: what is no key of the session stays", r)
own = ready("linked")
real = [os.path.join(at("copies"), os.path.basename(key)) for key in own]
for key, target in zip(own, real):
    os.rename(key, target)
    os.symlink(target, key)
os.link(real[0], at("hard"))
r = secret("linked", "-o", FOLDER.name)
ok(r.code == 0 and not any(map(os.path.lexists, own + real)) and content("hard") == bytes(16),
   "secret: keys behind links", r)

# What cannot be written is found out while there is still a session.
own = ready("place")
os.mkdir(at("full"))
path("full/place_secret.b64", b"what another guest of this name waits for")
for folder, code, words in (("full", 2, "full/place_secret.b64 is there already, and may be what another guest waits for"),
                            ("/proc", 4, "/proc/place_secret_header.b64: cannot be written")):
    r = secret("place", "-o", at(folder))
    ok(r.code == code and words in r.err and "spent" not in r.err and record("place")["stage"] == "checked" and
       all(map(os.path.exists, own)), f"secret: no place for the packet, nothing is spent: {words}", r)
ok(os.listdir(at("full")) == ["place_secret.b64"] and content("full/place_secret.b64").endswith(b"waits for"),
   "secret: nor is what is there")
os.unlink(at("full/place_secret.b64"))
keys = keys_of("place")
r = secret("place", "-o", at("full"))
header, payload = (base64.b64decode(content("full", f"place_secret{part}.b64")) for part in ("_header", ""))
ok(r.code == 0 and opened(keys, measure("place", tik=keys[1]), header, payload) is not None,
   "secret: and then there is one", r)


# Permissions, which root would not notice.
NOBODY = {"user": 65534, "group": 65534, "extra_groups": []} if os.geteuid() == 0 else {}
mine = tempfile.mkdtemp(dir=FOLDER.name)
os.chmod(FOLDER.name, 0o711)


def nobody_can():
    try:
        return subprocess.run([ASSAY, "--version"], cwd=mine, capture_output=True, check=False,
                              **NOBODY).returncode == 0
    except OSError:
        return False


def as_nobody(name, *args):
    """`launch secret`, as a user like others, of whom the folder and all in it is."""
    for n in os.listdir(FOLDER.name):
        if n.startswith(name):
            os.rename(at(n), os.path.join(mine, n))
    for folder, _, files in os.walk(mine):
        for n in [folder] + [os.path.join(folder, file) for file in files]:
            os.chown(n, NOBODY.get("user", -1), NOBODY.get("group", -1))
    done = subprocess.run([ASSAY, "launch", "secret", "--launch", f"{name}.launch.json", *args], cwd=mine,
                          capture_output=True, text=True, check=False, **NOBODY)
    with open(os.path.join(mine, f"{name}.launch.json"), encoding="utf-8") as f:
        return done, json.load(f)["launch"]["stage"]


def keys_left(name):
    return [n for n in os.listdir(mine) if n in (f"{name}_tek.bin", f"{name}_tik.bin")]


if nobody_can():
    for key in ready("read-only"):
        os.chmod(key, 0o400)
    os.link(at("read-only_tek.bin"), os.path.join(mine, "elsewhere"))
    r, stage = as_nobody("read-only", "-o", ".")
    ok(r.returncode == 0 and stage == "complete" and keys_left("read-only") == [] and
       content(mine, "elsewhere") == bytes(16), "secret: keys that are read-only", r)
    ready("closed")
    os.mkdir(os.path.join(mine, "closed"), 0o500)
    r, stage = as_nobody("closed", "-o", "closed")
    ok(r.returncode == 4 and "closed/closed_secret_header.b64: cannot be written: Permission denied" in r.stderr and
       "spent" not in r.stderr and stage == "checked" and len(keys_left("closed")) == 2,
       "secret: a folder that cannot be written", r)
    own = ready("stuck")
    os.mkdir(os.path.join(mine, "away"))
    for key in own:
        shutil.copy(key, os.path.join(mine, "away"))
    os.chmod(os.path.join(mine, "away"), 0o500)
    r, stage = as_nobody("stuck", "-o", ".", "--tek", "away/stuck_tek.bin")
    ok(r.returncode == 4 and "away/stuck_tek.bin: cannot be removed: Permission denied; it opens what would be sent" in
       r.stderr and stage == "complete" and keys_left("stuck") == [] and
       not any(n.startswith("stuck_secret") for n in os.listdir(mine)),
       "secret: a key that stays, and nothing leaves", r)
    os.chmod(os.path.join(mine, "away"), 0o700)
else:
    print("# keys of another user: skipped, who cannot run the command here")

# By files, as sevctl and libvirt have it; the key of a kind of its own.
keys = keys_of("web")
os.mkdir(at("packet"))
ed448 = subprocess.run(["openssl", "genpkey", "-algorithm", "ED448"], capture_output=True,
                       check=True).stdout
pem = path("ed448.pem", ed448)
r = secret("web", "-o", at("packet"), "--private-key", pem)
ok(r.code == 2 and "ed448.pem" in r.err, "secret: a private key that others can read", r)
os.chmod(pem, 0o600)
r = secret("web", "-o", at("packet"), "--private-key", pem, "--inject-secret", f"{DISK_GUID}:{DISK}")
header = base64.b64decode(content("packet/web_secret_header.b64"), validate=True)
inside = opened(keys, GOOD, header, base64.b64decode(content("packet/web_secret.b64"), validate=True))
ok(r.code == 0 and len(header) == 52 and inside is not None and
   public_of(inside[KEY_GUID]) == base64.b64decode(record("web")["key"]),
   "secret: files, and an Ed448 key", r)
ok(r.err == "assay launch secret: injected key: is of ED448, which is not known here; proofs are signed with P-256, P-384, Ed25519 "
   "and RSA of 2048 to 4096 bits; a guest with this key cannot attest\n", "secret: a key that no guest attests with", r)
ok(session("kind").code == 0 and offline("kind", measure("kind")).code == 0, "a session")
def private(data):
    name = path("x.der", data)
    os.chmod(name, 0o600)
    return name


r = secret("kind", "-o", FOLDER.name, "--private-key", private(b"\x30\x03\x02\x01\x00"))
ok(r.code == 2 and "5 bytes are no PrivateKeyInfo" in r.err, "secret: no key", r)
# One that the guest's agent could not take.
der = subprocess.run("openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 | openssl pkcs8 -topk8 -nocrypt -outform DER",
                     shell=True, capture_output=True, check=True).stdout
r = secret("kind", "-o", FOLDER.name, "--private-key", private(der[:40] + bytes([der[40] ^ 1]) + der[41:]))
ok(r.code == 2 and "is damaged" in r.err and record("kind")["stage"] == "checked" and os.path.exists(at("kind_tek.bin")),
   "secret: a damaged key", r)
# Another key's public half in the record: the guest could never prove that it is this one.
for what in (base64.b64decode(record("web")["key"]), b"hello"):
    r = secret("kind", "-o", FOLDER.name, "--private-key", at("web_owner.pem"),
               "--public-key", path("public", what))
    ok(r.code == 2 and "public key: is not that of the private key" in r.err and
       record("kind")["stage"] == "checked" and os.path.exists(at("kind_tek.bin")),
       "secret: a public key of another private one", r)
for key_type, oid in (("Ed25519", "06032b6570"),):
    keys = keys_of("kind")
    r = secret("kind", "-o", FOLDER.name, "--key-type", key_type)
    ok(r.code == 0 and oid in base64.b64decode(record("kind")["key"]).hex(), f"secret: {key_type}", r)

# What is behind the area of secrets is the kernel's: what does not fit is refused before anything is spent.
IMAGE = content("P/firmware.fd")
AREA = uuid.UUID("4c2eb361-7d9b-4cc3-8081-127c90d3d294").bytes_le
where = IMAGE.rindex(AREA) - 10
HEAD = 3 * 20 + 48  # of the table and two secrets, and an Ed25519 key


def image(base, size):
    return path("firmware", IMAGE[:where] + struct.pack("<II", base, size) + IMAGE[where + 8:])


def of_image(name, firmware):
    vcpus = ["--ovmf", firmware, "--vcpus", "1", "--vcpu-type", "EPYC-Milan"]
    digest = bytes.fromhex(run("measure", "sev-es", *vcpus).out)
    return run("launch", "check", "--launch", at(f"{name}.launch.json"), *vcpus, "--measurement",
               measure(name, digest=digest).hex(), "--api-major", "1", "--api-minor", "55", "--build-id", "24")


def room(name, size, *args):
    return secret(name, "-o", at("packet"), "--key-type", "Ed25519", "--secret",
                  f"{DISK_GUID}:{path('filler', bytes(size - HEAD))}", *args)


for n, (base, size) in enumerate(((0, 0), (0, 0xc00), (0x80c000, 0))):
    ok(session(f"none{n}").code == 0, "a session")
    r = of_image(f"none{n}", image(base, size))
    ok(r.code == 2 and "ovmf: has no place for the secrets of a launch; take a build that has, AmdSevX64" in r.err and
       record(f"none{n}")["stage"] == "session", f"check: an image with an area of {size} bytes at {base}", r)
other = path("other", IMAGE.replace(AREA, bytes(16)))
r = of_image("none0", other)
ok(r.code == 2 and "has no place for the secrets" in r.err, "check: an image without an area", r)
for size, words in ((3072, "3072 bytes of room\n"), (1024, "1024 bytes of room; give launch secret --ovmf, too\n"),
                    (8192, "8192 bytes of room; give launch secret --ovmf, too\n")):
    name = f"room{size}"
    ok(session(name).code == 0, "a session")
    firmware = image(0x80c000, size)
    r = of_image(name, firmware)
    ok(r.code == 0 and words in r.out and fits(r.out), f"check: an area of {size} bytes", r)
    told = [] if size == 3072 else ["--ovmf", firmware]
    before, keys = content(f"{name}.launch.json"), keys_of(name)
    if size != 3072:
        r = room(name, max(size, 3072) + 1)
        ok(r.code == 2 and "3072 fit into the area of the firmware, as images have it" in r.err,
           f"secret: an area of {size} bytes that nobody tells of", r)
        r = secret(name, "-o", at("packet"), "--ovmf", other)
        ok(r.code == 2 and "has no place for the secrets of a launch" in r.err, "secret: an image without an area", r)
    r = room(name, size + 1, *told)
    ok(r.code == 2 and f"secrets: are {size + 16} bytes with the guest's key and 20 for each, and {size} fit" in r.err and
       "give fewer, or shorter ones" in r.err and content(f"{name}.launch.json") == before and
       keys_of(name) == keys and not os.path.exists(at(f"packet/{name}_secret.b64")),
       f"secret: one byte more than {size} is refused, and nothing is spent", r)
    r = room(name, size, *told)
    ok(r.code == 0 and len(base64.b64decode(content(f"packet/{name}_secret.b64"))) == size and
       record(name)["stage"] == "complete", f"secret: {size} bytes", r)

# A VMM that fails after the packet has left: the session is spent all the same.
ok(session("fail").code == 0, "a session")
vm = Vmm("fail.sock", "fail", errors=["sev-inject-launch-secret"])
ok(by_qmp("fail", vm).code == 0, "checked")
r = secret("fail", "--qmp", f"unix:{vm.path}")
ok(r.code == 4 and "the session is spent" in r.err and record("fail")["stage"] == "complete" and
   "cont" not in vm.named(), "secret: a VMM that refuses it", r)

for verb in ("verify-platform", "session", "check", "secret"):
    r = run("launch", verb, "--help")
    ok(r.code == 0 and fits(r.out) and len(r.out.splitlines()) <= 40, f"{verb}: --help", r)

# --- real chains, sevctl's known answers ----------------------------------------------------

base = vectors("sev", "legacy")
for name in ("milan", "naples"):
    r = platform(f"{base}/{name}")
    ok(r.code == 0 and name.capitalize() in r.out, f"verify-platform: {name}", r)
    r = run("launch", "session", "--guest-policy", "0x5", "--name", name, f"{base}/{name}")
    ok(r.code == 0, f"session: {name}", r)
os.mkdir(at("examples"))
for name, certs in (("chain.bin", ("pdh", "pek", "oca")), ("cek.cert", ("cek",))):
    path(f"examples/{name}", b"".join(content(base, "milan", f"{cert}.cert") for cert in certs))
for example in run("launch", "session", "--help").out.split("Examples:\n")[1].split("\n\n")[0].splitlines():
    r = subprocess.run(example.split(), executable=ASSAY, cwd=at("examples"), capture_output=True, text=True, check=False)
    ok(r.returncode == 0, f"--help: {example.strip()}", r)
done()
