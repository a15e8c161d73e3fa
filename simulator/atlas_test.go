package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/migrationlink/migrationlink/atlas"
	"github.com/migrationlink/migrationlink/opsmanager"
	"github.com/migrationlink/migrationlink/opsmanager/opsmanagertest"
	"github.com/migrationlink/migrationlink/redact"
)

const sourceOrg, targetOrg = "5f1b2c3d4e5f6a7b8c9d0e1f", "6a1b2c3d4e5f6a7b8c9d0e1f"

func atlasClient(t *testing.T, config atlas.Config) *atlas.Client {
	t.Helper()
	client, err := atlas.New(config)
	require.NoError(t, err)
	t.Cleanup(client.Close)
	return client
}

func TestTheCredentialsOfAtlasComeByReferenceToo(t *testing.T) {
	t.Parallel()
	variables := func(name string) (string, bool) { return "canary-of-" + name, true }
	p := start(t, variables, "--atlas-public-key", "atlaspub", "--atlas-private-key-env", "KEY", "--atlas-client-id", "id", "--atlas-client-secret-env", "SECRET")
	for name, client := range map[string]*atlas.Client{
		"API key":         atlasClient(t, atlas.Config{BaseURL: p.url, PublicKey: "atlaspub", PrivateKey: redact.NewSecret("canary-of-KEY")}),
		"service account": atlasClient(t, atlas.Config{BaseURL: p.url, ClientID: "id", ClientSecret: redact.NewSecret("canary-of-SECRET")}),
	} {
		_, err := client.CreateLinkToken(t.Context(), targetOrg, nil, nil)
		require.NoError(t, err, name)
	}
	require.Zero(t, p.end())
	require.NotContains(t, p.stdout.String()+p.stderr.String(), "canary")
}

func TestInJointModeALinkGoesFromAtlasToTheManagerAndBack(t *testing.T) {
	t.Parallel()
	p := start(t, noVariables, "--joint")
	status, _ := p.call(http.MethodPost, linkPath, `{"linkToken":"canary"}`, opsmanagertest.DefaultPrivateKey)
	require.Equal(t, http.StatusBadRequest, status)

	target := atlasClient(t, atlas.Config{BaseURL: p.url, PublicKey: opsmanagertest.DefaultAtlasPublicKey, PrivateKey: redact.NewSecret(opsmanagertest.DefaultAtlasPrivateKey)})
	source, err := opsmanager.New(opsmanager.Config{BaseURL: p.url, PublicKey: opsmanagertest.DefaultPublicKey, PrivateKey: redact.NewSecret(opsmanagertest.DefaultPrivateKey)})
	require.NoError(t, err)
	t.Cleanup(source.Close)
	token, err := target.CreateLinkToken(t.Context(), targetOrg, []string{"192.0.2.7"}, nil)
	require.NoError(t, err)
	_, err = source.CreateLink(t.Context(), sourceOrg, token, nil)
	require.NoError(t, err)
	projects, err := source.Projects(t.Context(), sourceOrg)
	require.NoError(t, err)
	available, err := target.AvailableProjects(t.Context(), targetOrg)
	require.NoError(t, err)
	require.Len(t, available, 2)
	for i, project := range projects {
		require.Equal(t, project.ID, available[i].ID)
	}
	require.NoError(t, target.DeleteLinkToken(t.Context(), targetOrg))
	require.True(t, atlas.NoLinkToken(target.DeleteLinkToken(t.Context(), targetOrg)))
}

func TestOverTLSTheSimulatorCanAskForAClientsCertificate(t *testing.T) {
	t.Parallel()
	cert, key := selfSigned(t)
	authorities := x509.NewCertPool()
	content, err := os.ReadFile(cert)
	require.NoError(t, err)
	require.True(t, authorities.AppendCertsFromPEM(content))
	own, err := tls.LoadX509KeyPair(cert, key)
	require.NoError(t, err)
	p := start(t, noVariables, "--tls-cert-file", cert, "--tls-key-file", key, "--tls-client-ca-file", cert)
	for name, shown := range map[string]*tls.Certificate{"none": nil, "its own": &own} {
		client, err := opsmanager.New(opsmanager.Config{
			BaseURL: p.url, PublicKey: opsmanagertest.DefaultPublicKey, PrivateKey: redact.NewSecret(opsmanagertest.DefaultPrivateKey),
			RootCAs: authorities, ClientCertificate: shown,
		})
		require.NoError(t, err)
		t.Cleanup(client.Close)
		_, err = client.LinkStatus(t.Context(), sourceOrg)
		require.Equal(t, shown != nil, opsmanager.NoLink(err), "%s: %v", name, err)
	}
	require.Zero(t, p.end())
}

// selfSigned makes a certificate for the loopback address, of servers and of
// clients, which is its own authority.
func selfSigned(t *testing.T) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "simulator"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
		KeyUsage:    x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	signed, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	require.NoError(t, err)
	encoded, err := x509.MarshalPKCS8PrivateKey(private)
	require.NoError(t, err)
	return pemFile(t, "CERTIFICATE", signed), pemFile(t, "PRIVATE KEY", encoded)
}

func pemFile(t *testing.T, kind string, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "pem")
	require.NoError(t, os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: content}), 0o600))
	return path
}
