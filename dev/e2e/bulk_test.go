package e2e_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/opsmanager/opsmanagertest"
)

// inParallel does something for each organization, as many at a time as the machine takes.
func inParallel(orgs []string, do func(org string)) {
	next := make(chan string)
	var working sync.WaitGroup
	for range 16 {
		working.Go(func() {
			for org := range next {
				do(org)
			}
		})
	}
	for _, org := range orgs {
		next <- org
	}
	close(next)
	working.Wait()
}

// blockedLinks starts links that the access list blocks, and waits until lists show that.
func (s *system) blockedLinks(n int) []string {
	s.t.Helper()
	orgs := make([]string, n)
	for i := range orgs {
		orgs[i] = fmt.Sprintf("%024x", i+1)
	}
	inParallel(orgs, func(org string) {
		s.shape(org, map[string]any{"refusal": opsmanagertest.RefusedAddress})
		s.begin(org, whenBlocked)
	})
	s.eventually(func() bool { return s.blockedByAccessList() == n })
	return orgs
}

var blockedByAccessList = []string{"--state", "blocked", "--problem", migrationlink.ErrAccessListRefused, "--manager", "demo"}

func (s *system) blockedByAccessList() int {
	s.t.Helper()
	done := s.starter(append([]string{"list", "-o", "name", "--all"}, blockedByAccessList...)...)
	require.Zero(s.t, done.code, done.stderr)
	return strings.Count(done.stdout, "\n")
}

func (s *system) unblock(orgs []string) {
	s.t.Helper()
	inParallel(orgs, func(org string) {
		s.shape(org, map[string]any{"refusal": opsmanagertest.NoRefusal, "syncDelay": "0s"})
	})
}

// One cause is fixed, and one command resumes all links. The person stops it, and repeats it.
func TestABulkRetryOf300LinksIsQuickAndGoesOnWhenItIsRepeated(t *testing.T) {
	oneAtATime(t)
	s := newSystem(t)
	s.program, s.workerProgram = quickStarterProgram, quickWorkerProgram
	s.worker("")
	const links = 300
	began := time.Now()
	orgs := s.blockedLinks(links)
	blocking := time.Since(began)
	s.unblock(orgs)

	retry := append([]string{"retry"}, blockedByAccessList...)
	refused := s.starter(retry...)
	require.Equal(t, exitUsage, refused.code)
	require.Contains(t, refused.stderr, "300 links would be retried; nothing was sent")
	require.Contains(t, refused.stderr, "demo     link  blocked  AccessListRefused  300    ")
	require.Zero(t, s.totalPosts())

	retry = append(retry, "--yes")
	began = time.Now()
	first := start(t, s.env, s.program, retry...)
	s.eventually(func() bool { return s.totalPosts() > links/6 })
	require.NoError(t, first.cmd.Process.Signal(syscall.SIGINT))
	<-first.ended
	require.Equal(t, exitOther, first.cmd.ProcessState.ExitCode(), first.output.String())
	require.Contains(t, first.output.String(), "interrupted; ")
	interrupted := time.Since(began)

	second := s.starter(retry...)
	require.Zero(t, second.code, second.stderr)
	took := interrupted + second.took
	t.Logf("%d links were started and blocked in %s and retried in %s: interrupted after %s, the rest took %s: %s", links, blocking.Round(time.Millisecond), took.Round(time.Millisecond),
		interrupted.Round(time.Millisecond), second.took.Round(time.Millisecond), strings.TrimSpace(second.stdout))
	// The links need 20 s of CPU for that, two thirds of it in the embedded server, and the starter less
	// than one: 10 s on two cores with nothing else to do. Starting the links takes as long.
	require.Less(t, took, max(10*time.Second, 2*blocking))

	s.eventually(func() bool {
		found, _ := s.list("--outcome", "linked", "--all")
		return len(found.Links) == links
	})
	state := s.state()
	for _, org := range orgs {
		require.Equal(t, 1, state.Orgs[org].EffectivePosts)
		require.Equal(t, opsmanagertest.StatusSynced, state.Orgs[org].LinkStatus)
	}
	again := s.starter(retry...)
	require.Zero(t, again.code)
	require.Contains(t, again.stderr, "No matching links to retry.")
}

