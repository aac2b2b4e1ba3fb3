# SPDX-License-Identifier: Apache-2.0
"""Runs assayd for a test: a store of its own in a folder that is removed, a port that is free.

    with Server(assayd) as server:
        status, headers, body = server.get("/healthz")

Arguments beyond the command are options of assayd. Tests say what they found by check(), and end
with done().
"""
import http.client
import os
import re
import shutil
import socket
import ssl
import sys
import tempfile

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir))
from daemons import (Daemon, check, clock, descriptors, done, name_of, sanitized, status_of, unix_sockets,  # noqa: E402, F401
                     wait_until)


class Server(Daemon):
    """assayd, started and ready. options: further ones; listen: addresses, (tcp:127.0.0.1:0)."""

    def __init__(self, assayd, *options, listen=("tcp:127.0.0.1:0",), env=None, folder=None,
                 store=True, wait=True, pass_fds=(), preexec=None):
        self.kept = folder is not None
        self.folder = folder or tempfile.mkdtemp(prefix="assayd-")
        command = [assayd]
        if store:
            command += ["--store", f"sqlite:{self.folder}/assayd.db"]
        for address in listen:
            command += ["--listen", address]
        command += options
        self.addresses = []
        super().__init__(command, env, preexec, pass_fds)
        if wait:
            self.ready()

    def hear(self, line):
        found = re.search(r"listening on ((?:tcp|unix):\S+?)(,|$|\")", line)
        if found:
            self.addresses.append(found.group(1))

    def ready(self, timeout=20):
        want = max(1, self.command.count("--listen"))
        with self.heard:
            self.heard.wait_for(lambda: len(self.addresses) >= want or None in self.lines, timeout)
        if len(self.addresses) < want:
            text = self.text()
            self.stop()
            raise RuntimeError("assayd did not start: " + text)

    @property
    def port(self):
        return next(int(a.rsplit(":", 1)[1]) for a in self.addresses if a.startswith("tcp:"))

    @property
    def host(self):
        return "127.0.0.1"

    @property
    def url(self):
        scheme = "https" if "--tls-cert" in self.command else "http"
        return f"{scheme}://{self.host}:{self.port}"

    @property
    def admin_key(self):
        return os.path.join(self.folder, "admin.pem")

    def request(self, method, path, body=None, headers=None, context=None):
        """(status, headers as a dictionary in lower case, body)"""
        if context is not None or "--tls-cert" in self.command:
            context = context or ssl._create_unverified_context()
            c = http.client.HTTPSConnection(self.host, self.port, timeout=30, context=context)
        else:
            c = http.client.HTTPConnection(self.host, self.port, timeout=30)
        try:
            c.request(method, path, body=body, headers=headers or {})
            answer = c.getresponse()
            return answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read()
        finally:
            c.close()

    def get(self, path, **more):
        return self.request("GET", path, **more)

    def raw(self, data, timeout=10, half_close=False):
        """Sends bytes as they are, and returns all that comes until the other side closes."""
        with self.connect(timeout) as s:
            try:
                s.sendall(data)
                if half_close:
                    s.shutdown(socket.SHUT_WR)
            except OSError:
                pass
            return receive(s)

    def connect(self, timeout=10):
        return socket.create_connection((self.host, self.port), timeout=timeout)

    def memory(self):
        """Resident KiB of all processes."""
        return sum(int(status_of(pid, "VmRSS")) for pid in [self.pid] + self.children())

    def sanitized(self):
        return sanitized(f"/proc/{self.pid}/exe")

    def stop(self, timeout=30):
        try:
            return super().stop(timeout)
        finally:
            if not self.kept:
                shutil.rmtree(self.folder, ignore_errors=True)


def receive(s):
    data = b""
    try:
        while True:
            piece = s.recv(65536)
            if not piece:
                break
            data += piece
    except OSError:
        pass
    return data
