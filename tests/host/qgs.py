# SPDX-License-Identifier: Apache-2.0
"""The quoting role: framed and bare, byte by byte; what is refused; whose turn it is; services that are slow,
busy, gone, or lie. The services here are threads, and the software platform's behind the real clients."""
import ctypes
import fcntl
import itertools
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import termios
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
from harness import (Broker, Flood, Guest, Host, _end_with_us, check, clock, done, name_of, status_of,  # noqa: E402
                     wait_until)

OK, UNEXPECTED, NO_MEMORY, PARAMETER, VERSION, TYPE, SIZE, CODE = 0, *range(0x12001, 0x12008)


# --- messages, from their document -----------------------------------------------------------

def tdreport(data=b"d" * 64, kind=0x81, version=0, **at):
    """A report of the form that a TDX module gives; at: more bytes, as at_495=b"x"."""
    r = bytearray(b"r" * 1024)
    r[0:16] = bytes([kind, 0, version]) + bytes(13)
    r[128:192] = data
    r[192:224] = bytes(32)
    r[495:512] = bytes(17)
    for name, value in at.items():
        n = int(name[3:])
        r[n:n + len(value)] = value
    return bytes(r)


def message(kind, body, major=1, minor=1, size=None, code=0):
    return struct.pack("<HHIII", major, minor, kind, 16 + len(body) if size is None else size, code) + body


def framed(m):
    return struct.pack(">I", len(m)) + m


def pair(a, b):
    return struct.pack("<II", len(a), len(b)) + a + b


def ask_quote(report, ids=b"", **more):
    return message(0, pair(report, ids), **more)


def quote_of(report):
    return b"a quote of " + report[128:192]


