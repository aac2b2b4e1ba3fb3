# SPDX-License-Identifier: Apache-2.0
"""Attestation results: issued from a software platform's evidence, shown, judged."""

import base64
import http.server
import json
import os
import shutil
import subprocess
import sys
import threading

from harness import FOLDER, done, fits, ok, path, run

SIM = os.path.abspath(sys.argv[2])
TIME = "2026-11-21T12:00:00Z"
NONCE = bytes(range(16))
VECTORS = os.environ.get("ASSAY_VECTORS")

if not shutil.which("openssl"):
    print("1..0 # SKIP no openssl command, which makes the keys")
    sys.exit(0)


def openssl(*args, stdin=b""):
    return subprocess.run(["openssl", *args], cwd=FOLDER.name, input=stdin, check=True,
                          capture_output=True).stdout


def make_key(name, *how):
    openssl("genpkey", *how, "-out", name + ".pem")
    os.chmod(os.path.join(FOLDER.name, name + ".pem"), 0o600)
    openssl("pkey", "-in", name + ".pem", "-pubout", "-out", name + ".pub")
    return name


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def parts(token):
    return [json.loads(unb64(part)) for part in token.strip().split(".")[:2]]


def signed(key, header, claims):
    """A token by OpenSSL: what a stranger with this P-256 key could write."""
    text = b64(json.dumps(header).encode()) + "." + b64(json.dumps(claims).encode())
    der = openssl("dgst", "-sha256", "-sign", key + ".pem", stdin=text.encode())
    numbers, at = b"", 2
    for _ in range(2):
        size = der[at + 1]
        numbers += der[at + 2:at + 2 + size].lstrip(b"\0").rjust(32, b"\0")
        at += 2 + size
    return (text + "." + b64(numbers)).encode()


