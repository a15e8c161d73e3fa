package links

import (
	"context"
	"regexp"
	"sync"
	"time"

	"github.com/migrationlink/migrationlink"
)

// errorType is the form of an error type. A memo may hold anything.
var errorType = regexp.MustCompile(`^[A-Za-z]{1,50}$`)

// addMemo adds what only the memo tells.
func (l *Listed) addMemo(memo map[string]string) {
	noted := memo[migrationlink.PhaseMemo]
	switch {
	case l.State == StateRunning && noted == string(migrationlink.PhaseBlocked):
		l.State, l.Phase = StateBlocked, migrationlink.PhaseBlocked
	case l.State == StateFailed && noted == string(migrationlink.OutcomeTimedOut):
		l.State = StateTimedOut
	case l.State == StateFailed && noted == string(migrationlink.OutcomeCancelled):
		l.State = StateCancelled // to the caller of a Nexus operation it has failed
	}
	l.Outcome = l.outcome(noted)
	if l.State == StateTerminated {
		l.Problem = migrationlink.ErrTerminated
	}
	problem := memo[migrationlink.ProblemMemo]
	switch {
	case !errorType.MatchString(problem):
	case l.hasProblem():
		l.Problem = problem
	case l.State == StateRunning && noted == string(migrationlink.PhaseUndoing):
		l.blockedBy = problem
	}
	if l.Problem == "" {
		return
	}
	l.ProblemSince = l.EndedAt
	if l.State == StateBlocked {
		l.ProblemSince, _ = time.Parse(time.RFC3339, memo[migrationlink.ProblemSinceMemo])
	}
}

func (l *Listed) hasProblem() bool {
	return l.State == StateBlocked || l.State == StateFailed || l.State == StateTimedOut
}

// outcome is how a run ended. The memo tells only what Temporal's own status does not.
func (l *Listed) outcome(noted string) migrationlink.Outcome {
	switch l.State {
	case StateRunning, StateBlocked:
		return ""
	case StateCompleted, StateFailed:
		if l.Unread != nil {
			return ""
		}
	}
	switch l.State {
	case StateTimedOut:
		return migrationlink.OutcomeTimedOut
	case StateCancelled:
		return migrationlink.OutcomeCancelled
	case StateCompleted:
	default:
		return migrationlink.OutcomeFailed
	}
	switch {
	case l.Run.Unlinks() && noted == string(migrationlink.OutcomeNotLinked):
		return migrationlink.OutcomeNotLinked
	case l.Run.Unlinks():
		return migrationlink.OutcomeUnlinked
	case noted == string(migrationlink.OutcomeAlreadyLinked):
		return migrationlink.OutcomeAlreadyLinked
	}
	return migrationlink.OutcomeLinked
}

const (
	// MaxPhases bounds the calls of one list: the workers share the rate limit of the
	// namespace.
	MaxPhases = 100
	// phasesAtOnce is how many of them are made at a time.
	phasesAtOnce = 10
)

// AddPhases looks up the phase of the first running ones, and returns how many others keep none:
// no memo tells it, as that would cost each link an event for each phase.
func (c *Client) AddPhases(ctx context.Context, found []Listed) (others int) {
	var looking sync.WaitGroup
	free := make(chan struct{}, phasesAtOnce)
	looked := 0
	for i := range found {
		if found[i].State != StateRunning || found[i].Unread != nil {
			continue
		}
		if looked == MaxPhases {
			others++
			continue
		}
		looked++
		free <- struct{}{}
		looking.Go(func() {
			defer func() { <-free }()
			if described, err := c.describe(ctx, found[i].Run); err == nil {
				found[i].Phase = fromDescription(found[i].Run, described, c.Stored).Phase
			}
		})
	}
	looking.Wait()
	return others
}
