# SPDX-License-Identifier: Apache-2.0
"""sevctl, on the host of a simulated platform and as the owner's tool, and `assay launch`, `assay measure`: each
reads what the other has written. See ../README.md."""

import base64
import glob
import http.server
import json
import os
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time

from rows import ASSAY, FOLDER, SIM, Failed, check, must, new, run

VERSION = "0.6.2"
GUID = "c2b5a1f0-6f0e-4d0a-9d57-1f4b7c6e0a35"
POLICY = "15"
FIRMWARE = ("--api-major", "1", "--api-minor", "55", "--build-id", "21")


def contents(*names):
    data = b""
    for name in names:
        with open(name, "rb") as file:
            data += file.read()
    return data


def write(name, data):
    path = os.path.join(tempfile.mkdtemp(dir=FOLDER.name), name)
    with open(path, "wb") as file:
        file.write(data)
    return path


def certificate(platform, name):
    return f"{platform}/collateral/{name}.cert"


def chains(platform):
    """PDH to CEK, and ASK and ARK: the two files that it reads."""
    return (write("sev", contents(*(certificate(platform, name) for name in ("pdh", "pek", "oca", "cek")))),
            write("ca", contents(certificate(platform, "ask"), f"{platform}/trust-root")))


def refuses(words, *command):
    done = run(*command)
    check(done.returncode != 0, f"{os.path.basename(command[0])} accepts, where it should say: {words}")
    check(words in done.stdout + done.stderr, f"refused, but not with \"{words}\": {done.stderr[:200]}")


def genuine(platform, *files):
    """Ours, of the chain."""
    done = run(ASSAY, "launch", "verify-platform", "--json", "--trust-root", f"{platform}/trust-root", *files)
    check(done.returncode in (0, 1), f"assay launch verify-platform exits {done.returncode}: {done.stderr}")
    return done.returncode == 0


# --- the host ---------------------------------------------------------------------------------

class KeyService:
    """AMD's, for one platform, while a with statement lasts. sevctl asks for the signed CEK at an address of its
    own, by HTTPS; it gets there through a proxy, which is this, and trusts the certificate that .env names."""

    NAME = "kdsintf.amd.com"

    def __init__(self, platform):
        self.asked, service = [], self
        place = tempfile.mkdtemp(dir=FOLDER.name)
        must("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={self.NAME}",
             "-addext", f"subjectAltName=DNS:{self.NAME}", "-keyout", f"{place}/key", "-out", f"{place}/certificate")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(f"{place}/certificate", f"{place}/key")

        class Proxy(http.server.BaseHTTPRequestHandler):
            def do_CONNECT(self):
                self.send_response(200 if self.path == service.NAME + ":443" else 403)
                self.end_headers()
                self.connection = context.wrap_socket(self.connection, server_side=True)
                self.rfile, self.wfile = self.connection.makefile("rb"), self.connection.makefile("wb", 0)
                self.close_connection = False

            def do_GET(self):
                service.asked.append(self.path)
                cek = contents(certificate(platform, "cek"))
                self.send_response(200)
                self.send_header("Content-Length", len(cek))
                self.end_headers()
                self.wfile.write(cek)
                self.close_connection = True

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Proxy)
        self.env = {**os.environ, "HTTPS_PROXY": f"http://127.0.0.1:{self.server.server_port}",
                    "SSL_CERT_FILE": f"{place}/certificate", "NO_PROXY": "", "no_proxy": ""}

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


def host(platform, *command, tee="sev-es", **options):
    return must(SIM, "run", "--tee", tee, "--platform", platform, "--host", "--", *command, **options).stdout


def export(sevctl):
    platform, chain = new("--tee", "sev-es", "--seed", "7"), f"{FOLDER.name}/exported"
    with KeyService(platform) as service:
        host(platform, sevctl, "export", chain, env=service.env)
    check(contents(chain) == contents(chains(platform)[0]), "other certificates than the platform's")
    check(genuine(platform, chain, certificate(platform, "ask")), "assay launch verify-platform refuses it")
    chip = host(platform, sevctl, "show", "identifier").strip()
    check(service.asked == [f"/cek/id/{chip}"], f"chip {chip}, asked for {service.asked}")
    check(host(platform, sevctl, "show", "version") == "1.55.21\n", "another version")
    check(host(platform, sevctl, "show", "flags") == "es\n", "other flags")
    other = new("--tee", "sev-es", "--seed", "8")
    with KeyService(other) as service:  # another chip's CEK
        host(platform, sevctl, "export", chain, env=service.env)
    check(not genuine(platform, chain, certificate(platform, "ask")), "ours takes another chip's CEK")
    refuses("verification failed", sevctl, "verify", "--sev", chain, "--ca", chains(platform)[1])


