#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The setting opa: a release is allowed by the operator's OPA too, or does not happen; and the OPA is
asked about nothing that a policy denies. Against an OPA that is made up here, and, where there is one
(opa, or $OPA), against a real one with the policies of docs/opa.md.

opa.py ASSAY ASSAYD ASSAY_SIM"""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

try:
    from kbs_client import Broker, Client, Machine, open_envelope, unurl, url
except ImportError as missing:
    print(f"1..0 # SKIP {missing}")
    sys.exit(0)
from harness import check, done, wait_until

ASSAY, ASSAYD, SIM = (os.path.abspath(path) for path in sys.argv[1:4])
FOLDER = tempfile.TemporaryDirectory(prefix="opa-")
DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "opa.md"
SECRET = b"a secret"
RULE = "/v1/data/policy/allow"


def ok(holds, name, detail=""):
    check(holds, name)
    for line in [] if holds else str(detail).splitlines():
        print("#", line)
    return holds


def http(body, status="200 OK", length=True):
    body = body if isinstance(body, bytes) else body.encode()
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\n"
    head += f"Content-Length: {len(body)}\r\n" if length else ""
    return head.encode() + b"\r\n" + body


class Fake:
    """Answers each question with the same bytes, and keeps what it was asked."""

    def __init__(self, host="127.0.0.1"):
        self.family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.host, self.port = host, 0
        self.answer, self.wait, self.drip = http('{"result":true}'), 0, 0
        self.questions = []
        self.listener = None
        self.open()

    def open(self):
        self.listener = socket.socket(self.family)
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind((self.host, self.port))
        self.listener.listen(64)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.serve, args=(self.listener,), daemon=True).start()

    def close(self):
        """Nobody listens there any more."""
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()

    def serve(self, listener):
        while True:
            try:
                s, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self.one, args=(s,), daemon=True).start()

    def one(self, s):
        with s:
            data = b""
            while b"\r\n\r\n" not in data:
                piece = s.recv(65536)
                if not piece:
                    return
                data += piece
            head, body = data.split(b"\r\n\r\n", 1)
            size = int(re.search(rb"(?i)content-length: (\d+)", head)[1])
            while len(body) < size:
                body += s.recv(65536)
            self.questions.append((head.decode(), json.loads(body)))
            try:
                time.sleep(self.wait)
                if self.drip:
                    for i in range(len(self.answer)):
                        s.sendall(self.answer[i:i + 1])
                        time.sleep(self.drip)
                s.sendall(self.answer)
                s.shutdown(socket.SHUT_WR)
                s.recv(1)
            except OSError:
                pass

    def asked(self):
        """How many questions came since the last time."""
        n, self.questions = len(self.questions), []
        return n

    def url(self, rule=RULE):
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}{rule}"


snp = Machine(SIM, FOLDER.name, "snp")
sev = Machine(SIM, FOLDER.name, "snp", "--debug")
with open(f"{snp.path}/min-tcb", encoding="ascii") as f:
    FLOOR = ",".join(line.strip() for line in f if "=" in line)
OPTIONS = ["--min-tcb", FLOOR]
for m in (snp, sev):
    OPTIONS += ["--trust-root", f"{m.path}/trust-root"]


def start(opa):
    broker = Broker(ASSAYD, "--opa", opa, *OPTIONS)
    pushed = subprocess.run(
        [ASSAY, "collateral", "push", "--url", broker.url, "--admin-key", broker.admin_key,
         f"{snp.path}/collateral", f"{sev.path}/collateral"],
        capture_output=True, text=True, check=False)
    ok(pushed.returncode == 0, "collateral is pushed", pushed.stderr)
    for path in ("demo/disk/key", "demo/file/key"):
        r = broker.put(path, SECRET)
        ok(r.status == 200, f"{path} is put", r)
    return broker


def guest(broker, machine=snp):
    c = Client(broker.port)
    r = c.handshake(machine)
    ok(r.status == 200, "a guest attests", r)
    return c


def rows(broker):
    """All rows of releases."""
    listed = subprocess.run([ASSAY, "audit", "list", "--raw", "--url", broker.url, "--admin-key",
                             broker.admin_key], capture_output=True, text=True, check=False)
    found = [json.loads(row["row"]) for line in listed.stdout.splitlines()
             for row in json.loads(line)["rows"]]
    return [row for row in found if row["kind"] == "release"]


def released(answer, c, name):
    try:
        held = answer.status == 200 and open_envelope(answer.body, c.key, "0.4.0") == SECRET
    except (AssertionError, ValueError, KeyError):
        held = False
    return ok(held, name, repr(answer))


def refused(answer, status, variant, words, name):
    try:
        held = answer.status == status and answer.error() == variant and words in answer.detail
    except (AssertionError, ValueError):
        held = False
    return ok(held, name, f"want {status} {variant} {words}\n{answer!r}")


def last_row(broker, name, **want):
    row = rows(broker)[-1]
    ok(all(row.get(key) == value for key, value in want.items()), f"{name}: the row", row)
    return row


# --- one that allows, and one that does not -----------------------------------------------------------

fake = Fake()
server = start(fake.url())
c = guest(server)
ok(fake.asked() == 0, "nothing is asked about evidence")
released(c.get("demo/disk/key"), c, "what it allows is released")
head, question = fake.questions[0] if len(fake.questions) == 1 else ("", {"input": {}})
claims = json.loads(unurl(c.token.split(".")[1]))
ok(question == {"input": {"claims": claims, "plugin": "resource", "query": {},
                          "resource-path": ["demo", "disk", "key"]}}, "and that was the question", question)
ok(head.startswith(f"POST {RULE} HTTP/1.1\r\n") and f"Host: 127.0.0.1:{fake.port}" in head
   and "Content-Type: application/json" in head, "a POST of its rule", head)
ok("assay" in claims and claims["submods"]["cpu0"]["ear.status"] == "affirming", "the claims are the token's", claims)
row = last_row(server, "allowed", outcome="released", opa="allowed", resource="demo/disk/key", policy="default",
               session=claims["jti"])
ok("rule" not in row, "and no rule denied", row)
fake.asked()

bearer = Client(server.port, key=c.key)
released(bearer.get("demo/disk/key", bearer=c.token, cookie=False), c, "a bearer token is asked about, too")
ok(fake.questions[-1][1]["input"]["claims"] == claims and fake.asked() == 1, "with the same claims")

for name, body, words in (("false", '{"result":false}', "its result is false"),
                          ("undefined", "{}", "it has no result"),
                          ("undefined, with an id", '{"decision_id":"1"}', "it has no result")):
    fake.answer = http(body)
    refused(c.get("demo/disk/key"), 401, "PolicyDeny", words, f"{name}: refused")
    ok(fake.asked() == 1, f"{name}: asked once")
    row = last_row(server, name, outcome="denied", rule="opa", resource="demo/disk/key", policy="default")
    ok(row["opa"].startswith(words), f"{name}: and why", row)

# --- no decision ---------------------------------------------------------------------------------------

TRUE = '{"result":true}'
for name, answer, words in (
        ("null", http('{"result":null}'), "neither true nor false"),
        ("a text", http('{"result":"true"}'), "neither true nor false"),
        ("a package", http('{"result":{"allow":true}}'), "neither true nor false"),
        ("twice", http('{"result":false,"result":true}'), "no JSON object"),
        ("an array", http('[{"result":true}]'), "no JSON object"),
        ("garbage", http("<html>" + TRUE), "no JSON object"),
        ("cut", http(TRUE)[:-1].replace(b"Length: 15", b"Length: 14"), "no JSON object"),
        ("empty", http(""), "no JSON object"),
        ("status 201", http(TRUE, "201 Created"), "status 201"),
        ("status 204", b"HTTP/1.1 204 No Content\r\n\r\n", "status 204"),
        ("status 302", http(TRUE, "302 Found").replace(b"\r\n\r\n", b"\r\nLocation: /x\r\n\r\n", 1), "status 302"),
        ("status 404", http(TRUE, "404 Not Found"), "status 404"),
        ("status 500", http(TRUE, "500 Internal Server Error"), "status 500"),
        ("huge", http(TRUE + " " * 70000), "longer than 64 KiB"),
        ("huge, said before", http(TRUE).replace(b"Length: 15", b"Length: 99999999"), "longer than 64 KiB"),
        ("huge to its end", http(TRUE + " " * 70000, length=False), "longer than 64 KiB"),
        ("a head without end", b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 20000, ""),
        ("no HTTP", b"true\r\n\r\n", "cannot be reached, or"),
        ("a body that ends early", http(TRUE).replace(b"Length: 15", b"Length: 16"), "cannot be reached, or"),
        ("nothing", b"", "cannot be reached, or")):
    fake.answer = answer
    refused(c.get("demo/disk/key"), 503, "PolicyEngineError", words, f"{name}: refused, and not told to attest again")
    ok(fake.asked() == 1, f"{name}: asked once")
    row = last_row(server, name, outcome="denied", rule="opa")
    ok(words in row["opa"], f"{name}: and why", row)
ok(server.wait_line("opa: no secret is released that it must judge: its answer has status 500"),
   "the log says it", server.text())

fake.answer = http(b"f\r\n" + TRUE.encode() + b"\r\n0\r\n\r\n", length=False).replace(
    b"\r\n\r\n", b"\r\nTransfer-Encoding: chunked\r\n\r\n", 1)
released(c.get("demo/disk/key"), c, "an answer in chunks is one")
fake.answer = http(TRUE, length=False)
released(c.get("demo/disk/key"), c, "an answer to its end is one")
fake.answer = http(TRUE + " " * 65000)
released(c.get("demo/disk/key"), c, "a long one is one")
fake.asked()

# --- slow, and gone -------------------------------------------------------------------------------------

fake.answer, fake.wait = http(TRUE), 3
began = time.monotonic()
refused(c.get("demo/disk/key"), 503, "PolicyEngineError", "within 2 s", "one that takes three seconds is not waited for")
took = time.monotonic() - began
ok(1.9 < took < 10, "but two", took)
last_row(server, "slow", outcome="denied", rule="opa", opa="it did not answer within 2 s")
fake.wait, fake.drip = 0, 0.1
began = time.monotonic()
refused(c.get("demo/disk/key"), 503, "PolicyEngineError", "within 2 s", "nor is one that sends a byte at a time")
took = time.monotonic() - began
ok(1.9 < took < 10, "for longer", took)
fake.drip = 0

# Those who ask at the same time, also of the same thread, do not wait for each other.
fake.wait = 1
clients = [Client(server.port, key=c.key) for _ in range(24)]
answers = [None] * len(clients)


def ask(i):
    answers[i] = clients[i].get("demo/disk/key", bearer=c.token, cookie=False)


began = time.monotonic()
threads = [threading.Thread(target=ask, args=(i,)) for i in range(len(clients))]
for t in threads:
    t.start()
for t in threads:
    t.join()
took = time.monotonic() - began
ok(all(a.status == 200 for a in answers) and took < 8, "questions do not wait for each other", f"{took} {answers}")

# A client that goes while its question is asked.
fake.wait = 0.5
before = len(rows(server))
with server.connect() as s:
    s.sendall(f"GET /kbs/v0/resource/demo/disk/key HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {c.token}\r\n\r\n".encode())
    wait_until(lambda: fake.questions)
ok(wait_until(lambda: len(rows(server)) == before + 1), "a client that goes leaves its row")
fake.wait = 0
released(c.get("demo/disk/key"), c, "and the server goes on")
fake.asked()

fake.close()
refused(c.get("demo/disk/key"), 503, "PolicyEngineError", "cannot be reached", "nobody there")
last_row(server, "nobody there", outcome="denied", rule="opa")
ok(server.get("/readyz")[0] == 200, "the server is ready all the same")
fake.open()
released(c.get("demo/disk/key"), c, "and there again")
fake.asked()

# --- only what the policy accepts is asked about ------------------------------------------------------------

debug = guest(server, sev)
refused(debug.get("demo/disk/key"), 401, "PolicyDeny", "default", "what a policy denies, no OPA allows")
row = last_row(server, "a policy", outcome="denied")
ok("opa" not in row and row.get("rule") not in (None, "opa"), "and it has no word in that", row)
stranger = Client(server.port)
refused(stranger.get("demo/disk/key"), 401, "TokenNotFound", "", "nor without attestation")
refused(stranger.get("demo/disk/key", bearer="a.b.c"), 401, "TokenVerifierError", "", "nor with a token that is none")
r = c.get("demo/disk/nothing")
ok(r.status == 404, "nor for a secret that is not there", r)
fake_asked = fake.asked()
ok(fake_asked == 0, "it was asked about none of them", fake_asked)
text = server.get("/metrics")[2].decode()
ok(all(re.search(rf'assayd_kbs_opa_decisions_total{{outcome="{word}"}} [1-9]', text)
       for word in ("allowed", "denied", "trouble")), "its decisions are counted", text)
r = c.ask("POST", "/kbs/v0/resource-policy", {"policy": url(b"package policy\ndefault allow = true")})
refused(r, 401, "PolicyEngineError", f"the OPA at {fake.url()}", "who pushes Rego here is sent there")
r = c.ask("POST", "/kbs/v0/attestation-policy", {"policy_id": "default", "policy": url(b"package policy")})
refused(r, 401, "PolicyEngineError", "and no evidence", "and Rego for evidence nowhere")

# The server ends while questions wait.
c = guest(server)
fake.wait = 30
with server.connect() as s:
    s.sendall(f"GET /kbs/v0/resource/demo/disk/key HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {c.token}\r\n\r\n".encode())
    wait_until(lambda: fake.questions)
    began = time.monotonic()
    ok(server.stop() == 0, "the server ends", server.text())
    ok(time.monotonic() - began < 10, "and does not wait for long")
fake.close()

try:
    six = Fake("::1")
except OSError:
    six = None
    check(True, "IPv6 # SKIP there is none here")
if six is not None:
    server = start(six.url("/v1/data/x?pretty=true"))
    c = guest(server)
    released(c.get("demo/disk/key"), c, "over IPv6")
    head = six.questions[0][0] if six.questions else ""
    ok(head.startswith("POST /v1/data/x?pretty=true HTTP/1.1\r\n") and f"Host: [::1]:{six.port}" in head, "its address", head)
    ok(server.stop() == 0, "the server ends", server.text())
    six.close()

# --- a real one, with the policies of the manual ---------------------------------------------------------------


def of_document(kind):
    return re.findall(rf"^```{kind}\n(.*?)^```$", DOCUMENT.read_text(encoding="utf-8"), re.S | re.M)


class Opa:
    def __init__(self, *files):
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            self.port = s.getsockname()[1]
        self.process = subprocess.Popen(
            [REAL, "run", "--server", "--disable-telemetry", "--addr", f"127.0.0.1:{self.port}", *files],
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        ok(wait_until(self.ready, 30), "opa runs", "" if self.process.poll() is None else self.process.stderr.read())

    def ready(self):
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
        except OSError:
            return False
        return True

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(20)
        self.process.stderr.close()


def file(name, text):
    path = os.path.join(FOLDER.name, name)
    with open(path, "w", encoding="utf-8") as to:
        to.write(text)
    return path


# What Trustee's operators have; input and data are where its policies look for them.
THEIRS = """package policy
import rego.v1
default allow := false
allow if {
	data.plugin == "resource"
	data["resource-path"][2] == "key"
	data["resource-path"][1] == "disk"
	count(data.query) == 0
	not any_not_affirming
}
any_not_affirming if {
	some name
	input.submods[name]["ear.status"] != "affirming"
}
"""

REAL = os.environ.get("OPA") or shutil.which("opa")
if REAL is None:
    check(True, "a real OPA # SKIP there is none here (opa, or $OPA)")
else:
    policy, adapter = of_document("rego")
    fleet = json.loads(of_document("json")[0])
    measured = claims["submods"]["cpu0"]["ear.veraison.annotated-evidence"]["snp"]
    for name, wrong in (("the fleet's image", None), ("another image", "measurements"), ("a retired chip", "retired")):
        fleet["fleet"] = {"measurements": ["00" * 48 if wrong == "measurements" else measured["measurement"]],
                          "retired": [measured["chip_id"]] if wrong == "retired" else []}
        opa = Opa(file("policy.rego", policy), file("fleet.json", json.dumps(fleet)))
        server = start(f"http://127.0.0.1:{opa.port}{RULE}")
        c = guest(server)
        if wrong is None:
            released(c.get("demo/disk/key"), c, f"{name}: released")
        else:
            refused(c.get("demo/disk/key"), 401, "PolicyDeny", "its result is false", f"{name}: refused")
        refused(c.get("demo/file/key"), 401, "PolicyDeny", "its result is false", f"{name}: another kind of secret")
        ok(server.stop() == 0, "the server ends", server.text())
        opa.stop()
    opa = Opa(file("adapter.rego", adapter), file("theirs.rego", THEIRS))
    server = start(f"http://127.0.0.1:{opa.port}/v1/data/assay/allow")
    c = guest(server)
    released(c.get("demo/disk/key"), c, "a policy for another broker: released")
    refused(c.get("demo/file/key"), 401, "PolicyDeny", "it has no result", "a policy for another broker: refused")
    ok(server.stop() == 0, "the server ends", server.text())
    server = start(f"http://127.0.0.1:{opa.port}/v1/data/assay")
    c = guest(server)
    refused(c.get("demo/disk/key"), 503, "PolicyEngineError", "must name one rule", "a package is no rule")
    ok(server.stop() == 0, "the server ends", server.text())
    server = start(f"http://127.0.0.1:{opa.port}/v1/data/nothing/there")
    c = guest(server)
    refused(c.get("demo/disk/key"), 401, "PolicyDeny", "or is not loaded", "a rule that is not there")
    ok(server.stop() == 0, "the server ends", server.text())
    opa.stop()

done()
