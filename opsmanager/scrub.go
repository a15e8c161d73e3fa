package opsmanager

import (
	"regexp"

	"github.com/migrationlink/migrationlink/redact"
)

// statusWord is what a status looks like. Any other text may be anything.
var statusWord = regexp.MustCompile(`^[A-Z][A-Z_]{0,31}$`)

// scrub makes a text from the manager fit to be shown.
func (c *Client) scrub(call *call, text string) string {
	return redact.Scrub(text, call.secret, c.privateKey)
}
