# SPDX-License-Identifier: Apache-2.0
"""What assay-agentd answers over HTTP: evidence, tokens, secrets; and what it does not. Arguments:
assay-agentd, assay, key_client, assayd, assay-sim."""
import base64
import json
import re
import threading

from harness import *
import fake_broker

agentd, assay, key_client, assayd, assay_sim = map(os.path.abspath, sys.argv[1:6])
own_run()
HOST = "/run/broker.sock"
host = fake_broker.FakeBroker(HOST)
key, spki = make_key()


def raw(data, at=AGENT):
    """What comes back for these bytes."""
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(15)
    s.connect(at)
    out = b""
    try:
        s.sendall(data)
        while more := s.recv(65536):
            out += more
    except OSError:
        pass
    s.close()
    return out


def error_of(answer):
    return json.loads(answer[2])["error"]


with Agent(agentd, HOST, "--listen", f"unix:{AGENT}", "--listen", "tcp:127.0.0.1:0", key=key) as a:
    status, headers, body = get("/info")
    info = json.loads(body)
    check(status == 200 and info["tee"] == "sev-es" and info["additional_tees"] == [] and info["feature"] == "evidence"
          and headers["Content-Type"] == "application/json" and headers["Cache-Control"] == "no-store", "/info")

    # evidence
    status, headers, body = get("/aa/evidence?runtime_data=xxxx")
    evidence = json.loads(body)
    report, proof = base64.b64decode(evidence["sev_report"]), base64.b64decode(evidence["sev_proof"])
    check(status == 200 and proof_holds(proof, report[:208], b"xxxx".ljust(64, b"\0"), spki),
          "/aa/evidence: runtime data as it stands is report data, padded with zeros")
    for name, query, want in (
            ("percent and plus", "runtime_data=a%00%ff+b", b"a\0\xff b"),
            ("64 bytes", "runtime_data=" + "y" * 64, b"y" * 64),
            ("base64", "encoding=base64&runtime_data=" + base64.urlsafe_b64encode(bytes(range(190, 254))).decode()
             .rstrip("="), bytes(range(190, 254))),
            ("coco said aloud", "runtime_data=z&format=coco", b"z")):
        status, _, body = get("/aa/evidence?" + query)
        check(status == 200 and host.requests[-1][3] == want.ljust(64, b"\0"), f"/aa/evidence: {name}")
    status, headers, body = get("/aa/evidence?runtime_data=q&format=bundle")
    check(status == 200 and headers["Content-Type"] == "application/cmw+cbor" and b"sev-agent" in body
          and b"application/vnd.assay.sev-proof" in body, "/aa/evidence: format=bundle")
    for query, words in (
            ("", "runtime_data is not 1 to 64 bytes"),
            ("runtime_data=", "runtime_data is not 1 to 64 bytes"),
            ("runtime_data=" + "x" * 65, "runtime_data is not 1 to 64 bytes"),
            ("runtime_data=" + "x" * 300, "longer than 255"),
            ("runtime_data=x&runtime_data=y", "runtime_data is there twice"),
            ("runtime_data=%4", "cannot be read"), ("runtime_data=%zz", "cannot be read"),
            ("runtime_data=x&encoding=hex", "encoding is not base64"),
            ("runtime_data=x!&encoding=base64", "in base64url without padding"),
            ("runtime_data=eHh=&encoding=base64", "in base64url without padding"),
            ("runtime_data=eHi&encoding=base64", "in base64url without padding"),
            ("runtime_data=A&encoding=base64", "in base64url without padding"),
            ("runtime_data=" + "A" * 87 + "&encoding=base64", "in base64url without padding"),
            ("runtime_data=x&format=xml", "format is neither"),
            ("runtime_data", "is no parameter of this path with a value"),
            ("runtime_data=x&nonsense=1", '"nonsense" is no parameter')):
        answer = get("/aa/evidence?" + query)
        check(answer[0] == 400 and words in error_of(answer), f"/aa/evidence?{query[:40]}: 400, {words}")

    # of devices
    for query in ("runtime_data=xxxx", "runtime_data=eHh4&encoding=base64"):
        status, headers, body = get("/aa/additional-evidence?" + query)
        check((status, body, headers["Content-Length"]) == (200, b"", "0"), f"/aa/additional-evidence?{query}: 200, nothing")
    for query, words in (("", "runtime_data is not 1 to 64 bytes"), ("runtime_data=x!&encoding=base64", "in base64url"),
                         ("runtime_data=x&nonsense=1", '"nonsense" is no parameter')):
        answer = get("/aa/additional-evidence?" + query)
        check(answer[0] == 400 and words in error_of(answer), f"/aa/additional-evidence?{query}: 400, {words}")

    # what is not there
    for path, status, words in (("/", 404, "there is no such path"), ("/aa/", 404, "no such path"),
                                ("/aa/aael", 404, "no such path"), ("/AA/evidence", 404, "no such path"),
                                ("/cdh/resource", 404, "no such path"), ("/info?x=1", 400, "is no parameter"),
                                ("/aa/token", 400, "token_type is not kbs"),
                                ("/aa/token?token_type=coco_as", 400, "token_type is not kbs"),
                                ("/aa/../info", 400, '"."'), ("/aa%2fevidence", 400, "'%'"),
                                ("//info", 400, "empty segment"),
                                ("/cdh/resource/" + "a" * 600 + "/b/c", 400, "too long"),
                                ("/cdh/resource/a/b/c", 503, "no url says which key broker"),
                                ("/aa/token?token_type=kbs", 503, "no url says which key broker")):
        answer = get(path)
        check(answer[0] == status and words in error_of(answer), f"{path[:40]}: {status}, {words}")
    for method in ("POST", "PUT", "DELETE", "HEAD", "OPTIONS"):
        status, headers, _ = get("/info", method)
        check(status == 405 and headers["Allow"] == "GET", f"{method}: 405")
    answer = raw(b"GET /info HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx")
    check(answer.startswith(b"HTTP/1.1 413"), "a GET with a body: 413")

    # what is no request
    for name, data, want in (
            ("no HTTP", b"hello\r\n\r\n", b"400"),
            ("bare line feeds", b"GET /info HTTP/1.1\nHost: x\n\n", b"400"),
            ("no host", b"GET /info HTTP/1.1\r\n\r\n", b"400"),
            ("two hosts", b"GET /info HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", b"400"),
            ("a length and chunks", b"GET /info HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n"
             b"Transfer-Encoding: chunked\r\n\r\n", b"400"),
            ("a long head", b"GET /info HTTP/1.1\r\nHost: a\r\nX: " + b"y" * 20000 + b"\r\n\r\n", b"431"),
            ("another version", b"GET /info HTTP/2.0\r\nHost: a\r\n\r\n", b"505")):
        answer = raw(data)
        check(answer.startswith(b"HTTP/1.1 " + want), f"{name}: {want.decode()}")
    answer = raw(b"GET /info HTTP/1.1\r\nHost: a\r\n\r\nGET /info HTTP/1.1\r\nHost: a\r\n\r\n")
    check(answer.count(b"HTTP/1.1 200") == 1 and b"Connection: close" in answer, "a second request on one connection is not read")
    begun = clock()
    s = socket.socket(socket.AF_UNIX)
    s.connect(AGENT)
    s.settimeout(1)
    answer = b""
    for byte in b"GET /info HTTP/1.1\r\nHost: localhost\r\nX-A: bcdef\r\n\r\n":
        try:
            s.send(bytes([byte]))
            answer += s.recv(4096)
        except socket.timeout:
            pass
        except OSError:
            break
        if answer:
            break
    check(answer.startswith(b"HTTP/1.1 408") and clock() - begun < 8, "a byte a second: 408")

    # the loopback
    port = re.search(r"tcp:127.0.0.1:(\d+)", a.log()).group(1)
    at = f"127.0.0.1:{port}"
    check(get("/info", at=at)[0] == 200, "a listener on the loopback, where it is asked for")
    for name, headers in (("another name", {"Host": "rebound.example"}), ("a page", {"Origin": "null"}),
                          ("a browser", {"Sec-Fetch-Site": "cross-site"}),
                          ("a name that begins so", {"Host": "localhost.example"})):
        check(get("/info", headers=headers, at=at)[0] == 403, f"the loopback, asked by {name}: 403")
    check(get("/info", headers={"Host": "localhost:8006"}, at=at)[0] == 200, "localhost will do")

    # many at once
    host.delay = 0.05
    got = []
    threads = [threading.Thread(target=lambda: got.append(get("/aa/evidence?runtime_data=m")[0])) for _ in range(40)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    check(len(got) == 40 and set(got) <= {200, 503} and got.count(200) >= 12, f"40 at once: {got.count(200)} are answered, "
          f"{got.count(503)} are told that it is too much")
    host.delay = 0
    check(get("/info")[0] == 200, "and then it goes on")

    host.mode = "wrong-mnonce"
    answer = get("/aa/evidence?runtime_data=x")
    check(answer[0] == 502 and "its MNONCE is another" in error_of(answer), "a host that lies: 502, and why")
    host.mode = "good"

# --- a job that takes too long -------------------------------------------------------------------
with Agent(agentd, HOST, "--timeout", "1s", "--broker-timeout", "20s", key=key) as a:
    get("/info")
    host.mode = "stalled"
    begun = clock()
    answer = get("/aa/evidence?runtime_data=x")
    check(answer[0] in (502, 504) and clock() - begun < 6, f"a request that takes too long is given up: {answer[0]}")
    host.mode = "good"
    check(a.stop() == 0, "TERM ends it")

# --- the time of a request is read again ------------------------------------------------------------
silent = socket.create_server(("127.0.0.1", 0))  # takes connections, and says nothing


def say_timeout(text):
    with open("/run/agent.conf", "w") as to:
        to.write(f"[release]\nurl = http://127.0.0.1:{silent.getsockname()[1]}\ntimeout = {text}\n")


say_timeout("1s")
with Agent(agentd, HOST, "--config", "/run/agent.conf", key=key) as a:
    for seconds in (1, 9):
        begun, wall = clock(), time.monotonic()
        answer = get("/aa/token?token_type=kbs")
        took, wall = clock() - begun, time.monotonic() - wall
        check(answer[0] == 502 and f"no answer within the {seconds} s of the agent's timeout; ask again" in error_of(answer)
              and wall > seconds - 0.5 and took < seconds + 5,
              f"a key broker that is silent for {seconds} s: {answer[0]}, {error_of(answer)} ({took:.1f} s)")
        if seconds == 1:
            say_timeout("9s")
            a.process.send_signal(signal.SIGHUP)
            wait_until(lambda: "was read again" in a.log())
            time.sleep(0.3)  # the front looks when it can
silent.close()

# --- key release ---------------------------------------------------------------------------------
sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir, "e2e"))
try:
    import broker as kbs
    from cryptography.hazmat.primitives import serialization
