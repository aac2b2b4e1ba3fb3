# SPDX-License-Identifier: Apache-2.0
"""Policies: the commands, and every example of docs/policy.md over simulated and real evidence."""

import json
import os
import pty
import re
import subprocess
import sys

from harness import ASSAY, FOLDER, ROOT, done, fits, ok, path, run, vectors

SIM = os.path.abspath(sys.argv[2])


def platform(name, tee, *args):
    subprocess.run([SIM, "new", "--seed", "5", "--tee", tee, *args, name], cwd=FOLDER.name, check=True,
                   stdout=subprocess.DEVNULL)
    return name


def options(name):
    floor = os.path.join(FOLDER.name, name, "min-tcb")
    return ["--trust-root", f"{name}/trust-root", "-c", f"{name}/collateral",
            *(["--min-tcb", f"{name}/min-tcb"] if os.path.exists(floor) else [])]


def claims(name):
    return run("verify", "--claims", *options(name), name).json


for tee in ("sgx", "tdx", "snp", "sev", "sev-es"):
    platform(tee, tee)
platform("tdx-debug", "tdx", "--debug")
platform("tdx-soft", "tdx", "--tcb", "SWHardeningNeeded")
platform("tdx-old", "tdx", "--tcb", "OutOfDate")
platform("snp-vlek", "snp", "--vlek")
platform("snp-masked", "snp", "--mask-chip-id")
platform("snp-debug", "snp", "--debug")

# --- the examples of the page ----------------------------------------------------------------------
with open(os.path.join(ROOT, "docs/policy.md"), encoding="utf-8") as f:
    page = f.read()
EXAMPLES = dict(re.findall(r"^### (\d+)\. .*?^```policy\n(.*?)^```", page, re.M | re.S))
ok(len(EXAMPLES) == 13, "thirteen examples", sorted(EXAMPLES))

td, snp, sgx = claims("tdx"), claims("snp"), claims("sgx")
ZERO = "00" * 48


def references(name, tee=None, **sets):
    values = [{"name": k.replace("__", "/"), "claim": c, "any_of": v} for k, (c, v) in sets.items()]
    return path(name, json.dumps({"reference_values": 1, "values": values,
                                  **({"tee": tee} if tee else {})}).encode())


WEB_TDX = references("web-tdx.json", "tdx", web__mrtd=("measurement", [ZERO, td["measurement"]]),
                     web__rtmr1=("tdx.rtmr[1]", [td["tdx"]["rtmr"][1]]),
                     web__rtmr2=("tdx.rtmr[2]", [td["tdx"]["rtmr"][2]]))
OTHER_TDX = references("other-tdx.json", "tdx", web__mrtd=("measurement", [ZERO]),
                       web__rtmr1=("tdx.rtmr[1]", [td["tdx"]["rtmr"][1]]),
                       web__rtmr2=("tdx.rtmr[2]", [td["tdx"]["rtmr"][2]]))
WEB_SNP = references("web-snp.json", "snp", web__launch=("measurement", [snp["measurement"]]))
OTHER_SNP = references("other-snp.json", "snp", web__launch=("measurement", [ZERO]))
REVOKED = references("revoked.json", None, revoked__chips=("platform_id", [snp["platform_id"]]))
NONE = references("none.json", None, revoked__chips=("platform_id", []))

