// SPDX-License-Identifier: Apache-2.0

// The smallest callers of the library go-tdx-guest.
//
//	tdx verify         judges quotes: a JSON request per line in, a JSON answer per line out
//	tdx report HEX     a TDREPORT through /dev/tdx_guest, in hex, and what the ioctl for a quote says
package main

import (
	"bufio"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log"
	"net/url"
	"os"

	"github.com/google/go-tdx-guest/abi"
	"github.com/google/go-tdx-guest/client"
	labi "github.com/google/go-tdx-guest/client/linuxabi"
	"github.com/google/go-tdx-guest/verify"
	"github.com/google/go-tdx-guest/verify/trust"
)

type request struct {
	Evidence string // the quote's file
	Roots    string // PEM file; empty: the roots that the library has
	Service  string // http://HOST:PORT of the PCS to ask for collateral; empty: none is looked at
}

// service asks the simulated PCS for what Intel's would be asked.
type service struct {
	base string
}

func (s service) Get(address string) (map[string][]string, []byte, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, nil, err
	}
	return (&trust.SimpleHTTPSGetter{}).Get(s.base + u.RequestURI())
}

func judge(r request) error {
	raw, err := os.ReadFile(r.Evidence)
	if err != nil {
		log.Fatal(err)
	}
	quote, err := abi.QuoteToProto(raw)
	if err != nil {
		return err
	}
	options := verify.DefaultOptions()
	if r.Roots != "" {
		pem, err := os.ReadFile(r.Roots)
		if err != nil {
			log.Fatal(err)
		}
		options.TrustedRoots = x509.NewCertPool()
		if !options.TrustedRoots.AppendCertsFromPEM(pem) {
			log.Fatal(r.Roots, ": no certificate")
		}
	}
	if r.Service != "" {
		options.GetCollateral = true
		options.CheckRevocations = true
		options.Getter = service{r.Service}
	}
	return verify.TdxQuote(quote, options)
}

func judgeAll() {
	in := bufio.NewScanner(os.Stdin)
	for in.Scan() {
		var r request
		if err := json.Unmarshal(in.Bytes(), &r); err != nil {
			log.Fatal(err)
		}
		text := ""
		if err := judge(r); err != nil {
			text = err.Error()
		}
		answer, _ := json.Marshal(map[string]any{"accepted": text == "", "error": text})
		fmt.Println(string(answer))
	}
}

func report(nonce []byte) {
	device, err := client.OpenDevice()
	if err != nil {
		log.Fatal(err)
	}
	defer device.Close()
	request := labi.TdxReportReq{}
	copy(request.ReportData[:], nonce)
	if _, err := device.Ioctl(labi.IocTdxGetReport, &request); err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%x\n", request.TdReport)
	var data [64]byte
	copy(data[:], nonce)
	_, err = client.GetRawQuote(device, data)
	fmt.Println(err)
}

func main() {
	if len(os.Args) == 3 && os.Args[1] == "report" {
		nonce, err := hex.DecodeString(os.Args[2])
		if err != nil {
			log.Fatal(err)
		}
		report(nonce)
		return
	}
	judgeAll()
}
