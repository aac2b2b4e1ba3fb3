# SPDX-License-Identifier: Apache-2.0
"""assay key against a broker that shares no code with this project, friendly and hostile."""

import base64
import concurrent.futures
import hashlib
import json
import os
import pty
import shutil
import socket
import stat
import subprocess
import threading
import time

from sandbox import ASSAY, FOLDER, allowed, done, inside, new, ok, path, read, run

try:
    from broker import Broker, envelope, url64
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec, rsa, utils
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM
except ImportError as missing:
    print(f"1..0 # SKIP {missing}: install python3-cryptography")
    raise SystemExit(0)

SECRET = bytes(range(256)) * 3 + b"\n\0 end"
NAME = "default/key/disk"
URI = f"kbs:///{NAME}"


def secret_of(r, name="out"):
    return r.code == 0 and os.path.exists(name) and read(name) == SECRET


# --- the command line, outside any TEE: nobody is asked ----------------------------------------------
nobody = Broker({NAME: SECRET})
for name, args, words in (
        ("no resource", [], "operand"),
        ("two slashes short", ["kbs:///a/b"], 'is no resource; write kbs://HOST/REPO/TYPE/TAG'),
        ("one too many", ["kbs:///a/b/c/d"], "is no resource"),
        ("dots", ["kbs:///a/../c"], "is no resource"),
        ("a percent sign", ["kbs:///a/b/%2e%2e"], "is no resource"),
        ("a query", ["kbs:///a/b/c?x=1"], "is no resource"),
        ("a user in the host", ["kbs://me@host/a/b/c"], "is no resource"),
        ("another scheme", ["https://host/a/b/c"], "is no resource"),
        ("a plugin's path with dots", ["kbs+nebula://h/a/../b"], "is no resource"),
        ("two places", ["-o", "x", "--keyring", "x", URI], "one of the two"),
        ("an empty place", ["-o", "", URI], "--output: is empty"),
        ("a token without its key", ["--token", "t", "-o", "x", URI], "give that with --key FILE"),
        ("no duration", ["--timeout", "3", "-o", "x", URI], "is no duration")):
    r = run("key", "get", *(["--url", nobody.url] if args else []), *args)
    ok(r.code == 2 and words in r.err and r.out == "", f"key get: {name}: exit 2", r)
r = run("key", "get", "--url", "https://me:hunter2@x", URI)
ok(r.code == 2 and "--url: has a user in it" in r.err and "hunter2" not in r.err, "key get: a password: exit 2", r)
r = run("key", "get", URI)
ok(r.code == 2 and "of which broker? give --url URL" in r.err, "key get: no broker: exit 2", r)
r = run("key", "get", "--url", nobody.url, "-o", "x", URI)
ok(r.code == 3 and "no TEE here that gives evidence, and a broker gives to attested guests alone" in r.err
   and not os.path.exists("x"), "no TEE: exit 3", r)
r = run("key", "get", "--url", nobody.url, "--provider", "tpm", "-o", "x", URI)
ok(r.code == 2 and 'there is no provider "tpm"' in r.err, "no such provider: exit 2", r)
main, side = pty.openpty()
r = subprocess.run([ASSAY, "key", "get", "--url", nobody.url, URI], stdout=side, stderr=subprocess.PIPE, check=False,
                   env={"HOME": FOLDER.name})
ok(r.returncode == 2 and b"a secret is not written to a terminal; give -o FILE" in r.stderr,
   "not to a terminal", r.stderr)
os.close(main)
os.close(side)
ok(nobody.asked == [], "nobody was asked", nobody.asked)
nobody.stop()

# --- passport mode needs no TEE ----------------------------------------------------------------------
broker = Broker({NAME: SECRET})
mine = ec.generate_private_key(ec.SECP256R1())
numbers = mine.public_key().public_numbers()
x, y, d = (url64(n.to_bytes(32, "big")) for n in (numbers.x, numbers.y, mine.private_numbers().private_value))
public = {"kty": "EC", "crv": "P-256", "alg": "ECDH-ES+A256KW", "x": x, "y": y}
pem = mine.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
broker.tokens["head.body.tail"] = public
for name, content in (("key.pem", pem), ("key.jwk", json.dumps({**public, "d": d}).encode()),
                      ("public.jwk", json.dumps(public).encode()), ("token", b"head.body.tail\n"),
                      ("other-token", b"head.body.other"), ("bad-token", b"head.body\n.tail")):
    os.chmod(path(name, content), 0o600)
