# SPDX-License-Identifier: Apache-2.0
"""assay-sim serve: paths, headers and encodings of the vendors' services, and the QGS's messages."""

import base64
import json
import os
import signal
import socket
import struct
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request

from harness import FOLDER, clock, done, ok, run
from service import SIM, Serve, new

os.chdir(FOLDER.name)
new("T", "--tee", "tdx", "--seed", "1")
new("X", "--tee", "tdx", "--seed", "2")
new("M", "--tee", "snp", "--seed", "7")
new("G", "--tee", "snp", "--seed", "8", "--product", "Genoa")
new("V", "--tee", "snp", "--seed", "9", "--vlek", "--product", "Genoa")
new("U", "--tee", "snp", "--seed", "3", "--product", "Turin")


def read(path):
    with open(path, "rb") as file:
        return file.read()


def get(url):
    """Status, headers, body."""
    try:
        with urllib.request.urlopen(url, timeout=20) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read()


def is_pem(body, label):
    return body.startswith(f"-----BEGIN {label}-----\n".encode())


def from_pem(body):
    return base64.b64decode(b"".join(body.strip().splitlines()[1:-1]))


serve = Serve("--platform", "T", "--platform", "M", "--platform", "G", "--platform", "V",
              "--platform", "U").ready(4)
ok([line.split()[0] for line in serve.lines] == ["pcs", "pccs", "kds", "qgs"],
   "a line for each service", serve.lines)
pcs, pccs, kds = serve["pcs"], serve["pccs"], serve["kds"]
FMSPC = json.loads(read("T/collateral/tcb_info.json"))["tcbInfo"]["fmspc"]
EVAL = json.loads(read("T/collateral/tcb_info.json"))["tcbInfo"]["tcbEvaluationDataNumber"]

# --- PCS --------------------------------------------------------------------------------------
for base, name in ((pcs, "PCS"), (pccs, "PCCS")):
    for fmspc in (FMSPC.lower(), FMSPC.upper()):
        status, headers, body = get(f"{base}/tdx/certification/v4/tcb?fmspc={fmspc}")
        chain = headers.get("TCB-Info-Issuer-Chain", "")
        ok(status == 200 and body == read("T/collateral/tcb_info.json")
           and urllib.parse.unquote(chain).encode() == read("T/collateral/tcb_signing_chain.pem")
           and "%0A" in chain and "\n" not in chain and " " not in chain
           and headers["Content-Type"] == "application/json" and len(headers["Request-ID"]) == 32,
           f"{name}: TCB info with its chain in a header, FMSPC {fmspc}", (status, headers, body))
    status, headers, body = get(f"{base}/tdx/certification/v4/qe/identity?update=early")
    ok(status == 200 and body == read("T/collateral/qe_identity.json")
       and urllib.parse.unquote(headers["SGX-Enclave-Identity-Issuer-Chain"]).encode()
       == read("T/collateral/tcb_signing_chain.pem"), f"{name}: QE identity", (status, body))
    status, headers, body = get(f"{base}/sgx/certification/v4/pckcrl?ca=platform&encoding=der")
    ok(status == 200 and body == read("T/collateral/pck_crl.der")
       and urllib.parse.unquote(headers["SGX-PCK-CRL-Issuer-Chain"]).count("BEGIN CERT") == 2,
       f"{name}: PCK CRL in DER", (status, headers))
    cases = (("tcb?fmspc=000000000000", 404), ("tcb?fmspc=5ac06f", 400), ("tcb", 400),
             (f"tcb?fmspc={FMSPC}&update=late", 400),
             (f"tcb?fmspc={FMSPC}&update=early&tcbEvaluationDataNumber={EVAL}", 400),
             (f"tcb?fmspc={FMSPC}&tcbEvaluationDataNumber={EVAL}", 200),
             (f"tcb?fmspc={FMSPC}&tcbEvaluationDataNumber={EVAL - 1}", 410),
             (f"tcb?fmspc={FMSPC}&tcbEvaluationDataNumber={EVAL + 1}", 404),
             (f"tcb?fmspc={FMSPC}&tcbEvaluationDataNumber=-1", 400),
             ("qve/identity", 404), ("qe/identity/", 404), ("pckcrl?ca=platform", 404))
    for path, want in cases:
        status, headers, _ = get(f"{base}/tdx/certification/v4/{path}")
        ok(status == want and (want == 200 or base == pccs or "Error-Message" in headers),
           f"{name}: {path} is {want}", (status, headers))
    for path, want in ((f"tcb?fmspc={FMSPC}", 404), ("pckcrl?ca=processor", 404),
                       ("pckcrl?ca=root", 400), ("pckcrl?ca=platform&encoding=hex", 400)):
        ok(get(f"{base}/sgx/certification/v4/{path}")[0] == want, f"{name}: sgx {path} is {want}")

