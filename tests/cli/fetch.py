# SPDX-License-Identifier: Apache-2.0
"""assay collateral fetch against assay-sim serve, and against servers that misbehave."""

import os
import pty
import shutil
import subprocess
import time

from harness import ASSAY, FOLDER, clock, done, fits, ok, path, run
from service import Fake, Serve, new, reply

os.chdir(FOLDER.name)
new("T", "--tee", "tdx", "--seed", "1")
new("S", "--tee", "sgx", "--seed", "1")
new("M", "--tee", "snp", "--seed", "7")
new("M2", "--tee", "snp", "--seed", "7", "--report-version", "2")
new("G2", "--tee", "snp", "--seed", "8", "--report-version", "2", "--product", "Genoa")
new("U", "--tee", "snp", "--seed", "3", "--product", "Turin")
new("V", "--tee", "snp", "--seed", "9", "--vlek")
new("K", "--tee", "snp", "--seed", "10", "--mask-chip-id")
new("L", "--tee", "sev", "--seed", "1")


def read(name):
    with open(os.path.join(FOLDER.name, name), "rb") as file:
        return file.read()


def verify(folder, collateral):
    """Under the platform's root, with what was fetched alone."""
    args = ["verify", "--trust-root", f"{folder}/trust-root", "-c", collateral]
    if os.path.exists(f"{folder}/min-tcb"):
        args += ["--min-tcb", f"{folder}/min-tcb", "--require-crl"]
    return run(*args, f"{folder}/evidence.bin")


def fetch(*args, **more):
    return run("collateral", "fetch", *args, **more)


# --- from the services -------------------------------------------------------------------------
intel = Serve("--platform", "T", "--only", "pcs", "--only", "pccs").ready(2)
sgx = Serve("--platform", "S", "--only", "pcs").ready(1)
amd = Serve("--platform", "M", "--platform", "M2", "--platform", "G2", "--platform", "U",
            "--platform", "V", "--platform", "K").ready(1)
pcs, pccs, kds = intel["pcs"], intel["pccs"], amd["kds"]

for folder, source in (("T", pcs), ("T", pccs), ("T", pccs + "/sgx/certification/v4/"),
                       ("S", sgx["pcs"]), ("M", kds), ("U", kds), ("M2", kds), ("G2", kds)):
    for n, place in enumerate((f"{folder}.bundle", f"{folder}.d/")):
        r = fetch("--from", source, "-o", place, f"{folder}/evidence.bin")
        ok(r.code == 0 and r.err == "" and "fetched" in r.out and fits(r.out),
           f"{folder}: fetched from {source} into {place}", r)
        v = verify(folder, place)
        ok(v.code == 0 and v.out.startswith("ACCEPTED"), f"{folder}: and accepted with it", v)
        again = fetch("--from", source, "-o", place, f"{folder}/evidence.bin")
        # A bundle does not say of which of AMD's two lines a CRL is.
        asked = 1 if n == 0 and folder not in "TS" else 0
        ok(again.code == 0 and "kept" in again.out and again.out.count("fetched") == asked and
           again.out.count("fetched   AMD CRL") == asked,
           f"{folder}: a second run fetches nothing", again)
        if n == 0:
            os.remove(place)
        else:
            for name in os.listdir(place):
                os.remove(os.path.join(place, name))

r = fetch("--from", pcs, "--from", kds, "-o", "both.bundle", "T/evidence.bin", "M/evidence.bin")
ok(r.code == 0 and verify("T", "both.bundle").code == 0 and verify("M", "both.bundle").code == 0,
   "two kinds of evidence, two services, one bundle", r)
