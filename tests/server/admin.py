#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What operators ask of assayd: tokens and what each is good for, roles, certificates, and the commands."""
import datetime
import http.client
import json
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time

from harness import check, done, wait_until
from kbs_client import Broker
from openapi import Document
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

ASSAY, ASSAYD, SIM = (os.path.abspath(path) for path in sys.argv[1:4])
FOLDER = tempfile.mkdtemp(prefix="assayd-admin-")
NOW = int(time.time())


def path(name, content=None, mode=0o600):
    full = os.path.join(FOLDER, name)
    if content is not None:
        with open(full, "wb") as f:
            f.write(content if isinstance(content, bytes) else content.encode())
        os.chmod(full, mode)
    return full


def run(command, stdin=b"", check_code=True):
    return subprocess.run(command, input=stdin, capture_output=True, timeout=60, check=check_code,
                          cwd=FOLDER)


def openssl(*args, stdin=b""):
    return run(["openssl", *args], stdin).stdout


class Result:
    def __init__(self, p):
        self.code, self.raw = p.returncode, p.stdout
        self.out, self.err = p.stdout.decode("utf-8", "replace"), p.stderr.decode("utf-8", "replace")

    def __repr__(self):
        return f"exit {self.code}\n--- stdout\n{self.out}--- stderr\n{self.err}---"


server = None
document = None


def assay(*args, stdin=b"", key=None, url=None, env=None):
    """The command, as an operator with the first key, or another."""
    clean = {"PATH": os.environ["PATH"], "HOME": FOLDER, "TERM": "dumb",
             "ASSAY_URL": url or server.url, "ASSAY_ADMIN_KEY": key or server.admin_key}
    for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "LD_LIBRARY_PATH"):
        if name in os.environ:
            clean[name] = os.environ[name]
    clean.update(env or {})
    return Result(subprocess.run([ASSAY, *args], input=stdin, env=clean, capture_output=True,
                                 timeout=60, check=False, cwd=FOLDER))


def says(r, code, words, name, out=None):
    ok = r.code == code and words in r.err and (out is None or out in r.out)
    ok = ok and all(len(line) <= 79 for line in r.out.splitlines())
    check(ok, name)
    if not ok:
        print("\n".join("# " + line for line in repr(r).splitlines()), flush=True)


def asks(method, target, status, words="", body=b"", token=None, name=None, **changes):
    """A request with a token of its own, or as changed."""
    if token is None:
        token = server.admin_token(method, target, body, **changes)
    headers = {"Authorization": "Bearer " + token} if token else {}
    got, fields, text = server.request(method, target, body or None, headers)
    try:
        said = json.loads(text).get("error", "") if got != 200 else ""
    except ValueError:
        said = None
    ok = got == status and (status == 200 or (said is not None and words in said))
    wrong = document.answer(method, target, got, fields, text) if status not in (404, 405) else None
    check(ok and wrong is None, name or f"{method} {target}: {status} {words}")
    if not ok or wrong:
        print(f"# {got} {text[:300]} {wrong}")
    return got, fields, text


def tokens():
    """Each is good for one request of this server's, now, and once."""
    at = "/v1/admin/secrets"
    fields = asks("GET", at, 401, "needs an admin token", token="", name="no token")[1]
    check(fields.get("www-authenticate") == "Bearer", "401 says what is wanted")
    check(fields.get("cache-control") == "no-store", "no answer about secrets is stored")
    asks("GET", at, 401, "", token="nonsense", name="a token that is none")
    asks("PUT", "/v1/admin/collateral", 401, "", b"no collateral", "nonsense", "a stranger's push is not read")
    for name, words, changes in (
            ("for another path", "for another request", {"htu": "/v1/admin/policies"}),
            ("for the path with a query", "for another request", {"htu": at + "?x=1"}),
            ("for another method", "for another request", {"htm": "DELETE"}),
            ("for another body", "for another request", {"sha256": "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFX"}),
            ("for another server", "for another server", {"aud": "https://other.example"}),
            ("for the name that many servers have", "for another server", {"aud": "assay-kbs"}),
            ("for several servers", "not the name of one server", {"aud": [server.audience, "b"]}),
            ("for a list of no servers", "not the name of one server", {"aud": []}),
            ("for a number", "not the name of one server", {"aud": [7]}),
            ("whose start is a text", "iat or exp that is no time", {"iat": str(NOW)}),
            ("whose end is none", "iat or exp that is no time", {"exp": None}),
            ("of before 1970", "iat or exp that is no time", {"iat": -1}),
            ("of after the year 9999", "iat or exp that is no time", {"exp": 1e300}),
            ("whose id is a number", "sha256 that is no text", {"jti": 7}),
            ("that has expired", "has expired", {"iat": NOW - 200, "exp": NOW - 1}),
            ("of the future", "is from the future", {"iat": NOW + 3600, "exp": NOW + 3660}),
            ("that is good for too long", "more than 300 s", {"exp": NOW + 4000}),
            ("without an id", "has no jti", {"jti": ""})):
        asks("GET", at, 401, words, name="a token " + name, **changes)
    asks("GET", at, 200, name="a token for a list of this server alone", aud=[server.audience])
    asks("GET", at, 200, name="a token with fractions of seconds", iat=NOW + 0.5, exp=NOW + 60.5)
    good = server.admin_token("GET", at)
    asks("GET", at, 200, token=good, name="a token is good")
    asks("GET", at, 401, "was used before", token=good, name="and once")
    head, payload, signature = server.admin_token("GET", at).split(".")
    forged = signature[:-4] + ("AAAA" if signature[-4:] != "AAAA" else "BBBB")
    asks("GET", at, 401, "", token=f"{head}.{payload}.{forged}", name="a forged token")
    with_query = "/v1/admin/secrets/a/b/c?policy=genuine"
    token = server.admin_token("PUT", "/v1/admin/secrets/a/b/c?policy=default", b"x")
    asks("PUT", with_query, 401, "for another request", b"x", token,
         name="a token binds the policy that a secret is put under")
    asks("GET", "/v1/admin/secrets/a/b/c", 404, name="nothing was put")
    other = path("other.key", openssl("genpkey", "-algorithm", "ed25519"))
    says(assay("secret", "list", key=other), 1, "this server knows no operator's key", "a key that the server does not know")


