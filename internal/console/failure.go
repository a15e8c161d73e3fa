package console

import (
	"errors"
	"fmt"
	"strings"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/internal/guide"
	"github.com/migrationlink/migrationlink/internal/temporalconn"
	"github.com/migrationlink/migrationlink/internal/terminal"
	"github.com/migrationlink/migrationlink/internal/words"
)

// Exit codes. They are part of the command line's contract.
const (
	ExitOK          = 0 // linked, or what was asked for is done
	ExitOther       = 1 // anything that has no code of its own, also an interrupted wait
	ExitUsage       = 2
	ExitFailed      = 3
	ExitTimedOut    = 4
	ExitCancelled   = 5
	ExitDifferent   = 6  // another request for the organization is running
	ExitUnreachable = 7  // nothing was sent
	ExitUnknown     = 8  // Temporal stopped answering after something was sent
	ExitBlocked     = 9  // it waits for a person; from commands that do not wait for that
	ExitNotFound    = 10 // there is no link to show, or none that is running
	ExitWaiting     = 11 // --timeout has passed; the link continues
)

// Failure is an error as a command prints it.
type Failure struct {
	Code     int      `json:"code"`               // the exit code
	Message  string   `json:"message"`            // lower case, no full stop
	Remedy   string   `json:"remedy,omitempty"`   // whole sentences
	Problems []string `json:"problems,omitempty"` // one per field
	// Type is the error type of the contract that "starter explain" knows, or empty.
	Type string `json:"-"`
}

// About returns f as a failure of an error type.
func (f Failure) About(errorType string) Failure {
	f.Type = errorType
	return f
}

// AboutProblem returns f as a failure of the type of a problem, which may be nil.
func (f Failure) AboutProblem(problem *migrationlink.Problem) Failure {
	if problem == nil {
		return f
	}
	return f.About(problem.Type)
}

// Fail returns a Failure with a formatted message.
func Fail(code int, remedy, format string, args ...any) Failure {
	return Failure{Code: code, Message: fmt.Sprintf(format, args...), Remedy: remedy}
}

func (f Failure) Error() string {
	if f.Remedy == "" {
		return f.Message
	}
	return strings.TrimSuffix(f.Message, ".") + ". " + f.Remedy
}

// FailureOf returns any error in the parts of a Failure, on one line each.
func FailureOf(err error) Failure {
	found, ok := errors.AsType[Failure](err)
	known, isConnection := errors.AsType[*temporalconn.Error](err)
	switch {
	case ok:
	case isConnection:
		found = Failure{Code: ExitOther, Message: known.Message, Remedy: known.Remedy}
		if known.Kind == temporalconn.Unreachable {
			found.Code = ExitUnreachable
		}
	default:
		found = Failure{Code: ExitOther, Message: err.Error()}
	}
	found.Message, found.Remedy = words.OneLine(found.Message), words.OneLine(found.Remedy)
	return found
}

// Text is for a person at a terminal of a width, or without a terminal if that is 0.
func (f Failure) Text(width int) string {
	return terminal.Error{Message: f.Message, Problems: f.Problems, Remedy: f.Remedy}.Text(defaultProgram, width) + f.more()
}

// more points to the explanation of the error type, on a line of its own.
func (f Failure) more() string {
	if command := ExplainCommand(f.Type); command != "" {
		return "More: " + command + "\n"
	}
	return ""
}

// ExplainCommand returns the command that explains an error type, or "" if there is no such type.
func ExplainCommand(errorType string) string {
	if _, known := guide.Lookup(errorType); !known {
		return ""
	}
	return "starter explain " + errorType
}

// UseUpdates is the remedy where Temporal does not offer updates.
const UseUpdates = "Use a Temporal server of version " + temporalconn.LeastServer + " or later, with frontend.enableUpdateWorkflowExecution, which is its default."

// asksForJSON is for a command line that could not be read to its end.
func asksForJSON(args []string) bool {
	for i, arg := range args {
		switch arg {
		case "-ojson", "-o=json", "--output=json", "-ojsonl", "-o=jsonl", "--output=jsonl":
			return true
		case "-o", "--output":
			return i+1 < len(args) && (args[i+1] == "json" || args[i+1] == "jsonl")
		}
	}
	return false
}
