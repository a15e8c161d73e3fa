package starter

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/migrationlink/migrationlink/internal/console"
	"github.com/migrationlink/migrationlink/internal/seal"
	"github.com/migrationlink/migrationlink/redact"
)

const keygenHelp = `Keygen creates an age identity for the workers, and its recipient. The identity
is secret: name its file under tokens.identities in the configuration of every
worker. The recipient is public: link-tokens are sealed to it.

The output has the format of age-keygen. Without --output-file, the identity
goes to stdout and the recipient to stderr.`

const keygenExample = `  # the identity into a file that nobody else can read, the recipient to stdout
  starter keygen --output-file identity.txt

  # a post-quantum identity; its recipient has 2000 characters
  starter keygen --post-quantum --output-file identity.txt

  # into a secret store, without a file
  starter keygen | vault kv put secret/migrationlink identity=-`

type keygenFlags struct {
	postQuantum bool
	file        string
}

func (a *app) keygenCommand() *cobra.Command {
	var given keygenFlags
	cmd := flagsOnly("keygen", "Create the key pair that link-tokens are sealed to", keygenHelp, keygenExample, func(cmd *cobra.Command) error {
		problems := emptyFiles(cmd, "output-file")
		if a.JSON() && !cmd.Flags().Changed("output-file") {
			problems = append(problems, "--output-file: required with -o json, because an identity is never part of the JSON output")
		}
		if len(problems) > 0 {
			return usageError(cmd, problems...)
		}
		return a.keygen(given)
	})
	cmd.Flags().BoolVar(&given.postQuantum, "post-quantum", false, "create a post-quantum identity, ML-KEM-768 and X25519 together")
	cmd.Flags().StringVar(&given.file, "output-file", "", "write the identity to this new file, for its owner only, and print the recipient")
	return cmd
}

func (a *app) keygen(given keygenFlags) error {
	identity, recipient, err := seal.GenerateIdentity(given.postQuantum)
	if err != nil {
		return err
	}
	text := identityFile(identity, recipient, a.Env.Now())
	if given.file != "" {
		return a.writeIdentity(given.file, text, recipient)
	}
	if file, ok := console.Underlying(a.Env.Stdout).(*os.File); ok {
		if info, err := file.Stat(); err == nil && console.EverybodyReads(info) {
			a.Warn("every user of this machine can read the file that the identity is written to (mode %04o); use --output-file", info.Mode().Perm())
		}
	}
	if a.Env.TerminalWidth(a.Env.Stdout) == 0 { // else it is seen in the comment
		fmt.Fprintf(a.Env.Stderr, "Public key: %s\n", recipient)
	}
	_, err = fmt.Fprint(a.Env.Stdout, text.Reveal())
	return err
}

// identityFile is what age-keygen writes.
func identityFile(identity redact.Secret, recipient seal.Recipient, now time.Time) redact.Secret {
	return redact.NewSecret(fmt.Sprintf("# created: %s\n# public key: %s\n%s\n", now.Format(time.RFC3339), recipient, identity.Reveal()))
}

func (a *app) writeIdentity(file string, text redact.Secret, recipient seal.Recipient) error {
	const remedy = "Name another file: without the identity in this one, link-tokens that are sealed to it cannot be opened."
	if err := writeNew(file, text, remedy); err != nil {
		return err
	}
	if a.JSON() {
		return a.PrintJSON(map[string]string{"file": file, "recipient": recipient.String()})
	}
	a.Say("%s", recipient)
	return nil
}

// writeNew writes a file that only its owner can read. It replaces none, and
// leaves no half of a file behind.
func writeNew(name string, text redact.Secret, remedyIfThere string) error {
	file, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600) //nolint:gosec // the file that the user names
	if errors.Is(err, fs.ErrExist) {
		return alreadyThere(name, remedyIfThere)
	}
	if err == nil {
		_, err = file.WriteString(text.Reveal())
		err = errors.Join(err, file.Sync(), file.Close())
		if err != nil {
			_ = os.Remove(name)
		}
	}
	if failed, ok := errors.AsType[*fs.PathError](err); ok {
		return console.Fail(console.ExitOther, "", "%s cannot be written: %v", name, failed.Err)
	}
	return err
}

func alreadyThere(name, remedy string) error {
	return console.Fail(console.ExitOther, remedy, "%s already exists; nothing was written", name)
}