# example, evidence, reference values, exit code, what the row that decides says
CASES = [
    (1, "tdx", None, 0, "pass  policy.debug: ex1.policy:3: debug is false"),
    (1, "snp", None, 0, "debug is false"),
    (1, "sev-es", None, 0, "debug is false"),
    (1, "snp-debug", None, 1, "FAIL  policy.debug: ex1.policy:3: debug is true; want debug == false"),
    (2, "tdx", None, 0, "tcb.status is UpToDate"),
    (2, "tdx-soft", None, 0, "tcb.status is SWHardeningNeeded"),
    (2, "tdx-old", None, 1, "tcb.status is OutOfDate; want tcb.status in UpToDate, SWHardeningNeeded"),
    (2, "snp", None, 1, 'policy.tee: the policy "ex2.policy" has no section for snp'),
    (3, "tdx", WEB_TDX, 0, "policy.tdx.rtmr[2]: ex3.policy:7: tdx.rtmr[2] is"),
    (3, "tdx", OTHER_TDX, 1, "FAIL  policy.measurement: ex3.policy:5: measurement is"),
    (4, "snp", WEB_SNP, 0, "snp.vmpl is 0"),
    (4, "snp", OTHER_SNP, 1, "FAIL  policy.measurement: ex4.policy:3"),
    (4, "snp-debug", WEB_SNP, 1, "FAIL  policy.debug: ex4.policy:4: debug is true"),
    (5, "snp", None, 0, "snp.reported_tcb.microcode is"),
    (6, "sgx", None, 1, "FAIL  policy.signer: ex6.policy:3: signer is"),
    (7, "snp", NONE, 0, "platform_id is"),
    (7, "snp", REVOKED, 1, "want platform_id not in @revoked/chips"),
    (7, "snp-masked", NONE, 1, "the evidence does not make the claim platform_id"),
    (8, "tdx", None, 0, "tcb.advisories is"),
    (8, "tdx-old", None, 1, "FAIL  policy.tcb.status: ex8.policy:3"),
    (9, "snp", None, 0, "snp.chip_id_masked is false"),
    (9, "snp-vlek", None, 0, "policy.snp.chip_id_masked"),
    (9, "snp-masked", None, 1, "snp.chip_id_masked is true, snp.certificate is VCEK; want"),
    (10, "tdx", None, 0, "tdx.service_td is false"),
    (10, "sgx", None, 0, "tcb.status is UpToDate"),
    (10, "snp", None, 0, "snp.vmpl is 0"),
    (10, "sev", None, 1, "no section for sev"),
    (11, "tdx", None, 0, "warn  policy.collateral.days_left: ex11.policy:3: collateral.days_left is"),
    (12, "sev-es", None, 0, "warn  policy.binding: ex12.policy:5: the report is of some guest of this "
                            "digest (binding: none): the host chooses which"),
    (12, "sev", None, 1, "no section for sev"),
    (13, "sev", None, 1, "FAIL  policy.binding: ex13.policy:3: binding is none; want binding == weak"),
    (13, "sev-es", None, 1, "FAIL  sev.launch.signer"),
    (13, "snp", None, 1, "no section for snp"),
]
for number, text in EXAMPLES.items():
    path(f"ex{number}.policy", text.encode())
for number, name, refs, code, words in CASES:
    file = f"ex{number}.policy"
    refs = ["--reference", refs] if refs else []
    r = run("policy", "test", *options(name), *refs, file, name)
    flat = re.sub(r"\s+", " ", r.out)
    ok(r.code == code and re.sub(r"\s+", " ", words) in flat and fits(r.out), f"example {number}: {name}: {code}", r)
    v = run("verify", "--json", *options(name), *refs, "-p", file, name)
    rows = [row for row in v.json["checks"] if row["id"].startswith(("policy.", "sev.launch.signer"))]
    test = run("policy", "test", "--json", *options(name), *refs, file, name)
    ok(v.code == code and v.json["genuine"] is True and v.json["policy"] == [file]
       and [{k: row[k] for k in ("id", "outcome", "detail")} for row in rows] == test.json["rules"]
       and test.code == code and test.json["verdict"] == v.json["verdict"],
       f"example {number}: {name}: verify says the same", v)
ok({c[0] for c in CASES} == set(range(1, 14)), "each example is judged")

# The enclave of example 6, with its own signer.
own = EXAMPLES["6"].replace(re.search("signer == (\\w+)", EXAMPLES["6"])[1], sgx["signer"])
own = own.replace("product_id == 7", f"product_id == {sgx['product_id']}").replace(">= 3", f">= {sgx['svn']}")
path("own.policy", own.encode())
r = run("policy", "test", *options("sgx"), "own.policy", "sgx")
ok(r.code == 0 and r.out.startswith("ACCEPTED"), "example 6, with the signer that it is", r)

# Whatever evidence claims, a rule can say: no length and no word is refused that is real.
def flat(claims, prefix=""):
    for name, value in claims.items():
        if isinstance(value, dict):
            yield from flat(value, f"{prefix}{name}.")
        for i, v in enumerate(value if isinstance(value, list) else []):
            yield f"{prefix}{name}[{i}]", v
        if isinstance(value, str):
            yield prefix + name, value


