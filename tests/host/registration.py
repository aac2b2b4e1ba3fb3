# SPDX-License-Identifier: Apache-2.0
"""Which VM is it? By CID (AF_VSOCK is preloaded: tests/host/fake_vsock.c), by its own socket, by its VMM's
process; and for how long."""
import array
import contextlib
import os
import resource
import select
import socket
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import (Broker, EVIDENCE, Guest, Host, SERVICE, Vmm, check, done, frame, request, wait_until)  # noqa: E402

brokerd, fake_vsock = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])


class Inside(Guest):
    """A connection over vsock from this CID; own: from this port."""
    serial = 0

    def __init__(self, host, cid, port=5577, way="", own=None):
        Inside.serial += 1
        self.s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.s.settimeout(5)
        self.s.bind(host.path(f"cid-{cid}{way}-{Inside.serial}" + (f"-port-{own}" if own is not None else "")))
        self.s.connect(host.path(str(port)))
        self.stream = 1


def whose(guest):
    """The name in the report; None: the broker has closed the connection."""
    try:
        got = guest.evidence()
    except OSError:
        return None
    finally:
        guest.close()
    return got and (got[2][3][16:].split(b".")[0].decode() if got[0] == 0 else got[0])


class Control:
    def __init__(self, host):
        self.path = host.path("control.sock")
        self.address = "unix:" + self.path

    def __call__(self, *words, **more):
        r = subprocess.run([brokerd, words[0], "--control", self.address] + list(words[1:]),
                           capture_output=True, text=True, **more)
        return r.returncode, r.stdout + r.stderr

    def raw(self, data):
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as s:
            s.settimeout(5)
            s.connect(self.path)
            s.send(data)
            return s.recv(65536)


def by_cid(host, control):
    web, db = host.vmm("web", process=True), host.vmm("db", process=True)
    lo = host.vmm("lo")
    env = {"LD_PRELOAD": fake_vsock, "FAKE_VSOCK": host.folder}
    with Broker(brokerd, host, "--listen", "evidence=vsock:any:5577", "--control", control.address, "--rate", "0",
                "-v", vms=[web.spec(cid=7), db.spec(cid=8), lo.spec(cid=1, more=",loopback")], env=env) as broker:
        check(broker.wait_line("listening on vsock:any:5577, evidence"), "it says where it listens")
        check(whose(Inside(host, 7)) == "web" and whose(Inside(host, 8)) == "db", "a CID has its VM's report")
        check(whose(Inside(host, 1)) == "lo", "the loopback is a VM if it is registered as one")
        for cid in (0, 2, 3, 9, 4294967295):
            check(whose(Inside(host, cid)) is None, f"CID {cid} is nobody's, and gets nothing")
        check(whose(Inside(host, 7, way="-outside")) is None,
              "who comes to another CID than the host's is of another hypervisor, and no VM of ours")
        check(broker.wait_line("CID 9 is no registered VM's"), "which -v tells")
        with Inside(host, 7) as guest:
            guest.stream = 1
            check(guest.evidence(handle=db.handle)[0] == 7, "guest A with guest B's handle: 7")
        exit_and_reuse(host, control, broker, web)
        commands(host, control, broker)
        text = broker.stop()
        check(text == 0 and not os.path.exists(control.path), "the control socket is gone with the broker")
    with Broker(brokerd, host, "--listen", "evidence=vsock:any:5578", vms=[db.spec(cid=8)], env=env):
        check(whose(Inside(host, 1, 5578)) is None, "the loopback is no VM of itself")


def exit_and_reuse(host, control, broker, web):
    idle = Inside(host, 7)
    check(idle.size() == 6460, "before its VMM ends")
    waiting = Inside(host, 7)
    web.answers.clear()
    before = len(web.mnonces)
    waiting.ask(SERVICE, EVIDENCE, b"")
    wait_until(lambda: len(web.mnonces) > before)
    web.process.kill() # the QMP socket here stays: only the pidfd tells
    web.process.wait()
    check(broker.wait_line("VM web: its VMM has ended; its registration has ended"), "the pidfd tells of its end")
    check(waiting.answer() is None, "what was under way is not answered")
    check(idle.s.recv(1) == b"", "its connections are closed")
    check(whose(Inside(host, 7)) is None, "its CID in another's hands gets nothing")
    new = host.vmm("new", process=True)
    code, text = control("register", new.spec(cid=7))
    check(code == 0 and whose(Inside(host, 7)) == "new", "until that one is registered, and then its own report")
    web.answers.set()
    time.sleep(0.2)
    check(whose(Inside(host, 7)) == "new", "also when the old one's comes late")


