# SPDX-License-Identifier: Apache-2.0
"""What the fetcher brings from services that misbehave, and what of it is kept. fetcher.py ASSAYD ASSAY_SIM ASSAY"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../cli"))
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import Server, check, clock, descriptors, done, status_of, wait_until  # noqa: E402
from service import Fake, new, reply  # noqa: E402

ASSAYD, ASSAY = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[3])
folder = tempfile.TemporaryDirectory(prefix="assayd-fetcher-")
os.chdir(folder.name)
DAY = 86400


def at(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + seconds))


# One platform; as it was, and ended; as it is near the end of its life; and one of a stranger's.
new("T", "--tee", "tdx", "--seed", "1", "--time", at(0))
new("older", "--tee", "tdx", "--seed", "1", "--time", at(-4 * DAY))
new("ended", "--tee", "tdx", "--seed", "1", "--time", at(-9 * DAY), "--valid", "5d")
new("ageing", "--tee", "tdx", "--seed", "1", "--time", at(-4 * DAY), "--valid", "5d")
new("stranger", "--tee", "tdx", "--seed", "2")
FMSPC = "5ac06f000000"
TCB = f"/tdx/certification/v4/tcb?fmspc={FMSPC}"


def read(name):
    with open(name, "rb") as file:
        return file.read()


def item(machine, path):
    """(body, chain) of a request to Intel's service; None if it has no such thing."""
    import urllib.parse
    for part, name, header, chain in (
            ("/tdx/certification/v4/tcb?", "tcb_info.json", "TCB-Info-Issuer-Chain", "tcb_signing_chain.pem"),
            ("/tdx/certification/v4/qe/identity", "qe_identity.json", "SGX-Enclave-Identity-Issuer-Chain",
             "tcb_signing_chain.pem"),
            ("RootCA.der", "root_ca_crl.der", None, None)):
        if part in path:
            body = read(f"{machine}/collateral/{name}")
            return body, {header: urllib.parse.quote(read(f"{machine}/collateral/{chain}"))} if header else {}
    return None, {}


def serve(handler, machine="T"):
    body, headers = item(machine, handler.path)
    if body is None:
        reply(handler, 404)
    else:
        reply(handler, 200, body, **headers)


class Case:
    """A server before a service that answers as a function says."""

    def __init__(self, answer, *options, folder=None, roots=("T",), tls=None):
        self.fake = Fake(answer, tls=tls)
        roots = [w for r in roots for w in ("--trust-root", f"{r}/trust-root")]
        self.server = Server(ASSAYD, *roots, "--upstream", self.fake.url, "-v", *options, folder=folder)

    def ask(self, path=TCB):
        return self.server.get(path)

    def here(self, path=TCB, timeout=10):
        return wait_until(lambda: self.ask(path)[0] == 200, timeout)

    def wanted(self, words="TDX TCB info"):
        found = [w for w in json.loads(self.server.get("/v1/collateral")[2])["wanted"] if words in w["what"]]
        return found[0] if found else {"state": "none", "why": ""}

    def becomes(self, state, timeout=10):
        return wait_until(lambda: self.wanted()["state"] == state, timeout)

    def asked(self, words="/tcb?"):
        return sum(words in r for r in self.fake.requests)

    def stop(self):
        code = self.server.stop()
        self.fake.stop()
        return code


def verdict(server, machine="T"):
    return json.loads(server.request("POST", "/v1/verify", body=read(f"{machine}/evidence.bin"),
                                     headers={"Content-Type": "application/octet-stream"})[2])


# --- what is kept, and what is not -----------------------------------------------------------------
case = Case(lambda h, n: serve(h))
case.ask()
check(case.here(), "a good answer is kept")
check(case.stop() == 0, "and all processes end")
codes = []
for _ in range(5):  # whoever waits for the keeper then is told
    case = Case(lambda h, n: serve(h))
    case.ask()
    case.here()
    codes.append(case.stop())
check(codes == [0] * 5, f"also while something is being stored: {codes}")


def refused(name, answer, words, state="not found", roots=("T",)):
    c = Case(answer, roots=roots)
    c.ask()
    held = c.becomes(state)
    time.sleep(0.2)
    now = c.wanted()
    held = held and c.ask()[0] == 404 and words in now.get("why", "")
    items = json.loads(c.server.get("/v1/collateral")[2])["items"]
    check(held and items == [] and c.asked() == 1,
          f"{name}: is not kept{'' if held else f' {now} {c.server.text()}'}")
    c.stop()


