package links

import (
	"context"
	"errors"
	"fmt"

	"github.com/migrationlink/migrationlink/internal/temporalconn"
	"github.com/migrationlink/migrationlink/internal/temporalerr"
	"github.com/migrationlink/migrationlink/internal/words"
)

// NotFound means that Temporal knows no workflow of the organization.
type NotFound struct {
	Job                words.Job
	Namespace, Address string
}

func (e *NotFound) Error() string {
	return fmt.Sprintf("organization %s of manager %s has no workflow in namespace %q of Temporal at %s", e.Job.OrgID, e.Job.Manager, e.Namespace, e.Address)
}

// NotFound returns the error for a job without a workflow.
func (c *Client) NotFound(job words.Job) error {
	return &NotFound{job, c.Options.Namespace, c.Options.HostPort}
}

// NotRunning means that the latest workflow of the organization has ended.
type NotRunning struct {
	Run   Run
	State string
}

func (e *NotRunning) Error() string { return "workflow " + e.Run.WorkflowID() + " is " + e.State }

// SignalsFull means that Temporal accepts no more signals for the run.
type SignalsFull struct{ Run Run }

func (e *SignalsFull) Error() string {
	return "workflow " + e.Run.WorkflowID() + " can have no more signals"
}

// NoWorker means that no worker has answered an update in time; one may do so later.
type NoWorker struct {
	Run     Run
	Limited bool // Temporal has limited calls, so there may be a worker
}

func (e *NoWorker) Error() string { return "no worker has answered" }

// NoUpdates means that Temporal does not offer updates, and nothing was sent.
type NoUpdates struct{ Address, Reason string }

func (e *NoUpdates) Error() string {
	return fmt.Sprintf("Temporal at %s does not offer updates (%s)", e.Address, e.Reason)
}

// Unknown means that a request was sent and it is not known whether it took effect.
type Unknown struct {
	Run         Run
	Reason      string // a clause
	Interrupted bool   // the context has ended; then there is no reason
	Accepted    bool   // the run received it; only the answer is missing
}

func (e *Unknown) Error() string { return "the request was sent, and " + e.Reason }

// Interrupted is for a call whose context has ended.
type Interrupted struct{ Cause error } // of the context

func (e *Interrupted) Error() string { return "interrupted before Temporal answered" }

// Explain turns an error of a call to Temporal into one for the operator, and leaves those of
// this package as they are.
func (c *Client) Explain(ctx context.Context, err error) error {
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return &Interrupted{context.Cause(ctx)}
	}
	if known, ok := errors.AsType[*temporalconn.Error](c.Options.Explain(err)); ok {
		return known
	}
	return fmt.Errorf("Temporal at %s: %w", c.Options.HostPort, err) //nolint:staticcheck // a name
}

// Silence is a clause that explains why Temporal does not answer.
func (c *Client) Silence(err error) string {
	what := "does not answer"
	switch {
	case temporalerr.Limited(err):
		what = "limits the rate of requests"
	case c.Options.WasLimited(): // the deadline has cut off the last attempt
		what = "does not answer in time, and limits the rate of requests"
	}
	return fmt.Sprintf("Temporal at %s %s (%s)", c.Options.HostPort, what, Reason(err))
}

// Reason is the meaningful part of an error of Temporal.
func Reason(err error) string { return words.OneLine(temporalconn.Reason(err)) }
