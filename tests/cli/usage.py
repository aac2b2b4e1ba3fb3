# SPDX-License-Identifier: Apache-2.0
"""Grammar: commands, options, help, completion, and the manual pages that list them."""

import functools
import os
import re
import shutil
import subprocess
import tempfile

from harness import ROOT, done, fits, ok, path, run

COMMANDS = [
    "attest",
    "inspect",
    "verify",
    "measure snp",
    "measure sev",
    "measure sev-es",
    "measure tdx",
    "explain",
    "collateral show",
    "collateral pack",
    "collateral fetch",
    "collateral push",
    "policy list",
    "policy show",
    "policy check",
    "policy test",
    "policy push",
    "policy rm",
    "launch verify-platform",
    "launch session",
    "launch check",
    "launch secret",
    "cert make",
    "cert verify",
    "key get",
    "key unseal",
    "log show",
    "log replay",
    "log extend",
    "token show",
    "token verify",
    "token issue",
    "secret put",
    "secret list",
    "secret get",
    "secret history",
    "secret rm",
    "reference list",
    "reference push",
    "reference rm",
    "audit list",
    "audit verify",
    "admin list",
    "admin add",
    "admin rm",
    "admin rotate",
    "completion",
    "help",
]
FILE = path("evidence", b"no evidence")

