package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/internal/seal"
)

const sealHelp = `Seal encrypts a link-token to the workers, so that nobody else can read it, and
prints the armoured age file. What is printed may be kept and sent anywhere; it
serves the one organization that it was sealed for.

The link-token is read from standard input or a file, never from an argument:
every user of the machine can see those. On a terminal it is asked for and not
shown. The recipient is the public key of the workers. Take it from where
'starter keygen' has printed it: whoever gives you another reads your link-token.

With -o json it prints {"token": {"sealed", "fingerprint"}}, to be put into the
request of another program; 'starter link --sealed-token-file' takes both forms.
Temporal is not needed.`

const sealExample = `  starter seal --manager demo --org 5f1b2c3d4e5f6a7b8c9d0e1f --recipient age1… > acme.age

  # the recipient from the environment, the link-token from a password manager
  export MIGRATIONLINK_RECIPIENT=age1…
  pass show atlas/acme | starter seal --manager demo --org 5f1b2c3d4e5f6a7b8c9d0e1f -o json

  # and later, anywhere
  starter link --manager demo --org 5f1b2c3d4e5f6a7b8c9d0e1f --sealed-token-file acme.age`

func (a *app) sealCommand() *cobra.Command {
	var (
		whose           target
		file, recipient string
	)
	cmd := &cobra.Command{
		Use:     "seal",
		Short:   "Encrypt a link-token to the workers",
		Long:    sealHelp,
		Example: sealExample,
		Args:    noToken,
		RunE: func(cmd *cobra.Command, _ []string) error {
			from := input{}
			var problems []string
			if cmd.Flags().Changed("token-file") {
				from = input{"token-file", file}
				problems = emptyFiles(cmd, "token-file")
			}
			to, problem := a.recipient(recipient, cmd.Flags().Changed("recipient"))
			if problem != "" {
				problems = append(problems, problem)
			}
			if err := wrongFlags(cmd, whose.validate(), problems); err != nil {
				return err
			}
			source, err := a.sealed(cmd.Context(), from, to, whose)
			if err != nil {
				return err
			}
			return a.printSealed(source)
		},
	}
	whose.register(cmd)
	cmd.Flags().StringVar(&file, "token-file", "", "read the link-token from this file instead of standard input")
	cmd.Flags().StringVar(&recipient, "recipient", "", "recipient that the link-token is sealed to, age1…, instead of "+recipientVariable)
	return cmd
}

// noToken tells why a link-token is not taken there, without repeating it.
func noToken(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return wrongUsage(cmd, cmd.CommandPath()+" takes no argument: every user of the machine can see it, and the shell keeps it; "+
		"give the link-token on standard input or with --token-file (if that was one, have another made in Atlas)")
}

// sealed reads a link-token and seals it for one organization.
func (a *app) sealed(ctx context.Context, from input, to seal.Recipient, whose target) (migrationlink.TokenSource, error) {
	token, err := a.readLinkToken(ctx, from)
	if err != nil {
		return migrationlink.TokenSource{}, err
	}
	source, err := to.Seal(seal.Token{Manager: whose.manager, OrgID: whose.orgID, LinkToken: token})
	if err != nil {
		return source, failure{ExitOther, "the link-token cannot be sealed: " + err.Error(), ""}
	}
	return source, nil
}

func (a *app) printSealed(source migrationlink.TokenSource) error {
	if a.json() {
		return a.printJSON(sealedJSON{Token: source})
	}
	_, err := fmt.Fprint(a.env.Stdout, source.Sealed)
	return err
}
