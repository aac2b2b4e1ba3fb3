# SPDX-License-Identifier: Apache-2.0
"""The whole way of a SEV and SEV-ES guest: launched by its owner, attested by the agent through the host's
broker, verified by the launch record; and hosts that cheat. Arguments: assay-agentd, assay, key_client,
assayd, assay-sim, assay-brokerd."""
import json

from harness import *

agentd, assay, key_client, assayd, assay_sim, brokerd = map(os.path.abspath, sys.argv[1:7])
sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir, "sandbox"))
from forbidden import forbidden  # noqa: E402  the folder comes first

if forbidden():
    print("1..0 # SKIP no sandbox on this machine:", forbidden())
    sys.exit(0)
folder = tempfile.mkdtemp(prefix="guest-")
os.chdir(folder)
env = {**os.environ, "PATH": ":".join([os.path.dirname(p) for p in (agentd, brokerd, assay)] + [os.environ["PATH"]])}
NONCE = "00112233445566778899aabbccddeeff"


def run(*words, timeout=120):
    p = subprocess.run(words, capture_output=True, text=True, timeout=timeout, env=env, stdin=subprocess.DEVNULL)
    return p.returncode, p.stdout, p.stderr


def inside(tee, *words, fault=None):
    return run(assay_sim, "run", "-v", "--tee", tee, "--platform", tee, *(["--fault", fault] if fault else []),
               "--", *words)


def verify(tee, *words, nonce=NONCE, record=None):
    return run(assay, "verify", "--launch", record or f"{tee}/launch.json", "--nonce", nonce, "--trust-root",
               f"{tee}/trust-root", "-c", f"{tee}/collateral", *words)


for seed, tee in ((5, "sev-es"), (6, "sev")):
    run(assay_sim, "new", "--tee", tee, "--seed", str(seed), tee)
    out = f"{tee}.cbor"
    code, text, err = inside(tee, assay, "attest", "--nonce", NONCE, "-o", out, "-v")
    check(code == 0 and f"6460 bytes with proof; {tee}," in err, f"{tee}: attested through broker and agent {err[-300:]}")
    code, text, err = verify(tee, out)
    if tee == "sev-es":
        check(code == 0 and "AMD SEV-ES: genuine" in text, f"{tee}: verified by the launch record, accepted {text[:400]}{err}")
    else:
        check(code == 1 and "genuine" in text and "binding" in text,
              f"{tee}: genuine, but weak, and refused by default {text[:400]}{err}")
    code, text, err = verify(tee, out, nonce="ff" * 16)
    check(code == 1 and "sev." in text, f"{tee}: another nonce: refused")
    code, text, err = inside(tee, assay, "attest", "--list")
    check(code == 0 and f"{tee:<16} yes" in text, f"{tee}: --list says who answers")
    code, text, err = inside(tee, key_client)
    check("query -1 Permission denied" in text, f"{tee}: get_attestation() gives nobody the key")
    code, text, err = inside(tee, "sh", "-c", "ls /sys/kernel/security/secrets/coco; id -u")
    check(code == 0 and GUID not in text, f"{tee}: the launch key is gone before the program starts")

# --- hosts that cheat: nothing is signed -----------------------------------------------------------
for fault, words in (("wrong-nonce", "MNONCE is another"), ("replay", None), ("other-vm", None)):
    code, text, err = inside("sev-es", assay, "attest", "--nonce", NONCE, "-o", "cheat.cbor", fault=fault)
    if code == 0:  # the first report of all may be of any guest: then the record tells
        code, text, err = verify("sev-es", "cheat.cbor")
        check(code == 1, f"{fault}: the verifier refuses it: {text.split(chr(10))[2] if code == 1 else text}")
        os.unlink("cheat.cbor")
    else:
        check(words is None or words in err, f"{fault}: not signed: {err.strip().splitlines()[-1]}")
        check(not os.path.exists("cheat.cbor"), f"{fault}: and nothing is written")

# --- the released key -------------------------------------------------------------------------------
SECRET = os.urandom(100)
with open("secret", "wb") as to:
    to.write(SECRET)
