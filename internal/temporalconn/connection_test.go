package temporalconn_test

import (
	"crypto/tls"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/migrationlink/migrationlink/internal/temporalconn"
)

const canary = "c4n4ry-5ecret"

// pem looks enough like a key.
const pem = "-----BEGIN PRIVATE KEY-----\n" + canary + "\n-----END PRIVATE KEY-----\n"

func TestAWrongConnectionIsNamedWithoutAnyKey(t *testing.T) {
	t.Parallel()
	profile := filepath.Join(t.TempDir(), "temporal.toml")
	require.NoError(t, os.WriteFile(profile, []byte("[profile.default]\napi_key = "+canary), 0o600))
	number := filepath.Join(t.TempDir(), "number.toml")
	require.NoError(t, os.WriteFile(number, []byte("[profile.default]\naddress = 5\napi_key = \""+canary+"\""), 0o600))
	for name, test := range map[string]struct {
		env  environment
		want string
	}{
		"key without quotes":    {environment{"TEMPORAL_CONFIG_FILE": profile}, `line 2 of the file of profiles (last key: "profile.default.api_key") is not valid TOML`},
		"wrong type":            {environment{"TEMPORAL_CONFIG_FILE": number}, "incompatible types"},
		"no such profile":       {environment{"TEMPORAL_PROFILE": "prod"}, "unable to find profile prod"},
		"key instead of a path": {environment{"TEMPORAL_TLS_CLIENT_KEY_PATH": pem, "TEMPORAL_TLS_CLIENT_CERT_PATH": "/c"}, "TEMPORAL_TLS_CLIENT_KEY_PATH is the content of a file; set TEMPORAL_TLS_CLIENT_KEY_DATA for that"},
		"no such files":         {environment{"TEMPORAL_TLS_CLIENT_KEY_PATH": "/k", "TEMPORAL_TLS_CLIENT_CERT_PATH": "/c"}, "open /c: no such file"},
		"no certificate":        {environment{"TEMPORAL_TLS_CLIENT_KEY_DATA": pem, "TEMPORAL_TLS_CLIENT_CERT_DATA": pem}, "client cert/key data"},
		"key without TLS":       {environment{"TEMPORAL_API_KEY": canary, "TEMPORAL_TLS": "false", "TEMPORAL_ADDRESS": "temporal.example.com:7233"}, "would read the API key"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := temporalconn.Load(temporalconn.Overrides{Env: test.env})
			var known *temporalconn.Error
			require.ErrorAs(t, err, &known)
			require.Equal(t, temporalconn.Misconfigured, known.Kind)
			require.ErrorContains(t, err, test.want)
			require.NotContains(t, err.Error(), canary)
		})
	}
}

func TestTheFileOfTheTLSKeyIsCheckedWhereThatIsAskedFor(t *testing.T) {
	t.Parallel()
	env := environment{"TEMPORAL_TLS_CLIENT_KEY_PATH": "/key.pem", "TEMPORAL_TLS_CLIENT_CERT_PATH": "/certificate.pem"}
	var asked []string
	_, err := temporalconn.Load(temporalconn.Overrides{Env: env, CheckKey: func(path string) error {
		asked = append(asked, path)
		return errors.New("mode 0644")
	}})
	require.ErrorContains(t, err, "the TLS client key: mode 0644")
	require.Equal(t, []string{"/key.pem"}, asked)
}

func TestWhatTemporalRepeatsOfTheKeyIsRedacted(t *testing.T) {
	t.Parallel()
	for name, env := range map[string]environment{
		"key":    {"TEMPORAL_API_KEY": canary, "TEMPORAL_ADDRESS": "h:1"},
		"header": {"TEMPORAL_GRPC_META_AUTHORIZATION": "Bearer " + canary, "TEMPORAL_TLS": "true"},
	} {
		options, err := temporalconn.Load(temporalconn.Overrides{Env: env})
		require.NoError(t, err, name)
		require.Equal(t, uint16(tls.VersionTLS12), options.ConnectionOptions.TLS.MinVersion, name)
		for _, code := range []codes.Code{codes.Unauthenticated, codes.PermissionDenied, codes.Unavailable} {
			err = options.Explain(status.Error(code, "no such key: "+canary))
			require.ErrorContains(t, err, "no such key: [redacted]", name)
		}
	}
}

func TestWhatEndsAConnectionOverTLSNamesTheVariablesOfTLS(t *testing.T) {
	t.Parallel()
	const dialed = `connection error: desc = "transport: authentication handshake failed: `
	for text, want := range map[string]string{
		dialed + `tls: failed to verify certificate: x509: certificate signed by unknown authority"`: "TEMPORAL_TLS_SERVER_CA_CERT_PATH",
		dialed + `tls: failed to verify certificate: x509: certificate is valid for a, not \"b\""`:   `not "b")`,
		`connection error: desc = "error reading server preface: EOF"`:                               "TEMPORAL_TLS_CLIENT_CERT_PATH",
		`error reading server preface: remote error: tls: certificate required`:                      "ended the connection after the TLS handshake",
		`write tcp 127.0.0.1:1->127.0.0.1:2: write: broken pipe`:                                     "TEMPORAL_TLS_CLIENT_KEY_PATH",
		`header key "authorization" contains value with non-printable ASCII characters`:              "often ends with a line feed",
	} {
		options, err := temporalconn.Load(temporalconn.Overrides{Env: environment{"TEMPORAL_TLS": "true"}})
		require.NoError(t, err)
		require.ErrorContains(t, options.Explain(status.Error(codes.Unavailable, text)), want, text)
	}
}

// environment is all that is set.
type environment map[string]string

func (e environment) Environ() []string {
	var all []string
	for name, value := range e {
		all = append(all, name+"="+value)
	}
	return all
}

func (e environment) LookupEnv(name string) (string, bool) {
	value, found := e[name]
	if !found && strings.HasSuffix(name, "_CONFIG_FILE") {
		return "does-not-exist.toml", true
	}
	return value, found
}
