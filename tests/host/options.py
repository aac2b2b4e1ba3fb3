# SPDX-License-Identifier: Apache-2.0
"""Options, the file, signals, the service manager, and what each process has given up."""
import os
import re
import signal
import socket
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import (Broker, Guest, Host, SERVICE, check, descriptors, done, name_of, status_of, unix_sockets,  # noqa: E402
                     wait_until, with_etc)

brokerd = os.path.abspath(sys.argv[1])


def run(*words):
    r = subprocess.run([brokerd] + list(words), capture_output=True, text=True, timeout=20)
    return r.returncode, r.stdout, r.stderr


def words(host):
    code, out, _ = run("--help")
    check(code == 0 and all(len(line) <= 79 for line in out.splitlines()), "--help fits a screen")
    check(run("--version") == (0, "assay-brokerd 0.1.0\n", ""), "--version")
    cases = [
        ([], "nothing to serve"),
        (["--listen", "evidence"], "is not ROLE=ADDR"),
        (["--listen", "quotes=unix:/x"], "is not ROLE=ADDR"),
        (["--listen", "evidence=tcp:127.0.0.1:5577"], "not vsock:any:PORT or unix:PATH"),
        (["--listen", "evidence=vsock:any:"], "not vsock:any:PORT or unix:PATH"),
        (["--listen", "evidence=vsock:host:5577"], "not vsock:any:PORT or unix:PATH"),
        (["--listen", "evidence=unix:x"], "not vsock:any:PORT or unix:PATH"),
        (["--control", "tcp:1"], "control: tcp:1 is not unix:PATH"),
        (["list", "--control", "unix:c.sock"],
         "control: unix:c.sock is not unix:PATH with an absolute path of at most 107 characters"),
        (["--vm", "a,cid=1,qmp=unix:/q"], "vm: a,cid=1,qmp=unix:/q has cid 1"),
        (["--vm", "a,cid=3,qmp=unix:/q", "--vm", "b,cid=3,qmp=unix:/q"], "has the cid of a"),
        (["--source", "kds:x"], "source: kds:x is not"),
        (["--listen", "qgs=unix:/x"], "listen: qgs=unix:/x needs a quoting service: --source qgs:ADDR"),
        (["--vm", "a,cid=3,tdx"], "vm: a,cid=3,tdx needs a quoting service"),
        (["--source", "qgs:unix:/q", "--listen", "evidence=unix:/x"], "needs a source of certificates: --source sev:/dev/sev"),
        (["--source", "qgs:unix:/q", "--vm", "a,cid=3,qmp=unix:/q"], "needs a source of certificates"),
        (["--source", "qgs:unix:q"], "source: qgs:unix:q is not vsock:CID:PORT"),
        (["--source", "qgs:tcp:host"], "source: qgs:tcp:host is not vsock:CID:PORT"),
        (["--source", "qgs:tcp:host:65536"], "is not vsock:CID:PORT"),
        (["--source", "qgs:vsock:any:4050"], "is not vsock:CID:PORT"),
        (["--source", "qgs:unix:/q", "--listen", "qgs=tcp:0.0.0.0:4050"], "is not on the loopback"),
        (["--source", "qgs:unix:/q", "--listen", "qgs=tcp:[::]:4050"], "is not on the loopback"),
        (["--source", "qgs:unix:/q", "--listen", "qgs=tcp:localhost:4050"], "or tcp:IP:PORT"),
        (["--quotes", "0"], "at least 1"),
        (["--deadline", "1"], "is a time like"),
        (["--deadline", "50ms"], "from 100ms to 10m"),
        (["--evidence-size", "6462"], "up to 6461"),
        (["--evidence-size", "6459"], "must be 6460 or 6461"),
        (["--rate", "1", "--burst", "0"], "at least 1"),
        (["--connections", "0"], "at least 1"),
        (["--nothing"], "there is no such option"),
        (["--user", "no-such-user-here"], "user: no-such-user-here: there is none of this name"),
        (["register"], "\"register\": needs a SPEC, like web,cid=7"),
        (["unregister"], "\"unregister\": needs the NAME of a VM"),
        (["list", "web"], "\"web\": is not understood here"),
        (["regster", "web"], "is no command; there are list, register, status and unregister"),
    ]
    for given, want in cases:
        code, out, err = run(*given)
        check(code == 2 and want in err and out == "", f"{' '.join(given)}: 2, \"{want}\"")
    file = host.path("brokerd.conf")
    with open(file, "w") as f:
        f.write("# a host\n[broker]\nlisten = evidence=vsock:any:5577\n[vm]\nvm = a,cid=3,qmp=unix:/q\n"
                "vm = b,cid=4,qmp=unix:/r # two\n[limits]\nrate = 3\ndeadline = 2s\n")
    code, out, err = run("--config", file, "--check", "--rate", "4")
    check(code == 0 and "vm = b,cid=4,qmp=unix:/r\n" in out and "rate = 4\n" in out and "deadline = 2s" in out,
          "--check prints what is in effect: an option wins over the file")
    with open(host.path("again.conf"), "w") as f:
        f.write(out)
    check(run("--config", host.path("again.conf"), "--check")[1].split("\n")[1:] == out.split("\n")[1:],
          "which is a file that says the same")
    for told in ("tcp:127.9.9.9:1", "tcp:[::1]:1", "vsock:any:4050", "unix:/run/x"):
        check(run("--source", "qgs:tcp:quotes.example:4050", "--listen", "qgs=" + told, "--check")[0] == 0,
              f"qgs={told} is an address")
    check(run("--source", "qgs:vsock:host:4050", "--listen", "qgs=tcp:0.0.0.0:1", "--beyond-loopback", "--check")[0] == 0,
          "any, if that is said")
    with open(file, "a") as f:
        f.write("speed = 9\n")
    code, out, err = run("--config", file, "--check")
    check(code == 2 and f"{file}:10: there is no key \"speed\"" in err, "a key that is none: 2, and its line")
    pages = [run(*words) for words in (["--help"], ["list", "--help"], ["register", "-h"])]
    check(all(page == (0, pages[0][1], "") for page in pages), "--help, also of a command")
    check(len(pages[0][1].splitlines()) <= 40 and max(map(len, pages[0][1].splitlines())) <= 79,
          "which fits a screen")
    code, _, err = run("--source", "sev:/nowhere", "--vm", f"a,socket={host.path('a.s')},qmp=unix:/q")
    check(code == 4 and "/nowhere: cannot be opened" in err, "no /dev/sev: 4")
    code, _, err = run("--source", "sim:" + host.folder, "--vm", "a,socket=/proc/a,qmp=unix:/q")
    check(code == 4 and "cannot have a socket there" in err, "no place for a socket: 4")


