package main

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/icholy/digest"
	"github.com/stretchr/testify/require"

	"github.com/migrationlink/migrationlink/opsmanager/opsmanagertest"
)

const linkPath = opsmanagertest.PublicPrefix + "/orgs/5f1b2c3d4e5f6a7b8c9d0e1f/liveExport/migrationLink"

// process is a simulator that runs in this one.
type process struct {
	t              *testing.T
	url            string
	stop           context.CancelFunc
	ended          chan int
	stdout, stderr *lockedBuffer
}

func noVariables(string) (string, bool) { return "", false }

// start runs the simulator on a free port until it is ready.
func start(t *testing.T, lookup func(string) (string, bool), args ...string) *process {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	p := &process{t: t, stop: stop, ended: make(chan int, 1), stdout: &lockedBuffer{}, stderr: &lockedBuffer{}}
	go func() {
		p.ended <- run(ctx, append([]string{"--listen", "127.0.0.1:0", "--sync-delay", "0s"}, args...), lookup, p.stdout, p.stderr)
	}()
	t.Cleanup(stop)
	ready := regexp.MustCompile(`^simulated manager ready on (https?://127\.0\.0\.1:\d+) `)
	require.Eventually(t, func() bool { return ready.MatchString(p.stdout.String()) || len(p.ended) > 0 }, 30*time.Second, time.Millisecond)
	require.Regexp(t, ready, p.stdout.String(), p.stderr.String())
	p.url = ready.FindStringSubmatch(p.stdout.String())[1]
	return p
}

// end stops the process as SIGTERM does, and returns its exit code.
func (p *process) end() int {
	p.t.Helper()
	p.stop()
	select {
	case code := <-p.ended:
		return code
	case <-time.After(30 * time.Second):
		p.t.Fatal("the simulator does not end")
		return -1
	}
}

// call makes one call with a key and returns status and body.
func (p *process) call(method, path, content, privateKey string) (int, string) {
	p.t.Helper()
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: &digest.Transport{Username: opsmanagertest.DefaultPublicKey, Password: privateKey, Transport: transport}, Timeout: time.Minute}
	request, err := http.NewRequestWithContext(p.t.Context(), method, p.url+path, strings.NewReader(content))
	require.NoError(p.t, err)
	response, err := client.Do(request)
	require.NoError(p.t, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	require.NoError(p.t, err)
	return response.StatusCode, string(body)
}

type lockedBuffer struct {
	mu     sync.Mutex
	buffer bytes.Buffer
}

func (b *lockedBuffer) Write(content []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buffer.Write(content)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buffer.String()
}

func TestTheSimulatorSaysWhenItIsReadyAndEndsCleanly(t *testing.T) {
	t.Parallel()
	p := start(t, noVariables)
	status, body := p.call(http.MethodPost, linkPath, `{"linkToken":"canary"}`, opsmanagertest.DefaultPrivateKey)
	require.Equal(t, http.StatusCreated, status)
	require.Equal(t, `{"status":"SYNCED"}`, body)
	_, state := p.call(http.MethodGet, "/simulator/state", "", "")
	require.Contains(t, state, `"connections": 1`)
	require.Zero(t, p.end())
	require.Equal(t, 1, strings.Count(p.stdout.String(), "\n"))
	require.Empty(t, p.stderr.String())
}

func TestAProbeTellsWhetherTheSimulatorListens(t *testing.T) {
	t.Parallel()
	cert, key := selfSigned(t)
	for name, flags := range map[string][]string{"clear": nil, "TLS": {"--tls-cert-file", cert, "--tls-key-file", key}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := start(t, noVariables, flags...)
			_, port, _ := strings.Cut(strings.TrimPrefix(p.url, "http"), "127.0.0.1:")
			probe := func() int {
				return run(t.Context(), append([]string{"--probe", "--allow-remote", "--listen", ":" + port}, flags...), noVariables, io.Discard, p.stderr)
			}
			require.Equal(t, exitOK, probe())
			require.Zero(t, p.end())
			require.Empty(t, p.stderr.String(), "it leaves no trace")
			require.Equal(t, exitError, probe())
		})
	}
}

