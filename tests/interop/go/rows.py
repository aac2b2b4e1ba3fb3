# SPDX-License-Identifier: Apache-2.0
"""Programs in Go: go-tdx-guest, go-sev-guest, go-configfs-tsm, containerd's ttrpc, and Go's own
TLS. See ../README.md."""

import base64
import contextlib
import glob
import hashlib
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))
from rows import (ASSAY, BUILD, Failed, Service, check, inside, log, must, new, run, say,
                  verdict)  # noqa: E402

PLACE = os.path.join(BUILD, "go")
BIN = os.path.join(PLACE, "bin")
NONCE = os.urandom(64)

# --- building ---------------------------------------------------------------------------------

TDX, SEV, CONFIGFS = ("github.com/google/" + name for name in
                      ("go-tdx-guest", "go-sev-guest", "go-configfs-tsm"))

# Module, then what is built of it: a name for the binary, and a package.
MODULES = {
    "configfs": {"configfs": "."},
    "tdx": {"tdx": ".", "tdx-attest": TDX + "/tools/attest", "tdx-check": TDX + "/tools/check"},
    "sev": {"sev": ".", "sev-attest": SEV + "/tools/attest", "sev-check": SEV + "/tools/check"},
    "sev-ioctl": {"sev-attest-ioctl": SEV + "/tools/attest"},
    "ttrpc": {"ttrpc": "."},
    "tls": {"tls": "."},
}


def version(module):
    """Of the program that a module is about; None if that is Go itself."""
    with open(os.path.join(HERE, module, "go.mod"), encoding="utf-8") as file:
        found = re.search(r"^require \S+ v(\S+)$", file.read(), re.M)
    return found.group(1) if found else None


def go():
    """The newest Go that is there."""
    places = [shutil.which("go"), "/usr/local/go/bin/go", *glob.glob("/usr/lib/go-*/bin/go")]
    best = ((0, 0), None)
    for place in filter(None, places):
        if os.access(place, os.X_OK):
            found = re.search(r"go(\d+)\.(\d+)", run(place, "version").stdout)
            if found:
                best = max(best, (tuple(map(int, found.groups())), place))
    check(best[1], "no Go; install Debian's golang-go")
    check(best[0] >= (1, 19), f"{best[1]} is Go {best[0][0]}.{best[0][1]}; 1.19 is the oldest that "
                              "builds these programs")
    return best[1]


def language():
    """Its version."""
    try:
        return run(go(), "env", "GOVERSION").stdout.strip().removeprefix("go")
    except Failed:
        return ""


def build(module):
    """Fetches and builds; static, so that nothing can reach inside the programs."""
    options = {
        **os.environ, "GOPATH": f"{PLACE}/path", "GOCACHE": f"{PLACE}/cache", "GOWORK": "off",
        "GOFLAGS": "-mod=readonly -modcacherw -trimpath -buildvcs=false", "GOTOOLCHAIN": "local",
        "CGO_ENABLED": "0",
    }
    for name, package in MODULES[module].items():
        must(go(), "build", "-o", f"{BIN}/{name}", package, env=options,
             cwd=os.path.join(HERE, module))


def program(name):
    return os.path.join(BIN, name)


# --- rows: inside a platform ------------------------------------------------------------------

ROWS = []


def row(name, module, did):
    """Marks a function as a row; what it returns is the note."""
    def mark(function):
        ROWS.append(({"program": name, "version": version(module), "did": did}, module, function))
        return function
    return mark


def accepted(platform, evidence):
    """Ours, of evidence that was collected with NONCE."""
    got = verdict(platform, evidence, "--report-data", NONCE.hex())
    check(got["verdict"] == "accepted", f"assay verify says {got['verdict']}")
    other = verdict(platform, evidence, "--report-data", bytes(64).hex())
    check(other["verdict"] == "refused", "assay verify accepts another nonce")


def collect(platform, tee, name, *args):
    """Evidence by one of the attest programs, inside; a file."""
    path = f"{platform}/{name}.bin"
    inside(platform, tee, program(name), "-inform", "hex", "-in", NONCE.hex(), "-out", path, *args)
    accepted(platform, path)
    return path


