package progress

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/internal/console"
	"github.com/migrationlink/migrationlink/internal/links"
)

// story is what a link looks like over time: created, its reply lost, found,
// polled, the manager away for a while, SYNCED.
func story() []links.Observation {
	at := func(seconds int) time.Time { return testStart.Add(time.Duration(seconds) * time.Second) }
	base := links.Observation{Run: testRun, State: links.StateRunning, Status: migrationlink.Status{StartedAt: testStart}}
	creating := base
	creating.Phase, creating.PhaseSince, creating.Deadline = migrationlink.PhaseCreating, testStart, at(600)
	settling := creating
	settling.Phase, settling.PhaseSince, settling.Deadline = migrationlink.PhaseSettling, at(2), at(62)
	settling.Problem = &migrationlink.Problem{Type: migrationlink.ErrReplyLost, Message: "the reply was lost", Remedy: "Nothing to do."}
	polled := base
	polled.Phase, polled.PhaseSince, polled.Deadline = migrationlink.PhaseSyncing, at(5), at(3605)
	polled.Created, polled.Polls, polled.LinkStatus, polled.NextTry = true, 1, migrationlink.LinkNotSynced, at(8)
	away := polled
	away.Polls, away.NextTry = 2, at(11)
	away.Problem = &migrationlink.Problem{Type: migrationlink.ErrManagerUnavailable, Message: "manager \"demo\" answered 503", Remedy: "It is asked again."}
	back := polled
	back.Polls, back.NextTry = 3, time.Time{}
	return []links.Observation{creating, settling, polled, polled, away, back}
}

// clockOfStory gives each observation two seconds.
func clockOfStory() (now func() time.Time, step func()) {
	passed := time.Duration(0)
	return func() time.Time { return testStart.Add(passed) }, func() { passed += 2 * time.Second }
}

func TestPlainOutputIsOneLinePerChange(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	now, step := clockOfStory()
	v := newPlainView(console.Environment{Now: now, Location: time.UTC}, &out)
	for _, seen := range story() {
		v.Show(seen)
		v.Tick()
		step()
	}
	v.Lost("Temporal cannot be reached")
	v.Lost("Temporal cannot be reached")
	require.Equal(t, `12:00:00 creating, until 12:10:00, in 10 min
12:00:02 settling, until 12:01:02, in 1 min
12:00:02 note: the reply was lost. Nothing to do.
12:00:04 syncing, NOT_SYNCED, 1 poll, next at 12:00:08, until 13:00:05, in 1 h
12:00:08 syncing, NOT_SYNCED, 2 polls, next at 12:00:11, until 13:00:05, in 59 min
12:00:08 note: manager "demo" answered 503. It is asked again.
12:00:10 syncing, NOT_SYNCED, 3 polls, until 13:00:05, in 59 min
12:00:12 note: Temporal cannot be reached
`, out.String())
}

// screen returns the last picture that a live view drew.
func screen(written string) string {
	pictures := strings.Split(written, "\r")
	return strings.NewReplacer("\x1b[K", "", "\x1b[J", "").Replace(pictures[len(pictures)-1])
}

func liveEnv(width int, variables map[string]string) console.Environment {
	return console.Environment{
		Now:           func() time.Time { return testStart.Add(8 * time.Second) },
		Location:      time.UTC,
		TerminalWidth: func(io.Writer) int { return width },
		LookupEnv: func(name string) (string, bool) {
			value, ok := variables[name]
			return value, ok
		},
	}
}

var noColour = map[string]string{"NO_COLOR": "1"}

