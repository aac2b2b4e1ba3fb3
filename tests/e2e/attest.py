# SPDX-License-Identifier: Apache-2.0
"""Evidence from a software platform to a verdict: every way to collect it, and every form of it."""

import hashlib
import json
import os
import re

from sandbox import (ASSAY, FOLDER, NONCE, QGS, Serve, allowed, attest, done, fits, flipped, inside, new, ok, path, read,
                     run, unpack, unwrapped, verify)

TITLES = {"tdx": "Intel TDX", "snp": "AMD SEV-SNP", "sgx": "Intel SGX"}
OTHER_NONCE = "00112233445566778899aabbccddeefe"
PROVIDERS = ["configfs-tsm", "tdx-device", "snp-device", "sgx-attestation", "enarx", "sev-es", "sev"]

# --- outside any TEE: who was asked, and what each said ------------------------------------------
r = run("attest", "--nonce", NONCE, "-o", "none.cbor")
ok(r.code == 3 and r.out == "" and not os.path.exists(f"{FOLDER.name}/none.cbor")
   and r.err.startswith("assay attest: no TEE here that gives evidence; of each provider:\n"), "no TEE: exit 3", r)
lines = r.err.splitlines()[1:]
ok([line.split(": ")[1] for line in lines] == PROVIDERS and all(len(line.split(": ", 2)[2]) > 10 for line in lines),
   "every provider is named, with its reason", r)
r = run("attest", "--list")
ok(r.code == 3 and r.err == "" and fits(r.out)
   and re.findall(r"^(\S+) +(yes|no) ", r.out, re.M) == [(name, "no") for name in PROVIDERS],
   "--list: no, five times", r)
r = run("attest", "--nonce", NONCE, "--provider", "enarx", "-o", "none.cbor")
ok(r.code == 3 and "enarx: " in r.err and "configfs" not in r.err, "--provider: only that one is asked", r)

