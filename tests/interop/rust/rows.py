# SPDX-License-Identifier: Apache-2.0
"""Crates and programs in Rust: snpguest and the sev crate in a guest, and as verifiers; sevctl; dcap-qvl;
tdx_attest in a TD; the key broker protocol's messages; ttrpc with the evidence broker.

Usage: rows.py BUILD_DIR ASSAY ASSAY_SIM. Prints a line of JSON per row: ../README.md.
"""

import base64
import json
import os
import re
import shutil
import ssl
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))
import sevctl  # noqa: E402
from rows import Failed, new  # noqa: E402  what all languages share

RUST = (1, 86)  # snpguest asks for it; the crates of crates.lock for 1.85, which brought edition 2024
SEV, SNPGUEST, DCAP_QVL, TDX_ATTEST = "8.0.0", "0.11.0", "0.7.1", "0.1.1"
KBS_TYPES, TTRPC = "0.18.0", "0.8.6"

build = os.path.join(os.path.abspath(sys.argv[1]), "rust")
assay, assay_sim = (os.path.abspath(a) for a in sys.argv[2:4])
work = tempfile.TemporaryDirectory(prefix="assay-rust-")
data = os.path.join(work.name, "report-data")
with open(data, "wb") as f:
    f.write(os.urandom(64))
target = os.path.join(build, "target", "debug")
workspace = os.path.join(build, "workspace")
installed = {"snpguest": SNPGUEST, "sevctl": sevctl.VERSION}
snpguest = os.path.join(build, "bin", "snpguest")


def row(program, version, did, test, *args):
    """One row: test returns its note, or fails with one."""
    ok, note = True, ""
    try:
        note = test(*args) or ""
    except Failed as e:
        ok, note = False, str(e)
    except (OSError, ValueError, KeyError, subprocess.SubprocessError) as e:
        ok, note = False, f"{type(e).__name__}: {e}"
    note = " ".join(note.split())[:300]
    print(json.dumps({"program": program, "version": version, "did": did, "ok": ok, "note": note}),
          flush=True)


def want(true, sentence):
    if not true:
        raise Failed(sentence)


def run(*command, timeout=300):
    p = subprocess.run(command, capture_output=True, text=True, timeout=timeout,
                       stdin=subprocess.DEVNULL)
    if p.returncode != 0:
        print("$", *command, "\n", p.stdout, p.stderr, sep=" ", file=sys.stderr)
    return p


def succeed(*command, **how):
    p = run(*command, **how)
    want(p.returncode == 0, f"{os.path.basename(command[0])}: {last_words(p)}")
    return p.stdout


def refuse(words, *command):
    """The command must fail, and for this reason."""
    p = run(*command)
    want(p.returncode != 0, f"{os.path.basename(command[0])} accepted, where it should say: {words}")
    want(words in p.stdout + p.stderr, f"refused, but not with \"{words}\": {last_words(p)}")


def last_words(p):
    lines = (p.stdout + p.stderr).strip().splitlines()
    return lines[-1] if lines else f"exit status {p.returncode}"


# --- Building ---------------------------------------------------------------------------------


def cargo(*args, timeout=1500):
    """Cargo with all that it keeps below BUILD_DIR; the user's settings still say where crates are."""
    settings = [os.path.join(os.environ.get("CARGO_HOME") or os.path.expanduser("~/.cargo"), name)
                for name in ("config.toml", "config")]
    settings = [s for s in settings if os.path.isfile(s)][:1]
    environment = {
        **os.environ,
        "CARGO_HOME": os.path.join(build, "home"),
        "CARGO_TARGET_DIR": os.path.join(build, "target"),
        "CARGO_PROFILE_DEV_OPT_LEVEL": "1",
        "CARGO_PROFILE_DEV_DEBUG": "0",
        "OPENSSL_NO_VENDOR": "1",  # the system's, as the platforms use it
    }
    program = shutil.which("cargo") or os.path.expanduser("~/.cargo/bin/cargo")
    command = [program, *(o for s in settings for o in ("--config", s)), *args]
    with subprocess.Popen(command, cwd=workspace, env=environment, stdin=subprocess.DEVNULL,
                          stdout=sys.stderr, stderr=subprocess.PIPE, text=True) as p:
        try:
            _, errors = p.communicate(timeout=timeout)
        except subprocess.TimeoutExpired as e:
            p.kill()
            raise Failed(f"cargo {args[0]}: not done after {timeout} s") from e
    sys.stderr.write(errors)
    said = [line for line in errors.splitlines() if line.startswith("error")]
    want(p.returncode == 0, f"cargo {args[0]}: {said[0] if said else errors.strip()[-200:]}")