# Arguments, exit code, words that standard error must have.
CASES = [
    ([], 2, "usage: assay COMMAND"),
    (["frobnicate"], 2, 'no command "frobnicate"'),
    (["verfy", "x"], 2, "did you mean verify?"),
    (["insp"], 2, "did you mean inspect?"),
    (["collateral", "shwo"], 2, "did you mean collateral show?"),
    (["--verify"], 2, "options stand after the command"),
    (["help", "verfy"], 2, "did you mean verify?"),
    (["verify"], 2, "an operand is missing"),
    (["verify", "a", "b"], 2, '"b" is one operand too many'),
    (["verify", "--", "-a", "-b"], 2, '"-b" is one operand too many'),
    (["verify", "--frob", FILE], 2, "there is no option --frob"),
    (["verify", "--trust-rot", "x", FILE], 2, "did you mean --trust-root?"),
    (["verify", "--policies=default", FILE], 2, "did you mean --policy?"),
    (["verify", "-x", FILE], 2, "there is no option -x"),
    (["verify", "-qv", FILE], 2, "-q takes no value"),
    (["verify", "-report_data", "00", FILE], 2, "two dashes, --report-data"),
    (["verify", "-collateral", "x", FILE], 2, "two dashes, --collateral"),
    (["verify", "-trusted_roots=x", FILE], 2, "two dashes, --trusted-roots"),
    (["verify", "--json=yes", FILE], 2, "--json: takes no value"),
    (["verify", "--require-crl=true", FILE], 2, "--require-crl: takes no value"),
    (["verify", "--check_crl=maybe", FILE], 2, "neither true nor false"),
    (["verify", FILE, "--nonce"], 2, "--nonce: needs a value, HEX"),
    (["verify", FILE, "-c"], 2, "-c: needs a value, PATH"),
    (["verify", "--time", "now", "--time", "now", FILE], 2, "--time: is given twice"),
    (["verify", "--time", "yesterday", FILE], 2, "is no time"),
    (["verify", "--time", "2025-02-29", FILE], 2, "is no time"),
    (["verify", "--time", "2025-07-04T10:16:31", FILE], 2, "is no time"),
    (["verify", "--time", "2025-07-04T24:00:00Z", FILE], 2, "is no time"),
    (["verify", "--nonce", "12xz", FILE], 2, '--nonce: "12xz" is not hex; write hex, base64:TEXT or @FILE'),
    (["verify", "--nonce", "123", FILE], 2, "is not hex"),
    (["verify", "--nonce", "", FILE], 2, "is not hex"),
    (["verify", "--nonce", "0x", FILE], 2, "is not hex"),
    (["verify", "--nonce", "01020304050607", FILE], 2, "is too short: 7 of at least 8 bytes"),
    (["verify", "--nonce", "00" * 65, FILE], 2, "is 65 bytes, at most 64"),
    (["verify", "--nonce", "base64:AAA*", FILE], 2, "is not base64"),
    (["verify", "--nonce", "base64:AAAAAAAAAAB", FILE], 2, "is not base64"),
    (["verify", "--nonce", "@" + path("nonce-65", b"x" * 65), FILE], 2, "is 65 bytes"),
    (["verify", "--nonce", "@" + path("none", b""), FILE], 2, "is too short: 0 of at least 8 bytes"),
    (["verify", "--nonce", "@/nonexistent", FILE], 4, "/nonexistent: No such file"),
    (["verify", "--nonce", "00" * 8, "--report-data", "00", FILE], 2, "the same thing twice"),
    (["verify", "--bind", FILE, FILE], 2, "--bind: --nonce is needed, too"),
    (["verify", "--bind", FILE, "--report-data", "00", FILE], 2, "--bind: --nonce is needed, too"),
    (["verify", "--bind", path("no-key", b""), "--nonce", "00" * 8, FILE], 2, "--bind: the key to bind is empty"),
    (["verify", "--bind", "/nonexistent", "--nonce", "00" * 8, FILE], 4, "/nonexistent: No such file"),
    (["verify", "--bind", "-", "--nonce", "00" * 8, "-"], 2, "standard input can be read once"),
    (["attest", "--bind", FILE, "--random", "-o", "x"], 2, "--bind: --nonce is needed, too"),
    (["attest", "--bind", FILE, "--report-data", "00", "-o", "x"], 2, "--bind: --nonce is needed, too"),
    (["verify", "-p", "strict", FILE], 2, '"strict" is not built in'),
    (["verify", "--expect", "measurement", FILE], 2, "is not CLAIM=VALUE"),
    (["verify", "--expect", "=x", FILE], 2, "is not CLAIM=VALUE"),
    (["verify", "--expect", "mesurement=00", FILE], 2, "did you mean measurement?"),
    (["verify", "--expect", "nothing.of.ours=1", FILE], 2, "there is no claim"),
    (["verify", "--min-tcb", "snp=", FILE], 2, "--min-tcb: "),
    (["verify", "--min-tcb", "snip=3", FILE], 2, "--min-tcb: "),
    (["verify", "--color", "green", FILE], 2, "none of auto, always, never"),
    (["verify", "--json", "--claims", FILE], 2, "one of the two"),
    (["verify", "-c", "-", "-"], 2, "standard input can be read once"),
    (["verify", "--nonce", "@-", "-"], 2, "standard input can be read once"),
    (["verify", "-o", "", FILE], 2, "--output: is empty"),
    (["explain", "dcap.qe_identity.date"], 2, "did you mean dcap.qe_identity.dates?"),
    (["explain", "a", "b"], 2, "one operand too many"),
    (["completion"], 2, "an operand is missing"),
    (["completion", "csh"], 2, "none of bash, zsh, fish"),
    (["collateral", "show"], 2, "an operand is missing"),
    (["collateral", "show", "--within", "7", FILE], 2, "is no duration"),
    (["collateral", "show", "--within", "d", FILE], 2, "is no duration"),
    (["log", "extend", "--register", "rtmr2", FILE], 2, "--type is missing"),
    (["log", "extend", "--type", "EV_IPL", FILE], 2, "--register is missing"),
    (["log", "extend", "--register", "rtmr2", "--type", "EV_IPL"], 2, "--digest or DATA is needed"),
    (["log", "extend", "--register", "rtmr2", "--type", "IPL", FILE], 2, 'type "IPL" is not known'),
    (["log", "extend", "--register", "rtmr9", "--type", "EV_IPL", FILE], 2, 'register "rtmr9" is none of'),
    (["log", "extend", "--register", "rtmr2", "--type", "EV_IPL", "--digest", "00" * 47], 2, "is 47 bytes, want 48"),
    (["log", "extend", "--register", "rtmr2", "--type", "EV_IPL", "--digest", "00" * 49], 2, "is 49 bytes, want 48"),
    (["log", "extend", "--register", "rtmr2", "--type", "AAEL", FILE], 2, "DOMAIN OPERATION CONTENT"),
    (["log", "extend", "--register", "rtmr2", "--type", "EV_IPL", "--raw", "--json", FILE], 2, "one of the two"),
    (["log", "extend", "--register", "rtmr2", "--type", "EV_IPL", FILE], 3, "the kernel is older than 6.16, or this is no TD"),
    (["collateral", "pack", FILE], 2, "-o FILE is missing"),
    (["collateral", "push"], 2, "an operand is missing"),
    (["collateral", "push", FILE], 2, "--url URL is missing"),
    (["secret", "put"], 2, "an operand is missing"),
    (["secret", "put", "a/b"], 2, '"a/b" is no path of a secret; write REPO/TYPE/TAG'),
    (["secret", "list"], 2, "--url URL is missing"),
    (["secret", "list", "--url", "https://x"], 2, "--admin-key FILE is missing"),
    (["secret", "list", "--url", "x"], 2, "is none of https://"),
    (["secret", "rm", "--yes"], 2, "an operand is missing"),
    (["policy", "push", "web"], 2, "an operand is missing"),
    (["policy", "push", ".web", FILE], 2, "is no name of a policy"),
    (["reference", "push"], 2, "an operand is missing"),
    (["audit", "list", "--since", "yesterday"], 2, "is no time"),
    (["audit", "list", "--raw", "--follow"], 2, "it goes with none of"),
    (["audit", "verify", "--raw", "--json"], 2, "--json and --raw: one of the two"),
    (["audit", "verify", "--since", FILE, FILE], 2, "is no signed head"),
    (["admin", "add", "x", FILE], 2, "--role is missing"),
    (["admin", "rotate", "admin"], 2, "is none of token, master"),
]


