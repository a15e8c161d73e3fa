package starter

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	namespacepb "go.temporal.io/api/namespace/v1"
	"go.temporal.io/api/serviceerror"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/internal/console"
	"github.com/migrationlink/migrationlink/internal/dataconv"
	"github.com/migrationlink/migrationlink/internal/links"
)

// fakeList is a Temporal that holds runs which nobody works on. It filters
// nothing: what it is asked for is kept in queries.
type fakeList struct {
	workflowservice.UnimplementedWorkflowServiceServer

	address                     string
	noUpdates, noMultiOperation bool

	noNamespace bool
	// known is what a worker has answered a minute ago; nil means none.
	known *migrationlink.Inspection

	mu      sync.Mutex
	runs    []*workflowpb.WorkflowExecutionInfo // in Temporal's order
	page    int                                 // at most so many at once
	queries []string
}

func newFakeList(t *testing.T, runs ...*workflowpb.WorkflowExecutionInfo) *fakeList {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	f := &fakeList{address: listener.Addr().String(), runs: runs, page: 2}
	server := grpc.NewServer()
	workflowservice.RegisterWorkflowServiceServer(server, f)
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(server.Stop)
	return f
}

func (f *fakeList) command() *command {
	c := newCommand(nil)
	c.env["TEMPORAL_ADDRESS"] = f.address
	c.now = func() time.Time { return testStart.Add(2 * time.Hour) }
	return c
}

func (f *fakeList) GetSystemInfo(context.Context, *workflowservice.GetSystemInfoRequest) (*workflowservice.GetSystemInfoResponse, error) {
	return &workflowservice.GetSystemInfoResponse{ServerVersion: "1.2.3", Capabilities: &workflowservice.GetSystemInfoResponse_Capabilities{}}, nil
}

func (f *fakeList) DescribeNamespace(context.Context, *workflowservice.DescribeNamespaceRequest) (*workflowservice.DescribeNamespaceResponse, error) {
	if f.noNamespace {
		return nil, serviceerror.ToStatus(serviceerror.NewNamespaceNotFound("default")).Err()
	}
	return &workflowservice.DescribeNamespaceResponse{
		NamespaceInfo: &namespacepb.NamespaceInfo{Capabilities: &namespacepb.NamespaceInfo_Capabilities{SyncUpdate: !f.noUpdates}},
		Config:        &namespacepb.NamespaceConfig{WorkflowExecutionRetentionTtl: durationpb.New(72 * time.Hour)},
	}, nil
}

// ExecuteMultiOperation gets no operation from doctor.
func (f *fakeList) ExecuteMultiOperation(ctx context.Context, r *workflowservice.ExecuteMultiOperationRequest) (*workflowservice.ExecuteMultiOperationResponse, error) {
	if f.noMultiOperation {
		return f.UnimplementedWorkflowServiceServer.ExecuteMultiOperation(ctx, r)
	}
	return nil, serviceerror.ToStatus(serviceerror.NewInvalidArgument("operations have to be exactly [Start, Update]")).Err()
}

func (f *fakeList) ListWorkflowExecutions(_ context.Context, r *workflowservice.ListWorkflowExecutionsRequest) (*workflowservice.ListWorkflowExecutionsResponse, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.queries = append(f.queries, r.GetQuery())
	from, _ := strconv.Atoi(string(r.GetNextPageToken()))
	to := min(from+f.page, len(f.runs))
	answer := &workflowservice.ListWorkflowExecutionsResponse{Executions: f.runs[from:to]}
	if to < len(f.runs) {
		answer.NextPageToken = []byte(strconv.Itoa(to))
	}
	return answer, nil
}

func (f *fakeList) DescribeWorkflowExecution(_ context.Context, r *workflowservice.DescribeWorkflowExecutionRequest) (*workflowservice.DescribeWorkflowExecutionResponse, error) {
	if f.known == nil || r.GetExecution().GetWorkflowId() != "migration-link.managers" {
		return nil, serviceerror.ToStatus(serviceerror.NewNotFound("workflow not found")).Err()
	}
	info := &workflowpb.WorkflowExecutionInfo{
		Execution: &commonpb.WorkflowExecution{WorkflowId: "migration-link.managers", RunId: testRunID},
		Status:    completed, CloseTime: timestamppb.New(testStart.Add(2*time.Hour - time.Minute)),
	}
	return &workflowservice.DescribeWorkflowExecutionResponse{WorkflowExecutionInfo: info}, nil
}