platform("turin", "snp", "--product", "Turin")
platform("naples", "sev-es", "--product", "Naples")
for name in ("tdx", "sgx", "snp", "snp-vlek", "turin", "sev", "sev-es", "naples"):
    said = claims(name)
    rules = [f'  require sourced {n} == "{v}"\n' for n, v in flat(said) if not n.startswith("tcb.advisories")]
    path("all.policy", f"for {said['tee']}\n{''.join(rules)}".encode())
    r = run("policy", "test", *options(name), "all.policy", name)
    ok(r.code == 0 and len(rules) > 5, f"{name}: every text and every bytes", r)
# The ids of Turin chips, as their certificates have them.
CHIP = "59790fb1c39f35c1"
chip = claims("turin")["platform_id"][:16]
stolen = references("stolen.json", None, revoked__chips=("platform_id", [CHIP, chip]))
for refs, code in ((NONE, 0), (stolen, 1)):
    r = run("policy", "test", *options("turin"), "--reference", refs, "ex7.policy", "turin")
    ok(r.code == code and "platform_id is" in r.out, f"Turin's 8 bytes: {code}", r)

# --- list, show, check ---------------------------------------------------------------------------------
r = run("policy", "list")
ok(r.code == 0 and re.search(r"^default  ", r.out, re.M) and re.search(r"^genuine  ", r.out, re.M), "list", r)
r = run("policy", "list", "--json")
ok({p["name"]: p["rules"] for p in r.json["policies"]}["genuine"] == 0, "list --json", r)
for name in ("default", "genuine"):
    r = run("policy", "show", name)
    with open(os.path.join(ROOT, f"src/policy/{name}.policy"), encoding="utf-8") as f:
        ok(r.code == 0 and r.out == f.read(), f"show {name} is the file", r)
r = run("policy", "show", "defualt")
ok(r.code == 2 and "did you mean default?" in r.err, "show of a wrong name", r)
server = {"ASSAY_URL": "https://192.0.2.1"}
r = run("policy", "show", "web", env=server)
ok(r.code == 2 and '"web" is not built in (assay policy list); of a server\'s give --url URL' in r.err,
   "show does not go by ASSAY_URL, and says so", r)
r = run("policy", "list", env=server)
ok(r.code == 0 and r.err == "" and "--url" not in r.out, "nor does list; a script gets the list alone", r)
for env, words in ((server, 'These are built in; a server\'s: --url "$ASSAY_URL"'), ({}, "")):
    main, side = pty.openpty()
    subprocess.run([ASSAY, "policy", "list"], stdout=side, stderr=side, check=True, env={**os.environ, "ASSAY_URL": "", **env})
    os.write(side, b"END")
    seen = b""
    while not seen.endswith(b"END"):
        seen += os.read(main, 65536)
    os.close(main)
    os.close(side)
    ok((b"These are built in" in seen) == bool(words) and words.encode() in seen, f"list on a terminal: {words}", seen)
run("policy", "show", "-o", "copy.policy", "default")
for name in ("sgx", "tdx", "snp", "sev-es", "tdx-debug", "tdx-old", "snp-masked"):
    a = run("verify", "--json", *options(name), name)
    b = run("verify", "--json", *options(name), "-p", "copy.policy", name)
    ok(a.code == b.code and a.json["checks"] == b.json["checks"], f"{name}: a copy of default is default", b)
    c = run("verify", "--json", *options(name), "-p", "copy.policy", "-p", "default", name)
    ok(c.json["checks"] == a.json["checks"], f"{name}: what is said twice is said once", c)
# The floor of the command line binds under every policy, and default does not repeat it.
for floor, outcome in (("snp=1", "pass"), ("snp=255", "fail")):
    for policy in ("default", "copy.policy", "genuine", "ex1.policy"):
        r = run("verify", "--json", "--trust-root", "snp/trust-root", "-c", "snp/collateral", "--min-tcb", floor,
                "-p", policy, "snp")
        rows = [c["outcome"] for c in r.json["checks"] if c["id"] == "snp.tcb.floor"]
        ok(rows == [outcome] and r.code == (outcome == "fail"), f"--min-tcb {floor}, {policy}: {outcome}, once", r)