func TestAStallDoesNotKeepTheSimulatorAlive(t *testing.T) {
	t.Parallel()
	p := start(t, noVariables)
	status, body := p.call(http.MethodPut, "/simulator/faults", `{"faults":[{"kind":"stall-before"}]}`, "")
	require.Equal(t, http.StatusOK, status, body)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.url+linkPath+"/status", nil)
	require.NoError(t, err)
	client := &http.Client{Transport: &digest.Transport{Username: opsmanagertest.DefaultPublicKey, Password: opsmanagertest.DefaultPrivateKey}}
	replied := make(chan struct{})
	go func() {
		defer close(replied)
		if response, err := client.Do(request); err == nil {
			_ = response.Body.Close()
		}
	}()
	require.Eventually(t, func() bool {
		_, state := p.call(http.MethodGet, "/simulator/state", "", "")
		return strings.Contains(state, `"gets": 1`)
	}, 30*time.Second, 10*time.Millisecond)
	require.Zero(t, p.end())
	<-replied
}

func TestTheHelpNamesTheDemoCredentials(t *testing.T) {
	t.Parallel()
	var help bytes.Buffer
	require.Zero(t, run(t.Context(), []string{"--help"}, noVariables, &help, io.Discard))
	for _, credential := range []string{
		opsmanagertest.DefaultPublicKey, opsmanagertest.DefaultPrivateKey,
		opsmanagertest.DefaultAtlasPublicKey, opsmanagertest.DefaultAtlasPrivateKey,
		opsmanagertest.DefaultAtlasClientID, opsmanagertest.DefaultAtlasClientSecret,
	} {
		require.Contains(t, help.String(), credential)
	}
}

func TestTheKeyComesByReference(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "key")
	require.NoError(t, os.WriteFile(file, []byte("key-canary\n"), 0o600))
	variables := func(name string) (string, bool) { return "key-canary", name == "SIMULATOR_KEY" }
	for _, args := range [][]string{{"--private-key-env", "SIMULATOR_KEY"}, {"--private-key-file", file}} {
		t.Run(args[0], func(t *testing.T) {
			t.Parallel()
			p := start(t, variables, args...)
			status, _ := p.call(http.MethodGet, linkPath+"/status", "", "key-canary")
			require.Equal(t, http.StatusNotFound, status)
			status, _ = p.call(http.MethodGet, linkPath+"/status", "", opsmanagertest.DefaultPrivateKey)
			require.Equal(t, http.StatusUnauthorized, status)
			require.Zero(t, p.end())
			require.NotContains(t, p.stdout.String()+p.stderr.String(), "key-canary")
		})
	}
}

func TestARestartedSimulatorKeepsItsLinks(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "state.json")
	p := start(t, noVariables, "--state-file", file)
	p.call(http.MethodPost, linkPath, `{"linkToken":"canary"}`, opsmanagertest.DefaultPrivateKey)
	require.Zero(t, p.end())
	p = start(t, noVariables, "--state-file", file)
	_, body := p.call(http.MethodGet, linkPath+"/status", "", opsmanagertest.DefaultPrivateKey)
	require.Equal(t, `{"status":"SYNCED"}`, body)
	_, state := p.call(http.MethodGet, "/simulator/state", "", "")
	require.Contains(t, state, `"effectivePosts": 1`)
	require.Zero(t, p.end())
}

