#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Hostile and clumsy clients: the right error object, bounded memory, and the service goes on."""
import concurrent.futures
import json
import os
import resource
import signal
import socket
import sys
import time

from harness import Server, check, clock, done, receive

HEAD = b"Host: x\r\n"


def split(answer):
    """(status, headers in lower case, body) of raw bytes; status 0 if there are none."""
    head, _, body = answer.partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    try:
        status = int(lines[0].split()[1])
    except (IndexError, ValueError):
        return 0, {}, answer
    fields = {}
    for line in lines[1:]:
        name, _, value = line.partition(b":")
        fields[name.decode().lower()] = value.strip().decode()
    return status, fields, body


def refused(server, what, request, status, words, timeout=15):
    got, fields, body = split(server.raw(request, timeout))
    try:
        text = json.loads(body)["error"]
    except (ValueError, KeyError, TypeError):
        text = None
    if not check(got == status and text is not None and words in text, f"{what}: {status}"):
        print(f"# got {got} {body[:200]!r}")
    return fields


def get(path, more=b"", version=b"1.1"):
    return b"GET " + path + b" HTTP/" + version + b"\r\n" + HEAD + more + b"\r\n"


def post(path, body, more=b""):
    return (b"POST " + path + b" HTTP/1.1\r\n" + HEAD + b"Content-Length: %d\r\n" % len(body) + more +
            b"\r\n" + body)


def alive(server, when):
    status, _, body = server.get("/healthz")
    check(status == 200 and body == b"ok\n", f"serves after {when}")


def malformed(server):
    for what, request, status, words in [
        ("no HTTP", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"A" * 500, 400, "no HTTP request"),
        ("one word", b"HELLO\r\n\r\n", 400, "METHOD PATH"),
        ("two words", b"GET /healthz\r\n\r\n", 400, "METHOD PATH"),
        ("two blanks", b"GET  /healthz HTTP/1.1\r\nHost: x\r\n\r\n", 400, "METHOD PATH"),
        ("line feeds alone", b"GET /healthz HTTP/1.1\nHost: x\n\n", 400, "no HTTP request"),
        ("a bare CR", b"GET /healthz HTTP/1.1\r\nHost: x\rY: 1\r\n\r\n", 400, "no HTTP request"),
        ("a zero byte in the path", b"GET /health\0z HTTP/1.1\r\nHost: x\r\n\r\n", 400, "no HTTP request"),
        ("a zero byte in a field", b"GET /healthz HTTP/1.1\r\nHost: x\r\nA: \0\r\n\r\n", 400, "no HTTP"),
        ("HTTP/2.0", get(b"/healthz", version=b"2.0"), 505, "version of HTTP"),
        ("HTTP/0.9", get(b"/healthz", version=b"0.9"), 505, "version of HTTP"),
        ("no version", b"GET /healthz FTP/1.1\r\nHost: x\r\n\r\n", 400, "METHOD PATH"),
        ("no Host", b"GET /healthz HTTP/1.1\r\n\r\n", 400, "one Host"),
        ("two Hosts", get(b"/healthz", b"Host: y\r\n"), 400, "one Host"),
        ("two Authorizations", get(b"/healthz", b"Authorization: Bearer a\r\nAuthorization: Bearer b\r\n"),
         400, "Authorization is there twice"),
        ("a folded field", get(b"/healthz", b"A: b\r\n c: d\r\n"), 400, "NAME: VALUE"),
        ("a blank before the colon", get(b"/healthz", b"A : b\r\n"), 400, "NAME: VALUE"),
        ("a field without a colon", get(b"/healthz", b"A\r\n"), 400, "NAME: VALUE"),
        ("a strange Expect", get(b"/healthz", b"Expect: wonders\r\n"), 417, "100-continue"),
        ("a method that is none", b"G(T /healthz HTTP/1.1\r\nHost: x\r\n\r\n", 400, "no word"),
    ]:
        refused(server, what, request, status, words)


