# SPDX-License-Identifier: Apache-2.0
"""sev-snp-measure and `assay measure`, the same arguments: the same digest; cryptography and `assay cert`.
See ../README.md."""

import json
import os
import random
import re
import struct
import subprocess
import sys
import uuid

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))
import certificates  # noqa: E402
from rows import ASSAY, BUILD, FOLDER, Failed, check, log, must, run, say  # noqa: E402


def version(name):
    with open(f"{HERE}/requirements.txt", encoding="ascii") as file:
        return re.search(rf"^{name}==(\S+)", file.read(), re.M).group(1)


CASES = 240
LEGACY_CASES = 160
PAGE = 4096

rng = random.Random(1)

# Runs inside the environment of the program: its own command line, called once per line of input.
DRIVER = """
import contextlib, io, json, sys
from sevsnpmeasure import cli
for line in sys.stdin:
    sys.argv = ["sev-snp-measure", *json.loads(line)]
    out = io.StringIO()
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(io.StringIO()):
            code = cli.main()
    except BaseException as e:
        code = 1
    print(json.dumps([code, out.getvalue().strip()]), flush=True)
"""


def fetch():
    place = os.path.join(BUILD, "python")
    # One from before may be of a Python that is gone.
    if not os.path.exists(f"{place}/bin/python") or \
       run(f"{place}/bin/python", "-m", "pip", "--version").returncode != 0:
        must(sys.executable, "-m", "venv", "--clear", place)
    must(f"{place}/bin/python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
         "--no-deps", "--only-binary=:all:", "--require-hashes", "-r", f"{HERE}/requirements.txt")
    return subprocess.Popen([f"{place}/bin/python", "-c", DRIVER], text=True, cwd=FOLDER.name,
                            stdin=subprocess.PIPE, stdout=subprocess.PIPE)


def write(name, content):
    path = os.path.join(FOLDER.name, name)
    with open(path, "wb") as f:
        f.write(content)
    return path


# --- images ---------------------------------------------------------------------------------

def entry(guid, *numbers):
    data = struct.pack(f"<{len(numbers)}I", *numbers)
    return data + struct.pack("<H", len(data) + 18) + uuid.UUID(guid).bytes_le


def image(name, pages, items, entries):
    """Noise, SEV metadata, and the table of GUIDs, where a build of edk2 has them."""
    metadata = b"ASEV" + struct.pack("<III", 16 + 12 * len(items), 1, len(items))
    metadata += b"".join(struct.pack("<III", *item) for item in items)
    back = 0x600
    table = b"".join(entries) + entry("dc886566-984a-4798-a75e-5585a7bf67cc", back)
    table += struct.pack("<H", len(table) + 18)
    table += uuid.UUID("96b582de-1fb2-45f7-baea-a366c55a082d").bytes_le
    data = bytearray(rng.randbytes(pages * PAGE))
    data[len(data) - back:len(data) - back + len(metadata)] = metadata
    data[len(data) - 32 - len(table):len(data) - 32] = table
    return write(name, bytes(data))


def make_ovmf(n):
    """Returns path, whether it can boot a kernel, size."""
    items, at = [], 0x800000
    direct = rng.random() < 0.6
    hashes = 0
    kinds = [1, 1, 2, 3, 4] + ([0x10] if direct else []) + [1] * rng.randrange(3)
    rng.shuffle(kinds)
    for kind in kinds:
        size = PAGE * (rng.randrange(1, 12) if kind in (1, 4) else 1)
        if kind == 0x10:
            hashes = at + rng.randrange(0, PAGE - 176)
        items.append((at, size, kind))
        at += size + PAGE * rng.randrange(3)
    entries = [entry("00f771de-1a7e-4fcb-890e-68c77e2fb44e", rng.randrange(0x1000, 0xffffffff)),
               entry("7255371f-3a3b-4b04-927b-1da6efa8d454", hashes, 0x400 if hashes else 0),
               entry("4c2eb361-7d9b-4cc3-8081-127c90d3d294", 0x810000, 0xc00)]
    rng.shuffle(entries)
    pages = rng.choice([1, 2, 3, 16, 64, 257])
    return image(f"ovmf{n}.fd", pages, items, entries), direct, pages * PAGE


def make_svsm(n):
    pages = rng.choice([2, 5, 33])
    items = [(0x1000 * i, PAGE * (1 if kind in (2, 3) else 2), kind)
             for i, kind in ((1, 1), (8, 2), (9, 3))]
    return image(f"svsm{n}.bin", pages, items,
                 [entry("a789a612-0597-4c4b-a49f-cbb1fe9d1ddd", rng.randrange(pages * PAGE))])


# --- arguments ------------------------------------------------------------------------------

