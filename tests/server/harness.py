# SPDX-License-Identifier: Apache-2.0
"""Runs assayd for a test: a store of its own in a folder that is removed, a port that is free.

    with Server(assayd) as server:
        status, headers, body = server.get("/healthz")

Arguments beyond the command are options of assayd. Tests say what they found by check(), and end
with done().
"""
import ctypes
import http.client
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time

failures = 0
checks = 0


def check(ok, what):
    global failures, checks
    checks += 1
    if not ok:
        failures += 1
    print(f"{'ok' if ok else 'not ok'} {checks} - {what}", flush=True)
    return ok


def done():
    print(f"1..{checks}")
    sys.exit(1 if failures else 0)


def _end_with_us():
    """A test that ends without stopping its server leaves none behind: PR_SET_PDEATHSIG."""
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)


class Server:
    """assayd, started and ready. options: further ones; listen: addresses, (tcp:127.0.0.1:0)."""

    def __init__(self, assayd, *options, listen=("tcp:127.0.0.1:0",), env=None, folder=None,
                 store=True, wait=True, pass_fds=(), preexec=None):
        self.kept = folder is not None
        self.folder = folder or tempfile.mkdtemp(prefix="assayd-")
        self.command = [assayd]
        if store:
            self.command += ["--store", f"sqlite:{self.folder}/assayd.db"]
        for address in listen:
            self.command += ["--listen", address]
        self.command += options
        self.env = dict(os.environ)
        # A leak detector would want to trace what must not be traced.
        self.env["ASAN_OPTIONS"] = self.env.get("ASAN_OPTIONS", "") + ":detect_leaks=0"
        self.env.update(env or {})
        self.lines = []
        self.addresses = []
        self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                        errors="replace", env=self.env, pass_fds=pass_fds,
                                        preexec_fn=lambda: (_end_with_us(), preexec and preexec()))
        self.heard = threading.Condition()
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()
        if wait:
            self.ready()

    def read(self):
        for line in self.process.stderr:
            with self.heard:
                self.lines.append(line.rstrip("\n"))
                found = re.search(r"listening on ((?:tcp|unix):\S+?)(,|$|\")", self.lines[-1])
                if found:
                    self.addresses.append(found.group(1))
                self.heard.notify_all()
        with self.heard:
            self.lines.append(None)
            self.heard.notify_all()

    def ready(self, timeout=20):
        want = max(1, self.command.count("--listen"))
        with self.heard:
            self.heard.wait_for(lambda: len(self.addresses) >= want or None in self.lines, timeout)
        if len(self.addresses) < want:
            text = self.text()
            self.stop()
            raise RuntimeError("assayd did not start: " + text)

    def wait_line(self, pattern, timeout=10):
        """True when standard error has a line like this, now or soon."""
        def there():
            return any(line is not None and re.search(pattern, line) for line in self.lines)
        with self.heard:
            return self.heard.wait_for(there, timeout)

    def text(self):
        return "\n".join(line for line in self.lines if line is not None)

    @property
    def pid(self):
        return self.process.pid

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

    def children(self):
        with open(f"/proc/{self.pid}/task/{self.pid}/children") as f:
            return [int(pid) for pid in f.read().split()]

    def memory(self):
        """Resident KiB of all processes."""
        total = 0
        for pid in [self.pid] + self.children():
            with open(f"/proc/{pid}/status") as f:
                total += int(re.search(r"VmRSS:\s+(\d+)", f.read()).group(1))
        return total

    def sanitized(self):
        """True if memory says little: a sanitizer keeps what is freed for a while."""
        with open(f"/proc/{self.pid}/maps") as f:
            return "asan" in f.read()

    def signal(self, number):
        self.process.send_signal(number)

    def stop(self, timeout=30):
        """Ends it as a service manager would. Returns the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            return None
        finally:
            self.reader.join(5)
            if not self.kept:
                shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *what):
        self.stop()


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


def wait_until(what, timeout=10):
    end = time.monotonic() + timeout
    while time.monotonic() < end:
        if what():
            return True
        time.sleep(0.02)
    return False