func TestABulkCommandNamesEachLinkThatFailedAndExitsWithItsCode(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.worker("")
	orgs := s.blockedLinks(3)
	s.unblock(orgs[:2])
	done := s.starter(append([]string{"retry", "--yes"}, blockedByAccessList...)...)
	require.Equal(t, blockedCode, done.code, done.stderr)
	require.Contains(t, done.stdout, "Retried 2 of 3 links\n")
	require.Contains(t, done.stderr, "organization "+orgs[2]+" of manager demo: it is blocked again")
	require.NotContains(t, done.stderr, orgs[0]+" of manager demo:")

	s.eventually(func() bool { return s.blockedByAccessList() == 1 })
	until := time.Now().Add(3 * time.Hour).UTC().Format(time.RFC3339)
	for range 2 { // repeating it is safe
		extended := s.starter("extend", "--state", "blocked", "--until", until, "--yes", "-o", "json")
		require.Zero(t, extended.code, extended.stderr)
		require.JSONEq(t, `{"chosen":1,"succeeded":1,"failed":[]}`, extended.stdout)
	}
	require.Equal(t, until, s.shown(orgs[2]).Deadline.Format(time.RFC3339))
	earlier := s.starter("extend", "--state", "blocked", "--until", time.Now().Add(2*time.Hour).UTC().Format(time.RFC3339), "--yes")
	require.Zero(t, earlier.code, earlier.stderr)
	require.Equal(t, "Extended 0 of 1 link; 1 unchanged\n", earlier.stdout)
	require.Contains(t, earlier.stderr, "organization "+orgs[2]+" of manager demo: unchanged, because its deadline is later: "+until)
	require.Equal(t, until, s.shown(orgs[2]).Deadline.Format(time.RFC3339))
	require.Equal(t, exitUsage, s.starter("extend", "--state", "blocked", "--by", "1h", "--yes").code)

	cancelled := s.starter("cancel", "--state", "blocked", "--reason", "not needed", "--yes")
	require.Zero(t, cancelled.code, cancelled.stderr)
	require.Contains(t, cancelled.stdout, "Cancelled 1 of 1 link\n")

	s.eventually(func() bool { found, _ := s.list("--outcome", "linked"); return len(found.Links) == 2 })
	for _, command := range []string{"unlink", "retry", "cancel", "extend"} {
		require.Equal(t, exitUsage, s.starter(command, "--manager", "demo", "--yes").code, "a manager alone is no selector")
	}
	unlinked := s.starter("unlink", "--outcome", "linked", "--yes")
	require.Zero(t, unlinked.code, unlinked.stderr)
	require.Contains(t, unlinked.stdout, "Unlinked 2 of 2 links\n")
	for _, org := range orgs {
		require.Equal(t, opsmanagertest.StatusNone, s.evidence(org).LinkStatus)
	}
}

// bulkPrinted is the output of a command for several links with -o json.
type bulkPrinted struct {
	Chosen    int `json:"chosen"`
	Succeeded int `json:"succeeded"`
}

// interruptBulk starts a command, and presses Ctrl-C when what it has sent shows.
func (s *system) interruptBulk(shows func() bool, args ...string) {
	s.t.Helper()
	first := start(s.t, s.env, starterProgram, args...)
	s.eventually(shows)
	require.NoError(s.t, first.cmd.Process.Signal(syscall.SIGINT))
	<-first.ended
	require.Equal(s.t, exitOther, first.cmd.ProcessState.ExitCode(), first.output.String())
	require.Contains(s.t, first.output.String(), "All were sent, and continue without this command. To wait for their ends, repeat it: it is safe.")
}

// repeatBulk starts a command, and ends the faults of the manager when it has chosen. It returns what a
// command prints that succeeds.
func (s *system) repeatBulk(shows string, args ...string) string {
	s.t.Helper()
	repeated := start(s.t, s.env, starterProgram, args...)
	repeated.waitFor(shows)
	s.control(http.MethodPut, "/simulator/faults", map[string]any{"faults": opsmanagertest.Faults{}}, nil)
	<-repeated.ended
	require.Zero(s.t, repeated.cmd.ProcessState.ExitCode(), repeated.output.String())
	return repeated.output.String()
}