def certificates(host):
    """What is wrong with the files of source and cek is said at once, by the start and by --check."""
    cek = host.path("collateral/cek.cert")
    door = ["--vm", f"a,socket={host.path('cek.s')},qmp=unix:/q"]
    sim = ["--source", "sim:" + host.folder]

    def refused(what, given, *want):
        for more in (door, door + ["--check"]):
            code, out, err = run(*given, *more)
            check(code == 2 and out == "" and all(w in err for w in want) and len(err.splitlines()) == 1
                  and not os.path.exists(host.path("cek.s")), f"{what}{' --check' * (len(more) > 2)}: 2")

    def written(name, data):
        with open(host.path(name), "wb") as f:
            f.write(data)
        return host.path(name)
    with open(cek, "rb") as f:
        ours = f.read()
    other = written("other.cert", ours[:0x10] + b"x" * (len(ours) - 0x10))
    refused("no such cek", sim + ["--cek", host.path("gone.cert")],
            f"cek: {host.path('gone.cert')}: No such file or directory; give the file that AMD has for this chip")
    for what, path in (("a cek that is a PEK", host.path("collateral/pek.cert")),
                       ("a cek that is cut", written("cut.cert", ours[:-1])),
                       ("a cek with a tail", written("tail.cert", ours + b"\0")),
                       ("a cek that is empty", written("empty.cert", b"")),
                       ("a cek that is a folder", host.folder)):
        refused(what, sim + ["--cek", path], f"cek: {path}: is no SEV certificate of 2084 bytes and usage 0x1004; give")
    refused("another platform's cek", sim + ["--cek", other], f"cek: {other} is of another platform than {host.folder};")
    refused("two of them", sim + ["--cek", other, "--cek", other], f"than {host.folder}, and so are the others;")
    refused("a cek that is none beside one that is", sim + ["--cek", cek, "--cek", host.path("gone.cert")], "gone.cert: No such")
    check(run(*sim, *door, "--cek", other, "--cek", cek, "--check")[0] == 0, "one of several fits: good")
    refused("no such platform", ["--source", "sim:/nowhere"],
            "source: sim:/nowhere is no platform of SEV: /nowhere/collateral/cek.cert: No such file or directory;"
            " make one with assay-sim new --tee sev-es")
    os.rename(host.path("collateral/oca.cert"), host.path("oca.cert"))
    refused("a platform without OCA", sim, "collateral/oca.cert: No such file")
    os.rename(host.path("oca.cert"), host.path("collateral/oca.cert"))
    code, out, err = run("--source", "sev:/nowhere", "--cek", cek, *door, "--check")
    check(code == 0 and "cek = " in out and err == "assay-brokerd: cek: is not compared with this host's: /nowhere: No such file"
          " or directory\n", "--check on another machine says that it is not compared")
    refused("no such cek for the device", ["--source", "sev:/nowhere", "--cek", host.path("gone.cert")], "gone.cert: No such file")
    if os.geteuid() == 0:
        os.chmod(host.folder, 0o700)
        refused("files that the user cannot read", sim + ["--user", "nobody"], "cek.cert: Permission denied;")


