// Package words holds the sentences about a status or a result of a link. Workflow code uses it: it
// imports the contract, and nothing of Temporal.
package words

import (
	"fmt"
	"strings"
	"time"

	"github.com/migrationlink/migrationlink/redact"
)

// OneLine makes text from outside printable, on one line: it cannot move the cursor of a terminal.
func OneLine(text string) string {
	return strings.Join(strings.Fields(redact.Printable(text)), " ")
}

// Sentences puts a message and its remedy on one line.
func Sentences(message, remedy string) string {
	message, remedy = OneLine(message), OneLine(remedy)
	if remedy == "" {
		return message
	}
	return strings.TrimSuffix(message, ".") + ". " + remedy
}

// Count returns a number with its noun: 1 poll, 2 polls.
func Count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// Duration shows a duration to the second, as clocks do: 9s, 1m05s, 2h00m.
func Duration(d time.Duration) string {
	d = max(d, 0).Round(time.Second)
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%ds", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%dm%02ds", int(d.Minutes()), int(d.Seconds())%60)
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh%02dm", int(d.Hours()), int(d.Minutes())%60)
	}
	return fmt.Sprintf("%dd%02dh", int(d.Hours())/24, int(d.Hours())%24)
}
