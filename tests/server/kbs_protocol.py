# SPDX-License-Identifier: Apache-2.0
"""The key broker protocol, every version and TEE, against a running assayd.

kbs_protocol.py ASSAY ASSAYD ASSAY_SIM"""

import base64
import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from email.utils import parsedate_to_datetime

try:
    from kbs_client import (Broker, Client, EcKey, Machine, RsaKey, Sample, compact, open_envelope, std,
                            unurl, url)
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
except ImportError as missing:
    print(f"1..0 # SKIP {missing}")
    sys.exit(0)
from harness import check, done, wait_until

ASSAY, ASSAYD, SIM = (os.path.abspath(path) for path in sys.argv[1:4])
FOLDER = tempfile.TemporaryDirectory(prefix="kbs-")
SECRET = bytes(range(256)) + b"a secret"
TEES = ("tdx", "snp", "sgx")

machines = {tee: Machine(SIM, FOLDER.name, tee) for tee in TEES}
with open(f"{machines['snp'].path}/min-tcb", encoding="ascii") as f:
    FLOOR = ",".join(line.strip() for line in f if "=" in line)
OPTIONS = [word for m in machines.values() for word in ("--trust-root", f"{m.path}/trust-root")]
OPTIONS += ["--min-tcb", FLOOR]
server = Broker(ASSAYD, *OPTIONS)


def ok(holds, name, detail=""):
    check(holds, name)
    for line in [] if holds else str(detail).splitlines():
        print("#", line)
    return holds


def push(to):
    pushed = subprocess.run(
        [ASSAY, "collateral", "push", "--url", to.url, "--admin-key", to.admin_key, *(f"{m.path}/collateral" for m in machines.values())],
        capture_output=True, text=True, check=False)
    ok(pushed.returncode == 0, "collateral is pushed", pushed.stderr)


push(server)


def refused(answer, variant, words, name, status=401):
    try:
        held = answer.status == status and answer.error() == variant and words in answer.detail
    except (AssertionError, ValueError):
        held = False
    return ok(held, name, f"want {status} {variant} {words}\n{answer!r}")


def opened(answer, key, version, name, secret=SECRET):
    try:
        held = (answer.status == 200 and answer.type == "application/json"
                and open_envelope(answer.body, key, version) == secret)
        why = repr(answer)
    except Exception as error:  # whatever the client would have stumbled over
        held, why = False, f"{error!r}\n{answer!r}"
    return ok(held, name, why)


# --- secrets -------------------------------------------------------------------------------------

r = server.put("repo/type/tag", SECRET)
ok(r.status == 200 and r.body == b"" and r.type.startswith("text/xml"), "a secret is put", r)
c = Client(server.port)
refused(c.ask("POST", "/kbs/v0/resource/repo/type/tag", b"x"), "AdminAuthAccess", "", "not without a token")
for name, changes in (("another method", {"htm": "DELETE"}), ("another path", {"htu": "/kbs/v0/resource/a/b/c"}),
                      ("another body", {"sha256": url(hashlib.sha256(b"y").digest())}),
                      ("another audience", {"aud": "else"}), ("old", {"iat": 1, "exp": 61})):
    path = "/kbs/v0/resource/repo/type/tag"
    refused(c.ask("POST", path, b"x", {"Authorization": "Bearer " + server.admin_token(
        "POST", path, b"x", **changes)}), "AdminAuthAccess", "", f"an admin token: {name}")

# --- the handshake ---------------------------------------------------------------------------------

r = c.auth("tdx", {"supported-hash-algorithms": ["sha256", "sha384", "sha512", "sm3"]})
ok(r.status == 200 and r.type == "application/json" and list(r.json) == ["nonce", "extra-params"]
   and r.json["extra-params"] == "" and re.fullmatch(r"[A-Za-z0-9+/]{43}=", r.json["nonce"]) is not None,
   "the challenge", r)
