package worker_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/migrationlink/migrationlink/internal/worker"
)

func TestAHangupReloadsTheConfiguration(t *testing.T) {
	setEnvironment(t, startTemporal(t))
	path := write(t, managed)
	stop, output := start(t, "--config", path)
	output.wait(t, "worker ready")

	require.NoError(t, syscall.Kill(os.Getpid(), syscall.SIGHUP))
	output.wait(t, `"configuration reloaded","changed":[]`)

	t.Setenv("ANOTHER_KEY", "another-"+canary)
	replace(t, path, strings.Replace(managed, "env:DEMO_PRIVATE_KEY", "env:ANOTHER_KEY", 1)+"colour = 1\n")
	output.wait(t, "the configuration was not reloaded; the previous one stays active", "managers.demo.colour: unknown key")
	replace(t, path, strings.Replace(managed, "env:DEMO_PRIVATE_KEY", "env:ANOTHER_KEY", 1)+"[managers.third]"+strings.Split(managed, "[managers.demo]")[1])
	output.wait(t, `"configuration reloaded","changed":["managers.prod"]`, `"settings":["managers.third (added)"]`)
	require.Equal(t, worker.ExitOK, stop())
}

func TestAKeyFileThatOthersMayReadKeepsTheWorkerFromStarting(t *testing.T) {
	setEnvironment(t, startTemporal(t))
	key := filepath.Join(t.TempDir(), "key")
	require.NoError(t, os.WriteFile(key, []byte(canary), 0o600))
	require.NoError(t, os.Chmod(key, 0o644)) //nolint:gosec // that is the point
	path := write(t, strings.ReplaceAll(managed, "env:DEMO_PRIVATE_KEY", "file:"+key))

	code, _, stderr := run(t, "--config", path)
	require.Equal(t, worker.ExitUsage, code)
	require.Contains(t, stderr, "managers.demo.private_key: file:"+key+": mode 0644 lets every user of the machine read it; chmod 600 it")

	stop, output := start(t, "--config", path, "--allow-readable-keys")
	output.wait(t, "--allow-readable-keys accepts files of keys and link-tokens", "worker ready")
	require.Equal(t, worker.ExitOK, stop())

	t.Setenv("TEMPORAL_TLS_CLIENT_KEY_PATH", key)
	t.Setenv("TEMPORAL_TLS_CLIENT_CERT_PATH", key)
	code, _, stderr = run(t, "--config", write(t, managed))
	require.Equal(t, worker.ExitUsage, code)
	require.Contains(t, stderr, "the TLS client key: file:"+key+": mode 0644")
}

func TestAFileOfProfilesWithAKeyThatOthersMayReadKeepsTheWorkerFromStarting(t *testing.T) {
	address := startTemporal(t)
	setEnvironment(t, address)
	profile := filepath.Join(t.TempDir(), "temporal.toml")
	require.NoError(t, os.WriteFile(profile, []byte("[profile.default]\ngrpc_meta = {authorization = \"Bearer "+canary+"\"}\n"), 0o600))
	require.NoError(t, os.Chmod(profile, 0o666)) //nolint:gosec // that is the point
	t.Setenv("TEMPORAL_CONFIG_FILE", profile)

	code, _, stderr := run(t, "--config", write(t, managed))
	require.Equal(t, worker.ExitUsage, code)
	require.Contains(t, stderr, "the file of profiles: file:"+profile+": mode 0666 lets every user of the machine read it; chmod 600 it")

	stop, output := start(t, "--config", write(t, managed), "--allow-readable-keys")
	output.wait(t, "worker ready")
	require.Equal(t, worker.ExitOK, stop())
}

// start runs a worker in the background; stop ends it and returns its exit code.
func start(t *testing.T, args ...string) (stop func() int, output *lines) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	output = &lines{}
	var code int
	var running sync.WaitGroup
	running.Go(func() { code = worker.Run(ctx, args, output, output, nil, nil) })
	stop = func() int {
		cancel()
		running.Wait()
		require.NotContains(t, output.String(), canary)
		return code
	}
	t.Cleanup(func() { stop() })
	return stop, output
}

// replace writes a file at once, so that nobody reads half of it.
func replace(t *testing.T, path, content string) {
	t.Helper()
	require.NoError(t, os.WriteFile(path+".new", []byte(content), 0o600))
	require.NoError(t, os.Rename(path+".new", path))
}

// lines is what a worker has written.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(text []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(text)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func (l *lines) wait(t *testing.T, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if !eventually(func() bool { return strings.Contains(l.String(), text) }) {
			require.Contains(t, l.String(), text)
		}
	}
}

func eventually(condition func() bool) bool {
	deadline, tick := time.After(time.Minute), time.NewTicker(10*time.Millisecond)
	defer tick.Stop()
	for !condition() {
		select {
		case <-deadline:
			return false
		case <-tick.C:
		}
	}
	return true
}