for key in ("key.pem", "key.jwk"):
    r = run("key", "get", "--url", broker.url, "--token", "token", "--key", key, "-o", "out", URI)
    ok(secret_of(r), f"a token and {key}", r)
r = run("key", "get", "--url", broker.url, "--attestation-token", "token", "--tee-key-file", "key.pem", "--path", NAME,
        "-o", "out")
ok(secret_of(r), "as kbs-client has it", r)
ok(broker.asked == [f"GET /kbs/v0/resource/{NAME}"] * 3, "one request each", broker.asked)
os.unlink("out")
for name, token, key, code, words in (
        ("a token of nobody's", "other-token", "key.pem", 1, f"the broker refuses {NAME}: attest first"),
        ("a token of two lines", "bad-token", "key.pem", 2, "is no token: one line of text"),
        ("the public key", "token", "public.jwk", 2, "is a public key")):
    r = run("key", "get", "--url", broker.url, "--token", token, "--key", key, "-o", "out", URI)
    ok(r.code == code and words in r.err and not os.path.exists("out"), f"{name}: exit {code}", r)
os.chmod("key.pem", 0o644)
r = run("key", "get", "--url", broker.url, "--token", "token", "--key", "key.pem", "-o", "out", URI)
ok(r.code == 2 and "key.pem" in r.err and not os.path.exists("out"), "a key that others can read", r)
other = Broker({NAME: SECRET})
other.tokens["head.body.tail"] = {**public, **{n: v for n, v in zip("xy", (
    url64(c.to_bytes(32, "big")) for c in (lambda p: (p.x, p.y))(
        ec.generate_private_key(ec.SECP256R1()).public_key().public_numbers())))}}
