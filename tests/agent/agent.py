# SPDX-License-Identifier: Apache-2.0
"""assay-agentd: the launch key, who may ask, what it gives up, its life. Arguments: assay-agentd, assay,
key_client, assayd."""
import re
import stat
import threading

from harness import *
from fake_broker import FakeBroker

agentd, assay, key_client, assayd = map(os.path.abspath, sys.argv[1:5])
REAL_ROOT = own_run()
BROKER = "/run/broker.sock"
broker = FakeBroker(BROKER)
key, spki = make_key()
data = bytes(range(64))


def settled(a):
    """Its processes by name, once each has given up what it gives up."""
    def locked():
        pids = a.children()
        return len(pids) == 4 and all(status_of(p, "Seccomp") == "2" for p in pids.values())
    wait_until(locked)
    return a.children()


def hold(a, secret):
    """Which of its processes have any piece of the secret where they write."""
    pieces = [secret[at:at + 20] for at in range(0, len(secret) - 19, 20)]
    found = []
    for name, pid in {**a.children(), "parent": a.process.pid}.items():
        with open(f"/proc/{pid}/mem", "rb", 0) as memory:
            for line in of_process(pid, "maps").splitlines():
                start, end = (int(x, 16) for x in line.split()[0].split("-"))
                # What is larger are the sanitizers' shadows.
                if line.split()[1][:2] == "rw" and end - start < 1 << 28:
                    memory.seek(start)
                    bytes_ = memory.read(end - start)
                    found += [f"{name} {line.split()[-1]} {at}" for at, piece in enumerate(pieces) if piece in bytes_]
    return found


def run(*words, user=None):
    def go():
        p = subprocess.run(words, capture_output=True, timeout=60)
        return p.returncode, p.stdout, p.stderr.decode()
    return as_user(user, user, go) if user is not None else go()


# --- one life ------------------------------------------------------------------------------------

