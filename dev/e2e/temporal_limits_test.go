package e2e_test

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/opsmanager/opsmanagertest"
)

// limitedSystem is a Temporal with other settings, and a worker.
func limitedSystem(t *testing.T, settings ...string) (env []string, worker *process) {
	t.Helper()
	var args []string
	for _, setting := range settings {
		args = append(args, "-set", setting)
	}
	env = environ(map[string]string{"TEMPORAL_ADDRESS": guarded(t, nil, args...)})
	worker = start(t, env, workerProgram, "--config", workerConfig(t))
	worker.waitFor("worker ready")
	return env, worker
}

func linkArgs(org string, more ...string) []string {
	return append([]string{"link", "--manager", "demo", "--org", org, "--token-ref", "env:LINK_TOKEN_DEMO"}, more...)
}

// A person with a small namespace sees only the rate limit, never another fault.
func TestATemporalRateLimitIsNeverReportedAsAnotherFault(t *testing.T) {
	t.Parallel()
	env, worker := limitedSystem(t, "frontend.namespaceRPS=3", "frontend.namespaceRPS.visibility=1")
	orgs := make([]string, 4)
	said := make([]finished, len(orgs))
	var all sync.WaitGroup
	for i := range orgs {
		orgs[i] = newOrg()
		all.Go(func() { said[i] = runProgram(t, env, starterProgram, linkArgs(orgs[i], "--detach")...) })
	}
	all.Wait()
	for _, org := range orgs {
		for _, args := range [][]string{{"status", "--manager", "demo", "--org", org}, {"extend", "--manager", "demo", "--org", org, "--by", "1h"}, {"list"}} {
			said = append(said, runProgram(t, env, starterProgram, args...))
		}
	}
	limited := 0
	for _, done := range said {
		if !strings.Contains(worker.output.String(), "rate limit exceeded") { // otherwise it may be silent for that reason
			require.NotContains(t, done.stderr, "no worker is answering")
		}
		for _, other := range []string{"cannot be reached", "TEMPORAL_ADDRESS", "workflow not found"} {
			require.NotContains(t, done.stderr, other, done.stdout)
		}
		require.NotEqual(t, 7, done.code, done.stderr)
		if strings.Contains(done.stdout+done.stderr, "limits the rate of requests") {
			limited++
		}
	}
	t.Logf("%d of %d commands were limited", limited, len(said))
}

func TestAWorkerConnectsToATemporalThatLimitsTheRate(t *testing.T) {
	t.Parallel()
	env, worker := limitedSystem(t, "frontend.rps=4")
	require.False(t, worker.hasEnded())
	for range 5 {
		done := runProgram(t, env, starterProgram, "status", "--manager", "demo", "--org", newOrg())
		require.Contains(t, []int{exitOther, exitNotFound}, done.code, done.stderr) // limited, or there is no link
		require.NotContains(t, done.stderr, "cannot be reached")
	}
	require.False(t, worker.hasEnded())
}

func TestWithoutUpdatesLinksRunAndDoctorSaysWhatIsMissing(t *testing.T) {
	t.Parallel()
	env, _ := limitedSystem(t, "frontend.enableUpdateWorkflowExecution=false")
	org := newOrg()
	done := runProgram(t, env, starterProgram, linkArgs(org)...)
	require.Zero(t, done.code, done.stderr)
	require.Contains(t, done.stdout, "is SYNCED")
	done = runProgram(t, env, starterProgram, linkArgs(org, "--detach")...)
	require.Zero(t, done.code, done.stderr)
	require.Contains(t, done.stdout, "Temporal does not offer workflow updates")

	for _, args := range [][]string{{"extend", "--by", "1h"}, {"check"}} {
		done = runProgram(t, env, starterProgram, append(args, "--manager", "demo", "--org", org)...)
		require.Equal(t, exitNotFound, done.code, done.stderr) // it has ended
		require.NotContains(t, done.stderr, "credentials")
	}
	done = runProgram(t, env, starterProgram, "doctor", "-o", "json")
	require.Equal(t, 1, done.code)
	var printed struct{ Checks []checked }
	require.NoError(t, json.Unmarshal([]byte(done.stdout), &printed))
	wrong := ""
	for _, c := range printed.Checks {
		if !c.OK && !c.Skipped {
			wrong += c.Name + ": " + c.Detail + "\n"
		}
	}
	require.Equal(t, 1, strings.Count(wrong, "\n"), wrong)
	require.Contains(t, wrong, "updates: the namespace does not accept workflow updates")
}

func TestALinkThatTakesNoMoreSignalsCanBeCancelled(t *testing.T) {
	t.Parallel()
	const most = 20
	manager, err := opsmanagertest.New(opsmanagertest.Options{})
	require.NoError(t, err)
	server := httptest.NewServer(manager)
	t.Cleanup(server.Close)
	env := environ(map[string]string{"TEMPORAL_ADDRESS": guarded(t, nil, "-set", fmt.Sprintf("history.maximumSignalsPerExecution=%d", most))})
	start(t, env, workerProgram, "--config", writeConfig(t, server.URL, "")).waitFor("worker ready")
	org := newOrg()
	s := &system{t: t, simulator: server.URL, env: env}
	s.connect()
	s.shape(org, map[string]any{"sync": "never"})
	run := s.begin(org, nil)
	s.waitForPhase(run, migrationlink.PhaseSyncing)
	for range most {
		require.NoError(t, s.temporal.SignalWorkflow(t.Context(), run.GetID(), run.GetRunID(), migrationlink.RetrySignal, migrationlink.RetryRequest{}))
	}
	done := s.starter("cancel", "--manager", "demo", "--org", org, "--reason", "wrong target")
	require.Zero(t, done.code, done.stdout+done.stderr)
	require.Contains(t, done.stdout, "the link was removed again")
}