r = run("key", "get", "--url", other.url, "--token", "token", "--key", "key.jwk", "-o", "out", URI)
ok(r.code == 1 and "cannot be opened with this guest's key" in r.err, "a token of another key", r)
other.stop()
big = rsa.generate_private_key(public_exponent=65537, key_size=2048)
os.chmod(path("rsa.jwk", json.dumps({"kty": "RSA", "alg": "RSA-OAEP-256", **{
    n: url64(v.to_bytes((v.bit_length() + 7) // 8, "big")) for n, v in (
        ("n", big.public_key().public_numbers().n), ("e", 65537), ("d", big.private_numbers().d),
        ("p", big.private_numbers().p), ("q", big.private_numbers().q), ("dp", big.private_numbers().dmp1),
        ("dq", big.private_numbers().dmq1), ("qi", big.private_numbers().iqmp))}}).encode()), 0o600)
if os.geteuid() == 0:
    for name, owner, code in (("root's", 0, 0), ("another user's", 65534, 4)):
        os.mkfifo("pipe", 0o666)
        os.chown("pipe", owner, owner)
        end = os.open("pipe", os.O_RDONLY | os.O_NONBLOCK)
        r = run("key", "get", "--url", broker.url, "--token", "token", "--key", "key.jwk", "-o", "pipe", URI)
        got = os.read(end, 4096)
        os.close(end)
        os.unlink("pipe")
        ok(r.code == code and got == (b"" if code else SECRET) and ("pipe: belongs to user 65534, who could" in r.err) == bool(code),
           f"{name} pipe: exit {code}", f"{r}\n{got}")
broker.tokens["head.body.tail"] = {"kty": "RSA", "n": url64(big.public_key().public_numbers().n.to_bytes(256, "big")),
                                   "e": "AQAB", "alg": "RSA-OAEP-256"}
r = run("key", "get", "--url", broker.url, "--token", "token", "--key", "rsa.jwk", "-o", "out", URI)
ok(secret_of(r), "RSA", r)
os.unlink("out")

# --- in a platform -----------------------------------------------------------------------------------
allowed()
TEES = ("tdx", "snp", "sgx")
for tee in TEES:
    new(tee, "--tee", tee, "--seed", "7")


def get(tee, *args, uri=URI, at=None, out="out", **more):
    if out and os.path.exists(out):
        os.unlink(out)
    return inside(tee, ASSAY, "key", "get", *(["--url", at.url] if at else []), *(["-o", out] if out else []), *args,
                  uri, **more)


HANDSHAKE = ["POST /kbs/v0/auth", "POST /kbs/v0/attest", f"GET /kbs/v0/resource/{NAME}"]
for tee in TEES:
    broker = Broker({NAME: SECRET, "empty/of/bytes": b"", "nebula/ca/x": SECRET})
    r = get(tee, at=broker)
    ok(secret_of(r) and r.out == r.err == "" and stat.S_IMODE(os.stat("out").st_mode) == 0o600,
       f"{tee}: the secret, for its owner alone", r)
    ok(broker.asked == HANDSHAKE and broker.tees == [tee], f"{tee}: three requests", broker.asked)
    get(tee, at=broker)
    keys = [s.key["x"] for s in broker.sessions.values()]
    ok(len(set(keys)) == 2, f"{tee}: a fresh key each time", keys)
    r = get(tee, at=broker, uri="kbs+nebula://127.0.0.1/ca/x", out="out")
    broker.stop()
    ok(secret_of(r) and broker.asked[-1] == "GET /kbs/v0/nebula/ca/x", f"{tee}: another plugin", r)

broker = Broker({NAME: SECRET, "empty/of/bytes": b"", "large/of/bytes": os.urandom(3 << 20)})
r = inside("snp", "sh", "-c", f"{ASSAY} key get --url {broker.url} {URI} | sha256sum")
ok(hashlib.sha256(SECRET).hexdigest() in r.out, "into a pipe", r)
r = inside("snp", "sh", "-c", f"(echo before; {ASSAY} key get --url {broker.url} {URI}; echo after) > out")
ok(read("out") == b"before\n" + SECRET + b"after\n", "into a file that is standard output, where it stands", r)
r = get("snp", at=broker, out="-")
ok(r.code == 0 and len(r.out) > 700, "-o -", r.err)
r = get("snp", at=broker, uri="kbs:///empty/of/bytes")
ok(r.code == 0 and read("out") == b"", "an empty secret", r)
r = get("snp", at=broker, uri="kbs:///large/of/bytes")
ok(r.code == 0 and read("out") == broker.secrets["large/of/bytes"], "3 MiB", r)
path("out", b"before")
os.chmod("out", 0o666)
r = inside("snp", ASSAY, "key", "get", "--url", broker.url, "-o", "out", URI)
ok(secret_of(r) and stat.S_IMODE(os.stat("out").st_mode) == 0o600, "a file that others could read, no more", r)
r = get("snp", at=broker, out="no/such/folder")
ok(r.code == 4 and "no/such/folder: cannot be written" in r.err, "nowhere to write: exit 4", r)
r = inside("snp", "env", f"ASSAY_URL={broker.url}", ASSAY, "key", "get", "-o", "out", NAME)
ok(secret_of(r), "ASSAY_URL, and a resource without its scheme", r)
r = inside("snp", ASSAY, "key", "get", "-q", "--url", broker.url, URI)
ok(r.code == 0 and r.out == r.err == "", "-q", r)
r = inside("snp", "sh", "-c", f"{ASSAY} key get --url {broker.url} --keyring assay-test {URI} && "
           "keyctl pipe %user:assay-test | cmp - out; keyctl unlink %user:assay-test @u") 
ok(r.code in (0, 127) or "does not take the key" in r.err, "into the keyring", r)
for hash_name in ("sha256", "sha384", "sha512"):
    broker.hash = hash_name
    ok(secret_of(get("tdx", at=broker)), f"the broker chooses {hash_name}")
broker.stop()

# --- TLS -----------------------------------------------------------------------------------------------
if shutil.which("openssl"):
    for name, subject in (("tls", "localhost"), ("other-tls", "localhost"), ("stranger", "stranger")):
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
                        f"{name}.key", "-out", f"{name}.pem", "-days", "2", "-subj", f"/CN={subject}", "-addext",
                        "subjectAltName=DNS:localhost"], check=True, capture_output=True)
    broker = Broker({NAME: SECRET}, ("tls.pem", "tls.key"))
    host = broker.url.removeprefix("https://")
    r = get("snp", "--ca", "tls.pem", uri=f"kbs://{host}/{NAME}")
    ok(secret_of(r) and r.err == "", "kbs://HOST is https://HOST", r)
    r = get("snp", "--ca", "tls.pem", "--url", broker.url, uri=f"kbs://nobody.invalid/{NAME}")
    ok(secret_of(r), "--url comes before it", r)
    r = inside("snp", "env", "ASSAY_URL=https://nobody.invalid", "ASSAY_CA=tls.pem", ASSAY, "key", "get", "-o", "out",
               f"kbs://{host}/{NAME}")
    ok(secret_of(r), "and it before ASSAY_URL", r)
    broker.asked.clear()
    for name, args in (("nobody vouches for it", []), ("another vouches for it", ["--ca", "other-tls.pem"])):
        r = get("snp", "--timeout", "1s", *args, uri=f"kbs://{host}/{NAME}")
        ok(r.code == 4 and "--ca FILE" in r.err and not os.path.exists("out") and broker.asked == [],
           f"a broker's certificate, and {name}: exit 4, and nothing is said to it", r)

    # The system believes the broker: who names another CA does not.
    os.mkdir("system")
    shutil.copy("tls.pem", "system/")
    shutil.copy("stranger.pem", "system/ca-certificates.crt")
    believing = ["unshare", "-rm", "sh", "-c", 'mount --bind system /etc/ssl/certs && exec "$@"', "sh"]
    if (shutil.which("unshare") and subprocess.run(["openssl", "rehash", "system"], capture_output=True, check=False).returncode
            == 0 and subprocess.run([*believing, "true"], capture_output=True, check=False).returncode == 0):
        path("token", b"a.b.c")
        for args, asked in (([], True), (["--ca", "stranger.pem"], False)):
            r = subprocess.run([*believing, ASSAY, "token", "verify", "--url", broker.url, *args, "token"],
                               capture_output=True, text=True, check=False)
            ok((broker.asked != []) == asked and (asked or "--ca" in r.stderr),
               "a CA of the system, " + ("by default" if asked else "and --ca: in its place"), r)
            broker.asked.clear()
    else:
        print("# no place of its own for /etc/ssl/certs: that --ca is in place of the system's was not tried")
    broker.stop()