with Agent(agentd, BROKER, key=key) as a:
    check(not a.has_key(), "the launch key is removed where it was")
    check(os.path.isdir(a.secrets), "and nothing else of the folder")
    check(a.log() == f"assay-agentd: ready: listening on unix:{AGENT}, unix:{ATTEST}; TEE: SEV or SEV-ES; the launch key is"
          " taken, and a working key certified\n", f"which is said in one line, without -v, with all that it serves {a.log()}")
    tee = ask(TEE)
    check((tee.status, tee.tee, tee.first) == (OK, 2, b""), "it knows SEV-ES by the policy in the report")
    answer = ask(EVIDENCE, data)
    check(answer.status == OK and len(answer.first) == 6460 and answer.tee == 2, "evidence has its 6460 bytes")
    check(proof_holds(answer.proof, answer.first[:208], data, spki),
          "the proof is certified by the injected key, over this report and this data")
    check(not proof_holds(answer.proof, answer.first[:208], bytes(64), spki), "and over no other data")
    second = ask(EVIDENCE, data)
    check(byte_strings(second.proof, 4)[1:3] == byte_strings(answer.proof, 4)[1:3],
          "the working key and its certification stay the same")
    check(broker.requests[-1][3] == data and
          broker.requests[-1][4] == hashlib.sha256(byte_strings(answer.proof, 4)[1]).digest() and
          broker.requests[-1].get(1, 0) == 0 and broker.requests[-1][2] == 6460,
          "the broker gets report data, the digest of the working key, the size, and no handle")
    check(broker.connections == 1, "over one connection")
    kept = ask(KEY)
    check(kept.status == REFUSED and "allow-key-uid" in kept.text, "the injected key is given to nobody")

    # what cannot be a request
    for name, packet, words in (
            ("empty but for a byte", b"\x01", "is 1 bytes, want 68"),
            ("one byte short", request(EVIDENCE)[:-1], "is 67 bytes"),
            ("one byte long", request(EVIDENCE) + b"\0", "is 69 bytes"),
            ("very long", bytes([1]) + bytes(60000), "is 69 bytes"),
            ("of another version", request(EVIDENCE, version=2), "version is 2, want 1"),
            ("of an unknown kind", request(9), "asks for 9"),
            ("with data that has no meaning", request(TEE, b"x"), "must be zero"),
            ("with bytes reserved", request(EVIDENCE, zero=1), "must be zero")):
        got = ask(0, packet=packet)
        check(got.status == MALFORMED and words in got.text, f"a request {name} is refused: {words}")
    silent = connect()
    begun = clock()
    silent.settimeout(20)
    check(silent.recv(10) == b"" and clock() - begun < 5, "one who asks nothing is hung up on")
    for path in (ATTEST, AGENT):
        mode = os.stat(path).st_mode
        check(stat.S_ISSOCK(mode) and mode & 0o777 == 0o666, f"{path} can be connected to by anybody")

    # what each process has given up
    children = settled(a)
    check(sorted(children) == ["agentd-front", "agentd-line", "agentd-signer", "agentd-sweeper"], "there are four processes")
    for name, pid in [("agentd", a.process.pid), *children.items()]:
        facts = [status_of(pid, n) for n in ("NoNewPrivs", "Seccomp", "CapEff")]
        caps = int(facts[2], 16)
        check(facts[:2] == ["1", "2"] and (caps == 0 or name == "agentd"),
              f"{name}: no new privileges, seccomp, {'no ' if caps == 0 else ''}capability {facts}")
        check(re.search(r"Max core file size +0 +0 ", of_process(pid, "limits")), f"{name}: no core dump")
    signer = children["agentd-signer"]
    sockets = descriptors(signer)
    check(not any(s.startswith("/") and s != "/dev/null" and not s.endswith("/log") for s in sockets),
          f"the signer has no file open: {sorted(set(s.split(':')[0] for s in sockets))}")

    # who dies is started anew, and the key is not lost; the proof is by the same key
    os.kill(children["agentd-line"], signal.SIGKILL)
    os.kill(children["agentd-front"], signal.SIGKILL)
    wait_until(lambda: len(a.children()) == 4)
    again = ask(EVIDENCE, data)
    check(again.status == OK and byte_strings(again.proof, 4)[1] == byte_strings(answer.proof, 4)[1],
          f"a line that was killed is started anew, and the key is the same {again.text}")
    check(get("/info")[0] == 200, "so is the front")
    for name, pid in settled(a).items():
        facts = [status_of(pid, n) for n in ("NoNewPrivs", "Seccomp", "CapEff")]
        check(facts == ["1", "2", "0000000000000000"], f"{name}, once more, has given up the same {facts}")
    check(a.stop() == 0, "TERM ends it with 0")
    check(not os.path.exists(ATTEST) and not os.path.exists(AGENT), "and its sockets leave with it")

    # a second start, in the same boot
    a.start()
    gone = ask(TEE)
    check(gone.status == ABSENT and "was taken at 20" in gone.text and "only a new launch" in gone.text,
          f"a second start says plainly where the key is: {gone.text}")
    check(re.search(r"ready: listening on [^;]*; TEE: none; no launch key: the launch key was taken at 20\S* by an agent that has ended",
                    a.log()), f"in its log, too {a.log()}")
    code, out, err = run(assay, "attest", "--random", "-o", f"{a.folder}/e")
    check(code == 3 and "sev-es: assay-agentd: the launch key was taken at" in err, "assay attest says it, exit 3")
    code, out, err = run(key_client)
    check(out.startswith(b"query 0 - technology 0"), "get_attestation() says that no TEE is here")

os.unlink("/run/assay/agentd.taken")
with Agent(agentd, BROKER, key=b"") as a:
    none = "has no c2b5a1f0-6f0e-4d0a-9d57-1f4b7c6e0a35: the owner injected no key"
    check(none in ask(EVIDENCE, data).text and f"; TEE: none; no launch key: {a.secrets} {none}" in a.log(),
          "where the owner injected none, that is said, also at the start")
with Agent(agentd, BROKER) as a:
    none = "is not there: no SEV guest, or its kernel has no efi_secret"
    check(none in ask(EVIDENCE, data).text and f"; TEE: none; no launch key: {a.secrets} {none}" in a.log(),
          "where there is no such interface, that is said, also at the start")

