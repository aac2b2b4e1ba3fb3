# SPDX-License-Identifier: Apache-2.0
"""A client of the key broker protocol, each version as its own clients were, written from the
protocol's description and from nothing of assayd. Evidence comes from assay-sim."""

import base64
import hashlib
import http.client
import json
import os
import re
import subprocess
import time
import uuid

from harness import Server
from cryptography.hazmat.primitives import hashes, keywrap, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.concatkdf import ConcatKDFHash

VERSIONS = ("0.1.0", "0.1.1", "0.2.0", "0.3.0", "0.4.0")
ERRORS = "https://github.com/confidential-containers/kbs/errors/"


def std(data):
    return base64.b64encode(data).decode()


def url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unurl(text):
    assert re.fullmatch(r"[A-Za-z0-9_-]*", text), text
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def compact(value, sort=True):
    """What the usual writers make: no blanks; RFC 8785 for all that occurs here."""
    return json.dumps(value, separators=(",", ":"), sort_keys=sort, ensure_ascii=False)


# --- the workload's key ------------------------------------------------------------------------


class EcKey:
    def __init__(self, curve=ec.SECP256R1):
        self.private = ec.generate_private_key(curve())
        self.size = (self.private.curve.key_size + 7) // 8
        n = self.private.public_key().public_numbers()
        self.jwk = {"kty": "EC", "crv": {32: "P-256", 48: "P-384", 66: "P-521"}[self.size],
                    "alg": "ECDH-ES+A256KW",
                    "x": url(n.x.to_bytes(self.size, "big")), "y": url(n.y.to_bytes(self.size, "big"))}

    def unwrap(self, header, wrapped):
        epk = header["epk"]
        assert list(epk) == ["crv", "kty", "x", "y"], epk
        assert epk["crv"] == self.jwk["crv"] and epk["kty"] == "EC"
        x, y = unurl(epk["x"]), unurl(epk["y"])
        assert len(x) == self.size and len(y) == self.size
        peer = ec.EllipticCurvePublicNumbers(int.from_bytes(x, "big"), int.from_bytes(y, "big"),
                                             self.private.curve).public_key()
        z = self.private.exchange(ec.ECDH(), peer)
        name = b"ECDH-ES+A256KW"
        info = len(name).to_bytes(4, "big") + name + bytes(8) + (256).to_bytes(4, "big")
        kek = ConcatKDFHash(hashes.SHA256(), 32, info).derive(z)
        return keywrap.aes_key_unwrap(kek, wrapped)


class RsaKey:
    """alg RSA-OAEP-256 or RSA1_5; old: the members k-mod and k-exp of the first version."""

    def __init__(self, alg, old=False):
        self.private = rsa.generate_private_key(65537, 2048)
        n = self.private.public_key().public_numbers()
        names = ("k-mod", "k-exp") if old else ("n", "e")
        self.alg = alg
        self.jwk = {"kty": "RSA", "alg": alg, names[0]: url(n.n.to_bytes(256, "big")),
                    names[1]: url(n.e.to_bytes(3, "big"))}

    def unwrap(self, header, wrapped):
        if self.alg == "RSA1_5":
            return self.private.decrypt(wrapped, padding.PKCS1v15())
        return self.private.decrypt(wrapped, padding.OAEP(
            padding.MGF1(hashes.SHA256()), hashes.SHA256(), None))


def open_envelope(text, key, version):
    """The secret out of the envelope, as the clients of this version open it."""
    jwe = json.loads(text)
    if version in ("0.1.0", "0.1.1"):
        header = json.loads(jwe["protected"])
        assert jwe["tag"] == "" and header["alg"] == key.jwk["alg"] and header["enc"] == "A256GCM"
        cek = key.unwrap(header, unurl(jwe["encrypted_key"]))
        return AESGCM(cek).decrypt(unurl(jwe["iv"]), unurl(jwe["ciphertext"]), None)
    assert set(jwe) == {"protected", "encrypted_key", "iv", "ciphertext", "tag"}, list(jwe)
    header = json.loads(unurl(jwe["protected"]))
    # The client writes the header again: alg, enc, the rest sorted.
    again = {"alg": header["alg"], "enc": header["enc"]}
    again.update(sorted((k, v) for k, v in header.items() if k not in ("alg", "enc")))
    if "epk" in again:
        again["epk"] = dict(sorted(again["epk"].items()))
    aad = url(compact(again, sort=False).encode())
    assert aad == jwe["protected"], "the header is not as a client would write it"
    assert header["enc"] == "A256GCM" and header["alg"] == key.jwk["alg"], header
    cek = key.unwrap(header, unurl(jwe["encrypted_key"]))
    assert len(cek) == 32 and len(unurl(jwe["iv"])) == 12 and len(unurl(jwe["tag"])) == 16
    return AESGCM(cek).decrypt(unurl(jwe["iv"]), unurl(jwe["ciphertext"]) + unurl(jwe["tag"]),
                               aad.encode())


