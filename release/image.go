package main

import (
	"bytes"
	_ "embed"
	"encoding/pem"

	"golang.org/x/crypto/x509roots/fallback/bundle"
)

//go:embed Dockerfile
var dockerfile []byte

// imageFiles are what docker build needs beside the binaries. An empty image has
// no certificates, without which no rediss:// of others can be trusted.
func (r *release) imageFiles() ([]file, error) {
	var certificates bytes.Buffer
	for root := range bundle.Roots() {
		if root.Constraint != nil {
			continue // it is to be trusted in some cases only, which this format has no words for
		}
		if err := pem.Encode(&certificates, &pem.Block{Type: "CERTIFICATE", Bytes: root.Certificate}); err != nil {
			return nil, err
		}
	}
	return []file{{"Dockerfile", dockerfile, 0o644}, {"ca-certificates.crt", certificates.Bytes(), 0o644}}, nil
}
