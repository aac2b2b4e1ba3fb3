# SPDX-License-Identifier: Apache-2.0
"""What these tests share: platforms, programs inside them, and bundles taken apart.

Arguments of each test: assay, assay-sim, and what it needs besides.
"""

import os
import subprocess
import sys

TESTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir)
# Behind Python's own: one of the tests there is called as a module of it.
sys.path += [os.path.join(TESTS, "cli"), os.path.join(TESTS, "sandbox")]

from forbidden import WITHOUT_LEAK_CHECK, forbidden  # noqa: E402  the folders come first
from harness import ASSAY, FOLDER, ROOT, Result, done, fits, ok, path, run  # noqa: E402, F401
from service import SIM, Serve, new  # noqa: E402, F401

PROGRAMS = [os.path.abspath(name) for name in sys.argv[3:]]
os.chdir(FOLDER.name)
NONCE = "00112233445566778899aabbccddeeff"
QGS = ["--qgs", "vsock:host:4050"]  # of the platform around a program
ENV = {k: v for k, v in os.environ.items() if not k.startswith("ASSAY_")}


def allowed():
    """Ends the test with one line where the machine forbids a sandbox."""
    why = forbidden()
    if why:
        print("# no sandbox on this machine, so that the rest is left out:", why)
        done()


def inside(folder, *program, fault=None, timeout=60):
    """Runs a program in the platform of a folder, which is named as its TEE and what else it is."""
    faults = ["--fault", fault] if fault else []
    r = subprocess.run([SIM, "run", "--tee", folder.split("-")[0], "--platform", folder, *faults, "--",
                        *WITHOUT_LEAK_CHECK, *program],
                       capture_output=True, stdin=subprocess.DEVNULL, env=ENV, timeout=timeout, check=False)
    return Result(r.returncode, r.stdout.decode("utf-8", "replace"), r.stderr.decode("utf-8", "replace"))


def attest(folder, *args, nonce=NONCE, **more):
    return inside(folder, ASSAY, "attest", *(["--nonce", nonce] if nonce else []), *args, **more)


def verify(folder, *args, nonce=NONCE, root=True, collateral=True):
    return run("verify", "--nonce", nonce, *(["--trust-root", f"{folder}/trust-root"] if root else []),
               *(["-c", f"{folder}/collateral"] if collateral else []), *args)


def unwrapped(text):
    return " ".join(text.split())


def read(name):
    with open(name, "rb") as file:
        return file.read()


# --- bundles: as much of CBOR as docs/bundle.md uses --------------------------------------------

def _head(data, at):
    major, more = data[at] >> 5, data[at] & 31
    if more < 24:
        return major, more, at + 1
    size = 1 << (more - 24)
    return major, int.from_bytes(data[at + 1:at + 1 + size], "big"), at + 1 + size


def _take(data, at):
    major, n, at = _head(data, at)
    if major == 0:
        return n, at
    if major in (2, 3):
        value = data[at:at + n]
        return (value if major == 2 else value.decode()), at + n
    if major == 4:
        items = []
        for _ in range(n):
            item, at = _take(data, at)
            items.append(item)
        return items, at
    assert major == 5, major
    items = {}
    for _ in range(n):
        label, at = _take(data, at)
        items[label], at = _take(data, at)
    return items, at


def unpack(name):
    """The items of a bundle: label to [type, value, indicator]."""
    data = read(name)
    items, end = _take(data, 0)
    assert end == len(data)
    return items


def _put(major, n):
    if n < 24:
        return bytes([major << 5 | n])
    for more, size in ((24, 1), (25, 2), (26, 4)):
        if n < 1 << 8 * size:
            return bytes([major << 5 | more]) + n.to_bytes(size, "big")
    raise ValueError(n)


def _encode(value):
    if isinstance(value, int):
        return _put(0, value)
    if isinstance(value, bytes):
        return _put(2, len(value)) + value
    if isinstance(value, str):
        return _put(3, len(value)) + value.encode()
    if isinstance(value, list):
        return _put(4, len(value)) + b"".join(map(_encode, value))
    pairs = sorted((_encode(k), _encode(v)) for k, v in value.items())
    return _put(5, len(pairs)) + b"".join(k + v for k, v in pairs)


def pack(name, items):
    return path(name, _encode(items))


def changed(name, items, **values):
    """A bundle with the values of some items replaced, or, with None, without them."""
    items = {label: list(item) for label, item in items.items() if values.get(label, b"") is not None}
    for label, value in values.items():
        if value is not None:
            items[label][1] = value
    return pack(name, items)


def flipped(value, at):
    return value[:at] + bytes([value[at] ^ 1]) + value[at + 1:]