def strangers():
    """Who may not gets no word of what is there: what he brought is not judged."""
    values = {"reference_values": 1, "name": "v", "tee": "snp", "made": {},
              "values": [{"name": "v/launch", "claim": "measurement", "any_of": ["00" * 48]}]}
    held = json.dumps(values).encode()

    def generation():
        return float(re.search(rb"^assayd_appraisal_generation (\S+)", server.get("/metrics")[2], re.M)[1])

    def change(method, target, body=b""):
        before = generation()
        asks(method, target, 200, body=body)
        check(wait_until(lambda: generation() > before), "which all judge by")

    change("PUT", "/v1/admin/references/hidden", held)
    change("PUT", "/v1/admin/policies/hidden",
           b'policy "hidden"\nfor snp\n  require hardware  measurement in @v/launch\n')
    none = json.dumps({**values, "values": []}).encode()
    bad = b'policy "p"\nfor snp\n  require hardware  measurement in @v/other\n'
    cases = (("PUT", "/v1/admin/policies/p", 422, bad), ("PUT", "/v1/admin/references/hidden", 409, none),
             ("PUT", "/v1/admin/references/other", 422, held), ("DELETE", "/v1/admin/references/hidden", 409, b""))
    for method, target, status, body in cases:
        asks(method, target, status, "", body, name=f"{method} {target} is refused with {status}")
        text = asks(method, target, 401, "admin token: ", body, "x", f"{method} {target} is not judged for a stranger")[2]
        check(all(word not in text for word in (b"hidden", b"launch", b"v/")), "who hears no name")
    change("DELETE", "/v1/admin/policies/hidden")
    change("DELETE", "/v1/admin/references/hidden")


def shapes():
    for target, words in (("/v1/admin/secrets?all=1", '"all" is not known here'),
                          ("/v1/admin/audit?after=x", 'the parameter "after" is no number'),
                          ("/v1/admin/audit?after=1&after=2", "is given twice")):
        asks("GET", target, 400, words)
    put = "/v1/admin/secrets/r/t/n"
    asks("PUT", put + "?polcy=genuine", 400, '"polcy" is not known here', b"x")
    asks("PUT", put + "?policy=a&policy=b", 400, "is given twice", b"x")
    asks("PUT", put + "?policy=nowhere", 404, 'there is no policy "nowhere"', b"x")
    asks("PUT", "/v1/admin/secrets/r/t/.n", 422, "REPO/TYPE/TAG", b"x")
    asks("PUT", put, 422, "0 bytes")
    asks("PUT", put + "?expect_version=3", 409, "has version 0", b"x")
    asks("PUT", put, 413, body=b"x" * (1024 * 1024 + 1), name="a secret that is too large")
    asks("PATCH", put, 405)
    asks("GET", "/v1/admin/nothing", 404)
    asks("PUT", "/v1/admin/policies/p", 422, 'p:1:1: "bad"', b"bad")
    asks("PUT", "/v1/admin/references/v", 422, "", b"{}")
    asks("PUT", "/v1/admin/collateral", 422, "", b"no collateral")
    asks("PUT", "/v1/admin/keys/k?role=reader", 422, "", b"no key")
    asks("PUT", "/v1/admin/keys/k?role=king", 422, "role: ", openssl("pkey", "-in", server.admin_key, "-pubout"))
    with open(server.admin_key, "rb") as f:
        asks("PUT", "/v1/admin/keys/k?role=reader", 422, "is a private key", f.read())
    asks("POST", "/v1/admin/rotate/admin", 422, "token or master")