def need_rust():
    path = os.environ.get("PATH", "") + ":" + os.path.expanduser("~/.cargo/bin")
    os.environ["PATH"] = path
    needed = ".".join(map(str, RUST))
    want(shutil.which("cargo"), f"no cargo here: Rust {needed} or newer is needed")
    found = succeed("cargo", "--version")
    version = re.search(r"(\d+)\.(\d+)", found)
    want(version and tuple(map(int, version.groups())) >= RUST,
         f"{found.strip()} is too old: Rust {needed} or newer is needed")


def lay_out():
    """The workspace, below BUILD_DIR, with its Cargo.lock: Cargo's own, once, tells the registry's name."""
    fresh = not os.path.isdir(workspace)
    shutil.copytree(HERE, workspace, dirs_exist_ok=True)
    lock = os.path.join(workspace, "Cargo.lock")
    if fresh or not os.path.isfile(lock):
        cargo("generate-lockfile")
    with open(lock, encoding="utf-8") as file:
        source = re.search('^source = "(registry[^"]*)"$', file.read(), re.M)
    want(source, "cargo generate-lockfile: names no registry")
    with open(os.path.join(HERE, "crates.lock"), encoding="utf-8") as file:
        text = file.read().replace('source = "registry"', f'source = "{source[1]}"')
    with open(lock, "w", encoding="utf-8") as file:
        file.write(text)


def why_not(name):
    """Builds a program; why it cannot run, or None."""
    try:
        os.makedirs(build, exist_ok=True)
        need_rust()
        lay_out()
        if name in installed:
            cargo("install", "--locked", "--profile", "dev", "--root", build, "--version", "=" + installed[name], name)
        else:
            cargo("build", "--locked", "-p", name)
    except (Failed, OSError, subprocess.SubprocessError) as e:
        return str(e)
    return None


# --- Platforms --------------------------------------------------------------------------------


def platform(tee, *options):
    """A new folder with a platform; its root is root.der, too."""
    folder = tempfile.mkdtemp(dir=work.name)
    path = os.path.join(folder, "P")
    succeed(assay_sim, "new", "--tee", tee, "--seed", "7", *options, path)
    with open(os.path.join(path, "trust-root"), encoding="ascii") as root, \
            open(os.path.join(path, "root.der"), "wb") as der:
        der.write(ssl.PEM_cert_to_DER_cert(root.read()))
    return path


def inside(tee, path, *command):
    return succeed(assay_sim, "run", "--tee", tee, "--platform", path, "--", *command)


def contents(name):
    with open(name, "rb") as f:
        return f.read()


def judge(path, evidence, *options):
    """What `assay verify` says under the platform's root."""
    floor = os.path.join(path, "min-tcb")
    floors = ("--min-tcb", floor) if os.path.exists(floor) else ()
    p = subprocess.run(
        [assay, "verify", "--json", "--trust-root", os.path.join(path, "trust-root"),
         "-c", os.path.join(path, "collateral"), *floors, *options, evidence],
        capture_output=True, text=True, timeout=300, check=False)
    want(p.returncode in (0, 1, 3), f"assay verify: {last_words(p)}")
    return json.loads(p.stdout)


# --- SEV-SNP ----------------------------------------------------------------------------------

SNP = [  # name; options of the platform; the model as snpguest and the sev crate call it
    ("Milan v2", ("--report-version", "2"), "milan"),
    ("Milan v3", (), "milan"),
    ("Milan v5", ("--report-version", "5"), "milan"),
    ("Milan v3 VLEK", ("--vlek",), "milan"),
    ("Genoa v3", ("--product", "Genoa"), "genoa"),
    ("Genoa v5 VLEK", ("--product", "Genoa", "--report-version", "5", "--vlek"), "genoa"),
    ("Turin v3", ("--product", "Turin"), "turin"),
    ("Turin v5", ("--product", "Turin", "--report-version", "5"), "turin"),
]
# A state of the platform, what the crate says of it, and what snpguest says.
SNP_BROKEN = [
    ("bad-signature", "VEK does not sign the attestation report", "VEK did NOT sign"),
    ("masked-key", "VEK does not sign the attestation report", "VEK did NOT sign"),
    ("rogue-intermediate", "does not sign signee", "ASK was not signed by the AMD ARK"),
]


