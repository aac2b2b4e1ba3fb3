// SPDX-License-Identifier: Apache-2.0

// Asks assay-brokerd through containerd's ttrpc client: ttrpc SOCKET SERVICE METHOD SIZE. Prints a JSON object:
// the response's fields, or the code and the message of the status that came in its place.
package main

import (
	"context"
	"encoding/json"
	"log"
	"net"
	"os"
	"strconv"

	"github.com/containerd/ttrpc"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"
)

// The public broker's messages, with the fields that it has itself.
const file = `{"name": "aeb.proto", "package": "aeb", "syntax": "proto3", "messageType": [
	{"name": "Request", "field": [
		{"name": "guest_handle", "number": 1, "label": "LABEL_OPTIONAL", "type": "TYPE_UINT32"},
		{"name": "evidence_size", "number": 2, "label": "LABEL_OPTIONAL", "type": "TYPE_UINT32"}]},
	{"name": "Response", "field": [
		{"name": "error_code", "number": 1, "label": "LABEL_OPTIONAL", "type": "TYPE_UINT32"},
		{"name": "evidence_size", "number": 2, "label": "LABEL_OPTIONAL", "type": "TYPE_UINT32"},
		{"name": "evidence", "number": 3, "label": "LABEL_OPTIONAL", "type": "TYPE_BYTES"}]}]}`

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func messages() protoreflect.MessageDescriptors {
	var f descriptorpb.FileDescriptorProto
	must(protojson.Unmarshal([]byte(file), &f))
	d, err := protodesc.NewFile(&f, nil)
	must(err)
	return d.Messages()
}

func main() {
	if len(os.Args) != 5 {
		log.Fatal("usage: ttrpc SOCKET SERVICE METHOD SIZE")
	}
	size, err := strconv.ParseUint(os.Args[4], 10, 32)
	must(err)
	conn, err := net.Dial("unix", os.Args[1])
	must(err)
	all := messages()
	request := dynamicpb.NewMessage(all.ByName("Request"))
	if size != 0 {
		request.Set(request.Descriptor().Fields().ByName("evidence_size"), protoreflect.ValueOfUint32(uint32(size)))
	}
	response := dynamicpb.NewMessage(all.ByName("Response"))
	err = ttrpc.NewClient(conn).Call(context.Background(), os.Args[2], os.Args[3], request, response)
	if s, ok := status.FromError(err); err != nil && ok {
		must(json.NewEncoder(os.Stdout).Encode(map[string]any{"code": s.Code(), "message": s.Message()}))
		return
	}
	must(err)
	response.SetUnknown(nil) // what the broker has added
	text, err := protojson.Marshal(response)
	must(err)
	os.Stdout.Write(text)
}
