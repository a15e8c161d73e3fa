package e2e_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"filippo.io/age"
	"filippo.io/age/armor"
	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/dev/freeport"
	"github.com/migrationlink/migrationlink/opsmanager/opsmanagertest"
)

// leaks is a system in which every secret is a canary, with a manager that repeats
// whatever it receives.
type leaks struct {
	*system
	canaries  canaries
	manager   *opsmanagertest.Server
	worker    *process
	recipient string
	// localToken is a file that the starter reads.
	localToken string
	elsewhere  *trap // where a redirect leads to
	places     map[string][]byte
	observed   observed
	collector  *collector
	runs       []client.WorkflowRun
}

// No secret is found anywhere, in any form: not in Temporal's database with its free
// pages, a history, a log, the arguments of a process or a page of the Web UI. This
// holds for every source of a link-token, outcome and fault.
func TestNoSecretIsFoundAnywhere(t *testing.T) {
	oneAtATime(t)
	browser := tool(t, "chromium")
	l := newLeaks(t)
	began := time.Now()
	stage := func(name string) { t.Logf("%s at %s", name, time.Since(began).Round(time.Second)) }
	l.everyOutcome()
	stage("outcomes")
	l.everyCommand()
	stage("commands")
	l.everyFault()
	stage("faults")
	l.everyRead()
	stage("reads")
	l.awaitAll()
	stage("ended")

	l.collectHistories()
	stage("histories")
	l.collectPages(browser)
	stage("pages")
	l.collectFiles("while Temporal runs")
	for _, page := range []string{"/metrics", "/readyz", "/debug/pprof/cmdline", "/debug/pprof/goroutine?debug=2"} {
		status, body := l.observed.get(page)
		require.Equal(t, http.StatusOK, status)
		l.places["HTTP "+page] = []byte(body)
	}
	require.Contains(t, string(l.places["HTTP /metrics"]), "migrationlink_links_ended_total")
	l.worker.stop()
	l.dev.kill() // the write-ahead log stays behind
	l.collectFiles("after Temporal was killed")
	l.places["traces"] = []byte(l.collector.spans())
	l.places["log of the worker"] = []byte(l.worker.output.String())
	l.places["output of dev up"] = []byte(l.dev.output.String())

	require.Contains(t, string(l.places["log of the worker"]), "DEBUG", "the search is worth it")
	for _, place := range []string{"temporal.db after Temporal was killed", "histories", "log of the worker", "traces", "Web UI"} {
		require.Contains(t, string(l.places[place]), l.runs[0].GetID(), "%s: the search finds what is there", place)
	}
	l.canaries.requireNowhere(t, l.places)
	require.Zero(t, l.elsewhere.came.Load(), "no redirect is followed")
}

func newLeaks(t *testing.T) *leaks {
	t.Helper()
	l := &leaks{system: newSystem(t), places: map[string][]byte{}}
	c := &l.canaries
	var issued atomic.Int64
	l.manager = opsmanagertest.NewServer(opsmanagertest.Options{
		SyncDelay: time.Second,
		// So that access tokens are requested often.
		AccessTokenLifetime: time.Second,
		PrivateKey:          c.token("private key of the manager"),
		AtlasPrivateKey:     c.token("private key of Atlas"),
		AtlasClientSecret:   c.token("client secret of Atlas"),
		Issued:              func(secret string) { c.add(fmt.Sprintf("issued by Atlas %d", issued.Add(1)), secret) },
	})
	t.Cleanup(l.manager.Close)
	identity, err := age.GenerateX25519Identity()
	require.NoError(t, err)
	l.recipient = identity.Recipient().String()
	tokens := t.TempDir()
	for path, content := range map[string]string{
		filepath.Join(l.dir, "identity"): c.add("identity", identity.String()),
		filepath.Join(tokens, "canary"):  c.token("link-token in a file"),
		filepath.Join(tokens, "local"):   c.token("link-token in a local file"),
	} {
		require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
	}
	l.localToken = filepath.Join(tokens, "local")
	ports, err := freeport.Take(1)
	require.NoError(t, err)
	l.observed = observed{t: t, base: fmt.Sprintf("http://127.0.0.1:%d", ports[0])}
	l.collector = newCollector(t)
	l.env = append(l.env, l.collector.env...)
	l.startWorker(tokens, ports[0])
	return l
}