@functools.cache
def options_of_help(command):
    text = run(*command.split(), "--help").out
    found = re.findall(r"^  (?:-(\w), |    )--([a-z0-9-]+)(?: (\S+))?", text, re.M)
    return [(letter, name, bool(value)) for letter, name, value in found]


def options_of_page(command):
    """The .It lines of the list that documents a command."""
    noun, _, verb = command.partition(" ")
    page = "assay" if command in ("completion", "help") else "assay-" + noun
    with open(os.path.join(ROOT, "man", page + ".1"), encoding="utf-8") as file:
        text = file.read()
    if verb or noun == "completion":
        text = text.split(f".Ss {verb or noun}\n")[1]
        text = re.split(r"^\.S[sh] ", text, flags=re.M)[0]
    found = [option for line in re.findall(r"^\.It (Fl .*)$", text, re.M)
             for option in re.findall(r"(?:Fl (\w) , )?Fl -([a-z0-9-]+)( Ar)?", line)]
    return [(letter, name, bool(value)) for letter, name, value in found]


for args, code, words in CASES:
    r = run(*args)
    name = "assay " + " ".join(arg.replace(FILE, "FILE")[:40] for arg in args)
    ok(r.code == code and words in r.err and r.out == "", f"{name}: {code}, {words}", r)

for command in COMMANDS:
    r = run(*command.split(), "--help")
    ok(r.code == 0 and r.err == "" and r.out.startswith(f"usage: assay {command} "),
       f"{command} --help", r)
    ok(len(r.out.splitlines()) <= 40 and fits(r.out), f"{command} --help fits a screen", r)
    examples = r.out.split("Examples:\n")[1].split("\n\n")[0].splitlines()
    ok(len(examples) == 2 and "\nExit: 0 " in r.out and "man assay" in r.out,
       f"{command} --help has two examples, exit codes and the page", r)
    ok(run("help", *command.split()).out == r.out, f"help {command} is the same")
    ok(run(*command.split(), "-h").out == r.out, f"{command} -h is the same")
    if command != "help":
        ok(options_of_help(command) == options_of_page(command),
           f"the page lists exactly the options of {command}",
           f"{options_of_help(command)}\n{options_of_page(command)}")

