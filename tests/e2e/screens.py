# SPDX-License-Identifier: Apache-2.0
"""assay-sim as a person meets it: help that fits a screen, and mistakes that are told in a sentence."""

import subprocess

from sandbox import SIM, Result, done, fits, new, ok


def sim(*args):
    r = subprocess.run([SIM, *args], capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=60, check=False)
    return Result(r.returncode, r.stdout, r.stderr)


COMMANDS = ["new", "show", "run", "serve"]
r = sim("--help")
ok(r.code == 0 and r.err == "" and fits(r.out) and all(f"\n  {c} " in r.out for c in COMMANDS)
   and "test keys" in r.out, "assay-sim --help lists all commands, and says what the keys are", r)
ok(sim("-h").out == r.out and sim("help").out == r.out, "so do -h and help")
for command in COMMANDS:
    r = sim(command, "--help")
    ok(r.code == 0 and r.err == "" and r.out.startswith(f"usage: assay-sim {command} ") and fits(r.out)
       and len(r.out.splitlines()) <= 40 and "\nexit: " in r.out, f"{command} --help fits a screen", r)
    ok(sim(command, "-h").out == r.out and sim("help", command).out == r.out,
       f"{command} -h and help {command} are the same")
    r = sim(command, "--no-such-option")
    ok(r.code == 2 and r.out == "" and f"(assay-sim {command} --help)" in r.err, f"{command}: no such option", r)
r = sim()
ok(r.code == 2 and r.out == "" and fits(r.err) and all(f" assay-sim {c} " in r.err for c in COMMANDS), "no command", r)

new("snp", "--tee", "snp")
for args, code, words in (
        (["rnu"], 2, '"rnu" is no command; there is: new, show, run, serve'),
        (["help", "rnu"], 2, '"rnu" is no command'),
        (["new", "--tee", "foo", "D"], 2, '--tee: "foo"; write sgx, tdx, snp, sev or sev-es'),
        (["new", "--tee", "snp"], 2, "where to? name a folder"),
        (["new", "D"], 2, "which TEE?"),
        (["new", "--tee", "snp", "snp"], 4, "File exists; name a new folder"),
        (["show", "nowhere"], 4, "nowhere/platform.json: No such file or directory; name a folder of assay-sim new"),
        (["run", "--tee", "snp", "--platform", "nowhere", "--", "true"], 125, "; name a folder of assay-sim new"),
        (["serve", "--platform", "nowhere"], 4, "; name a folder of assay-sim new"),
        (["run", "--tee", "tdx", "--platform", "snp", "--", "true"], 2, "snp is a platform of kind snp"),
        (["run", "--tee", "snp"], 2, "which program? name it behind --"),
        (["serve"], 2, "for which platform? give --platform DIR")):
    r = sim(*args)
    ok(r.code == code and words in r.err and r.out == "", f"assay-sim {' '.join(args)}: exit {code}", r)
done()