# --- keys ----------------------------------------------------------------------------------------

for kind in ("P-384", "ed25519", "rsa"):
    other, other_spki = make_key(kind)
    with Agent(agentd, BROKER, key=other) as a:
        got = ask(EVIDENCE, data)
        check(got.status == OK and byte_strings(got.proof, 4)[0] == hashlib.sha256(other_spki).digest(),
              f"an injected key of kind {kind} certifies as well")
# One that signs no proofs was injected for something else: it does not stay where everybody reads it.
strange = bytearray(make_key("ed25519")[0])
strange[11] = 0x7f
for kind, other, words in (*((kind, make_key(kind)[0], words) for kind, words in (
        ("ed448", "is of ED448, which is not known here"), ("x25519", "is of X25519, which"), ("P-521", "is of P-521;"),
        ("secp256k1", "is of secp256k1, which"), ("small rsa", "is of RSA with 1024 bits;"))),
        ("of a number", bytes(strange), "is of 1.3.101.127, which is not known here")):
    with Agent(agentd, BROKER, "--allow-key-uid", "0", key=other) as a:
        said = re.search(r"; the launch key is taken, and kept for those whom allow-key-uid names, but attests nothing: (.*)\n",
                         a.log())
        check(not a.has_key() and said and words in said[1] and said[1].endswith(
            "; proofs are signed with P-256, P-384, Ed25519 and RSA of 2048 to 4096 bits; the owner makes another: assay launch"
            " secret"), f"an injected key, {kind}, is taken and removed as well, and that it does not attest is said: {a.log()}")
        got = [ask(op, data if op == EVIDENCE else b"") for op in (EVIDENCE, TEE)]
        check(said and [(g.status, g.text) for g in got] == [(ABSENT, said[1])] * 2, f"{kind}: who asks for evidence is told so")
        got = ask(KEY)
        check(got.status == OK and got.first == other, f"{kind}: who may have it is given it")
        code, out, err = run(key_client)
        check(out.decode().split("\n")[0] == f"query {len(other)} - technology 1", f"{kind}: by get_attestation(), too {out}")
        code, out, err = run(assay, "attest", "--random", "-o", f"{a.folder}/e")
        check(code == 3 and f"sev-es: assay-agentd: {said and said[1]}" in err, f"{kind}: assay attest says why not {err}")
for kind, begin, end in (("P-256", 36, 68), ("P-384", 35, 83), ("ed25519", 16, None), ("rsa", 440, None), ("ed448", 16, None),
                         ("x25519", 16, None), ("P-521", 35, 101), ("small rsa", 180, None)):
    other = make_key(kind)[0]
    private = other[begin:end]
    with Agent(agentd, BROKER, key=other) as a:
        there = hold(a, private)
        check("the launch key is taken, and " in a.log() and there == [], f"an injected key, {kind}, is in no memory any more {there}")
    with Agent(agentd, BROKER, "--allow-key-uid", "0", key=other) as a:
        check(hold(a, private) != [], "and where it is kept it is")
with Agent(agentd, BROKER, key=make_key("ed448")[0]) as a:
    check(not a.has_key() and "the launch key is taken, and wiped, but attests nothing: injected key: is of ED448" in a.log(),
          f"without allow-key-uid it is wiped {a.log()}")
    check(ask(KEY).status == REFUSED and ask(EVIDENCE, data).status == ABSENT, "and nobody is given anything")
with Agent(agentd, BROKER, "--enarx", key=make_key("ed448")[0]) as a:
    check(ask(KEY).status == NO_KEYS, "with --enarx neither")
    code, out, err = run(key_client)
    check(out.startswith(b"query -1 Input/output error technology 77"), f"and get_attestation() is EIO: no evidence either {out}")
