package cli

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/migrationlink/migrationlink"
)

// story is what a link looks like over time: created, its reply lost, found,
// polled, the manager away for a while, SYNCED.
func story() []observation {
	at := func(seconds int) time.Time { return testStart.Add(time.Duration(seconds) * time.Second) }
	base := observation{run: testRun, state: stateRunning, startedAt: testStart}
	creating := base
	creating.phase, creating.phaseSince, creating.deadline = migrationlink.PhaseCreating, testStart, at(600)
	settling := creating
	settling.phase, settling.phaseSince, settling.deadline = migrationlink.PhaseSettling, at(2), at(62)
	settling.problem = &migrationlink.Problem{Type: migrationlink.ErrReplyLost, Message: "the reply was lost", Remedy: "Nothing to do."}
	polled := base
	polled.phase, polled.phaseSince, polled.deadline = migrationlink.PhaseSyncing, at(5), at(3605)
	polled.created, polled.polls, polled.linkStatus, polled.nextTry = true, 1, migrationlink.LinkNotSynced, at(8)
	away := polled
	away.polls, away.nextTry = 2, at(11)
	away.problem = &migrationlink.Problem{Type: migrationlink.ErrManagerUnavailable, Message: "manager \"demo\" answered 503", Remedy: "It is asked again."}
	back := polled
	back.polls, back.nextTry = 3, time.Time{}
	return []observation{creating, settling, polled, polled, away, back}
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
	v := newPlainView(Environment{Now: now, Location: time.UTC}, &out)
	for _, seen := range story() {
		v.show(seen)
		v.tick()
		step()
	}
	v.lost("Temporal cannot be reached")
	v.lost("Temporal cannot be reached")
	require.Equal(t, `12:00:00 creating, until 12:10:00
12:00:02 settling, until 12:01:02
12:00:02 note: the reply was lost. Nothing to do.
12:00:04 syncing, NOT_SYNCED, 1 poll, next at 12:00:08, until 13:00:05
12:00:08 syncing, NOT_SYNCED, 2 polls, next at 12:00:11, until 13:00:05
12:00:08 note: manager "demo" answered 503. It is asked again.
12:00:10 syncing, NOT_SYNCED, 3 polls, until 13:00:05
12:00:12 note: Temporal cannot be reached
`, out.String())
}

// screen returns the last picture that a live view drew.
func screen(written string) string {
	pictures := strings.Split(written, "\r")
	return strings.NewReplacer("\x1b[K", "", "\x1b[J", "").Replace(pictures[len(pictures)-1])
}

func liveEnv(width int, variables map[string]string) Environment {
	return Environment{
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
	v.tick()
	require.Empty(t, out.String(), "nothing is known yet")
	v.show(seen[0])
	require.Equal(t, `Link of organization 5f1b2c3d4e5f6a7b8c9d0e1f, manager demo  8s
  ● creating       8s  until 12:10:00
  ○ syncing
  ○ linked
  Ctrl-C stops watching, the link goes on.
`, screen(out.String()))
	v.show(seen[1])
	v.show(seen[4])
	require.Equal(t, `Link of organization 5f1b2c3d4e5f6a7b8c9d0e1f, manager demo  8s
  ✓ creating       2s
  ✓ settling       3s
  ● syncing        3s  NOT_SYNCED · 2 polls · next in 3s · until 13:00:05
  ○ linked
  ! manager "demo" answered 503. It is asked again.
  Ctrl-C stops watching, the link goes on.
`, screen(out.String()))
	v.ended(linked())
	require.Equal(t, `Link of organization 5f1b2c3d4e5f6a7b8c9d0e1f, manager demo
  ✓ creating       2s
  ✓ settling       3s
  ✓ syncing        4s
  ✓ linked
`, screen(out.String()))
}

func TestLiveViewOfWhatWasTooQuickToSeeComesFromTheResult(t *testing.T) {
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
		"cancelled": {cancelled, "  ✓ creating       1s\n  ✗ syncing        8s\n  ✓ undoing        0s\n  ✗ cancelled\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			newLiveView(liveEnv(100, noColour), &out, testRun).ended(test.result)
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
			v.show(seen)
		}
		picture := screen(out.String())
		for drawn := range strings.Lines(picture) {
			require.LessOrEqual(t, utf8.RuneCountInString(strings.TrimSuffix(drawn, "\n")), width-1)
		}
		require.Contains(t, strings.Join(strings.Fields(picture), " "), "It is asked again.", "a remedy is never cut off")
	}
}

