# SPDX-License-Identifier: Apache-2.0
"""Bad input, configuration, and where the answer goes. Needs no captures."""

import json
import os
import stat
import subprocess
import threading

from harness import ASSAY, FOLDER, done, fits, ok, path, run

GARBAGE = path("garbage", bytes(range(256)) * 20)
EMPTY = path("empty")
MIB = 1024 * 1024


def refused(r, name):
    """A file that was read whole and is no evidence."""
    good = r.code == 1 and r.err == ""
    if good and r.out.startswith("{"):
        good = (r.json["verdict"] == "refused" and r.json["tee"] is None
                and r.json["genuine"] is False and r.failed() == ["evidence.format"])
    elif good:
        good = r.out.startswith("REFUSED  ") and "FAIL  evidence.format" in r.out and fits(r.out)
    return ok(good, name, r)


# --- evidence that is none -----------------------------------------------------------------------
for name, file in (("0 bytes", EMPTY), ("garbage", GARBAGE), ("/dev/null", "/dev/null"),
                   ("text", path("text", b"hello\n")), ("one byte", path("one", b"\x03")),
                   ("one line of 1 MiB", path("long", b"x" * MIB)),
                   ("zeros", path("zeros", b"\0" * 1184)),
                   ("JSON, a million deep", path("deep", b"[" * 1000000)),
                   ("JSON objects, deep", path("deep2", b'{"tcbInfo":' * 100000)),
                   ("PEM without end", path("pem", b"-----BEGIN CERTIFICATE-----\n" * 1000))):
    refused(run("verify", file), f"verify {name}")
    refused(run("verify", "--json", file), f"verify --json {name}")
    r = run("inspect", file)
    ok(r.code == 1 and r.out == "" and file in r.err, f"inspect {name}", r)
    r = run("inspect", "--json", file)
    ok(r.code == 1 and r.json["kind"] is None and r.json["error"], f"inspect --json {name}", r)
    r = run("verify", "-c", file, GARBAGE)
    ok(r.code == 2 and r.out == "" and file in r.err, f"verify -c {name}", r)
    r = run("collateral", "show", file)
    ok(r.code == 2 and r.out == "", f"collateral show {name}", r)
    r = run("verify", "--trust-root", file, GARBAGE)
    ok(r.code == 2 and r.out == "" and "--trust-root" in r.err, f"verify --trust-root {name}", r)

refused(run("verify", "-", stdin=b"no evidence"), "verify - with garbage")
refused(run("verify", "-"), "verify - with nothing")

# --- times: judged, or at least understood -------------------------------------------------------
for text, time in (("2025-07-04", "2025-07-04T00:00:00Z"),
                   ("2025-07-04T10:16:31Z", "2025-07-04T10:16:31Z"),
                   ("2025-07-04t10:16:31.999z", "2025-07-04T10:16:31Z"),
                   ("2025-07-04T01:16:31+02:00", "2025-07-03T23:16:31Z"),
                   ("2025-12-31T23:30:00-05:30", "2026-01-01T05:00:00Z"),
                   ("2024-02-29 12:00:00Z", "2024-02-29T12:00:00Z"),
                   ("1969-12-31T23:59:59Z", "1969-12-31T23:59:59Z"),
                   ("2100-03-01", "2100-03-01T00:00:00Z")):
    r = run("verify", "--json", "--time", text, GARBAGE)
    ok(r.json["time"] == time, f"--time {text} is {time}", r)

# --- files that cannot be read whole -------------------------------------------------------------
huge = os.path.join(FOLDER.name, "huge")
with open(huge, "wb") as f:
    f.truncate(4 * 1024 * MIB)
for args, words in ((["verify", huge], "is 4.0 GiB; evidence is at most 64 MiB"),
                    (["verify", "-c", huge, GARBAGE], "is 4.0 GiB; collateral is at most 64 MiB"),
                    (["inspect", huge], "is 4.0 GiB"),
                    (["verify", "/dev/zero"], "is more than 64 MiB")):
    r = run(*args)
    ok(r.code == 2 and words in r.err and r.out == "", f"too large: {args[0]} {args[1][:2]}", r)
