# SPDX-License-Identifier: Apache-2.0
"""Evidence from a software platform to a verdict: every way to collect it, and what a thief could change."""

import base64
import datetime
import json
import os
import re
import time

from sandbox import (ASSAY, FOLDER, NONCE, Serve, allowed, attest, changed, done, fits, flipped, inside, new, ok,
                     pack, path, read, run, unpack, verify)

TITLES = {"tdx": "Intel TDX", "snp": "AMD SEV-SNP", "sgx": "Intel SGX"}
OTHER_NONCE = "00112233445566778899aabbccddeefe"
PROVIDERS = ["configfs-tsm", "tdx-device", "snp-device", "sgx-attestation", "enarx"]


def unwrapped(text):
    return " ".join(text.split())


# --- outside any TEE: who was asked, and what each said ------------------------------------------
r = run("attest", "--nonce", NONCE, "-o", "none.cbor")
ok(r.code == 3 and r.out == "" and not os.path.exists(f"{FOLDER.name}/none.cbor")
   and r.err.startswith("assay attest: no TEE here that gives evidence; of each provider:\n"), "no TEE: exit 3", r)
lines = r.err.splitlines()[1:]
ok([line.split(": ")[1] for line in lines] == PROVIDERS and all(len(line.split(": ", 2)[2]) > 10 for line in lines),
   "every provider is named, with its reason", r)
r = run("attest", "--list")
ok(r.code == 3 and r.err == "" and fits(r.out)
   and re.findall(r"^(\S+) +(yes|no) ", r.out, re.M) == [(name, "no") for name in PROVIDERS], "--list: no, five times", r)
r = run("attest", "--nonce", NONCE, "--provider", "enarx", "-o", "none.cbor")
ok(r.code == 3 and "enarx: " in r.err and "configfs" not in r.err, "--provider: only that one is asked", r)

# --- the command line ----------------------------------------------------------------------------
for name, args, words in (
        ("no nonce", ["-o", "x"], "for which challenge? give --nonce HEX"),
        ("two nonces", ["--nonce", NONCE, "--random", "-o", "x"], "one of them, not more"),
        ("a short nonce", ["--nonce", "00112233445566", "-o", "x"], "is 7 bytes, at least 8 are needed"),
        ("a long one", ["--nonce", "00" * 65, "-o", "x"], "65"),
        ("no such TEE", ["--nonce", NONCE, "--tee", "sev", "-o", "x"], '--tee: "sev" is none of tdx, snp, sgx'),
        ("no such provider", ["--nonce", NONCE, "--provider", "tpm", "-o", "x"], 'no provider "tpm"'),
        ("no such level", ["--nonce", NONCE, "--vmpl", "4", "-o", "x"], '"4" is none of 0, 1, 2, 3'),
        ("no QGS address", ["--nonce", NONCE, "--qgs", "http://qgs", "-o", "x"], "QGS address"),
        ("no duration", ["--nonce", NONCE, "--timeout", "5", "-o", "x"], "is no duration"),
        ("two forms", ["--nonce", NONCE, "--raw", "--coco", "-o", "x"], "one of the two"),
        ("endorsements", ["--nonce", NONCE, "--endorsements", "some", "-o", "x"], "none of auto, none, all")):
    r = run("attest", *args)
    ok(r.code == 2 and words in r.err and r.out == "" and not os.path.exists(f"{FOLDER.name}/x"), f"{name}: exit 2", r)

allowed()
for tee in TITLES:
    new(tee, "--tee", tee, "--seed", "7")
    # An hour older, so that a verifier with collateral of its own never prefers the other's.
    hour_ago = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(hours=1)
    new(f"{tee}-other", "--tee", tee, "--seed", "8", "--time", hour_ago.strftime("%Y-%m-%dT%H:%M:%SZ"))

