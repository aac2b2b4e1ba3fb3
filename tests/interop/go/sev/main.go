// SPDX-License-Identifier: Apache-2.0

// The smallest caller of the library go-sev-guest: judges reports, a JSON request per line in, a
// JSON answer per line out.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"log"
	"net/url"
	"os"

	"github.com/google/go-sev-guest/abi"
	"github.com/google/go-sev-guest/kds"
	pb "github.com/google/go-sev-guest/proto/sevsnp"
	"github.com/google/go-sev-guest/verify"
	"github.com/google/go-sev-guest/verify/trust"
)

type request struct {
	Evidence string // the report's file
	Product  string // its product line, such as Milan
	Roots    string // PEM file, intermediate and root; empty: the roots that the library has
	Service  string // http://HOST:PORT of the KDS to ask for certificates and the CRL
	Vlek     string // a VLEK, of which the KDS tells nobody; may be empty
}

// service asks the simulated KDS for what AMD's would be asked.
type service struct {
	base string
}

func (s service) Get(address string) ([]byte, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, err
	}
	return (&trust.SimpleHTTPSGetter{}).Get(s.base + u.RequestURI())
}

func judge(r request) error {
	raw, err := os.ReadFile(r.Evidence)
	if err != nil {
		log.Fatal(err)
	}
	report, err := abi.ReportToProto(raw)
	if err != nil {
		return err
	}
	product, err := kds.ParseProductLine(r.Product)
	if err != nil {
		log.Fatal(err)
	}
	product.MachineStepping = nil
	attestation := &pb.Attestation{
		Report:           report,
		CertificateChain: &pb.CertificateChain{Extras: map[string][]byte{}},
		Product:          product,
	}
	if r.Vlek != "" {
		if attestation.CertificateChain.VlekCert, err = os.ReadFile(r.Vlek); err != nil {
			log.Fatal(err)
		}
	}
	options := verify.DefaultOptions()
	options.Getter = service{r.Service}
	options.CheckRevocations = true
	if r.Roots != "" {
		root := trust.AMDRootCertsProduct(r.Product)
		if err := root.FromKDSCert(r.Roots); err != nil {
			log.Fatal(err)
		}
		options.TrustedRoots = map[string][]*trust.AMDRootCerts{r.Product: {root}}
	}
	trust.ClearProductCertCache() // each request is of another machine
	return verify.SnpAttestation(attestation, options)
}

func main() {
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
