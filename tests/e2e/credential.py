# SPDX-License-Identifier: Apache-2.0
"""assay-credential, asked as systemd asks: from an address that says for what."""

import os
import signal
import socket
import subprocess
import threading

from sandbox import ENV, FOLDER, PROGRAMS, SIM, WITHOUT_LEAK_CHECK, Result, allowed, done, new, ok, path, read

try:
    from broker import Broker
except ImportError as missing:
    print(f"1..0 # SKIP {missing}: install python3-cryptography")
    raise SystemExit(0)

PROGRAM = PROGRAMS[0]
SECRET = b"pass\0word\n"
LIMIT = 1 << 20  # of a credential, systemd's
listener = socket.socket(socket.AF_UNIX)
listener.bind(f"{FOLDER.name}/socket")
listener.listen()


def ask(name, *args, config="conf", tee="snp", during=None):
    """What a client gets that is called so, as systemd reads it: no more than it takes."""
    client = socket.socket(socket.AF_UNIX)
    if name is not None:
        client.bind(name)
    client.connect(f"{FOLDER.name}/socket")
    server, _ = listener.accept()
    got = []

    def read_it():
        data = b""
        while len(data) <= LIMIT and (more := client.recv(65536)):
            data += more
        client.close()
        got.append(data)

    reader = threading.Thread(target=read_it)
    reader.start()
    command = ["sh", "-c", 'echo $$ >pid; exec "$@"', "sh", PROGRAM, *(["--config", config] if config else []), *args]
    if tee:
        command = [SIM, "run", "--tee", tee, "--platform", tee, "--", *WITHOUT_LEAK_CHECK, *command]
    with subprocess.Popen(command, stdin=server, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=ENV) as r:
        server.close()
        if during:
            during()
        out, err = r.communicate(timeout=60)
    reader.join(30)
    result = Result(r.returncode, out.decode(), err.decode("utf-8", "replace"))
    result.got = got[0] if got else None
    return result


refusals = set()


def failed(r):
    """systemd would fail the unit: more than it takes, and of no use, not even as a key: no two begin alike."""
    fresh = r.got is not None and r.got[:64] not in refusals
    if fresh:
        refusals.add(r.got[:64])
    return fresh and len(r.got) > LIMIT and len(set(r.got[:4096])) > 200


def program(*args):
    r = subprocess.run([PROGRAM, *args], stdin=subprocess.DEVNULL, capture_output=True, env=ENV, timeout=30, check=False)
    return Result(r.returncode, r.stdout.decode(), r.stderr.decode())


broker = Broker({"web/key/tls": SECRET, "default/disk/data": b"disk"})
CONF = f"""# for all
url = {broker.url}
timeout = 20s

[nginx.service/tls-key]   # what it serves with
resource = web/key/tls
[cryptsetup/data]
resource = kbs:///default/disk/data
timeout=10s
[db@1.service/password]
resource = no/such/secret
"""
path("conf", CONF.encode())

# --- the command line and the configuration --------------------------------------------------------
r = program("--help")
ok(r.code == 0 and "usage: assay-credential" in r.out and all(len(line) < 80 for line in r.out.splitlines()), "--help", r)
ok(program("--version").out.startswith("assay-credential "), "--version")
ok(program("--what").code == 2, "another option: exit 2")
r = program("--config", "conf", "--check")
ok(r.code == 0 and r.err == "" and r.out.splitlines()[:4] == ["[nginx.service/tls-key]", "resource = web/key/tls",
                                                            f"url = {broker.url}", "timeout = 20s"]
   and "timeout = 10s" in r.out, "--check prints what holds", r)
for name, text, words in (
        ("no such key", "colour = red", 'conf:1: "colour" cannot be set here'),
        ("a resource for all", "resource = a/b/c", 'conf:1: "resource" cannot be set here'),
        ("no equals sign", "url", 'conf:1: "url" is not "key = value"'),
        ("no value", "url =", "conf:1: url has no value"),
        ("no scheme", "url = x\n[s/x]\nresource = kbs:///a/b/c",
         'conf: [s/x]: url: "x" is none of https://..., http://..., unix:/PATH'),
        ("a password", "url = https://me:hunter2@x\n[s/x]\nresource = a/b/c", "conf: [s/x]: url: has a user in it"),
        ("a password behind three slashes", "[s/x]\nresource = a/b/c\nurl = HTTP:///me:hunter2@x/",
         "conf: [s/x]: url: has a user in it"),
        ("twice", "url = x\nurl = y", "conf:2: url stands there twice"),
        ("a section without a slash", "[nginx]", 'conf:1: "[nginx]" is not [UNIT/CREDENTIAL]'),
        ("two slashes", "[a/b/c]", "is not [UNIT/CREDENTIAL]"),
        ("an open section", "[a/b", "is not [UNIT/CREDENTIAL]"),
        ("a section twice", "[a/b]\nresource=a/b/c\n[a/b]\nresource=a/b/c", "conf:3: [a/b] stands there twice"),
        ("no resource", "[a/b]", "conf: [a/b] names no resource"),
        ("a bad resource", "[a/b]\nresource = a/../c", '[a/b]: resource: "a/../c" is no resource'),
        ("a bad time", "[a/b]\nresource = a/b/c\ntimeout = 5", '[a/b]: timeout: "5" is no duration')):
    path("bad/conf", text.encode())
    r = program("--config", "bad/conf", "--check")
    ok(r.code == 2 and words in r.err and "hunter2" not in r.err and r.out == "", f"--check: {name}: exit 2", r)
    r = ask("\0deadbeef/unit/nginx.service/tls-key", config="bad/conf", tee=None)
    ok(r.code == 2 and failed(r), f"{name}: the unit fails", r.err)
