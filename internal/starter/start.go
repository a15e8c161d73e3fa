package starter

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"go.temporal.io/sdk/temporal"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/internal/console"
	"github.com/migrationlink/migrationlink/internal/links"
	"github.com/migrationlink/migrationlink/internal/progress"
	"github.com/migrationlink/migrationlink/internal/temporalconn"
	"github.com/migrationlink/migrationlink/internal/temporalerr"
	"github.com/migrationlink/migrationlink/internal/words"
)

// started is a workflow that does what was asked for.
type started struct {
	*migrationlink.Run
	run links.Run
}

// waiting is how long a command that starts a workflow waits for it, and for what before it.
type waiting struct {
	requireReady bool          // an assessment must find that the link is of use
	detach       bool          // only until the manager has accepted it
	limit        time.Duration // 0 means no limit
}

// start starts or joins a workflow, reports that, and watches it for as long as the user asks.
func (a *app) start(ctx context.Context, request migrationlink.StartRequest, wait waiting) error {
	c, err := a.connect(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	ctx, stop := console.WithLimit(ctx, wait.limit)
	defer stop()
	job := words.JobOf(request)
	if wait.requireReady {
		if err := a.requireReady(ctx, c, job); err != nil {
			return err
		}
	}
	var run *migrationlink.Run
	a.WithWaitHint("a worker", func() { run, err = c.Starter(a.Env.User()).Start(ctx, request) })
	if len(c.Kept()) > 0 {
		return a.dryStart(ctx, c, request)
	}
	if err != nil {
		return startFailure(ctx, c, job, err)
	}
	begun := started{run, links.RunOf(job, run)}
	a.Note("%s", begun.text())
	if request.Link == nil || wait.requireReady {
		return a.follow(ctx, c, begun, wait)
	}
	inPlace := a.Env.IsTerminal(a.Env.Stderr)
	advice := a.advise(ctx, c, job, inPlace)
	if inPlace {
		advice.head(ctx)
	}
	err = a.follow(ctx, c, begun, wait)
	advice.end(ctx, err)
	return err
}

// follow watches what was started.
func (a *app) follow(ctx context.Context, c *links.Client, begun started, wait waiting) error {
	if wait.detach {
		return a.untilAccepted(ctx, c, begun)
	}
	result, err := progress.Watch(ctx, c, begun.run, a.view(begun.run, progress.Options{}), true)
	if err != nil {
		return errors.Join(err, a.printReceipt(begun.run, &begun.Joined))
	}
	return a.conclude(begun.run, &begun.Joined, result)
}

func (a *app) view(run links.Run, options progress.Options) progress.View {
	options.Verbose = a.verbose
	return progress.New(&a.Console, run, options)
}

func (s started) text() string {
	name := fmt.Sprintf("workflow %s, run %s", s.WorkflowID, s.RunID)
	if !s.Joined {
		return "Started " + name
	}
	by := ""
	if s.run.StartedBy != "" {
		by = ", started by " + s.run.StartedBy
	}
	return fmt.Sprintf("Joined the running %s: %s%s", s.run.Noun(), name, by)
}

// startFailure describes what became of a start that failed.
func startFailure(ctx context.Context, c *links.Client, job words.Job, err error) error {
	if different, ok := errors.AsType[*migrationlink.DifferentRequestError](err); ok {
		return differentRequest(links.RunOf(job, different.Run), different.Fields)
	}
	if ending, ok := errors.AsType[*migrationlink.EndingError](err); ok {
		return endingFailure(links.RunOf(job, ending.Run))
	}
	if unknown, ok := errors.AsType[*migrationlink.UnknownError](err); ok {
		return unknownStart(c, job, unknown)
	}
	if interrupted, ok := errors.AsType[*migrationlink.InterruptedError](err); ok {
		return interruptedStart(ctx, job, interrupted)
	}
	if _, ok := errors.AsType[*migrationlink.NotStartedError](err); ok {
		return console.Fail(console.ExitOther, "Try again.", "%v", err)
	}
	if unread, ok := errors.AsType[*migrationlink.UnreadableError](err); ok {
		if codec, ok := errors.AsType[*temporalconn.Error](err); ok {
			return codec
		}
		return console.Fail(console.ExitOther, job.WatchOrCancel(), "workflow %s is running, but its history cannot be read to see whether it does the same", unread.Run.WorkflowID)
	}
	if invalid := refusedFields(err, migrationlink.ErrInvalidRequest); invalid != nil {
		return console.Failure{Code: console.ExitUsage, Message: "the worker refuses the request", Remedy: "Correct the flags. If the workers are older than this program, update them.", Problems: flagProblems(invalid)}
	}
	if refused, ok := errors.AsType[*temporal.ApplicationError](err); ok {
		return refusedBy(refused, job, console.ExitOther)
	}
	return c.Explain(ctx, err)
}

// endingFailure is for a start that a running request refuses, because it is being cancelled or undone.
func endingFailure(run links.Run) error {
	return console.Fail(console.ExitDifferent, fmt.Sprintf("Start again when it has ended: watch it with 'starter status --watch --manager %s --org %s'.", run.Manager, run.OrgID),
		"the running request for organization %s of manager %s is ending (workflow %s, run %s)", run.OrgID, run.Manager, run.WorkflowID(), run.RunID)
}

// unknownStart is for a start that was sent and that Temporal does not report on.
func unknownStart(c *links.Client, job words.Job, unknown *migrationlink.UnknownError) error {
	const repeating = "Repeating the command is safe: an equal request joins "
	switch {
	case unknown.Run.RunID != "":
		return console.Fail(console.ExitUnknown, job.Watch()+" "+repeating+"it.",
			"workflow %s, run %s is running, but it is not known what becomes of it: %s", unknown.Run.WorkflowID, unknown.Run.RunID, c.Silence(unknown.Err))
	case temporalerr.Ended(unknown.Err):
		return console.Fail(console.ExitUnknown, job.See()+" "+repeating+"the running one and does not start a second.",
			"it is not known whether the %s of organization %s was started: the request was sent, and Temporal does not show it yet", job.Noun(), job.OrgID)
	}
	return console.Fail(console.ExitUnknown, job.See()+" "+repeating+"the running one and does not start a second.",
		"it is not known whether the %s of organization %s was started: the request was sent, and %s", job.Noun(), job.OrgID, c.Silence(unknown.Err))
}

// interruptedStart describes what an interrupted start leaves behind.
func interruptedStart(ctx context.Context, job words.Job, interrupted *migrationlink.InterruptedError) error {
	run := interrupted.Run
	code, interruption := console.Interruption(ctx)
	switch {
	case interrupted.Unknown:
		return console.Fail(console.ExitUnknown, job.See()+" Repeating the command is safe: an equal request joins the running one.",
			"%s; whether the %s was started is not known", interruption, job.Noun())
	case run == nil:
		return console.Fail(console.ExitOther, "", "%s; nothing was started", interruption)
	case run.Joined:
		return console.Fail(code, job.WatchOrCancel(), "%s; workflow %s, run %s was already running and continues", interruption, run.WorkflowID, run.RunID)
	}
	return console.Fail(code, job.WatchOrCancel(), "%s; the %s was started (workflow %s, run %s) and continues", interruption, job.Noun(), run.WorkflowID, run.RunID)
}

// differentRequest is for a running workflow that does something else.
func differentRequest(run links.Run, different []migrationlink.FieldProblem) error {
	remedy := fmt.Sprintf("%s To use your settings, cancel it with '%s' and start again", run.Watch(), run.CancelCommand())
	movesDeadline := func(field migrationlink.FieldProblem) bool {
		return slices.Contains([]string{"createTimeout", "syncTimeout", "timeout"}, field.Field)
	}
	if slices.ContainsFunc(different, movesDeadline) {
		remedy += fmt.Sprintf("; to move the deadline, use '%s'", run.ExtendCommand())
	}
	failure := console.Fail(console.ExitDifferent, remedy+".", "a different request for organization %s of manager %s is running (workflow %s, run %s)",
		run.OrgID, run.Manager, run.WorkflowID(), run.RunID)
	failure.Problems = flagProblems(different)
	return failure
}
