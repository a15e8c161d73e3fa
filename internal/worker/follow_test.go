package worker_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/testsuite"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/activities"
	"github.com/migrationlink/migrationlink/internal/config"
	"github.com/migrationlink/migrationlink/internal/local/localtest"
	"github.com/migrationlink/migrationlink/internal/seal"
	"github.com/migrationlink/migrationlink/internal/worker"
	"github.com/migrationlink/migrationlink/opsmanager/opsmanagertest"
)

const (
	orgID    = "5f1b2c3d4e5f6a7b8c9d0e1f"
	wrongKey = "c4n4ry-wrong-key"
	rightKey = "c4n4ry-right-key"

	reloaded = "configuration reloaded"
	refused  = "the configuration was not reloaded; the previous one stays active"
	unread   = "the configuration cannot be read now; the previous one stays active, and the worker retries"
	restart  = "changed settings need a restart of the worker"
)

func TestARotatedKeyIsUsedByTheNextCall(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	key := f.write("key", wrongKey)
	f.write("worker.toml", f.manager("demo", key))
	f.follow()
	f.requireKeyRejected()

	f.write("key", rightKey)
	f.requireLog(reloaded, "changed", []any{"managers.demo"})
	f.requireAnswer()
}

func TestReplacingASymbolicLinkIsNoticed(t *testing.T) {
	t.Parallel()
	for name, layout := range map[string]struct{ path, link, first, second string }{
		// Kubernetes: each file is a link through ..data, which is renamed.
		"mounted secret": {"keys/key", "keys/..data", "..1", "..2"},
		// Releases side by side, one of which is in force.
		"directory": {"keys/current/key", "keys/current", "..1", "..2"},
		"absolute":  {"link/current/key", "keys/current", "ABOVE/keys/..1", "ABOVE/keys/..2"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			above := func(target string) string { return strings.ReplaceAll(target, "ABOVE", f.directory) }
			f.write("keys/..1/key", wrongKey)
			f.write("keys/..2/key", rightKey)
			f.link("keys/key", "..data/key")
			f.link("link", "keys")
			f.link(layout.link, above(layout.first))
			f.write("worker.toml", f.manager("demo", filepath.Join(f.directory, layout.path)))
			f.follow()
			f.requireKeyRejected()

			f.link("keys/..new", above(layout.second))
			require.NoError(t, os.Rename(filepath.Join(f.directory, "keys/..new"), filepath.Join(f.directory, layout.link)))
			f.requireLog(reloaded, "changed", []any{"managers.demo"})
			f.requireAnswer()
		})
	}
}

func TestAnInvalidConfigurationIsReportedOnceAndThePreviousOneStays(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	key := f.write("keys/key", rightKey)
	good := f.manager("demo", key)
	path := f.write("worker.toml", good)
	f.follow()
	for name, test := range map[string]struct {
		breakIt func()
		problem string
	}{
		"no TOML":       {func() { f.write("worker.toml", "private_key = "+rightKey) }, "line 1 "},
		"unknown key":   {func() { f.write("worker.toml", good+"colour = 1") }, "managers.demo.colour: unknown key"},
		"no file":       {func() { require.NoError(t, os.Remove(path)) }, "cannot be read"},
		"a pipe":        {func() { require.NoError(t, os.Remove(path)); require.NoError(t, syscall.Mkfifo(path, 0o600)) }, "it is not a regular file"},
		"brackets":      {func() { f.write("worker.toml", "a = "+strings.Repeat("[", 5_000_000)) }, "larger than 64 KiB"},
		"no key":        {func() { require.NoError(t, os.RemoveAll(filepath.Dir(key))) }, "managers.demo.private_key: file:" + key + " cannot be read"},
		"empty key":     {func() { f.write("keys/key", "") }, "is empty"},
		"readable keys": {func() { require.NoError(t, os.Chmod(key, 0o644)) }, "mode 0644 lets every user"}, //nolint:gosec // that is the point
	} {
		f.logs.TakeAll()
		test.breakIt()
		fields := f.waitLog(refused)
		require.Equal(t, path, fields["file"], name)
		require.Contains(t, fmt.Sprint(fields["problems"]), test.problem, name)
		f.requireAnswer()

		f.write("next-to-it", "of no interest")
		f.write("worker.toml", good)
		f.write("keys/key", rightKey)
		require.Empty(t, f.waitLog(reloaded)["changed"], name)
		require.Len(t, f.logs.FilterMessage(refused).All(), 1, name)
		f.requireAnswer()
	}
}

func TestAnUnchangedConfigurationIsLoggedOnlyAfterAHangup(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.write("worker.toml", f.manager("demo", f.write("key", rightKey)))
	f.follow()
	f.write("worker.log", "a line")
	f.write("worker.toml", "# a comment\n"+f.manager("demo", f.directory+"/key"))
	f.hangup <- syscall.SIGHUP
	require.Empty(t, f.waitLog(reloaded)["changed"])
	require.Len(t, f.logs.All(), 1)

	require.NoError(t, os.Remove(filepath.Join(f.directory, "key")))
	f.waitLog(refused)
	f.hangup <- syscall.SIGHUP
	require.Eventually(t, func() bool { return f.logs.FilterMessage(refused).Len() == 2 }, 10*time.Second, 10*time.Millisecond, "who asks gets an answer")
}

