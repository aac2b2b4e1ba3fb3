# SPDX-License-Identifier: Apache-2.0
"""The harness of make interop: whatever is wrong with a rows.py becomes a failed row.

Needs no network: the rows here are made up. Prints TAP.
"""

import os
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROW = """
import os, signal, subprocess, sys
def say(ok):
    print('{"program": "p", "version": "1", "did": "d", "ok": %s, "note": ""}' % ok, flush=True)
"""

# What a rows.py does; the last line of the harness; words that it must have said.
CASES = [
    ("say('true'); say('true')", "2 passed, 0 failed", ""),
    ("say('true'); say('false')", "1 passed, 1 failed", "FAILED"),
    ("pass", "0 passed, 1 failed", "printed no row"),
    ("say('true'); print('hello')", "1 passed, 1 failed", "not a row: hello"),
    ("say('1')", "0 passed, 1 failed", "not a row"),
    ("say('true'); sys.exit(3)", "1 passed, 1 failed", "exits 3"),
    ("say('true'); os.kill(os.getpid(), signal.SIGKILL)", "1 passed, 1 failed", "signal 9"),
    ("say('true'); subprocess.Popen(['sleep', '60'], stdout=-3)", "1 passed, 1 failed",
     "left a process behind"),
    ("open(os.environ['TMPDIR'] + '/x', 'w').close(); say('true')", "1 passed, 0 failed", ""),
]

with tempfile.TemporaryDirectory(prefix="assay-run-") as folder:
    os.makedirs(f"{folder}/tests/made-up")
    os.mkdir(f"{folder}/tmp")
    shutil.copy(f"{HERE}/run.py", f"{folder}/tests")
    bad = 0
    for number, (body, last, words) in enumerate(CASES, 1):
        with open(f"{folder}/tests/made-up/rows.py", "w", encoding="utf-8") as file:
            file.write(ROW + body + "\n")
        done = subprocess.run([sys.executable, f"{folder}/tests/run.py", f"{folder}/build", "a", "b"],
                              capture_output=True, text=True, check=False,
                              env={**os.environ, "TMPDIR": f"{folder}/tmp"})
        fine = (done.stdout.splitlines()[-1:] == [last] and words in done.stdout
                and done.returncode == (0 if last.endswith(" 0 failed") else 1)
                and os.listdir(f"{folder}/tmp") == [])
        bad += not fine
        print(f"{'ok' if fine else 'not ok'} {number} - {body}")
        if not fine:
            print("# exit", done.returncode, *done.stdout.splitlines(), done.stderr, sep="\n# ")
print(f"1..{len(CASES)}")
sys.exit(1 if bad else 0)
