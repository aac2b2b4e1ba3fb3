# SPDX-License-Identifier: Apache-2.0
"""assay attest --to and --watch: a heartbeat to assayd, and to servers that are none. Arguments: assay-agentd,
assay, key_client, assayd, assay-sim."""
import base64
import hashlib
import http.server
import json
import re
import threading

from harness import *

agentd, assay, key_client, assayd, assay_sim = map(os.path.abspath, sys.argv[1:6])
folder = tempfile.mkdtemp(prefix="watch-")
os.chdir(folder)
LINE = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ (ACCEPTED|REFUSED|UNDETERMINED|no answer|no evidence) +(.*)$")


def run(*words, timeout=90):
    p = subprocess.run(words, capture_output=True, text=True, timeout=timeout)
    return p.returncode, p.stdout, p.stderr


def inside(*words, **more):
    return run(assay_sim, "run", "--tee", "snp", "--platform", "P", "--", *words, **more)


# --- the command line ------------------------------------------------------------------------------
for words, said in (
        (["--watch", "60s"], "--watch: to whom? give --to URL"),
        (["--watch", "60", "--to", "http://127.0.0.1:1"], "is no duration"),
        (["--watch", "0s", "--to", "http://127.0.0.1:1"], "is no duration"),
        (["--to", "http://127.0.0.1:1", "--nonce", "00" * 8], "the server gives the nonce"),
        (["--to", "http://127.0.0.1:1", "-o", "x"], "the server gives the nonce"),
        (["--to", "http://127.0.0.1:1", "--raw"], "the server gives the nonce")):
    code, out, err = run(assay, "attest", *words)
    check(code == 2 and said in err and out == "", f"attest {' '.join(words)}: exit 2, {said}")
code, out, err = run(assay, "attest", "--to", "http://127.0.0.1:1")
check(code == 4 and LINE.match(out.strip()) and "no answer" in out, f"nobody is there: exit 4, {out.strip()}")


# --- servers that are none -------------------------------------------------------------------------
class Other(http.server.BaseHTTPRequestHandler):
    answers = []
    asked = b""

    def do_POST(self):
        Other.asked = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        status, body = Other.answers[0] if len(Other.answers) == 1 else Other.answers.pop(0)
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Other)
threading.Thread(target=server.serve_forever, daemon=True).start()
other = f"http://127.0.0.1:{server.server_address[1]}"
for body, status, words in ((b"hello", 200, "is assayd there?"), (b"[]", 200, "is assayd there?"),
                            (b'{"error":"no\\u001b[1m"}', 503, "answers 503: no?[1m"),
                            (b'{"challenge":"00","nonce":"00"}', 200, "has no nonce in hex"),
                            (b'{"challenge":"0&x=1","nonce":"0011223344556677"}', 200, "has no nonce in hex"),
                            (b'{"challenge":"' + b"0" * 600 + b'","nonce":"0011223344556677"}', 200, "has no nonce"),
                            (b'{"challenge":"00","nonce":"' + b"0" * 130 + b'"}', 200, "has no nonce"),
                            (b'{"challenge":7,"nonce":"0011223344556677"}', 200, "has no nonce")):
    Other.answers = [(status, body)]
    code, out, err = run(assay, "attest", "--to", other)
    check(code == 4 and words in out and out.count("\n") == 1, f"{body[:40]}: exit 4, {words}")
Other.answers = [(200, b'{"challenge":"00","nonce":"0011223344556677"}')]
code, out, err = run(assay, "attest", "--watch", "1s", "--to", other)
check(code == 3 and " no evidence " in out and out.count("\n") == 1, "no TEE here: exit 3 at once, also with --watch")

# --- assayd ----------------------------------------------------------------------------------------
sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir, "sandbox"))
from forbidden import forbidden  # noqa: E402  the folder comes first

if forbidden():
    print("# no sandbox on this machine, so that the rest is left out:", forbidden())
    done()