def reload(host):
    a = host.vmm("a")
    file = host.path("reload.conf")

    def write(text):
        with open(file, "w") as f:
            f.write("[limits]\n" + text)
    write("evidence-size = 6460\n")
    with Broker(brokerd, host, "--config", file, "--log", "json", vms=[a]) as broker:
        check(all(line.startswith('{"time":') and '"program":"assay-brokerd"' in line for line in broker.lines if line),
              "--log json")
        with Guest(a.guest) as guest:
            check(guest.size() == 6460, "before")
            write("evidence-size = 6461\n")
            broker.signal(signal.SIGHUP)
            check(broker.wait_line("reloaded") and guest.size() == 6461, "HUP takes over what the file says, connections stay")
            write("evidence-size = 7\n")
            broker.signal(signal.SIGHUP)
            check(broker.wait_line("what was there before stays") and guest.size() == 6461, "but not what is wrong")
            write("evidence-size = 6461\n[broker]\ncontrol = unix:/q\n")
            broker.signal(signal.SIGHUP)
            check(broker.wait_line("control has changed; that takes a restart"), "and says what takes a restart")


def late_file(host):
    """One that was not there at the start."""
    if os.geteuid() != 0:
        return
    a = host.vmm("late")
    file = host.path("etc/assay/brokerd.conf")
    enter = with_etc(host.path("etc"))
    with Broker(brokerd, host, vms=[a], preexec=enter) as broker, Guest(a.guest) as guest:
        broker.signal(signal.SIGHUP)
        check(broker.wait_line("reloaded") and guest.size() == 6460, "HUP without a file")
        with open(file, "w") as f:
            f.write("[limits]\nevidence-size = 6461\n[broker]\ncontrol = unix:/q\n")
        broker.signal(signal.SIGHUP)
        check(wait_until(lambda: guest.size() == 6461), "takes over the default file when there is one now")
        check(broker.wait_line("^assay-brokerd: /etc/assay/brokerd.conf: control has changed; that takes a restart"),
              "and names it")
        with open(file, "w") as f:
            f.write("nonsense\n")
        broker.signal(signal.SIGHUP)
        check(broker.wait_line("what was there before stays") and guest.size() == 6461, "from then on it is the file")
    os.unlink(file)
    os.rmdir(os.path.dirname(file))
    with Broker(brokerd, host, vms=[a], preexec=enter) as broker, Guest(a.guest) as guest:
        os.mkdir(os.path.dirname(file))
        with open(file, "w") as f:
            f.write("[limits]\nevidence-size = 6461\n")
        broker.signal(signal.SIGHUP)
        if broker.wait_line("Landlock: not there", 0):
            check(wait_until(lambda: guest.size() == 6461), "also in a folder that is new")
        else:
            check(broker.wait_line("was not there at the start; to take it over, if it is there now, takes a restart") and
                  broker.wait_line("what was there before stays") and guest.size() == 6460,
                  "in a folder that is new it cannot be read, and that is said")


