package pemfile_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/migrationlink/migrationlink/internal/pemfile"
)

var now = time.Date(2026, 11, 28, 0, 0, 0, 0, time.UTC)

func TestEachInvalidBlockIsReportedByNumberAndReason(t *testing.T) {
	t.Parallel()
	good, key := certify(t, now.Add(time.Hour))
	lines := strings.SplitAfter(good, "\n")
	cut := strings.Join(slices.Delete(slices.Clone(lines), 3, 4), "")
	negative := negativeSerial(t, good)
	for name, test := range map[string]struct{ text, problem string }{
		"one":                    {good, ""},
		"two and comments":       {"# authority\n" + good + "\nsubject = x\n" + good + "# end\n", ""},
		"no line end":            {strings.TrimSuffix(good, "\n"), ""},
		"nothing":                {"", "it holds no certificate in PEM form"},
		"a comment":              {"# none\n", "it holds no certificate in PEM form"},
		"cut":                    {good + cut, "block 2 is a certificate that cannot be used: x509: "},
		"half":                   {good + strings.Join(lines[:4], ""), "block 2 is damaged or cut off"},
		"half, then a good one":  {good + strings.Join(lines[:4], "") + good, "block 2 is damaged or cut off"},
		"half at the beginning":  {strings.Join(lines[4:], "") + good, "the first block has an end without a beginning"},
		"half in the middle":     {good + strings.Join(lines[4:], "") + good, "block 1 is followed by an end without a beginning"},
		"trusted":                {good + strings.ReplaceAll(good, "CERTIFICATE", "TRUSTED CERTIFICATE"), "block 2 is a TRUSTED CERTIFICATE"},
		"another end":            {good + strings.ReplaceAll(good, "END CERTIFICATE", "END TRUSTED CERTIFICATE"), "block 2 is damaged or cut off"},
		"request":                {strings.ReplaceAll(good, "CERTIFICATE", "CERTIFICATE REQUEST") + good, `block 1 is a "CERTIFICATE REQUEST", not a CERTIFICATE`},
		"private key":            {good + key, "block 2 is a private key"},
		"negative serial":        {good + negative, "block 2 is a certificate that cannot be used: x509: negative serial number"},
		"not base64":             {good + lines[0] + "é\n" + lines[len(lines)-2], "block 2 is damaged or cut off"},
		"empty block":            {good + lines[0] + lines[len(lines)-2], "block 2 is "},
		"no line end in between": {strings.TrimSuffix(good, "\n") + good, "block 2 does not begin on a line of its own"},
		"indented":               {good + "  " + strings.ReplaceAll(good, "\n", "\n  "), "block 2 does not begin on a line of its own"},
		"headers":                {good + lines[0] + "Proc-Type: x\n\n" + strings.Join(lines[1:], ""), "block 2 is a certificate with header lines"},
		"a long type":            {good + "-----BEGIN " + strings.Repeat("x", 1000) + "-----\n-----END " + strings.Repeat("x", 1000) + "-----\n", "block 2 is "},
	} {
		problems := pemfile.Certificates(test.text)
		pool := x509.NewCertPool()
		if test.problem == "" {
			require.Empty(t, problems, name)
			require.True(t, pool.AppendCertsFromPEM([]byte(test.text)), name)
			continue
		}
		require.NotEmpty(t, problems, name)
		require.Contains(t, problems[0], test.problem, name)
		require.Less(t, len(strings.Join(problems, "")), 500, name)
	}
	require.Empty(t, pemfile.CertificatesAndKey(good+key))
	require.True(t, pemfile.HoldsKey(good+key))
	require.True(t, pemfile.HoldsKey(strings.Replace(key, "BEGIN PRIVATE", "BEGIN EC PRIVATE", 1)))
	require.False(t, pemfile.HoldsKey(good+cut))
	require.Contains(t, pemfile.CertificatesAndKey(good + key + cut)[0], "block 3 is a certificate that cannot be used")
}

// A file of a million bytes has tens of thousands of beginnings.
func TestTheListOfInvalidBlocksIsShort(t *testing.T) {
	t.Parallel()
	problems := pemfile.Certificates(strings.Repeat("-----BEGIN\n", 90_000))
	require.Len(t, problems, 6)
	require.Equal(t, "89995 more blocks cannot be used", problems[5])
}

func TestAnExpiredCertificateIsReported(t *testing.T) {
	t.Parallel()
	good, _ := certify(t, now.Add(time.Hour))
	old, _ := certify(t, now.Add(-time.Hour))
	next, _ := certify(t, now.Add(48*time.Hour))
	require.Equal(t, []string{
		"block 2 is a certificate that expired on 2026-11-27 23:00:00 UTC; replace it",
		"block 3 is a certificate that is not valid before 2026-11-29 00:00:00 UTC; check the clock, or wait",
	}, pemfile.Validity(good+old+next, now))
	require.Empty(t, pemfile.Certificates(good+old+next))
}

func TestFilesFromOpenSSLAreReadOrReported(t *testing.T) {
	t.Parallel()
	openssl, err := exec.LookPath("openssl")
	if err != nil {
		t.Skip("openssl is not installed")
	}
	good, _ := certify(t, now.Add(time.Hour))
	file := filepath.Join(t.TempDir(), "good.pem")
	require.NoError(t, os.WriteFile(file, []byte(good), 0o600))
	convert := func(arguments ...string) string {
		written, err := exec.CommandContext(t.Context(), openssl, append([]string{"x509", "-in", file}, arguments...)...).Output()
		require.NoError(t, err)
		return string(written)
	}
	require.Empty(t, pemfile.Certificates(convert("-text")))
	require.Contains(t, pemfile.Certificates(good + convert("-trustout"))[0], "block 2 is a TRUSTED CERTIFICATE")
	require.Contains(t, pemfile.Certificates(convert("-pubkey"))[0], `block 1 is a "PUBLIC KEY"`)
}

func certify(t *testing.T, expiry time.Time) (certificate, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(0x4142434445464748), NotBefore: expiry.Add(-24 * time.Hour), NotAfter: expiry, IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	require.NoError(t, err)
	encoded, err := x509.MarshalPKCS8PrivateKey(private)
	require.NoError(t, err)
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})), string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: encoded}))
}

// negativeSerial sets the sign of the serial number, which old authorities issued.
func negativeSerial(t *testing.T, certificate string) string {
	t.Helper()
	block, _ := pem.Decode([]byte(certificate))
	at := strings.Index(string(block.Bytes), "ABCDEFGH")
	require.Positive(t, at)
	block.Bytes[at] |= 0x80
	return "-----BEGIN CERTIFICATE-----\n" + base64.StdEncoding.EncodeToString(block.Bytes) + "\n-----END CERTIFICATE-----\n"
}
