# SPDX-License-Identifier: Apache-2.0
"""A machine of its own: Debian's kernel in QEMU, by software emulation, with a root file system in memory
that holds the programs of a test and what they load. No disk, no network, no rights needed."""

import os
import pathlib
import platform
import re
import shutil
import subprocess

TOP = pathlib.Path(__file__).resolve().parents[2]
KERNEL = pathlib.Path(os.environ.get("ASSAY_KERNEL", TOP / "build-kernel"))
KINDS = {  # of machine: QEMU's program, what to call it with, the console
    "x86_64": ("qemu-system-x86_64", ["-machine", "q35", "-cpu", "max"], "ttyS0"),
    "aarch64": ("qemu-system-aarch64", ["-machine", "virt", "-cpu", "max"], "ttyAMA0"),
}
STATUS = re.compile(r"^machine: status (\d+)\r?$", re.M)

INIT = """#!/bin/busybox sh
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
mount -t tmpfs run /run
mount -t tmpfs tmp /tmp
export LD_LIBRARY_PATH=/lib
ip link set lo up
for module in {modules}; do insmod /modules/$module.ko || echo "machine: no module $module"; done
cd /tmp
sh -c "$(cat /command)" </dev/null
echo "machine: status $?"
poweroff -f
"""


def missing():
    """Why no machine can be booted here; None: one can."""
    kind = KINDS.get(platform.machine())
    if kind is None:
        return f"no machine is known that runs programs for {platform.machine()}"
    if shutil.which(kind[0]) is None:
        return f"no {kind[0]}: scripts/deps system"
    if not (KERNEL / "vmlinuz").is_file():
        return f"no kernel in {KERNEL.name}: scripts/kernel"
    if shutil.which("busybox") is None:
        return "no busybox: scripts/deps system"
    return None


def modules(names):
    """The files of these modules and of those that they need, in the order of loading."""
    files = {p.stem.replace("-", "_"): p for p in (KERNEL / "modules").rglob("*.ko")}
    order = {}

    def add(name):
        if name in order or name not in files:  # else it is built in
            return
        listed = re.search(rb"\0depends=([^\0]*)\0", files[name].read_bytes())
        for need in listed.group(1).decode().split(",") if listed else []:
            add(need.replace("-", "_"))
        order[name] = files[name]

    for name in names:
        add(name)
    return order


def find_library(name):
    shown = subprocess.run(["/sbin/ldconfig", "-p"], capture_output=True, text=True, check=True).stdout
    return re.search(rf"^\s+{re.escape(name)} .*=> (\S+)$", shown, re.M).group(1)


def needs(program):
    """What the program loads: where it lies in the RAM disk, and where here."""
    shown = subprocess.run(["ldd", program], capture_output=True, text=True, check=False).stdout
    found = {f"lib/{name}": path for name, path in re.findall(r"(\S+) => (/\S+) \(0x", shown)}
    for loader in re.findall(r"^\s+(/\S+) \(0x", shown, re.M):  # the kernel wants it at its own place
        found[loader] = loader
    return found


class Archive:
    """An initial RAM disk: the "newc" form of cpio. Source: Linux, early-userspace/buffer-format."""

    def __init__(self):
        self.parts = []
        self.folders = {""}

    def _add(self, name, mode, data=b""):
        fields = [len(self.parts) + 1, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name) + 1, 0]
        head = b"070701" + b"".join(b"%08x" % f for f in fields) + name.encode() + b"\0"
        self.parts.append(head + bytes(-len(head) % 4) + data + bytes(-len(data) % 4))

    def folder(self, name):
        name = name.strip("/")
        if name in self.folders:
            return
        self.folder(os.path.dirname(name))
        self.folders.add(name)
        self._add(name, 0o040755)

    def file(self, name, data, mode=0o644):
        self.folder(os.path.dirname(name))
        self._add(name.strip("/"), 0o100000 | mode, data)

    def bytes(self):
        end = Archive()
        end._add("TRAILER!!!", 0)
        return b"".join(self.parts + end.parts)


def run(folder, command, programs=(), libraries=(), load=("vsock_loopback",), seconds=300):
    """Boots, runs the shell's command, and powers off: its exit status, or None if it never came to
    that, and what was on the console. folder: where the RAM disk may lie. programs: paths, which are then
    in /bin by their last name. libraries: names of those that programs load by themselves."""
    archive = Archive()
    for name in ("proc", "sys", "dev", "run", "tmp", "etc"):
        archive.folder(name)
    taken = {}
    for program in [shutil.which("busybox"), *programs]:
        archive.file(f"bin/{os.path.basename(program)}", pathlib.Path(program).read_bytes(), 0o755)
        taken.update(needs(program))
    for name in libraries:
        taken[f"lib/{name}"] = find_library(name)
        taken.update(needs(taken[f"lib/{name}"]))
    for name, path in sorted(taken.items()):
        archive.file(name, pathlib.Path(path).read_bytes(), 0o755)
    order = modules(load)
    for name, path in order.items():
        archive.file(f"modules/{name}.ko", path.read_bytes())
    archive.file("command", command.encode())
    archive.file("init", INIT.format(modules=" ".join(order)).encode(), 0o755)
    disk = pathlib.Path(folder) / "initrd"
    disk.write_bytes(archive.bytes())

    program, how, console = KINDS[platform.machine()]
    arguments = [program, *how, "-accel", "tcg", "-m", "1024", "-nodefaults", "-display", "none", "-no-reboot",
                 "-serial", "stdio", "-kernel", KERNEL / "vmlinuz", "-initrd", disk,
                 "-append", f"console={console} quiet panic=-1 rdinit=/init"]
    try:
        done = subprocess.run(arguments, stdin=subprocess.DEVNULL, capture_output=True, timeout=seconds, check=False)
        said = done.stdout + done.stderr
    except subprocess.TimeoutExpired as late:
        said = (late.stdout or b"") + (late.stderr or b"")
    text = said.decode("utf-8", "replace").replace("\r\n", "\n")
    status = STATUS.search(text)
    return (int(status.group(1)) if status else None), text
