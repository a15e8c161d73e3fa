package starter

import (
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"github.com/stretchr/testify/require"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/internal/console"
	"github.com/migrationlink/migrationlink/internal/links"
)

// complete types the words, the last of which TAB is pressed in, and returns
// the values that are offered, without their descriptions.
func complete(t *testing.T, c *command, words ...string) (values []string, directive cobra.ShellCompDirective) {
	t.Helper()
	c.stdout.Reset()
	done := c.run(t.Context(), append([]string{"__complete"}, words...)...)
	require.Equal(t, console.ExitOK, done.code)
	lines := strings.Split(strings.TrimSpace(done.stdout), "\n")
	last := len(lines) - 1
	number, err := strconv.Atoi(strings.TrimPrefix(lines[last], ":"))
	require.NoError(t, err, done.stdout)
	for _, l := range lines[:last] {
		value, _, _ := strings.Cut(l, "\t")
		values = append(values, value)
	}
	return values, cobra.ShellCompDirective(number)
}

func TestOnlyFlagsForFilesOfferTheirNames(t *testing.T) {
	t.Parallel()
	root := (&app{Console: console.Console{Env: console.Environment{}.WithDefaults()}}).rootCommand()
	for _, command := range root.Commands() {
		check := func(flag *pflag.Flag) {
			if flag.Value.Type() == "bool" {
				return
			}
			c := newCommand(nil)
			c.env["TEMPORAL_ADDRESS"] = "127.0.0.1:1"
			_, directive := complete(t, c, command.Name(), "--"+flag.Name, "")
			switch flag.Name {
			case "config":
				require.Equal(t, cobra.ShellCompDirectiveFilterFileExt, directive)
			case "file", "token-file", "sealed-token-file", "output-file":
				require.Equal(t, cobra.ShellCompDirectiveDefault, directive)
			default:
				require.NotZero(t, directive&cobra.ShellCompDirectiveNoFileComp, "%s --%s", command.Name(), flag.Name)
			}
		}
		if command.Name() != "help" {
			command.LocalFlags().VisitAll(check)
			command.InheritedFlags().VisitAll(check)
			_, directive := complete(t, newCommand(nil), command.Name(), "")
			require.NotZero(t, directive&cobra.ShellCompDirectiveNoFileComp, command.Name())
		}
	}
}

func TestChoicesAreCompleted(t *testing.T) {
	t.Parallel()
	for typed, want := range map[string][]string{
		"link --undo|":                    {"on-cancel", "always", "never"},
		"link --if-linked|":               {"keep", "fail", "relink"},
		"link --on-blocked|":              {"fail", "wait"},
		"unlink --on-blocked|":            {"fail", "wait"},
		"link --token-ref|":               {"env:LINK_TOKEN_", "file:"},
		"link -o|":                        {"text", "json"},
		"status --output|":                {"text", "json"},
		"list --state|":                   links.States,
		"list --state|failed,completed,t": {"failed,completed,timed-out", "failed,completed,terminated"},
		"completion|":                     {"bash", "zsh", "fish", "powershell"},
	} {
		t.Run(typed, func(t *testing.T) {
			t.Parallel()
			before, last, _ := strings.Cut(typed, "|")
			values, _ := complete(t, newCommand(nil), append(strings.Fields(before), last)...)
			if last != "" { // the shell does this, too
				kept := values[:0]
				for _, value := range values {
					if strings.HasPrefix(value, last) {
						kept = append(kept, value)
					}
				}
				values = kept
			}
			require.Equal(t, want, values)
		})
	}
	flags, _ := complete(t, newCommand(nil), "status", "--manager", "demo", "")
	require.Equal(t, []string{"--org", "--timeout", "--watch"}, flags)
}