r = fetch("--from", pcs, "-o", "-", "T/evidence.bin")
ok(r.code == 0 and r.out.startswith("# ") and "fetched" not in r.out, "-o - is the bundle alone", r)
bundle = path("stdout.bundle", r.out.encode())
ok(verify("T", bundle).code == 0, "and that bundle is whole")
r = fetch("-q", "--from", pcs, "-o", "quiet.bundle", "T/evidence.bin")
ok(r.code == 0 and r.out == "" and r.err == "", "-q is quiet", r)
r = fetch("--from", kds, "-o", "stdin.bundle", "-", stdin=read("M/evidence.bin"))
ok(r.code == 0 and verify("M", "stdin.bundle").code == 0, "evidence on standard input", r)
fmspc = verify("T", "both.bundle").out.split("FMSPC ")[1].split(",")[0]
r = fetch("--from", pcs, "--tee", "tdx", "--fmspc", fmspc.upper(), "-o", "fmspc.bundle")
ok(r.code == 1 and "PCK Processor CA" in r.out and verify("T", "fmspc.bundle").code == 0,
   "by FMSPC; the CA that this service does not have is told", r)
r = fetch("--from", kds, "--product", "Turin", "-o", "turin.d/")
ok(r.code == 0 and sorted(os.listdir("turin.d")) == ["cert_chain-vcek-Turin.pem",
                                                     "crl-vcek-Turin.der"], "by product", r)
r = fetch("--early", "--from", pcs, "-o", "quiet.bundle", "T/evidence.bin")
ok(r.code == 0 and r.out.count("fetched") == 2, "--early asks for the documents anew", r)

# --- resuming ----------------------------------------------------------------------------------
fetch("--from", pcs, "-o", "part.d/", "T/evidence.bin")
os.remove("part.d/pck_crl-platform.der")
r = fetch("--from", pcs, "-o", "part.d/", "T/evidence.bin")
ok(r.code == 0 and r.out.count("fetched") == 1 and r.out.count("kept") == 3,
   "what is missing is fetched, the rest kept", r)
with open("part.d/root_ca_crl.der", "wb") as file:
    file.write(read("T/collateral/root_ca_crl.der")[:100])
r = fetch("--from", pcs, "-o", "part.d/", "T/evidence.bin")
ok(r.code == 0 and r.out.count("fetched") == 1 and "passed over: part.d/root_ca_crl.der" in r.err
   and verify("T", "part.d/").code == 0, "what is damaged is fetched anew", r)
new("old", "--tee", "tdx", "--seed", "1", "--time", "2026-01-01", "--valid", "5d")
for name in ("tcb_info.json", "qe_identity.json", "root_ca_crl.der", "pck_crl.der",
             "tcb_signing_chain.pem"):
    path(f"stale.d/{name}", read(f"old/collateral/{name}"))
r = fetch("--from", pcs, "-o", "stale.d/", "T/evidence.bin")
ok(r.code == 0 and r.out.count("fetched") == 4, "what has ended is fetched anew", r)
old = Serve("--platform", "old", "--only", "pcs").ready(1)
r = fetch("--from", old["pcs"], "-o", "ended.d/", "T/evidence.bin")
ok(r.code == 1 and "has ended" in r.err, "a service that serves what has ended is told of", r)
old.stop()
path("precious.txt", b"not collateral\n")
r = fetch("--from", pcs, "-o", "precious.txt", "T/evidence.bin")
ok(r.code == 2 and "name another file" in r.err and read("precious.txt") == b"not collateral\n",
   "a file that is no bundle is not overwritten", r)

# --- what cannot be had ------------------------------------------------------------------------
r = fetch("--from", kds, "-o", "masked.d/", "K/evidence.bin")
ok(r.code == 1 and "its VCEK cannot be asked for" in r.err and "CHIP_ID is zero" in r.err
   and "fetched   certificates" in r.out, "a report that does not name its chip", r)
r = fetch("--from", kds, "-o", "vlek.d/", "V/evidence.bin")
ok(r.code == 1 and "its VLEK cannot be asked for" in r.err
   and "cert_chain-vlek-Milan.pem" in os.listdir("vlek.d"), "a VLEK", r)
