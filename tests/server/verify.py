# SPDX-License-Identifier: Apache-2.0
"""The verifier API. verify.py ASSAYD ASSAY_SIM ASSAY"""

import base64
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../cli"))
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import Server, check, done, wait_until  # noqa: E402
from openapi import Document  # noqa: E402
from service import Serve, new  # noqa: E402

ASSAYD, ASSAY = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[3])
folder = tempfile.TemporaryDirectory(prefix="assayd-verify-")
os.chdir(folder.name)
NOW = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
MACHINES = {tee: ("--tee", tee, "--seed", "1", "--time", NOW) for tee in ("tdx", "sgx", "snp")}
for tee, how in MACHINES.items():
    new(tee, *how)
serve = Serve(*(w for tee in MACHINES for w in ("--platform", tee))).ready(3)
with open("snp/min-tcb", encoding="ascii") as f:
    FLOOR = f.read().strip()
OPTIONS = [w for tee in MACHINES for w in ("--trust-root", f"{tee}/trust-root")]
OPTIONS += ["--min-tcb", FLOOR, "--upstream", serve["pcs"], "--upstream", serve["kds"]]
server = Server(ASSAYD, *OPTIONS)
document = Document(server.get("/v1/openapi.json")[2])
made = 0
quick = Server(ASSAYD, *OPTIONS, "--ticket-life", "10s")


def evidence(tee, report_data=None, *more):
    """The machine's, with these report data."""
    global made
    made += 1
    data = ["--report-data", report_data] if report_data else []
    new(f"made-{made}", *MACHINES[tee], *data, *more)
    with open(f"made-{made}/evidence.bin", "rb") as file:
        return file.read()


def post(path, body=None, headers=None, to=None):
    """(status, object); the answer must be as the document says."""
    body = json.dumps(body).encode() if isinstance(body, dict) else body
    headers = headers or {"Content-Type": "application/json"}
    status, got, text = (to or server).request("POST", path, body=body, headers=headers)
    wrong = document.answer("POST", path, status, got, text)
    if wrong:
        check(False, f"{path} {status} is as the document says: {wrong}")
    return status, json.loads(text)


def verify(blob, to=None, **members):
    return post("/v1/verify", {"evidence": base64.b64encode(blob).decode(), **members}, to=to)


def payload(token):
    part = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def row(answer, name):
    return next((r["outcome"] for r in answer["checks"] if r["id"] == name), None)


def status_of(answer):
    return payload(answer["ear"])["submods"]["cpu0"]["ear.status"]


def is_verdict(got, verdict, ear, name, *failed):
    status, answer = got
    held = (status == 200 and answer.get("verdict") == verdict and status_of(answer) == ear
            and all(row(answer, f) == "fail" for f in failed))
    return check(held, name if held else f"{name}: {status} {str(answer)[:1500]}")


def is_refused(got, status, words, name):
    held = got[0] == status and words in got[1].get("error", "")
    return check(held, name if held else f"{name}: {got}")


# --- a cold cache fills itself -------------------------------------------------------------------
plain = {tee: evidence(tee) for tee in MACHINES}
for tee, blob in plain.items():
    status, first = verify(blob)
    cold = (first["verdict"] == "undetermined" and first["genuine"] is None and first["missing"]
            and status_of(first) == "none")
    check(status == 200 and cold, f"{tee}: cold, and says what is missing{'' if cold else first}")
    check(wait_until(lambda: verify(blob)[1]["verdict"] == "accepted"), f"{tee}: accepted soon")