crl, root_crl = read("T/collateral/pck_crl.der"), read("T/collateral/root_ca_crl.der")
body = get(f"{pcs}/sgx/certification/v4/pckcrl?ca=platform")[2]
ok(is_pem(body, "X509 CRL") and from_pem(body) == crl, "PCS: PCK CRL in PEM unless asked", body)
ok(get(f"{pccs}/sgx/certification/v4/pckcrl?ca=platform")[2] == crl.hex().encode(),
   "PCCS: PCK CRL in hex unless asked")
ok(get(f"{pccs}/sgx/certification/v4/rootcacrl")[2] == root_crl.hex().encode(),
   "PCCS: root CRL in hex")
ok(get(f"{pcs}/sgx/certification/v4/rootcacrl")[0] == 404, "PCS: has no path of the cache's")
ok(get(f"{pcs}/IntelSGXRootCA.der")[2] == root_crl, "PCS: root CRL in DER")
ok(get(f"{pcs}/Intel_SGX_Provisioning_Certification_RootCA.cer")[2]
   == from_pem(read("T/trust-root")), "PCS: root certificate in DER")
ok(FMSPC.upper() in get(f"{pcs}/sgx/certification/v4/fmspcs?platform=all")[2].decode(),
   "PCS: list of FMSPCs")
ok("assay-sim" in get(f"{pcs}/none")[1]["Warning"], "PCS: warns that it is a simulator")

# --- KDS --------------------------------------------------------------------------------------


def vcek_url(folder, product, change=None):
    report = read(f"{folder}/evidence.bin")
    hwid = report[0x1a0:0x1a0 + (8 if product == "Turin" else 64)].hex()
    tcb = dict(part.split("=") for part in read(f"{folder}/min-tcb").decode().strip().split(","))
    tcb.update(change or {})
    names = (("fmc", "fmcSPL"), ("bootloader", "blSPL"), ("tee", "teeSPL"), ("snp", "snpSPL"),
             ("microcode", "ucodeSPL"))
    query = "&".join(f"{spl}={int(tcb[part]):02d}" for part, spl in names if part in tcb)
    return f"{kds}/vcek/v1/{product}/{hwid}?{query}"


for folder, product in (("M", "Milan"), ("G", "Genoa"), ("U", "Turin")):
    status, headers, body = get(vcek_url(folder, product))
    ok(status == 200 and body == read(f"{folder}/collateral/vcek.der"), f"KDS: VCEK of {product}",
       (status, body))
    status, _, body = get(f"{kds}/vcek/v1/{product}/cert_chain")
    ok(status == 200 and body == read(f"{folder}/collateral/cert_chain.pem"),
       f"KDS: ASK and ARK of {product}, PEM")
    ok(get(f"{kds}/vcek/v1/{product}/crl")[2] == read(f"{folder}/collateral/crl.der"),
       f"KDS: CRL of {product}, DER")
ok(get(f"{kds}/vlek/v1/Genoa/cert_chain")[2] == read("V/collateral/cert_chain.pem"),
   "KDS: ASVK and ARK")
ok(get(f"{kds}/vlek/v1/Genoa/crl")[2] == read("V/collateral/crl.der"), "KDS: CRL of the VLEK line")
new("M-old", "--tee", "snp", "--seed", "7", "--tcb", "snp=8,microcode=115")
status, _, body = get(vcek_url("M", "Milan", {"snp": "08", "microcode": "115"}))
with open("old.der", "wb") as old_file:
    old_file.write(body)
old = run("verify", "--json", "--trust-root", "M/trust-root", "-c", "old.der", "-c",
          "M/collateral/cert_chain.pem", "M-old/evidence.bin")
rows = [old.check(name) for name in ("snp.vcek.tcb_matches", "snp.report.signature")]
ok(status == 200 and rows == ["pass", "pass"] and body != read("M/collateral/vcek.der"),
   "KDS: the VCEK for an older TCB, which signs that platform's reports", (status, old))
