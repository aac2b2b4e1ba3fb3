#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""assayd's options and its configuration file: what is taken, what is refused and with which words."""
import os
import subprocess
import sys
import tempfile

from harness import check, done

ASSAYD = os.path.abspath(sys.argv[1])
FOLDER = tempfile.TemporaryDirectory(prefix="assayd-options-")


def run(*args):
    env = dict(os.environ, ASAN_OPTIONS="detect_leaks=0")
    return subprocess.run([ASSAYD, *args], capture_output=True, text=True, timeout=30, env=env)


def file(text):
    path = os.path.join(FOLDER.name, "assayd.conf")
    with open(path, "w") as f:
        f.write(text)
    return path


def refuses(what, words, *args):
    r = run("--check", *args)
    if not check(r.returncode == 2 and words in r.stderr and r.stderr.count("\n") == 1 and r.stdout == "",
                 f"{what}: exit 2 and \"{words}\""):
        print(f"# exit {r.returncode}, {r.stderr!r}")


def refuses_file(what, words, text):
    refuses(what, words, "--config", file(text))


def main():
    r = run("--version")
    check(r.returncode == 0 and r.stdout.startswith("assayd "), "--version")
    r = run("--help")
    check(r.returncode == 0 and "--tls-cert FILE" in r.stdout and r.stdout.count("\n") <= 45 and
          all(len(line) <= 79 for line in r.stdout.splitlines()), "--help fits a screen")

    r = run("--check", "--config", file("# nothing\n"))
    check(r.returncode == 0 and "store = sqlite:/var/lib/assay/assayd.db" in r.stdout and
          "token-life = 300s" in r.stdout and r.stderr == "", "--check prints the defaults")
    text = ("# a comment\n[server]\nlisten = tcp:127.0.0.1:0  # another\nlisten = unix:/tmp/a#b\nworkers = 3\n"
            "log = json\n\n[store]\nstore = sqlite:/tmp/x.db\n[token]\nissuer = https://kbs.example/\n"
            "token-life = 2m\n[verify]\nrequire-crl = yes\nmin-tcb = snp=22,microcode=206\n"
            "[collateral]\nupstream = intel\nupstream = amd\n[policy]\nopa = http://127.0.0.1:8181/v1/data/policy/allow\n")
    r = run("--check", "--config", file(text))
    check(r.returncode == 0 and all(line in r.stdout for line in (
        "listen = tcp:127.0.0.1:0\n", "listen = unix:/tmp/a#b\n", "workers = 3\n", "log = json\n",
        "store = sqlite:/tmp/x.db\n", "token-life = 120s\n", "require-crl = yes\n", "upstream = amd\n",
        "min-tcb = snp=22,microcode=206\n")), "--check prints what a file says")
    again = run("--check", "--config", file(r.stdout))
    check(again.stdout.split("\n", 1)[1] == r.stdout.split("\n", 1)[1], "and its output is such a file")
    r = run("--check", "--config", file(text), "--listen", "tcp:127.0.0.1:1", "--log=text", "--issuer", "me")
    check("listen = tcp:127.0.0.1:1\n" in r.stdout and "unix:" not in r.stdout and "log = text" in r.stdout and
          "issuer = me\n" in r.stdout and "workers = 3\n" in r.stdout, "options win over the file")

    refuses_file("an unknown key", "assayd.conf:2: there is no key \"frob\" in section server",
                 "[server]\nfrob = 1\n")
    refuses_file("a key of another section", "it belongs into store", "[server]\nstore = sqlite:/x\n")
    refuses_file("a key before a section", "before a [section]", "workers = 1\n")
    refuses_file("an unknown section", "there is no section \"web\"", "\n[web]\n")
    refuses_file("no key = value", ":3: \"hello\" is not \"key = value\"", "[server]\n\nhello\n")
    refuses_file("a key twice", ":3: workers is there twice", "[server]\nworkers = 1\nworkers = 2\n")
    refuses_file("no value", "workers has no value", "[server]\nworkers =\n")
    refuses_file("a comment", "issuer has a value that begins with #, as a comment does", "[token]\nissuer=#x\n")
    refuses_file("no number", "workers is a number up to 99", "[server]\nworkers = many\n")
    refuses_file("no switch", "sample is yes or no", "[verify]\nsample = maybe\n")
    refuses_file("no format", "log is text or json", "[server]\nlog = xml\n")
    refuses_file("no time", "token-life is a time", "[token]\ntoken-life = 5\n")
    refuses_file("a zero byte", "zero byte", "[server]\n\0\n")
    refuses("a file that is not there", "No such file", "--config", "/nonexistent/assayd.conf")
    refuses("an unknown option", "\"--frob\": there is no such option", "--frob")
    refuses("an operand", "there is no such option", "serve")
    refuses("an option without its value", "lacks its value", "--listen")
    refuses("an option twice", "is given twice", "--workers", "1", "--workers", "2")
    refuses("an abbreviation", "there is no such option", "--tls-c", "x")

    refuses("no address", "is no address", "--listen", "8080")
    refuses("a port beyond", "port of 0 to 65535", "--listen", "tcp:127.0.0.1:65536")
    refuses("a relative socket", "absolute path", "--listen", "unix:here.sock")
    for address in ("tcp:0.0.0.0:80", "tcp:[::]:80", "tcp:192.0.2.1:80", "tcp:kbs.example:80",
                    "tcp:127.0.0.1.example:80", "tcp:127.0.0.1.5:80", "tcp:128.0.0.1:80"):
        refuses(f"plain HTTP at {address}", "would be plain HTTP beyond this machine", "--listen", address)
    for address in ("tcp:127.0.0.1:80", "tcp:[::1]:80", "tcp:localhost:80", "tcp:127.8.8.8:80", "unix:/run/x"):
        check(run("--check", "--listen", address).returncode == 0, f"plain HTTP at {address} is taken")
    check(run("--check", "--listen", "tcp:0.0.0.0:80", "--insecure-http").returncode == 0,
          "plain HTTP elsewhere with --insecure-http")
    refuses("half of TLS", "tls-key is missing", "--tls-cert", "/x.pem")
    refuses("a client CA without TLS", "client-ca is for TLS", "--client-ca", "/x.pem")
    refuses("certificates that are not there", "/x.pem: cannot be used", "--tls-cert", "/x.pem", "--tls-key",
            "/y.pem")
    refuses("another store", "the one kind of store", "--store", "postgres://db/assay")
    refuses("a long ticket life", "ticket-life: must be", "--ticket-life", "2h")
    refuses("a short token life", "token-life: must be", "--token-life", "1s")
    refuses("a TCB that is none", "min-tcb: ", "--min-tcb", "snp")
    refuses("an upstream that is none", "is not intel, amd or a URL", "--upstream", "ibm")
    refuses("an OPA that is none", "is no URL", "--opa", "localhost")
    refuses("an OPA elsewhere", "is not on this machine", "--opa", "http://192.0.2.1:8181/v1/data/policy/allow")
    refuses("an OPA over TLS", "is https, which is not spoken to OPA", "--opa", "https://127.0.0.1/v1/data/policy/allow")
    refuses("an OPA without its rule", "names no rule", "--opa", "http://127.0.0.1:8181")
    done()


main()
