# SPDX-License-Identifier: Apache-2.0
"""Whether this machine lets anyone have a sandbox: asked without assay-sim, so that a sandbox that is
broken fails and is not skipped."""

import subprocess

# LeakSanitizer cannot look at a program that is traced. assay-sim itself is not, and is looked at.
WITHOUT_LEAK_CHECK = ["env", "ASAN_OPTIONS=detect_leaks=0"]


def forbidden():
    """A sentence, or None."""
    try:
        with open("/dev/fuse", "r+b", buffering=0):
            pass
    except OSError as error:
        return f"/dev/fuse: {error.strerror}"
    for how in (["-m"], ["-Urm"]):
        try:
            if subprocess.run(["unshare", *how, "true"], capture_output=True, check=False).returncode == 0:
                return None
        except OSError as error:
            return f"unshare: {error.strerror}"
    return "no mount namespace, with or without a user namespace"
