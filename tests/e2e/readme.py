# SPDX-License-Identifier: Apache-2.0
"""What README.md shows is what a reader gets: its first transcript is run again, line by line."""

import os
import re
import subprocess

from sandbox import ASSAY, ENV, ROOT, SIM, allowed, done, ok


def steady(text):
    """Without what differs from day to day."""
    text = re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ", "TIME", text)
    return re.sub(r"in \d+ days|v4, \d+ bytes", "...", text).rstrip()


with open(os.path.join(ROOT, "README.md"), encoding="utf-8") as file:
    first = file.read().split("\n## ", 1)[0]
transcript = first[first.index("    $ "):] + "\n"
# A command goes on in the next line behind a backslash; what follows is its answer.
shown = re.findall(r"^    \$ ((?:.*\\\n)*.*)\n((?:(?!    \$ ).*\n)*)", transcript, re.M)
allowed()
# Leaks are looked for elsewhere: LeakSanitizer cannot look at a program that is traced.
env = dict(ENV, PATH=":".join([os.path.dirname(ASSAY), os.path.dirname(SIM), os.environ["PATH"]]),
           ASAN_OPTIONS="detect_leaks=0")
ok(len(shown) == 4, "the transcript has four commands", shown)
for command, answer in shown:
    got = subprocess.run(["sh", "-c", command], capture_output=True, text=True, env=env, check=False)
    want = re.sub("^    ", "", answer, flags=re.M)
    ok(steady(got.stdout + got.stderr) == steady(want), command.split("\\")[0], got.stdout + got.stderr)
done()