for name, bytes_, words in (("garbage", b"not a key", ""), ("too long", b"x" * 9000, "is longer than a launch key"),
                            ("cut short", key[:-3], "")):
    a = Agent(agentd, BROKER, key=bytes_, wait=False)
    check(a.process.wait(10) == 4 and words in a.log() and GUID in a.log(), f"a key that is {name}: exit 4")
    check(a.has_key(), "and it is left where it is")
    a.close()

# --- the key for those who are named --------------------------------------------------------------

with Agent(agentd, BROKER, "--allow-key-uid", "0", key=key) as a:
    check(not a.has_key() and "kept for those whom allow-key-uid names" in a.log(), "the key is kept where asked for")
    got = ask(KEY)
    check(got.status == OK and got.first == key and got.proof == b"", "the PrivateKeyInfo is given as it was")
    check("uid 0 is given the injected key" in a.log(), "and each time that is said")
    locked = [line for line in of_process(a.children()["agentd-signer"], "smaps").splitlines() if line.startswith("VmFlags")]
    check(sanitized(f"/proc/{a.children()['agentd-signer']}/exe") or any(" lo " in line and " dd " in line for line in locked), "it lies in memory that is locked, and not dumped")
    code, out, err = run(key_client, "0")
    lines = out.decode().split("\n")
    check(lines[0] == f"query {len(key)} - technology 1" and lines[1] == f"call {len(key)} - technology 1" and
          lines[2] == key.hex(), "get_attestation() gives the PrivateKeyInfo, technology 1, whatever the nonce is")
    code, out, err = run(key_client, "64", str(len(key) - 1))
    check(b"call -1 Message too long technology 77" in out, "a buffer too short is EMSGSIZE")
    if REAL_ROOT:
        code, out, err = run(key_client, user=1234)
        check(out.startswith(b"query -1 Permission denied technology 77"), "another user gets EACCES")
with Agent(agentd, BROKER, key=key) as a:
    ask(TEE)
    code, out, err = run(key_client)
    check(out.startswith(b"query -1 Permission denied"), "without allow-key-uid even root gets EACCES")
with Agent(agentd, BROKER, "--enarx", key=key) as a:
    got = ask(KEY)
    check(got.status == NO_KEYS, "with --enarx nobody is given the key")
    code, out, err = run(key_client)
    lines = out.decode().split("\n")
    check(lines[0] == "query 262144 - technology 1" and lines[1].endswith("technology 1") and lines[2][:2] != "30"
          and (b"N" + bytes(63)) == broker.requests[-1][3],
          "get_attestation() then gives the bundle that answers the nonce")
    code, out, err = run(key_client, "32")
    check(b"call -1 Invalid argument technology 77" in out, "and a nonce of another length is EINVAL")

# --- who may ask ---------------------------------------------------------------------------------

if not REAL_ROOT:
    print("# not root: other users are not tried")