cookie = r.headers["Set-Cookie"]
found = re.fullmatch(r"kbs-session-id=[0-9a-f]{128}; Path=/kbs/v0; Expires=(\w{3}, \d\d \w{3} \d{4} "
                     r"\d\d:\d\d:\d\d GMT); HttpOnly", cookie)
ok(found is not None, "the cookie", cookie)
ends = parsedate_to_datetime(found[1]).timestamp() - time.time() if found else 0
ok(290 < ends <= 300, "the cookie ends after five minutes", ends)
nonces = {Client(server.port).auth("tdx").json["nonce"] for _ in range(20)}
ok(len(nonces) == 20, "every nonce is another")
r = c.auth("tdx", {"supported-hash-algorithms": ["sha512"]})
ok(r.json["extra-params"] == {"selected-hash-algorithm": "sha512"}, "another hash is chosen", r)
for name in ("az-snp-vtpm", "azsnpvtpm", "cca", "nvidia", "sample"):
    refused(Client(server.port).auth(name), "AttestationError", "not served", f"tee {name}")
refused(Client(server.port).auth("Tdx"), "AttestationError", "unknown", "an unknown tee")
refused(Client(server.port, "0.5.0").auth("tdx"), "AttestationError",
        "KBS Client Protocol Version Mismatch: expect =0.4.0 while the request is 0.5.0", "a newer version")
refused(c.ask("POST", "/kbs/v0/auth", "{"), "AttestationError", "no JSON", "a request that is no JSON")


def keys_of(version):
    """What clients of the version have sent."""
    if version == "0.1.0":
        return [("RSA1_5", RsaKey("RSA1_5")), ("RSA1_5, k-mod", RsaKey("RSA1_5", old=True))]
    if version == "0.1.1":
        return [("RSA1_5", RsaKey("RSA1_5"))]
    return [("P-256", EcKey()), ("P-521", EcKey(ec.SECP521R1)), ("RSA-OAEP-256", RsaKey("RSA-OAEP-256"))]


def ways_of(version, key):
    """How they have hashed: keyword arguments of Client.bound()."""
    if version == "0.4.0":
        return [("canonical", {})]
    ways = [("sorted", {}), ("insertion order", {"sort": False})]
    if version == "0.3.0":
        ways += [("another order", {"sort": False, "order": ("additional-evidence", "nonce", "tee-pubkey")})]
    if "k-mod" in key.jwk:
        ways += [("without JSON", {"first": True})]
    return ways


for tee in TEES:
    for version in ("0.1.0", "0.1.1", "0.2.0", "0.3.0", "0.4.0"):
        for kind, key in keys_of(version):
            for way, how in ways_of(version, key):
                name = f"{tee} {version} {kind} {way}"
                c = Client(server.port, version, key)
                r = c.handshake(machines[tee], **how)
                if not ok(r.status == 200 and list(r.json) == ["token"] and r.type == "application/json"
                          and "kbs-session-id=" in r.headers.get("Set-Cookie", ""), f"{name}: token", r):
                    continue
                opened(c.get("repo/type/tag"), key, version, f"{name}: by cookie")
                opened(c.get("repo/type/tag", bearer=c.token, cookie=False), key, version, f"{name}: by token")

c = Client(server.port)
r = c.handshake(machines["snp"], extra={"supported-hash-algorithms": ["sha256"]})
ok(r.status == 200 and c.hash == "sha256", "SHA-256, as negotiated", r)
r = c.handshake(machines["sgx"], extra={"supported-hash-algorithms": ["sha512"]})
ok(r.status == 200 and c.hash == "sha512", "SHA-512, as negotiated", r)
c.auth("snp", {"supported-hash-algorithms": ["sha256"]})
c.hash = "sha384"
r = c.attest(c.body(machines["snp"].evidence(c.bound())))
refused(r, "AttestationError", "evidence.report_data", "another hash than was negotiated")