def altered(report):
    """A copy that claims another measurement."""
    whole = bytearray(contents(report))
    whole[0x90] ^= 1
    with open(report + ".altered", "wb") as f:
        f.write(whole)
    return report + ".altered"


def sev_crate(options, model):
    path, out = platform("snp", *options), tempfile.mkdtemp(dir=work.name)
    call_sev = os.path.join(target, "call-sev")
    inside("snp", path, call_sev, "collect", out, data)
    succeed(call_sev, "verify", out)
    refuse("does not sign signee", call_sev, "verify", out, model)
    report = os.path.join(out, "report.bin")
    ours = judge(path, report, "--report-data", "@" + data)
    want(ours["verdict"] == "accepted", f"assay verify says {ours['verdict']}")
    os.replace(altered(report), report)
    refuse("VEK does not sign the attestation report", call_sev, "verify", out)


def sev_crate_broken():
    call_sev = os.path.join(target, "call-sev")
    for state, words, _ in SNP_BROKEN:
        path, out = platform("snp", "--broken", state), tempfile.mkdtemp(dir=work.name)
        inside("snp", path, call_sev, "collect", out, data)
        refuse(words, call_sev, "verify", out)
        ours = judge(path, os.path.join(out, "report.bin"))
        want(ours["verdict"] == "refused", f"{state}: assay verify says {ours['verdict']}")


def snpguest_collect(path):
    """Report and certificates, as snpguest writes them."""
    out = tempfile.mkdtemp(dir=work.name)
    report, certificates = os.path.join(out, "report.bin"), os.path.join(out, "certs")
    inside("snp", path, snpguest, "report", "--vmpl", "0", report, data)
    inside("snp", path, snpguest, "certificates", "pem", certificates)
    return report, certificates


def snpguest_verify(options, model):
    path = platform("snp", *options)
    report, certificates = snpguest_collect(path)
    ours = judge(path, report, "--report-data", "@" + data)
    want(ours["verdict"] == "accepted", f"assay verify says {ours['verdict']}")
    succeed(snpguest, "verify", "certs", certificates)
    judging = [snpguest, "verify", "attestation", "-p", model, certificates]
    said = succeed(*judging, report)
    want("VEK signed the Attestation Report" in said, "snpguest does not say who signed the report")
    refuse("VEK did NOT sign", *judging, altered(report))
    if os.path.exists(os.path.join(target, "call-sev")):
        amd = succeed(os.path.join(target, "call-sev"), "ark", model)
        with open(os.path.join(certificates, "ark.pem"), "w", encoding="ascii") as ark:
            ark.write(amd)
        refuse("was not signed by the AMD ARK", snpguest, "verify", "certs", certificates)


def snpguest_broken():
    for state, _, words in [*SNP_BROKEN, ("other-tcb", "", "Certificate Microcode mismatch")]:
        path = platform("snp", "--broken", state)
        report, certificates = snpguest_collect(path)
        what = ("certs", certificates) if "ARK" in words else ("attestation", certificates, report)
        refuse(words, snpguest, "verify", *what)
        ours = judge(path, report)
        want(ours["verdict"] == "refused", f"{state}: assay verify says {ours['verdict']}")


def snpguest_other_chip():
    path = platform("snp", "--broken", "other-chip")
    report, certificates = snpguest_collect(path)
    said = succeed(snpguest, "verify", "attestation", certificates, report)
    want("Chip ID" not in said, "snpguest compares the chip now: expect its refusal here")
    failed = [c["id"] for c in judge(path, report)["checks"] if c["outcome"] == "fail"]
    want(failed, "assay verify accepts another chip's certificate")
    return ("known: snpguest accepts, as it takes SEV-VCEK in a subject for an ASK and then "
            f"compares no chip id; ours fails {', '.join(failed)}")


def snpguest_key():
    path, out = platform("snp"), tempfile.mkdtemp(dir=work.name)
    keys = []
    for i, options in enumerate(((), (), ("-g", "8"), ("-v", "0"))):
        name = os.path.join(out, str(i))
        inside("snp", path, snpguest, "key", *options, name, "vcek")
        keys.append(contents(name))
    want(len(keys[0]) == 32 and keys[0] == keys[1], "the same request gave two keys")
    want(len(set(keys)) == 3, "different requests gave one key")


