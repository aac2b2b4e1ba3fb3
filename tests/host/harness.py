# SPDX-License-Identifier: Apache-2.0
"""Runs assay-brokerd for a test: VMMs that are threads here, a platform's certificates in a folder, and a
client that knows ttrpc and protobuf byte by byte.

    with Host() as host:
        vm = host.vmm("web")
        with Broker(brokerd, host, vms=[vm]) as broker:
            status, message, payload = Guest(vm.guest).evidence(report_data=..., key_digest=...)
"""
import base64
import hashlib
import json
import os
import re
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir))
from daemons import (Daemon, check, clock, descriptors, done, end_with_us as _end_with_us, name_of, sanitized,  # noqa: E402, F401
                     status_of, unix_sockets, wait_until, with_etc)

SERVICE = "aeb.AEB"
SIZE = "RetrieveAttestationEvidenceSize"
EVIDENCE = "RetrieveAttestationEvidence"


# --- protobuf and ttrpc, from their documents -------------------------------------------------

def varint(n):
    out = b""
    while n > 127:
        out += bytes([n & 127 | 128])
        n >>= 7
    return out + bytes([n])


def number(field, n):
    return varint(field << 3) + varint(n) if n else b""


def blob(field, data):
    return varint(field << 3 | 2) + varint(len(data)) + data if data else b""


def fields(data):
    """{number: value}, of numbers and bytes; the last one wins."""
    out, at = {}, 0

    def take():
        nonlocal at
        n = shift = 0
        while True:
            n |= (data[at] & 127) << shift
            shift += 7
            at += 1
            if data[at - 1] < 128:
                return n
    while at < len(data):
        key = take()
        if key & 7 == 0:
            out[key >> 3] = take()
        elif key & 7 == 2:
            n = take()
            out[key >> 3] = data[at:at + n]
            at += n
        else:
            raise ValueError(f"wire type {key & 7}")
    return out


def frame(stream, kind, data, flags=0):
    return struct.pack(">IIBB", len(data), stream, kind, flags) + data


def request(service, method, payload, timeout_ns=0):
    return (blob(1, service.encode()) + blob(2, method.encode()) + blob(3, payload)
            + number(4, timeout_ns))


def mnonce(report_data, key_digest):
    """docs/broker.md"""
    def lv(x):
        return struct.pack(">I", len(x)) + x
    return hashlib.sha256(lv(b"assay sev mnonce, 1") + lv(report_data) + lv(key_digest)).digest()[:16]


class Guest:
    """A connection from inside a VM."""

    def __init__(self, path, timeout=10):
        self.s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.s.settimeout(timeout)
        self.s.connect(path)
        self.stream = 1

    def close(self):
        self.s.close()

    def __enter__(self):
        return self

    def __exit__(self, *what):
        self.close()

    def send(self, data):
        self.s.sendall(data)

    def exactly(self, n):
        data = b""
        while len(data) < n:
            piece = self.s.recv(n - len(data))
            if not piece:
                return None
            data += piece
        return data

    def receive(self):
        """(head, body) of a frame, or None at the end."""
        head = self.exactly(10)
        if head is None:
            return None
        body = self.exactly(struct.unpack(">I", head[:4])[0])
        return None if body is None else (head, body)

    def answer(self):
        """(stream, code, message, payload), or None at the end."""
        got = self.receive()
        if got is None:
            return None
        length, stream, kind, flags = struct.unpack(">IIBB", got[0])
        if kind != 2 or flags != 0:
            raise ValueError(f"type {kind}, flags {flags}")
        response = fields(got[1])
        status = fields(response.get(1, b""))
        return stream, status.get(1, 0), status.get(2, b"").decode(), response.get(2, b"")

    def ask(self, service, method, payload):
        self.send(frame(self.stream, 1, request(service, method, payload)))
        self.stream += 2

    def call(self, service, method, payload):
        """(code, message, payload), or None."""
        self.ask(service, method, payload)
        got = self.answer()
        return got and got[1:]

    def size(self, handle=0):
        code, message, payload = self.call(SERVICE, SIZE, number(1, handle))
        return fields(payload).get(2, 0) if code == 0 else (code, message)

    def evidence(self, handle=0, size=0, report_data=b"", key_digest=b""):
        """(code, message, {1: error_code, 2: size, 3: evidence, 4: binding})"""
        got = self.call(SERVICE, EVIDENCE, number(1, handle) + number(2, size)
                        + blob(3, report_data) + blob(4, key_digest))
        return got and (got[0], got[1], fields(got[2]))


# --- VMMs ---------------------------------------------------------------------------------------

