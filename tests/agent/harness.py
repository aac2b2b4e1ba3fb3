# SPDX-License-Identifier: Apache-2.0
"""Runs assay-agentd for a test, in a /run of its own, with a launch key, and with a broker that lies when
it is told to. Tests say what they found by check(), and end with done()."""
import ctypes
import hashlib
import http.client
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir))
from daemons import (check, clock, descriptors, done, end_with_us, name_of, of_process, sanitized, status_of,  # noqa: E402, F401
                     unix_sockets, wait_until, with_etc)

GUID = "c2b5a1f0-6f0e-4d0a-9d57-1f4b7c6e0a35"
ATTEST, AGENT = "/run/assay/attest.sock", "/run/assay/agent.sock"
EVIDENCE, KEY, TEE = 1, 2, 3
OK, REFUSED, ABSENT, FAILED, MALFORMED, NO_KEYS = range(6)

# A process that nobody may trace has no leaks looked for.
os.environ["ASAN_OPTIONS"] = os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0"


def own_run():
    """A /run that is ours alone; True if we are root there without a namespace of users, and so can be
    other users as well."""
    libc = ctypes.CDLL(None, use_errno=True)
    root = os.geteuid() == 0
    uid, gid = os.geteuid(), os.getegid()
    flags = 0x00020000 | (0 if root else 0x10000000)
    if libc.unshare(flags) != 0:
        print("1..0 # SKIP no mount namespace for a /run of our own")
        sys.exit(0)
    if not root:
        for name, text in (("setgroups", "deny"), ("uid_map", f"0 {uid} 1"), ("gid_map", f"0 {gid} 1")):
            with open(f"/proc/self/{name}", "w") as to:
                to.write(text)
    libc.mount(b"none", b"/", None, 0x4000 | 0x40000, None)  # private, recursively
    if libc.mount(b"tmpfs", b"/run", b"tmpfs", 0, None) != 0:
        print("1..0 # SKIP no tmpfs for a /run of our own")
        sys.exit(0)
    os.mkdir("/run/assay")
    os.chmod("/run", 0o755)
    return root


def openssl(*words, data=b""):
    return subprocess.run(["openssl", *words], input=data, capture_output=True, check=True).stdout


def make_key(kind="P-256"):
    """A PrivateKeyInfo, and the public key's SPKI."""
    words = {"ed25519": ["-algorithm", "ed25519"], "ed448": ["-algorithm", "ed448"], "x25519": ["-algorithm", "x25519"],
             "rsa": ["-algorithm", "rsa", "-pkeyopt", "rsa_keygen_bits:3072"],
             "small rsa": ["-algorithm", "rsa", "-pkeyopt", "rsa_keygen_bits:1024"]}.get(
                 kind, ["-algorithm", "EC", "-pkeyopt", f"ec_paramgen_curve:{kind}"])
    pem = openssl("genpkey", *words)
    return (openssl("pkcs8", "-topk8", "-nocrypt", "-outform", "DER", data=pem),
            openssl("pkey", "-pubout", "-outform", "DER", data=pem))


class Agent:
    """assay-agentd, started and ready. key: None (no such interface), b"" (the folder is empty)."""

    def __init__(self, program, broker, *options, key=None, wait=True, preexec=None, env=None):
        self.folder = tempfile.mkdtemp(prefix="agentd-")
        os.chmod(self.folder, 0o755)
        self.secrets = f"{self.folder}/coco"
        self.log_path = f"{self.folder}/log"
        if key is not None:
            os.mkdir(self.secrets, 0o700)
        if key:
            with open(f"{self.secrets}/{GUID}", "wb") as to:
                to.write(key)
        self.command = [program, "--secrets", self.secrets, "--broker", f"unix:{broker}", *options]
        self.process = None
        self.env = env
        self.preexec = preexec
        self.start(wait)

    def start(self, wait=True):
        def prepare():
            end_with_us()
            if self.preexec:
                self.preexec()
        log = open(self.log_path, "ab")
        count = self.log().count(": ready")  # before it runs: it may be ready before we go on
        self.process = subprocess.Popen(self.command, stderr=log,
                                        stdout=subprocess.DEVNULL, preexec_fn=prepare, env=self.env)
        if wait:
            wait_until(lambda: self.process.poll() is not None or self.log().count(": ready") > count, 20)
            if self.log().count(": ready") == count:
                raise RuntimeError("the agent is not ready: " + self.log())

    def log(self):
        with open(self.log_path, errors="replace") as from_:
            return from_.read()

    def has_key(self):
        return os.path.exists(f"{self.secrets}/{GUID}")

    def children(self):
        out = {}
        for pid in os.listdir("/proc"):
            stat = of_process(pid, "stat") if pid.isdigit() else ""
            if stat and stat.rsplit(")", 1)[1].split()[1] == str(self.process.pid):
                out[stat.split("(", 1)[1].rsplit(")", 1)[0]] = int(pid)
        return out

    def stop(self):
        self.process.terminate()
        try:
            return self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return "killed"

    def close(self):
        code = self.stop() if self.process.poll() is None else self.process.returncode
        shutil.rmtree(self.folder, ignore_errors=True)
        return code

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


