package starter

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/spf13/cobra"

	"github.com/migrationlink/migrationlink/internal/console"
	"github.com/migrationlink/migrationlink/internal/guide"
)

const explainHelp = `Explain prints what an error type means, an example, and what to do. Without an
error type it lists all of them. It does not need Temporal.`

const explainExample = `  starter explain
  starter explain KeyRejected
  starter explain KeyRejected -o json`

func (a *app) explainCommand() *cobra.Command {
	return &cobra.Command{
		Use: "explain [TYPE]", Short: "Explain an error type and what to do", Long: explainHelp, Example: explainExample,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 1 {
				return usageError(cmd, "name one error type, or none for a list")
			}
			return nil
		},
		ValidArgsFunction: completeErrorTypes,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return a.explainAll()
			}
			found, ok := guide.Lookup(args[0])
			if !ok {
				return unknownErrorType(cmd, args[0])
			}
			if a.JSON() {
				return a.PrintJSON(explanationOf(found))
			}
			a.Say("%s", a.explanationText(found))
			return nil
		},
	}
}

// explanationJSON is what the command says about one error type.
type explanationJSON struct {
	guide.Error
	Summary string `json:"summary"`
	// Consequence is what happens after the error.
	Consequence string `json:"consequence"`
}

func explanationOf(e guide.Error) explanationJSON {
	return explanationJSON{Error: e, Summary: e.Summary(), Consequence: e.Consequence()}
}

func (a *app) explainAll() error {
	if a.JSON() {
		var all []explanationJSON
		for _, e := range guide.Errors() {
			all = append(all, explanationOf(e))
		}
		return a.PrintJSON(map[string]any{"errors": all})
	}
	for _, effect := range guide.Effects() {
		a.Say("%s:", effect.Heading())
		for _, e := range guide.Errors() {
			if e.Effect == effect {
				a.Say("  %-20s%s", e.Type, e.Summary())
			}
		}
		a.Say("")
	}
	a.Say("Use 'starter explain TYPE' to see what to do.")
	return nil
}

func (a *app) explanationText(e guide.Error) string {
	rows := console.Rows{Width: a.Env.TerminalWidth(a.Env.Stdout)}
	rows.Row("error", e.Type)
	rows.Row("meaning", e.Meaning)
	rows.Row("then", e.Consequence())
	rows.Row("example", e.Example)
	for i, step := range e.Steps {
		rows.Row(fmt.Sprintf("step %d", i+1), step)
	}
	return rows.Text()
}

var shortWord = regexp.MustCompile(`^[A-Za-z]{1,30}$`)

// unknownErrorType repeats only plain words: anything else may be a secret.
func unknownErrorType(cmd *cobra.Command, name string) error {
	problem := "unknown error type"
	if shortWord.MatchString(name) {
		problem += fmt.Sprintf(" %q", name)
		if near := nearErrorType(name); near != "" {
			problem += fmt.Sprintf("; did you mean %q?", near)
		}
	} else if mayBeSecret(name) {
		problem += revokeHint
	}
	return console.Fail(console.ExitUsage, fmt.Sprintf("Run '%s' for a list.", cmd.CommandPath()), "%s", problem)
}

// nearErrorType finds the one error type that a name begins or is a part of, or that has few
// other letters. It is empty if there is none.
func nearErrorType(name string) string {
	names := &cobra.Command{SuggestionsMinimumDistance: 3}
	for _, e := range guide.Errors() {
		if strings.Contains(strings.ToLower(e.Type), strings.ToLower(name)) {
			return e.Type
		}
		names.AddCommand(&cobra.Command{Use: e.Type, Run: func(*cobra.Command, []string) {}})
	}
	if near := names.SuggestionsFor(name); len(near) > 0 {
		return near[0]
	}
	return ""
}

func completeErrorTypes(_ *cobra.Command, given []string, _ string) ([]string, cobra.ShellCompDirective) {
	var types []string
	for _, e := range guide.Errors() {
		if len(given) == 0 {
			types = append(types, e.Type+"\t"+e.Summary())
		}
	}
	return types, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveKeepOrder
}