# --- the command line ----------------------------------------------------------------------------
for name, args, words in (
        ("no nonce", ["-o", "x"], "for which challenge? give --nonce HEX"),
        ("two nonces", ["--nonce", NONCE, "--random", "-o", "x"], "one of them, not more"),
        ("a short nonce", ["--nonce", "00112233445566", "-o", "x"], "is too short: 7 of at least 8 bytes"),
        ("a long one", ["--nonce", "00" * 65, "-o", "x"], "65"),
        ("no such TEE", ["--nonce", NONCE, "--tee", "vtpm", "-o", "x"], '--tee: "vtpm" is none of tdx, snp, sgx, sev, sev-es'),
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
new("tdx-other", "--tee", "tdx", "--seed", "8")

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
    ok(r.code == 0 and data and verify(tee, "random.cbor", nonce=data[1]).code == 0,
       f"{tee}: --random says what it took", r)

# --- each provider by its name -------------------------------------------------------------------
# What the bundle calls each that works, and what the list calls the TEE.
WAYS = {"tdx": {"configfs-tsm": "tdx_guest", "tdx-device": "dev-tdx-guest", "enarx": "enarx"},
        "snp": {"configfs-tsm": "sev_guest", "snp-device": "dev-sev-guest", "enarx": "enarx"},
        "sgx": {"enarx": "enarx"}}
NAMES = {"tdx": "TDX", "snp": "SEV-SNP", "sgx": "SGX"}
for tee, ways in WAYS.items():
    r = inside(tee, ASSAY, "attest", "--list", *(QGS if tee == "tdx" else []))
    listed = re.findall(r"^(\S+) +(yes|no) ", r.out, re.M)
    ok(r.code == 0 and fits(r.out) and listed == [(way, "yes" if way in ways else "no") for way in PROVIDERS]
       and f"offers evidence of {NAMES[tee]}" in unwrapped(r.out), f"{tee}: --list", r)
    for way in PROVIDERS:
        name = f"{tee}-{way}.cbor"
        r = attest(tee, "-v", "--provider", way, *(QGS if way == "tdx-device" else []), "-o", name)
        if way not in ways:
            ok(r.code == 3 and f"{way}: " in r.err and not os.path.exists(name), f"{tee}: --provider {way}: exit 3", r)
            continue
        ok(r.code == 0 and re.search(rf"; {way}, \d+ ms$", r.err, re.M)
           and unpack(name)["provider"][1].decode() == ways[way], f"{tee}: --provider {way}", r)
        ok(verify(tee, name).code == 0 and verify(tee, name, nonce=OTHER_NONCE).code == 1,
           f"{tee}: {way}: accepted, and only for its nonce")
    for asked in TITLES:
        r = attest(tee, "--tee", asked, "-o", "asked.cbor")
        wrong = r.code in (3, 4) and f'this is {tee}, not "{asked}"' in r.err
        ok(r.code == 0 if asked == tee else wrong, f"{tee}: --tee {asked}", r)
r = attest("tdx", "--provider", "tdx-device", "-o", "x")
ok(r.code == 4 and "no QGS is configured; name one (vsock:host:4050)" in r.err,
   "tdx-device without a QGS says what to do", r)
r = attest("snp", "--vmpl", "2", "-o", "vmpl2.cbor")
judged = verify("snp", "--json", "-p", "genuine", "vmpl2.cbor")
ok(r.code == 0 and judged.json["claims"]["snp"]["vmpl"] == 2, "--vmpl 2", judged)
for way in ("configfs-tsm", "snp-device"):
    r = attest("snp", "--provider", way, "--endorsements", "none", "-o", "bare.cbor")
    ok(r.code == 0 and sorted(unpack("bare.cbor")) == ["evidence", "provider"], f"{way}: --endorsements none", r)
r = attest("snp", "--provider", "enarx", "--endorsements", "all", "-o", "x")
ok(r.code == 3 and "the host hands out no endorsements; fetch them with assay collateral fetch" in r.err,
   "--endorsements all where there are none: exit 3", r)

# --- a public key in the report data --------------------------------------------------------------
KEY = bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d030107034200") + bytes(range(65))
path("key.der", KEY)
path("other.der", flipped(KEY, len(KEY) - 1))
path("longer.der", KEY + b"\n")
parts = (b"assay report data: nonce and key, 1", bytes.fromhex(NONCE), hashlib.sha384(KEY).digest())
bound = hashlib.sha512(b"".join(len(part).to_bytes(4, "big") + part for part in parts)).hexdigest()
for tee in TITLES:
    r = attest(tee, "--bind", "key.der", "-o", "bound.cbor")
    ok(r.code == 0 and r.err == "", f"{tee}: attest --bind", r)
    r = verify(tee, "--json", "--bind", "key.der", "bound.cbor")
    ok(r.code == 0 and r.json["claims"]["report_data"] == bound, f"{tee}: accepted with nonce and key, as docs/binding.md has it", r)
    for name, args, nonce in (("another key", ["--bind", "other.der"], NONCE), ("a line end more", ["--bind", "longer.der"], NONCE),
                              ("another nonce", ["--bind", "key.der"], OTHER_NONCE), ("a padded nonce", ["--bind", "key.der"], NONCE + "00"),
                              ("no key", [], NONCE)):
        r = verify(tee, *args, "bound.cbor", nonce=nonce)
        ok(r.code == 1 and "FAIL  evidence.report_data" in r.out, f"{tee}: {name} is refused", r)
    r = verify(tee, "--bind", "key.der", f"{tee}.cbor")
    ok(r.code == 1 and "FAIL  evidence.report_data" in r.out, f"{tee}: evidence that names no key is refused", r)
    # The last bytes count as the first ones do.
    near = bound[:-2] + f"{int(bound[-2:], 16) ^ 1:02x}"
    r = attest(tee, "--report-data", near, "-o", "near.cbor", nonce=None)
    ok(r.code == 0 and verify(tee, "--bind", "key.der", "near.cbor").code == 1, f"{tee}: one bit beside it is refused", r)

# --- other forms ---------------------------------------------------------------------------------
for tee in ("tdx", "snp"):
    r = attest(tee, "--raw", "-o", f"{tee}.raw")
    raw = read(f"{tee}.raw")
    ok(r.code == 0 and (len(raw) == 1184 if tee == "snp" else raw[:2] == b"\4\0")
       and verify(tee, f"{tee}.raw").code == 0, f"{tee}: --raw is the vendor's bytes", r)
    r = attest(tee, "--coco", "-o", f"{tee}.json")
    members = set(json.loads(read(f"{tee}.json")))
    wanted = {"quote", "cc_eventlog"} if tee == "tdx" else {"attestation_report", "cert_chain"}
    ok(r.code == 0 and members == wanted
       and verify(tee, f"{tee}.json").code == 0, f"{tee}: --coco", members)
    ok(verify(tee, f"{tee}.json", nonce=OTHER_NONCE).code == 1, f"{tee}: --coco is judged by its nonce")

# --- registers: extended, told, replayed ----------------------------------------------------------
def text(r):
    """The rows of hex behind their labels."""
    found, label = {}, None
    for line in r.out.splitlines()[2:]:
        label = line[2:15].strip() or label
        found[label] = found.get(label, "") + line[15:].strip()
    return found


with open("data", "wb") as file:
    file.write(b"some data")
with open("agent", "wb") as file:
    file.write(b"example.org start container 1")
for reg in ("rtmr2", "rtmr3"):
    r = inside("tdx", ASSAY, "log", "extend", "--register", reg, "--type", "EV_IPL", "data")
    rows = text(r)
    before, digest, after = (bytes.fromhex(rows[key]) for key in ("before", "digest", "after"))
    ok(r.code == 0 and r.err == "" and fits(r.out) and digest == hashlib.sha384(b"some data").digest()
       and after == hashlib.sha384(before + digest).digest(), f"log extend {reg}", r)
    r = inside("tdx", ASSAY, "log", "extend", "--json", "--register", reg.upper(), "--type", "EV_IPL", "--digest", "ab" * 48)
    answer = json.loads(r.out)
    ok(r.code == 0 and answer["register"] == reg and answer["digest"] == "ab" * 48
       and answer["after"] == hashlib.sha384(bytes.fromhex(answer["before"]) + b"\xab" * 48).hexdigest(),
       f"log extend --digest {reg}", r)
for reg in ("rtmr0", "rtmr1"):
    r = inside("tdx", ASSAY, "log", "extend", "--register", reg, "--type", "EV_IPL", "data")
    ok(r.code == 2 and "only rtmr2 and rtmr3 are extended" in r.err, f"log extend {reg} is refused", r)
for length in (47, 49):
    r = inside("tdx", ASSAY, "log", "extend", "--register", "rtmr3", "--type", "EV_IPL", "--digest", "ab" * length)
    ok(r.code == 2 and f"the digest is {length} bytes, want 48" in r.err, f"a digest of {length} bytes", r)
for tee in ("snp", "sgx"):
    r = inside(tee, ASSAY, "log", "extend", "--register", "rtmr3", "--type", "EV_IPL", "data")
    ok(r.code == 3 and "or this is no TD" in r.err, f"{tee}: no register to extend, exit 3", r)
# In one machine: the log with the records fits the quote, and only with them.
LOG = "/sys/firmware/acpi/tables/data/CCEL"
r = inside("tdx", "sh", "-ec", f"""
{ASSAY} log show --json {LOG} > shown
{ASSAY} log extend --raw --register rtmr3 --type EV_IPL data > one
{ASSAY} log extend --raw --register rtmr3 --type AAEL - < agent > two
{ASSAY} attest --nonce {NONCE} -o extended.cbor
cat {LOG} > ccel
""")
ok(r.code == 0, "two events, then evidence", r)
used = json.loads(read("shown"))["used"]
log = read("ccel")[:used]
for name, records, code in (("both", read("one") + read("two"), 0), ("one alone", read("one"), 1),
                            ("none", b"", 1), ("the wrong way round", read("two") + read("one"), 1)):
    r = run("log", "replay", "--against", "extended.cbor", path("longer", log + records))
    ok(r.code == code and (code == 0 or "RTMR3        DIFFERS" in r.out), f"log replay with records: {name}", r)
r = run("log", "show", path("longer", log + read("one") + read("two")))
ok('AAEL: "example.org start container 1"' in r.out, "log show tells what they say", r)

# --- the QGS, by each kind of address ------------------------------------------------------------
serve = Serve("--platform", "tdx", "--only", "qgs", "--listen", f"qgs=unix:{FOLDER.name}/qgs",
              "--listen", "qgs=tcp:127.0.0.1:0").ready(2)
addresses = ["vsock:host:4050", "vsock:2:4050", *serve.addresses["qgs"]]
ok([a.split(":")[0] for a in addresses] == ["vsock", "vsock", "unix", "tcp"], "four addresses", addresses)
for address in addresses:
    r = attest("tdx", "--qgs", address, "--endorsements", "all", "-v", "-o", "qgs.cbor")
    ok(r.code == 0 and "; tdx-device, " in r.err and verify("tdx", "qgs.cbor", collateral=False).code == 0,
       f"--qgs {address.split(':')[0]}", r)
status, err = serve.stop()
ok(status == 0, "the service stops", err)
r = attest("tdx", "--provider", "tdx-device", "--qgs", addresses[3], "-o", "x")
port = addresses[3].split(":")[2]
ok(r.code == 4 and port in r.err and not os.path.exists("x"), "a QGS that is gone is named", r)
r = attest("tdx", "--qgs", addresses[3], "-v", "-o", "fallback.cbor")
ok(r.code == 0 and "; configfs-tsm, " in r.err and verify("tdx", "fallback.cbor").code == 0,
   "and configfs does instead", r)
other = Serve("--platform", "tdx-other", "--only", "qgs").ready(1)
r = attest("tdx", "--provider", "tdx-device", "--qgs", other["qgs"], "-o", "x")
ok(r.code == 4 and "tdx-device: " in r.err and not os.path.exists("x"),
   "another platform's QGS refuses this one's report", r)
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
done()
