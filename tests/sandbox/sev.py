# SPDX-License-Identifier: Apache-2.0
"""assay-sim run in guests of SEV and SEV-ES, and on their host's side, with a broker and an agent of the test's own.

Arguments: assay-sim.
"""

import base64
import errno
import ctypes
import fcntl
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time

from forbidden import forbidden

KEY = "c2b5a1f0-6f0e-4d0a-9d57-1f4b7c6e0a35"
COCO = "/sys/kernel/security/secrets/coco"
CERT, ISSUE = 2084, 0xC0105300


def command(fd, number, data, address=None):
    """One command of /dev/sev: errno, the firmware's status, the data after it."""
    buffer = ctypes.create_string_buffer(data, len(data)) if data else None
    request = bytearray(struct.pack("<IQI", number, ctypes.addressof(buffer) if data else (address or 0), 77))
    error = 0
    try:
        fcntl.ioctl(fd, ISSUE, request)
    except OSError as failure:
        error = failure.errno
    return error, struct.unpack("<IQI", request)[2], buffer.raw if data else b""


def export(fd):
    """PDH and chain."""
    pdh, chain = ctypes.create_string_buffer(CERT), ctypes.create_string_buffer(3 * CERT)
    data = struct.pack("<QIQI", ctypes.addressof(pdh), CERT, ctypes.addressof(chain), 3 * CERT)
    return command(fd, 5, data)[:2], pdh.raw, chain.raw