def judged(platform, tee, name, evidence, root, *args):
    """A check program inside: yes with the root and the nonce, no without one of them."""
    nonce = ("-report_data", NONCE.hex())
    inside(platform, tee, program(name), "-in", evidence, *root, *nonce, *args)
    for wrong, words in (((*nonce, *args), "unknown authority"),
                         ((*root, "-report_data", bytes(64).hex(), *args), "(?i)report.?data")):
        try:
            inside(platform, tee, program(name), "-in", evidence, *wrong)
        except Failed as refusal:
            check(re.search(words, str(refusal)), f"refuses for another reason: {refusal}")
        else:
            raise Failed("accepts without the root, or another nonce")


def bundle(platform):
    """Intermediate and root of AMD's, as the KDS has them; the root is the one to be trusted."""
    end = "-----END CERTIFICATE-----\n"
    with open(f"{platform}/collateral/cert_chain.pem", encoding="ascii") as chain, \
         open(f"{platform}/trust-root", encoding="ascii") as root, \
         open(f"{platform}/bundle.pem", "w", encoding="ascii") as out:
        out.write(chain.read().split(end)[0] + end + root.read())
    return f"{platform}/bundle.pem"


def brokers():
    """What tests of assay-brokerd start it with: tests/host/harness.py."""
    path = os.path.join(HERE, "..", "..", "host", "harness.py")
    spec = importlib.util.spec_from_file_location("host_harness", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@row("containerd/ttrpc client", "ttrpc", "asks assay-brokerd: sizes, evidence, what there is not")
def _():
    ours = brokers()
    with ours.Host() as host:
        vmm = host.vmm("web")
        with ours.Broker(os.path.join(BUILD, "..", "host", "assay-brokerd"), host, vms=[vmm]):
            def ask(method, size, service=ours.SERVICE):
                return json.loads(run(program("ttrpc"), vmm.guest, service, method, str(size)).stdout)
            check(ask(ours.SIZE, 0) == {"evidenceSize": 6460}, "the size is not 6460")
            for size in (6460, 6461):
                got = ask(ours.EVIDENCE, size)
                check(got["evidenceSize"] == size, f"not {size} bytes")
                check(len(base64.b64decode(got["evidence"])) == size, f"not {size} bytes of evidence")
            check(ask("Nothing", 0) == {"code": 12, "message": "method Nothing"}, "a method that is none")
            check(ask(ours.SIZE, 0, "other") == {"code": 12, "message": "service other"}, "a service that is none")
            check(ask(ours.EVIDENCE, 1)["code"] == 3, "a size that is none")


@row("go-configfs-tsm client", "configfs", "TDX: a quote through configfs")
def _():
    platform = new("--tee", "tdx")
    provider, quote, aux = inside(platform, "tdx", program("configfs"),
                                  NONCE.hex()).stdout.split("\n")[:3]
    check(provider == '"tdx_guest\\n"' and aux == "", f"provider {provider}, auxblob {aux[:16]}")
    with open(f"{platform}/quote", "wb") as file:
        file.write(bytes.fromhex(quote))
    accepted(platform, f"{platform}/quote")


@row("go-configfs-tsm client", "configfs", "SNP: report and certificates through configfs")
def _():
    platform = new("--tee", "snp")
    provider, report, aux = inside(platform, "snp", program("configfs"), "-aux",
                                   NONCE.hex()).stdout.split("\n")[:3]
    check(provider == '"sev_guest\\n"', f"provider {provider}")
    with open(f"{platform}/report", "wb") as file:
        file.write(bytes.fromhex(report + aux))
    for name in os.listdir(f"{platform}/collateral"):
        if name != "crl.der":  # the certificates that the host hands out must do
            os.remove(f"{platform}/collateral/{name}")
    accepted(platform, f"{platform}/report")


@row("go-tdx-guest attest", "tdx", "TDX: a quote through configfs")
def _():
    collect(new("--tee", "tdx"), "tdx", "tdx-attest")


@row("go-tdx-guest check", "tdx", "TDX: yes; without the root no; another nonce no")
def _():
    platform = new("--tee", "tdx")
    judged(platform, "tdx", "tdx-check", collect(platform, "tdx", "tdx-attest"),
           ("-trusted_roots", f"{platform}/trust-root"))


@row("go-tdx-guest client", "tdx", "TDX: TDREPORT by ioctl; for a quote told to use configfs")
def _():
    platform = new("--tee", "tdx")
    report, quote = inside(platform, "tdx", program("tdx"), "report",
                           NONCE.hex()).stdout.splitlines()[-2:]
    report = bytes.fromhex(report)
    check(len(report) == 1024 and report[0] == 0x81 and report[128:192] == NONCE,
          "no TDREPORT for the nonce")
    # The ioctl for a quote was never in Linux proper; the driver answers ENOTTY, and it says so.
    check(quote == "invalid ioctl! use QuoteProvider to fetch attestation quote", quote)


@row("go-sev-guest attest", "sev-ioctl", "SNP: report and certificates by ioctl")
def _():
    collect(new("--tee", "snp"), "snp", "sev-attest-ioctl", "-extended")


@row("go-sev-guest attest", "sev", "SNP: report and certificates through configfs")
def _():
    collect(new("--tee", "snp"), "snp", "sev-attest", "-extended")


@row("go-sev-guest check", "sev", "SNP: yes; without the root no; another nonce no")
def _():
    platform = new("--tee", "snp")
    root = ("-product_key_path", bundle(platform))
    evidence = collect(platform, "snp", "sev-attest", "-extended")
    build("sev-ioctl")
    for file in (evidence, collect(platform, "snp", "sev-attest-ioctl", "-extended")):
        judged(platform, "snp", "sev-check", file, root, "-network=false",
               "-guest_policy", "0x30000")


# --- rows: attested certificates --------------------------------------------------------------

DICE = "2.23.133.5.4.9"
HELLO = "hello from an attested server\n"


def example(name):
    return os.path.join(os.path.dirname(ASSAY), os.pardir, "examples", name)


class Attested:
    """A platform of TDX, a key and its certificate, PEM; and how the examples are told to trust it."""

    def __init__(self):
        self.platform = new("--tee", "tdx")
        self.key, self.cert, bundle = (f"{self.platform}/{name}" for name in ("tls.key", "tls.crt", "collateral.pem"))
        must("openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", self.key)
        inside(self.platform, "tdx", ASSAY, "cert", "make", "--key", self.key, "-o", self.cert)
        must(ASSAY, "collateral", "pack", f"{self.platform}/collateral", "-o", bundle)
        self.trust = ["-r", f"{self.platform}/trust-root", "-c", bundle]

    def shown(self, answer):
        """Whether this is what Go was shown: its key, and evidence of that key."""
        seen = {oid: base64.b64decode(value) for oid, value in answer["Extensions"].items()}
        key = base64.b64decode(answer["Key"])
        public = must("openssl", "pkey", "-in", self.key, "-pubout", "-outform", "DER", text=False).stdout
        check(key == public, "another key")
        value = seen[DICE]
        quote = value[7:7 + int.from_bytes(value[5:7], "big")]
        claims = value[7 + len(quote):]
        claims = claims[2 if claims[0] == 0x58 else 1:]
        check(hashlib.sha256(key).digest() in claims, "the claims are of another key")
        check(hashlib.sha256(claims).digest() == quote[568:600], "the quote is of other claims")


@contextlib.contextmanager
def server(*command):
    """One that says its port first; with it ends the block."""
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True) as process:
        try:
            words = process.stdout.readline().split()
            check(words[:1] == ["port"], f"{os.path.basename(command[0])} does not start")
            yield words[1], process
        finally:
            process.kill()