def secrets():
    says(assay("secret", "list"), 0, "", "no secrets yet", "there are no secrets yet")
    says(assay("secret", "put", "demo/key/disk", stdin=b"one"), 0, "", "put",
         "demo/key/disk: version 1, policy default\n")
    says(assay("secret", "put", "-p", "genuine", "demo/key/disk", path("two", b"two")), 0, "",
         "a new version, under another policy", "demo/key/disk: version 2, policy genuine\n")
    r = assay("secret", "put", "--json", "demo/key/disk", stdin=b"three")
    check(r.code == 0 and json.loads(r.out) == {"path": "demo/key/disk", "version": 3, "policy": "genuine"},
          "a new version without a policy stays under the one before")
    says(assay("secret", "put", "-q", "demo/key/other", stdin=b"\0\xff"), 0, "", "-q", "")
    check(assay("secret", "get", "demo/key/disk").raw == b"three", "get")
    check(assay("secret", "get", "--version", "1", "demo/key/disk").raw == b"one", "get --version")
    check(assay("secret", "get", "demo/key/other").raw == b"\0\xff", "get, bytes")
    out = path("out", b"was there", 0o644)
    r = assay("secret", "get", "demo/key/disk", "-o", out)
    with open(out, "rb") as f:
        check(r.code == 0 and r.raw == b"" and f.read() == b"three" and
              os.stat(out).st_mode & 0o777 == 0o600, "get -o, for its owner only")
    says(assay("secret", "get", "demo/key/none", "-o", out), 1, "there is no secret", "get what is not there")
    with open(out, "rb") as f:
        check(f.read() == b"three", "a file stays when there is nothing to write")
    says(assay("secret", "get", "--version", "9", "demo/key/disk"), 1, "no such version", "no such version")
    says(assay("secret", "list"), 0, "", "list", "  demo/key/disk   genuine  3        5      ")
    check([s["path"] for s in json.loads(assay("secret", "list", "--json").out)["secrets"]] ==
          ["demo/key/disk", "demo/key/other"], "list --json")
    says(assay("secret", "history", "demo/key/disk"), 0, "", "history", "first  secret.get demo/key/disk")
    says(assay("secret", "rm", "demo/key/other"), 2, "give --yes", "rm asks, or wants --yes")
    says(assay("secret", "rm", "--yes", "demo/key/other"), 0, "", "rm", "demo/key/other: removed, 1 version")
    says(assay("secret", "rm", "--yes", "demo/key/other"), 1, "there is no secret", "rm again")
    for wrong in ("a/b", "a/b/c/d", "a//c", "a/.b/c", "a/b/c d", ""):
        says(assay("secret", "put", wrong, stdin=b"x"), 2, "no path of a secret", f"put {wrong!r}")
    says(assay("secret", "put", "a/b/c", stdin=b""), 2, "is 0 bytes", "an empty secret")
    says(assay("secret", "put", "a/b/c", path("big", b"x" * (1024 * 1024 + 1))), 2, "at most 1048576",
         "a secret that is too large")
    says(assay("secret", "put", "-p", "a b", "a/b/c", stdin=b"x"), 2, "is no name of a policy", "no name")
    longer = "/".join(("x" * 128, "y" * 100, "z" * 26))
    says(assay("secret", "put", longer, stdin=b"x"), 2, "at most 255 bytes in all", "a path that no guest can ask for")
    asks("PUT", "/v1/admin/secrets/" + longer, 422, "at most 255 bytes, and 128 in a part", b"x")
    long = "x" * 100 + "/" + "y" * 100 + "/" + "z" * 50
    says(assay("secret", "put", long, stdin=b"x"), 0, "", "a long path")
    r = assay("secret", "list")
    says(r, 0, "", "is listed")
    check(long in r.out.replace("\n", "").replace(" ", ""), "and whole")
    assay("secret", "rm", "--yes", long)


