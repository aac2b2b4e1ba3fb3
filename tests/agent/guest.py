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
    code, text, err = inside(tee, assay, "attest", "--nonce", NONCE, "--coco", "-o", f"{tee}.json")
    check(code == 0 and set(json.load(open(f"{tee}.json"))) == {"sev_report", "sev_proof"}, f"{tee}: --coco {err}")
    code, text, err = verify(tee, f"{tee}.json")
    check(code == (0 if tee == "sev-es" else 1) and "genuine" in text, f"{tee}: the same verdict {text[:400]}{err}")
    code, text, err = verify(tee, out, nonce="ff" * 16)
    check(code == 1 and "sev." in text, f"{tee}: another nonce: refused")
    code, text, err = inside(tee, assay, "attest", "--list")
    check(code == 0 and f"{tee:<16} yes" in text, f"{tee}: --list says who answers")
    code, text, err = inside(tee, key_client)
    check("query -1 Permission denied" in text, f"{tee}: get_attestation() gives nobody the key")
    code, text, err = inside(tee, "sh", "-c", "ls /sys/kernel/security/secrets/coco; id -u")
    check(code == 0 and GUID not in text, f"{tee}: the launch key is gone before the program starts")

# --- an owner's key of another kind ---------------------------------------------------------------------
def launch(verb, *words):
    return run(assay, "launch", verb, *words)


with open("odd.pem", "wb") as to:
    os.chmod("odd.pem", 0o600)
    to.write(openssl("genpkey", "-algorithm", "ed448"))
code, text, err = launch("session", "--guest-policy", "0xf", "--name", "odd", "--trust-root", "sev-es/trust-root",
                         "sev-es/collateral")
check(code == 0, f"a session {err}")
vm = subprocess.Popen([assay_sim, "run", "--tee", "sev-es", "--platform", "sev-es", "--launch", "./odd", "--qmp",
                       f"unix:{folder}/qmp.sock", "--no-agent", "--", "sh", "-c",
                       "assay-agentd --allow-key-uid 0 2>agent.log & "
                       "for _ in $(seq 200); do grep -q ready agent.log && break; sleep 0.1; done; "
                       "ls /sys/kernel/security/secrets/coco; assay attest --random -o odd.cbor; echo attest $?; "
                       f"{key_client} 0; kill $!"],
                      env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, text=True)
wait_until(lambda: os.path.exists("qmp.sock"), 30)
code, text, err = launch("check", "--launch", "odd.launch.json", "--qmp", f"unix:{folder}/qmp.sock", "--ovmf",
                         "sev-es/firmware.fd", "--vcpus", "1", "--vcpu-type", "EPYC-Milan")
check(code == 0, f"checked {text}{err}")
code, text, err = launch("secret", "--launch", "odd.launch.json", "--qmp", f"unix:{folder}/qmp.sock", "--private-key", "odd.pem")
check(code == 0 and err == "assay launch secret: injected key: is of ED448, which is not known here; proofs are signed with P-256,"
      " P-384, Ed25519 and RSA of 2048 to 4096 bits; a guest with this key cannot attest\n",
      f"its owner injects an Ed448 key, and is told what that means {err}")
text = vm.communicate(timeout=60)[0]
check(vm.returncode == 0 and "but attests nothing" in open("agent.log").read(), f"its agent is up {text}")
check(GUID not in text, "the key is gone where the kernel showed it")
check("\nattest 3\n" in text and "sev-es: assay-agentd: injected key: is of ED448" in text and not os.path.exists("odd.cbor"),
      f"assay attest says why there is no evidence {text}")
check(openssl("pkcs8", "-topk8", "-nocrypt", "-outform", "DER", data=open("odd.pem", "rb").read()).hex() in text.split("\n"),
      "get_attestation() gives it to the user who is named")

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