// Ctrl-C in the middle: one organization is unlinked, the removal of another one has failed, and that of
// the third is running.
func TestARepeatedUnlinkSucceedsOnlyWhenAllAreRemoved(t *testing.T) {
	t.Parallel()
	s := newSystem(t, "--sync-delay", "0s")
	s.worker("")
	stuck, migrating, free := newOrg(), newOrg(), newOrg()
	for _, org := range []string{stuck, migrating, free} {
		s.linkJSON(org)
	}
	s.fault(opsmanagertest.Fault{Kind: opsmanagertest.Unavailable, Operation: http.MethodDelete, OrgID: stuck})
	s.shape(migrating, map[string]any{"runningMigrations": []string{"project-1"}})
	listed := func(org string, flags ...string) bool {
		found, _ := s.list(flags...)
		return slices.Contains(found.orgs(), org)
	}
	unlink := []string{"unlink", "--outcome", "linked", "--yes"}
	s.eventually(func() bool { found, _ := s.list("--outcome", "linked"); return len(found.Links) == 3 })
	s.interruptBulk(func() bool {
		return s.evidence(stuck).Deletes > 0 && listed(stuck, "--state", "running") && listed(migrating, "--outcome", "failed") && listed(free, "--outcome", "unlinked")
	}, unlink...)

	s.shape(migrating, map[string]any{})
	second := s.starter(append(unlink, "--wait-limit", "1s", "-o", "json")...)
	require.Equal(t, exitWaiting, second.code, second.stderr)
	require.Equal(t, 2, decoded[bulkPrinted](t, second).Chosen)
	require.Equal(t, opsmanagertest.StatusSynced, s.evidence(stuck).LinkStatus)

	third := s.repeatBulk("already running", unlink...)
	require.Regexp(t, `Unlinked (1 of 1 link|2 of 2 links)\n`, third)
	for _, org := range []string{stuck, migrating, free} {
		require.Equal(t, opsmanagertest.StatusNone, s.evidence(org).LinkStatus)
		require.Equal(t, 1, s.evidence(org).EffectiveDeletes)
	}
}

func TestARepeatedCancelWaitsForTheUndoOfALinkThatWasBlocked(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.worker("")
	org := newOrg()
	s.shape(org, map[string]any{"sync": "never"})
	run := s.begin(org, whenBlocked)
	s.waitForPhase(run, migrationlink.PhaseSyncing)
	s.shape(org, map[string]any{"sync": "never", "refusal": opsmanagertest.RefusedAddress})
	s.eventually(func() bool { return s.blockedByAccessList() == 1 })
	s.fault(opsmanagertest.Fault{Kind: opsmanagertest.Unavailable, OrgID: org, BeforeAuthentication: true})

	cancel := append([]string{"cancel", "--yes"}, blockedByAccessList...)
	s.interruptBulk(func() bool {
		return s.blockedByAccessList() == 0 && s.status(run).Phase == migrationlink.PhaseUndoing
	}, cancel...)
	second := s.starter(append(cancel, "--timeout", "1s", "-o", "json")...)
	require.Equal(t, exitWaiting, second.code, second.stderr)
	require.Equal(t, 1, decoded[bulkPrinted](t, second).Chosen)

	s.shape(org, map[string]any{"sync": "never", "refusal": opsmanagertest.NoRefusal})
	third := s.repeatBulk("demo     link  running", cancel...)
	require.Contains(t, third, "Cancelled 1 of 1 link\n")
	require.Equal(t, opsmanagertest.StatusNone, s.evidence(org).LinkStatus)
}

// totalPosts returns how many links the manager has created.
func (s *system) totalPosts() (posts int) {
	s.t.Helper()
	for _, org := range s.state().Orgs {
		posts += org.EffectivePosts
	}
	return posts
}

// sends is the output of a command with --dry-run -o json.
type sends struct {
	DryRun bool `json:"dryRun"`
	Sends  []struct {
		WorkflowID string `json:"workflowId"`
		RunID      string `json:"runId"`
		Starts     string `json:"starts"`
		Updates    string `json:"updates"`
		Input      any    `json:"input"`
	} `json:"sends"`
}

func TestADryRunChangesNothingAndSaysWhatWouldBeSent(t *testing.T) {
	t.Parallel()
	s := newSystem(t, "--sync-delay", "0s")
	s.worker("")
	blocked := s.blockedLinks(2)
	org, linked := newOrg(), newOrg()
	s.linkJSON(linked)
	var before []int
	events := func() (counts []int) {
		for _, org := range append(slices.Clone(blocked), linked) {
			counts = append(counts, len(s.history(migrationlink.WorkflowID("demo", org), "")))
		}
		return counts
	}
	before = events()
	evidence := s.state()

	dry := func(args ...string) sends {
		done := s.starter(append(args, "--dry-run", "-o", "json")...)
		require.Zero(t, done.code, done.stderr)
		return decoded[sends](t, done)
	}
	link := linkOf(org, "--undo", "never", "--detach")
	wouldLink := dry(link...)
	require.True(t, wouldLink.DryRun)
	require.Equal(t, migrationlink.LinkWorkflow, wouldLink.Sends[0].Starts)
	wouldUnlink := dry(target("unlink", linked, "--reason", "moved")...)
	require.Equal(t, map[string]any{"manager": "demo", "orgId": linked, "reason": "moved"}, wouldUnlink.Sends[0].Input)
	wouldRetry := dry(target("retry", blocked[0])...)
	require.Equal(t, migrationlink.RetryUpdate, wouldRetry.Sends[0].Updates)
	require.Len(t, dry(append([]string{"retry"}, blockedByAccessList...)...).Sends, 2)
	text := s.starter(append(link, "--dry-run")...)
	require.Contains(t, text.stdout, "Dry run: nothing was sent. The command would\n  start workflow link.demo."+org+`: LinkOrganization {"manager":"demo"`)

	require.Equal(t, before, events())
	require.Equal(t, evidence.Orgs, s.state().Orgs)
	found, _ := s.list("--org", org)
	require.Empty(t, found.Links)

	require.Zero(t, s.starter(link...).code)
	run := s.temporal.GetWorkflow(t.Context(), migrationlink.WorkflowID("demo", org), "")
	require.Equal(t, wouldLink.Sends[0].Input, s.input(run), "what is sent is what was shown")
}

