package cli

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/internal/temporalconn"
)

// Exit codes. They are part of the command line's contract.
const (
	ExitOK          = 0 // linked, or what was asked for is done
	ExitOther       = 1 // anything that has no code of its own, also an interrupted wait
	ExitUsage       = 2
	ExitFailed      = 3
	ExitTimedOut    = 4
	ExitCancelled   = 5
	ExitUnreachable = 7
)

// failure is an error with an exit code and the remedy.
type failure struct {
	code    int
	message string // lower case, no full stop
	remedy  string // whole sentences
}

func (f failure) Error() string {
	if f.remedy == "" {
		return f.message
	}
	return strings.TrimSuffix(f.message, ".") + ". " + f.remedy
}

func exitCode(err error) int {
	if err == nil {
		return ExitOK
	}
	if usage := (usageError{}); errors.As(err, &usage) {
		return ExitUsage
	}
	if known, ok := errors.AsType[failure](err); ok {
		return known.code
	}
	if known, ok := errors.AsType[*temporalconn.Error](err); ok && known.Kind == temporalconn.Unreachable {
		return ExitUnreachable
	}
	return ExitOther
}

// outcomeCode is the exit code of a command that asked for a link.
func outcomeCode(outcome migrationlink.Outcome) int {
	switch outcome {
	case migrationlink.OutcomeLinked, migrationlink.OutcomeAlreadyLinked:
		return ExitOK
	case migrationlink.OutcomeFailed:
		return ExitFailed
	case migrationlink.OutcomeTimedOut:
		return ExitTimedOut
	case migrationlink.OutcomeCancelled:
		return ExitCancelled
	}
	return ExitOther
}

// outcomeError is nil for a link that is there.
func outcomeError(result migrationlink.LinkResult) error {
	code := outcomeCode(result.Outcome)
	if code == ExitOK {
		return nil
	}
	message, remedy := outcomeText(result)
	return failure{code: code, message: message, remedy: remedy}
}

func printError(w io.Writer, err error) {
	if usage := (usageError{}); errors.As(err, &usage) {
		fmt.Fprint(w, usage.text())
		return
	}
	fmt.Fprintln(w, "starter: "+oneLine(err.Error()))
}

// oneLine keeps words from outside from moving the cursor of a terminal, and an
// error on one line.
func oneLine(text string) string {
	clean := strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, text)
	return strings.Join(strings.Fields(clean), " ")
}