def provision(sevctl):
    """An owner's key, and new keys of the platform, by commands of the device, in one run."""
    platform, chain = new("--tee", "sev-es", "--seed", "7"), f"{FOLDER.name}/provisioned"
    script = ('"$0" generate oca oca.key && "$0" provision oca oca.key && "$0" rotate && "$0" show flags && '
              '"$0" export "$1"')
    with KeyService(platform) as service:
        flags = host(platform, "sh", "-ec", script, sevctl, chain, env=service.env)
    check(flags == "owned\nes\n", f"flags are {flags}")
    now, before = contents(chain), contents(chains(platform)[0])
    size = len(now) // 4
    check(now[2 * size:3 * size] == contents(f"{FOLDER.name}/oca"), "the OCA is not the one that was made")
    check(all(now[i * size:(i + 1) * size] != before[i * size:(i + 1) * size] for i in (0, 1, 2)), "an old key")
    must(sevctl, "verify", "--sev", chain, "--ca", chains(platform)[1])
    check(genuine(platform, chain, certificate(platform, "ask")), "assay launch verify-platform refuses it")


# --- chains and reports -----------------------------------------------------------------------

PLATFORMS = ["--tee sev", "--tee sev-es", "--tee sev-es --ext-owned", "--tee sev --product Naples",
             "--tee sev --broken other-root", "--tee sev-es --broken no-cek"]


def verify(sevctl):
    for options in PLATFORMS:
        platform = new(*options.split(), "--seed", "7")
        sev, ca = chains(platform)
        theirs = run(sevctl, "verify", "--sev", sev, "--ca", ca).returncode == 0
        ours = genuine(platform, sev, certificate(platform, "ask"))
        check(ours == theirs == ("--broken" not in options), f"{options}: ours {ours}, theirs {theirs}")
        refuses("matching builtin certificate", sevctl, "verify", "--sev", sev)  # of AMD it is not
        whole = contents(sev)
        for i, name in enumerate(("PDH", "PEK", "OCA", "CEK")):
            bad = bytearray(whole)
            bad[i * len(whole) // 4 + 5] ^= 1  # its API
            bad = write("bad", bad)
            refuses("verification failed", sevctl, "verify", "--sev", bad, "--ca", ca)
            check(not genuine(platform, bad, certificate(platform, "ask")), f"{options}: ours takes a bad {name}")


def validate(sevctl):
    for options in PLATFORMS[:4]:
        platform = new(*options.split(), "--seed", "7")
        evidence, (sev, _) = contents(f"{platform}/evidence.bin")[:208], chains(platform)
        must(sevctl, "validate", sev, write("report", evidence))
        for at in (0, 0x10, 0x30, 0x60):
            bad = bytearray(evidence)
            bad[at] ^= 1
            refuses("", sevctl, "validate", sev, write("report", bad))
    broken = new("--tee", "sev-es", "--broken", "bad-signature")
    refuses("", sevctl, "validate", chains(broken)[0], write("report", contents(f"{broken}/evidence.bin")[:208]))


# --- a launch ---------------------------------------------------------------------------------

class Vm:
    """One that is launched with the session NAME, and waits for its owner; its program prints the secret."""

    def __init__(self, platform, name, tee="sev-es"):
        self.qmp = os.path.join(tempfile.mkdtemp(dir=FOLDER.name), "qmp")
        self.command = [SIM, "run", "--tee", tee, "--platform", platform, "--launch", name, "--qmp", f"unix:{self.qmp}",
                        "--no-agent", "--", "cat", f"/sys/kernel/security/secrets/coco/{GUID}"]

    def __enter__(self):
        self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=sys.stderr)
        until = time.monotonic() + 60
        while not os.path.exists(self.qmp):
            if self.process.poll() is not None or time.monotonic() > until:
                self.__exit__()
                raise Failed("the VM is not launched")
            time.sleep(0.05)
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.terminate()
        self.process.wait()
        self.process.stdout.close()

    def ask(self, execute, **arguments):
        """One command over a connection of its own: its return, or its error."""
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(20)
            s.connect(self.qmp)
            lines = s.makefile("rwb")
            lines.readline()
            for command in ({"execute": "qmp_capabilities"}, {"execute": execute, "arguments": arguments}):
                lines.write(json.dumps(command).encode() + b"\n")
                lines.flush()
                answer = {}
                while not answer.keys() & {"return", "error"}:
                    answer = json.loads(lines.readline())
            return answer.get("return", answer.get("error"))

    def measured(self):
        return self.ask("query-sev-launch-measure")["data"]

    def inject(self, header, packet):
        return self.ask("sev-inject-launch-secret", **{
            "packet-header": base64.b64encode(contents(header)).decode(),
            "secret": base64.b64encode(contents(packet)).decode()})

    def output(self):
        return self.process.communicate(timeout=60)[0]