r = run("policy", "check", "copy.policy", "ex1.policy", "genuine")
ok(r.code == 0 and r.out == "copy.policy: ok, 14 rules\nex1.policy: ok, 1 rule\ngenuine: ok, 0 rules\n", "check", r)
path("default", b"for snp\n  require hardware tcb.status in UpToDate, OutOfDate\n")
r = run("policy", "check", "default")
ok(r.code == 0 and r.out == "default: ok, 1 rule\n", "check of a file that has a built-in policy's name", r)
r = run("verify", "--trust-root", "snp/trust-root", "-c", "snp/collateral", "-p", "default", "snp")
ok('allowed by policy "default"' in r.out and "-p default is the one that is built in; the file is ./default" in r.err,
   "-p by that name is not the file", r)
os.unlink(os.path.join(FOLDER.name, "default"))
# What stands in for a server's default that cannot be read, as server/view.c has it, lets nothing pass.
with open(os.path.join(os.environ["ASSAY_SOURCE_ROOT"], "server/view.c")) as f:
    none = re.search(r"view_no_default\[\] =((?:\s+\".*\")+);", f.read())[1]
path("none.policy", "".join(json.loads(line) for line in none.split("\n")).encode())
for name in ("sgx", "tdx", "snp", "sev", "sev-es", "snp-debug", "tdx-debug"):
    r = run("policy", "test", *options(name), "none.policy", name)
    ok(r.code == 1, f"the policy of a default that cannot be read: {name}", r)
path("wrong.policy", b"for tdx\n  require hardware tcb.staus == UpToDate\n")
r = run("policy", "check", "ex1.policy", "wrong.policy", "ex1.policy")
ok(r.code == 2 and r.out.count(": ok") == 2 and 'wrong.policy:2:20: there is no claim "tcb.staus"; the nearest is '
   '"tcb.status"' in r.err, "check of a wrong one goes on", r)
r = run("policy", "check", "ex3.policy")
ok(r.code == 2 and 'there is no set of reference values "web/mrtd"' in r.err and "assay reference push" in r.err,
   "check without the values", r)
r = run("policy", "check", "--reference", WEB_TDX, "ex3.policy")
ok(r.code == 0, "check with the values", r)
path("word.policy", b"for sev-es\n  require instance binding != None\n")
r = run("policy", "check", "word.policy")
ok(r.code == 2 and 'word.policy:2:31: binding is never "None"; the nearest is "none"' in r.err, "check of a word", r)
path("chip.policy", f"for tdx\n  require instance platform_id not in {CHIP}\n".encode())
r = run("policy", "check", "chip.policy")
ok(r.code == 2 and "chip.policy:2:39: platform_id: these are 8 bytes, it has 16" in r.err, "check of a length", r)
SHORT = references("short.json", None, revoked__chips=("platform_id", [CHIP, CHIP[2:]]))
r = run("policy", "check", "--reference", SHORT, "ex7.policy")
ok(r.code == 2 and 'ex7.policy:3:45: value 2 of the set "revoked/chips": platform_id: these are 7 bytes, it has 8 or 64'
   in r.err, "check of the lengths of a set", r)
r = run("policy", "check", "gone.policy")
ok(r.code == 4 and "gone.policy: No such file" in r.err, "check of no file", r)
r = run("policy", "check", "-", stdin=b"for any")
ok(r.code == 0 and r.out == "-: ok, 0 rules\n", "check of standard input", r)

# --- wrong on the command line of verify -----------------------------------------------------------------
for args, code, words in (
        (["-p", "wrong.policy"], 2, "wrong.policy:2:20"),
        (["-p", "gone.policy"], 2, "is not built in (default, genuine are), and no file"),
        (["-p", "ex3.policy"], 2, '"web/mrtd"'),
        (["-p", "ex4.policy", "--reference", WEB_TDX], 2, '"web/launch"'),
        (["-p", "ex1.policy", "--reference", "wrong.policy"], 2, "--reference: wrong.policy: line 1"),
        (["-p", "ex1.policy", "--reference", path("v2.json", b'{"reference_values":2}')], 2, "version 2"),
        (["-p", "ex1.policy", "--reference", WEB_TDX, "--reference", OTHER_TDX], 2, "is there twice"),
        (["-p", "ex1.policy", "--reference", "gone.json"], 4, "gone.json: No such file")):
    r = run("verify", *options("tdx"), *args, "tdx")
    ok(r.code == code and words in r.err and r.out == "", f"verify {' '.join(args)[:50]}: {words}", r)
