# SPDX-License-Identifier: Apache-2.0
"""assay measure: the digests through the command, its flags, and what it refuses."""

import base64
import hashlib
import json
import os
import struct
import uuid

from harness import FOLDER, done, fits, ok, path, run, vectors

PAGE = 4096


# --- images, as a build of edk2 would make them ---------------------------------------------

def entry(guid, *numbers):
    data = struct.pack(f"<{len(numbers)}I", *numbers)
    return data + struct.pack("<H", len(data) + 18) + uuid.UUID(guid).bytes_le


def with_table(data, entries):
    table = b"".join(entries)
    table += struct.pack("<H", len(table) + 18)
    table += uuid.UUID("96b582de-1fb2-45f7-baea-a366c55a082d").bytes_le
    data[len(data) - 32 - len(table):len(data) - 32] = table
    return bytes(data)


ITEMS = [(0x800000, 0x2000, 1), (0x80d000, PAGE, 2), (0x80e000, PAGE, 3), (0x810000, PAGE, 0x10)]


def snp_image(items=ITEMS):
    data = bytearray(b"\x90" * 2 * PAGE)
    metadata = b"ASEV" + struct.pack("<III", 16 + 12 * len(items), 1, len(items))
    metadata += b"".join(struct.pack("<III", *item) for item in items)
    data[-0x400:-0x400 + len(metadata)] = metadata
    return with_table(data, [entry("00f771de-1a7e-4fcb-890e-68c77e2fb44e", 0x80b004),
                             entry("7255371f-3a3b-4b04-927b-1da6efa8d454", 0x810c00, 0x400),
                             entry("dc886566-984a-4798-a75e-5585a7bf67cc", 0x400)])


def vmsa(n, rdx, features):
    """The state in which a vCPU of QEMU starts."""
    page = bytearray(PAGE)
    start = 0x80b004 if n else 0xfffffff0

    def put(at, form, *values):
        struct.pack_into(form, page, at, *values)

    for at in (0x00, 0x30, 0x40, 0x50):
        put(at, "<HHIQ", 0, 0x93, 0xffff, 0)
    put(0x10, "<HHIQ", 0xf000, 0x9b, 0xffff, start & 0xffff0000)
    put(0x20, "<HHIQ", 0, 0x93, 0xffff, 0)
    put(0x60, "<HHIQ", 0, 0, 0xffff, 0)
    put(0x70, "<HHIQ", 0, 0x82, 0xffff, 0)
    put(0x80, "<HHIQ", 0, 0, 0xffff, 0)
    put(0x90, "<HHIQ", 0, 0x8b, 0xffff, 0)
    for at, value in ((0xd0, 0x1000), (0x148, 0x40), (0x158, 0x10), (0x160, 0x400),
                      (0x168, 0xffff0ff0), (0x170, 2), (0x178, start & 0xffff),
                      (0x268, 0x7040600070406), (0x310, rdx), (0x3b0, features), (0x3e8, 1)):
        put(at, "<Q", value)
    put(0x408, "<I", 0x1f80)
    put(0x410, "<H", 0x37f)
    return bytes(page)


def snp_digest(image, vcpus, rdx, hashes=None, features=1):
    """The chain of pages again, in a few lines."""
    ld = bytes(48)

    def add(kind, gpa, contents):
        nonlocal ld
        ld = hashlib.sha384(ld + contents + struct.pack("<HBBBBBBQ", 0x70, kind, 0, 0, 0, 0, 0,
                                                        gpa)).digest()

    for at in range(0, len(image), PAGE):
        add(1, (1 << 32) - len(image) + at, hashlib.sha384(image[at:at + PAGE]).digest())
    for gpa, size, kind in ITEMS:
        for at in range(0, size, PAGE):
            if kind == 0x10 and hashes:
                page = bytes(0xc00) + hashes + bytes(PAGE - 0xc00 - len(hashes))
                add(1, gpa, hashlib.sha384(page).digest())
            else:
                add({1: 3, 2: 5, 3: 6, 0x10: 3}[kind], gpa + at, bytes(48))
    for n in range(vcpus):
        add(2, 0xfffffffff000, hashlib.sha384(vmsa(n, rdx, features)).digest())
    return ld.hex()


