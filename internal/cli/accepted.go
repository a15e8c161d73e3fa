package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/internal/temporalconn"
)

// untilAccepted waits for the manager, rather than for the end.
func (a *app) untilAccepted(ctx context.Context, s *server, begun started) error {
	if begun.accepted == nil {
		return errors.Join(a.unheard(begun), a.receipt(begun.run, &begun.joined))
	}
	view := a.newView(begun.run)
	if plain, ok := view.(*plainView); ok {
		plain.detaches = true
	}
	end, err := a.watchUntil(ctx, s, begun.run, view, func(ctx context.Context) ending {
		return untilAnswered(ctx, s, begun)
	})
	if err != nil {
		return errors.Join(err, a.receipt(begun.run, &begun.joined))
	}
	if end.status == nil {
		view.ended(end.result)
		return a.conclude(begun.run, &begun.joined, end.result)
	}
	seen := observation{run: begun.run, state: stateRunning, startedAt: end.status.StartedAt}.withStatus(end.status, "")
	if seen.blockedByToken() {
		seen.token, _ = s.tokenOf(ctx, begun.run)
	}
	view.left(seen)
	if a.json() {
		printed := seen.json()
		printed.Joined = &begun.joined
		return errors.Join(notAccepted(seen), a.printJSON(printed))
	}
	if err := notAccepted(seen); err != nil {
		return err
	}
	a.say("%s\n%s", a.acceptedText(seen), begun.run.howToGoOn())
	return nil
}

// notAccepted is nil when the manager has accepted the request, or a person has
// to do something for that. Otherwise the workflow does not let a client wait
// for longer.
func notAccepted(o observation) error {
	if o.blocked() || o.accepted() {
		return nil
	}
	message := fmt.Sprintf("the manager has not accepted it yet, the %s goes on (%s)", o.run.noun(), o.phase)
	if o.problem != nil {
		message += ": " + o.problem.Message
	}
	return failure{ExitOther, message, o.run.howToGoOn()}
}

// unheard says what has become of a request that no worker has answered to.
func (a *app) unheard(begun started) error {
	if begun.noWorker {
		return failure{ExitOther,
			fmt.Sprintf("no worker is answering on task queue %s; the %s goes on as soon as one is there", migrationlink.TaskQueue, begun.run.noun()),
			"Start a worker, or look at its log. " + begun.run.howToGoOn()}
	}
	a.say("Its worker is of an older version, which does not tell when the manager accepts. %s", begun.run.howToGoOn())
	return nil
}

// untilAnswered outlives the absences of Temporal; the watching limits them.
func untilAnswered(ctx context.Context, s *server, begun started) ending {
	for {
		var status migrationlink.Status
		err := begun.accepted.Get(ctx, &status)
		switch {
		case err == nil && status.Result == nil:
			return ending{status: &status}
		case err == nil:
			return ending{result: *status.Result}
		case isLate(err) || temporalconn.Silent(err):
			if !pause(ctx, lookEvery) {
				return ending{err: err}
			}
		default:
			return untilEnd(ctx, s, begun.run) // Temporal itself has ended it
		}
	}
}

func (a *app) acceptedText(o observation) string {
	now := a.env.Now()
	if o.phase == migrationlink.PhaseBlocked {
		return fmt.Sprintf("%s\nThen: %s\nIt waits until %s; for more time: %s", o.blockedText(), o.retryCommand(),
			stamp(o.deadline, now, a.env.Location), o.run.extendCommand())
	}
	facts := facts(observation{phase: o.phase, linkStatus: o.linkStatus}, "", now, a.env.Location)
	if !o.deadline.IsZero() {
		facts = append(facts, "until "+stamp(o.deadline, now, a.env.Location))
	}
	lead := "Accepted by the manager: "
	if !o.created {
		lead = "Linked: "
	}
	return strings.Join(append([]string{lead + strings.Join(facts, ", ")}, o.notOurs()...), ". ")
}
