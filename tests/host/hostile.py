# SPDX-License-Identifier: Apache-2.0
"""Guests that stall, flood and close half, and VMMs that are slow: nobody else is to notice."""
import os
import random
import select
import signal
import socket
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import (Broker, EVIDENCE, Flood, Guest, Host, SERVICE, SIZE, check, clock, done, frame,  # noqa: E402
                     request, wait_until)

GOOD = frame(1, 1, request(SERVICE, SIZE, b""))


def ended(guest, timeout):
    """Whether the broker closes this connection within the time."""
    guest.s.settimeout(timeout)
    try:
        return guest.s.recv(1) == b""
    except ConnectionError:
        return True
    except socket.timeout:
        return False


def half_closed(bad):
    with Guest(bad.guest) as guest:
        guest.ask(SERVICE, EVIDENCE, b"")
        guest.s.shutdown(socket.SHUT_WR)
        check(guest.answer()[1] == 0 and guest.answer() is None, "who closes its half is answered, and that is all")
    with Guest(bad.guest) as guest:
        guest.send(GOOD[:20])
        guest.s.shutdown(socket.SHUT_WR)
        check(ended(guest, 5), "half a request and the end: closed")
    for n in (0, 1, 9, 10, 11):
        with Guest(bad.guest) as guest:
            guest.send(GOOD[:n])
    with Guest(bad.guest) as guest:
        check(guest.size() == 6460, "who goes away in the middle is forgotten")
    bad.answers.clear()
    asked = len(bad.mnonces)
    with Guest(bad.guest) as guest:
        guest.ask(SERVICE, EVIDENCE, b"")
        check(wait_until(lambda: len(bad.mnonces) == asked + 1), "who is gone before his answer")
    with Guest(bad.guest) as guest:
        guest.ask(SERVICE, EVIDENCE, b"")
        bad.answers.set()
        answer = guest.answer()
        check(answer[1] == 0 and len(bad.mnonces) == asked + 2 and bad.mnonces[-1] in answer[3]
              and bad.mnonces[-2] not in answer[3], "does not leave it to who comes next")


def stalled(broker, bad, good):
    slow = [Guest(bad.guest) for _ in range(4)]
    for i, guest in enumerate(slow):
        guest.send(GOOD[:3 * i + 1])
    deaf = Guest(bad.guest)
    deaf.s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sent = 0
    deaf.s.settimeout(0.5)
    try:
        while sent < 1 << 22:
            sent += deaf.s.send(b"".join(frame(2 * i + 1, 1, request(SERVICE, EVIDENCE, b"")) for i in range(64)))
    except OSError:
        pass
    check(sent < 1 << 20, f"who reads no answers is not read from ({sent} bytes)")
    began = clock()
    with Guest(good.guest) as guest:
        check(all(guest.evidence()[0] == 0 for _ in range(20)), "others are served meanwhile")
    check(clock() - began < 2, "at once")
    check(all(ended(guest, 13) for guest in slow), "a frame that does not come whole in ten seconds ends the connection")
    check(wait_until(lambda: gone(deaf), 13), "an answer that is not taken, too")
    for guest in slow + [deaf]:
        guest.close()


def gone(guest):
    """Closed by the broker. What is there is not read: that would take the answer after all."""
    poll = select.poll()
    poll.register(guest.s, 0)
    return any(what & select.POLLHUP for _, what in poll.poll(0))


def flood(path):
    """Twenty connections at a time, each of which comes again when it has been closed."""
    def push(make):
        while True:
            try:
                with Guest(path, timeout=1) as guest:
                    while True:
                        guest.send(make())
                        guest.s.setblocking(False)
                        try:
                            guest.s.recv(1 << 20)
                        except BlockingIOError:
                            pass
                        guest.s.settimeout(1)
            except OSError:
                pass
    makers = [lambda: os.urandom(1000), lambda: frame(random.getrandbits(32) | 1, 1, request(SERVICE, EVIDENCE, b"")),
              lambda: frame(1, 1, bytes(1 << 20)), lambda: bytes(10), lambda: GOOD]
    for i in range(20):
        threading.Thread(target=push, args=(makers[i % len(makers)],), daemon=True).start()
    time.sleep(1000)