TYPES = ["EPYC", "EPYC-v1", "EPYC-v2", "EPYC-IBPB", "EPYC-v3", "EPYC-v4", "EPYC-Rome",
         "EPYC-Rome-v1", "EPYC-Rome-v2", "EPYC-Rome-v3", "EPYC-Milan", "EPYC-Milan-v1",
         "EPYC-Milan-v2", "EPYC-Genoa", "EPYC-Genoa-v1", "EPYC-Turin"]


def vcpu():
    way = rng.randrange(3)
    if way == 0:
        return ["--vcpu-type", rng.choice(TYPES)]
    if way == 1:
        return ["--vcpu-sig", hex(rng.randrange(1, 1 << 32))]
    return ["--vcpu-family", str(rng.randrange(1, 271)), "--vcpu-model", str(rng.randrange(256)),
            "--vcpu-stepping", str(rng.randrange(16))]


def some_file(name):
    return write(name, rng.randbytes(rng.choice([0, 1, 4095, 70000])))


def boot():
    """A kernel, and perhaps more."""
    args = ["--kernel", some_file("kernel")]
    if rng.random() < 0.7:
        args += ["--initrd", some_file("initrd")]
    if rng.random() < 0.7:
        args += ["--append", rng.choice(["", "quiet", "console=ttyS0 loglevel=7", "é ü"])]
    return args


def legacy_case(n):
    """SEV and SEV-ES in turn."""
    ovmf, direct, _ = make_ovmf("-legacy")
    args = ["--mode", "seves" if n % 2 else "sev", "--ovmf", ovmf]
    if n % 2:
        args += ["--vcpus", str(rng.choice([1, 1, 2, 3, 8, 64, 255])), *vcpu()]
    if direct and rng.random() < 0.8:
        args += boot()
    if rng.random() < 0.2:
        args += ["--output-format", rng.choice(["hex", "base64"])]
    return args


def case(n):
    ovmf, direct, _ = make_ovmf(n)
    if n % 12 == 0:
        return ["--mode", "snp:ovmf-hash", "--ovmf", ovmf]
    args = ["--ovmf", ovmf, "--vcpus", str(rng.choice([1, 1, 2, 3, 8, 64, 255]))]
    if n % 6 == 1:
        size = PAGE * rng.randrange(1, 200)
        vars_ = (["--vars-size", str(size)] if rng.random() < 0.5 else
                 ["--vars-file", write(f"vars{n}.fd", bytes(size))])
        return ["--mode", "snp:svsm", *args, *vcpu(), "--svsm", make_svsm(n), *vars_]
    args = ["--mode", "snp", *args, *vcpu(), "--vmm-type", rng.choice(["QEMU", "ec2", "gce"])]
    if rng.random() < 0.7:
        args += ["--guest-features", hex(rng.getrandbits(16) | 1)]
    if direct and rng.random() < 0.8:
        args += boot()
    if rng.random() < 0.2:
        args += ["--snp-ovmf-hash", rng.randbytes(48).hex()]
    if rng.random() < 0.2:
        args += ["--output-format", rng.choice(["hex", "base64"])]
    return args


def fixtures():
    """The folder of the program's own tests' fixtures, if it is there."""
    base = os.path.join(os.environ.get("ASSAY_VECTORS", "/nonexistent"), "sev/measure")
    if os.path.isdir(base):
        return base
    check("ASSAY_REQUIRE_VECTORS" not in os.environ, "no real firmware; set ASSAY_VECTORS")
    log("no real firmware: set ASSAY_VECTORS")
    return None


def legacy_fixture_cases():
    base = fixtures()
    for name in ("ovmf_AmdSev_suffix.bin", "ovmf_OvmfX64_suffix.bin") if base else ():
        for cpus in ([], ["--vcpus", "1", "--vcpu-type", "EPYC-v4"], ["--vcpus", "4", "--vcpu-sig", "0x800f12"]):
            usual = ["--mode", "seves" if cpus else "sev", "--ovmf", f"{base}/{name}", *cpus]
            yield usual
            yield [*usual, "--kernel", "/dev/null", "--initrd", "/dev/null", "--append", "console=ttyS0 loglevel=7"]


def fixture_cases():
    base = fixtures()
    if not base:
        return
    for vmm in ("QEMU", "ec2", "gce"):
        for vcpus in ("1", "4"):
            usual = ["--vcpus", vcpus, "--vcpu-type", "EPYC-v4", "--vmm-type", vmm]
            amd = ["--mode", "snp", "--ovmf", f"{base}/ovmf_AmdSev_suffix.bin", *usual]
            yield amd
            yield [*amd, "--kernel", "/dev/null", "--append", "console=ttyS0 loglevel=7"]
            yield ["--mode", "snp", "--ovmf", f"{base}/ovmf_OvmfX64_suffix.bin", *usual]
    yield ["--mode", "snp:svsm", "--ovmf", f"{base}/svsm_ovmf.fd", "--svsm", f"{base}/svsm.bin",
           "--vars-size", "540672", "--vcpus", "2", "--vcpu-type", "EPYC-v4"]


