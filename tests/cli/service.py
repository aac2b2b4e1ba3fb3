# SPDX-License-Identifier: Apache-2.0
"""Services for tests: assay-sim serve, and servers that misbehave."""

import atexit
import http.server
import os
import signal
import socketserver
import ssl
import subprocess
import sys
import threading

SIM = os.path.abspath(sys.argv[2]) if len(sys.argv) > 2 else "assay-sim"


def new(folder, *args):
    subprocess.run([SIM, "new", *args, folder], check=True, capture_output=True)
    return folder


class Serve:
    """A running assay-sim serve; its addresses by service."""

    def __init__(self, *args):
        self.process = subprocess.Popen([SIM, "serve", *args], stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True)
        atexit.register(self.process.kill)  # a test that breaks off leaves nothing behind
        self.lines = []
        self.addresses = {}

    def ready(self, count):
        for _ in range(count):
            line = self.process.stdout.readline()
            if not line:
                break
            self.lines.append(line)
            name, _, address = line.strip().partition(" ")
            self.addresses.setdefault(name, []).append(address)
        return self

    def __getitem__(self, name):
        return self.addresses[name][0]

    def stop(self, number=signal.SIGTERM):
        """The exit status, and what was written to standard error."""
        self.process.send_signal(number)
        _, err = self.process.communicate(timeout=20)
        return self.process.returncode, err


class _Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        pass  # a client that goes away is part of the test


class Fake:
    """A server that answers each path as a function says: answer(handler) after the n-th request."""

    def __init__(self, answer, tls=None):
        """tls: the files of a certificate for localhost and of its key."""
        fake = self
        self.requests = []

        class Handler(http.server.BaseHTTPRequestHandler):
            disable_nagle_algorithm = True  # an answer is written in pieces

            def do_GET(self):
                fake.requests.append(self.path)
                answer(self, len(fake.requests))

            def log_message(self, *args):
                pass

        self.server = _Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*tls)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
            self.url = f"https://localhost:{self.server.server_address[1]}"
        # Asked often whether it is to stop: tests start and stop many.
        threading.Thread(target=self.server.serve_forever, args=[0.02], daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


def reply(handler, status, body=b"", **headers):
    handler.send_response(status)
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)
