# SPDX-License-Identifier: Apache-2.0
"""assay-sim run as its users meet it: exit codes, faults, signals, and nothing left behind.

Arguments: assay-sim, a C compiler, the folder of the test programs.
"""

import glob
import os
import re
import shlex
import signal
import subprocess
import sys
import tempfile
import time

from forbidden import WITHOUT_LEAK_CHECK, forbidden

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir))
from daemons import clock, wait_until  # noqa: E402

SIM, CC, PROGRAMS = os.path.abspath(sys.argv[1]), shlex.split(sys.argv[2]), os.path.abspath(sys.argv[3])
ROOT = os.environ["ASSAY_SOURCE_ROOT"]
FOLDER = tempfile.TemporaryDirectory(prefix="assay-sandbox-")
TMP = os.path.join(FOLDER.name, "tmp")
ENV = dict(os.environ, TMPDIR=TMP)
TSM = "/sys/kernel/config/tsm/report"
count = failed = 0
os.mkdir(TMP)
# A shell that starts this in the background has SIGINT ignored, and nohup SIGHUP, which a program cannot undo
# in a trap.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)


def ok(condition, name, detail=""):
    global count, failed
    count += 1
    failed += not condition
    print(f"{'ok' if condition else 'not ok'} {count} - {name}", flush=True)
    if not condition:
        for line in repr(detail).splitlines():
            print("#", line)


def run(*args, stdin=b"", command=(SIM, "run")):
    done = subprocess.run([*command, *args], input=stdin, capture_output=True, timeout=60, cwd=FOLDER.name,
                          env=ENV, check=False)
    return done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")


def script(tee, text, *options):
    return run("--tee", tee, "--platform", f"{FOLDER.name}/{tee}", *options, "--", "sh", "-c", text)


def start(text, tee="tdx", **more):
    return subprocess.Popen([SIM, "run", "--tee", tee, "--platform", f"{FOLDER.name}/{tee}", "--", "sh", "-c", text],
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=FOLDER.name, env=ENV, **more)


def alive(mark):
    """The processes that have this word on their command line; zombies have none."""
    found = []
    for path in glob.glob("/proc/[0-9]*/cmdline"):
        try:
            with open(path, "rb") as file:
                if mark.encode() in file.read():
                    found.append(path)
        except OSError:
            pass
    return found


def gone(mark):
    end = time.monotonic() + 10
    while alive(mark) and time.monotonic() < end:
        time.sleep(0.02)
    return not alive(mark)


def sockets():
    with open("/proc/net/unix", encoding="ascii", errors="replace") as file:
        return {line for line in file if "assay-sim/" in line}


def traces():
    """What a run could leave behind: mounts, folders, and sockets. Of these a sandbox that runs beside this test
    has some as well, for as long as it runs."""
    with open("/proc/self/mountinfo", encoding="ascii", errors="replace") as file:
        mounts = [line for line in file if "assay-sim" in line]
    left, end = sockets(), time.monotonic() + 60
    while left and time.monotonic() < end:
        time.sleep(0.05)
        left &= sockets()
    return mounts + os.listdir(TMP) + sorted(left)


why = forbidden()
if why:
    print("1..0 # SKIP", why)
    sys.exit(0)
code, out, err = run("--tee", "tdx", "--", "true")
for tee in ("tdx", "snp", "sgx"):
    subprocess.run([SIM, "new", "--tee", tee, "--seed", "5", f"{FOLDER.name}/{tee}"], check=True,
                   stdout=subprocess.DEVNULL)

# The command line and the exit status.
ok((code, out, err) == (0, "", "") and traces() == [], "silent, and its own platform is gone", (out, err, traces()))
for name, args, want, words in (
        ("no TEE", ["--", "true"], 2, "which TEE?"),
        ("no program", ["--tee", "tdx"], 2, "which program?"),
        ("a TEE that there is not", ["--tee", "vtpm", "--", "true"], 2, 'tdx, snp, sgx, sev or sev-es'),
        ("an unknown option", ["--tea", "tdx", "--", "true"], 2, "--tea: no such option"),
        ("a value missing", ["--tee"], 2, "--tee: wants T"),
        ("an unknown fault", ["--tee", "tdx", "--fault", "busy:3,lazy", "--", "true"], 2, '"lazy" is no fault'),
        ("a fault with a bad count", ["--tee", "tdx", "--fault", "busy:x", "--", "true"], 2, '"busy:x" is no fault'),
        ("a fault without a duration", ["--tee", "tdx", "--fault", "slow", "--", "true"], 2, '"slow" is no fault'),
        ("a time for a platform that has one", ["--tee", "tdx", "--platform", "tdx", "--time", "now", "--", "true"], 2,
         "has its own"),
        ("another kind", ["--tee", "snp", "--platform", "tdx", "--", "true"], 2, "is a platform of kind tdx"),
        ("no platform there", ["--tee", "snp", "--platform", "nowhere", "--", "true"], 125, "nowhere"),
        ("not found", ["--tee", "tdx", "--", "/nowhere/program"], 127, "/nowhere/program: No such file"),
        ("not executable", ["--tee", "tdx", "--", "/etc/passwd"], 126, "/etc/passwd: Permission denied"),
        ("its status", ["--tee", "tdx", "--", "sh", "-c", "exit 37"], 37, ""),
        ("its signal", ["--tee", "tdx", "--", "sh", "-c", "kill -TERM $$"], 143, ""),
        ("killed", ["--tee", "snp", "--", "sh", "-c", "kill -KILL $$"], 137, "")):
    code, out, err = run(*args)
    ok(code == want and words in err and out == "" and err.count("assay-sim") <= 3, f"{name}: exit {want}",
       (code, out, err))