else:
    print("# no openssl command: TLS was not tried")

# --- refusals: the broker's own words, and its number of tries ------------------------------------------
broker = Broker({NAME: SECRET})
broker.judge = lambda session, evidence: "tcb.status: is OutOfDate, \033[31mmust be\nUpToDate"
r = get("tdx", at=broker)
ok(r.code == 1 and r.err == "assay key get: the broker refuses this machine's evidence: "
   "tcb.status: is OutOfDate, ?[31mmust be UpToDate\n" and not os.path.exists("out"), "evidence refused: exit 1", r)
ok(len(broker.asked) == 2, "and asked once", broker.asked)
broker.judge = lambda session, evidence: None
broker.release = lambda session, name: "policy prod, line 3: measurement is not @prod"
broker.asked.clear()
r = get("snp", at=broker)
ok(r.code == 1 and f"the broker refuses {NAME}: policy prod, line 3: measurement is not @prod" in r.err
   and broker.asked == HANDSHAKE, "policy says no: exit 1, once", r)
broker.release = lambda session, name: None
r = get("snp", at=broker, uri="kbs:///no/such/thing")
ok(r.code == 1 and "the broker has no such thing as no/such/thing: no resource no/such/thing" in r.err,
   "no such resource: exit 1", r)


pool, waited_for = concurrent.futures.ThreadPoolExecutor(6), []


def hostile(name, good, where, answer, timeout=None):
    """A client of a broker in whose place `answer` speaks; all of them wait at the same time. What is
    good of the result and what was asked is said by judged()."""
    def act(out):
        bad = Broker({NAME: SECRET})
        bad.hostile[where] = answer
        start = time.monotonic()
        r = get("snp", *(["--timeout", timeout] if timeout else []), at=bad, out=out)
        r.asked, r.took, r.secret = bad.asked, time.monotonic() - start, secret_of(r, out)
        r.written = os.path.exists(out)
        bad.stop()
        return r
    waited_for.append((name, good, pool.submit(act, f"out-{len(waited_for)}")))


def judged():
    for name, good, future in waited_for:
        r = future.result()
        ok(good(r), name, f"{r}\n{r.asked}")
        ok(r.written == r.secret, f"{name}: nothing else is written")