@row("crypto/tls client", "tls", "TDX: the example server; its certificate by crypto/x509")
def _():
    own = Attested()
    with server(example("attested_server"), "-k", own.key, "-e", own.cert, "0") as (port, _):
        answer = json.loads(must(program("tls"), "client", f"127.0.0.1:{port}").stdout)
    check(answer["Said"] == HELLO, f"it says {answer['Said']}")
    own.shown(answer)


@row("crypto/tls client", "tls", "TDX: mutual; without certificate or evidence: refused")
def _():
    own, other = Attested(), Attested()
    must("openssl", "req", "-x509", "-new", "-key", other.key, "-subj", "/CN=assay", "-out", f"{other.platform}/plain")
    with server(example("attested_server"), "-m", *own.trust, "-k", own.key, "-e", own.cert, "0") as (port, process):
        def ask(*pair):
            return run(program("tls"), "client", f"127.0.0.1:{port}", *pair)
        done = ask(own.cert, own.key)
        check(done.returncode == 0 and json.loads(done.stdout)["Said"] == HELLO, f"{done.stdout}{done.stderr}")
        for pair in ((), (f"{other.platform}/plain", other.key)):
            done = ask(*pair)
            check(done.returncode != 0 and HELLO.strip() not in done.stdout, f"served with {pair or 'no certificate'}")
        process.kill()
        told = process.stderr.read()
    check(told.count("peer accepted") == 1 and told.count("peer refused") == 1 and "FAIL cert.extension" in told, told)


