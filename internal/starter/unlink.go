package starter

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/internal/links"
	"github.com/migrationlink/migrationlink/internal/words"
	"github.com/migrationlink/migrationlink/redact"
)

const unlinkHelp = `Unlink removes the link of an organization, whoever made it, and checks that it
is gone. If there is no link, it does nothing and succeeds. The manager refuses
while a migration is running: with --on-blocked wait the link is removed when
the migration has ended, but not after --timeout. Ctrl-C and --wait-limit end
this command, not the removal.

Unlink does not touch a running link: cancel it first with 'starter cancel'. If
Temporal knows no run that created the link, unlink asks for confirmation;
--yes skips the question, and is required without a terminal.

With a selector, such as --state or --problem, it works on all links that 'starter
list' shows with the same flags and that have ended. It shows how many there are and
asks; --yes skips the question. Each link that failed has a line on stderr. The exit
code is 0 only if all were removed. After Ctrl-C or --wait-limit, the removals
continue. Repeat the command to resume with the same links: it waits for removals
that are running, and starts those again that have failed or timed out. It leaves
out a removal that somebody cancelled.

With --dry-run it prints what it would send, and sends nothing.

Instead of flags, --file reads a whole request as JSON; --print-request prints
one. The exit code is that of the outcome, see 'starter --help'.`

const unlinkExample = `  starter unlink --manager demo --org 5f1b2c3d4e5f6a7b8c9d0e1f

  # a migration is running: try for up to a day, and do not watch
  starter unlink --manager demo --org 5f1b2c3d4e5f6a7b8c9d0e1f --on-blocked wait --timeout 1d --detach

  # remove the links of a manager that were completed
  starter unlink --outcome linked --manager demo --reason "moved to another project"`

// unlinkFields are the flags of the fields of a request.
var unlinkFields = []string{"manager", "org", "on-blocked", "timeout", "reason"}

func (a *app) unlinkCommand() *cobra.Command {
	var (
		request migrationlink.UnlinkRequest
		file    requestFile
		wait    waiting
		many    chosen
	)
	cmd := flagsOnly("unlink", "Remove the link of an organization", unlinkHelp, unlinkExample, func(cmd *cobra.Command) error {
		problems := append(waitProblem(cmd, "wait-limit", wait.limit), reasonProblems(cmd, request.Reason)...)
		if isSelecting(cmd) {
			job := words.JobOf(migrationlink.NewStartRequest(request))
			if err := cmp.Or(many.complete(cmd, job, a.Env.Now(), "file", "print-request"), checkUnlinkAll(cmd, request, problems)); err != nil {
				return err
			}
			return a.unlinkAll(cmd.Context(), many, request, wait)
		}
		if given(cmd, "file") {
			if err := cmp.Or(usageError(cmd, problems...), a.readRequest(cmd, file, unlinkFields, &request)); err != nil {
				return err
			}
			if redact.MayHoldSecret(request.Reason) {
				return invalidRequest(file.name, &migrationlink.ValidationError{Problems: []migrationlink.FieldProblem{{Field: "reason", Problem: secretReason}}})
			}
		} else if err := flagErrors(cmd, request.Validate(), problems, "on-blocked", "timeout"); err != nil {
			return err
		}
		if file.print {
			return a.PrintDocument(request)
		}
		if err := a.confirmUnlink(cmd.Context(), request, many.yes); err != nil {
			return err
		}
		return a.start(cmd.Context(), migrationlink.NewStartRequest(request), wait)
	})
	targetFlags(cmd, &request.Manager, &request.OrgID)
	startFlags(cmd, "the removal", &request.OnBlocked, &wait.detach)
	file.register(cmd)
	waitFlag(cmd, "wait-limit", &wait.limit)
	cmd.Flags().Var((*fieldDuration)(&request.Timeout), "timeout", "how long the removal may take; then it ends (default 15m)")
	cmd.Flags().StringVar(&request.Reason, "reason", "", "why, for people who look at the result later")
	chosenFlags(cmd, &many)
	a.dryRunFlag(cmd)
	return cmd
}

// checkUnlinkAll checks what does not depend on the organization.
func checkUnlinkAll(cmd *cobra.Command, request migrationlink.UnlinkRequest, problems []string) error {
	request.Manager, request.OrgID = "any", strings.Repeat("0", 24)
	return flagErrors(cmd, request.Validate(), problems, "on-blocked", "timeout")
}

// confirmUnlink asks before a link is removed that this application did not make, as far as Temporal
// still knows. An open run is joined, or refuses the request.
func (a *app) confirmUnlink(ctx context.Context, request migrationlink.UnlinkRequest, yes bool) error {
	if yes || a.dryRun {
		return nil
	}
	c, err := a.connect(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	job := words.JobOf(migrationlink.NewStartRequest(request))
	made, err := c.Maker(ctx, job)
	for err == nil && made == links.MakerRunning {
		joins, refused := a.wouldJoin(ctx, c, migrationlink.NewStartRequest(request))
		if joins != "" || refused != nil {
			return refused
		}
		made, err = c.Maker(ctx, job) // it has ended meanwhile
	}
	if err != nil || made == links.MakerUs {
		return err
	}
	why := fmt.Sprintf("Temporal knows no run that made the link of organization %s of manager %s", job.OrgID, job.Manager)
	return a.confirm(ctx, yes, capital(why)+". Remove it anyway?", why)
}
