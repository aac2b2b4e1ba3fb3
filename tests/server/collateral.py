# SPDX-License-Identifier: Apache-2.0
"""The collateral cache, as clients of the vendors' services see it. collateral.py ASSAYD ASSAY_SIM ASSAY"""

import json
import os
import re
import subprocess
import sys
import tempfile
import time
import urllib.parse

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../cli"))
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import Server, check, done, wait_until  # noqa: E402
from openapi import Document  # noqa: E402
from service import Serve, new  # noqa: E402

ASSAYD, ASSAY = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[3])
folder = tempfile.TemporaryDirectory(prefix="assayd-collateral-")
os.chdir(folder.name)
NOW = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
for name, how in (("T", "--tee tdx"), ("S", "--tee sgx"), ("M", "--tee snp"), ("U", "--tee snp --product Turin"),
                  ("M2", "--tee snp --seed 8 --report-version 2"), ("V", "--tee snp --vlek")):
    new(name, *how.split(), *(() if "--seed" in how else ("--seed", "1")), "--time", NOW)
intel = Serve("--platform", "T", "--platform", "S").ready(2)
amd = Serve("--platform", "M", "--platform", "U", "--platform", "M2", "--platform", "V", "--limit",
            "kds=1000/1s").ready(1)
ROOTS = [w for p in ("T", "S", "M", "U", "M2", "V") for w in ("--trust-root", f"{p}/trust-root")]
OPTIONS = [*ROOTS, "--upstream", intel["pcs"], "--upstream", amd["kds"]]
server = Server(ASSAYD, *OPTIONS, listen=("tcp:127.0.0.1:0",))
document = Document(server.get("/v1/openapi.json")[2])


def read(name):
    with open(name, "rb") as file:
        return file.read()


def get(path, to=None):
    status, headers, body = (to or server).get(path)
    wrong = document.answer("GET", path, status, headers, body)
    if wrong:
        check(False, f"{path} {status} is as the document says: {wrong}")
    return status, headers, body


def soon(path, to=None):
    """Asks as a patient client does."""
    got = get(path, to)
    first = got
    end = time.monotonic() + 15
    while got[0] == 404 and "retry-after" in got[1] and time.monotonic() < end:
        time.sleep(0.05)
        got = get(path, to)
    return first, got


FMSPC = "5ac06f000000"
tcb = json.loads(read("T/collateral/tcb_info.json"))["tcbInfo"]
CERT = b"-----BEGIN CERTIFICATE-----"
for path, wanted, kind, chain in (
        (f"/tdx/certification/v4/tcb?fmspc={FMSPC}", "T/collateral/tcb_info.json", "application/json",
         "tcb-info-issuer-chain"),
        (f"/sgx/certification/v4/tcb?fmspc={FMSPC.upper()}", "S/collateral/tcb_info.json", "application/json",
         "tcb-info-issuer-chain"),
        ("/tdx/certification/v4/qe/identity", "T/collateral/qe_identity.json", "application/json",
         "sgx-enclave-identity-issuer-chain"),
        ("/sgx/certification/v4/qe/identity?update=standard", "S/collateral/qe_identity.json",
         "application/json", "sgx-enclave-identity-issuer-chain"),
        ("/sgx/certification/v4/pckcrl?ca=platform&encoding=der", "T/collateral/pck_crl.der",
         "application/pkix-crl", "sgx-pck-crl-issuer-chain"),
        ("/IntelSGXRootCA.der", "T/collateral/root_ca_crl.der", "application/pkix-crl", None),
        ("/vcek/v1/Milan/cert_chain", "M/collateral/cert_chain.pem", "application/x-pem-file", None),
        ("/vcek/v1/Milan/crl", "M/collateral/crl.der", "application/pkix-crl", None),
        ("/vlek/v1/Milan/cert_chain", "V/collateral/cert_chain.pem", "application/x-pem-file", None)):
    first, (status, headers, body) = soon(path)
    check(first[0] == 404 and int(first[1]["retry-after"]) > 0 and b"is being asked for" in first[2],
          f"{path}: at first it is asked for")
    check(status == 200 and headers["content-type"] == kind, f"{path}: then it is here")
    if "cert_chain" in path:
        check(body.count(CERT) == 2 and body.split() == read(wanted).split(), f"{path}: the two certificates")
    else:
        check(body == read(wanted), f"{path}: byte for byte")
    if chain:
        pem = urllib.parse.unquote(headers.get(chain, "")).encode()
        check(pem.count(CERT) == 2 and "+" not in headers.get(chain, "+"), f"{path}: the chain in its header")
        check("\n" not in headers.get(chain, "\n"), f"{path}: in one line")
    same = intel["pccs"] if "certification" in path else None
    if same and chain:
        import urllib.request
        with urllib.request.urlopen(same + path) as other:
            check(other.read() == body and urllib.parse.unquote(
                {k.lower(): v for k, v in other.getheaders()}[chain]).split() == pem.decode().split(),
                f"{path}: and as the service that it stands for")

