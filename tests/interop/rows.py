# SPDX-License-Identifier: Apache-2.0
"""What the rows.py of each language share; README.md says what a row is."""

import json
import os
import subprocess
import sys
import tempfile

BUILD, ASSAY, SIM = (os.path.abspath(path) for path in sys.argv[1:4])
FOLDER = tempfile.TemporaryDirectory(prefix="rows-")


class Failed(Exception):
    """Why a row failed, in one line."""


def check(holds, why):
    if not holds:
        raise Failed(why)


def say(row, ok, note=""):
    note = " ".join(str(note).split())
    print(json.dumps({**row, "ok": ok, "note": note}), flush=True)


def log(text):
    print(text, file=sys.stderr, flush=True)


def run(*command, **options):
    """Runs to the end; a CompletedProcess with text."""
    done = subprocess.run(command, capture_output=True, check=False, timeout=1200,
                          stdin=None if "input" in options else subprocess.DEVNULL,
                          **{"text": True, "cwd": FOLDER.name, **options})
    log(f"$ {' '.join(command)}\n# exit {done.returncode}\n{done.stderr}")
    return done


def must(*command, **options):
    """As run(), and it must exit 0."""
    done = run(*command, **options)
    if done.returncode != 0:
        last = (done.stderr.strip() or "no word").splitlines()[-1]
        raise Failed(f"{os.path.basename(command[0])} exits {done.returncode}: {last[:300]}")
    return done


def new(*args):
    """A platform, in a folder of its own."""
    folder = os.path.join(tempfile.mkdtemp(dir=FOLDER.name), "platform")
    must(SIM, "new", *args, folder)
    return folder


def inside(platform, tee, *command, **options):
    """Runs a program inside a platform."""
    return must(SIM, "run", "--tee", tee, "--platform", platform, "--", *command, **options)


def verdict(platform, evidence, *args):
    """What assay verify says of evidence under the platform's root: the whole answer."""
    floor = os.path.join(platform, "min-tcb")
    if os.path.exists(floor) and "--min-tcb" not in args:
        args += ("--min-tcb", floor)
    done = run(ASSAY, "verify", "--json", "--trust-root", f"{platform}/trust-root",
               "-c", f"{platform}/collateral", *args, evidence)
    check(done.returncode in (0, 1, 3), f"assay verify exits {done.returncode}: {done.stderr}")
    return json.loads(done.stdout)


class Service:
    """assay-sim serve for one platform, while a with statement lasts; .base is its address."""

    def __init__(self, platform, name):
        self.command = [SIM, "serve", "--platform", platform, "--only", name]

    def __enter__(self):
        self.process = subprocess.Popen(self.command, stdout=subprocess.PIPE, stderr=sys.stderr,
                                        stdin=subprocess.DEVNULL, text=True)
        line = self.process.stdout.readline().split()
        if len(line) != 2:
            self.__exit__()
            raise Failed("assay-sim serve does not start")
        self.base = line[1]
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
        self.process.stdout.close()
