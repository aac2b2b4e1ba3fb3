# SPDX-License-Identifier: Apache-2.0
"""What a carrier of a bundle could change in it: each is refused with its reason, or makes no difference."""

import base64
import datetime
import re

from sandbox import (FOLDER, QGS, allowed, attest, changed, done, fits, flipped, new, ok, pack, read, run, unpack,
                     unwrapped, verify)

HEADER, SGX_BODY, TD_BODY = 48, 384, 584
BODY = {"sgx": SGX_BODY, "tdx": TD_BODY}
# Of each evidence: a register, the report data, the signature.
SPOTS = {"tdx": {"MRTD": HEADER + 136, "report data": HEADER + 520, "signature": HEADER + TD_BODY + 4},
         "sgx": {"MRENCLAVE": HEADER + 64, "report data": HEADER + 320, "signature": HEADER + SGX_BODY + 4},
         "snp": {"measurement": 0x90, "report data": 0x50, "signature": 0x2a0}}
SIGNED = {"tdx": "dcap.quote.signature", "sgx": "dcap.quote.signature", "snp": "snp.report.signature"}


def chain_of(quote, body):
    """Where the PCK chain is: its start and end, and the places of the lengths that count it."""
    lengths = [HEADER + body]  # of all signature data
    at = lengths[0] + 4 + 64 + 64  # behind signature and key
    if body == TD_BODY:  # version 4: what follows is certification data of its own
        lengths.append(at + 2)
        at += 6
    at += 384 + 64  # behind the QE's report and its signature
    at += 2 + int.from_bytes(quote[at:at + 2], "little") + 2
    lengths.append(at)
    start, size = at + 4, int.from_bytes(quote[at:at + 4], "little")
    assert quote[start:].startswith(b"-----BEGIN CERTIFICATE-----")
    return start, start + size, lengths


def with_chain_of(quote, other, body):
    """The quote with another one's PCK chain."""
    start, end, lengths = chain_of(quote, body)
    other_start, other_end, _ = chain_of(other, body)
    out = bytearray(quote[:start] + other[other_start:other_end] + quote[end:])
    for at in lengths:
        size = int.from_bytes(out[at:at + 4], "little") + (other_end - other_start) - (end - start)
        out[at:at + 4] = size.to_bytes(4, "little")
    return bytes(out)