class Qmp:
    """A client of QMP."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(20)
        for _ in range(500):
            try:
                self.socket.connect(path)
                break
            except OSError:
                time.sleep(0.02)
        self.lines = self.socket.makefile("r")
        self.greeting = json.loads(self.lines.readline())
        self("qmp_capabilities")

    def __call__(self, name, **arguments):
        self.socket.sendall(json.dumps({"execute": name, "arguments": arguments}).encode())
        while True:
            answer = json.loads(self.lines.readline())
            if "event" not in answer:
                return answer


# --- the programs that it plays ------------------------------------------------------------------


PORT = 600  # of the guest's end; the program is root there, whoever we are


def play_broker(arguments):
    """assay-brokerd: a report for 16 bytes, in a frame of ttrpc."""
    spec = dict(part.split("=", 1) for part in arguments[arguments.index("--vm") + 1].split(",")[1:])
    assert arguments[arguments.index("--source") + 1] == "sev:/dev/sev"
    with open(arguments[arguments.index("--cek") + 1], "rb") as file:
        assert len(file.read()) == CERT
    (result, _), _, chain = export(os.open("/dev/sev", os.O_RDONLY))
    assert result == 0 and int(spec["pid"]) > 1
    server = socket.socket(socket.AF_UNIX)
    server.bind(spec["socket"])
    server.listen()
    while True:
        guest, _ = server.accept()
        nonce = guest.recv(16)
        if not nonce:  # who looks whether somebody listens
            continue
        answer = Qmp(spec["qmp"].removeprefix("unix:"))("query-sev-attestation-report",
                                                         mnonce=base64.b64encode(nonce).decode())
        report = base64.b64decode(answer["return"]["data"]) if "return" in answer else b""
        if report:
            assert report[:16] == nonce  # the broker is honest, and looks
        payload = report + (chain[:CERT] if report else json.dumps(answer).encode())
        frame = struct.pack(">IIBB", len(payload), 1, 2, 0) + payload
        for at in range(0, len(frame), 100):
            guest.sendall(frame[at:at + 100])
        guest.close()


def play_agent():
    """assay-agentd: takes the key away, and answers with its length."""
    with open(f"{COCO}/{KEY}", "rb") as file:
        key = file.read()
    os.unlink(f"{COCO}/{KEY}")
    server = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    server.bind("/run/assay/attest.sock")
    server.listen()
    while True:
        caller, _ = server.accept()
        try:
            caller.send(f"{len(key)} {os.getppid()}".encode())
        except OSError:
            pass
        caller.close()


def ask_broker():
    """In the guest: a report over vsock, as hex; and the addresses of the two ends."""
    guest = socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM)
    guest.bind((socket.VMADDR_CID_ANY, PORT))
    guest.setblocking(False)  # another socket now, of the same number
    guest.setblocking(True)
    guest.connect((2, 5577))
    print(*guest.getsockname(), guest.getpeername())
    guest.sendall(bytes(range(16)))
    got = b""
    while part := guest.recv(4096):
        got += part
    print(got[10:].hex())
    try:
        socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM).connect((2, 4050))
    except OSError as error:
        print(error.errno)


def bind_ports():
    """In the guest: what its kernel says to these ports, once as root and once as anybody."""
    held = []
    for cid, port in ((socket.VMADDR_CID_ANY, 600), (3, 600), (9, 601), (3, 1023), (3, 1024), (3, socket.VMADDR_PORT_ANY)):
        held.append(socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM))
        try:
            held[-1].bind((cid, port))
            print("bound", held[-1].getsockname()[1] == port or port == socket.VMADDR_PORT_ANY)
        except OSError as error:
            print(errno.errorcode[error.errno])
    try:
        held[0].bind((3, 2000))
    except OSError as error:
        print(errno.errorcode[error.errno])


if os.path.basename(sys.argv[0]) == "assay-brokerd":
    play_broker(sys.argv[1:])
if os.path.basename(sys.argv[0]) == "assay-agentd":
    play_agent()
if sys.argv[1:] == ["ask-broker"]:
    ask_broker()
    sys.exit(0)
if sys.argv[1:] == ["bind-ports"]:
    bind_ports()
    sys.exit(0)

# --- the test ------------------------------------------------------------------------------------

SIM = os.path.abspath(sys.argv[1])
why = forbidden()
if why:
    print("1..0 # SKIP", why)
    sys.exit(0)
FOLDER = tempfile.TemporaryDirectory(prefix="assay-sev-")
TMP, BIN = f"{FOLDER.name}/tmp", f"{FOLDER.name}/bin"
P = f"{FOLDER.name}/P"
os.mkdir(TMP)
os.mkdir(BIN)
# Neither broker nor agent of the system is found, but those of this test where it wants them.
ENV = dict(os.environ, TMPDIR=TMP, PATH=f"{BIN}:/usr/local/bin:/usr/bin:/bin")
count = failed = 0


def ok(condition, name, detail=""):
    global count, failed
    count += 1
    failed += not condition
    print(f"{'ok' if condition else 'not ok'} {count} - {name}", flush=True)
    if not condition:
        for line in repr(detail).splitlines():
            print("#", line)


def run(*args, stdin=None):
    done = subprocess.run([SIM, "run", *args], input=stdin, capture_output=True, timeout=120, cwd=FOLDER.name, env=ENV,
                          check=False, text=True)
    return done.returncode, done.stdout, done.stderr


def install(name):
    with open(f"{BIN}/{name}", "w", encoding="ascii") as file:
        file.write(f"#!{sys.executable}\n")
        with open(__file__, encoding="utf-8") as source:
            file.write(f"import sys\nsys.path.insert(0, {os.path.dirname(os.path.abspath(__file__))!r})\n")
            file.write(source.read())
    os.chmod(f"{BIN}/{name}", 0o755)


def script(text, *options, tee="sev-es", platform=P):
    return run("--tee", tee, "--platform", platform, *options, "--", "sh", "-c", text)


def python(text, *options):
    """On the host's side: text with command() and export() and fd of /dev/sev."""
    head = ("import ctypes,fcntl,struct,os,sys,json,base64,socket,time\n"
            f"CERT, ISSUE = {CERT}, {ISSUE}\n")
    with open(__file__, encoding="utf-8") as source:
        whole = source.read()
    head += whole[whole.index("def command("):whole.index("# --- the programs that")]
    with open(f"{FOLDER.name}/host.py", "w", encoding="utf-8") as file:
        file.write(head + "fd = os.open('/dev/sev', os.O_RDWR)\nro = os.open('/dev/sev', os.O_RDONLY)\n" + text)
    return run("--tee", "sev-es", "--platform", P, "--host", *options, "--", sys.executable, f"{FOLDER.name}/host.py")


