# SPDX-License-Identifier: Apache-2.0
"""The clevis pin: a LUKS2 image that opens inside a platform and nowhere else."""

import base64
import json
import os
import shutil
import subprocess

from sandbox import ASSAY, ENV, FOLDER, ROOT, Result, allowed, done, inside, new, ok, path, read

for tool in ("clevis", "jose", "cryptsetup", "bash"):
    if shutil.which(tool, path=os.environ["PATH"] + ":/sbin:/usr/sbin") is None:
        print(f"1..0 # SKIP no {tool}: install clevis, clevis-luks, jose and cryptsetup-bin")
        raise SystemExit(0)
try:
    from broker import Broker
except ImportError as missing:
    print(f"1..0 # SKIP {missing}: install python3-cryptography")
    raise SystemExit(0)

# As installed: the command and the pin on one path.
os.makedirs("bin")
for file in (ASSAY, f"{ROOT}/packaging/clevis/clevis-encrypt-assay", f"{ROOT}/packaging/clevis/clevis-decrypt-assay"):
    os.symlink(os.path.abspath(file), f"bin/{os.path.basename(file)}")
ENV["PATH"] = f"{FOLDER.name}/bin:{os.environ['PATH']}:/sbin:/usr/sbin"
ENV["HOME"] = FOLDER.name
os.environ["PATH"] = ENV["PATH"]
RESOURCE = "default/disk/one"


def sh(text, stdin=b"", **env):
    r = subprocess.run(["bash", "-c", text], input=stdin, capture_output=True, env={**ENV, **env}, timeout=120, check=False)
    return Result(r.returncode, r.stdout.decode("utf-8", "replace"), r.stderr.decode("utf-8", "replace"))


def make_key():
    key = subprocess.run(["jose", "jwk", "gen", "-i", '{"alg":"A256KW"}'], capture_output=True, check=True).stdout
    return key.strip()


def config(**members):
    return json.dumps({name: value for name, value in members.items() if value is not None})


KEY, OTHER = make_key(), make_key()
path("key", KEY)
path("other", OTHER)
for name in ("key", "other"):
    os.chmod(name, 0o600)
broker = Broker({RESOURCE: KEY, "default/disk/other": OTHER, "default/disk/text": b"no key"})
CONFIG = config(url=broker.url, resource=RESOURCE, key="key")

# --- encryption needs neither TEE nor broker --------------------------------------------------------
r = sh("clevis-encrypt-assay --summary; clevis-decrypt-assay --summary; echo $?")
ok(r.out == "Encrypts to machines that prove themselves to a key broker (Assay)\n2\n" and r.err == "",
   "the summaries that clevis lists pins by", r)
r = sh(f"clevis encrypt assay '{CONFIG}' > jwe", b"passphrase\0\n")
header = json.loads(base64.urlsafe_b64decode(read("jwe").split(b".")[0] + b"=="))
ok(r.code == 0 and header == {"alg": "A256KW", "enc": "A256GCM", "clevis": {
    "pin": "assay", "assay": {"url": broker.url, "resource": RESOURCE}}}, "encrypt, and what the header says", header)
