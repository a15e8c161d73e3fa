package worker_test

import (
	"bytes"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/migrationlink/migrationlink/internal/local/localtest"
	"github.com/migrationlink/migrationlink/internal/seal"
	"github.com/migrationlink/migrationlink/internal/worker"
)

const (
	canary  = "c4n4ry-5ecret"
	managed = `
[managers.prod]
base_url = "https://cloud.mongodb.com"
public_key = "env:DEMO_PUBLIC_KEY"
private_key = "env:DEMO_PRIVATE_KEY"
[managers.demo]
base_url = "http://127.0.0.1:1"
public_key = "env:DEMO_PUBLIC_KEY"
private_key = "env:DEMO_PRIVATE_KEY"
`
)

func TestCheckAcceptsAValidConfigurationOnly(t *testing.T) {
	setEnvironment(t, "")
	good, bad := write(t, managed), write(t, managed+"colour = \"blue\"\nbase_path = \"x\"\n")

	code, stdout, _ := run(t, "--config", good, "--check")
	require.Equal(t, worker.ExitOK, code)
	require.Equal(t, "ok: 2 managers: demo, prod\n", stdout)

	identity, recipient, err := seal.GenerateIdentity(false)
	require.NoError(t, err)
	t.Setenv("IDENTITY", identity.Reveal())
	more := write(t, managed+`[tokens]
identities = ["env:IDENTITY"]
[atlas.main]
client_id = "env:DEMO_PUBLIC_KEY"
client_secret = "env:DEMO_PRIVATE_KEY"
`)
	code, stdout, _ = run(t, "--config", more, "--check")
	require.Equal(t, worker.ExitOK, code)
	require.Equal(t, "ok: 2 managers: demo, prod; 1 atlas: main; seals to "+recipient.String()+"\n", stdout)

	code, stdout, stderr := run(t, "--config", bad, "--check")
	require.Equal(t, worker.ExitUsage, code)
	require.Empty(t, stdout)
	require.Contains(t, stderr, "managers.demo.colour: unknown key")
	require.Contains(t, stderr, "managers.demo.base_path: the base path must start with a slash")

	t.Setenv("MIGRATIONLINK_CONFIG", good)
	code, _, _ = run(t, "--check")
	require.Equal(t, worker.ExitOK, code, "the variable stands in for the flag")
	code, _, _ = run(t, "--check", "--config", bad)
	require.Equal(t, worker.ExitUsage, code, "the flag goes first")
}

func TestCheckWarnsOfRisksAndAcceptsThem(t *testing.T) {
	setEnvironment(t, "")
	path := write(t, managed+"[http]\naddress = \":9464\"\npprof = true\n")
	require.NoError(t, os.Chmod(path, 0o666)) //nolint:gosec // that is the point
	code, stdout, stderr := run(t, "--config", path, "--check")
	require.Equal(t, worker.ExitOK, code)
	require.Equal(t, "ok: 2 managers: demo, prod\n", stdout)
	require.Contains(t, stderr, "worker: warning: http.pprof: the profiles of the process are served beyond this machine")
	require.Contains(t, stderr, "worker: warning: "+path+": mode 0666 lets every user of the machine change it")
}

func TestAnInvalidProxyIsRejectedAtStartAndByCheck(t *testing.T) {
	setEnvironment(t, "127.0.0.1:1")
	path := write(t, managed)
	t.Setenv("HTTPS_PROXY", "http://user:"+canary+"@proxy:3128\r")
	for _, args := range [][]string{{"--config", path}, {"--config", path, "--check"}} {
		code, _, stderr := run(t, args...)
		require.Equal(t, worker.ExitUsage, code)
		require.Contains(t, stderr, "HTTPS_PROXY: it holds a space, a line break or another control character")
	}
}

