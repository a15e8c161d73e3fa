package cli

import (
	"errors"

	"github.com/spf13/cobra"

	"github.com/migrationlink/migrationlink"
)

const linkHelp = `Link starts the link of one source organization and shows it until the end.
Ctrl-C stops the watching, never the link. If the same is under way it is
joined; if something else is, that is refused and the difference is named.

The link-token itself is never an argument: --token-ref says where the workers
find it, as env:LINK_TOKEN_NAME, a variable of the workers, or file:name, a file
in their directory of link-tokens.

A problem that a person can fix, such as a key that the manager refuses, ends
the link; with --on-blocked wait it is blocked until 'starter retry', or until
its deadline.

With -o json it prints one object with the outcome, whatever it is; with
--detach one with what the manager has accepted. The exit code tells the outcome,
see 'starter --help'.`

const linkExample = `  # link, and wait until the organization is SYNCED
  starter link --manager demo --org 5f1b2c3d4e5f6a7b8c9d0e1f --token-ref env:LINK_TOKEN_DEMO

  # for a script: one JSON object, the exit code tells the outcome
  starter link --manager demo --org 5f1b2c3d4e5f6a7b8c9d0e1f --token-ref file:demo -o json

  # do not wait for SYNCED; remove the link again if it is not within 2 hours
  starter link --manager demo --org 5f1b2c3d4e5f6a7b8c9d0e1f --token-ref env:LINK_TOKEN_DEMO \
    --undo always --sync-timeout 2h --detach

  # replace a link that somebody else has made; wait for a person if the key is refused
  starter link --manager demo --org 5f1b2c3d4e5f6a7b8c9d0e1f --token-ref env:LINK_TOKEN_DEMO \
    --if-linked relink --on-blocked wait`

type linkFlags struct {
	startFlags
	tokenRef      string
	undo          string
	createTimeout string
	syncTimeout   string
	settleTime    string
	ifLinked      string
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
			if err := wrongFields(cmd, request.Validate(), "undo", "if-linked", "on-blocked", "create-timeout", "sync-timeout", "settle-time"); err != nil {
				return err
			}
			run := given.run()
			run.workflow = migrationlink.LinkWorkflow
			return a.start(cmd.Context(), a.newStart(run, migrationlink.StartRequest{Link: &request}, request), given.detach)
		},
	}
	given.register(cmd, "the link")
	flags := cmd.Flags()
	flags.StringVar(&given.tokenRef, "token-ref", "", "where the workers find the link-token: env:LINK_TOKEN_NAME or file:name (required)")
	flags.StringVar(&given.undo, "undo", "", "when the link is removed again: on-cancel, always or never (default on-cancel)")
	flags.StringVar(&given.createTimeout, "create-timeout", "", "limit until the manager has accepted the link (default 10m)")
	flags.StringVar(&given.syncTimeout, "sync-timeout", "", "limit from then until it is SYNCED (default 1h)")
	flags.StringVar(&given.settleTime, "settle-time", "", "how long a link is looked for whose creation may have been lost (default 60s)")
	flags.StringVar(&given.ifLinked, "if-linked", "", "what to do about a link that somebody else has made: keep, fail, or relink, which removes it (default keep)")
	return cmd
}

func (f linkFlags) request() migrationlink.LinkRequest {
	return migrationlink.LinkRequest{
		Manager:       f.manager,
		OrgID:         f.orgID,
		Token:         migrationlink.TokenSource{Ref: f.tokenRef},
		Undo:          migrationlink.UndoPolicy(f.undo),
		IfLinked:      migrationlink.LinkedPolicy(f.ifLinked),
		OnBlocked:     migrationlink.BlockedPolicy(f.onBlocked),
		CreateTimeout: migrationlink.Duration(f.createTimeout),
		SyncTimeout:   migrationlink.Duration(f.syncTimeout),
		SettleTime:    migrationlink.Duration(f.settleTime),
	}
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
		message, _ := outcomeText(run, result)
		a.say("%s", message)
	}
	return nil
}

// conclude ends a command that has seen the end.
func (a *app) conclude(run linkRun, joined *bool, result migrationlink.LinkResult) error {
	return errors.Join(outcomeError(run, result), a.printResult(run, joined, result))
}
