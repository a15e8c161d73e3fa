package starter

import (
	"github.com/spf13/cobra"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/internal/words"
)

const linkHelp = `Link connects one source organization to Atlas and shows the progress until the
end. Ctrl-C and --timeout end this command, not the link. If an equal request
is running, this one joins it. A different request is refused, and the error
names the differences.

The link-token itself is never an argument. Choose its source with one of
  --token-ref          the workers read it: env:LINK_TOKEN_NAME, an environment
                       variable, or file:name in their directory of link-tokens
  --token-stdin        read from standard input, or typed without echo
  --token-file         read from a file on this machine
  --sealed-token-file  a file that 'starter seal' has printed
  --atlas, --atlas-org a worker creates it in Atlas for the target organization
If this program reads the link-token, it seals it to --recipient or
MIGRATIONLINK_RECIPIENT first: Temporal never sees it in plain text.

Instead of flags, --file reads a whole request as JSON; --print-request prints
one. In JSON, write durations in hours, minutes and seconds: "24h", not "1d".
docs/reference/schema.json describes the fields. A printed request contains a
link-token only in sealed form.

A problem that a person can fix, such as a refused key, ends the link. With
--on-blocked wait the link is blocked until 'starter retry' or its deadline.

If 'starter assess' finds that the link is useless, this command warns and
continues. With --require-ready it sends nothing unless the organization is
ready.

With --dry-run it prints what it would send, and sends nothing.

With -o json it prints one object with the outcome, whatever the outcome is.
With --detach the object shows what the manager has accepted. The exit code is
that of the outcome, see 'starter --help'; with --detach it is 9 if the link is
blocked.`

const linkExample = `  # link, and wait until the organization is SYNCED
  starter link --manager demo --org 5f1b2c3d4e5f6a7b8c9d0e1f --token-ref env:LINK_TOKEN_DEMO

  # create the link-token in Atlas, and wait until Atlas shows the projects
  starter link --manager demo --org 5f1b2c3d4e5f6a7b8c9d0e1f \
    --atlas demo --atlas-org 6a1b2c3d4e5f6a7b8c9d0e1f --verify-in-atlas

  # seal a link-token from a password manager
  pass show atlas/acme | starter link --manager demo --org 5f1b2c3d4e5f6a7b8c9d0e1f --token-stdin

  # for a script: one JSON object, and an exit code for the outcome
  starter link --manager demo --org 5f1b2c3d4e5f6a7b8c9d0e1f --token-ref file:demo -o json

  # wait 10 minutes; the link continues after that
  starter link --manager demo --org 5f1b2c3d4e5f6a7b8c9d0e1f --token-ref file:demo --timeout 10m

  # keep the request in a file
  starter link --manager demo --org 5f1b2c3d4e5f6a7b8c9d0e1f --token-ref file:demo \
    --print-request > request.json
  starter link -f request.json

  # do not wait for SYNCED; remove the link again if it is not SYNCED within 2 hours
  starter link --manager demo --org 5f1b2c3d4e5f6a7b8c9d0e1f --token-ref env:LINK_TOKEN_DEMO \
    --undo always --sync-timeout 2h --detach

  # replace a link that somebody else has created; wait for a person if the key is refused
  starter link --manager demo --org 5f1b2c3d4e5f6a7b8c9d0e1f --token-ref env:LINK_TOKEN_DEMO \
    --if-linked relink --on-blocked wait`

func (a *app) linkCommand() *cobra.Command {
	var (
		request migrationlink.LinkRequest
		token   tokenFlags
		file    requestFile
		wait    waiting
	)
	cmd := flagsOnly("link", "Start or join the link of an organization and watch it", linkHelp, linkExample, func(cmd *cobra.Command) error {
		problems := waitProblem(cmd, "timeout", wait.limit)
		if a.dryRun && wait.requireReady {
			problems = append(problems, "--require-ready: cannot be combined with --dry-run, because an assessment starts a workflow; use 'starter assess'")
		}
		if err := usageError(cmd, problems...); err != nil {
			return err
		}
		if given(cmd, "file") {
			if err := a.readRequest(cmd, file, linkFields, &request); err != nil {
				return err
			}
		} else if err := a.linkFlags(cmd, &request, token); err != nil {
			return err
		}
		if file.print {
			return a.PrintDocument(request)
		}
		return a.start(cmd.Context(), migrationlink.NewStartRequest(request), wait)
	})
	flags := cmd.Flags()
	targetFlags(cmd, &request.Manager, &request.OrgID)
	startFlags(cmd, "the link", &request.OnBlocked, &wait.detach)
	waitFlag(cmd, "timeout", &wait.limit)
	flags.BoolVar(&wait.requireReady, "require-ready", false, "send nothing unless 'starter assess' finds the organization ready")
	file.register(cmd)
	token.register(cmd)
	a.dryRunFlag(cmd)
	flags.StringVar((*string)(&request.Undo), "undo", "", "when to remove the link again: on-cancel, always (also when it fails or times out) or never (default on-cancel)")
	flags.Var((*fieldDuration)(&request.CreateTimeout), "create-timeout", "how long the manager may take to accept the link (default 10m)")
	flags.Var((*fieldDuration)(&request.SyncTimeout), "sync-timeout", "how long the link may take after that to become SYNCED (default 1h)")
	flags.Var((*fieldDuration)(&request.SettleTime), "settle-time", "how long to look for a link whose create call got no reply (default 60s)")
	flags.StringVar((*string)(&request.IfLinked), "if-linked", "", "what to do about a link that somebody else has created: keep, fail, or relink, which removes it (default keep)")
	flags.BoolVar(&request.VerifyInAtlas, "verify-in-atlas", false, "with --atlas, wait after SYNCED until Atlas shows a project of the organization")
	flags.BoolVar(&request.DeleteTokenOnUndo, "delete-token-on-undo", false, "with --atlas, delete the link-token in Atlas when the link is removed again; only if the target organization has no other link")
	return cmd
}

// linkFields are the flags of the fields of a request.
var linkFields = append([]string{
	"manager", "org", "atlas-org", "access-list-ip", "recipient", "undo", "if-linked", "on-blocked",
	"create-timeout", "sync-timeout", "settle-time", "verify-in-atlas", "delete-token-on-undo",
}, tokenSources...)

// linkFlags completes a request from the flags.
func (a *app) linkFlags(cmd *cobra.Command, request *migrationlink.LinkRequest, token tokenFlags) (err error) {
	request.Token = token.named(cmd)
	wrong, more := token.withoutSource(cmd, request.Validate()), token.check(a, cmd, true)
	if err := flagErrors(cmd, wrong, more, "undo", "if-linked", "on-blocked", "create-timeout", "sync-timeout", "settle-time"); err != nil {
		return err
	}
	request.Token, err = a.tokenSource(cmd.Context(), cmd, token, words.Job{Manager: request.Manager, OrgID: request.OrgID})
	return err
}