subprocess.run([SIM, "new", "--tee", "sev-es", "--seed", "5", P], check=True, stdout=subprocess.DEVNULL)
subprocess.run([SIM, "new", "--tee", "sev", "--ext-owned", "--seed", "6", f"{FOLDER.name}/Q"], check=True,
               stdout=subprocess.DEVNULL)

# The command line.
for name, args, want, words in (
        ("--launch without --qmp", ["--tee", "sev", "--launch", "vm", "--", "true"], 2, "give that too"),
        ("an address that is none", ["--tee", "sev", "--qmp", "q", "--", "true"], 2, "write unix:PATH"),
        ("--host of another TEE", ["--tee", "tdx", "--host", "--", "true"], 2, "are for sev and sev-es"),
        ("a cheating host of another TEE", ["--tee", "snp", "--fault", "other-vm", "--", "true"], 2,
         "are for sev and sev-es"),
        ("a session that is not there", ["--tee", "sev-es", "--platform", P, "--launch", "no", "--qmp", "unix:q", "--",
                                         "true"], 125, "no_godh.b64: No such file"),
        ("another kind", ["--tee", "sev", "--platform", P, "--", "true"], 2, "is a platform of kind sev-es")):
    code, out, err = run(*args)
    ok(code == want and words in err and out == "", f"{name}: exit {want}", (code, out, err))

# A guest: its secret, and what its owner keeps.
code, out, err = script(f"ls {COCO} /run/assay; stat -c %a {COCO}/*; echo > /run/assay/x && cat {COCO}/* | base64 -w0;"
                        f"echo; rm {COCO}/*; ls {COCO}; ls /dev/sev /dev/sev-guest /dev/tdx_guest")
lines = out.splitlines()
ok(code == 2 and KEY in lines and "440" in lines, "the owner's key is below securityfs", (code, out, err))
ok(err.count("No such file") == 3, "no device of a host or of another TEE", err)
with open(f"{P}/launch.json", encoding="ascii") as file:
    record = json.load(file)
launch = record["launch"]
public = base64.b64decode(launch["key"])
private = base64.b64decode(lines[-1])
ok(public[26:] in private, "the record has its public half", launch["key"])
ok(launch["stage"] == "complete" and launch["tee"] == "sev-es" and launch["policy"] == 15
   and launch["secrets"] == [KEY] and launch["api"] == {"major": 1, "minor": 55, "build": 21}, "and all else", launch)
ok(sorted(launch["chain"]) == ["ask", "cek", "oca", "pdh", "pek"]
   and all(base64.b64decode(launch["chain"][n]) == open(f"{P}/collateral/{n}.cert", "rb").read()
           for n in ("ask", "cek", "oca", "pek", "pdh")), "the chain is the platform's", launch["chain"].keys())
ok(record["signature"].count("..") == 1 and os.stat(f"{P}/owner.pem").st_mode & 0o777 == 0o600, "signed")
with open(f"{P}/owner.jwk", encoding="ascii") as file:
    ok(json.load(file) == launch["signer"], "by the key in owner.jwk")
with open(f"{P}/evidence.bin", "rb") as file:
    ok(file.read()[16:48].hex() == launch["digest"], "the digest is that of evidence.bin")
owner = open(f"{P}/owner.pem", encoding="ascii").read()
code, out, err = script("true")
with open(f"{P}/launch.json", encoding="ascii") as file:
    again = json.load(file)["launch"]
ok(code == 0 and open(f"{P}/owner.pem", encoding="ascii").read() == owner and again["key"] != launch["key"]
   and again["mnonce"] != launch["mnonce"] and again["digest"] == launch["digest"], "another run, another key",
   (code, err))