func TestCompletionOffersTheOrganizationsThatACommandAppliesTo(t *testing.T) {
	t.Parallel()
	for typed, want := range map[string][]int{
		"status --org":             {1, 2, 3, 4, 5, 6, 7, 8, 9},
		"doctor --org":             {1, 2, 3, 4, 5, 6, 7, 8, 9},
		"status --watch --org":     {1, 2},
		"cancel --org":             {1, 2},
		"retry --org":              {1, 2},
		"extend --org":             {1, 2},
		"check --org":              {1, 2},
		"link --org":               {4, 5, 6, 7, 8},
		"unlink --org":             {9},
		"cancel --manager x --org": {1, 2},
	} {
		t.Run(typed, func(t *testing.T) {
			t.Parallel()
			values, _ := complete(t, newFakeList(t, everyState()...).command(), append(strings.Fields(typed), "")...)
			require.Equal(t, orgs(want...), values)
		})
	}
	f := newFakeList(t, everyState()...)
	c := f.command()
	values, _ := complete(t, c, "status", "--manager", "demo", "--org", org(3)[:24])
	require.Equal(t, orgs(3), values)
	require.Contains(t, c.stdout.String(), "\tunlink completed 1h05m ago\n")
	require.Contains(t, f.queries[0], `"link.demo."`)
}

func TestManagersOfRecentLinksAreOfferedWhenNoWorkerAnswers(t *testing.T) {
	t.Parallel()
	values, _ := complete(t, newFakeList(t, everyState()...).command(), "status", "--manager", "")
	require.Equal(t, []string{"demo"}, values)
}

func TestCompletionOffersTheManagersAndAtlasOfAWorker(t *testing.T) {
	t.Parallel()
	f := newFakeList(t)
	f.known = &migrationlink.Inspection{Managers: []migrationlink.ManagerInspection{{Name: "demo"}, {Name: "prod"}}, Atlas: []migrationlink.AtlasInspection{{Name: "eu"}, {Name: "prod"}}}
	for typed, want := range map[string][]string{
		"link --manager|":    {"demo", "prod"},
		"link --atlas|":      {"eu", "prod"},
		"retry --atlas|e":    {"eu"},
		"doctor --atlas|p":   {"prod"},
		"status --manager|p": {"prod"},
	} {
		before, last, _ := strings.Cut(typed, "|")
		values, _ := complete(t, f.command(), append(strings.Fields(before), last)...)
		require.Equal(t, want, values, typed)
	}
}

func TestCompletionNeitherHangsNorComplainsWithoutTemporal(t *testing.T) {
	t.Parallel()
	deaf, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = deaf.Close() })
	for name, address := range map[string]string{"closed port": closedPort(t), "silent peer": deaf.Addr().String(), "wrong settings": "::::"} {
		for _, flag := range []string{"--manager", "--org"} {
			t.Run(name+" "+flag, func(t *testing.T) {
				t.Parallel()
				c := newCommand(nil)
				c.env["TEMPORAL_ADDRESS"] = address
				began := time.Now()
				values, directive := complete(t, c, "status", flag, "")
				require.Less(t, time.Since(began), 2*time.Second)
				require.Empty(t, values)
				require.NotZero(t, directive&cobra.ShellCompDirectiveNoFileComp)
				require.NotContains(t, c.stderr.String(), "starter:")
			})
		}
	}
}

func TestTheScriptsAreForFourShells(t *testing.T) {
	t.Parallel()
	for shell, part := range map[string]string{"bash": "complete -o default", "zsh": "#compdef starter", "fish": "complete -c starter", "powershell": "Register-ArgumentCompleter -CommandName 'starter'"} {
		done := newCommand(nil).run(t.Context(), "completion", shell)
		require.Equal(t, console.ExitOK, done.code)
		require.Contains(t, done.stdout, part)
	}
	for _, args := range [][]string{{"completion"}, {"completion", "tcsh"}} {
		done := newCommand(nil).run(t.Context(), args...)
		require.Equal(t, console.ExitUsage, done.code)
		require.Contains(t, done.stderr, "name one shell: bash, zsh, fish, powershell")
	}
}

func TestTheVersionIsPrinted(t *testing.T) {
	t.Parallel()
	done := newCommand(nil).run(t.Context(), "--version")
	require.Equal(t, console.ExitOK, done.code)
	require.Regexp(t, `^starter version \S+, go1\.\d+`, done.stdout)
}