def policies():
    text = 'policy "web"\nfor snp\n  require executables  measurement in @web/launch\n'
    web = path("web.policy", text)
    document = json.dumps({"reference_values": 1, "name": "web", "tee": "snp", "values": [
        {"name": "web/launch", "claim": "measurement", "any_of": ["00" * 48]}], "made": {}})
    values = path("web.json", document)
    says(assay("policy", "push", "web", web), 2, "web:3:", "a policy that names what is not there")
    says(assay("reference", "list"), 0, "", "no reference values yet", "there are no reference values yet")
    says(assay("reference", "push", values), 0, "", "reference push, by its own name", "web: version 1\n")
    says(assay("policy", "push", "web", web), 0, "", "policy push", "web: version 1, no secret is under it yet\n")
    assay("secret", "put", "-p", "web", "demo/key/web", stdin=b"w")
    says(assay("policy", "push", "web", web), 0, "", "again", "web: version 2, governs 1 secret\n  demo/key/web\n")
    says(assay("policy", "list", "--url", server.url), 0, "", "policy list --url", "  default  0        built in")
    r = assay("policy", "show", "web", "--url", server.url)
    check(r.code == 0 and r.out == text, "policy show --url")
    built_in = assay("policy", "show", "genuine")
    check(assay("policy", "show", "genuine", "--url", server.url).out == built_in.out != "",
          "policy show --url of a built-in one")
    says(assay("policy", "show", "none", "--url", server.url), 1, "there is no policy", "of none")
    says(assay("policy", "rm", "web"), 1, "1 secrets name this policy", "policy rm of one in use")
    says(assay("reference", "rm", "web"), 1, "a policy would not hold any more", "reference rm of one in use")
    other = document.replace("web/launch", "web/other")
    says(assay("reference", "push", path("other.json", other)), 1, "a policy would not hold any more",
         "reference push that takes away what is in use")
    says(assay("reference", "push", path("short.json", document.replace("00" * 48, "00" * 47))), 1,
         'value 1 of the set "web/launch": measurement: these are 47 bytes, it has 48',
         "reference push of a value that no measurement has")
    check([r["version"] for r in json.loads(assay("reference", "list", "--json").out)["references"]] == [1],
          "and what was there stays")
    says(assay("reference", "push", "--expires", "2027-01-01", "more", path("more.json", other)), 0, "",
         "with an end", "more: version 1\n")
    says(assay("reference", "list"), 0, "", "reference list", "2027-01-01 00:00:00Z")
    says(assay("reference", "push", "--expires", "soon", values), 2, "is no time", "with an end that is none")
    says(assay("reference", "push", "-", stdin=b"{}"), 2, "says no name of its own", "without a name")
    says(assay("reference", "push", "x", "-", stdin=b"{}"), 2, "", "no document")
    says(assay("reference", "rm", "more"), 0, "", "reference rm", "more: removed\n")
    says(assay("reference", "rm", "more"), 1, "there is no reference", "again")
    says(assay("secret", "rm", "--yes", "demo/key/web"), 0, "", "the secret goes")
    says(assay("policy", "rm", "web"), 0, "", "policy rm", "web: removed\n")


def signed_references():
    key, public = path("build.key", openssl("genpkey", "-algorithm", "ed25519")), path("build.pub")
    openssl("pkey", "-in", key, "-pubout", "-out", public)
    stranger = path("stranger.pub", openssl("pkey", "-in", server.admin_key, "-pubout"))
    document = json.dumps({"reference_values": 1, "name": "built", "tee": "snp", "values": [], "made": {}})
    import base64
    url = lambda b: base64.urlsafe_b64encode(b).rstrip(b"=")
    text = url(b'{"alg":"EdDSA"}') + b"." + url(document.encode())
    signature = openssl("pkeyutl", "-sign", "-rawin", "-inkey", key, "-in", path("text", text))
    jws = path("built.jws", text + b"." + url(signature) + b"\n")
    says(assay("reference", "push", "--signer", public, jws), 0, "", "a signed document", "built: version 1\n")
    listed = json.loads(assay("reference", "list", "--json").out)["references"]
    check([len(r.get("signer", "")) for r in listed if r["name"] == "built"] == [43], "and who signed it")
    says(assay("reference", "push", "--signer", stranger, jws), 1, "", "signed by somebody else")
    says(assay("reference", "push", "built", jws), 2, "", "and not unpacked without --signer")