def snpguest_measurement():
    for product in ("Milan", "Genoa", "Turin"):
        path = platform("snp", "--product", product)
        ours = judge(path, os.path.join(path, "evidence.bin"))["claims"]["measurement"]
        theirs = succeed(snpguest, "generate", "measurement", "--vcpus", "1", "--vcpu-type",
                         "EPYC-" + product, "--ovmf", os.path.join(path, "firmware.fd"))
        want(theirs.strip().lower().removeprefix("0x") == ours,
             f"{product}: snpguest computes {theirs.strip()}, the report has {ours}")


# --- DCAP -------------------------------------------------------------------------------------

QUOTES = [("tdx v4", ("tdx",)), ("tdx v4, module 1.0", ("tdx", "--module", "1.0")),
          ("tdx v5", ("tdx", "--report-version", "5")), ("sgx v3", ("sgx",))]
LEVELS = ["UpToDate", "SWHardeningNeeded", "ConfigurationNeeded",
          "ConfigurationAndSWHardeningNeeded", "OutOfDate", "OutOfDateConfigurationNeeded",
          "qe=5", "sgx2=7"]
LEVELS_15 = ["TDRelaunchAdvised", "TDRelaunchAdvisedConfigurationNeeded", "tdx1=4", "now1=4"]
# What is wrong, and the words with which dcap-qvl refuses it.
DCAP_BROKEN = [
    ("--revoke", "pck", "CertRevoked"),
    ("--revoke", "ca", "CertRevoked"),
    ("--revoke", "tcb-signing", "CertRevoked"),
    ("--broken", "other-root", "InvalidCrlSignatureForPublicKey"),
    ("--broken", "bad-signature", "ISV enclave report signature is invalid"),
    ("--broken", "stale-collateral", "TCBInfo expired"),
    ("--broken", "future-collateral", "TCBInfo issue date is in the future"),
    ("--broken", "stale-crl", "CrlExpired"),
    ("--broken", "wrong-crl", "UnknownRevocationStatus"),
    ("--broken", "wrong-fmspc", "Fmspc mismatch"),
    ("--broken", "wrong-identity", "Unsupported QE Identity id"),
    ("--broken", "rogue-tcb-info", "Signature is invalid for tcb_info"),
    ("--broken", "rogue-identity", "Signature is invalid for qe_identity"),
    ("--broken", "rogue-pck", "InvalidSignatureForPublicKey"),
    ("--broken", "expired-leaf", "CertExpired"),
    ("--broken", "short-chain", "UnknownIssuer"),
    ("--broken", "uncertified-qe", "Signature is invalid for qe_report"),
    ("--broken", "wrong-qe-signer", "QE MRSIGNER mismatch"),
    ("--broken", "wrong-qe-product", "QE ISVPRODID mismatch"),
    ("--broken", "debug-qe", "QE report validation failed: Debug mode is enabled"),
    ("--broken", "unbound-key", "QE report hash mismatch"),
]
TDX_BROKEN = [
    ("--broken", "wrong-seam-signer", "TDX module MRSIGNER mismatch"),
    ("--broken", "unknown-module", "No TDX module identity with id"),
]


def has_15(quote):
    return quote[0] == "tdx" and "--module" not in quote


def dcap_qvl(path, evidence, root=True):
    """What the crate says: status and advisories, or error."""
    roots = (os.path.join(path, "root.der"),) if root else ()
    said = succeed(os.path.join(target, "call-dcap-qvl"), evidence,
                   os.path.join(path, "collateral"), str(int(time.time())), *roots)
    return json.loads(said)


def both(*options):
    """The answers of `assay verify` and of dcap-qvl to a new platform's evidence."""
    path = platform(*options)
    evidence = os.path.join(path, "evidence.bin")
    return judge(path, evidence), dcap_qvl(path, evidence)


def want_same(name, ours, theirs):
    want(ours["genuine"] is True, f"{name}: assay verify finds it not genuine")
    want("status" in theirs, f"{name}: dcap-qvl refuses: {theirs.get('error')}")
    mine = (ours["tcb"]["status"], sorted(ours["tcb"]["advisories"]))
    other = (theirs["status"], sorted(theirs["advisories"]))
    want(mine == other, f"{name}: assay verify says {mine}, dcap-qvl {other}")