func TestSettingsThatNeedARestartAreLoggedAndTheOthersReloaded(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	key := f.write("key", wrongKey)
	f.write("worker.toml", f.manager("demo", key)+f.manager("old", key))
	f.follow()
	f.write("worker.toml", f.manager("demo", f.write("another-key", rightKey))+"requests_per_second = 5\n"+f.manager("new", key)+"[log]\nlevel = \"debug\"\n")

	require.Equal(t, []any{"managers.demo"}, f.waitLog(reloaded)["changed"])
	f.requireLog(restart, "settings", []any{"log.level", "managers.demo.requests_per_second", "managers.old (removed)", "managers.new (added)"})
	f.requireAnswer()
	require.ErrorContains(t, f.call("old"), migrationlink.ErrKeyRejected, "it goes on as it was")
	require.ErrorContains(t, f.call("new"), migrationlink.ErrUnknownManager)
}

func TestOnlyClientsWhoseConfigurationChangedAreReplaced(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	first, second := f.write("first", rightKey), f.write("second", rightKey)
	identities := func(names ...string) string {
		return fmt.Sprintf("[tokens]\nidentities = [%q]\n", "file:"+f.write("identity", strings.Join(names, "\n")))
	}
	atlas := func(name, key string) string {
		return fmt.Sprintf("[atlas.%s]\npublic_key = \"file:%s\"\nprivate_key = \"file:%s\"\n", name, key, key)
	}
	load := func(content string) config.Config {
		cfg, err := config.Load(f.write("worker.toml", content))
		require.NoError(t, err)
		return cfg
	}
	managers := f.manager("a", first) + f.manager("b", second)
	running, err := worker.New(load(managers+identities(identity(t))+atlas("x", first)+atlas("y", second)), zap.NewNop())
	require.NoError(t, err)
	t.Cleanup(running.Stop)
	before, err := running.Use(load(managers + identities(identity(t)) + atlas("x", first) + atlas("y", second)))
	require.NoError(t, err)

	f.write("second", wrongKey)
	after, err := running.Use(load(managers + identities(identity(t), identity(t)) + atlas("x", first) + atlas("y", second) + atlas("z", second)))
	require.NoError(t, err)
	require.Same(t, before.Managers["a"], after.Managers["a"])
	require.NotSame(t, before.Managers["b"], after.Managers["b"])
	require.Same(t, before.Atlas["x"], after.Atlas["x"])
	require.NotSame(t, before.Atlas["y"], after.Atlas["y"])
	require.NotNil(t, after.Atlas["z"])
	require.Len(t, before.Identities.Recipients(), 1)
	require.Len(t, after.Identities.Recipients(), 2)

	after, err = running.Use(load(managers + identities(identity(t)) + atlas("x", first)))
	require.NoError(t, err)
	require.Len(t, after.Atlas, 1)
	require.Same(t, before.Atlas["x"], after.Atlas["x"])
}