# CRLs in the encodings of PCS and PCCS
der = read("T/collateral/pck_crl.der")
status, headers, body = get("/sgx/certification/v4/pckcrl?ca=platform")
check(status == 200 and body == der.hex().encode(), "a PCK CRL without encoding is hex")
status, headers, body = get("/sgx/certification/v4/pckcrl?encoding=pem&ca=platform")
check(status == 200 and body.startswith(b"-----BEGIN X509 CRL-----\n"), "or PEM")
with open("crl.pem", "wb") as file:
    file.write(body)
out = subprocess.run(["openssl", "crl", "-in", "crl.pem", "-outform", "der"], capture_output=True, check=False)
check(out.stdout == der, "which OpenSSL reads")
status, headers, body = get("/sgx/certification/v4/rootcacrl")
check(status == 200 and body == read("T/collateral/root_ca_crl.der").hex().encode(), "the root CRL of PCCS is hex")

# evaluation numbers
number = tcb["tcbEvaluationDataNumber"]
for n, status in ((number, 200), (number - 1, 410), (number + 1, 404)):
    check(get(f"/tdx/certification/v4/tcb?fmspc={FMSPC}&tcbEvaluationDataNumber={n}")[0] == status,
          f"evaluation number {n}: {status}")
for path in ("/tdx/certification/v4/qe/identity?", f"/tdx/certification/v4/tcb?fmspc={FMSPC}&"):
    plain = get(path[:-1])
    check(plain[0] == 200 and all(get(path + f"update={word}")[2] == plain[2] for word in ("early", "standard")),
          "one edition is here, early or not")
    check(get(path + f"update=early&tcbEvaluationDataNumber={number}")[0] == 400, "a number or a word")

# VCEKs
for machine, product in (("M", "Milan"), ("U", "Turin")):
    said = json.loads(subprocess.run([ASSAY, "inspect", "--json", f"{machine}/collateral/vcek.der"],
                                     capture_output=True, check=True).stdout)["groups"]["certificate"]
    fmc = f"fmcSPL={int(said['fmcSPL']):02}&" if product == "Turin" else ""
    rest = "&".join(f"{n}={int(said[n]):02}" for n in ("blSPL", "teeSPL", "snpSPL", "ucodeSPL"))
    path = f"/vcek/v1/{product}/{said['hwID']}?{fmc}{rest}"
    first, (status, headers, body) = soon(path)
    check(first[0] == 404 and status == 200 and body == read(f"{machine}/collateral/vcek.der")
          and headers["content-type"] == "application/pkix-cert", f"the VCEK of a {product}")
    check(get(path.replace(said["hwID"], said["hwID"].upper()))[2] == body, "in upper case too")
    check(get(path.replace("=0", "="))[2] == body, "and without leading zeros")
    older = re.sub(r"ucodeSPL=\d+", "ucodeSPL=1", path)
    first, (status, _, body) = soon(older)
    check(status == 200 and body != read(f"{machine}/collateral/vcek.der"), "of an older TCB: another one")
# What an operator pushes stays; what was only fetched may go for another one.
def push_vcek():
    pushed = subprocess.run([ASSAY, "collateral", "push", "--json", "--url", server.url, "--admin-key",
                             server.admin_key, "M/collateral/vcek.der"], capture_output=True)
    return pushed.returncode == 0 and [i["taken"] for i in json.loads(pushed.stdout)["items"]]


