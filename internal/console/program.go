package console

import (
	"path/filepath"
	"regexp"
	"strings"
)

// defaultProgram is the name of the program in all texts, also in those of the workers.
const defaultProgram = "starter"

// plainProgram are the file names that can be shown as the name of the program.
var plainProgram = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,40}$`)

// programFile returns the name of the program's file, as a shell knows it.
func programFile(path string) string {
	name := strings.TrimSuffix(filepath.Base(path), ".exe")
	if !plainProgram.MatchString(name) {
		return defaultProgram
	}
	return name
}

// ProgramFile is the name of the file that was started. A completion script is for this name.
func (e Environment) ProgramFile() string {
	if e.Program == "" {
		return defaultProgram
	}
	return programFile(e.Program)
}

// ProgramName is what people type to start the program. Temporal's command line runs
// temporal-NAME as "temporal NAME": in the file name, "-" separates words and "_" stands for "-".
func (e Environment) ProgramName() string {
	file := e.ProgramFile()
	extension, ok := strings.CutPrefix(file, "temporal-")
	if !ok {
		return file
	}
	return "temporal " + strings.NewReplacer("-", " ", "_", "-").Replace(extension)
}

// NameProgram makes texts name the program as it was called. commands are those of the
// program. JSON on stdout stays as it is: it is data.
func (c *Console) NameProgram(commands []string) {
	name := c.Env.ProgramName()
	if name == defaultProgram {
		return
	}
	var pairs []string
	for _, after := range append([]string{": ", " --help", " COMMAND"}, withSpace(commands)...) {
		pairs = append(pairs, defaultProgram+after, name+after)
	}
	named := strings.NewReplacer(pairs...).Replace
	c.Env.named = named
	if stderr, ok := c.Env.Stderr.(*Output); ok {
		stderr.named = named
	}
	if stdout, ok := c.Env.Stdout.(*Output); ok {
		stdout.named = func(text string) string {
			if c.JSON() {
				return text
			}
			return named(text)
		}
	}
}

func withSpace(commands []string) []string {
	spaced := make([]string, len(commands))
	for i, command := range commands {
		spaced[i] = " " + command
	}
	return spaced
}

// Named returns a text with the program's name as it was called.
func (e Environment) Named(text string) string {
	if e.named == nil {
		return text
	}
	return e.named(text)
}
