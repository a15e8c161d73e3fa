package temporalconn_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	stdpem "encoding/pem"
	"errors"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"

	"github.com/migrationlink/migrationlink/internal/temporalconn"
)

// issued is a certificate that is its own authority.
type issued struct{ cert, key []byte }

func issue(t *testing.T, name string, from, until time.Time) issued {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: from, NotAfter: until, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	private, err := x509.MarshalECPrivateKey(key)
	require.NoError(t, err)
	return issued{
		pemOf("CERTIFICATE", der), pemOf("EC PRIVATE KEY", private),
	}
}

func pemOf(kind string, der []byte) []byte {
	return stdpem.EncodeToMemory(&stdpem.Block{Type: kind, Bytes: der})
}

func valid(t *testing.T, name string) issued {
	t.Helper()
	return issue(t, name, time.Now().Add(-time.Hour), time.Now().Add(time.Hour))
}

func expired(t *testing.T, name string) issued {
	t.Helper()
	return issue(t, name, time.Now().Add(-2*time.Hour), time.Now().Add(-time.Hour))
}

func write(t *testing.T, path string, content []byte) {
	t.Helper()
	next := path + ".next"
	require.NoError(t, os.WriteFile(next, content, 0o600))
	require.NoError(t, os.Rename(next, path))
}

// seen is a Temporal that keeps who has called it.
type seen struct {
	workflowservice.UnimplementedWorkflowServiceServer
	mu    sync.Mutex
	names []string // of client certificates
	keys  []string
}

func (s *seen) GetSystemInfo(ctx context.Context, _ *workflowservice.GetSystemInfoRequest) (*workflowservice.GetSystemInfoResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if from, ok := peer.FromContext(ctx); ok {
		if info, ok := from.AuthInfo.(credentials.TLSInfo); ok && len(info.State.PeerCertificates) > 0 {
			s.names = append(s.names, info.State.PeerCertificates[0].Subject.CommonName)
		}
	}
	sent, _ := metadata.FromIncomingContext(ctx)
	s.keys = append(s.keys, sent.Get("authorization")...)
	return &workflowservice.GetSystemInfoResponse{}, nil
}

func (s *seen) listen(t *testing.T, options ...grpc.ServerOption) string {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	server := grpc.NewServer(options...)
	workflowservice.RegisterWorkflowServiceServer(server, s)
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(server.Stop)
	return listener.Addr().String()
}

func serverTLS(t *testing.T, certificate issued, clients tls.ClientAuthType) grpc.ServerOption {
	t.Helper()
	pair, err := tls.X509KeyPair(certificate.cert, certificate.key)
	require.NoError(t, err)
	return grpc.Creds(credentials.NewTLS(&tls.Config{Certificates: []tls.Certificate{pair}, ClientAuth: clients, MinVersion: tls.VersionTLS12}))
}

// logged keeps what is logged.
type logged struct {
	mu    sync.Mutex
	lines []string
}

func (l *logged) keep(line string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, line)
}

func (*logged) Debug(string, ...any)          {}
func (l *logged) Info(line string, _ ...any)  { l.keep(line) }
func (l *logged) Warn(line string, _ ...any)  { l.keep(line) }
func (l *logged) Error(line string, _ ...any) { l.keep(line) }

func (l *logged) about(what string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	for _, line := range l.lines {
		if line == what {
			n++
		}
	}
	return n
}

func dial(t *testing.T, options temporalconn.Options) {
	t.Helper()
	client, err := options.Dial(t.Context())
	require.NoError(t, err)
	client.Close()
}

func TestTheClientCertificateIsReloadedForTheNextConnection(t *testing.T) {
	t.Parallel()
	server := valid(t, "temporal.test")
	temporal := &seen{}
	address := temporal.listen(t, serverTLS(t, server, tls.RequireAnyClientCert))
	dir := t.TempDir()
	ca, cert, key := filepath.Join(dir, "ca.pem"), filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	rotate := func(to issued) {
		write(t, cert, to.cert)
		write(t, key, to.key)
	}
	write(t, ca, server.cert)
	rotate(valid(t, "first"))
	options, err := temporalconn.Load(temporalconn.Overrides{Address: address, Env: environment{
		"TEMPORAL_TLS_SERVER_CA_CERT_PATH": ca, "TEMPORAL_TLS_SERVER_NAME": "temporal.test",
		"TEMPORAL_TLS_CLIENT_CERT_PATH": cert, "TEMPORAL_TLS_CLIENT_KEY_PATH": key,
	}})
	require.NoError(t, err)
	lines := &logged{}
	options.Logger = lines
	dial(t, options)

	rotate(valid(t, "second"))
	dial(t, options)
	require.Equal(t, 1, lines.about("the client certificate for Temporal was reloaded"))

	write(t, cert, []byte("half a certifi"))
	dial(t, options)
	dial(t, options)
	require.Equal(t, 1, lines.about("the client certificate for Temporal cannot be reloaded; the previous one stays active"), "once")

	require.NoError(t, os.Remove(cert))
	dial(t, options)
	rotate(valid(t, "third"))
	dial(t, options)
	require.Equal(t, []string{"first", "second", "second", "second", "second", "third"}, temporal.names)
	require.Equal(t, 2, lines.about("the client certificate for Temporal was reloaded"))
}

