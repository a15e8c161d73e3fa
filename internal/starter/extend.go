package starter

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/internal/console"
	"github.com/migrationlink/migrationlink/internal/links"
	"github.com/migrationlink/migrationlink/internal/words"
)

const extendHelp = `Extend moves the deadline of a running link or unlink to a later time. Creating
and syncing have separate limits: extend moves the deadline of the current
phase, which 'starter status' shows. Exit code 10 means that no link is
running.

With a selector, such as --state or --problem, it works on all links that 'starter
list' shows with the same flags and that are running. It shows how many there are
and asks; --yes skips the question. Each link that failed has a line on stderr, and
so has one whose deadline is later than --until: it is unchanged, which is no
failure. The exit code is 0 only if no link failed. After an interruption, repeat
the command: a deadline that was moved already counts as extended. Several links
take --until only, as --by would be added again.`

const extendExample = `  starter extend --manager demo --org 5f1b2c3d4e5f6a7b8c9d0e1f --by 30m
  starter extend --manager demo --org 5f1b2c3d4e5f6a7b8c9d0e1f --until "DAY 08:00"
  starter extend --manager demo --org 5f1b2c3d4e5f6a7b8c9d0e1f --until DAYT08:00:00+01:00

  # all links that the access list blocks
  starter extend --problem AccessListRefused --until "DAY 08:00"`

const untilForms = `18:30 for today, "DAY 08:00" for local time, or DAYT08:00:00+01:00`

// withTomorrow replaces DAY, so that no example is in the past.
func withTomorrow(text string, now time.Time) string {
	return strings.ReplaceAll(text, "DAY", now.AddDate(0, 0, 1).Format(time.DateOnly))
}

type extendFlags struct {
	words.Job
	by    migrationlink.Duration
	until string
	limit time.Duration
	many  chosen
}

func (a *app) extendCommand() *cobra.Command {
	var given extendFlags
	cmd := flagsOnly("extend", "Move the deadline of a running link", extendHelp, withTomorrow(extendExample, a.Env.Now()), func(cmd *cobra.Command) error {
		request, err := given.request(a.Env.Now(), a.Env.Location, a.Env.WrongZone())
		request.RequestedBy = a.Env.User()
		if isSelecting(cmd) {
			problems := append(waitProblem(cmd, "timeout", given.limit), pastProblem(request.Until, a.Env.Now())...)
			if err := cmp.Or(given.many.complete(cmd, given.Job, a.Env.Now(), "by"), flagErrors(cmd, err, problems)); err != nil {
				return err
			}
			return a.extendAll(cmd.Context(), given.many, request, given.limit)
		}
		if err := flagErrors(cmd, joinInvalid(validate(given.Job), err), waitProblem(cmd, "timeout", given.limit)); err != nil {
			return err
		}
		return a.extend(cmd, given, request)
	})
	targetFlags(cmd, &given.Manager, &given.OrgID)
	cmd.Flags().Var((*fieldDuration)(&given.by), "by", "by how much, such as 30m, 1h30m or 2d")
	chosenFlags(cmd, &given.many)
	cmd.Flags().StringVar(&given.until, "until", "", withTomorrow("the new deadline: "+untilForms, a.Env.Now()))
	waitFlag(cmd, "timeout", &given.limit)
	return cmd
}

// request checks what can be without knowing the present deadline. wrongZone is what
// is wrong with the zone of local times, if anything.
func (f extendFlags) request(now time.Time, location *time.Location, wrongZone string) (migrationlink.ExtendRequest, error) {
	request := migrationlink.ExtendRequest{By: f.by}
	wrong := func(field, problem string) error {
		return &migrationlink.ValidationError{Problems: []migrationlink.FieldProblem{{Field: field, Problem: problem}}}
	}
	if (f.by == "") == (f.until == "") {
		return request, wrong("by", "give either --by, a duration, or --until, a time; not both")
	}
	if f.by != "" {
		_, err := request.NewDeadline(now, now, now.Add(2*migrationlink.MaxTimeout))
		return request, err
	}
	if t, err := time.Parse(time.RFC3339, f.until); err == nil {
		request.Until = t
		return request, nil
	}
	clock, ok := readClock(f.until, now.In(location))
	if !ok {
		return request, wrong("until", withTomorrow("not a time; write for example "+untilForms, now))
	}
	if wrongZone != "" {
		return request, wrong("until", wrongZone+"; correct TZ, or give the time with its offset, as "+clock.Format("2006-01-02T15:04:05")+"+01:00")
	}
	until, problem := atClock(clock, location)
	if problem != "" {
		return request, wrong("until", problem)
	}
	request.Until = until
	return request, nil
}

