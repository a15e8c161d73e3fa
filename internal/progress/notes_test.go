package progress

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	workflowpb "go.temporal.io/api/workflow/v1"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/internal/dataconv"
	"github.com/migrationlink/migrationlink/internal/links"
	"github.com/migrationlink/migrationlink/internal/words"
)

func TestTheEndOfAMigrationNeedsNoRetry(t *testing.T) {
	t.Parallel()
	seen := links.Observation{Run: testRun, State: links.StateRunning, Status: migrationlink.Status{Phase: migrationlink.PhaseBlocked, BlockedIn: migrationlink.PhaseRemoving,
		Problem: &migrationlink.Problem{Type: migrationlink.ErrMigrationRunning, Message: "a migration runs", Remedy: "End it."}}}
	require.Equal(t, "BLOCKED while removing: a migration runs. End it. It also continues by itself when the migration has ended.", words.Blocked(seen.Status))
}

func TestADeadWorkerIsReportedInOneNote(t *testing.T) {
	t.Parallel()
	seen := links.Observation{Run: testRun, State: links.StateRunning}
	seen.AddActivity(polling(nil), dataconv.Default())
	late := testStart.Add(14*time.Second + 6*time.Second)
	require.True(t, seen.Overdue(late))
	require.Len(t, Notes(seen, late), 1)
	seen.NoWorker = "no worker is answering on task queue migration-link"
	notes := Notes(seen, late)
	require.Equal(t, []string{"no worker is answering on task queue migration-link. Start a worker, or check its log; the link continues as soon as one runs."}, notes)
}

func TestCallsThatNoWorkerPicksUpAreNoted(t *testing.T) {
	t.Parallel()
	pending := &workflowpb.PendingActivityInfo{
		ActivityType:  &commonpb.ActivityType{Name: migrationlink.CreateLinkActivity},
		State:         enumspb.PENDING_ACTIVITY_STATE_SCHEDULED,
		Attempt:       1,
		ScheduledTime: timestamppb.New(testStart),
	}
	seen := links.Observation{Run: testRun, State: links.StateRunning}
	seen.AddActivity(pending, dataconv.Default())
	require.Empty(t, Notes(seen, testStart.Add(time.Second)))
	require.Equal(t, []string{"a call to manager demo is overdue, because no worker has taken it. Check that a worker polls task queue migration-link.demo. With many links, requests_per_second may delay calls."},
		Notes(seen, testStart.Add(6*time.Second)))
}
