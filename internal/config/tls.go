package config

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/migrationlink/migrationlink/internal/pemfile"
	"github.com/migrationlink/migrationlink/internal/textfile"
	"github.com/migrationlink/migrationlink/redact"
)

// TLS has the certificates for verifying the server and for identifying the worker, as
// the contents of files in PEM form.
type TLS struct {
	CA          string // empty means the system's roots
	Certificate string // of the client, with its chain; empty means none
	Key         redact.Secret
}

func readTLS(s *section, baseURL string) TLS {
	return TLS{CA: readCA(s, baseURL)}.withClient(s)
}

func readCA(s *section, baseURL string) string {
	path := s.text("ca_file", "")
	if path == "" {
		if !strings.HasPrefix(baseURL, "http://") { // reading them is a fifth of a start
			readSystemRoots(s)
		}
		return ""
	}
	s.uses(path)
	content, err := textfile.ReadFile(path, maxFile)
	if err != nil {
		s.reportError("ca_file", fmt.Errorf("the CA file %w", unusable(err, "check its path, or leave it out for the system's certificates")))
	} else {
		for _, problem := range pemfile.Certificates(content) {
			s.report("ca_file", "the CA file cannot be used: "+problem)
		}
		for _, warning := range pemfile.Validity(content, time.Now()) {
			s.warn("ca_file", warning)
		}
	}
	return content
}

// readSystemRoots checks that the system's certificates can be read. A process reads
// them once, and never again if that fails.
func readSystemRoots(s *section) {
	if _, err := x509.SystemCertPool(); err != nil {
		s.reportError("ca_file", fmt.Errorf("the system's certificates cannot be read: %w; name a CA file here, or mend them and start the worker again", err))
	}
}

func (t TLS) withClient(s *section) TLS {
	certificateFile, keyFile := s.text("client_cert_file", ""), s.text("client_key_file", "")
	if certificateFile == "" && keyFile == "" {
		return t
	}
	checkPath(s, "client_cert_file", certificateFile)
	checkPath(s, "client_key_file", keyFile)
	if keyFile != "" {
		s.usesPrivate("client_key_file", keyFile)
	}
	if s.bad("client_cert_file") || s.bad("client_key_file") {
		return t
	}
	certificate, err := textfile.ReadFile(certificateFile, maxFile)
	if err != nil {
		s.reportError("client_cert_file", fmt.Errorf("the client's certificate %w", unusable(err, "check its path")))
	}
	t.Certificate = certificate
	for _, problem := range pemfile.CertificatesAndKey(certificate) {
		if err == nil {
			s.report("client_cert_file", "the client's certificate cannot be used: "+problem)
		}
	}
	if pemfile.HoldsKey(certificate) {
		s.usesPrivate("client_cert_file", certificateFile)
		if err := s.reader.CheckKeyFile(certificateFile); err != nil {
			s.reportError("client_cert_file", fmt.Errorf("it holds a private key: %w", err))
		}
	}
	if t.Key, err = s.reader.ReadKeyFile(keyFile); err != nil {
		s.reportError("client_key_file", err)
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
		// The library's message contains at most the type of the key.
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

// roots returns the configured CA in place of the system's, not in addition: an operator
// who configures a CA trusts no other for this server.
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
