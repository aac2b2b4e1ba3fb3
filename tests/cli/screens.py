# SPDX-License-Identifier: Apache-2.0
"""Verdicts over real captures: screens, JSON, and what the options do."""

import base64
import json
import os
import re
import shutil
import subprocess
import threading

from harness import ASSAY, FOLDER, done, fits, ok, path, run, vectors

DCAP, SEV = vectors("dcap"), vectors("sev")


def here(file, name):
    """A capture by a short name, so that screens are as people see them."""
    os.symlink(os.path.abspath(file), os.path.join(FOLDER.name, name))
    return name


QUOTE = here(f"{DCAP}/quotes/tdx4-emr-b0c06f-a.bin", "quote.bin")
COLLATERAL = here(f"{DCAP}/collateral/tdx-b0c06f-2025-06", "tdx-b0c06f-2025-06")
REPORT = here(f"{SEV}/snp/milan-v2-b/report.bin", "report.bin")
VCEK = here(f"{SEV}/snp/milan-v2-b/vcek.der", "vcek.der")
AT = "2025-07-04T10:16:31Z"
OPTIONS = ["--time", AT, "-c", COLLATERAL]
HEADER_LENGTH = 48 + 584  # of quote header and TD report body
with open(f"{DCAP}/quotes/tdx4-emr-b0c06f-a.bin", "rb") as f:
    REPORT_DATA = f.read()[HEADER_LENGTH - 64:HEADER_LENGTH].hex()
MRTD = run("verify", "--claims", *OPTIONS, QUOTE).json["measurement"]


def lines(r, *patterns):
    """True if the patterns match lines of the answer, in this order."""
    at = 0
    for line in r.out.splitlines():
        if at < len(patterns) and re.fullmatch(patterns[at], line):
            at += 1
    return at == len(patterns)


# --- the screens ---------------------------------------------------------------------------------
r = run("verify", *OPTIONS, QUOTE)
ok(r.code == 0 and r.err == "" and fits(r.out) and lines(
    r, r'ACCEPTED  Intel TDX: genuine, up to date, allowed by policy "default"',
    r"not checked: freshness \(give --nonce or --report-data\)", "",
    r"  file         quote.bin: quote v4, 4936 bytes",
    r"  TCB          UpToDate, level of 2024-03-13, no advisories", r"  debug        off",
    f"  MRTD         {MRTD[:64]}", f" {{15}}{MRTD[64:]}",
    f"  report data  {REPORT_DATA[:64]}", f" {{15}}{REPORT_DATA[64:]}",
    r"  platform     FMSPC b0c06f000000, module TDX_01 SVN 6",
    r"  trust        Intel SGX Root CA, built in",
    r"  as of        2025-07-04 10:16:31Z; first to expire: PCK CRL, in 14 days",
    r"  checks       \d+ pass, 0 fail, 0 warn, 1 skip; all of them: -v"),
   "accepted", r)

r = run("verify", "--time", "2026-11-20T09:30:00Z", "-c", VCEK, "--min-tcb", "snp=22,microcode=206", REPORT)
ok(r.code == 1 and r.err == "" and fits(r.out) and lines(
    r, r'REFUSED  AMD SEV-SNP: genuine, but policy "default" does not allow it',
    r"not checked: revocation \(bring the Milan CRL\), freshness \(give --nonce\)", "",
    r"  FAIL  snp\.tcb\.floor: .*", "", r"        part +reported   wanted   short by   running",
    r"        SNP firmware +8 +22 +14 +8", r"        microcode +115 +206 +91 +206", "",
    r"  TCB          OutOfDate", r"  measurement  [0-9a-f]{64}", r" {15}[0-9a-f]{32}",
    r"  trust        AMD ARK-Milan, built in",
    r"  as of        2026-11-20 09:30:00Z; first to expire: VCEK, in 1161 days",
    r"  checks       \d+ pass, 1 fail, 0 warn, 2 skip; all of them: -v; why: --explain"),
   "refused by the floor", r)