func TestAReplacedClientLeavesNoConnection(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	var open atomic.Int64
	manager := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") == "" {
			w.Header().Set("WWW-Authenticate", `Digest realm="MMS Public API", nonce="1", qop="auth"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		_, _ = io.WriteString(w, `{"status":"SYNCED"}`)
	}))
	manager.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		switch state {
		case http.StateNew:
			open.Add(1)
		case http.StateClosed:
			open.Add(-1)
		}
	}
	manager.Start()
	t.Cleanup(manager.Close)
	f.write("worker.toml", strings.ReplaceAll(f.manager("demo", f.write("key", wrongKey)), f.server.URL, manager.URL))
	f.follow()
	f.requireAnswer()
	require.EqualValues(t, 1, open.Load())

	f.write("key", rightKey)
	f.waitLog(reloaded)
	require.Eventually(t, func() bool { return open.Load() == 0 }, 10*time.Second, 10*time.Millisecond)
	f.requireAnswer()
}

func TestAWorkerStopsWhileReadingItsConfigurationHangs(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	reading, goOn := make(chan struct{}), make(chan struct{})
	f.logger = f.logger.WithOptions(zap.Hooks(func(line zapcore.Entry) error {
		if line.Message == refused { // stands in for a file that hangs
			close(reading)
			<-goOn
		}
		return nil
	}))
	f.write("worker.toml", f.manager("demo", f.write("key", rightKey)))
	running := f.follow()
	f.write("worker.toml", "colour = 1")
	<-reading
	begin := time.Now()
	running.Stop()
	require.Less(t, time.Since(begin), 5*time.Second)
	require.Equal(t, 1, f.logs.FilterMessageSnippet("without waiting").Len())
	close(goOn)
	running.Stop()
	require.Equal(t, 1, f.logs.FilterMessageSnippet("without waiting").Len(), "it has ended")
}

// fixture is a worker that follows a file, with a manager that accepts rightKey.
type fixture struct {
	t         *testing.T
	directory string
	server    *opsmanagertest.Server
	logs      *observer.ObservedLogs
	logger    *zap.Logger
	hangup    chan os.Signal
	calls     *testsuite.TestActivityEnvironment
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	core, logs := observer.New(zap.DebugLevel)
	f := &fixture{
		t: t, directory: t.TempDir(), logs: logs, logger: zap.New(core), hangup: make(chan os.Signal),
		server: opsmanagertest.NewServer(opsmanagertest.Options{PrivateKey: rightKey}),
	}
	t.Cleanup(f.server.Close)
	t.Cleanup(func() { require.NotContains(t, fmt.Sprint(f.logs.All()), "c4n4ry") })
	return f
}

func (f *fixture) follow() *worker.Worker {
	f.t.Helper()
	source := config.Source{Path: filepath.Join(f.directory, "worker.toml")}
	running := f.newWorker(source)
	running.Follow(source, f.hangup)
	return running
}

func (f *fixture) newWorker(source config.Source) *worker.Worker {
	f.t.Helper()
	cfg, err := source.Load()
	require.NoError(f.t, err)
	running, err := worker.New(cfg, f.logger)
	require.NoError(f.t, err)
	f.t.Cleanup(running.Stop)
	var suite testsuite.WorkflowTestSuite
	f.calls = suite.NewTestActivityEnvironment()
	activities.Register(f.calls, running.Activities())
	return running
}

func (f *fixture) manager(name, keyFile string) string {
	return fmt.Sprintf("[managers.%s]\nbase_url = %q\npublic_key = \"file:%s\"\nprivate_key = \"file:%s\"\n",
		name, f.server.URL, f.write("public", opsmanagertest.DefaultPublicKey), keyFile)
}

// write makes or replaces a file.
func (f *fixture) write(name, content string) string {
	f.t.Helper()
	path := filepath.Join(f.directory, name)
	require.NoError(f.t, os.MkdirAll(filepath.Dir(path), 0o700))
	// At once, so that nobody reads half of it.
	require.NoError(f.t, os.WriteFile(path+".new", []byte(content), 0o600))
	require.NoError(f.t, os.Rename(path+".new", path))
	return path
}

func (f *fixture) link(name, target string) {
	f.t.Helper()
	require.NoError(f.t, os.Symlink(target, filepath.Join(f.directory, name)))
}

// call asks the manager for the status of a link.
func (f *fixture) call(manager string) error {
	_, err := f.calls.ExecuteActivity(migrationlink.LinkStatusActivity, activities.Target{Manager: manager, OrgID: orgID})
	return err
}

func (f *fixture) requireKeyRejected() {
	f.t.Helper()
	require.ErrorContains(f.t, f.call("demo"), migrationlink.ErrKeyRejected)
}

func (f *fixture) requireAnswer() {
	f.t.Helper()
	require.NoError(f.t, f.call("demo"))
}

// waitLog waits for a line, and returns its fields.
func (f *fixture) waitLog(message string) map[string]any {
	f.t.Helper()
	require.Eventually(f.t, func() bool { return f.logs.FilterMessage(message).Len() > 0 }, 10*time.Second, 10*time.Millisecond,
		"%s", message)
	return f.logs.FilterMessage(message).All()[0].ContextMap()
}

func (f *fixture) requireLog(message, field string, want any) {
	f.t.Helper()
	require.Equal(f.t, want, f.waitLog(message)[field])
}

func identity(t *testing.T) string {
	t.Helper()
	key, _, err := seal.GenerateIdentity(false)
	require.NoError(t, err)
	return key.Reveal()
}

// The limit is that of the whole process, so this test is not parallel.
func TestAWorkerWithoutFreeFilesKeepsItsConfigurationAndRetries(t *testing.T) {
	f := newFixture(t)
	key := f.write("key", wrongKey)
	f.write("worker.toml", f.manager("demo", key))
	running := f.follow()
	require.ErrorContains(t, f.call("demo"), "HTTP 401")
	f.write("key", rightKey)
	localtest.WithoutFiles(t, func() {
		f.hangup <- syscall.SIGHUP
		fields := f.waitLog(unread)
		require.Contains(t, fmt.Sprint(fields["problems"]), "too many open files")
	})
	require.False(t, running.Misconfigured())
	require.Zero(t, f.logs.FilterMessage(refused).Len())
	f.requireLog(reloaded, "changed", []any{"managers.demo"})
	require.Equal(t, 1, f.logs.FilterMessage(unread).Len(), "said once")
	f.requireAnswer()
}

func TestAConfigurationThatCannotBeWatchedIsPolled(t *testing.T) {
	f := newFixture(t)
	key := f.write("key", wrongKey)
	f.write("worker.toml", f.manager("demo", key))
	source := config.Source{Path: filepath.Join(f.directory, "worker.toml")}
	running := f.newWorker(source)
	localtest.WithoutFiles(t, func() {
		running.Follow(source, f.hangup)
		f.waitLog("the configuration cannot be watched; the worker reads it at intervals instead")
	})
	f.write("key", rightKey)
	f.requireLog(reloaded, "changed", []any{"managers.demo"})
	f.requireAnswer()
}