@row("crypto/tls server", "tls", "TDX: read by the example client; refused under another root")
def _():
    own = Attested()
    strange = ["-r", f"{new('--tee', 'tdx', '--broken', 'other-root')}/trust-root", *own.trust[2:]]
    for trust, code, words in ((own.trust, 0, "peer accepted"), (strange, 1, "peer refused")):
        with server(program("tls"), "server", own.cert, own.key) as (port, process):
            done = run(example("attested_client"), *trust, "-k", own.key, "-e", own.cert, "127.0.0.1", port)
            check(done.returncode == code and words in done.stderr, f"exits {done.returncode}: {done.stderr}")
            check((done.stdout == "hello from Go\n") == (code == 0), f"it reads {done.stdout}")
            if code == 0:
                own.shown(json.loads(process.stdout.readline()))


# --- rows: verifiers --------------------------------------------------------------------------

def ask(name, *requests):
    """Judgements by the program of ours that calls the library: its error for each, or empty."""
    done = must(program(name), "verify", input="".join(json.dumps(r) + "\n" for r in requests))
    answers = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    check(len(answers) == len(requests), "an answer is missing")
    check(all(a["accepted"] == (a["error"] == "") for a in answers), "an answer contradicts itself")
    return [answer["error"] for answer in answers]


def tdx_judgement(args):
    """Ours; theirs under the platform's root; theirs under its own."""
    platform = new("--tee", "tdx", *args)
    ours = verdict(platform, f"{platform}/evidence.bin")
    with Service(platform, "pcs") as pcs:
        request = {"Evidence": f"{platform}/evidence.bin", "Service": pcs.base}
        return ours, *ask("tdx", {**request, "Roots": f"{platform}/trust-root"}, request)


def tdx_status(ours, theirs):
    """Both as a status of Intel's, or "not genuine"."""
    found = re.search(r'found "(\w+)"$', theirs)
    return (ours["tcb"]["status"] if ours["genuine"] else "not genuine",
            "UpToDate" if not theirs else
            found.group(1) if found else
            "NotSupported" if theirs.endswith("no matching TCB level found") else "not genuine")


STATUSES = ["OutOfDate", "ConfigurationNeeded", "SWHardeningNeeded",
            "ConfigurationAndSWHardeningNeeded", "OutOfDateConfigurationNeeded", "Revoked",
            "NotSupported"]

# How a platform is made, and words of their refusal; where it ends with a status, that is compared.
TDX_CASES = [
    ("", ""), ("--module 1.0", ""), ("--debug", ""),
    *((f"--tcb {status}", "TCB status check") for status in STATUSES),
    *((f"--tcb {low}=1", "no matching TCB level") for low in ("sgx2", "tdx3", "pce")),
    ("--tcb qe=1", "QE Identity reported by Intel PCS failed TCB status check"),
    ("--revoke pck", "PCK Leaf certificate in PCK certificate chain was revoked"),
    ("--revoke ca", "intermediate certificate in PCK certificate chain was revoked"),
    ("--revoke tcb-signing", "signing certificate was revoked"),
    ("--broken other-root", "certificate signed by unknown authority"),
    ("--broken bad-signature", "unable to verify message digest"),
    ("--broken stale-collateral", "tcbInfo has expired"),
    ("--broken stale-crl", "root CA CRL has expired"),
    ("--broken wrong-crl", "PCK CRL verification failed"),
    ("--broken wrong-fmspc", "FMSPC from PCK Certificate"),
    ("--broken wrong-identity", "does not match with expected ID"),
    ("--broken rogue-tcb-info", "tcbInfo response verification failed"),
    ("--broken rogue-identity", "QeIdentity response verification failed"),
    ("--broken rogue-pck", "unable to validate PCK leaf certificate"),
    ("--broken expired-leaf", "certificate has expired"),
    ("--broken short-chain", "incomplete PCK Certificate chain"),
    ("--broken uncertified-qe", "error verifying QE report signature"),
    ("--broken wrong-qe-signer", "MRSIGNER value"),
    ("--broken wrong-qe-product", "ISV PRODID"),
    ("--broken debug-qe", "AttributesMask value"),
    ("--broken unbound-key", "QE Report Data does not match"),
    ("--broken wrong-seam-signer", "MRSIGNERSEAM value"),
    ("--broken unknown-module", "could not find a TDX Module Identity"),
]