r = fetch("--from", kds, "-o", "lines.d/", "--product", "Milan")
ok(r.code == 0 and "fetched   AMD CRL" in r.out, "the CRL of the VCEKs", r)
r = fetch("--from", kds, "-o", "lines.d/", "V/evidence.bin")
ok("fetched   AMD CRL" in r.out and "crl-vlek-Milan.der" in os.listdir("lines.d"),
   "is not kept for that of the VLEKs, which may list another", r)
r = fetch("--from", kds, "-o", "sev.d/", "L/evidence.bin")
ok(r.code == 1 and "no service is asked" in r.err, "legacy SEV", r)
r = fetch("--from", kds, "-o", "none.d/", "T/evidence.bin")
ok(r.code == 1 and r.out.count("missing") == 4 and "does not know" in r.out and
   os.listdir("none.d") == [], "a service of the other vendor knows nothing", r)
r = fetch("--from", "amd", "-o", "none.d/", "T/evidence.bin")
ok(r.code == 1 and "which no --from serves" in r.out, "no service of the right vendor named", r)

# --- usage -------------------------------------------------------------------------------------
for args, words in (
        (("T/evidence.bin",), "-o PATH is missing"),
        (("-o", "x.d/"), "for what?"),
        (("-o", "x.d/", "--from", "ftp://x", "T/evidence.bin"), "is none of intel, amd"),
        (("-o", "x.d/", "--from", "127.0.0.1:80", "T/evidence.bin"), "is none of intel, amd"),
        (("-o", "x.d/", "--tee", "tdx"), "needs --fmspc"),
        (("-o", "x.d/", "--fmspc", fmspc), "of which TEE?"),
        (("-o", "x.d/", "--tee", "tdx", "--fmspc", "12"), "is not 12 hex digits"),
        (("-o", "x.d/", "--product", "Rome"), "is none of Milan"),
        (("-o", "x.d/", "--tee", "tdx", "--product", "Milan"), "is for --tee snp"),
        (("-o", "x.d/", "--timeout", "soon", "T/evidence.bin"), "is no duration"),
        (("-o", "x.d/", "precious.txt"), "precious.txt")):
    r = fetch(*args)
    ok(r.code == 2 and words in r.err, f"{' '.join(args)}: {words}", r)

# --- the remedy that verify names --------------------------------------------------------------
for folder, source in (("T", pcs), ("M", kds)):
    r = run("verify", "--trust-root", f"{folder}/trust-root", f"{folder}/evidence.bin")
    lines = [line.split(":", 1)[1].split() for line in r.out.splitlines()
             if "assay collateral fetch" in line or "assay verify -c" in line]
    ok(r.code == 3 and len(lines) == 2 and lines[0][:3] == ["assay", "collateral", "fetch"]
       and lines[1][:2] == ["assay", "verify"], f"{folder}: verify names two commands", r)
    r = run(*lines[0][1:], "--from", source)
    ok(r.code == 0, f"{folder}: the first one works", r)
    more = ["--trust-root", f"{folder}/trust-root"]
    more += ["--min-tcb", f"{folder}/min-tcb"] if folder == "M" else []
    r = run(*lines[1][1:], *more)
    ok(r.code == 0, f"{folder}: the second one accepts", r)
r = run("verify", "--trust-root", "K/trust-root", "K/evidence.bin")
ok("collateral fetch" not in r.out and "man assay-verify" in r.out,
   "no such command where fetch cannot help", r)
intel.stop()
sgx.stop()
amd.stop()

# --- limits ------------------------------------------------------------------------------------
slow = Serve("--platform", "T", "--only", "pcs", "--limit", "pcs=2/2s").ready(1)
start = time.monotonic()
r = fetch("--from", slow["pcs"], "-o", "slow.d/", "T/evidence.bin")
ok(r.code == 0 and r.err == "" and 1 < time.monotonic() - start < 15,
   "a server that asks to wait is waited for", r)
slow.stop()
slow = Serve("--platform", "T", "--only", "pcs", "--limit", "pcs=2/60s").ready(1)
start = clock()
r = fetch("--timeout", "5s", "--from", slow["pcs"], "-o", "wait.d/", "T/evidence.bin")
ok(r.code == 4 and "asks to wait" in r.err and "answers 429" in r.err
   and clock() - start < 5 and r.out.count("fetched") == 2,
   "not longer than --timeout, and what was fetched is kept", r)
