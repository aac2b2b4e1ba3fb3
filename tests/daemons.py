# SPDX-License-Identifier: Apache-2.0
"""What the tests of all daemons share. They say what they found by check(), and end with done()."""
import ctypes
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time

failures = 0
checks = 0

# To look for leaks takes a command as long as all the rest of it: .ci/run and make check-long have the time.
if "ASAN_OPTIONS" in os.environ and os.environ.get("ASSAY_LEAKS") != "1":
    os.environ["ASAN_OPTIONS"] += ":detect_leaks=0"


def check(ok, what):
    global failures, checks
    checks += 1
    if not ok:
        failures += 1
    print(f"{'ok' if ok else 'not ok'} {checks} - {' '.join(what.split())}", flush=True)
    return ok


def done():
    print(f"1..{checks}")
    sys.exit(1 if failures else 0)


class _Pulse:
    """Sleeps a moment, again and again, and adds up by how much it was woken too late."""
    BEAT, SOON = 0.01, 0.002

    def __init__(self):
        self.state = (time.monotonic(), 0.0)  # when this sleep began; how late all were before it
        threading.Thread(target=self.beat, daemon=True).start()

    def beat(self):
        while True:
            time.sleep(self.BEAT)
            now = time.monotonic()
            self.state = (now, self.late(now))

    def late(self, now):
        began, late = self.state
        return late + max(0.0, now - began - self.BEAT - self.SOON)


_pulse = None


def clock():
    """Seconds, without those that a busy machine let us wait for a processor: what a test measures by them is what
    the program does, and not what else runs here. They never pass faster than those of the clock on the wall."""
    global _pulse
    _pulse = _pulse or _Pulse()
    now = time.monotonic()
    return now - _pulse.late(now)


def wait_until(what, timeout=10):
    end = clock() + timeout
    while clock() < end:
        if what():
            return True
        time.sleep(0.02)
    return False


def descriptors(pid):
    """What a process has open, as /proc names it, but for what it closes meanwhile."""
    found = []
    for n in os.listdir(f"/proc/{pid}/fd"):
        try:
            found.append(os.readlink(f"/proc/{pid}/fd/{n}"))
        except FileNotFoundError:
            pass
    return found


def of_process(pid, what):
    """The text of /proc/PID/what: of a process that is gone it is empty."""
    try:
        with open(f"/proc/{pid}/{what}", encoding="ascii", errors="replace") as f:
            return f.read()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def name_of(pid):
    return of_process(pid, "comm").strip()


def status_of(pid, field):
    """The first word of a field of /proc/PID/status; None where there is none."""
    found = re.search(rf"^{field}:\s+(\S+)", of_process(pid, "status"), re.MULTILINE)
    return found and found[1]


def end_with_us():
    """A test that ends without stopping its daemon leaves none behind: PR_SET_PDEATHSIG."""
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)


def with_etc(folder):
    """For preexec, as root: this folder, with what a program needs and an assay/ that is empty, in the place of /etc."""
    os.makedirs(os.path.join(folder, "assay"))
    os.chmod(folder, 0o755)
    for name in ("group", "hosts", "ld.so.cache", "nsswitch.conf", "passwd"):
        if os.path.exists("/etc/" + name):
            shutil.copy("/etc/" + name, folder)
    libc = ctypes.CDLL(None)

    def enter():
        if (libc.unshare(0x00020000) != 0 or libc.mount(b"none", b"/", None, 0x4000 | 0x40000, None) != 0
                or libc.mount(folder.encode(), b"/etc", None, 0x1000, None) != 0):
            raise OSError("no /etc of its own")
    return enter


def sanitized(program):
    """True if memory says little: a sanitizer keeps what is freed for a while, and locks nothing."""
    with open(program, "rb") as file:
        return b"__asan_init" in file.read()


