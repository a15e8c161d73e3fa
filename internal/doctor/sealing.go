package doctor

import (
	"fmt"
	"slices"
	"strings"

	"github.com/migrationlink/migrationlink/internal/console"
	"github.com/migrationlink/migrationlink/internal/seal"
	"github.com/migrationlink/migrationlink/internal/words"
)

// checkSealing checks whether the worker that answered can open what is sealed here. It never
// suggests a recipient that a worker names: an attacker could name their own.
func (d *doctor) checkSealing(recipients []string) Check {
	const name = "sealing"
	text, _ := d.Env.LookupEnv(d.given.Recipient)
	set := strings.TrimSpace(text) != ""
	if !set && len(recipients) == 0 {
		return skipped(name, "the worker has no identity to open sealed link-tokens, and "+d.given.Recipient+" is not set")
	}
	shown := make([]string, len(recipients))
	for i, r := range recipients {
		shown[i] = shortRecipient(r)
	}
	c := good(name, "the worker opens link-tokens sealed to %s; before you set %s, compare that with the output of 'starter keygen'",
		strings.Join(shown, " or "), d.given.Recipient)
	if set {
		c = compareRecipients(d.given.Recipient, text, recipients, shown)
	}
	c.Names = recipients
	return c
}

func compareRecipients(variable, text string, recipients, shown []string) Check {
	const name = "sealing"
	mine, err := seal.ParseRecipient(strings.TrimSpace(text))
	switch {
	case err != nil: // the text may be a secret
		return bad(name, variable+": "+err.Error(), "Set it to the recipient of the workers, age1…, as 'starter keygen' printed it.")
	case len(recipients) == 0:
		return bad(name, "the worker has no identity, so it cannot open link-tokens sealed to "+mine.Short(),
			"Name the file of the identity under tokens.identities in the configuration of every worker. Workers of older versions have none.")
	case !slices.Contains(recipients, mine.String()):
		return bad(name, fmt.Sprintf("%s is %s, but the worker opens only link-tokens sealed to %s", variable, mine.Short(), strings.Join(shown, " or ")),
			"Set it to the recipient that 'starter keygen' printed for the workers, not to one that a worker reports: that could be anybody's. "+
				"If it is already right, add its identity to tokens.identities in the configuration of every worker.")
	}
	return good(name, "the worker opens link-tokens sealed to %s, %s", mine.Short(), variable)
}

// shortRecipient abridges a recipient: a post-quantum one has 2000 characters.
func shortRecipient(recipient string) string {
	if known, err := seal.ParseRecipient(recipient); err == nil {
		return known.Short()
	}
	return console.Line{{Text: words.OneLine(recipient)}}.Fit(64).Render(false)
}