good = vcek_url("M", "Milan")
for name, url, want in (
        ("another product", good.replace("Milan", "Genoa"), 404),
        ("a TCB that the chip has not reached", vcek_url("M", "Milan", {"snp": "31"}), 404),
        ("another chip", good.replace("/Milan/", "/Milan/00")[:len(kds) + 15]
         + "00" * 64 + good[good.index("?"):], 404),
        ("a hwID that is short", good.replace("?", "?x=1&").replace("/Milan/", "/Milan/x"), 400),
        ("no TCB", good[:good.index("?")], 400),
        ("a TCB above 255", good.replace("snpSPL=", "snpSPL=3"), 400),
        ("FMC of Milan", good + "&fmcSPL=00", 400),
        ("no FMC of Turin", vcek_url("U", "Turin").replace("fmcSPL", "x"), 400),
        ("a VLEK", f"{kds}/vlek/v1/Genoa/cert", 401),
        ("a line that has no platform", f"{kds}/vlek/v1/Milan/cert_chain", 404),
        ("no path", f"{kds}/", 404), ("more of a path", f"{kds}/vcek/v1/Milan/crl/x", 404)):
    status = get(url)[0]
    ok(status == want, f"KDS: {name} is {want}", (status, url))

# --- QGS --------------------------------------------------------------------------------------


def qgs(address, message, framed=True, cut=None):
    """What comes until the service closes."""
    if address.startswith("unix:"):
        sock = socket.socket(socket.AF_UNIX)
        sock.connect(address[5:])
    else:
        sock = socket.create_connection(address[4:].rsplit(":", 1))
    with sock:
        sock.settimeout(20)
        sock.sendall((struct.pack(">I", len(message)) if framed else b"") + message)
        got = b""
        while part := sock.recv(65536):
            got += part
    return got


def message(kind, body, minor=1):
    return struct.pack("<HHIII", 1, minor, kind, 16 + len(body), 0) + body


answer = qgs(serve["qgs"], message(4, b""))
ok(answer[:4] == struct.pack(">I", len(answer) - 4)
   and struct.unpack("<HHIII", answer[4:20]) == (1, 1, 5, len(answer) - 4, 0)
   and struct.unpack("<II", answer[24:32]) == (16, 16) and len(answer) == 4 + 28 + 32,
   "QGS: platform info", answer)
pce_svn, = struct.unpack("<H", answer[22:24])
qe_id, cpu_svn = answer[32:48].hex(), answer[48:64].hex()
svn = struct.pack("<H", pce_svn).hex()
ppid = "00" * 384
for base, who, name in ((pcs, f"encrypted_ppid={ppid}", "PCS"), (pccs, f"qeid={qe_id}", "PCCS")):
    url = f"{base}/sgx/certification/v4/pckcert?{who}&cpusvn={cpu_svn}&pcesvn={svn}&pceid=0000"
    status, headers, body = get(url)
    chain = urllib.parse.unquote(headers.get("SGX-PCK-Certificate-Issuer-Chain", ""))
    ok(status == 200 and is_pem(body, "CERTIFICATE") and body.count(b"BEGIN") == 1
       and body in read("T/evidence.bin") and chain.count("BEGIN CERTIFICATE") == 2
       and chain.encode() in read("T/evidence.bin")
       and headers["SGX-TCBm"] == (cpu_svn + svn).upper()
       and headers["SGX-FMSPC"] == FMSPC.upper()
       and headers["SGX-PCK-Certificate-CA-Type"] == "platform",
       f"{name}: PCK certificate, and what it is for in headers", (status, headers, body))
    ok(get(url.replace(f"pcesvn={svn}", "pcesvn=ffff"))[0] == 404, f"{name}: of no such TCB")
    ok(get(url.replace("pceid=0000", "pceid=00"))[0] == 400, f"{name}: a PCEID that is short")
ok(get(f"{pccs}/sgx/certification/v4/pckcert?qeid={'00' * 16}&cpusvn={cpu_svn}&pcesvn={svn}"
       "&pceid=0000")[0] == 404, "PCCS: of no such QE")
body = struct.pack("<II", 6, 8) + bytes.fromhex(FMSPC) + b"platform"
answer = qgs(serve["qgs"], message(2, body))[4:]
sizes = struct.unpack("<7I", answer[20:48])
blobs, at = [], 48
for size in sizes:
    blobs.append(answer[at:at + size])
    at += size
ok(at == len(answer) and answer[16:20] == struct.pack("<HH", 3, 1) and blobs[1] == root_crl
   and blobs[2] == crl and blobs[4] == read("T/collateral/tcb_info.json") + b"\0"
   and blobs[6] == read("T/collateral/qe_identity.json") + b"\0"
   and blobs[0].count(b"BEGIN CERT") == 2 and blobs[3] == blobs[5], "QGS: collateral", answer[:64])