EC = ("-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256")
make_key("signer", *EC)
make_key("other", *EC)
make_key("p384", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384")
make_key("ed", "-algorithm", "ED25519")
make_key("workload", *EC)

for args in (["--tee", "snp"], ["--tee", "snp", "--debug"]):
    name = "D" if "--debug" in args else "P"
    subprocess.run([SIM, "new", *args, "--seed", "7", "--time", TIME, name], cwd=FOLDER.name,
                   check=True, stdout=subprocess.DEVNULL)
ROOT = ["--trust-root", "P/trust-root"]
HOW = ["--time", TIME, "-c", "P/collateral", "--key", "signer.pem"]


def issue(*args, key="signer", root=True, evidence="P"):
    own = ["--trust-root", f"{evidence}/trust-root"] if root else []
    return run("token", "issue", "--time", TIME, "--min-tcb", f"{evidence}/min-tcb", *own, "-c",
               f"{evidence}/collateral", "--key", key + ".pem", *args, evidence)


def verify(token, *args, key="signer", time=TIME):
    return run("token", "verify", "--time", time, "--jwks", key + ".pub", *args, path("t", token))


# --- issue ----------------------------------------------------------------------------------

r = issue()
ok(r.code == 0 and r.err == "" and r.out.count(".") == 2 and r.out.endswith("\n"), "issued", r)
token = r.out.encode()
header, claims = parts(r.out)
ok(header["alg"] == "ES256" and header["typ"] == "JWT" and header["jwk"]["crv"] == "P-256"
   and "d" not in header["jwk"] and len(header["kid"]) == 43, "the header", header)
ok(claims["eat_profile"] == "tag:github.com,2023:veraison/ear" and claims["iss"] == "assay"
   and claims["exp"] - claims["iat"] == 300 and claims["nbf"] == claims["iat"] == 1795262400
   and len(claims["jti"]) == 22 and "eat_nonce" not in claims and "cnf" not in claims,
   "the claims", claims)
cpu = claims["submods"]["cpu0"]
ok(cpu["ear.status"] == "affirming" and len(cpu["ear.trustworthiness-vector"]) == 8
   and cpu["ear.trustworthiness-vector"]["hardware"] == 2
   and cpu["ear.appraisal-policy-id"] == "default"
   and cpu["ear.veraison.annotated-evidence"]["tee"] == "snp", "what it says of the machine", cpu)
ok(isinstance(cpu["ear.veraison.annotated-evidence"]["snp"]["policy"], str),
   "what has 64 bits is hex text")
ok(parts(issue().out)[1]["jti"] != claims["jti"], "each has an id of its own")

r = issue("--profile", "ietf", "-p", "default", "-p", "genuine", "--valid", "1h")
claims = parts(r.out)[1]
cpu = claims["submods"]["cpu0"]
ok(r.code == 0 and claims["eat_profile"] == "tag:ietf.org,2026:rats/ear#03"
   and claims["exp"] - claims["iat"] == 3600 and cpu["ear_status"] == "affirming"
   and cpu["ear_appraisal_policy_ids"] == ["default", "genuine"], "the IETF's names", r)
ietf = r.out.encode()

r = issue(root=False)
ok(r.code == 1 and "refused, and the token says so: snp.ark.pinned" in r.err
   and parts(r.out)[1]["submods"]["cpu0"]["ear.status"] == "contraindicated",
   "refused: a token that says so", r)
refused = r.out.encode()
r = issue(evidence="D")
ok(r.code == 1 and "refused" in r.err
   and parts(r.out)[1]["submods"]["cpu0"]["ear.trustworthiness-vector"]["hardware"] == 2
   and parts(r.out)[1]["submods"]["cpu0"]["ear.trustworthiness-vector"]["configuration"] == 96,
   "debug: genuine hardware, unsafe configuration", r)
r = run("token", "issue", "--time", TIME, *ROOT, "--key", "signer.pem", "P/evidence.bin")
ok(r.code == 3 and "undetermined, and the token says so" in r.err
   and parts(r.out)[1]["submods"]["cpu0"]["ear.status"] == "none", "undetermined", r)
undetermined = r.out.encode()
r = issue("--nonce", NONCE.hex())
ok(r.code == 1 and parts(r.out)[1]["eat_nonce"] == b64(NONCE)
   and parts(r.out)[1]["submods"]["cpu0"]["ear.trustworthiness-vector"]["instance-identity"] == 99,
   "another nonce", r)
for key, alg in (("p384", "ES384"), ("ed", "EdDSA")):
    r = issue(key=key)
    ok(r.code == 0 and parts(r.out)[0]["alg"] == alg, alg, r)
    r = verify(r.out.encode(), key=key)
    ok(r.code == 0 and f"signed by    {alg}, key " in r.out, f"{alg}: verified", r)

# A key that the evidence binds is in the token; one that it does not bind is not.
nonce = path("nonce", NONCE)
r = subprocess.run([SIM, "run", "--tee", "snp", "--platform", "P", "--time", TIME, "--",
                    os.path.abspath(sys.argv[1]), "attest", "--nonce", "@" + nonce, "--bind",
                    "workload.pub", "-o", "bound.cbor"], cwd=FOLDER.name, check=False,
                   capture_output=True)
if r.returncode == 0:
    for key, code in (("workload", 0), ("other", 1)):
        r = run("token", "issue", "--min-tcb", "P/min-tcb", *ROOT, *HOW, "--nonce", "@" + nonce,
                "--bind", key + ".pub", "bound.cbor")
        ok(r.code == code and ("cnf" in parts(r.out)[1]) == (code == 0), f"bound to {key}", r)
else:
    print("# nothing was bound: assay-sim cannot run programs here")

os.chmod(os.path.join(FOLDER.name, "other.pem"), 0o644)
for args, code, words in (
        (["--key", "other.pem", "P"], 2, "other.pem"),
        (["--key", "signer.pub", "P"], 2, "has no private half"),
        (["--key", "P/min-tcb", "P"], 2, "P/min-tcb"),
        (["P"], 2, "--key is missing"),
        (["--key", "signer.pem"], 2, "an operand is missing"),
        (["--key", "signer.pem", "--valid", "0s", "P"], 2, "is no duration from 1s to 366d"),
        (["--key", "signer.pem", "--valid", "367d", "P"], 2, "is no duration from 1s to 366d"),
        (["--key", "signer.pem", "--profile", "cwt", "P"], 2, "none of ear, ietf"),
        (["--key", "signer.pem", "signer.pub"], 1, "signer.pub")):
    if "other.pem" in args or "signer.pub" in args[:2] or "P/min-tcb" in args:
        os.chmod(os.path.join(FOLDER.name, args[1]), 0o644 if "other.pem" in args else 0o600)
    r = run("token", "issue", *args)
    ok(r.code == code and words in r.err and r.out == "", f"issue {' '.join(args)}", r)
r = issue("-q")
ok(r.code == 0 and r.out == "", "-q prints no token")

# --- verify ---------------------------------------------------------------------------------

for name, text in (("ear", token), ("ietf", ietf)):
    r = verify(text)
    ok(r.code == 0 and fits(r.out) and r.out.startswith(
        "ACCEPTED  attestation result: signed, current, affirming\n"
        "not checked: freshness (give --nonce)\n\n"
        "  part         cpu0: affirming, policy default"), f"{name}: accepted", r)
r = verify(token, "--json")
ok(r.code == 0 and r.json["verdict"] == "accepted" and r.json["signed"] and r.json["reason"] is None
   and r.json["alg"] == "ES256" and r.json["kid"] == header["kid"]
   and r.json["expires"] == "2026-11-21T12:05:00Z" and r.json["nonce"] is None and r.json["status"] is None
   and r.json["parts"][0]["vector"]["hardware"] == 2, "JSON", r)
r = verify(token, "--nonce", NONCE.hex())
ok(r.code == 1 and r.out.startswith("REFUSED  token: eat_nonce is \"\", which is not the nonce"),
   "no nonce in it", r)
for time, code, words in (("2026-11-21T12:04:59Z", 0, "ACCEPTED"),
                          ("2026-11-21T12:05:00Z", 1, "expired at 2026-11-21T12:05:00Z"),
                          ("2026-11-21T11:59:00Z", 0, "ACCEPTED"),
                          ("2026-11-21T11:58:59Z", 1, "holds from 2026-11-21T12:00:00Z")):
    r = verify(token, time=time)
    ok(r.code == code and words in r.out.replace("\n" + " " * 9, " "), f"at {time}", r)
r = verify(token, key="other")
ok(r.code == 1 and "does not hold under the trusted key" in r.out.replace("\n" + " " * 9, " ")
   and "part " not in r.out and fits(r.out), "another key, though the token brings its own", r)
ok(verify(token, "--json", key="other").json["signed"] is False, "and in JSON")
r = verify(token, key="ed")
ok(r.code == 1 and "none of the 1 trusted" in r.out.replace("\n" + " " * 9, " "), "another kind", r)
ok(verify(refused).code == 1 and "is contraindicated" in verify(refused).out, "refused stays so")
r = verify(undetermined)
ok(r.code == 3 and r.out.startswith("UNDETERMINED  "), "undetermined stays so", r)
ok(verify(token, "-q").out == "", "-q")
changed = token.decode().split(".")
changed[1] = b64(unb64(changed[1]).replace(b"affirming", b"Affirming"))
r = verify(".".join(changed).encode())
ok(r.code == 1 and r.out.startswith("REFUSED  token: its signature"), "altered", r)
r = run("token", "verify", "--jwks", "signer.pub", "--time", TIME, "-", stdin=token)
ok(r.code == 0, "from standard input", r)

good = {"eat_profile": "tag:github.com,2023:veraison/ear", "iat": 1795262400, "exp": 1795262700,
        "eat_nonce": base64.b64encode(NONCE).decode(),
        "ear.verifier-id": {"developer": "d", "build": "b"},
        "submods": {"cpu0": {"ear.status": "affirming",
                             "ear.trustworthiness-vector": {"hardware": 2}}}}
r = verify(signed("signer", {"alg": "ES256"}, good), "--nonce", NONCE.hex())
ok(r.code == 0 and "not checked" not in r.out, "of another's making, with the nonce in base64", r)
r = verify(signed("signer", {"alg": "ES256"}, good), "--nonce", NONCE.hex()[:-2])
ok(r.code == 1, "a part of the nonce", r)
several = {**good, "aud": ["a", "b"], "eat_nonce": ["x", good["eat_nonce"]]}
r = verify(signed("signer", {"alg": "ES256"}, several), "--nonce", NONCE.hex())
ok(r.code == 0 and "\n  audience     a,b\n" in r.out and "\n  nonce        x," in r.out, "lists of both", r)
r = verify(signed("signer", {"alg": "ES256"}, several), "--nonce", "00" * 8)
ok(r.code == 1 and "which is not the nonce" in r.out.replace("\n" + " " * 9, " "), "none of several nonces", r)
r = run("token", "show", "t")
ok(r.code == 0 and "\n  audience     a\n" in r.out and "\n  audience     b\n" in r.out, "several are shown", r)
bad = json.loads(json.dumps(good))
bad["submods"]["cpu0"]["ear.trustworthiness-vector"]["executables"] = 33
r = verify(signed("signer", {"alg": "ES256"}, bad))
ok(r.code == 1 and "better than its own trust vector: warning" in r.out.replace(
    "\n" + " " * 9, " "), "a status better than its vector", r)
# What it says of itself as a whole, which in the IETF's names may stand beside the parts.
whole = {**parts(ietf.decode())[1], "ear_status": "contraindicated"}
r = verify(signed("signer", {"alg": "ES256"}, whole))
ok(r.code == 1 and r.out.startswith("REFUSED  token: the status of the token itself is contraindicated\n")
   and "\n  part         cpu0: affirming, " in r.out
   and "\n  status       contraindicated, of the token itself\n" in r.out, "its own status", r)
r = run("token", "show", "t")
ok('\n    "ear_status": "contraindicated"' in r.out, "its own status is shown", r)
r = verify(signed("signer", {"alg": "ES256"}, whole), "--json")
ok(r.code == 1 and r.json["status"] == "contraindicated" and r.json["parts"][0]["status"] == "affirming",
   "its own status, in JSON", r)
r = verify(signed("signer", {"alg": "ES256"}, {**whole, "ear_status": "affirming"}))
ok(r.code == 0 and "\n  status       affirming, of the token itself\n" in r.out, "its own status affirms, too", r)
whole = {**good, "ear.status": "warning"}
r = verify(signed("signer", {"alg": "ES256"}, whole))
ok(r.code == 1 and "the status of the token itself is warning" in r.out, "its own status, in deployed names", r)
whole["submods"] = {"cpu0": {"ear.status": "contraindicated"}}
r = verify(signed("signer", {"alg": "ES256"}, whole))
ok(r.code == 1 and "better than that of its part \"cpu0\": contraindicated" in r.out.replace("\n" + " " * 9, " ")
   and "part  " not in r.out, "its own status, better than a part", r)
for name, head, change, words in (
        ("unknown profile", {}, {"eat_profile": "tag:x"}, "no profile"),
        ("crit", {"crit": ["exp"]}, {}, '"crit"'),
        ("HS256", {"alg": "HS256"}, {}, "none of the 1 trusted"),
        ("none", {"alg": "none"}, {}, "none of the 1 trusted")):
    r = verify(signed("signer", {"alg": "ES256", **head}, {**good, **change}))
    ok(r.code == 1 and words in r.out.replace("\n" + " " * 9, " "), name, r)
bad = dict(good)
del bad["exp"]
ok(verify(signed("signer", {"alg": "ES256"}, bad)).code == 3, "without an end")
evil = signed("signer", {"alg": "ES256"}, {**good, "iss": "\x1b[2J\x9b", "aud": "a" * 300})
r = verify(evil)
ok(r.code == 0 and "\x1b" not in r.out and fits(r.out), "no control characters on the screen", r)

for args, words in (
        (["t"], "--jwks or --url: one of the two"),
        (["--jwks", "signer.pub", "--url", "https://x", "t"], "one of the two"),
        (["--jwks", "signer.pub"], "an operand is missing"),
        (["--jwks", "P/min-tcb", "t"], "P/min-tcb: "),
        (["--jwks", path("empty", b'{"keys":[]}'), "t"], "is a set without keys"),
        (["--jwks", path("unusable", b'{"keys":[{"kty":"oct","k":"AA"},{}]}'), "t"],
         "no key of it can be used; key 0: key: kty"),
        (["--url", "http://kbs.example", "t"], "from https, unix:PATH or this machine alone"),
        (["--url", "http://localhost.evil.example", "t"], "this machine alone"),
        (["--url", "http://127.0.0.1@evil.example", "t"], "has a user in it"),
        (["--url", "http://127.0.0.1:80@evil.example", "t"], "has a user in it"),
        (["--url", "http://[::1]:80@evil.example", "t"], "has a user in it"),
        (["--jwks", "signer.pub", "--time", "noon", "t"], "is no time"),
        (["--jwks", "signer.pub", "--nonce", "00", "t"], "at least 8")):
    r = run("token", "verify", *args)
    ok(r.code == 2 and words in r.err and r.out == "", f"verify {' '.join(args)[:60]}", r)
# An address is typed, or there is none: the environment could make anybody's tokens good.
r = run("token", "verify", "t", env={"ASSAY_URL": "https://x"})
ok(r.code == 2, "no server from the environment", r)

# --- keys of a server -----------------------------------------------------------------------

answers = {"/.well-known/jwks.json": json.dumps(
    {"keys": [{"kty": "oct", "k": "AA"}, {"kty": "RSA", "alg": "RS256", "e": "AQAB", "n": "AQAB"},
              {**header["jwk"], "kid": header["kid"], "use": "sig"}]})}


class Server(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = answers.get(self.path)
        self.send_response(200 if body else 404)
        self.send_header("Content-Length", str(len(body or "")))
        self.end_headers()
        self.wfile.write((body or "").encode())

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
url = f"http://127.0.0.1:{server.server_port}"
path("t", token)
r = run("token", "verify", "--time", TIME, "--url", url, "t")
ok(r.code == 0, "keys of a server", r)
r = run("token", "verify", "--time", TIME, "--url", url + "/none", "t")
ok(r.code == 4 and "answers 404" in r.err, "a server without keys", r)
server.shutdown()
server.server_close()
r = run("token", "verify", "--time", TIME, "--url", url, "t", env={"no_proxy": "*"})
ok(r.code == 4 and r.out == "", "no server", r)

for at, words in (("12:00:00", "12:00:00Z, now\n"), ("12:00:59", "12:00:00Z, 59 seconds ago\n"),
                  ("12:01:00", "12:00:00Z, 1 minute ago\n")):
    r = run("token", "verify", "--time", f"2026-11-21T{at}Z", "--jwks", "signer.pub", "t")
    ok(r.code == 0 and f"issued       2026-11-21 {words}" in r.out, f"the distance to the time of issue, at {at}", r)

# --- show -----------------------------------------------------------------------------------

r = run("token", "show", "t")
ok(r.code == 0 and r.out.startswith("signature not checked: anyone may have written this\n")
   and "  expires      2026-11-21 12:05:00Z, " in r.out and '"ear.status": "affirming"' in r.out
   and fits(r.out), "show", r)
r = run("token", "show", "--json", "-", stdin=token)
ok(r.code == 0 and r.json["verified"] is False and r.json["header"] == header
   and r.json["claims"] == parts(token.decode())[1], "show as JSON", r)
for text, words in ((b"", "has 1 parts"), (b"a.b.c", "header: "), (b"e30.e30", "has 2 parts"),
                    (b"e30.AA.AA", "no claims")):
    r = run("token", "show", "-", stdin=text)
    ok(r.code == 1 and words in r.err and r.out == "", f"show {text!r}", r)
if VECTORS:
    example = os.path.join(VECTORS, "coco/evidence/sgx/example.token.json")
    if os.path.exists(example):
        with open(example, encoding="utf-8") as file:
            claims = json.load(file)
        r = verify(signed("signer", {"alg": "ES256"}, {**claims, "exp": claims["iat"] + 300}),
                   time="2025-10-14T07:15:34Z")
        ok(r.code == 1 and "is contraindicated" in r.out and "hardware: 97" in r.out
           and fits(r.out), "a token of Trustee's", r)
done()