r = run("verify", FOLDER.name)
ok(r.code == 2 and "is a folder without outblob" in r.err, "verify of a folder without evidence", r)
for name in ("outblob", "auxblob"):
    folder = os.path.join(FOLDER.name, "waits-" + name)
    path(f"waits-{name}/outblob", b"x")
    if name == "outblob":
        os.remove(os.path.join(folder, name))
    os.mkfifo(os.path.join(folder, name))
    try:
        code = run("verify", folder, timeout=20).code
    except subprocess.TimeoutExpired:
        code = "none: it waits"
    ok(code == (2 if name == "outblob" else 1), f"a pipe called {name} in a folder", code)
r = run("verify", "--platforms", FOLDER.name, GARBAGE)
ok(r.code == 2 and "is a folder" in r.err, "a folder where a file is wanted", r)
r = run("verify", "gone")
ok(r.code == 4 and r.err == "assay verify: gone: No such file or directory\n", "no such file", r)
r = run("verify", "/proc/self/mem")
ok(r.code == 4 and r.out == "", "a file that cannot be read", r)
if os.geteuid() != 0:
    locked = path("locked", b"x")
    os.chmod(locked, 0)
    r = run("verify", locked)
    ok(r.code == 4 and "Permission denied" in r.err, "a file that may not be read", r)