report = b"\x81" + bytes(1023)
body = struct.pack("<II", 1024, 0) + report
for minor in (0, 1):
    answer = qgs(serve["qgs"], message(0, body, minor))
    ok(struct.unpack("<HHIII", answer[4:20]) == (1, minor, 1, 24, 0x12003),
       f"QGS: a report of no module of ours is refused, minor {minor}", answer)
ok(qgs(serve["qgs"], report, framed=False) == b"", "QGS: the same, raw")
ok(struct.unpack("<I", qgs(serve["qgs"], message(1, b""))[16:20])[0] == 0x12005,
   "QGS: a type that is no request")
with socket.create_connection(serve["qgs"][4:].rsplit(":", 1)) as stalled:
    stalled.sendall(b"\0\0")
    ok(qgs(serve["qgs"], message(4, b""))[16:20] == bytes(4), "QGS: a client that stalls stalls "
       "nobody else")
    start = clock()
    code, err = serve.stop()
    ok(code == 0 and err == "" and clock() - start < 5,
       "TERM stops it, a client or not", (code, err))

# --- limits, addresses ------------------------------------------------------------------------
serve = Serve("--platform", "M", "--limit", "kds=2/2s").ready(1)
kds = serve["kds"]
good = vcek_url("M", "Milan")
answers = [get(good) for _ in range(3)]
ok([a[0] for a in answers] == [200, 200, 429] and answers[2][1]["Retry-After"] in ("1", "2"),
   "more than the limit is 429, and when to come again", [a[0] for a in answers])
ok(get(f"{kds}/vcek/v1/Milan/crl")[0] == 200, "the KDS limits VCEKs alone")
time.sleep(2.1)
ok(get(good)[0] == 200, "after that time it answers again")
code, err = serve.stop(signal.SIGINT)
ok(code == 0 and err == "", "INT stops it", (code, err))

sock = os.path.join(FOLDER.name, "qgs.socket")
serve = Serve("--platform", "T", "--only", "qgs", "--only", "pcs", "--listen", f"qgs=unix:{sock}",
              "--listen", "tcp:127.0.0.1:0").ready(2)
ok(serve["qgs"] == f"unix:{sock}" and qgs(serve["qgs"], message(4, b""))[16:20] == bytes(4),
   "QGS on a Unix socket", serve.lines)
again = Serve("--platform", "T", "--only", "qgs", "--listen", f"unix:{sock}")
_, err = again.process.communicate(timeout=20)
ok(again.process.returncode == 4 and "in use" in err, "a socket that is in use is left alone", err)
serve.process.kill()
serve.process.communicate()
ok(os.path.exists(sock), "a service that was killed leaves its socket")
serve = Serve("--platform", "T", "--only", "qgs", "--listen", f"unix:{sock}").ready(1)
ok(serve.lines == [f"qgs unix:{sock}\n"], "which the next one takes over", serve.lines)
serve.stop()
ok(not os.path.exists(sock), "and removes at its end")

serve = Serve("--platform", "T", "--platform", "M", "--only", "kds").ready(1)
ok(serve["kds"].startswith("http://127.0.0.1:"), "only what was asked for")
serve.stop()


def refused(code, words, *args):
    run = subprocess.run([SIM, "serve", *args], capture_output=True, text=True, timeout=20,
                         check=False)
    ok(run.returncode == code and words in run.stderr and run.stdout == "",
       f"{' '.join(args) or 'nothing'}: {words}", run)


refused(2, "give --platform DIR")
refused(4, "none", "--platform", "none")
refused(2, "has another root than T", "--platform", "T", "--platform", "X")
refused(2, "--only qgs: is for TDX, and no platform is one", "--platform", "M", "--only", "qgs")
refused(2, '"tpm"; there are pcs', "--platform", "T", "--only", "tpm")
refused(2, "write kds=1/10s", "--platform", "M", "--limit", "qgs=1/10s")
refused(2, "write a number of requests", "--platform", "M", "--limit", "kds=0/10s")
refused(2, "speaks HTTP", "--platform", "M", "--listen", "unix:/tmp/x")
refused(4, "is no address", "--platform", "M", "--listen", "tcp:127.0.0.1")
refused(2, "no such option", "--platform", "M", "--frobnicate")
done()