code, out, err = run("--tee", "sev", "--", "sh", "-c", f"ls {COCO}")
ok((code, out, err) == (0, f"{KEY}\n", ""), "silent, and with a platform of its own", (code, out, err))
code, out, err = script("exit 7", "-v")
ok(code == 7 and "no assay-brokerd in PATH" in err and "no assay-agentd in PATH" in err, "-v says what is not there",
   err)
ok(run("--tee", "sev", "--", sys.executable, "-c",
       "import socket; socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM).connect((2, 5577))")[0] == 1
   and os.listdir(TMP) == [], "nobody at vsock 5577", os.listdir(TMP))

# Broker and agent around the program.
install("assay-brokerd")
ASK = f"{sys.executable} {os.path.abspath(__file__)} ask-broker"
code, out, err = script(ASK, "-v")
lines = out.splitlines()
ok(code == 0 and lines[0] == f"3 {PORT} (2, 5577)" and lines[2:] == ["104"], "vsock 2:5577 is the broker, and 4050 no one",
   (code, out, err))
report = bytes.fromhex(lines[1]) if len(lines) > 1 else b""
ok(len(report) == 208 + CERT and report[:16] == bytes(range(16)) and report[16:48].hex() == launch["digest"]
   and report[208:] == open(f"{P}/collateral/pek.cert", "rb").read(), "a report, and certificates of /dev/sev", out)
ok("broker: " in err and "listens" in err and os.listdir(TMP) == [], "-v says it, and nothing is left", err)
code, out, err = script(f"{sys.executable} {os.path.abspath(__file__)} bind-ports", "-v")
ok(code == 0 and out.split("\n") == ["bound True", "EADDRINUSE", "EADDRNOTAVAIL", "bound True", "bound True", "bound True",
                                     "EINVAL", ""] and "vsock: port 1023" in err, "root's ports are root's", (code, out, err))
code, out, err = script(f"setpriv --bounding-set -all --inh-caps -all {sys.executable} {os.path.abspath(__file__)} bind-ports")
ok(code == 0 and out.split("\n")[:6] == ["EACCES", "EACCES", "EADDRNOTAVAIL", "EACCES", "bound True", "bound True"],
   "and nobody else's", (code, out, err))


def cheated(fault):
    code, out, err = script(ASK, "--fault", fault)
    lines = out.splitlines()
    ok(code == 0 and len(lines) == 3, f"{fault}: answered", (code, out, err))
    return bytes.fromhex(lines[1])


answer = cheated("wrong-nonce")
ok(answer[:16] == bytes([255, *range(1, 16)]) and answer[16:48].hex() == launch["digest"], "a nonce of the host's")
answer = cheated("replay")
ok(answer[:16] != bytes(range(16)) and answer[1:16] != bytes(range(1, 16)) and answer[16:48].hex() == launch["digest"],
   "a report of yesterday")
answer = cheated("other-vm")
ok(answer[:16] == bytes(range(16)) and answer[16:48].hex() != launch["digest"], "another VM's report")
ok(b"ret=-16" in cheated("busy:1"), "busy is an error of QMP")
start = time.monotonic()
ok(cheated("slow:400ms") and time.monotonic() - start > 0.4, "slow")



def left():
    """The processes of this test's broker."""
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/cmdline", "rb") as file:
                if BIN.encode() in file.read():
                    found.append(name)
        except OSError:
            pass
    return found


child = subprocess.Popen([SIM, "run", "--tee", "sev-es", "--platform", P, "--", "sh", "-c", "echo on; sleep 60"],
                         cwd=FOLDER.name, env=ENV, stdout=subprocess.PIPE)
child.stdout.readline()
before = left()
child.kill()
child.wait(20)
child.stdout.close()
end = time.monotonic() + 20
while left() and time.monotonic() < end:
    time.sleep(0.02)
ok(before and not left(), "who kills assay-sim ends the broker too", (before, left()))
subprocess.run(["rm", "-rf", TMP], check=True)  # the folder of its sockets is what stays of it
os.mkdir(TMP)