func TestLiveViewShowsTheCourseOfALink(t *testing.T) {
	t.Parallel()
	seen := story()
	var out bytes.Buffer
	v := newLiveView(liveEnv(100, noColour), &out, testRun)
	v.Tick()
	require.Empty(t, out.String(), "nothing is known yet")
	v.Show(seen[0])
	require.Equal(t, `Link of organization 5f1b2c3d4e5f6a7b8c9d0e1f, manager demo  8s
  ● creating       8s  until 12:10:00, in 9 min
  ○ syncing
  ○ linked
  Ctrl-C stops watching; the link continues.
`, screen(out.String()))
	v.Show(seen[1])
	v.Show(seen[4])
	require.Equal(t, `Link of organization 5f1b2c3d4e5f6a7b8c9d0e1f, manager demo  8s
  ✓ creating       2s
  ✓ settling       3s
  ● syncing        3s  NOT_SYNCED · 2 polls · next in 3s · until 13:00:05, in 59 min
  ○ linked
  ! manager "demo" answered 503. It is asked again.
  Ctrl-C stops watching; the link continues.
`, screen(out.String()))
	v.Ended(linked())
	require.Equal(t, `Link of organization 5f1b2c3d4e5f6a7b8c9d0e1f, manager demo
  ✓ creating       2s
  ✓ settling       3s
  ✓ syncing        4s
  ✓ linked
`, screen(out.String()))
}

func TestLiveViewTakesQuickPhasesFromTheResult(t *testing.T) {
	t.Parallel()
	failed := withOutcome(migrationlink.OutcomeFailed, refusal)
	failed.CreatedAt = time.Time{}
	cancelled := withOutcome(migrationlink.OutcomeCancelled, nil)
	cancelled.Removed = true
	for name, test := range map[string]struct {
		result migrationlink.LinkResult
		want   string
	}{
		"linked":    {linked(), "  ✓ creating       1s\n  ✓ syncing        8s\n  ✓ linked\n"},
		"failed":    {failed, "  ✗ creating       9s\n  ✗ failed\n"},
		"cancelled": {cancelled, "  ✓ creating       1s\n  – syncing        8s\n  ✓ undoing        0s\n  ✗ cancelled\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			newLiveView(liveEnv(100, noColour), &out, testRun).Ended(test.result)
			_, steps, _ := strings.Cut(screen(out.String()), "\n")
			require.Equal(t, test.want, steps)
		})
	}
}

func TestLiveViewStaysWithinTheWidth(t *testing.T) {
	t.Parallel()
	for _, width := range []int{30, 50, 81} {
		var out bytes.Buffer
		v := newLiveView(liveEnv(width, noColour), &out, testRun)
		for _, seen := range story()[:5] {
			v.Show(seen)
		}
		picture := screen(out.String())
		for drawn := range strings.Lines(picture) {
			require.LessOrEqual(t, utf8.RuneCountInString(strings.TrimSuffix(drawn, "\n")), width-1)
		}
		require.Contains(t, strings.Join(strings.Fields(picture), " "), "It is asked again.", "a remedy is never cut off")
	}
}

// verifyingStory is a link that is SYNCED, and Atlas shows its projects later.
func verifyingStory() links.Observation {
	at := func(seconds int) time.Time { return testStart.Add(time.Duration(seconds) * time.Second) }
	seen := story()[2]
	seen.CreatedAt = at(1)
	seen.Phase, seen.PhaseSince, seen.Deadline = migrationlink.PhaseVerifying, at(6), at(3606)
	seen.LinkStatus, seen.Polls, seen.NextTry = migrationlink.LinkSynced, 4, at(11)
	seen.Atlas, seen.AtlasPolls = &migrationlink.AtlasResult{TokenCreated: true}, 1
	return seen
}

func verifiedResult() migrationlink.LinkResult {
	result := linked()
	result.SyncedAt, result.EndedAt = testStart.Add(6*time.Second), testStart.Add(9*time.Second)
	result.Atlas = &migrationlink.AtlasResult{TokenCreated: true, SourceProjects: 3, AvailableProjects: 2, VerifiedAt: result.EndedAt}
	return result
}

func TestViewsShowTheWaitForAtlas(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	v := newLiveView(liveEnv(100, noColour), &out, testRun)
	v.Show(story()[2])
	v.Show(verifyingStory())
	require.Equal(t, `Link of organization 5f1b2c3d4e5f6a7b8c9d0e1f, manager demo  8s
  ✓ creating       5s
  ✓ syncing        1s
  ● verifying      2s  SYNCED · waiting until Atlas shows the projects · asked 1 time · next in 3s
    until 13:00:06, in 59 min
  ○ linked
  Ctrl-C stops watching; the link continues.
`, screen(out.String()))
	v.Ended(verifiedResult())
	require.Equal(t, `Link of organization 5f1b2c3d4e5f6a7b8c9d0e1f, manager demo
  ✓ creating       5s
  ✓ syncing        1s
  ✓ verifying      3s
  ✓ linked
`, screen(out.String()))

	out.Reset()
	plain := newPlainView(liveEnv(0, nil), &out)
	plain.Show(verifyingStory())
	plain.Show(verifyingStory())
	require.Equal(t, "12:00:08 verifying, SYNCED, waiting until Atlas shows the projects, asked 1 time, next at 12:00:11, until 13:00:06, in 59 min\n", out.String())
}