@row("go-tdx-guest verify", "tdx", "collateral from the PCS: yes; without the root no")
def _():
    ours, theirs, rootless = tdx_judgement([])
    check(ours["verdict"] == "accepted", f"assay verify says {ours['verdict']}")
    check(theirs == "", theirs)
    check("certificate signed by unknown authority" in rootless, f"without the root: {rootless}")


@row("go-tdx-guest verify", "tdx", f"{len(TDX_CASES)} platforms, good and bad: the same status")
def _():
    differ = []
    for args, words in TDX_CASES:
        ours, theirs, rootless = tdx_judgement(args.split())
        a, b = tdx_status(ours, theirs)
        if a != b or words not in theirs or (words == "") != (theirs == "") or rootless == "":
            differ.append(f"{args or 'as it is'}: ours {a}, theirs {b} ({theirs})")
    check(not differ, f"{len(differ)} differ; {'; '.join(differ)}")


@row("go-tdx-guest verify", "tdx", "4 platforms with quotes v5: it knows v4 only")
def _():
    for args, status in (("--report-version 5", "UpToDate"), ("--service-td", "UpToDate"),
                         ("--tcb TDRelaunchAdvised", "TDRelaunchAdvised"),
                         ("--tcb TDRelaunchAdvisedConfigurationNeeded",
                          "TDRelaunchAdvisedConfigurationNeeded")):
        ours, theirs, _ = tdx_judgement(args.split())
        check(ours["genuine"] and ours["tcb"]["status"] == status, f"{args}: ours differs")
        check(theirs == "quote format not supported", f"{args}: {theirs or 'accepts'}")
    return "known to differ: later versions of it read v5"


@row("go-tdx-guest verify", "tdx", "collateral issued tomorrow: it accepts, we refuse")
def _():
    ours, theirs, _ = tdx_judgement(["--broken", "future-collateral"])
    failed = {c["id"] for c in ours["checks"] if c["outcome"] == "fail"}
    check(failed == {"dcap.tcb_info.dates", "dcap.qe_identity.dates"}, f"ours: {failed}")
    check(theirs == "", theirs)
    return "known to differ: it does not look at issueDate"


def snp_judgement(args, leaf=True, crl=True):
    """Ours; theirs under the platform's root; theirs under its own."""
    platform = new("--tee", "snp", *args)
    product = args[args.index("--product") + 1] if "--product" in args else "Milan"
    floor = {"Milan": (15, 5, 30, 220)}.get(product, (0, 0, 0, 0))
    names = ("bootloader", "tee", "snp", "microcode")
    ours = verdict(platform, f"{platform}/evidence.bin", "--min-tcb",
                   ",".join(f"{name}={least}" for name, least in zip(names, floor)))
    with Service(platform, "kds") as kds:
        request = {"Evidence": f"{platform}/evidence.bin", "Product": product, "Crl": crl,
                   "Service": kds.base, "Floor": floor}
        if leaf:
            name = "vlek.der" if "--vlek" in args else "vcek.der"
            request["Leaf"] = f"{platform}/collateral/{name}"
        return ours, *ask("sev", {**request, "Roots": bundle(platform)}, request)