def roles():
    keys = {}
    for role in ("reader", "operator", "admin"):
        keys[role] = path(role + ".key", openssl("genpkey", "-algorithm", "ec", "-pkeyopt",
                                                 "ec_paramgen_curve:P-256"))
        public = path(role + ".pub", openssl("pkey", "-in", keys[role], "-pubout"))
        says(assay("admin", "add", "--role", role, "the-" + role, public), 0, "", f"admin add {role}",
             f"the-{role}: may now ask as {role}\n")
    assay("secret", "put", "demo/key/disk", stdin=b"x")
    cases = (
        (["secret", "list"], "reader"), (["secret", "history", "demo/key/disk"], "reader"),
        (["policy", "list", "--url", server.url], "reader"), (["reference", "list"], "reader"),
        (["audit", "list"], "reader"), (["audit", "verify"], "reader"),
        (["secret", "put", "demo/key/role", path("x", b"x")], "operator"),
        (["secret", "rm", "--yes", "demo/key/role"], "operator"),
        (["policy", "push", "role", path("p", 'policy "p"\nfor snp\n  require hardware  debug == false\n')],
         "operator"),
        (["policy", "rm", "role"], "operator"),
        (["secret", "get", "demo/key/disk"], "admin"), (["admin", "list"], "admin"),
        (["admin", "add", "--role", "reader", "x", path("reader.pub")], "admin"),
        (["admin", "rotate", "token"], "admin"), (["admin", "rm", "the-reader"], "admin"))
    order = ["reader", "operator", "admin"]
    for command, least in cases:
        for role in order:
            r = assay(*command, key=keys[role])
            if order.index(role) < order.index(least):
                # Of a log that is not shown nothing can be told.
                says(r, 3 if command[1] == "verify" else 1, "is too small for", f"{' '.join(command[:2])} as {role}")
            elif r.code not in (0, 1) or "too small" in r.err:
                says(r, 0, "", f"{' '.join(command[:2])} as {role}")
    says(assay("admin", "list"), 0, "", "admin list", "the-operator  operator")
    says(assay("admin", "rm", "first"), 1, "nobody removes himself", "nobody removes himself")
    says(assay("admin", "rm", "the-operator"), 0, "", "admin rm", "the-operator: removed\n")
    says(assay("secret", "list", key=keys["operator"]), 1, "admin token: ", "who was removed is known no more")
    says(assay("admin", "add", "x", path("reader.pub")), 2, "--role is missing", "a role is needed")
    says(assay("admin", "add", "--role", "king", "x", path("reader.pub")), 2, "none of reader", "no such role")
    says(assay("admin", "add", "--role", "reader", "x", keys["reader"]), 2, "is not one public key",
         "a private key is not sent")


def audit():
    says(assay("audit", "list"), 0, "", "audit list", "secret.put demo/key/disk")
    rows = [json.loads(line) for line in assay("audit", "list", "--json").out.splitlines()]
    check([r["seq"] for r in rows] == list(range(1, len(rows) + 1)), "audit list --json, a row a line")
    some = [json.loads(line) for line in
            assay("audit", "list", "--json", "--resource", "demo/key/other").out.splitlines()]
    check([r["verb"] for r in some] == ["secret.put", "secret.get", "secret.rm"], "--resource")
    says(assay("audit", "list", "--since", "2099-01-01"), 0, "", "--since", "")
    check(assay("audit", "list", "--json", "--since", "2099-01-01").out == "", "nothing yet")
    log, head = path("audit.log"), path("head")
    says(assay("audit", "verify", "--raw", "-o", head), 0, "", "the last head is kept")
    says(assay("audit", "list", "--raw", "-o", log), 0, "", "audit list --raw")
    says(assay("audit", "verify"), 0, "", "audit verify", " rows, chain whole\n")
    says(assay("audit", "verify", "--since", head), 0, "", "from the head on", "the head of --since in it")
    says(assay("audit", "verify", log, "--since", head), 0, "", "a file", "the head of --since in it")
    page = json.loads(open(log, encoding="utf-8").read())
    says(assay("audit", "verify", "--jwks", path("jwks", json.dumps(page["jwks"])), log), 0, "", "--jwks",
         "a key of --jwks")
    stranger = path("stranger.pub")
    says(assay("audit", "verify", "--jwks", stranger, log), 1, "", "by another key", "BROKEN")
    r = assay("audit", "verify", "--json", log)
    check(r.code == 0 and json.loads(r.out)["whole"] is True and json.loads(r.out)["rows"] == len(page["rows"]),
          "audit verify --json")

    def broken(name, change, words, *args):
        bad = json.loads(json.dumps(page))
        change(bad)
        says(assay("audit", "verify", path("bad.log", json.dumps(bad)), *args), 1, "", name, words)

    rows = page["rows"]
    broken("a row changed", lambda p: p["rows"][2].update(row=rows[2]["row"].replace("}", ' }')), "row 3: was changed")
    broken("a row out", lambda p: p["rows"].pop(2), "row 3: is missing")
    broken("the first row out", lambda p: p["rows"].pop(0), "begins with row 2")
    broken("a row twice", lambda p: p["rows"].insert(2, rows[2]), "row 4: is missing")
    broken("two rows exchanged", lambda p: p["rows"].insert(2, p["rows"].pop(3)), "row 3: is missing")
    broken("a hash changed", lambda p: p["rows"][2].update(hash="00" * 32), "row 3: was changed")
    broken("a head of another row", lambda p: p["heads"].insert(0, p["heads"][-1]), "signed over another")
    broken("the end cut off", lambda p: p["rows"].pop(), "signed over another")

    def cut(p):
        p["rows"].pop()
        p["heads"] = []
    broken("the end and its heads cut off", cut, f"signed over {len(rows)}", "--since", head)
    r = assay("audit", "verify", path("bad.log", json.dumps({**page, "rows": rows[:-1], "heads": []})))
    says(r, 0, "", "which cannot be seen without a head", "not signed")
    broken("another node", lambda p: p.update(node="00" * 16), "")
    says(assay("audit", "verify", path("x", "x\n")), 2, "is no line of an audit log", "no log")
    says(assay("audit", "verify", path("x", "{}\n")), 2, "has not the members", "no log")
    says(assay("audit", "verify", path("x", "")), 2, "is empty", "an empty file")
    says(assay("audit", "verify", "--since", path("x", "{}"), log), 2, "is no signed head", "no head")
    pages = path("pages.log", b"".join(
        json.dumps({**page, "rows": rows[a:b], "heads": [], "next": b}).encode() + b"\n"
        for a, b in ((0, 3), (3, 4), (4, len(rows)))))
    says(assay("audit", "verify", pages), 0, "", "a log in parts", "chain whole")