// pastProblem returns what is wrong with a new deadline of several links: each has a later one
// already, which would count as done.
func pastProblem(until, now time.Time) []string {
	if until.IsZero() || until.After(now) {
		return nil
	}
	return []string{"--until: " + until.UTC().Format(time.RFC3339) + " is in the past; give a later time"}
}

// readClock reads a local time without a zone: what a clock shows, here as UTC.
func readClock(text string, now time.Time) (time.Time, bool) {
	text = strings.Replace(text, "T", " ", 1)
	if t, err := time.Parse(time.DateOnly+" 15:04", now.Format(time.DateOnly)+" "+text); err == nil {
		return t, true // today
	}
	for _, form := range []string{"2006-01-02 15:04", time.DateTime} {
		if t, err := time.Parse(form, text); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

// atClock returns when clocks of a place show this. Where clocks are set forward or
// back, that may be never, or twice.
func atClock(clock time.Time, location *time.Location) (_ time.Time, problem string) {
	var found []time.Time
	for _, near := range []time.Duration{-24 * time.Hour, 24 * time.Hour} {
		_, offset := clock.Add(near).In(location).Zone()
		t := clock.Add(-time.Duration(offset) * time.Second).In(location)
		same := t.Format(time.DateTime) == clock.Format(time.DateTime)
		if same && (len(found) == 0 || !found[0].Equal(t)) {
			found = append(found, t)
		}
	}
	shown := clock.Format("2006-01-02 15:04")
	switch len(found) {
	case 1:
		return found[0], ""
	case 0:
		return time.Time{}, fmt.Sprintf("%s does not exist in %s, because clocks are set forward; give a later time", shown, location)
	}
	return time.Time{}, fmt.Sprintf("%s happens twice in %s, because clocks are set back; give %s or %s", shown, location, found[0].Format(time.RFC3339), found[1].Format(time.RFC3339))
}

func (a *app) extend(cmd *cobra.Command, given extendFlags, request migrationlink.ExtendRequest) error {
	ctx := cmd.Context()
	var (
		c        *links.Client
		run      links.Run
		extended migrationlink.Extension
		err      error
	)
	a.WithWaitHint("a worker", func() {
		if c, run, err = a.running(ctx, given.Job); err == nil {
			var stop context.CancelFunc
			ctx, stop = console.WithLimit(ctx, given.limit)
			defer stop()
			err = c.Update(ctx, run, migrationlink.ExtendUpdate, &extended, request)
			c.Close()
		}
	})
	if wrong := refusedFields(err, migrationlink.ErrInvalidUpdate); wrong != nil {
		return usageError(cmd, flagProblems(wrong)...)
	}
	if err != nil {
		return refusedBy(extendEffect(request).explain(ctx, err), run.Job, console.ExitOther)
	}
	if a.JSON() {
		return a.PrintJSON(struct {
			runJSON
			targetJSON
			migrationlink.Extension
		}{nameOf(run), targetOf(run), extended})
	}
	a.Say("The deadline of phase %s is now %s", extended.Phase, console.Timestamp(extended.Deadline, a.Env.Now(), a.Env.Location))
	return nil
}

func extendEffect(request migrationlink.ExtendRequest) effect {
	sent := effect{clause: "the deadline was moved", repeating: "Repeating the command is safe: it sets the deadline to --until again."}
	if request.By != "" {
		sent.repeating = "Look at the deadline before you repeat the command: --by would be added again."
	}
	return sent
}