func (f *fakeList) GetWorkflowExecutionHistory(context.Context, *workflowservice.GetWorkflowExecutionHistoryRequest) (*workflowservice.GetWorkflowExecutionHistoryResponse, error) {
	return &workflowservice.GetWorkflowExecutionHistoryResponse{History: &historypb.History{Events: []*historypb.HistoryEvent{completedWith(*f.known)}}}, nil
}

// org is the id of the nth organization of a test.
func org(n int) string { return fmt.Sprintf("%024x", n) }

// listedRun is a run of the nth organization that began so many minutes after
// testStart, and ended when it ends.
func listedRun(n, began int, change ...func(*workflowpb.WorkflowExecutionInfo)) *workflowpb.WorkflowExecutionInfo {
	info := &workflowpb.WorkflowExecutionInfo{
		Execution: &commonpb.WorkflowExecution{WorkflowId: migrationlink.WorkflowID("demo", org(n)), RunId: fmt.Sprintf("run-%d-%d", n, began)},
		Type:      &commonpb.WorkflowType{Name: migrationlink.LinkWorkflow},
		Status:    enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING,
		StartTime: timestamppb.New(testStart.Add(time.Duration(began) * time.Minute)),
	}
	for _, c := range change {
		c(info)
	}
	return info
}

func ended(at int, status enumspb.WorkflowExecutionStatus) func(*workflowpb.WorkflowExecutionInfo) {
	return func(info *workflowpb.WorkflowExecutionInfo) {
		info.Status, info.CloseTime = status, timestamppb.New(testStart.Add(time.Duration(at)*time.Minute))
	}
}

func noted(name, text string) func(*workflowpb.WorkflowExecutionInfo) {
	return func(info *workflowpb.WorkflowExecutionInfo) {
		if info.Memo == nil {
			info.Memo = &commonpb.Memo{Fields: map[string]*commonpb.Payload{}}
		}
		info.Memo.Fields[name] = payloads(text).GetPayloads()[0]
	}
}

func unlinking(info *workflowpb.WorkflowExecutionInfo) {
	info.Type.Name = migrationlink.UnlinkWorkflow
}

const (
	completed = enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED
	broke     = enumspb.WORKFLOW_EXECUTION_STATUS_FAILED
)

// everyState has one organization in each state; the last one's link was made
// after it had failed.
func everyState() []*workflowpb.WorkflowExecutionInfo {
	return []*workflowpb.WorkflowExecutionInfo{
		listedRun(1, 110, noted(migrationlink.StartedByMemo, "ann@host")),
		listedRun(2, 30, noted(migrationlink.PhaseMemo, "blocked"), noted(migrationlink.ProblemMemo, migrationlink.ErrAccessListRefused), noted(migrationlink.ProblemSinceMemo, "2026-03-01T12:45:00Z")),
		listedRun(3, 50, ended(55, completed), unlinking),
		listedRun(4, 10, ended(50, broke), noted(migrationlink.PhaseMemo, "timed-out"), noted(migrationlink.ProblemMemo, migrationlink.ErrTimedOut)),
		listedRun(5, 0, ended(41, enumspb.WORKFLOW_EXECUTION_STATUS_TIMED_OUT)),
		listedRun(6, 0, ended(31, broke), noted(migrationlink.PhaseMemo, "blocked")),
		listedRun(7, 0, ended(21, enumspb.WORKFLOW_EXECUTION_STATUS_CANCELED)),
		listedRun(8, 0, ended(11, enumspb.WORKFLOW_EXECUTION_STATUS_TERMINATED)),
		listedRun(9, 5, ended(6, completed)),
		listedRun(9, 0, ended(1, broke)),
	}
}

