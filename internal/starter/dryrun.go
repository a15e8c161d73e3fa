package starter

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/internal/links"
	"github.com/migrationlink/migrationlink/internal/words"
)

func (a *app) dryRunFlag(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&a.dryRun, "dry-run", false, "send nothing that changes anything, and print what would be sent")
}

// dryRunJSON is the one object of a dry run.
type dryRunJSON struct {
	DryRun bool            `json:"dryRun"`
	Sends  []links.Sending `json:"sends"`
	Note   string          `json:"note,omitempty"`
}

// printDryRun prints what was kept back.
func (a *app) printDryRun(kept []links.Sending, note string) error {
	if a.JSON() {
		return a.PrintJSON(dryRunJSON{true, kept, note})
	}
	a.Say("Dry run: nothing was sent. The command would")
	for _, s := range kept {
		a.Say("  %s", sendingText(s))
	}
	if note != "" {
		a.Say("%s", note)
	}
	return nil
}

func sendingText(s links.Sending) string {
	input, _ := json.Marshal(s.Input) // it is JSON already
	name, what := "workflow "+s.WorkflowID, ""
	switch {
	case s.Starts != "":
		what = fmt.Sprintf("start %s: %s", name, s.Starts)
	case s.Updates != "":
		what = fmt.Sprintf("send the update %s to %s, run %s:", s.Updates, name, s.RunID)
	default:
		what = fmt.Sprintf("send the signal %s to %s, run %s:", s.Signals, name, s.RunID)
	}
	return what + " " + words.OneLine(string(input))
}

// dryStart ends a dry run of a start. A different request that is running refuses it, as it would without a dry run.
func (a *app) dryStart(ctx context.Context, c *links.Client, request migrationlink.StartRequest) error {
	note, err := a.wouldJoin(ctx, c, request)
	if err != nil {
		return err
	}
	return a.printDryRun(c.Kept(), note)
}

// wouldJoin describes what is running for the organization; empty for nothing.
func (a *app) wouldJoin(ctx context.Context, c *links.Client, request migrationlink.StartRequest) (string, error) {
	run, err := c.Running(ctx, words.JobOf(request))
	_, missing := errors.AsType[*links.NotFound](err)
	_, ended := errors.AsType[*links.NotRunning](err)
	switch {
	case missing, ended:
		return "", nil
	case err != nil:
		return "", err
	}
	running, err := c.Asked(ctx, run)
	if err != nil {
		return "", c.Explain(ctx, err)
	}
	if different := running.Difference(request); len(different) > 0 {
		return "", differentRequest(run, different)
	}
	if seen, err := c.Observe(run).Look(ctx); err == nil && seen.IsEnding() {
		return "", endingFailure(run)
	}
	return fmt.Sprintf("An equal request is running (run %s): the command would join it.", run.RunID), nil
}