r = program("--config", "none", "--check")
ok(r.code == 2 and r.err == "assay-credential: none: No such file or directory\n", "no file", r)

# --- who asks ----------------------------------------------------------------------------------------
for name, peer in (("nobody", None), ("a file", f"{FOLDER.name}/peer"), ("an empty name", "\0"),
                   ("no number", "\0/unit/nginx.service/tls-key"), ("another kind", "\0abc/user/nginx.service/tls-key"),
                   ("upper case", "\0ABC/unit/nginx.service/tls-key"),
                   ("a NUL in it", "\0abc/unit/nginx.service/tls-key\0x")):
    r = ask(peer, tee=None)
    ok(r.code == 2 and failed(r) and "the peer does not say for what it asks" in r.err, f"{name}: exit 2", r.err)
for name in ("nginx.service/other", "other.service/tls-key", "nginx.service/tls-key/x", "nginx.service", "data",
             "cryptsetup/data"):
    r = ask(f"\0abc/unit/{name}", tee=None)
    ok(failed(r) and "says which resource that is" in r.err or name == "cryptsetup/data", f"no section for {name}", r.err)
r = program("--config", "conf")
ok(r.code == 2 and "is no connection to a Unix socket" in r.err, "no socket at all: exit 2", r)
ok(broker.asked == [], "and nobody was asked", broker.asked)
r = ask("\0abc/unit/nginx.service/tls-key", tee=None)
ok(r.code == 3 and failed(r) and "nginx.service/tls-key: no TEE here that gives evidence" in r.err, "no TEE: exit 3", r.err)

# --- the answer ----------------------------------------------------------------------------------------
allowed()
for tee in ("snp", "tdx"):
    new(tee, "--tee", tee, "--seed", "7")
    r = ask("\0" + "0123456789abcdef/unit/nginx.service/tls-key", tee=tee)
    ok(r.code == 0 and r.got == SECRET and r.out == r.err == "", f"{tee}: a unit's credential", r)
r = ask("\0abc/cryptsetup/data")
ok(r.code == 0 and r.got == b"disk", "a volume's key", r)
r = ask("\0abc/unit/db@1.service/password")
ok(r.code == 1 and failed(r) and "db@1.service/password: the broker has no such thing as no/such/secret" in r.err,
   "no such secret: the unit fails", r.err)

# A broker that is not ready yet, for longer than a command would wait for it.
late = {"auth": 5, "resource": 3}
for name in late:
    def unready(handler, name=name):
        late[name] -= 1
        return None if late[name] < 0 else handler.reply(500) or True
    broker.hostile[name] = unready
r = ask("\0abc/unit/nginx.service/tls-key")
ok(r.code == 0 and r.got == SECRET and r.err == "", "a broker that is ready later", r)
broker.hostile.clear()

broker.release = lambda session, name: "policy web, line 1: no\nassay-credential: forged line"
r = ask("\0abc/unit/nginx.service/tls-key")
ok(r.code == 1 and failed(r) and r.err.count("\n") == 1 and "policy web, line 1: no assay-credential" in r.err,
   "refused: in the broker's words, one line of them, and the unit fails", r.err)

# A broker that takes the connection and says nothing, until systemd has had enough.
with socket.create_server(("127.0.0.1", 0)) as silent:
    def stop():
        connection, _ = silent.accept()
        os.kill(int(read("pid")), signal.SIGTERM)
        connection.settimeout(30)
        while connection.recv(4096):
            pass

    stalled = CONF.replace(broker.url, f"http://127.0.0.1:{silent.getsockname()[1]}")
    r = ask("\0abc/unit/nginx.service/tls-key", config=path("stalled", stalled.encode()), during=stop)
ok(r.code == 4 and failed(r) and "stopped before the secret was sent" in r.err, "stopped by systemd: the unit fails", r.err)

broker.stop()
r = ask("\0abc/unit/nginx.service/tls-key", config=path("short", CONF.replace("20s", "2s").encode()))
ok(r.code == 4 and failed(r), "no broker: the unit fails", r.err)
done()