body, headers = item("T", TCB)
refused("garbage", lambda h, n: reply(h, 200, b"\x00\xff" * 500), "")
refused("a page", lambda h, n: reply(h, 200, b"<html>log in first</html>"), "")
refused("nothing", lambda h, n: reply(h, 200), "")
refused("half a document", lambda h, n: reply(h, 200, body[:-20], **headers), "")
refused("one letter changed", lambda h, n: reply(h, 200, body.replace(b'"fmspc"', b'"fmspc" ', 1), **headers),
        "is not signed by the TCB signing key")
refused("another thing", lambda h, n: reply(h, 200, *item("T", "/tdx/certification/v4/qe/identity")[:1]),
        "and not TDX TCB info")
refused("without its signer", lambda h, n: reply(h, 200, body), "")
refused("what has ended", lambda h, n: serve(h, "ended"), "has ended")
refused("a stranger's", lambda h, n: serve(h, "stranger"), "")
refused("a stranger's chain around ours",
        lambda h, n: reply(h, 200, body, **item("stranger", TCB)[1]), "")
refused("unknown to it", lambda h, n: reply(h, 404), "answers 404")
refused("moved", lambda h, n: reply(h, 302, Location="http://127.0.0.1:1/"), "answers 302")
refused("forbidden", lambda h, n: reply(h, 403), "answers 403")
refused("two items", lambda h, n: reply(h, 200, read("T/collateral/tcb_signing_chain.pem"), **headers), "and not")

# --- services that cannot now ----------------------------------------------------------------------
case = Case(lambda h, n: reply(h, 429, Retry_After="2") if n == 1 else serve(h))
start = time.monotonic()
case.ask()
check(case.becomes("failed") and "answers 429" in case.wanted()["why"], "429: it is told")
check(case.asked() == 1 and case.here() and time.monotonic() - start >= 1.9 and case.asked() == 2,
      "and asked again when the service said")
case.stop()
case = Case(lambda h, n: reply(h, 503) if n <= 2 else serve(h))
case.ask()
check(case.here(timeout=15) and case.asked() == 3, "503: again, without being asked to")
case.stop()


