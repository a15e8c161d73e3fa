package e2e_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/opsmanager/opsmanagertest"
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

// listSoon waits until Temporal's index, which lags behind, has the expected links.
func (s *system) listSoon(want []string, args ...string) {
	s.t.Helper()
	var got []string
	require.Eventually(s.t, func() bool {
		found, _ := s.list(args...)
		got = found.orgs()
		return fmt.Sprint(got) == fmt.Sprint(want)
	}, 20*time.Second, 50*time.Millisecond, "list %v", args)
}

// park starts a link that no worker processes.
func (s *system) park(manager, orgID string) client.WorkflowRun {
	s.t.Helper()
	run, err := s.temporal.ExecuteWorkflow(s.t.Context(), client.StartWorkflowOptions{
		ID: migrationlink.WorkflowID(manager, orgID), TaskQueue: "nobody",
	}, migrationlink.LinkWorkflow, migrationlink.LinkRequest{Manager: manager, OrgID: orgID})
	require.NoError(s.t, err)
	return run
}

func TestListOfAThousandLinksTakesLessThanASecond(t *testing.T) {
	oneAtATime(t)
	s := newSystem(t)
	const links = 1000
	orgs := make(chan string)
	var starting sync.WaitGroup
	for range 20 {
		starting.Go(func() {
			for org := range orgs {
				s.park("demo", org)
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

	s.program = quickStarterProgram
	best := time.Hour
	for range 10 { // the machine may be busy
		found, done := s.list("--all")
		require.Len(t, found.Links, links)
		if best = min(best, done.took); best < time.Second {
			break
		}
	}
	t.Logf("starter list of %d links: %s", links, best.Round(time.Millisecond))
	require.Less(t, best, time.Second)
}

// linkInEveryState makes links that end or stay in each state, and returns their
// organizations by name.
func (s *system) linkInEveryState() (org map[string]string) {
	s.t.Helper()
	org = map[string]string{}
	for _, name := range []string{"linked", "unlinked", "failed", "then linked", "timed out", "cancelled", "terminated", "running", "blocked"} {
		org[name] = newOrg()
		s.shape(org[name], map[string]any{"syncDelay": "0s"})
	}
	refused := map[string]any{"refusal": opsmanagertest.RefusedRole}
	never := map[string]any{"sync": "never"}

	s.linkJSON(org["linked"])
	s.linkJSON(org["unlinked"])
	require.Zero(s.t, s.starter("unlink", "--manager", "demo", "--org", org["unlinked"]).code)
	for _, name := range []string{"failed", "then linked"} {
		s.shape(org[name], refused)
		_, code := s.linkJSON(org[name])
		require.NotZero(s.t, code)
	}
	s.shape(org["then linked"], map[string]any{"refusal": opsmanagertest.NoRefusal})
	s.linkJSON(org["then linked"])
	s.shape(org["timed out"], never)
	_, code := s.linkJSON(org["timed out"], "--sync-timeout", "3s")
	require.Equal(s.t, 4, code)
	s.shape(org["cancelled"], never)
	cancelled := s.begin(org["cancelled"], nil)
	s.waitForPhase(cancelled, migrationlink.PhaseSyncing)
	require.Zero(s.t, s.starter("cancel", "--manager", "demo", "--org", org["cancelled"], "--reason", "test").code)
	s.shape(org["running"], never)
	s.waitForPhase(s.begin(org["running"], nil), migrationlink.PhaseSyncing)
	s.shape(org["blocked"], refused)
	s.waitForPhase(s.begin(org["blocked"], whenBlocked), migrationlink.PhaseBlocked)
	terminated := s.park("other", org["terminated"])
	require.NoError(s.t, s.temporal.TerminateWorkflow(s.t.Context(), terminated.GetID(), terminated.GetRunID(), "test"))
	return org
}

func TestListFindsLinksByStateManagerAndAge(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.worker("")
	org := s.linkInEveryState()
	for flags, want := range map[string][]string{
		"":                                 {"blocked", "running", "terminated", "cancelled", "timed out", "then linked", "failed", "unlinked", "linked"},
		"--state running":                  {"blocked", "running"},
		"--state blocked":                  {"blocked"},
		"--state failed":                   {"failed"},
		"--state failed --every-run":       {"then linked", "failed"},
		"--state timed-out":                {"timed out"},
		"--state timed-out --every-run":    {"timed out"},
		"--state cancelled,terminated":     {"terminated", "cancelled"},
		"--state completed":                {"then linked", "unlinked", "linked"},
		"--manager other":                  {"terminated"},
		"--manager oth":                    nil,
		"--manager demo --state blocked":   {"blocked"},
		"--older-than 1h":                  nil,
		"--newer-than 1h --state blocked":  {"blocked"},
		"--newer-than 1ms --state blocked": nil,
		"--older-than 1h --every-run":      nil,
		"--problem RoleMissing":            {"blocked", "failed"},
		"--problem TimedOut":               {"timed out"},
		"--problem Terminated":             {"terminated"},
		"--outcome linked":                 {"then linked", "linked"},
		"--outcome unlinked,cancelled":     {"cancelled", "unlinked"},
		"--outcome failed":                 {"terminated", "failed"},
		"--started-by nobody":              nil,
	} {
		var ids []string
		for _, name := range want {
			ids = append(ids, org[name])
		}
		s.listSoon(ids, strings.Fields(flags)...)
	}
	text := s.starter("list")
	require.Contains(t, text.stdout, org["unlinked"]+"  demo     unlink  unlinked")
	require.Contains(t, text.stdout, org["timed out"]+"  demo     link    timed-out")
	require.Regexp(t, org["running"]+`  demo     link    syncing `, text.stdout)
	require.Regexp(t, org["blocked"]+`  demo     link    blocked .* RoleMissing +\S+`, text.stdout)
	summary := s.starter("list", "--summary")
	require.Regexp(t, `demo     link    failed      RoleMissing  1      `+org["failed"], summary.stdout)
	require.Regexp(t, `demo     link    linked                   2      `+org["then linked"], summary.stdout)
	s.listSoon([]string{org["failed"]}, "--org", org["failed"])
}

func TestListPagesWithTheCommandThatItPrints(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	var want []string
	for range 7 {
		org := newOrg()
		s.park("demo", org)
		want = append([]string{org}, want...)
	}
	s.listSoon(want)
	var got []string
	done := s.starter("list", "--limit", "3")
	pages := 1
	for {
		require.Zero(t, done.code, done.stderr)
		for _, row := range strings.Split(strings.TrimSpace(done.stdout), "\n")[1:] {
			got = append(got, strings.Fields(row)[0])
		}
		_, next, more := strings.Cut(done.stderr, "  starter ")
		if !more {
			break
		}
		done = s.starter(strings.Fields(next)...)
		pages++
	}
	require.Equal(t, want, got)
	require.Equal(t, 3, pages)
}