ok(broker.asked == [] and KEY not in read("jwe"), "nobody was asked", broker.asked)
r = sh(f"clevis encrypt assay '{config(url='unix:/run/a.sock', resource='kbs:///a/b/c', ca='/etc/ca', key='key')}'", b"x")
header = json.loads(base64.urlsafe_b64decode(r.out.split(".")[0] + "=="))
ok(header["clevis"]["assay"] == {"url": "unix:/run/a.sock", "resource": "a/b/c", "ca": "/etc/ca"}, "a socket, a CA", r)
for name, text, words in (
        ("no JSON", "x", "the configuration is no JSON object"),
        ("no object", "[]", "the configuration is no JSON object"),
        ("no resource", config(url=broker.url, key="key"), "the required 'resource' is missing"),
        ("a number", '{"resource":7}', "resource: must be a text"),
        ("two segments", config(resource="a/b", key="key"), "'a/b' is not REPO/TYPE/TAG"),
        ("dots", config(resource="a/../c", key="key"), "is not REPO/TYPE/TAG"),
        ("a host", config(resource="kbs://host/a/b/c", key="key"), "is not REPO/TYPE/TAG"),
        ("an option", config(resource="--url/b/c=d", key="key"), "is not REPO/TYPE/TAG"),
        ("no address", config(url="ftp://x", resource="a/b/c", key="key"), "url: 'ftp://x' is none of"),
        ("a blank in it", config(url="http://x y", resource="a/b/c", key="key"), "url: 'http://x y' is none of"),
        ("a relative CA", config(ca="ca.pem", resource="a/b/c", key="key"), "ca: 'ca.pem' is not the full path"),
        ("a member more", config(resource="a/b/c", thp="x", key="key"), 'and nothing else: {"thp":"x"}'),
        ("no such key", config(resource="a/b/c", key="none"), "key: 'none' cannot be read"),
        ("no key in it", config(resource="a/b/c", key="jwe"), "the key is no JWK of alg A256KW"),
        ("a policy for an old key", config(resource="a/b/c", key="key", policy="p"), "policy goes with a new key"),
        ("outside, without any", config(url=broker.url, resource=RESOURCE), "name its file with key")):
    r = sh(f"clevis encrypt assay '{text}'", b"x")
    ok(r.code != 0 and words in r.err and r.out == "", f"encrypt: {name}", r)
ok(broker.asked == [], "and nobody was asked", broker.asked)

# --- outside ------------------------------------------------------------------------------------------
r = sh("clevis decrypt < jwe")
ok(r.code != 0 and r.out == "" and "assay key get: no TEE here that gives evidence" in r.err
   and "clevis-decrypt-assay: no key for this disk, as said above" in r.err, "decrypt, outside: says why", r)

# --- inside -------------------------------------------------------------------------------------------
allowed()
for tee in ("snp", "tdx"):
    new(tee, "--tee", tee, "--seed", "7")


def decrypt(jwe, tee="snp", env=()):
    with open("in", "wb") as file:
        file.write(jwe)
    return inside(tee, "env", *env, "bash", "-c", "clevis decrypt < in")


for tee in ("snp", "tdx"):
    r = decrypt(read("jwe"), tee)
    ok(r.code == 0 and r.out == "passphrase\0\n" and r.err == "", f"decrypt, in {tee}", r)
r = inside("snp", "bash", "-c", f"printf first | clevis encrypt assay '{config(url=broker.url, resource=RESOURCE)}' | "
           "clevis decrypt")
ok(r.code == 0 and r.out == "first" and r.err == "", "encrypt without a key where one is given for attestation", r)


def altered(change):
    head, rest = read("jwe").split(b".", 1)
    header = json.loads(base64.urlsafe_b64decode(head + b"=="))
    change(header)
    return base64.urlsafe_b64encode(json.dumps(header).encode()).rstrip(b"=") + b"." + rest


assay = lambda h: h["clevis"]["assay"]  # noqa: E731  short, and used below only
for name, change, words in (
        ("another pin", lambda h: h["clevis"].update(pin="tang"), ""),
        ("another algorithm", lambda h: h.update(alg="dir"), "the JWE is of dir, A256GCM, must be A256KW, A256GCM"),
        ("another cipher", lambda h: h.update(enc="A128CBC-HS256"), "must be A256KW, A256GCM"),
        ("no resource", lambda h: assay(h).pop("resource"), "the JWE names no resource"),
        ("an option for a resource", lambda h: assay(h).update(resource="--key=x/b/c"), "the JWE names no resource"),
        ("a command for an address", lambda h: assay(h).update(url="$(touch owned)"), "the JWE's url is no address"),
        ("a line end in the CA", lambda h: assay(h).update(ca="/x\n--url"), "the JWE's ca is not the full path"),
        ("no address", lambda h: assay(h).pop("url"), "names the broker"),
        ("another's resource", lambda h: assay(h).update(resource="default/disk/other"),
         "holds is not the key that this was encrypted with"),
        ("a resource that is no key", lambda h: assay(h).update(resource="default/disk/text"), "is no key of this pin's"),
        ("a resource that is not there", lambda h: assay(h).update(resource="no/such/key"),
         "the broker has no such thing as no/such/key"),
        ("the header changed, no more", lambda h: h.update(x=1), "is not the key that this was encrypted with")):
    r = decrypt(altered(change))
    ok(r.code != 0 and r.out == "" and words in r.err and not os.path.exists("owned"), f"decrypt: {name}", r)
