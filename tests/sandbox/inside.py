# SPDX-License-Identifier: Apache-2.0
"""Runs a test program inside a platform. Arguments: assay-sim, TEE, program, its arguments.

Where the machine forbids a sandbox the test is skipped, with the sentence that says what is forbidden.
"""

import subprocess
import sys

from forbidden import WITHOUT_LEAK_CHECK, forbidden

SIM, TEE, *PROGRAM = sys.argv[1:]
why = forbidden()
if why:
    print("1..0 # SKIP", why)
    sys.exit(0)
PROGRAM = [*WITHOUT_LEAK_CHECK, *PROGRAM]
sys.exit(subprocess.run([SIM, "run", "--tee", TEE, "--", *PROGRAM], timeout=240, check=False).returncode)