func TestLiveViewThatStartsLateShowsTheEarlierSteps(t *testing.T) {
	t.Parallel()
	blocked := verifyingStory()
	blocked.Phase, blocked.BlockedIn = migrationlink.PhaseBlocked, migrationlink.PhaseVerifying
	undoing := verifyingStory()
	undoing.Phase, undoing.PhaseSince = migrationlink.PhaseUndoing, testStart.Add(7*time.Second)
	undoing.Atlas = &migrationlink.AtlasResult{SourceProjects: 2}
	for want, seen := range map[string]links.Observation{
		"\n  ✓ creating       1s\n  ✓ syncing        5s\n  ● verifying      2s":              verifyingStory(),
		"\n  ✓ creating       1s\n  ✓ syncing        5s\n  ! verifying      2s":              blocked,
		"\n  ✓ creating       1s\n  ✓ syncing\n  – verifying      7s\n  ● undoing        1s": undoing,
	} {
		var out bytes.Buffer
		newLiveView(liveEnv(100, noColour), &out, testRun).Show(seen)
		require.Contains(t, screen(out.String()), want)
	}
	late := withOutcome(migrationlink.OutcomeTimedOut, refusal)
	late.SyncedAt, late.Atlas = testStart.Add(4*time.Second), &migrationlink.AtlasResult{SourceProjects: 2}
	for want, result := range map[string]migrationlink.LinkResult{
		"\n  ✓ creating       1s\n  ✓ syncing        5s\n  ✓ verifying      3s\n  ✓ linked\n":    verifiedResult(),
		"\n  ✓ creating       1s\n  ✓ syncing        3s\n  ✗ verifying      5s\n  ✗ timed-out\n": late,
	} {
		var out bytes.Buffer
		newLiveView(liveEnv(100, noColour), &out, testRun).Ended(result)
		require.Contains(t, screen(out.String()), want)
	}
}

func TestLiveViewReplacesItsLastPicture(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	v := newLiveView(liveEnv(100, noColour), &out, testRun)
	v.Show(story()[0])
	before := out.Len()
	v.Tick()
	require.True(t, strings.HasPrefix(out.String()[before:], "\x1b[5A\r"), "back over the five lines")
}

func TestColourIsForTerminalsThatWantIt(t *testing.T) {
	t.Parallel()
	var plain, colourful bytes.Buffer
	newLiveView(liveEnv(100, noColour), &plain, testRun).Show(story()[0])
	newLiveView(liveEnv(100, map[string]string{"NO_COLOR": ""}), &colourful, testRun).Show(story()[0])
	require.NotContains(t, plain.String(), "m●")
	require.Contains(t, colourful.String(), "\x1b[36m  ● \x1b[0m")

	require.False(t, liveEnv(100, map[string]string{"TERM": "dumb"}).IsTerminal(&plain))
	require.True(t, liveEnv(100, nil).IsTerminal(&plain))
	require.False(t, liveEnv(0, nil).IsTerminal(&plain))
}

func TestLiveViewShowsWhatBlocksALinkAndTheCommandThatGoesOn(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	v := newLiveView(liveEnv(100, noColour), &out, testRun)
	blocked := story()[0]
	blocked.Phase, blocked.BlockedIn, blocked.Problem = migrationlink.PhaseBlocked, migrationlink.PhaseCreating, refusal
	v.Show(story()[0])
	v.Show(blocked)
	require.Equal(t, `Link of organization 5f1b2c3d4e5f6a7b8c9d0e1f, manager demo  8s
  ! creating       8s  until 12:10:00, in 9 min
  ○ syncing
  ○ linked
  ! BLOCKED while creating: manager "demo": POST answered 403. Add 10.0.0.1 to the access list.
    Then: starter retry --manager demo --org 5f1b2c3d4e5f6a7b8c9d0e1f
    More: starter explain AccessListRefused
  Ctrl-C stops watching; the link continues.
`, screen(out.String()))
	v.Show(story()[2])
	require.Contains(t, screen(out.String()), "  ✓ creating       5s\n  ● syncing        3s")
}

