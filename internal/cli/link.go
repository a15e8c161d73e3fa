package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"

	"github.com/migrationlink/migrationlink"
)

const linkHelp = `Link starts the link of one source organization, or joins the one that is under
way, and shows it until the end. Ctrl-C stops the watching, never the link.

The link-token itself is never an argument: --token-ref says where the workers
find it, as env:LINK_TOKEN_NAME, a variable of the workers, or file:name, a file
in their directory of link-tokens.

With -o json it prints one object with the outcome, whatever it is; with
--detach one with the ids. The exit code tells the outcome, see 'starter --help'.`

const linkExample = `  # link, and wait until the organization is SYNCED
  starter link --manager demo --org 5f1b2c3d4e5f6a7b8c9d0e1f --token-ref env:LINK_TOKEN_DEMO

  # for a script: one JSON object, the exit code tells the outcome
  starter link --manager demo --org 5f1b2c3d4e5f6a7b8c9d0e1f --token-ref file:demo -o json

  # start only; remove the link again also if it fails or is not SYNCED in 2 hours
  starter link --manager demo --org 5f1b2c3d4e5f6a7b8c9d0e1f --token-ref env:LINK_TOKEN_DEMO \
    --undo always --sync-timeout 2h --detach`

type linkFlags struct {
	target
	tokenRef      string
	undo          string
	createTimeout string
	syncTimeout   string
	settleTime    string
	detach        bool
}

func (a *app) linkCommand() *cobra.Command {
	var given linkFlags
	cmd := &cobra.Command{
		Use:     "link",
		Short:   "Start or join the link of an organization and watch it",
		Long:    linkHelp,
		Example: linkExample,
		Args:    noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			request := given.request()
			if err := wrongFields(cmd, request.Validate(), "undo", "create-timeout", "sync-timeout", "settle-time"); err != nil {
				return err
			}
			return a.link(cmd.Context(), request, given.detach)
		},
	}
	given.register(cmd)
	flags := cmd.Flags()
	flags.StringVar(&given.tokenRef, "token-ref", "", "where the workers find the link-token: env:LINK_TOKEN_NAME or file:name (required)")
	flags.StringVar(&given.undo, "undo", "", "when the link is removed again: on-cancel, always or never (default on-cancel)")
	flags.StringVar(&given.createTimeout, "create-timeout", "", "limit until the manager has accepted the link (default 10m)")
	flags.StringVar(&given.syncTimeout, "sync-timeout", "", "limit from then until it is SYNCED (default 1h)")
	flags.StringVar(&given.settleTime, "settle-time", "", "how long a link is looked for whose creation may have been lost (default 60s)")
	flags.BoolVar(&given.detach, "detach", false, "end as soon as the link is started")
	return cmd
}

func (f linkFlags) request() migrationlink.LinkRequest {
	return migrationlink.LinkRequest{
		Manager:       f.manager,
		OrgID:         f.orgID,
		Token:         migrationlink.TokenSource{Ref: f.tokenRef},
		Undo:          migrationlink.UndoPolicy(f.undo),
		CreateTimeout: migrationlink.Duration(f.createTimeout),
		SyncTimeout:   migrationlink.Duration(f.syncTimeout),
		SettleTime:    migrationlink.Duration(f.settleTime),
	}
}

func (a *app) link(ctx context.Context, request migrationlink.LinkRequest, detach bool) error {
	s, err := a.connect(ctx)
	if err != nil {
		return err
	}
	defer s.Close()
	run, joined, err := s.startOrJoin(ctx, request)
	if err != nil {
		return s.explain(ctx, err)
	}
	a.say("%s", startText(run, joined))
	if detach {
		a.say("%s", run.howToGoOn())
		return a.receipt(run, &joined)
	}
	result, err := a.watch(ctx, s, run, a.newView(run))
	if err != nil {
		return errors.Join(err, a.receipt(run, &joined))
	}
	return errors.Join(outcomeError(result), a.printResult(run, &joined, result))
}

// startOrJoin tells whether it joined a link that was under way: its request
// holds then, not this one. An ended link is started anew.
//
// The conflict policy that joins by itself does not tell; the refusal names the
// run to join.
func (s *server) startOrJoin(ctx context.Context, request migrationlink.LinkRequest) (_ linkRun, joined bool, _ error) {
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	run := linkRun{manager: request.Manager, orgID: request.OrgID}
	started, err := s.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
		ID:                                       run.workflowID(),
		TaskQueue:                                migrationlink.TaskQueue,
		WorkflowIDConflictPolicy:                 enumspb.WORKFLOW_ID_CONFLICT_POLICY_FAIL,
		WorkflowExecutionErrorWhenAlreadyStarted: true,
		StaticSummary:                            "Link organization " + request.OrgID + " of manager " + request.Manager,
	}, migrationlink.LinkWorkflow, request)
	if running, ok := errors.AsType[*serviceerror.WorkflowExecutionAlreadyStarted](err); ok {
		run.runID = running.RunId
		return run, true, nil
	}
	if err != nil {
		return run, false, err
	}
	run.runID = started.GetRunID()
	return run, false, nil
}

func startText(run linkRun, joined bool) string {
	if joined {
		return fmt.Sprintf("Joined the link that is under way, its own settings hold: workflow %s, run %s", run.workflowID(), run.runID)
	}
	return fmt.Sprintf("Started workflow %s, run %s", run.workflowID(), run.runID)
}

// receipt is the one object of a command that ends before the link.
func (a *app) receipt(run linkRun, joined *bool) error {
	if !a.json() {
		return nil
	}
	return a.printJSON(run.receipt(joined))
}

// printResult leaves an outcome that is an error to the line on stderr.
func (a *app) printResult(run linkRun, joined *bool, result migrationlink.LinkResult) error {
	if a.json() {
		return a.printJSON(resultJSON{runJSON: run.json(), Joined: joined, LinkResult: result})
	}
	if outcomeCode(result.Outcome) == ExitOK {
		message, _ := outcomeText(result)
		a.say("%s", message)
	}
	return nil
}