slow.stop()
slow = Serve("--platform", "T", "--only", "pcs").ready(1)
r = fetch("--from", slow["pcs"], "-o", "wait.d/", "T/evidence.bin")
ok(r.code == 0 and r.out.count("kept") == 2 and r.out.count("fetched") == 2,
   "the next run goes on where that one stopped", r)
slow.stop()

# --- servers that misbehave --------------------------------------------------------------------
files = {name: read(f"T/collateral/{name}") for name in os.listdir("T/collateral")}


def body_for(request):
    for part, name in (("/tcb?", "tcb_info.json"), ("/qe/identity", "qe_identity.json"),
                       ("/pckcrl", "pck_crl.der"), ("RootCA.der", "root_ca_crl.der")):
        if part in request:
            return files[name]
    return b""


def misbehaves(name, answer, code, words, timeout="10s", stored=0, most=None):
    fake = Fake(answer)
    place = f"bad-{name.replace(' ', '-')}.d/"
    start = time.monotonic()
    r = fetch("--timeout", timeout, "--from", fake.url, "-o", place, "T/evidence.bin")
    fake.stop()
    ok(r.code == code and words in r.err and len(os.listdir(place)) == stored
       and time.monotonic() - start < 20 and (most is None or len(fake.requests) <= most),
       f"{name}: {words or 'fetched'}", f"{r}\n{fake.requests}\n{os.listdir(place)}")
    return fake, r