def commands(host, control, broker):
    sleeper = subprocess.Popen(["sleep", "1000"])
    spec = f"third,cid=9,qmp=unix:{host.path('third.qmp')}"
    third = Vmm(host.folder, "third", 33)
    host.vmms.append(third)
    code, text = control("list")
    check(code == 0 and "new,cid=7,qmp=unix:" in text and "lo,cid=1" in text and ",loopback" in text,
          "list says what there is")
    cases = [
        (["register", spec], 2, "needs pid=N"),
        (["register", spec + ",pid=999999999"], 1, "names a process that is not there"),
        (["register", "third,cid=2,qmp=unix:/q,pid=1"], 2, "which is the host"),
        (["register", f"third,cid=7,qmp=unix:/q,pid={sleeper.pid}"], 1, "has the cid of new"),
        (["register", f"new,cid=70,qmp=unix:/q,pid={sleeper.pid}"], 1, "has the name of new"),
        (["register", f"third,socket=/proc/third,qmp=unix:/q,pid={sleeper.pid}"], 1, "cannot have a socket there"),
        (["register"], 2, "needs a SPEC, like web,cid=7"),
        (["list", "all"], 2, "is not understood"),
        (["unregister", "third"], 1, "is registered nowhere"),
        (["register", spec + f",pid={sleeper.pid}"], 0, ""),
    ]
    for words, want, says in cases:
        code, text = control(*words)
        check(code == want and says in text, f"{' '.join(words)[:60]}: {want}, \"{text.strip()[-70:]}\"")
    check(whose(Inside(host, 9)) == "third", "what was registered is served")
    code, text = control("unregister", "third")
    check(code == 0 and whose(Inside(host, 9)) is None, "what was taken back is not")
    own = f"third,socket={third.guest},qmp=unix:{third.path},pid={sleeper.pid}"
    check(control("register", own)[0] == 0 and whose(Guest(third.guest)) == "third", "a socket of its own, at run time")
    sleeper.kill()
    sleeper.wait()
    check(wait_until(lambda: not os.path.exists(third.guest), 5), "which goes with its VMM")
    for data in (b"register " + spec.encode() + b",pid=1", b"", b"\0", b"list\0", os.urandom(300), b"x" * 5000,
                 b"unregister", b"shutdown"):
        try:
            got = control.raw(data)
        except OSError:
            got = b""
        check(not got.startswith(b"ok") or data == b"list\0", f"{data[:20]!r}: nothing comes of it")
    check(b"pidfd" in control.raw(b"register " + spec.encode() + b",pid=1"), "a registration needs a pidfd")
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as s, open("/dev/null") as null:
        s.connect(control.path)
        s.sendmsg([b"register " + spec.encode()],
                  [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [null.fileno()]))])
        check(b"pidfd" in s.recv(1000), "another descriptor is none")
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as s:
        pidfd = os.pidfd_open(os.getpid())
        s.connect(control.path)
        s.sendmsg([b"register " + spec.encode()], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [pidfd] * 2))])
        check(b"pidfd" in s.recv(1000), "two are none, either")
        os.close(pidfd)
    if os.geteuid() == 0:
        os.chmod(host.folder, 0o755)
        os.chmod(control.path, 0o777)
        code, text = control("list", user=65534)
        check(code == 4 and broker.wait_line("uid 65534 may not register"), "who is neither root nor the broker: refused")
    check(whose(Inside(host, 8)) == "db", "and the others are served as ever")


def ended(guest):
    """Whether the broker has closed this connection; what it said there is not read."""
    poll = select.poll()
    poll.register(guest.s, 0)
    return any(what & select.POLLHUP for _, what in poll.poll(0))


def places(host):
    """Who has a port below 1024 is not kept out by who has none, whatever that one does."""
    web = host.vmm("web")
    env = {"LD_PRELOAD": fake_vsock, "FAKE_VSOCK": host.folder}
    whole = frame(1, 1, request(SERVICE, EVIDENCE, b""))
    with Broker(brokerd, host, "--listen", "evidence=vsock:any:5577", "--rate", "0", "-v", vms=[web.spec(cid=7)],
                env=env) as broker:
        for what, data in (("half frames", whole[:5]), ("whole frames", whole * 50), ("nothing", b"")):
            agent = Inside(host, 7, own=1023)
            check(agent.evidence()[0] == 0, "the agent's line, from a port of root's")
            web.answers.clear()
            others = []
            for _ in range(9):
                others.append(Inside(host, 7, own=1024))
                with contextlib.suppress(OSError): # what is refused may be closed already
                    others[-1].send(data)
                time.sleep(0.02)
            check(not ended(agent), f"who sends {what} on all connections that it gets does not have it closed")
            if data:
                check(wait_until(lambda: broker.count("refused one more") > 0), "but is refused")
            refused = sum(ended(o) for o in others)
            new = Inside(host, 7, own=1)
            new.ask(SERVICE, EVIDENCE, b"")
            agent.ask(SERVICE, EVIDENCE, b"")
            time.sleep(0.2)
            asked = len(web.mnonces)
            web.answers.set()
            check(agent.answer()[1] == 0 and new.answer()[1] == 0, f"nor does it keep a new line out, with {what}")
            check(len(web.mnonces) <= asked + 4, f"nor those waiting ({len(web.mnonces) - asked} were asked)")
            check(sum(ended(o) for o in others) == refused + 1, "which is in the place of one of them")
            for guest in others + [agent, new]:
                guest.close()
            broker.lines.clear()
            time.sleep(0.3)
        lines = [Inside(host, 7, own=port) for port in range(600, 608)]
        for line in lines:
            line.size()
        check(whose(Inside(host, 7)) is None and not any(ended(line) for line in lines),
              "where all places are of such ports, others have none")
        check(Inside(host, 7, own=608).size() == 6460 and ended(lines[0]) and not ended(lines[1]),
              "and of their own the one that is silent longest makes room")