def breaks_off(handler, _):
    handler.send_response(200)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body[:len(body) // 2])


case = Case(lambda h, n: breaks_off(h, n) if n == 1 else serve(h))
case.ask()
check(case.here() and case.asked() == 2, "what broke off is asked for again")
case.stop()


def endless(handler, _):
    handler.send_response(200)
    handler.end_headers()
    try:
        for _ in range(64):
            handler.wfile.write(b" " * (1 << 20))
    except OSError:
        handler.server.cut = True


case = Case(endless)
case.ask()
check(case.becomes("failed") and "larger than 8 MiB" in case.wanted()["why"], "an answer without end is cut")
case.stop()
case = Case(lambda h, n: serve(h))
url, case.fake.url = case.fake.url, None
case.fake.stop()
case.ask()
check(case.becomes("failed") and case.ask()[0] == 404 and int(case.ask()[1]["retry-after"]) >= 1,
      "a service that is down: said, and tried again later")
first = verdict(case.server)
check(first["verdict"] == "undetermined" and first["missing"], "a verdict does not wait for it")
start = clock()
verdict(case.server)
check(clock() - start < 0.5, "not even for a moment")
case.server.stop()

# --- one at a time ---------------------------------------------------------------------------------
running = {"now": 0, "most": 0}


def slow(handler, _):
    running["now"] += 1
    running["most"] = max(running["most"], running["now"])
    time.sleep(0.4)
    running["now"] -= 1
    serve(handler)


case = Case(slow)
for _ in range(30):
    case.ask()
    case.ask("/tdx/certification/v4/qe/identity")
check(case.here() and case.here("/tdx/certification/v4/qe/identity"), "many ask")
check(case.asked() == 1 and case.asked("/qe/identity") == 1, "each thing is asked for once")
check(running["most"] == 1, "and a service one thing at a time")
case.stop()
case = Case(slow)
for n in range(3000):  # more than there is room for
    case.ask(f"/tdx/certification/v4/tcb?fmspc={n:012x}")
text = json.loads(case.server.get("/v1/collateral")[2])
check(len(text["wanted"]) <= 1024, "what strangers want has bounds")
check(case.server.memory() < 80 * 1024 or case.server.sanitized(), "and so has memory")
case.server.process.kill()
case.fake.stop()

# --- renewal: from old to new, never back ----------------------------------------------------------
machine = {"now": "ageing"}
kept = os.path.join(folder.name, "kept")
os.mkdir(kept)
case = Case(lambda h, n: serve(h, machine["now"]), folder=kept)
case.ask()
case.ask("/IntelSGXRootCA.der")
check(case.here() and case.here("/IntelSGXRootCA.der"), "what has lived 4/5 of its life is taken")
check(case.ask()[2] == item("ageing", TCB)[0], "as it is")
check(wait_until(lambda: case.asked() >= 2), "and is to be renewed at once")
check(wait_until(lambda: "no newer one" in (case.wanted() or {}).get("why", "")), "there is no newer one yet")
case.stop()
machine["now"] = "T"
case = Case(lambda h, n: serve(h, machine["now"]), folder=kept)
check(wait_until(lambda: case.ask()[2] == item("T", TCB)[0]), "after a restart it is renewed by itself")
check(wait_until(lambda: case.ask("/IntelSGXRootCA.der")[2] == read("T/collateral/root_ca_crl.der")),
      "the CRL too")
check(wait_until(lambda: case.wanted()["state"] == "later"), "and then left alone")
case.stop()
shutil.copytree(kept, "copy")


def comes_back(name, old):
    """What is there, the service serving something older, with an end near enough to be renewed."""
    c = Case(lambda h, n: serve(h, old), folder=os.path.join(folder.name, "copy"))
    c.server.wait_line("generation")
    n = c.asked()
    time.sleep(0.5)
    check(c.asked() == n and c.ask()[2] == item("T", TCB)[0], name)
    c.stop()


comes_back("nothing is asked for that is young", "older")

# A store whose items are about to end, and a service that has nothing but older ones.
os.mkdir("near")
new("near-end", "--tee", "tdx", "--seed", "1", "--time", at(-3 * DAY), "--valid", "4d")
case = Case(lambda h, n: serve(h, "near-end"), folder=os.path.join(folder.name, "near"))
case.ask()
case.ask("/IntelSGXRootCA.der")
check(case.here() and case.here("/IntelSGXRootCA.der"), "something near its end")
case.stop()
case = Case(lambda h, n: serve(h, "older"), folder=os.path.join(folder.name, "near"))
wait_until(lambda: case.asked() >= 1 and case.asked("RootCA") >= 1)
time.sleep(0.5)
check(case.ask()[2] == item("near-end", TCB)[0] and case.ask("/IntelSGXRootCA.der")[2] ==
      read("near-end/collateral/root_ca_crl.der"), "an older document does not replace it, nor an older CRL")
check(wait_until(lambda: "no newer one" in (case.wanted() or {}).get("why", "")), "and that is told")
case.stop()

# --- TLS -------------------------------------------------------------------------------------------
subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                "-keyout", "key.pem", "-out", "cert.pem", "-days", "2", "-subj", "/CN=localhost", "-addext",
                "subjectAltName=DNS:localhost"], check=True, capture_output=True)
case = Case(lambda h, n: serve(h), tls=("cert.pem", "key.pem"))
case.ask()
check(case.becomes("failed") and case.asked() == 0, "a service whose certificate nobody signed is not asked")
case.stop()
case = Case(lambda h, n: serve(h), "--upstream-ca", "cert.pem", tls=("cert.pem", "key.pem"))
case.ask()
check(case.here(), "with --upstream-ca it is")
check(case.stop() == 0, "and ends as it should")

# --- two services ----------------------------------------------------------------------------------
good, bad = Fake(lambda h, n: serve(h)), Fake(lambda h, n: reply(h, 500))
server = Server(ASSAYD, "--trust-root", "T/trust-root", "--upstream", bad.url, "--upstream", good.url)
server.get(TCB)
check(wait_until(lambda: server.get(TCB)[0] == 200) and len(bad.requests) == 1, "the second is asked when one fails")
# The fetcher holds neither the store nor anyone's connection.
fetcher = server.children()[-1]
targets = descriptors(fetcher)
check(not any("assayd.db" in t or "master.key" in t for t in targets), "the fetcher holds no store")
check(status_of(fetcher, "NoNewPrivs") == "1" and status_of(fetcher, "Seccomp") == "2", "and has dropped its rights")
server.stop()
good.stop()
bad.stop()
done()