func TestFlagsReachTheManager(t *testing.T) {
	t.Parallel()
	p := start(t, noVariables, "--algorithm", "SHA-256,MD5", "--org", strings.Repeat("a", 24), "--strict-nonce-count", "--nonce-lifetime", "1h", "--seed", "7")
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.url+linkPath+"/status", nil)
	require.NoError(t, err)
	response, err := http.DefaultTransport.RoundTrip(request)
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	require.Len(t, response.Header.Values("WWW-Authenticate"), 2)
	_, body := p.call(http.MethodGet, linkPath+"/status", "", opsmanagertest.DefaultPrivateKey)
	require.Contains(t, body, "ORG_NOT_FOUND")
	require.Zero(t, p.end())
}

func TestInvalidFlagsAreReported(t *testing.T) {
	t.Parallel()
	taken := start(t, noVariables)
	tests := map[string]struct {
		args []string
		code int
		says string
	}{
		"all interfaces":  {[]string{"--listen", ":8080"}, exitUsage, "--allow-remote"},
		"another machine": {[]string{"--listen", "192.0.2.1:8080"}, exitUsage, "not a loopback address"},
		"a name":          {[]string{"--listen", "example.com:8080"}, exitUsage, "not a loopback address"},
		"no port":         {[]string{"--listen", "127.0.0.1"}, exitUsage, "127.0.0.1:8080"},
		"port taken":      {[]string{"--listen", strings.TrimPrefix(taken.url, "http://")}, exitError, "another port with --listen"},
		"unknown flag":    {[]string{"--private-key", "x"}, exitUsage, "unknown flag"},
		"argument":        {[]string{"up"}, exitUsage, `"up"`},
		"no variable":     {[]string{"--private-key-env", "NOBODY_SET_IT"}, exitUsage, "NOBODY_SET_IT is not set"},
		"no file":         {[]string{"--private-key-file", "/nowhere"}, exitUsage, "/nowhere"},
		"both":            {[]string{"--private-key-file", "/nowhere", "--private-key-env", "X"}, exitUsage, "cannot both be given"},
		"no lifetime":     {[]string{"--nonce-lifetime", "0s"}, exitUsage, "--nonce-lifetime"},
		"algorithm":       {[]string{"--algorithm", "SHA-1"}, exitUsage, `"SHA-1"`},
		"negative delay":  {[]string{"--sync-delay", "-5s"}, exitUsage, "negative"},
		"Atlas's both":    {[]string{"--atlas-private-key-file", "/nowhere", "--atlas-private-key-env", "X"}, exitUsage, "--atlas-private-key-env and --atlas-private-key-file"},
		"Atlas's secret":  {[]string{"--atlas-client-secret-env", "NOBODY_SET_IT"}, exitUsage, "NOBODY_SET_IT is not set"},
		"no access":       {[]string{"--access-token-lifetime", "0s"}, exitUsage, "--access-token-lifetime"},
		"half a second":   {[]string{"--access-token-lifetime", "500ms"}, exitUsage, "whole seconds"},
		"no TLS key":      {[]string{"--tls-cert-file", "/nowhere"}, exitUsage, "--tls-key-file"},
		"clients only":    {[]string{"--tls-client-ca-file", "/nowhere"}, exitUsage, "--tls-key-file"},
		"no certificate":  {[]string{"--tls-cert-file", "/nowhere", "--tls-key-file", "/nowhere"}, exitUsage, "/nowhere"},
		"no organization": {[]string{"--org", "demo"}, exitUsage, `"demo"`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var stdout, stderr bytes.Buffer
			require.Equal(t, test.code, run(t.Context(), test.args, noVariables, &stdout, &stderr))
			require.Contains(t, stderr.String(), test.says)
			require.Empty(t, stdout.String())
		})
	}
}

func TestRemoteAddressesNeedAFlag(t *testing.T) {
	t.Parallel()
	for _, listen := range []string{"127.0.0.1:1", "[::1]:1", "localhost:1"} {
		require.NoError(t, (&settings{listen: listen}).checkListen(), listen)
	}
	require.NoError(t, (&settings{listen: ":1", allowRemote: true}).checkListen())
}