run(assay_sim, "new", "--tee", "snp", "--seed", "11", "P")


def serve(name, *options):
    os.makedirs(name, exist_ok=True)  # each makes a master key beside its store
    p = subprocess.Popen([assayd, "--store", f"sqlite:{folder}/{name}/db", "--listen", f"unix:{folder}/{name}.sock",
                          *options], stderr=open(f"{name}.log", "w"))
    wait_until(lambda: listens(f"{name}.sock"), 20)
    return p


# One that would have evidence for what it says is a nonce: the hash of a certificate's key of its own.
chosen = bytes(range(64, 128))
Other.answers = [(200, json.dumps({"challenge": "00", "nonce": chosen.hex()}).encode()), (200, b"{}")]
code, out, err = inside(assay, "attest", "--to", other)
check(code == 4 and "has no verdict" in out, f"a server without a verdict: {out.strip()} {err.strip()}")
asked = json.loads(Other.asked)
evidence = base64.b64decode(asked["evidence"])
check(len(evidence) > 1184 and chosen not in evidence, "whoever chooses the nonce does not choose the report data")
key = hashlib.sha384(asked["key"].encode()).digest()
parts = (b"assay report data: nonce and key, 1", chosen, key)
check(hashlib.sha512(b"".join(len(p).to_bytes(4, "big") + p for p in parts)).digest() in evidence and
      "d" not in json.loads(asked["key"]), "it is bound to a public key that was made for it")

ROOT = ("--trust-root", "P/trust-root")
good, bad = serve("good", *ROOT), serve("bad")
here, there = f"unix:{folder}/good.sock", f"unix:{folder}/bad.sock"
code, out, err = inside(assay, "attest", "--to", here)
match = LINE.match(out.strip())
check(code == 0 and match and match[1] == "ACCEPTED" and match[2].strip() == "policy default",
      f"--to: one beat, accepted: {out.strip()} {err.strip()}")
code, out, err = inside(assay, "attest", "--to", there)
match = LINE.match(out.strip())
check(code == 1 and match and match[1] == "REFUSED" and match[2].startswith("snp."),
      f"a server that does not know the root: exit 1, the check that failed: {out.strip()}")
code, out, err = inside(assay, "attest", "-q", "--to", there)
check(code == 1 and out == "", "-q: the exit code alone")

wall = time.monotonic()
p = subprocess.Popen([assay_sim, "run", "--tee", "snp", "--platform", "P", "--", sys.executable, "-c",
                      "import os,signal,subprocess,sys,time\n"
                      "p=subprocess.Popen(sys.argv[1:])\n"
                      "while not os.path.exists('stop'): time.sleep(0.05)\n"
                      "p.terminate(); sys.exit(p.wait())",
                      assay, "attest", "--watch", "1s", "--to", here], stdout=subprocess.PIPE, text=True)
lines, begun = [p.stdout.readline()], clock()
lines += [p.stdout.readline() for _ in range(2)]
took, wall = clock() - begun, time.monotonic() - wall
check(all(LINE.match(line.strip()) and " ACCEPTED " in line for line in lines), f"--watch: a line per beat {lines}")
check(wall >= 2 and took < 3.5, f"one second apart ({took:.1f} s)")  # from start to start, and the line is at the end
good.terminate()
good.wait(20)
line = ""
for _ in range(4):
    line = p.stdout.readline()
    if " no answer " in line:
        break
check(" no answer " in line, f"the server goes away: the watch goes on, and says so: {line.strip()}")
good = serve("good", *ROOT)
for _ in range(8):
    line = p.stdout.readline()
    if " ACCEPTED " in line:
        break
check(" ACCEPTED " in line, "it comes back: accepted again")
open("stop", "w").close()
check(p.wait(40) == 0, "TERM ends the watch; the exit code is that of the last beat")
for server in (good, bad):
    server.terminate()
    server.wait(20)
os.chdir("/")
shutil.rmtree(folder)
done()
