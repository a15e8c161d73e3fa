package cli

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	enumspb "go.temporal.io/api/enums/v1"

	"github.com/migrationlink/migrationlink"
)

const (
	// completeMost is more than anybody reads.
	completeMost = 200
	// completeKnown is what of completeLimit a worker may take.
	completeKnown = time.Second
	// knownFresh is how long the managers that a worker has named are taken for
	// those that there are. absentFresh is the same for the absence of workers.
	knownFresh  = 5 * time.Minute
	absentFresh = 30 * time.Second
)

// completeManagers offers those that the workers know and those of recent links:
// either may be all that can be had.
func (a *app) completeManagers(cmd *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
	return a.lookUp(cmd, func(ctx context.Context, s *server) []string {
		known := make(chan migrationlink.Inspection, 1)
		go func() { known <- s.recentlyKnown(ctx, a.env.Now()) }()
		names := s.recentManagers(ctx)
		for _, name := range managerNames(<-known) {
			names[name] = true
		}
		maps.DeleteFunc(names, func(name string, _ bool) bool { return !strings.HasPrefix(name, typed) })
		return slices.Sorted(maps.Keys(names))
	})
}

// completeAtlas offers those that the workers know.
func (a *app) completeAtlas(cmd *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
	return a.lookUp(cmd, func(ctx context.Context, s *server) []string {
		names := atlasNames(s.recentlyKnown(ctx, a.env.Now()))
		return slices.DeleteFunc(names, func(name string) bool { return !strings.HasPrefix(name, typed) })
	})
}

func (s *server) recentManagers(ctx context.Context) map[string]bool {
	names := map[string]bool{}
	looked := 0
	for l, err := range s.runs(ctx, listFlags{}.query()) {
		if looked++; err != nil || looked > listPage {
			break
		}
		names[l.run.manager] = true
	}
	return names
}

// recentlyKnown asks a worker unless somebody has done so a short time ago. It is
// empty when none answers.
func (s *server) recentlyKnown(ctx context.Context, now time.Time) migrationlink.Inspection {
	described, err := s.DescribeWorkflowExecution(ctx, knownID, "")
	if err == nil {
		info := described.GetWorkflowExecutionInfo()
		age := now.Sub(timeOf(info.GetCloseTime()))
		switch {
		case info.GetStatus() == enumspb.WORKFLOW_EXECUTION_STATUS_TIMED_OUT && age < absentFresh:
			return migrationlink.Inspection{}
		case info.GetStatus() == enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED && age < knownFresh:
			var known migrationlink.Inspection
			_ = s.GetWorkflow(ctx, knownID, info.GetExecution().GetRunId()).Get(ctx, &known) // none is an answer, too
			return known
		}
	}
	known, err := s.knownManagers(ctx, completeKnown)
	if err != nil {
		return migrationlink.Inspection{}
	}
	return known
}

// completeOrgs offers what the command can be about.
func (a *app) completeOrgs(cmd *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
	wanted, fits := orgsFor(cmd)
	wanted.manager, _ = cmd.Flags().GetString("manager")
	if !migrationlink.ValidManagerName(wanted.manager) {
		wanted.manager = ""
	}
	wanted.limit, wanted.after.asOf = completeMost, a.env.Now()
	return a.lookUp(cmd, func(ctx context.Context, s *server) []string {
		matching := func(yield func(listed, error) bool) {
			for l, err := range s.runs(ctx, wanted.query()) {
				if err == nil && !strings.HasPrefix(l.run.orgID, typed) {
					continue
				}
				if !yield(l, err) {
					return
				}
			}
		}
		found, _, err := wanted.collect(iter.Seq2[listed, error](matching))
		if err != nil {
			return nil
		}
		var values []string
		for _, l := range found {
			if fits(l) {
				values = append(values, l.run.orgID+"\t"+l.description(a.env.Now(), wanted.manager == ""))
			}
		}
		return values
	})
}

// orgsFor are the links that a command can be about.
func orgsFor(cmd *cobra.Command) (listFlags, func(listed) bool) {
	underWay := listFlags{states: []string{stateRunning}}
	any := func(listed) bool { return true }
	switch cmd.Name() {
	case "cancel", "retry", "extend", "check":
		return underWay, any
	case "link":
		return listFlags{states: []string{stateFailed, stateTimedOut, stateCancelled, stateTerminated}}, any
	case "unlink":
		return listFlags{states: []string{stateCompleted}}, func(l listed) bool { return !l.run.unlinks() }
	}
	if watch, err := cmd.Flags().GetBool("watch"); err == nil && watch {
		return underWay, any
	}
	return listFlags{}, any
}

func (l listed) description(now time.Time, withManager bool) string {
	text := what(l.run) + " " + l.state
	if l.endedAt.IsZero() {
		text += " for " + length(now.Sub(l.startedAt))
	} else {
		text += " " + length(now.Sub(l.endedAt)) + " ago"
	}
	if withManager {
		text += fmt.Sprintf(", manager %s", l.run.manager)
	}
	return text
}