r = run("verify", "--time", AT, QUOTE)
ok(r.code == 3 and r.err == "" and fits(r.out) and lines(
    r, r"UNDETERMINED  Intel TDX: cannot tell without collateral for this platform", "",
    r"  missing      which", r"  root CRL     Intel SGX Root CA",
    r"  PCK CRL      Intel SGX PCK Platform CA", r"  TCB info     TDX, FMSPC b0c06f000000",
    r"  QE identity  TD QE", "", 
    r"  Where there is network:  assay collateral fetch -o b0c06f\.bundle quote\.bin",
    r"  Then, anywhere:          assay verify -c b0c06f\.bundle quote\.bin", "",
    r"  checks       \d+ pass, 0 fail, 0 warn, \d+ skip; all of them: -v"), "undetermined", r)

r = run("collateral", "show", "--time", AT, COLLATERAL)
ok(r.code == 0 and fits(r.out) and lines(
    r, r"good until 2025-07-19 10:00:35Z, 14 days; all signed under the built-in roots", "",
    r"  item          for                 since       until       days  note",
    r"  PCK CRL       PCK Platform CA     2025-06-19  2025-07-19    14  44 revoked",
    r"  TDX TCB info  FMSPC b0c06f000000  2025-06-19  2025-07-19    14  eval 17",
    r"  QE identity   TD QE               2025-06-19  2025-07-19    15  eval 17",
    r"  root CRL      Intel SGX Root CA   2025-03-20  2026-04-03   273  0 revoked",
    r"  certificate   TCB Signing         2025-05-06  2032-05-06  2497",
    r"  certificate   PCK Platform CA     2018-05-21  2033-05-21  2878"), "collateral show", r)

for args in ((*OPTIONS, "-v", QUOTE), (*OPTIONS, "--explain", "-v", "--nonce", "00" * 8, QUOTE),
             ("-c", VCEK, "--explain", "--min-tcb", "snp=22", REPORT), ("--explain", QUOTE),
             ("-v", "--time", "2031-01-01", "-c", COLLATERAL, QUOTE)):
    r = run("verify", *args)
    ok(fits(r.out) and r.err == "", f"fits a screen: {' '.join(args)[-60:]}", r)
r = run("verify", *OPTIONS, "-v", QUOTE)
rows = re.findall(r"^  (pass|FAIL|warn|skip)  (\S+):", r.out, re.M)
ok(len(rows) == len(run("verify", "--json", *OPTIONS, QUOTE).json["checks"]), "-v lists every check")
r = run("verify", "-c", VCEK, "--explain", "--min-tcb", "snp=22", REPORT)
ok(all(word in r.out for word in ("stops: ", "source: ")), "--explain tells what a check stops", r)
r = run("verify", *OPTIONS, "--color=always", QUOTE)
ok(r.out.startswith("\x1b[1;32mACCEPTED\x1b[0m  Intel TDX"), "colour", r)

# --- JSON ----------------------------------------------------------------------------------------
SCHEMA = {"verdict": str, "tee": (str, type(None)), "genuine": (bool, type(None)), "policy": list,
          "time": str, "tcb": dict, "debug": (bool, type(None)), "trust": (str, type(None)),
          "checks": list, "missing": list, "claims": dict}
for name, args in (("accepted", (*OPTIONS, QUOTE)), ("undetermined", (QUOTE,)),
                   ("refused", (*OPTIONS, "--nonce", "00" * 8, QUOTE)),
                   ("refused", (path("garbage", b"garbage"),)),
                   ("refused", ("-c", VCEK, "--min-tcb", "snp=22", REPORT))):
    r = run("verify", "--json", *args)
    answer = r.json
    good = r.out.count("\n") == 1 and answer["verdict"] == name and list(answer) == list(SCHEMA)
    good = good and all(isinstance(answer[k], t) for k, t in SCHEMA.items())
    good = good and set(answer["tcb"]) == {"status", "date", "advisories", "short"}
    for row in answer["checks"]:
        good = good and set(row) - {"fix"} == {"id", "outcome", "detail"}
        good = good and row["outcome"] in ("pass", "fail", "warning", "skipped")
    good = good and all(set(row) == {"what", "which"} for row in answer["missing"])
    good = good and all(set(row) == {"part", "got", "want", "by", "running"}
                        for row in answer["tcb"]["short"])
    ok(good and r.code == {"accepted": 0, "refused": 1, "undetermined": 3}[name],
       f"JSON of {name}", r)