code, out, err = run("--help")
ok(code == 0 and "emulation, not confinement" in out and len(out.splitlines()) <= 40
   and all(len(line) <= 79 for line in out.splitlines()), "help fits, and says what it is not", out)
ok(script("tdx", "cat; echo to stderr >&2")[1:] == ("", "to stderr\n"), "standard streams are the program's")
code, out, err = run("--tee", "tdx", "--", "cat", stdin=b"through")
ok(out == "through", "standard input too", (out, err))
code, out, err = script("snp", "true", "-v")
ok(err.splitlines()[0] == "assay-sim: snp: /dev/sev-guest, configfs-tsm, system call 0xEA01", "-v", err)

# The other TEE's interfaces are not there; the rest of /dev and /sys is.
code, out, err = script("snp", "ls /dev/tdx_guest /sys/class/misc/tdx_guest; ls /dev/null /sys/kernel/mm /dev/pts /dev/shm")
ok("tdx_guest" not in out and "/dev/null" in out and "/dev/shm" in out, "snp has nothing of tdx, and all of the rest", out)
script("tdx", "touch /dev/shm/assay-sandbox-test; mkdir /dev/only-here")
ok(os.path.exists("/dev/shm/assay-sandbox-test") and not os.path.exists("/dev/only-here"), "shared memory is shared")
os.unlink("/dev/shm/assay-sandbox-test")

# Faults.
ATTEST = (f"mkdir {TSM}/a; head -c 64 /dev/zero > {TSM}/a/inblob; "
          f"for i in 1 2 3 4; do cat {TSM}/a/outblob 2>&1 >/dev/null | grep -o 'Device or resource busy'; done; ")
code, out, err = script("tdx", ATTEST, "--fault", "busy:3")
ok(out.count("busy") == 3, "busy:3 is EBUSY three times", out)
code, out, err = script("tdx", ATTEST + f"cat {TSM}/a/generation", "--fault", "stale-generation")
ok(out == "2\n", "stale-generation: another writer was there, once", out)
began, wall = clock(), time.monotonic()
script("tdx", ATTEST, "--fault", "slow:300ms")
ok(0.3 <= time.monotonic() - wall and clock() - began < 5, "slow:300ms")
began = clock()
code, out, err = run("--tee", "tdx", "--fault", "slow:1m", "--", "timeout", "-k", "5", "0.3", "sh", "-c", ATTEST)
took = clock() - began
ok(code == 124 and took < 4, "a slow one can be interrupted", (code, took))
HEX = f"od -An -v -tx1 {TSM}/a/outblob | tr -d ' \\n'"
code, out, err = script("tdx", ATTEST + HEX, "--fault", "wrong-nonce,busy:1")
ok(out.endswith("") and "ff" + "00" * 63 in out, "wrong-nonce: a report for another", out[:100])
code, out, err = script("tdx", ATTEST + HEX)
ok("00" * 64 in out and "ff" + "00" * 63 not in out, "without a fault it is right", out[:100])
code, out, err = script("tdx", f"mkdir {TSM}/a; cat {TSM}/a/outblob", "-v")
ok("assay-sim: tsm/report/a: outblob: Invalid argument" in err, "-v tells of what was refused", err)

# The program of docs/get_attestation.md, as it stands there.
with open(f"{ROOT}/docs/get_attestation.md", encoding="utf-8") as file:
    source = re.search("```c\n(#include .*?)```", file.read(), re.S)[1]
with open(f"{FOLDER.name}/get_att.c", "w", encoding="utf-8") as file:
    file.write(source)
