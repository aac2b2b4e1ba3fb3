# SPDX-License-Identifier: Apache-2.0
"""Attested certificates: made inside a platform, judged outside, and carried by TLS, whose other end is
OpenSSL's own client and server."""

import base64
import contextlib
import hashlib
import http.server
import os
import re
import select
import shutil
import ssl
import subprocess
import threading
import time

from sandbox import (ASSAY, ENV, NONCE, PROGRAMS, QGS, SIM, WITHOUT_LEAK_CHECK, Serve, allowed, done, fits, inside, new,
                     ok, path, read, run, unwrapped)

SERVER, CLIENT, *DAEMONS = PROGRAMS  # the broker's and the agent's
OPENSSL, CURL = shutil.which("openssl"), shutil.which("curl")
OTHER_NONCE = "00112233445566778899aabbccddeefe"
TITLES = {"tdx": "Intel TDX", "snp": "AMD SEV-SNP", "sgx": "Intel SGX"}
FORMS = {"tdx": "DICE", "snp": "CMW", "sgx": "DICE"}
KINDS = {"p256": ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
         "p384": ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"],
         "ed25519": ["-algorithm", "ED25519"],
         "rsa": ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"]}


def key(name, kind="p256"):
    subprocess.run([OPENSSL, "genpkey", *KINDS[kind], "-out", name], check=True, capture_output=True)
    os.chmod(name, 0o600)
    return name


def make(folder, *args, **more):
    return inside(folder, ASSAY, "cert", "make", *args, **more)


def verify(folder, *args, root=True):
    return run("cert", "verify", "-c", f"{folder}/collateral",
               *(["--trust-root", f"{folder}/trust-root"] if root else []), *args)


def unsure(tee, other, none):
    """Where the nonce is hashed with the key, a wrong one is called no forgery."""
    for r, words in ((other, "for another key, or for another nonce Give the nonce that the peer was sent"),
                     (none, "for another key, or for a nonce; if you sent one, give it Give the nonce")):
        said = unwrapped(r.out)
        ok(r.code == 1 and words in said and "Do not speak" not in said and "the host puts" not in said,
           f"{tee}: another key or another nonce", r)


if not OPENSSL:
    print("# no openssl command, so that all of this is left out")
    done()
for kind in KINDS:
    key(f"{kind}.key", kind)

# --- outside any TEE, and the command line -------------------------------------------------------
r = run("cert", "make", "--key", "p256.key", "-o", "none.crt")
ok(r.code == 3 and r.out == "" and not os.path.exists("none.crt") and "no TEE" in r.err and
   "; assay attest --list says why" in r.err, "no TEE: exit 3", r)
path("open.key", read("p256.key"))
os.chmod("open.key", 0o644)
path("junk.key", b"no key")
os.chmod("junk.key", 0o600)
for name, args, words in (
        ("no key", [], "--key is missing"),
        ("a key that others can read", ["--key", "open.key"], "close it with chmod 600"),
        ("no key in the file", ["--key", "junk.key"], "has no PEM block"),
        ("a short nonce", ["--key", "p256.key", "--nonce", "0011"], "is too short: 2 of at least 8 bytes"),
        ("too long", ["--key", "p256.key", "--valid", "367d"], "is no duration up to 366d"),
        ("an operand", ["--key", "p256.key", "x"], "usage: assay cert make")):
    r = run("cert", "make", *args)
    ok(r.code == 2 and words in r.err and r.out == "", f"make, {name}: exit 2", r)
for name, args, words in (
        ("no certificate", [], "usage: assay cert verify"),
        ("report data", ["--report-data", "00", "x"], "--report-data"),
        ("a short nonce", ["--nonce", "0011", "x"], "is too short: 2 of at least 8 bytes")):
    r = run("cert", "verify", *args)
    ok(r.code == 2 and words in r.err and r.out == "", f"verify, {name}: exit 2", r)
r = run("cert", "verify", "p256.key")
ok(r.code == 1 and r.out.startswith("REFUSED  p256.key: nothing that can be judged\n")
   and "FAIL cert.format: certificate: the file holds \"PRIVATE KEY\"" in unwrapped(r.out), "a key is no certificate", r)
subprocess.run([OPENSSL, "req", "-x509", "-key", "p256.key", "-out", "plain.crt", "-subj", "/CN=plain", "-days", "9"],
               check=True, capture_output=True)
r = run("cert", "verify", "--json", "plain.crt")
ok(r.code == 1 and r.failed() == ["cert.extension"] and r.check("cert.signature") == "pass"
   and "it lacks the DICE (2.23.133.5.4.9) or the CMW extension" in r.out, "a plain one has no evidence", r)

allowed()
for tee in TITLES:
    new(tee, "--tee", tee, "--seed", "7")

# --- made inside, judged outside -----------------------------------------------------------------
for tee, title in TITLES.items():
    more = QGS if tee == "tdx" else []
    for kind in ("p256", "p384", "ed25519"):
        name = f"{tee}-{kind}.crt"
        r = make(tee, "--key", f"{kind}.key", "-o", name)
        ok(r.code == 0 and r.out == r.err == "", f"{tee}: make, {kind}", r)
        r = verify(tee, name)
        ok(r.code == 0 and r.err == "" and fits(r.out) and r.out.startswith("ACCEPTED ")
           and f"{title}: genuine, up to date, allowed" in r.out
           and f"certificate, {FORMS[tee]} extension: " in unwrapped(r.out)
           and "not checked: freshness (give --nonce)\n" in r.out, f"{tee}: accepted, {kind}", r)
        r = verify(tee, name, root=False)
        ok(r.code == 1 and "not genuine" in r.out, f"{tee}: without the root, exit 1", r)
    r = make(tee, "-v", "--nonce", NONCE, "--valid", "1h", "--key", "p256.key")
    ok(r.code == 0 and r.out.startswith("-----BEGIN CERTIFICATE-----\n")
       and r.err.startswith(f"assay cert make: certificate, {FORMS[tee]} extension: "), f"{tee}: to standard output", r)
    path("fresh.crt", r.out.encode())
    r = verify(tee, "--nonce", NONCE, "fresh.crt")
    ok(r.code == 0 and "not checked" not in r.out, f"{tee}: its nonce", r)
    r = verify(tee, "--nonce", OTHER_NONCE, "--json", "fresh.crt")
    ok(r.code == 1 and "cert.nonce" in r.failed(), f"{tee}: another nonce, exit 1", r)
    if FORMS[tee] == "CMW":
        unsure(tee, verify(tee, "--nonce", OTHER_NONCE, "fresh.crt"), verify(tee, "fresh.crt"))
    r = verify(tee, "--nonce", NONCE, "--json", f"{tee}-p256.crt")
    ok(r.code == 1 and r.failed() == ["cert.nonce"] and "made without a nonce" in r.out,
       f"{tee}: none in it, exit 1", r)
    der = subprocess.run(["openssl", "x509", "-in", f"{tee}-p256.crt", "-outform", "DER"], check=True,
                         capture_output=True).stdout
    for name in (f"{tee}-p256.crt", path("seen.der", der)):
        r = run("inspect", name, "--json")
        seen = r.json["groups"]
        ok(r.code == 0 and r.json["kind"] == "attested certificate" and len(seen) > 1
           and seen["certificate"]["evidence"] == f"{FORMS[tee]} extension"
           and seen["certificate"]["SHA-256"] == hashlib.sha256(der).hexdigest()
           and {"subject", "notBefore", "notAfter", "public key", "key digest"} <= set(seen["certificate"]),
           f"{tee}: inspect shows what is inside: {name[-3:]}", r)
    r = run("inspect", path("short.der", der[:-1]))
    ok(r.code in (0, 1) and "attested" not in r.out, f"{tee}: inspect of one cut short", r)
    soon = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 2 * 3600))
    r = verify(tee, "--time", soon, "--json", "-p", "genuine", *(["--nonce", NONCE]), "fresh.crt")
    ok(r.code == 1 and r.failed() == ["cert.dates"], f"{tee}: after its hour, exit 1", r)
    r = make(tee, "--provider", "enarx", "--key", "p256.key", "-o", "enarx.crt")
    ok(r.code == 0 and verify(tee, "enarx.crt").code == 0, f"{tee}: --provider", r)
    r = make(tee, "--key", "rsa.key", "-o", "rsa.crt")
    ok(r.code == 2 and "rsa.key: is a key of another kind; a certificate takes P-256, P-384 and Ed25519\n" in r.err
       and not os.path.exists("rsa.crt"), f"{tee}: RSA", r)
    der = subprocess.run([OPENSSL, "x509", "-in", f"{tee}-p256.crt", "-outform", "DER"], check=True,
                         capture_output=True).stdout
    path("der.crt", der)
    ok(verify(tee, "der.crt").code == 0, f"{tee}: DER")
    r = subprocess.run([OPENSSL, "verify", "-CAfile", f"{tee}-p256.crt", f"{tee}-p256.crt"], capture_output=True,
                       check=False)
    ok(r.returncode == 0, f"{tee}: OpenSSL finds the certificate well made", r)