def paths(server):
    for what, path, words in [
        ("an escape", b"/%68ealthz", "'%'"),
        ("an escaped slash", b"/.well-known%2fjwks.json", "'%'"),
        ("an empty segment", b"//healthz", "empty segment"),
        ("an empty segment inside", b"/.well-known//jwks.json", "empty segment"),
        ("one dot", b"/./healthz", "segment"),
        ("two dots", b"/kbs/../healthz", "segment"),
        ("two dots at the end", b"/healthz/..", "segment"),
        ("a whole URL", b"http://x/healthz", "not a whole URL"),
        ("an asterisk", b"*", "starts with '/'"),
        ("a backslash", b"/.well-known\\jwks.json", "character"),
        ("a fragment", b"/healthz#a", "character"),
        ("beyond ASCII", "/héalthz".encode(), "character"),
        ("a bad query", b"/healthz?a=<b>", "query"),
    ]:
        refused(server, f"path with {what}", get(path), 400, words)
    refused(server, "a path of nobody", get(b"/healthz/"), 404, "no such path")
    refused(server, "another case", get(b"/HEALTHZ"), 404, "no such path")
    refused(server, "CONNECT", b"CONNECT x:443 HTTP/1.1\r\nHost: x\r\n\r\n", 400, "starts with '/'")
    fields = refused(server, "POST where only GET is", post(b"/healthz", b""), 405, "takes GET")
    check(fields.get("allow") == "GET", "405 says what is allowed")
    refused(server, "a method of nobody", b"BREW /healthz HTTP/1.1\r\nHost: x\r\n\r\n", 405, "takes GET")
    status, fields, body = split(server.raw(b"HEAD /healthz HTTP/1.1\r\nHost: x\r\n\r\n"))
    check(status == 405 and body == b"", "HEAD gets no body, also of a refusal")


