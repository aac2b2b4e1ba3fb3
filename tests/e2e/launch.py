# SPDX-License-Identifier: Apache-2.0
"""A SEV guest from its owner's session to the key in its memory, against a firmware that has no line of code in common
with the owner's commands; and what becomes of sessions and guests that are not what they should be."""

import base64
import json
import os
import shutil
import struct
import subprocess
import time
import uuid

from sandbox import FOLDER, SIM, WITHOUT_LEAK_CHECK, ENV, allowed, done, fits, new, ok, path, read, run, unwrapped

KEY_GUID = "c2b5a1f0-6f0e-4d0a-9d57-1f4b7c6e0a35"
DISK_GUID = "736869e5-84f0-4973-92ec-06879ce3da0b"
SECRETS = "/sys/kernel/security/secrets/coco"
VCPUS = {"sev": [], "sev-es": ["--vcpus", "1", "--vcpu-type", "EPYC-Milan"]}
POLICY = {"sev": "0xb", "sev-es": "0xf"}


class Vm:
    """A VMM that has launched its guest and waits, as qemu -S does."""

    def __init__(self, tee, platform, name, program):
        self.address = f"unix:{FOLDER.name}/{name}.{time.monotonic_ns()}.sock"
        self.process = subprocess.Popen(
            [SIM, "run", "-v", "--tee", tee, "--platform", platform, "--launch", f"./{name}", "--qmp", self.address,
             "--no-agent", "--", *WITHOUT_LEAK_CHECK, "sh", "-c", program],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=ENV, text=True)
        until = time.monotonic() + 30
        while not os.path.exists(self.address[5:]) and self.process.poll() is None and time.monotonic() < until:
            time.sleep(0.02)

    def end(self, kill=False):
        if kill:
            self.process.terminate()
        out, _ = self.process.communicate(timeout=60)
        return self.process.returncode, out


def session(tee, platform, name, policy=None):
    return run("launch", "session", "--guest-policy", policy or POLICY[tee], "--name", name, "--trust-root",
               f"{platform}/trust-root", f"{platform}/collateral")


def check(tee, platform, name, vm, *args):
    return run("launch", "check", "--launch", f"{name}.launch.json", "--qmp", vm.address,
               *(args or ["--ovmf", f"{platform}/firmware.fd", *VCPUS[tee]]))


def secret(name, vm, *args):
    return run("launch", "secret", "--launch", f"{name}.launch.json", "--qmp", vm.address, *args)


def record(name):
    return json.loads(read(f"{name}.launch.json"))["launch"]


def public_of(der):
    return subprocess.run(["openssl", "pkey", "-inform", "DER", "-pubout", "-outform", "DER"], input=der,
                          capture_output=True, check=True).stdout


for tee in POLICY:
    new(tee, "--tee", tee, "--seed", "7")
new("sev-es-other", "--tee", "sev-es", "--seed", "8")
allowed()
path("disk", b"hunter2")

for tee in POLICY:
    ok(session(tee, tee, f"{tee}-vm").code == 0, f"{tee}: a session")
    shutil.copy(f"{tee}-vm_tek.bin", f"{tee}-kept")
    vm = Vm(tee, tee, f"{tee}-vm", f"cp {SECRETS}/{KEY_GUID} {FOLDER.name}/{tee}-key; "
            f"cp {SECRETS}/{DISK_GUID} {FOLDER.name}/{tee}-disk; ls {SECRETS}; exit 7")
    r = check(tee, tee, f"{tee}-vm", vm, "--digest", "00" * 32)
    ok(r.code == 1 and r.out.startswith("REFUSED") and record(f"{tee}-vm")["stage"] == "session",
       f"{tee}: another digest is not what was launched", r)
    r = secret(f"{tee}-vm", vm)
    ok(r.code == 1 and "was not checked yet" in r.err, f"{tee}: no secret before the check", r)
    r = check(tee, tee, f"{tee}-vm", vm)
    ok(r.code == 0 and r.out.startswith(f"ACCEPTED  {tee}-vm:") and fits(r.out), f"{tee}: what was launched is expected", r)
    r = secret(f"{tee}-vm", vm, "--secret", f"{DISK_GUID}:disk")
    ok(r.code == 0 and r.err == "", f"{tee}: its secrets go in", r)
    code, out = vm.end()
    ok(code == 7 and sorted(line for line in out.splitlines() if len(line) == 36) == sorted([KEY_GUID, DISK_GUID]),
       f"{tee}: the guest runs, and finds them", out)
    ok(read(f"{tee}-disk") == b"hunter2" and
       public_of(read(f"{tee}-key")) == base64.b64decode(record(f"{tee}-vm")["key"]),
       f"{tee}: its key is that of the record")
    ok(record(f"{tee}-vm")["tee"] == tee and record(f"{tee}-vm")["stage"] == "complete", f"{tee}: the record")

    # The host has the session still, and starts the image once more with it.
    vm = Vm(tee, tee, f"{tee}-vm", "true")
    shutil.copy(f"{tee}-kept", f"{tee}-vm_tik.bin")
    os.chmod(f"{tee}-vm_tik.bin", 0o600)
    r = check(tee, tee, f"{tee}-vm", vm)
    ok(r.code == 1 and "its session is spent" in unwrapped(r.out), f"{tee}: the session reused", r)
    r = secret(f"{tee}-vm", vm)
    ok(r.code == 1 and "its session is spent" in r.err, f"{tee}: no second secret", r)
    vm.end(kill=True)

