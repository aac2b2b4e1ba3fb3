# SPDX-License-Identifier: Apache-2.0
"""The units of systemd, by its own judgement. Arguments: README.md, then units, then the programs that they start."""
import os
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir))
from daemons import check, done  # noqa: E402

if shutil.which("systemd-analyze") is None:
    print("1..0 # SKIP no systemd-analyze on this machine")
    sys.exit(0)
with open(sys.argv[1]) as f:
    readme = f.read()
units = [word for word in sys.argv[2:] if re.search(r"\.(service|socket)$", word)]
programs = {os.path.basename(word): os.path.abspath(word) for word in sys.argv[2:] if word not in units}
# How much is left to whoever takes the unit over, at most: 0 is best, 10 worst.
LIMITS = {"assayd.service": 1.1, "assay-agentd.service": 3.0, "assay-brokerd.service": 2.6, "assay-credential@.service": 2.7}

with tempfile.TemporaryDirectory() as folder:
    names = []
    for unit in units:
        with open(unit) as f:
            text = f.read()
        # As if it were installed.
        text = re.sub(r"(?m)^(ExecStart=)(\S+)", lambda m: m[1] + programs[os.path.basename(m[2])], text)
        names.append(os.path.basename(unit))
        with open(os.path.join(folder, names[-1]), "w") as f:
            f.write(text)
    with open(os.path.join(folder, "assay-agentd.service")) as f:
        unit = f.read()
    # The agent looks for the launch key once, in a folder that this module makes.
    for setting in ("Wants", "After"):
        check(re.search(rf"(?m)^{setting}=.*\bmodprobe@efi_secret\.service\b", unit), f"assay-agentd.service: {setting}= efi_secret")
    # What systemd itself ends is, for who asked, an empty credential.
    with open(os.path.join(folder, "assay-credential.socket")) as f:
        check("\nMaxConnections=4096\n" in f.read(), "assay-credential.socket: no unit is one too many")
    with open(os.path.join(folder, "assay-credential@.service")) as f:
        unit = f.read()
    runtime = re.search(r"(?m)^RuntimeMaxSec=(\d+)$", unit)
    check(runtime is not None and int(runtime[1]) > 3600, "assay-credential@.service: longer than the longest timeout")
    # A volume that the file systems wait for may be what is asked for; systemd.exec(5) has what waits for them.
    waits = re.findall(r"(?m)^(?:PrivateTmp|RequiresMountsFor|WorkingDirectory|\w+Directory)=.*|\blocal-fs\.target\b", unit)
    check(waits == [], f"assay-credential@.service: waits for no file system {waits}")
    env = {**os.environ, "SYSTEMD_UNIT_PATH": folder + ":", "SYSTEMD_COLORS": "0"}
    for name in names:
        r = subprocess.run(["systemd-analyze", "verify", "--man=no", os.path.join(folder, name)], capture_output=True, text=True,
                           env=env, timeout=60)
        said = [line for line in (r.stdout + r.stderr).splitlines() if "assay" in line]  # of other units it says what it likes
        check(said == [], f"{name}: systemd has nothing to say {said}")
    for name, limit in LIMITS.items():
        r = subprocess.run(["systemd-analyze", "security", "--offline=yes", os.path.join(folder, name)], capture_output=True,
                           text=True, env=env, timeout=60)
        got = re.search(r"Overall exposure level for \S+: ([0-9.]+)", r.stdout)
        check(got is not None and float(got[1]) <= limit, f"{name}: {got and got[1]}, at most {limit} {r.stderr}")
        told = re.search(rf"`{re.escape(name)}` ([0-9.]+)", readme)
        check(told is None or got is not None and told[1] == got[1], f"{name}: the README says so")
    check("`assayd.service` 1.1" in readme, "the README has the figure of assayd.service")
done()