func TestListShowsOneLinePerOrganizationRunningOnesFirst(t *testing.T) {
	t.Parallel()
	done := newFakeList(t, everyState()...).command().run(t.Context(), "list")
	require.Equal(t, console.ExitOK, done.code)
	require.Equal(t, `ORGANIZATION              MANAGER  WHAT    STATE       DURATION  STARTED         ENDED           PROBLEM            AGE
000000000000000000000001  demo     link    running     10m00s    10 min ago
000000000000000000000002  demo     link    blocked     1h30m     1 h 30 min ago                  AccessListRefused  1h15m
000000000000000000000003  demo     unlink  unlinked    5m00s     1 h 10 min ago  1 h 5 min ago
000000000000000000000004  demo     link    timed-out   40m00s    1 h 50 min ago  1 h 10 min ago  TimedOut           1h10m
000000000000000000000005  demo     link    timed-out   41m00s    2 h ago         1 h 19 min ago
000000000000000000000006  demo     link    failed      31m00s    2 h ago         1 h 29 min ago
000000000000000000000007  demo     link    cancelled   21m00s    2 h ago         1 h 39 min ago
000000000000000000000008  demo     link    terminated  11m00s    2 h ago         1 h 49 min ago  Terminated         1h49m
000000000000000000000009  demo     link    linked      1m00s     1 h 55 min ago  1 h 54 min ago
`, done.stdout)
	require.Empty(t, done.stderr)
}

func TestListSaysOfHowManyLinksItDidNotLookUpThePhase(t *testing.T) {
	t.Parallel()
	f := newFakeList(t)
	f.page = 1000
	for n := range links.MaxPhases + 3 {
		f.runs = append(f.runs, listedRun(n, 0))
	}
	const note = "\nThe phase is shown for the first 100 running links, and 'running' for the other 3.\n"
	require.Equal(t, note, f.command().run(t.Context(), "list", "--all").stderr)
	for _, flags := range []string{"--all -o json", "--all -o name", "--limit 100 -o jsonl", "--summary"} {
		require.NotContains(t, f.command().run(t.Context(), append([]string{"list"}, strings.Fields(flags)...)...).stderr, "phase", flags)
	}
}

func TestListFiltersByTheStateOfTheLatestRun(t *testing.T) {
	t.Parallel()
	f := newFakeList(t, everyState()...)
	for flags, want := range map[string][]int{
		"--state running":                   {1, 2},
		"--state blocked":                   {2},
		"--state failed":                    {6},
		"--state failed --every-run":        {6, 9},
		"--state failed,timed-out":          {4, 5, 6},
		"--state cancelled,terminated":      {7, 8},
		"--state completed":                 {3, 9},
		"--older-than 112m":                 {5, 6, 7, 8, 9},
		"--older-than 116m":                 {5, 6, 7, 8}, // the latest run of 9 is younger
		"--older-than 116m --every-run":     {5, 6, 7, 8, 9},
		"--every-run --all":                 {1, 2, 3, 4, 5, 6, 7, 8, 9, 9},
		"--state completed --state running": {1, 2, 3, 9},
		"--problem AccessListRefused":       {2},
		"--problem TimedOut,Terminated":     {4, 8},
		"--problem TimedOut --state failed": nil,
		"--outcome linked":                  {9},
		"--outcome failed":                  {6, 8},
		"--outcome failed --every-run":      {6, 8, 9},
		"--outcome unlinked,cancelled":      {3, 7},
		"--started-by ann":                  {1},
		"--started-by ANN":                  nil,
		"--org " + org(4):                   {4},
		"--org " + org(4) + " --manager x":  {4}, // which Temporal filters by
	} {
		t.Run(flags, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, orgs(want...), listOrgs(t, f, strings.Fields(flags)...))
		})
	}
}

func orgs(numbers ...int) []string {
	var ids []string
	for _, n := range numbers {
		ids = append(ids, org(n))
	}
	return ids
}

func listOrgs(t *testing.T, f *fakeList, flags ...string) []string {
	t.Helper()
	done := f.command().run(t.Context(), append([]string{"list"}, flags...)...)
	require.Equal(t, console.ExitOK, done.code, done.stderr)
	return column1(done.stdout)
}

func column1(table string) []string {
	var ids []string
	for row := range strings.Lines(table) {
		if id := strings.Fields(row)[0]; id != "ORGANIZATION" {
			ids = append(ids, id)
		}
	}
	return ids
}

