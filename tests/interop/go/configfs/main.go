// SPDX-License-Identifier: Apache-2.0

// The smallest client of go-configfs-tsm: a report for the bytes given in hex, to standard output
// as hex: provider, outblob, auxblob, a line each. An auxblob is asked for with -aux.
package main

import (
	"encoding/hex"
	"fmt"
	"log"
	"os"

	"github.com/google/go-configfs-tsm/configfs/linuxtsm"
	"github.com/google/go-configfs-tsm/report"
)

func main() {
	nonce, err := hex.DecodeString(os.Args[len(os.Args)-1])
	if err != nil {
		log.Fatal(err)
	}
	client, err := linuxtsm.MakeClient()
	if err != nil {
		log.Fatal(err)
	}
	got, err := report.Get(client, &report.Request{InBlob: nonce, GetAuxBlob: len(os.Args) > 2})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%q\n%x\n%x\n", got.Provider, got.OutBlob, got.AuxBlob)
}
