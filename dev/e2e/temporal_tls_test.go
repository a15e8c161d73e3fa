package e2e_test

import (
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/opsmanager/opsmanagertest"
)

const (
	temporalName = "temporal.test" // what the certificate of the server is for
	temporalKey  = "canary-temporal-api-key"
)

// guarded starts the program and returns its address.
func guarded(t *testing.T, env []string, args ...string) string {
	t.Helper()
	program := guardedPrograms.in(t, "guarded")
	server := start(t, env, program, args...)
	server.waitFor("ready ")
	server.waitFor("\n")
	_, address, _ := strings.Cut(server.output.String(), "ready ") // after what the server may have logged
	address, _, _ = strings.Cut(address, "\n")
	return strings.TrimSpace(address)
}

func TestALinkRunsOverMutualTLSAndNobodyElseGetsIn(t *testing.T) {
	t.Parallel()
	ca, stranger := newAuthority(t), newAuthority(t)
	server, client, other := ca.issue(temporalName), ca.issue("client.test"), stranger.issue("client.test")
	address := guarded(t, nil, "-cert", server.certFile, "-key", server.keyFile, "-client-ca", ca.file)
	good := map[string]string{
		"TEMPORAL_ADDRESS":                 address,
		"TEMPORAL_TLS_CLIENT_CERT_PATH":    client.certFile,
		"TEMPORAL_TLS_CLIENT_KEY_PATH":     client.keyFile,
		"TEMPORAL_TLS_SERVER_CA_CERT_PATH": ca.file,
		"TEMPORAL_TLS_SERVER_NAME":         temporalName,
	}
	requireLinks(t, good)

	for name, test := range map[string]struct {
		change   map[string]string
		misspelt bool // the mistake is in the settings alone
		says     string
	}{
		"no certificate": {
			change: map[string]string{"TEMPORAL_TLS_CLIENT_CERT_PATH": "", "TEMPORAL_TLS_CLIENT_KEY_PATH": ""},
			says:   "TEMPORAL_TLS_CLIENT_CERT_PATH",
		},
		"certificate of another CA": {
			change: map[string]string{"TEMPORAL_TLS_CLIENT_CERT_PATH": other.certFile, "TEMPORAL_TLS_CLIENT_KEY_PATH": other.keyFile},
			says:   "TEMPORAL_TLS_CLIENT_CERT_PATH",
		},
		"server of another CA": {
			change: map[string]string{"TEMPORAL_TLS_SERVER_CA_CERT_PATH": stranger.file},
			says:   "certificate signed by unknown authority",
		},
		"server that nobody vouches for": {
			change: map[string]string{"TEMPORAL_TLS_SERVER_CA_CERT_PATH": ""},
			says:   "TEMPORAL_TLS_SERVER_CA_CERT_PATH",
		},
		"server of another name": {
			change: map[string]string{"TEMPORAL_TLS_SERVER_NAME": "other.test"},
			says:   "certificate is valid for temporal.test, not other.test",
		},
		"no TLS":  {change: map[string]string{"TEMPORAL_TLS": "false"}, says: "it requires TLS, which is off"},
		"TLS 1.1": {change: map[string]string{"TEMPORAL_ADDRESS": oldTLS(t, server.load(t))}, says: "protocol version not supported"},
		"key of another certificate": {
			change:   map[string]string{"TEMPORAL_TLS_CLIENT_KEY_PATH": other.keyFile},
			misspelt: true, says: "private key does not match public key",
		},
		"no such file": {
			change:   map[string]string{"TEMPORAL_TLS_CLIENT_KEY_PATH": "/none.key"},
			misspelt: true, says: "/none.key",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			code := unreachable
			if test.misspelt {
				code = misspelt
			}
			requireRefused(t, with(good, test.change), code, test.says)
		})
	}
}