install("assay-agentd")
CALL = ("import socket; s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET); "
        "s.connect('/run/assay/attest.sock'); print(s.recv(99).decode())")
code, out, err = script(f"{sys.executable} -c \"{CALL}\"; ls {COCO}; sh -c 'wait; jobs'", "-v")
ok(code == 0 and out.split()[0] == "138" and len(out.splitlines()) == 1, "the agent ran before, and took the key",
   (code, out, err))
ok("assay-agentd answers" in err, "-v says it", err)
code, out, err = script(f"ls {COCO}", "--no-agent")
ok(code == 0 and out == f"{KEY}\n", "--no-agent", (code, out, err))
with open(f"{BIN}/assay-agentd", "w", encoding="ascii") as file:
    file.write("#!/bin/sh\nexit 3\n")
code, out, err = script("exit 5", "-v")
ok(code == 5 and "does not answer" in err, "an agent that fails holds the program up for seconds, no more", err)
os.unlink(f"{BIN}/assay-agentd")
with open(f"{BIN}/assay-brokerd", "w", encoding="ascii") as file:
    file.write("#!/bin/sh\nexit 3\n")
code, out, err = script("exit 5")
ok(code == 5 and "ended at once" in err, "so a broker", err)
os.unlink(f"{BIN}/assay-brokerd")


# The host's device.
def host(text, want, name, *options):
    code, out, err = python(text, *options)
    ok(code == 0 and out.splitlines() == want, name, (code, out.splitlines(), err))


host("e, s, d = command(ro, 1, bytes(12)); print(e, s, d.hex())", ["0 0 013701000100001500000000"], "PLATFORM_STATUS")
host("""print(command(ro, 5, bytes(24)))
print(command(fd, 3, bytes(12)))
print(command(ro, 8, bytes(12)))""",
     [repr((5, 4, struct.pack("<QIQI", 0, CERT, 0, 3 * CERT))), repr((5, 4, struct.pack("<QI", 0, CERT))),
      repr((5, 4, struct.pack("<QI", 0, 64)))], "lengths are told, with EIO and the firmware's 4")
host("""
(e, s), pdh, chain = export(ro)
print(e, s, chain[2084 * 2 + 0x41c:2084 * 2 + 0x61c] == bytes(512))
for part, name in ((pdh, "pdh"), (chain[:2084], "pek"), (chain[2084:4168], "oca")):
    print(part == open("P/collateral/" + name + ".cert", "rb").read())
""", ["0 0 True", "True", "True", "True"], "PDH_CERT_EXPORT; AMD's signature is not in the CEK")
host("""print(*(command(ro, n, bytes(24))[:2] for n in (0, 2, 3, 4, 6)))
print(command(fd, 9, bytes(32))[1], command(fd, 9, bytes(32))[2][:2].hex(), command(fd, 9, b"")[0])
print(command(fd, 13, bytes(8))[:2], command(fd, 5, struct.pack("<QIQI", 8, 20000, 8, 20000))[:2])
print(command(fd, 1, b"", 8)[:2], command(fd, 10, b"")[:2])
try:
    fcntl.ioctl(fd, 0xC0105301, bytes(16))
except OSError as error:
    print(error.errno)
""", ["(1, 4294967295) (1, 4294967295) (1, 4294967295) (1, 4294967295) (1, 4294967295)", "0 0137 22",
      "(22, 77) (14, 4294967295)", "(14, 0) (22, 4294967295)", "22"], "EPERM, EINVAL, EFAULT, and never a report")