// verifyingStory is a link that is SYNCED, and Atlas shows its projects later.
func verifyingStory() observation {
	at := func(seconds int) time.Time { return testStart.Add(time.Duration(seconds) * time.Second) }
	seen := story()[2]
	seen.createdAt = at(1)
	seen.phase, seen.phaseSince, seen.deadline = migrationlink.PhaseVerifying, at(6), at(3606)
	seen.linkStatus, seen.polls, seen.nextTry = migrationlink.LinkSynced, 4, at(11)
	seen.atlas, seen.atlasPolls = &migrationlink.AtlasResult{TokenCreated: true}, 1
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
	v.show(story()[2])
	v.show(verifyingStory())
	require.Equal(t, `Link of organization 5f1b2c3d4e5f6a7b8c9d0e1f, manager demo  8s
  ✓ creating       5s
  ✓ syncing        1s
  ● verifying      2s  SYNCED · waiting until Atlas shows the projects · asked 1 time · next in 3s
    until 13:00:06
  ○ linked
  Ctrl-C stops watching, the link goes on.
`, screen(out.String()))
	v.ended(verifiedResult())
	require.Equal(t, `Link of organization 5f1b2c3d4e5f6a7b8c9d0e1f, manager demo
  ✓ creating       5s
  ✓ syncing        1s
  ✓ verifying      3s
  ✓ linked
`, screen(out.String()))

	out.Reset()
	plain := newPlainView(liveEnv(0, nil), &out)
	plain.show(verifyingStory())
	plain.show(verifyingStory())
	require.Equal(t, "12:00:08 verifying, SYNCED, waiting until Atlas shows the projects, asked 1 time, next at 12:00:11, until 13:00:06\n", out.String())
}

func TestLiveViewThatComesLateShowsTheTrueCourseUpToAtlas(t *testing.T) {
	t.Parallel()
	blocked := verifyingStory()
	blocked.phase, blocked.blockedIn = migrationlink.PhaseBlocked, migrationlink.PhaseVerifying
	undoing := verifyingStory()
	undoing.phase, undoing.phaseSince = migrationlink.PhaseUndoing, testStart.Add(7*time.Second)
	undoing.atlas = &migrationlink.AtlasResult{SourceProjects: 2}
	for want, seen := range map[string]observation{
		"\n  ✓ creating       1s\n  ✓ syncing        5s\n  ● verifying      2s":     verifyingStory(),
		"\n  ✓ creating       1s\n  ✓ syncing        5s\n  ! verifying      2s":     blocked,
		"\n  ✓ creating\n  ✓ syncing\n  ✗ verifying      7s\n  ● undoing        1s": undoing,
	} {
		var out bytes.Buffer
		newLiveView(liveEnv(100, noColour), &out, testRun).show(seen)
		require.Contains(t, screen(out.String()), want)
	}
	late := withOutcome(migrationlink.OutcomeTimedOut, refusal)
	late.SyncedAt, late.Atlas = testStart.Add(4*time.Second), &migrationlink.AtlasResult{SourceProjects: 2}
	for want, result := range map[string]migrationlink.LinkResult{
		"\n  ✓ creating       1s\n  ✓ syncing        5s\n  ✓ verifying      3s\n  ✓ linked\n":    verifiedResult(),
		"\n  ✓ creating       1s\n  ✓ syncing        3s\n  ✗ verifying      5s\n  ✗ timed-out\n": late,
	} {
		var out bytes.Buffer
		newLiveView(liveEnv(100, noColour), &out, testRun).ended(result)
		require.Contains(t, screen(out.String()), want)
	}
}

func TestLiveViewReplacesItsLastPicture(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	v := newLiveView(liveEnv(100, noColour), &out, testRun)
	v.show(story()[0])
	before := out.Len()
	v.tick()
	require.True(t, strings.HasPrefix(out.String()[before:], "\x1b[5A\r"), "back over the five lines")
}