except ImportError as missing:
    print(f"# {missing}: key release is left out; install python3-cryptography")
    done()


def sev_report_data(tee, evidence):
    """The nonce answers report data and key: the host was asked for them last."""
    assert tee == "sev", tee
    report = base64.b64decode(evidence["sev_report"])
    asked = host.requests[-1]
    proof = base64.b64decode(evidence["sev_proof"])
    assert proof_holds(proof, report[:208], asked[3], spki)
    return asked[3] if report[:16] == fake_broker.mnonce(asked[3], asked[4]) else b""


kbs.report_data = sev_report_data
SECRET = bytes(range(256)) * 5
server = kbs.Broker({"default/key/disk": SECRET, "default/empty/one": b""})
with Agent(agentd, HOST, "--url", server.url, key=key) as a:
    status, headers, body = get("/cdh/resource/default/key/disk")
    check(status == 200 and body == SECRET and headers["Content-Type"] == "application/octet-stream",
          f"/cdh/resource gives the secret {status} {body[:80]}")
    answer = get("/cdh/resource/default/key/none")
    check(answer[0] == 403 and "no such thing" in error_of(answer), "one that is not there: 403, in the broker's words")
    answer = get("/cdh/resource/default/key")
    check(answer[0] == 400 and "is no resource" in error_of(answer), "a name of two parts: 400")
    status, headers, body = get("/aa/token?token_type=kbs")
    token = json.loads(body)
    pem = serialization.load_pem_private_key(token["tee_keypair"].encode(), None)
    check(status == 200 and set(token) == {"token", "tee_keypair"} and token["token"].count(".") >= 0
          and pem.curve.name == "secp256r1", "/aa/token gives the broker's token, and the key that it is for")
    check(json.loads(get("/info")[2])["feature"] == "all", "/info says that there is a key broker")
    url = server.url
    server.stop()
    answer = get("/cdh/resource/default/key/disk")
    check(answer[0] in (502, 504) and b"error" in answer[2], f"no broker: {answer[0]}")