# --- the answer ----------------------------------------------------------------------------------
for tee, blob in plain.items():
    status, answer = verify(blob)
    is_verdict((status, answer), "accepted", "affirming", f"{tee}: accepted")
    with open("evidence.bin", "wb") as file:
        file.write(blob)
    for name in ("tcb_info.json", "qe_identity.json", "pck_crl.der", "root_ca_crl.der",
                 "tcb_signing_chain.pem", "cert_chain.pem", "crl.der", "vcek.der"):
        if os.path.exists(f"{tee}/collateral/{name}"):
            os.makedirs(f"c-{tee}", exist_ok=True)
            with open(f"{tee}/collateral/{name}", "rb") as a, open(f"c-{tee}/{name}", "wb") as b:
                b.write(a.read())
    floor = ["--min-tcb", FLOOR] if tee == "snp" else []
    said = subprocess.run([ASSAY, "verify", "--json", "--trust-root", f"{tee}/trust-root", "-c",
                           f"c-{tee}", *floor, "evidence.bin"], capture_output=True, text=True,
                          check=False)
    own = json.loads(said.stdout)
    skip = {"time", "trust", "claims", "ear"}
    differ = [k for k in set(own) | set(answer) if k not in skip and own.get(k) != answer.get(k)]
    check(not differ and list(own) == [k for k in answer if k != "ear"],
          f"{tee}: the same as assay verify --json says {differ}")
    check(answer["trust"] not in (None, "built-in"), f"{tee}: the root is told")
    ear = payload(answer["ear"])
    check(ear["submods"]["cpu0"]["ear.appraisal-policy-id"] == "default" and "eat_nonce" not in ear
          and ear["iss"] == "assayd" and ear["exp"] - ear["iat"] == 300, f"{tee}: the EAR")
    check(ear.get("aud") != "assay-kbs", f"{tee}: which is not for the broker")

jwks = json.loads(server.get("/.well-known/jwks.json")[2])
header = json.loads(base64.urlsafe_b64decode(answer["ear"].split(".")[0] + "=="))
check(header["kid"] in [k["kid"] for k in jwks["keys"]], "signed with a key of /.well-known/jwks.json")
with open("jwks.json", "w", encoding="ascii") as file:
    json.dump(jwks, file)
with open("ear.jwt", "w", encoding="ascii") as file:
    file.write(answer["ear"])
said = subprocess.run([ASSAY, "token", "verify", "--jwks", "jwks.json", "ear.jwt"], capture_output=True,
                      text=True, check=False)
check(said.returncode == 0, f"assay token verify believes it {said.stdout if said.returncode else ''}"
      f"{said.stderr if said.returncode else ''}")
status, answer = verify(plain["tdx"], profile="ietf")
check("ear_status" in payload(answer["ear"])["submods"]["cpu0"], "the profile of the IETF draft")

# --- freshness -----------------------------------------------------------------------------------
for tee in MACHINES:
    status, asked = post("/v1/challenge", b"")
    check(status == 200 and len(asked["nonce"]) == 64, f"{tee}: a challenge")
    blob = evidence(tee, asked["nonce"])
    got = verify(blob, challenge=asked["challenge"])
    is_verdict(got, "accepted", "affirming", f"{tee}: answers it")
    check(row(got[1], "evidence.report_data") == "pass" and base64.urlsafe_b64decode(
        payload(got[1]["ear"])["eat_nonce"] + "=").hex() == asked["nonce"], f"{tee}: the nonce is in the EAR")
    is_verdict(verify(blob, nonce=asked["nonce"]), "accepted", "affirming", f"{tee}: as a nonce")
    is_verdict(verify(blob, report_data=asked["nonce"] + "00" * 32), "accepted", "affirming",
               f"{tee}: as report data")
    other = post("/v1/challenge", b"")[1]
    is_verdict(verify(blob, challenge=other["challenge"]), "refused", "contraindicated",
               f"{tee}: not of another challenge", "evidence.report_data")
    is_verdict(verify(plain[tee], challenge=asked["challenge"]), "refused", "contraindicated",
               f"{tee}: nor evidence that answers none", "evidence.report_data")
is_refused(verify(blob, challenge="00" * 64), 422, "is none of this server's", "a challenge of nobody's")
changed = asked["challenge"][:-2] + ("00" if asked["challenge"][-2:] != "00" else "11")
is_refused(verify(blob, challenge=changed), 422, "is none of this server's", "a changed one")
check(len({post("/v1/challenge", b"")[1]["nonce"] for _ in range(50)}) == 50, "every nonce is another")
old, since = post("/v1/challenge", b"", to=quick)[1], time.monotonic()  # looked at again at the end
is_refused(verify(plain["tdx"], challenge=asked["challenge"], to=quick), 422, "is none of this server's",
           "one of another server")

# --- the workload's key --------------------------------------------------------------------------
P256 = {"kty": "EC", "crv": "P-256",
        "x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4", "y": "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"}
