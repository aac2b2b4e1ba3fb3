# SPDX-License-Identifier: Apache-2.0
"""The evidence role as its clients meet it: frames, statuses, both sizes, whose report it is."""
import os
import struct
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import (Broker, EVIDENCE, Guest, Host, SERVICE, SIZE, blob, check, done,  # noqa: E402
                     frame, mnonce, number, request)

brokerd = os.path.abspath(sys.argv[1])
DATA, KEY = bytes(range(64)), bytes(range(100, 132))


def answers(host):
    web = host.vmm("web", handle=3)
    db = host.vmm("db", handle=4)
    adapter = host.vmm("fc", handle=9, adapter=True)
    with Broker(brokerd, host, "--rate", "0", vms=[web, db, adapter]) as broker:
        whole(host, web, db)
        handles(broker, web, db, adapter)
        statuses(web)
        bad_vmm(broker, web)
        check({c["execute"] for c in web.asked + db.asked} ==
              {"qmp_capabilities", "query-sev", "query-sev-attestation-report"},
              "a VMM is asked for the handle and the report, and for nothing else")
        check(broker.stop() == 0, "TERM ends it with 0")


def whole(host, web, db):
    with Guest(web.guest) as guest:
        guest.send(frame(1, 1, request(SERVICE, SIZE, b"")))
        check(guest.receive() == (bytes.fromhex("00000007000000010200"), bytes.fromhex("0a0012 0310bc32")),
              "the answer to the size call is theirs, byte by byte")
        guest.stream = 3
        code, message, answer = guest.evidence()
        check(code == 0 and answer[3][208:] == host.certificates(), "a report, then CEK, PEK and OCA")
        check(answer.get(1) is None and answer[2] == 6460 == len(answer[3]) and answer[4] == b"none",
              "6460 bytes, no error code, binding none for whoever brings no challenge")
        check(answer[3][:16] == web.mnonces[-1] and answer[3][16:19] == b"web", "the report is this VM's")
        again = guest.evidence()[2]
        check(again[3][:16] != answer[3][:16], "whose MNONCE the broker draws, each time another")
        for size in (6460, 6461):
            answer = guest.evidence(size=size)[2]
            check(answer[2] == size == len(answer[3]), f"{size} bytes to who asks for that")
        check(answer[3][6460] in (0, 1, 2, 3), "the last of which is a kind of processor")
        code, message, answer = guest.evidence(report_data=DATA, key_digest=KEY)
        check(code == 0 and answer[3][:16] == mnonce(DATA, KEY) and answer[4] == b"nonce",
              "the challenge and the key come back as MNONCE")
        check(mnonce(DATA, KEY).hex() == "bc163fde5f34a6f015c3640927cc9e8c", "which has a known answer")
        other = guest.evidence(report_data=DATA[::-1], key_digest=KEY)[2][3][:16]
        third = guest.evidence(report_data=DATA, key_digest=KEY[::-1])[2][3][:16]
        check(len({answer[3][:16], other, third}) == 3, "another one of either is another MNONCE")
        with Guest(db.guest) as second:
            check(second.evidence()[2][3][16:18] == b"db", "another VM gets its own")
        for _ in range(20):
            guest.ask(SERVICE, EVIDENCE, blob(3, DATA) + blob(4, KEY))
        streams = [guest.answer()[0] for _ in range(20)]
        check(streams == list(range(guest.stream - 40, guest.stream, 2)), "requests ahead are answered in turn")


