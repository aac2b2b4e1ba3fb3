# SPDX-License-Identifier: Apache-2.0
"""What the tests of the command share: running it, and saying in TAP what came of it."""

import json
import os
import subprocess
import sys
import tempfile

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir))
from daemons import clock  # noqa: E402, F401

ASSAY = os.path.abspath(sys.argv[1]) if len(sys.argv) > 1 else "assay"
ROOT = os.environ.get("ASSAY_SOURCE_ROOT", os.path.join(os.path.dirname(__file__), "../.."))
FOLDER = tempfile.TemporaryDirectory(prefix="assay-test-")
WIDTH = 79

_count = 0
_failed = 0


class Result:
    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out, err

    @property
    def json(self):
        return json.loads(self.out)

    def check(self, outcome_id):
        """The outcome of a check; None if there is no such row."""
        rows = [row["outcome"] for row in self.json["checks"] if row["id"] == outcome_id]
        return rows[0] if rows else None

    def failed(self):
        return [row["id"] for row in self.json["checks"] if row["outcome"] == "fail"]

    def __repr__(self):
        return f"exit {self.code}\n--- stdout\n{self.out}--- stderr\n{self.err}---"


def run(*args, stdin=b"", env=None, timeout=120):
    """Runs the command in an environment without the user's configuration."""
    clean = {"PATH": os.environ["PATH"], "HOME": FOLDER.name, "TERM": "dumb"}
    for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "LD_LIBRARY_PATH"):
        if name in os.environ:
            clean[name] = os.environ[name]
    clean.update(env or {})
    done = subprocess.run([ASSAY, *args], input=stdin, env=clean, timeout=timeout,
                          cwd=FOLDER.name, capture_output=True, check=False)
    return Result(done.returncode, done.stdout.decode("utf-8", "replace"),
                  done.stderr.decode("utf-8", "replace"))


def ok(condition, name, detail=None):
    global _count, _failed
    _count += 1
    print(f"{'ok' if condition else 'not ok'} {_count} - {name}", flush=True)
    if not condition:
        _failed += 1
        for line in str(detail).splitlines():
            print("#", line)
    return condition


def fits(text):
    """True if no line is wider than a screen."""
    return all(len(line) <= WIDTH for line in text.splitlines())


def done():
    print(f"1..{_count}")
    sys.exit(1 if _failed else 0)


def path(name, content=b""):
    """A file in the test's own folder."""
    full = os.path.join(FOLDER.name, name)
    os.makedirs(os.path.dirname(full), exist_ok=True)
    with open(full, "wb") as file:
        file.write(content)
    return full


def vectors(*names):
    """The folder of real captures, or a path in it. Ends the test in one line if there is none."""
    base = os.environ.get("ASSAY_VECTORS", os.path.join(ROOT, "../shared/vectors"))
    if not os.path.isdir(os.path.join(base, "dcap")):
        if os.environ.get("ASSAY_REQUIRE_VECTORS") == "1":
            ok(False, "real captures are there", f"none in {base}; set ASSAY_VECTORS")
            done()
        if _count == 0:
            print("1..0 # SKIP no real captures: set ASSAY_VECTORS")
            sys.exit(0)
        print("# no real captures: set ASSAY_VECTORS to run the rest")
        done()
    return os.path.join(base, *names)
