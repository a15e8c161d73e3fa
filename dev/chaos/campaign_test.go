package chaos_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/opsmanager/opsmanagertest"
)

var (
	seed     = flag.Uint64("seed", 1, "decides the plan of the campaign")
	duration = flag.Duration("duration", 0, "how long links are begun and faults injected; 0 skips the campaign")
	links    = flag.Int("links", 100, "number of links")
	keep     = flag.String("keep", "", "directory for the logs and databases, kept; empty for a temporary one")
)

// line is the set of proxies of one worker.
type line struct {
	temporal *proxy
	managers []*proxy
}

// campaign is a running system under faults.
type campaign struct {
	t        *testing.T
	dir      string
	plan     plan
	began    time.Time
	client   client.Client // of the campaign itself; no fault hits it
	temporal *program
	workers  []*program
	gates    []*gate // the managers, see managerNames
	env      []string
	starter  string

	lines       []line
	starterLine *proxy

	mu       sync.Mutex
	spoiled  map[time.Duration]opsmanagertest.Fault // faults of the managers in force, by their place in the plan
	denied   map[string]bool                        // organizations whose next POST is answered with an error
	hits     map[string]int                         // of these, so far
	injected map[string]int
	log      []logged
	under    map[string]bool // ids of workflows that may be running
	accounts []*account
}

var managerNames = []string{oneNode, twoNodes}

func TestCampaign(t *testing.T) {
	if *duration == 0 {
		t.Skip("a campaign takes minutes: make chaos")
	}
	c := newCampaign(t)
	c.run()
	c.report()
}

func newCampaign(t *testing.T) *campaign {
	t.Helper()
	c := &campaign{
		t: t, dir: *keep, plan: newPlan(*seed, *duration, *links),
		spoiled: map[time.Duration]opsmanagertest.Fault{}, denied: map[string]bool{}, hits: map[string]int{}, injected: map[string]int{}, under: map[string]bool{},
	}
	if c.dir == "" {
		c.dir = t.TempDir()
	}
	require.NoError(t, os.MkdirAll(c.dir, 0o700))
	c.build()
	c.startTemporal()
	c.startManagers()
	c.startWorkers()
	return c
}

// build builds the programs as they are released: the race detector would slow the
// campaign down.
func (c *campaign) build() {
	c.t.Helper()
	for _, build := range [][]string{
		{"-C", "..", "build", "-o", c.dir + "/", "."},
		{"-C", "../..", "build", "-o", c.dir + "/", "./worker", "./starter"},
	} {
		output, err := exec.Command("go", build...).CombinedOutput()
		require.NoError(c.t, err, "%s", output)
	}
	c.starter = filepath.Join(c.dir, "starter")
}

// startTemporal starts the embedded server on a port that it keeps over restarts.
func (c *campaign) startTemporal() {
	c.t.Helper()
	files := filepath.Join(c.dir, "files")
	port := freePort(c.t)
	c.temporal = &program{
		path: filepath.Join(c.dir, "dev"), env: environment(), log: filepath.Join(c.dir, "temporal.log"), ready: "\nready\n",
		args: []string{"up", "--no-worker", "--files", files, "--db", filepath.Join(c.dir, "temporal.db"),
			"--temporal-port", port, "--ui-port", "0", "--simulator-port", "0"},
	}
	c.supervise(c.temporal)
	content, err := os.ReadFile(filepath.Join(files, "env"))
	require.NoError(c.t, err)
	for text := range strings.Lines(string(content)) {
		name, value, _ := strings.Cut(strings.TrimPrefix(strings.TrimSpace(text), "export "), "=")
		c.env = append(c.env, name+"="+strings.Trim(value, "'"))
	}
	address := "127.0.0.1:" + port
	c.client, err = client.Dial(client.Options{HostPort: address, Logger: silent{}})
	require.NoError(c.t, err)
	c.t.Cleanup(c.client.Close)
	c.starterLine = c.proxy(address)
	for range 2 {
		c.lines = append(c.lines, line{temporal: c.proxy(address)})
	}
}

