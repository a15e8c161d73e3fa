package progress

import (
	"time"

	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/sdk/temporal"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/internal/links"
	"github.com/migrationlink/migrationlink/internal/words"
)

const testOrg = "5f1b2c3d4e5f6a7b8c9d0e1f"

const testRunID = "0198c0de-0000-7000-8000-000000000001"

var testStart = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

var testRun = links.Run{Job: words.Job{Manager: "demo", OrgID: testOrg, Workflow: migrationlink.LinkWorkflow}, RunID: testRunID}

func linked() migrationlink.LinkResult {
	return migrationlink.LinkResult{
		Manager: "demo", OrgID: testOrg, Outcome: migrationlink.OutcomeLinked, LinkStatus: migrationlink.LinkSynced,
		Created: true, Polls: 4,
		StartedAt: testStart, CreatedAt: testStart.Add(time.Second),
		SyncedAt: testStart.Add(9 * time.Second), EndedAt: testStart.Add(9 * time.Second),
	}
}

func withOutcome(outcome migrationlink.Outcome, problem *migrationlink.Problem) migrationlink.LinkResult {
	result := linked()
	result.Outcome, result.Problem, result.LinkStatus, result.SyncedAt = outcome, problem, migrationlink.LinkNotSynced, time.Time{}
	return result
}

var refusal = &migrationlink.Problem{
	Type: migrationlink.ErrAccessListRefused, Message: `manager "demo": POST answered 403`, Remedy: "Add 10.0.0.1 to the access list.",
	HTTPStatus: 403, Code: "IP_ADDRESS_NOT_ON_ACCESS_LIST",
}

// polling is the pending activity of a link that waits to be SYNCED, whose last
// poll met the problem, or NOT_SYNCED.
func polling(problem *migrationlink.Problem) *workflowpb.PendingActivityInfo {
	progress := migrationlink.Progress{Polls: 4, LinkStatus: migrationlink.LinkNotSynced, SeenAt: testStart.Add(11 * time.Second)}
	if problem == nil {
		problem = &migrationlink.Problem{Type: migrationlink.ErrNotSynced, Message: "not yet"}
	}
	last := temporal.NewApplicationError(problem.Message, problem.Type, *problem, progress)
	return &workflowpb.PendingActivityInfo{
		ActivityType:            &commonpb.ActivityType{Name: migrationlink.AwaitSyncedActivity},
		State:                   enumspb.PENDING_ACTIVITY_STATE_SCHEDULED,
		Attempt:                 5,
		ScheduledTime:           timestamppb.New(testStart.Add(14 * time.Second)),
		NextAttemptScheduleTime: timestamppb.New(testStart.Add(14 * time.Second)),
		ExpirationTime:          timestamppb.New(testStart.Add(time.Hour)),
		LastFailure:             temporal.GetDefaultFailureConverter().ErrorToFailure(last),
	}
}
