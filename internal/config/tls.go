package config

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"path/filepath"
	"time"

	"github.com/migrationlink/migrationlink/internal/secret"
	"github.com/migrationlink/migrationlink/redact"
)

// TLS says who may be the server, and who the worker is to it. All are the
// contents of files, in PEM form.
type TLS struct {
	CA          string // empty means the system's
	Certificate string // of the client, with its chain; empty means none
	Key         redact.Secret
}

func readTLS(s *section) TLS {
	return TLS{CA: readCA(s)}.withClient(s)
}

func readCA(s *section) string {
	path := s.text("ca_file", "")
	if path == "" {
		return ""
	}
	s.uses(path)
	content, err := secret.ReadFile(path)
	if err != nil {
		s.report("ca_file", fmt.Sprintf("the CA file cannot be read: %v; check its path, or leave it out for the system's certificates", err))
	} else if !x509.NewCertPool().AppendCertsFromPEM(content) {
		s.report("ca_file", "the CA file holds no certificate in PEM form; put the CA's certificate into it")
	}
	return string(content)
}

func (t TLS) withClient(s *section) TLS {
	certificateFile, keyFile := s.text("client_cert_file", ""), s.text("client_key_file", "")
	if certificateFile == "" && keyFile == "" {
		return t
	}
	checkPath(s, "client_cert_file", certificateFile)
	checkPath(s, "client_key_file", keyFile)
	if s.bad("client_cert_file") || s.bad("client_key_file") {
		return t
	}
	certificate, err := secret.ReadFile(certificateFile)
	if err != nil {
		s.report("client_cert_file", fmt.Sprintf("the client's certificate cannot be read: %v; check its path", err))
	}
	t.Certificate = string(certificate)
	if t.Key, err = s.reader.ReadKeyFile(keyFile); err != nil {
		s.report("client_key_file", err.Error())
	}
	t.checkClient(s)
	return t
}

func checkPath(s *section, key, path string) {
	switch {
	case s.bad(key):
	case path == "":
		s.report(key, "is missing; the client's certificate and its key are set together")
	case !filepath.IsAbs(path):
		s.report(key, "must be an absolute path, so that it does not depend on where the worker is started")
	default:
		s.uses(path)
	}
}

func (t TLS) checkClient(s *section) {
	if s.bad("client_cert_file") || s.bad("client_key_file") {
		return
	}
	pair, err := tls.X509KeyPair([]byte(t.Certificate), []byte(t.Key.Reveal()))
	if err != nil {
		// The library's words tell of the key at most its type.
		s.report("client_cert_file", fmt.Sprintf("certificate and key cannot be used together: %v; put the certificate with its chain here, and its key into client_key_file, both in PEM form", err))
		return
	}
	const day = time.DateTime + " MST"
	switch leaf, now := pair.Leaf, time.Now(); {
	case now.After(leaf.NotAfter):
		s.report("client_cert_file", "the client's certificate expired on "+leaf.NotAfter.UTC().Format(day)+"; renew it")
	case now.Before(leaf.NotBefore):
		s.report("client_cert_file", "the client's certificate is not valid before "+leaf.NotBefore.UTC().Format(day)+"; check the clock, or wait")
	}
}

// roots replaces the system's certificates rather than adding to them: who
// names a CA of their own wants no other to vouch for the server.
func (t TLS) roots() *x509.CertPool {
	if t.CA == "" {
		return nil
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM([]byte(t.CA))
	return pool
}

func (t TLS) certificate() (*tls.Certificate, error) {
	if t.Certificate == "" {
		return nil, nil
	}
	pair, err := tls.X509KeyPair([]byte(t.Certificate), []byte(t.Key.Reveal()))
	return &pair, err
}