host("""
(_, _), pdh, chain = export(fd)
id = ctypes.create_string_buffer(64)
print(command(ro, 8, struct.pack("<QI", ctypes.addressof(id), 64))[:2], command(ro, 7, bytes(128))[2][:64] == id.raw)
print(command(fd, 4, b"")[:2], export(fd)[1] != pdh, export(fd)[2] == chain)
print(command(fd, 2, b"")[:2], export(fd)[2][:4168] != chain[:4168], export(fd)[2][4168:] == chain[4168:])
csr = ctypes.create_string_buffer(2084)
print(command(fd, 3, struct.pack("<QI", ctypes.addressof(csr), 2084))[:2], csr.raw[:0x414] == export(fd)[2][:0x414])
bad = struct.pack("<QIQI", ctypes.addressof(csr), 2084, ctypes.addressof(csr), 2084)
print(command(fd, 6, bad)[:2])
print(command(fd, 0, b"")[:2], command(fd, 1, bytes(12))[2][2])
print(*(command(ro, n, bytes(24))[:2] for n in (5, 1)))
print(export(fd)[0], export(fd)[2][:2084] != chain[:2084])
""", ["(0, 0) True", "(0, 0) True True", "(0, 0) True True", "(0, 0) True", "(5, 6)", "(0, 0) 0",
      "(1, 4294967295) (0, 0)", "(0, 0) True"], "keys anew, a CSR, a reset; what needs INIT needs a writer")
host("""
q = Qmp("q")
print(command(fd, 0, b"")[:2], command(fd, 1, bytes(12))[2][2], command(fd, 1, bytes(12))[2][8])
print(q.greeting["QMP"]["capabilities"], q("query-sev")["return"]["state"])
print(q("query-sev-capabilities")["return"]["cert-chain"] == base64.b64encode(export(fd)[2]).decode())
""", ["(16, 4294967295) 2 1", "[] running", "True"], "with --qmp a VM runs there, and EBUSY forbids a reset", "--qmp",
     "unix:q")

# An owner's platform, and a VM by hand: what the owner does is tested where the owner is.
code, out, err = run("--tee", "sev", "--platform", f"{FOLDER.name}/Q", "--host", "--", sys.executable, "-c",
                     "import fcntl,struct,ctypes,os\n"
                     "b=ctypes.create_string_buffer(12); r=bytearray(struct.pack('<IQI',1,ctypes.addressof(b),0))\n"
                     "fcntl.ioctl(os.open('/dev/sev',os.O_RDONLY),0xC0105300,r); print(b.raw[3:7].hex())")
ok((code, out) == (0, "01000000\n"), "--ext-owned: someone else owns it", (code, out, err))
for name, godh, session, words in (
        ("no base64", b"!!!", b"AAAA", "is no base64 text"),
        ("cut short", base64.b64encode(bytes(100)), base64.b64encode(bytes(128)), "LAUNCH_START with status 4"),
        ("no certificate", base64.b64encode(bytes(CERT)), base64.b64encode(bytes(128)), "LAUNCH_START with status 6")):
    for part, data in (("godh", godh), ("session", session)):
        with open(f"{FOLDER.name}/x_{part}.b64", "wb") as file:
            file.write(data)
    code, out, err = run("--tee", "sev-es", "--platform", P, "--launch", "x", "--qmp", "unix:q", "--", "true")
    ok(code == 125 and words in err and not os.path.exists(f"{FOLDER.name}/q"), f"a session {name}", (code, out, err))

# Over QMP: quit ends the program; and so does whoever ends assay-sim. Nothing is left of either.
for name, end, want in (("quit", None, 137), ("TERM", signal.SIGTERM, 143)):
    child = subprocess.Popen([SIM, "run", "--tee", "sev", "--qmp", "unix:q2", "--", "sleep", "60"], cwd=FOLDER.name,
                             env=ENV)
    os.chdir(FOLDER.name)
    qmp = Qmp("q2")
    for _ in range(500):
        status = qmp("query-status")
        if status["return"]["running"]:
            break
        time.sleep(0.02)
    if end is None:
        qmp("quit")
    else:
        time.sleep(0.5)
        child.send_signal(end)
    code = child.wait(20)
    ok(code == want and status["return"]["running"] and os.listdir(TMP) == [] and not os.path.exists("q2"),
       f"{name} ends it: exit {want}", (code, status, os.listdir(TMP)))
print(f"1..{count}")
sys.exit(failed != 0)