func TestTheAPIKeyOfAProfileIsReloadedForTheNextCall(t *testing.T) {
	t.Parallel()
	temporal := &seen{}
	address := temporal.listen(t)
	profile := filepath.Join(t.TempDir(), "temporal.toml")
	rotate := func(key string) {
		write(t, profile, []byte("[profile.default]\napi_key = \""+key+"\"\ntls = {disabled = true}\n"))
	}
	rotate("first-key")
	env := environment{"TEMPORAL_CONFIG_FILE": profile}
	options, err := temporalconn.Load(temporalconn.Overrides{Address: address, Env: env})
	require.NoError(t, err)
	lines := &logged{}
	options.Logger = lines
	dial(t, options)
	rotate("second-key-" + canary)
	dial(t, options)
	require.Equal(t, 1, lines.about("the API key of the file of profiles was reloaded"))
	require.NotContains(t, options.Explain(status.Error(codes.Unavailable, "no such key: second-key-"+canary)).Error(), canary)

	write(t, profile, []byte("[profile.default"))
	dial(t, options)
	dial(t, options)
	require.Equal(t, 1, lines.about("the API key of the file of profiles cannot be reloaded; the previous one stays active"))
	require.Equal(t, "Bearer first-key", temporal.keys[0])
	require.Equal(t, "Bearer second-key-"+canary, temporal.keys[len(temporal.keys)-1])

	env["TEMPORAL_API_KEY"] = "of-the-variable"
	options, err = temporalconn.Load(temporalconn.Overrides{Address: address, Env: withoutFile(env)})
	require.NoError(t, err)
	dial(t, options)
	require.Equal(t, "Bearer of-the-variable", temporal.keys[len(temporal.keys)-1])
}

func withoutFile(env environment) environment {
	env["TEMPORAL_CONFIG_FILE"], env["TEMPORAL_TLS"] = "does-not-exist.toml", "false"
	return env
}

func TestTLSProblemsAreReported(t *testing.T) {
	t.Parallel()
	good := valid(t, "temporal.test")
	dir := t.TempDir()
	file := func(name string, content []byte) string {
		path := filepath.Join(dir, name)
		write(t, path, content)
		return path
	}
	old, oldClient := expired(t, "temporal.test"), expired(t, "client")
	trusting := environment{"TEMPORAL_TLS_SERVER_CA_CERT_PATH": file("ca.pem", good.cert), "TEMPORAL_TLS_SERVER_NAME": "temporal.test"}
	refusing := grpc.Creds(credentials.NewTLS(&tls.Config{
		Certificates: []tls.Certificate{must(tls.X509KeyPair(good.cert, good.key))}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: x509.NewCertPool(),
	}))
	for name, test := range map[string]struct {
		server  []grpc.ServerOption
		env     environment
		message string
		remedy  string
	}{
		"expired": {[]grpc.ServerOption{serverTLS(t, old, tls.NoClientCert)}, environment{
			"TEMPORAL_TLS_SERVER_CA_CERT_PATH": file("old.pem", old.cert), "TEMPORAL_TLS_SERVER_NAME": "temporal.test",
		}, "certificate has expired", "Renew Temporal's certificate, or correct the clock"},
		"TLS to a port without": {nil, trusting, "it answers without TLS, but TLS is on here", "TEMPORAL_TLS=false"},
		"no TLS to a port with": {[]grpc.ServerOption{serverTLS(t, good, tls.NoClientCert)}, nil, "it requires TLS, which is off", "Set TEMPORAL_TLS=true"},
		"expired client certificate": {[]grpc.ServerOption{refusing}, environment{
			"TEMPORAL_TLS_SERVER_CA_CERT_PATH": trusting["TEMPORAL_TLS_SERVER_CA_CERT_PATH"], "TEMPORAL_TLS_SERVER_NAME": "temporal.test",
			"TEMPORAL_TLS_CLIENT_CERT_PATH": file("client.pem", oldClient.cert), "TEMPORAL_TLS_CLIENT_KEY_PATH": file("client.key", oldClient.key),
		}, "the client certificate has expired on ", "Renew the certificate in TEMPORAL_TLS_CLIENT_CERT_PATH"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			options, err := temporalconn.Load(temporalconn.Overrides{Address: (&seen{}).listen(t, test.server...), Env: test.env})
			require.NoError(t, err)
			_, err = options.Dial(t.Context())
			var known *temporalconn.Error
			require.ErrorAs(t, err, &known)
			require.Equal(t, temporalconn.Unreachable, known.Kind)
			require.Contains(t, known.Message, test.message)
			require.Contains(t, known.Remedy, test.remedy)
		})
	}
}

