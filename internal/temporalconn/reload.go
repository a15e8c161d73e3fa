package temporalconn

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"go.temporal.io/sdk/contrib/envconfig"
	sdklog "go.temporal.io/sdk/log"

	"github.com/migrationlink/migrationlink/internal/pemfile"
	"github.com/migrationlink/migrationlink/redact"
)

// reporter logs each problem of a reloaded file once.
type reporter struct {
	logger sdklog.Logger // nil until Dial
	last   string
}

func (r *reporter) changed(what string, fields ...any) {
	r.last = ""
	if r.logger != nil {
		r.logger.Info(what+" was reloaded", fields...)
	}
}

func (r *reporter) failed(what string, err error) {
	text := err.Error()
	if r.logger == nil || r.last == text {
		return
	}
	r.last = text
	r.logger.Warn(what+" cannot be reloaded; the previous one stays active", "error", text)
}

// certificate is the client certificate for Temporal. It is read from its files for each
// connection: issuers such as cert-manager replace them.
type certificate struct {
	certPath, keyPath string
	checkKey          func(path string) error

	mu        sync.Mutex
	report    reporter
	cert, key []byte // the content of the files of current
	current   *tls.Certificate
}

const certificateName = "the client certificate for Temporal"

// load reads the files, and reports whether they have changed.
func (c *certificate) load() (bool, error) {
	if c.checkKey != nil {
		if err := c.checkKey(c.keyPath); err != nil {
			return false, fmt.Errorf("the TLS client key: %w", err)
		}
	}
	cert, err := readFile(c.certPath)
	if err != nil {
		return false, err
	}
	if c.checkKey != nil && pemfile.HoldsKey(string(cert)) {
		if err := c.checkKey(c.certPath); err != nil {
			return false, fmt.Errorf("its file holds a private key: %w", err)
		}
	}
	key, err := readFile(c.keyPath)
	if err != nil {
		return false, err
	}
	if c.current != nil && bytes.Equal(cert, c.cert) && bytes.Equal(key, c.key) {
		return false, nil
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return false, err // happens while only one of the two has been replaced
	}
	c.cert, c.key, c.current = cert, key, &pair
	return true, nil
}

// get is tls.Config.GetClientCertificate.
func (c *certificate) get(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch changed, err := c.load(); {
	case err != nil:
		c.report.failed(certificateName, err)
	case changed:
		c.report.changed(certificateName, "file", c.certPath, "expires", c.current.Leaf.NotAfter.UTC().Format(time.RFC3339))
	}
	return c.current, nil
}

// expired returns when the certificate has expired, if it has.
func (c *certificate) expired(now time.Time) (time.Time, bool) {
	if c == nil {
		return time.Time{}, false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	end := c.current.Leaf.NotAfter
	return end, now.After(end)
}

// readFiles replaces the paths of TLS files by their content, so that no file is read
// without a size limit. It returns the client certificate if it is in files.
func readFiles(settings *envconfig.ClientConfigTLS, checkKey func(path string) error) (*certificate, error) {
	if settings == nil || settings.Disabled {
		return nil, nil
	}
	if path := settings.ServerCACertPath; path != "" && len(settings.ServerCACertData) == 0 {
		content, err := readFile(path)
		if err != nil {
			return nil, fmt.Errorf("the authority of Temporal's certificate: %w", err)
		}
		settings.ServerCACertPath, settings.ServerCACertData = "", content
		if len(content) == 0 {
			return nil, errors.New("the authority of Temporal's certificate: the file is empty")
		}
	}
	if content := settings.ServerCACertData; len(content) > 0 {
		if problems := pemfile.Certificates(string(content)); len(problems) > 0 {
			return nil, fmt.Errorf("the authority of Temporal's certificate: %s", strings.Join(problems, "; "))
		}
	}
	inFiles := settings.ClientCertPath != "" && settings.ClientKeyPath != ""
	if !inFiles || len(settings.ClientCertData)+len(settings.ClientKeyData) > 0 {
		return nil, nil // none, or one that envconfig rejects
	}
	c := &certificate{certPath: settings.ClientCertPath, keyPath: settings.ClientKeyPath, checkKey: checkKey}
	if _, err := c.load(); err != nil {
		return nil, fmt.Errorf("%s: %w", certificateName, err)
	}
	settings.ClientCertPath, settings.ClientKeyPath = "", ""
	return c, nil
}

// storedKey is an API key in the file of profiles. It is reloaded when the file changes.
type storedKey struct {
	path    string
	read    func() (string, error)
	secrets *secrets

	mu      sync.Mutex
	report  reporter
	seen    os.FileInfo
	current string
}

const storedKeyName = "the API key of the file of profiles"

// get returns the key for the next call.
func (k *storedKey) get(context.Context) (string, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	info, err := os.Stat(k.path)
	if err != nil {
		k.report.failed(storedKeyName, err)
		return k.current, nil
	}
	if k.seen != nil && os.SameFile(k.seen, info) && k.seen.ModTime().Equal(info.ModTime()) && k.seen.Size() == info.Size() {
		return k.current, nil
	}
	key, err := k.read()
	if err == nil && key == "" {
		err = errors.New("the profile holds none")
	}
	if err != nil {
		k.report.failed(storedKeyName, errors.New(k.secrets.remove(err.Error())))
		return k.current, nil // and the next call reads the file again
	}
	k.seen = info
	if key != k.current {
		k.secrets.add(key)
		k.report.changed(storedKeyName, "file", k.path)
	}
	k.current = key
	return key, nil
}

// secrets are the values that no error may contain. A reloaded key is added.
type secrets struct {
	mu  sync.Mutex
	all []redact.Secret
}

func (s *secrets) add(texts ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, text := range texts {
		s.all = append(s.all, redact.NewSecret(text))
	}
}

func (s *secrets) remove(text string) string {
	if s == nil {
		return text
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return redact.Remove(text, s.all...)
}
