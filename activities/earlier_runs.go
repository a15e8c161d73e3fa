package activities

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/internal/dataconv"
	"github.com/migrationlink/migrationlink/internal/seeded"
)

// earlierRuns is what the runs before a reset did. A reset makes the workflow forget
// everything after the reset point, but the manager does not forget.
type earlierRuns struct {
	made    bool // they made a link, and did not remove it
	inDoubt bool // a POST may have taken effect
	posting Posting
}

// maxResets bounds how many runs are read.
const maxResets = 20

// readEarlierRuns reads the histories of the runs from which an operator has reset the
// workflow. Nothing else says what they did.
func readEarlierRuns(ctx context.Context, in FindLinkInput, stored dataconv.Converters) (earlierRuns, error) {
	own := activity.GetInfo(ctx).WorkflowExecution
	if in.ResetFrom == "" || in.ResetFrom == own.RunID || seeded.On(seeded.ForgottenReset) {
		return earlierRuns{}, nil
	}
	reader := historyReader{Client: activity.GetClient(ctx), stored: stored, id: own.ID}
	found, err := reader.before(ctx, own.RunID, maxResets)
	_, gone := errors.AsType[*serviceerror.NotFound](err)
	switch {
	case gone, errors.Is(err, errManyResets):
		return earlierRuns{inDoubt: true}, nil // their histories are gone, or too many
	case err != nil:
		unread := passing(migrationlink.ErrWorkerUnavailable,
			"Check that the workers reach Temporal. The call is retried; to start without this knowledge, terminate the workflow and start the link again.", err)
		unread.Message = fmt.Sprintf("what the run before the reset did for organization %s cannot be read: %v", in.OrgID, err)
		return earlierRuns{}, unread.activityError(ctx, minDelay)
	}
	return found, nil
}

var errManyResets = fmt.Errorf("the workflow was reset more than %d times", maxResets)

type historyReader struct {
	client.Client
	stored dataconv.Converters
	id     string
}

// each calls do with every event of a run.
func (r historyReader) each(ctx context.Context, runID string, do func(*historypb.HistoryEvent)) error {
	events := r.GetWorkflowHistory(ctx, r.id, runID, false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for events.HasNext() {
		event, err := events.Next()
		if err != nil {
			return err
		}
		do(event)
	}
	return nil
}

// before returns what the runs did from which a run was reset, and those before them.
func (r historyReader) before(ctx context.Context, runID string, resets int) (found earlierRuns, err error) {
	if resets == 0 {
		return found, errManyResets
	}
	base := ""
	err = r.each(ctx, runID, func(event *historypb.HistoryEvent) {
		if resetTo(event, runID) {
			base = event.GetWorkflowTaskFailedEventAttributes().GetBaseRunId()
		}
	})
	if err != nil || base == "" {
		return found, err
	}
	if found, err = r.before(ctx, base, resets-1); err != nil {
		return found, err
	}
	err = found.addRun(ctx, r, base)
	return found, err
}

// resetTo reports whether an event is the reset with which a run began. The events before it are
// copies of those of the run that was reset.
func resetTo(event *historypb.HistoryEvent, runID string) bool {
	failed := event.GetWorkflowTaskFailedEventAttributes()
	return failed.GetCause() == enumspb.WORKFLOW_TASK_FAILED_CAUSE_RESET_WORKFLOW && failed.GetNewRunId() == runID
}

// addRun adds what a run did to what the older runs did.
func (e *earlierRuns) addRun(ctx context.Context, reader historyReader, runID string) error {
	older := *e
	open := map[int64]string{} // the types of activities that have not ended
	err := reader.each(ctx, runID, func(event *historypb.HistoryEvent) {
		if resetTo(event, runID) {
			*e = older // the events until now are copies of those of the older run
		}
		if scheduled := event.GetActivityTaskScheduledEventAttributes(); scheduled != nil {
			open[event.GetEventId()] = scheduled.GetActivityType().GetName()
		}
		completed, canceled := event.GetActivityTaskCompletedEventAttributes(), event.GetActivityTaskCanceledEventAttributes()
		failed, timedOut := event.GetActivityTaskFailedEventAttributes(), event.GetActivityTaskTimedOutEventAttributes()
		id := max(completed.GetScheduledEventId(), canceled.GetScheduledEventId(), failed.GetScheduledEventId(), timedOut.GetScheduledEventId())
		switch failure := cmp.Or(failed.GetFailure(), timedOut.GetFailure()); {
		case completed != nil:
			e.completed(open[id], completed.GetResult(), reader.stored.Data)
		case failure != nil:
			e.failed(open[id], reader.stored.Failures.FailureToError(failure))
		}
		delete(open, id)
	})
	for _, name := range open { // the reset cut it off
		if name == migrationlink.CreateLinkActivity {
			e.doubt(Posting{})
		}
	}
	return err
}

func (e *earlierRuns) doubt(posting Posting) {
	if !e.made {
		e.inDoubt, e.posting = true, posting
	}
}

// found records that there is a link of this request. After a lost reply it may be
// somebody else's, unless the manager had reported before that there was none.
func (e *earlierRuns) found() {
	if !e.inDoubt || e.posting.Before == migrationlink.LinkNone {
		*e = earlierRuns{made: true}
	}
}

func (e *earlierRuns) completed(activityType string, payloads *commonpb.Payloads, data converter.DataConverter) {
	switch activityType {
	case migrationlink.FindLinkActivity, migrationlink.CreateLinkActivity:
		var result struct{ Created, InDoubt bool } // of both
		switch err := data.FromPayloads(payloads, &result); {
		case err != nil, result.InDoubt: // a codec that was in use then, say
			e.doubt(Posting{})
		case result.Created:
			e.found()
		}
	case migrationlink.AwaitSyncedActivity:
		var result AwaitSyncedResult
		if data.FromPayloads(payloads, &result) == nil && e.inDoubt && result.LinkStatus != migrationlink.LinkNone {
			e.found() // by the wait after a lost reply
		}
	case migrationlink.DeleteLinkActivity:
		*e = earlierRuns{}
	}
}

func (e *earlierRuns) failed(activityType string, err error) {
	if activityType != migrationlink.FindLinkActivity && activityType != migrationlink.CreateLinkActivity {
		return
	}
	if posting, lost := LostPosting(err); lost {
		e.doubt(posting)
	}
}