def follow():
    p = subprocess.Popen([ASSAY, "audit", "list", "--follow", "--json"], stdout=subprocess.PIPE, text=True,
                         env={**os.environ, "ASSAY_URL": server.url, "ASSAY_ADMIN_KEY": server.admin_key})
    before = [p.stdout.readline()]
    assay("secret", "put", "demo/key/follow", stdin=b"x")
    end = time.monotonic() + 15
    timer = threading.Timer(15, p.kill)
    timer.start()
    while "demo/key/follow" not in before[-1] and time.monotonic() < end:
        before.append(p.stdout.readline())
    timer.cancel()
    p.kill()
    p.wait()
    check("demo/key/follow" in before[-1], "audit list --follow")
    check([json.loads(line)["seq"] for line in before] == list(range(1, len(before) + 1)), "each row once")


def collateral():
    run([SIM, "new", "--tee", "tdx", "--seed", "9", path("stranger")])
    says(assay("collateral", "push", path("platform/collateral")), 0, "", "collateral push", "taken     AMD CRL: ")
    says(assay("collateral", "push", path("platform/collateral")), 0, "", "again", "is there already")
    rows = [json.loads(line) for line in assay("audit", "list", "--json").out.splitlines()]
    rows = [row for row in rows if row.get("verb") == "collateral.put"]
    things = len(json.loads(server.get("/v1/collateral")[2])["items"])
    check(len(rows) == 1 and 1 < rows[0]["items"] <= things and len(rows[0]["names"]) == rows[0]["items"]
          and re.fullmatch("[0-9a-f]{64}", rows[0]["sha256"]), "a push is one row, and one of nothing none")
    says(assay("audit", "list"), 0, "", "which says how many things it brought",
         f"collateral.put {rows[0]['items']} items")
    r = json.loads(assay("collateral", "push", "--json", path("platform/collateral")).out)
    check(all(item["taken"] is False for item in r["items"]), "collateral push --json")
    listed = json.loads(server.get("/v1/collateral")[2])["items"]
    check(sorted(i["kind"] for i in listed).count("AMD CRL") == 1, "it is there")
    says(assay("collateral", "push", path("stranger/collateral")), 2, "root that is not trusted",
         "collateral of a stranger's")
    says(assay("collateral", "push", path("two")), 2, "", "no collateral")
    check(json.loads(server.get("/v1/collateral")[2])["items"] == listed, "and nothing of it was taken")