# --- new, run -- attest, verify ------------------------------------------------------------------
for tee, title in TITLES.items():
    r = attest(tee, "-o", f"{tee}.cbor")
    ok(r.code == 0 and r.out == r.err == "", f"{tee}: attest says nothing", r)
    r = verify(tee, f"{tee}.cbor")
    ok(r.code == 0 and r.err == "" and fits(r.out) and r.out.startswith("ACCEPTED ")
       and f"{title}: genuine, up to date, allowed" in r.out, f"{tee}: accepted", r)
    r = verify(tee, "--json", f"{tee}.cbor")
    ok(r.json["claims"]["report_data"] == NONCE.ljust(128, "0"), f"{tee}: the nonce is in it", r)
    r = verify(tee, f"{tee}.cbor", root=False)
    ok(r.code == 1 and r.out.startswith(f"REFUSED  {title}: not genuine\n"), f"{tee}: without the root, exit 1", r)
    r = verify(tee, f"{tee}.cbor", nonce=OTHER_NONCE)
    ok(r.code == 1 and "FAIL  evidence.report_data" in r.out, f"{tee}: another nonce, exit 1", r)
    r = attest(tee, "-o", "-")
    ok(r.code == 0 and r.err == "" and len(r.out) > 1000, f"{tee}: -o - is standard output", r.err)
    r = attest(tee, "-v", "--random", "-o", "x", nonce=NONCE)
    ok(r.code == 2, f"{tee}: the command line counts inside too", r)
    r = inside(tee, ASSAY, "attest", "-v", "--random", "-o", "random.cbor")
    data = re.search(r"report data is ([0-9a-f]{128})$", r.err, re.M)
    ok(r.code == 0 and data and verify(tee, "random.cbor", nonce=data[1]).code == 0, f"{tee}: --random says what it took", r)

# --- what a carrier of the bundle could change ----------------------------------------------------
# Offsets: the measured register, the report data, the signature. Sources: docs of the quote and the report.
SPOTS = {"tdx": {"MRTD": 48 + 136, "report data": 48 + 520, "signature": 48 + 584 + 4},
         "sgx": {"MRENCLAVE": 48 + 64, "report data": 48 + 320, "signature": 48 + 384 + 4},
         "snp": {"measurement": 0x90, "report data": 0x50, "signature": 0x2a0}}
SIGNED = {"tdx": "dcap.quote.signature", "sgx": "dcap.quote.signature", "snp": "snp.report.signature"}
for tee, spots in SPOTS.items():
    bundle = unpack(f"{tee}.cbor")
    evidence = bundle["evidence"][1]
    ok(verify(tee, pack("same.cbor", bundle)).code == 0 and read(f"{tee}.cbor") == read(f"{FOLDER.name}/same.cbor"),
       f"{tee}: taken apart and put together it is the same")
    for spot, at in spots.items():
        r = verify(tee, changed("flipped.cbor", bundle, evidence=flipped(evidence, at)))
        ok(r.code == 1 and f"FAIL  {SIGNED[tee]}: " in r.out, f"{tee}: a bit of the {spot} is flipped", r)
    r = verify(tee, changed("short.cbor", bundle, evidence=evidence[:-1]))
    ok(r.code == 1, f"{tee}: a byte is cut off", r)

# The PCK chain of another platform: the three lengths around it follow.
def with_chain(quote, chain, body):
    at = 48 + body
    if body == 384:  # version 3: the certificates are not nested
        auth = at + 4 + 64 + 64 + 384 + 64
        data = auth + 2 + int.from_bytes(quote[auth:auth + 2], "little") + 2
        outer = [(at, 4)]
    else:
        auth = at + 4 + 64 + 64 + 6 + 384 + 64
        data = auth + 2 + int.from_bytes(quote[auth:auth + 2], "little") + 2
        outer = [(at, 4), (at + 4 + 64 + 64 + 2, 4)]
    old = int.from_bytes(quote[data:data + 4], "little")
    assert quote[data + 4:].startswith(b"-----BEGIN CERTIFICATE-----")
    if chain is None:
        return quote[data + 4:data + 4 + old]
    out = bytearray(quote[:data] + len(chain).to_bytes(4, "little") + chain + quote[data + 4 + old:])
    for place, size in outer:
        n = int.from_bytes(out[place:place + size], "little") + len(chain) - old
        out[place:place + size] = n.to_bytes(size, "little")
    return bytes(out)


for tee, body in (("tdx", 584), ("sgx", 384)):
    attest(f"{tee}-other", "-o", f"{tee}-other.cbor")
    mine, theirs = unpack(f"{tee}.cbor"), unpack(f"{tee}-other.cbor")["evidence"][1]
    ok(with_chain(mine["evidence"][1], with_chain(mine["evidence"][1], None, body), body) == mine["evidence"][1],
       f"{tee}: the chain is found")
    r = verify(tee, "--trust-root", f"{tee}-other/trust-root",
               changed("chain.cbor", mine, evidence=with_chain(mine["evidence"][1], with_chain(theirs, None, body), body)))
    ok(r.code == 1 and "FAIL  dcap.qe_report.signature: " in r.out, f"{tee}: with another platform's PCK chain", r)
    r = verify(f"{tee}-other", f"{tee}.cbor")
    ok(r.code == 1 and "FAIL  dcap.root.pinned: " in r.out, f"{tee}: under another platform's root", r)