# --- evidence -----------------------------------------------------------------------------------


def snp_report(r):
    """The 1184 bytes by members, as the attesters' library writes them (Milan and Genoa)."""

    def num(at, n):
        return int.from_bytes(r[at:at + n], "little")

    def tcb(at):
        return {"fmc": None, "bootloader": r[at], "tee": r[at + 1], "snp": r[at + 6],
                "microcode": r[at + 7]}

    def version(at):
        return {"major": r[at + 2], "minor": r[at + 1], "build": r[at]}

    def raw(at, n):
        return list(r[at:at + n])

    new = num(0, 4) >= 3
    out = {"version": num(0, 4), "guest_svn": num(4, 4), "policy": num(8, 8),
           "family_id": raw(0x10, 16), "image_id": raw(0x20, 16), "vmpl": num(0x30, 4),
           "sig_algo": num(0x34, 4), "current_tcb": tcb(0x38), "plat_info": num(0x40, 8),
           "key_info": num(0x48, 4), "report_data": raw(0x50, 64), "measurement": raw(0x90, 48),
           "host_data": raw(0xC0, 32), "id_key_digest": raw(0xE0, 48),
           "author_key_digest": raw(0x110, 48), "report_id": raw(0x140, 32),
           "report_id_ma": raw(0x160, 32), "reported_tcb": tcb(0x180),
           "cpuid_fam_id": r[0x188] if new else None, "cpuid_mod_id": r[0x189] if new else None,
           "cpuid_step": r[0x18A] if new else None, "chip_id": raw(0x1A0, 64),
           "committed_tcb": tcb(0x1E0), "current": version(0x1E8), "committed": version(0x1EC),
           "launch_tcb": tcb(0x1F0),
           "signature": {"r": raw(0x2A0, 72), "s": raw(0x2E8, 72)}}
    if num(0, 4) >= 5:
        out.update(launch_mit_vector=num(0x1F8, 8), current_mit_vector=num(0x200, 8))
    return out


class Machine:
    """A simulated platform, always the same one for a TEE and options."""

    def __init__(self, sim, folder, tee, *options):
        self.sim, self.tee, self.options = sim, tee, (*options, "--seed", "11")
        self.folder, self.count = os.path.join(folder, f"{tee}-{'-'.join(options) or 'plain'}"), 0
        os.mkdir(self.folder)
        self.path = self._new(bytes(64))

    def _new(self, data):
        self.count += 1
        path = os.path.join(self.folder, str(self.count))
        subprocess.run([self.sim, "new", "--tee", self.tee, *self.options, "--report-data",
                        data.hex(), path], check=True, stdout=subprocess.DEVNULL)
        return path

    def raw(self, data):
        with open(os.path.join(self._new(data), "evidence.bin"), "rb") as f:
            return f.read()

    def evidence(self, data):
        raw = self.raw(data)
        if self.tee == "snp":
            chain = []
            for name in ("vcek.der", "cert_chain.pem"):
                with open(os.path.join(self.path, "collateral", name), "rb") as f:
                    text = f.read()
                ders = [base64.b64decode(m) for m in re.findall(
                    rb"-----BEGIN CERTIFICATE-----(.*?)-----END", text, re.S)] or [text]
                kinds = ["VCEK"] if name == "vcek.der" else ["ASK", "ARK"]
                chain += [{"cert_type": k, "data": list(d)} for k, d in zip(kinds, ders)]
            return {"attestation_report": snp_report(raw[:1184]), "cert_chain": chain}
        if self.tee == "tdx":
            return {"cc_eventlog": None, "quote": std(raw)}
        return {"quote": std(raw)}


class Sample:
    tee = "sample"

    def evidence(self, data):
        return {"svn": "1", "report_data": std(data[:48])}


# --- the protocol --------------------------------------------------------------------------------


class Answer:
    def __init__(self, response):
        self.status, self.body = response.status, response.read()
        self.headers = response.headers
        self.type = response.headers.get("Content-Type", "")

    @property
    def json(self):
        return json.loads(self.body)

    def error(self):
        """The variant; asserts that it is an error object."""
        got = self.json
        assert set(got) == {"type", "detail"} and got["type"].startswith(ERRORS), got
        assert self.type == "application/json" and got["detail"], self.type
        return got["type"][len(ERRORS):]

    @property
    def detail(self):
        return self.json["detail"]

    def __repr__(self):
        return f"{self.status} {self.type}\n{self.headers}{self.body[:600]!r}"


