# SPDX-License-Identifier: Apache-2.0
"""Event logs: real ones against their published registers and quotes, and forged ones."""

import base64
import hashlib
import json
import os
import re
import shutil
import struct
import subprocess
import sys

from harness import FOLDER, done, fits, ok, path, run, vectors

SHA384 = 0xC
SIM = os.path.abspath(sys.argv[2])


def record(reg, kind, data, digest=None):
    digest = digest or hashlib.sha384(data).digest()
    return struct.pack("<IIIH", reg, kind, 1, SHA384) + digest + struct.pack("<I", len(data)) + data


def log(*records, header=1):
    event = (b"Spec ID Event03\0" + struct.pack("<IBBBBI", 0, 0, 2, 0, 2, 1)
             + struct.pack("<HH", SHA384, 48) + b"\0")
    return struct.pack("<II", header, 3) + bytes(20) + struct.pack("<I", len(event)) + event + b"".join(records)


def chain(*texts):
    value = bytes(48)
    for text in texts:
        value = hashlib.sha384(value + hashlib.sha384(text).digest()).digest()
    return value.hex()


def lines(r, *patterns):
    at = 0
    for line in r.out.splitlines():
        if at < len(patterns) and re.fullmatch(patterns[at], line):
            at += 1
    return at == len(patterns)


# --- logs made here ------------------------------------------------------------------------------
EVENTS = (record(1, 5, b"one"), record(1, 0xD, b"two \"quoted\"\x1b[2J"), record(2, 4, bytes(4)),
          record(1, 5, b"three"))
good = path("ccel", log(*EVENTS) + b"\xff" * 100)
values = {"rtmr0": chain(b"one", b"two \"quoted\"\x1b[2J", b"three"), "rtmr1": chain(bytes(4)),
          "rtmr2": "00" * 48, "rtmr3": "00" * 48}
registers = path("registers", "".join(f"{k} = {v}\n" for k, v in values.items()).encode())

r = run("log", "show", good)
ok(r.code == 0 and r.err == "" and fits(r.out) and "\x1b" not in r.out and lines(
    r, r".*/ccel: CCEL log, 4 events.*",
    r"  log          \d+ of \d+ bytes; the rest is padding",
    r"    nr  register  type                              data",
    r"     1  RTMR0     EV_ACTION                         matches", r'        "one"',
    r"      sha384   [0-9a-f]{64}", r" {15}[0-9a-f]{32}",
    r"     2  RTMR0     EV_IPL                            -",
    r"     3  RTMR1     EV_SEPARATOR                      matches"), "show", r)
r = run("log", "show", "--json", good)
ok(r.code == 0 and r.out.count("\n") == 1 and r.json["kind"] == "CCEL" and r.json["banks"] == ["sha384"]
   and r.json["size"] - r.json["used"] == 100 and len(r.json["events"]) == 4
   and [e["register"] for e in r.json["events"]] == ["RTMR0", "RTMR0", "RTMR1", "RTMR0"]
   and r.json["events"][1]["data"] == b"two \"quoted\"\x1b[2J".hex()
   and [e["match"] for e in r.json["events"]] == ["yes", "unknown", "yes", "yes"]
   and set(r.json["events"][0]) == {"number", "offset", "register", "index", "type", "extends",
                                    "digests", "match", "text", "data"}, "JSON of show", r)
r = run("log", "replay", good)
ok(r.code == 0 and fits(r.out) and r.out.startswith("not checked: whether any register has these")
   and lines(r, f"  RTMR0        {values['rtmr0'][:64]}", f" {{15}}{values['rtmr0'][64:]}",
             f"  RTMR1        {values['rtmr1'][:64]}"), "replay", r)
r = run("log", "replay", "--against", registers, good)
ok(r.code == 0 and fits(r.out) and r.out.startswith("EQUAL  the log replays to the registers of")
   and lines(r, r"  RTMR0        equal after 3 events", r"  RTMR1        equal after 1 event",
             r"  RTMR3        equal: no event extends it, and it was not extended"), "equal", r)
