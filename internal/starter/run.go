// Package starter is the command line: it starts links, shows them, and lets operators inspect,
// retry, extend or cancel running ones. Every command takes its surroundings from a
// console.Environment, so that it also runs in the process of a test or of another program.
package starter

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/migrationlink/migrationlink/internal/buildinfo"
	"github.com/migrationlink/migrationlink/internal/commandline"
	"github.com/migrationlink/migrationlink/internal/console"
)

// app is one run of the command line.
type app struct {
	console.Console

	address   string
	namespace string
	profile   string
	verbose   bool
	dryRun    bool
}

// Run carries out the command of env.Args and returns the exit code. A ctx that
// ends interrupts the waiting for a link, never the link.
func Run(ctx context.Context, env console.Environment) int {
	env, stdout := env.WithDefaults().Watched()
	a := &app{Console: console.Console{Env: env}}
	root := a.rootCommand()
	a.NameProgram(commandNames(root))
	env = a.Env
	root.SetArgs(append([]string{}, env.Args...)) // nil would mean the process's own
	root.SetIn(env.Stdin)
	root.SetOut(env.Stdout)
	root.SetErr(env.Stderr)
	err := root.ExecuteContext(ctx)
	if err != nil && !stdout.Caused(err) {
		a.PrintFailure(failureOf(err))
	}
	if problem := stdout.Problem(); problem != nil {
		a.PrintFailure(failureOf(problem))
		err = errors.Join(err, problem)
	}
	if err == nil {
		return console.ExitOK
	}
	return failureOf(err).Code
}

// Command returns the command line, for generators of its documentation.
func Command(env console.Environment) *cobra.Command {
	a := &app{Console: console.Console{Env: env.WithDefaults()}}
	return a.rootCommand()
}

const rootHelp = `Link source organizations of MongoDB Ops Manager or Cloud Manager to target
organizations in Atlas. Each link is a workflow in Temporal: it continues after
this command ends. Use "starter status --watch" to watch it and "starter
cancel" to end it.

Results are written to stdout, progress and errors to stderr. With -o json,
stdout has at most one object, and an error is a single JSON object on stderr:
{"error": {"code", "message", "remedy", "problems"}}.

Exit codes:
  0   the organization is SYNCED, or the command succeeded
  1   any other problem; also an interrupted wait, while the link continues
  2   wrong usage
  3   the link failed
  4   the link timed out
  5   the link was cancelled
  6   a different request for the organization is running
  7   Temporal cannot be reached, and nothing was sent
  8   Temporal stopped answering after something was sent: the outcome is
      unknown. Use "starter status" to see it; repeating the command is safe
  9   the link is blocked: it waits until somebody fixes a problem
  10  not found: the organization has no link to show, or none that is running
  11  the command stopped waiting after --timeout; the link continues

Durations are numbers with units, such as 90s, 1h30m, 1d or 7d.

Environment:
  TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE, TEMPORAL_API_KEY, TEMPORAL_TLS_*,
  TEMPORAL_PROFILE
           where Temporal is, as for the command "temporal". The default is
           localhost:7233, namespace "default"
  TEMPORAL_CODEC_ENDPOINT, TEMPORAL_CODEC_AUTH
           a codec server that all payloads go through
  MIGRATIONLINK_MANAGER
           the default of --manager, for commands that need a manager
  MIGRATIONLINK_ATLAS
           the default of --atlas, if --atlas-org is given
  MIGRATIONLINK_RECIPIENT
           the public key, age1…, that link-tokens are sealed to
  NO_COLOR
           if set, text on a terminal is not colored`

const rootExample = `  starter link   --manager demo --org 5f1b2c3d4e5f6a7b8c9d0e1f --token-ref env:LINK_TOKEN_DEMO
  starter status --manager demo --org 5f1b2c3d4e5f6a7b8c9d0e1f
  starter list   --state blocked
  starter doctor --manager demo --org 5f1b2c3d4e5f6a7b8c9d0e1f
  starter cancel --manager demo --org 5f1b2c3d4e5f6a7b8c9d0e1f --reason "wrong target"`

func (a *app) rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:           a.Env.ProgramFile(),
		Annotations:   map[string]string{cobra.CommandDisplayNameAnnotation: a.Env.ProgramName()},
		Short:         "Link organizations to Atlas",
		Long:          rootHelp,
		Example:       rootExample,
		Args:          unknownCommand,
		SilenceErrors: true,
		SilenceUsage:  true,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			return a.prepare(cmd)
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	flags := root.PersistentFlags()
	flags.StringVarP(&a.Output, "output", "o", "text", "output format: text or json")
	flags.StringVar(&a.address, "address", "", "host:port of Temporal, instead of TEMPORAL_ADDRESS")
	flags.StringVar(&a.namespace, "namespace", "", "namespace in Temporal, instead of TEMPORAL_NAMESPACE")
	flags.StringVar(&a.profile, "profile", "", "profile of Temporal's configuration file, instead of TEMPORAL_PROFILE")
	flags.BoolVar(&a.verbose, "verbose", false, "log what the Temporal client does")
	root.SetFlagErrorFunc(flagError)
	root.SetUsageTemplate(strings.ReplaceAll(root.UsageTemplate(), ".FlagUsages ", fmt.Sprintf(".FlagUsagesWrapped %d ", a.helpWidth())))
	a.addCommands(root)
	root.Version = buildinfo.Text()
	a.completeFlags(root)
	root.SuggestionsMinimumDistance = 2
	if len(a.Env.Args) == 0 || !strings.HasPrefix(a.Env.Args[0], "__complete") { // which parses them twice
		commandline.RejectRepeats(root)
	}
	return root
}

// addCommands groups the commands in the help.
func (a *app) addCommands(root *cobra.Command) {
	add := func(title string, commands ...*cobra.Command) {
		root.AddGroup(&cobra.Group{ID: title, Title: title + ":"})
		for _, command := range commands {
			command.GroupID = title
		}
		root.AddCommand(commands...)
	}
	add("Link and unlink", a.linkCommand(), a.unlinkCommand())
	add("Show links", a.statusCommand(), a.listCommand())
	add("Act on a running link", a.retryCommand(), a.extendCommand(), a.checkCommand(), a.cancelCommand())
	add("Check and set up", a.assessCommand(), a.projectsCommand(), a.doctorCommand(), a.explainCommand(), a.sealCommand(), a.keygenCommand())
	add("This program", completionCommand(), a.versionCommand())
	root.SetHelpCommandGroupID("This program")
}

// prepare checks and completes the flags of a command before it runs.
func (a *app) prepare(cmd *cobra.Command) error {
	if problem := outputProblem(cmd, a.Output); problem != "" {
		return usageError(cmd, problem)
	}
	if wrong := a.Env.WrongZone(); wrong != "" {
		a.Warn("%s: times without an offset are in UTC", wrong)
	}
	return a.applyDefaults(cmd)
}

// helpWidth is that of the texts above where there is no terminal.
func (a *app) helpWidth() int {
	if width := a.Env.TerminalWidth(a.Env.Stdout); width > 0 {
		return width - 1
	}
	return 100
}