def hash_table(kernel, initrd, append):
    def row(guid, what):
        return uuid.UUID(guid).bytes_le + struct.pack("<H", 50) + hashlib.sha256(what).digest()

    return (uuid.UUID("9438d606-4f22-4cc9-b479-a793d411fd21").bytes_le + struct.pack("<H", 168) +
            row("97d02dd8-bd20-4c94-aa78-e7714d36ab2a", append + b"\0") +
            row("44baf731-3a2f-4bd7-9af1-41e29169781d", initrd) +
            row("4de79437-abd2-427f-b835-d5b172d2045b", kernel) + bytes(8))


def tdx_image():
    data = bytearray(b"\x90" * 4 * PAGE)
    data[:PAGE] = b"\xff" * PAGE
    data[40:44] = b"_FVH"
    struct.pack_into("<H", data, 48, 72)
    struct.pack_into("<I", data, 88, PAGE - 72)
    sections = [(PAGE, 3 * PAGE, 0xffffd000, 3 * PAGE, 0, 1), (0, PAGE, 0xffffc000, PAGE, 1, 0),
                (0, 0, 0x809000, 2 * PAGE, 2, 0)]
    metadata = b"TDVF" + struct.pack("<III", 16 + 32 * 3, 1, 3)
    metadata += b"".join(struct.pack("<IIQQII", *s) for s in sections)
    data[-0x400:-0x400 + len(metadata)] = metadata
    return with_table(data, [entry("e47a6535-984a-4798-865e-4685a7bf8ec2", 0x400)])


def mrtd(image, section_order):
    h = hashlib.sha384()

    def record(what, gpa):
        h.update(what.ljust(16, b"\0") + struct.pack("<Q", gpa) + bytes(104))

    def extend(at):
        for n in range(0, PAGE, 256):
            record(b"MR.EXTEND", 0xffffd000 + at + n)
            h.update(image[PAGE + at + n:PAGE + at + n + 256])

    for at in range(0, 3 * PAGE, PAGE):
        record(b"MEM.PAGE.ADD", 0xffffd000 + at)
        if not section_order:
            extend(at)
    for at in range(0, 3 * PAGE, PAGE):
        if section_order:
            extend(at)
    for gpa in (0xffffc000, 0x809000, 0x80a000):
        record(b"MEM.PAGE.ADD", gpa)
    return h.hexdigest()


def kernel_image():
    """The headers of a bzImage, and one section."""
    data = bytearray(b"\x5a" * 0x800)
    data[:2] = b"MZ"
    struct.pack_into("<I", data, 0x3c, 0x40)
    data[0x40:0x44] = b"PE\0\0"
    struct.pack_into("<H", data, 0x46, 1)
    struct.pack_into("<H", data, 0x54, 160)
    struct.pack_into("<H", data, 0x58, 0x20b)
    struct.pack_into("<I", data, 0x58 + 60, 0x1a0)
    struct.pack_into("<I", data, 0x58 + 108, 6)
    struct.pack_into("<Q", data, 0x58 + 112 + 32, 0)
    struct.pack_into("<II", data, 0xf8 + 16, 0x800 - 0x1a0, 0x1a0)
    data[0x202:0x206] = b"HdrS"
    struct.pack_into("<HB", data, 0x206, 0x20f, 0)
    data[0x211] = 1
    return bytes(data)


def registers(*events):
    value = bytes(48)
    for event in events:
        value = hashlib.sha384(value + event).digest()
    return value.hex()


def sha(data):
    return hashlib.sha384(data).digest()


# --- snp ------------------------------------------------------------------------------------

IMAGE = snp_image()
OVMF = path("OVMF.fd", IMAGE)
KERNEL = path("vmlinuz", b"a kernel")
INITRD = path("initrd.img", b"an initrd")
SNP = ["measure", "snp", "--ovmf", OVMF]
V4 = ["--vcpus", "2", "--vcpu-type", "EPYC-v4"]
WANT = snp_digest(IMAGE, 2, 0x800f12)

r = run(*SNP, *V4)
ok(r.code == 0 and r.out == WANT + "\n" and r.err == "", "snp: one line, the digest", r)
for way in (["--vcpu-sig", "0x800f12"], ["--vcpu-sig", "8392466"],
            ["--vcpu-family", "23", "--vcpu-model", "1", "--vcpu-stepping", "2"],
            ["--vcpu_type=EPYC"]):
    r = run(*SNP, "--vcpus", "2", *way)
    ok(r.code == 0 and r.out == WANT + "\n", f"snp: {' '.join(way)} is the same vCPU", r)
