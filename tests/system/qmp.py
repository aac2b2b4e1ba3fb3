# SPDX-License-Identifier: Apache-2.0
"""A QMP that no one here wrote: QEMU's own, of a guest that is not under SEV. Arguments: assay, assay-sim,
assay-brokerd."""

import os
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir, "host"))
from harness import Broker, Guest, check, done, wait_until  # noqa: E402
from daemons import end_with_us  # noqa: E402

QEMU = shutil.which("qemu-system-x86_64")
if QEMU is None:
    if os.environ.get("ASSAY_REQUIRE_SYSTEM") and os.uname().machine == "x86_64":
        print("1..1\nnot ok 1 - no qemu-system-x86_64: scripts/deps system")
        sys.exit(1)
    print("1..0 # SKIP no qemu-system-x86_64: scripts/deps system")
    sys.exit(0)
assay, assay_sim, brokerd = map(os.path.abspath, sys.argv[1:])


class Platform:
    """A software platform's folder, where the broker finds certificates."""

    def __init__(self, folder):
        self.folder = f"{folder}/P"
        self.run = lambda *words: subprocess.run(words, capture_output=True, text=True, cwd=folder, timeout=60, check=False)
        self.run(assay_sim, "new", "--tee", "sev-es", "--seed", "7", "P")


with tempfile.TemporaryDirectory(prefix="assay-qmp-") as folder:
    platform = Platform(folder)
    sockets = [f"{folder}/q{i}.sock" for i in range(2)]
    qemu = subprocess.Popen([QEMU, "-S", "-accel", "tcg", "-nodefaults", "-display", "none",
                             *(word for path in sockets for word in ("-qmp", f"unix:{path},server=on,wait=off"))],
                            stdin=subprocess.DEVNULL, preexec_fn=end_with_us)
    check(wait_until(lambda: all(map(os.path.exists, sockets)), 20), "QEMU listens")
    r = platform.run(assay, "launch", "session", "--guest-policy", "0xf", "--name", "vm", "--trust-root", "P/trust-root",
                     "P/collateral")
    check(r.returncode == 0, f"a session {r.stderr}")
    r = platform.run(assay, "launch", "check", "--launch", "vm.launch.json", "--qmp", f"unix:{sockets[0]}",
                     "--ovmf", "P/firmware.fd", "--vcpus", "1", "--vcpu-type", "EPYC-Milan")
    check(r.returncode == 1 and "its guest is not under SEV" in r.stderr, f"launch check: {r.returncode} {r.stderr}")
    with Broker(brokerd, platform, "--vm", f"vm,socket={folder}/vm.sock,qmp=unix:{sockets[1]}") as broker:
        with Guest(f"{folder}/vm.sock") as guest:
            code, message, _ = guest.evidence()
        check(code == 14, f"the guest has no evidence: {code} {message}")
        check(broker.wait_line("VM vm: no report: .*SEV is not enabled"), "and the log has QEMU's word for why")
    qemu.kill()
    qemu.wait()
done()
