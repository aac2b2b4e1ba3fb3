// SPDX-License-Identifier: Apache-2.0

//go:build tools

// Names the program that is built from this module as its authors wrote it: the last one that
// asks /dev/sev-guest itself. Newer ones prefer configfs.
package main

import _ "github.com/google/go-sev-guest/tools/attest"