def dcap_levels(quote):
    levels = LEVELS + (LEVELS_15 if has_15(quote) else [])
    for level in levels:
        want_same(level, *both(*quote, "--tcb", level))


def dcap_inside(quote):
    path = platform(*quote)
    evidence = os.path.join(path, "collected.bin")
    inside("tdx", path, assay, "attest", "--raw", "--report-data", "@" + data, "-o", evidence)
    ours = judge(path, evidence, "--report-data", "@" + data)
    want(ours["verdict"] == "accepted", f"assay verify says {ours['verdict']}")
    want_same("collected", ours, dcap_qvl(path, evidence))


def dcap_without_root(quote):
    path = platform(*quote)
    theirs = dcap_qvl(path, os.path.join(path, "evidence.bin"), root=False)
    want("InvalidCrlSignatureForPublicKey" in theirs.get("error", ""),
         f"under Intel's root dcap-qvl says {theirs}")


def dcap_broken(quote):
    extra = TDX_BROKEN if has_15(quote) else []
    for option, what, words in DCAP_BROKEN + extra:
        ours, theirs = both(*quote, option, what)
        want(ours["verdict"] != "accepted" and ours["genuine"] is not True,
             f"{what}: assay verify takes it for genuine")
        want(words in theirs.get("error", ""), f"{what}: dcap-qvl says {theirs}, not \"{words}\"")


def dcap_no_status(quote):
    for options, status, words in ((("--tcb", "Revoked"), "Revoked", "status is invalid: Revoked"),
                                   (("--tcb", "NotSupported"), "NotSupported", "No matching TCB level")):
        ours, theirs = both(*quote, *options)
        want(ours["genuine"] is True and ours["tcb"]["status"] == status,
             f"assay verify says {ours['tcb']}, want {status}")
        want(words in theirs.get("error", ""), f"{status}: dcap-qvl says {theirs}")
    return "known: dcap-qvl ends with an error for Revoked and for no level; ours names the status"


def dcap_policy(quote):
    cases = [("--debug", "policy.debug", "Debug mode is enabled")]
    if has_15(quote):
        cases.append(("--service-td", "tdx.policy.service_td", "Invalid MR service TD"))
    for option, check, words in cases:
        ours, theirs = both(*quote, option)
        failed = [c["id"] for c in ours["checks"] if c["outcome"] == "fail"]
        want(ours["genuine"] is True and failed == [check], f"{option}: assay verify fails {failed}")
        want(words in theirs.get("error", ""), f"{option}: dcap-qvl says {theirs}")
    return "known: what our policy refuses (debug, service TD), dcap-qvl's verifier itself does"


def dcap_sgx_versions():
    for version in ("4", "5"):
        ours, theirs = both("sgx", "--report-version", version)
        want(ours["verdict"] == "accepted", f"assay verify says {ours['verdict']}")
        want("SGX TEE quote must have version 3" in theirs.get("error", ""),
             f"version {version}: dcap-qvl says {theirs}")
    return "known: dcap-qvl reads SGX quotes of version 3 only; ours all that Intel's library does"


def tdx_attest(module):
    path = platform("tdx", "--module", module)
    out = os.path.join(path, "tdreport.bin")
    inside("tdx", path, os.path.join(target, "call-tdx-attest"),
           base64.b64encode(contents(data)).decode("ascii"), out)
    report = contents(out)
    want(len(report) == 1024, f"the TDREPORT is {len(report)} bytes")
    want(report[128:192] == contents(data), "the TDREPORT has other report data")
    ours = judge(path, os.path.join(path, "evidence.bin"))["claims"]["measurement"]
    want(report[528:576].hex() == ours, "the TDREPORT has another MRTD than the platform's quote")


# --- Key broker -------------------------------------------------------------------------------


