# SPDX-License-Identifier: Apache-2.0
"""libassay-guest in programs of a user's own. Further arguments: attestation_client, crowd_client."""

import subprocess

from sandbox import PROGRAMS, allowed, done, inside, new, ok, unpack, verify

CALL, CROWD = PROGRAMS
NONCE = bytes(range(64)).hex()

outside = subprocess.run([CALL], capture_output=True, text=True, check=False)
ok(outside.returncode == 0 and outside.stdout.count("ok ") == 3 and "not ok" not in outside.stdout,
   "get_attestation() outside any TEE", outside)
allowed()
for tee, technology in (("snp", 1), ("sgx", 2), ("tdx", 3)):
    new(tee, "--tee", tee, "--seed", "7")
    r = inside(tee, CALL, str(technology), f"{tee}.att")
    ok(r.code == 0 and r.out.count("ok ") == 15 and "not ok" not in r.out, f"{tee}: get_attestation() by its rules", r)
    r = verify(tee, f"{tee}.att", nonce=NONCE)
    ok(r.code == 0, f"{tee}: what it gives is accepted for its nonce", r)
    ok(verify(tee, f"{tee}.att", nonce="ff" + NONCE[2:]).code == 1, f"{tee}: and for no other")
    ok(unpack(f"{tee}.att")["evidence"][0] == f"application/vnd.assay.{tee}", f"{tee}: it is a bundle")
for tee in ("tdx", "snp"):
    r = inside(tee, CROWD, tee, timeout=240)
    ok(r.code == 0 and r.out.count("ok ") == 17 and "not ok" not in r.out, f"{tee}: 16 processes of 64 threads", r)
done()
