package cli

import (
	"context"
	"io"
	"os"
	"os/user"
	"regexp"
	"time"

	"golang.org/x/term"
)

// Environment is everything that a command takes from its surroundings. Args
// and the streams are required; what else is missing is the process's own.
type Environment struct {
	// Args are the arguments without the program's name.
	Args   []string
	Stdin  io.Reader
	Stdout io.Writer
	Stderr io.Writer
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
}

// Process is the environment of this process.
func Process() Environment {
	return Environment{Args: os.Args[1:], Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr}
}

func (e Environment) withDefaults() Environment {
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
		e.TerminalWidth = terminalWidth
	}
	if e.HiddenLine == nil {
		e.HiddenLine = hiddenLine
	}
	return e
}

// user is who starts something, in the form of user@host.
func (e Environment) user() string {
	name, _ := e.LookupEnv("USER")
	if current, err := user.Current(); name == "" && err == nil {
		name = current.Username
	}
	host, _ := os.Hostname() // none is a name, too
	return foreign.ReplaceAllString(name, "-") + "@" + foreign.ReplaceAllString(host, "-")
}

var foreign = regexp.MustCompile(`[^A-Za-z0-9._-]`)

// variables is the environment in the form that envconfig takes.
type variables struct{ env Environment }

func (v variables) Environ() []string                    { return v.env.Environ() }
func (v variables) LookupEnv(name string) (string, bool) { return v.env.LookupEnv(name) }

// isTerminal tells whether a view may be redrawn in place on w.
func (e Environment) isTerminal(w io.Writer) bool {
	kind, _ := e.LookupEnv("TERM")
	return kind != "dumb" && e.TerminalWidth(w) > 0
}

// colour follows no-color.org: any value but the empty one turns it off.
func (e Environment) colour() bool {
	value, _ := e.LookupEnv("NO_COLOR")
	return value == ""
}

func terminalWidth(w io.Writer) int {
	file, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(file.Fd())) {
		return 0
	}
	width, _, err := term.GetSize(int(file.Fd()))
	if err != nil || width <= 0 {
		return 80 // a terminal that does not know its size, as a serial line
	}
	return width
}