# --- comparison -----------------------------------------------------------------------------

def compare(reference, args, dump=False):
    """Whether both say the same of these arguments."""
    reference.stdin.write(json.dumps(args) + "\n")
    reference.stdin.flush()
    code, theirs = json.loads(reference.stdout.readline())
    ours = subprocess.run([ASSAY, "measure", *args], capture_output=True, text=True, check=False,
                          cwd=os.path.join(FOLDER.name, "ours") if dump else FOLDER.name)
    same = (code == 0) == (ours.returncode == 0) and theirs == ours.stdout.strip()
    if dump and same:
        for i in range(int(args[args.index("--vcpus") + 1])):
            with open(f"{FOLDER.name}/vmsa{i}.bin", "rb") as a, \
                 open(f"{FOLDER.name}/ours/vmsa{i}.bin", "rb") as b:
                same = same and a.read() == b.read()
    words = " ".join(os.path.basename(a) if a.startswith("/") else a for a in args)
    log(f"{'same' if same else 'DIFFER'}: {words}: {ours.stdout.strip()[:16]}")
    if not same:
        log(f"# theirs: {code} {theirs}\n# ours: {ours.returncode} {ours.stdout}{ours.stderr}")
    return same


def compare_all(reference):
    """How many comparisons, and how many of them differ."""
    same = [compare(reference, known) for known in fixture_cases()]
    same += [compare(reference, case(number)) for number in range(CASES)]
    for number in range(CASES, CASES + 12):
        arguments = case(number)
        if "--vcpus" in arguments:
            same.append(compare(reference, [*arguments, "--dump-vmsa"], dump=True))
    # A kernel for a firmware that cannot take it: both refuse.
    poor = image("poor.fd", 1, [(0x800000, PAGE, 1)],
                 [entry("00f771de-1a7e-4fcb-890e-68c77e2fb44e", 0x80b004)])
    same.append(compare(reference, ["--mode", "snp", "--ovmf", poor, "--vcpus", "1", "--vcpu-type",
                                    "EPYC", "--kernel", "/dev/null"]))
    return len(same), same.count(False)


def compare_legacy(reference):
    same = [compare(reference, known) for known in legacy_fixture_cases()]
    same += [compare(reference, legacy_case(number)) for number in range(LEGACY_CASES)]
    for number in range(6):
        same.append(compare(reference, [*legacy_case(2 * number + 1), "--dump-vmsa"], dump=True))
    poor = image("poor.fd", 1, [(0x800000, PAGE, 1)],
                 [entry("00f771de-1a7e-4fcb-890e-68c77e2fb44e", 0x80b004)])
    same.append(compare(reference, ["--mode", "sev", "--ovmf", poor, "--kernel", "/dev/null"]))  # both refuse
    return len(same), same.count(False)


def measure_rows():
    def version_of(did):
        return {"program": "sev-snp-measure", "version": version("sev-snp-measure"), "did": did}
    try:
        reference = fetch()
    except Exception as error:  # whatever it is, the rows have failed
        for did in ("SNP launch digests, VMSAs", "SEV and SEV-ES launch digests, VMSAs"):
            say(version_of(did), False, error if isinstance(error, Failed) else repr(error))
        return
    os.mkdir(os.path.join(FOLDER.name, "ours"))
    try:
        for what, comparison in (("SNP", compare_all), ("SEV and SEV-ES", compare_legacy)):
            row = version_of(f"launches of {what}: the same digests and VMSAs")
            try:
                count, differ = comparison(reference)
                row["did"] = f"{count} {row['did']}"
                check(differ == 0, f"{differ} differ")
                say(row, True)
            except Exception as error:  # as above
                say(row, False, error if isinstance(error, Failed) else repr(error))
    finally:
        reference.stdin.close()
        reference.wait()


def certificate_rows():
    python = os.path.join(BUILD, "python/bin/python")
    for did, compare_one in (
            ("cert make, tdx: read, key and evidence agree", lambda: certificates.read_ours(python, "tdx")),
            ("cert make, snp: read, key and evidence agree", lambda: certificates.read_ours(python, "snp")),
            ("cert verify, tdx: written there, accepted; another key", lambda: certificates.verify_theirs(python))):
        row = {"program": "cryptography", "version": version("cryptography"), "did": did}
        try:
            compare_one()
            say(row, True)
        except Exception as error:  # as above
            say(row, False, error if isinstance(error, Failed) else repr(error))


measure_rows()
certificate_rows()