# --- what is refused --------------------------------------------------------------------------------

for tee in TEES:
    m = machines[tee]
    c = Client(server.port)
    c.auth(tee)
    data = c.bound()
    good = m.evidence(data)
    other = Client(server.port)
    refused(other.ask("POST", "/kbs/v0/attest", c.body(good)), "AttestationError", "cookie", f"{tee}: no cookie")
    forged = c.cookie[:-1] + ("0" if c.cookie[-1] != "0" else "1")
    refused(other.ask("POST", "/kbs/v0/attest", c.body(good), {"Cookie": f"kbs-session-id={forged}"}),
            "AttestationError", "not made here", f"{tee}: a forged cookie")
    refused(other.ask("POST", "/kbs/v0/attest", c.body(good), {"Cookie": "kbs-session-id=" + "0" * 32}),
            "AttestationError", "not made here", f"{tee}: a cookie of another broker")
    kept, c.nonce = c.nonce, std(bytes(32))
    refused(c.attest(c.body(good)), "AttestationError", "nonce", f"{tee}: another nonce")
    c.nonce = kept
    key, c.key = c.key, EcKey()
    refused(c.attest(c.body(good)), "AttestationError", "evidence.report_data", f"{tee}: another key")
    c.key = key
    refused(c.attest(c.body(good, additional='{"nvidia":{}}')), "AttestationError", "evidence.report_data",
            f"{tee}: devices that were not hashed")
    refused(c.attest(c.body(m.evidence(bytes(64)))), "AttestationError", "evidence.report_data", f"{tee}: another nonce in the evidence")
    bad = json.loads(json.dumps(good))
    if tee == "snp":
        bad["attestation_report"]["signature"]["r"][0] ^= 1
    else:
        raw = bytearray(base64.b64decode(bad["quote"]))
        raw[(636 if tee == "tdx" else 436) + 10] ^= 1
        bad["quote"] = std(bytes(raw))
    refused(c.attest(c.body(bad)), "AttestationError", "signature", f"{tee}: a signature")
    foreign = machines["snp" if tee != "snp" else "tdx"]
    refused(c.attest(c.body(foreign.evidence(data))), "AttestationError", "ticket", f"{tee}: another TEE")
    if tee != "snp":
        twin = machines["sgx" if tee == "tdx" else "tdx"].evidence(data)
        twin.pop("cc_eventlog", None)
        refused(c.attest(c.body(twin)), "AttestationError", "", f"{tee}: a quote of another TEE")
    refused(c.attest(c.body({**good, "more": 1})), "AttestationError", "known", f"{tee}: an unknown member")
    refused(c.attest(c.body({})), "AttestationError", "", f"{tee}: no evidence")
    init = {"format": "toml", "body": 'version = "0.1.0"\nalgorithm = "sha384"\n[data]\n'}
    refused(c.attest(c.body(good, init=init)), "AttestationError", "init-data", f"{tee}: init-data that it does not carry")
    if tee != "snp":
        refused(c.attest(c.body({**good, "quote": url(b"\xff" * 5000)})), "AttestationError", "standard base64",
                f"{tee}: the other base64")
    # None of these has spent the ticket.
    r = c.attest(c.body(good))
    first = c.token
    ok(r.status == 200, f"{tee}: the ticket is still good", r)
    r = c.attest(c.body(good))
    ok(r.status == 200 and c.token == first, f"{tee}: the same body, the same token", r)
    refused(c.attest(compact(c.body(good), sort=False) + " "), "AttestationError", "another body", f"{tee}: another body")
    opened(c.get("repo/type/tag"), c.key, "0.4.0", f"{tee}: the session goes on")
    for v in ("0.1.1", "0.2.0", "0.3.0"):
        old = Client(server.port, v)
        old.auth(tee)
        mixed = old.body(good)
        now = Client(server.port)
        now.auth(tee)
        refused(now.attest(mixed), "AttestationError", "missing", f"{tee}: a body of {v} for a ticket of 0.4.0")