# --- attest.sock ---------------------------------------------------------------------------------

class Answer:
    def __init__(self, packet):
        self.packet = packet
        version, self.status, zero, self.tee, n1, n2 = struct.unpack("<BBHIII", packet[:16])
        assert version == 1 and zero == 0 and len(packet) == 16 + n1 + n2
        self.first, self.proof = packet[16:16 + n1], packet[16 + n1:]
        self.text = self.first.decode("ascii", "replace") if self.status else ""


def request(op, report_data=b"", version=1, zero=0):
    return struct.pack("<BBH", version, op, zero) + report_data.ljust(64, b"\0")


def connect(path=ATTEST):
    s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    s.settimeout(40)
    s.connect(path)
    return s


def listens(path):
    """Whether somebody does: a socket's name is there a little before."""
    with socket.socket(socket.AF_UNIX) as s:
        return s.connect_ex(path) == 0


def ask(op, report_data=b"", packet=None):
    with connect() as s:
        s.send(packet if packet is not None else request(op, report_data))
        data = s.recv(65536)
        return Answer(data) if data else None


def as_user(uid, gid, function, groups=()):
    """Its result (a picklable thing), as another user says it."""
    import pickle
    r, w = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.setgroups(list(groups))
            os.setresgid(gid, gid, gid)
            os.setresuid(uid, uid, uid)
            os.write(w, pickle.dumps(function()))
        except BaseException as e:  # the parent reads it
            os.write(w, pickle.dumps(repr(e)))
        os._exit(0)
    os.close(w)
    data = b""
    while more := os.read(r, 65536):
        data += more
    os.close(r)
    os.waitpid(pid, 0)
    return pickle.loads(data)


# --- agent.sock ----------------------------------------------------------------------------------

class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=40)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(40)
        self.sock.connect(self.path)


def get(path, method="GET", headers=None, body=None, at=AGENT):
    c = UnixConnection(at) if at.startswith("/") else http.client.HTTPConnection(at, timeout=40)
    c.request(method, path, body=body, headers=headers or {})
    r = c.getresponse()
    data = r.read()
    c.close()
    return r.status, dict(r.getheaders()), data


# --- what a proof says ---------------------------------------------------------------------------

def lv(data):
    return struct.pack(">I", len(data)) + data


def byte_strings(cbor, count):
    """A deterministic CBOR array of byte strings."""
    assert cbor[0] == 0x80 | count
    out, at = [], 1
    for _ in range(count):
        size = cbor[at] & 0x1f
        assert cbor[at] >> 5 == 2
        at += 1
        if size >= 24:
            n = 1 << (size - 24)
            size = int.from_bytes(cbor[at:at + n], "big")
            at += n
        out.append(cbor[at:at + size])
        at += size
    assert at == len(cbor)
    return out


def ecdsa_holds(spki, message, rs, digest="sha256"):
    def integer(b):
        b = b.lstrip(b"\0") or b"\0"
        b = b"\0" + b if b[0] & 0x80 else b
        return b"\x02" + bytes([len(b)]) + b
    half = len(rs) // 2
    body = integer(rs[:half]) + integer(rs[half:])
    folder = tempfile.mkdtemp()
    try:
        for name, data in (("key", spki), ("sig", b"\x30" + bytes([len(body)]) + body), ("m", message)):
            with open(f"{folder}/{name}", "wb") as to:
                to.write(data)
        return subprocess.run(["openssl", "dgst", f"-{digest}", "-verify", f"{folder}/key", "-keyform", "DER",
                               "-signature", f"{folder}/sig", f"{folder}/m"],
                              capture_output=True).returncode == 0
    finally:
        shutil.rmtree(folder)


def proof_holds(proof, report, report_data, spki):
    """Certified by the injected key (P-256), and by the working key over this report and data."""
    injected, working, certification, signature = byte_strings(proof, 4)
    return (injected == hashlib.sha256(spki).digest() and len(working) == 91 and
            ecdsa_holds(spki, lv(b"assay sev working key, 1") + lv(working), certification) and
            ecdsa_holds(working, lv(b"assay sev proof, 1") + lv(report) + lv(report_data), signature))