# --- what comes along ----------------------------------------------------------------------------
QGS = ["--qgs", "vsock:host:4050"]
for folder in ("tdx", "tdx-other"):
    r = attest(folder, *QGS, "--endorsements", "all", "-o", f"{folder}-whole.cbor")
    ok(r.code == 0 and r.err == "", f"{folder}: collateral from the QGS comes along", r)
bundle = unpack("tdx-whole.cbor")
pem = bundle["collateral"][1].decode()
parts = re.split(r"(?<=-----\n)(?=-----BEGIN)", pem)
kinds = [part.split("-----")[1][6:] for part in parts]
ok(sorted(set(kinds)) == ["CERTIFICATE", "ENCLAVE IDENTITY", "TCB INFO", "X509 CRL"], "of four kinds", kinds)
r = verify("tdx", "tdx-whole.cbor", collateral=False)
ok(r.code == 0, "tdx: accepted with what came along alone", r)
missing = {"X509 CRL": "CRL", "TCB INFO": "TCB info     TDX, FMSPC ", "ENCLAVE IDENTITY": "QE identity  TD QE"}
for n, kind in enumerate(kinds):
    if kind in missing:
        less = changed("less.cbor", bundle, collateral="".join(parts[:n] + parts[n + 1:]).encode())
        r = verify("tdx", less, collateral=False)
        ok(r.code == 3 and r.out.startswith("UNDETERMINED ") and missing[kind] in r.out
           and "assay collateral fetch -o " in r.out, f"tdx: without {kind} {n}, exit 3, and what brings it", r)
        ok(verify("tdx", less).code == 0, "and accepted where the verifier has it")
n = kinds.index("TCB INFO")
info = base64.b64decode("".join(parts[n].splitlines()[1:-1]))
better = info.replace(b'"OutOfDate"', b'"UpToDate"')
ok(better != info, "the TCB info has levels that are out of date")
better = f"-----BEGIN TCB INFO-----\n{base64.encodebytes(better).decode()}-----END TCB INFO-----\n"
better = "".join(parts[:n] + [better] + parts[n + 1:]).encode()
r = verify("tdx", changed("x.cbor", bundle, collateral=better), collateral=False)
ok(r.code == 1 and "FAIL  dcap.tcb_info.signature: " in r.out, "tdx: a TCB info that calls more up to date", r)
theirs = changed("x.cbor", bundle, collateral=unpack("tdx-other-whole.cbor")["collateral"][1])
r = verify("tdx", theirs, collateral=False)
ok(r.code == 1 and "FAIL  dcap.root_crl.signature: " in r.out, "tdx: another platform's collateral", r)
ok(verify("tdx", theirs).code == 0, "and accepted where the verifier has newer of its own")
r = verify("tdx", changed("x.cbor", bundle, eventlog=flipped(bundle["eventlog"][1], 100)))
ok(r.code == 1 and "FAIL  eventlog.replay: RTMR0: " in r.out, "tdx: a bit of the event log", r)
r = run("log", "replay", "--against", "tdx-whole.cbor", "tdx-whole.cbor")
ok(r.code == 0 and r.out.startswith("EQUAL  ") and fits(r.out) and all(f"  RTMR{n}        equal" in r.out for n in range(4)),
   "assay log replay --against, both in the bundle", r)
r = run("log", "replay", "--against", "tdx-whole.cbor", changed("x.cbor", bundle, eventlog=flipped(bundle["eventlog"][1], 100)))
ok(r.code == 1 and r.out.startswith("DIFFERS  ") and "RTMR0        DIFFERS" in r.out, "a log that was changed differs", r)

attest("snp-other", "-o", "snp-other.cbor")
bundle, other = unpack("snp.cbor"), unpack("snp-other.cbor")
r = verify("snp", "snp.cbor", collateral=False)
ok(r.code == 0 and "not checked: revocation" in r.out, "snp: accepted with what the host gave alone", r)
r = verify("snp", "--require-crl", "snp.cbor", collateral=False)
ok(r.code == 3 and "CRL" in r.out, "snp: --require-crl: exit 3", r)
less = changed("less.cbor", bundle, certificates=None)
r = verify("snp", less, collateral=False)
ok(r.code == 3 and "  VCEK         Milan, TCB " in r.out and "assay collateral fetch -o Milan.bundle " in r.out,
   "snp: without the table, exit 3, and what brings it", r)