func TestTheDirectoryOfLinkTokensMustNotHoldTheTLSKey(t *testing.T) {
	setEnvironment(t, "127.0.0.1:1")
	directory := t.TempDir()
	key := filepath.Join(directory, "key.pem")
	require.NoError(t, os.WriteFile(key, []byte(canary), 0o600))
	t.Setenv("TEMPORAL_TLS_CLIENT_KEY_PATH", key)
	t.Setenv("TEMPORAL_TLS_CLIENT_CERT_PATH", key)
	code, _, stderr := run(t, "--config", write(t, managed+"[tokens]\ndirectory = '"+directory+"'\n"))
	require.Equal(t, worker.ExitUsage, code)
	require.Contains(t, stderr, "the TLS client key: file:"+key+" is in tokens.directory")
}

func TestAProblemOfTheMachineIsNotAnInvalidConfiguration(t *testing.T) {
	setEnvironment(t, "")
	path := write(t, managed)
	localtest.WithoutFiles(t, func() {
		code, _, stderr := run(t, "--config", path, "--check")
		require.Equal(t, worker.ExitOther, code)
		require.Contains(t, stderr, "too many open files")
	})
}

func TestWrongUsageExitsWith2AndARemedy(t *testing.T) {
	setEnvironment(t, "")
	for name, test := range map[string]struct {
		args []string
		want string
	}{
		"no configuration": {nil, "Name it with --config or MIGRATIONLINK_CONFIG"},
		"missing file":     {[]string{"--config", "/none.toml"}, "/none.toml"},
		"unknown flag":     {[]string{"--confg", "x"}, "unknown flag: --confg\nRun 'worker --help'"},
		"argument":         {[]string{"run"}, "unknown argument \"run\"\nRun 'worker --help'"},
	} {
		t.Run(name, func(t *testing.T) {
			code, _, stderr := run(t, test.args...)
			require.Equal(t, worker.ExitUsage, code)
			require.Contains(t, stderr, test.want)
		})
	}
}

func TestAnUnreachableTemporalIsReportedAndExitsWith7(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0") // accepts and never answers
	require.NoError(t, err)
	t.Cleanup(func() { _ = listener.Close() })
	for name, address := range map[string]string{
		"refused": "127.0.0.1:1",
		"silent":  listener.Addr().String(),
	} {
		t.Run(name, func(t *testing.T) {
			setEnvironment(t, address)
			t.Setenv("TEMPORAL_API_KEY", canary)
			begin := time.Now()
			code, _, stderr := run(t, "--config", write(t, managed))
			require.Less(t, time.Since(begin), 10*time.Second)
			require.Equal(t, worker.ExitUnreachable, code)
			require.Contains(t, stderr, "worker: Temporal cannot be reached at "+address)
			require.Contains(t, stderr, "TEMPORAL_ADDRESS")
		})
	}
}

func TestVersionAndHelpAreReadable(t *testing.T) {
	code, stdout, _ := run(t, "--version")
	require.Equal(t, worker.ExitOK, code)
	require.Regexp(t, `^worker version .*go1\.\d+`, stdout)
	code, stdout, _ = run(t, "--help")
	require.Equal(t, worker.ExitOK, code)
	require.Contains(t, stdout, "Exit codes:")
}

// setEnvironment leaves nothing of the process's own to the connection.
func setEnvironment(t *testing.T, address string) {
	t.Helper()
	t.Setenv("DEMO_PUBLIC_KEY", "public")
	t.Setenv("DEMO_PRIVATE_KEY", canary)
	t.Setenv("MIGRATIONLINK_CONFIG", "")
	t.Setenv("TEMPORAL_CONFIG_FILE", filepath.Join(t.TempDir(), "none.toml"))
	t.Setenv("TEMPORAL_ADDRESS", address)
	t.Setenv("TEMPORAL_NAMESPACE", "")
	t.Setenv("TEMPORAL_API_KEY", "")
}

func write(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "worker.toml")
	require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
	return path
}

func run(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errors bytes.Buffer
	code = worker.Run(t.Context(), args, &out, &errors, nil, nil)
	require.NotContains(t, out.String()+errors.String(), canary)
	return code, out.String(), errors.String()
}
