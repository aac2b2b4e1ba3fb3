# SPDX-License-Identifier: Apache-2.0
"""What an initial RAM disk gets for the clevis pin: the hook of initramfs-tools and the module of dracut,
run into a folder by functions like theirs; and what is in it runs there."""

import os
import shutil
import subprocess

from sandbox import ASSAY, ENV, FOLDER, ROOT, Result, done, ok, path, read

for tool in ("bash", "jose", "ldd"):
    if shutil.which(tool) is None:
        print(f"1..0 # SKIP no {tool}")
        raise SystemExit(0)
PACKAGING = f"{ROOT}/packaging"
IMAGE = f"{FOLDER.name}/image"
# As installed: the command, its libraries and the pin.
build = os.path.dirname(os.path.dirname(ASSAY))
os.makedirs("bin")
for file in (ASSAY, f"{PACKAGING}/clevis/clevis-decrypt-assay"):
    shutil.copy(file, "bin")
libraries = f"{build}/src:{build}/guest"
environment = {**ENV, "PATH": f"{FOLDER.name}/bin:{os.environ['PATH']}:/sbin:/usr/sbin", "LD_LIBRARY_PATH": libraries,
               "DESTDIR": IMAGE}


def sh(*command, **more):
    r = subprocess.run(command, capture_output=True, stdin=subprocess.DEVNULL, env={**environment, **more}, timeout=60,
                       check=False)
    return Result(r.returncode, r.stdout.decode("utf-8", "replace"), r.stderr.decode("utf-8", "replace"))


for script in ("initramfs-tools/hooks/assay", "initramfs-tools/scripts/local-top/assay"):
    ok(sh("sh", "-n", f"{PACKAGING}/{script}").code == 0, f"{script}: is a script")
ok(sh("sh", f"{PACKAGING}/initramfs-tools/hooks/assay", "prereqs").out == "clevis\n", "the hook comes behind clevis'")
ok(sh("sh", f"{PACKAGING}/initramfs-tools/scripts/local-top/assay", "prereqs").out == "\n", "the script waits for none")

# --- initramfs-tools -----------------------------------------------------------------------------------
# Its functions as mkinitramfs(8) describes them.
FUNCTIONS = path("hook-functions", br"""
copy_file() {
	[ -f "$2" ] || return 2
	[ ! -e "$DESTDIR$2" ] || return 1
	mkdir -p "$DESTDIR${2%/*}" && cp -L "$2" "$DESTDIR$2"
}
copy_exec() {
	copy_file binary "$1" || [ $? = 1 ] || return 1
	for x in $(ldd "$1" 2>/dev/null | sed -n 's/.*=> \(\/[^ ]*\).*/\1/p; s/^[[:space:]]*\(\/[^ ]*\) (.*/\1/p'); do
		copy_file binary "$x" || [ $? = 1 ] || return 1
	done
}
manual_add_modules() { echo "modules $*"; }
""")


def hook(name="hook", **replace):
    text = read(f"{PACKAGING}/initramfs-tools/hooks/assay").decode()
    text = text.replace("/usr/share/initramfs-tools/hook-functions", FUNCTIONS).replace("/etc/assay", FOLDER.name)
    shutil.rmtree(IMAGE, ignore_errors=True)
    return sh("sh", path(name, text.encode()), **replace)


def files():
    return {os.path.relpath(os.path.join(folder, name), IMAGE) for folder, _, names in os.walk(IMAGE) for name in names}


r = hook()
found = files()
names = {os.path.basename(name) for name in found}
ok(r.code == 0 and r.err == "", "the hook runs", r)
ok({"assay", "clevis-decrypt-assay", "jose", "bash", "libcurl.so.4", "libssl.so.3"} <= names
   and any(name.startswith("libassay-guest.so") for name in names), "commands, their libraries, and the one loaded by name",
   sorted(names))
ok("modules configfs tsm tsm_report sev-guest tdx-guest" in r.out, "kernel modules", r)
ok("etc/ssl/certs/ca-certificates.crt" in found or not os.path.exists("/etc/ssl/certs/ca-certificates.crt"),
   "the system's certificates, where no other are named", sorted(found))
path("assay.conf", b"# broker\nurl = https://broker.example  # ours\nca = " + f"{FOLDER.name}/ca.pem # own\n".encode())
path("ca.pem", b"certificate")
r = hook()
found = files()
here = os.path.relpath(FOLDER.name, "/")
ok(r.code == 0 and {f"{here}/assay.conf", f"{here}/ca.pem"} <= found and "etc/ssl/certs/ca-certificates.crt" not in found,
   "the configuration, and the certificate that it names in place of the system's", sorted(found))
