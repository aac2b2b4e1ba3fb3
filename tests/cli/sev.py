# SPDX-License-Identifier: Apache-2.0
"""Every row of the SEV captures that is evidence or endorses it, and what must be refused."""

import os

from harness import FOLDER, done, ok, path, run, vectors

folder = vectors("sev")


def file(name):
    return os.path.join(folder, name)


def read(name):
    with open(file(name), "rb") as f:
        return f.read()


def verify(report, *args, time, policy="genuine"):
    return run("verify", "--json", "-p", policy, "--time", time, *args, report)


# Folder, certificate, a time within its window, report version, product, VMPL, kind of key.
REPORTS = [
    ("milan-v2-a", "vcek.der", "2024-06-01", 2, "Milan", 0, "VCEK"),
    ("milan-v2-b", "vcek.der", "2024-06-01", 2, "Milan", 0, "VCEK"),
    ("milan-v3-vlek", "vlek.der", "2025-06-01", 3, "Milan", 1, "VLEK"),
    ("milan-v3", "vcek.der", "2026-06-01", 3, "Milan", 0, "VCEK"),
    ("genoa-v3", "vcek.der", "2026-06-01", 3, "Genoa", 0, "VCEK"),
    ("turin-v5", "vcek.der", "2026-06-01", 5, "Turin", 0, "VCEK"),
    ("genoa-v5", "vcek.der", "2026-06-01", 5, "Genoa", 0, "VCEK"),
]

for name, key, time, version, product, vmpl, kind in REPORTS:
    report, cert = file(f"snp/{name}/report.bin"), file(f"snp/{name}/{key}")
    r = verify(report, "-c", cert, time=time)
    claims = r.json["claims"]
    ok(r.code == 0 and r.json["genuine"] is True and r.json["verdict"] == "accepted",
       f"{name}: genuine", r)
    ok(claims["snp"]["version"] == version and claims["platform"]["product"].startswith(product)
       and claims["vmpl"] == vmpl and claims["snp"]["certificate"] == kind,
       f"{name}: v{version}, {product}, VMPL {vmpl}, {kind}", claims)
    ok(r.json["trust"] == "built-in" and claims["trust"]["root"] == f"ARK-{product}",
       f"{name}: under ARK-{product}", claims["trust"])
    r = verify(report, time=time)
    ok(r.code == 3 and r.json["missing"][0]["what"] == kind,
       f"{name}: without its {kind} undetermined", r)
    r = verify(report, "-c", cert, "--require-crl", time=time)
    ok(r.code == 3 and "CRL" in str(r.json["missing"]), f"{name}: --require-crl", r)
    r = verify(report, "-c", cert, time="2010-01-01")
    ok(r.code == 1 and "snp.vcek.dates" in r.failed(), f"{name}: before its window", r.failed())
    r = verify(report, "-c", cert, time="2060-01-01")
    ok(r.code == 1 and "snp.vcek.dates" in r.failed(), f"{name}: after its window", r.failed())

    # One bit anywhere in what is signed, and in the signature.
    whole = read(f"snp/{name}/report.bin")
    for at in (0x0c, 0x30, 0x50, 0x90, 0x130, 0x29f, 0x2a0, 0x2cf, 0x2e8, 0x317):
        changed = bytearray(whole)
        changed[at] ^= 1
        r = verify(path("bit", bytes(changed)), "-c", cert, time=time)
        ok(r.code == 1, f"{name}: a bit at 0x{at:x}", r)
    for at in (0x2d0, 0x2e7, 0x318, 0x32f, 0x330, 0x49f):
        changed = bytearray(whole)
        changed[at] = 1
        r = verify(path("bit", bytes(changed)), "-c", cert, time=time)
        ok(r.code == 1, f"{name}: a byte that must be zero, at 0x{at:x}", r)
    for cut in (whole[:-1], whole + b"\0"):
        ok(run("verify", "-c", cert, "--time", time, path("cut", cut)).code == 1,
           f"{name}: {len(cut)} bytes")