def digest(platform, policy=POLICY):
    """Ours, of what the simulator launches."""
    cpus = ("--vcpus", "1", "--vcpu-type", "EPYC-Milan") if int(policy) & 4 else ()
    return must(ASSAY, "measure", "sev-es" if cpus else "sev", "--ovmf", f"{platform}/firmware.fd", *cpus,
                "--output-format", "base64").stdout.strip()


def measurement(sevctl, name, blob, expected, policy=POLICY, tik=None):
    return must(sevctl, "measurement", "build", *FIRMWARE, "--policy", policy, "--launch-measure-blob", blob,
                "--tik", tik or f"{name}_tik.bin", "--launch-digest", expected).stdout.strip()


def packet(sevctl, name, blob, secret, tik=None):
    """Header and packet."""
    out = [write("header", b""), write("packet", b"")]
    must(sevctl, "secret", "build", "--tik", tik or f"{name}_tik.bin", "--tek", f"{name}_tek.bin",
         "--launch-measure-blob", blob, "--secret", f"{GUID}:{write('secret', secret)}", *out)
    return out


def finish(sevctl, platform, name, policy=POLICY):
    """The owner's part, by it; and what becomes of a packet under another key, and of other expectations."""
    secret, other = os.urandom(40).hex().encode(), write("tik", os.urandom(16))
    with Vm(platform, name, "sev-es" if int(policy) & 4 else "sev") as vm:
        blob, expected = vm.measured(), digest(platform, policy)
        check(measurement(sevctl, name, blob, expected, policy) == blob, "another measurement than the firmware's")
        for wrong in (measurement(sevctl, name, blob, expected, str(int(policy) ^ 8)),
                      measurement(sevctl, name, blob, expected, policy, other),
                      measurement(sevctl, name, blob, base64.b64encode(bytes(32)).decode(), policy)):
            check(wrong != blob, "a wrong expectation has the right measurement")
        check("class" in vm.inject(*packet(sevctl, name, blob, secret, other)), "a packet under another key is taken")
        check(vm.inject(*packet(sevctl, name, blob, secret)) == {}, "the packet is refused")
        vm.ask("cont")
        check(vm.output() == secret, "the guest has another secret")


def session(sevctl, policy):
    tee = "sev-es" if int(policy) & 4 else "sev"
    platform = new("--tee", tee, "--seed", "7")
    place = tempfile.mkdtemp(dir=FOLDER.name)
    must(sevctl, "session", "--name", "vm", certificate(platform, "pdh"), policy, cwd=place)
    finish(sevctl, platform, f"{place}/vm", policy)
    with open(f"{place}/vm_session.b64", "r+", encoding="ascii") as file:
        blob = bytearray(base64.b64decode(file.read()))
        blob[20] ^= 1  # of the wrapped keys
        file.seek(0)
        file.write(base64.b64encode(blob).decode())
    try:
        with Vm(platform, f"{place}/vm", tee):
            pass
    except Failed:
        return
    raise Failed("a session is taken that was altered")


def our_session(sevctl):
    """What `assay launch session` has written, finished by it; and `assay launch check` beside it."""
    platform, place = new("--tee", "sev-es", "--seed", "7"), tempfile.mkdtemp(dir=FOLDER.name)
    must(ASSAY, "launch", "session", "--guest-policy", "0xf", "--name", "vm", "-o", place, "--trust-root",
         f"{platform}/trust-root", f"{platform}/collateral")
    ours = [ASSAY, "launch", "check", "--launch", f"{place}/vm.launch.json", *FIRMWARE, "--digest",
            base64.b64decode(digest(platform)).hex(), "--measurement"]
    with Vm(platform, f"{place}/vm") as vm:
        blob = vm.measured()
    bad = base64.b64encode(bytes([base64.b64decode(blob)[0] ^ 1]) + base64.b64decode(blob)[1:]).decode()
    done = run(*ours, "base64:" + bad)
    check(done.returncode == 1, f"assay launch check of another measurement exits {done.returncode}")
    must(*ours, "base64:" + measurement(sevctl, f"{place}/vm", blob, digest(platform)))
    finish(sevctl, platform, f"{place}/vm")