ok(verify("snp", less).code == 0, "and accepted where the verifier has it")
swapped = changed("swapped.cbor", bundle, certificates=other["certificates"][1])
r = verify("snp", swapped, collateral=False)
ok(r.code == 1 and "FAIL  snp.vcek.chip_id: " in r.out, "snp: with another platform's certificates", r)
ok(verify("snp", swapped).code == 0, "and accepted where the verifier has the right ones")
r = verify("snp", changed("x.cbor", bundle, evidence=other["evidence"][1]), collateral=False)
ok(r.code == 1 and "FAIL  snp.report.signature: " in r.out, "snp: another platform's report with these certificates", r)
r = verify("snp", changed("x.cbor", bundle, provider=b"tdx_guest"))
ok(r.code == 1 and "says that tdx_guest made it, and calls it snp" in unwrapped(r.out), "snp: another provider's name", r)

# --- each provider by its name -------------------------------------------------------------------
NAMES = {"tdx": "TDX", "snp": "SEV-SNP", "sgx": "SGX"}
WAYS = {"tdx": {"configfs-tsm": "tdx_guest", "tdx-device": "dev-tdx-guest", "enarx": None},
        "snp": {"configfs-tsm": "sev_guest", "snp-device": None, "enarx": None}, "sgx": {"enarx": None}}
for tee, ways in WAYS.items():
    r = inside(tee, ASSAY, "attest", "--list", *(QGS if tee == "tdx" else []))
    listed = dict(re.findall(r"^(\S+) +(yes|no) ", r.out, re.M))
    ok(r.code == 0 and list(listed) == PROVIDERS and all(listed[way] == "yes" for way in ways) and fits(r.out), f"{tee}: --list", r)
    ok(f"offers evidence of {NAMES[tee]}" in unwrapped(r.out), f"{tee}: system call 0xEA01 is listed with its TEE", r)
    for way in PROVIDERS:
        r = attest(tee, "-v", "--provider", way, *(QGS if way == "tdx-device" else []), "-o", f"{tee}-{way}.cbor")
        if way in ways:
            name = f"{tee}-{way}.cbor"
            made = unpack(name)["provider"][1].decode() if r.code == 0 else ""
            ok(r.code == 0 and re.search(rf"; {way}, \d+ ms$", r.err, re.M) and ways[way] in (None, made), f"{tee}: --provider {way}", r)
            ok(verify(tee, name).code == 0 and verify(tee, name, nonce=OTHER_NONCE).code == 1, f"{tee}: {way}: accepted, and only for its nonce")
        elif listed[way] == "no":
            ok(r.code == 3 and f"{way}: " in r.err and not os.path.exists(f"{tee}-{way}.cbor"), f"{tee}: --provider {way}: exit 3", r)
    for asked in TITLES:
        r = attest(tee, "--tee", asked, "-o", "asked.cbor")
        ok(r.code == 0 if asked == tee else r.code in (3, 4) and f'this is {tee}, not "{asked}"' in r.err, f"{tee}: --tee {asked}", r)
r = attest("tdx", "--provider", "tdx-device", "-o", "x")
ok(r.code == 4 and "no QGS is configured; name one (vsock:host:4050)" in r.err, "tdx-device without a QGS says what to do", r)
r = attest("snp", "--vmpl", "2", "-o", "vmpl2.cbor")
ok(r.code == 0 and verify("snp", "--json", "-p", "genuine", "vmpl2.cbor").json["claims"]["snp"]["vmpl"] == 2, "--vmpl 2", r)
for way in ("configfs-tsm", "snp-device"):
    r = attest("snp", "--provider", way, "--endorsements", "none", "-o", "bare.cbor")
    ok(r.code == 0 and sorted(unpack("bare.cbor")) == ["evidence", "provider"], f"{way}: --endorsements none", r)
r = attest("snp", "--provider", "enarx", "--endorsements", "all", "-o", "x")
ok(r.code == 3 and "the host hands out no endorsements; fetch them with assay collateral fetch" in r.err,
   "--endorsements all where there are none: exit 3", r)

# --- other forms ---------------------------------------------------------------------------------
for tee in ("tdx", "snp"):
    r = attest(tee, "--raw", "-o", f"{tee}.raw")
    raw = read(f"{tee}.raw")
    ok(r.code == 0 and (len(raw) == 1184 if tee == "snp" else raw[:2] == b"\4\0") and verify(tee, f"{tee}.raw").code == 0,
       f"{tee}: --raw is the vendor's bytes", r)
    r = attest(tee, "--coco", "-o", f"{tee}.json")
    members = set(json.loads(read(f"{tee}.json")))
    ok(r.code == 0 and members == ({"quote", "cc_eventlog"} if tee == "tdx" else {"attestation_report", "cert_chain"})
       and verify(tee, f"{tee}.json").code == 0, f"{tee}: --coco", members)
    ok(verify(tee, f"{tee}.json", nonce=OTHER_NONCE).code == 1, f"{tee}: --coco is judged by its nonce")