r = run("verify", "--claims", *OPTIONS, QUOTE)
ok(r.code == 0 and r.json == run("verify", "--json", *OPTIONS, QUOTE).json["claims"]
   and r.json["tee"] == "tdx", "--claims", r)
r = run("collateral", "show", "--json", "--time", AT, COLLATERAL)
ok(r.json["until"] == "2025-07-19T10:00:35Z" and len(r.json["items"]) >= 6
   and all(set(i) == {"kind", "for", "since", "until", "note", "file", "genuine"}
           for i in r.json["items"]), "JSON of collateral show", r)

# --- what is asked -------------------------------------------------------------------------------
for args, code, check in (
        (["--report-data", REPORT_DATA], 0, None),
        (["--report_data", REPORT_DATA.upper()], 0, None),
        (["--nonce", REPORT_DATA], 0, None),
        (["--nonce", "0x" + ":".join(re.findall("..", REPORT_DATA))], 0, None),
        (["--nonce", "@" + path("nonce", bytes.fromhex(REPORT_DATA))], 0, None),
        (["--nonce", REPORT_DATA[:64]], 1, "evidence.report_data"),
        (["--report-data", REPORT_DATA[:-1] + f"{int(REPORT_DATA[-1], 16) ^ 1:x}"], 1, "evidence.report_data"),
        (["--report-data", "00"], 1, "evidence.report_data"),
        (["--expect", "tee=tdx", "--expect", "debug=false"], 0, None),
        (["--expect", "tee=sgx"], 1, "expect.tee"),
        (["--expect", "debug=true"], 1, "expect.debug"),
        (["--expect", "vmpl=0"], 1, "expect.vmpl"),
        (["--mr_td", MRTD], 0, None),
        (["--measurement=" + MRTD[:-1] + f"{int(MRTD[-1], 16) ^ 1:x}"], 1, "expect.measurement"),
        (["-p", "genuine", "-p", "default"], 0, None),
        (["--platforms", path("deny", b"# none\ndeny chip-id " + b"00" * 64 + b"\n")], 0, None),
        (["--platforms", path("allow", b"allow ppid " + b"00" * 16 + b"\n")], 1, "platform.listed")):
    r = run("verify", "--json", *OPTIONS, *args, QUOTE)
    ok(r.code == code and (check is None or check in r.failed()),
       f"{' '.join(args)[:50]}: exit {code}", r)
r = run("verify", *OPTIONS, "--expect", "tee=sgx", QUOTE)
ok(r.out.startswith("REFUSED  Intel TDX: genuine, but not what was asked for\n"), "not what was asked", r)
r = run("verify", *OPTIONS, "--expect", "measurement=zz", QUOTE)
ok(r.code == 2 and r.out == "", "a value that is not of the claim's type", r)
r = run("verify", *OPTIONS, "--platforms", path("bad", b"permit x\n"), QUOTE)
ok(r.code == 2 and "--platforms" in r.err, "a list that is none", r)
for value, code in (("0x730800000000000003"[:18], 0), ("0x1600000000000003", 0), ("8286623314361712643", None)):
    r = run("verify", "--json", "-c", VCEK, "--minimum_tcb", value, REPORT)
    ok(r.code in (0, 1) and r.err == "", f"--minimum_tcb {value}", r)
r = run("verify", "--json", "-c", VCEK, "--min-tcb", path("floor", b"snp=22\nmicrocode=206\n"), REPORT)
ok(r.code == 1 and len(r.json["tcb"]["short"]) == 2, "--min-tcb FILE", r)

# --- time ----------------------------------------------------------------------------------------
for time, code in (("2025-06-19T10:32:26Z", 1), ("2025-06-19T10:32:27Z", 0),
                   ("2025-07-19T10:00:35Z", 0), ("2025-07-19T10:00:36Z", 1),
                   ("2025-07-04", 0), ("2025-07-04T12:16:31+02:00", 0), ("now", 1)):
    r = run("verify", "--json", "--time", time, "-c", COLLATERAL, QUOTE)
    ok(r.code == code and (code == 0 or r.failed()[0].endswith(".dates")), f"as of {time}: {code}", r)
