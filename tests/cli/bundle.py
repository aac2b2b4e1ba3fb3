# SPDX-License-Identifier: Apache-2.0
"""Bundles and other wrappers through the command: the same verdict as without them, what the screen and
JSON say, and what must be refused. Bundles are written here, so that two writers agree with the reader."""

import base64
import json
import os
import struct
import subprocess
import sys

from harness import FOLDER, done, fits, ok, path, run, vectors

SIM = os.path.abspath(sys.argv[2])
NOW = "2026-11-21T12:00:00Z"
OURS = "application/vnd.assay."


def head(major, n):
    if n < 24:
        return bytes([major << 5 | n])
    for code, form, limit in ((24, ">B", 1 << 8), (25, ">H", 1 << 16), (26, ">I", 1 << 32)):
        if n < limit:
            return bytes([major << 5 | code]) + struct.pack(form, n)
    raise ValueError(n)


def text(s):
    return head(3, len(s)) + s.encode()


def record(kind, value, indicator=0):
    out = head(4, 3 if indicator else 2) + text(kind) + head(2, len(value)) + value
    return out + (head(0, indicator) if indicator else b"")


def bundle(**items):
    """In the order of their encoded labels."""
    labels = sorted(items, key=lambda label: (len(label), label))
    return head(5, len(labels)) + b"".join(text(label) + record(*items[label]) for label in labels)


def read(name):
    with open(name, "rb") as f:
        return f.read()


def pem(label, der):
    lines = base64.encodebytes(der).decode()
    return f"-----BEGIN {label}-----\n{lines}-----END {label}-----\n".encode()


def collateral(folder):
    out = b""
    for name in sorted(os.listdir(folder)):
        data = read(os.path.join(folder, name))
        label = ("X509 CRL" if "crl" in name else "TCB INFO" if "tcb_info" in name
                 else "ENCLAVE IDENTITY" if name.endswith(".json") else "CERTIFICATE")
        out += data if name.endswith(".pem") else pem(label, data)
    return out


def platform(tee):
    folder = os.path.join(FOLDER.name, tee)
    subprocess.run([SIM, "new", "--tee", tee, "--time", NOW, folder], check=True,
                   capture_output=True)
    return folder


def verify(file, *args):
    return run("verify", "--json", "-p", "genuine", "--time", NOW, *args, file)


