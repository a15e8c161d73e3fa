package e2e_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"

	"github.com/migrationlink/migrationlink"
)

// system is a running stack with everything that a person needs to use it.
type system struct {
	t         *testing.T
	dir       string
	args      []string // of `dev up`
	dev       *process
	env       []string
	simulator string
	temporal  client.Client
	program   string // the starter, if not the build with the race detector
	// workerProgram is the worker, if not the build with the race detector.
	workerProgram string
}

// in returns the system for a subtest.
func (s *system) in(t *testing.T) *system {
	t.Helper()
	copied := *s
	copied.t = t
	return &copied
}

// newSystem starts a new stack without a worker.
func newSystem(t *testing.T, flags ...string) *system {
	t.Helper()
	s := &system{t: t, dir: t.TempDir()}
	s.args = append([]string{"up", "--no-worker", "--files", s.dir, "--db", filepath.Join(s.dir, "temporal.db"),
		"--temporal-port", "0", "--ui-port", "0", "--simulator-port", "0"}, flags...)
	s.up()
	return s
}

// up starts the stack, or restarts it after its end.
func (s *system) up() {
	s.t.Helper()
	s.dev = start(s.t, s.env, devProgram, s.args...)
	s.dev.waitFor("\nready\n")
	s.env = readEnv(s.t, filepath.Join(s.dir, "env"))
	printed := s.dev.output.String()
	_, rest, _ := strings.Cut(printed, "Simulator  ")
	s.simulator, _, _ = strings.Cut(rest, "/simulator/state")
	s.connect()
}

func (s *system) connect() {
	s.t.Helper()
	connection, err := client.Dial(client.Options{HostPort: s.variable("TEMPORAL_ADDRESS"), Logger: silent{}})
	require.NoError(s.t, err)
	s.t.Cleanup(connection.Close)
	s.temporal = connection
}

func (s *system) variable(name string) string {
	for _, line := range s.env {
		if value, ok := strings.CutPrefix(line, name+"="); ok {
			return value
		}
	}
	s.t.Fatalf("%s is not in the environment that dev up wrote", name)
	return ""
}

// readEnv reads the file as a shell would.
func readEnv(t *testing.T, file string) []string {
	t.Helper()
	content, err := os.ReadFile(file)
	require.NoError(t, err)
	var env []string
	for line := range strings.Lines(string(content)) {
		name, value, _ := strings.Cut(strings.TrimPrefix(strings.TrimSpace(line), "export "), "=")
		env = append(env, name+"="+strings.Trim(value, "'"))
	}
	return env
}

// worker starts a worker beside the stack. It knows the demo manager and those in
// extra, which is TOML.
func (s *system) worker(extra string, env ...string) *process {
	s.t.Helper()
	base, err := os.ReadFile(filepath.Join(s.dir, "worker.toml"))
	require.NoError(s.t, err)
	content := strings.Replace(string(base), "[log]\n", "[log]\nlevel = \"debug\"\n", 1) + "\n" + strings.ReplaceAll(extra, "SIMULATOR", s.simulator)
	p, _ := s.workerFrom(content, env...)
	return p
}

// workerFrom starts a worker with this configuration alone, and also returns its file.
func (s *system) workerFrom(content string, env ...string) (*process, string) {
	s.t.Helper()
	file := filepath.Join(s.t.TempDir(), "worker.toml")
	require.NoError(s.t, os.WriteFile(file, []byte(content), 0o600))
	p := start(s.t, append(append([]string{}, s.env...), env...), cmp.Or(s.workerProgram, workerProgram), "--config", file)
	p.waitFor("worker ready")
	return p, file
}

// starter runs the starter until it ends.
func (s *system) starter(args ...string) finished {
	s.t.Helper()
	return runProgram(s.t, s.env, cmp.Or(s.program, starterProgram), args...)
}