ok(run("log", "replay", "-q", "--against", registers, good).out == "", "-q")
r = run("log", "replay", "--json", "--against", registers, good)
ok(r.code == 0 and r.json["against"]["outcome"] == "equal" and len(r.json["registers"]) == 2
   and r.json["registers"][0] == {"register": "RTMR0", "index": 1, "bank": "sha384",
                                  "value": values["rtmr0"]}
   and r.json["logs"][0]["events"] == 4
   and set(r.json["against"]["registers"][0]) == {"register", "index", "bank", "outcome", "replayed",
                                                  "expected", "log", "event", "detail"},
   "JSON of replay", r)

with open(good, "rb") as f:
    whole = f.read()[:-100]
for name, forged, code, event, words in (
        ("dropped", log(*EVENTS[:3]), 1, None, "no single change of the log explains the value"),
        ("swapped", log(EVENTS[1], EVENTS[0], *EVENTS[2:]), 1, 1,
         "event 1 (EV_IPL) and the next event of the register have changed places"),
        ("appended", whole + record(1, 5, b"four"), 1, 5,
         "event 5 (EV_ACTION) and all behind it are in the log, but were not extended when"),
        ("inserted", log(EVENTS[0], record(1, 5, b"x"), *EVENTS[1:]), 1, 2,
         "event 2 (EV_ACTION) is in the log, but was not extended; all others fit"),
        ("altered", log(record(1, 5, b"one", bytes(48)), *EVENTS[1:]), 1, 1,
         "event 1 (EV_ACTION) has an altered digest: that of its data fits"),
        ("elsewhere", log(*EVENTS[:3], record(3, 5, b"three")), 1, 4,
         "event 4 (EV_ACTION) was extended here, but stands in the log for another register")):
    file = path(name, forged)
    r = run("log", "replay", "--against", registers, file)
    flat = " ".join(r.out.split())
    ok(r.code == code and r.out.startswith("DIFFERS  ") and words in flat and fits(r.out), name, r)
    found = [x for x in run("log", "replay", "--json", "--against", registers, file)
             .json["against"]["registers"] if x["outcome"] == "differs"]
    ok(words in found[0]["detail"] and found[0]["event"] == event
       and (found[0]["log"] == file if event else found[0]["log"] is None), f"JSON of {name}", found)
    r = run("log", "replay", "--against", good, file)
    ok(r.code == 1 and "the events of the log are not those of" in " ".join(r.out.split()),
       f"{name}, against the good log", r)
r = run("log", "replay", "--against", good, good)
ok(r.code == 0 and "the events of the log are those of" in " ".join(r.out.split())
   and "not checked: either log against registers" in r.out, "against itself", r)
lie = path("text", log(EVENTS[0][:-1] + b"E", *EVENTS[1:]))
r = run("log", "replay", "--against", registers, lie)
ok(r.code == 0 and fits(r.out) and "a text that is not what was extended; the first is 1" in
   " ".join(r.out.split()), "equal, but the text is another", r)
r = run("log", "replay", "--json", "--against", registers, lie)
ok(r.json["logs"][0]["mismatches"] == 1, "JSON of it", r)
r = run("log", "show", path("lies", log(record(1, 5, b"one", bytes(48)))))
ok(r.code == 0 and "MISMATCH" in r.out and "the first is 1" in " ".join(r.out.split()), "a lie is shown", r)

# What cannot be read, and what cannot be told.
for name, args, code, words in (
        ("behind padding", ["show", path("hidden", whole + b"\xff" * 8 + EVENTS[0])], 1,
         "is followed by something else at 0x"),
        ("cut", ["show", path("cut", whole[:-1])], 1, "record 4 at 0x"),
        ("digest count", ["show", path("count", log(EVENTS[0][:8] + b"\2" + EVENTS[0][9:]))], 1,
         "has 2 digests; the log's header lists 1 banks"),
        ("register", ["replay", path("register", log(record(9, 5, b"x")))], 1,
         "extends register 9; a confidential VM has 1 to 4"),
        ("register of a TPM", ["replay", "--against", registers,
                               path("bent", log(record(1, 5, b"x"), record(7, 5, b"x"), header=0))], 1,
         "record 2 at 0x84: extends register 7; a confidential VM has 1 to 4"),
        ("kind", ["show", "--kind", "ima", good], 1, "line 1: "),
        ("no kind", ["show", "--kind", "cel", good], 2, "none of ccel, tcg2, ima, aael"),
        ("garbage", ["show", path("garbage", b"garbage")], 1, "is none that is known"),
        ("no evidence", ["replay", "--against", path("garbage", b"garbage"), good], 1,
         "is nothing that a log could be compared with"),
        ("bad list", ["replay", "--against", path("list", b"rtmr9 = 00\n"), good], 2,
         'there is no register "rtmr9"'),
        ("no file", ["show", "gone"], 4, "gone: No such file"),
        ("no log", ["replay"], 2, "an operand is missing")):
    r = run("log", *args)
    ok(r.code == code and words in r.err and r.out == "", name, r)
