package temporalconn_test

import (
	"crypto/tls"
	"errors"
	"maps"
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

func TestAConnectionErrorContainsNoKey(t *testing.T) {
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
		"key without TLS":       {environment{"TEMPORAL_API_KEY": canary, "TEMPORAL_TLS": "false", "TEMPORAL_ADDRESS": "temporal.example.com:7233"}, "the API key would cross the network"},
		"header without TLS":    {environment{"TEMPORAL_GRPC_META_AUTHORIZATION": "Bearer " + canary, "TEMPORAL_ADDRESS": "temporal.example.com:7233"}, "in plain text. Set TEMPORAL_TLS=true"},
		"key as a path":         {environment{"TEMPORAL_API_KEY": canary, "TEMPORAL_TLS_SERVER_CA_CERT_PATH": canary}, "open [redacted]: no such file"},
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

func TestTheTLSKeyFileIsCheckedIfRequested(t *testing.T) {
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

func TestAFileOfProfilesThatWouldOverloadTheParserIsRejected(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "temporal.toml")
	require.NoError(t, os.WriteFile(path, []byte("[profile.default]\ngrpc_meta = "+strings.Repeat("{a = ", 200_000)), 0o600))
	_, err := temporalconn.Load(temporalconn.Overrides{Env: environment{"TEMPORAL_CONFIG_FILE": path}})
	require.ErrorContains(t, err, "the file of profiles cannot be read: it has more than 100 braces")
}

func TestTheFileOfProfilesIsCheckedIfTheProfileHoldsACredential(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		profile string
		env     environment
		checked bool
	}{
		"key":               {`api_key = "` + canary + `"`, nil, true},
		"key of TLS":        {`tls = {disabled = true, client_key_data = "` + canary + `"}`, nil, true},
		"header":            {`grpc_meta = {Authorization = "Bearer ` + canary + `"}` + "\ntls = {}", nil, true},
		"codec":             {`codec = {auth = "` + canary + `"}`, nil, true},
		"key and variable":  {`api_key = "` + canary + `"`, environment{"TEMPORAL_API_KEY": "another"}, true},
		"variable":          {`namespace = "x"`, environment{"TEMPORAL_API_KEY": canary}, false},
		"other header":      {`grpc_meta = {tenant = "acme"}`, nil, false},
		"of another":        {"[profile.other]\napi_key = \"" + canary + `"`, nil, false},
		"of the one chosen": {"[profile.other]\napi_key = \"" + canary + `"`, environment{"TEMPORAL_PROFILE": "other"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "temporal.toml")
			require.NoError(t, os.WriteFile(path, []byte("[profile.default]\n"+test.profile), 0o600))
			env := environment{"TEMPORAL_CONFIG_FILE": path}
			maps.Copy(env, test.env)
			var asked []string
			_, err := temporalconn.Load(temporalconn.Overrides{Env: env, CheckKey: func(path string) error {
				asked = append(asked, path)
				return errors.New("mode 0644")
			}})
			if !test.checked {
				require.NoError(t, err)
				require.Empty(t, asked)
				return
			}
			require.ErrorContains(t, err, "the file of profiles: mode 0644")
			require.Equal(t, []string{path}, asked)
			_, err = temporalconn.Load(temporalconn.Overrides{Env: env})
			require.NoError(t, err, "only where that is asked for")
		})
	}
}

func TestACredentialHeaderNeedsTLSOrLoopback(t *testing.T) {
	t.Parallel()
	const remote, local = "temporal.example.com:7233", "127.0.0.1:7233"
	profile := filepath.Join(t.TempDir(), "temporal.toml")
	require.NoError(t, os.WriteFile(profile, []byte("[profile.default]\ngrpc_meta = {Authorization = \""+canary+"\"}"), 0o600))
	header := environment{"TEMPORAL_GRPC_META_Authorization": "Bearer " + canary}
	for name, test := range map[string]struct {
		env     environment
		more    environment
		address string
		good    bool
	}{
		"no TLS":           {header, nil, remote, false},
		"TLS switched off": {header, environment{"TEMPORAL_TLS": "false"}, remote, false},
		"TLS":              {header, environment{"TEMPORAL_TLS": "true"}, remote, true},
		"loopback":         {header, nil, local, true},
		"of the profile":   {environment{"TEMPORAL_CONFIG_FILE": profile}, nil, remote, false},
		"taken back":       {environment{"TEMPORAL_CONFIG_FILE": profile, "TEMPORAL_GRPC_META_AUTHORIZATION": ""}, nil, remote, true},
		"another header":   {environment{"TEMPORAL_GRPC_META_TENANT": "acme"}, nil, remote, true},
	} {
		env := maps.Clone(test.env)
		maps.Copy(env, test.more)
		_, err := temporalconn.Load(temporalconn.Overrides{Env: env, Address: test.address})
		if test.good {
			require.NoError(t, err, name)
			continue
		}
		require.ErrorContains(t, err, "without TLS, the header authorization would cross the network to "+remote+" in plain text", name)
		require.NotContains(t, err.Error(), canary)
	}
}

func TestACredentialInAnAnswerOfTemporalIsRedacted(t *testing.T) {
	t.Parallel()
	for name, env := range map[string]environment{
		"key":          {"TEMPORAL_API_KEY": canary},
		"header":       {"TEMPORAL_GRPC_META_AUTHORIZATION": "Bearer " + canary},
		"lower case":   {"TEMPORAL_GRPC_META_AUTHORIZATION": "token  " + canary + " "},
		"other header": {"TEMPORAL_GRPC_META_X_API_KEY": canary},
		"key of TLS":   {"TEMPORAL_TLS_CLIENT_KEY_DATA": canary, "TEMPORAL_TLS": "false"},
		"codec":        {"TEMPORAL_CODEC_AUTH": "Basic " + canary, "TEMPORAL_CODEC_ENDPOINT": "https://codec.example.com"},
	} {
		options, err := temporalconn.Load(temporalconn.Overrides{Env: env, Codec: temporalconn.RemoteCodec})
		require.NoError(t, err, name)
		for _, code := range []codes.Code{codes.Unauthenticated, codes.PermissionDenied, codes.Unavailable} {
			err = options.Explain(status.Error(code, "no such key: "+canary))
			require.ErrorContains(t, err, "no such key: [redacted]", name)
		}
	}
	options, err := temporalconn.Load(temporalconn.Overrides{Env: environment{"TEMPORAL_GRPC_META_TENANT": "no"}})
	require.NoError(t, err)
	require.ErrorContains(t, options.Explain(status.Error(codes.Unavailable, "no such key")), "no such key", "a word is no secret")
}

func TestTheMinimumTLSVersionIs12(t *testing.T) {
	t.Parallel()
	for _, env := range []environment{{"TEMPORAL_API_KEY": canary}, {"TEMPORAL_TLS": "true"}} {
		options, err := temporalconn.Load(temporalconn.Overrides{Env: env})
		require.NoError(t, err)
		require.Equal(t, uint16(tls.VersionTLS12), options.ConnectionOptions.TLS.MinVersion)
	}
}

func TestAConnectionClosedAfterTheTLSHandshakeNamesTheTLSVariables(t *testing.T) {
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
