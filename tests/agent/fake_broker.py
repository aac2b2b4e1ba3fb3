# SPDX-License-Identifier: Apache-2.0
"""A host's evidence broker that does as a test says, written from the wire's description (docs/broker.md)
and from nothing of host/.

    broker = FakeBroker(path)
    broker.mode = "stalled"

Its reports are signed by nobody: what the agent can judge is whom they answer.
"""
import hashlib
import os
import socket
import struct
import threading
import time

REPORT_SIZE, EVIDENCE_SIZE = 208, 6460
ES = 0x04


def lv(data):
    return struct.pack(">I", len(data)) + data


def mnonce(report_data, key_digest):
    return hashlib.sha256(lv(b"assay sev mnonce, 1") + lv(report_data) + lv(key_digest)).digest()[:16]


# --- protobuf, by hand ---------------------------------------------------------------------------

def varint(n):
    out = b""
    while n > 0x7f:
        out += bytes([n & 0x7f | 0x80])
        n >>= 7
    return out + bytes([n])


def field(number, value):
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def read_varint(data, at):
    n = shift = 0
    while True:
        byte = data[at]
        at += 1
        n |= (byte & 0x7f) << shift
        shift += 7
        if byte < 0x80:
            return n, at


def fields(data):
    out, at = {}, 0
    while at < len(data):
        key, at = read_varint(data, at)
        if key & 7 == 0:
            out[key >> 3], at = read_varint(data, at)
        else:
            size, at = read_varint(data, at)
            out[key >> 3] = data[at:at + size]
            at += size
    return out


# --- the broker ----------------------------------------------------------------------------------

class FakeBroker:
    def __init__(self, path, policy=ES | 0x1):
        self.path = path
        self.mode = "good"
        self.policy = policy
        self.digest = b"\x11" * 32
        self.delay = 0
        self.requests = []      # fields of each
        self.connections = 0
        self.last_report = None
        self.lock = threading.Lock()
        self.open = []
        self.start()

    def start(self):
        self.listener = socket.socket(socket.AF_UNIX)
        if os.path.exists(self.path):
            os.unlink(self.path)
        self.listener.bind(self.path)
        os.chmod(self.path, 0o666)
        self.listener.listen(64)
        threading.Thread(target=self._accept, args=(self.listener,), daemon=True).start()

    def stop(self):
        """Ends, and closes what is open: as a broker that is started anew."""
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for c in self.open:
            try:
                c.shutdown(socket.SHUT_RDWR)
                c.close()
            except OSError:
                pass
        self.open = []

    def _accept(self, listener):
        while True:
            try:
                c, _ = listener.accept()
            except OSError:
                return
            self.connections += 1
            self.open.append(c)
            threading.Thread(target=self._serve, args=(c,), daemon=True).start()

    @staticmethod
    def _read(c, n):
        data = b""
        while len(data) < n:
            more = c.recv(n - len(data))
            if not more:
                raise EOFError
            data += more
        return data

    def _serve(self, c):
        try:
            while True:
                length, stream, kind, _ = struct.unpack(">IIBB", self._read(c, 10))
                request = fields(self._read(c, length))
                self._answer(c, stream, kind, request)
        except (OSError, EOFError):
            c.close()

    def report(self, report_data, key_digest):
        nonce = mnonce(report_data, key_digest)
        digest = self.digest
        if self.mode == "wrong-mnonce":
            nonce = bytes(16)
        elif self.mode == "other-key":
            nonce = mnonce(report_data, bytes(32))
        elif self.mode == "other-guest":
            digest = b"\x22" * 32
        elif self.mode == "replay" and self.last_report is not None:
            return self.last_report
        body = nonce + digest + struct.pack("<III", self.policy, 0x1002, 0x102) + bytes(4)
        report = body + os.urandom(144)
        self.last_report = report
        return report

    def _answer(self, c, stream, kind, request):
        assert kind == 1 and stream % 2 == 1
        assert request[1] == b"aeb.AEB" and request[2] == b"RetrieveAttestationEvidence", request
        asked = fields(request[3])
        with self.lock:
            self.requests.append(asked)
        mode = self.mode
        if self.delay:
            time.sleep(self.delay)
        if mode == "stalled":
            time.sleep(3600)
        if mode == "hang-up":
            raise EOFError
        if mode == "garbage":
            c.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            raise EOFError
        if mode == "status":
            status = field(1, 7) + field(2, b"no VM of that name\x1b[31m")
            self._send(c, stream, field(1, status))
            return
        evidence = self.report(asked[3], asked[4]) + b"\xce" * 2084 + b"\x0e" * 2084 + b"\x0c" * 2084
        if mode == "short":
            evidence = evidence[:-1]
        elif mode == "long":
            evidence += b"\x02"
        binding = b"none" if mode == "legacy" else b"nonce"
        payload = field(2, EVIDENCE_SIZE) + field(3, evidence) + field(4, binding)
        if mode == "half":
            frame = self._frame(stream, field(1, b"") + field(2, payload))
            c.sendall(frame[:4000])
            raise EOFError
        if mode == "other-stream":
            stream += 2
        self._send(c, stream, field(1, b"") + field(2, payload))

    @staticmethod
    def _frame(stream, payload):
        return struct.pack(">IIBB", len(payload), stream, 2, 0) + payload

    def _send(self, c, stream, payload):
        c.sendall(self._frame(stream, payload))
