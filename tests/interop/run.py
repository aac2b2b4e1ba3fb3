# SPDX-License-Identifier: Apache-2.0
"""make interop: the rows of all languages, and a table of them. README.md says what a row is.

Usage: run.py BUILD_DIR ASSAY ASSAY_SIM [LANGUAGE...]. Exits 1 if a row failed.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import textwrap
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TIME = 30 * 60
MEMBERS = {"program": str, "version": str, "did": str, "ok": bool, "note": str}

# What would change where packages are kept or how programs are built.
UNSET = ("GOPATH GOCACHE GOMODCACHE GOFLAGS GOBIN GOWORK GOOS GOARCH CARGO_TARGET_DIR "
         "CARGO_BUILD_TARGET RUSTFLAGS PIP_TARGET PIP_PREFIX PIP_USER PYTHONPATH VIRTUAL_ENV "
         "ASSAY_COLLATERAL").split()


def parsed(line):
    row = json.loads(line)
    if not isinstance(row, dict) or {k: type(v) for k, v in row.items()} != MEMBERS:
        raise ValueError(line)
    return row


def group_lives(group):
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def rows_of(language, build, tools):
    """Runs one rows.py to its end; nothing that it started outlives this."""
    def failed(note):
        return {"program": f"{language}/rows.py", "version": "", "did": "", "ok": False,
                "note": note}

    temporary = tempfile.mkdtemp(prefix="assay-interop-")
    environment = {k: v for k, v in os.environ.items() if k not in UNSET}
    environment["TMPDIR"] = temporary
    rows, late = [], False
    try:
        with open(f"{build}/{language}.log", "w", encoding="utf-8") as log:
            process = subprocess.Popen(
                [sys.executable, "-B", f"{HERE}/{language}/rows.py", build, *tools],
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, text=True,
                env=environment, cwd=temporary, start_new_session=True)
            try:
                said, _ = process.communicate(timeout=TIME)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                said, _ = process.communicate()
                late = True
            except BaseException:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                raise
        for line in said.splitlines():
            try:
                rows.append(parsed(line))
            except ValueError:
                rows.append(failed(f"not a row: {line[:200]}"))
        if late:
            rows.append(failed(f"not done after {TIME // 60} minutes"))
        elif process.returncode < 0:
            rows.append(failed(f"ended by signal {-process.returncode}"))
        elif process.returncode > 0:
            rows.append(failed(f"exits {process.returncode}"))
        elif not rows:
            rows.append(failed("printed no row"))
        deadline = time.monotonic() + 2
        while group_lives(process.pid) and time.monotonic() < deadline:
            time.sleep(0.05)
        if group_lives(process.pid):
            os.killpg(process.pid, signal.SIGKILL)
            rows.append(failed("left a process behind"))
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return rows


def table(rows):
    heads = ("program", "version", "what it did", "result")
    lines = [(r["program"], r["version"], r["did"], "ok" if r["ok"] else "FAILED") for r in rows]
    widths = [max(map(len, column)) for column in zip(heads, *lines)]
    for line, note in zip((heads, *lines), ("", *(r["note"] for r in rows))):
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip())
        print(textwrap.indent(textwrap.fill(note, 92), "    "), end="\n" if note else "")


def tell(rows, logs):
    """What failed, once more: of a long output the last lines are kept."""
    for r in rows:
        if not r["ok"]:
            print(f"FAILED: {r['program']} {r['version']}: {r['did']}: {r['note']}")
    for log in logs:
        print(f"details of what failed: {os.path.relpath(log)}")


def main():
    build = os.path.abspath(sys.argv[1])
    tools = [os.path.abspath(path) for path in sys.argv[2:4]]
    languages = sys.argv[4:] or sorted(
        name for name in os.listdir(HERE) if os.path.exists(f"{HERE}/{name}/rows.py"))
    os.makedirs(build, exist_ok=True)
    rows, logs = [], []
    for language in languages:
        begun = time.monotonic()
        print(f"fetching, building and running programs in {language}", flush=True)
        found = rows_of(language, build, tools)
        print(f"    {len(found)} rows in {time.monotonic() - begun:.0f} s", flush=True)
        rows += found
        if not all(row["ok"] for row in found):
            logs.append(f"{build}/{language}.log")
    print()
    table(rows)
    print()
    tell(rows, logs)
    bad = sum(not row["ok"] for row in rows)
    print(f"{len(rows) - bad} passed, {bad} failed")
    sys.exit(1 if bad else 0)


signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
main()
