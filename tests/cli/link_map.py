# SPDX-License-Identifier: Apache-2.0
"""The simulator shares no verification code with the library: read from the symbol tables.

link_map.py ASSAY_SIM LIBSIM LIBASSAY_ALL. What crosses would make the library judge itself."""

import subprocess
import sys

program, simulator, library = sys.argv[1:]


def symbols(path, *options):
    """Names in a symbol table: of functions and data of its own, or undefined."""
    out = subprocess.run(["nm", "-P", *options, path], check=True, capture_output=True, text=True)
    return {line.split()[0] for line in out.stdout.splitlines() if len(line.split()) >= 2}


ours = {name for name in symbols(library, "--defined-only", "--extern-only")
        if not name.startswith("__")}
theirs = symbols(simulator, "--defined-only", "--extern-only")
tests = [
    ("the library has symbols to look for", len(ours) > 200 and "assay_evidence_verify" in ours),
    ("the simulator has symbols to look for", len(theirs) > 50 and "sim_quote_write" in theirs),
]
for name, path in (("assay-sim", program), ("the simulator's library", simulator)):
    shared = ours & symbols(path)
    tests.append((f"{name} has and calls no function of libassay: {sorted(shared)[:5]}", not shared))
tests.append(("libassay calls none of the simulator's", not theirs & symbols(library)))

for number, (name, passed) in enumerate(tests, 1):
    print(f"{'ok' if passed else 'not ok'} {number} - {name}")
print(f"1..{len(tests)}")
sys.exit(0 if all(passed for _, passed in tests) else 1)
