package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/migrationlink/migrationlink/internal/seal"
	"github.com/migrationlink/migrationlink/redact"
)

const keygenHelp = `Keygen makes an age identity for the workers, and its recipient. The identity is
secret: name its file under tokens.identities in the configuration of every
worker. The recipient is public: it is what link-tokens are sealed to.

It is what age-keygen makes. Without --output-file the identity is printed, and
the recipient on standard error.`

const keygenExample = `  # the identity into a file that nobody else can read, the recipient to stdout
  starter keygen --output-file identity.txt

  # one that a quantum computer does not open, with a recipient of 2000 characters
  starter keygen --post-quantum --output-file identity.txt

  # into a store of secrets, without a file
  starter keygen | vault kv put secret/migrationlink identity=-`

type keygenFlags struct {
	postQuantum bool
	file        string
}

func (a *app) keygenCommand() *cobra.Command {
	var given keygenFlags
	cmd := &cobra.Command{
		Use:     "keygen",
		Short:   "Make the key that link-tokens are sealed to",
		Long:    keygenHelp,
		Example: keygenExample,
		Args:    noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			problems := emptyFiles(cmd, "output-file")
			if a.json() && !cmd.Flags().Changed("output-file") {
				problems = append(problems, "--output-file: needed with -o json, as an identity is not shown in JSON")
			}
			if len(problems) > 0 {
				return wrongUsage(cmd, problems...)
			}
			return a.keygen(given)
		},
	}
	cmd.Flags().BoolVar(&given.postQuantum, "post-quantum", false, "make a post-quantum one, ML-KEM-768 and X25519 together")
	cmd.Flags().StringVar(&given.file, "output-file", "", "write the identity to this new file, for its owner only, and print the recipient")
	return cmd
}

func (a *app) keygen(given keygenFlags) error {
	identity, recipient, err := seal.GenerateIdentity(given.postQuantum)
	if err != nil {
		return err
	}
	text := identityFile(identity, recipient, a.env.Now())
	if given.file != "" {
		return a.writeIdentity(given.file, text, recipient)
	}
	if file, ok := a.env.Stdout.(*os.File); ok {
		if info, err := file.Stat(); err == nil && everybodyReads(info) {
			a.warn("every user of this machine can read the file that the identity is written to (mode %04o); use --output-file", info.Mode().Perm())
		}
	}
	if a.env.TerminalWidth(a.env.Stdout) == 0 { // else it is seen in the comment
		fmt.Fprintf(a.env.Stderr, "Public key: %s\n", recipient)
	}
	_, err = fmt.Fprint(a.env.Stdout, text.Reveal())
	return err
}

// identityFile is what age-keygen writes.
func identityFile(identity redact.Secret, recipient seal.Recipient, now time.Time) redact.Secret {
	return redact.NewSecret(fmt.Sprintf("# created: %s\n# public key: %s\n%s\n", now.Format(time.RFC3339), recipient, identity.Reveal()))
}

func (a *app) writeIdentity(file string, text redact.Secret, recipient seal.Recipient) error {
	if err := writeNew(file, text); err != nil {
		return err
	}
	if a.json() {
		return a.printJSON(map[string]string{"file": file, "recipient": recipient.String()})
	}
	a.say("%s", recipient)
	return nil
}

// writeNew leaves no half of a file behind.
func writeNew(name string, text redact.Secret) error {
	file, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600) //nolint:gosec // the file that the user names
	if errors.Is(err, fs.ErrExist) {
		return failure{ExitOther, name + " is there already; nothing was written", "Name another file: what is sealed to the identity in this one could not be opened any more."}
	}
	if err == nil {
		_, err = file.WriteString(text.Reveal())
		err = errors.Join(err, file.Sync(), file.Close())
		if err != nil {
			_ = os.Remove(name)
		}
	}
	if failed, ok := errors.AsType[*fs.PathError](err); ok {
		return failure{ExitOther, fmt.Sprintf("%s cannot be written: %v", name, failed.Err), ""}
	}
	return err
}
