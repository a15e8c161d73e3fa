package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/migrationlink/migrationlink"
)

const listHelp = `List shows one line per organization: its latest link or unlink, those under way
first, then the others, the last one ended first. With --every-run it shows the
earlier ones as well, as long as Temporal keeps them.

States:
  running     under way, blocked ones included
  blocked     waits for a person: 'starter status' tells the problem and the remedy
  completed   did what it was asked for
  failed      ended with a problem
  timed-out   reached a limit of its request, or of Temporal
  cancelled   ended on request
  terminated  ended by force in Temporal; nothing was undone

Not all is shown at once: the end of the output tells how to go on. On a terminal
that is too narrow some columns are left out; -o json has them all.`

const listExample = `  starter list
  starter list --state blocked
  starter list --state failed,timed-out --manager demo --newer-than 24h

  # what takes longer than it should
  starter list --state running --older-than 1h

  # everything, for a script
  starter list --all -o json`

// listStates are in the order of the help.
var listStates = []string{stateRunning, stateBlocked, stateCompleted, stateFailed, stateTimedOut, stateCancelled, stateTerminated}

const (
	stateBlocked    = "blocked"
	stateCompleted  = "completed"
	stateFailed     = "failed"
	stateTimedOut   = "timed-out"
	stateCancelled  = "cancelled"
	stateTerminated = "terminated"
)

type listFlags struct {
	states    []string
	manager   string
	olderThan time.Duration
	newerThan time.Duration
	everyRun  bool
	limit     int
	all       bool
	page      string

	// after is where the page before ended; with the first page it is nowhere.
	after position
}

func (a *app) listCommand() *cobra.Command {
	var given listFlags
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "List links by state, manager and age",
		Long:    listHelp,
		Example: listExample,
		Args:    noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := given.complete(cmd, a.env.Now()); err != nil {
				return err
			}
			return a.list(cmd.Context(), cmd, given)
		},
	}
	flags := cmd.Flags()
	flags.StringSliceVar(&given.states, "state", nil, "only these states, separated by commas: "+strings.Join(listStates, ", "))
	flags.StringVar(&given.manager, "manager", "", "only this manager")
	flags.DurationVar(&given.olderThan, "older-than", 0, "only what was started longer ago, such as 90m or 24h")
	flags.DurationVar(&given.newerThan, "newer-than", 0, "only what was started since, such as 90m or 24h")
	flags.BoolVar(&given.everyRun, "every-run", false, "show earlier runs of an organization as well, not only the latest")
	flags.IntVar(&given.limit, "limit", 100, "how many at once")
	flags.BoolVar(&given.all, "all", false, "all at once, without a limit")
	flags.StringVar(&given.page, "page", "", "go on where an earlier output ended, which tells the value")
	return cmd
}

// complete checks the flags, and reads the page.
func (f *listFlags) complete(cmd *cobra.Command, now time.Time) error {
	var problems []string
	for _, state := range f.states {
		if !slices.Contains(listStates, state) {
			problems = append(problems, "--state: not a state; use "+strings.Join(listStates, ", "))
			break
		}
	}
	if cmd.Flags().Changed("manager") && !migrationlink.ValidManagerName(f.manager) {
		problems = append(problems, "--manager: not a manager's name; use it as in the worker's configuration")
	}
	for name, age := range map[string]time.Duration{"older-than": f.olderThan, "newer-than": f.newerThan} {
		if cmd.Flags().Changed(name) && age <= 0 {
			problems = append(problems, "--"+name+": not above zero; write for example 90m or 24h")
		}
	}
	if f.limit <= 0 {
		problems = append(problems, "--limit: not above zero; use --all for no limit")
	}
	var err error
	if f.after, err = parsePosition(f.page, now); err != nil {
		problems = append(problems, "--page: not what an earlier output told; leave it out for the first page")
	}
	if len(problems) == 0 {
		return nil
	}
	slices.Sort(problems)
	return wrongUsage(cmd, problems...)
}

func (a *app) list(ctx context.Context, cmd *cobra.Command, given listFlags) error {
	s, err := a.connect(ctx)
	if err != nil {
		return err
	}
	defer s.Close()
	found, more, err := given.collect(s.runs(ctx, given.query()))
	if err != nil {
		return s.explain(ctx, err)
	}
	next := ""
	if more {
		next = found[len(found)-1].position(given.after.asOf).String()
	}
	if a.json() {
		return a.printJSON(newListJSON(found, next))
	}
	if len(found) == 0 {
		fmt.Fprintf(a.env.Stderr, "No links%s in namespace %q of Temporal at %s.\n", given.likeThese(cmd), s.options.Namespace, s.options.HostPort)
		return nil
	}
	a.printTable(found)
	if more {
		fmt.Fprintf(a.env.Stderr, "\nThe first %d are shown. The next ones:\n  %s\n", len(found), nextCommand(cmd, next))
	}
	return nil
}

func (f listFlags) likeThese(cmd *cobra.Command) string {
	filtered := false
	for _, name := range []string{"state", "manager", "older-than", "newer-than", "page"} {
		filtered = filtered || cmd.Flags().Changed(name)
	}
	if filtered {
		return " like these"
	}
	return ""
}

// nextCommand repeats the command line with another page.
func nextCommand(cmd *cobra.Command, page string) string {
	words := []string{cmd.CommandPath()}
	cmd.Flags().Visit(func(flag *pflag.Flag) {
		if flag.Name == "page" {
			return
		}
		value := flag.Value.String()
		if several, ok := flag.Value.(pflag.SliceValue); ok {
			value = strings.Join(several.GetSlice(), ",")
		}
		words = append(words, "--"+flag.Name+"="+shellWord(value))
	})
	return strings.Join(append(words, "--page="+page), " ")
}

func shellWord(text string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_.,:/@=", r)
	}
	if text != "" && strings.IndexFunc(text, func(r rune) bool { return !plain(r) }) < 0 {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}

// listJSON is the one object of the command.
type listJSON struct {
	Links []listedJSON `json:"links"`
	// NextPage is the value of --page for what comes after; empty at the end.
	NextPage string `json:"nextPage,omitempty"`
}

type listedJSON struct {
	runJSON
	Manager string `json:"manager"`
	OrgID   string `json:"orgId"`
	// Workflow is "LinkOrganization" or "UnlinkOrganization".
	Workflow string `json:"workflow"`
	// State is one of those of --state; "running" here means not blocked.
	State     string    `json:"state"`
	StartedAt time.Time `json:"startedAt"`
	EndedAt   time.Time `json:"endedAt,omitzero"`
	StartedBy string    `json:"startedBy,omitempty"`
}

func newListJSON(found []listed, next string) listJSON {
	out := listJSON{Links: []listedJSON{}, NextPage: next}
	for _, l := range found {
		out.Links = append(out.Links, listedJSON{
			runJSON: l.run.json(), Manager: l.run.manager, OrgID: l.run.orgID,
			Workflow: l.run.workflow, State: l.state, StartedAt: l.startedAt, EndedAt: l.endedAt, StartedBy: l.run.startedBy,
		})
	}
	return out
}