# Between check and secret the host starts the guest anew: another nonce, and so another guest.
ok(session("sev-es", "sev-es", "twice").code == 0, "a session")
vm = Vm("sev-es", "sev-es", "twice", "true")
ok(check("sev-es", "sev-es", "twice", vm).code == 0, "checked")
vm.end(kill=True)
vm = Vm("sev-es", "sev-es", "twice", "true")
r = secret("twice", vm)
ok(r.code == 1 and "another measurement than the one that was checked; nothing was sent: this session has "
   "launched a guest already" in r.err,
   "started anew after its check", r)
r = check("sev-es", "sev-es", "twice", vm)
ok(r.code == 1 and "this session has launched a guest already" in unwrapped(r.out), "nor can it be checked anew", r)
vm.end(kill=True)

# The area that the image has for secrets, to its last byte; behind it are the hashes of the kernel.
EMPTY = 3072 - 3 * 20 - 48  # without the heads and an Ed25519 key
ok(session("sev-es", "sev-es", "area").code == 0, "a session")
kept = read("area_tek.bin")
vm = Vm("sev-es", "sev-es", "area", f"cp {SECRETS}/{DISK_GUID} {FOLDER.name}/area-disk")
ok(check("sev-es", "sev-es", "area", vm).code == 0, "checked")
path("long", b"s" * (EMPTY + 1))
r = secret("area", vm, "--key-type", "Ed25519", "--secret", f"{DISK_GUID}:long")
ok(r.code == 2 and "are 3088 bytes" in r.err and "3072 fit into the area of the firmware" in r.err and
   record("area")["stage"] == "checked" and read("area_tek.bin") == kept, "a byte more than fits is not sent", r)
path("long", b"s" * EMPTY)
r = secret("area", vm, "--key-type", "Ed25519", "--ovmf", "sev-es/firmware.fd", "--secret", f"{DISK_GUID}:long")
code, out = vm.end(kill=r.code != 0)
ok(r.code == 0 and code == 0 and read("area-disk") == b"s" * EMPTY, "what fits is there, whole", (r, out))

# Who is wrong about the image hears it of the VMM.
at = read("sev-es/firmware.fd").rindex(uuid.UUID("4c2eb361-7d9b-4cc3-8081-127c90d3d294").bytes_le) - 6
path("large.fd", read("sev-es/firmware.fd")[:at] + struct.pack("<I", 4096) + read("sev-es/firmware.fd")[at + 4:])
ok(session("sev-es", "sev-es", "wrong").code == 0, "a session")
vm = Vm("sev-es", "sev-es", "wrong", "true")
ok(check("sev-es", "sev-es", "wrong", vm).code == 0, "checked")
path("long", b"s" * (EMPTY + 1))
r = secret("wrong", vm, "--key-type", "Ed25519", "--ovmf", "large.fd", "--secret", f"{DISK_GUID}:long")
ok(r.code == 4 and "3088 bytes of secrets do not fit into the secret area" in r.err and "the session is spent" in r.err,
   "secrets for a larger area than there is", r)
vm.end(kill=True)

# A session is for one platform, and the firmware of another cannot open it.
ok(session("sev-es", "sev-es", "astray").code == 0, "a session")
vm = Vm("sev-es", "sev-es-other", "astray", "true")
code, out = vm.end(kill=True)
ok(code != 0 and "waits for its owner" not in out, "on another platform it is not launched at all", out)

# And for one policy.
ok(session("sev-es", "sev-es", "loose", "0x7").code == 0, "a session")
vm = Vm("sev-es", "sev-es", "loose", "true")
code, out = vm.end(kill=True)
ok(code != 0 and "waits for its owner" not in out, "under another policy neither", out)

# Another image under the session.
ok(session("sev-es", "sev-es", "image").code == 0, "a session")
vm = Vm("sev-es", "sev-es", "image", "true")
for args in (["--ovmf", "sev-es/firmware.fd", "--vcpus", "2", "--vcpu-type", "EPYC-Milan"],
             ["--ovmf", "sev-es/firmware.fd", "--vcpus", "1", "--vcpu-type", "EPYC-Rome"],
             ["--ovmf", "disk"], ["--ovmf", "sev-es/firmware.fd"]):
    r = check("sev-es", "sev-es", "image", vm, *args)
    ok(r.code in (1, 2) and record("image")["stage"] == "session", f"check: {' '.join(args[1:])}", r)
r = check("sev-es", "sev-es", "image", vm, "--min-api", "99.0", "--ovmf", "sev-es/firmware.fd", *VCPUS["sev-es"])
ok(r.code == 1 and "its owner asks for 99.0" in unwrapped(r.out), "check: an older firmware than --min-api", r)
vm.end(kill=True)
done()