def ways():
    """How the command finds the server and its key, and what it refuses to do."""
    key = server.admin_key
    says(assay("secret", "list", env={"ASSAY_URL": ""}), 2, "--url URL is missing", "no URL")
    says(assay("secret", "list", env={"ASSAY_ADMIN_KEY": ""}), 2, "--admin-key FILE is missing", "no key")
    says(assay("secret", "list", "--url", "ftp://x"), 2, "is none of https://", "another scheme")
    says(assay("secret", "list", "--url", "http://me@127.0.0.1"), 2, "has a user in it", "a user")
    says(assay("secret", "list", "--timeout", "soon"), 2, "is no duration", "no duration")
    with open(key, "rb") as f:
        text = f.read()
    says(assay("secret", "list", key=path("open.key", text, 0o644)), 2, "close it with chmod 600",
         "a key that others can read")
    says(assay("secret", "list", key=path("reader.pub")), 2, "is a public key", "a public key")
    says(assay("secret", "list", key=path("two")), 2, "--admin-key: ", "no key")
    says(assay("secret", "list", key="cred:admin", env={"CREDENTIALS_DIRECTORY": server.folder}), 4,
         "admin: No such file", "a credential that is not there")
    says(assay("secret", "list", key="cred:admin.pem", env={"CREDENTIALS_DIRECTORY": server.folder}), 0, "",
         "a credential")
    says(assay("secret", "list", key="cred:../x", env={"CREDENTIALS_DIRECTORY": server.folder}), 2,
         "is no name of a credential", "a path is no credential")
    bare = path("bare.key", text[text.index(b"-----BEGIN"):])
    check(text.startswith(b"Audience: "), "the first key says which server it is of")
    says(assay("secret", "list", key=bare), 0, "", "else the server is asked")
    other = path("elsewhere.key", b"Audience: https://elsewhere.example\n" + text[text.index(b"-----BEGIN"):])
    says(assay("secret", "list", key=other), 1, "for another server", "a key of another server")
    os.makedirs(path(".config/assay"), exist_ok=True)
    path(".config/assay/assay.conf", f"url = {server.url}\nadmin-key = {key}\n")
    says(assay("secret", "list", env={"ASSAY_URL": "", "ASSAY_ADMIN_KEY": ""}), 0, "", "by assay.conf")
    says(assay("secret", "list", "--url", "http://127.0.0.1:1"), 4, "", "the option goes before it")
    os.remove(path(".config/assay/assay.conf"))
    for url in ("http://kbs.example.invalid", "HTTP://kbs.example.invalid"):
        says(assay("secret", "put", "a/b/c", "--url", url, stdin=b"x"), 2,
             "does not go over a network in the clear", f"a secret in the clear to {url}")
    says(assay("secret", "list", "--url", server.url + "/"), 0, "", "a URL with a slash at its end")
    says(assay("secret", "list", "--url", "unix:" + server.folder + "/s"), 0, "", "over a socket")


def liar():
    """A server that takes the name of another gets no token for it."""
    class Fake:
        def __init__(self, audience):
            self.socket = socket.create_server(("127.0.0.1", 0))
            self.port = self.socket.getsockname()[1]
            self.audience, self.heads = audience, []
            threading.Thread(target=self.serve, daemon=True).start()

        def serve(self):
            while True:
                c, _ = self.socket.accept()
                head = b""
                while b"\r\n\r\n" not in head:
                    head += c.recv(65536)
                self.heads.append(head)
                body = json.dumps({"audience": self.audience}).encode()
                c.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % len(body) + body)
                c.close()

    bare = path("bare.key")
    fake = Fake("https://kbs.example")
    # An address of this machine that is not known as one, so that it is a server somewhere.
    somewhere = f"http://0.0.0.0:{fake.port}"
    says(assay("secret", "list", key=bare, url=somewhere), 1,
         "says that it is https://kbs.example, and a token for that is not given to it", "another's name")
    fake.audience = somewhere + ".evil.example"
    says(assay("secret", "list", key=bare, url=somewhere), 1, "is not given to it", "a longer name")
    check(len(fake.heads) == 2 and all(b"Authorization" not in head for head in fake.heads), "no token")
    fake.audience = somewhere
    says(assay("secret", "list", key=bare, url=somewhere + "/"), 0, "", "its own name")
    check(b"Authorization: Bearer ey" in fake.heads[-1], "for which it gets a token")
    fake = Fake("")
    says(assay("secret", "list", key=bare, url=f"http://127.0.0.1:{fake.port}"), 4,
         "does not say what it is called", "a server without a name")
    check(all(b"Authorization" not in head for head in fake.heads), "gets no token")


