package starter

import (
	"context"
	"encoding/json"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/internal/console"
	"github.com/migrationlink/migrationlink/internal/seal"
	"github.com/migrationlink/migrationlink/internal/words"
	"github.com/migrationlink/migrationlink/redact"
)

const sealHelp = `Seal encrypts a link-token for the workers, so that nobody else can read it,
and prints an armored age file. You can store and send the output anywhere; it
works only for the organization that it was sealed for.

The link-token is read from standard input or a file, never from an argument:
every user of the machine can see arguments. On a terminal it is typed without
echo. With --output-file the output goes to a new file that only you can read.
Use it on Windows: '>' of PowerShell writes UTF-16, which is not an age file.
An existing file is never replaced.

The recipient is the public key of the workers. Take it from the output of
'starter keygen': whoever gives you a different one can read your link-token.

With -o json it prints {"token": {"sealed", "fingerprint"}} for the request of
another program. 'starter link --sealed-token-file' accepts both forms. Seal
does not need Temporal.`

const sealExample = `  starter seal --manager demo --org 5f1b2c3d4e5f6a7b8c9d0e1f --recipient age1… > acme.age

  # into a file, without the shell
  starter seal --manager demo --org 5f1b2c3d4e5f6a7b8c9d0e1f --recipient age1… --token-file token.txt --output-file acme.age

  # with the recipient from the environment and the link-token from a password manager
  export MIGRATIONLINK_RECIPIENT=age1…
  pass show atlas/acme | starter seal --manager demo --org 5f1b2c3d4e5f6a7b8c9d0e1f -o json

  # and later, anywhere
  starter link --manager demo --org 5f1b2c3d4e5f6a7b8c9d0e1f --sealed-token-file acme.age`

func (a *app) sealCommand() *cobra.Command {
	var (
		whose                   words.Job
		file, output, recipient string
	)
	cmd := flagsOnly("seal", "Encrypt a link-token for the workers", sealHelp, sealExample, func(cmd *cobra.Command) error {
		from := console.Input{}
		problems := emptyFiles(cmd, "output-file")
		if cmd.Flags().Changed("token-file") {
			from = console.Input{Flag: "token-file", File: file}
			problems = append(problems, emptyFiles(cmd, "token-file")...)
		}
		to, problem := a.recipient(recipient, cmd.Flags().Changed("recipient"))
		if problem != "" {
			problems = append(problems, problem)
		}
		if err := flagErrors(cmd, validate(whose), problems); err != nil {
			return err
		}
		if _, err := os.Lstat(output); err == nil { // before anybody types a link-token
			return alreadyThere(output, existingFileHint)
		}
		source, err := a.sealed(cmd.Context(), from, to, whose)
		if err != nil {
			return err
		}
		return a.printSealed(source, output)
	})
	cmd.Args = rejectToken
	targetFlags(cmd, &whose.Manager, &whose.OrgID)
	cmd.Flags().StringVar(&file, "token-file", "", "read the link-token from this file instead of standard input")
	cmd.Flags().StringVar(&output, "output-file", "", "write the result to this new file, for its owner only, instead of standard output")
	cmd.Flags().StringVar(&recipient, "recipient", "", "recipient to seal the link-token to, age1…, instead of "+recipientVariable)
	return cmd
}

// rejectToken explains why an argument is not accepted, without repeating it: it may be a link-token.
func rejectToken(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return usageError(cmd, cmd.CommandPath()+" takes no argument: every user of the machine can see it, and the shell keeps it; "+
		"give the link-token on standard input or with --token-file (if that was one, generate a new one in Atlas)")
}

// sealed reads a link-token and seals it for one organization.
func (a *app) sealed(ctx context.Context, from console.Input, to seal.Recipient, whose words.Job) (migrationlink.TokenSource, error) {
	token, err := a.readLinkToken(ctx, from)
	if err != nil {
		return migrationlink.TokenSource{}, err
	}
	source, err := to.Seal(seal.Token{Manager: whose.Manager, OrgID: whose.OrgID, LinkToken: token})
	if err != nil {
		return source, console.Fail(console.ExitOther, "", "the link-token cannot be sealed: %v", err)
	}
	return source, nil
}

// existingFileHint is the remedy where the output file exists.
const existingFileHint = "Name another file, or remove this one first."

// printSealed prints the result, or writes the same to a new file.
func (a *app) printSealed(source migrationlink.TokenSource, output string) error {
	text := source.Sealed
	if a.JSON() {
		if output == "" {
			return a.PrintJSON(sealedJSON{Token: source})
		}
		encoded, err := json.Marshal(sealedJSON{Token: source})
		if err != nil {
			return err
		}
		text = string(encoded) + "\n"
	}
	if output != "" {
		return writeNew(output, redact.NewSecret(text), existingFileHint)
	}
	_, err := fmt.Fprint(a.Env.Stdout, text)
	return err
}