class Client:
    def __init__(self, port, version="0.4.0", key=None):
        self.port, self.version = port, version
        self.key = key or EcKey()
        self.cookie = self.token = self.nonce = None
        self.hash = "sha384"
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)

    def ask(self, method, path, body=None, headers=None, cookie=True):
        headers = dict(headers or {})
        if cookie and self.cookie:
            headers["Cookie"] = f"kbs-session-id={self.cookie}"
        if isinstance(body, (dict, list)):
            body = compact(body, sort=False)
        if isinstance(body, str):
            body = body.encode()
            headers.setdefault("Content-Type", "application/json")
        self.connection.request(method, path, body, headers)
        answer = Answer(self.connection.getresponse())
        for line in answer.headers.get_all("Set-Cookie") or []:
            found = re.match(r"kbs-session-id=([^;]*)", line)
            if found:
                self.cookie = found[1]
        return answer

    def auth(self, tee, extra=""):
        answer = self.ask("POST", "/kbs/v0/auth",
                          {"version": self.version, "tee": tee, "extra-params": extra}, cookie=False)
        if answer.status == 200:
            challenge = answer.json
            self.nonce = challenge["nonce"]
            chosen = challenge["extra-params"]
            self.hash = chosen["selected-hash-algorithm"] if chosen else "sha384"
        return answer

    def bound(self, additional="", sort=True, order=None, first=False):
        """The report data that bind nonce and key."""
        parts = {"tee-pubkey": self.key.jwk, "nonce": self.nonce}
        if self.version >= "0.3.0":
            parts["additional-evidence"] = additional
        if first:
            text = self.nonce + self.key.jwk["k-mod"] + self.key.jwk["k-exp"]
        else:
            text = compact({k: parts[k] for k in order or parts}, sort)
        return hashlib.new(self.hash, text.encode()).digest().ljust(64, b"\0")

    def body(self, evidence, additional="", init=None):
        key = self.key.jwk
        if self.version >= "0.4.0":
            return {"init-data": init, "runtime-data": {"nonce": self.nonce, "tee-pubkey": key},
                    "tee-evidence": {"primary_evidence": evidence,
                                     "additional_evidence": additional}}
        if self.version >= "0.3.0":
            return {"tee-pubkey": key, "tee-evidence": {"primary_evidence": evidence,
                                                        "additional_evidence": additional}}
        return {"tee-pubkey": key,
                "tee-evidence": compact(evidence) if self.version == "0.1.0" else evidence}

    def attest(self, body):
        answer = self.ask("POST", "/kbs/v0/attest", body)
        if answer.status == 200:
            self.token = answer.json["token"]
        return answer

    def handshake(self, machine, additional="", extra="", **how):
        answer = self.auth(machine.tee, extra)
        if answer.status == 200:
            evidence = machine.evidence(self.bound(additional, **how))
            answer = self.attest(self.body(evidence, additional))
        return answer

    def get(self, resource, bearer=None, cookie=True):
        headers = {"Authorization": f"Bearer {bearer}"} if bearer else {}
        return self.ask("GET", f"/kbs/v0/resource/{resource}", headers=headers, cookie=cookie)


# --- the server -----------------------------------------------------------------------------------


class Broker(Server):
    """assayd, with what its operator does over the protocol itself."""

    def __init__(self, assayd, *options):
        super().__init__(assayd, "--config", "/dev/null", *options)
        with open(self.admin_key, "rb") as f:
            self.admin = serialization.load_pem_private_key(f.read(), None)
        self.audience = json.loads(self.get("/v1/server")[2])["audience"]

    def admin_token(self, method, path, body=b"", **changes):
        public = url(self.admin.public_key().public_bytes(serialization.Encoding.Raw,
                                                          serialization.PublicFormat.Raw))
        kid = url(hashlib.sha256(compact({"crv": "Ed25519", "kty": "OKP", "x": public}).encode()).digest())
        now = int(time.time())
        claims = {"aud": self.audience, "iat": now, "exp": now + 60, "jti": uuid.uuid4().hex,
                  "htm": method, "htu": path, "sha256": url(hashlib.sha256(body).digest()), **changes}
        head = url(compact({"alg": "EdDSA", "kid": kid, "typ": "assay-admin+jwt"}).encode())
        text = f"{head}.{url(compact(claims).encode())}"
        return f"{text}.{url(self.admin.sign(text.encode()))}"

    def put(self, resource, secret, method="POST", policy=None):
        path = f"/kbs/v0/resource/{resource}" + (f"?policy={policy}" if policy else "")
        client = Client(self.port)
        return client.ask(method, path, secret, {
            "Authorization": "Bearer " + self.admin_token(method, path, secret)})