class Daemon:
    """A daemon, started; what it says is in lines, and None behind the last."""

    def __init__(self, command, env=None, preexec=None, pass_fds=()):
        self.command = command
        self.env = dict(os.environ)
        # A leak detector would want to trace what must not be traced.
        self.env["ASAN_OPTIONS"] = self.env.get("ASAN_OPTIONS", "") + ":detect_leaks=0"
        self.env.update(env or {})
        self.lines = []
        self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True, errors="replace", env=self.env,
                                        pass_fds=pass_fds, preexec_fn=lambda: (end_with_us(), preexec and preexec()))
        self.heard = threading.Condition()
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        for line in self.process.stderr:
            with self.heard:
                self.lines.append(line.rstrip("\n"))
                self.hear(self.lines[-1])
                self.heard.notify_all()
        with self.heard:
            self.lines.append(None)
            self.heard.notify_all()

    def hear(self, line):
        """For who wants to know of each line."""

    def wait_line(self, pattern, timeout=10):
        """True when standard error has a line like this, now or soon."""
        def there():
            return any(line is not None and re.search(pattern, line) for line in self.lines)
        end = clock() + timeout
        with self.heard:
            while not there() and None not in self.lines and clock() < end:
                self.heard.wait(0.1)
            return there()

    def text(self):
        return "\n".join(line for line in self.lines if line is not None)

    @property
    def pid(self):
        return self.process.pid

    def children(self):
        return [int(pid) for pid in of_process(self.pid, f"task/{self.pid}/children").split()]

    def signal(self, number):
        self.process.send_signal(number)

    def alive(self):
        return self.process.poll() is None

    def stop(self, timeout=30):
        """Ends it as a service manager would. Returns the exit code."""
        if self.alive():
            self.signal(signal.SIGTERM)
        try:
            return self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            return None
        finally:
            self.reader.join(5)

    def __enter__(self):
        return self

    def __exit__(self, *what):
        self.stop()


def unix_sockets(command, path, ready, kind=socket.SOCK_STREAM, user=None,
                 in_use="; another process listens there"):
    """What becomes of a daemon's Unix socket, which its command makes at this path: it goes with the daemon, is
    replaced when one has died, and is in nobody's way. user: whom the command becomes, or None."""
    name = f"{os.path.basename(path)}{f' as {user}' if user else ''}"

    def started():
        daemon = Daemon(command)
        if not check(daemon.wait_line(ready, 20), f"{name}: starts {daemon.text() if not daemon.alive() else ''}"):
            daemon.stop()
        return daemon

    def answers():
        with socket.socket(socket.AF_UNIX, kind) as s:
            return s.connect_ex(path) == 0

    def refused(what, words):
        before = os.lstat(path)
        r = subprocess.run(command, capture_output=True, text=True, timeout=20)
        now = os.lstat(path)
        check(r.returncode == 4 and words in r.stderr and (before.st_ino, before.st_mode) == (now.st_ino, now.st_mode),
              f"{name}: {what} is left alone: 4 {r.stderr.strip()}")

    def end_by_kill(daemon):
        """By the signal that nothing can be done about; the others see it."""
        others = daemon.children()
        daemon.signal(signal.SIGKILL)
        daemon.process.wait()
        wait_until(lambda: not any(os.path.exists(f"/proc/{pid}/exe") for pid in others))

    def stale(owner=None):
        if os.path.lexists(path):
            os.unlink(path)
        with socket.socket(socket.AF_UNIX, kind) as s:
            s.bind(path)
        if owner is not None:
            os.chown(path, owner, owner)

    daemon = started()
    check(answers(), f"{name}: is there")
    refused("one in use", in_use)
    check(answers() and daemon.alive(), f"{name}: and is served as before")
    check(daemon.stop() == 0 and not os.path.lexists(path), f"{name}: has gone with the daemon")
    daemon = started()
    end_by_kill(daemon)
    wait_until(lambda: not os.path.lexists(path), 5)
    check(not os.path.lexists(path), f"{name}: has gone with a daemon that was killed, too")
    stale()
    daemon = started()
    check(answers(), f"{name}: one that nobody listens at is replaced")
    moved = path + ".moved"
    os.rename(path, moved)
    stale()
    check(daemon.stop() == 0 and os.path.lexists(path) and os.path.lexists(moved),
          f"{name}: one that stands there in the end and is not the daemon's stays")
    os.unlink(path)
    os.symlink(moved, path)
    refused("a link to one that nobody listens at", "; what is there is no socket")
    check(os.path.lexists(moved), f"{name}: and so is what it leads to")
    os.unlink(path)
    os.unlink(moved)
    with open(path, "w") as f:
        f.write("a file")
    refused("a file", "; what is there is no socket")
    os.unlink(path)
    if os.geteuid() == 0:
        stale(1234)
        refused("another user's", "; the socket there is another user's")
        os.unlink(path)