r = run("log", "replay", "--against", path("pcrs", b"pcr0 = " + b"00" * 32 + b"\n"), good)
ok(r.code == 3 and r.out.startswith("UNDETERMINED  ") and fits(r.out), "PCRs cannot tell of RTMRs", r)
r = run("log", "replay", "--against", path("one", b"rtmr1 = " + values["rtmr1"].encode()), good)
ok(r.code == 0 and "not compared: RTMR0" in r.out, "one register alone", r)

# The registers of a quote are the right ones: those that verify calls by their names.
subprocess.run([SIM, "new", "--tee", "tdx", os.path.join(FOLDER.name, "T")], check=True, capture_output=True)
claims = run("verify", "--claims", "T/evidence.bin").json["tdx"]
rtmrs = claims["rtmr"]
ok(len(set(rtmrs)) > 2, "the simulated TD has several values", rtmrs)
r = run("log", "replay", "--json", "--against", "T/evidence.bin", good)
ok(r.code == 1 and [(x["register"], x["index"], x["expected"]) for x in r.json["against"]["registers"]]
   == [(f"RTMR{i}", i + 1, rtmrs[i]) for i in range(4)], "the registers of a quote", r)

# A bundle brings both: its log against its own quote, or another.
with open(os.path.join(FOLDER.name, "T/evidence.bin"), "rb") as f:
    quote = base64.b64encode(f.read()).decode()
coco = path("attester.json", json.dumps(
    {"quote": quote, "cc_eventlog": base64.b64encode(whole).decode()}).encode())
for args in ((), ("--kind", "ccel")):
    r = run("log", "show", "--json", *args, coco)
    ok(r.code == 0 and len(r.json["events"]) == 4 and r.json["file"] == coco, "the log of a bundle", r)
r = run("log", "replay", "--against", coco, coco)
ok(r.code == 1 and r.out.startswith("DIFFERS"), "a bundle whose log does not fit", r)
r = run("log", "replay", "--against", registers, coco)
ok(r.code == 0 and r.out.startswith("EQUAL"), "a bundle's log against others", r)
r = run("log", "show", "T/evidence.bin")
ok(r.code == 1 and "is evidence that brings no event log" in r.err, "a quote brings no log", r)
VERIFY = ("verify", "--trust-root", "T/trust-root", "-c", "T/collateral")
r = run(*VERIFY, coco)
ok(r.code == 1 and "eventlog.replay" in r.out and fits(r.out), "verify refuses it", r)

# The log that the simulated TD's firmware wrote, by code that shares nothing with its reader.
r = run("log", "replay", "--against", "T/evidence.bin", "T/ccel.table", "T/ccel.log")
ok(r.code == 0 and r.out.startswith("EQUAL  ") and fits(r.out), "the simulated TD's log", r)
with open(os.path.join(FOLDER.name, "T/ccel.log"), "rb") as f:
    written = f.read()
for name, content, code, outcome in (("its own", written, 0, "pass"),
                                     ("a text that no digest covers in its", written.replace(b"ACPI DATA", b"ACPI LATA", 1),
                                      0, "pass"),
                                     ("a text that a digest covers in its",
                                      written.replace(b"Exit Boot", b"Exit Root", 1), 1, "fail"),
                                     ("another's", whole, 1, "fail")):
    file = path("attester.json", json.dumps(
        {"quote": quote, "cc_eventlog": base64.b64encode(content).decode()}).encode())
    r = run(*VERIFY, "--json", file)
    ok(r.code == code and r.check("eventlog.replay") == outcome, f"verify of {name} log", r)