def framing(server):
    both = b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"
    refused(server, "Content-Length with Transfer-Encoding",
            b"POST /healthz HTTP/1.1\r\n" + HEAD + both + b"\r\n0\r\n\r\n", 400, "cannot both")
    refused(server, "the same of a GET", get(b"/healthz", both) + b"0\r\n\r\n", 400, "cannot both")
    refused(server, "two Content-Lengths", get(b"/healthz", b"Content-Length: 0\r\nContent-Length: 9\r\n"),
            400, "twice")
    refused(server, "two equal Content-Lengths",
            get(b"/healthz", b"Content-Length: 0\r\nContent-Length: 0\r\n"), 400, "twice")
    refused(server, "two Transfer-Encodings",
            get(b"/healthz", b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n"), 400, "twice")
    refused(server, "chunks", get(b"/healthz", b"Transfer-Encoding: chunked\r\n") + b"0\r\n\r\n", 411,
            "Content-Length")
    for value in (b"-1", b"+1", b"0x10", b"1 1", b"", b"1,1", b"\xb2"):
        refused(server, f"Content-Length {value!r}",
                get(b"/healthz", b"Content-Length: " + value + b"\r\n"), 400, "no number")
    refused(server, "Content-Length beyond all", get(b"/healthz", b"Content-Length: " + b"9" * 30 + b"\r\n"),
            413, "beyond")
    smuggled = get(b"/metrics")
    answer = server.raw(get(b"/healthz", b"Content-Length: %d\r\n" % len(smuggled)) + smuggled)
    check(split(answer)[0] == 413 and answer.count(b"HTTP/1.1") == 1,
          "the body of a GET is no second request")
    answer = server.raw(get(b"/healthz") + get(b"/metrics"))
    check(split(answer)[0] == 200 and answer.count(b"HTTP/1.1 ") == 1 and b"assayd_" not in answer,
          "of two requests at once the first is answered, and the connection ends")
    answer = server.raw(b"\r\n\r\n" + get(b"/healthz", b"Connection: close\r\n"))
    check(split(answer)[0] == 200, "an empty line before a request is passed over")
    answer = server.raw(b"GET /healthz HTTP/1.0\r\n\r\n")
    check(split(answer)[0] == 200, "HTTP/1.0, and without Host")
    answer = server.raw(get(b"/healthz", b"Connection: close\r\n"), half_close=True)
    check(split(answer)[0] == 200, "a client that has closed its half gets its answer")


def closing(path, more=b""):
    return get(path, more + b"Connection: close\r\n")


def kbs(server):
    """Below /kbs/v0 every refusal is the protocol's error object."""
    for what, request, status in [
        ("a path of nobody", closing(b"/kbs/v0/nothing"), 404),
        ("another method", closing(b"/kbs/v0/auth"), None),
        ("a trick", closing(b"/kbs/v0/resource/a/b/%63"), None),
        ("two dots", closing(b"/kbs/v0/resource/../auth"), None),
        ("a long head", closing(b"/kbs/v0/resource/a/b/c", b"A: " + b"x" * 20000 + b"\r\n"), None),
        ("two framings", closing(b"/kbs/v0/resource/a/b/c", b"Content-Length: 0\r\nTransfer-Encoding: chunked\r\n"),
         None),
        ("a body of a GET", closing(b"/kbs/v0/resource/a/b/c", b"Content-Length: 3\r\n") + b"abc", 413),
        ("a large body", b"POST /kbs/v0/auth HTTP/1.1\r\n" + HEAD + b"Content-Length: 9000000\r\n\r\n" +
         b"x" * 9000000, None),
        ("no JSON", post(b"/kbs/v0/auth", b"hello", b"Connection: close\r\n"), None),
        ("no attestation", closing(b"/kbs/v0/resource/a/b/c"), 401),
        ("a replayed cookie of nobody", closing(b"/kbs/v0/resource/a/b/c", b"Cookie: kbs-session-id=" + b"0" * 128 +
                                            b"\r\n"), 401),
        ("a method of nobody", b"BREW /kbs/v0/resource/a/b/c HTTP/1.1\r\nHost: x\r\n\r\n", None),
    ]:
        got, _, body = split(server.raw(request))
        try:
            error = json.loads(body)
            good = error["type"].startswith("https://github.com/confidential-containers/kbs/errors/") and \
                error["detail"] != ""
        except (ValueError, KeyError, TypeError):
            good = False
        if not check(good and got >= 400 and status in (None, got), f"error object of the broker: {what} ({got})"):
            print(f"# {got} {body[:300]!r}")
    inner = get(b"/healthz")
    answer = server.raw(get(b"/kbs/v0/resource/a/b/c", b"Content-Length: %d\r\n" % len(inner)) + inner)
    check(answer.count(b"HTTP/1.1 ") == 1, "the body of a GET of the broker is no second request")
    status, _, body = split(server.raw(b"HEAD /kbs/v0/resource/a/b/c HTTP/1.1\r\nConnection: close\r\n" + HEAD +
                                       b"\r\n"))
    check(status >= 400 and body == b"", "HEAD gets no body there either")


def bodies(server):
    """Bodies that come slowly, not whole, or a byte at a time."""
    body = b'{"version":"0.4.0","tee":"snp","extra-params":""}'
    request = post(b"/kbs/v0/auth", body, b"Connection: close\r\n")
    with server.connect() as s:
        for i in range(0, len(request), 3):
            s.sendall(request[i:i + 3])
            time.sleep(0.002)
        status, _, answer = split(receive(s))
        check(status == 200 and b"nonce" in answer, "a request in crumbs is answered")
    with server.connect() as s:
        s.sendall(request[:-len(body)].replace(b"\r\n\r\n", b"\r\nExpect: 100-continue\r\n\r\n"))
        check(s.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n", "100 Continue")
        s.sendall(body)
        check(split(receive(s))[0] == 200, "and then the answer")
    with server.connect() as s:
        s.sendall(request[:-10])
        s.shutdown(socket.SHUT_WR)
        check(receive(s) == b"", "half a body and an end get no answer")
    before = server.memory()
    held = []
    for _ in range(300):
        s = server.connect()
        s.sendall(b"POST /kbs/v0/attest HTTP/1.1\r\n" + HEAD + b"Content-Length: 1000000\r\n\r\n" + b"x" * 1000)
        held.append(s)
    time.sleep(0.3)
    check(server.memory() - before < 8 * 1024, "bodies that are announced and not sent cost nothing")
    for s in held:
        s.close()


def large(server):
    refused(server, "many fields", get(b"/healthz", b"".join(b"A%d: 1\r\n" % i for i in range(70))), 431,
            "64 header fields")
    refused(server, "a long field", get(b"/healthz", b"A: " + b"x" * 20000 + b"\r\n"), 431, "16384")
    refused(server, "a long path", get(b"/" + b"x" * 20000), 431, "16384")
    refused(server, "a flood of fields", get(b"/healthz", b"Flood: yes\r\n" * 200000), 431, "16384")
    refused(server, "a body where none is taken", b"GET /healthz HTTP/1.1\r\n" + HEAD +
            b"Content-Length: 1000000\r\n\r\n" + b"x" * 1000000, 413, "no body is taken")
    started = clock()
    refused(server, "a large body that waits for 100 Continue",
            b"GET /healthz HTTP/1.1\r\n" + HEAD + b"Content-Length: 1000000\r\nExpect: 100-continue\r\n\r\n",
            413, "no body is taken")
    check(clock() - started < 2, "it learns that before it sends the body")


def drip(server, start, rest, limit):
    """A byte now and then: the whole head, and the whole body, has a limit, not each byte. Returns what is
    answered, after how many seconds."""
    started = time.monotonic()
    data = b""
    with server.connect(30) as s:
        s.sendall(start)
        s.settimeout(0.5)
        for byte in rest:
            try:
                s.sendall(bytes([byte]))
                data = s.recv(4096)
                break
            except socket.timeout:
                if time.monotonic() - started > limit:
                    break
            except OSError:
                break
        s.settimeout(5)
        data += receive(s)
    return split(data), time.monotonic() - started


def slow(assayd):
    """Drips into a server of their own, to be waited for beside the rest."""
    with Server(assayd, "--workers", "2") as server, concurrent.futures.ThreadPoolExecutor(2) as pool:
        head = pool.submit(drip, server, b"GET /healthz HTTP/1.1\r\n", HEAD + b"A: " + b"x" * 200, 20)
        body = pool.submit(drip, server, b"POST /kbs/v0/attest HTTP/1.1\r\n" + HEAD +
                           b"Content-Length: 1000000\r\n\r\n", b"x" * 1000, 40)
        return head.result(), body.result()


def truncated(server):
    for n in range(1, 60, 7):
        with server.connect() as s:
            s.sendall(get(b"/healthz", b"A: b\r\n")[:n])
    with server.connect() as s:
        s.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n")
        s.shutdown(socket.SHUT_WR)
        check(receive(s) == b"", "half a head and an end get no answer")


def resets(server):
    for _ in range(200):
        s = server.connect()
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        s.sendall(get(b"/readyz"))
        s.close()  # while the keeper is asked


def idle(server, wanted):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    wanted = min(wanted, hard - 500)
    before = server.memory()
    open_ones = []
    try:
        for _ in range(wanted):
            open_ones.append(server.connect())
        time.sleep(0.5)
        after = server.memory()
        status, _, _ = server.get("/healthz")
        check(status == 200, f"{len(open_ones)} idle connections, and another one is served")
        s = open_ones[-1]
        s.sendall(get(b"/healthz"))
        check(s.recv(100).startswith(b"HTTP/1.1 200"), "one of the idle ones wakes, and is served")
        each = (after - before) / max(1, len(open_ones))
        check(after - before < 64 * 1024, f"they cost {after - before} KiB, {each:.1f} KiB each")
    finally:
        for s in open_ones:
            s.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def full(assayd):
    """More connections than there are descriptors for: those idle longest make room."""
    def few():
        resource.setrlimit(resource.RLIMIT_NOFILE, (400, 400))
    with Server(assayd, "--workers", "1", preexec=few) as server:
        os.kill(server.process.pid, signal.SIGSTOP)
        at_once = [server.connect() for _ in range(450)]
        os.kill(server.process.pid, signal.SIGCONT)
        status, _, _ = server.get("/healthz")
        check(status == 200, "more than that in one turn of its loop, and a new one is served")
        for s in at_once:
            s.close()
    with Server(assayd, "--workers", "1", preexec=few) as server:
        old = [server.connect() for _ in range(500)]
        status, _, _ = server.get("/healthz")
        check(status == 200, "beyond the limit of connections a new one is served")
        closed = 0
        for s in old[:50]:
            s.settimeout(0.2)
            try:
                closed += s.recv(1) == b""
            except OSError:
                pass
        check(closed > 10, f"the oldest idle ones were closed ({closed} of 50)")
        for s in old:
            s.close()
        _, _, text = server.get("/metrics")
        check(b'assayd_connections_refused_total{reason="full"}' in text, "and that is counted")


def not_taken(assayd):
    """Answers that nobody reads: beyond a limit those that wait longest go, and others are served."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with Server(assayd, "--workers", "1") as server:
        path = "/v1/openapi.json"
        size = len(server.get(path)[2])
        before, slow = server.memory(), []
        try:
            for _ in range(min(9000, hard - 500)):
                s = socket.socket()
                s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
                s.connect((server.host, server.port))
                s.sendall(get(path.encode()))
                slow.append(s)
            status, _, body = server.get(path)
            check(status == 200 and len(body) == size, f"{len(slow)} answers are not taken, and another one is")
            # How much of an answer the kernel takes is its own affair. Of what it does not take 128 MiB are kept,
            # in buffers that may be twice as long; a connection costs some KiB besides.
            more = server.memory() - before - 4 * len(slow)
            slowest = b'assayd_connections_refused_total{reason="slow"}' in server.get("/metrics")[2]
            check(more < (256 if slowest else 128) * 1024 or server.sanitized(),
                  f"those that waited longest went{'' if slowest else ', or need not'}; the others cost {more} KiB")
        finally:
            for s in slow:
                s.close()
        status, _, _ = server.get("/healthz")
        check(status == 200, "all is as before")
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def many(server):
    """A long run over few connections leaves memory as it was."""
    def run(n):
        with server.connect() as s:
            request = get(b"/healthz")
            for _ in range(n):
                s.sendall(request)
                answer = s.recv(4096)
                if not answer.startswith(b"HTTP/1.1 200"):
                    return False
        return True
    run(2000)
    before = server.memory()
    good = run(20000)
    after = server.memory()
    check(good and (after - before < 512 or server.sanitized()), f"20000 requests over one connection: {after - before} KiB more")


def main():
    assayd = os.path.abspath(sys.argv[1])
    pool = concurrent.futures.ThreadPoolExecutor(1)
    waiting = pool.submit(slow, assayd)
    with Server(assayd, "--workers", "2") as server:
        malformed(server)
        alive(server, "malformed requests")
        paths(server)
        framing(server)
        alive(server, "tricks with framing")
        large(server)
        alive(server, "floods")
        kbs(server)
        alive(server, "faults of the broker's clients")
        bodies(server)
        truncated(server)
        resets(server)
        alive(server, "clients that went away")
        many(server)
        idle(server, 10000)
        alive(server, "idle connections")
        check(server.process.poll() is None, "it lives")
        code = server.stop()
        check(code == 0, f"it ends when told to ({code})")
    full(assayd)
    not_taken(assayd)
    for what, ((status, _, body), took), limit in zip(("head", "body"), waiting.result(), (15, 40)):
        check(status == 408 and b"in time" in body and took < limit, f"a slow {what} ends with 408 ({took:.1f} s)")
    done()


main()
