package e2e_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// completeSystem has one link under way of each of two managers, and one ended.
func completeSystem(t *testing.T) (s *system, running, ended string) {
	t.Helper()
	s = newSystem(t)
	running, ended = "aaaa"+newOrg()[4:], "aabb"+newOrg()[4:]
	s.park("demo", running)
	s.park("prod", newOrg())
	over := s.park("demo", ended)
	require.NoError(t, s.temporal.TerminateWorkflow(t.Context(), over.GetID(), over.GetRunID(), "test"))
	s.listSoon([]string{ended}, "--state", "terminated")
	return s, running, ended
}

func TestCompletionOffersWhatThereIs(t *testing.T) {
	t.Parallel()
	s, running, ended := completeSystem(t)
	s.worker("\n[managers.unused]\nbase_url = \"SIMULATOR\"\npublic_key = \"env:DEMO_PUBLIC_KEY\"\nprivate_key = \"env:DEMO_PRIVATE_KEY\"\n")
	offers := func(want []string, words ...string) {
		t.Helper()
		s.onSomePress(want, func() []string {
			done := s.starter(append([]string{"__complete"}, words...)...)
			require.Zero(t, done.code)
			var values []string
			for line := range strings.Lines(done.stdout) {
				value, _, _ := strings.Cut(strings.TrimSpace(line), "\t")
				values = append(values, value)
			}
			return values[:len(values)-1] // without the directive
		})
	}
	offers([]string{"demo", "prod", "unused"}, "status", "--manager", "") // from links and from the worker
	offers([]string{"demo", "prod", "unused"}, "status", "--manager", "")
	offers([]string{running}, "cancel", "--manager", "demo", "--org", "")
	offers([]string{running, ended}, "status", "--manager", "demo", "--org", "aa")
	offers([]string{ended}, "link", "--manager", "demo", "--org", "")
}

// onSomePress asks for completions until they are the wanted ones. A completion gives
// up after two seconds and then offers less, so on a busy machine one press of the key
// proves nothing.
func (s *system) onSomePress(want []string, press func() []string) {
	s.t.Helper()
	var got []string
	s.within(2*time.Minute, func() bool {
		got = press()
		s.t.Logf("offered: %q", got)
		return slices.Equal(want, got)
	})
}

// inShell has a shell complete the words, by the script that the starter prints.
func (s *system) inShell(shell string, args ...string) string {
	s.t.Helper()
	path := tool(s.t, shell)
	env := append(slices.Clone(s.env), "PATH="+filepath.Dir(starterProgram)+":"+os.Getenv("PATH"), "HOME="+s.t.TempDir())
	done := runProgram(s.t, env, path, args...)
	require.Zero(s.t, done.code, done.stderr)
	require.Empty(s.t, done.stderr)
	return done.stdout
}

func TestBashCompletesAManagerAndItsRunningOrganization(t *testing.T) {
	t.Parallel()
	const lib = "/usr/share/bash-completion/bash_completion"
	if _, err := os.Stat(lib); err != nil {
		without(t, "bash-completion")
	}
	s, running, ended := completeSystem(t)
	const press = `source ` + lib + `
source <(starter completion bash)
press() {
  COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMP_LINE="$*" COMP_POINT=${#COMP_LINE} COMP_TYPE=9 COMP_KEY=9
  COMPREPLY=()
  __start_starter 2>&1
  echo "${COMPREPLY[*]}"
}
compopt() { :; } # only there while a key is pressed
`
	s.onSomePress([]string{"cancel", "demo", running, ended, "terminated", "env:LINK_TOKEN_"}, func() []string {
		return strings.Fields(s.inShell("bash", "--noprofile", "--norc", "-c", press+`
press starter can
press starter cancel --manager d
press starter cancel --manager demo --org ""
press starter status --org aab
press starter list --state te
press starter link --token-ref e`))
	})
}

func TestZshTakesTheScript(t *testing.T) {
	t.Parallel()
	s, _, _ := completeSystem(t)
	got := s.inShell("zsh", "-f", "-c", `autoload -Uz compinit && compinit -u -D && source <(starter completion zsh) && echo $_comps[starter]`)
	require.Equal(t, "_starter\n", got)
}

func TestFishCompletesAManagerAndItsRunningOrganization(t *testing.T) {
	t.Parallel()
	s, running, _ := completeSystem(t)
	s.onSomePress([]string{"demo", running + "\tlink running"}, func() []string {
		got := s.inShell("fish", "--no-config", "-c", `starter completion fish | source
complete -C "starter cancel --manager d"
complete -C "starter cancel --manager demo --org "`)
		lines := strings.Split(strings.TrimSpace(got), "\n")
		for i, line := range lines {
			lines[i], _, _ = strings.Cut(line, " for ") // the age differs
		}
		return lines
	})
}