func TestACertificateFileThatHoldsAKeyIsCheckedAsAKeyFileIs(t *testing.T) {
	t.Parallel()
	dir, pair := t.TempDir(), valid(t, "client")
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	write(t, cert, slices.Concat(pair.cert, pair.key))
	write(t, key, pair.key)
	overrides := temporalconn.Overrides{
		Env: environment{"TEMPORAL_TLS_CLIENT_CERT_PATH": cert, "TEMPORAL_TLS_CLIENT_KEY_PATH": key},
		CheckKey: func(path string) error {
			if path == cert {
				return errors.New("mode 0644")
			}
			return nil
		},
	}
	_, err := temporalconn.Load(overrides)
	require.ErrorContains(t, err, "the client certificate for Temporal: its file holds a private key: mode 0644")
	write(t, cert, pair.cert)
	_, err = temporalconn.Load(overrides)
	require.NoError(t, err)
}

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

func TestWhiteSpaceAroundASettingIsReported(t *testing.T) {
	t.Parallel()
	for name, says := range map[string]string{
		"prod\r": "TEMPORAL_NAMESPACE ends in a carriage return, as lines of files from Windows do", "prod\r\n": "a carriage return",
		"\tprod": "TEMPORAL_NAMESPACE has white space at its start or end", "prod\n": "white space",
	} {
		_, err := temporalconn.Load(temporalconn.Overrides{Env: environment{"TEMPORAL_NAMESPACE": name}})
		require.ErrorContains(t, err, says)
	}
	for _, variable := range []string{"TEMPORAL_ADDRESS", "TEMPORAL_PROFILE", "TEMPORAL_TLS_SERVER_NAME", "TEMPORAL_TLS_SERVER_CA_CERT_PATH", "TEMPORAL_CONFIG_FILE", "TEMPORAL_TLS"} {
		_, err := temporalconn.Load(temporalconn.Overrides{Env: environment{variable: "value\r"}})
		require.ErrorContains(t, err, variable+" ends in a carriage return")
	}
	profile := filepath.Join(t.TempDir(), "temporal.toml")
	write(t, profile, []byte("[profile.default]\nnamespace = \"prod\\r\"\n"))
	_, err := temporalconn.Load(temporalconn.Overrides{Env: environment{"TEMPORAL_CONFIG_FILE": profile}})
	require.ErrorContains(t, err, "the namespace of the profile ends in a carriage return")
}

func TestFilesOfTheConnectionAreRegularAndBounded(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	pipe, large := filepath.Join(dir, "pipe"), filepath.Join(dir, "large")
	require.NoError(t, syscall.Mkfifo(pipe, 0o600))
	require.NoError(t, os.WriteFile(large, slices.Repeat([]byte("# \n"), 1<<20), 0o600))
	for _, variable := range []string{"TEMPORAL_CONFIG_FILE", "TEMPORAL_TLS_SERVER_CA_CERT_PATH", "TEMPORAL_TLS_CLIENT_CERT_PATH", "TEMPORAL_TLS_CLIENT_KEY_PATH"} {
		for path, says := range map[string]string{pipe: "not a regular file", "/dev/zero": "not a regular file", large: "larger than 1024 KiB"} {
			env := environment{variable: path}
			switch other := filepath.Join(dir, "empty"); variable {
			case "TEMPORAL_TLS_CLIENT_KEY_PATH":
				require.NoError(t, os.WriteFile(other, nil, 0o600))
				env["TEMPORAL_TLS_CLIENT_CERT_PATH"] = other
			case "TEMPORAL_TLS_CLIENT_CERT_PATH":
				env["TEMPORAL_TLS_CLIENT_KEY_PATH"] = other
			}
			_, err := temporalconn.Load(temporalconn.Overrides{Env: env})
			require.ErrorContains(t, err, says, "%s=%s", variable, path)
		}
	}
}

func TestTheHostOfAProxyIsValid(t *testing.T) {
	t.Parallel()
	for _, good := range []string{"proxy", "proxy.example", "proxy.example:3128", "10.0.0.1:80", "[::1]:3128", "[::1]"} {
		require.True(t, temporalconn.IsHost(good), good)
	}
	for _, wrong := range []string{"", "http:", "proxy:0", "proxy:99999", "proxy:x", "::1"} {
		require.False(t, temporalconn.IsHost(wrong), wrong)
	}
}
