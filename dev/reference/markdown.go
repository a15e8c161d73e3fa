package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/migrationlink/migrationlink/internal/console"
	"github.com/migrationlink/migrationlink/internal/starter"
)

// regenerate is the command that rewrites docs/reference/cli.md.
const regenerate = "go -C dev test ./reference -update"

const introduction = `# Commands of starter

What ` + "`starter --help` and `starter COMMAND --help`" + ` print. ` + "`make man`" + ` writes the same as man pages into ` + "`bin/man`" + `.
This page is generated: after a change of a command, run ` + "`" + regenerate + "`" + `.
`

// examplesDay is the day of the example dates in the help: the help shows tomorrow, and a page has
// no tomorrow.
var examplesDay = time.Date(2006, 1, 1, 12, 0, 0, 0, time.UTC)

// environment is that of a machine without settings.
func environment(out io.Writer, args ...string) console.Environment {
	return console.Environment{
		Args: args, Stdin: strings.NewReader(""), Stdout: out, Stderr: out,
		LookupEnv: func(string) (string, bool) { return "", false },
		Now:       func() time.Time { return examplesDay }, Location: time.UTC,
		TerminalWidth: func(io.Writer) int { return 0 },
	}
}

// withoutDate replaces the date of examples.
func withoutDate(text string) string { return strings.ReplaceAll(text, "2006-01-02", "YYYY-MM-DD") }

// markdown returns one page with the help of all commands.
func markdown(ctx context.Context) (string, error) {
	var page strings.Builder
	page.WriteString(introduction)
	for _, command := range commands() {
		var help bytes.Buffer
		args := strings.Fields(command)[1:]
		if code := starter.Run(ctx, environment(&help, append(args, "--help")...)); code != console.ExitOK {
			return "", fmt.Errorf("%s --help ended with exit code %d: %s", command, code, &help)
		}
		fmt.Fprintf(&page, "\n## %s\n\n```text\n%s\n```\n", command, strings.TrimSpace(withoutDate(help.String())))
	}
	return page.String(), nil
}

// commands are the command lines without flags, in the order of the groups in the help.
func commands() []string {
	root := starter.Command(environment(io.Discard))
	paths := []string{root.CommandPath()}
	for _, group := range root.Groups() {
		for _, command := range root.Commands() {
			if command.GroupID == group.ID && isDocumented(command) {
				paths = append(paths, command.CommandPath())
			}
		}
	}
	return paths
}

func isDocumented(command *cobra.Command) bool {
	return command.IsAvailableCommand() && command.Name() != "help"
}