allowed()
# The others are an hour older, so that a verifier with collateral of its own never prefers theirs.
hour_ago = (datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
for tee in SPOTS:
    new(tee, "--tee", tee, "--seed", "7")
    new(f"{tee}-other", "--tee", tee, "--seed", "8", "--time", hour_ago)
    for folder in (tee, f"{tee}-other"):
        args = [*QGS, "--endorsements", "all"] if tee == "tdx" else []
        r = attest(folder, *args, "-o", f"{folder}.cbor")
        ok(r.code == 0 and r.err == "", f"{folder}: collected", r)

# --- the evidence --------------------------------------------------------------------------------
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
for tee, body in BODY.items():
    bundle = unpack(f"{tee}.cbor")
    mine, theirs = bundle["evidence"][1], unpack(f"{tee}-other.cbor")["evidence"][1]
    ok(with_chain_of(mine, mine, body) == mine, f"{tee}: the PCK chain is found")
    r = verify(tee, "--trust-root", f"{tee}-other/trust-root",
               changed("chain.cbor", bundle, evidence=with_chain_of(mine, theirs, body)))
    ok(r.code == 1 and "FAIL  dcap.qe_report.signature: " in r.out, f"{tee}: with another platform's PCK chain", r)
    r = verify(f"{tee}-other", f"{tee}.cbor")
    ok(r.code == 1 and "FAIL  dcap.root.pinned: " in r.out, f"{tee}: under another platform's root", r)

# --- the collateral of Intel ---------------------------------------------------------------------
bundle = unpack("tdx.cbor")
parts = re.split(r"(?<=-----\n)(?=-----BEGIN)", bundle["collateral"][1].decode())
kinds = [part.split("-----")[1][6:] for part in parts]
ok(sorted(set(kinds)) == ["CERTIFICATE", "ENCLAVE IDENTITY", "TCB INFO", "X509 CRL"], "collateral of four kinds", kinds)
r = verify("tdx", "tdx.cbor", collateral=False)
ok(r.code == 0, "tdx: accepted with what came along alone", r)


def with_parts(name, *texts):
    return changed(name, bundle, collateral="".join(texts).encode())


MISSING = {"X509 CRL": "CRL", "TCB INFO": "TCB info     TDX, FMSPC ", "ENCLAVE IDENTITY": "QE identity  TD QE"}
for n, kind in enumerate(kinds):
    if kind in MISSING:
        less = with_parts("less.cbor", *parts[:n], *parts[n + 1:])
        r = verify("tdx", less, collateral=False)
        ok(r.code == 3 and r.out.startswith("UNDETERMINED ") and MISSING[kind] in r.out
           and "assay collateral fetch -o " in r.out, f"tdx: without {kind} {n}: exit 3, and what brings it", r)
        ok(verify("tdx", less).code == 0, "and accepted where the verifier has it")
n = kinds.index("TCB INFO")
info = base64.b64decode("".join(parts[n].splitlines()[1:-1]))
better = info.replace(b'"OutOfDate"', b'"UpToDate"')
ok(better != info, "the TCB info has levels that are out of date")
better = f"-----BEGIN TCB INFO-----\n{base64.encodebytes(better).decode()}-----END TCB INFO-----\n"
r = verify("tdx", with_parts("better.cbor", *parts[:n], better, *parts[n + 1:]), collateral=False)
ok(r.code == 1 and "FAIL  dcap.tcb_info.signature: " in r.out, "tdx: a TCB info that calls more up to date", r)
theirs = changed("theirs.cbor", bundle, collateral=unpack("tdx-other.cbor")["collateral"][1])
r = verify("tdx", theirs, collateral=False)
ok(r.code == 1 and "FAIL  dcap.root_crl.signature: " in r.out, "tdx: another platform's collateral", r)
ok(verify("tdx", theirs).code == 0, "and accepted where the verifier has newer of its own")

# --- the event log -------------------------------------------------------------------------------
other_log = changed("log.cbor", bundle, eventlog=flipped(bundle["eventlog"][1], 100))
r = verify("tdx", other_log)
ok(r.code == 1 and "FAIL  eventlog.replay: RTMR0: " in r.out, "tdx: a bit of the event log", r)
r = run("log", "replay", "--against", "tdx.cbor", "tdx.cbor")
ok(r.code == 0 and r.out.startswith("EQUAL  ") and fits(r.out)
   and all(f"  RTMR{n}        equal" in r.out for n in range(4)), "log replay --against, both in the bundle", r)
ok("with root CRL, PCK CRL, TDX TCB info, QE identity, event log; provider dev-tdx-guest" in unwrapped(r.out),
   "and says what it is held against, whole", r)
r = run("log", "replay", "--against", "tdx.cbor", other_log)
ok(r.code == 1 and r.out.startswith("DIFFERS  ") and "RTMR0        DIFFERS" in r.out,
   "a log that was changed differs", r)

# --- the certificates of AMD ---------------------------------------------------------------------
bundle, other = unpack("snp.cbor"), unpack("snp-other.cbor")
r = verify("snp", "snp.cbor", collateral=False)
ok(r.code == 0 and "not checked: revocation" in r.out, "snp: accepted with what the host gave alone", r)
r = verify("snp", "--require-crl", "snp.cbor", collateral=False)
ok(r.code == 3 and "CRL" in r.out, "snp: --require-crl: exit 3", r)
less = changed("less.cbor", bundle, certificates=None)
r = verify("snp", less, collateral=False)
ok(r.code == 3 and "  VCEK         Milan, TCB " in r.out and "assay collateral fetch -o Milan.bundle " in r.out,
   "snp: without the table: exit 3, and what brings it", r)
ok(verify("snp", less).code == 0, "and accepted where the verifier has it")
swapped = changed("swapped.cbor", bundle, certificates=other["certificates"][1])
r = verify("snp", swapped, collateral=False)
ok(r.code == 1 and "FAIL  snp.vcek.chip_id: " in r.out, "snp: with another platform's certificates", r)
ok(verify("snp", swapped).code == 0, "and accepted where the verifier has the right ones")
r = verify("snp", changed("x.cbor", bundle, evidence=other["evidence"][1]), collateral=False)
ok(r.code == 1 and "FAIL  snp.report.signature: " in r.out, "snp: another platform's report beside them", r)
r = verify("snp", changed("x.cbor", bundle, provider=b"tdx_guest"))
ok(r.code == 1 and "says that tdx_guest made it, and calls it snp" in unwrapped(r.out),
   "snp: another provider's name", r)
done()