r = hook(PATH="/usr/bin:/bin")
ok(r.code == 1 and "assay: assay is not installed" in r.err, "no image without the command", r)

# What was copied is enough to run, in a root of its own.
hook()
for folder in ("lib64", "lib", "bin"):  # where the loader is looked for, in a system whose /usr is merged
    if os.path.islink(f"/{folder}") and not os.path.lexists(f"{IMAGE}/{folder}"):
        os.makedirs(f"{IMAGE}/usr/{folder}", exist_ok=True)
        os.symlink(f"usr/{folder}", f"{IMAGE}/{folder}")
root = ["chroot"] if os.geteuid() == 0 else ["unshare", "-r", "chroot"]
if sh(*root, "/", "true").code == 0:
    inside = [*root, IMAGE, f"{FOLDER.name}/bin/assay"]
    r = sh(*inside, "--version")
    # A build with sanitizers wants /proc at its end, also to read that it should not look for leaks.
    ok(r.out.startswith("assay ") and (r.code == 0 or "LeakSanitizer has encountered" in r.err), "assay runs in the image", r)
    r = sh(*inside, "collateral", "fetch", "--timeout", "2s", "--from", "http://127.0.0.1:1", "--tee", "snp", "--product",
           "Milan", "-o", "-")
    ok("127.0.0.1" in r.err and "libcurl" not in r.err, "and finds its libcurl there", r)
    r = sh(*root, IMAGE, shutil.which("jose"), "jwk", "gen", "-i", '{"alg":"A256KW"}')
    ok(r.code == 0, "jose too", r)
else:
    print("# no other root may be entered here, so that the image was not run")

# --- dracut --------------------------------------------------------------------------------------------
DRACUT = f"""
initdir={IMAGE} dracutsysrootdir= systemdsystemunitdir=/usr/lib/systemd/system moddir={PACKAGING}/dracut/60clevis-pin-assay
require_binaries() {{ for x in "$@"; do command -v "$x" >/dev/null || return 1; done; }}
inst_multiple() {{ echo "inst $*"; }}
inst_simple() {{ echo "simple $*"; }}
inst_libdir_file() {{ echo "libdir $*"; }}
instmods() {{ echo "modules $*"; }}
dracut_module_included() {{ [ "$1" = systemd ]; }}
"""
module = read(f"{PACKAGING}/dracut/60clevis-pin-assay/module-setup.sh").decode().replace("/etc/assay", FOLDER.name)
path("module", (DRACUT + module).encode())
shutil.rmtree(IMAGE)
r = sh("bash", "-euc", ". ./module; depends; installkernel; install")
ok(r.code == 0 and r.err == "" and r.out.startswith("clevis network\n"), "the module of dracut runs", r)
ok("inst assay clevis-decrypt-assay jose bash cat" in r.out and "libdir libcurl.so.4*" in r.out
   and f"simple {FOLDER.name}/ca.pem" in r.out and "modules configfs tsm" in r.out, "and takes the same", r)
ok(read(f"{IMAGE}/etc/cmdline.d/99clevis-pin-assay.conf") == b"rd.neednet=1\n", "and asks for the network")
ok("clevis-luks-askpass-assay.conf /usr/lib/systemd/system/clevis-luks-askpass.service.d/assay.conf" in r.out,
   "and tells systemd when", r)
r = sh("bash", "-uc", ". ./module; check", PATH="/usr/bin:/bin")
ok(r.code == 1, "not without the command", r)

# --- the early script ------------------------------------------------------------------------------------
script = read(f"{PACKAGING}/initramfs-tools/scripts/local-top/assay").decode()
script = script.replace("/scripts/functions", f"{FOLDER.name}/functions").replace("/run/net-", f"{FOLDER.name}/net-")
script = script.replace("/etc/resolv.conf", f"{FOLDER.name}/resolv.conf").replace("/sys/kernel/config", FOLDER.name)
path("functions", b'configure_networking() { echo network; }\nmodprobe() { echo "modprobe $*"; false; }\n'
     b'mount() { echo "mount $*"; }\n')
path("net-eth0.conf", b"DEVICE='eth0'\nIPV4DNS0='192.0.2.1'\nIPV4DNS1='0.0.0.0'\nIPV4DNS1=''\n")
r = sh("sh", path("early", (script + "wait\n").encode()))
ok(r.code == 0 and "modprobe -q sev-guest" in r.out and "network" in r.out and "mount -t configfs" in r.out,
   "modules, configfs, network; and a module that is not there is no end", r)
ok(read("resolv.conf") == b"nameserver 192.0.2.1\n", "who knows names", read("resolv.conf"))
done()