// supervise starts a program, and restarts it whenever it ends, until the test ends.
func (c *campaign) supervise(p *program) {
	c.t.Helper()
	require.NoError(c.t, p.start())
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	require.NoError(c.t, p.waitReady(ctx, 1))
	supervised, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		p.supervise(supervised, c.must)
	}()
	c.t.Cleanup(func() {
		stop()
		<-done
		p.stop(syscall.SIGTERM, 20*time.Second)
	})
}

// must fails the test on an error. It is safe to call from any goroutine.
func (c *campaign) must(err error) {
	if err != nil {
		c.t.Error(err)
	}
}

func (c *campaign) proxy(target string) *proxy {
	c.t.Helper()
	p, err := newProxy(target)
	require.NoError(c.t, err)
	c.t.Cleanup(p.close)
	return p
}

func (c *campaign) allLines() []*proxy {
	all := []*proxy{c.starterLine}
	for _, l := range c.lines {
		all = append(append(all, l.temporal), l.managers...)
	}
	return all
}

// startManagers starts the simulated managers. Each worker has its own address of a
// manager, so that the gate knows the caller.
func (c *campaign) startManagers() {
	c.t.Helper()
	for i := range managerNames {
		m, err := opsmanagertest.New(opsmanagertest.Options{Seed: *seed, SyncDelay: defaultSyncDelay, Nodes: 1 + i})
		require.NoError(c.t, err)
		g := newGate(m)
		c.gates = append(c.gates, g)
		for worker := range c.lines {
			listener, err := net.Listen("tcp", "127.0.0.1:0")
			require.NoError(c.t, err)
			server := &http.Server{Handler: g.of(worker), ReadHeaderTimeout: 10 * time.Second}
			go func() { _ = server.Serve(listener) }()
			c.t.Cleanup(func() { m.Close(); _ = server.Close() })
			c.lines[worker].managers = append(c.lines[worker].managers, c.proxy(listener.Addr().String()))
		}
	}
}

func (c *campaign) startWorkers() {
	c.t.Helper()
	for i, l := range c.lines {
		var toml strings.Builder
		toml.WriteString("[log]\nlevel = \"debug\"\nformat = \"json\"\n[worker]\nstop_timeout = \"12s\"\n")
		for j, name := range managerNames {
			fmt.Fprintf(&toml, "[managers.%s]\nbase_url = \"http://%s\"\npublic_key = \"env:DEMO_PUBLIC_KEY\"\nprivate_key = \"env:DEMO_PRIVATE_KEY\"\nrequest_timeout = \"10s\"\nrequests_per_second = 100\n",
				name, l.managers[j].address())
		}
		file := filepath.Join(c.dir, fmt.Sprintf("worker%d.toml", i+1))
		require.NoError(c.t, os.WriteFile(file, []byte(toml.String()), 0o600))
		w := &program{
			path: filepath.Join(c.dir, "worker"), args: []string{"--config", file}, ready: "worker ready",
			env: environment(c.environmentFor(l.temporal)...), log: filepath.Join(c.dir, fmt.Sprintf("worker%d.log", i+1)),
		}
		c.workers = append(c.workers, w)
		c.supervise(w)
	}
}

// environmentFor returns the environment of a program that reaches Temporal through a
// proxy.
func (c *campaign) environmentFor(p *proxy) []string {
	env := append([]string{}, c.env...)
	return append(env, "TEMPORAL_ADDRESS="+p.address())
}

// run executes the plan and waits for the end of every request.
func (c *campaign) run() {
	c.began = time.Now()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var faults, requests sync.WaitGroup
	injecting, stop := context.WithTimeout(ctx, *duration)
	defer stop()
	faults.Go(func() { c.inject(injecting) })
	for _, r := range c.plan.Requests {
		a := &account{request: r}
		c.accounts = append(c.accounts, a)
		requests.Go(func() {
			if c.waitUntil(ctx, r.At) {
				c.play(ctx, a)
			}
		})
	}
	faults.Wait()
	c.heal()
	drain, stopDrain := context.WithTimeout(ctx, paceOf(*duration).drain)
	defer stopDrain()
	ended := make(chan struct{})
	go func() { requests.Wait(); close(ended) }()
	select {
	case <-ended:
	case <-drain.Done():
		cancel()
		<-ended
	}
}