def breaks_off(handler, _):
    body = body_for(handler.path)
    handler.send_response(200)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body[:len(body) // 2])


misbehaves("dies in the middle", breaks_off, 4, "the answer broke off", timeout="20s")
misbehaves("recovers", lambda h, n: breaks_off(h, n) if n % 2 else
           reply(h, 200, body_for(h.path)), 0, "", stored=4)
misbehaves("is busy at first", lambda h, n: reply(h, 503, Retry_After="1") if n == 1 else
           reply(h, 200, body_for(h.path)), 0, "", stored=4)
misbehaves("asks for eternity", lambda h, n: reply(h, 503, Retry_After="9223372036854775807"), 4,
           "which the 3 s of --timeout do", timeout="3s", most=5)
misbehaves("answers garbage", lambda h, n: reply(h, 200, b"\x00\xff" * 500), 1,
           "nothing of it was stored")
misbehaves("answers nothing", lambda h, n: reply(h, 200), 1, "nothing of it was stored")
misbehaves("answers a page", lambda h, n: reply(h, 200, b"<html>log in first</html>"), 1,
           "nothing of it was stored")
misbehaves("answers half a document", lambda h, n: reply(h, 200, body_for(h.path)[:-20]), 1,
           "nothing of it was stored")
misbehaves("answers another thing", lambda h, n: reply(h, 200, files["tcb_info.json"]
           if "identity" in h.path else files["qe_identity.json"]), 1,
           "the answer is QE identity, TD QE, and not TDX TCB info, FMSPC")
misbehaves("has a bad chain", lambda h, n: reply(
    h, 200, body_for(h.path), TCB_Info_Issuer_Chain="-----BEGIN%20CERTIFICATE-----%0AAAAA%0A"
    "-----END%20CERTIFICATE-----%0A"), 1, "the issuer chain in the header")
misbehaves("sends elsewhere", lambda h, n: reply(h, 302, Location="http://127.0.0.1:1/"), 1,
           "answers 302")
misbehaves("forbids", lambda h, n: reply(h, 403), 1, "answers 403")
misbehaves("is broken", lambda h, n: reply(h, 500), 4, "answers 500", most=5)


def flood(handler, _):
    handler.send_response(200)
    handler.end_headers()
    try:
        for _ in range(64):
            handler.wfile.write(bytes(1 << 20))
    except OSError:
        pass


misbehaves("floods", flood, 4, "larger than 8 MiB", most=5)
misbehaves("hangs", lambda h, n: time.sleep(3), 4, "of --timeout", timeout="1s")
start = time.monotonic()
r = fetch("--from", "http://127.0.0.1:1", "-o", "gone.d/", "T/evidence.bin")
ok(r.code == 4 and "127.0.0.1" in r.err and r.err.count("assay collateral fetch:") == 1
   and time.monotonic() - start < 10, "a host that cannot be reached, told once", r)
for ca, code, words in (("none.pem", 4, "none.pem: No such file"), ("T", 2, "T: is a folder"),
                        ("precious.txt", 2, "precious.txt: holds no certificate in PEM"),
                        ("/dev/null", 2, "holds no certificate in PEM"), ("-", 4, "-: No such file")):
    r = fetch("--from", "https://127.0.0.1:1", "--ca", ca, "-o", "gone.d/", "T/evidence.bin")
    ok(r.code == code and words in r.err and "127.0.0.1" not in r.err, f"--ca {ca}: nobody is asked", r)

# --- TLS ---------------------------------------------------------------------------------------
if shutil.which("openssl"):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:P-256", "-nodes", "-keyout", "tls.key", "-out", "tls.pem",
                    "-days", "2", "-subj", "/CN=localhost", "-addext",
                    "subjectAltName=DNS:localhost"], check=True, capture_output=True)
    fake = Fake(lambda h, n: reply(h, 200, body_for(h.path)), ("tls.pem", "tls.key"))
    r = fetch("--from", fake.url, "-o", "tls.d/", "T/evidence.bin")
    ok(r.code == 4 and r.err.count("--ca FILE") == 1 and os.listdir("tls.d") == []
       and not fake.requests, "a server that nobody vouches for is not asked, and that told once", r)
    r = fetch("--from", fake.url, "--ca", "tls.pem", "-o", "tls.d/", "T/evidence.bin")
    ok(r.code == 0 and len(os.listdir("tls.d")) == 4, "--ca vouches for it", r)
    r = fetch("--from", fake.url.replace("https:", "http:"), "-o", "none.d/", "T/evidence.bin")
    ok(r.code == 4 and "no answer in HTTP (" in r.err and "; if the server has TLS, write https://" in r.err,
       "http:// of a server that has TLS", r)
    fake.stop()
    fake = Fake(lambda h, n: reply(h, 200, body_for(h.path)))
    r = fetch("--from", fake.url.replace("http:", "https:"), "-o", "plain.d/", "T/evidence.bin")
    ok(r.code == 4 and r.err.count("does not speak TLS; a server without TLS is http://HOST:PORT") == 1,
       "https:// of a server that has none, told once", r)
    fake.stop()
else:
    print("# no openssl command: TLS was not tried")

# --- progress ----------------------------------------------------------------------------------


def on_terminal(answer):
    """What a terminal on standard error gets to see."""
    fake = Fake(answer)
    main, side = pty.openpty()
    done_run = subprocess.run([ASSAY, "collateral", "fetch", "--from", fake.url, "-o", "-",
                               "T/evidence.bin"], stdout=subprocess.DEVNULL, stderr=side,
                              cwd=FOLDER.name, timeout=60, check=False)
    fake.stop()
    os.write(side, b"END")
    seen = b""
    while not seen.endswith(b"END"):
        seen += os.read(main, 65536)
    os.close(main)
    os.close(side)
    return done_run.returncode, seen[:-3]


code, seen = on_terminal(lambda h, n: reply(h, 200, body_for(h.path)))
ok(code == 0 and seen == b"", "no progress when it is quick", seen)
code, seen = on_terminal(lambda h, n: (time.sleep(1 if n == 2 else 0),
                                       reply(h, 200, body_for(h.path))))
ok(code == 0 and b"fetching QE identity" in seen and seen.endswith(b"\r\x1b[K"),
   "one line after half a second, and gone at the end", seen)
done()