# --- measurements from files --------------------------------------------------------------------

def images():
    base = os.path.join(os.environ.get("ASSAY_VECTORS", "/nonexistent"), "sev/measure")
    real = sorted(glob.glob(f"{base}/ovmf_AmdSev*.bin"))
    check(real or "ASSAY_REQUIRE_VECTORS" not in os.environ, "no real firmware; set ASSAY_VECTORS")
    return [f"{new('--tee', 'sev-es')}/firmware.fd", *real]


def vmsas(sevctl, image):
    """Of the first vCPU and of the others, as it makes them."""
    out = [write("vmsa", b""), write("vmsa", b"")]
    for cpu, path in enumerate(out):
        must(sevctl, "vmsa", "build", path, "--cpu", str(cpu), "--family", "25", "--model", "1", "--stepping", "1",
             "--firmware", image, "--userspace", "qemu")
    return out


def vmsa(sevctl):
    for image in images():
        for way, places in (("qemu", [0x408, 0x409, 0x410, 0x411]), ("qemu-old", [])):
            place = tempfile.mkdtemp(dir=FOLDER.name)
            must(ASSAY, "measure", "sev-es", "--ovmf", image, "--vcpus", "2", "--vcpu-type", "EPYC-Milan", "--vmm-type",
                 way, "--dump-vmsa", cwd=place)
            for cpu, theirs in enumerate(vmsas(sevctl, image)):
                a, b = contents(theirs), contents(f"{place}/vmsa{cpu}.bin")
                check(len(a) == len(b), f"{len(a)} bytes, ours {len(b)}")
                differ = [at for at in range(len(a)) if a[at] != b[at]]
                check(differ == places, f"{way}, vCPU {cpu}: differ at {differ}")
    return "known to differ: as of host kernels before 6.10, our --vmm-type qemu-old, without MXCSR and FCW"


def from_files(sevctl):
    kernel, initrd = write("kernel", os.urandom(70001)), write("initrd", os.urandom(5000))
    usual = (*FIRMWARE, "--tik", write("tik", os.urandom(16)), "--nonce", base64.b64encode(os.urandom(16)).decode())

    def both(image, policy, tee, boot, theirs, ours):
        expected = must(ASSAY, "measure", tee, "--ovmf", image, *boot[1], *ours, "--output-format",
                        "base64").stdout.strip()
        said = [must(sevctl, "measurement", "build", *usual, "--policy", policy, *way).stdout
                for way in (("--firmware", image, *boot[0], *theirs), ("--launch-digest", expected))]
        check(said[0] == said[1], f"{tee}, {os.path.basename(image)}: the digests differ")
        return expected

    files = ("--kernel", kernel, "--initrd", initrd)
    boots = [((), ()), *(((*files, "--cmdline", text), (*files, "--append", text)) for text in ("", "quiet"))]
    digests = set()
    for image in images():
        cpu0, cpu1 = vmsas(sevctl, image)
        for boot in boots if "AmdSev" in image else boots[:1]:
            digests.add(both(image, "1", "sev", boot, (), ()))
            for count in ("1", "4"):
                digests.add(both(image, "0x5", "sev-es", boot,
                                 ("--num-cpus", count, "--vmsa-cpu0", cpu0, "--vmsa-cpu1", cpu1),
                                 ("--vcpus", count, "--vcpu-type", "EPYC-Milan", "--vmm-type", "qemu-old")))
    check(len(digests) == 3 + 9 * (len(images()) - 1), "a digest came twice")


ROWS = [
    ("host: export, show; read by launch verify-platform", export),
    ("host: generate, provision, rotate: still genuine", provision),
    (f"verify: {len(PLATFORMS)} platforms, {5 * len(PLATFORMS)} chains, as ours", verify),
    ("validate: reports of 4 platforms; altered ones no", validate),
    ("SEV-ES: session, measurement and secret, its own", lambda sevctl: session(sevctl, "15")),
    ("SEV: session, measurement and secret, its own", lambda sevctl: session(sevctl, "11")),
    ("SEV-ES: session of assay launch; measurement, secret", our_session),
    ("VMSAs as of assay measure", vmsa),
    ("launch digests from files, as assay measure", from_files),
]