def handles(broker, web, db, adapter):
    with Guest(web.guest) as guest:
        for handle, what in ((0, "0"), (3, "its own"), (0xffffffff, "-1"), (0xfffffc18, "-1000"),
                             (0x80000000, "the lowest negative number")):
            answer = guest.evidence(handle=handle)
            check(answer[0] == 0 and answer[2][3][16:19] == b"web", f"handle {what} is the VM itself")
        before = len(web.mnonces)
        for handle in (4, 1, 0x7fffffff):
            code, message, _ = guest.evidence(handle=handle)
            check(code == 7 and "not this VM's" in message, f"handle {handle} is refused")
        check(len(web.mnonces) == before, "and nobody was asked for a report")
        check(broker.wait_line("VM web: names a guest handle that is not its own"), "and it is logged")
        check(not any(c["execute"] == "query-sev" for c in db.asked), "the VM whose handle it was sees nothing")
    with Guest(adapter.guest) as guest:
        answer = guest.evidence(report_data=DATA, key_digest=KEY)
        check(answer[0] == 0 and answer[2][3][:18] == mnonce(DATA, KEY) + b"fc", "an adapter answers as QMP does")
        check(guest.evidence(handle=9)[0] == 0 and guest.evidence(handle=3)[0] == 7, "handles too")
        adapter.answer = {"error": "not now"}
        time.sleep(1.1) # one complaint a second of a VM's
        check(guest.evidence()[0] == 14 and broker.wait_line("VM fc: no report: not now"),
              "its refusal is logged")
        adapter.answer = None


def statuses(web):
    def one(data, stream=1):
        with Guest(web.guest) as guest:
            guest.send(data)
            got = guest.answer()
            guest.stream = stream + 2
            return got[:3] + (guest.size() == 6460,)
    good = request(SERVICE, SIZE, b"")
    cases = [
        ("another service", frame(1, 1, request("aeb.AEC", SIZE, b"")), 12, "service aeb.AEC"),
        ("no service", frame(1, 1, b""), 12, "service "),
        ("another method", frame(1, 1, request(SERVICE, "Retrieve", b"")), 12, "method Retrieve"),
        ("an odd name", frame(1, 1, request("\n\u00e4", SIZE, b"")), 12, "service ???"),
        ("no protobuf", frame(1, 1, b"\xff" * 9), 3, "unmarshal request error"),
        ("a field that runs past the end", frame(1, 1, good[:-1]), 3, "unmarshal request error"),
        ("a payload that is no SizeRequest", frame(1, 1, request(SERVICE, SIZE, b"\xff")), 3, "SizeRequest"),
        ("no EvidenceRequest", frame(1, 1, request(SERVICE, EVIDENCE, b"\x08")), 3, "EvidenceRequest"),
        ("a short challenge", frame(1, 1, request(SERVICE, EVIDENCE, blob(3, DATA[1:]) + blob(4, KEY))), 3, "64 bytes"),
        ("a long challenge", frame(1, 1, request(SERVICE, EVIDENCE, blob(3, DATA + b"1") + blob(4, KEY))), 3, "64 bytes"),
        ("a challenge and no key", frame(1, 1, request(SERVICE, EVIDENCE, blob(3, DATA))), 3, "key_digest"),
        ("a key and no challenge", frame(1, 1, request(SERVICE, EVIDENCE, blob(4, KEY))), 3, "key_digest"),
        ("a size that is none", frame(1, 1, request(SERVICE, EVIDENCE, number(2, 7000))), 3, "6460 or 6461"),
        ("a response", frame(1, 2, good), 3, "type"),
        ("a type that is none", frame(1, 77, good), 3, "type"),
        ("data of no stream", frame(1, 3, good), 3, "StreamID is no longer active"),
        ("4097 bytes", frame(1, 1, bytes(4097)), 8, "message length 4097 exceed maximum message size of 4096"),
        ("4 MiB", frame(1, 1, bytes(4 << 20)), 8, "message length 4194304 exceed"),
    ]
    for what, data, code, words in cases:
        got = one(data)
        check(got[0] == 1 and got[1] == code and words in got[2] and got[3],
              f"{what}: {code}, \"{got[2]}\", and the connection goes on")
    got = one(frame(2, 1, good), 2 - 1)
    check(got[:2] == (2, 3) and "odd" in got[2], "an even stream: 3")
    with Guest(web.guest) as guest:
        guest.send(frame(5, 1, good) + frame(5, 1, good) + frame(3, 1, good))
        got = [guest.answer() for _ in range(3)]
        check([g[1] for g in got] == [0, 3, 3] and "must increment" in got[1][2], "a stream that was: 3")
    with Guest(web.guest) as guest:
        guest.send(struct.pack(">IIBB", (4 << 20) + 1, 7, 1, 0))
        got = guest.answer()
        check(got[:2] == (7, 8) and guest.answer() is None, "more than 4 MiB: 8, and the connection ends")
    with Guest(web.guest) as guest: # unknown fields and metadata, as other clients have them
        guest.send(frame(1, 1, good + blob(5, blob(1, b"k") + blob(2, b"v")) + number(77, 5)))
        check(guest.answer()[1] == 0, "fields that nobody knows are passed over")