PRIVATE = {**P256, "d": "870MB6gfuTJ4HtUnUvYMyJpr5eUZNP4Bk43bVdj3eAE"}  # RFC 7517, A.2
CANONICAL = json.dumps(P256, sort_keys=True, separators=(",", ":"))


def bound(nonce, file):
    """docs/binding.md"""
    parts = (b"assay report data: nonce and key, 1", bytes.fromhex(nonce), hashlib.sha384(file).digest())
    return hashlib.sha512(b"".join(len(p).to_bytes(4, "big") + p for p in parts)).hexdigest()


asked = post("/v1/challenge", b"")[1]
blob = evidence("snp", bound(asked["nonce"], CANONICAL.encode()))
got = verify(blob, challenge=asked["challenge"], key=dict(reversed(P256.items())))
is_verdict(got, "accepted", "affirming", "a key, as a JWK: bound in canonical form")
check({k: v for k, v in payload(got[1]["ear"])["cnf"]["jwk"].items() if k != "alg"} == P256,
      "the EAR confirms it")
is_verdict(verify(blob, nonce=asked["nonce"], key=CANONICAL), "accepted", "affirming", "the same as a file")
is_verdict(verify(blob, nonce=asked["nonce"], key=CANONICAL + "\n"), "refused", "contraindicated",
           "another file is another key", "evidence.report_data")
is_verdict(verify(blob, nonce=asked["nonce"]), "refused", "contraindicated", "nor without the key",
           "evidence.report_data")
subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", "ed.pem"], check=True)
pem = subprocess.run(["openssl", "pkey", "-in", "ed.pem", "-pubout"], check=True, capture_output=True).stdout
got = verify(evidence("tdx", bound(asked["nonce"], pem)), nonce=asked["nonce"], key=pem.decode())
is_verdict(got, "accepted", "affirming", "a key in PEM")
check(payload(got[1]["ear"])["cnf"]["jwk"]["crv"] == "Ed25519", "which the EAR confirms as a JWK")
is_refused(verify(blob, nonce=asked["nonce"], key=PRIVATE), 422, "is a private key", "no private key")
with open("ed.pem", encoding="ascii") as file:
    is_refused(verify(blob, nonce=asked["nonce"], key=file.read()), 422, "is a private key", "nor in PEM")
is_refused(verify(blob, key=P256), 422, "bound together with a nonce", "no key without a nonce")
is_refused(verify(blob, report_data="00", key=P256), 422, "bound together with a nonce",
           "nor with report data")
is_refused(verify(blob, nonce=asked["nonce"], key={**P256, "y": P256["x"]}), 422, "key: ", "no point of the curve")
is_refused(verify(blob, nonce=asked["nonce"], key=7), 422, "must be a JWK", "a number is no key")

# --- policies ------------------------------------------------------------------------------------
debug = evidence("tdx", None, "--debug")
is_verdict(verify(debug), "refused", "contraindicated", "debug is refused by default", "policy.debug")
is_verdict(verify(debug, policy="genuine"), "accepted", "affirming", "not by genuine")
got = verify(debug, policy=["genuine", "default"])
is_verdict(got, "refused", "contraindicated", "all that are named must allow it", "policy.debug")
check(got[1]["policy"] == ["genuine", "default"], "and are told")
is_refused(verify(debug, policy="nobody's"), 422, 'there is no "nobody\'s" here', "a policy that is not here")
is_refused(verify(debug, policy=["genuine"] * 8), 422, "more than 7", "too many policies")
is_refused(verify(debug, policy=["genuine", 7]), 422, "must be a name", "a number is no policy")

# --- evidence that does not hold -----------------------------------------------------------------
for tee, blob in plain.items():
    at = 0x90 if tee == "snp" else 200
    forged = blob[:at] + bytes([blob[at] ^ 1]) + blob[at + 1:]
    got = verify(forged)
    is_verdict(got, "refused", "contraindicated", f"{tee}: one bit changed")
    check(got[1]["genuine"] is False, f"{tee}: not genuine")
for name, blob in (("garbage", b"no evidence at all"), ("one byte", b"\0"), ("half a quote", plain["tdx"][:700])):
    status, answer = verify(blob)
    check(status == 200 and answer["verdict"] == "refused" and answer["tee"] is None
          and answer["ear"] is None and row(answer, "evidence.format") == "fail", f"{name}: is no evidence")