# --- real logs -----------------------------------------------------------------------------------
LOGS, DCAP, COCO = vectors("eventlog"), vectors("dcap"), vectors("coco", "eventlog")

# Every published value of every log, and no further one.
with open(f"{LOGS}/README.md", encoding="utf-8") as f:
    sections = re.split(r"^### (\S+)$", f.read().split("## Replayed registers")[1], flags=re.M)
count = 0
for name, text in zip(sections[1::2], sections[2::2]):
    want = sorted(re.findall(r"^(sha\d+) (\d+) ([0-9a-f]+)$", text, re.M))
    count += len(want)
    r = run("log", "replay", "--json", f"{LOGS}/{name}")
    got = sorted((x["bank"], str(x["index"]), x["value"]) for x in r.json["registers"])
    head = re.search(r"(\d+) events after the header, (\d+) of (\d+) bytes used", text)
    first = r.json["logs"][0]
    ok(r.code == 0 and got == want
       and [first["events"], first["used"], first["size"]] == [int(x) for x in head.groups()],
       f"{name}: {len(want)} registers", (got, want))
    r = run("log", "replay", f"{LOGS}/{name}")
    shown = re.sub(r"\n {15}", "", r.out)
    ok(fits(r.out) and all(value in shown for _, _, value in want), f"{name} on the screen", r)
ok(count == 79, "79 published values", count)

for name, value in (("ima_ng_sha1_826.txt", "82231c67a69da98dc5b3aa10f6343d33109225fc"),
                    ("ima_sig_and_buf.txt", "3071bc1579d80e38ff478dbccdd82e95b3f669a2")):
    r = run("log", "replay", "--json", f"{LOGS}/{name}")
    ok([x["value"] for x in r.json["registers"]] == [value], name, r.json["registers"])
    r = run("log", "show", "--json", f"{LOGS}/{name}")
    ok(all(e["match"] == "yes" for e in r.json["events"]), f"{name}: every template hash", r.err)
r = run("log", "show", "--json", f"{LOGS}/ima_ng_filehash_sha384.txt")
ok([e["match"] for e in r.json["events"]] == ["unknown", "yes"], "a violation is no mismatch", r)

# Notes on single events.
r = run("log", "show", "--json", f"{LOGS}/ccel_aael.bin")
agent = r.json["events"][-2:]
ok([e["register"] for e in agent] == ["RTMR3"] * 2 and [e["match"] for e in agent] == ["yes"] * 2
   and agent[0]["text"] == 'AAEL: "coco.com some-operation some-content"', "AAEL", agent)
r = run("log", "show", "--json", f"{LOGS}/tcg_sp800155.bin")
ok(any(not e["extends"] and "SP800-155" in e["text"] for e in r.json["events"]), "SP800-155 extends nothing")
r = run("log", "show", "--json", f"{LOGS}/tcg_short_no_action.bin")
ok(r.json["kind"] == "TCG 1.2" and r.json["events"][0]["text"] == '"StartupLocality", 3', "short", r)
r = run("log", "show", f"{LOGS}/ccel_table_tdx.bin")
ok(r.code == 0 and lines(r, r"  CC type      2, Intel TDX; subtype 0",
                         r"  log area     65536 bytes at least, at 0x[0-9a-f]+"), "CCEL table", r)
with open(f"{LOGS}/ccel_table_tdx.bin", "rb") as f:
    table = bytearray(f.read())
table[50] ^= 1
r = run("log", "show", path("table", bytes(table)))
ok(r.code == 1 and "its bytes sum up to 0x" in r.err, "a damaged table", r)
r = run("log", "show", f"{LOGS}/cel_tlv_cos.bin")
ok(r.code == 1 and "TCG CEL log in TLV form" in r.err, "CEL is told by its name", r)

# Each pair is equal.
PAIRS = ((f"{LOGS}/tdquote_live.bin", f"{LOGS}/ccel_live.bin"),
         (f"{LOGS}/ccel_ima_chain.quote", f"{LOGS}/ccel_ima_chain.bin", f"{LOGS}/ccel_ima_chain.ima"),
         (f"{DCAP}/quotes/tdx4-spr-00806f-cos113.bin", f"{DCAP}/ccel/cos113-ccel_data.dat"),
         (f"{DCAP}/quotes/tdx4-spr-00806f-cos113.bin", f"{DCAP}/ccel/cos113-ccel_table.dat",
          f"{DCAP}/ccel/cos113-ccel_data.dat"))