else:
    with Agent(agentd, BROKER, "--allow-uid", "1234", "--allow-gid", "2345", "--allow-key-uid", "777", key=key) as a:
        for name, uid, gid, groups, op, want in (
                ("a user who is named", 1234, 9, (), EVIDENCE, OK),
                ("a user who is not", 1235, 9, (), EVIDENCE, REFUSED),
                ("a user who is not, asking for the TEE", 1235, 9, (), TEE, REFUSED),
                ("a member of the group", 1235, 9, (5, 2345), EVIDENCE, OK),
                ("one whose first group it is", 1235, 2345, (), EVIDENCE, OK),
                ("who may have the key", 777, 9, (), EVIDENCE, OK),
                ("who may have the key, the key", 777, 9, (), KEY, OK),
                ("root, the key", 0, 0, (), KEY, REFUSED),
                ("a user who is named, the key", 1234, 9, (), KEY, REFUSED)):
            got = as_user(uid, gid, lambda: ask(op, data if op == EVIDENCE else b"").status, groups)
            check(got == want, f"{name}: status {got}")
        before = len(broker.requests)
        as_user(1235, 9, lambda: ask(EVIDENCE, data).status)
        check(len(broker.requests) == before, "who may not ask costs the host nothing")
        got = as_user(1235, 9, lambda: get("/info"))
        check(got[0] == 403 and b"allow-uid" in got[2], "nor does he get anything over HTTP: 403")
        check(as_user(1234, 9, lambda: get("/info")[0]) == 200, "who is named does")

        ready, tell = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.setgroups([])
            os.setresuid(1235, 1235, 1235)
            held = []
            for path, kind in ((ATTEST, socket.SOCK_SEQPACKET), (AGENT, socket.SOCK_STREAM)):
                for _ in range(80):
                    s = socket.socket(socket.AF_UNIX, kind)
                    s.connect(path)
                    held.append(s)
            os.write(tell, b"x")
            time.sleep(30)
        os.read(ready, 1)
        begun = clock()
        served = ask(EVIDENCE, data).status == OK and get("/info")[0] == 200
        took = clock() - begun
        check(served and took < 1.2, f"a crowd of those who may not ask keeps nobody waiting ({took:.1f} s)")
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        check(wait_until(lambda: as_user(1235, 9, lambda: ask(TEE).status) == REFUSED), "and is told so again when it has gone")
        code, out, err = run(assay, "attest", "--list", user=1235)
        check(b"this user may" in out, "assay attest --list says it")

    # HUP
    with open("/run/agent.conf", "w") as to:
        to.write("[callers]\nallow-uid = 1234\n[release]\ntimeout = 9s\n")
    with Agent(agentd, BROKER, "--config", "/run/agent.conf", key=key) as a:
        check(as_user(1234, 9, lambda: ask(TEE).status) == OK, "the file says who may ask")
        with open("/run/agent.conf", "w") as to:
            to.write("[callers]\nallow-uid = 1235\nallow-uid = 1236\n[release]\ntimeout = 8s\n"
                     "[sev]\nbroker-timeout = 3s\n")
        a.process.send_signal(signal.SIGHUP)

        def answers(): # signer and front are told, and each looks when it can
            return [as_user(uid, 9, lambda: (ask(TEE).status, get("/info")[0])) for uid in (1234, 1235, 1236)]
        wait_until(lambda: answers() == [(REFUSED, 403), (OK, 200), (OK, 200)])
        got = answers()
        check(got == [(REFUSED, 403), (OK, 200), (OK, 200)], f"HUP reads it again: {got}")
        check("was read again" in a.log(), "and says so")
        check("broker-timeout has changed; that takes a restart" in a.log(), "and says what it cannot change")
        with open("/run/agent.conf", "w") as to:
            to.write("[callers]\nnonsense = 1\n")
        a.process.send_signal(signal.SIGHUP)
        check(wait_until(lambda: 'no key "nonsense"' in a.log()) and as_user(1235, 9, lambda: ask(TEE).status) == OK,
              "a file that is wrong changes nothing")

    enter = with_etc("/run/etc")
    with Agent(agentd, BROKER, key=key, preexec=enter) as a:
        check(as_user(1234, 9, lambda: ask(TEE).status) == REFUSED, "without a file")
        with open("/run/etc/assay/assay-agentd.conf", "w") as to:
            to.write("[callers]\nallow-uid = 1234\n")
        a.process.send_signal(signal.SIGHUP)
        check(wait_until(lambda: as_user(1234, 9, lambda: ask(TEE).status) == OK),
              "HUP takes over the default file when there is one now")

    # another user for the agent
    with Agent(agentd, BROKER, "--user", "nobody", key=key) as a:
        pids = {"agentd": a.process.pid, **settled(a)}
        check(not a.has_key() and all(status_of(p, "Uid") == ("0" if n == "agentd-sweeper" else "65534") for n, p in pids.items()),
              "started as root, it takes the key and becomes the user that it is told")
        caps = {n: int(status_of(p, "CapEff"), 16) for n, p in pids.items()}
        check(all(c == 0 for c in caps.values()), f"where the key is taken none has a capability {caps}")
        check(ask(EVIDENCE, data).status == OK and get("/info")[0] == 200, "and works")
        check(get("/aa/evidence?runtime_data=abc")[0] == 200, "its jobs may ask its own socket")