func (l *leaks) startWorker(tokens string, port int) {
	l.t.Helper()
	l.worker, _ = l.workerFrom(fmt.Sprintf(`
[http]
address = "127.0.0.1:%[4]d"
pprof   = true
[log]
level = "debug"
format = "console"
[tokens]
directory  = %[1]q
identities = ["file:%[2]s/identity"]
[managers.demo]
base_url        = %[3]q
public_key      = "env:DEMO_PUBLIC_KEY"
private_key     = "env:CANARY_MANAGER_KEY"
request_timeout = "1s"
[atlas.keys]
base_url        = %[3]q
public_key      = "env:DEMO_ATLAS_PUBLIC_KEY"
private_key     = "env:CANARY_ATLAS_KEY"
request_timeout = "1s"
[atlas.account]
base_url        = %[3]q
client_id       = "env:DEMO_ATLAS_CLIENT_ID"
client_secret   = "env:CANARY_ATLAS_SECRET"
request_timeout = "1s"
`, tokens, l.dir, l.manager.URL, port),
		"DEMO_ATLAS_CLIENT_ID="+opsmanagertest.DefaultAtlasClientID,
		"CANARY_MANAGER_KEY="+l.canaries.named("private key of the manager"), "CANARY_ATLAS_KEY="+l.canaries.named("private key of Atlas"),
		"CANARY_ATLAS_SECRET="+l.canaries.named("client secret of Atlas"), "LINK_TOKEN_CANARY="+l.canaries.token("link-token in the environment"))
}

// sources returns all sources of a link-token.
func (l *leaks) sources(org string) map[string]migrationlink.TokenSource {
	l.t.Helper()
	return map[string]migrationlink.TokenSource{
		"environment": {Ref: "env:LINK_TOKEN_CANARY"},
		"file":        {Ref: "file:canary"},
		"sealed":      {Sealed: l.sealed(org, l.canaries.token("sealed link-token"))},
		"API key":     {Atlas: &migrationlink.AtlasToken{Name: "keys", OrgID: newOrg(), AccessListIPs: []string{"203.0.113.7"}}},
		"account":     {Atlas: &migrationlink.AtlasToken{Name: "account", OrgID: newOrg()}},
	}
}

// sealed returns a link-token sealed to the worker.
func (l *leaks) sealed(org, token string) string {
	l.t.Helper()
	recipient, err := age.ParseX25519Recipient(l.recipient)
	require.NoError(l.t, err)
	return sealTo(l.t, recipient, org, token)
}

// sealTo seals as a program does that has only an age library.
func sealTo(t *testing.T, recipient age.Recipient, org, token string) string {
	t.Helper()
	var out bytes.Buffer
	armored := armor.NewWriter(&out)
	plain, err := age.Encrypt(armored, recipient)
	require.NoError(t, err)
	require.NoError(t, json.NewEncoder(plain).Encode(map[string]string{"manager": "demo", "orgId": org, "linkToken": token}))
	require.NoError(t, plain.Close())
	require.NoError(t, armored.Close())
	return out.String()
}

// link starts a link that ends soon in any case.
func (l *leaks) link(org string, token migrationlink.TokenSource, change func(*migrationlink.LinkRequest)) client.WorkflowRun {
	l.t.Helper()
	run := l.begin(org, func(r *migrationlink.LinkRequest) {
		r.Token, r.CreateTimeout, r.SyncTimeout, r.SettleTime = token, "6s", "5s", "3s"
		r.Undo = migrationlink.UndoAlways
		r.VerifyInAtlas, r.DeleteTokenOnUndo = token.Atlas != nil, token.Atlas != nil
		if change != nil {
			change(r)
		}
	})
	l.runs = append(l.runs, run)
	return run
}

