package console

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/user"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/migrationlink/migrationlink/internal/terminal"
	"github.com/migrationlink/migrationlink/internal/words"
)

// Environment is everything that a command takes from its surroundings. Args
// and the streams are required; the defaults of the others are those of the process.
type Environment struct {
	// Args are the arguments without the program's name.
	Args []string
	// Program is the path of the program as it was called, "starter" by default.
	Program string
	Stdin   io.Reader
	Stdout  io.Writer
	Stderr  io.Writer
	// LookupEnv reads the environment; Environ lists it in the form of
	// os.Environ, for the few variables that have free names
	// (TEMPORAL_GRPC_META_*).
	LookupEnv func(name string) (string, bool)
	Environ   func() []string
	// Now is the clock, time.Now by default; Location is where the times of text
	// output are, time.Local by default.
	Now      func() time.Time
	Location *time.Location
	// TerminalWidth returns the columns of the terminal behind a stream, or 0 if
	// there is none. By default the operating system is asked.
	TerminalWidth func(io.Writer) int
	// HiddenLine returns how a line is read from the terminal behind a stream
	// without showing it, or nil if there is none. By default the operating system
	// is asked.
	HiddenLine func(io.Reader) func(context.Context) ([]byte, error)

	CallTimeout time.Duration // of one call to Temporal, for tests; 0 means the usual one

	named func(string) string // nil for the default name, see Console.NameProgram
}

// Process is the environment of this process.
func Process() Environment {
	return Environment{Args: os.Args[1:], Program: os.Args[0], Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr}
}

// WithDefaults fills in what is missing.
func (e Environment) WithDefaults() Environment {
	if e.LookupEnv == nil {
		e.LookupEnv, e.Environ = os.LookupEnv, os.Environ
	}
	if e.Environ == nil {
		e.Environ = func() []string { return nil }
	}
	if e.Now == nil {
		e.Now = time.Now
	}
	if e.Location == nil {
		e.Location = time.Local
	}
	if e.TerminalWidth == nil {
		e.TerminalWidth = terminal.Width
	}
	if e.HiddenLine == nil {
		e.HiddenLine = hiddenLine
	}
	return e
}

// WrongZone describes a TZ that names no time zone, for which Go uses UTC; empty if there is
// nothing wrong.
func (e Environment) WrongZone() string {
	value, _ := e.LookupEnv("TZ")
	name := strings.TrimPrefix(value, ":")
	if name == "" {
		return ""
	}
	if filepath.IsAbs(name) {
		if _, err := os.Stat(name); err == nil {
			return ""
		}
	} else if _, err := time.LoadLocation(name); err == nil {
		return ""
	}
	return words.OneLine(fmt.Sprintf("TZ=%q is not a time zone of this machine", value))
}

// User is the user of this process, as user@host.
func (e Environment) User() string {
	name, _ := e.LookupEnv("USER")
	if current, err := user.Current(); name == "" && err == nil {
		name = current.Username
	}
	host, _ := os.Hostname() // none is a name, too
	return unsafeChar.ReplaceAllString(name, "-") + "@" + unsafeChar.ReplaceAllString(host, "-")
}

var unsafeChar = regexp.MustCompile(`[^A-Za-z0-9._-]`)

// Variables is the environment in the form that envconfig takes.
type Variables struct{ Env Environment }

// Environ lists the variables.
func (v Variables) Environ() []string { return v.Env.Environ() }

// LookupEnv reads one variable.
func (v Variables) LookupEnv(name string) (string, bool) { return v.Env.LookupEnv(name) }

// IsTerminal reports whether a view may be redrawn in place on w.
func (e Environment) IsTerminal(w io.Writer) bool {
	kind, _ := e.LookupEnv("TERM")
	return kind != "dumb" && e.TerminalWidth(w) > 0
}

// Colour follows no-color.org: any value but the empty one turns it off.
func (e Environment) Colour() bool {
	value, _ := e.LookupEnv("NO_COLOR")
	return value == ""
}
