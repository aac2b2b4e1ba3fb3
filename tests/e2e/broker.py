# SPDX-License-Identifier: Apache-2.0
"""A key broker that shares nothing with the one of this project: Python and its own cryptography. It
speaks protocol 0.4.0, holds the evidence to nonce and key (of genuineness it knows nothing), and can be
told to misbehave."""

import base64
import hashlib
import http.server
import json
import os
import socketserver
import ssl
import threading
import uuid

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.keywrap import aes_key_wrap

ERRORS = "https://github.com/confidential-containers/kbs/errors/"


def url64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unurl64(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def canonical(value):
    """RFC 8785, of what is ASCII and has no fractions."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def report_data(tee, evidence):
    """Where each kind of evidence carries it."""
    if tee == "snp":
        return bytes(evidence["attestation_report"]["report_data"])
    quote = base64.b64decode(evidence["quote"], validate=True)
    at = 48 + (520 if tee == "tdx" else 320)
    return quote[at:at + 64]


def kdf(z):
    """Concat KDF of RFC 7518, 4.6.2, one round, for ECDH-ES+A256KW."""
    name = b"ECDH-ES+A256KW"
    parts = (b"\0\0\0\1", z, len(name).to_bytes(4, "big"), name, bytes(4), bytes(4), (256).to_bytes(4, "big"))
    return hashlib.sha256(b"".join(parts)).digest()


def envelope(jwk, plain):
    """A flattened JWE to the key of a token."""
    cek, iv = os.urandom(32), os.urandom(12)
    if jwk["kty"] == "EC":
        curve = {"P-256": ec.SECP256R1(), "P-384": ec.SECP384R1(), "P-521": ec.SECP521R1()}[jwk["crv"]]
        numbers = ec.EllipticCurvePublicNumbers(*(int.from_bytes(unurl64(jwk[n]), "big") for n in "xy"), curve)
        fresh = ec.generate_private_key(curve)
        width = (curve.key_size + 7) // 8
        mine = fresh.public_key().public_numbers()
        epk = {"crv": jwk["crv"], "kty": "EC", "x": url64(mine.x.to_bytes(width, "big")),
               "y": url64(mine.y.to_bytes(width, "big"))}
        header = {"alg": "ECDH-ES+A256KW", "enc": "A256GCM", "epk": epk}
        key = aes_key_wrap(kdf(fresh.exchange(ec.ECDH(), numbers.public_key())), cek)
    else:
        header = {"alg": "RSA-OAEP-256", "enc": "A256GCM"}
        numbers = rsa.RSAPublicNumbers(*(int.from_bytes(unurl64(jwk[n]), "big") for n in "en"))
        sha = hashes.SHA256()
        key = numbers.public_key().encrypt(cek, padding.OAEP(padding.MGF1(sha), sha, None))
    protected = url64(json.dumps(header, separators=(",", ":")).encode())
    sealed = AESGCM(cek).encrypt(iv, plain, protected.encode())
    return {"protected": protected, "encrypted_key": url64(key), "iv": url64(iv),
            "ciphertext": url64(sealed[:-16]), "tag": url64(sealed[-16:])}


class Session:
    def __init__(self, tee, version):
        self.tee, self.version = tee, version
        self.nonce = base64.b64encode(os.urandom(32)).decode()
        self.key = None  # of the attested guest


class _Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        pass  # a client that goes away is part of the test


class Broker:
    """Methods that a test may replace on one broker: challenge(), judge(), release(), wrap(). `asked` is
    the log of method and path."""

    def __init__(self, secrets=None, tls=None):
        """tls: the files of a certificate for localhost and of its key."""
        self.secrets = dict(secrets or {})
        self.sessions, self.asked, self.tees, self.tokens = {}, [], [], {}
        self.hash, self.hostile = None, {}
        broker = self

        class Handler(http.server.BaseHTTPRequestHandler):
            disable_nagle_algorithm = True  # an answer is written in pieces

            protocol_version = "HTTP/1.1"

            def reply(self, status, body=b"", kind="application/json", **headers):
                if isinstance(body, (dict, list)):
                    body = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Type", kind)
                for name, value in headers.items():
                    self.send_header(name.replace("_", "-"), value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def refuse(self, variant, detail, status=401):
                self.reply(status, {"type": ERRORS + variant, "detail": detail})

            def session(self):
                for part in self.headers.get("Cookie", "").split(";"):
                    name, _, value = part.strip().partition("=")
                    if name == "kbs-session-id":
                        return broker.sessions.get(value)
                return None

            def handle_any(self):
                broker.asked.append(f"{self.command} {self.path}")
                length = int(self.headers.get("Content-Length") or 0)
                self.body = self.rfile.read(length)
                special = broker.hostile.get(self.path.split("/")[3])
                if special is not None and special(self) is not None:
                    return
                if self.path == "/kbs/v0/auth" and self.command == "POST":
                    broker.auth(self)
                elif self.path == "/kbs/v0/attest" and self.command == "POST":
                    broker.attest(self)
                elif self.command == "GET":
                    broker.get(self)
                else:
                    self.refuse("PluginNotFound", "nothing here", 404)

            do_GET = do_POST = do_PUT = handle_any

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

    # --- the protocol ---------------------------------------------------------------------------

    def auth(self, h):
        request = json.loads(h.body)
        if request["version"] != "0.4.0":
            h.refuse("AttestationError", "KBS Client Protocol Version Mismatch: expect =0.4.0 while the request is "
                     f"{request['version']}")
            return
        assert set(request) == {"version", "tee", "extra-params"} and h.headers["Content-Type"] == "application/json"
        name, session = uuid.uuid4().hex, Session(request["tee"], request["version"])
        self.tees.append(request["tee"])
        self.sessions[name] = session
        extra = {"selected-hash-algorithm": self.hash} if self.hash else ""
        h.reply(200, self.challenge({"nonce": session.nonce, "extra-params": extra}),
                Set_Cookie=f"kbs-session-id={name}; Expires=Tue, 01 Jan 2099 00:00:00 GMT")

    def attest(self, h):
        session = h.session()
        if session is None:
            h.refuse("AttestationError", "no such session")
            return
        body = json.loads(h.body)
        assert set(body) == {"init-data", "runtime-data", "tee-evidence"} and body["init-data"] is None
        runtime, evidence = body["runtime-data"], body["tee-evidence"]
        assert set(runtime) == {"nonce", "tee-pubkey"} and evidence["additional_evidence"] == ""
        bound = {"additional-evidence": "", **runtime}
        want = hashlib.new(self.hash or "sha384", canonical(bound)).digest().ljust(64, b"\0")
        why = self.judge(session, evidence["primary_evidence"])
        if runtime["nonce"] != session.nonce:
            why = "the nonce is another one"
        elif report_data(session.tee, evidence["primary_evidence"]) != want:
            why = "REPORT_DATA does not bind nonce and key"
        if why:
            h.refuse("AttestationError", why)
            return
        session.key = runtime["tee-pubkey"]
        h.reply(200, {"token": "eyJhbGciOiJub25lIn0.e30.c2lnbmF0dXJl"})

    def get(self, h):
        session, token = h.session(), h.headers.get("Authorization", "")
        key = session.key if session else self.tokens.get(token.removeprefix("Bearer "))
        name = h.path.removeprefix("/kbs/v0/").removeprefix("resource/")
        if key is None:
            h.refuse("TokenNotFound", "attest first")
            return
        why = self.release(session, name)
        if why:
            h.refuse("PolicyDeny", why)
        elif name not in self.secrets:
            h.refuse("PluginInternalError", f"no resource {name}", 404)
        else:
            h.reply(200, self.wrap(key, self.secrets[name]))

    # --- what a test replaces -------------------------------------------------------------------

    def challenge(self, answer):
        return answer

    def judge(self, session, evidence):
        """A sentence, or nothing if the evidence will do."""

    def release(self, session, name):
        """A sentence, or nothing if it may have the resource."""

    def wrap(self, key, secret):
        return envelope(key, secret)
