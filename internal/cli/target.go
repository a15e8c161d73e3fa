package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/migrationlink/migrationlink"
)

// target are the flags that name a link.
type target struct {
	manager string
	orgID   string
}

func (t *target) register(cmd *cobra.Command) {
	cmd.Flags().StringVar(&t.manager, "manager", "", "name of the manager in the workers' configuration (required)")
	cmd.Flags().StringVar(&t.orgID, "org", "", "id of the source organization, 24 hexadecimal digits (required)")
}

func (t target) validate() error { return migrationlink.ValidateTarget(t.manager, t.orgID) }

func (t target) run() linkRun { return linkRun{manager: t.manager, orgID: t.orgID} }

// underWay finds out which run is under way before it is told anything, so that
// the one told is the one shown.
func (s *server) underWay(ctx context.Context, run linkRun) (linkRun, error) {
	described, err := s.describe(ctx, run)
	if isNotFound(err) {
		return run, s.notFound(run)
	}
	if err != nil {
		return run, s.explain(ctx, err)
	}
	info := described.GetWorkflowExecutionInfo()
	run = run.of(info)
	if state := stateOf(info.GetStatus()); state != stateRunning {
		return run, nothingRunning(run, state)
	}
	return run, nil
}

// hintAfter is how long a person waits without a word.
const hintAfter = 2 * time.Second

// patiently says what is waited for when that takes long.
func (a *app) patiently(what string, work func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		work()
	}()
	hint := time.NewTimer(hintAfter)
	defer hint.Stop()
	select {
	case <-done:
	case <-hint.C:
		a.say("Waiting for %s …", what)
		<-done
	}
}

func nothingRunning(run linkRun, state string) error {
	return failure{ExitOther,
		fmt.Sprintf("nothing is under way for organization %s of manager %s, the latest %s is %s", run.orgID, run.manager, run.noun(), state),
		fmt.Sprintf("See how it ended with 'starter status %s'.", run.flags())}
}
