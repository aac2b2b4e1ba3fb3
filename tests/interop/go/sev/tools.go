// SPDX-License-Identifier: Apache-2.0

//go:build tools

// Names the programs that are built from this module as their authors wrote them.
package main

import (
	_ "github.com/google/go-sev-guest/tools/attest"
	_ "github.com/google/go-sev-guest/tools/check"
)
