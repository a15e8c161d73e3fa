package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/pflag"
)

// tlsFiles configure TLS. Without a certificate there is no TLS.
type tlsFiles struct {
	cert, key, clientCA string
	config              *tls.Config // once loaded; nil without TLS
}

func (f *tlsFiles) register(flags *pflag.FlagSet) {
	flags.StringVar(&f.cert, "tls-cert-file", "", "PEM file with the certificate for https, followed by its chain")
	flags.StringVar(&f.key, "tls-key-file", "", "PEM file with the key of the certificate")
	flags.StringVar(&f.clientCA, "tls-client-ca-file", "", "PEM file with the authorities of client certificates; clients without such a certificate are refused")
}

func (f *tlsFiles) load() error {
	switch {
	case f.cert == "" && f.key == "" && f.clientCA == "":
		return nil
	case f.cert == "" || f.key == "":
		return errors.New("TLS needs both --tls-cert-file and --tls-key-file")
	}
	certificate, err := tls.LoadX509KeyPair(f.cert, f.key)
	if err != nil {
		return fmt.Errorf("--tls-cert-file and --tls-key-file: %w", err)
	}
	f.config = &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{certificate}}
	if f.clientCA == "" {
		return nil
	}
	content, err := os.ReadFile(f.clientCA)
	if err != nil {
		return fmt.Errorf("--tls-client-ca-file: %w", err)
	}
	authorities := x509.NewCertPool()
	if !authorities.AppendCertsFromPEM(content) {
		return fmt.Errorf("--tls-client-ca-file: %s holds no certificate in PEM form", f.clientCA)
	}
	f.config.ClientCAs, f.config.ClientAuth = authorities, tls.RequireAndVerifyClientCert
	return nil
}