// input is what a run was started with.
func (s *system) input(run client.WorkflowRun) (input any) {
	s.t.Helper()
	started := s.history(run.GetID(), "")[0].GetWorkflowExecutionStartedEventAttributes()
	require.NoError(s.t, converter.GetDefaultDataConverter().FromPayloads(started.GetInput(), &input))
	return input
}

func TestUnlinkAsksBeforeItRemovesALinkOfSomebodyElse(t *testing.T) {
	t.Parallel()
	s := newSystem(t, "--sync-delay", "0s")
	s.worker("")
	theirs, ours, found := newOrg(), newOrg(), newOrg()
	for _, org := range []string{theirs, found} {
		s.shape(org, map[string]any{"linked": true})
	}
	s.linkJSON(found) // already linked: this did not make it
	for range 2 {
		s.linkJSON(ours) // the second finds what the first has made
	}
	for _, org := range []string{theirs, found} {
		asks := s.starter(target("unlink", org)...)
		require.Equal(t, exitUsage, asks.code)
		require.Contains(t, asks.stderr, "Temporal knows no run that made the link of organization "+org)
		require.Contains(t, asks.stderr, "Add --yes")
		require.Zero(t, s.evidence(org).Deletes)
		require.Zero(t, s.starter(target("unlink", org, "--yes")...).code)
		require.Equal(t, opsmanagertest.StatusNone, s.evidence(org).LinkStatus)
	}
	s.eventually(func() bool { all, _ := s.list("--every-run", "--org", ours); return len(all.Links) == 2 })
	done := s.starter(target("unlink", ours, "--reason", "moved away", "-o", "json")...)
	require.Zero(t, done.code, done.stderr)
	result := decoded[printed](t, done)
	require.Equal(t, "moved away", result.Reason)
	require.Contains(t, result.StartedBy, "@")
	s.shape(ours, map[string]any{"linked": true}) // by somebody else, since
	require.Equal(t, exitUsage, s.starter(target("unlink", ours)...).code)
}

// The history is gone after Temporal's retention, the result with it; the log stays.
func TestWhoDidWhatIsInTheResultAndInTheLog(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.env = append(slices.Clone(s.env), "USER=ana")
	worker := s.worker("")
	org := newOrg()
	s.shape(org, map[string]any{"refusal": opsmanagertest.RefusedAddress})
	require.Equal(t, blockedCode, s.starter(linkOf(org, "--on-blocked", "wait", "--detach")...).code)
	require.Zero(t, s.starter(target("extend", org, "--by", "1h")...).code)
	s.shape(org, map[string]any{"refusal": opsmanagertest.NoRefusal, "sync": "never"})
	require.Zero(t, s.starter(target("retry", org)...).code)
	done := s.starter(target("cancel", org, "--reason", "wrong target", "-o", "json")...)
	require.Zero(t, done.code, done.stderr)

	result := decoded[printed](t, done)
	require.Contains(t, result.StartedBy, "ana@")
	var did []migrationlink.ActionName
	for _, action := range result.Actions {
		did = append(did, action.Action)
		require.Contains(t, action.RequestedBy, "ana@")
		require.False(t, action.At.IsZero())
	}
	require.Equal(t, []migrationlink.ActionName{migrationlink.ActionExtend, migrationlink.ActionRetry, migrationlink.ActionCancel}, did)
	require.Equal(t, "wrong target", result.Actions[2].Reason)
	require.False(t, result.Actions[0].Deadline.IsZero())
	for _, word := range []string{"started", "extended", "retried", "cancelled"} {
		var lines []string
		for line := range strings.Lines(worker.output.String()) {
			if strings.Contains(line, "\tlink "+word+"\t") && strings.Contains(line, org) {
				lines = append(lines, line)
			}
		}
		require.Len(t, lines, 1, word)
		require.Contains(t, lines[0], `"by": "ana@`)
	}
	require.Contains(t, worker.output.String(), `"reason": "wrong target"`)
}