subprocess.run([*CC, "-o", "get_att", "get_att.c"], cwd=FOLDER.name, check=True)
for tee, technology in (("snp", 1), ("sgx", 2), ("tdx", 3)):
    code, out, err = run("--tee", tee, "--platform", f"{FOLDER.name}/{tee}", "--", "./get_att")
    length = int(out.split()[1].rstrip(","))
    ok(code == 0 and length > 1184 and out.endswith(f"technology {technology}\n"), f"{tee}: get_att by hand", (out, err))
ok(run(command=("./get_att",))[1] == "length -38, technology 0\n", "outside it is ENOSYS")

# Signals: what is sent to the supervisor reaches the program; stopping stops.
for number in (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1, signal.SIGHUP):
    p = start(f"trap 'echo got; exit 5' {number.name[3:]}; echo ready; while :; do sleep 0.05; done")
    p.stdout.readline()
    p.send_signal(number)
    out, err = p.communicate(timeout=20)
    ok(p.returncode == 5 and out == b"got\n", f"{number.name} is passed on", (p.returncode, out, err))
reader = subprocess.Popen([SIM, "run", "-v", "--tee", "tdx", "--platform", f"{FOLDER.name}/tdx", "--", "sh", "-c",
                           ATTEST + "sleep 0.2; exit 6"], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL)
reader.stderr.close()
ok(reader.wait(timeout=20) == 6, "a log that no one reads does not stop the program", reader.returncode)
def state_of(process):
    with open(f"/proc/{process}/stat", encoding="ascii") as file:
        return file.read().split()[2]


p = start("echo $$; while :; do echo x; sleep 0.02; done")
pid = int(p.stdout.readline())
os.kill(pid, signal.SIGSTOP)
wait_until(lambda: state_of(pid) in "Tt")
time.sleep(0.3)
state = state_of(pid)
os.kill(pid, signal.SIGCONT)
wait_until(lambda: state_of(pid) not in "Tt")
os.kill(pid, signal.SIGKILL)
p.communicate(timeout=20)
ok(state in "Tt" and p.returncode == 137, "a stopped program stays stopped, and can go on", (state, p.returncode))

# Nothing is left behind.
mark = f"assay-mark-{os.getpid()}"
code, out, err = script("tdx", f"sh -c 'sleep 1000 # {mark}' & (sh -c 'sleep 1000; : {mark}' &) ; echo started")
ok(code == 0 and out == "started\n" and alive(mark) == [], "what the program left running ends with it", alive(mark))
for victim in ("supervisor", "program"):
    p = start(f"mkdir {TSM}/x; sh -c 'sleep 1000; : {mark}' & sh -c 'sleep 1000; : {mark}' & echo $$; wait")
    pid = int(p.stdout.readline())
    time.sleep(0.2)
    os.kill(p.pid if victim == "supervisor" else pid, signal.SIGKILL)
    p.wait(timeout=20)
    ok(gone(mark) and p.returncode == (-9 if victim == "supervisor" else 137), f"SIGKILL of the {victim}: no process left",
       (alive(mark), p.returncode))
    p.stdout.close()
    p.stderr.close()
# In the middle of everything: the threads of attestations, and then no supervisor.
for delay in (0.02, 0.05, 0.1, 0.2):
    p = subprocess.Popen([SIM, "run", "--tee", "tdx", "--platform", f"{FOLDER.name}/tdx", "--",
                          f"{PROGRAMS}/threads_client", "tdx", mark], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(delay)
    p.kill()
    p.wait(timeout=20)
    ok(gone(mark), f"SIGKILL of the supervisor after {delay} s of attestations", alive(mark))
code, out, err = script("tdx", f"{PROGRAMS}/threads_client tdx & sleep 0.05; kill -9 $!; exit 0")
ok(code == 0, "a program killed within its attestations", (code, err))
ok(traces() == [], "no mounts, sockets or folders", traces())
with open("/proc/self/mountinfo", encoding="ascii", errors="replace") as file:
    ok("/sys/kernel/config" not in [line.split()[4] for line in file if "tmpfs" in line], "our own /sys is untouched")

# Without CAP_SYS_ADMIN the program gets a user namespace; where that is forbidden, a sentence says so.
NO_ADMIN = ["setpriv", "--bounding-set", "-sys_admin", "--inh-caps", "-sys_admin"]
if os.geteuid() == 0 and subprocess.run([*NO_ADMIN, "true"], stderr=subprocess.DEVNULL, check=False).returncode == 0:
    code, out, err = run("--tee", "tdx", "--platform", f"{FOLDER.name}/tdx", "--", *WITHOUT_LEAK_CHECK, f"{PROGRAMS}/tdx_client",
                         command=(*NO_ADMIN, SIM, "run"))
    ok((code == 0 and "not ok" not in out) or (code == 125 and len(err.splitlines()) == 1),
       "in a user namespace", (code, out[-500:], err))
print(f"1..{count}")
sys.exit(1 if failed else 0)
