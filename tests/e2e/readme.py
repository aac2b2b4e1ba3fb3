# SPDX-License-Identifier: Apache-2.0
"""What README.md and docs/guide.md show is what a reader gets: the first transcript is run again, line by line,
and the ways to a released secret as they stand; so are the first examples of --help. Arguments: assay, assay-sim,
assayd."""

import os
import re
import socket
import subprocess

from sandbox import ASSAY, ENV, PROGRAMS, ROOT, SIM, allowed, done, ok


def steady(text):
    """Without what differs from day to day."""
    text = re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ", "TIME", text)
    return re.sub(r"in \d+ days|v4, \d+ bytes", "...", text).rstrip()


def page(name):
    with open(os.path.join(ROOT, name), encoding="utf-8") as file:
        return file.read()


first = page("README.md").split("\n## ", 1)[0]
transcript = first[first.index("    $ "):] + "\n"
# A command goes on in the next line behind a backslash; what follows is its answer.
shown = re.findall(r"^    \$ ((?:.*\\\n)*.*)\n((?:(?!    \$ ).*\n)*)", transcript, re.M)
allowed()
# Leaks are looked for elsewhere: LeakSanitizer cannot look at a program that is traced.
env = dict(ENV, PATH=":".join([*(os.path.dirname(program) for program in (ASSAY, SIM, PROGRAMS[0])), os.environ["PATH"]]),
           ASAN_OPTIONS="detect_leaks=0")
ok(len(shown) == 4, "the transcript has four commands", shown)
for command, answer in shown:
    got = subprocess.run(["sh", "-c", command], capture_output=True, text=True, env=env, check=False)
    want = re.sub("^    ", "", answer, flags=re.M)
    ok(steady(got.stdout + got.stderr) == steady(want), command.split("\\")[0], got.stdout + got.stderr)


def way(name, first_section, last_section):
    """The commands of a page, from one section up to another, in a shell and folder of their own; its last lines."""
    text = page(name)
    text = text[text.index(f"\n## {first_section}"):text.index(f"\n## {last_section}")]
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    script = "\n".join(re.findall(r"^(?:    (.*))?$", text, re.M)).replace("127.0.0.1:8080", f"127.0.0.1:{port}")
    script = re.sub(r"^(assayd .*) &$", rf"""\1 --listen tcp:127.0.0.1:{port} 2>log &
trap 'kill $!' EXIT""", script, flags=re.M)
    folder = os.path.basename(name) + ".d"
    os.mkdir(folder)
    r = subprocess.run(["bash", "-euo", "pipefail", "-c", script], capture_output=True, text=True, cwd=folder, env=env,
                       timeout=120, check=False)
    with open(f"{folder}/disk.key", encoding="utf-8") if r.returncode == 0 else open(os.devnull, encoding="utf-8") as file:
        return r, file.read().rstrip("\n")


for name, sections in (("README.md", ("Release secrets", "Build and install")), ("docs/guide.md", ("2. ", "7. "))):
    r, secret = way(name, *sections)
    ok(r.returncode == 0 and secret == "correct horse battery staple" and "released demo/key/disk" in r.stdout,
       f"{name}: the way to a released secret", r.stdout + r.stderr)


def shell(script):
    return subprocess.run(["sh", "-c", script], capture_output=True, text=True, env=env, timeout=60, check=False)


def first_example(command, end):
    """What stands in the help up to the first line of the program itself."""
    text = shell(f"{command} --help").stdout
    return re.search(rf"\n\n((?:  .*\n)*?  {end} .*)\n", text).group(1)


r = shell(first_example("assay-sim run", "assay-sim"))
ok(r.returncode == 0, "assay-sim run --help: its first example", r.stdout + r.stderr)
example = first_example("assayd", "assayd")
r = shell(example + """ 2>log &
trap 'kill $!' EXIT
for i in $(seq 100); do grep -q listening log && break; sleep 0.1; done
cat log; stat -c %a trial; ls trial/master.key trial/admin.pem""")
ok(r.returncode == 0 and "\n700\n" in r.stdout, "assayd --help: its first example keeps the keys to itself", r.stdout + r.stderr)
done()
