package starter

import (
	"errors"
	"slices"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/internal/console"
	"github.com/migrationlink/migrationlink/internal/payload"
	"github.com/migrationlink/migrationlink/internal/words"
)

// requestFile are the flags for a whole request as JSON.
type requestFile struct {
	name  string
	print bool
}

func (f *requestFile) register(cmd *cobra.Command) {
	cmd.Flags().StringVarP(&f.name, "file", "f", "", `read the request from this JSON file, instead of flags; "-" is standard input`)
	cmd.Flags().BoolVar(&f.print, "print-request", false, "print the request as JSON for --file, and send nothing")
}

// readRequest reads a request from a file, and checks it. fields are the flags that cannot be
// combined with a file.
func (a *app) readRequest(cmd *cobra.Command, file requestFile, fields []string, into interface{ Validate() error }) error {
	problems := emptyFiles(cmd, "file")
	cmd.Flags().VisitAll(func(flag *pflag.Flag) {
		if flag.Changed && slices.Contains(fields, flag.Name) {
			problems = append(problems, "--"+flag.Name+": cannot be combined with --file; change the request in the file")
		}
	})
	if len(problems) > 0 {
		return usageError(cmd, problems...)
	}
	from := console.Input{Flag: "file", File: file.name}
	text, _, err := a.ReadText(cmd.Context(), from, "request", payload.MaxSize)
	if err != nil {
		return err
	}
	if err := payload.Strict(text.Reveal(), into); err != nil {
		return invalidRequest(file.name, err)
	}
	return invalidRequest(file.name, into.Validate())
}

// invalidRequest names the fields in JSON.
func invalidRequest(file string, err error) error {
	if file == "-" {
		file = "standard input"
	}
	invalid, ok := errors.AsType[*migrationlink.ValidationError](err)
	if !ok {
		return err
	}
	failure := console.Fail(console.ExitUsage, "See docs/reference/schema.json, or print a request with --print-request.", "the request in %s is not valid", words.OneLine(file))
	for _, field := range invalid.Problems {
		failure.Problems = append(failure.Problems, words.OneLine(field.Field+": "+field.Problem))
	}
	return failure
}
