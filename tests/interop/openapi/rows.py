# SPDX-License-Identifier: Apache-2.0
"""schemathesis against a running assayd: every answer is as its OpenAPI document says. See ../README.md."""

import os
import re
import socket
import subprocess
import sys
import time
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))
from rows import ASSAY, BUILD, FOLDER, Failed, check, must, new, run, say  # noqa: E402

with open(f"{HERE}/requirements.txt", encoding="ascii") as file:
    VERSION = re.search(r"^schemathesis==(\S+)", file.read(), re.M).group(1)
ASSAYD = os.path.join(os.path.dirname(os.path.dirname(ASSAY)), "server", "assayd")
EXAMPLES = 40
# Which parameters go together is in the words of the document, not in its schemas.
EXCLUDED = "positive_data_acceptance"


def fetch():
    place = os.path.join(BUILD, "openapi")
    if not os.path.exists(f"{place}/bin/python") or \
       run(f"{place}/bin/python", "-m", "pip", "--version").returncode != 0:
        must(sys.executable, "-m", "venv", "--clear", place)
    must(f"{place}/bin/python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
         "--no-deps", "--only-binary=:all:", "--require-hashes", "-r", f"{HERE}/requirements.txt")
    return f"{place}/bin/schemathesis"


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Server:
    def __init__(self, *options):
        self.url = f"http://127.0.0.1:{free_port()}"
        self.process = subprocess.Popen(
            [ASSAYD, "--config", "/dev/null", "--store", f"sqlite:{FOLDER.name}/assayd.db", "--listen",
             "tcp:" + self.url[len("http://"):], *options], stdin=subprocess.DEVNULL, stdout=sys.stderr)

    def __enter__(self):
        for _ in range(100):
            try:
                urllib.request.urlopen(self.url + "/readyz").close()
                return self
            except OSError:
                time.sleep(0.1)
        raise Failed("assayd did not start")

    def __exit__(self, *what):
        self.process.terminate()
        self.code = self.process.wait(30)


def main():
    row = {"program": "schemathesis", "version": VERSION, "did": "requests made of assayd's OpenAPI document"}
    try:
        program = fetch()
        with Server("--trust-root", f"{new('--tee', 'tdx')}/trust-root") as server:
            done = run(program, "run", f"{server.url}/v1/openapi.json", "--no-color", "--checks", "all",
                       "--exclude-checks", EXCLUDED, "--max-examples", str(EXAMPLES), "--seed", "1",
                       "--phases", "coverage,fuzzing")
        print(done.stdout, file=sys.stderr)
        count = re.search(r"(\d+) generated", done.stdout)
        row["did"] = f"{count.group(1) if count else 0} requests made of assayd's OpenAPI document"
        check(done.returncode == 0 and count, f"exits {done.returncode}")
        check(server.code == 0, f"assayd exits {server.code}")
        say(row, True)
    except Exception as error:  # whatever it is, the row has failed
        say(row, False, error if isinstance(error, Failed) else repr(error))


main()
