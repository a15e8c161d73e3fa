package cli

import (
	"errors"

	"github.com/spf13/cobra"

	"github.com/migrationlink/migrationlink"
)

const linkHelp = `Link starts the link of one source organization and shows it until the end.
Ctrl-C stops the watching, never the link. If the same is under way it is
joined; if something else is, that is refused and the difference is named.

The link-token itself is never an argument. Say where it is by one of
  --token-ref          the workers find it: env:LINK_TOKEN_NAME, a variable of
                       theirs, or file:name in their directory of link-tokens
  --token-stdin        it comes on standard input, or is typed and not shown
  --token-file         it is in a file of this machine
  --sealed-token-file  'starter seal' has sealed it
  --atlas, --atlas-org a worker makes it in Atlas, for the target organization
What is read here is sealed to --recipient, or MIGRATIONLINK_RECIPIENT, before it
leaves this process: Temporal never has it in clear.

A problem that a person can fix, such as a key that the manager refuses, ends
the link; with --on-blocked wait it is blocked until 'starter retry', or until
its deadline.

With -o json it prints one object with the outcome, whatever it is; with
--detach one with what the manager has accepted. The exit code tells the outcome,
see 'starter --help'.`

const linkExample = `  # link, and wait until the organization is SYNCED
  starter link --manager demo --org 5f1b2c3d4e5f6a7b8c9d0e1f --token-ref env:LINK_TOKEN_DEMO

  # have the link-token made in Atlas, and wait until Atlas shows the projects
  starter link --manager demo --org 5f1b2c3d4e5f6a7b8c9d0e1f \
    --atlas demo --atlas-org 6a1b2c3d4e5f6a7b8c9d0e1f --verify-in-atlas

  # seal the link-token of a password manager on the spot
  pass show atlas/acme | starter link --manager demo --org 5f1b2c3d4e5f6a7b8c9d0e1f --token-stdin

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
	token         tokenFlags
	undo          string
	createTimeout string
	syncTimeout   string
	settleTime    string
	ifLinked      string
	verify        bool
	deleteToken   bool
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
			request.Token = given.token.named(cmd)
			wrong, more := given.token.withoutSource(cmd, request.Validate()), given.token.check(a, cmd, true)
			if err := wrongFlags(cmd, wrong, more, "undo", "if-linked", "on-blocked", "create-timeout", "sync-timeout", "settle-time"); err != nil {
				return err
			}
			var err error
			if request.Token, err = a.tokenSource(cmd.Context(), cmd, given.token, given.target); err != nil {
				return err
			}
			run := given.run()
			run.workflow, run.verifies = migrationlink.LinkWorkflow, request.VerifyInAtlas
			return a.start(cmd.Context(), a.newStart(run, migrationlink.StartRequest{Link: &request}, request), given.detach)
		},
	}
	given.register(cmd, "the link")
	flags := cmd.Flags()
	given.token.register(cmd)
	flags.StringVar(&given.undo, "undo", "", "when the link is removed again: on-cancel, always or never (default on-cancel)")
	flags.StringVar(&given.createTimeout, "create-timeout", "", "limit until the manager has accepted the link (default 10m)")
	flags.StringVar(&given.syncTimeout, "sync-timeout", "", "limit from then until it is SYNCED (default 1h)")
	flags.StringVar(&given.settleTime, "settle-time", "", "how long a link is looked for whose creation may have been lost (default 60s)")
	flags.StringVar(&given.ifLinked, "if-linked", "", "what to do about a link that somebody else has made: keep, fail, or relink, which removes it (default keep)")
	flags.BoolVar(&given.verify, "verify-in-atlas", false, "with --atlas, go on after SYNCED until Atlas shows a project of the organization")
	flags.BoolVar(&given.deleteToken, "delete-token-on-undo", false, "with --atlas, delete the link-token in Atlas when the link is removed again; only where the target organization has no other")
	return cmd
}

// request is what the flags ask for, without the link-token.
func (f linkFlags) request() migrationlink.LinkRequest {
	return migrationlink.LinkRequest{
		Manager:       f.manager,
		OrgID:         f.orgID,
		Undo:          migrationlink.UndoPolicy(f.undo),
		IfLinked:      migrationlink.LinkedPolicy(f.ifLinked),
		OnBlocked:     migrationlink.BlockedPolicy(f.onBlocked),
		CreateTimeout: migrationlink.Duration(f.createTimeout),
		SyncTimeout:   migrationlink.Duration(f.syncTimeout),
		SettleTime:    migrationlink.Duration(f.settleTime),

		VerifyInAtlas:     f.verify,
		DeleteTokenOnUndo: f.deleteToken,
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
