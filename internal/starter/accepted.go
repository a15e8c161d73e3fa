package starter

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/internal/console"
	"github.com/migrationlink/migrationlink/internal/links"
	"github.com/migrationlink/migrationlink/internal/progress"
	"github.com/migrationlink/migrationlink/internal/temporalerr"
	"github.com/migrationlink/migrationlink/internal/words"
)

// untilAccepted waits for the manager, rather than for the end.
func (a *app) untilAccepted(ctx context.Context, c *links.Client, begun started) error {
	if silent, ok := errors.AsType[*migrationlink.NoAnswerError](begun.Answered()); ok {
		return errors.Join(a.unanswered(c, begun, silent.Err), a.printReceipt(begun.run, &begun.Joined))
	}
	view := a.view(begun.run, progress.Options{Detaches: true})
	status, err := progress.WatchUntil(ctx, c, begun.run, view, true, begun.Accepted)
	switch {
	case err != nil:
		return errors.Join(err, a.printReceipt(begun.run, &begun.Joined))
	case status.Result != nil:
		view.Ended(*status.Result)
		return a.conclude(begun.run, &begun.Joined, *status.Result)
	}
	seen := links.Observation{Run: begun.run, State: links.StateRunning, Status: status}
	if seen.BlockedByToken() {
		asked, _ := c.Request(ctx, begun.run)
		seen.Token = asked.Token
	}
	view.Left(seen)
	err = notAccepted(seen)
	if a.JSON() {
		printed := statusOf(seen)
		printed.Joined = &begun.Joined
		return errors.Join(err, a.PrintJSON(printed))
	}
	if err == nil || seen.Blocked() {
		a.Say("%s", a.acceptedText(seen))
		a.Note("%s", begun.run.WatchOrCancel())
	}
	return err
}

// notAccepted is nil when the manager has accepted the request. Otherwise a person
// has to do something for that, or the workflow does not let a client wait for longer.
func notAccepted(o links.Observation) error {
	switch {
	case words.Accepted(o.Status):
		return nil
	case o.Blocked():
		return console.Fail(console.ExitBlocked, "When it is fixed: "+o.Run.RetryCommand(o.Problem, o.Token), "the %s of organization %s is blocked", o.Run.Noun(), o.Run.OrgID).AboutProblem(o.Problem)
	}
	message := fmt.Sprintf("the manager has not accepted the %s yet; it continues (%s)", o.Run.Noun(), o.Phase)
	if o.Problem != nil {
		message += ": " + o.Problem.Message
	}
	return console.Fail(console.ExitOther, o.Run.WatchOrCancel(), "%s", message)
}

// unanswered explains why this command cannot wait for the manager.
func (a *app) unanswered(c *links.Client, begun started, err error) error {
	late, noun, goOn := temporalerr.UpdateTimedOut(err), begun.run.Noun(), begun.run.WatchOrCancel()
	switch {
	case late && c.Options.WasLimited():
		return console.Fail(console.ExitOther, goOn, "the %s continues, but this command cannot wait for the manager: %s", noun, limitShared)
	case late:
		return console.Fail(console.ExitOther, "Start a worker, or check its log. "+goOn,
			"no worker is answering on task queue %s; the %s continues as soon as one runs", migrationlink.TaskQueue, noun)
	case temporalerr.NotOffered(err):
		a.Say("The %s continues, but this command cannot wait for the manager: Temporal does not offer workflow updates (%s). %s %s", noun, links.Reason(err), console.UseUpdates, goOn)
		return nil
	case temporalerr.Limited(err):
		return console.Fail(console.ExitOther, goOn, "the %s continues, but this command cannot wait for the manager: Temporal limits the rate of requests (%s)", noun, links.Reason(err))
	}
	a.Say("Its worker runs an older version, which does not report when the manager accepts. %s", goOn)
	return nil
}

func (a *app) acceptedText(o links.Observation) string {
	now := a.Env.Now()
	if o.Blocked() {
		return fmt.Sprintf("%s\nThen: %s\nIt waits until %s; for more time: %s", words.Blocked(o.Status), o.Run.RetryCommand(o.Problem, o.Token),
			console.Timestamp(o.Deadline, now, a.Env.Location), o.Run.ExtendCommand())
	}
	facts := progress.Facts(links.Observation{Status: migrationlink.Status{Phase: o.Phase, LinkStatus: o.LinkStatus}}, "", now, a.Env.Location)
	if !o.Deadline.IsZero() {
		facts = append(facts, "until "+console.Timestamp(o.Deadline, now, a.Env.Location))
	}
	text := "Accepted by the manager: "
	if !o.Created {
		text = "Linked: "
	}
	text += strings.Join(facts, ", ")
	if note := words.NotOurs(o.Status); note != "" {
		text += ". " + note
	}
	return text
}