func TestListAsksTemporalForWhatItCanFilterWithoutLosingALatestRun(t *testing.T) {
	t.Parallel()
	const all = `WorkflowType IN ("LinkOrganization", "UnlinkOrganization") AND WorkflowId STARTS_WITH "link."`
	for flags, want := range map[string]string{
		"":                                all,
		"--manager demo --org " + org(1):  `WorkflowType IN ("LinkOrganization", "UnlinkOrganization") AND WorkflowId STARTS_WITH "link.demo.` + org(1) + `"`,
		"--org " + org(1):                 all,
		"--manager demo":                  `WorkflowType IN ("LinkOrganization", "UnlinkOrganization") AND WorkflowId STARTS_WITH "link.demo."`,
		"--state running":                 all + ` AND ExecutionStatus IN ("Running")`,
		"--state blocked,running":         all + ` AND ExecutionStatus IN ("Running")`,
		"--state failed":                  all,
		"--state failed --every-run":      all + ` AND ExecutionStatus IN ("Failed")`,
		"--state timed-out --every-run":   all + ` AND ExecutionStatus IN ("TimedOut", "Failed")`,
		"--state cancelled --every-run":   all + ` AND ExecutionStatus IN ("Canceled")`,
		"--newer-than 1h":                 all + ` AND StartTime > "2026-03-01T13:00:00Z"`,
		"--older-than 90m":                all,
		"--older-than 90m --every-run":    all + ` AND StartTime < "2026-03-01T12:30:00Z"`,
		"--newer-than 1h --state running": all + ` AND ExecutionStatus IN ("Running") AND StartTime > "2026-03-01T13:00:00Z"`,
	} {
		t.Run(flags, func(t *testing.T) {
			t.Parallel()
			f := newFakeList(t)
			done := f.command().run(t.Context(), append([]string{"list"}, strings.Fields(flags)...)...)
			require.Equal(t, console.ExitOK, done.code, done.stderr)
			require.Equal(t, []string{want}, f.queries)
			require.Empty(t, done.stdout)
			require.Regexp(t, "^No (matching )?links in namespace", done.stderr)
		})
	}
}

// The command that is printed is typed, again and again.
func TestListPagesReachEveryOrganizationOnceAlsoWhileLinksEnd(t *testing.T) {
	t.Parallel()
	f := newFakeList(t, listedRun(1, 60), listedRun(2, 50), listedRun(3, 40), listedRun(4, 0, ended(30, broke)), listedRun(5, 0, ended(20, broke)),
		listedRun(1, 0, ended(10, broke)))
	c := f.command()
	done := c.run(t.Context(), "list", "--limit", "2", "--older-than", "10m")
	require.Equal(t, orgs(1, 2), column1(done.stdout))
	got := orgs(1, 2)
	f.mu.Lock() // 2 ends, which was shown, and 3, which was not
	f.runs = []*workflowpb.WorkflowExecutionInfo{f.runs[0], listedRun(3, 40, ended(119, completed)), listedRun(2, 50, ended(110, completed)), f.runs[3], f.runs[4], f.runs[5]}
	f.mu.Unlock()
	for strings.Contains(done.stderr, "--page") {
		lines := strings.Split(strings.TrimSpace(done.stderr), "\n")
		words := strings.Fields(lines[len(lines)-1])
		require.Equal(t, []string{"starter", "list", "--limit=2", "--older-than=10m"}, words[:4])
		done = f.command().run(t.Context(), words[1:]...)
		require.Equal(t, console.ExitOK, done.code, done.stderr)
		got = append(got, column1(done.stdout)...)
	}
	require.Equal(t, orgs(1, 2, 3, 2, 4, 5), got, "2 is shown again, as its state is another")
}

func TestListAsJSONIsOneObject(t *testing.T) {
	t.Parallel()
	f := newFakeList(t, everyState()[:3]...)
	done := f.command().run(t.Context(), "list", "-o", "json")
	require.JSONEq(t, `{"links":[
		{"workflowId":"link.demo.000000000000000000000001","runId":"run-1-110","manager":"demo","orgId":"000000000000000000000001",
		 "workflow":"LinkOrganization","state":"running","startedAt":"2026-03-01T13:50:00Z","startedBy":"ann@host"},
		{"workflowId":"link.demo.000000000000000000000002","runId":"run-2-30","manager":"demo","orgId":"000000000000000000000002",
		 "workflow":"LinkOrganization","state":"blocked","phase":"blocked","problem":"AccessListRefused","problemSince":"2026-03-01T12:45:00Z","startedAt":"2026-03-01T12:30:00Z"},
		{"workflowId":"link.demo.000000000000000000000003","runId":"run-3-50","manager":"demo","orgId":"000000000000000000000003",
		 "workflow":"UnlinkOrganization","state":"completed","outcome":"unlinked","startedAt":"2026-03-01T12:50:00Z","endedAt":"2026-03-01T12:55:00Z"}]}`, done.stdout)

	done = f.command().run(t.Context(), "list", "-o", "json", "--limit", "1")
	require.Contains(t, done.stdout, `"nextPage":"`)
	require.Empty(t, done.stderr)
	done = newFakeList(t).command().run(t.Context(), "list", "-o", "json")
	require.JSONEq(t, `{"links":[]}`, done.stdout)
}