class Service:
    """A quoting service. mode: what it does with the next requests, the last one for ever."""

    def __init__(self, where, *modes):
        self.modes = list(modes) or ["answer"]
        self.requests, self.busy, self.most = [], 0, 0
        self.answers = threading.Event() # one that hangs has it cleared
        self.answers.set()
        self.lock = threading.Lock()
        self.held = []
        if isinstance(where, str):
            self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            self.listener.bind(where)
            self.address = "qgs:unix:" + where
        else:
            self.listener = socket.socket(where)
            self.listener.bind(("::1" if where == socket.AF_INET6 else "127.0.0.1", 0))
            name = "[::1]" if where == socket.AF_INET6 else "localhost"
            self.address = f"qgs:tcp:{name}:{self.listener.getsockname()[1]}"
        self.listener.listen(64)
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                s, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(s,), daemon=True).start()

    def serve(self, s):
        s.settimeout(20)
        try:
            head = s.recv(4, socket.MSG_WAITALL)
            if len(head) < 4: # it looks whether we are there
                return
            m = s.recv(struct.unpack(">I", head)[0], socket.MSG_WAITALL)
            with self.lock:
                self.requests.append(m)
                mode = self.modes.pop(0) if len(self.modes) > 1 else self.modes[0]
                self.busy += 1
                self.most = max(self.most, self.busy)
            self.answers.wait()
            with self.lock:
                self.busy -= 1
            self.obey(s, m, mode)
        except OSError:
            pass
        finally:
            if s not in self.held:
                s.close()

    def obey(self, s, m, mode):
        kind = struct.unpack("<I", m[4:8])[0]
        report = m[24:24 + 1024]
        answer = {0: message(1, pair(b"", quote_of(report))),
                  2: message(3, struct.pack("<HH7I", 3, 1, *range(1, 8)) + b"c" * 28),
                  4: message(5, struct.pack("<HH", 4, 5) + pair(b"i" * 16, b"s" * 16))}[kind]
        if mode == "answer":
            s.sendall(framed(answer))
        elif mode == "bytes":
            for i in framed(answer):
                s.sendall(bytes([i]))
                time.sleep(0.002)
        elif mode == "hang":
            self.held.append(s)
        elif mode == "half":
            s.sendall(framed(answer)[:len(answer) // 2])
            s.shutdown(socket.SHUT_WR)
            self.held.append(s)
        elif isinstance(mode, int): # its own refusal
            s.sendall(framed(message(kind + 1, bytes(8), code=mode)))
        elif isinstance(mode, bytes):
            s.sendall(mode)
        # "close": no word

    def end(self):
        for s in [self.listener] + self.held:
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            s.close()


class Client:
    """A guest, or who speaks for one: by a Unix socket, TCP, or the faked vsock of tests/host/fake_vsock.c."""
    serial = itertools.count()

    def __init__(self, where, cid=None, host=None, timeout=10):
        if cid is not None:
            self.s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            self.s.bind(os.path.join(host, f"cid-{cid}-q{os.getpid()}-{next(Client.serial)}"))
            self.s.connect(os.path.join(host, str(where)))
        elif isinstance(where, str):
            self.s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            self.s.connect(where)
        else:
            self.s = socket.create_connection(where)
        self.s.settimeout(timeout)

    def close(self):
        self.s.close()

    def __enter__(self):
        return self

    def __exit__(self, *what):
        self.close()

    def is_read(self):
        """Whether the broker has read all that was sent."""
        return struct.unpack("i", fcntl.ioctl(self.s, termios.TIOCOUTQ, bytes(4)))[0] == 0

    def all(self):
        """To the end of the connection."""
        data = b""
        try:
            while True:
                piece = self.s.recv(65536)
                if not piece:
                    return data
                data += piece
        except ConnectionResetError:
            return data

    def ask(self, data):
        self.s.sendall(data)
        return self.all()


def ask(where, data, **more):
    with Client(where, **more) as c:
        return c.ask(data)


def refusal(kind, code, minor=1):
    size = {1: 24, 3: 48 if minor else 44, 5: 28}[kind]
    return framed(message(kind, bytes(size - 16), minor=minor, code=code))


def code_of(answer):
    return struct.unpack("<I", answer[16:20])[0] if len(answer) >= 20 else None


def answer_of(report):
    return framed(message(1, pair(b"", quote_of(report))))


# --- frames ----------------------------------------------------------------------------------

def wire(host):
    service, door = Service(host.path("wire.qgs")), host.path("wire.sock")
    with Broker(brokerd, host, "--source", service.address, "--listen", "qgs=unix:" + door, "--listen",
                "qgs=tcp:127.0.0.1:0", "--rate", "0", "--connections", "64") as broker:
        report = tdreport(bytes(range(64)))
        known = bytes.fromhex("00000418" "0100" "0100" "00000000" "18040000" "00000000" "00040000" "00000000") + report
        check(framed(ask_quote(report)) == known, "a guest's request")
        want = bytes.fromhex("00000063" "0100" "0100" "01000000" "63000000" "00000000" "00000000" "4b000000") + quote_of(report)
        check(ask(door, known) == want, "has the service's answer, byte by byte, and then the end")
        check(service.requests == [known[4:]], "which was asked what the guest has asked")
        check(ask(door, report) == quote_of(report), "a bare report has the bare quote")
        check(service.requests[1:] == [known[4:]], "and the service the same request as of the other guest")
        with Client(door) as c:
            for i in known:
                c.s.sendall(bytes([i]))
            check(c.all() == want, "a byte at a time")
        service.modes = ["bytes", "answer"]
        check(ask(door, known) == want, "also from the service")
        old = framed(ask_quote(report, minor=0))
        check(ask(door, old) == want[:6] + b"\0\0" + want[8:], "a client of minor version 0 has its own")
        service.modes = [message(1, pair(b"", b"q"), minor=0), "answer"]
        service.modes[0] = framed(service.modes[0])
        check(ask(door, known)[4:8] == b"\1\0\1\0", "and QEMU its 1 of an older service, too")
        check(ask(door, framed(ask_quote(report, ids=b"i" * 16))) == want and service.requests[-1][-16:] == b"i" * 16,
              "ids of quoting enclaves go along")
        collateral = framed(message(2, pair(b"\0\x60\x6a\0\0\0", b"processor\0")))
        check(ask(door, collateral) == framed(message(3, struct.pack("<HH7I", 3, 1, *range(1, 8)) + b"c" * 28)),
              "collateral is asked for in the same way")
        check(ask(door, framed(message(4, b""))) ==
              framed(message(5, struct.pack("<HH", 4, 5) + pair(b"i" * 16, b"s" * 16))), "and what platform it is")
        with Client(door) as c:
            c.s.sendall(known)
            c.s.shutdown(socket.SHUT_WR)
            check(c.all() == want, "who closes its half is answered")
        refused(door, service, report)
        service.modes = [PARAMETER, "answer"]
        check(ask(door, known) == refusal(1, PARAMETER), "a refusal of the service's own is the guest's")
        service.modes = [0xdead, 0xdead, "answer"]
        check(code_of(ask(door, known)) == 0xdead and ask(door, report) == b"",
              "with the code it has; a bare report's is the end")
        check(broker.stop() == 0, "TERM ends it with 0")
    service.end()


def refused(door, service, report):
    before = len(service.requests)
    q = ask_quote(report)
    cases = [
        ("no header", framed(q[:15]), 1, SIZE), ("nothing", framed(b""), 1, SIZE),
        ("major 2", framed(b"\2" + q[1:]), 1, VERSION),
        ("an unknown type", framed(message(6, q[16:])), 1, TYPE), ("an answer", framed(message(1, q[16:])), 1, TYPE),
        ("another size", framed(ask_quote(report, size=1047)), 1, SIZE), ("a code", framed(ask_quote(report, code=1)), 1, CODE),
        ("a report cut short", framed(message(0, struct.pack("<II", 1024, 0) + report[:-1])), 1, SIZE),
        ("a byte too much", framed(message(0, pair(report, b"") + b"x")), 1, SIZE),
        ("a short report", framed(ask_quote(report[:-1])), 1, PARAMETER),
        ("half an id", framed(ask_quote(report, b"i" * 8)), 1, PARAMETER),
        ("65 ids", framed(ask_quote(report, b"i" * 1040)), 1, SIZE),
        ("an SGX report", framed(ask_quote(tdreport(kind=0))), 1, PARAMETER),
        ("a TDREPORT of version 9", framed(ask_quote(tdreport(version=9))), 1, PARAMETER),
        ("reserved bytes", framed(ask_quote(tdreport(at_200=b"x"))), 1, PARAMETER),
        ("reserved bytes behind TEE_TCB_INFO", framed(ask_quote(tdreport(at_511=b"x"))), 1, PARAMETER),
        ("an FMSPC of 13", framed(message(2, pair(b"f" * 13, b"processor\0"))), 3, PARAMETER),
        ("collateral cut short", framed(message(2, pair(b"f" * 6, b"processor\0")[:-1])), 3, SIZE),
        ("a platform with more", framed(message(4, b"x")), 5, SIZE),
        ("30 kB", framed(bytes(30000)), 1, SIZE),
        ("half of 2 GB", struct.pack(">I", 0x7fffffff) + bytes(100), 1, SIZE),
    ]
    for name, data, kind, code in cases:
        check(ask(door, data) == refusal(kind, code), f"{name}: 0x{code:x}")
    check(ask(door, tdreport(version=9)) == b"" and ask(door, tdreport(at_3=b"x")) == b"", "bare: the end")
    check(ask(door, framed(message(2, b"", minor=0))) == refusal(3, SIZE, minor=0), "a refusal in the form of minor 0")
    check(len(service.requests) == before, "and nobody was asked")


# --- services --------------------------------------------------------------------------------

def services(host):
    """Those that are busy, slow, gone or lie, one in front of one that is well."""
    first, second = Service(host.path("a.qgs")), Service(socket.AF_INET)
    door, control = host.path("s.sock"), "unix:" + host.path("s.control")

    def status():
        return subprocess.run([brokerd, "status", "--control", control], capture_output=True, text=True).stdout.splitlines()
    with Broker(brokerd, host, "--source", first.address, "--source", second.address, "--rate", "0", "--deadline", "3s",
                "--listen", "qgs=unix:" + door, "--control", control) as broker:
        check(wait_until(lambda: status() == [first.address + " answers", second.address + " answers"], 5),
              "both are known to be there before anybody asks")
        report = tdreport()
        lies = [struct.pack(">I", 0xffffffff), struct.pack(">I", 15) + bytes(15), struct.pack(">I", 128 * 1024 + 1) + bytes(100),
                framed(message(3, bytes(8))), framed(message(1, bytes(8))), framed(message(1, pair(b"", b"q"), major=2)),
                framed(message(1, pair(b"", b"q"), size=1)), framed(message(1, struct.pack("<II", 0, 0xffffffff) + b"q")),
                framed(message(1, struct.pack("<II", 0xffffffff, 2) + b"q")), b"", b"\0\0", "half", "close"]
        for lie in lies:
            first.modes = [lie, "answer"]
            n = len(second.requests)
            check(ask(door, framed(ask_quote(report))) == answer_of(report) and len(second.requests) == n + 1,
                  f"{lie[:8] if isinstance(lie, bytes) else lie}: is no answer, and the next service is asked")
            check(ask(door, report) == quote_of(report) and len(second.requests) == n + 1,
                  "one failure may be of the request: the first is asked first again")
        first.modes = ["close"]
        for _ in range(3):
            ask(door, report)
        check(broker.wait_line("a.qgs: does not answer: closed the connection before its answer was whole"),
              "three in a row are a service that does not answer")
        n = len(first.requests)
        ask(door, report)
        check(len(first.requests) == n and status()[0].endswith("does not answer: closed the connection before its "
                                                                 "answer was whole"), "which is asked last, then")
        first.modes = ["answer"]
        check(wait_until(lambda: status()[0].endswith(" answers"), 8), "until it takes connections when it is tried again")
        first.modes = ["hang", "answer"]
        began, wall = clock(), time.monotonic()
        check(ask(door, report) == quote_of(report), "of one that hangs")
        check(1.2 < time.monotonic() - wall and clock() - began < 2.5, "half the time is for the next")
        first.end()
        os.unlink(host.path("a.qgs"))
        began = clock()
        check(ask(door, report) == quote_of(report) and clock() - began < 1, "one that is gone costs no time")
        second.modes = [NO_MEMORY, "close", "answer"]
        check(ask(door, report) == quote_of(report), "one that is busy is asked again")
        check(len([r for r in second.requests[-3:] if r == ask_quote(report)]) == 3, "with the same")
        second.modes = [NO_MEMORY]
        began, asked = clock(), len(second.requests)
        check(ask(door, framed(ask_quote(report))) == refusal(1, UNEXPECTED), "and one that stays so")
        check(clock() - began < 3.5, "no longer than the deadline")
        asked = len(second.requests) - asked
        check(3 < asked < 10, f"nor often ({asked})")
        second.modes = ["hang"]
        began, wall = clock(), time.monotonic()
        check(ask(door, framed(ask_quote(report))) == refusal(1, UNEXPECTED) and ask(door, report) == b"",
              "nobody answers: the deadline")
        check(5.5 < time.monotonic() - wall and clock() - began < 7.5, "of each")
        second.modes = ["answer"]
        back = Service(host.path("a.qgs"))
        check(wait_until(lambda: status()[0].endswith(" answers"), 8) and broker.wait_line("a.qgs: answers"),
              "one that comes back is found")
        check(ask(door, report) == quote_of(report) and len(back.requests) == 1, "and is first again")
        check(broker.stop() == 0, "and the broker ends as ever")
        back.end()
    second.end()


def by_name(host):
    """Services in other VMs, and behind IPv6."""
    far = Service(host.path("to-9-4050"))
    six = Service(socket.AF_INET6)
    door = host.path("n.sock")
    with Broker(brokerd, host, "--source", "qgs:vsock:9:4050", "--source", six.address, "--source", "qgs:unix:/nowhere",
                "--listen", "qgs=unix:" + door, env={"LD_PRELOAD": fake_vsock, "FAKE_VSOCK": host.folder}):
        check(ask(door, tdreport()) == quote_of(tdreport()) and len(far.requests) == 1, "a service in another VM is a CID")
        far.end()
        os.unlink(host.path("to-9-4050"))
        check(ask(door, tdreport()) == quote_of(tdreport()) and len(six.requests) == 1, "one behind IPv6 is next")
    six.end()
    r = subprocess.run([brokerd, "--source", "qgs:tcp:no.such.host.invalid:1", "--listen", "qgs=unix:" + door],
                       capture_output=True, text=True, timeout=30)
    check(r.returncode == 4 and "there is no such host" in r.stderr, "a host that is none: 4, and its name")


# --- who ---------------------------------------------------------------------------------------

def who(host):
    """Lanes: a VM's by its CID, its own socket or its VMM's process; of others by CID, user or address."""
    service, door, own = Service(host.path("w.qgs")), host.path("w.sock"), host.path("w.own")
    sev = host.vmm("sev")
    bad = framed(ask_quote(tdreport(kind=0)))
    env = {"LD_PRELOAD": fake_vsock, "FAKE_VSOCK": host.folder}
    with Broker(brokerd, host, "--source", service.address, "--listen", "qgs=vsock:any:4050", "--listen", "evidence=vsock:any:5577",
                "--listen", "qgs=unix:" + door, "--listen", "qgs=tcp:127.0.0.1:0", env=env,
                vms=["td7,cid=7,tdx", f"tdown,socket={own},tdx",
                     sev.spec(more=f",pid={os.getpid()}"), f"vmm,cid=8,tdx,pid={os.getpid()}"]) as broker:
        port = port_of(broker)
        for name, said, more in (("its CID", "VM td7", {"where": 4050, "cid": 7, "host": host.folder}),
                                 ("a CID that is not registered", "CID 70", {"where": 4050, "cid": 70, "host": host.folder}),
                                 ("its own socket", "VM tdown", {"where": own}),
                                 ("its VMM's process", "VM vmm", {"where": door}),
                                 ("an address", "address loopback", {"where": ("127.0.0.1", port)})):
            check(ask(data=framed(ask_quote(tdreport())), **more) == answer_of(tdreport()), f"{name}: a quote")
            check(code_of(ask(data=bad, **more)) == PARAMETER and
                  broker.wait_line(f"{said}: asks for what is refused with 0x12003: its TDREPORT is of another type than TDX"),
                  f"{name}: {said} in the log")
        if os.geteuid() == 0:
            os.chmod(host.folder, 0o755)
            os.chmod(door, 0o777)
            check(as_other_user(door, bad) == PARAMETER and broker.wait_line("uid 65534: asks"), "another user's process: his lane")
        with Guest(sev.guest) as guest:
            check(guest.evidence()[0] == 0, "a SEV guest has its report as ever")
        s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        s.bind(host.path("cid-7-e"))
        s.connect(host.path("5577"))
        s.settimeout(10)
        guest = Guest.__new__(Guest)
        guest.s, guest.stream = s, 1
        got = guest.evidence()
        check(got[0] == 14 and broker.wait_line("VM td7: no report: it is registered as a TD"), "and a TD none: 14")
        check(b"".join(service.requests).count(b"r" * 100) >= 5, "asked for good ones alone")
        guest.close()
        pids = {name_of(p): p for p in [broker.pid] + broker.children()}
        check(sorted(pids) == ["assay-brokerd", "brokerd-qgs", "brokerd-sev", "brokerd-sweeper", "brokerd-vmm"], "four processes, and the sweeper")
        facts = [status_of(pids["brokerd-qgs"], n) for n in ("NoNewPrivs", "Seccomp")]
        check(facts == ["1", "2"], "brokerd-qgs: no way back")
        os.kill(pids["brokerd-qgs"], signal.SIGKILL)
        check(broker.process.wait(10) == 4 and broker.wait_line("the qgs process has ended, and nothing goes without it"),
              "without it nothing goes on: 4")
    service.end()


def as_other_user(door, data):
    """The code that a process of another user gets."""
    theirs, ours = socket.socketpair()
    pid = os.fork()
    if pid == 0:
        try:
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)
            theirs.sendall(ask(door, data))
        finally:
            os._exit(0)
    theirs.close()
    got = ours.recv(1000)
    ours.close()
    os.waitpid(pid, 0)
    return code_of(got)


def port_of(broker):
    """Of its TCP listener, which the kernel chose."""
    return int(re.search(r"listening on tcp:127\.0\.0\.1:([1-9]\d*),", broker.text())[1])


# --- strangers ------------------------------------------------------------------------------

def strangers(host):
    """Who has many addresses is one peer, and takes the place of nobody else."""
    service, door = Service(host.path("s.qgs")), host.path("s.sock")
    with Broker(brokerd, host, "--source", service.address, "--listen", "qgs=unix:" + door, "--listen", "qgs=tcp:127.0.0.1:0") as broker:
        held, port = [], port_of(broker)
        for i in range(256):
            held.append(socket.create_connection(("127.0.0.1", port), source_address=(f"127.1.{i // 200}.{1 + i % 200}", 0)))
        for where in (("127.0.0.1", port), door):  # the first has come behind all those
            check(ask(where, framed(ask_quote(tdreport()))) == answer_of(tdreport()),
                  f"beside 256 addresses of the loopback there is room {where}")
        check(len([s for s in held if not hung_up(s)]) <= 8, "and of those connections a peer's eight are left")
        for s in held:
            s.close()
    service.end()


def hung_up(s):
    s.settimeout(0.5)
    try:
        return s.recv(1) == b""
    except ConnectionResetError:
        return True
    except socket.timeout:
        return False


def networks(host):
    """Names of addresses, in a network of our own; it stays ours: this is the last."""
    ours = ("10.9.9.1/24", "2001:db8::1:1/64", "2001:db8::2:1/64", "2001:db8:0:1::1/64")
    if (os.geteuid() != 0 or ctypes.CDLL(None).unshare(0x40000000) != 0 or not shutil.which("ip") or
            any(subprocess.run(["ip", *words.split()], capture_output=True).returncode != 0 for words in
                ("link set lo up", "route add local 10.8.0.0/16 dev lo", *(f"addr add {a} dev lo{' nodad' * (':' in a)}" for a in ours)))):
        print("# no network of our own: addresses are not named")
        return
    service, door = Service(host.path("n.qgs")), host.path("n.sock")
    with Broker(brokerd, host, "--source", service.address, "--listen", "qgs=tcp:[::]:0", "--listen", "qgs=unix:" + door,
                "--beyond-loopback", "-v") as broker:
        port = int(re.search(r"listening on tcp:\[::\]:(\d+),", broker.text())[1])
        for address, said in (("::1", "loopback"), ("127.0.0.1", "loopback"), ("10.9.9.1", "10.9.9.1"), ("2001:db8::1:1", "2001:db8::/64"),
                              ("2001:db8::2:1", "2001:db8::/64"), ("2001:db8:0:1::1", "2001:db8:0:1::/64")):
            before = broker.count(f"address {said}: asks for")
            check(code_of(ask((address, port), framed(ask_quote(tdreport(kind=0))))) == PARAMETER and
                  wait_until(lambda: broker.count(f"address {said}: asks for") > before), f"{address} is the address {said}")
            time.sleep(1.1)  # one complaint a second of a peer's
        held = [socket.create_connection(("10.9.9.1", port), source_address=(f"10.8.{1 + i // 200}.{1 + i % 200}", 0)) for i in range(257)]
        check(broker.wait_line("is one more than the 256 that are served unregistered"), "of 257 addresses one is not served")
        check(ask(door, framed(ask_quote(tdreport()))) == answer_of(tdreport()), "and none takes the place of a user")
        for s in held:
            s.close()
    service.end()


# --- turns -------------------------------------------------------------------------------------

def turns(host):
    """Many lanes, few quotes at a time, and nobody has a second one before all have their first."""
    service, env = Service(host.path("t.qgs")), {"LD_PRELOAD": fake_vsock, "FAKE_VSOCK": host.folder}
    service.answers.clear()
    # Half of them with eight connections each, and those first; the others with one.
    guests = [cid for cid in range(101, 120, 2) for _ in range(8)] + list(range(100, 120, 2))
    with Broker(brokerd, host, "--source", service.address, "--listen", "qgs=vsock:any:4050", "--rate", "0", "--quotes",
                "4", "--deadline", "60s", env=env) as broker:
        clients = [Client(4050, cid=cid, host=host.folder, timeout=60) for cid in guests]
        for cid, c in zip(guests, clients):
            c.s.sendall(tdreport(bytes([cid]) * 64))
        check(wait_until(lambda: all(c.is_read() for c in clients) and len(service.requests) == 4, 60),
              "the broker has the requests of all, and asks for four quotes")
        time.sleep(0.3)
        check(len(service.requests) == 4, "and for no more")
        service.answers.set()
        good = [c.all() == quote_of(tdreport(bytes([cid]) * 64)) for cid, c in zip(guests, clients)]
        check(all(good), "each guest has the quotes of its own reports")
        check(service.most == 4, f"at most four are asked for at a time ({service.most})")
        order = [r[152] for r in service.requests]
        # Of four that are on their way, any may be the first there.
        check(set(order[:20 + 3]) == set(guests) and all(order[:20 + 3].count(cid) <= 2 for cid in set(guests)),
              f"eight connections are not served before one: {order[:30]}")
        for c in clients:
            c.close()
        check(broker.stop() == 0, "and the broker ends as ever")
    service.end()


def flood(folder):
    def push(make, cid):
        while True:
            try:
                with Client(4051, cid=cid, host=folder, timeout=0.2) as c:
                    while True:
                        c.s.sendall(make())
            except OSError:
                pass
    makers = [lambda: os.urandom(1000), lambda: framed(ask_quote(tdreport(b"f" * 64))), lambda: framed(bytes(30000)), lambda: b"\0",
              lambda: tdreport(b"f" * 64), lambda: framed(ask_quote(tdreport(b"f" * 64)))[:-1]]
    for i in range(18):
        threading.Thread(target=push, args=(makers[i % len(makers)], 7), daemon=True).start()
    for i in range(4):
        threading.Thread(target=push, args=(makers[0], 1000 + i), daemon=True).start()
    time.sleep(1000)


def flooded(host):
    service, env = Service(host.path("f.qgs")), {"LD_PRELOAD": fake_vsock, "FAKE_VSOCK": host.folder}

    def of_flood():
        return len([r for r in service.requests if r[24 + 128:24 + 192] == b"f" * 64])
    with Broker(brokerd, host, "--source", service.address, "--listen", "qgs=vsock:any:4051", "--rate", "20",
                "--burst", "10", "-v", env=env) as broker:
        with Flood(host.folder):
            check(wait_until(lambda: of_flood() > 12, 60), "a flood")
            before, worst, count, began = sum(broker.memory().values()), 0, 0, clock()
            asked, wall = of_flood(), time.monotonic()
            while clock() - began < 3:
                at = clock()
                if ask(4051, tdreport(), cid=8, host=host.folder) != quote_of(tdreport()):
                    break
                worst, count = max(worst, clock() - at), count + 1
                time.sleep(0.07)
            check(count >= 5 and worst < 1.5, f"beside a flood others have their quotes: {count}, the slowest in {1000 * worst:.0f} ms")
            took, asked = time.monotonic() - wall, of_flood() - asked
            check(asked < 20 * took + 15, f"who floods is asked for no oftener than the rate ({asked} in {took:.1f} s)")
            check(sum(broker.memory().values()) - before < 4096 or broker.sanitized(), "and memory does not grow")
        check(broker.alive() and broker.stop() == 0, "and the broker lives")
    service.end()


def slow(host):
    """A service that hangs, with one that is well behind it; and answers to who has gone."""
    service, door = Service(host.path("l.qgs")), [host.path("l0"), host.path("l1")]
    vms = [f"td{i},socket={door[i]},tdx" for i in range(2)]
    with Broker(brokerd, host, "--source", service.address, "--rate", "0", "--deadline", "60s", vms=vms):
        service.modes = ["hang", "answer"]
        with Client(door[0]) as c:
            c.s.sendall(tdreport(b"h" * 64))
            wait_until(lambda: len(service.requests) == 1)
            check(all(ask(door[1], tdreport()) == quote_of(tdreport()) for _ in range(51)),
                  "a request that hangs keeps nobody else from 51 quotes")
    with Broker(brokerd, host, "--source", service.address, "--rate", "0", "--deadline", "2s", vms=vms):
        service.modes = ["hang", "answer"]
        began, wall = clock(), time.monotonic()
        check(ask(door[0], tdreport(b"h" * 64)) == b"" and time.monotonic() - wall > 1.9 and clock() - began < 4,
              "and ends at its deadline")
        service.answers.clear()
        with Client(door[0]) as c:
            c.s.sendall(tdreport(b"g" * 64))
            check(wait_until(lambda: service.requests[-1][152:216] == b"g" * 64), "who has gone before his answer")
        with Client(door[0]) as c:
            c.s.sendall(tdreport())
            service.answers.set()
            check(c.all() == quote_of(tdreport()), "does not leave it to who comes next")
    service.end()


def manager(host):
    """What the service manager hears."""
    service = Service(host.path("m.qgs"))
    ear = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    ear.bind(host.path("notify"))
    ear.settimeout(10)
    with Broker(brokerd, host, "--source", service.address, "--source", "qgs:unix:/nowhere", "--listen",
                "qgs=unix:" + host.path("m.sock"), env={"NOTIFY_SOCKET": host.path("notify")}):
        heard = [ear.recv(200) for _ in range(4)]
        check(b"STATUS=1 of 2 quoting services answer" in heard, "STATUS= says how many services answer")
    service.end()


# --- the real clients ------------------------------------------------------------------------

def clients(host):
    """assay attest inside a TD of the software platform, through the broker, to that platform's service."""
    if subprocess.run([sim, "run", "--tee", "tdx", "--", "true"], capture_output=True).returncode != 0:
        print("# no sandbox on this machine, so that the software platform's guests are left out")
        return
    platform, nonce = host.path("P"), "00112233445566778899aabbccddeeff"
    subprocess.run([sim, "new", "--tee", "tdx", platform], check=True, capture_output=True)
    address = "unix:" + host.path("P.qgs")
    server = subprocess.Popen([sim, "serve", "--platform", platform, "--only", "qgs", "--listen", "qgs=" + address],
                              stdout=subprocess.PIPE, preexec_fn=_end_with_us)
    server.stdout.readline()
    with Broker(brokerd, host, "--source", "qgs:" + address, "--listen", "qgs=unix:" + host.path("P.sock"),
                "--listen", "qgs=tcp:127.0.0.1:0") as broker:
        port = port_of(broker)
        for where in ("unix:" + host.path("P.sock"), f"tcp:127.0.0.1:{port}"):
            r = subprocess.run([sim, "run", "--tee", "tdx", "--platform", platform, "--", assay, "attest", "--provider",
                                "tdx-device", "--qgs", where, "--endorsements", "all", "--nonce", nonce, "-o", host.path("e")],
                               capture_output=True, text=True, timeout=60)
            v = subprocess.run([assay, "verify", "--nonce", nonce, "--trust-root", platform + "/trust-root", host.path("e")],
                               capture_output=True, text=True, timeout=60)
            check(r.returncode == 0 and v.returncode == 0, f"assay attest --qgs {where.split(':')[0]}: {(r.stderr + v.stdout)[-100:]!r}")
        with open(os.path.join(platform, "evidence.bin"), "rb") as f:
            quote = f.read()
        # The report is what the module of another machine made: the service refuses it, not the broker.
        check(code_of(ask(host.path("P.sock"), framed(ask_quote(tdreport(quote[:64]))))) == PARAMETER,
              "a report with another's MAC is for the service to refuse")
    server.terminate()
    server.wait()


if sys.argv[1] == "--flood":
    flood(sys.argv[2])
brokerd, fake_vsock, assay, sim = (os.path.abspath(a) for a in sys.argv[1:5])
with Host() as host:
    wire(host)
    services(host)
    by_name(host)
    who(host)
    strangers(host)
with Host() as host:
    turns(host)
    flooded(host)
    slow(host)
    manager(host)
    clients(host)
    networks(host)
done()