// linkJSON runs `starter link -o json` and decodes its output.
func (s *system) linkJSON(orgID string, args ...string) (printed, int) {
	s.t.Helper()
	given := append([]string{"link", "--org", orgID, "-o", "json"}, args...)
	for flag, usual := range map[string]string{"--manager": "demo", "--token-ref": "env:LINK_TOKEN_DEMO"} {
		if !slices.Contains(args, flag) {
			given = append(given, flag, usual)
		}
	}
	done := s.starter(given...)
	var result printed
	decoder := json.NewDecoder(strings.NewReader(done.stdout))
	require.NoError(s.t, decoder.Decode(&result), "stdout: %s\nstderr: %s", done.stdout, done.stderr)
	require.ErrorIs(s.t, decoder.Decode(&struct{}{}), io.EOF, "one object only")
	return result, done.code
}

// printed is the output of `starter link -o json`.
type printed struct {
	migrationlink.LinkResult
	WorkflowID string `json:"workflowId"`
	RunID      string `json:"runId"`
}

// begin starts a link through the SDK, like another program.
func (s *system) begin(orgID string, change func(*migrationlink.LinkRequest)) client.WorkflowRun {
	s.t.Helper()
	request := migrationlink.LinkRequest{Manager: "demo", OrgID: orgID, Token: migrationlink.TokenSource{Ref: "env:LINK_TOKEN_DEMO"}}
	if change != nil {
		change(&request)
	}
	run, err := s.temporal.ExecuteWorkflow(s.t.Context(), client.StartWorkflowOptions{
		ID:        migrationlink.WorkflowID(request.Manager, request.OrgID),
		TaskQueue: migrationlink.TaskQueue,
	}, migrationlink.LinkWorkflow, request)
	require.NoError(s.t, err)
	return run
}

// status retries when no worker has answered in time: a busy machine is not what is
// tested.
func (s *system) status(run client.WorkflowRun) (status migrationlink.Status) {
	s.t.Helper()
	s.eventually(func() bool {
		answer, err := s.temporal.QueryWorkflow(s.t.Context(), run.GetID(), run.GetRunID(), migrationlink.StatusQuery)
		if _, late := errors.AsType[*serviceerror.DeadlineExceeded](err); late {
			return false
		}
		if _, delayed := errors.AsType[*serviceerror.WorkflowNotReady](err); delayed {
			return false // its last workflow tasks timed out on a busy machine
		}
		require.NoError(s.t, err)
		require.NoError(s.t, answer.Get(&status))
		return true
	})
	return status
}

func (s *system) waitForPhase(run client.WorkflowRun, phase migrationlink.Phase) {
	s.t.Helper()
	s.eventually(func() bool { return s.status(run).Phase == phase })
}

// history returns the events of a run.
func (s *system) history(workflowID, runID string) []*historypb.HistoryEvent {
	s.t.Helper()
	var events []*historypb.HistoryEvent
	iterator := s.temporal.GetWorkflowHistory(s.t.Context(), workflowID, runID, false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for iterator.HasNext() {
		event, err := iterator.Next()
		require.NoError(s.t, err)
		events = append(events, event)
	}
	return events
}

// control calls the simulator's control API.
func (s *system) control(method, path string, body, into any) {
	s.t.Helper()
	var content bytes.Buffer
	if body != nil {
		require.NoError(s.t, json.NewEncoder(&content).Encode(body))
	}
	request, err := http.NewRequestWithContext(context.Background(), method, s.simulator+path, &content)
	require.NoError(s.t, err)
	response, err := http.DefaultClient.Do(request) //nolint:forbidigo // the test's own server
	require.NoError(s.t, err)
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	require.NoError(s.t, err)
	require.Less(s.t, response.StatusCode, 300, "%s %s: %s", method, path, answer)
	if into != nil {
		require.NoError(s.t, json.Unmarshal(answer, into), "%s", answer)
	}
}

func (s *system) shape(orgID string, settings map[string]any) {
	s.t.Helper()
	s.control(http.MethodPut, "/simulator/orgs/"+orgID, settings, nil)
}

// newOrg returns an organization that no other test uses.
func newOrg() string { return fmt.Sprintf("%024x", rand.Uint64()) }

type silent struct{}

func (silent) Debug(string, ...any) {}
func (silent) Info(string, ...any)  {}
func (silent) Warn(string, ...any)  {}
func (silent) Error(string, ...any) {}