// waitUntil waits for a time of the plan.
func (c *campaign) waitUntil(ctx context.Context, at time.Duration) bool {
	return pause(ctx, time.Until(c.began.Add(at)))
}

// play makes one request, applies the plan to it, and waits for its end.
func (c *campaign) play(ctx context.Context, a *account) {
	r := a.request
	g := c.gateOf(r.Link.Manager)
	shape := func(migrating bool, s opsmanagertest.OrgSettings) {
		if migrating {
			s.RunningMigrations = []string{"project"}
		}
		c.must(g.SetOrg(r.Link.OrgID, s))
		a.migrates(migrating)
	}
	shape(r.MigrationFor > 0, r.Shape)
	if r.Denied {
		c.deny(r.Link.OrgID)
	}
	later := r.Shape
	later.Linked = nil // done
	id := migrationlink.WorkflowID(r.Link.Manager, r.Link.OrgID)
	c.mark(id, true)
	defer c.mark(id, false)
	var meanwhile sync.WaitGroup
	defer meanwhile.Wait()
	endMigration := func(after time.Duration) {
		if after > 0 {
			meanwhile.Go(func() {
				pause(ctx, after)
				shape(false, later)
			})
		}
	}
	endMigration(r.MigrationFor)
	if r.CancelAfter > 0 {
		meanwhile.Go(func() { c.cancel(ctx, id, r) })
	}
	c.ask(ctx, a, r.By, migrationlink.LinkWorkflow, r.Link, r.KillStarterAfter)
	if !c.awaitEnd(ctx, id, migrationlink.LinkWorkflow) || r.Unlink == nil {
		return
	}
	meanwhile.Wait()
	if r.Unlink.MigrationFor > 0 {
		shape(true, later)
		endMigration(r.Unlink.MigrationFor)
	}
	c.ask(ctx, a, r.Unlink.By, migrationlink.UnlinkWorkflow, r.Unlink.Request, 0)
	c.awaitEnd(ctx, id, migrationlink.UnlinkWorkflow)
}

func (c *campaign) gateOf(manager string) *gate {
	if manager == twoNodes {
		return c.gates[1]
	}
	return c.gates[0]
}

// ask makes a request by the starter, the SDK or a parent.
func (c *campaign) ask(ctx context.Context, a *account, by, workflow string, request any, killAfter time.Duration) {
	if by == bySDK {
		c.startBySDK(ctx, workflow, request)
		return
	}
	args := starterArgs(workflow, request)
	if by == byStarterDetached {
		args = append(args, "--detach")
	}
	call := call{workflow: workflow, detached: by == byStarterDetached}
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, c.starter, args...)
	cmd.Env, cmd.Stdout, cmd.Stderr = environment(c.environmentFor(c.starterLine)...), &stdout, &stderr
	if err := launch(cmd); err != nil {
		c.must(err)
		return
	}
	if killAfter > 0 {
		killed := time.AfterFunc(killAfter, func() { _ = cmd.Process.Kill() })
		defer killed.Stop()
	}
	_ = cmd.Wait() // the exit code tells
	call.code, call.stdout, call.stderr = cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()
	if call.code < 0 && killAfter > 0 {
		c.note("starter killed", "%s", a.request.Link.OrgID)
	}
	a.called(call)
}