# The default policy judges on top of that.
r = verify(file("snp/milan-v2-b/report.bin"), "-c", file("snp/milan-v2-b/vcek.der"),
           "--min-tcb", "snp=22,microcode=206", time="2024-06-01", policy="default")
short = {row["part"]: row for row in r.json["tcb"]["short"]}
ok(r.code == 1 and r.failed() == ["snp.tcb.floor"] and r.json["genuine"] is True,
   "milan-v2-b: below the floor", r.failed())
ok([(row["got"], row["want"], row["by"], row["running"]) for row in r.json["tcb"]["short"]]
   == [(8, 22, 14, 8), (115, 206, 91, 206)], "milan-v2-b: by how much, and what runs", short)
r = verify(file("snp/milan-v2-b/report.bin"), "-c", file("snp/milan-v2-b/vcek.der"),
           "--min-tcb", "snp=8,microcode=115", time="2024-06-01", policy="default")
ok(r.code == 0, "milan-v2-b: at the floor", r)
r = verify(file("snp/milan-v3-vlek/report.bin"), "-c", file("snp/milan-v3-vlek/vlek.der"),
           time="2025-06-01", policy="default")
ok(r.code == 1 and "snp.policy.vmpl" in r.failed(), "milan-v3-vlek: VMPL 1 is not allowed", r)

# Certificates of others.
for name, cert in (("milan-v2-a", "snp/milan-v2-b/vcek.der"), ("milan-v2-b", "snp/milan-v2-a/vcek.der"),
                   ("genoa-v3", "snp/milan-v3/vcek.der"), ("turin-v5", "snp/turin-vcek-only/vcek.der"),
                   ("milan-v2-a", "snp/negative/vcek-invalid-raw-hwid.der"),
                   ("milan-v2-a", "snp/negative/vcek-invalid-octetstring-hwid.der")):
    r = verify(file(f"snp/{name}/report.bin"), "-c", file(cert), time="2026-06-01")
    ok(r.code in (1, 3) and r.json["verdict"] != "accepted", f"{name} with {cert}", r)
r = verify(file("snp/milan-v3-vlek/report.bin"), "-c", file("snp/milan-v3/vcek.der"), time="2025-06-01")
ok(r.code in (1, 3), "a VLEK report with a VCEK", r)
r = run("verify", "-c", file("snp/milan-v2-a/vcek.der"), file("snp/negative/report-1185-bytes-badsig.bin"))
ok(r.code == 1 and "evidence.format" in r.out, "1185 bytes", r)

# Roots: what AMD serves is known; what only calls itself so is not.
for product in ("milan", "genoa", "turin"):
    for line in ("vcek", "vlek"):
        r = run("collateral", "show", "--json", "--time", "2026-06-01",
                file(f"roots/x509/{product}_{line}_chain.pem"))
        ok(r.code == 0 and [i["genuine"] for i in r.json["items"]] == [True, True],
           f"{product} {line} chain", r)
r = run("collateral", "show", "--json", "--time", "2026-06-01", file("snp/turin-vcek-only/vcek.der"))
ok(r.code == 0 and r.json["items"][0]["genuine"] is True, "a Turin VCEK without a report", r)
for name in ("vcek-invalid-raw-hwid.der", "vcek-invalid-octetstring-hwid.der"):
    r = run("collateral", "show", "--json", "--time", "2024-06-01", file("snp/negative/" + name))
    ok(r.code in (1, 3) and not r.json["items"][0]["genuine"], f"{name} is not genuine", r)
for product in ("naples", "rome", "milan", "genoa", "turin"):
    for kind in ("ark", "ask"):
        r = run("collateral", "show", "--json", file(f"roots/legacy/{product}.{kind}.cert"))
        ok(r.code == 0 and r.json["items"][0]["genuine"] is True, f"legacy {product} {kind}", r)
r = run("collateral", "show", file("roots/legacy/naples.ark.nosig.cert"))
ok(r.code == 0, "the Naples ARK without its signature holds the pinned key", r)