r = c.ask("POST", "/kbs/v0/attest", b"{" * 5000)
refused(r, "AttestationError", "no JSON", "a body that is no JSON")
sev = Machine(SIM, FOLDER.name, "snp", "--debug")
r = Client(server.port).handshake(sev)
ok(r.status == 200, "debug: genuine, so there is a token", r)

# --- devices --------------------------------------------------------------------------------------------

c = Client(server.port)
r = c.handshake(machines["tdx"], additional='{"nvidia":["gpu",{"evidence":"x"}],"sampledevice":{}}')
if ok(r.status == 200, "devices are bound", r):
    submods = json.loads(unurl(c.token.split(".")[1]))["submods"]
    ok(set(submods) == {"cpu0", "device0", "device1"}
       and all(submods[s]["ear.status"] == "none" for s in ("device0", "device1"))
       and submods["cpu0"]["ear.status"] == "affirming", "and nothing is affirmed of them", submods)
c.auth("tdx")
r = c.attest(c.body(machines["tdx"].evidence(c.bound("nonsense")), "nonsense"))
refused(r, "AttestationError", "additional_evidence", "devices that are no JSON")

# --- the token ---------------------------------------------------------------------------------------------

NAMES = {
    "tdx": {"quote.header.version": "0400", "quote.header.tee_type": "81000000", "quote.header.att_key_type": "0200",
            "quote.body.mr_td": None, "quote.body.rtmr_0": None, "quote.body.rtmr_3": None,
            "quote.body.mr_config_id": "00" * 48, "quote.body.tcb_svn": None, "quote.body.xfam": None,
            "quote.body.td_attributes": None, "td_attributes.debug": False, "td_attributes.septve_disable": None,
            "tcb_status": "UpToDate", "collateral_expiration_status": "0", "advisory_ids": []},
    "snp": {"measurement": None, "reported_tcb_bootloader": None, "reported_tcb_snp": None, "reported_tcb_tee": None,
            "reported_tcb_microcode": None, "platform_smt_enabled": None, "platform_tsme_enabled": None,
            "policy_abi_major": None, "policy_debug_allowed": False, "policy_migrate_ma": False,
            "policy_smt_allowed": None, "policy_single_socket": None, "chip_id": None},
    "sgx": {"header.version": "0300", "body.mr_enclave": None, "body.mr_signer": None, "body.config_id": "00" * 64,
            "body.isv_svn": None, "body.isv_prod_id": None, "tcb_status": "UpToDate"},
}


def at(value, path):
    for part in path.split("."):
        value = value[part]
    return value


jwks = Client(server.port).ask("GET", "/.well-known/jwks.json")
keys = {k["kid"]: k for k in jwks.json["keys"]} if jwks.status == 200 else {}
for tee in TEES:
    c = Client(server.port)
    r = c.handshake(machines[tee])
    if not ok(r.status == 200, f"{tee}: a token to look at", r):
        continue
    head, payload, signature = c.token.split(".")
    header, claims = json.loads(unurl(head)), json.loads(unurl(payload))
    key = keys.get(header.get("kid"))
    ok(header["typ"] == "JWT" and header["alg"] == key["alg"] and header["jwk"]["alg"] == key["alg"]
       and all(header["jwk"][n] == key[n] for n in ("kty", "crv", "x", "y")), f"{tee}: header and key set", header)
    raw = unurl(signature)
    public = ec.EllipticCurvePublicNumbers(int.from_bytes(unurl(key["x"]), "big"), int.from_bytes(unurl(key["y"]), "big"),
                                           ec.SECP256R1()).public_key()
    public.verify(encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big")),
                  f"{head}.{payload}".encode(), ec.ECDSA(hashes.SHA256()))
    cpu = claims["submods"]["cpu0"]
    ok(cpu["ear.status"] == "affirming" and cpu["ear.appraisal-policy-id"] == "default"
       and len(cpu["ear.trustworthiness-vector"]) == 8, f"{tee}: the status", cpu)
    facts = cpu["ear.veraison.annotated-evidence"]
    ok(facts["runtime_data_claims"] == {"nonce": c.nonce, "tee-pubkey": c.key.jwk}, f"{tee}: the key's place", facts)
    ok(facts["report_data"] == c.bound().hex() and facts["init_data_claims"] is None
       and set(facts["init_data"]) == {"0"}, f"{tee}: report data and init-data", facts)
    ok(claims["eat_nonce"] == c.nonce and claims["cnf"]["jwk"] == c.key.jwk
       and claims["exp"] - claims["iat"] == 300, f"{tee}: nonce, key and time", claims)
    for name, want in NAMES[tee].items():
        try:
            got = at(facts[tee], name) if tee != "x" else None
        except KeyError:
            ok(False, f"{tee}: claim {name}", list(facts[tee]))
            continue
        ok(want is None and got is not None or got == want, f"{tee}: claim {name}", got)