def few_places(host):
    """All connections that the broker can have are taken: a VM's own still make room for its agent."""
    vms = [host.vmm(f"vm{i}").spec(cid=7 + i) for i in range(16)]
    env = {"LD_PRELOAD": fake_vsock, "FAKE_VSOCK": host.folder}

    def few():
        resource.setrlimit(resource.RLIMIT_NOFILE, (1200, 1200))
    with Broker(brokerd, host, "--listen", "evidence=vsock:any:5577", "--rate", "0", "-v", vms=vms, env=env, preexec=few):
        lines = [Inside(host, 7 + i, own=1024) for i in range(16) for _ in range(8)]
        check(whose(Inside(host, 8, own=1023)) == "vm1", "the agent's line is in the place of another of its guest")
        check(wait_until(lambda: sum(map(ended, lines)) == 1) and any(map(ended, lines[8:16])), "and of no other guest")
        for line in lines:
            line.close()


def by_process(host):
    """A Unix socket for all: the process that connects is the VMM, which hands on what its guest says."""
    me = host.vmm("me")
    path = host.path("shared.sock")
    with Broker(brokerd, host, "--listen", "evidence=unix:" + path, "-v",
                vms=[f"me,cid=7,qmp=unix:{me.path},pid={os.getpid()}"]) as broker:
        check(whose(Guest(path)) == "me", "the VMM's process is its VM")
        r = subprocess.run([sys.executable, "-c", f"""
import socket
s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
s.settimeout(5)
s.connect({path!r})
raise SystemExit(0 if s.recv(1) == b"" else 1)"""])
        check(r.returncode == 0 and broker.wait_line("a process that is no registered VMM"), "any other is nobody")
    also = host.vmm("also")
    with Broker(brokerd, host, "--listen", "evidence=unix:" + path, "--listen", "evidence=unix:" + path + "2",
                vms=[f"me,cid=7,qmp=unix:{me.path},pid={os.getpid()}",
                     f"also,cid=8,qmp=unix:{also.path},pid={os.getpid()}"]) as broker:
        check(whose(Guest(path)) is None, "a process of two VMs is neither")
        check(broker.count("has the pid of") == 1 and broker.count("VM also: has the pid of me; over a Unix socket for all neither is known by it") == 1,
              "which is said once")
    with Broker(brokerd, host, "--listen", "evidence=unix:" + path,
                vms=[f"{name},socket={host.path(name + '-own.sock')},qmp=unix:{v.path},pid={os.getpid()}"
                     for name, v in (("me", me), ("also", also))]) as broker:
        check(whose(Guest(host.path("also-own.sock"))) == "also" and broker.count("has the pid of") == 0,
              "and not of those with a socket of their own")


def ended_before(host):
    """A VMM that has ended before the broker starts keeps it from no other VM."""
    gone, live = host.vmm("gone", process=True), host.vmm("live", process=True)
    spec = gone.spec()
    gone.process.kill()
    gone.process.wait()
    control = Control(host)
    with Broker(brokerd, host, "--control", control.address, vms=[spec, live]) as broker:
        check(broker.wait_line(r"VM gone: its VMM \(pid \d+\) has ended; it is not registered", 0), "its end is said")
        check(whose(Guest(live.guest)) == "live" and control("list") == (0, live.spec() + "\n"), "the others are served")
        code, text = control("register", f"far,socket=/usr/far.sock,qmp=unix:/q,pid={live.pid}")
        check(code == 1 and ("at run time it must be in the folder of the control socket or of a configured VM's socket"
                             in text or broker.wait_line("Landlock: not there", 0)), f"a folder that it gave up: {text}")


with Host() as host:
    by_cid(host, Control(host))
with Host() as host:
    places(host)
with Host() as host:
    few_places(host)
with Host() as host:
    by_process(host)
with Host() as host:
    ended_before(host)
done()