r = run("verify", "--time", "2025-08-01", "-c", COLLATERAL, QUOTE)
ok(r.out.startswith("REFUSED  Intel TDX: not proven genuine: what it rests on is out of"), "out of date", r)
for within, code in (("14d", 0), ("15d", 1), ("0s", 0), ("359h", 0), ("360h", 1)):
    r = run("collateral", "show", "-q", "--time", AT, "--within", within, COLLATERAL)
    ok(r.code == code and r.out == "", f"collateral show --within {within}: {code}", r)
r = run("collateral", "show", "--time", "2025-07-20", COLLATERAL)
ok(r.code == 1 and r.out.startswith("ENDED 2025-07-19 10:00:35Z, 13 hours ago"), "ended", r)

# --- collateral of others, damaged, in other shapes ----------------------------------------------
other = f"{DCAP}/collateral/tdx-90c06f-2026-02"
r = run("verify", "--json", "--time", AT, "-c", other, QUOTE)
ok(r.code in (1, 3) and {"what": "TCB info", "which": "TDX, FMSPC b0c06f000000"} in r.json["missing"],
   "collateral of another platform", r)
copy = os.path.join(FOLDER.name, "copy")
shutil.copytree(os.path.join(FOLDER.name, COLLATERAL), copy)
for name in sorted(os.listdir(copy)):
    with open(f"{copy}/{name}", "rb") as f:
        whole = f.read()
    os.unlink(f"{copy}/{name}")
    r = run("verify", "--time", AT, "-c", copy, QUOTE)
    ok(r.code in (0, 3), f"without {name}: nothing is wrong", r)
    at = len(whole) // 2
    with open(f"{copy}/{name}", "wb") as f:
        f.write(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1:])
    r = run("verify", "--time", AT, "-c", copy, QUOTE)
    if not name.endswith("_chain.pem"):  # the same certificate stands in the other chain
        ok(r.code in (1, 2, 3), f"a bit of {name}: not accepted", r)
    with open(f"{copy}/{name}", "wb") as f:
        f.write(whole)
ok(run("verify", "--time", AT, "-c", copy, QUOTE).code == 0, "whole again")
files = [x for name in sorted(os.listdir(copy)) for x in ("-c", f"{copy}/{name}")]
ok(run("verify", "--time", AT, *files, QUOTE).code == 0, "file by file")
ok(run("verify", "--time", AT, QUOTE, env={"ASSAY_COLLATERAL": ":".join(files[1::2])}).code == 0,
   "ASSAY_COLLATERAL, a list")
path("xdg/assay/assay.conf", f"collateral = {copy}\n".encode())
ok(run("verify", "--time", AT, QUOTE, env={"XDG_CONFIG_HOME": f"{FOLDER.name}/xdg"}).code == 0,
   "assay.conf")
r = run("verify", "--time", AT, "-c", f"{DCAP}/containers/dcap-qvl-tdx_quote_collateral.json", QUOTE)
ok(r.code == 0, "as dcap-qvl stores it", r)
with open(os.path.join(FOLDER.name, QUOTE), "rb") as f:
    quote = f.read()
ok(run("verify", *OPTIONS, "-", stdin=quote).code == 0, "from standard input")
ok(run("verify", *OPTIONS, path("hex", quote.hex().encode())).code == 0, "as hex")
ok(run("verify", *OPTIONS, path("b64", base64.encodebytes(quote))).code == 0, "as base64")
# The last one lies in the root certificate, whose key is pinned and whose dates count.
for at in (0, 2, 4, 12, 48, 48 + 136, HEADER_LENGTH - 1, HEADER_LENGTH + 20, len(quote) - 100):
    changed = bytearray(quote)
    changed[at] ^= 1
    r = run("verify", *OPTIONS, path("bit", bytes(changed)))
    ok(r.code in (1, 3) and "ACCEPTED" not in r.out, f"a bit of the quote, at {at}", r)

# --- bundles -------------------------------------------------------------------------------------
bundle, again = f"{FOLDER.name}/bundle", f"{FOLDER.name}/again"
r = run("collateral", "pack", COLLATERAL, "-o", bundle)
ok(r.code == 0 and fits(r.out) and r.out.count("kept ") >= 6, "pack", r)
run("collateral", "pack", bundle, "-o", again)
with open(bundle, "rb") as a, open(again, "rb") as b:
    ok(a.read() == b.read(), "a bundle of a bundle is the same")