class Broker:
    """assayd, trusting these platforms, with a secret, while a with statement lasts."""

    SECRET = "a secret of the broker"

    def __init__(self, *platforms):
        self.platforms, self.folder = platforms, tempfile.mkdtemp(dir=work.name)

    def __enter__(self):
        program = os.path.join(os.path.dirname(assay), "..", "server", "assayd")
        options = [word for p in self.platforms for word in ("--trust-root", f"{p}/trust-root")]
        for floor in (f"{p}/min-tcb" for p in self.platforms if os.path.exists(f"{p}/min-tcb")):
            with open(floor, encoding="ascii") as f:
                options += ["--min-tcb", ",".join(line.strip() for line in f if "=" in line)]
        os.mkdir(f"{self.folder}/store", 0o700)
        self.log = open(f"{self.folder}/log", "w+", encoding="utf-8")
        self.process = subprocess.Popen(
            [program, "--config", "/dev/null", "--listen", "tcp:127.0.0.1:0", "--store",
             f"sqlite:{self.folder}/store/assayd.db", *options], stdin=subprocess.DEVNULL,
            stderr=self.log)
        found, until = None, time.monotonic() + 20
        while not found and time.monotonic() < until and self.process.poll() is None:
            time.sleep(0.02)
            with open(f"{self.folder}/log", encoding="utf-8") as f:
                found = re.search(r"listening on tcp:127.0.0.1:(\d+)\n", f.read())
        if not found:
            self.__exit__()
            raise Failed("assayd does not listen")
        self.port = found[1]
        who = ("--url", f"http://127.0.0.1:{self.port}", "--admin-key", f"{self.folder}/store/admin.pem")
        with open(f"{self.folder}/secret", "w", encoding="ascii") as f:
            f.write(self.SECRET)
        try:
            for p in self.platforms:
                succeed(assay, "collateral", "push", *who, f"{p}/collateral")
            succeed(assay, "secret", "put", *who, "a/b/c", f"{self.folder}/secret")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *what):
        self.process.terminate()
        self.process.wait(20)
        self.log.close()


def kbs_evidence(tee, path, folder):
    """Evidence of the platform for the challenge in the folder, in the form that its attester sends."""
    now, out = os.path.join(folder, "now"), os.path.join(folder, "evidence.json")
    shutil.rmtree(now, ignore_errors=True)
    succeed(assay_sim, "new", "--tee", tee, "--seed", "7", "--report-data", f"@{folder}/report-data", now)
    if tee == "snp":  # by the crate that Confidential Containers' attester uses
        certificates = [os.path.join(path, "collateral", "vcek.der")]
        with open(os.path.join(path, "collateral", "cert_chain.pem"), encoding="ascii") as f:
            for i, pem in enumerate(re.findall("-----BEGIN.*?-----END CERTIFICATE-----", f.read(), re.S)):
                certificates.append(os.path.join(folder, f"ca{i}.der"))
                with open(certificates[-1], "wb") as der:
                    der.write(ssl.PEM_cert_to_DER_cert(pem))
        succeed(os.path.join(target, "call-kbs-types"), "snp", now, out, *certificates)
    else:
        quote = base64.b64encode(contents(os.path.join(now, "evidence.bin"))).decode("ascii")
        with open(out, "w", encoding="ascii") as f:
            json.dump({"cc_eventlog": None, "quote": quote} if tee == "tdx" else {"quote": quote}, f)
    return out


def kbs_secret(tee):
    call, path = os.path.join(target, "call-kbs-types"), platform(tee)
    folder = tempfile.mkdtemp(dir=work.name)
    with Broker(path) as broker:
        succeed(call, "begin", broker.port, folder, tee)
        evidence = kbs_evidence(tee, path, folder)
        got = succeed(call, "finish", broker.port, folder, evidence, "a/b/c")
        want(got == broker.SECRET + "\n", f"another secret: {got[:40]}")
        refuse("404", call, "finish", broker.port, folder, evidence, "a/b/d")
        succeed(call, "begin", broker.port, folder, tee)
        refuse("evidence.report_data", call, "finish", broker.port, folder, evidence, "a/b/c")


def kbs_not_served():
    with Broker() as broker:
        refuse("errors/AttestationError", os.path.join(target, "call-kbs-types"), "begin", broker.port,
               broker.folder, "cca")


# --- Evidence broker --------------------------------------------------------------------------


