// Package console is where a command reads and writes: streams, terminal, secrets typed in,
// tables, failures and their exit codes.
package console

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/migrationlink/migrationlink/internal/words"
)

// Console is where a command reads and writes: the streams, the terminal, and the form of
// the output.
type Console struct {
	Env    Environment
	Output string // "text" or "json"; a command may have others, such as "jsonl"
}

// JSON reports whether the output is JSON, for a program.
func (c *Console) JSON() bool { return c.Output == "json" || c.Output == "jsonl" }

// Say prints a result for a person. With -o json it prints nothing.
func (c *Console) Say(format string, args ...any) {
	if !c.JSON() {
		fmt.Fprintf(c.Env.Stdout, format+"\n", args...)
	}
}

// Note prints progress or a hint for a person, to stderr: stdout is for results. With -o json
// it prints nothing.
func (c *Console) Note(format string, args ...any) {
	if !c.JSON() {
		fmt.Fprintf(c.Env.Stderr, format+"\n", args...)
	}
}

// Warn prints a warning to stderr. With -o json that is for a program, too, unless it is a
// terminal.
func (c *Console) Warn(format string, args ...any) {
	if c.JSON() && c.Env.TerminalWidth(c.Env.Stderr) == 0 {
		return
	}
	warning := Failure{Message: "warning: " + words.OneLine(fmt.Sprintf(format, args...))}
	fmt.Fprint(c.Env.Stderr, warning.Text(c.Env.TerminalWidth(c.Env.Stderr)))
}

// PrintJSON writes the one object of a command, on one line so that line-based
// tools can read it.
func (c *Console) PrintJSON(value any) error {
	text, err := json.Marshal(value)
	if err != nil {
		return err
	}
	fmt.Fprintln(c.Env.Stdout, printableJSON(text)) // Run reports what cannot be written
	return nil
}

// PrintDocument writes a JSON object that people read, too: on several lines, unless -o json
// asks for one.
func (c *Console) PrintDocument(value any) error {
	if c.JSON() {
		return c.PrintJSON(value)
	}
	text, err := json.Marshal(value)
	if err != nil {
		return err
	}
	var document bytes.Buffer
	if err := json.Indent(&document, []byte(printableJSON(text)), "", "  "); err != nil {
		return err
	}
	fmt.Fprintln(c.Env.Stdout, document.String())
	return nil
}

// PrintFailure writes to stderr in either form of the output, so that stdout
// never has more than the one object of a command.
func (c *Console) PrintFailure(failure Failure) {
	if !c.JSON() && !asksForJSON(c.Env.Args) {
		fmt.Fprint(c.Env.Stderr, failure.Text(c.Env.TerminalWidth(c.Env.Stderr)))
		return
	}
	text, _ := json.Marshal(map[string]Failure{"error": failure}) // it holds nothing that cannot be written
	fmt.Fprintln(c.Env.Stderr, printableJSON(text))
}