func TestLiveViewThatBeginsWithTheUndoSaysThatTheLinkWasMade(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	v := newLiveView(liveEnv(100, noColour), &out, testRun)
	undoing := story()[2]
	undoing.Phase, undoing.PhaseSince = migrationlink.PhaseUndoing, testStart.Add(7*time.Second)
	v.Show(undoing)
	require.Contains(t, screen(out.String()), "\n  ✓ creating\n  – syncing        7s\n  ● undoing        1s")
}

func TestLiveViewOfAnUnlinking(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	run := testRun
	run.Workflow = migrationlink.UnlinkWorkflow
	v := newLiveView(liveEnv(100, noColour), &out, run)
	removing := story()[0]
	removing.Run, removing.Phase = run, migrationlink.PhaseRemoving
	v.Show(removing)
	require.Equal(t, `Unlink of organization 5f1b2c3d4e5f6a7b8c9d0e1f, manager demo  8s
  ● removing       8s  until 12:10:00, in 9 min
  ○ unlinked
  Ctrl-C stops watching; the unlinking continues.
`, screen(out.String()))
	v.Ended(withOutcome(migrationlink.OutcomeUnlinked, nil))
	require.Contains(t, screen(out.String()), "  ✓ removing       9s\n  ✓ unlinked\n")
}

func TestLiveViewKeepsTheDeadlineOnANarrowTerminal(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	v := newLiveView(liveEnv(50, noColour), &out, testRun)
	v.Show(story()[2])
	require.Contains(t, screen(out.String()), "  NOT_SYNCED · 1 poll\n    until 13:00:05, in 59 min\n")
}

func TestLiveViewErasesLinesThatANarrowerTerminalHasWrapped(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	env := liveEnv(0, noColour)
	columns := 100
	env.TerminalWidth = func(io.Writer) int { return columns }
	v := newLiveView(env, &out, testRun)
	v.Show(story()[0])
	columns = 40
	before := out.Len()
	v.Tick()
	require.True(t, strings.HasPrefix(out.String()[before:], "\x1b[8A\r"), "the title, the deadline and the last line of five take two rows each")
}

func TestTwoWatchersSeeTheSameTimes(t *testing.T) {
	t.Parallel()
	at := func(seconds int) time.Time { return testStart.Add(time.Duration(seconds) * time.Second) }
	creating := story()[0]
	creating.PhaseSince = at(1)
	blocked := creating
	blocked.Phase, blocked.BlockedIn, blocked.PhaseSince, blocked.Problem = migrationlink.PhaseBlocked, migrationlink.PhaseCreating, at(3), refusal
	again := creating
	again.PhaseSince = at(5)
	syncing := story()[2]
	syncing.CreatedAt, syncing.PhaseSince = at(6), at(6)
	undoing := syncing
	undoing.Phase, undoing.PhaseSince = migrationlink.PhaseUndoing, at(7)
	steps := func(course ...links.Observation) string {
		var out bytes.Buffer
		v := newLiveView(liveEnv(100, noColour), &out, testRun)
		for _, seen := range course {
			v.Show(seen)
		}
		return screen(out.String())
	}
	course := []links.Observation{creating, blocked, again, syncing, undoing}
	for i := range course {
		require.Equal(t, steps(course[i]), steps(course[:i+1]...), "who comes late sees the same at %d", i)
	}
}

func TestASuccessfulCancelEndsInGreen(t *testing.T) {
	t.Parallel()
	result := withOutcome(migrationlink.OutcomeCancelled, nil)
	result.Removed = true
	v := timeline{cancels: true}
	ended := v.ended(result)
	require.Equal(t, step{name: "cancelled", mark: done}, ended[len(ended)-1])
	result.Outcome = migrationlink.OutcomeFailed
	ended = (&timeline{cancels: true}).ended(result)
	require.Equal(t, failed, ended[len(ended)-1].mark)
}
