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
server = subprocess.Popen([assayd, "--store", f"sqlite:{folder}/s.db", "--listen", f"unix:{folder}/s.sock",
                           "--trust-root", "sev-es/trust-root"],
                          stderr=subprocess.DEVNULL)
wait_until(lambda: listens("s.sock") and os.path.exists("admin.pem"), 20)
env.update(ASSAY_URL=f"unix:{folder}/s.sock", ASSAY_ADMIN_KEY=f"{folder}/admin.pem")
code, text, err = run(assay, "secret", "put", "default/key/disk", "secret")
check(code == 0, f"a secret is stored {err}")
code, text, err = run(assay, "collateral", "push", "sev-es/collateral")
check(code == 0, f"its collateral is pushed {err}")


def get_key(tee, push):
    """Inside a launch of its own, whose record the owner pushes meanwhile, or does not."""
    before = os.stat(f"{tee}/launch.json").st_mtime_ns
    for name in ("go", "out"):
        if os.path.exists(name):
            os.unlink(name)
    p = subprocess.Popen([assay_sim, "run", "--tee", tee, "--platform", tee, "--", "sh", "-c",
                          'until [ -e go ]; do sleep 0.1; done; exec "$0" key get -o out kbs:///default/key/disk', assay],
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
    given = os.path.exists("out") and open("out", "rb").read() == SECRET
    return p.returncode, given, err


code, given, err = get_key("sev-es", False)
check(code == 1 and not given, f"sev-es: without its launch record no key is released: {err.strip()[-200:]}")
code, given, err = get_key("sev-es", True)
check(code == 0 and given, f"sev-es: with it, the key is released {err.strip()[-300:]}")
code, given, err = get_key("sev-es", False)
check(code == 1 and not given, f"sev-es: another launch, another record: {err.strip()[-200:]}")
server.terminate()
server.wait(20)
os.chdir("/")
shutil.rmtree(folder)
done()