r = make("tdx", "--key", "p256.key", "--provider", "tdx-device", *QGS, "-o", "device.crt")
ok(r.code == 0 and verify("tdx", "device.crt").code == 0, "tdx: by the device and a QGS", r)
r = run("cert", "verify", "--trust-root", "tdx/trust-root", "tdx-p256.crt")
ok(r.code == 3 and re.search(r"Then, anywhere: +assay cert verify -c \S+\.bundle tdx-p256\.crt\n", r.out),
   "without collateral: exit 3, and which command brings it", r)
for tee, service in (("tdx", "pcs"), ("snp", "kds")):
    serve = Serve("--platform", tee, "--only", service).ready(1)
    r = run("collateral", "fetch", "--from", serve[service], "-o", f"{tee}.bundle", f"{tee}-p256.crt")
    serve.stop()
    ok(r.code == 0 and run("cert", "verify", "--trust-root", f"{tee}/trust-root", "-c", f"{tee}.bundle",
                           f"{tee}-p256.crt").code == 0, f"{tee}: collateral fetched for a certificate", r)
r = verify("tdx", "--expect", "debug=true", "--json", "tdx-p256.crt")
ok(r.code == 1 and r.failed() == ["expect.debug"], "--expect", r)

# --- guests of SEV and SEV-ES: by their agent, and their owner's record --------------------------
ENV["PATH"] = ":".join([*map(os.path.dirname, DAEMONS), ENV["PATH"]])
for tee, title in (("sev-es", "AMD SEV-ES"), ("sev", "AMD SEV")):
    for folder, seed in ((f"{tee}-own", "7"), (f"{tee}-other", "8")):
        new(folder, "--tee", tee, "--seed", seed)
        again = f'"$@" -o {folder}.crt && exec "$@" --nonce {NONCE} -o {folder}-fresh.crt'  # in one launch
        r = subprocess.run([SIM, "run", "--tee", tee, "--platform", folder, "--", *WITHOUT_LEAK_CHECK, "sh", "-c",
                            again, "sh", ASSAY, "cert", "make", "--key", "p384.key"], env=ENV, capture_output=True,
                           stdin=subprocess.DEVNULL, timeout=120, check=False)
        ok(r.returncode == 0, f"{tee}: make", r)
    own, record = f"{tee}-own", ["--launch", f"{tee}-own/launch.json"]
    # The host reads the registers of plain SEV, so the default policy takes none of it.
    weak = path("weak.policy", b'policy "weak"\nfor sev\n  require instance  binding == "weak"\n')
    r = verify(own, *record, *(["-p", weak] if tee == "sev" else []), f"{own}.crt")
    ok(r.code == 0 and f"{title}: genuine, allowed" in r.out
       and "certificate, CMW extension: bundle: attestation report, 6460 bytes with proof" in unwrapped(r.out),
       f"{tee}: accepted", r)
    if tee == "sev":
        r = verify(own, *record, "--json", f"{own}.crt")
        ok(r.code == 1 and r.check("cert.binding") == "pass" and "sev.policy.binding" in r.failed(),
           f"{tee}: not by the default policy", r)
    genuine, fresh = [*record, "-p", "genuine"], f"{own}-fresh.crt"
    r = verify(own, *genuine, "--nonce", NONCE, fresh)
    ok(r.code == 0 and "not checked: freshness" not in r.out, f"{tee}: its nonce", r)
    unsure(tee, verify(own, *genuine, "--nonce", OTHER_NONCE, fresh), verify(own, *genuine, fresh))
    r = verify(own, *genuine, "--nonce", NONCE, "--json", f"{own}.crt")
    ok(r.code == 1 and r.failed() == ["cert.nonce"] and "made without a nonce" in r.out, f"{tee}: none in it", r)
    r = verify(own, "-p", "genuine", f"{own}.crt")
    ok(r.code == 3 and "of this guest, with --launch" in r.out and
       f"cert verify --launch FILE {own}.crt" in r.out, f"{tee}: not without its record", r)
    r = verify(own, "--launch", f"{tee}-other/launch.json", "-p", "genuine", "--json", f"{own}.crt")
    ok(r.code == 1 and "cert.binding" in r.failed(), f"{tee}: nor by another guest's", r)