def ending(host):
    a = host.vmm("slow")
    with Broker(brokerd, host, vms=[a]) as broker:
        with Guest(a.guest) as guest, Guest(a.guest) as idle:
            idle.size()
            a.delay = 1
            guest.ask(SERVICE, "RetrieveAttestationEvidence", b"")
            wait_until(lambda: a.mnonces)
            broker.signal(signal.SIGTERM)
            check(idle.answer() is None, "TERM closes who has asked nothing")
            check(guest.answer()[1] == 0 and guest.answer() is None, "and answers who has")
            check(broker.process.wait(10) == 0 and not os.path.exists(a.guest), "then it ends with 0, its sockets gone")
        a.delay = 0


def service(host):
    a = host.vmm("unit")
    ear = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    ear.bind(host.path("notify"))
    ear.settimeout(10)
    door = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    door.bind(host.path("unit.door"))
    door.listen(8)
    env = {"NOTIFY_SOCKET": host.path("notify"), "WATCHDOG_USEC": "300000", "LISTEN_FDS": "1", "LISTEN_FDNAMES": "evidence"}

    command = [sys.executable, "-c", f"""
import os, sys
os.dup2({door.fileno()}, 3)
os.environ["LISTEN_PID"] = str(os.getpid())
os.execv({brokerd!r}, [{brokerd!r}] + sys.argv[1:])"""]
    with Broker(brokerd, host, wait=False) as broker:
        check(broker.process.wait(10) == 2, "without anything to do: 2")
    with socket.socket() as wide:
        wide.bind(("0.0.0.0", 0))
        wide.listen(8)
        given = [sys.executable, "-c", f"""
import os, sys
os.dup2({wide.fileno()}, 3)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="1", LISTEN_FDNAMES="qgs")
os.execv({brokerd!r}, [{brokerd!r}, "--source", "qgs:unix:/nowhere"] + sys.argv[1:])"""]
        try:
            r = subprocess.run(given, pass_fds=[wide.fileno()], capture_output=True, text=True, timeout=5)
            code, err = r.returncode, r.stderr
        except subprocess.TimeoutExpired:
            code, err = "it serves", ""
        check(code == 4 and "is not on the loopback" in err, f"a TCP socket of its that other machines reach: 4 ({code})")
        r = subprocess.Popen(given + ["--beyond-loopback"], pass_fds=[wide.fileno()], stderr=subprocess.PIPE, text=True)
        check(any("tcp of systemd, qgs" in line for line in iter(r.stderr.readline, "")), "unless beyond-loopback says so")
        r.terminate()
        r.communicate(timeout=20)
    process = subprocess.Popen(command + ["--source", "sim:" + host.folder, "--vm", f"unit,cid=9,qmp=unix:{a.path},pid={os.getpid()}"],
                               env={**os.environ, **env}, pass_fds=[door.fileno()], stderr=subprocess.PIPE, text=True)
    try:
        heard = ear.recv(100)
        while heard == b"WATCHDOG=1": # it is alive before it is ready
            heard = ear.recv(100)
        check(heard == b"READY=1", "the service manager hears that it is ready")
        check(ear.recv(100) == b"WATCHDOG=1", "and that it lives")
        with Guest(host.path("unit.door")) as guest:
            check(guest.size() == 6460, "a socket of the service manager's is served")
        process.send_signal(signal.SIGHUP)
        heard = [ear.recv(100)]
        while heard[-1] != b"READY=1":
            heard.append(ear.recv(100))
        check(any(re.fullmatch(rb"RELOADING=1\nMONOTONIC_USEC=\d{4,}", h) for h in heard), "HUP: RELOADING=1, and when")
        process.send_signal(signal.SIGTERM)
        heard = ear.recv(100)
        while heard == b"WATCHDOG=1":
            heard = ear.recv(100)
        check(heard == b"STOPPING=1" and process.wait(10) == 0, "STOPPING=1")
        check(os.path.exists(host.path("unit.door")), "a socket that was handed over is not removed")
    finally:
        process.kill()
        process.wait()


