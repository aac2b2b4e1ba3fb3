# SPDX-License-Identifier: Apache-2.0
"""A host whose broker lies, stalls, breaks off: nothing is signed that does not answer the request, and the
agent goes on. Arguments: assay-agentd, assay."""
import select
import threading

from harness import *
from fake_broker import FakeBroker

agentd, assay = sys.argv[1:3]
own_run()
BROKER = "/run/broker.sock"
broker = FakeBroker(BROKER)
key, spki = make_key()
data = os.urandom(64)


def good():
    broker.mode = "good"
    got = ask(EVIDENCE, data)
    return got.status == OK and proof_holds(got.proof, got.first[:208], data, spki)


with Agent(agentd, BROKER, "--broker-timeout", "1s", key=key) as a:
    # the first report of all may lie, too: then the agent does not even know what it is in
    broker.mode = "wrong-mnonce"
    got = ask(TEE)
    check(got.status == FAILED and got.tee == 0 and "its MNONCE is another" in got.text,
          "a report that does not answer tells nothing of the guest")
    check(good(), "an honest answer is signed")
    for mode, words in (
            ("wrong-mnonce", "does not answer this request: its MNONCE is another; nothing was signed"),
            ("other-key", "does not answer this request"),
            ("replay", "does not answer this request"),
            ("other-guest", "of another guest than before: digest or policy changed; nothing was signed"),
            ("legacy", "does not put the challenge into reports"),
            ("short", "its answer is no evidence of 6460 or 6461 bytes"),
            ("long", "its evidence is 6461 bytes, want 6460"),
            ("status", "refuses: no VM of that name?[31m (status 7)"),
            ("garbage", "is that the port of a broker?"),
            ("hang-up", "no answer"),
            ("half", "breaks off"),
            ("other-stream", "want type 2, stream"),
            ("stalled", "timed out")):
        broker.mode = mode
        got = ask(EVIDENCE, os.urandom(64))
        check(got.status == FAILED and got.proof == b"" and words in got.text and len(got.first) <= 256,
              f"{mode}: {got.text}")
        check(words[:20] in a.log(), f"{mode}: the log has it")
        check(good(), f"{mode}: the next honest answer is signed")
    broker.policy ^= 0x4
    broker.mode = "good"
    got = ask(EVIDENCE, data)
    check(got.status == FAILED and "policy changed" in got.text, "a report of the same digest without SEV-ES is refused")
    broker.policy ^= 0x4

    # one connection, which may end
    before = broker.connections
    for _ in range(5):
        good()
    check(broker.connections == before, "one connection is used again and again")
    broker.stop()
    time.sleep(0.1)
    got = ask(EVIDENCE, data)
    check(got.status == FAILED and "Connection refused" in got.text, "no broker: that is said")
    broker.start()
    check(good(), "a broker that was started anew is used at once")
    broker.stop()
    broker.start()
    check(good(), "also where the agent saw nothing of the restart")

    # many at once: each gets its own answer
    broker.delay = 0.01
    results = []

    def one():
        mine = os.urandom(64)
        got = ask(EVIDENCE, mine)
        results.append(got.status == OK and proof_holds(got.proof, got.first[:208], mine, spki))
    threads = [threading.Thread(target=one) for _ in range(24)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    check(results == [True] * 24, "24 at once: each has the proof for its own data")
    broker.delay = 0

    # one user cannot fill the queue
    broker.mode = "stalled"
    waiting = [connect() for _ in range(40)]
    for s in waiting:
        s.send(request(EVIDENCE, data))
    told = []

    def refused():
        for s in select.select(waiting, [], [], 0)[0]:
            told.append(Answer(s.recv(65536)).text)
            waiting.remove(s)
            s.close()
        return sum("too many requests of this user" in text for text in told)
    wait_until(lambda: refused() == 8)
    time.sleep(0.3)
    check(refused() == 8, f"of 40 that wait, 32 may: {refused()} are refused at once")
    for s in waiting:
        s.close()
    before = len(broker.requests)
    time.sleep(1.5)
    check(good(), "when they have gone, nobody waits for them")
    check(len(broker.requests) - before <= 3, f"nor is the host asked for them ({len(broker.requests) - before})")

    # those that connect and do nothing do not keep others out for long
    idle = [connect() for _ in range(70)]
    begun = clock()
    check(good() and clock() - begun < 5, "70 idle connections: the next is served within seconds")
    for s in idle:
        s.close()

    broker.mode = "stalled"
    with open("/dev/null", "wb") as null:
        p = subprocess.run([assay, "attest", "--random", "--timeout", "20s", "-o", "/run/e"], stderr=subprocess.PIPE)
    check(p.returncode == 4 and b"sev-es: assay-agentd: broker: no answer" in p.stderr,
          f"assay attest says what the broker did, exit {p.returncode}")
    check(not os.path.exists("/run/e"), "and writes nothing")
    check(a.stop() == 0, "TERM ends it all the same")
done()