# --- TLS -----------------------------------------------------------------------------------------


@contextlib.contextmanager
def server(*command, said):
    """A server that says its port on standard output; ends with the block."""
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as p:
        text, end = b"", time.monotonic() + 20
        while time.monotonic() < end and not (found := re.search(said, text)):
            if select.select([p.stdout], [], [], 0.2)[0]:
                if not (more := os.read(p.stdout.fileno(), 4096)):
                    break
                text += more
        try:
            yield p, found[1].decode()
        finally:
            p.kill()


def ours(*args):
    return server(SERVER, *args, "0", said=rb"port (\d+)\n")


def theirs(*args):
    return server(OPENSSL, "s_server", "-tls1_3", "-accept", "127.0.0.1:0", *args, said=rb"ACCEPT [0-9.]+:(\d+)\n")


def client(tee, port, *args):
    return subprocess.run([CLIENT, "-r", f"{tee}/trust-root", "-c", f"{tee}.pem", *args, "127.0.0.1", port],
                          capture_output=True, timeout=60, check=False)


def s_client(port, *args):
    return subprocess.run([OPENSSL, "s_client", "-connect", f"127.0.0.1:{port}", "-quiet", "-ign_eof", *args],
                          stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=False)


def replayed(cert, key_of):
    """A key file for a certificate that anyone can read: its public half, and a private one of Mallory's own."""
    own, other = (base64.b64decode(b"".join(read(name).splitlines()[1:-1])) for name in (key_of, key("own.key")))
    text = base64.encodebytes(other[:-65] + own[-65:])  # the point stands last
    return ["-cert", cert, "-key", path("replayed.key", b"-----BEGIN PRIVATE KEY-----\n" + text
                                        + b"-----END PRIVATE KEY-----\n")]


