package cli

import (
	"encoding/json"
	"errors"
	"fmt"
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
	ExitDifferent   = 6 // another request for the organization is under way
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

// conflict is a failure with the fields that are its reason.
type conflict struct {
	failure
	problems []string
}

func exitCode(err error) int {
	if err == nil {
		return ExitOK
	}
	return tell(err).Code
}

// told is an error in the parts in which it is told.
type told struct {
	Code     int      `json:"code"`    // the exit code
	Message  string   `json:"message"` // lower case, no full stop
	Remedy   string   `json:"remedy,omitempty"`
	Problems []string `json:"problems,omitempty"` // one per field
}

func tell(err error) told {
	if usage, ok := errors.AsType[usageError](err); ok {
		return usage.tell()
	}
	if refused, ok := errors.AsType[conflict](err); ok {
		return told{refused.code, oneLine(refused.message), oneLine(refused.remedy), refused.problems}
	}
	if known, ok := errors.AsType[failure](err); ok {
		return told{Code: known.code, Message: oneLine(known.message), Remedy: oneLine(known.remedy)}
	}
	if known, ok := errors.AsType[*temporalconn.Error](err); ok {
		code := ExitOther
		if known.Kind == temporalconn.Unreachable {
			code = ExitUnreachable
		}
		return told{Code: code, Message: oneLine(known.Message), Remedy: oneLine(known.Remedy)}
	}
	return told{Code: ExitOther, Message: oneLine(err.Error())}
}

// text is for a person: one line, or one more for each of several fields.
func (t told) text() string {
	switch {
	case len(t.Problems) > 0:
		return fmt.Sprintf("starter: %s:\n  %s\n%s\n", t.Message, strings.Join(t.Problems, "\n  "), t.Remedy)
	case t.Remedy == "":
		return "starter: " + t.Message + "\n"
	}
	return "starter: " + strings.TrimSuffix(t.Message, ".") + ". " + t.Remedy + "\n"
}

// outcomeCode is the exit code of a command that asked for a workflow.
func outcomeCode(outcome migrationlink.Outcome) int {
	if outcome.Done() {
		return ExitOK
	}
	switch outcome {
	case migrationlink.OutcomeFailed:
		return ExitFailed
	case migrationlink.OutcomeTimedOut:
		return ExitTimedOut
	case migrationlink.OutcomeCancelled:
		return ExitCancelled
	}
	return ExitOther
}

// outcomeError is nil for a workflow that did what it was asked for.
func outcomeError(run linkRun, result migrationlink.LinkResult) error {
	code := outcomeCode(result.Outcome)
	if code == ExitOK {
		return nil
	}
	message, remedy := outcomeText(run, result)
	return failure{code: code, message: message, remedy: remedy}
}

// printError writes to stderr in either form of the output, so that stdout
// never has more than the one object of a command.
func (a *app) printError(err error) {
	if !a.json() && !asksForJSON(a.env.Args) {
		fmt.Fprint(a.env.Stderr, tell(err).text())
		return
	}
	text, _ := json.Marshal(map[string]told{"error": tell(err)}) // it holds nothing that cannot be written
	fmt.Fprintln(a.env.Stderr, string(text))
}

// asksForJSON is for a command line that could not be read to its end.
func asksForJSON(args []string) bool {
	for i, arg := range args {
		switch arg {
		case "-ojson", "-o=json", "--output=json":
			return true
		case "-o", "--output":
			return i+1 < len(args) && args[i+1] == "json"
		}
	}
	return false
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