def listed(text):
    """Each has a line of its own, or is a verb on the line of its noun."""
    found = []
    for noun, rest in re.findall(r"^  ([a-z]+) +(.*)$", text, re.M):
        verbs = re.match(r"([a-z|-]+):", rest)
        found += [f"{noun} {verb}" for verb in verbs.group(1).split("|")] if verbs else [noun]
    return sorted(found)


for args in (["--help"], ["-h"], ["help"]):
    r = run(*args)
    ok(r.code == 0 and fits(r.out) and listed(r.out.split("Examples:")[0]) == sorted(COMMANDS),
       f"assay {args[0]} lists exactly the commands", r)
r = run("collateral")
ok(r.code == 0 and "collateral pack" in r.out, "a bare noun prints its help", r)
for noun in sorted({command.split()[0] for command in COMMANDS if " " in command}):
    ok(fits(run(noun).out), f"{noun}: its help fits a screen", run(noun))
r = run("--version")
ok(r.code == 0 and re.match(r"assay \d+\.\d+\.\d+\nlibassay \d.*OpenSSL \d.*\n.*20\d\d-\d\d-\d\d\n$",
                            r.out), "--version", r)

# --- addresses: none leaves open whether it is in the clear ------------------------------------------
RESOURCE = "kbs:///a/b/c"
for url in ("192.0.2.2:8097", "http:/192.0.2.2:8097", "unix:socket", "ftp://192.0.2.2"):
    for args in (["key", "get", "-o", "x", RESOURCE], ["secret", "list"], ["token", "verify", FILE]):
        r = run(*args, "--url", url)
        ok(r.code == 2 and f'--url: "{url}" is none of https://..., http://..., unix:/PATH' in r.err,
           f"assay {args[0]} {args[1]} --url {url}", r)
    r = run("key", "get", "-o", "x", RESOURCE, env={"ASSAY_URL": url})
    ok(r.code == 2 and "is none of https://" in r.err, f"ASSAY_URL={url}", r)
    r = run("attest", "--to", url)
    ok(r.code == 2 and f'--to: "{url}" is none of https://' in r.err and r.out == "", f"assay attest --to {url}", r)
r = run("key", "get", "-o", "x", "--url", "HTTP://192.0.2.2:8097", RESOURCE)
ok(r.code == 3 and "warning: HTTP://192.0.2.2:8097: whoever is on the way" in r.err, "a scheme in capitals is warned of", r)
for args in (["key", "get", "-o", "x", RESOURCE, "--url"], ["secret", "list", "--url"],
             ["token", "verify", FILE, "--url"], ["attest", "--to"]):
    for ca, code, words in (("nosuch", 4, "nosuch: No such file"), (".", 2, ".: is a folder"),
                            (FILE, 2, "holds no certificate in PEM; --ca takes those")):
        r = run(*args, "https://192.0.2.2", *([] if args[0] == "attest" else ["--ca", ca]), env={"ASSAY_CA": ca})
        ok(r.code == code and words in r.err and "192.0.2.2" not in r.err, f"assay {args[0]}: --ca {ca[-6:]}", r)
with tempfile.TemporaryDirectory() as folder:
    os.mkfifo(f"{folder}/ca")
    r = run("token", "verify", FILE, "--url", "https://127.0.0.1:1", "--ca", f"{folder}/ca")
    ok(r.code == 4 and "https://127.0.0.1:1/" in r.err, "--ca of a pipe is read by the one who needs it", r)
r = run("key", "get", "-o", "x", "--url", "http://127.0.0.1:1", RESOURCE, env={"ASSAY_CA": "nosuch"})
ok(r.code == 3, "ASSAY_CA does not count where there is no TLS", r)