for quote, *logs in PAIRS:
    r = run("log", "replay", "--against", quote, *logs)
    ok(r.code == 0 and r.out.startswith("EQUAL  ") and fits(r.out), f"{os.path.basename(quote)} fits", r)
    for other, *_ in PAIRS:
        if other != quote:
            ok(run("log", "replay", "--against", other, *logs).code == 1,
               f"{os.path.basename(quote)}: not another quote")
quote, *logs = PAIRS[1]
ok(run("log", "replay", "--against", quote, logs[0]).code == 1, "without IMA it is not equal")
ok(run("log", "replay", "--against", quote, logs[1], logs[0]).code == 1, "nor in another order")
r = run("log", "replay", "--against", f"{LOGS}/ccel_live.bin", f"{LOGS}/ccel_live.bin", logs[1])
ok(r.code == 1 and "the first that the other log does not have" in " ".join(r.out.split()), "IMA is more", r)
report = vectors("sev", "snp", "milan-v2-b", "report.bin")
r = run("log", "replay", "--against", report, logs[0])
ok(r.code == 3 and "has no registers that an event log could be compared with" in " ".join(r.out.split()),
   "SEV-SNP has no registers", r)
r = run("log", "replay", "--json", "--against", vectors("measure", "tdreport_azure.bin"), logs[0])
ok(r.code == 1 and r.json["against"]["kind"] == "TDREPORT", "a TDREPORT", r)
for name in sorted(os.listdir(LOGS)) + [f"{COCO}/{n}" for n in sorted(os.listdir(COCO))]:
    full = os.path.join(LOGS, name)
    for args in ((), ("-v",)):
        r = run("log", "show", *args, full)
        if r.code == 0 and not ok(fits(r.out) and r.err == "", f"{name} fits a screen", r.err):
            break

# The published parsed forms: all of every event.
for name in ("CCEL_data", "CCEL_data_grub", "CCEL_AAEL_alibabacloud"):
    with open(f"{COCO}/{name}_out.json", encoding="utf-8") as f:
        theirs = json.load(f)["uefi_event_logs"]
    ours = run("log", "show", "--json", f"{COCO}/{name}").json["events"]
    wrong = [(o["number"], o["type"], t["type_name"]) for o, t in zip(ours, theirs)
             if (o["index"], o["type"], o["digests"]["sha384"], bytes.fromhex(o["data"])) !=
             (t["index"], t["type_name"], t["digests"][0]["digest"], base64.b64decode(t["event"]))
             or o["match"] == ("no" if t["digest_matches_event"] else "yes")]
    ok(len(ours) == len(theirs) and not wrong, f"{name}: {len(ours)} events as published", wrong)

# The TPM tools of the distribution, where they are installed.
tool = shutil.which("tpm2_eventlog")
if tool is None:
    print("# no tpm2_eventlog: not compared with it")
else:
    for name in ("tcg_sdboot_fedora37.bin", "tcg_sha1_legacy.bin", "tcg_one_event_4banks.bin",
                 "tcg_sp800155.bin", "tcg_crypto_agile.bin"):
        text = subprocess.run([tool, f"{LOGS}/{name}"], capture_output=True, text=True, check=False).stdout
        theirs, bank = set(), None
        for line in text.split("\npcrs:\n")[-1].splitlines():
            if re.fullmatch(r"  (sha\d+):", line):
                bank = line.strip(" :")
            elif m := re.fullmatch(r"    (\d+) *: 0x([0-9a-f]+)", line):
                theirs.add((bank, int(m[1]), m[2]))
        r = run("log", "replay", "--json", f"{LOGS}/{name}")
        ours = {(x["bank"], x["index"], x["value"]) for x in r.json["registers"]}
        if name == "tcg_sp800155.bin":  # version 5.4 extends PCR 0 by what only informs
            ours, theirs = ({x for x in s if x[1] != 0} for s in (ours, theirs))
        ok(ours == theirs and ours, f"{name}: as tpm2_eventlog says, {len(ours)} registers", ours ^ theirs)
done()
