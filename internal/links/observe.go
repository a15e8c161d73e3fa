package links

import (
	"cmp"
	"context"
	"errors"
	"time"

	"go.temporal.io/api/serviceerror"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/internal/temporalconn"
	"github.com/migrationlink/migrationlink/internal/temporalerr"
	"github.com/migrationlink/migrationlink/internal/words"
)

const (
	// queryTimeout is above what a living worker needs; without one Temporal
	// lets the caller wait.
	queryTimeout = 3 * time.Second
	// queryInterval is the time after which a worker is asked although nothing has happened in
	// the workflow, to notice that the worker is gone.
	queryInterval = 15 * time.Second
)

// Observer reports repeatedly what one run is doing.
type Observer struct {
	client *Client
	run    Run

	// The workflow's own status changes only with its history. Asking costs a
	// worker's time, so it is not asked when nothing was added.
	answer
	events  int64
	askedAt time.Time
	polls   int // the most seen so far, as some sources are older than others

	// The history is read only when something was added.
	token       migrationlink.TokenSource
	tokenEvents int64
}

// answer is the status that the workflow reports, or why it could not be asked.
type answer struct {
	status   *migrationlink.Status
	noWorker string
	limited  string // why Temporal did not let the question through
	unread   string // why the answer cannot be decoded, and what to do
}

// Observe returns an observer of a run.
func (c *Client) Observe(run Run) *Observer { return &Observer{client: c, run: run} }

// Look returns what the run is doing now.
func (o *Observer) Look(ctx context.Context) (Observation, error) {
	asking, stop := context.WithCancel(ctx)
	defer stop()
	run := o.run
	query := func() answer { return o.query(asking, run) }
	if o.askedAt.IsZero() {
		query = prefetch(query) // the first look waits for both answers
	}
	described, err := o.client.describe(ctx, o.run)
	if err != nil {
		return Observation{}, err
	}
	seen := fromDescription(o.run, described, o.client.Stored)
	o.run = seen.Run
	if !seen.Running() {
		call, cancel := context.WithTimeout(ctx, o.client.CallTimeout)
		defer cancel()
		result, err := o.client.Result(call, o.run)
		if err != nil {
			return Observation{}, err
		}
		return seen.ended(result), nil
	}
	events := described.GetWorkflowExecutionInfo().GetHistoryLength()
	o.ask(query, events, seen.Overdue(o.client.Now()))
	seen = seen.WithStatus(o.status)
	seen.NoWorker, seen.Limited, seen.Unread = o.noWorker, o.limited, cmp.Or(o.unread, seen.Unread)
	o.polls = max(o.polls, seen.Polls)
	seen.Polls = o.polls
	if seen.BlockedByToken() {
		seen.Token = o.tokenSource(ctx, events)
	}
	return seen, nil
}

// prefetch calls ask at once; the returned function waits for its answer.
func prefetch(ask func() answer) func() answer {
	answers := make(chan answer, 1)
	go func() { answers <- ask() }()
	return func() answer { return <-answers }
}

func (o *Observer) ask(query func() answer, events int64, overdue bool) {
	fresh := queryInterval
	if overdue {
		fresh = queueTimeout
	}
	if o.noWorker == "" && o.status != nil && o.events == events && o.client.Now().Sub(o.askedAt) < fresh {
		return
	}
	latest := query()
	if latest.status == nil && events == o.events {
		latest.status = o.status // nothing has happened since
	}
	o.answer, o.events, o.askedAt = latest, events, o.client.Now()
}

func (o *Observer) query(ctx context.Context, run Run) answer {
	ctx, cancel := context.WithTimeout(ctx, queryTimeout)
	defer cancel()
	value, err := o.client.QueryWorkflow(ctx, run.WorkflowID(), run.RunID, migrationlink.StatusQuery)
	var status migrationlink.Status
	if err == nil {
		err = value.Get(&status)
	}
	failed, queryFailed := errors.AsType[*serviceerror.QueryFailed](err)
	unread, codecFailed := errors.AsType[*temporalconn.Error](err)
	switch {
	case err == nil:
		return answer{status: &status}
	case queryFailed:
		return answer{noWorker: "the worker cannot report the status: " + failed.Error()}
	case temporalerr.Limited(err):
		return answer{limited: o.client.Silence(err)}
	case codecFailed:
		return answer{unread: words.Sentences("the status of the workflow itself cannot be read: "+unread.Message, unread.Remedy)}
	}
	return answer{noWorker: "no worker is answering on task queue " + migrationlink.TaskQueue}
}

// tokenSource is where the link-token is from; empty if that cannot be read.
func (o *Observer) tokenSource(ctx context.Context, events int64) migrationlink.TokenSource {
	if o.token == (migrationlink.TokenSource{}) || o.tokenEvents != events {
		if link, err := o.client.Request(ctx, o.run); err == nil {
			o.token, o.tokenEvents = link.Token, events
		}
	}
	return o.token
}

// WithStatus adds the status that the workflow reports. It is authoritative for phase and deadline,
// the pending activity for the last poll.
func (o Observation) WithStatus(status *migrationlink.Status) Observation {
	if status == nil {
		return o
	}
	pending, undoing := o.Status, o.IsEnding()
	o.Status = *status
	o.StartedAt, o.Result = pending.StartedAt, pending.Result
	if pending.Phase == status.Phase || o.Blocked() {
		o.Polls += pending.Polls
	} else {
		o.Polls = max(o.Polls, pending.Polls) // it has ended since, and is counted already
	}
	o.Atlas = withProjects(status.Atlas, pending.Atlas)
	o.LinkStatus = cmp.Or(pending.LinkStatus, status.LinkStatus)
	switch {
	case o.IsEnding() && !undoing: // the activity was cancelled meanwhile: what it was to do next is over
		o.NextTry, o.Attempt, o.Paused, o.queued = time.Time{}, 0, false, time.Time{}
	case pending.Problem != nil && !o.Blocked():
		o.Problem = pending.Problem
	}
	return o
}

// withProjects adds what was last seen in Atlas to what the workflow reports.
func withProjects(told, seen *migrationlink.AtlasResult) *migrationlink.AtlasResult {
	if told == nil || seen == nil {
		return cmp.Or(told, seen)
	}
	all := *told
	all.SourceProjects, all.AvailableProjects = seen.SourceProjects, seen.AvailableProjects
	return &all
}

// ended adds the result of a closed run, and the times that the workflow could not give.
func (o Observation) ended(result migrationlink.LinkResult) Observation {
	if result.StartedAt.IsZero() {
		result.StartedAt = o.StartedAt
	}
	if result.EndedAt.IsZero() {
		result.EndedAt = o.endedAt
	}
	o.Phase, o.PhaseSince = migrationlink.PhaseEnded, result.EndedAt
	o.LinkStatus, o.Created, o.CancelReason = result.LinkStatus, result.Created, result.CancelReason
	o.Problem, o.Polls, o.Atlas, o.Result = result.Problem, result.Polls, result.Atlas, &result
	o.Target, o.TargetReason, o.TargetProblem = result.Target, result.TargetReason, result.TargetProblem
	if result.Outcome == migrationlink.OutcomeTimedOut {
		o.State = StateTimedOut // as lists say it
	}
	return o
}
