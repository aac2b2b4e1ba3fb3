# SPDX-License-Identifier: Apache-2.0
"""Every case of the DCAP captures: the status and advisories of Intel's verifier, through assay."""

import json

from harness import done, ok, run, vectors

folder = vectors("dcap")
with open(f"{folder}/manifest.json", encoding="utf-8") as f:
    manifest = json.load(f)

# Out of the collateral's own time, when the files have no instant in common.
WINDOWS = {c["id"]: c for c in manifest["collateral"]}


right = 0
for case in manifest["cases"]:
    quote = f"{folder}/quotes/{case['quote']}.bin"
    collateral = f"{folder}/collateral/{case['collateral']}"
    name = case["id"]
    at = case["at"] or WINDOWS[case["collateral"]]["tcb_info"][0]
    base = ["verify", "--json", "--time", at, "-c", collateral]
    r = run(*base, "-p", "genuine", quote)
    good = True

    # A TD that was moved to a newer module without a relaunch: both results are reported.
    launch, current = case["launch"], case.get("current")
    advisories = set(launch["advisories"])
    tcb = r.json["tcb"]
    good &= ok(tcb["status"] == case["status"], f"{name}: {case['status']}", tcb)
    good &= ok(set(tcb["advisories"]) == advisories, f"{name}: {len(advisories)} advisories", tcb)
    if "date" in launch:
        good &= ok(tcb["date"] == launch["date"], f"{name}: level of {launch['date'][:10]}", tcb)
    if current:
        claims = r.json["claims"].get("tcb", {})
        good &= ok([claims.get(k, "").split("(")[0] for k in ("launch_status", "current_status")]
                   == [c["status"].split("(")[0] for c in (launch, current)],
                   f"{name}: at launch and now", claims)

    failed = set(r.failed())
    if case["at"] is None:
        good &= ok(r.code == 1 and any(i.endswith(".dates") for i in failed),
                   f"{name}: at no instant", r)
        for end in (0, 1):
            for kind in ("tcb_info", "qe_identity"):
                at = WINDOWS[case["collateral"]][kind][end]
                one = run("verify", "--json", "-p", "genuine", "--time", at, "-c", collateral, quote)
                good &= ok(one.code == 1 and any(i.endswith(".dates") for i in one.failed()),
                           f"{name}: nor at {at}", one)
    else:
        good &= ok(r.code == 0 and r.json["genuine"] is True and not failed,
                   f"{name}: genuine", failed)

    # The default policy on top: debug never, and only what is up to date.
    r = run(*base, quote)
    good &= ok(r.json["debug"] is case["debug"], f"{name}: debug {case['debug']}", r.json["debug"])
    if case["debug"]:
        good &= ok(r.code == 1 and "policy.debug" in r.failed(), f"{name}: no debug", r.failed())
    if case["status"] != "UpToDate" and case["at"]:
        good &= ok(r.code == 1 and "dcap.tcb.status" in r.failed(),
                   f"{name}: {case['status']} is not allowed", r.failed())
    right += good

print(f"# {right} of {len(manifest['cases'])}")
ok(right == len(manifest["cases"]), f"{right} of {len(manifest['cases'])} cases")

# Quotes without collateral, or under another root.
for name, code, policy in (("sgx3-cfl-00906ea1-oldroot", 1, "genuine"),
                           ("tdx5-preprod-root", 1, "genuine"),
                           ("sgx3-rawtcb-ppid3072", 3, "genuine"),
                           ("sgx3-rawtcb-ppid3072", 1, "default"),
                           ("tdx4-gnr-00a06d-TDX03", 3, "default")):
    r = run("verify", "--json", "-p", policy, "--time", "2025-07-04", f"{folder}/quotes/{name}.bin")
    ok(r.code == code, f"{name}: {policy}: exit {code}", r)
done()