SNP_CASES = [
    *((f"--report-version {version}", "") for version in (2, 3, 4, 5)),
    *((f"--product Genoa --report-version {version}", "") for version in (3, 4, 5)),
    ("--id-block", ""), ("--broken provisional", ""),
    ("--tcb OutOfDate", "policy: the report's REPORTED_TCB"),
    ("--debug", "policy: found unauthorized debug capability"),
    ("--revoke ask", "ASK was revoked"),
    ("--broken other-root", "certificate signed by unknown authority"),
    ("--broken rogue-intermediate", "certificate signed by unknown authority"),
    ("--broken bad-signature", "report signature verification error"),
    ("--broken masked-key", "report signature verification error"),
    ("--broken expired-leaf", "certificate has expired"),
    ("--broken other-chip", "CHIP_ID"),
    ("--broken other-tcb", "does not match the TCB of the V[CL]EK certificate"),
    ("--broken crossed-lines", "could not download ASK and ARK certificates"),
]


@row("go-sev-guest verify", "sev", "chain, VCEK and CRL from the KDS: yes; without the root no")
def _():
    ours, theirs, rootless = snp_judgement([], leaf=False)
    check(ours["verdict"] == "accepted", f"assay verify says {ours['verdict']}")
    check(theirs == "", theirs)
    check("certificate signed by unknown authority" in rootless, f"without the root: {rootless}")


def snp_same(cases, **how):
    differ = []
    for args, words in cases:
        ours, theirs, rootless = snp_judgement(args.split(), **how)
        same = (ours["verdict"] == "accepted") == (theirs == "")
        if not same or words not in theirs or (words == "") != (theirs == "") or rootless == "":
            differ.append(f"{args}: ours {ours['verdict']}, theirs {theirs or 'accepts'}")
    check(not differ, f"{len(differ)} differ; {'; '.join(differ)}")


@row("go-sev-guest verify", "sev", f"{len(SNP_CASES)} platforms, good and bad: the same verdict")
def _():
    snp_same(SNP_CASES)


@row("go-sev-guest verify", "sev", "VLEK of Milan and Genoa: the same verdict, without a CRL")
def _():
    snp_same([("--vlek", ""), ("--vlek --product Genoa", ""),
              ("--vlek --broken bad-signature", "report signature verification error"),
              ("--vlek --broken other-root", "certificate signed by unknown authority")], crl=False)
    ours, theirs, _ = snp_judgement(["--vlek", "--revoke", "asvk"], crl=False)
    check(ours["verdict"] == "refused" and theirs == "", f"revoked: {theirs}")
    try:
        snp_judgement(["--vlek"])
    except Failed as failure:  # Go's exit status when a program panics
        check("exits 2" in str(failure), failure)
    else:
        raise Failed("it takes a CRL for a VLEK: no longer as known")
    return "known to differ: it breaks off over a CRL for a VLEK; without, a revoked ASVK passes"


@row("go-sev-guest verify", "sev", "5 platforms that it judges otherwise, as known")
def _():
    for args, verdict_, words in (
            ("--product Genoa --report-version 2", "accepted", "unknown product name"),
            ("--product Turin --report-version 3", "accepted", "not an AMD KDS OID"),
            ("--product Turin --report-version 5", "accepted", "not an AMD KDS OID"),
            ("--broken stale-crl", "refused", ""), ("--mask-chip-id", "refused", "")):
        ours, theirs, _ = snp_judgement(args.split())
        check(ours["verdict"] == verdict_, f"{args}: ours {ours['verdict']}")
        check(words in theirs and (words == "") == (theirs == ""), f"{args}: {theirs or 'accepts'}")
    return ("known to differ: wants a stepping in the product name of Genoa, knows no FMC of Turin, "
            "takes a fetched CRL of any age, and a chip without name")


# --- all of them ------------------------------------------------------------------------------

def main():
    os.makedirs(BIN, exist_ok=True)
    built = {}
    for module in MODULES:
        try:
            build(module)
            built[module] = ""
        except Exception as error:  # whatever it is, it fails the rows of this module
            built[module] = f"could not be fetched or built: {error}"
    for what, module, function in ROWS:
        what["version"] = what["version"] or language()
        log(f"\n=== {what}")
        try:
            check(not built[module], built[module])
            say(what, True, function() or "")
        except Exception as error:  # a row that breaks off is a failed row
            say(what, False, error if isinstance(error, Failed) else repr(error))


main()
