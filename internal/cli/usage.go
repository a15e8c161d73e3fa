package cli

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/migrationlink/migrationlink"
)

// usageError is a command line that cannot be carried out.
type usageError struct {
	command  string // with the program's name
	problems []string
}

func (e usageError) Error() string { return strings.Join(e.problems, "; ") }

func (e usageError) tell() told {
	help := fmt.Sprintf("Run '%s --help' for examples.", e.command)
	if len(e.problems) == 1 {
		return told{Code: ExitUsage, Message: e.problems[0], Remedy: help}
	}
	return told{ExitUsage, fmt.Sprintf("%d flags are wrong", len(e.problems)), help, e.problems}
}

func wrongUsage(cmd *cobra.Command, problems ...string) error {
	return usageError{command: cmd.CommandPath(), problems: problems}
}

// flagOf names the flag of each field of the contract.
var flagOf = map[string]string{
	"manager":                   "manager",
	"orgId":                     "org",
	"token.ref":                 "token-ref",
	"token.atlas":               "atlas",
	"token.atlas.name":          "atlas",
	"token.atlas.orgId":         "atlas-org",
	"token.atlas.accessListIps": "access-list-ip",
	"undo":                      "undo",
	"createTimeout":             "create-timeout",
	"syncTimeout":               "sync-timeout",
	"settleTime":                "settle-time",
	"ifLinked":                  "if-linked",
	"onBlocked":                 "on-blocked",
	"verifyInAtlas":             "verify-in-atlas",
	"deleteTokenOnUndo":         "delete-token-on-undo",
	"timeout":                   "timeout",
	"by":                        "by",
	"until":                     "until",
}

// inFlags puts the flags in the place of fields in the words of the contract.
var inFlags = strings.NewReplacer(
	"token.sealed or token.atlas", "--token-stdin, --token-file, --sealed-token-file or --atlas",
	"set token.atlas", "give --atlas", "token.sealed", "--sealed-token-file", "token.atlas", "--atlas",
	"(a link-token itself is never accepted)", "(a link-token itself is never accepted; "+argumentsAreSeen+")",
	"which is never accepted", "which is never accepted ("+argumentsAreSeen+")")

// argumentsAreSeen is for who may have put a link-token on the command line.
const argumentsAreSeen = "every user of the machine can see an argument, and the shell keeps it; if it was one, have another made in Atlas"

// flagProblems name the flags of the fields that have one.
func flagProblems(fields []migrationlink.FieldProblem) []string {
	problems := make([]string, len(fields))
	for i, field := range fields {
		name, _, _ := strings.Cut(field.Field, "[") // of one of several values
		problem := inFlags.Replace(field.Problem)
		problems[i] = oneLine(field.Field + ": " + problem)
		if flag, ok := flagOf[name]; ok {
			problems[i] = oneLine(fmt.Sprintf("--%s (%s): %s", flag, field.Field, problem))
		}
	}
	return problems
}

// wrongFields turns the problems that the contract finds into those of flags,
// together with optional flags that are given and empty: the contract takes an
// empty field for its default, but nobody writes --undo "$X" to get that.
func wrongFields(cmd *cobra.Command, err error, optional ...string) error {
	return wrongFlags(cmd, err, nil, optional...)
}

// wrongFlags is wrongFields with problems that were found in another way.
func wrongFlags(cmd *cobra.Command, err error, more []string, optional ...string) error {
	var problems []string
	if invalid, ok := errors.AsType[*migrationlink.ValidationError](err); ok {
		problems = flagProblems(invalid.Problems)
	}
	problems = append(problems, more...)
	for _, name := range optional {
		if flag := cmd.Flags().Lookup(name); flag.Changed && flag.Value.String() == "" {
			problems = append(problems, "--"+name+": the value is empty; leave the flag out for the default")
		}
	}
	if len(problems) == 0 {
		return err
	}
	return wrongUsage(cmd, problems...)
}

// word is what may be repeated of a wrong command line: everything else may be a
// secret in the wrong place.
var word = regexp.MustCompile(`^[a-z][a-z-]{0,15}$`)

// wrongFlag replaces pflag's own messages, which repeat values.
func wrongFlag(cmd *cobra.Command, err error) error {
	if unknown, ok := errors.AsType[*pflag.NotExistError](err); ok {
		if name := unknown.GetSpecifiedName(); unknown.GetSpecifiedShortnames() == "" && (word.MatchString(name) || isFlag(cmd.Root(), name)) {
			return wrongUsage(cmd, "unknown flag --"+name)
		}
		return wrongUsage(cmd, "unknown flag")
	}
	if missing, ok := errors.AsType[*pflag.ValueRequiredError](err); ok {
		return wrongUsage(cmd, "--"+missing.GetFlag().Name+": a value is missing")
	}
	if invalid, ok := errors.AsType[*pflag.InvalidValueError](err); ok {
		return wrongUsage(cmd, fmt.Sprintf("--%s: the value is not a %s", invalid.GetFlag().Name, invalid.GetFlag().Value.Type()))
	}
	return wrongUsage(cmd, "a flag cannot be read; write --name value")
}

// isFlag tells whether any command has a flag of this name.
func isFlag(cmd *cobra.Command, name string) bool {
	return cmd.Flags().Lookup(name) != nil ||
		slices.ContainsFunc(cmd.Commands(), func(sub *cobra.Command) bool { return isFlag(sub, name) })
}

func noArguments(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return wrongUsage(cmd, cmd.CommandPath()+" takes flags only, there is an argument without a flag")
}

func knownCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	unknown := "unknown command"
	if word.MatchString(args[0]) {
		unknown += fmt.Sprintf(" %q", args[0])
	}
	return wrongUsage(cmd, unknown+"; there are "+strings.Join(commandNames(cmd), ", "))
}

func commandNames(cmd *cobra.Command) []string {
	var names []string
	for _, command := range cmd.Commands() {
		if command.IsAvailableCommand() {
			names = append(names, command.Name())
		}
	}
	return names
}