broker.release = lambda session, name: "policy disk, line 2: debug is true, must be false"
r = decrypt(read("jwe"))
ok(r.code != 0 and "policy disk, line 2: debug is true, must be false" in r.err, "a refusal, in the broker's words", r)
broker.release = lambda session, name: None

# Who swaps the disk brings an envelope to a broker of his own, which would give its key: a machine that
# was told its broker does not ask there.
evil = Broker({RESOURCE: OTHER})
r = sh(f"clevis encrypt assay '{config(url=evil.url, resource=RESOURCE, key='other')}' > evil.jwe", b"evil")
ok(decrypt(read("evil.jwe")).out == "evil", "another broker's envelope, on a machine that takes any")
evil.asked.clear()
r = decrypt(read("evil.jwe"), env=[f"ASSAY_URL={broker.url}"])
ok(r.code != 0 and r.out == "" and evil.asked == [] and "is not the key that this was encrypted with" in r.err,
   "and not on one that has its own", f"{r}\n{evil.asked}")

# As in a small image: no program but those that the pin needs.
os.makedirs("few")
for tool in ("assay", "jose", "bash", "cat"):
    os.symlink(shutil.which(tool), f"few/{tool}")
PIN = path("pin", read("bin/clevis-decrypt-assay").replace(b"/etc/assay/", f"{FOLDER.name}/etc/".encode()))
os.makedirs("etc")


def decrypt_evil():
    evil.asked.clear()
    return inside("snp", "env", f"PATH={FOLDER.name}/few", "bash", "-c", f". {PIN} < evil.jwe")


ok(decrypt_evil().out == "evil", "in a small image, without a configuration")
path("etc/assay.conf", b"# none\n#url = http://x\nca = /url=\n")
ok(decrypt_evil().out == "evil", "with one that names no broker")
for name, text in (("a broker", b"ca = /x\nurl = https://broker.example\n"), ("no end of line", b" url=https://broker.example")):
    path("etc/assay.conf", text)
    r = decrypt_evil()
    ok(r.code != 0 and r.out == "" and evil.asked == [], f"not with one that does: {name}", f"{r}\n{evil.asked}")
os.remove("etc/assay.conf")
os.symlink("nowhere", "etc/assay.conf")
r = decrypt_evil()
ok(r.code != 0 and r.out == "" and evil.asked == [] and "assay.conf is there, and cannot be read" in r.err,
   "and not with one that cannot be read", r)
os.remove("etc/assay.conf")
os.mkdir("etc/assay.conf")
r = decrypt_evil()
ok(r.code != 0 and r.out == "" and evil.asked == [] and "assay.conf is a folder" in r.err, "nor with a folder", r)
evil.stop()

# --- a disk -------------------------------------------------------------------------------------------
with open("img", "wb") as file:
    file.truncate(20 << 20)
r = sh("printf old | cryptsetup luksFormat -q --type luks2 --pbkdf pbkdf2 --pbkdf-force-iterations 1000 img - && "
       f"printf old | clevis luks bind -y -k - -d img assay '{CONFIG}'")
ok(r.code == 0, "clevis luks bind, outside", r)
r = sh("clevis luks pass -d img -s 1")
ok(r.code != 0 and r.out == "" and "no TEE here" in r.err, "clevis luks pass: not outside", r)
for tee in ("snp", "tdx"):
    r = inside(tee, "clevis", "luks", "pass", "-d", "img", "-s", "1")
    ok(r.code == 0 and len(r.out) > 20, f"clevis luks pass: in {tee}", r)
    opened = sh("cryptsetup open --test-passphrase --key-file=- --key-slot 1 img", r.out.encode())
    ok(opened.code == 0, f"{tee}: and it opens the disk", opened)
broker.stop()
r = inside("snp", "clevis", "luks", "pass", "-d", "img", "-s", "1")
ok(r.code != 0 and r.out == "", "clevis luks pass: not without the broker", r)
done()
