package e2e_test

import (
	"encoding/json"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	enums "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"

	"github.com/migrationlink/migrationlink"
)

// list is what `starter list -o json` prints.
type list struct {
	Links []struct {
		WorkflowID string    `json:"workflowId"`
		RunID      string    `json:"runId"`
		OrgID      string    `json:"orgId"`
		Manager    string    `json:"manager"`
		Workflow   string    `json:"workflow"`
		State      string    `json:"state"`
		StartedAt  time.Time `json:"startedAt"`
		EndedAt    time.Time `json:"endedAt"`
	} `json:"links"`
	NextPage string `json:"nextPage"`
}

func (l list) orgs() []string {
	var ids []string
	for _, link := range l.Links {
		ids = append(ids, link.OrgID)
	}
	return ids
}

func (s *system) list(args ...string) (list, finished) {
	s.t.Helper()
	done := s.starter(append([]string{"list", "-o", "json"}, args...)...)
	require.Zero(s.t, done.code, done.stderr)
	var got list
	require.NoError(s.t, json.Unmarshal([]byte(done.stdout), &got), done.stdout)
	return got, done
}

// listSoon waits until Temporal's index, which is written after the fact, has
// what is looked for.
func (s *system) listSoon(want []string, args ...string) {
	s.t.Helper()
	var got []string
	require.Eventually(s.t, func() bool {
		found, _ := s.list(args...)
		got = found.orgs()
		return fmt.Sprint(got) == fmt.Sprint(want)
	}, 20*time.Second, 50*time.Millisecond, "list %v", args)
}

// park starts a workflow that nobody works on.
func (s *system) park(manager, orgID, workflowType string, memo map[string]any) client.WorkflowRun {
	s.t.Helper()
	run, err := s.temporal.ExecuteWorkflow(s.t.Context(), client.StartWorkflowOptions{
		ID: migrationlink.WorkflowID(manager, orgID), TaskQueue: migrationlink.TaskQueue, Memo: memo,
		WorkflowIDConflictPolicy: enums.WORKFLOW_ID_CONFLICT_POLICY_TERMINATE_EXISTING,
	}, workflowType, migrationlink.LinkRequest{Manager: manager, OrgID: orgID})
	require.NoError(s.t, err)
	return run
}

func TestListOfAThousandLinksTakesLessThanASecond(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	const links = 1000
	orgs := make(chan string)
	var starting sync.WaitGroup
	for range 20 {
		starting.Go(func() {
			for org := range orgs {
				s.park("demo", org, migrationlink.LinkWorkflow, nil)
			}
		})
	}
	for i := range links {
		orgs <- fmt.Sprintf("%024x", i+1)
	}
	close(orgs)
	starting.Wait()
	require.Eventually(t, func() bool {
		count, err := s.temporal.CountWorkflow(t.Context(), &workflowservice.CountWorkflowExecutionsRequest{})
		return err == nil && count.GetCount() == links
	}, time.Minute, 50*time.Millisecond)

	best := time.Hour
	for range 3 { // the machine has other work
		found, done := s.list("--all")
		require.Len(t, found.Links, links)
		best = min(best, done.took)
	}
	t.Logf("starter list of %d links: %s", links, best.Round(time.Millisecond))
	require.Less(t, best, time.Second)
}
