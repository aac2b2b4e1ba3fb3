# SPDX-License-Identifier: Apache-2.0
"""Local users of the guest who mean no good: they crowd the sockets, or what the agent holds its place by.
Arguments: assay-agentd."""
import array
import fcntl
import select

from harness import *
from fake_broker import FakeBroker

agentd = os.path.abspath(sys.argv[1])
if not own_run():
    print("1..0 # SKIP other users are needed, and so root")
    sys.exit(0)
BROKER = "/run/broker.sock"
broker = FakeBroker(BROKER)
key, spki = make_key()
data = bytes(range(64))
NOBODYS, NAMED, SECOND = 1235, 1234, 1236
KINDS = {ATTEST: socket.SOCK_SEQPACKET, AGENT: socket.SOCK_STREAM}


class Crowd:
    """Processes of another user, each at this; from when it says so to the end of the block."""

    def __init__(self, uid, function, count=1):
        r, w = os.pipe()
        self.pids = []
        for _ in range(count):
            self.pids.append(os.fork())
            if self.pids[-1] == 0:
                try:
                    ctypes.CDLL(None).prctl(1, signal.SIGKILL)
                    os.setgroups([])
                    os.setresgid(uid, uid, uid)
                    os.setresuid(uid, uid, uid)
                    function(lambda: os.write(w, b"x"))
                finally:
                    os._exit(0)
        os.close(w)
        for _ in range(count):
            os.read(r, 1)
        os.close(r)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for pid in self.pids:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)


def timed(function):
    begun = clock()
    return function(), clock() - begun


def patient(function):
    """A full queue is tried again, as libassay-guest does; no answer at all is no answer."""
    end = clock() + 10
    while clock() < end:
        try:
            return function()
        except BlockingIOError:
            time.sleep(0.01)
        except OSError:
            return None
    return None


def served():
    answer = patient(lambda: ask(EVIDENCE, data))
    info = patient(lambda: get("/info"))
    return answer is not None and answer.status == OK and info is not None and info[0] == 200


# --- the place ------------------------------------------------------------------------------------

def hold_folder(ready):
    fd = os.open("/run/assay", os.O_RDONLY)
    fcntl.flock(fd, fcntl.LOCK_EX)
    ready()
    time.sleep(60)


with Crowd(NOBODYS, hold_folder):
    try:
        with Agent(agentd, BROKER, key=key) as a:
            check(True, "who holds a lock on the agent's folder does not keep it from starting")
            b = Agent(agentd, BROKER, wait=False)
            check(b.process.wait(10) == 4 and "another assay-agentd has its socket there" in b.log(),
                  "a second agent is told that there is one")
            b.close()
            check(os.stat("/run/assay/agentd.lock").st_mode & 0o777 == 0o600, "its own lock is for nobody else to open")
    except RuntimeError as e:
        check(False, f"who holds a lock on the agent's folder does not keep it from starting: {e}")


# --- crowds ---------------------------------------------------------------------------------------

def knock(path):
    def go(ready):
        ready()
        while True:
            s = socket.socket(socket.AF_UNIX, KINDS[path])
            s.setblocking(False)
            try:
                s.connect(path)
            except OSError:
                pass
            s.close()
    return go


def sit(path, count):
    def go(ready):
        def one():
            s = socket.socket(socket.AF_UNIX, KINDS[path])
            s.setblocking(False)
            try:
                s.connect(path)
            except OSError:
                return None
            return s

        held = [one() for _ in range(count)]
        ready()
        while True:
            for i, s in enumerate(held):
                try:
                    if s is None or s.recv(1) == b"":
                        raise ConnectionError
                except BlockingIOError:
                    continue
                except OSError:
                    held[i] = one()
            time.sleep(0.001)
    return go


with Agent(agentd, BROKER, "--allow-uid", str(NAMED), "--allow-uid", str(SECOND), key=key) as a:
    ask(TEE)
    for path in (ATTEST, AGENT):
        with Crowd(NOBODYS, knock(path), 4):
            time.sleep(0.3)
            good, took = timed(lambda: [served() for _ in range(3)])
            check(all(good) and took < 6, f"{path}: who may not ask, and knocks without end, keeps nobody waiting ({took:.1f} s)")
        with Crowd(NAMED, sit(path, 100)):
            time.sleep(0.2)
            good, took = timed(lambda: [served() for _ in range(3)])
            check(all(good) and took < 3, f"{path}: who may ask, and takes all places, takes not all ({took:.1f} s)")

    def many(count):
        def go(ready):
            held = [connect() for _ in range(count)]
            for s in held:
                s.send(request(EVIDENCE, data))
            time.sleep(0.3)
            ready()
            time.sleep(60)
        return go

    broker.delay = 0.2
    with Crowd(NAMED, many(32)):
        good, took = timed(lambda: ask(EVIDENCE, data).status == OK)
        check(good and took < 2, f"who has asked much gets his turns, and another his between them ({took:.1f} s)")
    # fewer each: a third must find a place among the 64 connections
    with Crowd(NAMED, many(24)), Crowd(SECOND, many(24)):
        good, took = timed(lambda: ask(EVIDENCE, data).status == OK)
        check(good and took < 2, f"and so does a third beside two who take turns ({took:.1f} s)")
    broker.delay = 0

    # descriptors that come with packets
    signer = a.children()["agentd-signer"]
    before = len(os.listdir(f"/proc/{signer}/fd"))
    for _ in range(20):
        with connect() as s:
            s.sendmsg([request(TEE)], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [0] * 50))])
            s.recv(100)
    after = len(os.listdir(f"/proc/{signer}/fd"))
    check(after <= before + 1, f"descriptors that come along do not stay ({before}, then {after})")
    check(served(), "and all goes on")


def work(ready):
    """Requests that the host does not answer; those for which there is no room have been refused."""
    held = [socket.socket(socket.AF_UNIX) for _ in range(40)]
    for s in held:
        s.connect(AGENT)
        s.sendall(b"GET /aa/evidence?runtime_data=x HTTP/1.1\r\nHost: localhost\r\n\r\n")
    wait_until(lambda: len(select.select(held, [], [], 0)[0]) >= 24)
    ready()
    time.sleep(60)


with Agent(agentd, BROKER, "--allow-uid", str(NAMED), key=key) as a:
    ask(TEE)
    broker.mode = "stalled"
    with Crowd(NAMED, work):
        got = [get("/info")[0] for _ in range(4)]
        check(got == [200] * 4, f"who has much at work leaves room for another's requests {got}")

done()