# --- resources ------------------------------------------------------------------------------------------------

c = Client(server.port)
refused(c.get("repo/type/tag"), "TokenNotFound", "/kbs/v0/auth", "the first GET of a client")
c.auth("snp")
refused(c.get("repo/type/tag"), "TokenNotFound", "", "a session that is not attested")
c.handshake(machines["snp"])
r = c.get("repo/type/nothing")
ok(r.status == 404 and r.error() and "repo/type/nothing" in r.detail, "a secret that is not there", r)
for path in ("a/b", "a/b/c/d", "a//c", ".a/b/c", "a/b/.c", "a/b/", "a/b/c%2e", "a/b/c:d", "a/b/" + "c" * 300, "..%2f/b/c"):
    r = c.ask("GET", f"/kbs/v0/resource/{path}")
    ok(r.status in (400, 404) and r.error() in ("InvalidRequestPath", "HTTPFailed"), f"path {path[:20]}", r)
refused(c.get("repo/type/tag", bearer="a.b.c", cookie=False), "TokenVerifierError", "", "a token that is none")
head, payload, signature = c.token.split(".")
refused(c.get("repo/type/tag", bearer=f"{head}.{payload}.{signature[::-1]}", cookie=False), "TokenVerifierError", "", "a token with another signature")
opened(c.get("repo/type/tag", bearer="a.b.c"), c.key, "0.4.0", "a bad token beside a good session")
r = c.ask("PUT", "/kbs/v0/resource/repo/type/tag", b"x")
ok(r.status == 405 and r.error() == "PluginInternalError", "another method", r)
debug = Client(server.port)
debug.handshake(sev)
refused(debug.get("repo/type/tag"), "PolicyDeny", "default", "a machine that can be debugged")
r = server.put("repo/type/loose", SECRET, policy="genuine")
ok(r.status == 200, "a secret of another policy is put", r)
opened(debug.get("repo/type/loose"), debug.key, "0.4.0", "which takes that machine")
r = server.put("repo/type/loose", SECRET, policy="nosuch")
ok(r.status == 404 and r.error() and "nosuch" in r.detail, "a policy that is not there", r)
r = server.put("repo/type/tag", b"second")
ok(r.status == 200, "another version is put", r)
opened(c.get("repo/type/tag"), c.key, "0.4.0", "and given out", b"second")
refused(server.put("other/type/tag", b""), "PluginInternalError", "has 0 bytes", "an empty secret", 400)
r = server.put("repo/type/tag", b"", method="DELETE")
ok(r.status == 200, "a secret is removed", r)
r = c.get("repo/type/tag")
ok(r.status == 404 and r.error(), "and is gone", r)
r = server.put("repo/type/tag", b"", method="DELETE")
ok(r.status == 404 and r.error(), "once", r)

