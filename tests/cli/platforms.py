# SPDX-License-Identifier: Apache-2.0
"""Verdicts over software platforms: what needs no captures, and what no capture has."""

import base64
import os
import re
import subprocess
import sys

from harness import FOLDER, done, fits, ok, path, run

SIM = os.path.abspath(sys.argv[2])
TITLES = {"sgx": "Intel SGX", "tdx": "Intel TDX", "snp": "AMD SEV-SNP", "sev": "AMD SEV",
          "sev-es": "AMD SEV-ES"}


def platform(name, tee, *args):
    subprocess.run([SIM, "new", "--tee", tee, *args, name], cwd=FOLDER.name, check=True,
                   stdout=subprocess.DEVNULL)
    return name


def verify(name, *args, root=True):
    """Verifies a platform's evidence with all that the platform brings."""
    floor = os.path.join(FOLDER.name, name, "min-tcb")
    own = ["--trust-root", f"{name}/trust-root"] if root else []
    own += ["--min-tcb", f"{name}/min-tcb"] if os.path.exists(floor) else []
    return run("verify", *own, "-c", f"{name}/collateral", *args, name)


for tee, title in TITLES.items():
    name, vendor = platform("P-" + tee, tee, "--seed", "7"), title.split()[0]
    legacy = tee.startswith("sev")
    policy = ["-p", "genuine"] if legacy else []
    r = verify(name, *policy)
    ok(r.code == 0 and fits(r.out) and r.out.startswith(
        f"ACCEPTED  under your --trust-root {name}/trust-root, which is not {vendor}'s\n"
        f"          {title}: genuine, "), f"{tee}: accepted, and the first line says under what", r)
    ok(f"\n  trust        your --trust-root {name}/trust-root\n" in r.out, f"{tee}: the trust row", r)
    r = verify(name, "--json", *policy)
    ok(r.json["tee"] == tee and r.json["genuine"] is True
       and r.json["trust"] == f"{name}/trust-root"
       and r.json["claims"]["trust"]["builtin"] is False, f"{tee}: JSON", r)
    digest = r.json["claims"]["measurement"]
    data = r.json["claims"]["report_data"]
    r = verify(name, root=False)
    ok(r.code == 1 and r.out.startswith(f"REFUSED  {title}: not genuine\n") and fits(r.out),
       f"{tee}: refused without the root", r)
    r = verify(name, "-p", "default")
    ok(r.code == (1 if legacy else 0), f"{tee}: under the default policy", r)
    ok(verify(name, *policy, "--measurement", digest).code == 0, f"{tee}: --measurement")
    r = verify(name, *policy, "--expect", "measurement=" + "00" * (len(digest) // 2))
    ok(r.code == 1 and ": genuine, but not what was asked for\n" in r.out, f"{tee}: another", r)
    r = verify(name, *policy, "--report-data", data)
    ok(r.code == 0 and "not checked: freshness" not in r.out, f"{tee}: --report-data", r)
    r = verify(name, *policy, "--nonce", "0123456789abcdef")
    ok(r.code == 1 and "FAIL  evidence.report_data" in r.out, f"{tee}: another nonce", r)
    r = verify(name, *policy, "-v", "--explain")
    ok(fits(r.out), f"{tee}: everything fits a screen", r)
    r = run("inspect", name)
    ok(r.code == 0 and fits(r.out), f"{tee}: inspect", r)
    r = run("collateral", "show", "--trust-root", f"{name}/trust-root", f"{name}/collateral")
    ok(r.code == (3 if "  no signer\n" in r.out else 0) and fits(r.out) and "NOT GENUINE" not in r.out, f"{tee}: show", r)
    r = run("collateral", "show", f"{name}/collateral")
    ok(r.code == 1 and fits(r.out) and re.match(
        r"\d NOT GENUINE; dates hold (until \d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ, \d+ days|without end)\n", r.out) and
       r.out.endswith("name that platform's root with --trust-root.\n"), f"{tee}: show, without the root, and what to do", r)
    bundle = f"{name}.bundle"
    run("collateral", "pack", f"{name}/collateral", "-o", bundle)
    r = verify(name, *policy, "-c", bundle)
    ok(r.code == 0, f"{tee}: with a bundle", r)
    run("collateral", "pack", bundle, "-o", bundle + "2")
    with open(f"{FOLDER.name}/{bundle}", "rb") as a, open(f"{FOLDER.name}/{bundle}2", "rb") as b:
        ok(a.read() == b.read(), f"{tee}: a bundle of a bundle is the same")
    with open(f"{FOLDER.name}/{name}/evidence.bin", "rb") as f:
        whole = f.read()
    r = run("verify", "--trust-root", f"{name}/trust-root", "-c", f"{name}/collateral", "-p", "genuine",
            "-", stdin=whole)
    ok(r.code == 0 and "standard input: " in r.out, f"{tee}: standard input", r)

r = run("collateral", "show", "--time", "2099-01-01", "P-tdx/collateral")
ok(r.code == 1 and re.match(r"\d NOT GENUINE; ENDED \d{4}-\d\d-\d\d ", r.out), "show, neither genuine nor good", r)

# The certificate that signs for the platform's quotes has the OID of Intel SDK's attested certificates, and no quote.
for tee in ("sgx", "tdx"):
    pck = run("verify", "--json", "--trust-root", f"P-{tee}/trust-root", "-c", f"P-{tee}/collateral",
              f"P-{tee}").json["claims"]["dcap"]
    with open(f"{FOLDER.name}/P-{tee}/evidence.bin", "rb") as f:
        leaf = re.search(b"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----\n", f.read(), re.S).group()
    r = run("inspect", "--json", path("pck.pem", leaf))
    shown = r.json["groups"]["certificate"]
    ok(r.code == 0 and r.json["kind"] == "certificate" and shown["FMSPC"] == pck["fmspc"]
       and shown["PPID"] == pck["ppid"] and shown["TCB components"] == pck["components"]
       and shown["PCESVN"] == str(pck["pce_svn"]) and {"issuer", "serial"} <= set(shown)
       and "wrong" not in shown, f"{tee}: inspect its PCK certificate", r)
    r = run("cert", "verify", "pck.pem")
    ok(r.code == 1 and "FAIL cert.extension: there is no evidence in it: it is a PCK certificate, " in
       " ".join(r.out.split()), f"{tee}: it carries no evidence", r)

for tee in ("sgx", "tdx"):
    r = verify(platform(f"{tee}-ood", tee, "--tcb", "OutOfDate"))
    ok(r.code == 1 and fits(r.out) and "FAIL  dcap.tcb.status" in r.out
       and re.search(r"^        part +reported   wanted   short by", r.out, re.M),
       f"{tee}: out of date, and by how much", r)
    r = verify(f"{tee}-ood", "-p", "genuine")
    ok(r.code == 0 and ": genuine, OutOfDate, allowed by policy \"genuine\"" in r.out,
       f"{tee}: out of date, and that is all right", r)
    for what in ("pck", "ca", "tcb-signing"):
        r = verify(platform(f"{tee}-{what}", tee, "--revoke", what))
        ok(r.code == 1 and "no longer genuine: a certificate was revoked" in r.out and fits(r.out),
           f"{tee}: {what} is revoked", r)
for tee in TITLES:
    r = verify(platform(f"{tee}-debug", tee, "--debug"))
    ok(r.code == 1 and "FAIL  policy.debug" in r.out and "\n  debug        ON\n" in r.out,
       f"{tee}: debug", r)
    r = verify(f"{tee}-debug", "-p", "genuine", "-p", "default")
    ok(r.code == 1 and 'policies "genuine" and "default" do not allow it' in " ".join(r.out.split()),
       f"{tee}: two policies, of which one refuses", r)
r = verify("P-sev", "-p", "genuine", "--nonce", "00" * 17)
ok(r.code == 1 and "17 bytes were asked for, and a report without" in r.out, "an MNONCE holds 16 bytes", r)
r = verify(platform("snp-ask", "snp", "--revoke", "ask"))
ok(r.code == 1 and "revoked" in r.out, "snp: the ASK is revoked", r)

# What stands behind a NUL is part of the floor.
with open(f"{FOLDER.name}/floor", "wb") as f:
    f.write(b"snp=1\n\0microcode=255\n")
r = run("verify", "--trust-root", "P-snp/trust-root", "-c", "P-snp/collateral", "--min-tcb", "floor", "P-snp")
ok(r.code == 2 and "--min-tcb: floor: is no text" in r.err, "a floor with a NUL in it", r)

# An id that was cut short would deny nobody.
chip = verify("P-snp", "--json").json["claims"]["snp"]["chip_id"]
for cut, code in ((chip, 1), (chip[:-2], 2), (chip[:-1], 2), (chip[:16], 0), ("00", 2)):
    with open(f"{FOLDER.name}/rules", "w", encoding="ascii") as f:
        f.write(f"deny chip-id {cut}\n")
    r = verify("P-snp", "--platforms", "rules")
    ok(r.code == code and (code != 2 or "line 1" in r.err), f"deny {len(cut)} digits: exit {code}", r)

# Certificates without end under one name: each of them would be tried on each.
with open(f"{FOLDER.name}/P-snp/collateral/cert_chain.pem", encoding="ascii") as f:
    ask = base64.b64decode(re.search("-----BEGIN CERTIFICATE-----(.*?)-----END", f.read(), re.S)[1])
modulus = ask.index(bytes.fromhex("0282020100")) + 100
os.mkdir(f"{FOLDER.name}/crowd")
for n in range(16):
    with open(f"{FOLDER.name}/crowd/{n:02}", "wb") as f:
        f.write(ask[:modulus] + bytes([n] * 8) + ask[modulus + 8:])
r = run("collateral", "show", "--json", "--trust-root", "P-snp/trust-root", "crowd", "P-snp/collateral/vcek.der")
why = [i["why"] for i in r.json["items"] if i["file"].endswith("vcek.der")]
ok(r.code == 1 and why and "any of the first 12 certificates of its issuer SEV-Milan" in why[0],
   "a crowd of issuers", r)

# Which root a verdict rests on, where the name of one is part of another's.
with open(f"{FOLDER.name}/P-sgx/trust-root", "rb") as a, open(f"{FOLDER.name}/trust", "wb") as b:
    b.write(a.read())
r = verify("P-snp", "--json", "--trust-root", "trust")
ok(r.code == 0 and r.json["trust"] == "P-snp/trust-root", "the root of two that counts", r)

# A floor packed into a number has no room for Turin's parts: what would be lost is refused.
platform("turin", "snp", "--product", "Turin", "--report-version", "5")
r = run("verify", "--trust-root", "turin/trust-root", "-c", "turin/collateral",
        "--minimum_tcb", "0x5a000000ff050f05", "turin")
ok(r.code == 2 and r.out == "" and "--minimum-tcb: 0x5a000000ff050f05 is no TCB of Milan" in r.err,
   "--minimum_tcb of Turin", r)
done()