r = run(*SNP, *V4, "--output-format", "base64")
ok(r.out.strip() == base64.b64encode(bytes.fromhex(WANT)).decode(), "snp: base64", r)
r = run(*SNP, *V4, "--guest-features", "0x21")
ok(r.out.strip() == snp_digest(IMAGE, 2, 0x800f12, features=0x21), "snp: guest features", r)
r = run(*SNP, *V4, "--kernel", KERNEL, "--initrd", INITRD, "--append", "console=ttyS0")
ok(r.out.strip() == snp_digest(IMAGE, 2, 0x800f12,
                               hash_table(b"a kernel", b"an initrd", b"console=ttyS0")),
   "snp: kernel, initrd, append", r)
r = run("measure", "snp", "--firmware", OVMF, "--num-cpus", "2", "--vcpu-type", "EPYC-v4",
        "--kernel", KERNEL, "--cmdline", "console=ttyS0")
ok(r.out.strip() == snp_digest(IMAGE, 2, 0x800f12, hash_table(b"a kernel", b"", b"console=ttyS0")),
   "snp: the words of sevctl", r)

r = run("measure", "--mode", "snp:ovmf-hash", "--ovmf", OVMF)
digest = r.out.strip()
ok(r.code == 0 and len(digest) == 96 and run(*SNP, "--ovmf-only").out.strip() == digest,
   "snp: --mode snp:ovmf-hash", r)
tail = path("tail.fd", IMAGE[-PAGE:])
r = run("measure", "--mode=snp", "--ovmf", tail, *V4, "--snp-ovmf-hash", digest)
ok(r.out.strip() == WANT, "snp: the hash stands for the image", r)

r = run(*SNP, *V4, "--dump-vmsa")
pages = [open(os.path.join(FOLDER.name, f"vmsa{n}.bin"), "rb").read() for n in (0, 1)]
ok(r.out.strip() == WANT and [len(p) for p in pages] == [PAGE, PAGE] and
   pages[0][0x178:0x17a] == b"\xf0\xff" and pages[1][0x178:0x17a] == b"\x04\xb0",
   "snp: --dump-vmsa writes what is measured", r)

r = run(*SNP, *V4, "--as", "web")
want = {"reference_values": 1, "name": "web", "tee": "snp",
        "values": [{"name": "web/launch", "claim": "measurement", "any_of": [WANT]}],
        "made": {"by": r.json["made"]["by"], "command": "measure snp",
                 "options": {"ovmf": OVMF, "vcpus": "2", "vcpu-type": "EPYC-v4"}}}
ok(r.code == 0 and r.json == want, "snp: --as writes reference values", r)
r = run(*SNP, *V4, "-o", "digest")
with open(os.path.join(FOLDER.name, "digest"), encoding="ascii") as f:
    ok(r.out == "" and f.read() == WANT + "\n", "snp: -o", r)

for args, words in (
        (["measure", "snp"], "--ovmf FILE is missing"),
        (SNP, "--vcpus N is missing"),
        ([*SNP, "--vcpus", "0", "--vcpu-type", "EPYC"], "vcpus: 0, want 1"),
        ([*SNP, "--vcpus", "4097", "--vcpu-type", "EPYC"], "no number up to 4096"),
        ([*SNP, "--vcpus", "-1", "--vcpu-type", "EPYC"], "is no number"),
        ([*SNP, "--vcpus", "2x", "--vcpu-type", "EPYC"], "\"2x\" is no number"),
        ([*SNP, "--vcpus", "2"], "the vCPU's model is missing"),
        ([*SNP, "--vcpus", "2", "--vcpu-type", "EPYC-Romme"], "did you mean EPYC-Rome?"),
        ([*SNP, *V4, "--vcpu-sig", "1"], "say the same thing"),
        ([*SNP, "--vcpus", "2", "--vcpu-family", "23"], "go together"),
        ([*SNP, *V4, "--vmm-type", "xen"], "\"xen\" is none of qemu"),
        ([*SNP, *V4, "--vmm-type", "krun"], "is not proven"),
        ([*SNP, *V4, "--initrd", INITRD], "go with --kernel"),
        ([*SNP, *V4, "--svsm", OVMF], "--svsm goes with"),
        ([*SNP, *V4, "--vars-size", "4096"], "--svsm goes with"),
        ([*SNP, *V4, "--svsm", OVMF, "--vars-size", "1", "--vars-file", OVMF], "give one"),
        ([*SNP, *V4, "--svsm", OVMF, "--vars-size", "4096"], "it is no SVSM image"),
        ([*SNP, *V4, "--ovmf-hash", "00"], "is 1 bytes, want 48"),
        ([*SNP, *V4, "--guest-features", "0x20"], "lacks bit 0"),
        ([*SNP, *V4, "--output-format", "dec"], "neither hex nor base64"),
        ([*SNP, *V4, "--as", "a/b"], "is no name"),
        ([*SNP, *V4, "--as", ""], "is no name"),
        ([*SNP, *V4, "--as", "web", "--output-format", "hex"], "has no place"),
        ([*SNP, "--ovmf-only", "--as", "web"], "no value of a report"),
        ([*SNP, *V4, OVMF], "one operand too many"),
        (["measure", "snp", "--ovmf", KERNEL, *V4], "ovmf: is 8 bytes"),
        (["measure", "snp", "--ovmf", path("none.fd", bytes(PAGE)), *V4], "no table of GUIDs"),
        (["measure", "--mode", "tdx", "--ovmf", OVMF], "no command")):
    r = run(*args)
    ok(r.code == 2 and words in r.err and r.out == "", f"snp: {words}", r)