ok(run("verify", "--time", AT, "-c", bundle, QUOTE).code == 0, "a bundle serves")
ok(run("collateral", "pack", bundle, "-o", "-").out == open(bundle, encoding="ascii").read(),
   "pack to standard output")
with open(bundle, encoding="ascii") as f:
    ok(all(len(line) <= 64 or line.startswith("#") for line in f.read().splitlines()), "64 columns")
r = run("collateral", "pack", COLLATERAL, f"{DCAP}/collateral/tdx-90c06f-2026-02", COLLATERAL, "-o", again)
with open(again, encoding="ascii") as f:
    ok(f.read().count("-----BEGIN ") == len(re.findall("^kept ", r.out, re.M)), "and left out", r)
ok(r.code == 0 and "replaced" in r.out and re.search(r"^replaced +PCK CRL: .*2025-06/", r.out, re.M),
   "what is older is replaced", r)

# --- roots of one's own --------------------------------------------------------------------------
preprod = here(f"{DCAP}/quotes/tdx5-preprod-root.bin", "preprod.bin")
root = here(f"{DCAP}/roots/intel-preproduction-root-ca.der", "root.der")
r = run("verify", "--time", "2025-07-04", "--trust-root", root, preprod)
ok(r.code == 3 and fits(r.out) and re.match(r"UNDETERMINED  under your --trust-root ", r.out)
   and "which is not Intel's" in " ".join(r.out.split()), "the first line says so", r)
r = run("verify", "--json", "--time", "2025-07-04", "--trust-root", root, preprod)
ok(r.json["trust"] == root and r.json["claims"]["trust"]["builtin"] is False, "and so does JSON", r)
r = run("verify", *OPTIONS, "--trust-root", root, QUOTE)
ok(r.code == 0 and r.out.startswith("ACCEPTED  Intel TDX"), "Intel's own are not touched by it", r)
r = run("verify", "--time", "2025-07-04", preprod)
ok(r.code == 1 and "dcap.root.pinned" in r.out, "without it, refused", r)

# --- inspect -------------------------------------------------------------------------------------
for base in (f"{DCAP}/quotes", COLLATERAL, f"{SEV}/snp/milan-v2-b", f"{SEV}/legacy/naples",
             f"{SEV}/snp/genoa-v3-tsm", f"{SEV}/crl", f"{SEV}/roots/x509"):
    r = run("inspect", base)
    ok(r.code == 0 and fits(r.out) and r.err == "" and "; nothing here is proven" in
       " ".join(r.out.split()), f"inspect {base[-20:]}", r)
    r = run("inspect", "--json", base)
    good = r.code == 0
    for line in r.out.splitlines():
        one = json.loads(line, object_pairs_hook=lambda pairs: pairs)
        names = [name for name, _ in one]
        good = good and names == ["file", "kind", "groups"] and one[2][1]
        for _, group in one[2][1]:
            good = good and len(dict(group)) == len(group) and all(isinstance(v, str) for _, v in group)
    ok(good, f"JSON of inspect {base[-20:]}: no name twice, all text", r)

# --- memory --------------------------------------------------------------------------------------
# The answer goes into a pipe that nobody reads yet: by then all the work is done.
pipe = f"{FOLDER.name}/pipe"
os.mkfifo(pipe)
if not os.environ.get("ASAN_OPTIONS") and os.path.exists("/proc/self/status"):
    process = subprocess.Popen([ASSAY, "verify", *OPTIONS, "-o", pipe, QUOTE], cwd=FOLDER.name)
    peak = 0
    for _ in range(100):
        with open(f"/proc/{process.pid}/status", encoding="ascii") as f:
            peak = int((re.search(r"VmHWM:\s+(\d+)", f.read()) or [0, 0])[1])
        threading.Event().wait(0.01)
    with open(pipe, "rb") as f:
        accepted = f.read().startswith(b"ACCEPTED")
    ok(process.wait() == 0 and accepted, "into a pipe")
    ok(0 < peak <= 12 * 1024, "peak memory is at most 12 MiB", f"{peak} KiB")

done()