r = run("verify", *options("tdx"), "-p", "ex1.policy", "-p", "default", "tdx")
ok(r.code == 0 and 'ex1.policy' in r.out, "two policies, both accept", r)
r = run("verify", *options("tdx-old"), "-p", "ex1.policy", "-p", "default", "tdx-old")
ok(r.code == 1 and "dcap.tcb.status" in r.out, "two policies, one refuses", r)

# --- test --------------------------------------------------------------------------------------------------
r = run("policy", "test", *options("tdx"), "ex1.policy", "tdx", "tdx-debug", "sgx")
ok(r.code == 1 and r.out.count("ACCEPTED") == 1 and r.out.count("REFUSED") == 2, "several: one no is no", r)
r = run("policy", "test", "--json", *options("tdx"), "ex1.policy", "tdx", "tdx-debug")
ok(len(r.out.splitlines()) == 2, "several as JSON: a line each", r)
r = run("policy", "test", "--trust-root", "tdx/trust-root", "default", "tdx/evidence.bin")
ok(r.code == 3 and r.out.startswith("UNDETERMINED") and "cannot be told without the collateral" in r.out,
   "without collateral", r)
r = run("policy", "test", "-c", "tdx/collateral", "default", "tdx/evidence.bin")
ok(r.code == 1 and "FAIL         dcap.root.pinned: " in r.out and r.out.count("Refuse this evidence.") == 1 and
   "--trust-root" in r.out.split("Refuse this evidence.")[1] and fits(r.out), "a root that is not trusted: what to do", r)
r = run("policy", "test", "ex1.policy", "tdx/collateral/tcb_info.json")
ok(r.code in (1, 4) and r.out == "", "no evidence", r)
r = run("policy", "test", "ex1.policy")
ok(r.code == 2 and "operand" in r.err, "nothing to test", r)
r = run("policy", "test", "--mutate", *options("tdx"), "default", "tdx")
listed = set(re.findall(r"^  (\S+) +(?:removed|other|lower|higher)", r.out, re.M))
ok(r.code == 0 and fits(r.out) and "measurement" in listed and not listed & {
    "debug", "tcb.status", "tdx.xfam", "tdx.service_td"}, "--mutate", r)
r = run("policy", "test", "--mutate", "--json", *options("tdx"), "default", "tdx")
changes = {m["claim"]: m for m in r.json["mutations"]}
ok(changes["debug"] == {"claim": "debug", "removed": "refused", "other": "refused"}
   and changes["tcb.status"]["removed"] == "undetermined"
   and changes["measurement"] == {"claim": "measurement", "removed": "accepted", "other": "accepted"}
   and changes["tdx.xfam"]["lower"] == "refused" and "lower" not in changes["tdx.mr_td"], "--mutate --json", r)
r = run("policy", "test", "--mutate", *options("tdx-debug"), "default", "tdx-debug")
ok(r.code == 1 and "It does not accept the evidence as it is." in r.out, "--mutate of what is refused", r)

# --- explain ---------------------------------------------------------------------------------------------------
r = run("explain", "policy.tdx.rtmr[2]")
ok(r.code == 0 and r.out.startswith("policy.rule\n"), "explain of a rule", r)
ok(run("explain", "policy.debug").out.startswith("policy.debug\n"), "explain of a check that rules take")

# --- real evidence -------------------------------------------------------------------------------------------------
DCAP, SEV = vectors("dcap"), vectors("sev")
QUOTE = f"{DCAP}/quotes/tdx4-emr-b0c06f-a.bin"
REAL = ["--time", "2025-07-04T10:16:31Z", "-c", f"{DCAP}/collateral/tdx-b0c06f-2025-06"]
REPORT = [f"{SEV}/snp/milan-v2-b/report.bin", "-c", f"{SEV}/snp/milan-v2-b/vcek.der"]
for number, args, code, words in ((2, [*REAL, QUOTE], 0, "tcb.status is UpToDate"),
                                  (8, [*REAL, QUOTE], 0, "tcb.advisories is empty"),
                                  (11, [*REAL, QUOTE], 0, "collateral.days_left is 14"),
                                  (5, REPORT, 1, "snp.reported_tcb.snp is 8; want snp.reported_tcb.snp >= 20"),
                                  (10, [*REAL, QUOTE], 0, "tdx.service_td is false")):
    r = run("policy", "test", f"ex{number}.policy", *args)
    ok(r.code == code and words in re.sub(r"\s+", " ", r.out), f"example {number} over a capture: {words}", r)
done()