plain = path("plain.fd", snp_image(ITEMS[:3]))
r = run("measure", "snp", "--ovmf", plain, *V4, "--kernel", KERNEL)
ok(r.code == 2 and "no place for the hashes of a kernel" in r.err,
   "snp: never a digest without the kernel that was asked for", r)
r = run("measure", "snp", "--ovmf", "/nonexistent", *V4)
ok(r.code == 4 and "No such file" in r.err, "snp: a missing file is trouble", r)

# --- sev, sev-es ----------------------------------------------------------------------------

def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).hexdigest()


SEV, ES = ["measure", "sev", "--ovmf", OVMF], ["measure", "sev-es", "--ovmf", OVMF]
BOOT = ["--kernel", KERNEL, "--initrd", INITRD, "--append", "console=ttyS0"]
HASHES = hash_table(b"a kernel", b"an initrd", b"console=ttyS0")
r = run(*SEV)
ok(r.code == 0 and r.out == sha256(IMAGE) + "\n" and r.err == "", "sev: the firmware alone", r)
r = run(*SEV, *BOOT)
ok(r.out.strip() == sha256(IMAGE, HASHES), "sev: and a kernel", r)
r = run(*SEV, "--output-format", "base64")
ok(base64.b64decode(r.out).hex() == sha256(IMAGE), "sev: base64", r)
r = run("measure", "--mode", "sev", "--firmware", OVMF, "--kernel", KERNEL, "--cmdline", "x")
ok(r.out.strip() == sha256(IMAGE, hash_table(b"a kernel", b"", b"x")), "sev: other spellings", r)
odd = path("odd.fd", b"\0" * 8 + IMAGE)
ok(run("measure", "sev", "--ovmf", odd).out.strip() == sha256(b"\0" * 8 + IMAGE),
   "sev: an image of no whole pages")
STATES = [vmsa(0, 0x800f12, 0), vmsa(1, 0x800f12, 0), vmsa(1, 0x800f12, 0)]
V3 = ["--vcpus", "3", "--vcpu-type", "EPYC-v4"]
WANT = sha256(IMAGE, HASHES, *STATES)
r = run(*ES, *V3, *BOOT)
ok(r.code == 0 and r.out == WANT + "\n", "sev-es: a kernel and three vCPUs", r)
ok(run(*ES, "--vcpus", "3", "--vcpu-family", "23", "--vcpu-model", "1", "--vcpu-stepping", "2",
       *BOOT).out.strip() == WANT, "sev-es: the same vCPU by its family")
FILES = ["--vmsa-cpu0", path("state0", STATES[0]), "--vmsa-cpu1", path("state1", STATES[1])]
ok(run(*ES, "--vcpus", "3", *FILES, *BOOT).out.strip() == WANT, "sev-es: the states themselves")
ok(run(*ES, "--vcpus", "1", *FILES[:2]).out.strip() == sha256(IMAGE, STATES[0]),
   "sev-es: one vCPU by its state")
r = run(*ES, *V3, "--dump-vmsa")
ok(r.out.strip() == sha256(IMAGE, *STATES) and
   [open(os.path.join(FOLDER.name, f"vmsa{n}.bin"), "rb").read() for n in range(3)] == STATES,
   "sev-es: --dump-vmsa", r)
ok(run(*ES, *V3, "--vmm-type", "qemu-old").out.strip() not in (WANT, sha256(IMAGE, *STATES)),
   "sev-es: an old host kernel")
