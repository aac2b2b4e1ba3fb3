# SPDX-License-Identifier: Apache-2.0
"""Runs a test program inside a platform. Arguments: assay-sim, TEE, program, its arguments.

Where the machine forbids a sandbox the test is skipped, with the sentence that says what is forbidden.
"""

import subprocess
import sys

SIM, TEE, *PROGRAM = sys.argv[1:]
probe = subprocess.run([SIM, "run", "--tee", TEE, "--", "true"], capture_output=True, text=True,
                       timeout=60, check=False)
if probe.returncode == 125:
    print("1..0 # SKIP", probe.stderr.strip())
    sys.exit(0)
sys.exit(subprocess.run([SIM, "run", "--tee", TEE, "--", *PROGRAM], timeout=240, check=False).returncode)
