package config_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestAManagerThatAsksForACertificateGetsTheConfiguredOne(t *testing.T) {
	setKeys(t)
	certificate, key := certify(t, time.Now().Add(time.Hour))
	pool := x509.NewCertPool()
	require.True(t, pool.AppendCertsFromPEM([]byte(read(t, certificate))))
	manager := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") == "" {
			w.Header().Set("WWW-Authenticate", `Digest realm="MMS Public API", nonce="1", qop="auth"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		_, _ = w.Write([]byte(`{"status":"SYNCED"}`))
	}))
	manager.TLS = &tls.Config{ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool}
	manager.StartTLS()
	t.Cleanup(manager.Close)
	ca := write(t, "ca.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: manager.Certificate().Raw})))

	settings := fmt.Sprintf("%sca_file = %q\n", strings.ReplaceAll(smallest, "http://127.0.0.1:8080", manager.URL), ca)
	for with, want := range map[string]string{
		"": "certificate required",
		fmt.Sprintf("client_cert_file = %q\nclient_key_file = %q\n", certificate, key): "",
	} {
		c, err := load(t, settings+with)
		require.NoError(t, err)
		client, err := c.Managers[0].Client()
		require.NoError(t, err)
		t.Cleanup(client.Close)
		_, err = client.LinkStatus(t.Context(), "5f1b2c3d4e5f6a7b8c9d0e1f")
		if want == "" {
			require.NoError(t, err)
			require.Subset(t, c.Files, []string{ca, certificate, key})
			require.NotContains(t, fmt.Sprintf("%+v", c), "PRIVATE KEY")
		} else {
			require.ErrorContains(t, err, want)
		}
	}
}

func TestAnInvalidCertificateIsRejectedWithTheReason(t *testing.T) {
	setKeys(t)
	certificate, key := certify(t, time.Now().Add(time.Hour))
	_, other := certify(t, time.Now().Add(time.Hour))
	expired, expiredKey := certify(t, time.Date(2020, 1, 2, 3, 4, 5, 0, time.UTC))
	open := write(t, "open.pem", read(t, key))
	require.NoError(t, os.Chmod(open, 0o604)) //nolint:gosec // that is the point
	combined := write(t, "combined.pem", read(t, certificate)+read(t, key))
	require.NoError(t, os.Chmod(combined, 0o644)) //nolint:gosec // that is the point
	secretFile := write(t, "wrong.pem", canary)
	for name, test := range map[string]struct{ certificate, key, want string }{
		"no key":         {certificate, "", "client_key_file: is missing; the client's certificate and its key are set together"},
		"no certificate": {"", key, "client_cert_file: is missing"},
		"another's key":  {certificate, other, "client_cert_file: certificate and key cannot be used together"},
		"expired":        {expired, expiredKey, "client_cert_file: the client's certificate expired on 2020-01-02 03:04:05 UTC; renew it"},
		"readable key":   {certificate, open, "client_key_file: file:" + open + ": mode 0604 lets every user"},
		"readable pair":  {combined, key, "client_cert_file: it holds a private key: file:" + combined + ": mode 0644 lets every user of the machine read it; chmod 600 it"},
		"no such file":   {"/none", key, "client_cert_file: the client's certificate cannot be read: open /none: no such file or directory; check its path"},
		"relative":       {certificate, "key.pem", "client_key_file: must be an absolute path"},
		"not a key":      {certificate, secretFile, "client_cert_file: certificate and key cannot be used together"},
		"no PEM":         {secretFile, key, "client_cert_file: certificate and key cannot be used together"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := load(t, fmt.Sprintf("%sclient_cert_file = %q\nclient_key_file = %q\n", smallest, test.certificate, test.key))
			problems := requireProblems(t, err)
			require.Len(t, problems, 1)
			require.Contains(t, problems[0], "managers.demo."+test.want)
		})
	}
}

func TestACertificateFileMayHoldItsKeyIfOthersMayNotReadIt(t *testing.T) {
	setKeys(t)
	certificate, key := certify(t, time.Now().Add(time.Hour))
	combined := write(t, "combined.pem", read(t, certificate)+read(t, key))
	file := fmt.Sprintf("%sclient_cert_file = %q\nclient_key_file = %q\n", smallest, combined, key)
	_, err := load(t, file)
	require.NoError(t, err)
	_, err = load(t, file+fmt.Sprintf("[tokens]\ndirectory = %q\n", filepath.Dir(combined)))
	require.ErrorContains(t, err, "the file of managers.demo.client_cert_file")
}

// certify makes a certificate that vouches for itself, until expiry, and its key.
func certify(t *testing.T, expiry time.Time) (certificateFile, keyFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: expiry.Add(-24 * time.Hour), NotAfter: expiry,
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(t, err)
	private, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	return write(t, "certificate.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))),
		write(t, "key.pem", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})))
}

func read(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(content)
}
