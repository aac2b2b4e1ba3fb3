# SPDX-License-Identifier: Apache-2.0
"""Attested certificates and pyca/cryptography, whose reader of X.509 is neither ours nor OpenSSL's: it reads
those that are made here, and writes some that are verified here. The forms are docs/cert.md's, by hand."""

import hashlib
import json
import os

from rows import ASSAY, FOLDER, check, inside, must, new, run

DICE, CMW = "2.23.133.5.4.9", "1.3.6.1.5.5.7.1.35"
TD_REPORT_DATA = 48 + 520  # in a quote of version 4

# Runs in the environment of the library.
DRIVER = """
import datetime, json, sys
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

PUBLIC = serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
PRIVATE = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()

def read(path):
    with open(path, "rb") as file:
        cert = x509.load_pem_x509_certificate(file.read())
    cert.verify_directly_issued_by(cert)
    return {"key": cert.public_key().public_bytes(*PUBLIC).hex(),
            "extensions": {e.oid.dotted_string: e.value.value.hex() for e in cert.extensions
                           if isinstance(e.value, x509.UnrecognizedExtension)}}

def key(path):
    private = ec.generate_private_key(ec.SECP384R1())
    with open(path, "wb") as file:
        file.write(private.private_bytes(*PRIVATE))
    return private.public_key().public_bytes(*PUBLIC).hex()

def write(path, key, oid, value):
    with open(key, "rb") as file:
        private = serialization.load_pem_private_key(file.read(), None)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "peer")])
    now = datetime.datetime.now(datetime.timezone.utc)
    cert = x509.CertificateBuilder(name, name, private.public_key(), 7, now - datetime.timedelta(1),
                                   now + datetime.timedelta(1)).add_extension(
        x509.UnrecognizedExtension(x509.ObjectIdentifier(oid), bytes.fromhex(value)), False).sign(
        private, hashes.SHA384())
    with open(path, "wb") as file:
        file.write(cert.public_bytes(serialization.Encoding.PEM))

print(json.dumps({"read": read, "key": key, "write": write}[sys.argv[1]](*sys.argv[2:])))
"""


def theirs(python, *args):
    return json.loads(must(python, "-c", DRIVER, *args).stdout)


def octets(data):
    head = bytes([0x40 | len(data)]) if len(data) < 24 else bytes([0x58, len(data)]) if len(data) < 256 \
        else b"\x59" + len(data).to_bytes(2, "big")
    return head + data


def claims_of(key):
    """{ "pubkey-hash": << [1, SHA-256(key)] >> }"""
    return b"\xa1\x6bpubkey-hash" + octets(b"\x82\x01" + octets(hashlib.sha256(key).digest()))


def accepted(platform, cert):
    done = run(ASSAY, "cert", "verify", "--json", "--trust-root", f"{platform}/trust-root", "-c",
               f"{platform}/collateral", cert)
    check(done.returncode in (0, 1), f"assay cert verify exits {done.returncode}: {done.stderr}")
    answer = json.loads(done.stdout)
    return done.returncode == 0, [row["id"] for row in answer["checks"] if row["outcome"] == "fail"]


def read_ours(python, tee):
    """One that is made here, taken apart there."""
    platform, cert = new("--tee", tee), os.path.join(FOLDER.name, f"{tee}.crt")
    theirs(python, "key", f"{tee}.key")
    os.chmod(os.path.join(FOLDER.name, f"{tee}.key"), 0o600)
    inside(platform, tee, ASSAY, "cert", "make", "--key", f"{tee}.key", "-o", cert)
    got = theirs(python, "read", cert)
    key, value = bytes.fromhex(got["key"]), {oid: bytes.fromhex(v) for oid, v in got["extensions"].items()}
    if tee == "tdx":
        claims = claims_of(key)
        quote = value[DICE][7:7 + int.from_bytes(value[DICE][5:7], "big")]
        check(value[DICE] == b"\xd9\xea\x60\x82" + octets(quote) + octets(claims), "the DICE value is another")
        want = hashlib.sha256(claims).digest() + bytes(32)
        check(quote[TD_REPORT_DATA:TD_REPORT_DATA + 64] == want, "the quote has other report data")
    else:
        parts = b"assay report data: certificate, 1", b"", hashlib.sha384(key).digest()
        want = hashlib.sha512(b"".join(len(p).to_bytes(4, "big") + p for p in parts)).digest()
        check(value[CMW][:1] == b"\x04" and want in value[CMW], "the bundle has other report data")
    check(accepted(platform, cert) == (True, []), "not accepted here")


def verify_theirs(python):
    """One that is made there, and one with its evidence and another key."""
    platform = new("--tee", "tdx")
    claims = claims_of(bytes.fromhex(theirs(python, "key", "own.key")))
    theirs(python, "key", "other.key")
    inside(platform, "tdx", ASSAY, "attest", "--report-data", hashlib.sha256(claims).hexdigest(), "--raw", "-o",
           "quote.bin")
    with open(os.path.join(FOLDER.name, "quote.bin"), "rb") as file:
        value = b"\xd9\xea\x60\x82" + octets(file.read()) + octets(claims)
    for key, want in (("own.key", (True, [])), ("other.key", (False, ["cert.binding"]))):
        theirs(python, "write", "theirs.crt", key, DICE, value.hex())
        got = accepted(platform, "theirs.crt")
        check(got == want, f"{key}: {got[1]}")
