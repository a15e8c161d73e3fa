package starter

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/internal/links"
	"github.com/migrationlink/migrationlink/internal/words"
)

const (
	// completeMost is more than anybody reads.
	completeMost = 200
	// completeKnown is what of completeLimit a worker may take.
	completeKnown = time.Second
)

// completeManagers offers those that the workers know and those of recent links:
// either may be all that can be had.
func (a *app) completeManagers(cmd *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
	return a.lookUp(cmd, func(ctx context.Context, c *links.Client) []string {
		known := make(chan migrationlink.Inspection, 1)
		go func() { known <- c.RecentlyKnown(ctx, completeKnown) }()
		names := slices.Concat(c.Managers(ctx, links.Filter{}), links.ManagerNames(<-known))
		slices.Sort(names)
		return slices.DeleteFunc(slices.Compact(names), func(name string) bool { return !strings.HasPrefix(name, typed) })
	})
}

// completeAtlas offers those that the workers know.
func (a *app) completeAtlas(cmd *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
	return a.lookUp(cmd, func(ctx context.Context, c *links.Client) []string {
		names := links.AtlasNames(c.RecentlyKnown(ctx, completeKnown))
		return slices.DeleteFunc(names, func(name string) bool { return !strings.HasPrefix(name, typed) })
	})
}

// completeOrgs offers what the command can be about.
func (a *app) completeOrgs(cmd *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
	wanted, fits := orgsFor(cmd)
	wanted.Manager, _ = cmd.Flags().GetString("manager")
	if _, needs := cmd.Annotations[needsManager]; needs && wanted.Manager == "" {
		wanted.Manager = a.variable(managerVariable)
	}
	if !migrationlink.ValidManagerName(wanted.Manager) {
		wanted.Manager = ""
	}
	wanted.Limit, wanted.After.AsOf = completeMost, a.Env.Now()
	return a.lookUp(cmd, func(ctx context.Context, c *links.Client) []string {
		matching := func(yield func(links.Listed, error) bool) {
			for l, err := range c.Runs(ctx, wanted) {
				if err == nil && !strings.HasPrefix(l.Run.OrgID, typed) {
					continue
				}
				if !yield(l, err) {
					return
				}
			}
		}
		found, _, err := wanted.Collect(iter.Seq2[links.Listed, error](matching))
		if err != nil {
			return nil
		}
		var values []string
		for _, l := range found {
			if fits(l) {
				values = append(values, l.Run.OrgID+"\t"+describe(l, a.Env.Now(), wanted.Manager == ""))
			}
		}
		return values
	})
}

// orgsFor are the links that a command can be about.
func orgsFor(cmd *cobra.Command) (links.Filter, func(links.Listed) bool) {
	underWay := links.Filter{States: []string{links.StateRunning}}
	every := func(links.Listed) bool { return true }
	switch cmd.Name() {
	case "cancel", "retry", "extend", "check":
		return underWay, every
	case "link":
		return links.Filter{States: []string{links.StateFailed, links.StateTimedOut, links.StateCancelled, links.StateTerminated}}, every
	case "unlink":
		return links.Filter{States: []string{links.StateCompleted}}, func(l links.Listed) bool { return !l.Run.Unlinks() }
	}
	if watch, err := cmd.Flags().GetBool("watch"); err == nil && watch {
		return underWay, every
	}
	return links.Filter{}, every
}

func describe(l links.Listed, now time.Time, withManager bool) string {
	text := verb(l.Run) + " " + l.State
	if l.EndedAt.IsZero() {
		text += " for " + words.Duration(now.Sub(l.StartedAt))
	} else {
		text += " " + words.Duration(now.Sub(l.EndedAt)) + " ago"
	}
	if withManager {
		text += fmt.Sprintf(", manager %s", l.Run.Manager)
	}
	return text
}