with open("weak.policy", "w") as to:
    to.write("for sev\n  require instance binding == weak\n")
server = subprocess.Popen([assayd, "--store", f"sqlite:{folder}/s.db", "--listen", f"unix:{folder}/s.sock",
                           "--trust-root", "sev-es/trust-root", "--trust-root", "sev/trust-root"],
                          stderr=subprocess.DEVNULL)
wait_until(lambda: listens("s.sock") and os.path.exists("admin.pem"), 20)
env.update(ASSAY_URL=f"unix:{folder}/s.sock", ASSAY_ADMIN_KEY=f"{folder}/admin.pem")
for words in (("policy", "push", "weak", "weak.policy"), ("secret", "put", "default/key/disk", "secret"),
              ("secret", "put", "--policy", "weak", "default/key/weak", "secret"),
              ("collateral", "push", "sev-es/collateral"), ("collateral", "push", "sev/collateral")):
    code, text, err = run(assay, *words)
    check(code == 0, f"{' '.join(words)} {err}")

# Two keys, and one beat of a watch: their exit codes.
ASK = """until [ -e go ]; do sleep 0.1; done
for key in disk weak; do "$0" key get -o $key kbs:///default/key/$key; echo $key $?; done
"$0" attest --watch 60s --to "$ASSAY_URL" >beat & until [ -s beat ]; do sleep 0.1; done; kill $!; wait $!; echo beat $?"""


def ask(tee, push):
    """Inside a launch of its own, whose record the owner pushes meanwhile, or does not. The exit codes, the line
    of the beat, and what was said."""
    before = os.stat(f"{tee}/launch.json").st_mtime_ns
    for name in ("go", "disk", "weak", "beat"):
        if os.path.exists(name):
            os.unlink(name)
    p = subprocess.Popen([assay_sim, "run", "--tee", tee, "--platform", tee, "--", "sh", "-c", ASK, assay],
                         env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True)

    def launched(): # and the record is whole, of which the owner's key comes last
        try:
            return all(os.stat(f"{tee}/{name}").st_mtime_ns > before and json.load(open(f"{tee}/{name}"))
                       for name in ("launch.json", "owner.jwk"))
        except ValueError:
            return False
    check(wait_until(launched, 40), f"{tee}: a new launch")
    if push:
        code, text, err = run(assay, "reference", "push", "--signer", f"{tee}/owner.jwk", f"{tee}-vm", f"{tee}/launch.json")
        check(code == 0, f"{tee}: the owner pushes the launch record {err}")
    open("go", "w").close()
    text, err = p.communicate(timeout=60)
    codes = {what: int(code) for what, code in (line.split() for line in text.splitlines())}
    for key in ("disk", "weak"):
        given = os.path.exists(key) and open(key, "rb").read() == SECRET
        check(given == (codes[key] == 0), f"{tee}: {key} is what was stored, or nothing")
    return codes, open("beat").read(), err


NOTHING = {"disk": 1, "weak": 1, "beat": 1}
codes, beat, err = ask("sev-es", False)
check(codes == NOTHING and " REFUSED " in beat, f"sev-es: without its launch record no key is released: {codes} {err[-200:]}")
codes, beat, err = ask("sev-es", True)
check(codes == {**NOTHING, "disk": 0, "beat": 0} and " ACCEPTED " in beat,
      f"sev-es: with it, the key under default is, and the watch says ACCEPTED: {codes} {beat} {err[-300:]}")
codes, beat, err = ask("sev-es", False)
check(codes == NOTHING and "sev.proof.known" in beat, f"sev-es: another launch, another record: {codes} {beat}")
code, text, err = run(assay, "reference", "rm", "sev-es-vm")  # both records have the platform's one name
check(code == 0, f"the record is removed {err}")
codes, beat, err = ask("sev", True)
check(codes == {**NOTHING, "weak": 0} and " REFUSED " in beat and "sev.policy.binding" in beat and "binding is weak" in err,
      f"sev: the key under binding == weak, none under default, and the watch says REFUSED: {codes} {beat} {err[-300:]}")
server.terminate()
server.wait(20)
os.chdir("/")
shutil.rmtree(folder)
done()
