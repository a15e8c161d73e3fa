package command_test

import (
	"bytes"
	"context"
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/migrationlink/migrationlink/internal/linkworker/linkworkertest"
	"github.com/migrationlink/migrationlink/worker/internal/command"
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

func TestCheckTellsAGoodConfigurationFromABadOne(t *testing.T) {
	setEnvironment(t, "")
	good, bad := write(t, managed), write(t, managed+"colour = \"blue\"\nbase_path = \"x\"\n")

	code, stdout, _ := run(t, "--config", good, "--check")
	require.Equal(t, command.ExitOK, code)
	require.Equal(t, "ok: 2 managers: demo, prod\n", stdout)

	code, stdout, stderr := run(t, "--config", bad, "--check")
	require.Equal(t, command.ExitUsage, code)
	require.Empty(t, stdout)
	require.Contains(t, stderr, "managers.demo.colour: unknown key")
	require.Contains(t, stderr, "managers.demo.base_path: the base path must start with a slash")

	t.Setenv("MIGRATIONLINK_CONFIG", good)
	code, _, _ = run(t, "--check")
	require.Equal(t, command.ExitOK, code, "the variable stands in for the flag")
	code, _, _ = run(t, "--check", "--config", bad)
	require.Equal(t, command.ExitUsage, code, "the flag goes first")
}

func TestWrongUsageEndsWith2AndNamesTheRemedy(t *testing.T) {
	setEnvironment(t, "")
	for name, test := range map[string]struct {
		args []string
		want string
	}{
		"no configuration": {nil, "name its file with --config or MIGRATIONLINK_CONFIG"},
		"missing file":     {[]string{"--config", "/none.toml"}, "/none.toml"},
		"unknown flag":     {[]string{"--confg", "x"}, "unknown flag: --confg; see worker --help"},
		"argument":         {[]string{"run"}, `unknown argument "run"; see worker --help`},
	} {
		t.Run(name, func(t *testing.T) {
			code, _, stderr := run(t, test.args...)
			require.Equal(t, command.ExitUsage, code)
			require.Contains(t, stderr, test.want)
		})
	}
}

func TestAnUnreachableTemporalIsNamedAndEndsWith7(t *testing.T) {
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
			require.Equal(t, command.ExitUnreachable, code)
			require.Contains(t, stderr, "worker: temporal cannot be reached at "+address)
		})
	}
}

func TestAMissingNamespaceIsNamed(t *testing.T) {
	frontend := linkworkertest.NewFrontend()
	t.Cleanup(frontend.Close)
	setEnvironment(t, frontend.Address)
	t.Setenv("TEMPORAL_NAMESPACE", "elsewhere")
	code, _, stderr := run(t, "--config", write(t, managed))
	require.Equal(t, command.ExitOther, code)
	require.Contains(t, stderr, `has no namespace "elsewhere"; create it, or set TEMPORAL_NAMESPACE`)
}

func TestTheWorkerSaysThatItIsReadyAndEndsWith0WhenAsked(t *testing.T) {
	frontend := linkworkertest.NewFrontend()
	t.Cleanup(frontend.Close)
	setEnvironment(t, frontend.Address)
	path := write(t, managed+"[log]\nlevel = \"debug\"\n")
	ctx, stop := context.WithCancel(t.Context())
	log := &lines{}
	code := make(chan int, 1)
	go func() { code <- command.Run(ctx, []string{"--config", path}, log, log) }()

	require.Eventually(t, func() bool { return strings.Contains(log.String(), "worker ready") }, 30*time.Second, 10*time.Millisecond)
	stop()
	require.Equal(t, command.ExitOK, <-code)

	var ready map[string]any
	for line := range strings.Lines(log.String()) {
		var entry map[string]any
		require.NoError(t, json.Unmarshal([]byte(line), &entry), line)
		if entry["msg"] == "worker ready" {
			ready = entry
		}
	}
	require.Equal(t, []any{"demo", "prod"}, ready["managers"])
	require.Equal(t, []any{"migration-link.demo", "migration-link.prod", "migration-link"}, ready["taskQueues"])
	require.Contains(t, log.String(), frontend.Address)
	require.NotContains(t, log.String(), canary)
}

func TestVersionAndHelpAreForPeople(t *testing.T) {
	code, stdout, _ := run(t, "--version")
	require.Equal(t, command.ExitOK, code)
	require.Regexp(t, `^worker version .*go1\.\d+`, stdout)
	code, stdout, _ = run(t, "--help")
	require.Equal(t, command.ExitOK, code)
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
	code = command.Run(t.Context(), args, &out, &errors)
	require.NotContains(t, out.String()+errors.String(), canary)
	return code, out.String(), errors.String()
}

// lines is a buffer that may be read while it is written.
type lines struct {
	mu     sync.Mutex
	buffer bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buffer.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buffer.String()
}