def bad_vmm(broker, web):
    cases = [
        ("a report of yesterday's", bytes(208), "not about the MNONCE"),
        ("a short report", bytes(207), "not of the protocol"),
        ("a long report", bytes(209), "not of the protocol"),
        ("an error", {"error": {"class": "GenericError", "desc": "SEV is away"}}, "SEV is away"),
        ("no report", {"return": {}}, "gave no report"),
        ("a report that is no base64", {"return": {"data": "*" * 280}}, "not of the protocol"),
    ]
    with Guest(web.guest) as guest:
        for what, answer, words in cases:
            web.answer = answer
            time.sleep(1.1)
            code, message, got = guest.evidence()
            check(code == 14 and "host's log" in message and not got, f"a VMM with {what}: 14")
            check(broker.wait_line("VM web: .*" + words), f"{what}: logged")
        web.answer = None
        check(guest.evidence()[0] == 0, "and then it has one again")


def certificates(host):
    """The CEK that AMD signed takes the place of the exported one, if its key is the same."""
    host.certificate("cek", 0x1004, "key")
    exported = host.certificates()[:2084]
    other, signed = host.path("other.cert"), host.path("signed.cert")
    with open(signed, "wb") as f:
        f.write(exported[:0x414] + b"S" * (2084 - 0x414))
    with open(other, "wb") as f:
        f.write(exported[:0x20] + b"K" + exported[0x21:])
    a, b = host.vmm("a"), host.vmm("b")
    with Broker(brokerd, host, "--cek", other, "--cek", signed, "--evidence-size", "6461", "--control",
                "unix:" + host.path("control"), vms=[a]) as broker:
        with Guest(a.guest) as guest:
            check(guest.size() == 6461, "the size call answers what the configuration says")
            answer = guest.evidence()[2][3]
            check(len(answer) == 6461 and answer[208:2292] == exported[:0x414] + b"S" * (2084 - 0x414),
                  "the signed CEK of this key goes along")
            host.certificate("pek", 0x1002, "new")
            check(guest.evidence()[2][3][208:6460] == answer[208:6460], "certificates are not read for each request")
            p = subprocess.Popen(["sleep", "1000"])
            r = subprocess.run([brokerd, "register", "--control", "unix:" + host.path("control"),
                                b.spec() + f",pid={p.pid}"], capture_output=True, text=True)
            with Guest(b.guest) as second:
                check(r.returncode == 0 and second.evidence()[2][3][2292:4376] == host.certificates()[2084:4168],
                      "but anew for a VM that is new: a PEK changes only while none runs")
            p.kill()
            p.wait()
        os.remove(host.path("collateral/oca.cert"))
        p = subprocess.Popen(["sleep", "1000"])
        c = host.vmm("c")
        subprocess.run([brokerd, "register", "--control", "unix:" + host.path("control"),
                        c.spec() + f",pid={p.pid}"], check=True)
        with Guest(c.guest) as third, Guest(a.guest) as guest:
            got = third.evidence()
            check(got[0] == 14 and "certificates" in got[1], "without certificates: 14")
            check(broker.wait_line("no certificates: .*oca.cert: No such file"), "and it is logged why")
            check(guest.evidence()[0] == 0, "who had some goes on with them")
        p.kill()
        p.wait()


with Host() as host:
    answers(host)
with Host() as host:
    certificates(host)
done()