func TestColourIsForTerminalsThatWantIt(t *testing.T) {
	t.Parallel()
	var plain, colourful bytes.Buffer
	newLiveView(liveEnv(100, noColour), &plain, testRun).show(story()[0])
	newLiveView(liveEnv(100, map[string]string{"NO_COLOR": ""}), &colourful, testRun).show(story()[0])
	require.NotContains(t, plain.String(), "m●")
	require.Contains(t, colourful.String(), "\x1b[36m  ● \x1b[0m")

	require.False(t, liveEnv(100, map[string]string{"TERM": "dumb"}).isTerminal(&plain))
	require.True(t, liveEnv(100, nil).isTerminal(&plain))
	require.False(t, liveEnv(0, nil).isTerminal(&plain))
}

func TestLiveViewShowsWhatBlocksALinkAndTheCommandThatGoesOn(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	v := newLiveView(liveEnv(100, noColour), &out, testRun)
	blocked := story()[0]
	blocked.phase, blocked.blockedIn, blocked.problem = migrationlink.PhaseBlocked, migrationlink.PhaseCreating, refusal
	v.show(story()[0])
	v.show(blocked)
	require.Equal(t, `Link of organization 5f1b2c3d4e5f6a7b8c9d0e1f, manager demo  8s
  ! creating       8s  until 12:10:00
  ○ syncing
  ○ linked
  ! BLOCKED while creating: manager "demo": POST answered 403. Add 10.0.0.1 to the access list.
    Then: starter retry --manager demo --org 5f1b2c3d4e5f6a7b8c9d0e1f
  Ctrl-C stops watching, the link goes on.
`, screen(out.String()))
	v.show(story()[2])
	require.Contains(t, screen(out.String()), "  ✓ creating       5s\n  ● syncing        3s")
}

func TestLiveViewThatBeginsWithTheUndoSaysThatTheLinkWasMade(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	v := newLiveView(liveEnv(100, noColour), &out, testRun)
	undoing := story()[2]
	undoing.phase, undoing.phaseSince = migrationlink.PhaseUndoing, testStart.Add(7*time.Second)
	v.show(undoing)
	require.Contains(t, screen(out.String()), "\n  ✓ creating\n  ✗ syncing        7s\n  ● undoing        1s")
}

func TestLiveViewOfAnUnlinking(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	run := testRun
	run.workflow = migrationlink.UnlinkWorkflow
	v := newLiveView(liveEnv(100, noColour), &out, run)
	removing := story()[0]
	removing.run, removing.phase = run, migrationlink.PhaseRemoving
	v.show(removing)
	require.Equal(t, `Unlink of organization 5f1b2c3d4e5f6a7b8c9d0e1f, manager demo  8s
  ● removing       8s  until 12:10:00
  ○ unlinked
  Ctrl-C stops watching, the unlinking goes on.
`, screen(out.String()))
	v.ended(withOutcome(migrationlink.OutcomeUnlinked, nil))
	require.Contains(t, screen(out.String()), "  ✓ removing       9s\n  ✓ unlinked\n")
}

func TestLiveViewKeepsTheDeadlineOnANarrowTerminal(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	v := newLiveView(liveEnv(50, noColour), &out, testRun)
	v.show(story()[2])
	require.Contains(t, screen(out.String()), "  NOT_SYNCED · 1 poll\n    until 13:00:05\n")
}

func TestLiveViewErasesWhatANarrowerTerminalHasWrapped(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	env := liveEnv(0, noColour)
	columns := 100
	env.TerminalWidth = func(io.Writer) int { return columns }
	v := newLiveView(env, &out, testRun)
	v.show(story()[0])
	columns = 40
	before := out.Len()
	v.tick()
	require.True(t, strings.HasPrefix(out.String()[before:], "\x1b[7A\r"), "the title and the last line of five take two rows each")
}

func TestLengthsReadLikeClocks(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{
		-time.Second:                    "0s",
		9400 * time.Millisecond:         "9s",
		65 * time.Second:                "1m05s",
		2 * time.Hour:                   "2h00m",
		50*time.Hour + 59*time.Second:   "2d02h",
		59*time.Minute + 59*time.Second: "59m59s",
	} {
		require.Equal(t, want, length(d))
	}
}