check(push_vcek() == [True], "a VCEK that was fetched becomes the operator's")
check(wait_until(lambda: push_vcek() == [False]), "and is it, as soon as the front sees the change")
path = f"/vcek/v1/Milan/{'ab' * 64}?blSPL=1&teeSPL=1&snpSPL=1&ucodeSPL=1"
first, got = soon(path)
check(first[0] == 404 and wait_until(lambda: "not found" in [
    w["state"] for w in json.loads(get("/v1/collateral")[2])["wanted"]]), "a chip that nobody has made")
check(int(get(path)[1]["retry-after"]) > 60, "is not asked for again soon")

# what is not there, or no request
for path, status in (
        ("/sgx/certification/v4/tcb", 400), ("/sgx/certification/v4/tcb?fmspc=12", 400),
        (f"/sgx/certification/v4/tcb?fmspc={FMSPC}&fmspc={FMSPC}", 400),
        (f"/sgx/certification/v4/tcb?fmspc={FMSPC}&update=never", 400),
        (f"/sgx/certification/v4/tcb?fmspc={FMSPC}&tcbEvaluationDataNumber=x", 400),
        (f"/sgx/certification/v4/tcb?fmspc={FMSPC}&update=standard&tcbEvaluationDataNumber=1", 400),
        ("/sgx/certification/v4/pckcrl", 400), ("/sgx/certification/v4/pckcrl?ca=root", 400),
        ("/sgx/certification/v4/pckcrl?ca=platform&encoding=xml", 400),
        ("/tdx/certification/v4/pckcrl?ca=platform", 404), ("/tdx/certification/v4/rootcacrl", 404),
        ("/sgx/certification/v4/pckcert?qeid=00", 404), ("/sgx/certification/v4/", 404),
        ("/sgx/certification/v3/tcb?fmspc=" + FMSPC, 404), ("/vcek/v1/Rome/cert_chain", 404),
        ("/vcek/v1/Milan", 404), ("/vcek/v1/Milan/a/b", 404), ("/vcek/v1/Milan/00?blSPL=1", 400),
        (f"/vcek/v1/Milan/{'00' * 64}", 400), ("/vlek/v1/Milan/cert", 404), ("/vlek/v2/Milan/crl", 404),
        (f"/vcek/v1/Milan/{'00' * 64}?blSPL=1&teeSPL=1&snpSPL=1&ucodeSPL=256", 400),
        (f"/vcek/v1/Milan/{'00' * 64}?blSPL=1&teeSPL=1&snpSPL=1&ucodeSPL=1&fmcSPL=1", 400),
        (f"/vcek/v1/Turin/{'00' * 8}?blSPL=1&teeSPL=1&snpSPL=1&ucodeSPL=1", 400)):
    status_, headers, body = server.get(path)
    check(status_ == status and "retry-after" not in headers and json.loads(body)["error"], f"{path}: {status}")

# --- what there is -------------------------------------------------------------------------------
listing = json.loads(get("/v1/collateral")[2])
kinds = {(i["kind"], i["for"]) for i in listing["items"]}
ends = [i["until"] for i in listing["items"]]
check({("TDX TCB info", f"TDX, FMSPC {FMSPC}"), ("QE identity", "TD QE"), ("PCK CRL", "Intel SGX PCK Platform CA"),
       ("root CRL", "Intel SGX Root CA"), ("AMD CRL", "ARK-Milan"), ("certificate", "SEV-VCEK")} <= kinds,
      "the list has it all")
check(all(i["genuine"] is True for i in listing["items"]), "all of it genuine")
check(ends == sorted(ends) and listing["until"] == ends[0], "what ends first stands first")
renewals = {w["what"]: w["next"] for w in listing["wanted"] if w["state"] == "later"}
check(f"TDX TCB info, FMSPC {FMSPC}" in renewals and all(NOW < n < listing["until"] for n in renewals.values()),
      "and is renewed before")
half = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 15 * 86400))
check(all(half < n for n in renewals.values()), "but not much before")

# --- our own client ------------------------------------------------------------------------------
for machine in ("T", "S", "M", "U"):
    args = ["--trust-root", f"{machine}/trust-root"]
    args += ["--min-tcb", f"{machine}/min-tcb", "--require-crl"] if machine in "MU" else []
    fetched = subprocess.run([ASSAY, "collateral", "fetch", "--from", server.url, "-o", f"{machine}.bundle",
                              f"{machine}/evidence.bin"], capture_output=True, text=True, check=False)
    if machine == "U" and fetched.returncode == 1:  # its CRL has just been asked for
        wait_until(lambda: get("/vcek/v1/Turin/crl")[0] == 200)
        fetched = subprocess.run(fetched.args, capture_output=True, text=True, check=False)
    judged = subprocess.run([ASSAY, "verify", *args, "-c", f"{machine}.bundle", f"{machine}/evidence.bin"],
                            capture_output=True, text=True, check=False)
    check(fetched.returncode == 0 and judged.returncode == 0, f"{machine}: assay collateral fetch --from assayd"
          f"{fetched.stdout + fetched.stderr + judged.stdout if judged.returncode else ''}")