// everyOutcome ends a link with each source of a link-token in each way.
func (l *leaks) everyOutcome() {
	l.t.Helper()
	for name := range l.sources(newOrg()) {
		with := func(org string) migrationlink.TokenSource { return l.sources(org)[name] }
		synced, rejected, late, cancelled, blocked := newOrg(), newOrg(), newOrg(), newOrg(), newOrg()
		l.tell(rejected, map[string]any{"tokenRefusal": "INVALID_ATTRIBUTE", "echoToken": true})
		l.tell(late, map[string]any{"sync": "never", "echoToken": true})
		l.tell(cancelled, map[string]any{"sync": "never"})
		l.tell(blocked, map[string]any{"tokenRefusal": "INVALID_ATTRIBUTE", "echoToken": true})

		l.link(synced, with(synced), nil)
		l.link(rejected, with(rejected), nil)
		l.link(late, with(late), nil)
		toCancel := l.link(cancelled, with(cancelled), func(r *migrationlink.LinkRequest) { r.SyncTimeout = "1h" })
		l.waitForPhase(toCancel, migrationlink.PhaseSyncing)
		require.NoError(l.t, l.temporal.CancelWorkflow(l.t.Context(), toCancel.GetID(), ""))
		toRetry := l.link(blocked, with(blocked), func(r *migrationlink.LinkRequest) {
			r.OnBlocked, r.CreateTimeout = migrationlink.WaitWhenBlocked, "10s"
			r.Undo, r.DeleteTokenOnUndo = migrationlink.UndoOnCancel, false // a fault may block it again, and nobody would retry
		})
		l.waitForPhase(toRetry, migrationlink.PhaseBlocked)
		again := with(blocked)
		inTheWrongField := migrationlink.RetryRequest{RequestedBy: l.canaries.token("link-token as the name of a person")}
		require.Error(l.t, l.update(toRetry, migrationlink.RetryUpdate, nil, inTheWrongField))
		extend := migrationlink.ExtendRequest{By: "1m", RequestedBy: inTheWrongField.RequestedBy}
		require.Error(l.t, l.update(toRetry, migrationlink.ExtendUpdate, nil, extend))
		require.NoError(l.t, l.temporal.SignalWorkflow(l.t.Context(), toRetry.GetID(), "", migrationlink.RetrySignal, migrationlink.RetryRequest{Token: &again, RequestedBy: "ana@host"}))
	}
	// A link-token that cannot be opened, and one for another organization.
	org, other := newOrg(), newOrg()
	stranger, err := age.GenerateX25519Identity()
	require.NoError(l.t, err)
	l.link(org, migrationlink.TokenSource{Sealed: sealTo(l.t, stranger.Recipient(), org, l.canaries.token("sealed to somebody else"))}, nil)
	l.link(other, migrationlink.TokenSource{Sealed: l.sealed(org, l.canaries.token("bound to another organization"))}, nil)
}

// tell configures an organization of the leaky manager.
func (l *leaks) tell(org string, settings map[string]any) {
	l.t.Helper()
	content, err := json.Marshal(settings)
	require.NoError(l.t, err)
	var shape opsmanagertest.OrgSettings
	require.NoError(l.t, json.Unmarshal(content, &shape))
	require.NoError(l.t, l.manager.SetOrg(org, shape))
}