def fifo(size):
    """Verifies through a pipe with a name, into which size bytes are written."""
    name = os.path.join(FOLDER.name, f"fifo{size}")
    os.mkfifo(name)

    def write():
        try:
            with open(name, "wb", buffering=0) as file:
                for _ in range(size // 4096):
                    file.write(b"\xff" * 4096)
        except BrokenPipeError:
            pass
    thread = threading.Thread(target=write)
    thread.start()
    result = run("verify", name)
    thread.join(10)
    ok(not thread.is_alive(), f"the writer of {size} bytes is let go")
    return result


refused(fifo(8192), "verify a pipe")
r = fifo(80 * MIB)
ok(r.code == 2 and "is more than 64 MiB" in r.err, "verify an endless pipe", r)

# --- a folder of collateral ----------------------------------------------------------------------
mixed = os.path.join(FOLDER.name, "mixed")
path("mixed/notes.txt", b"hello")
path("mixed/.hidden", b"-----BEGIN CERTIFICATE-----\nAAAA\n")
os.mkdir(os.path.join(mixed, "inner"))
os.mkfifo(os.path.join(mixed, "pipe"))
os.symlink(huge, os.path.join(mixed, "large"))
r = run("verify", "-c", mixed, GARBAGE)
ok(r.code == 2 and "holds no collateral" in r.err and "notes" not in r.err,
   "files that are no collateral are passed over silently", r)
r = run("verify", "-v", "-c", mixed, GARBAGE)
ok("passed over: " in r.err and "notes.txt" in r.err, "-v names them", r)
path("damaged/a.pem", b"-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----\n")
r = run("verify", "-c", os.path.join(FOLDER.name, "damaged"), GARBAGE)
ok(r.code == 2 and r.out == "" and "a.pem: " in r.err, "damaged collateral is not passed over", r)
path("escape/\x1b[31mred\n", b"hello")
r = run("verify", "-v", "-c", os.path.join(FOLDER.name, "escape"), GARBAGE)
ok("\x1b" not in r.err and "?[31mred?" in r.err, "a name of a file does not steer the terminal", r)

# Of C1, too, in UTF-8 (where xterm obeys it) and as a bare byte (where others do).
for name in (b"csi\xc2\x9b31m", b"csi\x9b31m"):
    for args in (["verify", name + b"gone"], ["verify", name], ["inspect", "--json", name]):
        with open(os.path.join(FOLDER.name.encode(), name), "wb") as file:
            file.write(b"x")
        p = subprocess.run([ASSAY, *args], cwd=FOLDER.name, capture_output=True, check=False,
                           env=os.environ | {"HOME": FOLDER.name})
        told = p.stdout + p.stderr
        ok(b"csi" in told and b"\x9b" not in told, f"{args[:-1]} {name} does not steer the terminal", told)

# --- environment and configuration ---------------------------------------------------------------
gone = {"ASSAY_COLLATERAL": "/gone/a:/gone/b"}
r = run("verify", GARBAGE, env=gone)
ok(r.code == 4 and "/gone/a: No such file" in r.err, "ASSAY_COLLATERAL is read", r)
r = run("verify", "-c", GARBAGE, GARBAGE, env=gone)
ok(r.code == 2 and "/gone" not in r.err, "--collateral goes before it", r)
refused(run("verify", GARBAGE, env={"ASSAY_COLLATERAL": ""}), "an empty one is none")


def conf(text):
    path("xdg/assay/assay.conf", text.encode())
    return {"XDG_CONFIG_HOME": os.path.join(FOLDER.name, "xdg")}


r = run("verify", GARBAGE, env=conf("# mine\n\ncollateral = /gone/c  # there\nurl=https://x\nca = y\n"))
ok(r.code == 4 and "/gone/c: No such file" in r.err, "the configuration is read", r)
r = run("verify", GARBAGE, env={**conf("collateral = /gone/c\n"), **gone})
ok(r.code == 4 and "/gone/a" in r.err, "the environment goes before it", r)
path("home/.config/assay/assay.conf", b"collateral = /gone/d\n")
r = run("verify", GARBAGE, env={"HOME": os.path.join(FOLDER.name, "home")})
ok(r.code == 4 and "/gone/d" in r.err, "~/.config is where it is else", r)
for text, words in (("policy = genuine\n", 'assay.conf:1: "policy" cannot be set here'),
                    ("\n# x\ntrust-root = /x\n", 'assay.conf:3: "trust-root" cannot be set here'),
                    ("time = now", '"time" cannot be set here'),
                    ("collateral\n", 'is not "key = value"'),
                    ("collateral =\n", "collateral has no value")):
    for args in (["verify", GARBAGE], ["verify", "-c", GARBAGE, GARBAGE]):
        r = run(*args, env=conf(text))
        ok(r.code == 2 and words in r.err and r.out == "", f"configuration: {text!r}", r)

# --- where the answer goes -----------------------------------------------------------------------
out = os.path.join(FOLDER.name, "out/answer")
os.makedirs(os.path.dirname(out))
r = run("verify", "-o", out, GARBAGE)
with open(out, encoding="utf-8") as f:
    text = f.read()
ok(r.code == 1 and r.out == "" and text.startswith("REFUSED"), "-o takes the answer", r)
ok(os.listdir(os.path.dirname(out)) == ["answer"], "nothing is left beside it")
r = run("verify", "-q", "--json", "--output=" + out, GARBAGE)
with open(out, encoding="utf-8") as f:
    ok(json.load(f)["verdict"] == "refused" and r.out == "", "-q with -o still writes", r)
mask = os.umask(0o077)
run("verify", "-o", out + "2", GARBAGE)
os.umask(mask)
ok(stat.S_IMODE(os.stat(out + "2").st_mode) == 0o600, "under umask 077 the file is 0600")
run("verify", "-o", out + "2", GARBAGE)
ok(stat.S_IMODE(os.stat(out + "2").st_mode) == 0o600, "a file that is closed to others stays so")
os.symlink(out, out + "3")
run("verify", "-o", out + "3", GARBAGE)
ok(os.path.islink(out + "3"), "a link stays a link")
r = run("verify", "-o", "/gone/answer", GARBAGE)
ok(r.code == 4 and "/gone/answer: cannot be written" in r.err, "-o into no folder", r)
r = run("verify", "-o", "/dev/null", GARBAGE)
ok(r.code == 1 and stat.S_ISCHR(os.stat("/dev/null").st_mode), "-o /dev/null leaves the device")
before = os.stat(out).st_ino
run("verify", "-c", GARBAGE, "-o", out, GARBAGE)
ok(os.stat(out).st_ino == before, "a usage error leaves the old file alone")
r = run("verify", "-o", "-", GARBAGE)
ok(r.code == 1 and r.out.startswith("REFUSED"), "-o - is standard output", r)
r = run("verify", "-q", GARBAGE)
ok(r.code == 1 and r.out == "" and r.err == "", "-q prints nothing", r)
for args in (["verify", GARBAGE], ["--help"], ["verify", "--help"], ["explain"], ["--version"],
             ["help"], ["completion", "bash"]):
    with open("/dev/full", "wb") as full:
        p = subprocess.run([ASSAY, *args], stdout=full, stderr=subprocess.PIPE, check=False)
    ok(p.returncode == 4 and p.stderr, f"a full disk is trouble: {args[0]}", p)

# --- colour --------------------------------------------------------------------------------------
r = run("verify", "--color=always", GARBAGE, env={"NO_COLOR": "1"})
ok(r.out.startswith("\x1b[1;31mREFUSED\x1b[0m"), "--color=always", r)
for args, env in ((["--color=never"], {}), ([], {}), (["--color=auto"], {"TERM": "xterm"})):
    ok("\x1b" not in run("verify", *args, GARBAGE, env=env).out, f"no colour: {args} {env}")

done()