# --- capabilities ---------------------------------------------------------------------------------

def at_work(a):
    """{name: CapEff} of a job and what collects for it, while the signer is stopped and lets them wait."""
    found = {}
    signer = settled(a)["agentd-signer"]
    os.kill(signer, signal.SIGSTOP)
    asked = threading.Thread(target=lambda: get("/aa/evidence?runtime_data=abc"))
    asked.start()
    end = time.monotonic() + 10
    while len(found) < 2 and time.monotonic() < end:  # until each has its name, and has given up what it gives up
        time.sleep(0.1)
        job = a.children().get("agentd-job")
        pids = [job] + of_process(job, f"task/{job}/children").split() if job else []
        found = {name_of(pid): (int(status_of(pid, "CapEff"), 16), int(status_of(pid, "CapPrm"), 16)) for pid in pids}
    os.kill(signer, signal.SIGCONT)
    asked.join()
    check(wait_until(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in pids)), "both end together")
    return found


none, reach = (0, 0), (2, 2)  # the second: CAP_DAC_OVERRIDE alone
with Agent(agentd, BROKER, key=key) as a:
    check(at_work(a) == {"agentd-job": none, "agentd-evidence": none}, "with a key no process has a capability, nor has a job")
    check(int(status_of(a.process.pid, "CapPrm"), 16) == 0, "nor has the parent, if it stays root")
with Agent(agentd, BROKER) as a:
    check(at_work(a) == {"agentd-job": none, "agentd-evidence": none}, "root without a key needs none either")
if REAL_ROOT:
    with Agent(agentd, BROKER, "--user", "nobody", key=key) as a:
        check(at_work(a) == {"agentd-job": none, "agentd-evidence": none}, "with a key and a user: none")
    with Agent(agentd, BROKER, "--user", "nobody") as a:
        got = at_work(a)
        landlock = int(status_of(a.process.pid, "CapPrm"), 16) != 0  # without it none is kept
        check(got == {"agentd-job": none, "agentd-evidence": reach if landlock else none},
              f"without a key, as a user: what collects evidence has one, the job with the network none {got}")
        check(all(int(status_of(p, "CapPrm"), 16) == 0 for p in settled(a).values()), "and the other processes none")

# --- configuration ---------------------------------------------------------------------------------

code, out, err = run(agentd, "--check", "--allow-uid", "5", "--broker", "vsock:3:1234")
check(code == 0 and b"broker = vsock:3:1234" in out and b"allow-uid = 5" in out, "--check prints what holds")
for words, said in (
        (["--listen", "tcp:0.0.0.0:8006"], "would be open to other machines"),
        (["--listen", "tcp:example.com:8006"], "would be open to other machines"),
        (["--listen", "tcp:127.0.0.1.5:8006"], "would be open to other machines"),
        (["--listen", "unix:x"], "absolute path"),
        (["--broker", "tcp:1.2.3.4:5"], "write vsock:host:5577 or unix:PATH"),
        (["--broker", "vsock:hostess:5"], "is not vsock:host:PORT"),
        (["--broker", "vsock:host:"], "is not vsock:host:PORT"),
        (["--broker", "unix:relative"], "absolute path"),
        (["--attest-socket", "relative"], "no absolute path"),
        (["--allow-uid", "no-such-user-here"], "there is none of this name"),
        (["--allow-uid", "4294967295"], "there is none of this name"),
        (["--allow-gid", "no-such-group-here"], "there is none of this name"),
        (["--enarx", "--allow-key-uid", "0"], "one of the two"),
        (["--timeout", "0s"], "is a time"),
        (["--timeout", "601s"], "timeout: must be from 1s to 10m"),
        (["--broker-timeout", "21s"], "broker-timeout: must be from 1s to 20s; who asks the agent waits 25s in all"),
        (["--url", "keys.example"], "is no URL; write https://"),
        (["--url", "https://me:hunter2@x"], "url: has a user in it"),
        (["--nonsense"], "no such option")):
    code, out, err = run(agentd, "--check", *words)
    check(code == 2 and said in err, f"{' '.join(words)}: exit 2, {said}")
