# SPDX-License-Identifier: Apache-2.0
"""A VMM that was taken over, and who has the folder of a VM's socket: they are to get no other VM's reports and
to hold up nobody. And what the processes have given up."""
import array
import os
import re
import resource
import socket
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import Broker, Guest, Host, Vmm, check, descriptors, done, name_of, status_of, wait_until  # noqa: E402

brokerd = os.path.abspath(sys.argv[1])


class Control:
    def __init__(self, host):
        self.path = host.path("control.sock")

    def raw(self, data, fds=()):
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as s:
            s.settimeout(5)
            s.connect(self.path)
            s.sendmsg([data], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else [])
            try:
                return s.recv(262144).decode()
            except OSError as e:
                return str(e)


def serves(vm):
    try:
        with Guest(vm.guest, timeout=5) as guest:
            return guest.evidence()
    except OSError as e:
        return str(e)


def crowded_path(host, control):
    """Where the VM's socket shall be somebody listens already, who takes nobody in."""
    path = host.path("crowded.sock")
    trap = socket.socket(socket.AF_UNIX)
    trap.bind(path)
    trap.listen(0)
    full = []
    for _ in range(4):
        s = socket.socket(socket.AF_UNIX)
        s.setblocking(False)
        try:
            s.connect(path)
        except BlockingIOError:
            pass
        full.append(s)
    pidfd = os.pidfd_open(os.getpid())
    answer = control.raw(f"register crowded,socket={path},qmp=unix:/q".encode(), [pidfd])
    check("cannot have a socket there" in answer, f"a socket where somebody takes nobody in is refused: {answer}")
    for s in full + [trap]:
        s.close()
    os.close(pidfd)


def borrowed_monitor(host, control, broker, good):
    """The VMM of web puts a link to the socket of db where its own was."""
    web, db = host.vmm("web", process=True), host.vmm("db")
    pidfd = os.pidfd_open(os.getpid()) # db's VMM listens in this process
    check(control.raw(f"register {web.spec()}".encode(), [os.pidfd_open(web.pid)]) == "ok" and
          control.raw(f"register {db.spec()},pid={os.getpid()}".encode(), [pidfd]) == "ok", "two VMs are registered")
    answer = control.raw(f"register third,cid=99,qmp=unix:{db.path}".encode(), [pidfd])
    check("has the VMM's socket of db" in answer, f"the socket of one VMM is not that of two: {answer}")
    check(serves(db)[0] == 0, "db has its report")
    os.unlink(web.path)
    os.symlink(db.path, web.path)
    before = len(db.asked)
    got = serves(web)
    check(got[0] == 14 and len(db.asked) == before, f"what listens for another VM is not asked for this one: {got[:2]}")
    check(broker.wait_line("VM web: the VMM of db listens at .*, and is not asked"), "which the log tells")
    check(serves(db)[0] == 0 and serves(good)[0] == 0, "and the others are served")
    for name in ("web", "db"):
        control.raw(f"unregister {name}".encode())
    os.close(pidfd)


def empty_commands(broker, control):
    """A message of no bytes, with descriptors."""
    vmm = next(pid for pid in broker.children() if name_of(pid) == "brokerd-vmm")
    before = len(os.listdir(f"/proc/{vmm}/fd"))
    for count in (1, 2, 50):
        for _ in range(10):
            control.raw(b"", [0] * count)
            control.raw(b"list", [0] * count)
    check(wait_until(lambda: len(os.listdir(f"/proc/{vmm}/fd")) <= before, 5),
          f"descriptors that come with nothing, or in numbers, are closed ({before}, {len(os.listdir(f'/proc/{vmm}/fd'))})")


def many(host, control):
    """More VMs than a shell's limit has descriptors for."""
    vms = [Vmm(host.folder, f"v{i}", 100 + i) for i in range(60)]
    host.vmms += vms
    pidfd = os.pidfd_open(os.getpid())
    ok = all(control.raw(f"register {vm.spec()}".encode(), [pidfd]) == "ok" for vm in vms)
    check(ok, "sixty VMs are registered where 64 descriptors were the limit")
    check(all(serves(vm)[0] == 0 for vm in vms), "and all have their reports")
    os.close(pidfd)


def long_list(control):
    """As many VMs as there can be, with long names."""
    pidfd = os.pidfd_open(os.getpid())
    had = control.raw(b"list").count("\n")
    asked = [control.raw(f"register {f'x{i}'.ljust(63, 'x')},cid={9000 + i},qmp=unix:/{'q' * 95}{i}".encode(), [pidfd])
             for i in range(1024 - had + 1)]
    check(set(asked[:-1]) == {"ok"} and "one more than the 1024" in asked[-1], f"1024 VMs, and no more: {asked[-1][-80:]}")
    lines = control.raw(b"list").split("\n")[1:]
    rest = re.fullmatch(r"\(and (\d+) more\)", lines[-1])
    check(rest and len(lines) - 1 + int(rest[1]) == 1024, f"their list says how many it leaves out: {lines[-1][:40]}")
    os.close(pidfd)


def privileges(broker):
    for pid in [broker.pid] + broker.children():
        facts = [status_of(pid, n) for n in ("NoNewPrivs", "Seccomp")]
        caps = int(status_of(pid, "CapPrm"), 16) | int(status_of(pid, "CapEff"), 16)
        may = 1 << 1 if name_of(pid) == "brokerd-vmm" else 0 # CAP_DAC_OVERRIDE: VMMs' sockets
        check(facts == ["1", "2"] and caps & ~may == 0, f"{name_of(pid)}: {facts}, capabilities {caps:x}")
    seen = {name_of(pid): {o.split(":")[0] for o in descriptors(pid)}
            for pid in [broker.pid] + broker.children()}
    check(all(not any(f.startswith("/") and f != "/dev/null" for f in seen[n]) for n in seen),
          f"none has a file open: {seen}")


def few_descriptors():
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, hard))


with Host() as host:
    good, control = host.vmm("good"), Control(host)
    with Broker(brokerd, host, "--control", "unix:" + control.path, "--rate", "0", "-v", vms=[good],
                preexec=few_descriptors) as broker:
        check(serves(good)[0] == 0, "a VM is served")
        privileges(broker)
        crowded_path(host, control)
        check(serves(good)[0] == 0, "and the others are served")
        borrowed_monitor(host, control, broker, good)
        empty_commands(broker, control)
        many(host, control)
        long_list(control)
        check(broker.stop() == 0, "it ends as it should")
done()