def flooded(host, bad, good):
    with Broker(brokerd, host, "--rate", "50", "--burst", "10", "-v", vms=[bad, good]) as broker:
        with Flood(bad.guest):
            check(wait_until(lambda: len(bad.mnonces) > 20 and broker.count("refused one more") > 0, 60),
                  "a flood, of which more than eight connections are refused")
            before = sum(broker.memory().values())
            worst, count, began = 0, 0, clock()
            with Guest(good.guest) as guest:
                while clock() - began < 3:
                    at = clock()
                    if guest.evidence()[0] != 0:
                        break
                    worst = max(worst, clock() - at)
                    count += 1
                    time.sleep(0.05)
            check(count >= 20 and worst < 1, f"beside a flood of 20 connections others are served: {count}, "
                  f"the slowest in {1000 * worst:.0f} ms")
            check(sum(broker.memory().values()) - before < 2048 or broker.sanitized(), "and memory does not grow")
        asked = len(bad.mnonces)
        time.sleep(1)
        check(len(bad.mnonces) <= asked + 9, "when they are gone, nothing more is asked in their name")
        check(broker.alive(), "and the broker lives")


def rate(host, bad):
    with Broker(brokerd, host, "--rate", "10", "--burst", "5", vms=[bad]):
        with Guest(bad.guest) as guest:
            began, wall = clock(), time.monotonic()
            for _ in range(15):
                guest.call(SERVICE, "nothing", b"")
            took = clock() - began
            check(0.9 < time.monotonic() - wall and took < 2,
                  f"5 at once and 10 a second: 15 refusals take a second ({took:.2f} s)")


def slow_vmm(host, slow, good):
    slow.answers.clear()
    with Broker(brokerd, host, "--deadline", "60s", "--rate", "0", vms=[slow, good]):
        with Guest(slow.guest) as a, Guest(good.guest) as c:
            a.ask(SERVICE, EVIDENCE, b"")
            wait_until(lambda: slow.mnonces)
            check(all(c.evidence()[0] == 0 for _ in range(101)), "a VMM that hangs keeps nobody else from 101 reports")
            slow.answers.set()
            check(a.answer()[1] == 0, "and its guest has his own when it goes on")
    slow.answers.clear()
    with Broker(brokerd, host, "--deadline", "1s", "--rate", "0", vms=[slow, good]) as broker:
        with Guest(slow.guest) as a, Guest(slow.guest) as b:
            began, wall = clock(), time.monotonic()
            a.ask(SERVICE, EVIDENCE, b"")
            b.ask(SERVICE, EVIDENCE, b"")
            first, second = a.answer(), b.answer()
            took = clock() - began
            check(first[1] == 4 and second[1] == 4 and took < 2 and time.monotonic() - wall > 0.9,
                  f"its guest hears of one that hangs in time: 4, {took:.2f} s")
            slow.answers.set()
            check(wait_until(lambda: a.evidence()[0] == 0), "and has a report when it goes on")
        slow.end()
        time.sleep(1.1) # one complaint a second of a VM's
        with Guest(slow.guest) as a:
            check(a.evidence()[0] == 14, "a VMM that is gone: 14")
            check(broker.wait_line("VM slow: no report: .*(cannot be reached|closed the connection)"), "and that is logged")


def connections(host, good):
    with Broker(brokerd, host, "--connections", "3", vms=[good]):
        guests = [Guest(good.guest)]
        for _ in range(3):
            time.sleep(0.05)
            guests.append(Guest(good.guest))
            guests[-1].size()
        check(ended(guests[0], 1) and not ended(guests[1], 0.2), "the connection that is silent longest makes room")
        check(guests[3].size() == 6460, "for the new one")
        for guest in guests:
            guest.close()


def crash(host, good):
    for name in ("brokerd-vmm", "brokerd-sev"):
        with Broker(brokerd, host, vms=[good]) as broker:
            wait_until(lambda: broker.named(name))  # it calls itself so a little after it is there
            os.kill(broker.named(name), signal.SIGKILL)
            check(broker.process.wait(10) == 4, f"without {name} nothing goes on: 4")
            check(broker.wait_line("process has ended, and nothing goes without it"), "and that is said")


if sys.argv[1] == "--flood":
    flood(sys.argv[2])
brokerd = os.path.abspath(sys.argv[1])
with Host() as host:
    bad, good = host.vmm("bad"), host.vmm("good")
    with Broker(brokerd, host, "--rate", "0", "-v", vms=[bad, good]) as broker:
        half_closed(bad)
        stalled(broker, bad, good)
        check(broker.stop() == 0, "and the broker ends as ever")
    flooded(host, bad, good)
    rate(host, bad)
    connections(host, good)
    crash(host, good)
    slow_vmm(host, host.vmm("slow"), good)
done()