# The CRL of Genoa.
crl = file("crl/genoa.crl.der")
report, vcek = file("snp/genoa-v5/report.bin"), file("snp/genoa-v5/vcek.der")
r = run("collateral", "show", "--json", "--time", "2025-01-01", crl)
ok(r.code == 0 and r.json["items"][0]["genuine"] is True, "Genoa CRL", r)
r = run("collateral", "show", "--json", "--time", "2026-01-01", crl)
ok(r.code == 1 and r.json["items"][0]["genuine"] is True, "Genoa CRL has ended", r)
report3, vcek3 = file("snp/genoa-v3-tsm/outblob.bin"), file("snp/genoa-v3-tsm/auxblob.bin")
r = verify(report3, "-c", vcek3, "-c", crl, "--require-crl", time="2025-06-01")
ok(r.check("snp.crl") == "pass" and r.check("snp.ask.revoked") == "pass", "ASK-Genoa is not revoked", r)
r = verify(report, "-c", vcek, "-c", crl, time="2026-06-01")
ok(r.code in (1, 3) and r.json["verdict"] != "accepted", "a stale CRL is not taken for a good one", r)

# A report as the kernel's configfs shows it.
tsm = os.path.join(FOLDER.name, "report0")
path("report0/outblob", read("snp/genoa-v3-tsm/outblob.bin"))
path("report0/auxblob", read("snp/genoa-v3-tsm/auxblob.bin"))
path("report0/provider", b"sev_guest\n")
path("report0/generation", b"1\n")
r = verify(tsm, time="2025-06-01")
ok(r.code == 0 and r.json["genuine"] is True, "a folder of configfs", r)
path("report0/auxblob", read("snp/genoa-v3-tsm/auxblob.bin")[:100])
r = verify(tsm, time="2025-06-01")
ok(r.code == 1 and r.failed() == ["evidence.format"], "its certificates, cut short", r)
path("report0/auxblob")
r = verify(tsm, time="2025-06-01")
ok(r.code == 3, "without certificates", r)
table = read("snp/genoa-v3-tsm/outblob.bin") + read("snp/genoa-v3-tsm/auxblob.bin")
r = verify(path("report-table", table), time="2025-06-01")
ok(r.code == 0, "a report followed by its table", r)

# Azure: the report stands in the middle of the HCL's.
hcl = read("azure/milan-v3-vtpm/hcl_report.bin")
inner = path("hcl-inner", hcl[32:32 + 1184])
r = verify(inner, "-c", file("azure/milan-v3-vtpm/vcek.der"), time="2025-06-01")
ok(r.json["genuine"] is True or "snp.vcek.dates" in r.failed(), "Azure's report", r)

# Legacy chains: all there, or one part of another platform.
for product in ("naples", "milan"):
    parts = [file(f"legacy/{product}/{name}.cert") for name in ("cek", "oca", "pek", "pdh")]
    r = run("collateral", "show", "--json", *parts)
    ok(r.code == 0 and all(i["genuine"] is True for i in r.json["items"]), f"legacy {product} chain", r)
    # As some platforms export it: the slot says ASK, and nothing is in it.
    cek = read(f"legacy/{product}/cek.cert")
    r = run("collateral", "show", "--json", path("hollow.cert", cek[:0x41c] + bytes(len(cek) - 0x41c)), *parts)
    ok([i["genuine"] for i in r.json["items"]] == [None, True, True, True, True],
       f"legacy {product} chain, its CEK exported, too", r)
mixed = [file("legacy/milan/cek.cert"), file("legacy/naples/pek.cert"),
         file("legacy/naples/oca.cert"), file("legacy/naples/pdh.cert")]
r = run("collateral", "show", "--json", *mixed)
ok(r.code in (1, 3), "a CEK of one platform, a PEK of another", r)
for name in ("cek", "oca", "pek", "pdh"):
    r = run("collateral", "show", path("short.cert", read(f"legacy/naples/{name}.cert")[:-1]))
    ok(r.code in (1, 2), f"legacy {name}, one byte short", r)
done()