func TestALinkRunsWithAnAPIKeyAndNobodyElseGetsIn(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	server := ca.issue(temporalName)
	address := guarded(t, []string{"GUARDED_API_KEY=" + temporalKey}, "-cert", server.certFile, "-key", server.keyFile)
	good := map[string]string{
		"TEMPORAL_ADDRESS":                 address,
		"TEMPORAL_API_KEY":                 temporalKey,
		"TEMPORAL_TLS_SERVER_CA_CERT_PATH": ca.file,
		"TEMPORAL_TLS_SERVER_NAME":         temporalName,
	}
	requireLinks(t, good)

	for name, test := range map[string]struct {
		change map[string]string
		code   codes
		says   string
	}{
		"wrong key":            {map[string]string{"TEMPORAL_API_KEY": "not-" + temporalKey}, refused, "Check TEMPORAL_API_KEY"},
		"no key":               {map[string]string{"TEMPORAL_API_KEY": ""}, refused, "Check TEMPORAL_API_KEY"},
		"key in two lines":     {map[string]string{"TEMPORAL_API_KEY": temporalKey + "\n"}, refused, "Correct TEMPORAL_API_KEY"},
		"key in clear":         {map[string]string{"TEMPORAL_TLS": "false", "TEMPORAL_ADDRESS": temporalName + ":7233"}, misspelt, "Remove TEMPORAL_TLS=false"},
		"server of another CA": {map[string]string{"TEMPORAL_TLS_SERVER_CA_CERT_PATH": ""}, unreachable, "TEMPORAL_TLS_SERVER_CA_CERT_PATH"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			requireRefused(t, with(good, test.change), test.code, test.says)
		})
	}
}

// requireLinks links an organization through this connection, by worker and starter.
func requireLinks(t *testing.T, connection map[string]string) {
	t.Helper()
	env := environ(connection)
	worker := start(t, env, workerProgram, "--config", workerConfig(t))
	worker.waitFor("worker ready")
	done := runProgram(t, env, starterProgram, "link", "--manager", "demo", "--org", newOrg(), "--token-ref", "env:LINK_TOKEN_DEMO", "-o", "json")
	require.Zero(t, done.code, done.stderr)
	var result printed
	require.NoError(t, json.Unmarshal([]byte(done.stdout), &result))
	require.Equal(t, migrationlink.OutcomeLinked, result.Outcome)
	doctor := runProgram(t, env, starterProgram, "doctor")
	require.Zero(t, doctor.code, doctor.stdout+doctor.stderr)
	worker.stop()
	require.NotContains(t, worker.output.String()+done.stdout+done.stderr+doctor.stdout+doctor.stderr, temporalKey)
}

// codes returns the exit codes of worker and starter.
type codes struct{ worker, starter int }

var (
	unreachable = codes{7, 7}
	refused     = codes{1, 1}
	misspelt    = codes{2, 1}
)

// requireRefused checks that neither gets access, and that both report why.
func requireRefused(t *testing.T, connection map[string]string, want codes, says string) {
	t.Helper()
	env := environ(connection)
	worker := runProgram(t, env, workerProgram, "--config", workerConfig(t))
	starter := runProgram(t, env, starterProgram, "list")
	require.Contains(t, worker.stderr, says)
	require.Contains(t, starter.stderr, says)
	require.Equal(t, want, codes{worker.code, starter.code}, "%s\n%s", worker.stderr, starter.stderr)
	require.NotContains(t, worker.stdout+worker.stderr+starter.stdout+starter.stderr, temporalKey)
}

// workerConfig returns the configuration of a worker with its own manager.
func workerConfig(t *testing.T) string {
	t.Helper()
	manager, err := opsmanagertest.New(opsmanagertest.Options{})
	require.NoError(t, err)
	server := httptest.NewServer(manager)
	t.Cleanup(server.Close)
	return writeConfig(t, server.URL, "")
}

func writeConfig(t *testing.T, url, more string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "worker.toml")
	content := fmt.Sprintf("[log]\nlevel = \"debug\"\n[managers.demo]\nbase_url = %q\npublic_key = \"env:DEMO_PUBLIC_KEY\"\nprivate_key = \"env:DEMO_PRIVATE_KEY\"\n%s", url, more)
	require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
	return path
}

func environ(connection map[string]string) []string {
	env := []string{
		"DEMO_PUBLIC_KEY=" + opsmanagertest.DefaultPublicKey,
		"DEMO_PRIVATE_KEY=" + opsmanagertest.DefaultPrivateKey,
		"LINK_TOKEN_DEMO=canary-token",
	}
	for name, value := range connection {
		env = append(env, name+"="+value)
	}
	return env
}

// with returns base with some variables changed. Empty ones are not set.
func with(base, change map[string]string) map[string]string {
	all := map[string]string{}
	for _, from := range []map[string]string{base, change} {
		for name, value := range from {
			all[name] = value
			if value == "" {
				delete(all, name)
			}
		}
	}
	return all
}

// oldTLS offers TLS 1.1 at most.
func oldTLS(t *testing.T, certificate tls.Certificate) string {
	t.Helper()
	settings := &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11} //nolint:gosec // it is to be refused
	listener, err := tls.Listen("tcp", "127.0.0.1:0", settings)
	require.NoError(t, err)
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				_ = connection.(*tls.Conn).Handshake()
				_ = connection.Close()
			}()
		}
	}()
	return listener.Addr().String()
}