def once_more(times, answer):
    """The first of them misbehave."""
    left = [times]

    def act(h):
        left[0] -= 1
        return answer(h) if left[0] >= 0 else None
    return act


def says(status, body=b"", **more):
    return lambda h: (h.reply(status, body, **more), True)[1]


def error(variant, status=401, detail="no"):
    return lambda h: (h.refuse(variant, detail, status), True)[1]


hostile("another version: exit 3",
        lambda r: r.code == 3 and "speaks another version of the protocol than 0.4.0" in r.err and "0.5.0" in r.err,
        "auth", error("AttestationError", 401,
                      "KBS Client Protocol Version Mismatch: expect =0.5.0 while the request is 0.4.0"))
hostile("401 without end: three handshakes, exit 1", lambda r: r.code == 1 and r.asked == HANDSHAKE * 3,
        "resource", error("TokenNotFound"))
for variant in ("PolicyDeny", "PluginInternalError"):
    hostile(f"{variant}: no second handshake", lambda r: r.code == 1 and r.asked == HANDSHAKE, "resource", error(variant))
for name, body in (("empty", b""), ("a page", b"<html>log in</html>"), ("a list", b"[1,2]"), ("a number", b"7"),
                   ("half", b'{"type":"'), ("deep", b"[" * 200000), ("odd members", b'{"type":7,"detail":[]}')):
    hostile(f"401 whose body is {name}: exit 1", lambda r: r.code == 1 and
            "the broker refuses this machine's evidence: it answers 401 and does not say why" in r.err,
            "attest", says(401, body))

for status in (500, 502, 503):
    hostile(f"{status} twice: the handshake is repeated",
            lambda r: r.secret and r.asked.count("POST /kbs/v0/auth") == 3, "attest", once_more(2, says(status, b"<html>")))
hostile("two times 401: attests again", lambda r: r.secret and r.asked == HANDSHAKE * 3,
        "resource", once_more(2, error("TokenVerifierError")))
hostile("500 without end: five times", lambda r: r.code == 4 and r.asked == ["POST /kbs/v0/auth"] * 5 and
        "answers 500 to a challenge" in r.err, "auth", says(500, b"no"))
