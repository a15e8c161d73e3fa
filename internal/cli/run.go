// Package cli is the command line of starter: it starts links, shows them, and
// is the operator's hand on those that are under way. Every command takes its surroundings from an Environment, so
// that it runs in the process of a test or of another program as well.
package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/migrationlink/migrationlink/internal/buildinfo"
)

// app is one run of the command line.
type app struct {
	env Environment

	output    string
	address   string
	namespace string
	profile   string
	verbose   bool
}

// Run carries out the command of env.Args and returns the exit code. A ctx that
// ends interrupts the waiting for a link, never the link.
func Run(ctx context.Context, env Environment) int {
	a := &app{env: env.withDefaults()}
	root := a.rootCommand()
	root.SetArgs(append([]string{}, env.Args...)) // nil would mean the process's own
	root.SetIn(env.Stdin)
	root.SetOut(env.Stdout)
	root.SetErr(env.Stderr)
	err := root.ExecuteContext(ctx)
	if err != nil {
		a.printError(err)
	}
	return exitCode(err)
}

const rootHelp = `Starter links source organizations of MongoDB Ops Manager or Cloud Manager to
target organizations of Atlas, by workflows that run in Temporal. A link goes on
when starter ends: watch it with "starter status --watch", end it with
"starter cancel". With -o json stdout has one object at most, and an error is one
object on stderr: {"error": {"code", "message", "remedy", "problems"}}.

Exit codes:
  0  the organization is SYNCED, or what was asked for is done
  1  anything else; also a wait that was interrupted, the link goes on
  2  wrong usage
  3  the link failed
  4  the link timed out
  5  the link was cancelled
  6  another request for the organization is under way
  7  Temporal cannot be reached

Temporal is found by the variables and profiles that its own command line uses:
TEMPORAL_ADDRESS (default localhost:7233), TEMPORAL_NAMESPACE (default
"default"), TEMPORAL_API_KEY, TEMPORAL_TLS_*, TEMPORAL_PROFILE.
MIGRATIONLINK_RECIPIENT is the public key, age1…, that link-tokens are sealed to.
Text output has colour on a terminal only, and none if NO_COLOR is set.`

const rootExample = `  starter link   --manager demo --org 5f1b2c3d4e5f6a7b8c9d0e1f --token-ref env:LINK_TOKEN_DEMO
  starter status --manager demo --org 5f1b2c3d4e5f6a7b8c9d0e1f
  starter list   --state blocked
  starter doctor --manager demo --org 5f1b2c3d4e5f6a7b8c9d0e1f
  starter cancel --manager demo --org 5f1b2c3d4e5f6a7b8c9d0e1f --reason "wrong target"`

func (a *app) rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:           "starter",
		Short:         "Link organizations to Atlas",
		Long:          rootHelp,
		Example:       rootExample,
		Args:          knownCommand,
		SilenceErrors: true,
		SilenceUsage:  true,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			if a.output != "text" && a.output != "json" {
				return wrongUsage(cmd, `--output: use "text" or "json"`)
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error {
			return wrongUsage(cmd, "a command is missing; there are "+strings.Join(commandNames(cmd), ", "))
		},
	}
	flags := root.PersistentFlags()
	flags.StringVarP(&a.output, "output", "o", "text", "form of the output: text or json")
	flags.StringVar(&a.address, "address", "", "host:port of Temporal, instead of TEMPORAL_ADDRESS")
	flags.StringVar(&a.namespace, "namespace", "", "namespace in Temporal, instead of TEMPORAL_NAMESPACE")
	flags.StringVar(&a.profile, "profile", "", "profile of Temporal's configuration file, instead of TEMPORAL_PROFILE")
	flags.BoolVar(&a.verbose, "verbose", false, "log what the Temporal client does")
	root.SetFlagErrorFunc(wrongFlag)
	root.SetUsageTemplate(strings.ReplaceAll(root.UsageTemplate(), ".FlagUsages ", fmt.Sprintf(".FlagUsagesWrapped %d ", a.helpWidth())))
	root.AddCommand(a.linkCommand(), a.unlinkCommand(), a.statusCommand(), a.cancelCommand(),
		a.retryCommand(), a.extendCommand(), a.checkCommand(), a.listCommand(), a.doctorCommand(),
		a.sealCommand(), a.keygenCommand(), completionCommand())
	root.Version = buildinfo.Text()
	a.completeFlags(root)
	return root
}

// helpWidth is that of the texts above where there is no terminal.
func (a *app) helpWidth() int {
	if width := a.env.TerminalWidth(a.env.Stdout); width > 0 {
		return width - 1
	}
	return 100
}

func (a *app) json() bool { return a.output == "json" }

// say prints a line for a person; the output of -o json is for a program.
func (a *app) say(format string, args ...any) {
	if !a.json() {
		fmt.Fprintf(a.env.Stdout, format+"\n", args...)
	}
}