# --- evidence as the body ------------------------------------------------------------------------
asked = post("/v1/challenge", b"")[1]
blob = evidence("tdx", asked["nonce"])
for kind in ("application/octet-stream", "application/cmw+cbor", "Application/CMW+CBOR; x=y"):
    got = post(f"/v1/verify?challenge={asked['challenge']}&policy=genuine,default", blob, {"Content-Type": kind})
    is_verdict(got, "accepted", "affirming", f"as {kind}")
RAW = {"Content-Type": "application/octet-stream"}
is_refused(post("/v1/verify?nonse=00112233445566778899", blob, RAW), 422, '"nonse" is not known', "misspelt")
is_refused(post(f"/v1/verify?nonce={asked['nonce']}&nonce={asked['nonce']}", blob, RAW), 422, "stands twice",
           "a parameter twice")
is_refused(post("/v1/verify?key=x", blob, RAW), 422, "can only stand in a JSON body", "no key in a query")
is_refused(post("/v1/verify?time=2020-01-01", blob, RAW), 422, "always of now", "no time in a query")
is_refused(post("/v1/verify", b"", RAW), 422, "evidence: is missing", "an empty body")

# --- requests that are none ----------------------------------------------------------------------
JSON = {"Content-Type": "application/json"}
E = base64.b64encode(plain["snp"]).decode()
for name, body, status, words in (
        ("no JSON", b"{", 400, "body"), ("not UTF-8", b'{"evidence":"\xff"}', 400, "body"),
        ("a list", b"[]", 422, "must be an object"), ("nothing in it", {}, 422, "evidence: is missing"),
        ("evidence is a number", {"evidence": 1}, 422, "must be a text"),
        ("evidence is empty", {"evidence": ""}, 400, "is no base64"),
        ("URL alphabet", {"evidence": "__8="}, 400, "is no base64"),
        ("line ends", {"evidence": E[:64] + "\n" + E[64:]}, 422, "without escapes"),
        ("a time", {"evidence": E, "time": "2020-01-01"}, 422, "always of now"),
        ("misspelt", {"evidence": E, "nonse": "00" * 8}, 422, '"nonse" is not known'),
        ("twice", b'{"evidence":"' + E.encode() + b'","evidence":"AA=="}', 422, "stands twice"),
        ("two ways to be fresh", {"evidence": E, "nonce": "00" * 8, "report_data": "00"}, 422, "give one of"),
        ("a short nonce", {"evidence": E, "nonce": "00" * 7}, 422, "must be 8 to 64 bytes"),
        ("a long nonce", {"evidence": E, "nonce": "00" * 65}, 422, "must be 8 to 64 bytes"),
        ("no hex", {"evidence": E, "nonce": "zz" * 8}, 422, "must be 8 to 64 bytes"),
        ("half a byte", {"evidence": E, "nonce": "0" * 17}, 422, "must be 8 to 64 bytes"),
        ("a short challenge", {"evidence": E, "challenge": "00" * 63}, 422, "is not the text"),
        ("long report data", {"evidence": E, "report_data": "00" * 65}, 422, "must be 1 to 64 bytes"),
        ("a strange profile", {"evidence": E, "profile": "mine"}, 422, "must be deployed or ietf")):
    is_refused(post("/v1/verify", body, JSON), status, words, name)
is_refused(post("/v1/verify?policy=genuine", {"evidence": E}, JSON), 422, "all stands in the body", "both ways")
for kind in ("text/plain", "application/jsonp", "application/json/x", ""):
    is_refused(post("/v1/verify", {"evidence": E}, {"Content-Type": kind}), 415, "Content-Type", f"as {kind!r}")
status, _, _ = server.get("/v1/verify")
check(status == 405, "GET is not taken")
try:
    status, _ = post("/v1/verify", b"x" * (7 << 20), RAW)
except OSError:  # the answer may be lost to a client that goes on sending
    status = 413
check(status == 413, "too large a body")

time.sleep(max(0, since + 11.5 - time.monotonic()))
is_refused(verify(plain["tdx"], challenge=old["challenge"], to=quick), 422, "its time is over", "an old one")
quick.stop()
check(server.stop() == 0, "ends as it should")
serve.stop()
done()