def brokered():
    """Evidence for a legacy caller, in both sizes; and what is refused."""
    path, out = new("--tee", "sev-es"), os.path.join(work.name, "response")
    broker = os.path.join(os.path.dirname(assay), "..", "host")
    ask = ["env", f"PATH={broker}:{os.environ['PATH']}", assay_sim, "run", "--tee", "sev-es", "--platform", path,
           "--no-agent", "--", os.path.join(target, "call-ttrpc")]
    succeed(*ask, "RetrieveAttestationEvidenceSize", "0", "0", out)
    want(contents(out) == b"\x10\xbc\x32", f"the size call answers {contents(out).hex()}")
    for handle, size, length in (("0", "0", b"\xbc\x32"), ("1", "6461", b"\xbd\x32"),
                                 ("4294967295", "6460", b"\xbc\x32")):
        succeed(*ask, "RetrieveAttestationEvidence", handle, size, out)
        head, answer, tail = b"\x10" + length + b"\x1a" + length, contents(out), b"\x22\x04none"
        want(answer.startswith(head) and answer.endswith(tail), f"size {size}: another response")
        evidence = answer[len(head):-len(tail)]
        want(len(evidence) == int(size) or size == "0" and len(evidence) == 6460, f"{len(evidence)} bytes")
        with open(f"{path}/evidence", "wb") as file:
            file.write(evidence[:6460])
        ours = judge(path, f"{path}/evidence", "-p", "genuine")
        want(ours["verdict"] == "accepted", f"assay verify says {ours['verdict']}")
        want(ours["claims"]["binding"] == "none", f"binding is {ours['claims']['binding']}")
    refuse("PERMISSION_DENIED", *ask, "RetrieveAttestationEvidence", "2", "0", out)
    refuse("INVALID_ARGUMENT", *ask, "RetrieveAttestationEvidence", "0", "6462", out)
    refuse("UNIMPLEMENTED", *ask, "RetrieveNothing", "0", "0", out)


# --- Rows -------------------------------------------------------------------------------------


def say_why(sentence):
    raise Failed(sentence)


def main():
    sev_rows = [
        *((f"{name}: guest and verifier", sev_crate, *args) for name, *args in SNP),
        (f"refuses {len(SNP_BROKEN)} broken platforms, as ours", sev_crate_broken),
    ]
    snpguest_rows = [
        *((f"{name}: report, certificates, verify", snpguest_verify, *args) for name, *args in SNP),
        (f"refuses {len(SNP_BROKEN) + 1} broken platforms, as ours", snpguest_broken),
        ("another chip's VCEK", snpguest_other_chip),
        ("derived keys", snpguest_key),
        ("launch digest of 3 platforms, as in the report", snpguest_measurement),
    ]
    sevctl_rows = [(did, test, os.path.join(build, "bin", "sevctl")) for did, test in sevctl.ROWS]
    dcap_rows = [("sgx v4, v5: not read", dcap_sgx_versions)]
    for name, quote in QUOTES:
        services = ", service TD" if has_15(quote) else ""
        dcap_rows += [
            (f"{name}: status and advisories, as ours", dcap_levels, quote),
            (f"{name}: refuses under Intel's root", dcap_without_root, quote),
            (f"{name}: refuses revoked, expired, broken", dcap_broken, quote),
            (f"{name}: level revoked or unknown", dcap_no_status, quote),
            (f"{name}: debug{services}", dcap_policy, quote),
        ]
        if quote[0] == "tdx":
            dcap_rows.append((f"{name}: quote collected inside", dcap_inside, quote))

    tdx_rows = [(f"TDREPORT by ioctl, module {module}", tdx_attest, module)
                for module in ("1.0", "1.5")]
    kbs_rows = [
        *((f"{tee}: a secret of assayd; replay refused", kbs_secret, tee) for tee in ("tdx", "snp", "sgx")),
        ("error object for a TEE that is not served", kbs_not_served),
    ]
    ttrpc_rows = [("SEV-ES: evidence of the broker; other handle, method no", brokered)]
    for program, version, caller, rows in (("sev crate", SEV, "call-sev", sev_rows),
                                           ("snpguest", SNPGUEST, "snpguest", snpguest_rows),
                                           ("sevctl", sevctl.VERSION, "sevctl", sevctl_rows),
                                           ("dcap-qvl", DCAP_QVL, "call-dcap-qvl", dcap_rows),
                                           ("tdx_attest", TDX_ATTEST, "call-tdx-attest", tdx_rows),
                                           ("kbs-types", KBS_TYPES, "call-kbs-types", kbs_rows),
                                           ("ttrpc crate", TTRPC, "call-ttrpc", ttrpc_rows)):
        why = why_not(caller)
        for did, test, *args in rows:
            if why:
                row(program, version, did, say_why, why)
            else:
                row(program, version, did, test, *args)


main()