r = run(*ES, *V3, *BOOT, "--as", "web")
ok(r.json["tee"] == "sev-es" and r.json["values"] ==
   [{"name": "web/launch", "claim": "measurement", "any_of": [WANT]}], "sev-es: --as", r)
small = path("small.fd", with_table(bytearray(b"\x90" * PAGE), [
    entry("7255371f-3a3b-4b04-927b-1da6efa8d454", 0x810c00, 175)]))
bare = path("bare.fd", with_table(bytearray(b"\x90" * PAGE), []))
for args, words in (
        (["measure", "sev"], "--ovmf FILE is missing"),
        ([*SEV, "--append", "x"], "go with --kernel"),
        (ES, "--vcpus N is missing"),
        ([*ES, "--vcpus", "2"], "the vCPU's model is missing"),
        ([*ES, "--vcpus", "2", *FILES[:2]], "the vCPU's model is missing"),
        ([*ES, *V3, "--vmm-type", "ec2"], "is none of qemu, qemu-old"),
        ([*ES, "--vcpus", "1", "--vmsa-cpu0", KERNEL], "--vmsa-cpu0: is 8 bytes, want 4096"),
        (["measure", "sev", "--ovmf", bare, "--kernel", KERNEL], "no place for the hashes"),
        (["measure", "sev", "--ovmf", small, "--kernel", KERNEL], "no place for the hashes"),
        (["measure", "sev-es", "--ovmf", bare, *V3], "does not say where further vCPUs start"),
        (["measure", "sev", "--ovmf", path("empty")], "ovmf: is 0 bytes")):
    r = run(*args)
    ok(r.code == 2 and words in r.err and r.out == "", f"sev: {words}", r)
for option in ("--vcpus", "--vcpu-type", "--vmsa-cpu0"):
    ok(run(*SEV, option, "1").code == 2, f"sev: {option} means nothing")

# --- tdx ------------------------------------------------------------------------------------

TD = tdx_image()
TDVF = path("TDVF.fd", TD)
TDX = ["measure", "tdx", "--ovmf", TDVF]
r = run(*TDX)
ok(r.code == 0 and r.out == f"MRTD {mrtd(TD, False)}\n" and
   all(f"rtmr{n}: not predicted without" in r.err for n in range(3)) and
   len(r.err.splitlines()) == 1, "tdx: MRTD, and a sentence on the others", r)
r = run(*TDX, "--page-order", "section")
ok(r.out == f"MRTD {mrtd(TD, True)}\n", "tdx: the other page order", r)
r = run(*TDX, "--as", "web")
ok(r.json["values"] == [{"name": "web/mrtd", "claim": "measurement", "any_of": [mrtd(TD, False)]}],
   "tdx: --as names only what is predicted", r)

LINUX = kernel_image()
BZIMAGE = path("bzImage", LINUX)
AUTHENTICODE = sha(LINUX[:0x98] + LINUX[0x9c:0xe8] + LINUX[0xf0:])
CALLING = sha(b"Calling EFI Application from Boot Option")
EXIT = [sha(b"Exit Boot Services Invocation"), sha(b"Exit Boot Services Returned with Success")]
SEPARATOR = sha(bytes(4))
BOOT = [*TDX, "--kernel", BZIMAGE, "--initrd", INITRD, "--append", "quiet"]


def options(text):
    return sha(text.encode("utf-16-le") + b"\0\0")


r = run(*BOOT, "--edk2", "202511")
ok(r.code == 0 and r.out.splitlines()[1:] == [
    "RTMR1 " + registers(AUTHENTICODE, CALLING, SEPARATOR, *EXIT),
    "RTMR2 " + registers(options("initrd=initrd quiet"), sha(b"an initrd"))] and
   "rtmr0: not predicted without the SMBIOS tables" in r.err, "tdx: edk2 of 202511", r)

ACPI = [path(name, name.encode()) for name in ("loader", "rsdp", "tables")]
FULL = [*BOOT, "--edk2", "202402", "--kernel-header", "kept", "--memory", str(2 << 30),
        "--secure-boot", "absent", "--acpi-loader", ACPI[0], "--acpi-rsdp", ACPI[1],
        "--acpi-tables", ACPI[2], "--boot-variable", path("BootOrder", b"\7\0\0\0\0\0"),
        "--boot-variable", path("Boot0000", b"\7\0\0\0an option")]


def variable(guid, name):
    return sha(uuid.UUID(guid).bytes_le + struct.pack("<QQ", len(name), 0) +
               name.encode("utf-16-le"))


