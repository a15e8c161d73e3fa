package e2e_test

import (
	"context"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/opsmanager/opsmanagertest"
)

const (
	// workerMemory is what a small container gives a worker, in bytes.
	workerMemory = 512 << 20
	// largest is a little less than the 2 MiB that Temporal accepts in one payload.
	largest = 2<<20 - 4096
)

// jsonText is a payload as other SDKs and command lines encode it. Go's encoder would
// escape characters.
func jsonText(text string) converter.RawValue {
	return converter.NewRawValue(&commonpb.Payload{
		Metadata: map[string][]byte{converter.MetadataEncoding: []byte(converter.MetadataEncodingJSON)},
		Data:     []byte(text),
	})
}

// manyIPs returns a token source with as many addresses as fit into a payload.
func manyIPs() string {
	const empty = `"",`
	list := strings.Repeat(empty, (largest-400)/len(empty))
	return `{"atlas":{"name":"demo","orgId":"6a1b2c3d4e5f6a7b8c9d0e1f","accessListIps":[` + strings.TrimSuffix(list, ",") + `]}}`
}

func largeRequest(org string) string {
	return fmt.Sprintf(`{"manager":"demo","orgId":%q,"token":%s}`, org, manyIPs())
}

// forgetPeakMemory resets what peakMemory reports.
func (p *process) forgetPeakMemory() {
	p.t.Helper()
	const peak = "5"
	require.NoError(p.t, os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", p.cmd.Process.Pid), []byte(peak), 0))
}

// peakMemory returns the peak memory of a process, in bytes.
func (p *process) peakMemory() int {
	p.t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	require.NoError(p.t, err)
	found := regexp.MustCompile(`VmHWM:\s+(\d+) kB`).FindSubmatch(status)
	require.NotNil(p.t, found)
	kibibytes, err := strconv.Atoi(string(found[1]))
	require.NoError(p.t, err)
	return kibibytes << 10
}

// requireNoFailedTask fails if a workflow task has failed. A payload that the worker
// cannot process would fail every following task, too.
func (s *system) requireNoFailedTask(run client.WorkflowRun) {
	s.t.Helper()
	for _, event := range s.history(run.GetID(), run.GetRunID()) {
		failed := event.GetWorkflowTaskFailedEventAttributes()
		require.Nil(s.t, failed.GetFailure(), "event %d: %s: %.1000s", event.GetEventId(), failed.GetCause(), failed.GetFailure().GetMessage())
	}
}

// Each payload is sent to a waiting link, which is then cancelled.
func TestNoPayloadSentToALinkHarmsIt(t *testing.T) { //nolint:tparallel // the memory of each is measured
	t.Parallel()
	s := newSystem(t)
	s.workerProgram = quickWorkerProgram
	worker := s.worker("")
	signals := func(name string, payloads ...converter.RawValue) func(*system, client.WorkflowRun) {
		return func(s *system, run client.WorkflowRun) {
			for _, payload := range payloads {
				require.NoError(s.t, s.temporal.SignalWorkflow(s.t.Context(), run.GetID(), "", name, payload))
			}
		}
	}
	refused := func(name string, payload converter.RawValue) func(*system, client.WorkflowRun) {
		return func(s *system, run client.WorkflowRun) {
			require.Error(s.t, s.update(run, name, nil, payload))
		}
	}
	joins := func(workflowID, runID string) func(*system, client.WorkflowRun) {
		return func(s *system, run client.WorkflowRun) {
			signals(migrationlink.JoinSignal, joining(run, workflowID, runID))(s, run)
		}
	}
	for name, send := range map[string]func(*system, client.WorkflowRun){
		"a long reason to cancel":      signals(migrationlink.CancelSignal, jsonText(`{"reason":"`+strings.Repeat("<", 400_000)+`"}`)),
		"the longest reason to cancel": signals(migrationlink.CancelSignal, jsonText(`{"reason":"`+strings.Repeat("\u2028", (largest-400)/3)+`"}`)),
		"a retry with many addresses":  signals(migrationlink.RetrySignal, jsonText(`{"token":`+manyIPs()+`}`)),
		"a retry that is no object":    signals(migrationlink.RetrySignal, jsonText(`"`+strings.Repeat("<", largest)+`"`)),
		"a join of a strange run":      joins("a-workflow", "not-a-uuid"),
		"a join of a long id":          joins(strings.Repeat("x", 1_100), ""),
		"a join of the longest id":     joins(strings.Repeat("x", largest-400), ""),
		"a join with a large request":  signals(migrationlink.JoinSignal, jsonText(`{"workflowId":"a","request":{"link":`+largeRequest(newOrg())+`}}`)),
		"an answer that nobody asked":  signals(migrationlink.AnswerSignal, jsonText(`{"result":{"outcome":"linked","orgId":"`+strings.Repeat("x", largest-400)+`"}}`)),
		"a name of Temporal's own":     signals("__temporal_x", jsonText(`"text"`)),
		"signals that nobody knows":    signals("unknown", jsonText(`"`+strings.Repeat("x", largest)+`"`)),
		"a check with a large input": func(s *system, run client.WorkflowRun) {
			_ = s.update(run, migrationlink.CheckUpdate, nil, jsonText(`"`+strings.Repeat("<", largest)+`"`))
		},
		"an extension by a long text":    refused(migrationlink.ExtendUpdate, jsonText(`{"by":"`+strings.Repeat("<", largest-400)+`"}`)),
		"another request that is large":  refused(migrationlink.AcceptUpdate, jsonText(`{"link":`+largeRequest(newOrg())+`}`)),
		"more joiners than Temporal has": floodOfJoiners,
	} {
		t.Run(name, func(t *testing.T) {
			s := s.in(t)
			org := newOrg()
			s.shape(org, map[string]any{"sync": "never"})
			run := s.begin(org, nil)
			t.Cleanup(func() { _ = s.temporal.TerminateWorkflow(context.Background(), run.GetID(), "", "") }) // so that it does not disturb others
			s.waitForPhase(run, migrationlink.PhaseSyncing)
			worker.forgetPeakMemory()
			send(s, run)
			require.NoError(t, s.temporal.CancelWorkflow(t.Context(), run.GetID(), ""))
			s.requireEndsCancelled(run)
			s.requireNoFailedTask(run)
			require.Equal(t, opsmanagertest.StatusNone, s.evidence(org).LinkStatus)
			require.False(t, worker.hasEnded())
			require.Less(t, worker.peakMemory(), workerMemory)
		})
	}
}

// requireEndsCancelled has a time limit: a workflow whose tasks fail never ends.
func (s *system) requireEndsCancelled(run client.WorkflowRun) {
	s.t.Helper()
	s.within(time.Minute, func() bool {
		described, err := s.temporal.DescribeWorkflow(s.t.Context(), run.GetID(), run.GetRunID())
		require.NoError(s.t, err)
		return described.WorkflowCloseTime != nil
	})
	requireCancelled(s.t, run)
}

// joining asks a link for its outcome, with the same request.
func joining(run client.WorkflowRun, workflowID, runID string) converter.RawValue {
	return jsonText(fmt.Sprintf(`{"request":{"link":{"manager":"demo","orgId":%q,"token":{"ref":"env:LINK_TOKEN_DEMO"}}},"workflowId":%q,"runId":%q}`,
		strings.TrimPrefix(run.GetID(), migrationlink.WorkflowIDPrefix+"demo."), workflowID, runID))
}

func floodOfJoiners(s *system, run client.WorkflowRun) {
	s.t.Helper()
	const joiners, senders = 2_001, 20
	var sending sync.WaitGroup
	for sender := range senders {
		sending.Go(func() {
			for i := sender; i < joiners; i += senders {
				_ = s.temporal.SignalWorkflow(s.t.Context(), run.GetID(), "", migrationlink.JoinSignal,
					joining(run, fmt.Sprintf("joiner-%d", i), fmt.Sprintf("00000000-0000-4000-8000-%012d", i)))
			}
		})
	}
	sending.Wait()
}

// The largest request is refused at each entry point, and the organization can still be
// linked.
func TestTheLargestPossibleRequestIsRefused(t *testing.T) { //nolint:tparallel // the memory of each is measured
	t.Parallel()
	s := newSystem(t, "--sync-delay", "0s")
	s.workerProgram = quickWorkerProgram
	worker := s.worker("")
	abroad := s.abroad()
	for name, start := range map[string]func(org string) client.WorkflowRun{
		"under its key": func(org string) client.WorkflowRun {
			return s.execute(migrationlink.WorkflowID("demo", org), migrationlink.LinkWorkflow, largeRequest(org))
		},
		"under another id, as a child is": func(org string) client.WorkflowRun {
			return s.execute("child-"+org, migrationlink.LinkWorkflow, largeRequest(org))
		},
		"to unlink": func(org string) client.WorkflowRun {
			return s.execute(migrationlink.WorkflowID("demo", org), migrationlink.UnlinkWorkflow, `{"manager":"`+strings.Repeat("<", largest)+`"}`)
		},
		"through Nexus": func(org string) client.WorkflowRun {
			return abroad.start("sendsThroughNexus", jsonText(largeRequest(org)))
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := s.in(t)
			org := newOrg()
			worker.forgetPeakMemory()
			run := start(org)
			var refused *temporal.ApplicationError
			require.ErrorAs(t, run.Get(t.Context(), nil), &refused)
			require.Equal(t, migrationlink.ErrInvalidRequest, refused.Type())
			require.Less(t, len(refused.Error()), 4096)
			s.requireLinkedOnce(s.begin(org, nil), org)
			require.False(t, worker.hasEnded())
			require.Less(t, worker.peakMemory(), workerMemory)
			if name != "through Nexus" { // the caller's namespace is another one
				s.requireNoFailedTask(run)
			}
		})
	}
}

func (s *system) execute(workflowID, workflowType, request string) client.WorkflowRun {
	s.t.Helper()
	run, err := s.temporal.ExecuteWorkflow(s.t.Context(), client.StartWorkflowOptions{ID: workflowID, TaskQueue: migrationlink.TaskQueue},
		workflowType, jsonText(request))
	require.NoError(s.t, err)
	return run
}