func TestABuildIDThatIsTooLongEndsTheWorker(t *testing.T) {
	t.Parallel()
	env := append(environ(map[string]string{"TEMPORAL_ADDRESS": guarded(t, nil)}),
		"TEMPORAL_DEPLOYMENT_NAME=migrationlink", "TEMPORAL_WORKER_BUILD_ID="+strings.Repeat("v", 256))
	done := runProgram(t, env, workerProgram, "--config", workerConfig(t))
	require.NotZero(t, done.code)
	require.Contains(t, done.stderr, "TEMPORAL_WORKER_BUILD_ID: has 256 bytes, and Temporal takes at most 255")
}

// The password of a proxy is in a variable, and never in any output.
func TestTheProxyBeforeTemporalIsNamedWithoutItsPassword(t *testing.T) {
	t.Parallel()
	const password = "canary-proxy-password"
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	closed := listener.Addr().String()
	require.NoError(t, listener.Close())
	refusing := func(code int) string {
		proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			http.Error(w, "no: "+r.Header.Get("Proxy-Authorization"), code)
		}))
		t.Cleanup(proxy.Close)
		return proxy.Listener.Addr().String()
	}
	for name, test := range map[string]struct{ proxy, says string }{
		"not there": {closed, "connection refused"},
		"asks":      {refusing(http.StatusProxyAuthRequired), "the proxy asks for a user and a password"},
		"forbids":   {refusing(http.StatusForbidden), "the proxy refuses to connect there"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			env := append(environ(map[string]string{"TEMPORAL_ADDRESS": "temporal.test:7233"}), "HTTPS_PROXY=http://user:"+password+"@"+test.proxy, "NO_PROXY=")
			for _, done := range []finished{
				runProgram(t, env, starterProgram, "list"), runProgram(t, env, workerProgram, "--config", workerConfig(t)),
			} {
				require.Equal(t, 7, done.code, done.stderr)
				require.Contains(t, done.stderr, "Temporal cannot be reached at temporal.test:7233 through the proxy "+test.proxy)
				require.Contains(t, done.stderr, test.says)
				require.NotContains(t, done.stderr, password)
			}
		})
	}
	done := runProgram(t, append(environ(map[string]string{"TEMPORAL_ADDRESS": "temporal.test:7233"}), "HTTPS_PROXY=http://user:"+password+"@[::1"), starterProgram, "list")
	require.Contains(t, done.stderr, "HTTPS_PROXY is not the URL of a proxy")
	require.NotContains(t, done.stderr, password)
}

func TestFullDevicesAndClosedPipesAreReported(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.worker("")
	org := newOrg()
	require.Zero(t, s.starter(linkArgs(org)...).code)
	for _, args := range [][]string{{"list"}, {"status", "--manager", "demo", "--org", org}, {"doctor"}, linkArgs(org), {"--help"}} {
		done := runProgram(t, s.env, "sh", append([]string{"-c", `exec "$0" "$@" > /dev/full`, starterProgram}, args...)...)
		require.Equal(t, 1, done.code, "%v: %s", args, done.stderr)
		require.Contains(t, done.stderr, "no space left on device")
		done = runProgram(t, s.env, "sh", append([]string{"-c", `"$0" "$@" | true`, starterProgram}, args...)...)
		require.Zero(t, done.code)
		require.NotContains(t, done.stderr, "starter:", args)
	}
}

func TestDoctorChecksClocksUpdatesAndTheNexusEndpoint(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.worker("")
	checks, done := s.doctor("--nexus", migrationlink.NexusEndpoint)
	require.Zero(t, done.code, done.stdout)
	require.Equal(t, "this machine is as Temporal's, the worker that called demo is as Temporal's", checks["clocks"].Detail)
	require.True(t, checks["updates"].OK)
	require.Equal(t, "endpoint "+migrationlink.NexusEndpoint+" leads to the workers of this namespace", checks["Nexus"].Detail)

	checks, done = s.doctor("--nexus", "nowhere")
	require.Equal(t, 1, done.code)
	require.Contains(t, checks["Nexus"].Detail, "there is no endpoint nowhere")
	require.Contains(t, checks["Nexus"].Remedy, "temporal operator nexus endpoint create --name nowhere --target-namespace default --target-task-queue "+migrationlink.TaskQueue)
}

// Temporal terminates a workflow whose history has 50 MiB, or 51,200 events.
func TestALinkEndsBeforeTemporalTerminatesItForItsHistory(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.worker("")
	org := newOrg()
	s.shape(org, map[string]any{"sync": "never"})
	run := s.begin(org, func(request *migrationlink.LinkRequest) { request.Undo = migrationlink.UndoAlways })
	s.waitForPhase(run, migrationlink.PhaseSyncing)
	large := strings.Repeat("x", 1900<<10)
	for range 20 {
		if s.temporal.SignalWorkflow(t.Context(), run.GetID(), run.GetRunID(), "noise", large) != nil {
			break // it has ended
		}
	}
	result, _ := migrationlink.ResultOf(requireFailed(t, run, migrationlink.ErrHistoryFull))
	require.True(t, result.Removed)
	require.False(t, result.InDoubt)
}