def sockets(host):
    common = [brokerd, "--source", "sim:" + host.folder]
    os.chmod(host.folder, 0o755)
    for user in (None, "nobody") if os.geteuid() == 0 else (None,):
        become = ["--user", user] if user else []
        path = host.path("all.sock")
        unix_sockets(common + ["--listen", "evidence=unix:" + path] + become, path, "ready$", user=user)
        path = host.path("control.sock")
        unix_sockets(common + ["--control", "unix:" + path] + become, path, "ready$", socket.SOCK_SEQPACKET, user)
        path = host.path("own.sock")
        unix_sockets(common + ["--vm", f"own,socket={path},qmp=unix:/q"] + become, path, "ready$", user=user)


def given_up(host):
    a = host.vmm("locked")
    cek = host.path("collateral/cek.cert")
    with Broker(brokerd, host, "--cek", cek, "--control", "unix:" + host.path("c.sock"), vms=[a]) as broker:
        with Guest(a.guest) as guest:
            guest.evidence()
            pids = {name_of(p): p for p in [broker.pid] + broker.children()}
            check(sorted(pids) == ["assay-brokerd", "brokerd-sev", "brokerd-vmm"], "three processes")
            for name, pid in pids.items():
                check(status_of(pid, "Seccomp") == "2" and status_of(pid, "NoNewPrivs") == "1", f"{name}: no way back")
            if os.geteuid() == 0:
                caps = {name: (int(status_of(pid, "CapEff"), 16), int(status_of(pid, "CapPrm"), 16)) for name, pid in pids.items()}
                check(caps == {"assay-brokerd": (0, 0), "brokerd-sev": (0, 0), "brokerd-vmm": (2, 2)},
                      f"vmm alone has a capability, CAP_DAC_OVERRIDE {caps}")
                opened = {name: descriptors(pid) for name, pid in pids.items()}
                sockets = {n: sum(1 for o in l if o.startswith("socket:")) for n, l in opened.items()}
                check(sockets["brokerd-sev"] == 1, "sev has one socket, its line to the front")
                check(sockets["assay-brokerd"] >= 3 + 1, "the front has lines, a listener and its guest")
                with open("/proc/net/unix") as f:
                    rows = {l.split()[6]: l.split()[7] for l in f if len(l.split()) == 8}
                paths = [rows.get(o[8:-1]) for o in opened["assay-brokerd"] if o.startswith("socket:")]
                check(host.path("c.sock") not in paths, "the control socket is not the front's")
            where = ["--control", "unix:" + host.path("c.sock")]
            check(run("list", *where)[1:] == (a.spec() + "\n", ""), "list has a line for each VM")
            check(run("unregister", a.name, *where) == (0, "", "") and
                  run("list", *where) == (0, "", "assay-brokerd: no VM is registered\n"), "without any it says so, beside its output")
            code, out, err = run("status", *where)
            check((code, out) == (0, "") and "there is no quoting service" in err, "so does status")


with Host() as host:
    words(host)
    certificates(host)
    reload(host)
    late_file(host)
    ending(host)
    service(host)
    sockets(host)
    given_up(host)
done()