// everyFault makes each call of either API fail in each way, while the manager repeats
// what it receives.
func (l *leaks) everyFault() {
	l.t.Helper()
	elsewhere := newTrap(l.t)
	n := 0
	for _, kind := range opsmanagertest.FaultKinds() {
		for _, operation := range []string{
			opsmanagertest.CreateLink, opsmanagertest.ReadLinkStatus, opsmanagertest.DeleteLink, opsmanagertest.ReadProjects,
			opsmanagertest.CreateLinkToken, opsmanagertest.DeleteLinkToken, opsmanagertest.AvailableProjects, opsmanagertest.OAuthToken,
		} {
			n++
			org := newOrg()
			sources := l.sources(org)
			source := sources[[]string{"environment", "file", "sealed", "API key", "account"}[n%5]]
			fault := opsmanagertest.Fault{Kind: kind, Operation: operation, OrgID: org, Count: 2}
			switch operation {
			case opsmanagertest.ReadProjects:
				source = sources["API key"]
			case opsmanagertest.CreateLinkToken, opsmanagertest.DeleteLinkToken, opsmanagertest.AvailableProjects:
				source = sources[[]string{"API key", "account"}[n%2]]
				fault.OrgID = source.Atlas.OrgID
			case opsmanagertest.OAuthToken:
				source, fault.OrgID, fault.Count = sources["account"], "", 1 // they share it
			}
			switch kind {
			case opsmanagertest.UpgradeWindow: // is given half a minute each time
				fault.Count = 1
			case opsmanagertest.Redirect:
				fault.Location = elsewhere.url
			case opsmanagertest.OtherError:
				fault.Status, fault.ErrorCode, fault.Detail = 400, "INVALID_ATTRIBUTE", "no "+l.canaries.named("link-token in the environment")
				fault.Parameters = []any{l.canaries.named("private key of the manager")}
			case opsmanagertest.Echo:
				forms := opsmanagertest.EchoForms()
				fault.Form, fault.Status = forms[n%len(forms)], []int{200, 400, 401, 403, 404, 409, 500}[n%7]
			case opsmanagertest.PaddedBody, opsmanagertest.EndlessBody:
				fault.Bytes = 2 << 20
			case opsmanagertest.SlowBody, opsmanagertest.LateEffect, opsmanagertest.StallAfter:
				fault.Duration = opsmanagertest.Duration(2 * time.Second)
			}
			if operation == opsmanagertest.DeleteLink || operation == opsmanagertest.DeleteLinkToken {
				l.tell(org, map[string]any{"sync": "never", "echoToken": true})
			}
			require.NoError(l.t, l.manager.AddFaults(opsmanagertest.Faults{fault}), "%+v", fault)
			l.link(org, source, nil)
			if operation == opsmanagertest.ReadProjects {
				l.lookOnce(fault)
			}
		}
	}
	l.elsewhere = elsewhere
}

// everyRead has the calls of an assessment fail in each way. Temporal's database shows what it kept.
func (l *leaks) everyRead() {
	l.t.Helper()
	var reading sync.WaitGroup
	for n, kind := range opsmanagertest.FaultKinds() {
		fault := opsmanagertest.Fault{Kind: kind, Operation: []string{opsmanagertest.ReadHosts, opsmanagertest.ReadProjects}[n%2], OrgID: newOrg(), Count: 3}
		switch kind {
		case opsmanagertest.Redirect:
			fault.Location = l.elsewhere.url
		case opsmanagertest.OtherError:
			fault.Status, fault.ErrorCode, fault.Detail = 400, "INVALID_ATTRIBUTE", "no "+l.canaries.named("private key of the manager")
		case opsmanagertest.PaddedBody, opsmanagertest.EndlessBody:
			fault.Bytes = 2 << 20
		case opsmanagertest.SlowBody, opsmanagertest.LateEffect, opsmanagertest.StallAfter:
			fault.Duration = opsmanagertest.Duration(2 * time.Second)
		}
		require.NoError(l.t, l.manager.AddFaults(opsmanagertest.Faults{fault}), "%+v", fault)
		run, err := l.temporal.ExecuteWorkflow(l.t.Context(), client.StartWorkflowOptions{TaskQueue: migrationlink.TaskQueue}, migrationlink.AssessWorkflow,
			migrationlink.AssessRequest{Manager: "demo", OrgID: fault.OrgID})
		require.NoError(l.t, err)
		reading.Go(func() {
			var found migrationlink.Assessment
			if err := run.Get(l.t.Context(), &found); err != nil || found.Verdict == "" {
				l.t.Errorf("%s: %v", kind, err)
			}
		})
	}
	reading.Wait()
}

// lookOnce has the look for a link fail that does not depend on it. Its problem is a part of
// the result.
func (l *leaks) lookOnce(fault opsmanagertest.Fault) {
	l.t.Helper()
	org := newOrg()
	fault.OrgID = org
	require.NoError(l.t, l.manager.AddFaults(opsmanagertest.Faults{fault}), "%+v", fault)
	l.link(org, l.sources(org)["API key"], func(r *migrationlink.LinkRequest) { r.VerifyInAtlas = false })
}