# --- verdicts fill the cache ---------------------------------------------------------------------
fresh = Server(ASSAYD, *OPTIONS, "--min-tcb", "bootloader=15,tee=5,snp=30,microcode=90")


def verdict(name, to):
    status, headers, body = to.request("POST", "/v1/verify?policy=genuine", body=read(f"{name}/evidence.bin"),
                                       headers={"Content-Type": "application/octet-stream"})
    return json.loads(body)


for name in ("T", "S", "M", "U", "M2"):
    first = verdict(name, fresh)
    check(first["verdict"] == "undetermined" and first["missing"], f"{name}: undetermined without, beside others'")
    check(wait_until(lambda: verdict(name, fresh)["verdict"] == "accepted"), f"{name}: accepted soon")
check(wait_until(lambda: not [c for c in verdict("M", fresh)["checks"] if c["id"] == "snp.crl"
                              and c["outcome"] == "skipped"]), "AMD's CRL comes too")
guess = verdict("M2", fresh)
check(guess["claims"]["platform"]["product"].startswith("Milan"), "a report that does not name its product")

# --- what nobody here can judge -------------------------------------------------------------------
# No date of a CRL counts before its signer has come: it may be anybody's, and of any year.
waits = Server(ASSAYD, *OPTIONS)
pushed = subprocess.run([ASSAY, "collateral", "push", "--url", waits.url, "--admin-key", waits.admin_key,
                         "T/collateral/pck_crl.der"], capture_output=True)
check(pushed.returncode == 0 and b"taken" in pushed.stdout, "a PCK CRL without its signer is taken")
check(wait_until(lambda: waits.get("/sgx/certification/v4/pckcrl?ca=platform")[1].get("sgx-pck-crl-issuer-chain")),
      "and is asked for at once, with its signer")
check(waits.stop() == 0, "and all processes end")

# --- without services ----------------------------------------------------------------------------
alone = Server(ASSAYD, *ROOTS)
status, headers, body = get(f"/tdx/certification/v4/tcb?fmspc={FMSPC}", alone)
check(status == 404 and "retry-after" not in headers and b"nothing is fetched" in body,
      "without services nothing is promised")
check(verdict("T", alone)["verdict"] == "undetermined", "a verdict is undetermined")
empty = json.loads(get("/v1/collateral", alone)[2])
check(empty["fetches"] is False and empty["items"] == [] and empty["until"] is None, "and the list is empty")
check(len(alone.children()) == 1 and len(server.children()) == 2, "a fetcher runs only where it is needed")
for s in (alone, fresh):
    check(s.stop() == 0, "ends as it should")

# --- a restart forgets nothing -------------------------------------------------------------------
kept = os.path.join(folder.name, "kept")
os.mkdir(kept)
first = Server(ASSAYD, *OPTIONS, folder=kept)
soon(f"/tdx/certification/v4/tcb?fmspc={FMSPC}", first)
first.stop()
intel.stop()
again = Server(ASSAYD, *OPTIONS, folder=kept)
check(get(f"/tdx/certification/v4/tcb?fmspc={FMSPC}", again)[0] == 200, "a restart forgets nothing")
again.stop()
# Intel's service is gone, which holds up nothing that AMD's has.
said = json.loads(subprocess.run([ASSAY, "inspect", "--json", "M/collateral/vcek.der"], capture_output=True,
                                 check=True).stdout)["groups"]["certificate"]
paths = [f"/vcek/v1/Milan/{said['hwID']}?blSPL=1&teeSPL=1&snpSPL=1&ucodeSPL={n:02}" for n in range(1, 21)]
for path in paths:
    get(path)
check(wait_until(lambda: all(get(path)[0] == 200 for path in paths), 60), "VCEKs come while the first service is dead")
server.stop()
amd.stop()
done()