# --- the QGS, by each kind of address ------------------------------------------------------------
serve = Serve("--platform", "tdx", "--only", "qgs", "--listen", f"qgs=unix:{FOLDER.name}/qgs", "--listen", "qgs=tcp:127.0.0.1:0").ready(2)
addresses = ["vsock:host:4050", "vsock:2:4050", *serve.addresses["qgs"]]
ok([a.split(":")[0] for a in addresses] == ["vsock", "vsock", "unix", "tcp"], "four addresses", addresses)
for address in addresses:
    r = attest("tdx", "--qgs", address, "--endorsements", "all", "-v", "-o", "qgs.cbor")
    ok(r.code == 0 and "; tdx-device, " in r.err and verify("tdx", "qgs.cbor", collateral=False).code == 0, f"--qgs {address.split(':')[0]}", r)
status, err = serve.stop()
ok(status == 0, "the service stops", err)
r = attest("tdx", "--provider", "tdx-device", "--qgs", addresses[3], "-o", "x")
ok(r.code == 4 and addresses[3].split(":")[2] in r.err and not os.path.exists("x"), "a QGS that is gone is named", r)
r = attest("tdx", "--qgs", addresses[3], "-v", "-o", "fallback.cbor")
ok(r.code == 0 and "; configfs-tsm, " in r.err and verify("tdx", "fallback.cbor").code == 0, "and configfs does instead", r)
other = Serve("--platform", "tdx-other", "--only", "qgs").ready(1)
r = attest("tdx", "--provider", "tdx-device", "--qgs", other["qgs"], "-o", "x")
ok(r.code == 4 and "tdx-device: " in r.err and not os.path.exists("x"), "another platform's QGS refuses this one's report", r)
other.stop()

# --- collateral by network, for a bundle that has none --------------------------------------------
for tee, service in (("tdx", "pcs"), ("snp", "kds"), ("sgx", "pccs")):
    bare = f"{tee}-bare.cbor"
    attest(tee, "--endorsements", "none", "-o", bare)
    r = verify(tee, bare, collateral=False)
    ok(r.code == 3 and "assay collateral fetch -o " in r.out, f"{tee}: bare, exit 3", r)
    serve = Serve("--platform", tee, "--only", service).ready(1)
    r = run("collateral", "fetch", "--from", serve[service], "-o", f"{tee}.bundle", bare)
    ok(r.code == 0, f"{tee}: collateral fetched from {service}", r)
    serve.stop()
    r = verify(tee, "--require-crl", "-c", f"{tee}.bundle", bare, collateral=False)
    ok(r.code == 0, f"{tee}: accepted with it", r)

# --- what goes wrong ------------------------------------------------------------------------------
for tee in ("tdx", "snp"):
    for fault in ("busy:3", "stale-generation", "stale-generation:5", "slow:300ms", "wrong-nonce:2", "busy:2,stale-generation:2"):
        began = time.monotonic()
        r = attest(tee, "-o", "fault.cbor", fault=fault)
        ok(r.code == 0 and verify(tee, "fault.cbor").code == 0 and (":300ms" not in fault or time.monotonic() - began >= 0.3),
           f"{tee}: {fault} is overcome", r)
        os.remove("fault.cbor")
    for fault, words in (("wrong-nonce", "configfs-tsm: the evidence carries other report data than was asked for"),
                         ("busy:100000", "/outblob: Device or resource busy")):
        r = attest(tee, "--timeout", "1s", "-o", "fault.cbor", fault=fault)
        ok(r.code == 4 and words in r.err and not os.path.exists("fault.cbor"), f"{tee}: {fault} is refused", r)
    # A program that does not look: the verifier does.
    entry = "/sys/kernel/config/tsm/report/careless"
    careless = f"mkdir {entry} && printf '{''.join(f'{chr(92)}{b:03o}' for b in bytes.fromhex(NONCE).ljust(64, bytes(1)))}' > {entry}/inblob && cat {entry}/outblob"
    for fault, code in ((None, 0), ("wrong-nonce", 1)):
        r = inside(tee, "sh", "-c", f"{{ {careless}; }} > careless.bin", fault=fault)
        judged = verify(tee, "careless.bin")
        ok(r.code == 0 and judged.code == code and (not fault or "FAIL  evidence.report_data: " in judged.out),
           f"{tee}: a careless program, {fault or 'no fault'}", judged)
done()