# --- reference values that end -----------------------------------------------------------------------------------

server.put("repo/type/tag", SECRET)
path = "/v1/admin/references/brief?expires=" + time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 4))
document = compact({"reference_values": 1, "values": [
    {"name": "brief/launch", "claim": "measurement", "any_of": ["00" * 48]}]}).encode()
r = Client(server.port).ask("PUT", path, document,
                            {"Authorization": "Bearer " + server.admin_token("PUT", path, document)})
ok(r.status == 200, "reference values for some seconds", r)
c = Client(server.port)
# Judged by what was there before, a guest is told to attest again: as it is when a change is a moment old.
ok(wait_until(lambda: c.handshake(machines["tdx"]).status == 200 and c.get("repo/type/tag").status == 200),
   "a guest attests meanwhile")
ok(wait_until(lambda: c.get("repo/type/tag").status == 401), "when they end its token does")
r = c.get("repo/type/tag")
ok(r.status == 401 and "attest again" in r.detail, "and it is told to attest again", r)
ok(c.handshake(machines["tdx"]).status == 200 and c.get("repo/type/tag").status == 200, "which it does")
ok(server.put("repo/type/tag", b"", method="DELETE").status == 200, "nothing is left behind")

# --- the rest of the paths ---------------------------------------------------------------------------------------

refused(c.ask("GET", "/kbs/v0/auth"), "PluginNotFound", "auth", "GET /auth", 404)
refused(c.ask("GET", "/kbs/v0/pkcs11/x"), "PluginNotFound", "pkcs11", "an unknown plugin", 404)
for path in ("/kbs/v0", "/kbs/v0/"):
    refused(c.ask("GET", path), "InvalidRequestPath", "", path, 404)
rego = {"policy": url(b"package policy\ndefault allow = true")}
refused(c.ask("POST", "/kbs/v0/resource-policy", rego), "PolicyEngineError", "assay policy push", "a policy in Rego")
refused(c.ask("GET", "/kbs/v0/resource-policy"), "PolicyEngineError", "assay policy push", "the policies in Rego")
refused(c.ask("POST", "/kbs/v0/attestation-policy", {"policy_id": "default", **rego}), "PolicyEngineError",
        "opa", "an attestation policy in Rego")
refused(c.ask("POST", "/kbs/v0/reference-value", {"version": "0.1.0", "type": "sample", "payload": std(b"{}")}),
        "RvpsError", "assay reference push", "reference values")
refused(c.ask("GET", "/kbs/v0/reference-value/x"), "RvpsError", "assay reference push", "a reference value")
r = c.ask("POST", "/kbs/v0/auth", b"x" * 70000)
ok(r.status == 413 and r.error() == "HTTPFailed", "a body that is too large", r)
ok(server.stop() == 0, "the server ends", server.text())

# --- sample evidence ---------------------------------------------------------------------------------------------

server = Broker(ASSAYD, "--sample", *OPTIONS)
server.put("repo/type/tag", SECRET)
for version in ("0.2.0", "0.3.0", "0.4.0"):
    c = Client(server.port, version)
    r = c.handshake(Sample())
    if not ok(r.status == 200, f"sample {version}: token", r):
        continue
    cpu = json.loads(unurl(c.token.split(".")[1]))["submods"]["cpu0"]
    facts = cpu["ear.veraison.annotated-evidence"]
    ok(cpu["ear.status"] != "affirming" and facts["sample"]["svn"] == "1"
       and facts["sample"]["launch_digest"] == "abcde", f"sample {version}: affirms nothing", cpu)
    refused(c.get("repo/type/tag"), "PolicyDeny", "sample", f"sample {version}: is no evidence for the policy default")
c.auth("sample")
refused(c.attest(c.body(Sample().evidence(bytes(48)))), "AttestationError", "evidence.report_data", "sample: another nonce")
ok(server.stop() == 0, "the server ends", server.text())
done()