for tee, provider in (("tdx", "tdx_guest"), ("snp", "sev_guest"), ("sgx", "gramine")):
    folder = platform(tee)
    root = ["--trust-root", os.path.join(folder, "trust-root")]
    evidence, items = read(f"{folder}/evidence.bin"), collateral(f"{folder}/collateral")
    parts = {"evidence": (OURS + tee, evidence, 4), "provider": ("text/plain", provider.encode(), 4),
             "collateral": (OURS + "collateral", items, 2)}
    whole = bundle(**parts)
    alone = verify(f"{folder}/evidence.bin", "-c", f"{folder}/collateral", *root)
    # AMD's CRL that comes along does not stand for the verifier's own.
    crl = ["-c", f"{folder}/collateral/crl.der"] if tee == "snp" else []
    r = verify(path("e.cbor", whole), *root, *crl)
    ok(alone.code == 0 and r.code == 0, f"{tee}: a bundle needs no other collateral beside it", r)
    ok(r.json["claims"] == alone.json["claims"], f"{tee}: the same claims", r)
    ok(r.json["tee"] == tee and r.check("bundle.collateral") == "pass", f"{tee}: JSON", r)
    ok(verify(path("e.cbor", whole)).code == 1, f"{tee}: not without the root")
    ok(verify(path("e.cbor", whole), "--nonce", "11" * 32, *root).code == 1, f"{tee}: another nonce")
    ok(verify(path("e.hex", whole.hex().encode()), *root).code == 0, f"{tee}: as hex")
    ok(verify(path("e.b64", base64.encodebytes(whole)), *root).code == 0, f"{tee}: as base64")
    r = run("verify", "-p", "genuine", "--time", NOW, *root, path("e.cbor", whole))
    ok(r.code == 0 and "bundle:" in r.out and f"provider {provider}" in " ".join(r.out.split())
       and fits(r.out), f"{tee}: the screen", r)
    r = run("inspect", path("e.cbor", whole))
    ok(r.code == 0 and provider in r.out and "collateral" in r.out, f"{tee}: inspect", r)
    r = run("inspect", "--json", path("e.cbor", whole))
    ok(r.json["groups"]["bundle"]["provider"] == provider, f"{tee}: inspect --json", r)

    as_json = {label: [kind, base64.urlsafe_b64encode(value).decode().rstrip("="), indicator]
               for label, (kind, value, indicator) in parts.items()}
    ok(verify(path("e.json", json.dumps(as_json).encode()), *root).code == 0,
       f"{tee}: the same as a JSON collection")
    args = ["-c", f"{folder}/collateral", *root]
    ok(verify(path("r.cbor", record(OURS + tee, evidence)), *args).code == 0, f"{tee}: a CBOR record")
    ok(verify(path("r.json", json.dumps([OURS + tee, as_json["evidence"][1]]).encode()),
              *args).code == 0, f"{tee}: a JSON record")
    # A log of PCRs is compared with nothing: whoever reads two lines must see that.
    event = struct.pack("<II", 4, 0x0d) + bytes(20) + struct.pack("<I", 4) + b"evil"
    logged = bundle(eventlog=(OURS + "eventlog", event, 4), **parts)
    r = run("verify", "-p", "genuine", "--time", NOW, *root, path("l.cbor", logged))
    ok(r.code == 0 and "the event log that came along" in
       " ".join(r.out.split("\n\n")[0].split()), f"{tee}: an event log that is not looked at", r)
    for cut in (1, len(whole) // 2, len(whole) - 1):
        ok(verify(path("cut", whole[:cut]), *root).code == 1, f"{tee}: cut to {cut} bytes")
        r = run("inspect", path("cut", whole[:cut]))
        ok(r.code == 1 and r.out == "", f"{tee}: cut to {cut} bytes: not shown as collateral", r)
    r = verify(path("o", bundle(evidence=(OURS + "opaque", evidence, 4),
                                provider=("text/plain", b"arm_cca_guest", 4))), *args)
    ok(r.code == 3 and r.json["tee"] == "opaque" and r.json["verdict"] == "undetermined"
       and "arm_cca_guest" in str(r.json["missing"]), f"{tee}: opaque", r)
    r = run("verify", *args, "--time", NOW, path("o"), stdin=b"")
    ok(r.code in (1, 3) and "ACCEPTED" not in r.out, f"{tee}: nothing", r)

opaque = bundle(evidence=(OURS + "opaque", b"a realm token", 4),
                provider=("text/plain", b"arm_cca_guest", 4))
for policy in ("default", "genuine"):
    r = run("verify", "-p", policy, path("o", opaque))
    ok(r.code == 3 and "arm_cca_guest" in r.out, f"opaque under {policy}", r)
r = run("inspect", path("o", opaque))
ok(r.code == 0 and "arm_cca_guest" in r.out, "opaque: inspect", r)

folder = vectors("coco/evidence")
for name, tee in (("snp/evidence.json", "snp"), ("veraison-snp/sevsnp-tsm-report.json", "snp")):
    r = verify(os.path.join(folder, name))
    ok(r.code == 0 and r.json["tee"] == tee and r.json["genuine"] is True, f"{name}: genuine", r)
report = json.loads(read(os.path.join(folder, "snp/evidence.json")))
for member in ("report_data", "measurement", "chip_id", "host_data"):
    changed = json.loads(json.dumps(report))
    changed["attestation_report"][member][5] ^= 1
    r = verify(path("changed.json", json.dumps(changed).encode()))
    ok(r.code == 1 and "snp.report.signature" in r.failed(), f"evidence.json: another {member}", r)
r = verify(os.path.join(folder, "sgx/as-request.json"))
ok(r.code == 1, "as-request.json: a request is no evidence", r)
request = json.loads(read(os.path.join(folder, "sgx/as-request.json")))
inner = request["verification_requests"][0]["evidence"]
r = run("verify", "--json", "-p", "genuine",
        path("sgx.json", base64.urlsafe_b64decode(inner + "=" * (-len(inner) % 4))))
ok(r.code == 3 and r.json["tee"] == "sgx", "as-request.json: its evidence is an SGX quote", r)
done()