// starterArgs returns the command line of a request.
func starterArgs(workflow string, request any) []string {
	if workflow == migrationlink.UnlinkWorkflow {
		r := request.(migrationlink.UnlinkRequest)
		return []string{"unlink", "-o", "json", "--manager", r.Manager, "--org", r.OrgID, "--on-blocked", string(r.OnBlocked), "--timeout", string(r.Timeout)}
	}
	r := request.(migrationlink.LinkRequest)
	return []string{"link", "-o", "json", "--manager", r.Manager, "--org", r.OrgID, "--token-ref", r.Token.Ref,
		"--undo", string(r.Undo), "--if-linked", string(r.IfLinked), "--on-blocked", string(r.OnBlocked),
		"--create-timeout", string(r.CreateTimeout), "--sync-timeout", string(r.SyncTimeout), "--settle-time", string(r.SettleTime)}
}

// startBySDK retries the start of a workflow until Temporal has accepted it.
func (c *campaign) startBySDK(ctx context.Context, workflow string, request any) {
	id := migrationlink.StartRequest{}.WorkflowID()
	switch r := request.(type) {
	case migrationlink.LinkRequest:
		id = migrationlink.WorkflowID(r.Manager, r.OrgID)
	case migrationlink.UnlinkRequest:
		id = migrationlink.WorkflowID(r.Manager, r.OrgID)
	}
	for ctx.Err() == nil {
		if kind, err := c.latest(ctx, id); err == nil && kind == workflow {
			return
		} else if isUnavailable(err) {
			pause(ctx, 100*time.Millisecond)
			continue
		}
		_, err := c.client.ExecuteWorkflow(ctx, client.StartWorkflowOptions{ID: id, TaskQueue: migrationlink.TaskQueue}, workflow, request)
		if err == nil {
			return
		}
		pause(ctx, 100*time.Millisecond)
	}
}

// latest returns the type of the last workflow with an id.
func (c *campaign) latest(ctx context.Context, id string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	described, err := c.client.DescribeWorkflowExecution(ctx, id, "")
	if err != nil {
		return "", err
	}
	return described.GetWorkflowExecutionInfo().GetType().GetName(), nil
}

func isUnavailable(err error) bool {
	_, missing := errors.AsType[*serviceerror.NotFound](err)
	return err != nil && !missing
}

// awaitEnd waits until the workflow has ended, and reports whether it existed.
func (c *campaign) awaitEnd(ctx context.Context, id, workflow string) bool {
	for pause(ctx, 300*time.Millisecond) {
		described, err := c.client.DescribeWorkflowExecution(ctx, id, "")
		if isUnavailable(err) {
			continue
		}
		if err != nil || described.GetWorkflowExecutionInfo().GetType().GetName() != workflow {
			return false
		}
		if described.GetWorkflowExecutionInfo().GetStatus() != enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING {
			return true
		}
	}
	return false
}

func (c *campaign) mark(id string, running bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if running {
		c.under[id] = true
	} else {
		delete(c.under, id)
	}
}

func (c *campaign) running() (ids []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for id := range c.under {
		ids = append(ids, id)
	}
	return ids
}

// cancel retries until Temporal has accepted the cancellation, or there is no workflow
// to cancel.
func (c *campaign) cancel(ctx context.Context, id string, r request) {
	if !pause(ctx, r.CancelAfter) {
		return
	}
	for ctx.Err() == nil {
		var err error
		if r.CancelBySignal {
			err = c.client.SignalWorkflow(ctx, id, "", migrationlink.CancelSignal, migrationlink.CancelRequest{Reason: "chaos"})
		} else {
			err = c.client.CancelWorkflow(ctx, id, "")
		}
		if !isUnavailable(err) {
			if err == nil {
				c.note("cancelled", "%s", r.Link.OrgID)
			}
			return
		}
		pause(ctx, 200*time.Millisecond)
	}
}

func freePort(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer listener.Close()
	_, port, err := net.SplitHostPort(listener.Addr().String())
	require.NoError(t, err)
	return port
}

type silent struct{}

func (silent) Debug(string, ...any) {}
func (silent) Info(string, ...any)  {}
func (silent) Warn(string, ...any)  {}
func (silent) Error(string, ...any) {}