check(run(agentd, "--check", "--timeout", "10m", "--broker-timeout", "20s")[0] == 0, "10 minutes and 20 seconds are not too long")
with Agent(agentd, BROKER, key=key) as a:
    b = subprocess.run([agentd, "--secrets", "/nonexistent"], capture_output=True, timeout=20)
    check(b.returncode == 4 and b"another assay-agentd has its socket there" in b.stderr, "a second agent beside the first ends with 4")
    check(ask(TEE).status == OK, "and the first goes on")
page = subprocess.run([agentd, "--help"], capture_output=True).stdout.decode().splitlines()
check(0 < len(page) <= 40 and max(map(len, page)) <= 79, "--help fits a screen")
check(subprocess.run([agentd, "--version"], capture_output=True).stdout.startswith(b"assay-agentd "), "--version")

# localhost is what /etc/hosts makes of it; the assayd of key releases has the same listeners
with open("/run/hosts", "w") as to:
    to.write("0.0.0.0 localhost\n")
libc = ctypes.CDLL(None)
if libc.mount(b"/run/hosts", b"/etc/hosts", None, 0x1000, None) == 0:  # MS_BIND
    for words, said in (([agentd, "--secrets", "/nonexistent", "--broker", f"unix:{BROKER}"], "would be open to other machines"),
                        ([assayd, "--store", "sqlite:/run/s.db"], "would be plain HTTP beyond this machine")):
        try:
            b = subprocess.run([*words, "--listen", "tcp:localhost:0"], capture_output=True, timeout=5, cwd="/run")
            code, err = b.returncode, b.stderr.decode()
        except subprocess.TimeoutExpired as late:
            code, err = "it serves", late.stderr.decode()
        check(code == 4 and re.search(rf"tcp:0\.0\.0\.0:\d+: .*{said}", err),
              f"{os.path.basename(words[0])}: a localhost that is no loopback: 4, {said} ({code} {err})")
    libc.umount(b"/etc/hosts")

# sockets of the service manager
handed = [socket.socket(socket.AF_UNIX), socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)]
for s, name in zip(handed, ("/run/handed-http", ATTEST)):
    s.bind(name)
    s.listen(8)


def as_manager():
    for at, s in enumerate(handed):
        os.dup2(s.fileno(), 50 + at)
    for at in range(len(handed)):
        os.dup2(50 + at, 3 + at)


manager = subprocess.Popen(["sh", "-c", 'LISTEN_PID=$$ LISTEN_FDS=2 exec "$@"', "sh", agentd, "--secrets", "/nonexistent",
                            "--broker", f"unix:{BROKER}", "-v"], preexec_fn=as_manager, close_fds=False,
                           stderr=subprocess.PIPE)
check(ask(TEE).status == ABSENT and get("/info", at="/run/handed-http")[0] == 200, "sockets that are handed over are served")
manager.terminate()
check(manager.wait(20) == 0 and os.path.exists("/run/handed-http") and os.path.exists(ATTEST), "and stay where they are")
for s in handed:
    s.close()
os.unlink(ATTEST)

# its sockets in the file system
os.mkdir("/run/own", 0o755)
for user in (None, "nobody") if REAL_ROOT else (None,):
    for path, kind in (("/run/own/http", socket.SOCK_STREAM), ("/run/own/attest", socket.SOCK_SEQPACKET)):
        unix_sockets([agentd, "--secrets", "/nonexistent", "--listen", "unix:/run/own/http", "--attest-socket", "/run/own/attest",
                      *(["--user", user] if user else [])], path, "ready: ", kind, user, "another assay-agentd has its socket there")

# readiness
n = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
n.bind("/run/notify")
n.settimeout(10)
with Agent(agentd, BROKER, key=key, env={**os.environ, "NOTIFY_SOCKET": "/run/notify"}) as a:
    check(n.recv(64) == b"READY=1", "the service manager hears READY=1")
    a.stop()
    check(n.recv(64) == b"STOPPING=1", "and STOPPING=1")
done()