class Vmm:
    """A QMP socket, or that of an adapter, and a process that can end. Reports carry the MNONCE and the name."""

    def __init__(self, folder, name, handle, adapter=False, process=False):
        self.name = name
        self.handle = handle
        self.adapter = adapter
        self.path = os.path.join(folder, name + ".qmp")
        self.guest = os.path.join(folder, name + ".sock")
        self.asked = []       # commands, as they came
        self.mnonces = []
        self.delay = 0
        self.answers = threading.Event() # a VMM that hangs has it cleared
        self.answers.set()
        self.answer = None    # in place of the report: bytes, or an object for the line
        self.connections = []
        self.lock = threading.Lock()
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.listener.bind(self.path)
        self.listener.listen(16)
        self.process = subprocess.Popen(["sleep", "1000"], preexec_fn=_end_with_us) if process else None
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                s, _ = self.listener.accept()
            except OSError:
                return
            self.connections.append(s)
            threading.Thread(target=self.serve, args=(s,), daemon=True).start()

    def report(self, nonce):
        body = nonce + self.name.encode().ljust(192, b".")
        return body[:208]

    def serve(self, s):
        try:
            f = s.makefile("rwb")

            def say(line):
                f.write(json.dumps(line).encode() + b"\r\n")
                f.flush()
            if not self.adapter:
                say({"QMP": {"version": {"qemu": {"micro": 0, "minor": 2, "major": 7}}, "capabilities": []}})
            for line in f:
                self.obey(json.loads(line), say)
        except (OSError, ValueError):
            pass

    def wait(self):
        time.sleep(self.delay)
        self.answers.wait()

    def obey(self, command, say):
        with self.lock:
            self.asked.append(command)
        if self.adapter:
            nonce = base64.b64decode(command["mnonce"])
            self.wait()
            say(self.answer or {"handle": self.handle,
                                "report": base64.b64encode(self.report(nonce)).decode()})
            return
        name = command["execute"]
        if name == "qmp_capabilities":
            say({"return": {}})
        elif name == "query-sev":
            say({"return": {"enabled": True, "state": "running", "api-major": 1, "api-minor": 51, "build-id": 3,
                            "policy": 5, "handle": self.handle}, "id": command["id"]})
        elif name == "query-sev-attestation-report":
            nonce = base64.b64decode(command["arguments"]["mnonce"])
            with self.lock:
                self.mnonces.append(nonce)
            self.wait()
            say({"event": "STOP", "timestamp": {"seconds": 1, "microseconds": 2}})
            if self.answer is not None and not isinstance(self.answer, bytes):
                say(dict(self.answer, id=command["id"]))
                return
            report = self.answer if self.answer is not None else self.report(nonce)
            say({"return": {"data": base64.b64encode(report).decode()}, "id": command["id"]})
        else:
            say({"error": {"class": "CommandNotFound", "desc": "no such command"}, "id": command.get("id")})

    @property
    def pid(self):
        return self.process.pid if self.process else None

    def spec(self, cid=None, more=""):
        where = f"cid={cid}" if cid is not None else f"socket={self.guest}"
        way = "adapter" if self.adapter else "qmp"
        pid = f",pid={self.pid}" if self.process else ""
        return f"{self.name},{where},{way}=unix:{self.path}{pid}{more}"

    def end(self):
        """As a VMM that exits."""
        for s in [self.listener] + self.connections: # threads wait in them: closing alone would not do
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            s.close()
        if self.process:
            self.process.kill()
            self.process.wait()


class Flood:
    """A process beside us that runs this script's flood(*words) until the end of the block: it is not to take our
    turns of Python's."""

    def __init__(self, *words):
        self.process = subprocess.Popen([sys.executable, sys.argv[0], "--flood", *words], preexec_fn=_end_with_us)

    def __enter__(self):
        return self

    def __exit__(self, *what):
        self.process.kill()
        self.process.wait()


class Host:
    """A folder with a platform's certificates (made up: the broker does not judge them)."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="brokerd-")
        self.vmms = []
        os.mkdir(os.path.join(self.folder, "collateral"))
        for name, usage in (("cek", 0x1004), ("pek", 0x1002), ("oca", 0x1001)):
            self.certificate(name, usage)

    def certificate(self, name, usage, filling=None):
        body = struct.pack("<IBBHI", 1, 1, 51, 0, usage) + (filling or name).encode().ljust(3, b"-") * 1000
        with open(os.path.join(self.folder, "collateral", name + ".cert"), "wb") as f:
            f.write(body[:2084])

    def certificates(self):
        out = b""
        for name in ("cek", "pek", "oca"):
            with open(os.path.join(self.folder, "collateral", name + ".cert"), "rb") as f:
                out += f.read()
        return out

    def path(self, name):
        return os.path.join(self.folder, name)

    def vmm(self, name, handle=0, **more):
        vmm = Vmm(self.folder, name, handle or len(self.vmms) + 1, **more)
        self.vmms.append(vmm)
        return vmm

    def __enter__(self):
        return self

    def __exit__(self, *what):
        for vmm in self.vmms:
            vmm.end()
        shutil.rmtree(self.folder, ignore_errors=True)


class Broker(Daemon):
    """assay-brokerd, started and ready."""

    def __init__(self, brokerd, host, *options, vms=(), env=None, wait=True, preexec=None, pass_fds=()):
        self.host = host
        command = [brokerd, "--source", "sim:" + host.folder]
        for vm in vms:
            command += ["--vm", vm if isinstance(vm, str) else vm.spec()]
        command += options
        super().__init__(command, env, preexec, pass_fds)
        if wait and not self.wait_line("ready$|\"text\":\"ready\"", 20):
            text = self.text()
            self.stop()
            raise RuntimeError("assay-brokerd did not start: " + text)

    def count(self, pattern):
        return sum(1 for line in self.lines if line is not None and re.search(pattern, line))

    def named(self, name):
        """The pid of its process of this name, which it takes a little after it is there. None: there is none."""
        return next((pid for pid in self.children() if name_of(pid) == name), None)

    def memory(self):
        """{name: resident KiB}"""
        return {name_of(pid): int(status_of(pid, "VmRSS")) for pid in [self.pid] + self.children()}

    def sanitized(self):
        return sanitized(self.command[0])