func TestListFitsTheTerminal(t *testing.T) {
	t.Parallel()
	a := &app{Console: console.Console{Env: console.Environment{Now: func() time.Time { return testStart.Add(2 * time.Hour) }, Location: time.UTC}.WithDefaults()}}
	run, _ := links.ListedOf(listedRun(4, 10, ended(50, broke)), dataconv.Default())
	for width, want := range map[int]string{
		0:   "ORGANIZATION              MANAGER  WHAT  STATE   DURATION  STARTED         ENDED           PROBLEM  AGE",
		120: "ORGANIZATION              MANAGER  WHAT  STATE   DURATION  STARTED         ENDED",
		80:  "ORGANIZATION              MANAGER  WHAT  STATE   DURATION  STARTED",
		70:  "ORGANIZATION              MANAGER  WHAT  STATE   DURATION",
		50:  "ORGANIZATION              MANAGER  STATE",
		20:  "ORGANIZATION       …",
	} {
		rows := console.Table(a.listColumns([]links.Listed{run}, width), []links.Listed{run}, width)
		require.Equal(t, want, rows[0].Render(false), width)
		for _, row := range rows {
			require.True(t, width == 0 || len([]rune(row.Render(false))) <= width)
		}
	}
}

func TestListHasColourOnATerminalOnly(t *testing.T) {
	t.Parallel()
	f := newFakeList(t, everyState()...)
	require.NotContains(t, f.command().run(t.Context(), "list").stdout, "\x1b[")
	c := f.command()
	c.terminal = &c.stdout
	require.Contains(t, c.run(t.Context(), "list").stdout, "\x1b[33mblocked\x1b[0m")
	c = f.command()
	c.terminal, c.env["NO_COLOR"] = &c.stdout, "1"
	require.NotContains(t, c.run(t.Context(), "list").stdout, "\x1b[")
}

func TestListRefusesWhatItCannotFilterBy(t *testing.T) {
	t.Parallel()
	for flags, says := range map[string]string{
		"--state lost":         "--state: not a state; use running, blocked",
		"--manager A.B":        "--manager: invalid manager name; use NAME of a section [managers.NAME]",
		"--older-than -1h":     "--older-than: must be above zero",
		"--newer-than 0s":      "--newer-than: must be above zero",
		"--limit 0":            "--limit: must be above zero; for no limit, use --all",
		"--page 17":            "--page: not a value that an earlier output printed",
		"--page a.b.c.-":       "--page: not a value that an earlier output printed",
		"--problem Lost":       "--problem: not a type of problem; use AccessListRefused",
		"--outcome completed":  "--outcome: not an outcome; use linked, already-linked",
		"--org x":              "--org: not an organization's id",
		"--started-by=":        "--started-by: the value is empty",
		"--summary --watch":    "--watch: cannot be combined with --summary; leave one of them out",
		"--watch -o name":      "--watch: prints text",
		"--summary -o name":    "--summary: cannot print names",
		"-o yaml":              `--output: use "text", "json", "jsonl" or "name"`,
		"--state x --limit -1": "2 flags are wrong",
		"surplus":              "takes only flags",
	} {
		t.Run(flags, func(t *testing.T) {
			t.Parallel()
			done := newCommand(nil).run(t.Context(), append([]string{"list"}, strings.Fields(flags)...)...)
			require.Equal(t, console.ExitUsage, done.code)
			require.Contains(t, done.stderr, says)
		})
	}
}

func TestTheNextCommandCanBePasted(t *testing.T) {
	t.Parallel()
	f := newFakeList(t, everyState()...)
	done := f.command().run(t.Context(), "list", "--limit=1", "--state", "failed,completed", "--namespace", "default", "--profile=")
	require.Contains(t, done.stderr, "starter list --limit=1 --namespace=default --profile='' --state=failed,completed --page=")
	require.Equal(t, `'it'\''s $here'`, console.ShellWord("it's $here"))
}