@contextlib.contextmanager
def https(cert, name):
    """A web server that keeps what is put there, and of attestation has the certificate alone."""
    kept = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_PUT(self):
            kept.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(201)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args):
            pass

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, name)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as s:
        s.socket = context.wrap_socket(s.socket, server_side=True)
        s.handle_error = lambda *args: None
        threading.Thread(target=s.serve_forever, daemon=True).start()
        yield s.server_address[1], kept
        s.shutdown()


HELLO = b"hello from an attested server\n"
for tee in ("tdx", "snp"):
    run("collateral", "pack", f"{tee}/collateral", "-o", f"{tee}.pem")
for tee in ("tdx", "snp"):
    own = ["-k", "p256.key", "-e", f"{tee}-p256.crt"]
    other = "snp" if tee == "tdx" else "tdx"
    with ours(*own) as (p, port):
        r = s_client(port)
        ok(HELLO in r.stdout, f"{tee}: openssl s_client reads from the example server", r)
        r = client(tee, port)
        ok(r.returncode == 0 and r.stdout == HELLO and b"peer accepted" in r.stderr, f"{tee}: so does the example", r)
        r = client(other, port)
        ok(r.returncode == 1 and r.stdout == b"" and b"peer refused" in r.stderr, f"{tee}: under another root", r)
        path("strict.policy", b'policy "no TEE that is here"\nfor sgx\n  require configuration  debug == false\n')
        r = client(tee, port, "-p", "strict.policy")
        ok(r.returncode == 1 and r.stdout == b"" and b"FAIL policy.tee" in r.stderr, f"{tee}: by another policy", r)
        path("own.policy", f'policy "this TEE"\nfor {tee}\n  require configuration  debug == false\n'.encode())
        r = client(tee, port, "-p", "own.policy", "-p", "default")
        ok(r.returncode == 0 and r.stdout == HELLO, f"{tee}: by two policies", r)
        r = client(tee, port, "-p", "strict.policy", "-p", "own.policy")
        ok(r.returncode == 1 and b"FAIL policy.tee" in r.stderr, f"{tee}: by each of two policies", r)
    with theirs("-cert", f"{tee}-p256.crt", "-key", "p256.key") as (p, port):
        with subprocess.Popen([CLIENT, "-r", f"{tee}/trust-root", "-c", f"{tee}.pem", "127.0.0.1", port],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE) as c:
            p.stdin.write(b"hello from openssl\n")
            p.stdin.flush()
            said = c.stdout.readline()
            p.stdin.write(b"q\n")  # of which s_server's end of TLS is none, and the client says so
            p.stdin.flush()
            said += c.stdout.read()
            why = c.stderr.read()
        ok(c.returncode == 4 and b"broke off" in why and said == b"hello from openssl\n" and b"peer accepted" in why,
           f"{tee}: the example client reads from openssl s_server", why)
    # Alice's evidence, Mallory's key: what he can make of it with OpenSSL alone.
    key("mallory.key")
    oid = {"DICE": "2.23.133.5.4.9", "CMW": "1.3.6.1.5.5.7.1.35"}[FORMS[tee]]
    shown = subprocess.run([OPENSSL, "asn1parse", "-in", f"{tee}-p256.crt"], check=True, capture_output=True,
                           text=True).stdout
    dump = re.search(rf"OBJECT +:{re.escape(oid)}\n.*OCTET STRING +\[HEX DUMP\]:([0-9A-F]+)\n", shown)
    if dump is None:  # OpenSSL has a name for it
        dump = re.search(r"OCTET STRING +\[HEX DUMP\]:([0-9A-F]{2000,})\n", shown)
    path("mallory.cnf", f"[req]\ndistinguished_name=dn\nx509_extensions=x\nprompt=no\n[dn]\nCN=assay\n[x]\n"
                        f"{oid}=DER:{dump[1]}\n".encode())
    subprocess.run([OPENSSL, "req", "-x509", "-key", "mallory.key", "-config", "mallory.cnf", "-out", "mallory.crt",
                    "-days", "9"], check=True, capture_output=True)
    r = verify(tee, "--json", "mallory.crt")
    ok(r.code == 1 and "cert.binding" in r.failed() and r.check("cert.signature") == "pass",
       f"{tee}: evidence of another key", r)
    for name, pair in (("evidence of another key", ["-cert", "mallory.crt", "-key", "mallory.key"]),
                       ("no evidence", ["-cert", "plain.crt", "-key", "p256.key"])):
        with theirs(*pair) as (p, port):
            r = client(tee, port)
            ok(r.returncode == 1 and r.stdout == b"" and b"peer refused" in r.stderr
               and (b"FAIL cert.binding" in r.stderr or b"FAIL cert.extension" in r.stderr),
               f"{tee}: s_server with {name}", r)
    with theirs(*replayed(f"{tee}-p256.crt", "p256.key")) as (p, port):
        r = client(tee, port)
        ok(r.returncode == 1 and r.stdout == b"" and b"peer accepted" not in r.stderr and b"no handshake" in r.stderr,
           f"{tee}: s_server that replays the certificate", r)
    # As docs/cert.md has it: judged first, and then a file is sent to that very certificate.
    path("secret", b"for this machine alone\n")
    for name, pair, good in (("the machine", (f"{tee}-p256.crt", "p256.key"), True),
                             ("one that replays the certificate", (f"{tee}-p256.crt", "replayed.key"), False),
                             ("Mallory", ("mallory.crt", "mallory.key"), False)):
        if not CURL:
            print("# no curl")
            break
        with https(*pair) as (port, kept):
            if good:
                shown = subprocess.run([OPENSSL, "s_client", "-connect", f"127.0.0.1:{port}"], capture_output=True,
                                       stdin=subprocess.DEVNULL, timeout=60, check=False).stdout
                subprocess.run([OPENSSL, "x509", "-out", "shown.crt"], input=shown, check=True, timeout=60)
                ok(verify(tee, "shown.crt").code == 0, f"{tee}: the certificate that openssl s_client is shown")
            r = subprocess.run([CURL, "-sS", "--cacert", "shown.crt", "--capath", "/dev/null",
                                "--connect-to", f"assay:{port}:127.0.0.1:{port}", "-T", "secret", f"https://assay:{port}/secret"],
                               env={k: v for k, v in ENV.items() if not k.lower().endswith("_proxy")},
                               capture_output=True, timeout=60, check=False)
            ok((r.returncode == 0) == good and kept == ([read("secret")] if good else []),
               f"{tee}: curl sends a file to {name}", r)
    # Both sides.
    trust = ["-r", f"{tee}/trust-root", "-c", f"{tee}.pem"]
    r = subprocess.run([SERVER, *own, *trust, "0"], capture_output=True, timeout=20, check=False)
    ok(r.returncode == 2 and b"give -m, too" in r.stderr, f"{tee}: whom to believe, and nobody to judge", r)
    with ours("-m", *trust, *own) as (p, port):
        for name, shown, good in (("attested", ["-cert", f"{tee}-p384.crt", "-key", "p384.key"], True),
                                  ("plain", ["-cert", "plain.crt", "-key", "p256.key"], False),
                                  ("with evidence of another key", ["-cert", "mallory.crt", "-key", "mallory.key"],
                                   False),
                                  ("that replays a certificate", replayed(f"{tee}-p256.crt", "p256.key"), False),
                                  ("without a certificate", [], False)):
            r = s_client(port, *shown)
            ok((HELLO in r.stdout) == good, f"{tee}: mutual, s_client {name}", r)
        r = client(tee, port, "-k", "ed25519.key", "-e", f"{tee}-ed25519.crt")
        ok(r.returncode == 0 and r.stdout == HELLO, f"{tee}: mutual, both examples", r)
        r = client(tee, port)
        ok(r.returncode == 4 and r.stdout == b"", f"{tee}: mutual, the example without a certificate", r)
        p.kill()
        told = p.stderr.read().decode()
        ok(told.count("peer accepted") == 2 and told.count("peer refused") == 2
           and "FAIL cert.extension" in told and "FAIL cert.binding" in told, f"{tee}: the server says why", told)
done()
