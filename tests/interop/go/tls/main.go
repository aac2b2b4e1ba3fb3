// SPDX-License-Identifier: Apache-2.0

// Go's own TLS, as a peer of attested ones. It judges nothing: it says what it was shown.
//
//	tls client ADDRESS [CERT KEY]    what the server says, and its certificate, as JSON
//	tls server CERT KEY              a line to one client; says its port first, then the client's certificate
package main

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"os"
)

type peer struct {
	Said       string
	Key        []byte // SubjectPublicKeyInfo
	Extensions map[string][]byte
}

func config(pair ...string) *tls.Config {
	// Who the peer is is not Go's to judge here; that he has the key of his certificate is.
	c := &tls.Config{MinVersion: tls.VersionTLS13, InsecureSkipVerify: true, ClientAuth: tls.RequireAnyClientCert}
	if len(pair) == 2 {
		own, err := tls.LoadX509KeyPair(pair[0], pair[1])
		if err != nil {
			log.Fatal(err)
		}
		c.Certificates = []tls.Certificate{own}
	}
	return c
}

func show(said []byte, cert *x509.Certificate) {
	if err := cert.CheckSignature(cert.SignatureAlgorithm, cert.RawTBSCertificate, cert.Signature); err != nil {
		log.Fatal("the certificate is not signed with its own key: ", err)
	}
	found := map[string][]byte{}
	for _, extension := range cert.Extensions {
		found[extension.Id.String()] = extension.Value
	}
	text, _ := json.Marshal(peer{string(said), cert.RawSubjectPublicKeyInfo, found})
	fmt.Println(string(text))
}

func client(address string, pair ...string) {
	conn, err := tls.Dial("tcp", address, config(pair...))
	if err != nil {
		log.Fatal(err)
	}
	said, err := io.ReadAll(conn)
	if err != nil {
		log.Fatal(err)
	}
	show(said, conn.ConnectionState().PeerCertificates[0])
}

func server(pair ...string) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("port", listener.Addr().(*net.TCPAddr).Port)
	socket, err := listener.Accept()
	if err != nil {
		log.Fatal(err)
	}
	conn := tls.Server(socket, config(pair...))
	if _, err = conn.Write([]byte("hello from Go\n")); err != nil {
		log.Fatal(err)
	}
	show(nil, conn.ConnectionState().PeerCertificates[0])
	conn.Close()
}

func main() {
	if os.Args[1] == "server" {
		server(os.Args[2:]...)
		return
	}
	client(os.Args[2], os.Args[3:]...)
}