func TestListSummaryCountsTheLatestRunsByManagerStateAndProblem(t *testing.T) {
	t.Parallel()
	runs := append(everyState(), listedRun(10, 30, noted(migrationlink.PhaseMemo, "blocked"), noted(migrationlink.ProblemMemo, migrationlink.ErrAccessListRefused)))
	f := newFakeList(t, runs...)
	done := f.command().run(t.Context(), "list", "--summary", "--state", "blocked,completed,terminated")
	require.Equal(t, `MANAGER  WHAT    STATE       PROBLEM            COUNT  EXAMPLE
demo     link    blocked     AccessListRefused  2      000000000000000000000002
demo     unlink  unlinked                       1      000000000000000000000003
demo     link    terminated  Terminated         1      000000000000000000000008
demo     link    linked                         1      000000000000000000000009
`, done.stdout)
	done = f.command().run(t.Context(), "list", "--summary", "--problem", "AccessListRefused", "-o", "jsonl")
	require.JSONEq(t, `{"manager":"demo","workflow":"LinkOrganization","state":"blocked","problem":"AccessListRefused","count":2,
		"example":{"workflowId":"link.demo.000000000000000000000002","runId":"run-2-30"}}`, done.stdout)
	require.Equal(t, 1, strings.Count(done.stdout, "\n"))
}

func TestListPrintsNamesOrAnObjectForEachLink(t *testing.T) {
	t.Parallel()
	f := newFakeList(t, everyState()[:3]...)
	done := f.command().run(t.Context(), "list", "-o", "name", "--state", "running")
	require.Equal(t, "link.demo."+org(1)+"\nlink.demo."+org(2)+"\n", done.stdout)
	done = f.command().run(t.Context(), "list", "-o", "jsonl", "--limit", "2")
	require.Equal(t, 2, strings.Count(done.stdout, "\n{")+1, done.stdout)
	require.Contains(t, done.stderr, "--page=")
	require.Equal(t, console.ExitUsage, f.command().run(t.Context(), "doctor", "-o", "name").code)
}

func TestAMemoOfSomebodyElseIsNotBelieved(t *testing.T) {
	t.Parallel()
	run := listedRun(1, 0, noted(migrationlink.PhaseMemo, "blocked"), noted(migrationlink.ProblemMemo, hostile), noted(migrationlink.ProblemSinceMemo, hostile))
	linked := listedRun(2, 0, ended(6, completed), noted(migrationlink.PhaseMemo, hostile), noted(migrationlink.ProblemMemo, "Forbidden"))
	f := newFakeList(t, run, linked)
	done := f.command().run(t.Context(), "list")
	requireHarmless(t, done.stdout, "list")
	require.Contains(t, done.stdout, "blocked")
	require.NotContains(t, done.stdout, "wrong")
	require.NotContains(t, done.stdout, "Forbidden")
}

// A codec that is not set must not make a link that somebody else made look like one of ours.
func TestAListDoesNotGuessWhatItCannotRead(t *testing.T) {
	t.Parallel()
	encoded := func(info *workflowpb.WorkflowExecutionInfo) {
		info.Memo = &commonpb.Memo{Fields: map[string]*commonpb.Payload{migrationlink.PhaseMemo: {
			Metadata: map[string][]byte{"encoding": []byte("binary/encrypted")}, Data: []byte("?"),
		}}}
	}
	done := ended(50, enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED)
	f := newFakeList(t, listedRun(1, 10, encoded), listedRun(2, 20, encoded, done),
		listedRun(3, 10, noted(migrationlink.PhaseMemo, "blocked")), listedRun(4, 10, done, noted(migrationlink.PhaseMemo, "already-linked")))
	shown := f.command().run(t.Context(), "list", "-o", "json")
	require.Zero(t, shown.code, shown.stderr)
	require.Equal(t, 2, strings.Count(shown.stdout, `"unread"`))
	require.Equal(t, 1, strings.Count(shown.stdout, `"outcome"`), "of the one that can be read")
	require.Contains(t, shown.stdout, `"already-linked"`)
	require.Contains(t, shown.stdout, `"state":"blocked"`)
	for _, command := range []string{"list --state blocked", "list --outcome linked", "list --summary", "unlink --newer-than 1h --yes", "retry --state blocked --yes", "cancel --older-than 1m --yes"} {
		done := f.command().run(t.Context(), strings.Fields(command)...)
		require.NotZero(t, done.code, command)
		require.Contains(t, done.stderr, "but no codec is set", command)
		require.NotContains(t, done.stderr, "No matching links", command)
	}
}
