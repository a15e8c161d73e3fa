package starter

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/internal/commandline"
	"github.com/migrationlink/migrationlink/internal/console"
	"github.com/migrationlink/migrationlink/internal/words"
)

// flagsOnly returns a command that takes only flags.
func flagsOnly(name, short, help, example string, run func(*cobra.Command) error) *cobra.Command {
	return &cobra.Command{
		Use: name, Short: short, Long: help, Example: example, Args: rejectArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return run(cmd) },
	}
}

// usageError is the error of a command line that cannot be carried out.
// It is nil without problems.
func usageError(cmd *cobra.Command, problems ...string) error {
	if len(problems) == 0 {
		return nil
	}
	help := fmt.Sprintf("Run '%s --help' for examples.", cmd.CommandPath())
	if len(problems) == 1 {
		return console.Fail(console.ExitUsage, help, "%s", problems[0])
	}
	return console.Failure{Code: console.ExitUsage, Message: fmt.Sprintf("%d flags are wrong", len(problems)), Remedy: help, Problems: problems}
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
	"atlas":                     "atlas",
	"atlasOrgId":                "atlas-org",
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
	"reason":                    "reason",
}

// flagWords puts the flags in the place of fields in the words of the contract.
var flagWords = strings.NewReplacer(
	"token.sealed or token.atlas", "--token-stdin, --token-file, --sealed-token-file or --atlas",
	`"1h30m", and days in hours: "24h"`, `"1h30m" or "7d"`,
	"set token.atlas", "give --atlas", "token.sealed", "--sealed-token-file", "token.atlas", "--atlas",
	"(a link-token itself is never accepted)", "(a link-token itself is never accepted; "+exposedHint+")",
	"which is never accepted", "which is never accepted ("+exposedHint+")")

// exposedHint is for a link-token that may have been on the command line.
const exposedHint = "if it was one, it is now in your shell history, and every user of the machine may have seen it: revoke it, and generate a new one in Atlas"

// revokeHint is for an argument that may have been a secret.
const revokeHint = "; if it was a link-token or a key, it is now in your shell history: revoke it"

// mayBeSecret reports whether an argument is none of the words of a command line.
func mayBeSecret(argument string) bool {
	const shortest = 16
	return len(argument) >= shortest && !plainWord.MatchString(argument)
}

// flagProblems name the flags of the fields that have one.
func flagProblems(fields []migrationlink.FieldProblem) []string {
	problems := make([]string, len(fields))
	for i, field := range fields {
		name, rest, several := strings.Cut(field.Field, "[")
		problem := flagWords.Replace(field.Problem)
		flag, ok := flagOf[name]
		if !ok {
			problems[i] = words.OneLine(field.Field + ": " + problem)
			continue
		}
		number, err := strconv.Atoi(strings.TrimSuffix(rest, "]"))
		if several && err == nil {
			flag += fmt.Sprintf(", value %d", number+1)
		}
		problems[i] = words.OneLine(fmt.Sprintf("--%s: %s", flag, problem))
	}
	return problems
}

// requiredFlags are the fields that have no default.
var requiredFlags = map[string]string{
	"manager":           "required; name a manager of the workers' configuration, or set " + managerVariable,
	"orgId":             "required; give the 24 hexadecimal digits of the organization's id",
	"token.atlas.orgId": "required with --atlas; give the id of the target organization",
	"atlas":             "required; use the NAME of a section [atlas.NAME] of the workers' configuration",
	"atlasOrgId":        "required; give the id of the target organization",
}

// markRequired distinguishes missing flags from those with a wrong value.
func markRequired(cmd *cobra.Command, fields []migrationlink.FieldProblem) []migrationlink.FieldProblem {
	told := slices.Clone(fields)
	for i, field := range told {
		if text, ok := requiredFlags[field.Field]; ok && !cmd.Flags().Changed(flagOf[field.Field]) {
			told[i].Problem = text
		}
	}
	return told
}

// flagErrors turns the problems that the contract finds into those of flags. It adds
// more, problems that were found in another way, and optional flags that are given
// and empty: the contract takes an empty field for its default, but nobody writes
// --undo "$X" to get that.
func flagErrors(cmd *cobra.Command, err error, more []string, optional ...string) error {
	var problems []string
	if invalid, ok := errors.AsType[*migrationlink.ValidationError](err); ok {
		problems = flagProblems(markRequired(cmd, invalid.Problems))
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
	return usageError(cmd, problems...)
}

// plainWord is what may be repeated of a wrong command line: everything else may be a
// secret in the wrong place.
var plainWord = regexp.MustCompile(`^[a-z][a-z-]{0,15}$`)

// flagError replaces pflag's own messages, which repeat values.
func flagError(cmd *cobra.Command, err error) error {
	if args := cmd.Flags().Args(); !cmd.HasParent() && len(args) > 0 {
		return unknownCommand(cmd, args) // whose flags are not known, either
	}
	if unknown, ok := errors.AsType[*pflag.NotExistError](err); ok {
		if name := unknown.GetSpecifiedName(); unknown.GetSpecifiedShortnames() == "" && (plainWord.MatchString(name) || isFlag(cmd.Root(), name)) {
			return usageError(cmd, "unknown flag --"+name)
		}
		return usageError(cmd, "unknown flag")
	}
	if missing, ok := errors.AsType[*pflag.ValueRequiredError](err); ok {
		return usageError(cmd, "--"+missing.GetFlag().Name+": a value is missing")
	}
	if invalid, ok := errors.AsType[*pflag.InvalidValueError](err); ok {
		if errors.Is(err, commandline.ErrRepeated) {
			return usageError(cmd, "--"+invalid.GetFlag().Name+": given more than once; give it once")
		}
		return usageError(cmd, fmt.Sprintf("--%s: the value is not a %s", invalid.GetFlag().Name, invalid.GetFlag().Value.Type()))
	}
	return usageError(cmd, "a flag cannot be read; write --name value")
}

// isFlag reports whether any command has a flag of this name.
func isFlag(cmd *cobra.Command, name string) bool {
	return cmd.Flags().Lookup(name) != nil ||
		slices.ContainsFunc(cmd.Commands(), func(sub *cobra.Command) bool { return isFlag(sub, name) })
}

func rejectArguments(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	problem := cmd.CommandPath() + " takes only flags; there is an argument without a flag"
	if slices.ContainsFunc(args, mayBeSecret) {
		problem += revokeHint
	}
	return usageError(cmd, problem)
}

func unknownCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	unknown := "unknown command"
	if plainWord.MatchString(args[0]) {
		unknown += fmt.Sprintf(" %q", args[0])
		if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
			unknown += fmt.Sprintf("; did you mean %q?", near[0])
			return usageError(cmd, unknown+" There are "+strings.Join(commandNames(cmd), ", "))
		}
	} else if mayBeSecret(args[0]) {
		unknown += revokeHint
	}
	return usageError(cmd, unknown+"; there are "+strings.Join(commandNames(cmd), ", "))
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
