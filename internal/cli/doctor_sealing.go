package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/migrationlink/migrationlink/internal/seal"
)

// checkSealing tells whether the worker that has answered can open what is
// sealed here. It advises nobody to seal to what a worker says: that may be of
// somebody who wants to read link-tokens.
func (d *doctor) checkSealing(recipients []string) check {
	const name = "sealing"
	text, _ := d.env.LookupEnv(recipientVariable)
	set := strings.TrimSpace(text) != ""
	if !set && len(recipients) == 0 {
		return skipped(name, "the worker has no identity that link-tokens could be sealed to, and "+recipientVariable+" is not set")
	}
	shown := make([]string, len(recipients))
	for i, r := range recipients {
		shown[i] = shortRecipient(r)
	}
	c := good(name, "the worker opens what is sealed to %s; compare it with what 'starter keygen' printed before you set %s",
		strings.Join(shown, " or "), recipientVariable)
	if set {
		c = compareRecipients(text, recipients, shown)
	}
	c.Names = recipients
	return c
}

func compareRecipients(text string, recipients, shown []string) check {
	const name = "sealing"
	mine, err := seal.ParseRecipient(strings.TrimSpace(text))
	switch {
	case err != nil: // the text may be a secret
		return bad(name, recipientVariable+": "+err.Error(), "Set it to the recipient of the workers, age1…, as 'starter keygen' has printed it.")
	case len(recipients) == 0:
		return bad(name, "the worker has no identity, so that it cannot open what is sealed to "+mine.Short(),
			"Name the file of the identity under tokens.identities in the configuration of every worker. A worker of an older version has none.")
	case !slices.Contains(recipients, mine.String()):
		return bad(name, fmt.Sprintf("%s is %s, and the worker opens only what is sealed to %s", recipientVariable, mine.Short(), strings.Join(shown, " or ")),
			"Look up what 'starter keygen' has printed for the workers, and set it to that: a worker can name a recipient of anybody. "+
				"If it is right already, add its identity to tokens.identities in the configuration of every worker.")
	}
	return good(name, "the worker opens what is sealed to %s, %s", mine.Short(), recipientVariable)
}

// shortRecipient abridges what a worker says: a post-quantum recipient has 2000
// characters.
func shortRecipient(recipient string) string {
	if known, err := seal.ParseRecipient(recipient); err == nil {
		return known.Short()
	}
	return line{{text: oneLine(recipient)}}.fit(64).render(false)
}
