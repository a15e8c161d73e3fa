package starter

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/internal/console"
	"github.com/migrationlink/migrationlink/internal/links"
	"github.com/migrationlink/migrationlink/internal/temporalconn"
)

const completionHelp = `Completion prints a script that makes the shell complete commands, flags and
their values with TAB. It asks Temporal for managers, Atlas connections and the
organizations that a command applies to. If Temporal does not answer within two
seconds, nothing is completed.

  bash   needs the package bash-completion. For this shell, and in ~/.bashrc:
           source <(starter completion bash)
  zsh    after compinit, for this shell, and in ~/.zshrc:
           source <(starter completion zsh)
  fish   for this shell:
           starter completion fish | source
         for every shell:
           starter completion fish > ~/.config/fish/completions/starter.fish
  powershell
         for this shell, and in the file that $PROFILE names:
           starter completion powershell | Out-String | Invoke-Expression

The script completes the name with which you called this program. The shell
must find that name in PATH.`

const completionExample = `  source <(starter completion bash)
  starter completion fish > ~/.config/fish/completions/starter.fish`

var shells = []string{"bash", "zsh", "fish", "powershell"}

func completionCommand() *cobra.Command {
	return &cobra.Command{
		Use:       "completion bash|zsh|fish|powershell",
		Short:     "Print the script for shell completion",
		Long:      completionHelp,
		Example:   completionExample,
		ValidArgs: shells,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 || !slices.Contains(shells, args[0]) {
				return usageError(cmd, "name one shell: "+strings.Join(shells, ", "))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			root, out := cmd.Root(), cmd.OutOrStdout()
			switch args[0] {
			case "zsh":
				return root.GenZshCompletion(out)
			case "fish":
				return root.GenFishCompletion(out, true)
			case "powershell":
				return root.GenPowerShellCompletionWithDesc(out)
			}
			return root.GenBashCompletionV2(out, true)
		},
	}
}

// completeFlags gives every flag of every command its values: without, a shell
// would offer the names of files.
func (a *app) completeFlags(cmd *cobra.Command) {
	register := func(flag *pflag.Flag) {
		if _, has := cmd.GetFlagCompletionFunc(flag.Name); !has {
			_ = cmd.RegisterFlagCompletionFunc(flag.Name, a.valuesOf(flag.Name)) // fails only for a flag that is not there
		}
	}
	cmd.LocalFlags().VisitAll(register)
	cmd.PersistentFlags().VisitAll(register)
	if !cmd.HasSubCommands() && len(cmd.ValidArgs) == 0 && cmd.ValidArgsFunction == nil {
		cmd.ValidArgsFunction = completeArguments
	}
	for _, command := range cmd.Commands() {
		a.completeFlags(command)
	}
}

// completeArguments offers the flags, as no command takes anything else.
func completeArguments(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
	var names []string
	cmd.LocalFlags().VisitAll(func(flag *pflag.Flag) {
		if !flag.Changed && !flag.Hidden && flag.Name != "help" {
			names = append(names, "--"+flag.Name+"\t"+flag.Usage)
		}
	})
	return names, cobra.ShellCompDirectiveNoFileComp
}

// fixedValues are those of flags that have a choice, each with its meaning.
var fixedValues = map[string][]string{
	"undo": {
		string(migrationlink.UndoOnCancel) + "\tremove the link when it is cancelled (default)",
		string(migrationlink.UndoAlways) + "\talso when it fails or times out",
		string(migrationlink.UndoNever) + "\tleave it in any case",
	},
	"if-linked": {
		string(migrationlink.KeepLink) + "\tleave the link of somebody else (default)",
		string(migrationlink.FailIfLinked) + "\tleave it and fail",
		string(migrationlink.Relink) + "\tremove it and make a new one",
	},
	"on-blocked": {
		string(migrationlink.FailWhenBlocked) + "\tend with the problem (default)",
		string(migrationlink.WaitWhenBlocked) + "\twait until a person has fixed it",
	},
}

func (a *app) valuesOf(flag string) cobra.CompletionFunc {
	if values, ok := fixedValues[flag]; ok {
		return cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp|cobra.ShellCompDirectiveKeepOrder)
	}
	switch flag {
	case "manager":
		return a.completeManagers
	case "atlas":
		return a.completeAtlas
	case "org":
		return a.completeOrgs
	case "state":
		return completeSeveral(links.States)
	case "problem":
		return completeSeveral(problemTypes)
	case "outcome":
		return completeSeveral(outcomes)
	case "output":
		return completeOutput
	case "profile":
		return a.completeProfiles
	case "token-ref":
		return cobra.FixedCompletions([]string{
			"env:" + migrationlink.EnvTokenPrefix + "\ta variable of the workers", "file:\ta file in their directory of link-tokens",
		}, cobra.ShellCompDirectiveNoFileComp|cobra.ShellCompDirectiveNoSpace)
	case "config":
		return cobra.FixedCompletions([]string{"toml"}, cobra.ShellCompDirectiveFilterFileExt)
	case "file", "token-file", "sealed-token-file", "output-file":
		return cobra.FixedCompletions(nil, cobra.ShellCompDirectiveDefault) // the names of files
	}
	return cobra.NoFileCompletions
}

// completeOutput offers the forms of the command: list has two more than others.
func completeOutput(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
	values := []string{"text\tfor people", "json\tone object, for programs"}
	if cmd.Name() == "list" {
		values = append(values, "jsonl\tone object for each link", "name\tone workflow id for each link")
	}
	return values, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveKeepOrder
}

// completeSeveral completes the last of several values.
func completeSeveral(known []string) cobra.CompletionFunc {
	return func(_ *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
		before := typed[:strings.LastIndex(typed, ",")+1]
		var values []string
		for _, value := range known {
			if !slices.Contains(strings.Split(before, ","), value) {
				values = append(values, before+value)
			}
		}
		return values, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveKeepOrder
	}
}

func (a *app) completeProfiles(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	_, loaded, _ := temporalconn.Profiles(console.Variables{Env: a.Env})
	var names []string
	for name := range loaded.Profiles {
		names = append(names, name)
	}
	slices.Sort(names)
	return names, cobra.ShellCompDirectiveNoFileComp
}

// completeLimit is how long a person waits after pressing TAB, less the time that the process
// itself takes.
const completeLimit = 1700 * time.Millisecond

// lookUp returns values from Temporal, or none: a completion reports no errors.
func (a *app) lookUp(cmd *cobra.Command, look func(context.Context, *links.Client) []string) ([]string, cobra.ShellCompDirective) {
	ctx, cancel := context.WithTimeout(cmd.Context(), completeLimit)
	defer cancel()
	found := make(chan []string, 1)
	go func() {
		c, err := a.connect(ctx)
		if err != nil {
			found <- nil
			return
		}
		found <- look(ctx, c)
		c.Close()
	}()
	var values []string
	select {
	case values = <-found:
	case <-ctx.Done():
	}
	return values, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveKeepOrder
}