def certificates():
    """Operators by client certificates."""
    def make(name, ca=None):
        key = path(name + ".key", openssl("genpkey", "-algorithm", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"))
        if ca is None:
            openssl("req", "-x509", "-new", "-key", key, "-subj", f"/CN={name}", "-days", "2", "-out",
                    path(name + ".pem"), "-addext", "subjectAltName=IP:127.0.0.1")
        else:
            request = path(name + ".csr", openssl("req", "-new", "-key", key, "-subj", f"/CN={name}"))
            openssl("x509", "-req", "-in", request, "-CA", path(ca + ".pem"), "-CAkey", path(ca + ".key"),
                    "-days", "2", "-out", path(name + ".pem"), "-CAcreateserial")
        return path(name + ".pem"), key

    def keep(who):
        """A connection that is asked more than once."""
        context = ssl._create_unverified_context()
        if who:
            context.load_cert_chain(*who)
        connection = http.client.HTTPSConnection(s.host, s.port, timeout=20, context=context)
        connection.connect()
        connection.auto_open = 0
        return connection

    def on(connection):
        connection.request("GET", "/v1/admin/secrets")
        r = connection.getresponse()
        text = r.read()
        return r.status, r.getheader("Connection"), b"takes a new connection" in text

    def short(who, ca, end):
        """A certificate of the same key that ends soon."""
        with open(who[0], "rb") as f, open(ca[0], "rb") as g, open(ca[1], "rb") as h:
            cert, issuer = x509.load_pem_x509_certificate(f.read()), x509.load_pem_x509_certificate(g.read())
            key = serialization.load_pem_private_key(h.read(), None)
        when = lambda t: datetime.datetime.fromtimestamp(t, datetime.timezone.utc)
        made = x509.CertificateBuilder(issuer.subject, cert.subject, cert.public_key(), x509.random_serial_number(),
                                       when(end - 3600), when(end)).sign(key, hashes.SHA256())
        return path("short.pem", made.public_bytes(serialization.Encoding.PEM)), who[1]

    tls, ca = make("tls"), make("ca")
    client_ca = shutil.copy(ca[0], path("client-ca.pem"))
    alice, bob, eve = make("alice", "ca"), make("bob", "ca"), make("eve")
    options = ["--tls-cert", tls[0], "--tls-key", tls[1], "--client-ca", client_ca]

    def ask(who, method="GET", target="/v1/admin/secrets", body=None):
        context = ssl._create_unverified_context()
        if who:
            context.load_cert_chain(*who)
        try:
            return s.request(method, target, body, {}, context)[0]
        except (OSError, ssl.SSLError):
            return None

    global server
    before = server
    with Broker(ASSAYD, *options) as s:
        server = s
        says(assay("admin", "add", "--role", "reader", "alice", alice[0], "--ca", tls[0]), 0, "",
             "a certificate is let in", "alice: may now ask as reader\n")
        says(assay("secret", "list"), 4, "name the signer of its certificate with --ca", "a server not known")
        check(ask(alice) == 200, "asks by it")
        check(ask(alice, "PUT", "/v1/admin/secrets/a/b/c", b"x") == 403, "in its role")
        for method, target, body in (("PUT", "policies/p", b"bad"), ("PUT", "references/v", b"{}"),
                                     ("DELETE", "references/v", None), ("PUT", "collateral", b"none")):
            check(ask(alice, method, "/v1/admin/" + target, body) == 403, f"{method} {target}: in its role, unread")
        check(ask(bob) == 401, "another of the same CA is not let in")
        check(ask(eve) in (None, 401), "one of no CA even less")
        check(ask(None) == 401, "and who has none is not")
        end = int(time.time()) + 6
        ends, lasts = keep(short(alice, ca, end)), keep(alice)
        check(on(ends) == (200, None, False) and on(lasts) == (200, None, False), "a connection is asked twice")
        time.sleep(max(0, end + 0.5 - time.time()))
        check(on(ends) == (401, "close", True), "when its certificate has expired, it is nobody's, and ends")
        check(on(lasts) == (200, None, False), "while another goes on")
        nameless = keep(None)
        check(on(nameless) == (401, None, True), "one without a certificate")
        shutil.copy(make("other-ca")[0], client_ca)
        s.signal(signal.SIGHUP)
        check(s.wait_line("reloaded"), "another client CA")
        check(on(lasts) == (401, "close", True), "a connection of the CA before is nobody's, and ends")
        check(on(nameless) == (401, None, True), "one without a certificate goes on")
        check(ask(alice) is None, "and a new one is not taken")
    server = before


def documented():
    """What reading gives is of the form that the document says."""
    for target in ("/v1/server", "/v1/admin/secrets", "/v1/admin/secrets/demo/key/disk",
                   "/v1/admin/history/demo/key/disk", "/v1/admin/policies", "/v1/admin/policies/default",
                   "/v1/admin/references", "/v1/admin/references/built", "/v1/admin/audit?limit=3",
                   "/v1/admin/audit/export", "/v1/admin/keys"):
        asks("GET", target, 200, name=f"GET {target} is as documented")
    asks("PUT", "/v1/admin/secrets/a/b/d", 200, body=b"x")
    asks("DELETE", "/v1/admin/secrets/a/b/d", 200)
    asks("PUT", "/v1/admin/policies/p", 200, body=b'policy "p"\nfor snp\n  require hardware  debug == false\n')
    asks("DELETE", "/v1/admin/policies/p", 200)
    asks("POST", "/v1/admin/rotate/token", 200)


def main():
    global server, document
    run([SIM, "new", "--tee", "snp", path("platform")])
    with Broker(ASSAYD, "--trust-root", path("platform/trust-root"), "--listen", f"unix:{FOLDER}/s") as s:
        server = s
        document = Document(s.get("/v1/openapi.json")[2])
        os.symlink(f"{FOLDER}/s", s.folder + "/s")
        tokens()
        strangers()
        shapes()
        secrets()
        policies()
        signed_references()
        roles()
        audit()
        follow()
        collateral()
        documented()
        ways()
        liar()
        check(server.process.poll() is None, "the server is still there")
    certificates()
    shutil.rmtree(FOLDER, ignore_errors=True)
    done()


main()
