# SPDX-License-Identifier: Apache-2.0
"""A platform that misbehaves: assay attest overcomes it or refuses, and else the verifier notices."""

import os
import time

from sandbox import NONCE, allowed, attest, done, inside, new, ok, verify

ENTRY = "/sys/kernel/config/tsm/report/careless"
INBLOB = "".join(f"\\{byte:03o}" for byte in bytes.fromhex(NONCE).ljust(64, b"\0"))
# A program that takes what it is given.
CARELESS = f"mkdir {ENTRY} && printf '{INBLOB}' > {ENTRY}/inblob && cat {ENTRY}/outblob > careless.bin"

allowed()
for tee in ("tdx", "snp"):
    new(tee, "--tee", tee, "--seed", "7")
    for fault in ("busy:3", "stale-generation", "stale-generation:5", "wrong-nonce:2", "busy:2,stale-generation:2"):
        r = attest(tee, "-o", f"{fault}.cbor", fault=fault)
        ok(r.code == 0 and verify(tee, f"{fault}.cbor").code == 0, f"{tee}: {fault} is overcome", r)
    began = time.monotonic()
    r = attest(tee, "-o", "slow.cbor", fault="slow:300ms")
    ok(r.code == 0 and time.monotonic() - began >= 0.3 and verify(tee, "slow.cbor").code == 0, f"{tee}: a slow one", r)

    for fault, words in (("wrong-nonce", "configfs-tsm: the evidence carries other report data than was asked for"),
                         ("busy:100000", "/outblob: Device or resource busy")):
        r = attest(tee, "--timeout", "1s", "-o", "never.cbor", fault=fault)
        ok(r.code == 4 and words in r.err and not os.path.exists("never.cbor"), f"{tee}: {fault} is refused", r)

    began = time.monotonic()
    r = attest(tee, "--timeout", "1s", "-o", "never.cbor", fault="slow:1m")
    ok(r.code == 4 and time.monotonic() - began < 20 and "/outblob: Interrupted system call" in r.err,
       f"{tee}: one that is too slow ends with --timeout", r)

    for fault, code, words in ((None, 0, "ACCEPTED"), ("wrong-nonce", 1, "FAIL  evidence.report_data: ")):
        r = inside(tee, "sh", "-c", CARELESS, fault=fault)
        judged = verify(tee, "careless.bin")
        ok(r.code == 0 and judged.code == code and words in judged.out,
           f"{tee}: careless, {fault or 'no fault'}", judged)
done()