# --- in other TEEs -------------------------------------------------------------------------------
INSIDE = """
import http.client, json, os, socket, subprocess, sys, time
os.makedirs("/tmp/agent-run", exist_ok=True)
a = subprocess.Popen([sys.argv[1], "--listen", "unix:/tmp/agent-run/h", "--attest-socket", "/tmp/agent-run/a"], stderr=subprocess.PIPE)
class C(http.client.HTTPConnection):
    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX); self.sock.connect("/tmp/agent-run/h")
for _ in range(600):
    if socket.socket(socket.AF_UNIX).connect_ex("/tmp/agent-run/h") == 0: break
    time.sleep(0.1)
for path in ("/info", "/aa/evidence?runtime_data=xyz"):
    c = C("localhost"); c.request("GET", path); r = c.getresponse(); print(r.status, r.read().decode())
a.terminate(); a.wait(); print(a.stderr.read().decode()); print(a.returncode, file=sys.stderr)
"""
for tee, member in (("snp", "attestation_report"), ("tdx", "quote")):
    p = subprocess.run([assay_sim, "run", "--tee", tee, "--", sys.executable, "-c", INSIDE, agentd],
                       capture_output=True, text=True, timeout=120)
    if p.returncode == 125:
        print(f"# no sandbox on this machine: {p.stderr.strip()}")
        break
    lines = p.stdout.split("\n")
    check(len(lines) > 1 and lines[0].startswith("200 ") and json.loads(lines[0][4:])["tee"] == tee,
          f"{tee}: /info {lines[0]} {p.stderr[-300:]}")
    check(len(lines) > 1 and lines[1].startswith("200 ") and member in json.loads(lines[1][4:]), f"{tee}: /aa/evidence")
    check(len(lines) > 2 and lines[2].startswith("assay-agentd: ready: listening on unix:/tmp/agent-run/h, unix:/tmp/agent-run/a;"
          f" TEE: {tee}; no launch key: "), f"{tee}: its first line {lines[2:3]}")
done()