# --- spellings, order, and the ways to write a value: read far enough to miss the file ----------
for args in (["verify", "gone"], ["check", "gone"], ["verify", "gone", "-q", "-v"],
             ["verify", "--time=2025-07-04T12:16:31.5+02:00", "gone"],
             ["verify", "--time", "2025-07-04 10:16:31Z", "gone"],
             ["verify", "-pgenuine", "gone", "-p", "default"],
             ["verify", "--nonce", "0x01:02:03:04:05:06:07:AA", "gone"],
             ["verify", "--nonce=base64:__-_AAAAAAAAAAA", "gone"],
             ["verify", "--report_data", "00", "gone"],
             ["verify", "--check_crl=true", "--check-crl=false", "--require-crl", "gone"],
             ["verify", "--minimum_tcb", "0x0801000000000203", "gone"],
             ["verify", "--measurement", "00" * 48, "--host-data=" + "00" * 32, "gone"],
             ["verify", "--chip_id=00", "--family-id=00", "--image-id=00", "--vmpl=0", "gone"],
             ["verify", "--mr_td=00", "--mr-seam=00", "--xfam=00", "gone"],
             ["verify", "--", "gone"], ["display", "gone"], ["inspect", "gone"],
             ["verify", "--expect", "tee=tdx", "--expect=debug=false", "gone"]):
    r = run(*args)
    ok(r.code == 4 and "gone: No such file" in r.err, "assay " + " ".join(args)[:60], r)

# --- explain -------------------------------------------------------------------------------------
ids = run("explain").out.split()
ok(len(ids) > 50 and len(set(ids)) == len(ids), "explain lists the checks")
told = {i: run("explain", "--json", i).json for i in ids}
bare = [i for i in ids if not all(told[i][k] for k in ("proves", "stops", "source", "remedy"))]
ok(not bare, "each check says what it proves, stops, and comes from, and its remedy", bare)
wide = [i for i in ids if not fits(run("explain", i).out)]
ok(not wide, "each explanation fits a screen", wide)
ok(run("explain", "expect.measurement").out == run("explain", "expect").out,
   "expect.CLAIM is explained as expect")
ok(run("explain", "--json").json["checks"] == ids, "explain --json lists them, too")

# --- completion ----------------------------------------------------------------------------------
for shell, check in (("bash", ["bash", "-n"]), ("zsh", ["zsh", "-n"]), ("fish", ["fish", "-n"])):
    r = run("completion", shell)
    script = path("completion." + shell, r.out.encode())
    missing = [f"{c} --{name}" for c in COMMANDS for _, name, _ in options_of_help(c)
               if (f"-l {name} " if shell == "fish" else f"--{name}") not in r.out]
    ok(r.code == 0 and not missing, f"{shell}: all options are completed", missing)
    if shutil.which(check[0]) is None:
        print(f"# {shell} is not installed: its script was not parsed")
        continue
    p = subprocess.run([*check, script], capture_output=True, check=False)
    ok(p.returncode == 0, f"{shell}: the script parses", p.stderr)

if shutil.which("bash"):
    for words, want in ((["ver"], ["verify"]), (["help", "la"], ["launch"]),
                        (["collateral", ""], ["show", "pack", "fetch", "push"]),
                        (["verify", "--tr"], ["--trust-root"]),
                        (["collateral", "show", "--w"], ["--within"]),
                        (["verify", "--color", "al"], ["always"]),
                        (["completion", "z"], ["zsh"]),
                        (["explain", "sev.pdh."], ["sev.pdh.profile", "sev.pdh.signature"])):
        line = " ".join(f"'{w}'" for w in words)
        p = subprocess.run(["bash", "-c", f". {path('completion.bash', run('completion', 'bash').out.encode())}; "
                            f"COMP_WORDS=(assay {line}) COMP_CWORD={len(words)}; _assay; "
                            "echo ${COMPREPLY[@]}"], capture_output=True, text=True, check=False)
        ok(p.stdout.split() == want, f"bash completes: assay {' '.join(words)}", p)

done()
