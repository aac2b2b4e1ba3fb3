// SPDX-License-Identifier: Apache-2.0

// The smallest caller of the library go-sev-guest: verifies reports and then validates them, a JSON
// request per line in, a JSON answer per line out.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"log"
	"net/url"
	"os"
	"strings"

	"github.com/google/go-sev-guest/abi"
	"github.com/google/go-sev-guest/kds"
	pb "github.com/google/go-sev-guest/proto/sevsnp"
	"github.com/google/go-sev-guest/validate"
	"github.com/google/go-sev-guest/verify"
	"github.com/google/go-sev-guest/verify/trust"
)

// policy begins what is said of a report that is genuine, but not allowed.
const policy = "policy: "

type request struct {
	Evidence string   // the report's file
	Product  string   // its product line, such as Milan
	Roots    string   // PEM file, intermediate and root; empty: the roots that the library has
	Service  string   // http://HOST:PORT of the KDS to ask for certificates and the CRL
	Leaf     string   // the VCEK or VLEK; empty: the KDS is asked for it
	Crl      bool     // ask for the CRL as well
	Floor    [4]uint8 // the least TCB: boot loader, TEE, SNP firmware, microcode
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
	chain := &pb.CertificateChain{Extras: map[string][]byte{}}
	if r.Leaf != "" {
		leaf, err := os.ReadFile(r.Leaf)
		if err != nil {
			log.Fatal(err)
		}
		if strings.HasSuffix(r.Leaf, "vlek.der") {
			chain.VlekCert = leaf
		} else {
			chain.VcekCert = leaf
		}
	}
	options := verify.DefaultOptions()
	options.Getter = service{r.Service}
	options.CheckRevocations = r.Crl
	if r.Roots != "" {
		root := trust.AMDRootCertsProduct(r.Product)
		if err := root.FromKDSCert(r.Roots); err != nil {
			log.Fatal(err)
		}
		options.TrustedRoots = map[string][]*trust.AMDRootCerts{r.Product: {root}}
	}
	trust.ClearProductCertCache() // each request is of another machine
	attestation := &pb.Attestation{Report: report, CertificateChain: chain, Product: product}
	if err := verify.SnpAttestation(attestation, options); err != nil {
		return err
	}
	err = validate.SnpAttestation(attestation, &validate.Options{
		GuestPolicy:               abi.SnpPolicy{SMT: true},
		PermitProvisionalFirmware: true,
		MinimumTCB: kds.TCBParts{
			BlSpl: r.Floor[0], TeeSpl: r.Floor[1], SnpSpl: r.Floor[2], UcodeSpl: r.Floor[3],
		},
	})
	if err != nil {
		return fmt.Errorf("%s%w", policy, err)
	}
	return nil
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