def hob():
    blocks = [(7, 0, 0x809000), (0, 0x809000, 0x2000), (7, 0x80b000, (2 << 30) - 0x80b000)]
    end = 0x809000 + 56 + 48 * len(blocks) + 8
    return sha(struct.pack("<HHIII", 1, 56, 0, 9, 0) + bytes(32) + struct.pack("<Q", end) +
               b"".join(struct.pack("<HHI16xIIQQ", 3, 48, 0, kind, 7, at, size)
                        for kind, at, size in blocks))


GLOBAL = "8be4df61-93ca-11d2-aa0d-00e098032b8c"
SECURITY = "d719b2cb-3d3a-4596-a3bc-dad00e67656f"
r = run(*FULL)
ok(r.code == 0 and r.err == "" and r.out.splitlines() == [
    "MRTD " + mrtd(TD, False),
    "RTMR0 " + registers(
        hob(), sha(TD[:PAGE]), variable(GLOBAL, "SecureBoot"), variable(GLOBAL, "PK"),
        variable(GLOBAL, "KEK"), variable(SECURITY, "db"), variable(SECURITY, "dbx"), SEPARATOR,
        sha(b"loader"), sha(b"rsdp"), sha(b"tables"), sha(b"\0\0"), sha(b"an option"), SEPARATOR),
    "RTMR1 " + registers(AUTHENTICODE, CALLING, *EXIT),
    "RTMR2 " + registers(options("quiet initrd=initrd"), sha(b"an initrd"))],
   "tdx: every register, edk2 of 202402", r)
r = run(*FULL, "--as", "web")
ok(r.json["made"]["options"]["boot-variable"] == [os.path.join(FOLDER.name, name) for name in
                                                   ("BootOrder", "Boot0000")],
   "tdx: a list of what was given several times", r)
ok([v["name"] + " " + v["claim"] for v in r.json["values"]] ==
   ["web/mrtd measurement", "web/rtmr0 tdx.rtmr[0]", "web/rtmr1 tdx.rtmr[1]",
    "web/rtmr2 tdx.rtmr[2]"], "tdx: --as", r)

for args, words in (
        (["measure", "tdx"], "--ovmf FILE is missing"),
        ([*TDX, "--page-order", "both"], "neither page nor section"),
        ([*TDX, "--append", "x"], "go with --kernel"),
        ([*TDX, "--edk2", "202413"], "is no release"),
        ([*TDX, "--edk2", "2024"], "is no release"),
        ([*TDX, "--secure-boot", "on"], "neither absent nor off"),
        ([*TDX, "--boot-variable", path("short", b"\7\0\0\0")], "is 4 bytes"),
        ([*TDX, "--memory", "2G"], "\"2G\" is no number"),
        ([*TDX, "--kernel", KERNEL], "no Linux setup header"),
        (["measure", "tdx", "--ovmf", OVMF], "has no TDX metadata")):
    r = run(*args)
    ok(r.code == 2 and words in r.err and r.out == "", f"tdx: {words}", r)

for verb in ("snp", "sev", "sev-es", "tdx"):
    r = run("measure", verb, "--help")
    ok(r.code == 0 and fits(r.out), f"{verb}: --help", r)

# --- known answers --------------------------------------------------------------------------

base = vectors("sev", "measure")
with open(f"{base}/known_answers.json", encoding="utf-8") as f:
    rows = json.load(f)
MODES = {"SNP": "snp", "SEV": "sev", "SEV-ES": "seves", "SNP-ovmf-hash": "snp:ovmf-hash", "SNP-SVSM": "snp:svsm"}
for row in rows:
    if row["mode"] not in MODES:
        continue
    args = ["measure", "--mode", MODES[row["mode"]], "--ovmf", f"{base}/{row['ovmf']}"]
    for name, option in (("vcpus", "--vcpus"), ("vcpu_type", "--vcpu-type"), ("vmm", "--vmm-type"),
                         ("kernel", "--kernel"), ("initrd", "--initrd"), ("append", "--append"),
                         ("guest_features", "--guest-features"),
                         ("ovmf_vars_size", "--vars-size")):
        if name in row:
            args += [option, str(row[name])]
    if "svsm" in row:
        args += ["--svsm", f"{base}/{row['svsm']}"]
    r = run(*args)
    if row["digest"].startswith("ERROR"):
        ok(r.code == 2 and r.out == "", f"known answer: {row['digest']}", r)
    else:
        ok(r.out.strip() == row["digest"], f"known answer: {row['digest'][:16]}", r)
done()
