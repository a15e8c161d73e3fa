package cli

import (
	"context"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/migrationlink/migrationlink"
)

const extendHelp = `Extend moves the deadline of what is under way to a later time. The limits of
creating and of syncing are separate: it is that of the present phase, which
'starter status' shows.`

const extendExample = `  starter extend --manager demo --org 5f1b2c3d4e5f6a7b8c9d0e1f --by 30m
  starter extend --manager demo --org 5f1b2c3d4e5f6a7b8c9d0e1f --until "2026-11-24 08:00"
  starter extend --manager demo --org 5f1b2c3d4e5f6a7b8c9d0e1f --until 2026-11-24T08:00:00+01:00`

type extendFlags struct {
	target
	by, until string
}

func (a *app) extendCommand() *cobra.Command {
	var given extendFlags
	cmd := &cobra.Command{
		Use:     "extend",
		Short:   "Move the deadline of a link that is under way",
		Long:    extendHelp,
		Example: extendExample,
		Args:    noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			request, err := given.request(a.env.Now(), a.env.Location)
			if err := wrongFields(cmd, allWrong(given.validate(), err)); err != nil {
				return err
			}
			return a.extend(cmd, given.run(), request)
		},
	}
	given.register(cmd)
	cmd.Flags().StringVar(&given.by, "by", "", "by how much, for example 30m or 1h30m")
	cmd.Flags().StringVar(&given.until, "until", "", `the new deadline, as 18:30 or "2026-11-24 08:00" here, or 2026-11-24T08:00:00+01:00`)
	return cmd
}

// request checks what can be without knowing the present deadline.
func (f extendFlags) request(now time.Time, location *time.Location) (migrationlink.ExtendRequest, error) {
	request := migrationlink.ExtendRequest{By: migrationlink.Duration(f.by)}
	wrong := func(field, problem string) error {
		return &migrationlink.ValidationError{Problems: []migrationlink.FieldProblem{{Field: field, Problem: problem}}}
	}
	if (f.by == "") == (f.until == "") {
		return request, wrong("by", "give either --by, a length of time, or --until, a time; not both")
	}
	if f.by != "" {
		_, err := request.NewDeadline(now, now, now.Add(2*migrationlink.MaxTimeout))
		return request, err
	}
	until, ok := readTime(f.until, now, location)
	if !ok {
		return request, wrong("until", `not a time; write for example 18:30 for today, "2026-11-24 08:00" for local time, or 2026-11-24T08:00:00+01:00`)
	}
	request.Until = until
	return request, nil
}

// readTime takes a local time without a zone for one of the place where starter
// runs.
func readTime(text string, now time.Time, location *time.Location) (time.Time, bool) {
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return t, true
	}
	text = strings.Replace(text, "T", " ", 1)
	if t, err := time.ParseInLocation(time.DateOnly+" 15:04", now.In(location).Format(time.DateOnly)+" "+text, location); err == nil {
		return t, true // today
	}
	for _, form := range []string{"2006-01-02 15:04", time.DateTime} {
		if t, err := time.ParseInLocation(form, text, location); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

func (a *app) extend(cmd *cobra.Command, run linkRun, request migrationlink.ExtendRequest) error {
	ctx := cmd.Context()
	s, err := a.connect(ctx)
	if err != nil {
		return err
	}
	defer s.Close()
	var extended migrationlink.Extension
	a.patiently("a worker", func() { run, extended, err = s.extend(ctx, run, request) })
	if wrong, ok := fieldProblems(err, migrationlink.ErrInvalidUpdate); ok {
		return wrongUsage(cmd, flagProblems(wrong)...)
	}
	if err != nil {
		return refusedBy(err, run, ExitOther)
	}
	if a.json() {
		return a.printJSON(struct {
			runJSON
			targetJSON
			migrationlink.Extension
		}{run.json(), run.target(), extended})
	}
	a.say("The deadline of %s is now %s", extended.Phase, stamp(extended.Deadline, a.env.Now(), a.env.Location))
	return nil
}

func (s *server) extend(ctx context.Context, run linkRun, request migrationlink.ExtendRequest) (_ linkRun, extended migrationlink.Extension, _ error) {
	run, err := s.underWay(ctx, run)
	if err != nil {
		return run, extended, err
	}
	return run, extended, s.update(ctx, run, migrationlink.ExtendUpdate, []any{request}, &extended)
}