// everyCommand runs the commands of an operator, with link-tokens from every source.
func (l *leaks) everyCommand() {
	l.t.Helper()
	stopWatching := watchCommandLines(l.t)
	var shown bytes.Buffer
	l.env = append(slices.Clone(l.env), "MIGRATIONLINK_RECIPIENT="+l.recipient)
	run := func(input string, args ...string) finished {
		done := runProgramWithInput(l.t, l.env, input, starterProgram, args...)
		fmt.Fprintln(&shown, done.code, done.stdout, done.stderr)
		return done
	}
	byInput, byFile := newOrg(), newOrg()
	secret := l.canaries.token("link-token on standard input")
	require.Zero(l.t, run(secret+"\n", "link", "--manager", "demo", "--org", byInput, "--token-stdin", "--verbose").code)
	require.Zero(l.t, run("", "link", "--manager", "demo", "--org", byFile, "--token-file", l.localToken, "--verbose", "-o", "json").code)
	require.Zero(l.t, run("", "link", "--manager", "demo", "--org", newOrg(), "--atlas", "account", "--atlas-org", newOrg(), "--verify-in-atlas", "--verbose").code)
	sealed := run(secret, "seal", "--manager", "demo", "--org", byInput)
	require.Zero(l.t, sealed.code)
	for _, org := range []string{byInput, byFile} {
		l.runs = append(l.runs, l.temporal.GetWorkflow(l.t.Context(), migrationlink.WorkflowID("demo", org), ""))
		run("", "status", "--manager", "demo", "--org", org, "-o", "json")
		run("", "unlink", "--manager", "demo", "--org", org, "--dry-run")
		require.Zero(l.t, run("", "unlink", "--manager", "demo", "--org", org, "--reason", "moved").code)
	}
	run("", "list", "--verbose")
	run("", "list", "--summary", "-o", "jsonl")
	run(secret, "link", "--manager", "demo", "--org", newOrg(), "--token-stdin", "--dry-run", "-o", "json")
	run("", "doctor", "--verbose")
	l.tell(byInput, map[string]any{"linked": true, "deployments": []map[string]any{{"name": l.canaries.named("private key of the manager")}, {"name": secret}, {"versions": []string{secret}}}})
	for _, command := range [][]string{
		{"doctor", "--manager", "demo", "--org", byInput}, {"assess", "--manager", "demo", "--org", byInput}, {"assess", "--manager", "demo", "--org", byInput, "-o", "json"},
		{"projects", "--manager", "demo", "--org", byInput, "--atlas", "account", "--atlas-org", newOrg()},
	} {
		run("", command...)
	}
	l.places["command lines"] = stopWatching()
	// From here on, one secret is in a command line, because somebody pasted it there.
	pasted := l.canaries.named("link-token in a file")
	require.Equal(l.t, 2, run("", "link", "--manager", "demo", "--org", newOrg(), "--token-ref", pasted).code)
	require.Equal(l.t, 2, run("", "link", "--manager", "demo", "--org", newOrg(), "--token-file", pasted).code)
	require.Equal(l.t, 2, run("", "seal", "--manager", "demo", "--org", newOrg(), pasted).code)
	l.places["output of the starter"] = shown.Bytes()
}

func (l *leaks) awaitAll() {
	l.t.Helper()
	ctx, cancel := context.WithTimeout(l.t.Context(), 3*time.Minute)
	defer cancel()
	outcomes := map[migrationlink.Outcome]int{}
	for _, run := range l.runs {
		_ = run.Get(ctx, nil)
		result := l.status(run).Result
		require.NotNil(l.t, result, "%s has not ended: %+v", run.GetID(), l.status(run))
		outcomes[result.Outcome]++
		if result.Outcome == migrationlink.OutcomeTimedOut {
			l.t.Logf("TIMEDOUT %s %s", run.GetID(), result.Problem.Message)
		}
		if took := result.EndedAt.Sub(result.StartedAt); took > 30*time.Second {
			l.t.Logf("%s %s %s %+v", run.GetID(), took, result.Outcome, result.Problem)
		}
	}
	l.t.Log(outcomes)
	for _, outcome := range []migrationlink.Outcome{migrationlink.OutcomeLinked, migrationlink.OutcomeFailed, migrationlink.OutcomeTimedOut, migrationlink.OutcomeCancelled} {
		require.NotZero(l.t, outcomes[outcome], "%s: every outcome is there", outcome)
	}
}