hostile("not longer than --timeout", lambda r: r.code == 4 and r.took < 10, "auth", says(503), timeout="2s")
for where in ("auth", "attest", "resource"):
    hostile(f"{where}: sent elsewhere: not followed",
            lambda r: r.code == 4 and r.asked.count("POST /kbs/v0/auth") == 1 and "answers 302, and sends elsewhere" in r.err,
            where, says(302, Location="http://127.0.0.1:1/"))
    hostile(f"{where}: a page, 404", lambda r: r.code == 4 and "answers 404" in r.err and
            "is a key broker there?" in r.err, where, says(404, b"<html>"))
    hostile(f"{where}: a flood: exit 4", lambda r: r.code == 4 and "larger than 8 MiB" in r.err, where,
            lambda h: h.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n" + bytes(9 << 20)) or True)
    hostile(f"{where}: silence: exit 4", lambda r: r.code == 4 and "--timeout" in r.err and r.took < 8, where,
            lambda h: (time.sleep(4), None)[1], timeout="1s")

NONCE = base64.b64encode(bytes(32)).decode()
for name, body, words in (
        ("no JSON", b"nonce", "the challenge is no JSON object"),
        ("a list", b"[]", "the challenge is no JSON object"),
        ("two nonces", f'{{"nonce":"{NONCE}","nonce":"{NONCE}","extra-params":""}}'.encode(), "no JSON object"),
        ("no nonce", {"extra-params": ""}, "no nonce of 32 bytes"),
        ("an empty nonce", {"nonce": "", "extra-params": ""}, "no nonce of 32 bytes"),
        ("31 bytes", {"nonce": base64.b64encode(bytes(31)).decode(), "extra-params": ""}, "no nonce of 32 bytes"),
        ("33 bytes", {"nonce": base64.b64encode(bytes(33)).decode(), "extra-params": ""}, "no nonce of 32 bytes"),
        ("a nonce of 1 MiB", {"nonce": "A" * (1 << 20), "extra-params": ""}, "no nonce of 32 bytes"),
        ("base64url", {"nonce": "-" * 43 + "=", "extra-params": ""}, "no nonce of 32 bytes"),
        ("a nonce that breaks out", {"nonce": NONCE[:-3] + '","', "extra-params": ""}, "no nonce of 32 bytes"),
        ("a number", {"nonce": 7, "extra-params": ""}, "no nonce of 32 bytes")):
    hostile(f"challenge: {name}: exit 4", lambda r, words=words: r.code == 4 and words in r.err, "auth", says(200, body))
hostile("a hash that we do not have: exit 3", lambda r: r.code == 3 and 'wants the hash "sm3"' in r.err,
        "auth", says(200, {"nonce": NONCE, "extra-params": {"selected-hash-algorithm": "sm3"}}))
for body in (b"", b"{}", b'{"token":7}', b"<html>"):
    hostile(f"attest answers {body}: exit 4", lambda r: r.code == 4 and "gives no token" in r.err, "attest", says(200, body))
judged()

# --- answers that are not what they should be ------------------------------------------------------------


def turned(text, at=0):
    """One bit of base64url."""
    raw = bytearray(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    raw[at] ^= 1
    return url64(bytes(raw))


def wrapped(name, change, good=False):
    bad = Broker({NAME: SECRET})
    bad.wrap = lambda key, secret: change(key, secret)
    r = get("snp", at=bad)
    bad.stop()
    if good:
        ok(secret_of(r), f"an answer with {name} is opened", r)
    else:
        ok(r.code == 1 and f"what the broker sends for {NAME} cannot be opened with this guest's key: " in r.err
           and len(r.err) > 110 and not os.path.exists("out"), f"an answer with {name}: exit 1", r)


for member in ("protected", "encrypted_key", "iv", "ciphertext", "tag"):
    wrapped(f"no {member}", lambda k, s, m=member: {n: v for n, v in envelope(k, s).items() if n != m})
    wrapped(f"an empty {member}", lambda k, s, m=member: {**envelope(k, s), m: ""})
    wrapped(f"a number for {member}", lambda k, s, m=member: {**envelope(k, s), m: 7})
    wrapped(f"a shorter {member}", lambda k, s, m=member: (lambda e: {**e, m: e[m][:-4]})(envelope(k, s)))
    wrapped(f"padding in {member}", lambda k, s, m=member: (lambda e: {**e, m: e[m] + "=="})(envelope(k, s)))
for member in ("encrypted_key", "iv", "ciphertext", "tag"):
    wrapped(f"a bit of {member} turned", lambda k, s, m=member: (lambda e: {**e, m: turned(e[m])})(envelope(k, s)))
wrapped("another guest's key", lambda k, s: envelope(public, s))
wrapped("two envelopes mixed", lambda k, s: {**envelope(k, s), "tag": envelope(k, s)["tag"]})
wrapped("the secret in the clear", lambda k, s: {"secret": "in the clear"})
wrapped("a list", lambda k, s: [envelope(k, s)])
wrapped("its members the other way round", lambda k, s: dict(reversed(envelope(k, s).items())), good=True)


def header(change):
    """The envelope under a header that was changed before it was sealed, or after."""
    def act(key, secret):
        e = envelope(key, secret)
        h = json.loads(base64.urlsafe_b64decode(e["protected"] + "=="))
        e["protected"] = url64(json.dumps(change(h), separators=(",", ":")).encode())
        return e
    return act


for name, change in (
        ("another order in a header that was sealed", lambda h: dict(reversed(h.items()))),
        ("alg none", lambda h: {**h, "alg": "none"}), ("alg dir", lambda h: {**h, "alg": "dir"}),
        ("alg ECDH-ES", lambda h: {**h, "alg": "ECDH-ES"}),
        ("alg RSA-OAEP-256", lambda h: {**h, "alg": "RSA-OAEP-256"}),
        ("enc A128GCM", lambda h: {**h, "enc": "A128GCM"}), ("a crit", lambda h: {**h, "crit": ["x"], "x": 1}),
        ("zip", lambda h: {**h, "zip": "DEF"}), ("no epk", lambda h: {n: v for n, v in h.items() if n != "epk"}),
        ("a point off the curve", lambda h: {**h, "epk": {**h["epk"], "y": h["epk"]["x"]}}),
        ("another curve", lambda h: {**h, "epk": {**h["epk"], "crv": "P-521"}}),
        ("a short coordinate", lambda h: {**h, "epk": {**h["epk"], "x": h["epk"]["x"][:-2]}})):
    wrapped(name, header(change))

# --- a server that speaks no HTTP at all -------------------------------------------------------------------
listener = socket.create_server(("127.0.0.1", 0))


def noise():
    while True:
        try:
            peer, _ = listener.accept()
            peer.sendall(os.urandom(200))
            peer.close()
        except OSError:
            return


threading.Thread(target=noise, daemon=True).start()
r = inside("snp", ASSAY, "key", "get", "--timeout", "1s", "-o", "none", "--url",
           f"http://127.0.0.1:{listener.getsockname()[1]}", URI)
ok(r.code == 4 and not os.path.exists("none"), "noise: exit 4", r)
listener.close()
r = inside("snp", ASSAY, "key", "get", "--timeout", "1s", "-o", "none", "--url", "http://127.0.0.1:1", URI)
ok(r.code == 4 and "127.0.0.1:1" in r.err, "nobody there: exit 4", r)
r = inside("snp", ASSAY, "key", "get", "--timeout", "1s", "-o", "none", "--url", "http://nobody.invalid", URI)
ok(r.code == 4 and "warning: http://nobody.invalid: whoever is on the way can answer in its place" in r.err,
   "plain HTTP to elsewhere is warned of", r)
for url in ("http://127.nobody.invalid", "http://localhost.nobody.invalid"):
    r = inside("snp", ASSAY, "key", "get", "--timeout", "2s", "-o", "none", "--url", url, URI)
    ok(r.code == 4 and f"warning: {url}: whoever is on the way" in r.err, f"also to {url}", r)

# --- sealed secrets -----------------------------------------------------------------------------------------
SIGNER = ec.generate_private_key(ec.SECP256R1())


def jwk_of(key):
    p = key.public_key().public_numbers()
    return {"kty": "EC", "crv": "P-256", "alg": "ES256", "x": url64(p.x.to_bytes(32, "big")),
            "y": url64(p.y.to_bytes(32, "big"))}


def seal(content, kid=None, key=None):
    body = url64(json.dumps(content).encode())
    if kid is None:
        return f"sealed.fakejwsheader.{body}.fakesignature"
    signed = f'{url64(json.dumps({"alg": "ES256", "kid": kid}).encode())}.{body}'
    r, s = utils.decode_dss_signature((key or SIGNER).sign(signed.encode(), ec.ECDSA(hashes.SHA256())))
    return f"sealed.{signed}.{url64(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"


def std64(data):
    return base64.b64encode(data).decode()


KEK, DEK, IVS = os.urandom(32), os.urandom(32), (os.urandom(12), os.urandom(12))
VAULT = {"version": "0.1.0", "type": "vault", "name": URI, "provider": "kbs", "provider_settings": {}, "annotations": {}}
ENVELOPE = {"version": "0.1.0", "type": "envelope", "key_id": "kbs:///default/kek/1", "provider": "kbs",
            "encrypted_key": std64(IVS[0] + AESGCM(KEK).encrypt(IVS[0], DEK, None)), "wrap_type": "A256GCM",
            "encrypted_data": std64(AESGCM(DEK).encrypt(IVS[1], SECRET, None)), "iv": std64(IVS[1]),
            "provider_settings": {}, "annotations": {}}
broker = Broker({NAME: SECRET, "default/kek/1": KEK, "default/kek/2": os.urandom(32), "default/kek/3": b"short",
                 "default/signer/1": json.dumps(jwk_of(SIGNER)).encode(), "other/secret/1": b"other"})
path("signer.jwk", json.dumps(jwk_of(SIGNER)).encode())
path("stranger.jwk", json.dumps(jwk_of(ec.generate_private_key(ec.SECP256R1()))).encode())


def unseal(text, *args, file=False):
    if os.path.exists("out"):
        os.unlink("out")
    return inside("snp", ASSAY, "key", "unseal", "--url", broker.url, "-o", "out", *args,
                  path("note", text.encode() + b"\n") if file else text)


for name, content in (("vault", VAULT), ("envelope", ENVELOPE)):
    for file in (False, True):
        for text in (seal(content), seal(content, "ops")):
            broker.asked.clear()
            r = unseal(text, file=file)
            ok(r.code == 3 and "nothing says who sealed it: name the key with --signer FILE" in r.err
               and broker.asked == [] and not os.path.exists("out"), f"unseal: {name}, by nobody known: exit 3", r)
            r = unseal(text, "--unsigned", file=file)
            ok(secret_of(r) and r.err == "", f"unseal: {name}, by nobody known, with --unsigned", r)
    r = unseal(seal(content, "ops"), "--signer", "signer.jwk")
    ok(secret_of(r) and r.err == "", f"unseal: {name}, signed by a file's key", r)
    broker.asked.clear()
    r = unseal(seal(content, "kbs:///default/signer/1"))
    ok(secret_of(r) and r.err == "" and len(broker.asked) == 4, f"unseal: {name}, signed by a resource's key", r)
    for why, text, args in (
            ("by a stranger", seal(content, "ops", ec.generate_private_key(ec.SECP256R1())), ["--signer", "signer.jwk"]),
            ("not at all", seal(content), ["--signer", "signer.jwk"]),
            ("by another than asked for", seal(content, "ops"), ["--signer", "stranger.jwk"]),
            ("by another than the resource", seal(content, "kbs:///default/signer/1",
                                                  ec.generate_private_key(ec.SECP256R1())), []),
            ("by another than the resource, --unsigned or not",
             seal(content, "kbs:///default/signer/1", ec.generate_private_key(ec.SECP256R1())), ["--unsigned"])):
        broker.asked.clear()
        r = unseal(text, *args)
        ok(r.code == 1 and "the sealed secret is not signed by " in r.err and not os.path.exists("out")
           and f"GET /kbs/v0/resource/{NAME}" not in broker.asked, f"unseal: {name}, signed {why}: exit 1", r)
for name, content, code, words in (
        ("another key", {**ENVELOPE, "key_id": "kbs:///default/kek/2"}, 1, "is not the key it was made with"),
        ("a short key", {**ENVELOPE, "key_id": "kbs:///default/kek/3"}, 1, "is 5 bytes, want a key of 32"),
        ("a key that is not there", {**ENVELOPE, "key_id": "kbs:///no/such/kek"}, 1, "the broker has no such thing"),
        ("data of another", {**ENVELOPE, "iv": std64(IVS[0])}, 1, "or it was altered"),
        ("another provider", {**VAULT, "provider": "aliyun"}, 3, 'provider is "aliyun", and only "kbs"'),
        ("another version", {**VAULT, "version": "0.2.0"}, 3, 'version is "0.2.0"'),
        ("another kind", {**VAULT, "type": "box"}, 3, 'type is "box"; there are vault and envelope'),
        ("a name that is none", {**VAULT, "name": "kbs:///a/../b"}, 2, "is no resource")):
    r = unseal(seal(content), "--unsigned")
    ok(r.code == code and words in r.err and not os.path.exists("out"), f"unseal: {name}: exit {code}", r)
r = unseal(seal(VAULT), "--unsigned", "--signer", "signer.jwk")
ok(r.code == 2 and "--signer and --unsigned: give one" in r.err, "unseal: --signer and --unsigned: exit 2", r)
evil = Broker({NAME: b"evil"})
r = inside("snp", "env", f"ASSAY_URL={broker.url}", ASSAY, "key", "unseal", "-o", "out",
           seal({**VAULT, "name": f"kbs://{evil.url.removeprefix('http://')}/{NAME}"}, "ops"), "--signer", "signer.jwk")
ok(secret_of(r) and evil.asked == [], "unseal: a host in the note does not count", r)
r = inside("snp", ASSAY, "key", "unseal", "-o", "none", seal({**VAULT, "name": f"kbs://localhost/{NAME}"}))
ok(r.code == 2 and "of which broker?" in r.err and not os.path.exists("none"), "unseal: not even if there is no other", r)
evil.stop()
r = unseal("sealed.fakejwsheader.e30")
ok(r.code == 1 and 'is not "sealed.HEADER.PAYLOAD.SIGNATURE"' in r.err, "unseal: two parts: exit 1", r)
r = run("key", "unseal", "--url", broker.url, "-", stdin=b"not sealed")
ok(r.code == 1 and 'does not begin with "sealed."' in r.err, "unseal: something else: exit 1", r)
broker.stop()
done()
