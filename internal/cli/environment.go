package cli

import (
	"context"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"go.temporal.io/sdk/client"
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
	// Env holds "NAME=value" pairs, the last of a name counts. Nil means the
	// process's environment.
	Env []string
	// Now is the clock, time.Now by default; Location is where the times of text
	// output are, time.Local by default.
	Now      func() time.Time
	Location *time.Location
	// TerminalWidth returns the columns of the terminal behind a stream, or 0 if
	// there is none. By default the operating system is asked.
	TerminalWidth func(io.Writer) int

	dial func(context.Context, client.Options) (client.Client, error)
}

// Process is the environment of this process.
func Process() Environment {
	return Environment{Args: os.Args[1:], Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr}
}

func (e Environment) withDefaults() Environment {
	if e.Env == nil {
		e.Env = os.Environ()
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
	if e.dial == nil {
		e.dial = client.DialContext
	}
	return e
}

// Environ returns the environment in the form of os.Environ.
func (e Environment) Environ() []string { return e.Env }

// LookupEnv returns the value of an environment variable, and whether it is set.
func (e Environment) LookupEnv(name string) (string, bool) {
	for _, pair := range slices.Backward(e.Env) {
		if value, found := strings.CutPrefix(pair, name+"="); found {
			return value, true
		}
	}
	return "", false
}

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