func (l *leaks) collectHistories() {
	l.t.Helper()
	var histories bytes.Buffer
	for _, run := range l.runs {
		histories.WriteString(run.GetID() + "\n")
		for _, event := range l.history(run.GetID(), "") {
			content, err := protojson.Marshal(event)
			require.NoError(l.t, err)
			histories.Write(content)
		}
		described, err := l.temporal.WorkflowService().DescribeWorkflowExecution(l.t.Context(), &workflowservice.DescribeWorkflowExecutionRequest{
			Namespace: client.DefaultNamespace, Execution: &commonpb.WorkflowExecution{WorkflowId: run.GetID()},
		})
		require.NoError(l.t, err)
		content, err := protojson.Marshal(described)
		require.NoError(l.t, err)
		histories.Write(content)
	}
	l.places["histories"] = histories.Bytes()
}

// collectPages reads the pages of some links in a browser: the visible text and the
// whole document.
func (l *leaks) collectPages(browser string) {
	l.t.Helper()
	page := l.webUI(browser)
	var all bytes.Buffer
	visit := func(path string, words ...string) {
		page.open(path)
		page.shows(words...)
		all.WriteString(page.document() + "\n")
	}
	visit("/namespaces/default/workflows", "LinkOrganization")
	for _, run := range []client.WorkflowRun{l.runs[0], l.runs[1], l.runs[len(l.runs)-1]} {
		base := "/namespaces/default/workflows/" + run.GetID() + "/" + l.runID(run)
		visit(base+"/timeline", run.GetID())
		visit(base+"/history?sort=ascending", run.GetID(), "link of organization")
		visit(base+"/user-metadata", run.GetID(), "What to do")
		visit(base+"/pending-activities", run.GetID())
		// The JSON that the page shows and offers for download.
		page.open("/api/v1/namespaces/default/workflows/" + run.GetID() + "/history?execution.runId=" + l.runID(run))
		all.WriteString(page.document() + "\n")
	}
	l.places["Web UI"] = all.Bytes()
}

func (l *leaks) runID(run client.WorkflowRun) string {
	l.t.Helper()
	described, err := l.temporal.DescribeWorkflow(l.t.Context(), run.GetID(), "")
	require.NoError(l.t, err)
	return described.WorkflowExecution.RunID
}

// collectFiles reads all files of the stack, except those whose purpose is to hold
// secrets.
func (l *leaks) collectFiles(when string) {
	l.t.Helper()
	entries, err := os.ReadDir(l.dir)
	require.NoError(l.t, err)
	for _, entry := range entries {
		if !entry.Type().IsRegular() || entry.Name() == "env" || strings.HasPrefix(entry.Name(), "identity") {
			continue
		}
		content, err := os.ReadFile(filepath.Join(l.dir, entry.Name()))
		require.NoError(l.t, err)
		l.places[entry.Name()+" "+when] = content
	}
}

// watchCommandLines reads the command lines of all processes, as ps shows them, until
// it is stopped.
func watchCommandLines(t *testing.T) (stop func() []byte) {
	t.Helper()
	seen := map[string]bool{}
	done := make(chan struct{})
	var watching sync.WaitGroup
	watching.Go(func() {
		ticker := time.NewTicker(20 * time.Millisecond)
		defer ticker.Stop()
		for {
			files, _ := filepath.Glob("/proc/[0-9]*/cmdline")
			for _, file := range files {
				content, _ := os.ReadFile(file) // of a process that has ended: nothing
				seen[string(content)] = true
			}
			select {
			case <-done:
				return
			case <-ticker.C:
			}
		}
	})
	return func() []byte {
		close(done)
		watching.Wait()
		return []byte(strings.Join(slices.Collect(maps.Keys(seen)), "\n"))
	}
}

// trap is a server that nothing should call.
type trap struct {
	url  string
	came atomic.Int64
}

func newTrap(t *testing.T) *trap {
	t.Helper()
	trapped := &trap{}
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			trapped.came.Add(1)
		}
	}
	server.Start()
	t.Cleanup(server.Close)
	trapped.url = server.URL
	return trapped
}
