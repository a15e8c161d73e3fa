package starter

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/internal/links"
	"github.com/migrationlink/migrationlink/internal/words"
)

// targetFlags name a link.
func targetFlags(cmd *cobra.Command, manager, orgID *string) {
	cmd.Annotations = map[string]string{needsManager: ""}
	cmd.Flags().StringVar(manager, "manager", "", "name of the manager in the workers' configuration (required, or "+managerVariable+")")
	cmd.Flags().StringVar(orgID, "org", "", "id of the source organization, 24 hexadecimal digits (required)")
}

// startFlags are those of a command that starts a workflow, besides targetFlags.
func startFlags(cmd *cobra.Command, work string, onBlocked *migrationlink.BlockedPolicy, detach *bool) {
	cmd.Flags().StringVar((*string)(onBlocked), "on-blocked", "", "what to do about a problem that a person can fix: fail, or wait for 'starter retry' (default fail)")
	latest := "20 s after a first problem"
	if cmd.Name() == "unlink" { // whose problems may not be seen
		latest = "after 20 s"
	}
	cmd.Flags().BoolVar(detach, "detach", false, "return when the manager has accepted "+work+", when it is blocked or has ended, or "+latest)
}

// waitFlag limits how long a command waits. It is --timeout, but for unlink, whose flag of that
// name limits the removal itself.
func waitFlag(cmd *cobra.Command, name string, limit *time.Duration) {
	cmd.Flags().Var((*durationFlag)(limit), name, "how long this command waits; then it ends with exit code 11, and the link continues (default no limit)")
}

// waitProblem is what is wrong with the flag of waitFlag, if anything.
func waitProblem(cmd *cobra.Command, name string, limit time.Duration) []string {
	if !given(cmd, name) || limit > 0 {
		return nil
	}
	return []string{"--" + name + ": must be above zero; leave it out to wait without a limit"}
}

func validate(job words.Job) error { return migrationlink.ValidateTarget(job.Manager, job.OrgID) }

// running connects and finds the run that is running.
func (a *app) running(ctx context.Context, job words.Job) (*links.Client, links.Run, error) {
	c, err := a.connect(ctx)
	if err != nil {
		return nil, links.Run{}, err
	}
	run, err := c.Running(ctx, job)
	if err != nil {
		c.Close()
	}
	return c, run, err
}
